/* The keeper: the parent of a machine, which outlives whatever happens to it. */
#ifndef BACKEND_VMM_KEEPER_H
#define BACKEND_VMM_KEEPER_H

/* `vmdeck-vmm keeper`: the whole process, with the launch socket at LAUNCH_FD. @argv[1..] are what it runs as
 * machine (argv[0] of it a path), { "/proc/self/exe", "machine", NULL } but in tests. Its exit status: 0, or
 * 1 when the guest did not start. */
int keeper_main(const char *const machine_argv[]);

#endif
