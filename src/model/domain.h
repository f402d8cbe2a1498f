/* A domain as its XML defines it. The retained document is the definition: this struct is a checked view of
 * it, made by domain_parse(), and every change goes through domain_parse() of edited text, so that comments,
 * order and foreign namespaces survive. (libvirt, "Domain XML format")
 *
 * One table, domain_table.c, classes every element: supported; kept and harmless (a note at define); kept but
 * needed by the guest (define warns, start refuses, naming it). */
#ifndef SRC_MODEL_DOMAIN_H
#define SRC_MODEL_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/uuid.h"
#include "src/model/domain_tune.h"

#define DOMAIN_NAME_MAX 200
#define DOMAIN_VCPUS_MAX 64
/* Of our own element in <metadata>: <vmdeck:screen xmlns:vmdeck="urn:vmdeck:domain:1" viewPasswd= tls=
 * certificates= verify=/> */
#define DOMAIN_NAMESPACE "urn:vmdeck:domain:1"
#define DOMAIN_MEMORY_MIN (4ull << 20) /* bytes */

enum domain_action { /* on_poweroff, on_reboot, on_crash */
	DOMAIN_ACTION_DESTROY,
	DOMAIN_ACTION_RESTART,
	DOMAIN_ACTION_PRESERVE,
	DOMAIN_ACTION_RENAME_RESTART,
	DOMAIN_ACTION_COREDUMP_DESTROY,
	DOMAIN_ACTION_COREDUMP_RESTART,
};

enum disk_type { DISK_FILE, DISK_BLOCK };
enum disk_device { DISK_DEVICE_DISK, DISK_DEVICE_CDROM, DISK_DEVICE_FLOPPY };
enum disk_cache { DISK_CACHE_DEFAULT, DISK_CACHE_NONE, DISK_CACHE_WRITETHROUGH, DISK_CACHE_WRITEBACK,
	          DISK_CACHE_DIRECTSYNC, DISK_CACHE_UNSAFE };

struct pci_addr {
	bool set;
	uint16_t domain;
	uint8_t bus, slot, function;
};

enum disk_policy { DISK_MANDATORY, DISK_REQUISITE, DISK_OPTIONAL }; /* startupPolicy: when the medium is missing */

struct domain_disk {
	enum disk_type type;
	enum disk_device device;
	char *source;        /* path; NULL: an empty CD-ROM or floppy drive, or one that blocks the start */
	char *format;        /* "raw" */
	char *target;        /* "vda", unique */
	char *bus;           /* "virtio", "ide" (what asks for sata is given ide, with a note) */
	char *serial;        /* at most 20 bytes, or NULL */
	enum disk_cache cache;
	bool discard;        /* driver discard='unmap' */
	bool readonly;       /* a CD-ROM always is */
	bool shareable;
	bool tray_open;      /* target tray='open' */
	enum disk_policy policy;
	unsigned queues;     /* 0 = ours to choose */
	unsigned boot_order; /* 0 = none */
	unsigned unit;       /* bus ide: channel * 2 + drive, 0..3, unique */
	struct pci_addr addr; /* bus virtio */
};

struct domain_serial {
	unsigned port;       /* target port: 0 = ttyS0 */
	char *log_file;      /* <log file=>, or NULL */
	bool log_append;     /* <log append=>: behind what is there; else each start begins it anew */
};

/* <serial> of type isa-debug: a port whose bytes go to a file, without more. */
struct domain_debugcon {
	unsigned port; /* <address iobase=> */
	char *file;    /* NULL: nobody reads them */
	bool append;   /* behind what is there; else each start begins it anew */
};

struct domain_rng {
	char *backend;       /* "/dev/urandom" */
	uint64_t rate_bytes; /* 0 = no limit */
	unsigned rate_period_ms;
	struct pci_addr addr;
};

enum graphics_share { GRAPHICS_ALLOW_EXCLUSIVE, GRAPHICS_FORCE_SHARED, GRAPHICS_IGNORE };
enum graphics_tls { GRAPHICS_TLS_OFF, GRAPHICS_TLS_ALLOWED, GRAPHICS_TLS_REQUIRED };

/* <graphics type='vnc'> (spice is given vnc, with a note). At most one. */
struct domain_graphics {
	int port;              /* 5900..65535; -1: the lowest free one */
	char *listen;          /* IPv4 or IPv6 address; NULL: 127.0.0.1. With a socket: none */
	char *socket;          /* path of a unix socket instead of a port, or NULL */
	char *passwd;          /* NULL: one is made up at start; "": none shall be asked (start --no-password) */
	int64_t passwd_valid_to; /* seconds since the epoch, 0 = for ever */
	char *view_passwd;     /* <metadata> vmdeck:screen viewPasswd=, or NULL */
	char *keymap;          /* the guest's layout, for viewers that send characters; NULL: us. See keymap.h */
	enum graphics_share share;
	enum graphics_tls tls; /* <metadata> vmdeck:screen tls= */
	char *tls_dir;         /* the same, certificates='DIR'; NULL: the usual folder */
	bool tls_verify;       /* the same, verify='yes': viewers must show a certificate */
};

enum video_model { VIDEO_VGA, VIDEO_VIRTIO }; /* bochs, cirrus, qxl, vmvga are given vga, with a note */
struct domain_video {
	enum video_model model;
	uint64_t vram_bytes;   /* a power of two, 1..64 MiB */
	unsigned width, height; /* <resolution>: what EDID prefers; 0 = ours to choose */
	struct pci_addr addr;
};

enum input_type { INPUT_KEYBOARD, INPUT_MOUSE, INPUT_TABLET };
enum input_bus { INPUT_PS2, INPUT_VIRTIO }; /* usb is given virtio, with a note */
struct domain_input {
	enum input_type type;
	enum input_bus bus;
	struct pci_addr addr;  /* bus virtio */
};

#define DOMAIN_INTERFACES_MAX 8
#define DOMAIN_MAC_TEXT 18 /* with the terminator */

enum interface_type { INTERFACE_USER, INTERFACE_BRIDGE };

/* Ports of the host at which the guest is reached. */
struct port_forward {
	bool udp;
	char *address;       /* of the host, IPv4 or IPv6; NULL: 127.0.0.1 */
	unsigned start, end; /* ports of the host, inclusive */
	unsigned to;         /* the guest's port for the first */
};

/* A network card, always virtio. */
struct domain_interface {
	enum interface_type type;
	char *asked;         /* type='' as it stands: "network" 'default' is given INTERFACE_USER, with a note */
	char *network;       /* <source network=>, or NULL */
	uint8_t mac[6];      /* unique in the domain */
	char *bridge;        /* INTERFACE_BRIDGE */
	char *target;        /* the tap's name; NULL = ours to choose */
	char *ifname;        /* <target dev=> as it stands: in the text of a guest that runs, the name of its tap; or NULL */
	bool link_down;
	bool no_rom;         /* <rom enabled='no'>: not to be booted from */
	unsigned queues;     /* pairs, 0 = ours to choose */
	unsigned mtu;        /* 0 = as usual */
	unsigned boot_order; /* 0 = none */
	struct port_forward *forwards; /* INTERFACE_USER only */
	size_t nforwards;
	struct pci_addr addr;
};

enum domain_firmware { FIRMWARE_BIOS, FIRMWARE_EFI };
enum boot_device { BOOT_DEV_FD, BOOT_DEV_HD, BOOT_DEV_CDROM, BOOT_DEV_NETWORK };

enum cpu_mode { CPU_HOST_PASSTHROUGH, CPU_HOST_MODEL, CPU_MAXIMUM, CPU_CUSTOM };
enum cpu_match { CPU_MATCH_MINIMUM, CPU_MATCH_EXACT, CPU_MATCH_STRICT };
enum cpu_check { CPU_CHECK_NONE, CPU_CHECK_PARTIAL, CPU_CHECK_FULL };
enum cpu_policy { CPU_FORCE, CPU_REQUIRE, CPU_OPTIONAL, CPU_DISABLE, CPU_FORBID };

struct cpu_feature {
	char *name; /* libvirt's name of a CPUID bit (cpu_features.h); of one that is not known too */
	enum cpu_policy policy;
};
struct cpu_model; /* cpu_models.h */

struct domain_clock {
	bool localtime;     /* offset='localtime' */
	int64_t adjustment; /* seconds, offset='variable' */
};

/* What the guest would miss or what was changed silently: printed by define. */
struct domain_note {
	bool blocks_start; /* start refuses, with this sentence */
	unsigned line;     /* in the XML, 0 = unknown */
	char *text;
};

struct domain {
	struct xml *xml; /* the retained document (src/model/xml.h) */

	char name[DOMAIN_NAME_MAX + 1];
	char uuid[UUID_TEXT];
	char *title, *description; /* NULL when absent */
	bool installing; /* <metadata> vmdeck:install: the first boot of an installation: the guest's reboot starts the definition */

	uint64_t memory_bytes;  /* <memory>: what the guest is built with, rounded up to whole MiB */
	uint64_t current_bytes; /* <currentMemory>, as libvirt reads it: whole KiB */
	bool hugepages, nosharepages;
	unsigned vcpus;     /* at start */
	unsigned max_vcpus; /* <vcpu> */

	char *machine; /* "pc" */
	char *kernel, *initrd, *cmdline;

	/* Without <kernel>: */
	enum domain_firmware firmware; /* os firmware=, or what <loader> says */
	char *loader;          /* path of the firmware, NULL = ours to find */
	bool loader_flash;     /* loader type='pflash' */
	bool secure_boot;      /* asked for: start refuses */
	char *nvram, *nvram_template; /* variable store of an EFI guest; NULL = ours to choose */
	enum boot_device boot_devs[4]; /* <boot dev=>, in order */
	unsigned nboot_devs;
	enum boot_device boot_once[4]; /* the same for the first boot after a start; none: as always */
	unsigned nboot_once;
	char *splash; /* path of a picture to be shown with the boot menu, or NULL */
	bool boot_menu;
	unsigned boot_menu_ms; /* how long it waits, 0 = the firmware's default */
	bool bios_serial;      /* <bios useserial='yes'> */
	int reboot_timeout_ms; /* <bios rebootTimeout=>; -1 = none */

	bool acpi, apic;
	bool vmport; /* the port of the vmmouse; on unless <features> says no */
	enum cpu_mode cpu_mode;
	const struct cpu_model *cpu_model; /* CPU_CUSTOM: never NULL */
	enum cpu_match cpu_match;
	enum cpu_check cpu_check;
	bool cpu_unmigratable;    /* migratable='off' */
	char cpu_vendor_id[13];   /* <model vendor_id=>; "" = the host's */
	const char *cpu_vendor;   /* id of the vendor that the host's must be of (<vendor>), or NULL */
	unsigned sockets, dies, cores, threads; /* topology, product = max_vcpus; all 1 but sockets when unset */
	struct cpu_feature *cpu_features;
	size_t ncpu_features;

	struct domain_clock clock;
	enum domain_action on_poweroff, on_reboot, on_crash;

	/* When domain_startable(), each has bus virtio and an address, or bus ide and a unit, and all but a
	 * CD-ROM a source. */
	struct domain_disk *disks;
	size_t ndisks;
	struct domain_serial *serials;
	size_t nserials;
	struct domain_debugcon *debugcon; /* NULL: none */
	struct domain_interface *interfaces;
	size_t ninterfaces; /* at most DOMAIN_INTERFACES_MAX */
	bool host_loopback, link_local; /* <metadata> vmdeck:network: what its user-mode networks may reach */
	struct domain_rng *rngs;
	size_t nrngs;
	struct domain_graphics *graphics; /* NULL: nobody can look from outside */
	struct domain_video *video;       /* NULL: no screen at all; never NULL when graphics is there */
	struct domain_input *inputs;      /* PS/2 keyboard and mouse are always there */
	size_t ninputs;

	struct domain_tune tune; /* what the host gives it at most */

	struct domain_note *notes;
	size_t nnotes;
};

/* Parse and check domain XML. @where names the source in errors ("web1.xml", "(standard input)"). On success
 * *out is the caller's, with a uuid and PCI addresses made up where the XML had none and written back into
 * its document. -EINVAL with file, line, element and what is allowed. */
int domain_parse(const char *text, size_t len, const char *where, struct domain **out, struct err *e);
int domain_load(const char *path, struct domain **out, struct err *e);
void domain_free(struct domain *d);

/* The definition as text, the caller's to free; valid against libvirt's domain.rng. */
char *domain_text(const struct domain *d);
/* What a guest that runs has and its definition leaves to us. */
struct domain_live {
	int id;
	int vnc_port; /* of a <graphics> that leaves the choice to us; 0: it has none */
	struct {
		char dev[16]; /* "": none */
		unsigned mtu; /* of the bridge; 0: the usual one */
	} taps[DOMAIN_INTERFACES_MAX]; /* by interface */
};
/* The text of a running guest: the definition, with @live in it. */
char *domain_live_text(const struct domain *d, const struct domain_live *live);
/* Fill the taps of @live from a domain that was parsed from such a text. */
void domain_live_taps(const struct domain *d, struct domain_live *live);
/* Another text of a domain without the passwords that are in it, or with @passwd as its screen's; the
 * caller's to free. NULL: @text is no XML. */
char *domain_text_passwd(const char *text, const char *passwd);

/* What is to lie in a drive. */
struct domain_medium {
	const char *path; /* NULL: nothing */
	enum disk_type type;
	bool tray_open;
};

/* Domain XML @text with another medium in drive @target, the caller's to free. @where names it in errors.
 * -ENOENT: there is no such disk. */
int domain_text_medium(const char *text, const char *where, const char *target, const struct domain_medium *m,
		       char **out, struct err *e);
/* The same with that drive's tray open or closed; NULL when it is so already, or there is no such drive. */
char *domain_text_tray(const char *text, const char *target, bool open);
/* The text without that disk. */
int domain_text_without_disk(const char *text, const char *where, const char *target, char **out,
			     struct err *e);

/* Which network card is @key: its MAC address, its tap, or "net0"; d->ninterfaces: none. */
size_t domain_interface_find(const struct domain *d, const char *key);
/* Its name for people: the tap's, else "net0". Return: @out. */
char *domain_interface_name(const struct domain *d, size_t i, char out[16]);
/* Domain XML with the cable of that card in or out, the caller's to free. -ENODEV: there is no such card. */
int domain_text_link(const char *text, const char *where, size_t i, bool up, char **out, struct err *e);

/* One of what firmware tries: a disk, or a network card. The other is NULL. */
struct domain_boot {
	const struct domain_disk *disk;
	const struct domain_interface *net;
};
/* What firmware tries, in its order: by <boot order=>, else by <boot dev=>, else disks before CD-ROMs. A card
 * without a ROM is none of them. @out has room for DOMAIN_BOOTS(d). Return: how many. */
#define DOMAIN_BOOTS(d) ((d)->ndisks + (d)->ninterfaces + 1)
size_t domain_boots(const struct domain *d, struct domain_boot *out);
/* The same for the first boot after a start. */
size_t domain_boots_first(const struct domain *d, struct domain_boot *out);
/* Is this card one of them, for firmware that has no driver of its own and needs a ROM? */
bool domain_needs_rom(const struct domain *d, const struct domain_interface *net);
/* Why @firmware cannot boot this medium ("no boot record"), or NULL when it looks as if it could. Reads the
 * image. */
const char *domain_disk_lacks(const struct domain_disk *k, enum domain_firmware firmware);

/* For people, the caller's to free: "BIOS"; "vda, hda (CD-ROM, not bootable: no boot record)"; "VGA, VNC on
 * 127.0.0.1:5901". */
char *domain_firmware_text(const struct domain *d);
char *domain_boot_text(const struct domain *d, bool look); /* @look: read the images, and say which cannot be booted */
char *domain_screen_text(const struct domain *d);

/* The first note that blocks a start, as an error naming it; 0 when there is none. */
int domain_startable(const struct domain *d, struct err *e);

/* Is this a name that we take? Not empty, no '/', not '.' or '..', no control characters, at most 200
 * bytes. */
int domain_name_check(const char *name, struct err *e);
/* The same for the name of a new domain: beyond that not with '.' or '-' at its beginning, and without
 * characters of Unicode that only steer how others are shown (Cf, Zl, Zp). Those that were defined with such
 * a name are still read, so that they can be used and undefined. */
int domain_new_name_check(const char *name, struct err *e);

const char *domain_action_text(enum domain_action a); /* "destroy", ... */
/* "52:54:00:12:34:56". Return: @out. */
char *domain_mac_text(const uint8_t mac[6], char out[DOMAIN_MAC_TEXT]);

#endif
