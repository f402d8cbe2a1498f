/* The commands of the control socket. Connections are in control_server.c. */
#include "backend/vmm/control.h"

#include <errno.h>
#include <stdint.h>

#include "backend/vmm/boot/firmware.h"
#include "backend/vmm/chardev.h"
#include "backend/vmm/control_block.h"
#include "backend/vmm/control_net.h"
#include "backend/vmm/diagnose.h"
#include "backend/vmm/display/capture.h"
#include "backend/vmm/input_control.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/run.h"
#include "backend/vmm/screenlink.h"
#include "backend/vmm/vcpu.h"
#include "src/base/str.h"
#include "src/base/version.h"
#include "src/proto/control.h"

static int cmd_capabilities(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	return 0;
}

static int cmd_console_open(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	int64_t index = json_int(args, "index", 0), replay = json_int(args, "replay", 0);
	struct chardev *c = index >= 0 && index < MACHINE_CONSOLES_MAX ? m->consoles[index] : NULL;
	if (!c)
		return err_set(e, ENOENT, "the guest has no serial console %lld", (long long)index);
	return chardev_attach(c, replay < 0 ? UINT64_MAX : (uint64_t)replay, fd, e);
}

static int cmd_cont(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	return run_resume(m, e);
}

static int cmd_stop(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	run_pause(m, DOMAIN_REASON_USER);
	return 0;
}

static int cmd_powerdown(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	return run_powerdown(m, json_flag(args, "reboot", false), e);
}

static int request(struct machine *m, enum machine_request r, const char *why)
{
	pthread_mutex_lock(&m->lock);
	machine_request(m, r, why);
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static int cmd_reset(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	return request(m, MACHINE_RESET, "system_reset");
}

static int cmd_quit(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	return request(m, MACHINE_QUIT, "destroyed");
}

static int cmd_query_status(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	enum domain_reason reason;
	enum domain_state state = run_state(m, &reason);
	*ret = json_object();
	json_set_str(*ret, "status", domain_state_text(state));
	json_set_flag(*ret, "running", state == DOMAIN_RUNNING || state == DOMAIN_SHUTDOWN);
	json_set_str(*ret, "reason", domain_reason_text(reason));
	json_set_str(*ret, "detail", m->request_detail);
	return 0;
}

static int cmd_query_cpus(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	*ret = json_array();
	for (unsigned i = 0; i < vcpus_count(m); i++) {
		json_t *c = json_object();
		json_set_int(c, "cpu-index", i);
		json_set_int(c, "thread-id", vcpu_tid(m, i));
		json_array_append_new(*ret, c);
	}
	return 0;
}

static const struct stats_block *block_of(const struct machine *m, unsigned i)
{
	return (const struct stats_block *)(m->stats + 1) + i;
}

static int cmd_query_chardev(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	*ret = json_array();
	for (unsigned i = 0; i < m->stats->nblocks; i++) {
		const struct stats_block *b = block_of(m, i);
		if (b->kind != STATS_CONSOLE)
			continue;
		json_t *c = json_object();
		json_set_str(c, "label", b->name);
		json_set_int(c, "tx-bytes", (int64_t)b->console.tx_bytes);
		json_set_int(c, "rx-bytes", (int64_t)b->console.rx_bytes);
		json_set_int(c, "attached", b->console.attached);
		json_array_append_new(*ret, c);
	}
	return 0;
}

static int cmd_query_blockstats(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	*ret = json_array();
	for (unsigned i = 0; i < m->stats->nblocks; i++) {
		const struct stats_block *b = block_of(m, i);
		if (b->kind != STATS_DISK)
			continue;
		json_t *d = json_object(), *s = json_object();
		json_set_int(s, "rd_operations", (int64_t)b->disk.rd_ops);
		json_set_int(s, "rd_bytes", (int64_t)b->disk.rd_bytes);
		json_set_int(s, "rd_total_time_ns", (int64_t)b->disk.rd_ns);
		json_set_int(s, "wr_operations", (int64_t)b->disk.wr_ops);
		json_set_int(s, "wr_bytes", (int64_t)b->disk.wr_bytes);
		json_set_int(s, "wr_total_time_ns", (int64_t)b->disk.wr_ns);
		json_set_int(s, "flush_operations", (int64_t)b->disk.fl_ops);
		json_set_int(s, "flush_total_time_ns", (int64_t)b->disk.fl_ns);
		json_set_int(s, "failed_operations", (int64_t)b->disk.errors);
		json_set_str(d, "device", b->name);
		json_set_take(d, "stats", s);
		json_array_append_new(*ret, d);
	}
	return 0;
}

static int cmd_exits(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	*ret = json_array();
	for (unsigned i = 0; i < m->stats->nblocks; i++) {
		const struct stats_block *b = block_of(m, i);
		if (b->kind != STATS_VCPU)
			continue;
		json_t *c = json_object();
		json_set_int(c, "cpu-index", b->vcpu.index);
		json_set_int(c, "exits", (int64_t)b->vcpu.exits);
		json_set_int(c, "pio", (int64_t)b->vcpu.pio);
		json_set_int(c, "mmio", (int64_t)b->vcpu.mmio);
		json_set_int(c, "halt", (int64_t)b->vcpu.halt);
		json_set_int(c, "other", (int64_t)b->vcpu.other);
		json_array_append_new(*ret, c);
	}
	return 0;
}

static int cmd_query_version(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	*ret = json_object();
	json_set_str(*ret, "vmdeck", VMDECK_VERSION);
	json_set_int(*ret, "protocol", CONTROL_PROTOCOL);
	return 0;
}

static int cmd_query_commands(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	*ret = json_array();
	for (const struct control_command *c = control_commands; c->name; c++) {
		json_t *row = json_object();
		json_set_str(row, "name", c->name);
		json_array_append_new(*ret, row);
	}
	return 0;
}

const struct control_command control_commands[] = {
	{"blockdev-change-medium", "put another medium into a drive", control_change_medium},
	{"blockdev-close-tray", "close the tray of a drive", control_close_tray},
	{"blockdev-open-tray", "open the tray of a drive", control_open_tray},
	{"change-vnc-password", "the password of the screen", screenlink_change_vnc_password},
	{"console-open", "attach to a serial console", cmd_console_open},
	{"cont", "resume the guest", cmd_cont},
	{"eject", "take the medium out of a drive", control_eject},
	{"expire_password", "when the password of the screen ends", screenlink_expire_password},
	{"input-send-event", "press keys and buttons, move the pointer", input_send_event},
	{"qmp_capabilities", "for clients of QMP: nothing to negotiate", cmd_capabilities},
	{"query-block", "disks, drives and their media", control_query_block},
	{"query-blockstats", "figures of the disks", cmd_query_blockstats},
	{"query-chardev", "serial consoles", cmd_query_chardev},
	{"query-commands", "this list", cmd_query_commands},
	{"query-cpus-fast", "vCPUs and their threads", cmd_query_cpus},
	{"query-status", "state and why", cmd_query_status},
	{"query-version", "versions of program and protocol", cmd_query_version},
	{"query-vnc", "where the screen is, and who looks", screenlink_query_vnc},
	{"quit", "end the machine at once", cmd_quit},
	{"screen-open", "look at the screen: src/proto/screen.h", screenlink_open},
	{"screendump", "a picture of the screen", capture_screendump},
	{"send-key", "press keys together for a while", input_send_key},
	{"set_link", "plug a network cable in, or pull it", control_set_link},
	{"set_password", "the password of the screen", screenlink_set_password},
	{"stop", "pause the guest", cmd_stop},
	{"system_powerdown", "press the power button", cmd_powerdown},
	{"system_reset", "reset the guest", cmd_reset},
	{"x-diagnose", "what is known of a guest that says nothing", diagnose_facts},
	{"x-exits", "exits of each vCPU by reason", cmd_exits},
	{"x-firmware-log", "what the firmware has said since the last reset", firmware_query_log},
	{"x-query-link", "network cards and their cables", control_query_link},
	{"x-screen-text", "the text on the screen", capture_text},
	{"x-type", "type keys, not faster than the guest reads them", input_type},
	{"x-vnc-kick", "send all viewers away", screenlink_kick},
	{0},
};
