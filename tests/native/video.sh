#!/bin/bash
# SeaBIOS on the VGA and on the virtio GPU's, here where nothing else is run: its text read as cells and off a picture, from
# memory that the guest writes without exits; after a reset the same.
# Usage: O=build/release tests/native/video.sh
# limit: 240
# needs: kvm
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

FONT=/usr/share/seabios/vgabios-stdvga.bin
text() { vmdeck qemu-monitor-command "$1" x-screen-text; }
text_has() { says "$2" text "$1"; }
picture() { vmdeck screenshot "$1" - | pngtopnm; }
seen() { says "$2" eval "picture $1 | $O/tools/readscreen $FONT"; }
blank() { not says '"lines":\[".*[A-Za-z]' text "$1"; }

truncate -s 1M "$WORK/empty.img"
for model in vga virtio; do
	cat > "$WORK/$model.xml" <<-XML
	<domain type='kvm'><name>$model</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
	  <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
	  <devices>$(disk vda "$WORK/empty.img")<video><model type='$model'/></video></devices>
	</domain>
	XML
	ok "a guest with model $model starts" eval "vmdeck define $WORK/$model.xml && vmdeck start $model --force"
	ok "SeaBIOS is on its screen" wait_for 60 text_has $model 'SeaBIOS \(version'
	ok "and finds no system" wait_for 60 text_has $model 'No bootable device'
	ok "a picture has the same text" seen $model 'SeaBIOS \(version'
	ok "in text mode's size" says '^720 400$' eval "picture $model | sed -n 2p"
	ok "few exits went to the window" says '"mmio":[0-9]{1,3},' vmdeck qemu-monitor-command $model x-exits
	ok "a reset clears the screen" eval "vmdeck suspend $model && vmdeck reset $model && blank $model && vmdeck resume $model"
	ok "and SeaBIOS is there again" wait_for 60 text_has $model 'No bootable device'
	ok "a paused guest has a picture too" eval "vmdeck suspend $model && seen $model 'No bootable device'"
	refused "screendump writes no files itself" 'opens no files' vmdeck qemu-monitor-command $model '{"execute":"screendump","arguments":{"filename":"/tmp/x"}}'
	vmdeck destroy $model > /dev/null
done
