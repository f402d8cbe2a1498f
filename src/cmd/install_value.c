/* What a person typed behind an option, taken apart and looked at by itself. */
#include "src/cmd/install_value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

#define SIZE_MAX_GIB (1024.0 * 1024 * 1024) /* an EiB */

/* Is @name one of the words of @list, which @sep keeps apart? */
static bool listed(const char *list, const char *name, char sep)
{
	size_t n = strlen(name);
	for (const char *p = list; p && *p && n;) {
		const char *end = strchr(p, sep);
		size_t k = end ? (size_t)(end - p) : strlen(p);
		if (k == n && !strncasecmp(p, name, n))
			return true;
		p += k + (end != NULL);
	}
	return false;
}

const struct cmd_arg *install_option(const char *name)
{
	for (const struct cmd_arg *a = install_args; a->name; a++)
		if (str_eq(a->name, name) || listed(a->aka, name, ' '))
			return a;
	return NULL;
}

static const struct cmd_sub *sub_named(const struct cmd_arg *option, const char *name)
{
	for (const struct cmd_sub *s = option->subs; s->name; s++)
		if (listed(s->name, name, ' ') || listed(s->aka, name, ' '))
			return s;
	size_t n = strlen(name);
	while (n && isdigit((unsigned char)name[n - 1])) /* portForward0, portForward1 */
		n--;
	if (n && name[n] && strspn(name, "portFwad") == n)
		return sub_named(option, "portForward");
	return NULL;
}

static int unknown_sub(const struct cmd_arg *option, const char *name, struct err *e)
{
	const char *near = NULL;
	unsigned best = 4;
	char show[64];
	for (const struct cmd_sub *s = option->subs; s->name; s++) {
		unsigned d = str_distance(s->name, name);
		if (d < best && d < strlen(name)) {
			best = d;
			near = s->name;
		}
	}
	str_printable(name, show, sizeof(show));
	if (near)
		return err_set(e, EINVAL, "--%s has no '%s'; did you mean '%s'?", option->name, show, near);
	return err_set(e, EINVAL, "--%s has no '%s'; see: vmdeck install --%s=?", option->name, show,
		       option->name);
}

/* "yes" or "no", or NULL. */
static const char *as_bool(const char *text)
{
	return listed("yes|on|true|1|y", text, '|')    ? "yes"
	       : listed("no|off|false|0|n", text, '|') ? "no"
						       : NULL;
}

int install_size(const char *text, uint64_t *bytes, struct err *e)
{
	char *end, show[64];
	str_printable(text, show, sizeof(show));
	errno = 0;
	double gib = isdigit((unsigned char)*text) || *text == '.' ? strtod(text, &end) : -1;
	if (gib > 0 && !strcasecmp(end, "M"))
		gib /= 1024;
	else if (gib > 0 && !strcasecmp(end, "T"))
		gib *= 1024;
	else if (gib > 0 && *end && strcasecmp(end, "G"))
		gib = -1;
	if (errno || !(gib > 0) || gib > SIZE_MAX_GIB)
		return err_set(e, EINVAL,
			       "size '%s' is not allowed: a number of GiB above 0, such as 20 or 0.5", show);
	*bytes = ((uint64_t)ceil(gib * 262144)) * 4096;
	return 0;
}

static bool mac_good(const char *text)
{
	unsigned char b[6];
	int end = 0;
	if (!strcasecmp(text, "RANDOM"))
		return true;
	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		      &end) == 6 &&
	       !text[end] && !(b[0] & 1);
}

/* One value against its row; *value is what it becomes. */
static int check_part(const struct cmd_arg *option, const struct cmd_sub *s, char **value, struct err *e)
{
	uint64_t n;
	char show[128];
	str_printable(*value, show, sizeof(show));
	const char *wants = NULL;
	AUTO_FREE char *choice = NULL;
	if (s->lacks)
		return err_set(e, EOPNOTSUPP, "--%s %s=%s: %s", option->name, s->name, show, s->lacks);
	switch (s->kind) {
	case SUB_BOOL:
		wants = as_bool(*value) ? NULL : "yes or no";
		if (!wants) {
			char *plain = x_strdup(as_bool(*value));
			free(*value);
			*value = plain;
		}
		break;
	case SUB_NUMBER:
		wants = str_u64(*value, &n) ? NULL : "a whole number";
		break;
	case SUB_SIZE:
		if (install_size(*value, &n, e))
			return err_prefix(e, "--%s", option->name);
		break;
	case SUB_CHOICE:
		choice = x_asprintf("one of %s", s->values);
		for (char *p = choice + 7; (p = strchr(p, '|')); p++)
			*p = ' ';
		wants = listed(s->values, *value, '|') ? NULL : choice;
		break;
	case SUB_MAC:
		wants = mac_good(*value) ? NULL : "six bytes as 52:54:00:12:34:56, the first even, or RANDOM";
		break;
	case SUB_FILE:
	case SUB_TEXT:
		wants = **value || str_eq(s->name, "kernel_args") ? NULL : "a value";
		break;
	}
	if (wants)
		return err_set(e, EINVAL, "--%s %s='%s' is not allowed: %s", option->name, s->name, show,
			       wants);
	if (str_eq(s->name, "portForward")) {
		struct install_forward f;
		return install_forward(*value, &f, e);
	}
	return 0;
}

/* The next part of @p, up to a comma that is not doubled. */
static char *next_part(const char **p)
{
	struct buf b = {0};
	const char *s = *p;
	for (; *s && (*s != ',' || s[1] == ','); s++) {
		s += *s == ',';
		buf_add(&b, s, 1);
	}
	*p = *s ? s + 1 : s;
	return buf_take(&b);
}

static void add_pair(struct install_value *v, const struct cmd_sub *sub, char *value /* taken */)
{
	v->pairs = x_realloc(v->pairs, (v->n + 1) * sizeof(*v->pairs));
	v->pairs[v->n++] = (struct install_pair){sub, value};
}

static int take_part(const struct cmd_arg *option, char *part, bool first, struct install_value *v,
		     struct err *e)
{
	char *eq = strchr(part, '=');
	const struct cmd_sub *s = NULL;
	if (first && *part == '/') { /* a path with a '=' in it */
		add_pair(v, option->subs, x_strdup(part));
		return 0;
	}
	if (*part == '+' || (*part == '-' && part[1] && !first)) {
		s = sub_named(option, *part == '+' ? "force" : "disable");
		if (s) {
			add_pair(v, s, x_strdup(part + 1));
			return 0;
		}
	}
	if (!eq) {
		s = sub_named(option, part);
		if (s && s->kind == SUB_BOOL)
			add_pair(v, s, x_strdup("yes"));
		else if (first && option->subs->kind != SUB_BOOL)
			add_pair(v, option->subs, x_strdup(part));
		else if (s)
			return err_set(e, EINVAL, "--%s %s: it wants a value: %s=...", option->name, s->name,
				       s->name);
		else
			return unknown_sub(option, part, e);
		return 0;
	}
	*eq = 0;
	s = sub_named(option, part);
	if (!s)
		return unknown_sub(option, part, e);
	add_pair(v, s, x_strdup(eq + 1));
	return 0;
}

int install_split(const struct cmd_arg *option, const char *text, struct install_value *v, struct err *e)
{
	*v = (struct install_value){0};
	for (const char *p = text; *p;) {
		AUTO_FREE char *part = next_part(&p);
		int rc = *part ? take_part(option, part, v->n == 0, v, e) : 0;
		if (!rc && *part)
			rc = check_part(option, v->pairs[v->n - 1].sub, &v->pairs[v->n - 1].value, e);
		if (rc)
			return rc;
	}
	return 0;
}

void install_value_done(struct install_value *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->pairs[i].value);
	free(v->pairs);
	*v = (struct install_value){0};
}

const char *value_get(const struct install_value *v, const char *name)
{
	for (size_t i = v->n; i-- > 0;)
		if (str_eq(v->pairs[i].sub->name, name))
			return v->pairs[i].value;
	return NULL;
}

bool value_on(const struct install_value *v, const char *name, bool otherwise)
{
	const char *s = value_get(v, name);
	return s ? str_eq(s, "yes") : otherwise;
}

uint64_t value_number(const struct install_value *v, const char *name, uint64_t otherwise)
{
	uint64_t n = otherwise;
	const char *s = value_get(v, name);
	if (s)
		str_u64(s, &n);
	return n;
}

static bool port(const char *s, unsigned *out)
{
	uint64_t n;
	if (!isdigit((unsigned char)*s) || !str_u64(s, &n) || !n || n > 65535)
		return false;
	*out = (unsigned)n;
	return true;
}

int install_forward(const char *text, struct install_forward *f, struct err *e)
{
	char show[128];
	AUTO_FREE char *copy = x_strdup(text);
	char *proto = strrchr(copy, '/'), *rest = copy;
	*f = (struct install_forward){0};
	if (proto)
		*proto++ = 0;
	f->udp = str_eq(proto, "udp");
	bool good = !proto || f->udp || str_eq(proto, "tcp");
	char *close = *rest == '[' ? strchr(rest, ']') : NULL; /* [::1]:8080:80 */
	char *colon = close ? close + 1 : strchr(rest, ':');
	if (close || (colon && (strchr(copy, '.') || strchr(colon + 1, ':')))) {
		good = good && (!close || *colon == ':');
		if (good)
			snprintf(f->address, sizeof(f->address), "%.*s",
				 (int)((close ? close : colon) - rest - (close != NULL)),
				 rest + (close != NULL));
		rest = colon && *colon ? colon + 1 : copy + strlen(copy);
	}
	char *to = strchr(rest, ':');
	if (to)
		*to++ = 0;
	char *end = strchr(rest, '-');
	if (end)
		*end++ = 0;
	good = good && port(rest, &f->start);
	f->end = f->start;
	good = good && (!end || port(end, &f->end)) && f->end >= f->start;
	f->to = f->start;
	good = good && (!to || port(to, &f->to)) && f->to + (f->end - f->start) <= 65535;
	return good ? 0
		    : err_set(e, EINVAL,
			      "--network portForward='%s' is not allowed: "
			      "[ADDRESS:]PORT[-PORT][:GUESTPORT][/tcp or /udp], ports 1 to 65535",
			      str_printable(text, show, sizeof(show)));
}

/* --- options without parts --- */

static int one_of(const char *option, const char *value, const char *list, const char *why, struct err *e)
{
	char show[64];
	return listed(list, value, '|') ? 0
					: err_set(e, EINVAL, "--%s '%s' is not allowed: %s", option,
						  str_printable(value, show, sizeof(show)), why);
}

static int check_plain(const struct cmd_arg *a, const char *value, struct err *e)
{
	uint64_t n;
	char uuid[UUID_TEXT], show[64];
	const char *o = a->name;
	if (str_eq(o, "name"))
		return domain_new_name_check(value, e);
	if (str_eq(o, "uuid") && !uuid_canon(value, uuid))
		return err_set(e, EINVAL,
			       "--uuid '%s' is not allowed: 32 hexadecimal digits with or without hyphens",
			       str_printable(value, show, sizeof(show)));
	if (str_eq(o, "connect"))
		return one_of(o, value, "qemu:///system|qemu:///session|vmdeck:///|vmdeck:///system",
			      "vmdeck works on its own host; run it there through ssh", e);
	if (str_eq(o, "virt-type"))
		return one_of(o, value, "kvm|qemu", "kvm is what there is", e);
	if (str_eq(o, "arch"))
		return one_of(o, value, "x86_64|amd64|i686|i586|i486|i386", "x86_64 is what there is", e);
	if (str_eq(o, "print-xml"))
		return one_of(o, *value ? value : "all", "1|2|all", "1, 2 or all", e);
	if (str_eq(o, "wait") && *value && !str_u64(*value == '-' ? value + 1 : value, &n))
		return err_set(e, EINVAL,
			       "--wait '%s' is not allowed: minutes, or -1 for as long as it takes",
			       str_printable(value, show, sizeof(show)));
	if (str_eq(o, "vncport") && (!str_u64(value, &n) || n < 5900 || n > 65535))
		return err_set(e, EINVAL, "--vncport '%s' is not allowed: 5900 to 65535",
			       str_printable(value, show, sizeof(show)));
	if (str_eq(o, "file-size"))
		return install_size(value, &n, e) ? err_prefix(e, "--file-size") : 0;
	if (str_eq(o, "mac") && !mac_good(value))
		return err_set(e, EINVAL,
			       "--mac '%s' is not allowed: six bytes as 52:54:00:12:34:56, the first even, or RANDOM",
			       str_printable(value, show, sizeof(show)));
	if (str_eq(o, "title") && strchr(value, '\n'))
		return err_set(e, EINVAL, "--title is one line: put the rest into --description");
	if (!*value && a->kind != ARG_FLAG && !a->optional && !str_eq(o, "extra-args"))
		return err_set(e, EINVAL, "--%s is empty", o);
	return 0;
}

int install_check(const char *option, const char *value, struct err *e)
{
	const struct cmd_arg *a = install_option(option);
	char show[64];
	if (!a)
		return err_set(e, EINVAL, "there is no option --%s",
			       str_printable(option, show, sizeof(show)));
	if (a->lacks)
		return a->harmless || str_eq(value, "none")
			   ? 0
			   : err_set(e, EOPNOTSUPP, "--%s%s%s: %s", a->name, *value ? " " : "",
				     str_printable(value, show, sizeof(show)), a->lacks);
	for (const char *p = value; *p && !str_eq(a->name, "description"); p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(e, EINVAL, "--%s '%s': control characters are not allowed", a->name,
				       str_printable(value, show, sizeof(show)));
	if (!a->subs)
		return check_plain(a, value, e);
	if (!*value)
		return err_set(e, EINVAL, "--%s is empty; see: vmdeck install --%s=?", a->name, a->name);
	AUTO_VALUE struct install_value v;
	return install_split(a, value, &v, e);
}

/* --- the list --- */

void install_add(struct install_request *r, const char *option, const char *value)
{
	const struct cmd_arg *a = install_option(option);
	r->words = x_realloc(r->words, (r->n + 1) * sizeof(*r->words));
	r->words[r->n++] =
	    (struct install_word){x_strdup(a ? a->name : option), x_strdup(value ? value : "")};
}

void install_set(struct install_request *r, const char *option, const char *value)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++) {
		if (!str_eq(r->words[i].option, option)) {
			r->words[n++] = r->words[i];
			continue;
		}
		free(r->words[i].option);
		free(r->words[i].value);
	}
	r->n = n;
	if (value)
		install_add(r, option, value);
}

const char *install_get(const struct install_request *r, const char *option)
{
	for (size_t i = r->n; i-- > 0;)
		if (str_eq(r->words[i].option, option))
			return r->words[i].value;
	return NULL;
}

void install_request_done(struct install_request *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->words[i].option);
		free(r->words[i].value);
	}
	free(r->words);
	*r = (struct install_request){0};
}

/* A word as a shell takes it. */
static void quote(struct buf *b, const char *s)
{
	if (*s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-") ==
		      strlen(s)) {
		buf_puts(b, s);
		return;
	}
	buf_puts(b, "'");
	for (; *s; s++)
		if (*s == '\'')
			buf_puts(b, "'\\''");
		else
			buf_add(b, s, 1);
	buf_puts(b, "'");
}

char *install_command(const struct install_request *r)
{
	struct buf b = {0};
	buf_puts(&b, "vmdeck install");
	for (size_t i = 0; i < r->n; i++) {
		const struct cmd_arg *a = install_option(r->words[i].option);
		bool alone = a && (a->kind == ARG_FLAG || (a->optional && !*r->words[i].value));
		buf_printf(&b, " --%s%s", r->words[i].option, alone ? "" : "=");
		if (!alone)
			quote(&b, r->words[i].value);
	}
	return buf_take(&b);
}
