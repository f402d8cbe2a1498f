#include "src/model/xml.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

struct xml {
	xmlDoc *doc;
	char *where;
};

/* While parsing: what went wrong first. */
struct parse {
	bool doctype;
	unsigned line;
	char msg[512];
};

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error_ptr;
#else
typedef xmlErrorPtr xml_error_ptr;
#endif

static const xmlNode *real(const struct xml_node *n)
{
	return (const xmlNode *)n;
}

static xmlNode *real_rw(struct xml_node *n)
{
	return (xmlNode *)n;
}

static struct xml_node *wrap(const xmlNode *n)
{
	return (struct xml_node *)n;
}

static void on_error(void *ctx, xml_error_ptr err)
{
	struct parse *p = ((xmlParserCtxt *)ctx)->_private;
	if (p->msg[0] || err->level == XML_ERR_WARNING)
		return;
	p->line = err->line > 0 ? (unsigned)err->line : 0;
	const char *text = err->message ? err->message : "the parser gave up";
	if (strstr(text, "Excessive depth"))
		text = "elements more than 256 deep";
	AUTO_FREE char *first_line = x_strndup(text, strcspn(text, "\n"));
	str_printable(first_line, p->msg, sizeof(p->msg));
}

/* Called before anything in a document type is read: nothing in it is ever looked at. */
static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
	xmlParserCtxt *c = ctx;
	struct parse *p = c->_private;
	p->doctype = true;
	p->line = c->input ? (unsigned)c->input->line : 0;
	xmlStopParser(c);
}

static xmlDoc *read_doc(const char *text, size_t len, struct parse *p)
{
	xmlParserCtxt *c = xmlNewParserCtxt();
	if (!c || !c->sax) {
		snprintf(p->msg, sizeof(p->msg), "out of memory");
		return NULL;
	}
	c->_private = p;
	c->sax->serror = on_error;
	c->sax->internalSubset = on_doctype;
	/* NOENT is safe here: a document type, where entities come from, is refused above, and what is left
	 * are the five of XML itself; it makes every attribute value one string. A given encoding keeps iconv
	 * and ICU out. */
	int options = XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_BIG_LINES | XML_PARSE_IGNORE_ENC;
	xmlDoc *doc = xmlCtxtReadMemory(c, text, (int)len, NULL, "UTF-8", options);
	bool good = c->wellFormed && c->nsWellFormed && !p->doctype;
	xmlFreeParserCtxt(c);
	if (doc && !good) {
		xmlFreeDoc(doc);
		doc = NULL;
	}
	return doc;
}

/* @text is UTF-8. */
static int parse_utf8(const char *text, size_t len, const char *where, struct xml **out, struct err *e)
{
	if (len > XML_SIZE_MAX)
		return err_set(e, EINVAL, "%s: %zu bytes is too large for XML of ours; at most %u", where,
			       len, XML_SIZE_MAX);
	const char *p = text;
	while (p < text + len && strchr(" \t\r\n", *p) && *p)
		p++;
	if (p == text + len)
		return err_set(e, EINVAL, "%s: empty, there is no XML in it", where);
	struct parse parse = {0};
	xmlDoc *doc = read_doc(text, len, &parse);
	if (!doc && parse.doctype)
		return err_set(e, EINVAL, "%s:%u: a document type (<!DOCTYPE ...>) is not allowed: remove it",
			       where, parse.line);
	if (!doc)
		return err_set(e, EINVAL, "%s:%u: not well-formed XML: %s", where, parse.line,
			       parse.msg[0] ? parse.msg : "the parser gave up");
	if (!xmlDocGetRootElement(doc)) {
		xmlFreeDoc(doc);
		return err_set(e, EINVAL, "%s: no element in it", where);
	}
	struct xml *x = x_calloc(1, sizeof(*x));
	x->doc = doc;
	x->where = x_strdup(where);
	doc->_private = x;
	*out = x;
	return 0;
}

int xml_parse(const char *text, size_t len, const char *where, struct xml **out, struct err *e)
{
	AUTO_FREE char *utf8 = NULL;
	size_t n = 0;
	if (len > 4 * XML_SIZE_MAX)
		return parse_utf8(text, len, where, out, e);
	int rc = xml_utf8(text, len, where, &utf8, &n, e);
	return rc ? rc : parse_utf8(utf8, n, where, out, e);
}

/* As x_malloc() does, for what libxml2 could not allocate. */
static __attribute__((noreturn)) void no_memory(void)
{
	fputs("vmdeck: out of memory\n", stderr);
	exit(1);
}

struct xml *xml_copy(const struct xml *x)
{
	struct xml *y = x_calloc(1, sizeof(*y));
	y->where = x_strdup(x->where);
	y->doc = xmlCopyDoc(x->doc, 1);
	if (!y->doc)
		no_memory();
	y->doc->_private = y;
	return y;
}

void xml_free(struct xml *x)
{
	if (!x)
		return;
	xmlFreeDoc(x->doc);
	free(x->where);
	free(x);
}

struct xml_node *xml_root(const struct xml *x)
{
	return wrap(xmlDocGetRootElement(x->doc));
}

static struct xml_node *element_from(const xmlNode *n, const char *name)
{
	for (; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE &&
		    (!name || (!n->ns && !strcmp((const char *)n->name, name))))
			return wrap(n);
	return NULL;
}

struct xml_node *xml_first(const struct xml_node *n, const char *name)
{
	return element_from(real(n)->children, name);
}

struct xml_node *xml_next(const struct xml_node *n, const char *name)
{
	return element_from(real(n)->next, name);
}

struct xml_node *xml_parent(const struct xml_node *n)
{
	const xmlNode *p = real(n)->parent;
	return p && p->type == XML_ELEMENT_NODE ? wrap(p) : NULL;
}

const char *xml_name(const struct xml_node *n)
{
	return (const char *)real(n)->name;
}

const char *xml_namespace(const struct xml_node *n)
{
	return real(n)->ns ? (const char *)real(n)->ns->href : NULL;
}

unsigned xml_line(const struct xml_node *n)
{
	long line = xmlGetLineNo(real(n));
	return line > 0 ? (unsigned)line : 0;
}

char *xml_path(const struct xml_node *n, char out[XML_PATH_MAX])
{
	size_t at = XML_PATH_MAX - 1;
	char tmp[XML_PATH_MAX];
	tmp[at] = 0;
	const struct xml_node *p = n;
	do {
		char name[XML_PATH_MAX];
		str_printable(xml_name(p), name, sizeof(name));
		size_t k = strlen(name), slash = tmp[at] ? 1 : 0;
		if (k + slash > at)
			break;
		at -= slash;
		if (slash)
			tmp[at] = '/';
		at -= k;
		memcpy(tmp + at, name, k);
		p = xml_parent(p);
	} while (p && xml_parent(p));
	memcpy(out, tmp + at, XML_PATH_MAX - at);
	return out;
}

const char *xml_attr(const struct xml_node *n, const char *name)
{
	for (const xmlAttr *a = real(n)->properties; a; a = a->next)
		if (!a->ns && !strcmp((const char *)a->name, name))
			return a->children && a->children->content ? (const char *)a->children->content : "";
	return NULL;
}

const char *xml_attr_name(const struct xml_node *n, unsigned i)
{
	for (const xmlAttr *a = real(n)->properties; a; a = a->next)
		if (!a->ns && !i--)
			return (const char *)a->name;
	return NULL;
}

char *xml_content(const struct xml_node *n)
{
	struct buf b = {0};
	for (const xmlNode *c = real(n)->children; c; c = c->next)
		if ((c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) && c->content)
			buf_puts(&b, (const char *)c->content);
	return buf_take(&b);
}

void xml_set_attr(struct xml_node *n, const char *name, const char *value)
{
	if (value)
		xmlSetProp(real_rw(n), (const xmlChar *)name, (const xmlChar *)value);
	else
		xmlUnsetProp(real_rw(n), (const xmlChar *)name);
}

/* The whitespace before @n when that starts a new line, else NULL. */
static const char *indent_of(const xmlNode *n)
{
	const xmlNode *t = n->prev;
	if (!t || t->type != XML_TEXT_NODE || !t->content)
		return NULL;
	const char *s = (const char *)t->content, *nl = strrchr(s, '\n');
	return nl && !nl[1 + strspn(nl + 1, " \t")] ? nl : NULL;
}

static bool is_blank(const xmlNode *n)
{
	return n->type == XML_TEXT_NODE && n->content &&
	       !n->content[strspn((const char *)n->content, " \t\r\n")];
}

/* Make @new the only element of @parent, one level deeper than it. */
static void add_only(xmlNode *parent, xmlNode *new)
{
	const char *outer = indent_of(parent);
	while (parent->last && is_blank(parent->last)) {
		xmlNode *t = parent->last;
		xmlUnlinkNode(t);
		xmlFreeNode(t);
	}
	xmlAddChild(parent, new);
	if (!outer)
		return;
	char *inner = x_asprintf("%s  ", outer);
	xmlAddPrevSibling(new, xmlNewDocText(parent->doc, (const xmlChar *)inner));
	xmlAddNextSibling(new, xmlNewDocText(parent->doc, (const xmlChar *)outer));
	free(inner);
}

struct xml_node *xml_add(struct xml_node *parent, struct xml_node *after, const char *name,
			 const char *content)
{
	xmlNode *p = real_rw(parent), *first = (xmlNode *)xml_first(parent, NULL);
	xmlNode *new = xmlNewDocNode(p->doc, NULL, (const xmlChar *)name, NULL);
	if (!new)
		no_memory();
	if (content)
		xmlAddChild(new, xmlNewDocText(p->doc, (const xmlChar *)content));
	xmlNode *behind = real_rw(after);
	for (xmlNode *c = first; !after && c; c = c->next)
		if (c->type == XML_ELEMENT_NODE)
			behind = c;
	if (!behind) {
		add_only(p, new);
		return wrap(new);
	}
	const char *indent = indent_of(first);
	xmlAddNextSibling(behind, new);
	if (indent)
		xmlAddPrevSibling(new, xmlNewDocText(p->doc, (const xmlChar *)indent));
	return wrap(new);
}

int xml_bad(const struct xml_node *n, const char *attr, struct err *e, const char *fmt, ...)
{
	const struct xml *x = real(n)->doc->_private;
	char path[XML_PATH_MAX], msg[768];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(e, EINVAL, "%s:%u: %s%s%s: %s", x->where, xml_line(n), xml_path(n, path),
		       attr ? "/@" : "", attr ? attr : "", msg);
}

static void escape(struct buf *b, const char *s, bool attr)
{
	for (; s && *s; s++) {
		if (*s == '&')
			buf_puts(b, "&amp;");
		else if (*s == '<')
			buf_puts(b, "&lt;");
		else if (*s == '>')
			buf_puts(b, "&gt;");
		else if (*s == '\r' || (attr && (*s == '\n' || *s == '\t')))
			buf_printf(b, "&#%d;", *s);
		else if (attr && *s == '\'')
			buf_puts(b, "&apos;");
		else
			buf_add(b, s, 1);
	}
}

void xml_escape(struct buf *b, const char *s)
{
	escape(b, s, true);
}

static void write_name(struct buf *b, const xmlNs *ns, const xmlChar *name)
{
	if (ns && ns->prefix)
		buf_printf(b, "%s:", ns->prefix);
	buf_puts(b, (const char *)name);
}

static void write_start(struct buf *b, const xmlNode *n)
{
	buf_puts(b, "<");
	write_name(b, n->ns, n->name);
	for (const xmlAttr *a = n->properties; a; a = a->next) {
		buf_puts(b, " ");
		write_name(b, a->ns, a->name);
		buf_puts(b, "='");
		for (const xmlNode *t = a->children; t; t = t->next)
			escape(b, (const char *)t->content, true);
		buf_puts(b, "'");
	}
	for (const xmlNs *ns = n->nsDef; ns; ns = ns->next) {
		buf_printf(b, " xmlns%s%s='", ns->prefix ? ":" : "",
			   ns->prefix ? (const char *)ns->prefix : "");
		escape(b, (const char *)ns->href, true);
		buf_puts(b, "'");
	}
	buf_puts(b, n->children ? ">" : "/>");
}

/* As deep as the parser let it be: 256. */
static void write_node(struct buf *b, const xmlNode *n)
{
	switch ((int)n->type) {
	case XML_ELEMENT_NODE:
		write_start(b, n);
		if (!n->children)
			break;
		for (const xmlNode *c = n->children; c; c = c->next)
			write_node(b, c);
		buf_puts(b, "</");
		write_name(b, n->ns, n->name);
		buf_puts(b, ">");
		break;
	case XML_TEXT_NODE:
		escape(b, (const char *)n->content, false);
		break;
	case XML_CDATA_SECTION_NODE:
		buf_printf(b, "<![CDATA[%s]]>", n->content ? (const char *)n->content : "");
		break;
	case XML_COMMENT_NODE:
		buf_printf(b, "<!--%s-->", n->content ? (const char *)n->content : "");
		break;
	case XML_PI_NODE:
		buf_printf(b, "<?%s %s?>", n->name, n->content ? (const char *)n->content : "");
		break;
	}
}

char *xml_text(const struct xml *x)
{
	struct buf b = {0};
	for (const xmlNode *n = x->doc->children; n; n = n->next) {
		write_node(&b, n);
		buf_puts(&b, "\n");
	}
	return buf_take(&b);
}

void xml_set_content(struct xml_node *n, const char *content)
{
	xmlNode *x = real_rw(n);
	while (x->children) {
		xmlNode *c = x->children;
		xmlUnlinkNode(c);
		xmlFreeNode(c);
	}
	xmlAddChild(x, xmlNewDocText(x->doc, (const xmlChar *)content));
}

void xml_merge(struct xml_node *to, struct xml_node *from)
{
	xmlNode *t = real_rw(to), *f = real_rw(from);
	for (const xmlAttr *a = f->properties; a; a = a->next)
		if (!a->ns && !xml_attr(to, (const char *)a->name))
			xmlSetProp(t, a->name, (const xmlChar *)xml_attr(from, (const char *)a->name));
	if (xml_first(from, NULL) && t->last && is_blank(t->last)) { /* what stood before the end */
		xmlNode *blank = t->last;
		xmlUnlinkNode(blank);
		xmlFreeNode(blank);
	}
	for (xmlNode *c = xml_first(from, NULL) ? f->children : NULL, *next; c; c = next) {
		next = c->next;
		xmlUnlinkNode(c);
		xmlAddChild(t, c); /* frees a text that it joins to another */
	}
	xmlReconciliateNs(t->doc, t); /* prefixes that @from has declared */
	xml_remove(from);
}

void xml_remove(struct xml_node *n)
{
	xmlNode *x = real_rw(n);
	if (indent_of(x)) { /* its line goes with it */
		xmlNode *t = x->prev;
		size_t keep = (size_t)(indent_of(x) - (const char *)t->content);
		char *rest = x_strndup((const char *)t->content, keep); /* the content may be shared with other nodes */
		xmlUnlinkNode(t);
		xmlFreeNode(t);
		if (keep)
			xmlAddPrevSibling(x, xmlNewDocText(x->doc, (const xmlChar *)rest));
		free(rest);
	}
	xmlUnlinkNode(x);
	xmlFreeNode(x);
}
