/* What a guest's process can write and others read: screen.json, the stats file, ended.json and live.xml, with any
 * bytes in one of them. Who lists, samples, describes and shows the domain gets through, and hears of nothing that
 * moves a terminal.
 *
 * Input: a byte (which file), then the file. Of the stats file the first numbers are made right when the byte's
 * bit 7 is set. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/backend.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/lock.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/version.h"
#include "src/proto/livexml.h"
#include "src/proto/registry.h"
#include "src/proto/statspage.h"
#include "tests/fuzz/fuzzlib.h"

static const char uuid[] = "11111111-2222-3333-4444-555555555555";
static char home[] = "/dev/shm/vmdeck-fuzz-XXXXXX";
static struct backend *b;
static int lock;

static void put(const char *file, const void *p, size_t n)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", home, file);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, p, n))
		abort();
}

static void put_of(const char *file, const void *p, size_t n)
{
	AUTO_FREE char *path = x_asprintf("run/%s/%s", uuid, file);
	put(path, p, n);
}

static const char live[] =
    "<domain type='kvm' id='3'><name>web1</name><uuid>11111111-2222-3333-4444-555555555555</uuid>"
    "<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type><kernel>/k</kernel></os><devices>"
    "<disk type='file' device='disk'><source file='/x.img'/><target dev='vda' bus='virtio'/></disk>"
    "<interface type='user'/><graphics type='vnc'/><video><model type='vga'/></video></devices></domain>";

static void make_dir(const char *name)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", home, name);
	mkdir(path, 0700);
}

static void remove_home(void)
{
	AUTO_FREE char *command = x_asprintf("rm -rf '%s'", home);
	if (system(command) != 0)
		fprintf(stderr, "%s stays\n", home);
}

static void build(void)
{
	struct err e = {0};
	AUTO_FREE char *run = x_asprintf("run/%s", uuid), *log = x_asprintf("log/%s", uuid);
	log_open("fuzz", open("/dev/null", O_WRONLY | O_CLOEXEC));
	if (!mkdtemp(home))
		abort();
	atexit(remove_home);
	make_dir("run");
	make_dir(run);
	make_dir("log");
	make_dir(log);
	setenv("VMDECK_HOME", home, 1);
	put_of(REG_LOCK, "", 0);
	AUTO_FREE char *path = x_asprintf("%s/%s/" REG_LOCK, home, run);
	lock = open(path, O_RDWR | O_CLOEXEC);
	b = backend_local_open(&e);
	if (lock_take(lock) || !b)
		abort();
}

static void check(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		if ((*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
			abort();
}

static void look(void)
{
	struct domain_info *list = NULL;
	struct screen_info s;
	struct sample figures;
	struct err e = {0};
	size_t n = 0;
	char *text = NULL;
	if (b->ops->domain_list(b, &list, &n, &e))
		abort();
	for (size_t i = 0; i < n; i++) {
		check(list[i].name);
		check(list[i].title);
		check(list[i].detail);
	}
	free(list);
	if (!b->ops->domain_screen(b, uuid, &s, &e)) {
		check(s.socket);
		check(s.listen);
		check(s.passwd);
		check(s.view_passwd);
		for (unsigned i = 0; i < s.nviewers && i < SCREEN_VIEWERS_MAX; i++)
			check(s.viewers[i].host);
	}
	check(e.msg);
	if (!b->ops->domain_xml(b, uuid, XML_SECURE, &text, &e)) {
		check(text);
		free(text);
	}
	check(e.msg);
	if (b->ops->sample(b, &figures, &e))
		abort();
	for (size_t i = 0; i < figures.ndomains; i++) {
		for (unsigned k = 0; k < figures.domains[i].ndisks; k++)
			check(figures.domains[i].disks[k].name);
		for (unsigned k = 0; k < figures.domains[i].nnets; k++)
			check(figures.domains[i].nets[k].name);
	}
	sample_done(&figures);
}

static void put_stats(const uint8_t *data, size_t n, bool right)
{
	static uint8_t file[STATS_BLOCK * (1 + STATS_BLOCKS_MAX)];
	struct stats_header h;
	n = n < sizeof(file) ? n : sizeof(file);
	memcpy(file, data, n);
	if (right && n >= sizeof(h)) {
		memcpy(&h, file, sizeof(h));
		h.magic = STATS_MAGIC;
		h.version = STATS_VERSION;
		h.block_size = STATS_BLOCK;
		memcpy(file, &h, sizeof(h));
	}
	put_of(REG_STATS, file, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	if (!b)
		build();
	unsigned which = take(&in, 1);
	AUTO_FREE char *head = livexml_wrap(live), *ended = x_asprintf("log/%s/" REG_ENDED, uuid);
	put_of(REG_LIVE_XML, head, strlen(head));
	put_of(REG_SCREEN, "{\"port\": 5900}", 14);
	switch (which & 3) {
	case 0:
		put_of(REG_SCREEN, in.p, in.n);
		break;
	case 1:
		put_stats(in.p, in.n, which & 128);
		break;
	case 2:
		put(ended, in.p, in.n);
		break;
	default: {
		AUTO_FREE char *xml = x_strndup((const char *)in.p, in.n);
		AUTO_FREE char *text = livexml_wrap(xml);
		put_of(REG_LIVE_XML, which & 128 ? xml : text, strlen(which & 128 ? xml : text));
	}
	}
	look();
	return 0;
}
