#include "tests/testlib.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Tests run in children of their own: what they count must be seen here. */
static int *skipped;

void test_skipped(const char *test, const char *reason)
{
	printf("  skipped %s: %s\n", test, reason);
	fflush(stdout);
	if (skipped)
		__atomic_add_fetch(skipped, 1, __ATOMIC_RELAXED);
}

int test_main(Suite *s)
{
	skipped = mmap(NULL, sizeof(*skipped), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (skipped == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	fflush(stdout);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, getenv("CK_VERBOSITY") ? CK_ENV : CK_SILENT);

	int ran = srunner_ntests_run(r), failed = srunner_ntests_failed(r);
	TestResult **bad = srunner_failures(r);
	for (int i = 0; i < failed && !getenv("CK_VERBOSITY"); i++)
		printf("  %s:%d: %s: %s\n", tr_lfile(bad[i]), tr_lno(bad[i]), tr_tcname(bad[i]),
		       tr_msg(bad[i]));
	free(bad);
	printf("%s: %d passed, %d failed, %d skipped\n", program_invocation_short_name,
	       ran - failed - *skipped, failed, *skipped);
	if (!ran)
		printf("%s: no test ran; is CK_RUN_CASE or CK_RUN_SUITE wrong?\n",
		       program_invocation_short_name);
	srunner_free(r);
	return failed || !ran;
}
