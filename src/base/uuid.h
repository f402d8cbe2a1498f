/* UUIDs in the text form libvirt writes: 36 characters, lower case. */
#ifndef SRC_BASE_UUID_H
#define SRC_BASE_UUID_H

#include <stdbool.h>

#define UUID_TEXT 37 /* with the terminator */

void uuid_make(char out[UUID_TEXT]); /* random, RFC 4122 version 4 */
/* Accept 32 hex digits with or without hyphens, any case; write the canonical form. */
bool uuid_canon(const char *s, char out[UUID_TEXT]);

#endif
