#!/bin/bash
# Screens of guests, from start to end: ports, sockets, passwords, TLS, and a screen process that dies. The guests are a PC without a
# disk, which any /dev/kvm runs; the viewers are on libvncclient.
# limit: 150
# needs: kvm
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
unset SSH_CONNECTION

# pc NAME [ATTRIBUTES [METADATA]]: define a guest with <graphics ATTRIBUTES>.
pc() {
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><metadata>${3:-}</metadata><memory unit='MiB'>32</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type></os><devices><graphics type='vnc' ${2:-}/></devices></domain>
	XML
	vmdeck -q undefine "$1" 2> /dev/null; vmdeck -q define "$WORK/$1.xml"
}
begin() { vmdeck start --force "$@" 2>/dev/null; }
field() { vmdeck vncdisplay --json "$1" | sed -n "s/^  \"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p"; }
# see NAME [KEY=VALUE...]: a viewer with the guest's own password is let in.
see() {
	local name=$1; shift
	view "$(field "$name" port)" "passwd=$(field "$name" passwd)" "$@"
}
# stay NAME LOG: a viewer that stays until it is sent away, in the background.
stay() {
	[ -p "$WORK/silence" ] || mkfifo "$WORK/silence"
	timeout $((60 * TEST_SLOW)) "$O/tools/rfbview" 127.0.0.1 "$(field "$1" port)" "passwd=$(field "$1" passwd)" <> "$WORK/silence" > "$WORK/$2.log" &
}
view() { local port=$1; shift; echo quit | timeout $((30 * TEST_SLOW)) "$O/tools/rfbview" 127.0.0.1 "$port" "$@"; }
screen_of() { pgrep -f "^[^ ]*vmdeck-screen 1 $1 [a-z]*\$"; }
running() { state_is "$1" running; }

start_and_see() {
	pc pc1
	ok "start tells where the screen is, and its password" says '^Screen: 127\.0\.0\.1:59[0-9]+, password [a-z2-9]{8}$' begin pc1
	ok "there is no screen process while nobody looks" not screen_of pc1
	ok "a viewer is let in" says 'connected 720x400' see pc1
	ok "its process is there now" screen_of pc1
	ok "a wrong password is not" not view "$(field pc1 port)" passwd=wrongone
	ok "no password is not" not view "$(field pc1 port)" passwd=
	ok "vncdisplay is what virsh says" says '^127\.0\.0\.1:[0-9]+$' vmdeck -q vncdisplay pc1
	ok "query-vnc tells it as QMP does" says '"service":"59[0-9]+","family":"ipv4","auth":"vnc"' vmdeck qemu-monitor-command pc1 query-vnc
	stay pc1 "long"; local viewer=$!
	ok "who looks is listed" wait_for 20 is 1 field pc1 viewers
	local pid; pid=$(screen_of pc1); kill -9 "$pid"
	ok "the process killed, the next viewer is let in" see pc1
	ok "by another process" not is "$pid" screen_of pc1
	ok "and the guest runs" running pc1
	wait $viewer; local st=$?
	ok "the viewer that was connected is told" [ $st != 0 -a $st != 124 ]
	ok "nobody is listed any more" wait_for 20 is 0 field pc1 viewers
}

passwords() {
	local old new
	old=$(field pc1 passwd)
	new=$(vmdeck vnc-passwd pc1)
	ok "a new password is made" not is "$old" echo "$new"
	ok "and is good at once" view "$(field pc1 port)" "passwd=$new"
	ok "the old one no more" not view "$(field pc1 port)" "passwd=$old"
	ok "a password can have an end" vmdeck vnc-passwd pc1 --expire now
	ok "after which nobody is let in" not see pc1
	ok "which can be taken back" vmdeck vnc-passwd pc1 --expire never
	ok "so that all is well again" see pc1
	ok "dumpxml hides it" not says "$new" vmdeck dumpxml pc1
	ok "but with --security-info" says "passwd='$new'" vmdeck dumpxml --security-info pc1
	ok "the file that tells is the user's alone" is 600 stat -c %a "$VMDECK_HOME"/run/*/screen.json
	stay pc1 "kicked"; local viewer=$!
	wait_for 20 grep -q connected "$WORK/kicked.log"
	ok "a viewer is sent away" vmdeck vnc-kick pc1
	wait $viewer
	ok "which it is told" grep -q closed "$WORK/kicked.log"
}

ports() {
	local port; port=$(field pc1 port)
	pc pc2; begin pc2 --no-password > /dev/null
	ok "the next guest has another port" not is "$port" field pc2 port
	ok "without a password nothing is asked" view "$(field pc2 port)"
	pc pc3 "port='$port'"
	refused "a port that a guest has is refused, with its name and the remedy" "port $port .* domain 'pc1'.*autoport='yes'" begin_loud pc3
	socat TCP-LISTEN:5987,bind=127.0.0.1,fork /dev/null & local pid=$!
	wait_for 10 port_open 5987
	pc pc3 "port='5987'"
	refused "one that a program has, with the program's" "port 5987 .* taken by process $pid \(socat\)" begin_loud pc3
	kill $pid; wait $pid 2>/dev/null
	ok "free again, it is had" begin pc3
	ok "and is the one that was named" is 5987 field pc3 port
	pc pc4 "listen='0.0.0.0'"
	refused "no password for everybody is refused" "open to everybody" begin_loud pc4 --no-password
	ok "destroyed, its port is free" vmdeck destroy pc3
	ok "at once" not port_open 5987
	ok "and nothing of its screen is left" not screen_of pc3
}
begin_loud() { vmdeck start --force "$@"; }
port_open() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

sockets() {
	pc pc5 "socket='$WORK/pc5.vnc' passwd='geheim12'"
	ok "a screen may be a unix socket" says "^Screen: $WORK/pc5.vnc, password geheim12\$" begin pc5
	ok "the user's alone" is 600 stat -c %a "$WORK/pc5.vnc"
	socat TCP-LISTEN:5988,bind=127.0.0.1,reuseaddr,fork "UNIX-CONNECT:$WORK/pc5.vnc" & local pid=$!
	wait_for 10 port_open 5988
	ok "a viewer is let in there" view 5988 passwd=geheim12
	kill $pid; wait $pid 2>/dev/null
	ok "it goes with its guest" vmdeck destroy pc5
	ok "when that ends" wait_for 10 not test -e "$WORK/pc5.vnc"
}

encrypted() {
	local pki=$VMDECK_HOME/config/pki
	mkdir -p "$pki"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$pki/server-key.pem" -out "$pki/server-cert.pem" 2> /dev/null
	pc pc6 '' "<v:screen xmlns:v='urn:vmdeck:domain:1' tls='required'/>"
	ok "a screen may ask for TLS" begin pc6
	ok "whose certificate is that of the host" see pc6 "ca=$pki/server-cert.pem"
	ok "who speaks none is turned away" not see pc6 plain=1
	kill -9 "$(screen_of pc6)"
	ok "the next process has the certificate too" see pc6 "ca=$pki/server-cert.pem"
	ok "the guest runs" running pc6
}

lives() {
	stay pc1 across; local viewer=$!
	wait_for 20 is 1 field pc1 viewers > /dev/null
	vmdeck -q reset pc1
	ok "a viewer stays through a reset" wait_for 10 running pc1
	ok "and is still listed" is 1 field pc1 viewers
	vmdeck -q suspend pc1
	ok "a paused guest is seen, too" see pc1
	vmdeck -q resume pc1
	kill -9 "$(pgrep -f " machine\$" -P "$(cat "$VMDECK_HOME"/run/"$(vmdeck domuuid pc1)"/keeper.pid)")"
	ok "the machine killed, its guest has crashed" wait_for 20 state_is pc1 crashed
	wait $viewer; local st=$?
	ok "its viewers are told" [ $st != 0 -a $st != 124 ]
	ok "and no screen is left" not screen_of pc1
	ok "it starts again" begin pc1
	ok "and is seen" see pc1
}

rude() {
	local port i silent=(); port=$(field pc1 port)
	for i in $(seq 20); do head -c 3000 /dev/urandom > "/dev/tcp/127.0.0.1/$port" & done 2>/dev/null; wait
	for i in $(seq 20); do socat -u "EXEC:sleep 8" "TCP:127.0.0.1:$port" 2> /dev/null > /dev/null & silent+=($!); done
	{ printf R; sleep 8; } 2> /dev/null | socat - "TCP:127.0.0.1:$port" > /dev/null 2>&1 & silent+=($!)
	ok "garbage and silence keep nobody out" see pc1
	kill "${silent[@]}" 2> /dev/null
	ok "and the guest does not notice" running pc1
	for i in 1 2 3 4 5 6; do pkill -9 -f "^[^ ]*vmdeck-screen 1 pc1 [a-z]*\$"; : 2>/dev/null > "/dev/tcp/127.0.0.1/$port"; sleep 0.2; done
	ok "a screen that always dies is not started without end" [ "$(grep -c 'killed by signal 9' "$VMDECK_HOME"/log/*/vmm.log | awk -F: '{ n += $2 } END { print n }')" -le 8 ]
	ok "and the guest runs" running pc1
}

for part in ${PARTS:-start_and_see passwords ports sockets encrypted lives rude}; do $part; done
