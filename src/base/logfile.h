/* A log file of bounded size: when it is full, what it holds goes to the first of its older files, theirs to
 * the next, and it begins anew. Done by copying between descriptors that are open, since those who write logs
 * may not open or rename anything, and others may append to the same file. */
#ifndef SRC_BASE_LOGFILE_H
#define SRC_BASE_LOGFILE_H

#include <stddef.h>
#include <stdint.h>

#define LOGFILE_OLD_MAX 3
#define LOGFILE_CONSOLE_MAX (2u << 20) /* of <log file=>, as libvirt's virtlogd has it */

struct logfile {
	int fd;                   /* to append to, and to read; the caller's, as the others */
	int old[LOGFILE_OLD_MAX]; /* read and write, the youngest first; unused: -1 */
	uint64_t max;             /* bytes of each; 0, or what is no plain file: without bound */
};

/* Append. 0 or -errno. What is turned over and does not fit on the disk is lost; the new begins all the same. */
int logfile_write(struct logfile *f, const void *p, size_t n);

#endif
