# limit: 300
# needs: kvm
# vmdeck install: what an installer leaves is booted after its reboot, though nobody waits; failures leave nothing.
. tests/lib.sh

tree=$WORK/tree; mkdir -p "$tree" "$WORK/kernels"
dd if="$O/guests/installer.img" of="$tree/boot.img" bs=2048 count=1 status=none
xorriso -as mkisofs -quiet -V INSTALLER -b boot.img -no-emul-boot -boot-load-size 4 -o "$WORK/cd.iso" "$tree" 2>/dev/null
cp "$O/guests/echo.elf" "$WORK/kernels/linux"; echo none > "$WORK/kernels/initrd.gz"
cp "$O/guests/mbr.img" "$WORK/done.img"
images=$VMDECK_HOME/lib/images

new() { local name=$1; shift; vmdeck install --name "$name" --memory 32 --network none --noautoconsole --force "$@"; }
says_it() { wait_for 90 console_has "$1" "$2"; }
tell() { printf %s "$2" | vmdeck console "$1" > /dev/null; }
from_disk() { says_it "$1" '^hello from the installed disk'; }
# Nothing of a guest of that name.
no_trace() {
	not vmdeck dominfo "$1" && [ ! -e "$images/$1.raw" ] && [ -z "$(find "$VMDECK_HOME/lib" "$VMDECK_HOME/config" -name "*$1*")" ] &&
		[ -z "$(ls -A "$VMDECK_HOME/lib/install" 2>/dev/null)" ] || { find "$VMDECK_HOME/lib" "$VMDECK_HOME/config"; return 1; }
}

ok "a dry run succeeds" says 'Dry run completed successfully' new cd --disk size=0.01 --cdrom "$WORK/cd.iso" --dry-run
ok "and makes nothing" no_trace cd
ok "the XML is printed" says "<boot dev='cdrom'/>" vmdeck install --name cd --disk size=0.01 --cdrom "$WORK/cd.iso" --print-xml
ok "which makes nothing either" no_trace cd

ok "a guest is installed from a CD" says 'still in progress' new cd --disk size=0.01 --cdrom "$WORK/cd.iso"
ok "another one, with the disk's space taken at once" new off --disk size=0.01,sparse=no --cdrom "$WORK/cd.iso"
ok "a third, which is not to be rebooted" new stay --disk size=0.01,bus=ide --cdrom "$WORK/cd.iso" --noreboot
ok "a fourth, by a kernel in a folder" new kernel --disk "$WORK/done.img" --location "$WORK/kernels" --extra-args "one two" --graphics none
ok "its kernel is a copy" eval '[ -f "$VMDECK_HOME"/lib/install/*/kernel ] && [ -f "$VMDECK_HOME"/lib/install/*/initrd ]'
ok "and has its command line" says '<cmdline>one two</cmdline>' vmdeck dumpxml kernel
ok "the disk is sparse unless told otherwise" eval '[ "$(stat -c %b "$images/cd.raw")" -lt 2048 ] && [ "$(stat -c %b "$images/off.raw")" -ge 20480 ]'
refused "its name is taken from the start" "'cd' is already in use" new cd --disk size=0.01 --cdrom "$WORK/cd.iso"
refused "and so is its disk" "in use by guest 'cd'" new other --import --disk "$images/cd.raw"

ok "the kernel runs" says_it kernel '^hello'
ok "and resets the guest" tell kernel c
ok "which comes up from its disk" says_it kernel '^hello from the boot sector'
ok "and has no kernel any more" eval 'says "<boot dev=.hd" vmdeck dumpxml kernel && not says "<kernel>" vmdeck dumpxml kernel'
ok "nor has the host its copies" eval '! find "$VMDECK_HOME/lib/install" 2>/dev/null | grep -q .'

ok "the installer on the CD writes the disk" says_it cd '^the disk is written'
ok "the CD lies in its drive" says "hda +$WORK/cd.iso" vmdeck domblklist cd
first=$(vmdeck domid cd)
screen=$(vmdeck domdisplay cd --include-password)
ok "and resets the guest" tell cd r
ok "which comes up from its disk" from_disk cd
ok "as it is defined, with the CD taken out" says 'hda +-$' vmdeck domblklist cd
ok "it was started anew" eval '[ "$(vmdeck domid cd)" != "$first" ]'
ok "whoever watches goes on with the password that was told" eval '[ -n "$screen" ] && [ "$(vmdeck domdisplay cd --include-password | sed "s/.*://; s/@.*//")" = "$(sed "s/.*://; s/@.*//" <<< "$screen")" ]'
ok "nothing of the first boot is left in its XML" eval 'not says "vmdeck:install|on_reboot|cdrom.*boot" vmdeck dumpxml cd'
ok "a later reset is the guest's own" eval 'id=$(vmdeck domid cd); tell cd r; wait_for 90 eval "[ \$(console cd | grep -c \"^hello from the installed disk\") = 2 ]" && [ "$(vmdeck domid cd)" = "$id" ]'

ok "the second writes its disk, too" says_it off '^the disk is written'
ok "and powers the guest off" eval 'tell off p; wait_for 30 state_is off "shut off"'
ok "which then boots the disk" eval 'vmdeck start off --force && from_disk off'
ok "the third writes an IDE disk" says_it stay '^the disk is written'
ok "its reset ends it" eval 'tell stay r; wait_for 30 state_is stay "shut off"'
ok "and it boots the disk when it is started" eval 'vmdeck start stay --force && from_disk stay'
for g in cd off stay kernel; do vmdeck destroy $g > /dev/null; done

wait_out() { timeout $((120 * TEST_SLOW)) "$V" install --name waits --memory 32 --network none --graphics none --noautoconsole --force --disk size=0.01 \
	--cdrom "$WORK/cd.iso" --wait 2 > "$WORK/waits.out" 2>&1; echo "exit $?" >> "$WORK/waits.out"; }
wait_out & waiter=$!
ok "one is waited for" says_it waits '^the disk is written'
ok "and ends it waits for" eval 'tell waits r; wait_for 60 grep -q "^exit 0" "$WORK/waits.out" && grep -q "Domain creation completed" "$WORK/waits.out"'
wait $waiter; vmdeck destroy waits > /dev/null

mkdir -p "$WORK/iso/install.amd"; cp "$O/guests/echo.elf" "$WORK/iso/install.amd/vmlinuz"; echo initrd > "$WORK/iso/install.amd/initrd.gz"; echo answers > "$WORK/preseed.cfg"
xorriso -as mkisofs -quiet -V DEBIAN -o "$WORK/debian.iso" "$WORK/iso" 2>/dev/null
cp "$O/guests/mbr.img" "$WORK/done2.img"
# With a terminal and no screen the console is shown, that of the installer and then that of what is installed.
tail --pid=$$ -f /dev/null | socat - EXEC:"$V install --name tty --memory 32 --network none --graphics none --force --disk $WORK/done2.img --location $WORK/debian.iso --initrd-inject $WORK/preseed.cfg",pty,setsid,ctty,stderr > "$WORK/tty.out" & tty=$!
ok "one from the kernel of an ISO shows its console" wait_for 30 grep -aq "^hello" "$WORK/tty.out"
ok "the ISO lies in its drive" says "debian.iso" vmdeck domblklist tty
ok "the answers are behind the initrd" eval 'grep -aq "^initrd" "$VMDECK_HOME"/lib/install/*/initrd && grep -aq preseed.cfg "$VMDECK_HOME"/lib/install/*/initrd'
ok "the console goes on with what was installed" eval 'tell tty c; wait_for 90 grep -aq "hello from the boot sector" "$WORK/tty.out" && grep -aq "Restarting guest" "$WORK/tty.out"'
ok "and ends with it" eval 'tell tty p; wait_for 30 not kill -0 $tty 2>/dev/null; grep -aq "creation completed" "$WORK/tty.out"'

head -c 4096 /dev/zero > "$WORK/zero"
refused "a kernel that is none is refused" 'not a kernel' new bad --disk size=0.01 --location "kernel=$WORK/zero"
ok "when all was made, and nothing is left" no_trace bad
refused "what cannot be filled is refused before" 'would not fit' new bad --disk size=500000 --cdrom "$WORK/cd.iso"
refused "as is more memory than there is" 'more than this host has' vmdeck install --name bad --memory 99999999 --disk size=1 --cdrom "$WORK/cd.iso"
refused "a folder that is not there" 'nothing can be made' new bad --disk "$WORK/none/bad.raw,size=1" --cdrom "$WORK/cd.iso"
ok "nothing was made" no_trace bad
mkdir "$WORK/full"
if mount -t tmpfs -o size=2m none "$WORK/full" 2>/dev/null; then
refused "a disk that is to take its space, and has none" 'do not fit' new bad --disk "$WORK/full/bad.raw,size=0.01,sparse=no" --cdrom "$WORK/cd.iso"
ok "a sparse one is made when one insists" new thin --disk "$WORK/full/thin.raw,size=0.01" --cdrom "$WORK/cd.iso" --check disk_size=off
ok "it is there" eval '[ "$(stat -c %s "$WORK/full/thin.raw")" = 10739712 ]'
vmdeck destroy thin > /dev/null
umount "$WORK/full"
else skip "a full file system" "only root can make one"; fi
ok "nothing runs any more" wait_for 10 nothing_left
