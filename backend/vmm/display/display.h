/* What the guest's screen shows, between the video device that knows and those who look: the screen process
 * (VNC), screenshots, the deck's picture.
 *
 * A surface is 32-bit pixels (0x00RRGGBB, little endian) in a memfd: the device's VRAM itself when the mode
 * allows it, else pixels that the device renders into memory of its own. Nothing is rendered and no dirty log
 * is read until somebody calls display_refresh(); damage is kept for each looker apart. One display a
 * machine.
 *
 * Two devices may be there (VGA and virtio-gpu): the one that last set a surface is shown; one that gives its
 * surface up (display_set_surface(d, dev, NULL)) leaves the screen to the other.
 *
 * Caller holds machine.lock for all of it. */
#ifndef BACKEND_VMM_DISPLAY_DISPLAY_H
#define BACKEND_VMM_DISPLAY_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/str.h"

struct machine;
struct dev;

#define DISPLAY_WIDTH_MAX 2560
#define DISPLAY_HEIGHT_MAX 1600
#define DISPLAY_RECTS_MAX 64
#define DISPLAY_CURSOR_MAX 64 /* pixels each way */

struct rect {
	unsigned x, y, w, h;
};

struct surface {
	int fd;            /* memfd, the device's; lookers dup it */
	uint64_t offset;   /* of the first pixel in it */
	const uint8_t *pixels; /* the same, mapped here */
	unsigned width, height;
	unsigned stride;   /* bytes from line to line */
};

/* A cell of a text mode. */
struct text_cell {
	uint8_t ch;        /* code page 437 */
	uint8_t attr;      /* VGA: foreground low, background high, bit 7 blinks or is bright */
};

struct text_screen {
	unsigned cols, rows;
	int cursor_x, cursor_y; /* -1: not shown */
	bool blink;        /* the attributes' bit 7 blinks, else it is a bright background */
	struct text_cell cells[132 * 60];
};

struct cursor {
	bool defined;      /* the guest draws its own pointer apart from the picture (virtio-gpu) */
	bool visible;
	unsigned w, h, hot_x, hot_y;
	int x, y;
	uint32_t pixels[DISPLAY_CURSOR_MAX * DISPLAY_CURSOR_MAX]; /* 0xAARRGGBB, not premultiplied */
};

/* What a video device does for the display. Any may be NULL. */
struct display_ops {
	/* Bring the surface up to date and report what changed with display_damage(). May change the
	 * surface. */
	void (*refresh)(struct dev *);
	/* The text on the screen; false: it shows graphics. */
	bool (*text)(struct dev *, struct text_screen *);
	/* A viewer wants this size: offer it to the guest (EDID, display info). */
	void (*wish)(struct dev *, unsigned width, unsigned height);
};

struct display;

/* A looker. @changed: the surface is another one, cursor or text may be too; called with machine.lock
 * held. */
struct display_client {
	void (*changed)(struct display_client *, unsigned what);
	void *ctx;
	/* display.c's */
	struct display_client *next;
	struct rect rects[DISPLAY_RECTS_MAX];
	unsigned nrects;
};
enum { DISPLAY_SURFACE = 1, DISPLAY_CURSOR_SHAPE = 2, DISPLAY_CURSOR_POS = 4 };

/* The machine's display, made at the first call (m->display); NULL without memory. */
struct display *display_of(struct machine *m);
void display_free(struct display *d); /* m's teardown; all clients are gone */

/* --- the device's side --- */
int display_attach(struct display *d, struct dev *dev, const struct display_ops *ops, struct err *e);
void display_detach(struct display *d, struct dev *dev);
/* @s is copied; its memory stays valid until the device sets another or NULL, and lookers' mappings even
 * longer. */
void display_set_surface(struct display *d, struct dev *dev, const struct surface *s);
/* Ignored unless @dev is the one shown. Clipped to the surface. */
void display_damage(struct display *d, struct dev *dev, unsigned x, unsigned y, unsigned w, unsigned h);
void display_set_cursor(struct display *d, struct dev *dev, const struct cursor *c);

/* --- the lookers' side --- */
void display_client_add(struct display *d, struct display_client *c); /* all is damaged for it */
void display_client_remove(struct display *d, struct display_client *c);
/* Have the shown device bring everything up to date. */
void display_refresh(struct display *d);
/* What changed for @c since its last call; how many. @out has DISPLAY_RECTS_MAX. */
unsigned display_take_damage(struct display *d, struct display_client *c, struct rect *out);
/* What is shown now. NULL: nothing yet. */
const struct surface *display_surface(const struct display *d);
unsigned display_generation(const struct display *d); /* counts surfaces */
const struct cursor *display_cursor(const struct display *d);
bool display_text(struct display *d, struct text_screen *t);
void display_wish(struct display *d, unsigned width, unsigned height);

/* A copy of the picture after a refresh, lines of width * 4 bytes; *pixels is the caller's to free. -ENODEV:
 * there is none. */
int display_copy(struct display *d, uint8_t **pixels, unsigned *width, unsigned *height, struct err *e);
/* Such a copy as a PNG (display/png.c, libpng); needs no lock. */
int png_encode(const uint8_t *pixels, unsigned width, unsigned height, struct buf *out, struct err *e);
/* Both in one. Refreshes first. -ENODEV: there is no picture. */
int display_png(struct display *d, struct buf *out, struct err *e);

#endif
