#!/bin/bash
# Completion in a real bash: names with colons, blanks and quotes, typed with quotes and without.
# Usage: O=build/release tests/native/completion.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. tests/lib_tmux.sh

define() {
	printf "<domain type='kvm'><name>%s</name><memory>65536</memory><os><type>hvm</type></os></domain>" "$1" |
		$V -q define - 2>/dev/null
}

# completes TYPED SHOWN: what stands on the line behind Tab, pressed twice where more than one fits.
completes() {
	keys C-u; keys C-l
	keys -l "vmdeck $1"; keys Tab
	claim "$1 becomes $2" wait_for $in_time line_is "vmdeck $2"
}
line_is() { [ "$(t capture-pane -p -J | sed -n 's/^ready> //p' | tail -1 | sed 's/ *$//')" = "$1" ]; }

work() {
	for name in web:1 web:2 'Windows 10' other; do define "$name"; done
	open_shell xterm
	keys "PATH=$(realpath "$(dirname "$V")"):\$PATH; source share/completion/vmdeck; bind 'set bell-style none'" Enter
	completes 'dumpxml web' 'dumpxml web:'
	completes 'dumpxml web:2' 'dumpxml web:2'
	completes 'dumpxml --domain=web' 'dumpxml --domain=web:'
	completes 'dumpxml Win' 'dumpxml Windows\ 10'
	completes 'dumpxml Windows\ ' 'dumpxml Windows\ 10'
	completes 'dumpxml "Win' 'dumpxml "Windows 10"'
	completes "dumpxml 'Windows 1" "dumpxml 'Windows 10'"
	completes 'dumpxml oth' 'dumpxml other'
	keys C-u; keys C-l
	keys -l 'vmdeck dumpxml web:'; keys Tab Tab
	has '^1 +2' "both are offered behind the colon"
}
work
