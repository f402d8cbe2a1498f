#!/bin/bash
# vmdeck-screen by itself: tests/tools/screenhost plays the machine, the viewers are not ours: libvncclient (rfbview), vncsnapshot,
# gvnccapture. Passwords, TLS, keys, pointer, sizes, clipboard, and viewers that mean ill.
# limit: 200
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

. tests/lib_screen.sh

part_pictures() {
	screen pictures
	local e
	for e in raw hextile zlib zrle tight 'copyrect tight zrle' ultra rre corre; do
		ok "the picture comes over in $e" view "encodings=$e" -- "pixel 0 16 $(blue 600)" "shot $HERE/shot.ppm"
	done
	ok "vncsnapshot takes it" timeout 20 vncsnapshot -quiet "127.0.0.1::$PORT" "$HERE/snap.jpg"
	ok "gvnccapture takes it, pixel for pixel" same_as_shot
	tell "fill 100 100 200 50 123456"
	ok "what the guest draws is seen" view -- "pixel 299 149 123456" "pixel 300 149 $(pattern 300 149)"
	ok "a new size is told to viewers, with its picture" resize
	ok "a viewer's wish for a size is handed on, and its new picture comes back" view -- "pixel 0 16 $(blue 300)" "size 1024 768" "until resized 1024x768" \
		"pixel 0 16 $(blue 768)"
	hears 'resize 1024 768'
	tell none
	ok "without a picture it is black" view -- 'pixel 500 500 000000'
}
same_as_shot() {
	timeout 20 gvnccapture "127.0.0.1:$((PORT - 5900))" "$HERE/g.png" && pngtopnm "$HERE/g.png" > "$HERE/g.ppm" &&
		view encodings=raw -- "pixel 0 16 $(blue 600)" "shot $HERE/raw.ppm" && cmp "$HERE/g.ppm" "$HERE/raw.ppm"
}
pattern() { printf '%02x%02x%02x' $(($1 * 255 / 800)) $(($2 * 255 / 600)) $(((($1 / 16 + $2 / 16) & 1) * 255)); }
resize() {
	local viewer st
	view -- "pixel 0 16 $(blue 600)" "until resized 400x300" "pixel 0 16 $(blue 300)" > "$HERE/resize.log" & viewer=$!
	wait_for 10 grep -q 'pixel ok' "$HERE/resize.log"; tell "size 400 300"
	wait $viewer; st=$?; cat "$HERE/resize.log"; return $st
}
# stays LOG [COMMAND]: a viewer that does this and stays until LOG.done is there.
stays() { { [ -z "${2:-}" ] || echo "$2"; wait_for 40 test -e "$HERE/$1.done"; } | timeout 50 "$O/tools/rfbview" 127.0.0.1 "$PORT" > "$HERE/$1.log"; }

part_input() {
	screen input
	view -- "pixel 0 16 $(blue 600)" 'xt 61 1e 1' 'xt 61 1e 0' 'xt ff51 cb 1' 'xt ff51 cb 0' > /dev/null
	ok "scan codes name the key" hears 'key 30 1'; ok "also behind E0" hears 'key 105 0'
	forget
	view -- 'key 41 1' 'key 41 0' > /dev/null
	ok "a keysym that needs Shift is given Shift" wait_for 10 is "key 42 1,key 30 1,key 42 0,key 30 0" keys_said
	forget
	view -- 'key ffe1 1' 'key 2f 1' 'key 2f 0' 'key ffe1 0' > /dev/null
	ok "one that needs none is freed of it" wait_for 10 is "key 42 1,key 42 0,key 53 1,key 42 1,key 53 0,key 42 0" keys_said
	forget; tell "leds 4"
	view -- 'key 41 1' 'key 41 0' > /dev/null
	ok "with Caps Lock on, a capital needs no Shift" wait_for 10 is "key 30 1,key 30 0" keys_said
	forget
	view -- 'key ffe3 1' > /dev/null
	ok "a viewer that leaves lets go of its keys" hears 'release'
	forget
	view -- 'pointer 799 599 1' 'pointer 799 599 0' 'pointer 5 6 8' 'pointer 5 6 0' 'pointer 5 6 16' 'pointer 5 6 32' 'pointer 5 6 64' > /dev/null
	ok "buttons and places arrive" hears 'pointer 1 799 599 1 0 0'
	ok "the wheel is a wheel" hears 'pointer 1 5 6 0 1 0'; ok "downwards" hears 'pointer 1 5 6 0 -1 0'
	ok "and sideways" hears 'pointer 1 5 6 0 0 -1'; hears 'pointer 1 5 6 0 0 1'
	forget
	stays state & local viewer=$!
	ok "a viewer that knows QEMU's extensions is told the state of the lamps" wait_for 10 grep -qx 'leds 4' "$HERE/state.log"
	ok "and that places count" wait_for 10 grep -qx 'pointer absolute' "$HERE/state.log"
	tell "leds 3"
	ok "lamps that change are told, though the picture does not" wait_for 10 grep -qx 'leds 3' "$HERE/state.log"
	tell "absolute 0"
	ok "so is that movement counts" wait_for 10 grep -qx 'pointer relative' "$HERE/state.log"
	view -- 'until pointer relative' 'pointer 32772 32764 1' > /dev/null
	ok "and then movement arrives" hears 'pointer 0 5 -3 1 0 0'
	touch "$HERE/state.done"; wait $viewer
}
keys_said() { grep '^key' "$HERE/$NAME.out" | paste -sd,; }

part_passwords() {
	screen passwords passwd=geheim12 view_passwd=nurgucken
	ok "the password lets in" alive passwd=geheim12
	ok "eight characters of it count" alive passwd=geheim1234
	ok "a wrong one does not" is refused view passwd=falsch --
	ok "none does not" is refused view passwd= --
	forget
	view passwd=nurgucken -- "pixel 0 16 $(blue 600)" 'key 61 1' 'pointer 5 5 1' 'xt 61 1e 1' 'size 300 300' > /dev/null
	ok "with the view-only one nothing can be done" not grep -qE '^(key|pointer|resize)' "$HERE/$NAME.out"
	ok "and the list of viewers says so" hears '"viewonly":true'
	tell "set passwd_valid_to 1000000"
	ok "an expired one is refused with words" wait_for 5 reason 'expired'
	tell "set passwd_valid_to 4000000000"
	ok "one that will expire lets in" wait_for 5 alive passwd=geheim12
	tell "set passwd"; tell "set view_passwd"
	ok "without a password none is asked for" wait_for 5 alive
}
# What a viewer of RFB 3.8 reads, before it has chosen anything.
reason() { { printf 'RFB 003.008\n'; sleep 1; } | timeout 5 socat - "TCP:127.0.0.1:$PORT" | tr -c ' -~' '\n' | grep -E -- "$1"; }

part_sharing() {
	screen sharing share=allow-exclusive
	view -- 'until nothing' > "$HERE/first.log" & local first=$!
	wait_for 5 grep -q connected "$HERE/first.log"
	ok "a viewer that wants to be alone gets it" alive exclusive=1
	ok "the other was closed" wait_for 5 grep -q closed "$HERE/first.log"; wait $first
	tell "set share force-shared"
	ok "unless the guest's policy says that all share" wait_for 5 not alive exclusive=1
	ok "others come in" alive
	# the clipboard goes from viewer to viewer
	{ echo 'until cut'; echo quit; } | timeout 20 "$O/tools/rfbview" 127.0.0.1 "$PORT" > "$HERE/clip.log" & local clip=$!
	wait_for 5 grep -q connected "$HERE/clip.log"
	ok "text cut in one viewer is in the other's clipboard" clipped; wait $clip
}
clipped() {
	view -- 'cut wort' "pixel 0 16 $(blue 600)" > /dev/null
	wait_for 5 grep -q 'cut wort' "$HERE/clip.log"
}

part_encrypted() {
	certificates
	screen tls tls=required "cert=$HERE/cert.pem" "key=$HERE/key.pem" passwd=geheim12
	ok "VeNCrypt with a certificate and a password" alive "ca=$HERE/cert.pem" passwd=geheim12
	ok "a wrong password is one there too" is refused view "ca=$HERE/cert.pem" passwd=falsch --
	ok "a plain viewer is refused" not alive plain=1 passwd=geheim12
	ok "with words, when it insists" insists
	ok "an old one with words, too" old_version
	ok "a browser's plain connection as well" says 'encrypted connections only' http
	ok "TLS connections that are reset do no harm to who is there" resets
	ok "the same process goes on" said_no_exit
	tell "set tls allowed"
	ok "where TLS is allowed, both come in: plain" wait_for 5 alive plain=1 passwd=geheim12
	ok "and encrypted" alive "ca=$HERE/cert.pem" passwd=geheim12
	screen verified tls=required "ca=$HERE/cert.pem" "cert=$HERE/cert.pem" "key=$HERE/key.pem" verify=1
	ok "who must show a certificate, and does, sees the picture" alive "ca=$HERE/cert.pem" "cert=$HERE/cert.pem" "key=$HERE/key.pem"
	ok "who shows none does not" not alive "ca=$HERE/cert.pem"
	screen anonymous tls=required
	ok "TLS without a certificate encrypts too" alive anon=1
}
insists() { printf 'RFB 003.008\n\2' | timeout 5 socat -t3 - "TCP:127.0.0.1:$PORT" | grep -aq 'encrypted connections only'; }
old_version() { printf 'RFB 003.003\n' | timeout 5 socat -t3 - "TCP:127.0.0.1:$PORT" | grep -aq 'encrypted connections only'; }
http() { printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' | timeout 5 socat -t2 - "TCP:127.0.0.1:$PORT"; }
said_no_exit() { not said '^exit'; }
resets() {
	local i
	{ echo "until nothing"; } | timeout 20 "$O/tools/rfbview" 127.0.0.1 "$PORT" "ca=$HERE/cert.pem" passwd=geheim12 > "$HERE/stays.log" & local stays=$!
	wait_for 5 grep -q connected "$HERE/stays.log" || return 1
	for i in $(seq 30); do
		"$O/tools/rfbrude" 127.0.0.1 "$PORT" venc-reset || return 1
	done
	not grep -q closed "$HERE/stays.log" && kill $stays && alive "ca=$HERE/cert.pem" passwd=geheim12
}

part_crowd() {
	screen crowd
	local i pids=() before
	before=$(wait_for 5 screen_pid; screen_pid)
	for i in $(seq 20); do
		stays "crowd$i" "pixel 10 500 abcdef" & pids+=($!)
	done
	wait_for 20 all_in
	tell "fill 0 490 30 30 abcdef"
	ok "twenty viewers see what happens" wait_for 20 all_saw
	ok "and are listed" hears '(.*"host"){20}'
	for i in $(seq 20); do touch "$HERE/crowd$i.done"; done
	wait "${pids[@]}"
	for i in one-byte no-read silent; do ("$O/tools/rfbrude" 127.0.0.1 "$PORT" $i 12; echo $? > "$HERE/rude.$i") & done
	for i in 1 2 3 4 5; do "$O/tools/rfbrude" 127.0.0.1 "$PORT" garbage $i; done
	ok "garbage, half a handshake and one that never reads do not disturb another" alive
	tell "size 1000 700"
	ok "nor a new size, though one does not read" view_new_size
	for i in one-byte no-read silent; do ok "one that hangs is closed within 12 s: $i" wait_for 15 is 0 cat "$HERE/rude.$i"; done
	for i in $(seq 60); do "$O/tools/rfbrude" 127.0.0.1 "$PORT" silent 0 & done
	ok "sixty that say nothing keep nobody out" wait_for 5 view -- 'pixel 0 0 000000'
	ok "all the time it is the same process" is "$before" screen_pid
	tell die
	ok "killed, the next one serves at once" wait_for 3 view -- 'pixel 0 0 000000'
	tell kick
	ok "kicked viewers are gone, others come" wait_for 5 view -- 'pixel 0 0 000000'
}
all_in() { [ "$(cat "$HERE"/crowd*.log | grep -c connected)" = 20 ]; }
all_saw() { [ "$(cat "$HERE"/crowd*.log | grep -c 'pixel ok')" = 20 ]; }
view_new_size() { local began=$SECONDS; view -- "pixel 0 16 $(blue 700)" && [ $((SECONDS - began)) -le 3 ]; }

part_continuous() {
	screen continuous
	local line=$((PORT + 1))
	mkfifo "$HERE/line"; "$O/tools/delay" $line "$PORT" 40 <> "$HERE/line" & host_pids+=($!)
	wait_for 10 port_open $line
	LINE=$line
	ok "a viewer behind a long line is sent what changes without asking" far "fill 10 500 40 40 abcdef" "pixel 10 500 abcdef"
	ok "all the same when the picture has another size" far "size 640 480" "pixel 0 16 $(blue 480)" "size 800 600" "pixel 0 16 $(blue 600)"
	ok "its fences come back" far "" "fence 1 before" "until fence before" "fence 0 any" "until fence any"
	ok "one for the next message comes when that is done" far "" "fence 4 next" "pointer 1 1 0" "until fence next"
	ok "told to end, it ends, and the viewer asks again" far "" "continuous off" "until continuous off" "size 500 400" "pixel 0 16 $(blue 400)"
	ok "what is played comes whole" played
}
# far LINE COMMAND...: a viewer over the long line; once it is sent updates without asking, tell LINE.
far() {
	local say=$1 viewer st; shift
	{ echo "until continuous on"; wait_for 20 test -e "$HERE/far.go"; printf '%s\n' "$@"; echo quit; } |
		timeout 40 "$O/tools/rfbview" 127.0.0.1 "$LINE" continuous=1 > "$HERE/far.log" & viewer=$!
	wait_for 10 grep -q 'continuous on' "$HERE/far.log"; [ -z "$say" ] || tell "$say"
	touch "$HERE/far.go"; wait $viewer; st=$?; rm "$HERE/far.go"; cat "$HERE/far.log"; return $st
}
# What is drawn while nobody keeps count of it, and then what stays.
played() {
	tell "size 800 600"; tell "play 20"
	far "" "pixel 100 590 000001" & local viewer=$!
	wait_for 10 grep -q 'continuous on' "$HERE/far.log"
	tell "fill 100 590 5 5 000001"
	wait $viewer
}

part_copies() {
	screen copies size=640x512
	local i seed pids line=$((PORT + 1))
	mkfifo "$HERE/copies.line"; "$O/tools/delay" $line "$PORT" 30 1000 <> "$HERE/copies.line" & host_pids+=($!)
	wait_for 10 port_open $line
	tell "text 0 0 640 512"
	copied 1 "scroll 0 0 640 512 -16"
	ok "what scrolls is the same for five viewers, to the pixel" same_for_all
	ok "those that take copies were sent some" eval '! cat "$HERE"/copies[1-4].log | grep -x "copies 0"'
	for seed in 2 3 4; do
		copied $seed "storm 400 $seed" stormed
		ok "what scrolls and changes by turns is the same for five viewers, to the pixel ($seed)" same_for_all
		ok "who takes none was sent none" grep -x 'copies 0' "$HERE/copies5.log"
	done
}
# copied SEED COMMAND [SAID]: five viewers who have the picture see that, and then a mark.
copied() {
	seed=$1; pids=()
	rm -f "$HERE"/copies*.{go,there}; shot_of_host
	copier 1 "$PORT" 'encodings=copyrect tight zrle' & pids+=($!)
	copier 2 "$PORT" 'encodings=copyrect raw' & pids+=($!)
	copier 3 "$PORT" 'encodings=copyrect hextile' & pids+=($!)
	copier 4 $line 'encodings=copyrect zrle' continuous=1 & pids+=($!)
	copier 5 "$PORT" 'encodings=tight' & pids+=($!)
	for i in 1 2 3 4 5; do wait_for 20 test -e "$HERE/copies$i.there"; done
	forget; tell "$2"; [ -z "${3:-}" ] || wait_for 30 said "$3"
	tell "fill 3 3 2 2 0000$((seed + 10))"; shot_of_host
	touch "$HERE/copies.go"; wait "${pids[@]}"
}
shot_of_host() { rm -f "$HERE/copies.ppm"; tell "shot $HERE/copies.ppm"; wait_for 5 test -s "$HERE/copies.ppm"; }
same_for_all() {
	local i st=0
	for i in 1 2 3 4 5; do cmp "$HERE/copies.ppm" "$HERE/copies$i.ppm" || { st=1; cat "$HERE/copies$i.log"; }; done
	return $st
}
# copier I PORT KEY=VALUE...: a viewer that takes pictures of what it has until it is all there, for ten seconds: what is little may
# have come before what is much.
copier() {
	local i=$1 port=$2; shift 2
	rm -f "$HERE/copies$i.ppm"; : > "$HERE/copies$i.log"
	{
		until_same "$HERE/copies$i.ppm"; touch "$HERE/copies$i.there"; wait_for 40 test -e "$HERE/copies.go"
		echo "pixel 4 4 0000$((seed + 10))"; until_same "$HERE/copies$i.ppm"; printf '%s\n' copies quit
	} |
		timeout 60 "$O/tools/rfbview" 127.0.0.1 "$port" "$@" > "$HERE/copies$i.log"
}

until_same() {
	for _ in $(seq 50); do
		rm -f "$1"; echo "shot $1"; wait_for 5 test -s "$1" >&2
		cmp -s "$HERE/copies.ppm" "$1" && return
		sleep 0.2
	done
}

part_idle() {
	screen idle
	local pid; pid=$(screen_pid)
	timeout 30 "$O/tools/rfbview" 127.0.0.1 "$PORT" < <(sleep 12) > "$HERE/idle.log" & local viewer=$!
	wait_for 5 grep -q connected "$HERE/idle.log"
	ok "the machine is asked seldom while nothing changes" seldom
	kill $viewer
	ok "and not at all while nobody looks" silence
}
# What the machine was asked so far: screenhost counts it.
refreshes() {
	local n; n=$(grep -c '^count' "$HERE/$NAME.out")
	tell count; wait_for 5 counted "$n" && grep -oE '^count [0-9]+' "$HERE/$NAME.out" | tail -1 | cut -d' ' -f2
}
counted() { [ "$(grep -c '^count' "$HERE/$NAME.out")" -gt "$1" ]; }
seldom() { sleep 2; local a b; a=$(refreshes); sleep 4; b=$(refreshes); echo "$((b - a)) in 4 s"; [ $((b - a)) -le 22 ] && [ "$b" -gt "$a" ]; }
silence() { sleep 1; local a b; a=$(refreshes); sleep 2; b=$(refreshes); echo "$((b - a))"; [ "$a" = "$b" ]; }

for part in ${PARTS:-pictures input passwords sharing encrypted crowd continuous copies idle}; do "part_$part"; done
