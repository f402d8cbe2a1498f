/* Files of one guest, by name, for launcher, keeper and whoever looks. Below <runtime>/<uuid>/ while it runs:
 *   lock            OFD write lock held = alive (lock_held())
 *   live.xml        src/proto/livexml.h: what runs, with id; attribute-free of times: see "started" in the stats header
 *   control.sock    src/proto/control.h
 *   consoleN.sock   raw bytes of serial N, for socat
 *   stats           src/proto/statspage.h
 *   keeper.pid      text
 *   cgroup          that limits_enter() made: its folder, and in a second line that of who started the guest
 *   screen.json     mode 0600: {"port": N, "listen": "127.0.0.1", "socket": path, "passwd": text, "view_passwd": text,
 *                   "passwd_valid_to": seconds, "tls": "off"|...}: where and how viewers are let in
 * Below <log>/<uuid>/, kept:
 *   vmm.log  consoleN.log.0 .. .3  consoleN.idx     (format: src/proto/record.h)
 *   ended.json      {"time": "...Z", "state": "shut off"|"crashed", "reason": domain_reason_text, "detail": "killed by signal 9",
 *                    "action": "destroy"|"restart"|"preserve", "id": N, "cleaned": bool}: written by the keeper. */
#ifndef SRC_PROTO_REGISTRY_H
#define SRC_PROTO_REGISTRY_H

#define REG_LOCK "lock"
#define REG_LIVE_XML "live.xml"
#define REG_CONTROL "control.sock"
#define REG_STATS "stats"
#define REG_KEEPER_PID "keeper.pid"
#define REG_CGROUP "cgroup"
#define REG_SCREEN "screen.json"
#define REG_ENDED "ended.json"
#define REG_VMM_LOG "vmm.log"

#endif
