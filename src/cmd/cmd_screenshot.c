/* screenshot: the guest's screen as a picture in a file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"

#define PICTURE_MAX (64u << 20)

/* As virsh names it: domain, and when. */
static char *default_name(const struct cmd_ctx *c)
{
	char stamp[40];
	struct tm tm;
	time_t now = time(NULL);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d-%H:%M:%S", localtime_r(&now, &tm));
	return x_asprintf("%s-%s.png", c->domain.name, stamp);
}

static int save(const char *path, const char *data, size_t len, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, errno, "cannot write '%s'", path);
	int rc = fd_write_all(fd, data, len);
	return rc ? err_sys(e, -rc, "cannot write '%s'", path) : 0;
}

static int domain_screenshot_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_FREE char *made = NULL, *png = NULL;
	AUTO_CLOSE int fd = -1;
	const char *file = cmd_value(c, "file"), *number = cmd_value(c, "screen");
	uint64_t screen = 0;
	size_t len;
	if (number && (!str_u64(number, &screen) || screen > 255))
		return err_set(e, EINVAL, "--screen wants a number from 0 on, not '%s'", number);
	if (file && !strcmp(file, "-") && c->tty)
		return err_set(e, EINVAL,
			       "a picture is nothing for a terminal: name a file, or redirect the output");
	int rc = c->backend->ops->domain_screenshot(c->backend, c->domain.uuid, (unsigned)screen, &fd, e);
	if (!rc && (rc = file_read_fd(fd, PICTURE_MAX, &png, &len)))
		err_sys(e, -rc, "cannot read the picture");
	if (rc)
		return cmd_failed(c, e, "take a screenshot of");
	if (file && !strcmp(file, "-"))
		return fwrite(png, 1, len, c->out) == len ? 0 : err_sys(e, errno, "cannot write the picture");
	if (!file)
		file = made = default_name(c);
	if ((rc = save(file, png, len, e)))
		return rc;
	if (!c->json) {
		cmd_done(c, "Screenshot saved to %s, with type of image/png", file);
		return 0;
	}
	json_t *j = json_object();
	json_set_str(j, "path", file);
	json_set_str(j, "format", "png");
	json_set_int(j, "bytes", (int64_t)len);
	cmd_json(c, j);
	return 0;
}

const struct cmd cmd_domain_screenshot = {
	.name = "domain-screenshot",
	.alias = "screenshot",
	.summary = "take a picture of the guest's screen",
	.about = "Takes a screenshot of the current domain console and stores it into a file, as PNG; - is standard output. "
		 "Without a file it is named after the domain and the time.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_ACTIVE,
	.flags = CMD_JSON | CMD_QUIET,
	.args = (const struct cmd_arg[]){CMD_WORD("file", ARG_FILE, false, "where to store the screenshot"),
	                                 CMD_VALUE("screen", ARG_NUMBER, "number of the screen to take it from"),
	                                 {0}},
	.exec = domain_screenshot_exec,
};
