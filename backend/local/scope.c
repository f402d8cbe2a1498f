/* A place for a guest where it outlives the session that started it: a transient scope of the system manager
 * (root) or of the user's manager, which itself outlives the session only when lingering is on. Where no
 * systemd runs, a session of its own (setsid) is all there is to do. libsystemd is loaded when it is there;
 * vmdeck runs without. (systemd, org.freedesktop.systemd1.Manager) */
#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "backend/local/limits.h"
#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/spawn.h"

#define MANAGER "org.freedesktop.systemd1"
#define SCOPE_US 5000000 /* for one call */
#define ENTER_MS 2000 /* until the process is in its scope: the call only queues the job */

struct sdbus {
	void *lib;
	__typeof__(&sd_bus_open_system) open_system;
	__typeof__(&sd_bus_open_user) open_user;
	__typeof__(&sd_bus_message_new_method_call) new_call;
	__typeof__(&sd_bus_message_append) append;
	__typeof__(&sd_bus_message_open_container) open;
	__typeof__(&sd_bus_message_close_container) end;
	__typeof__(&sd_bus_call) call;
	__typeof__(&sd_bus_error_free) error_free;
	__typeof__(&sd_bus_message_unref) message_unref;
	__typeof__(&sd_bus_flush_close_unref) close;
};

static bool sdbus_load(struct sdbus *s)
{
	s->lib = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	const struct {
		const char *name;
		void *slot;
	} want[] = {
	    {"sd_bus_open_system", &s->open_system},
	    {"sd_bus_open_user", &s->open_user},
	    {"sd_bus_message_new_method_call", &s->new_call},
	    {"sd_bus_message_append", &s->append},
	    {"sd_bus_message_open_container", &s->open},
	    {"sd_bus_message_close_container", &s->end},
	    {"sd_bus_call", &s->call},
	    {"sd_bus_error_free", &s->error_free},
	    {"sd_bus_message_unref", &s->message_unref},
	    {"sd_bus_flush_close_unref", &s->close},
	};
	for (size_t i = 0; s->lib && i < ARRAY_SIZE(want); i++) {
		void *f = dlsym(s->lib, want[i].name);
		if (!f)
			return false;
		memcpy(want[i].slot, &f, sizeof(f));
	}
	return s->lib;
}

struct scope {
	const char *unit, *about;
	pid_t pid;
	const struct limits *lim; /* NULL: without */
};

static int fill_limits(const struct sdbus *s, sd_bus_message *m, const struct limits *lim)
{
	int rc = 0;
	for (size_t i = 0; i < lim->n && rc >= 0; i++)
		rc = s->append(m, "(sv)", lim->of[i].property, "t", lim->of[i].value);
	AUTO_FREE char *slice = lim->partition ? limits_slice(lim->partition) : NULL;
	return rc < 0 || !slice ? rc : s->append(m, "(sv)", "Slice", "s", slice);
}

/* Fill the call's arguments: name, mode, properties, auxiliary units (none). */
static int fill(const struct sdbus *s, sd_bus_message *m, const struct scope *c)
{
	int rc = s->append(m, "ss", c->unit, "fail");
	if (rc >= 0)
		rc = s->open(m, SD_BUS_TYPE_ARRAY, "(sv)");
	/* Stopped, all of the scope gets SIGTERM (KillMode=control-group, the default): the power button, and
	 * time for the guest to act on it. "mixed" would kill the machine at once: a scope has no main
	 * process to spare it for. */
	if (rc >= 0)
		rc = s->append(m, "(sv)(sv)(sv)(sv)",
			       "Description", "s", c->about,
			       "Delegate", "b", 1,
			       "CollectMode", "s", "inactive-or-failed",
			       "PIDs", "au", 1, (uint32_t)c->pid);
	if (rc >= 0 && c->lim)
		rc = fill_limits(s, m, c->lim);
	if (rc >= 0)
		rc = s->end(m);
	return rc < 0 ? rc : s->append(m, "a(sa(sv))", 0);
}

static int start_unit(const struct sdbus *s, sd_bus *bus, const struct scope *c, struct err *e)
{
	sd_bus_message *m = NULL, *reply = NULL;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int rc = s->new_call(bus, &m, MANAGER, "/org/freedesktop/systemd1", MANAGER ".Manager",
			     "StartTransientUnit");
	if (rc >= 0)
		rc = fill(s, m, c);
	if (rc >= 0)
		rc = s->call(bus, m, SCOPE_US, &error, &reply);
	if (rc < 0)
		rc = err_set(e, -rc, "systemd does not make a scope for the guest: %s",
			     error.message ? error.message : strerror(-rc));
	s->error_free(&error);
	s->message_unref(m);
	s->message_unref(reply);
	return rc < 0 ? rc : 0;
}

/* Which of the limits are there: a controller that the manager has not been given is left out silently. */
static void look(pid_t pid, const char *unit, struct limits *lim)
{
	for (int ms = 0; ms < ENTER_MS; ms += 10) {
		AUTO_FREE char *dir = limits_cgroup_of(CGROUP_ROOT, pid);
		if (dir && strstr(dir, unit)) {
			limits_look(lim, dir);
			return;
		}
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
}

int scope_lingering(void)
{
	const struct passwd *pw = getpwuid(getuid());
	if (access("/run/systemd/seats", F_OK) < 0 && access("/run/systemd/users", F_OK) < 0)
		return -ENOENT;
	AUTO_FREE char *path = x_asprintf("/var/lib/systemd/linger/%s", pw ? pw->pw_name : "");
	return access(path, F_OK) == 0;
}

static int linger(struct err *e)
{
	if (scope_lingering() != 0)
		return 0;
	AUTO_BUF struct buf out = {0};
	const char *const argv[] = {"loginctl", "--no-ask-password", "enable-linger", NULL};
	if (spawn_capture(argv, 5000, &out, NULL) == 0 && scope_lingering() == 1)
		return 0;
	const struct passwd *pw = getpwuid(getuid());
	return err_set(e, EPERM,
		       "the guest would end with your session: lingering is off and cannot be switched on by "
		       "you. Run once: "
		       "sudo loginctl enable-linger %s",
		       pw ? pw->pw_name : "USER");
}

/* A systemd that numbers processes as we do: one outside our name space would take another process for ours. Where
 * /proc hides the first process (hidepid) it is taken for systemd. */
static bool systemd_here(void)
{
	AUTO_FREE char *first = NULL;
	return access("/run/systemd/system", F_OK) == 0 &&
	       (file_read("/proc/1/comm", 64, &first, NULL, NULL) || str_eq(first, "systemd\n"));
}

int scope_enter(pid_t pid, const char *name, const char *uuid, struct limits *lim, struct err *e)
{
	if (!systemd_here())
		return 0;
	bool root = geteuid() == 0;
	int rc = root ? 0 : linger(e);
	if (rc)
		return rc;
	struct sdbus s = {0};
	if (!sdbus_load(&s))
		return 0; /* setsid is all that can be done */
	sd_bus *bus = NULL;
	rc = root ? s.open_system(&bus) : s.open_user(&bus);
	if (rc < 0 && root)
		return 0;
	if (rc < 0)
		return err_set(e, -rc,
			       "cannot reach your systemd manager (%s): log in with a full session, or set "
			       "XDG_RUNTIME_DIR=/run/user/%u",
			       strerror(-rc), (unsigned)getuid());
	/* The id after the uuid: an old scope of this guest may still be going away. */
	AUTO_FREE char *unit = x_asprintf("vmdeck-%s-%d.scope", uuid, (int)pid);
	AUTO_FREE char *about = x_asprintf("Virtual machine %s", name);
	struct scope c = {.unit = unit, .about = about, .pid = pid, .lim = lim};
	rc = start_unit(&s, bus, &c, e);
	if (!rc) {
		look(pid, unit, lim);
	} else { /* one that does not know such a property */
		c.lim = NULL;
		rc = start_unit(&s, bus, &c, e);
	}
	s.close(bus);
	return rc ? rc : 1;
}
