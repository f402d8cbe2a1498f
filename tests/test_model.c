/* Names, states, actions, sizes, editing of documents, and the rates that two samples give. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "src/base/str.h"
#include "src/model/cpu_models.h"
#include "src/model/domain.h"
#include "src/model/state.h"
#include "src/model/stats.h"
#include "src/model/xml.h"
#include "tests/testlib.h"

START_TEST(media_change_in_the_text_of_a_domain)
{
	static const char before[] =
	    "<domain type='kvm'>\n  <devices>\n    <!-- mine -->\n    <disk type='file' device='cdrom'>\n"
	    "      <driver name='qemu' type='raw'/>\n      <source file='/a.iso' startupPolicy='optional'/>\n"
	    "      <target dev='hdc' bus='ide'/>\n    </disk>\n  </devices>\n</domain>\n";
	struct err e = {0};
	AUTO_FREE char *empty = NULL, *full = NULL, *block = NULL, *none = NULL;
	struct domain_medium eject = {.tray_open = true}, file = {.path = "/b&c.iso"},
			     dev = {"/dev/sr0", DISK_BLOCK, false};
	ck_assert_msg(!domain_text_medium(before, "x", "hdc", &eject, &empty, &e), "%s", e.msg);
	ck_assert_ptr_null(strstr(empty, "<source"));
	ck_assert_ptr_nonnull(strstr(empty, "tray='open'"));
	ck_assert_ptr_nonnull(strstr(empty, "<!-- mine -->"));
	ck_assert_int_eq(domain_text_medium(empty, "x", "hdc", &file, &full, &e), 0);
	ck_assert_ptr_nonnull(
	    strstr(full, "raw'/>\n      <source file='/b&amp;c.iso'/>\n      <target dev='hdc' bus='ide'/>"));
	ck_assert_int_eq(domain_text_medium(before, "x", "hdc", &dev, &block, &e), 0);
	ck_assert_ptr_nonnull(strstr(block, "<disk type='block' device"));
	ck_assert_ptr_nonnull(strstr(block, "<source startupPolicy='optional' dev='/dev/sr0'/>"));
	ck_assert_int_eq(domain_text_medium(before, "x", "hdd", &file, &none, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, "hdd"));
	ck_assert_int_eq(domain_text_without_disk(before, "x", "hdc", &none, &e), 0);
	ck_assert_str_eq(none,
			 "<domain type='kvm'>\n  <devices>\n    <!-- mine -->\n  </devices>\n</domain>\n");
}
END_TEST

START_TEST(names_that_a_new_domain_may_have)
{
	static const struct {
		const char *name, *why; /* NULL: it may */
	} cases[] = {
		{"web1", NULL},
		{"Windows 10", NULL},
		{"web:1", NULL},
		{"a.b-c", NULL},
		{"m\xc3\xa1quina", NULL},
		{"\xe6\xa9\x9f\xe6\xa2\xb0", NULL},
		{".hid", "begins with '.'"},
		{"-x", "begins with '-'"},
		{"--all", "begins with '-'"},
		{"we\xe2\x80\xae""b1", "U+202E"},
		{"web1\xe2\x80\x8b", "U+200B"},
		{"we\xc2\xad""b1", "U+00AD"},
		{"\xef\xbb\xbfweb1", "U+FEFF"},
		{"web\xe2\x80\xa8""1", "U+2028"},
		{"web\xe2\x80\xa9""1", "U+2029"},
		{"web\xf3\xa0\x81\x81", "U+E0041"},
		{"web\xff""1", "not UTF-8"},
		{"web/1", "'/'"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {0};
		int rc = domain_new_name_check(cases[i].name, &e);
		ck_assert_msg(rc == (cases[i].why ? -EINVAL : 0), "case %zu: %s", i, e.msg);
		ck_assert_msg(!cases[i].why || strstr(e.msg, cases[i].why), "case %zu: %s", i, e.msg);
	}
	char out[64];
	ck_assert_str_eq(str_printable("a\xe2\x80\xae""b\xc3\xa9", out, sizeof(out)), "a?b\xc3\xa9");
}
END_TEST

START_TEST(names_that_are_taken_and_not)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
		{"web1", true},
		{"Windows 11 (test)", true},
		{"n\xc3\xa4me", true},
		{"...", true},
		{"-x", true},
		{"", false},
		{".", false},
		{"..", false},
		{"a/b", false},
		{"/", false},
		{"a\tb", false},
		{"a\x7f", false},
		{"a\xc2\x85", false}, /* U+0085, next line */
		{"a\xc2\xa0", true},  /* U+00A0 is none */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {0};
		int rc = domain_name_check(cases[i].name, &e);
		ck_assert_msg(rc == (cases[i].good ? 0 : -EINVAL), "'%s'", cases[i].name);
		ck_assert_msg(cases[i].good || e.msg[0], "no sentence for '%s'", cases[i].name);
	}
	char longest[DOMAIN_NAME_MAX + 2];
	memset(longest, 'x', sizeof(longest));
	longest[DOMAIN_NAME_MAX + 1] = 0;
	ck_assert_int_eq(domain_name_check(longest, NULL), -EINVAL);
	longest[DOMAIN_NAME_MAX] = 0;
	ck_assert_int_eq(domain_name_check(longest, NULL), 0);
	ck_assert_int_eq(domain_name_check(NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(units_are_libvirts)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} cases[] = {
		{NULL, 1024},
		{"b", 1},
		{"Bytes", 1},
		{"byte", 1},
		{"KB", 1000},
		{"k", 1024},
		{"kib", 1024},
		{"MB", 1000000},
		{"m", 1 << 20},
		{"GiB", 1 << 30},
		{"TB", 1000000000000},
		{"T", 1ull << 40},
		{"PiB", 1ull << 50},
		{"EB", 1000000000000000000},
		{"e", 1ull << 60},
		{"ZB", 0},
		{"Ki", 0},
		{"MiBs", 0},
		{" k", 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_msg(fmt_unit_bytes(cases[i].unit) == cases[i].bytes, "'%s'", cases[i].unit);
}
END_TEST

/* A domain whose <memory> and what stands beside it is @memory. */
static struct domain *with(const char *memory, struct err *e)
{
	struct domain *d = NULL;
	AUTO_FREE char *text =
	    x_asprintf("<domain type='kvm'><name>a</name>%s<os><type>hvm</type></os></domain>", memory);
	domain_parse(text, strlen(text), "test", &d, e);
	return d;
}

START_TEST(memory_is_rounded_as_libvirt_reads_and_we_build_it)
{
	static const struct {
		const char *xml;
		uint64_t memory, current; /* 0: refused */
	} cases[] = {
		{"<memory>65536</memory>", 64 << 20, 64 << 20},
		{"<memory unit='b'>4194304</memory>", 4 << 20, 4 << 20},
		{"<memory unit='b'>4194303</memory>", 0, 0},
		{"<memory unit='b'>4194305</memory>", 5 << 20, 4195328},
		{"<memory unit='MB'>64</memory>", 62ull << 20, 64000000},
		{"<memory> 65536 </memory>", 64 << 20, 64 << 20},
		{"<memory unit='MiB'>64</memory><currentMemory unit='MiB'>32</currentMemory>",
		 64 << 20, 32 << 20},
		{"<memory unit='MiB'>64</memory><currentMemory unit='MiB'>67</currentMemory>",
		 64 << 20, 64 << 20},
		{"<memory unit='MiB'>64</memory><currentMemory unit='MiB'>68</currentMemory>", 0, 0},
		{"<memory unit='TiB'>64</memory>", 64ull << 40, 64ull << 40},
		{"<memory unit='EiB'>15</memory>", 0, 0},
		{"<memory unit='EiB'>16</memory>", 0, 0},
		{"<memory>18446744073709551616</memory>", 0, 0},
		{"<memory>-1</memory>", 0, 0},
		{"<memory>1e9</memory>", 0, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {0};
		struct domain *d = with(cases[i].xml, &e);
		ck_assert_msg(!d == !cases[i].memory, "%s: %s", cases[i].xml, e.msg);
		ck_assert_msg(!d || d->memory_bytes == cases[i].memory, "%s: %lu", cases[i].xml,
		              (long)d->memory_bytes);
		ck_assert_msg(!d || d->current_bytes == cases[i].current, "%s: %lu", cases[i].xml,
		              (long)d->current_bytes);
		domain_free(d);
	}
}
END_TEST

START_TEST(a_domain_is_read_into_every_field)
{
	struct domain *d = NULL;
	struct err e = {0};
	ck_assert_msg(!domain_load("tests/xml/pass/dumpxml-running-pc.xml", &d, &e), "%s", e.msg);
	ck_assert_str_eq(d->name, "build box");
	ck_assert_str_eq(d->uuid, "0b4a1c3e-9f0d-4e52-8c57-d1e6a2a7f001");
	ck_assert_str_eq(d->title, "The build box & more");
	ck_assert_str_eq(d->description, "Line one\nLine <two>");
	ck_assert_uint_eq(d->memory_bytes, 4ull << 30);
	ck_assert_uint_eq(d->current_bytes, 2ull << 30);
	ck_assert(d->hugepages && d->nosharepages && d->acpi && d->apic);
	ck_assert_uint_eq(d->vcpus, 2);
	ck_assert_uint_eq(d->max_vcpus, 8);
	ck_assert_str_eq(d->machine, "pc");
	ck_assert_str_eq(d->kernel, "/boot/vmlinuz-6.1.0-18-cloud-amd64");
	ck_assert_str_eq(d->cmdline, "root=/dev/vda1 ro console=ttyS0 quiet");
	ck_assert_int_eq(d->cpu_mode, CPU_CUSTOM);
	ck_assert_str_eq(d->cpu_model->name, "Cascadelake-Server");
	ck_assert(d->cpu_check == CPU_CHECK_FULL && d->cpu_match == CPU_MATCH_EXACT);
	ck_assert_str_eq(d->cpu_vendor, "GenuineIntel");
	ck_assert(d->sockets == 2 && d->dies == 1 && d->cores == 2 && d->threads == 2);
	ck_assert_uint_eq(d->ncpu_features, 5);
	ck_assert(str_eq(d->cpu_features[1].name, "vmx") && d->cpu_features[1].policy == CPU_REQUIRE);
	ck_assert(str_eq(d->cpu_features[4].name, "rtm") && d->cpu_features[4].policy == CPU_FORBID);
	ck_assert(!d->clock.localtime && d->clock.adjustment == -3600);
	ck_assert_int_eq(d->on_crash, DOMAIN_ACTION_COREDUMP_RESTART);
	ck_assert_uint_eq(d->ndisks, 2);
	const struct domain_disk *k = &d->disks[0];
	ck_assert(k->cache == DISK_CACHE_NONE && k->discard && k->queues == 2 && k->boot_order == 1);
	ck_assert(!k->readonly && !k->shareable);
	ck_assert_str_eq(k->serial, "BUILD-ROOT-000000001");
	ck_assert(k->addr.set && k->addr.slot == 5);
	k = &d->disks[1];
	ck_assert(k->type == DISK_BLOCK && k->cache == DISK_CACHE_DIRECTSYNC && k->readonly && k->shareable);
	ck_assert_uint_eq(d->nserials, 2);
	ck_assert_str_eq(d->serials[0].log_file, "/var/log/build.console");
	ck_assert(d->serials[1].port == 1 && !d->serials[1].log_file);
	ck_assert_uint_eq(d->nrngs, 1);
	ck_assert(str_eq(d->rngs[0].backend, "/dev/random") && d->rngs[0].rate_bytes == 1024);
	ck_assert_uint_eq(d->rngs[0].rate_period_ms, 2000);
	ck_assert_int_eq(domain_startable(d, NULL), 0);
	domain_free(d);
	domain_free(NULL);
}
END_TEST

START_TEST(console_alone_makes_a_serial_port)
{
	struct domain *d = NULL;
	ck_assert(!domain_load("tests/xml/pass/console-alone.xml", &d, NULL));
	ck_assert(d->nserials == 1 && d->serials[0].port == 0);
	ck_assert(d->clock.localtime && d->on_crash == DOMAIN_ACTION_PRESERVE);
	ck_assert_uint_eq(d->ndisks, 2);
	ck_assert_str_eq(d->disks[0].source, "/srv/a'b\"<c>.img");
	ck_assert(d->disks[1].device == DISK_DEVICE_CDROM && d->disks[1].readonly && !d->disks[1].source);
	domain_free(d);
}
END_TEST

START_TEST(a_missing_file_is_said)
{
	struct domain *d = NULL;
	struct err e = {0};
	ck_assert_int_eq(domain_load("/nonexistent/a.xml", &d, &e), -ENOENT);
	ck_assert_ptr_ne(strstr(e.msg, "/nonexistent/a.xml"), NULL);
	ck_assert_ptr_eq(d, NULL);
}
END_TEST

START_TEST(xml_larger_than_the_limit_is_refused)
{
	size_t n = XML_SIZE_MAX + 1;
	AUTO_FREE char *text = x_malloc(n);
	memset(text, ' ', n);
	struct xml *x = NULL;
	struct err e = {0};
	ck_assert_int_eq(xml_parse(text, n, "big", &x, &e), -EINVAL);
	ck_assert_ptr_ne(strstr(e.msg, "too large"), NULL);
	ck_assert_int_eq(xml_parse(text, n - 1, "blank", &x, &e), -EINVAL);
}
END_TEST

START_TEST(text_with_a_zero_byte_is_refused)
{
	static const char text[] = "<a>b\0c</a>";
	struct xml *x = NULL;
	ck_assert_int_eq(xml_parse(text, sizeof(text) - 1, "zero", &x, NULL), -EINVAL);
}
END_TEST

START_TEST(what_is_added_is_indented_as_its_neighbours)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{"<a/>", "<a><n>v</n></a>\n"},
		{"<a><b/></a>", "<a><b/><n>v</n></a>\n"},
		{"<a>\n  <b/>\n</a>", "<a>\n  <b/>\n  <n>v</n>\n</a>\n"},
		{"<a>\n\t<b/>\n\n\t<!-- c -->\n</a>", "<a>\n\t<b/>\n\t<n>v</n>\n\n\t<!-- c -->\n</a>\n"},
		{"<!-- x --><a>\n</a>", "<!-- x -->\n<a><n>v</n></a>\n"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct xml *x = NULL;
		ck_assert(!xml_parse(cases[i].before, strlen(cases[i].before), "t", &x, NULL));
		xml_add(xml_root(x), NULL, "n", "v");
		AUTO_FREE char *text = xml_text(x);
		ck_assert_str_eq(text, cases[i].after);
		xml_free(x);
	}
}
END_TEST

START_TEST(values_are_escaped_so_that_they_read_back)
{
	struct xml *x = NULL, *y = NULL;
	ck_assert(!xml_parse("<a/>", 4, "t", &x, NULL));
	const char *nasty = "'\"<>&\t\n\r]]> \xc3\xa4";
	xml_set_attr(xml_root(x), "v", nasty);
	xml_add(xml_root(x), NULL, "n", nasty);
	AUTO_FREE char *text = xml_text(x);
	ck_assert(!xml_parse(text, strlen(text), "t", &y, NULL));
	ck_assert_str_eq(xml_attr(xml_root(y), "v"), nasty);
	AUTO_FREE char *content = xml_content(xml_first(xml_root(y), "n"));
	ck_assert_str_eq(content, nasty);
	xml_free(x);
	xml_free(y);
}
END_TEST

START_TEST(what_is_added_to_an_empty_element_is_one_level_deeper)
{
	struct xml *x = NULL;
	const char *before = "<a>\n    <b/>\n</a>";
	ck_assert(!xml_parse(before, strlen(before), "t", &x, NULL));
	xml_add(xml_first(xml_root(x), "b"), NULL, "n", NULL);
	AUTO_FREE char *text = xml_text(x);
	ck_assert_str_eq(text, "<a>\n    <b>\n      <n/>\n    </b>\n</a>\n");
	xml_free(x);
}
END_TEST

#define RNG "<rng model='virtio'><backend model='builtin'/><!-- %u --></rng>"

START_TEST(too_many_of_anything_is_refused_or_counted)
{
	static const struct {
		const char *head, *each, *tail; /* %u is a number in  */
		unsigned n;
		const char *says; /* an error, or NULL: taken with few notes */
	} cases[] = {
		{"", "<x%u/>", "", 1000, NULL},
		{"<devices>", RNG, "</devices>", 29, NULL},
		{"<devices>", RNG, "</devices>", 30, "no place left"},
		{"<devices>", "<disk><source file='/a'/><target dev='vd%u'/></disk>", "</devices>", 257,
	         "too many"},
		{"<devices>", "<disk device='floppy'><target dev='fd%u'/></disk>", "</devices>", 256,
	         NULL},
		{"<devices>", "<panic><address type='pci' domain='%u' bus='1'/></panic>", "</devices>", 1025,
	         "more than 1024"},
		{"<cpu>", "<feature name='f%u'/>", "</cpu>", 513, "more than 512"},
		{"<devices><disk><source file='/", "a%u", "'/><target dev='vda'/></disk></devices>", 3000,
	         "at most 4095"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf AUTO_BUF b = {0};
		buf_printf(&b, "<memory>65536</memory>%s", cases[i].head);
		for (unsigned k = 0; k < cases[i].n; k++) {
			const char *hole = strstr(cases[i].each, "%u");
			buf_add(&b, cases[i].each, (size_t)(hole - cases[i].each));
			buf_printf(&b, "%u%s", k, hole + 2);
		}
		buf_puts(&b, cases[i].tail);
		struct err e = {0};
		struct domain *d = with(buf_text(&b), &e);
		ck_assert_msg(!d == !!cases[i].says, "case %zu: %s", i, e.msg);
		ck_assert_msg(d || strstr(e.msg, cases[i].says), "case %zu: %s", i, e.msg);
		ck_assert_msg(!d || d->nnotes < 300, "case %zu: %zu notes", i, d ? d->nnotes : 0);
		domain_free(d);
	}
}
END_TEST

START_TEST(states_reasons_and_actions_have_words)
{
	for (int s = DOMAIN_SHUTOFF; s <= DOMAIN_CRASHED; s <<= 1)
		ck_assert_int_eq(domain_state_parse(domain_state_text((enum domain_state)s)), s);
	ck_assert_int_eq(domain_state_parse("no state"), 0);
	for (int r = 0; r < DOMAIN_REASON_COUNT; r++)
		ck_assert_int_eq(domain_reason_parse(domain_reason_text((enum domain_reason)r)), r);
	ck_assert_int_eq(domain_reason_parse("nonsense"), DOMAIN_REASON_UNKNOWN);
	ck_assert_str_eq(domain_action_text(DOMAIN_ACTION_DESTROY), "destroy");
	ck_assert_str_eq(domain_action_text(DOMAIN_ACTION_COREDUMP_RESTART), "coredump-restart");
	ck_assert_str_eq(domain_action_text((enum domain_action)99), "destroy");
}
END_TEST

#define ID "3fd1ae2c-5d4a-4a0b-9d3e-7f2b6f0c1a55"
#define SECOND 1000000000ll

static struct sample_domain guest(uint64_t cpu_ns, uint64_t rd_bytes)
{
	struct sample_domain d = {.uuid = ID,
	                          .id = 3,
	                          .state = DOMAIN_RUNNING,
	                          .started_ms = 1000,
	                          .valid = true,
	                          .cpu_ns = cpu_ns,
	                          .exits = 100,
	                          .ndisks = 2};
	d.disks[0].rd_bytes = rd_bytes;
	d.disks[1].rd_bytes = rd_bytes;
	return d;
}

static struct sample sample(int64_t time_ns, struct sample_domain *d)
{
	return (struct sample){.time_ns = time_ns, .domains = d, .ndomains = d ? 1 : 0};
}

START_TEST(rates_come_from_the_measured_interval)
{
	struct sample_domain a = guest(5 * SECOND, 1000), b = guest(10 * SECOND, 3000);
	struct sample was = sample(100 * SECOND, &a), now = sample(102 * SECOND, &b);
	struct domain_rates r = domain_rates(&was, &now, ID);
	ck_assert_int_eq(r.cpu.quality, STAT_DATA);
	ck_assert_double_eq_tol(r.cpu.value, 250, 1e-6);
	ck_assert_double_eq_tol(r.rd_bytes.value, 2000, 1e-6); /* both disks */
	ck_assert_int_eq(r.exits.quality, STAT_DATA);
	ck_assert_double_eq_tol(r.exits.value, 0, 1e-9);
}
END_TEST

/* What is done to the second of two good samples, and the quality of the CPU rate then. */
static void no_change(struct sample *was, struct sample *now, struct sample_domain *b)
{
}
static void restarted(struct sample *was, struct sample *now, struct sample_domain *b)
{
	b->started_ms++;
}
static void backwards(struct sample *was, struct sample *now, struct sample_domain *b)
{
	b->cpu_ns = 1;
}
static void same_moment(struct sample *was, struct sample *now, struct sample_domain *b)
{
	now->time_ns = was->time_ns;
}
static void unread(struct sample *was, struct sample *now, struct sample_domain *b)
{
	b->valid = false;
}
static void off(struct sample *was, struct sample *now, struct sample_domain *b)
{
	b->state = DOMAIN_SHUTOFF;
}
static void paused(struct sample *was, struct sample *now, struct sample_domain *b)
{
	b->state = DOMAIN_PAUSED;
}
static void gone(struct sample *was, struct sample *now, struct sample_domain *b)
{
	now->ndomains = 0;
}
static void was_not_there(struct sample *was, struct sample *now, struct sample_domain *b)
{
	was->ndomains = 0;
}
static void was_unread(struct sample *was, struct sample *now, struct sample_domain *b)
{
	was->domains[0].valid = false;
}

START_TEST(each_rate_says_what_it_is_worth)
{
	static const struct {
		void (*change)(struct sample *, struct sample *, struct sample_domain *);
		enum stat_quality quality;
	} cases[] = {
		{no_change, STAT_DATA},     {restarted, STAT_INIT},  {backwards, STAT_INIT},
		{same_moment, STAT_INIT},   {unread, STAT_STALE},    {off, STAT_NODATA},
		{paused, STAT_DATA},        {gone, STAT_NODATA},     {was_not_there, STAT_INIT},
		{was_unread, STAT_INIT},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sample_domain a = guest(5 * SECOND, 0), b = guest(6 * SECOND, 0);
		struct sample was = sample(SECOND, &a), now = sample(2 * SECOND, &b);
		cases[i].change(&was, &now, &b);
		struct domain_rates r = domain_rates(&was, &now, ID);
		ck_assert_msg(r.cpu.quality == cases[i].quality, "case %zu: %d", i, r.cpu.quality);
		ck_assert_msg(r.cpu.quality == STAT_DATA || r.cpu.value == 0, "case %zu", i);
	}
	struct sample_domain b = guest(1, 1);
	struct sample now = sample(SECOND, &b);
	ck_assert_int_eq(domain_rates(NULL, &now, ID).cpu.quality, STAT_INIT);
	ck_assert_int_eq(domain_rates(NULL, &now, "other").cpu.quality, STAT_NODATA);
}
END_TEST

START_TEST(a_plugged_disk_gives_no_rate_for_one_sample)
{
	struct sample_domain a = guest(5 * SECOND, 0), b = guest(6 * SECOND, 1000);
	struct sample was = sample(SECOND, &a), now = sample(2 * SECOND, &b);
	b.ndisks = 1;
	struct domain_rates r = domain_rates(&was, &now, ID);
	ck_assert_int_eq(r.rd_bytes.quality, STAT_INIT);
	ck_assert_int_eq(r.cpu.quality, STAT_DATA);
}
END_TEST

START_TEST(host_cpu_is_a_share_of_all)
{
	struct sample was = {.host_busy_ns = 10, .host_total_ns = 100};
	struct sample now = {.host_busy_ns = 35, .host_total_ns = 200};
	ck_assert_double_eq_tol(host_rates(&was, &now).cpu.value, 25, 1e-9);
	ck_assert_int_eq(host_rates(NULL, &now).cpu.quality, STAT_INIT);
	ck_assert_int_eq(host_rates(&now, &was).cpu.quality, STAT_INIT);
	ck_assert_int_eq(host_rates(&was, &(struct sample){0}).cpu.quality, STAT_NODATA);
}
END_TEST

START_TEST(a_sample_is_freed_and_searched)
{
	struct sample s = {.domains = x_calloc(2, sizeof(*s.domains)), .ndomains = 2};
	strcpy(s.domains[1].uuid, ID);
	ck_assert_ptr_eq(sample_find(&s, ID), &s.domains[1]);
	ck_assert_ptr_eq(sample_find(&s, "x"), NULL);
	ck_assert_ptr_eq(sample_find(NULL, ID), NULL);
	sample_done(&s);
	ck_assert_uint_eq(s.ndomains, 0);
	sample_done(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("model");
	TCase *t = tcase_create("model");
	tcase_add_test(t, names_that_a_new_domain_may_have);
	tcase_add_test(t, names_that_are_taken_and_not);
	tcase_add_test(t, media_change_in_the_text_of_a_domain);
	tcase_add_test(t, units_are_libvirts);
	tcase_add_test(t, memory_is_rounded_as_libvirt_reads_and_we_build_it);
	tcase_add_test(t, a_domain_is_read_into_every_field);
	tcase_add_test(t, console_alone_makes_a_serial_port);
	tcase_add_test(t, a_missing_file_is_said);
	tcase_add_test(t, xml_larger_than_the_limit_is_refused);
	tcase_add_test(t, text_with_a_zero_byte_is_refused);
	tcase_add_test(t, what_is_added_is_indented_as_its_neighbours);
	tcase_add_test(t, values_are_escaped_so_that_they_read_back);
	tcase_add_test(t, what_is_added_to_an_empty_element_is_one_level_deeper);
	tcase_add_test(t, too_many_of_anything_is_refused_or_counted);
	tcase_add_test(t, states_reasons_and_actions_have_words);
	tcase_add_test(t, rates_come_from_the_measured_interval);
	tcase_add_test(t, each_rate_says_what_it_is_worth);
	tcase_add_test(t, a_plugged_disk_gives_no_rate_for_one_sample);
	tcase_add_test(t, host_cpu_is_a_share_of_all);
	tcase_add_test(t, a_sample_is_freed_and_searched);
	suite_add_tcase(s, t);
	return test_main(s);
}
