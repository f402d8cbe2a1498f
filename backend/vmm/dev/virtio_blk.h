/* What others than the guest may ask of a virtio disk. */
#ifndef BACKEND_VMM_DEV_VIRTIO_BLK_H
#define BACKEND_VMM_DEV_VIRTIO_BLK_H

#include "backend/block/block.h"
#include "backend/vmm/device.h"

/* The image behind it. */
struct blk *virtio_blk_image(struct dev *d);
/* Does a request wait for room on the host, and for a resume? m->lock held. */
bool virtio_blk_waits(const struct dev *d);
/* Finish what the block layer has done (blk_event_fd() is readable). The main loop does this by itself;
 * without one the owner of the machine does. m->lock held. */
void virtio_blk_completed(struct dev *d);
/* Since when (machine_now()) the host has owed the answer to the oldest request, and *what it is ("read"); 0:
 * it owes none. m->lock held. */
uint64_t virtio_blk_oldest(const struct dev *d, const char **what);

#endif
