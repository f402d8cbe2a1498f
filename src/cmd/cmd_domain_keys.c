/* send-key: virsh's words for keys become those of the control socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"
#include "src/proto/keycode.h"

#define KEYS_MAX 16

static bool is_set(const char *name)
{
	for (const char *const *s = keycode_sets; *s; s++)
		if (str_eq(*s, name))
			return true;
	return false;
}

/* A name of the codeset or a number. Without --codeset QEMU's names come first: they have the digits, so that
 * "shift 4" is what it says; other numbers are Linux's. */
static unsigned key_code(const char *word, const char *codeset)
{
	uint64_t number;
	unsigned code = codeset ? keycode_from_set_name(codeset, word) : keycode_from_name(word);
	if (code)
		return code;
	if (!str_u64(word, &number) || number > 0xffff)
		return 0;
	return keycode_from_set(codeset ? codeset : "linux", (unsigned)number);
}

static json_t *key_value(unsigned code)
{
	json_t *key = json_object();
	const char *qcode = keycode_qcode(code);
	json_set_str(key, "type", qcode ? "qcode" : "x-linux");
	json_set_str(key, "data", qcode);
	if (!qcode)
		json_set_int(key, "data", code);
	return key;
}

static int add_keys(struct cmd_ctx *c, json_t *keys, struct err *e)
{
	const char *codeset = cmd_value(c, "codeset");
	if (codeset && !is_set(codeset)) {
		AUTO_BUF struct buf known = {0};
		for (const char *const *s = keycode_sets; *s; s++)
			buf_printf(&known, "%s%s", known.len ? ", " : "", *s);
		return err_set(e, EINVAL, "unknown codeset: '%s'; there are %s", codeset, buf_text(&known));
	}
	AUTO_FREE char *words = x_strdup(cmd_value(c, "keycode"));
	char *save = NULL;
	for (char *w = strtok_r(words, "\n", &save); w; w = strtok_r(NULL, "\n", &save)) {
		unsigned code = key_code(w, codeset);
		if (!code)
			return err_set(e, EINVAL, "invalid keycode: '%s'", w);
		if (json_array_size(keys) == KEYS_MAX)
			return err_set(e, EINVAL, "too many keycodes: %d at once are the most", KEYS_MAX);
		json_array_append_new(keys, key_value(code));
	}
	return 0;
}

static int send_key_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_JSON json_t *args = json_object();
	const char *hold = cmd_value(c, "holdtime");
	uint64_t ms = 0;
	json_t *keys = json_array();
	json_set_take(args, "keys", keys);
	int rc = add_keys(c, keys, e);
	if (rc)
		return rc;
	if (hold && (!str_u64(hold, &ms) || ms > 60000))
		return err_set(e, EINVAL, "invalid value of --holdtime '%s': milliseconds, up to 60000",
			       hold);
	if (ms)
		json_set_int(args, "hold-time", (int64_t)ms);
	AUTO_FREE char *text = json_text(args, false);
	AUTO_FREE char *reply = NULL;
	return c->backend->ops->domain_command(c->backend, c->domain.uuid, "send-key", text, &reply, e);
}

static const char *words(const struct cmd_arg *a, unsigned i)
{
	unsigned n = 0;
	if (str_eq(a->name, "codeset"))
		return keycode_sets[i];
	for (unsigned code = 0; str_eq(a->name, "keycode") && code < KEYCODE_MAX; code++)
		if (keycode_name(code) && n++ == i)
			return keycode_name(code);
	return NULL;
}

const struct cmd cmd_domain_send_key = {
	.name = "domain-send-key",
	.alias = "send-key",
	.summary = "send keycodes to the guest",
	.about = "The keys go down together and up again after the hold time. A key is a name (KEY_ENTER, and without "
		 "--codeset also ret, as QEMU calls it) or a number of the codeset. Without --codeset names come first: 4 "
		 "is the key with a 4 on it; the code 4 is --codeset linux 4, or 0x4. Keys that shall follow each other "
		 "are several send-keys.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_ACTIVE,
	.args =
		(const struct cmd_arg[]){
			CMD_VALUE("codeset", ARG_STRING, "the codeset of keycodes, default: linux"),
			CMD_VALUE("holdtime", ARG_NUMBER, "the time (in milliseconds) how long the keys will be held"),
			{.name = "keycode", .kind = ARG_STRING, .position = true, .required = true,
			 .summary = "the key code", .rest = true},
			{0},
		},
	.words = words,
	.exec = send_key_exec,
};
