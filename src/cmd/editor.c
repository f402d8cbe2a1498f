#include "src/cmd/editor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/model/xml.h"

#define TEXT_MAX (4u << 20)

static const char *editor_command(void)
{
	static const char *const variables[] = {"VISUAL", "EDITOR"};
	for (unsigned i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *s = getenv(variables[i]);
		if (s && *s)
			return s;
	}
	return access("/usr/bin/sensible-editor", X_OK) ? "vi" : "sensible-editor";
}

int editor_run(const char *path, struct err *e)
{
	const char *editor = editor_command();
	AUTO_FREE char *line = x_asprintf("%s \"$1\"", editor);
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old_int, old_quit;
	sigaction(SIGINT, &ignore, &old_int);
	sigaction(SIGQUIT, &ignore, &old_quit);
	pid_t pid = fork();
	if (!pid) {
		sigaction(SIGINT, &old_int, NULL);
		sigaction(SIGQUIT, &old_quit, NULL);
		execl("/bin/sh", "sh", "-c", line, "sh", path, (char *)NULL);
		_exit(127);
	}
	int code = errno, status = 0;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGQUIT, &old_quit, NULL);
	if (pid < 0)
		return err_sys(e, code, "cannot start the editor '%s'", editor);
	if (WIFSIGNALED(status))
		return err_set(e, EINTR, "the editor '%s' was ended by signal %d", editor, WTERMSIG(status));
	if (WEXITSTATUS(status))
		return err_set(e, EIO, "the editor '%s' left with status %d%s", editor, WEXITSTATUS(status),
			       WEXITSTATUS(status) == 127 ? ": set VISUAL or EDITOR to one that is installed"
							  : "");
	return 0;
}

int editor_file(const char *text, char **path, struct err *e)
{
	const char *dir = getenv("TMPDIR");
	AUTO_FREE char *name = x_asprintf("%s/vmdeck-XXXXXX.xml", dir && *dir ? dir : "/tmp");
	AUTO_CLOSE int fd = mkostemps(name, 4, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot make a temporary file '%s'", name);
	int rc = fd_write_all(fd, text, strlen(text));
	if (rc) {
		unlink(name);
		return err_sys(e, -rc, "cannot write '%s'", name);
	}
	*path = TAKE_PTR(name);
	return 0;
}

int editor_text(const char *text, char **after, struct err *e)
{
	AUTO_FREE char *path = NULL;
	int rc = editor_file(text, &path, e);
	if (rc)
		return rc;
	rc = editor_run(path, e);
	if (!rc)
		rc = xml_read(path, TEXT_MAX, after, e);
	unlink(path);
	return rc;
}
