/* Where connections come from, and how many wrong passwords came from there: who guesses is given challenges
 * ever more slowly, however many connections it makes. A source is an IPv4 address, a /64 of IPv6, or all
 * that comes over a unix socket. The relay's thread's. */
#ifndef BACKEND_SCREEN_SOURCES_H
#define BACKEND_SCREEN_SOURCES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define SOURCES 256
#define SOURCE_FREE 5                  /* so many wrong passwords cost nothing */
#define SOURCE_FIRST_MS 1000           /* then the next challenge waits so long, and twice that after each */
#define SOURCE_LONGEST_MS 60000        /* but no longer than this */
#define SOURCE_FORGET_MS (10 * 60000)  /* after so long without one, half of them are forgotten */

struct source_key {
	uint8_t b[9]; /* family; address */
};

struct sources {
	struct source {
		struct source_key key;
		unsigned wrong;   /* passwords, since the last right one; 0: the row is free */
		int64_t next, at; /* when the next challenge may be sent; when the last wrong one came */
	} v[SOURCES];
};

struct source_key source_key(const struct sockaddr_storage *a);
bool source_same(const struct source_key *a, const struct source_key *b);

/* When a challenge may be sent to @key: @now, or later. It is counted as sent then, unless that is later than
 * @max_ms from now. All times in ms. */
int64_t sources_challenge(struct sources *s, const struct source_key *key, int64_t now, int64_t max_ms);
/* A wrong password came. Return: how many did, since a right one. */
unsigned sources_wrong(struct sources *s, const struct source_key *key, int64_t now);
/* The right one came. */
void sources_right(struct sources *s, const struct source_key *key);

#endif
