/* Options of virt-install's first years, which it still takes, as those of today: files, their sizes, bridges
 * and MAC addresses are lists, of which the first belong together, the second, and so on. (virt-install,
 * convert_old_disks() and convert_old_networks() are where that is described) */
#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/cmd/install_maker.h"

/* The @i-th value of @option, or NULL. */
static const char *nth(const struct install_request *r, const char *option, size_t i)
{
	for (size_t k = 0; k < r->n; k++)
		if (str_eq(r->words[k].option, option) && !i--)
			return r->words[k].value;
	return NULL;
}

static size_t count(const struct install_request *r, const char *option)
{
	size_t n = 0;
	while (nth(r, option, n))
		n++;
	return n;
}

/* ",NAME=VALUE" behind what is there, commas doubled. */
static void add_part(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(b, "%s%s=", b->len ? "," : "", name);
	for (; *value; value++)
		buf_puts(b, *value == ',' ? ",," : (char[]){*value, 0});
}

static int old_disks(const struct install_request *r, struct install_request *out, struct err *e)
{
	size_t files = count(r, "file"), sizes = count(r, "file-size");
	bool whole = nth(r, "nonsparse", 0);
	if ((files || sizes || whole) && nth(r, "disk", 0))
		return err_set(e, EINVAL,
			       "Cannot mix --file, --nonsparse, or --file-size with --disk options. Use --disk "
			       "PATH[,size=SIZE][,sparse=yes|no]");
	for (size_t i = 0; i < files || i < sizes; i++) {
		AUTO_BUF struct buf b = {0};
		add_part(&b, "path", nth(r, "file", i));
		add_part(&b, "size", nth(r, "file-size", i));
		add_part(&b, "sparse", whole ? "no" : NULL);
		install_add(out, "disk", buf_text(&b));
	}
	return 0;
}

static int old_networks(const struct install_request *r, struct install_request *out, struct err *e)
{
	size_t bridges = count(r, "bridge"), networks = count(r, "network"), macs = count(r, "mac");
	if (bridges && networks)
		return err_set(e, EINVAL, "Cannot mix both --bridge and --network arguments");
	for (size_t i = 0; i < bridges || i < networks || i < macs; i++) {
		AUTO_BUF struct buf b = {0};
		if (nth(r, "network", i))
			buf_puts(&b, nth(r, "network", i));
		add_part(&b, "bridge", nth(r, "bridge", i));
		if (!b.len)
			buf_puts(&b, "user");
		add_part(&b, "mac", nth(r, "mac", i));
		install_add(out, "network", buf_text(&b));
	}
	return 0;
}

int install_old(const struct install_request *r, struct install_request *out, struct err *e)
{
	static const char *const old[] = {"file", "file-size", "nonsparse", "bridge", "mac", "network"};
	bool cards = nth(r, "bridge", 0) || nth(r, "mac", 0); /* else --network stays where it is */
	size_t rows = ARRAY_SIZE(old) - !cards;
	for (size_t i = 0; i < r->n; i++) {
		size_t k = 0;
		int rc = 0;
		while (k < rows && !str_eq(old[k], r->words[i].option))
			k++;
		if (k == rows)
			install_add(out, r->words[i].option, r->words[i].value);
		else
			rc = install_check(r->words[i].option, r->words[i].value, e);
		if (rc)
			return rc;
	}
	int rc = old_disks(r, out, e);
	return rc || !cards ? rc : old_networks(r, out, e);
}
