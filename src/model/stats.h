/* Figures of the host and of every guest: raw samples, and the rates that two of them give.
 *
 * A backend fills a struct sample with growing counters; rates are computed here from the measured interval,
 * per second, and never from the one that was asked for. Each rate says what it is worth. */
#ifndef SRC_MODEL_STATS_H
#define SRC_MODEL_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/uuid.h"
#include "src/model/domain.h"
#include "src/model/state.h"

enum stat_quality {
	STAT_INIT,   /* first sample: no rate yet */
	STAT_DATA,
	STAT_STALE,  /* the source did not answer this time: value is 0, whoever shows it lets the last one stand */
	STAT_NODATA, /* there is none: not running, not permitted */
};

struct stat_device { /* a disk */
	char name[32];   /* "vda" */
	uint64_t rd_ops, rd_bytes, wr_ops, wr_bytes, fl_ops, errors;
	uint64_t rd_ns, wr_ns, fl_ns; /* time spent in completed requests */
};

struct stat_net { /* a network card; rx: to the guest */
	char name[32]; /* the tap's ("vnet0"), or "net0" */
	uint64_t rx_bytes, rx_packets, rx_errors, rx_drop, tx_bytes, tx_packets, tx_errors, tx_drop;
	bool link;     /* the cable is plugged in */
};

struct sample_domain {
	char name[DOMAIN_NAME_MAX + 1];
	char uuid[UUID_TEXT];
	char title[128];
	int id;
	enum domain_state state;
	enum domain_reason reason;
	char detail[256];
	bool persistent, autostart;
	unsigned vcpus;
	uint64_t memory_bytes;     /* given to the guest */
	uint64_t rss_bytes;        /* resident on the host, 0 unknown */
	int vnc_port;              /* where its screen is, 0: nowhere */
	bool screen;               /* it has one that can be looked at */
	int64_t started_ms;
	bool valid;                /* the counters below were read this time */
	uint64_t cpu_ns;           /* host CPU time of the guest's processes, threads and all */
	uint64_t cpu_user_ns, cpu_system_ns, cpu_guest_ns; /* guest_ns is part of user_ns */
	uint64_t vcpu_ns[DOMAIN_VCPUS_MAX];  /* per vCPU thread, 0 unknown */
	uint64_t vcpu_exits[DOMAIN_VCPUS_MAX];
	uint64_t exits;            /* of all vCPUs */
	uint64_t exits_pio, exits_mmio, exits_other;
	uint64_t console_bytes;    /* written by the guest to ttyS0 since power-on */
	struct stat_device disks[8];
	unsigned ndisks;
	struct stat_net nets[DOMAIN_INTERFACES_MAX];
	unsigned nnets;
};

struct sample {
	int64_t time_ns;           /* CLOCK_MONOTONIC when it was taken */
	int64_t wall_ms;           /* CLOCK_REALTIME */
	char hostname[65];
	unsigned host_cpus;
	uint64_t host_busy_ns, host_total_ns; /* over all CPUs, growing */
	uint64_t host_mem_bytes, host_mem_free_bytes; /* free = MemAvailable */
	double load[3];
	struct sample_domain *domains; /* sorted by name */
	size_t ndomains;
};

void sample_done(struct sample *s);

struct rate {
	enum stat_quality quality;
	double value;
};

struct domain_rates {
	struct rate cpu;            /* percent of one host CPU: 250 = two and a half busy */
	struct rate rd_bytes, wr_bytes, rd_ops, wr_ops; /* per second, all disks */
	struct rate rx_bytes, tx_bytes; /* per second, all network cards; rx: to the guest */
	struct rate exits;          /* per second */
};

struct host_rates {
	struct rate cpu; /* percent of all host CPUs, 0..100 */
};

/* Rates from @prev to @now. A domain that @prev did not have, or that was started anew since, is STAT_INIT;
 * one whose counters went backwards too. @prev may be NULL. */
struct domain_rates domain_rates(const struct sample *prev, const struct sample *now, const char *uuid);
struct host_rates host_rates(const struct sample *prev, const struct sample *now);

/* The domain of that uuid, or NULL. */
const struct sample_domain *sample_find(const struct sample *s, const char *uuid);

#endif
