# limit: 500
# needs: kvm
# Kernels of every kind, each of a few instructions, booted directly or, where they need the BIOS, by way of SeaBIOS.
. tests/lib.sh

printf 'first module' > "$WORK/m1"; truncate -s 5000 "$WORK/m1"
printf 'second, with a comma' > "$WORK/m,2"; truncate -s 64 "$WORK/m,2"
printf 'the initrd' > "$WORK/initrd"; truncate -s 9000 "$WORK/initrd"

kernel() { # NAME FILE CMDLINE INITRD
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><memory unit='MiB'>${5:-32}</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type><kernel>$2</kernel>${4:+<initrd>$4</initrd>}<cmdline>$3</cmdline></os>
	<features><acpi/></features><devices><serial type='pty'/></devices></domain>
	XML
	vmdeck define "$WORK/$1.xml" && vmdeck start "$1" --force
}
K=$O/guests/kernel_; K=$(realpath "$O/guests")/kernel_
said() { wait_for 150 console_has "$1" "$2"; }

gzip -c "${K}mb1" > "$WORK/mb1.gz"
ok "a guest with a kernel of each kind starts" eval '
	kernel linux32 "${K}linux32" "some words" "$WORK/initrd" && kernel pvh32 "${K}pvh32" "" "" &&
	kernel mb1 "${K}mb1" "a b" "$WORK/m1 x y,$WORK/m,,2" && kernel mb2 "${K}mb2" "a b" "$WORK/m1 x y" &&
	kernel packed "$WORK/mb1.gz" "" "" && kernel flat "${K}flat" "" "" && kernel bare "${K}bare" "q" "" &&
	kernel setup "${K}setup" "one two vga=ask" "$WORK/initrd" && kernel old "${K}old" "old words" ""'
ok "a 32-bit bzImage is entered directly, and has its command line and initrd" said linux32 '^entered at 32 bits: some words initrd=the initrd\.'
ok "it powers off" wait_for 20 state_is linux32 "shut off"
ok "a 32-bit ELF image with a PVH note is entered directly too" said pvh32 '^entered with '
ok "a multiboot kernel is entered as the specification says, by way of SeaBIOS" said mb1 'entered with 2BADB002 '
ok "its command line begins with its own path" console_has mb1 " cmdline=${K}mb1 a b "
ok "it finds the first module, and its arguments" console_has mb1 " module=$WORK/m1 x y content=first module "
ok "and the second, in whose name is a comma" console_has mb1 " module=$WORK/m,2 content=second, with a comma "
ok "and the BIOS' map of memory" console_has mb1 ' upper=00007[0-9A-F]{3} map=000000[0-9A-F]{2}\.'
ok "one of multiboot 2 is given the same in tags" said mb2 'entered with 36D76289 cmdline=a b module=x y content=first module upper=00007[0-9A-F]{3} map=000000[0-9A-F]{2} total=00000000\.'
ok "packed with gzip it starts as well" said packed 'entered with 2BADB002'
ok "one that is no ELF file is loaded where its header says" said flat 'entered with 2BADB002'
ok "and so is an ELF file without a header" said bare 'entered with .* cmdline=.*bare q'
ok "a kernel that has setup code only runs it, and the BIOS' services" said setup 'entered by its setup code: one two vga=ask initrd=the initrd mode=FFFD\.'
ok "so does one of the oldest protocol, below 640 KiB" said old 'entered by its setup code: old words\.'
ok "all of them have ended" eval 'for n in mb1 mb2 packed flat bare setup old; do wait_for 20 state_is $n "shut off" || return; done'

refused "a list of which a file is missing names that" "module 2 of 2 in <initrd>: '/none/B' cannot be opened: No such file" kernel r1 "${K}mb1" "" "$WORK/m1 args,/none/B"
refused "one that is no path from the root, too" "module 2 of 2 in <initrd>: 'B' is not allowed: a path from the root" kernel r2 "${K}mb1" "" "$WORK/m1 args,B"
refused "a Linux kernel takes no list" "only a multiboot kernel takes modules" kernel r3 "${K}linux32" "" "$WORK/m1 args,$WORK/initrd"
refused "an initrd that is missing is named" "initrd '/none/i' cannot be opened: No such file" kernel r4 "${K}linux32" "" /none/i
refused "what is no kernel is refused" "is not a kernel" kernel r5 "$WORK/m1" "" ""
refused "a kernel that does not fit says what to do" 'raise <memory>' eval 'truncate -s 40M "$WORK/big"; kernel r6 "${K}mb1" "" "$WORK/big"' 
