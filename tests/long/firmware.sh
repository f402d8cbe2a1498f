# limit: 400
# Linux through SeaBIOS and through UEFI, from a CD with GRUB for both: what it finds is right, it reboots and powers off, and
# writes variables. What packages bring is named when it is missing.
. tests/lib.sh
eval "$(tests/guests/linuxcd)"

# What Linux prints when our tables or devices are wrong.
COMPLAINTS='ACPI (BIOS )?(Error|Warning|Exception)|ACPI: .*(not found|invalid|failed)|[Ff]irmware [Bb]ug|\[Firmware
can.t claim|no compatible bridge window|BAR [0-9]+: (no space|failed|error)|address space collision
pci .*(invalid|disabled BAR)|IRQ routing conflict|nobody cared|spurious|MP-BIOS bug|timer doesn.t work
PM-Timer .*(failed|inconsistent)|WARNING: CPU|Oops|Call Trace|BUG:'
quiet_about_us() { run_in fw "! dmesg | grep -E '$(paste -sd'|' <<< "$COMPLAINTS")'"; }
pc() { # OS-ATTRIBUTES
	cat > "$WORK/fw.xml" <<-XML
	<domain type='kvm'><name>fw</name><memory unit='MiB'>384</memory><vcpu>2</vcpu>
	<os $1><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
	<devices><disk type='file' device='cdrom'><source file='$LINUXCD'/><target dev='hdc' bus='ide'/></disk>
	<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng><serial type='pty'/></devices></domain>
	XML
	vmdeck define "$WORK/fw.xml"
}
prompt_after() { local n; n=$(prompts fw); "$@" > /dev/null; at_shell fw "$n"; }

ok "a BIOS guest with a CD starts" eval 'pc "" && vmdeck start fw'
ok "SeaBIOS, GRUB and Linux come to the shell" at_shell fw
ok "Linux finds nothing wrong" quiet_about_us
ok "it has both CPUs" run_says fw '^2$' nproc
ok "it knows the machine by SMBIOS" run_says fw '^vmdeck SeaBIOS$' 'echo $(cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/bios_vendor)'
ok "and its uuid" run_says fw "$(vmdeck domuuid fw | head -1)" 'cat /sys/class/dmi/id/product_uuid'
ok "its clock is that of the power management" run_says fw acpi_pm 'cat /sys/devices/system/clocksource/clocksource0/available_clocksource'
ok "the random number device works with interrupts of firmware's choice" run_says fw '^8$' 'head -c 8 /dev/hwrng | wc -c'
ok "reboot in the guest goes through the firmware" prompt_after type_in fw 'reboot -f'
ok "the power button ends it" eval 'vmdeck shutdown fw && wait_for 60 state_is fw "shut off"'
vmdeck undefine fw > /dev/null

store=$VMDECK_HOME/lib/nvram/fw_VARS.fd
ok "a UEFI guest with the same CD starts" eval "pc \"firmware='efi'\" && vmdeck start fw"
ok "UEFI, GRUB and Linux come to the shell" at_shell fw
ok "Linux finds nothing wrong here either" quiet_about_us
ok "it has both CPUs again" run_says fw '^2$' nproc
ok "it was started by UEFI" run_says fw '^64$' 'cat /sys/firmware/efi/fw_platform_size'
ok "and knows the machine" run_says fw '^vmdeck EFI Development Kit II / OVMF$' 'echo $(cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/bios_vendor)'
VAR=/sys/firmware/efi/efivars/Test-12345678-1234-1234-1234-123456789abc
ok "it writes a variable" run_in fw "insmod /efivarfs.ko; mount -t efivarfs none /sys/firmware/efi/efivars && printf '\\007\\000\\000\\000kept' > $VAR"
ok "the guest's own store has it" wait_for 10 grep -qa kept "$store"
ok "destroy ends it" vmdeck destroy fw

mount -t tmpfs none /usr/share/qemu/firmware
refused "without a UEFI its package is named" 'install the package ovmf' vmdeck start fw
umount /usr/share/qemu/firmware
vmdeck undefine fw --nvram > /dev/null; pc "" > /dev/null
mount -t tmpfs none /usr/share/seabios
refused "without SeaBIOS its package is named" 'install the package seabios' vmdeck start fw
umount /usr/share/seabios
