/* Between the files of the fake; nobody else includes this. */
#ifndef BACKEND_FAKE_HOST_H
#define BACKEND_FAKE_HOST_H

#include <pthread.h>

#include "backend/fake/fake.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"

#define FAKE_ATTACH_MAX 8

struct fake_picture;

struct fake_domain {
	struct domain_info info;
	char *xml;      /* the definition; NULL when transient */
	char *live_xml; /* what runs; NULL when inactive */
	unsigned load;  /* percent of one CPU when running */
	bool stale;
	char *facts;    /* what it answers to x-diagnose; NULL: it knows no such command */
	uint64_t busy_ms;         /* time it ran, by the fake clock */
	bool graphics;
	struct screen_info screen; /* when there are graphics */
	struct fake_picture *picture; /* NULL: nobody has looked */
	struct buf record;        /* its console since it was defined */
	size_t boot;              /* where the last power-on begins in record */
	int fds[FAKE_ATTACH_MAX]; /* our ends of attachments, -1 = free */
	struct buf line;          /* what was typed since the last return */
};

struct fake_failure {
	char *call;
	int code;
	char *text;
};

struct fake_path {
	char *path;
	struct path_info info;
};

struct fake {
	struct backend backend;
	pthread_mutex_t lock; /* recursive; held in every call */
	pthread_t thread;
	bool live;
	_Atomic bool stop;
	struct fake_domain **domains; /* sorted by name */
	size_t n;
	int next_id;
	unsigned made; /* domains generated so far */
	struct fake_path *paths; /* what lies on the host */
	size_t npaths;
	struct fake_failure *failures;
	size_t nfailures;
	bool interpreted, no_kvm;
	char *boot_text; /* NULL: guests are silent */
	struct buf bridges; /* their names, a line each */
	unsigned step_ms;
	uint64_t now_ms; /* the clock: since the fake was opened */
};

#define FAKE_EPOCH_MS 1767225600000ll /* wall clock at now_ms = 0: 2026-01-01 00:00 UTC */

static inline struct fake *fake_of(struct backend *b)
{
	return CONTAINER_OF(b, struct fake, backend);
}

static inline pthread_mutex_t *fake_locked(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	return &f->lock;
}

static inline void fake_unlock(pthread_mutex_t **m)
{
	pthread_mutex_unlock(*m);
}
/* Hold the lock to the end of the block. */
#define FAKE_LOCK(f)                                                                                         \
	__attribute__((cleanup(fake_unlock), unused)) pthread_mutex_t *fake_lock_ = fake_locked(f)

struct fake_domain *fake_by_name(struct fake *f, const char *name);
struct fake_domain *fake_by_uuid(struct fake *f, const char *uuid);
struct fake_domain *fake_add(struct fake *f, const struct domain_info *info);
void fake_remove(struct fake *f, struct fake_domain *d);

/* The guest begins to run: what it prints then. */
void fake_boot(struct fake *f, struct fake_domain *d);
/* Power on and off; state and reason as given. */
void fake_on(struct fake *f, struct fake_domain *d, bool paused);
void fake_off(struct fake *f, struct fake_domain *d, enum domain_state s, enum domain_reason r,
	      const char *detail);

/* The failure that the script asked for @call, once: -errno with @e filled, or 0. */
int fake_fails(struct fake *f, const char *call, struct err *e);

void fake_write(struct fake_domain *d, const void *p, size_t n);
void fake_hang_up(struct fake_domain *d);
void fake_live_start(struct fake *f);

int fake_console_open(struct backend *b, const char *uuid, unsigned index, uint64_t replay, int *fd,
		      struct err *e);
int fake_console_log(struct backend *b, const char *uuid, unsigned index, bool since_boot, int fd,
		     struct err *e);
void fake_screen_define(struct fake_domain *d, const struct domain *parsed);
int fake_screen_script(struct fake *f, char *args, struct err *e);
int fake_screen(struct backend *b, const char *uuid, struct screen_info *info, struct err *e);
int fake_screen_open(struct backend *b, const char *uuid, int *fd, struct err *e);
int fake_picture_script(struct fake *f, char *args, struct err *e);
int fake_text_script(struct fake *f, char *args, struct err *e);
void fake_picture_free(struct fake_domain *d);
void fake_picture_hang_up(struct fake_domain *d);
/* Answer those who look at it. */
void fake_picture_pump(struct fake_domain *d);
struct pollfd;
/* What to wait for; how many of @room. */
size_t fake_picture_poll(struct fake_domain *d, struct pollfd *p, size_t room);
/* @text with \r, \n, \e, \t and \\ read; the caller's to free. */
char *fake_unescape(const char *text);
/* set_password, expire_password, x-vnc-kick */
int fake_screen_command(struct fake_domain *d, const char *command, const char *arguments, struct err *e);
int fake_screenshot(struct backend *b, const char *uuid, unsigned screen, int *fd, struct err *e);
int fake_path_script(struct fake *f, char *args, struct err *e);
void fake_paths_done(struct fake *f);
int fake_console_path(struct backend *b, const char *uuid, unsigned index, char **path, struct err *e);
int fake_path_info(struct backend *b, const char *path, bool look_inside, struct path_info *info,
		   struct err *e);
int fake_install(struct backend *b, const struct install_job *job, struct domain_info *info, char **notes,
		 struct err *e);
int fake_sample(struct backend *b, struct sample *s, struct err *e);
int fake_host_neighbour(struct backend *b, const uint8_t mac[6], char address[56], struct err *e);
int fake_host_bridges(struct backend *b, char **names, struct err *e);
int fake_host_info(struct backend *b, struct host_info *h, struct err *e);
int fake_host_validate(struct backend *b, struct host_check **list, size_t *n, struct err *e);

#endif
