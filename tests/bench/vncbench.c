/* vncbench HOST:PORT PID COMMAND... - a viewer that measures, and what the server spends meanwhile: the CPU
 * time of PID and its children. VNC_PASSWORD is its password; with VNC_CONTINUOUS it takes updates without
 * asking, with VNC_ENCODINGS in these encodings; with "-" in place of HOST:PORT nobody looks. Commands, each
 * of which prints one line:
 *   idle MS         "BYTES UPDATES CPU ALL": what the server sent in that time; CPU is microseconds of all threads but the
 *                   vCPUs', ALL those of all
 *   keys N          "MS": the median time from a key that the guest echoes to the next update
 *   type TEXT       type TEXT and Enter; prints nothing
 *   flood TEXT MS   type it, then as idle: a guest that is busy drawing
 * Updates are asked for as viewers do, one always being on its way. */
#include <dirent.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <rfb/rfbclient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KEYS_MAX 200

static unsigned updates;

static char *password(rfbClient *c)
{
	const char *p = getenv("VNC_PASSWORD");
	return strdup(p ? p : "");
}

static void on_finished(rfbClient *c)
{
	updates++;
}

/* RFB community specification: continuous updates (150) and fences (248). */
static rfbBool on_message(rfbClient *c, rfbServerToClientMsg *m)
{
	uint8_t p[8], data[64], out[9 + 64] = {150, 1};
	if (m->type == 150) {
		out[6] = (uint8_t)(c->width >> 8);
		out[7] = (uint8_t)c->width;
		out[8] = (uint8_t)(c->height >> 8);
		out[9] = (uint8_t)c->height;
		c->supportedMessages.client2server[0] &= (uint8_t)~(1 << rfbFramebufferUpdateRequest);
		return WriteToRFBServer(c, (char *)out, 10);
	}
	if (m->type != 248 || !ReadFromRFBServer(c, (char *)p, 8) || p[7] > 64 ||
	    !ReadFromRFBServer(c, (char *)data, p[7]))
		return FALSE;
	out[0] = 248;
	memcpy(out + 4, p + 3, 5);
	out[1] = 0;
	out[4] &= 0x7f;
	memcpy(out + 9, data, p[7]);
	return WriteToRFBServer(c, (char *)out, 9u + p[7]);
}

static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1000 + (double)ts.tv_nsec / 1e6;
}

/* --- CPU time --- */

struct cpu {
	unsigned long long all_ns, vcpu_ns;
};

/* The first line of a file in /proc, "" when there is none. */
static const char *proc_line(char *out, int size, const char *format, const char *pid, const char *tid)
{
	char path[300];
	snprintf(path, sizeof(path), format, pid, tid);
	FILE *f = fopen(path, "r");
	if (!f || !fgets(out, size, f))
		out[0] = 0;
	if (f)
		fclose(f);
	return out;
}

static void cpu_add(struct cpu *c, const char *pid)
{
	char path[300], line[4096];
	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		unsigned long long ns = strtoull(
		    proc_line(line, sizeof(line), "/proc/%s/task/%s/schedstat", pid, e->d_name), NULL, 10);
		proc_line(line, sizeof(line), "/proc/%s/task/%s/comm", pid, e->d_name);
		c->all_ns += ns;
		if (!strncmp(line, "CPU ", 4) || !strncmp(line, "vcpu", 4)) /* QEMU's and ours */
			c->vcpu_ns += ns;
		proc_line(line, sizeof(line), "/proc/%s/task/%s/children", pid, e->d_name);
		for (char *save = NULL, *child = strtok_r(line, " \n", &save); child;
		     child = strtok_r(NULL, " \n", &save))
			cpu_add(c, child);
	}
	if (d)
		closedir(d);
}

static struct cpu cpu_now(const char *pid)
{
	struct cpu c = {0};
	cpu_add(&c, pid);
	return c;
}

/* --- the viewer; @c is NULL when nobody looks --- */

static unsigned long long received(const rfbClient *c)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	if (c)
		getsockopt(c->sock, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info.tcpi_bytes_received;
}

/* Read until @ms are over, or with @stop until one more update has come. How long it took. */
static double listen_for(rfbClient *c, double ms, int stop)
{
	double start = now_ms(), end = start + ms;
	unsigned before = updates;
	for (double now = start; now < end && !(stop && updates > before); now = now_ms()) {
		int us = end - now > 1000 ? 1000000 : (int)((end - now) * 1000) + 1;
		/* what the library has read ahead, select() does not know of */
		int n = c && c->buffered ? 1 : c ? WaitForMessage(c, (unsigned)us) : usleep((useconds_t)us);
		if (n < 0 || (n > 0 && !HandleRFBServerMessage(c))) {
			fprintf(stderr, "vncbench: the server ended the connection\n");
			exit(1);
		}
	}
	return now_ms() - start;
}

static void press(rfbClient *c, uint32_t sym)
{
	SendKeyEvent(c, sym, TRUE);
	SendKeyEvent(c, sym, FALSE);
}

static void type(rfbClient *c, const char *text)
{
	for (; *text; text++) {
		press(c, (uint32_t)(unsigned char)*text);
		listen_for(c, 150, 0);
	}
	listen_for(c, 500, 0);
	press(c, 0xff0d);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void measure_keys(rfbClient *c, int n)
{
	double took[KEYS_MAX];
	n = n < 1 ? 1 : n > KEYS_MAX ? KEYS_MAX : n;
	for (int i = 0; i < n; i++) {
		listen_for(c, 700 + i * 37 % 100, 0); /* a quiet moment, not in step with any timer */
		SendKeyEvent(c, 'x', TRUE);
		took[i] = listen_for(c, 5000, 1);
		SendKeyEvent(c, 'x', FALSE);
	}
	qsort(took, (size_t)n, sizeof(took[0]), by_size);
	printf("%.1f\n", took[n / 2]);
}

static void measure_bytes(rfbClient *c, const char *pid, double ms)
{
	unsigned long long bytes = received(c);
	unsigned before = updates;
	struct cpu was = cpu_now(pid);
	listen_for(c, ms, 0);
	struct cpu is = cpu_now(pid);
	unsigned long long all = is.all_ns - was.all_ns, vcpu = is.vcpu_ns - was.vcpu_ns;
	printf("%llu %u %llu %llu\n", received(c) - bytes, updates - before, (all - vcpu) / 1000, all / 1000);
}

static rfbClient *look(const char *where)
{
	rfbClient *c = rfbGetClient(8, 3, 4);
	char *host = strdup(where), *port = strrchr(host, ':');
	if (!port)
		return NULL;
	*port++ = 0;
	c->GetPassword = password;
	c->FinishedFrameBufferUpdate = on_finished;
	c->canHandleNewFBSize = TRUE;
	c->appData.encodingsString =
	    getenv("VNC_ENCODINGS") ? getenv("VNC_ENCODINGS") : "copyrect tight zrle hextile raw";
	c->appData.compressLevel = 1;
	c->appData.enableJPEG = FALSE; /* QEMU sends none unless told */
	c->serverHost = host;
	c->serverPort = atoi(port);
	return rfbInitClient(c, NULL, NULL) ? c : NULL;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: vncbench HOST:PORT|- PID COMMAND...\n");
		return 2;
	}
	const char *pid = argv[2];
	rfbEnableClientLogging = FALSE;
	if (getenv("VNC_CONTINUOUS")) {
		static int encodings[] = {-312, -313, 0};
		static rfbClientProtocolExtension e = {.encodings = encodings, .handleMessage = on_message};
		rfbClientRegisterExtension(&e);
	}
	rfbClient *c = strcmp(argv[1], "-") ? look(argv[1]) : NULL;
	if (!c && strcmp(argv[1], "-")) {
		fprintf(stderr, "vncbench: no screen at %s\n", argv[1]);
		return 1;
	}
	listen_for(c, 3000, 0);
	for (int i = 3; i < argc; i++) {
		if (!strcmp(argv[i], "idle") && i + 1 < argc) {
			measure_bytes(c, pid, atof(argv[++i]));
		} else if (!strcmp(argv[i], "keys") && i + 1 < argc) {
			measure_keys(c, atoi(argv[++i]));
		} else if (!strcmp(argv[i], "type") && i + 1 < argc) {
			type(c, argv[++i]);
			listen_for(c, 2000, 0);
		} else if (!strcmp(argv[i], "flood") && i + 2 < argc) {
			type(c, argv[++i]);
			measure_bytes(c, pid, atof(argv[++i]));
		}
		fflush(stdout);
	}
	if (c)
		rfbClientCleanup(c);
	return 0;
}
