/* What the fake's guests show on their screens, spoken as src/proto/screen.h has it: a picture of four
 * coloured quarters, or a text mode whose last line tells what key was pressed. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "backend/fake/host.h"
#include "src/base/unixsock.h"
#include "src/proto/keycode.h"
#include "src/proto/screen.h"

#define COLS 80
#define ROWS 25
#define SIDE_MAX 4096

struct fake_picture {
	uint32_t w, h; /* 0: text */
	uint32_t generation;
	int fd;
	uint32_t *pixels;
	bool scrolls; /* whenever somebody asks for what changed */
	struct {
		struct screen_text head;
		uint16_t cells[COLS * ROWS];
	} text;
	struct {
		int fd; /* our end, -1 = free */
		bool asked, greeted;
		uint32_t generation; /* told */
		bool dirty;
	} peers[FAKE_ATTACH_MAX];
};

static struct fake_picture *picture_of(struct fake_domain *d)
{
	if (d->picture)
		return d->picture;
	struct fake_picture *p = d->picture = x_calloc(1, sizeof(*p));
	p->fd = -1;
	p->text.head = (struct screen_text){
	    .type = SCREEN_TEXT, .cols = COLS, .rows = ROWS, .cursor_x = 0, .cursor_y = 0};
	for (unsigned i = 0; i < COLS * ROWS; i++)
		p->text.cells[i] = 0x0720;
	for (unsigned i = 0; i < FAKE_ATTACH_MAX; i++)
		p->peers[i].fd = -1;
	return p;
}

void fake_picture_free(struct fake_domain *d)
{
	struct fake_picture *p = TAKE_PTR(d->picture);
	if (!p)
		return;
	for (unsigned i = 0; i < FAKE_ATTACH_MAX; i++)
		fd_close(p->peers[i].fd);
	if (p->pixels)
		munmap(p->pixels, (size_t)p->w * p->h * 4);
	fd_close(p->fd);
	free(p);
}

void fake_picture_hang_up(struct fake_domain *d)
{
	for (unsigned i = 0; d->picture && i < FAKE_ATTACH_MAX; i++) {
		fd_close(d->picture->peers[i].fd);
		d->picture->peers[i].fd = -1;
	}
}

static void all_dirty(struct fake_picture *p)
{
	for (unsigned i = 0; i < FAKE_ATTACH_MAX; i++)
		p->peers[i].dirty = true;
}

static struct fake_domain *named(struct fake *f, const char *what, char *args, char **rest, struct err *e)
{
	*rest = args + strcspn(args, " ");
	if (**rest)
		*(*rest)++ = 0;
	struct fake_domain *d = fake_by_name(f, args);
	if (!d)
		err_set(e, EINVAL, "fake script: %s: no domain '%s'", what, args);
	return d;
}

static void paint(struct fake_picture *p)
{
	static const uint32_t quarters[] = {0xc00000, 0x00c000, 0x0000c0, 0xffffff};
	for (uint32_t y = 0; y < p->h; y++)
		for (uint32_t x = 0; x < p->w; x++)
			p->pixels[(size_t)y * p->w + x] = quarters[2 * (y >= p->h / 2) + (x >= p->w / 2)];
}

/* "picture NAME WIDTHxHEIGHT [scrolls]" of the script. */
int fake_picture_script(struct fake *f, char *args, struct err *e)
{
	char *rest;
	unsigned w, h;
	struct fake_domain *d = named(f, "picture", args, &rest, e);
	if (!d)
		return -EINVAL;
	if (sscanf(rest, "%ux%u", &w, &h) != 2 || !w || !h || w > SIDE_MAX || h > SIDE_MAX)
		return err_set(e, EINVAL, "fake script: picture %s WIDTHxHEIGHT", args);
	struct fake_picture *p = picture_of(d);
	if (p->pixels)
		munmap(p->pixels, (size_t)p->w * p->h * 4);
	fd_close(p->fd);
	size_t n = (size_t)w * h * 4;
	p->fd = memfd_create("picture", MFD_CLOEXEC);
	void *map = p->fd < 0 || ftruncate(p->fd, (off_t)n)
			? MAP_FAILED
			: mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, errno, "cannot keep a picture");
	d->graphics = true;
	p->pixels = map;
	p->w = w;
	p->h = h;
	p->scrolls = strstr(rest, " scrolls") != NULL;
	p->generation++;
	paint(p);
	all_dirty(p);
	return 0;
}

/* Every line goes up by eight, and a new colour comes in from below. */
static void scroll(struct fake_picture *p)
{
	static uint32_t colour;
	size_t lines = p->h < 8 ? p->h : 8, n = (p->h - lines) * p->w;
	colour = (colour + 0x102030) & 0xffffff;
	memmove(p->pixels, p->pixels + lines * p->w, n * 4);
	for (size_t i = n; i < (size_t)p->w * p->h; i++)
		p->pixels[i] = colour;
	all_dirty(p);
}

static void text_line(struct fake_picture *p, unsigned row, unsigned attr, const char *text)
{
	for (unsigned i = 0; i < COLS; i++) {
		p->text.cells[row * COLS + i] = (uint16_t)(attr << 8 | (*text ? (uint8_t)*text : ' '));
		text += *text != 0;
	}
}

/* "text NAME LINE\nLINE..." of the script: bytes are code page 437, the first line white on blue. */
int fake_text_script(struct fake *f, char *args, struct err *e)
{
	char *rest;
	struct fake_domain *d = named(f, "text", args, &rest, e);
	if (!d)
		return -EINVAL;
	AUTO_FREE char *text = fake_unescape(rest);
	struct fake_picture *p = picture_of(d);
	d->graphics = true;
	if (p->pixels)
		munmap(TAKE_PTR(p->pixels), (size_t)p->w * p->h * 4);
	p->w = p->h = 0;
	p->generation++;
	char *save = NULL;
	unsigned row = 0;
	for (char *line = strtok_r(text, "\n", &save); line && row < ROWS;
	     line = strtok_r(NULL, "\n", &save), row++)
		text_line(p, row, row ? 0x07 : 0x1f, line);
	p->text.head.cursor_y = (int32_t)row;
	all_dirty(p);
	return 0;
}

int fake_screen_open(struct backend *b, const char *uuid, int *fd, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	int fds[2], rc = fake_fails(f, "domain_screen_open", e);
	struct fake_domain *d = rc ? NULL : fake_by_uuid(f, uuid);
	if (rc)
		return rc;
	if (!d)
		return err_set(e, ENOENT, "no domain with matching uuid '%s'", uuid);
	if (!(d->info.state & DOMAIN_ACTIVE))
		return err_set(e, ENOTCONN, "domain '%s' is not running", d->info.name);
	if (!d->graphics)
		return err_set(e, ENODEV,
			       "the guest has no screen: its XML has neither <graphics> nor <video>");
	struct fake_picture *p = picture_of(d);
	unsigned i = 0;
	while (i < FAKE_ATTACH_MAX && p->peers[i].fd >= 0)
		i++;
	if (i == FAKE_ATTACH_MAX)
		return err_set(e, EBUSY, "%u decks look at this screen already", i);
	rc = unixsock_pair(SOCK_SEQPACKET, fds);
	if (rc)
		return err_sys(e, -rc, "cannot make a socket pair");
	p->peers[i].fd = fds[0];
	p->peers[i].asked = p->peers[i].greeted = false;
	p->peers[i].dirty = true;
	*fd = fds[1];
	return 0;
}

static void pressed(struct fake_picture *p, const struct screen_key *k)
{
	char text[64];
	const char *name = keycode_name(k->code);
	if (p->w || !k->down)
		return;
	snprintf(text, sizeof(text), "last key: %s", name ? name : "?");
	text_line(p, ROWS - 1, 0x07, text);
	all_dirty(p);
}

static void pointed(struct fake_picture *p, const struct screen_pointer *at)
{
	if (at->x < 0 || at->y < 0 || (uint32_t)at->x >= p->w || (uint32_t)at->y >= p->h || !at->buttons)
		return;
	uint32_t side = p->w / 16 + 1;
	for (uint32_t y = (uint32_t)at->y; y < p->h && y < (uint32_t)at->y + side; y++)
		for (uint32_t x = (uint32_t)at->x; x < p->w && x < (uint32_t)at->x + side; x++)
			p->pixels[(size_t)y * p->w + x] = 0xffff00;
	all_dirty(p);
}

static void greet(struct fake_picture *p, unsigned i)
{
	struct screen_surface s = {.type = SCREEN_SURFACE,
				   .generation = p->generation,
				   .width = p->w,
				   .height = p->h,
				   .stride = p->w * 4};
	struct screen_state st = {.type = SCREEN_STATE, .absolute = 1};
	if (!p->peers[i].greeted || p->peers[i].generation != p->generation)
		unixsock_send(p->peers[i].fd, &s, sizeof(s), &p->fd, p->w != 0);
	if (!p->peers[i].greeted)
		unixsock_send(p->peers[i].fd, &st, sizeof(st), NULL, 0);
	p->peers[i].greeted = true;
	p->peers[i].generation = p->generation;
}

static void answer(struct fake_picture *p, unsigned i)
{
	struct screen_damage damage = {.type = SCREEN_DAMAGE, .generation = p->generation, .n = 1};
	struct screen_text none = {.type = SCREEN_TEXT, .cursor_x = -1, .cursor_y = -1};
	greet(p, i);
	if (p->peers[i].asked && p->scrolls && p->w)
		scroll(p);
	if (!p->peers[i].asked || !p->peers[i].dirty)
		return;
	p->peers[i].asked = p->peers[i].dirty = false;
	damage.rects[0] = (struct screen_rect){0, 0, (uint16_t)p->w, (uint16_t)p->h};
	if (p->w) {
		unixsock_send(p->peers[i].fd, &none, sizeof(none), NULL, 0);
		unixsock_send(p->peers[i].fd, &damage, sizeof(damage), NULL, 0);
	} else {
		unixsock_send(p->peers[i].fd, &p->text, sizeof(p->text), NULL, 0);
	}
}

/* One message. false: there is none. */
static bool take(struct fake_picture *p, unsigned i)
{
	char in[SCREEN_MESSAGE_MAX];
	uint32_t type;
	ssize_t n = p->peers[i].fd < 0 ? -1 : recv(p->peers[i].fd, in, sizeof(in), MSG_DONTWAIT);
	if (n == 0) {
		close(p->peers[i].fd);
		p->peers[i].fd = -1;
	}
	if (n < (ssize_t)sizeof(type))
		return false;
	memcpy(&type, in, sizeof(type));
	p->peers[i].asked |= type == SCREEN_CHANGES || type == SCREEN_REFRESH;
	p->peers[i].dirty |= type == SCREEN_REFRESH;
	if (type == SCREEN_KEY && n == sizeof(struct screen_key))
		pressed(p, (const void *)in);
	else if (type == SCREEN_POINTER && n == sizeof(struct screen_pointer))
		pointed(p, (const void *)in);
	return true;
}

void fake_picture_pump(struct fake_domain *d)
{
	struct fake_picture *p = d->picture;
	if (!p || !(d->info.state & DOMAIN_ACTIVE))
		return;
	for (unsigned i = 0; i < FAKE_ATTACH_MAX; i++)
		while (take(p, i))
			;
	for (unsigned i = 0; i < FAKE_ATTACH_MAX; i++)
		if (p->peers[i].fd >= 0)
			answer(p, i);
}

size_t fake_picture_poll(struct fake_domain *d, struct pollfd *p, size_t room)
{
	size_t n = 0;
	for (unsigned i = 0; d->picture && i < FAKE_ATTACH_MAX && n < room; i++)
		if (d->picture->peers[i].fd >= 0)
			p[n++] = (struct pollfd){.fd = d->picture->peers[i].fd, .events = POLLIN};
	return n;
}
