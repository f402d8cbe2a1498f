/* The system call filter; apart from the rest, which is for programs without libseccomp, too. */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/footprint.h"
#include "src/base/log.h"
#include "src/base/sandbox.h"

static bool mode_is(const char *mode)
{
	const char *v = getenv("VMDECK_SANDBOX");
	return v && !strcmp(v, mode);
}

/* VMDECK_SANDBOX=trap: say which one it was. */
static void trapped(int sig, siginfo_t *si, void *ctx)
{
	log_error("sandbox: system call %d is not in its sandbox_rules.c", si->si_syscall);
	_exit(99);
}

static uint32_t action(void)
{
	if (mode_is("log"))
		return SCMP_ACT_LOG;
	if (!mode_is("trap"))
		return SCMP_ACT_KILL_PROCESS;
	struct sigaction sa = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
	sigaction(SIGSYS, &sa, NULL);
	return SCMP_ACT_TRAP;
}

/* 0: no comparison, 1: *c is one. */
static unsigned compare(const struct sandbox_also *t, struct scmp_arg_cmp *c)
{
	*c = (struct scmp_arg_cmp){.arg = t->arg, .op = SCMP_CMP_MASKED_EQ};
	switch (t->cond) {
	case SANDBOX_ALWAYS:
		return 0;
	case SANDBOX_EQ:
		c->datum_a = 0xffffffff;
		c->datum_b = t->value;
		break;
	case SANDBOX_SELF:
		c->datum_a = 0xffffffff;
		c->datum_b = (scmp_datum_t)getpid();
		break;
	case SANDBOX_NONE:
		c->datum_a = t->value;
		break;
	case SANDBOX_ALL:
		c->datum_a = c->datum_b = t->value;
		break;
	case SANDBOX_MASKED:
		c->datum_a = t->mask;
		c->datum_b = t->value;
		break;
	case SANDBOX_BELOW:
		c->op = SCMP_CMP_LT;
		c->datum_a = t->value;
		break;
	case SANDBOX_NULL:
		c->op = SCMP_CMP_EQ;
		break;
	}
	return 1;
}

static int add_rule(scmp_filter_ctx ctx, const struct sandbox_rule *r)
{
	uint32_t act = r->error ? SCMP_ACT_ERRNO((uint16_t)r->error) : SCMP_ACT_ALLOW;
	struct sandbox_also first = {r->cond, r->arg, r->value, 0};
	struct scmp_arg_cmp c[2];
	unsigned n = compare(&first, c);
	n += compare(&r->also, c + n);
	return seccomp_rule_add_array(ctx, act, r->syscall, n, c);
}

static bool has_rule(const struct sandbox_rule *rules, size_t n, int call)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].syscall == call)
			return true;
	return false;
}

/* Those of @rules whose system call has no row in @own. */
static int add_rules(scmp_filter_ctx ctx, const struct sandbox_rule *rules, size_t n,
		     const struct sandbox_rule *own, size_t nown)
{
	int rc = 0;
	for (size_t i = 0; i < n && !rc; i++)
		rc = has_rule(own, nown, rules[i].syscall) ? 0 : add_rule(ctx, &rules[i]);
	return rc;
}

static int filter_load(scmp_filter_ctx ctx, const struct sandbox_rule *rules, size_t n)
{
	int rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!rc)
		seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* binary tree; not in old libraries */
	rc = rc ? rc : add_rules(ctx, sandbox_common_rules, sandbox_common_nrules, rules, n);
	rc = rc ? rc : add_rules(ctx, rules, n, NULL, 0);
	return rc ? rc : seccomp_load(ctx);
}

int sandbox_enter(const struct sandbox_rule *rules, size_t n, struct err *e)
{
	if (mode_is("off"))
		return 0;
	scmp_filter_ctx ctx = seccomp_init(action());
	if (!ctx)
		return err_set(e, ENOMEM, "cannot make the system call filter");
	int rc = filter_load(ctx, rules, n);
	seccomp_release(ctx);
	footprint_trim();
	return rc ? err_sys(e, -rc, "cannot load the system call filter") : 0;
}
