# limit: 500
# What is typed and pointed at from outside is what Linux reads from its input devices: virtio, PS/2 and vmmouse.
. tests/lib.sh

inputs="<input type='keyboard' bus='virtio'/><input type='tablet' bus='virtio'/><input type='mouse' bus='virtio'/>"

# The event device whose name in /proc/bus/input/devices has these words.
event_of() { run_in "$1" "awk -v n='$2' 'index(\$0, n) && /^N:/ { f = 1 } /^H:/ && f { sub(/.*event/, \"event\"); print \$1; exit }' /proc/bus/input/devices"; }

# Have the guest write down what comes from the device.
listen() { run_in "$1" "killall cat 2>/dev/null; rm -f /tmp/ev; cat /dev/input/$2 > /tmp/ev & sleep 1" > /dev/null; }

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

ok "a guest with PS/2 alone is defined" guest old generic features="<vmport state='off'/>"
ok "it starts" vmdeck start old
ok "a guest with PS/2 and vmmouse is defined" guest vmw generic
ok "a guest with virtio keyboard, tablet and mouse is defined" guest new generic disks="$inputs"
ok "it comes to its shell" at_shell old
ok "psmouse finds a mouse with wheel and five buttons" run_says old 'Generic Explorer Mouse' 'modprobe psmouse; sleep 2; grep Name /proc/bus/input/devices'
ok "atkbd finds a keyboard of set 2" run_says old 'AT Translated Set 2 keyboard' 'grep Name /proc/bus/input/devices'
ok "nothing was said about the controller" run_says old '^0$' 'dmesg | grep -ciE "i8042.*(fail|error|timeout|spurious)|atkbd.*unknown"'
kbd=$(event_of old 'AT Translated'); mouse=$(event_of old 'Mouse')
listen old "$kbd"
ok "send-key types" vmdeck send-key old --holdtime 20 KEY_LEFTCTRL KEY_A
ok "Linux reads Ctrl and A, down and up in reverse" wait_for 20 hears old '1:29=1 1:30=1 1:30=0 1:29=0'
ok "send-key knows QEMU's names, and numbers" vmdeck send-key old --holdtime 20 pause 103 f12
ok "Linux reads Pause, Up and F12" wait_for 20 hears old '1:119=1 .*1:103=1 1:88=1 1:88=0 1:103=0'
listen old "$mouse"
ok "the mouse moves" move old 300 -7
ok "Linux reads all of it" wait_for 20 hears old '2:0=255 2:1=-7 2:0=45'
ok "the wheel turns, a side button is pressed" eval 'click old wheel-up && click old side'
ok "Linux reads both" wait_for 20 hears old '2:8=1 .*1:275=1 1:275=0'
ok "positions become movement" corners old
ok "as far as a screen is wide" wait_for 20 hears old '2:0=255 2:0=255 2:0=255 2:0=255.*2:0=-255'
ok "the guest ends" vmdeck destroy old

ok "the guest with virtio starts" vmdeck start new
ok "it comes to its shell too" at_shell new
tablet=$(event_of new 'vmdeck virtio tablet'); vkbd=$(event_of new 'vmdeck virtio keyboard'); vmouse=$(event_of new 'vmdeck virtio mouse')
ok "Linux has all three" test -n "$tablet" -a -n "$vkbd" -a -n "$vmouse"
listen new "$vkbd"
ok "send-key types at the virtio keyboard" vmdeck send-key new --holdtime 20 ctrl alt f2
ok "Linux reads it there" wait_for 20 hears new '1:29=1 1:56=1 1:60=1 1:60=0 1:56=0 1:29=0'
listen new "$tablet"
ok "the pointer goes to the four corners" corners new
ok "Linux reads the four corners" wait_for 20 hears new '3:0=32767 3:1=0 3:1=32767 3:0=0 3:1=0 '
ok "a click and the wheel" eval 'click new left && click new wheel-down'
ok "Linux reads them there" wait_for 20 hears new '1:272=1 1:272=0 2:8=-1'
ok "the guest ends too" vmdeck destroy new

ok "the guest with vmmouse starts" vmdeck start vmw
ok "it comes to its shell as well" at_shell vmw
ok "psmouse finds the vmmouse" run_says vmw 'VMware VMMouse' 'modprobe psmouse; sleep 2; grep Name /proc/bus/input/devices'
vmm=$(event_of vmw 'VMware VMMouse')
listen vmw "$vmm"
ok "the pointer goes to the four corners there" corners vmw
ok "Linux reads the four corners, of 65535 (as 16 bits: -1)" wait_for 20 hears vmw '3:0=-1 3:1=0 3:1=-1 3:0=0 3:1=0 '
ok "a click" click vmw right
ok "Linux reads it" wait_for 20 hears vmw '1:273=1 1:273=0'
ok "the guest ends at last" vmdeck destroy vmw
