/* The pages for a browser: files of one folder and nothing else, on this host only. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/cmd/webfiles.h"
#include "tests/testlib.h"

static char top[64], folder[80];
static struct webfiles *w;
static int port;
static struct err e;

static void put(const char *name, const char *text)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", folder, name);
	ck_assert_int_eq(file_replace(path, text, strlen(text), 0644, &e), 0);
}

static void setup(void)
{
	strcpy(top, "/tmp/vmdeck-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(folder, sizeof(folder), "%s/pages", top);
	mkdir(folder, 0755);
	AUTO_FREE char *app = x_asprintf("%s/app", folder), *secret = x_asprintf("%s/secret", top);
	mkdir(app, 0755);
	ck_assert_int_eq(file_replace(secret, "secret", 6, 0644, &e), 0);
	put("vnc.html", "<html>the page</html>");
	put("app/ui.js", "the script");
	put(".hidden", "secret");
	port = 0;
	w = webfiles_start(folder, &port, &e);
	ck_assert_msg(w != NULL, "%s", e.msg);
}

static void teardown(void)
{
	webfiles_stop(w);
	pid_t pid = fork();
	if (pid == 0)
		execlp("rm", "rm", "-rf", top, (char *)NULL);
	waitpid(pid, NULL, 0);
}

static int dial(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval limit = {.tv_sec = 20};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static const struct {
	const char *first, *status, *has; /* has: in the answer */
} cases[] = {
    {"GET /vnc.html HTTP/1.1", "200", "the page"},
    {"GET /vnc.html?host=127.0.0.1&port=5900 HTTP/1.1", "200", "text/html"},
    {"GET / HTTP/1.1", "200", "the page"},
    {"GET /app/ui.js HTTP/1.1", "200", "text/javascript"},
    {"HEAD /app/ui.js HTTP/1.1", "200", "Content-Length: 10"},
    {"GET /app HTTP/1.1", "404", "Not found"},
    {"GET /app/ HTTP/1.1", "404", "Not found"},
    {"GET /none HTTP/1.1", "404", "Not found"},
    {"GET /../secret HTTP/1.1", "404", "Not found"},
    {"GET /app/../../secret HTTP/1.1", "404", "Not found"},
    {"GET /%2e%2e/secret HTTP/1.1", "404", "Not found"},
    {"GET /%2e%2e%2fsecret HTTP/1.1", "404", "Not found"},
    {"GET //etc/passwd HTTP/1.1", "404", "Not found"},
    {"GET /.hidden HTTP/1.1", "404", "Not found"},
    {"POST /vnc.html HTTP/1.1", "405", "Only GET"},
    {"nonsense", "", ""},
};

START_TEST(files_of_the_folder_and_nothing_else)
{
	AUTO_CLOSE int fd = dial();
	AUTO_FREE char *ask = x_asprintf(
	    "%s\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", cases[_i].first);
	AUTO_BUF struct buf b = {0};
	char part[1000];
	ck_assert_int_eq(write(fd, ask, strlen(ask)), (ssize_t)strlen(ask));
	for (ssize_t n; (n = read(fd, part, sizeof(part))) > 0;)
		buf_add(&b, part, (size_t)n);
	const char *text = buf_text(&b);
	ck_assert_msg(!strstr(text, "secret") && !strstr(text, "root:"), "%s", text);
	ck_assert_msg(!*cases[_i].status || !strncmp(text + strcspn(text, " ") + 1, cases[_i].status, 3),
		      "%s", text);
	ck_assert_msg(strstr(text, cases[_i].has) != NULL, "%s", text);
}
END_TEST

START_TEST(a_port_that_is_taken_is_told_and_the_next_free_one_found)
{
	int same = port, next = 0;
	ck_assert_ptr_null(webfiles_start(folder, &same, &e));
	ck_assert_msg(strstr(e.msg, "taken") != NULL, "%s", e.msg);
	struct webfiles *other = webfiles_start(folder, &next, &e);
	ck_assert_ptr_nonnull(other);
	ck_assert_int_ne(next, port);
	webfiles_stop(other);
	ck_assert_ptr_null(webfiles_start("/nowhere/novnc", &next, &e));
	ck_assert_msg(strstr(e.msg, "/nowhere/novnc") != NULL, "%s", e.msg);
}
END_TEST

START_TEST(silent_connections_do_not_keep_others_out)
{
	int fds[20];
	for (int i = 0; i < 20; i++)
		fds[i] = dial();
	files_of_the_folder_and_nothing_else_fn(0);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("webfiles");
	TCase *t = tcase_create("webfiles");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, files_of_the_folder_and_nothing_else, 0, ARRAY_SIZE(cases));
	tcase_add_test(t, a_port_that_is_taken_is_told_and_the_next_free_one_found);
	tcase_add_test(t, silent_connections_do_not_keep_others_out);
	suite_add_tcase(s, t);
	return test_main(s);
}
