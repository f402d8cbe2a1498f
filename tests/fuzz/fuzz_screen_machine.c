/* Messages of the machine to vmdeck-screen (src/proto/screen.h), as a machine may send them that the guest
 * has taken over: each a byte for the type (its highest bit: with the picture's memory), two for the length,
 * and what follows the type.
 * floor: 200 edges */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/screen/screen.h"
#include "src/base/unixsock.h"
#include "src/proto/screen.h"

#define MEMORY (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct screen *s;
	static int memory;
	static char m[SCREEN_MESSAGE_MAX];
	if (!s) {
		int pair[2];
		memory = memfd_create("picture", MFD_CLOEXEC);
		if (unixsock_pair(SOCK_SEQPACKET, pair) || ftruncate(memory, MEMORY) < 0 ||
		    !(s = screen_new(pair[0], NULL, 0, NULL, NULL)))
			abort();
	}
	for (size_t i = 0; i + 3 <= size;) {
		uint32_t type = data[i] & 0x7f;
		size_t n = (size_t)data[i + 1] << 8 | data[i + 2], nfds = data[i] >> 7;
		i += 3;
		n = n < size - i ? n : size - i;
		n = n < sizeof(m) - 4 ? n : sizeof(m) - 4;
		memcpy(m, &type, 4);
		memcpy(m + 4, data + i, n);
		i += n;
		if (screen_message(s, m, 4 + n, &memory, nfds))
			break;
	}
	return 0;
}
