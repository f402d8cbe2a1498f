/* XML documents: the only place that knows libxml2, and typed reading of values with errors that say where.
 *
 * A document is parsed once, kept, read and edited in place; comments, order, whitespace and foreign
 * namespaces survive xml_text(). What comes in is not trusted: at most XML_SIZE_MAX bytes of UTF-8, which other
 * encodings become first, 256 levels (libxml2's own limit), no document type (so no entities of its own, no
 * files or network), nothing fetched.
 *
 * libxml2 is initialised by the first xml_parse(); its globals live until the process ends
 * (xmlCleanupParser() is for unloading the library, which we never do). Not thread safe: one thread per
 * document, the first parse before threads. */
#ifndef SRC_MODEL_XML_H
#define SRC_MODEL_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define XML_SIZE_MAX (1u << 20) /* bytes of text */
#define XML_PATH_MAX 256        /* of xml_path(), longer ones are cut */

struct xml;      /* a document */
struct xml_node; /* an element in it; lives as long as the document */

/* @where names the source in errors; copied. -EINVAL with "WHERE:LINE: ..."; *out is the caller's. */
int xml_parse(const char *text, size_t len, const char *where, struct xml **out, struct err *e);

/* @text in UTF-8, by its byte order mark or declaration (xml_encoding.c); a declaration of another encoding is
 * blanked out, so that it can be parsed again. *out is terminated and the caller's. -EINVAL. */
int xml_utf8(const char *text, size_t len, const char *where, char **out, size_t *out_len, struct err *e);
/* The same in place, for text that becomes a string: a byte of value 0 is refused. */
int xml_utf8_text(char **text, size_t len, const char *where, struct err *e);
/* A file of at most @max bytes as such text, the caller's to free. */
int xml_read(const char *path, size_t max, char **text, struct err *e);
struct xml *xml_copy(const struct xml *x);
void xml_free(struct xml *x);

/* The document as text, as libvirt writes it (no XML declaration, values in single quotes, a newline at the
 * end), the caller's to free. */
char *xml_text(const struct xml *x);

struct xml_node *xml_root(const struct xml *x);
/* Child elements in order; @name NULL = any. Only names without a namespace match @name. NULL at the end. */
struct xml_node *xml_first(const struct xml_node *n, const char *name);
struct xml_node *xml_next(const struct xml_node *n, const char *name);
struct xml_node *xml_parent(const struct xml_node *n); /* NULL for the root */

const char *xml_name(const struct xml_node *n);      /* without prefix */
const char *xml_namespace(const struct xml_node *n); /* URI, or NULL */
unsigned xml_line(const struct xml_node *n);         /* 0 for an element that was added */
/* The element as a person finds it: "devices/disk/target", without the root. Return: @out. */
char *xml_path(const struct xml_node *n, char out[XML_PATH_MAX]);

/* An attribute without a namespace, or NULL. Valid until the element's attributes are changed. */
const char *xml_attr(const struct xml_node *n, const char *name);
/* Name of the @i-th attribute without a namespace, NULL past the last. */
const char *xml_attr_name(const struct xml_node *n, unsigned i);
/* The text in an element, without what its children hold, the caller's to free; "" when there is none. */
char *xml_content(const struct xml_node *n);

void xml_set_attr(struct xml_node *n, const char *name, const char *value); /* NULL removes it */
/* Add an element behind the child @after (NULL: as the last), indented as its siblings are. */
struct xml_node *xml_add(struct xml_node *parent, struct xml_node *after, const char *name,
			 const char *content);

/* The text of an element instead of all that is in it. */
void xml_set_content(struct xml_node *n, const char *content);
/* Move all that is in @from behind what is in @to, attributes too that @to has not, and take @from away. */
void xml_merge(struct xml_node *to, struct xml_node *from);
/* Take an element away, with all in it. */
void xml_remove(struct xml_node *n);

/* "WHERE:LINE: path/@attr: text" as the error; @attr NULL: the element. Return: -EINVAL. */
int xml_bad(const struct xml_node *n, const char *attr, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* @s as it stands in a text or in an attribute with single quotes. */
struct buf;
void xml_escape(struct buf *b, const char *s);

/* Typed values of an attribute, or of the element's text when @attr is NULL. Numbers are decimal as libvirt has
 * them ("010" is ten), or begin with 0x. Without the attribute (or with
 * an empty element) *out keeps what it has. -EINVAL with the value and what is allowed. */
int xml_get_u64(const struct xml_node *n, const char *attr, uint64_t min, uint64_t max, uint64_t *out,
		struct err *e);
int xml_get_unsigned(const struct xml_node *n, const char *attr, unsigned min, unsigned max, unsigned *out,
		     struct err *e);
/* The same as C writes numbers, as libvirt takes those of addresses: 0x1f, 037 or 31. */
int xml_get_address(const struct xml_node *n, const char *attr, unsigned max, unsigned *out, struct err *e);
/* @names: "a|b|c"; *out becomes the index of the value. */
int xml_get_choice(const struct xml_node *n, const char *attr, const char *names, unsigned *out,
		   struct err *e);
/* An absolute path without control characters; an old *out is freed. Empty counts as absent. */
int xml_get_path(const struct xml_node *n, const char *attr, char **out, struct err *e);
/* A number with unit='...' in bytes (libvirt's scaledInteger; without a unit KiB). -EINVAL on overflow. */
int xml_get_size(const struct xml_node *n, uint64_t *bytes, struct err *e);

#endif
