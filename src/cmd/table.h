/* Tables as virsh prints them: columns as wide as their widest cell, three spaces apart. Only src/cmd
 * includes this. */
#ifndef SRC_CMD_TABLE_H
#define SRC_CMD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 8

struct table {
	unsigned columns;
	char **cells; /* row after row; the first row is the heading */
	size_t n;
};

/* Add one row; the texts are copied, with control characters made visible. */
void table_row(struct table *t, const char *const *cells);
/* Print; @heading: the first row and a line of dashes too. Frees the cells. */
void table_print(struct table *t, bool heading, FILE *out);

#endif
