#include "backend/vmm/display/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/vmm/display/display.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/cp437.h"
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
		return err_set(e, EINVAL,
			       "screendump: \"filename\" is not possible, the machine opens no files: the "
			       "answer brings a "
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
	for (unsigned i = 0; i < n; i++)
		put_utf8(&b, cp437_char(cells[i].ch));

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
		return err_set(e, ENODATA,
			       "the screen shows graphics, or nothing: screendump takes a picture of it");
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
