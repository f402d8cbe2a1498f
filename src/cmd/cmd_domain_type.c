/* type: text as keystrokes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"
#include "src/cmd/type.h"

#define TEXT_MAX (1u << 20)

/* All of standard input. */
static int read_input(struct buf *text, struct err *e)
{
	AUTO_FREE char *all = NULL;
	size_t n = 0;
	int rc = file_read_rest(STDIN_FILENO, TEXT_MAX, &all, &n);
	if (rc == -EFBIG)
		return err_set(e, EFBIG, "the text on standard input is longer than %u bytes", TEXT_MAX);
	if (!rc)
		buf_add(text, all, n);
	return rc ? err_sys(e, -rc, "cannot read standard input") : 0;
}

static int type_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_BUF struct buf text = {0};
	const char *words = cmd_value(c, "text"), *delay = cmd_value(c, "delay");
	uint64_t hold = TYPE_HOLD_MS;
	if (delay && (!str_u64(delay, &hold) || hold > 1000))
		return err_set(e, EINVAL, "invalid value of --delay '%s': milliseconds, up to 1000", delay);
	if (!words || str_eq(words, "-")) {
		int rc = read_input(&text, e);
		if (rc)
			return rc;
	} else {
		buf_puts(&text, words);
		for (size_t i = 0; i < text.len; i++)
			text.s[i] = text.s[i] == '\n' ? ' ' : text.s[i]; /* that is between words here */
	}
	if (cmd_flag(c, "enter"))
		buf_puts(&text, "\n");
	int rc = type_all(c->backend, c->domain.uuid, cmd_value(c, "layout"), buf_text(&text), text.len,
			  (unsigned)hold, e);
	return rc ? err_prefix(e, "Failed to type into domain '%s'", c->domain.name) : 0;
}

/* Layouts that many have; others are taken, too. */
static const char *words(const struct cmd_arg *a, unsigned i)
{
	static const char *const layouts[] = {
	    "us", "gb", "de", "de-ch", "fr", "fr-be", "fr-ca", "fr-ch", "es", "it", "pt", "pt-br",  "nl",
	    "da", "no", "sv", "fi",    "is", "pl",    "cz",    "hu",    "ru", "tr", "ja", "us-intl"};
	return str_eq(a->name, "layout") && i < ARRAY_SIZE(layouts) ? layouts[i] : NULL;
}

const struct cmd cmd_domain_type = {
    .name = "domain-type",
    .alias = "type",
    .summary = "type text into the guest, as on its keyboard",
    .about = "The words of the text with a space between them, or standard input when there is none or it is "
	     "-. The layout is that "
	     "which the guest has set up: without --layout what <graphics keymap=> of its XML says, else us. "
	     "A character that "
	     "the layout has no key for is an error, before anything is typed.",
    .target = CMD_DOMAIN,
    .states = DOMAIN_RUNNING,
    .args =
	(const struct cmd_arg[]){
	    CMD_VALUE("layout", ARG_STRING, "the guest's keyboard layout: us, de, fr, ..."),
	    CMD_VALUE("delay", ARG_NUMBER, "milliseconds between two events of a key, default: 10"),
	    CMD_FLAG("enter", "press Enter behind the text"),
	    {.name = "text", .kind = ARG_STRING, .position = true, .summary = "what to type", .rest = true},
	    {0},
	},
    .words = words,
    .exec = type_exec,
};
