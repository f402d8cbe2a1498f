# limit: 240
# needs: kvm
# SeaBIOS boots an El Torito CD, an IDE disk and a floppy, here where a boot sector is all that is run; a medium changes meanwhile.
. tests/lib.sh

tree=$WORK/tree; mkdir -p "$tree"
dd if="$O/guests/mbr.img" of="$tree/boot.img" bs=2048 count=1 conv=sync status=none
xorriso -as mkisofs -quiet -V BOOT -b boot.img -no-emul-boot -boot-load-size 4 -o "$WORK/boot.iso" "$tree" 2>/dev/null
cp "$O/guests/mbr.img" "$WORK/fda.img"; truncate -s 1440K "$WORK/fda.img"; truncate -s 2M "$WORK/empty.iso"; cp "$O/guests/mbr.img" "$WORK/hda.img"; truncate -s 1M "$WORK/hda.img"

pc() { # NAME BOOTDEV DISKS
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='$2'/></os><features><acpi/></features>
	<devices>$3<serial type='pty'/></devices></domain>
	XML
	vmdeck define "$WORK/$1.xml"
}
cd="<disk type='file' device='cdrom'><source file='$WORK/boot.iso'/><target dev='hdc' bus='ide'/></disk>"
fd="<disk type='file' device='floppy'><source file='$WORK/fda.img'/><target dev='fda' bus='fdc'/></disk>"
hd="<disk type='file' device='disk'><source file='$WORK/hda.img'/><target dev='hda' bus='ide'/></disk>"
optional="<disk type='file' device='cdrom'><source file='$WORK/gone.iso' startupPolicy='optional'/><target dev='hdd' bus='ide'/></disk>"
greets() { wait_for 60 console_has "$1" '^hello from the boot sector'; }

ok "a guest with a bootable CD is defined" pc cd cdrom "$cd$optional"
ok "and starts, though an optional CD is missing" says 'gone.iso.* is missing' vmdeck start cd --force
ok "the firmware boots the CD" greets cd
ok "and says so" console_has cd 'Booting from DVD/CD'
ok "the missing one is an empty drive" says 'hdd +-$' vmdeck domblklist cd
ok "which is defined as before" says 'hdd +.*gone.iso' vmdeck domblklist cd --inactive
ok "a medium is changed while it runs" vmdeck change-media cd hdc "$WORK/empty.iso"
ok "which domblklist tells" says "hdc +$WORK/empty.iso" vmdeck domblklist cd
ok "and the guest's process has the image open" eval 'ls -l /proc/$(machine_pid cd)/fd | grep -q empty.iso'
ok "but not the old one" eval '! ls -l /proc/$(machine_pid cd)/fd | grep -q boot.iso'
refused "an image that is missing is not put in" 'none.iso.*No such file' vmdeck change-media cd hdc "$WORK/none.iso"
refused "a disk that there is not is named" 'vda' vmdeck change-media cd vda --eject
refused "a full drive takes no second medium" 'already has media' vmdeck change-media cd hdc "$WORK/boot.iso" --insert
tray() { vmdeck qemu-monitor-command cd "{\"execute\":\"blockdev-$1-tray\",\"arguments\":{\"id\":\"hdc\"}}"; }
ok "an open tray holds no medium" eval 'tray open && says "hdc +-\$" vmdeck domblklist cd && vmdeck dumpxml cd | grep -q "tray=.open"'
ok "a closed one does" eval 'tray close && says "hdc +$WORK/empty.iso" vmdeck domblklist cd'
ok "it is ejected" vmdeck change-media cd hdc --eject
refused "and not twice" "doesn't have media" vmdeck change-media cd hdc --eject
ok "the definition still has its CD" says "hdc +$WORK/boot.iso" vmdeck domblklist cd --inactive
ok "destroy ends it" vmdeck destroy cd
ok "a guest with an IDE disk is defined and starts" eval 'pc hd hd "$hd" && vmdeck start hd --force'
ok "the firmware boots the disk" greets hd
ok "the boot sector reads the disk through the firmware" eval 'printf d | vmdeck console hd > /dev/null; wait_for 30 console_has hd "^hello from the second sector"'
ok "destroy ends it too" vmdeck destroy hd
ok "a guest with a floppy is defined and starts" eval 'pc fd fd "$fd$cd" && vmdeck start fd --force'
ok "the firmware boots the floppy" greets fd
ok "and says so too" console_has fd 'Booting from Floppy'
ok "destroy ends it as well" vmdeck destroy fd
truncate -s 1296384 "$WORK/fda.img"
ok "so does an image whose end was left out, as GRUB's" eval 'vmdeck -q start fd --force; greets fd'
vmdeck destroy fd > /dev/null
truncate -s 3000000 "$WORK/fda.img"
refused "an image that is larger than any floppy is refused" 'no floppy has 3000000 bytes' vmdeck -q start fd --force
