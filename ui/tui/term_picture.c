#include "ui/tui/term_picture.h"

#include <string.h>

#include "ui/tui/kitty.h"

#define SAVE "\0337"
#define RESTORE "\0338"
#define FRAME_BEGIN "\033[?2026h" /* drawn at once by terminals that know it; others let it pass */
#define FRAME_END "\033[?2026l"

/* What the terminal was told last. */
struct pen {
	const struct picture_mode *mode;
	struct buf *out;
	int row, col; /* of its cursor; -1: anywhere */
	uint32_t fg, bg;
	bool fg_known, bg_known;
};

static int gap(int a, int b)
{
	return a > b ? a - b : b - a;
}

static unsigned distance(uint32_t a, uint32_t b)
{
	int r = gap(a >> 16 & 255, b >> 16 & 255), g = gap(a >> 8 & 255, b >> 8 & 255),
	    l = gap(a & 255, b & 255);
	return (unsigned)(3 * r * r + 4 * g * g + 2 * l * l);
}

/* One channel in steps of the cube: 0, 95, 135, ... 255. */
static unsigned step(unsigned v)
{
	return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40;
}

static uint32_t cube(unsigned r, unsigned g, unsigned b)
{
	static const uint8_t level[] = {0, 95, 135, 175, 215, 255};
	return (uint32_t)level[r] << 16 | (uint32_t)level[g] << 8 | level[b];
}

unsigned picture_colour256(uint32_t rgb)
{
	unsigned r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255, mean = (r * 3 + g * 4 + b * 2) / 9;
	unsigned grey = mean < 8 ? 0 : mean > 238 ? 23 : (mean - 3) / 10;
	unsigned n = 16 + 36 * step(r) + 6 * step(g) + step(b);
	if (distance(rgb, grey * 10 * 0x10101 + 0x080808) < distance(rgb, cube(step(r), step(g), step(b))))
		return 232 + grey;
	return n;
}

/* The nearest of the 8 or 16 that every terminal has, at xterm's values. */
static unsigned colour16(uint32_t rgb, int n)
{
	static const uint32_t low[] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
				       0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00,
				       0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};
	unsigned best = 0;
	for (unsigned i = 1; i < (n < 16 ? 8u : 16u); i++)
		if (distance(rgb, low[i]) < distance(rgb, low[best]))
			best = i;
	return best;
}

static void put_number(struct buf *out, unsigned n)
{
	char text[10];
	size_t at = sizeof(text);
	do
		text[--at] = (char)('0' + n % 10);
	while (n /= 10);
	buf_add(out, text + at, sizeof(text) - at);
}

/* The parameters of SGR for a colour. @base: 30, or 40 for the background. */
static void put_colour(struct pen *p, uint32_t colour, unsigned base)
{
	uint32_t rgb = colour & 0xffffff;
	if (colour == VT_DEFAULT) {
		put_number(p->out, base + 9);
	} else if (p->mode->colours > 256) {
		put_number(p->out, base + 8);
		buf_add(p->out, ";2;", 3);
		put_number(p->out, rgb >> 16);
		buf_add(p->out, ";", 1);
		put_number(p->out, rgb >> 8 & 255);
		buf_add(p->out, ";", 1);
		put_number(p->out, rgb & 255);
	} else if (p->mode->colours == 256) {
		put_number(p->out, base + 8);
		buf_add(p->out, ";5;", 3);
		put_number(p->out, picture_colour256(rgb));
	} else {
		unsigned n = colour16(rgb, p->mode->colours);
		put_number(p->out, n < 8 ? base + n : base + 60 + n - 8);
	}
}

static void put_style(struct pen *p, const struct style *s, bool fg_matters)
{
	bool fg = fg_matters && (!p->fg_known || p->fg != s->fg), bg = !p->bg_known || p->bg != s->bg;
	if (!p->mode->colours || (!fg && !bg))
		return;
	buf_add(p->out, "\033[", 2);
	if (fg)
		put_colour(p, s->fg, 30);
	if (fg && bg)
		buf_add(p->out, ";", 1);
	if (bg)
		put_colour(p, s->bg, 40);
	buf_add(p->out, "m", 1);
	if (fg)
		p->fg = s->fg;
	p->fg_known |= fg;
	p->bg = s->bg;
	p->bg_known = true;
}

/* How bright a colour is, 0 to 255. */
static unsigned bright(uint32_t colour)
{
	return colour == VT_DEFAULT
		   ? 0
		   : ((colour >> 16 & 255) * 3 + (colour >> 8 & 255) * 6 + (colour & 255)) / 10;
}

static void put_cell(struct pen *p, const struct cell *c)
{
	static const char ramp[] = " .:-=+*#%@";
	if (!p->mode->colours) {
		unsigned light = (bright(c->style.fg) + bright(c->style.bg)) / 2;
		buf_add(p->out, &ramp[light * (sizeof(ramp) - 2) / 255], 1);
		return;
	}
	struct style s = c->style;
	bool blank = s.fg == s.bg;
	if (!p->mode->utf8) { /* its upper half stands for all of it */
		s.bg = s.fg;
		blank = true;
	}
	put_style(p, &s, !blank);
	if (blank)
		buf_add(p->out, " ", 1);
	else
		buf_puts(p->out, c->text);
}

static void go_to(struct pen *p, int row, int col)
{
	if (p->row == row && p->col == col)
		return;
	buf_add(p->out, "\033[", 2);
	put_number(p->out, (unsigned)row + 1);
	buf_add(p->out, ";", 1);
	put_number(p->out, (unsigned)col + 1);
	buf_add(p->out, "H", 1);
}

static void put_row(struct pen *p, const struct canvas *now, struct canvas *shown, int row)
{
	for (int i = 0; i < now->cols; i++) {
		const struct cell *c = canvas_cell(now, row, i);
		struct cell *old = canvas_cell(shown, row, i);
		if ((c->style.attrs & (CELL_PICTURE | CELL_IMAGE)) != CELL_PICTURE || cell_same(c, old))
			continue;
		go_to(p, row, i);
		put_cell(p, c);
		p->row = row;
		p->col = i + 1 < now->cols ? i + 1 : -1; /* at the edge terminals differ */
		*old = *c;
	}
}

/* Cells of tile @n of the image; those at the edges have fewer. */
static struct canvas_image tile_of(const struct canvas_image *image, int n)
{
	int across = (image->cols + TILE_COLS - 1) / TILE_COLS, r = n / across * TILE_ROWS,
	    c = n % across * TILE_COLS;
	struct canvas_image t = *image;
	t.row += r;
	t.col += c;
	t.rows = image->rows - r < TILE_ROWS ? image->rows - r : TILE_ROWS;
	t.cols = image->cols - c < TILE_COLS ? image->cols - c : TILE_COLS;
	t.pixels += (size_t)r * image->cell_h * image->cols * image->cell_w + (size_t)c * image->cell_w;
	return t;
}

/* Are its cells as @shown has them? If not, they are then. */
static bool tile_same(const struct canvas *now, struct canvas *shown, const struct canvas_image *t)
{
	bool same = true;
	for (int r = t->row; r < t->row + t->rows; r++)
		for (int c = t->col; c < t->col + t->cols; c++) {
			const struct cell *cell = canvas_cell(now, r, c);
			struct cell *old = canvas_cell(shown, r, c);
			if (!cell || !old || !(cell->style.attrs & CELL_IMAGE) || cell_same(cell, old))
				continue;
			same = false;
			*old = *cell;
		}
	return same;
}

static bool put_images(struct pen *p, const struct canvas *now, struct canvas *shown,
		       struct picture_place *from, size_t end)
{
	const struct canvas_image *image = &now->image;
	int n = (image->cols + TILE_COLS - 1) / TILE_COLS * ((image->rows + TILE_ROWS - 1) / TILE_ROWS);
	if (image->rows <= 0 || image->cols <= 0)
		return true;
	from->tile = from->tile < n ? from->tile : 0;
	int done = 0;
	for (; done < n && p->out->len < end; done++) {
		struct canvas_image t = tile_of(image, from->tile);
		if (!tile_same(now, shown, &t)) {
			go_to(p, t.row, t.col);
			p->row = p->col = -1;
			kitty_image(p->out, KITTY_FIRST_ID + (unsigned)from->tile, t.pixels,
				    t.cols * t.cell_w, t.rows * t.cell_h, image->cols * image->cell_w, t.cols,
				    t.rows);
		}
		from->tile = from->tile + 1 < n ? from->tile + 1 : 0;
	}
	return done == n;
}

void picture_forget_images(struct canvas *shown)
{
	for (int i = 0; i < shown->rows * shown->cols; i++)
		if (shown->cells[i].style.attrs & CELL_IMAGE)
			shown->cells[i].text[0] = 0; /* another than any */
}

bool picture_encode(const struct canvas *now, struct canvas *shown, const struct picture_mode *m,
		    struct picture_place *from, size_t budget, struct buf *out)
{
	struct pen pen = {.mode = m, .out = out, .row = -1, .col = -1};
	size_t begin = out->len, empty;
	int done = 0;
	buf_puts(out, SAVE FRAME_BEGIN "\033[0m");
	empty = out->len;
	bool tiles = put_images(&pen, now, shown, from, begin + budget);
	from->row = from->row < now->rows ? from->row : 0;
	for (; done < now->rows && out->len - begin < budget; done++) {
		put_row(&pen, now, shown, from->row);
		from->row = from->row + 1 < now->rows ? from->row + 1 : 0;
	}
	if (out->len == empty)
		out->len = begin;
	else
		buf_puts(out, FRAME_END RESTORE);
	return tiles && done == now->rows;
}
