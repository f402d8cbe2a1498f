#include "src/base/json.h"

#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

json_t *json_parse(const char *text, size_t len, struct err *e)
{
	json_error_t je;
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	if (!j)
		err_set(e, EINVAL, "not JSON: line %d, column %d: %s", je.line, je.column, je.text);
	return j;
}

char *json_text(const json_t *j, bool pretty)
{
	return json_dumps(j, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6) |
				 (pretty ? JSON_INDENT(2) : JSON_COMPACT));
}

const char *json_str(const json_t *obj, const char *key, const char *def)
{
	const char *s = json_string_value(json_object_get(obj, key));
	return s ? s : def;
}

int64_t json_int(const json_t *obj, const char *key, int64_t def)
{
	const json_t *v = json_object_get(obj, key);
	return json_is_integer(v) ? json_integer_value(v) : def;
}

bool json_flag(const json_t *obj, const char *key, bool def)
{
	const json_t *v = json_object_get(obj, key);
	return json_is_boolean(v) ? json_is_true(v) : def;
}

void json_set_str(json_t *obj, const char *key, const char *val)
{
	if (!val)
		return;
	json_t *v = json_string(val);
	if (!v) {
		size_t n = strlen(val) + 1;
		AUTO_FREE char *clean = x_malloc(n);
		v = json_string(str_printable(val, clean, n));
	}
	json_object_set_new(obj, key, v);
}

void json_set_int(json_t *obj, const char *key, int64_t val)
{
	json_object_set_new(obj, key, json_integer(val));
}

void json_set_flag(json_t *obj, const char *key, bool val)
{
	json_object_set_new(obj, key, json_boolean(val));
}

void json_set_take(json_t *obj, const char *key, json_t *val)
{
	json_object_set_new(obj, key, val);
}
