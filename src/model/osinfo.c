/* Theory of operation: there are some 800 small files of 3 MB in all, os/VENDOR/NAME.xml. A system is looked
 * for where its id says that its file would be, then by looking for its id in the text of all; only the file
 * that has it is parsed. For a medium, the files that have patterns for media are parsed until one fits. What
 * a system does not say is asked of the one it derives from. */
#include "src/model/osinfo.h"

#include <dirent.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/model/xml.h"

#define DERIVES_MAX 40
#define VIRTIO "http://pcisig.com/pci/1af4/"

static const char *folder(void)
{
	const char *dir = getenv("OSINFO_DATA_DIR");
	return dir && *dir ? dir : "/usr/share/osinfo";
}

/* Look into one file; true: enough. */
typedef bool (*visit_fn)(const char *path, const char *text, size_t len, void *ctx);

static bool visit_file(const char *path, visit_fn fn, void *ctx)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	return !file_read(path, XML_SIZE_MAX, &text, &len, NULL) && fn(path, text, len, ctx);
}

/* Names of a folder in their order; *list is freed by the caller, with what is in it. */
static int names(const char *path, struct dirent ***list)
{
	return scandir(path, list, NULL, alphasort);
}

static bool visit_vendor(const char *vendor, visit_fn fn, void *ctx)
{
	struct dirent **files;
	bool done = false;
	int n = names(vendor, &files);
	for (int i = 0; i < n; i++) {
		AUTO_FREE char *path = x_asprintf("%s/%s", vendor, files[i]->d_name);
		if (!done && str_ends(path, ".xml") && *files[i]->d_name != '.')
			done = visit_file(path, fn, ctx);
		free(files[i]);
	}
	if (n >= 0)
		free(files);
	return done;
}

static bool visit_all(visit_fn fn, void *ctx)
{
	AUTO_FREE char *root = x_asprintf("%s/os", folder());
	struct dirent **vendors;
	bool done = false;
	int n = names(root, &vendors);
	for (int i = 0; i < n; i++) {
		AUTO_FREE char *path = x_asprintf("%s/%s", root, vendors[i]->d_name);
		if (!done && *vendors[i]->d_name != '.')
			done = visit_vendor(path, fn, ctx);
		free(vendors[i]);
	}
	if (n >= 0)
		free(vendors);
	return done;
}

bool osinfo_there(void)
{
	AUTO_FREE char *root = x_asprintf("%s/os", folder());
	DIR *d = opendir(root);
	if (d)
		closedir(d);
	return d;
}

static int not_there(struct err *e)
{
	return err_set(e, ENODATA,
		       "nothing is known of operating systems here: install the package osinfo-db");
}

/* The content of a child; "" without. The caller's to free. */
static char *child_text(const struct xml_node *n, const char *name)
{
	for (struct xml_node *c = xml_first(n, name); c; c = xml_next(c, name)) {
		AUTO_FREE char *text = xml_content(c); /* the first is the one without a language */
		return x_strndup(text, strcspn(text, "\r\n"));
	}
	return x_strdup("");
}

static uint64_t child_number(const struct xml_node *n, const char *name)
{
	uint64_t v = 0;
	AUTO_FREE char *text = n ? child_text(n, name) : NULL;
	if (text)
		str_u64(text, &v);
	return v;
}

static struct xml_node *os_of(const struct xml *x)
{
	return xml_first(xml_root(x), "os");
}

/* --- finding a file --- */

struct by_id {
	const char *wants; /* in the text: <os id="..."> or <short-id>...</short-id> */
	struct xml *found;
};

static bool has_id(const char *path, const char *text, size_t len, void *ctx)
{
	struct by_id *b = ctx;
	return strstr(text, b->wants) && !xml_parse(text, len, path, &b->found, NULL);
}

/* "http://debian.org/debian/12" is in os/debian.org/debian-12.xml, or is looked for everywhere. */
static struct xml *load_id(const char *id)
{
	AUTO_FREE char *wants = x_asprintf("<os id=\"%s\">", id);
	struct by_id b = {.wants = wants};
	const char *vendor = strstr(id, "://");
	if (vendor && !strstr(vendor, "..")) {
		AUTO_FREE char *path = x_asprintf("%s/os/%s.xml", folder(), vendor + 3);
		size_t skip = strlen(folder()) + 4;
		char *slash = strchr(path + skip, '/');
		for (char *p = slash ? slash + 1 : NULL; p && *p; p++)
			if (*p == '/')
				*p = '-';
		if (visit_file(path, has_id, &b))
			return b.found;
	}
	visit_all(has_id, &b);
	return b.found;
}

static struct xml *load_short_id(const char *name)
{
	AUTO_FREE char *wants = x_asprintf("<short-id>%s</short-id>", name);
	struct by_id b = {.wants = wants};
	visit_all(has_id, &b);
	return b.found;
}

/* --- what it says --- */

/* What is known so far of a system's devices. */
struct devices {
	bool any, disk, net;
};

static void read_devices(const struct xml_node *os, struct devices *d)
{
	struct xml_node *list = xml_first(os, "devices");
	for (struct xml_node *n = list ? xml_first(list, "device") : NULL; n; n = xml_next(n, "device")) {
		const char *id = xml_attr(n, "id");
		d->any = true;
		if (str_eq(xml_attr(n, "supported"), "false"))
			continue;
		d->disk |= str_eq(id, VIRTIO "1001") || str_eq(id, VIRTIO "1042");
		d->net |= str_eq(id, VIRTIO "1000") || str_eq(id, VIRTIO "1041");
	}
}

static bool arch_ours(const struct xml_node *n)
{
	const char *arch = xml_attr(n, "arch");
	return !arch || str_eq(arch, "all") || str_eq(arch, "x86_64");
}

/* true: they are told here, and nothing is to be asked of others. */
static bool read_resources(const struct xml_node *os, struct osinfo *out)
{
	for (struct xml_node *n = xml_first(os, "resources"); n; n = xml_next(n, "resources")) {
		struct xml_node *min = xml_first(n, "minimum"), *rec = xml_first(n, "recommended");
		if (!arch_ours(n) || (!min && !rec))
			continue;
		out->memory_min_bytes = child_number(min, "ram");
		out->storage_min_bytes = child_number(min, "storage");
		out->memory_bytes = rec ? child_number(rec, "ram") : 0;
		out->storage_bytes = rec ? child_number(rec, "storage") : 0;
		out->cpus = (unsigned)(rec ? child_number(rec, "n-cpus") : 0);
		if (!out->memory_bytes)
			out->memory_bytes = 2 * out->memory_min_bytes;
		if (!out->storage_bytes)
			out->storage_bytes = 2 * out->storage_min_bytes;
		return true;
	}
	return false;
}

static void read_firmware(const struct xml_node *os, struct osinfo *out)
{
	for (struct xml_node *n = xml_first(os, "firmware"); n; n = xml_next(n, "firmware")) {
		bool no = str_eq(xml_attr(n, "supported"), "false");
		if (arch_ours(n) && no && str_eq(xml_attr(n, "type"), "bios"))
			out->bios = false;
		if (arch_ours(n) && no && str_eq(xml_attr(n, "type"), "efi"))
			out->efi = false;
	}
}

/* All of a system; @x is taken. */
static void read_os(struct xml *x, struct osinfo *out)
{
	struct xml_node *os = os_of(x);
	struct devices dev = {0};
	const char *id = xml_attr(os, "id");
	*out = (struct osinfo){.id = x_strdup(id ? id : ""), .bios = true, .efi = true};
	out->short_id = child_text(os, "short-id");
	out->name = child_text(os, "name");
	out->family = child_text(os, "family");
	read_firmware(os, out);
	bool resources = false;
	for (unsigned depth = 0; x && depth < DERIVES_MAX; depth++) {
		read_devices(os_of(x), &dev);
		resources = resources || read_resources(os_of(x), out);
		struct xml_node *from = xml_first(os_of(x), "derives-from");
		AUTO_FREE char *parent = from ? x_strdup(xml_attr(from, "id")) : NULL;
		xml_free(x);
		x = parent && !(resources && dev.disk && dev.net) ? load_id(parent) : NULL;
		if (x && !os_of(x)) {
			xml_free(x);
			x = NULL;
		}
	}
	xml_free(x);
	out->virtio_disk = dev.disk || !dev.any;
	out->virtio_net = dev.net || !dev.any;
}

struct nearest {
	const char *name;
	char best[64];
	unsigned distance;
};

static void is_nearer(const char *short_id, const char *name, void *ctx)
{
	struct nearest *n = ctx;
	unsigned d = str_distance(short_id, n->name);
	if (d >= n->distance || d >= strlen(n->name))
		return;
	n->distance = d;
	snprintf(n->best, sizeof(n->best), "%s", short_id);
}

int osinfo_find(const char *name, struct osinfo *out, struct err *e)
{
	char show[64];
	bool odd = strpbrk(name, "<>\"&") != NULL;
	struct xml *x = odd ? NULL : strstr(name, "://") ? load_id(name) : load_short_id(name);
	if (x && os_of(x)) {
		read_os(x, out);
		return 0;
	}
	xml_free(x);
	if (!osinfo_there())
		return not_there(e);
	struct nearest n = {.name = name, .distance = 4};
	osinfo_each(is_nearer, &n, NULL);
	str_printable(name, show, sizeof(show));
	if (*n.best)
		return err_set(e, ENOENT, "no system '%s' is known; did you mean '%s'?", show, n.best);
	return err_set(e, ENOENT, "no system '%s' is known; see: vmdeck install --osinfo list", show);
}

/* --- media --- */

/* Does @text fit the pattern of osinfo-db? Those are Perl's; what they use of it beside POSIX is \d. */
static bool fits(const char *pattern, const char *text)
{
	struct buf b = {0};
	regex_t re;
	if (!text)
		return false;
	for (const char *p = pattern; *p; p++) {
		bool digit = *p == '\\' && p[1] == 'd';
		if (digit)
			buf_puts(&b, "[0-9]");
		else
			buf_add(&b, p, 1);
		p += digit;
	}
	AUTO_FREE char *posix = buf_take(&b);
	if (regcomp(&re, posix, REG_EXTENDED | REG_NOSUB))
		return false;
	bool yes = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return yes;
}

/* A pattern's element, and the text that it is to fit. */
struct property {
	const char *name, *text;
};

struct detect {
	const char *list, *holder;   /* <media> has them in <iso>, <tree> in <treeinfo> */
	const struct property *rows; /* ends with one without name */
	struct xml *best;
	unsigned weight, reboots;
};

static bool arch_installs(const char *arch)
{
	return !arch || str_eq(arch, "x86_64") || str_eq(arch, "i686") || str_eq(arch, "i386") ||
	       str_eq(arch, "all");
}

/* How well one fits: the length of its patterns, 0 when one of them does not. */
static unsigned media_weight(const struct xml_node *n, const struct detect *d)
{
	struct xml_node *holder = xml_first(n, d->holder);
	unsigned weight = 0;
	if (!holder || !arch_installs(xml_attr(n, "arch")))
		return 0;
	for (const struct property *p = d->rows; p->name; p++) {
		AUTO_FREE char *pattern = child_text(holder, p->name);
		if (!*pattern)
			continue;
		if (!fits(pattern, p->text))
			return 0;
		weight += (unsigned)strlen(pattern);
	}
	return weight;
}

static bool try_media(const char *path, const char *text, size_t len, void *ctx)
{
	struct detect *d = ctx;
	struct xml *x = NULL;
	if (!strstr(text, d->holder) || xml_parse(text, len, path, &x, NULL))
		return false;
	bool better = false;
	for (struct xml_node *n = os_of(x) ? xml_first(os_of(x), d->list) : NULL; n;
	     n = xml_next(n, d->list)) {
		unsigned w = media_weight(n, d);
		uint64_t reboots = 1;
		if (w <= d->weight)
			continue;
		if (xml_attr(n, "installer-reboots"))
			str_u64(xml_attr(n, "installer-reboots"), &reboots);
		d->weight = w;
		d->reboots = (unsigned)reboots;
		better = true;
	}
	if (better) {
		xml_free(d->best);
		d->best = x;
	} else {
		xml_free(x);
	}
	return false;
}

/* @told: there is something to go by. */
static int detect(struct detect *d, bool told, struct osinfo *out, struct err *e)
{
	if (!osinfo_there())
		return not_there(e);
	if (told)
		visit_all(try_media, d);
	if (!d->best)
		return err_set(e, ENOENT, "the medium is of no system that is known");
	read_os(d->best, out);
	return 0;
}

int osinfo_detect(const struct osinfo_media *media, struct osinfo *out, unsigned *reboots, struct err *e)
{
	const struct property rows[] = {{"volume-id", media->volume_id},
					{"system-id", media->system_id},
					{"publisher-id", media->publisher_id},
					{"application-id", media->application_id},
					{0}};
	struct detect d = {.list = "media", .holder = "iso", .rows = rows, .reboots = 1};
	int rc = detect(&d, media->volume_id && *media->volume_id, out, e);
	if (!rc && reboots)
		*reboots = d.reboots;
	return rc;
}

int osinfo_detect_tree(const struct osinfo_tree *tree, struct osinfo *out, struct err *e)
{
	const struct property rows[] = {{"arch", tree->arch},
					{"family", tree->family},
					{"variant", tree->variant},
					{"version", tree->version},
					{0}};
	struct detect d = {.list = "tree", .holder = "treeinfo", .rows = rows};
	return detect(&d, tree->family && *tree->family, out, e);
}

/* --- all of them --- */

struct entry {
	char *short_id, *name;
};
struct entries {
	struct entry *v;
	size_t n;
};

/* The text between two marks from @p on; NULL. */
static char *between(const char *p, const char *open, const char *close)
{
	const char *a = strstr(p, open), *z = a ? strstr(a, close) : NULL;
	return z ? x_strndup(a + strlen(open), (size_t)(z - a) - strlen(open)) : NULL;
}

static bool add_entry(const char *path, const char *text, size_t len, void *ctx)
{
	struct entries *all = ctx;
	char *short_id = between(text, "<short-id>", "</short-id>"),
	     *name = between(text, "<name>", "</name>");
	if (!short_id || !name) {
		free(short_id);
		free(name);
		return false;
	}
	all->v = x_realloc(all->v, (all->n + 1) * sizeof(*all->v));
	all->v[all->n++] = (struct entry){short_id, name};
	return false;
}

static int by_short_id(const void *a, const void *b)
{
	return strverscmp(((const struct entry *)a)->short_id, ((const struct entry *)b)->short_id);
}

int osinfo_each(void (*fn)(const char *short_id, const char *name, void *ctx), void *ctx, struct err *e)
{
	struct entries all = {0};
	if (!osinfo_there())
		return not_there(e);
	visit_all(add_entry, &all);
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_short_id);
	for (size_t i = 0; i < all.n; i++) {
		fn(all.v[i].short_id, all.v[i].name, ctx);
		free(all.v[i].short_id);
		free(all.v[i].name);
	}
	free(all.v);
	return 0;
}

void osinfo_done(struct osinfo *os)
{
	free(os->id);
	free(os->short_id);
	free(os->name);
	free(os->family);
	*os = (struct osinfo){0};
}
