/* The files of a console record as somebody may have left them: the index is the input (its checksum made
 * right for every second one, so that the numbers are reached), the segments are of sizes that it names.
 * Reading stays in bounds and ends; a writer can go on.
 * floor: 120 edges */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/proto/record.h"

#define SEGMENT 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_files(const uint8_t *data, size_t size, const int seg[], int idx)
{
	struct record_header h;
	for (int i = 0; i < RECORD_SEGMENTS; i++)
		if (ftruncate(seg[i], 0) < 0 || ftruncate(seg[i], size > (size_t)i ? data[i] * 4 : 0) < 0)
			abort();
	data += size < RECORD_SEGMENTS ? size : RECORD_SEGMENTS;
	size -= size < RECORD_SEGMENTS ? size : RECORD_SEGMENTS;
	if (ftruncate(idx, 0) < 0 || pwrite(idx, data, size, 0) != (ssize_t)size)
		abort();
	if (size < sizeof(h) || data[size - 1] & 1)
		return;
	memcpy(&h, data, sizeof(h));
	h.magic = 0x78646372;
	h.version = RECORD_VERSION;
	h.entries = RECORD_ENTRIES;
	h.current %= RECORD_SEGMENTS;
	h.check = 14695981039346656037ull;
	uint64_t sum = h.check;
	for (size_t i = 0; i < offsetof(struct record_header, check); i++)
		sum = (sum ^ ((uint8_t *)&h)[i]) * 1099511628211ull;
	h.check = sum;
	if (pwrite(idx, &h, sizeof(h), 0) != sizeof(h))
		abort();
}

static bool see(void *ctx, const struct record_entry *en)
{
	if (en->kind == RECORD_NONE || en->kind >= RECORD_KIND_COUNT)
		abort();
	return true;
}

static void read_all(struct record *r)
{
	char p[300];
	uint64_t at = 0, total = 0;
	for (ssize_t n; (n = record_read(r, &at, p, sizeof(p))) > 0;)
		total += (uint64_t)n;
	if (total > RECORD_SEGMENTS * 255u * 4 || record_begin(r) > record_boot(r) ||
	    record_boot(r) > record_end(r))
		abort();
	record_entries(r, see, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int seg[RECORD_SEGMENTS], idx;
	struct record r;
	if (!idx) {
		for (int i = 0; i < RECORD_SEGMENTS; i++)
			seg[i] = memfd_create("segment", MFD_CLOEXEC);
		idx = memfd_create("index", MFD_CLOEXEC);
	}
	make_files(data, size, seg, idx);
	if (!record_open_reader(&r, seg, idx))
		read_all(&r);
	if (record_open_writer(&r, seg, idx, SEGMENT))
		abort();
	uint64_t end = record_end(&r), at = end;
	char c = 0;
	if (record_write(&r, "x", 1, 1) || record_end(&r) != end + 1 || record_read(&r, &at, &c, 1) != 1 ||
	    c != 'x')
		abort();
	return 0;
}
