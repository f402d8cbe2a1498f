/* The host that vmdeck runs on: what its modules share. Nothing here is for front ends (src/backend.h is).
 *
 * No daemon: every call looks at the folders (src/base/dirs.h). What was read is kept between calls and read
 * again when the file is another one or has changed. All from one thread. */
#ifndef BACKEND_LOCAL_LOCAL_H
#define BACKEND_LOCAL_LOCAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "src/backend.h"
#include "src/base/dirs.h"
#include "src/base/json.h"
#include "src/base/str.h"
#include "src/model/cpu_plan.h"
#include "src/proto/launch.h"
#include "src/proto/statspage.h"

/* Which file it was, to see whether it is another one now. */
struct file_id {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};
struct file_id file_id_of(const struct stat *st);
bool file_id_eq(const struct file_id *a, const struct file_id *b);

/* A definition, as far as lists need it. (store.c) */
struct store_item {
	char file[DOMAIN_NAME_MAX + 1]; /* NAME of domains/NAME.xml */
	struct file_id id;
	char *broken; /* the sentence that says why it cannot be used, or NULL */
	char uuid[UUID_TEXT];
	char title[128];
	unsigned vcpus, max_vcpus;
	uint64_t memory_bytes, max_memory_bytes;
	bool autostart;
	bool seen;
};

/* A guest that runs. (registry.c) */
struct guest {
	char uuid[UUID_TEXT];
	char name[DOMAIN_NAME_MAX + 1];
	char title[128];
	int id;
	unsigned vcpus, max_vcpus;
	uint64_t memory_bytes, max_memory_bytes;
	int lock_fd;               /* open for looking at the lock, never for taking it */
	int stats_fd;              /* -1: not there yet */
	struct stats_header stats; /* as last read; magic 0 = never */
	struct file_id lock_id;
	pid_t pid; /* machine whose /proc files are open below; 0 none */
	int proc_stat, proc_statm;
	unsigned vcpu_tid[DOMAIN_VCPUS_MAX]; /* as the machine counts, and below as the host does */
	pid_t vcpu_thread[DOMAIN_VCPUS_MAX];
	char *live_xml; /* NULL: it is of another release */
	struct file_id live_id; /* of the file that it was read from */
	struct file_id ended_id; /* of the record of an end that was not this run's */
	struct domain_live live; /* what its text has beyond the definition; its id is @id */
	bool screen;    /* it has one */
	struct file_id changed_for; /* of the definition that @changed was worked out from */
	bool changed;
	bool seen;
};

struct local {
	struct backend backend;
	const struct dirs *dirs;
	struct store_item **items; /* sorted by file */
	size_t nitems;
	struct guest **guests; /* sorted by name */
	size_t nguests;
};

static inline struct local *local_of(struct backend *b)
{
	return (struct local *)b;
}

/* store.c: definitions. Paths are the caller's to free. */
char *store_path(const struct local *l, const char *name);
/* Look at the folder again. Broken files become items with @broken set. */
int store_refresh(struct local *l, struct err *e);
struct store_item *store_by_name(struct local *l, const char *name); /* not broken; NULL */
struct store_item *store_by_uuid(struct local *l, const char *uuid);
/* Load the definition of @it. */
int store_load(struct local *l, const struct store_item *it, struct domain **d, struct err *e);
/* Write @d; -EEXIST when its name or its uuid belongs to another domain (defined or running). */
int store_define(struct local *l, const struct domain *d, struct err *e);
/* The same where the domain of that uuid may have had another name, which is gone then; it is not running. */
int store_rename(struct local *l, const struct domain *d, struct err *e);
/* The check alone, for what is started without being defined; after a refresh of store and registry. */
int store_check_identity(struct local *l, const struct domain *d, struct err *e);
int store_undefine(struct local *l, const struct store_item *it, struct err *e);
int store_autostart(struct local *l, const struct store_item *it, bool on, struct err *e);
void store_done(struct local *l);

/* registry.c: what runs. */
char *registry_dir(const struct local *l, const char *uuid);
char *registry_path(const struct local *l, const char *uuid, const char *file); /* below <runtime>/UUID */
char *log_path(const struct local *l, const char *uuid, const char *file);      /* below <log>/UUID */
/* Look at all runtime folders again; those whose guest is gone are cleaned up, and it is recorded how it went
 * when nobody did. */
int registry_refresh(struct local *l, struct err *e);
struct guest *guest_by_uuid(struct local *l, const char *uuid);
/* What is to be changed, for media_flags: *g runs, *it is its definition (each NULL where there is none).
 * Neither LIVE nor CONFIG in *flags becomes the one that libvirt means by that; one that is asked for is
 * there. */
int guest_and_definition(struct local *l, const char *uuid, unsigned *flags, struct guest **g,
			 const struct store_item **it, struct err *e);
struct guest *guest_by_name(struct local *l, const char *name);
/* Its live XML, the caller's to free. -EPROTO when it was started by a release that writes another
 * version. */
int live_read(const struct local *l, const char *uuid, char **xml, struct err *e);
/* Replace it. */
int live_write(const struct local *l, const char *uuid, const char *xml, struct err *e);
/* Read the guest's stats header anew. false: not there (yet) or not ours. */
bool guest_stats(struct guest *g);
void guest_state(const struct guest *g, enum domain_state *state, enum domain_reason *reason);
/* Wait until the release of a run that has ended is through with <runtime>/UUID, within a minute. */
void registry_settle(struct local *l, const char *uuid);
/* Become the holder of <runtime>/UUID, made when missing: the descriptor of its lock, or -EALREADY when the
 * guest runs. */
int registry_claim(struct local *l, const char *uuid, const char *name, struct err *e);
/* Remove <runtime>/UUID, whose lock the caller holds with @lock_fd (closed). */
void registry_remove(struct local *l, const char *uuid, int lock_fd);
/* The next domain id of this host. */
int registry_next_id(struct local *l, struct err *e);
void registry_done(struct local *l);

/* How a guest's last run ended (ended.json). */
struct ended {
	bool valid;
	enum domain_state state; /* DOMAIN_SHUTOFF or DOMAIN_CRASHED */
	enum domain_reason reason;
	char detail[256];
	char action[24];
	int id;
	bool cleaned;
};
void ended_read(const struct local *l, const char *uuid, struct ended *out);
bool ended_restarts(const struct ended *en); /* its action is one that starts the domain again */
int ended_write(const struct local *l, const char *uuid, const struct ended *en, struct err *e);
void ended_forget(const struct local *l, const char *uuid);

/* journal.c: the journal to append to; -1 when it cannot be opened. And one line of JSON for everything that
 * happened to a domain. Never fails loudly. */
int journal_open(const struct local *l);
void journal_add(const struct local *l, const char *event, const char *name, const char *uuid,
		 const char *detail);

/* imagelock.c: QEMU's locks on an image. Take them on @fd as a guest that reads, or reads and writes; they
 * last as long as the open file does. -EBUSY with who holds it. */
int image_lock(int fd, const char *path, const char *target, bool write, bool share, struct err *e);
/* The disk of @d that is this file, of the first @n; NULL. */
const struct domain_disk *image_disk(const struct domain *d, size_t n, const struct stat *file);
/* After -EBUSY: when it is a guest of ours that has the image, but for the one of @uuid (NULL: any), @e says whose
 * disk it is. */
void image_name_user(struct local *l, const char *uuid, const struct stat *file, const char *path,
		     const char *target, struct err *e);

/* kvm.c: what the host's KVM can do, measured once per boot. */
struct kvm_facts {
	int error;         /* errno: it cannot be used, 0 = fine */
	char message[300]; /* why */
	int api;
	unsigned max_vcpus;
	bool native;
	double ips;        /* kernel-mode instructions per second */
	char missing[200]; /* capabilities, or "" */
	struct cpu_host cpu; /* vendor "": not known */
};
int kvm_facts(const struct local *l, struct kvm_facts *out, struct err *e);
/* Why /dev/kvm cannot be opened, with the remedy; 0 when it can. */
int kvm_access(struct err *e);

/* scope.c: a place for the guest where it outlives the session, with @lim (backend/local/limits.h), of which it says
 * what is done. Return: 1: it is in a scope; 0: there is no systemd. */
struct limits;
int scope_enter(pid_t pid, const char *name, const char *uuid, struct limits *lim, struct err *e);
/* Is lingering on for this user, so that a session's end does not end the guest? 1, 0, or -errno when there
 * is no logind. */
int scope_lingering(void);

/* policy.c: what vmdeck.conf says about all guests. */
struct policy {
	bool require;         /* no guest starts whose sandbox lacks something */
	uid_t uid_first;      /* guests of root have uids of [uid_first, uid_first + uids) */
	unsigned uids;        /* 0: they are root's */
};
int policy_read(const struct local *l, struct policy *out, struct err *e);
/* The uid of the guest with @id. */
uid_t policy_uid(const struct local *l, const struct policy *p, int id);
/* Can a process of ours become that uid? Tries it, in a child. */
bool policy_uid_had(const struct policy *p);
/* Before a start: what the sandbox lacks on this host is a warning among @notes, or the refusal; and it is told
 * to the guest's processes. */
int policy_sandbox(const struct policy *p, struct buf *notes, struct err *e);

/* launch.c. @paused etc: enum start_flags. @persistent false: from domain_create. */
/* media.c: The live XML (taken) with the trays of its drives as they are now. */
char *media_trays(const struct guest *g, char *xml);
/* media.c: What is to be started of @d when optional media are missing; *out is the caller's, NULL: @d as it
 * is. */
int media_at_start(const struct domain *d, struct domain **out, struct buf *notes, struct err *e);

int launch_guest(struct local *l, const struct domain *d, unsigned start_flags, struct buf *notes,
		 struct err *e);
/* Open a file that a guest needs; @what stands before the path in the error. A descriptor, or -errno. */
int open_file(const char *what, const char *path, int flags, struct err *e);

/* port_holder.c: who listens at TCP or UDP @port, in words; the caller's to free. */
char *port_holder(bool udp, unsigned port);

/* usernet.c: the go message's members "interfaces" and "net_program" into @go, when a card of @d is in the
 * user-mode network. A port that is to lead to the guest and is taken is refused with who has it; that the
 * host has no name server is a warning in @notes (may be NULL). */
int usernet_open(struct local *l, const struct domain *d, json_t *go, struct buf *notes, struct err *e);

/* firmware.c: what a guest without <kernel> boots with. Files go into @fds as src/proto/launch.h names them;
 * what is missing is named with its package. */
int firmware_open(const struct domain *d, struct fd_set_named *fds, struct err *e);
/* For a <kernel>, which may need SeaBIOS to have run before it: what of that is on this host. */
void firmware_offer(const struct domain *d, struct fd_set_named *fds);
/* The variable store of an EFI guest, made from its template when it is not there yet; nothing for others. */
int firmware_open_nvram(const struct local *l, const struct domain *d, unsigned start_flags,
			struct fd_set_named *fds, struct err *e);
/* Where that store is, the caller's to free; NULL: the guest has none. */
char *firmware_nvram_path(const struct local *l, const struct domain *d);

/* interface.c: the taps of interfaces in bridges, made and put into @fds as "net:N"; @live tells their names.
 * They vanish with their descriptors. */
int interfaces_open(const struct domain *d, struct fd_set_named *fds, struct domain_live *live,
		    struct err *e);

/* The calls, by file. */
int local_domain_list(struct backend *, struct domain_info **, size_t *, struct err *);
int local_domain_get(struct backend *, const char *, struct domain_info *, struct err *);
int local_domain_xml(struct backend *, const char *, unsigned, char **, struct err *);
int local_domain_define(struct backend *, const char *, const char *, unsigned, struct domain_info *, char **,
			struct err *);
int local_domain_undefine(struct backend *, const char *, unsigned, struct err *);
int local_domain_create(struct backend *, const char *, const char *, unsigned, struct domain_info *, char **,
			struct err *);
int local_domain_start(struct backend *, const char *, unsigned, char **, struct err *);
int local_domain_shutdown(struct backend *, const char *, enum shutdown_what, struct err *);
int local_domain_destroy(struct backend *, const char *, struct err *);
int local_domain_reset(struct backend *, const char *, struct err *);
int local_domain_suspend(struct backend *, const char *, struct err *);
int local_domain_resume(struct backend *, const char *, struct err *);
int local_domain_autostart(struct backend *, const char *, bool, struct err *);
int local_domain_command(struct backend *, const char *, const char *, const char *, char **, struct err *);
int local_domain_release(struct backend *, const char *, struct err *);
int local_domain_block_info(struct backend *, const char *, const char *, struct block_info *, struct err *);
int local_domain_change_media(struct backend *, const char *, const char *, const char *, enum media_action,
			      unsigned, struct err *);
int local_console_open(struct backend *, const char *, unsigned, uint64_t, int *, struct err *);
int local_console_log(struct backend *, const char *, unsigned, bool, int, struct err *);
int local_console_path(struct backend *, const char *, unsigned, char **, struct err *);
int local_domain_set_link(struct backend *, const char *, const char *, bool, unsigned, struct err *);
int local_domain_screen(struct backend *, const char *, struct screen_info *, struct err *);
int local_domain_screenshot(struct backend *, const char *, unsigned, int *, struct err *);
int local_screen_open(struct backend *, const char *, int *, struct err *);
int local_sample(struct backend *, struct sample *, struct err *);
int local_host_neighbour(struct backend *, const uint8_t[6], char[56], struct err *);
int local_host_bridges(struct backend *, char **, struct err *);
int local_host_info(struct backend *, struct host_info *, struct err *);
int local_host_validate(struct backend *, struct host_check **, size_t *, struct err *);

#endif
