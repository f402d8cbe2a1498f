/* TLS of a connection, for the relay. The only file with GnuTLS is tls.c. */
#ifndef BACKEND_SCREEN_TLS_H
#define BACKEND_SCREEN_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/err.h"

struct tls_cred;
struct tls;

/* TLS 1.2 and 1.3 are spoken. What we show to viewers: nothing (encrypted, but they cannot know whom they speak
 * to), or a certificate from PEM files that are open (@ca may be -1; all stay the caller's). @verify: viewers
 * must show one that the CA has signed, or the handshake fails. Connections keep theirs alive. 0 or -errno. */
int tls_cred_anonymous(struct tls_cred **out, struct err *e);
int tls_cred_x509(struct tls_cred **out, int ca, int cert, int key, bool verify, struct err *e);
struct tls_cred *tls_cred_get(struct tls_cred *c); /* one more owner */
void tls_cred_put(struct tls_cred *c); /* NULL is fine */
bool tls_cred_has_certificate(const struct tls_cred *c);

/* The server's end over the socket @fd, which does not block. NULL: no memory. */
struct tls *tls_new(struct tls_cred *c, int fd);
void tls_free(struct tls *t); /* says no farewell */

/* 0: done. -EAGAIN: call again when the socket can be read, or written where tls_wants_write(). Else it
 * failed. */
int tls_handshake(struct tls *t);
bool tls_wants_write(const struct tls *t);
/* As recv() and send() on a socket that does not block: bytes, 0 = end, -EAGAIN or another -errno. What
 * tls_send() was given must stay at the front of the queue until it takes it. */
ssize_t tls_recv(struct tls *t, void *p, size_t n);
ssize_t tls_send(struct tls *t, const void *p, size_t n);
/* Bytes that have been received but not yet asked for: poll() does not know of them. */
size_t tls_pending(const struct tls *t);

void tls_random(void *p, size_t n);
void tls_sha1(const void *p, size_t n, uint8_t out[20]);

#endif
