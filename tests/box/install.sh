# limit: 240
# A CD installs a system on an empty disk without a question, and the guest comes up from that disk by itself.
. tests/lib.sh
eval "$(tests/guests/installcd)"

truncate -s 1G "$WORK/inst.img"
cat > "$WORK/inst.xml" <<-XML
	<domain type='kvm'><name>installed</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/><boot dev='cdrom'/></os><features><acpi/></features>
	<devices>$(disk vda "$WORK/inst.img")<disk type='file' device='cdrom'><source file='$INSTALLCD'/><target dev='hdc' bus='ide'/></disk>
	<serial type='pty'/></devices></domain>
XML

ok "a guest with an empty disk and a CD starts" eval 'vmdeck define "$WORK/inst.xml" && vmdeck start installed'
ok "the CD installs, as the disk does not boot" wait_for 100 console_has installed '^install: for BIOS'
ok "it is through without a question" wait_for 30 console_has installed '^install: done, reboot'
ok "the disk boots into what was installed" at_shell installed
ok "its file system is on the disk" run_says installed 'boot/vmlinuz' 'mount /dev/vda1 /mnt && ls /mnt/boot/vmlinuz; umount /mnt'
ok "the CD is still there" says "hdc +$INSTALLCD" vmdeck domblklist installed
ok "destroy ends it" vmdeck destroy installed
