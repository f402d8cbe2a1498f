/* The user's editor: $VISUAL, $EDITOR, or the system's. It has the terminal meanwhile. */
#ifndef SRC_CMD_EDITOR_H
#define SRC_CMD_EDITOR_H

#include "src/base/err.h"

/* Run it on @path and wait. As sh does it: the keyboard's signals are the editor's. */
int editor_run(const char *path, struct err *e);
/* A temporary file with @text; *path is the caller's to unlink and free. */
int editor_file(const char *text, char **path, struct err *e);
/* Both, and the XML that is then in the file, in UTF-8: *after is the caller's. */
int editor_text(const char *text, char **after, struct err *e);

#endif
