#!/bin/bash
# Text as keystrokes: a guest of a few instructions that tells what its keyboard sends, and SeaBIOS' own keyboard; the same for
# characters of a VNC viewer when the guest has another layout.
# limit: 150
# needs: kvm
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
unset SSH_CONNECTION

# A guest that says scan codes as numbers (tests/guests/echo.S, Y). Its screen has <graphics LINES>.
keys() { # NAME GRAPHICS
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type><kernel>$ROOT/$O/guests/echo.elf</kernel></os><features><acpi/></features>
	<devices><serial type='pty'/>$2</devices></domain>
	XML
	vmdeck -q define "$WORK/$1.xml" && vmdeck -q start "$1" --force --no-password 2> /dev/null && wait_for 20 console_has "$1" 'hello from the guest' &&
		printf Y | vmdeck console "$1" > /dev/null && wait_for 20 console_has "$1" '^>'
}
# What the keyboard has sent since this was last asked, once it is as much as @2 has.
sent() {
	local want=$2 now
	now=$(console "$1" | tr -d '\n'); now=${now##*>}
	is "$want" echo "${now:${at:-0}}"
}
sends() { # NAME CODES
	wait_for 20 sent "$1" "$2 " || return 1
}
forget() { at=$(console "$1" | tr -d '\n' | sed 's/.*>//' | tr -d '\n' | wc -c); }

cli() {
	ok "a guest reads its keyboard" keys g ""; at=0
	ok "words are typed as on a US keyboard" eval "vmdeck type g 'aA' z && sends g '1e 9e 2a 1e 9e aa 39 b9 2c ac'"
	forget g
	ok "standard input is, with its newline" eval "printf 'ls\n' | vmdeck type g - && sends g '26 a6 1f 9f 1c 9c'"
	forget g
	ok "--enter presses Enter" eval "vmdeck type g --enter x && sends g '2d ad 1c 9c'"
	forget g
	ok "in a German layout z is where y is, and an umlaut a key" eval "vmdeck type g --layout de 'zä' && sends g '15 95 28 a8'"
	forget g
	ok "an at is AltGr and q" eval "vmdeck type g --layout de @ && sends g 'e0 38 10 90 e0 b8'"
	forget g
	ok "an accent is a dead key and its letter" eval "vmdeck type g --layout de é && sends g '0d 8d 12 92'"
	forget g
	refused "what the layout lacks is named" "layout 'us' has no key for '€' \(U\+20AC\), character 3" vmdeck type g 'ab€'
	refused "a layout that is not there, too" "no keyboard layout 'klingon'" vmdeck type g --layout klingon x
	vmdeck type g b
	ok "and nothing of these was typed" sends g '30 b0'
	forget g
	head -c 300 /dev/zero | tr '\0' a > "$WORK/long"
	ok "not a key of a long text is lost" eval "vmdeck type g --delay 1 < $WORK/long && sends g '$(for _ in $(seq 300); do printf '1e 9e '; done | sed 's/ $//')'"
	vmdeck -q reset g; wait_for 20 console_has g 'hello from the guest' > /dev/null
	refused "a guest that does not read its keyboard is told" 'does not read its keyboard' vmdeck type g abc
	vmdeck -q destroy g
	refused "one that does not run has none" 'not running' vmdeck type g abc
}

# A viewer that sends characters, not keys.
viewer() {
	local port; port=$(vmdeck vncdisplay --json v | sed -n 's/^  "port": \([0-9]*\),$/\1/p')
	{ printf '%b' "$1"; for _ in $(seq 60); do sends v "$2" > /dev/null && break; done; echo quit; } | timeout $((60 * TEST_SLOW)) "$O/tools/rfbview" 127.0.0.1 "$port"
}
screens() {
	local de="<graphics type='vnc' keymap='de'/>"
	ok "a guest has a German keyboard, says its XML" keys v "$de"; at=0
	ok "type uses that" eval "vmdeck type v z && sends v '15 95'"
	forget v
	ok "a viewer's z is the key that makes it there" eval "viewer 'key 7a 1\nkey 7a 0\n' '15 95' && sends v '15 95'"
	forget v
	ok "its umlaut has a key" eval "viewer 'key e4 1\nkey e4 0\n' '28 a8' && sends v '28 a8'"
	forget v
	ok "its at is q with AltGr around" eval "viewer 'key 40 1\nkey 40 0\n' 'e0 38 10 e0 b8 90' && sends v 'e0 38 10 e0 b8 90'"
	forget v
	kill -9 "$(pgrep -f "^[^ ]*vmdeck-screen 1 v [a-z]*\$")" 2> /dev/null
	ok "the next screen process knows the layout, too" eval "viewer 'key 7a 1\nkey 7a 0\n' '15 95' && sends v '15 95'"
	vmdeck -q destroy v
	sed -i "s/keymap='de'/keymap='klingon'/" "$WORK/v.xml"; vmdeck -q undefine v; vmdeck -q define "$WORK/v.xml"
	ok "a keymap that is not there is told at start, which goes on" says "warning: keymap 'klingon': there is no keyboard layout" vmdeck start v --force --no-password
	vmdeck -q destroy v
	refused "one that cannot be a name is not taken" "keymap" eval "sed -i \"s/keymap='klingon'/keymap='a b'/\" $WORK/v.xml; vmdeck define $WORK/v.xml"
}

firmware() {
	cp "$O/guests/mbr.img" "$WORK/pc.img"
	cat > "$WORK/pc.xml" <<-XML
	<domain type='kvm'><name>pc</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
	<devices>$(disk vda "$WORK/pc.img")<serial type='pty'/><video><model type='vga'/></video></devices></domain>
	XML
	vmdeck -q define "$WORK/pc.xml"; vmdeck -q start pc --force 2> /dev/null
	ok "a boot sector has come" wait_for 60 console_has pc 'hello from the boot sector'
	ok "the firmware's keyboard has the letter that is typed" eval "printf WWW | vmdeck console pc > /dev/null; vmdeck type pc aB3 && wait_for 30 console_has pc 'aB3$'"
	vmdeck -q destroy pc
}

for part in ${PARTS:-cli screens firmware}; do $part; done
