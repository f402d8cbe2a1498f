/* Layouts of xkb-data as keys and modifiers, and texts in them. */
#include <check.h>
#include <errno.h>
#include <linux/input-event-codes.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/keymap.h"
#include "tests/testlib.h"

#define S KEYMAP_SHIFT
#define G KEYMAP_ALTGR

static const struct {
	const char *layout, *text;
	struct keymap_stroke strokes[8]; /* code 0: no more */
} texts[] = {
    {"us", "aZ 1!", {{KEY_A, 0}, {KEY_Z, S}, {KEY_SPACE, 0}, {KEY_1, 0}, {KEY_1, S}}},
    {"us",
     "\t\n\r\n\r\x1b\x7f\b",
     {{KEY_TAB, 0},
      {KEY_ENTER, 0},
      {KEY_ENTER, 0},
      {KEY_ENTER, 0},
      {KEY_ESC, 0},
      {KEY_BACKSPACE, 0},
      {KEY_BACKSPACE, 0}}},
    {"us",
     "/-*+.5",
     {{KEY_SLASH, 0}, {KEY_MINUS, 0}, {KEY_8, S}, {KEY_EQUAL, S}, {KEY_DOT, 0}, {KEY_5, 0}}}, /* not the
												 keypad's */
    {"us", "|\\~`", {{KEY_BACKSLASH, S}, {KEY_BACKSLASH, 0}, {KEY_GRAVE, S}, {KEY_GRAVE, 0}}},
    {"en-us", "z", {{KEY_Z, 0}}},
    {"de", "zyZ", {{KEY_Y, 0}, {KEY_Z, 0}, {KEY_Y, S}}},
    {"de", "ä@€|", {{KEY_APOSTROPHE, 0}, {KEY_Q, G}, {KEY_E, G}, {KEY_102ND, G}}},
    {"de", "é^", {{KEY_EQUAL, 0}, {KEY_E, 0}, {KEY_GRAVE, 0}, {KEY_SPACE, 0}}},
    {"de-nodeadkeys", "^", {{KEY_GRAVE, 0}}},
    {"de(nodeadkeys)", "^", {{KEY_GRAVE, 0}}},
    {"de-ch", "éÄ", {{KEY_SEMICOLON, S}, {KEY_RIGHTBRACE, 0}, {KEY_A, S}}},
    {"fr", "a1ê", {{KEY_Q, 0}, {KEY_1, S}, {KEY_LEFTBRACE, 0}, {KEY_E, 0}}},
    {"fr-be", "a", {{KEY_Q, 0}}},
    {"en-gb", "£\"", {{KEY_3, S}, {KEY_2, S}}},
    {"es", "ñá", {{KEY_SEMICOLON, 0}, {KEY_APOSTROPHE, 0}, {KEY_A, 0}}},
    {"sv", "å", {{KEY_LEFTBRACE, 0}}},
    {"ru", "ф", {{KEY_A, 0}}},
    {"cz", "š", {{KEY_3, 0}}},
    {"us(intl)", "ü", {{KEY_Y, G}}},
};

static struct keymap *layout(const char *name)
{
	struct err e = {0};
	struct keymap *k = keymap_open(name, &e);
	ck_assert_msg(k != NULL, "%s: %s", name, e.msg);
	return k;
}

START_TEST(a_text_is_keys_of_its_layout)
{
	struct err e = {0};
	struct keymap *k = layout(texts[_i].layout);
	AUTO_FREE struct keymap_stroke *s = NULL;
	size_t n = 0, want = 0;
	while (want < 8 && texts[_i].strokes[want].code)
		want++;
	ck_assert_msg(!keymap_text(k, texts[_i].text, strlen(texts[_i].text), &s, &n, &e), "%s", e.msg);
	for (size_t i = 0; i < n && i < want; i++)
		ck_assert_msg(
		    s[i].code == texts[_i].strokes[i].code && s[i].mods == texts[_i].strokes[i].mods,
		    "%s '%s', stroke %zu: key %u with %u, not %u with %u", texts[_i].layout, texts[_i].text,
		    i, s[i].code, s[i].mods, texts[_i].strokes[i].code, texts[_i].strokes[i].mods);
	ck_assert_msg(n == want, "%s '%s': %zu strokes, not %zu", texts[_i].layout, texts[_i].text, n, want);
	keymap_free(k);
}
END_TEST

START_TEST(all_of_ascii_can_be_typed_in_latin_layouts)
{
	static const char *const names[] = {"us",    "en-gb", "de",      "de-ch", "fr",    "fr-be", "fr-ca",
					    "fr-ch", "es",    "it",      "pt",    "pt-br", "da",    "no",
					    "sv",    "fi",    "nl",      "pl",    "hu",    "sl",    "hr",
					    "et",    "is",    "us-intl", "bepo"};
	struct keymap_stroke out[KEYMAP_STROKES_MAX];
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct keymap *k = layout(names[i]);
		for (uint32_t c = ' '; c < 0x7f; c++)
			ck_assert_msg(keymap_strokes(k, c, out) > 0, "%s: no key for '%c'", names[i],
				      (char)c);
		keymap_free(k);
	}
}
END_TEST

START_TEST(rows_are_sorted_and_have_codes)
{
	struct keymap *k = layout("de");
	const struct keymap_row *r;
	size_t n = keymap_rows(k, &r);
	ck_assert_uint_gt(n, 100);
	ck_assert_uint_lt(n, KEYMAP_ROWS_MAX);
	for (size_t i = 0; i < n; i++) {
		ck_assert(r[i].stroke.code && r[i].stroke.code < 248 && r[i].stroke.mods <= (S | G));
		ck_assert(!i || r[i - 1].sym < r[i].sym);
	}
	keymap_free(k);
}
END_TEST

static const struct {
	const char *text;
	size_t len;
	int result;
	const char *says;
} refused[] = {
    {"ab€", 5, -EINVAL, "'us' has no key for '€' (U+20AC), character 3"},
    {"\x01", 1, -EINVAL, "a control character (U+0001), character 1"},
    {"a\xff", 2, -EILSEQ, "character 2 of the text is no UTF-8 (byte 0xff)"},
    {"\xe2\x82", 2, -EILSEQ, "no UTF-8"},
    {"\xc0\x80", 2, -EILSEQ, "no UTF-8"},
    {"\xed\xa0\x80", 3, -EILSEQ, "no UTF-8"},
};

START_TEST(what_has_no_key_is_named)
{
	struct err e = {0};
	struct keymap *k = layout("us");
	struct keymap_stroke *s = NULL;
	size_t n = 7;
	ck_assert_int_eq(keymap_text(k, refused[_i].text, refused[_i].len, &s, &n, &e), refused[_i].result);
	ck_assert_msg(strstr(e.msg, refused[_i].says) != NULL, "%s", e.msg);
	ck_assert(!s && n == 7);
	keymap_free(k);
}
END_TEST

START_TEST(a_layout_that_is_not_there_is_told)
{
	static const char *const names[] = {
	    "xx", "us(nosuch)", "", "../us", "us us", "a-very-long-name-that-no-layout-of-xkb-has-had"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct err e = {0};
		ck_assert_msg(!keymap_open(names[i], &e), "'%s' is a layout", names[i]);
		ck_assert_msg(strstr(e.msg, "layout"), "%s", e.msg);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keymap");
	TCase *t = tcase_create("all");
	tcase_add_loop_test(t, a_text_is_keys_of_its_layout, 0, ARRAY_SIZE(texts));
	tcase_add_test(t, all_of_ascii_can_be_typed_in_latin_layouts);
	tcase_add_test(t, rows_are_sorted_and_have_codes);
	tcase_add_loop_test(t, what_has_no_key_is_named, 0, ARRAY_SIZE(refused));
	tcase_add_test(t, a_layout_that_is_not_there_is_told);
	suite_add_tcase(s, t);
	return test_main(s);
}
