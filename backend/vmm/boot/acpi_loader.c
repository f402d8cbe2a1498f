/* ACPI tables for firmware: files of fw_cfg, and a script that tells where to put them and what to correct
 * there. (QEMU, the table loader of docs/specs/fw_cfg's files; machine.md 1.6) */
#include "backend/vmm/boot/acpi.h"

#include <string.h>

#include "backend/vmm/cpuid.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"

#define RSDP_FILE "etc/acpi/rsdp"
#define TABLES_FILE "etc/acpi/tables"
#define TABLES_AT 64u /* where the tables begin when they are built behind the RSDP: the FACS, which is aligned so */
#define COMMAND_LEN 128
#define FILE_LEN 56

enum { ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3 };
enum { ZONE_HIGH = 1, ZONE_FSEG = 2 };

/* A command: little endian, packed. */
struct command {
	uint8_t b[COMMAND_LEN];
	unsigned n;
};

static void num(struct command *c, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		c->b[c->n++] = (uint8_t)(v >> 8 * i);
}

static void file(struct command *c, const char *name)
{
	memcpy(c->b + c->n, name, strlen(name));
	c->n += FILE_LEN;
}

static void allocate(struct buf *out, const char *name, uint32_t align, uint8_t zone)
{
	struct command c = {0};
	num(&c, ALLOCATE, 4);
	file(&c, name);
	num(&c, align, 4);
	num(&c, zone, 1);
	buf_add(out, c.b, sizeof(c.b));
}

/* Which file the byte at offset @at of the whole is in; *off is its offset there. */
static const char *file_of(size_t at, uint32_t *off)
{
	*off = (uint32_t)(at < TABLES_AT ? at : at - TABLES_AT);
	return at < TABLES_AT ? RSDP_FILE : TABLES_FILE;
}

static void add_pointer(struct buf *out, const struct acpi_pointer *p)
{
	struct command c = {0};
	uint32_t off;
	num(&c, ADD_POINTER, 4);
	file(&c, file_of(p->at, &off));
	file(&c, TABLES_FILE);
	num(&c, off, 4);
	num(&c, p->bytes, 1);
	buf_add(out, c.b, sizeof(c.b));
}

static void add_checksum(struct buf *out, const struct acpi_sum *s)
{
	struct command c = {0};
	uint32_t off, start;
	num(&c, ADD_CHECKSUM, 4);
	file(&c, file_of(s->at, &off));
	file_of(s->start, &start);
	num(&c, off, 4);
	num(&c, start, 4);
	num(&c, s->len, 4);
	buf_add(out, c.b, sizeof(c.b));
}

void acpi_build_loader(const struct acpi_config *c, struct buf *rsdp, struct buf *tables, struct buf *loader)
{
	AUTO_BUF struct buf all = {0};
	struct acpi_fixups f;
	/* With the tables at 0 a pointer is an offset into their file, to which the loader adds the file's
	 * place. */
	acpi_build_fixups(c, -(uint64_t)TABLES_AT, &all, &f);
	allocate(loader, RSDP_FILE, 16, ZONE_FSEG);
	allocate(loader, TABLES_FILE, 64, ZONE_HIGH);
	for (unsigned i = 0; i < f.npointers; i++)
		add_pointer(loader, &f.pointers[i]);
	for (unsigned i = 0; i < f.nsums; i++) { /* of what is there then: the field itself is to count as 0 */
		all.s[f.sums[i].at] = 0;
		add_checksum(loader, &f.sums[i]);
	}
	buf_add(rsdp, all.s, ACPI_RSDP_LEN);
	buf_add(tables, all.s + TABLES_AT, all.len - TABLES_AT);
}

struct acpi_config acpi_config_of(const struct machine *m, uint16_t pm_base, uint8_t *ids)
{
	struct cpu_topology t = machine_topology(m);
	for (unsigned i = 0; i < m->domain->vcpus; i++)
		ids[i] = (uint8_t)cpu_apic_id(&t, i);
	return (struct acpi_config){
		.vcpus = m->domain->vcpus,
		.apic_ids = ids,
		.pm_base = pm_base,
		.low_bytes = m->mem.low_bytes,
		.high_bytes = m->mem.ram_bytes - m->mem.low_bytes,
		.serial = {m->consoles[0] != NULL, m->consoles[1] != NULL},
		.ps2 = true,
		.vga = m->domain->video != NULL,
		.fw_cfg = m->firmware != NULL,
	};
}
