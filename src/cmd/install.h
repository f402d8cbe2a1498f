/* An installation, as virt-install has it: a list of its options with values as a person types them ("disk",
 * "size=10"). The verb `install` fills the list from its command line, the wizard from its form; what comes
 * after is one path.
 *
 * Theory of operation: install_check() looks at one option alone. install_plan() puts all of them together
 * with what the host and osinfo-db say, and makes two XMLs: the definition, which boots the installed disk,
 * and what runs first, which boots the CD or the kernel. Both are one domain (same uuid, addresses and
 * devices); the first carries a mark that makes `vmdeck domain-release` start the definition when the guest
 * reboots (vmdeck-xml(7), "INSTALLATION"), so nobody has to wait for that. install_run() hands the plan to
 * the backend, which makes everything or nothing. Nothing is made before that. */
#ifndef SRC_CMD_INSTALL_H
#define SRC_CMD_INSTALL_H

#include <stdbool.h>
#include <stddef.h>

#include "src/backend.h"
#include "src/cmd/cmd.h"

/* The options, with their sub-options; ends with a row without name. Those with @lacks are virt-install's and
 * not ours. */
extern const struct cmd_arg install_args[];

struct install_word {
	char *option; /* full name, without "--" */
	char *value;  /* "" for one that has none */
};

/* Zero-initialise; install_request_done() frees what is in it. */
struct install_request {
	struct install_word *words;
	size_t n;
};

/* Add one more of an option; set: instead of those that are there (@value NULL: none is left). A name that is
 * no option's is refused by install_plan(). */
void install_add(struct install_request *r, const char *option, const char *value);
void install_set(struct install_request *r, const char *option, const char *value);
/* The value of the last of that option, or NULL. */
const char *install_get(const struct install_request *r, const char *option);
void install_request_done(struct install_request *r);

/* Is @value one that @option may have? Only looks at the words: no host is asked, no file is looked at.
 * -EINVAL with a sentence that names what is wrong and what is allowed, or the nearest word. */
int install_check(const char *option, const char *value, struct err *e);

struct install_plan {
	struct install_request request; /* a copy, in the options of today */
	char name[DOMAIN_NAME_MAX + 1];
	char uuid[UUID_TEXT];
	char *system;      /* osinfo-db's short id ("debian12"), "" when unknown */
	char *system_name; /* for people, "" when unknown */
	char *first_xml;   /* what runs first; NULL: the definition itself */
	char *define_xml;  /* what is defined */
	char *notes;       /* lines for a person, "" when none */
	struct install_file *files; /* disks to be made */
	size_t nfiles;
	struct install_boot boot; /* kernel and initrd for the first boot; location NULL: none */
	char **inject;
	bool screen;  /* there is one to look at */
	bool console; /* there is a serial console */
	bool installs; /* something is to be installed: false with --import */
	unsigned flags; /* enum install_flags, for the backend */
};

/* Put the options together; asks the host what is needed, makes nothing. On success *out is the caller's.
 * Errors name the option. */
int install_plan(struct backend *b, const struct install_request *r, struct install_plan **out,
		 struct err *e);
/* Do it: disks, definition, start. On failure nothing is left. @info, *notes (may be NULL): as of
 * domain_create. */
int install_run(struct backend *b, const struct install_plan *p, struct domain_info *info, char **notes,
		struct err *e);
void install_plan_free(struct install_plan *p);
/* Take an edited definition into the plan; what runs first gets the same changes. -EINVAL when it cannot be
 * read; the plan is then as it was. (install_edit.c) */
int install_plan_edit(struct install_plan *p, const char *define_xml, struct err *e);

/* The equal command line, quoted for a shell, the caller's to free: "vmdeck install --name=x ...". */
char *install_command(const struct install_request *r);

#endif
