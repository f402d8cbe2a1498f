/* clang-format off */
/* rfbview HOST PORT [KEY=VALUE...] - a VNC viewer for scripts, on libvncclient.
 *
 * Keys:
 *   passwd= encodings= exclusive=1 continuous=1
 *   ca=FILE              CA certificate: VeNCrypt X509
 *   cert=FILE key=FILE   the certificate that it shows, when asked for one
 *   anon=1               VeNCrypt TLS without one
 *   plain=1              neither
 * Commands on stdin, a line each:
 *   key SYM DOWN
 *   xt SYM CODE DOWN
 *   pointer X Y MASK
 *   cut TEXT
 *   size W H
 *   continuous off
 *   fence FLAGS TEXT     one digit
 *   copies               says how many copies of what it has it was told of
 *   shot FILE            the picture, as PPM
 *   pixel X Y RRGGBB     wait until it is so, 10 s
 *   until WORD           wait for that event, 10 s
 *   stop                 read nothing until the end
 *   quit
 * Events on stdout:
 *   connected WxH, resized WxH, cut TEXT, leds N, pointer absolute|relative, continuous on|off, fence TEXT,
 *   pixel ok, pixel RRGGBB (it is another), copies N, closed
 * Exit status: 0, 1 when it could not connect or was closed before "quit", 2 when something waited for did
 * not come. */
/* clang-format on */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rfb/rfbclient.h>

/* For builds with the sanitizers: what the library keeps ends with the process. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

#define WAIT_MS 10000

static const char *passwd = "", *ca, *cert, *key;
static bool is_up;
static unsigned copies; /* CopyRects so far */
static void (*own_copy)(rfbClient *c, int x, int y, int w, int h, int to_x, int to_y);
static char seen[64]; /* the event waited for */
static bool seen_it;

static long now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void event(const char *fmt, ...)
{
	char line[4096];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	puts(line);
	if (*seen && strstr(line, seen))
		seen_it = true;
}

/* --- what the library does not know: QEMU's pseudo-encodings --- */

enum { POINTER_TYPE = -257, LED_STATE = -261 };

static rfbBool on_rect(rfbClient *c, rfbFramebufferUpdateRectHeader *r)
{
	uint8_t leds;
	if ((int32_t)r->encoding == POINTER_TYPE) {
		event("pointer %s", r->r.x ? "absolute" : "relative");
		return TRUE;
	}
	if ((int32_t)r->encoding != LED_STATE || !ReadFromRFBServer(c, (char *)&leds, 1))
		return FALSE;
	event("leds %u", leds);
	return TRUE;
}

static int qemus[] = {POINTER_TYPE, LED_STATE, 0};
static rfbClientProtocolExtension extension = {.encodings = qemus, .handleEncoding = on_rect};

/* --- updates without asking (RFB community specification: fences, continuous updates) --- */

enum { FENCE = -312, CONTINUOUS = -313, MSG_CONTINUOUS = 150, MSG_FENCE = 248 };
static bool wants_continuous, is_continuous;

/* Updates of the whole picture from now on, or no more; the library asks for none meanwhile. */
static void continuous(rfbClient *c, bool on)
{
	const uint8_t size[] = {(uint8_t)(c->width >> 8), (uint8_t)c->width, (uint8_t)(c->height >> 8),
				(uint8_t)c->height};
	uint8_t m[10] = {MSG_CONTINUOUS, on};
	memcpy(m + 6, size, 4);
	c->supportedMessages.client2server[0] &= (uint8_t) ~(1 << rfbFramebufferUpdateRequest);
	WriteToRFBServer(c, (char *)m, sizeof(m));
}

static rfbBool on_message(rfbClient *c, rfbServerToClientMsg *m)
{
	uint8_t p[8], data[64], reply[9 + 64] = {MSG_FENCE};
	if (m->type == MSG_CONTINUOUS) {
		if (is_continuous || !wants_continuous) {
			is_continuous = wants_continuous = false;
			c->supportedMessages.client2server[0] |= 1 << rfbFramebufferUpdateRequest;
			event("continuous off");
			return SendFramebufferUpdateRequest(c, 0, 0, c->width, c->height, TRUE);
		}
		is_continuous = true;
		continuous(c, true);
		event("continuous on");
		return TRUE;
	}
	if (m->type != MSG_FENCE)
		return FALSE;
	if (!ReadFromRFBServer(c, (char *)p, 8) || p[7] > 64 || !ReadFromRFBServer(c, (char *)data, p[7]))
		return FALSE;
	if (!(p[3] & 0x80)) {
		event("fence %.*s", p[7], data);
		return TRUE;
	}
	memcpy(reply + 4, p + 3, 5);
	reply[4] &= 0x7f;
	memcpy(reply + 9, data, p[7]);
	return WriteToRFBServer(c, (char *)reply, 9u + p[7]);
}

/* A fence that is to come back: the lowest 3 bits of  say when. */
static void fence(rfbClient *c, unsigned flags, const char *text)
{
	size_t n = strlen(text);
	uint8_t m[9 + 64] = {MSG_FENCE, 0, 0, 0, 0x80, 0, 0, (uint8_t)flags, (uint8_t)(n < 64 ? n : 64)};
	memcpy(m + 9, text, m[8]);
	WriteToRFBServer(c, (char *)m, 9u + m[8]);
}

static int fences[] = {FENCE, CONTINUOUS, 0};
static rfbClientProtocolExtension flow = {.encodings = fences, .handleMessage = on_message};

static char *get_password(rfbClient *c)
{
	return strdup(passwd);
}

static rfbCredential *get_credential(rfbClient *c, int type)
{
	rfbCredential *k = calloc(1, sizeof(*k));
	if (k && type == rfbCredentialTypeX509 && ca)
		k->x509Credential.x509CACertFile = strdup(ca);
	if (k && type == rfbCredentialTypeX509 && cert && key) {
		k->x509Credential.x509ClientCertFile = strdup(cert);
		k->x509Credential.x509ClientKeyFile = strdup(key);
	}
	return k;
}

static rfbBool resized(rfbClient *c)
{
	c->frameBuffer = realloc(c->frameBuffer, (size_t)c->width * c->height * 4);
	if (is_continuous)
		continuous(c, true);
	if (is_up)
		event("resized %dx%d", c->width, c->height);
	return c->frameBuffer != NULL;
}

static void got_cut(rfbClient *c, const char *text, int len)
{
	event("cut %.*s", len, text);
}

static void copied(rfbClient *c, int x, int y, int w, int h, int to_x, int to_y)
{
	copies++;
	own_copy(c, x, y, w, h, to_x, to_y);
}

static void quiet(const char *fmt, ...)
{
	if (!getenv("RFBVIEW_LOG"))
		return;
	va_list ap;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
}

/* Listen to the server for so long, or until @done. false: it has closed. */
static bool serve(rfbClient *c, long ms, bool (*done)(rfbClient *, const char *), const char *arg)
{
	for (long end = now_ms() + ms, left;
	     !(done && done(c, arg)) && ((left = end - now_ms()) >= 0 || c->buffered);) {
		/* what the library has read ahead, select() does not know of */
		int n = c->buffered ? 1
				    : WaitForMessage(c, (unsigned)(left > 50  ? 50
								   : left > 0 ? left
									      : 0) *
							    1000);
		if (n < 0 || (n > 0 && !HandleRFBServerMessage(c))) {
			event("closed");
			return false;
		}
		if (ms == 0 && !c->buffered)
			break;
	}
	return true;
}

static unsigned pixel_at(rfbClient *c, unsigned x, unsigned y)
{
	uint32_t p;
	if (x >= (unsigned)c->width || y >= (unsigned)c->height)
		return 0x1000000;
	memcpy(&p, c->frameBuffer + ((size_t)y * (unsigned)c->width + x) * 4, 4);
	return p & 0xffffff;
}

static bool pixel_is(rfbClient *c, const char *arg)
{
	unsigned x, y, rgb;
	return sscanf(arg, "pixel %u %u %x", &x, &y, &rgb) == 3 && pixel_at(c, x, y) == rgb;
}

static bool takes_codes(rfbClient *c, const char *arg)
{
	return SupportsClient2Server(c, 255) != 0;
}

static bool was_seen(rfbClient *c, const char *arg)
{
	return seen_it;
}

static void shot(rfbClient *c, const char *path)
{
	FILE *f = fopen(path, "wb");
	if (!f)
		return;
	fprintf(f, "P6\n%d %d\n255\n", c->width, c->height);
	for (int y = 0; y < c->height; y++)
		for (int x = 0; x < c->width; x++) {
			unsigned p = pixel_at(c, (unsigned)x, (unsigned)y);
			fputc((int)(p >> 16), f);
			fputc((int)(p >> 8 & 0xff), f);
			fputc((int)(p & 0xff), f);
		}
	fclose(f);
}

/* -1: go on; else the exit status. */
static int command(rfbClient *c, char *line)
{
	unsigned a, b, d;
	if (sscanf(line, "key %x %u", &a, &b) == 2)
		SendKeyEvent(c, a, b ? TRUE : FALSE);
	else if (sscanf(line, "xt %x %x %u", &a, &b, &d) == 3) {
		serve(c, WAIT_MS, takes_codes, NULL);
		SendExtendedKeyEvent(c, a, b, d ? TRUE : FALSE);
	} else if (sscanf(line, "pointer %u %u %u", &a, &b, &d) == 3)
		SendPointerEvent(c, (int)a, (int)b, (int)d);
	else if (!strncmp(line, "cut ", 4))
		SendClientCutText(c, line + 4, (int)strlen(line + 4));
	else if (sscanf(line, "size %u %u", &a, &b) == 2)
		SendExtDesktopSize(c, (uint16_t)a, (uint16_t)b);
	else if (!strcmp(line, "continuous off"))
		continuous(c, false);
	else if (sscanf(line, "fence %u", &a) == 1)
		fence(c, a, line + 8);
	else if (!strcmp(line, "copies"))
		event("copies %u", copies);
	else if (!strncmp(line, "shot ", 5))
		shot(c, line + 5);
	else if (sscanf(line, "pixel %u %u", &a, &b) == 2) {
		if (!serve(c, WAIT_MS, pixel_is, line))
			return 1;
		if (!pixel_is(c, line)) {
			event("pixel %06x", pixel_at(c, a, b));
			return 2;
		}
		event("pixel ok");
	} else if (!strncmp(line, "until ", 6)) {
		snprintf(seen, sizeof(seen), "%s", line + 6);
		seen_it = false;
		bool up = serve(c, WAIT_MS, was_seen, NULL);
		*seen = 0;
		return seen_it ? -1 : up ? 2 : 1;
	} else if (!strcmp(line, "stop")) {
		while (fgets(line, 100, stdin))
			;
		return 0;
	} else if (!strcmp(line, "quit")) {
		return 0;
	} else {
		fprintf(stderr, "rfbview: what is '%s'?\n", line);
	}
	return -1;
}

static int run(rfbClient *c)
{
	char line[4096];
	for (;;) {
		struct pollfd p[] = {{.fd = 0, .events = POLLIN}, {.fd = c->sock, .events = POLLIN}};
		poll(p, 2, 20);
		if (!serve(c, 0, NULL, NULL))
			return 1;
		if (!p[0].revents)
			continue;
		size_t n = 0; /* not buffered, so that poll() knows of what is left */
		while (n < sizeof(line) - 1 && read(0, line + n, 1) == 1 && line[n] != '\n')
			n++;
		line[n] = 0;
		if (!n && p[0].revents & POLLHUP)
			return 0;
		int rc = n ? command(c, line) : -1;
		if (rc >= 0)
			return rc;
	}
}

int main(int argc, char **argv)
{
	static const uint32_t with_tls[] = {rfbVeNCrypt, 0}, without_tls[] = {rfbVncAuth, rfbNoAuth, 0};
	setvbuf(stdout, NULL, _IOLBF, 0);
	rfbClientLog = rfbClientErr = quiet;
	rfbClientRegisterExtension(&extension);
	rfbClient *c = rfbGetClient(8, 3, 4);
	if (argc < 3 || !c)
		return 1;
	c->format.redShift = 16;
	c->format.greenShift = 8;
	c->format.blueShift = 0;
	c->canHandleNewFBSize = TRUE;
	c->appData.enableJPEG = FALSE; /* pixels are compared */
	c->MallocFrameBuffer = resized;
	c->GetPassword = get_password;
	c->GetCredential = get_credential;
	c->GotXCutText = got_cut;
	c->serverHost = strdup(argv[1]);
	c->serverPort = atoi(argv[2]);
	c->connectTimeout = 5;
	for (int i = 3; i < argc; i++) {
		if (!strncmp(argv[i], "passwd=", 7))
			passwd = argv[i] + 7;
		else if (!strncmp(argv[i], "encodings=", 10))
			c->appData.encodingsString = strdup(argv[i] + 10);
		else if (!strncmp(argv[i], "ca=", 3))
			ca = argv[i] + 3;
		else if (!strncmp(argv[i], "cert=", 5))
			cert = argv[i] + 5;
		else if (!strncmp(argv[i], "key=", 4))
			key = argv[i] + 4;
		if (!strncmp(argv[i], "ca=", 3) || !strcmp(argv[i], "anon=1"))
			SetClientAuthSchemes(c, with_tls, -1);
		if (!strcmp(argv[i], "plain=1"))
			SetClientAuthSchemes(c, without_tls, -1);
		if (!strcmp(argv[i], "continuous=1")) {
			wants_continuous = true;
			rfbClientRegisterExtension(&flow);
		}
		if (!strcmp(argv[i], "exclusive=1"))
			c->appData.shareDesktop = FALSE;
	}
	if (!rfbInitClient(c, NULL, NULL)) {
		puts("refused");
		return 1;
	}
	is_up = true;
	own_copy = c->GotCopyRect;
	c->GotCopyRect = copied;
	event("connected %dx%d", c->width, c->height);
	return run(c);
}
