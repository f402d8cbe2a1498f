/* How much of a picture may be on its way to the terminal: what is sent ends with a question, and nothing
 * more goes before the terminal has answered. So no more waits on a slow line than what it carries in a fifth
 * of a second, and keys and their effects are not behind it.
 *
 * A terminal that does not answer is given its time, and after some silence asked no more. Times in ms, any
 * clock. */
#ifndef UI_TUI_PACER_H
#define UI_TUI_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACER_QUESTION "\033[5n" /* DSR 5: ESC [ 0 n comes */

struct pacer {
	bool waiting;    /* for the answer */
	unsigned silent; /* questions in a row that were not answered */
	int64_t sent_ms;
	size_t sent;   /* bytes before the question */
	size_t budget; /* bytes that may be sent at once; 0 = not known yet */
	bool answers;  /* it has, once */
	bool slow;     /* too slow for images */
	bool probed;
	int64_t idle_ms; /* the shortest time to an answer */
};

/* Before the first picture: is the question to be sent alone, which tells how long the way is? */
bool pacer_probe(struct pacer *p, int64_t now_ms);
/* May a picture be sent now? When not: in *wait_ms it may, at the latest. */
bool pacer_ready(struct pacer *p, int64_t now_ms, unsigned *wait_ms);
/* How many bytes of it. */
size_t pacer_budget(const struct pacer *p);
/* @n bytes were sent. true: and the question is to follow them. */
bool pacer_sent(struct pacer *p, size_t n, int64_t now_ms);
/* Is the line one for images? */
bool pacer_fast(const struct pacer *p);
void pacer_answered(struct pacer *p, int64_t now_ms);

#endif
