/* What a front end may ask of a host. One table of calls whose arguments and results can all be written down
 * (names, numbers, XML and JSON text; channels are descriptors), so that the same calls go over ssh later.
 *
 * All calls come from one thread, may take as long as a local disk or a peer on the same host needs (start:
 * until the guest's first instruction), and never wait for a guest: a hung one answers -ETIMEDOUT after
 * BACKEND_TIMEOUT_MS. Errors: -errno with a sentence in @e; out parameters are untouched then. What a call
 * returns is the caller's. */
#ifndef SRC_BACKEND_H
#define SRC_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/uuid.h"
#include "src/model/domain.h"
#include "src/model/state.h"
#include "src/model/stats.h"

#define BACKEND_TIMEOUT_MS 5000

struct backend;

struct domain_info {
	char name[DOMAIN_NAME_MAX + 1];
	char uuid[UUID_TEXT];
	int id; /* -1 when not active */
	enum domain_state state;
	enum domain_reason reason;
	char detail[256];       /* more about the reason ("killed by signal 9", "triple fault"), or "" */
	bool persistent;        /* has a definition; false: exists only while it runs */
	bool autostart;
	bool restarts;          /* inactive, but what ended it starts it anew: in a moment, if that does not fail */
	bool changed;           /* the definition differs from what runs */
	unsigned vcpus, max_vcpus;
	uint64_t memory_bytes, max_memory_bytes;
	int64_t started_ms;     /* CLOCK_REALTIME of the start, 0 when not active */
	char title[128];        /* the XML's <title>, cut; "" when none */
};

/* What is to be made and started by domain_install. */
struct install_file {
	char *path;
	uint64_t bytes;
	bool sparse; /* else its blocks are taken from the file system at once */
};
/* Where the kernel and the initrd of the first boot are copied from. */
struct install_boot {
	char *location;        /* a folder or an ISO; NULL: no copies */
	char *kernel, *initrd; /* in it; initrd may be NULL */
};
/* TRANSIENT: nothing is defined. FORCE: as of a start. NO_START: the first boot is that of the next start. */
enum install_flags { INSTALL_AUTOSTART = 1, INSTALL_TRANSIENT = 2, INSTALL_FORCE = 4, INSTALL_NO_START = 8 };
struct install_job {
	const char *define_xml, *first_xml; /* first NULL: the definition is what starts */
	const struct install_file *files;
	size_t nfiles;
	struct install_boot boot;
	char *const *inject; /* files that the initrd gets too, at its root */
	size_t ninject;
	unsigned flags;
};
/* What a path on the host is, for who wants to use it as an image or as a medium. */
enum path_kind { PATH_MISSING, PATH_FILE, PATH_BLOCK, PATH_FOLDER, PATH_OTHER };
struct path_info {
	enum path_kind kind;
	uint64_t bytes;        /* file, block device */
	uint64_t device, free_bytes; /* the file system that it lies, or would lie, on, and what is free there */
	bool readable, writable; /* missing: the nearest folder above that is there is writable */
	char format[12];       /* what its first bytes say: "raw", "qcow2", "vmdk", ...; "" when not a file or not readable */
	/* Of an ISO 9660 image, "" else: its primary volume descriptor. */
	char volume_id[33], system_id[33], publisher_id[129], application_id[129];
	uint64_t volume_bytes;
	char kernel[256], initrd[256]; /* folder or ISO: what an installer boots in it, relative to it; "" */
	char tree_arch[16], tree_family[64], tree_version[32], tree_variant[32]; /* of its .treeinfo or .disk/info, "" */
	char used_by[DOMAIN_NAME_MAX + 1]; /* a domain that has it as a disk (not as a CD-ROM), "" */
	bool used_shareable;
};

enum define_flags {
	DEFINE_VALIDATE = 1, /* check against libvirt's schema when it is installed */
	DEFINE_RENAME = 2,   /* a domain of the same uuid gets the name of this definition; not while it runs */
};
/* FORCE: though the host's KVM interprets kernel mode; NO_PASSWORD: the screen asks for none; RESET_NVRAM:
 * UEFI's variables anew. */
enum start_flags { START_PAUSED = 1, START_FORCE = 2, START_NO_PASSWORD = 4, START_RESET_NVRAM = 8 };
enum undefine_flags { UNDEFINE_NVRAM = 1, UNDEFINE_KEEP_NVRAM = 2 }; /* what becomes of the variables of UEFI */
enum xml_flags { XML_INACTIVE = 1, XML_SECURE = 2 }; /* the definition, not what runs; with its passwords */
/* Bytes of an image: what the guest sees, what it takes on the host, how long it is there. */
struct block_info {
	uint64_t capacity, allocation, physical;
};
enum media_action { MEDIA_UPDATE, MEDIA_INSERT, MEDIA_EJECT };
/* Neither LIVE nor CONFIG: what runs, or the definition of what does not. FORCE: though the guest has locked
 * the tray. */
enum media_flags { MEDIA_LIVE = 1, MEDIA_CONFIG = 2, MEDIA_FORCE = 4 };
enum shutdown_what { SHUTDOWN_POWERBUTTON, SHUTDOWN_REBOOT };

/* Somebody who looks at a guest's screen. */
struct screen_viewer {
	char host[64], service[16]; /* address and port; "" over a unix socket */
	char encoding[24];
	bool websocket, viewonly, tls;
	uint64_t sent_bytes;
};
#define SCREEN_VIEWERS_MAX 16

/* Where a running guest's screen is. */
struct screen_info {
	int port;           /* 0: a unix socket */
	char listen[64];    /* address */
	char socket[256];   /* path, or "" */
	char passwd[16], view_passwd[16]; /* "": none is asked; there is none */
	int64_t passwd_valid_to; /* seconds since the epoch, 0 = for ever */
	enum graphics_tls tls;
	unsigned nviewers;  /* of whom the first SCREEN_VIEWERS_MAX are told of */
	struct screen_viewer viewers[SCREEN_VIEWERS_MAX];
};

/* One thing that host-validate looks at. */
struct host_check {
	char name[64];     /* "KVM runs kernels natively" */
	char key[24];      /* "kvm-native": for --json and scripts */
	enum { HOST_PASS, HOST_NOTE, HOST_WARN, HOST_FAIL } result;
	char detail[256];  /* what was found */
	char remedy[256];  /* what to do, "" when nothing */
	char subject[12];  /* what it is about: "KVM", "Sandbox" */
};

struct host_info {
	char hostname[65];
	char cpu_model[64];
	char machine[16];  /* "x86_64" */
	unsigned cpus, mhz, sockets, cores, threads, nodes;
	uint64_t memory_bytes;
	char kernel[65];
	int kvm_api;       /* 0 = no /dev/kvm */
	char images[256];  /* folder where new disks go */
	char boot[256];    /* folder below which kernels of installations lie, by uuid */
};

struct backend_ops {
	const char *name; /* "local", "fake" */

	/* All domains, defined or running, sorted by name. *list is one allocation: free(). */
	int (*domain_list)(struct backend *, struct domain_info **list, size_t *n, struct err *);
	/* @key: name, uuid or id, in the order id, name, uuid as virsh resolves them. -ENOENT. */
	int (*domain_get)(struct backend *, const char *key, struct domain_info *, struct err *);
	int (*domain_xml)(struct backend *, const char *uuid, unsigned xml_flags, char **text, struct err *);
	/* @notes (may be NULL): lines to show, "" when none. The domain's name and uuid in @info. */
	int (*domain_define)(struct backend *, const char *text, const char *where, unsigned define_flags,
	                     struct domain_info *info, char **notes, struct err *);
	/* -EINVAL when there is a variable store and no flag says what becomes of it. */
	int (*domain_undefine)(struct backend *, const char *uuid, unsigned undefine_flags, struct err *);
	/* Define for this run only, and start: virsh create. */
	int (*domain_create)(struct backend *, const char *text, const char *where, unsigned start_flags,
	                     struct domain_info *info, char **notes, struct err *);
	/* @notes as above. -EALREADY when it runs. */
	int (*domain_start)(struct backend *, const char *uuid, unsigned start_flags, char **notes,
			    struct err *);
	/* Ask the guest (ACPI power button; reboot = Ctrl-Alt-Del is not known to Linux as reboot: see
	 * launch.c). */
	int (*domain_shutdown)(struct backend *, const char *uuid, enum shutdown_what, struct err *);
	int (*domain_destroy)(struct backend *, const char *uuid, struct err *);
	int (*domain_reset)(struct backend *, const char *uuid, struct err *);
	int (*domain_suspend)(struct backend *, const char *uuid, struct err *);
	int (*domain_resume)(struct backend *, const char *uuid, struct err *);
	int (*domain_autostart)(struct backend *, const char *uuid, bool on, struct err *);

	/* A stream socket to serial console @index: guest output comes, what is written goes in. @replay:
	 * first the last that many recorded bytes (0 = live only; UINT64_MAX = all that is kept since
	 * power-on). -ENOTCONN when the guest does not run, -ENOENT when it has no such console. */
	int (*console_open)(struct backend *, const char *uuid, unsigned index, uint64_t replay, int *fd,
			    struct err *);
	/* The record of a console, running or not: bytes to @fd, oldest first. @since_boot: of the last
	 * power-on. */
	int (*console_log)(struct backend *, const char *uuid, unsigned index, bool since_boot, int fd,
			   struct err *);
	/* The path one would give to socat: virsh ttyconsole. */
	int (*console_path)(struct backend *, const char *uuid, unsigned index, char **path, struct err *);

	/* The image of disk @target (or the one of that path), of what runs or else the definition. -ENOENT:
	 * none, or an empty drive. */
	int (*domain_block_info)(struct backend *, const char *uuid, const char *target, struct block_info *,
				 struct err *);
	/* Change what lies in the removable drive @target (or the one that holds the image of that path).
	 * @source: NULL to eject. */
	int (*domain_change_media)(struct backend *, const char *uuid, const char *target, const char *source,
	                           enum media_action, unsigned media_flags, struct err *);
	/* Plug the cable of the network card @key (its MAC address, its tap, or "net0") in, or pull it. Flags
	 * as for a medium. */
	int (*domain_set_link)(struct backend *, const char *uuid, const char *key, bool up,
			       unsigned media_flags, struct err *);
	/* Where the screen is, and who looks; never waits for the guest. -ENOENT: it has none. -ENOTCONN: it
	 * does not run. */
	int (*domain_screen)(struct backend *, const char *uuid, struct screen_info *, struct err *);

	/* Look at the screen, and type: *fd is a socket that speaks src/proto/screen.h (see there what it is
	 * told). Close it to look away. -ENOTCONN when the guest does not run, -ENODEV when it has no
	 * screen. */
	int (*domain_screen_open)(struct backend *, const char *uuid, int *fd, struct err *);

	/* A picture of the guest's screen: *fd is a file with a PNG in it, at its start. -ENOTCONN when the
	 * guest does not run, -ENODEV when it has no screen (or not that many). */
	int (*domain_screenshot)(struct backend *, const char *uuid, unsigned screen, int *fd, struct err *);

	/* Fill a sample of the host and of all domains. Never blocks on a guest. See stats.h. Free:
	 * sample_done(). */
	int (*sample)(struct backend *, struct sample *, struct err *);

	/* One QMP-shaped command to a running guest; @reply is its "return" as JSON text. */
	int (*domain_command)(struct backend *, const char *uuid, const char *command,
			      const char *arguments_json, char **reply, struct err *);

	/* The IPv4 address of who has that MAC address beside this host, as far as it has heard of it.
	 * -ENOENT: it has not. */
	int (*host_neighbour)(struct backend *, const uint8_t mac[6], char address[56], struct err *);
	/* The bridges that a network card can be put into: their names, sorted, each followed by a
	 * newline. */
	int (*host_bridges)(struct backend *, char **names, struct err *);

	int (*host_info)(struct backend *, struct host_info *, struct err *);
	int (*host_validate)(struct backend *, struct host_check **list, size_t *n, struct err *);
	/* Make, define and start; on failure all that was made is taken away again. @info and @notes as for
	 * domain_create. */
	int (*domain_install)(struct backend *, const struct install_job *, struct domain_info *info,
			      char **notes, struct err *);
	/* @look: into a folder or an ISO too, for a kernel. A path that is not there is no error. */
	int (*path_info)(struct backend *, const char *path, bool look, struct path_info *, struct err *);
	/* What `vmdeck domain-release` does when a guest has ended: clean-up and on_poweroff, on_reboot,
	 * on_crash. */
	int (*domain_release)(struct backend *, const char *uuid, struct err *);

	void (*close)(struct backend *);
};

struct backend {
	const struct backend_ops *ops;
};

/* backend/local/local.c, backend/fake/fake.c. NULL with @e filled on failure. */
struct backend *backend_local_open(struct err *e);
struct backend *backend_fake_open(const char *script, struct err *e);

#endif
