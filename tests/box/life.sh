# limit: 400
# needs: root
# One guest's life: disks, suspend and resume, reset, reboot from inside, and what is on the disks afterwards.
. tests/lib.sh

truncate -s 64M "$WORK/data.img"; mkfs.ext4 -qF "$WORK/data.img"
truncate -s 8M "$WORK/loop.img"; loop=$(losetup -f --show "$WORK/loop.img")
head -c 1M /dev/urandom > "$WORK/seed.img"
DISKS="$(disk vda "$WORK/data.img" '<serial>DATA01</serial>') $(disk vdb "$loop") $(disk vdc "$WORK/seed.img" '<readonly/>')"
silent() { local before; before=$(console life | wc -c); sleep 3; is "$before" eval 'console life | wc -c'; }
frozen() { local pid before; pid=$(machine_pid life); before=$(cpu_ticks "$pid"); sleep 2; [ $(($(cpu_ticks "$pid") - before)) -le 1 ]; }
grows() { [ "$(console life | wc -c)" -gt "$1" ]; }

# Its cgroup: of the host's systemd, or one that vmdeck has made.
TUNE="<memtune><hard_limit unit='MiB'>6000</hard_limit></memtune><cputune><shares>512</shares><global_quota>400000</global_quota></cputune>"
cgroup_of() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"; }
limits_are() {
	local dir pid; dir=$(cgroup_of "$(keeper_pid life)")
	[ "$dir" = "$(cgroup_of "$(machine_pid life)")" ] || { echo "keeper in $dir, machine elsewhere"; return 1; }
	[[ $dir == *vmdeck-$(vmdeck domuuid life)* ]] || { echo "in $dir"; return 1; }
	is "6291456000 129 512 400000 100000" eval "cd $dir && echo \$(cat memory.max pids.max cpu.weight cpu.max)"
}

ok "a guest with three disks and limits is defined and starts" eval 'guest life cloud disks="$DISKS" actions="$TUNE" && vmdeck start life'
ok "its processes are in a cgroup with its limits" limits_are
cgroup=$(cgroup_of "$(keeper_pid life)")
ok "it comes to its shell" at_shell life
ok "it sees the disks and their sizes" run_says life '65536 vda' 'cat /proc/partitions'
ok "the disk's serial is seen" run_says life '^DATA01' 'cat /sys/block/vda/serial'
ok "it writes a file on a virtio disk" run_in life 'mount /dev/vda /mnt && seq 20000 > /mnt/numbers && umount /mnt'
ok "it writes to a disk that is a block device here" run_in life 'echo by the guest | dd of=/dev/vdb bs=512 conv=sync,fsync 2>/dev/null'
ok "it reads what this host wrote" run_says life "^$(md5sum < "$WORK/seed.img" | cut -c1-32)" 'md5sum < /dev/vdc'
ok "a read-only disk cannot be written" not run_in life 'echo x | dd of=/dev/vdc conv=fsync 2>/dev/null'
ok "domstats counts what the disk wrote" says 'block.0.wr.bytes=[1-9]' vmdeck domstats life

type_in life 'while :; do echo tick; sleep 1; done'
ok "a guest that talks once a second is heard" wait_for 30 console_has life '^tick'
ok "suspend" vmdeck suspend life
ok "it is paused, by the user" reason_is life "paused (user)"
ok "a suspended guest is silent" silent
ok "a suspended guest takes no CPU time" frozen
before=$(console life | wc -c)
ok "resume" vmdeck resume life
ok "it is running again" state_is life running
ok "a resumed guest talks on" wait_for 30 grows "$before"

n=$(prompts life)
ok "reset" vmdeck reset life
ok "it boots again, its console's record kept" at_shell life "$n"
ok "the file has survived the reset" run_says life '^20000$' 'mount /dev/vda /mnt && tail -1 /mnt/numbers; umount /mnt'
n=$(prompts life)
type_in life reboot
ok "reboot from inside boots it again" at_shell life "$n"
ok "it is running" state_is life running
n=$(prompts life)
ok "reboot, asked of the guest" vmdeck reboot life
ok "boots it again" at_shell life "$n"
ok "it runs, and has not been shut off" state_is life running
ok "destroy" vmdeck destroy life
ok "its cgroup is gone" wait_for 20 not test -e "$cgroup"
ok "on this host the file is what the guest wrote" is "$(seq 20000 | md5sum)" \
	eval 'debugfs -R "cat numbers" "$WORK/data.img" 2>/dev/null | md5sum'
ok "the file system is clean but for the reset" eval 'e2fsck -fy "$WORK/data.img" >/dev/null 2>&1; [ $? -le 1 ]'
ok "the block device has what the guest wrote" is "by the guest" head -c 12 "$WORK/loop.img"
mkdir "$WORK/mnt"
ok "this host takes the block device itself" eval 'mkfs.ext4 -qF "$loop" && mount "$loop" "$WORK/mnt"'
refused "then the guest does not get it" "disk 'vdb': this host itself uses the block device '$loop'.*unmount" vmdeck start life
ok "until the host has let go of it" eval 'umount "$WORK/mnt" && vmdeck start life && vmdeck destroy life'
