#include "backend/vmm/display/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/vmm/display/display.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"

static int no_screen(struct err *e)
{
	return err_set(e, ENODEV, "the guest has no screen: its XML has no <video>");
}

/* -1 with @e filled. */
static int png_memfd(const struct buf *png, struct err *e)
{
	AUTO_CLOSE int fd = memfd_create("screendump", MFD_CLOEXEC);
	int rc = fd < 0 ? -errno : fd_pwrite_all(fd, png->s, png->len, 0);
	if (rc) {
		err_sys(e, -rc, "cannot keep the picture");
		return -1;
	}
	return TAKE_FD(fd);
}

int capture_screendump(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	AUTO_FREE uint8_t *pixels = NULL;
	AUTO_BUF struct buf png = {0};
	unsigned w = 0, h = 0;
	if (json_str(args, "filename", NULL))
		return err_set(e, EINVAL, "screendump: \"filename\" is not possible, the machine opens no files: the answer brings a "
		                          "descriptor");
	if (strcmp(json_str(args, "format", "png"), "png") != 0)
		return err_set(e, EINVAL, "screendump: \"format\" is png");
	if (json_int(args, "head", 0) != 0)
		return err_set(e, ENOENT, "screendump: there is only \"head\" 0");
	pthread_mutex_lock(&m->lock);
	int rc = m->display ? display_copy(m->display, &pixels, &w, &h, e) : no_screen(e);
	pthread_mutex_unlock(&m->lock);
	if (rc || (rc = png_encode(pixels, w, h, &png, e)))
		return rc;
	*fd = png_memfd(&png, e);
	if (*fd < 0)
		return -EIO;
	*ret = json_object();
	json_set_str(*ret, "format", "png");
	json_set_int(*ret, "width", w);
	json_set_int(*ret, "height", h);
	json_set_int(*ret, "size", (int64_t)png.len);
	return 0;
}

/* What code page 437 shows below 0x20, at 0x7f and above 0x7f. */
static const uint16_t low437[32] = {
	' ',    0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25d8, 0x25cb, 0x25d9,
	0x2642, 0x2640, 0x266a, 0x266b, 0x263c, 0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7,
	0x25ac, 0x21a8, 0x2191, 0x2193, 0x2192, 0x2190, 0x221f, 0x2194, 0x25b2, 0x25bc,
};
static const uint16_t high437[129] = {
	0x2302, /* 7f */
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5,
	0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192,
	0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
	0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
	0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567,
	0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
	0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229,
	0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, ' ',
};

static void put_utf8(struct buf *b, unsigned c)
{
	char p[3] = {(char)c};
	size_t n = 1;
	if (c >= 0x800) {
		p[0] = (char)(0xe0 | c >> 12);
		p[1] = (char)(0x80 | (c >> 6 & 0x3f));
		p[2] = (char)(0x80 | (c & 0x3f));
		n = 3;
	} else if (c >= 0x80) {
		p[0] = (char)(0xc0 | c >> 6);
		p[1] = (char)(0x80 | (c & 0x3f));
		n = 2;
	}
	buf_add(b, p, n);
}

/* A line of @n cells without the blanks at its end. */
static json_t *line_text(const struct text_cell *cells, unsigned n)
{
	AUTO_BUF struct buf b = {0};
	while (n && (cells[n - 1].ch == ' ' || !cells[n - 1].ch))
		n--;
	for (unsigned i = 0; i < n; i++) {
		uint8_t c = cells[i].ch;
		put_utf8(&b, c < 0x20 ? low437[c] : c < 0x7f ? c : high437[c - 0x7f]);
	}
	return json_string(buf_text(&b));
}

int capture_text(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	AUTO_FREE struct text_screen *t = malloc(sizeof(*t));
	if (!t)
		return err_set(e, ENOMEM, "out of memory");
	pthread_mutex_lock(&m->lock);
	bool text = m->display && display_text(m->display, t);
	pthread_mutex_unlock(&m->lock);
	if (!m->display)
		return no_screen(e);
	if (!text)
		return err_set(e, ENODATA, "the screen shows graphics, or nothing: screendump takes a picture of it");
	json_t *lines = json_array();
	for (unsigned i = 0; i < t->rows; i++)
		json_array_append_new(lines, line_text(t->cells + (size_t)i * t->cols, t->cols));
	*ret = json_object();
	json_set_int(*ret, "columns", t->cols);
	json_set_int(*ret, "rows", t->rows);
	if (t->cursor_x >= 0) {
		json_set_int(*ret, "cursor-x", t->cursor_x);
		json_set_int(*ret, "cursor-y", t->cursor_y);
	}
	json_set_take(*ret, "lines", lines);
	return 0;
}
