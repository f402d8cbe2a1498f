/* The parts of vmdeck-screen that need no viewer: the handshake, WebSocket frames, keys, tiles, the machine's
 * configuration, text of clipboards. tests/native/screen.sh has the whole of it. */
#include <arpa/inet.h>
#include <check.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/screen/flow.h"
#include "backend/screen/guard.h"
#include "backend/screen/handshake.h"
#include "backend/screen/keys.h"
#include "backend/screen/names.h"
#include "backend/screen/scroll.h"
#include "backend/screen/sources.h"
#include "backend/screen/surface.h"
#include "backend/screen/tls.h"
#include "backend/screen/vnc.h"
#include "backend/screen/vnc_text.h"
#include "backend/screen/ws.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "tests/testlib.h"

static bool holds(const struct fifo *f, const char *p, size_t n)
{
	return f->len == n && (!n || memcmp(fifo_head(f), p, n) == 0);
}

/* --- handshake --- */

static void no_random(void *p, size_t n)
{
	memset(p, 'c', n);
}

/* DES is the library's: here the password itself is the answer. */
static void no_des(uint8_t c[HANDSHAKE_CHALLENGE], const char *passwd)
{
	memset(c, '.', HANDSHAKE_CHALLENGE);
	memcpy(c, passwd, strlen(passwd));
}

#define OLD "RFB 003.003\n"
#define V37 "RFB 003.007\n"
#define V38 "RFB 003.008\n"
#define CHALLENGE "cccccccccccccccc"
#define REQUIRED "This screen takes encrypted connections only: use a viewer with TLS (VeNCrypt)"
#define EXPIRED "The password of this screen has expired; ask for a new one"

/* Lengths count, zeroes are bytes. */
#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *what;
	const char *passwd, *view;
	int64_t valid_to;
	enum config_tls tls;
	const char *in;
	size_t nin;
	const char *out; /* behind our version */
	size_t nout;
	enum handshake_result result;
	bool view_only, exclusive;
} talks[] = {
    {"3.8 without a password", "", "", 0, 0, BYTES(V38 "\1\1"), BYTES("\1\1\0\0\0\0"), HANDSHAKE_DONE, false, false},
    {"3.7 hears no result of None", "", "", 0, 0, BYTES(V37 "\1\0"), BYTES("\1\1"), HANDSHAKE_DONE, false, true},
    {"3.3 is told the type", "", "", 0, 0, BYTES(OLD "\1"), BYTES("\0\0\0\1"), HANDSHAKE_DONE, false, false},
    {"3.5 is 3.3", "", "", 0, 0, BYTES("RFB 003.005\n\1"), BYTES("\0\0\0\1"), HANDSHAKE_DONE, false, false},
    {"3.889 is 3.8", "", "", 0, 0, BYTES("RFB 003.889\n\1\1"), BYTES("\1\1\0\0\0\0"), HANDSHAKE_DONE, false, false},
    {"a good password", "secret", "look", 0, 0, BYTES(V38 "\2secret..........\1"), BYTES("\1\2" CHALLENGE "\0\0\0\0"), HANDSHAKE_DONE,
     false, false},
    {"3.3 with a password", "secret", "", 0, 0, BYTES(OLD "secret..........\1"), BYTES("\0\0\0\2" CHALLENGE "\0\0\0\0"),
     HANDSHAKE_DONE, false, false},
    {"the view-only password", "secret", "look", 0, 0, BYTES(V38 "\2look............\1"), BYTES("\1\2" CHALLENGE "\0\0\0\0"),
     HANDSHAKE_DONE, true, false},
    {"a wrong password", "secret", "", 0, 0, BYTES(V38 "\2guess...........\1"),
     BYTES("\1\2" CHALLENGE "\0\0\0\1\0\0\0\16Wrong password"), HANDSHAKE_CLOSED, false, false},
    {"a wrong password of 3.7", "secret", "", 0, 0, BYTES(V37 "\2guess..........."), BYTES("\1\2" CHALLENGE "\0\0\0\1"),
     HANDSHAKE_CLOSED, false, false},
    {"no password is not a password", "", "look", 0, 0, BYTES(V38 "\2................\1"),
     BYTES("\1\2" CHALLENGE "\0\0\0\1\0\0\0\16Wrong password"), HANDSHAKE_CLOSED, false, false},
    {"None where a password is asked", "secret", "", 0, 0, BYTES(V38 "\1\1"),
     BYTES("\1\2\0\0\0\1\0\0\0\42That security type was not offered"), HANDSHAKE_CLOSED, false, false},
    {"an expired password", "secret", "", 999, 0, BYTES(V38), BYTES("\0\0\0\0\72" EXPIRED), HANDSHAKE_CLOSED, false, false},
    {"an expired password, 3.3", "secret", "", 999, 0, BYTES(OLD), BYTES("\0\0\0\0\0\0\0\72" EXPIRED), HANDSHAKE_CLOSED, false, false},
    {"one that is good for a second", "secret", "", 1001, 0, BYTES(V38 "\2secret..........\1"),
     BYTES("\1\2" CHALLENGE "\0\0\0\0"), HANDSHAKE_DONE, false, false},
    {"half a version", "", "", 0, 0, BYTES("RFB 003"), BYTES(""), HANDSHAKE_MORE, false, false},
    {"one byte", "", "", 0, 0, BYTES("R"), BYTES(""), HANDSHAKE_MORE, false, false},
    {"no RFB", "", "", 0, 0, BYTES("SSH-2.0"), BYTES(""), HANDSHAKE_CLOSED, false, false},
    {"another RFB", "", "", 0, 0, BYTES("RFB 004.000\n"), BYTES(""), HANDSHAKE_CLOSED, false, false},
    {"letters in the version", "", "", 0, 0, BYTES("RFB 003.0x8\n"), BYTES(""), HANDSHAKE_CLOSED, false, false},
    {"TLS is offered first", "", "", 0, CONFIG_TLS_ALLOWED, BYTES(V38 "\1\1"), BYTES("\2\23\1\0\0\0\0"), HANDSHAKE_DONE, false, false},
    {"VeNCrypt up to TLS", "secret", "", 0, CONFIG_TLS_REQUIRED, BYTES(V38 "\23\0\2\0\0\1\2"), BYTES("\1\23\0\2\0\1\0\0\1\2\1"),
     HANDSHAKE_TLS, false, false},
    {"VeNCrypt without a password", "", "", 0, CONFIG_TLS_REQUIRED, BYTES(V38 "\23\0\2\0\0\1\1"), BYTES("\1\23\0\2\0\1\0\0\1\1\1"),
     HANDSHAKE_TLS, false, false},
    {"VeNCrypt 0.1", "", "", 0, CONFIG_TLS_REQUIRED, BYTES(V38 "\23\0\1"), BYTES("\1\23\0\2\377"), HANDSHAKE_CLOSED, false, false},
    {"a subtype that was not offered", "", "", 0, CONFIG_TLS_REQUIRED, BYTES(V38 "\23\0\2\0\0\1\0"),
     BYTES("\1\23\0\2\0\1\0\0\1\1\0"), HANDSHAKE_CLOSED, false, false},
    {"None in TLS where a password is asked", "secret", "", 0, CONFIG_TLS_REQUIRED, BYTES(V38 "\23\0\2\0\0\1\1"),
     BYTES("\1\23\0\2\0\1\0\0\1\2\0"), HANDSHAKE_CLOSED, false, false},
    {"bytes in the clear where TLS begins", "", "", 0, CONFIG_TLS_REQUIRED, BYTES(V38 "\23\0\2\0\0\1\1\1"),
     BYTES("\1\23\0\2\0\1\0\0\1\1\1"), HANDSHAKE_CLOSED, false, false},
    {"plain where TLS is required", "", "", 0, CONFIG_TLS_REQUIRED, BYTES(V38 "\1"), BYTES("\1\23\0\0\0\1\0\0\0\116" REQUIRED),
     HANDSHAKE_CLOSED, false, false},
    {"3.3 where TLS is required", "", "", 0, CONFIG_TLS_REQUIRED, BYTES(OLD), BYTES("\0\0\0\0\0\0\0\116" REQUIRED), HANDSHAKE_CLOSED,
     false, false},
};

static void setup_config(struct config *c, const char *passwd, const char *view, int64_t valid_to,
			 enum config_tls tls)
{
	*c = (struct config){.known = true, .passwd_valid_to = valid_to, .tls = tls};
	snprintf(c->passwd, sizeof(c->passwd), "%s", passwd);
	snprintf(c->view_passwd, sizeof(c->view_passwd), "%s", view);
}

/* All of @in in pieces of @step bytes. */
static enum handshake_result talk(struct handshake *h, const struct config *c, const char *in, size_t n,
				  size_t step, struct fifo *out)
{
	const struct handshake_env env = {.config = c, .now = 1000, .random = no_random, .encrypt = no_des};
	struct fifo f = {0};
	enum handshake_result rc = HANDSHAKE_MORE;
	for (size_t i = 0; i <= n && rc == HANDSHAKE_MORE; i += step) {
		fifo_add(&f, in + i, i + step < n ? step : n - i);
		rc = handshake_step(h, &env, &f, out);
	}
	fifo_done(&f);
	return rc;
}

START_TEST(each_handshake_ends_as_it_should)
{
	for (size_t step = 64; step; step /= 4) {
		struct config c;
		struct handshake h = {0};
		struct fifo out = {0};
		setup_config(&c, talks[_i].passwd, talks[_i].view, talks[_i].valid_to, talks[_i].tls);
		/* byte by byte nothing has come too early */
		bool early = !strcmp(talks[_i].what, "bytes in the clear where TLS begins") && step == 1;
		enum handshake_result rc = talk(&h, &c, talks[_i].in, talks[_i].nin, step, &out);
		ck_assert_msg(rc == (early ? HANDSHAKE_TLS : talks[_i].result), "%s: %d", talks[_i].what, rc);
		ck_assert_msg(out.len == 12 + talks[_i].nout &&
				  !memcmp(fifo_head(&out) + 12, talks[_i].out, talks[_i].nout),
			      "%s: another answer, of %zu bytes", talks[_i].what, out.len);
		ck_assert_int_eq(h.view_only, talks[_i].view_only);
		ck_assert_int_eq(h.exclusive, talks[_i].exclusive);
		ck_assert_msg(rc != HANDSHAKE_CLOSED || h.why, "%s: no reason", talks[_i].what);
		fifo_done(&out);
	}
}
END_TEST

START_TEST(behind_tls_the_password_is_asked_for)
{
	struct config c;
	struct handshake h = {0};
	struct fifo out = {0};
	setup_config(&c, "secret", "", 0, CONFIG_TLS_REQUIRED);
	ck_assert_int_eq(talk(&h, &c, V38 "\23\0\2\0\0\1\2", 12 + 7, 64, &out), HANDSHAKE_TLS);
	h.tls = true;
	fifo_drop(&out, out.len);
	ck_assert_int_eq(talk(&h, &c, "secret..........\1", 17, 64, &out), HANDSHAKE_DONE);
	ck_assert_uint_eq(out.len, 20);
	fifo_done(&out);
}
END_TEST

/* --- who guesses passwords --- */

static struct source_key source_of(const char *text)
{
	struct sockaddr_storage a = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;
	a.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	ck_assert_int_eq(inet_pton(a.ss_family, text, a.ss_family == AF_INET ? (void *)&v4->sin_addr : &v6->sin6_addr), 1);
	return source_key(&a);
}

START_TEST(sources_are_addresses_or_networks_of_ipv6)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
	    {"192.0.2.1", "192.0.2.1", true},        {"192.0.2.1", "192.0.2.2", false},
	    {"::ffff:192.0.2.1", "192.0.2.1", true}, {"2001:db8::1", "2001:db8::dead:2", true},
	    {"2001:db8::1", "2001:db8:0:1::1", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct source_key a = source_of(rows[i].a), b = source_of(rows[i].b);
		ck_assert_msg(source_same(&a, &b) == rows[i].same, "%s, %s", rows[i].a, rows[i].b);
	}
}
END_TEST

/* However many connections it makes at once. */
START_TEST(who_guesses_waits_twice_as_long_each_time)
{
	struct sources s = {0};
	struct source_key who = source_of("192.0.2.1"), other = source_of("192.0.2.2");
	int64_t now = 1000000, asked = 0;
	for (unsigned i = 1; i < SOURCE_FREE; i++) {
		ck_assert_int_eq(sources_challenge(&s, &who, now, 5000), now);
		ck_assert_uint_eq(sources_wrong(&s, &who, now), i);
	}
	ck_assert_int_eq(sources_challenge(&s, &who, now, 5000), now);
	sources_wrong(&s, &who, now);
	ck_assert_int_eq(sources_challenge(&s, &who, now, 5000), now + 1000);
	ck_assert_int_eq(sources_challenge(&s, &who, now, 5000), now + 2000);
	ck_assert_int_eq(sources_challenge(&s, &other, now, 5000), now);
	for (unsigned i = 0; i < 1000; i++) /* an hour and more, without a pause */
		for (int64_t end = now + 5000; now < end; now += 100)
			if (sources_challenge(&s, &who, now, 5000) - now <= 5000) {
				asked++;
				sources_wrong(&s, &who, now);
			}
	ck_assert_msg(asked < 120, "%d guesses in 83 minutes", (int)asked);
	now += 10 * (int64_t)SOURCE_FORGET_MS;
	ck_assert_int_eq(sources_challenge(&s, &who, now, 5000), now);
}
END_TEST

START_TEST(a_right_password_makes_good_the_wrong_ones)
{
	struct sources s = {0};
	struct source_key who = source_of("2001:db8::1");
	for (unsigned i = 0; i < 20; i++)
		sources_wrong(&s, &who, 1000);
	ck_assert_int_gt(sources_challenge(&s, &who, 1000, 5000), 1000);
	sources_right(&s, &who);
	ck_assert_int_eq(sources_challenge(&s, &who, 1000, 5000), 1000);
}
END_TEST

/* Many addresses push out those that guessed least, not the one that guesses most. */
START_TEST(who_guesses_most_is_remembered_longest)
{
	struct sources s = {0};
	struct source_key who = source_of("192.0.2.1");
	for (unsigned i = 0; i < 20; i++)
		sources_wrong(&s, &who, 1000);
	for (unsigned i = 0; i < 2000; i++) {
		char text[32];
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 250, i % 250);
		struct source_key k = source_of(text);
		sources_wrong(&s, &k, 2000);
	}
	ck_assert_int_gt(sources_challenge(&s, &who, 2000, 5000), 2000);
}
END_TEST

/* --- queues --- */

START_TEST(a_queue_takes_no_more_than_its_bound)
{
	struct fifo f = {.max = 100};
	char p[64] = {0};
	fifo_add(&f, p, 64);
	fifo_add(&f, p, 36);
	ck_assert(f.len == 100 && !f.over);
	fifo_add_u8(&f, 1);
	ck_assert(f.len == 100 && f.over);
	fifo_done(&f);
	ck_assert(f.max == 100 && f.over);
}
END_TEST

START_TEST(des_takes_eight_characters)
{
	/* eight characters count; that viewers agree is seen in tests/native/screen.sh */
	uint8_t c[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, d[16], e[16];
	memcpy(d, c, 16);
	memcpy(e, c, 16);
	vnc_encrypt(c, "geheim12");
	vnc_encrypt(d, "geheim12345");
	vnc_encrypt(e, "geheim13");
	ck_assert_mem_eq(c, d, 16);
	ck_assert_mem_ne(c, e, 16);
}
END_TEST

/* --- WebSocket --- */

#define ASK(more)                                                                                            \
	"GET /websockify HTTP/1.1\r\nHost: server:5900\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"     \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" more "\r\n"

static const struct {
	const char *in;
	bool any_origin;
	int result;
	const char *says;
} upgrades[] = {
    /* the example of RFC 6455, 1.3 */
    {ASK(""), false, 1, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"},
    {ASK("Sec-WebSocket-Protocol: base64, binary\r\n"), false, 1, "\r\nSec-WebSocket-Protocol: binary\r\n"},
    {ASK("Origin: http://localhost:6080\r\n"), false, 1, " 101 "},
    {ASK("Origin: http://[::1]\r\n"), false, 1, " 101 "},
    {ASK("Origin: https://server\r\n"), false, 1, " 101 "},
    {ASK("Origin: https://SERVER:8443\r\n"), false, 1, " 101 "},
    {"GET / HTTP/1.1\r\nHost: 192.0.2.1:5900\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "Origin: http://192.0.2.1\r\n\r\n", false, 1, " 101 "},
    {"GET / HTTP/1.1\r\nHost: [2001:db8::1]:5900\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "Origin: http://[2001:db8::1]\r\n\r\n", false, 1, " 101 "},
    {"GET / HTTP/1.1\r\nHost: rebound.example:5900\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "Origin: http://rebound.example\r\n\r\n", false, -1, " 403 "},
    {ASK("Origin: http://192.0.2.9\r\n"), false, -1, " 403 "},
    {ASK("Origin: https://server.evil.example\r\n"), false, -1, " 403 "},
    {ASK("Origin: http://localhost.evil.example\r\n"), false, -1, " 403 "},
    {ASK("Origin: null\r\n"), false, -1, " 403 "},
    {ASK("Origin: http://evil.example\r\n"), true, 1, " 101 "},
    {"GET / HTTP/1.1\r\n\r\n", false, -1, " 426 "},
    {"POST / HTTP/1.1\r\n\r\n", false, -1, " 405 "},
    {"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: short\r\n\r\n", false, -1, " 426 "},
    {"GET / HTTP/1.1\r\nUpgrade: web", false, 0, ""},
};

START_TEST(requests_become_websockets_or_are_told_why_not)
{
	struct fifo in = {0}, out = {0};
	names_set("server", "");
	fifo_add(&in, upgrades[_i].in, strlen(upgrades[_i].in));
	ck_assert_int_eq(ws_upgrade(&in, &out, upgrades[_i].any_origin), upgrades[_i].result);
	fifo_add_u8(&out, 0);
	ck_assert_msg(strstr((char *)fifo_head(&out), upgrades[_i].says), "%s", (char *)fifo_head(&out));
	fifo_done(&in);
	fifo_done(&out);
}
END_TEST

START_TEST(a_host_knows_its_names)
{
	static const struct {
		const char *host;
		bool ours;
	} rows[] = {
	    {"box", true},       {"box.example.org", true}, {"BOX", true},      {"alias", true},       {"box.local", true},
	    {"localhost", true}, {"10.0.0.1", true},        {"[::1]", true},    {"::1", false},        {"box.evil.example", false},
	    {"other", false},    {"10.0.0", false},         {"[::1", false},    {"box.example", false}, {"", false},
	};
	names_set("box", "127.0.0.1 localhost other\n# 10.9.9.9 box commented\n127.0.1.1\tbox.example.org box alias # mine\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_msg(names_ours(rows[i].host, strlen(rows[i].host)) == rows[i].ours, "'%s'", rows[i].host);
	names_set("", "");
	ck_assert(!names_ours(".local", 6) && !names_ours("", 0));
}
END_TEST

START_TEST(a_request_without_end_is_refused)
{
	struct fifo in = {0}, out = {0};
	memset(fifo_room(&in, WS_REQUEST_MAX), 'x', WS_REQUEST_MAX);
	fifo_added(&in, WS_REQUEST_MAX - 1);
	ck_assert_int_eq(ws_upgrade(&in, &out, true), 0);
	fifo_added(&in, 1);
	ck_assert_int_eq(ws_upgrade(&in, &out, true), -1);
	fifo_done(&in);
	fifo_done(&out);
}
END_TEST

static const struct {
	const char *what, *in;
	size_t nin;
	const char *data, *out;
	size_t nout;
	int result;
} frames[] = {
    {"a frame", BYTES("\202\205\1\2\3\4igohn"), "hello", BYTES(""), 0},
    {"two fragments", BYTES("\2\202\0\0\0\0he\200\203\0\0\0\0llo"), "hello", BYTES(""), 0},
    {"a ping between them", BYTES("\2\202\0\0\0\0he\211\201\0\0\0\0p\200\203\0\0\0\0llo"), "hello", BYTES("\212\1p"), 0},
    {"pings, as long as their answers are few", BYTES("\211\202\0\0\0\0ab\211\203\0\0\0\0abc\211\201\0\0\0\0d"), "",
     BYTES("\212\2ab\212\3abc"), 0},
    {"a long form of the length", BYTES("\202\376\0\5\0\0\0\0hello"), "hello", BYTES(""), 0},
    {"an empty one", BYTES("\202\200\0\0\0\0\202\201\0\0\0\0x"), "x", BYTES(""), 0},
    {"half a frame", BYTES("\202\205\0\0\0\0hel"), "hel", BYTES(""), 0},
    {"half a head", BYTES("\202\376\0"), "", BYTES(""), 0},
    {"a close", BYTES("\210\202\0\0\0\0\3\350"), "", BYTES("\210\2\3\350"), -1},
    {"one that is not masked", BYTES("\202\5hello"), "", BYTES(""), -1},
    {"a continuation of nothing", BYTES("\200\201\0\0\0\0x"), "", BYTES(""), -1},
    {"a beginning within a message", BYTES("\2\201\0\0\0\0x\202\201\0\0\0\0y"), "x", BYTES(""), -1},
    {"a ping of 126 bytes", BYTES("\211\376\0\176\0\0\0\0"), "", BYTES(""), -1},
    {"a reserved bit", BYTES("\302\201\0\0\0\0x"), "", BYTES(""), -1},
    {"an unknown kind", BYTES("\203\201\0\0\0\0x"), "", BYTES(""), -1},
    {"a length with its highest bit", BYTES("\202\377\200\0\0\0\0\0\0\1\0\0\0\0"), "", BYTES(""), -1},
};

START_TEST(frames_are_taken_apart)
{
	for (size_t step = 64; step; step /= 8) {
		struct ws w = {.pong_max = 9};
		struct fifo in = {0}, data = {0}, out = {0};
		int rc = 0;
		for (size_t i = 0; i < frames[_i].nin && rc == 0; i += step) {
			fifo_add(&in, frames[_i].in + i,
				 i + step < frames[_i].nin ? step : frames[_i].nin - i);
			rc = ws_decode(&w, &in, &data, &out);
		}
		ck_assert_msg(rc == frames[_i].result, "%s: %d", frames[_i].what, rc);
		ck_assert_msg(holds(&data, frames[_i].data, strlen(frames[_i].data)), "%s: %.*s",
			      frames[_i].what, (int)data.len, fifo_head(&data));
		ck_assert_msg(holds(&out, frames[_i].out, frames[_i].nout), "%s", frames[_i].what);
		fifo_done(&in);
		fifo_done(&data);
		fifo_done(&out);
	}
}
END_TEST

START_TEST(frames_have_the_shortest_length)
{
	static const struct {
		size_t n, head;
	} sizes[] = {{0, 2}, {125, 2}, {126, 4}, {65535, 4}, {65536, 10}};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct fifo out = {0};
		AUTO_FREE char *p = x_calloc(1, sizes[i].n + 1);
		ws_encode(&out, p, sizes[i].n);
		ck_assert_uint_eq(out.len, sizes[i].head + sizes[i].n);
		fifo_done(&out);
	}
}
END_TEST

/* --- what viewers may say --- */

static const struct {
	const char *what;
	const char *in;
	size_t nin;
	const char *out;
	size_t nout;
	int result;
	unsigned asks;
} sayings[] = {
#define FORMAT "\0\0\0\0\40\30\0\1\0\377\0\377\0\377\20\10\0\0\0\0"
#define ENCODINGS "\2\0\0\2\0\0\0\7\300\241\345\316" /* tight, extended clipboard */
#define REQUEST "\3\1\0\0\0\0\10\0\10\0" /* for what has changed; in the end ours */
#define ASKS "\371\1\0\0\0\0\10\0\10\0"
    {"all that is usual", BYTES(FORMAT ENCODINGS REQUEST "\4\1\0\0\0\0\0a\5\1\0\1\0\2\6\0\0\0\0\0\0\2hi"),
     BYTES(FORMAT ENCODINGS ASKS "\4\1\0\0\0\0\0a\5\1\0\1\0\2\6\0\0\0\0\0\0\2hi"), 0, 0},
    {"sizes and QEMU's keys", BYTES("\373\0\4\0\3\0\1\0\0\0\0\0\0\0\0\0\4\0\3\0\0\0\0\0\377\0\0\1\0\0\0a\0\0\0\36"),
     BYTES("\373\0\4\0\3\0\1\0\0\0\0\0\0\0\0\0\4\0\3\0\0\0\0\0\377\0\0\1\0\0\0a\0\0\0\36"), 0, 0},
    {"QEMU's sound is not heard", BYTES("\377\1\0\2\1\2\0\0\276\11\377\1\0\0" REQUEST), BYTES(ASKS), 0, 0},
    {"nor the power button", BYTES("\372\0\1\2" REQUEST), BYTES(ASKS), 0, 0},
    {"the clipboard is announced once", BYTES(ENCODINGS ENCODINGS), BYTES(ENCODINGS "\2\0\0\1\0\0\0\7"), 0, 0},
    {"an extended clipboard", BYTES(ENCODINGS "\6\0\0\0\377\377\377\372\20\0\0\1zz"),
     BYTES(ENCODINGS "\6\0\0\0\377\377\377\372\20\0\0\1zz"), 0, 0},
    {"what it can do with one", BYTES(ENCODINGS "\6\0\0\0\377\377\377\370\37\0\0\1\0\0\0\0"),
     BYTES(ENCODINGS "\6\0\0\0\377\377\377\370\37\0\0\1\0\0\0\0"), 0, 0},
    {"one that is asked for", BYTES(ENCODINGS "\6\0\0\0\377\377\377\374\2\0\0\1" REQUEST), BYTES(ENCODINGS ASKS), 0,
     GUARD_CLIP_REQUEST},
    {"one that is peeked at", BYTES(ENCODINGS "\6\0\0\0\377\377\377\374\4\0\0\0"), BYTES(ENCODINGS), 0, GUARD_CLIP_PEEK},
    {"one that was not announced", BYTES("\6\0\0\0\377\377\377\374\2\0\0\1"), BYTES(""), -1, 0},
    {"one that is shorter than its flags", BYTES(ENCODINGS "\6\0\0\0\377\377\377\375\2\0\0"), BYTES(ENCODINGS), -1, 0},
    {"a clipboard of 2 GiB", BYTES("\6\0\0\0\177\377\377\377"), BYTES(""), -1, 0},
    {"the smallest length", BYTES(ENCODINGS "\6\0\0\0\200\0\0\0"), BYTES(ENCODINGS), -1, 0},
    {"pixels of 24 bits", BYTES("\0\0\0\0\30\30\0\1\0\377\0\377\0\377\20\10\0\0\0\0"), BYTES(""), -1, 0},
    {"too many encodings", BYTES("\2\0\1\1"), BYTES(""), -1, 0},
    {"file transfer", BYTES("\7\1\0\0\0\0\0\0\0\0\0\0"), BYTES(""), -1, 0},
    {"scaling", BYTES("\10\2\0\0"), BYTES(""), -1, 0},
    {"updates without asking, and fences", BYTES("\226\1\0\0\0\0\4\0\3\0\370\0\0\0\0\0\0\1\2hi"),
     BYTES("\226\1\0\0\0\0\4\0\3\0\370\0\0\0\0\0\0\1\2hi"), 0, 0},
    {"then only whole pictures are asked for", BYTES("\226\1\0\0\0\0\4\0\3\0" REQUEST "\3\0\0\0\0\0\10\0\10\0"),
     BYTES("\226\1\0\0\0\0\4\0\3\0" "\3\0\0\0\0\0\10\0\10\0"), 0, 0},
    {"until they are asked for again", BYTES("\226\1\0\0\0\0\4\0\3\0" "\226\0\0\0\0\0\4\0\3\0" REQUEST),
     BYTES("\226\1\0\0\0\0\4\0\3\0" "\226\0\0\0\0\0\4\0\3\0" ASKS), 0, 0},
    {"a fence of 65 bytes", BYTES("\370\0\0\0\0\0\0\1\101"), BYTES(""), -1, 0},
    {"half of a message", BYTES(REQUEST "\3\1\0\0"), BYTES(ASKS), 0, 0},
};

START_TEST(viewers_may_say_what_is_usual)
{
	for (size_t step = 256; step; step /= 16) {
		struct guard g = {0};
		struct fifo in = {0}, out = {0};
		int rc = 0;
		for (size_t i = 0; i < sayings[_i].nin && rc == 0; i += step) {
			fifo_add(&in, sayings[_i].in + i,
				 i + step < sayings[_i].nin ? step : sayings[_i].nin - i);
			rc = guard_step(&g, &in, &out, 4096);
		}
		ck_assert_msg(rc == sayings[_i].result && (rc == 0 || g.why), "%s: %d", sayings[_i].what, rc);
		ck_assert_msg(holds(&out, sayings[_i].out, sayings[_i].nout), "%s: %zu bytes",
			      sayings[_i].what, out.len);
		ck_assert_uint_eq(g.asks, sayings[_i].asks);
		fifo_done(&in);
		fifo_done(&out);
	}
}
END_TEST

/* --- updates without asking --- */

START_TEST(updates_go_as_long_as_fences_come_back)
{
	struct flow f = {0};
	uint32_t n, first;
	ck_assert(flow_open(&f, 0) && flow_fence(&f, 1000, &first));
	ck_assert_msg(!flow_open(&f, 1001), "nothing is known of the line yet");
	flow_back(&f, first, 101000); /* 100 ms */
	ck_assert(flow_open(&f, 101000));
	ck_assert(flow_fence(&f, 101000, &first) && flow_fence(&f, 150000, &n));
	ck_assert_msg(flow_open(&f, 251000), "the oldest has been away for 150 ms");
	ck_assert_msg(!flow_open(&f, 251001), "and for longer");
	flow_back(&f, first, 251001);
	ck_assert_msg(flow_open(&f, 251001), "the next was sent later");
	flow_back(&f, n + 1, 251001); /* was not sent */
	flow_back(&f, first, 251001); /* is back already */
	ck_assert_uint_eq(f.sent - f.back, 1);
	flow_back(&f, n, 160000); /* after 10 ms */
	for (int i = 0; i < FLOW_FENCES; i++)
		ck_assert(flow_open(&f, 300000) && flow_fence(&f, 300000, &n));
	ck_assert_msg(!flow_open(&f, 300000) && !flow_fence(&f, 300000, &n), "too many are away");
	flow_back(&f, n, 300001); /* the last, and so all */
	ck_assert_msg(flow_open(&f, 999999), "none is away");
}
END_TEST

/* --- keys --- */

static void note(void *ctx, unsigned code, bool down)
{
	buf_printf(ctx, "%s%u", down ? " +" : " -", code);
}

static const struct {
	const char *what;
	bool caps;
	uint32_t typed[6]; /* keysym; the highest bit: up */
	const char *keys;
} typing[] = {
#define UP 0x80000000u
    {"a letter", false, {'a', 'a' | UP}, " +30 -30"},
    {"a capital without Shift", false, {'A', 'A' | UP}, " +42 +30 -42 -30"},
    {"a capital with Shift", false, {0xffe1, 'A', 'A' | UP, 0xffe1 | UP}, " +42 +30 -30 -42"},
    {"a letter with Shift under Caps Lock", true, {0xffe1, 'a', 'a' | UP, 0xffe1 | UP}, " +42 +30 -30 -42"},
    {"a capital under Caps Lock", true, {'A', 'A' | UP}, " +30 -30"},
    {"a digit under Caps Lock", true, {'1', '1' | UP}, " +2 -2"},
    {"a slash that needs Shift elsewhere", false, {0xffe2, '/', '/' | UP, 0xffe2 | UP}, " +54 -54 +53 +54 -53 -54"},
    {"an at that needs AltGr elsewhere", false, {0xfe03, '@', '@' | UP, 0xfe03 | UP}, " +100 -100 +42 +3 -42 +100 -3 -100"},
    {"Shift and a key without character", false, {0xffe1, 0xff51, 0xff51 | UP, 0xffe1 | UP}, " +42 +105 -105 -42"},
    {"a key that goes up as another character", false, {0xffe1, 'A', 0xffe1 | UP, 'a' | UP}, " +42 +30 -42 -30"},
    {"a release of nothing", false, {'a' | UP}, ""},
    {"Unicode's name of a character", false, {0x1000061, 0x1000061 | UP}, " +30 -30"},
    {"no key has it", false, {0x10020ac, 0x10020ac | UP}, ""},
};

START_TEST(keysyms_press_the_keys_that_make_them)
{
	struct keys k = {0};
	struct buf AUTO_BUF said = {0};
	for (size_t i = 0; i < ARRAY_SIZE(typing[_i].typed) && typing[_i].typed[i]; i++)
		keys_sym(&k, typing[_i].typed[i] & ~UP, !(typing[_i].typed[i] & UP), typing[_i].caps, note,
			 &said);
	ck_assert_msg(str_eq(buf_text(&said), typing[_i].keys), "%s:%s", typing[_i].what, buf_text(&said));
	ck_assert(!keys_any(&k));
}
END_TEST

/* Some of a German keyboard's characters, as the machine sends them. */
static const char german[] = "{\"version\":1,\"keys\":[122,21,0, 90,21,1, 228,40,0, 196,40,1, 64,16,2, "
			     "8364,18,2, 16785580,18,2, 47,8,1, 32,57,0, 43,27,0]}";
static const struct {
	const char *what;
	bool caps;
	uint32_t typed[6];
	const char *keys;
} typing_german[] = {
    {"z is where y is", false, {'z', 'z' | UP}, " +21 -21"},
    {"and its capital", false, {0xffe1, 'Z', 'Z' | UP, 0xffe1 | UP}, " +42 +21 -21 -42"},
    {"a letter of its own", false, {0xe4, 0xe4 | UP}, " +40 -40"},
    {"its capital under Caps Lock", true, {0xc4, 0xc4 | UP}, " +40 -40"},
    {"an at without AltGr", false, {'@', '@' | UP}, " +100 +16 -100 -16"},
    {"an at with AltGr", false, {0xfe03, '@', '@' | UP, 0xfe03 | UP}, " +100 +16 -16 -100"},
    {"the Euro by both of its names", false, {0x20ac, 0x20ac | UP, 0x10020ac, 0x10020ac | UP}, " +100 +18 -100 -18 +100 +18 -100 -18"},
    {"a slash typed elsewhere without Shift", false, {'/', '/' | UP}, " +42 +8 -42 -8"},
    {"a space with Shift", false, {0xffe1, ' ', ' ' | UP, 0xffe1 | UP}, " +42 +57 -57 -42"},
    {"what the layout lacks, as on a US keyboard", false, {'a', 'a' | UP, 0xff0d, 0xff0d | UP}, " +30 -30 +28 -28"},
};

START_TEST(keysyms_press_the_keys_of_the_guests_layout)
{
	struct config c = {0};
	struct keys k = {0};
	struct err e = {0};
	struct buf AUTO_BUF said = {0};
	ck_assert_msg(!config_parse(&c, german, strlen(german), NULL, &e), "%s", e.msg);
	ck_assert_uint_eq(c.nkeys, 10);
	keys_set_layout(c.keys, c.nkeys);
	config_done(&c);
	for (size_t i = 0; i < ARRAY_SIZE(typing_german[_i].typed) && typing_german[_i].typed[i]; i++)
		keys_sym(&k, typing_german[_i].typed[i] & ~UP, !(typing_german[_i].typed[i] & UP),
			 typing_german[_i].caps, note, &said);
	ck_assert_msg(str_eq(buf_text(&said), typing_german[_i].keys), "%s:%s", typing_german[_i].what,
		      buf_text(&said));
	ck_assert(!keys_any(&k));
}
END_TEST

START_TEST(a_layout_of_nonsense_is_passed_over)
{
	static const char text[] =
	    "{\"version\":1,\"keys\":[97,0,0, -1,30,0, 98,99999,0, \"x\",null,1, 4294967296,30,0, 99,46]}";
	struct config c = {0};
	struct err e = {0};
	ck_assert_msg(!config_parse(&c, text, strlen(text), NULL, &e), "%s", e.msg);
	ck_assert_uint_eq(c.nkeys, 0);
	config_done(&c);
}
END_TEST

START_TEST(scan_codes_are_keys_whatever_the_keysym)
{
	struct keys k = {0};
	struct buf AUTO_BUF said = {0};
	keys_xt(&k, 0x1e, 'q', true, false, note, &said);
	keys_xt(&k, 0x9d, 0xffe4, true, false, note, &said);
	ck_assert(keys_any(&k));
	keys_xt(&k, 0x1e, 'q', false, false, note, &said);
	keys_xt(&k, 0x9d, 0xffe4, false, false, note, &said);
	keys_xt(&k, 0, 'b', true, false, note, &said); /* no code: the keysym */
	keys_xt(&k, 0xffffffff, 'b', false, false, note, &said);
	ck_assert_str_eq(buf_text(&said), " +30 +97 -30 -97 +48 -48");
}
END_TEST

/* --- the picture --- */

struct seen {
	size_t n;
	struct screen_rect r[64];
};

static void see(void *ctx, const struct screen_rect *r)
{
	struct seen *s = ctx;
	if (s->n < ARRAY_SIZE(s->r))
		s->r[s->n++] = *r;
}

static struct surface open_surface(uint32_t w, uint32_t h, uint32_t stride, uint64_t offset, int *fd,
				   uint8_t **p)
{
	struct surface s = {0};
	size_t len = offset + (size_t)stride * h;
	*fd = memfd_create("picture", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(*fd, (off_t)len), 0);
	*p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	struct screen_surface m = {SCREEN_SURFACE, 7, offset, w, h, stride};
	ck_assert_int_eq(surface_open(&s, &m, *fd, NULL), 0);
	return s;
}

START_TEST(only_what_differs_is_told_joined)
{
	int fd;
	uint8_t *p;
	struct seen seen = {0};
	struct surface s = open_surface(200, 100, 200 * 4 + 64, 4096 + 256, &fd, &p);
	uint32_t *first = (uint32_t *)(p + 4096 + 256);
	size_t line = (200 * 4 + 64) / 4;
	struct screen_rect all[] = {{0, 0, 200, 100}};
	ck_assert_uint_eq(surface_update(&s, all, 1, see, &seen), 0);
	first[3] = first[70] = first[20 * line + 5] = first[20 * line + 100] = 0xffffff; /* tiles (0,0) (1,0) (0,1) (1,1) */
	first[99 * line + 199] = 1;                                                      /* the last */
	ck_assert_uint_eq(surface_update(&s, all, 1, see, &seen), 5);
	ck_assert_uint_eq(seen.n, 2);
	ck_assert_mem_eq(&seen.r[0], (&(struct screen_rect){3, 0, 98, 21}), sizeof(seen.r[0]));
	ck_assert_mem_eq(&seen.r[1], (&(struct screen_rect){199, 99, 1, 1}), sizeof(seen.r[0]));
	ck_assert_uint_eq(s.shadow[3], 0xffffff);
	ck_assert_uint_eq(s.shadow[99 * 200 + 199], 1);
	surface_close(&s);
	close(fd);
}
END_TEST

START_TEST(what_is_not_in_the_damage_stays)
{
	int fd;
	uint8_t *p;
	struct seen seen = {0};
	struct surface s = open_surface(128, 64, 512, 0, &fd, &p);
	((uint32_t *)p)[0] = 1;
	((uint32_t *)p)[100] = 2;
	struct screen_rect part[] = {{64, 0, 64, 16}, {127, 63, 9999, 9999}, {500, 500, 5, 5}, {0, 0, 0, 0}};
	ck_assert_uint_eq(surface_update(&s, part, 4, see, &seen), 1);
	ck_assert_uint_eq(s.shadow[0], 0);
	ck_assert_uint_eq(s.shadow[100], 2);
	surface_close(&s);
	close(fd);
}
END_TEST

START_TEST(pictures_outside_their_memory_are_refused)
{
	static const struct screen_surface bad[] = {
	    {0, 0, 0, 100, 0, 400},           {0, 0, 0, 100, 100, 399},         {0, 0, 0, 100, 12, 400}, {0, 0, 4096, 1, 1, 4},
	    {0, 0, UINT64_MAX - 3, 1, 1, 4}, {0, 0, 0, 9000, 1, 36000},        {0, 0, 0, 1, 9000, 0},
	    {0, 0, 0, 8192, 8192, 0xffffffff}, {0, 0, UINT64_MAX, 8192, 8192, 0xffffffff},
	};
	int fd = memfd_create("picture", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct surface s = {0};
		struct err e = {0};
		ck_assert_msg(surface_open(&s, &bad[i], fd, &e) < 0 && e.msg[0], "row %zu", i);
		ck_assert_ptr_null(s.shadow);
	}
	close(fd);
}
END_TEST

/* --- what scrolls --- */

#define SCROLL_W 320
#define SCROLL_H 400

/* Lines that are all different, but the uppermost 3 of 16, which are empty. */
static void draw_text(uint32_t *p)
{
	srand(7);
	for (uint32_t i = 0; i < SCROLL_W * SCROLL_H; i++)
		p[i] = i / SCROLL_W % 16 < 3 ? 0 : (uint32_t)rand();
}

static const struct {
	const char *what;
	struct screen_rect in; /* this */
	int dy;                /* moves so, and is empty where nothing came from */
	bool noise;            /* and then one line in 20 is another */
	bool found;
} moves[] = {
    {"all up by a line of text", {0, 0, SCROLL_W, SCROLL_H}, -16, false, true},
    {"down by one", {0, 0, SCROLL_W, SCROLL_H}, 1, false, true},
    {"a window up by half", {50, 60, 200, 300}, -150, false, true},
    {"a window down", {1, 1, 318, 398}, 33, false, true},
    {"a line here and there is another", {0, 0, SCROLL_W, SCROLL_H}, -48, true, true},
    {"too small to pay", {100, 100, 100, 100}, -8, false, false},
    {"further than it is high", {0, 0, SCROLL_W, SCROLL_H}, -SCROLL_H, false, false},
    {"nothing at all", {0, 0, SCROLL_W, SCROLL_H}, 0, false, false},
};

static void move_text(uint32_t *p, const struct screen_rect *r, int dy)
{
	AUTO_FREE uint32_t *was = x_calloc(SCROLL_W * SCROLL_H, 4);
	memcpy(was, p, SCROLL_W * SCROLL_H * 4);
	for (int y = r->y; dy && y < r->y + r->h; y++)
		for (int x = r->x; x < r->x + r->w; x++) {
			int from = y - dy;
			p[y * SCROLL_W + x] =
			    from >= r->y && from < r->y + r->h ? was[from * SCROLL_W + x] : 0;
		}
}

/* A viewer's: copies from what it has, in order, and takes what is told to have changed. */
static void viewer_copies(uint32_t *p, const struct scroll *m)
{
	AUTO_FREE uint32_t *was = x_calloc(SCROLL_W * SCROLL_H, 4);
	memcpy(was, p, SCROLL_W * SCROLL_H * 4);
	for (size_t i = 0; i < m->nruns; i++)
		for (int y = m->runs[i].y; y < m->runs[i].y + m->runs[i].h; y++)
			memcpy(p + y * SCROLL_W + m->runs[i].x, was + (y - m->dy) * SCROLL_W + m->runs[i].x,
			       m->runs[i].w * 4u);
}

static void viewer_takes(uint32_t *p, const struct surface *s, const struct screen_rect *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (int y = r[i].y; y < r[i].y + r[i].h; y++)
			memcpy(p + y * SCROLL_W + r[i].x, s->shadow + y * SCROLL_W + r[i].x, r[i].w * 4u);
}

START_TEST(what_scrolls_is_found_and_viewers_have_the_picture_after_it)
{
	static struct scroll m;
	int fd;
	uint8_t *p;
	struct seen seen = {0};
	struct surface s = open_surface(SCROLL_W, SCROLL_H, SCROLL_W * 4, 0, &fd, &p);
	struct screen_rect all[] = {{0, 0, 100, SCROLL_H}, {100, 0, SCROLL_W, SCROLL_H}};
	size_t size = SCROLL_W * SCROLL_H * 4;
	draw_text((uint32_t *)p);
	surface_update(&s, all, 2, see, &seen);
	AUTO_FREE uint32_t *copying = x_calloc(1, size), *taking = x_calloc(1, size);
	memcpy(copying, p, size);
	memcpy(taking, p, size);
	move_text((uint32_t *)p, &moves[_i].in, moves[_i].dy);
	for (int y = 0; moves[_i].noise && y < SCROLL_H; y += 20)
		((uint32_t *)p)[y * SCROLL_W + 5] ^= 0x800000;
	ck_assert_msg(scroll_find(&s, all, 2, &m) == moves[_i].found, "%s", moves[_i].what);
	if (!moves[_i].found)
		goto out;
	ck_assert_int_eq(m.dy, moves[_i].dy);
	((uint32_t *)p)[SCROLL_W * 200 + 100] = 5; /* the guest goes on drawing */
	scroll_apply(&s, &m);
	seen.n = 0;
	surface_update(&s, all, 2, see, &seen);
	ck_assert_mem_eq(s.shadow, p, size);
	ck_assert_uint_lt(seen.n, ARRAY_SIZE(seen.r) + (moves[_i].noise ? 1000 : 0));
	if (moves[_i].noise)
		goto out;
	viewer_copies(copying, &m);
	viewer_takes(copying, &s, seen.r, seen.n);
	ck_assert_msg(!memcmp(copying, p, size), "%s: a viewer that copies has another picture",
		      moves[_i].what);
	viewer_takes(taking, &s, m.changed, m.nchanged);
	viewer_takes(taking, &s, seen.r, seen.n);
	ck_assert_msg(!memcmp(taking, p, size), "%s: one that does not has another", moves[_i].what);
out:
	surface_close(&s);
	close(fd);
}
END_TEST

START_TEST(what_never_scrolls_is_looked_at_ever_more_seldom)
{
	static struct scroll m;
	int fd;
	uint8_t *p;
	unsigned tried = 0;
	struct surface s = open_surface(SCROLL_W, SCROLL_H, SCROLL_W * 4, 0, &fd, &p);
	struct screen_rect all = {0, 0, SCROLL_W, SCROLL_H};
	for (int i = 0; i < 500; i++) {
		unsigned before = s.scroll_misses;
		for (uint32_t k = 0; k < SCROLL_W * SCROLL_H; k++)
			((uint32_t *)p)[k] = (k ^ (unsigned)i << 20) * 2654435761u;
		ck_assert(!scroll_find(&s, &all, 1, &m));
		tried += s.scroll_misses != before;
	}
	ck_assert_uint_gt(tried, 10);
	ck_assert_uint_lt(tried, 30);
	surface_close(&s);
	close(fd);
}
END_TEST

/* --- configuration, text --- */

static const struct {
	const char *json;
	int result;
} configs[] = {
    {"{\"version\": 1, \"name\": \"web1\", \"passwd\": \"x\", \"passwd_valid_to\": 5, \"share\": \"ignore\", \"tls\": \"off\"}", 0},
    {"{\"version\": 1}", 0},
    {"{\"version\": 1, \"tls\": \"allowed\"}", 0},
    {"{\"version\": 2}", -EPROTO},
    {"{}", -EPROTO},
    {"[1]", -EPROTO},
    {"{\"version\": 1, \"share\": \"perhaps\"}", -EINVAL},
    {"{\"version\": 1, \"tls\": \"on\"}", -EINVAL},
    {"{\"version\": 1, \"tls\": 1, \"passwd\": [] }", 0},
    {"nonsense", -EINVAL},
};

START_TEST(configurations_are_read_or_refused_whole)
{
	struct config c = {.passwd = "old"};
	struct err e = {0};
	ck_assert_int_eq(config_parse(&c, configs[_i].json, strlen(configs[_i].json), NULL, &e),
			 configs[_i].result);
	ck_assert(configs[_i].result == 0 ? c.known : !c.known && e.msg[0] && !strcmp(c.passwd, "old"));
	config_done(&c);
}
END_TEST

START_TEST(text_changes_its_encoding)
{
	struct buf AUTO_BUF u = {0}, AUTO_BUF l = {0}, AUTO_BUF m = {0};
	vnc_text_to_utf8(&u, "Gr\xfc\xdf" "e", 5);
	ck_assert_str_eq(buf_text(&u), "Gr\xc3\xbc\xc3\x9f" "e");
	vnc_text_to_latin1(&l, "Gr\xc3\xbc\xc3\x9f" "e \xe2\x82\xac \xff\xc3", 14);
	ck_assert_str_eq(buf_text(&l), "Gr\xfc\xdf" "e ? ??");
	vnc_text_plain(&m, &l);
	ck_assert_uint_eq(m.len, 8 + l.len);
	ck_assert_mem_eq(m.s, "\3\0\0\0\0\0\0\12", 8);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("screen");
	TCase *t = tcase_create("handshake");
	tcase_add_loop_test(t, each_handshake_ends_as_it_should, 0, ARRAY_SIZE(talks));
	tcase_add_test(t, behind_tls_the_password_is_asked_for);
	tcase_add_test(t, des_takes_eight_characters);
	tcase_add_test(t, sources_are_addresses_or_networks_of_ipv6);
	tcase_add_test(t, who_guesses_waits_twice_as_long_each_time);
	tcase_add_test(t, a_right_password_makes_good_the_wrong_ones);
	tcase_add_test(t, who_guesses_most_is_remembered_longest);
	tcase_add_test(t, a_queue_takes_no_more_than_its_bound);
	suite_add_tcase(s, t);
	t = tcase_create("websocket");
	tcase_add_loop_test(t, requests_become_websockets_or_are_told_why_not, 0, ARRAY_SIZE(upgrades));
	tcase_add_test(t, a_host_knows_its_names);
	tcase_add_test(t, a_request_without_end_is_refused);
	tcase_add_loop_test(t, frames_are_taken_apart, 0, ARRAY_SIZE(frames));
	tcase_add_test(t, frames_have_the_shortest_length);
	suite_add_tcase(s, t);
	t = tcase_create("keys");
	tcase_add_loop_test(t, viewers_may_say_what_is_usual, 0, ARRAY_SIZE(sayings));
	tcase_add_test(t, updates_go_as_long_as_fences_come_back);
	tcase_add_loop_test(t, keysyms_press_the_keys_that_make_them, 0, ARRAY_SIZE(typing));
	tcase_add_loop_test(t, keysyms_press_the_keys_of_the_guests_layout, 0, ARRAY_SIZE(typing_german));
	tcase_add_test(t, a_layout_of_nonsense_is_passed_over);
	tcase_add_test(t, scan_codes_are_keys_whatever_the_keysym);
	suite_add_tcase(s, t);
	t = tcase_create("picture");
	tcase_add_test(t, only_what_differs_is_told_joined);
	tcase_add_test(t, what_is_not_in_the_damage_stays);
	tcase_add_loop_test(t, what_scrolls_is_found_and_viewers_have_the_picture_after_it, 0,
			    ARRAY_SIZE(moves));
	tcase_add_test(t, what_never_scrolls_is_looked_at_ever_more_seldom);
	tcase_add_test(t, pictures_outside_their_memory_are_refused);
	tcase_add_loop_test(t, configurations_are_read_or_refused_whole, 0, ARRAY_SIZE(configs));
	tcase_add_test(t, text_changes_its_encoding);
	suite_add_tcase(s, t);
	return test_main(s);
}
