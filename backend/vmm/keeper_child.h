/* Processes that the keeper starts beside the machine, and starts again when they die. */
#ifndef BACKEND_VMM_KEEPER_CHILD_H
#define BACKEND_VMM_KEEPER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KEEPER_STARTS 5 /* in KEEPER_SPAN_MS */
#define KEEPER_SPAN_MS 60000
#define KEEPER_BACKOFF_MS 1000
#define KEEPER_CHILD_FDS 8

/* When one of them was started, in ms on now_ms()'s clock. Zero-initialise. */
struct keeper_starts {
	int64_t at[KEEPER_STARTS]; /* the oldest at [n % KEEPER_STARTS] */
	unsigned n;
};

int64_t keeper_now_ms(void);
void keeper_starts_add(struct keeper_starts *s, int64_t now_ms);
/* When the next start may be, given those before and the time now: now or later. */
int64_t keeper_starts_next(const struct keeper_starts *s, int64_t now_ms);

/* In a child of sandbox_fork(): have it die with the keeper, @parent. false: that is dead already. */
bool keeper_child_born(pid_t parent);

/* Start argv[0] (a path) with fds[i] as descriptor LAUNCH_FD + i, at most KEEPER_CHILD_FDS; all else of the
 * keeper that is close-on-exec is closed there. It dies with the keeper. Return: its process id, or -errno.
 */
pid_t keeper_child_start(const char *const argv[], const int *fds, size_t n);

#endif
