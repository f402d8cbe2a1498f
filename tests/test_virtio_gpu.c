/* The virtio GPU as a driver uses and abuses it, and the VGA beside it. (virtio 1.2, 5.7) */
#include "tests/testlib.h"
#include "tests/virtiolib.h"

#include "backend/vmm/dev/virtio_gpu.h"
#include "backend/vmm/display/display.h"
#include "src/base/cleanup.h"

enum { BACKING = 0x300000, COMMAND = 0x200000, ANSWER = 0x210000, ANSWER_LEN = 2048 };
enum {
	GET_DISPLAY_INFO = 0x100,
	CREATE,
	UNREF,
	SET_SCANOUT,
	FLUSH,
	TRANSFER,
	ATTACH,
	DETACH,
	GET_EDID = 0x10a,
	UPDATE_CURSOR = 0x300,
	MOVE_CURSOR,
};

static struct vmm_test *t;
static struct drv d;
static struct display *screen;
static struct display_client looker;
static unsigned told; /* what the looker was told of */

static void changed(struct display_client *c, unsigned what)
{
	told |= what;
}

static void setup(void)
{
	t = vmm_start(1000);
	struct dev *dev = vmm_dev(t, "virtio-vga", 0);
	drv_attach(&d, t, dev);
	drv_start(&d, DRV_ALL_FEATURES);
	screen = t->m.display;
	looker = (struct display_client){.changed = changed};
	told = 0;
	display_client_add(screen, &looker);
}

static void teardown(void)
{
	display_client_remove(screen, &looker);
	vmm_stop(t);
}

/* Send @words of @n as one command, the answer in one buffer; its type. */
static uint32_t send_len(const uint32_t *words, unsigned n, uint32_t *written)
{
	uint32_t head, len;
	memcpy(drv_mem(&d, COMMAND), words, 4 * n);
	memset(drv_mem(&d, ANSWER), 0xee, ANSWER_LEN);
	drv_desc(&d, 0, COMMAND, 4 * n, D_NEXT, 1);
	drv_desc(&d, 1, ANSWER, ANSWER_LEN, D_WRITE, 0);
	drv_avail(&d, 0);
	drv_kick(&d);
	ck_assert(drv_used(&d, &head, &len));
	if (written)
		*written = len;
	return pci_get32(drv_mem(&d, ANSWER));
}

#define SEND(...)                                                                                            \
	({                                                                                                   \
		const uint32_t words_[] = {__VA_ARGS__};                                                     \
		send_len(words_, ARRAY_SIZE(words_), NULL);                                                  \
	})
#define HEADER(type) (type), 0, 0, 0, 0, 0

/* A resource of @w x @h whose memory is one piece at BACKING. */
static void make(uint32_t id, uint32_t w, uint32_t h)
{
	ck_assert_uint_eq(SEND(HEADER(CREATE), id, 2, w, h), GPU_OK);
	ck_assert_uint_eq(SEND(HEADER(ATTACH), id, 1, BACKING, 0, w * h * 4, 0), GPU_OK);
}

static uint32_t pixel(unsigned x, unsigned y)
{
	const struct surface *s = display_surface(screen);
	return pci_get32(s->pixels + (size_t)y * s->stride + 4 * (size_t)x);
}

START_TEST(display_info_and_edid_are_the_monitors)
{
	uint32_t len;
	const uint32_t ask[] = {HEADER(GET_DISPLAY_INFO)}, edid[] = {HEADER(GET_EDID), 0, 0};
	const uint8_t *a = drv_mem(&d, ANSWER);
	display_wish(screen, 1920, 1080);
	ck_assert_uint_eq(send_len(ask, 6, &len), GPU_OK_DISPLAY_INFO);
	ck_assert_uint_eq(len, 24 + 16 * 24);
	ck_assert_uint_eq(pci_get32(a + 32), 1920);
	ck_assert_uint_eq(pci_get32(a + 36), 1080);
	ck_assert_uint_eq(pci_get32(a + 40), 1);
	ck_assert_uint_eq(pci_get32(a + 64), 0); /* the second is off */
	ck_assert_uint_eq(send_len(edid, 8, &len), GPU_OK_EDID);
	ck_assert_uint_eq(len, 24 + 8 + 1024);
	ck_assert_uint_eq(pci_get32(a + 24), 128);
	ck_assert_uint_eq(a[32 + 0x38] | a[32 + 0x3a] >> 4 << 8, 1920);
}
END_TEST

START_TEST(a_wish_is_an_event_until_the_driver_has_cleared_it)
{
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG, 4), 0);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 8, 4), 1);
	uint8_t before = (uint8_t)drv_read(&d, 0x15, 1);
	display_wish(screen, 1024, 768);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG, 4), 1);
	ck_assert_uint_ne(drv_read(&d, 0x15, 1), before);
	drv_write(&d, VIRTIO_BAR_CONFIG + 4, 4, 1);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG, 4), 0);
	display_wish(screen, 1024, 768); /* nothing new */
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG, 4), 0);
	display_wish(screen, 2561, 768); /* more than there can be */
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG, 4), 0);
}
END_TEST

START_TEST(what_is_transferred_is_shown_and_flushed_is_told)
{
	struct rect r[DISPLAY_RECTS_MAX];
	ck_assert_uint_eq(display_surface(screen)->width, 720); /* the VGA's */
	make(1, 640, 480);
	pci_put32(drv_mem(&d, BACKING + 4 * (640 * 10 + 20)), 0x112233);
	ck_assert_uint_eq(SEND(HEADER(SET_SCANOUT), 0, 0, 640, 480, 0, 1), GPU_OK);
	ck_assert(told & DISPLAY_SURFACE);
	ck_assert_uint_eq(display_surface(screen)->width, 640);
	ck_assert_uint_eq(pixel(20, 10), 0);
	display_take_damage(screen, &looker, r);
	ck_assert_uint_eq(SEND(HEADER(TRANSFER), 20, 10, 5, 5, 4 * (640 * 10 + 20), 0, 1, 0), GPU_OK);
	ck_assert_uint_eq(pixel(20, 10), 0x112233);
	display_refresh(screen);
	ck_assert_uint_eq(display_take_damage(screen, &looker, r), 0);
	ck_assert_uint_eq(SEND(HEADER(FLUSH), 20, 10, 5, 5, 1, 0), GPU_OK);
	ck_assert_uint_eq(display_take_damage(screen, &looker, r), 1);
	ck_assert(r[0].x == 20 && r[0].y == 10 && r[0].w == 5 && r[0].h == 5);
	struct text_screen *text = malloc(sizeof(*text));
	ck_assert(!display_text(screen, text));
	free(text);
}
END_TEST

START_TEST(a_part_of_a_resource_can_be_the_screen)
{
	struct rect r[DISPLAY_RECTS_MAX];
	make(1, 640, 480);
	pci_put32(drv_mem(&d, BACKING + 4 * (640 * 100 + 100)), 0x445566);
	ck_assert_uint_eq(SEND(HEADER(TRANSFER), 0, 0, 640, 480, 0, 0, 1, 0), GPU_OK);
	ck_assert_uint_eq(SEND(HEADER(SET_SCANOUT), 100, 100, 320, 200, 0, 1), GPU_OK);
	ck_assert_uint_eq(pixel(0, 0), 0x445566);
	display_take_damage(screen, &looker, r);
	ck_assert_uint_eq(SEND(HEADER(FLUSH), 0, 0, 110, 110, 1, 0), GPU_OK);
	ck_assert_uint_eq(display_take_damage(screen, &looker, r), 1);
	ck_assert(r[0].x == 0 && r[0].y == 0 && r[0].w == 10 && r[0].h == 10);
	ck_assert_uint_eq(SEND(HEADER(FLUSH), 0, 0, 50, 50, 1, 0), GPU_OK);
	ck_assert_uint_eq(display_take_damage(screen, &looker, r), 0);
}
END_TEST

START_TEST(backing_may_lie_in_many_pieces_and_any_byte_order)
{
	uint32_t words[8 + 4 * 16] = {HEADER(ATTACH), 1, 16};
	for (uint32_t i = 0; i < 16; i++) { /* a line each, backwards */
		words[8 + 4 * i] = BACKING + (15 - i) * 64;
		words[8 + 4 * i + 2] = 64;
		pci_put32(drv_mem(&d, BACKING + (15 - i) * 64), 0x01020300 + i); /* X8 R8 G8 B8 from the first byte on */
	}
	ck_assert_uint_eq(SEND(HEADER(CREATE), 1, 4, 16, 16), GPU_OK);
	ck_assert_uint_eq(send_len(words, ARRAY_SIZE(words), NULL), GPU_OK);
	ck_assert_uint_eq(SEND(HEADER(TRANSFER), 0, 0, 16, 16, 0, 0, 1, 0), GPU_OK);
	ck_assert_uint_eq(SEND(HEADER(SET_SCANOUT), 0, 0, 16, 16, 0, 1), GPU_OK);
	for (uint32_t i = 0; i < 16; i++)
		ck_assert_uint_eq(pixel(0, i) & 0xffffff, 0x030201); /* bytes i 03 02 01 */
}
END_TEST

/* 32 MiB whose backing is one page of the guest over and over: no turn, which has the machine's lock, may do
 * all of it. */
START_TEST(a_long_transfer_goes_on_in_the_next_turn)
{
	enum { W = 4096, H = 2048, PIECE = 16384, N = W * H * 4 / PIECE, LIST = 0x400000, TURN = 8 << 20 };
	const uint32_t attach[] = {HEADER(ATTACH), 1, N}, transfer[] = {HEADER(TRANSFER), 0, 0, W, H, 0, 0, 1, 0};
	uint32_t head, len;
	unsigned turns = 0, done = 0;
	ck_assert_uint_eq(SEND(HEADER(CREATE), 1, 2, W, H), GPU_OK);
	for (unsigned i = 0; i < N; i++) {
		uint8_t *e = drv_mem(&d, LIST + 16 * i);
		memset(e, 0, 16);
		pci_put32(e, BACKING);
		pci_put32(e + 8, PIECE);
	}
	memset(drv_mem(&d, BACKING), 0x77, PIECE);
	memcpy(drv_mem(&d, COMMAND), attach, sizeof(attach));
	drv_desc(&d, 0, COMMAND, sizeof(attach), D_NEXT, 2);
	drv_desc(&d, 2, LIST, 16 * N, D_NEXT, 1);
	drv_desc(&d, 1, ANSWER, ANSWER_LEN, D_WRITE, 0);
	drv_avail(&d, 0);
	drv_kick(&d);
	ck_assert(drv_used(&d, &head, &len));
	ck_assert_uint_eq(pci_get32(drv_mem(&d, ANSWER)), GPU_OK);
	memcpy(drv_mem(&d, COMMAND), transfer, sizeof(transfer));
	drv_desc(&d, 0, COMMAND, sizeof(transfer), D_NEXT, 1);
	for (unsigned i = 0; i < 2; i++)
		drv_avail(&d, 0);
	for (; done < 2 && turns < 100; turns++) {
		drv_kick(&d); /* as its doorbell, which it has rung itself */
		while (drv_used(&d, &head, &len))
			done++;
		if (!turns)
			ck_assert_uint_eq(done, 0);
	}
	ck_assert_uint_eq(done, 2);
	ck_assert_uint_ge(turns, 2 * (W * H * 4 / TURN));
	ck_assert_uint_eq(pci_get32(drv_mem(&d, ANSWER)), GPU_OK);
	ck_assert_uint_eq(SEND(HEADER(SET_SCANOUT), 0, H - 64, 64, 64, 0, 1), GPU_OK);
	ck_assert_uint_eq(pixel(63, 63), 0x77777777);
}
END_TEST

/* A driver that changes a transfer that is in work only harms itself. */
START_TEST(a_transfer_that_changes_its_mind_is_survived)
{
	enum { W = 2048, H = 2048, N = W * H * 4 / 16384, LIST = 0x400000 };
	uint32_t head, len;
	const uint32_t attach[] = {HEADER(ATTACH), 1, N};
	ck_assert_uint_eq(SEND(HEADER(CREATE), 1, 2, W, H), GPU_OK);
	ck_assert_uint_eq(SEND(HEADER(CREATE), 2, 2, 4, 4), GPU_OK);
	for (unsigned i = 0; i < N; i++) {
		const uint32_t e[] = {BACKING, 0, 16384, 0};
		memcpy(drv_mem(&d, LIST + 16 * i), e, 16);
	}
	memcpy(drv_mem(&d, COMMAND), attach, sizeof(attach));
	drv_desc(&d, 0, COMMAND, sizeof(attach), D_NEXT, 2);
	drv_desc(&d, 2, LIST, 16 * N, D_NEXT, 1);
	drv_desc(&d, 1, ANSWER, ANSWER_LEN, D_WRITE, 0);
	drv_avail(&d, 0);
	drv_kick(&d);
	ck_assert(drv_used(&d, &head, &len));
	const uint32_t all[] = {HEADER(TRANSFER), 0, 0, W, H, 0, 0, 1, 0};
	const uint32_t others[][14] = {{HEADER(TRANSFER), 0, 0, 4, 4, 0, 0, 1, 0}, {HEADER(TRANSFER), 0, 0, 4, 4, 0, 0, 2, 0},
				       {HEADER(TRANSFER), 0, 0, 4, 4, 0, 0, 9, 0}, {HEADER(UNREF), 1, 0}};
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		memcpy(drv_mem(&d, COMMAND), all, sizeof(all));
		drv_desc(&d, 0, COMMAND, sizeof(all), D_NEXT, 1);
		drv_avail(&d, 0);
		drv_kick(&d);
		ck_assert(!drv_used(&d, &head, &len));
		memcpy(drv_mem(&d, COMMAND), others[i], sizeof(others[i]));
		drv_kick(&d);
		ck_assert(drv_used(&d, &head, &len));
		drv_kick(&d);
		ck_assert(!drv_used(&d, &head, &len));
	}
	make(3, 4, 4);
	ck_assert_uint_eq(SEND(HEADER(TRANSFER), 0, 0, 4, 4, 0, 0, 3, 0), GPU_OK);
}
END_TEST

START_TEST(the_vga_is_back_when_nothing_is_shown)
{
	static const uint32_t off[3][12] = {
		{HEADER(SET_SCANOUT), 0, 0, 0, 0, 0, 0}, {HEADER(UNREF), 1, 0, 0, 0, 0, 0}, {0},
	};
	for (unsigned i = 0; i < 3; i++) {
		make(1, 640, 480);
		ck_assert_uint_eq(SEND(HEADER(SET_SCANOUT), 0, 0, 640, 480, 0, 1), GPU_OK);
		ck_assert_uint_eq(display_surface(screen)->width, 640);
		if (i < 2)
			ck_assert_uint_eq(send_len(off[i], i ? 8 : 12, NULL), GPU_OK);
		else
			drv_write(&d, 0x14, 1, 0); /* reset */
		ck_assert_uint_eq(display_surface(screen)->width, 720);
		if (!i)
			ck_assert_uint_eq(SEND(HEADER(UNREF), 1, 0), GPU_OK);
	}
}
END_TEST

START_TEST(the_cursor_has_a_shape_and_a_place)
{
	make(1, 64, 64);
	make(2, 640, 480);
	ck_assert_uint_eq(SEND(HEADER(SET_SCANOUT), 0, 0, 640, 480, 0, 2), GPU_OK);
	pci_put32(drv_mem(&d, BACKING), 0x80402000); /* premultiplied: half of 80 40 00 */
	ck_assert_uint_eq(SEND(HEADER(TRANSFER), 0, 0, 64, 64, 0, 0, 1, 0), GPU_OK);
	told = 0;
	const struct cursor *c = display_cursor(screen);
	/* the cursor queue is like the control queue; use what they share */
	drv_write(&d, 0x16, 2, 1);
	drv_write(&d, 0x18, 2, d.size);
	drv_write(&d, 0x20, 4, DRV_QUEUE_STEP + DRV_DESC);
	drv_write(&d, 0x28, 4, DRV_QUEUE_STEP + DRV_AVAIL);
	drv_write(&d, 0x30, 4, DRV_QUEUE_STEP + DRV_USED);
	drv_write(&d, 0x1c, 2, 1);
	const uint32_t update[] = {HEADER(UPDATE_CURSOR), 0, 30, 40, 0, 1, 3, 4, 0};
	uint8_t *ring = drv_mem(&d, DRV_QUEUE_STEP);
	memcpy(drv_mem(&d, COMMAND), update, sizeof(update));
	pci_put32(ring + DRV_DESC, COMMAND);
	pci_put32(ring + DRV_DESC + 8, sizeof(update));
	pci_put16(ring + DRV_AVAIL + 2, 1);
	drv_write(&d, VIRTIO_BAR_NOTIFY + VIRTIO_NOTIFY_STEP, 2, 1);
	ck_assert_uint_eq(told, DISPLAY_CURSOR_SHAPE | DISPLAY_CURSOR_POS);
	ck_assert(c->defined && c->visible && c->w == 64 && c->hot_x == 3 && c->hot_y == 4 && c->x == 30 &&
		  c->y == 40);
	ck_assert_uint_eq(c->pixels[0], 0x807f3f00);
	ck_assert_uint_eq(c->pixels[1], 0);
	told = 0;
	pci_put32(drv_mem(&d, COMMAND), MOVE_CURSOR);
	pci_put32(drv_mem(&d, COMMAND + 28), 31);
	pci_put16(ring + DRV_AVAIL + 2, 2);
	drv_write(&d, VIRTIO_BAR_NOTIFY + VIRTIO_NOTIFY_STEP, 2, 1);
	ck_assert_uint_eq(told, DISPLAY_CURSOR_POS);
	ck_assert_int_eq(c->x, 31);
}
END_TEST

START_TEST(fences_are_answered)
{
	const uint32_t c[] = {CREATE, 1, 0x55, 0x66, 7, 0, 1, 2, 8, 8};
	ck_assert_uint_eq(send_len(c, ARRAY_SIZE(c), NULL), GPU_OK);
	const uint8_t *a = drv_mem(&d, ANSWER);
	ck_assert_uint_eq(pci_get32(a + 4), 1);
	ck_assert_uint_eq(pci_get32(a + 8), 0x55);
	ck_assert_uint_eq(pci_get32(a + 12), 0x66);
	ck_assert_uint_eq(pci_get32(a + 16), 7);
}
END_TEST

START_TEST(what_no_driver_may_ask_is_refused)
{
	static const struct {
		uint32_t answer;
		unsigned n;
		uint32_t words[14];
	} c[] = {
		{GPU_INVALID_RESOURCE, 10, {HEADER(CREATE), 0, 2, 8, 8}},
		{GPU_INVALID_RESOURCE, 10, {HEADER(CREATE), 1, 2, 8, 8}}, /* is there */
		{GPU_INVALID_PARAMETER, 10, {HEADER(CREATE), 2, 5, 8, 8}},
		{GPU_INVALID_PARAMETER, 10, {HEADER(CREATE), 2, 2, 0, 8}},
		{GPU_INVALID_PARAMETER, 10, {HEADER(CREATE), 2, 2, 0x10000, 0x10000}},
		{GPU_INVALID_PARAMETER, 10, {HEADER(CREATE), 2, 2, 0x80000001, 2}},
		{GPU_OUT_OF_MEMORY, 10, {HEADER(CREATE), 2, 2, 8192, 8192}}, /* with the first it is too much */
		{GPU_INVALID_PARAMETER, 8, {HEADER(CREATE), 2, 2}},
		{GPU_INVALID_RESOURCE, 8, {HEADER(UNREF), 9, 0}},
		{GPU_INVALID_SCANOUT, 12, {HEADER(SET_SCANOUT), 0, 0, 8, 8, 1, 1}},
		{GPU_INVALID_RESOURCE, 12, {HEADER(SET_SCANOUT), 0, 0, 8, 8, 0, 9}},
		{GPU_INVALID_PARAMETER, 12, {HEADER(SET_SCANOUT), 0, 0, 65, 64, 0, 1}},
		{GPU_INVALID_PARAMETER, 12, {HEADER(SET_SCANOUT), 0xffffffff, 0, 2, 2, 0, 1}},
		{GPU_INVALID_PARAMETER, 12, {HEADER(SET_SCANOUT), 0, 0, 0, 0, 0, 1}},
		{GPU_INVALID_PARAMETER, 12, {HEADER(FLUSH), 60, 60, 5, 5, 1, 0}},
		{GPU_INVALID_PARAMETER, 14, {HEADER(TRANSFER), 0, 60, 64, 5, 0, 0, 1, 0}},
		{GPU_INVALID_PARAMETER, 14, {HEADER(TRANSFER), 0, 0, 64, 64, 1, 0, 1, 0}},          /* a byte behind its end */
		{GPU_INVALID_PARAMETER, 14, {HEADER(TRANSFER), 0, 0, 64, 64, 0, 0xffffffff, 1, 0}}, /* far behind it */
		{GPU_UNSPEC, 12, {HEADER(ATTACH), 1, 1, BACKING, 0, 16384, 0}},                     /* has one */
		{GPU_UNSPEC, 6, {HEADER(0x108)}},
		{GPU_UNSPEC, 6, {HEADER(0xffffffff)}},
		{GPU_INVALID_PARAMETER, 3, {GET_DISPLAY_INFO, 0, 0}},
	};
	make(1, 64, 64);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		uint32_t got = send_len(c[i].words, c[i].n, NULL);
		ck_assert_msg(got == c[i].answer, "%zu: %x, not %x", i, got, c[i].answer);
	}
	ck_assert_uint_eq(SEND(HEADER(CREATE), 3, 2, 8, 8), GPU_OK);
	ck_assert_uint_eq(SEND(HEADER(ATTACH), 3, 0xffffffff), GPU_UNSPEC);
	ck_assert_uint_eq(SEND(HEADER(ATTACH), 3, 2, BACKING, 0, 16384, 0), GPU_INVALID_PARAMETER); /* one is missing */
	ck_assert_uint_eq(SEND(HEADER(ATTACH), 3, 1, 0xfffffff0, 0xffffffff, 256, 0), GPU_OK);
	ck_assert_uint_eq(SEND(HEADER(TRANSFER), 0, 0, 8, 8, 0, 0, 3, 0), GPU_INVALID_PARAMETER); /* not in memory */
	ck_assert_uint_eq(SEND(HEADER(DETACH), 3, 0), GPU_OK);
	ck_assert_uint_eq(SEND(HEADER(DETACH), 3, 0), GPU_UNSPEC);
	ck_assert_uint_eq(SEND(HEADER(TRANSFER), 0, 0, 8, 8, 0, 0, 3, 0), GPU_UNSPEC);
}
END_TEST

START_TEST(resources_are_bounded_and_come_back)
{
	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 1; i <= GPU_RESOURCES_MAX; i++)
			ck_assert_uint_eq(SEND(HEADER(CREATE), i, 2, 1, 1), GPU_OK);
		ck_assert_uint_eq(SEND(HEADER(CREATE), 9999, 2, 1, 1), GPU_OUT_OF_MEMORY);
		for (uint32_t i = 1; i <= GPU_RESOURCES_MAX; i++) {
			uint32_t want = i <= GPU_SHARED_MAX ? GPU_OK : GPU_OUT_OF_MEMORY;
			ck_assert_uint_eq(SEND(HEADER(SET_SCANOUT), 0, 0, 1, 1, 0, i), want);
		}
		for (uint32_t i = 1; i <= GPU_RESOURCES_MAX; i++)
			ck_assert_uint_eq(SEND(HEADER(UNREF), i, 0), GPU_OK);
	}
	ck_assert_uint_eq(SEND(HEADER(CREATE), 1, 2, 8192, 8192), GPU_OK);
}
END_TEST

START_TEST(the_vga_answers_in_the_same_function)
{
	ck_assert_uint_eq(pci_get32(d.pci->config), 0x10501af4);
	ck_assert_uint_eq(pci_get32(d.pci->config + 8) >> 8, 0x030000);
	vmm_out(t, 0x1ce, 2, 0);
	ck_assert_uint_eq(vmm_in(t, 0x1cf, 2), 0xb0c5);
	uint64_t edid = 0;
	bus_access(&t->m.mmio, d.pci->bars[2].mapped, &edid, 8, false);
	ck_assert_uint_eq(edid, 0x00ffffffffffff00ull);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virtio_gpu");
	TCase *c = tcase_create("virtio_gpu");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, display_info_and_edid_are_the_monitors);
	tcase_add_test(c, a_wish_is_an_event_until_the_driver_has_cleared_it);
	tcase_add_test(c, a_long_transfer_goes_on_in_the_next_turn);
	tcase_add_test(c, a_transfer_that_changes_its_mind_is_survived);
	tcase_add_test(c, what_is_transferred_is_shown_and_flushed_is_told);
	tcase_add_test(c, a_part_of_a_resource_can_be_the_screen);
	tcase_add_test(c, backing_may_lie_in_many_pieces_and_any_byte_order);
	tcase_add_test(c, the_vga_is_back_when_nothing_is_shown);
	tcase_add_test(c, the_cursor_has_a_shape_and_a_place);
	tcase_add_test(c, fences_are_answered);
	tcase_add_test(c, what_no_driver_may_ask_is_refused);
	tcase_add_test(c, resources_are_bounded_and_come_back);
	tcase_add_test(c, the_vga_answers_in_the_same_function);
	suite_add_tcase(s, c);
	return test_main(s);
}
