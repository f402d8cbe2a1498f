#include "src/base/resolv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

#define REFUSAL_MS 50 /* what listens on this host refuses at once, or not at all */
#define ADDRESS_MAX (INET6_ADDRSTRLEN + IF_NAMESIZE)

static bool parse_server(char *word, struct resolv_server *s)
{
	*s = (struct resolv_server){0};
	char *zone = strchr(word, '%');
	if (zone) {
		*zone++ = 0;
		if (!*zone || strlen(zone) >= sizeof(s->zone))
			return false;
		memcpy(s->zone, zone, strlen(zone) + 1);
	}
	if (!zone && inet_pton(AF_INET, word, &s->addr.v4.sin_addr) == 1) {
		s->addr.v4.sin_family = AF_INET;
		s->addr.v4.sin_port = htons(RESOLV_PORT);
		return true;
	}
	if (inet_pton(AF_INET6, word, &s->addr.v6.sin6_addr) != 1)
		return false;
	s->addr.v6.sin6_family = AF_INET6;
	s->addr.v6.sin6_port = htons(RESOLV_PORT);
	return true;
}

/* glibc's way: the word is at the beginning of the line, the address ends at a blank, a comment or the end. */
static void parse_line(const char *line, size_t len, struct resolv *out)
{
	static const char word[] = "nameserver";
	const size_t n = sizeof(word) - 1;
	char address[ADDRESS_MAX];
	if (out->n == RESOLV_MAX || len <= n || memcmp(line, word, n) != 0 || (line[n] != ' ' && line[n] != '\t'))
		return;
	const char *p = line + n, *end = line + len;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	size_t k = 0;
	while (p + k < end && !strchr(" \t\r;#", p[k]))
		k++;
	if (!k || k >= sizeof(address))
		return;
	memcpy(address, p, k);
	address[k] = 0;
	if (parse_server(address, &out->of[out->n]))
		out->n++;
}

void resolv_parse(const char *text, struct resolv *out)
{
	char localhost[] = "127.0.0.1";
	*out = (struct resolv){0};
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n");
		parse_line(p, len, out);
		p += len + (p[len] != 0);
	}
	if (!out->n)
		parse_server(localhost, &out->of[out->n++]);
}

int resolv_resolve(const struct resolv_server *s, union resolv_address *out, socklen_t *len)
{
	*out = s->addr;
	*len = s->addr.any.sa_family == AF_INET ? sizeof(out->v4) : sizeof(out->v6);
	if (!*s->zone)
		return 0;
	out->v6.sin6_scope_id = if_nametoindex(s->zone);
	if (!out->v6.sin6_scope_id)
		out->v6.sin6_scope_id = (uint32_t)strtoul(s->zone, NULL, 10);
	return out->v6.sin6_scope_id ? 0 : -ENODEV;
}

static bool of_this_host(const union resolv_address *a)
{
	return a->any.sa_family == AF_INET ? ntohl(a->v4.sin_addr.s_addr) >> 24 == 127
					   : IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

/* 0: it may answer. */
static int try_server(const struct resolv_server *s)
{
	/* RFC 1035, 4.1: an id, "recursion desired", one question: the name servers of the root */
	static const uint8_t question[] = {0x76, 0x64, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1};
	union resolv_address a;
	socklen_t len;
	uint8_t answer[512];
	int rc = resolv_resolve(s, &a, &len);
	if (rc)
		return rc;
	AUTO_CLOSE int fd = socket(a.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &a.any, len) < 0)
		return -errno;
	if (!of_this_host(&a))
		return 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	if (send(fd, question, sizeof(question), MSG_NOSIGNAL) < 0)
		return -errno;
	return poll(&p, 1, REFUSAL_MS) == 1 && recv(fd, answer, sizeof(answer), MSG_DONTWAIT) < 0 ? -errno : 0;
}

bool resolv_reachable(const struct resolv *r, int *why)
{
	for (size_t i = 0; i < r->n; i++) {
		int rc = try_server(&r->of[i]);
		if (!rc)
			return true;
		if (why)
			*why = -rc;
	}
	return false;
}

char *resolv_text(const struct resolv *r)
{
	AUTO_BUF struct buf b = {0};
	char text[INET6_ADDRSTRLEN];
	for (size_t i = 0; i < r->n; i++) {
		const struct resolv_server *s = &r->of[i];
		const void *a = s->addr.any.sa_family == AF_INET ? (const void *)&s->addr.v4.sin_addr
								 : (const void *)&s->addr.v6.sin6_addr;
		buf_printf(&b, "%s%s%s%s", i ? ", " : "", inet_ntop(s->addr.any.sa_family, a, text, sizeof(text)),
			   *s->zone ? "%" : "", s->zone);
	}
	return buf_take(&b);
}
