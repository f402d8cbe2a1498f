# limit: 400
# IDE disks and CD-ROM drives under Linux: DMA, two CDs, media that change while the guest runs, a locked tray.
. tests/lib.sh

cd_image() { # FILE LABEL TEXT: an ISO with a file that says TEXT and one of random data
	local tree=$WORK/tree
	rm -rf "$tree"; mkdir -p "$tree"; echo "$3" > "$tree/text"; head -c 3000000 /dev/urandom > "$tree/data"
	(cd "$tree" && md5sum data > sum)
	xorriso -as mkisofs -quiet -R -V "$2" -o "$1" "$tree" 2>/dev/null
}
cdrom() { echo "<disk type='file' device='cdrom'>${2:+<source file='$2'/>}<target dev='$1' bus='ide'/><readonly/></disk>"; }

truncate -s 16M "$WORK/hda.img"
for n in one two three; do cd_image "$WORK/$n.iso" "CD_${n^^}" "this is $n"; done
DISKS="$(disk hda "$WORK/hda.img" '<serial>IDE0001</serial>' | sed "s/bus='virtio'/bus='ide'/")
$(cdrom hdc "$WORK/one.iso")
$(cdrom hdd)"

ok "a guest with an IDE disk and two CD-ROM drives is defined and starts" eval 'guest ide cloud disks="$DISKS" cmdline= && vmdeck start ide'
ok "it comes to its shell" at_shell ide
ok "its drivers find the controller" run_in ide 'modprobe -a ata_piix sd_mod sr_mod isofs; for i in 1 2 3 4 5 6 7 8 9; do [ -e /dev/sr1 ] && [ -e /dev/sda ] && break; sleep 1; done; ls /dev/sda /dev/sr0 /dev/sr1'
ok "the disk says who it is" run_says ide 'VMDECK HARDDISK' 'dmesg | grep "ata1.00: ATA"'
ok "all three use DMA" run_says ide '^3$' 'cat /sys/class/ata_device/dev*/dma_mode | grep -c MW_DMA_2'
ok "what is written to the disk" run_in ide 'head -c 4194304 /dev/urandom > /tmp/r && dd if=/tmp/r of=/dev/sda bs=256k conv=fsync 2>/dev/null'
ok "is read again" run_in ide 'echo 3 > /proc/sys/vm/drop_caches; head -c 4194304 /dev/sda | cmp - /tmp/r'
ok "and lies in the image" eval '[ "$(head -c 4194304 "$WORK/hda.img" | md5sum)" = "$(run_in ide "md5sum < /tmp/r")" ]'
ok "a CD is mounted and read" run_says ide '^this is one' 'mount -t iso9660 -o ro /dev/sr0 /mnt && cat /mnt/text && (cd /mnt && md5sum -c sum)'
ok "domblklist tells it" says "hdc +$WORK/one.iso" vmdeck domblklist ide
refused "a mounted CD is locked" 'has locked the tray' vmdeck change-media ide hdc "$WORK/two.iso"
ok "unmounted it can be changed" eval 'run_in ide "umount /mnt" && vmdeck change-media ide hdc "$WORK/two.iso" --live --config'
ok "the guest sees the new one" run_says ide '^this is two' 'mount -t iso9660 -o ro /dev/sr0 /mnt && cat /mnt/text && (cd /mnt && md5sum -c sum); umount /mnt'
ok "the live XML and the definition have it" eval 'vmdeck dumpxml ide | grep -q two.iso && vmdeck dumpxml ide --inactive | grep -q two.iso'
ok "a medium is put into the empty drive" vmdeck change-media ide hdd "$WORK/three.iso" --insert
ok "and read beside the other" run_says ide '^this is three' 'mount -t iso9660 -o ro /dev/sr1 /mnt && cat /mnt/text; umount /mnt'
ok "the guest ejects it" run_in ide 'echo 1 > /proc/sys/dev/cdrom/autoeject; : < /dev/sr1'
ok "domblklist tells that too" wait_for 20 says 'hdd +-' vmdeck domblklist ide
ok "it does so no more" run_in ide 'echo 0 > /proc/sys/dev/cdrom/autoeject'
ok "force opens a locked tray" eval 'run_in ide "mount -t iso9660 -o ro /dev/sr0 /mnt" && vmdeck change-media ide hdc --eject --force'
ok "what is read then fails, and the guest lives" run_in ide 'echo 3 > /proc/sys/vm/drop_caches; ! cat /mnt/data > /dev/null; umount /mnt'
ok "figures of both are counted" says 'hda' vmdeck domstats ide --block
ok "the disk is flushed" run_in ide 'sync; blockdev --flushbufs /dev/sda'
ok "no error in the guest's log but of the forced CD" not run_in ide 'dmesg | grep -E "ata1.*(error|exception)|sd .*error"'
ok "destroy ends it" vmdeck destroy ide
