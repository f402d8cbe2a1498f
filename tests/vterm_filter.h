/* libvterm 0.1.4 made safe enough to be asked in a differential test: only whole valid UTF-8 reaches it, CSI
 * with at most 15 parameters of 5 digits and one intermediate, short OSC, no DCS, SOS, PM and APC, and REP
 * written out. Never call vterm_set_size() behind it: that corrupts memory after any output. */
#ifndef TESTS_VTERM_FILTER_H
#define TESTS_VTERM_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <vterm.h>

struct vterm_filter {
	VTerm *vt;
	int cols;
	enum {
		FILTER_GROUND,
		FILTER_ESC,
		FILTER_INTER,
		FILTER_CSI,
		FILTER_SKIP_CSI,
		FILTER_OSC,
		FILTER_OSC_ESC,
		FILTER_STRING,
		FILTER_STRING_ESC
	} state;
	char seq[256];
	int len;
	uint8_t utf8[4];
	int utf8_len, utf8_need;
	uint8_t last[4]; /* what REP repeats */
	int last_len;
};

static inline void filter_text(struct vterm_filter *f, const void *text, int n)
{
	if (f->state == FILTER_OSC && f->len + n <= 200) {
		memcpy(f->seq + f->len, text, (size_t)n);
		f->len += n;
	}
	if (f->state != FILTER_GROUND)
		return;
	vterm_input_write(f->vt, text, (size_t)n);
	memcpy(f->last, text, (size_t)n);
	f->last_len = n;
}

static inline void filter_repeat(struct vterm_filter *f)
{
	int n = 0;
	for (int i = 0; i < f->len; i++) {
		if (f->seq[i] < '0' || f->seq[i] > '9')
			return;
		n = n * 10 + f->seq[i] - '0';
	}
	n = n < 1 ? 1 : n > f->cols ? f->cols : n;
	while (f->last_len && n--)
		vterm_input_write(f->vt, (const char *)f->last, (size_t)f->last_len);
}

static inline void filter_csi(struct vterm_filter *f, char final)
{
	int args = 1, inter = 0, digits = 0;
	for (int i = 0; i < f->len; i++) {
		char c = f->seq[i];
		args += c == ';' || c == ':';
		inter += c >= 0x20 && c < 0x30;
		digits = c >= '0' && c <= '9' ? digits + 1 : 0;
		if (digits > 5)
			return;
	}
	if (args > 15 || inter > 1)
		return;
	if (final == 'b') {
		filter_repeat(f);
		return;
	}
	vterm_input_write(f->vt, "\033[", 2);
	vterm_input_write(f->vt, f->seq, (size_t)f->len);
	vterm_input_write(f->vt, &final, 1);
}

static inline void filter_osc(struct vterm_filter *f)
{
	vterm_input_write(f->vt, "\033]", 2);
	vterm_input_write(f->vt, f->seq, (size_t)f->len);
	vterm_input_write(f->vt, "\a", 1);
	f->state = FILTER_GROUND;
}

static inline void filter_esc(struct vterm_filter *f, uint8_t c)
{
	f->len = 0;
	f->state = FILTER_GROUND;
	if (c == '[') {
		f->state = FILTER_CSI;
	} else if (c == ']') {
		f->state = FILTER_OSC;
	} else if (strchr("PX^_", c)) {
		f->state = FILTER_STRING;
	} else if (c < 0x30) {
		f->seq[f->len++] = (char)c;
		f->state = FILTER_INTER;
	} else if (strchr("78=>cDEHM", c)) {
		vterm_input_write(f->vt, (const char[]){033, (char)c}, 2);
		if (c == 'c')
			f->last_len = 0;
	}
}

static inline void filter_inter(struct vterm_filter *f, uint8_t c)
{
	if (c < 0x30 && f->len < 2) {
		f->seq[f->len++] = (char)c;
		return;
	}
	f->state = FILTER_GROUND;
	if (f->len == 1 && strchr("()*+#", f->seq[0]) && strchr("0AB8", c))
		vterm_input_write(f->vt, (const char[]){033, f->seq[0], (char)c}, 3);
}

/* Return: true if @c went on with a character. */
static inline bool filter_continue(struct vterm_filter *f, uint8_t c)
{
	uint8_t first = f->utf8[0];
	bool ok = (c & 0xc0) == 0x80;
	if (f->utf8_len == 1 && ((first == 0xe0 && c < 0xa0) || (first == 0xed && c > 0x9f) ||
				 (first == 0xf0 && c < 0x90) || (first == 0xf4 && c > 0x8f)))
		ok = false;
	if (!ok) {
		f->utf8_need = 0;
		filter_text(f, "\357\277\275", 3);
		return false;
	}
	f->utf8[f->utf8_len++] = c;
	if (!--f->utf8_need && !(f->utf8_len == 2 && first == 0xc2 && c < 0xa0))
		filter_text(f, f->utf8, f->utf8_len);
	return true;
}

static inline void filter_high(struct vterm_filter *f, uint8_t c)
{
	if (f->state != FILTER_OSC && f->state != FILTER_STRING)
		f->state = FILTER_GROUND;
	if (c < 0xc2 || c > 0xf4) {
		filter_text(f, "\357\277\275", 3);
		return;
	}
	f->utf8_need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	f->utf8[0] = c;
	f->utf8_len = 1;
}

static inline void filter_printable(struct vterm_filter *f, uint8_t c)
{
	switch (f->state) {
	case FILTER_GROUND:
		if (c != 0x7f)
			filter_text(f, &c, 1);
		break;
	case FILTER_ESC:
		filter_esc(f, c);
		break;
	case FILTER_INTER:
		filter_inter(f, c);
		break;
	case FILTER_CSI:
		if (c >= 0x40) {
			f->state = FILTER_GROUND;
			filter_csi(f, (char)c);
		} else if (f->len < 60) {
			f->seq[f->len++] = (char)c;
		} else {
			f->state = FILTER_SKIP_CSI;
		}
		break;
	case FILTER_SKIP_CSI:
		if (c >= 0x40)
			f->state = FILTER_GROUND;
		break;
	case FILTER_OSC:
		if (f->len < 200)
			f->seq[f->len++] = (char)c;
		break;
	default:
		break;
	}
}

static inline void filter_escape(struct vterm_filter *f)
{
	bool osc = f->state == FILTER_OSC, string = f->state == FILTER_STRING;
	f->state = osc ? FILTER_OSC_ESC : string ? FILTER_STRING_ESC : FILTER_ESC;
}

static inline void filter_byte(struct vterm_filter *f, uint8_t c)
{
	if (f->utf8_need && filter_continue(f, c))
		return;
	if (c >= 0x80) {
		filter_high(f, c);
		return;
	}
	if (c == 0x18 || c == 0x1a) {
		f->state = FILTER_GROUND;
		return;
	}
	if (f->state == FILTER_OSC_ESC || f->state == FILTER_STRING_ESC) {
		bool osc = f->state == FILTER_OSC_ESC;
		f->state = FILTER_ESC;
		if (c == '\\') {
			f->state = FILTER_GROUND;
			if (osc)
				filter_osc(f);
			return;
		}
	}
	bool string = f->state == FILTER_OSC || f->state == FILTER_STRING;
	if (c == 033)
		filter_escape(f);
	else if (string && c == '\a' && f->state == FILTER_OSC)
		filter_osc(f);
	else if (string && c == '\a')
		f->state = FILTER_GROUND;
	else if (c < 0x20 && !string)
		vterm_input_write(f->vt, (const char *)&c, 1);
	else if (c >= 0x20)
		filter_printable(f, c);
}

/* Feed @n bytes to the filter's terminal. */
static inline void filter_write(struct vterm_filter *f, const void *bytes, size_t n)
{
	for (const uint8_t *b = bytes; n--; b++)
		filter_byte(f, *b);
}

#endif
