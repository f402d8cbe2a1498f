#include "src/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	int fd;
	char who[64];
	pthread_mutex_t lock;
	/* Under lock: lines that may still be written, in thousandths, one count for each level. */
	struct {
		uint64_t left, since_ms;
	} rate[3];
	unsigned left_out;
} logger = {.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

enum level { ERROR, WARNING, INFO, DEBUG };

void log_open(const char *who, int fd)
{
	snprintf(logger.who, sizeof(logger.who), "%s", who ? who : "");
	logger.fd = fd;
	for (unsigned i = 0; i < DEBUG; i++) {
		logger.rate[i].left = LOG_BURST * 1000;
		logger.rate[i].since_ms = 0;
	}
}

/* May another line be written? Traces are what somebody has asked for; a terminal is nobody's to fill. */
static bool admit(enum level level)
{
	struct timespec ts;
	if (level == DEBUG || logger.fd < 0)
		return true;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	uint64_t now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000, *left = &logger.rate[level].left;
	uint64_t since = logger.rate[level].since_ms ? now - logger.rate[level].since_ms : 0;
	logger.rate[level].since_ms = now;
	*left += since * LOG_PER_S;
	if (*left > LOG_BURST * 1000)
		*left = LOG_BURST * 1000;
	if (*left < 1000)
		return false;
	*left -= 1000;
	return true;
}

static bool write_line(const char *line, size_t n)
{
	return write(logger.fd >= 0 ? logger.fd : 2, line, n) == (ssize_t)n;
}

/* Where text of a line begins, behind the time, who and what. */
static size_t head(char *line, size_t room, const char *level)
{
	size_t n = 0;
	if (logger.fd >= 0) { /* a file wants the time */
		struct timespec ts;
		struct tm tm;
		clock_gettime(CLOCK_REALTIME, &ts);
		gmtime_r(&ts.tv_sec, &tm);
		n = strftime(line, 32, "%Y-%m-%dT%H:%M:%S", &tm);
		n += (size_t)snprintf(line + n, 16, ".%03ldZ ", ts.tv_nsec / 1000000);
	}
	return n + (size_t)snprintf(line + n, room - n, "%s%s%s: ", logger.who, *logger.who ? ": " : "", level);
}

static void tell_left_out(void)
{
	char line[200];
	if (!logger.left_out)
		return;
	size_t n = head(line, sizeof(line), "warning");
	n += (size_t)snprintf(line + n, sizeof(line) - n, "%u lines were left out\n", logger.left_out);
	if (write_line(line, n))
		logger.left_out = 0;
}

static void put(enum level level, const char *name, const char *fmt, va_list ap)
{
	char line[1400];
	size_t n = head(line, sizeof(line), name);
	int k = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	if (k > 0)
		n += (size_t)k;
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	pthread_mutex_lock(&logger.lock);
	bool write_it = admit(level);
	if (write_it)
		tell_left_out();
	if (!write_it || !write_line(line, n)) /* a log that cannot be written must not stop the work */
		logger.left_out++;
	pthread_mutex_unlock(&logger.lock);
}

#define LOG_LEVEL(name, level, text)                                                                                \
	void name(const char *fmt, ...)                                                                      \
	{                                                                                                    \
		va_list ap;                                                                                  \
		va_start(ap, fmt);                                                                           \
		put(level, text, fmt, ap);                                                                          \
		va_end(ap);                                                                                  \
	}

LOG_LEVEL(log_error, ERROR, "error")
LOG_LEVEL(log_warn, WARNING, "warning")
LOG_LEVEL(log_info, INFO, "info")

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
	put(DEBUG, area, fmt, ap);
	va_end(ap);
}
