# limit: 1000
# Firmware, CDs and disks that boot as on a PC, and their screens as vncsnapshot sees them.
. tests/lib.sh
. tests/lib_pc.sh
eval "$(tests/guests/media grub)"; eval "$(tests/guests/media debian)"

ok "a guest with a CD and a screen is defined" pc grub "disks=$(cdrom hda "$ISO")" "os=<boot dev='cdrom'/>"
ok "it starts, and tells where to look" says '127\.0\.0\.1:5900' vmdeck start grub
ok "vncdisplay tells it too" is 127.0.0.1:0 vnc_of grub
ok "GRUB's menu is on the screen" wait_for 60 screen_has grub 'GNU GRUB +version'
ok "the first entry is chosen" screen_has grub '\*Tell where'
ok "a key chooses it" press grub KEY_ENTER
ok "GRUB runs on a PC's BIOS" wait_for 30 screen_has grub 'This is GRUB on pc, booted from (cd|hd)'
ok "and reads keys" eval 'wait_for 10 screen_has grub "Press a key" && press grub KEY_K && press grub KEY_ENTER && wait_for 10 screen_has grub "Read: k"'
ok "a reset comes back to the menu" eval 'vmdeck reset grub && wait_for 60 screen_has grub "\*Tell where"'
ok "the cursor goes down to memtest86+" eval 'press grub KEY_DOWN && wait_for 10 screen_has grub "\*Memory test" && press grub KEY_ENTER'
ok "memtest86+ tests the guest's memory" wait_for 90 screen_has grub 'Memtest86\+.*v?[0-9]'
ok "and its processor" wait_for 60 screen_has grub 'Test #|Testing'
ok "destroy ends it" vmdeck destroy grub

ok "a guest boots iPXE's CD" eval 'pc ipxe "disks=$(cdrom hdc "$IPXE")" && vmdeck start ipxe'
ok "iPXE is on the screen" wait_for 240 screen_has ipxe 'iPXE [0-9.+]+.*Open Source Network Boot Firmware'
ok "destroy ends it, too" vmdeck destroy ipxe

cp --sparse=always "$DISK" "$WORK/disk.img"
ok "a guest boots a Debian disk" eval 'pc deb memory=512 "disks=$(disk vda "$WORK/disk.img")" && vmdeck start deb'
ok "it comes to a login prompt on its serial console" wait_for 300 console_has deb 'testdisk login:'
ok "and on its screen" wait_for 60 screen_has deb 'testdisk login:'
ok "root logs in by what is typed" eval 'vmdeck type deb --enter root && wait_for 60 screen_has deb "root@testdisk:~#"'
ok "and enters a command there" eval 'vmdeck type deb --enter "echo typed \$((6 * 7)) > /dev/ttyS0" && wait_for 60 console_has deb "typed 42"'
type_in deb root
ok "and at the serial console" wait_for 60 console_has deb 'root@testdisk:~#'
boots=$(console deb | grep -c 'testdisk login:')
again() { [ "$(console deb | grep -c 'testdisk login:')" -gt "$boots" ]; }
type_in deb 'dmesg --level=err,warn | grep -iE "acpi|pci" | grep -v MMCONFIG; echo dmesg ends'
ok "Linux has said what it thinks of the machine" wait_for 60 console_has deb '^dmesg ends'
ok "and has no complaint about ACPI or PCI" not console_has deb '^\[ *[0-9.]+\]'
more_root() { [ "$(console deb | grep -c "root@testdisk:~#")" -gt "$roots" ]; }
type_in deb reboot
ok "reboot boots into itself" wait_for 300 again
type_in deb root
roots=$(console deb | grep -c 'root@testdisk:~#')
ok "where root logs in again" wait_for 60 more_root

type_in deb poweroff
ok "poweroff ends it" wait_for 120 state_is deb "shut off"
