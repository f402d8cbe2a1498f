/* Strings: allocation that cannot fail quietly, and a growing buffer. */
#ifndef SRC_BASE_STR_H
#define SRC_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As their namesakes; no memory ends the process with a sentence on stderr. Not for vmdeck-vmm's data
 * path. */
void *x_malloc(size_t n);
void *x_calloc(size_t n, size_t size);
void *x_realloc(void *p, size_t n);
char *x_strdup(const char *s); /* NULL stays NULL */
char *x_strndup(const char *s, size_t n);
char *x_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Parse all of @s as an unsigned number (base 0: decimal, 0x, 0). false: not a number, out of range, or
 * anything behind it; @out is then untouched. */
bool str_u64(const char *s, uint64_t *out);

/* The character at *@s of UTF-8 text, *@s behind it; UINT32_MAX, and one byte, where there is none. */
uint32_t str_utf8(const char **s);
/* Is @c one of those that are not seen and change how others are shown: Unicode's Cf, Zl and Zp? */
bool str_invisible(uint32_t c);
/* Copy @s to @out (size @n) with control characters, invisible ones and invalid UTF-8 shown as '?', so that
 * text from outside cannot drive a terminal or look like another. Always terminated. Return: @out. */
char *str_printable(const char *s, char *out, size_t n);

/* The same in place, for text of several lines: newlines and tabs stay; the length too. Return: @s. */
char *str_mask(char *s);

/* How far apart two words are (Levenshtein), for "did you mean". */
unsigned str_distance(const char *a, const char *b);

/* A growing byte buffer. Zero-initialise; @s is NULL when empty, else terminated by a 0 not counted in
 * @len. */
struct buf {
	char *s;
	size_t len;
	size_t cap;
};

void buf_add(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* As base64, with padding, without line ends. (RFC 4648, section 4) */
void buf_base64(struct buf *b, const void *p, size_t n);
void buf_drop(struct buf *b, size_t n); /* forget the first n bytes */
void buf_done(struct buf *b);           /* frees; usable again afterwards */
/* The text, "" when empty. Owned by @b. */
const char *buf_text(const struct buf *b);
/* The text, now the caller's (never NULL). @b is empty afterwards. */
char *buf_take(struct buf *b);

#define AUTO_BUF __attribute__((cleanup(buf_done)))

#endif
