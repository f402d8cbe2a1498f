/* Copy mode over lines of a test: keys in, text out. */
#include <string.h>

#include "src/base/cleanup.h"
#include "tests/testlib.h"
#include "ui/tui/copy.h"

#define COLS 40

/* Line 2 goes on in line 3. */
static const char *const lines[] = {
	"Linux version 6.1",
	"Command line: root=/dev/vda1",
	"error: a line that was too long and so i",
	"s wrapped here",
	"",
	"Error: vda1 is gone",
	"login: ",
};

static const struct vt_cell *cell(void *ctx, int line, int col)
{
	static struct vt_cell c;
	c = (struct vt_cell){.width = 1};
	if (line >= 0 && line < (int)ARRAY_SIZE(lines) && col < (int)strlen(lines[line]))
		c.ch[0] = (uint32_t)lines[line][col];
	return &c;
}

static bool wrapped(void *ctx, int line)
{
	return line == 2;
}

static const struct copy_source source = {ARRAY_SIZE(lines), COLS, cell, wrapped, NULL};

/* Keys as their names; "/TEXT" and "?TEXT" search. Return: the result of the last. */
static enum copy_result keys(struct copy *c, const char *text)
{
	AUTO_FREE char *names = x_strdup(text);
	char *save = NULL;
	enum copy_result r = COPY_STAYS;
	for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		struct key k;
		size_t n = strchr("/?", name[0]) ? 1 : strlen(name);
		ck_assert_msg(key_parse(name, n, &k), "no such key: %s", name);
		r = copy_key(c, &source, k, 3);
		if (r == COPY_SEARCH)
			copy_search(c, &source, name + 1);
	}
	return r;
}

START_TEST(keys_mark_what_is_copied)
{
	static const struct {
		const char *keys, *text;
	} cases[] = {
		{"y", "login:\n"},                                    /* the line, without blanks at its end */
		{"g y", "Linux version 6.1\n"},
		{"g Space End y", "Linux version 6.1"},
		{"g l l Space l l Enter", "nux"},
		{"g V j y", "Linux version 6.1\nCommand line: root=/dev/vda1\n"},
		{"G V Up Up Up y", "s wrapped here\n\nError: vda1 is gone\nlogin:\n"},
		{"g j j V j y", "error: a line that was too long and so is wrapped here\n"}, /* as one */
		{"?error Space End y", "Error: vda1 is gone"},        /* the nearest above */
		{"?error n Space l l l l y", "error"},                /* the next above */
		{"?Error n Space l l l l y", "Error"},                /* capitals count, round the end */
		{"g /vda1 Space $ y", "vda1"},
		{"g /vda1 n Space l l l y", "vda1"},
		{"g /vda1 N Space $ y", "vda1 is gone"},              /* the other way, round the beginning */
		{"g /nowhere y", "Linux version 6.1\n"},              /* the cursor stays */
		{"g PgDn PgDn PgDn PgDn y", "login:\n"},
		{"PgUp PgUp PgUp PgUp Up y", "Linux version 6.1\n"},
		{"g Space V j V Space y", "C"},                       /* the same key again ends a kind of mark */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct copy c = {0};
		AUTO_BUF struct buf out = {0};
		copy_start(&c, (struct copy_place){ARRAY_SIZE(lines) - 1, 0});
		ck_assert_int_eq(keys(&c, cases[i].keys), COPY_COPIES);
		copy_text(&c, &source, &out);
		ck_assert_msg(str_eq(buf_text(&out), cases[i].text), "%s: '%s'", cases[i].keys,
			      buf_text(&out));
	}
}
END_TEST

START_TEST(it_is_left_without_copying)
{
	static const char *const leave[] = {"q", "Esc", "Enter", "C-c"};
	for (size_t i = 0; i < ARRAY_SIZE(leave); i++) {
		struct copy c = {0};
		copy_start(&c, (struct copy_place){0, 0});
		ck_assert_int_eq(keys(&c, leave[i]), COPY_LEAVES);
		ck_assert_int_eq(keys(&c, "x Z F5 C-x"), COPY_STAYS); /* means nothing */
	}
}
END_TEST

START_TEST(what_is_found_and_marked_is_shown)
{
	struct copy c = {0};
	unsigned char looks[COLS];
	copy_start(&c, (struct copy_place){0, 0});
	keys(&c, "/line Space l l");
	copy_looks(&c, &source, 1, looks, COLS); /* "Command line:" */
	static const unsigned char want[] = {LOOK_PLAIN,  LOOK_MARKED, LOOK_MARKED,
					     LOOK_MARKED, LOOK_FOUND,  LOOK_PLAIN};
	ck_assert_mem_eq(looks + 7, want, sizeof(want));
	copy_looks(&c, &source, 4, looks, COLS);
	for (int i = 0; i < COLS; i++)
		ck_assert_int_eq(looks[i], LOOK_PLAIN);
}
END_TEST

START_TEST(places_stay_when_the_oldest_lines_go)
{
	struct copy c = {0};
	AUTO_BUF struct buf out = {0};
	copy_start(&c, (struct copy_place){5, 0});
	keys(&c, "Space l");
	copy_dropped(&c, 4); /* it is line 1 now */
	copy_text(&c, &source, &out);
	ck_assert_str_eq(buf_text(&out), "Co");
	copy_dropped(&c, 100);
	ck_assert_int_eq(c.at.line, 0);
	ck_assert_int_eq(c.mark.line, 0);
}
END_TEST

START_TEST(the_mouse_marks_by_dragging)
{
	struct copy c = {0};
	AUTO_BUF struct buf out = {0};
	copy_start(&c, (struct copy_place){0, 0});
	copy_drag(&c, (struct copy_place){3, 3}); /* no button is down */
	ck_assert_int_eq(c.marking, COPY_UNMARKED);
	copy_press(&c, (struct copy_place){5, 10});
	copy_drag(&c, (struct copy_place){5, 7}); /* to the left */
	copy_text(&c, &source, &out);
	ck_assert_str_eq(buf_text(&out), "vda1");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("copy");
	TCase *t = tcase_create("copy");
	tcase_add_test(t, keys_mark_what_is_copied);
	tcase_add_test(t, it_is_left_without_copying);
	tcase_add_test(t, what_is_found_and_marked_is_shown);
	tcase_add_test(t, places_stay_when_the_oldest_lines_go);
	tcase_add_test(t, the_mouse_marks_by_dragging);
	suite_add_tcase(s, t);
	return test_main(s);
}
