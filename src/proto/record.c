#include "src/proto/record.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/file.h"

#define RECORD_MAGIC 0x78646372u /* "rcdx" */
#define REFRESH_TRIES 5

/* FNV-1a: against cut-off and torn writes, not against forgers; a reader checks every number all the same. */
static uint64_t sum(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t h = 14695981039346656037ull;
	while (n--)
		h = (h ^ *b++) * 1099511628211ull;
	return h;
}

static uint64_t header_sum(const struct record_header *h)
{
	return sum(h, offsetof(struct record_header, check));
}

static uint32_t entry_sum(const struct record_entry *en)
{
	uint64_t h = sum(en, offsetof(struct record_entry, check));
	return (uint32_t)(h ^ h >> 32);
}

static off_t entry_at(const struct record *r, uint64_t seq)
{
	return (off_t)(RECORD_HEADER_BYTES + (seq - 1) % r->h.entries * sizeof(struct record_entry));
}

static unsigned newer(unsigned i)
{
	return (i + 1) % RECORD_SEGMENTS;
}

/* How many bytes of segment @i count: never more than a segment may have, nor beyond where the next one
 * begins, whatever the file says. */
static int64_t segment_size(const struct record *r, unsigned i)
{
	struct stat st;
	if (r->h.start[i] == RECORD_NO_SEGMENT)
		return 0;
	if (fstat(r->seg[i], &st) < 0)
		return -errno;
	uint64_t max = r->h.segment_bytes;
	if (i != r->h.current && r->h.start[newer(i)] - r->h.start[i] < max)
		max = r->h.start[newer(i)] - r->h.start[i];
	return (uint64_t)st.st_size > max ? (int64_t)max : st.st_size;
}

static bool header_ok(const struct record_header *h)
{
	if (h->magic != RECORD_MAGIC || h->version != RECORD_VERSION || h->check != header_sum(h))
		return false;
	if (h->entries != RECORD_ENTRIES || h->current >= RECORD_SEGMENTS || !h->segment_bytes ||
	    h->segment_bytes > 1u << 30)
		return false;
	if (h->start[h->current] > INT64_MAX)
		return false;
	for (unsigned k = 1; k < RECORD_SEGMENTS; k++) { /* back in time: each begins before the one that followed it */
		unsigned i = (h->current + RECORD_SEGMENTS - k) % RECORD_SEGMENTS;
		if (h->start[i] != RECORD_NO_SEGMENT && h->start[i] >= h->start[newer(i)])
			return false;
		if (h->start[i] != RECORD_NO_SEGMENT && h->start[newer(i)] == RECORD_NO_SEGMENT)
			return false;
	}
	return true;
}

int record_refresh(struct record *r)
{
	int rc = -ENODATA;
	for (int i = 0; i < REFRESH_TRIES && rc == -ENODATA; i++) { /* a writer may be in the middle of it */
		struct record_header h;
		rc = fd_pread_all(r->index, &h, sizeof(h), 0);
		if (rc)
			continue;
		if (!header_ok(&h)) {
			rc = -ENODATA;
			continue;
		}
		r->h = h;
		int64_t size = segment_size(r, h.current);
		if (size < 0)
			return (int)size;
		r->end = h.start[h.current] + (uint64_t)size;
	}
	return rc;
}

/* Read the ring in chunks; @fn sees every entry whose checksum and slot are right, in the order of slots from
 * @first on. */
static int ring_walk(struct record *r, uint64_t first, bool (*fn)(void *, const struct record_entry *),
		     void *ctx)
{
	struct record_entry chunk[256];
	for (uint64_t done = 0; done < r->h.entries;) {
		uint64_t slot = (first + done) % r->h.entries;
		uint64_t n = r->h.entries - slot;
		n = n > 256 ? 256 : n;
		n = n > r->h.entries - done ? r->h.entries - done : n;
		ssize_t k = pread(r->index, chunk, n * sizeof(chunk[0]),
				  (off_t)(RECORD_HEADER_BYTES + slot * sizeof(chunk[0])));
		if (k < 0)
			return -errno;
		for (uint64_t i = 0; i < (uint64_t)k / sizeof(chunk[0]); i++) {
			const struct record_entry *en = &chunk[i];
			if (!en->seq || en->check != entry_sum(en) ||
			    (en->seq - 1) % r->h.entries != slot + i || en->kind == RECORD_NONE ||
			    en->kind >= RECORD_KIND_COUNT || en->offset > r->end)
				continue;
			if (!fn(ctx, en))
				return 0;
		}
		done += n;
	}
	return 0;
}

static bool note_newest(void *ctx, const struct record_entry *en)
{
	struct record *r = ctx;
	if (en->seq <= r->seq || en->seq > INT64_MAX)
		return true;
	r->seq = en->seq;
	r->last_ns = en->time_ns;
	r->last_offset = en->offset;
	return true;
}

struct walk {
	uint64_t last_seq;
	bool (*fn)(void *ctx, const struct record_entry *);
	void *ctx;
};

static bool in_order(void *ctx, const struct record_entry *en)
{
	struct walk *w = ctx;
	if (en->seq <= w->last_seq)
		return true; /* left from before a ring that began anew, or written while we read */
	w->last_seq = en->seq;
	return w->fn(w->ctx, en);
}

int record_entries(struct record *r, bool (*fn)(void *ctx, const struct record_entry *), void *ctx)
{
	r->seq = 0;
	int rc = ring_walk(r, 0, note_newest, r);
	if (rc || !r->seq)
		return rc;
	struct walk w = {r->seq > r->h.entries ? r->seq - r->h.entries : 0, fn, ctx};
	return ring_walk(r, r->seq % r->h.entries, in_order, &w);
}

int record_open_reader(struct record *r, const int seg[RECORD_SEGMENTS], int index)
{
	*r = (struct record){.index = index};
	memcpy(r->seg, seg, sizeof(r->seg));
	return record_refresh(r);
}

static int write_header(struct record *r)
{
	r->h.check = header_sum(&r->h);
	return fd_pwrite_all(r->index, &r->h, sizeof(r->h), 0);
}

/* Nothing sensible was found: empty files, offset 0. */
static int begin_anew(struct record *r, uint64_t segment_bytes)
{
	r->h = (struct record_header){.magic = RECORD_MAGIC,
				      .version = RECORD_VERSION,
				      .entries = RECORD_ENTRIES,
				      .segment_bytes = segment_bytes};
	for (unsigned i = 0; i < RECORD_SEGMENTS; i++) {
		r->h.start[i] = i ? RECORD_NO_SEGMENT : 0;
		if (ftruncate(r->seg[i], 0) < 0)
			return -errno;
	}
	r->end = r->seq = r->last_ns = r->last_offset = 0;
	return ftruncate(r->index, 0) < 0 ? -errno : write_header(r);
}

int record_open_writer(struct record *r, const int seg[RECORD_SEGMENTS], int index, uint64_t segment_bytes)
{
	*r = (struct record){.index = index, .writable = true};
	memcpy(r->seg, seg, sizeof(r->seg));
	int rc = record_refresh(r);
	if (rc == -ENODATA)
		return begin_anew(r, segment_bytes);
	return rc ? rc : ring_walk(r, 0, note_newest, r);
}

static int add_entry(struct record *r, enum record_kind kind, uint64_t now_ns)
{
	struct record_entry en = {.seq = r->seq + 1,
				  .offset = r->end,
				  .time_ns = now_ns,
				  .kind = kind,
				  .segment = (uint16_t)r->h.current};
	en.check = entry_sum(&en);
	int rc = fd_pwrite_all(r->index, &en, sizeof(en), entry_at(r, en.seq));
	if (rc)
		return rc;
	r->seq = en.seq;
	r->last_ns = now_ns;
	r->last_offset = r->end;
	return 0;
}

int record_mark(struct record *r, enum record_kind kind, uint64_t now_ns)
{
	if (kind == RECORD_POWERON) {
		r->h.boot = r->end;
		r->h.boot_ns = now_ns;
		int rc = write_header(r);
		if (rc)
			return rc;
	}
	return add_entry(r, kind, now_ns);
}

/* The next segment becomes the current one. The order matters to a crash in between: an emptied old segment
 * does no harm. */
static int rotate(struct record *r)
{
	unsigned next = newer(r->h.current);
	if (ftruncate(r->seg[next], 0) < 0)
		return -errno;
	struct record_header old = r->h;
	r->h.start[next] = r->end;
	r->h.current = next;
	int rc = write_header(r);
	if (rc)
		r->h = old;
	return rc;
}

int record_write(struct record *r, const void *p, size_t n, uint64_t now_ns)
{
	const char *c = p;
	if (n && (!r->seq || now_ns - r->last_ns >= RECORD_GAP_NS ||
		  r->end - r->last_offset >= RECORD_GAP_BYTES)) {
		int rc = add_entry(r, RECORD_DATA, now_ns);
		if (rc)
			return rc;
	}
	while (n) {
		uint64_t used = r->end - r->h.start[r->h.current];
		if (used >= r->h.segment_bytes) {
			int rc = rotate(r);
			if (rc)
				return rc;
			continue;
		}
		uint64_t room = r->h.segment_bytes - used;
		ssize_t k = pwrite(r->seg[r->h.current], c, n < room ? n : room, (off_t)used);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? -errno : -EIO;
		c += k;
		n -= (size_t)k;
		r->end += (uint64_t)k;
	}
	return 0;
}

uint64_t record_begin(const struct record *r)
{
	uint64_t oldest = r->end;
	for (unsigned i = 0; i < RECORD_SEGMENTS; i++)
		if (r->h.start[i] < oldest && segment_size(r, i) > 0)
			oldest = r->h.start[i];
	return oldest;
}

uint64_t record_boot(const struct record *r)
{
	uint64_t begin = record_begin(r);
	if (r->h.boot > r->end)
		return begin;
	return r->h.boot < begin ? begin : r->h.boot;
}

uint64_t record_end(const struct record *r)
{
	return r->end;
}

/* The segment that holds @offset, or that begins soonest behind it; -1 at the end. */
static int segment_of(const struct record *r, uint64_t offset, int64_t *size)
{
	int best = -1;
	for (unsigned i = 0; i < RECORD_SEGMENTS; i++) {
		int64_t n = segment_size(r, i);
		if (n <= 0 || r->h.start[i] + (uint64_t)n <= offset)
			continue;
		if (best < 0 || r->h.start[i] < r->h.start[best]) {
			best = (int)i;
			*size = n;
		}
	}
	return best;
}

ssize_t record_read(struct record *r, uint64_t *offset, void *p, size_t n)
{
	for (int tries = 0; tries < REFRESH_TRIES; tries++) {
		int64_t size = 0;
		int i = segment_of(r, *offset, &size);
		if (i < 0)
			return 0;
		uint64_t start = r->h.start[i], at = *offset > start ? *offset - start : 0;
		uint64_t want = (uint64_t)size - at < n ? (uint64_t)size - at : n;
		ssize_t k = pread(r->seg[i], p, want, (off_t)at);
		if (k < 0)
			return -errno;
		if (!r->writable) { /* the segment may have been begun anew while we read */
			int rc = record_refresh(r);
			if (rc)
				return rc;
			if (r->h.start[i] != start)
				continue;
		}
		*offset = start + at + (uint64_t)k;
		return k;
	}
	return -EAGAIN;
}
