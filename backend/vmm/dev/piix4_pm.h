/* The power management function of the PIIX4 (00:01.3): how a guest is powered off, and asked to do so. */
#ifndef BACKEND_VMM_DEV_PIIX4_PM_H
#define BACKEND_VMM_DEV_PIIX4_PM_H

struct dev;

/* What firmware would do for a directly booted kernel: the ACPI registers at ACPI_PM_BASE and the SMBus at ACPI_SMB_BASE, decoding on. After
 * reset. */
void piix4_pm_setup(struct dev *d);
/* Press the power button: the guest gets an SCI if its ACPI driver listens. machine.lock held. */
void piix4_pm_powerbutton(struct dev *d);

#endif
