#include "src/base/uuid.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void format(const char hex[32], char out[UUID_TEXT])
{
	snprintf(out, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

void uuid_make(char out[UUID_TEXT])
{
	unsigned char b[16];
	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		abort(); /* cannot happen for 16 bytes: random(7) */
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	char hex[33];
	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", b[i]);
	format(hex, out);
}

bool uuid_canon(const char *s, char out[UUID_TEXT])
{
	char hex[33] = "";
	int n = 0;
	for (; s && *s; s++) {
		if (!(n & 1) && (*s == '-' || *s == ' ')) /* between bytes, as libvirt takes them */
			continue;
		if (!isxdigit((unsigned char)*s) || n == 32)
			return false;
		hex[n++] = (char)tolower((unsigned char)*s);
	}
	if (n != 32)
		return false;
	format(hex, out);
	return true;
}
