# limit: 1500
# What UEFI boots: memtest86+ from GRUB's CD, read off the framebuffer, and a Debian on a GPT disk.
. tests/lib.sh
. tests/lib_pc.sh
eval "$(tests/guests/media grub)"; eval "$(tests/guests/media debian)"

# An EFI guest: pc() with firmware='efi'.
efi() {
	local name=$1; shift
	pc "$name" "$@" > /dev/null && vmdeck undefine "$name" --nvram > /dev/null &&
		sed -i "s|<os>|<os firmware='efi'>|" "$WORK/$name.xml" && vmdeck define "$WORK/$name.xml"
}
# memtest86+ draws its 80x25 characters with a font of its own in the middle of the picture.
memtest_has() {
	local w h
	picture "$1" "$WORK/whole.ppm" && read -r w h < <(sed -n 2p "$WORK/whole.ppm") || return
	pamcut -left $(((w - 640) / 2)) -top $(((h - 400) / 2)) -width 640 -height 400 "$WORK/whole.ppm" |
		"$O/tools/readscreen" /boot/memtest86+x64.efi > "$WORK/text" && grep -E -- "$2" "$WORK/text" || { grep . "$WORK/text" | tail -25; return 1; }
}

ok "a UEFI guest with GRUB's CD starts" eval 'efi mem "disks=$(cdrom hda "$ISO")" memory=512 && vmdeck start mem'
ok "its variables have a file of their own" eval 'ls -l "$VMDECK_HOME"/lib/nvram/mem_VARS.fd'
# GRUB draws with the firmware's font, which is not ours to read: the second entry is memtest86+.
big_picture() { picture mem "$WORK/m.ppm" && [ "$(ppmhist -noheader -map "$WORK/m.ppm" 2>/dev/null | wc -c)" -gt 60 ] && cmp -s "$WORK/m.ppm" "$WORK/before.ppm"; local st=$?; cp "$WORK/m.ppm" "$WORK/before.ppm"; return $st; }
ok "a menu stands on the screen" wait_for 200 big_picture
ok "its second entry is memtest86+" eval 'press mem KEY_DOWN; press mem KEY_ENTER; wait_for 200 memtest_has mem "Memtest86\+"'
ok "destroy ends it" vmdeck destroy mem

cp --sparse=always "$EFIDISK" "$WORK/efi.img"
ok "a Debian on GPT starts under UEFI" eval 'efi deb memory=768 "disks=$(disk vda "$WORK/efi.img")" && vmdeck start deb'
ok "it comes to its login prompt" wait_for 400 console_has deb 'testdisk login:'
logged_in() { [ "$(console deb | grep -c 'root@testdisk:~#')" -gt "$roots" ]; }
roots=0; type_in deb root
ok "root logs in" wait_for 60 logged_in
ends=$(console deb | grep -c 'testdisk login:')
again() { [ "$(console deb | grep -c 'testdisk login:')" -gt "$ends" ]; }
type_in deb '[ -d /sys/firmware/efi ] && echo by U''EFI'
ok "it was booted by UEFI" wait_for 60 console_has deb '^by UEFI'
type_in deb reboot
ok "it reboots into itself" wait_for 400 again
ok "destroy ends it, too" vmdeck destroy deb
refused "undefine wants to know about the variables" 'nvram' vmdeck undefine deb
ok "and takes them along" eval 'vmdeck undefine deb --nvram && ! ls "$VMDECK_HOME"/lib/nvram/deb_VARS.fd'
