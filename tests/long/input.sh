# limit: 400
# What is typed and pointed at from outside is what Linux reads from its input devices: virtio, PS/2 and vmmouse.
. tests/lib.sh

inputs="<input type='keyboard' bus='virtio'/><input type='tablet' bus='virtio'/><input type='mouse' bus='virtio'/>"

# The event device whose name in /proc/bus/input/devices has these words.
event_of() { run_in "$1" "awk -v n='$2' 'index(\$0, n) && /^N:/ { f = 1 } /^H:/ && f { sub(/.*event/, \"event\"); print \$1; exit }' /proc/bus/input/devices"; }

# Have the guest write down what comes from the device.
listen() {
	run_in "$1" "killall cat 2>/dev/null; rm -f /tmp/ev; cat /dev/input/$2 > /tmp/ev & :" > /dev/null
	wait_for 20 run_in "$1" "ls -l /proc/[0-9]*/fd | grep -q /dev/input/$2" > /dev/null
}

# The events so far as type:code=value, those of EV_SYN and EV_MSC left out.
heard() {
	run_in "$1" "od -An -v -w24 -td2 /tmp/ev | awk '\$9 != 0 && \$9 != 4 { printf \"%d:%d=%d \", \$9, \$10, \$11 } END { print \"\" }'"
}
hears() { says "$2" heard "$1"; }

event() { vmdeck qemu-monitor-command "$1" "{\"execute\":\"input-send-event\",\"arguments\":{\"events\":[$2]}}" > /dev/null; }
point() { event "$1" "{\"type\":\"abs\",\"data\":{\"axis\":\"x\",\"value\":$2}},{\"type\":\"abs\",\"data\":{\"axis\":\"y\",\"value\":$3}}"; }
move() { event "$1" "{\"type\":\"rel\",\"data\":{\"axis\":\"x\",\"value\":$2}},{\"type\":\"rel\",\"data\":{\"axis\":\"y\",\"value\":$3}}"; }
button() { event "$1" "{\"type\":\"btn\",\"data\":{\"down\":$3,\"button\":\"$2\"}}"; }
click() { button "$1" "$2" true && button "$1" "$2" false; }
corners() { point "$1" 1 1 && point "$1" 32767 0 && point "$1" 32767 32767 && point "$1" 0 32767 && point "$1" 0 0; }

ok "a guest with PS/2, vmmouse and virtio keyboard, tablet and mouse is defined" guest typed generic disks="$inputs"
ok "it starts" vmdeck start typed
ok "it comes to its shell" at_shell typed

# vmmouse, at a PS/2 mouse
ok "psmouse comes" run_in typed 'rmmod virtio_input; modprobe psmouse'
ok "it finds the vmmouse" wait_for 20 run_says typed 'VMware VMMouse' 'grep Name /proc/bus/input/devices'
listen typed "$(event_of typed 'VMware VMMouse')"
ok "the pointer goes to the four corners, and clicks" eval 'corners typed && click typed right'
ok "Linux reads the four corners, of 65535 (as 16 bits: -1), and the click" wait_for 20 hears typed \
	'3:0=-1 3:1=0 3:1=-1 3:0=0 3:1=0 1:273=1 1:273=0'

# PS/2 alone
ok "it is told to look for no vmmouse" run_in typed 'killall cat; printf exps > /sys/bus/serio/devices/serio1/protocol'
ok "it finds a mouse with wheel and five buttons" wait_for 20 run_says typed 'ImExPS/2' 'grep Name /proc/bus/input/devices'
ok "atkbd finds a keyboard of set 2" run_says typed 'AT Translated Set 2 keyboard' 'grep Name /proc/bus/input/devices'
ok "nothing was said about the controller" run_says typed '^0$' 'dmesg | grep -ciE "i8042.*(fail|error|timeout|spurious)|atkbd.*unknown"'
kbd=$(event_of typed 'AT Translated'); mouse=$(event_of typed 'ImExPS/2')
listen typed "$kbd"
ok "send-key types" vmdeck send-key typed --holdtime 20 KEY_LEFTCTRL KEY_A
ok "send-key knows QEMU's names, and numbers" vmdeck send-key typed --holdtime 20 pause 103 f12
ok "Linux reads Ctrl and A, down and up in reverse; then Pause, Up and F12" wait_for 20 hears typed \
	'1:29=1 1:30=1 1:30=0 1:29=0 1:119=1 .*1:103=1 1:88=1 1:88=0 1:103=0'
listen typed "$mouse"
ok "the mouse moves, the wheel turns, a side button is pressed" eval 'move typed 300 -7 && click typed wheel-up && click typed side'
ok "Linux reads all of it" wait_for 20 hears typed '2:0=255 2:1=-7 2:0=45 2:8=1 .*1:275=1 1:275=0'
ok "positions become movement" corners typed
ok "as far as the screen is wide" wait_for 20 hears typed '(2:0=255 2:1=-255 ){3}.*2:1=255.*2:0=-255'

# virtio
ok "virtio_input comes" run_in typed 'modprobe virtio_input'
ok "Linux finds the virtio devices" wait_for 20 run_says typed '^3$' 'grep -c "vmdeck virtio" /proc/bus/input/devices'
listen typed "$(event_of typed 'vmdeck virtio keyboard')"
ok "send-key types at the virtio keyboard now" vmdeck send-key typed --holdtime 20 ctrl alt f2
ok "Linux reads it there" wait_for 20 hears typed '1:29=1 1:56=1 1:60=1 1:60=0 1:56=0 1:29=0'
listen typed "$(event_of typed 'vmdeck virtio tablet')"
ok "the pointer goes to the four corners there; a click, the wheel" eval 'corners typed && click typed left && click typed wheel-down'
ok "Linux reads all of it there" wait_for 20 hears typed '3:0=32767 3:1=0 3:1=32767 3:0=0 3:1=0 1:272=1 1:272=0 2:8=-1'
ok "a key that is held at a virtio keyboard whose driver goes" event typed '{"type":"key","data":{"down":true,"key":{"type":"qcode","data":"q"}}}'
ok "the driver goes" run_in typed "rmmod virtio_input"
listen typed "$kbd"
ok "PS/2 has the next key" vmdeck send-key typed --holdtime 20 a
ok "Linux reads it, and nothing of the one that was held" wait_for 20 hears typed '^1:30=1 1:30=0 *$'
ok "the guest ends" vmdeck destroy typed
