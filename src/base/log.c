#include "src/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	int fd;
	char who[64];
} logger = {.fd = -1};

void log_open(const char *who, int fd)
{
	snprintf(logger.who, sizeof(logger.who), "%s", who ? who : "");
	logger.fd = fd;
}

static void put(const char *level, const char *fmt, va_list ap)
{
	char line[1400];
	size_t n = 0;
	if (logger.fd >= 0) { /* a file wants the time */
		struct timespec ts;
		struct tm tm;
		clock_gettime(CLOCK_REALTIME, &ts);
		gmtime_r(&ts.tv_sec, &tm);
		n = strftime(line, 32, "%Y-%m-%dT%H:%M:%S", &tm);
		n += (size_t)snprintf(line + n, 16, ".%03ldZ ", ts.tv_nsec / 1000000);
	}
	int k = snprintf(line + n, sizeof(line) - n, "%s%s%s: ", logger.who, *logger.who ? ": " : "", level);
	n += (size_t)k;
	k = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	if (k > 0)
		n += (size_t)k;
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	ssize_t done = write(logger.fd >= 0 ? logger.fd : 2, line, n);
	(void)done; /* a log that cannot be written must not stop the work */
}

#define LOG_LEVEL(name, text)                                                                                \
	void name(const char *fmt, ...)                                                                      \
	{                                                                                                    \
		va_list ap;                                                                                  \
		va_start(ap, fmt);                                                                           \
		put(text, fmt, ap);                                                                          \
		va_end(ap);                                                                                  \
	}

LOG_LEVEL(log_error, "error")
LOG_LEVEL(log_warn, "warning")
LOG_LEVEL(log_info, "info")

bool log_traced(const char *area)
{
	const char *list = getenv("VMDECK_TRACE");
	size_t n = strlen(area);
	while (list && *list) {
		size_t len = strcspn(list, ",");
		if ((len == n && !strncmp(list, area, n)) || (len == 3 && !strncmp(list, "all", 3)))
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

void log_debug(const char *area, const char *fmt, ...)
{
	if (!log_traced(area))
		return;
	va_list ap;
	va_start(ap, fmt);
	put(area, fmt, ap);
	va_end(ap);
}
