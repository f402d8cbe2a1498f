#!/bin/bash
# noVNC in a headless Chromium before vmdeck-screen: WebSockets on the port of the VNC server, the picture, keys as scan codes.
# limit: 150
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. tests/lib_screen.sh

# The pages: noVNC's library beside ours.
serve() {
	local dir=$HERE/www i
	mkdir -p "$dir"; cp tests/web/view.html "$dir/"; ln -s /usr/share/novnc/core /usr/share/novnc/vendor "$dir/"
	echo '.js:text/javascript' > "$HERE/httpd.conf"
	for i in $(seq 20); do
		WEB=$((20000 + RANDOM % 12000))
		busybox httpd -f -c "$HERE/httpd.conf" -p 127.0.0.1:$WEB -h "$dir" & host_pids+=($!)
		PORT=$WEB wait_for 3 port_open > /dev/null && return 0
	done
	return 1
}

# browse NAME QUERY: the page in a browser, until it has seen all or 40 s are over; what it says is in $HERE/NAME.web.
browse() {
	TMPDIR=$HERE HOME=$HERE timeout 40 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$HERE/chromium-$1" \
		--ignore-certificate-errors --window-size=1000,800 --enable-logging=stderr --remote-debugging-port=0 \
		"http://127.0.0.1:$WEB/view.html?port=$PORT&first=$(blue 600)&$2" > /dev/null 2> "$HERE/$1.web" & host_pids+=($!)
}
web_said() { grep -qE "VIEW $2" "$HERE/$1.web" || { grep -a VIEW "$HERE/$1.web"; tail -n 3 "$HERE/$1.web"; return 1; }; }

serve
screen plain passwd=geheim12
browse plain 'passwd=geheim12'
ok "noVNC connects, with its password" wait_for 40 web_said plain connected
ok "it shows the picture" wait_for 10 web_said plain picture
ok "a key typed there is that key, by its scan code" hears 'key 30 1'
ok "the mouse is where it was clicked" hears 'pointer 1 123 45 1 0 0'
tell 'fill 390 290 40 40 abcdef'
ok "what changes is seen" wait_for 10 web_said plain change
ok "the list says that it is a WebSocket" hears '"websocket":true'

certificates
screen secure tls=required "cert=$HERE/cert.pem" "key=$HERE/key.pem"
browse secure 'scheme=wss'
ok "over TLS it sees the picture too" wait_for 40 web_said secure picture

screen open
browse open 'passwd='
ok "a page from this machine is let in where no password is asked" wait_for 40 web_said open picture
ok "one of another site is not" says '403 Forbidden' upgrade http://evil.example
ok "one of the same host is" says '101 Switching' upgrade "http://$(hostname):99" "$(hostname)"
ok "one whose site's name was made to lead here is not" says '403 Forbidden' upgrade http://rebound.example:99 rebound.example
