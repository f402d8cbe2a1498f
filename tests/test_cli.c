/* The command line on the in-memory host: words, sentences, tables and exit statuses are those of virsh. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#include "backend/fake/fake.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/str.h"
#include "src/base/version.h"
#include "src/cmd/rows.h"
#include "src/cmd/tty.h"
#include "tests/testlib.h"
#include "ui/cli/cli.h"

/* One host for a whole test: the command line opens and closes it, the test keeps it. */
static struct backend *host;
static struct backend_ops ops;

static void keep(struct backend *b)
{
}

static struct backend *open_host(struct err *e)
{
	if (!host)
		err_set(e, EIO, "no host today");
	return host;
}

static void (*host_close)(struct backend *);

static void host_done(void)
{
	if (host)
		host_close(host);
	host = NULL;
}

static void host_make(const char *script)
{
	host_done();
	struct err e;
	host = backend_fake_open(script, &e);
	ck_assert_msg(host != NULL, "%s", e.msg);
	ops = *host->ops;
	host_close = ops.close;
	ops.close = keep;
	host->ops = &ops;
}

struct result {
	int status;
	char *out, *err;
};

static void result_done(struct result *r)
{
	free(r->out);
	free(r->err);
}
#define AUTO_RESULT __attribute__((cleanup(result_done)))

/* Run a command line: words between spaces. */
static struct result run(const char *line)
{
	char *argv[64] = {(char *)"vmdeck"}, *save = NULL;
	int argc = 1;
	AUTO_FREE char *copy = x_strdup(line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	struct result r = {0};
	size_t n, m;
	FILE *out = open_memstream(&r.out, &n), *err = open_memstream(&r.err, &m);
	r.status = cli_main(&(struct cli){.open = open_host, .out = out, .msg = err}, argc, argv);
	fclose(out);
	fclose(err);
	return r;
}

static const char *const three_guests =
	"domain web1 running memory=256 vcpus=2 load=50 uptime=100 title=The web server\n"
	"domain db shutoff memory=1024 vcpus=4 autostart=1\n"
	"domain old-mail paused id=7\n"
	"domain burnt crashed\n"
	"screen web1 port=5901 passwd=secret viewers=2\n"
	"screen old-mail listen=0.0.0.0 passwd=\n"
	"screen burnt";

/* A command line each, on a fresh host with three_guests; the exit status follows from whether there is an
 * error. */
static const struct {
	const char *line, *out, *err; /* err: its beginning; NULL: none */
} cases[] = {
	{"list",
	 " Id   Name       State\n"
	 "--------------------------\n"
	 " 1    web1       running\n"
	 " 7    old-mail   paused\n",
	 NULL},
	{"list --all",
	 " Id   Name       State\n"
	 "---------------------------\n"
	 " 1    web1       running\n"
	 " 7    old-mail   paused\n"
	 " -    burnt      crashed\n"
	 " -    db         shut off\n",
	 NULL},
	{"list --inactive",
	 " Id   Name    State\n------------------------\n -    burnt   crashed\n -    db      shut off\n",
	 NULL},
	{"list --title",
	 " Id   Name       State     Title\n"
	 "-------------------------------------------\n"
	 " 1    web1       running   The web server\n"
	 " 7    old-mail   paused    \n",
	 NULL},
	{"-q list", " 1   web1       running\n 7   old-mail   paused\n", NULL},
	{"list --name", "web1\nold-mail\n", NULL},
	{"list --all --name", "web1\nold-mail\nburnt\ndb\n", NULL},
	{"list --all --id", "1\n7\n", NULL},
	{"list --all --id --name", "1 web1\n7 old-mail\n- burnt\n- db\n", NULL},
	{"list --state-shutoff --name", "db\n", NULL},
	{"list --state-shutoff --state-paused --name", "old-mail\ndb\n", NULL},
	{"list --state-other --name", "burnt\n", NULL},
	{"list --all --autostart --name", "db\n", NULL},
	{"list --all --no-autostart --name", "web1\nold-mail\nburnt\n", NULL},
	{"list --all --transient --name", "", NULL},
	{"domain-list --name", "web1\nold-mail\n", NULL},
	{"list --name --table", "", "error: Options --table and --name are mutually exclusive\n"},
	{"list foo", "", "error: unexpected data 'foo'\n"},
	{"list --with-snapshot", "",
	 "error: command 'list' doesn't support option --with-snapshot: virsh has it"},
	{"-q vncdisplay web1", "127.0.0.1:1\n", NULL},
	{"-q vncdisplay old-mail", ":0\n", NULL},
	{"vncdisplay burnt", "", "error: Failed to vncdisplay domain 'burnt': domain is not running"},
	{"vncdisplay db", "", "error: Failed to vncdisplay domain 'db': domain is not running"},
	{"domdisplay web1", "vnc://127.0.0.1:1\n", NULL},
	{"domdisplay web1 --include-password", "vnc://:secret@127.0.0.1:1\n", NULL},
	{"domdisplay old-mail --include-password --type vnc", "vnc://localhost:0\n", NULL},
	{"domdisplay web1 --type spice", "", "error: No graphical display with type 'spice' found"},
	{"vnc-passwd web1 --password geheim", "Password of the screen of domain 'web1' changed\n", NULL},
	{"vnc-passwd web1 --expire +60", "Password of the screen of domain 'web1' changed\n", NULL},
	{"vnc-passwd web1 --expire 2027-01-31T23:59:59", "Password of the screen of domain 'web1' changed\n", NULL},
	{"vnc-passwd web1 --expire tomorrow", "", "error: Failed to change the screen's password of domain 'web1': 'tomorrow' is no "
	                                         "time"},
	{"vnc-passwd web1 --password ninechars", "", "error: Failed to change the screen's password of domain 'web1': the "
	                                            "password is longer"},
	{"vnc-passwd db", "", "error: Failed to vnc-passwd domain 'db': domain is not running"},
	{"vnc-kick web1", "Viewers of domain 'web1' have been sent away\n", NULL},
	{"novnc web1 --port 0", "", "error: port '0' is none"},
	{"novnc nobody", "", "error: failed to get domain 'nobody'"},
	{"domid web1", "1\n", NULL},
	{"domid db", "-\n", NULL},
	{"domname 7", "old-mail\n", NULL},
	{"domname 9", "", "error: failed to get domain '9': "},
	{"domstate web1", "running\n", NULL},
	{"domstate --domain web1", "running\n", NULL},
	{"domstate --domain=web1", "running\n", NULL},
	{"domstate -- web1", "running\n", NULL},
	{"domstate web1 --reason", "running (booted)\n", NULL},
	{"domstate burnt --reason", "crashed (crashed)\n", NULL},
	{"domstate nope", "", "error: failed to get domain 'nope': no domain with matching name 'nope'\n"},
	{"domstate", "", "error: command 'domstate' requires <domain> option\n"},
	{"domstate web1 db", "", "error: unexpected data 'db'\n"},
	{"domstate web1 --domain db", "", "error: option --domain was already given\n"},
	{"domstate web1 --domain", "", "error: "},
	{"domstate web1 --raeson", "",
	 "error: command 'domstate' doesn't support option --raeson; did you mean --reason?\n"},
	{"domstate web1 --reason=yes", "", "error: invalid '=' after option --reason\n"},
	{"domstate web1 -r", "", "error: command 'domstate' doesn't support option -r"},
	{"domstat web1", "", "error: unknown command: 'domstat'; did you mean 'domstate'?\n"},
	{"frobnicate", "", "error: unknown command: 'frobnicate'; vmdeck help lists them all\n"},
	{"start db", "Domain 'db' started\n", NULL},
	{"start db --paused", "Domain 'db' started\n", NULL},
	{"start burnt", "Domain 'burnt' started\nScreen: 127.0.0.1:5900, password k7m3x9pa\n", NULL},
	{"-q start burnt", "", NULL},
	{"start burnt --no-password", "Domain 'burnt' started\nScreen: 127.0.0.1:5900, no password\n", NULL},
	{"start web1", "", "error: Domain is already active: 'web1' is running\n"},
	{"start old-mail", "",
	 "error: Domain is already active: 'old-mail' is paused; to let it go on: vmdeck resume old-mail\n"},
	{"start db --autodestroy", "",
	 "error: command 'start' doesn't support option --autodestroy: virsh has it"},
	{"-q start db", "", NULL},
	{"shutdown web1", "Domain 'web1' is being shutdown\n", NULL},
	{"shutdown web1 --mode acpi", "Domain 'web1' is being shutdown\n", NULL},
	{"shutdown web1 --mode agent", "", "error: mode 'agent' is not supported: acpi is the only one\n"},
	{"shutdown db", "",
	 "error: Failed to shutdown domain 'db': domain is not running (shut off); to start it: vmdeck start "
	 "db\n"},
	{"shutdown old-mail", "",
	 "error: Failed to shutdown domain 'old-mail': domain is paused; to let it go on: "},
	{"reboot web1", "Domain 'web1' is being rebooted\n", NULL},
	{"reset web1", "Domain 'web1' was reset\n", NULL},
	{"reset old-mail", "Domain 'old-mail' was reset\n", NULL},
	{"destroy web1", "Domain 'web1' destroyed\n", NULL},
	{"destroy web1 --graceful", "Domain 'web1' destroyed\n", NULL},
	{"destroy db", "", "error: Failed to destroy domain 'db': domain is not running"},
	{"suspend web1", "Domain 'web1' suspended\n", NULL},
	{"suspend old-mail", "", "error: Failed to suspend domain 'old-mail': domain is paused"},
	{"resume old-mail", "Domain 'old-mail' resumed\n", NULL},
	{"resume web1", "", "error: Failed to resume domain 'web1': domain is running, not paused\n"},
	{"undefine db", "Domain 'db' has been undefined\n", NULL},
	{"undefine db --nvram --keep-nvram", "", "error: Options --nvram and --keep-nvram are mutually exclusive"},
	{"undefine db --tpm", "", "error: command 'undefine' doesn't support option --tpm: virsh has it"},
	{"autostart web1", "Domain 'web1' marked as autostarted\n", NULL},
	{"autostart --disable db", "Domain 'db' unmarked as autostarted\n", NULL},
	{"autostart-all", "Domain 'db' started\n", NULL},
	{"define /no/such/file.xml", "",
	 "error: Failed to open file '/no/such/file.xml': No such file or directory\n"},
	{"define", "", "error: command 'define' requires <file> option\n"},
	{"qemu-monitor-command web1 query-status", "{\"return\":{\"status\":\"running\"}}\n", NULL},
	{"qemu-monitor-command web1 --return-value {\"execute\":\"query-status\"}",
	 "{\"status\":\"running\"}\n", NULL},
	{"qemu-monitor-command web1 {\"execute\":1}", "",
	 "error: Failed to run a command on domain 'web1': a QMP command"},
	{"qemu-monitor-command db query-status", "",
	 "error: Failed to qemu-monitor-command domain 'db': domain is not"},
	{"send-key web1 KEY_LEFTCTRL alt 0x6f", "", NULL},
	{"send-key web1 --codeset win32 --holdtime 20 VK_RETURN 13", "", NULL},
	{"send-key web1 shift 4", "", NULL},
	{"send-key web1 KEY_NONE", "", "error: invalid keycode: 'KEY_NONE'"},
	{"send-key web1 --codeset usb KEY_ENTER", "", "error: invalid keycode: 'KEY_ENTER'"},
	{"send-key web1 --codeset ebcdic 1", "", "error: unknown codeset: 'ebcdic'; there are linux, xt"},
	{"send-key web1 --holdtime 60001 1", "", "error: invalid value of --holdtime"},
	{"send-key web1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "", "error: too many keycodes"},
	{"console db", "", "error: Failed to open the console of domain 'db': domain 'db' is not running\n"},
	{"console web1 --devname serial9", "",
	 "error: Failed to open the console of domain 'web1': domain 'web1' has no"},
	{"console web1 --devname lpt1", "", "error: domain 'web1' has no console 'lpt1'"},
	{"console web1 --index x", "",
	 "error: Numeric value 'x' for <index> option is malformed or out of range\n"},
	{"console web1 --escape ctrl", "", "error: --escape wants one character"},
	{"nodeinfo",
	 "CPU model:           x86_64\n"
	 "CPU(s):              8\n"
	 "CPU frequency:       2500 MHz\n"
	 "CPU socket(s):       1\n"
	 "Core(s) per socket:  4\n"
	 "Thread(s) per core:  2\n"
	 "NUMA cell(s):        1\n"
	 "Memory size:         16777216 KiB\n",
	 NULL},
	{"domstats db --state --balloon",
	 "Domain: 'db'\n  state.state=5\n  state.reason=0\n  balloon.current=1048576\n  "
	 "balloon.maximum=1048576\n\n",
	 NULL},
	{"domstats web1 db --state",
	 "Domain: 'web1'\n  state.state=1\n  state.reason=1\n\nDomain: 'db'\n  state.state=5\n  "
	 "state.reason=0\n\n",
	 NULL},
	{"domstats --list-paused --state", "Domain: 'old-mail'\n  state.state=3\n  state.reason=1\n\n", NULL},
	{"domstats web1 --cpu-total",
	 "Domain: 'web1'\n  cpu.time=50500000000\n  cpu.user=45450000000\n  cpu.system=5050000000\n\n", NULL},
	{"domif-getlink web1 net0", "net0 up\n", NULL},
	{"domif-setlink web1 net0 down", "Device updated successfully\n", NULL},
	{"domif-getlink db net0 --config --json", "{\n  \"state\": \"up\"\n}\n", NULL},
	{"domif-getlink web1 vnet7", "", "error: Failed to get the link state of an interface of domain 'web1': interface (vnet7) not found"},
	{"domif-setlink web1 net0 sideways", "", "error: invalid link state 'sideways': it is up or down"},
	{"domif-setlink web1 net9 up", "", "error: Failed to set the link state of an interface of domain 'web1': interface (net9) not found"},
	{"domiflist web1",
	 " Interface   Type   Source   Model    MAC\n"
	 "---------------------------------------------------------\n"
	 " net0        user   -        virtio   52:54:00:cc:5e:d1\n",
	 NULL},
	{"domiflist web1 --json",
	 "[\n  {\n    \"interface\": \"net0\",\n    \"type\": \"user\",\n    \"source\": null,\n    \"model\": \"virtio\",\n    \"mac\": "
	 "\"52:54:00:cc:5e:d1\",\n    \"forwards\": []\n  }\n]\n",
	 NULL},
	{"domifaddr web1",
	 " Name   MAC address         Protocol   Address\n"
	 "-----------------------------------------------------\n"
	 " net0   52:54:00:cc:5e:d1   ipv4       10.0.2.15/24\n",
	 NULL},
	{"domifaddr web1 net0 --source lease --full --json",
	 "[\n  {\n    \"name\": \"net0\",\n    \"mac\": \"52:54:00:cc:5e:d1\",\n    \"protocol\": \"ipv4\",\n    \"address\": "
	 "\"10.0.2.15/24\"\n  }\n]\n",
	 NULL},
	{"domifaddr web1 --source arp --json", "[]\n", NULL},
	{"domifaddr web1 --source agent", "", "error: unknown data source 'agent': lease or arp"},
	{"domifaddr web1 net7", "", "error: Failed to query for interfaces addresses of domain 'web1': interface (net7) not found"},
	{"domifaddr db", "", "error: "},
	{"complete -- domifaddr web1 --source l", "lease\n", NULL},
	{"domifstat web1 net0",
	 "net0 rx_bytes 303000000\nnet0 rx_packets 252500\nnet0 rx_errs 0\nnet0 rx_drop 0\n"
	 "net0 tx_bytes 50500000\nnet0 tx_packets 126250\nnet0 tx_errs 0\nnet0 tx_drop 0\n",
	 NULL},
	{"domifstat db net0", "", "error: "},
	{"domstats web1 --interface",
	 "Domain: 'web1'\n  net.count=1\n  net.0.name=net0\n  net.0.rx.bytes=303000000\n  net.0.rx.pkts=252500\n"
	 "  net.0.rx.errs=0\n  net.0.rx.drop=0\n  net.0.tx.bytes=50500000\n  net.0.tx.pkts=126250\n  net.0.tx.errs=0\n"
	 "  net.0.tx.drop=0\n\n",
	 NULL},
	{"complete -- domif-setlink web1 net0 d", "down\n", NULL},
	{"domstats nope", "", "error: failed to get domain 'nope'"},
	{"domstats --perf", "", "error: command 'domstats' doesn't support option --perf: virsh has it"},
	{"domstate web1 --json",
	 "{\n  \"state\": \"running\",\n  \"reason\": \"booted\",\n  \"detail\": \"\"\n}\n", NULL},
	{"domid db --json", NULL, NULL},
	{"start db --json", "", "error: command 'start' doesn't support option --json"},
	{"help nope", "", "error: command or command group 'nope' doesn't exist"},
	{"-c qemu+ssh://host/system list", "", "error: cannot connect to 'qemu+ssh://host/system': vmdeck works on its own host"},
	{"-c qemu:///system domid web1", "1\n", NULL},
	{"--connect=qemu:///session -r domid web1", "1\n", NULL},
	{"-qrc qemu:///system domid web1", "1\n", NULL},
	{"-cqemu:///system --readonly domname 1", "web1\n", NULL},
	{"-r destroy web1", "", "error: operation forbidden: read only access prevents 'destroy'\n"},
	{"-r console web1", "", "error: operation forbidden: read only access prevents 'console'\n"},
	{"-d 0 -k 5 -K 3 -l /tmp/log --no-pkttyagent domid web1", "1\n", NULL},
	{"-e ctrl console web1", "", "error: --escape wants one character"},
	{"-c", "", "error: option '-c' requires an argument\n"},
	{"-x", "", "error: unsupported option '-x'. See --help.\n"},
	{"--nonsense list", "", "error: unsupported option '--nonsense'. See --help.\n"},
	{"domid --domain=web1", "1\n", NULL},
	{"domid --domain web1", "1\n", NULL},
	{"domid -- web1", "1\n", NULL},
	{"--version", VMDECK_VERSION "\n", NULL},
	{"domain-release web1", "", NULL},
	{"complete -- su", "suspend\n", NULL},
	{"complete -- install --dis", "--disk\n", NULL},
	{"complete -- install --soun", "", NULL},
	{"complete -- install --disk b", "bus=\nboot.order=\n", NULL},
	{"complete -- install --disk size = 3,cac", "3,cache=\n", NULL},
	{"complete -- install --disk size = 3,bus = v", "virtio\n", NULL},
	{"complete -- install --disk=size=3,readonly=y", "--disk=size=3,readonly=yes\n", NULL},
	{"complete -- install --graphics v", "vnc\n", NULL},
	{"complete -- install -w us", "user\n", NULL},
	{"complete -- install --cdrom /tm", "", NULL},
	{"complete -- start d", "db\n", NULL},
	{"complete -- resume --domain o", "old-mail\n", NULL},
	{"complete -- domstate web1 --r", "--reason\n", NULL},
	{"complete -- domstate web1 d", "", NULL},
	{"complete -- console --escape ^A w", "web1\n", NULL},
	{"complete -- help no", "novnc\nnodeinfo\n", NULL},
	{"complete -- send-key web1 KEY_ENT", "KEY_ENTER\n", NULL},
	{"complete -- send-key --codeset xt_", "xt_kbd\n", NULL},
	{"complete -- send-key web1 KEY_LEFTCTRL KEY_F12", "KEY_F12\n", NULL},
	{"complete -- nonsense x", "", NULL},
};

START_TEST(a_command_line_says_what_virsh_says)
{
	host_make(three_guests);
	AUTO_RESULT struct result r = run(cases[_i].line);
	const char *err = cases[_i].err;
	if (cases[_i].out)
		ck_assert_str_eq(r.out, cases[_i].out);
	if (err)
		ck_assert_msg(str_starts(r.err, err), "%s: '%s' does not begin with '%s'", cases[_i].line,
			      r.err, err);
	else
		ck_assert_str_eq(r.err, "");
	ck_assert_int_eq(r.status, err != NULL);
}
END_TEST

/* What bash puts in place of what it replaces. */
START_TEST(completion_takes_the_line_as_bash_has_it)
{
	static const char breaks[] = " \t\n\"'@><=;|&(:";
	static const struct {
		const char *line, *out, *breaks;
	} rows[] = {
		{"vmdeck du", "dumpxml\n", NULL},
		{"vmdeck dumpxml web", "web:1\nweb:2\n", NULL},
		{"vmdeck dumpxml web:", "1\n2\n", NULL},
		{"vmdeck dumpxml web:2", "2\n", NULL},
		{"vmdeck dumpxml web\\:2", "web:2\n", NULL},
		{"vmdeck dumpxml 'web:", "web:1\nweb:2\n", NULL},
		{"vmdeck dumpxml web:", "web:1\nweb:2\n", " \t\n"},
		{"vmdeck dumpxml --domain web:", "1\n2\n", NULL},
		{"vmdeck dumpxml --domain=web:", "1\n2\n", NULL},
		{"vmdeck dumpxml --domain=we", "web:1\nweb:2\n", NULL},
		{"vmdeck dumpxml --domain=we", "--domain=web:1\n--domain=web:2\n", " \t\n"},
		{"vmdeck dumpxml --domain='we", "web:1\nweb:2\n", NULL},
		{"vmdeck dumpxml Win", "Windows\\ 10\n", NULL},
		{"vmdeck dumpxml Windows\\ ", "Windows\\ 10\n", NULL},
		{"vmdeck dumpxml \"Win", "Windows 10\n", NULL},
		{"vmdeck dumpxml 'Windows ", "Windows 10\n", NULL},
		{"vmdeck dumpxml \"Windows 1", "Windows 10\n", NULL},
		{"vmdeck dumpxml d", "d\\$a\\'b\n", NULL},
		{"vmdeck dumpxml \"d", "d\\$a'b\n", NULL},
		{"vmdeck dumpxml 'd", "d$a'\\''b\n", NULL},
		{"vmdeck dumpxml x=", "x=y\n", " \t\n"},
		{"vmdeck dumpxml x=", "y\n", NULL},
		{"vmdeck dumpxml Win\\", "Windows\\ 10\n", NULL},
		{"vmdeck -q  dumpxml   Win", "Windows\\ 10\n", NULL},
		{"/usr/bin/vmdeck dumpxml m\303\241", "m\303\241quina\n", NULL},
		{"vmdeck install --disk size=3,cac", "3,cache=\n", NULL},
		{"vmdeck install --disk size=3,bus=v", "virtio\n", NULL},
		{"vmdeck install --disk=size=3,readonly=y", "yes\n", NULL},
		{"vmdeck install --disk \"size=3,bus=v", "size=3,bus=virtio\n", NULL},
		{"vmdeck install -w us", "user\n", NULL},
		{"vmdeck dumpxml nope", "", NULL},
		{"vmdeck", "", NULL},
		{"", "", NULL},
	};
	struct err e = {0};
	host_make("domain other");
	static const char *const names[] = {"web:2", "web:1", "Windows 10", "d$a'b", "x=y", "m\303\241quina"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO_FREE char *xml = x_asprintf("<domain type='kvm'><name>%s</name><memory>65536</memory><os><type>hvm"
						 "</type></os></domain>", names[i]);
		struct domain_info info;
		ck_assert_msg(!host->ops->domain_define(host, xml, "t", 0, &info, NULL, &e), "%s", e.msg);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = 0;
		char *text = NULL;
		FILE *f = open_memstream(&text, &n);
		cli_complete_line(&(struct cli){.open = open_host}, rows[i].line, rows[i].breaks ? rows[i].breaks : breaks, f);
		fclose(f);
		ck_assert_msg(str_eq(text, rows[i].out), "%s: '%s'", rows[i].line, text);
		free(text);
	}
}
END_TEST

START_TEST(dominfo_shows_virshs_fields)
{
	host_make(three_guests);
	AUTO_RESULT struct result r = run("dominfo web1");
	AUTO_RESULT struct result uuid = run("domuuid web1");
	uuid.out[strcspn(uuid.out, "\n")] = 0;
	AUTO_FREE char *want = x_asprintf("Id:             1\n"
					  "Name:           web1\n"
					  "UUID:           %s\n"
					  "OS Type:        hvm\n"
					  "State:          running\n"
					  "CPU(s):         2\n"
					  "CPU time:       50.5s\n"
					  "Max memory:     262144 KiB\n"
					  "Used memory:    262144 KiB\n"
					  "Persistent:     yes\n"
					  "Autostart:      disable\n"
					  "Managed save:   no\n"
					  "Security model: none\n"
					  "Security DOI:   0\n"
					  "Firmware:       none\n"
					  "Boots:          the kernel /boot/vmlinuz\n"
					  "Screen:         none\n"
					  "Network:        user-mode network (52:54:00:cc:5e:d1)\n",
					  uuid.out);
	ck_assert_str_eq(r.out, want);
	AUTO_RESULT struct result by_uuid = run("dominfo db");
	ck_assert(str_starts(by_uuid.out, "Id:             -\n"));
	AUTO_FREE char *line = x_asprintf("domname %s", uuid.out);
	AUTO_RESULT struct result name = run(line);
	ck_assert_str_eq(name.out, "web1\n");
}
END_TEST

START_TEST(dominfo_says_why_nothing_is_heard)
{
	struct err e;
	host_make(three_guests);
	ck_assert(!fake_script(host,
	                       "facts web1 {\"uptime-ms\":90000,\"since-reset-ms\":90000,\"vcpus\":[{\"state\":\"halted\",\"address\":\"0x1\","
	                       "\"bits\":64}],\"console\":{\"bytes\":9,\"ago-ms\":9000,\"tail\":\"x\"}}", &e));
	AUTO_RESULT struct result r = run("dominfo web1");
	ck_assert_msg(strstr(r.out, "\nDiagnosis:      Its CPU is halted with interrupts off: nothing can wake it.\n                It may have ended on purpose or given up;"),
	              "%s", r.out);
	AUTO_RESULT struct result json = run("dominfo web1 --json");
	ck_assert_msg(strstr(json.out, "\"kind\": \"halted\",") && strstr(json.out, "\"trouble\": true"), "%s", json.out);
	ck_assert(!fake_script(host, "fail domain_command ETIMEDOUT it does not answer", &e));
	AUTO_RESULT struct result late = run("dominfo web1");
	ck_assert_msg(strstr(late.out, "\nDiagnosis:      Its process does not answer"), "%s", late.out);
}
END_TEST

static const char *blocks; /* the guest's answer to query-block */

static int answer_blocks(struct backend *b, const char *uuid, const char *name, const char *args, char **reply,
			 struct err *e)
{
	ck_assert_str_eq(name, "query-block");
	*reply = x_strdup(blocks);
	return 0;
}

START_TEST(domblkerror_tells_each_disk_that_has_failed)
{
	host_make(three_guests);
	ops.domain_command = answer_blocks;
	blocks = "[{\"device\":\"vda\",\"io-status\":\"ok\"},{\"device\":\"hdc\"}]";
	AUTO_RESULT struct result none = run("domblkerror web1");
	ck_assert_str_eq(none.out, "No errors found\n");
	blocks = "[{\"device\":\"vda\",\"io-status\":\"nospace\"},{\"device\":\"v\\u001b[2Jdb\",\"io-status\":\"failed\","
		 "\"x-lost\":\"Input/output error\"}]";
	AUTO_RESULT struct result r = run("domblkerror web1");
	ck_assert_msg(strstr(r.out, "vda: no space\n") && strstr(r.out, "db: unspecified error: a flush failed (Input/output error)"),
		      "%s", r.out);
	ck_assert_ptr_null(strchr(r.out, '\033'));
	AUTO_RESULT struct result json = run("domblkerror web1 --json");
	ck_assert_msg(strstr(json.out, "\"lost\": \"Input/output error\""), "%s", json.out);
}
END_TEST

START_TEST(type_looks_at_all_before_it_types)
{
	host_make(three_guests);
	AUTO_RESULT struct result r = run("type web1 --layout de 'ab'");
	ck_assert_msg(!r.status && !*r.out && !*r.err, "%d %s%s", r.status, r.out, r.err);
	AUTO_RESULT struct result bad = run("type web1 ab\xe2\x82\xac");
	ck_assert_msg(bad.status == 1 && strstr(bad.err, "layout 'us' has no key for"), "%s", bad.err);
	AUTO_RESULT struct result none = run("type web1 --layout nosuch ab");
	ck_assert_msg(none.status == 1 && strstr(none.err, "no keyboard layout 'nosuch'"), "%s", none.err);
	AUTO_RESULT struct result slow = run("type web1 --delay 5000 ab");
	ck_assert_msg(slow.status == 1 && strstr(slow.err, "--delay"), "%s", slow.err);
	AUTO_RESULT struct result off = run("type db ab");
	ck_assert_msg(off.status == 1 && strstr(off.err, "not running"), "%s", off.err);
}
END_TEST

START_TEST(json_of_every_reporting_verb_parses)
{
	static const struct {
		const char *line, *key;
	} verbs[] = {
		{"list --all --json", NULL},         {"dominfo web1 --json", "cpu_ns"},
		{"domstate db --json", "reason"},    {"domid db --json", "id"},
		{"domname db --json", "name"},       {"domuuid db --json", "uuid"},
		{"nodeinfo --json", "memory_bytes"}, {"version --json", "kvm_api"},
		{"host-validate --json", NULL},      {"domstats --json", NULL},
		{"ttyconsole web1 --json", "path"},
	};
	host_make(three_guests);
	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++) {
		AUTO_RESULT struct result r = run(verbs[i].line);
		struct err e;
		AUTO_JSON json_t *j = json_parse(r.out, strlen(r.out), &e);
		ck_assert_msg(j != NULL, "%s: %s", verbs[i].line, e.msg);
		ck_assert_int_eq(r.status, 0);
		if (verbs[i].key)
			ck_assert_msg(json_object_get(j, verbs[i].key) != NULL, "%s: no %s", verbs[i].line,
				      verbs[i].key);
		else
			ck_assert_int_gt(json_array_size(j), 0);
	}
}
END_TEST

START_TEST(host_validate_fails_with_the_check_that_failed)
{
	host_make("domain web1 shutoff\ninterpreted");
	AUTO_RESULT struct result r = run("host-validate");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(
		strstr(r.out, ": FAIL (kernel mode is interpreted; use a host with VT-x or AMD-V)\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "  KVM: /dev/kvm can be opened   "));
	ck_assert(str_starts(r.err, "error: 1 of 3 checks failed"));
	AUTO_RESULT struct result refused = run("start web1"), forced = run("start web1 --force");
	ck_assert_int_eq(refused.status, 1);
	ck_assert_ptr_nonnull(strstr(refused.err, "--force"));
	ck_assert_int_eq(forced.status, 0);
}
END_TEST

/* A file that goes with the test. */
static char *xml_file(const char *text)
{
	char *path = x_strdup("/tmp/vmdeck-test-XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
	return path;
}

static const char *const good_xml =
	"<domain type='kvm'><name>new1</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
	"<os><type arch='x86_64' machine='pc'>hvm</type><kernel>/k</kernel></os></domain>\n";

START_TEST(define_dumpxml_undefine_go_round)
{
	host_make("domain web1 shutoff");
	AUTO_FREE char *path = xml_file(good_xml), *line = x_asprintf("define %s", path);
	AUTO_FREE char *want = x_asprintf("Domain 'new1' defined from %s\n", path);
	AUTO_RESULT struct result r = run(line);
	ck_assert_str_eq(r.out, want);
	AUTO_RESULT struct result dump = run("dumpxml new1");
	ck_assert_ptr_nonnull(strstr(dump.out, "<name>new1</name>"));
	ck_assert_ptr_nonnull(strstr(dump.out, "<uuid>"));
	AUTO_RESULT struct result gone = run("undefine new1"), after = run("domstate new1");
	ck_assert_int_eq(gone.status, 0);
	ck_assert_int_eq(after.status, 1);
	unlink(path);
}
END_TEST

START_TEST(create_runs_a_domain_that_ends_with_its_run)
{
	host_make("domain web1 shutoff");
	AUTO_FREE char *path = xml_file(good_xml), *line = x_asprintf("create %s --paused", path);
	AUTO_FREE char *want = x_asprintf("Domain 'new1' created from %s\n", path);
	AUTO_RESULT struct result r = run(line), state = run("domstate new1 --reason"),
				  list = run("list --transient --name");
	ck_assert_str_eq(r.out, want);
	ck_assert_str_eq(state.out, "paused (starting up)\n");
	ck_assert_str_eq(list.out, "new1\n");
	AUTO_RESULT struct result gone = run("destroy new1"), after = run("domstate new1");
	ck_assert_int_eq(gone.status, 0);
	ck_assert_int_eq(after.status, 1);
	unlink(path);
}
END_TEST

START_TEST(bad_xml_is_refused_with_file_and_line)
{
	host_make("domain web1 shutoff");
	AUTO_FREE char *path =
		xml_file("<domain type='kvm'>\n<name>x</name>\n<memory>lots</memory>\n</domain>\n");
	AUTO_FREE char *line = x_asprintf("define %s", path),
		       *want = x_asprintf("error: Failed to define domain from %s: ", path);
	AUTO_RESULT struct result r = run(line);
	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(str_starts(r.err, want), "%s", r.err);
	ck_assert_msg(strstr(r.err, ":3") != NULL, "no line number: %s", r.err);
	unlink(path);
}
END_TEST

START_TEST(a_failing_host_is_one_sentence_and_status_1)
{
	host_make("domain web1 shutoff\nfail domain_start EIO the plug is out\nfail domain_list EACCES not "
		  "yours");
	AUTO_RESULT struct result r = run("start web1"), again = run("start web1"), list = run("list");
	ck_assert_str_eq(r.err, "error: Failed to start domain 'web1': the plug is out\n");
	ck_assert_int_eq(r.status, 1);
	ck_assert_int_eq(again.status, 0);
	ck_assert_str_eq(list.err, "error: Failed to list domains: not yours\n");
	host_done();
	AUTO_RESULT struct result none = run("list"), help = run("help"), verb = run("help start"),
				  opt = run("start --help");
	ck_assert_str_eq(none.err, "error: no host today\n");
	ck_assert_int_eq(help.status, 0); /* help needs no host */
	ck_assert_str_eq(verb.out, opt.out);
	ck_assert(str_starts(
		verb.out, "  NAME\n    start - start a (previously defined) inactive domain\n\n  SYNOPSIS\n"
			  "    start <domain> [--console] [--paused] [--force] [--no-password] [--reset-nvram]\n"));
}
END_TEST

START_TEST(edit_takes_what_the_editor_leaves)
{
	static const struct {
		const char *editor;
		int status;
		const char *out, *err; /* how they begin */
	} edits[] = {
		{"true", 0, "Domain 'web1' XML configuration not changed.\n", NULL},
		{"sed -i s,/boot/vmlinuz,/boot/other,", 0,
		 "Domain 'web1' XML configuration edited.\n--- before\n+++ now\n@@ ", NULL},
		{"sed -i s,65536,lots,", 1, "", "error: Failed to edit domain 'web1': "},
		{"false", 1, "",
		 "error: Failed to edit domain 'web1': the editor 'false' left with status 1"},
		{"no-such-editor-here 2>/dev/null", 1, "", "error: Failed to edit domain 'web1': the editor"},
	};
	/* No answer to "try again?". */
	ck_assert_int_ge(dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO), 0);
	unsetenv("VISUAL");
	for (unsigned i = 0; i < ARRAY_SIZE(edits); i++) {
		host_make("domain web1 shutoff");
		setenv("EDITOR", edits[i].editor, 1);
		AUTO_RESULT struct result r = run("edit web1");
		ck_assert_int_eq(r.status, edits[i].status);
		ck_assert_msg(str_starts(r.out, edits[i].out) && !*r.out == !*edits[i].out, "%s", r.out);
		ck_assert_msg(i != 1 || (strstr(r.out, "\n-    <kernel>/boot/vmlinuz</kernel>\n+    <kernel>/boot/other</kernel>\n")),
			      "%s", r.out);
		ck_assert_msg(!edits[i].err || strstr(r.err, edits[i].err), "%s: %s", edits[i].editor, r.err);
		AUTO_RESULT struct result xml = run("dumpxml web1");
		ck_assert_int_eq(strstr(xml.out, "/boot/other") != NULL, i == 1);
	}
}
END_TEST

START_TEST(edit_asks_again_until_the_xml_is_right)
{
	int in[2];
	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(fd_write_all(in[1], "?\nf\ni\nY\n", 8), 0);
	dup2(in[0], STDIN_FILENO);
	unsetenv("VISUAL");
	/* Wrong the first time, right the second. */
	setenv("EDITOR", "sed -i -e s,lots,131072,g -e t -e s,65536,lots,g", 1);
	host_make("domain web1 shutoff");
	AUTO_RESULT struct result r = run("-q edit web1"), info = run("dominfo web1");
	ck_assert_str_eq(r.out, ""); /* nothing but what is wrong */
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.err, "Failed. Try again? [y,n,i,f,?]: y - yes, start editor again\n"));
	ck_assert_ptr_nonnull(strstr(info.out, "Max memory:     131072 KiB\n"));
}
END_TEST

START_TEST(edit_with_another_name_asks_what_that_means)
{
	static const char net[] = "<domain type='kvm'><name>web1</name>\n<uuid>3fd1ae2c-5d4a-4a0b-9d3e-7f2b6f0c1a55</uuid>"
				  "\n<memory>65536</memory><os><type>hvm</type></os><devices><interface type='user'>"
				  "<mac address='52:54:00:01:02:03'/></interface></devices></domain>";
	static const char question[] = "The name was changed from 'web1' to 'web2'. Rename the domain, or define a second "
				       "one? [r,s,y,n,?]: ";
	static const struct {
		const char *answers, *more; /* what the editor does too */
		int status;
		const char *out, *err;
		bool web1, web2, same_uuid;
	} rows[] = {
		{"r\n", "", 0, "Domain 'web1' renamed to 'web2'.\n", NULL, false, true, true},
		{"R\n", "-e /uuid/d", 0, "Domain 'web1' renamed to 'web2'.\n", NULL, false, true, true},
		{"s\n", "", 0, "Domain 'web2' defined beside 'web1'", NULL, true, true, false},
		{"?\ns\n", "-e /uuid/d", 0, "Domain 'web2' defined beside 'web1'", "r - rename 'web1' to 'web2'", true, true, false},
		{"n\n", "", 0, "Domain 'web1' XML configuration not changed.\n", NULL, true, false, false},
		{"y\nn\n", "", 0, "Domain 'web1' XML configuration not changed.\n", NULL, true, false, false},
		{"", "", 1, "", "nothing was changed", true, false, false},
	};
	unsetenv("VISUAL");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int in[2];
		struct domain_info info;
		struct err e;
		host_make("domain db");
		ck_assert_int_eq(host->ops->domain_define(host, net, "t", 0, &info, NULL, &e), 0);
		ck_assert_int_eq(pipe(in), 0);
		ck_assert_int_eq(fd_write_all(in[1], rows[i].answers, strlen(rows[i].answers)), 0);
		close(in[1]);
		dup2(in[0], STDIN_FILENO);
		close(in[0]);
		AUTO_FREE char *editor = x_asprintf("sed -i -e s,web1,web2, %s", rows[i].more);
		setenv("EDITOR", editor, 1);
		AUTO_RESULT struct result r = run("edit web1");
		ck_assert_msg(r.status == rows[i].status && str_starts(r.out, rows[i].out), "row %zu: %s%s", i, r.out, r.err);
		ck_assert_msg(str_starts(r.err, question) && (!rows[i].err || strstr(r.err, rows[i].err)), "row %zu: %s", i, r.err);
		AUTO_RESULT struct result one = run("dumpxml web1"), two = run("dumpxml web2");
		ck_assert_msg(!one.status == rows[i].web1 && !two.status == rows[i].web2, "row %zu", i);
		ck_assert_msg(!rows[i].web2 || !strstr(two.out, info.uuid) == !rows[i].same_uuid, "row %zu: %s", i, two.out);
		ck_assert_msg(!rows[i].web2 || !strstr(two.out, "52:54:00:01:02:03") == !rows[i].same_uuid, "row %zu: %s", i, two.out);
	}
	host_make("domain web1 running");
	int in[2];
	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(fd_write_all(in[1], "r\nn\n", 4), 0);
	dup2(in[0], STDIN_FILENO);
	setenv("EDITOR", "sed -i -e s,web1,web2,", 1);
	AUTO_RESULT struct result r = run("edit web1");
	ck_assert_msg(r.status == 1 && strstr(r.err, "cannot rename active domain 'web1'"), "%s", r.err);
}
END_TEST

START_TEST(console_log_prints_the_record)
{
	host_make("domain web1 running\nconsole web1 first life\\r\\n");
	AUTO_RESULT struct result reset = run("reset web1");
	fake_feed(host, "web1", "second life\r\n", 13);
	AUTO_RESULT struct result all = run("console web1 --log"), boot = run("console web1 --since-boot");
	ck_assert_str_eq(all.out, "first life\r\nsecond life\r\n");
	ck_assert_str_eq(boot.out, "second life\r\n");
	ck_assert_int_eq(reset.status, 0);
}
END_TEST

START_TEST(the_record_on_a_terminal_keeps_colours_and_nothing_else)
{
	static const struct {
		const char *in, *out;
	} streams[] = {
		{"plain\r\nnext\n", "plain\nnext\n"},
		{"10%\r20%\r\n", "10%\n20%\n"},
		{"\033[1;31mred\033[0m", "\033[1;31mred\033[0m"},
		{"a\033[2J\033[Hb\033[?1049hc\033[6nd", "abcd"},
		{"t\033]0;title\007x\033]52;c;aGk=\033\\y\033Pq\033\\z", "txyz"},
		{"\033(Bq\033cr\033=s", "qrs"},
		{"bell\a back\b del\177", "bell back del"},
		{"\303\251 \302\251 \302\23331m",
		 "\303\251 \302\251 31m"}, /* e acute, copyright sign, C1 CSI */
		{"\033[1;2;3;4;5;6;7;8;9;0;1;2;3;4;5;6;7;8;9;0;1;2;3;4;5;6;7;8;9;0;1;2;3;4;5;6;7;8;9;0mx",
		 "7;8;9;0mx"},
		{"\033[>4;2mx", "x"},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(streams); i++)
		for (size_t step = 1; step < 3; step++) { /* in whole, and byte by byte */
			struct tty_filter f = {0};
			char out[512];
			size_t n = strlen(streams[i].in), k = 0;
			for (size_t at = 0; at < n; at += step == 1 ? 1 : n)
				k += tty_filter(&f, streams[i].in + at, step == 1 ? 1 : n, out + k);
			out[k] = 0;
			if (i != 8) /* too long to be a colour: whatever is left is plain text */
				ck_assert_str_eq(out, streams[i].out);
			ck_assert(i == 8 ? !strchr(out, '\033') : true);
		}
}
END_TEST

/* The console with real descriptors: a child runs the command line on a host of its own. : what web1 has said
 * and echoed is written behind that. */
static _Noreturn void child(const char *script, const char *line, bool record)
{
	char *argv[16] = {(char *)"vmdeck"}, *save = NULL;
	int argc = 1;
	char *copy = x_strdup(line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	host_make(script);
	int status = cli_main(&(struct cli){.open = open_host}, argc, argv);
	if (record) {
		struct domain_info d;
		host->ops->domain_get(host, "web1", &d, NULL);
		host->ops->console_log(host, d.uuid, 0, false, STDOUT_FILENO, NULL);
	}
	exit(status);
}

static const char *const live_guest = "domain web1 running\nconsole web1 ~ # \nlive";

/* Read @fd until @want was seen or it ends. */
static char *read_until(int fd, const char *want)
{
	struct buf b = {0};
	char part[512];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	while (!(want && strstr(buf_text(&b), want)) && poll(&p, 1, 20000) > 0) {
		ssize_t n = read(fd, part, sizeof(part));
		if (n <= 0)
			break;
		buf_add(&b, part, (size_t)n);
	}
	return buf_take(&b);
}

START_TEST(console_through_a_pipe_delivers_every_byte)
{
	int in[2], out[2], status;
	ck_assert_int_eq(pipe(in) | pipe(out), 0);
	pid_t pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		child(live_guest, "console web1", true);
	}
	close(in[0]);
	close(out[1]);
	/* More than a socket buffer takes at once. */
	struct buf typed = {0};
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&typed, "line %05u of many that are typed at once and must all arrive\r", i);
	buf_puts(&typed, "echo the end\r");
	pid_t writer = fork();
	if (!writer) {
		close(out[0]);
		_exit(fd_write_all(in[1], typed.s, typed.len) ? 1 : 0);
	}
	close(in[1]);
	AUTO_FREE char *text = read_until(out[0], NULL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(waitpid(writer, &status, 0), writer);
	ck_assert_int_eq(status, 0);
	ck_assert_msg(strstr(text, "echo the end\r\nthe end\r\n") != NULL, "the last line did not arrive");
	buf_done(&typed);
}
END_TEST

/* `define @file` with @in on its standard input; what it says is the caller's to free. */
static char *define_from(const char *file, int in, int *status)
{
	int out[2];
	AUTO_FREE char *line = x_asprintf("define %s", file);
	ck_assert_int_eq(pipe(out), 0);
	pid_t pid = fork();
	if (!pid) {
		dup2(in, 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		close(out[0]);
		child("domain db", line, false);
	}
	close(out[1]);
	char *text = read_until(out[0], NULL);
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, status, 0), pid);
	return text;
}

START_TEST(define_reads_whatever_can_be_read_to_its_end)
{
	static const char xml[] = "<domain type='kvm'><name>piped</name><memory>65536</memory><os><type>hvm</type>"
				  "</os></domain>";
	static const char utf16[] = "\xff\xfe<\0d\0o\0m\0a\0i\0n\0/\0>\0"; /* refused, but as a domain */
	char dir[] = "/tmp/vmdeck-test-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(dir));
	AUTO_FREE char *fifo = x_asprintf("%s/fifo", dir), *file = x_asprintf("%s/file", dir);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(file_replace(file, "", 0, 0600, NULL), 0);
	const char *names[] = {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", fifo, file, dir};
	enum { PIPE, SOCKET, TERMINAL, FILES, KINDS };
	for (unsigned kind = 0; kind < KINDS; kind++)
		for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
			bool empty = names[i] == file, folder = names[i] == dir;
			int s[2], status, slave = -1;
			if (kind == PIPE)
				ck_assert_int_eq(pipe(s), 0);
			else if (kind == SOCKET)
				ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
			else if (kind == TERMINAL)
				ck_assert_int_eq(openpty(&s[1], &slave, NULL, NULL, NULL), 0);
			else
				s[0] = memfd_create("xml", 0), s[1] = dup(s[0]);
			s[0] = kind == TERMINAL ? slave : s[0];
			pid_t writer = fork();
			if (!writer) { /* in pieces, and not all at once */
				int fd = names[i] == fifo ? open(fifo, O_WRONLY) : s[1];
				close(s[0]);
				for (size_t k = 0; k < sizeof(xml) - 1; k += 50) {
					size_t left = sizeof(xml) - 1 - k;
					fd_write_all(fd, xml + k, left < 50 ? left : 50);
					nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
				}
				if (kind == TERMINAL && names[i] != fifo) {
					fd_write_all(fd, "\n\004", 2);
					poll(NULL, 0, 20000); /* until it has been read */
				}
				_exit(0);
			}
			if (kind == FILES) {
				waitpid(writer, NULL, names[i] == fifo ? WNOHANG : 0);
				lseek(s[0], 0, SEEK_SET);
			}
			if (kind != TERMINAL)
				close(s[1]);
			AUTO_FREE char *said = define_from(names[i], s[0], &status);
			kill(writer, SIGKILL);
			waitpid(writer, NULL, 0);
			const char *want = empty ? "empty, there is no XML in it" : folder ? "Is a directory" : "Domain 'piped' defined";
			ck_assert_msg(strstr(said, want) != NULL, "kind %u, %s: %s", kind, names[i], said);
			close(s[0]);
			if (kind == TERMINAL)
				close(s[1]);
		}
	int status;
	ck_assert_int_eq(file_replace(file, utf16, sizeof(utf16) - 1, 0600, NULL), 0);
	AUTO_FREE char *said = define_from(file, 0, &status);
	ck_assert_msg(strstr(said, "domain/@type: missing") != NULL, "%s", said);
	ck_assert_int_eq(file_replace(file, "<domain\0>", 9, 0600, NULL), 0);
	AUTO_FREE char *nul = define_from(file, 0, &status);
	ck_assert_msg(strstr(nul, "a byte of value 0") != NULL, "%s", nul);
	unlink(fifo);
	unlink(file);
	rmdir(dir);
}
END_TEST

/* The other end of a console reads @piece bytes every 20 ms, @most in all; what the console said is in *e.
 * Return: how many bytes came. */
static size_t slow_guest(const char *typed, size_t n, size_t piece, size_t most, struct err *e)
{
	int in[2], s[2], status;
	struct err *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_int_eq(pipe(in) | socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	pid_t writer = fork();
	if (!writer) {
		signal(SIGPIPE, SIG_IGN);
		close(in[0]);
		fd_write_all(in[1], typed, n);
		_exit(0);
	}
	pid_t pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		close(in[1]);
		close(in[0]);
		close(s[1]);
		struct cmd_ctx c = {.cmd = cmd_find("console", NULL), .out = stdout, .msg = stderr};
		_exit(console_talk(&c, s[0], shared) ? 1 : 0);
	}
	close(in[0]);
	close(in[1]);
	close(s[0]);
	size_t got = 0;
	AUTO_FREE char *p = x_malloc(piece);
	while (got < most) {
		ssize_t k = read(s[1], p, piece);
		if (k <= 0)
			break;
		ck_assert_msg(!memcmp(p, typed + got, (size_t)k), "other bytes at %zu", got);
		got += (size_t)k;
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	*e = *shared;
	ck_assert_int_eq(WIFEXITED(status) ? WEXITSTATUS(status) : 99, e->code ? 1 : 0);
	waitpid(writer, &status, 0);
	munmap(shared, sizeof(*shared));
	close(s[1]);
	return got;
}

START_TEST(console_goes_on_as_long_as_the_guest_takes_bytes)
{
	struct err slow = {0}, stuck = {0};
	AUTO_BUF struct buf typed = {0};
	for (unsigned i = 0; i < 9000; i++)
		buf_printf(&typed, "%05u of a file that is long\r", i);
	/* At that pace it takes longer than the 10 s in which something must be taken. */
	ck_assert_uint_eq(slow_guest(typed.s, typed.len, typed.len / 550, SIZE_MAX, &slow), typed.len);
	ck_assert_msg(!slow.code, "%s", slow.msg);
	size_t got = slow_guest(typed.s, typed.len, 1000, 10000, &stuck);
	ck_assert(got >= 10000 && got < typed.len);
	ck_assert_int_eq(stuck.code, ETIMEDOUT);
	ck_assert_msg(strstr(stuck.msg, "nothing was taken for 10 s") != NULL, "%s", stuck.msg);
}
END_TEST

START_TEST(console_tells_when_the_guest_ends)
{
	int in[2], out[2], status;
	ck_assert_int_eq(pipe(in) | pipe(out), 0);
	pid_t pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		child(live_guest, "console web1", false);
	}
	close(out[1]);
	ck_assert_int_eq(fd_write_all(in[1], "poweroff\r", 9), 0); /* and in[1] stays open */
	AUTO_FREE char *text = read_until(out[0], NULL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_msg(strstr(text, "Domain 'web1' is shut off (shutdown)\n") != NULL, "%s", text);
}
END_TEST

/* The same at a terminal. @slave stays open here, to see its modes afterwards; @modes (may be NULL) are those
 * of before. */
static pid_t at_terminal(const char *script, const char *line, int *master, int *slave, struct termios *modes)
{
	ck_assert_int_eq(openpty(master, slave, NULL, NULL, NULL), 0);
	if (modes)
		ck_assert_int_eq(tcgetattr(*slave, modes), 0);
	pid_t pid = fork();
	if (!pid) {
		login_tty(dup(*slave));
		child(script, line, false);
	}
	return pid;
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_lflag == b->c_lflag &&
	       a->c_cflag == b->c_cflag;
}

/* Ctrl+] as terminals send it, in pieces of @step bytes; what is no escape goes to the guest. */
START_TEST(escape_is_found_in_every_keyboard_protocol)
{
	static const struct {
		unsigned char escape;
		const char *typed, *rest; /* what the guest gets */
		bool leaves;
	} rows[] = {
		{0x1d, "ab\035cd", "ab", true},
		{0x1d, "ab\033[93;5ucd", "ab", true},
		{0x1d, "\033[27;5;93~", "", true},
		{0x1d, "\033[93;5:1u", "", true},
		{0x1d, "\033[93:125;5u", "", true},
		{0x1d, "\033[93;69u", "", true}, /* with Caps Lock */
		{0x1d, "\033[93;133u", "", true}, /* with Num Lock */
		{0x1d, "\033[125;6u", "", true}, /* Ctrl+Shift+] */
		{0x1d, "\033[53;5u", "", true}, /* Ctrl+5 is the same byte */
		{0x1d, "\033[93;5;29u", "", true},
		{0x01, "\033[97;5u", "", true},
		{0x01, "\033[27;5;97~", "", true},
		{'~', "\033[126u", "", true},
		{'~', "\033[126;1u", "", true},
		{0x1d, "\033[93;5:3u", "\033[93;5:3u", false}, /* let go */
		{0x1d, "\033[93u", "\033[93u", false},
		{0x1d, "\033[93;7u", "\033[93;7u", false}, /* with Alt */
		{0x1d, "\033[97;5u", "\033[97;5u", false},
		{0x1d, "\033[A\033OP\033[1;5C", "\033[A\033OP\033[1;5C", false},
		{0x1d, "\033[5;93~\033[28;5;93~", "\033[5;93~\033[28;5;93~", false},
		{0x1d, "\033\033[93;5u", "\033", true},
		{0x1d, "\033[;;;:u\033[9999999999999;5u", "\033[;;;:u\033[9999999999999;5u", false},
		{0x1d, "\033[0000000000000000000000000000000000000000000093;5u",
		 "\033[0000000000000000000000000000000000000000000093;5u", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t step = 1; step < 9; step++) {
			struct tty_keys k = {.escape = rows[i].escape};
			AUTO_BUF struct buf out = {0};
			bool left = false;
			size_t n = strlen(rows[i].typed);
			for (size_t at = 0; at < n && !left; at += step)
				left = tty_keys_feed(&k, rows[i].typed + at, n - at < step ? n - at : step, &out);
			if (!left)
				tty_keys_flush(&k, &out);
			ck_assert_msg(left == rows[i].leaves, "row %zu, step %zu", i, step);
			/* A lone ESC is a key and has gone, when the rest of the sequence comes later. */
			const char *got = buf_text(&out);
			bool same = str_eq(got, rows[i].rest);
			AUTO_FREE char *esc = x_asprintf("%s\033", rows[i].rest);
			ck_assert_msg(same || (left && str_eq(got, esc)), "row %zu, step %zu: '%s'", i, step, got);
		}
}
END_TEST

/* A guest that switched the terminal to other keyboard protocols; Ctrl+] then comes as they have it, and they
 * are off behind it. */
START_TEST(console_takes_keyboard_protocols_back)
{
	static const struct {
		const char *said, *typed, *off, *not_off;
	} rows[] = {
		{"\033[>1u", "\033[93;5u", "\033[<01u", "\033[>4m"},
		{"\033[>1u\033[>5u\033[>0u\033[<u", "\033[93;5u", "\033[<02u", "\033[=0u"},
		{"\033[>4m", "\033[27;5;93~", "\033[>4m\033[>4f\033[m", "\033[<"},
		{"\033[=1u", "\033[93;5u", "\033[=0u", "\033[<"},
		{"\033[?1049h\033[>1u", "\033[93;5u", "\033[<01u\033[?1049l", "\033[>4m"},
		{"\033[>1u\033[?1049h", "\033[93;5u", "\033[?1049l\033[<01u", "\033[>4m"},
		{"\033[?1004h", "\035", "\033[?1004l", "\033[<"},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		int master, slave, status;
		AUTO_FREE char *script = x_asprintf("domain web1 running\nconsole web1 %s~ #end\nlive", rows[i].said);
		pid_t pid = at_terminal(script, "console web1", &master, &slave, NULL);
		AUTO_FREE char *greeting = read_until(master, "~ #end");
		ck_assert_int_eq(fd_write_all(master, rows[i].typed, strlen(rows[i].typed)), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
		close(slave);
		AUTO_FREE char *rest = read_until(master, NULL);
		ck_assert_msg(strstr(rest, rows[i].off) != NULL, "row %u: %s", i, rest);
		ck_assert_msg(!strstr(rest, rows[i].not_off), "row %u switches off what was not on: %s", i, rest);
		close(master);
	}
}
END_TEST

START_TEST(console_gives_the_terminal_back)
{
	static const struct {
		const char *last; /* typed; NULL: a signal ends it */
		int sig;
		const char *said;
	} ends[] = {
		{"\035", 0, "echo hi\r\nhi\r\n"},
		{"poweroff\r", 0, "Domain 'web1' is shut off (shutdown)"},
		{NULL, SIGTERM, "\033[?25h"},
		{NULL, SIGHUP, "\033[?25h"},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
		int master, slave, status;
		struct termios before, now;
		pid_t pid = at_terminal(live_guest, "console web1", &master, &slave, &before);
		AUTO_FREE char *greeting = read_until(master, "~ # ");
		ck_assert_msg(strstr(greeting,
				     "Connected to domain 'web1'\r\nEscape character is ^] (Ctrl + ])\r\n") !=
				      NULL,
			      "%s", greeting);
		ck_assert_int_eq(tcgetattr(slave, &now), 0);
		ck_assert_int_eq(now.c_lflag & (ICANON | ECHO | ISIG), 0);
		ck_assert_int_eq(fd_write_all(master, "echo hi\r", 8), 0);
		AUTO_FREE char *answer = read_until(master, "\r\nhi\r\n");
		if (ends[i].last)
			ck_assert_int_eq(fd_write_all(master, ends[i].last, strlen(ends[i].last)), 0);
		else
			kill(pid, ends[i].sig);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		if (ends[i].sig)
			ck_assert_int_eq(WIFSIGNALED(status) ? WTERMSIG(status) : 0, ends[i].sig);
		else
			ck_assert_int_eq(status, 0);
		ck_assert_int_eq(tcgetattr(slave, &now), 0);
		ck_assert_msg(same_modes(&before, &now), "case %u: the terminal is not as it was", i);
		close(slave); /* the master then ends behind what is left */
		AUTO_FREE char *rest = read_until(master, NULL), *all = x_asprintf("%s%s", answer, rest);
		ck_assert_msg(strstr(all, ends[i].said) != NULL, "case %u: %s", i, all);
		close(master);
	}
}
END_TEST

START_TEST(start_with_console_shows_the_first_byte)
{
	int master, slave, status;
	pid_t pid = at_terminal("domain web1 shutoff\nboot First byte!\\r\\n~ # \nlive",
				"start web1 --console", &master, &slave, NULL);
	AUTO_FREE char *text = read_until(master, "~ # ");
	ck_assert_msg(str_starts(text, "Domain 'web1' started\r\nConnected to domain 'web1'\r\n"), "%s",
		      text);
	ck_assert_msg(strstr(text, "])\r\nFirst byte!\r\n~ # "), "%s", text);
	ck_assert_int_eq(fd_write_all(master, "\035", 1), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(master);
	close(slave);
}
END_TEST

START_TEST(over_ssh_the_line_for_the_users_own_machine_is_told)
{
	static const struct {
		const char *connection, *line, *has;
	} lines[] = {
		{"192.0.2.1 4711 198.51.100.2 22", "vncdisplay web1", "On your machine: ssh -L 5901:127.0.0.1:5901 ann@198.51.100.2\n"},
		{"192.0.2.1 4711 198.51.100.2 2222", "vncdisplay web1", "ssh -p 2222 -L 5901:127.0.0.1:5901 ann@198.51.100.2\n"},
		{"2001:db8::1 4711 2001:db8::2 22", "vncdisplay old-mail", "ssh -L 5900:127.0.0.1:5900 ann@2001:db8::2\n"},
		{"192.0.2.1 4711 198.51.100.2 22", "vncdisplay socket", "ssh -L 5900:/run/s.vnc ann@198.51.100.2\n"},
		{"192.0.2.1 4711 198.51.100.2 22", "vncdisplay six", "ssh -L 5900:[::1]:5900 ann@198.51.100.2\n"},
		{"nonsense", "vncdisplay web1", NULL},
		{NULL, "vncdisplay web1", NULL},
	};
	host_make("domain web1 running\nscreen web1 port=5901\ndomain old-mail running\nscreen old-mail listen=0.0.0.0\n"
		  "domain socket running\nscreen socket port=0 socket=/run/s.vnc\ndomain six running\nscreen six listen=::1");
	setenv("SUDO_USER", "ann", 1);
	if (lines[_i].connection)
		setenv("SSH_CONNECTION", lines[_i].connection, 1);
	AUTO_RESULT struct result r = run(lines[_i].line);
	ck_assert_int_eq(r.status, 0);
	ck_assert_msg(strstr(r.err, "password k7m3x9pa") != NULL, "%s", r.err);
	ck_assert_msg(!strchr(r.out, ' ') && strchr(r.out, '\n') == r.out + strlen(r.out) - 1, "%s", r.out);
	if (lines[_i].has)
		ck_assert_msg(strstr(r.err, lines[_i].has) != NULL, "%s", r.err);
	else
		ck_assert_msg(!strstr(r.err, "ssh "), "%s", r.err);
}
END_TEST

START_TEST(a_new_password_is_printed_and_holds)
{
	host_make(three_guests);
	AUTO_RESULT struct result made = run("vnc-passwd web1"), until = run("vnc-passwd web1 --expire 2027-01-31T23:59:59");
	ck_assert_uint_eq(strlen(made.out), 9);
	made.out[8] = 0;
	AUTO_RESULT struct result now = run("vncdisplay web1"), json = run("vncdisplay web1 --json");
	ck_assert_msg(strstr(now.err, made.out) && strstr(now.err, "(until 2027-01-31T23:59:59Z)"), "%s", now.err);
	ck_assert_str_eq(now.out, "127.0.0.1:1\n");
	AUTO_JSON json_t *j = json_parse(json.out, strlen(json.out), NULL);
	ck_assert_str_eq(json_str(j, "passwd", ""), made.out);
	ck_assert_int_eq(json_int(j, "port", 0), 5901);
	ck_assert_int_eq(json_int(j, "viewers", 0), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "clients")), 2);
}
END_TEST

int main(void)
{
	unsetenv("SSH_CONNECTION"); /* what is printed depends on it */
	unsetenv("SUDO_USER");
	const TTest *const tests[] = {
		completion_takes_the_line_as_bash_has_it,
		dominfo_shows_virshs_fields,
		dominfo_says_why_nothing_is_heard,
		domblkerror_tells_each_disk_that_has_failed,
		type_looks_at_all_before_it_types,
		a_new_password_is_printed_and_holds,
		json_of_every_reporting_verb_parses,
		host_validate_fails_with_the_check_that_failed,
		define_dumpxml_undefine_go_round,
		create_runs_a_domain_that_ends_with_its_run,
		bad_xml_is_refused_with_file_and_line,
		a_failing_host_is_one_sentence_and_status_1,
		edit_takes_what_the_editor_leaves,
		edit_asks_again_until_the_xml_is_right,
		edit_with_another_name_asks_what_that_means,
		console_log_prints_the_record,
		the_record_on_a_terminal_keeps_colours_and_nothing_else,
		console_through_a_pipe_delivers_every_byte,
		define_reads_whatever_can_be_read_to_its_end,
		console_goes_on_as_long_as_the_guest_takes_bytes,
		console_tells_when_the_guest_ends,
		escape_is_found_in_every_keyboard_protocol,
		console_takes_keyboard_protocols_back,
		console_gives_the_terminal_back,
		start_with_console_shows_the_first_byte,
	};
	setlocale(LC_ALL, "C.UTF-8");
	Suite *s = suite_create("cli");
	TCase *t = tcase_create("cli");
	tcase_add_checked_fixture(t, NULL, host_done);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, over_ssh_the_line_for_the_users_own_machine_is_told, 0, 7);
	tcase_add_loop_test(t, a_command_line_says_what_virsh_says, 0, ARRAY_SIZE(cases));
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return test_main(s);
}
