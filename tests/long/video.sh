# limit: 600
# Pictures and text of the screen: GRUB in text mode and in a VBE mode, Linux on the VGA by its bochs driver and on the
# virtio GPU, and pictures as PNG that others read.
. tests/lib.sh
. share/demo/kernel.sh

eval "$(tests/guests/media grub)"
FONT=/usr/share/seabios/vgabios-stdvga.bin

# text NAME: what a text mode shows.
text() { vmdeck qemu-monitor-command "$1" x-screen-text; }
text_has() { says "$2" text "$1"; }
# picture NAME: as PPM, by netpbm; size_is: its width and height; seen: the text read off it.
picture() { vmdeck screenshot "$1" - | pngtopnm; }
size_is() { says "^$2\$" eval "picture $1 | sed -n 2p"; }
seen() { says "$2" eval "picture $1 | $O/tools/readscreen $FONT"; }
# The middle of the picture is this colour, in hex.
middle_is() {
	local w h; read -r w h < <(picture "$1" | sed -n 2p)
	is "$2" eval "picture $1 | pamcut -left $((w / 2)) -top $((h / 2)) -width 1 -height 1 | tail -c 3 | od -An -tx1 | tr -d ' '"
}
few_window_exits() { says '"mmio": ?[0-9]{1,3}[,}]' vmdeck qemu-monitor-command "$1" x-exits; }

# keys NAME TEXT: typed on its keyboard, with Enter.
keys() {
	local name=$1 text=$2 i c; local -a k
	for ((i = 0; i < ${#text}; i++)); do
		c=${text:i:1}
		case $c in
		' ') k=(KEY_SPACE) ;;
		_) k=(KEY_LEFTSHIFT KEY_MINUS) ;;
		=) k=(KEY_EQUAL) ;;
		*) k=("KEY_${c^^}") ;;
		esac
		vmdeck send-key "$name" --holdtime 20 "${k[@]}" > /dev/null || return
	done
	vmdeck send-key "$name" --holdtime 20 KEY_ENTER > /dev/null
}

cd_guest() {
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
	  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='cdrom'/></os><features><acpi/></features>
	  <devices>
	    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='$ISO'/><target dev='hda' bus='ide'/></disk>
	    <video><model type='$2'/></video>
	  </devices>
	</domain>
	XML
	vmdeck define "$WORK/$1.xml" && vmdeck start "$1"
}

for model in vga virtio; do
	ok "GRUB's CD starts with model $model" cd_guest "grub$model" $model
	ok "its menu is on the screen" wait_for 100 text_has "grub$model" 'GNU GRUB.*Power off'
	ok "a screenshot is what it shows" seen "grub$model" 'GNU GRUB'
	ok "of a text mode's size" size_is "grub$model" '720 400'
	ok "few exits were needed for it" few_window_exits "grub$model"
	vmdeck destroy "grub$model" > /dev/null
done

ok "GRUB starts once more" eval 'cd_guest gfx vga && wait_for 100 text_has gfx "GNU GRUB"'
ok "a reset brings it again" eval "vmdeck reset gfx && wait_for 60 not text_has gfx 'GNU GRUB' && wait_for 100 text_has gfx 'GNU GRUB'"
ok "screenshot names its file as virsh does" eval \
	"cd $WORK && vmdeck screenshot gfx && ls gfx-20??-??-??-??:??:??.png && rm gfx-*.png; cd $ROOT"
ok "its command line opens" eval 'vmdeck send-key gfx KEY_C && wait_for 20 text_has gfx "grub>"'
ok "a font and a VBE mode are asked for" eval 'keys gfx "insmod all_video" && keys gfx "loadfont unicode" && keys gfx "gfxmode=800x600"'
ok "the screen becomes graphics" eval 'keys gfx "terminal_output gfxterm" && wait_for 60 size_is gfx "800 600"'
before=$(picture gfx | cksum)
ok "what is typed is painted there" eval 'keys gfx "echo painted" && wait_for 30 not is "$before" eval "picture gfx | cksum"'
vmdeck destroy gfx > /dev/null

# The generic kernel, with the modules of the graphics drivers behind its initrd.
eval "$(tests/guests/make generic)"
dir=$(dirname "$KERNEL") tree=$WORK/tree
for m in bochs virtio-gpu; do mkdir -p "$tree/gfx/$m"; kernel_modules "$dir" "$tree/gfx/$m" $m; done
(cd "$tree" && find . | cpio -o -H newc --quiet) > "$WORK/gfx.cpio"
size=$(stat -c %s "$INITRD")
{ cat "$INITRD"; head -c $((-size & 3)) /dev/zero; cat "$WORK/gfx.cpio"; } > "$WORK/initrd"

fill() { run_in "$1" "awk 'BEGIN { for (i = 0; i < 20000; i++) printf \"$2\" }' > /tmp/c; for i in \$(seq 60); do cat /tmp/c; done > /dev/fb0 2>/dev/null; true"; }
linux() {
	local name=$1 model=$2 module=$3
	ok "$name: Linux starts with model $model" eval \
		"guest $name $KERNEL INITRD=$WORK/initrd memory=256 disks=\"<video><model type='$model'><resolution x='1024' y='768'/></model></video>\" && vmdeck start $name"
	ok "$name: it comes to its shell" at_shell $name
	ok "$name: the kernel has a screen without a driver of its own" run_says $name 'VESA VGA' 'cat /proc/fb'
	ok "$name: $module finds its device" run_says $name 'fb0.*(drm|gpu|frame buffer)' \
		"for m in \$(cat /gfx/$module/modules/order); do insmod /gfx/$module/modules/\$m 2>/dev/null; done; dmesg | grep -w fb0"
	ok "$name: the kernel finds nothing wrong" run_says $name '^0$' 'dmesg | grep -cE "\*ERROR\*|WARNING: CPU|BUG:"'
	ok "$name: the mode is the preferred one" wait_for 20 size_is $name '1024 768'
	ok "$name: EDID is read and well-formed" run_says $name '^128$' 'cat /sys/class/drm/card0-*/edid | wc -c'
	ok "$name: what is written to its console is on the screen" eval \
		"run_in $name 'printf \"\\033[2J\\033[Hseen by all\\n\" > /dev/tty1' && wait_for 20 seen $name 'seen by all'"
	ok "$name: what is drawn is on the screen" eval "fill $name '3Uw.' && wait_for 20 middle_is $name 775533"
}
linux bochs vga bochs
linux gpu virtio virtio-gpu
ok "gpu: PCI shows one VGA of virtio" run_says gpu '^1af4:1050 0300' \
	'for d in /sys/bus/pci/devices/*; do echo $(sed s/0x// $d/vendor):$(sed s/0x// $d/device) $(sed "s/0x\(....\).*/\1/" $d/class); done'
ok "gpu: its guest can be reset" eval 'vmdeck reset gpu && wait_for 20 not middle_is gpu 775533'
refused "a guest without a screen has no picture" 'no screen' eval \
	'guest blind cloud >/dev/null && vmdeck start blind --paused >/dev/null && vmdeck screenshot blind'
