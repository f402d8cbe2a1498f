/* clang-format off */
/* screenhost PROGRAM PORT|PATH [KEY=VALUE...] - play machine and keeper for vmdeck-screen: a picture with a
 * pattern in it, and a log of what viewers do.
 *
 * Keys:
 *   size=WxH passwd= view_passwd= passwd_valid_to= share= tls= absolute=0
 *   ca= cert= key=       PEM files
 *   verify=1             viewers must show a certificate that the CA has signed
 *   idle=1               all damage is said each time, as by a device that does not know better
 * Commands on stdin, a line each:
 *   play MS              draw a box somewhere else every MS, until another command
 *   text X Y W H         fill it with lines of 16 that look like text, no two alike
 *   scroll X Y W H DY    move what is in there DY down, with text where nothing was
 *   storm N SEED         N of those and fills, anywhere; then says "stormed"
 *   roll MS              scroll a screen full of text up by a line every MS, until another command
 *   shot FILE            the picture, as PPM
 *   fill X Y W H RRGGBB, size W H, none, leds N, absolute N, cursor, dot, pos X Y, kick
 *   set KEY VALUE        and configure anew
 *   count                say how many refreshes were asked for
 *   mute                 answer no more of them
 *   die                  kill the screen, start another
 *   quit
 * Events on stdout:
 *   key CODE DOWN, pointer ABSOLUTE X Y BUTTONS WHEEL HWHEEL, resize W H, release, viewers JSON, count N,
 *   exit STATUS */
/* clang-format on */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/proto/launch.h"
#include "src/proto/screen.h"

static int sock, listener, memory = -1;
static pid_t child;
static uint32_t width = 800, height = 600, generation, leds, absolute = 1;
static uint32_t *pixels;
static struct screen_damage damage = {.type = SCREEN_DAMAGE};
static int all_damage, mute, owed; /* a question that waits for the next picture played */
static unsigned play_ms, frames, storms, rolls;
static long play_at;
static unsigned refreshes;
static const char *program;
static char settings[16][2][256];
static size_t nsettings;

static long now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static const char *setting(const char *key, const char *def)
{
	for (size_t i = 0; i < nsettings; i++)
		if (!strcmp(settings[i][0], key))
			return settings[i][1];
	return def;
}

static void set(const char *key, const char *value)
{
	size_t i = 0;
	while (i < nsettings && strcmp(settings[i][0], key))
		i++;
	if (i == sizeof(settings) / sizeof(settings[0]))
		return;
	nsettings = i == nsettings ? i + 1 : nsettings;
	snprintf(settings[i][0], sizeof(settings[i][0]), "%s", key);
	snprintf(settings[i][1], sizeof(settings[i][1]), "%s", value);
}

static void send_with(const void *p, size_t n, const int *fds, size_t nfds)
{
	char room[CMSG_SPACE(3 * sizeof(int))] = {0};
	struct iovec iov = {(void *)(uintptr_t)p, n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	if (nfds) {
		m.msg_control = room;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	if (sendmsg(sock, &m, MSG_NOSIGNAL) < 0)
		fprintf(stderr, "screenhost: send: %s\n", strerror(errno));
}

static void add_damage(uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
	uint32_t i = damage.n < SCREEN_RECTS_MAX ? damage.n++ : 0;
	if (damage.n == SCREEN_RECTS_MAX)
		x = y = 0, w = width, h = height;
	damage.rects[i] = (struct screen_rect){(uint16_t)x, (uint16_t)y, (uint16_t)w, (uint16_t)h};
}

/* The pattern: red grows to the right, green downwards, blue is a chessboard of 16 pixels. */
static uint32_t pattern(uint32_t x, uint32_t y)
{
	return (x * 255 / width) << 16 | (y * 255 / height) << 8 | ((x / 16 + y / 16) & 1 ? 0xff : 0);
}

static void send_config(void)
{
	char text[2048];
	uint32_t type = SCREEN_CONFIG;
	memcpy(text, &type, 4);
	int len = 4 + snprintf(text + 4, sizeof(text) - 4,
			       "{\"version\": 1, \"name\": \"%s\", \"passwd\": \"%s\", \"view_passwd\": "
			       "\"%s\", \"passwd_valid_to\": %s, "
			       "\"share\": \"%s\", \"tls\": \"%s\"}",
			       setting("name", "pattern"), setting("passwd", ""), setting("view_passwd", ""),
			       setting("passwd_valid_to", "0"), setting("share", "ignore"),
			       setting("tls", "off"));
	send_with(text, (size_t)len, NULL, 0);
}

/* In the child: the TLS files behind the listener. Return: which they are. */
static const char *give_files(void)
{
	static const char *const files[] = {"ca", "cert", "key"};
	int n = SCREEN_LISTEN_FD + 1;
	for (size_t i = 0; i < 3; i++)
		if (*setting(files[i], "")) {
			int fd = open(setting(files[i], ""), O_RDONLY | O_CLOEXEC);
			dup2(fd, n++);
		}
	if (n == SCREEN_LISTEN_FD + 1)
		return SCREEN_TLS_NONE;
	return !*setting("ca", "") ? SCREEN_TLS_CERT : *setting("verify", "") ? SCREEN_TLS_VERIFY : SCREEN_TLS_CA;
}

static void send_surface(void)
{
	struct screen_surface s = {.type = SCREEN_SURFACE,
				   .generation = generation,
				   .width = width,
				   .height = height,
				   .stride = width * 4};
	send_with(&s, sizeof(s), &memory, width ? 1 : 0);
}

static void send_state(void)
{
	struct screen_state s = {.type = SCREEN_STATE, .leds = leds, .absolute = absolute};
	send_with(&s, sizeof(s), NULL, 0);
}

static void send_cursor(int defined)
{
	static struct screen_cursor c;
	c = (struct screen_cursor){
	    .type = SCREEN_CURSOR_SHAPE, .defined = (uint32_t)defined, .visible = 1, .w = 16, .h = 16};
	for (uint32_t i = 0; i < 256; i++)
		c.pixels[i] = i % 16 <= i / 16 ? 0xffff0000 : 0;
	send_with(&c, offsetof(struct screen_cursor, pixels) + 256 * 4, NULL, 0);
}

static void new_surface(uint32_t w, uint32_t h)
{
	generation++;
	width = w;
	height = h;
	damage.generation = generation;
	damage.n = 0;
	memory = memfd_create("picture", MFD_CLOEXEC);
	if (!w || memory < 0 || ftruncate(memory, (off_t)w * h * 4) < 0)
		return;
	pixels = mmap(NULL, (size_t)w * h * 4, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	for (uint32_t i = 0; i < w * h; i++)
		pixels[i] = pattern(i % w, i / w);
}

static void start(const char *name)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		exit(1);
	sock = pair[0];
	child = fork();
	if (child == 0) {
		int a = fcntl(pair[1], F_DUPFD_CLOEXEC, 32), b = fcntl(listener, F_DUPFD_CLOEXEC, 32);
		dup2(a, LAUNCH_FD);
		dup2(b, SCREEN_LISTEN_FD);
		execl(program, program, "1", name, give_files(), (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	send_config();
	send_surface();
	send_cursor(0);
	send_state();
}

static void answer_refresh(void)
{
	refreshes++;
	if (mute)
		return;
	if (all_damage) {
		damage.n = 0;
		add_damage(0, 0, width, height);
	}
	send_with(&damage, offsetof(struct screen_damage, rects) + damage.n * sizeof(damage.rects[0]), NULL,
		  0);
	damage.n = 0;
}

static int from_screen(void)
{
	static union {
		uint32_t type;
		struct screen_key key;
		struct screen_pointer pointer;
		struct screen_size size;
		char text[SCREEN_MESSAGE_MAX + 1];
	} m;
	ssize_t n = recv(sock, &m, SCREEN_MESSAGE_MAX, 0);
	if (n < 4)
		return -1;
	m.text[n] = 0;
	switch (m.type) {
	case SCREEN_CHANGES: /* while nothing is played an empty answer is as good */
		if ((owed = play_ms && !damage.n))
			break;
		__attribute__((fallthrough));
	case SCREEN_REFRESH:
		answer_refresh();
		break;
	case SCREEN_KEY:
		printf("key %u %u\n", m.key.code, m.key.down);
		break;
	case SCREEN_POINTER:
		printf("pointer %u %d %d %u %d %d\n", m.pointer.absolute, m.pointer.x, m.pointer.y,
		       m.pointer.buttons, m.pointer.wheel, m.pointer.hwheel);
		break;
	case SCREEN_RESIZE:
		printf("resize %u %u\n", m.size.width, m.size.height);
		new_surface(m.size.width, m.size.height);
		send_surface();
		break;
	case SCREEN_RELEASE:
		printf("release\n");
		break;
	case SCREEN_VIEWERS:
		printf("viewers %s\n", m.text + 4);
		break;
	default:
		printf("unknown message %u\n", m.type);
	}
	return 0;
}

static void fill(uint32_t x, uint32_t y, uint32_t w, uint32_t h, uint32_t rgb)
{
	for (uint32_t j = y; j < y + h && j < height; j++)
		for (uint32_t i = x; i < x + w && i < width; i++)
			pixels[j * width + i] = rgb;
	add_damage(x, y, w, h);
}

/* A line of what looks like text: letters of 8 by 12 of noise, here and there. */
static void text_line(uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
	static uint32_t seed = 1;
	for (uint32_t i = x; i < x + w; i++) {
		bool letter = (i - x) % 8 < 6 && (seed >> ((i - x) / 8 % 16)) & 3;
		for (uint32_t j = y; j < y + h && i < width && j < height; j++) {
			seed = seed * 1664525 + 1013904223;
			pixels[j * width + i] =
			    letter && (j - y) % 16 >= 3 && (j - y) % 16 < 14 && seed >> 31 ? 0xaaaaaa : 0;
		}
	}
}

static void text(uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
	for (uint32_t j = y; j < y + h; j += 16)
		text_line(x, j, w, y + h - j < 16 ? y + h - j : 16);
	add_damage(x, y, w, h);
}

static void scroll(uint32_t x, uint32_t y, uint32_t w, uint32_t h, int dy)
{
	uint32_t by = (uint32_t)(dy < 0 ? -dy : dy);
	if (x + w > width || y + h > height || by >= h)
		return;
	for (uint32_t i = 0; i < h - by; i++) {
		uint32_t to = dy < 0 ? y + i : y + h - 1 - i, from = (uint32_t)((int)to - dy);
		memmove(&pixels[to * width + x], &pixels[from * width + x], w * 4);
	}
	text(x, dy < 0 ? y + h - by : y, w, by);
	add_damage(x, y, w, h);
}

static uint32_t some(uint32_t n)
{
	return n ? (uint32_t)rand() % n : 0;
}

static void storm(void)
{
	uint32_t x = some(width / 2), y = some(height / 2), w = 100 + some(width / 2 - 100),
		 h = 60 + some(height / 2 - 60);
	switch (some(4)) {
	case 0:
		fill(some(width), some(height), some(40) + 1, some(40) + 1, (uint32_t)rand() & 0xffffff);
		break;
	case 1:
		scroll(x, y, w, h, (int)some(33) - 16);
		break;
	default:
		scroll(0, some(2) * 48, width, height - some(2) * 32 - 64, (int)some(5) * 8 - 24);
	}
}

static void shot(const char *path)
{
	FILE *f = fopen(path, "wb");
	if (!f)
		return;
	fprintf(f, "P6\n%u %u\n255\n", width, height);
	for (uint32_t i = 0; i < width * height; i++) {
		fputc((int)(pixels[i] >> 16 & 0xff), f);
		fputc((int)(pixels[i] >> 8 & 0xff), f);
		fputc((int)(pixels[i] & 0xff), f);
	}
	fclose(f);
}

/* One more picture of what is played. */
static void play(void)
{
	frames++;
	if (storms && !--storms) {
		play_ms = 0;
		printf("stormed\n");
	} else if (storms) {
		storm();
	} else if (rolls) {
		scroll(0, 0, width, height, -16);
	} else {
		fill(frames % 16 * 32, frames / 16 % 8 * 32, 64, 64, frames * 0x10305 & 0xffffff);
	}
	if (owed)
		answer_refresh();
	owed = 0;
}

static int reap(void)
{
	int status;
	waitpid(child, &status, 0);
	printf("exit %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	close(sock);
	return status;
}

static int command(const char *line)
{
	unsigned x, y, w, h, rgb;
	int dy;
	char key[64], value[256] = "";
	play_ms = storms = rolls = 0;
	if (owed)
		answer_refresh();
	owed = 0;
	if (sscanf(line, "fill %u %u %u %u %x", &x, &y, &w, &h, &rgb) == 5)
		fill(x, y, w, h, rgb);
	else if (sscanf(line, "size %u %u", &w, &h) == 2 || !strncmp(line, "none", 4)) {
		new_surface(*line == 'n' ? 0 : w, *line == 'n' ? 0 : h);
		send_surface();
	} else if (sscanf(line, "leds %u", &leds) == 1 || sscanf(line, "absolute %u", &absolute) == 1)
		send_state();
	else if (sscanf(line, "set %63s %255[^\n]", key, value) >= 1) {
		set(key, value);
		send_config();
	} else if (!strncmp(line, "cursor", 6) || !strncmp(line, "dot", 3))
		send_cursor(*line == 'c');
	else if (sscanf(line, "pos %u %u", &x, &y) == 2)
		send_with(&(struct screen_pos){SCREEN_CURSOR_POS, (int)x, (int)y}, sizeof(struct screen_pos),
			  NULL, 0);
	else if (!strncmp(line, "kick", 4))
		send_with(&(uint32_t){SCREEN_KICK}, 4, NULL, 0);
	else if (sscanf(line, "play %u", &x) == 1)
		play_ms = x;
	else if (sscanf(line, "roll %u", &x) == 1)
		play_ms = rolls = x;
	else if (sscanf(line, "storm %u %u", &x, &y) == 2) {
		srand(y);
		storms = x + 1;
		play_ms = 3;
	} else if (sscanf(line, "text %u %u %u %u", &x, &y, &w, &h) == 4)
		text(x, y, w, h);
	else if (sscanf(line, "scroll %u %u %u %u %d", &x, &y, &w, &h, &dy) == 5)
		scroll(x, y, w, h, dy);
	else if (sscanf(line, "shot %255[^\n]", value) == 1)
		shot(value);
	else if (!strncmp(line, "mute", 4))
		mute = 1;
	else if (!strncmp(line, "die", 3)) {
		kill(child, SIGKILL);
		reap();
		start("pattern");
	} else if (!strncmp(line, "count", 5))
		printf("count %u\n", refreshes);
	else if (!strncmp(line, "quit", 4))
		return -1;
	else
		fprintf(stderr, "screenhost: what is '%s'?\n", line);
	return 0;
}

static int listen_at(const char *where)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons((uint16_t)atoi(where))};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	bool path = strchr(where, '/') != NULL;
	int one = 1, fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", where);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, path ? (void *)&un : (void *)&in, path ? sizeof(un) : sizeof(in)) < 0 ||
	    listen(fd, 64) < 0) {
		perror(where);
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	char line[512];
	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	program = argv[1];
	listener = listen_at(argv[2]);
	for (int i = 3; i < argc; i++) {
		char *eq = strchr(argv[i], '=');
		if (eq) {
			*eq = 0;
			set(argv[i], eq + 1);
		}
	}
	sscanf(setting("size", "800x600"), "%ux%u", &width, &height);
	absolute = (uint32_t)atoi(setting("absolute", "1"));
	all_damage = atoi(setting("idle", "0"));
	new_surface(width, height);
	start("pattern");
	for (;;) {
		struct pollfd p[] = {{.fd = sock, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
		long left = play_at - now_ms();
		poll(p, 2, !play_ms ? -1 : left > 0 ? (int)left : 0);
		if (play_ms && now_ms() >= play_at) {
			play_at = now_ms() + play_ms;
			play();
		}
		if (p[0].revents && from_screen() < 0) {
			int status = reap();
			return WIFEXITED(status) ? 0 : 1;
		}
		if (p[1].revents) {
			size_t n = 0;
			while (n < sizeof(line) - 1 && read(0, line + n, 1) == 1 && line[n] != '\n')
				n++;
			line[n] = 0;
			if ((!n && p[1].revents & POLLHUP) || command(line) < 0)
				break;
		}
	}
	close(sock);
	reap();
	return 0;
}
