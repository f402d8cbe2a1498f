# shellcheck shell=bash
# lib_screen.sh - a vmdeck-screen before tests/tools/screenhost, and viewers. Sourced after lib.sh.

host_pids=()
cleanup_hosts() { local p; for p in "${host_pids[@]}"; do kill "$p" 2>/dev/null; done; }
trap 'cleanup_hosts; finish' EXIT
HERE=$WORK/screen; mkdir -p "$HERE"

# screen NAME KEY=VALUE...: a screen of that name from now on: $PORT, tell(), said().
screen() {
	local i
	NAME=$1; shift
	mkfifo "$HERE/$NAME.in"
	for i in $(seq 20); do
		PORT=$((20000 + RANDOM % 12000))
		"$O/tools/screenhost" "$O/vmdeck-screen" $PORT "$@" <> "$HERE/$NAME.in" >> "$HERE/$NAME.out" 2> "$HERE/$NAME.err" &
		HOST=$!; host_pids+=("$HOST")
		wait_for 5 screen_pid > /dev/null && wait_for 10 port_open > /dev/null && return 0
	done
	echo "not ok no screen could be started: $(cat "$HERE/$NAME.err")"; exit 1
}
port_open() { (exec 3<> "/dev/tcp/127.0.0.1/${1:-$PORT}") 2>/dev/null; }
screen_pid() { pgrep -P "$HOST"; }
tell() { echo "$1" > "$HERE/$NAME.in"; }
said() { grep -qE -- "$1" "$HERE/$NAME.out" || { tail -q -n 5 "$HERE/$NAME.out" "$HERE/$NAME.err"; return 1; }; }
hears() { wait_for 10 said "$@"; }
# What was said from here on.
forget() { : > "$HERE/$NAME.out"; }

# view [KEY=VALUE...] -- COMMAND...: a viewer that does this, then leaves.
view() {
	local args=()
	while [ "$1" != -- ]; do args+=("$1"); shift; done; shift
	{ printf '%s\n' "$@"; echo quit; } | timeout $((30 * TEST_SLOW)) "$O/tools/rfbview" 127.0.0.1 "$PORT" "${args[@]}"
}
# alive [KEY=VALUE...]: another viewer is let in and sees the pattern.
alive() { view "$@" -- "pixel 0 16 $(blue 600)"; }
# The pattern's pixel at (0,16): full blue with that much green.
blue() { printf '%06x' $((16 * 255 / $1 * 256 + 255)); }

certificates() {
	(cd "$HERE" && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1 \
		-addext 'subjectAltName=IP:127.0.0.1,DNS:localhost') > /dev/null 2>&1
}
# upgrade ORIGIN [HOST]: a request for a WebSocket from a page of there, and its answer.
upgrade() {
	printf 'GET / HTTP/1.1\r\nHost: %s:5900\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n%s\r\n%s\r\n\r\n' \
		"${2:-x}" 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "Origin: $1" | timeout 5 socat -t2 - "TCP:127.0.0.1:$PORT"
}
