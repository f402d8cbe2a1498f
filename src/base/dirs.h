/* Where vmdeck keeps things. Computed once; valid for the life of the process. */
#ifndef SRC_BASE_DIRS_H
#define SRC_BASE_DIRS_H

#include "src/base/err.h"

struct dirs {
	char *config;  /* /etc/vmdeck, ~/.config/vmdeck, $VMDECK_HOME/config: domains/NAME.xml, domains/autostart/ */
	char *runtime; /* /run/vmdeck, $XDG_RUNTIME_DIR/vmdeck, $VMDECK_HOME/run (a link to a tmpfs folder): UUID/ */
	char *log;     /* /var/log/vmdeck, ~/.local/state/vmdeck, $VMDECK_HOME/log: UUID/, journal.jsonl */
	char *data;    /* /var/lib/vmdeck, ~/.local/share/vmdeck, $VMDECK_HOME/lib: images */
	char *home;    /* $VMDECK_HOME made absolute, or NULL */
};

/* The folders for this user; made when missing (0750 as root, 0700 else). NULL with @e filled when they
 * cannot be. */
const struct dirs *dirs_get(struct err *e);

#endif
