/* watch FILE TEXT COMMAND [ARG...] - start COMMAND and print "FIRST SHELL": the milliseconds from then until
 * FILE, which need not be there yet, has a first byte, and until TEXT is in it. COMMAND ends by itself
 * (vmdeck start, qemu -daemonize). It looks every 5 ms, later every 20: inotify is not to be relied on where
 * a file lies on an overlay. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 180000
#define SEEN_MAX (1 << 20)

static long now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	static char seen[SEEN_MAX];
	if (argc < 4) {
		fputs("usage: watch FILE TEXT COMMAND [ARG...]\n", stderr);
		return 2;
	}
	const char *path = argv[1], *text = argv[2];
	long start = now_ms(), first = -1;
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1); /* what it says is not the result; its errors are heard */
		execvp(argv[3], argv + 3);
		perror(argv[3]);
		_exit(127);
	}
	int fd = -1;
	size_t have = 0;
	for (;;) {
		nanosleep(&(struct timespec){.tv_nsec = first < 0 ? 5000000 : 20000000}, NULL);
		if (fd < 0)
			fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : pread(fd, seen + have, SEEN_MAX - 1 - have, (off_t)have);
		if (n > 0) {
			if (first < 0)
				first = now_ms() - start;
			have += (size_t)n;
			if (memmem(seen, have, text, strlen(text)))
				break;
		}
		if (now_ms() - start > LIMIT_MS || have == SEEN_MAX - 1) {
			fprintf(stderr, "watch: no \"%s\" in %zu bytes of %s\n", text, have, path);
			return 1;
		}
	}
	printf("%ld %ld\n", first, now_ms() - start);
	fflush(stdout);
	while (waitpid(pid, NULL, WNOHANG) == 0)
		usleep(10000);
	return 0;
}
