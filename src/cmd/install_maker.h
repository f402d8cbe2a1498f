/* Between the files that make a plan: what is known so far, and the two XMLs as they grow. */
#ifndef SRC_CMD_INSTALL_MAKER_H
#define SRC_CMD_INSTALL_MAKER_H

#include "src/base/str.h"
#include "src/cmd/install_value.h"
#include "src/model/osinfo.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

enum install_method { METHOD_NONE, METHOD_CDROM, METHOD_LOCATION, METHOD_KERNEL, METHOD_PXE, METHOD_IMPORT };

/* Which of the two XMLs. */
enum install_text { IN_FIRST = 1, IN_DEFINE = 2, IN_BOTH = 3 };

struct maker {
	struct backend *b;
	const struct install_request *r;
	struct install_plan *p;
	struct host_info host;
	struct osinfo os; /* id NULL: not known */
	enum install_method method;
	struct path_info tree; /* of --location; kind PATH_MISSING: not looked at */
	char *medium;   /* CD or ISO of the first boot, or NULL */
	bool keep_medium; /* it stays in the drive */
	uint64_t sockets, dies, cores, threads; /* how vCPUs are grouped; 0: not told */
	unsigned ndisks; /* that could be installed on */
	bool orders;    /* devices have boot orders: in the definition they rule */
	char letters[256]; /* targets that are taken, a space behind each */
	struct buf notes, first, define;
	struct space { /* what new files take of a file system */
		uint64_t device, bytes, sure, free;
		char *path;
	} space[8];
	unsigned nspace;
};

/* Behind what the texts @which have. What goes into an attribute is escaped by the caller: put_attr(). */
void put(struct maker *m, unsigned which, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* " NAME='VALUE'", nothing when @value is NULL. */
void put_attr(struct maker *m, unsigned which, const char *name, const char *value);
void put_escaped(struct maker *m, unsigned which, const char *text);
/* "  <NAME>TEXT</NAME>" as a line, indented by @depth. */
void put_text(struct maker *m, unsigned which, unsigned depth, const char *name, const char *text);
void maker_note(struct maker *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The last value of @option taken apart; empty when it was not given. */
int maker_value(struct maker *m, const char *option, struct install_value *v, struct err *e);
bool maker_flag(const struct maker *m, const char *option);
/* Is this check to be made (--check)? */
bool maker_checks(struct maker *m, const char *name);

/* install_old.c: the request without the options that are spelled otherwise today, into the empty @out. */
int install_old(const struct install_request *r, struct install_request *out, struct err *e);
/* install_keymap.c: what --graphics keymap= becomes, the caller's; NULL when it is to be left out. */
int install_keymap(struct maker *m, const char *asked, char **out, struct err *e);
/* The layout of the host whose files are below @root ("" for this one), the caller's; NULL: none is known. */
char *install_host_keymap(const char *root);

/* install_machine.c: memory and vCPUs; features, CPU, clock and actions. */
int make_sizes(struct maker *m, struct err *e);
int make_machine(struct maker *m, struct err *e);
/* install_boot.c: <os>. After the disks, as these say what there is to boot. */
int make_boot(struct maker *m, struct err *e);
/* install_disks.c: into m->first and m->define. */
int make_disks(struct maker *m, struct err *e);
/* install_devices.c */
int make_devices(struct maker *m, struct err *e);

#endif
