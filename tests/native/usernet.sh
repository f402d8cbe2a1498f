#!/bin/bash
# limit: 60
# needs: kvm
# A guest with a card in the user-mode network, from define to destroy: who has a port is said before anything runs, and what a
# person is told. The guest itself is a few bytes; what goes through the card is tests/test_net.c and tests/box/nat.sh.
. tests/lib.sh

forward() { echo "<portForward proto='$1'${3:+ address='$3'}><range $2/></portForward>"; }
tiny() {
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><memory unit='MiB'>16</memory><os><type>hvm</type><kernel>$ROOT/$O/guests/echo.elf</kernel></os>
	<devices><interface type='user'>$2</interface><serial type='pty'/></devices></domain>
	XML
	vmdeck define "$WORK/$1.xml"
}
net_pid() { pgrep -o -f "^[^ ]*vmdeck-net $1 0\$"; }
another_net() { local pid; pid=$(net_pid "$1") && [ "$pid" != "$2" ]; }
listening() { busybox netstat -ltun | grep -qE -- "$1"; }

ok "a guest with forwards is defined" tiny one "$(forward tcp "start='20022' to='22'" 127.0.0.1)$(forward udp "start='20100' end='20103'" 0.0.0.0)"
busybox httpd -f -p 127.0.0.1:20022 & taken=$!
ok "somebody has its port" wait_for 10 listening '127.0.0.1:20022'
refused "start names the port and who has it" "TCP port 20022 of '127.0.0.1', which is to lead to port 22 of the guest, is taken by process $taken" vmdeck start one --force
ok "nothing of the guest is left" nothing_left
kill $taken
"$O/tools/dnsd" 127.0.0.1 20102 127.0.0.1 & taken=$!
ok "somebody has one of its UDP ports" wait_for 10 listening 'udp.*:20102'
refused "start names that one" "UDP port 20102 of '0.0.0.0'.*taken by process $taken" vmdeck start one --force
kill $taken
ok "it starts, and start tells how it is reached" eval 'vmdeck start one --force > "$WORK/said" && grep -q "Forwarded: 0.0.0.0:20100-20103/udp to ports 20100-20103 of the guest" "$WORK/said" && grep -q "ssh -p 20022 root@127.0.0.1" "$WORK/said"'
ok "its ports are open" eval 'listening "127.0.0.1:20022" && listening "udp.*0.0.0.0:20103"'
ok "domiflist tells the card" says '^ net0 +user +- +virtio +52:54:00:' vmdeck domiflist one
ok "domifaddr tells its address" says 'ipv4 +10.0.2.15/24' vmdeck domifaddr one
ok "dominfo tells the line for ssh" says 'Into the guest: ssh -p 20022' vmdeck dominfo one
tiny two "$(forward tcp "start='20022' to='80'" 0.0.0.0)"
refused "another guest is refused its port by name" "taken by domain 'one'" vmdeck start two --force
layers() { # what of the sandbox a log lacks, host-validate lacks too
	! grep 'sandbox: without.*process ids' "$VMDECK_HOME"/log/*/vmm.log || ! vmdeck host-validate | grep -qi 'process id.*PASS'
}
ok "its processes have all layers of the sandbox that the host gives" layers
first=$(net_pid one)
kill -9 "$first"
ok "vmdeck-net is back when it was killed" wait_for 20 another_net one "$first"
ok "with its ports" wait_for 10 listening '127.0.0.1:20022'
ok "and the guest runs" state_is one running
ok "destroy ends the guest" vmdeck destroy one
ok "and its network" wait_for 10 not net_pid one
ok "the port is free for the other" eval 'vmdeck start two --force && listening "0.0.0.0:20022"'
ok "which goes, too" vmdeck destroy two
refused "without vmdeck-net the guest does not start" "vmdeck-net" env VMDECK_NET=/nowhere/vmdeck-net timeout $((60 * TEST_SLOW)) "$V" start two --force
