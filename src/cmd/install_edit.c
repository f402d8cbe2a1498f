/* A plan whose definition was edited: the same is done to what runs first.
 *
 * Both XMLs are alike but for some lines (what boots, the medium). A merge by lines: stretches that the user
 * has changed come from the edited text, stretches where the first boot differs stay as they are; where both
 * have changed the same stretch, the first boot keeps its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/install.h"

#define LINES_MAX 2000 /* of an XML that can be merged */

struct lines {
	char *text; /* with zeros for line ends */
	const char **line;
	size_t n;
};

static void lines_done(struct lines *l)
{
	free(l->text);
	free(l->line);
}

static void split(struct lines *l, const char *text)
{
	char *save = NULL;
	*l = (struct lines){.text = x_strdup(text)};
	for (char *s = strtok_r(l->text, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
		l->line = x_realloc(l->line, (l->n + 1) * sizeof(*l->line));
		l->line[l->n++] = s;
	}
}

/* For each line of @a its partner in @b, or SIZE_MAX: the longest common sequence. The caller's. */
static size_t *partners(const struct lines *a, const struct lines *b)
{
	size_t width = b->n + 1, *pair = x_calloc(a->n + 1, sizeof(*pair));
	AUTO_FREE unsigned *len = x_calloc((a->n + 1) * width, sizeof(*len));
	for (size_t i = a->n; i-- > 0;)
		for (size_t k = b->n; k-- > 0;) {
			unsigned down = len[(i + 1) * width + k], right = len[i * width + k + 1];
			bool same = !strcmp(a->line[i], b->line[k]);
			len[i * width + k] = same           ? len[(i + 1) * width + k + 1] + 1
					     : down > right ? down
							    : right;
		}
	for (size_t i = 0, k = 0; i < a->n;) {
		pair[i] = SIZE_MAX;
		if (k < b->n && !strcmp(a->line[i], b->line[k]))
			pair[i++] = k++;
		else if (k < b->n && len[i * width + k + 1] >= len[(i + 1) * width + k])
			k++;
		else
			i++;
	}
	return pair;
}

static void put_lines(struct buf *out, const struct lines *l, size_t from, size_t to)
{
	for (size_t i = from; i < to && i < l->n; i++)
		buf_printf(out, "%s\n", l->line[i]);
}

static bool same_lines(const struct lines *a, size_t from_a, size_t to_a, const struct lines *b,
		       size_t from_b, size_t to_b)
{
	if (to_a - from_a != to_b - from_b)
		return false;
	for (size_t i = 0; i < to_a - from_a; i++)
		if (strcmp(a->line[from_a + i], b->line[from_b + i]))
			return false;
	return true;
}

static char *merge(const struct lines *base, const struct lines *edited, const struct lines *first)
{
	AUTO_FREE size_t *to_edited = partners(base, edited), *to_first = partners(base, first);
	struct buf out = {0};
	size_t b = 0, e = 0, f = 0;
	while (b < base->n || e < edited->n || f < first->n) {
		size_t next = b; /* the next line that all three have */
		while (next < base->n && (to_edited[next] == SIZE_MAX || to_first[next] == SIZE_MAX))
			next++;
		size_t next_e = next < base->n ? to_edited[next] : edited->n,
		       next_f = next < base->n ? to_first[next] : first->n;
		if (same_lines(base, b, next, first, f, next_f))
			put_lines(&out, edited, e, next_e);
		else
			put_lines(&out, first, f, next_f);
		put_lines(&out, base, next, next + 1);
		b = next + 1;
		e = next_e + 1;
		f = next_f + 1;
	}
	return buf_take(&out);
}

int install_plan_edit(struct install_plan *p, const char *define_xml, struct err *e)
{
	struct domain *def = NULL, *first = NULL;
	struct lines base, edited, boots;
	int rc = domain_parse(define_xml, strlen(define_xml), "the edited XML", &def, e);
	if (rc)
		return rc;
	if (!str_eq(def->name, p->name))
		rc = domain_new_name_check(def->name, e);
	if (rc) {
		domain_free(def);
		return rc;
	}
	bool same = !*def->uuid || str_eq(def->uuid, p->uuid);
	if (same)
		snprintf(p->name, sizeof(p->name), "%s", def->name);
	domain_free(def);
	if (!same)
		return err_set(e, EINVAL, "the edited XML has another uuid: %s is what was planned", p->uuid);
	char *merged = NULL;
	if (p->first_xml) {
		split(&base, p->define_xml);
		split(&edited, define_xml);
		split(&boots, p->first_xml);
		if (base.n < LINES_MAX && edited.n < LINES_MAX && boots.n < LINES_MAX)
			merged = merge(&base, &edited, &boots);
		lines_done(&base);
		lines_done(&edited);
		lines_done(&boots);
		if (!merged)
			return err_set(e, E2BIG, "the edited XML has more than %d lines", LINES_MAX);
		rc = domain_parse(merged, strlen(merged), "the edited XML, for the first boot", &first, e);
		domain_free(first);
		if (rc) {
			free(merged);
			return rc;
		}
	}
	free(p->first_xml);
	free(p->define_xml);
	p->first_xml = merged;
	p->define_xml = x_strdup(define_xml);
	return 0;
}
