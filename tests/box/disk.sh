# limit: 300
# needs: root
# A guest's disks: cache modes, queues, what sysfs says of them, discards, and a host without room.
. tests/lib.sh

mkdir -p "$WORK/small"; mount -t tmpfs -o size=3m none "$WORK/small"
at=$WORK; [ ! -d /scratch ] || at=/scratch # O_DIRECT works there
truncate -s 16M "$at/data.img" "$WORK/small/full.img"
with_driver() { sed "s|<driver name='qemu' type='raw'/>|<driver name='qemu' type='raw' $1/>|"; }
DISKS="$(disk vda "$at/data.img" '<serial>DATA01</serial>' | with_driver "cache='none' discard='unmap' queues='2'")
$(disk vdb "$WORK/small/full.img" | with_driver "cache='writethrough'")"
[ "$at" = /scratch ] || DISKS=${DISKS//cache=\'none\'/cache=\'writeback\'}

ok "a guest with two disks is defined and starts" eval 'guest disk cloud vcpus=2 cmdline= disks="$DISKS" && vmdeck start disk'
ok "it comes to its shell" at_shell disk
ok "the disk has two queues" run_says disk '^2$' 'ls /sys/block/vda/mq | wc -l'
ok "interrupts are message-signalled, one for each queue of both disks" run_says disk '^3$' 'grep -c "PCI-MSI.*virtio[0-9]*-req" /proc/interrupts'
ok "the serial number is seen" run_says disk '^DATA01$' 'cat /sys/block/vda/serial; echo'
ok "the cache can be flushed, or needs not" run_says disk 'write back.*write through' 'echo $(cat /sys/block/vd[ab]/queue/write_cache)'
ok "what is written" run_in disk 'head -c 4194304 /dev/urandom > /tmp/r && dd if=/tmp/r of=/dev/vda bs=256k conv=fsync 2>/dev/null'
ok "is read again" run_in disk 'echo 3 > /proc/sys/vm/drop_caches; head -c 4194304 /dev/vda | cmp - /tmp/r'
used() { du -k "$at/data.img" | cut -f1; }
full=$(used)
ok "a discard works" run_in disk 'blkdiscard -o 1048576 -l 2097152 /dev/vda'
ok "and makes room on the host" [ "$(used)" -le $((full - 2048)) ]
ok "before it all is as it was" run_in disk 'dd if=/dev/vda bs=1M count=1 2>/dev/null | cmp - /tmp/r -n 1048576'
type_in disk 'dd if=/dev/urandom of=/dev/vdb bs=1M count=8 conv=fsync; echo end=$?'
ok "a host without room pauses the guest" wait_for 60 state_is disk paused
ok "and says why" says 'I/O error|ioerror' vmdeck domstate disk --reason
ok "with more room it goes on" eval 'mount -o remount,size=32m "$WORK/small" && vmdeck resume disk'
ok "and the guest has noticed nothing" wait_for 60 console_has disk '^end=0'
ok "no I/O error in its log" not run_in disk 'dmesg | grep "I/O error"'
ok "destroy ends it" vmdeck destroy disk
umount "$WORK/small"
