/* Theory of operation. The launcher starts the keeper and hands it everything (src/proto/launch.h). The
 * keeper starts the machine as its child, passes all on, and keeps the lock (so does the machine: the guest
 * is alive while either is) and the socket to the machine. Then it sleeps in poll() until
 *   - the machine says something: "ready" or "error" goes to the launcher, "ended" is remembered;
 *   - somebody knocks at a listening socket of the screen: keeper_screen.c;
 *   - a vmdeck-net is to be started again: keeper_net.c, which starts them before the machine;
 *   - a signal comes: SIGTERM is passed on (ACPI power button), SIGUSR2 kills the machine (destroy);
 *   - the machine is gone: it records how in the file "ended" and becomes `vmdeck domain-release UUID`.
 * The machine has PDEATHSIG=KILL: without its keeper nobody would tell the world how the guest ended. */
#include "backend/vmm/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/vmm/keeper_child.h"
#include "backend/vmm/keeper_log.h"
#include "backend/vmm/keeper_net.h"
#include "backend/vmm/keeper_screen.h"
#include "backend/vmm/peer.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/footprint.h"
#include "src/base/log.h"
#include "src/base/sandbox.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/model/state.h"
#include "src/proto/launch.h"

#define MESSAGES_AT_ONCE 32

struct keeper {
	json_t *go;
	struct keeper_screen screen;
	struct keeper_net net;
	struct keeper_log log;
	int lock;     /* our copy: closed by exec and exit only */
	int launcher; /* -1 when it has its answer */
	int machine;  /* socket; -1 when it was closed */
	int signals;
	pid_t pid;
	bool answered, ready, destroyed;
	enum domain_reason reason; /* from the machine's last words */
	char detail[256];
};

/* How the guest ended, for the record. */
struct verdict {
	const char *state;
	enum domain_reason reason;
	const char *action; /* of domain_action_text */
	char detail[256];
};

static void __attribute__((noreturn)) child_exec(const char *const argv[], int sock, pid_t parent)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!keeper_child_born(parent) || dup2(sock, LAUNCH_FD) < 0)
		_exit(LAUNCH_EXIT_NOT_STARTED);
	if (sock == LAUNCH_FD)
		fcntl(sock, F_SETFD, 0);
	execv(argv[0], (char *const *)argv);
	log_error("cannot run '%s': %s", argv[0], strerror(errno));
	_exit(LAUNCH_EXIT_NOT_STARTED);
}

static int start_machine(struct keeper *k, const char *const argv[], struct fd_set_named *fds, struct err *e)
{
	int pair[2];
	int rc = unixsock_pair(SOCK_SEQPACKET, pair);
	if (rc)
		return err_sys(e, -rc, "cannot make a socket for the machine");
	pid_t self = getpid();
	k->pid = sandbox_fork();
	if (k->pid == 0)
		child_exec(argv, pair[1], self);
	int saved = errno;
	close(pair[1]);
	k->machine = pair[0];
	if (k->pid < 0)
		return err_sys(e, saved, "cannot start the machine process");
	json_set_int(k->go, "keeper_pid", self);
	json_set_int(k->go, "machine_pid", k->pid);
	return launch_send(k->machine, fds, k->go, e);
}

static void answer(struct keeper *k, const struct err *why)
{
	if (k->launcher < 0)
		return;
	if (why)
		launch_answer_error(k->launcher, why);
	else
		launch_answer_ready(k->launcher, k->pid);
	close(k->launcher);
	k->launcher = -1;
	k->answered = true;
	k->ready = !why;
	footprint_trim();
}

/* @fds: the @nfds descriptors that came along. */
static void on_message(struct keeper *k, const char *text, size_t len, const int *fds, size_t nfds)
{
	struct err e = {0};
	AUTO_JSON json_t *msg = json_parse(text, len, &e);
	json_t *error = json_object_get(msg, "error"), *ended = json_object_get(msg, "ended"),
	       *screen = json_object_get(msg, "screen"), *disk = json_object_get(msg, "disk");
	if (json_is_object(error)) {
		int64_t code = json_int(error, "code", EIO);
		err_set(&e, code > 0 && code < 4096 ? (int)code : EIO, "%s",
			json_str(error, "message", "it did not say why"));
		answer(k, &e);
	} else if (json_is_object(ended)) {
		k->reason = domain_reason_parse(json_str(ended, "reason", ""));
		snprintf(k->detail, sizeof(k->detail), "%s", json_str(ended, "detail", ""));
	} else if (json_is_object(screen)) {
		keeper_screen_kill(&k->screen, json_str(screen, "dropped", ""));
	} else if (json_is_object(disk)) {
		keeper_log_disk(&k->log, disk);
	} else if (json_is_object(json_object_get(msg, "peer")) && nfds == 2) {
		peer_answer(fds);
	} else if (json_is_object(json_object_get(msg, "ready"))) {
		answer(k, NULL);
	} else {
		log_warn("the machine sent a message that makes no sense");
	}
}

/* Take what the machine has said so far, without waiting; at most @max messages, as one that floods us must
 * still be killed when it is asked for. */
static void read_machine(struct keeper *k, unsigned max)
{
	static char text[4096];
	while (k->machine >= 0 && max--) {
		struct pollfd p = {.fd = k->machine, .events = POLLIN};
		if (poll(&p, 1, 0) <= 0)
			return;
		int fds[2];
		size_t nfds = ARRAY_SIZE(fds);
		ssize_t n = unixsock_recv(k->machine, text, sizeof(text), fds, &nfds);
		if (n > 0) {
			on_message(k, text, (size_t)n, fds, nfds);
		} else if (n != -EMSGSIZE) {
			close(k->machine);
			k->machine = -1;
		}
		while (n >= 0 && nfds)
			close(fds[--nfds]);
	}
}

/* Return: the machine is gone, with *status. */
static bool reap(struct keeper *k, int *status)
{
	int how;
	for (pid_t pid; (pid = waitpid(-1, &how, WNOHANG)) > 0;) {
		if (pid == k->pid) {
			*status = how;
			return true;
		}
		if (!keeper_screen_reaped(&k->screen, pid, how))
			keeper_net_reaped(&k->net, pid, how);
	}
	return false;
}

/* The same. */
static bool on_signal(struct keeper *k, int *status)
{
	struct signalfd_siginfo si;
	if (read(k->signals, &si, sizeof(si)) != sizeof(si))
		return false;
	switch (si.ssi_signo) {
	case SIGTERM:
		kill(k->pid, SIGTERM);
		return false;
	case SIGUSR2:
		k->destroyed = true;
		kill(k->pid, SIGKILL);
		return false;
	default: /* SIGCHLD */
		return reap(k, status);
	}
}

static int watch(struct keeper *k)
{
	int status = 0;
	for (;;) {
		int timeout_ms = -1;
		struct pollfd p[3 + SCREEN_LISTEN_MAX] = {{.fd = k->signals, .events = POLLIN},
							  {.fd = k->machine, .events = POLLIN}};
		unsigned n = k->ready ? keeper_screen_poll(&k->screen, p + 3, &timeout_ms) : 0;
		int net_ms = k->ready ? keeper_net_timeout(&k->net) : -1;
		if (net_ms >= 0 && (timeout_ms < 0 || net_ms < timeout_ms))
			timeout_ms = net_ms;
		p[2] = keeper_log_poll(&k->log, &timeout_ms);
		if (poll(p, 3 + n, timeout_ms) < 0)
			continue;
		bool knock = false;
		for (unsigned i = 0; i < n; i++)
			knock |= p[3 + i].revents != 0;
		if (p[2].revents)
			keeper_log_turn(&k->log);
		if (p[1].revents)
			read_machine(k, MESSAGES_AT_ONCE);
		if (p[0].revents && on_signal(k, &status))
			break;
		if (knock)
			keeper_screen_start(&k->screen, k->machine);
		if (k->ready)
			keeper_net_turn(&k->net, k->machine);
	}
	read_machine(k, UINT_MAX); /* its last words: it sends no more */
	keeper_screen_done(&k->screen);
	keeper_net_done(&k->net);
	keeper_log_done(&k->log);
	return status;
}

static void judge(const struct keeper *k, int status, struct verdict *v)
{
	const char *on_crash = json_str(k->go, "on_crash", "destroy");
	*v = (struct verdict){"shut off", DOMAIN_REASON_SHUTDOWN, "destroy", ""};
	snprintf(v->detail, sizeof(v->detail), "%s", k->detail);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (k->destroyed || code == LAUNCH_EXIT_DESTROYED) {
		v->reason = DOMAIN_REASON_DESTROYED;
	} else if (code == LAUNCH_EXIT_POWEROFF) {
		v->action = json_str(k->go, "on_poweroff", "destroy");
	} else if (code == LAUNCH_EXIT_REBOOT) {
		v->action = json_str(k->go, "on_reboot", "restart");
	} else if (code == LAUNCH_EXIT_CRASHED) {
		v->state = "crashed";
		v->reason = DOMAIN_REASON_CRASHED;
		v->action = on_crash;
	} else { /* our own process died: nothing that the guest's actions are about */
		v->state = "crashed";
		v->reason = DOMAIN_REASON_CRASHED;
		if (WIFSIGNALED(status))
			snprintf(v->detail, sizeof(v->detail),
				 "its machine process was killed by signal %d (%s)%s", WTERMSIG(status),
				 strsignal(WTERMSIG(status)),
				 WTERMSIG(status) == SIGSYS ? ": the sandbox refused a system call" : "");
		else
			snprintf(v->detail, sizeof(v->detail), "its machine process ended with status %d",
				 code);
	}
	if (v->reason == DOMAIN_REASON_SHUTDOWN && k->reason != DOMAIN_REASON_UNKNOWN)
		v->reason = k->reason;
}

static void record(const struct keeper *k, const struct verdict *v)
{
	const char *path = json_str(k->go, "ended", NULL);
	AUTO_JSON json_t *j = json_object();
	char when[32];
	struct tm tm;
	time_t now = time(NULL);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	json_set_str(j, "time", when);
	json_set_str(j, "state", v->state);
	json_set_str(j, "reason", domain_reason_text(v->reason));
	json_set_str(j, "detail", v->detail);
	json_set_str(j, "action", v->action);
	json_set_int(j, "id", json_int(k->go, "id", 0));
	json_set_flag(j, "cleaned", false);
	AUTO_FREE char *text = json_text(j, true);
	struct err e = {0};
	if (path && file_replace(path, text, strlen(text), 0640, &e))
		log_error("%s", e.msg);
	log_info("the guest ended: %s (%s)%s%s", v->state, domain_reason_text(v->reason),
		 *v->detail ? ": " : "", v->detail);
}

/* Become the one that cleans up. Everything else is closed by the exec, the lock among it. */
static int release(const struct keeper *k)
{
	const char *vmdeck = json_str(k->go, "vmdeck", NULL), *uuid = json_str(k->go, "uuid", "");
	if (!vmdeck)
		return 0;
	if (json_str(k->go, "home", NULL))
		setenv("VMDECK_HOME", json_str(k->go, "home", NULL), 1);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	unsetenv("VMDECK_UID");
	execl(vmdeck, vmdeck, "domain-release", uuid, (char *)NULL);
	log_warn("cannot run '%s': %s: the next vmdeck cleans up", vmdeck, strerror(errno));
	return 0;
}

static int signals_open(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void write_pidfile(const struct keeper *k)
{
	const char *path = json_str(k->go, "pidfile", NULL);
	char text[24];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	struct err e = {0};
	if (path && file_replace(path, text, (size_t)n, 0640, &e))
		log_warn("%s", e.msg);
}

/* What the guest's processes become when they have what they need (src/base/sandbox.h). */
static void set_uid(const json_t *go)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)json_int(go, "uid", 0));
	if (json_int(go, "uid", 0) > 0)
		setenv("VMDECK_UID", text, 1);
	else
		unsetenv("VMDECK_UID");
}

/* Receive the guest's files and start the machine; what only the machine needs is closed here. */
static int begin(struct keeper *k, const char *const machine_argv[], struct err *e)
{
	struct fd_set_named fds = {0};
	int rc = launch_recv(k->launcher, &fds, &k->go, e);
	if (rc)
		return rc;
	keeper_log_init(&k->log, &fds, k->go);
	int lock = named_get(&fds, "lock");
	k->lock = lock < 0 ? -1 : fcntl(lock, F_DUPFD_CLOEXEC, 10);
	write_pidfile(k);
	set_uid(k->go);
	keeper_screen_init(&k->screen, &fds, k->go);
	rc = keeper_net_begin(&k->net, &fds, k->go, e);
	if (!rc)
		rc = start_machine(k, machine_argv, &fds, e);
	named_done(&fds);
	return rc;
}

/* Root's keeper: what it is for, and what its children need until they have their sandbox. */
static void give_up_rights(void)
{
	static const int keep[] = {
	    CAP_SETUID, CAP_SETGID, CAP_SETPCAP,        /* another user for each child, without capabilities */
	    CAP_SYS_ADMIN, CAP_SYS_CHROOT,              /* name spaces of their own */
	    CAP_SYS_RESOURCE,                           /* limits */
	    CAP_NET_BIND_SERVICE,                       /* forwarded ports below 1024 */
	    CAP_KILL,                                   /* their end */
	    CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER,    /* vmdeck domain-release: the guest's files */
	};
	sandbox_bound(keep, ARRAY_SIZE(keep));
}

int keeper_main(const char *const machine_argv[])
{
	struct keeper k = {
	    .launcher = LAUNCH_FD, .machine = -1, .lock = -1, .log = {.pipe = -1, .journal = -1}};
	struct err e = {0};
	fcntl(LAUNCH_FD, F_SETFD, FD_CLOEXEC);
	prctl(PR_SET_NAME, "vmdeck-keeper");
	give_up_rights();
	k.signals = signals_open();
	if (begin(&k, machine_argv, &e)) {
		if (k.pid > 0)
			kill(k.pid, SIGKILL);
		keeper_net_done(&k.net);
		keeper_log_done(&k.log);
		answer(&k, &e);
		return 1;
	}
	int status = watch(&k);
	struct verdict v;
	judge(&k, status, &v);
	if (!k.answered) {
		err_set(&e, EPIPE, "%s before the guest ran",
			*v.detail ? v.detail : "its machine process ended");
		answer(&k, &e);
	}
	if (!k.ready)
		return 1;
	record(&k, &v);
	return release(&k);
}
