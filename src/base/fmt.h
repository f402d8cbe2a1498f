/* Numbers as people read them, and units as libvirt reads them. */
#ifndef SRC_BASE_FMT_H
#define SRC_BASE_FMT_H

#include <stddef.h>
#include <stdint.h>

#define FMT_MAX 32

/* "512 B", "1.5 KiB", "12 MiB", "2.0 GiB": at most four digits. Return: @out. */
char *fmt_bytes(uint64_t bytes, char out[FMT_MAX]);
/* The same without space and "iB", five columns at most: "512B", "1.5K", "12M", "2.0G". */
char *fmt_bytes_short(uint64_t bytes, char out[FMT_MAX]);
/* "45s", "12m03s", "5h12m", "3d04h". */
char *fmt_duration(uint64_t seconds, char out[FMT_MAX]);

/* Bytes in one @unit of libvirt's memory and size units: b byte bytes KB k KiB MB M MiB GB G GiB TB T TiB PB
 * P PiB EB E EiB, in any case; NULL or "" = KiB. 0 = no such unit. (libvirt, formatdomain, "memory") */
uint64_t fmt_unit_bytes(const char *unit);

#endif
