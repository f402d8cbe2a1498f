/* vmdeck.conf, in the folder of definitions: what an administrator settles for all guests. Lines "key = value";
 * "#" begins a comment, quotes around a value are left out. */
#ifndef SRC_BASE_CONF_H
#define SRC_BASE_CONF_H

#include "src/base/err.h"

#define CONF_FILE "vmdeck.conf"

/* The value of @key in @path, the caller's to free; NULL: there is none. */
char *conf_get(const char *path, const char *key);

/* Every line of @path is one that is understood: its key is one of @keys (a list with spaces). A file that is
 * not there is fine. */
int conf_check(const char *path, const char *keys, struct err *e);

#endif
