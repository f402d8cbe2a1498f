#include "src/proto/journal.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/json.h"
#include "src/base/str.h"

char *journal_line(const char *event, const char *name, const char *uuid, const char *detail)
{
	AUTO_JSON json_t *j = json_object();
	char when[40];
	struct timespec ts;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	size_t n = strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(when + n, sizeof(when) - n, ".%03ldZ", ts.tv_nsec / 1000000);
	json_set_str(j, "time", when);
	json_set_str(j, "event", event);
	json_set_str(j, "name", name);
	json_set_str(j, "uuid", uuid);
	json_set_int(j, "uid", getuid());
	if (detail && *detail)
		json_set_str(j, "detail", detail);
	AUTO_FREE char *text = json_text(j, false);
	return x_asprintf("%s\n", text);
}
