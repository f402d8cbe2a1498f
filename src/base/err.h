/* Errors: a code for the program and one sentence for a person. On the caller's stack: nothing to allocate,
 * nothing to free. */
#ifndef SRC_BASE_ERR_H
#define SRC_BASE_ERR_H

struct err {
	int code;       /* errno value, 0 = no error */
	char msg[1024]; /* one line for a person: what, value, remedy */
};

/* Fill @e (may be NULL) and return -code, so that "return err_set(e, errno, ...)" is the idiom.
 * The text gets no errno suffix of its own. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* err_set() with ": " and strerror(code) behind the text. */
int err_sys(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put "text: " before the message that @e has; return -e->code. For context on the way up. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
