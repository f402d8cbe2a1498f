/* Verbs about the host: nodeinfo, version, host-validate. */
#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/version.h"
#include "src/cmd/rows.h"

static int host_info_exec(struct cmd_ctx *c, struct err *e)
{
	struct host_info h;
	int rc = c->backend->ops->host_info(c->backend, &h, e);
	if (rc)
		return err_prefix(e, "failed to get node information");
	if (c->json) {
		json_t *j = json_object();
		json_set_str(j, "hostname", h.hostname);
		json_set_str(j, "cpu_model", h.cpu_model);
		json_set_str(j, "machine", h.machine);
		json_set_int(j, "cpus", h.cpus);
		json_set_int(j, "mhz", h.mhz);
		json_set_int(j, "sockets", h.sockets);
		json_set_int(j, "cores", h.cores);
		json_set_int(j, "threads", h.threads);
		json_set_int(j, "nodes", h.nodes);
		json_set_int(j, "memory_bytes", (int64_t)h.memory_bytes);
		json_set_str(j, "kernel", h.kernel);
		json_set_take(j, "kvm_api", h.kvm_api ? json_integer(h.kvm_api) : json_null());
		cmd_json(c, j);
		return 0;
	}
	fprintf(c->out, "%-20s %s\n", "CPU model:", h.machine); /* libvirt's word for the architecture */
	fprintf(c->out, "%-20s %u\n", "CPU(s):", h.cpus);
	fprintf(c->out, "%-20s %u MHz\n", "CPU frequency:", h.mhz);
	fprintf(c->out, "%-20s %u\n", "CPU socket(s):", h.sockets);
	fprintf(c->out, "%-20s %u\n", "Core(s) per socket:", h.cores);
	fprintf(c->out, "%-20s %u\n", "Thread(s) per core:", h.threads);
	fprintf(c->out, "%-20s %u\n", "NUMA cell(s):", h.nodes);
	fprintf(c->out, "%-20s %llu KiB\n", "Memory size:", (unsigned long long)h.memory_bytes >> 10);
	return 0;
}

const struct cmd cmd_host_info = {
	.name = "host-info",
	.alias = "nodeinfo",
	.summary = "node information",
	.about = "Returns basic information about the node.",
	.flags = CMD_JSON | CMD_QUIET,
	.exec = host_info_exec,
};

static int host_version_exec(struct cmd_ctx *c, struct err *e)
{
	struct host_info h;
	int rc = c->backend->ops->host_info(c->backend, &h, e);
	if (rc)
		return err_prefix(e, "failed to get the version of KVM");
	if (c->json) {
		json_t *j = json_object();
		json_set_str(j, "vmdeck", VMDECK_VERSION);
		json_set_take(j, "kvm_api", h.kvm_api ? json_integer(h.kvm_api) : json_null());
		json_set_str(j, "kernel", h.kernel);
		cmd_json(c, j);
		return 0;
	}
	fprintf(c->out, "Compiled against library: vmdeck %s\n", VMDECK_VERSION);
	fprintf(c->out, "Using library: vmdeck %s\n", VMDECK_VERSION);
	if (h.kvm_api)
		fprintf(c->out, "Using API: KVM %d\n", h.kvm_api);
	else
		fprintf(c->out, "Using API: none (no /dev/kvm)\n");
	fprintf(c->out, "Running hypervisor: KVM %s\n", h.kernel);
	return 0;
}

const struct cmd cmd_host_version = {
	.name = "host-version",
	.alias = "version",
	.summary = "show version",
	.about = "Display the system version information: of vmdeck, of KVM's API, and of the kernel that "
		 "has it.",
	.flags = CMD_JSON | CMD_QUIET,
	.lacks = "daemon",
	.exec = host_version_exec,
};

static const char *const result_text[] = {
	[HOST_PASS] = "PASS", [HOST_NOTE] = "NOTE", [HOST_WARN] = "WARN", [HOST_FAIL] = "FAIL"};

static void check_text(const struct cmd_ctx *c, const struct host_check *h)
{
	int width = 71 - (int)strlen(h->subject);
	fprintf(c->out, "  %s: %-*s: %s", h->subject, width, h->name, result_text[h->result]);
	if (h->result != HOST_PASS && (h->detail[0] || h->remedy[0]))
		fprintf(c->out, " (%s%s%s)", h->detail, h->detail[0] && h->remedy[0] ? "; " : "", h->remedy);
	fputc('\n', c->out);
}

static json_t *check_json(const struct host_check *h)
{
	json_t *j = json_object();
	json_set_str(j, "subject", h->subject);
	json_set_str(j, "key", h->key);
	json_set_str(j, "name", h->name);
	json_set_str(j, "result", result_text[h->result]);
	json_set_str(j, "detail", h->detail);
	json_set_str(j, "remedy", h->remedy);
	return j;
}

static int host_validate_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_FREE struct host_check *list = NULL;
	size_t n = 0, failed = 0;
	int rc = c->backend->ops->host_validate(c->backend, &list, &n, e);
	if (rc)
		return rc;
	AUTO_JSON json_t *all = json_array();
	for (size_t i = 0; i < n; i++) {
		failed += list[i].result == HOST_FAIL;
		json_array_append_new(all, check_json(&list[i]));
		if (!c->json)
			check_text(c, &list[i]);
	}
	if (c->json)
		cmd_json(c, TAKE_PTR(all));
	return failed ? err_set(e, ENOTSUP,
				"%zu of %zu checks failed: guests cannot run, or not well, on this host",
				failed, n)
		      : 0;
}

const struct cmd cmd_host_validate = {
	.name = "host-validate",
	.summary = "check this host for running guests, with remedies",
	.about = "Each line is one thing, with what was found and the remedy where it is not as it should "
		 "be. Exit status 1 "
		 "when one of them failed.",
	.flags = CMD_JSON | CMD_QUIET,
	.exec = host_validate_exec,
};
