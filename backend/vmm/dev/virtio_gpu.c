/* The virtio GPU's queues and configuration; virtio_gpu.h tells how it works. */
#include "backend/vmm/dev/virtio_gpu.h"

#include <stddef.h>
#include <string.h>

#include "backend/vmm/dev/dev.h"
#include "src/base/cleanup.h"

#define QUEUE_SIZE 256
#define ROUND_MAX 64            /* commands before others of the main loop have a turn */
#define ROUND_BYTES (8u << 20) /* and bytes that they copy */
#define SCANOUTS_MAX 16 /* of the answer; there is one */
#define F_EDID 1
#define EVENT_DISPLAY 1
#define FLAG_FENCE 1

enum { CONTROLQ, CURSORQ, QUEUES };
enum { CFG_EVENTS_READ = 0, CFG_EVENTS_CLEAR = 4, CFG_SCANOUTS = 8, CFG_LEN = 16 };

enum { /* 5.7.6.7 */
	GET_DISPLAY_INFO = 0x0100,
	RESOURCE_CREATE_2D,
	RESOURCE_UNREF,
	SET_SCANOUT,
	RESOURCE_FLUSH,
	TRANSFER_TO_HOST_2D,
	RESOURCE_ATTACH_BACKING,
	RESOURCE_DETACH_BACKING,
	GET_EDID = 0x010a,
	UPDATE_CURSOR = 0x0300,
	MOVE_CURSOR,
};

struct header {
	uint32_t type, flags;
	uint64_t fence;
	uint32_t context;
	uint32_t ring;
};

/* The longest command's fixed part; each begins with the header. */
union command {
	struct header h;
	struct {
		struct header h;
		uint32_t id, format, width, height;
	} create;
	struct {
		struct header h;
		uint32_t id, n;
	} resource; /* UNREF, ATTACH_BACKING, DETACH_BACKING */
	struct {
		struct header h;
		struct gpu_rect r;
		uint32_t scanout, id;
	} scanout;
	struct {
		struct header h;
		struct gpu_rect r;
		uint32_t id, pad;
	} flush;
	struct {
		struct header h;
		struct gpu_rect r;
		uint64_t offset;
		uint32_t id, pad;
	} transfer;
	struct {
		struct header h;
		uint32_t scanout, pad;
	} edid;
	struct {
		struct header h;
		uint32_t scanout, x, y, pad;
		uint32_t id, hot_x, hot_y, pad2;
	} cursor;
};

struct mode {
	struct gpu_rect r;
	uint32_t enabled, flags;
};

union answer {
	struct header h;
	struct {
		struct header h;
		struct mode modes[SCANOUTS_MAX];
	} info;
	struct {
		struct header h;
		uint32_t size, pad;
		uint8_t edid[1024];
	} edid;
};
_Static_assert(sizeof(struct header) == 24 && offsetof(union command, transfer.id) == 48,
	       "as virtio has them");

struct virtio_vga {
	struct virtio_dev v;
	struct vga vga;
	struct gpu_resources resources;
	uint32_t shown;          /* resource on the screen, 0 = it is the VGA's */
	struct gpu_rect part;    /* of that resource */
	uint32_t width, height;  /* the monitor's */
	struct cursor cursor;
	uint64_t budget;         /* bytes that may be copied in this turn */
	uint32_t line;           /* where the transfer in work goes on; 0: none is */
	struct virtq_chain chain;
	union answer answer;
};

struct vga *virtio_vga_of(struct dev *d)
{
	return &((struct virtio_vga *)d)->vga;
}

static struct dev *dev_of(struct virtio_vga *g)
{
	return &g->v.pci.dev;
}

static struct display *display(struct virtio_vga *g)
{
	return g->v.pci.dev.m->display;
}

/* --- the screen --- */

/* It is the VGA's again, which paints all anew. */
static void show_vga(struct virtio_vga *g)
{
	if (!g->shown)
		return;
	g->shown = 0;
	g->cursor = (struct cursor){0};
	display_set_cursor(display(g), dev_of(g), &g->cursor);
	memset(&g->vga.mode, 0, sizeof(g->vga.mode));
	vga_refresh(dev_of(g));
}

static enum gpu_error set_scanout(struct virtio_vga *g, const union command *c)
{
	const struct gpu_rect *r = &c->scanout.r;
	if (c->scanout.scanout)
		return GPU_INVALID_SCANOUT;
	if (!c->scanout.id) {
		show_vga(g);
		return GPU_OK;
	}
	struct gpu_resource *res = gpu_resource_find(&g->resources, c->scanout.id);
	if (!res)
		return GPU_INVALID_RESOURCE;
	if (!gpu_rect_inside(r, res->w, res->h) || !r->w || !r->h || r->w > DISPLAY_WIDTH_MAX ||
	    r->h > DISPLAY_HEIGHT_MAX)
		return GPU_INVALID_PARAMETER;
	if (g->shown == res->id && !memcmp(&g->part, r, sizeof(*r)))
		return GPU_OK;
	if (res->fd < 0) /* it is copied, in one piece */
		g->budget = 0;
	enum gpu_error rc = gpu_resource_share(&g->resources, res);
	if (rc != GPU_OK)
		return rc;
	uint64_t at = ((uint64_t)r->y * res->w + r->x) * 4;
	struct surface s = {res->fd, at, res->pixels + at, r->w, r->h, res->w * 4};
	g->shown = res->id;
	g->part = *r;
	display_set_surface(display(g), dev_of(g), &s);
	return GPU_OK;
}

static enum gpu_error flush(struct virtio_vga *g, const union command *c)
{
	const struct gpu_rect *r = &c->flush.r, *p = &g->part;
	struct gpu_resource *res = gpu_resource_find(&g->resources, c->flush.id);
	if (!res)
		return GPU_INVALID_RESOURCE;
	if (!gpu_rect_inside(r, res->w, res->h))
		return GPU_INVALID_PARAMETER;
	if (res->id != g->shown)
		return GPU_OK;
	uint32_t left = r->x > p->x ? r->x : p->x, top = r->y > p->y ? r->y : p->y;
	uint32_t right = r->x + r->w < p->x + p->w ? r->x + r->w : p->x + p->w;
	uint32_t bottom = r->y + r->h < p->y + p->h ? r->y + r->h : p->y + p->h;
	if (left < right && top < bottom)
		display_damage(display(g), dev_of(g), left - p->x, top - p->y, right - left, bottom - top);
	return GPU_OK;
}

static enum gpu_error unref(struct virtio_vga *g, const union command *c)
{
	struct gpu_resource *res = gpu_resource_find(&g->resources, c->resource.id);
	if (!res)
		return GPU_INVALID_RESOURCE;
	if (res->id == g->shown)
		show_vga(g);
	gpu_resource_free(&g->resources, res);
	return GPU_OK;
}

/* The guest's colours are multiplied by alpha; a looker wants them as they are. */
static uint32_t straight(uint32_t p)
{
	uint32_t a = p >> 24, out = a << 24;
	for (unsigned shift = 0; a && shift < 24; shift += 8) {
		uint32_t c = (p >> shift & 0xff) * 255 / a;
		out |= (c < 255 ? c : 255) << shift;
	}
	return out;
}

static void cursor(struct virtio_vga *g, const union command *c)
{
	struct cursor *k = &g->cursor;
	if (c->cursor.scanout)
		return;
	k->x = (int)c->cursor.x;
	k->y = (int)c->cursor.y;
	if (c->h.type == UPDATE_CURSOR) {
		const struct gpu_resource *res = gpu_resource_find(&g->resources, c->cursor.id);
		k->defined = true;
		k->visible = res && res->w <= DISPLAY_CURSOR_MAX && res->h <= DISPLAY_CURSOR_MAX;
		memset(k->pixels, 0, sizeof(k->pixels));
		k->w = k->visible ? res->w : 0;
		k->h = k->visible ? res->h : 0;
		k->hot_x = c->cursor.hot_x < k->w ? c->cursor.hot_x : 0;
		k->hot_y = c->cursor.hot_y < k->h ? c->cursor.hot_y : 0;
		for (uint32_t i = 0; i < k->w * k->h; i++)
			k->pixels[i] = straight(pci_get32(res->pixels + 4 * (size_t)i));
	}
	display_set_cursor(display(g), dev_of(g), k);
}

/* --- commands --- */

static size_t display_info(struct virtio_vga *g)
{
	g->answer.info.modes[0] = (struct mode){.r = {.w = g->width, .h = g->height}, .enabled = 1};
	g->answer.h.type = GPU_OK_DISPLAY_INFO;
	return sizeof(g->answer.info);
}

static size_t edid(struct virtio_vga *g, const union command *c)
{
	if (c->edid.scanout) {
		g->answer.h.type = GPU_INVALID_SCANOUT;
		return sizeof(struct header);
	}
	g->answer.edid.size = sizeof(g->vga.edid) / 2; /* one block of it is used */
	memcpy(g->answer.edid.edid, g->vga.edid, sizeof(g->vga.edid));
	g->answer.h.type = GPU_OK_EDID;
	return sizeof(g->answer.edid);
}

static enum gpu_error on_resource(struct virtio_vga *g, const union command *c,
				  const struct virtq_chain *chain)
{
	uint32_t id = c->h.type == TRANSFER_TO_HOST_2D ? c->transfer.id : c->resource.id;
	struct gpu_resource *res = gpu_resource_find(&g->resources, id);
	if (!res) {
		g->line = 0;
		return GPU_INVALID_RESOURCE;
	}
	if (c->h.type == TRANSFER_TO_HOST_2D)
		return gpu_resource_transfer(&dev_of(g)->m->mem, res, &c->transfer.r, c->transfer.offset,
					     &g->line, &g->budget);
	if (c->h.type == RESOURCE_ATTACH_BACKING)
		return gpu_resource_back(res, c->resource.n, chain->iov, chain->nout, sizeof(c->resource));
	if (!res->entries)
		return GPU_UNSPEC;
	gpu_resource_unback(res);
	return GPU_OK;
}

/* Do it; how many bytes of g->answer are to go back. */
static size_t execute(struct virtio_vga *g, const union command *c, const struct virtq_chain *chain)
{
	enum gpu_error rc;
	switch (c->h.type) {
	case GET_DISPLAY_INFO:
		return display_info(g);
	case GET_EDID:
		return edid(g, c);
	case RESOURCE_CREATE_2D:
		rc = gpu_resource_create(&g->resources, c->create.id, c->create.format, c->create.width,
					 c->create.height);
		break;
	case RESOURCE_UNREF:
		rc = unref(g, c);
		break;
	case SET_SCANOUT:
		rc = set_scanout(g, c);
		break;
	case RESOURCE_FLUSH:
		rc = flush(g, c);
		break;
	case TRANSFER_TO_HOST_2D:
	case RESOURCE_ATTACH_BACKING:
	case RESOURCE_DETACH_BACKING:
		rc = on_resource(g, c, chain);
		break;
	default:
		rc = GPU_UNSPEC;
	}
	if (rc != GPU_OK)
		guest_error(dev_of(g), "command %x is answered with error %x", c->h.type, rc);
	g->answer.h.type = rc;
	return sizeof(struct header);
}

/* How long a command must be: what the driver leaves away is not taken for zeroes. */
static size_t command_len(uint32_t type)
{
	static const struct {
		uint32_t type;
		size_t len;
	} lens[] = {
		{RESOURCE_CREATE_2D, sizeof(((union command *)0)->create)},
		{RESOURCE_UNREF, sizeof(((union command *)0)->resource)},
		{SET_SCANOUT, sizeof(((union command *)0)->scanout)},
		{RESOURCE_FLUSH, sizeof(((union command *)0)->flush)},
		{TRANSFER_TO_HOST_2D, sizeof(((union command *)0)->transfer)},
		{RESOURCE_ATTACH_BACKING, sizeof(((union command *)0)->resource)},
		{RESOURCE_DETACH_BACKING, sizeof(((union command *)0)->resource)},
		{GET_EDID, sizeof(((union command *)0)->edid)},
		{UPDATE_CURSOR, sizeof(((union command *)0)->cursor)},
		{MOVE_CURSOR, sizeof(((union command *)0)->cursor)},
	};
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		if (lens[i].type == type)
			return lens[i].len;
	return sizeof(struct header);
}

/* One command of @queue. What goes back, when g->line does not say that there is more to be done. */
static uint32_t one(struct virtio_vga *g, unsigned queue)
{
	union command c = {0};
	const struct virtq_chain *chain = &g->chain;
	size_t got = iov_get(chain->iov, chain->nout, 0, &c, sizeof(c)), len;
	memset(&g->answer, 0, sizeof(g->answer));
	if (got < sizeof(struct header) || got < command_len(c.h.type)) {
		guest_error(dev_of(g), "command %x has only %zu bytes", c.h.type, got);
		g->answer.h.type = GPU_INVALID_PARAMETER;
		len = sizeof(struct header);
	} else if (queue == CURSORQ) {
		if (c.h.type == UPDATE_CURSOR || c.h.type == MOVE_CURSOR)
			cursor(g, &c);
		g->answer.h.type = GPU_OK;
		len = sizeof(struct header);
	} else {
		if (c.h.type != TRANSFER_TO_HOST_2D) /* a driver that has changed its mind */
			g->line = 0;
		len = execute(g, &c, chain);
		if (g->line)
			return 0;
	}
	if (c.h.flags & FLAG_FENCE) { /* all is done when it is answered */
		g->answer.h.flags = FLAG_FENCE;
		g->answer.h.fence = c.h.fence;
		g->answer.h.context = c.h.context;
	}
	return (uint32_t)iov_put(chain->iov + chain->nout, chain->nin, 0, &g->answer, len);
}

static void notify(struct virtio_dev *v, struct virtq *q)
{
	struct virtio_vga *g = (struct virtio_vga *)v;
	unsigned n = 0;
	g->budget = ROUND_BYTES;
	do {
		for (; n < ROUND_MAX && g->budget && virtq_pop(q, &g->chain) == 1; n++) {
			uint32_t len = one(g, q->index);
			if (q->index == CONTROLQ && g->line)
				virtq_unpop(q); /* it comes again */
			else
				virtq_push(q, g->chain.head, len);
		}
	} while (n < ROUND_MAX && g->budget && virtq_rearm(q));
	virtq_flush(q);
	if (n == ROUND_MAX || !g->budget)
		virtq_ring(q);
}

static void config_write(struct virtio_dev *v, unsigned off, uint8_t val)
{
	if (off >= CFG_EVENTS_CLEAR && off < CFG_EVENTS_CLEAR + 4)
		v->config[CFG_EVENTS_READ + off - CFG_EVENTS_CLEAR] &= (uint8_t)~val;
}

static void forget(struct virtio_dev *v)
{
	struct virtio_vga *g = (struct virtio_vga *)v;
	show_vga(g);
	gpu_resources_clear(&g->resources);
	g->line = 0;
	v->config[CFG_EVENTS_READ] = 0;
}

/* --- display --- */

static void refresh(struct dev *d)
{
	if (!((struct virtio_vga *)d)->shown)
		vga_refresh(d);
}

static bool text(struct dev *d, struct text_screen *t)
{
	return !((struct virtio_vga *)d)->shown && vga_text_cells(d, t);
}

static void wish(struct dev *d, unsigned width, unsigned height)
{
	struct virtio_vga *g = (struct virtio_vga *)d;
	if (g->width == width && g->height == height)
		return;
	g->width = width;
	g->height = height;
	vga_wish(&g->vga, width, height);
	g->v.config[CFG_EVENTS_READ] |= EVENT_DISPLAY;
	virtio_config_changed(&g->v);
}

static const struct display_ops screen_ops = {.refresh = refresh, .text = text, .wish = wish};

/* --- life --- */

static const struct virtio_class gpu_class = {
	.type = 16,
	.class_rev = 0x03000000,
	.queue_size = QUEUE_SIZE,
	.msix_bar = 4, /* 0 and 2 are the VGA's */
	.notify = notify,
	.reset = forget,
	.config_write = config_write,
};

static int gpu_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	struct virtio_vga *g = (struct virtio_vga *)d;
	const struct domain_video *video = def->video;
	g->v.class = &gpu_class;
	g->v.offered = 1ull << F_EDID;
	g->v.config_len = CFG_LEN;
	g->v.config[CFG_SCANOUTS] = 1;
	g->width = video && video->width ? video->width : VGA_PREFERRED_WIDTH;
	g->height = video && video->height ? video->height : VGA_PREFERRED_HEIGHT;
	int rc = virtio_init(&g->v, def, QUEUES, e);
	if (rc || (rc = vga_init(&g->vga, &g->v.pci, video, e)))
		return rc;
	return display_attach(display(g), d, &screen_ops, e);
}

static void gpu_reset(struct dev *d)
{
	virtio_reset((struct virtio_dev *)d);
	vga_reset(virtio_vga_of(d));
}

static void gpu_dump(const struct dev *d, FILE *f)
{
	const struct virtio_vga *g = (const struct virtio_vga *)d;
	virtio_dump(&g->v, f);
	fprintf(f, "shown %u resources of %llu bytes\n", g->shown, (unsigned long long)g->resources.bytes);
	vga_dump(&g->vga, f);
}

static void gpu_done(struct dev *d)
{
	struct virtio_vga *g = (struct virtio_vga *)d;
	display_detach(d->m->display, d);
	gpu_resources_clear(&g->resources);
	vga_done(&g->vga);
	virtio_done(&g->v);
}

const struct dev_type virtio_vga_type = {
	.model = "virtio-vga",
	.summary = "GPU for two dimensions, with a VGA for firmware (virtio)",
	.bus = DEV_BUS_PCI,
	.size = sizeof(struct virtio_vga),
	.init = gpu_init,
	.reset = gpu_reset,
	.dump = gpu_dump,
	.done = gpu_done,
};
