#include "src/base/password.h"

#include <stddef.h>
#include <sys/random.h>

void password_make(char out[PASSWORD_LEN + 1])
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789"; /* 31: without i, l, o, 0 and 1 */
	size_t n = 0;
	while (n < PASSWORD_LEN) {
		unsigned char b;
		if (getrandom(&b, 1, 0) == 1 && (b &= 31) < sizeof(letters) - 1)
			out[n++] = letters[b];
	}
	out[n] = 0;
}
