#include "backend/vmm/boot/aml.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

enum { /* ACPI 6.4, table 20.3 */
	OP_ZERO = 0x00,
	OP_ONE = 0x01,
	OP_NAME = 0x08,
	PREFIX_BYTE = 0x0a,
	PREFIX_WORD = 0x0b,
	PREFIX_DWORD = 0x0c,
	PREFIX_STRING = 0x0d,
	PREFIX_QWORD = 0x0e,
	OP_SCOPE = 0x10,
	OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12,
	OP_METHOD = 0x14,
	PREFIX_DUAL = 0x2e,
	PREFIX_MULTI = 0x2f,
	OP_EXT = 0x5b,
	OP_LOCAL0 = 0x60,
	OP_ARG0 = 0x68,
	OP_IF = 0xa0,
	OP_ELSE = 0xa1,
	EXT_REGION = 0x80,
	EXT_FIELD = 0x81,
	EXT_DEVICE = 0x82,
};

static void byte(struct aml *a, unsigned v)
{
	uint8_t b = (uint8_t)v;
	buf_add(a->out, &b, 1);
}

static void little(struct aml *a, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		byte(a, (unsigned)(v >> 8 * i));
}

static void insert(struct aml *a, size_t at, const uint8_t *p, size_t n)
{
	size_t behind = a->out->len - at;
	buf_add(a->out, p, n);
	memmove(a->out->s + at + n, a->out->s + at, behind);
	memcpy(a->out->s + at, p, n);
}

/* PkgLength (20.2.4): counts itself when @self; up to 4 bytes. */
static unsigned package_length(uint8_t out[4], size_t content, bool self)
{
	unsigned n = 1;
	while (n < 4 && content + (self ? n : 0) >= (n == 1 ? 1u << 6 : 1u << (4 + 8 * (n - 1))))
		n++;
	size_t len = content + (self ? n : 0);
	assert(len < 1u << 28);
	if (n == 1) {
		out[0] = (uint8_t)len;
		return 1;
	}
	out[0] = (uint8_t)((n - 1) << 6 | (len & 0x0f));
	for (unsigned i = 1; i < n; i++)
		out[i] = (uint8_t)(len >> (4 + 8 * (i - 1)));
	return n;
}

static void begin(struct aml *a)
{
	assert(a->depth < AML_DEPTH);
	a->open[a->depth++] = a->out->len;
}

void aml_end(struct aml *a)
{
	assert(a->depth && !a->template);
	size_t at = a->open[--a->depth];
	uint8_t len[4];
	unsigned n = package_length(len, a->out->len - at, true);
	insert(a, at, len, n);
}

static void segment(struct aml *a, const char *s, size_t n)
{
	assert(n >= 1 && n <= 4 && (isupper((unsigned char)*s) || *s == '_'));
	buf_add(a->out, s, n);
	buf_add(a->out, "____", 4 - n);
}

/* NameString (20.2.2) */
void aml_path(struct aml *a, const char *name)
{
	while (*name == '\\' || *name == '^')
		byte(a, (unsigned char)*name++);
	unsigned segments = 1;
	for (const char *p = name; *p; p++)
		segments += *p == '.';
	if (segments == 2)
		byte(a, PREFIX_DUAL);
	if (segments > 2) {
		byte(a, PREFIX_MULTI);
		byte(a, segments);
	}
	for (; segments--; name += strcspn(name, ".") + 1)
		segment(a, name, strcspn(name, "."));
}

void aml_op(struct aml *a, enum aml_opcode op)
{
	byte(a, op);
}

void aml_int(struct aml *a, uint64_t v)
{
	static const struct {
		uint64_t max;
		uint8_t prefix, bytes;
	} forms[] = {
		{0xff, PREFIX_BYTE, 1},
		{0xffff, PREFIX_WORD, 2},
		{0xffffffff, PREFIX_DWORD, 4},
		{UINT64_MAX, PREFIX_QWORD, 8},
	};
	if (v <= 1) {
		byte(a, v ? OP_ONE : OP_ZERO);
		return;
	}
	unsigned i = 0;
	while (v > forms[i].max)
		i++;
	byte(a, forms[i].prefix);
	little(a, v, forms[i].bytes);
}

void aml_string(struct aml *a, const char *s)
{
	byte(a, PREFIX_STRING);
	buf_add(a->out, s, strlen(s) + 1);
}

static unsigned hex(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Three letters of five bits each and four hex digits, high byte first (19.3.4). */
void aml_eisaid(struct aml *a, const char *id)
{
	assert(strlen(id) == 7);
	unsigned letters =
	    (unsigned)(id[0] - '@') << 10 | (unsigned)(id[1] - '@') << 5 | (unsigned)(id[2] - '@');
	byte(a, PREFIX_DWORD);
	byte(a, letters >> 8);
	byte(a, letters);
	byte(a, hex(id[3]) << 4 | hex(id[4]));
	byte(a, hex(id[5]) << 4 | hex(id[6]));
}

void aml_arg(struct aml *a, unsigned n)
{
	assert(n < 7);
	byte(a, OP_ARG0 + n);
}

void aml_local(struct aml *a, unsigned n)
{
	assert(n < 8);
	byte(a, OP_LOCAL0 + n);
}

void aml_nowhere(struct aml *a)
{
	byte(a, 0); /* NullName */
}

void aml_bytes(struct aml *a, const void *p, size_t n)
{
	byte(a, OP_BUFFER);
	begin(a);
	aml_int(a, n);
	buf_add(a->out, p, n);
	aml_end(a);
}

void aml_name(struct aml *a, const char *name)
{
	byte(a, OP_NAME);
	aml_path(a, name);
}

void aml_name_int(struct aml *a, const char *name, uint64_t v)
{
	aml_name(a, name);
	aml_int(a, v);
}

void aml_scope(struct aml *a, const char *name)
{
	byte(a, OP_SCOPE);
	begin(a);
	aml_path(a, name);
}

void aml_device(struct aml *a, const char *name)
{
	byte(a, OP_EXT);
	byte(a, EXT_DEVICE);
	begin(a);
	aml_path(a, name);
}

void aml_method(struct aml *a, const char *name, unsigned nargs, bool serialized)
{
	assert(nargs <= 7);
	byte(a, OP_METHOD);
	begin(a);
	aml_path(a, name);
	byte(a, nargs | (serialized ? 8 : 0));
}

void aml_package(struct aml *a, uint8_t n)
{
	byte(a, OP_PACKAGE);
	begin(a);
	byte(a, n);
}

void aml_if(struct aml *a)
{
	byte(a, OP_IF);
	begin(a);
}

void aml_else(struct aml *a)
{
	byte(a, OP_ELSE);
	begin(a);
}

void aml_region(struct aml *a, const char *name, enum aml_space space, uint64_t off, uint64_t len)
{
	byte(a, OP_EXT);
	byte(a, EXT_REGION);
	aml_path(a, name);
	byte(a, space);
	aml_int(a, off);
	aml_int(a, len);
}

void aml_field(struct aml *a, const char *region, enum aml_access access)
{
	byte(a, OP_EXT);
	byte(a, EXT_FIELD);
	begin(a);
	aml_path(a, region);
	byte(a, access);
}

static void field_bits(struct aml *a, unsigned bits)
{
	uint8_t len[4];
	buf_add(a->out, len, package_length(len, bits, false));
}

void aml_field_unit(struct aml *a, const char *name, unsigned bits)
{
	segment(a, name, strlen(name));
	field_bits(a, bits);
}

void aml_field_skip(struct aml *a, unsigned bits)
{
	byte(a, 0);
	field_bits(a, bits);
}

/* Resource descriptors (6.4.2 small, 6.4.3 large) */

void aml_resources(struct aml *a)
{
	assert(!a->template);
	byte(a, OP_BUFFER);
	begin(a);
	a->template = a->out->len;
}

void aml_resources_end(struct aml *a)
{
	assert(a->template);
	byte(a, 0x79); /* end tag; checksum 0 = not used */
	byte(a, 0);
	size_t n = a->out->len - a->template;
	assert(n <= 0xffff);
	uint8_t size[] = {PREFIX_WORD, (uint8_t)n, (uint8_t)(n >> 8)};
	if (n <= 0xff)
		size[0] = PREFIX_BYTE;
	insert(a, a->template, size, n <= 0xff ? 2 : 3);
	a->template = 0;
	aml_end(a);
}

void aml_res_io(struct aml *a, uint16_t port, uint8_t len)
{
	byte(a, 0x47);
	byte(a, 1); /* decodes 16 bits */
	little(a, port, 2);
	little(a, port, 2);
	byte(a, 1);
	byte(a, len);
}

void aml_res_irq(struct aml *a, unsigned irq)
{
	assert(irq < 16);
	byte(a, 0x22);
	little(a, 1u << irq, 2);
}

void aml_res_interrupt(struct aml *a, const uint32_t *gsi, unsigned n)
{
	byte(a, 0x89);
	little(a, 2 + 4 * n, 2);
	byte(a, 0x09); /* consumer, level, active high, shared */
	byte(a, n);
	for (unsigned i = 0; i < n; i++)
		little(a, gsi[i], 4);
}

/* Address space descriptors (6.4.3.5): minimum and maximum fixed, positive decode. */
static void window(struct aml *a, uint8_t tag, unsigned bytes, uint8_t type, uint8_t type_flags,
		   uint64_t first, uint64_t last)
{
	assert(first <= last);
	byte(a, tag);
	little(a, 3 + 5 * bytes, 2);
	byte(a, type);
	byte(a, 0x0c);
	byte(a, type_flags);
	little(a, 0, bytes); /* granularity */
	little(a, first, bytes);
	little(a, last, bytes);
	little(a, 0, bytes); /* translation */
	little(a, last - first + 1, bytes);
}

void aml_res_bus_window(struct aml *a, uint16_t first, uint16_t last)
{
	window(a, 0x88, 2, 2, 0, first, last);
}

void aml_res_io_window(struct aml *a, uint16_t first, uint16_t last)
{
	window(a, 0x88, 2, 1, 3, first, last); /* the entire range */
}

void aml_res_mem32_window(struct aml *a, uint32_t first, uint32_t last)
{
	window(a, 0x87, 4, 0, 1, first, last); /* read-write, not cacheable */
}

void aml_res_mem64_window(struct aml *a, uint64_t first, uint64_t last)
{
	window(a, 0x8a, 8, 0, 1, first, last);
}
