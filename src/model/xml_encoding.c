/* What XML text is encoded in, and the same in UTF-8. (XML 1.0, 4.3.3 and appendix F)
 *
 * A byte order mark says it, else the first bytes where characters have more than one byte, else the
 * declaration; iconv() does the work. The document is then parsed as UTF-8 only. */
#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/model/xml.h"

#define NAME_MAX_LEN 40

/* What a document begins with. Sorted so that the longer one is found first. */
static const struct {
	const char *bytes;
	unsigned len, skip; /* skip: the mark itself */
	const char *encoding;
} beginnings[] = {
	{"\xff\xfe\0\0", 4, 4, "UTF-32LE"},
	{"\0\0\xfe\xff", 4, 4, "UTF-32BE"},
	{"<\0\0\0", 4, 0, "UTF-32LE"},
	{"\0\0\0<", 4, 0, "UTF-32BE"},
	{"\xef\xbb\xbf", 3, 3, "UTF-8"},
	{"\xff\xfe", 2, 2, "UTF-16LE"},
	{"\xfe\xff", 2, 2, "UTF-16BE"},
	{"<\0", 2, 0, "UTF-16LE"},
	{"\0<", 2, 0, "UTF-16BE"},
};

/* The encoding='...' of a declaration: where it begins, with the blank before it, and how long it is in all;
 * its name in @name. Return: there is one. */
static bool declared(const char *text, size_t len, size_t *at, size_t *n, char name[NAME_MAX_LEN])
{
	const char *end = len > 5 && !memcmp(text, "<?xml", 5) ? memmem(text, len, "?>", 2) : NULL;
	if (!end)
		return false;
	const char *p = memmem(text, (size_t)(end - text), "encoding", 8);
	if (!p || !isspace((unsigned char)p[-1]))
		return false;
	const char *s = p + 8;
	while (s < end && (isspace((unsigned char)*s) || *s == '='))
		s++;
	const char *close = s < end && (*s == '\'' || *s == '"') ? memchr(s + 1, *s, (size_t)(end - s - 1)) : NULL;
	if (!close || close - s > NAME_MAX_LEN)
		return false;
	snprintf(name, NAME_MAX_LEN, "%.*s", (int)(close - s - 1), s + 1);
	*at = (size_t)(p - text);
	*n = (size_t)(close + 1 - p);
	return true;
}

/* Only letters, digits, '.', '_' and '-': iconv() takes options behind a '/'. (XML 1.0, EncName) */
static bool good_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	return isalpha((unsigned char)*name);
}

static bool one_of(const char *name, const char *const *list)
{
	while (*list && strcasecmp(name, *list))
		list++;
	return *list != NULL;
}

static unsigned lines(const char *text, size_t n)
{
	unsigned line = 1;
	for (size_t i = 0; i < n; i++)
		line += text[i] == '\n';
	return line;
}

static int convert(const char *text, size_t len, const char *encoding, const char *where, struct buf *out,
		   struct err *e)
{
	iconv_t cd = iconv_open("UTF-8", encoding);
	if (cd == (iconv_t)-1)
		return err_set(e, EINVAL,
			       "%s:1: this host knows no encoding '%s': save the file as UTF-8", where, encoding);
	char *in = (char *)text, part[8192];
	int code = 0;
	for (bool more = true; more && !code;) {
		char *to = part;
		size_t room = sizeof(part);
		bool flush = !len; /* what a stateful encoding keeps back */
		size_t rc = iconv(cd, flush ? NULL : &in, &len, &to, &room);
		code = rc == (size_t)-1 && errno != E2BIG ? errno : 0;
		more = !flush || rc == (size_t)-1;
		buf_add(out, part, (size_t)(to - part));
		if (out->len > XML_SIZE_MAX)
			code = EFBIG;
	}
	iconv_close(cd);
	if (code == EFBIG)
		return err_set(e, EINVAL, "%s: more than %u bytes in UTF-8 are too large for XML of ours", where,
			       XML_SIZE_MAX);
	return code ? err_set(e, EINVAL, "%s:%u: not well-formed XML: a byte that %s does not have", where,
			      lines(buf_text(out), out->len), encoding)
		    : 0;
}

int xml_utf8(const char *text, size_t len, const char *where, char **out, size_t *out_len, struct err *e)
{
	static const char *const utf8[] = {"UTF-8", "UTF8", "US-ASCII", "ASCII", NULL};
	static const char *const wide[] = {"UTF-16",   "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE",
					   "UTF-32BE", "UTF16",    "UCS-2",    "UCS-4",  NULL};
	AUTO_BUF struct buf b = {0};
	char name[NAME_MAX_LEN] = "";
	const char *encoding = NULL;
	size_t at, n, skip = 0;
	for (size_t i = 0; i < ARRAY_SIZE(beginnings) && !encoding; i++)
		if (len >= beginnings[i].len && !memcmp(text, beginnings[i].bytes, beginnings[i].len)) {
			encoding = beginnings[i].encoding;
			skip = beginnings[i].skip;
		}
	if (!encoding && declared(text, len, &at, &n, name) && !one_of(name, utf8)) {
		char show[NAME_MAX_LEN];
		str_printable(name, show, sizeof(show));
		if (!good_name(name))
			return err_set(e, EINVAL, "%s:1: '%s' is not the name of an encoding", where, show);
		if (one_of(name, wide))
			return err_set(e, EINVAL,
				       "%s:1: the file says encoding='%s' but has one byte for each character: "
				       "write encoding='UTF-8'",
				       where, show);
		encoding = name;
	}
	if (encoding && strcmp(encoding, "UTF-8")) {
		int rc = convert(text + skip, len - skip, encoding, where, &b, e);
		if (rc)
			return rc;
	} else {
		buf_add(&b, text + skip, len - skip);
	}
	if (declared(buf_text(&b), b.len, &at, &n, name) && strcasecmp(name, "UTF-8"))
		memset(b.s + at, ' ', n); /* it says so no more; lines and columns stay */
	*out_len = b.len;
	*out = buf_take(&b);
	return 0;
}

int xml_utf8_text(char **text, size_t len, const char *where, struct err *e)
{
	char *out = NULL;
	size_t n = 0;
	int rc = xml_utf8(*text, len, where, &out, &n, e);
	if (rc)
		return rc;
	if (strlen(out) < n) {
		rc = err_set(e, EINVAL, "%s:%u: not well-formed XML: a byte of value 0", where,
			     lines(out, strlen(out)));
		free(out);
		return rc;
	}
	free(*text);
	*text = out;
	return 0;
}

int xml_read(const char *path, size_t max, char **text, struct err *e)
{
	AUTO_FREE char *raw = NULL;
	size_t len = 0;
	int rc = file_read(path, max, &raw, &len, e);
	if (!rc)
		rc = xml_utf8_text(&raw, len, path, e);
	if (!rc)
		*text = TAKE_PTR(raw);
	return rc;
}
