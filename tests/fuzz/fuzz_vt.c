/* Terminal bytes from a hostile guest, cut and mixed with resizes, keys and everything that a drawer reads.
 * Input: two bytes of size, then blocks of a command byte and what belongs to it.
 * floor: 520 edges */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/str.h"
#include "ui/vt/keys.h"
#include "ui/vt/vt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_cell(const struct vt *vt, int row, int col)
{
	const struct vt_cell *c = vt_cell(vt, row, col);
	char text[VT_CELL_TEXT];
	size_t len = vt_cell_text(c, text);
	assert(len < sizeof(text) && text[len] == 0);
	assert(c->width <= 2);
	if (c->width == 2)
		assert(col + 1 < vt_cols(vt) && vt_cell(vt, row, col + 1)->width == 0);
	if (c->width == 0)
		assert(col > 0 && vt_cell(vt, row, col - 1)->width == 2 && !c->ch[0]);
	for (int i = 0; i < VT_CELL_CHARS; i++) {
		assert(c->ch[i] < 0x110000 && (!c->ch[i] || (c->ch[i] >= 0x20 && c->ch[i] != 0x7f)));
		assert(c->ch[i] < 0x80 || c->ch[i] >= 0xa0);
	}
}

/* What the header promises about any state. */
static void check(const struct vt *vt)
{
	int row, col;
	vt_cursor(vt, &row, &col);
	assert(row >= 0 && row < vt_rows(vt) && col >= 0 && col < vt_cols(vt));
	for (int r = 0; r < vt_rows(vt); r++) {
		assert(vt_row_gen(vt, r) <= vt_gen(vt));
		for (int c = 0; c < vt_cols(vt); c++)
			check_cell(vt, r, c);
	}
	for (int i = 0; i < vt_scroll_count(vt); i++) {
		const struct vt_line *l = vt_scroll_line(vt, i);
		assert(l && l->len >= 0 && l->len <= VT_COLS_MAX && (l->cells || !l->len));
		for (int c = 0; c < l->len; c++)
			assert(l->cells[c].width != 2 || (c + 1 < l->len && l->cells[c + 1].width == 0));
	}
	assert(!vt_scroll_line(vt, -1) && !vt_scroll_line(vt, vt_scroll_count(vt)));
	assert(strlen(vt_title(vt)) < VT_TITLE_MAX);
}

static void press(struct vt *vt, uint8_t a, uint8_t b)
{
	char out[VT_KEYS_MAX];
	struct vt_mouse ev = {
	    .action = a % 3, .button = b % 6, .mods = a >> 4, .row = (int8_t)a, .col = (int8_t)b};
	assert(vt_key(vt, a & 1 ? VT_KEY_NAMED + b : b, a >> 4, out) <= sizeof(out));
	assert(vt_mouse(vt, &ev, out) <= sizeof(out));
	assert(vt_focus(vt, a & 1, out) <= sizeof(out));
}

static void paste(struct vt *vt, const uint8_t *p, size_t n)
{
	AUTO_BUF struct buf b = {0};
	vt_paste(vt, (const char *)p, n, &b);
	int escapes = 0;
	for (size_t i = 0; i < b.len; i++)
		escapes += b.s[i] == 033;
	assert(escapes == (vt_modes(vt)->bracketed_paste ? 2 : 0));
}

/* Commands from 0xf0 on; all else is a block of so many bytes for the terminal. Return: bytes used. */
static size_t step(struct vt *vt, const uint8_t *p, size_t n)
{
	char out[64];
	size_t len = p[0] < n - 1 ? p[0] : n - 1;
	if (p[0] < 0xf0) {
		vt_feed(vt, p + 1, len);
		return 1 + len;
	}
	if (n < 3)
		return n;
	switch (p[0] & 7) {
	case 0:
		vt_resize(vt, p[1] % 64, p[2] % 160);
		return 3;
	case 1:
		press(vt, p[1], p[2]);
		return 3;
	case 2:
		vt_output(vt, out, p[1] % sizeof(out));
		return 2;
	case 3:
		paste(vt, p + 1, n - 1 < 32 ? n - 1 : 32);
		return 2;
	case 4:
		vt_reset(vt);
		return 1;
	case 5:
		vt_resize(vt, vt_rows(vt) + (int8_t)p[1] % 4, vt_cols(vt) + (int8_t)p[2] % 4);
		return 3;
	}
	check(vt);
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 2)
		return 0;
	struct vt *vt = vt_new(data[0] % 40, data[1] % 130, data[0] / 4);
	for (size_t i = 2; i < n;)
		i += step(vt, data + i, n - i);
	check(vt);
	vt_free(vt);
	return 0;
}
