#include "backend/net/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

#define HEAD 12 /* RFC 1035, 4.1.1 */
#define TRY_MS 1000
#define GIVE_UP_MS 10000
#define CONNECT_MS 3000
#define IDLE_MS 30000
#define MESSAGE_MAX 65535
#define MAC_BYTES 6
#define CHUNK 16384

enum { SERVFAIL = 2, NOTIMP = 4, REFUSED = 5 };

struct question {
	struct packet from; /* whose pointers are not valid but mac */
	uint8_t mac[MAC_BYTES];
	uint16_t id, our_id; /* as on the wire */
	uint8_t *data, *last; /* the question; an answer that said that it failed */
	size_t len, last_len;
	int64_t begun_ms, next_ms; /* begun_ms 0: free */
	size_t server;		   /* that was asked last */
	int fd[RESOLV_MAX];	   /* -1: not asked */
	bool failed[RESOLV_MAX];
	int slot[RESOLV_MAX];
};

/* A connection of the guest and ours to a server, and what was read from each and is not written yet. */
struct stream {
	int fd[2]; /* guest, server; guest -1: free */
	int slot[2];
	size_t server, tried;
	bool connecting, ended[2];
	int64_t at_ms; /* of the last byte, or of connect() */
	struct buf data[2]; /* read from fd[i] */
};

struct dns {
	struct dns_config c;
	struct resolv servers;
	size_t good; /* that answered last */
	int listener[2]; /* 127.0.0.1, ::1; -1: none */
	int slot[2];
	uint16_t port[2];
	struct question q[DNS_QUESTIONS_MAX];
	struct stream s[DNS_STREAMS_MAX];
	uint8_t in[MESSAGE_MAX], out[PACKET_UDP_HEAD + MESSAGE_MAX];
};

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- beginning and end --- */

static int listen_at(const union resolv_address *a, socklen_t len, uint16_t *port)
{
	union resolv_address is;
	socklen_t n = sizeof(is);
	AUTO_CLOSE int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, &a->any, len) < 0 || listen(fd, DNS_STREAMS_MAX) < 0 ||
	    getsockname(fd, &is.any, &n) < 0)
		return -1;
	*port = ntohs(a->any.sa_family == AF_INET ? is.v4.sin_port : is.v6.sin6_port);
	return TAKE_FD(fd);
}

struct dns *dns_new(const struct dns_config *c)
{
	struct dns *d = x_calloc(1, sizeof(*d));
	union resolv_address v4 = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	union resolv_address v6 = {.v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
	d->c = *c;
	resolv_parse("", &d->servers);
	d->listener[0] = listen_at(&v4, sizeof(v4.v4), &d->port[0]);
	d->listener[1] = c->ipv6 ? listen_at(&v6, sizeof(v6.v6), &d->port[1]) : -1;
	for (size_t i = 0; i < DNS_STREAMS_MAX; i++)
		d->s[i].fd[0] = d->s[i].fd[1] = -1;
	return d;
}

static void question_done(struct question *q)
{
	for (size_t i = 0; i < RESOLV_MAX && q->begun_ms; i++)
		fd_close(q->fd[i]);
	free(q->data);
	free(q->last);
	*q = (struct question){0};
}

static void stream_done(struct stream *s)
{
	for (int i = 0; i < 2; i++) {
		fd_close(s->fd[i]);
		buf_done(&s->data[i]);
	}
	*s = (struct stream){.fd = {-1, -1}};
}

void dns_free(struct dns *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < DNS_QUESTIONS_MAX; i++)
		question_done(&d->q[i]);
	for (size_t i = 0; i < DNS_STREAMS_MAX; i++)
		stream_done(&d->s[i]);
	fd_close(d->listener[0]);
	fd_close(d->listener[1]);
	free(d);
}

uint16_t dns_port(const struct dns *d, bool v6)
{
	return d->port[v6];
}

static int open_to(const struct resolv_server *s, int type)
{
	union resolv_address a;
	socklen_t len;
	int rc = resolv_resolve(s, &a, &len);
	if (rc)
		return rc;
	AUTO_CLOSE int fd = socket(a.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (connect(fd, &a.any, len) < 0 && errno != EINPROGRESS))
		return -errno;
	return TAKE_FD(fd);
}

/* --- questions by UDP --- */

static void answer(struct dns *d, struct question *q, const uint8_t *data, size_t len)
{
	size_t room = d->c.mtu - (q->from.v6 ? 48 : 28), end = HEAD;
	memcpy(d->out, data, len); /* packet_udp() moves it to its place */
	memcpy(d->out, &q->id, 2);
	if (len > room) { /* RFC 1035, 4.1.1: cut to the question, which is tried again by TCP */
		while (end < len && data[end] && data[end] < 64)
			end += data[end] + 1u;
		end = end + 5 <= len && data[5] == 1 ? end + 5 : HEAD;
		d->out[2] |= 2;
		d->out[5] = end > HEAD;
		memset(d->out + 6, 0, 6);
		len = end <= room ? end : HEAD;
	}
	AUTO_FREE uint8_t *copy = x_malloc(len);
	memcpy(copy, d->out, len);
	q->from.mac = q->mac;
	size_t n = packet_udp(&q->from, copy, len, d->out);
	d->c.send(d->c.ctx, d->out, n);
	question_done(q);
}

/* What a server said when it could not, else our own words. */
static void answer_failed(struct dns *d, struct question *q)
{
	if (q->last) {
		AUTO_FREE uint8_t *last = TAKE_PTR(q->last);
		answer(d, q, last, q->last_len);
		return;
	}
	q->data[2] |= 0x80; /* a response, recursion available */
	q->data[3] = 0x80 | SERVFAIL;
	answer(d, q, q->data, q->len < HEAD ? HEAD : q->len);
}

static bool all_failed(const struct dns *d, const struct question *q)
{
	for (size_t i = 0; i < d->servers.n; i++)
		if (!q->failed[i])
			return false;
	return true;
}

/* Ask the next server that has not failed. */
static void ask_next(struct dns *d, struct question *q, int64_t now)
{
	while (!all_failed(d, q)) {
		size_t i = q->server = (q->server + 1) % d->servers.n;
		if (q->failed[i])
			continue;
		if (q->fd[i] < 0)
			q->fd[i] = open_to(&d->servers.of[i], SOCK_DGRAM);
		memcpy(q->data, &q->our_id, 2);
		if (q->fd[i] >= 0 && send(q->fd[i], q->data, q->len, MSG_NOSIGNAL) >= 0) {
			q->next_ms = now + TRY_MS;
			return;
		}
		q->failed[i] = true;
	}
	answer_failed(d, q);
}

static struct question *question_new(struct dns *d, const struct packet *p)
{
	struct question *oldest = d->q;
	for (struct question *q = d->q; q < d->q + DNS_QUESTIONS_MAX; q++) {
		if (q->begun_ms && q->from.v6 == p->v6 && q->from.sport == p->sport &&
		    !memcmp(q->from.src, p->src, sizeof(p->src)) && q->len == p->data_len &&
		    !memcmp(&q->id, p->data, 2) && !memcmp(q->data + 2, p->data + 2, q->len - 2))
			return NULL; /* the guest is impatient: it is in work */
		oldest = q->begun_ms < oldest->begun_ms ? q : oldest;
	}
	question_done(oldest);
	return oldest;
}

void dns_ask(struct dns *d, const struct packet *p)
{
	if (p->data_len < HEAD || p->data_len > d->c.mtu || p->data[2] & 0x80)
		return;
	struct question *q = question_new(d, p);
	if (!q)
		return;
	int64_t now = now_ms();
	*q = (struct question){.from = *p, .begun_ms = now, .len = p->data_len, .data = x_malloc(p->data_len)};
	memcpy(q->mac, p->mac, MAC_BYTES);
	memcpy(q->data, p->data, p->data_len);
	memcpy(&q->id, p->data, 2);
	if (getrandom(&q->our_id, sizeof(q->our_id), 0) < 0)
		q->our_id = q->id;
	for (size_t i = 0; i < RESOLV_MAX; i++)
		q->fd[i] = q->slot[i] = -1;
	q->server = (d->good + d->servers.n - 1) % d->servers.n;
	ask_next(d, q, now);
}

static void hear(struct dns *d, struct question *q, size_t i, int64_t now)
{
	ssize_t n = recv(q->fd[i], d->in, sizeof(d->in), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n >= 0 && (n < HEAD || memcmp(d->in, &q->our_id, 2) != 0 || !(d->in[2] & 0x80)))
		return; /* no answer to this */
	unsigned code = n < 0 ? SERVFAIL : d->in[3] & 15;
	if (code != SERVFAIL && code != NOTIMP && code != REFUSED) {
		d->good = i;
		answer(d, q, d->in, (size_t)n);
		return;
	}
	if (n > 0) {
		free(q->last);
		q->last = x_malloc((size_t)n);
		memcpy(q->last, d->in, (size_t)n);
		q->last_len = (size_t)n;
	}
	q->failed[i] = true;
	if (i == q->server || all_failed(d, q))
		ask_next(d, q, now);
}

static void question_turn(struct dns *d, struct question *q, const struct pollfd *p, int64_t now)
{
	for (size_t i = 0; i < RESOLV_MAX && q->begun_ms; i++)
		if (q->fd[i] >= 0 && q->slot[i] >= 0 && p[q->slot[i]].revents)
			hear(d, q, i, now);
	if (q->begun_ms && now - q->begun_ms >= GIVE_UP_MS)
		answer_failed(d, q);
	else if (q->begun_ms && now >= q->next_ms)
		ask_next(d, q, now);
}

void dns_servers(struct dns *d, const struct resolv *r)
{
	int64_t now = now_ms();
	if (!memcmp(&d->servers, r, sizeof(*r)))
		return;
	d->servers = *r;
	d->good = 0;
	for (struct question *q = d->q; q < d->q + DNS_QUESTIONS_MAX; q++) {
		if (!q->begun_ms)
			continue;
		for (size_t i = 0; i < RESOLV_MAX; i++) {
			fd_close(q->fd[i]);
			q->fd[i] = q->slot[i] = -1;
			q->failed[i] = false;
		}
		q->server = r->n - 1;
		ask_next(d, q, now);
	}
}

/* --- TCP --- */

/* Connect to the next server; when none is left, the guest's end is closed. */
static void stream_connect(struct dns *d, struct stream *s, int64_t now)
{
	fd_close(s->fd[1]);
	s->fd[1] = s->slot[1] = -1;
	while (s->fd[1] < 0 && s->tried++ < d->servers.n) {
		s->fd[1] = open_to(&d->servers.of[s->server % d->servers.n], SOCK_STREAM);
		s->server++;
	}
	s->connecting = true;
	s->at_ms = now;
	if (s->fd[1] < 0)
		stream_done(s);
}

static void stream_accept(struct dns *d, int listener, int64_t now)
{
	union resolv_address a;
	socklen_t len = sizeof(a);
	AUTO_CLOSE int fd = accept4(listener, &a.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 || !d->c.is_guests(d->c.ctx, &a.any, len))
		return;
	struct stream *s = d->s;
	for (struct stream *o = d->s; o < d->s + DNS_STREAMS_MAX; o++)
		s = s->fd[0] < 0 || (o->fd[0] >= 0 && o->at_ms >= s->at_ms) ? s : o;
	stream_done(s);
	*s = (struct stream){.fd = {TAKE_FD(fd), -1}, .slot = {-1, -1}, .server = d->good};
	stream_connect(d, s, now);
}

/* Read from one side unless the other has not taken what was read before. false: it is over. */
static bool move(struct dns *d, struct stream *s, int from, int64_t now)
{
	struct buf *b = &s->data[from];
	int to = s->fd[!from];
	if (!b->len && !s->ended[from]) {
		ssize_t n = recv(s->fd[from], d->in, CHUNK, MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0)
			buf_add(b, d->in, (size_t)n);
		s->at_ms = n > 0 ? now : s->at_ms;
		s->ended[from] = n == 0;
	}
	if (b->len) {
		ssize_t n = send(to, b->s, b->len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0)
			buf_drop(b, (size_t)n);
	}
	if (s->ended[from] && !b->len)
		shutdown(to, SHUT_WR);
	return !(s->ended[0] && s->ended[1] && !s->data[0].len && !s->data[1].len);
}

static void stream_turn(struct dns *d, struct stream *s, const struct pollfd *p, int64_t now)
{
	short server = s->slot[1] < 0 ? 0 : p[s->slot[1]].revents;
	int code = 0;
	socklen_t len = sizeof(code);
	if (s->connecting) {
		if (server && getsockopt(s->fd[1], SOL_SOCKET, SO_ERROR, &code, &len) == 0 && !code) {
			s->connecting = false;
			s->at_ms = now;
		} else if (server || now - s->at_ms >= CONNECT_MS) {
			stream_connect(d, s, now);
			return;
		}
	}
	if (now - s->at_ms >= IDLE_MS ||
	    (!s->connecting && (!move(d, s, 0, now) || !move(d, s, 1, now))))
		stream_done(s);
}

/* --- the loop's turn --- */

static void sooner(uint32_t *timeout_ms, int64_t at, int64_t now)
{
	uint32_t ms = at <= now ? 0 : (uint32_t)(at - now);
	*timeout_ms = ms < *timeout_ms ? ms : *timeout_ms;
}

static int add(struct pollfd *p, size_t *n, int fd, short events)
{
	p[*n] = (struct pollfd){.fd = fd, .events = events};
	return (int)(*n)++;
}

static void stream_poll(struct stream *s, struct pollfd *p, size_t *n, uint32_t *timeout_ms, int64_t now)
{
	sooner(timeout_ms, s->at_ms + (s->connecting ? CONNECT_MS : IDLE_MS), now);
	for (int i = 0; i < 2; i++) {
		short want = s->data[!i].len || (i && s->connecting) ? POLLOUT : 0;
		if (!s->connecting && !s->data[i].len && !s->ended[i])
			want |= POLLIN;
		s->slot[i] = want ? add(p, n, s->fd[i], want) : -1;
	}
}

size_t dns_poll(struct dns *d, struct pollfd *p, uint32_t *timeout_ms)
{
	size_t n = 0;
	int64_t now = now_ms();
	for (int i = 0; i < 2; i++)
		d->slot[i] = d->listener[i] < 0 ? -1 : add(p, &n, d->listener[i], POLLIN);
	for (struct question *q = d->q; q < d->q + DNS_QUESTIONS_MAX; q++) {
		if (!q->begun_ms)
			continue;
		sooner(timeout_ms, q->next_ms, now);
		for (size_t i = 0; i < RESOLV_MAX; i++)
			q->slot[i] = q->fd[i] < 0 || q->failed[i] ? -1 : add(p, &n, q->fd[i], POLLIN);
	}
	for (struct stream *s = d->s; s < d->s + DNS_STREAMS_MAX; s++)
		if (s->fd[0] >= 0)
			stream_poll(s, p, &n, timeout_ms, now);
	return n;
}

void dns_turn(struct dns *d, const struct pollfd *p)
{
	int64_t now = now_ms();
	for (struct question *q = d->q; q < d->q + DNS_QUESTIONS_MAX; q++)
		if (q->begun_ms)
			question_turn(d, q, p, now);
	for (struct stream *s = d->s; s < d->s + DNS_STREAMS_MAX; s++)
		if (s->fd[0] >= 0)
			stream_turn(d, s, p, now);
	for (int i = 0; i < 2; i++)
		if (d->slot[i] >= 0 && p[d->slot[i]].revents)
			stream_accept(d, d->listener[i], now);
}
