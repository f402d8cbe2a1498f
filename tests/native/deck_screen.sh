#!/bin/bash
# A guest's screen in the deck, in a real terminal (tmux): SeaBIOS's boot menu as text, where a chosen key acts; a guest that
# paints as a picture; text copied; nothing written at rest.
# Usage: O=build/release tests/native/deck_screen.sh
# limit: 240
# needs: kvm
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. tests/lib_tmux.sh

graphics="<graphics type='vnc' port='-1' autoport='yes'/><video><model type='vga'/></video>"
truncate -s 1M "$WORK/empty.img"; cp "$O/guests/mbr.img" "$WORK/hda.img"
ide() { echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$2'/><target dev='$1' bus='ide'/></disk>"; }
cat > "$WORK/menu.xml" <<XML
<domain type='kvm'><name>menu</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><bootmenu enable='yes' timeout='60000'/></os><features><acpi/></features>
<devices>$(ide hda "$WORK/empty.img")$(ide hdb "$WORK/hda.img")<serial type='pty'/>$graphics</devices></domain>
XML
cat > "$WORK/paint.xml" <<XML
<domain type='kvm'><name>paint</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><kernel>$ROOT/$O/guests/paint.elf</kernel></os><features><acpi/></features>
<devices><serial type='pty'/><video><model type='vga'/></video></devices></domain>
XML
painted() { [ "$(console paint | grep -c painted)" -ge "$1" ]; }
# The colours of the terminal's line $1: numbers of the 256.
colours() { t capture-pane -p -e | sed -n "$1p" | grep -oE '[34]8;5;[0-9]+' | sed 's/.*;//' | sort -un | tr '\n' ' '; }
line_has() { says "$2" colours "$1"; }
wrote() { awk '/^wchar/ { print $2 }' "/proc/$(deck_pid)/io"; }

ok "a guest with a boot menu starts" eval "vmdeck define $WORK/menu.xml && vmdeck start menu --force"
ok "a guest that paints starts, with <video> but no <graphics>" eval "vmdeck define $WORK/paint.xml && vmdeck start paint --force"
refused "no viewer can come to it" "No graphical display found" vmdeck domdisplay paint
open_shell tmux-256color 100x40
keys "clear; $V; echo left \$?" Enter
has 'menu +running' "the deck shows them"
has 'w Screen +p Pause' "the key bar offers the screen"
keys w
claim "the firmware's greeting is there as text" wait_for 60 screen_has 'SeaBIOS \(version'
claim "it asks for a key" wait_for 60 screen_has 'Press ESC for boot menu'
keys Escape
claim "Escape, typed there, opens the boot menu" wait_for 60 screen_has '^ +2\. .*(ata|ATA|IDE)'
keys 2
claim "the disk chosen there boots" wait_for 60 screen_has 'hello from the boot sector'
keys 'C-\'; has 'Ctrl\+Alt\+Del' "keys that the terminal keeps are in a menu"
keys v; has 'arrows move' "text is selected by keys"
keys Up Home Space Down End Enter; has 'copied' "and copied"
claim "to the terminal's clipboard" wait_for 10 says 'hello|Booting|boot' t show-buffer
keys C-]; has 'menu +running' "Ctrl-] leaves"

ok "the other guest has painted" wait_for 60 painted 1
keys G w; has '1024x768' "its picture is there"
claim "red and green above" wait_for 10 line_has 8 '^34 124 |124 .*34|34 .*124'
claim "blue and white below" wait_for 10 line_has 34 '19 .*(231|15)'
keys q
claim "a key typed there acts: yellow" wait_for 20 line_has 8 '226'
before=$(wrote); sleep 3; after=$(wrote)
claim "at rest nothing is written but the header's clock ($((after - before)) bytes in 3 s)" [ $((after - before)) -lt 4000 ]
keys 'C-\' z; hasnt 'load' "it takes the whole terminal"
before=$(wrote); sleep 3; after=$(wrote)
claim "and nothing at all is written then ($((after - before)) bytes in 3 s)" [ $((after - before)) -lt 200 ]
keys x
claim "sizes that make no sense pass by" wait_for 60 painted 3
has '640x480' "and what follows is shown"
t resize-window -x 60 -y 20; has '640x480' "in a smaller terminal too"
t resize-window -x 100 -y 40; has '640x480' "and back"
ok "it is forced off" vmdeck destroy paint
has 'guest is off' "the page says so"
ok "it starts again" vmdeck start paint --force
claim "and is shown again" wait_for 60 screen_has '1024x768'
keys C-] q; has 'guests run on' "q leaves the deck"
restored "with a screen shown"

# Terminals of other kinds: a fake host whose guest's screen scrolls as fast as it is looked at.
deckterm() { VMDECK_FAKE='domain web1 running;picture web1 1024x768 scrolls;live' TERM=xterm-256color "$O/tools/deckterm" "$@" -- "$V"; }
open=(until=web1 wait=500 key=w)
bytes_of() { sed -n "s/^until $1: \([0-9]*\) bytes.*/\1/p"; }
# After some seconds the line is known; a key's effect waits for what is under way, which without measuring would be all that the
# kernel keeps for the line, and more with every picture.
late=$(deckterm --rate 60000 --size 160x50 "${open[@]}" 'until=48;5;' wait=6000 'key=\x1c' 'until=Ctrl+Alt+Del' | bytes_of 'Ctrl+Alt+Del')
ok "over a slow line no picture is in the way of a key ($late bytes were)" [ "$late" -lt 40000 ]
ok "a terminal with all colours gets them" env COLORTERM=truecolor bash -c "$(declare -f deckterm); O=$O V=$V; deckterm ${open[*]} 'until=48;2;'"
ok "one that knows images gets them, and none is left with the page" \
	deckterm --images --cell 8x16 "${open[@]}" until=a=T wait=500 'key=\x1d' until=a=d,d=A
ok "with a menu over it, half blocks" deckterm --images --cell 8x16 --size 160x50 "${open[@]}" until=a=T 'key=\x1c' until=Ctrl+Alt+Del 'until=48;5;'
ok "one that answers no questions gets its picture" deckterm --silent "${open[@]}" 'until=48;5;'
