#!/bin/bash
# A browser at a guest's screen: the pages of the package novnc as `vmdeck novnc` serves them, in headless Chromium.
# Chromium is driven over its debugging pipe (Chrome DevTools Protocol: JSON objects, each ended by a NUL).
# limit: 120
# needs: kvm
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
unset SSH_CONNECTION

pids=()
leave() { local p; for p in "${pids[@]}"; do kill "$p" 2> /dev/null; done; sleep 0.3; finish; }
trap leave EXIT

### the browser

browser_start() {
	mkfifo "$WORK/to" "$WORK/from"
	TMPDIR=$WORK HOME=$WORK chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --user-data-dir="$WORK/profile" \
		--window-size=1000,800 --remote-debugging-pipe about:blank 3< "$WORK/to" 4> "$WORK/from" > "$WORK/chromium.log" 2>&1 &
	pids+=($!)
	exec {to}> "$WORK/to" {from}< "$WORK/from"
	SESSION=; ID=0
}
# ask METHOD PARAMS: a command to the browser, or to the page once there is one; $ANSWER.
ask() {
	ID=$((ID + 1))
	printf '{"id":%d,"method":"%s","params":%s%s}\0' $ID "$1" "$2" "${SESSION:+,\"sessionId\":\"$SESSION\"}" >&"$to"
	while IFS= read -r -d '' -t $((30 * TEST_SLOW)) ANSWER <&"$from"; do [[ $ANSWER != "{\"id\":$ID,"* ]] || return 0; done
	return 1
}
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<< "$ANSWER"; }
# open URL: in a page of its own.
open() {
	SESSION=
	ask Target.createTarget "{\"url\":\"$1\"}" && ask Target.attachToTarget "{\"targetId\":\"$(member targetId)\",\"flatten\":true}" &&
		SESSION=$(member sessionId) && [ -n "$SESSION" ]
}
# value EXPRESSION: what it is in the page, as text.
value() { ask Runtime.evaluate "{\"expression\":\"String($1)\"}" && member value; }
# The picture's size and the colour of its pixel (0, 16), or why there is none.
picture() {
	value "(c => c ? c.width + 'x' + c.height + ' ' + c.getContext('2d').getImageData(0, 16, 1, 1).data.slice(0, 3).join(',') : 'none')(document.querySelector('canvas'))"
}

### the pages

# serve [NAME]: $URL is what vmdeck novnc prints.
serve() {
	"$V" novnc "$@" > "$WORK/url" 2> "$WORK/url.err" & pids+=($!); SERVER=$!
	wait_for 10 grep -q http "$WORK/url" && URL=$(head -1 "$WORK/url")
}

cat > "$WORK/pc1.xml" <<-XML
<domain type='kvm'><name>pc1</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices><graphics type='vnc' passwd='geheim12'/></devices></domain>
XML
vmdeck -q define "$WORK/pc1.xml"; vmdeck -q start --force pc1 2> /dev/null
browser_start
serve pc1
ok "novnc prints the address of the guest's page" grep -qE '^http://127\.0\.0\.1:60[0-9]+/vnc\.html\?host=127\.0\.0\.1&port=59[0-9]+&autoconnect=true' "$WORK/url"
ok "and its password" grep -q 'Password: geheim12' "$WORK/url.err"
open "$URL&password=geheim12"
ok "the page shows the guest's screen" wait_for 30 says '^720x400 ' picture
ok "it is listed as a browser" wait_for 10 says '"websocket": true' vmdeck vncdisplay --json pc1
kill -INT $SERVER; wait $SERVER
ok "Ctrl and C end the pages, not the screen" wait_for 10 says '^720x400 ' picture

