/* The host: what it is, and whether it can run guests well. Every check says what was found and what to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "backend/local/install.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/sandbox.h"
#include "src/base/str.h"

/* The number behind "key   : " in /proc/cpuinfo's paragraph @p, or @def. */
static long cpuinfo_number(const char *p, const char *key, long def)
{
	const char *end = strstr(p, "\n\n"), *at = strstr(p, key);
	if (!at || (end && at > end))
		return def;
	at = strchr(at, ':');
	return at ? strtol(at + 1, NULL, 10) : def;
}

static void cpu_info(struct host_info *out)
{
	AUTO_FREE char *text = NULL;
	out->sockets = out->cores = out->threads = 1;
	if (file_read("/proc/cpuinfo", 8u << 20, &text, NULL, NULL))
		return;
	char *model = strstr(text, "model name");
	if (model && (model = strchr(model, ':')))
		snprintf(out->cpu_model, sizeof(out->cpu_model), "%.*s", (int)strcspn(model + 2, "\n"),
			 model + 2);
	out->mhz = (unsigned)cpuinfo_number(text, "cpu MHz", 0);
	long cores = cpuinfo_number(text, "cpu cores", 1), siblings = cpuinfo_number(text, "siblings", 1),
	     socket = 0;
	for (const char *p = text; p && *p; p = (p = strstr(p, "\n\n")) ? p + 2 : NULL) {
		long id = cpuinfo_number(p, "physical id", 0);
		socket = id > socket ? id : socket;
	}
	out->sockets = (unsigned)socket + 1;
	out->cores = cores > 0 ? (unsigned)cores : 1;
	out->threads = siblings > cores && cores > 0 ? (unsigned)(siblings / cores) : 1;
}

static unsigned count_nodes(void)
{
	unsigned n = 0;
	char path[64];
	do
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u", n);
	while (access(path, F_OK) == 0 && ++n < 1024);
	return n ? n : 1;
}

int local_host_info(struct backend *b, struct host_info *out, struct err *e)
{
	struct utsname u;
	struct kvm_facts f = {0};
	struct host_info h = {0};
	if (uname(&u) < 0)
		return err_sys(e, errno, "uname");
	snprintf(h.hostname, sizeof(h.hostname), "%s", u.nodename);
	snprintf(h.machine, sizeof(h.machine), "%.15s", u.machine);
	snprintf(h.kernel, sizeof(h.kernel), "%s", u.release);
	h.cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	h.memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	h.nodes = count_nodes();
	AUTO_FREE char *images = images_folder(local_of(b)), *boot = install_folder(local_of(b));
	snprintf(h.images, sizeof(h.images), "%s", images);
	snprintf(h.boot, sizeof(h.boot), "%s", boot);
	cpu_info(&h);
	if (!kvm_access(NULL) && !kvm_facts(local_of(b), &f, NULL))
		h.kvm_api = f.api;
	*out = h;
	return 0;
}

/* --- host-validate --- */

struct checks {
	struct local *l;
	struct host_check *v;
	size_t n;
	struct kvm_facts kvm;
	bool kvm_known;
	unsigned lacks; /* layers of the sandbox */
	int landlock_abi;
	bool sandbox_known;
};

static struct host_check *add(struct checks *c, const char *subject, const char *key, const char *name)
{
	c->v = x_realloc(c->v, (c->n + 1) * sizeof(*c->v));
	struct host_check *h = &c->v[c->n++];
	memset(h, 0, sizeof(*h));
	snprintf(h->subject, sizeof(h->subject), "%s", subject);
	snprintf(h->key, sizeof(h->key), "%s", key);
	snprintf(h->name, sizeof(h->name), "%s", name);
	return h;
}

static void say(struct host_check *h, int result, const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void say(struct host_check *h, int result, const char *remedy, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(h->detail, sizeof(h->detail), fmt, ap);
	va_end(ap);
	h->result = result;
	snprintf(h->remedy, sizeof(h->remedy), "%s", remedy);
}

static void check_hardware(struct checks *c, struct host_check *h)
{
	AUTO_FREE char *text = NULL;
	file_read("/proc/cpuinfo", 8u << 20, &text, NULL, NULL);
	const char *flag = text && strstr(text, " vmx")   ? "VT-x (vmx)"
			   : text && strstr(text, " svm") ? "AMD-V (svm)"
							  : NULL;
	if (flag)
		say(h, HOST_PASS, "", "%s", flag);
	else
		say(h, HOST_NOTE,
		    "on hardware, switch VT-x or AMD-V on in the firmware; in a guest, nested virtualization "
		    "on its host",
		    "the processor shows neither vmx nor svm");
}

static void check_kvm_device(struct checks *c, struct host_check *h)
{
	if (access("/dev/kvm", F_OK) == 0)
		say(h, HOST_PASS, "", "/dev/kvm exists");
	else
		say(h, HOST_FAIL, "load kvm_intel or kvm_amd; switch virtualization on in the firmware",
		    "there is no /dev/kvm");
}

static void check_kvm_access(struct checks *c, struct host_check *h)
{
	struct err e = {0};
	if (!kvm_access(&e)) {
		say(h, HOST_PASS, "", "/dev/kvm can be opened");
		c->kvm_known = !kvm_facts(c->l, &c->kvm, NULL);
	} else if (e.code == ENODEV) {
		say(h, HOST_FAIL, "see above", "there is nothing to open");
	} else {
		say(h, HOST_FAIL, "sudo usermod -aG kvm $USER, then log in again", "%s", strerror(e.code));
	}
}

static void check_kvm_api(struct checks *c, struct host_check *h)
{
	if (!c->kvm_known)
		say(h, HOST_FAIL, "see above", "could not be asked");
	else if (c->kvm.error)
		say(h, HOST_FAIL, "look into the kernel's log (dmesg)", "%s", c->kvm.message);
	else if (*c->kvm.missing)
		say(h, HOST_WARN, "use a newer kernel, or another host", "API %d, but without %s", c->kvm.api,
		    c->kvm.missing);
	else
		say(h, HOST_PASS, "", "API %d, up to %u vCPUs", c->kvm.api, c->kvm.max_vcpus);
}

static void check_kvm_native(struct checks *c, struct host_check *h)
{
	if (!c->kvm_known || c->kvm.error)
		say(h, HOST_FAIL, "see above", "could not be measured");
	else if (c->kvm.native)
		say(h, HOST_PASS, "", "%.0f million kernel-mode instructions a second", c->kvm.ips / 1e6);
	else
		say(h, HOST_FAIL,
		    "use a host with VT-x or AMD-V, or nested virtualization; vmdeck start --force tries all "
		    "the same",
		    "it interprets kernel mode: %.1f million instructions a second", c->kvm.ips / 1e6);
}

/* A device file that something needs. */
static void device(struct host_check *h, const char *path, int missing, const char *what, const char *remedy)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		say(h, HOST_PASS, "", "%s can be opened", path);
	else if (errno == EACCES || errno == EPERM)
		say(h, missing, "have the administrator give you access", "%s: no permission: %s", path,
		    what);
	else
		say(h, missing, remedy, "%s: %s: %s", path, strerror(errno), what);
}

static void check_tun(struct checks *c, struct host_check *h)
{
	device(h, "/dev/net/tun", HOST_WARN, "no bridged networks", "sudo modprobe tun");
}

static void check_vhost(struct checks *c, struct host_check *h)
{
	device(h, "/dev/vhost-net", HOST_NOTE, "networks are a little slower", "sudo modprobe vhost_net");
}

static void check_iommu(struct checks *c, struct host_check *h)
{
	if (access("/sys/kernel/iommu_groups/0", F_OK) == 0)
		say(h, HOST_PASS, "", "there are IOMMU groups");
	else
		say(h, HOST_NOTE,
		    "switch VT-d or AMD-Vi on in the firmware; on Intel boot with intel_iommu=on",
		    "no IOMMU groups: devices cannot be given to guests");
}

static void check_cgroup(struct checks *c, struct host_check *h)
{
	AUTO_FREE char *text = NULL;
	if (file_read("/sys/fs/cgroup/cgroup.controllers", 4096, &text, NULL, NULL)) {
		say(h, HOST_WARN, "boot with systemd.unified_cgroup_hierarchy=1",
		    "cgroup v2 is not mounted at /sys/fs/cgroup: no limits for guests");
		return;
	}
	static const char *const want[] = {"cpu", "memory", "io"};
	AUTO_BUF struct buf missing = {0};
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		AUTO_FREE char *padded = x_asprintf(" %s", text), *word = x_asprintf(" %s", want[i]);
		for (char *p = padded; *p; p++)
			*p = *p == '\n' ? ' ' : *p;
		char *at = strstr(padded, word);
		if (!at || (at[strlen(word)] != ' ' && at[strlen(word)]))
			buf_printf(&missing, " %s", want[i]);
	}
	if (missing.len)
		say(h, HOST_NOTE, "delegate these controllers to your manager (systemd: Delegate=)",
		    "cgroup v2 without%s", buf_text(&missing));
	else
		say(h, HOST_PASS, "", "cgroup v2 with cpu, memory and io");
}

static void check_nested(struct checks *c, struct host_check *h)
{
	static const char *const files[] = {"/sys/module/kvm_intel/parameters/nested",
					    "/sys/module/kvm_amd/parameters/nested"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		AUTO_FREE char *text = NULL;
		if (file_read(files[i], 16, &text, NULL, NULL))
			continue;
		if (*text == 'Y' || *text == '1')
			say(h, HOST_PASS, "", "guests can run guests");
		else
			say(h, HOST_NOTE, "options kvm_intel nested=1 (kvm_amd) in /etc/modprobe.d",
			    "guests cannot run guests");
		return;
	}
	say(h, HOST_NOTE, "", "neither kvm_intel nor kvm_amd is loaded: guests cannot run guests");
}

static void check_hugepages(struct checks *c, struct host_check *h)
{
	AUTO_FREE char *text = NULL;
	if (file_read("/sys/kernel/mm/transparent_hugepage/enabled", 100, &text, NULL, NULL))
		say(h, HOST_NOTE, "", "this kernel has no transparent huge pages");
	else if (strstr(text, "[never]"))
		say(h, HOST_NOTE, "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
		    "transparent huge pages are off");
	else
		say(h, HOST_PASS, "", "transparent huge pages: %s",
		    strstr(text, "[always]") ? "always" : "madvise");
}

static void check_io_uring(struct checks *c, struct host_check *h)
{
	char params[120] = {0}; /* struct io_uring_params */
	AUTO_CLOSE int fd = (int)syscall(SYS_io_uring_setup, 2, params);
	if (fd >= 0)
		say(h, HOST_PASS, "", "io_uring works");
	else
		say(h, HOST_NOTE, "sudo sysctl kernel.io_uring_disabled=0", "io_uring: %s: disks use threads",
		    strerror(errno));
}

static void check_systemd(struct checks *c, struct host_check *h)
{
	if (access("/run/systemd/system", F_OK) == 0)
		say(h, HOST_PASS, "", "each guest gets a scope of its own");
	else
		say(h, HOST_NOTE, "", "no systemd: guests run in sessions of their own");
}

static void check_linger(struct checks *c, struct host_check *h)
{
	int rc = scope_lingering();
	if (geteuid() == 0)
		say(h, HOST_PASS, "", "root's guests belong to the system");
	else if (rc < 0)
		say(h, HOST_PASS, "", "there is no logind that would end guests at logout");
	else if (rc)
		say(h, HOST_PASS, "", "lingering is on");
	else
		say(h, HOST_WARN, "sudo loginctl enable-linger $USER",
		    "lingering is off: it is switched on with the first guest, if you may");
}

/* --- the layers of the sandbox (src/base/sandbox.h) --- */

static void layer(struct checks *c, struct host_check *h, unsigned bit, const char *loss, const char *remedy)
{
	if (!c->sandbox_known)
		c->lacks = sandbox_lacks(&c->landlock_abi);
	c->sandbox_known = true;
	if (!(c->lacks & bit))
		say(h, HOST_PASS, "", "guests have it");
	else
		say(h, HOST_WARN, remedy, "%s", loss);
}

#define SPACES_REMEDY "sudo sysctl user.max_user_namespaces=15000; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0"

static void check_user_space(struct checks *c, struct host_check *h)
{
	if (geteuid() == 0)
		say(h, HOST_PASS, "", "root needs none for the others");
	else
		layer(c, h, SANDBOX_USER_SPACE, "without one an ordinary user gets no other name space",
		      SPACES_REMEDY);
}

static void check_mount_space(struct checks *c, struct host_check *h)
{
	layer(c, h, SANDBOX_MOUNT_SPACE, "a guest that breaks out sees the host's files", SPACES_REMEDY);
}

static void check_net_space(struct checks *c, struct host_check *h)
{
	layer(c, h, SANDBOX_NET_SPACE, "a guest that breaks out is in the host's network", SPACES_REMEDY);
}

static void check_pid_space(struct checks *c, struct host_check *h)
{
	layer(c, h, SANDBOX_PID_SPACE, "a guest that breaks out can name the host's processes", SPACES_REMEDY);
}

static void check_ipc_space(struct checks *c, struct host_check *h)
{
	layer(c, h, SANDBOX_IPC_SPACE, "a guest that breaks out is among the host's System V IPC", SPACES_REMEDY);
}

static void check_landlock(struct checks *c, struct host_check *h)
{
	layer(c, h, SANDBOX_LANDLOCK, "this kernel has none: files are kept from guests by name spaces alone",
	      "Linux 5.13 or later with landlock among lsm= on the kernel's command line");
	if (h->result == HOST_PASS && c->landlock_abi < 6)
		say(h, HOST_NOTE, "Linux 6.12 or later keeps signals and abstract sockets apart, too", "ABI %d",
		    c->landlock_abi);
}

static void check_seccomp(struct checks *c, struct host_check *h)
{
	layer(c, h, SANDBOX_SECCOMP, "this kernel does not filter system calls: no guest starts",
	      "a kernel with CONFIG_SECCOMP_FILTER");
}

static void check_uid(struct checks *c, struct host_check *h)
{
	struct policy p;
	struct err e = {0};
	if (geteuid() != 0)
		say(h, HOST_PASS, "", "guests have yours");
	else if (policy_read(c->l, &p, &e))
		say(h, HOST_FAIL, "mend the file", "%s", e.msg);
	else if (!p.uids)
		say(h, HOST_NOTE, "uids = FIRST-LAST in vmdeck.conf", "guests share nobody's");
	else if (policy_uid_had(&p))
		say(h, HOST_PASS, "", "one of %u from %u on", p.uids, (unsigned)p.uid_first);
	else
		say(h, HOST_WARN, "in a container map them, or name others: uids = FIRST-LAST in vmdeck.conf",
		    "uids from %u on cannot be had", (unsigned)p.uid_first);
}

static const struct {
	const char *subject, *key, *name;
	void (*check)(struct checks *, struct host_check *);
} rows[] = {
    {"CPU", "hardware", "Processor has virtualization", check_hardware},
    {"KVM", "kvm-device", "KVM is there", check_kvm_device},
    {"KVM", "kvm-access", "KVM may be used by this user", check_kvm_access},
    {"KVM", "kvm-api", "KVM has what we need", check_kvm_api},
    {"KVM", "kvm-native", "KVM runs kernels natively", check_kvm_native},
    {"KVM", "nested", "Nested virtualization", check_nested},
    {"Network", "tun", "Network devices for guests", check_tun},
    {"Network", "vhost-net", "Networking in the kernel", check_vhost},
    {"CPU", "iommu", "IOMMU", check_iommu},
    {"Host", "cgroup", "Control groups", check_cgroup},
    {"Memory", "hugepages", "Huge pages", check_hugepages},
    {"Disk", "io-uring", "Asynchronous disk I/O", check_io_uring},
    {"Host", "systemd", "Guests apart from sessions", check_systemd},
    {"Host", "lingering", "Guests outlive the login", check_linger},
    {"Sandbox", "sandbox-user", "User name spaces", check_user_space},
    {"Sandbox", "sandbox-mount", "Mount name spaces", check_mount_space},
    {"Sandbox", "sandbox-net", "Network name spaces", check_net_space},
    {"Sandbox", "sandbox-pid", "Process id name spaces", check_pid_space},
    {"Sandbox", "sandbox-ipc", "IPC name spaces", check_ipc_space},
    {"Sandbox", "sandbox-landlock", "Landlock", check_landlock},
    {"Sandbox", "sandbox-seccomp", "System call filter (seccomp)", check_seccomp},
    {"Sandbox", "sandbox-uid", "A uid of each guest's own", check_uid},
};

int local_host_validate(struct backend *b, struct host_check **list, size_t *n, struct err *e)
{
	struct checks c = {.l = local_of(b)};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct host_check *h = add(&c, rows[i].subject, rows[i].key, rows[i].name);
		rows[i].check(&c, h);
	}
	*list = c.v;
	*n = c.n;
	return 0;
}
