/* What can be read out of a guest's own words: the end of ttyS0, the text on its screen. For diagnosis.c. */
#ifndef SRC_MODEL_DIAGNOSIS_TEXT_H
#define SRC_MODEL_DIAGNOSIS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct diagnosis_facts;
struct diagnosis_cpu;

/* Something that waits for an answer. */
struct text_question {
	const char *text;   /* in the last line, or at its end */
	bool at_end;
	unsigned lines;     /* how many of the last lines are looked at */
	bool trouble;
	const char *what;   /* sentence, to which "on ttyS0." is added */
	const char *remedy; /* sentence; NULL: answer it */
};

/* @text may be NULL. Lines are without escape sequences and control characters. */
const struct text_question *text_question(const char *text);
bool text_last_line(const char *text, char *out, size_t n);
/* The kernel's reason, when a panic was the last thing of note. */
bool text_panic(const char *text, char *out, size_t n);
bool text_no_boot(const char *text);
/* Is the last line one that a kernel writes when it halts for good? */
bool text_halted(const char *text);
/* Is it a boot loader's before it starts a system? */
bool text_loader(const char *text, char *out, size_t n);

/* "in the kernel", by where the CPU was at the last look. */
void text_address(const struct diagnosis_facts *f, const struct diagnosis_cpu *c, char *out, size_t n);
/* Was it in a kernel's part of the address space? */
bool text_in_kernel(const struct diagnosis_cpu *c);
/* Whose port it is; NULL: nobody's in particular. */
const char *text_port(unsigned port);

#endif
