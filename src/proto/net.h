/* Between the keeper and vmdeck-net, the user-mode network of one interface.
 *
 * How the keeper starts it: `vmdeck-net NAME INDEX` with two SOCK_SEQPACKET: LAUNCH_FD, the other end of
 * which the machine has, where each packet is an Ethernet frame without its checksum; and NET_CONFIG_FD, on
 * which the keeper sends one message (JSON):
 *   {"hostname": text (absent: none), "mtu": bytes (absent: 1500),
 *    "host_loopback": flag, "link_local": flag (absent: closed; backend/net/gate.h),
 *    "forwards": [{"udp": flag, "address": text, "start": port, "end": port, "to": port}, ...]}
 * and vmdeck-net answers one when it is ready for frames: {"ready": {}}, or {"error": {"code": errno,
 * "message": sentence}} and ends. It ends when the machine closes its end, and dies with the keeper. */
#ifndef SRC_PROTO_NET_H
#define SRC_PROTO_NET_H

#define NET_CONFIG_FD 4
#define NET_MESSAGE_MAX 65536

/* The network that a guest sees, and all know from QEMU. Ours, and the guest's by DHCP. */
#define NET_HOST "10.0.2.2"
#define NET_DNS "10.0.2.3"
#define NET_HOST6 "fec0::2"
#define NET_DNS6 "fec0::3"
#define NET_GUEST "10.0.2.15"
#define NET_PREFIX 24

#endif
