/* The relay before viewers that mean ill: none of them takes its memory, fills its log, or keeps others from
 * their answers. The relay runs in a process of its own, with an echo in the server's place: a viewer that
 * presses key N gets N bytes. */
#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/screen/relay.h"
#include "backend/screen/sources.h"
#include "backend/screen/tls.h"
#include "backend/screen/vnc.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "tests/testlib.h"

#define PASSWD "secret"
#define SOON_MS 3000  /* an answer comes within this, whatever others do: without them it is less than one */
#define GROWN_MIB 48  /* so much may the relay grow */
#define LOG_MAX 4096  /* and its log */
#define VIA "127.0.0.2" /* where other people come from */
#define SERVER_ANSWER 18 /* of the server in the handshake: the relay's, which eats it */

struct host {
	pid_t pid;
	int log, port;
	long rss_mib;
};

static struct host the_host; /* killed by the test's end, however that comes */

/* --- the relay's process --- */

static bool recv_all(int fd, void *p, size_t n)
{
	return recv(fd, p, n, MSG_WAITALL) == (ssize_t)n;
}

static bool send_all(int fd, const void *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t k = send(fd, (const char *)p + at, n - at, MSG_NOSIGNAL);
		if (k <= 0)
			return false;
		at += (size_t)k;
	}
	return true;
}

static void *echo(void *arg)
{
	static const char some[65536] = "";
	int fd = (int)(intptr_t)arg;
	uint8_t m[14];
	bool ok = recv_all(fd, m, 14) && send_all(fd, some, SERVER_ANSWER);
	while (ok && recv_all(fd, m, 1)) {
		uint32_t n;
		if (m[0] != 4) /* anything but a key: nothing to be said to it */
			continue;
		ok = recv_all(fd, m + 1, 7);
		memcpy(&n, m + 4, 4);
		for (n = ntohl(n); ok && n; n -= n < sizeof(some) ? n : (uint32_t)sizeof(some))
			ok = send_all(fd, some, n < sizeof(some) ? n : sizeof(some));
	}
	close(fd);
	return NULL;
}

static void joined(void *ctx, unsigned id, int fd, bool view_only)
{
	pthread_t t;
	if (pthread_create(&t, NULL, echo, (void *)(intptr_t)fd) == 0)
		pthread_detach(t);
	else
		close(fd);
}

static void changed(void *ctx)
{
}

static void asked(void *ctx, unsigned id, unsigned what)
{
}

static void __attribute__((noreturn)) relay_process(int listener, int log)
{
	static const struct relay_ops ops = {joined, changed, asked, vnc_encrypt, NULL};
	struct err e = {0};
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	struct rlimit r = {4ul << 30, 4ul << 30}; /* should it fail, this machine survives */
	setrlimit(RLIMIT_AS, &r);
#endif
	signal(SIGPIPE, SIG_IGN);
	log_open("screen test", log);
	struct relay *relay = relay_new(&listener, 1, &ops, NULL, &e);
	struct config c = {.known = true, .passwd = PASSWD, .tls = CONFIG_TLS_ALLOWED};
	if (!relay || tls_cred_anonymous(&c.cred, &e))
		_exit(1);
	relay_config(relay, &c);
	for (;;)
		pause();
}

static long rss_mib(pid_t pid)
{
	char path[64];
	long all, rss = 0;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	FILE *f = fopen(path, "r");
	ck_assert_msg(f && fscanf(f, "%ld %ld", &all, &rss) == 2, "the relay's process is gone");
	fclose(f);
	return rss * sysconf(_SC_PAGESIZE) >> 20;
}

static unsigned descriptors(void)
{
	char path[64];
	unsigned n = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)the_host.pid);
	DIR *d = opendir(path);
	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void host_start(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert(bind(l, (void *)&a, len) == 0 && listen(l, 128) == 0 && getsockname(l, (void *)&a, &len) == 0);
	the_host.port = ntohs(a.sin_port);
	the_host.log = memfd_create("log", MFD_CLOEXEC);
	the_host.pid = fork();
	if (the_host.pid == 0)
		relay_process(l, the_host.log);
	close(l);
}

static void host_end(void)
{
	kill(the_host.pid, SIGKILL);
	waitpid(the_host.pid, NULL, 0);
	close(the_host.log);
}

static void host_is_well(void)
{
	struct stat st;
	ck_assert_int_eq(waitpid(the_host.pid, NULL, WNOHANG), 0);
	long rss = rss_mib(the_host.pid);
	ck_assert_msg(rss <= the_host.rss_mib + GROWN_MIB, "the relay has grown from %ld to %ld MiB",
		      the_host.rss_mib, rss);
	ck_assert(fstat(the_host.log, &st) == 0);
	ck_assert_msg(st.st_size <= LOG_MAX, "its log has %lld bytes", (long long)st.st_size);
}

/* --- viewers --- */

static int dial(const char *from)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)the_host.port)}, a = to;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {.tv_sec = 15};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = 0;
	inet_pton(AF_INET, from, &a.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (bind(fd, (void *)&a, sizeof(a)) || connect(fd, (void *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void hang_up(int fd)
{
	struct linger now = {1, 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)); /* no TIME_WAIT: ports are few */
	close(fd);
}

/* Up to the challenge; false: it was not given. */
static bool challenged(int fd, uint8_t challenge[16])
{
	uint8_t b[16];
	return recv_all(fd, b, 12) && send_all(fd, "RFB 003.008\n", 12) && recv_all(fd, b, 3) && b[0] == 2 &&
	       send_all(fd, "\2", 1) && recv_all(fd, challenge, 16);
}

/* A viewer that is in, or -1. */
static int enter(const char *from)
{
	uint8_t c[16], result[4] = {1};
	int fd = dial(from);
	bool ok = fd >= 0 && challenged(fd, c);
	if (ok)
		vnc_encrypt(c, PASSWD);
	if (ok && send_all(fd, c, 16) && recv_all(fd, result, 4) && !result[3] && send_all(fd, "\1", 1))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool press(int fd, uint32_t n)
{
	uint8_t m[8] = {4, 1, 0, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
	return send_all(fd, m, 8);
}

/* The viewer at @fd gets its answer soon, though others misbehave. */
static void is_answered(int fd)
{
	uint8_t b[8];
	int64_t began = now_ms();
	ck_assert_msg(press(fd, 8) && recv_all(fd, b, 8), "another viewer gets no answer");
	ck_assert_msg(now_ms() - began < SOON_MS, "another viewer gets its answer after %d ms",
		      (int)(now_ms() - began));
}

#define UPGRADE                                                                                              \
	"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static int dial_web(void)
{
	char b[512] = "";
	int fd = dial("127.0.0.1");
	ck_assert(fd >= 0 && send_all(fd, UPGRADE, sizeof(UPGRADE) - 1));
	for (size_t n = 0; !strstr(b, "\r\n\r\n"); n++)
		ck_assert(n < sizeof(b) - 1 && recv_all(fd, b + n, 1));
	ck_assert_msg(str_starts(b, "HTTP/1.1 101"), "%s", b);
	return fd;
}

/* A frame whose mask is 0. */
static size_t frame(uint8_t *to, uint8_t head, const void *p, uint8_t n)
{
	memcpy(to, (uint8_t[]){head, (uint8_t)(0x80 | n), 0, 0, 0, 0}, 6);
	memcpy(to + 6, p, n);
	return 6u + n;
}

static void say_web(int fd, const void *p, uint8_t n)
{
	uint8_t b[160];
	ck_assert(send_all(fd, b, frame(b, 0x82, p, n)));
}

/* What a frame of less than 126 bytes brings, behind others. */
static void hear_web(int fd, void *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		uint8_t h[2];
		ck_assert(recv_all(fd, h, 2) && h[1] < 126 && at + h[1] <= n && recv_all(fd, (uint8_t *)p + at, h[1]));
		at += h[1];
	}
}

/* One in a browser that is in. */
static int enter_web(void)
{
	uint8_t b[32], c[16];
	int fd = dial_web();
	hear_web(fd, b, 12);
	say_web(fd, "RFB 003.008\n", 12);
	hear_web(fd, b, 3);
	say_web(fd, "\2", 1);
	hear_web(fd, c, 16);
	vnc_encrypt(c, PASSWD);
	say_web(fd, c, 16);
	hear_web(fd, b, 4);
	ck_assert_uint_eq(b[3], 0);
	say_web(fd, "\1", 1);
	return fd;
}

/* Send @p over and over without reading, until the relay hangs up or @ms are over, while the viewer @other is
 * answered. Return: it has hung up. */
static bool flood(int fd, const void *p, size_t n, int ms, int other)
{
	size_t at = 0;
	int64_t end = now_ms() + ms, look = 0;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (now_ms() < end) {
		struct pollfd w = {.fd = fd, .events = POLLOUT};
		ssize_t k = send(fd, (const char *)p + at, n - at, MSG_NOSIGNAL);
		if (k < 0 && errno != EAGAIN)
			return true;
		at = k > 0 ? (at + (size_t)k) % n : at;
		if (k < 0)
			poll(&w, 1, 50);
		if (now_ms() < look)
			continue;
		look = now_ms() + 200;
		is_answered(other);
		host_is_well();
	}
	return false;
}

#define FLOOD (1 << 20)

/* FLOOD bytes of the frame. */
static uint8_t *frames_of(uint8_t head, uint8_t len, size_t *n)
{
	static const uint8_t zero[125];
	uint8_t *p = x_malloc(FLOOD);
	for (*n = 0; *n + 6 + len <= FLOOD;)
		*n += frame(p + *n, head, zero, len);
	return p;
}

static int other_viewer(void)
{
	int fd = enter(VIA);
	ck_assert_int_ge(fd, 0);
	is_answered(fd);
	the_host.rss_mib = rss_mib(the_host.pid);
	return fd;
}

/* Half a handshake of any kind, and one that floods pings meanwhile. */
START_TEST(strangers_take_nothing_and_are_closed_in_time)
{
	static const char *const halves[] = {"", "R", "RFB 003.008\n", "RFB 003.008\n\2", "GET /", UPGRADE, "\x16\3\1"};
	struct pollfd w[ARRAY_SIZE(halves)];
	size_t n;
	int other = other_viewer(), fd = dial_web();
	AUTO_FREE uint8_t *pings = frames_of(0x89, 125, &n);
	for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
		w[i].fd = dial("127.0.0.1");
		w[i].events = POLLRDHUP;
		ck_assert(w[i].fd >= 0 && send_all(w[i].fd, halves[i], strlen(halves[i])));
	}
	int64_t end = now_ms() + RELAY_HANDSHAKE_MS + 10000;
	ck_assert_msg(flood(fd, pings, n, RELAY_HANDSHAKE_MS + 10000, other), "pings may go on for ever");
	for (size_t open = 1; open;) {
		open = 0;
		is_answered(other);
		poll(w, ARRAY_SIZE(halves), 100);
		for (size_t i = 0; i < ARRAY_SIZE(halves); i++)
			open += !(w[i].revents & (POLLRDHUP | POLLHUP | POLLERR));
		ck_assert_msg(!open || now_ms() < end, "%zu are still open", open);
		usleep(100000);
	}
	host_is_well();
}
END_TEST

START_TEST(a_ping_of_a_viewer_that_is_in_is_answered)
{
	uint8_t b[64], got[3];
	int fd = enter_web();
	ck_assert(send_all(fd, b, frame(b, 0x89, "x", 1)) && recv_all(fd, got, 3));
	ck_assert_mem_eq(got, "\x8a\1x", 3);
}
END_TEST

/* Frames of nothing, of a message that does not end; and the same of bytes that say nothing to the guest. */
START_TEST(fragments_without_end_keep_nobody_waiting)
{
	size_t n;
	int other = other_viewer(), fd = enter_web();
	AUTO_FREE uint8_t *empty = frames_of(0, 0, &n);
	AUTO_FREE uint8_t *begun = x_malloc(FLOOD);
	frame(begun, 2, "", 0);
	ck_assert(send_all(fd, begun, 6));
	flood(fd, empty, n, 1500, other);
	fd = enter_web();
	n = 0;
	for (uint8_t i = 0; n + 7 <= FLOOD; i = (uint8_t)((i + 1) % 10)) /* RFB: asks for nothing, byte by byte */
		n += frame(begun + n, n ? 0 : 2, i ? "" : "\3", 1);
	begun[0] = 2;
	flood(fd, begun, n, 1500, other);
	is_answered(other);
	host_is_well();
}
END_TEST

/* Seven of a picture without end, and one of its pings' answers. */
START_TEST(those_that_do_not_read_take_a_bounded_queue_and_are_closed)
{
	size_t n;
	int other = other_viewer();
	unsigned before = descriptors();
	AUTO_FREE uint8_t *pings = frames_of(0x89, 125, &n);
	for (int i = 0; i < 7; i++) {
		int fd = enter("127.0.0.1");
		ck_assert(fd >= 0 && press(fd, 1 << 30));
	}
	ck_assert_uint_gt(descriptors(), before);
	int64_t end = now_ms() + RELAY_STALL_MS + 15000;
	ck_assert_msg(flood(enter_web(), pings, n, RELAY_STALL_MS + 15000, other), "pings may go on for ever");
	while (descriptors() > before) { /* they see no end: it is behind what they do not read */
		ck_assert_msg(now_ms() < end, "%u of their sockets are still open", descriptors() - before);
		is_answered(other);
		host_is_well();
		usleep(100000);
	}
}
END_TEST

/* As slow as one can read without being closed. */
START_TEST(one_that_reads_slowly_is_served_and_keeps_nobody_waiting)
{
	uint8_t b[4096];
	int other = other_viewer(), fd = enter("127.0.0.1");
	ck_assert(fd >= 0 && press(fd, 1 << 30));
	for (int i = 0; i < 10; i++) {
		ck_assert_int_gt(recv(fd, b, sizeof(b), 0), 0);
		usleep(100000);
		is_answered(other);
		host_is_well();
	}
}
END_TEST

/* Connections that come and go, some that stay: from one address, as fast as they can. */
START_TEST(thousands_of_connections_keep_nobody_out)
{
	enum { KEPT = 200, MADE = 4000 };
	int other = other_viewer(), kept[KEPT];
	for (int i = 0; i < KEPT; i++)
		kept[i] = dial("127.0.0.1");
	int64_t began = now_ms(), worked = 0;
	for (int i = 0; i < MADE; i++) {
		int fd = dial("127.0.0.1"), *place = &kept[i % KEPT];
		ck_assert_int_ge(fd, 0);
		if (i % 3 == 0)
			send_all(fd, "RFB 003.008\n\1", 13); /* a kind that was not offered: turned away */
		if (i % 3 == 1) {
			hang_up(*place);
			*place = fd;
		} else {
			hang_up(fd);
		}
		if (i % 200)
			continue;
		int64_t at = now_ms();
		is_answered(other);
		int new = enter(VIA);
		ck_assert_msg(new >= 0 && now_ms() - at < 2 * SOON_MS, "another address is kept out");
		is_answered(new);
		close(new);
		worked += now_ms() - at;
	}
	printf("%d connections in %d ms\n", MADE, (int)(now_ms() - began - worked));
	host_is_well();
	for (int i = 0; i < KEPT; i++)
		hang_up(kept[i]);
	int same = enter("127.0.0.1");
	ck_assert_msg(same >= 0, "the address itself is kept out afterwards");
}
END_TEST

/* Those who say nothing make room for one who says what it should, from the same address. */
START_TEST(who_goes_on_with_its_handshake_is_not_pushed_out)
{
	enum { SILENT = 4 * RELAY_STRANGERS };
	int silent[SILENT], fd = dial("127.0.0.1");
	uint8_t c[16], result[4];
	ck_assert(fd >= 0 && challenged(fd, c));
	for (int i = 0; i < SILENT; i++)
		ck_assert_int_ge(silent[i] = dial("127.0.0.1"), 0);
	vnc_encrypt(c, PASSWD);
	ck_assert_msg(send_all(fd, c, 16) && recv_all(fd, result, 4) && !result[3], "it was pushed out");
	for (int i = 0; i < SILENT; i++)
		close(silent[i]);
}
END_TEST

/* Eight at a time, hanging up when the answer is not there at once, as silence would be one. */
START_TEST(passwords_are_not_guessed_by_the_hundred)
{
	enum { AT_ONCE = 8 };
	unsigned guesses = 0, refused = 0;
	int64_t end = now_ms() + 5000;
	while (now_ms() < end) {
		int fd[AT_ONCE];
		uint8_t b[16];
		for (int i = 0; i < AT_ONCE; i++) {
			fd[i] = dial("127.0.0.1");
			ck_assert(fd[i] >= 0 && recv_all(fd[i], b, 12) && send_all(fd[i], "RFB 003.008\n", 12));
		}
		for (int i = 0; i < AT_ONCE; i++) {
			struct pollfd p = {.fd = fd[i], .events = POLLIN};
			if (recv_all(fd[i], b, 1) && !b[0]) {
				refused++; /* "Too many wrong passwords" */
			} else if (recv_all(fd[i], b, 2) && send_all(fd[i], "\2", 1) && poll(&p, 1, 300) == 1 &&
				   recv_all(fd[i], b, 16)) {
				guesses++;
				send_all(fd[i], b, 16);
				poll(&p, 1, 3);
			}
			close(fd[i]);
		}
	}
	printf("%u guesses, %u refused\n", guesses, refused);
	ck_assert_msg(guesses <= SOURCE_FREE + AT_ONCE + 6, "%u guesses in 5 s", guesses);
	ck_assert_uint_ge(guesses, SOURCE_FREE);
	int other = enter(VIA);
	ck_assert_msg(other >= 0, "another address has to wait, too");
	is_answered(other);
	char log[LOG_MAX + 1] = "";
	ck_assert(pread(the_host.log, log, LOG_MAX, 0) > 0);
	ck_assert_msg(strstr(log, "5 wrong passwords from 127.0.0.1"), "%s", log);
}
END_TEST

/* --- TLS handshakes --- */

static _Atomic unsigned shaken;
static atomic_bool enough;

static void shake(gnutls_anon_client_credentials_t anon)
{
	gnutls_session_t t;
	int rc, fd = dial("127.0.0.1");
	if (fd < 0)
		return;
	gnutls_init(&t, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
	gnutls_priority_set_direct(t, "NORMAL:-VERS-ALL:+VERS-TLS1.2:+ANON-ECDH", NULL);
	gnutls_credentials_set(t, GNUTLS_CRD_ANON, anon);
	gnutls_transport_set_int(t, fd);
	do
		rc = gnutls_handshake(t);
	while (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED);
	shaken += rc == 0;
	gnutls_deinit(t);
	hang_up(fd);
}

static void *shake_on(void *arg)
{
	gnutls_anon_client_credentials_t anon;
	gnutls_anon_allocate_client_credentials(&anon);
	while (!enough)
		shake(anon);
	gnutls_anon_free_client_credentials(anon);
	return NULL;
}

START_TEST(handshakes_of_strangers_keep_nobody_waiting)
{
	pthread_t t[16];
	int other = other_viewer();
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, shake_on, NULL), 0);
	for (int64_t end = now_ms() + 20000; shaken < 200 && now_ms() < end;) {
		is_answered(other);
		host_is_well();
		usleep(20000);
	}
	enough = true;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	printf("%u handshakes\n", shaken);
	ck_assert_uint_gt(shaken, 0);
	is_answered(other);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("screen_relay");
	TCase *t = tcase_create("ill");
	tcase_add_checked_fixture(t, host_start, host_end);
	tcase_set_timeout(t, 90);
	tcase_add_test(t, strangers_take_nothing_and_are_closed_in_time);
	tcase_add_test(t, a_ping_of_a_viewer_that_is_in_is_answered);
	tcase_add_test(t, fragments_without_end_keep_nobody_waiting);
	tcase_add_test(t, those_that_do_not_read_take_a_bounded_queue_and_are_closed);
	tcase_add_test(t, one_that_reads_slowly_is_served_and_keeps_nobody_waiting);
	tcase_add_test(t, thousands_of_connections_keep_nobody_out);
	tcase_add_test(t, who_goes_on_with_its_handshake_is_not_pushed_out);
	tcase_add_test(t, passwords_are_not_guessed_by_the_hundred);
	tcase_add_test(t, handshakes_of_strangers_keep_nobody_waiting);
	suite_add_tcase(s, t);
	return test_main(s);
}
