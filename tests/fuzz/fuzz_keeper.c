/* Any messages from the machine to its keeper, with up to three descriptors each. The keeper answers its launcher
 * at most once, ends no process that is not its own, and closes what it was given.
 *
 * Input: a byte (bits 0 and 1: descriptors), a length of two bytes, bytes; again and again. */
#include <dirent.h>

#include "backend/vmm/keeper.c"
#include "tests/fuzz/fuzzlib.h"

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool quiet;
	int machine[2], launcher[2];
	struct input in = {data, size};
	struct keeper k = {.lock = -1, .signals = -1};
	if (!quiet)
		log_open("fuzz", open("/dev/null", O_WRONLY | O_CLOEXEC));
	quiet = true;
	unsigned before = open_fds();
	if (unixsock_pair(SOCK_SEQPACKET, machine) || unixsock_pair(SOCK_SEQPACKET, launcher))
		abort();
	k.machine = machine[0];
	k.launcher = launcher[0];
	k.go = json_object();
	while (in.n) {
		int fds[3] = {machine[1], launcher[1], machine[1]};
		unsigned nfds = take(&in, 1) & 3;
		size_t n = take(&in, 2);
		n = n < in.n ? n : in.n;
		unixsock_send(machine[1], in.p, n, fds, nfds);
		read_machine(&k, 4);
		in.p += n;
		in.n -= n;
	}
	struct verdict v;
	judge(&k, LAUNCH_EXIT_CRASHED << 8, &v);
	if (k.ready && !k.answered)
		abort();
	fd_close(k.machine);
	fd_close(k.launcher);
	close(machine[1]);
	close(launcher[1]);
	json_decref(k.go);
	if (open_fds() != before)
		abort();
	return 0;
}
