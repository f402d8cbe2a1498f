/* Typed values in XML. What is allowed is said once, here, in each refusal. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "src/base/str.h"
#include "src/model/xml.h"

/* The value without blanks around it, the caller's to free; NULL when absent. An empty element is absent. */
static char *value_of(const struct xml_node *n, const char *attr)
{
	char *s = attr ? x_strdup(xml_attr(n, attr)) : xml_content(n);
	if (!s)
		return NULL;
	char *from = s + strspn(s, " \t\r\n");
	size_t len = strlen(from);
	while (len && isspace((unsigned char)from[len - 1]))
		len--;
	memmove(s, from, len);
	s[len] = 0;
	if (!attr && !*s) {
		free(s);
		return NULL;
	}
	return s;
}

/* A value as it may be shown: no control characters, not endless. */
static char *shown(const char *s, char out[128])
{
	return str_printable(s, out, 128);
}

static int out_of_range(const struct xml_node *n, const char *attr, const char *s, uint64_t min, uint64_t max,
			struct err *e)
{
	char show[128];
	return xml_bad(n, attr, e, "'%s' is not allowed: a whole number from %" PRIu64 " to %" PRIu64,
		       shown(s, show), min, max);
}

/* A decimal number, leading zeros or not, or a hexadecimal one. */
static bool number(const char *s, uint64_t *out)
{
	s += *s == '+';
	while (s[0] == '0' && s[1] >= '0' && s[1] <= '9')
		s++;
	return str_u64(s, out);
}

int xml_get_address(const struct xml_node *n, const char *attr, unsigned max, unsigned *out, struct err *e)
{
	AUTO_FREE char *s = value_of(n, attr);
	uint64_t v;
	if (!s)
		return 0;
	if (!str_u64(s, &v) || v > max)
		return out_of_range(n, attr, s, 0, max, e);
	*out = (unsigned)v;
	return 0;
}

int xml_get_u64(const struct xml_node *n, const char *attr, uint64_t min, uint64_t max, uint64_t *out,
		struct err *e)
{
	AUTO_FREE char *s = value_of(n, attr);
	if (!s)
		return 0;
	uint64_t v;
	if (!number(s, &v) || v < min || v > max)
		return out_of_range(n, attr, s, min, max, e);
	*out = v;
	return 0;
}

int xml_get_unsigned(const struct xml_node *n, const char *attr, unsigned min, unsigned max, unsigned *out,
		     struct err *e)
{
	uint64_t v = *out;
	AUTO_FREE char *s = value_of(n, attr);
	if (!s)
		return 0;
	int rc = xml_get_u64(n, attr, min, max, &v, e);
	if (!rc)
		*out = (unsigned)v;
	return rc;
}

int xml_get_choice(const struct xml_node *n, const char *attr, const char *names, unsigned *out,
		   struct err *e)
{
	AUTO_FREE char *s = value_of(n, attr);
	if (!s)
		return 0;
	size_t len = strlen(s);
	unsigned i = 0;
	for (const char *p = names; len && p; p = strchr(p, '|'), p = p ? p + 1 : NULL, i++)
		if (!strncmp(p, s, len) && (!p[len] || p[len] == '|') && !strchr(s, '|')) {
			*out = i;
			return 0;
		}
	char show[128];
	struct buf AUTO_BUF list = {0};
	for (const char *p = names; *p; p++)
		buf_puts(&list, *p == '|' ? ", " : (char[]){*p, 0});
	return xml_bad(n, attr, e, "'%s' is not allowed: %s%s", shown(s, show),
		       strchr(names, '|') ? "one of " : "only ", buf_text(&list));
}

int xml_get_path(const struct xml_node *n, const char *attr, char **out, struct err *e)
{
	AUTO_FREE char *s = value_of(n, attr);
	if (!s || !*s)
		return 0;
	char show[128];
	if (s[0] != '/')
		return xml_bad(n, attr, e, "'%s' is not allowed: a path from the root, as '/var/lib/x.img'",
			       shown(s, show));
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return xml_bad(n, attr, e, "'%s' is not allowed: control characters in a path",
				       shown(s, show));
	if (strlen(s) > 4095)
		return xml_bad(n, attr, e, "a path of %zu bytes is not allowed: at most 4095", strlen(s));
	free(*out);
	*out = TAKE_PTR(s);
	return 0;
}

int xml_get_size(const struct xml_node *n, uint64_t *bytes, struct err *e)
{
	const char *unit = xml_attr(n, "unit");
	char show[128];
	uint64_t factor = fmt_unit_bytes(unit), v = UINT64_MAX;
	if (!factor)
		return xml_bad(n, "unit", e,
			       "'%s' is not allowed: one of b, bytes, KB, KiB, MB, MiB, GB, GiB, TB, TiB, "
			       "PB, PiB, EB, EiB, or k, M, G, T, P, E for KiB and so on",
			       shown(unit, show));
	AUTO_FREE char *s = value_of(n, NULL);
	if (!s)
		return xml_bad(n, NULL, e, "empty: a whole number is needed");
	if (!number(s, &v))
		return xml_bad(n, NULL, e, "'%s' is not allowed: a whole number", shown(s, show));
	if (__builtin_mul_overflow(v, factor, &v))
		return xml_bad(n, NULL, e, "'%s %s' is too large: it does not fit 64 bits", shown(s, show),
			       unit ? unit : "KiB");
	*bytes = v;
	return 0;
}
