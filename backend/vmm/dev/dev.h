/* The models of backend/vmm/dev/ that are chips of the PC; device.c lists them. */
#ifndef BACKEND_VMM_DEV_DEV_H
#define BACKEND_VMM_DEV_DEV_H

#include "backend/vmm/device.h"

extern const struct dev_type cmos_rtc_type;
extern const struct dev_type debugcon_type;
extern const struct dev_type fw_cfg_type;
extern const struct dev_type i440fx_type;
extern const struct dev_type i8042_type;
extern const struct dev_type isa_debugcon_type;
extern const struct dev_type isa_misc_type;
extern const struct dev_type pflash_type;
extern const struct dev_type piix3_ide_type;
extern const struct dev_type piix3_type;
extern const struct dev_type piix4_pm_type;
extern const struct dev_type port92_type;
extern const struct dev_type uart16550_type;
extern const struct dev_type vga_type;
extern const struct dev_type virtio_blk_type;
extern const struct dev_type virtio_keyboard_type;
extern const struct dev_type virtio_mouse_type;
extern const struct dev_type virtio_net_type;
extern const struct dev_type virtio_rng_type;
extern const struct dev_type virtio_tablet_type;
extern const struct dev_type virtio_vga_type;
extern const struct dev_type vmmouse_type;

#endif
