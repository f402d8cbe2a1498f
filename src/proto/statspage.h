/* The stats file of a running guest: on a tmpfs, written by the machine without system calls through a shared
 * mapping, read with pread() (never mapped by readers: the machine could truncate it). Host byte order; one
 * machine only.
 *
 * A header, then blocks of STATS_BLOCK bytes, each with one writer thread. Counters only grow and are written
 * with relaxed atomic stores; a reader may see a block between two counters' updates, never a torn
 * counter. */
#ifndef SRC_PROTO_STATSPAGE_H
#define SRC_PROTO_STATSPAGE_H

#include <stdbool.h>
#include <stdint.h>

#define STATS_MAGIC 0x76646b53u /* "Skdv" */
#define STATS_VERSION 1u
#define STATS_BLOCK 192u
#define STATS_BLOCKS_MAX 128u

enum stats_kind { STATS_NONE, STATS_VCPU, STATS_DISK, STATS_NET, STATS_CONSOLE };
enum stats_run {
	STATS_RUN_STARTING,
	STATS_RUN_RUNNING,
	STATS_RUN_PAUSED,
	STATS_RUN_SHUTDOWN,
	STATS_RUN_ENDED
};

struct stats_header {
	uint32_t magic, version;
	uint32_t block_size, nblocks;
	uint32_t machine_pid, keeper_pid;
	uint32_t run;             /* enum stats_run */
	uint32_t reason;          /* enum domain_reason of src/model/state.h */
	uint64_t heartbeat_ns;    /* CLOCK_MONOTONIC of the main loop's last heartbeat */
	uint64_t memory_bytes;    /* guest RAM */
	int64_t started_ms;       /* CLOCK_REALTIME */
	uint64_t resets;
	uint64_t heartbeat_due_ns; /* when the next one comes while the main loop lives; 0: 4 s after the last */
	uint8_t pad[120];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct stats_header) == STATS_BLOCK, "the header takes one block");

struct stats_vcpu {
	uint64_t exits, pio, mmio, halt, other;
	uint32_t tid, index;
};

enum stats_tray { STATS_TRAY_NONE, STATS_TRAY_CLOSED, STATS_TRAY_OPEN }; /* NONE: no removable medium */

struct stats_disk {
	uint64_t rd_ops, rd_bytes, rd_ns, wr_ops, wr_bytes, wr_ns, fl_ops, fl_ns, discard_ops, errors;
	uint32_t tray; /* enum stats_tray */
	uint32_t lost; /* errno of a flush that has failed for good; 0: none has */
};

/* rx: to the guest. */
struct stats_net {
	uint64_t rx_bytes, rx_packets, rx_errors, rx_drop, tx_bytes, tx_packets, tx_errors, tx_drop;
	uint32_t link; /* the cable: 1 = plugged in */
};

struct stats_console {
	uint64_t tx_bytes, rx_bytes; /* tx: written by the guest */
	uint32_t attached;
};

struct stats_block {
	uint32_t kind; /* enum stats_kind */
	uint32_t size; /* bytes used of the union */
	char name[32]; /* "vcpu0", "vda", "vnet0" or "net0", "console0" */
	union {
		struct stats_vcpu vcpu;
		struct stats_disk disk;
		struct stats_net net;
		struct stats_console console;
		uint8_t raw[STATS_BLOCK - 40];
	};
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct stats_block) == STATS_BLOCK, "blocks are of one size");

#define STATS_FILE_SIZE ((uint64_t)STATS_BLOCK * (1 + STATS_BLOCKS_MAX))

/* Is the main loop's heartbeat 6 s behind its time at @now_ns (CLOCK_MONOTONIC)? The header is the machine's, which
 * may say what it likes: it has a minute at most. */
static inline bool stats_heartbeat_late(const struct stats_header *h, uint64_t now_ns)
{
	const uint64_t second = 1000000000u;
	uint64_t last = h->heartbeat_ns, due = h->heartbeat_due_ns;
	uint64_t wait = due < last ? 4 * second : due - last < 60 * second ? due - last : 60 * second;
	return last && now_ns > last && now_ns - last > wait + 6 * second;
}

/* Add to a counter that only this thread writes. */
static inline void stats_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

#endif
