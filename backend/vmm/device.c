#include "backend/vmm/device.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/dev/dev.h"
#include "src/base/log.h"

/* Keep sorted by model. */
const struct dev_type *const dev_types[] = {
	&cmos_rtc_type,
	&debugcon_type,
	&fw_cfg_type,
	&i440fx_type,
	&i8042_type,
	&isa_debugcon_type,
	&isa_misc_type,
	&pflash_type,
	&piix3_type,
	&piix3_ide_type,
	&piix4_pm_type,
	&port92_type,
	&uart16550_type,
	&vga_type,
	&virtio_blk_type,
	&virtio_keyboard_type,
	&virtio_mouse_type,
	&virtio_net_type,
	&virtio_rng_type,
	&virtio_tablet_type,
	&virtio_vga_type,
	&vmmouse_type,
	NULL,
};

const struct dev_type *dev_type_find(const char *model)
{
	for (const struct dev_type *const *t = dev_types; *t; t++)
		if (!strcmp((*t)->model, model))
			return *t;
	return NULL;
}

int dev_new(struct machine *m, const struct dev_def *def, struct dev **out, struct err *e)
{
	const struct dev_type *t = dev_type_find(def->model);
	if (!t)
		return err_set(e, ENOENT, "%s: there is no device model '%s'", def->name, def->model);
	if (m->ndevs == MACHINE_DEVS_MAX)
		return err_set(e, ENOSPC, "%s: more than %d devices", def->name, MACHINE_DEVS_MAX);
	struct dev *d = calloc(1, t->size);
	if (!d)
		return err_set(e, ENOMEM, "%s: out of memory", def->name);
	d->type = t;
	d->m = m;
	snprintf(d->name, sizeof(d->name), "%s", def->name);
	m->devs[m->ndevs++] = d;
	int rc = t->init(d, def, e);
	if (rc) {
		dev_free(d);
		return rc;
	}
	if (t->reset)
		t->reset(d);
	if (out)
		*out = d;
	return 0;
}

struct dev *dev_find(const struct machine *m, const char *name)
{
	for (unsigned i = 0; i < m->ndevs; i++)
		if (!strcmp(m->devs[i]->name, name))
			return m->devs[i];
	return NULL;
}

void dev_free(struct dev *d)
{
	if (!d)
		return;
	struct machine *m = d->m;
	if (d->type->done)
		d->type->done(d);
	for (unsigned i = 0; i < m->ndevs; i++)
		if (m->devs[i] == d) {
			memmove(&m->devs[i], &m->devs[i + 1], (m->ndevs - i - 1) * sizeof(m->devs[0]));
			m->ndevs--;
			break;
		}
	free(d);
}

void guest_error(struct dev *d, const char *fmt, ...)
{
	uint64_t now = machine_now(d->m);
	if (d->complained_ns && now - d->complained_ns < 1000000000u)
		return;
	d->complained_ns = now ? now : 1;
	char text[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warn("guest error: %s: %s", d->name, text);
}
