#include "backend/screen/scroll.h"

#include <string.h>

#include "src/base/cleanup.h"

#define AREA_MIN 32768 /* pixels that differ, about, before it is looked for */
#define LINES_MIN 24   /* lines that moved, before it pays */
#define TABLE (4 * SURFACE_MAX)
#define PAUSE_MAX 32 /* looks at what does not scroll between two that look for it */

/* The lines that differ: where in the picture, and from where to where in them. */
struct span {
	uint32_t x0, x1, y0, y1, lines;
};

struct finder {
	bool differs[SURFACE_MAX];
	uint64_t was[SURFACE_MAX], is[SURFACE_MAX]; /* what stands in each line of the span */
	struct {
		uint64_t hash;
		uint16_t line, n; /* n lines look like that; 0: free */
	} table[TABLE];
	uint16_t votes[2 * SURFACE_MAX]; /* for each dy + SURFACE_MAX */
};

static const uint32_t *shadow_line(const struct surface *s, uint32_t y)
{
	return s->shadow + (size_t)y * s->width;
}

static const uint8_t *live_line(const struct surface *s, uint32_t y)
{
	return s->pixels + (size_t)y * s->stride;
}

/* The ends of what differs in [x0, x1). */
static void ends(const uint32_t *a, const uint8_t *b, uint32_t x0, uint32_t x1, uint32_t *first,
		 uint32_t *end)
{
	while (x0 < x1 && memcmp(a + x0, b + 4 * (size_t)x0, 4) == 0)
		x0++;
	while (x1 > x0 && memcmp(a + x1 - 1, b + 4 * (size_t)(x1 - 1), 4) == 0)
		x1--;
	*first = x0;
	*end = x1;
}

/* What all of @in lies in. */
static struct span around(const struct surface *s, const struct screen_rect *in, size_t n)
{
	struct span a = {.x0 = s->width, .y0 = s->height};
	for (size_t i = 0; i < n; i++) {
		uint32_t x1 = (uint32_t)in[i].x + in[i].w, y1 = (uint32_t)in[i].y + in[i].h;
		x1 = x1 < s->width ? x1 : s->width;
		y1 = y1 < s->height ? y1 : s->height;
		if (in[i].x >= x1 || in[i].y >= y1)
			continue;
		a.x0 = in[i].x < a.x0 ? in[i].x : a.x0;
		a.y0 = in[i].y < a.y0 ? in[i].y : a.y0;
		a.x1 = x1 > a.x1 ? x1 : a.x1;
		a.y1 = y1 > a.y1 ? y1 : a.y1;
	}
	return a;
}

/* What differs within @in. */
static struct span differing(const struct surface *s, const struct span *in, struct finder *f)
{
	struct span d = {.x0 = s->width, .y0 = s->height};
	for (uint32_t y = in->y0; y < in->y1; y++) {
		uint32_t first, end;
		ends(shadow_line(s, y), live_line(s, y), in->x0, in->x1, &first, &end);
		f->differs[y] = first < end;
		if (first == end)
			continue;
		d.lines++;
		d.x0 = first < d.x0 ? first : d.x0;
		d.x1 = end > d.x1 ? end : d.x1;
		d.y0 = y < d.y0 ? y : d.y0;
		d.y1 = y + 1;
	}
	return d;
}

/* Sums over four lanes of 8 bytes, each turned a little at each step: quick, and good enough for a vote. The
 * guest may be drawing in
 * @p meanwhile. */
static uint64_t hash(const void *p, size_t n)
{
	uint64_t h[4] = {1, 2, 3, 4}, w[4] = {0};
	const uint8_t *b = p;
	for (; n >= sizeof(w); b += sizeof(w), n -= sizeof(w)) {
		memcpy(w, b, sizeof(w));
		for (size_t i = 0; i < ARRAY_SIZE(h); i++)
			h[i] = (h[i] << 5 | h[i] >> 59) + w[i];
	}
	memset(w, 0, sizeof(w));
	memcpy(w, b, n);
	uint64_t all = 0;
	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		all = (all ^ h[i] ^ w[i]) * 0x9e3779b97f4a7c15u;
	return all ^ all >> 32;
}

static void hash_lines(const struct surface *s, const struct span *d, struct finder *f)
{
	size_t n = (size_t)(d->x1 - d->x0) * 4;
	for (uint32_t y = d->y0; y < d->y1; y++) {
		f->was[y] = hash(shadow_line(s, y) + d->x0, n);
		f->is[y] = f->differs[y] ? hash(live_line(s, y) + 4 * (size_t)d->x0, n) : f->was[y];
	}
}

static size_t slot(const struct finder *f, uint64_t h)
{
	size_t i = h % TABLE;
	while (f->table[i].n && f->table[i].hash != h)
		i = (i + 1) % TABLE;
	return i;
}

/* Each line that differs and looks as one other did votes for the way from there. */
static int elect(const struct span *d, struct finder *f)
{
	int best = 0;
	memset(f->table, 0, sizeof(f->table));
	memset(f->votes, 0, sizeof(f->votes));
	for (uint32_t y = d->y0; y < d->y1; y++) {
		size_t i = slot(f, f->was[y]);
		f->table[i].hash = f->was[y];
		f->table[i].line = (uint16_t)y;
		f->table[i].n++;
	}
	for (uint32_t y = d->y0; y < d->y1; y++) {
		size_t i = slot(f, f->is[y]);
		if (!f->differs[y] || f->table[i].n != 1)
			continue;
		int dy = (int)y - f->table[i].line;
		if (++f->votes[dy + SURFACE_MAX] > (best ? f->votes[best + SURFACE_MAX] : 0))
			best = dy;
	}
	return best;
}

/* Lines that look as those @m->dy above did. Return: how many of them differ. */
static uint32_t collect(const struct span *d, const struct finder *f, struct scroll *m)
{
	uint32_t total = 0;
	m->nruns = 0;
	for (uint32_t y = d->y0; y < d->y1 && m->nruns < SCROLL_RUNS; y++) {
		uint32_t first = d->y1, end = 0, n = 0;
		for (int64_t from; y < d->y1 && (from = (int64_t)y - m->dy) >= d->y0 && from < d->y1 &&
				   f->is[y] == f->was[from];
		     y++)
			if (f->differs[y]) {
				n++;
				first = y < first ? y : first;
				end = y + 1;
			}
		if (n < 4)
			continue;
		total += n;
		m->runs[m->nruns++] = (struct screen_rect){
		    (uint16_t)d->x0, (uint16_t)first, (uint16_t)(d->x1 - d->x0), (uint16_t)(end - first)};
	}
	return total;
}

bool scroll_find(struct surface *s, const struct screen_rect *in, size_t n, struct scroll *to)
{
	static struct finder f;
	struct span a = around(s, in, n), d;
	if (!s->pixels || s->scroll_pause) {
		s->scroll_pause -= s->scroll_pause > 0;
		return false;
	}
	if (a.x0 >= a.x1 || (uint64_t)(a.x1 - a.x0) * (a.y1 - a.y0) < AREA_MIN)
		return false;
	d = differing(s, &a, &f);
	if (d.lines < LINES_MIN || (uint64_t)(d.x1 - d.x0) * d.lines < AREA_MIN)
		return false;
	hash_lines(s, &d, &f);
	to->dy = elect(&d, &f);
	uint32_t moved = to->dy ? collect(&d, &f, to) : 0;
	bool pays = moved >= LINES_MIN && moved >= d.lines / 4;
	s->scroll_misses = pays ? 0 : s->scroll_misses + 1;
	if (s->scroll_misses > 3) /* at 4, 5, ... in a row: 2, 4, ... are left out */
		s->scroll_pause = s->scroll_misses < 8 ? 1u << (s->scroll_misses - 3) : PAUSE_MAX;
	return pays;
}

/* One line of the shadow becomes another; how far that changes it goes to the last of @m->changed. */
static size_t move_line(struct surface *s, struct scroll *m, uint32_t x0, uint32_t x1, uint32_t y)
{
	uint32_t *to = s->shadow + (size_t)y * s->width;
	const uint32_t *from = shadow_line(s, (uint32_t)((int64_t)y - m->dy));
	struct screen_rect *r = &m->changed[m->nchanged];
	uint32_t first, end;
	ends(to, (const uint8_t *)from, x0, x1, &first, &end);
	if (first == end)
		return 0;
	memcpy(to + first, from + first, (size_t)(end - first) * 4);
	uint32_t left = r->w && r->x < first ? r->x : first;
	uint32_t right = r->w && r->x + r->w > end ? (uint32_t)r->x + r->w : end;
	uint32_t top = r->w && r->y < y ? r->y : y;
	uint32_t bottom = r->w && (uint32_t)r->y + r->h > y + 1 ? (uint32_t)r->y + r->h : y + 1;
	*r = (struct screen_rect){(uint16_t)left, (uint16_t)top, (uint16_t)(right - left),
				  (uint16_t)(bottom - top)};
	return end - first;
}

size_t scroll_apply(struct surface *s, struct scroll *m)
{
	size_t pixels = 0;
	bool up = m->dy < 0; /* then from the top, so that nothing is overwritten that is still to be moved */
	m->nchanged = 0;
	for (size_t k = 0; k < m->nruns; k++) {
		const struct screen_rect *run = &m->runs[up ? k : m->nruns - 1 - k];
		for (uint32_t i = 0; i < run->h; i++) {
			if (i % SCROLL_BAND == 0)
				m->changed[m->nchanged].w = 0;
			uint32_t y = run->y + (up ? i : run->h - 1 - i);
			pixels += move_line(s, m, run->x, (uint32_t)run->x + run->w, y);
			if (((i + 1) % SCROLL_BAND == 0 || i + 1 == run->h) && m->changed[m->nchanged].w)
				m->nchanged++;
		}
	}
	return pixels;
}
