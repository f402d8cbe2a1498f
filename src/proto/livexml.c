#include "src/proto/livexml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/str.h"

#define BEGIN "<?vmdeck-live version='"
#define END "'?>\n"

char *livexml_wrap(const char *xml)
{
	return x_asprintf(BEGIN "%u" END "%s", LIVEXML_VERSION, xml);
}

int livexml_unwrap(const char *text, const char **xml, struct err *e)
{
	const char *number = text + strlen(BEGIN);
	if (strncmp(text, BEGIN, strlen(BEGIN)) || *number < '0' || *number > '9')
		return err_set(e, EINVAL, "%s", "live XML without a version");
	char *end;
	unsigned long version = strtoul(number, &end, 10);
	if (version < LIVEXML_VERSION_MIN || version > LIVEXML_VERSION)
		return err_set(
		    e, EPROTO,
		    "its live XML is of version %lu, this vmdeck's of %u: use the release that started it",
		    version, LIVEXML_VERSION);
	if (strncmp(end, END, strlen(END)))
		return err_set(e, EINVAL, "%s", "live XML without a version");
	*xml = end + strlen(END);
	return 0;
}
