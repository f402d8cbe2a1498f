/* virtio keyboard, mouse and tablet as a driver sees them. */
#include "tests/testlib.h"
#include "tests/virtiolib.h"

#include <linux/input-event-codes.h>

#include "backend/vmm/input.h"
#include "src/base/cleanup.h"

#define CONFIG VIRTIO_BAR_CONFIG
#define STATUS_BASE DRV_QUEUE_STEP

static struct vmm_test *t;
static struct drv d;
static struct virtio_dev *v;
static uint16_t status_idx;

static void make(const char *model)
{
	struct err e = {0};
	struct dev *dev;
	struct dev_def bridge = {.model = "piix3", .name = "isa-bridge", .addr = {.set = true, .slot = 1}};
	struct dev_def def = {.model = model, .name = "input0", .addr = {.set = true, .slot = 3}};
	t = vmm_start(1);
	ck_assert(!dev_new(&t->m, &bridge, NULL, &e));
	ck_assert_msg(!dev_new(&t->m, &def, &dev, &e), "%s", e.msg);
	v = (struct virtio_dev *)dev;
	drv_attach(&d, t, dev);
	status_idx = 0;
}

static void teardown(void)
{
	vmm_stop(t);
}

/* Offer @n event buffers, of 8 bytes each. */
static void offer(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned slot = d.avail_idx % d.size;
		drv_desc(&d, slot, DRV_BUF + 8 * slot, 8, D_WRITE, 0);
		drv_avail(&d, (uint16_t)slot);
	}
	drv_kick(&d);
}

static void start(unsigned buffers)
{
	d.size = 64;
	drv_start(&d, DRV_ALL_FEATURES);
	ck_assert_uint_eq(drv_status(&d), 15);
	offer(buffers);
}

/* What has come, as "type:code=value ..."; a frame ends with "/". The buffers are offered again if @again. */
static const char *events(bool again)
{
	static char text[2000];
	char *p = text;
	uint32_t head, len;
	unsigned n = 0;
	*p = 0;
	while (drv_used(&d, &head, &len)) {
		const uint8_t *e = drv_mem(&d, DRV_BUF + 8 * head);
		ck_assert_uint_eq(len, 8);
		n++;
		if (!pci_get16(e) && !pci_get16(e + 2))
			p += sprintf(p, "/");
		else
			p += sprintf(p, " %u:%u=%d", pci_get16(e), pci_get16(e + 2), (int)pci_get32(e + 4));
	}
	if (again)
		offer(n);
	return text;
}

static void expect(const char *want)
{
	const char *got = events(true);
	ck_assert_msg(!strcmp(got, want), "'%s', not '%s'", got, want);
}

static void point(int x, int y, int wheel, unsigned buttons)
{
	input_pointer(&t->m, &(struct input_pointer){
				 .absolute = true, .x = x, .y = y, .wheel = wheel, .buttons = buttons});
}

static void move(int x, int y, int wheel, unsigned buttons)
{
	input_pointer(&t->m, &(struct input_pointer){.x = x, .y = y, .wheel = wheel, .buttons = buttons});
}

/* Select, and the answer as hex. */
static const char *config(uint8_t select, uint8_t subsel)
{
	static char text[300];
	drv_write(&d, CONFIG, 1, select);
	drv_write(&d, CONFIG + 1, 1, subsel);
	unsigned n = (unsigned)drv_read(&d, CONFIG + 2, 1);
	ck_assert_uint_le(n, 128);
	text[0] = 0;
	for (unsigned i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", (unsigned)drv_read(&d, CONFIG + 8 + i, 1));
	for (unsigned i = n; i < 128; i++)
		ck_assert_uint_eq(drv_read(&d, CONFIG + 8 + i, 1), 0);
	return text;
}

static bool has_bit(const char *hex, unsigned bit)
{
	unsigned byte = 0;
	return strlen(hex) > bit / 4 && sscanf(hex + bit / 8 * 2, "%2x", &byte) == 1 && byte >> bit % 8 & 1;
}

START_TEST(configuration_of_a_keyboard)
{
	make("virtio-keyboard");
	ck_assert_uint_eq(pci_get16(v->pci.config + 2), 0x1052);
	ck_assert_str_eq(config(0x01, 0), "766d6465636b2076697274696f206b6579626f617264");
	ck_assert_str_eq(config(0x03, 0), "0600f41a01000100");
	const char *keys = config(0x11, EV_KEY);
	ck_assert(has_bit(keys, KEY_A) && has_bit(keys, KEY_MICMUTE) && !has_bit(keys, 0) &&
		  !has_bit(keys, BTN_LEFT));
	ck_assert_str_eq(config(0x11, EV_LED), "07");
	ck_assert_str_eq(config(0x11, EV_REL), "");
	ck_assert_str_eq(config(0x11, EV_ABS), "");
	ck_assert_str_eq(config(0x11, EV_REP), "");
	ck_assert_str_eq(config(0x10, 0), "");
	ck_assert_str_eq(config(0x02, 0), "");
	ck_assert_str_eq(config(0x12, 0), "");
}
END_TEST

START_TEST(configuration_of_pointers)
{
	make("virtio-tablet");
	ck_assert_str_eq(config(0x11, EV_ABS), "03");
	ck_assert_str_eq(config(0x11, EV_REL), "4001");
	ck_assert_str_eq(config(0x12, ABS_X), "00000000ff7f0000000000000000000000000000");
	ck_assert_str_eq(config(0x12, ABS_Y), "00000000ff7f0000000000000000000000000000");
	ck_assert_str_eq(config(0x12, ABS_Z), "");
	const char *keys = config(0x11, EV_KEY);
	ck_assert(has_bit(keys, BTN_LEFT) && has_bit(keys, BTN_EXTRA) && !has_bit(keys, KEY_A));
	ck_assert_str_eq(config(0x03, 0), "0600f41a03000100");
	vmm_stop(t);
	make("virtio-mouse");
	ck_assert_str_eq(config(0x11, EV_REL), "4301");
	ck_assert_str_eq(config(0x11, EV_ABS), "");
	ck_assert_str_eq(config(0x12, ABS_X), "");
	ck_assert_str_eq(config(0x03, 0), "0600f41a02000100");
}
END_TEST

START_TEST(every_selection_has_an_answer)
{
	static const char *const models[] = {"virtio-keyboard", "virtio-mouse", "virtio-tablet"};
	for (unsigned m = 0; m < ARRAY_SIZE(models); m++) {
		if (m)
			vmm_stop(t);
		make(models[m]);
		for (unsigned select = 0; select < 256; select++)
			for (unsigned sub = 0; sub < 256; sub += select == 0x11 || select == 0x12 ? 1 : 51)
				config((uint8_t)select, (uint8_t)sub);
	}
}
END_TEST

START_TEST(keys_go_down_repeat_and_go_up)
{
	make("virtio-keyboard");
	start(16);
	input_key(&t->m, KEY_A, true);
	expect(" 1:30=1/");
	input_key(&t->m, KEY_A, true);
	expect(" 1:30=2/");
	input_key(&t->m, KEY_A, false);
	expect(" 1:30=0/");
}
END_TEST

START_TEST(a_key_that_went_up_without_a_buffer_goes_up_later)
{
	make("virtio-keyboard");
	start(4);
	input_key(&t->m, KEY_A, true);
	input_key(&t->m, KEY_B, true);
	input_key(&t->m, KEY_C, true);  /* lost */
	input_key(&t->m, KEY_A, false); /* waits */
	input_key(&t->m, KEY_B, false);
	ck_assert_str_eq(events(false), " 1:30=1/ 1:48=1/");
	offer(1); /* not enough for a frame */
	ck_assert_str_eq(events(false), "");
	offer(16);
	ck_assert_str_eq(events(false), " 1:30=0/ 1:48=0/");
	input_key(&t->m, KEY_C, false); /* was never told */
	ck_assert_str_eq(events(false), "");
}
END_TEST

START_TEST(a_tablet_tells_positions)
{
	make("virtio-tablet");
	start(32);
	ck_assert(input_absolute(&t->m));
	point(0, 0, 0, 0);
	expect(" 3:0=0 3:1=0/");
	point(INPUT_ABS_MAX, 0, 0, 0);
	expect(" 3:0=32767/");
	point(INPUT_ABS_MAX, INPUT_ABS_MAX, -2, INPUT_BUTTON_LEFT);
	expect(" 3:1=32767 2:8=-2 1:272=1/");
	point(INPUT_ABS_MAX, INPUT_ABS_MAX, 0, INPUT_BUTTON_LEFT);
	expect("");
	point(5, 6, 0, INPUT_BUTTON_RIGHT | INPUT_BUTTON_MIDDLE | INPUT_BUTTON_SIDE | INPUT_BUTTON_EXTRA);
	expect(" 3:0=5 3:1=6 1:272=0 1:274=1 1:273=1 1:275=1 1:276=1/");
}
END_TEST

START_TEST(a_tablet_without_buffers_tells_the_last_position)
{
	make("virtio-tablet");
	start(0);
	for (int i = 0; i < 100; i++)
		point(i, 2 * i, 1, 0);
	offer(2);
	ck_assert_str_eq(events(false), "");
	offer(8);
	expect(" 3:0=99 3:1=198 2:8=100/");
	expect("");
}
END_TEST

START_TEST(a_mouse_tells_movement)
{
	make("virtio-mouse");
	start(5);
	ck_assert(!input_absolute(&t->m));
	move(3, -4, 1, INPUT_BUTTON_LEFT);
	ck_assert_str_eq(events(false), " 2:0=3 2:1=-4 2:8=1 1:272=1/");
	move(1, 0, 0, 0);
	move(1, 0, 0, 0);
	input_pointer(&t->m, &(struct input_pointer){.x = INT32_MAX, .hwheel = INT32_MIN});
	ck_assert_str_eq(events(false), "");
	offer(16);
	expect(" 2:0=100000 2:6=-100000 1:272=0/");
}
END_TEST

START_TEST(a_driver_comes_and_goes)
{
	make("virtio-tablet");
	ck_assert(!input_absolute(&t->m));
	start(8);
	point(1, 1, 0, INPUT_BUTTON_LEFT);
	ck_assert(input_absolute(&t->m));
	drv_write(&d, 0x14, 1, 0);
	ck_assert(!input_absolute(&t->m));
	point(2, 2, 0, 0);
	start(8);
	expect("");
	point(2, 2, 0, 0);
	expect(" 3:0=2 3:1=2/");
}
END_TEST

/* One status event of the driver. */
static void status(uint16_t type, uint16_t code, uint32_t value, uint32_t len)
{
	uint8_t *desc = drv_mem(&d, STATUS_BASE + DRV_DESC), *avail = drv_mem(&d, STATUS_BASE + DRV_AVAIL);
	uint8_t *p = drv_mem(&d, DRV_BUF + 0x1000);
	uint64_t gpa = DRV_BUF + 0x1000;
	pci_put16(p, type);
	pci_put16(p + 2, code);
	pci_put32(p + 4, value);
	memset(desc, 0, 16);
	memcpy(desc, &gpa, 8);
	pci_put32(desc + 8, len);
	pci_put16(avail + 4 + 2 * (status_idx % d.size), 0);
	pci_put16(avail + 2, ++status_idx);
	drv_write(&d, VIRTIO_BAR_NOTIFY + VIRTIO_NOTIFY_STEP, 2, 1);
	ck_assert_uint_eq(pci_get16((uint8_t *)drv_mem(&d, STATUS_BASE + DRV_USED) + 2), status_idx);
}

START_TEST(the_driver_sets_leds)
{
	make("virtio-keyboard");
	start(8);
	drv_queue(&d, 1);
	status(EV_LED, LED_CAPSL, 1, 8);
	ck_assert_uint_eq(input_leds(&t->m), INPUT_LED_CAPS);
	status(EV_LED, LED_NUML, 1, 8);
	status(EV_LED, LED_CAPSL, 0, 8);
	ck_assert_uint_eq(input_leds(&t->m), INPUT_LED_NUM);
	status(EV_LED, LED_SCROLLL, 1, 7); /* too short: nothing */
	status(EV_LED, LED_MUTE, 1, 8);
	status(EV_KEY, LED_SCROLLL, 1, 8);
	ck_assert_uint_eq(input_leds(&t->m), INPUT_LED_NUM);
	drv_write(&d, 0x14, 1, 0);
	ck_assert_uint_eq(input_leds(&t->m), 0);
}
END_TEST

START_TEST(a_buffer_that_is_too_small_stops_the_device)
{
	make("virtio-keyboard");
	start(0);
	for (unsigned i = 0; i < 4; i++) {
		drv_desc(&d, i, DRV_BUF, 7, D_WRITE, 0);
		drv_avail(&d, (uint16_t)i);
	}
	input_key(&t->m, KEY_A, true);
	ck_assert_uint_eq(drv_status(&d) & VIRTIO_NEEDS_RESET, VIRTIO_NEEDS_RESET);
	input_key(&t->m, KEY_A, false);
	start(8);
	input_key(&t->m, KEY_A, true);
	expect(" 1:30=1/");
}
END_TEST

START_TEST(an_event_may_lie_in_pieces)
{
	make("virtio-keyboard");
	start(0);
	for (unsigned i = 0; i < 2; i++) {
		drv_desc(&d, 3 * i, DRV_BUF + 8 * (3 * i), 3, D_WRITE | D_NEXT, 3 * i + 1);
		drv_desc(&d, 3 * i + 1, DRV_BUF + 8 * (3 * i) + 3, 1, D_WRITE | D_NEXT, 3 * i + 2);
		drv_desc(&d, 3 * i + 2, DRV_BUF + 8 * (3 * i) + 4, 4, D_WRITE, 0);
		drv_avail(&d, (uint16_t)(3 * i));
	}
	input_key(&t->m, KEY_A, true);
	ck_assert_str_eq(events(false), " 1:30=1/");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		configuration_of_a_keyboard,
		configuration_of_pointers,
		every_selection_has_an_answer,
		keys_go_down_repeat_and_go_up,
		a_key_that_went_up_without_a_buffer_goes_up_later,
		a_tablet_tells_positions,
		a_tablet_without_buffers_tells_the_last_position,
		a_mouse_tells_movement,
		a_driver_comes_and_goes,
		the_driver_sets_leds,
		a_buffer_that_is_too_small_stops_the_device,
		an_event_may_lie_in_pieces,
	};
	Suite *s = suite_create("virtio_input");
	TCase *c = tcase_create("devices");
	tcase_add_checked_fixture(c, NULL, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return test_main(s);
}
