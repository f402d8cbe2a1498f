#include "src/cmd/table.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "src/base/str.h"

/* Columns that the text takes on a terminal, in the locale of the process. */
static size_t width(const char *s)
{
	mbstate_t st = {0};
	size_t w = 0;
	while (*s) {
		wchar_t c;
		size_t n = mbrtowc(&c, s, strlen(s), &st);
		if (n == (size_t)-1 || n == (size_t)-2 || !n) {
			st = (mbstate_t){0};
			n = 1;
			w++;
		} else {
			int k = wcwidth(c);
			w += k > 0 ? (size_t)k : 0;
		}
		s += n;
	}
	return w;
}

void table_row(struct table *t, const char *const *cells)
{
	t->cells = x_realloc(t->cells, (t->n + t->columns) * sizeof(*t->cells));
	for (unsigned i = 0; i < t->columns; i++) {
		size_t n = strlen(cells[i]) * 4 + 1;
		t->cells[t->n++] = str_printable(cells[i], x_malloc(n), n);
	}
}

static void print_row(char **cells, unsigned columns, const size_t *widths, FILE *out)
{
	for (unsigned i = 0; i < columns; i++) {
		fprintf(out, "%s%s", i ? "   " : " ", cells[i]);
		if (i + 1 < columns)
			fprintf(out, "%*s", (int)(widths[i] - width(cells[i])), "");
	}
	fputc('\n', out);
}

void table_print(struct table *t, bool heading, FILE *out)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0}, first = heading ? 0 : t->columns, dashes = 0;
	for (size_t i = first; i < t->n; i++) {
		size_t w = width(t->cells[i]);
		if (w > widths[i % t->columns])
			widths[i % t->columns] = w;
	}
	for (unsigned i = 0; i < t->columns; i++)
		dashes += widths[i] + 3;
	for (size_t i = first; i < t->n; i += t->columns) {
		print_row(t->cells + i, t->columns, widths, out);
		for (size_t k = 0; !i && k < dashes; k++)
			fputc('-', out);
		if (!i)
			fputc('\n', out);
	}
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){0};
}
