/* Pixels as a PNG file in memory. (libpng; ISO/IEC 15948) */
#include "backend/vmm/display/display.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <zlib.h>

#include "src/base/cleanup.h"

static void put(png_structp png, png_bytep p, size_t n)
{
	buf_add(png_get_io_ptr(png), p, n);
}

static void flush(png_structp png)
{
}

/* libpng's own handlers write to stderr. */
static void failed(png_structp png, png_const_charp text)
{
	err_set(png_get_error_ptr(png), EIO, "cannot make a PNG: %s", text);
	longjmp(png_jmpbuf(png), 1);
}

static void warned(png_structp png, png_const_charp text)
{
}

static void lines(png_structp png, png_infop info, const uint8_t *pixels, unsigned width, unsigned height,
		  uint8_t *line)
{
	png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
		     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_set_filter(png, 0, PNG_FILTER_NONE | PNG_FILTER_SUB);
	png_set_compression_level(png, Z_BEST_SPEED + 2); /* the guest's loop waits */
	png_write_info(png, info);
	for (unsigned y = 0; y < height; y++) {
		const uint8_t *p = pixels + (size_t)y * width * 4;
		for (unsigned x = 0; x < width; x++, p += 4) {
			line[3 * x] = p[2];
			line[3 * x + 1] = p[1];
			line[3 * x + 2] = p[0];
		}
		png_write_row(png, line);
	}
	png_write_end(png, info);
}

int png_encode(const uint8_t *pixels, unsigned width, unsigned height, struct buf *out, struct err *e)
{
	struct err why = {0};
	AUTO_FREE uint8_t *line = malloc((size_t)width * 3);
	png_structp png = line ? png_create_write_struct(PNG_LIBPNG_VER_STRING, &why, failed, warned) : NULL;
	png_infop info = png ? png_create_info_struct(png) : NULL;
	if (!info) {
		png_destroy_write_struct(&png, NULL);
		return err_set(e, ENOMEM, "out of memory");
	}
	png_set_write_fn(png, out, put, flush);
	int rc = 0;
	if (setjmp(png_jmpbuf(png)))
		rc = err_set(e, EIO, "%s", why.msg);
	else
		lines(png, info, pixels, width, height, line);
	png_destroy_write_struct(&png, &info);
	return rc;
}
