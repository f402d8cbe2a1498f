/* vmdeck: the composition root. The only file of the program that knows every part of it. */
#include <locale.h>
#include <stdlib.h>

#include "src/backend.h"
#include "ui/cli/cli.h"
#include "ui/tui/tui.h"

/* VMDECK_FAKE=SCRIPT: an in-memory host instead of this one (backend/fake/fake.h), to try the deck and for
 * tests. */
static struct backend *open_host(struct err *e)
{
	const char *script = getenv("VMDECK_FAKE");
	return script ? backend_fake_open(script, e) : backend_local_open(e);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	return cli_main(&(struct cli){.open = open_host, .deck = tui_run}, argc, argv);
}
