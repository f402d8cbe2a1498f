/* delay PORT TO_PORT MS [KIB_S] - a long line: what comes to PORT on 127.0.0.1 goes on to TO_PORT there, and
 * what comes back comes back, each MS later, at most so many KiB a second each way. Ends when its stdin does.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINES 32
#define CHUNK 4096
#define CHUNKS 512 /* on their way; more are not taken */

struct way {
	struct chunk {
		double due;
		size_t n, done;
		char p[CHUNK];
	} * c; /* CHUNKS of them, a ring */
	size_t first, n;
	double free; /* when the last one will have gone by */
	bool ended;
};

static struct line {
	int fd[2];         /* who came; where to. 0: none */
	struct way way[2]; /* from [0] to [1]; from [1] to [0] */
} lines[LINES];
static double delay, rate; /* ms, bytes a ms; 0: any */

static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1000 + (double)ts.tv_nsec / 1e6;
}

static struct sockaddr_in local(const char *port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons((uint16_t)atoi(port))};
}

static void line_end(struct line *l)
{
	for (int i = 0; i < 2; i++) {
		close(l->fd[i]);
		free(l->way[i].c);
	}
	memset(l, 0, sizeof(*l));
}

static void line_new(int listener, const char *port)
{
	struct sockaddr_in a = local(port);
	int one = 1, from = accept(listener, NULL, NULL), to = socket(AF_INET, SOCK_STREAM, 0);
	struct line *l = lines;
	while (l < lines + LINES && l->fd[0])
		l++;
	if (l == lines + LINES || connect(to, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(from);
		close(to);
		return;
	}
	setsockopt(from, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*l = (struct line){.fd = {from, to}};
	for (int i = 0; i < 2; i++)
		l->way[i].c = calloc(CHUNKS, sizeof(struct chunk));
}

static void take(struct way *w, int fd)
{
	struct chunk *c = &w->c[(w->first + w->n) % CHUNKS];
	ssize_t n = recv(fd, c->p, CHUNK, MSG_DONTWAIT);
	double now = now_ms();
	w->ended = n <= 0;
	if (n <= 0)
		return;
	w->free = (w->free > now ? w->free : now) + (rate > 0 ? (double)n / rate : 0);
	c->due = w->free + delay;
	c->n = (size_t)n;
	c->done = 0;
	w->n++;
}

/* false: nobody takes it. */
static bool give(struct way *w, int fd)
{
	while (w->n && w->c[w->first].due <= now_ms()) {
		struct chunk *c = &w->c[w->first];
		ssize_t n = send(fd, c->p + c->done, c->n - c->done, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return true;
		c->done += (size_t)n;
		if (c->done < c->n)
			return true;
		w->first = (w->first + 1) % CHUNKS;
		w->n--;
	}
	return !(w->ended && !w->n);
}

int main(int argc, char **argv)
{
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	if (argc < 4)
		return 2;
	struct sockaddr_in a = local(argv[1]);
	delay = atof(argv[3]);
	rate = argc > 4 ? atof(argv[4]) * 1.024 : 0;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(listener, LINES) < 0) {
		perror(argv[1]);
		return 1;
	}
	for (;;) {
		struct pollfd p[2 + 2 * LINES] = {{.fd = 0, .events = POLLIN},
						  {.fd = listener, .events = POLLIN}};
		double at = now_ms() + 1000;
		for (int i = 0; i < LINES; i++)
			for (int k = 0; k < 2; k++) {
				const struct way *w = &lines[i].way[k];
				bool room = lines[i].fd[0] && w->n < CHUNKS && !w->ended;
				p[2 + 2 * i + k] =
				    (struct pollfd){.fd = room ? lines[i].fd[k] : -1, .events = POLLIN};
				if (w->n && w->c[w->first].due < at)
					at = w->c[w->first].due;
			}
		int wait = (int)(at - now_ms() + 0.999);
		poll(p, 2 + 2 * LINES, wait < 1 ? 1 : wait);
		if (p[0].revents && getchar() == EOF)
			return 0;
		for (int i = 0; i < LINES; i++) {
			struct line *l = &lines[i];
			for (int k = 0; k < 2; k++)
				if (l->fd[0] && p[2 + 2 * i + k].revents)
					take(&l->way[k], l->fd[k]);
			if (l->fd[0] && (!give(&l->way[0], l->fd[1]) || !give(&l->way[1], l->fd[0])))
				line_end(l);
		}
		if (p[1].revents)
			line_new(listener, argv[2]);
	}
}
