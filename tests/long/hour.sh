# limit: 4500
# An hour of what users do to one guest: disks, network, console, screen, wrong passwords, pauses, resets, all over again.
# After a warm-up, nothing that its processes hold grows: descriptors, threads, memory, logs. VMDECK_SOAK_S: other than an hour.
. tests/lib.sh
. tests/lib_pc.sh

SOAK_S=${VMDECK_SOAK_S:-3600} WARM=4
fds=0 tasks=0 kib=0 # after the warm-up
RECORD_MIB=18 # of the console: four segments of 4 MiB, and their index
LOG_MIB=3     # vmm.log and the one before, each turned at 1 MiB
truncate -s 64M "$WORK/data.img"
card="<interface type='user'><model type='virtio'/></interface>"
screen="<graphics type='vnc' autoport='yes'/><video><model type='virtio' heads='1'/></video>"

# The guest's processes: keeper, machine, and those that are there of vmdeck-screen and vmdeck-net with its helper.
processes() { local k; k=$(keeper_pid hour) && echo "$k" && family "$k"; }
family() { local pid; for pid in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do echo "$pid"; family "$pid"; done; }
descriptors() { local pid; for pid in $(processes); do ls "/proc/$pid/fd"; done 2>/dev/null | wc -l; }
threads() { local pid; for pid in $(processes); do ls "/proc/$pid/task"; done 2>/dev/null | wc -l; }
# Private KiB, but for mappings of 64 MiB and more, which hold the RAM.
own_memory() {
	local pid; for pid in $(processes); do cat "/proc/$pid/smaps"; done 2>/dev/null | awk '
		/^Size:/ { ram = $2 >= 65536 }
		/^Private_(Clean|Dirty):/ && !ram { kib += $2 }
		END { print kib + 0 }'
}
# KiB of this guest's files of a kind.
logs() { du -ck "$VMDECK_HOME"/log/*/vmm.log* | tail -1 | cut -f1; }
record() { du -ck "$VMDECK_HOME"/log/*/console* | tail -1 | cut -f1; }

# One round. What goes wrong in it fails a claim at the end.
wrong=()
must() { local what=$1; shift; "$@" > "$WORK/said" 2>&1 || wrong+=("round $round: $what: $(tail -1 "$WORK/said")"); }
looks() { picture hour "$WORK/hour.ppm" && [ -s "$WORK/hour.ppm" ]; }
guesses() { printf 'notit678' | dd bs=8 conv=sync status=none > "$WORK/bad.pw"; not timeout 60 vncsnapshot -quiet -passwd "$WORK/bad.pw" "$(vnc_of hour)" "$WORK/bad.jpg"; }
a_round() {
	must "the disk" run_in hour 'dd if=/dev/urandom of=/dev/vda bs=64k count=64 conv=fsync 2>/dev/null && dd if=/dev/vda of=/dev/null bs=64k count=64 2>/dev/null'
	must "much on the console" run_says hour '^the end$' 'seq 1000; echo the end'
	must "the network" run_in hour 'ping -c 2 -W 20 10.0.2.2'
	must "a look at the screen" looks
	[ $((round % 5)) != 0 ] || must "a wrong password" guesses
	must "pause" eval 'vmdeck suspend hour && vmdeck resume hour'
	must "figures" vmdeck domstats hour
	[ $((round % 12)) != 0 ] || { local n; n=$(prompts hour); must "reset" vmdeck reset hour; must "boot" at_shell hour "$n"; }
}

ok "a guest with a disk, a network and a screen starts" eval 'guest hour cloud memory=192 disks="$(disk vda "$WORK/data.img")$card$screen" && vmdeck start hour'
ok "it comes to its shell" at_shell hour
machine=$(machine_pid hour) began=$SECONDS round=0
while [ $((SECONDS - began)) -lt "$SOAK_S" ] && [ ${#wrong[@]} -lt 5 ]; do
	round=$((round + 1))
	a_round
	if [ $round = $WARM ]; then
		fds=$(descriptors) tasks=$(threads) kib=$(own_memory)
		echo "   after $WARM rounds: $fds descriptors, $tasks threads, $kib KiB"
	fi
done
echo "   after $round rounds: $(descriptors) descriptors, $(threads) threads, $(own_memory) KiB; vmm.log $(logs) KiB, record $(record) KiB"
at_most() { [ "$1" -le "$2" ] || { echo "$1, at most $2 are right"; return 1; }; }
ok "all rounds went well" is "" eval 'printf "%s\n" "${wrong[@]}"'
ok "there were more than the warm-up" [ $round -gt $WARM ]
ok "it is the same machine" is "$machine" machine_pid hour
ok "its processes have no more descriptors" at_most "$(descriptors)" $((fds + 4))
ok "and no more threads, but for io_uring's, which come and go" at_most "$(threads)" $((tasks + 8))
ok "and no more memory, but for 2 MiB" at_most "$(own_memory)" $((kib + 2048))
ok "vmm.log is bounded" at_most "$(logs)" $((LOG_MIB * 1024))
ok "the console's record is bounded" at_most "$(record)" $((RECORD_MIB * 1024))
ok "destroy ends it" vmdeck destroy hour
ok "nothing is left" wait_for 10 nothing_left
