/* The firmware a guest boots with: SeaBIOS, or a UEFI found by the descriptors that its package brings, with
 * a store of variables of the guest's own. (QEMU, docs/interop/firmware.json) */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/fmt.h"
#include "src/base/json.h"

#define SEABIOS "/usr/share/seabios/bios-256k.bin"
#define VGABIOS "/usr/share/seabios/vgabios-stdvga.bin"
#define VGABIOS_VIRTIO "/usr/share/seabios/vgabios-virtio.bin" /* the same with other PCI ids */
#define NET_ROM "/usr/lib/ipxe/qemu/pxe-virtio.rom"
#define MACHINE "pc-i440fx-7.2" /* what descriptors call our machine; a pattern there matches any release of it */
#define DESCRIPTOR_MAX (64u << 10)
#define TEMPLATE_MAX (16u << 20)

/* Those of the administrator come before the packages'; of one name only the first counts. */
static const char *const descriptor_dirs[] = {"/etc/qemu/firmware", "/usr/share/qemu/firmware"};

/* A UEFI in flash. */
struct efi {
	char *code, *template;
};

static void efi_done(struct efi *f)
{
	free(f->code);
	free(f->template);
}

/* --- descriptors --- */

static bool has_string(const json_t *array, const char *s)
{
	size_t i;
	json_t *v;
	json_array_foreach(array, i, v)
		if (str_eq(json_string_value(v), s))
			return true;
	return false;
}

static bool for_us(const json_t *targets)
{
	size_t i, k;
	json_t *t, *m;
	json_array_foreach(targets, i, t) {
		if (!str_eq(json_str(t, "architecture", NULL), "x86_64"))
			continue;
		json_array_foreach(json_object_get(t, "machines"), k, m)
			if (json_is_string(m) && !fnmatch(json_string_value(m), MACHINE, 0))
				return true;
	}
	return false;
}

/* Is it a UEFI in split flash for this machine, without what needs SMM? */
static bool fits(const json_t *d)
{
	const json_t *features = json_object_get(d, "features"), *map = json_object_get(d, "mapping");
	return has_string(json_object_get(d, "interface-types"), "uefi") &&
	       str_eq(json_str(map, "device", NULL), "flash") &&
	       str_eq(json_str(map, "mode", "split"), "split") && for_us(json_object_get(d, "targets")) &&
	       !has_string(features, "requires-smm") && !has_string(features, "enrolled-keys");
}

static const char *file_in(const json_t *d, const char *what)
{
	const json_t *f = json_object_get(json_object_get(d, "mapping"), what);
	return str_eq(json_str(f, "format", "raw"), "raw") ? json_str(f, "filename", NULL) : NULL;
}

/* Take the descriptor at @path when it fits, and is that of @code when that is not NULL. */
static bool take(const char *path, const char *code, struct efi *out)
{
	AUTO_FREE char *text = NULL;
	AUTO_JSON json_t *d = NULL;
	size_t len;
	if (file_read(path, DESCRIPTOR_MAX, &text, &len, NULL) || !(d = json_parse(text, len, NULL)))
		return false;
	const char *exe = file_in(d, "executable"), *vars = file_in(d, "nvram-template");
	if (!exe || !vars || (code ? !str_eq(code, exe) : !fits(d)))
		return false;
	out->code = x_strdup(exe);
	out->template = x_strdup(vars);
	return true;
}

static int is_descriptor(const struct dirent *de)
{
	return de->d_name[0] != '.' && str_ends(de->d_name, ".json");
}

/* Is there one of the same name in a folder that comes before? */
static bool masked(size_t dir, const char *name)
{
	for (size_t i = 0; i < dir; i++) {
		AUTO_FREE char *path = x_asprintf("%s/%s", descriptor_dirs[i], name);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static bool search_dir(size_t dir, const char *code, struct efi *out)
{
	struct dirent **v = NULL;
	bool found = false;
	int n = scandir(descriptor_dirs[dir], &v, is_descriptor, alphasort);
	for (int i = 0; i < n; i++) {
		AUTO_FREE char *path = x_asprintf("%s/%s", descriptor_dirs[dir], v[i]->d_name);
		if (!found && !masked(dir, v[i]->d_name))
			found = take(path, code, out);
		free(v[i]);
	}
	free(v);
	return found;
}

/* The best descriptor; with @code the one of that image, whatever it is made for. */
static bool search(const char *code, struct efi *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(descriptor_dirs); i++)
		if (search_dir(i, code, out))
			return true;
	return false;
}

/* --- what a domain means --- */

static bool is_efi(const struct domain *d)
{
	return d->firmware == FIRMWARE_EFI || d->loader_flash;
}

static int efi_find(const struct domain *d, struct efi *out, struct err *e)
{
	bool found = search(d->loader, out);
	if (!found && !d->loader)
		return err_set(e, ENOENT,
			       "domain '%s' wants UEFI, and none for this machine is described in %s: "
			       "install the package ovmf",
			       d->name, descriptor_dirs[ARRAY_SIZE(descriptor_dirs) - 1]);
	if (!found)
		out->code = x_strdup(d->loader);
	if (d->nvram_template) {
		free(out->template);
		out->template = x_strdup(d->nvram_template);
	}
	return 0;
}

char *firmware_nvram_path(const struct local *l, const struct domain *d)
{
	if (d->kernel || !is_efi(d))
		return NULL;
	return d->nvram ? x_strdup(d->nvram) : x_asprintf("%s/nvram/%s_VARS.fd", l->dirs->data, d->name);
}

/* --- opening --- */

/* A file that a package brings, named when it is missing. */
static int open_packaged(const struct domain *d, struct fd_set_named *fds, const char *name, const char *path,
                         const char *package, struct err *e)
{
	int fd = open_file(name, path, O_RDONLY, e);
	if (fd == -ENOENT)
		return err_set(e, ENOENT,
			       "domain '%s' needs '%s', which is not there: install the package %s", d->name,
			       path, package);
	return fd < 0 ? fd : named_add(fds, name, fd);
}

static int open_efi(const struct domain *d, struct fd_set_named *fds, struct err *e)
{
	__attribute__((cleanup(efi_done))) struct efi f = {0};
	int rc = efi_find(d, &f, e);
	if (rc)
		return rc;
	return open_packaged(d, fds, "firmware", f.code, d->loader ? "that it belongs to" : "ovmf", e);
}

/* SeaBIOS has no drivers of network cards; UEFI has its own. */
static int open_net_rom(const struct domain *d, struct fd_set_named *fds, struct err *e)
{
	for (size_t i = 0; i < d->ninterfaces; i++)
		if (domain_needs_rom(d, &d->interfaces[i]))
			return open_packaged(d, fds, "net.rom", NET_ROM, "ipxe-qemu", e);
	return 0;
}

static const char *vga_bios(const struct domain *d)
{
	return d->video->model == VIDEO_VIRTIO ? VGABIOS_VIRTIO : VGABIOS;
}

int firmware_open(const struct domain *d, struct fd_set_named *fds, struct err *e)
{
	if (d->secure_boot)
		return err_set(e, ENOTSUP,
			       "domain '%s' wants Secure Boot, which needs the machine q35 with SMM, and "
			       "vmdeck has the machine pc: "
			       "remove secure='yes' and the secure-boot and enrolled-keys features from <os>",
			       d->name);
	int rc;
	if (is_efi(d))
		rc = open_efi(d, fds, e);
	else if (d->loader)
		rc = open_packaged(d, fds, "firmware", d->loader, "that it belongs to", e);
	else
		rc = open_packaged(d, fds, "firmware", SEABIOS, "seabios", e);
	if (!rc)
		rc = open_net_rom(d, fds, e);
	if (!rc && d->splash) {
		int fd = open_file("splash", d->splash, O_RDONLY, e);
		rc = fd < 0 ? fd : named_add(fds, "splash", fd);
	}
	if (rc || !d->video)
		return rc;
	return open_packaged(d, fds, "vga.rom", vga_bios(d), "seabios", e);
}

static void firmware_offer_file(struct fd_set_named *fds, const char *name, const char *path)
{
	int fd = open_file(name, path, O_RDONLY, NULL);
	if (fd >= 0)
		named_add(fds, name, fd);
}

void firmware_offer(const struct domain *d, struct fd_set_named *fds)
{
	firmware_offer_file(fds, "firmware", SEABIOS);
	if (d->video)
		firmware_offer_file(fds, "vga.rom", vga_bios(d));
}

#define FLASH_UNIT (1u << 20)

/* How large the variable store of this firmware is: as its template, or where none is known, what makes a
 * whole flash chip (1, 2, 4 ... MiB) of it together with the code. 0: unknown. */
static uint64_t store_bytes(const struct efi *f, const struct fd_set_named *fds)
{
	struct stat st;
	__attribute__((cleanup(efi_done))) struct efi packaged = {0};
	if (search(f->code, &packaged) && stat(packaged.template, &st) == 0)
		return (uint64_t)st.st_size;
	int fd = named_get(fds, "firmware");
	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	uint64_t code = (uint64_t)st.st_size, chip = FLASH_UNIT;
	while (chip < code)
		chip *= 2;
	return code < FLASH_UNIT ? 0 : chip - code;
}

/* A store of another length would lie where the firmware does not look, and what the guest keeps be lost. */
static int store_fits(const struct domain *d, const struct fd_set_named *fds, const char *path,
		      const char *what, struct err *e)
{
	__attribute__((cleanup(efi_done))) struct efi f = {0};
	struct stat st;
	char has[FMT_MAX], wants[FMT_MAX];
	int rc = efi_find(d, &f, e);
	uint64_t want = rc ? 0 : store_bytes(&f, fds);
	if (rc || !want || stat(path, &st) < 0 || (uint64_t)st.st_size == want)
		return rc;
	return err_set(e, EINVAL,
		       "domain '%s': the %s '%s' has %lld bytes (%s), and does not fit the firmware '%s', "
		       "whose store has %llu (%s): name the template that comes with it in "
		       "<nvram template='...'>, and start with --reset-nvram",
		       d->name, what, path, (long long)st.st_size, fmt_bytes((uint64_t)st.st_size, has),
		       f.code, (unsigned long long)want, fmt_bytes(want, wants));
}

/* The first start makes the guest's store from the template. */
static int nvram_make(const struct domain *d, const struct fd_set_named *fds, const char *path, struct err *e)
{
	__attribute__((cleanup(efi_done))) struct efi f = {0};
	AUTO_FREE char *data = NULL, *copy = x_strdup(path);
	size_t len;
	int rc = efi_find(d, &f, e);
	if (rc)
		return rc;
	if (!f.template)
		return err_set(e, ENOENT,
			       "domain '%s': there is no variable store '%s', and no template to make it "
			       "from is known for '%s': name one "
			       "with <nvram template='...'>",
			       d->name, path, f.code);
	rc = store_fits(d, fds, f.template, "template", e);
	if (rc)
		return rc;
	rc = file_read(f.template, TEMPLATE_MAX, &data, &len, e);
	if (!rc)
		rc = dir_make(dirname(copy), 0700, e);
	if (!rc)
		rc = file_replace(path, data, len, 0600, e);
	return rc ? err_prefix(e, "domain '%s': cannot make the variable store '%s'", d->name, path) : 0;
}

/* Lock the store that is there, if one is, so that no other guest works on it while it is made anew. */
static int hold_nvram(const char *path, int *held, struct err *e)
{
	if (access(path, F_OK) < 0)
		return 0;
	*held = open_file("variable store", path, O_RDWR, e);
	return *held < 0 ? *held : image_lock(*held, path, "nvram", true, false, e);
}

int firmware_open_nvram(const struct local *l, const struct domain *d, unsigned start_flags,
			struct fd_set_named *fds, struct err *e)
{
	AUTO_FREE char *path = firmware_nvram_path(l, d);
	if (!path)
		return 0;
	AUTO_CLOSE int held = -1;
	int rc = start_flags & START_RESET_NVRAM ? hold_nvram(path, &held, e) : 0;
	if (rc)
		return rc;
	if (held >= 0 || (access(path, F_OK) < 0 && errno == ENOENT)) {
		rc = nvram_make(d, fds, path, e);
		if (rc)
			return rc;
	}
	rc = store_fits(d, fds, path, "variable store", e);
	if (rc)
		return rc;
	int fd = open_file("variable store", path, O_RDWR, e);
	if (fd < 0)
		return fd;
	rc = image_lock(fd, path, "nvram", true, false, e);
	if (rc) {
		fd_close(fd);
		return rc;
	}
	return named_add(fds, "nvram", fd);
}
