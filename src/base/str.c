#include "src/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(void *p)
{
	if (!p) {
		fputs("vmdeck: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

void *x_malloc(size_t n)
{
	return need(malloc(n ? n : 1));
}

void *x_calloc(size_t n, size_t size)
{
	return need(calloc(n ? n : 1, size ? size : 1));
}

void *x_realloc(void *p, size_t n)
{
	return need(realloc(p, n ? n : 1));
}

char *x_strdup(const char *s)
{
	return s ? need(strdup(s)) : NULL;
}

char *x_strndup(const char *s, size_t n)
{
	return need(strndup(s, n));
}

char *x_asprintf(const char *fmt, ...)
{
	struct buf b = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	return buf_take(&b);
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool str_starts(const char *s, const char *prefix)
{
	return s && !strncmp(s, prefix, strlen(prefix));
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = s ? strlen(s) : 0, k = strlen(suffix);
	return s && n >= k && !memcmp(s + n - k, suffix, k);
}

bool str_u64(const char *s, uint64_t *out)
{
	if (!s || *s < '0' || *s > '9')
		return false;
	char *end;
	errno = 0;
	unsigned long long v = strtoull(s, &end, 0);
	if (errno || *end)
		return false;
	*out = v;
	return true;
}

/* Length of the UTF-8 sequence at @s, 0 when it is not a valid one. RFC 3629, section 4. */
static unsigned utf8_len(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	unsigned n = s[0] >= 0xc2 && s[0] < 0xe0   ? 2
		     : (s[0] & 0xf0) == 0xe0       ? 3
		     : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						   : 0;
	for (unsigned i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		   (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f) ||
		   (s[0] == 0xc2 && s[1] < 0xa0);
	return bad ? 0 : n;
}

uint32_t str_utf8(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	unsigned n = utf8_len(p);
	*s += n ? n : 1;
	if (n < 2)
		return n ? *p : UINT32_MAX;
	uint32_t c = *p & (0x7fu >> n);
	for (unsigned i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

bool str_invisible(uint32_t c)
{
	/* Unicode 15, DerivedGeneralCategory: Cf, Zl (U+2028), Zp (U+2029). Sorted. */
	static const struct {
		uint32_t from, to;
	} ranges[] = {
		{0xad, 0xad},       {0x600, 0x605},	{0x61c, 0x61c},     {0x6dd, 0x6dd},
		{0x70f, 0x70f},     {0x890, 0x891},	{0x8e2, 0x8e2},     {0x180e, 0x180e},
		{0x200b, 0x200f},   {0x2028, 0x202e},	{0x2060, 0x2064},   {0x2066, 0x206f},
		{0xfeff, 0xfeff},   {0xfff9, 0xfffb},	{0x110bd, 0x110bd}, {0x110cd, 0x110cd},
		{0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0001, 0xe0001},
		{0xe0020, 0xe007f},
	};
	size_t i = 0;
	while (i < sizeof(ranges) / sizeof(ranges[0]) && c > ranges[i].to)
		i++;
	return i < sizeof(ranges) / sizeof(ranges[0]) && c >= ranges[i].from;
}

char *str_printable(const char *s, char *out, size_t n)
{
	const unsigned char *p = (const unsigned char *)(s ? s : "");
	size_t k = 0;
	while (*p) {
		unsigned len = utf8_len(p);
		const char *at = (const char *)p;
		bool plain = len > 1 ? !str_invisible(str_utf8(&at)) : len == 1 && *p >= 0x20 && *p != 0x7f;
		unsigned put = plain ? len : 1;
		if (k + put + 1 > n)
			break;
		if (plain)
			memcpy(out + k, p, len);
		else
			out[k] = '?';
		k += put;
		p += len ? len : 1;
	}
	if (n)
		out[k] = 0;
	return out;
}

char *str_mask(char *s)
{
	for (unsigned char *p = (unsigned char *)s; *p;) {
		unsigned len = utf8_len(p);
		bool control = len == 1 && (*p < 0x20 || *p == 0x7f) && *p != '\n' && *p != '\t';
		if (!len || control)
			*p = '?';
		p += len ? len : 1;
	}
	return s;
}

unsigned str_distance(const char *a, const char *b)
{
	unsigned row[64];
	size_t n = strlen(b);
	if (n >= sizeof(row) / sizeof(row[0]))
		return 99;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned diag = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned up = row[j], best = diag + (a[i - 1] != b[j - 1]);
			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diag = up;
		}
	}
	return row[n];
}

static void reserve(struct buf *b, size_t more)
{
	if (more >= SIZE_MAX / 4 - b->len)
		need(NULL);
	size_t want = b->len + more + 1;
	if (want <= b->cap)
		return;
	size_t cap = b->cap ? b->cap * 2 : 64;
	while (cap < want)
		cap *= 2;
	b->s = x_realloc(b->s, cap);
	b->cap = cap;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	reserve(b, n);
	if (n)
		memcpy(b->s + b->len, p, n);
	b->len += n;
	b->s[b->len] = 0;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return;
	reserve(b, (size_t)n);
	vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_base64(struct buf *b, const void *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *p = bytes;
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
			     (i + 2 < n ? p[i + 2] : 0);
		char four[4] = {digits[v >> 18], digits[v >> 12 & 63], i + 1 < n ? digits[v >> 6 & 63] : '=',
				i + 2 < n ? digits[v & 63] : '='};
		buf_add(b, four, 4);
	}
}

void buf_drop(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (!n)
		return;
	b->len -= n;
	memmove(b->s, b->s + n, b->len + 1);
}

void buf_done(struct buf *b)
{
	free(b->s);
	*b = (struct buf){0};
}

const char *buf_text(const struct buf *b)
{
	return b->s ? b->s : "";
}

char *buf_take(struct buf *b)
{
	char *s = b->s ? b->s : x_strdup("");
	*b = (struct buf){0};
	return s;
}
