# limit: 300
# needs: root dm
# "Why is it black?" of real kernels: one that does not know of ttyS0, one that finds no root, and one that waits for a disk of the
# host, which then fails. What needs no kernel is in tests/native/black.sh.
. tests/lib.sh

why() { vmdeck dominfo "$1" | sed -n '/^Diagnosis:/,$p'; }
why_has() { says "$2" eval "why $1 | tr '\n' ' '"; }

truncate -s 16M "$WORK/slow.img"
LOOP=$(losetup -f --show "$WORK/slow.img")
dm() { dmsetup --noudevsync --noudevrules "$@"; }
ok "the host has a disk that can be held" eval 'dm create vmdeck-slow --table "0 32768 linear $LOOP 0" && dm mknodes && [ -b /dev/mapper/vmdeck-slow ]'
ok "a guest with a disk on the device mapper" eval 'guest slow cloud disks="$(disk vda /dev/mapper/vmdeck-slow)" && vmdeck start slow'
ok "a kernel that was not told of ttyS0" eval 'guest mute cloud cmdline="rdinit=/bin/busybox -- sleep 9999" && sed -i "s/console=ttyS0 //" "$WORK/mute.xml" && vmdeck undefine mute && vmdeck define "$WORK/mute.xml" && vmdeck start mute'
ok "a kernel without a root" eval 'guest lost cloud cmdline="root=/dev/nothing rdinit=/nothing panic=0" && vmdeck start lost'
ok "the first comes to its shell" at_shell slow
ok "which is told" wait_for 20 why_has slow 'A shell waits for a command on ttyS0'
dm suspend vmdeck-slow
type_in slow 'dd if=/dev/urandom of=/dev/vda bs=64k count=4 conv=fsync; echo end=$?'
ok "the host's disk does not answer" wait_for 30 why_has slow "waits for disk 'vda': the host has not answered a (write|flush) for [0-9]+s\."
ok "and where to look is told" why_has slow 'dmesg'
dm resume vmdeck-slow
ok "it answers again, and so does the guest" wait_for 30 console_has slow '^end=0'
ok "which is well" wait_for 20 why_has slow 'A shell waits for a command'
table() { dm suspend vmdeck-slow; dm load vmdeck-slow --table "$1"; dm resume vmdeck-slow; }
table "0 32768 error"
ok "a host's disk that fails at a flush is an error in the guest" not run_in slow 'dd if=/dev/urandom of=/dev/vda bs=64k count=4 conv=fsync'
table "0 32768 linear $LOOP 0"
ok "and stays one when that works again, as what was lost is lost" not run_in slow 'dd if=/dev/zero of=/dev/vda bs=64k count=1 conv=fsync'
ok "domblkerror tells" says '^vda: unspecified error: a flush failed .Input/output error.' vmdeck domblkerror slow
ok "so does the diagnosis" wait_for 20 why_has slow "could not write what it held for disk 'vda'"
ok "and the journal" grep -q '"event":"disk-failed"' "$VMDECK_HOME/log/journal.jsonl"
ok "the mute kernel has written nothing" wait_for 60 why_has mute 'has written nothing to ttyS0 in the [0-9ms]+ since it began, and has no screen'
ok "and what its command line lacks is told" why_has mute 'Add console=ttyS0 to <cmdline>'
ok "the lost one has panicked, and why is told" wait_for 60 why_has lost 'Its kernel has panicked: .*(root fs|No working init)'
ok "with what to check" why_has lost 'check root='
for g in slow mute lost; do vmdeck -q destroy $g; done
dm remove vmdeck-slow; losetup -d "$LOOP"
