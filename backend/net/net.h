/* The process of a user-mode network: configuration, sandbox, loop. */
#ifndef BACKEND_NET_NET_H
#define BACKEND_NET_NET_H

/* Serve the machine on @frames until it closes its end; what is to be done comes on @config, which is closed.
 * Both are taken. Return: the exit status. */
int net_main(int frames, int config);

#endif
