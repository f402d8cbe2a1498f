/* Installations on the fake host: the script says what lies where, else real paths are looked at; nothing is
 * made. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/fake/host.h"

#define FREE_BYTES (200ull << 30)

int fake_path_info(struct backend *b, const char *path, bool look_inside, struct path_info *info,
		   struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct stat st;
	int rc = fake_fails(f, "path_info", e);
	if (rc)
		return rc;
	*info = (struct path_info){.device = 1, .free_bytes = FREE_BYTES, .readable = true, .writable = true};
	for (size_t i = 0; i < f->npaths; i++)
		if (str_eq(f->paths[i].path, path)) {
			*info = f->paths[i].info;
			return 0;
		}
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
int fake_install(struct backend *b, const struct install_job *job, struct domain_info *info, char **notes,
		 struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct domain_info d = {0};
	int rc = fake_fails(f, "domain_install", e);
	if (!rc && job->flags & INSTALL_TRANSIENT)
		return b->ops->domain_create(b, job->first_xml ? job->first_xml : job->define_xml,
					     "installation", 0, info, notes, e);
	if (!rc)
		rc = b->ops->domain_define(b, job->define_xml, "installation", 0, &d, NULL, e);
	if (rc)
		return rc;
	if (!(job->flags & INSTALL_NO_START))
		rc = b->ops->domain_start(b, d.uuid, job->flags & INSTALL_FORCE ? START_FORCE : 0, notes, e);
	if (!rc && job->flags & INSTALL_AUTOSTART)
		rc = b->ops->domain_autostart(b, d.uuid, true, e);
	if (rc)
		b->ops->domain_undefine(b, d.uuid, UNDEFINE_NVRAM, NULL);
	else if (info)
		rc = b->ops->domain_get(b, d.uuid, info, e);
	return rc;
}

int fake_path_script(struct fake *f, char *args, struct err *e)
{
	static const char *const kinds[] = {"missing", "file", "block", "folder", "other"};
	char *save = NULL, *path = strtok_r(args, " ", &save), *word = strtok_r(NULL, " ", &save);
	size_t kind = 0;
	while (word && kind < ARRAY_SIZE(kinds) && !str_eq(kinds[kind], word))
		kind++;
	if (!word || kind == ARRAY_SIZE(kinds))
		return err_set(e, EINVAL,
			       "fake script: path PATH missing|file|block|folder|other [KEY=VALUE...]");
	f->paths = x_realloc(f->paths, (f->npaths + 1) * sizeof(*f->paths));
	struct fake_path *p = &f->paths[f->npaths++];
	*p = (struct fake_path){.path = x_strdup(path)};
	p->info = (struct path_info){.kind = (enum path_kind)kind,
				     .device = 1,
				     .free_bytes = FREE_BYTES,
				     .readable = true,
				     .writable = true};
	while ((word = strtok_r(NULL, " ", &save))) {
		uint64_t n = 0;
		char *eq = strchr(word, '=');
		eq = eq ? (*eq++ = 0, eq) : word + strlen(word);
		str_u64(eq, &n);
		if (str_eq(word, "bytes"))
			p->info.bytes = n;
		else if (str_eq(word, "free"))
			p->info.free_bytes = n;
		else if (str_eq(word, "readable"))
			p->info.readable = n;
		else if (str_eq(word, "writable"))
			p->info.writable = n;
		else if (str_eq(word, "format"))
			snprintf(p->info.format, sizeof(p->info.format), "%s", eq);
		else if (str_eq(word, "used"))
			snprintf(p->info.used_by, sizeof(p->info.used_by), "%s", eq);
		else if (str_eq(word, "kernel"))
			snprintf(p->info.kernel, sizeof(p->info.kernel), "%s", eq);
		else if (!str_eq(word, "volume"))
			return err_set(e, EINVAL, "fake script: path %s: no key '%s'", path, word);
		else { /* to the end of the line */
			AUTO_FREE char *all =
			    x_asprintf("%s%s%s", eq, save && *save ? " " : "", save ? save : "");
			snprintf(p->info.volume_id, sizeof(p->info.volume_id), "%s", all);
			break;
		}
	}
	return 0;
}

void fake_paths_done(struct fake *f)
{
	for (size_t i = 0; i < f->npaths; i++)
		free(f->paths[i].path);
	free(f->paths);
}
