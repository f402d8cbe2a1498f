/* The rules, first what explains most. Each looks at the facts, and writes its sentences when it fits. */
#include "src/model/diagnosis.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "src/base/str.h"
#include "src/model/diagnosis_text.h"

#define SAME_PLACE 192 /* bytes of code that a loop has */
#define DISK_MS 2000   /* a disk that takes longer is waited for */
#define QUIET_MS 5000  /* silent for so long: worth a word */
#define RESETS_MIN 3   /* a loop */
#define MISSED_MIN 3   /* so often it did not come out of the kernel */

static void say(char *to, size_t n, const char *fmt, va_list ap)
{
	vsnprintf(to, n, fmt, ap);
}

static bool __attribute__((format(printf, 4, 5)))
found(struct diagnosis *d, enum diagnosis_kind kind, bool trouble, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(d->what, sizeof(d->what), fmt, ap);
	va_end(ap);
	d->kind = kind;
	d->trouble = trouble;
	d->remedy[0] = 0;
	return true;
}

static void __attribute__((format(printf, 2, 3))) remedy(struct diagnosis *d, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(d->remedy, sizeof(d->remedy), fmt, ap);
	va_end(ap);
}

static char *span(int64_t ms, char out[FMT_MAX])
{
	return fmt_duration(ms > 0 ? (uint64_t)ms / 1000 : 0, out);
}

static const char *detail_of(const struct diagnosis_facts *f)
{
	return f->detail && *f->detail ? f->detail : f->pause_detail;
}

/* --- states --- */

static bool ended(const struct diagnosis_facts *f, struct diagnosis *d)
{
	if (f->state & DOMAIN_ACTIVE)
		return false;
	bool failed = f->reason == DOMAIN_REASON_FAILED, crashed = f->state == DOMAIN_CRASHED;
	const char *why = f->detail && *f->detail ? f->detail : "its log may tell more";
	if (!failed && !crashed && strstr(why, "triple fault"))
		return found(d, DIAGNOSIS_ENDED, true, "It was ended by a %s.", why);
	if (!failed && !crashed)
		return found(d, DIAGNOSIS_NONE, false, "%s", "");
	found(d, DIAGNOSIS_ENDED, true, failed ? "It could not be started: %s." : "It has crashed: %s.", why);
	if (crashed)
		remedy(d, "See its last words: vmdeck console %s --log.", f->name);
	return true;
}

static bool paused(const struct diagnosis_facts *f, struct diagnosis *d)
{
	if (f->state != DOMAIN_PAUSED)
		return false;
	const char *detail = detail_of(f), *more = *detail ? ": " : "";
	switch (f->reason) {
	case DOMAIN_REASON_IOERROR:
		found(d, DIAGNOSIS_IOERROR, true,
		      "It is paused since the host could not do what a disk asked for%s%s.", more, detail);
		remedy(d,
		       "Put that right on the host, then vmdeck resume %s: the request is tried again, "
		       "nothing is lost.",
		       f->name);
		return true;
	case DOMAIN_REASON_CRASHED:
		found(d, DIAGNOSIS_PAUSED, true,
		      "It has crashed and is kept as it was, since on_crash is preserve%s%s.", more, detail);
		remedy(d, "To let it begin anew: vmdeck reset %s; to end it: vmdeck destroy %s.", f->name,
		       f->name);
		return true;
	case DOMAIN_REASON_SHUTDOWN:
		found(d, DIAGNOSIS_PAUSED, false,
		      "It has ended by itself and is kept as it was, as its XML asks for (preserve).");
		remedy(d, "To let it begin anew: vmdeck reset %s; to end it: vmdeck destroy %s.", f->name,
		       f->name);
		return true;
	case DOMAIN_REASON_STARTING:
		found(d, DIAGNOSIS_PAUSED, false, "It was started paused, and has not run yet.");
		break;
	default:
		found(d, DIAGNOSIS_PAUSED, false, "It is paused, by a command.");
	}
	remedy(d, "To let it go on: vmdeck resume %s.", f->name);
	return true;
}

static bool unanswered(const struct diagnosis_facts *f, struct diagnosis *d)
{
	if (!f->unanswered)
		return false;
	found(d, DIAGNOSIS_UNANSWERED, true,
	      "Its process does not answer: it is stopped, or stuck in the host's kernel.");
	remedy(d,
	       "Look for a process vmdeck-vmm in state T or D (ps), and for a storage of the host that hangs "
	       "(dmesg); "
	       "vmdeck destroy %s ends it in any case.",
	       f->name);
	return true;
}

/* --- the host --- */

static bool disk_waits(const struct diagnosis_facts *f, struct diagnosis *d)
{
	char time[FMT_MAX];
	if (f->disk_ms < DISK_MS)
		return false;
	found(d, DIAGNOSIS_DISK, true, "It waits for disk '%s': the host has not answered a %s for %s.",
	      f->disk, f->disk_what, span(f->disk_ms, time));
	remedy(
	    d,
	    "Look at the host's storage (dmesg, iostat -x 1); when that answers again, so does the guest.");
	return true;
}

static bool disk_lost(const struct diagnosis_facts *f, struct diagnosis *d)
{
	if (!*f->lost)
		return false;
	found(d, DIAGNOSIS_LOST, true,
	      "The host could not write what it held for disk '%s' (%s): what the guest takes for written may be "
	      "lost, and every flush fails since.",
	      f->lost, f->lost_why);
	remedy(d,
	       "Look at the host's storage (dmesg). Then shut the guest down and start it anew, which opens the "
	       "image again, and have it check its file systems.");
	return true;
}

static bool stuck(const struct diagnosis_facts *f, struct diagnosis *d)
{
	for (unsigned i = 0; i < f->ncpus; i++) {
		if (f->cpus[i].missed < MISSED_MIN)
			continue;
		found(d, DIAGNOSIS_STUCK, true,
		      "CPU %u does not come back from the host's kernel: its thread is stopped, or waits for "
		      "memory that the host does not bring.",
		      i);
		remedy(d,
		       "Look at the host: does it swap (vmstat 1), does its storage hang (dmesg)? Else "
		       "vmdeck destroy %s.",
		       f->name);
		return true;
	}
	return false;
}

/* --- what the guest said --- */

static bool resets(const struct diagnosis_facts *f, struct diagnosis *d)
{
	char time[FMT_MAX];
	if (f->resets < RESETS_MIN)
		return false;
	bool triple = str_eq(f->reset_why, "triple fault");
	found(d, DIAGNOSIS_RESETS, true,
	      "It is reset again and again: %u times within %s, the last time by %s%s.", f->resets,
	      span(f->resets_ms + 999, time), triple ? "a " : "", f->reset_why);
	remedy(d,
	       "%s<on_reboot>destroy</on_reboot> (vmdeck edit %s) lets it end at the first; vmdeck console "
	       "%s --log has its last "
	       "words.",
	       triple ? "Its kernel or boot loader dies early: of another architecture, damaged, or short of "
			"memory. "
		      : "",
	       f->name, f->name);
	return true;
}

static bool panicked(const struct diagnosis_facts *f, struct diagnosis *d)
{
	char why[160];
	if (!text_panic(f->console, why, sizeof(why)) && !text_panic(f->screen, why, sizeof(why)))
		return false;
	found(d, DIAGNOSIS_PANIC, true, "Its kernel has panicked: %s.", why);
	if (strstr(why, "root fs") || strstr(why, "No working init"))
		remedy(d,
		       "The kernel finds no system to start: check root= on its command line, its initrd and "
		       "its disks (vmdeck edit "
		       "%s).",
		       f->name);
	else
		remedy(d, "vmdeck console %s --log has all of it; vmdeck reset %s begins anew.", f->name,
		       f->name);
	return true;
}

/* A drive whose medium can be changed, NULL: there is none, or it is not known. */
static const char *removable(const struct diagnosis_facts *f)
{
	for (size_t i = 0; f->domain && i < f->domain->ndisks; i++)
		if (f->domain->disks[i].device == DISK_DEVICE_CDROM)
			return f->domain->disks[i].target;
	return NULL;
}

static bool no_boot(const struct diagnosis_facts *f, struct diagnosis *d)
{
	if (!f->no_bootable && !text_no_boot(f->console) && !text_no_boot(f->screen))
		return false;
	bool told = f->boots && *f->boots;
	found(d, DIAGNOSIS_NO_BOOT, true, "The firmware found no bootable device%s%s.",
	      told ? "; it has " : "", told ? f->boots : "");
	const char *drive = removable(f);
	if (drive)
		remedy(d,
		       "Give it something to boot (vmdeck change-media %s %s FILE, or vmdeck edit %s), then "
		       "vmdeck reset %s.",
		       f->name, drive, f->name, f->name);
	else
		remedy(d, "Give it something to boot (vmdeck edit %s), then vmdeck destroy %s and start it.", f->name,
		       f->name);
	return true;
}

static bool asks(const struct diagnosis_facts *f, struct diagnosis *d)
{
	const struct text_question *q = text_question(f->console);
	bool serial = q;
	if (!q)
		q = text_question(f->screen);
	if (!q)
		return false;
	found(d, DIAGNOSIS_ASKS, q->trouble, "%s %s.", q->what, serial ? "on ttyS0" : "on its screen");
	if (q->remedy)
		remedy(d, "%s", q->remedy);
	else if (serial)
		remedy(d, "Answer at its console: vmdeck console %s, or c in the deck.", f->name);
	else
		remedy(d, "Answer on its screen (vmdeck vncdisplay %s), or from here: vmdeck type %s TEXT.",
		       f->name, f->name);
	return true;
}

/* --- where the CPUs are --- */

/* The CPUs that somebody has started: are all of them so? false when there is none. */
static bool all_cpus(const struct diagnosis_facts *f, bool (*is)(const struct diagnosis_cpu *))
{
	unsigned n = 0;
	for (unsigned i = 0; i < f->ncpus; i++) {
		if (f->cpus[i].state == CPU_WAITING)
			continue;
		if (!is(&f->cpus[i]))
			return false;
		n++;
	}
	return n;
}

static bool is_dead(const struct diagnosis_cpu *c)
{
	return c->state == CPU_HALTED && !c->interrupts;
}

static bool is_idle(const struct diagnosis_cpu *c)
{
	return c->state == CPU_HALTED;
}

static bool dead(const struct diagnosis_facts *f, struct diagnosis *d)
{
	char time[FMT_MAX];
	if (!all_cpus(f, is_dead))
		return false;
	const struct diagnosis_cpu *c = &f->cpus[0];
	bool long_since = c->still_ms >= 1000;
	if (text_halted(f->console) || text_halted(f->screen)) {
		found(d, DIAGNOSIS_DEAD_HALT, false,
		      "It has shut down and halted, but did not switch itself off.");
		remedy(d,
		       "vmdeck destroy %s loses nothing now; to power off by itself it wants <acpi/> in "
		       "<features>.",
		       f->name);
		return true;
	}
	found(d, DIAGNOSIS_DEAD_HALT, true, "Its CPU%s halted with interrupts off%s%s: nothing can wake it.",
	      f->ncpus > 1 ? "s are all" : " is", long_since ? " since at least " : "",
	      long_since ? span(c->still_ms, time) : "");
	remedy(
	    d,
	    "It may have ended on purpose or given up; its last words: vmdeck console %s --log, and the screen. "
	    "Then vmdeck reset %s.",
	    f->name, f->name);
	return true;
}

/* Was it found at one place each time, and never halted? */
static bool same_place(const struct diagnosis_cpu *c)
{
	uint64_t low = UINT64_MAX, high = 0;
	if (c->nseen < DIAGNOSIS_LOOKS_MIN || c->user || c->state != CPU_RUNNING)
		return false;
	for (unsigned i = 0; i < c->nseen; i++) {
		uint64_t a = c->seen[i].address;
		low = a < low ? a : low;
		high = a > high ? a : high;
		if (c->seen[i].halted)
			return false;
	}
	return high - low < SAME_PLACE;
}

/* Has it, or the host for it, to wait for a person? */
static bool is_input(unsigned port)
{
	const char *name = text_port(port);
	return str_eq(name, "ttyS0") || str_eq(name, "ttyS1") || str_eq(name, "the keyboard");
}

/* A loop that makes no exit. @locked: only one that no interrupt gets into, in a kernel, which no prompt on a
 * screen explains: of a healthy kernel that is not seen at three looks in a row. All others may be waiting, for
 * a key or a time, or be at work. */
static bool spins(const struct diagnosis_facts *f, struct diagnosis *d, bool locked)
{
	char where[80];
	for (unsigned i = 0; i < f->ncpus; i++) {
		const struct diagnosis_cpu *c = &f->cpus[i];
		if (!same_place(c) || c->seen[0].io > c->seen[c->nseen - 1].io)
			continue;
		if (f->moves || (locked && (c->interrupts || !text_in_kernel(c))))
			continue;
		text_address(f, c, where, sizeof(where));
		found(d, DIAGNOSIS_SPINS, locked,
		      "CPU %u was found at 0x%llx at each of %u looks, %s, with interrupts %s.", i,
		      (unsigned long long)c->seen[0].address, c->nseen, where, c->interrupts ? "on" : "off");
		if (locked)
			remedy(d,
			       "It may be locked up; its last words: vmdeck console %s --log, and the screen. Then "
			       "vmdeck reset %s.",
			       f->name, f->name);
		else
			remedy(d,
			       "It may wait for a key or for time to pass, be at work there, or be in a loop for ever: "
			       "look at its screen and at vmdeck console %s --log; vmdeck reset %s begins anew.",
			       f->name, f->name);
		return true;
	}
	return false;
}

static bool locked_up(const struct diagnosis_facts *f, struct diagnosis *d)
{
	return spins(f, d, true);
}

static bool loops(const struct diagnosis_facts *f, struct diagnosis *d)
{
	return spins(f, d, false);
}

/* Has nobody heard of it for a while? */
static bool is_quiet(const struct diagnosis_facts *f)
{
	return f->since_reset_ms >= QUIET_MS && (!f->console_bytes || f->console_ago_ms >= QUIET_MS);
}

/* A loop that asks a port each time: where a key comes from, else any other. One that asks for keys may be well:
 * it waits for somebody, or looks whether a key came while it works. */
static bool polls(const struct diagnosis_facts *f, struct diagnosis *d, bool input)
{
	char where[80];
	for (unsigned i = 0; i < f->ncpus; i++) {
		const struct diagnosis_cpu *c = &f->cpus[i];
		unsigned port = c->seen[0].port;
		if (!same_place(c) || c->seen[0].io <= c->seen[c->nseen - 1].io || is_input(port) != input || f->moves)
			continue;
		const char *name = text_port(port);
		text_address(f, c, where, sizeof(where));
		found(d, DIAGNOSIS_POLLS, !input && is_quiet(f),
		      "CPU %u was asking port 0x%x%s%s%s at each of %u looks, at 0x%llx, %s.", i, port,
		      name ? " (" : "", name ? name : "", name ? ")" : "", c->nseen,
		      (unsigned long long)c->seen[0].address, where);
		if (str_eq(name, "the keyboard"))
			remedy(d, "It may wait for a key (vmdeck type %s, or its screen), or be at work and look for one.",
			       f->name);
		else if (input)
			remedy(d,
			       "It may wait for somebody to type (vmdeck console %s, or c in the deck), or be at work and "
			       "look for keys.",
			       f->name);
		else
			remedy(d,
			       "It may be at work with that device, or wait for it in vain; vmdeck reset %s begins anew.",
			       f->name);
		return true;
	}
	return false;
}

static bool polls_device(const struct diagnosis_facts *f, struct diagnosis *d)
{
	return polls(f, d, false);
}

static bool polls_input(const struct diagnosis_facts *f, struct diagnosis *d)
{
	return polls(f, d, true);
}

/* --- who talks where --- */

static void remedy_console(const struct diagnosis_facts *f, struct diagnosis *d)
{
	const struct domain *x = f->domain;
	if (x && x->kernel && (!x->cmdline || !strstr(x->cmdline, "console=ttyS0")))
		remedy(d,
		       "Add console=ttyS0 to <cmdline> (vmdeck edit %s), then vmdeck destroy and start it%s.",
		       f->name, f->has_screen ? "; or look at its screen: vmdeck vncdisplay" : "");
	else if (f->has_screen)
		remedy(d,
		       "Look at its screen (vmdeck vncdisplay %s); Linux talks on ttyS0 when its command "
		       "line has console=ttyS0.",
		       f->name);
	else
		remedy(d,
		       "Give it a screen: <graphics type='vnc'/> (vmdeck edit %s); or console=ttyS0 on its "
		       "kernel's command line.",
		       f->name);
}

static bool serial_silent(const struct diagnosis_facts *f, struct diagnosis *d)
{
	char time[FMT_MAX], last[120];
	bool nothing = f->has_console && !f->console_bytes, screen = f->has_screen && !f->blank;
	bool handed_over =
	    f->console_bytes && f->console_ago_ms >= QUIET_MS && text_loader(f->console, last, sizeof(last));
	if (!f->has_console || f->since_reset_ms < QUIET_MS || (!nothing && !handed_over))
		return false;
	span(nothing ? f->since_reset_ms : f->console_ago_ms, time);
	if (handed_over)
		found(d, screen ? DIAGNOSIS_SERIAL_SILENT : DIAGNOSIS_SILENT, !screen,
		      "Nothing was written to ttyS0 for %s, since the boot loader's '%s'%s.", time, last,
		      screen ? ", but there is something on its screen"
			     : ": what it started does not talk there");
	else
		found(d, screen ? DIAGNOSIS_SERIAL_SILENT : DIAGNOSIS_SILENT, !screen,
		      "It runs, but has written nothing to ttyS0 in the %s since it began%s.", time,
		      screen          ? "; there is something on its screen"
		      : f->has_screen ? ", and its screen is blank"
				      : ", and has no screen");
	remedy_console(f, d);
	return true;
}

static bool screen_blank(const struct diagnosis_facts *f, struct diagnosis *d)
{
	char last[120], time[FMT_MAX];
	if (!f->has_screen || !f->blank || f->since_reset_ms < QUIET_MS)
		return false;
	const char *blank = f->screen_off ? "off" : "blank";
	if (!f->has_console || !f->console_bytes) {
		found(d, DIAGNOSIS_SILENT, true, "It runs, but its screen is %s%s.", blank,
		      f->has_console ? "" : " and it has no serial console");
		remedy(d,
		       "It may have switched the screen off after a while: press a key (vmdeck send-key %s "
		       "KEY_LEFTSHIFT).",
		       f->name);
		return true;
	}
	bool has = text_last_line(f->console, last, sizeof(last));
	found(d, DIAGNOSIS_SCREEN_BLANK, true, "Its screen is %s, but it talks on ttyS0, %s ago%s%s%s.",
	      blank, span(f->console_ago_ms, time), has ? ": '" : "", has ? last : "", has ? "'" : "");
	remedy(d, "Look at the console: vmdeck console %s, or c in the deck.", f->name);
	return true;
}

/* --- all is well --- */

static bool shutting_down(const struct diagnosis_facts *f, struct diagnosis *d)
{
	if (f->state != DOMAIN_SHUTDOWN)
		return false;
	found(d, DIAGNOSIS_SHUTTING_DOWN, false, "It was asked to power off, and has not done so yet.");
	remedy(d, "A guest that does not listen is ended by vmdeck destroy %s.", f->name);
	return true;
}

static bool runs(const struct diagnosis_facts *f, struct diagnosis *d)
{
	char time[FMT_MAX], last[120], said[200] = "";
	unsigned busy = 0;
	if (!f->looks) /* a machine of an older version */
		return found(d, DIAGNOSIS_NONE, false, "%s", "");
	if (f->has_console && f->console_bytes) {
		bool has = text_last_line(f->console, last, sizeof(last));
		snprintf(said, sizeof(said), "; ttyS0 was last written to %s ago%s%s%s",
			 span(f->console_ago_ms, time), has ? ": '" : "", has ? last : "", has ? "'" : "");
	}
	if (all_cpus(f, is_idle))
		return found(d, DIAGNOSIS_IDLE, false, "It is idle: %s for interrupts%s.",
			     f->ncpus > 1 ? "its CPUs wait" : "its CPU waits", said);
	for (unsigned i = 0; i < f->ncpus; i++)
		busy += f->cpus[i].state == CPU_RUNNING;
	return found(d, DIAGNOSIS_RUNS, false, "It runs, %u of %u CPU%s busy%s.", busy, f->ncpus,
		     f->ncpus == 1 ? "" : "s", said);
}

void diagnosis_make(const struct diagnosis_facts *f, struct diagnosis *out)
{
	static bool (*const rules[])(const struct diagnosis_facts *, struct diagnosis *) = {
	    ended,        paused,        unanswered,   disk_waits, disk_lost,  resets,        stuck,
	    panicked,     no_boot,       dead,         locked_up,   asks,          loops,
	    polls_device, serial_silent, screen_blank, polls_input, shutting_down, runs,
	};
	*out = (struct diagnosis){0};
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i](f, out))
			return;
}

const char *diagnosis_kind_text(enum diagnosis_kind k)
{
	static const char *const names[] = {
	    [DIAGNOSIS_NONE] = "none",
	    [DIAGNOSIS_ENDED] = "ended",
	    [DIAGNOSIS_PAUSED] = "paused",
	    [DIAGNOSIS_IOERROR] = "io-error",
	    [DIAGNOSIS_UNANSWERED] = "unanswered",
	    [DIAGNOSIS_LOST] = "disk-lost",
	    [DIAGNOSIS_DISK] = "disk-waits",
	    [DIAGNOSIS_RESETS] = "reset-loop",
	    [DIAGNOSIS_STUCK] = "stuck-in-host",
	    [DIAGNOSIS_PANIC] = "kernel-panic",
	    [DIAGNOSIS_NO_BOOT] = "no-bootable-device",
	    [DIAGNOSIS_ASKS] = "asks",
	    [DIAGNOSIS_DEAD_HALT] = "halted",
	    [DIAGNOSIS_SPINS] = "spins",
	    [DIAGNOSIS_POLLS] = "polls",
	    [DIAGNOSIS_SERIAL_SILENT] = "serial-silent",
	    [DIAGNOSIS_SCREEN_BLANK] = "screen-blank",
	    [DIAGNOSIS_SILENT] = "silent",
	    [DIAGNOSIS_SHUTTING_DOWN] = "shutting-down",
	    [DIAGNOSIS_IDLE] = "idle",
	    [DIAGNOSIS_RUNS] = "runs",
	};
	_Static_assert(ARRAY_SIZE(names) == DIAGNOSIS_KINDS, "a name for each kind");
	return names[k];
}
