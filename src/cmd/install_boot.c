/* Of an installation's XML: <os>, where its two texts differ. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/cmd/install_maker.h"

/* A path that a guest's XML can have: absolute. */
static int put_path(struct maker *m, unsigned which, const char *name, const char *path, struct err *e)
{
	AUTO_FREE char *full = path ? realpath(path, NULL) : NULL;
	if (path && !full)
		return err_sys(e, errno, "--boot %s='%s'", name, path);
	if (full)
		put_text(m, which, 2, name, full);
	return 0;
}

static bool is_boot_device(const char *name)
{
	return str_eq(name, "hd") || str_eq(name, "cdrom") || str_eq(name, "fd") || str_eq(name, "network");
}

/* <boot dev=>: of the first boot what installs, of the definition what --boot says, or the disk. */
static void make_order(struct maker *m, const struct install_value *boot, const char *bootdev)
{
	static const char *const first[] = {[METHOD_CDROM] = "cdrom", [METHOD_PXE] = "network"};
	const char *dev = bootdev ? bootdev : m->method < ARRAY_SIZE(first) ? first[m->method] : NULL;
	bool told = false;
	if (dev)
		put(m, IN_FIRST, "    <boot dev='%s'/>\n", dev);
	if (!str_eq(dev, "hd"))
		put(m, IN_FIRST, "    <boot dev='hd'/>\n");
	for (size_t i = 0; i < boot->n; i++) {
		const char *name = boot->pairs[i].sub->name;
		if (!is_boot_device(name) || !str_eq(boot->pairs[i].value, "yes"))
			continue;
		put(m, IN_DEFINE, "    <boot dev='%s'/>\n", name);
		told = true;
	}
	if (told || m->orders)
		return;
	dev = m->ndisks ? "hd" : m->method == METHOD_PXE ? "network" : m->medium ? "cdrom" : "hd";
	put(m, IN_DEFINE, "    <boot dev='%s'/>\n", dev);
}

static int make_firmware(struct maker *m, const struct install_value *boot, struct err *e)
{
	const char *loader = value_get(boot, "loader"), *template = value_get(boot, "nvram.template"),
		   *nvram = value_get(boot, "nvram");
	if (value_on(boot, "loader.secure", false))
		return err_set(e, EOPNOTSUPP, "--boot loader.secure=yes: Secure Boot is not there yet");
	if (loader) {
		AUTO_FREE char *full = realpath(loader, NULL);
		if (!full)
			return err_sys(e, errno, "--boot loader='%s'", loader);
		put(m, IN_BOTH, "    <loader readonly='%s'",
		    value_on(boot, "loader.readonly", true) ? "yes" : "no");
		put_attr(m, IN_BOTH, "type", value_get(boot, "loader.type"));
		put(m, IN_BOTH, ">");
		put_escaped(m, IN_BOTH, full);
		put(m, IN_BOTH, "</loader>\n");
	}
	if (!nvram && !template)
		return 0;
	if (nvram && *nvram != '/')
		return err_set(e, EINVAL, "--boot nvram='%s' is not allowed: a path from the root on", nvram);
	put(m, IN_BOTH, "    <nvram");
	put_attr(m, IN_BOTH, "template", template);
	put(m, IN_BOTH, ">");
	if (nvram)
		put_escaped(m, IN_BOTH, nvram);
	put(m, IN_BOTH, "</nvram>\n");
	return 0;
}

static void make_menu(struct maker *m, const struct install_value *boot)
{
	const char *ms = value_get(boot, "bootmenu.timeout"), *again = value_get(boot, "rebootTimeout");
	if (value_get(boot, "menu") || ms) {
		put(m, IN_BOTH, "    <bootmenu enable='%s'", value_on(boot, "menu", true) ? "yes" : "no");
		put_attr(m, IN_BOTH, "timeout", ms);
		put(m, IN_BOTH, "/>\n");
	}
	if (!value_get(boot, "useserial") && !again)
		return;
	put(m, IN_BOTH, "    <bios");
	if (value_get(boot, "useserial"))
		put_attr(m, IN_BOTH, "useserial", value_get(boot, "useserial"));
	put_attr(m, IN_BOTH, "rebootTimeout", again);
	put(m, IN_BOTH, "/>\n");
}

/* All of --extra-args and --install kernel_args, a space between. */
static char *extra_args(struct maker *m, const struct install_value *install)
{
	struct buf b = {0};
	for (size_t i = 0; i < m->r->n; i++)
		if (str_eq(m->r->words[i].option, "extra-args"))
			buf_printf(&b, "%s%s", b.len ? " " : "", m->r->words[i].value);
	if (value_get(install, "kernel_args"))
		buf_printf(&b, "%s%s", b.len ? " " : "", value_get(install, "kernel_args"));
	return buf_take(&b);
}

/* The kernel of the first boot: copies, which the backend makes when it is done. */
static int make_kernel(struct maker *m, const struct install_value *boot, const struct install_value *install,
		       struct err *e)
{
	const char *every = value_get(boot, "kernel");
	AUTO_FREE char *args = extra_args(m, install);
	if (m->method == METHOD_LOCATION || m->method == METHOD_KERNEL) {
		AUTO_FREE char *kernel = x_asprintf("%s/%s/kernel", m->host.boot, m->p->uuid);
		AUTO_FREE char *initrd = x_asprintf("%s/%s/initrd", m->host.boot, m->p->uuid);
		put_text(m, IN_FIRST, 2, "kernel", kernel);
		if (m->p->boot.initrd)
			put_text(m, IN_FIRST, 2, "initrd", initrd);
		if (*args)
			put_text(m, IN_FIRST, 2, "cmdline", args);
		if (m->p->inject && !m->p->boot.initrd)
			return err_set(e, EINVAL,
				       "--initrd-inject: there is no initrd to put it into: name it with "
				       "--location ...,initrd=FILE");
	} else if (*args || m->p->inject) {
		return err_set(e, EINVAL,
			       "--%s works with --location only: a CD's own boot loader has the command line",
			       *args ? "extra-args" : "initrd-inject");
	}
	if (!every && (value_get(boot, "initrd") || value_get(boot, "kernel_args")))
		return err_set(e, EINVAL, "--boot initrd= and kernel_args= want a kernel=");
	unsigned which = m->method == METHOD_LOCATION || m->method == METHOD_KERNEL ? IN_DEFINE : IN_BOTH;
	int rc = put_path(m, which, "kernel", every, e);
	if (!rc)
		rc = put_path(m, which, "initrd", value_get(boot, "initrd"), e);
	if (!rc && value_get(boot, "kernel_args"))
		put_text(m, which, 2, "cmdline", value_get(boot, "kernel_args"));
	return rc;
}

int make_boot(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value boot = {0}, install = {0};
	int rc = maker_value(m, "boot", &boot, e);
	if (!rc)
		rc = maker_value(m, "install", &install, e);
	if (rc)
		return rc;
	const char *machine = install_get(m->r, "machine"), *firmware = value_get(&boot, "firmware");
	bool efi = value_on(&boot, "uefi", false) || str_eq(firmware, "efi");
	if (value_get(&boot, "machine"))
		machine = value_get(&boot, "machine");
	if (!efi && !value_get(&boot, "loader") && m->os.id && !m->os.bios && m->os.efi) {
		maker_note(m, "%s cannot be installed with a BIOS: the guest has UEFI", m->os.name);
		efi = true;
	}
	put(m, IN_BOTH, "  <os%s>\n    <type arch='x86_64'", efi ? " firmware='efi'" : "");
	put_attr(m, IN_BOTH, "machine", machine ? machine : "pc");
	put(m, IN_BOTH, ">hvm</type>\n");
	rc = make_firmware(m, &boot, e);
	if (!rc)
		rc = make_kernel(m, &boot, &install, e);
	if (rc)
		return rc;
	make_order(m, &boot, value_get(&install, "bootdev"));
	make_menu(m, &boot);
	put(m, IN_BOTH, "  </os>\n");
	return 0;
}
