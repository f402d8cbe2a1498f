#include "src/model/state.h"

#include "src/base/cleanup.h"
#include "src/base/str.h"

static const struct {
	enum domain_state state;
	const char *text;
} states[] = {
	{DOMAIN_SHUTOFF, "shut off"},     {DOMAIN_RUNNING, "running"}, {DOMAIN_PAUSED, "paused"},
	{DOMAIN_SHUTDOWN, "in shutdown"}, {DOMAIN_CRASHED, "crashed"},
};

static const char *const reasons[] = {
	[DOMAIN_REASON_UNKNOWN] = "unknown",     [DOMAIN_REASON_BOOTED] = "booted",
	[DOMAIN_REASON_UNPAUSED] = "unpaused",   [DOMAIN_REASON_USER] = "user",
	[DOMAIN_REASON_STARTING] = "starting up", [DOMAIN_REASON_IOERROR] = "I/O error",
	[DOMAIN_REASON_SHUTDOWN] = "shutdown",   [DOMAIN_REASON_DESTROYED] = "destroyed",
	[DOMAIN_REASON_CRASHED] = "crashed",     [DOMAIN_REASON_FAILED] = "failed",
};
_Static_assert(ARRAY_SIZE(reasons) == DOMAIN_REASON_COUNT, "a text for every reason");

const char *domain_state_text(enum domain_state s)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (states[i].state == s)
			return states[i].text;
	return "no state";
}

const char *domain_reason_text(enum domain_reason r)
{
	return (unsigned)r < DOMAIN_REASON_COUNT ? reasons[r] : reasons[DOMAIN_REASON_UNKNOWN];
}

enum domain_state domain_state_parse(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (str_eq(states[i].text, s))
			return states[i].state;
	return 0;
}

enum domain_reason domain_reason_parse(const char *s)
{
	for (unsigned i = 0; i < DOMAIN_REASON_COUNT; i++)
		if (str_eq(reasons[i], s))
			return i;
	return DOMAIN_REASON_UNKNOWN;
}
