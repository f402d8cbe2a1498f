/* What every test program shares: running its suite, and skipping aloud. */
#ifndef TESTS_TESTLIB_H
#define TESTS_TESTLIB_H

#include <check.h>

/* Run @s and print what failed, what was skipped, and one closing line "NAME: N passed, N failed, N skipped".
 * libcheck's own variables (CK_FORK, CK_RUN_CASE, CK_VERBOSITY, CK_TIMEOUT_MULTIPLIER) work as usual.
 * Return: main's exit status; not 0 when a test failed, or when none ran. */
int test_main(Suite *s);

/* Leave this test because the machine lacks what it needs. Only in a test function itself. */
#define test_skip(reason)                                                                                    \
	do {                                                                                                 \
		test_skipped(__func__, reason);                                                              \
		return;                                                                                      \
	} while (0)
void test_skipped(const char *test, const char *reason);

#endif
