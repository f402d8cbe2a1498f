/* Installations: options as they are typed, plans as two XMLs, what a path is, and that a failure leaves
 * nothing. Plans are made on the fake host, with an osinfo-db of two systems. */
#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <libxml/relaxng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/fake/fake.h"
#include "backend/local/install.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/cmd/install_maker.h"
#include "src/model/osinfo.h"
#include "tests/testlib.h"
#include "ui/cli/cli.h"

#define SCHEMAS "/usr/share/libvirt/schemas/"

static char dir[] = "/tmp/test_install.XXXXXX";

static void write_file(const char *name, const char *text)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", dir, name);
	struct err e = {0};
	ck_assert_msg(!file_replace(path, text, strlen(text), 0644, &e), "%s", e.msg);
}

static void make_folder(const char *name)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", dir, name);
	ck_assert(!dir_make(path, 0755, NULL));
}

static const char os_old[] =
	"<?xml version=\"1.0\"?>\n<libosinfo version=\"0.0.1\">\n<os id=\"http://example.org/old/1\">\n<short-id>old1</short-id>\n"
	"<name>Old 1</name><family>linux</family>\n"
	"<resources arch=\"all\"><minimum><ram>268435456</ram></minimum>"
	"<recommended><n-cpus>1</n-cpus><ram>536870912</ram><storage>5368709120</storage></recommended></resources>\n"
	"<devices><device id=\"http://pcisig.com/pci/8086/1237\"/></devices>\n"
	"<media arch=\"x86_64\"><iso><volume-id>OLD \\d\\.\\d+</volume-id></iso></media>\n</os>\n</libosinfo>\n";
static const char os_new[] =
	"<libosinfo version=\"0.0.1\">\n<os id=\"http://example.org/new/2\">\n<short-id>new2</short-id>\n"
	"<name>New 2</name><family>winnt</family>\n<derives-from id=\"http://example.org/old/1\"/>\n"
	"<firmware arch=\"x86_64\" type=\"bios\" supported=\"false\"/>\n<resources arch=\"all\" inherit=\"true\"/>\n"
	"<devices><device id=\"http://pcisig.com/pci/1af4/1042\"/><device id=\"http://pcisig.com/pci/1af4/1041\"/></devices>\n"
	"<media arch=\"x86_64\" installer-reboots=\"2\"><iso><volume-id>OLD 2\\.\\d+ new</volume-id>"
	"<publisher-id>NEWMAKERS</publisher-id></iso></media>\n</os>\n</libosinfo>\n";

static void set_up(void)
{
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	ck_assert(mkdtemp(dir));
	make_folder("osinfo/os/example.org");
	write_file("osinfo/os/example.org/old-1.xml", os_old);
	write_file("osinfo/os/example.org/new-2.xml", os_new);
	AUTO_FREE char *data = x_asprintf("%s/osinfo", dir);
	setenv("OSINFO_DATA_DIR", data, 1);
	write_file("cd.iso", "a CD");
	write_file("disk.raw", "a disk");
	write_file("answers.cfg", "d-i a b\n");
	make_folder("tree");
	write_file("tree/linux", "kernel");
	write_file("tree/initrd.gz", "initrd");
}

static void tear_down(void)
{
	AUTO_FREE char *rm = x_asprintf("rm -rf \"$(readlink -f %s/home/run)\" %s", dir, dir);
	ck_assert_int_eq(system(rm), 0);
}

/* --- values --- */

static const struct {
	const char *option, *value, *error; /* NULL: allowed */
} values[] = {
    {"name", "web1", NULL},
    {"name", "a/b", "/"},
    {"name", "", "name"},
    {"memory", "512", NULL},
    {"memory", "512,maxmemory=1024,hugepages=yes", NULL},
    {"memory", "lots", "a whole number"},
    {"memory", "512,maxmemry=3", "did you mean 'maxmemory'?"},
    {"vcpus", "4,sockets=2,cores=2", NULL},
    {"vcpus", "2,cpuset=1-3", "not pinned"},
    {"cpu", "host-passthrough,+vmx,-sse4.2", NULL},
    {"cpu", "EPYC,disable=svm", NULL},
    {"disk", "size=10", NULL},
    {"disk", "size=0.5,sparse=no,bus=ide,cache=none", NULL},
    {"disk", "size=0", "above 0"},
    {"disk", "size=-3", "above 0"},
    {"disk", "size=ten", "above 0"},
    {"disk", "size=99999999999999", "above 0"},
    {"disk", "/some/path,readonly", NULL},
    {"disk", "path=/with,,comma.img", NULL},
    {"disk", "/with=equals.img,bus=virtio", NULL},
    {"disk", "/x,bus=flop", "one of virtio ide"},
    {"disk", "/x,boot_order=1", NULL},
    {"disk", "/x,driver.cache=none,target.bus=virtio", NULL},
    {"disk", "vol=default/x", "no storage pools"},
    {"disk", "/x,siez=3", "did you mean 'size'?"},
    {"disk", "", "is empty"},
    {"disk", "/x\ny", "control characters"},
    {"network", "default", NULL},
    {"network", "bridge=br0,mac=52:54:00:01:02:03,model=virtio", NULL},
    {"network", "bridge=br0,mac=52:54:00:01:02", "six bytes"},
    {"network", "bridge=br0,mac=53:54:00:01:02:03", "six bytes"},
    {"network", "user,portForward=2222:22", NULL},
    {"network", "user,portForward0=127.0.0.1:8000-8010:80/tcp,portForward1=53/udp", NULL},
    {"network", "user,portForward=[::1]:8080:80", NULL},
    {"network", "user,portForward=0:22", "ports 1 to 65535"},
    {"network", "user,portForward=10-5", "PORT"},
    {"network", "user,portForward=65530-65535:65533", "PORT"},
    {"network", "user,portForward=22/sctp", "PORT"},
    {"graphics", "vnc,listen=0.0.0.0,port=5901,password=abc", NULL},
    {"graphics", "vcn", "one of vnc"},
    {"boot", "cdrom,hd,menu=on", NULL},
    {"boot", "uefi", NULL},
    {"boot", "floppy", "--boot has no 'floppy'"},
    {"osinfo", "detect=on,require=off", NULL},
    {"wait", "", NULL},
    {"wait", "-1", NULL},
    {"wait", "soon", "minutes"},
    {"print-xml", "3", "1, 2 or all"},
    {"connect", "qemu:///system", NULL},
    {"connect", "qemu+ssh://h/system", "its own host"},
    {"sound", "ich9", NULL},
    {"tpm", "none", NULL},
    {"tpm", "emulator", "no TPM yet"},
    {"nonsense", "1", "no option --nonsense"},
};

START_TEST(a_value_is_looked_at_as_it_is_typed)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct err e = {0};
		int rc = install_check(values[i].option, values[i].value, &e);
		ck_assert_msg(!rc == !values[i].error, "--%s=%s: %s", values[i].option, values[i].value, rc ? e.msg : "allowed");
		ck_assert_msg(!rc || strstr(e.msg, values[i].error), "--%s=%s: %s", values[i].option, values[i].value, e.msg);
	}
}
END_TEST

START_TEST(sizes_are_whole_pages)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {{"1", 1ull << 30}, {"0.5", 1ull << 29}, {"20G", 20ull << 30}, {"512M", 1ull << 29}, {"0.00001", 12288}, {"2T", 2ull << 40}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t bytes = 0;
		ck_assert_msg(!install_size(cases[i].text, &bytes, NULL) && bytes == cases[i].bytes, "%s: %llu", cases[i].text,
			      (unsigned long long)bytes);
	}
}
END_TEST

/* --- plans --- */

/* "@" in a word is the test's folder. */
static char *expand(const char *s)
{
	struct buf b = {0};
	for (; *s; s++)
		if (*s == '@')
			buf_puts(&b, dir);
		else
			buf_add(&b, s, 1);
	return buf_take(&b);
}

#define WORDS 12
static void request_of(const char *const *words, struct install_request *r)
{
	for (size_t i = 0; i < WORDS && words[i]; i++) {
		AUTO_FREE char *word = expand(words[i]);
		char *eq = strchr(word, '=');
		if (eq)
			*eq = 0;
		install_add(r, word, eq ? eq + 1 : "");
	}
}

static int plan_of(const char *const *words, struct install_plan **p, struct err *e)
{
	struct install_request r = {0};
	struct backend *b = backend_fake_open("domain taken shutoff", e);
	ck_assert_ptr_nonnull(b);
	request_of(words, &r);
	int rc = install_plan(b, &r, p, e);
	install_request_done(&r);
	b->ops->close(b);
	return rc;
}

#define CD "cdrom=@/cd.iso", "name=x"
static const struct {
	const char *words[WORDS];
	const char *first[6], *define[6]; /* what stands in them; with a '!' before it: what does not */
} plans[] = {
    {{CD, "disk=size=10", "memory=512"},
     {"<boot dev='cdrom'/>\n    <boot dev='hd'/>", "<on_reboot>destroy", "<vmdeck:install", "/cd.iso'/>", "<memory unit='MiB'>512<"},
     {"!cdrom'/>", "!on_reboot", "!vmdeck:install", "!cd.iso", "device='cdrom'", "<boot dev='hd'/>"}},
    {{CD, "disk=size=10", "noreboot"}, {"<on_reboot>destroy", "!vmdeck:install"}, {"!on_reboot"}},
    {{CD, "disk=size=10", "transient"}, {"!vmdeck:install"}, {"!vmdeck:install"}},
    {{CD, "disk=size=10", "events=on_reboot=restart,on_poweroff=preserve"},
     {"<on_reboot>destroy", "!preserve"},
     {"<on_reboot>restart", "<on_poweroff>preserve"}},
    {{CD, "disk=size=10", "boot=cdrom,hd,menu=on,uefi"},
     {"<os firmware='efi'>", "<bootmenu enable='yes'/>"},
     {"<os firmware='efi'>", "<boot dev='cdrom'/>\n    <boot dev='hd'/>"}},
    {{CD, "disk=size=10,boot.order=1", "disk=size=1"},
     {"<boot dev='cdrom'/>", "!<boot order"},
     {"<boot order='1'/>", "!<boot dev"}},
    {{CD, "disk=none"}, {"<boot dev='cdrom'/>"}, {"<boot dev='cdrom'/>", "cd.iso"}},
    {{CD, "disk=size=1", "disk=size=2", "disk=@/disk.raw,bus=ide"},
     {"images/x.raw'", "images/x-1.raw'", "dev='vdb'", "dev='hda' bus='ide'", "dev='hdb' bus='ide'"},
     {"disk.raw'"}},
    {{"name=x", "disk=@/disk.raw,device=disk", "disk=@/cd.iso,device=cdrom"}, {"cd.iso", "<boot dev='cdrom'/>"}, {"!cd.iso", "<boot dev='hd'/>"}},
    {{"name=x", "pxe", "disk=size=3"}, {"<boot dev='network'/>"}, {"<boot dev='hd'/>", "!network'/>"}},
    {{"name=x", "location=@/tree", "disk=size=3", "extra-args=a=1", "extra-args=b <c>"},
     {"/kernel</kernel>", "/initrd</initrd>", "<cmdline>a=1 b &lt;c&gt;<", "!cdrom"},
     {"!kernel", "!initrd", "!cmdline", "!cdrom", "<boot dev='hd'/>"}},
    {{"name=x", "location=kernel=@/tree/linux,initrd=@/tree/initrd.gz", "disk=size=3"}, {"/kernel</kernel>"}, {"!kernel"}},
    {{"name=x", "import", "disk=@/disk.raw"}, {NULL}, {"disk.raw", "!vmdeck:install", "<boot dev='hd'/>"}},
    {{"name=x", "boot=hd", "disk=@/disk.raw"}, {NULL}, {"disk.raw"}},
    {{"name=x", "boot=kernel=@/tree/linux,kernel_args=console=ttyS0", "disk=none"},
     {NULL},
     {"/tree/linux</kernel>", "<cmdline>console=ttyS0<"}},
    {{CD, "disk=size=1", "vcpus=4,sockets=2", "cpu=host-model,+vmx,-svm"},
     {"<vcpu>4<", "sockets='2' dies='1' cores='2' threads='1'", "mode='host-model'", "policy='force' name='vmx'", "policy='disable' name='svm'"},
     {NULL}},
    {{CD, "disk=size=1", "vcpus=2,maxvcpus=4", "memory=256,maxmemory=512,hugepages=on"},
     {"<vcpu current='2'>4<", "<memory unit='MiB'>512<", "<currentMemory unit='MiB'>256<", "<hugepages/>"},
     {NULL}},
    {{CD, "disk=size=1", "network=default", "network=bridge=br0,mac=52:54:00:00:00:01", "network=user,portForward=1.2.3.4:80-81:8080/udp"},
     {"<source network='default'/>", "<source bridge='br0'/>", "address='52:54:00:00:00:01'", "proto='udp' address='1.2.3.4'", "start='80' end='81' to='8080'"},
     {NULL}},
    {{CD, "disk=size=1", "network=none", "graphics=none"}, {"!<interface", "!<graphics", "!<video", "<serial type='pty'/>"}, {NULL}},
    {{CD, "disk=size=1", "nonetworks", "nographics", "serial=none", "rng=none"}, {"!<interface", "!<graphics", "!<serial", "!<rng"}, {NULL}},
    {{CD, "disk=size=1", "graphics=spice,listen=0.0.0.0,password=a'b", "video=virtio", "input=keyboard,bus=virtio"},
     {"type='vnc'", "listen='0.0.0.0'", "passwd='a&apos;b'", "<model type='virtio'/>", "type='keyboard' bus='virtio'"},
     {NULL}},
    {{CD, "disk=size=1", "serial=file,path=/tmp/log", "rng=/dev/hwrng"}, {"<log file='/tmp/log'", ">/dev/hwrng<"}, {NULL}},
    {{CD, "disk=size=1", "metadata=title=A <b>,description=c,,d"}, {"<title>A &lt;b&gt;<", "<description>c,d<"}, {"<title>A"}},
    {{CD, "disk=size=1,serial=ABC,shareable=on,discard=unmap"}, {"<serial>ABC<", "<shareable/>", "discard='unmap'"}, {NULL}},
    /* old1 has no virtio: its disk is on ide; it says how much it wants */
    {{"cdrom=@/cd.iso", "osinfo=old1"},
     {"<name>old1<", "dev='hda' bus='ide'", "<memory unit='MiB'>512<", "<vcpu>1<", "<libosinfo:os id='http://example.org/old/1'/>"},
     {"<libosinfo:os id='http://example.org/old/1'/>"}},
    /* new2 derives from it, has drivers, wants UEFI, and a clock as Windows does */
    {{CD, "osinfo=http://example.org/new/2"},
     {"dev='vda' bus='virtio'", "<os firmware='efi'>", "<clock offset='localtime'/>", "<memory unit='MiB'>512<"},
     {NULL}},
    {{CD, "osinfo=generic", "disk=size=1"}, {"<memory unit='MiB'>2048<", "!libosinfo"}, {NULL}},
};

/* Old spellings, and what stands in the definition; "!" in front: does not. An error when there is one. */
static const struct {
	const char *line, *has[4], *error;
} old_lines[] = {
    {"--file=@/disk.raw", {"<source file='@/disk.raw'/>"}, NULL},
    {"--file @/disk.raw", {"<source file='@/disk.raw'/>"}, NULL},
    {"-f @/disk.raw", {"<source file='@/disk.raw'/>"}, NULL},
    {"-f@/disk.raw", {"<source file='@/disk.raw'/>"}, NULL},
    {"--file @/new,1.img --file-size=1", {"<source file='@/new,1.img'/>"}, NULL},
    {"-f @/new.img -s 1 --nonsparse", {"<source file='@/new.img'/>"}, NULL},
    {"-f @/disk.raw -f @/n2.img -s 1", {NULL}, "n2.img' is not there"},
    {"--file-size 1", {"<target dev='vda'"}, NULL},
    {"--nonsparse --nodisks", {"!<disk"}, NULL},
    {"-f @/disk.raw --disk size=1", {NULL}, "Cannot mix --file, --nonsparse, or --file-size with --disk options"},
    {"-f @/new.img --file-size=many", {NULL}, "--file-size"},
    {"-f @/nothing-there", {NULL}, "size="},
    {"--nodisks --bridge br0", {"<interface type='bridge'>", "<source bridge='br0'/>"}, NULL},
    {"--nodisks -b br0 -m 52:54:00:01:02:03", {"<source bridge='br0'/>", "<mac address='52:54:00:01:02:03'/>"}, NULL},
    {"--nodisks --network=bridge:br0 --mac RANDOM", {"<source bridge='br0'/>", "<mac address='52:54:00:"}, NULL},
    {"--nodisks --network network:default -m 52:54:00:01:02:03", {"<source network='default'/>", "<mac address='52:54:00:01:02:03'/>"}, NULL},
    {"--nodisks -m 52:54:00:0a:02:03", {"<interface type='user'>", "<mac address='52:54:00:0a:02:03'/>"}, NULL},
    {"--nodisks -w bridge:br0 -b br1", {NULL}, "Cannot mix both --bridge and --network arguments"},
    {"--nodisks --mac 53:54:00:01:02:03", {NULL}, "--mac '53:54:00:01:02:03' is not allowed"},
    {"--nodisks --vnc --vncport 5901 --vnclisten 0.0.0.0 -k de", {"port='5901'", "listen='0.0.0.0'", "keymap='de'"}, NULL},
    {"--nodisks --vnc --keymap none", {"!keymap"}, NULL},
    {"--nodisks --graphics vnc,keymap=xx", {NULL}, "--graphics keymap='xx' is not allowed"},
    {"--nodisks --graphics vnc,keymap=fr-ch", {"keymap='fr-ch'"}, NULL},
    {"--nodisks --graphics vnc,keymap=local", {"!'local'"}, NULL},
    {"--nodisks --sdl", {NULL}, "the screen is shown by VNC"},
    {"--nodisks --hvm --accelerate --check-cpu --os-type linux --os-var generic", {"<type arch='x86_64'"}, NULL},
    {"--nodisks -v -q -d --arch i686", {"<type arch='x86_64'"}, NULL},
    {"--nodisks -p", {NULL}, "--paravirt: that is of Xen"},
    {"--nodisks --prompt", {NULL}, "nothing is asked"},
    {"--nodisks --cpuset 1-3", {NULL}, "not pinned"},
    {"--nodisks --nographics", {"!<graphics"}, NULL},
    {"--nodisks --vcpus 8,maxvcpus=240", {"<vcpu current='8'>240</vcpu>"}, NULL},
    {"--nodisks --vcpus 8,maxvcpus=240,sockets=2,cores=60,threads=2", {"<vcpu current='8'>240</vcpu>", "cores='60'"}, NULL},
    {"--nodisks --vcpus 240", {NULL}, "--vcpus 240,maxvcpus=240 is not allowed"},
};

static void expect(size_t i, const char *which, const char *text, const char *const *has)
{
	for (size_t k = 0; k < 6 && has[k]; k++) {
		bool absent = *has[k] == '!', found = strstr(text, has[k] + absent) != NULL;
		ck_assert_msg(found != absent, "plan %zu (%s): %s has %s\n%s", i, plans[i].words[2] ? plans[i].words[2] : "", which, has[k], text);
	}
}

static void quiet(void *ctx, const char *fmt, ...)
{
}

static bool valid(xmlRelaxNG *schema, const char *text)
{
	xmlDoc *doc = xmlReadMemory(text, (int)strlen(text), NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_NOERROR);
	xmlRelaxNGValidCtxt *c = xmlRelaxNGNewValidCtxt(schema);
	xmlRelaxNGSetValidErrors(c, quiet, quiet, NULL);
	int rc = doc ? xmlRelaxNGValidateDoc(c, doc) : -1;
	xmlRelaxNGFreeValidCtxt(c);
	xmlFreeDoc(doc);
	return !rc;
}

START_TEST(a_plan_is_two_xmls_of_one_domain)
{
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		struct install_plan *p = NULL;
		struct err e = {0};
		ck_assert_msg(!plan_of(plans[i].words, &p, &e), "plan %zu: %s", i, e.msg);
		ck_assert_msg(!p->first_xml == !p->installs, "plan %zu", i);
		expect(i, "first boot", p->first_xml ? p->first_xml : p->define_xml, plans[i].first);
		expect(i, "definition", p->define_xml, plans[i].define);
		ck_assert_msg(strstr(p->define_xml, p->uuid) && (!p->first_xml || strstr(p->first_xml, p->uuid)), "plan %zu: uuid", i);
		install_plan_free(p);
	}
}
END_TEST

START_TEST(both_are_valid_for_libvirt)
{
	if (access(SCHEMAS "domain.rng", R_OK))
		test_skip("no " SCHEMAS "domain.rng: install libvirt0");
	xmlRelaxNGParserCtxt *c = xmlRelaxNGNewParserCtxt(SCHEMAS "domain.rng");
	xmlRelaxNG *schema = xmlRelaxNGParse(c);
	xmlRelaxNGFreeParserCtxt(c);
	ck_assert_ptr_nonnull(schema);
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		struct install_plan *p = NULL;
		struct err e = {0};
		ck_assert_msg(!plan_of(plans[i].words, &p, &e), "plan %zu: %s", i, e.msg);
		ck_assert_msg(valid(schema, p->define_xml), "plan %zu: the definition is invalid\n%s", i, p->define_xml);
		ck_assert_msg(!p->first_xml || valid(schema, p->first_xml), "plan %zu: the first boot is invalid\n%s", i, p->first_xml);
		install_plan_free(p);
	}
	xmlRelaxNGFree(schema);
}
END_TEST

/* The line of the element @n-th that has @what, without its end. */
static char *line_with(const char *text, const char *what)
{
	const char *at = strstr(text, what);
	return at ? x_strndup(at, strcspn(at, "\n")) : NULL;
}

START_TEST(devices_are_the_same_in_both)
{
	static const char *const words[WORDS] = {CD, "disk=size=1", "disk=size=2", "network=user"};
	static const char *const same[] = {"<mac address=", "slot='0x03'", "slot='0x04'", "slot='0x05'", "slot='0x06'"};
	struct install_plan *p = NULL;
	struct err e = {0};
	ck_assert_msg(!plan_of(words, &p, &e), "%s", e.msg);
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		AUTO_FREE char *a = line_with(p->first_xml, same[i]), *b = line_with(p->define_xml, same[i]);
		ck_assert_msg(a && b && str_eq(a, b), "%s: %s, %s", same[i], a, b);
	}
	install_plan_free(p);
}
END_TEST

static const struct {
	const char *words[WORDS];
	const char *error;
} refusals[] = {
    {{"name=x"}, "nothing says from what"},
    {{CD, "pxe"}, "--cdrom and --pxe do not go together"},
    {{CD, "import"}, "do not go together"},
    {{"name=taken", "cdrom=@/cd.iso"}, "'taken' is already in use"},
    {{"name=x", "cdrom=@/none.iso"}, "No such file"},
    {{"name=x", "cdrom=@/tree"}, "is not an ISO"},
    {{"name=x", "cdrom=https://a/b.iso"}, "fetch the ISO first"},
    {{"name=x", "location=https://a/b/"}, "fetch the ISO first"},
    {{"name=x", "import"}, "--import wants a disk"},
    {{CD, "disk=@/new.raw"}, "give size="},
    {{CD, "disk=@/tree"}, "is a folder"},
    {{CD, "disk=@/disk.raw,format=qcow2"}, "images are raw"},
    {{CD, "disk=@/new.raw,size=1,format=qcow2"}, "images are raw"},
    {{CD, "disk=@/new.raw,size=1", "disk=@/new.raw,size=2"}, "given twice"},
    {{CD, "disk=size=150", "disk=size=150"}, "would not fit"},
    {{CD, "disk=size=150,sparse=no", "disk=size=150,sparse=no", "check=disk_size=off"}, "do not fit"},
    {{CD, "disk=none", "disk=size=1"}, "beside other disks"},
    {{CD, "disk=size=1", "memory=999999999"}, "more than this host has"},
    {{CD, "disk=size=1", "memory=99999999999999999999"}, "whole number"},
    {{CD, "disk=size=1", "memory=0"}, "at least 4"},
    {{CD, "disk=size=1", "memory=512,maxmemory=256"}, "less than"},
    {{CD, "disk=size=1", "vcpus=0"}, "1 to 64"},
    {{CD, "disk=size=1", "vcpus=65"}, "1 to 64"},
    {{CD, "disk=size=1", "vcpus=4,sockets=3"}, "4 CPUs are not 3 sockets"},
    {{CD, "disk=size=1", "vcpus=2,sockets=4294967296,cores=4294967296,threads=2"}, "are not"},
    {{CD, "disk=size=1", "graphics=vnc,port=80"}, "5900 to 65535"},
    {{CD, "disk=size=1", "graphics=sdl"}, "--graphics vnc"},
    {{CD, "disk=size=1", "graphics=vnc", "graphics=vnc"}, "one screen"},
    {{CD, "disk=size=1", "network=bridge"}, "bridge=br0"},
    {{CD, "disk=size=1", "network=default,portForward=2222:22"}, "user networking"},
    {{CD, "disk=size=1", "network=direct,source=eth0"}, "not there yet"},
    {{CD, "disk=size=1", "extra-args=a"}, "--location only"},
    {{CD, "disk=size=1", "initrd-inject=@/answers.cfg"}, "--location only"},
    {{"name=x", "location=@/tree", "disk=size=1", "initrd-inject=@/nothing"}, "No such file"},
    {{"name=x", "location=@/tree", "disk=size=1", "initrd-inject=@/tree"}, "is not a file"},
    {{CD, "disk=size=1", "osinfo=old11"}, "did you mean 'old1'?"},
    {{CD, "disk=size=1", "osinfo=detect=on,require=on"}, "is not known"},
    {{CD, "disk=size=1", "boot=loader.secure=yes"}, "Secure Boot"},
    {{CD, "disk=size=1", "boot=initrd=@/tree/initrd.gz"}, "want a kernel="},
    {{CD, "disk=size=1", "filesystem=/a,b"}, "shared folders"},
    {{CD, "disk=size=1", "metadata=uuid=xyz"}, "not a uuid"},
};

START_TEST(what_makes_no_sense_is_refused_with_the_reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct install_plan *p = NULL;
		struct err e = {0};
		ck_assert_msg(plan_of(refusals[i].words, &p, &e) < 0, "refusal %zu: %s", i, refusals[i].error);
		ck_assert_msg(strstr(e.msg, refusals[i].error) && !strchr(e.msg, '\n'), "refusal %zu: %s, not %s", i, e.msg, refusals[i].error);
	}
}
END_TEST

START_TEST(what_has_no_effect_is_told)
{
	static const char *const words[WORDS] = {CD, "disk=@/disk.raw,size=3", "sound=ich6", "channel=unix", "tpm=none", "graphics=spice", "memory=64", "osinfo=old1"};
	static const char *const told[] = {"--sound has no effect", "--channel has no effect", "by VNC", "used as it is", "wants at least 256 MiB"};
	struct install_plan *p = NULL;
	struct err e = {0};
	ck_assert_msg(!plan_of(words, &p, &e), "%s", e.msg);
	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		ck_assert_msg(strstr(p->notes, told[i]), "%s: %s", told[i], p->notes);
	ck_assert_msg(!strstr(p->notes, "tpm"), "%s", p->notes);
	install_plan_free(p);
}
END_TEST

START_TEST(without_osinfo_db_a_guest_gets_what_suits_most)
{
	static const char *const words[WORDS] = {CD, "disk=size=1", "osinfo=debian12"};
	struct install_plan *p = NULL;
	struct err e = {0};
	setenv("OSINFO_DATA_DIR", "/nonexistent", 1);
	ck_assert_msg(!plan_of(words, &p, &e), "%s", e.msg);
	ck_assert_msg(strstr(p->notes, "install the package osinfo-db") && strstr(p->first_xml, "bus='virtio'"), "%s", p->notes);
	install_plan_free(p);
}
END_TEST

START_TEST(a_plan_is_a_command_line_that_a_shell_takes)
{
	static const char *const words[WORDS] = {"name=it's", "pxe", "disk=size=1,serial=a b", "title=", "wait"};
	struct install_request r = {0};
	request_of(words, &r);
	AUTO_FREE char *line = install_command(&r);
	ck_assert_str_eq(line, "vmdeck install --name='it'\\''s' --pxe --disk='size=1,serial=a b' --title='' --wait");
	install_set(&r, "disk", "none");
	install_set(&r, "title", NULL);
	ck_assert_str_eq(install_get(&r, "disk"), "none");
	ck_assert_ptr_null(install_get(&r, "title"));
	install_request_done(&r);
}
END_TEST

START_TEST(a_medium_tells_whose_installer_is_on_it)
{
	static const struct {
		const char *volume, *publisher, *is;
		unsigned reboots;
	} cases[] = {
	    {"OLD 1.15", "", "old1", 1},
	    {"OLD 2.7 new", "NEWMAKERS", "new2", 2},
	    {"OLD 2.7 new", "others", "old1", 1},
	    {"OLD x", "", NULL, 0},
	    {"", "", NULL, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct osinfo os = {0};
		unsigned reboots = 0;
		int rc = osinfo_detect(&(struct osinfo_media){cases[i].volume, "LINUX", cases[i].publisher, ""}, &os, &reboots, NULL);
		ck_assert_msg(rc == (cases[i].is ? 0 : -ENOENT) && str_eq(os.short_id, cases[i].is) && reboots == cases[i].reboots,
			      "%s: %d, %s, %u", cases[i].volume, rc, os.short_id, reboots);
		osinfo_done(&os);
	}
}
END_TEST

START_TEST(a_tree_tells_whose_it_is)
{
	write_file("osinfo/os/example.org/tree-3.xml",
		   "<libosinfo version=\"0.0.1\">\n<os id=\"http://example.org/tree/3\"><short-id>tree3</short-id><name>Tree 3</name>\n"
		   "<tree arch=\"x86_64\"><treeinfo><family>Tree$</family><version>3</version></treeinfo></tree></os></libosinfo>");
	write_file("tree/.treeinfo", "[general]\nfamily = Tree\nversion = 3\n[images-x86_64]\nkernel = linux\n");
	struct osinfo os = {0};
	ck_assert(!osinfo_detect_tree(&(struct osinfo_tree){"x86_64", "Tree", "", "3"}, &os, NULL));
	ck_assert_str_eq(os.short_id, "tree3");
	osinfo_done(&os);
	ck_assert_int_eq(osinfo_detect_tree(&(struct osinfo_tree){"x86_64", "Trees", "", "3"}, &os, NULL), -ENOENT);
	ck_assert_int_eq(osinfo_detect_tree(&(struct osinfo_tree){"", "", "", ""}, &os, NULL), -ENOENT);
}
END_TEST

START_TEST(the_real_database_can_be_read)
{
	unsetenv("OSINFO_DATA_DIR");
	if (!osinfo_there())
		test_skip("no /usr/share/osinfo: install osinfo-db");
	struct osinfo os = {0};
	struct err e = {0};
	ck_assert_msg(!osinfo_find("debian11", &os, &e), "%s", e.msg);
	ck_assert_str_eq(os.name, "Debian 11");
	ck_assert(os.memory_bytes >= 512u << 20 && os.storage_bytes >= 1u << 30 && os.virtio_disk && os.virtio_net && os.bios);
	osinfo_done(&os);
	unsigned reboots;
	ck_assert(!osinfo_detect(&(struct osinfo_media){"Debian 11.2.0 amd64 n", "", "", ""}, &os, &reboots, &e));
	ck_assert_str_eq(os.short_id, "debian11");
	osinfo_done(&os);
}
END_TEST

/* --- the local host --- */

static struct backend *open_local(void)
{
	struct err e = {0};
	AUTO_FREE char *home = x_asprintf("%s/home", dir);
	setenv("VMDECK_HOME", home, 1);
	struct backend *b = backend_local_open(&e);
	ck_assert_msg(b != NULL, "%s", e.msg);
	return b;
}

/* An ISO with a kernel as Debian's has it. */
static char *make_iso(void)
{
	char *path = x_asprintf("%s/real.iso", dir);
	static const char *const files[][2] = {{"install.amd/vmlinuz", "the kernel"}, {"install.amd/initrd.gz", "the initrd"}, {"README", "text"}};
	struct archive *a = archive_write_new();
	ck_assert(archive_write_set_format_iso9660(a) == ARCHIVE_OK && archive_write_set_options(a, "volume-id=OLD_1_1") == ARCHIVE_OK);
	ck_assert(archive_write_open_filename(a, path) == ARCHIVE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct archive_entry *entry = archive_entry_new();
		archive_entry_set_pathname(entry, files[i][0]);
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_perm(entry, 0644);
		archive_entry_set_size(entry, (la_int64_t)strlen(files[i][1]));
		ck_assert(archive_write_header(a, entry) == ARCHIVE_OK);
		archive_write_data(a, files[i][1], strlen(files[i][1]));
		archive_entry_free(entry);
	}
	ck_assert(archive_write_close(a) == ARCHIVE_OK);
	archive_write_free(a);
	return path;
}

START_TEST(an_iso_tells_its_kernel_and_its_name)
{
	struct backend *b = open_local();
	struct path_info at;
	struct err e = {0};
	AUTO_FREE char *iso = make_iso(), *copy = x_asprintf("%s/copy", dir), *text = NULL;
	ck_assert_msg(!b->ops->path_info(b, iso, true, &at, &e), "%s", e.msg);
	ck_assert_int_eq(at.kind, PATH_FILE);
	ck_assert_str_eq(at.kernel, "install.amd/vmlinuz");
	ck_assert_str_eq(at.initrd, "install.amd/initrd.gz");
	ck_assert_msg(str_starts(at.volume_id, "OLD"), "'%s'", at.volume_id);
	ck_assert_msg(!location_copy(iso, "install.amd/initrd.gz", copy, &e), "%s", e.msg);
	ck_assert(!file_read(copy, 100, &text, NULL, NULL));
	ck_assert_str_eq(text, "the initrd");
	unlink(copy);
	ck_assert_int_eq(location_copy(iso, "no/such", copy, &e), -ENOENT);
	ck_assert_msg(strstr(e.msg, "no/such"), "%s", e.msg);
	b->ops->close(b);
}
END_TEST

START_TEST(a_folder_tells_its_kernel)
{
	struct backend *b = open_local();
	struct path_info at;
	AUTO_FREE char *tree = x_asprintf("%s/tree", dir);
	ck_assert(!b->ops->path_info(b, tree, true, &at, NULL));
	ck_assert(at.kind == PATH_FOLDER && str_eq(at.kernel, "linux") && str_eq(at.initrd, "initrd.gz"));
	write_file("tree/.treeinfo", "[general]\nfamily = Fedora\nversion = 36\n[images-x86_64]\nkernel = images/k\ninitrd = images/i\n");
	ck_assert(!b->ops->path_info(b, tree, true, &at, NULL));
	ck_assert(str_eq(at.kernel, "images/k") && str_eq(at.initrd, "images/i") && str_eq(at.tree_family, "Fedora"));
	b->ops->close(b);
}
END_TEST

START_TEST(a_path_tells_what_it_is)
{
	static const struct {
		const char *name, *content;
		size_t len;
		const char *format;
	} cases[] = {{"q", "QFI\xfb\0\0\0\3", 8, "qcow2"}, {"v", "KDMV", 4, "vmdk"}, {"r", "anything", 8, "raw"}, {"e", "", 0, "raw"}};
	struct backend *b = open_local();
	struct path_info at;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *path = x_asprintf("%s/%s", dir, cases[i].name);
		ck_assert(!file_replace(path, cases[i].content, cases[i].len, 0644, NULL));
		ck_assert(!b->ops->path_info(b, path, false, &at, NULL));
		ck_assert_msg(at.kind == PATH_FILE && str_eq(at.format, cases[i].format) && at.bytes == cases[i].len && !*at.volume_id,
			      "%s: %s", path, at.format);
	}
	AUTO_FREE char *deep = x_asprintf("%s/no/such/disk", dir), *new = x_asprintf("%s/new", dir);
	ck_assert(!b->ops->path_info(b, deep, false, &at, NULL) && at.kind == PATH_MISSING && !at.writable && at.free_bytes > 0);
	ck_assert(!b->ops->path_info(b, new, false, &at, NULL) && at.kind == PATH_MISSING && at.writable);
	b->ops->close(b);
}
END_TEST

START_TEST(an_image_tells_who_has_it)
{
	struct domain_info info;
	struct backend *b = open_local();
	struct path_info at;
	struct err e = {0};
	AUTO_FREE char *disk = x_asprintf("%s/disk.raw", dir), *link = x_asprintf("%s/link.raw", dir);
	AUTO_FREE char *xml = x_asprintf("<domain type='kvm'><name>owner</name><memory unit='MiB'>64</memory><os><type>hvm</type></os><devices>"
					 "<disk type='file'><source file='%s'/><target dev='vda'/></disk></devices></domain>", disk);
	ck_assert_msg(!b->ops->domain_define(b, xml, "test", 0, &info, NULL, &e), "%s", e.msg);
	ck_assert(!symlink(disk, link));
	ck_assert(!b->ops->path_info(b, link, false, &at, NULL));
	ck_assert_str_eq(at.used_by, "owner");
	ck_assert(!at.used_shareable);
	b->ops->close(b);
}
END_TEST

START_TEST(files_go_into_an_initrd)
{
	AUTO_FREE char *initrd = x_asprintf("%s/initrd", dir), *file = x_asprintf("%s/answers.cfg", dir);
	struct err e = {0};
	char *const files[] = {file};
	write_file("initrd", "");
	ck_assert_msg(!initrd_inject(initrd, files, 1, &e), "%s", e.msg);
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	ck_assert(archive_read_support_format_cpio(a) == ARCHIVE_OK && archive_read_open_filename(a, initrd, 4096) == ARCHIVE_OK);
	ck_assert(archive_read_next_header(a, &entry) == ARCHIVE_OK);
	ck_assert_str_eq(archive_entry_pathname(entry), "answers.cfg");
	char text[32] = "";
	ck_assert_int_eq(archive_read_data(a, text, sizeof(text)), 8);
	ck_assert_str_eq(text, "d-i a b\n");
	ck_assert(archive_read_next_header(a, &entry) == ARCHIVE_EOF);
	archive_read_free(a);
	write_file("initrd", "1234567"); /* what is in it stays, and the new part begins at a block */
	ck_assert(!initrd_inject(initrd, files, 1, &e));
	AUTO_FREE char *all = NULL;
	size_t n;
	ck_assert(!file_read(initrd, 1 << 20, &all, &n, NULL) && n == 1024 && !memcmp(all, "1234567", 7) && !memcmp(all + 512, "070701", 6));
}
END_TEST

/* What is below the home, a name a line. */
static char *left(void)
{
	struct buf out = {0};
	AUTO_FREE char *find = x_asprintf("cd %s/home && find lib config ! -type d ! -name .lock -o -type d -path '*/in*' -o -type d -path '*/im*' | sort", dir);
	FILE *f = popen(find, "r");
	char line[300];
	while (f && fgets(line, sizeof(line), f))
		buf_puts(&out, line);
	pclose(f);
	return buf_take(&out);
}

START_TEST(what_fails_leaves_nothing)
{
	setenv("VMDECK_VMM", "/bin/true", 1);
	struct backend *b = open_local();
	AUTO_FREE char *before = left();
	static const char *const sets[][WORDS] = {
	    {"name=x", "location=@/tree", "disk=size=0.001", "memory=64", "network=none"}, /* its kernel is none */
	    {"name=x", "location=@/tree,kernel=none", "disk=size=0.001", "memory=64", "network=none"},
	    {"name=x", "location=@/tree", "disk=size=0.001", "disk=@/second.raw,size=0.001", "memory=64", "network=none", "initrd-inject=@/answers.cfg"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		struct install_request r = {0};
		struct install_plan *p = NULL;
		struct err e = {0};
		request_of(sets[i], &r);
		ck_assert_msg(!install_plan(b, &r, &p, &e), "set %zu: %s", i, e.msg);
		ck_assert_msg(install_run(b, p, NULL, NULL, &e) < 0, "set %zu", i);
		AUTO_FREE char *after = left(), *second = x_asprintf("%s/second.raw", dir);
		ck_assert_msg(str_eq(before, after), "set %zu: %s\n%s\n%s", i, e.msg, before, after);
		ck_assert(access(second, F_OK) < 0);
		install_plan_free(p);
		install_request_done(&r);
	}
	b->ops->close(b);
}
END_TEST

START_TEST(an_installation_may_begin_later)
{
	struct backend *b = open_local();
	static const char *const words[WORDS] = {"name=x", "location=@/tree", "disk=size=0.001", "memory=64", "network=none"};
	struct install_request r = {0};
	struct install_plan *p = NULL;
	struct domain_info info;
	struct err e = {0};
	setenv("VMDECK_VMM", "/bin/true", 1);
	request_of(words, &r);
	ck_assert_msg(!install_plan(b, &r, &p, &e), "%s", e.msg);
	p->flags |= INSTALL_NO_START;
	ck_assert_msg(!install_run(b, p, &info, NULL, &e), "%s", e.msg);
	ck_assert_int_eq(info.state, DOMAIN_SHUTOFF);
	struct domain *d = NULL;
	ck_assert(!install_pending(local_of(b), info.uuid, &d, &e) && d && d->installing && d->kernel);
	domain_free(d);
	ck_assert_msg(b->ops->domain_start(b, info.uuid, 0, NULL, &e) < 0, "a text is no kernel"); /* what starts is the first boot */
	ck_assert_msg(access("/dev/kvm", R_OK | W_OK) < 0 || strstr(e.msg, "kernel"), "%s", e.msg);
	ck_assert(!b->ops->domain_undefine(b, info.uuid, 0, &e));
	d = NULL;
	ck_assert(!install_pending(local_of(b), info.uuid, &d, &e) && !d);
	install_plan_free(p);
	install_request_done(&r);
	b->ops->close(b);
}
END_TEST

/* --- the command line --- */

static struct backend *open_fake(struct err *e)
{
	return backend_fake_open("", e);
}

static int run(char *text, size_t n, const char *line)
{
	AUTO_FREE char *words = expand(line), *out = NULL;
	char *argv[40] = {0};
	int argc = 0;
	for (char *p = strtok(words, " "); p && argc < 39; p = strtok(NULL, " "))
		argv[argc++] = p;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);
	int rc = cli_main(&(struct cli){.open = open_fake, .out = f, .msg = f}, argc, argv);
	fclose(f);
	snprintf(text, n, "%s", out);
	return rc;
}

START_TEST(command_lines_as_people_know_them_work)
{
	static const struct {
		const char *line, *says;
		int rc;
	} cases[] = {
	    {"vmdeck install --virt-type kvm --name x --ram 512 --cdrom @/cd.iso --disk path=@/disk.raw --network network=default "
	     "--graphics vnc,listen=0.0.0.0 --noautoconsole", "Starting install...", 0},
	    {"vmdeck install -n x -r 512 -c @/cd.iso --disk=size=1 -w user --noautoconsole", "Allocating 'x.raw'", 0},
	    {"vmdeck install -nx -r512 --pxe --nodisks --noautoconsole --quiet", "", 0},
	    {"vmdeck install --name x --import --disk @/disk.raw --noautoconsole", "Domain creation completed", 0},
	    {"vmdeck install --name x --pxe --disk none --dry-run", "Dry run completed", 0},
	    {"vmdeck install --name x --pxe --disk none --print-xml 2", "<domain type='kvm'>", 0},
	    {"vmdeck install --disk=?", "--disk options:\n  path ", 0},
	    {"vmdeck install --network ?", "portForward", 0},
	    {"vmdeck install --osinfo list", "new2                         New 2\nold1                         Old 1\n", 0},
	    {"vmdeck install --nam x --px --nodis --noauto --dry", "Dry run", 0},
	    {"vmdeck install --nam x --no", "support option --no", 1},
	    {"vmdeck install --help", "--initrd-inject", 0},
	    {"vmdeck install --nmae x", "did you mean --name?", 1},
	    {"vmdeck install --name x --disk siez=1 --pxe", "did you mean 'size'?", 1},
	    {"vmdeck install --name x --pxe --disk none --wait --dry-run", "Dry run", 0},
	    {"vmdeck install --name x --pxe --disk none --wait -1 --dry-run", "Dry run", 0},
	    {"vmdeck install --name x --name y --pxe", "already given", 1},
	    {"vmdeck install --name x --pxe --tpm default", "no TPM yet", 1},
	};
	char text[20000];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int rc = run(text, sizeof(text), cases[i].line);
		ck_assert_msg(rc == cases[i].rc && strstr(text, cases[i].says), "%s: %d\n%s", cases[i].line, rc, text);
	}
}
END_TEST

START_TEST(options_of_virt_installs_first_years_are_taken)
{
	char text[20000];
	for (size_t i = 0; i < ARRAY_SIZE(old_lines); i++) {
		AUTO_FREE char *line = x_asprintf("vmdeck install --name o --ram 64 --import --print-xml %s", old_lines[i].line);
		int rc = run(text, sizeof(text), line);
		const char *error = old_lines[i].error;
		ck_assert_msg(error ? rc && strstr(text, error) : !rc, "%s: %d\n%s", line, rc, text);
		for (size_t k = 0; !error && k < 4 && old_lines[i].has[k]; k++) {
			AUTO_FREE char *has = expand(old_lines[i].has[k]);
			bool absent = *has == '!';
			ck_assert_msg(!strstr(text, has + absent) == absent, "%s: %s\n%s", line, has, text);
		}
	}
}
END_TEST

START_TEST(the_hosts_layout_is_found_where_hosts_have_it)
{
	static const struct {
		const char *file, *text, *layout;
	} rows[] = {
	    {"default/keyboard", "# of Debian\nXKBMODEL=\"pc105\"\nXKBLAYOUT=\"de\"\n", "de"},
	    {"default/keyboard", "XKBLAYOUT=us,ru\n", "us"},
	    {"default/keyboard", "XKBLAYOUT=\"\"\n", NULL},
	    {"vconsole.conf", "KEYMAP=de-latin1-nodeadkeys\nFONT=x\n", "de"},
	    {"vconsole.conf", "KEYMAP='fr'\n", "fr"},
	    {"vconsole.conf", "KEYMAP=klingon\n", NULL},
	    {"sysconfig/keyboard", "KEYTABLE=\"us\"\n", "us"},
	};
	make_folder("etc/default");
	make_folder("etc/sysconfig");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *file = x_asprintf("etc/%s", rows[i].file), *path = x_asprintf("%s/%s", dir, file);
		write_file(file, rows[i].text);
		AUTO_FREE char *got = install_host_keymap(dir);
		ck_assert_msg(str_eq(got, rows[i].layout), "row %zu: %s", i, got ? got : "none");
		unlink(path);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("install");
	TCase *t = tcase_create("install");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_value_is_looked_at_as_it_is_typed);
	tcase_add_test(t, sizes_are_whole_pages);
	tcase_add_test(t, a_plan_is_two_xmls_of_one_domain);
	tcase_add_test(t, both_are_valid_for_libvirt);
	tcase_add_test(t, devices_are_the_same_in_both);
	tcase_add_test(t, what_makes_no_sense_is_refused_with_the_reason);
	tcase_add_test(t, what_has_no_effect_is_told);
	tcase_add_test(t, without_osinfo_db_a_guest_gets_what_suits_most);
	tcase_add_test(t, a_plan_is_a_command_line_that_a_shell_takes);
	tcase_add_test(t, a_medium_tells_whose_installer_is_on_it);
	tcase_add_test(t, a_tree_tells_whose_it_is);
	tcase_add_test(t, the_real_database_can_be_read);
	tcase_add_test(t, an_iso_tells_its_kernel_and_its_name);
	tcase_add_test(t, a_folder_tells_its_kernel);
	tcase_add_test(t, a_path_tells_what_it_is);
	tcase_add_test(t, an_image_tells_who_has_it);
	tcase_add_test(t, files_go_into_an_initrd);
	tcase_add_test(t, what_fails_leaves_nothing);
	tcase_add_test(t, an_installation_may_begin_later);
	tcase_add_test(t, command_lines_as_people_know_them_work);
	tcase_add_test(t, options_of_virt_installs_first_years_are_taken);
	tcase_add_test(t, the_hosts_layout_is_found_where_hosts_have_it);
	suite_add_tcase(s, t);
	return test_main(s);
}
