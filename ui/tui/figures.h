/* The figures that the deck shows: samples of the backend, the rates between two of them, and two minutes of
 * history. figures_update() makes a new snapshot; until the next one it does not change, and drawing only
 * reads it. */
#ifndef UI_TUI_FIGURES_H
#define UI_TUI_FIGURES_H

#include "src/backend.h"

#define HISTORY_LEN 120

struct device_rates {
	struct rate rd_ops, rd_bytes, wr_ops, wr_bytes;
};

struct net_rates { /* rx: to the guest */
	struct rate rx_bytes, rx_packets, tx_bytes, tx_packets;
};

/* One domain in a snapshot. */
struct figure {
	const struct sample_domain *d;
	struct domain_rates rates;
	struct rate vcpu[DOMAIN_VCPUS_MAX];       /* percent of a host CPU */
	struct rate vcpu_exits[DOMAIN_VCPUS_MAX]; /* per second */
	struct device_rates disks[8];
	struct net_rates nets[DOMAIN_INTERFACES_MAX];
	enum domain_state was; /* in the snapshot before; 0 = not there */
	unsigned stale_s;      /* STAT_STALE: how long the figures have been old */
	const float *history;  /* %CPU, oldest first; negative = none */
	size_t nhistory;
};

struct snapshot {
	struct sample now;
	struct host_rates host;
	struct figure *figures; /* as now.domains, sorted by name */
	size_t n;
	float host_history[HISTORY_LEN]; /* percent of all */
	size_t nhost_history;
	unsigned running, paused, crashed;
	bool stale; /* the host could not be sampled; what is here is old */
	char error[256];
};

struct figures;

struct figures *figures_new(void);
void figures_free(struct figures *f);
/* Take a sample. Two within half a second count as one for the rates. On failure the old figures stay, as
 * stale. */
void figures_update(struct figures *f, struct backend *b);
/* The latest snapshot, never NULL; valid until the next figures_update(). */
const struct snapshot *figures_now(const struct figures *f);
/* NULL when there is none. */
const struct figure *snapshot_find(const struct snapshot *s, const char *uuid);

#endif
