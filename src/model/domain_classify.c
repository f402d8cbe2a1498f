/* Walks a domain's document against the table and says what has no effect. Sections with the same answer
 * share one note, so that a machine-written domain of three hundred lines is answered in five. */
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"

#define UNKNOWN_MAX 16 /* then they are only counted */

struct seen {
	unsigned count;
	const struct xml_node *first;
};

struct walk {
	struct domain *d;
	struct err *e;
	struct seen *seen; /* one for each row */
	unsigned unknown, twins;
};

static const struct domain_row *find_row(const char *path)
{
	size_t lo = 0, hi = domain_nrows;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int order = strcmp(path, domain_rows[mid].path);
		if (!order)
			return &domain_rows[mid];
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* The known name beside @path that is most like it, or NULL. */
static const char *nearest(const char *path)
{
	size_t dir = (size_t)(strrchr(path, '/') ? strrchr(path, '/') + 1 - path : 0);
	unsigned best = 3; /* more than two letters wrong is another word */
	const char *name = NULL;
	for (size_t i = 0; i < domain_nrows; i++) {
		const char *row = domain_rows[i].path;
		if (strncmp(row, path, dir) || strchr(row + dir, '/') ||
		    (row[dir] == '@') != (path[dir] == '@'))
			continue;
		unsigned far = str_distance(path + dir, row + dir);
		if (far < best && far * 2 < strlen(row + dir)) {
			best = far;
			name = row + dir;
		}
	}
	return name;
}

static void note_unknown(struct walk *w, const struct xml_node *n, const char *path)
{
	char show[XML_PATH_MAX];
	if (w->unknown++ >= UNKNOWN_MAX)
		return;
	const char *like = nearest(path), *last = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	domain_note(w->d, n, false, "%s%s: unknown %s: kept, without effect%s%s%s",
		    *path == '@' ? "domain/" : "", str_printable(path, show, sizeof(show)),
		    *last == '@' ? "attribute" : "element", like ? " (did you mean '" : "",
		    like ? like + (*like == '@') : "", like ? "'?)" : "");
}

static void count_row(struct walk *w, const struct domain_row *row, const struct xml_node *n)
{
	struct seen *s = &w->seen[row - domain_rows];
	if (!s->count++)
		s->first = n;
}

static int check_attr(struct walk *w, const struct xml_node *n, const char *name, const char *path)
{
	const struct domain_row *row = find_row(path);
	unsigned i;
	if (!row) {
		note_unknown(w, n, path);
		return 0;
	}
	if (row->class == ROW_MISSED) {
		if (!row->values || !str_eq(xml_attr(n, name), row->values))
			count_row(w, row, n);
		return 0;
	}
	if (row->class == ROW_NOTED)
		count_row(w, row, n);
	return row->values ? xml_get_choice(n, name, row->values, &i, w->e) : 0;
}

/* An element that may stand once has one of its name before it below the same parent: libvirt reads the first,
 * and keeps only what it has read. */
static bool drop_twin(struct walk *w, struct xml_node *n, const char *path)
{
	const struct xml_node *first = xml_first(xml_parent(n), xml_name(n));
	if (first == n)
		return false;
	if (w->twins++ < UNKNOWN_MAX)
		domain_note(w->d, n, false, "%s: stands in line %u already: that one counts, this is left out",
			    path, xml_line(first));
	xml_remove(n);
	return true;
}

static int join(char out[XML_PATH_MAX], const char *dir, const char *mark, const char *name)
{
	int k = snprintf(out, XML_PATH_MAX, "%s%s%s%s", dir, *dir ? "/" : "", mark, name);
	return k < XML_PATH_MAX ? 0 : -1;
}

/* Does it say that it wants what is there anyway? */
static bool wants_none(const struct domain_row *row, const struct xml_node *n)
{
	return row->values && (str_eq(xml_attr(n, "model"), row->values) || str_eq(xml_attr(n, "type"), row->values));
}

static int walk_children(struct walk *w, struct xml_node *n, const char *path);

static int walk_element(struct walk *w, struct xml_node *n, const char *dir)
{
	char path[XML_PATH_MAX];
	const struct domain_row *row = join(path, dir, "", xml_name(n)) ? NULL : find_row(path);
	if (!row) {
		note_unknown(w, n, path);
		return 0;
	}
	if (row->class == ROW_MISSED || ((row->class == ROW_NOTED || row->class == ROW_LACKED) && !wants_none(row, n)))
		count_row(w, row, n);
	if (row->class != ROW_READ && row->class != ROW_MANY)
		return 0;
	if (row->class == ROW_READ && drop_twin(w, n, path))
		return 0;
	return walk_children(w, n, path);
}

/* Namespaces other than libvirt's own belong to somebody else, but for the arguments of a QEMU that we are
 * not. */
static void walk_foreign(struct walk *w, const struct xml_node *n)
{
	if (!str_eq(xml_namespace(n), QEMU_NAMESPACE) || !str_eq(xml_name(n), "commandline") ||
	    domain_qemu_known(n))
		return;
	domain_note(w->d, n, true,
		    "qemu:commandline: arguments for QEMU mean nothing to us: remove it to start without");
}

/* Only as deep as the table, which has five levels. */
static int walk_children(struct walk *w, struct xml_node *n, const char *path)
{
	const char *name;
	int rc = 0;
	for (unsigned i = 0; !rc && (name = xml_attr_name(n, i)); i++) {
		char attr[XML_PATH_MAX];
		join(attr, path, "@", name);
		rc = check_attr(w, n, name, attr);
	}
	for (struct xml_node *c = xml_first(n, NULL), *next; c && !rc; c = next) {
		next = xml_next(c, NULL); /* a twin goes away */
		if (xml_namespace(c))
			walk_foreign(w, c);
		else
			rc = walk_element(w, c, path);
	}
	return rc;
}

static void tell(struct walk *w)
{
	struct buf AUTO_BUF common = {0};
	const struct xml_node *first = NULL;
	for (size_t i = 0; i < domain_nrows; i++) {
		const struct domain_row *row = &domain_rows[i];
		const struct seen *s = &w->seen[i];
		char times[24] = "";
		if (!s->count)
			continue;
		if (s->count > 1)
			snprintf(times, sizeof(times), " (%u)", s->count);
		if (row->class == ROW_MISSED) {
			domain_note(w->d, s->first, true, "%s%s: %s: remove it to start without", row->path,
				    times, row->text);
		} else if (row->class == ROW_LACKED) {
			domain_note(w->d, s->first, false, "%s%s: not there: %s", row->path, times, row->text);
		} else if (row->text) {
			domain_note(w->d, s->first, false, "%s%s: kept: %s", row->path, times, row->text);
		} else {
			buf_printf(&common, "%s%s%s", common.len ? ", " : "", row->path, times);
			first = !first || xml_line(s->first) < xml_line(first) ? s->first : first;
		}
	}
	if (common.len)
		domain_note(w->d, first, false, "kept, without effect: %s", buf_text(&common));
	if (w->unknown > UNKNOWN_MAX)
		domain_note(w->d, NULL, false,
			    "%u more unknown elements and attributes: kept, without effect",
			    w->unknown - UNKNOWN_MAX);
}

int domain_classify(struct domain *d, struct err *e)
{
	AUTO_FREE struct seen *seen = x_calloc(domain_nrows, sizeof(*seen));
	struct walk w = {.d = d, .e = e, .seen = seen};
	int rc = walk_children(&w, xml_root(d->xml), "");
	if (!rc)
		tell(&w);
	return rc;
}
