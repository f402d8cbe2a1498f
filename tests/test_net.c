/* vmdeck-net, alone and under the real keeper, in network and mount name spaces of this program's own: there
 * the world is 127.0.0.1, and /etc/resolv.conf names a server of the test. This program is also the machine,
 * which hands frames on to the test.
 * needs: spaces */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/vmm/keeper.h"
#include "backend/vmm/keeper_child.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/lock.h"
#include "src/base/spawn.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/launch.h"
#include "src/proto/net.h"
#include "tests/netlib.h"
#include "tests/testlib.h"

static void start_default(void)
{
	ck_assert_msg(
	    start(
		"{\"hostname\": \"web1\", \"host_loopback\": true, \"forwards\": [{\"address\": \"127.0.0.1\", \"start\": 2022, "
		"\"to\": 22}, "
		"{\"udp\": true, \"address\": \"0.0.0.0\", \"start\": 5000, \"end\": 5001, \"to\": 50}]}") ==
		0,
	    "%s", e.msg);
	arp_ask("10.0.2.2"); /* it knows our address from now on: what waits a second for that is dropped */
}

/* A server in this name space at a port of its own choice. */
static int listen_tcp(const char *ip, uint16_t *port)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = ip_of(ip), .sin_port = htons(*port)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (void *)&a, len), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(getsockname(fd, (void *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static int connect_to(int type, uint16_t port)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = ip_of("127.0.0.1"), .sin_port = htons(port)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (void *)&a, sizeof(a)), 0);
	return fd;
}

static void read_all(int fd, void *to, size_t n)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	for (size_t got = 0; got < n;) {
		ck_assert_int_eq(poll(&p, 1, NETLIB_WAIT_MS), 1);
		ssize_t k = read(fd, (char *)to + got, n - got);
		ck_assert_int_gt(k, 0);
		got += (size_t)k;
	}
}

/* --- DHCP (RFC 2131, 2132) --- */

static uint8_t dhcp_option(const uint8_t *p, size_t n, uint8_t code, const uint8_t **value)
{
	for (size_t i = 240; i + 1 < n && p[i] != 255; i += p[i] ? 2u + p[i + 1] : 1)
		if (p[i] == code && i + 2 + p[i + 1] <= n) {
			*value = p + i + 2;
			return p[i + 1];
		}
	return 0;
}

static const uint8_t *dhcp(uint8_t type, uint32_t ask, size_t *n)
{
	uint8_t m[300] = {1, 1, 6, 0, 0xca, 0xfe, 0xba, 0xbe};
	memcpy(m + 28, guest_mac, 6);
	memcpy(m + 236, (uint8_t[]){99, 130, 83, 99, 53, 1, type}, 7);
	memcpy(m + 243, (uint8_t[]){50, 4}, 2);
	memcpy(m + 245, &ask, 4);
	m[ask ? 249 : 243] = 255;
	udp_send(0, 0xffffffff, 68, 67, m, sizeof(m));
	const uint8_t *p = udp_await(68, n);
	ck_assert_uint_ge(*n, 244);
	ck_assert_mem_eq(p + 4, m + 4, 4);
	return p;
}

static void check_option(const uint8_t *p, size_t n, uint8_t code, const void *want, uint8_t len)
{
	const uint8_t *v = NULL;
	ck_assert_msg(dhcp_option(p, n, code, &v) == len && !memcmp(v, want, len), "DHCP option %u", code);
}

START_TEST(the_guest_gets_its_address_router_name_server_and_name)
{
	uint32_t self = ip_of("10.0.2.15"), host = ip_of("10.0.2.2"), dns = ip_of("10.0.2.3"),
		 mask = ip_of("255.255.255.0");
	size_t n;
	const uint8_t *p = dhcp(1, 0, &n);
	ck_assert_mem_eq(p + 16, &self, 4);
	check_option(p, n, 53, (uint8_t[]){2}, 1); /* offer */
	p = dhcp(3, self, &n);
	ck_assert_mem_eq(p + 16, &self, 4);
	check_option(p, n, 53, (uint8_t[]){5}, 1); /* ack */
	check_option(p, n, 1, &mask, 4);
	check_option(p, n, 3, &host, 4);
	check_option(p, n, 6, &dns, 4);
	check_option(p, n, 12, "web1", 4);
}
END_TEST

START_TEST(host_and_name_server_answer_arp)
{
	arp_ask("10.0.2.2");
	arp_ask("10.0.2.3");
}
END_TEST

/* --- DNS (RFC 1035): one question, one answer --- */

static void *dns_server(void *arg)
{
	int fd = *(int *)arg;
	uint8_t m[512];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, m, sizeof(m) - 16, 0, (void *)&from, &len);
	if (n > 12) {
		m[2] |= 0x80;
		m[7] = 1;
		memcpy(m + n, (uint8_t[]){0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 9, 8, 7}, 16);
		sendto(fd, m, (size_t)n + 16, 0, (void *)&from, len);
	}
	return NULL;
}

static void ask_dns(void)
{
	static const uint8_t question[] = {0x12, 0x34, 1,   0,   0,   1,   0, 0, 0, 0, 0,
					   0,    4,    't', 'e', 's', 't', 0, 0, 1, 0, 1};
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = ip_of("127.0.0.1"), .sin_port = htons(53)};
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (void *)&a, sizeof(a)), 0);
	pthread_t t;
	pthread_create(&t, NULL, dns_server, &fd);
	udp_send(ip_of("10.0.2.15"), ip_of("10.0.2.3"), 4444, 53, question, sizeof(question));
	size_t n;
	const uint8_t *p = udp_await(4444, &n);
	ck_assert_uint_eq(n, sizeof(question) + 16);
	ck_assert_mem_eq(p + n - 4, ((uint8_t[]){10, 9, 8, 7}), 4);
	pthread_join(t, NULL);
}

START_TEST(names_are_asked_of_the_hosts_own_server)
{
	ask_dns();
}
END_TEST

/* It hears of /etc/resolv.conf behind its sandbox, long after it began. */
START_TEST(a_changed_resolv_conf_is_seen)
{
	static const char other[] = "# moved\nnameserver fe80::1%lo\nnameserver 127.0.0.1\n";
	ask_dns();
	ck_assert_int_eq(write_text("/etc/resolv.conf", other), 0);
	ask_dns();
}
END_TEST

/* --- TCP --- */

START_TEST(the_guest_reaches_a_server_and_data_goes_both_ways)
{
	uint16_t port = 0;
	char got[16] = "";
	static uint8_t big[100000], back[100000];
	struct tcp t;
	AUTO_CLOSE int l = listen_tcp("127.0.0.1", &port);
	tcp_connect(&t, "10.0.2.2", port);
	AUTO_CLOSE int c = accept(l, NULL, NULL);
	tcp_send(&t, PSH | ACK, "GET /", 5);
	read_all(c, got, 5);
	ck_assert_str_eq(got, "GET /");
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + i / 251);
	pid_t writer = fork();
	if (!writer)
		_exit(fd_write_all(c, big, sizeof(big)) != 0);
	tcp_read(&t, back, sizeof(back));
	ck_assert_mem_eq(big, back, sizeof(big));
	ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
}
END_TEST

START_TEST(where_nobody_listens_the_guest_is_refused)
{
	uint16_t port = 0;
	struct tcp t = {.peer = ip_of("10.0.2.2"), .port = 40000, .seq = 1};
	const uint8_t *p;
	size_t n;
	close(listen_tcp("127.0.0.1", &port));
	t.peer_port = port;
	tcp_send(&t, SYN, NULL, 0);
	ck_assert_int_ne(tcp_await(&t, &p, &n) & RST, 0);
}
END_TEST

START_TEST(a_forwarded_port_leads_to_the_guest)
{
	struct tcp t;
	char got[8] = "";
	AUTO_CLOSE int c = connect_to(SOCK_STREAM, 2022);
	tcp_accept(&t, 22);
	ck_assert_int_eq(write(c, "hello", 5), 5);
	tcp_read(&t, got, 5);
	ck_assert_str_eq(got, "hello");
	tcp_send(&t, PSH | ACK, "ssh", 3);
	memset(got, 0, sizeof(got));
	read_all(c, got, 3);
	ck_assert_str_eq(got, "ssh");
}
END_TEST

START_TEST(a_range_of_udp_ports_leads_to_the_guest)
{
	for (uint16_t i = 0; i < 2; i++) {
		size_t n;
		AUTO_CLOSE int c = connect_to(SOCK_DGRAM, (uint16_t)(5000 + i));
		ck_assert_int_eq(write(c, "ping", 4), 4);
		const uint8_t *p = udp_await((uint16_t)(50 + i), &n);
		ck_assert_uint_eq(n, 4);
		ck_assert_mem_eq(p, "ping", 4);
		const udp_header *u = (void *)(rx.b + ETH + 20);
		udp_send(ip_of("10.0.2.15"), ((const ip_header *)(rx.b + ETH))->saddr, (uint16_t)(50 + i),
			 ntohs(u->source), "pong", 4);
		char got[8] = "";
		read_all(c, got, 4);
		ck_assert_str_eq(got, "pong");
	}
}
END_TEST

/* --- bad ones --- */

START_TEST(frames_of_any_length_are_survived)
{
	static uint8_t f[65600];
	static const size_t lens[] = {1,  13,   14,   15,   34,   41,    42,   59,
				      60, 1514, 1518, 1519, 4096, 65535, 65600};
	static const uint16_t types[] = {0x0800, 0x0806, 0x86dd, 0x88f8, 0x8100, 0};
	int size = 1 << 20;
	setsockopt(guest_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		for (size_t k = 0; k < ARRAY_SIZE(types); k++) {
			frame_head(f, types[k]);
			frame_send(f, lens[i]);
		}
	arp_ask("10.0.2.2");
}
END_TEST

START_TEST(garbage_is_survived)
{
	static const uint16_t types[] = {0x0800, 0x0806, 0x86dd};
	unsigned seed = (unsigned)_i + 1;
	for (int i = 0; i < 3000; i++) {
		uint8_t f[600];
		size_t len = ETH + (size_t)rand_r(&seed) % (sizeof(f) - ETH);
		for (size_t k = 0; k < len; k++)
			f[k] = (uint8_t)rand_r(&seed);
		frame_head(f, types[rand_r(&seed) % 3]);
		ip_header *ip = (void *)(f + ETH);
		if (f[12] == 8 && !f[13] && len >= ETH + 20 && i % 4) { /* most get past the first checks */
			ip->version = 4;
			ip->ihl = (unsigned)(5 + rand_r(&seed) % 2) & 15;
			ip->tot_len = htons((uint16_t)(len - ETH));
			ip->frag_off = i % 3 ? 0 : ip->frag_off;
			ip->protocol = (uint8_t[]){1, 6, 17, 2}[rand_r(&seed) % 4];
			ip->daddr = i % 2 ? ip_of("10.0.2.2") : ip_of("10.0.2.3");
			ip->check = 0;
			ip->check = htons(checksum(ip, ip->ihl * 4u, 0));
		}
		frame_send(f, len);
		while (frame_recv(0))
			;
	}
	arp_ask("10.0.2.2");
}
END_TEST

START_TEST(a_machine_that_does_not_read_stops_nobody)
{
	uint8_t data[1400] = {0};
	size_t n;
	AUTO_CLOSE int c = connect_to(SOCK_DGRAM, 5000);
	ck_assert_int_eq(write(c, "ping", 4), 4);
	udp_await(50, &n);
	for (int i = 0; i < 20000; i++)
		ck_assert(write(c, data, sizeof(data)) > 0 || errno == EAGAIN || errno == ECONNREFUSED);
	/* It takes what the guest says all the while: our end has room for no more than its buffer. */
	for (int i = 0; i < 5000; i++)
		arp_send(1, ip_of("10.0.2.2"), NULL);
	while (frame_recv(200))
		;
	arp_ask("10.0.2.2");
}
END_TEST

START_TEST(a_port_that_is_taken_is_an_error_with_its_number)
{
	uint16_t port = 0;
	AUTO_CLOSE int l = listen_tcp("127.0.0.1", &port);
	AUTO_FREE char *config =
	    x_asprintf("{\"forwards\": [{\"address\": \"127.0.0.1\", \"start\": %u, \"to\": 22}]}", port);
	ck_assert_int_eq(start(config), -EADDRINUSE);
	AUTO_FREE char *number = x_asprintf("TCP port %u of '127.0.0.1'", port);
	ck_assert_msg(strstr(e.msg, number) != NULL, "%s", e.msg);
	ck_assert_int_eq(WEXITSTATUS(wait_end()), 1);
}
END_TEST

static const char *const nonsense[] = {
    "",
    "{",
    "[]",
    "{\"forwards\": [{\"start\": 0}]}",
    "{\"forwards\": [{\"start\": 70000}]}",
    "{\"forwards\": [{\"start\": 10, \"end\": 9}]}",
    "{\"forwards\": [{\"start\": 65000, \"to\": 0}]}",
    "{\"forwards\": [{\"start\": 2000, \"address\": \"localhost\"}]}",
    "{\"forwards\": [7]}",
};

START_TEST(a_configuration_without_sense_is_refused)
{
	if (*nonsense[_i]) {
		ck_assert_int_lt(start(nonsense[_i]), 0);
		ck_assert_int_eq(WEXITSTATUS(wait_end()), 1);
	}
}
END_TEST

START_TEST(it_has_no_rights_left)
{
	AUTO_FREE char *path = x_asprintf("/proc/%d/status", (int)net), *text = NULL;
	ck_assert_int_eq(file_read(path, 65536, &text, NULL, &e), 0);
	ck_assert_ptr_nonnull(strstr(text, "\nCapEff:\t0000000000000000\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nCapPrm:\t0000000000000000\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nNoNewPrivs:\t1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nSeccomp:\t2\n"));
	FILE *map = fopen("/proc/self/uid_map", "re");
	unsigned from, to, n;
	ck_assert_int_eq(fscanf(map, "%u %u %u", &from, &to, &n), 3);
	fclose(map);
	if (n > 65534) /* else there is no such user here */
		ck_assert_ptr_nonnull(strstr(text, "\nUid:\t65534\t65534\t65534\t65534\n"));
}
END_TEST

START_TEST(sigterm_ends_it)
{
	kill(net, SIGTERM);
	ck_assert_int_eq(WEXITSTATUS(wait_end()), 128 + SIGTERM);
}
END_TEST

/* --- under the keeper --- */

/* Frames go to and fro between the test and whatever vmdeck-net there is. */
static int fake_machine(void)
{
	static struct fd_set_named fds;
	static uint8_t f[65600];
	json_t *go = NULL;
	if (launch_recv(LAUNCH_FD, &fds, &go, &e))
		return LAUNCH_EXIT_NOT_STARTED;
	int test = named_take(&fds, "test"), card = named_take(&fds, "net:1");
	launch_answer_ready(LAUNCH_FD, getpid());
	for (;;) {
		struct pollfd p[3] = {{.fd = LAUNCH_FD, .events = POLLIN},
				      {.fd = test, .events = POLLIN},
				      {.fd = card, .events = POLLIN}};
		poll(p, 3, -1);
		for (int i = 1; i < 3; i++) {
			ssize_t n = p[i].revents ? recv(p[i].fd, f, sizeof(f), MSG_DONTWAIT) : -1;
			if (n > 0 && p[3 - i].fd >= 0)
				send(p[3 - i].fd, f, (size_t)n, MSG_NOSIGNAL);
			if (n == 0 && i == 1)
				return LAUNCH_EXIT_POWEROFF;
			if (n == 0) {
				close(card);
				card = -1;
			}
		}
		struct launch_given g = {0};
		if (p[0].revents && launch_recv_given(LAUNCH_FD, &g))
			return LAUNCH_EXIT_DESTROYED;
		if (g.what == LAUNCH_NET && g.index == 1) {
			fd_close(card);
			card = g.fd;
		}
	}
}

static pid_t keeper;

/* A guest with two cards, the second of which is ours. */
static int start_guest(unsigned port)
{
	static struct fd_set_named fds;
	int pair[2], test[2], pid;
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, pair), 0);
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, test), 0);
	keeper = spawn_detached((const char *const[]){"/proc/self/exe", "keeper", NULL}, 2, pair[1], &e);
	ck_assert_msg(keeper > 0, "%s", e.msg);
	close(pair[1]);
	named_add(&fds, "test", test[1]);
	guest_fd = test[0];
	AUTO_FREE char *text = x_asprintf(
	    "{\"name\": \"web1\", \"net_program\": \"%s\", \"interfaces\": [{\"kind\": \"tap\"}, "
	    "{\"kind\": \"user\", \"forwards\": [{\"address\": \"127.0.0.1\", \"start\": %u, \"to\": 22}]}]}",
	    program, port);
	AUTO_JSON json_t *go = json_parse(text, strlen(text), &e);
	ck_assert_int_eq(launch_send(pair[0], &fds, go, &e), 0);
	named_done(&fds);
	int rc = launch_wait(pair[0], NETLIB_WAIT_MS, &pid, &e);
	close(pair[0]);
	return rc;
}

/* The vmdeck-net of our keeper. */
static pid_t find_net(void)
{
	AUTO_FREE char *path = x_asprintf("/proc/%d/task/%d/children", (int)keeper, (int)keeper),
		       *text = NULL;
	int pid, n;
	if (file_read(path, 4096, &text, NULL, NULL))
		return 0;
	for (char *p = text; sscanf(p, "%d %n", &pid, &n) == 1; p += n) {
		AUTO_FREE char *comm = x_asprintf("/proc/%d/comm", pid), *name = NULL;
		if (!file_read(comm, 64, &name, NULL, NULL) && str_eq(name, "vmdeck-net\n"))
			return pid;
	}
	return 0;
}

static bool alive(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

static void wait_gone(pid_t pid)
{
	for (int ms = 0; ms < NETLIB_WAIT_MS && alive(pid); ms += 5)
		usleep(5000);
	ck_assert_msg(!alive(pid), "process %d is still there", (int)pid);
}

/* Ask again and again, as a guest does, until somebody answers. */
static void arp_until_answered(const char *ip)
{
	uint32_t host = ip_of(ip);
	for (int ms = 0; ms < NETLIB_WAIT_MS; ms += 50) {
		arp_send(1, host, NULL);
		if (frame_recv(50) && is_arp_reply(&host))
			return;
	}
	ck_abort_msg("nobody answers");
}

START_TEST(one_that_is_killed_is_back_with_its_ports_and_the_guest_lives)
{
	struct tcp t;
	uint16_t port = 0;
	close(listen_tcp("127.0.0.1", &port));
	ck_assert_msg(start_guest(port) == 0, "%s", e.msg);
	for (int i = 0; i < 2; i++) {
		pid_t first = find_net();
		ck_assert_int_gt(first, 0);
		kill(first, SIGKILL);
		wait_gone(first);
		arp_until_answered(i ? "10.0.2.3"
				     : "10.0.2.2"); /* answers to what was asked before are none */
		ck_assert_int_ne(find_net(), first);
	}
	AUTO_CLOSE int c = connect_to(SOCK_STREAM, port);
	tcp_accept(&t, 22);
	pid_t last = find_net();
	close(guest_fd); /* the machine powers off */
	guest_fd = -1;
	wait_gone(keeper);
	wait_gone(last);
}
END_TEST

START_TEST(it_dies_with_the_keeper)
{
	uint16_t port = 0;
	close(listen_tcp("127.0.0.1", &port));
	ck_assert_msg(start_guest(port) == 0, "%s", e.msg);
	pid_t pid = find_net();
	ck_assert_int_gt(pid, 0);
	kill(keeper, SIGKILL);
	wait_gone(pid);
	close(guest_fd);
	guest_fd = -1;
}
END_TEST

START_TEST(a_port_that_is_taken_keeps_the_guest_from_starting)
{
	uint16_t port = 0;
	AUTO_CLOSE int l = listen_tcp("127.0.0.1", &port);
	ck_assert_int_eq(start_guest(port), -EADDRINUSE);
	AUTO_FREE char *number =
	    x_asprintf("interface net1: cannot listen at TCP port %u of '127.0.0.1'", port);
	ck_assert_msg(strstr(e.msg, number) != NULL, "%s", e.msg);
	wait_gone(keeper);
	close(guest_fd);
	guest_fd = -1;
}
END_TEST

int main(int argc, char **argv)
{
	const char *role = argc > 1 ? argv[1] : "";
	static const char *const machine_argv[] = {"/proc/self/exe", "machine", NULL};
	if (!strcmp(role, "keeper"))
		return keeper_main(machine_argv);
	if (!strcmp(role, "machine"))
		_exit(fake_machine());
	find_program();
	setenv("ASAN_OPTIONS", "detect_leaks=0",
	       0); /* vmdeck-net may not make the system calls that looking for leaks takes */
	int rc = own_spaces("nameserver 127.0.0.1\n");
	if (rc) {
		printf("test_net: no name spaces of its own: %s\n", strerror(-rc));
		return 1;
	}
	Suite *s = suite_create("net");
	TCase *t = tcase_create("frames");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start_default, stop);
	tcase_add_test(t, the_guest_gets_its_address_router_name_server_and_name);
	tcase_add_test(t, host_and_name_server_answer_arp);
	tcase_add_test(t, names_are_asked_of_the_hosts_own_server);
	tcase_add_test(t, a_changed_resolv_conf_is_seen);
	tcase_add_test(t, the_guest_reaches_a_server_and_data_goes_both_ways);
	tcase_add_test(t, where_nobody_listens_the_guest_is_refused);
	tcase_add_test(t, a_forwarded_port_leads_to_the_guest);
	tcase_add_test(t, a_range_of_udp_ports_leads_to_the_guest);
	tcase_add_test(t, frames_of_any_length_are_survived);
	tcase_add_loop_test(t, garbage_is_survived, 0, 4);
	tcase_add_test(t, a_machine_that_does_not_read_stops_nobody);
	tcase_add_test(t, it_has_no_rights_left);
	tcase_add_test(t, sigterm_ends_it);
	suite_add_tcase(s, t);
	t = tcase_create("begin");
	tcase_add_test(t, a_port_that_is_taken_is_an_error_with_its_number);
	tcase_add_loop_test(t, a_configuration_without_sense_is_refused, 0, ARRAY_SIZE(nonsense));
	suite_add_tcase(s, t);
	t = tcase_create("keeper");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, one_that_is_killed_is_back_with_its_ports_and_the_guest_lives);
	tcase_add_test(t, it_dies_with_the_keeper);
	tcase_add_test(t, a_port_that_is_taken_keeps_the_guest_from_starting);
	suite_add_tcase(s, t);
	return test_main(s);
}
