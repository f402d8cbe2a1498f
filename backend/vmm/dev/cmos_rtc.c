/* The PC's clock and its battery-backed memory: an MC146818A at ports 70h and 71h. (Motorola MC146818A data
 * sheet; machine.md 1.4)
 *
 * Theory of operation. The guest's time is the host's wall clock plus @offset_us, which the guest changes by
 * setting the clock; nothing ticks while nobody looks. Flags of register C come about when it is read or when
 * a timer says that an enabled interrupt is due: sync() then finds what has happened since the last look.
 *
 * An update cycle starts 244 us before the second (UIP set) and ends 1984 us after it. Reading UIP as 0
 * promises the reader a consistent date; since an exit can take longer than those 244 us here, the date is
 * held still for READ_HOLD_NS from then.
 *
 * Periodic interrupts that came while the guest had not yet read register C are made up for, one half a period
 * after each read ("slew"), so that a guest which counts them keeps time, and one that is too slow for them still
 * comes to its own work; beyond a second's worth they are dropped (the guest was suspended).
 *
 * Left out: daylight saving (DSE is stored), the square wave, alarms by day and month. */
#include "backend/vmm/device.h"
#include "backend/vmm/dev/dev.h"
#include "backend/vmm/kvm.h"
#include "backend/vmm/timer.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define RTC_PORT 0x70
#define RTC_GSI 8
#define SEC_US 1000000ll
#define UIP_BEFORE_US 244ll /* data sheet, figure 17: t_BUC */
#define UIP_AFTER_US 1984ll /* t_UC with a 32.768 kHz crystal */
#define READ_HOLD_NS 20000000ull
/* The first update after the divider is released comes half a second later. */
#define DIVIDER_HALF_US (SEC_US / 2)
#define NEVER INT64_MAX
#define ADJUSTMENT_MAX (1ll << 38) /* seconds; 8,700 years, more than the face can show */

enum {
	REG_SEC = 0,
	REG_SEC_ALARM = 1,
	REG_MIN = 2,
	REG_MIN_ALARM = 3,
	REG_HOUR = 4,
	REG_HOUR_ALARM = 5,
	REG_WDAY = 6,
	REG_DAY = 7,
	REG_MONTH = 8,
	REG_YEAR = 9,
	REG_A = 10,
	REG_B = 11,
	REG_C = 12,
	REG_D = 13,
	REG_CENTURY = 0x32,

	A_UIP = 0x80,
	A_DIVIDER = 0x70, /* 2 = running, 6 and 7 = held in reset */
	A_RATE = 0x0f,

	B_SET = 0x80,
	B_PIE = 0x40,
	B_AIE = 0x20,
	B_UIE = 0x10,
	B_BINARY = 0x04,
	B_24H = 0x02,

	C_IRQF = 0x80,
	C_PF = 0x40,
	C_AF = 0x20,
	C_UF = 0x10,

	D_VALID = 0x80,
	HOUR_PM = 0x80,
	ALARM_ANY = 0xc0, /* an alarm byte from here on matches every value */
};

struct cmos_rtc {
	struct dev dev;
	struct irq_line irq;
	struct timer second, periodic;
	bool added;
	uint8_t index; /* with the NMI mask in bit 7 */
	uint8_t mem[128];
	int64_t offset_us;     /* guest time - host wall time */
	int64_t checked_us;    /* guest time of the last sync() */
	int64_t held_us;       /* the date shown until hold_until (machine_now) */
	uint64_t hold_until;
	uint64_t period_next;  /* machine_now() of the next periodic tick, 0 = stopped */
	uint64_t read_at;      /* machine_now() when the guest last took an interrupt */
	unsigned missed;       /* periodic ticks to make up for */
};

static uint8_t to_reg(const struct cmos_rtc *r, unsigned v)
{
	return (uint8_t)(r->mem[REG_B] & B_BINARY ? v : (v / 10) << 4 | v % 10);
}

static unsigned from_reg(const struct cmos_rtc *r, uint8_t v)
{
	return r->mem[REG_B] & B_BINARY ? v : (v >> 4) * 10u + (v & 0x0f);
}

static uint8_t hour_to_reg(const struct cmos_rtc *r, unsigned hour)
{
	if (r->mem[REG_B] & B_24H)
		return to_reg(r, hour);
	return to_reg(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned hour_from_reg(const struct cmos_rtc *r, uint8_t v)
{
	if (r->mem[REG_B] & B_24H)
		return from_reg(r, v);
	return from_reg(r, v & ~HOUR_PM) % 12 + (v & HOUR_PM ? 12 : 0);
}

/* The clock stands while the guest sets it or holds the divider. */
static bool stopped(const struct cmos_rtc *r)
{
	return (r->mem[REG_B] & B_SET) || (r->mem[REG_A] & 0x60) == 0x60;
}

/* Guest time in us since 1970, as its clock face (UTC or local) shows it. */
static int64_t rtc_now(const struct cmos_rtc *r)
{
	uint32_t ns = 0;
	int64_t sec = machine_wall(r->dev.m, &ns);
	return sec * SEC_US + ns / 1000 + r->offset_us;
}

static int64_t second_of(int64_t us)
{
	int64_t s = us / SEC_US;
	return s * SEC_US > us ? s - 1 : s;
}

/* Show @sec in the ten registers and the century. */
static void time_to_regs(struct cmos_rtc *r, int64_t sec)
{
	struct tm tm;
	time_t t = (time_t)sec;
	if (!gmtime_r(&t, &tm))
		return;
	unsigned year = (unsigned)(tm.tm_year + 1900) % 10000;
	r->mem[REG_SEC] = to_reg(r, (unsigned)tm.tm_sec);
	r->mem[REG_MIN] = to_reg(r, (unsigned)tm.tm_min);
	r->mem[REG_HOUR] = hour_to_reg(r, (unsigned)tm.tm_hour);
	r->mem[REG_WDAY] = to_reg(r, (unsigned)tm.tm_wday + 1);
	r->mem[REG_DAY] = to_reg(r, (unsigned)tm.tm_mday);
	r->mem[REG_MONTH] = to_reg(r, (unsigned)tm.tm_mon + 1);
	r->mem[REG_YEAR] = to_reg(r, year % 100);
	r->mem[REG_CENTURY] = to_reg(r, year / 100);
}

/* The registers' date; nonsense in them is carried over as timegm() does (the 31st of February is in
 * March). */
static int64_t time_from_regs(const struct cmos_rtc *r)
{
	struct tm tm = {
		.tm_sec = (int)from_reg(r, r->mem[REG_SEC]),
		.tm_min = (int)from_reg(r, r->mem[REG_MIN]),
		.tm_hour = (int)hour_from_reg(r, r->mem[REG_HOUR]),
		.tm_mday = (int)from_reg(r, r->mem[REG_DAY]),
		.tm_mon = (int)from_reg(r, r->mem[REG_MONTH]) - 1,
		.tm_year = (int)(from_reg(r, r->mem[REG_CENTURY]) * 100 + from_reg(r, r->mem[REG_YEAR])) - 1900,
	};
	return timegm(&tm);
}

static void set_guest_time(struct cmos_rtc *r, int64_t us)
{
	r->offset_us += us - rtc_now(r);
	r->checked_us = us;
	r->hold_until = 0;
}

/* The first second after @from that the alarm registers match, or NEVER. */
static int64_t alarm_after(const struct cmos_rtc *r, int64_t from)
{
	uint8_t as = r->mem[REG_SEC_ALARM], am = r->mem[REG_MIN_ALARM], ah = r->mem[REG_HOUR_ALARM];
	int64_t t = from + 1, end = from + 86400;
	while (t <= end) {
		int64_t of_day = ((t % 86400) + 86400) % 86400;
		if (ah < ALARM_ANY && of_day / 3600 != hour_from_reg(r, ah))
			t += 3600 - of_day % 3600;
		else if (am < ALARM_ANY && of_day / 60 % 60 != from_reg(r, am))
			t += 60 - of_day % 60;
		else if (as < ALARM_ANY && of_day % 60 != from_reg(r, as))
			t++;
		else
			return t;
	}
	return NEVER;
}

/* Length of the periodic interrupt's period, 0 = none (table 5, 32.768 kHz). */
static uint64_t period_ns(const struct cmos_rtc *r)
{
	unsigned rate = r->mem[REG_A] & A_RATE;
	if (!rate || (r->mem[REG_A] & A_DIVIDER) != 0x20)
		return 0;
	if (rate <= 2)
		rate += 7;
	return 1000000000ull * (1u << (rate - 1)) / 32768;
}

static void raise_flags(struct cmos_rtc *r, uint8_t flags)
{
	r->mem[REG_C] |= flags;
	if (r->mem[REG_C] & r->mem[REG_B] & (C_PF | C_AF | C_UF)) /* B's enables are in the same places */
		r->mem[REG_C] |= C_IRQF;
	else
		r->mem[REG_C] &= ~C_IRQF;
	irq_line_set(&r->irq, r->mem[REG_C] & C_IRQF);
}

/* The earliest time of the next periodic interrupt: a guest that takes a whole period for one would do nothing else
 * if the next came at once. Half a period lets a guest that was held up make up for what it missed. */
static uint64_t periodic_earliest(const struct cmos_rtc *r)
{
	return r->read_at + period_ns(r) / 2;
}

/* Count the ticks until now. Return: C_PF when one of them is to be seen. */
static uint8_t sync_periodic(struct cmos_rtc *r)
{
	uint64_t now = machine_now(r->dev.m), period = period_ns(r);
	bool interrupts = r->mem[REG_B] & B_PIE;
	if (!r->period_next || !period || (interrupts && now < periodic_earliest(r)))
		return 0;
	uint64_t ticks = now < r->period_next ? 0 : (now - r->period_next) / period + 1;
	uint64_t due = r->missed + ticks, most = 1000000000u / period;
	r->period_next += ticks * period;
	if (!due)
		return 0;
	if (!(r->mem[REG_C] & C_PF))
		due--;
	r->missed = !interrupts ? 0 : due < most ? (unsigned)due : (unsigned)most;
	return C_PF;
}

/* Bring register C up to date. */
static void sync(struct cmos_rtc *r)
{
	uint8_t flags = sync_periodic(r);
	int64_t now = rtc_now(r) - UIP_AFTER_US; /* an update shows when its cycle ends */
	if (!stopped(r) && second_of(now) > second_of(r->checked_us)) {
		int64_t alarm = alarm_after(r, second_of(r->checked_us));
		flags |= C_UF;
		if (alarm <= second_of(now))
			flags |= C_AF;
	}
	r->checked_us = now;
	raise_flags(r, flags);
}

/* Set the timers for the interrupts that are enabled and not yet raised. */
static void arm(struct cmos_rtc *r)
{
	uint64_t now = machine_now(r->dev.m);
	uint8_t enabled = r->mem[REG_B];
	int64_t next = NEVER;
	if (!stopped(r) && (enabled & B_UIE) && !(r->mem[REG_C] & C_UF))
		next = second_of(r->checked_us) + 1;
	if (!stopped(r) && (enabled & B_AIE) && !(r->mem[REG_C] & C_AF)) {
		int64_t alarm = alarm_after(r, second_of(r->checked_us));
		if (alarm < next)
			next = alarm;
	}
	int64_t in = next == NEVER ? 0 : next * SEC_US + UIP_AFTER_US - rtc_now(r);
	if (next == NEVER)
		timer_stop(&r->second);
	else
		timer_set(&r->second, now + (uint64_t)(in > 1 ? in : 1) * 1000);

	uint64_t period = period_ns(r);
	if (!period)
		r->period_next = 0;
	else if (!r->period_next)
		r->period_next = now + period;
	uint64_t earliest = periodic_earliest(r);
	if (!period || !(enabled & B_PIE) || (r->mem[REG_C] & C_PF))
		timer_stop(&r->periodic); /* what comes while an interrupt is unread is counted when the guest reads it */
	else
		timer_set(&r->periodic, r->missed || r->period_next < earliest ? earliest : r->period_next);
}

static void rtc_timer(void *ctx)
{
	struct cmos_rtc *r = ctx;
	sync(r);
	arm(r);
}

static uint8_t read_a(struct cmos_rtc *r)
{
	uint8_t val = r->mem[REG_A] & ~A_UIP;
	if (stopped(r))
		return val;
	int64_t now = rtc_now(r), in_second = now - second_of(now) * SEC_US;
	if (in_second < UIP_AFTER_US || in_second >= SEC_US - UIP_BEFORE_US)
		return val | A_UIP;
	r->held_us = now;
	r->hold_until = machine_now(r->dev.m) + READ_HOLD_NS;
	return val;
}

static uint8_t read_c(struct cmos_rtc *r)
{
	sync(r);
	uint8_t val = r->mem[REG_C];
	r->mem[REG_C] = 0;
	if (val & C_IRQF)
		r->read_at = machine_now(r->dev.m);
	raise_flags(r, 0);
	arm(r);
	return val;
}

static bool is_time(unsigned reg)
{
	return reg == REG_SEC || reg == REG_MIN || reg == REG_HOUR || (reg >= REG_WDAY && reg <= REG_YEAR) ||
	       reg == REG_CENTURY;
}

static uint8_t read_time(struct cmos_rtc *r, unsigned reg)
{
	if (!stopped(r)) {
		bool held = machine_now(r->dev.m) < r->hold_until;
		time_to_regs(r, second_of(held ? r->held_us : rtc_now(r)));
	}
	return r->mem[reg];
}

static uint8_t read_mem(struct cmos_rtc *r, unsigned reg)
{
	if (is_time(reg))
		return read_time(r, reg);
	switch (reg) {
	case REG_A:
		return read_a(r);
	case REG_C:
		return read_c(r);
	case REG_D:
		return D_VALID;
	default:
		return r->mem[reg];
	}
}

/* A or B changed from @was_stopped: the date moves into the registers when the clock stops, and out of them
 * when it starts; releasing the divider starts the second half way. */
static void started_or_stopped(struct cmos_rtc *r, bool was_stopped, bool divider)
{
	if (!was_stopped && stopped(r))
		time_to_regs(r, second_of(rtc_now(r)));
	else if (was_stopped && !stopped(r))
		set_guest_time(r, time_from_regs(r) * SEC_US + (divider ? DIVIDER_HALF_US : 0));
}

static void write_a(struct cmos_rtc *r, uint8_t val)
{
	bool was = stopped(r);
	uint64_t period = period_ns(r);
	sync(r);
	r->mem[REG_A] = val & ~A_UIP;
	started_or_stopped(r, was, true);
	if (period != period_ns(r)) {
		r->period_next = 0;
		r->missed = 0;
	}
	arm(r);
}

static void write_b(struct cmos_rtc *r, uint8_t val)
{
	bool was = stopped(r);
	sync(r);
	if (!was && (val & B_SET)) { /* in the old format, then the new one counts for what is written */
		time_to_regs(r, second_of(rtc_now(r)));
		val &= ~B_UIE; /* as the data sheet has it: SET clears UIE */
	}
	r->mem[REG_B] = val;
	if (was && !stopped(r))
		started_or_stopped(r, true, false);
	if (!(val & B_PIE))
		r->missed = 0;
	raise_flags(r, 0);
	arm(r);
}

static void write_time(struct cmos_rtc *r, unsigned reg, uint8_t val)
{
	if (stopped(r)) {
		r->mem[reg] = val;
		return;
	}
	int64_t now = rtc_now(r);
	time_to_regs(r, second_of(now));
	r->mem[reg] = val;
	set_guest_time(r, time_from_regs(r) * SEC_US + now - second_of(now) * SEC_US);
	arm(r);
}

static void write_mem(struct cmos_rtc *r, unsigned reg, uint8_t val)
{
	if (is_time(reg)) {
		write_time(r, reg, val);
		return;
	}
	switch (reg) {
	case REG_A:
		write_a(r, val);
		break;
	case REG_B:
		write_b(r, val);
		break;
	case REG_C:
	case REG_D:
		break; /* read-only */
	case REG_SEC_ALARM:
	case REG_MIN_ALARM:
	case REG_HOUR_ALARM:
		sync(r);
		r->mem[reg] = val;
		arm(r);
		break;
	default:
		r->mem[reg] = val;
	}
}

/* 70h reads back what was written: firmware restores the NMI mask from it. */
static uint64_t rtc_read(struct dev *d, uint64_t off, unsigned size)
{
	struct cmos_rtc *r = (struct cmos_rtc *)d;
	uint64_t val = 0;
	for (unsigned i = 0; i < size; i++)
		val |= (uint64_t)(off + i ? read_mem(r, r->index & 0x7f) : r->index) << (8 * i);
	return val;
}

static void rtc_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct cmos_rtc *r = (struct cmos_rtc *)d;
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(val >> (8 * i));
		if (off + i)
			write_mem(r, r->index & 0x7f, byte);
		else
			r->index = byte;
	}
}

static const struct region_ops rtc_ops = {.read = rtc_read, .write = rtc_write};

static void put16(uint8_t *mem, unsigned at, uint64_t val)
{
	mem[at] = (uint8_t)val;
	mem[at + 1] = (uint8_t)(val >> 8);
}

static uint64_t at_most(uint64_t v, uint64_t max)
{
	return v < max ? v : max;
}

/* What firmware and old systems read about the machine (machine.md 1.4, "CMOS sizes"). */
static void fill_sizes(struct cmos_rtc *r)
{
	const struct machine *m = r->dev.m;
	uint64_t low = m->mem.low_bytes, high = m->mem.ram_bytes - low;
	uint64_t ext_kib = low > 1 << 20 ? (low >> 10) - 1024 : 0;
	uint64_t above_16m = low > 16 << 20 ? (low - (16 << 20)) >> 16 : 0;

	r->mem[0x14] = 0x06; /* equipment: FPU, mouse port */
	put16(r->mem, 0x15, 640);
	put16(r->mem, 0x17, at_most(ext_kib, 0xffff));
	put16(r->mem, 0x30, at_most(ext_kib, 0xffff));
	put16(r->mem, 0x34, at_most(above_16m, 0xffff));
	put16(r->mem, 0x5b, high >> 16);
	r->mem[0x5d] = (uint8_t)(high >> 32);
	r->mem[0x5f] = (uint8_t)(m->domain ? m->domain->vcpus - 1 : 0);
}

/* The clock face when the machine is built: UTC or the host's local time, plus what <clock> adds. */
static int64_t clock_offset_us(const struct machine *m)
{
	if (!m->domain)
		return 0;
	int64_t sec = m->domain->clock.adjustment;
	if (sec > ADJUSTMENT_MAX || sec < -ADJUSTMENT_MAX)
		sec = 0;
	time_t now = (time_t)machine_wall(m, NULL);
	struct tm tm;
	if (m->domain->clock.localtime && localtime_r(&now, &tm))
		sec += tm.tm_gmtoff;
	return sec * SEC_US;
}

static int rtc_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	struct cmos_rtc *r = (struct cmos_rtc *)d;
	irq_line_init(&r->irq, &d->m->irq, RTC_GSI);
	int rc = timer_init(&r->second, d->m, rtc_timer, r, e);
	if (!rc)
		rc = timer_init(&r->periodic, d->m, rtc_timer, r, e);
	if (!rc)
		rc = bus_add(&d->m->pio, RTC_PORT, 2, &rtc_ops, d, "cmos-rtc", e);
	if (rc)
		return rc;
	r->added = true;
	kvm_coalesce_port(d->m, RTC_PORT); /* the index: nothing comes of it before the next access to the data port */
	r->mem[REG_A] = 0x26;
	r->mem[REG_B] = B_24H;
	fill_sizes(r);
	r->offset_us = clock_offset_us(d->m);
	r->checked_us = rtc_now(r);
	return 0;
}

/* RESET clears the interrupt enables and flags; the battery keeps time and memory (data sheet, "RESET"). */
static void rtc_reset(struct dev *d)
{
	struct cmos_rtc *r = (struct cmos_rtc *)d;
	write_b(r, r->mem[REG_B] & ~(B_PIE | B_AIE | B_UIE));
	r->mem[REG_C] = 0;
	r->missed = 0;
	r->index = 0;
	raise_flags(r, 0);
}

static void rtc_dump(const struct dev *d, FILE *f)
{
	const struct cmos_rtc *r = (const struct cmos_rtc *)d;
	fprintf(f, "index %02x A %02x B %02x C %02x offset %llds missed %u irq %d\n", r->index, r->mem[REG_A],
		r->mem[REG_B], r->mem[REG_C], (long long)(r->offset_us / SEC_US), r->missed, r->irq.level);
}

static void rtc_done(struct dev *d)
{
	struct cmos_rtc *r = (struct cmos_rtc *)d;
	if (r->second.m)
		timer_done(&r->second);
	if (r->periodic.m)
		timer_done(&r->periodic);
	if (!r->added)
		return;
	irq_line_set(&r->irq, false);
	bus_remove(&d->m->pio, RTC_PORT);
}

const struct dev_type cmos_rtc_type = {
	.model = "cmos-rtc",
	.summary = "real-time clock and CMOS memory (MC146818A)",
	.bus = DEV_BUS_ISA,
	.size = sizeof(struct cmos_rtc),
	.init = rtc_init,
	.reset = rtc_reset,
	.dump = rtc_dump,
	.done = rtc_done,
};
