#include "backend/vmm/diagnose.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/boot/firmware.h"
#include "backend/vmm/chardev.h"
#include "backend/vmm/dev/debugcon.h"
#include "backend/vmm/dev/ide.h"
#include "backend/vmm/dev/virtio_blk.h"
#include "backend/vmm/display/display.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/vcpu.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"

#define RESETS_KEPT 8
#define SAMPLE_LIMIT_MS 200 /* a vCPU that has not come out of the guest by then is stuck */
#define CONSOLE_TAIL 6144   /* a kernel's last words with their backtrace */
#define FIRMWARE_TAIL 2048
#define LOOK_LINES 4 /* every so many lines of a picture are looked at */

struct diagnose {
	uint64_t began_ns, reset_ns;
	struct {
		uint64_t ns;
		char why[64];
	} resets[RESETS_KEPT]; /* the newest is at (nresets - 1) % RESETS_KEPT */
	unsigned nresets;
	struct {
		uint64_t exits, since_ns; /* this many, since then */
	} still[DOMAIN_VCPUS_MAX];
};

static struct diagnose *diagnose(struct machine *m)
{
	if (!m->diagnose && (m->diagnose = calloc(1, sizeof(*m->diagnose))))
		m->diagnose->began_ns = m->diagnose->reset_ns = machine_now(m);
	return m->diagnose;
}

static const struct stats_vcpu *vcpu_stats(const struct machine *m, unsigned index)
{
	const struct stats_block *b = (const struct stats_block *)(m->stats + 1);
	for (unsigned i = 0; i < m->stats->nblocks; i++)
		if (b[i].kind == STATS_VCPU && b[i].vcpu.index == index)
			return &b[i].vcpu;
	return NULL;
}

static uint64_t exits_of(const struct stats_vcpu *s)
{
	return s ? __atomic_load_n(&s->exits, __ATOMIC_RELAXED) : 0;
}

bool diagnose_beat(struct machine *m)
{
	bool busy = false;
	struct diagnose *d = diagnose(m);
	uint64_t now = machine_now(m);
	for (unsigned i = 0; d && i < vcpus_count(m) && i < DOMAIN_VCPUS_MAX; i++) {
		uint64_t exits = exits_of(vcpu_stats(m, i));
		if (exits == d->still[i].exits && d->still[i].since_ns)
			continue;
		d->still[i].exits = exits;
		d->still[i].since_ns = now;
		busy = true;
	}
	return busy;
}

void diagnose_reset(struct machine *m, const char *why)
{
	struct diagnose *d = diagnose(m);
	if (!d)
		return;
	d->reset_ns = machine_now(m);
	d->resets[d->nresets % RESETS_KEPT].ns = d->reset_ns;
	snprintf(d->resets[d->nresets++ % RESETS_KEPT].why, sizeof(d->resets[0].why), "%s", why);
	memset(d->still, 0, sizeof(d->still));
}

void diagnose_done(struct machine *m)
{
	free(m->diagnose);
	m->diagnose = NULL;
}

static int64_t ms_since(const struct machine *m, uint64_t ns)
{
	return (int64_t)((machine_now(m) - ns) / 1000000);
}

static void add_resets(struct machine *m, const struct diagnose *d, json_t *j)
{
	json_t *list = json_array();
	json_set_int(j, "uptime-ms", ms_since(m, d->began_ns));
	json_set_int(j, "since-reset-ms", ms_since(m, d->reset_ns));
	json_set_int(j, "resets", d->nresets);
	for (unsigned i = d->nresets > RESETS_KEPT ? d->nresets - RESETS_KEPT : 0; i < d->nresets; i++) {
		json_t *r = json_object();
		json_set_int(r, "ago-ms", ms_since(m, d->resets[i % RESETS_KEPT].ns));
		json_set_str(r, "why", d->resets[i % RESETS_KEPT].why);
		json_array_append_new(list, r);
	}
	json_set_take(j, "recent-resets", list);
}

static json_t *vcpu_json(struct machine *m, const struct diagnose *d, unsigned i, const struct vcpu_sample *s)
{
	static const char *const states[] = {[VCPU_UNKNOWN] = "unknown",
					     [VCPU_PARKED] = "parked",
					     [VCPU_RUNS] = "running",
					     [VCPU_HALTED] = "halted",
					     [VCPU_WAITS] = "waiting"};
	const struct stats_vcpu *st = vcpu_stats(m, i);
	uint64_t exits = exits_of(st);
	char address[24];
	json_t *j = json_object();
	json_set_str(j, "state", states[s->state]);
	json_set_int(j, "exits", (int64_t)exits);
	json_set_int(j, "io", st ? (int64_t)(st->pio + st->mmio) : 0);
	json_set_int(j, "still-ms",
		     d->still[i].since_ns && d->still[i].exits == exits ? ms_since(m, d->still[i].since_ns)
									: 0);
	if (s->state == VCPU_UNKNOWN || s->state == VCPU_PARKED)
		return j;
	snprintf(address, sizeof(address), "0x%llx", (unsigned long long)s->address);
	json_set_str(j, "address", address);
	json_set_int(j, "bits", s->bits);
	json_set_flag(j, "user", s->user);
	json_set_flag(j, "interrupts", s->interrupts);
	json_set_int(j, "port", s->port);
	return j;
}

static void add_vcpus(struct machine *m, const struct diagnose *d, json_t *j)
{
	struct vcpu_sample samples[DOMAIN_VCPUS_MAX];
	json_t *list = json_array();
	if (m->vcpus && vcpus_count(m) <= DOMAIN_VCPUS_MAX)
		vcpus_sample(m, samples, SAMPLE_LIMIT_MS);
	for (unsigned i = 0; i < vcpus_count(m) && i < DOMAIN_VCPUS_MAX; i++)
		json_array_append_new(list, vcpu_json(m, d, i, &samples[i]));
	json_set_take(j, "vcpus", list);
}

static void add_console(const struct machine *m, json_t *j)
{
	AUTO_BUF struct buf tail = {0};
	struct chardev_said said;
	if (!m->consoles[0])
		return;
	chardev_said(m->consoles[0], &said, &tail, CONSOLE_TAIL);
	json_t *c = json_object();
	json_set_int(c, "bytes", (int64_t)said.bytes);
	json_set_int(c, "ago-ms", said.ago_ms);
	for (size_t i = 0; i < tail.len; i++) /* ASCII is all that is searched for */
		tail.s[i] = tail.s[i] > 0 && tail.s[i] < 0x7f ? tail.s[i] : '?';
	json_set_str(c, "tail", buf_text(&tail));
	json_set_take(j, "console", c);
}

/* A text screen as lines of ASCII, which is all that is searched for. */
static bool text_of(struct display *d, struct buf *out)
{
	AUTO_FREE struct text_screen *t = malloc(sizeof(*t));
	if (!t || !display_text(d, t))
		return false;
	for (unsigned row = 0; row < t->rows; row++) {
		const struct text_cell *c = t->cells + (size_t)row * t->cols;
		unsigned n = t->cols;
		while (n && (c[n - 1].ch <= ' ' || c[n - 1].ch == 0xff ||
			     (c[n - 1].attr & 15) == c[n - 1].attr >> 4))
			n--;
		for (unsigned i = 0; i < n; i++)
			buf_add(out, c[i].ch >= ' ' && c[i].ch < 0x7f ? (const char *)&c[i].ch : " ", 1);
		buf_puts(out, "\n");
	}
	return true;
}

/* Is it of one colour, but for a cursor's height? */
static bool one_colour(const struct surface *s)
{
	for (unsigned y = 0; y < s->height; y += LOOK_LINES) {
		const uint8_t *line = s->pixels + (size_t)y * s->stride;
		for (unsigned x = 0; x < s->width; x++)
			if (memcmp(line + 4 * (size_t)x, s->pixels, 3) != 0)
				return false;
	}
	return true;
}

static void add_screen(const struct machine *m, json_t *j)
{
	AUTO_BUF struct buf text = {0};
	if (!m->display)
		return;
	json_t *s = json_object();
	if (text_of(m->display, &text)) {
		const char *p = buf_text(&text);
		json_set_str(s, "mode", "text");
		json_set_flag(s, "blank", !p[strspn(p, " \n")]);
		json_set_str(s, "text", p);
	} else {
		display_refresh(m->display);
		const struct surface *now = display_surface(m->display);
		json_set_str(s, "mode", now ? "graphics" : "off");
		json_set_flag(s, "blank", !now || one_colour(now));
	}
	json_set_take(j, "screen", s);
}

static void add_disk(const struct machine *m, json_t *j)
{
	const char *what = NULL, *name = NULL, *asked = NULL;
	uint64_t oldest = 0;
	struct dev *ide = dev_find(m, "ide");
	for (size_t i = 0; m->domain && i < m->domain->ndisks; i++) {
		const char *target = m->domain->disks[i].target;
		const struct ide_drive *drive = ide ? ide_drive(ide, target) : NULL;
		struct dev *virtio = drive ? NULL : dev_find(m, target);
		uint64_t ns = drive    ? ide_oldest(drive, &asked)
			      : virtio ? virtio_blk_oldest(virtio, &asked)
				       : 0;
		if (!ns || (oldest && ns >= oldest))
			continue;
		oldest = ns;
		name = target;
		what = asked;
	}
	if (!oldest)
		return;
	json_t *d = json_object();
	json_set_str(d, "name", name);
	json_set_str(d, "what", what);
	json_set_int(d, "ms", ms_since(m, oldest));
	json_set_take(j, "disk", d);
}

/* The first disk whose flushes fail for good. */
static void add_lost(const struct machine *m, json_t *j)
{
	const struct stats_block *b = (const struct stats_block *)(m->stats + 1);
	for (unsigned i = 0; i < m->stats->nblocks; i++) {
		if (b[i].kind != STATS_DISK || !b[i].disk.lost)
			continue;
		json_t *d = json_object();
		json_set_str(d, "name", b[i].name);
		json_set_str(d, "why", strerror((int)b[i].disk.lost));
		json_set_take(j, "lost-disk", d);
		return;
	}
}

static void add_firmware(struct machine *m, json_t *j)
{
	AUTO_BUF struct buf log = {0};
	if (!m->firmware || !debugcon_log(m, &log))
		return;
	json_t *f = json_object();
	json_set_flag(f, "no-bootable-device", firmware_gave_up(&log));
	buf_drop(&log, log.len > FIRMWARE_TAIL ? log.len - FIRMWARE_TAIL : 0);
	json_set_str(f, "log", buf_text(&log));
	json_set_take(j, "firmware", f);
}

int diagnose_facts(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	const struct diagnose *d = diagnose(m);
	if (!d)
		return err_set(e, ENOMEM, "out of memory");
	*ret = json_object();
	json_set_str(*ret, "detail", m->request_detail);
	add_resets(m, d, *ret);
	add_vcpus(m, d, *ret);
	pthread_mutex_lock(&m->lock);
	add_console(m, *ret);
	add_screen(m, *ret);
	add_disk(m, *ret);
	add_lost(m, *ret);
	add_firmware(m, *ret);
	pthread_mutex_unlock(&m->lock);
	return 0;
}
