#include "ui/tui/page_domain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "src/cmd/net_text.h"
#include "src/cmd/screen_text.h"
#include "ui/tui/columns.h"
#include "ui/tui/why.h"

struct page_domain {
	char uuid[UUID_TEXT];
	struct domain *def; /* NULL: could not be read, see trouble */
	char trouble[256];
	enum domain_state state; /* that it was read in */
	bool has_screen;
	struct screen_info screen; /* now */
	struct why why;
	int top, lines, seen;
};

static void load(struct view *v)
{
	struct page_domain *p = v->state;
	struct backend *b = v->deck->backend;
	AUTO_FREE char *text = NULL;
	struct err e = {0};
	domain_free(p->def);
	p->def = NULL;
	p->trouble[0] = 0;
	if (b->ops->domain_xml(b, p->uuid, 0, &text, &e) ||
	    domain_parse(text, strlen(text), "its XML", &p->def, &e))
		str_printable(e.msg, p->trouble, sizeof(p->trouble));
}

static void domain_update(struct view *v)
{
	struct page_domain *p = v->state;
	const struct figure *g = snapshot_find(deck_snapshot(v->deck), p->uuid);
	const struct backend_ops *ops = v->deck->backend->ops;
	p->has_screen = g && g->d->state & DOMAIN_ACTIVE &&
			!ops->domain_screen(v->deck->backend, p->uuid, &p->screen, NULL);
	if (g && (g->d->state != p->state || (!p->def && !*p->trouble))) {
		p->state = g->d->state;
		load(v);
	}
	why_look(&p->why, v->deck, g, p->def);
}

/* Lines of the page; what lies above the top is only counted. */
struct lines {
	struct page_domain *p;
	const struct area *a;
	int at;
};

static struct area next_line(struct lines *l)
{
	int row = l->at++ - l->p->top;
	return area_sub(l->a, row, 0, row < 0 ? 0 : 1, l->a->cols);
}

static void section(struct lines *l, const char *title)
{
	if (l->at)
		next_line(l);
	struct area a = next_line(l);
	int n = area_text(&a, 0, 1, -1, theme(ROLE_COLUMNS), title);
	for (int i = n + 2; i < a.cols - 1; i++)
		area_text(&a, 0, i, 1, theme(ROLE_FRAME), "─");
}

static void __attribute__((format(printf, 4, 5)))
field(struct lines *l, const char *label, enum role role, const char *fmt, ...)
{
	AUTO_BUF struct buf b = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	struct area a = next_line(l);
	area_field(&a, 0, 1, 14, false, theme(ROLE_DIM), label);
	area_field(&a, 0, 16, a.cols - 17, false, theme(role), buf_text(&b));
}

/* As many lines as it takes. */
static void paragraph(struct lines *l, const char *label, enum role role, const char *text)
{
	const char *next;
	for (const char *p = text; *p; p = next) {
		size_t n;
		next = text_line(p, l->a->cols - 17 > 20 ? l->a->cols - 17 : 20, &n);
		field(l, p == text ? label : "", role, "%.*s", (int)n, p);
	}
}

static void draw_state(struct lines *l, struct view *v, const struct figure *g)
{
	const struct sample_domain *d = g->d;
	char mem[FMT_MAX], rss[FMT_MAX], up[FMT_MAX];
	section(l, "State");
	AUTO_FREE char *reason =
	    d->reason && !str_eq(domain_reason_text(d->reason), domain_state_text(d->state))
		? x_asprintf(" (%s)", domain_reason_text(d->reason))
		: x_strdup("");
	field(l, "State", state_role(d->state), "%s%s%s%s", domain_state_text(d->state), reason,
	      *d->detail ? ": " : "", d->detail);
	if (d->state & DOMAIN_ACTIVE) {
		int64_t ms = deck_snapshot(v->deck)->now.wall_ms - d->started_ms;
		field(l, "Id, uptime", ROLE_NORMAL, "%d, %s", d->id,
		      fmt_duration(ms > 0 ? ms / 1000 : 0, up));
		field(l, "Memory", ROLE_NORMAL, "%s, of which the host holds %s",
		      fmt_bytes(d->memory_bytes, mem),
		      d->rss_bytes ? fmt_bytes(d->rss_bytes, rss) : "an unknown part");
		if (g->rates.cpu.quality == STAT_STALE)
			field(l, "Figures", ROLE_WARNING, "the guest's process has not answered for %u s",
			      g->stale_s);
	} else {
		field(l, "Memory", ROLE_NORMAL, "%s", fmt_bytes(d->memory_bytes, mem));
	}
	const struct diagnosis *why = &((struct page_domain *)v->state)->why.now;
	paragraph(l, "It does", why->trouble ? ROLE_WARNING : ROLE_NORMAL, why->what);
	paragraph(l, "What to do", ROLE_DIM, why->remedy);
	field(l, "Defined", ROLE_NORMAL, "%s%s", d->persistent ? "yes" : "no, only while it runs",
	      d->autostart ? ", starts with the host" : "");
	field(l, "UUID", ROLE_NORMAL, "%s", d->uuid);
}

static void draw_screen(struct lines *l, const struct page_domain *p)
{
	const struct screen_info *s = &p->screen;
	if (!p->has_screen)
		return;
	section(l, "Display");
	AUTO_FREE char *where = screen_where(s);
	field(l, "VNC", ROLE_NORMAL, "%s%s", where,
	      *s->passwd ? ", with a password: d shows it" : ", without a password");
	AUTO_BUF struct buf b = {0};
	for (unsigned i = 0; i < s->nviewers && i < SCREEN_VIEWERS_MAX; i++) {
		char sent[FMT_MAX];
		const struct screen_viewer *w = &s->viewers[i];
		buf_printf(&b, "%s%s (%s%s%s sent)", i ? ", " : "", *w->host ? w->host : "a local program",
			   w->viewonly ? "watches only, " : "", w->websocket ? "browser, " : "",
			   fmt_bytes(w->sent_bytes, sent));
	}
	if (s->nviewers)
		field(l, "Viewers", ROLE_NORMAL, "%u: %s", s->nviewers, buf_text(&b));
	else
		field(l, "Viewers", ROLE_DIM, "none");
}

static void draw_cpu(struct lines *l, const struct figure *g)
{
	if (!(g->d->state & DOMAIN_ACTIVE))
		return;
	section(l, "Processor");
	char cpu[FMT_MAX], exits[FMT_MAX];
	struct area a = next_line(l);
	area_field(&a, 0, 1, 14, false, theme(ROLE_DIM), "%CPU");
	area_printf(&a, 0, 16, theme(ROLE_STRONG), "%6s", rate_text(g->rates.cpu, false, cpu));
	float values[HISTORY_LEN];
	for (size_t i = 0; i < g->nhistory; i++)
		values[i] = g->d->vcpus ? g->history[i] / (100.0f * g->d->vcpus) : -1;
	area_spark(&a, 0, 26, a.cols - 28 < 60 ? a.cols - 28 : 60, values, g->nhistory, theme(ROLE_METER));
	for (unsigned i = 0; i < g->d->vcpus && i < DOMAIN_VCPUS_MAX; i++) {
		struct area r = next_line(l);
		double v = g->vcpu[i].quality == STAT_DATA ? g->vcpu[i].value / 100 : 0;
		area_printf(&r, 0, 1, theme(ROLE_DIM), "vCPU %u", i);
		area_printf(&r, 0, 16, theme(ROLE_NORMAL), "%6s", rate_text(g->vcpu[i], false, cpu));
		area_bar(&r, 0, 26, 20, v, theme(v > 0.9 ? ROLE_METER_HIGH : ROLE_METER),
			 theme(ROLE_METER_REST));
		area_printf(&r, 0, 49, theme(ROLE_DIM), "%s exits/s",
			    rate_text(g->vcpu_exits[i], false, exits));
	}
}

static void draw_disks(struct lines *l, const struct figure *g)
{
	if (!g->d->ndisks)
		return;
	section(l, "Disks            read/s   ops/s   write/s   ops/s   errors");
	for (unsigned i = 0; i < g->d->ndisks && i < 8; i++) {
		const struct device_rates *r = &g->disks[i];
		char a[FMT_MAX], b[FMT_MAX], c[FMT_MAX], d[FMT_MAX];
		struct area line = next_line(l);
		area_field(&line, 0, 1, 14, false, theme(ROLE_DIM), g->d->disks[i].name);
		area_printf(&line, 0, 16, theme(ROLE_NORMAL), "%8s%8s%10s%8s",
			    rate_text(r->rd_bytes, true, a), rate_text(r->rd_ops, false, b),
			    rate_text(r->wr_bytes, true, c), rate_text(r->wr_ops, false, d));
		area_printf(&line, 0, 50, theme(g->d->disks[i].errors ? ROLE_ERROR : ROLE_DIM), "%9llu",
			    (unsigned long long)g->d->disks[i].errors);
	}
}

static void draw_nets(struct lines *l, const struct figure *g)
{
	if (!g->d->nnets)
		return;
	section(l, "Network            rx/s  pkts/s      tx/s  pkts/s   errors    drops");
	for (unsigned i = 0; i < g->d->nnets && i < DOMAIN_INTERFACES_MAX; i++) {
		const struct net_rates *r = &g->nets[i];
		const struct stat_net *n = &g->d->nets[i];
		char a[FMT_MAX], b[FMT_MAX], c[FMT_MAX], d[FMT_MAX];
		struct area line = next_line(l);
		area_field(&line, 0, 1, 14, false, theme(ROLE_DIM), n->name);
		area_printf(&line, 0, 16, theme(ROLE_NORMAL), "%8s%8s%10s%8s",
			    rate_text(r->rx_bytes, true, a), rate_text(r->rx_packets, false, b),
			    rate_text(r->tx_bytes, true, c), rate_text(r->tx_packets, false, d));
		area_printf(&line, 0, 50, theme(n->rx_errors + n->tx_errors ? ROLE_ERROR : ROLE_DIM), "%9llu",
			    (unsigned long long)(n->rx_errors + n->tx_errors));
		area_printf(&line, 0, 59, theme(ROLE_DIM), "%9llu%s",
			    (unsigned long long)(n->rx_drop + n->tx_drop), n->link ? "" : "  link down");
	}
}

static const char *plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

static void draw_definition(struct lines *l, const struct page_domain *p)
{
	const struct domain *f = p->def;
	section(l, "Definition");
	if (!f) {
		field(l, "XML", ROLE_WARNING, "%s", *p->trouble ? p->trouble : "not read yet");
		return;
	}
	if (f->title)
		field(l, "Title", ROLE_NORMAL, "%s", f->title);
	if (f->description)
		field(l, "Description", ROLE_NORMAL, "%s", f->description);
	field(l, "Machine", ROLE_NORMAL, "%s, %u of %u vCPU%s (%u socket%s, %u core%s, %u thread%s)",
	      f->machine ? f->machine : "pc", f->vcpus, f->max_vcpus, plural(f->max_vcpus), f->sockets,
	      plural(f->sockets), f->cores, plural(f->cores), f->threads, plural(f->threads));
	if (!f->kernel) {
		AUTO_FREE char *firmware = domain_firmware_text(f), *boot = domain_boot_text(f, false);
		field(l, "Firmware", ROLE_NORMAL, "%s", firmware);
		field(l, "Boots", ROLE_NORMAL, "%s", boot);
	}
	if (f->kernel)
		field(l, "Kernel", ROLE_NORMAL, "%s", f->kernel);
	if (f->initrd)
		field(l, "Initrd", ROLE_NORMAL, "%s", f->initrd);
	if (f->cmdline)
		field(l, "Command line", ROLE_NORMAL, "%s", f->cmdline);
	for (size_t i = 0; i < f->ndisks; i++) {
		const struct domain_disk *d = &f->disks[i];
		field(l, d->target, ROLE_NORMAL, "%s (%s, %s%s)", d->source ? d->source : "empty",
		      d->bus ? d->bus : "", d->format ? d->format : "raw", d->readonly ? ", read-only" : "");
	}
	for (size_t i = 0; i < f->ninterfaces; i++) {
		const struct domain_interface *n = &f->interfaces[i];
		char name[16], mac[DOMAIN_MAC_TEXT];
		field(l, domain_interface_name(f, i, name), ROLE_NORMAL, "%s%s (%s%s)",
		      n->type == INTERFACE_BRIDGE ? "bridge " : "user-mode network",
		      n->bridge ? n->bridge : "", domain_mac_text(n->mac, mac),
		      n->link_down ? ", cable pulled" : "");
		for (size_t k = 0; k < n->nforwards; k++) {
			AUTO_FREE char *text = net_forward_text(&n->forwards[k]);
			field(l, "  forwarded", ROLE_NORMAL, "%s of the guest", text);
		}
	}
	AUTO_FREE char *ssh = net_ssh_text(f);
	if (ssh)
		field(l, "Into the guest", ROLE_NORMAL, "%s", ssh);
	if (f->graphics && p->has_screen && p->screen.port)
		f->graphics->port = p->screen.port; /* that it has, where the XML leaves it to us */
	AUTO_FREE char *screen = domain_screen_text(f);
	field(l, "Screen", ROLE_NORMAL, "%s", screen);
	field(l, "At the end", ROLE_NORMAL, "power off: %s, reboot: %s, crash: %s",
	      domain_action_text(f->on_poweroff), domain_action_text(f->on_reboot),
	      domain_action_text(f->on_crash));
	for (size_t i = 0; i < f->nnotes; i++)
		field(l, f->notes[i].blocks_start ? "Cannot start" : "Note",
		      f->notes[i].blocks_start ? ROLE_ERROR : ROLE_DIM, "%s", f->notes[i].text);
}

static void domain_draw(struct view *v, const struct area *a)
{
	struct page_domain *p = v->state;
	const struct figure *g = snapshot_find(deck_snapshot(v->deck), p->uuid);
	struct area body = area_sub(a, 1, 0, a->rows - 1, a->cols);
	area_title(a, g ? g->d->name : "(gone)");
	if (!g) {
		area_text(&body, 1, 2, -1, theme(ROLE_WARNING), "This guest is no longer there.");
		return;
	}
	p->seen = body.rows;
	if (p->top > p->lines - p->seen)
		p->top = p->lines > p->seen ? p->lines - p->seen : 0;
	struct lines l = {p, &body, 0};
	draw_state(&l, v, g);
	draw_screen(&l, p);
	draw_cpu(&l, g);
	draw_disks(&l, g);
	draw_nets(&l, g);
	draw_definition(&l, p);
	p->lines = l.at;
	if (p->top + p->seen < p->lines && a->cols > 24)
		area_text(a, 0, a->cols - 10, -1, theme(ROLE_DIM), " more ▼ ");
}

static void domain_move(struct view *v, enum move m)
{
	struct page_domain *p = v->state;
	static const int by[] = {-1, 1, -10, 10, -100000, 100000};
	p->top += by[m];
	if (p->top > p->lines - p->seen)
		p->top = p->lines - p->seen;
	if (p->top < 0)
		p->top = 0;
}

static bool domain_mouse(struct view *v, const struct vt_mouse *m, const struct area *a)
{
	if (m->button == VT_BUTTON_WHEEL_UP || m->button == VT_BUTTON_WHEEL_DOWN)
		domain_move(v, m->button == VT_BUTTON_WHEEL_UP ? MOVE_UP : MOVE_DOWN);
	return true;
}

static enum scope domain_scope(struct view *v)
{
	return SCOPE_DOMAIN;
}

static const char *domain_target(struct view *v)
{
	return ((struct page_domain *)v->state)->uuid;
}

static void domain_done(struct view *v)
{
	struct page_domain *p = v->state;
	why_done(&p->why);
	domain_free(p->def);
}

static const struct view_ops page_domain_ops = {
    .name = "domain",
    .state_size = sizeof(struct page_domain),
    .update = domain_update,
    .draw = domain_draw,
    .scope = domain_scope,
    .move = domain_move,
    .mouse = domain_mouse,
    .target = domain_target,
    .done = domain_done,
};

void page_domain_open(struct deck *d, const char *uuid)
{
	char key[UUID_TEXT];
	memcpy(key, uuid, UUID_TEXT);
	struct view *v = deck_push(d, &page_domain_ops);
	if (!v)
		return;
	memcpy(((struct page_domain *)v->state)->uuid, key, UUID_TEXT);
	domain_update(v);
}
