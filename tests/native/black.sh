#!/bin/bash
# "Why is it black?": guests of a few instructions that fall silent in each of the ways there are, and what dominfo says of them.
# limit: 200
# needs: kvm
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# A guest that does what letters typed at its console say (tests/guests/echo.S), with <OS> added.
few() { # NAME [VCPUS [LINES]]
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><memory unit='MiB'>32</memory><vcpu>${2:-1}</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type><kernel>$ROOT/$O/guests/echo.elf</kernel></os><features><acpi/></features>
	${3:-}<devices>${4:-}<serial type='pty'/></devices></domain>
	XML
	vmdeck -q define "$WORK/$1.xml" && vmdeck -q start "$1" --force 2> /dev/null && wait_for 20 console_has "$1" 'hello from the guest'
}
tell() { printf %s "$2" | vmdeck console "$1" > /dev/null; }
why() { vmdeck dominfo "$1" | sed -n '/^Diagnosis:/,$p'; }
kind() { vmdeck dominfo "$1" --json | sed -n 's/^    "kind": "\(.*\)",/\1/p'; }
kind_is() { is "$2" kind "$1"; }
hellos_of() { console "$1" | grep -c 'hello from the guest'; }
more_hellos() { [ "$(hellos_of "$1")" -gt "$2" ]; }
again() { local n; n=$(hellos_of "$1"); vmdeck -q reset "$1" && wait_for 20 more_hellos "$1" "$n"; }

direct() {
	ok "a guest that waits at its serial port" few g 2
	ok "asks it over and over" wait_for 20 kind_is g polls
	ok "with port and address" says '^Diagnosis: +CPU 0 was asking port 0x3fd \(ttyS0\) at each of [0-9] looks, at 0x1000[0-9a-f]{2},' why g
	ok "which is no trouble: it waits for somebody" says '"trouble": false' vmdeck dominfo g --json
	ok "and is helped by typing there" wait_for 20 says 'vmdeck console g' why g
	tell g I
	ok "halted with interrupts on it is idle" wait_for 20 kind_is g idle
	ok "which is no trouble" says '"trouble": false' vmdeck dominfo g --json
	again g; tell g h
	ok "halted with interrupts off it is dead" wait_for 20 kind_is g halted
	ok "and for how long, once the heart has beaten" wait_for 20 says 'interrupts off since at least [0-9]+s: nothing can wake it' why g
	ok "what to do is told" says 'vmdeck reset g' why g
	again g; tell g s
	ok "a loop is told with its address" wait_for 20 says 'CPU 0 was found at 0x1000[0-9a-f]{2} at each of [0-9] looks, .*32-bit code.*interrupts off' why g
	again g
	for _ in 1 2 3; do hellos=$(hellos_of g); tell g t; wait_for 20 more_hellos g "$hellos" > /dev/null; done
	ok "triple faults without end are" wait_for 20 says 'reset again and again: [0-9]+ times within [0-9]+s, the last time by a triple fault' why g
	ok "with the way to stop them" says '<on_reboot>destroy</on_reboot>' why g
	for _ in 1 2 3 4; do vmdeck -q reset g; done
	ok "resets by command are none of these" not kind_is g spins
	vmdeck -q suspend g
	ok "paused by a command" says 'It is paused, by a command' why g
	ok "with what lets it go on" says 'vmdeck resume g' why g
	vmdeck -q resume g; vmdeck -q destroy g
	ok "off and well there is nothing to say" is "" why g
	vmdeck -q start g --force --paused 2> /dev/null
	ok "started paused" says 'started paused, and has not run' why g
	vmdeck -q destroy g
}

words() {
	few w; tell w Q
	ok "a kernel's panic is told with its reason" eval 'tell w "
[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)
[    1.1] CPU: 0 PID: 1
"; wait_for 20 says "panicked: VFS: Unable to mount root fs on unknown-block\(0,0\)\." why w'
	ok "and what to check" says 'root=' why w
	ok "a login that waits" eval 'tell w "
web1 login: "; wait_for 20 says "waits for a login on ttyS0" why w'
	ok "an emergency shell" eval 'tell w "
(initramfs) "; wait_for 20 says "has not found the root file system" why w'
	ok "a boot loader that was the last to speak" eval 'tell w "
Booting from Hard Disk...
"; wait_for 20 kind_is w silent'
	ok "and since when" says "since the boot loader's 'Booting from Hard Disk...'" why w
	vmdeck -q destroy w
}

host() {
	few h 1; local pid; pid=$(machine_pid h)
	local tid; tid=$(vmdeck qemu-monitor-command h query-cpus-fast --return-value | sed 's/.*"thread-id":\([0-9]*\).*/\1/')
	# the machine may be in a name space of process ids: the thread as it is called outside
	tid=$(grep -lE "^NSpid:(.*[[:space:]])?$tid\$" /proc/"$pid"/task/*/status | sed 's|.*/task/\([0-9]*\)/.*|\1|')
	mkfifo "$WORK/hold"
	"$O/tools/holdthread" "$tid" < "$WORK/hold" > "$WORK/held" & local holder=$!
	exec 7> "$WORK/hold"
	wait_for 10 grep -q held "$WORK/held" > /dev/null
	ok "a CPU that does not come back from the host is told" says 'CPU 0 does not come back from the host' why h
	exec 7>&-; wait $holder
	ok "let go, all is well again" wait_for 20 kind_is h polls
	kill -STOP "$pid"
	ok "a process that is stopped is told" says 'process does not answer' why h
	kill -CONT "$pid"
	ok "and that it goes on" wait_for 20 kind_is h polls
	kill -9 "$pid"
	ok "a machine that was killed has crashed, and why" wait_for 20 says 'It has crashed: .*signal 9' why h
	few k 1 '<on_crash>destroy</on_crash><on_reboot>destroy</on_reboot>'; tell k t
	ok "a triple fault that shall end it is told as the reason" wait_for 20 says 'triple fault' why k
}

# SeaBIOS on a disk that does what letters say (tests/guests/mbr.S).
pc() { # NAME FILE DEVICES
	cp "$2" "$WORK/$1.img"
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type>${4:-}</os><features><acpi/></features>
	<devices>$(disk vda "$WORK/$1.img")<serial type='pty'/>$3</devices></domain>
	XML
	vmdeck -q define "$WORK/$1.xml" && vmdeck -q start "$1" --force 2> /dev/null
}

screens() {
	local video="<video><model type='vga'/></video>"
	truncate -s 1M "$WORK/empty"
	pc m "$O/guests/mbr.img" "$video"; pc n "$WORK/empty" "$video"; pc b "$O/guests/mbr.img" "" "<bootmenu enable='yes' timeout='60000'/>"
	ok "nothing to boot is told, by the firmware's log" wait_for 60 kind_is n no-bootable-device
	ok "with what is wrong with the disk" says 'found no bootable device; it has vda.*not bootable' why n
	ok "and no advice about a drive that is not there" not says 'change-media' why n
	vmdeck -q destroy n
	ok "the firmware's menu that waits for a key" wait_for 60 says "offers its boot menu .* on ttyS0" why b
	vmdeck -q destroy b
	ok "a boot sector has come" wait_for 60 console_has m 'hello from the boot sector'
	tell m W
	ok "one that waits for a key is well" wait_for 20 says '"trouble": false' vmdeck dominfo m --json
	ok "and nobody says that nothing ends it" not says 'nothing ends|nothing can wake|given up' why m
	vmdeck -q type m x
	tell m B
	ok "its screen blank while it talks on ttyS0" wait_for 30 kind_is m screen-blank
	ok "what it last said there is told, and where to look" says "screen is blank, but it talks on ttyS0, .*c in the deck" eval 'why m | tr "\n" " "'
	tell m M
	ok "a picture is not blank" wait_for 20 kind_is m polls
	vmdeck -q destroy m
}

for part in ${PARTS:-direct words host screens}; do $part; done
