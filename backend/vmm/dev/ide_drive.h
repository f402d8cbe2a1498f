/* Drives and channels as the files of the IDE function share them: ide.c (registers), ide_channel.c (steps of
 * a command), ide_dma.c (bus master), ide_medium.c (images), ata.c and ata_info.c (disks), atapi.c and
 * atapi_reply.c (CD-ROM drives).
 *
 * A channel has one command in work at most. Its phase says who has the next move: the guest at the data port
 * (PIO_IN, PIO_OUT), the block layer (IO), or the guest's bus master (DMA). ch->next goes on from there. Each
 * command ends in ide_done() or ide_fail(). machine.lock held for all of it. */
#ifndef BACKEND_VMM_DEV_IDE_DRIVE_H
#define BACKEND_VMM_DEV_IDE_DRIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "backend/block/block.h"
#include "backend/vmm/dev/ide.h"
#include "backend/vmm/pci.h"
#include "src/proto/statspage.h"

#define IDE_SECTOR 512u
#define IDE_MULTIPLE_MAX 16u
#define IDE_BUF_BYTES (256 * IDE_SECTOR) /* a multiple of every DRQ block of a disk */
#define IDE_PRDS 512u                    /* entries of the guest's table that are held at once */

enum ide_status {
	IDE_ERR = 0x01,
	IDE_DRQ = 0x08,
	IDE_DSC = 0x10,
	IDE_DF = 0x20,
	IDE_DRDY = 0x40,
	IDE_BSY = 0x80,
};

enum ide_error {
	IDE_ABRT = 0x04,
	IDE_IDNF = 0x10,
	IDE_UNC = 0x40,
};

enum ide_control { /* of the control register */
		   IDE_NIEN = 0x02,
		   IDE_SRST = 0x04,
		   IDE_HOB = 0x80,
};

enum ide_device { IDE_DRIVE1 = 0x10, IDE_LBA = 0x40 }; /* of the device register */

enum ide_phase {
	IDE_IDLE,
	IDE_PIO_IN,  /* the guest reads ch->buf */
	IDE_PIO_OUT, /* the guest fills ch->buf */
	IDE_DMA,     /* the bus master is to be started */
	IDE_IO,      /* a request is with the block layer, or waits for a resume */
};

/* One image in use. */
struct ide_medium {
	struct blk blk;
	struct ide_drive *drive;
	void *watch;
	char *path;              /* as its giver calls it, or NULL */
	struct ide_medium *next; /* of those that leave */
};

/* The task file: two registers behind each port, the newer one first (ATA-6, 6.20). */
struct ide_taskfile {
	uint8_t feature, count, lba[3];
	uint8_t hob_feature, hob_count, hob_lba[3];
	uint8_t device, error, status;
};

struct ide_drive {
	struct ide_channel *ch;
	const struct domain_disk *disk; /* NULL: there is no drive */
	bool cd;
	char serial[21];
	struct ide_medium *medium; /* NULL: an empty CD-ROM drive */
	struct stats_disk *stats;
	struct ide_taskfile tf;
	uint8_t transfer_mode; /* as SET FEATURES has it: 0x20 | multiword DMA mode, ... */
	/* disks */
	uint64_t sectors;
	uint32_t cylinders, heads, track; /* the translation in use */
	unsigned multiple;                /* sectors of a READ MULTIPLE's block, 0 = off */
	bool write_cache, always_through;
	/* CD-ROM */
	bool tray_open, locked, told_open;   /* told_open: what was told by an event */
	bool attention;                      /* UNIT ATTENTION is due */
	bool eject_wanted, removed, arrived; /* events not yet polled for */
	uint8_t sense_key, asc, ascq;
};

struct ide_prd {
	uint32_t addr, len;
};

struct ide_channel {
	struct ide *ide;
	struct ide_drive drives[2];
	struct irq_line line;
	uint8_t selected, control;
	bool intrq, added; /* added: the ports are on the bus */

	/* bus master */
	uint8_t bm_command, bm_status;
	uint32_t bm_table;
	uint32_t prd_at;               /* address of the next entry */
	bool prd_end;                  /* the table's last entry was taken */
	struct ide_prd prds[IDE_PRDS]; /* taken, not used up */
	unsigned nprds;
	uint64_t prd_bytes;

	/* the command in work */
	enum ide_phase phase;
	struct ide_drive *active;
	void (*next)(struct ide_drive *d);                /* the guest has made its move */
	void (*io_next)(struct ide_drive *d, int result); /* the block layer has */
	uint8_t *buf;                                     /* IDE_BUF_BYTES */
	uint32_t pos, end;                                /* of the DRQ block in buf */
	uint32_t filled;                                  /* bytes of buf that are data */
	uint64_t lba;
	uint32_t left; /* sectors still to be moved */
	bool write, dma, verify, multiple, fua, ext;

	/* ATAPI */
	uint8_t packet[12];
	bool dma_wanted;
	uint32_t byte_limit;

	/* the request in work */
	struct blk_req io;
	struct ide_medium *io_medium;
	uint64_t io_bytes, since_ns;
	struct iovec iov[IDE_PRDS];
	bool submitted;     /* the block layer is to be kicked */
	bool waiting;       /* for a resume */
	bool cancelled;     /* what comes back is of no interest */
	bool reset_pending; /* and then the drives are reset */
};

struct ide {
	struct pci_dev pci;
	struct ide_channel ch[2];
	struct ide_medium *leaving;
	int tray_fd; /* eventfd: a tray was moved by the guest */
	void *tray_watch;
	bool resetting;
};

/* ide_channel.c */
void ide_line_update(struct ide_channel *ch);
/* Give up the command in work; drives are busy until ide_channel_reset(). A request that waits for a resume
 * is dropped, one that is in flight is waited for (ch->reset_pending). */
void ide_channel_abandon(struct ide_channel *ch);
void ide_channel_reset(struct ide_channel *ch); /* nothing is in flight */
/* The end of the command in work, with an interrupt. */
void ide_done(struct ide_drive *d);
void ide_fail(struct ide_drive *d, uint8_t error);
/* The end without a word about it. */
void ide_idle(struct ide_drive *d, uint8_t status);
void ide_interrupt(struct ide_channel *ch);
/* Have the guest read (@len bytes from buf + pos), or fill, the next DRQ block; @next is called when it has.
 */
void ide_pio(struct ide_drive *d, enum ide_phase phase, uint32_t len, void (*next)(struct ide_drive *));
/* The values that registers have after a reset, EXECUTE DEVICE DIAGNOSTIC, or a refused IDENTIFY. */
void ide_signature(struct ide_drive *d);
/* Move data between the medium and ch->iov. @next gets 0 or -errno; -ENOMEDIUM: it is another one now. */
void ide_io(struct ide_drive *d, enum blk_op op, uint64_t off, uint64_t len, unsigned niov,
	    void (*next)(struct ide_drive *, int));
/* The same with the first @len bytes of ch->buf. */
void ide_io_buf(struct ide_drive *d, enum blk_op op, uint64_t off, uint32_t len,
		void (*next)(struct ide_drive *, int));
/* After a register access: what it has submitted goes out, and what the host had at hand is there at once. */
void ide_kick(struct ide_channel *ch);
/* Text of IDENTIFY: two characters a word, swapped, padded with spaces. */
void ide_text(uint8_t *p, unsigned len, const char *text);

/* ide_dma.c */
void ide_bm_init(struct ide *ide);
void ide_bm_reset(struct ide_channel *ch);
/* Wait for the bus master to be started, then @next. At once when it is. */
void ide_dma_wait(struct ide_drive *d, void (*next)(struct ide_drive *));
/* Take room for @want bytes from the guest's table into ch->iov. Less than that comes in whole sectors. Bytes
 * in *got; -EIO: the table ends or does not lie in memory, which the status register then tells. */
int ide_dma_map(struct ide_drive *d, uint64_t want, bool to_guest, unsigned *niov, uint64_t *got);
/* Copy @len bytes of ch->buf to the guest. 0 or -EIO. */
int ide_dma_copy(struct ide_drive *d, uint32_t len);
/* The bus master was stopped half-way, and nothing is in flight. */
void ide_dma_stopped(struct ide_channel *ch);
/* The command ends: what the status register tells of the table. */
void ide_dma_ended(struct ide_channel *ch);

/* ide_medium.c */
int ide_medium_open(struct ide_drive *d, int fd, const char *path, const char *format, struct err *e);
void ide_medium_done(struct ide *ide, struct ide_medium *m); /* nothing is in flight */
/* Tell the main loop that the guest moved a tray. Any thread. */
void ide_tray_moved(struct ide_drive *d);

/* ata.c, ata_info.c */
enum { ATA_EXT = 1 }; /* a command with 48-bit addresses */
/* SET FEATURES, which CD-ROM drives know too. */
void ide_set_features(struct ide_drive *d);
void ata_command(struct ide_drive *d, uint8_t command);
void ata_reset(struct ide_drive *d);
void ata_put_lba(struct ide_drive *d, uint64_t lba, bool ext);
bool ata_has_trim(const struct ide_drive *d);
void ata_identify(struct ide_drive *d, unsigned flags);
void ata_flush(struct ide_drive *d, unsigned flags);
void ata_nothing(struct ide_drive *d, unsigned flags);
void ata_check_power_mode(struct ide_drive *d, unsigned flags);
void ata_initialize_parameters(struct ide_drive *d, unsigned flags);
void ata_read_native_max(struct ide_drive *d, unsigned flags);
void ata_set_multiple(struct ide_drive *d, unsigned flags);
void ata_set_features(struct ide_drive *d, unsigned flags);

/* atapi.c, atapi_reply.c */
void atapi_command(struct ide_drive *d, uint8_t command);
void atapi_reset(struct ide_drive *d);
bool atapi_ready(const struct ide_drive *d); /* a medium in a closed drive */
/* Replies to a packet, made in ch->buf (zeroed). Return: bytes; 0 = the packet is refused as it is. */
uint32_t atapi_inquiry(struct ide_drive *d, const uint8_t *p, uint8_t *out);
uint32_t atapi_mode_sense(struct ide_drive *d, const uint8_t *p, uint8_t *out);
uint32_t atapi_configuration(struct ide_drive *d, const uint8_t *p, uint8_t *out);
uint32_t atapi_toc(struct ide_drive *d, const uint8_t *p, uint8_t *out);
uint32_t atapi_event_status(struct ide_drive *d, const uint8_t *p, uint8_t *out);
uint32_t atapi_disc_information(struct ide_drive *d, const uint8_t *p, uint8_t *out);
uint32_t atapi_mechanism_status(struct ide_drive *d, const uint8_t *p, uint8_t *out);
uint32_t atapi_capacity(struct ide_drive *d, const uint8_t *p, uint8_t *out);
uint32_t atapi_identify(struct ide_drive *d, uint8_t *out);
uint32_t atapi_blocks(const struct ide_drive *d); /* of 2048 bytes */

#endif
