/* Log lines of a process: to stderr until log_open(), then to the descriptor given there.
 * error: it failed.  warn: it goes on, and how.  info: a person will want it.  debug: one of the areas named in
 * VMDECK_TRACE (comma separated, or "all"). Any thread. One write() a line.
 *
 * Guests and strangers cause lines. So a process writes at most LOG_BURST lines of one level to a file at once
 * and LOG_PER_S a second in the long run (traces aside); when there is room again it says how many were left
 * out, those among them that a full pipe did not take. */
#ifndef SRC_BASE_LOG_H
#define SRC_BASE_LOG_H

#include <stdbool.h>

#define LOG_BURST 200u
#define LOG_PER_S 2u

/* @who stands before each line ("vmm web1"); copied. @fd stays the caller's; -1 = stderr. */
void log_open(const char *who, int fd);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Is @area traced? For work that only a trace needs. */
bool log_traced(const char *area);
void log_debug(const char *area, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
