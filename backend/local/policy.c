/* vmdeck.conf: what an administrator settles for all guests of a host (of root), or of a user. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/conf.h"
#include "src/base/sandbox.h"

#define UID_FIRST 1879048192u /* systemd.io/UIDS-GIDS: 1879048192 to 2147352575 are nobody's */
#define UIDS 65536u
#define UID_LAST 4294967293u /* -1 and -2 mean something else */

static int read_uids(const char *text, const char *path, struct policy *p, struct err *e)
{
	unsigned long long first, last;
	char more;
	if (!strcmp(text, "none")) {
		p->uids = 0;
		return 0;
	}
	if (sscanf(text, "%llu-%llu%c", &first, &last, &more) != 2 || !first || last < first || last > UID_LAST)
		return err_set(e, EINVAL, "'%s': uids = \"%s\": write FIRST-LAST, from 1 on, or none", path, text);
	p->uid_first = (uid_t)first;
	p->uids = (unsigned)(last - first + 1);
	return 0;
}

int policy_read(const struct local *l, struct policy *out, struct err *e)
{
	*out = (struct policy){.uid_first = UID_FIRST, .uids = UIDS};
	AUTO_FREE char *path = x_asprintf("%s/" CONF_FILE, l->dirs->config);
	int rc = conf_check(path, "sandbox uids", e);
	if (rc)
		return rc;
	AUTO_FREE char *sandbox = conf_get(path, "sandbox"), *uids = conf_get(path, "uids");
	if (sandbox && strcmp(sandbox, "warn") && strcmp(sandbox, "require"))
		return err_set(e, EINVAL, "'%s': sandbox = \"%s\": write warn or require", path, sandbox);
	out->require = sandbox && !strcmp(sandbox, "require");
	return uids ? read_uids(uids, path, out, e) : 0;
}

uid_t policy_uid(const struct local *l, const struct policy *p, int id)
{
	unsigned long long h = 0; /* guests of two VMDECK_HOMEs have ids of two counters */
	for (const char *s = l->dirs->home; s && *s; s++)
		h = h * 31 + (unsigned char)*s;
	return p->uid_first + (uid_t)((h + (unsigned)id) % p->uids);
}

static unsigned lacks_with(const struct policy *p, int *abi)
{
	char uid[24];
	snprintf(uid, sizeof(uid), "%u", (unsigned)p->uid_first);
	if (p->uids)
		setenv("VMDECK_UID", uid, 1);
	unsigned lacks = sandbox_lacks(abi);
	unsetenv("VMDECK_UID");
	return lacks;
}

bool policy_uid_had(const struct policy *p)
{
	int abi;
	return !(lacks_with(p, &abi) & SANDBOX_UID);
}

int policy_sandbox(const struct policy *p, struct buf *notes, struct err *e)
{
	const char *mode = getenv("VMDECK_SANDBOX");
	int abi;
	bool off = mode && !strcmp(mode, "off"), require = p->require || (mode && !strcmp(mode, "require"));
	if (off && p->require)
		return err_set(e, EPERM, "VMDECK_SANDBOX is off, but " CONF_FILE " requires the sandbox");
	if (off) {
		if (notes)
			buf_puts(notes, "warning: VMDECK_SANDBOX is off: a guest that breaks out has your rights\n");
		return 0;
	}
	if (require)
		setenv("VMDECK_SANDBOX", "require", 1);
	unsigned lacks = lacks_with(p, &abi);
	if (!p->uids && !p->require)
		lacks &= ~(unsigned)SANDBOX_UID;
	if (lacks && require)
		return err_set(e, EPERM, "the sandbox of guests lacks %s on this host, and all of it is required: "
			       "see vmdeck host-validate", sandbox_words(lacks));
	if (lacks && notes)
		buf_printf(notes, "warning: the guest's sandbox lacks %s: vmdeck host-validate tells what to do\n",
			   sandbox_words(lacks));
	return 0;
}
