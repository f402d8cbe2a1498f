/* readscreen ROM < picture.ppm - read the text off a picture of a screen: prints its lines as UTF-8.
 *
 * The picture (PPM, P6) is cut into cells as a VGA text mode or a 16-line console makes them, 8 or 9 pixels wide and 16 high
 * (whichever reads more), and each cell is compared with the 8x16 font found in ROM, a VGA BIOS or any file with that font.
 * Colours do not matter: a cell is made of what is like its most frequent colour, and of all else. */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GLYPH_H = 16, GLYPHS = 256 };

struct picture {
	unsigned w, h;
	uint8_t *rgb;
};

static const uint8_t *font;

static uint8_t *slurp(FILE *f, size_t *len)
{
	size_t room = 1 << 16;
	uint8_t *p = malloc(room);
	*len = 0;
	for (size_t n; p && (n = fread(p + *len, 1, room - *len, f)) > 0;) {
		*len += n;
		if (*len == room)
			p = realloc(p, room *= 2);
	}
	return p;
}

/* The font is where 'A' and 'e' are. */
static const uint8_t *find_font(const uint8_t *p, size_t len)
{
	static const uint8_t a[GLYPH_H] = {0, 0, 0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6};
	static const uint8_t e[GLYPH_H] = {0, 0, 0, 0, 0, 0x7c, 0xc6, 0xfe, 0xc0, 0xc0, 0xc6, 0x7c};
	for (size_t i = 'A' * GLYPH_H; i + (GLYPHS - 'A') * GLYPH_H <= len; i++)
		if (!memcmp(p + i, a, GLYPH_H) && !memcmp(p + i + ('e' - 'A') * GLYPH_H, e, GLYPH_H))
			return p + i - 'A' * GLYPH_H;
	return NULL;
}

static bool number(FILE *f, unsigned *out)
{
	int c = getc(f);
	while (isspace(c) || c == '#') {
		if (c == '#')
			while (c != '\n' && c != EOF)
				c = getc(f);
		c = getc(f);
	}
	ungetc(c, f);
	return fscanf(f, "%u", out) == 1 && *out > 0 && *out <= 8192;
}

static bool read_ppm(FILE *f, struct picture *p)
{
	unsigned max;
	if (getc(f) != 'P' || getc(f) != '6' || !number(f, &p->w) || !number(f, &p->h) || !number(f, &max) ||
	    max != 255)
		return false;
	getc(f);
	size_t n = (size_t)p->w * p->h * 3;
	p->rgb = malloc(n);
	return p->rgb && fread(p->rgb, 1, n, f) == n;
}

static bool like(const uint8_t *a, const uint8_t *b)
{
	int far = abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]);
	return far < 96; /* JPEG viewers blur */
}

/* The rows of the cell at (x, y), a bit each pixel of its first eight: 1 = not like the corner's colour. */
static void cell_bits(const struct picture *p, unsigned x, unsigned y, uint8_t out[GLYPH_H])
{
	for (unsigned r = 0; r < GLYPH_H; r++) {
		const uint8_t *line = p->rgb + ((size_t)(y + r) * p->w + x) * 3,
			      *corner = p->rgb + ((size_t)y * p->w + x) * 3;
		out[r] = 0;
		for (unsigned c = 0; c < 8; c++)
			out[r] |= (uint8_t)(!like(line + c * 3, corner) << (7 - c));
	}
}

/* The glyph, or 0 for none. A cursor may hide the last rows. */
static unsigned match(const uint8_t bits[GLYPH_H])
{
	uint8_t inverse[GLYPH_H];
	for (unsigned r = 0; r < GLYPH_H; r++)
		inverse[r] = (uint8_t)~bits[r];
	for (unsigned rows = GLYPH_H; rows >= 13; rows -= 3)
		for (unsigned k = 0; k < GLYPHS; k++) {
			unsigned g = (k + ' ') % GLYPHS; /* blank is ' ', not NUL */
			const uint8_t *want = font + (size_t)g * GLYPH_H;
			if (!memcmp(want, bits, rows) || !memcmp(want, inverse, rows))
				return g;
		}
	return 0;
}

static const char *utf8(unsigned ch)
{
	static char one[2];
	if (ch >= ' ' && ch < 127) {
		one[0] = (char)ch;
		return one;
	}
	switch (ch) { /* what menus are framed with */
	case 0xc4: return "─";
	case 0xb3: return "│";
	case 0xda: return "┌";
	case 0xbf: return "┐";
	case 0xc0: return "└";
	case 0xd9: return "┘";
	case 0xdb: return "█";
	}
	return "?";
}

/* Read cells @cw wide; print when @out is set. How many were letters or digits. */
static unsigned read_cells(const struct picture *p, unsigned cw, FILE *out)
{
	unsigned known = 0;
	for (unsigned y = 0; y + GLYPH_H <= p->h; y += GLYPH_H) {
		unsigned blanks = 0;
		for (unsigned x = 0; x + 8 <= p->w; x += cw) {
			uint8_t bits[GLYPH_H];
			cell_bits(p, x, y, bits);
			unsigned g = match(bits);
			known += g < 128 && isalnum((int)g);
			if (!out)
				continue;
			if (g == ' ') {
				blanks++;
				continue;
			}
			for (; blanks; blanks--)
				fputc(' ', out);
			fputs(utf8(g), out);
		}
		if (out)
			fputc('\n', out);
	}
	return known;
}

int main(int argc, char **argv)
{
	struct picture p = {0};
	size_t len;
	FILE *rom = argc == 2 ? fopen(argv[1], "rb") : NULL;
	uint8_t *bytes = rom ? slurp(rom, &len) : NULL;
	font = bytes ? find_font(bytes, len) : NULL;
	if (!font) {
		fprintf(stderr, "usage: readscreen FILE-WITH-A-VGA-FONT < PICTURE.ppm\n");
		return 2;
	}
	fclose(rom);
	if (!read_ppm(stdin, &p)) {
		fprintf(stderr, "readscreen: standard input is not a picture in the PPM format (P6)\n");
		return 1;
	}
	read_cells(&p, read_cells(&p, 9, NULL) > read_cells(&p, 8, NULL) ? 9 : 8, stdout);
	free(p.rgb);
	free(bytes);
	return 0;
}
