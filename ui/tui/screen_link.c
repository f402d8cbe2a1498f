#include "ui/tui/screen_link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"

#define PIXEL 4u
#define BATCH 64 /* messages read before others have their turn */

static void send_message(struct screen_link *l, const void *p, size_t n)
{
	if (l->fd >= 0)
		send(l->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT); /* full or gone: the next read will tell */
}

static void send_type(struct screen_link *l, uint32_t type)
{
	send_message(l, &type, sizeof(type));
}

void screen_link_ask(struct screen_link *l)
{
	if (!l->asked)
		send_type(l, SCREEN_CHANGES);
	l->asked = true;
}

void screen_link_open(struct screen_link *l, int fd)
{
	*l = (struct screen_link){.fd = fd, .memory = -1, .text = {.cursor_x = -1, .cursor_y = -1}};
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	send_type(l, SCREEN_WANT_TEXT);
	screen_link_ask(l);
}

void screen_link_close(struct screen_link *l)
{
	fd_close(l->fd);
	fd_close(l->memory);
	free(TAKE_PTR(l->pixels));
	l->fd = l->memory = -1;
	l->width = l->height = 0;
	l->text.cols = l->text.rows = 0;
}

void screen_link_key(struct screen_link *l, unsigned code, bool down)
{
	struct screen_key k = {.type = SCREEN_KEY, .code = code, .down = down};
	send_message(l, &k, sizeof(k));
}

void screen_link_pointer(struct screen_link *l, const struct screen_pointer *p)
{
	struct screen_pointer out = *p;
	out.type = SCREEN_POINTER;
	send_message(l, &out, sizeof(out));
}

void screen_link_release(struct screen_link *l)
{
	send_type(l, SCREEN_RELEASE);
}

/* --- what comes --- */

/* What one message is worked on with. */
struct incoming {
	struct screen_link *l;
	const void *p;
	size_t n;
	int fd; /* that came along, or -1 */
	void (*rect)(void *arg, int x, int y, int w, int h);
	void *arg;
	struct err *e;
};

static int copy_lines(struct screen_link *l, uint32_t y, uint32_t n)
{
	for (uint32_t i = y; i < y + n; i++) {
		uint32_t *to = l->pixels + (size_t)i * l->width;
		size_t want = (size_t)l->width * PIXEL;
		ssize_t k = pread(l->memory, to, want, (off_t)(l->offset + (uint64_t)i * l->stride));
		if (k != (ssize_t)want)
			return -EIO;
	}
	return 0;
}

/* Lines [@y, @y + @n) of the picture: at once where they lie side by side. */
static int copy(struct screen_link *l, uint32_t y, uint32_t n)
{
	if (l->stride != l->width * PIXEL)
		return copy_lines(l, y, n);
	size_t want = (size_t)n * l->stride;
	ssize_t k = pread(l->memory, l->pixels + (size_t)y * l->width, want,
			  (off_t)(l->offset + (uint64_t)y * l->stride));
	return k == (ssize_t)want ? 0 : -EIO;
}

static int on_surface(struct incoming *in)
{
	const struct screen_surface *s = in->p;
	struct screen_link *l = in->l;
	if (s->width && (in->fd < 0 || !s->height || s->width > SCREEN_SIDE_MAX ||
			 s->height > SCREEN_SIDE_MAX || s->stride < s->width * PIXEL ||
			 s->stride > 16 * SCREEN_SIDE_MAX * PIXEL || s->offset > INT64_MAX / 2))
		return err_set(in->e, EPROTO, "the machine announced a picture of %ux%u with %u bytes a line",
			       s->width, s->height, s->stride);
	fd_close(l->memory);
	free(TAKE_PTR(l->pixels));
	l->memory = s->width ? TAKE_FD(in->fd) : -1;
	l->width = s->width;
	l->height = s->width ? s->height : 0;
	l->stride = s->stride;
	l->offset = s->offset;
	l->generation = s->generation;
	if (l->width)
		l->pixels = x_calloc((size_t)l->width * l->height, PIXEL);
	return LINK_SIZE;
}

static int on_damage(struct incoming *in)
{
	const struct screen_damage *d = in->p;
	struct screen_link *l = in->l;
	l->asked = false;
	if (d->n > SCREEN_RECTS_MAX)
		return err_set(in->e, EPROTO, "the machine told of %u changes at once", d->n);
	if (!l->width || d->generation != l->generation)
		return LINK_CHANGED;
	for (uint32_t i = 0; i < d->n; i++) {
		const struct screen_rect *r = &d->rects[i];
		if (!r->w || !r->h || r->x >= l->width || r->y >= l->height)
			continue;
		uint32_t w = r->w < l->width - r->x ? r->w : l->width - r->x;
		uint32_t h = r->h < l->height - r->y ? r->h : l->height - r->y;
		if (copy(l, r->y, h))
			return err_set(in->e, EPROTO, "the picture ends outside the machine's memory");
		in->rect(in->arg, (int)r->x, (int)r->y, (int)w, (int)h);
	}
	return LINK_CHANGED;
}

static int on_text(struct incoming *in)
{
	const struct screen_text *t = in->p;
	struct screen_link *l = in->l;
	if (t->cols > SCREEN_TEXT_MAX || t->rows > SCREEN_TEXT_MAX ||
	    (uint64_t)t->cols * t->rows > SCREEN_TEXT_MAX || !t->cols != !t->rows ||
	    in->n != sizeof(*t) + (size_t)t->cols * t->rows * sizeof(l->cells[0]))
		return err_set(in->e, EPROTO, "the machine announced a text of %ux%u in %zu bytes", t->cols,
			       t->rows, in->n);
	bool size = t->cols != l->text.cols || t->rows != l->text.rows;
	l->text = *t;
	memcpy(l->cells, (const char *)in->p + sizeof(*t), in->n - sizeof(*t));
	if (t->cols)
		l->asked = false;
	return LINK_CHANGED | (size ? LINK_SIZE : 0);
}

static int on_cursor_shape(struct incoming *in)
{
	const struct screen_cursor *c = in->p;
	in->l->cursor.shown = c->defined && c->visible && c->w && c->h;
	return LINK_CHANGED;
}

static int on_cursor_pos(struct incoming *in)
{
	const struct screen_pos *at = in->p;
	in->l->cursor.x = at->x;
	in->l->cursor.y = at->y;
	return LINK_CHANGED;
}

static int on_state(struct incoming *in)
{
	const struct screen_state *s = in->p;
	in->l->leds = s->leds;
	in->l->absolute = s->absolute != 0;
	return LINK_STATE;
}

static const struct {
	uint32_t type;
	size_t least;                   /* bytes */
	int (*fn)(struct incoming *in); /* LINK_ bits or -errno */
} receivers[] = {
    {SCREEN_SURFACE, sizeof(struct screen_surface), on_surface},
    {SCREEN_DAMAGE, sizeof(struct screen_damage), on_damage},
    {SCREEN_TEXT, sizeof(struct screen_text), on_text},
    {SCREEN_CURSOR_SHAPE, offsetof(struct screen_cursor, pixels), on_cursor_shape},
    {SCREEN_CURSOR_POS, sizeof(struct screen_pos), on_cursor_pos},
    {SCREEN_STATE, sizeof(struct screen_state), on_state},
};

/* LINK_ bits or -errno. A type that is new is let pass. */
static int on_message(struct incoming *in)
{
	uint32_t type;
	if (in->n < sizeof(type))
		return err_set(in->e, EPROTO, "the machine sent %zu bytes that are no message", in->n);
	memcpy(&type, in->p, sizeof(type));
	for (size_t i = 0; i < ARRAY_SIZE(receivers); i++)
		if (receivers[i].type == type)
			return in->n < receivers[i].least
				   ? err_set(in->e, EPROTO, "the machine sent message %u in %zu bytes", type,
					     in->n)
				   : receivers[i].fn(in);
	return 0;
}

unsigned screen_link_read(struct screen_link *l, void (*rect)(void *arg, int x, int y, int w, int h),
			  void *arg, struct err *e)
{
	static _Alignas(8) char message[SCREEN_MESSAGE_MAX]; /* one thread */
	unsigned found = 0;
	for (int i = 0; i < BATCH; i++) {
		int fds[4];
		size_t nfds = ARRAY_SIZE(fds);
		ssize_t n = unixsock_recv(l->fd, message, sizeof(message), fds, &nfds);
		if (n == -EAGAIN || n == -EINTR)
			return found;
		if (n <= 0) {
			err_set(e, n == -EMSGSIZE ? EPROTO : ENOTCONN, "the screen is gone");
			return found | LINK_ENDED;
		}
		struct incoming in = {l, message, (size_t)n, nfds ? fds[0] : -1, rect, arg, e};
		int rc = on_message(&in);
		fd_close(in.fd);
		for (size_t k = 1; k < nfds; k++)
			close(fds[k]);
		if (rc < 0)
			return found | LINK_ENDED;
		found |= (unsigned)rc;
	}
	return found;
}
