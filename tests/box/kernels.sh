# limit: 400
# Two stock Debian kernels to the shell through define and start, with 1, 2 and 4 vCPUs; the three ways to an end.
. tests/lib.sh

# What Linux prints when our tables or devices are wrong.
COMPLAINTS='ACPI (BIOS )?(Error|Warning|Exception)|ACPI: .*(not found|invalid|failed)|[Ff]irmware [Bb]ug|\[Firmware
can.t claim|no compatible bridge window|BAR [0-9]+: (no space|failed|error)|conflicts? with|address space collision
pci .*(invalid|disabled BAR)|IRQ routing conflict|nobody cared|spurious|unable to (read|find)
MP-BIOS bug|timer doesn.t work|PM-Timer .*(failed|inconsistent)|WARNING: CPU|Oops|Call Trace|BUG:'
complains() { console "$1" | grep -E -- "$(paste -sd'|' <<< "$COMPLAINTS")"; }
quiet_about_us() { local said; said=$(complains "$1"); [ -z "$said" ] || { echo "$said"; return 1; }; }

ok "cloud is defined" guest cloud cloud vcpus=1 cmdline=
ok "cloud starts" vmdeck start cloud
ok "cloud is running" state_is cloud running
ok "cloud, with the cloud kernel, comes to its shell" at_shell cloud
ok "a command typed at the console is answered" run_says cloud '^42$' 'echo $((6 * 7))'
ok "a command that fails says so" not run_in cloud false
ok "1 vCPU is seen" run_says cloud '^1$' nproc
ok "the kernel finds nothing wrong with ACPI or PCI, 1 vCPU" quiet_about_us cloud
ok "dominfo shows the guest" says 'State: +running' vmdeck dominfo cloud
ok "domstats counts its CPU time" says 'cpu.time=[1-9]' vmdeck domstats cloud
type_in cloud poweroff
ok "poweroff in the guest ends it" wait_for 60 state_is cloud "shut off"
ok "the reason is the guest's own shutdown" reason_is cloud "shut off (shutdown)"
ok "the console's record survives the end" says 'reboot: Power down' console cloud
ok "nothing is left in the runtime folder" wait_for 5 nothing_left

ok "generic, 2 vCPUs, is defined and starts" eval 'guest generic generic vcpus=2 cmdline= && vmdeck start generic'
ok "generic, with the generic kernel, comes to its shell" at_shell generic
ok "2 vCPUs are seen" run_says generic '^2$' nproc
ok "the kernel finds nothing wrong with ACPI or PCI, 2 vCPUs" quiet_about_us generic
ok "the random number device works" run_says generic '^virtio_rng.0$' 'cat /sys/class/misc/hw_random/rng_current'
ok "shutdown presses the power button" vmdeck shutdown generic
ok "shutdown ends the guest" wait_for 60 state_is generic "shut off"
ok "and it was the guest that powered off" reason_is generic "shut off (shutdown)"

# Huge pages, beside those that this host has already.
PAGES=/proc/sys/vm/nr_hugepages
huge="<memoryBacking><hugepages/></memoryBacking>" pages=$(cat $PAGES)
# Those that nobody has, or has been promised.
unclaimed() { awk '/^HugePages_Free/ { free = $2 } /^HugePages_Rsvd/ { promised = $2 } END { print free - promised }' /proc/meminfo; }
claimed_128() { [ $((before - $(unclaimed))) = 128 ]; }
ok "four, 4 vCPUs, in huge pages, is defined" guest four cloud vcpus=4 memory=256 cmdline= actions="$huge"
if [ -w $PAGES ]; then
	trap 'finish; echo "$pages" > $PAGES' EXIT
	echo $((pages + 127 - $(unclaimed))) > $PAGES
	refused "one huge page too few, and it does not start" "in 128 huge pages of 2 MiB: reserve so many" vmdeck start four
	echo $((pages + 128)) > $PAGES
	before=$(unclaimed)
	ok "it starts" vmdeck start four
	ok "and has claimed 128 of them" wait_for 10 claimed_128
else
	skip "four in huge pages" "this user cannot reserve any"
	ok "four starts without" eval 'guest four cloud vcpus=4 memory=256 cmdline= && vmdeck start four'
fi
ok "four comes to its shell" at_shell four
ok "4 vCPUs are seen" run_says four '^4$' nproc
ok "each vCPU has an APIC id of its own" run_says four '^4$' 'grep "^initial apicid" /proc/cpuinfo | sort -u | wc -l'
ok "the kernel finds nothing wrong with ACPI or PCI, 4 vCPUs" quiet_about_us four
if [ -w $PAGES ]; then
	n=$(prompts four)
	ok "it boots again after a reset" eval 'vmdeck reset four && at_shell four "$n"'
	ok "in the same huge pages" claimed_128
fi
ok "destroy ends it at once" vmdeck destroy four
ok "it is shut off, destroyed" reason_is four "shut off (destroyed)"
[ ! -w $PAGES ] || ok "its pages are free again" wait_for 10 eval '[ "$(unclaimed)" = "$before" ]'
