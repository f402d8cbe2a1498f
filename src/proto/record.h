/* The record of a serial console: every byte that the guest wrote, with a time index, in files of bounded
 * size.
 *
 * Theory of operation. The bytes lie in RECORD_SEGMENTS plain text files that are filled in turn; the fullest
 * history is therefore between three and four segments. Bytes are numbered by a global offset that starts at
 * 0 with the first run and goes on growing over restarts, so that a place has one name for ever. The index
 * file is a header (which segment begins at which offset, which one is written now, where the last power-on
 * was) and a ring of fixed entries (offset, time, kind): one for each event, and for data one at most every
 * RECORD_GAP_NS or RECORD_GAP_BYTES. When the ring has gone round, old times are forgotten before old bytes
 * are.
 *
 * The writer is the sandboxed machine: it has open descriptors only, so it truncates and overwrites instead
 * of renaming. One writer, any number of readers in other processes, no locks: header and entries carry
 * checksums, and a reader asks again after each read whether the segment is still the one it meant. A crash
 * loses at most the header's last change: the size of a segment file says how much of it there is. What is
 * found on opening is treated as hostile; what makes no sense is dropped (writer: begins anew; reader: sees
 * nothing). Host byte order.
 *
 * A struct record is used by one thread at a time. Nothing here allocates. */
#ifndef SRC_PROTO_RECORD_H
#define SRC_PROTO_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECORD_SEGMENTS 4
#define RECORD_SEGMENT_BYTES (4u << 20)
#define RECORD_ENTRIES 16384u
#define RECORD_GAP_NS 50000000ull
#define RECORD_GAP_BYTES 4096u
#define RECORD_VERSION 1u

enum record_kind {
	RECORD_NONE,
	RECORD_DATA, /* bytes from here on were written at or after this time */
	RECORD_POWERON,
	RECORD_RESET,
	RECORD_POWEROFF,
	RECORD_PAUSE,
	RECORD_RESUME,
	RECORD_CRASH,
	RECORD_KIND_COUNT
};

struct record_header {
	uint32_t magic, version;
	uint32_t entries; /* slots of the ring */
	uint32_t current; /* segment that is written */
	uint64_t segment_bytes;
	uint64_t boot;                   /* offset of the last power-on */
	uint64_t boot_ns;                /* CLOCK_REALTIME of it */
	uint64_t start[RECORD_SEGMENTS]; /* offset of each segment's first byte; RECORD_NO_SEGMENT: unused */
	uint8_t pad[40];
	uint64_t check;
};
_Static_assert(sizeof(struct record_header) == 120, "the header of version 1");
#define RECORD_NO_SEGMENT UINT64_MAX
#define RECORD_HEADER_BYTES 128u

struct record_entry {
	uint64_t seq;     /* 1, 2, ...: slot = (seq - 1) % entries */
	uint64_t offset;  /* global */
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint16_t kind;    /* enum record_kind */
	uint16_t segment;
	uint32_t check;
};
_Static_assert(sizeof(struct record_entry) == 32, "the entry of version 1");

struct record {
	int seg[RECORD_SEGMENTS], index; /* the caller's, not closed here */
	bool writable;
	struct record_header h;
	uint64_t end;                  /* offset behind the last byte */
	uint64_t seq;                  /* of the last entry */
	uint64_t last_ns, last_offset; /* of the last DATA entry */
};

/* Use these open files (read-write for a writer, of which there may be one), which may be empty, cut off or
 * garbage. A writer goes on behind what is there. @segment_bytes: RECORD_SEGMENT_BYTES but in tests; of
 * interest when files are made anew. 0, or -errno when a file cannot be read or written. */
int record_open_writer(struct record *r, const int seg[RECORD_SEGMENTS], int index, uint64_t segment_bytes);
/* -ENODATA when nothing (sensible) was recorded. */
int record_open_reader(struct record *r, const int seg[RECORD_SEGMENTS], int index);

/* Append. A full disk or another failure is returned, and what could be written counts; the next call goes
 * on. No allocation, one or two pwrite() and sometimes ftruncate(). @now_ns: CLOCK_REALTIME. */
int record_write(struct record *r, const void *p, size_t n, uint64_t now_ns);
/* An event at the end. RECORD_POWERON also sets where record_boot() is. */
int record_mark(struct record *r, enum record_kind kind, uint64_t now_ns);

/* Offsets: of the oldest byte kept, of the last power-on (not before the oldest), behind the newest. A
 * reader's are as of its opening or last record_refresh(). */
uint64_t record_begin(const struct record *r);
uint64_t record_boot(const struct record *r);
uint64_t record_end(const struct record *r);
int record_refresh(struct record *r);

/* Read up to @n bytes from *@offset on, and move it behind them. An offset that is no longer kept is moved to
 * the oldest byte first. Bytes (0 = end) or -errno. */
ssize_t record_read(struct record *r, uint64_t *offset, void *p, size_t n);

/* Walk the index from the oldest entry to the newest; @fn returns false to stop. 0 or -errno. */
int record_entries(struct record *r, bool (*fn)(void *ctx, const struct record_entry *), void *ctx);

#endif
