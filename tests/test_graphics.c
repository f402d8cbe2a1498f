/* Where viewers come in: ports, sockets, passwords, certificates, and the file that tells.
 * needs: ipv6 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/local/graphics.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/password.h"
#include "src/base/unixsock.h"
#include "src/proto/registry.h"
#include "tests/testlib.h"

static char home[64];
static struct backend *b;
static struct err e;
static struct domain d;
static struct domain_graphics g;
static struct fd_set_named fds;
static json_t *screen;
static struct buf notes;

static char *below(const char *name)
{
	return x_asprintf("%s/%s", home, name);
}

static void setup(void)
{
	strcpy(home, "/tmp/vmdeck-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(home));
	AUTO_FREE char *run = below("run");
	mkdir(run, 0700);
	setenv("VMDECK_HOME", home, 1);
	setenv("VMDECK_SCREEN", "/proc/self/exe", 1);
	b = backend_local_open(&e);
	ck_assert_msg(b != NULL, "%s", e.msg);
	d = (struct domain){.name = "web1", .uuid = "11111111-2222-3333-4444-555555555555", .graphics = &g};
	g = (struct domain_graphics){.port = -1};
	AUTO_FREE char *dir = registry_dir(local_of(b), d.uuid);
	mkdir(dir, 0700);
}

static void teardown(void)
{
	named_done(&fds);
	json_decref(TAKE_PTR(screen));
	buf_done(&notes);
	b->ops->close(b);
	pid_t pid = fork();
	if (pid == 0)
		execlp("rm", "rm", "-rf", home, (char *)NULL);
	waitpid(pid, NULL, 0);
}

static int open_it(unsigned flags)
{
	named_done(&fds);
	json_decref(TAKE_PTR(screen));
	return graphics_open(local_of(b), &d, flags, &fds, &screen, &notes, &e);
}

START_TEST(the_lowest_free_port_is_taken_and_kept)
{
	int one = -1, two = -1, three;
	int a = graphics_bind_tcp("127.0.0.1", &one, &e);
	ck_assert_msg(a >= 0, "%s", e.msg);
	ck_assert_int_ge(one, GRAPHICS_PORT_MIN);
	int c = graphics_bind_tcp("127.0.0.1", &two, &e);
	ck_assert_int_ge(c, 0);
	ck_assert_int_ne(one, two);
	three = one;
	close(a);
	a = graphics_bind_tcp("127.0.0.1", &three, &e); /* and it is free again at once */
	ck_assert_msg(a >= 0, "%s", e.msg);
	ck_assert_int_eq(fcntl(a, F_GETFD), FD_CLOEXEC);
	close(a);
	close(c);
}
END_TEST

START_TEST(who_holds_a_port_is_named)
{
	int port = -1, again;
	int a = graphics_bind_tcp("0.0.0.0", &port, &e);
	ck_assert_int_ge(a, 0);
	again = port;
	ck_assert_int_eq(graphics_bind_tcp("127.0.0.1", &again, &e), -EADDRINUSE);
	AUTO_FREE char *who = port_holder(false, (unsigned)port);
	ck_assert_msg(strstr(who, "test_graphics") != NULL, "%s", who);
	ck_assert_msg(strstr(e.msg, "test_graphics") && strstr(e.msg, "autoport"), "%s", e.msg);
	g.port = port;
	ck_assert_int_eq(open_it(0), -EADDRINUSE);
	close(a);
	ck_assert_msg(open_it(0) == 0, "%s", e.msg);
	ck_assert_int_eq(json_int(screen, "port", 0), port);
}
END_TEST

START_TEST(another_guest_that_holds_it_is_named_as_one)
{
	static const char other[] = "99999999-2222-3333-4444-555555555555";
	struct local *l = local_of(b);
	ck_assert_msg(open_it(0) == 0, "%s", e.msg);
	struct guest guest = {.name = "db1"};
	struct guest *list[] = {&guest};
	memcpy(guest.uuid, d.uuid, sizeof(guest.uuid));
	l->guests = list;
	l->nguests = 1;
	g.port = (int)json_int(screen, "port", 0);
	memcpy(d.uuid, other, sizeof(other));
	static struct fd_set_named more;
	json_t *none = NULL;
	int rc = graphics_open(l, &d, 0, &more, &none, &notes, &e);
	l->guests = NULL;
	l->nguests = 0;
	ck_assert_int_eq(rc, -EADDRINUSE);
	ck_assert_msg(strstr(e.msg, "domain 'db1'") != NULL, "%s", e.msg);
}
END_TEST

START_TEST(addresses_are_numbers_or_localhost)
{
	static const struct {
		const char *listen;
		int rc, family;
		bool loopback;
	} cases[] = {
	    {"127.0.0.1", 0, AF_INET, true},
	    {"127.9.9.9", 0, AF_INET, true},
	    {"localhost", 0, AF_INET, true},
	    {"0.0.0.0", 0, AF_INET, false},
	    {"::1", 0, AF_INET6, true},
	    {"::", 0, AF_INET6, false},
	    {"192.0.2.77", -EADDRNOTAVAIL, 0, false},
	    {"example.com", -EINVAL, 0, false},
	    {"127.1", -EINVAL, 0, false},
	    {"", -EINVAL, 0, false},
	    {"127.0.0.1\n", -EINVAL, 0, false},
	};
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int port = -1, fd = graphics_bind_tcp(cases[_i].listen, &port, &e);
	if (cases[_i].family == AF_INET6 && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL))
		test_skip("this host has no IPv6");
	ck_assert_int_eq(graphics_loopback(cases[_i].listen), cases[_i].loopback);
	if (cases[_i].rc) {
		ck_assert_int_eq(fd, cases[_i].rc);
		return;
	}
	ck_assert_msg(fd >= 0, "%s", e.msg);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	ck_assert_int_eq(sa.ss_family, cases[_i].family);
	close(fd);
}
END_TEST

START_TEST(a_unix_socket_is_the_users_and_replaces_a_dead_one)
{
	struct stat st;
	AUTO_FREE char *path = below("vnc.sock");
	g.socket = path;
	ck_assert_msg(open_it(0) == 0, "%s", e.msg);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0600);
	int c = unixsock_connect(path, &e);
	ck_assert_int_ge(c, 0);
	close(c);
	ck_assert_str_eq(json_str(screen, "socket", ""), path);
	ck_assert_int_eq(json_int(screen, "port", 0), 0);
	ck_assert_int_eq(graphics_bind_unix(path, &e), -EADDRINUSE);
	ck_assert_msg(strstr(e.msg, "in use") != NULL, "%s", e.msg);
	named_done(&fds); /* its owner died */
	ck_assert_msg(open_it(0) == 0, "%s", e.msg);
}
END_TEST

START_TEST(a_file_is_not_replaced_by_a_socket)
{
	AUTO_FREE char *path = below("precious");
	ck_assert_int_eq(file_replace(path, "x", 1, 0600, &e), 0);
	g.socket = path;
	ck_assert_int_eq(open_it(0), -EEXIST);
	ck_assert_msg(strstr(e.msg, "precious") != NULL, "%s", e.msg);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(passwords_are_given_made_or_left_out)
{
	static const struct {
		const char *passwd;
		unsigned flags;
		const char *listen;
		int rc;
		const char *is; /* NULL: made up */
	} cases[] = {
	    {NULL, 0, NULL, 0, NULL},
	    {NULL, 0, "0.0.0.0", 0, NULL},
	    {"abc", 0, NULL, 0, "abc"},
	    {"", 0, NULL, 0, ""},
	    {NULL, START_NO_PASSWORD, NULL, 0, ""},
	    {"abc", START_NO_PASSWORD, NULL, 0, ""},
	    {"", 0, "0.0.0.0", -EPERM, NULL},
	    {NULL, START_NO_PASSWORD, "0.0.0.0", -EPERM, NULL},
	};
	g.passwd = (char *)cases[_i].passwd;
	g.listen = (char *)cases[_i].listen;
	int rc = open_it(cases[_i].flags);
	ck_assert_int_eq(rc, cases[_i].rc);
	if (rc) {
		ck_assert_ptr_null(screen);
		return;
	}
	const char *passwd = json_str(screen, "passwd", "missing");
	if (cases[_i].is)
		ck_assert_str_eq(passwd, cases[_i].is);
	else
		ck_assert_uint_eq(strlen(passwd), PASSWORD_LEN);
}
END_TEST

START_TEST(made_up_passwords_differ_and_are_easy_to_type)
{
	char one[PASSWORD_LEN + 1], two[PASSWORD_LEN + 1];
	for (int i = 0; i < 100; i++) {
		password_make(one);
		password_make(two);
		ck_assert_str_ne(one, two);
		ck_assert_uint_eq(strspn(one, "abcdefghjkmnpqrstuvwxyz23456789"), PASSWORD_LEN);
	}
}
END_TEST

START_TEST(the_file_tells_all_and_only_to_the_user)
{
	struct screen_info info;
	struct stat st;
	AUTO_FREE char *path = registry_path(local_of(b), d.uuid, REG_SCREEN);
	g.passwd = (char *)"abc";
	g.view_passwd = (char *)"look";
	g.passwd_valid_to = 4102444800;
	g.tls = GRAPHICS_TLS_ALLOWED;
	ck_assert_msg(open_it(0) == 0, "%s", e.msg);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_ge(named_get(&fds, "screen.json"), 0);
	ck_assert_int_eq(graphics_info(local_of(b), d.uuid, &info, &e), 0);
	ck_assert_int_eq(info.port, json_int(screen, "port", 0));
	ck_assert_str_eq(info.listen, "127.0.0.1");
	ck_assert_str_eq(info.socket, "");
	ck_assert_str_eq(info.passwd, "abc");
	ck_assert_str_eq(info.view_passwd, "look");
	ck_assert_int_eq(info.passwd_valid_to, 4102444800);
	ck_assert_int_eq(info.tls, GRAPHICS_TLS_ALLOWED);
	ck_assert_uint_eq(info.nviewers, 0);
	static const char viewers[] =
	    "{\"port\":5900,\"clients\":[{\"host\":\"10.0.0.1\",\"service\":\"1\",\"viewonly\":true}]}";
	ck_assert_int_eq(file_replace(path, viewers, strlen(viewers), 0600, &e), 0);
	ck_assert_int_eq(graphics_info(local_of(b), d.uuid, &info, &e), 0);
	ck_assert(info.nviewers == 1 && info.viewers[0].viewonly);
	ck_assert_str_eq(info.viewers[0].host, "10.0.0.1");
	ck_assert_int_eq(file_replace(path, "{\"port\":", 8, 0600, &e), 0);
	ck_assert_int_eq(graphics_info(local_of(b), d.uuid, &info, &e), -EPROTO);
	unlink(path);
	ck_assert_int_eq(graphics_info(local_of(b), d.uuid, &info, &e), -ENOENT);
}
END_TEST

START_TEST(certificates_are_found_as_libvirt_lays_them_out)
{
	static const char *const files[] = {"ca-cert.pem", "server-cert.pem", "server-key.pem"};
	AUTO_FREE char *dir = below("certs");
	g.tls = GRAPHICS_TLS_REQUIRED;
	g.tls_dir = dir;
	mkdir(dir, 0700);
	ck_assert_int_eq(open_it(0), -ENOENT);
	ck_assert_msg(strstr(e.msg, "server-cert.pem") != NULL, "%s", e.msg);
	for (int i = 2; i >= 0; i--) {
		AUTO_FREE char *path = x_asprintf("%s/%s", dir, files[i]);
		ck_assert_int_eq(file_replace(path, files[i], strlen(files[i]), 0600, &e), 0);
		if (i == 1) {
			ck_assert_msg(open_it(0) == 0, "%s", e.msg); /* without the authority's */
			ck_assert_int_lt(named_get(&fds, "tls.ca"), 0);
			ck_assert_int_ge(named_get(&fds, "tls.key"), 0);
			g.tls_verify = true;
			ck_assert_int_eq(open_it(0), -ENOENT);
			ck_assert_msg(strstr(e.msg, "ca-cert.pem") != NULL, "%s", e.msg);
			g.tls_verify = false;
		}
	}
	ck_assert_msg(open_it(0) == 0, "%s", e.msg);
	ck_assert_int_ge(named_get(&fds, "tls.ca"), 0);
	ck_assert(!json_flag(screen, "tls_verify", true));
	g.tls_verify = true;
	ck_assert_msg(open_it(0) == 0, "%s", e.msg);
	ck_assert(json_flag(screen, "tls_verify", false));
	AUTO_FREE char *own = below("config/pki");
	g.tls_dir = NULL;
	ck_assert_int_eq(rename(dir, own), 0);
	ck_assert_msg(open_it(0) == 0, "%s", e.msg);
	ck_assert_int_ge(named_get(&fds, "tls.cert"), 0);
	ck_assert_str_eq(json_str(screen, "tls", ""), "required");
}
END_TEST

START_TEST(without_graphics_or_program_there_is_no_screen)
{
	setenv("VMDECK_SCREEN", "/nowhere/vmdeck-screen", 1);
	ck_assert_int_eq(open_it(0), 0);
	ck_assert_ptr_null(screen);
	ck_assert_uint_eq(fds.n, 0);
	ck_assert_msg(strstr(buf_text(&notes), "vmdeck-screen") != NULL, "%s", buf_text(&notes));
	buf_done(&notes);
	d.graphics = NULL;
	ck_assert_int_eq(open_it(0), 0);
	ck_assert_ptr_null(screen);
	ck_assert_uint_eq(notes.len, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("graphics");
	TCase *t = tcase_create("graphics");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_lowest_free_port_is_taken_and_kept);
	tcase_add_test(t, who_holds_a_port_is_named);
	tcase_add_test(t, another_guest_that_holds_it_is_named_as_one);
	tcase_add_loop_test(t, addresses_are_numbers_or_localhost, 0, 11);
	tcase_add_test(t, a_unix_socket_is_the_users_and_replaces_a_dead_one);
	tcase_add_test(t, a_file_is_not_replaced_by_a_socket);
	tcase_add_loop_test(t, passwords_are_given_made_or_left_out, 0, 8);
	tcase_add_test(t, made_up_passwords_differ_and_are_easy_to_type);
	tcase_add_test(t, the_file_tells_all_and_only_to_the_user);
	tcase_add_test(t, certificates_are_found_as_libvirt_lays_them_out);
	tcase_add_test(t, without_graphics_or_program_there_is_no_screen);
	suite_add_tcase(s, t);
	return test_main(s);
}
