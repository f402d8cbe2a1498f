/* Any text as domain XML: refused with a sentence, or taken; and what was taken is kept as text that is taken
 * again, the same. Corpus: tests/xml/pass and tests/xml/fail.
 * floor: 1350 edges */
#include <stdlib.h>
#include <string.h>

#include "src/model/domain.h"
#include "src/model/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct domain *d = NULL, *again = NULL;
	struct err e = {0};
	if (size > XML_SIZE_MAX / 8) /* escaping lets it grow */
		return 0;
	if (domain_parse((const char *)data, size, "fuzz", &d, &e)) {
		if (d || !e.code || !e.msg[0] || strchr(e.msg, '\n'))
			abort();
		return 0;
	}
	char *text = domain_text(d);
	if (domain_parse(text, strlen(text), "again", &again, &e))
		abort();
	char *twice = domain_text(again),
	     *live = domain_live_text(again, &(struct domain_live){.id = 1, .vnc_port = 5900});
	if (strcmp(text, twice))
		abort();
	domain_startable(d, &e);
	free(text);
	free(twice);
	free(live);
	domain_free(d);
	domain_free(again);
	return 0;
}
