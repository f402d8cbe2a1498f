# limit: 900
# What the kernels scenario has no time for: a kernel as an ELF image by its PVH entry, memory above 4 GiB, cores and threads.
. tests/lib.sh

# le FILE OFFSET BYTES: a little-endian number.
le() { od -An -v -t "u$3" -j $(($2)) -N "$3" "$1" | tr -d ' '; }

# unpack BZIMAGE: the ELF image inside it. (Linux, x86/boot.rst: payload_offset, payload_length)
unpack() {
	local start=$((($(le "$1" 0x1f1 1) + 1) * 512 + $(le "$1" 0x248 4))) len magic tool
	len=$(le "$1" 0x24c 4)
	magic=$(od -An -t x1 -j $start -N 4 "$1" | tr -d ' ')
	case $magic in
	02214c18) tool='lz4 -dc' ;; 28b52ffd) tool='zstd -dc' ;; fd377a58) tool='xz -dc' ;; 1f8b*) tool='gzip -dc' ;;
	*) echo "unknown compression $magic"; return 1 ;;
	esac
	# Behind the compressed data lies its size: the tools complain of it when they are done.
	tail -c +$((start + 1)) "$1" | head -c "$len" | $tool > "$WORK/vmlinux" 2>/dev/null
	[ "$(head -c 4 "$WORK/vmlinux" | tail -c 3)" = ELF ]
}

eval "$(tests/guests/make cloud)"
cloud_initrd=$INITRD
elf_guest() {
	guest elf "$WORK/vmlinux" vcpus=2 cmdline= || return
	sed -i "s|<cmdline>|<initrd>$cloud_initrd</initrd>&|" "$WORK/elf.xml"
	vmdeck undefine elf >/dev/null && vmdeck define "$WORK/elf.xml"
}

ok "the ELF image is unpacked from the bzImage" unpack "$KERNEL"
ok "a guest that boots it is defined and starts" eval 'elf_guest && vmdeck start elf'
ok "it was entered by PVH and comes to its shell" at_shell elf
ok "2 vCPUs are seen" run_says elf '^2$' nproc
ok "shutdown ends it" eval 'vmdeck shutdown elf && wait_for 60 state_is elf "shut off"'

ok "a guest with 3.5 GiB starts" eval 'guest big cloud memory=3584 && vmdeck start big'
ok "it comes to its shell" at_shell big
ok "it has memory above 4 GiB" run_says big 'System RAM' 'grep "^10*-1.*System RAM" /proc/iomem'
ok "and all of it" run_in big '[ $(awk "/MemTotal/ { print \$2 }" /proc/meminfo) -gt 3350000 ]'
ok "which it can fill" run_in big 'mount -t tmpfs -o size=700m t /mnt && dd if=/dev/zero of=/mnt/f bs=1M count=650 2>/dev/null && rm /mnt/f'
ok "destroy ends it" vmdeck destroy big

topology() {
	guest topo generic vcpus=4 cmdline= || return
	sed -i "s|<features>|<cpu mode='host-passthrough'><topology sockets='1' dies='1' cores='2' threads='2'/></cpu>&|" "$WORK/topo.xml"
	vmdeck undefine topo >/dev/null && vmdeck define "$WORK/topo.xml" && vmdeck start topo
}
ok "a guest of two cores with two threads each starts" topology
ok "it comes to its shell" at_shell topo
ok "one socket" run_says topo '^1$' 'sort -u /sys/devices/system/cpu/cpu*/topology/physical_package_id | wc -l'
# Linux believes in threads on AMD processors only where they have topoext, which the one that QEMU emulates has not.
if run_in topo 'grep -qE "GenuineIntel|topoext" /proc/cpuinfo'; then
	ok "two cores" run_says topo '^2$' 'sort -u /sys/devices/system/cpu/cpu*/topology/core_id | wc -l'
	ok "vCPUs 0 and 1 are one core's threads" run_says topo '^0-1$' 'cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list'
else
	skip "two cores of two threads" "the box's processor has no topoext"
fi
ok "destroy ends it too" vmdeck destroy topo
