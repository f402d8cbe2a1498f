/* Frames of a guest as vmdeck-net looks at them: what is read stays within the frame, an answer or a refusal within
 * its room, and a packet that passes goes nowhere that is closed. And any text as the host's resolv.conf.
 *
 * Input: a frame; when its first byte is 'n', a resolv.conf. */
#include <netinet/in.h>
#include <string.h>

#include "backend/net/gate.h"
#include "backend/net/packet.h"
#include "src/base/cleanup.h"
#include "src/base/resolv.h"
#include "src/base/str.h"
#include "tests/fuzz/fuzzlib.h"

static void check_refusal(const struct packet *p)
{
	uint8_t out[PACKET_MADE_MAX];
	struct packet back;
	size_t n = packet_refusal(p, out);
	if (n > sizeof(out) || (n && (!packet_read(out, n, &back) || memcmp(back.dst, p->src, p->v6 ? 16 : 4))))
		abort();
}

static void check_answer(const struct packet *p)
{
	static uint8_t out[PACKET_UDP_HEAD + 100];
	struct packet back;
	size_t n = packet_udp(p, "answer", 6, out);
	if (!packet_read(out, n, &back) || back.dport != p->sport || back.sport != p->dport || back.data_len != 6 ||
	    memcmp(back.data, "answer", 6))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gate usual;
	struct packet p;
	if (size && data[0] == 'n') {
		struct resolv r;
		AUTO_FREE char *text = x_strndup((const char *)data, size);
		resolv_parse(text, &r);
		if (!r.n || r.n > RESOLV_MAX)
			abort();
		free(resolv_text(&r));
		return 0;
	}
	if (!packet_read(data, size, &p))
		return 0;
	if (p.data && (p.data < data || p.data + p.data_len > data + size))
		abort();
	bool passes = gate_passes(&usual, &p, 1);
	if (passes && !p.v6 && (p.dst[0] == 127 || !p.dst[0] || (p.dst[0] == 169 && p.dst[1] == 254)))
		abort();
	if (p.proto == IPPROTO_UDP)
		check_answer(&p);
	check_refusal(&p);
	gate_heard(&usual, &p, 1);
	return 0;
}
