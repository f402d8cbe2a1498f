/* Run a fuzz target over its corpus with any compiler. Linked with one target as replay_NAME; run at the top
 * of the tree it takes tests/fuzz/corpus/NAME, or the files and folders that its arguments name. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Return: inputs run, or -1 after saying what is wrong. */
static int replay_file(const char *path)
{
	AUTO_FCLOSE FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		return -1;
	}
	AUTO_FREE uint8_t *data = x_malloc(INPUT_MAX);
	size_t n = fread(data, 1, INPUT_MAX, f);
	AUTO_FREE uint8_t *exact = x_malloc(n); /* so that a checker sees where it ends */
	memcpy(exact, data, n);
	LLVMFuzzerTestOneInput(exact, n);
	return 1;
}

static int replay(const char *path)
{
	struct stat st;
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return replay_file(path);
	DIR *d = opendir(path);
	if (!d) {
		perror(path);
		return -1;
	}
	int total = 0;
	for (struct dirent *e; total >= 0 && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		AUTO_FREE char *inner = x_asprintf("%s/%s", path, e->d_name);
		int n = replay(inner);
		total = n < 0 ? n : total + n;
	}
	closedir(d);
	return total;
}

int main(int argc, char **argv)
{
	const char *name = program_invocation_short_name;
	AUTO_FREE char *own =
	    x_asprintf("tests/fuzz/corpus/%s", str_starts(name, "replay_") ? name + 7 : name);
	int total = 0;
	for (int i = 1; i < argc || i == 1; i++) {
		int n = replay(argc > 1 ? argv[i] : own);
		if (n < 0)
			return 1;
		total += n;
	}
	printf("%s: %d passed, 0 failed, 0 skipped\n", name, total);
	return !total;
}
