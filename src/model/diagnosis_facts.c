/* The answer of x-diagnose as facts. It comes from a process that a guest may have taken over: every value is
 * bounded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/str.h"
#include "src/model/diagnosis.h"

static enum cpu_state state_of(const char *s)
{
	static const char *const states[] = {[CPU_UNKNOWN] = "unknown",
					     [CPU_PARKED] = "parked",
					     [CPU_RUNNING] = "running",
					     [CPU_HALTED] = "halted",
					     [CPU_WAITING] = "waiting"};
	for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (str_eq(states[i], s))
			return i;
	return CPU_UNKNOWN;
}

static uint64_t counter(const json_t *j, const char *key)
{
	int64_t n = json_int(j, key, 0);
	return n > 0 ? (uint64_t)n : 0;
}

static int64_t duration(const json_t *j, const char *key)
{
	int64_t ms = json_int(j, key, 0);
	return ms > 0 ? ms : 0;
}

static void look_cpu(struct diagnosis_cpu *c, const json_t *j)
{
	uint64_t address;
	c->state = state_of(json_str(j, "state", ""));
	c->missed = c->state == CPU_UNKNOWN ? c->missed + 1 : 0;
	c->still_ms = duration(j, "still-ms");
	if (!str_u64(json_str(j, "address", ""), &address))
		return;
	memmove(c->seen + 1, c->seen, sizeof(c->seen) - sizeof(c->seen[0]));
	c->nseen += c->nseen < DIAGNOSIS_LOOKS;
	c->seen[0].address = address;
	c->seen[0].exits = counter(j, "exits");
	c->seen[0].io = counter(j, "io");
	c->seen[0].port = (uint16_t)json_int(j, "port", 0);
	c->seen[0].halted = c->state == CPU_HALTED;
	c->interrupts = json_flag(j, "interrupts", false);
	c->user = json_flag(j, "user", false);
	c->bits = (unsigned)counter(j, "bits");
}

static void look_resets(struct diagnosis_facts *f, const json_t *list)
{
	f->resets = 0;
	f->resets_ms = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);
		int64_t ago = duration(r, "ago-ms");
		const char *why = json_str(r, "why", "");
		if (ago > DIAGNOSIS_RESETS_MS || str_eq(why, "system_reset"))
			continue;
		str_printable(why, f->reset_why, sizeof(f->reset_why));
		f->resets++;
		if (ago > f->resets_ms)
			f->resets_ms = ago;
	}
}

static void take_text(char **to, const char *text)
{
	free(*to);
	*to = x_strdup(text);
}

void diagnosis_look(struct diagnosis_facts *f, const json_t *j)
{
	const json_t *cpus = json_object_get(j, "vcpus"), *console = json_object_get(j, "console");
	const json_t *screen = json_object_get(j, "screen"), *disk = json_object_get(j, "disk");
	f->uptime_ms = duration(j, "uptime-ms");
	int64_t since = duration(j, "since-reset-ms");
	if (f->looks &&
	    since < f->since_reset_ms) { /* another life: what was seen of the last tells nothing */
		memset(f->cpus, 0, sizeof(f->cpus));
		f->looks = 0;
		f->moves = false;
	}
	f->since_reset_ms = since;
	look_resets(f, json_object_get(j, "recent-resets"));
	f->ncpus = 0;
	for (size_t i = 0; i < json_array_size(cpus) && i < DOMAIN_VCPUS_MAX; i++, f->ncpus++)
		look_cpu(&f->cpus[i], json_array_get(cpus, i));
	if (f->looks)
		f->moves |= counter(console, "bytes") != f->console_bytes ||
			    !str_eq(json_str(screen, "text", ""), f->screen ? f->screen : "");
	f->has_console = console;
	f->console_bytes = counter(console, "bytes");
	f->console_ago_ms = json_int(console, "ago-ms", -1);
	take_text(&f->console, json_str(console, "tail", ""));
	f->has_screen = screen;
	f->graphics = str_eq(json_str(screen, "mode", ""), "graphics");
	f->screen_off = str_eq(json_str(screen, "mode", ""), "off");
	f->blank = json_flag(screen, "blank", false);
	take_text(&f->screen, json_str(screen, "text", ""));
	str_printable(json_str(j, "detail", ""), f->pause_detail, sizeof(f->pause_detail));
	f->disk_ms = duration(disk, "ms");
	str_printable(json_str(disk, "name", ""), f->disk, sizeof(f->disk));
	str_printable(json_str(disk, "what", ""), f->disk_what, sizeof(f->disk_what));
	disk = json_object_get(j, "lost-disk");
	str_printable(json_str(disk, "name", ""), f->lost, sizeof(f->lost));
	str_printable(json_str(disk, "why", ""), f->lost_why, sizeof(f->lost_why));
	f->no_bootable = json_flag(json_object_get(j, "firmware"), "no-bootable-device", false);
	f->looks++;
}

void diagnosis_facts_done(struct diagnosis_facts *f)
{
	free(f->console);
	free(f->screen);
	f->console = f->screen = NULL;
}

bool diagnosis_wants_look(const struct diagnosis_facts *f)
{
	bool open = !f->looks;
	for (unsigned i = 0; i < f->ncpus && f->looks < DIAGNOSIS_LOOKS; i++) {
		const struct diagnosis_cpu *c = &f->cpus[i];
		open |= (c->state == CPU_RUNNING && c->nseen < DIAGNOSIS_LOOKS_MIN) ||
			(c->state == CPU_UNKNOWN && c->missed < DIAGNOSIS_LOOKS_MIN);
	}
	return open && !f->unanswered;
}
