/* SMBIOS for a directly booted kernel, and for firmware to put it into memory. (DMTF DSP0134 2.8: 5.2.1 for
 * the anchor, 7 for the structures) */
#include "backend/vmm/boot/smbios.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"

#define ANCHOR_LEN 31
#define ANCHOR 32 /* 31 bytes, and room to 16-byte alignment */
#define KIB_MAX 0x80000000u /* capacity fields of 32 bits say "see the extended one" with this */

struct smbios {
	struct buf *out;
	size_t base;     /* first structure */
	unsigned count;
	size_t largest;
	size_t at;       /* the open structure */
	unsigned nstrings;
	struct buf strings;
	uint16_t handle; /* of the next one */
};

static void put(struct smbios *s, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		uint8_t byte = (uint8_t)(v >> 8 * i);
		buf_add(s->out, &byte, 1);
	}
}

/* A string field: its number; the text goes behind the structure. Empty ones are number 0. */
static void string(struct smbios *s, const char *text)
{
	if (!text || !*text) {
		put(s, 0, 1);
		return;
	}
	buf_add(&s->strings, text, strlen(text) + 1);
	put(s, ++s->nstrings, 1);
}

static uint16_t begin(struct smbios *s, uint8_t type)
{
	s->at = s->out->len;
	put(s, type, 1);
	put(s, 0, 1);
	put(s, s->handle, 2);
	return s->handle++;
}

static void end(struct smbios *s)
{
	s->out->s[s->at + 1] = (char)(s->out->len - s->at);
	if (s->nstrings)
		buf_add(s->out, s->strings.s, s->strings.len);
	else
		put(s, 0, 1);
	put(s, 0, 1);
	size_t n = s->out->len - s->at;
	if (n > s->largest)
		s->largest = n;
	s->count++;
	s->nstrings = 0;
	buf_done(&s->strings);
}

/* 7.1: there is no firmware, but guests look here for its name */
static void no_firmware(struct smbios *s)
{
	begin(s, 0);
	string(s, "vmdeck");
	string(s, "direct boot");
	put(s, 0, 2);
	string(s, "01/01/2026");
	put(s, 0, 1);
	put(s, 1 << 3, 8);    /* characteristics are not supported */
	put(s, 0x1000, 2);    /* extension byte 2, bit 4: a virtual machine */
	put(s, 0xffffffff, 4); /* no release numbers */
	end(s);
}

static unsigned hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* 7.2.1: the first three fields are little-endian. @text is canonical. */
static void uuid(struct smbios *s, const char *text)
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	uint8_t raw[16] = {0};
	for (unsigned n = 0; n < 32 && *text; text++)
		if (*text != '-') {
			raw[n / 2] = (uint8_t)(raw[n / 2] << 4 | hex_digit(*text));
			n++;
		}
	for (unsigned i = 0; i < 16; i++)
		put(s, raw[order[i]], 1);
}

static void system_info(struct smbios *s, const struct domain *d)
{
	begin(s, 1);
	string(s, "vmdeck");
	string(s, "pc");
	string(s, "i440FX");
	string(s, NULL);
	uuid(s, d->uuid);
	put(s, 6, 1); /* woken by the power switch */
	string(s, NULL);
	string(s, "Virtual Machine");
	end(s);
}

/* 7.4; the asset tag is the domain's name, which a guest's users may read */
static void chassis(struct smbios *s, const struct domain *d)
{
	begin(s, 3);
	string(s, "vmdeck");
	put(s, 1, 1); /* other */
	string(s, NULL);
	string(s, NULL);
	string(s, d->name);
	put(s, 0x03030303, 4); /* safe, safe, safe; no security */
	put(s, 0, 4 + 2 + 2);
	string(s, NULL);
	end(s);
}

static void processor(struct smbios *s, const struct domain *d, unsigned socket)
{
	char name[24];
	unsigned cores = d->dies * d->cores;
	snprintf(name, sizeof(name), "CPU %u", socket);
	begin(s, 4);
	string(s, name);
	put(s, 0x0103, 2); /* central processor, other family */
	string(s, NULL);
	put(s, 0, 8);
	string(s, NULL);
	put(s, 0, 1 + 3 * 2);
	put(s, 0x0141, 2); /* populated and enabled; other socket type */
	put(s, 0xffffffffffff, 6); /* no cache structures */
	put(s, 0, 3);
	put(s, cores > 255 ? 255 : cores, 1);
	put(s, cores > 255 ? 255 : cores, 1);
	put(s, cores * d->threads > 255 ? 255 : cores * d->threads, 1);
	put(s, 1 << 2, 2); /* 64 bits */
	put(s, 1, 2);
	end(s);
}

static void mapped(struct smbios *s, uint16_t array, uint64_t base, uint64_t len)
{
	if (!len)
		return;
	uint64_t first = base >> 10, last = (base + len - 1) >> 10;
	bool extended = last >= 0xffffffff;
	begin(s, 19);
	put(s, extended ? 0xffffffff : first, 4);
	put(s, extended ? 0xffffffff : last, 4);
	put(s, array, 2);
	put(s, 1, 1);
	put(s, extended ? base : 0, 8);
	put(s, extended ? base + len - 1 : 0, 8);
	end(s);
}

static void memory(struct smbios *s, const struct machine *m)
{
	uint64_t kib = m->mem.ram_bytes >> 10, mib = kib >> 10;
	uint16_t array = begin(s, 16);
	put(s, 0x060301, 3); /* other place, system memory, multi-bit ECC */
	put(s, kib < KIB_MAX ? kib : KIB_MAX, 4);
	put(s, 0xfffe, 2);
	put(s, 1, 2);
	put(s, kib < KIB_MAX ? 0 : m->mem.ram_bytes, 8);
	end(s);

	begin(s, 17);
	put(s, array, 2);
	put(s, 0xfffe, 2);
	put(s, 0xffffffff, 4); /* widths unknown */
	put(s, mib < 0x7fff ? mib : 0x7fff, 2);
	put(s, 9, 1); /* DIMM */
	put(s, 0, 1);
	string(s, "DIMM 0");
	string(s, NULL);
	put(s, 7, 1); /* RAM */
	put(s, 1 << 1, 2);
	put(s, 0, 2 + 5);
	put(s, mib < 0x7fff ? 0 : mib, 4);
	put(s, 0, 2);
	end(s);

	mapped(s, array, 0, m->mem.low_bytes);
	mapped(s, array, 1ull << 32, m->mem.ram_bytes - m->mem.low_bytes);
}

static uint8_t negative_sum(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;
	while (n--)
		sum += *p++;
	return (uint8_t)-sum;
}

static void anchor(const struct smbios *s, uint64_t gpa, size_t at)
{
	uint8_t *p = (uint8_t *)s->out->s + at;
	uint32_t table = (uint32_t)(gpa + s->base - at);
	size_t len = s->out->len - s->base;
	memcpy(p, "_SM_", 4);
	p[5] = ANCHOR_LEN;
	p[6] = 2;
	p[7] = 8;
	p[8] = (uint8_t)s->largest;
	p[9] = (uint8_t)(s->largest >> 8);
	memcpy(p + 16, "_DMI_", 5);
	p[22] = (uint8_t)len;
	p[23] = (uint8_t)(len >> 8);
	for (unsigned i = 0; i < 4; i++)
		p[24 + i] = (uint8_t)(table >> 8 * i);
	p[28] = (uint8_t)s->count;
	p[29] = (uint8_t)(s->count >> 8);
	p[30] = 0x28;
	p[21] = negative_sum(p + 16, 15);
	p[4] = negative_sum(p, ANCHOR_LEN);
}

static void build(const struct machine *m, uint64_t gpa, bool direct, struct buf *out)
{
	size_t at = out->len;
	struct smbios s = {.out = out};
	while (out->len < at + ANCHOR)
		put(&s, 0, 8);
	s.base = out->len;
	if (direct)
		no_firmware(&s);
	system_info(&s, m->domain);
	chassis(&s, m->domain);
	for (unsigned i = 0; i < m->domain->sockets; i++)
		processor(&s, m->domain, i);
	memory(&s, m);
	begin(&s, 32); /* 7.33: no errors */
	put(&s, 0, 7);
	end(&s);
	begin(&s, 127);
	end(&s);
	anchor(&s, gpa, at);
}

void smbios_build(const struct machine *m, uint64_t gpa, struct buf *out)
{
	build(m, gpa, true, out);
}

void smbios_build_files(const struct machine *m, struct buf *entry, struct buf *tables)
{
	AUTO_BUF struct buf all = {0};
	build(m, 0, false, &all);
	buf_add(entry, all.s, ANCHOR_LEN);
	buf_add(tables, all.s + ANCHOR, all.len - ANCHOR);
}
