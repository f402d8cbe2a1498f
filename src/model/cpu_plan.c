#include "src/model/cpu_plan.h"

#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"

#define NAMED_MAX 12 /* features in a sentence */
#define SVM_LEAF 0x8000000a

/* What a guest is not shown unless it asks: nested virtualisation, where KVM has most of its faults; what
 * ties it to this host's clock; what we do not emulate. */
static const char hidden[] = "vmx svm invtsc monitor acpi intel-pt";
/* Of these a model says that it has them, yet QEMU shows them no more, or KVM has never shown them: they are no
 * reason to refuse. */
static const char left_out[] = "mpx pconfig core-capability split-lock-detect";

/* A feature is of no use without what it stands on. Those that others stand on come first. */
static const struct {
	const char *on, *those;
} stands[] = {
    {"xsave", "avx mpx pku amx-tile xsaveopt xsavec xsaves xgetbv1 xfd"},
    {"avx", "avx2 f16c fma fma4 xop vaes vpclmulqdq avx-vnni avx-ifma avx-vnni-int8 avx-vnni-int16 "
	    "avx-ne-convert sha512 sm3 sm4"},
    {"avx2", "avx512f"},
    {"avx512f", "avx512-4fmaps avx512-4vnniw avx512-bf16 avx512-fp16 avx512-vp2intersect avx512-vpopcntdq "
		"avx512bitalg avx512bw avx512cd avx512dq avx512er avx512ifma avx512pf avx512vbmi avx512vbmi2 "
		"avx512vl avx512vnni"},
    {"amx-tile", "amx-bf16 amx-complex amx-fp16 amx-int8"},
    {"rtm", "tsx-ldtrk"},
};

static struct cpu_set set_of(const char *words)
{
	struct cpu_set s = {0};
	cpu_set_change(&s, words);
	return s;
}

/* What stands on SVM, and on the two MSRs that list capabilities. */
static bool stands_on_other(const struct cpu_feature_bit *f, const struct cpu_set *show)
{
	if (f->leaf == SVM_LEAF)
		return cpu_set_has_name(show, "svm");
	if (f->reg == CPU_MSR)
		return cpu_set_has_name(show, f->leaf == 0x10a ? "arch-capabilities" : "core-capability");
	return true;
}

static void drop_orphans(struct cpu_set *show, const struct cpu_set *forced)
{
	for (size_t i = 0; i < ARRAY_SIZE(stands); i++) {
		struct cpu_set those = set_of(stands[i].those);
		cpu_set_minus(&those, forced);
		if (!cpu_set_has_name(show, stands[i].on))
			cpu_set_minus(show, &those);
	}
	for (unsigned i = 0; i < cpu_feature_count; i++)
		if (!cpu_set_has(forced, &cpu_feature_bits[i]) && !stands_on_other(&cpu_feature_bits[i], show))
			cpu_set_put(show, &cpu_feature_bits[i], false);
}

/* The host's processor as this mode shows it. */
static struct cpu_set host_shows(const struct domain *d, const struct cpu_host *host)
{
	bool through = d->cpu_mode == CPU_HOST_PASSTHROUGH || d->cpu_mode == CPU_MAXIMUM;
	struct cpu_set s = host->has, not = set_of(hidden);
	if (through)
		cpu_set_change(&not, "-vmx -svm");
	if (through && d->cpu_unmigratable)
		cpu_set_change(&not, "-invtsc");
	cpu_set_minus(&s, &not);
	return s;
}

static int refuse(const struct cpu_set *these, const char *before, const char *after, struct err *e)
{
	AUTO_BUF struct buf names = {0};
	cpu_set_text(these, NAMED_MAX, &names);
	return err_set(e, ENOTSUP, "cpu: %s %s%s", before, buf_text(&names), after);
}

/* Is the host more than the model and what was asked for beside it? (match='strict') */
static int check_strict(const struct domain *d, struct cpu_set host, const struct cpu_set *wanted, struct err *e)
{
	struct cpu_set given = set_of("hypervisor x2apic tsc-deadline arat tsc_adjust arch-capabilities");
	cpu_set_minus(&host, wanted);
	cpu_set_minus(&host, &given);
	for (unsigned i = 0; i < cpu_feature_count; i++)
		if (cpu_feature_bits[i].reg == CPU_MSR)
			cpu_set_put(&host, &cpu_feature_bits[i], false);
	for (size_t i = 0; i < d->ncpu_features; i++) /* whatever was said of it: it is no surprise */
		cpu_set_put_name(&host, d->cpu_features[i].name, false);
	return cpu_set_empty(&host) ? 0
				    : refuse(&host, "the host has more than the model, and match is strict:",
					     ": use match='exact' to have them hidden", e);
}

static bool asks(const struct domain *d, const char *name)
{
	for (size_t i = 0; i < d->ncpu_features; i++)
		if (str_eq(d->cpu_features[i].name, name))
			return d->cpu_features[i].policy <= CPU_OPTIONAL;
	return false;
}

static int base(const struct domain *d, const struct cpu_host *host, struct cpu_plan *out, struct err *e)
{
	if (d->cpu_vendor && strcmp(d->cpu_vendor, host->vendor) != 0)
		return err_set(e, ENOTSUP, "cpu/vendor: the guest asks for a host of %s, this one is of %s: "
			       "leave <vendor> out or move to another host", d->cpu_vendor, host->vendor);
	out->show = host_shows(d, host);
	if (d->cpu_mode != CPU_CUSTOM || !d->cpu_model)
		return 0;
	struct cpu_set wanted, not = set_of(hidden), old = set_of(left_out);
	cpu_model_features(d->cpu_model, &wanted);
	cpu_set_minus(&wanted, &not);
	cpu_set_put_name(&wanted, "svm", asks(d, "svm")); /* and what stands on it */
	drop_orphans(&wanted, &(struct cpu_set){0});
	cpu_set_put_name(&wanted, "svm", false);
	out->lacking = wanted;
	cpu_set_minus(&out->lacking, &host->has);
	cpu_set_minus(&out->lacking, &old);
	for (size_t i = 0; i < d->ncpu_features; i++) /* their policies say it */
		cpu_set_put_name(&out->lacking, d->cpu_features[i].name, false);
	if (d->cpu_match == CPU_MATCH_MINIMUM)
		return 0; /* all that the host has, which is no less */
	int rc = d->cpu_match == CPU_MATCH_STRICT ? check_strict(d, out->show, &wanted, e) : 0;
	out->model = d->cpu_model;
	cpu_set_and(&wanted, &host->has);
	cpu_set_change(&wanted, "hypervisor x2apic");
	out->show = wanted;
	return rc;
}

struct asked {
	struct cpu_set missing, there, forced, impossible;
};

static void policies(const struct domain *d, const struct cpu_host *host, struct cpu_set *show,
		     struct asked *a)
{
	for (size_t i = 0; i < d->ncpu_features; i++) {
		const struct cpu_feature *w = &d->cpu_features[i];
		const struct cpu_feature_bit *f = cpu_feature_find(w->name);
		if (!f) /* define has said what that means */
			continue;
		bool has = cpu_set_has(&host->has, f);
		if (w->policy == CPU_REQUIRE && !has)
			cpu_set_put(&a->missing, f, true);
		if (w->policy == CPU_FORBID && has)
			cpu_set_put(&a->there, f, true);
		if (w->policy == CPU_FORCE)
			cpu_set_put(f->reg == CPU_MSR && !has ? &a->impossible : &a->forced, f, true);
		cpu_set_put(show, f, w->policy == CPU_FORCE || ((w->policy == CPU_REQUIRE ||
								 w->policy == CPU_OPTIONAL) && has));
	}
}

int cpu_plan_make(const struct domain *d, const struct cpu_host *host, struct cpu_plan *out, struct err *e)
{
	struct asked a = {0};
	*out = (struct cpu_plan){0};
	int rc = base(d, host, out, e);
	if (rc)
		return rc;
	policies(d, host, &out->show, &a);
	if (!cpu_set_empty(&a.missing))
		return refuse(&a.missing, "the host's KVM has not, and the guest requires,",
			      ": remove them from <cpu>, or move to another host", e);
	if (!cpu_set_empty(&a.there))
		return refuse(&a.there, "the host's KVM has what the guest forbids,",
			      ": policy='disable' hides them, or move to another host", e);
	if (!cpu_set_empty(&a.impossible))
		return refuse(&a.impossible, "KVM lets nobody force bits of an MSR that the host has not,",
			      ": remove them from <cpu>", e);
	if (!cpu_set_empty(&out->lacking) && d->cpu_check != CPU_CHECK_NONE) {
		AUTO_FREE char *before = x_asprintf("the host's KVM has not what model '%s' has,", d->cpu_model->name);
		return refuse(&out->lacking, before,
			      ": choose an older model, or policy='disable' for each, or check='none' to start "
			      "without them", e);
	}
	drop_orphans(&out->show, &a.forced);
	return 0;
}
