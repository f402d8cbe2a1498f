/* The name server at 10.0.2.3, and the gate, of vmdeck-net in name spaces of this program's own. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "backend/net/gate.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/resolv.h"
#include "src/base/str.h"
#include "tests/netlib.h"
#include "tests/testlib.h"

#define DNS_ANSWER 16
#define BIG 3000

/* What a server of ours does. */
enum mode { ANSWER, FAIL, SILENT, BIG_ANSWER };

static int bound(const char *server, int type)
{
	AUTO_FREE char *text = x_asprintf("nameserver %s\n", server);
	struct resolv r;
	union resolv_address a;
	socklen_t len;
	int on = 1;
	resolv_parse(text, &r);
	ck_assert_int_eq(resolv_resolve(&r.of[0], &a, &len), 0);
	int fd = socket(a.any.sa_family, type | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a.any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	for (int ms = 0; bind(fd, &a.any, len) < 0; ms += 10) { /* that of the last test may be ending still */
		ck_assert_msg(errno == EADDRINUSE && ms < NETLIB_WAIT_MS, "%s: %s", server, strerror(errno));
		usleep(10000);
	}
	ck_assert_int_eq(type == SOCK_STREAM ? listen(fd, 5) : 0, 0);
	return fd;
}

/* The answer to the question of @n bytes in @m. Return: its length, 0 none. */
static size_t answer(uint8_t *m, size_t n, enum mode mode, uint8_t last)
{
	if (mode == SILENT || n < 12)
		return 0;
	m[2] |= 0x80;
	m[3] = mode == FAIL ? 2 : 0;
	if (mode == FAIL)
		return n;
	m[7] = 1;
	memcpy(m + n, (uint8_t[]){0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 9, 8, last}, DNS_ANSWER);
	n += DNS_ANSWER;
	if (mode == BIG_ANSWER) {
		memset(m + n, 0, BIG - n);
		n = BIG;
	}
	return n;
}

static void serve_stream(int l, enum mode mode, uint8_t last)
{
	uint8_t m[4096];
	AUTO_CLOSE int fd = accept(l, NULL, NULL);
	ssize_t n = recv(fd, m, sizeof(m), 0);
	size_t k = n > 2 ? answer(m + 2, (size_t)n - 2, mode, last) : 0;
	m[0] = (uint8_t)(k >> 8);
	m[1] = (uint8_t)k;
	if (k)
		fd_write_all(fd, m, k + 2);
	else
		poll(NULL, 0, 20000);
}

/* A process that is @server for as long as the test is. */
static void run_server(const char *server, enum mode mode, uint8_t last)
{
	int udp = bound(server, SOCK_DGRAM), tcp = bound(server, SOCK_STREAM);
	pid_t self = getpid(), pid = fork();
	if (pid) {
		close(udp);
		close(tcp);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != self)
		_exit(0);
	for (;;) {
		struct pollfd p[2] = {{.fd = udp, .events = POLLIN}, {.fd = tcp, .events = POLLIN}};
		union resolv_address a;
		socklen_t len = sizeof(a);
		uint8_t m[4096];
		poll(p, 2, -1);
		if (p[1].revents)
			serve_stream(tcp, mode, last);
		if (!p[0].revents)
			continue;
		ssize_t n = recvfrom(udp, m, 512, 0, &a.any, &len);
		size_t k = n > 0 ? answer(m, (size_t)n, mode, last) : 0;
		if (k)
			sendto(udp, m, k, 0, &a.any, len);
	}
}

static const uint8_t question[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1};

static void write_resolv(const char *text)
{
	AUTO_CLOSE int fd = open(RESOLV_PATH, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
}

static void begin(const char *config, const char *resolv)
{
	write_resolv(resolv);
	ck_assert_msg(start(config) == 0, "%s", e.msg);
	arp_ask("10.0.2.2");
}

static const uint8_t *ask_udp(size_t *n)
{
	static uint16_t port = 4444;
	udp_send(ip_of("10.0.2.15"), ip_of("10.0.2.3"), ++port, 53, question, sizeof(question));
	const uint8_t *p = udp_await(port, n);
	ck_assert_mem_eq(p, question, 2);
	return p;
}

/* The last byte of the address that came. */
static unsigned asked(void)
{
	size_t n;
	const uint8_t *p = ask_udp(&n);
	ck_assert_msg(!(p[3] & 15), "code %d", p[3] & 15);
	ck_assert_uint_eq(n, sizeof(question) + DNS_ANSWER);
	return p[n - 1];
}

static unsigned asked_by_tcp(void)
{
	uint8_t m[2 + sizeof(question)] = {0, sizeof(question)}, got[2 + sizeof(question) + DNS_ANSWER];
	struct tcp t;
	memcpy(m + 2, question, sizeof(question));
	tcp_connect(&t, "10.0.2.3", 53);
	tcp_send(&t, PSH | ACK, m, sizeof(m));
	tcp_read(&t, got, sizeof(got));
	ck_assert_mem_eq(got + 2, question, 2);
	return got[sizeof(got) - 1];
}

#define SERVERS 3
static const struct {
	const char *resolv;
	struct {
		const char *at;
		enum mode mode;
	} servers[SERVERS];
	unsigned by; /* whose answer it is, from 1 on */
} configurations[] = {
    {"nameserver 127.0.0.1\n", {{"127.0.0.1", ANSWER}}, 1},
    {"# a stub\nnameserver 127.0.0.53\noptions edns0 trust-ad\n", {{"127.0.0.53", ANSWER}}, 1},
    {"nameserver ::1\n", {{"::1", ANSWER}}, 1},
    {"nameserver fe80::1%lo\n", {{"fe80::1%lo", ANSWER}}, 1},
    {"nameserver fe80::1%1 # by number\n", {{"fe80::1%lo", ANSWER}}, 1},
    {"", {{"127.0.0.1", ANSWER}}, 1},
    {"search example.org\n;nameserver 127.0.0.9\n nameserver 127.0.0.9\nnameserver nonsense\nnameserver\t127.0.0.2",
     {{"127.0.0.9", FAIL}, {"127.0.0.2", ANSWER}},
     2},
    /* nobody listens; no way; no such interface; no zone */
    {"nameserver 127.0.0.9\nnameserver 127.0.0.2\n", {{"127.0.0.2", ANSWER}}, 1},
    {"nameserver 203.0.113.1\nnameserver ::1\n", {{"::1", ANSWER}}, 1},
    {"nameserver fe80::1%gone0\nnameserver fe80::1\nnameserver 127.0.0.1\n", {{"127.0.0.1", ANSWER}}, 1},
    /* listens and says nothing, or that it failed */
    {"nameserver 127.0.0.1\nnameserver 127.0.0.2\n", {{"127.0.0.1", FAIL}, {"127.0.0.2", ANSWER}}, 2},
    {"nameserver 127.0.0.1\nnameserver ::1\n", {{"127.0.0.1", SILENT}, {"::1", ANSWER}}, 2},
    {"nameserver 127.0.0.1\nnameserver 127.0.0.9\nnameserver 127.0.0.8\nnameserver 203.0.113.1\nnameserver fe80::1%lo\n",
     {{"127.0.0.1", SILENT}, {"fe80::1%lo", ANSWER}},
     2},
};

static void run_servers(size_t i)
{
	for (size_t k = 0; k < SERVERS && configurations[i].servers[k].at; k++)
		run_server(configurations[i].servers[k].at, configurations[i].servers[k].mode, (uint8_t)(k + 1));
}

START_TEST(whatever_server_resolv_conf_names_answers)
{
	run_servers((size_t)_i);
	begin("{}", configurations[_i].resolv);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(asked(), configurations[_i].by);
}
END_TEST

START_TEST(and_by_tcp)
{
	for (size_t k = 0; k < SERVERS; k++)
		if (configurations[_i].servers[k].at && configurations[_i].servers[k].mode != ANSWER)
			return; /* what a server says is not looked at */
	run_servers((size_t)_i);
	begin("{}", configurations[_i].resolv);
	ck_assert_uint_eq(asked_by_tcp(), configurations[_i].by);
	ck_assert_uint_eq(asked_by_tcp(), configurations[_i].by);
}
END_TEST

START_TEST(when_all_have_failed_the_guest_is_told)
{
	static const char *const texts[] = {"nameserver 127.0.0.1\nnameserver 127.0.0.2\n", "nameserver 127.0.0.9\n",
					    "nameserver 203.0.113.1\n"};
	size_t n;
	run_server("127.0.0.1", FAIL, 1);
	run_server("127.0.0.2", FAIL, 2);
	begin("{}", texts[_i]);
	const uint8_t *p = ask_udp(&n);
	ck_assert_uint_eq(p[3] & 15, 2);
	ck_assert_uint_ge(n, sizeof(question));
}
END_TEST

START_TEST(an_answer_that_fits_no_packet_is_for_tcp)
{
	size_t n;
	run_server("127.0.0.1", BIG_ANSWER, 1);
	begin("{}", "nameserver 127.0.0.1\n");
	const uint8_t *p = ask_udp(&n);
	ck_assert_uint_eq(n, sizeof(question));
	ck_assert_uint_eq(p[2] & 2, 2);
	ck_assert_mem_eq(p + 12, question + 12, n - 12);
	uint8_t m[2 + sizeof(question)] = {0, sizeof(question)}, got[2 + BIG];
	struct tcp t;
	memcpy(m + 2, question, sizeof(question));
	tcp_connect(&t, "10.0.2.3", 53);
	tcp_send(&t, PSH | ACK, m, sizeof(m));
	tcp_read(&t, got, sizeof(got));
	ck_assert_uint_eq(got[2 + sizeof(question) + DNS_ANSWER - 1], 1);
}
END_TEST

static const struct {
	const char *resolv, *says; /* NULL: nothing */
} starts[] = {
    {"nameserver 127.0.0.1\n", NULL}, /* listens, and takes its time */
    {"nameserver 127.0.0.9\nnameserver 127.0.0.1\n", NULL},
    {"nameserver 127.0.0.9\n", "'/etc/resolv.conf' names 127.0.0.9: Connection refused"},
    {"nameserver 203.0.113.1\nnameserver fe80::1%gone0\n", "names 203.0.113.1, fe80::1%gone0: No such device"},
};

START_TEST(start_warns_when_there_is_no_way_to_any_server)
{
	static const char xml[] = "<domain type='kvm'><name>web1</name><memory>65536</memory><os><type>hvm</type>"
				  "<kernel>/k</kernel></os><devices><interface type='user'/></devices></domain>";
	struct domain *d;
	AUTO_BUF struct buf notes = {0};
	AUTO_JSON json_t *go = json_object();
	setenv("VMDECK_NET", program, 1);
	run_server("127.0.0.1", SILENT, 1);
	write_resolv(starts[_i].resolv);
	ck_assert_msg(domain_parse(xml, strlen(xml), "xml", &d, &e) == 0, "%s", e.msg);
	ck_assert_msg(usernet_open(NULL, d, go, &notes, &e) == 0, "%s", e.msg);
	ck_assert_msg(starts[_i].says ? strstr(buf_text(&notes), starts[_i].says) != NULL : !notes.len, "%s",
		      buf_text(&notes));
	domain_free(d);
}
END_TEST

/* --- changes --- */

static void put(const char *path, const char *text)
{
	ck_assert_msg(file_replace(path, text, strlen(text), 0644, &e) == 0, "%s", e.msg);
}

/* An /etc of the test's own, in which resolv.conf is a link, and a /run. */
static void own_etc(void)
{
	ck_assert_int_eq(umount("/etc/resolv.conf"), 0);
	ck_assert_int_eq(mount("test", "/etc", "tmpfs", 0, "size=64k,mode=0755"), 0);
	ck_assert_int_eq(mount("test", "/run", "tmpfs", 0, "size=64k,mode=0755"), 0);
	mkdir("/run/a", 0755);
	put("/run/a/one", "nameserver 127.0.0.1\n");
	ck_assert_int_eq(symlink("../run/a/one", "/etc/resolv.conf"), 0);
}

static void await_answer(unsigned by)
{
	unsigned got = 0;
	for (int i = 0; i < 100 && got != by; i++) {
		got = asked();
		if (got != by)
			usleep(50000);
	}
	ck_assert_uint_eq(got, by);
}

START_TEST(a_link_that_is_changed_a_file_that_is_replaced_or_written_are_seen)
{
	char server[] = "127.0.0.1";
	for (uint8_t i = 1; i < 8; i++) {
		server[8] = (char)('0' + i);
		run_server(server, ANSWER, i);
	}
	own_etc();
	ck_assert_msg(start("{}") == 0, "%s", e.msg);
	arp_ask("10.0.2.2");
	await_answer(1);
	put("/run/a/one", "nameserver 127.0.0.2\n"); /* as systemd-resolved does */
	await_answer(2);
	mkdir("/run/b", 0755);
	put("/run/b/two", "nameserver 127.0.0.3\n");
	ck_assert_int_eq(symlink("/run/b/two", "/etc/new"), 0);
	ck_assert_int_eq(rename("/etc/new", "/etc/resolv.conf"), 0);
	await_answer(3);
	put("/run/b/two", "nameserver 127.0.0.4\n");
	await_answer(4);
	ck_assert_int_eq(unlink("/etc/resolv.conf"), 0); /* none: 127.0.0.1 */
	await_answer(1);
	ck_assert_int_eq(symlink("/run/c/three", "/etc/resolv.conf"), 0); /* whose folder comes later */
	mkdir("/run/c", 0755);
	put("/run/c/three", "nameserver 127.0.0.5\n");
	await_answer(5);
	ck_assert_int_eq(unlink("/etc/resolv.conf"), 0);
	put("/etc/resolv.conf", "nameserver 127.0.0.6\n");
	await_answer(6);
	AUTO_CLOSE int fd = open("/etc/resolv.conf", O_WRONLY | O_TRUNC | O_CLOEXEC);
	ck_assert_int_eq(fd_write_all(fd, "nameserver 127.0.0.7\n", 21), 0);
	await_answer(7);
}
END_TEST

/* --- who may not --- */

/* Ports of TCP that listen on 127.0.0.1 in this network. (proc(5)) */
static size_t listening(uint16_t *ports, size_t max)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/thread-self/net/tcp", "re");
	char line[256];
	size_t n = 0;
	unsigned addr, port, state;
	while (f && fgets(line, sizeof(line), f) && n < max)
		if (sscanf(line, "%*d: %x:%x %*x:%*x %x", &addr, &port, &state) == 3 && state == 10 &&
		    addr == htonl(INADDR_LOOPBACK) && port != 53)
			ports[n++] = (uint16_t)port;
	return n;
}

START_TEST(nobody_else_asks_through_its_sockets)
{
	uint16_t port[4];
	uint8_t m[2 + sizeof(question)] = {0, sizeof(question)};
	memcpy(m + 2, question, sizeof(question));
	run_server("127.0.0.1", ANSWER, 1);
	begin("{}", "nameserver 127.0.0.1\n");
	ck_assert_uint_eq(listening(port, 4), 1);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port[0])};
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (void *)&a, sizeof(a)), 0);
	send(fd, m, sizeof(m), MSG_NOSIGNAL);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, NETLIB_WAIT_MS), 1);
	ck_assert_int_le(recv(fd, m, sizeof(m), 0), 0);
	ck_assert_uint_eq(asked_by_tcp(), 1);
}
END_TEST

/* --- the gate --- */

enum { TCP = IPPROTO_TCP, UDP = IPPROTO_UDP, PING = IPPROTO_ICMP };

static const struct {
	const char *to;
	uint8_t proto, flags;
	uint16_t dport;
	bool closed, loopback, link_local; /* may pass: as usual, with hostLoopback, with linkLocal */
} ways[] = {
    {"192.0.2.1", TCP, SYN, 80, true, true, true},
    {"2001:db8::1", TCP, SYN, 80, true, true, true},
    {"64:ff9b::7f00:1", TCP, SYN, 80, true, true, true}, /* NAT64: to the translator */
    {"10.0.2.2", TCP, SYN, 80, false, true, false},
    {"10.0.2.2", TCP, SYN | PSH, 80, false, true, false},
    {"10.0.2.2", TCP, SYN | ACK, 80, true, true, true}, /* answers the caller of a forwarded port */
    {"10.0.2.2", TCP, ACK, 80, true, true, true},
    {"10.0.2.2", UDP, 0, 80, false, true, false},
    {"10.0.2.2", UDP, 0, 67, true, true, true},
    {"10.0.2.2", PING, 0, 0, true, true, true},
    {"10.0.2.3", TCP, SYN, 22, false, true, false}, /* the name server's other ports */
    {"10.0.2.77", UDP, 0, 80, false, true, false},
    {"10.0.2.77", PING, 0, 0, false, false, false},
    {"255.255.255.255", UDP, 0, 67, true, true, true},
    {"255.255.255.255", UDP, 0, 80, false, true, false},
    {"127.0.0.1", TCP, SYN, 80, false, false, false},
    {"127.0.0.1", TCP, ACK, 80, false, false, false},
    {"127.255.255.254", UDP, 0, 80, false, false, false},
    {"127.0.0.1", PING, 0, 0, false, false, false},
    {"0.0.0.0", UDP, 0, 67, false, false, false},
    {"0.1.2.3", TCP, SYN, 80, false, false, false},
    {"169.254.169.254", TCP, SYN, 80, false, false, true},
    {"169.254.0.1", UDP, 0, 80, false, false, true},
    {"169.253.0.1", UDP, 0, 80, true, true, true},
    {"fec0::2", TCP, SYN, 80, false, true, false},
    {"fec0::2", TCP, ACK, 80, true, true, true},
    {"fec0::2", UDP, 0, 80, false, true, false},
    {"fec0::77", TCP, SYN, 80, false, true, false},
    {"ff02::1", UDP, 0, 80, false, true, false},
    {"ff02::1:2", UDP, 0, 547, true, true, true},
    {"::1", TCP, SYN, 80, false, false, false},
    {"::", UDP, 0, 80, false, false, false},
    {"::127.0.0.1", UDP, 0, 80, false, false, false},
    {"::ffff:127.0.0.1", TCP, SYN, 80, false, false, false},
    {"::ffff:169.254.169.254", TCP, SYN, 80, false, false, false},
    {"::ffff:0:127.0.0.1", TCP, SYN, 80, false, false, false},
    {"fe80::1", TCP, SYN, 80, false, false, true},
    {"febf::1", UDP, 0, 80, false, false, true},
    {"fd00:ec2::254", TCP, SYN, 80, false, false, true},
    {"fd20:ce::254", TCP, SYN, 80, false, false, true},
    {"fd00:ec2::255", TCP, SYN, 80, true, true, true},
};

static struct packet packet_to(size_t i)
{
	struct packet p = {.v6 = strchr(ways[i].to, ':'), .proto = ways[i].proto, .tcp_flags = ways[i].flags, .sport = 1000,
			   .dport = ways[i].dport, .icmp_type = ways[i].proto == PING ? 8 : 0};
	ck_assert_int_eq(inet_pton(p.v6 ? AF_INET6 : AF_INET, ways[i].to, p.dst), 1);
	return p;
}

START_TEST(the_gate_is_closed_but_for_what_is_opened)
{
	struct packet p = packet_to((size_t)_i);
	struct gate usual = {0}, loopback = {.host_loopback = true}, link = {.link_local = true};
	ck_assert_msg(gate_passes(&usual, &p, 1) == ways[_i].closed, "%s", ways[_i].to);
	ck_assert_msg(gate_passes(&loopback, &p, 1) == ways[_i].loopback, "%s with hostLoopback", ways[_i].to);
	ck_assert_msg(gate_passes(&link, &p, 1) == ways[_i].link_local, "%s with linkLocal", ways[_i].to);
}
END_TEST

START_TEST(who_called_at_a_forwarded_udp_port_is_answered_for_a_while)
{
	struct gate g = {0};
	struct packet call = {.src = {10, 0, 2, 2}, .proto = UDP, .sport = 1, .dport = 50}, p = call;
	memcpy(p.dst, call.src, 4);
	p.sport = 50;
	p.dport = 1;
	ck_assert(!gate_passes(&g, &p, 1));
	gate_heard(&g, &call, 1);
	ck_assert(gate_passes(&g, &p, 1));
	p.sport = 51;
	ck_assert(!gate_passes(&g, &p, 1));
	p.sport = 50;
	p.dport = 2;
	ck_assert(!gate_passes(&g, &p, 1));
	p.dport = 1;
	ck_assert(!gate_passes(&g, &p, 1 + GATE_CALLER_MS));
	for (unsigned i = 2; i < 2 + GATE_CALLERS; i++) { /* the oldest makes room */
		call.sport = (uint16_t)i;
		gate_heard(&g, &call, (int64_t)i);
	}
	ck_assert(!gate_passes(&g, &p, 400));
	p.dport = 2 + GATE_CALLERS - 1;
	ck_assert(gate_passes(&g, &p, 400));
}
END_TEST

static bool is_refusal(const void *port)
{
	const uint8_t *icmp = rx.b + ETH + 20;
	return rx_ip(IPPROTO_ICMP) && icmp[0] == 3 && icmp[1] == 13 &&
	       (icmp[8 + 20] << 8 | icmp[8 + 21]) == *(const uint16_t *)port;
}

/* All ways of one UDP socket that listens everywhere on this host. */
START_TEST(frames_to_the_hosts_loopback_arrive_nowhere_and_are_refused)
{
	static const char *const to[] = {"10.0.2.2", "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.2.3", "169.254.169.254"};
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	char got[16];
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (void *)&a, len), 0);
	ck_assert_int_eq(getsockname(fd, (void *)&a, &len), 0);
	begin("{}", "nameserver 127.0.0.1\n");
	for (uint16_t i = 0; i < ARRAY_SIZE(to); i++) {
		uint16_t sport = (uint16_t)(4000 + i);
		udp_send(ip_of("10.0.2.15"), ip_of(to[i]), sport, ntohs(a.sin_port), "hello", 5);
		frame_await(is_refusal, &sport, "refusal");
	}
	struct tcp t = {.peer = ip_of("10.0.2.2"), .peer_port = 22, .port = 4100, .seq = 1};
	tcp_send(&t, SYN, NULL, 0);
	frame_await(is_refusal, &t.port, "refusal");
	ck_assert_int_lt(recv(fd, got, sizeof(got), MSG_DONTWAIT), 0);
	stop();
	begin("{\"host_loopback\": true}", "nameserver 127.0.0.1\n");
	udp_send(ip_of("10.0.2.15"), ip_of("10.0.2.2"), 4200, ntohs(a.sin_port), "hello", 5);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, NETLIB_WAIT_MS), 1);
}
END_TEST

/* fe80::1 of lo. */
static int link_local_of_lo(void)
{
	struct {
		struct in6_addr a;
		uint32_t prefix;
		int index;
	} r = {.prefix = 64, .index = 1}; /* struct in6_ifreq (linux/ipv6.h); lo is 1 */
	inet_pton(AF_INET6, "fe80::1", &r.a);
	AUTO_CLOSE int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return ioctl(fd, SIOCSIFADDR, &r) < 0 ? -errno : 0;
}

int main(void)
{
	find_program();
	setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
	int rc = own_spaces("nameserver 127.0.0.1\n");
	if (!rc)
		rc = link_local_of_lo();
	if (rc) {
		printf("test_net_dns: no name spaces of its own: %s\n", strerror(-rc));
		return 1;
	}
	Suite *s = suite_create("net_dns");
	TCase *t = tcase_create("dns");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, NULL, stop);
	tcase_add_loop_test(t, whatever_server_resolv_conf_names_answers, 0, ARRAY_SIZE(configurations));
	tcase_add_loop_test(t, and_by_tcp, 0, ARRAY_SIZE(configurations));
	tcase_add_loop_test(t, when_all_have_failed_the_guest_is_told, 0, 3);
	tcase_add_test(t, an_answer_that_fits_no_packet_is_for_tcp);
	tcase_add_loop_test(t, start_warns_when_there_is_no_way_to_any_server, 0, ARRAY_SIZE(starts));
	tcase_add_test(t, a_link_that_is_changed_a_file_that_is_replaced_or_written_are_seen);
	tcase_add_test(t, nobody_else_asks_through_its_sockets);
	tcase_add_test(t, frames_to_the_hosts_loopback_arrive_nowhere_and_are_refused);
	suite_add_tcase(s, t);
	t = tcase_create("gate");
	tcase_add_loop_test(t, the_gate_is_closed_but_for_what_is_opened, 0, ARRAY_SIZE(ways));
	tcase_add_test(t, who_called_at_a_forwarded_udp_port_is_answered_for_a_while);
	suite_add_tcase(s, t);
	return test_main(s);
}
