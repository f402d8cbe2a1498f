/* Theory of operation: whatever is typed, update() does all of it again: which fields there are, defaults
 * from the system, and wizard_judge(): every field alone by install_check() and by a look at its file, then,
 * if none is wrong, all of them together by install_plan(), whose error belongs to the field of the option
 * that it names. So the form never says that something is well which `vmdeck install` would refuse. */
#include "ui/tui/wizard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define MEMORY_MIB 2048 /* of a system that is not known */
#define CPUS 2
#define DISK_GIB 20
#define BRIDGES_MAX 100 /* that are offered */

static const struct option sources[] = {
    {"cdrom", "ISO image or CD", "boots it, and installs from it"},
    {"import", "Existing disk", "boots a disk that has a system on it"},
    {"location", "Installer's folder", "a tree or an ISO, booted by its kernel"},
    {"kernel", "Kernel and initrd", "for the first boot"},
    {"pxe", "Network boot", "PXE"},
    {"blank", "Nothing", "an empty disk"},
};
static const struct option disks[] = {
    {"new", "New disk", "an image that is made for it"},
    {"path", "Existing file", "an image or a block device"},
    {"none", "None", "no disk"},
};
/* Between them, each of the host's bridges. */
static const struct option network_nat = {"user", "User-mode NAT", "out to everywhere, nothing comes in"},
			   network_bridge = {"bridge", "Bridge", "a bridge of this host"},
			   network_other = {"bridge", "Another bridge",
					    "one that is not listed: its name is typed"},
			   network_none = {"none", "None", "no card"};
static const struct option firmwares[] = {
    {"bios", "BIOS", "SeaBIOS"},
    {"uefi", "UEFI", "OVMF"},
};
#define OPTIONS(table) .options = (table), .noptions = ARRAY_SIZE(table)

static const struct field rows[W_COUNT] = {
    [W_NAME] = {.kind = FIELD_TEXT, .label = "Name"},
    [W_SOURCE] = {.kind = FIELD_CHOICE, .label = "Source", OPTIONS(sources)},
    [W_ISO] = {.kind = FIELD_FILE,
	       .label = "Image",
	       .hint = "an ISO image or a CD drive; Enter looks for it"},
    [W_TREE] = {.kind = FIELD_FILE,
		.label = "Folder",
		.hint = "a folder or an ISO with the installer's kernel in it; Enter looks for it"},
    [W_KERNEL] = {.kind = FIELD_FILE,
		  .label = "Kernel",
		  .hint = "the installer's kernel; Enter looks for it"},
    [W_INITRD] = {.kind = FIELD_FILE, .label = "Initrd", .hint = "may be left out; Enter looks for it"},
    [W_ARGS] = {.kind = FIELD_TEXT,
		.label = "Arguments",
		.hint = "the kernel's command line: console=ttyS0 for a text installer"},
    [W_IMAGE] = {.kind = FIELD_FILE,
		 .label = "Disk",
		 .hint = "an image or a block device with a system on it; Enter looks for it"},
    [W_SYSTEM] = {.kind = FIELD_LIST, .label = "System", .hint = "what its defaults are from; letters find"},
    [W_MEMORY] = {.kind = FIELD_NUMBER, .label = "Memory", .unit = "MiB"},
    [W_CPUS] = {.kind = FIELD_NUMBER, .label = "CPUs"},
    [W_DISK] = {.kind = FIELD_CHOICE, .label = "Disk", OPTIONS(disks)},
    [W_SIZE] = {.kind = FIELD_NUMBER, .label = "Size", .unit = "GiB"},
    [W_PATH] = {.kind = FIELD_FILE,
		.label = "File",
		.hint = "an image or a block device; Enter looks for it"},
    [W_NETWORK] = {.kind = FIELD_CHOICE, .label = "Network"},
    [W_BRIDGE] = {.kind = FIELD_TEXT,
		  .label = "Bridge",
		  .hint = "its name on this host, as br0"},
    [W_FIRMWARE] = {.kind = FIELD_CHOICE, .label = "Firmware", OPTIONS(firmwares)},
    [W_SCREEN] = {.kind = FIELD_CHECK,
		  .label = "Screen",
		  .unit = "with a graphics card, seen by VNC and here",
		  .on = true},
    [W_START] = {.kind = FIELD_CHECK, .label = "Start", .unit = "now", .on = true},
    [W_GO] = {.kind = FIELD_BUTTON, .label = "Go on", .hint = "shows what will be made; nothing is made yet"},
    [W_CANCEL] = {.kind = FIELD_BUTTON, .label = "Cancel"},
};

enum browse wizard_browse(size_t field)
{
	static const enum browse what[W_COUNT] = {
	    [W_ISO] = BROWSE_ISO,       [W_TREE] = BROWSE_FOLDER, [W_KERNEL] = BROWSE_KERNEL,
	    [W_INITRD] = BROWSE_INITRD, [W_IMAGE] = BROWSE_DISK,  [W_PATH] = BROWSE_DISK};
	return field < W_COUNT ? what[field] : BROWSE_DISK;
}

/* A text as the options have it: its commas doubled. */
static char *with_commas(const char *text)
{
	struct buf b = {0};
	for (const char *s = text; *s; s++) {
		buf_add(&b, s, 1);
		if (*s == ',')
			buf_add(&b, s, 1);
	}
	return buf_take(&b);
}

static char *path_value(const struct wizard *w, enum wizard_field i) /* whole */
{
	AUTO_FREE char *whole = path_whole(wizard_value(w, i));
	return with_commas(whole);
}

static void add_path(const struct wizard *w, struct install_request *r, const char *option,
		     const char *before, enum wizard_field i)
{
	AUTO_FREE char *path = path_value(w, i);
	AUTO_FREE char *text = x_asprintf("%s%s", before, path);
	install_add(r, option, text);
}

static void request_source(const struct wizard *w, struct install_request *r)
{
	if (wizard_is(w, W_SOURCE, "cdrom")) {
		AUTO_FREE char *path = path_whole(wizard_value(w, W_ISO));
		install_add(r, "cdrom", path);
	} else if (wizard_is(w, W_SOURCE, "location")) {
		add_path(w, r, "location", "", W_TREE);
	} else if (wizard_is(w, W_SOURCE, "kernel")) {
		AUTO_FREE char *kernel = path_value(w, W_KERNEL), *initrd = path_value(w, W_INITRD);
		bool with = *wizard_value(w, W_INITRD);
		AUTO_FREE char *text =
		    x_asprintf("kernel=%s%s%s", kernel, with ? ",initrd=" : "", with ? initrd : "");
		install_add(r, "install", text);
	} else if (wizard_is(w, W_SOURCE, "pxe")) {
		install_add(r, "pxe", "");
	} else {
		install_add(r, "import", "");
	}
	if (!w->form.fields[W_ARGS].hidden && *wizard_value(w, W_ARGS))
		install_add(r, "extra-args", wizard_value(w, W_ARGS));
}

static void request_disk(const struct wizard *w, struct install_request *r)
{
	if (wizard_is(w, W_SOURCE, "import")) {
		add_path(w, r, "disk", "path=", W_IMAGE);
	} else if (wizard_is(w, W_DISK, "new")) {
		AUTO_FREE char *text = x_asprintf("size=%s", wizard_value(w, W_SIZE));
		install_add(r, "disk", text);
	} else if (wizard_is(w, W_DISK, "path")) {
		add_path(w, r, "disk", "path=", W_PATH);
	} else {
		install_add(r, "disk", "none");
	}
}

void wizard_request(const struct wizard *w, struct install_request *r)
{
	install_add(r, "name", wizard_value(w, W_NAME));
	request_source(w, r);
	install_add(r, "osinfo",
		    wizard_is(w, W_SYSTEM, "detect") && w->found ? w->found : wizard_value(w, W_SYSTEM));
	install_add(r, "memory", wizard_value(w, W_MEMORY));
	install_add(r, "vcpus", wizard_value(w, W_CPUS));
	request_disk(w, r);
	if (wizard_is(w, W_NETWORK, "bridge")) {
		AUTO_FREE char *text = x_asprintf("bridge=%s", wizard_value(w, W_BRIDGE));
		install_add(r, "network", text);
	} else {
		install_add(r, "network", wizard_value(w, W_NETWORK));
	}
	if (wizard_is(w, W_FIRMWARE, "uefi"))
		install_add(r, "boot", "uefi");
	install_add(r, "graphics", w->form.fields[W_SCREEN].on ? "vnc" : "none");
}

static void show(struct wizard *w, enum wizard_field i, bool on)
{
	w->form.fields[i].hidden = !on;
}

static void show_fields(struct wizard *w)
{
	bool import = wizard_is(w, W_SOURCE, "import"), kernel = wizard_is(w, W_SOURCE, "kernel"),
	     tree = wizard_is(w, W_SOURCE, "location");
	show(w, W_ISO, wizard_is(w, W_SOURCE, "cdrom"));
	show(w, W_TREE, tree);
	show(w, W_KERNEL, kernel);
	show(w, W_INITRD, kernel);
	show(w, W_ARGS, kernel || tree);
	show(w, W_IMAGE, import);
	show(w, W_DISK, !import);
	show(w, W_SIZE, !import && wizard_is(w, W_DISK, "new"));
	show(w, W_PATH, !import && wizard_is(w, W_DISK, "path"));
	show(w, W_BRIDGE, wizard_is(w, W_NETWORK, "bridge"));
	if (!w->form.fields[W_SYSTEM].touched)
		form_choose(&w->form, W_SYSTEM,
			    tree || wizard_is(w, W_SOURCE, "cdrom") ? "detect" : "generic");
}

/* The medium's path as it is now, or NULL when there is none to be looked at. */
static const char *medium(const struct wizard *w)
{
	const char *text = wizard_is(w, W_SOURCE, "cdrom")      ? wizard_value(w, W_ISO)
			   : wizard_is(w, W_SOURCE, "location") ? wizard_value(w, W_TREE)
								: "";
	return *text ? text : NULL;
}

/* What the medium says that it has; looked at once, when its path has changed. */
static void look_at_medium(struct wizard *w)
{
	const char *text = medium(w);
	struct path_info info;
	struct osinfo os = {0};
	unsigned reboots;
	if (text ? str_eq(text, w->looked_at) : !w->looked_at)
		return;
	free(w->looked_at);
	free(w->found);
	w->looked_at = x_strdup(text);
	w->found = NULL;
	AUTO_FREE char *whole = text ? path_whole(text) : NULL;
	if (!whole || w->b->ops->path_info(w->b, whole, false, &info, NULL) || !*info.volume_id)
		return;
	struct osinfo_media media = {info.volume_id, info.system_id, info.publisher_id, info.application_id};
	if (osinfo_detect(&media, &os, &reboots, NULL))
		return;
	w->found = x_strdup(os.short_id);
	osinfo_done(&os);
}

/* The system that the defaults are from, found or chosen. */
static void take_system(struct wizard *w)
{
	bool detect = wizard_is(w, W_SYSTEM, "detect");
	const char *id = detect ? w->found : wizard_value(w, W_SYSTEM);
	struct osinfo os = {0};
	osinfo_done(&w->os);
	w->os = os;
	if (id && !str_eq(id, "generic") && !osinfo_find(id, &os, NULL))
		w->os = os;
	form_beside(&w->form, W_SYSTEM, detect && w->os.id ? w->os.name : NULL);
}

static void set_number(struct wizard *w, enum wizard_field i, uint64_t n)
{
	char text[24];
	if (w->form.fields[i].touched)
		return;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	if (!wizard_is(w, i, text))
		line_set(&w->form.fields[i].line, text);
}

bool wizard_name_taken(const struct wizard *w, const char *name)
{
	for (size_t i = 0; i < w->ndomains; i++)
		if (str_eq(w->domains[i].name, name))
			return true;
	return false;
}

static void set_name(struct wizard *w)
{
	const char *base = w->os.id ? w->os.short_id : "guest";
	AUTO_FREE char *name = x_strdup(base);
	if (w->form.fields[W_NAME].touched)
		return;
	for (unsigned i = 2; wizard_name_taken(w, name); i++) {
		free(name);
		name = x_asprintf("%s-%u", base, i);
	}
	if (!wizard_is(w, W_NAME, name))
		line_set(&w->form.fields[W_NAME].line, name);
}

/* What the user has not touched follows the system. */
static void set_defaults(struct wizard *w)
{
	const struct osinfo *os = &w->os;
	uint64_t memory = os->memory_bytes ? os->memory_bytes / MIB : MEMORY_MIB,
		 half = w->host.memory_bytes / 2 / MIB;
	unsigned cpus = os->cpus ? os->cpus : CPUS;
	set_name(w);
	set_number(w, W_MEMORY, half && memory > half ? half : memory);
	set_number(w, W_CPUS, w->host.cpus && cpus > w->host.cpus ? w->host.cpus : cpus);
	set_number(w, W_SIZE, os->storage_bytes ? (os->storage_bytes + GIB - 1) / GIB : DISK_GIB);
	if (!w->form.fields[W_FIRMWARE].touched)
		form_choose(&w->form, W_FIRMWARE, os->id && !os->bios && os->efi ? "uefi" : "bios");
}

/* What is to be known, where nothing is wrong. */
static void tell(struct wizard *w)
{
	char total[FMT_MAX], room[FMT_MAX];
	struct path_info info;
	if (w->host.memory_bytes) {
		AUTO_FREE char *text = x_asprintf("of %s", fmt_bytes(w->host.memory_bytes, total));
		form_beside(&w->form, W_MEMORY, text);
	}
	if (w->host.cpus) {
		AUTO_FREE char *text = x_asprintf("of %u", w->host.cpus);
		form_beside(&w->form, W_CPUS, text);
	}
	if (!w->form.fields[W_SIZE].said && *w->host.images &&
	    !w->b->ops->path_info(w->b, w->host.images, false, &info, NULL)) {
		const char *path = w->plan && w->plan->nfiles ? w->plan->files[0].path : w->host.images;
		AUTO_FREE char *text =
		    x_asprintf("%s, %s free there", path, fmt_bytes(info.free_bytes, room));
		form_say(&w->form, W_SIZE, ROLE_DIM, text);
	}
	if (wizard_is(w, W_SYSTEM, "detect") && w->plan && !w->found && *w->plan->system_name)
		form_beside(&w->form, W_SYSTEM, w->plan->system_name);
}

static void update(struct wizard *w)
{
	install_plan_free(w->plan);
	w->plan = NULL;
	for (size_t i = 0; i < W_COUNT; i++)
		form_say(&w->form, i, ROLE_DIM, NULL);
	show_fields(w);
	look_at_medium(w);
	take_system(w);
	set_defaults(w);
	wizard_judge(w);
	if (wizard_is(w, W_SYSTEM, "detect") && !w->found && w->plan &&
	    *w->plan->system) { /* found in a folder: now the defaults are known */
		w->found = x_strdup(w->plan->system);
		update(w);
		return;
	}
	tell(w);
}

void wizard_changed(struct wizard *w, size_t field)
{
	if (field == W_SOURCE && wizard_is(w, W_SOURCE, "pxe") && wizard_is(w, W_NETWORK, "none"))
		form_choose(&w->form, W_NETWORK, "user");
	update(w);
}

bool wizard_touched(const struct wizard *w)
{
	for (size_t i = 0; i < W_COUNT; i++)
		if (w->form.fields[i].touched)
			return true;
	return false;
}

bool wizard_ready(struct wizard *w)
{
	w->asked = true;
	update(w);
	size_t i = form_wrong(&w->form);
	if (i < W_COUNT)
		form_focus(&w->form, i);
	return w->plan != NULL;
}

static void add_system(const char *short_id, const char *name, void *ctx)
{
	struct wizard *w = ctx;
	if (w->nsystems == w->room) {
		w->room = w->room ? w->room * 2 : 256;
		w->systems = x_realloc(w->systems, w->room * sizeof(*w->systems));
	}
	w->systems[w->nsystems++] = (struct option){x_strdup(short_id), x_strdup(name), x_strdup(short_id)};
}

static void add_systems(struct wizard *w)
{
	add_system("detect", "As the medium says", w);
	add_system("generic", "Another one", w);
	osinfo_each(add_system, w, NULL);
	for (size_t i = 0; i < 2; i++) {
		free((char *)w->systems[i].hint);
		w->systems[i].hint = NULL;
	}
}

/* @bridge: its name, or NULL. */
static void add_network(struct wizard *w, const struct option *o, const char *bridge)
{
	char label[64];
	AUTO_FREE char *name = bridge ? with_commas(bridge) : NULL;
	struct option *n = &w->networks[w->nnetworks++];
	n->value = name ? x_asprintf("bridge=%s", name) : x_strdup(o->value);
	n->label =
	    name ? x_asprintf("Bridge %s", str_printable(bridge, label, sizeof(label))) : x_strdup(o->label);
	n->hint = x_strdup(o->hint);
}

/* The user-mode network, the bridges that there are, one that is typed, none. */
static void add_networks(struct wizard *w)
{
	AUTO_FREE char *names = NULL;
	char *save = NULL;
	if (w->b->ops->host_bridges(w->b, &names, NULL))
		names = x_strdup("");
	w->networks = x_calloc(BRIDGES_MAX + 3, sizeof(*w->networks));
	add_network(w, &network_nat, NULL);
	for (char *name = strtok_r(names, "\n", &save); name && w->nnetworks <= BRIDGES_MAX;
	     name = strtok_r(NULL, "\n", &save))
		add_network(w, &network_bridge, name);
	add_network(w, w->nnetworks > 1 ? &network_other : &network_bridge, NULL);
	add_network(w, &network_none, NULL);
}

static void free_options(struct option *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((char *)o[i].value);
		free((char *)o[i].label);
		free((char *)o[i].hint);
	}
	free(o);
}

void wizard_init(struct wizard *w, struct backend *b)
{
	struct field *fields = x_calloc(W_COUNT, sizeof(*fields));
	w->b = b;
	memcpy(fields, rows, sizeof(rows));
	add_systems(w);
	fields[W_SYSTEM].options = w->systems;
	fields[W_SYSTEM].noptions = w->nsystems;
	add_networks(w);
	fields[W_NETWORK].options = w->networks;
	fields[W_NETWORK].noptions = w->nnetworks;
	if (w->nsystems == 2)
		fields[W_SYSTEM].hint = "the package osinfo-db would tell what systems want";
	form_init(&w->form, fields, W_COUNT);
	if (b->ops->host_info(b, &w->host, NULL))
		w->host = (struct host_info){0};
	if (b->ops->domain_list(b, &w->domains, &w->ndomains, NULL))
		w->ndomains = 0;
	update(w);
}

void wizard_done(struct wizard *w)
{
	install_plan_free(w->plan);
	form_done(&w->form);
	free_options(w->systems, w->nsystems);
	free_options(w->networks, w->nnetworks);
	free(w->domains);
	free(w->looked_at);
	free(w->found);
	osinfo_done(&w->os);
	*w = (struct wizard){0};
}
