/* What a guest may take of its host: from the XML to the values, and into a folder that stands for a cgroup. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/local/limits.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "tests/testlib.h"

static struct err e;

static struct domain *domain_with(const char *xml)
{
	struct domain *d = NULL;
	AUTO_FREE char *text = x_asprintf("<domain type='kvm'><name>a</name><memory unit='MiB'>1024</memory>"
					  "<vcpu>2</vcpu>%s<os><type>hvm</type></os></domain>", xml);
	ck_assert_msg(domain_parse(text, strlen(text), "x", &d, &e) == 0, "%s: %s", xml, e.msg);
	return d;
}

/* "file=text property=value" of all but those that go by the size. */
static char *told(const struct limits *lim, bool all)
{
	AUTO_BUF struct buf b = {0};
	for (size_t i = 0; i < lim->n; i++) {
		const struct limit *l = &lim->of[i];
		if (!all && !l->element)
			continue;
		buf_printf(&b, "%s%s=%lld %s=%s", b.len ? "; " : "", l->property, (long long)l->value,
			   l->file ? l->file : "-", l->text);
	}
	return buf_take(&b);
}

static const struct {
	const char *xml, *want;
} values[] = {
    {"", ""},
    {"<memtune><hard_limit unit='MiB'>2048</hard_limit></memtune>", "MemoryMax=2147483648 memory.max=2147483648"},
    {"<memtune><hard_limit>9007199254740991</hard_limit></memtune>", "MemoryMax=-1 memory.max=max"},
    {"<memtune><soft_limit>1024</soft_limit></memtune>", "MemoryHigh=1048576 memory.high=1048576"},
    {"<memtune><hard_limit unit='b'>2000000</hard_limit><swap_hard_limit unit='b'>3000000</swap_hard_limit></memtune>",
     "MemoryMax=2000000 memory.max=2000000; MemorySwapMax=1000000 memory.swap.max=1000000"},
    {"<memtune><hard_limit unit='b'>2000000</hard_limit><swap_hard_limit unit='b'>1000000</swap_hard_limit></memtune>",
     "MemoryMax=1000000 memory.max=1000000; MemorySwapMax=0 memory.swap.max=0"},
    {"<cputune><shares>2048</shares></cputune>", "CPUWeight=2048 cpu.weight=2048"},
    {"<cputune><shares>262144</shares></cputune>", "CPUWeight=10000 cpu.weight=10000"},
    {"<cputune><quota>-1</quota><global_quota>-1</global_quota></cputune>", ""},
    /* a vCPU's half of a CPU is one CPU of two vCPUs */
    {"<cputune><quota>50000</quota></cputune>",
     "CPUQuotaPerSecUSec=1000000 cpu.max=100000 100000; CPUQuotaPeriodUSec=100000 -=100000"},
    {"<cputune><global_period>20000</global_period><global_quota>5000</global_quota></cputune>",
     "CPUQuotaPerSecUSec=250000 cpu.max=5000 20000; CPUQuotaPeriodUSec=20000 -=20000"},
    {"<cputune><period>10000</period><quota>1000</quota><global_quota>50000</global_quota></cputune>",
     "CPUQuotaPerSecUSec=200000 cpu.max=2000 10000; CPUQuotaPeriodUSec=10000 -=10000"},
    {"<blkiotune><weight>500</weight></blkiotune>", "IOWeight=500 io.weight=500"},
    /* as OpenNebula writes them: sections of their own */
    {"<cputune><shares>10</shares></cputune><cputune><quota>50000</quota></cputune>",
     "CPUWeight=10 cpu.weight=10; CPUQuotaPerSecUSec=1000000 cpu.max=100000 100000; "
     "CPUQuotaPeriodUSec=100000 -=100000"},
};

START_TEST(what_the_xml_asks_for_becomes_values)
{
	struct domain *d = domain_with(values[_i].xml);
	struct limits lim;
	limits_of(d, 0, &lim);
	AUTO_FREE char *got = told(&lim, false);
	ck_assert_str_eq(got, values[_i].want);
	domain_free(d);
}
END_TEST

START_TEST(without_a_word_the_size_decides)
{
	struct domain *d = domain_with("");
	struct limits lim, more;
	limits_of(d, 0, &lim);
	ck_assert_str_eq(lim.of[0].file, "memory.max");
	ck_assert_uint_ge(lim.of[0].value, (1024u + 512u) << 20);
	ck_assert_uint_le(lim.of[0].value, (uint64_t)2048 << 20);
	ck_assert_str_eq(lim.of[1].file, "pids.max");
	ck_assert_uint_ge(lim.of[1].value, 2 + 64);
	limits_of(d, 12345, &more); /* images on a tmpfs */
	ck_assert_uint_eq(more.of[0].value, lim.of[0].value + 12345);
	domain_free(d);
}
END_TEST

static const struct {
	const char *xml, *words;
} refused[] = {
    {"<cputune><shares>x</shares></cputune>", "cputune/shares"},
    {"<cputune><period>999</period></cputune>", "'999' is not allowed: 0, or from 1000"},
    {"<cputune><quota>-x</quota></cputune>", "'-x' is not allowed"},
    {"<cputune><global_quota>17</global_quota></cputune>", "cputune/global_quota"},
    {"<memtune><hard_limit unit='cubits'>1</hard_limit></memtune>", "memtune/hard_limit"},
    {"<blkiotune><weight>10001</weight></blkiotune>", "blkiotune/weight"},
    {"<resource><partition>machine</partition></resource>", "'machine' is not allowed: a path"},
    {"<resource><partition>/a/../b</partition></resource>", "'/a/../b' is not allowed"},
};

START_TEST(what_cannot_be_meant_is_refused)
{
	struct domain *d = NULL;
	AUTO_FREE char *text = x_asprintf("<domain type='kvm'><name>a</name><memory>1048576</memory>%s"
					  "<os><type>hvm</type></os></domain>", refused[_i].xml);
	ck_assert_int_eq(domain_parse(text, strlen(text), "x", &d, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, refused[_i].words) != NULL, "%s", e.msg);
}
END_TEST

START_TEST(a_partition_is_a_slice)
{
	AUTO_FREE char *one = limits_slice("/machine"), *two = limits_slice("/machine/a-b");
	ck_assert_str_eq(one, "machine.slice");
	ck_assert_str_eq(two, "machine-a\\x2db.slice");
}
END_TEST

static void make(const char *dir, const char *file)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", dir, file);
	ck_assert_int_eq(file_replace(path, "", 0, 0644, &e), 0);
}

static void has(const char *dir, const char *file, const char *want)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", dir, file), *text = NULL;
	ck_assert_int_eq(file_read(path, 4096, &text, NULL, &e), 0);
	ck_assert_str_eq(text, want);
}

static const char TUNED[] = "<memtune><soft_limit unit='b'>1048576</soft_limit></memtune>"
			    "<cputune><quota>50000</quota></cputune><blkiotune><weight>500</weight></blkiotune>";

START_TEST(limits_are_written_and_what_is_missing_is_told)
{
	char root[] = "/tmp/test_limits.XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(root));
	AUTO_FREE char *dir = x_asprintf("%s/vm", root);
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	make(root, "cgroup.procs");
	make(root, "cgroup.subtree_control");
	static const char *const files[] = {"cgroup.procs", "memory.max", "memory.high", "pids.max", "cpu.max"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		make(dir, files[i]);
	struct domain *d = domain_with(TUNED);
	struct limits lim;
	AUTO_BUF struct buf notes = {0};
	limits_of(d, 0, &lim);
	AUTO_FREE char *made = limits_enter(&lim, root, "", "vm", 4242);
	ck_assert_ptr_nonnull(made);
	ck_assert_str_eq(made, dir);
	has(dir, "cgroup.procs", "4242");
	has(dir, "memory.high", "1048576");
	has(dir, "cpu.max", "100000 100000");
	has(dir, "pids.max", lim.of[2].text);
	limits_warn(&lim, &notes);
	ck_assert_str_eq(buf_text(&notes), "warning: blkiotune/weight is not enforced: this host gives no cgroup with "
					   "io.weight\n");
	AUTO_FREE char *cmd = x_asprintf("rm -r '%s'", root);
	ck_assert_int_eq(system(cmd), 0);
	domain_free(d);
}
END_TEST

START_TEST(without_a_cgroup_only_what_was_asked_for_is_told)
{
	AUTO_BUF struct buf notes = {0};
	struct domain *plain = domain_with(""), *d = domain_with(TUNED);
	struct limits lim;
	limits_of(plain, 0, &lim);
	ck_assert_ptr_null(limits_enter(&lim, "/nonexistent", "/a/b", "vm", 4242));
	limits_warn(&lim, &notes);
	ck_assert_str_eq(buf_text(&notes), "");
	limits_of(d, 0, &lim);
	limits_warn(&lim, &notes);
	ck_assert_ptr_nonnull(strstr(buf_text(&notes), "warning: memtune/soft_limit is not enforced"));
	ck_assert_ptr_nonnull(strstr(buf_text(&notes), "warning: cputune/quota is not enforced"));
	domain_free(plain);
	domain_free(d);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("limits");
	TCase *t = tcase_create("limits");
	tcase_add_loop_test(t, what_the_xml_asks_for_becomes_values, 0, ARRAY_SIZE(values));
	tcase_add_test(t, without_a_word_the_size_decides);
	tcase_add_loop_test(t, what_cannot_be_meant_is_refused, 0, ARRAY_SIZE(refused));
	tcase_add_test(t, a_partition_is_a_slice);
	tcase_add_test(t, limits_are_written_and_what_is_missing_is_told);
	tcase_add_test(t, without_a_cgroup_only_what_was_asked_for_is_told);
	suite_add_tcase(s, t);
	return test_main(s);
}
