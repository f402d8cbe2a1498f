/* The local host: definitions, what runs, how it ends. This program is also the vmdeck-vmm and the vmdeck of
 * its guests: the keeper is the real one, the machine is a fake that answers and ends as its kernel command
 * line says, and no KVM is used but to be asked what it is.
 * needs: kvm */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "backend/vmm/keeper.h"
#include "src/backend.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/lock.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/model/xml.h"
#include "src/proto/launch.h"
#include "src/proto/livexml.h"
#include "src/proto/record.h"
#include "src/proto/statspage.h"
#include "tests/testlib.h"

/* What moves a terminal: a title by OSC, a colour by CSI, and CSI as C1 has it. */
#define EVIL_JSON "\\u001b]0;T\\u0007\\u001b[31m\\u009b2J\\u007f"

/* --- the fake machine --- */

static void on_term(int sig)
{
	_exit(LAUNCH_EXIT_POWEROFF);
}

static uint32_t host_pid; /* the fake machine's, as the keeper says */

static void fake_stats(int fd, unsigned run)
{
	struct stats_header h = {.magic = STATS_MAGIC,
				 .version = STATS_VERSION,
				 .block_size = STATS_BLOCK,
				 .nblocks = 1,
				 .machine_pid = host_pid,
				 .run = run,
				 .memory_bytes = 64 << 20,
				 .started_ms = 1234567890123};
	struct stats_block b = {
	    .kind = STATS_VCPU, .name = "vcpu0", .vcpu = {.exits = 42, .pio = 40, .tid = (uint32_t)getpid()}};
	h.reason = run == STATS_RUN_PAUSED ? DOMAIN_REASON_USER : DOMAIN_REASON_BOOTED;
	fd_pwrite_all(fd, &b, sizeof(b), STATS_BLOCK);
	fd_pwrite_all(fd, &h, sizeof(h), 0);
}

static void fake_console(struct fd_set_named *fds)
{
	int seg[RECORD_SEGMENTS];
	struct record r;
	char name[40];
	for (int i = 0; i < RECORD_SEGMENTS; i++) {
		snprintf(name, sizeof(name), "console0.log.%d", i);
		seg[i] = named_get(fds, name);
	}
	if (named_get(fds, "console0.idx") < 0)
		return;
	record_open_writer(&r, seg, named_get(fds, "console0.idx"), RECORD_SEGMENT_BYTES);
	record_mark(&r, RECORD_POWERON, 1);
	record_write(&r, "Linux version\n", 14, 1);
}

/* Answer one client. Returns when it has gone. */
static void fake_serve(int c, int stats)
{
	static char line[65536];
	const char *greeting = "{\"QMP\": {\"version\": {\"vmdeck\": \"0\", \"protocol\": 1}}}\n";
	fd_write_all(c, greeting, strlen(greeting));
	for (ssize_t n; (n = read(c, line, sizeof(line))) > 0;) {
		AUTO_JSON json_t *j = json_parse(line, (size_t)n - 1, NULL);
		const char *what = json_str(j, "execute", "");
		char reply[200];
		int pair[2] = {-1, -1};
		if (!strcmp(what, "quit"))
			_exit(LAUNCH_EXIT_DESTROYED);
		if (!strcmp(what, "stop"))
			fake_stats(stats, STATS_RUN_PAUSED);
		if (!strcmp(what, "cont"))
			fake_stats(stats, STATS_RUN_RUNNING);
		if (!strcmp(what, "console-open"))
			unixsock_pair(SOCK_STREAM, pair);
		const char *say = !strcmp(what, "x-say")    ? "\"return\": {\"a\": \"" EVIL_JSON "\"}"
				  : !strcmp(what, "x-fail") ? "\"error\": {\"desc\": \"" EVIL_JSON "\"}"
							    : "\"return\": {}";
		int k = snprintf(reply, sizeof(reply), "{%s, \"id\": %d}\n", say, (int)json_int(j, "id", 0));
		unixsock_send(c, reply, (size_t)k, &pair[0], pair[0] >= 0);
		fd_close(pair[0]);
		if (!strcmp(what, "system_powerdown")) {
			launch_ended(LAUNCH_FD, "shutdown", "the fake powered off");
			_exit(json_flag(json_object_get(j, "arguments"), "reboot", false)
				  ? LAUNCH_EXIT_REBOOT
				  : LAUNCH_EXIT_POWEROFF);
		}
	}
}

static int fake_machine(void)
{
	static struct fd_set_named fds;
	struct err e = {0};
	json_t *go = NULL;
	AUTO_FREE char *text = NULL;
	const char *xml;
	if (launch_recv(LAUNCH_FD, &fds, &go, &e) ||
	    file_read_fd(named_get(&fds, "live.xml"), 1 << 20, &text, NULL) || livexml_unwrap(text, &xml, &e))
		return LAUNCH_EXIT_NOT_STARTED;
	struct domain *d;
	if (domain_parse(xml, strlen(xml), "live.xml", &d, &e))
		return LAUNCH_EXIT_NOT_STARTED;
	const char *how = d->cmdline ? d->cmdline : "";
	if (!strcmp(how, "die"))
		return 77;
	if (!strcmp(how, "refuse")) {
		err_set(&e, ENOMEM, "the fake has no memory");
		launch_answer_error(LAUNCH_FD, &e);
		return LAUNCH_EXIT_NOT_STARTED;
	}
	signal(SIGTERM, on_term);
	int stats = named_get(&fds, "stats"), control = named_get(&fds, "control");
	host_pid = (uint32_t)json_int(go, "machine_pid", 0);
	prctl(PR_SET_NAME, "vcpu0");
	fake_stats(stats, json_flag(go, "paused", false) ? STATS_RUN_PAUSED : STATS_RUN_RUNNING);
	fake_console(&fds);
	launch_answer_ready(LAUNCH_FD, getpid());
	if (!strcmp(how, "trap"))
		__builtin_trap();
	if (!strcmp(how, "crash")) {
		launch_ended(LAUNCH_FD, "crashed", "triple fault");
		return LAUNCH_EXIT_CRASHED;
	}
	for (;;) {
		struct pollfd p = {.fd = control, .events = POLLIN};
		poll(&p, !strcmp(how, "hang") ? 0 : 1, -1);
		int c = accept4(control, NULL, NULL, SOCK_CLOEXEC);
		if (c >= 0)
			fake_serve(c, stats);
		fd_close(c);
	}
}

/* --- the tests --- */

static char home[64];
static struct backend *b;
static struct err e;
static const char uuid[] = "11111111-2222-3333-4444-555555555555";

static void make_file(const char *name, const char *data, size_t n)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", home, name);
	ck_assert_int_eq(file_replace(path, data, n, 0644, &e), 0);
}

static void setup(void)
{
	char path[100];
	strcpy(home, "/tmp/vmdeck-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(home));
	snprintf(path, sizeof(path), "%s/run",
		 home); /* a plain folder: nothing of the test outside of its own */
	mkdir(path, 0700);
	setenv("VMDECK_HOME", home, 1);
	make_file("kernel", "\177ELF and nothing more", 21);
	make_file("disk.img", "0123456789", 10);
	b = backend_local_open(&e);
	ck_assert_msg(b != NULL, "%s", e.msg);
}

static void teardown(void)
{
	struct domain_info *list;
	size_t n;
	if (!b->ops->domain_list(b, &list, &n, &e)) {
		for (size_t i = 0; i < n; i++)
			if (list[i].state & DOMAIN_ACTIVE)
				b->ops->domain_destroy(b, list[i].uuid, &e);
		free(list);
	}
	b->ops->close(b);
	pid_t pid = fork();
	if (pid == 0)
		execlp("rm", "rm", "-rf", home, (char *)NULL);
	waitpid(pid, NULL, 0);
}

static char *xml_of(const char *name, const char *id, const char *cmdline, const char *more)
{
	AUTO_BUF struct buf t = {0};
	buf_printf(&t, "<domain type='kvm'><name>%s</name>", name);
	if (*id)
		buf_printf(&t, "<uuid>%s</uuid>", id);
	buf_printf(
	    &t,
	    "<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type>"
	    "<kernel>%s/kernel</kernel><cmdline>%s</cmdline></os>%s</domain>",
	    home, cmdline, more);
	return buf_take(&t);
}

#define SERIAL "<devices><serial type='pty'><target port='0'/></serial></devices>"

static int define_xml(const char *xml)
{
	struct domain_info info;
	char *notes = NULL;
	int rc = b->ops->domain_define(b, xml, "test.xml", 0, &info, &notes, &e);
	free(notes);
	return rc;
}

static int define(const char *name, const char *id, const char *cmdline, const char *more)
{
	AUTO_FREE char *xml = xml_of(name, id, cmdline, more);
	return define_xml(xml);
}

/* Names of before they were refused: seen, used and forgotten, but not made anew. */
START_TEST(names_that_are_refused_today_can_be_undefined)
{
	static const char *const names[] = {".hid", "-x", "we\xe2\x80\xae""b1"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct domain_info info;
		AUTO_FREE char *xml = xml_of(names[i], uuid, "", SERIAL),
			       *file = x_asprintf("config/domains/%s.xml", names[i]);
		ck_assert_int_eq(define_xml(xml), -EINVAL);
		ck_assert_msg(strstr(e.msg, "is not allowed as a domain's name") != NULL, "%s", e.msg);
		AUTO_FREE char *folder = x_asprintf("%s/config/domains", home);
		ck_assert_int_eq(dir_make(folder, 0750, &e), 0);
		make_file(file, xml, strlen(xml));
		ck_assert_msg(!b->ops->domain_get(b, names[i], &info, &e), "%s", e.msg);
		ck_assert_str_eq(info.name, names[i]);
		ck_assert_msg(!define_xml(xml), "%s", e.msg); /* another definition of the same */
		ck_assert_msg(!b->ops->domain_undefine(b, uuid, 0, &e), "%s", e.msg);
		ck_assert_int_eq(b->ops->domain_get(b, names[i], &info, &e), -ENOENT);
	}
}
END_TEST

START_TEST(a_domain_is_renamed_with_its_autostart)
{
	struct domain_info info;
	AUTO_FREE char *xml = xml_of("new", uuid, "", SERIAL), *taken = xml_of("other", uuid, "", SERIAL);
	ck_assert_msg(!define("old", uuid, "", SERIAL) && !define("other", "", "", SERIAL), "%s", e.msg);
	ck_assert_int_eq(b->ops->domain_autostart(b, uuid, true, &e), 0);
	ck_assert_int_eq(define_xml(xml), -EEXIST);
	ck_assert_int_eq(b->ops->domain_define(b, taken, "t", DEFINE_RENAME, &info, NULL, &e), -EEXIST);
	ck_assert_msg(!b->ops->domain_define(b, xml, "t", DEFINE_RENAME, &info, NULL, &e), "%s", e.msg);
	ck_assert_str_eq(info.name, "new");
	ck_assert(info.autostart);
	ck_assert_int_eq(b->ops->domain_get(b, "old", &info, &e), -ENOENT);
	ck_assert_int_eq(b->ops->domain_get(b, "new", &info, &e), 0);
	ck_assert_str_eq(info.uuid, uuid);
	AUTO_FREE char *none = x_asprintf("%s/config/domains/autostart/old.xml", home);
	ck_assert_int_eq(access(none, F_OK), -1);
}
END_TEST

static int start(const char *id, unsigned flags)
{
	char *notes = NULL;
	int rc = b->ops->domain_start(b, id, flags, &notes, &e);
	free(notes);
	return rc;
}

/* KVM is opened for the guest, although the fake machine leaves it alone. */
#define need_kvm()                                                                                           \
	if (access("/dev/kvm", R_OK | W_OK) < 0)                                                             \
	test_skip("/dev/kvm cannot be opened")

static struct domain_info get(const char *key)
{
	struct domain_info info = {.id = -2};
	ck_assert_msg(b->ops->domain_get(b, key, &info, &e) == 0, "%s", e.msg);
	return info;
}

/* Wait, at most 10 s, until the guest has ended and been tidied up after. */
static void wait_end(void)
{
	AUTO_FREE char *dir = x_asprintf("%s/run/%s", home, uuid);
	for (int i = 0; i < 1000 && access(dir, F_OK) == 0; i++)
		usleep(10000);
	ck_assert_int_lt(access(dir, F_OK), 0);
}

/* Nothing is left of a guest below the runtime folder. */
static void check_no_rest(void)
{
	AUTO_FREE char *dir = x_asprintf("%s/run", home);
	DIR *d = opendir(dir);
	for (struct dirent *de; (de = readdir(d));)
		ck_assert_msg(strlen(de->d_name) != 36, "'%s' was left", de->d_name);
	closedir(d);
}

START_TEST(a_definition_comes_back_under_name_and_uuid)
{
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	struct domain_info i = get("web1");
	ck_assert_str_eq(i.uuid, uuid);
	ck_assert_int_eq(i.id, -1);
	ck_assert_int_eq(i.state, DOMAIN_SHUTOFF);
	ck_assert(i.persistent && !i.autostart);
	ck_assert_str_eq(get(uuid).name, "web1");
	ck_assert_str_eq(get("11111111222233334444555555555555").name, "web1");
	ck_assert_int_eq(b->ops->domain_get(b, "web2", &i, &e), -ENOENT);
	ck_assert_int_eq(b->ops->domain_undefine(b, uuid, 0, &e), 0);
	ck_assert_int_eq(b->ops->domain_get(b, "web1", &i, &e), -ENOENT);
}
END_TEST

START_TEST(variables_of_uefi_go_with_the_definition_or_stay_as_said)
{
	AUTO_FREE char *store = x_asprintf("%s/vars.fd", home);
	AUTO_FREE char *xml = x_asprintf(
	    "<domain type='kvm'><name>web1</name><uuid>%s</uuid><memory>65536</memory><os firmware='efi'>"
	    "<type>hvm</type><nvram>%s</nvram></os></domain>",
	    uuid, store);
	static const struct {
		unsigned flags;
		bool there;
		int rc, left;
	} cases[] = {
		{0, false, 0, 0}, {UNDEFINE_NVRAM, false, 0, 0}, {0, true, -EINVAL, 1}, {UNDEFINE_KEEP_NVRAM, true, 0, 1}, {UNDEFINE_NVRAM, true, 0, 0},
	};
	struct domain_info i;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		ck_assert_int_eq(b->ops->domain_define(b, xml, "t", 0, &i, NULL, &e), 0);
		if (cases[k].there)
			make_file("vars.fd", "x", 1);
		ck_assert_int_eq(b->ops->domain_undefine(b, uuid, cases[k].flags, &e), cases[k].rc);
		ck_assert_msg(cases[k].rc == 0 || strstr(e.msg, store), "%s", e.msg);
		ck_assert_int_eq(access(store, F_OK) == 0, cases[k].left);
		ck_assert_int_eq(b->ops->domain_get(b, uuid, &i, NULL) == 0, cases[k].rc != 0);
	}
}
END_TEST

/* Everything that a guest's process can write and somebody else reads and shows. */
static void check_clean(const char *what, const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		ck_assert_msg((*p >= ' ' || *p == '\n' || *p == '\t') && *p != 0x7f && !(*p == 0xc2 && p[1] < 0xa0),
			      "%s has byte %02x", what, *p);
}

static void spoil(const char *file, const char *text, size_t n)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", home, file);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC | O_CREAT, 0600);
	ck_assert_msg(fd >= 0 && !fd_write_all(fd, text, n), "%s", path);
}

static void check_clean_figures(void)
{
	struct sample s;
	ck_assert_msg(b->ops->sample(b, &s, &e) == 0, "%s", e.msg);
	ck_assert_uint_eq(s.ndomains, 1);
	ck_assert_uint_eq(s.domains[0].ndisks, 1);
	ck_assert_uint_eq(s.domains[0].nnets, 1);
	check_clean("a disk's name", s.domains[0].disks[0].name);
	check_clean("a card's name", s.domains[0].nets[0].name);
	check_clean("a title", s.domains[0].title);
	sample_done(&s);
}

START_TEST(no_file_of_a_guests_process_drives_a_terminal)
{
	static const char screen[] = "{\"port\": 0, \"listen\": \"" EVIL_JSON "\", \"socket\": \"" EVIL_JSON
				     "\", \"passwd\": \"" EVIL_JSON "\", \"view_passwd\": \"" EVIL_JSON
				     "\", \"clients\": [{\"host\": \"" EVIL_JSON "\", \"service\": \"" EVIL_JSON
				     "\", \"encoding\": \"" EVIL_JSON "\"}]}";
	static const char name[] = "\x1b]0;T\a\x1b[8m\xc2\x9b" "2J";
	struct stats_block blocks[2] = {{.kind = STATS_DISK}, {.kind = STATS_NET}};
	char *text = NULL;
	need_kvm();
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	AUTO_FREE char *live = x_asprintf("run/%s/live.xml", uuid), *stats = x_asprintf("%s/run/%s/stats", home, uuid),
		       *json = x_asprintf("run/%s/screen.json", uuid), *path = x_asprintf("%s/%s", home, live);
	ck_assert_int_eq(file_read(path, 1 << 20, &text, NULL, &e), 0);
	char *end = strstr(text, "<memory");
	AUTO_FREE char *bad = x_asprintf("%.*s<title>\xc2\x9b" "1m&#x9b;2J&#155;&#127;\x7f</title>%s",
					 (int)(end - text), text, end);
	free(text);
	spoil(json, screen, strlen(screen));
	memcpy(blocks[0].name, name, sizeof(name));
	memcpy(blocks[1].name, name, sizeof(name));
	AUTO_CLOSE int fd = open(stats, O_RDWR | O_CLOEXEC);
	struct stats_header h;
	ck_assert_int_eq(fd_pread_all(fd, &h, sizeof(h), 0), 0);
	h.nblocks = 2;
	ck_assert_int_eq(fd_pwrite_all(fd, blocks, sizeof(blocks), STATS_BLOCK), 0);
	ck_assert_int_eq(fd_pwrite_all(fd, &h, sizeof(h), 0), 0);
	spoil(live, bad, strlen(bad));

	struct screen_info s;
	ck_assert_msg(b->ops->domain_screen(b, uuid, &s, &e) == 0, "%s", e.msg);
	check_clean("the screen's address", s.listen);
	check_clean("the screen's socket", s.socket);
	check_clean("the screen's password", s.passwd);
	check_clean("the screen's other password", s.view_passwd);
	check_clean("a viewer", s.viewers[0].host);
	check_clean("a viewer", s.viewers[0].service);
	check_clean("a viewer", s.viewers[0].encoding);
	check_clean_figures();
	ck_assert_int_eq(b->ops->domain_xml(b, uuid, XML_SECURE, &text, &e), 0);
	ck_assert_ptr_nonnull(strstr(text, "<title>"));
	check_clean("the live XML", text);
	free(text);
	ck_assert_int_eq(b->ops->domain_command(b, uuid, "x-say", NULL, &text, &e), 0);
	check_clean("an answer", text);
	free(text);
	ck_assert_int_lt(b->ops->domain_command(b, uuid, "x-fail", NULL, &text, &e), 0);
	check_clean("an error", e.msg);
	ck_assert_int_eq(b->ops->domain_destroy(b, uuid, &e), 0);
	wait_end();
	AUTO_FREE char *ended = x_asprintf("log/%s/ended.json", uuid);
	static const char last[] = "{\"state\": \"crashed\", \"reason\": \"crashed\", \"detail\": \"" EVIL_JSON
				   "\", \"action\": \"" EVIL_JSON "\", \"id\": 1}";
	spoil(ended, last, strlen(last));
	check_clean("how it ended", get(uuid).detail);
}
END_TEST

static unsigned temporaries(const char *folder)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", home, folder);
	DIR *d = opendir(path);
	unsigned n = 0;
	for (struct dirent *de; (de = readdir(d));)
		n += strstr(de->d_name, ".vmdeck-") != NULL;
	closedir(d);
	return n;
}

START_TEST(what_a_killed_writer_left_is_swept_and_what_another_writes_is_not)
{
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	AUTO_FREE char *folder = x_asprintf("%s/config/domains", home);
	AUTO_FREE char *busy = x_asprintf("%s/.web1.xml.vmdeck-aaaaaa", folder);
	AUTO_CLOSE int fd = open(busy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	for (int i = 0; i < 3; i++) {
		make_file("config/domains/notes.backup", "mine", 4);
		spoil("config/domains/.x.xml.vmdeck-bbbbbb", "", 0);
		ck_assert_uint_eq(temporaries("config/domains"), 2);
		ck_assert_int_eq(i == 0	  ? define("web1", uuid, "", "")
				 : i == 1 ? b->ops->domain_autostart(b, uuid, true, &e)
					  : b->ops->domain_undefine(b, uuid, 0, &e),
				 0);
		ck_assert_uint_eq(temporaries("config/domains"), 1);
	}
	ck_assert_int_eq(access(busy, F_OK), 0);
	AUTO_FREE char *mine = x_asprintf("%s/notes.backup", folder);
	ck_assert_int_eq(access(mine, F_OK), 0);
}
END_TEST

START_TEST(a_folder_that_another_could_have_made_is_refused)
{
	AUTO_FREE char *path = x_asprintf("%s/shared", home), *to = x_asprintf("%s/to", home);
	struct stat st;
	ck_assert_int_eq(dir_make_own(path, 0700, &e), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_int_eq(dir_make_own(path, 0700, &e), 0);
	ck_assert_int_eq(chmod(path, 0770), 0);
	ck_assert_int_eq(dir_make_own(path, 0700, &e), -EPERM);
	ck_assert_msg(strstr(e.msg, path), "%s", e.msg);
	ck_assert_int_eq(chmod(path, 0700), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(path, 1, 1), 0);
		ck_assert_int_eq(dir_make_own(path, 0700, &e), -EPERM);
	}
	ck_assert_int_eq(rename(path, to), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(to, 0, 0), 0);
	ck_assert_int_eq(symlink(to, path), 0);
	ck_assert_int_eq(dir_make_own(path, 0700, &e), -EPERM);
}
END_TEST

START_TEST(name_and_uuid_belong_together)
{
	static const char other[] = "99999999-2222-3333-4444-555555555555";
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	ck_assert_int_eq(define("web1", uuid, "quiet", ""), 0);
	ck_assert_int_eq(define("web1", other, "", ""), -EEXIST);
	ck_assert_msg(strstr(e.msg, "already exists"), "%s", e.msg);
	ck_assert_int_eq(define("web2", uuid, "", ""), -EEXIST);
	ck_assert_msg(strstr(e.msg, "web1"), "%s", e.msg);
	ck_assert_int_eq(define("web2", other, "", ""), 0);
}
END_TEST

START_TEST(a_broken_file_spoils_only_itself)
{
	struct domain_info *list, i;
	size_t n;
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	make_file("config/domains/bad.xml", "<domain>", 8);
	AUTO_FREE char *other = xml_of("another", "", "", "");
	make_file("config/domains/renamed.xml", other, strlen(other));
	ck_assert_int_eq(b->ops->domain_list(b, &list, &n, &e), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(list[0].name, "web1");
	free(list);
	ck_assert_int_eq(b->ops->domain_get(b, "bad", &i, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, "bad.xml"), "%s", e.msg);
	ck_assert_int_eq(b->ops->domain_get(b, "renamed", &i, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, "another"), "%s", e.msg);
	make_file("config/domains/renamed.xml", "", 0);
	ck_assert_int_eq(b->ops->domain_get(b, "another", &i, &e), -ENOENT);
}
END_TEST

START_TEST(autostart_is_a_link_that_goes_with_the_definition)
{
	AUTO_FREE char *path = x_asprintf("%s/config/domains/autostart/web1.xml", home);
	char to[100] = "";
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	ck_assert_int_eq(b->ops->domain_autostart(b, uuid, true, &e), 0);
	ck_assert_int_eq(b->ops->domain_autostart(b, uuid, true, &e), 0);
	ck_assert_int_gt(readlink(path, to, sizeof(to) - 1), 0);
	ck_assert_str_eq(to, "../web1.xml");
	ck_assert(get("web1").autostart);
	ck_assert_int_eq(b->ops->domain_autostart(b, uuid, false, &e), 0);
	ck_assert(!get("web1").autostart);
	ck_assert_int_eq(b->ops->domain_autostart(b, uuid, true, &e), 0);
	ck_assert_int_eq(b->ops->domain_undefine(b, uuid, 0, &e), 0);
	ck_assert_int_lt(readlink(path, to, sizeof(to)), 0);
}
END_TEST

/* Start web1, end it, and see what its variable store holds. */
static void store_after_start(unsigned flags, const char *want)
{
	AUTO_FREE char *path = x_asprintf("%s/vars.fd", home), *text = NULL;
	ck_assert_msg(start(uuid, START_FORCE | flags) == 0, "%s", e.msg);
	ck_assert_int_eq(b->ops->domain_destroy(b, uuid, &e), 0);
	ck_assert_int_eq(file_read(path, 100, &text, NULL, &e), 0);
	ck_assert_str_eq(text, want);
}

START_TEST(variables_of_uefi_are_made_once_kept_and_made_anew_when_asked)
{
	need_kvm();
	AUTO_FREE char *xml = x_asprintf(
	    "<domain type='kvm'><name>web1</name><uuid>%s</uuid><memory>65536</memory><os><type>hvm</type>"
	    "<loader type='pflash'>%s/code.fd</loader><nvram template='%s/new.fd'>%s/vars.fd</nvram></os>"
	    "</domain>",
	    uuid, home, home, home);
	make_file("code.fd", "code", 4);
	make_file("new.fd", "new", 3);
	ck_assert_int_eq(define_xml(xml), 0);
	store_after_start(0, "new");
	make_file("vars.fd", "changed", 7);
	store_after_start(0, "changed");
	store_after_start(START_RESET_NVRAM, "new");
	ck_assert_int_eq(b->ops->domain_undefine(b, uuid, UNDEFINE_NVRAM, &e), 0);
}
END_TEST

START_TEST(a_guest_starts_and_is_destroyed)
{
	need_kvm();
	ck_assert_int_eq(define("web1", uuid, "", SERIAL), 0);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	struct domain_info i = get("web1");
	ck_assert_int_eq(i.state, DOMAIN_RUNNING);
	ck_assert_int_eq(i.reason, DOMAIN_REASON_BOOTED);
	ck_assert_int_eq(i.id, 1);
	ck_assert(!i.changed);
	ck_assert_int_eq(i.started_ms, 1234567890123);
	ck_assert_str_eq(get("1").name, "web1");
	ck_assert_int_eq(start(uuid, 0), -EALREADY);
	ck_assert_str_eq(e.msg, "domain 'web1' is already active");
	ck_assert_int_eq(b->ops->domain_destroy(b, uuid, &e), 0);
	i = get("web1");
	ck_assert_int_eq(i.state, DOMAIN_SHUTOFF);
	ck_assert_int_eq(i.reason, DOMAIN_REASON_DESTROYED);
	check_no_rest();
	ck_assert_int_eq(b->ops->domain_destroy(b, uuid, &e), -ENOTCONN);
	ck_assert_msg(start(uuid, START_PAUSED) == 0, "%s", e.msg);
	i = get("web1");
	ck_assert_int_eq(i.state, DOMAIN_PAUSED);
	ck_assert_int_eq(i.id, 2);
}
END_TEST

START_TEST(a_guest_that_does_not_answer_is_destroyed_all_the_same)
{
	need_kvm();
	ck_assert_int_eq(define("web1", uuid, "hang", ""), 0);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_msg(b->ops->domain_destroy(b, uuid, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(get("web1").reason, DOMAIN_REASON_DESTROYED);
	check_no_rest();
}
END_TEST

START_TEST(of_two_starts_at_once_exactly_one_wins)
{
	need_kvm();
	int won = 0, lost = 0;
	pid_t pid[6];
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pid); i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			int rc = start(uuid, 0);
			_exit(rc == 0 ? 0 : rc == -EALREADY ? 1 : 2);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(pid); i++) {
		int status;
		waitpid(pid[i], &status, 0);
		won += WEXITSTATUS(status) == 0;
		lost += WEXITSTATUS(status) == 1;
	}
	ck_assert_int_eq(won, 1);
	ck_assert_int_eq(lost, (int)ARRAY_SIZE(pid) - 1);
	ck_assert_int_eq(get("web1").state, DOMAIN_RUNNING);
}
END_TEST

START_TEST(a_refused_start_leaves_nothing_behind)
{
	static const struct {
		const char *cmdline, *devices, *says;
	} cases[] = {
	    {"refuse", "", "the fake has no memory"},
	    {"die", "", "status 77"},
	    {"",
	     "<devices><disk type='file' device='disk'><source file='/nowhere/x'/><target dev='vda' "
	     "bus='virtio'/></disk></devices>",
	     "disk 'vda': image '/nowhere/x'"},
	    {"",
	     "<devices><disk type='file' device='disk'><source file='/tmp'/><target dev='vda' "
	     "bus='virtio'/></disk></devices>",
	     "'/tmp'"},
	};
	need_kvm();
	ck_assert_int_eq(define("web1", uuid, cases[_i].cmdline, cases[_i].devices), 0);
	ck_assert_int_lt(start(uuid, 0), 0);
	ck_assert_msg(strstr(e.msg, cases[_i].says), "%s", e.msg);
	ck_assert_int_eq(get("web1").state, DOMAIN_SHUTOFF);
	check_no_rest();
}
END_TEST

START_TEST(what_cannot_be_booted_is_refused_before_anything_is_touched)
{
	need_kvm();
	make_file("kernel", "#!/bin/sh", 9);
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	ck_assert_int_eq(start(uuid, 0), -ENOEXEC);
	ck_assert_msg(strstr(e.msg, "is not a kernel"), "%s", e.msg);
	AUTO_FREE char *kernel = x_asprintf("%s/kernel", home);
	unlink(kernel);
	ck_assert_int_eq(start(uuid, 0), -ENOENT);
	ck_assert_msg(strstr(e.msg, kernel), "%s", e.msg);
	check_no_rest();
}
END_TEST

START_TEST(more_memory_than_the_host_has_is_refused)
{
	AUTO_FREE char *xml = xml_of("web1", uuid, "", "");
	char *at = strstr(xml, "'MiB'>64");
	memcpy(at, "'TiB'>32", 8);
	ck_assert_msg(define_xml(xml) == 0, "%s", e.msg);
	ck_assert_int_eq(start(uuid, 0), -ENOMEM);
	ck_assert_msg(strstr(e.msg, "32 TiB") && strstr(e.msg, "<memory>"), "%s", e.msg);
}
END_TEST

START_TEST(how_a_guest_ended_is_told)
{
	static const struct {
		const char *name;
		int signal; /* to the machine (or keeper), or 0: by its command line */
		bool keeper;
		const char *cmdline;
		enum domain_state state;
		enum domain_reason reason;
		const char *detail;
	} cases[] = {
	    {"machine killed", SIGKILL, false, "", DOMAIN_CRASHED, DOMAIN_REASON_CRASHED,
	     "killed by signal 9"},
	    {"keeper killed", SIGKILL, true, "", DOMAIN_CRASHED, DOMAIN_REASON_CRASHED, "keeper"},
	    {"machine crashed", 0, false, "trap", DOMAIN_CRASHED, DOMAIN_REASON_CRASHED, "signal 4"},
	    {"keeper terminated", SIGTERM, true, "", DOMAIN_SHUTOFF, DOMAIN_REASON_SHUTDOWN, ""},
	    {"guest crashed", 0, false, "crash", DOMAIN_CRASHED, DOMAIN_REASON_CRASHED, "triple fault"},
	};
	need_kvm();
	ck_assert_int_eq(define("web1", uuid, cases[_i].cmdline, ""), 0);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	struct domain_info i;
	if (cases[_i].signal) {
		struct local *l = local_of(b);
		ck_assert_int_eq(registry_refresh(l, &e), 0);
		AUTO_FREE char *path = registry_path(l, uuid, "keeper.pid");
		AUTO_FREE char *text = NULL;
		ck_assert_int_eq(file_read(path, 64, &text, NULL, &e), 0);
		struct guest *g = guest_by_uuid(l, uuid);
		ck_assert(g && guest_stats(g));
		kill(cases[_i].keeper ? atoi(text) : (pid_t)g->stats.machine_pid, cases[_i].signal);
	}
	for (int k = 0; k < 1000; k++) {
		i = get("web1");
		if (i.state & DOMAIN_INACTIVE)
			break;
		usleep(10000);
	}
	ck_assert_msg(i.state == cases[_i].state, "%s: state %d", cases[_i].name, i.state);
	ck_assert_int_eq(i.reason, cases[_i].reason);
	ck_assert_msg(strstr(i.detail, cases[_i].detail), "%s: '%s'", cases[_i].name, i.detail);
	wait_end();
	if (!*cases[_i].cmdline)
		ck_assert_msg(start(uuid, 0) == 0, "%s: not restartable: %s", cases[_i].name, e.msg);
}
END_TEST

START_TEST(on_reboot_restart_starts_it_again)
{
	need_kvm();
	ck_assert_int_eq(define("web1", uuid, "", "<on_reboot>restart</on_reboot>"), 0);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_msg(b->ops->domain_shutdown(b, uuid, SHUTDOWN_REBOOT, &e) == 0, "%s", e.msg);
	struct domain_info i = {0};
	/* Looking all the time must not take the folder away from the one who is to start it again. */
	for (int k = 0; k < 50000 && !(i.id > 1 && i.state == DOMAIN_RUNNING); k++) {
		usleep(200);
		i = get("web1");
	}
	ck_assert_int_eq(i.id, 2);
}
END_TEST

START_TEST(a_transient_domain_is_gone_with_its_run)
{
	need_kvm();
	struct domain_info i;
	char *notes = NULL;
	AUTO_FREE char *xml = xml_of("web1", uuid, "", "");
	ck_assert_msg(b->ops->domain_create(b, xml, "web1.xml", 0, &i, &notes, &e) == 0, "%s", e.msg);
	free(notes);
	ck_assert(!i.persistent);
	ck_assert_int_eq(i.state, DOMAIN_RUNNING);
	ck_assert_int_eq(define("web2", uuid, "", ""), -EEXIST);
	ck_assert_int_eq(b->ops->domain_undefine(b, uuid, 0, &e), -EINVAL);
	ck_assert_int_eq(b->ops->domain_shutdown(b, uuid, SHUTDOWN_POWERBUTTON, &e), 0);
	wait_end();
	ck_assert_int_eq(b->ops->domain_get(b, "web1", &i, &e), -ENOENT);
}
END_TEST

START_TEST(what_runs_may_differ_from_its_definition)
{
	need_kvm();
	char *text;
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_int_eq(define("web1", uuid, "later", ""), 0);
	ck_assert(get("web1").changed);
	ck_assert_int_eq(b->ops->domain_xml(b, uuid, 0, &text, &e), 0);
	ck_assert(strstr(text, "id='1'") && !strstr(text, "later"));
	free(text);
	ck_assert_int_eq(b->ops->domain_xml(b, uuid, XML_INACTIVE, &text, &e), 0);
	ck_assert(strstr(text, "later") && !strstr(text, "id='1'"));
	free(text);
	ck_assert_int_eq(b->ops->domain_undefine(b, uuid, 0, &e), 0); /* lives on, transient */
	ck_assert(!get("web1").persistent);
}
END_TEST

static bool link_is(unsigned flags, const char *state)
{
	char *text = NULL, want[40];
	ck_assert_int_eq(b->ops->domain_xml(b, uuid, flags, &text, &e), 0);
	snprintf(want, sizeof(want), "<link state='%s'/>", state);
	bool is = strstr(text, want);
	free(text);
	return is;
}

START_TEST(a_cable_is_pulled_in_what_runs_or_in_the_definition)
{
	need_kvm();
	char self[512] = "";
	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	AUTO_FREE char *net = x_asprintf("%.*s/../vmdeck-net", (int)(strrchr(self, '/') - self), self);
	setenv("VMDECK_NET", net, 1);
	ck_assert_int_eq(define("web1", uuid, "",
				"<devices><interface type='user'><mac address='52:54:00:11:22:33'/>"
				"</interface></devices>"),
			 0);
	ck_assert_int_eq(b->ops->domain_set_link(b, uuid, "net1", false, 0, &e), -ENODEV);
	ck_assert_int_eq(b->ops->domain_set_link(b, uuid, "net0", false, MEDIA_LIVE, &e), -ENOTCONN);
	ck_assert_msg(!b->ops->domain_set_link(b, uuid, "net0", false, 0, &e), "%s", e.msg);
	ck_assert(link_is(XML_INACTIVE, "down"));
	ck_assert_msg(!b->ops->domain_set_link(b, uuid, "52:54:00:11:22:33", true, MEDIA_CONFIG, &e), "%s",
		      e.msg);
	ck_assert(link_is(XML_INACTIVE, "up"));
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert(link_is(0, "up") && !get("web1").changed);
	ck_assert_msg(!b->ops->domain_set_link(b, uuid, "net0", false, 0, &e), "%s", e.msg);
	ck_assert(link_is(0, "down") && link_is(XML_INACTIVE, "up") && get("web1").changed);
	ck_assert_msg(!b->ops->domain_set_link(b, uuid, "net0", false, MEDIA_LIVE | MEDIA_CONFIG, &e), "%s",
		      e.msg);
	ck_assert(link_is(0, "down") && link_is(XML_INACTIVE, "down") && !get("web1").changed);
}
END_TEST

START_TEST(a_guest_of_a_newer_release_is_shown_and_destroyed_but_not_described)
{
	need_kvm();
	static const char newer[] = "<?vmdeck-live version='2'?>\n<hologram/>\n";
	char *text = NULL;
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	AUTO_FREE char *file = x_asprintf("run/%s/live.xml", uuid);
	make_file(file, newer, sizeof(newer) - 1);
	b->ops->close(b);
	b = backend_local_open(&e);
	struct domain_info i = get("web1");
	ck_assert_int_eq(i.state, DOMAIN_RUNNING);
	ck_assert(i.vcpus == 1 && !i.changed);
	ck_assert_int_eq(b->ops->domain_xml(b, uuid, 0, &text, &e), -EPROTO);
	ck_assert_str_eq(
	    e.msg, "domain 'web1': its live XML is of version 2, this vmdeck's of 1: use the release that "
		   "started it");
	ck_assert_int_eq(b->ops->domain_suspend(b, uuid, &e), 0);
	ck_assert_int_eq(start(uuid, 0), -EALREADY);
	ck_assert_int_eq(b->ops->domain_destroy(b, uuid, &e), 0);
	ck_assert_int_eq(get("web1").state, DOMAIN_SHUTOFF);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
}
END_TEST

START_TEST(pause_and_resume_are_seen)
{
	need_kvm();
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	ck_assert_int_eq(b->ops->domain_suspend(b, uuid, &e), -ENOTCONN);
	ck_assert_str_eq(e.msg, "domain 'web1' is not running");
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_int_eq(b->ops->domain_suspend(b, uuid, &e), 0);
	ck_assert_int_eq(get("web1").state, DOMAIN_PAUSED);
	ck_assert_int_eq(b->ops->domain_resume(b, uuid, &e), 0);
	ck_assert_int_eq(get("web1").state, DOMAIN_RUNNING);
}
END_TEST

START_TEST(figures_come_from_stats_and_proc)
{
	need_kvm();
	struct sample s;
	ck_assert_int_eq(define("web1", uuid, "", ""), 0);
	ck_assert_int_eq(define("web2", "", "", ""), 0);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_int_eq(b->ops->sample(b, &s, &e), 0);
	ck_assert_uint_eq(s.ndomains, 2);
	ck_assert_str_eq(s.domains[0].name, "web1");
	ck_assert(s.domains[0].valid && !s.domains[1].valid);
	ck_assert_uint_eq(s.domains[0].exits, 42);
	ck_assert_uint_eq(s.domains[0].exits_pio, 40);
	ck_assert_uint_gt(s.domains[0].rss_bytes, 0);
	ck_assert_uint_gt(s.host_total_ns, s.host_busy_ns);
	ck_assert_uint_gt(s.host_mem_bytes, s.host_mem_free_bytes);
	free(s.domains);
}
END_TEST

START_TEST(consoles_are_attached_logged_and_named)
{
	need_kvm();
	int fd = -1;
	char *path, text[100] = "";
	ck_assert_int_eq(define("web1", uuid, "", SERIAL), 0);
	ck_assert_int_eq(b->ops->console_open(b, uuid, 0, 0, &fd, &e), -ENOTCONN);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_msg(b->ops->console_open(b, uuid, 0, 0, &fd, &e) == 0, "%s", e.msg);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(b->ops->console_path(b, uuid, 0, &path, &e), 0);
	ck_assert(str_ends(path, "/console0.sock"));
	free(path);
	ck_assert_int_eq(b->ops->console_path(b, uuid, 1, &path, &e), -ENOENT);
	int out = memfd_create("out", MFD_CLOEXEC);
	ck_assert_int_eq(b->ops->console_log(b, uuid, 0, true, out, &e), 0);
	ck_assert_int_eq(pread(out, text, sizeof(text) - 1, 0), 14);
	ck_assert_str_eq(text, "Linux version\n");
	ck_assert_int_eq(b->ops->console_log(b, uuid, 3, true, out, &e), -ENOENT);
	close(out);
}
END_TEST

START_TEST(a_log_file_begins_anew_unless_it_is_appended_to)
{
	static const struct {
		const char *append, *left;
	} cases[] = {{"", ""}, {" append='off'", ""}, {" append='on'", "old"}};
	need_kvm();
	AUTO_FREE char *path = x_asprintf("%s/serial.log", home);
	AUTO_FREE char *devices = x_asprintf(
	    "<devices><serial type='pty'><log file='%s'%s/></serial></devices>", path, cases[_i].append);
	AUTO_FREE char *left = NULL;
	make_file("serial.log", "old", 3);
	ck_assert_msg(define("web1", uuid, "", devices) == 0, "%s", e.msg);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_int_eq(file_read(path, 100, &left, NULL, &e), 0);
	ck_assert_str_eq(left, cases[_i].left);
	ck_assert_int_eq(b->ops->domain_destroy(b, uuid, &e), 0);
	unlink(path);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(images_are_locked_as_qemu_locks_them)
{
	static const struct {
		int lock; /* byte that another program has locked; 0 none */
		bool write, share;
		bool refused;
	} cases[] = {
	    {0, true, false, false},   {100, true, false, false},  /* it reads: fine */
	    {101, true, false, true},                              /* it writes */
	    {101, false, false, true}, {101, true, true, false},   /* it writes, and we share */
	    {201, true, false, true},                              /* it refuses writers */
	    {201, true, true, true},   {201, false, false, false}, /* and we only read */
	    {200, false, false, true},                             /* it refuses readers: being made */
	    {203, true, false, false},                             /* we do not resize */
	};
	AUTO_FREE char *path = x_asprintf("%s/disk.img", home);
	AUTO_CLOSE int other = open(path, O_RDWR), ours = open(path, O_RDWR);
	if (cases[_i].lock)
		ck_assert_int_eq(lock_range_read(other, cases[_i].lock), 0);
	int rc = image_lock(ours, path, "vda", cases[_i].write, cases[_i].share, &e);
	ck_assert_int_eq(rc, cases[_i].refused ? -EBUSY : 0);
	if (rc)
		ck_assert_msg(strstr(e.msg, "disk 'vda'") && strstr(e.msg, path), "%s", e.msg);
	if (!rc) { /* and ours are seen by others */
		ck_assert_int_eq(lock_range_taken(other, 100), 1);
		ck_assert_int_eq(lock_range_taken(other, 101),
				 cases[_i].write || cases[_i].lock == 101 ? cases[_i].write : 0);
		ck_assert_int_eq(lock_range_taken(other, 201), !cases[_i].share);
	}
}
END_TEST

START_TEST(one_file_in_two_drives_is_refused_unless_they_share_it)
{
	static const struct {
		const char *first, *second;
		bool good;
	} rows[] = {
		{"", "", false},
		{"<shareable/>", "", false},
		{"", "<readonly/>", false},
		{"<readonly/>", "<readonly/>", true},
		{"<shareable/>", "<shareable/>", true},
	};
	need_kvm();
	AUTO_FREE char *link_path = x_asprintf("%s/link.img", home);
	ck_assert_int_eq(symlink("disk.img", link_path), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *disks = x_asprintf(
		    "<devices><disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s/disk.img'/>"
		    "<target dev='vda' bus='virtio'/>%s</disk><disk type='file' device='disk'><driver name='qemu' "
		    "type='raw'/><source file='%s'/><target dev='vdb' bus='virtio'/>%s</disk></devices>",
		    home, rows[i].first, link_path, rows[i].second);
		ck_assert_int_eq(define("web1", uuid, "", disks), 0);
		int rc = start(uuid, 0);
		ck_assert_msg(rows[i].good ? !rc : rc == -EBUSY, "row %zu: %d %s", i, rc, e.msg);
		ck_assert_msg(rows[i].good || (strstr(e.msg, "disk 'vdb'") && strstr(e.msg, "disk 'vda' of this domain")), "%s", e.msg);
		if (!rc)
			ck_assert_int_eq(b->ops->domain_destroy(b, uuid, &e), 0);
	}
}
END_TEST

START_TEST(a_disk_in_use_by_another_guest_is_refused)
{
	need_kvm();
	AUTO_FREE char *disk = x_asprintf("<devices><disk type='file' device='disk'><driver name='qemu' "
					  "type='raw'/><source file='%s/disk.img'/>"
					  "<target dev='vda' bus='virtio'/></disk></devices>",
					  home);
	ck_assert_int_eq(define("web1", uuid, "", disk), 0);
	ck_assert_int_eq(define("web2", "", "", disk), 0);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_int_eq(start(get("web2").uuid, 0), -EBUSY);
	ck_assert_msg(strstr(e.msg, "disk 'vda'") && strstr(e.msg, "is in use as disk 'vda' of domain 'web1'"), "%s", e.msg);
	ck_assert_int_eq(b->ops->domain_destroy(b, uuid, &e), 0);
	ck_assert_msg(start(get("web2").uuid, 0) == 0, "%s", e.msg);
}
END_TEST

#define SCREEN(attributes) "<devices><graphics type='vnc' " attributes "/></devices>"

START_TEST(a_screen_has_a_port_while_the_guest_runs)
{
	need_kvm();
	struct screen_info s;
	char *text;
	ck_assert_int_eq(define("web1", uuid, "", SCREEN("passwd='geheim'")), 0);
	ck_assert_int_eq(b->ops->domain_screen(b, uuid, &s, &e), -ENOTCONN);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_msg(b->ops->domain_screen(b, uuid, &s, &e) == 0, "%s", e.msg);
	ck_assert_int_ge(s.port, 5900);
	ck_assert_str_eq(s.listen, "127.0.0.1");
	ck_assert_str_eq(s.passwd, "geheim");
	AUTO_FREE char *port = x_asprintf("port='%d' autoport='yes'", s.port);
	ck_assert_int_eq(b->ops->domain_xml(b, uuid, 0, &text, &e), 0);
	ck_assert_msg(strstr(text, port) && !strstr(text, "geheim"), "%s", text);
	free(text);
	ck_assert_int_eq(b->ops->domain_xml(b, uuid, XML_SECURE, &text, &e), 0);
	ck_assert_msg(strstr(text, port) && strstr(text, "passwd='geheim'"), "%s", text);
	free(text);
	ck_assert_int_eq(b->ops->domain_xml(b, uuid, XML_INACTIVE, &text, &e), 0);
	ck_assert_msg(!strstr(text, port) && !strstr(text, "geheim"), "%s", text);
	free(text);
	ck_assert_int_eq(b->ops->domain_xml(b, uuid, XML_INACTIVE | XML_SECURE, &text, &e), 0);
	ck_assert_msg(strstr(text, "geheim") != NULL, "%s", text);
	free(text);
	ck_assert(!get("web1").changed); /* the port is not what the definition says, but what it means */
	struct sample sample = {0};
	ck_assert_int_eq(b->ops->sample(b, &sample, &e), 0);
	ck_assert_int_eq(sample_find(&sample, uuid)->vnc_port, s.port);
	sample_done(&sample);
	ck_assert_int_eq(b->ops->domain_destroy(b, uuid, &e), 0);
	wait_end();
	ck_assert_int_eq(b->ops->domain_screen(b, uuid, &s, &e), -ENOTCONN);
}
END_TEST

START_TEST(a_made_up_password_is_in_no_xml_but_the_secure_one)
{
	need_kvm();
	struct screen_info s;
	char *text;
	ck_assert_int_eq(define("web1", uuid, "", SCREEN("")), 0);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_msg(b->ops->domain_screen(b, uuid, &s, &e) == 0, "%s", e.msg);
	ck_assert_uint_eq(strlen(s.passwd), 8);
	AUTO_FREE char *has = x_asprintf("passwd='%s'", s.passwd);
	ck_assert_int_eq(b->ops->domain_xml(b, uuid, 0, &text, &e), 0);
	ck_assert_msg(!strstr(text, s.passwd), "%s", text);
	free(text);
	ck_assert_int_eq(b->ops->domain_xml(b, uuid, XML_SECURE, &text, &e), 0);
	ck_assert_msg(strstr(text, has) != NULL, "%s", text);
	free(text);
}
END_TEST

START_TEST(of_two_guests_each_has_its_own_port_and_a_third_is_told_whose_it_is)
{
	need_kvm();
	struct screen_info one, two;
	ck_assert_int_eq(define("web1", uuid, "", SCREEN("")), 0);
	ck_assert_int_eq(define("web2", "", "", SCREEN("port='-1' autoport='yes'")), 0);
	ck_assert_msg(start(uuid, START_NO_PASSWORD) == 0, "%s", e.msg);
	ck_assert_msg(start(get("web2").uuid, 0) == 0, "%s", e.msg);
	ck_assert_int_eq(b->ops->domain_screen(b, uuid, &one, &e), 0);
	ck_assert_int_eq(b->ops->domain_screen(b, get("web2").uuid, &two, &e), 0);
	ck_assert_str_eq(one.passwd, "");
	ck_assert_int_ne(one.port, two.port);
	AUTO_FREE char *same = x_asprintf(SCREEN("port='%d'"), two.port);
	ck_assert_int_eq(define("web3", "", "", same), 0);
	AUTO_FREE char *third = x_strdup(get("web3").uuid);
	ck_assert_int_eq(start(third, 0), -EADDRINUSE);
	ck_assert_msg(strstr(e.msg, "domain 'web2'") != NULL, "%s", e.msg);
	ck_assert_int_eq(b->ops->domain_destroy(b, get("web2").uuid, &e), 0);
	ck_assert_msg(start(third, 0) == 0, "%s", e.msg); /* free when the guest is gone */
}
END_TEST

START_TEST(the_socket_of_a_screen_goes_with_its_guest)
{
	need_kvm();
	AUTO_FREE char *path = x_asprintf("%s/web1.vnc", home),
		       *xml = x_asprintf(SCREEN("socket='%s'"), path);
	ck_assert_msg(define("web1", uuid, "", xml) == 0, "%s", e.msg);
	ck_assert_msg(start(uuid, 0) == 0, "%s", e.msg);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(b->ops->domain_destroy(b, uuid, &e), 0);
	wait_end();
	ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

/* vmdeck.conf of @text: 0 with *out, or -EINVAL with a sentence that has @says. */
static void policy_of(const char *text, int rc, const char *says, struct policy *out)
{
	make_file("config/vmdeck.conf", text, strlen(text));
	memset(&e, 0, sizeof(e));
	ck_assert_msg(policy_read(local_of(b), out, &e) == rc, "'%s': %s", text, e.msg);
	ck_assert_msg(strstr(e.msg, says), "'%s': %s", text, e.msg);
}

START_TEST(the_hosts_policy_is_read_and_what_is_wrong_in_it_named)
{
	struct policy p;
	policy_of("# nothing\n", 0, "", &p);
	ck_assert(!p.require && p.uids == 65536 && p.uid_first == 1879048192u);
	policy_of("sandbox = \"require\" # all of it\nuids=2000-2009\n", 0, "", &p);
	ck_assert(p.require && p.uids == 10 && p.uid_first == 2000);
	ck_assert_uint_ne(policy_uid(local_of(b), &p, 1), policy_uid(local_of(b), &p, 2));
	for (int id = 1; id < 30; id++) {
		uid_t uid = policy_uid(local_of(b), &p, id);
		ck_assert(uid >= 2000 && uid <= 2009);
	}
	policy_of("uids = none\n", 0, "", &p);
	ck_assert_uint_eq(p.uids, 0);
	policy_of("uids = 0-5\n", -EINVAL, "FIRST-LAST", &p);
	policy_of("uids = 9-5\n", -EINVAL, "FIRST-LAST", &p);
	policy_of("sandbox = yes\n", -EINVAL, "warn or require", &p);
	policy_of("sandbx = warn\n", -EINVAL, "no 'sandbx'", &p);
	policy_of("sandbox\n", -EINVAL, "key = value", &p);
}
END_TEST

START_TEST(the_hosts_checks_all_say_something)
{
	struct host_check *v;
	size_t n;
	ck_assert_int_eq(b->ops->host_validate(b, &v, &n, &e), 0);
	ck_assert_uint_ge(n, 10);
	for (size_t i = 0; i < n; i++) {
		ck_assert_msg(*v[i].name && *v[i].key && *v[i].detail, "row %zu", i);
		ck_assert_msg(v[i].result < HOST_WARN || *v[i].remedy, "'%s' has no remedy", v[i].name);
	}
	free(v);
	struct host_info h;
	ck_assert_int_eq(b->ops->host_info(b, &h, &e), 0);
	ck_assert(h.cpus && h.memory_bytes && *h.hostname && *h.kernel && h.cores && h.threads && h.sockets &&
		  h.nodes);
}

START_TEST(a_main_loop_is_late_six_seconds_after_its_heartbeat_was_due)
{
	static const struct {
		const char *what;
		uint64_t last, due, now; /* s */
		bool late;
	} cases[] = {
		{"it has not begun", 0, 0, 1000, false},
		{"one that does not say when it is due, in time", 100, 0, 110, false},
		{"the same, late", 100, 0, 111, true},
		{"idle", 100, 120, 126, false},
		{"idle and late", 100, 120, 127, true},
		{"due in a thousand years", 100, 12000000000u, 167, true},
		{"from the future", 200, 220, 100, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct stats_header h = {.heartbeat_ns = cases[i].last * 1000000000u,
					 .heartbeat_due_ns = cases[i].due * 1000000000u};
		ck_assert_msg(stats_heartbeat_late(&h, cases[i].now * 1000000000u) == cases[i].late, "%s",
			      cases[i].what);
	}
}
END_TEST
END_TEST

int main(int argc, char **argv)
{
	const char *role = argc > 1 ? argv[1] : "";
	static const char *const machine[] = {"/proc/self/exe", "machine", NULL};
	if (!strcmp(role, "keeper"))
		return keeper_main(machine);
	if (!strcmp(role, "machine"))
		_exit(fake_machine()); /* what a machine leaves is not looked at for leaks */
	if (!strcmp(role, "probe"))
		return puts("{\"api\": 12, \"max_vcpus\": 16, \"missing\": [], \"ips\": 900000000, "
			    "\"native\": true}") < 0;
	if (!strcmp(role, "domain-release")) {
		struct backend *r = backend_local_open(&e);
		return r ? r->ops->domain_release(r, argv[2], &e) != 0 : 1;
	}
	setenv("VMDECK_VMM", "/proc/self/exe", 1);
	setenv("VMDECK", "/proc/self/exe", 1);
	setenv("VMDECK_SCREEN", "/proc/self/exe", 1);
	Suite *s = suite_create("local");
	TCase *t = tcase_create("local");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_definition_comes_back_under_name_and_uuid);
	tcase_add_test(t, name_and_uuid_belong_together);
	tcase_add_test(t, no_file_of_a_guests_process_drives_a_terminal);
	tcase_add_test(t, what_a_killed_writer_left_is_swept_and_what_another_writes_is_not);
	tcase_add_test(t, a_folder_that_another_could_have_made_is_refused);
	tcase_add_test(t, variables_of_uefi_go_with_the_definition_or_stay_as_said);
	tcase_add_test(t, a_broken_file_spoils_only_itself);
	tcase_add_test(t, autostart_is_a_link_that_goes_with_the_definition);
	tcase_add_test(t, a_guest_starts_and_is_destroyed);
	tcase_add_test(t, variables_of_uefi_are_made_once_kept_and_made_anew_when_asked);
	tcase_add_test(t, a_guest_that_does_not_answer_is_destroyed_all_the_same);
	tcase_add_test(t, of_two_starts_at_once_exactly_one_wins);
	tcase_add_loop_test(t, a_refused_start_leaves_nothing_behind, 0, 4);
	tcase_add_test(t, what_cannot_be_booted_is_refused_before_anything_is_touched);
	tcase_add_test(t, more_memory_than_the_host_has_is_refused);
	tcase_add_loop_test(t, how_a_guest_ended_is_told, 0, 5);
	tcase_add_test(t, on_reboot_restart_starts_it_again);
	tcase_add_test(t, a_transient_domain_is_gone_with_its_run);
	tcase_add_test(t, what_runs_may_differ_from_its_definition);
	tcase_add_test(t, a_cable_is_pulled_in_what_runs_or_in_the_definition);
	tcase_add_test(t, a_guest_of_a_newer_release_is_shown_and_destroyed_but_not_described);
	tcase_add_test(t, pause_and_resume_are_seen);
	tcase_add_test(t, figures_come_from_stats_and_proc);
	tcase_add_test(t, consoles_are_attached_logged_and_named);
	tcase_add_loop_test(t, a_log_file_begins_anew_unless_it_is_appended_to, 0, 3);
	tcase_add_loop_test(t, images_are_locked_as_qemu_locks_them, 0, 10);
	tcase_add_test(t, one_file_in_two_drives_is_refused_unless_they_share_it);
	tcase_add_test(t, a_disk_in_use_by_another_guest_is_refused);
	tcase_add_test(t, a_screen_has_a_port_while_the_guest_runs);
	tcase_add_test(t, a_made_up_password_is_in_no_xml_but_the_secure_one);
	tcase_add_test(t, of_two_guests_each_has_its_own_port_and_a_third_is_told_whose_it_is);
	tcase_add_test(t, the_socket_of_a_screen_goes_with_its_guest);
	tcase_add_test(t, the_hosts_policy_is_read_and_what_is_wrong_in_it_named);
	tcase_add_test(t, the_hosts_checks_all_say_something);
	tcase_add_test(t, a_main_loop_is_late_six_seconds_after_its_heartbeat_was_due);
	tcase_add_test(t, names_that_are_refused_today_can_be_undefined);
	tcase_add_test(t, a_domain_is_renamed_with_its_autostart);
	suite_add_tcase(s, t);
	return test_main(s);
}
