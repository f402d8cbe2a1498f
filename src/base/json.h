/* The one place that knows jansson: strict parsing, and small typed helpers instead of the unchecked
 * json_pack()/json_unpack(). Integers are 64 bit signed: addresses above 2^63 travel as strings. */
#ifndef SRC_BASE_JSON_H
#define SRC_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

static inline void json_cleanup(json_t **j)
{
	json_decref(*j);
}
#define AUTO_JSON __attribute__((cleanup(json_cleanup)))

/* Parse one value that is all of @text; duplicate keys and trailing text are errors. NULL with @e filled. */
json_t *json_parse(const char *text, size_t len, struct err *e);

/* The value in one line (@pretty: indented), the caller's to free. */
char *json_text(const json_t *j, bool pretty);

/* Members of an object; the default when absent or of another type. Strings belong to @obj. */
const char *json_str(const json_t *obj, const char *key, const char *def);
int64_t json_int(const json_t *obj, const char *key, int64_t def);
bool json_flag(const json_t *obj, const char *key, bool def);

/* Set members; @obj takes its own copy. A NULL string sets nothing. Invalid UTF-8 becomes '?'. */
void json_set_str(json_t *obj, const char *key, const char *val);
void json_set_int(json_t *obj, const char *key, int64_t val);
void json_set_flag(json_t *obj, const char *key, bool val);
/* Hand @val over to @obj. */
void json_set_take(json_t *obj, const char *key, json_t *val);

#endif
