/* What is asked before a guest is made: the fields of the form, what they mean as options of an installation,
 * and what is wrong with them. Knows no page; page_wizard.c shows it. */
#ifndef UI_TUI_WIZARD_H
#define UI_TUI_WIZARD_H

#include "src/cmd/install.h"
#include "src/model/osinfo.h"
#include "ui/tui/filebrowser.h"
#include "ui/tui/form.h"

enum wizard_field {
	W_NAME,
	W_SOURCE,
	W_ISO,  /* CD */
	W_TREE, /* folder or ISO with an installer's kernel in it */
	W_KERNEL,
	W_INITRD,
	W_ARGS,  /* command line of the kernel */
	W_IMAGE, /* disk that is there, of an import */
	W_SYSTEM,
	W_MEMORY,
	W_CPUS,
	W_DISK,
	W_SIZE,
	W_PATH, /* of a disk that is there */
	W_NETWORK,
	W_BRIDGE,
	W_FIRMWARE,
	W_SCREEN,
	W_START,
	W_GO,
	W_CANCEL,
	W_COUNT
};

struct wizard {
	struct backend *b;
	struct form form;
	struct option *systems; /* their texts are ours */
	size_t nsystems, room;
	struct option *networks; /* as well */
	size_t nnetworks;
	struct host_info host;
	struct domain_info *domains; /* that there were at the beginning: names that are taken */
	size_t ndomains;
	struct osinfo os;          /* what the defaults are from; id NULL: none */
	char *looked_at;           /* the medium that was looked at last */
	char *found;               /* what it says that it has: a short id; NULL */
	bool asked;                /* all was asked for: what is empty is wrong, too */
	struct install_plan *plan; /* what the form means; NULL while something is wrong */
};

/* Zero-initialise before. Asks @b for names and the host's totals. */
void wizard_init(struct wizard *w, struct backend *b);
void wizard_done(struct wizard *w);
/* The user has changed the field: show and hide what depends on it, set defaults that were not touched, and
 * say what is wrong. */
void wizard_changed(struct wizard *w, size_t field);
/* Has anything been typed or chosen that would be lost? */
bool wizard_touched(const struct wizard *w);
/* Is all well? If not, the keys are given to the first field that is wrong. */
bool wizard_ready(struct wizard *w);
/* Give the keys to the field that an error of install_plan() or install_run() is about, or else to the
 * button, and say it there. */
void wizard_blame(struct wizard *w, const char *message);
/* Between wizard.c and wizard_judge.c. */
static inline const char *wizard_value(const struct wizard *w, enum wizard_field i)
{
	return form_value(&w->form, i);
}

static inline bool wizard_is(const struct wizard *w, enum wizard_field i, const char *what)
{
	return str_eq(wizard_value(w, i), what);
}

bool wizard_name_taken(const struct wizard *w, const char *name);
/* Say at every field what is wrong with it, and make the plan when nothing is. */
void wizard_judge(struct wizard *w);

/* The options of an installation that the form means. */
void wizard_request(const struct wizard *w, struct install_request *r);
/* What the browser looks for, for a FIELD_FILE. */
enum browse wizard_browse(size_t field);

#endif
