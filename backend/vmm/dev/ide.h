/* The IDE function of the PIIX3: what others than the guest may ask of its drives. machine.lock held, main
 * loop's thread unless said otherwise. */
#ifndef BACKEND_VMM_DEV_IDE_H
#define BACKEND_VMM_DEV_IDE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/device.h"

struct domain_disk;
struct ide_drive;

/* Put the drive of @disk on the function, at disk->unit, with the image that the launcher gave (descriptor
 * "disk:TARGET"), or as an empty CD-ROM drive. Before the guest runs. */
int ide_attach(struct dev *ide, const struct domain_disk *disk, struct err *e);

/* The drive by its disk's target; NULL when there is none. */
struct ide_drive *ide_drive(struct dev *ide, const char *target);

struct ide_drive_state {
	bool removable, tray_open, locked; /* locked: by the guest */
	bool inserted;                     /* there is a medium, whether the tray is open or not */
	const char *path; /* of the medium as its giver calls it, or NULL; valid until the next change */
	const char *format;
	bool readonly;
	uint64_t size_bytes;
	int lost;   /* blk.lost of the medium */
	bool waits; /* a request waits for room on the host, and for a resume */
};
void ide_drive_state(const struct ide_drive *d, struct ide_drive_state *out);

/* Open or close the tray as its button does. While the guest has locked it, -EBUSY unless @force; the guest
 * is told that somebody wants the medium. */
int ide_tray(struct ide_drive *d, bool open, bool force, struct err *e);
/* Take the medium out (@fd -1), or put the image behind @fd (taken on success) in its place and close the
 * tray. The guest notices both. The old image is closed when what is being read of it has come. -EBUSY as
 * above. */
int ide_change_medium(struct ide_drive *d, int fd, const char *path, const char *format, bool force,
		      struct err *e);

/* Finish what the block layer has done. The main loop does this by itself; without one the owner of the
 * machine does. */
void ide_completed(struct dev *ide);
/* Transfers that have not come back yet. */
unsigned ide_in_flight(const struct dev *ide);
/* Since when (machine_now()) the host has owed this drive an answer, and *what was asked for ("read"); 0: it
 * owes none. */
uint64_t ide_oldest(const struct ide_drive *d, const char **what);

#endif
