/* Serial consoles of the fake: a guest is a shell that echoes. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "backend/fake/host.h"
#include "src/base/file.h"
#include "src/base/unixsock.h"

void fake_write(struct fake_domain *d, const void *p, size_t n)
{
	buf_add(&d->record, p, n);
	for (unsigned i = 0; i < FAKE_ATTACH_MAX; i++)
		for (size_t done = 0; d->fds[i] >= 0 && done < n;) {
			ssize_t k = send(d->fds[i], (const char *)p + done, n - done,
					 MSG_NOSIGNAL | MSG_DONTWAIT);
			if (k < 0 && errno != EINTR) {
				/* As the real recorder: an attachment that does not read loses, it stops
				 * nobody. */
				if (errno != EAGAIN) {
					close(d->fds[i]);
					d->fds[i] = -1;
				}
				break;
			}
			done += k > 0 ? (size_t)k : 0;
		}
}

void fake_hang_up(struct fake_domain *d)
{
	fake_picture_hang_up(d);
	for (unsigned i = 0; i < FAKE_ATTACH_MAX; i++) {
		fd_close(d->fds[i]);
		d->fds[i] = -1;
	}
}

static void say(struct fake_domain *d, const char *text)
{
	fake_write(d, text, strlen(text));
}

/* A line was typed. false: the domain has ended (and may be gone). */
static bool shell(struct fake *f, struct fake_domain *d, const char *line)
{
	if (str_eq(line, "poweroff") || str_eq(line, "crash")) {
		bool off = str_eq(line, "poweroff");
		say(d, off ? "reboot: Power down\r\n" : "Kernel panic - not syncing\r\n");
		fake_off(f, d, off ? DOMAIN_SHUTOFF : DOMAIN_CRASHED,
			 off ? DOMAIN_REASON_SHUTDOWN : DOMAIN_REASON_CRASHED, off ? NULL : "triple fault");
		return false;
	}
	if (str_eq(line, "reboot"))
		d->boot = d->record.len;
	else if (str_starts(line, "echo ")) {
		say(d, line + 5);
		say(d, "\r\n");
	} else if (*line) {
		say(d, "sh: ");
		say(d, line);
		say(d, ": not found\r\n");
	}
	say(d, "~ # ");
	return true;
}

static bool typed(struct fake *f, struct fake_domain *d, const char *p, size_t n)
{
	for (; n; p++, n--) {
		if (*p != '\r' && *p != '\n') {
			buf_add(&d->line, p, 1);
			fake_write(d, p, 1);
			continue;
		}
		say(d, "\r\n");
		AUTO_FREE char *line = buf_take(&d->line);
		if (!shell(f, d, line))
			return false;
	}
	return true;
}

/* Read one attachment; *total grows. false: the domain has ended. */
static bool pump_one(struct fake *f, struct fake_domain *d, unsigned i, size_t *total)
{
	char part[4096];
	ssize_t n = recv(d->fds[i], part, sizeof(part), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0) {
		close(d->fds[i]);
		d->fds[i] = -1;
		return true;
	}
	*total += (size_t)n;
	return typed(f, d, part, (size_t)n);
}

static size_t pump_all(struct fake *f)
{
	FAKE_LOCK(f);
	size_t total = 0;
	for (size_t i = 0; i < f->n; i++)
		fake_picture_pump(f->domains[i]);
	for (size_t i = 0; i < f->n; i++)
		for (unsigned k = 0; i < f->n && k < FAKE_ATTACH_MAX; k++)
			if (f->domains[i]->fds[k] >= 0 && f->domains[i]->info.state != DOMAIN_PAUSED &&
			    !pump_one(f, f->domains[i], k, &total))
				break;
	return total;
}

static void wait_any(struct fake *f, int timeout_ms)
{
	struct pollfd p[64];
	nfds_t n = 0;
	{
		FAKE_LOCK(f);
		for (size_t i = 0; i < f->n; i++)
			n += fake_picture_poll(f->domains[i], p + n, ARRAY_SIZE(p) - n);
		for (size_t i = 0; i < f->n; i++)
			for (unsigned k = 0; k < FAKE_ATTACH_MAX; k++)
				if (f->domains[i]->fds[k] >= 0 && n < ARRAY_SIZE(p))
					p[n++] = (struct pollfd){.fd = f->domains[i]->fds[k],
								 .events = POLLIN};
	}
	poll(p, n, timeout_ms);
}

size_t fake_pump(struct backend *b, int timeout_ms)
{
	struct fake *f = fake_of(b);
	size_t n = pump_all(f);
	if (!n && timeout_ms) {
		wait_any(f, timeout_ms);
		n = pump_all(f);
	}
	return n;
}

static void *live_main(void *arg)
{
	struct fake *f = arg;
	while (!f->stop)
		fake_pump(&f->backend, 20);
	return NULL;
}

void fake_live_start(struct fake *f)
{
	f->live = f->live || !pthread_create(&f->thread, NULL, live_main, f);
}

void fake_feed(struct backend *b, const char *name, const void *bytes, size_t n)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d = fake_by_name(f, name);
	if (d)
		fake_write(d, bytes, n);
}

unsigned fake_attached(struct backend *b)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	unsigned n = 0;
	for (size_t i = 0; i < f->n; i++)
		for (unsigned k = 0; k < FAKE_ATTACH_MAX; k++)
			n += f->domains[i]->fds[k] >= 0;
	return n;
}

static int find(struct fake *f, const char *call, const char *uuid, unsigned index, struct fake_domain **d,
		struct err *e)
{
	int rc = fake_fails(f, call, e);
	if (rc)
		return rc;
	*d = fake_by_uuid(f, uuid);
	if (!*d)
		return err_set(e, ENOENT, "no domain with matching uuid '%s'", uuid);
	if (index)
		return err_set(e, ENOENT, "domain '%s' has no serial console %u", (*d)->info.name, index);
	return 0;
}

int fake_console_open(struct backend *b, const char *uuid, unsigned index, uint64_t replay, int *fd,
		      struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int fds[2], rc = find(f, "console_open", uuid, index, &d, e);
	if (rc)
		return rc;
	if (d->info.state & DOMAIN_INACTIVE)
		return err_set(e, ENOTCONN, "domain '%s' is not running", d->info.name);
	unsigned i = 0;
	while (i < FAKE_ATTACH_MAX && d->fds[i] >= 0)
		i++;
	if (i == FAKE_ATTACH_MAX)
		return err_set(e, EBUSY, "domain '%s' has %u attachments already", d->info.name, i);
	rc = unixsock_pair(SOCK_STREAM, fds);
	if (rc)
		return err_sys(e, -rc, "cannot make a socket pair");
	d->fds[i] = fds[0];
	*fd = fds[1];
	size_t have = d->record.len - d->boot, n = replay < have ? (size_t)replay : have;
	if (n)
		send(fds[0], d->record.s + d->record.len - n, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	return 0;
}

int fake_console_log(struct backend *b, const char *uuid, unsigned index, bool since_boot, int fd,
		     struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = find(f, "console_log", uuid, index, &d, e);
	if (rc)
		return rc;
	size_t from = since_boot ? d->boot : 0;
	rc = fd_write_all(fd, buf_text(&d->record) + from, d->record.len - from);
	return rc ? err_sys(e, -rc, "cannot write the record of '%s'", d->info.name) : 0;
}

int fake_console_path(struct backend *b, const char *uuid, unsigned index, char **path, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = find(f, "console_path", uuid, index, &d, e);
	if (rc)
		return rc;
	if (d->info.state & DOMAIN_INACTIVE)
		return err_set(e, ENOTCONN, "domain '%s' is not running", d->info.name);
	*path = x_asprintf("/fake/%s/console0.sock", d->info.uuid);
	return 0;
}

/* A picture of one black dot, as libpng would write it. */
int fake_screenshot(struct backend *b, const char *uuid, unsigned screen, int *fd, struct err *e)
{
	static const uint8_t png[] = {
	    0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n', 0,    0,    0,    13,  'I',  'H',  'D',  'R',  0,
	    0,    0,    1,    0,    0,    0,    1,    8,    0,    0,    0,    0,   0x3a, 0x7e, 0x9b, 0x55, 0,
	    0,    0,    10,   'I',  'D',  'A',  'T',  0x78, 0x9c, 0x63, 0x60, 0,   0,    0,    2,    0,    1,
	    0x48, 0xaf, 0xa4, 0x71, 0,    0,    0,    0,    'I',  'E',  'N',  'D', 0xae, 0x42, 0x60, 0x82,
	};
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = find(f, "domain_screenshot", uuid, 0, &d, e);
	if (rc)
		return rc;
	if (d->info.state & DOMAIN_INACTIVE)
		return err_set(e, ENOTCONN, "domain '%s' is not running", d->info.name);
	if (screen)
		return err_set(e, ENODEV, "domain '%s' has no screen %u", d->info.name, screen);
	AUTO_CLOSE int made = memfd_create("screenshot", MFD_CLOEXEC);
	rc = made < 0 ? -errno : fd_pwrite_all(made, png, sizeof(png), 0);
	if (rc)
		return err_sys(e, -rc, "cannot keep the picture");
	*fd = TAKE_FD(made);
	return 0;
}
