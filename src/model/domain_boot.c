/* What a domain boots, in words and as a list. Whether a medium can be booted is looked up on it: El Torito
 * for a CD ("El Torito" Bootable CD-ROM Format Specification 1.0, and UEFI 2.10, 13.3.2.1), the MBR or the
 * GPT's system partition for a disk (UEFI 2.10, 5.2 and 5.3). It is only a hint for people; firmware tries by
 * itself. */
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain.h"

#define SECTOR 512
#define CD_SECTOR 2048
#define CD_VOLUME 16 /* ISO 9660, 6.7.1: primary volume descriptor; the boot record follows it */
#define CD_RECORD 17
#define PLATFORM_X86 0
#define PLATFORM_EFI 0xef
#define PARTITIONS_MAX 128

struct list {
	struct domain_boot *v;
	size_t n;
};

static bool is_listed(const struct list *l, const struct domain_boot *b)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].disk == b->disk && l->v[i].net == b->net)
			return true;
	return false;
}

static void list_add(struct list *l, struct domain_boot b)
{
	if (!is_listed(l, &b))
		l->v[l->n++] = b;
}

/* The @i-th of all that could be booted; *order: its <boot order=>. */
static struct domain_boot candidate(const struct domain *d, size_t i, unsigned *order)
{
	const struct domain_interface *net = i < d->ndisks ? NULL : &d->interfaces[i - d->ndisks];
	if (!net) {
		*order = d->disks[i].boot_order;
		return (struct domain_boot){.disk = &d->disks[i]};
	}
	*order = net->no_rom ? 0 : net->boot_order;
	return (struct domain_boot){.net = net};
}

static void by_order(const struct domain *d, struct list *l)
{
	for (;;) {
		struct domain_boot best = {0};
		unsigned least = 0, order;
		for (size_t i = 0; i < d->ndisks + d->ninterfaces; i++) {
			struct domain_boot b = candidate(d, i, &order);
			if (!order || is_listed(l, &b) || (least && order >= least))
				continue;
			least = order;
			best = b;
		}
		if (!least)
			return;
		list_add(l, best);
	}
}

static void by_device(const struct domain *d, enum boot_device dev, struct list *l)
{
	static const enum disk_device kinds[] = {[BOOT_DEV_FD] = DISK_DEVICE_FLOPPY,
						 [BOOT_DEV_HD] = DISK_DEVICE_DISK,
						 [BOOT_DEV_CDROM] = DISK_DEVICE_CDROM};
	for (size_t i = 0; dev == BOOT_DEV_NETWORK && i < d->ninterfaces; i++)
		if (!d->interfaces[i].no_rom)
			list_add(l, (struct domain_boot){.net = &d->interfaces[i]});
	for (size_t i = 0; dev != BOOT_DEV_NETWORK && i < d->ndisks; i++)
		if (d->disks[i].device == kinds[dev])
			list_add(l, (struct domain_boot){.disk = &d->disks[i]});
}

size_t domain_boots(const struct domain *d, struct domain_boot *out)
{
	static const enum boot_device usual[] = {BOOT_DEV_HD, BOOT_DEV_CDROM};
	const enum boot_device *devs = d->nboot_devs ? d->boot_devs : usual;
	unsigned ndevs = d->nboot_devs ? d->nboot_devs : ARRAY_SIZE(usual);
	struct list l = {out, 0};
	by_order(d, &l);
	bool ordered = l.n;
	for (unsigned k = 0; !ordered && k < ndevs; k++)
		by_device(d, devs[k], &l);
	return l.n;
}

size_t domain_boots_first(const struct domain *d, struct domain_boot *out)
{
	struct list l = {out, 0};
	if (!d->nboot_once)
		return domain_boots(d, out);
	for (unsigned k = 0; k < d->nboot_once; k++)
		by_device(d, d->boot_once[k], &l);
	return l.n;
}

bool domain_needs_rom(const struct domain *d, const struct domain_interface *net)
{
	if (d->kernel || d->firmware == FIRMWARE_EFI || d->loader_flash)
		return false;
	AUTO_FREE struct domain_boot *v = x_calloc(2 * DOMAIN_BOOTS(d), sizeof(*v));
	size_t n = domain_boots(d, v);
	n += domain_boots_first(d, v + n);
	for (size_t i = 0; i < n; i++)
		if (v[i].net == net)
			return true;
	return false;
}

/* --- is it bootable? --- */

static bool read_at(int fd, uint64_t at, void *to, size_t n)
{
	return pread(fd, to, n, (off_t)at) == (ssize_t)n;
}

static uint16_t le16_at(const unsigned char *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static uint32_t le32_at(const unsigned char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* The platforms that a boot catalog has entries for, as bits. */
enum { HAS_X86 = 1, HAS_EFI = 2 };

static unsigned entry(const unsigned char *at, unsigned platform)
{
	if (at[0] != 0x88) /* bootable */
		return 0;
	return platform == PLATFORM_X86 ? HAS_X86 : platform == PLATFORM_EFI ? HAS_EFI : 0;
}

/* El Torito, 2.0: the validation entry, the default one, then sections, each a header and its entries. */
static unsigned read_catalog(const unsigned char c[CD_SECTOR])
{
	if (c[0] != 1 || c[0x1e] != 0x55 || c[0x1f] != 0xaa)
		return 0;
	unsigned has = entry(c + 32, c[1]);
	for (size_t at = 64; at + 32 <= CD_SECTOR && (c[at] == 0x90 || c[at] == 0x91);) {
		unsigned platform = c[at + 1], n = le16_at(c + at + 2);
		bool last = c[at] == 0x91;
		for (at += 32; n && at + 32 <= CD_SECTOR; n--, at += 32)
			has |= entry(c + at, platform);
		if (last)
			break;
	}
	return has;
}

static const char *cd_lacks(int fd, enum domain_firmware firmware)
{
	unsigned char s[CD_SECTOR];
	static const char id[] = "EL TORITO SPECIFICATION";
	if (!read_at(fd, CD_VOLUME * CD_SECTOR, s, sizeof(s)) || memcmp(s + 1, "CD001", 5))
		return "no ISO 9660 image";
	if (!read_at(fd, CD_RECORD * CD_SECTOR, s, sizeof(s)) || s[0] || memcmp(s + 1, "CD001", 5) ||
	    memcmp(s + 7, id, sizeof(id) - 1))
		return "no boot record";
	uint64_t catalog = (uint64_t)le32_at(s + 0x47) * CD_SECTOR;
	unsigned has = read_at(fd, catalog, s, sizeof(s)) ? read_catalog(s) : 0;
	if (!has)
		return "no boot record";
	if (firmware == FIRMWARE_EFI)
		return has & HAS_EFI ? NULL : "for BIOS only";
	return has & HAS_X86 ? NULL : "for UEFI only";
}

static bool has_system_partition(int fd, const unsigned char mbr[SECTOR])
{
	static const unsigned char esp[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
					      0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};
	unsigned char h[SECTOR], type[16];
	for (unsigned i = 0; i < 4; i++)
		if (mbr[446 + 16 * i + 4] == 0xef)
			return true;
	if (!read_at(fd, SECTOR, h, sizeof(h)) || memcmp(h, "EFI PART", 8))
		return false;
	uint64_t at = ((uint64_t)le32_at(h + 76) << 32 | le32_at(h + 72)) * SECTOR;
	uint32_t n = le32_at(h + 80), size = le32_at(h + 84);
	for (uint32_t i = 0; i < n && i < PARTITIONS_MAX; i++)
		if (read_at(fd, at + (uint64_t)i * size, type, sizeof(type)) &&
		    !memcmp(type, esp, sizeof(esp)))
			return true;
	return false;
}

static const char *disk_lacks(int fd, enum domain_firmware firmware)
{
	unsigned char s[SECTOR], all = 0;
	if (!read_at(fd, 0, s, sizeof(s)))
		return "empty";
	for (size_t i = 0; i < 440; i++)
		all |= s[i];
	bool sign = s[510] == 0x55 && s[511] == 0xaa, code = sign && all,
	     efi = sign && has_system_partition(fd, s);
	if (firmware == FIRMWARE_EFI)
		return efi ? NULL : "no EFI system partition";
	return code ? NULL : efi ? "for UEFI only" : "no boot sector";
}

const char *domain_disk_lacks(const struct domain_disk *k, enum domain_firmware firmware)
{
	if (!k->source)
		return "empty";
	/* Not to wait for a named pipe, nor for a drive to spin up without a disc. */
	AUTO_CLOSE int fd = open(k->source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	if (fd < 0)
		return "cannot be read";
	if (fstat(fd, &st) || !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		return "no image";
	return k->device == DISK_DEVICE_CDROM ? cd_lacks(fd, firmware) : disk_lacks(fd, firmware);
}

/* --- in words --- */

char *domain_firmware_text(const struct domain *d)
{
	if (d->kernel)
		return x_strdup("none");
	const char *name = d->firmware == FIRMWARE_EFI ? "UEFI" : "BIOS";
	return d->loader ? x_asprintf("%s, %s", name, d->loader) : x_strdup(name);
}

static void disk_words(const struct domain *d, const struct domain_disk *k, bool look, struct buf *b)
{
	const char *lacks = look ? domain_disk_lacks(k, d->firmware) : NULL;
	bool cdrom = k->device == DISK_DEVICE_CDROM;
	buf_printf(b, "%s%s", k->target, cdrom ? " (CD-ROM" : lacks ? " (" : "");
	if (lacks)
		buf_printf(b, "%snot bootable: %s", cdrom ? ", " : "", lacks);
	if (lacks || cdrom)
		buf_puts(b, ")");
}

char *domain_boot_text(const struct domain *d, bool look)
{
	struct buf b = {0};
	AUTO_FREE struct domain_boot *list = x_calloc(DOMAIN_BOOTS(d), sizeof(*list));
	size_t n = d->kernel ? 0 : domain_boots(d, list);
	for (size_t i = 0; i < n; i++) {
		char name[16];
		buf_puts(&b, i ? ", " : "");
		if (list[i].disk)
			disk_words(d, list[i].disk, look, &b);
		else
			buf_printf(&b, "%s (network)",
				   domain_interface_name(d, (size_t)(list[i].net - d->interfaces), name));
	}
	if (d->kernel)
		buf_printf(&b, "the kernel %s", d->kernel);
	else if (!b.len)
		buf_puts(&b, "nothing, there is no disk to boot");
	if (d->boot_menu && !d->kernel)
		buf_puts(&b, ", with a menu");
	return buf_take(&b);
}

char *domain_screen_text(const struct domain *d)
{
	const struct domain_graphics *g = d->graphics;
	const char *video = !d->video ? "none" : d->video->model == VIDEO_VIRTIO ? "virtio" : "VGA";
	if (!g)
		return d->video ? x_asprintf("%s, not seen from outside", video) : x_strdup(video);
	const char *listen = g->listen ? g->listen : "127.0.0.1";
	if (g->socket)
		return x_asprintf("%s, VNC on %s", video, g->socket);
	bool six = strchr(listen, ':');
	if (g->port > 0)
		return x_asprintf("%s, VNC on %s%s%s:%d", video, six ? "[" : "", listen, six ? "]" : "",
				  g->port);
	return x_asprintf("%s, VNC on %s, the lowest free port from 5900", video, listen);
}
