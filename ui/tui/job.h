/* Verbs that run beside the deck, each in a child process that reports when it is done; a few at a time, the
 * rest wait. A job that was begun goes on when the deck ends. A backend that lives in this process ("fake")
 * runs them in place. */
#ifndef UI_TUI_JOB_H
#define UI_TUI_JOB_H

#include "ui/tui/deck.h"

#define JOBS_AT_ONCE 4

struct jobs *jobs_new(struct deck *d);
void jobs_free(struct jobs *j);
/* Run @cmd on the domain (its uuid and name; "" for verbs of the host). @show: what it prints is shown on a
 * page. */
void jobs_add(struct jobs *j, const struct cmd *cmd, const char *uuid, const char *name, bool show);
/* Start it with @start_flags (enum start_flags) that the verb has no key for. */
void jobs_start(struct jobs *j, unsigned start_flags, const char *uuid, const char *name);
/* Run @call, which makes something with @arg, in the same way, and tell @done how it went (@error is "" when
 * it went well); what it prints in *out is said by then. @arg lives until then; it is not freed. */
typedef int (*job_fn)(struct backend *b, void *arg, char **out, struct err *e);
typedef void (*job_done_fn)(struct deck *d, void *arg, int result, const char *error);
void jobs_call(struct jobs *j, const char *label, job_fn call, job_done_fn done, void *arg);
/* Running and waiting. */
unsigned jobs_count(const struct jobs *j);
/* What the oldest does, for the message line: "start 'web1'", or NULL; how long it has been at it. */
const char *jobs_doing(const struct jobs *j, unsigned *seconds);

#endif
