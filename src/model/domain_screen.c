/* What a person sees and works a guest by: <video> and <input>, with the <graphics> of domain_graphics.c.
 * (libvirt, "Domain XML format", "Video devices", "Input devices")
 *
 * One screen, seen by VNC. What XML asks beyond it is given the nearest thing that we have, with a note, and
 * stays in the document as it was. What libvirt adds to a domain with <graphics> is added here: a <video>,
 * and where there is no <input> at all, keyboard, mouse and a tablet. */
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"

#define VIDEO_SLOT 2 /* where libvirt puts it, and X once looked for it */
#define VRAM_DEFAULT (16ull << 20)
#define VRAM_MIN (1ull << 20)
#define VRAM_MAX (64ull << 20)
#define WIDTH_MAX 2560
#define HEIGHT_MAX 1600
#define NUMBER_MAX 1000000 /* of pixels, heads: sane */

/* --- video --- */

static int parse_vram(struct domain *d, struct domain_video *v, struct xml_node *m, struct err *e)
{
	bool qxl = str_eq(xml_attr(m, "type"), "qxl"); /* whose other memories are for its own commands */
	uint64_t kib = 0;
	v->vram_bytes = VRAM_DEFAULT;
	int rc = xml_get_u64(m, "vram", 0, UINT32_MAX, &kib, e);
	if (!rc && qxl) {
		kib = 0;
		rc = xml_get_u64(m, "vgamem", 0, UINT32_MAX, &kib, e);
	}
	if (rc || !kib)
		return rc;
	v->vram_bytes = VRAM_MIN;
	while (v->vram_bytes < kib << 10 && v->vram_bytes < VRAM_MAX)
		v->vram_bytes *= 2;
	if (v->vram_bytes < kib << 10 && v->model == VIDEO_VGA)
		domain_note(d, m, false,
			    "devices/video: %llu KiB of memory are more than the VGA has: it gets %llu MiB",
			    (unsigned long long)kib, VRAM_MAX >> 20);
	return 0;
}

static int parse_resolution(struct domain *d, struct domain_video *v, struct xml_node *m, struct err *e)
{
	struct xml_node *r = xml_first(m, "resolution");
	if (!r)
		return 0;
	if (!xml_attr(r, "x") || !xml_attr(r, "y"))
		return xml_bad(r, xml_attr(r, "x") ? "y" : "x", e, "missing: x and y are needed");
	int rc = xml_get_unsigned(r, "x", 1, NUMBER_MAX, &v->width, e);
	if (!rc)
		rc = xml_get_unsigned(r, "y", 1, NUMBER_MAX, &v->height, e);
	if (rc)
		return rc;
	if (v->width > WIDTH_MAX || v->height > HEIGHT_MAX || v->width < 640 || v->height < 400) {
		domain_note(d, r, false,
			    "devices/video: a resolution of %ux%u is not there, only 640x400 to %dx%d: not "
			    "asked of the guest",
			    v->width, v->height, WIDTH_MAX, HEIGHT_MAX);
		v->width = v->height = 0;
	}
	return 0;
}

static int parse_model(struct domain *d, struct domain_video *v, struct xml_node *m, bool *none,
		       struct err *e)
{
	enum { VGA, BOCHS, VIRTIO, NONE };
	unsigned type = VGA, heads = 1;
	v->vram_bytes = VRAM_DEFAULT;
	if (!m)
		return 0;
	int rc =
	    xml_get_choice(m, "type", "vga|bochs|virtio|none|cirrus|qxl|vmvga|xen|vbox|gop|ramfb", &type, e);
	if (!rc)
		rc = xml_get_unsigned(m, "heads", 1, NUMBER_MAX, &heads, e);
	if (rc)
		return rc;
	*none = type == NONE;
	v->model = type == VIRTIO ? VIDEO_VIRTIO : VIDEO_VGA;
	if (type > NONE)
		domain_note(d, m, false,
			    "devices/video: model '%s' is not there: the guest gets a standard VGA",
			    xml_attr(m, "type"));
	if (heads > 1)
		domain_note(d, m, false, "devices/video: %u heads: the guest gets one screen", heads);
	struct xml_node *a = xml_first(m, "acceleration");
	if (a && str_eq(xml_attr(a, "accel3d"), "yes"))
		domain_note(d, a, false,
			    "devices/video: 3D acceleration is not there: the guest draws by itself");
	rc = parse_vram(d, v, m, e);
	return rc ? rc : parse_resolution(d, v, m, e);
}

/* The first one marked primary='yes', or the first. */
static struct xml_node *primary_video(struct domain *d, struct xml_node *devices)
{
	struct xml_node *first = xml_first(devices, "video"), *chosen = NULL;
	for (struct xml_node *n = first; n && !chosen; n = xml_next(n, "video")) {
		struct xml_node *m = xml_first(n, "model");
		if (m && str_eq(xml_attr(m, "primary"), "yes"))
			chosen = n;
	}
	chosen = chosen ? chosen : first;
	for (struct xml_node *n = first; n; n = xml_next(n, "video"))
		if (n != chosen)
			domain_note(d, n, false, "devices/video: a second screen is not there: left out");
	return chosen;
}

static struct xml_node *add_video(struct xml_node *devices)
{
	struct xml_node *n = xml_add(devices, NULL, "video", NULL), *m = xml_add(n, NULL, "model", NULL);
	xml_set_attr(m, "type", "vga");
	xml_set_attr(m, "vram", "16384");
	xml_set_attr(m, "heads", "1");
	xml_set_attr(m, "primary", "yes");
	return n;
}

static int parse_video(struct domain *d, struct xml_node *devices, struct pci_users *users, struct err *e)
{
	struct xml_node *n = primary_video(d, devices);
	bool none = false;
	if (!n && d->graphics)
		n = add_video(devices);
	if (!n)
		return 0;
	d->video = x_calloc(1, sizeof(*d->video));
	int rc = parse_model(d, d->video, xml_first(n, "model"), &none, e);
	if (!rc && !none)
		pci_users_add(users, n, &d->video->addr, VIDEO_SLOT);
	if (rc || !none)
		return rc;
	free(d->video);
	d->video = NULL;
	if (d->graphics)
		domain_note(d, n, false,
			    "devices/graphics: with video 'none' there is no screen to see: left out");
	domain_free_graphics(d);
	return 0;
}

/* --- input --- */

static int parse_input(struct domain *d, struct xml_node *n, struct pci_users *users, struct err *e)
{
	enum { PS2, VIRTIO, USB };
	unsigned type = INPUT_KEYBOARD;
	if (!xml_attr(n, "type"))
		return xml_bad(n, "type", e, "missing: one of keyboard, mouse, tablet");
	/* The first in the order of enum input_type. */
	int rc = xml_get_choice(n, "type", "keyboard|mouse|tablet|passthrough|evdev", &type, e);
	unsigned bus = type == INPUT_TABLET ? VIRTIO : PS2;
	if (!rc && type > INPUT_TABLET) {
		domain_note(
		    d, n, false,
		    "devices/input: type '%s' is not there, devices of the host stay its own: left out",
		    xml_attr(n, "type"));
		return 0;
	}
	if (!rc)
		rc = xml_get_choice(n, "bus", "ps2|virtio|usb", &bus, e);
	if (rc)
		return rc;
	if (type == INPUT_TABLET && bus == PS2)
		return xml_bad(n, "bus", e,
			       "'ps2' is not allowed for a tablet: virtio, or usb, which is given virtio");
	struct domain_input *in = &d->inputs[d->ninputs++];
	in->type = (enum input_type)type;
	in->bus = bus == PS2 ? INPUT_PS2 : INPUT_VIRTIO;
	if (bus == USB)
		domain_note(d, n, false, "devices/input: a %s on bus 'usb' is given virtio",
			    xml_attr(n, "type"));
	if (in->bus == INPUT_VIRTIO) {
		pci_users_add(users, n, &in->addr, 0);
		const struct xml_node *a = xml_first(n, "address");
		users->of[users->n - 1].elsewhere = bus == USB || (a && str_eq(xml_attr(a, "type"), "usb"));
	}
	return 0;
}

static void add_input(struct xml_node *devices, const char *type, const char *bus)
{
	struct xml_node *n = xml_add(devices, NULL, "input", NULL);
	xml_set_attr(n, "type", type);
	xml_set_attr(n, "bus", bus);
}

/* Who removes the tablet from the XML keeps the mouse, and is not given the tablet anew. */
static void add_missing_inputs(struct domain *d, struct xml_node *devices)
{
	bool mouse = false, keyboard = false, any = xml_first(devices, "input");
	if (!d->graphics)
		return;
	for (struct xml_node *n = xml_first(devices, "input"); n; n = xml_next(n, "input")) {
		const char *bus = xml_attr(n, "bus");
		bool ps2 = !bus || str_eq(bus, "ps2");
		mouse = mouse || (ps2 && str_eq(xml_attr(n, "type"), "mouse"));
		keyboard = keyboard || (ps2 && str_eq(xml_attr(n, "type"), "keyboard"));
	}
	if (!any)
		add_input(devices, "tablet", "virtio");
	if (!mouse)
		add_input(devices, "mouse", "ps2");
	if (!keyboard)
		add_input(devices, "keyboard", "ps2");
}

int domain_parse_screen(struct domain *d, struct xml_node *devices, struct pci_users *users, struct err *e)
{
	int rc = domain_parse_graphics(d, devices, e);
	if (!rc)
		rc = parse_video(d, devices, users, e);
	if (rc)
		return rc;
	add_missing_inputs(d, devices);
	size_t most = 0;
	for (struct xml_node *n = xml_first(devices, "input"); n; n = xml_next(n, "input"))
		most++;
	d->inputs = x_calloc(most, sizeof(*d->inputs));
	for (struct xml_node *n = xml_first(devices, "input"); n && !rc; n = xml_next(n, "input"))
		rc = parse_input(d, n, users, e);
	return rc;
}
