/* live.xml of a running guest: a line that tells the version of what follows, then the domain's XML with its
 * id. The line is a processing instruction, so that the file is a document as it is; nobody is shown it.
 *   <?vmdeck-live version='1'?>
 * The version grows when a reader that does not know the change would be wrong about the guest. */
#ifndef SRC_PROTO_LIVEXML_H
#define SRC_PROTO_LIVEXML_H

#include "src/base/err.h"

#define LIVEXML_VERSION 1u
#define LIVEXML_VERSION_MIN 1u
#define LIVEXML_LINE_MAX 64u /* that the line adds to the text */

/* The file's text for a domain's XML; the caller's to free. */
char *livexml_wrap(const char *xml);
/* Where in @text the domain's XML begins. -EPROTO with both versions when it is not one that we read, -EINVAL
 * when the line is missing. */
int livexml_unwrap(const char *text, const char **xml, struct err *e);

#endif
