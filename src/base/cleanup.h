/* Clean-up by scope: what dies with the function is freed by the compiler. */
#ifndef SRC_BASE_CLEANUP_H
#define SRC_BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Free what a char *, or any other malloc'd pointer, points at. NULL is fine. */
static inline void cleanup_free(void *pp)
{
	void **p = pp;
	free(*p);
}

/* Close a descriptor; negative ones are left alone; errno survives. */
static inline void fd_close(int fd)
{
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
}

static inline void cleanup_close(int *fd)
{
	fd_close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define AUTO_FREE __attribute__((cleanup(cleanup_free)))
#define AUTO_CLOSE __attribute__((cleanup(cleanup_close)))
#define AUTO_FCLOSE __attribute__((cleanup(cleanup_fclose)))

/* Hand a pointer on: the variable is NULL afterwards, so its cleanup does nothing. */
#define TAKE_PTR(p)                                                                                          \
	({                                                                                                   \
		__typeof__(p) take_ptr_ = (p);                                                               \
		(p) = NULL;                                                                                  \
		take_ptr_;                                                                                   \
	})

/* The same for a descriptor: the variable is -1 afterwards. */
#define TAKE_FD(fd)                                                                                          \
	({                                                                                                   \
		int take_fd_ = (fd);                                                                         \
		(fd) = -1;                                                                                   \
		take_fd_;                                                                                    \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
