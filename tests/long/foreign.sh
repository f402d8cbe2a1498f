# limit: 2400
# Kernels from Debian's packages that are none of amd64's Linux: 32-bit Linux, iPXE, memtest86+, GNU Mach, Xen.
. tests/lib.sh
eval "$(tests/guests/foreign)"

boot() { # NAME KERNEL CMDLINE [INITRD [MEMORY]]
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><memory unit='MiB'>${5:-128}</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type><kernel>$2</kernel>${4:+<initrd>$4</initrd>}<cmdline>$3</cmdline></os>
	<features><acpi/></features><devices><serial type='pty'/></devices></domain>
	XML
	vmdeck define "$WORK/$1.xml" && vmdeck start "$1"
}
said() { wait_for 300 console_has "$1" "$2"; }

ok "Debian's 32-bit kernel runs its initrd" eval 'boot k686 "$K686" "console=ttyS0 quiet" "$I386" && said k686 "This is Linux 6.*-686 on i686, 1 CPU"'
ok "and powers off" wait_for 30 state_is k686 "shut off"
ok "so does the one with PAE, with memory above 4 GiB" eval 'boot pae "$K686PAE" "console=ttyS0 quiet" "$I386" 3584 && said pae "This is Linux 6.*-686-pae on i686"'
vmdeck destroy pae > /dev/null 2>&1
ok "iPXE's kernel runs" eval 'boot ipxe "$IPXE" "" && said ipxe "iPXE 1\."'
vmdeck destroy ipxe > /dev/null 2>&1
ok "memtest86+ for 32 bits tests" eval 'boot memtest "$MEMTEST" "console=ttyS0,115200" "" 32 && said memtest "Memtest86\+"'
vmdeck destroy memtest > /dev/null 2>&1
ok "GNU Mach, packed, starts with a module" eval 'boot mach "$GNUMACH" "console=com0" "$I386 some-module" && said mach "GNU Mach 1\.8"'
ok "and knows of it" said mach "module"
vmdeck destroy mach > /dev/null 2>&1
ok "Xen starts" eval 'boot xen "$XEN" "com1=115200,8n1 console=com1 noreboot" "$KRT686 console=hvc0,$I386" 512 && said xen "Xen version 4\."'
ok "and finds its command line, without its path" said xen "Command line: com1=115200"
vmdeck destroy xen > /dev/null 2>&1

# Firmware that is not SeaBIOS, and its log.
rom() { # NAME FILE
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type><loader type='rom'>$2</loader></os><features><acpi/></features>
	<devices><serial type='pty'/><video><model type='vga'/></video><serial type='file'><source path='$WORK/$1.log'/>
	<target type='isa-debug'/><address type='isa' iobase='0x402'/></serial></devices></domain>
	XML
	vmdeck define "$WORK/$1.xml" && vmdeck start "$1"
}
logged() { wait_for 200 grep -aq "$2" "$WORK/$1.log"; }
ok "the BIOS of Bochs runs, and logs to a port for debugging" eval 'rom bochs "$BOCHS" && logged bochs Revision'
ok "so does the old one, of 64 KiB" eval 'rom old "$BOCHSOLD" && logged old Revision'
ok "U-Boot's ROM runs" eval 'rom uboot "$UBOOT" && said uboot "U-Boot 20"'
ok "for 64 bits too" eval 'rom uboot64 "$UBOOT64" && said uboot64 "U-Boot 20"'
for n in bochs old uboot uboot64; do vmdeck destroy $n > /dev/null; done
