/* What the host's KVM can do: measured by `vmdeck-vmm probe`, once per boot, and kept in
 * <runtime>/probe.json. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/spawn.h"

#define PROBE_MS 20000

int kvm_access(struct err *e)
{
	AUTO_CLOSE int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return 0;
	if (errno == EACCES || errno == EPERM) {
		const struct passwd *pw = getpwuid(getuid());
		const char *user = pw ? pw->pw_name : "you";
		return err_set(e, EACCES,
			       "no permission to use /dev/kvm: add '%s' to the group kvm (sudo usermod -aG "
			       "kvm %s), then "
			       "log in again",
			       user, user);
	}
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return err_set(e, ENODEV,
			       "this host has no /dev/kvm: load kvm_intel or kvm_amd, and switch "
			       "virtualization (VT-x, AMD-V) on in "
			       "the firmware, or nested virtualization on if this is itself a guest");
	return err_sys(e, errno, "cannot open /dev/kvm");
}

/* What must be the same for a kept result to hold. */
static char *probe_key(void)
{
	struct utsname u;
	AUTO_FREE char *boot = NULL;
	if (uname(&u) < 0 || file_read("/proc/sys/kernel/random/boot_id", 100, &boot, NULL, NULL))
		return x_strdup("unknown");
	boot[strcspn(boot, "\n")] = 0;
	return x_asprintf("%s %s", boot, u.release);
}

static json_t *kept(const char *path, const char *key)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	if (file_read(path, 65536, &text, &len, NULL))
		return NULL;
	AUTO_JSON json_t *j = json_parse(text, len, NULL);
	json_t *result = json_object_get(j, "result");
	return str_eq(json_str(j, "key", NULL), key) && !json_object_get(result, "error") &&
			       json_object_get(result, "features") /* older ones have none */
		   ? json_incref(result)
		   : NULL;
}

static json_t *measure(struct err *e)
{
	AUTO_FREE char *vmm = spawn_find("vmdeck-vmm", "VMDECK_VMM", e);
	AUTO_BUF struct buf out = {0};
	if (!vmm)
		return NULL;
	int rc = spawn_capture((const char *const[]){vmm, "probe", NULL}, PROBE_MS, &out, e);
	if (rc < 0)
		return NULL;
	json_t *j = json_parse(buf_text(&out), out.len, NULL);
	if (!json_is_object(j)) {
		char show[200];
		json_decref(j);
		err_set(e, EIO, "'%s probe' failed with status %d: %s", vmm, rc,
			str_printable(buf_text(&out), show, sizeof(show)));
		return NULL;
	}
	return j;
}

static void keep(const char *path, const char *key, json_t *result)
{
	AUTO_JSON json_t *j = json_object();
	json_set_str(j, "key", key);
	json_object_set(j, "result", result);
	AUTO_FREE char *text = json_text(j, true);
	struct err e = {0};
	if (file_replace(path, text, strlen(text), 0640, &e))
		log_debug("probe", "%s", e.msg);
}

int kvm_facts(const struct local *l, struct kvm_facts *out, struct err *e)
{
	AUTO_FREE char *path = x_asprintf("%s/probe.json", l->dirs->runtime);
	AUTO_FREE char *key = probe_key();
	AUTO_JSON json_t *j = kept(path, key);
	if (!j) {
		j = measure(e);
		if (!j)
			return -EIO;
		keep(path, key, j);
	}
	*out = (struct kvm_facts){0};
	json_t *error = json_object_get(j, "error"), *missing = json_object_get(j, "missing");
	if (error) {
		out->error = (int)json_int(error, "code", EIO);
		snprintf(out->message, sizeof(out->message), "%s", json_str(error, "message", "unknown"));
		return 0;
	}
	out->api = (int)json_int(j, "api", 0);
	out->max_vcpus = (unsigned)json_int(j, "max_vcpus", 1);
	out->native = json_flag(j, "native", false);
	out->ips = (double)json_int(j, "ips", 0);
	AUTO_BUF struct buf names = {0};
	for (size_t i = 0; i < json_array_size(missing); i++)
		buf_printf(&names, "%s%s", i ? ", " : "", json_string_value(json_array_get(missing, i)));
	snprintf(out->missing, sizeof(out->missing), "%s", buf_text(&names));
	json_t *features = json_object_get(j, "features");
	snprintf(out->cpu.vendor, sizeof(out->cpu.vendor), "%s", json_str(j, "vendor", ""));
	for (size_t i = 0; i < json_array_size(features); i++)
		cpu_set_put_name(&out->cpu.has, json_string_value(json_array_get(features, i)), true);
	return 0;
}
