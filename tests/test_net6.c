/* The guest's IPv6 through vmdeck-net, where its host has some: in name spaces of this program's own, where
 * the world is fd09::1 and ::1, and the name server is reached by IPv6, too.
 * needs: spaces */
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <pthread.h>

#include "tests/netlib.h"
#include "tests/testlib.h"

#define IP6 (ETH + 40) /* where what it carries begins */

typedef struct ip6_hdr ip6_header __attribute__((aligned(1)));

static const char link_local[] = "fe80::5054:ff:fe12:3456", guest[] = "fec0::5054:ff:fe12:3456";

static struct in6_addr ip6_of(const char *text)
{
	struct in6_addr a;
	ck_assert_int_eq(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

/* --- frames (RFC 8200): @len bytes of @proto lie behind the two headers' room in @f, their checksum at @sum
 * --- */

static void ip6_send(uint8_t *f, const char *from, const char *to, uint8_t proto, size_t len, size_t sum)
{
	ip6_header *ip = (void *)(f + ETH);
	uint8_t pseudo[40] = {0};
	frame_head(f, 0x86dd);
	*ip = (ip6_header){.ip6_src = ip6_of(from), .ip6_dst = ip6_of(to)};
	ip->ip6_vfc = 0x60;
	ip->ip6_plen = htons((uint16_t)len);
	ip->ip6_nxt = proto;
	ip->ip6_hlim = 255;
	memcpy(pseudo, &ip->ip6_src, 32);
	pseudo[34] = (uint8_t)(len >> 8);
	pseudo[35] = (uint8_t)len;
	pseudo[39] = proto;
	memset(f + IP6 + sum, 0, 2);
	uint16_t part = (uint16_t)~checksum(pseudo, sizeof(pseudo), 0), all = checksum(f + IP6, len, part);
	memcpy(f + IP6 + sum, (uint8_t[]){(uint8_t)(all >> 8), (uint8_t)all}, 2);
	frame_send(f, IP6 + len);
}

static const ip6_header *rx_ip6(uint8_t proto)
{
	const ip6_header *ip = (void *)(rx.b + ETH);
	return rx.len > IP6 && rx.b[12] == 0x86 && rx.b[13] == 0xdd && ip->ip6_nxt == proto &&
		       IP6 + (size_t)ntohs(ip->ip6_plen) <= rx.len
		   ? ip
		   : NULL;
}

static bool is_icmp(const void *type)
{
	return rx_ip6(IPPROTO_ICMPV6) && rx.b[IP6] == *(const uint8_t *)type;
}

/* --- neighbour discovery (RFC 4861) --- */

/* The option @type of the message in rx, whose fixed part has @fixed bytes; NULL. */
static const uint8_t *nd_option(uint8_t type, size_t fixed)
{
	const uint8_t *p = rx.b + IP6, *end = p + ntohs(rx_ip6(IPPROTO_ICMPV6)->ip6_plen);
	for (p += fixed; p + 8 <= end && p[1] && p + 8 * p[1] <= end; p += 8 * p[1])
		if (p[0] == type)
			return p;
	return NULL;
}

static void ask_router(void)
{
	uint8_t f[IP6 + 16] = {0}, want = ND_ROUTER_ADVERT;
	f[IP6] = ND_ROUTER_SOLICIT;
	memcpy(f + IP6 + 8, (uint8_t[]){ND_OPT_SOURCE_LINKADDR, 1}, 2);
	memcpy(f + IP6 + 10, guest_mac, 6);
	ip6_send(f, link_local, "ff02::2", IPPROTO_ICMPV6, 16, 2);
	frame_await(is_icmp, &want, "router advertisement");
}

/* So that it knows us by the address that we made of the prefix, and answers for @ip. */
static void ask_neighbour(const char *ip)
{
	uint8_t f[IP6 + 32] = {0}, want = ND_NEIGHBOR_ADVERT;
	struct in6_addr target = ip6_of(ip);
	f[IP6] = ND_NEIGHBOR_SOLICIT;
	memcpy(f + IP6 + 8, &target, 16);
	memcpy(f + IP6 + 24, (uint8_t[]){ND_OPT_SOURCE_LINKADDR, 1}, 2);
	memcpy(f + IP6 + 26, guest_mac, 6);
	ip6_send(f, guest, ip, IPPROTO_ICMPV6, 32, 2);
	frame_await(is_icmp, &want, "neighbour advertisement");
	ck_assert_mem_eq(rx.b + IP6 + 8, &target, 16);
}

START_TEST(a_router_tells_the_prefix_and_the_name_server)
{
	struct in6_addr prefix = ip6_of("fec0::"), dns = ip6_of("fec0::3");
	ask_router();
	ck_assert_uint_ge(ntohs(rx_ip6(IPPROTO_ICMPV6)->ip6_plen), 16);
	ck_assert_uint_ne(rx.b[IP6 + 6] | rx.b[IP6 + 7], 0); /* lifetime: it is a router */
	const uint8_t *p = nd_option(ND_OPT_PREFIX_INFORMATION, 16);
	ck_assert_msg(p && p[1] == 4, "no prefix");
	ck_assert_uint_eq(p[2], 64);
	ck_assert_uint_eq(p[3] & ND_OPT_PI_FLAG_AUTO, ND_OPT_PI_FLAG_AUTO); /* the guest makes its address of it */
	ck_assert_mem_eq(p + 16, &prefix, 16);
	p = nd_option(25, 16); /* RDNSS (RFC 8106) */
	ck_assert_msg(p && p[1] >= 3, "no name server");
	ck_assert_mem_eq(p + 8, &dns, 16);
}
END_TEST

START_TEST(host_and_name_server_answer_neighbour_discovery)
{
	ask_neighbour("fec0::2");
	ask_neighbour("fec0::3");
}
END_TEST

/* --- TCP, as little as does --- */

static struct {
	const char *peer;
	uint16_t port;
	uint32_t seq, ack;
} c;

static void tcp6_send(uint8_t flags, const char *text)
{
	uint8_t f[IP6 + 20 + 64];
	tcp_header *h = (void *)(f + IP6);
	size_t n = strlen(text);
	*h = (tcp_header){.source = htons(40000),
			     .dest = htons(c.port),
			     .seq = htonl(c.seq),
			     .ack_seq = htonl(c.ack),
			     .doff = 5,
			     .window = htons(65535)};
	((uint8_t *)h)[13] = flags;
	memcpy(f + IP6 + 20, text, n);
	ip6_send(f, guest, c.peer, IPPROTO_TCP, 20 + n, 16);
	c.seq += (uint32_t)n + !!(flags & SYN);
}

static bool is_ours(const void *flag)
{
	const tcp_header *h = (void *)(rx.b + IP6);
	return rx_ip6(IPPROTO_TCP) && ntohs(h->dest) == 40000 && ntohs(h->source) == c.port &&
	       ((const uint8_t *)h)[13] & *(const uint8_t *)flag;
}

/* The server listens at @where of the host, and the guest calls it @peer. */
static void talk(const char *where, const char *peer)
{
	static const uint8_t syn = SYN, psh = PSH;
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = ip6_of(where)};
	socklen_t len = sizeof(a);
	char got[8] = "";
	AUTO_CLOSE int l = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(l, (void *)&a, len), 0);
	ck_assert_int_eq(listen(l, 1), 0);
	ck_assert_int_eq(getsockname(l, (void *)&a, &len), 0);
	ask_neighbour("fec0::2");
	c.peer = peer;
	c.port = ntohs(a.sin6_port);
	c.seq = 1000;
	c.ack = 0;
	tcp6_send(SYN, "");
	frame_await(is_ours, &syn, "answer to SYN");
	const tcp_header *h = (void *)(rx.b + IP6);
	ck_assert(((const uint8_t *)h)[13] & ACK && ntohl(h->ack_seq) == c.seq);
	c.ack = ntohl(h->seq) + 1;
	tcp6_send(ACK, "");
	tcp6_send(PSH | ACK, "GET /");
	AUTO_CLOSE int fd = accept(l, NULL, NULL);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, NETLIB_WAIT_MS), 1);
	ck_assert_int_eq(recv(fd, got, 5, MSG_WAITALL), 5);
	ck_assert_str_eq(got, "GET /");
	ck_assert_int_eq(write(fd, "200", 3), 3);
	frame_await(is_ours, &psh, "data");
	ck_assert_uint_eq(ntohs(rx_ip6(IPPROTO_TCP)->ip6_plen), h->doff * 4u + 3);
	ck_assert_mem_eq(rx.b + IP6 + h->doff * 4, "200", 3);
}

static const struct {
	const char *where, *peer;
} servers[] = {{"fd09::1", "fd09::1"}, {"::1", "fec0::2"}};

START_TEST(the_guest_reaches_the_world_and_the_host)
{
	talk(servers[_i].where, servers[_i].peer);
}
END_TEST

/* --- names --- */

static bool is_answer(const void *arg)
{
	const udp_header *u = (void *)(rx.b + IP6);
	return rx_ip6(IPPROTO_UDP) && ntohs(u->dest) == 4444;
}

START_TEST(names_are_asked_of_the_hosts_own_server)
{
	static const uint8_t question[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'x', 0, 0, 28, 0, 1};
	uint8_t f[IP6 + 8 + sizeof(question)], m[64];
	udp_header *u = (void *)(f + IP6);
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = ip6_of("::1"), .sin6_port = htons(53)};
	socklen_t len = sizeof(a);
	AUTO_CLOSE int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(bind(fd, (void *)&a, len), 0);
	ask_neighbour("fec0::3");
	*u = (udp_header){
	    .source = htons(4444), .dest = htons(53), .len = htons(8 + sizeof(question))};
	memcpy(f + IP6 + 8, question, sizeof(question));
	ip6_send(f, guest, "fec0::3", IPPROTO_UDP, 8 + sizeof(question), 6);
	ck_assert_int_eq(poll(&p, 1, NETLIB_WAIT_MS), 1);
	ck_assert_int_eq(recvfrom(fd, m, sizeof(m), 0, (void *)&a, &len), sizeof(question));
	ck_assert_mem_eq(m + 2, question + 2, sizeof(question) - 2);
	m[2] |= 0x80;
	ck_assert_int_eq(sendto(fd, m, sizeof(question), 0, (void *)&a, len), sizeof(question));
	frame_await(is_answer, NULL, "answer");
	ck_assert_mem_eq(rx.b + IP6 + 8, question, 2);
}
END_TEST

/* --- a host without --- */

static int address_of_lo(unsigned long request)
{
	struct {
		struct in6_addr a;
		uint32_t prefix;
		int index;
	} r = {.prefix = 128, .index = 1}; /* struct in6_ifreq (linux/ipv6.h); lo is 1 */
	inet_pton(AF_INET6, "fd09::1", &r.a); /* before the tests begin, too */
	AUTO_CLOSE int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return ioctl(fd, request, &r) < 0 ? -errno : 0;
}

START_TEST(without_ipv6_of_the_host_nobody_says_that_there_is_some)
{
	uint8_t f[IP6 + 8] = {0}, advert = ND_ROUTER_ADVERT;
	ck_assert_int_eq(address_of_lo(SIOCDIFADDR), 0);
	ck_assert_int_eq(start("{}"), 0);
	f[IP6] = ND_ROUTER_SOLICIT;
	ip6_send(f, link_local, "ff02::2", IPPROTO_ICMPV6, 8, 2);
	arp_send(1, ip_of("10.0.2.2"), NULL); /* whose answer comes behind whatever comes of the other */
	do {
		ck_assert_msg(frame_recv(NETLIB_WAIT_MS), "no answer to ARP");
		ck_assert(!is_icmp(&advert));
	} while (!is_arp_reply((const uint32_t[]){ip_of("10.0.2.2")}));
	stop();
	ck_assert_int_eq(address_of_lo(SIOCSIFADDR), 0);
}
END_TEST

static void start_plain(void)
{
	ck_assert_msg(start("{\"hostname\": \"web1\", \"host_loopback\": true}") == 0, "%s", e.msg);
}

int main(void)
{
	find_program();
	setenv("ASAN_OPTIONS", "detect_leaks=0", 0); /* vmdeck-net may not make the system calls of that */
	int rc = own_spaces("nameserver ::1\n");
	if (!rc)
		rc = address_of_lo(SIOCSIFADDR);
	if (rc) {
		printf("test_net6: no name spaces with IPv6 of its own: %s\n", strerror(-rc));
		return 1;
	}
	Suite *s = suite_create("net6");
	TCase *t = tcase_create("frames");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start_plain, stop);
	tcase_add_test(t, a_router_tells_the_prefix_and_the_name_server);
	tcase_add_test(t, host_and_name_server_answer_neighbour_discovery);
	tcase_add_loop_test(t, the_guest_reaches_the_world_and_the_host, 0, ARRAY_SIZE(servers));
	tcase_add_test(t, names_are_asked_of_the_hosts_own_server);
	suite_add_tcase(s, t);
	t = tcase_create("off");
	tcase_add_test(t, without_ipv6_of_the_host_nobody_says_that_there_is_some);
	suite_add_tcase(s, t);
	return test_main(s);
}
