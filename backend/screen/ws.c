#include "backend/screen/ws.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "backend/screen/names.h"
#include "backend/screen/tls.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"

/* RFC 6455, 5.2 and 4.2.2 */
enum { OP_CONTINUE, OP_TEXT, OP_BINARY, OP_CLOSE = 8, OP_PING, OP_PONG };
#define FIN 0x80
#define MASKED 0x80
#define CONTROL_MAX 125
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_LEN 24

struct request {
	char key[64], host[256], origin[256], protocol[256];
	bool upgrade;
};

/* One line of the request, terminated. */
static void header(struct request *r, const char *line)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} known[] = {
	    {"Sec-WebSocket-Key:", r->key, sizeof(r->key)},
	    {"Sec-WebSocket-Protocol:", r->protocol, sizeof(r->protocol)},
	    {"Host:", r->host, sizeof(r->host)},
	    {"Origin:", r->origin, sizeof(r->origin)},
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		size_t n = strlen(known[i].name);
		if (strncasecmp(line, known[i].name, n) == 0)
			snprintf(known[i].to, known[i].size, "%s", line + n + strspn(line + n, " \t"));
	}
	if (strncasecmp(line, "Upgrade:", 8) == 0)
		r->upgrade = strcasestr(line + 8, "websocket") != NULL;
}

/* The host in "http://host:port/..." or "host:port": its length. */
static size_t host_of(const char **s)
{
	const char *p = strstr(*s, "://");
	*s = p ? p + 3 : *s;
	if (**s == '[')
		return strcspn(*s, "]") + 1;
	return strcspn(*s, ":/");
}

static bool origin_is_good(const struct request *r)
{
	static const char *const here[] = {"localhost", "127.0.0.1", "[::1]"};
	const char *origin = r->origin, *host = r->host;
	if (!*origin)
		return true; /* no browser */
	size_t n = host_of(&origin), m = host_of(&host);
	for (size_t i = 0; i < ARRAY_SIZE(here); i++)
		if (strlen(here[i]) == n && strncasecmp(origin, here[i], n) == 0)
			return true;
	/* A page of a site whose name was made to lead here (DNS rebinding) has that name in both. */
	return n == m && n && strncasecmp(origin, host, n) == 0 && names_ours(host, m);
}

static void answer(struct fifo *out, const char *status, const char *why)
{
	char text[512];
	int n = snprintf(
	    text, sizeof(text),
	    "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
	    status, strlen(why) + 1, why);
	fifo_add(out, text, (size_t)n);
}

int ws_refuse(struct fifo *out, const char *why)
{
	answer(out, "403 Forbidden", why);
	return -1;
}

static int accept_request(const struct request *r, struct fifo *out, bool any_origin)
{
	char text[256], joined[KEY_LEN + sizeof(GUID)];
	AUTO_BUF struct buf accepted = {0};
	uint8_t sum[20];
	if (!r->upgrade || strlen(r->key) != KEY_LEN) {
		answer(out, "426 Upgrade Required",
		       "This is the screen of a vmdeck guest. Use a VNC viewer, or a browser by way of: "
		       "vmdeck novnc");
		return -1;
	}
	if (!any_origin && !origin_is_good(r))
		return ws_refuse(
		    out, "This screen asks for no password, so pages of other sites may not connect to it");
	snprintf(joined, sizeof(joined), "%s" GUID, r->key);
	tls_sha1(joined, strlen(joined), sum);
	buf_base64(&accepted, sum, sizeof(sum));
	int n =
	    snprintf(text, sizeof(text),
		     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		     "Sec-WebSocket-Accept: %s\r\n%s\r\n",
		     buf_text(&accepted), strcasestr(r->protocol, "binary") ? "Sec-WebSocket-Protocol: binary\r\n" : "");
	fifo_add(out, text, (size_t)n);
	return 1;
}

int ws_upgrade(struct fifo *in, struct fifo *out, bool any_origin)
{
	struct request r = {0};
	uint8_t *end = in->len ? memmem(fifo_head(in), in->len, "\r\n\r\n", 4) : NULL;
	if (!end && in->len < WS_REQUEST_MAX)
		return 0;
	size_t len = end ? (size_t)(end - fifo_head(in)) + 4 : 0;
	if (!end || len > WS_REQUEST_MAX) {
		answer(out, "431 Request Header Fields Too Large", "That request is too long");
		return -1;
	}
	AUTO_FREE char *text = x_strndup((const char *)fifo_head(in), len);
	fifo_drop(in, len);
	if (!str_starts(text, "GET ")) {
		answer(out, "405 Method Not Allowed", "Only GET is understood here");
		return -1;
	}
	for (char *save = NULL, *line = strtok_r(text, "\r\n", &save); line;
	     line = strtok_r(NULL, "\r\n", &save))
		header(&r, line);
	return accept_request(&r, out, any_origin);
}

static void frame(struct fifo *out, unsigned op, const void *p, size_t n)
{
	uint8_t h[10] = {(uint8_t)(FIN | op)};
	size_t hn = n < 126 ? 2 : n < 65536 ? 4 : 10;
	h[1] = n < 126 ? (uint8_t)n : n < 65536 ? 126 : 127;
	for (size_t i = 2; i < hn; i++)
		h[i] = (uint8_t)((uint64_t)n >> 8 * (hn - 1 - i));
	fifo_add(out, h, hn);
	fifo_add(out, p, n);
}

void ws_encode(struct fifo *out, const void *p, size_t n)
{
	frame(out, OP_BINARY, p, n);
}

static void unmask(struct ws *w, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] ^= w->mask[w->at++ & 3];
}

/* A ping, pong or close, which is not fragmented and comes whole. 1: not all of it is there. */
static int control_frame(struct ws *w, unsigned op, struct fifo *in, size_t head, size_t n, struct fifo *out)
{
	if (in->len < head + n)
		return 1;
	uint8_t *p = fifo_head(in) + head;
	w->at = 0;
	memcpy(w->mask, p - 4, 4);
	unmask(w, p, n);
	if (op == OP_CLOSE || (op == OP_PING && out->len < w->pong_max))
		frame(out, op == OP_PING ? OP_PONG : OP_CLOSE, p, n);
	fifo_drop(in, head + n);
	return op == OP_CLOSE ? -1 : 0;
}

/* The head of a frame. 1: not all of it is there. */
static int frame_head(struct ws *w, struct fifo *in, struct fifo *out)
{
	if (in->len < 2)
		return 1;
	uint8_t *p = fifo_head(in);
	unsigned op = p[0] & 15, code = p[1] & 127u;
	size_t extra = code == 127 ? 8 : code == 126 ? 2 : 0, head = 2 + extra + 4;
	bool control = op >= OP_CLOSE, fin = p[0] & FIN;
	if ((p[0] & 0x70) || !(p[1] & MASKED) || (control && (!fin || code > CONTROL_MAX)) || op > OP_PONG ||
	    (op > OP_BINARY && op < OP_CLOSE))
		return -1;
	if (in->len < head)
		return 1;
	if (control)
		return control_frame(w, op, in, head, code, out);
	if ((op == OP_CONTINUE) != w->begun)
		return -1;
	w->left = extra ? 0 : code;
	for (size_t i = 0; i < extra; i++)
		w->left = w->left << 8 | p[2 + i];
	if (w->left >> 63)
		return -1;
	memcpy(w->mask, p + 2 + extra, 4);
	w->at = 0;
	w->begun = !fin;
	fifo_drop(in, head);
	return 0;
}

int ws_decode(struct ws *w, struct fifo *in, struct fifo *data, struct fifo *out)
{
	for (;;) {
		if (!w->left) {
			int rc = frame_head(w, in, out);
			if (rc)
				return rc < 0 ? -1 : 0;
			continue;
		}
		size_t n = w->left < in->len ? (size_t)w->left : in->len;
		if (!n)
			return 0;
		unmask(w, fifo_head(in), n);
		fifo_add(data, fifo_head(in), n);
		fifo_drop(in, n);
		w->left -= n;
	}
}
