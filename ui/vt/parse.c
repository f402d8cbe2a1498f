/* Bytes to actions: UTF-8 and escape sequences.
 *
 * The state machine is that of vt100.net/emu/dec_ansi_parser with these differences: C1 controls come as ESC
 * only, as bytes from 0x80 are UTF-8; such a byte within a sequence ends it and counts as text; parameters
 * may have colons (ITU T.416); the strings of DCS, SOS, PM and APC are swallowed; strings may end with BEL.
 * All state is in struct vt_parser, so that a stream may be cut anywhere. */
#include "ui/vt/internal.h"

#include <string.h>

static void parser_clear(struct vt_parser *p)
{
	p->marker = 0;
	p->ninter = 0;
	p->nparam = 1;
	p->sub = 0;
	memset(p->param, 0, sizeof(p->param));
}

static void intermediate(struct vt_parser *p, uint8_t c)
{
	if (p->ninter < sizeof(p->inter))
		p->inter[p->ninter] = (char)c;
	p->ninter += p->ninter <= sizeof(p->inter); /* one too many stays seen */
}

static void csi_param(struct vt_parser *p, uint8_t c)
{
	if (c >= '0' && c <= '9') {
		if (p->nparam > VT_PARAMS_MAX)
			return;
		uint32_t *v = &p->param[p->nparam - 1];
		*v = *v * 10 + (c - '0');
		if (*v > VT_PARAM_LIMIT)
			*v = VT_PARAM_LIMIT;
		return;
	}
	/* ';' or ':'; parameters beyond the limit are counted once and ignored */
	if (p->nparam < VT_PARAMS_MAX && c == ':')
		p->sub |= 1u << p->nparam;
	p->nparam += p->nparam <= VT_PARAMS_MAX;
}

static void csi_end(struct vt *vt, uint8_t final)
{
	struct vt_parser *p = &vt->parser;
	p->state = VT_GROUND;
	if (p->nparam > VT_PARAMS_MAX)
		p->nparam = VT_PARAMS_MAX;
	if (p->ninter <= 1)
		vt_csi(vt, final);
}

static void in_csi(struct vt *vt, uint8_t c)
{
	struct vt_parser *p = &vt->parser;
	bool entry = p->state == VT_CSI_ENTRY;
	p->state = VT_CSI;
	if (c >= 0x40)
		csi_end(vt, c);
	else if (c < 0x30) {
		intermediate(p, c);
		p->state = VT_CSI_INTER;
	} else if (c <= 0x3b)
		csi_param(p, c);
	else if (entry)
		p->marker = (char)c;
	else
		p->state = VT_CSI_IGNORE;
}

static void in_csi_inter(struct vt *vt, uint8_t c)
{
	if (c >= 0x40)
		csi_end(vt, c);
	else if (c < 0x30)
		intermediate(&vt->parser, c);
	else
		vt->parser.state = VT_CSI_IGNORE;
}

static void in_esc(struct vt *vt, uint8_t c)
{
	struct vt_parser *p = &vt->parser;
	p->state = VT_GROUND;
	if (c == '[') {
		parser_clear(p);
		p->state = VT_CSI_ENTRY;
	} else if (c == ']') {
		p->osc_len = 0;
		p->state = VT_OSC;
	} else if (c == '\\') {
		if (p->osc_open)
			vt_osc(vt);
	} else if (strchr("PX^_k", c)) {
		p->state = VT_STRING;
	} else if (c < 0x30) {
		parser_clear(p);
		intermediate(p, c);
		p->state = VT_ESC_INTER;
	} else {
		p->ninter = 0;
		vt_escape(vt, c);
	}
	p->osc_open = false;
}

static void in_esc_inter(struct vt *vt, uint8_t c)
{
	struct vt_parser *p = &vt->parser;
	if (c < 0x30) {
		intermediate(p, c);
		return;
	}
	p->state = VT_GROUND;
	if (p->ninter == 1)
		vt_escape(vt, c);
}

static void in_osc(struct vt_parser *p, uint8_t c)
{
	/* The Linux console's palette sequences have no end mark (console_codes(4)). */
	if (!p->osc_len && c == 'R') {
		p->state = VT_GROUND;
	} else if (!p->osc_len && c == 'P') {
		p->palette_left = 7;
		p->state = VT_OSC_PALETTE;
	} else if (p->osc_len < (int)sizeof(p->osc)) {
		p->osc[p->osc_len++] = (char)c;
	}
}

/* Controls act within sequences, but not within strings. */
static void control(struct vt *vt, uint8_t c)
{
	struct vt_parser *p = &vt->parser;
	bool string = p->state == VT_OSC || p->state == VT_STRING;
	if (c == 0x18 || c == 0x1a) { /* CAN, SUB */
		p->state = VT_GROUND;
	} else if (c == 0x1b) {
		p->osc_open = p->state == VT_OSC;
		p->state = VT_ESC;
	} else if (!string) {
		vt_control(vt, c);
	} else if (c == 7) {
		if (p->state == VT_OSC)
			vt_osc(vt);
		p->state = VT_GROUND;
	}
}

/* A byte below 0x80. */
static void ascii(struct vt *vt, uint8_t c)
{
	struct vt_parser *p = &vt->parser;
	if (c < 0x20) {
		control(vt, c);
		return;
	}
	if (c == 0x7f)
		return;
	switch (p->state) {
	case VT_GROUND:
		vt_print(vt, c);
		break;
	case VT_ESC:
		in_esc(vt, c);
		break;
	case VT_ESC_INTER:
		in_esc_inter(vt, c);
		break;
	case VT_CSI_ENTRY:
	case VT_CSI:
		in_csi(vt, c);
		break;
	case VT_CSI_INTER:
		in_csi_inter(vt, c);
		break;
	case VT_CSI_IGNORE:
		if (c >= 0x40)
			p->state = VT_GROUND;
		break;
	case VT_OSC:
		in_osc(p, c);
		break;
	case VT_OSC_PALETTE:
		if (!--p->palette_left)
			p->state = VT_GROUND;
		break;
	case VT_STRING:
		break;
	}
}

/* Unicode 15, table 3-7: well-formed sequences. The first byte of one. */
static enum vt_utf8_result utf8_start(struct vt_utf8 *u, uint8_t c)
{
	u->lo = 0x80;
	u->hi = 0xbf;
	if (c < 0x80) {
		u->cp = c;
		return VT_UTF8_CHAR;
	}
	if (c < 0xc2 || c > 0xf4)
		return VT_UTF8_BAD;
	u->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	u->cp = c & (0x3f >> u->need);
	if (c == 0xe0)
		u->lo = 0xa0;
	else if (c == 0xed)
		u->hi = 0x9f;
	else if (c == 0xf0)
		u->lo = 0x90;
	else if (c == 0xf4)
		u->hi = 0x8f;
	return VT_UTF8_MORE;
}

enum vt_utf8_result vt_utf8(struct vt_utf8 *u, uint8_t c)
{
	if (!u->need)
		return utf8_start(u, c);
	if (c < u->lo || c > u->hi) {
		u->need = 0;
		return VT_UTF8_RETRY;
	}
	u->lo = 0x80;
	u->hi = 0xbf;
	u->cp = u->cp << 6 | (c & 0x3f);
	return --u->need ? VT_UTF8_MORE : VT_UTF8_CHAR;
}

/* A byte from 0x80, or one after it, outside of strings. */
static void text(struct vt *vt, uint8_t c)
{
	struct vt_parser *p = &vt->parser;
	p->state = VT_GROUND;
	switch (vt_utf8(&p->utf8, c)) {
	case VT_UTF8_MORE:
		break;
	case VT_UTF8_CHAR:
		vt_print(vt, p->utf8.cp);
		break;
	case VT_UTF8_BAD:
		vt_print(vt, 0xfffd);
		break;
	case VT_UTF8_RETRY:
		vt_print(vt, 0xfffd);
		if (c < 0x80)
			ascii(vt, c);
		else
			text(vt, c); /* once: nothing is open now */
		break;
	}
}

static void high(struct vt *vt, uint8_t c)
{
	if (vt->parser.state == VT_OSC)
		in_osc(&vt->parser, c);
	else if (vt->parser.state != VT_STRING)
		text(vt, c);
}

void vt_feed(struct vt *vt, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;
	vt->gen++;
	for (size_t i = 0; i < n; i++) {
		if (b[i] < 0x80 && !vt->parser.utf8.need)
			ascii(vt, b[i]);
		else
			high(vt, b[i]);
	}
}
