/* Installations on the fake host: real paths are looked at, nothing is made. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/fake/host.h"

#define FREE_BYTES (200ull << 30)

int fake_path_info(struct backend *b, const char *path, bool look_inside, struct path_info *info, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct stat st;
	int rc = fake_fails(f, "path_info", e);
	if (rc)
		return rc;
	*info = (struct path_info){.device = 1, .free_bytes = FREE_BYTES, .readable = true, .writable = true};
	if (stat(path, &st) < 0)
		return 0;
	info->kind = S_ISDIR(st.st_mode) ? PATH_FOLDER : S_ISREG(st.st_mode) ? PATH_FILE : PATH_OTHER;
	info->bytes = (uint64_t)st.st_size;
	if (info->kind == PATH_FILE)
		snprintf(info->format, sizeof(info->format), "raw");
	if (look_inside && info->kind == PATH_FOLDER) {
		snprintf(info->kernel, sizeof(info->kernel), "linux");
		snprintf(info->initrd, sizeof(info->initrd), "initrd.gz");
	}
	return 0;
}

/* Defined and started; on failure it is not there. */
int fake_install(struct backend *b, const struct install_job *job, struct domain_info *info, char **notes, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct domain_info d = {0};
	int rc = fake_fails(f, "domain_install", e);
	if (!rc && job->flags & INSTALL_TRANSIENT)
		return b->ops->domain_create(b, job->first_xml ? job->first_xml : job->define_xml, "installation", 0, info, notes, e);
	if (!rc)
		rc = b->ops->domain_define(b, job->define_xml, "installation", 0, &d, NULL, e);
	if (rc)
		return rc;
	rc = b->ops->domain_start(b, d.uuid, job->flags & INSTALL_FORCE ? START_FORCE : 0, notes, e);
	if (!rc && job->flags & INSTALL_AUTOSTART)
		rc = b->ops->domain_autostart(b, d.uuid, true, e);
	if (rc)
		b->ops->domain_undefine(b, d.uuid, UNDEFINE_NVRAM, NULL);
	else if (info)
		rc = b->ops->domain_get(b, d.uuid, info, e);
	return rc;
}
