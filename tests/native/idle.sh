#!/bin/bash
# limit: 240
# needs: kvm
# A guest that is idle costs next to nothing: its main loop wakes at most four times a minute, and beside its RAM its
# processes have little memory of their own.
. tests/lib.sh

cat > "$WORK/i.xml" <<-XML
	<domain type='kvm'><name>i</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type><kernel>$ROOT/$O/guests/echo.elf</kernel></os><features><acpi/></features>
	<devices><serial type='pty'/></devices></domain>
	XML
ok "a small guest is defined and starts" eval 'vmdeck -q define "$WORK/i.xml" && vmdeck -q start i --force'
ok "it speaks" wait_for 60 console_has i 'hello from the guest'
ok "and halts with interrupts on" eval 'printf I | vmdeck console i > /dev/null'
wakes() { awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$(machine_pid i)/status"; }

# The loop settles: two looks of ten seconds each that saw one wake-up at most.
settled() { local a; a=$(wakes); sleep 10; [ $(($(wakes) - a)) -le 1 ]; }
ok "the main loop settles" wait_for 90 eval 'settled && settled'
minute() { local a b; a=$(wakes); sleep 60; b=$(wakes); echo "$((b - a)) wake-ups in a minute"; [ $((b - a)) -le 4 ]; }
# Private KiB of the guest's processes, but for mappings of 64 MiB and more, which hold the RAM.
own_memory() {
	local pid kib
	kib=$(for pid in $(keeper_pid i) $(machine_pid i); do cat "/proc/$pid/smaps"; done | awk '
		/^Size:/ { ram = $2 >= 65536 }
		/^Private_(Clean|Dirty):/ && !ram { kib += $2 }
		END { print kib + 0 }')
	echo "$kib KiB"; [ "$kib" -gt 0 ] && [ "$kib" -le 4096 ]
}
ok "its memory is not shared with other guests (KSM)" not grep -q '^VmFlags:.* mg' "/proc/$(machine_pid i)/smaps"
ok "its log tells the steps of its start" eval 'grep "start: " "$VMDECK_HOME"/log/*/vmm.log | tail -1 | grep "start: done"'
# Loading modules, raw I/O, ptrace, rebooting: 16, 17, 19, 22 of capability.h.
bounded() {
	local caps; caps=$(sed -n 's/^CapPrm:\t//p' "/proc/$1/status")
	[ $((0x$caps & (1 << 16 | 1 << 17 | 1 << 19 | 1 << 22))) = 0 ] && grep -q '^NoNewPrivs:.*1' "/proc/$1/status"
}
ok "its keeper has given up the rights that it does not need" bounded "$(keeper_pid i)"
ok "its processes hold at most 4 MiB beside its RAM" own_memory
ok "it wakes at most four times a minute" minute
ok "the guest still answers" eval 'vmdeck -q reset i && wait_for 60 eval "[ \$(console i | grep -c hello) -ge 2 ]"'
