# limit: 240
# A CD installs a system on an empty disk without a question, and the guest comes up from that disk by itself.
. tests/lib.sh
eval "$(tests/guests/installcd)"

install() {
	vmdeck install --name installed --memory 256 --vcpus 1 --disk "path=$WORK/inst.img,size=1" --cdrom "$INSTALLCD" --osinfo generic \
		--network none --graphics none --noautoconsole
}

ok "a guest with a new disk and a CD is made and starts" install
ok "the CD installs" wait_for 100 console_has installed '^install: for BIOS'
ok "it is through without a question" wait_for 30 console_has installed '^install: done, reboot'
ok "the disk boots into what was installed, with nobody waiting for it" at_shell installed
ok "its file system is on the disk" run_says installed 'boot/vmlinuz' 'mount /dev/vda1 /mnt && ls /mnt/boot/vmlinuz; umount /mnt'
ok "the CD is out" not says "$INSTALLCD" vmdeck domblklist installed
ok "destroy ends it" vmdeck destroy installed
