/* IPv4 fragments, as a guest may send them: in any order, twice, overlapping, without an end. */
#include <check.h>
#include <netinet/ip.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net/reassemble.h"
#include "src/base/cleanup.h"
#include "tests/testlib.h"

#define ETH 14

static struct reassembly r;
static uint8_t data[65536 + 1000]; /* no datagram is that long */
static const uint8_t *out;
static size_t out_len;

static void setup(void)
{
	r = (struct reassembly){0};
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + i / 256);
}

static void teardown(void)
{
	reassembly_done(&r);
}

/* Bytes [at, at + n) of datagram @id; the header is 20 bytes, or more. */
static enum reassembled give_at(int64_t now, uint16_t id, size_t at, size_t n, bool more, unsigned ihl)
{
	static uint8_t f[ETH + 60 + 65536];
	struct iphdr ip = {.version = 4,
			   .ihl = ihl & 15,
			   .id = id,
			   .protocol = IPPROTO_UDP,
			   .saddr = 1,
			   .daddr = 2,
			   .ttl = 64,
			   .tot_len = __builtin_bswap16((uint16_t)(ihl * 4 + n)),
			   .frag_off = __builtin_bswap16((uint16_t)(at / 8 | (more ? IP_MF : 0)))};
	memset(f, 0, ETH + 60);
	f[12] = 8;
	memcpy(f + ETH, &ip, sizeof(ip));
	memcpy(f + ETH + ihl * 4, data + at, n);
	return reassemble(&r, f, ETH + ihl * 4 + n, now, &out, &out_len);
}

static enum reassembled give(uint16_t id, size_t at, size_t n, bool more)
{
	return give_at(0, id, at, n, more, 5);
}

static void check_whole(size_t n)
{
	struct iphdr ip;
	uint32_t sum = 0;
	ck_assert_uint_eq(out_len, ETH + 20 + n);
	memcpy(&ip, out + ETH, sizeof(ip));
	ck_assert_uint_eq(__builtin_bswap16(ip.tot_len), 20 + n);
	ck_assert_uint_eq(ip.frag_off, 0);
	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)out[ETH + i] << 8 | out[ETH + i + 1];
	ck_assert_uint_eq((sum & 0xffff) + (sum >> 16), 0xffff);
	ck_assert_mem_eq(out + ETH + 20, data, n);
}

START_TEST(what_is_no_fragment_stays_as_it_is)
{
	ck_assert_int_eq(give(1, 0, 100, false), FRAME_WHOLE);
	uint8_t few[20] = {0};
	for (size_t n = 0; n < sizeof(few); n++)
		ck_assert_int_eq(reassemble(&r, few, n, 0, &out, &out_len), FRAME_WHOLE);
}
END_TEST

START_TEST(a_datagram_is_whole_in_any_order)
{
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	for (int i = 0; i < 3; i++) {
		int k = orders[_i][i];
		ck_assert_int_eq(give(7, (size_t)k * 1480, k == 2 ? 333 : 1480, k != 2),
				 i == 2 ? FRAME_COMPLETED : FRAME_KEPT);
	}
	check_whole(2 * 1480 + 333);
	/* And the next of that number is another one. */
	ck_assert_int_eq(give(7, 0, 8, true), FRAME_KEPT);
	ck_assert_int_eq(give(7, 8, 8, false), FRAME_COMPLETED);
	check_whole(16);
}
END_TEST

START_TEST(two_of_them_do_not_mix)
{
	give(1, 0, 800, true);
	give(2, 0, 1600, true);
	ck_assert_int_eq(give(1, 800, 100, false), FRAME_COMPLETED);
	check_whole(900);
	ck_assert_int_eq(give(2, 1600, 1, false), FRAME_COMPLETED);
	check_whole(1601);
}
END_TEST

START_TEST(the_largest_datagram_fits_and_none_is_larger)
{
	size_t n = 65515, at = 0;
	for (; n - at > 1480; at += 1480)
		ck_assert_int_eq(give(1, at, 1480, true), FRAME_KEPT);
	ck_assert_int_eq(give(1, at, n - at, false), FRAME_COMPLETED);
	check_whole(n);
	for (at = 0; n - at > 1480; at += 1480)
		ck_assert_int_eq(give(2, at, 1480, true), FRAME_KEPT);
	ck_assert_int_eq(give(2, at, n - at + 1, false), FRAME_KEPT);
	ck_assert_int_eq(give(3, 65528, 1000, false), FRAME_KEPT);
}
END_TEST

/* Pairs that are never a datagram: the second makes both forgotten, what would complete them then is a first
 * again. */
static const struct {
	size_t at[2], n[2];
	bool more[2];
} odd[] = {
    {{0, 0}, {16, 16}, {true, true}},                                      /* twice */
    {{0, 8}, {16, 16}, {true, false}},                                     /* overlapping */
    {{8, 0}, {16, 16}, {false, true}}, {{16, 16}, {8, 8}, {false, false}}, /* two ends */
    {{16, 24}, {8, 8}, {false, true}},                                     /* beyond the end */
    {{16, 0}, {8, 13}, {false, true}}, /* a piece that is no multiple of eight, in the middle */
    {{16, 0}, {8, 0}, {false, true}},  /* nothing */
};

START_TEST(fragments_that_do_not_fit_are_forgotten)
{
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(give(1, odd[_i].at[i], odd[_i].n[i], odd[_i].more[i]), FRAME_KEPT);
	ck_assert_int_eq(give(1, 0, 24, true), FRAME_KEPT);
	ck_assert_int_eq(give(1, 24, 8, false), FRAME_COMPLETED);
	check_whole(32);
}
END_TEST

START_TEST(what_is_not_completed_makes_room)
{
	give(100, 0, 8, true);
	for (uint16_t id = 0; id < REASSEMBLE_MAX; id++)
		give_at(1 + id, id, 0, 8, true, 5);
	ck_assert_int_eq(give_at(50, 100, 8, 8, false, 5), FRAME_KEPT); /* the oldest was forgotten */
	give_at(60, 200, 0, 8, true, 5);
	ck_assert_int_eq(give_at(60 + REASSEMBLE_MS + 1, 200, 8, 8, false, 5), FRAME_KEPT); /* too late */
}
END_TEST

START_TEST(a_header_with_options_is_that_of_the_first_fragment)
{
	give_at(0, 1, 0, 16, true, 15);
	ck_assert_int_eq(give_at(0, 1, 16, 4, false, 6), FRAME_COMPLETED);
	ck_assert_uint_eq(out_len, ETH + 60 + 20);
	ck_assert_mem_eq(out + ETH + 60, data, 20);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reassemble");
	TCase *t = tcase_create("fragments");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_no_fragment_stays_as_it_is);
	tcase_add_loop_test(t, a_datagram_is_whole_in_any_order, 0, 6);
	tcase_add_test(t, two_of_them_do_not_mix);
	tcase_add_test(t, the_largest_datagram_fits_and_none_is_larger);
	tcase_add_loop_test(t, fragments_that_do_not_fit_are_forgotten, 0, ARRAY_SIZE(odd));
	tcase_add_test(t, what_is_not_completed_makes_room);
	tcase_add_test(t, a_header_with_options_is_that_of_the_first_fragment);
	suite_add_tcase(s, t);
	return test_main(s);
}
