/* control.sock of a running guest: QMP's shape (one JSON value a line) and its names for what we have.
 *   greeting  {"QMP": {"version": {"vmdeck": "0.1.0", "protocol": 1}, "capabilities": []}}
 *   command   {"execute": "query-status", "arguments": {...}, "id": any}
 *   answer    {"return": value, "id": any}  or  {"error": {"class": "GenericError", "desc": "sentence"}, "id": any}
 *   event     {"event": "STOP", "data": {...}, "timestamp": {"seconds": N, "microseconds": N}}
 * qmp_capabilities is answered and not required. Descriptors travel with the line that announces them
 * (SCM_RIGHTS). Only the guest's owner and root are served. A newer vmdeck speaks to machines of protocol
 * CONTROL_PROTOCOL_MIN and up.
 *
 * Commands (backend/vmm/control.c is the table; query-commands lists them):
 *   qmp_capabilities query-commands query-version
 *   query-status          {"status": "running"|"paused"|"shutdown"|..., "running": bool, "reason": text}
 *   stop cont             pause, resume
 *   system_powerdown      ACPI power button
 *   system_reset quit     quit {"reason": "destroyed"} ends the machine at once
 *   query-cpus-fast       per vCPU: index, thread-id
 *   console-open          {"index": 0, "replay": N}: a stream socket comes with the answer
 *   query-chardev         consoles: label, bytes written since power-on, attached
 *   query-block           disks: device, removable, locked, tray_open, inserted, io-status ("ok", "nospace": the guest is paused for
 *                         it, "failed": a flush has failed for good, and "x-lost" says why)
 *   blockdev-open-tray blockdev-close-tray  {"id": "hdc", "force": bool}
 *   eject                 {"id": "hdc", "force": bool}: the medium is taken out, the tray stays open
 *   blockdev-change-medium {"id": "hdc", "filename": path, "format": "raw", "force": bool} with the descriptor of the image
 *   query-blockstats
 *   send-key              {"keys": [{"type": "qcode", "data": "ctrl"}], "hold-time": ms}
 *   input-send-event      {"events": [{"type": "abs", "data": {"axis": "x", "value": 0..32767}}]}; key, btn, rel
 *   screen-open           a socket comes with the answer that speaks src/proto/screen.h, as vmdeck-screen has one
 *   screendump            {"format": "png"}: the screen as a PNG in a descriptor; {"format", "width", "height", "size"}
 *   x-screen-text         a text mode's cells: {"columns", "rows", "cursor-x", "cursor-y", "lines": [text]}
 *   x-firmware-log        {"kept", "no-bootable-device", "log"}: what SeaBIOS has said since the last reset
 *   query-vnc             the screen's address, password kind and viewers; set_password, change-vnc-password, expire_password as
 *                         QMP has them; x-vnc-kick sends all viewers away
 *   x-diagnose            what is known of a guest that says nothing: backend/vmm/diagnose.h
 *   x-type                keys, no faster than the guest reads them: backend/vmm/input_control.h
 *   x-exits               exit counters by reason */
#ifndef SRC_PROTO_CONTROL_H
#define SRC_PROTO_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/err.h"
#include "src/base/json.h"

#define CONTROL_PROTOCOL 1
#define CONTROL_PROTOCOL_MIN 1
#define CONTROL_LINE_MAX 65536

/* A client's connection. */
struct control;

/* Connect and read the greeting. NULL with @e filled (a machine whose protocol is not ours: -EPROTO, both
 * named). */
struct control *control_connect(const char *path, int timeout_ms, struct err *e);
void control_close(struct control *c);

/* Send a command and wait for its answer, dropping events. @arguments is taken (may be NULL). @fd (may be
 * NULL) gets the descriptor that came along, or -1. *reply (may be NULL) is the caller's. -ETIMEDOUT; the
 * guest's own error is -EREMOTEIO with its sentence. */
int control_call(struct control *c, const char *command, json_t *arguments, json_t **reply, int *fd,
		 struct err *e);
/* The same for a command that wants a descriptor: @fd travels with it and stays the caller's. */
int control_call_with(struct control *c, const char *command, json_t *arguments, int fd, json_t **reply,
		      struct err *e);

#endif
