/* vncpoke HOST:PORT COMMAND... - a viewer (libvncclient) that does what it is told, for tests. VNC_PASSWORD is its password.
 *   size            print WIDTHxHEIGHT
 *   shot FILE       the picture, once all of it has come, as PPM
 *   key KEYSYM...   press and release, numbers of X keysyms; "+N" presses only, "-N" releases only
 *   move X Y        the pointer, no button
 *   click X Y       left button there
 *   buttons X Y B   the pointer with the buttons of mask B
 *   resize W H      ask the server for a size
 *   wait MS         go on reading for so long
 * Prints "leds N" and "cut TEXT" when the server says so. Exit 1: no connection, or the server ended it. */
#include <rfb/rfbclient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* For builds with the sanitizers: what the library keeps ends with the process. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

#define PATIENCE_MS 30000

static int updated; /* pixels that have come since it was set to 0 */

static char *password(rfbClient *c)
{
	const char *p = getenv("VNC_PASSWORD");
	return strdup(p ? p : "");
}

static void on_update(rfbClient *c, int x, int y, int w, int h)
{
	updated += w * h;
}

static void on_leds(rfbClient *c, int value, int pad)
{
	printf("leds %d\n", value);
}

static void on_cut(rfbClient *c, const char *text, int len)
{
	printf("cut %.*s\n", len, text);
}

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Read what comes until @ms are over, or @pixels have. */
static void listen_for(rfbClient *c, int ms, int pixels)
{
	int64_t end = now_ms() + ms;
	updated = 0;
	while (now_ms() < end && (!pixels || updated < pixels)) {
		int n = WaitForMessage(c, 20000);
		if (n < 0 || (n > 0 && !HandleRFBServerMessage(c))) {
			fprintf(stderr, "vncpoke: the server ended the connection\n");
			exit(1);
		}
	}
}

static int shot(rfbClient *c, const char *path)
{
	SendFramebufferUpdateRequest(c, 0, 0, c->width, c->height, FALSE);
	listen_for(c, PATIENCE_MS, c->width * c->height);
	FILE *f = fopen(path, "wb");
	if (!f || updated < c->width * c->height)
		return 1;
	fprintf(f, "P6\n%d %d\n255\n", c->width, c->height);
	const uint32_t *p = (const uint32_t *)(const void *)c->frameBuffer;
	for (int i = 0; i < c->width * c->height; i++) {
		uint8_t rgb[3] = {(uint8_t)(p[i] >> c->format.redShift), (uint8_t)(p[i] >> c->format.greenShift),
		                  (uint8_t)(p[i] >> c->format.blueShift)};
		fwrite(rgb, 1, 3, f);
	}
	return fclose(f) != 0;
}

static void key(rfbClient *c, const char *word)
{
	uint32_t sym = (uint32_t)strtoul(word + (*word == '+' || *word == '-'), NULL, 0);
	if (*word != '-')
		SendKeyEvent(c, sym, TRUE);
	if (*word != '+')
		SendKeyEvent(c, sym, FALSE);
	listen_for(c, 60, 0);
}

/* Words that it took; 0: not known. */
static int perform(rfbClient *c, int argc, char **argv)
{
	const char *what = argv[0];
	int a = argc > 1 ? atoi(argv[1]) : 0, b = argc > 2 ? atoi(argv[2]) : 0;
	if (!strcmp(what, "size"))
		return printf("%dx%d\n", c->width, c->height), 1;
	if (!strcmp(what, "shot") && argc > 1)
		return shot(c, argv[1]) ? exit(1), 0 : 2;
	if (!strcmp(what, "wait") && argc > 1)
		return listen_for(c, a, 0), 2;
	if (!strcmp(what, "move") && argc > 2)
		return SendPointerEvent(c, a, b, 0), listen_for(c, 60, 0), 3;
	if (!strcmp(what, "buttons") && argc > 3)
		return SendPointerEvent(c, a, b, atoi(argv[3])), listen_for(c, 60, 0), 4;
	if (!strcmp(what, "click") && argc > 2) {
		for (int i = 0; i < 3; i++) {
			SendPointerEvent(c, a, b, i == 1);
			listen_for(c, 150, 0);
		}
		return 3;
	}
	if (!strcmp(what, "resize") && argc > 2)
		return SendExtDesktopSize(c, (uint16_t)a, (uint16_t)b), listen_for(c, 500, 0), 3;
	if (strcmp(what, "key"))
		return 0;
	int n = 1;
	for (; n < argc && strchr("+-0123456789", argv[n][0]); n++)
		key(c, argv[n]);
	return n;
}

int main(int argc, char **argv)
{
	if (argc < 3 || !strchr(argv[1], ':')) {
		fprintf(stderr, "usage: vncpoke HOST:PORT COMMAND...\n");
		return 2;
	}
	rfbEnableClientLogging = getenv("VNC_LOG") != NULL;
	rfbClient *c = rfbGetClient(8, 3, 4);
	c->GetPassword = password;
	c->GotFrameBufferUpdate = on_update;
	c->HandleKeyboardLedState = on_leds;
	c->GotXCutText = on_cut;
	c->canHandleNewFBSize = TRUE;
	char *host = strdup(argv[1]), *port = strrchr(host, ':');
	*port++ = 0;
	c->serverHost = host;
	c->serverPort = atoi(port);
	if (!rfbInitClient(c, NULL, NULL))
		return 1; /* it has freed itself */
	listen_for(c, 200, 1);
	for (int i = 2, n; i < argc; i += n) {
		n = perform(c, argc - i, argv + i);
		if (!n) {
			fprintf(stderr, "vncpoke: '%s' is no command of its\n", argv[i]);
			return 2;
		}
	}
	listen_for(c, 60, 0);
	rfbClientCleanup(c);
	return 0;
}
