#include "src/base/dirs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"

static char *xdg(const char *var, const char *below_home)
{
	const char *v = getenv(var), *home = getenv("HOME");
	if (v && *v == '/')
		return x_asprintf("%s/vmdeck", v);
	return x_asprintf("%s/%s/vmdeck", home && *home ? home : "/", below_home);
}

/* A short, stable name for the home, so that two homes never share a runtime folder. FNV-1a. */
static unsigned long long home_hash(const char *s)
{
	unsigned long long h = 14695981039346656037ull;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ull;
	return h;
}

static char *tmpfs_base(void)
{
	const char *x = getenv("XDG_RUNTIME_DIR");
	if (x && *x == '/' && access(x, W_OK) == 0)
		return x_strdup(x);
	if (access("/run", W_OK) == 0)
		return x_strdup("/run");
	return x_strdup("/dev/shm");
}

/* $VMDECK_HOME/run is a link to a folder on a tmpfs, whichever of them is already there. */
static int home_runtime(struct dirs *d, mode_t mode, struct err *e)
{
	d->runtime = x_asprintf("%s/run", d->home);
	AUTO_FREE char *base = tmpfs_base();
	AUTO_FREE char *target =
		x_asprintf("%s/vmdeck-%u-%08llx", base, (unsigned)geteuid(), home_hash(d->home) & 0xffffffff);
	char now[PATH_MAX];
	ssize_t n = readlink(d->runtime, now, sizeof(now) - 1);
	if (n > 0) {
		now[n] = 0;
		return dir_make_own(now, mode, e); /* gone after a reboot */
	}
	if (access(d->runtime, F_OK) == 0)
		return 0; /* a plain folder that somebody made: use it */
	int rc = dir_make_own(target, mode, e);
	if (rc)
		return rc;
	if (symlink(target, d->runtime) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make '%s'", d->runtime);
	return 0;
}

static int fill(struct dirs *d, mode_t mode, struct err *e)
{
	const char *home = getenv("VMDECK_HOME");
	if (home && *home) {
		int rc = dir_make(home, mode, e);
		if (rc)
			return rc;
		d->home = realpath(home, NULL);
		if (!d->home)
			return err_sys(e, errno, "VMDECK_HOME '%s'", home);
		d->config = x_asprintf("%s/config", d->home);
		d->log = x_asprintf("%s/log", d->home);
		d->data = x_asprintf("%s/lib", d->home);
		return home_runtime(d, mode, e);
	}
	if (geteuid() == 0) {
		d->config = x_strdup("/etc/vmdeck");
		d->runtime = x_strdup("/run/vmdeck");
		d->log = x_strdup("/var/log/vmdeck");
		d->data = x_strdup("/var/lib/vmdeck");
		return 0;
	}
	d->config = xdg("XDG_CONFIG_HOME", ".config");
	d->log = xdg("XDG_STATE_HOME", ".local/state");
	d->data = xdg("XDG_DATA_HOME", ".local/share");
	const char *x = getenv("XDG_RUNTIME_DIR");
	if (x && *x == '/') {
		d->runtime = x_asprintf("%s/vmdeck", x);
		return 0;
	}
	d->runtime = x_asprintf("/tmp/vmdeck-%u", (unsigned)geteuid());
	if (dir_make_own(d->runtime, mode, e))
		return err_prefix(e, "without XDG_RUNTIME_DIR");
	return 0;
}

const struct dirs *dirs_get(struct err *e)
{
	static struct dirs d;
	static bool done;
	if (done)
		return &d;
	mode_t mode = geteuid() == 0 ? 0750 : 0700;
	if (fill(&d, mode, e))
		return NULL;
	char *const all[] = {d.config, d.runtime, d.log, d.data};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (dir_make(all[i], mode, e))
			return NULL;
	struct stat st; /* XDG_RUNTIME_DIR could be another's */
	if (stat(d.runtime, &st) < 0 || st.st_uid != geteuid()) {
		err_set(
		    e, EPERM,
		    "the folder '%s' belongs to another user: set XDG_RUNTIME_DIR to a folder of your own",
		    d.runtime);
		return NULL;
	}
	done = true;
	return &d;
}
