#!/bin/bash
# The wizard in a real terminal of 80 by 24, by keys alone: a guest is made from a CD, and its console comes up.
# Usage: O=build/release tests/native/wizard.sh
# limit: 240
# needs: kvm
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. tests/lib_tmux.sh

media=$WORK/media; mkdir -p "$media/tree"
dd if="$O/guests/mbr.img" of="$media/tree/boot.img" bs=2048 count=1 conv=sync status=none
xorriso -as mkisofs -quiet -V BOOT -b boot.img -no-emul-boot -boot-load-size 4 -o "$media/tiny.iso" "$media/tree" 2>/dev/null
echo text > "$media/readme"
mkfifo "$media/pipe"

# Fields are gone to by their label: Tab until the line with it has the keys is not to be seen from outside, so by number.
tabs() { local i; for ((i = 0; i < $1; i++)); do keys Tab; done; }

# A bridge only in a network that is not the host's.
own_net=; [ "$(readlink /proc/self/ns/net)" = "$(readlink /proc/1/ns/net)" ] && [ "${KVMBOX:-}" != 1 ] || own_net=yes
[ -z "$own_net" ] || busybox ip link add lan0 type bridge 2> /dev/null || own_net=

open_shell tmux-256color
cat > "$WORK/editor" <<-'ED'
	#!/bin/sh
	sed -i -e 's|</name>|&\n  <title>Made by keys</title>|' -e "s|<boot dev=.hd./>|&\n    <bootmenu enable='yes' timeout='30000'/>|" "$1"
ED
chmod +x "$WORK/editor"
keys "cd $media; clear; EDITOR=$WORK/editor $V" Enter
has 'of 0' "the deck of an empty host"
keys n; has 'New guest' "n opens the form"
has 'Name +guest' "a free name is offered"
has 'of [0-9.]+ GiB' "the host's memory is told"

# Wrong inputs
keys C-u; has 'a name is wanted' "an empty name says so"
keys -l 'a/b'; has "'a/b'" "a name with a slash says so"
keys C-u; keys -l tiny; hasnt "'a/b'" "a good one is fine"
tabs 2; keys -l "$media/none.iso"; has 'there is no such file' "an image that is not there says so while it is typed"
keys C-u; keys -l "$media"; has 'this is a folder' "a folder is no image"
keys C-u; keys -l "$media/pipe"; has 'neither a file nor a block device' "a pipe is none either"
keys C-u
tabs 2; keys C-u; keys -l '12x'; has "a whole number" "memory that is no number says so"
keys C-u; keys -l '99999999'; has 'more than this host has' "more memory than the host has says so"
keys C-u; keys -l 0; has '0 is not allowed' "none is too little"
keys C-u; keys -l 64; hasnt '0 is not allowed' "64 MiB are fine"
keys Tab C-u; keys -l 9999; has "is not allowed" "too many CPUs say so"
keys C-u; keys -l 1
tabs 2; keys C-u; keys -l 1000000; has "are free there; make" "a disk that does not fit says so"
keys C-u; keys -l x; has 'a number of GiB' "a size that is no number says so"
keys C-u; keys -l 0.01; hasnt 'a number of GiB' "a small one is fine"
keys Escape; has 'What you have typed is forgotten' "Escape asks"
keys Enter; has 'New guest' "no is the default"; hasnt 'What you have typed' "and all is as before"
has 'Name +tiny' "nothing is lost"
keys C-n; has 'an ISO image or a CD drive is wanted' "going on tells what is missing, at its field"

# The file browser
keys Enter; has 'tiny.iso +[0-9.]+K' "the browser shows the image and its size"
has 'readme' "and what is no image"
keys -l tin; hasnt 'readme' "what is typed filters"
keys Enter; has 'Image +.*/tiny.iso' "the image is chosen"

# The network: the bridges that this host has are offered
tabs 6; has 'out to everywhere' "the network, NAT at first"
keys Enter; has 'Another bridge|Bridge +a bridge of' "a list opens: bridges can be typed"
[ -z "$own_net" ] || has 'Bridge lan0 .*a bridge of this host' "and the host's are in it"
[ -z "$own_net" ] || { keys -l lan; keys Enter; has 'Network +Bridge lan0 ' "one is chosen"; keys Enter; }
keys -l nat; keys Enter; has 'User-mode NAT +▼' "and NAT again"

# What would be made
keys C-n; has 'tiny: Enter makes it' "what will be made is shown"
has 'vmdeck install --name=tiny .*--cdrom=' "as a command line"
has '2 KiB|10 MiB|10.2 MiB|tiny.raw' "the disk"
claim "nothing is there before" not test -e "$VMDECK_HOME/lib/images/tiny.raw"
keys e PgDn; has 'Made by keys|as edited' "e edits the XML"
keys End; has '</domain>' "the XML is scrolled"
keys Home; keys Escape; has 'is forgotten then' "Escape asks for what was edited"
keys n; has 'Enter makes it' "and stays"
keys Enter
has 'install --force|Ctrl.. leaves' "it is made"
screen_has 'install --force' && keys y # where KVM interprets kernel mode
claim "its boot menu is offered, as text on the screen that was opened" wait_for 60 screen_has 'Press ESC for boot menu'
keys Escape
claim "Escape goes to the guest, and opens the menu" wait_for 30 screen_has '2\. Virtio disk'
keys "$(t capture-pane -p | sed -n 's|^ *\([0-9]\)\. DVD/CD.*|\1|p' | head -1)"
claim "the line that a key chose boots: the CD" wait_for 60 screen_has 'hello from the boot sector'
claim "it is defined, with what was edited" says 'Made by keys' vmdeck dumpxml tiny
claim "its disk is there" test -s "$VMDECK_HOME/lib/images/tiny.raw"
keys C-]; has 'tiny +running' "Ctrl-] goes to the list"

# A second one of that name
keys n; has 'New guest' "n again"
keys C-u; keys -l tiny; has 'a guest of that name' "a name that is taken says so"
keys Escape; has "What you have typed" "Escape asks"; keys y; hasnt "New guest" "and yes leaves"
keys n; has "New guest" "n once more"; keys Escape; hasnt "New guest" "nothing typed, nothing asked"
keys D; has 'Define a guest' "D looks for an XML file"
keys Escape; hasnt 'Define a guest' "Escape leaves it"
keys q; has 'runs? on' "the deck is left, the guest runs on"
restored "the wizard"
