/* What runs: <runtime>/UUID/, alive while its lock is held (src/proto/registry.h). A folder whose lock is
 * free is what a guest left that nobody cleaned up after: its keeper was killed, or the host's manager killed
 * both. Whoever looks removes it and records that. */
#include "src/proto/registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/local/limits.h"
#include "backend/local/graphics.h"
#include "backend/local/install.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/lock.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/model/xml.h"
#include "src/proto/livexml.h"

#define HELD_GUEST 5   /* looks at a lock that is held, 10 ms apart, until the guest is taken for running */
#define HELD_EMPTY 300 /* the same, of a folder without live.xml */
#define RELEASE_S 60 /* that `domain-release` may take, a restart included */

char *registry_dir(const struct local *l, const char *uuid)
{
	return x_asprintf("%s/%s", l->dirs->runtime, uuid);
}

char *registry_path(const struct local *l, const char *uuid, const char *file)
{
	return x_asprintf("%s/%s/%s", l->dirs->runtime, uuid, file);
}

char *log_path(const struct local *l, const char *uuid, const char *file)
{
	return x_asprintf("%s/%s/%s", l->dirs->log, uuid, file);
}

static void guest_free(struct guest *g)
{
	if (!g)
		return;
	fd_close(g->lock_fd);
	fd_close(g->stats_fd);
	fd_close(g->proc_stat);
	fd_close(g->proc_statm);
	free(g->live_xml);
	free(g);
}

void registry_done(struct local *l)
{
	for (size_t i = 0; i < l->nguests; i++)
		guest_free(l->guests[i]);
	free(l->guests);
	l->guests = NULL;
	l->nguests = 0;
}

struct guest *guest_by_uuid(struct local *l, const char *uuid)
{
	for (size_t i = 0; i < l->nguests; i++)
		if (!strcmp(l->guests[i]->uuid, uuid))
			return l->guests[i];
	return NULL;
}

struct guest *guest_by_name(struct local *l, const char *name)
{
	for (size_t i = 0; i < l->nguests; i++)
		if (!strcmp(l->guests[i]->name, name))
			return l->guests[i];
	return NULL;
}

bool guest_stats(struct guest *g)
{
	struct stats_header h;
	if (g->stats_fd < 0 || fd_pread_all(g->stats_fd, &h, sizeof(h), 0) || h.magic != STATS_MAGIC ||
	    h.version != STATS_VERSION)
		return false;
	g->stats = h;
	return true;
}

void guest_state(const struct guest *g, enum domain_state *state, enum domain_reason *reason)
{
	static const struct {
		enum domain_state state;
		enum domain_reason reason; /* when the machine gives none */
	} of[] = {
	    [STATS_RUN_STARTING] = {DOMAIN_PAUSED, DOMAIN_REASON_STARTING},
	    [STATS_RUN_RUNNING] = {DOMAIN_RUNNING, DOMAIN_REASON_BOOTED},
	    [STATS_RUN_PAUSED] = {DOMAIN_PAUSED, DOMAIN_REASON_USER},
	    [STATS_RUN_SHUTDOWN] = {DOMAIN_SHUTDOWN, DOMAIN_REASON_USER},
	    [STATS_RUN_ENDED] = {DOMAIN_SHUTDOWN, DOMAIN_REASON_SHUTDOWN},
	};
	unsigned run = g->stats.magic && g->stats.run < ARRAY_SIZE(of) ? g->stats.run : STATS_RUN_STARTING;
	*state = of[run].state;
	*reason = g->stats.magic && g->stats.reason != DOMAIN_REASON_UNKNOWN &&
			  g->stats.reason < DOMAIN_REASON_COUNT
		      ? (enum domain_reason)g->stats.reason
		      : of[run].reason;
}

/* What drives a terminal has no place in live.xml, which the guest's process can write: neither as it is nor
 * as a character reference (XML 1.0, 4.1), which a parser would make such characters of. */
static char *live_mask(char *text)
{
	for (char *p = text; (p = strstr(p, "&#")); p += 2) {
		char *end;
		unsigned long c = p[2] == 'x' ? strtoul(p + 3, &end, 16) : strtoul(p + 2, &end, 10);
		if (c >= 0x7f && c < 0xa0 && *end == ';')
			memset(p, '?', (size_t)(end + 1 - p));
	}
	return str_mask(text);
}

int live_read(const struct local *l, const char *uuid, char **xml, struct err *e)
{
	AUTO_FREE char *path = registry_path(l, uuid, REG_LIVE_XML);
	AUTO_FREE char *text = NULL;
	const char *at;
	int rc = file_read(path, XML_SIZE_MAX + LIVEXML_LINE_MAX, &text, NULL, e);
	if (!rc)
		rc = livexml_unwrap(text, &at, e);
	if (!rc)
		*xml = live_mask(x_strdup(at));
	return rc;
}

/* What a guest of another release is called and has, as far as its definition tells. */
static void guest_describe_foreign(struct local *l, struct guest *g)
{
	store_refresh(l, NULL);
	const struct store_item *it = store_by_uuid(l, g->uuid);
	snprintf(g->name, sizeof(g->name), "%s", it ? it->file : g->uuid);
	if (!it)
		return;
	snprintf(g->title, sizeof(g->title), "%s", it->title);
	g->vcpus = it->vcpus;
	g->max_vcpus = it->max_vcpus;
	g->memory_bytes = it->memory_bytes;
	g->max_memory_bytes = it->max_memory_bytes;
}

/* Which file live.xml is now: a change of medium replaces it. */
static struct file_id live_id(const struct local *l, const char *uuid)
{
	AUTO_FREE char *path = registry_path(l, uuid, REG_LIVE_XML);
	struct stat st = {0};
	stat(path, &st); /* of a file that is not there: all zero */
	return file_id_of(&st);
}

/* The guest's description from live.xml. -EPROTO: it is of another release. */
static int guest_describe(struct local *l, struct guest *g)
{
	AUTO_FREE char *path = registry_path(l, g->uuid, REG_LIVE_XML);
	struct xml *x = NULL;
	struct domain *d = NULL;
	char *text = NULL;
	g->live_id = live_id(l, g->uuid);
	int rc = live_read(l, g->uuid, &text, NULL);
	if (rc == -EPROTO)
		guest_describe_foreign(l, g);
	if (rc)
		return rc;
	free(g->live_xml);
	g->live_xml = text;
	size_t len = strlen(text);
	rc = xml_parse(text, len, path, &x, NULL);
	if (!rc) {
		const char *id = xml_attr(xml_root(x), "id");
		g->id = id ? atoi(id) : -1;
		rc = domain_parse(text, len, path, &d, NULL);
		xml_free(x);
	}
	if (rc)
		return rc;
	snprintf(g->name, sizeof(g->name), "%s", d->name);
	str_printable(d->title, g->title, sizeof(g->title));
	g->vcpus = d->vcpus;
	g->max_vcpus = d->max_vcpus;
	g->memory_bytes = d->current_bytes;
	g->max_memory_bytes = d->memory_bytes;
	struct screen_info screen;
	g->live = (struct domain_live){0};
	g->live.vnc_port = d->graphics && !graphics_info(l, g->uuid, &screen, NULL) ? screen.port : 0;
	domain_live_taps(d, &g->live);
	g->screen = d->graphics || d->video;
	domain_free(d);
	return 0;
}

/* Is the end of the run @id recorded, after it began, and not tidied up yet? @en: the record. */
static bool run_is_over(const struct local *l, const char *uuid, int id, struct ended *en)
{
	AUTO_FREE char *live = registry_path(l, uuid, REG_LIVE_XML), *record = log_path(l, uuid, REG_ENDED);
	struct stat a, b;
	ended_read(l, uuid, en);
	if (!en->valid || en->cleaned || id < 0 || en->id != id || stat(live, &a) < 0 || stat(record, &b) < 0)
		return false;
	return b.st_mtim.tv_sec != a.st_mtim.tv_sec ? b.st_mtim.tv_sec > a.st_mtim.tv_sec
						    : b.st_mtim.tv_nsec >= a.st_mtim.tv_nsec;
}

/* The same of a guest whose lock is held: by the release of a run that has ended. A record is read once. */
static bool guest_is_over(const struct local *l, struct guest *g)
{
	AUTO_FREE char *path = log_path(l, g->uuid, REG_ENDED);
	struct stat st = {0};
	struct ended en;
	stat(path, &st);
	struct file_id now = file_id_of(&st);
	if (file_id_eq(&now, &g->ended_id))
		return false;
	g->ended_id = now;
	return run_is_over(l, g->uuid, g->id, &en);
}

static struct guest *guest_open(struct local *l, const char *uuid, int lock_fd, const struct stat *st)
{
	struct guest *g = x_calloc(1, sizeof(*g));
	*g = (struct guest){.id = -1,
			    .lock_fd = lock_fd,
			    .lock_id = file_id_of(st),
			    .stats_fd = -1,
			    .proc_stat = -1,
			    .proc_statm = -1};
	snprintf(g->uuid, sizeof(g->uuid), "%s", uuid);
	int rc = guest_describe(l, g);
	if (rc && rc != -EPROTO) { /* just being started, or being removed: the next look tells */
		guest_free(g);
		return NULL;
	}
	if (guest_is_over(l, g)) {
		guest_free(g);
		return NULL;
	}
	return g;
}

/* Remove what is in the folder, the lock last, and the folder. */
static void remove_contents(struct local *l, const char *uuid)
{
	AUTO_FREE char *dir = registry_dir(l, uuid);
	DIR *d = opendir(dir);
	if (!d)
		return;
	for (struct dirent *de; (de = readdir(d));)
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, "..") && strcmp(de->d_name, REG_LOCK))
			unlinkat(dirfd(d), de->d_name, 0);
	unlinkat(dirfd(d), REG_LOCK, 0);
	closedir(d);
	rmdir(dir);
}

/* The cgroup that was made for the guest, if any. */
static void remove_cgroup(struct local *l, const char *uuid)
{
	AUTO_FREE char *path = registry_path(l, uuid, REG_CGROUP);
	AUTO_FREE char *text = NULL;
	if (file_read(path, 8192, &text, NULL, NULL))
		return;
	char *back = strchr(text, '\n'), *end = back ? strchr(back + 1, '\n') : NULL;
	if (!end)
		return;
	*back++ = *end = 0;
	limits_leave(CGROUP_ROOT, text, back);
}

void registry_remove(struct local *l, const char *uuid, int lock_fd)
{
	remove_cgroup(l, uuid);
	remove_contents(l, uuid);
	fd_close(lock_fd);
}

/* Open and take the lock of UUID if that is still the file of that name. Descriptor, -EAGAIN (held), -ENOENT
 * or -ESTALE (gone meanwhile: try again), or another -errno. */
static int lock_open(const char *path, int flags)
{
	struct stat a, b;
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0640);
	if (fd < 0)
		return -errno;
	int rc = lock_take(fd);
	if (rc)
		return rc;
	if (fstat(fd, &a) < 0 || stat(path, &b) < 0 || a.st_ino != b.st_ino || a.st_dev != b.st_dev)
		return -ESTALE;
	return TAKE_FD(fd);
}

/* Did the keeper record the end a moment ago, and is it now `vmdeck domain-release`? Then the folder is that
 * one's, with what on_poweroff and the like want to be done. */
static bool release_under_way(struct local *l, const char *uuid, const struct ended *en, int id)
{
	AUTO_FREE char *record = log_path(l, uuid, REG_ENDED);
	AUTO_FREE char *path = registry_path(l, uuid, REG_KEEPER_PID);
	AUTO_FREE char *pid = NULL, *text = NULL;
	struct stat st;
	char proc[64];
	if (!en->valid || en->id != id || en->cleaned || stat(record, &st) < 0 ||
	    time(NULL) - st.st_mtime > RELEASE_S || file_read(path, 64, &pid, NULL, NULL))
		return false;
	snprintf(proc, sizeof(proc), "/proc/%d/stat", atoi(pid));
	if (file_read(proc, 4096, &text, NULL, NULL))
		return false;
	const char *state = strrchr(text, ')');
	return state && strlen(state) > 2 && state[2] != 'Z' && state[2] != 'X';
}

/* The guest of that folder is gone and nobody tidied up. */
static void clean_stale(struct local *l, const char *uuid)
{
	AUTO_FREE char *lock = registry_path(l, uuid, REG_LOCK);
	struct guest g = {.id = -1};
	struct ended en;
	snprintf(g.uuid, sizeof(g.uuid), "%s", uuid);
	int rc = guest_describe(l, &g);
	bool described = !rc;
	free(g.live_xml);
	if (rc == -EPROTO) /* for the release that it is of */
		return;
	ended_read(l, uuid, &en);
	if (described && release_under_way(l, uuid, &en, g.id))
		return;
	int fd = lock_open(lock, 0);
	if (fd < 0)
		return; /* being started, or another looks after it */
	if (described && (!en.valid || en.id != g.id)) {
		en = (struct ended){.valid = true,
				    .state = DOMAIN_CRASHED,
				    .reason = DOMAIN_REASON_CRASHED,
				    .id = g.id,
				    .cleaned = true};
		snprintf(en.detail, sizeof(en.detail), "its keeper process was killed");
		snprintf(en.action, sizeof(en.action), "destroy");
		ended_write(l, uuid, &en, NULL);
		journal_add(l, "crashed", g.name, uuid, en.detail);
	}
	install_forget(l, uuid);
	registry_remove(l, uuid, fd);
}

/* One folder of <runtime>. */
static struct guest *look_at(struct local *l, const char *uuid)
{
	AUTO_FREE char *path = registry_path(l, uuid, REG_LOCK);
	struct guest *g = guest_by_uuid(l, uuid);
	struct stat st;
	if (g && lock_held(g->lock_fd) == 1) {
		if (guest_is_over(l, g))
			return NULL;
		struct file_id now = live_id(l, uuid);
		if (!file_id_eq(&now, &g->live_id)) {
			guest_describe(l, g);
			g->changed_for = (struct file_id){0};
		}
		return g;
	}
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) { /* who made or removed it was killed, or could not remove all */
		int own = lock_open(path, O_CREAT); /* who makes it now tries again */
		if (own >= 0)
			registry_remove(l, uuid, own);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	int held = lock_held(fd);
	if (held == 1) {
		g = guest_open(l, uuid, TAKE_FD(fd), &st);
		return g;
	}
	if (held == 0)
		clean_stale(l, uuid);
	return NULL;
}

static void stats_refresh(struct local *l, struct guest *g)
{
	if (g->stats_fd < 0) {
		AUTO_FREE char *path = registry_path(l, g->uuid, REG_STATS);
		g->stats_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	guest_stats(g);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct guest *const *)a)->name, (*(struct guest *const *)b)->name);
}

int registry_refresh(struct local *l, struct err *e)
{
	DIR *d = opendir(l->dirs->runtime);
	if (!d)
		return err_sys(e, errno, "cannot read the folder '%s'", l->dirs->runtime);
	struct guest **now = NULL;
	size_t n = 0;
	for (struct dirent *de; (de = readdir(d));) {
		char uuid[UUID_TEXT];
		if (!uuid_canon(de->d_name, uuid) || strcmp(uuid, de->d_name))
			continue;
		struct guest *g = look_at(l, uuid);
		if (!g)
			continue;
		g->seen = true;
		stats_refresh(l, g);
		now = x_realloc(now, (n + 1) * sizeof(*now));
		now[n++] = g;
	}
	closedir(d);
	for (size_t i = 0; i < l->nguests; i++) {
		if (!l->guests[i]->seen)
			guest_free(l->guests[i]);
	}
	free(l->guests);
	l->guests = now;
	l->nguests = n;
	for (size_t i = 0; i < n; i++)
		now[i]->seen = false;
	if (n)
		qsort(now, n, sizeof(*now), by_name);
	return 0;
}

void registry_settle(struct local *l, const char *uuid)
{
	for (int ms = 0; ms < RELEASE_S * 1000; ms += 20) {
		struct guest g = {.id = -1};
		struct ended en;
		snprintf(g.uuid, sizeof(g.uuid), "%s", uuid);
		int rc = guest_describe(l, &g);
		free(g.live_xml);
		if (rc || !run_is_over(l, uuid, g.id, &en) || !release_under_way(l, uuid, &en, g.id))
			return;
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
}

int registry_claim(struct local *l, const char *uuid, const char *name, struct err *e)
{
	AUTO_FREE char *dir = registry_dir(l, uuid);
	AUTO_FREE char *path = registry_path(l, uuid, REG_LOCK), *live = registry_path(l, uuid, REG_LIVE_XML);
	int held = 0, vanished = 0;
	while (vanished < 20) {
		int rc = dir_make(dir, 0750, e);
		if (rc)
			return rc;
		int fd = lock_open(path, O_CREAT);
		if (fd >= 0)
			return fd;
		if (fd == -ENOENT || fd == -ESTALE) {
			vanished++;
			continue;
		}
		if (fd != -EAGAIN)
			return err_sys(e, -fd, "cannot lock '%s'", path);
		/* perhaps only one who tidies up; without a description there is nothing that runs */
		if (++held >= (access(live, F_OK) == 0 ? HELD_GUEST : HELD_EMPTY))
			return err_set(e, EALREADY, "domain '%s' is already active", name);
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return err_set(e, EBUSY, "domain '%s' is being started and stopped by others all the time", name);
}

int registry_next_id(struct local *l, struct err *e)
{
	AUTO_FREE char *path = x_asprintf("%s/next-id", l->dirs->runtime);
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return err_sys(e, errno, "cannot open '%s'", path);
	int rc = lock_wait(fd);
	AUTO_FREE char *text = NULL;
	uint64_t id = 1;
	if (!rc)
		rc = file_read_fd(fd, 64, &text, NULL);
	if (!rc) {
		text[strcspn(text, "\n")] = 0;
		if (!str_u64(text, &id) || !id || id >= INT32_MAX)
			id = 1;
		char next[24];
		int n = snprintf(next, sizeof(next), "%llu\n", (unsigned long long)id + 1);
		rc = ftruncate(fd, 0) < 0 ? -errno : fd_pwrite_all(fd, next, (size_t)n, 0);
	}
	return rc ? err_sys(e, -rc, "cannot count domain ids in '%s'", path) : (int)id;
}

void ended_read(const struct local *l, const char *uuid, struct ended *out)
{
	AUTO_FREE char *path = log_path(l, uuid, REG_ENDED);
	AUTO_FREE char *text = NULL;
	size_t len;
	*out = (struct ended){.id = -1};
	if (file_read(path, 16384, &text, &len, NULL))
		return;
	AUTO_JSON json_t *j = json_parse(text, len, NULL);
	if (!json_is_object(j))
		return;
	out->state = domain_state_parse(json_str(j, "state", ""));
	if (out->state != DOMAIN_CRASHED)
		out->state = DOMAIN_SHUTOFF;
	out->reason = domain_reason_parse(json_str(j, "reason", ""));
	str_printable(json_str(j, "detail", ""), out->detail, sizeof(out->detail));
	str_printable(json_str(j, "action", "destroy"), out->action, sizeof(out->action));
	out->id = (int)json_int(j, "id", -1);
	out->cleaned = json_flag(j, "cleaned", false);
	out->valid = true;
}

bool ended_restarts(const struct ended *en)
{
	return str_eq(en->action, "restart") || str_eq(en->action, "rename-restart") ||
	       str_eq(en->action, "coredump-restart");
}

int ended_write(const struct local *l, const char *uuid, const struct ended *en, struct err *e)
{
	AUTO_FREE char *dir = x_asprintf("%s/%s", l->dirs->log, uuid);
	AUTO_FREE char *path = log_path(l, uuid, REG_ENDED);
	AUTO_JSON json_t *j = json_object();
	char when[32];
	struct tm tm;
	time_t now = time(NULL);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	json_set_str(j, "time", when);
	json_set_str(j, "state", domain_state_text(en->state));
	json_set_str(j, "reason", domain_reason_text(en->reason));
	json_set_str(j, "detail", en->detail);
	json_set_str(j, "action", en->action);
	json_set_int(j, "id", en->id);
	json_set_flag(j, "cleaned", en->cleaned);
	AUTO_FREE char *text = json_text(j, true);
	int rc = dir_make(dir, 0750, e);
	return rc ? rc : file_replace(path, text, strlen(text), 0640, e);
}

void ended_forget(const struct local *l, const char *uuid)
{
	AUTO_FREE char *path = log_path(l, uuid, REG_ENDED);
	unlink(path);
}
