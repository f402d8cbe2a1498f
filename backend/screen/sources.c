#include "backend/screen/sources.h"

#include <netinet/in.h>
#include <string.h>

static struct source *find(struct sources *s, const struct source_key *key)
{
	for (unsigned i = 0; i < SOURCES; i++)
		if (s->v[i].wrong && source_same(&s->v[i].key, key))
			return &s->v[i];
	return NULL;
}

/* A free row, or that of who has guessed least; of those, longest ago. */
static struct source *room(struct sources *s)
{
	struct source *best = &s->v[0];
	for (unsigned i = 0; i < SOURCES; i++) {
		struct source *v = &s->v[i];
		if (v->wrong < best->wrong || (v->wrong == best->wrong && v->at < best->at))
			best = v;
	}
	return best;
}

static int64_t pause_ms(const struct source *v)
{
	if (v->wrong < SOURCE_FREE)
		return 0;
	unsigned doubled = v->wrong - SOURCE_FREE;
	int64_t ms = doubled > 16 ? SOURCE_LONGEST_MS : (int64_t)SOURCE_FIRST_MS << doubled;
	return ms < SOURCE_LONGEST_MS ? ms : SOURCE_LONGEST_MS;
}

static void forget(struct source *v, int64_t now)
{
	while (v->wrong && now >= v->at + SOURCE_FORGET_MS) {
		v->wrong /= 2;
		v->at += SOURCE_FORGET_MS;
	}
}

struct source_key source_key(const struct sockaddr_storage *a)
{
	struct source_key k = {{(uint8_t)a->ss_family}};
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	if (a->ss_family == AF_INET) {
		memcpy(k.b + 1, &v4->sin_addr, 4);
	} else if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		k.b[0] = AF_INET;
		memcpy(k.b + 1, v6->sin6_addr.s6_addr + 12, 4);
	} else if (a->ss_family == AF_INET6) {
		memcpy(k.b + 1, &v6->sin6_addr, 8);
	}
	return k;
}

bool source_same(const struct source_key *a, const struct source_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

int64_t sources_challenge(struct sources *s, const struct source_key *key, int64_t now, int64_t max_ms)
{
	struct source *v = find(s, key);
	if (v)
		forget(v, now);
	int64_t ms = v ? pause_ms(v) : 0;
	if (!ms)
		return now;
	int64_t at = v->next > now ? v->next : now;
	if (at - now <= max_ms)
		v->next = at + ms;
	return at;
}

unsigned sources_wrong(struct sources *s, const struct source_key *key, int64_t now)
{
	struct source *v = find(s, key);
	if (v)
		forget(v, now);
	if (!v || !v->wrong) {
		v = v ? v : room(s);
		*v = (struct source){.key = *key};
	}
	v->wrong++;
	v->at = now;
	int64_t next = now + pause_ms(v);
	if (v->wrong >= SOURCE_FREE && v->next < next)
		v->next = next;
	return v->wrong;
}

void sources_right(struct sources *s, const struct source_key *key)
{
	struct source *v = find(s, key);
	if (v)
		*v = (struct source){0};
}
