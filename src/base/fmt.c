#include "src/base/fmt.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "src/base/cleanup.h"

static char *scaled(uint64_t bytes, char *out, const char *plain, const char *suffix, const char *space)
{
	static const char prefix[] = "KMGTPE";
	if (bytes < 1024) {
		snprintf(out, FMT_MAX, "%u%s%s", (unsigned)bytes, space, plain);
		return out;
	}
	double v = (double)bytes;
	int p = -1;
	while (v >= 1023.5 && prefix[p + 1]) {
		v /= 1024;
		p++;
	}
	snprintf(out, FMT_MAX, v < 9.95 ? "%.1f%s%c%s" : "%.0f%s%c%s", v, space, prefix[p], suffix);
	return out;
}

char *fmt_bytes(uint64_t bytes, char out[FMT_MAX])
{
	return scaled(bytes, out, "B", "iB", " ");
}

char *fmt_bytes_short(uint64_t bytes, char out[FMT_MAX])
{
	return scaled(bytes, out, "B", "", "");
}

char *fmt_duration(uint64_t s, char out[FMT_MAX])
{
	unsigned long long d = s / 86400, h = s / 3600 % 24, m = s / 60 % 60;
	if (d)
		snprintf(out, FMT_MAX, "%llud%02lluh", d, h);
	else if (h)
		snprintf(out, FMT_MAX, "%lluh%02llum", h, m);
	else if (m)
		snprintf(out, FMT_MAX, "%llum%02llus", m, (unsigned long long)(s % 60));
	else
		snprintf(out, FMT_MAX, "%llus", (unsigned long long)s);
	return out;
}

uint64_t fmt_unit_bytes(const char *unit)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {
		{"", 1024},
		{"b", 1},
		{"byte", 1},
		{"bytes", 1},
		{"KB", 1000},
		{"k", 1024},
		{"KiB", 1024},
		{"MB", 1000000},
		{"M", 1ull << 20},
		{"MiB", 1ull << 20},
		{"GB", 1000000000},
		{"G", 1ull << 30},
		{"GiB", 1ull << 30},
		{"TB", 1000000000000},
		{"T", 1ull << 40},
		{"TiB", 1ull << 40},
		{"PB", 1000000000000000},
		{"P", 1ull << 50},
		{"PiB", 1ull << 50},
		{"EB", 1000000000000000000},
		{"E", 1ull << 60},
		{"EiB", 1ull << 60},
	};
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcasecmp(unit ? unit : "", units[i].name))
			return units[i].bytes;
	return 0;
}
