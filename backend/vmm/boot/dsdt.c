/* The AML of the DSDT. tests/acpi/dsdt.asl is what this says, in ASL. */
#include "backend/vmm/boot/dsdt.h"

#include <stdio.h>

#include "backend/vmm/boot/aml.h"
#include "backend/vmm/pci.h"
#include "src/base/cleanup.h"

#define LINKS 4
#define SCI_GSI 9
#define PIIX3_SLOT 1

/* Where the interrupt links may be routed to, and what carries their routing in PIIX3's config space (60h to
 * 63h). */
static const uint32_t link_choices[] = {5, 10, 11};
static const char *const link_name[LINKS] = {"LNKA", "LNKB", "LNKC", "LNKD"};
static const char *const link_field[LINKS] = {"\\_SB.PCI0.ISA.PRQA", "\\_SB.PCI0.ISA.PRQB",
					      "\\_SB.PCI0.ISA.PRQC", "\\_SB.PCI0.ISA.PRQD"};

/* The bridge's windows. Left out of the ports: the configuration mechanism, and what ACPI itself uses
 * (machine.md 1.6: hotplug blocks at AE00h and AF00h, GPE0 at AFE0h). */
static void pci_windows(struct aml *a, const struct acpi_config *c)
{
	static const uint16_t io[][2] = {
		{0x0000, 0x0cf7},
		{0x0d00, 0xadff},
		{0xae18, 0xaeff},
		{0xaf0c, 0xafdf},
		{0xafe4, 0xffff},
	};
	/* Firmware places BARs from 2 GiB on when RAM ends below that. */
	uint64_t first = c->low_bytes <= 0x80000000u ? 0x80000000u : PCI_WINDOW_BASE;
	aml_name(a, "_CRS");
	aml_resources(a);
	aml_res_bus_window(a, 0, 255);
	aml_res_io(a, 0xcf8, 8);
	for (unsigned i = 0; i < ARRAY_SIZE(io); i++)
		aml_res_io_window(a, io[i][0], io[i][1]);
	aml_res_mem32_window(a, 0xa0000, 0xbffff);
	aml_res_mem32_window(a, (uint32_t)first, (uint32_t)(PCI_WINDOW_END - 1));
	aml_resources_end(a);
}

/* Four pins of 31 slots; pin A of the PIIX's slot is the power management's, which is the SCI. */
static void pci_routing(struct aml *a)
{
	aml_name(a, "_PRT");
	aml_package(a, 31 * 4);
	for (unsigned slot = 1; slot < 32; slot++)
		for (unsigned pin = 0; pin < 4; pin++) {
			bool sci = slot == PIIX3_SLOT && pin == 0;
			aml_package(a, 4);
			aml_int(a, (uint64_t)slot << 16 | 0xffff);
			aml_int(a, pin);
			aml_path(a, sci ? "\\_SB.LNKS" : link_name[(slot + pin + 3) % LINKS]);
			aml_int(a, 0);
			aml_end(a);
		}
	aml_end(a);
}

struct isa_device {
	const char *name, *hid;
	unsigned uid; /* 0 = none */
	uint16_t port, port2;
	uint8_t len, irq;
};

static void isa_device(struct aml *a, const struct isa_device *d)
{
	aml_device(a, d->name);
	aml_name(a, "_HID");
	aml_eisaid(a, d->hid);
	if (d->uid)
		aml_name_int(a, "_UID", d->uid);
	aml_name(a, "_CRS");
	aml_resources(a);
	if (d->len)
		aml_res_io(a, d->port, d->len);
	if (d->port2)
		aml_res_io(a, d->port2, d->len);
	aml_res_irq(a, d->irq);
	aml_resources_end(a);
	aml_end(a);
}

static void isa_bridge(struct aml *a, const struct acpi_config *c)
{
	static const struct isa_device rtc = {"RTC", "PNP0B00", 0, 0x70, 0, 2, 8};
	static const struct isa_device ps2[] = {
		{"KBD", "PNP0303", 0, 0x60, 0x64, 1, 1},
		{"MOU", "PNP0F13", 0, 0, 0, 0, 12},
	};
	static const struct isa_device com[] = {
		{"COM1", "PNP0501", 1, 0x3f8, 0, 8, 4},
		{"COM2", "PNP0501", 2, 0x2f8, 0, 8, 3},
	};
	aml_device(a, "ISA");
	aml_name_int(a, "_ADR", PIIX3_SLOT << 16);
	aml_region(a, "PIRQ", AML_PCI_CONFIG, 0x60, LINKS);
	aml_field(a, "PIRQ", AML_BYTE_ACC);
	aml_field_unit(a, "PRQA", 8);
	aml_field_unit(a, "PRQB", 8);
	aml_field_unit(a, "PRQC", 8);
	aml_field_unit(a, "PRQD", 8);
	aml_end(a);
	isa_device(a, &rtc);
	for (unsigned i = 0; c->ps2 && i < ARRAY_SIZE(ps2); i++)
		isa_device(a, &ps2[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(com); i++)
		if (c->serial[i])
			isa_device(a, &com[i]);
	aml_end(a);
}

/* The ports of fw_cfg are taken, though no driver need show it. */
static void fw_cfg(struct aml *a)
{
	aml_device(a, "FWCF");
	aml_name(a, "_HID");
	aml_string(a, "QEMU0002");
	aml_name_int(a, "_STA", 0x0b);
	aml_name(a, "_CRS");
	aml_resources(a);
	aml_res_io(a, 0x510, 12);
	aml_resources_end(a);
	aml_end(a);
}

static void pci_root(struct aml *a, const struct acpi_config *c)
{
	aml_device(a, "PCI0");
	aml_name(a, "_HID");
	aml_eisaid(a, "PNP0A03");
	aml_name_int(a, "_UID", 0);
	aml_name_int(a, "_BBN", 0);
	pci_windows(a, c);
	pci_routing(a);
	isa_bridge(a, c);
	if (c->fw_cfg)
		fw_cfg(a);
	aml_end(a);
}

/* LSTA (routing): is a link with this routing on? LCRS (routing): its resources. */
static void link_methods(struct aml *a)
{
	aml_method(a, "LSTA", 1, false);
	aml_if(a);
	aml_op(a, AML_AND);
	aml_arg(a, 0);
	aml_int(a, 0x80);
	aml_nowhere(a);
	aml_op(a, AML_RETURN);
	aml_int(a, 0x09); /* present, works, disabled */
	aml_end(a);
	aml_op(a, AML_RETURN);
	aml_int(a, 0x0b);
	aml_end(a);

	aml_name(a, "RES0");
	aml_resources(a);
	aml_res_interrupt(a, (uint32_t[]){0}, 1);
	aml_resources_end(a);

	aml_method(a, "LCRS", 1, true);
	aml_op(a, AML_DWORD_FIELD);
	aml_path(a, "RES0");
	aml_int(a, 5);
	aml_path(a, "GSI0");
	aml_if(a);
	aml_op(a, AML_LLESS);
	aml_arg(a, 0);
	aml_int(a, 0x80);
	aml_op(a, AML_STORE);
	aml_arg(a, 0);
	aml_path(a, "GSI0");
	aml_end(a);
	aml_op(a, AML_RETURN);
	aml_path(a, "RES0");
	aml_end(a);
}

static void return_call(struct aml *a, const char *method, const char *arg)
{
	aml_op(a, AML_RETURN);
	aml_path(a, method);
	aml_path(a, arg);
}

static void link_device(struct aml *a, unsigned n)
{
	const char *routing = link_field[n];
	aml_device(a, link_name[n]);
	aml_name(a, "_HID");
	aml_eisaid(a, "PNP0C0F");
	aml_name_int(a, "_UID", n + 1);
	aml_name(a, "_PRS");
	aml_resources(a);
	aml_res_interrupt(a, link_choices, ARRAY_SIZE(link_choices));
	aml_resources_end(a);

	aml_method(a, "_STA", 0, false);
	return_call(a, "LSTA", routing);
	aml_end(a);
	aml_method(a, "_DIS", 0, false);
	aml_op(a, AML_OR);
	aml_path(a, routing);
	aml_int(a, 0x80);
	aml_path(a, routing);
	aml_end(a);
	aml_method(a, "_CRS", 0, false);
	return_call(a, "LCRS", routing);
	aml_end(a);
	aml_method(a, "_SRS", 1, true);
	aml_op(a, AML_DWORD_FIELD);
	aml_arg(a, 0);
	aml_int(a, 5);
	aml_path(a, "GSI0");
	aml_op(a, AML_STORE);
	aml_path(a, "GSI0");
	aml_path(a, routing);
	aml_end(a);
	aml_end(a);
}

/* The SCI's link: wired, so there is one choice and nothing to set. */
static void sci_link(struct aml *a)
{
	static const char *const resources[] = {"_PRS", "_CRS"};
	aml_device(a, "LNKS");
	aml_name(a, "_HID");
	aml_eisaid(a, "PNP0C0F");
	aml_name_int(a, "_UID", LINKS + 1);
	for (unsigned i = 0; i < ARRAY_SIZE(resources); i++) {
		aml_name(a, resources[i]);
		aml_resources(a);
		aml_res_interrupt(a, (uint32_t[]){SCI_GSI}, 1);
		aml_resources_end(a);
	}
	aml_name_int(a, "_STA", 0x0b);
	aml_method(a, "_DIS", 0, false);
	aml_end(a);
	aml_method(a, "_SRS", 1, false);
	aml_end(a);
	aml_end(a);
}

/* Processors, tied to the MADT's by _UID. */
static void processors(struct aml *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char name[16];
		snprintf(name, sizeof(name), "C%03X", i & 0xfff);
		aml_device(a, name);
		aml_name(a, "_HID");
		aml_string(a, "ACPI0007");
		aml_name_int(a, "_UID", i);
		aml_end(a);
	}
}

void dsdt_aml(const struct acpi_config *c, struct buf *out)
{
	struct aml a = {.out = out};
	aml_scope(&a, "\\_SB");
	pci_root(&a, c);
	link_methods(&a);
	for (unsigned n = 0; n < LINKS; n++)
		link_device(&a, n);
	sci_link(&a);
	processors(&a, c->vcpus);
	aml_end(&a);

	aml_name(&a, "\\_S5"); /* SLP_TYP 0 (piix4_pm.c) */
	aml_package(&a, 4);
	for (unsigned i = 0; i < 4; i++)
		aml_int(&a, 0);
	aml_end(&a);
}
