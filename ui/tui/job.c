/* Theory of operation: fork() without exec, as this process has one thread; the child runs cmd_run() and
 * writes one struct report and two texts to a pipe. It keeps away from the terminal and from the loop, and
 * has its own session, so that a terminal that goes away does not stop a start half-way. */
#include "ui/tui/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/cmd/net_text.h"
#include "src/cmd/screen_text.h"
#include "src/base/file.h"
#include "ui/tui/dialog.h"
#include "ui/tui/page_text.h"

#define REPORT_MAX (16u << 20)

struct report {
	int32_t result;
	uint32_t error_len, out_len;
};

struct job {
	struct job *next;
	struct jobs *jobs;
	const struct cmd *cmd;
	char uuid[UUID_TEXT];
	char *name, *label;
	bool show, running;
	unsigned start_flags;
	job_fn call; /* instead of cmd */
	job_done_fn done;
	void *arg;
	int64_t started_ms;
	pid_t pid;
	int fd;
	struct watch *watch;
	struct buf in;
};

struct jobs {
	struct deck *deck;
	struct job *first; /* oldest first */
	unsigned n, running;
};

struct jobs *jobs_new(struct deck *d)
{
	struct jobs *j = x_calloc(1, sizeof(*j));
	j->deck = d;
	return j;
}

static void job_free(struct job *job)
{
	watch_free(job->watch);
	fd_close(job->fd);
	buf_done(&job->in);
	free(job->name);
	free(job->label);
	free(job);
}

void jobs_free(struct jobs *j)
{
	while (j && j->first) {
		struct job *next = j->first->next;
		job_free(j->first);
		j->first = next;
	}
	free(j);
}

unsigned jobs_count(const struct jobs *j)
{
	return j->n;
}

const char *jobs_doing(const struct jobs *j, unsigned *seconds)
{
	if (!j->first)
		return NULL;
	*seconds = (unsigned)((j->deck->now_ms - j->first->started_ms) / 1000);
	return j->first->label;
}

/* The question whether to start on a host that can but crawl, and for whom. */
struct anyway {
	char uuid[UUID_TEXT];
	char name[DOMAIN_NAME_MAX + 1];
};

static void anyway_answer(struct deck *d, int choice, void *data)
{
	const struct anyway *a = data;
	if (choice == 1)
		jobs_start(d->jobs, START_FORCE, a->uuid, a->name);
}

/* A start that only START_FORCE would do: ask, unless something else is being asked. */
static void ask_anyway(struct deck *d, const struct job *job, int result, const char *error)
{
	if (result != -EOPNOTSUPP || job->start_flags & START_FORCE ||
	    job->cmd != cmd_find("domain-start", NULL) || d->dialog || d->prompt)
		return;
	struct anyway *a = x_calloc(1, sizeof(*a));
	AUTO_FREE char *text = x_asprintf("%s\n\nStart '%s' all the same?", error, job->name);
	memcpy(a->uuid, job->uuid, sizeof(a->uuid));
	snprintf(a->name, sizeof(a->name), "%s", job->name);
	dialog_confirm(d, "start --force", text, anyway_answer, a);
}

static void job_said(struct deck *d, const struct job *job, int result, const char *error, char *out)
{
	size_t n = strlen(out);
	while (n && (out[n - 1] == '\n' || out[n - 1] == ' '))
		out[--n] = 0;
	d->sample_soon = true;
	if (result && job->done) {
		; /* it tells */
	} else if (result && *error) {
		deck_say(d, ROLE_ERROR, "%s", error);
		ask_anyway(d, job, result, error);
	} else if (result) {
		deck_say(d, ROLE_ERROR, "%s: %s", job->label, strerror(-result));
	} else if (job->show && strchr(out, '\n')) {
		page_text_open(d, job->label, x_strdup(out));
	} else if (*out) {
		for (char *line = out, *next; line; line = next) {
			next = strchr(line, '\n');
			if (next)
				*next++ = 0;
			if (*line)
				deck_say(d, ROLE_INFO, "%s", line);
		}
	} else {
		deck_say(d, ROLE_INFO, "%s: done", job->label);
	}
}

static void jobs_run(struct jobs *j);

static void job_done(struct job *job, int result, const char *error, char *out)
{
	struct jobs *j = job->jobs;
	for (struct job **p = &j->first; *p; p = &(*p)->next)
		if (*p == job) {
			*p = job->next;
			break;
		}
	j->n--;
	j->running -= job->running;
	job_said(j->deck, job, result, error, out);
	if (job->done)
		job->done(j->deck, job->arg, result, result && !*error ? strerror(-result) : error);
	job_free(job);
	jobs_run(j);
}

static void job_readable(void *arg, int events)
{
	struct job *job = arg;
	struct report r;
	char bytes[16384];
	ssize_t n = read(job->fd, bytes, sizeof(bytes));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_add(&job->in, bytes, n);
	bool head = job->in.len >= sizeof(r);
	if (head)
		memcpy(&r, job->in.s, sizeof(r));
	size_t want = head ? sizeof(r) + (size_t)r.error_len + r.out_len : 0;
	if (head && job->in.len < want && n > 0 && want < REPORT_MAX)
		return;
	if (!head && n > 0)
		return;
	waitpid(job->pid, NULL, 0); /* it writes its report last of all */
	if (!head || job->in.len < want) {
		char none[] = "";
		job_done(job, -EPIPE, "it ended without a word; see the domain's log", none);
		return;
	}
	AUTO_FREE char *error = x_strndup(job->in.s + sizeof(r), r.error_len);
	AUTO_FREE char *out = x_strndup(job->in.s + sizeof(r) + r.error_len, r.out_len);
	job_done(job, r.result, error, out);
}

/* Which ports lead to the guest. */
static void tell_net(struct backend *b, const char *uuid, struct buf *out)
{
	AUTO_FREE char *text = NULL;
	struct domain *d = NULL;
	if (b->ops->domain_xml(b, uuid, 0, &text, NULL) ||
	    domain_parse(text, strlen(text), "its XML", &d, NULL))
		return;
	net_tell(d, out);
	domain_free(d);
}

/* A start with flags, which no verb has. What it has to say, and where the screen is. */
static int job_start(struct job *job, char **out, struct err *e)
{
	struct backend *b = job->jobs->deck->backend;
	struct screen_info s;
	AUTO_FREE char *notes = NULL;
	int rc = b->ops->domain_start(b, job->uuid, job->start_flags, &notes, e);
	if (rc)
		return rc;
	struct buf all = {0};
	buf_printf(&all, "%sDomain '%s' started\n", notes ? notes : "", job->name);
	if (!b->ops->domain_screen(b, job->uuid, &s, NULL))
		screen_tell(&s, &all);
	tell_net(b, job->uuid, &all);
	*out = buf_take(&all);
	return 0;
}

static int job_call(struct job *job, char **out, struct err *e)
{
	struct backend *b = job->jobs->deck->backend;
	if (job->call)
		return job->call(b, job->arg, out, e);
	if (job->start_flags)
		return job_start(job, out, e);
	return cmd_run(b, job->cmd, *job->uuid ? job->uuid : NULL, out, e);
}

/* In the child: no way back. */
static void __attribute__((noreturn)) job_child(struct job *job, int fd)
{
	for (int sig = 1; sig < NSIG; sig++)
		signal(
		    sig,
		    SIG_DFL); /* those that restore the terminal, and those that write into the loop's pipe */
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i <= 2; i++)
		dup2(null, i);
	struct err e = {0};
	char *out = NULL;
	struct report r = {0};
	r.result = job_call(job, &out, &e);
	signal(SIGPIPE, SIG_IGN); /* only now: what was started has not inherited it */
	r.error_len = strlen(e.msg);
	r.out_len = out ? strlen(out) : 0;
	fd_write_all(fd, &r, sizeof(r));
	fd_write_all(fd, e.msg, r.error_len);
	if (out)
		fd_write_all(fd, out, r.out_len);
	_exit(0);
}

static void job_fork(struct job *job)
{
	int fds[2];
	char none[] = "";
	if (pipe2(fds, O_CLOEXEC)) {
		job_done(job, -errno, "", none);
		return;
	}
	sigset_t all, old;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old); /* no handler of ours in the child */
	job->pid = fork();
	if (!job->pid) {
		close(fds[0]);
		job_child(job, fds[1]);
	}
	int code = errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(fds[1]);
	if (job->pid < 0) {
		close(fds[0]);
		job_done(job, -code, "", none);
		return;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	job->fd = fds[0];
	job->watch = watch_new(job->jobs->deck->loop, job->fd, UV_READABLE, job_readable, job);
}

static void job_here(struct job *job)
{
	struct err e = {0};
	char *out = NULL;
	int r = job_call(job, &out, &e);
	AUTO_FREE char *text = out ? out : x_strdup("");
	job_done(job, r, e.msg, text);
}

static void jobs_run(struct jobs *j)
{
	bool here = str_eq(j->deck->backend->ops->name, "fake");
	for (struct job *job = j->first, *next; job && j->running < JOBS_AT_ONCE; job = next) {
		next = job->next;
		if (job->running)
			continue;
		job->running = true;
		j->running++;
		if (here)
			job_here(job);
		else
			job_fork(job);
		next = j->first; /* jobs may have ended meanwhile */
	}
}

static struct job *job_new(struct jobs *j, const struct cmd *cmd, const char *uuid, const char *name)
{
	struct job *job = x_calloc(1, sizeof(*job)), **p = &j->first;
	const char *word = cmd ? cmd_word(cmd) : "";
	job->jobs = j;
	job->cmd = cmd;
	job->fd = -1;
	job->started_ms = j->deck->now_ms;
	job->name = x_strdup(name);
	job->label = *name ? x_asprintf("%s '%s'", word, name) : x_strdup(word);
	snprintf(job->uuid, sizeof(job->uuid), "%s", uuid);
	while (*p)
		p = &(*p)->next;
	*p = job;
	j->n++;
	return job;
}

void jobs_add(struct jobs *j, const struct cmd *cmd, const char *uuid, const char *name, bool show)
{
	job_new(j, cmd, uuid, name)->show = show;
	jobs_run(j);
}

void jobs_start(struct jobs *j, unsigned start_flags, const char *uuid, const char *name)
{
	const struct cmd *cmd = cmd_find("domain-start", NULL);
	if (cmd)
		job_new(j, cmd, uuid, name)->start_flags = start_flags;
	jobs_run(j);
}

void jobs_call(struct jobs *j, const char *label, job_fn call, job_done_fn done, void *arg)
{
	struct job *job = job_new(j, NULL, "", "");
	free(job->label);
	job->label = x_strdup(label);
	job->call = call;
	job->done = done;
	job->arg = arg;
	jobs_run(j);
}
