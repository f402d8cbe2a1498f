/* What libvirt calls tuning: sizes, weights, periods and quotas. */
#include "src/model/domain_tune.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"

#define UNLIMITED_FROM ((uint64_t)1 << 62) /* libvirt writes 9007199254740991 KiB */
#define SHARES_MAX 262144u
#define PERIOD_MIN 1000u
#define PERIOD_MAX 1000000u
#define QUOTA_MIN 1000u
#define QUOTA_MAX 17592186044415u
#define PARTITION_MAX 200

static int parse_limit(struct xml_node *memtune, const char *name, uint64_t *out, struct err *e)
{
	struct xml_node *n = xml_first(memtune, name);
	int rc = n ? xml_get_size(n, out, e) : 0;
	if (*out >= UNLIMITED_FROM)
		*out = TUNE_UNLIMITED;
	return rc;
}

static int parse_memtune(struct domain *d, struct xml_node *n, struct err *e)
{
	struct domain_tune *t = &d->tune;
	int rc = parse_limit(n, "hard_limit", &t->hard_limit, e);
	if (!rc)
		rc = parse_limit(n, "soft_limit", &t->soft_limit, e);
	if (!rc)
		rc = parse_limit(n, "swap_hard_limit", &t->swap_hard_limit, e);
	if (rc)
		return rc;
	if (t->hard_limit && t->hard_limit < d->memory_bytes)
		domain_note(d, xml_first(n, "hard_limit"), false,
			    "memtune/hard_limit: less than <memory>: the guest is swapped out, or ended by the host, "
			    "when it uses all of its memory");
	if (t->swap_hard_limit && t->hard_limit > t->swap_hard_limit)
		domain_note(d, xml_first(n, "swap_hard_limit"), false,
			    "memtune/swap_hard_limit: less than hard_limit, though it is memory and swap together: "
			    "acts as hard_limit, without swap");
	return 0;
}

/* A time in microseconds, at least @min; 0 is as if it were not there. */
static int parse_period(struct xml_node *cputune, const char *name, unsigned *out, struct err *e)
{
	struct xml_node *n = xml_first(cputune, name);
	int rc = n ? xml_get_unsigned(n, NULL, 0, PERIOD_MAX, out, e) : 0;
	if (!rc && *out && *out < PERIOD_MIN)
		return xml_bad(n, NULL, e, "'%u' is not allowed: 0, or from %u to %u microseconds", *out,
			       PERIOD_MIN, PERIOD_MAX);
	return rc;
}

/* Negative: no limit. */
static int parse_quota(struct xml_node *cputune, const char *name, uint64_t *out, struct err *e)
{
	struct xml_node *n = xml_first(cputune, name);
	AUTO_FREE char *text = n ? xml_content(n) : NULL;
	const char *s = text ? text + strspn(text, " \t\r\n") : "";
	uint64_t less;
	char show[64];
	if (*s == '-') {
		char digits[32];
		snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(s + 1, " \t\r\n"), s + 1);
		if (!str_u64(digits, &less))
			return xml_bad(n, NULL, e, "'%s' is not allowed: microseconds, or -1 for no limit",
				       str_printable(s, show, sizeof(show)));
		*out = less ? TUNE_UNLIMITED : 0;
		return 0;
	}
	int rc = n ? xml_get_u64(n, NULL, 0, QUOTA_MAX, out, e) : 0;
	if (!rc && *out && *out < QUOTA_MIN)
		return xml_bad(n, NULL, e, "'%" PRIu64 "' is not allowed: -1 for no limit, or from %u microseconds on",
			       *out, QUOTA_MIN);
	return rc;
}

static int parse_cputune(struct domain *d, struct xml_node *n, struct err *e)
{
	struct domain_tune *t = &d->tune;
	struct xml_node *shares = xml_first(n, "shares");
	int rc = shares ? xml_get_unsigned(shares, NULL, 0, SHARES_MAX, &t->shares, e) : 0;
	if (!rc)
		rc = parse_period(n, "period", &t->period_us, e);
	if (!rc)
		rc = parse_period(n, "global_period", &t->global_period_us, e);
	if (!rc)
		rc = parse_quota(n, "quota", &t->quota_us, e);
	if (!rc)
		rc = parse_quota(n, "global_quota", &t->global_quota_us, e);
	if (!rc && t->shares > TUNE_WEIGHT_MAX)
		domain_note(d, shares, false, "cputune/shares: more than %d: acts as %d", TUNE_WEIGHT_MAX,
			    TUNE_WEIGHT_MAX);
	return rc;
}

/* "/machine/production": names from the root. */
static int parse_partition(struct domain *d, struct xml_node *resource, struct err *e)
{
	struct xml_node *n = xml_first(resource, "partition");
	AUTO_FREE char *text = n ? xml_content(n) : NULL;
	char show[128];
	if (!text || !*text)
		return 0;
	bool bad = *text != '/' || strlen(text) > PARTITION_MAX || strstr(text, "//");
	for (const char *s = text; *s && !bad; s++)
		bad = (unsigned char)*s <= ' ' || *s == 0x7f || (*s == '/' && s[1] == '.');
	if (bad)
		return xml_bad(n, NULL, e, "'%s' is not allowed: a path such as /machine",
			       str_printable(text, show, sizeof(show)));
	size_t len = strlen(text);
	if (text[len - 1] == '/')
		text[len - 1] = 0;
	if (*text)
		d->tune.partition = TAKE_PTR(text);
	return 0;
}

int domain_parse_tune(struct domain *d, struct xml_node *root, struct err *e)
{
	struct xml_node *mem = xml_first(root, "memtune"), *cpu = xml_first(root, "cputune");
	struct xml_node *io = xml_first(root, "blkiotune"), *resource = xml_first(root, "resource");
	struct xml_node *weight = io ? xml_first(io, "weight") : NULL;
	int rc = mem ? parse_memtune(d, mem, e) : 0;
	if (!rc && cpu)
		rc = parse_cputune(d, cpu, e);
	if (!rc && weight)
		rc = xml_get_unsigned(weight, NULL, 0, TUNE_WEIGHT_MAX, &d->tune.io_weight, e);
	if (!rc && resource)
		rc = parse_partition(d, resource, e);
	return rc;
}

void domain_free_tune(struct domain_tune *t)
{
	free(t->partition);
	t->partition = NULL;
}
