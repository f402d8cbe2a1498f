/* holdthread TID: stop that one thread, say "held", and let it go when standard input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char c;
	pid_t tid = argc == 2 ? atoi(argv[1]) : 0;
	if (!tid || ptrace(PTRACE_SEIZE, tid, NULL, NULL) || ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) ||
	    waitpid(tid, NULL, __WALL) != tid) {
		perror("holdthread");
		return 1;
	}
	printf("held\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return ptrace(PTRACE_DETACH, tid, NULL, NULL) != 0;
}
