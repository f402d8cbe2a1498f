# limit: 240
# needs: kvm
# SeaBIOS from a virtio disk, here where a boot sector is all that is run: resets, boot order, its menu, its log; and what
# the start of a UEFI guest makes and refuses.
. tests/lib.sh

cp "$O/guests/mbr.img" "$WORK/boot.img"; truncate -s 1M "$WORK/empty.img"
pc() { # NAME OS-CHILDREN DISKS [OS-ATTRIBUTES]
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
	<os ${4:-}><type arch='x86_64' machine='pc'>hvm</type>$2</os><features><acpi/></features>
	<devices>$3<serial type='pty'/></devices></domain>
	XML
	vmdeck define "$WORK/$1.xml"
}
greeted() { [ "$(console "$1" | grep -c '^hello from the boot sector')" -ge "$2" ]; }
command() { vmdeck qemu-monitor-command "$1" "$2" --return-value; }

ok "a guest without a kernel is defined" pc web1 "" "$(disk vda "$WORK/boot.img")"
ok "dominfo names its firmware" says '^Firmware: +BIOS' vmdeck dominfo web1
ok "it starts" vmdeck start web1 --force
ok "SeaBIOS speaks on the serial line, as there is no screen" wait_for 60 console_has web1 'SeaBIOS \(version'
ok "and boots the disk" wait_for 60 greeted web1 1
ok "the boot sector greets once, on the line and on SeaBIOS' screen" is 2 eval "console web1 | grep -c '^hello from the boot sector'"
ok "it reads the disk through the firmware" eval 'printf d | vmdeck console web1 > /dev/null; wait_for 30 console_has web1 "^hello from the second sector"'
n=2
for how in "c:port CF9" "k:the keyboard controller"; do
	printf '%s' "${how%%:*}" | vmdeck console web1 > /dev/null; n=$((n + 2))
	ok "after a reset by ${how#*:} it boots again" wait_for 60 greeted web1 $n
done
ok "the firmware's log is kept" says 'Booting from Hard Disk' command web1 x-firmware-log
printf f | vmdeck console web1 > /dev/null
ok "a disk that gives up leaves nothing to boot, and dominfo says so" wait_for 60 says 'found no bootable device' vmdeck dominfo web1
ok "--json too" says '"nothing_boots": true' vmdeck dominfo web1 --json
ok "system_reset forgets it" eval 'vmdeck reset web1 && says "\"nothing_boots\": false" vmdeck dominfo web1 --json'
ok "and boots again" wait_for 60 greeted web1 $((n + 2))
ok "the guest powers itself off" eval 'printf p | vmdeck console web1 > /dev/null; wait_for 30 state_is web1 "shut off"'

ok "the first of the boot order is booted" eval 'pc order "" "$(disk vda "$WORK/empty.img" "<boot order=\"2\"/>")$(disk vdb "$WORK/boot.img" "<boot order=\"1\"/>")" && vmdeck start order --force && wait_for 60 greeted order 1'
vmdeck destroy order > /dev/null
ok "what is not in the boot order is not tried" eval 'pc strict "" "$(disk vda "$WORK/empty.img" "<boot order=\"1\"/>")$(disk vdb "$WORK/boot.img")" && vmdeck start strict --force && wait_for 60 says "found no bootable" vmdeck dominfo strict'
ok "and did not boot" not greeted strict 1
vmdeck destroy strict > /dev/null
ok "the boot menu is offered" eval 'pc menu "<bootmenu enable=\"yes\" timeout=\"60000\"/>" "$(disk vda "$WORK/boot.img")" && vmdeck start menu --force && wait_for 60 console_has menu "Press ESC for boot menu"'
vmdeck destroy menu > /dev/null

refused "a loader that is missing is named" "'/none/bios.bin'" eval 'pc gone "<loader type=\"rom\">/none/bios.bin</loader>" "" > /dev/null && vmdeck start gone --force'
refused "so is one that is no firmware" 'is no firmware of a PC' eval 'pc tiny "<loader type=\"rom\">$WORK/tiny.bin</loader>" "" > /dev/null; head -c 1000 /dev/zero > "$WORK/tiny.bin"; vmdeck start tiny --force'
refused "Secure Boot is refused" 'Secure Boot' eval 'pc sb "<loader secure=\"yes\"/>" "" "firmware=\"efi\"" > /dev/null 2>&1; vmdeck start sb --force'

store=$VMDECK_HOME/lib/nvram/efi_VARS.fd
ok "a UEFI guest is defined" pc efi "" "$(disk vda "$WORK/boot.img")" "firmware='efi'"
ok "dominfo says so" says '^Firmware: +UEFI' vmdeck dominfo efi
ok "before its first start it has no variables" not test -e "$store"
ok "the first start makes them from the template" eval 'vmdeck start efi --paused --force && test -s "$store"'
ok "for their owner only" is 600 stat -c %a "$store"
refused "two guests do not share them" 'in use' eval 'pc efi2 "<nvram>$store</nvram>" "" "firmware=\"efi\"" > /dev/null && vmdeck start efi2 --paused --force'
ok "destroy leaves them" eval 'vmdeck destroy efi && test -s "$store"'
printf mark | dd of="$store" bs=1 seek=4096 conv=notrunc status=none
ok "the next start takes them as they are" eval 'vmdeck start efi --paused --force && grep -q mark "$store" && vmdeck destroy efi'
ok "--reset-nvram makes them anew" eval 'vmdeck start efi --paused --force --reset-nvram && ! grep -q mark "$store" && vmdeck destroy efi'
refused "undefine asks what becomes of them" "--nvram removes them" vmdeck undefine efi
ok "--keep-nvram leaves them" eval 'vmdeck undefine efi --keep-nvram && test -s "$store"'
ok "--nvram removes them" eval 'vmdeck define "$WORK/efi.xml" && vmdeck undefine efi --nvram && test ! -e "$store"'
refused "without a template it is said what to do" "nvram template=" eval 'cp /usr/share/OVMF/OVMF_CODE_4M.fd "$WORK/own.fd"; pc own "<loader type=\"pflash\" readonly=\"yes\">$WORK/own.fd</loader>" "" > /dev/null && vmdeck start own --paused --force'
ok "with one it starts" eval 'pc own "<loader type=\"pflash\" readonly=\"yes\">$WORK/own.fd</loader><nvram template=\"/usr/share/OVMF/OVMF_VARS_4M.fd\">$WORK/own_VARS.fd</nvram>" "" > /dev/null; vmdeck undefine own > /dev/null; vmdeck define "$WORK/own.xml" && vmdeck start own --paused --force && test -s "$WORK/own_VARS.fd"'
refused "a template of another build is refused" 'OVMF_VARS.fd. has 131072 bytes .*does not fit the firmware .*OVMF_CODE_4M.fd., whose store has 540672' eval 'pc odd "<loader type=\"pflash\" readonly=\"yes\">/usr/share/OVMF/OVMF_CODE_4M.fd</loader><nvram template=\"/usr/share/OVMF/OVMF_VARS.fd\">$WORK/odd_VARS.fd</nvram>" "" > /dev/null; vmdeck start odd --paused --force'
ok "and no store is made from it" not test -e "$WORK/odd_VARS.fd"
cp /usr/share/OVMF/OVMF_VARS.fd "$WORK/odd_VARS.fd"
refused "so is a store of another build" "variable store '.*odd_VARS.fd' has 131072 bytes .*--reset-nvram" vmdeck start odd --paused --force
refused "also where nobody says what belongs to the firmware" 'whose store has 540672' eval 'cp "$WORK/odd_VARS.fd" "$WORK/own_VARS.fd"; vmdeck destroy own > /dev/null; vmdeck start own --paused --force'
