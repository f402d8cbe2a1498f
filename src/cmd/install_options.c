/* The options of an installation, and what their values consist of: virt-install's names, once. The command
 * line, the help, completion, the manual's test and install_check() all read these tables. */
#include "src/cmd/install_value.h"

/* Known to virt-install: refused with the reason; or left out with a note, as a guest does without. */
#define LACKS(option, other, why)                                                                            \
	{                                                                                                    \
		.name = (option), .kind = ARG_STRING, .many = true, .aka = (other), .summary = "not there yet", .lacks = (why)      \
	}
#define LEFT_OUT(option, other, why)                                                                         \
	{                                                                                                    \
		.name = (option), .kind = ARG_STRING, .many = true, .optional = true, .aka = (other), .summary = "left out",       \
		.lacks = (why), .harmless = true                                                             \
	}
#define OPTION(option, other, text, ...)                                                                     \
	{                                                                                                    \
		.name = (option), .kind = ARG_STRING, .aka = (other), .summary = (text), __VA_ARGS__         \
	}
/* The same for those that have no value. */
#define LACKS_FLAG(option, other, why, ...)                                                                  \
	{                                                                                                    \
		.name = (option), .kind = ARG_FLAG, .aka = (other), .summary = "not there", .lacks = (why), __VA_ARGS__             \
	}
#define SWITCH(option, text)                                                                                 \
	{                                                                                                    \
		.name = (option), .kind = ARG_FLAG, .summary = (text)                                        \
	}

static const char no_pools[] = "there are no storage pools yet: give a path";
static const char raw_only[] = "images are raw until other formats are there";

static const struct cmd_sub memory[] = {
	{"memory", "currentMemory", SUB_NUMBER, NULL, "MiB", NULL},
	{"maxmemory", "maxMemory", SUB_NUMBER, NULL, "MiB that the guest may have later", NULL},
	{"hugepages", "memoryBacking.hugepages", SUB_BOOL, NULL, "from the host's huge pages", NULL},
	{0},
};

static const struct cmd_sub memory_backing[] = {
	{"hugepages", NULL, SUB_BOOL, NULL, "from the host's huge pages", NULL},
	{"nosharepages", NULL, SUB_BOOL, NULL, "not merged with equal pages of others", NULL},
	{0},
};

static const struct cmd_sub vcpus[] = {
	{"vcpus", "vcpu.current", SUB_NUMBER, NULL, "how many the guest has", NULL},
	{"maxvcpus", "vcpu", SUB_NUMBER, NULL, "how many it may have later", NULL},
	{"sockets", "topology.sockets", SUB_NUMBER, NULL, "packages", NULL},
	{"dies", "topology.dies", SUB_NUMBER, NULL, "in each package", NULL},
	{"cores", "topology.cores", SUB_NUMBER, NULL, "in each die", NULL},
	{"threads", "topology.threads", SUB_NUMBER, NULL, "of each core", NULL},
	{"cpuset", "vcpu.cpuset", SUB_TEXT, NULL, "CPUs of the host to run on", "vCPUs are not pinned yet"},
	{"placement", "vcpu.placement", SUB_CHOICE, "static|auto", "of the host's CPUs", NULL},
	{0},
};

static const struct cmd_sub cpu[] = {
	{"model", NULL, SUB_TEXT, NULL, "host-passthrough, host-model, maximum; a model's name gets host-model", NULL},
	{"mode", NULL, SUB_CHOICE, "host-passthrough|host-model|maximum|custom", "the same", NULL},
	{"force", NULL, SUB_TEXT, NULL, "a feature to be there; short: +feature", NULL},
	{"require", NULL, SUB_TEXT, NULL, "a feature to be there", NULL},
	{"optional", NULL, SUB_TEXT, NULL, "a feature to be there when the host has it", NULL},
	{"disable", NULL, SUB_TEXT, NULL, "a feature not to be there; short: -feature", NULL},
	{"forbid", NULL, SUB_TEXT, NULL, "a feature not to be there", NULL},
	{"match", NULL, SUB_CHOICE, "minimum|exact|strict", "as in libvirt, no effect", NULL},
	{"migratable", NULL, SUB_BOOL, NULL, "as in libvirt, no effect", NULL},
	{"check", NULL, SUB_CHOICE, "none|partial|full", "as in libvirt, no effect", NULL},
	{"secure", NULL, SUB_BOOL, NULL, "as in virt-install, no effect", NULL},
	{"cache.mode", NULL, SUB_CHOICE, "emulate|passthrough|disable", "as in libvirt, no effect", NULL},
	{"topology.sockets", NULL, SUB_NUMBER, NULL, "as in --vcpus", NULL},
	{"topology.dies", NULL, SUB_NUMBER, NULL, "as in --vcpus", NULL},
	{"topology.cores", NULL, SUB_NUMBER, NULL, "as in --vcpus", NULL},
	{"topology.threads", NULL, SUB_NUMBER, NULL, "as in --vcpus", NULL},
	{0},
};

static const struct cmd_sub metadata[] = {
	{"name", NULL, SUB_TEXT, NULL, "the guest's name", NULL},
	{"uuid", NULL, SUB_TEXT, NULL, "its uuid", NULL},
	{"title", NULL, SUB_TEXT, NULL, "one line about it", NULL},
	{"description", NULL, SUB_TEXT, NULL, "more about it", NULL},
	{0},
};

static const struct cmd_sub disk[] = {
	{"path", "source.file source.dev", SUB_FILE, NULL, "image or block device; made when it is not there; none: no disk", NULL},
	{"size", NULL, SUB_SIZE, NULL, "GiB of a new image", NULL},
	{"format", "driver.type driver_type", SUB_CHOICE, "raw|qcow2|vmdk|vdi|qed|vhdx|vpc|bochs|iso", "raw", NULL},
	{"sparse", NULL, SUB_BOOL, NULL, "a new image takes its space as it is filled, or all at once", NULL},
	{"device", NULL, SUB_CHOICE, "disk|cdrom|floppy|lun", "what it is for the guest", NULL},
	{"bus", "target.bus", SUB_CHOICE, "virtio|ide|sata|scsi|usb|fdc|xen", "virtio or ide; sata, scsi and usb are given ide", NULL},
	{"target", "target.dev", SUB_TEXT, NULL, "name: vda, hda, ...", NULL},
	{"cache", "driver.cache", SUB_CHOICE, "default|none|writethrough|writeback|directsync|unsafe", "of the host", NULL},
	{"discard", "driver.discard", SUB_CHOICE, "unmap|ignore", "what becomes of blocks that the guest gives back", NULL},
	{"io", "driver.io", SUB_CHOICE, "native|threads|io_uring", "as in libvirt, no effect", NULL},
	{"readonly", NULL, SUB_BOOL, NULL, "the guest cannot write it", NULL},
	{"shareable", NULL, SUB_BOOL, NULL, "others may write it at the same time", NULL},
	{"serial", NULL, SUB_TEXT, NULL, "of which the guest sees 20 characters", NULL},
	{"boot.order", "boot_order", SUB_NUMBER, NULL, "1 is tried first", NULL},
	{"startup_policy", "source.startupPolicy", SUB_CHOICE, "mandatory|requisite|optional", "when a CD or floppy is missing", NULL},
	{"queues", "driver.queues", SUB_NUMBER, NULL, "of a virtio disk", NULL},
	{"driver_name", "driver.name", SUB_TEXT, NULL, "as in libvirt, no effect", NULL},
	{"snapshot", NULL, SUB_CHOICE, "no|internal|external|manual", "as in libvirt, no effect", NULL},
	{"perms", NULL, SUB_CHOICE, "rw|ro|sh", "as readonly and shareable", NULL},
	{"vol", NULL, SUB_TEXT, NULL, "a volume", no_pools},
	{"pool", "source.pool", SUB_TEXT, NULL, "a pool", no_pools},
	{"source.volume", NULL, SUB_TEXT, NULL, "a volume", no_pools},
	{"backing_store", NULL, SUB_FILE, NULL, "an image below this one", raw_only},
	{"backing_format", NULL, SUB_TEXT, NULL, "its format", raw_only},
	{0},
};

static const struct cmd_sub location[] = {
	{"location", NULL, SUB_FILE, NULL, "folder or ISO", NULL},
	{"kernel", NULL, SUB_TEXT, NULL, "kernel in it", NULL},
	{"initrd", NULL, SUB_TEXT, NULL, "initrd in it", NULL},
	{0},
};

static const struct cmd_sub install[] = {
	{"os", NULL, SUB_TEXT, NULL, "a system to be downloaded", "nothing is downloaded: give --cdrom or --location"},
	{"kernel", NULL, SUB_FILE, NULL, "kernel of the first boot", NULL},
	{"initrd", NULL, SUB_FILE, NULL, "initrd of the first boot", NULL},
	{"kernel_args", NULL, SUB_TEXT, NULL, "as --extra-args", NULL},
	{"kernel_args_overwrite", NULL, SUB_BOOL, NULL, "as in virt-install, no effect", NULL},
	{"bootdev", NULL, SUB_CHOICE, "hd|cdrom|fd|network", "what the first boot boots", NULL},
	{"no_install", NULL, SUB_BOOL, NULL, "as --import", NULL},
	{0},
};

static const struct cmd_sub boot[] = {
	{"cdrom", NULL, SUB_BOOL, NULL, "try CD-ROMs; with hd, fd and network in the order of the words", NULL},
	{"hd", NULL, SUB_BOOL, NULL, "try disks", NULL},
	{"fd", NULL, SUB_BOOL, NULL, "try floppies", NULL},
	{"network", NULL, SUB_BOOL, NULL, "try the network", NULL},
	{"uefi", NULL, SUB_BOOL, NULL, "UEFI instead of a BIOS", NULL},
	{"firmware", NULL, SUB_CHOICE, "bios|efi", "the same by libvirt's name", NULL},
	{"menu", "bootmenu.enable", SUB_BOOL, NULL, "the firmware's boot menu", NULL},
	{"bootmenu.timeout", NULL, SUB_NUMBER, NULL, "ms that the menu waits", NULL},
	{"useserial", "bios.useserial", SUB_BOOL, NULL, "the BIOS shows itself on the serial port too", NULL},
	{"rebootTimeout", "bios.rebootTimeout", SUB_TEXT, NULL, "ms until what cannot be booted is tried again", NULL},
	{"kernel", NULL, SUB_FILE, NULL, "a kernel for every boot", NULL},
	{"initrd", NULL, SUB_FILE, NULL, "its initrd", NULL},
	{"kernel_args", "cmdline extra_args", SUB_TEXT, NULL, "its command line", NULL},
	{"loader", NULL, SUB_FILE, NULL, "the firmware's file", NULL},
	{"loader.type", "loader_type", SUB_CHOICE, "rom|pflash", "what the file is", NULL},
	{"loader.readonly", "loader_ro", SUB_BOOL, NULL, "the guest cannot write it", NULL},
	{"loader.secure", "loader_secure", SUB_BOOL, NULL, "Secure Boot, which is not there", NULL},
	{"nvram", NULL, SUB_FILE, NULL, "file of UEFI's variables", NULL},
	{"nvram.template", "nvram_template", SUB_FILE, NULL, "what that begins as", NULL},
	{"machine", NULL, SUB_TEXT, NULL, "pc; q35 is given it", NULL},
	{"os_type", NULL, SUB_TEXT, NULL, "as in libvirt, no effect", NULL},
	{"smbios.mode", "smbios_mode", SUB_TEXT, NULL, "as in libvirt, no effect", NULL},
	{"init", NULL, SUB_TEXT, NULL, "of a container", "vmdeck has no containers"},
	{"dtb", NULL, SUB_TEXT, NULL, "a device tree", "a PC has none"},
	{0},
};

static const struct cmd_sub network[] = {
	{"type", NULL, SUB_TEXT, NULL, "user, bridge or network; alone also the name of a network, or none: no card", NULL},
	{"network", "source.network", SUB_TEXT, NULL, "a network: default is NAT by a process of one's own", NULL},
	{"bridge", "source.bridge", SUB_TEXT, NULL, "a bridge of the host", NULL},
	{"source", NULL, SUB_TEXT, NULL, "network or bridge, by type", NULL},
	{"mac", "mac.address", SUB_MAC, NULL, "six bytes, or RANDOM", NULL},
	{"model", "model.type", SUB_TEXT, NULL, "virtio; others are given it", NULL},
	{"link.state", "link_state", SUB_CHOICE, "up|down", "whether the cable is in", NULL},
	{"boot.order", "boot_order", SUB_NUMBER, NULL, "1 is tried first", NULL},
	{"mtu.size", "mtu", SUB_NUMBER, NULL, "bytes", NULL},
	{"target.dev", "target", SUB_TEXT, NULL, "name of the tap", NULL},
	{"driver.queues", "driver_queues", SUB_NUMBER, NULL, "pairs of queues", NULL},
	{"portForward", NULL, SUB_TEXT, NULL, "[ADDRESS:]PORT[-PORT][:GUESTPORT][/tcp|/udp]", NULL},
	{"backend.type", NULL, SUB_CHOICE, "default|passt|slirp", "as in libvirt, no effect", NULL},
	{"driver.name", "driver_name", SUB_TEXT, NULL, "as in libvirt, no effect", NULL},
	{"filterref.filter", "filterref", SUB_TEXT, NULL, "a filter", "there are no network filters yet"},
	{"virtualport.type", "virtualport_type", SUB_TEXT, NULL, "of a switch", "there are no virtual ports yet"},
	{"source.mode", "source_mode", SUB_TEXT, NULL, "of macvtap", "macvtap is not there yet: use a bridge"},
	{0},
};

static const struct cmd_sub graphics[] = {
	{"type", NULL, SUB_CHOICE, "vnc|spice|none|sdl|gtk|egl-headless", "vnc; spice is given it", NULL},
	{"listen", "address", SUB_TEXT, NULL, "address, 127.0.0.1 without; none: nobody sees it", NULL},
	{"port", NULL, SUB_TEXT, NULL, "5900 to 65535; -1: the lowest free one", NULL},
	{"autoport", NULL, SUB_BOOL, NULL, "the lowest free port", NULL},
	{"password", "passwd", SUB_TEXT, NULL, "at most 8 characters; made up at each start without", NULL},
	{"passwordvalidto", "passwdValidTo", SUB_TEXT, NULL, "until when it is taken, as 2030-12-31T23:59:59", NULL},
	{"socket", NULL, SUB_FILE, NULL, "a unix socket instead of a port", NULL},
	{"sharePolicy", NULL, SUB_CHOICE, "allow-exclusive|force-shared|ignore", "whether viewers share it", NULL},
	{"keymap", NULL, SUB_TEXT, NULL, "the layout that the guest has set up: de, en-us, fr-ch; local: this host's", NULL},
	{"websocket", NULL, SUB_TEXT, NULL, "web sockets are on the same port", NULL},
	{"tlsport", "tlsPort", SUB_TEXT, NULL, "of SPICE, no effect", NULL},
	{"defaultMode", NULL, SUB_TEXT, NULL, "of SPICE", NULL},
	{"gl", "gl.enable", SUB_BOOL, NULL, "3D", "there is no 3D"},
	{"image_compression", "image.compression", SUB_TEXT, NULL, "of SPICE, no effect", NULL},
	{0},
};

static const struct cmd_sub video[] = {
	{"model", "model.type type", SUB_TEXT, NULL, "vga, virtio or none; others are given vga", NULL},
	{"vram", "model.vram", SUB_NUMBER, NULL, "KiB", NULL},
	{"heads", "model.heads", SUB_NUMBER, NULL, "1", NULL},
	{"vgamem", "model.vgamem", SUB_NUMBER, NULL, "KiB", NULL},
	{"ram", "model.ram", SUB_NUMBER, NULL, "as in libvirt, no effect", NULL},
	{"resolution.x", "model.resolution.x", SUB_NUMBER, NULL, "pixels that the guest is told to prefer", NULL},
	{"resolution.y", "model.resolution.y", SUB_NUMBER, NULL, "pixels that the guest is told to prefer", NULL},
	{"accel3d", "model.acceleration.accel3d", SUB_BOOL, NULL, "3D", "there is no 3D"},
	{0},
};

static const struct cmd_sub input[] = {
	{"type", NULL, SUB_CHOICE, "tablet|mouse|keyboard|none", "what it is", NULL},
	{"bus", NULL, SUB_CHOICE, "ps2|virtio|usb|xen", "ps2 or virtio; usb is given virtio", NULL},
	{0},
};

static const struct cmd_sub serial[] = {
	{"type", "char_type", SUB_TEXT, NULL, "pty; others are it too; none: no port", NULL},
	{"path", "source.path", SUB_TEXT, NULL, "as in libvirt; see log.file", NULL},
	{"log.file", "log_file", SUB_FILE, NULL, "a file that gets all that the guest says", NULL},
	{"log.append", "log_append", SUB_BOOL, NULL, "behind what is in it", NULL},
	{"target.type", "target_type", SUB_TEXT, NULL, "serial", NULL},
	{"target.port", NULL, SUB_NUMBER, NULL, "0 or 1", NULL},
	{0},
};

static const struct cmd_sub rng[] = {
	{"device", "backend backend_device backend.device", SUB_TEXT, NULL, "of the host: /dev/urandom; none: no device", NULL},
	{"type", "backend.type backend.model", SUB_CHOICE, "random|builtin", "random", NULL},
	{"model", NULL, SUB_CHOICE, "virtio|virtio-transitional|virtio-non-transitional", "virtio", NULL},
	{"rate.bytes", "rate_bytes", SUB_NUMBER, NULL, "bytes in a period", NULL},
	{"rate.period", "rate_period", SUB_NUMBER, NULL, "of so many ms", NULL},
	{0},
};

static const struct cmd_sub osinfo[] = {
	{"name", "short-id", SUB_TEXT, NULL, "id in osinfo-db, as debian12; list: all of them; generic; detect; none", NULL},
	{"id", NULL, SUB_TEXT, NULL, "the same as a URL: http://debian.org/debian/12", NULL},
	{"detect", NULL, SUB_BOOL, NULL, "look at the medium", NULL},
	{"require", NULL, SUB_BOOL, NULL, "refused when it is not known", NULL},
	{0},
};

static const struct cmd_sub events[] = {
	{"on_poweroff", NULL, SUB_CHOICE, "destroy|restart|preserve|rename-restart", "when the guest powers off", NULL},
	{"on_reboot", NULL, SUB_CHOICE, "destroy|restart|preserve|rename-restart", "when it reboots", NULL},
	{"on_crash", NULL, SUB_CHOICE, "destroy|restart|preserve|rename-restart|coredump-destroy|coredump-restart",
	 "when it crashes", NULL},
	{"on_lockfailure", NULL, SUB_CHOICE, "poweroff|restart|pause|ignore", "as in libvirt, no effect", NULL},
	{0},
};

static const struct cmd_sub features[] = {
	{"acpi", NULL, SUB_BOOL, NULL, "ACPI", NULL},
	{"apic", NULL, SUB_BOOL, NULL, "local APICs", NULL},
	{"pae", NULL, SUB_BOOL, NULL, "as in libvirt, no effect", NULL},
	{"vmport.state", "vmport", SUB_BOOL, NULL, "VMware's mouse port", NULL},
	{0},
};

static const struct cmd_sub clock_subs[] = {
	{"offset", NULL, SUB_CHOICE, "utc|localtime", "what the real-time clock shows", NULL},
	{0},
};

static const struct cmd_sub check[] = {
	{"all", NULL, SUB_BOOL, NULL, "of these checks", NULL},
	{"path_in_use", NULL, SUB_BOOL, NULL, "whether another guest has the disk", NULL},
	{"disk_size", NULL, SUB_BOOL, NULL, "whether a sparse disk could be filled", NULL},
	{"mac_in_use", NULL, SUB_BOOL, NULL, "as in virt-install, no effect", NULL},
	{0},
};

static const struct cmd_sub autoconsole[] = {
	{"type", NULL, SUB_CHOICE, "graphical|text|none", "what is shown when it has started", NULL},
	{0},
};

/* Sorted as the manual has them: what the guest is, where it comes from, what it has, how it is made. */
const struct cmd_arg install_args[] = {
	OPTION("name", "n", "the guest's name; made from the system's when not given", ),
	OPTION("title", NULL, "one line about it", ),
	OPTION("description", NULL, "more about it", ),
	OPTION("metadata", NULL, "name, uuid, title, description", .subs = metadata, .many = true),
	OPTION("uuid", "u", "its uuid", ),
	OPTION("memory", "ram r", "MiB of memory", .subs = memory),
	OPTION("memorybacking", NULL, "where the memory comes from", .subs = memory_backing),
	OPTION("vcpus", NULL, "virtual CPUs, and their topology", .subs = vcpus),
	OPTION("cpu", NULL, "CPU model and features", .subs = cpu),
	OPTION("features", NULL, "features of the machine", .subs = features),
	OPTION("clock", NULL, "real-time clock", .subs = clock_subs),
	OPTION("events", NULL, "what follows power-off, reboot and crash", .subs = events),

	{.name = "cdrom", .kind = ARG_FILE, .aka = "c", .summary = "install from this ISO or CD drive"},
	OPTION("location", "l", "install with the kernel in this folder or ISO", .subs = location),
	SWITCH("pxe", "install over the network"),
	SWITCH("import", "no installation: boot the first disk"),
	SWITCH("livecd", "boot the CD always, install nothing"),
	OPTION("install", NULL, "details of the first boot", .subs = install),
	OPTION("extra-args", "x", "more for the kernel's command line", .many = true),
	{.name = "initrd-inject", .kind = ARG_FILE, .summary = "a file for the root of the initrd", .many = true},
	OPTION("boot", NULL, "how it boots when it is installed", .subs = boot),
	OPTION("osinfo", "os-variant", "the system, for what it wants", .subs = osinfo),

	OPTION("disk", NULL, "a disk", .subs = disk, .many = true),
	{.name = "file", .kind = ARG_FILE, .aka = "f", .summary = "of old: --disk path=", .many = true},
	OPTION("file-size", "s", "of old: --disk size=", .many = true),
	SWITCH("nonsparse", "of old: --disk sparse=no"),
	SWITCH("nodisks", "no disk: --disk none"),
	OPTION("network", "w", "a network card", .subs = network, .many = true),
	OPTION("bridge", "b", "of old: --network bridge=", .many = true),
	OPTION("mac", "m", "of old: --network mac=", .many = true),
	SWITCH("nonetworks", "no card: --network none"),
	OPTION("graphics", NULL, "the screen for people", .subs = graphics, .many = true),
	SWITCH("nographics", "no screen: --graphics none"),
	SWITCH("vnc", "--graphics vnc"),
	OPTION("vnclisten", NULL, "address of VNC", ),
	OPTION("vncport", NULL, "port of VNC", ),
	OPTION("keymap", "k", "of old: --graphics keymap=", ),
	OPTION("video", NULL, "the graphics card", .subs = video, .many = true),
	OPTION("input", NULL, "a keyboard, mouse or tablet", .subs = input, .many = true),
	OPTION("serial", NULL, "a serial port", .subs = serial, .many = true),
	OPTION("console", NULL, "a text console", .subs = serial, .many = true),
	OPTION("rng", NULL, "a source of random numbers", .subs = rng),

	OPTION("autoconsole", NULL, "what is shown when it has started", .subs = autoconsole),
	SWITCH("noautoconsole", "show nothing"),
	OPTION("wait", NULL, "wait so many minutes for the end of the installation, without a number for ever", .optional = true),
	SWITCH("noreboot", "do not start it again when the installation is over"),
	OPTION("print-xml", NULL, "print the XML, of step 1 or 2 or of both, and make nothing", .optional = true),
	SWITCH("dry-run", "look whether it could be made"),
	OPTION("check", NULL, "leave checks out", .subs = check, .many = true),
	SWITCH("autostart", "start it with the host"),
	SWITCH("transient", "forget it when it ends"),
	SWITCH("destroy-on-exit", "end it when its console is left"),
	SWITCH("force", "though this host's KVM interprets kernel mode"),
	OPTION("connect", NULL, "only this host", ),
	OPTION("virt-type", NULL, "kvm", ),
	{.name = "hvm", .kind = ARG_FLAG, .aka = "v", .summary = "a full machine, as all are"},
	OPTION("arch", NULL, "x86_64", ),
	OPTION("machine", NULL, "pc; q35 is given it", ),
	{.name = "quiet", .kind = ARG_FLAG, .aka = "q", .summary = "results only"},
	{.name = "debug", .kind = ARG_FLAG, .aka = "d", .summary = "say what is being done"},
	SWITCH("noapic", "--features apic=off"),
	SWITCH("noacpi", "--features acpi=off"),

	LACKS_FLAG("accelerate", NULL, "KVM is what there is", .harmless = true),
	LEFT_OUT("audio", NULL, "no sound yet"),
	LACKS_FLAG("check-cpu", NULL, "more vCPUs than CPUs are told always", .harmless = true),
	LEFT_OUT("channel", NULL, "no channel to an agent yet"),
	LEFT_OUT("controller", NULL, "controllers are there as the disks want them"),
	LEFT_OUT("iothreads", NULL, "disks have no threads to be set"),
	LEFT_OUT("memballoon", NULL, "no balloon yet"),
	LEFT_OUT("os-type", NULL, "it says nothing that --osinfo does not"),
	LEFT_OUT("panic", NULL, "no panic device yet"),
	LEFT_OUT("pm", NULL, "no sleep states yet"),
	LEFT_OUT("redirdev", NULL, "no USB yet"),
	LEFT_OUT("seclabel", "security", "guests are in sandboxes of their own"),
	LEFT_OUT("sound", "soundhw", "no sound yet"),
	LEFT_OUT("sysinfo", NULL, "the guest sees vmdeck's own"),
	LEFT_OUT("watchdog", NULL, "no watchdog yet"),

	LACKS("blkiotune", NULL, "use --print-xml, add <blkiotune>, and vmdeck define"),
	LACKS("cloud-init", NULL, "there is no cloud-init medium yet: make one, and give it with --disk device=cdrom"),
	LACKS("container", NULL, "vmdeck has no containers"),
	LACKS("cpuset", NULL, "vCPUs are not pinned yet"),
	LACKS("cputune", NULL, "use --print-xml, add <cputune>, and vmdeck define"),
	LACKS("filesystem", NULL, "shared folders are not there yet"),
	LACKS("hostdev", "host-device", "devices of the host are not passed through yet"),
	LACKS("idmap", NULL, "vmdeck has no containers"),
	LACKS("iommu", NULL, "there is no virtual IOMMU yet"),
	LACKS("keywrap", NULL, "that is of IBM Z"),
	LACKS("launchSecurity", NULL, "encrypted guests are not there yet"),
	LACKS("memdev", NULL, "there are no memory modules yet"),
	LACKS("memtune", NULL, "use --print-xml, add <memtune>, and vmdeck define"),
	LACKS("numatune", NULL, "memory is not bound to nodes yet"),
	LACKS("parallel", NULL, "there is no parallel port"),
	LACKS_FLAG("paravirt", "p", "that is of Xen"),
	LACKS_FLAG("prompt", NULL, "nothing is asked: give all as options"),
	LACKS("pstore", NULL, "there is no persistent store yet"),
	LACKS("qemu-commandline", NULL, "there is no QEMU here"),
	LACKS("reinstall", NULL, "undefine it, and install it anew on its disk"),
	LACKS("resource", NULL, "use --print-xml, add <resource>, and vmdeck define"),
	LACKS_FLAG("sdl", NULL, "the screen is shown by VNC: --graphics vnc, or none"),
	LACKS("shmem", NULL, "there is no shared memory yet"),
	LACKS("smartcard", NULL, "there are no smart cards"),
	LACKS("tpm", NULL, "there is no TPM yet"),
	LACKS("unattended", NULL, "give the answers with --initrd-inject and --extra-args"),
	LACKS("vsock", NULL, "there is no vsock yet"),
	LACKS("xml", NULL, "use --print-xml, edit it, and vmdeck define"),
	{0},
};
