/* An in-memory host for tests: all of src/backend.h, a state machine like the real one, figures from a clock
 * that only moves when a sample is taken, and serial consoles that a test feeds and pumps. Nothing outside
 * the process is touched.
 *
 * The script that backend_fake_open() takes is text, a directive a line (or separated by ';'); "@PATH" reads
 * a file; NULL or "" is "domains 3":
 *   domains N                          N made-up guests vm001.. in all states, their load a function of their number
 *   domain NAME [STATE] [KEY=VALUE...] one guest; STATE shutoff running paused shutdown crashed; keys vcpus, memory
 *                                      (MiB), load (percent), title, autostart=1, id, uptime (seconds), transient=1
 *   console NAME TEXT                  recorded output of its console (\r \n \e \t \\ are read)
 *   boot TEXT                          what every guest prints when it begins to run, or does so again (the same)
 *   bridge NAME                        a bridge of the host, behind those that were told before
 *   fail CALL ERRNO TEXT               the next use of that call ("domain_start") fails: EIO, EINVAL, ETIMEDOUT, ...
 *   facts NAME JSON                    what it answers to x-diagnose
 *   interpreted                        the host's KVM interprets kernel mode: start wants START_FORCE
 *   no-kvm                             host_validate and host_info find no KVM
 *   path PATH KIND [KEY=VALUE...]      what lies there: missing, file, block, folder, other; keys bytes, free, readable=0,
 *                                      writable=0, format, used (by whom), kernel, volume (of an ISO, to the line's end)
 *   screen NAME [KEY=VALUE...]         it has a screen; keys port, listen, socket, passwd, viewers (how many)
 *   picture NAME WIDTHxHEIGHT [scrolls] its screen shows four quarters: red, green, blue, white; a click paints
 *   text NAME LINE\nLINE...            its screen is in a text mode; the last line tells what key was pressed
 *   stale NAME                         the guest's figures do not answer from now on
 *   step MS                            how far a sample moves the clock (1000)
 *   live                               a thread answers the consoles, for use by hand; without: fake_pump() */
#ifndef BACKEND_FAKE_FAKE_H
#define BACKEND_FAKE_FAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "src/backend.h"

/* Run one more line of script on an open fake. 0, or -EINVAL with @e filled. */
int fake_script(struct backend *b, const char *line, struct err *e);

/* Guest @name writes bytes to its console: to the record and to whoever is attached. */
void fake_feed(struct backend *b, const char *name, const void *bytes, size_t n);

/* Let the guests answer what was written to their consoles, waiting up to @timeout_ms for the first byte. A
 * guest is a shell that echoes and knows echo, poweroff, reboot and crash. Return: bytes they read. */
size_t fake_pump(struct backend *b, int timeout_ms);

/* How many attachments to all consoles are open. */
unsigned fake_attached(struct backend *b);

/* The guest itself: powers off, crashes, pauses on an I/O error. */
void fake_guest_state(struct backend *b, const char *name, enum domain_state s, enum domain_reason r,
		      const char *detail);

#endif
