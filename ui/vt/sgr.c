/* Select graphic rendition (ECMA-48 8.3.117, xterm's colours, sub-parameters after ITU T.416). */
#include "ui/vt/internal.h"

#include "src/base/cleanup.h"

static const struct {
	uint8_t sgr;
	uint16_t set, clear;
} attrs[] = {
    {1, VT_BOLD, 0},       {2, VT_DIM, 0},        {3, VT_ITALIC, 0},         {4, VT_UNDERLINE, 0},
    {5, VT_BLINK, 0},      {6, VT_BLINK, 0},      {7, VT_REVERSE, 0},        {8, VT_HIDDEN, 0},
    {9, VT_STRIKE, 0},     {21, VT_UNDERLINE, 0}, {22, 0, VT_BOLD | VT_DIM}, {23, 0, VT_ITALIC},
    {24, 0, VT_UNDERLINE}, {25, 0, VT_BLINK},     {27, 0, VT_REVERSE},       {28, 0, VT_HIDDEN},
    {29, 0, VT_STRIKE},
};

static void simple(struct vt_pen *pen, uint32_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		if (attrs[i].sgr == n)
			pen->attrs = (pen->attrs | attrs[i].set) & ~attrs[i].clear;
	if (n == 0)
		*pen = (struct vt_pen){0};
	else if (n >= 30 && n <= 37)
		pen->fg = VT_INDEXED | (n - 30);
	else if (n == 39)
		pen->fg = VT_DEFAULT;
	else if (n >= 40 && n <= 47)
		pen->bg = VT_INDEXED | (n - 40);
	else if (n == 49)
		pen->bg = VT_DEFAULT;
	else if (n >= 90 && n <= 97)
		pen->fg = VT_INDEXED | (n - 90 + 8);
	else if (n >= 100 && n <= 107)
		pen->bg = VT_INDEXED | (n - 100 + 8);
}

static void indexed(uint32_t *out, uint32_t n)
{
	if (out && n <= 255)
		*out = VT_INDEXED | n;
}

static void rgb(uint32_t *out, const uint32_t *v)
{
	if (out && v[0] <= 255 && v[1] <= 255 && v[2] <= 255)
		*out = VT_RGB | v[0] << 16 | v[1] << 8 | v[2];
}

/* 38:5:n, 38:2:r:g:b, 38:2:space:r:g:b: @n sub-parameters from @v on. */
static void colour_colons(uint32_t *out, const uint32_t *v, int n)
{
	if (n >= 2 && v[0] == 5)
		indexed(out, v[1]);
	else if (n >= 5 && v[0] == 2)
		rgb(out, v + 2);
	else if (n == 4 && v[0] == 2)
		rgb(out, v + 1);
}

/* 38;5;n and 38;2;r;g;b: @n parameters from @v on are left. Return: how many belong to the colour. */
static int colour_semicolons(uint32_t *out, const uint32_t *v, int n)
{
	if (n >= 2 && v[0] == 5) {
		indexed(out, v[1]);
		return 2;
	}
	if (n >= 4 && v[0] == 2) {
		rgb(out, v + 1);
		return 4;
	}
	return n;
}

void vt_sgr(struct vt *vt)
{
	const struct vt_parser *p = &vt->parser;
	struct vt_pen *pen = &vt->pen;
	for (int i = 0; i < p->nparam; i++) {
		uint32_t n = p->param[i];
		int subs = 0;
		while (i + 1 + subs < p->nparam && p->sub >> (i + 1 + subs) & 1)
			subs++;
		if (n == 38 || n == 48 || n == 58) { /* 58, the underline's colour, is not shown */
			uint32_t *out = n == 38 ? &pen->fg : n == 48 ? &pen->bg : NULL;
			if (subs)
				colour_colons(out, p->param + i + 1, subs);
			else
				i += colour_semicolons(out, p->param + i + 1, p->nparam - i - 1);
		} else if (!subs) {
			simple(pen, n);
		} else if (n == 4) {
			simple(pen, p->param[i + 1] ? 4 : 24);
		}
		i += subs;
	}
}
