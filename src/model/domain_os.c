/* <os>: the machine, and what it boots: a kernel, or firmware that finds a medium. (libvirt, "Domain XML
 * format", "Operating system booting") */
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"

static int parse_machine(struct domain *d, struct xml_node *type, struct err *e)
{
	AUTO_FREE char *os = xml_content(type);
	const char *arch = xml_attr(type, "arch"), *m = xml_attr(type, "machine");
	char show[128];
	if (!str_eq(os, "hvm"))
		return xml_bad(type, NULL, e, "'%s' is not allowed: only hvm",
			       str_printable(os, show, sizeof(show)));
	if (str_eq(arch, "i686"))
		domain_note(d, type, false,
			    "os/type: arch 'i686' runs as x86_64: its processor has 64-bit modes too");
	else if (arch && !str_eq(arch, "x86_64"))
		return xml_bad(type, "arch", e, "'%s' is not allowed: only x86_64",
			       str_printable(arch, show, sizeof(show)));
	d->machine = x_strdup("pc");
	if (!m || str_eq(m, "pc") || str_starts(m, "pc-i440fx-"))
		return 0;
	str_printable(m, show, sizeof(show));
	if (str_eq(m, "q35") || str_starts(m, "pc-q35-") || str_eq(m, "ubuntu-q35")) {
		domain_note(d, type, false,
			    "os/type: machine '%s' runs as pc: devices get places on PCI bus 0", show);
		return 0;
	}
	if (str_eq(m, "microvm")) {
		domain_note(d, type, false, "os/type: machine 'microvm' runs as pc");
		return 0;
	}
	if (str_starts(m, "pc-") || str_starts(m, "rhel6.") || str_starts(m, "rhel5.") || str_eq(m, "ubuntu"))
		return 0; /* names that distributions gave it */
	return xml_bad(type, "machine", e,
		       "'%s' is not allowed: pc, pc-*, or q35 and microvm, which run as pc", show);
}

/* --- firmware --- */

/* Is it asked for by <firmware><feature name='...' enabled='yes'/>? */
static int parse_features(struct domain *d, struct xml_node *os, struct err *e)
{
	struct xml_node *f = xml_first(os, "firmware");
	for (struct xml_node *n = f ? xml_first(f, "feature") : NULL; n; n = xml_next(n, "feature")) {
		unsigned name = 0, enabled = 0;
		if (!xml_attr(n, "name") || !xml_attr(n, "enabled"))
			return xml_bad(n, xml_attr(n, "name") ? "enabled" : "name", e,
				       "missing: write <feature enabled='no' name='secure-boot'/>");
		int rc = xml_get_choice(n, "name", "enrolled-keys|secure-boot", &name, e);
		if (!rc)
			rc = xml_get_choice(n, "enabled", "no|yes", &enabled, e);
		if (rc)
			return rc;
		if (enabled && !d->secure_boot)
			domain_note(d, n, true,
				    "os/firmware: Secure Boot is not there, it needs a q35 machine with SMM: "
				    "write enabled='no' "
				    "into each <feature> to start without");
		d->secure_boot = d->secure_boot || enabled;
	}
	return 0;
}

static int parse_loader(struct domain *d, struct xml_node *os, bool asked, struct err *e)
{
	enum { NO, YES };
	struct xml_node *n = xml_first(os, "loader");
	unsigned pflash = d->firmware == FIRMWARE_EFI, readonly = YES, secure = NO, stateless = NO;
	if (!n)
		return 0;
	int rc = xml_get_path(n, NULL, &d->loader, e);
	if (!rc)
		rc = xml_get_choice(n, "type", "rom|pflash", &pflash, e);
	if (!rc)
		rc = xml_get_choice(n, "readonly", "no|yes", &readonly, e);
	if (!rc)
		rc = xml_get_choice(n, "secure", "no|yes", &secure, e);
	if (!rc)
		rc = xml_get_choice(n, "stateless", "no|yes", &stateless, e);
	if (rc)
		return rc;
	if (!d->loader && !asked)
		return xml_bad(n, NULL, e,
			       "empty: the path of the firmware, or let it be found by <os firmware='efi'>");
	d->loader_flash = pflash;
	if (pflash && !asked)
		d->firmware = FIRMWARE_EFI;
	if (secure)
		domain_note(
		    d, n, true,
		    "os/loader: Secure Boot is not there, it needs a q35 machine with SMM: write secure='no' "
		    "and the loader without it to start without");
	d->secure_boot = d->secure_boot || secure;
	if (readonly == NO)
		domain_note(
		    d, n, false,
		    "os/loader: readonly='no': the loader is not written to, variables go to <nvram>");
	if (stateless == YES)
		domain_note(d, n, false, "os/loader: stateless='yes' is not there: variables are kept");
	return 0;
}

/* <nvram>PATH</nvram>, or since libvirt 8.5 <nvram type='file'><source file='PATH'/></nvram>. */
static int parse_nvram(struct domain *d, struct xml_node *os, struct err *e)
{
	struct xml_node *n = xml_first(os, "nvram"), *source = n ? xml_first(n, "source") : NULL;
	const char *type = n ? xml_attr(n, "type") : NULL;
	char show[128];
	if (!n)
		return 0;
	if (type && !str_eq(type, "file")) {
		domain_note(d, n, true, "os/nvram: type '%s' is not supported yet: use a file",
			    str_printable(type, show, sizeof(show)));
		return 0;
	}
	if (d->firmware != FIRMWARE_EFI)
		domain_note(d, n, false, "os/nvram: not used, only EFI firmware keeps variables");
	int rc = source ? xml_get_path(source, "file", &d->nvram, e) : xml_get_path(n, NULL, &d->nvram, e);
	return rc ? rc : xml_get_path(n, "template", &d->nvram_template, e);
}

static int parse_firmware(struct domain *d, struct xml_node *os, struct err *e)
{
	unsigned firmware = FIRMWARE_BIOS; /* in the order of enum domain_firmware */
	int rc = xml_get_choice(os, "firmware", "bios|efi", &firmware, e);
	d->firmware = (enum domain_firmware)firmware;
	if (!rc)
		rc = parse_features(d, os, e);
	if (!rc)
		rc = parse_loader(d, os, xml_attr(os, "firmware"), e);
	return rc ? rc : parse_nvram(d, os, e);
}

/* --- what is booted --- */

static int parse_boot_devs(struct domain *d, struct xml_node *os, struct err *e)
{
	for (struct xml_node *n = xml_first(os, "boot"); n; n = xml_next(n, "boot")) {
		unsigned dev = 0, i = 0; /* in the order of enum boot_device */
		if (!xml_attr(n, "dev"))
			return xml_bad(n, "dev", e, "missing: one of fd, hd, cdrom, network");
		int rc = xml_get_choice(n, "dev", "fd|hd|cdrom|network", &dev, e);
		if (rc)
			return rc;
		while (i < d->nboot_devs && d->boot_devs[i] != dev)
			i++;
		if (i == d->nboot_devs)
			d->boot_devs[d->nboot_devs++] = (enum boot_device)dev;
	}
	return 0;
}

static int parse_boot_menu(struct domain *d, struct xml_node *os, struct err *e)
{
	struct xml_node *menu = xml_first(os, "bootmenu"), *bios = xml_first(os, "bios");
	unsigned enable = 0, serial = 0, ms = 0;
	const char *reboot = bios ? xml_attr(bios, "rebootTimeout") : NULL;
	d->reboot_timeout_ms = -1;
	int rc = menu ? xml_get_choice(menu, "enable", "no|yes", &enable, e) : 0;
	if (!rc && menu)
		rc = xml_get_unsigned(menu, "timeout", 0, UINT16_MAX, &d->boot_menu_ms, e);
	if (!rc && bios)
		rc = xml_get_choice(bios, "useserial", "no|yes", &serial, e);
	d->boot_menu = enable;
	d->bios_serial = serial;
	if (rc || !reboot || str_eq(reboot, "-1"))
		return rc;
	rc = xml_get_unsigned(bios, "rebootTimeout", 0, UINT16_MAX, &ms, e);
	d->reboot_timeout_ms = (int)ms;
	return rc;
}

static int parse_kernel(struct domain *d, struct xml_node *os, struct err *e)
{
	struct xml_node *kernel = xml_first(os, "kernel"), *initrd = xml_first(os, "initrd"),
			*cmdline = xml_first(os, "cmdline");
	int rc = kernel ? xml_get_path(kernel, NULL, &d->kernel, e) : 0;
	if (!rc && initrd)
		rc = xml_get_path(initrd, NULL, &d->initrd, e);
	if (rc)
		return rc;
	if (cmdline)
		d->cmdline = xml_content(cmdline);
	if (!d->kernel && (d->initrd || cmdline))
		domain_note(d, d->initrd ? initrd : cmdline, false, "os/%s: not used, there is no <kernel>",
			    d->initrd ? "initrd" : "cmdline");
	return 0;
}

/* With a kernel no firmware runs. */
static void note_unused(struct domain *d, struct xml_node *os)
{
	static const char *const firmware[] = {"loader", "nvram", "firmware", "bootmenu", "bios"};
	for (size_t i = 0; i < ARRAY_SIZE(firmware); i++)
		if (xml_first(os, firmware[i])) {
			domain_note(d, xml_first(os, firmware[i]), false,
				    "os/%s: not used, <kernel> is booted directly", firmware[i]);
			return;
		}
	if (xml_attr(os, "firmware"))
		domain_note(d, os, false, "os/@firmware: not used, <kernel> is booted directly");
}

int domain_parse_os(struct domain *d, struct xml_node *root, struct err *e)
{
	struct xml_node *os = xml_first(root, "os"), *type = os ? xml_first(os, "type") : NULL;
	if (!type)
		return xml_bad(os ? os : root, NULL, e, "there is no %s<type>hvm</type>%s", os ? "" : "<os>",
			       os ? "" : "</os>");
	int rc = parse_machine(d, type, e);
	if (!rc)
		rc = parse_kernel(d, os, e);
	if (!rc)
		rc = parse_boot_devs(d, os, e);
	if (!rc)
		rc = parse_boot_menu(d, os, e);
	if (!rc && !d->kernel)
		rc = parse_firmware(d, os, e);
	if (!rc && d->kernel)
		note_unused(d, os);
	return rc;
}

int domain_check_boot_order(struct xml_node *root, struct xml_node *devices, struct err *e)
{
	const struct xml_node *os_boot = xml_first(xml_first(root, "os"), "boot");
	for (struct xml_node *dev = devices ? xml_first(devices, NULL) : NULL; dev;
	     dev = xml_next(dev, NULL)) {
		struct xml_node *b = xml_first(dev, "boot");
		unsigned order = 0;
		if (!b)
			continue;
		if (!xml_attr(b, "order"))
			return xml_bad(b, "order", e, "missing: 1 for what is tried first");
		int rc = xml_get_unsigned(b, "order", 1, INT32_MAX, &order, e);
		if (rc)
			return rc;
		if (os_boot)
			return xml_bad(b, NULL, e,
				       "not allowed beside <boot dev> of <os> in line %u: leave one kind",
				       xml_line(os_boot));
		for (struct xml_node *o = xml_first(devices, NULL); o && o != dev; o = xml_next(o, NULL)) {
			struct xml_node *ob = xml_first(o, "boot");
			unsigned other = 0;
			if (ob && !xml_get_unsigned(ob, "order", 1, INT32_MAX, &other, NULL) &&
			    other == order)
				return xml_bad(b, "order", e,
					       "'%u' is that of <%s> in line %u too: give each its own",
					       order, xml_name(o), xml_line(o));
		}
	}
	return 0;
}
