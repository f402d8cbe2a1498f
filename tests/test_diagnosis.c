/* From facts to a sentence: each rule, by what the machine would answer. */
#include <check.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/diagnosis.h"
#include "src/model/diagnosis_text.h"
#include "tests/testlib.h"

#define HALTED "{'state':'halted','address':'0xffffffff81c0de00','bits':64,'interrupts':true,'exits':50,'still-ms':0}"
#define DEAD "{'state':'halted','address':'0x10007c','bits':32,'interrupts':false,'exits':50,'still-ms':61000}"
#define WAITS "{'state':'waiting','address':'0xfffffff0','bits':16}"
#define BUSY(address, exits, io, port)                                                                                   \
	"{'state':'running','address':'" address "','bits':64,'interrupts':true,'exits':" exits ",'io':" io ",'port':" port "}"
#define CODE16(address, exits, io, port)                                                                                 \
	"{'state':'running','address':'" address "','bits':16,'interrupts':false,'exits':" exits ",'io':" io ",'port':" port "}"
#define SPIN BUSY("0xffffffff81000123", "9", "5", "1016")
#define LOCKED "{'state':'running','address':'0xffffffff81000123','bits':64,'interrupts':false,'exits':9,'io':5,'port':0}"
#define AGES "'uptime-ms':90000,'since-reset-ms':90000,'recent-resets':[],"
#define LOGIN "'console':{'bytes':900,'ago-ms':7000,'tail':'Debian GNU/Linux 12 web1 ttyS0\\r\\n\\r\\nweb1 login: '}"
#define TALKS "'console':{'bytes':900,'ago-ms':2000,'tail':'[    1.2] sda: sda1\\r\\n'}"
#define QUIET "'console':{'bytes':0,'ago-ms':-1,'tail':''}"
#define TEXT(lines) "'screen':{'mode':'text','blank':false,'text':'" lines "'}"
#define BLANK "'screen':{'mode':'text','blank':true,'text':'\\n\\n'}"
#define PICTURE "'screen':{'mode':'graphics','blank':false}"

struct story {
	const char *name;
	enum domain_state state;
	enum domain_reason reason;
	const char *detail;
	const char *looks[4];  /* x-diagnose's answers without braces, ' for " */
	enum diagnosis_kind kind;
	bool trouble;
	const char *what, *remedy; /* parts of the sentences; NULL: none */
};

static const struct story stories[] = {
	{"what is off and well is no news", DOMAIN_SHUTOFF, DOMAIN_REASON_SHUTDOWN, "", {0}, DIAGNOSIS_NONE, false, NULL, NULL},
	{"a crash is told with its reason", DOMAIN_CRASHED, DOMAIN_REASON_CRASHED, "killed by signal 9", {0}, DIAGNOSIS_ENDED, true,
	 "crashed: killed by signal 9", "console web1 --log"},
	{"paused by suspend", DOMAIN_PAUSED, DOMAIN_REASON_USER, "", {AGES "'vcpus':[{'state':'parked'}]"}, DIAGNOSIS_PAUSED, false,
	 "by a command", "vmdeck resume web1"},
	{"started paused", DOMAIN_PAUSED, DOMAIN_REASON_STARTING, "", {0}, DIAGNOSIS_PAUSED, false, "started paused", "resume"},
	{"the host's disk is full", DOMAIN_PAUSED, DOMAIN_REASON_IOERROR, "",
	 {AGES "'detail':'disk \\\"vda\\\": No space left on device'"}, DIAGNOSIS_IOERROR, true, "No space left", "resume web1"},
	{"kept after a crash", DOMAIN_PAUSED, DOMAIN_REASON_CRASHED, "", {0}, DIAGNOSIS_PAUSED, true, "on_crash", "reset web1"},
	{"kept after its end", DOMAIN_PAUSED, DOMAIN_REASON_SHUTDOWN, "", {0}, DIAGNOSIS_PAUSED, false, "ended by itself", "reset"},
	{"a disk that does not answer", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "]," LOGIN ",'disk':{'name':'vda','what':'write','ms':12000}"}, DIAGNOSIS_DISK, true,
	 "'vda': the host has not answered a write for 12s", "dmesg"},
	{"a disk whose data are lost", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "]," LOGIN ",'lost-disk':{'name':'vda','why':'Input/output error'}"}, DIAGNOSIS_LOST, true,
	 "held for disk 'vda' (Input/output error)", "start it anew"},
	{"a disk that is only slow", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "]," TALKS ",'disk':{'name':'vda','what':'write','ms':900}"}, DIAGNOSIS_IDLE, false, "idle", NULL},
	{"triple faults without end", DOMAIN_RUNNING, 0, "",
	 {"'uptime-ms':20000,'since-reset-ms':100,'recent-resets':[{'ago-ms':9000,'why':'triple fault'},{'ago-ms':5000,'why':'triple "
	  "fault'},{'ago-ms':100,'why':'triple fault'}],'vcpus':[" SPIN "]," QUIET},
	 DIAGNOSIS_RESETS, true, "3 times within 9s, the last time by a triple fault", "<on_reboot>"},
	{"resets by command are no loop", DOMAIN_RUNNING, 0, "",
	 {"'uptime-ms':20000,'since-reset-ms':100,'recent-resets':[{'ago-ms':9000,'why':'system_reset'},{'ago-ms':5000,'why':'system_"
	  "reset'},{'ago-ms':100,'why':'system_reset'}],'vcpus':[" HALTED "]," QUIET},
	 DIAGNOSIS_IDLE, false, "idle", NULL},
	{"old resets are no loop", DOMAIN_RUNNING, 0, "",
	 {"'uptime-ms':200000,'since-reset-ms':100000,'recent-resets':[{'ago-ms':120000,'why':'triple fault'},{'ago-ms':110000,'why':"
	  "'triple fault'},{'ago-ms':100000,'why':'triple fault'}],'vcpus':[" HALTED "]," TALKS},
	 DIAGNOSIS_IDLE, false, "idle", NULL},
	{"a vCPU that stays in the host", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[{'state':'unknown'}]", AGES "'vcpus':[{'state':'unknown'}]", AGES "'vcpus':[{'state':'unknown'}]"},
	 DIAGNOSIS_STUCK, true, "CPU 0 does not come back", "swap"},
	{"one that was late once is not stuck", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[{'state':'unknown'}]," TALKS, AGES "'vcpus':[" HALTED "]," TALKS}, DIAGNOSIS_IDLE, false, "idle", NULL},
	{"a kernel panic on the serial line", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" DEAD "],'console':{'bytes':900,'ago-ms':5000,'tail':'[    2.5] Kernel panic - not syncing: VFS: Unable to "
	  "mount root fs on unknown-block(0,0)\\r\\n[    2.6] CPU: 0 PID: 1\\r\\n'}"},
	 DIAGNOSIS_PANIC, true, "panicked: VFS: Unable to mount root fs on unknown-block(0,0).", "root="},
	{"a kernel panic on the screen", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" SPIN "]," QUIET "," TEXT("Kernel panic - not syncing: Attempted to kill init!\\n---[ end")}, DIAGNOSIS_PANIC,
	 true, "Attempted to kill init!", "console web1 --log"},
	{"a panic of former times", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "],'console':{'bytes':900,'ago-ms':5,'tail':'Kernel panic - not syncing: x\\r\\n\\r\\nweb1 login: '}"},
	 DIAGNOSIS_ASKS, false, "waits for a login", NULL},
	{"nothing to boot, says the firmware's log", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "]," QUIET ",'firmware':{'no-bootable-device':true}"}, DIAGNOSIS_NO_BOOT, true,
	 "no bootable device; it has vda (not bootable: no boot record)", "vmdeck edit web1"},
	{"nothing to boot, says UEFI's screen", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "]," QUIET "," TEXT("BdsDxe: No bootable option or device was found.")}, DIAGNOSIS_NO_BOOT, true,
	 "no bootable device", "vmdeck edit web1"},
	{"the boot menu waits", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "]," QUIET "," TEXT("SeaBIOS (version 1.16)\\nSelect boot device:\\n\\n1. Virtio disk\\n2. DVD")},
	 DIAGNOSIS_ASKS, false, "boot menu waits for a number on its screen", "vmdeck type"},
	{"initramfs", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "],'console':{'bytes':900,'ago-ms':5,'tail':'ALERT!  /dev/vda9 does not exist.\\r\\n(initramfs) '}"},
	 DIAGNOSIS_ASKS, true, "emergency shell on ttyS0", "root="},
	{"GRUB rescue", DOMAIN_RUNNING, 0, "", {AGES "'vcpus':[" SPIN "]," QUIET "," TEXT("grub rescue> ")}, DIAGNOSIS_ASKS, true,
	 "rescue prompt on its screen", "order"},
	{"a shell with colours", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "],'console':{'bytes':900,'ago-ms':5,'tail':'x\\r\\n\\u001b[1;32mroot@web1\\u001b[0m:~# \\u001b[6n'}"},
	 DIAGNOSIS_ASKS, false, "shell waits for a command on ttyS0", "console web1"},
	{"halted for ever", DOMAIN_RUNNING, 0, "", {AGES "'vcpus':[" DEAD "," WAITS "]," TALKS}, DIAGNOSIS_DEAD_HALT, true,
	 "halted with interrupts off since at least 1m01s", "reset web1"},
	{"shut down without power off", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" DEAD "],'console':{'bytes':900,'ago-ms':5,'tail':'[   20.1] reboot: System halted\\r\\n'}"},
	 DIAGNOSIS_DEAD_HALT, false, "did not switch itself off", "destroy"},
	{"one dead CPU of two", DOMAIN_RUNNING, 0, "", {AGES "'vcpus':[" DEAD "," HALTED "]," TALKS}, DIAGNOSIS_IDLE, false, "idle",
	 NULL},
	{"a loop in the kernel", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" SPIN "]," TALKS, AGES "'vcpus':[" SPIN "]," TALKS, AGES "'vcpus':[" SPIN "]," TALKS}, DIAGNOSIS_SPINS, false,
	 "CPU 0 was found at 0xffffffff81000123 at each of 3 looks, in the kernel (64-bit code), with interrupts on", "may wait"},
	{"two looks tell no loop", DOMAIN_RUNNING, 0, "", {AGES "'vcpus':[" SPIN "]," TALKS, AGES "'vcpus':[" SPIN "]," TALKS},
	 DIAGNOSIS_RUNS, false, "1 of 1 CPU busy; ttyS0 was last written to 2s ago: '[    1.2] sda: sda1'", NULL},
	{"work is no loop", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" SPIN "]," TALKS, AGES "'vcpus':[" BUSY("0xffffffff81200123", "9", "5", "0") "]," TALKS,
	  AGES "'vcpus':[" SPIN "]," TALKS}, DIAGNOSIS_RUNS, false, "busy", NULL},
	{"a kernel that is locked up behind its prompt", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" LOCKED "]," LOGIN, AGES "'vcpus':[" LOCKED "]," LOGIN, AGES "'vcpus':[" LOCKED "]," LOGIN}, DIAGNOSIS_SPINS, true,
	 "with interrupts off", NULL},
	{"one that is dead behind its prompt", DOMAIN_RUNNING, 0, "", {AGES "'vcpus':[" DEAD "]," LOGIN}, DIAGNOSIS_DEAD_HALT, true, "halted",
	 NULL},
	{"a bar of progress is no prompt", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "],'console':{'bytes':900,'ago-ms':5,'tail':'loading ####'}"}, DIAGNOSIS_IDLE, false, "idle", NULL},
	{"a loop in the firmware", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" BUSY("0xf1234", "9", "5", "0") "]", AGES "'vcpus':[" BUSY("0xf1230", "9", "5", "0") "]",
	  AGES "'vcpus':[" BUSY("0xf1234", "9", "5", "0") "]"}, DIAGNOSIS_SPINS, false, "in the firmware", "may wait for a key"},
	{"asking the serial port", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" BUSY("0x7c50", "9", "5", "1021") "]", AGES "'vcpus':[" BUSY("0x7c50", "99", "95", "1021") "]",
	  AGES "'vcpus':[" BUSY("0x7c52", "199", "195", "1021") "]"},
	 DIAGNOSIS_POLLS, false, "CPU 0 was asking port 0x3fd (ttyS0) at each of 3 looks, at 0x7c52", "vmdeck console web1"},
	{"asking a drive", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" BUSY("0xf7c50", "9", "5", "503") "]," QUIET, AGES "'vcpus':[" BUSY("0xf7c50", "99", "95", "503") "]," QUIET,
	  AGES "'vcpus':[" BUSY("0xf7c52", "199", "195", "503") "]," QUIET},
	 DIAGNOSIS_POLLS, true, "0x1f7 (an IDE drive) at each of 3 looks, at 0xf7c52, in the firmware", "reset web1"},
	{"asking the serial port while the screen is blank", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" BUSY("0x7c50", "9", "5", "1021") "]," TALKS "," BLANK, AGES "'vcpus':[" BUSY("0x7c50", "99", "95", "1021") "]," TALKS
	  "," BLANK, AGES "'vcpus':[" BUSY("0x7c52", "199", "195", "1021") "]," TALKS "," BLANK},
	 DIAGNOSIS_SCREEN_BLANK, true, "screen is blank", "console"},
	{"ended by a triple fault", DOMAIN_SHUTOFF, DOMAIN_REASON_SHUTDOWN, "triple fault, and on_reboot is destroy", {0}, DIAGNOSIS_ENDED,
	 true, "ended by a triple fault, and on_reboot is destroy", NULL},
	{"asking the keyboard", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" BUSY("0x7c50", "9", "5", "100") "]", AGES "'vcpus':[" BUSY("0x7c50", "99", "95", "100") "]",
	  AGES "'vcpus':[" BUSY("0x7c52", "199", "195", "100") "]"},
	 DIAGNOSIS_POLLS, false, "0x64 (the keyboard)", "vmdeck type"},
	{"a kernel without console=ttyS0 and no screen", DOMAIN_RUNNING, 0, "", {AGES "'vcpus':[" HALTED "]," QUIET}, DIAGNOSIS_SILENT,
	 true, "nothing to ttyS0 in the 1m30s since it began, and has no screen", "console=ttyS0"},
	{"the same with a screen", DOMAIN_RUNNING, 0, "", {AGES "'vcpus':[" HALTED "]," QUIET "," PICTURE}, DIAGNOSIS_SERIAL_SILENT,
	 false, "there is something on its screen", "vncdisplay"},
	{"the boot loader was the last to speak", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "],'console':{'bytes':90,'ago-ms':31000,'tail':'SeaBIOS\\r\\nBooting from Hard Disk...\\r\\n'}"},
	 DIAGNOSIS_SILENT, true, "for 31s, since the boot loader's 'Booting from Hard Disk...'", "console=ttyS0"},
	{"one that has just begun may be silent", DOMAIN_RUNNING, 0, "",
	 {"'uptime-ms':900,'since-reset-ms':900,'vcpus':[" HALTED "]," QUIET}, DIAGNOSIS_IDLE, false, "idle", NULL},
	{"the screen is blank, ttyS0 talks", DOMAIN_RUNNING, 0, "", {AGES "'vcpus':[" HALTED "]," TALKS "," BLANK},
	 DIAGNOSIS_SCREEN_BLANK, true, "screen is blank, but it talks on ttyS0, 2s ago: '[    1.2] sda: sda1'", "c in the deck"},
	{"neither", DOMAIN_RUNNING, 0, "", {AGES "'vcpus':[" HALTED "]," BLANK}, DIAGNOSIS_SILENT, true, "its screen is blank", "KEY_"},
	{"asked to power off", DOMAIN_SHUTDOWN, DOMAIN_REASON_USER, "", {AGES "'vcpus':[" HALTED "]," TALKS}, DIAGNOSIS_SHUTTING_DOWN,
	 false, "asked to power off", "destroy"},
	{"idle", DOMAIN_RUNNING, 0, "", {AGES "'vcpus':[" HALTED "," HALTED "]," TALKS}, DIAGNOSIS_IDLE, false,
	 "It is idle: its CPUs wait for interrupts; ttyS0 was last written to 2s ago", NULL},
	/* healthy guests that were called dead */
	{"a boot sector that waits for a key with interrupts off", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" CODE16("0x7c40", "9", "5", "0") "]," QUIET "," TEXT("Press a key, please"), AGES "'vcpus':["
	  CODE16("0x7c42", "9", "5", "0") "]," QUIET "," TEXT("Press a key, please"), AGES "'vcpus':[" CODE16("0x7c40", "9", "5", "0")
	  "]," QUIET "," TEXT("Press a key, please")},
	 DIAGNOSIS_SPINS, false, "in the boot sector (16-bit code), with interrupts off", "may wait for a key"},
	{"a memory test at work, that looks for keys", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" BUSY("0x101000", "9", "5", "1021") "]," QUIET "," TEXT("Pass 1%"), AGES "'vcpus':["
	  BUSY("0x101000", "99", "95", "1021") "]," QUIET "," TEXT("Pass 1%"), AGES "'vcpus':[" BUSY("0x101000", "199", "195", "1021")
	  "]," QUIET "," TEXT("Pass 2%")},
	 DIAGNOSIS_SERIAL_SILENT, false, "there is something on its screen", NULL},
	{"the same where nothing was seen to change", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" BUSY("0x101000", "9", "5", "1021") "]," TALKS "," TEXT("Pass 1%"), AGES "'vcpus':["
	  BUSY("0x101000", "99", "95", "1021") "]," TALKS "," TEXT("Pass 1%"), AGES "'vcpus':[" BUSY("0x101000", "199", "195", "1021")
	  "]," TALKS "," TEXT("Pass 1%")},
	 DIAGNOSIS_POLLS, false, "was asking port 0x3fd (ttyS0) at each of 3 looks", "be at work"},
	{"one that writes to ttyS0 while it is looked at", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" SPIN "],'console':{'bytes':90,'ago-ms':1,'tail':'a\\r\\n'}", AGES "'vcpus':[" SPIN
	  "],'console':{'bytes':99,'ago-ms':1,'tail':'b\\r\\n'}", AGES "'vcpus':[" SPIN "],'console':{'bytes':99,'ago-ms':1,'tail':'b\\r\\n'}"},
	 DIAGNOSIS_RUNS, false, "busy", NULL},
	{"a drive that is read while it talks", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" BUSY("0xf7c50", "9", "5", "503") "]," TALKS, AGES "'vcpus':[" BUSY("0xf7c50", "99", "95", "503") "]," TALKS,
	  AGES "'vcpus':[" BUSY("0xf7c52", "199", "195", "503") "]," TALKS},
	 DIAGNOSIS_POLLS, false, "(an IDE drive)", "may be at work"},
	{"GRUB at its prompt", DOMAIN_RUNNING, 0, "", {AGES "'vcpus':[" HALTED "]," QUIET "," TEXT("grub> ")}, DIAGNOSIS_ASKS, false,
	 "GRUB waits at its prompt on its screen", "may be missing"},
	{"last words that cannot be read are not told", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "],'console':{'bytes':900,'ago-ms':2000,'tail':'Testing\\r\\n????????????\\r\\n?? ? ????\\r\\n'}"},
	 DIAGNOSIS_IDLE, false, "2s ago: 'Testing'", NULL},
	{"a question is no strange sign", DOMAIN_RUNNING, 0, "",
	 {AGES "'vcpus':[" HALTED "],'console':{'bytes':900,'ago-ms':2000,'tail':'Go on?\\r\\n'}"}, DIAGNOSIS_IDLE, false, "'Go on?'", NULL},
	{"a machine that tells nothing is not judged", DOMAIN_RUNNING, 0, "", {0}, DIAGNOSIS_NONE, false, NULL, NULL},
};

static void look(struct diagnosis_facts *f, const char *members)
{
	AUTO_FREE char *text = x_asprintf("{%s}", members);
	struct err e = {0};
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	AUTO_JSON json_t *j = json_parse(text, strlen(text), &e);
	ck_assert_msg(j != NULL, "%s in %s", e.msg, text);
	diagnosis_look(f, j);
}

START_TEST(a_story_has_its_sentence)
{
	const struct story *s = &stories[_i];
	struct diagnosis_facts f = {.name = "web1",
				    .state = s->state,
				    .reason = s->reason,
				    .detail = s->detail,
				    .boots = "vda (not bootable: no boot record)"};
	struct diagnosis d;
	for (unsigned i = 0; i < 4 && s->looks[i]; i++)
		look(&f, s->looks[i]);
	diagnosis_make(&f, &d);
	ck_assert_msg(d.kind == s->kind, "%s: it is '%s', not '%s': %s", s->name, diagnosis_kind_text(d.kind),
	              diagnosis_kind_text(s->kind), d.what);
	ck_assert_msg(d.trouble == s->trouble, "%s: trouble: %d", s->name, d.trouble);
	ck_assert_msg(s->what ? strstr(d.what, s->what) != NULL : !*d.what, "%s: '%s'", s->name, d.what);
	ck_assert_msg(!s->remedy || strstr(d.remedy, s->remedy), "%s: '%s'", s->name, d.remedy);
	ck_assert_msg(!*d.what || str_ends(d.what, "."), "%s: '%s' is no sentence", s->name, d.what);
	ck_assert_msg(!*d.remedy || str_ends(d.remedy, "."), "%s: '%s' is no sentence", s->name, d.remedy);
	diagnosis_facts_done(&f);
}
END_TEST

/* Only a drive that is there is advised. */
START_TEST(advice_names_a_drive_that_is_there)
{
	static char hdc[] = "hdc", vda[] = "vda";
	struct domain_disk disks[] = {{.target = vda}, {.target = hdc, .device = DISK_DEVICE_CDROM}};
	struct domain x = {.disks = disks};
	struct diagnosis_facts f = {.name = "web1", .state = DOMAIN_RUNNING, .domain = &x, .no_bootable = true, .looks = 1};
	struct diagnosis d;
	for (x.ndisks = 1; x.ndisks <= 2; x.ndisks++) {
		diagnosis_make(&f, &d);
		ck_assert_int_eq(d.kind, DIAGNOSIS_NO_BOOT);
		ck_assert_msg(!strstr(d.remedy, "change-media") == (x.ndisks == 1), "%s", d.remedy);
		ck_assert_msg(x.ndisks == 1 || strstr(d.remedy, "change-media web1 hdc FILE"), "%s", d.remedy);
	}
}
END_TEST

START_TEST(what_a_guest_wrote_moves_no_terminal)
{
	char line[200];
	ck_assert(text_last_line("a\xc2\x9b" "2Jb\x9d" "c\x1b[31md\x7f", line, sizeof(line)));
	for (const char *p = line; *p; p++)
		ck_assert_msg(*p >= ' ' && *p < 0x7f, "'%s'", line);
}
END_TEST

START_TEST(one_that_does_not_answer_is_told)
{
	struct diagnosis_facts f = {.name = "web1", .state = DOMAIN_RUNNING, .unanswered = true};
	struct diagnosis d;
	diagnosis_make(&f, &d);
	ck_assert_int_eq(d.kind, DIAGNOSIS_UNANSWERED);
	ck_assert(strstr(d.remedy, "destroy web1"));
}
END_TEST

START_TEST(a_direct_kernel_is_told_what_its_command_line_lacks)
{
	struct domain x = {.kernel = (char *)"/boot/vmlinuz", .cmdline = (char *)"quiet"};
	struct diagnosis_facts f = {.name = "web1", .state = DOMAIN_RUNNING, .domain = &x};
	struct diagnosis d;
	look(&f, AGES "'vcpus':[" HALTED "]," QUIET);
	diagnosis_make(&f, &d);
	ck_assert_msg(str_starts(d.remedy, "Add console=ttyS0 to <cmdline>"), "%s", d.remedy);
	x.cmdline = (char *)"console=ttyS0 quiet";
	diagnosis_make(&f, &d);
	ck_assert_msg(!str_starts(d.remedy, "Add console=ttyS0"), "%s", d.remedy);
	diagnosis_facts_done(&f);
}
END_TEST

START_TEST(a_reset_begins_the_looks_anew)
{
	struct diagnosis_facts f = {.name = "web1", .state = DOMAIN_RUNNING};
	struct diagnosis d;
	look(&f, AGES "'vcpus':[" SPIN "]," TALKS);
	look(&f, AGES "'vcpus':[" SPIN "]," TALKS);
	look(&f, "'uptime-ms':90100,'since-reset-ms':10,'vcpus':[" SPIN "]," TALKS);
	diagnosis_make(&f, &d);
	ck_assert_int_eq(d.kind, DIAGNOSIS_RUNS);
	ck_assert(diagnosis_wants_look(&f));
	diagnosis_facts_done(&f);
}
END_TEST

START_TEST(one_look_is_enough_for_a_halted_guest)
{
	struct diagnosis_facts f = {.name = "web1", .state = DOMAIN_RUNNING};
	ck_assert(diagnosis_wants_look(&f));
	look(&f, AGES "'vcpus':[" HALTED "," WAITS "]," TALKS);
	ck_assert(!diagnosis_wants_look(&f));
	diagnosis_facts_done(&f);
}
END_TEST

START_TEST(a_hostile_machine_gets_no_further_than_its_sentence)
{
	static const char *const answers[] = {
		"'vcpus':7,'console':[],'screen':'x','disk':1,'firmware':[],'recent-resets':{}",
		"'vcpus':[1,null,{'state':7,'address':'0x1ffffffffffffffff','exits':-1,'io':-9223372036854775807}]",
		AGES "'vcpus':[" SPIN "],'console':{'bytes':-4,'ago-ms':-9,'tail':'\\u001b[31mx\\u001b'}",
		AGES "'disk':{'name':'\\u001b[2J','what':'\\n','ms':99999999}",
		"'recent-resets':[{'why':'\\u001b[2J'},{'why':'\\u001b[2J'},{'why':'\\u001b[2J'}]",
		AGES "'vcpus':[" HALTED "],'console':{'bytes':9,'ago-ms':1,'tail':'Kernel panic - not syncing: \\u001b[2J\\u0007x'}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct diagnosis_facts f = {.name = "web1", .state = DOMAIN_RUNNING};
		struct diagnosis d;
		for (unsigned k = 0; k < 3; k++)
			look(&f, answers[i]);
		diagnosis_make(&f, &d);
		for (const char *p = d.what; *p; p++)
			ck_assert_msg((unsigned char)*p >= ' ', "answer %zu: a control character in '%s'", i,
				      d.what);
		diagnosis_facts_done(&f);
	}
}
END_TEST

START_TEST(each_kind_has_a_name_of_its_own)
{
	for (int i = 0; i < DIAGNOSIS_KINDS; i++)
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(diagnosis_kind_text(i), diagnosis_kind_text(k));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("diagnosis");
	TCase *t = tcase_create("all");
	tcase_add_loop_test(t, a_story_has_its_sentence, 0, ARRAY_SIZE(stories));
	tcase_add_test(t, advice_names_a_drive_that_is_there);
	tcase_add_test(t, what_a_guest_wrote_moves_no_terminal);
	tcase_add_test(t, one_that_does_not_answer_is_told);
	tcase_add_test(t, a_direct_kernel_is_told_what_its_command_line_lacks);
	tcase_add_test(t, a_reset_begins_the_looks_anew);
	tcase_add_test(t, one_look_is_enough_for_a_halted_guest);
	tcase_add_test(t, a_hostile_machine_gets_no_further_than_its_sentence);
	tcase_add_test(t, each_kind_has_a_name_of_its_own);
	suite_add_tcase(s, t);
	return test_main(s);
}
