#include "backend/vmm/build.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/vmm/boot/firmware.h"
#include "backend/vmm/chardev.h"
#include "backend/vmm/control.h"
#include "backend/vmm/dev/debugcon.h"
#include "backend/vmm/dev/ide.h"
#include "backend/vmm/dev/piix4_pm.h"
#include "backend/vmm/dev/vga.h"
#include "backend/vmm/dev/virtio_net.h"
#include "backend/vmm/device.h"
#include "backend/vmm/diagnose.h"
#include "backend/vmm/display/display.h"
#include "backend/vmm/input_control.h"
#include "backend/vmm/keeperlink.h"
#include "backend/vmm/kvm.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/pci.h"
#include "backend/vmm/screenlink.h"
#include "backend/vmm/vcpu.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/model/xml.h"
#include "src/proto/livexml.h"

int machine_load_domain(int fd, struct domain **out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	const char *xml;
	int rc = fd < 0 ? -ENOENT : file_read_fd(fd, XML_SIZE_MAX + LIVEXML_LINE_MAX, &text, NULL);
	if (rc)
		return err_sys(e, -rc, "cannot read the live XML");
	rc = livexml_unwrap(text, &xml, e);
	return rc ? rc : domain_parse(xml, strlen(xml), "live.xml", out, e);
}

/* Always there, in this order. */
static const struct dev_def chips[] = {
	{.model = "i440fx", .name = "host-bridge", .addr = {.set = true}},
	{.model = "piix3", .name = "isa-bridge", .addr = {.set = true, .slot = 1}},
	{.model = "piix3-ide", .name = "ide", .addr = {.set = true, .slot = 1, .function = 1}},
	{.model = "piix4-pm", .name = "pm", .addr = {.set = true, .slot = 1, .function = 3}},
	{.model = "cmos-rtc", .name = "rtc"},
	{.model = "i8042", .name = "i8042"},
	{.model = "port92", .name = "port92"},
	{.model = "isa-misc", .name = "isa-misc"},
};

static int add_serials(struct machine *m, struct err *e)
{
	for (size_t i = 0; i < m->domain->nserials; i++) {
		unsigned port = m->domain->serials[i].port;
		char name[16];
		if (port >= MACHINE_CONSOLES_MAX)
			return err_set(e, EINVAL, "serial port %u: at most %d", port, MACHINE_CONSOLES_MAX);
		snprintf(name, sizeof(name), "com%u", port + 1);
		struct dev_def def = {.model = "uart16550", .name = name, .index = port};
		int rc = chardev_new(m, port, e);
		if (rc || (rc = dev_new(m, &def, NULL, e)))
			return rc;
	}
	return 0;
}

/* The domain's own port for debugging. Where firmware logs to that port too, the device for that
 * (add_firmware) has it. */
static int add_debugcon(struct machine *m, struct err *e)
{
	static const struct dev_def def = {.model = "isa-debugcon", .name = "isa-debugcon"};
	int rc = chardev_new(m, CONSOLE_DEBUG, e);
	bool firmwares = m->firmware && m->domain->debugcon->port == DEBUGCON_PORT;
	return rc || firmwares ? rc : dev_new(m, &def, NULL, e);
}

static int add_disk(struct machine *m, const struct domain_disk *disk, struct err *e)
{
	if (disk->device == DISK_DEVICE_FLOPPY)
		return 0; /* the firmware has it (boot/firmware.c) */
	if (!strcmp(disk->bus, "ide"))
		return ide_attach(dev_find(m, "ide"), disk, e);
	struct dev_def def = {.model = "virtio-blk", .name = disk->target, .addr = disk->addr, .disk = disk};
	return dev_new(m, &def, NULL, e);
}

static int add_disks(struct machine *m, struct err *e)
{
	for (size_t i = 0; i < m->domain->ndisks; i++) {
		const struct domain_disk *disk = &m->domain->disks[i];
		int rc = add_disk(m, disk, e);
		if (rc)
			return err_prefix(e, "disk '%s'", disk->target);
	}
	return 0;
}

static int add_interfaces(struct machine *m, struct err *e)
{
	for (size_t i = 0; i < m->domain->ninterfaces; i++) {
		const struct domain_interface *net = &m->domain->interfaces[i];
		char name[16];
		snprintf(name, sizeof(name), VIRTIO_NET_NAME "%zu", i);
		struct dev_def def = {
		    .model = "virtio-net", .name = name, .addr = net->addr, .index = (unsigned)i, .net = net};
		int rc = dev_new(m, &def, NULL, e);
		if (rc)
			return err_prefix(e, "interface %s", name);
	}
	return 0;
}

static int add_rngs(struct machine *m, struct err *e)
{
	for (size_t i = 0; i < m->domain->nrngs; i++) {
		char name[16];
		snprintf(name, sizeof(name), "rng%zu", i);
		struct dev_def def = {.model = "virtio-rng",
				      .name = name,
				      .addr = m->domain->rngs[i].addr,
				      .rng = &m->domain->rngs[i]};
		int rc = dev_new(m, &def, NULL, e);
		if (rc)
			return rc;
	}
	return 0;
}

/* The PS/2 ones are part of the i8042. */
static int add_inputs(struct machine *m, struct err *e)
{
	static const char *const models[] = {[INPUT_KEYBOARD] = "virtio-keyboard",
					     [INPUT_MOUSE] = "virtio-mouse",
					     [INPUT_TABLET] = "virtio-tablet"};
	static const struct dev_def vmmouse = {.model = "vmmouse", .name = "vmmouse"};
	int rc = m->domain->vmport ? dev_new(m, &vmmouse, NULL, e) : 0;
	for (size_t i = 0; !rc && i < m->domain->ninputs; i++) {
		const struct domain_input *input = &m->domain->inputs[i];
		char name[16];
		if (input->bus != INPUT_VIRTIO)
			continue;
		snprintf(name, sizeof(name), "input%zu", i);
		struct dev_def def = {.model = models[input->type], .name = name, .addr = input->addr};
		rc = dev_new(m, &def, NULL, e);
	}
	return rc;
}

/* At 00:02.0, where guests expect it, unless the XML has another place. */
static int add_video(struct machine *m, struct err *e)
{
	const struct domain_video *video = m->domain->video;
	struct dev_def def = {.model = "vga", .name = VGA_NAME, .video = video};
	if (!video)
		return 0;
	if (video->model == VIDEO_VIRTIO)
		def.model = "virtio-vga";
	def.addr = video->addr;
	return dev_new(m, &def, NULL, e);
}

static int add_firmware(struct machine *m, struct err *e)
{
	static const struct dev_def debugcon = {.model = "debugcon", .name = "debugcon"};
	static const struct dev_def fw_cfg = {.model = "fw-cfg", .name = "fw-cfg"};
	static const struct dev_def pflash = {.model = "pflash", .name = "pflash"};
	int rc = dev_new(m, &fw_cfg, NULL, e);
	if (!rc)
		rc = dev_new(m, &debugcon, NULL, e);
	if (!rc && m->firmware->nvram)
		rc = dev_new(m, &pflash, NULL, e);
	return rc ? rc : firmware_tell(m, e);
}

int machine_devices(struct machine *m, struct err *e)
{
	int rc = firmware_load(m, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(chips); i++) {
		rc = dev_new(m, &chips[i], NULL, e);
		if (rc)
			return rc;
	}
	rc = add_serials(m, e);
	if (!rc && m->domain->debugcon)
		rc = add_debugcon(m, e);
	if (!rc)
		rc = add_video(m, e);
	if (!rc)
		rc = add_disks(m, e);
	if (!rc)
		rc = add_interfaces(m, e);
	if (!rc)
		rc = add_rngs(m, e);
	if (!rc)
		rc = add_inputs(m, e);
	if (!rc)
		rc = input_control_init(m, e);
	return !rc && m->firmware ? add_firmware(m, e) : rc;
}

int machine_firmware(struct machine *m, struct boot_entry *entry, struct err *e)
{
	if (m->firmware) {
		int rc = firmware_again(m);
		*entry = (struct boot_entry){.mode = BOOT_FIRMWARE};
		return rc ? err_sys(e, -rc, "cannot tell the firmware what to boot") : 0;
	}
	pthread_mutex_lock(&m->lock);
	pci_setup(m);
	piix4_pm_setup(dev_find(m, "pm"));
	pthread_mutex_unlock(&m->lock);
	return boot_direct(m, entry, e);
}

void machine_teardown(struct machine *m)
{
	vcpus_destroy(m);
	control_done(m);
	keeperlink_free(m);
	screenlink_free(m);
	diagnose_done(m);
	input_control_done(m);
	while (m->ndevs)
		dev_free(m->devs[m->ndevs - 1]);
	display_free(m->display);
	for (unsigned i = 0; i < MACHINE_CONSOLES_MAX; i++)
		chardev_free(m->consoles[i]);
	kvm_close(m);
	firmware_free(m);
	memory_done(&m->mem);
	named_done(&m->fds);
}
