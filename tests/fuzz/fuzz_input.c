/* What a terminal sends, the guest's program having asked it for anything: to the deck, whole and in pieces, which
 * must be the same; every key of it to a guest; and past the escape character of the console, which may take nothing
 * away but itself.
 * floor: 300 edges */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/str.h"
#include "src/cmd/tty.h"
#include "ui/tui/input.h"
#include "ui/vt/keys.h"
#include "ui/vt/vt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct seen {
	struct vt *vt;
	struct buf text; /* what happened, for comparing */
};

static void on_event(void *arg, const struct event *ev)
{
	struct seen *s = arg;
	char name[KEY_NAME_MAX], bytes[VT_KEYS_MAX];
	buf_printf(&s->text, "%d ", (int)ev->kind);
	if (ev->kind == EVENT_KEY) {
		assert(ev->key.code && ev->key.code < VT_KEY_END_OF_KEYS && strlen(key_text(ev->key, name)) < KEY_NAME_MAX);
		assert(vt_key(s->vt, ev->key.code, ev->key.mods, bytes) <= sizeof(bytes));
		buf_printf(&s->text, "%x %x\n", ev->key.code, ev->key.mods);
	} else if (ev->kind == EVENT_MOUSE) {
		assert(vt_mouse(s->vt, &ev->mouse, bytes) <= sizeof(bytes));
		buf_printf(&s->text, "%d %d %d\n", (int)ev->mouse.action, ev->mouse.row, ev->mouse.col);
	} else if (ev->kind == EVENT_PASTE) {
		buf_add(&s->text, ev->text, ev->len);
	}
}

/* @step: bytes at once. */
static char *deck(struct vt *vt, const char *bytes, size_t n, size_t step)
{
	struct seen s = {.vt = vt};
	struct input *in = x_calloc(1, sizeof(*in));
	for (size_t at = 0; at < n; at += step)
		input_feed(in, bytes + at, n - at < step ? n - at : step, on_event, &s);
	assert(in->nwait <= sizeof(in->wait));
	buf_done(&in->paste);
	free(in);
	return buf_take(&s.text);
}

static void console(const char *bytes, size_t n, size_t step)
{
	struct tty_keys k = {.escape = 0x1d};
	struct buf out = {0};
	bool left = false;
	size_t at = 0;
	for (; at < n && !left; at += step)
		left = tty_keys_feed(&k, bytes + at, n - at < step ? n - at : step, &out);
	if (!left)
		tty_keys_flush(&k, &out);
	assert(left ? out.len < n : out.len == n);
	assert(!out.len || !memcmp(out.s, bytes, out.len));
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!n || n > 4096)
		return 0;
	size_t step = data[0] % 16 + 1u;
	const char *bytes = (const char *)data + 1;
	struct vt *vt = vt_new(24, 80, 0);
	char *whole = deck(vt, bytes, n - 1, n), *parts = deck(vt, bytes, n - 1, step);
	if (strcmp(whole, parts))
		abort();
	free(whole);
	free(parts);
	vt_free(vt);
	console(bytes, n - 1, step);
	console(bytes, n - 1, n);
	tty_seen(bytes, n - 1);
	return 0;
}
