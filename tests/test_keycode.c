/* The table of keys against itself, against the header of Linux, and against what PS/2 keyboards and viewers
 * send. */
#include "tests/testlib.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/proto/keycode.h"

START_TEST(names_of_both_worlds_name_the_same_key)
{
	static const struct {
		const char *name;
		unsigned code;
	} cases[] = {
		{"KEY_ENTER", KEY_ENTER},   {"ret", KEY_ENTER},          {"key_enter", KEY_ENTER}, {"RET", KEY_ENTER},
		{"KEY_SYSRQ", KEY_SYSRQ},   {"print", KEY_SYSRQ},        {"sysrq", KEY_SYSRQ},     {"ctrl", KEY_LEFTCTRL},
		{"delete", KEY_DELETE},     {"alt_r", KEY_RIGHTALT},     {"f24", KEY_F24},         {"1", KEY_1},
		{"asterisk", KEY_KPASTERISK}, {"kp_multiply", KEY_KPASTERISK}, {"KEY_HANGUEL", KEY_HANGEUL},
		{"KEY_MICMUTE", KEY_MICMUTE}, {"lang1", KEY_HANGEUL},    {"KEY_", 0},              {"", 0},
		{"nosuch", 0},              {"ENTER", 0},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_msg(keycode_from_name(cases[i].name) == cases[i].code, "'%s' is %u", cases[i].name,
		              keycode_from_name(cases[i].name));
}
END_TEST

START_TEST(every_row_is_found_by_its_own_names_and_numbers)
{
	unsigned n = 0;
	for (unsigned code = 0; code < KEYCODE_MAX; code++) {
		const char *name = keycode_name(code), *q = keycode_qcode(code);
		if (!name) {
			ck_assert_msg(!q, "%u", code);
			continue;
		}
		n++;
		ck_assert_msg(keycode_from_name(name) == code, "%s", name);
		ck_assert_msg(keycode_from_set_name("linux", name) == code, "%s", name);
		ck_assert_msg(keycode_from_set("linux", code) == code, "%s", name);
		ck_assert_msg(!q || keycode_from_name(q) == code, "%s: %s is %u", name, q,
			      q ? keycode_from_name(q) : 0);
	}
	ck_assert_uint_gt(n, 200);
}
END_TEST

START_TEST(numbers_of_each_codeset)
{
	static const struct {
		const char *set;
		unsigned number, code;
	} cases[] = {
		{"linux", 28, KEY_ENTER},     {"xt", 0x1c, KEY_ENTER},        {"xt", 0xe01c, KEY_KPENTER},
		{"atset1", 0xe048, KEY_UP},   {"atset2", 0xe075, KEY_UP},     {"atset2", 0x5a, KEY_ENTER},
		{"atset3", 0x63, KEY_UP},     {"os_x", 0, KEY_A},             {"os_x", 0xff, 0},
		{"xt_kbd", 0x148, KEY_UP},    {"win32", 0x0d, KEY_ENTER},     {"win32", 0x2e, KEY_DELETE},
		{"usb", 0x28, KEY_ENTER},     {"usb", 0xe0, KEY_LEFTCTRL},    {"qnum", 0xc8, KEY_UP},
		{"rfb", 0xc8, KEY_UP},        {"linux", 0, 0},                {"linux", 300, 0},
		{"usb", 0, 0},                {"nosuch", 28, 0},              {"xt", 0xffff, 0},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_msg(keycode_from_set(cases[i].set, cases[i].number) == cases[i].code, "%s %x is %u",
		              cases[i].set, cases[i].number, keycode_from_set(cases[i].set, cases[i].number));
	ck_assert_uint_eq(keycode_from_set_name("win32", "VK_RETURN"), KEY_ENTER);
	ck_assert_uint_eq(keycode_from_set_name("os_x", "Return"), KEY_ENTER);
	ck_assert_uint_eq(keycode_from_set_name("linux", "ret"), 0);
	ck_assert_uint_eq(keycode_from_set_name("usb", "KEY_ENTER"), 0);
}
END_TEST

START_TEST(viewers_send_print_and_pause_in_several_ways)
{
	ck_assert_uint_eq(keycode_from_xt(0x54), KEY_SYSRQ);
	ck_assert_uint_eq(keycode_from_xt(0xb7), KEY_SYSRQ);
	ck_assert_uint_eq(keycode_from_xt(0xc6), KEY_PAUSE);
	ck_assert_uint_eq(keycode_from_xt(0x1c), KEY_ENTER);
	ck_assert_uint_eq(keycode_from_xt(0xdb), KEY_LEFTMETA);
	ck_assert_uint_eq(keycode_from_xt(0), 0);
	ck_assert_uint_eq(keycode_from_xt(0x1000), 0);
}
END_TEST

/* Every character of a US keyboard, with the key that it is on. */
START_TEST(ascii_is_on_a_us_keyboard)
{
	static const char plain[] = "1234567890-=qwertyuiop[]asdfghjkl;'`\\zxcvbnm,./ ";
	static const char with[] = "!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"~|ZXCVBNM<>?";
	bool shift;
	for (unsigned i = 0; plain[i]; i++) {
		unsigned code = keycode_from_keysym((uint8_t)plain[i], &shift);
		ck_assert_msg(code && !shift, "%c", plain[i]);
		if (!with[i])
			break;
		ck_assert_msg(keycode_from_keysym((uint8_t)with[i], &shift) == code && shift, "%c", with[i]);
		ck_assert_msg(keycode_from_keysym(0x1000000u + (uint8_t)with[i], &shift) == code && shift,
			      "%c", with[i]);
	}
	ck_assert_uint_eq(keycode_from_keysym('q', &shift), KEY_Q);
	ck_assert_uint_eq(keycode_from_keysym('/', &shift), KEY_SLASH);
}
END_TEST

START_TEST(keysyms_that_are_no_characters)
{
	static const struct {
		uint32_t sym;
		unsigned code;
		bool shift;
	} cases[] = {
		{0xff0d, KEY_ENTER, false},  {0xff8d, KEY_KPENTER, false}, {0xffe1, KEY_LEFTSHIFT, false},
		{0xfe03, KEY_RIGHTALT, false}, {0xfe20, KEY_TAB, true},    {0xff95, KEY_KP7, false},
		{0xffb7, KEY_KP7, false},    {0xff13, KEY_PAUSE, false},   {0xff6b, KEY_PAUSE, false},
		{0xff61, KEY_SYSRQ, false},  {0xff15, KEY_SYSRQ, false},   {0xffbe, KEY_F1, false},
		{0xffc9, KEY_F12, false},    {0xffd5, KEY_F24, false},     {0xffff, KEY_DELETE, false},
		{0x1008ff13, KEY_VOLUMEUP, false}, {0, 0, false},          {0x20ac, 0, false},
		{0xffffffff, 0, false},      {0xe9, 0, false},
	};
	bool shift;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned code = keycode_from_keysym(cases[i].sym, &shift);
		ck_assert_msg(code == cases[i].code && shift == cases[i].shift, "%x is %u", cases[i].sym,
			      code);
	}
}
END_TEST

struct scan {
	unsigned code;
	const char *make1, *break1, *make2, *break2;
};

static void same(const struct scan *c, unsigned n, const uint8_t *got, const char *want)
{
	char text[40] = "";
	for (unsigned i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", got[i]);
	ck_assert_msg(!strcmp(text, want), "%s: '%s', not '%s'", keycode_name(c->code), text, want);
}

START_TEST(scan_codes)
{
	static const struct scan cases[] = {
		{KEY_A, "1e", "9e", "1c", "f01c"},
		{KEY_F7, "41", "c1", "83", "f083"},
		{KEY_UP, "e048", "e0c8", "e075", "e0f075"},
		{KEY_RIGHTCTRL, "e01d", "e09d", "e014", "e0f014"},
		{KEY_PAUSE, "e11d45e19dc5", "", "e11477e1f014f077", ""},
		{KEY_SYSRQ, "e02ae037", "e0b7e0aa", "e012e07c", "e0f07ce0f012"},
		{KEY_MICMUTE, "", "", "", ""},
	};
	uint8_t b[8];
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct scan *c = &cases[i];
		same(c, keycode_set1(c->code, true, b), b, c->make1);
		same(c, keycode_set1(c->code, false, b), b, c->break1);
		same(c, keycode_set2(c->code, true, b), b, c->make2);
		same(c, keycode_set2(c->code, false, b), b, c->break2);
	}
	ck_assert_uint_eq(keycode_set2(0, true, b), 0);
	ck_assert_uint_eq(keycode_set2(9999, true, b), 0);
	ck_assert_uint_eq(keycode_set3(KEY_UP), 0x63);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		names_of_both_worlds_name_the_same_key,
		every_row_is_found_by_its_own_names_and_numbers,
		numbers_of_each_codeset,
		viewers_send_print_and_pause_in_several_ways,
		ascii_is_on_a_us_keyboard,
		keysyms_that_are_no_characters,
		scan_codes,
	};
	Suite *s = suite_create("keycode");
	TCase *c = tcase_create("table");
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return test_main(s);
}
