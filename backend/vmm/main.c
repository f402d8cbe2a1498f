/* vmdeck-vmm: one guest. Not for people to start: `vmdeck start` does. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/vmm/keeper.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/probe.h"

int main(int argc, char **argv)
{
	static const char *const machine[] = {"/proc/self/exe", "machine", NULL};
	const char *role = argc > 1 ? argv[1] : "";
	if (!strcmp(role, "keeper"))
		return keeper_main(machine);
	if (!strcmp(role, "machine"))
		_exit(machine_main()); /* what libraries do at an exit, its sandbox need not allow */
	if (!strcmp(role, "probe"))
		return probe_main();
	fprintf(stderr, "usage: vmdeck-vmm keeper|machine|probe\nvmdeck starts it; see vmdeck(1)\n");
	return 2;
}
