/* ACPI's static tables around the DSDT. (ACPI 6.4, 5.2; machine.md 1.6)
 * All addresses in them are the place where the caller will put the result plus an offset, so that the same
 * builder serves direct boot and firmware. */
#include "backend/vmm/boot/acpi.h"

#include <assert.h>
#include <string.h>

#include "backend/vmm/boot/dsdt.h"
#include "src/base/cleanup.h"

#define APM_PORT 0xb2
#define GPE0_PORT 0xafe0
#define RESET_PORT 0xcf9
#define IOAPIC_GPA 0xfec00000u
#define LAPIC_GPA 0xfee00000u
#define SCI_GSI 9

enum {
	FADT_LEN = 244, /* revision 3 */
	FADT_WBINVD = 1 << 0,
	FADT_PROC_C1 = 1 << 2,
	FADT_SLP_BUTTON = 1 << 5, /* there is none */
	FADT_FIX_RTC = 1 << 6,    /* the RTC's alarm is not in PM1 */
	FADT_RESET_REG = 1 << 10,
	FADT_PLATFORM_CLOCK = 1 << 15,
	FADT_FLAGS = FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_FIX_RTC | FADT_RESET_REG |
		     FADT_PLATFORM_CLOCK,

	ARCH_LEGACY = 1 << 0,
	ARCH_8042 = 1 << 1,
	ARCH_NO_VGA = 1 << 2,

	LEVEL_HIGH = 0x0d, /* MPS INTI flags */
};

struct build {
	struct buf b;
	uint64_t gpa; /* where its first byte is to lie */
	struct acpi_fixups fixups;
};

static void put(struct buf *b, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		uint8_t byte = (uint8_t)(v >> 8 * i);
		buf_add(b, &byte, 1);
	}
}

static void poke(struct buf *b, size_t at, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		b->s[at + i] = (char)(v >> 8 * i);
}

static void pad(struct build *t, unsigned align)
{
	while ((t->gpa + t->b.len) % align)
		put(&t->b, 0, 1);
}

static uint8_t sum(const struct buf *b, size_t at, size_t n)
{
	uint8_t s = 0;
	for (size_t i = 0; i < n; i++)
		s += (uint8_t)b->s[at + i];
	return s;
}

/* Start a table; its length and checksum come with table_end(). Return: its offset. */
static size_t table(struct build *t, const char *signature, uint8_t revision)
{
	struct buf *b = &t->b;
	pad(t, 16);
	size_t at = b->len;
	buf_add(b, signature, 4);
	put(b, 0, 4);
	put(b, revision, 1);
	put(b, 0, 1);
	buf_add(b, "VMDECK", 6);
	buf_add(b, "VMDECKPC", 8);
	put(b, 1, 4);
	buf_add(b, "VMDC", 4);
	put(b, 1, 4);
	return at;
}

/* The byte at @sum_at makes [start, start + len) add up to 0. */
static void checksum(struct build *t, size_t sum_at, size_t start, size_t len)
{
	poke(&t->b, sum_at, (uint8_t)-sum(&t->b, start, len), 1);
	t->fixups.sums[t->fixups.nsums++] = (struct acpi_sum){sum_at, start, len};
}

static void table_end(struct build *t, size_t at)
{
	poke(&t->b, at + 4, t->b.len - at, 4);
	checksum(t, at + 9, at, t->b.len - at);
}

/* Write where the table at offset @target lies. */
static void pointer(struct build *t, size_t at, size_t target, unsigned bytes)
{
	poke(&t->b, at, t->gpa + target, bytes);
	t->fixups.pointers[t->fixups.npointers++] = (struct acpi_pointer){at, bytes};
}

static size_t dsdt(struct build *t, const struct acpi_config *c)
{
	size_t at = table(t, "DSDT", 2); /* 2: integers have 64 bits */
	dsdt_aml(c, &t->b);
	table_end(t, at);
	return at;
}

static size_t facs(struct build *t)
{
	struct buf *b = &t->b;
	pad(t, 64);
	size_t at = b->len;
	buf_add(b, "FACS", 4);
	put(b, 64, 4);
	while (b->len < at + 64)
		put(b, 0, 1);
	poke(b, at + 32, 1, 1); /* version */
	return at;
}

/* Generic address structure (5.2.3.2) of a register in port space. */
static void gas(struct buf *b, size_t at, uint16_t port, unsigned bytes, unsigned access)
{
	poke(b, at, 1, 1);
	poke(b, at + 1, 8 * bytes, 1);
	poke(b, at + 3, access, 1);
	poke(b, at + 4, port, 8);
}

/* Fixed ACPI description table (5.2.9); the offsets are those of table 5.9. */
static size_t fadt(struct build *t, const struct acpi_config *c, size_t dsdt_at, size_t facs_at)
{
	struct buf *b = &t->b;
	size_t at = table(t, "FACP", 3);
	while (b->len < at + FADT_LEN)
		put(b, 0, 1);
	const struct {
		uint8_t off, bytes;
		uint64_t val;
	} fields[] = {
		{46, 2, SCI_GSI},
		{48, 4, APM_PORT},
		{52, 1, 0xf1}, /* ACPI_ENABLE */
		{53, 1, 0xf0}, /* ACPI_DISABLE */
		{56, 4, c->pm_base},
		{64, 4, c->pm_base + 4u},
		{76, 4, c->pm_base + 8u},
		{80, 4, GPE0_PORT},
		{88, 1, 4},      /* PM1_EVT_LEN */
		{89, 1, 2},      /* PM1_CNT_LEN */
		{91, 1, 4},      /* PM_TMR_LEN */
		{92, 1, 4},      /* GPE0_BLK_LEN */
		{96, 2, 0xfff},  /* P_LVL2_LAT: no C2 */
		{98, 2, 0xfff},  /* P_LVL3_LAT: no C3 */
		{108, 1, 0x32},  /* CENTURY */
		{109, 2, ARCH_LEGACY | (c->ps2 ? ARCH_8042 : 0) | (c->vga ? 0 : ARCH_NO_VGA)},
		{112, 4, FADT_FLAGS},
		{128, 1, 0x06}, /* RESET_VALUE */
	};
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		poke(b, at + fields[i].off, fields[i].val, fields[i].bytes);
	pointer(t, at + 36, facs_at, 4);
	pointer(t, at + 132, facs_at, 8);
	pointer(t, at + 40, dsdt_at, 4);
	pointer(t, at + 140, dsdt_at, 8);
	gas(b, at + 116, RESET_PORT, 1, 1);
	gas(b, at + 148, c->pm_base, 4, 2);
	gas(b, at + 172, c->pm_base + 4, 2, 2);
	gas(b, at + 208, c->pm_base + 8, 4, 3);
	gas(b, at + 220, GPE0_PORT, 4, 1);
	table_end(t, at);
	return at;
}

/* An interrupt of the ISA bus that is not edge-triggered on the pin of its number (5.2.12.5). */
static void madt_override(struct buf *b, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	put(b, 2, 1);
	put(b, 10, 1);
	put(b, 0, 1);
	put(b, irq, 1);
	put(b, gsi, 4);
	put(b, flags, 2);
}

static size_t madt(struct build *t, const struct acpi_config *c)
{
	static const uint8_t level[] = {5, 9, 10, 11}; /* PCI links and the SCI */
	struct buf *b = &t->b;
	size_t at = table(t, "APIC", 3);
	put(b, LAPIC_GPA, 4);
	put(b, 1, 4); /* PCAT_COMPAT: there are 8259s */
	for (unsigned i = 0; i < c->vcpus; i++) {
		put(b, 0, 1); /* local APIC */
		put(b, 8, 1);
		put(b, i, 1);
		put(b, c->apic_ids[i], 1);
		put(b, 1, 4); /* enabled */
	}
	put(b, 1, 1); /* IOAPIC: id, reserved, address, first GSI */
	put(b, 12, 1);
	put(b, 0, 2);
	put(b, IOAPIC_GPA, 4);
	put(b, 0, 4);
	madt_override(b, 0, 2, 0);
	for (unsigned i = 0; i < sizeof(level); i++)
		madt_override(b, level[i], level[i], LEVEL_HIGH);
	put(b, 4, 1); /* LINT1 of all processors is NMI */
	put(b, 6, 1);
	put(b, 0xff, 1);
	put(b, 0, 2);
	put(b, 1, 1);
	table_end(t, at);
	return at;
}

/* Windows ACPI emulated devices table: the PM timer needs to be read only once. */
static size_t waet(struct build *t)
{
	size_t at = table(t, "WAET", 1);
	put(&t->b, 1 << 1, 4);
	table_end(t, at);
	return at;
}

static size_t root(struct build *t, const char *signature, unsigned bytes, const size_t *tables, unsigned n)
{
	size_t at = table(t, signature, 1);
	for (unsigned i = 0; i < n; i++) {
		put(&t->b, 0, bytes);
		pointer(t, t->b.len - bytes, tables[i], bytes);
	}
	table_end(t, at);
	return at;
}

/* Root pointer (5.2.5.3), in the place that was left for it. */
static void rsdp(struct build *t, size_t rsdt_at, size_t xsdt_at)
{
	struct buf *b = &t->b;
	memcpy(b->s, "RSD PTR ", 8);
	memcpy(b->s + 9, "VMDECK", 6);
	poke(b, 15, 2, 1);
	poke(b, 20, ACPI_RSDP_LEN, 4);
	pointer(t, 16, rsdt_at, 4);
	pointer(t, 24, xsdt_at, 8);
	checksum(t, 8, 0, 20);
	checksum(t, 32, 0, ACPI_RSDP_LEN);
}

void acpi_build_fixups(const struct acpi_config *c, uint64_t gpa, struct buf *out, struct acpi_fixups *fixups)
{
	struct build t = {.gpa = gpa};
	while (t.b.len < ACPI_RSDP_LEN) /* the RSDP's place */
		put(&t.b, 0, 1);
	size_t facs_at = facs(&t);
	size_t dsdt_at = dsdt(&t, c);
	size_t tables[3];
	tables[0] = fadt(&t, c, dsdt_at, facs_at);
	tables[1] = madt(&t, c);
	tables[2] = waet(&t);
	size_t rsdt_at = root(&t, "RSDT", 4, tables, ARRAY_SIZE(tables));
	size_t xsdt_at = root(&t, "XSDT", 8, tables, ARRAY_SIZE(tables));
	rsdp(&t, rsdt_at, xsdt_at);
	assert(t.fixups.npointers <= ACPI_FIXUPS && t.fixups.nsums <= ACPI_FIXUPS);
	*fixups = t.fixups;
	buf_add(out, t.b.s, t.b.len);
	buf_done(&t.b);
}

void acpi_build(const struct acpi_config *c, uint64_t gpa, struct buf *out)
{
	struct acpi_fixups ignored;
	acpi_build_fixups(c, gpa, out, &ignored);
}
