/* What is asked of a running guest: over its control socket, and of its keeper by a signal when that does not
 * do. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "backend/local/graphics.h"
#include "backend/local/install.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/lock.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/control.h"
#include "src/proto/launch.h"
#include "src/proto/record.h"
#include "src/proto/registry.h"

#define QUIT_MS 1500     /* for a machine to end by itself */
#define DESTROY_MS 15000 /* until everything of it is gone: freeing huge memory takes its time */

/* The running guest @uuid, or -ENOTCONN (defined) or -ENOENT. */
static int running(struct local *l, const char *uuid, struct guest **g, struct err *e)
{
	int rc = registry_refresh(l, e);
	if (rc)
		return rc;
	*g = guest_by_uuid(l, uuid);
	if (*g)
		return 0;
	rc = store_refresh(l, e);
	if (rc)
		return rc;
	struct store_item *it = store_by_uuid(l, uuid);
	return it ? err_set(e, ENOTCONN, "domain '%s' is not running", it->file)
		  : err_set(e, ENOENT, "no domain '%s'", uuid);
}

/* One command. @args is taken. */
static int command(struct local *l, struct guest *g, const char *name, json_t *args, json_t **reply, int *fd,
		   struct err *e)
{
	AUTO_FREE char *path = registry_path(l, g->uuid, REG_CONTROL);
	struct control *c = control_connect(path, BACKEND_TIMEOUT_MS, e);
	int rc;
	if (c) {
		rc = control_call(c, name, args, reply, fd, e);
	} else {
		json_decref(args);
		rc = -(e && e->code ? e->code : EIO);
	}
	control_close(c);
	if (rc)
		err_prefix(e, "domain '%s'", g->name);
	return rc;
}

static int simple(struct backend *b, const char *uuid, const char *name, json_t *args, struct err *e)
{
	struct local *l = local_of(b);
	struct guest *g;
	struct err err = {0};
	int rc = running(l, uuid, &g, &err);
	if (!rc)
		rc = command(l, g, name, args, NULL, NULL, &err);
	else
		json_decref(args);
	return rc ? err_set(e, -rc, "%s", err.msg) : 0;
}

int local_domain_shutdown(struct backend *b, const char *uuid, enum shutdown_what what, struct err *e)
{
	json_t *args = json_object();
	if (what == SHUTDOWN_REBOOT)
		json_set_flag(args, "reboot", true);
	return simple(b, uuid, "system_powerdown", args, e);
}

int local_domain_reset(struct backend *b, const char *uuid, struct err *e)
{
	return simple(b, uuid, "system_reset", NULL, e);
}

int local_domain_suspend(struct backend *b, const char *uuid, struct err *e)
{
	return simple(b, uuid, "stop", NULL, e);
}

int local_domain_resume(struct backend *b, const char *uuid, struct err *e)
{
	return simple(b, uuid, "cont", NULL, e);
}

int local_domain_command(struct backend *b, const char *uuid, const char *name, const char *arguments,
			 char **reply, struct err *e)
{
	struct local *l = local_of(b);
	struct guest *g;
	struct err err = {0};
	json_t *args = NULL;
	AUTO_JSON json_t *ret = NULL;
	int rc = running(l, uuid, &g, e);
	if (rc)
		return rc;
	if (arguments && *arguments) {
		args = json_parse(arguments, strlen(arguments), e);
		if (!json_is_object(args)) {
			json_decref(args);
			return args ? err_set(e, EINVAL, "the arguments of '%s' are not a JSON object", name)
				    : -EINVAL;
		}
	}
	rc = command(l, g, name, args, &ret, NULL, &err);
	if (rc)
		return err_set(e, -rc, "%s", err.msg);
	*reply = str_mask(json_text(ret, false));
	return 0;
}

/* --- destroy --- */

static int pidfd_of(pid_t pid)
{
	return pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

static pid_t keeper_pid(struct local *l, struct guest *g)
{
	AUTO_FREE char *path = registry_path(l, g->uuid, REG_KEEPER_PID);
	AUTO_FREE char *text = NULL;
	if (file_read(path, 64, &text, NULL, NULL))
		return 0;
	int pid = atoi(text);
	return pid > 1 ? pid : 0;
}

/* Wait until @pidfd's process has ended. */
static bool gone(int pidfd, int ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int rc;
	do
		rc = poll(&p, 1, ms);
	while (rc < 0 && errno == EINTR);
	return rc > 0;
}

/* Wait until nobody holds the guest's lock. Only polled for when there is no process to wait for. */
static bool lock_gone(struct guest *g, int ms)
{
	for (int i = 0; lock_held(g->lock_fd) == 1; i++) {
		if (i * 10 > ms)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return true;
}

int local_domain_destroy(struct backend *b, const char *uuid, struct err *e)
{
	struct local *l = local_of(b);
	struct guest *g;
	int rc = running(l, uuid, &g, e);
	if (rc)
		return rc;
	AUTO_FREE char *name = x_strdup(g->name);
	/* The keeper cannot be another process: its pid is looked up while the lock is still held, and it
	 * holds the lock. */
	AUTO_CLOSE int keeper = pidfd_of(keeper_pid(l, g));
	if (lock_held(g->lock_fd) != 1)
		return err_set(e, ENOTCONN, "domain '%s' is not running", name);
	AUTO_FREE char *path = registry_path(l, uuid, REG_CONTROL);
	struct control *c = control_connect(path, 500, NULL);
	json_t *args = json_object();
	json_set_str(args, "reason", "destroyed");
	if (c)
		control_call(c, "quit", args, NULL, NULL, NULL); /* it may die before it answers */
	else
		json_decref(args);
	control_close(c);
	if (!c || !(keeper >= 0 ? gone(keeper, QUIT_MS) : lock_gone(g, QUIT_MS))) {
		if (keeper < 0 || syscall(SYS_pidfd_send_signal, keeper, SIGUSR2, NULL, 0) < 0)
			return err_sys(e, keeper < 0 ? ESRCH : errno, "domain '%s': cannot signal its keeper",
				       name);
	}
	if (keeper >= 0 ? !gone(keeper, DESTROY_MS) : !lock_gone(g, DESTROY_MS))
		return err_set(e, ETIMEDOUT, "domain '%s' did not end within %d s", name, DESTROY_MS / 1000);
	registry_refresh(l, NULL);
	return 0;
}

/* --- after the end --- */

/* Start the domain again, as it is defined now or, a transient one, as it ran. */
/* @passwd: what the screen asks for when the definition leaves that open, "" = one is made up. */
static int restart(struct local *l, const char *uuid, const char *live, const char *passwd, struct err *e)
{
	struct domain *d = NULL;
	struct store_item *it = store_by_uuid(l, uuid);
	AUTO_BUF struct buf notes = {0};
	int rc = it ? store_load(l, it, &d, e) : domain_parse(live, strlen(live), REG_LIVE_XML, &d, e);
	if (!rc && *passwd && d->graphics && !d->graphics->passwd)
		d->graphics->passwd = x_strdup(passwd);
	if (!rc) /* that it was started at all says that the user wanted it on this host */
		rc = launch_guest(l, d, START_FORCE, &notes, e);
	domain_free(d);
	return rc;
}

int local_domain_release(struct backend *b, const char *uuid, struct err *e)
{
	struct local *l = local_of(b);
	struct ended en;
	char canon[UUID_TEXT];
	if (!uuid_canon(uuid, canon))
		return err_set(e, EINVAL, "'%s' is not a uuid", uuid);
	int rc = store_refresh(l, e);
	if (rc)
		return rc;
	int lock = registry_claim(l, canon, canon, e);
	if (lock < 0)
		return lock == -EALREADY ? 0 : lock; /* somebody was faster and started it again */
	AUTO_FREE char *live = NULL;
	struct domain *d = NULL;
	struct err why = {0};
	if (live_read(l, canon, &live, &why) == -EPROTO) { /* the release that it is of tidies up */
		fd_close(lock);
		return err_set(e, EPROTO, "domain %s: %s", canon, why.msg);
	}
	if (live)
		domain_parse(live, strlen(live), REG_LIVE_XML, &d, NULL);
	ended_read(l, canon, &en);
	if (d && d->graphics && d->graphics->socket)
		unlink(d->graphics->socket);
	struct screen_info screen = {0}; /* who watches an installation goes on with the password that was told */
	if (d && d->installing)
		graphics_info(l, canon, &screen, NULL);
	install_forget(l, canon);
	registry_remove(l, canon, lock);
	if (!d) /* nothing was left: cleaned up by somebody else */
		return 0;
	journal_add(l, en.state == DOMAIN_CRASHED ? "crashed" : "ended", d->name, canon,
		    *en.detail ? en.detail : domain_reason_text(en.reason));
	bool again = ended_restarts(&en);
	if (d->installing && !store_by_uuid(l, canon)) /* a first boot is not repeated when its definition was taken away */
		again = false;
	en.cleaned = true;
	if (!en.valid || (!again && !store_by_uuid(l, canon)))
		ended_forget(l, canon); /* a transient domain is no more */
	else
		ended_write(l, canon, &en, NULL);
	rc = en.valid && again ? restart(l, canon, live, screen.passwd, e) : 0;
	domain_free(d);
	return rc;
}

/* --- consoles --- */

int local_console_open(struct backend *b, const char *uuid, unsigned index, uint64_t replay, int *fd,
		       struct err *e)
{
	struct local *l = local_of(b);
	struct guest *g;
	struct err err = {0};
	int got = -1, rc = running(l, uuid, &g, e);
	if (rc)
		return rc;
	json_t *args = json_object();
	json_set_int(args, "index", index);
	json_set_int(args, "replay", replay > INT64_MAX ? INT64_MAX : (int64_t)replay);
	rc = command(l, g, "console-open", args, NULL, &got, &err);
	if (rc == -EREMOTEIO)
		rc = -ENOENT;
	if (rc)
		return err_set(e, -rc, "%s", err.msg);
	if (got < 0)
		return err_set(e, EPROTO, "domain '%s' sent no console with its answer", g->name);
	*fd = got;
	return 0;
}

int guest_and_definition(struct local *l, const char *uuid, unsigned *flags, struct guest **g,
			 const struct store_item **it, struct err *e)
{
	int rc = store_refresh(l, e);
	if (!rc)
		rc = registry_refresh(l, e);
	if (rc)
		return rc;
	*g = guest_by_uuid(l, uuid);
	*it = store_by_uuid(l, uuid);
	if (!*g && !*it)
		return err_set(e, ENOENT, "no domain '%s'", uuid);
	if (!(*flags & (MEDIA_LIVE | MEDIA_CONFIG)))
		*flags |= *g ? MEDIA_LIVE : MEDIA_CONFIG;
	if ((*flags & MEDIA_LIVE) && !*g)
		return err_set(e, ENOTCONN, "domain '%s' is not running", (*it)->file);
	if ((*flags & MEDIA_CONFIG) && !*it)
		return err_set(e, EINVAL, "domain '%s' is transient: it has no definition", (*g)->name);
	return 0;
}

/* A command whose answer brings a descriptor: @what, of the guest's screen. */
static int screen_command(struct local *l, const char *uuid, const char *name, json_t *args, const char *what,
			  int *fd, struct err *e)
{
	struct guest *g;
	struct err err = {0};
	int got = -1, rc = running(l, uuid, &g, e);
	if (rc) {
		json_decref(args);
		return rc;
	}
	rc = command(l, g, name, args, NULL, &got, &err);
	if (rc)
		return err_set(e, rc == -EREMOTEIO ? ENODEV : -rc, "%s", err.msg);
	if (got < 0)
		return err_set(e, EPROTO, "domain '%s' sent no %s with its answer", g->name, what);
	*fd = got;
	return 0;
}

int local_domain_screenshot(struct backend *b, const char *uuid, unsigned screen, int *fd, struct err *e)
{
	json_t *args = json_object();
	json_set_int(args, "head", screen);
	return screen_command(local_of(b), uuid, "screendump", args, "picture", fd, e);
}

int local_screen_open(struct backend *b, const char *uuid, int *fd, struct err *e)
{
	return screen_command(local_of(b), uuid, "screen-open", NULL, "screen", fd, e);
}

int local_console_path(struct backend *b, const char *uuid, unsigned index, char **path, struct err *e)
{
	struct local *l = local_of(b);
	struct guest *g;
	int rc = running(l, uuid, &g, e);
	if (rc)
		return rc;
	char file[40];
	snprintf(file, sizeof(file), "console%u.sock", index);
	AUTO_FREE char *p = registry_path(l, uuid, file);
	if (access(p, F_OK) < 0)
		return err_set(e, ENOENT, "domain '%s' has no serial console %u", g->name, index);
	*path = TAKE_PTR(p);
	return 0;
}

static int copy_record(struct record *r, bool since_boot, int fd, struct err *e)
{
	char chunk[65536];
	uint64_t at = since_boot ? record_boot(r) : record_begin(r), end = record_end(r);
	while (at < end) { /* as far as it went when we began: a guest that writes on does not hold us */
		uint64_t want = end - at < sizeof(chunk) ? end - at : sizeof(chunk);
		ssize_t k = record_read(r, &at, chunk, want);
		if (k <= 0)
			return k < 0 ? err_sys(e, (int)-k, "cannot read the console's record") : 0;
		int rc = fd_write_all(fd, chunk, (size_t)k);
		if (rc)
			return err_sys(e, -rc, "cannot write the console's record");
	}
	return 0;
}

int local_console_log(struct backend *b, const char *uuid, unsigned index, bool since_boot, int fd,
		      struct err *e)
{
	struct local *l = local_of(b);
	char name[40];
	int seg[RECORD_SEGMENTS], n = 0, rc = 0, index_fd = -1;
	for (; n < RECORD_SEGMENTS && !rc; n++) {
		snprintf(name, sizeof(name), "console%u.log.%d", index, n);
		AUTO_FREE char *path = log_path(l, uuid, name);
		seg[n] = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		rc = seg[n] < 0 ? -errno : 0;
	}
	snprintf(name, sizeof(name), "console%u.idx", index);
	AUTO_FREE char *path = log_path(l, uuid, name);
	if (!rc) {
		index_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		rc = index_fd < 0 ? -errno : 0;
	}
	struct record r;
	if (!rc)
		rc = record_open_reader(&r, seg, index_fd);
	if (rc == -ENODATA || rc == -ENOENT)
		rc = err_set(e, ENOENT, "nothing is recorded of serial console %u", index);
	else
		rc = rc ? err_sys(e, -rc, "cannot open '%s'", path) : copy_record(&r, since_boot, fd, e);
	while (n)
		fd_close(seg[--n]);
	fd_close(index_fd);
	return rc;
}
