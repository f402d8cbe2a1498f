# limit: 600
# Linux through UEFI again and again: it reboots through the firmware, is powered off by the button, and what it wrote into a
# variable is there after all of it, until the variables begin anew.
. tests/lib.sh
eval "$(tests/guests/linuxcd)"

cat > "$WORK/fw.xml" <<-XML
	<domain type='kvm'><name>fw</name><memory unit='MiB'>384</memory><vcpu>2</vcpu>
	<os firmware='efi'><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
	<devices><disk type='file' device='cdrom'><source file='$LINUXCD'/><target dev='hdc' bus='ide'/></disk>
	<serial type='pty'/></devices></domain>
XML
prompt_after() { local n; n=$(prompts fw); "$@" > /dev/null; at_shell fw "$n"; }
VAR=/sys/firmware/efi/efivars/Test-12345678-1234-1234-1234-123456789abc
MOUNT='insmod /efivarfs.ko; mount -t efivarfs none /sys/firmware/efi/efivars'

ok "a UEFI guest with a CD is defined and starts" eval 'vmdeck define "$WORK/fw.xml" && vmdeck start fw'
ok "it comes to its shell" at_shell fw
ok "it writes a variable" run_in fw "$MOUNT && printf '\\007\\000\\000\\000kept' > $VAR"
ok "reboot goes through UEFI" prompt_after type_in fw 'reboot -f'
ok "the variable is still there" run_says fw '^kept$' "$MOUNT; tail -c 4 $VAR; echo"
ok "the power button ends it" eval 'vmdeck shutdown fw && wait_for 60 state_is fw "shut off"'
ok "it starts again, up to its shell" prompt_after vmdeck start fw
ok "the variable is there yet" run_says fw '^kept$' "$MOUNT; tail -c 4 $VAR; echo"
ok "destroy ends it" vmdeck destroy fw
ok "with new variables it starts too" prompt_after vmdeck start fw --reset-nvram
ok "now there is none" run_in fw "$MOUNT; ! test -e $VAR"
ok "destroy ends it too" vmdeck destroy fw
