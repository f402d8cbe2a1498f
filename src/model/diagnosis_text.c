#include "src/model/diagnosis_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/diagnosis.h"

#define LINE 160
#define LINES 24

/* A line without escape sequences, control characters and blanks at its ends. */
static void clean(const char *p, size_t len, char out[LINE])
{
	size_t n = 0;
	char raw[LINE];
	for (size_t i = 0; i < len && n < LINE - 1; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c == 0x1b && i + 1 < len && p[i + 1] == '[') { /* ECMA-48, 5.4: up to a final byte */
			for (i += 2; i < len && (unsigned char)p[i] < 0x40;)
				i++;
		} else if (c == 0x1b) {
			i++;
		} else if (c >= ' ' && c != 0x7f && (c != ' ' || n)) {
			raw[n++] = (char)c;
		}
	}
	while (n && raw[n - 1] == ' ')
		n--;
	raw[n] = 0;
	str_printable(raw, out, LINE); /* the control characters of C1 */
}

/* What is not ASCII comes as ?: a line of little else (frames, another speed of the line) tells nobody
 * anything. */
static bool readable(const char *line)
{
	size_t strange = 0, n = 0;
	for (const char *p = line; *p; p++) {
		strange += *p == '?';
		n += *p != ' ';
	}
	return strange * 2 < n;
}

/* Lines from the end on, without empty and unreadable ones: the @i-th, 0 is the last. */
struct lines {
	char line[LINES][LINE];
	unsigned n;
};

static void lines_of(const char *text, unsigned max, struct lines *l)
{
	l->n = 0;
	size_t end = text ? strlen(text) : 0;
	while (end && l->n < max && l->n < LINES) {
		size_t at = end;
		while (at && text[at - 1] != '\n' && text[at - 1] != '\r')
			at--;
		clean(text + at, end - at, l->line[l->n]);
		l->n += readable(l->line[l->n]);
		end = at ? at - 1 : 0;
	}
}

bool text_last_line(const char *text, char *out, size_t n)
{
	struct lines l;
	lines_of(text, 1, &l);
	if (l.n)
		snprintf(out, n, "%s", l.line[0]);
	return l.n;
}

/* What firmware, boot loaders and systems write when they wait; more particular ones first. */
static const struct text_question questions[] = {
    {"Select boot device:", false, 16, false, "The firmware's boot menu waits for a number", NULL},
    {"Press ESC for boot menu", false, 1, false,
     "The firmware offers its boot menu (ESC), and waits until the time for it is over", NULL},
    {"Press any key to boot from", false, 1, false,
     "The CD waits for a key, and will not be booted without one,", NULL},
    {"grub rescue>", true, 1, true, "GRUB has not found its files and waits at its rescue prompt",
     "What it was started from may lack /boot/grub, or not be what GRUB was installed to: check the disks and "
     "their order."},
    {"grub>", true, 1, false, "GRUB waits at its prompt",
     "Its grub.cfg may be missing or have no entries, or somebody pressed c in its menu: start a system by hand "
     "(configfile, linux, initrd, boot), or answer there."},
    {"executed automatically in", false, 6, false, "GRUB's menu waits until its time is over", NULL},
    {"keys to select which entry", false, 8, false, "GRUB's menu waits for a choice", NULL},
    {"boot:", true, 1, false, "The boot loader waits at its prompt", NULL},
    {"Shell>", true, 1, true, "The UEFI shell waits: the firmware has found nothing else to start",
     "Give it something to boot: a disk with an EFI system partition, or a CD that has one."},
    {"(initramfs)", true, 1, true,
     "Its initrd has not found the root file system, and waits in an emergency shell",
     "Check root= on its command line and that its disks are all there; the messages above the prompt name "
     "what is missing."},
    {"for maintenance", false, 2, true, "The system has not come up, and waits in emergency mode", NULL},
    {"Control-D to continue", false, 2, true, "The system has not come up, and waits in emergency mode",
     NULL},
    {"unlock disk", false, 1, false, "The system waits for the passphrase of an encrypted disk", NULL},
    {"passphrase for", false, 1, false, "The system waits for the passphrase of an encrypted disk", NULL},
    {"Press any key", false, 1, false, "It waits for a key", NULL},
    {"press Enter to activate this console", false, 1, false, "A shell waits for Enter", NULL},
    {"login:", true, 1, false, "It waits for a login", NULL},
    {"Password:", true, 1, false, "It waits for a password", NULL},
    {"#", true, 1, false, "A shell waits for a command", NULL},
    {"$", true, 1, false, "A shell waits for a command", NULL},
};

const struct text_question *text_question(const char *text)
{
	struct lines l;
	lines_of(text, LINES, &l);
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		const struct text_question *q = &questions[i];
		for (unsigned k = 0; k < l.n && k < q->lines; k++)
			if (q->at_end ? str_ends(l.line[k], q->text) && !str_ends(l.line[k], "##")
				      : strcasestr(l.line[k], q->text) != NULL)
				return q;
	}
	return NULL;
}

bool text_panic(const char *text, char *out, size_t n)
{
	static const char mark[] = "Kernel panic - not syncing: ";
	const char *last = NULL;
	for (const char *p = text; p && (p = strstr(p, mark)); p++)
		last = p;
	if (!last || strstr(last, "login:"))
		return false;
	char line[LINE];
	last += sizeof(mark) - 1;
	clean(last, strcspn(last, "\r\n"), line);
	snprintf(out, n, "%s", line);
	return true;
}

bool text_no_boot(const char *text)
{
	static const char *const words[] = {
	    "No bootable device",                     /* SeaBIOS */
	    "No bootable option or device was found", /* OVMF */
	    "Operating system not found",
	    "Missing operating system",
	    "This is not a bootable disk",
	    "Non-System disk",
	};
	struct lines l;
	lines_of(text, 3, &l);
	for (unsigned k = 0; k < l.n; k++)
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (strcasestr(l.line[k], words[i]))
				return true;
	return false;
}

static bool last_has(const char *text, const char *const *words, char *out, size_t n)
{
	char line[LINE];
	if (!text_last_line(text, line, sizeof(line)))
		return false;
	for (; *words; words++)
		if (strstr(line, *words)) {
			if (out)
				snprintf(out, n, "%s", line);
			return true;
		}
	return false;
}

bool text_halted(const char *text)
{
	static const char *const words[] = {"System halted", "reboot: Power down", "Power down.",
					    "safe to turn off", NULL};
	return last_has(text, words, NULL, 0);
}

bool text_loader(const char *text, char *out, size_t n)
{
	static const char *const words[] = {"Booting from ",    "Booting `",
					    "Loading Linux",    "Loading initial ramdisk",
					    "Loading /",        "GRUB loading",
					    "Welcome to GRUB",  "ISOLINUX",
					    "SYSLINUX",         "Loading vmlinuz",
					    "Loading initrd",   "EFI stub:",
					    "BdsDxe: starting", NULL};
	return last_has(text, words, out, n);
}

bool text_in_kernel(const struct diagnosis_cpu *c)
{
	uint64_t a = c->nseen ? c->seen[0].address : 0;
	return a >= 0xffff800000000000ull || (c->bits == 32 && a >= 0xc0000000 && a < 0xff000000);
}

void text_address(const struct diagnosis_facts *f, const struct diagnosis_cpu *c, char *out, size_t n)
{
	uint64_t a = c->nseen ? c->seen[0].address : 0;
	bool direct = f->domain && f->domain->kernel;
	const char *whose = direct ? "in the kernel's first code" : "in firmware or boot loader";
	if (text_in_kernel(c))
		whose = "in the kernel";
	else if ((a >= 0xc0000 && a < 0x100000) || (a >= 0xff000000 && a <= 0xffffffff))
		whose = "in the firmware";
	else if (a >= 0x7c00 && a < 0x7e00 && c->bits == 16)
		whose = "in the boot sector";
	snprintf(out, n, "%s (%u-bit code)", whose, c->bits);
}

const char *text_port(unsigned port)
{
	static const struct {
		uint16_t first, last;
		const char *name;
	} ports[] = {
	    {0x20, 0x21, "the interrupt controller"},
	    {0x40, 0x43, "the timer"},
	    {0x60, 0x60, "the keyboard"},
	    {0x61, 0x61, "the timer"},
	    {0x64, 0x64, "the keyboard"},
	    {0x70, 0x71, "the clock"},
	    {0x170, 0x177, "an IDE drive"},
	    {0x1f0, 0x1f7, "an IDE drive"},
	    {0x2f8, 0x2ff, "ttyS1"},
	    {0x376, 0x376, "an IDE drive"},
	    {0x3c0, 0x3df, "the VGA"},
	    {0x3f0, 0x3f5, "the floppy drive"},
	    {0x3f6, 0x3f6, "an IDE drive"},
	    {0x3f8, 0x3ff, "ttyS0"},
	    {0x600, 0x63f, "the power management"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		if (port >= ports[i].first && port <= ports[i].last)
			return ports[i].name;
	return NULL;
}
