/* What a guest's machine process wrote into screen.json, as programs of the host read it: the machine may be its
 * guest's. floor: 100 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/local/graphics.h"
#include "src/base/dirs.h"
#include "src/proto/registry.h"

#define UUID "3fd1ae2c-5d4a-4a0b-9d3e-7f2b6f0c1a55"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64], file[160];

/* Who reads half a file waits for the other half; here it never comes. */
int usleep(useconds_t us)
{
	return 0;
}

static void tidy(void)
{
	char sub[128];
	snprintf(sub, sizeof(sub), "%s/" UUID, dir);
	unlink(file);
	rmdir(sub);
	rmdir(dir);
}

static void make_folder(void)
{
	snprintf(dir, sizeof(dir), "/tmp/vmdeck-fuzz-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	snprintf(file, sizeof(file), "%s/" UUID, dir);
	if (mkdir(file, 0700))
		abort();
	snprintf(file, sizeof(file), "%s/" UUID "/" REG_SCREEN, dir);
	atexit(tidy);
}

static void is_text(const char *s, size_t room)
{
	if (!memchr(s, 0, room))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct screen_info info;
	struct err e = {0};
	if (!*dir)
		make_folder();
	struct dirs dirs = {.runtime = dir};
	struct local l = {.dirs = &dirs};
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	memset(&info, 0xa5, sizeof(info));
	if (graphics_info(&l, UUID, &info, &e)) {
		if (!e.msg[0])
			abort();
		return 0;
	}
	is_text(info.listen, sizeof(info.listen));
	is_text(info.socket, sizeof(info.socket));
	is_text(info.passwd, sizeof(info.passwd));
	is_text(info.view_passwd, sizeof(info.view_passwd));
	if (info.tls > GRAPHICS_TLS_REQUIRED)
		abort();
	for (unsigned i = 0; i < info.nviewers && i < SCREEN_VIEWERS_MAX; i++) {
		is_text(info.viewers[i].host, sizeof(info.viewers[i].host));
		is_text(info.viewers[i].service, sizeof(info.viewers[i].service));
		is_text(info.viewers[i].encoding, sizeof(info.viewers[i].encoding));
	}
	return 0;
}
