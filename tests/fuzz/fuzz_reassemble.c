/* Fragments from a guest: the input is cut into frames, by a length of two bytes before each. What comes out
 * is whole and no longer than a datagram may be.
 * floor: 70 edges */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net/reassemble.h"

#define ETH 14

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *frame, size_t len)
{
	if (len < ETH + 20 || len > ETH + 65535 ||
	    (size_t)(frame[ETH + 2] << 8 | frame[ETH + 3]) + ETH != len || frame[ETH + 6] & 0x3f ||
	    frame[ETH + 7])
		abort();
	volatile uint8_t sum = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + frame[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reassembly r = {0};
	int64_t now = 0;
	while (size > 2) {
		size_t n = (size_t)(data[0] << 8 | data[1]) & 2047;
		data += 2;
		size -= 2;
		n = n < size ? n : size;
		const uint8_t *out = NULL;
		size_t len = 0;
		uint8_t *frame = malloc(n ? n : 1); /* so that a byte too far is seen */
		memcpy(frame, data, n);
		if (reassemble(&r, frame, n, now, &out, &len) == FRAME_COMPLETED)
			check(out, len);
		free(frame);
		now += data[0] * 100;
		data += n;
		size -= n;
	}
	reassembly_done(&r);
	return 0;
}
