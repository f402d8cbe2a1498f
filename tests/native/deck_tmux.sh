#!/bin/bash
# The deck in a real terminal (tmux): keys, panel, sizes, and how it leaves the terminal, whatever ends it.
# Usage: O=build/release tests/native/deck_tmux.sh
set -u
O=${O:-build/release}
vmdeck=$(realpath "$O/vmdeck") || exit 1
dir=$(mktemp -d) || exit 1
sock=$dir/tmux
failed=0 passed=0
export LC_ALL=C.UTF-8
unset TMUX NO_COLOR COLORTERM

t() { tmux -S "$sock" "$@"; }
trap 't kill-server 2>/dev/null; rm -rf "$dir"' EXIT

ok() { passed=$((passed + 1)); }
bad() {
	failed=$((failed + 1))
	echo "  deck_tmux: $1"
	t capture-pane -p | sed 's/^/    | /'
}

# Wait until the screen has (hasnt: no longer has) the extended regular expression $1; $2 is what is claimed.
has() {
	local i
	for ((i = 0; i < 100; i++)); do
		t capture-pane -p | grep -Eq -- "$1" && { ok; return 0; }
		sleep 0.1
	done
	bad "not seen: $2 ($1)"
	return 1
}
hasnt() {
	local i
	for ((i = 0; i < 100; i++)); do
		t capture-pane -p | grep -Eq -- "$1" || { ok; return 0; }
		sleep 0.1
	done
	bad "still seen: $2 ($1)"
	return 1
}
keys() { t send-keys "$@"; }

# A shell in a terminal of 80x24; $run starts the deck from it. The shell writes the deck's pid to a file.
open_shell() {
	local term=$1 size=${2:-80x24}
	t kill-server 2>/dev/null
	while [ -S "$sock" ] && t ls >/dev/null 2>&1; do sleep 0.1; done
	rm -f "$sock"
	t -f /dev/null new-session -d -x "${size%x*}" -y "${size#*x}" "env PS1='ready> ' TERM=$term VMDECK_HOME=$dir/home bash --norc"
	t set -g status off
	t resize-window -x "${size%x*}" -y "${size#*x}"
	has 'ready>' "a shell" || exit 1
	keys "stty -a > $dir/before" Enter
}
host='domains 12;live'
start_deck() {
	keys "clear; VMDECK_FAKE='$host' $1 $vmdeck; echo left \$?" Enter
	has 'vm001 .*running' "the list of guests (${1:-plain})"
}
deck_pid() { pgrep -P "$(t display -p '#{pane_pid}')" -x vmdeck; }

# The terminal is as it was before: modes, alternate screen, cursor, mouse, and the shell works.
restored() {
	keys "clear; stty -a | diff - $dir/before && echo terminal-as-before" Enter
	has '^terminal-as-before' "$1: the terminal's modes are restored"
	local state
	state=$(t display -p '#{alternate_on} #{cursor_flag} #{mouse_any_flag}#{mouse_button_flag}#{mouse_standard_flag} #{keypad_flag}')
	[ "$state" = "0 1 000 0" ] && ok || bad "$1: alternate screen, cursor, mouse, keypad are '$state'"
}

work() {
	open_shell tmux-256color
	start_deck ""
	has 'Help.*Menu.*Console' "the key bar"
	keys /; has 'Filter:' "the filter's prompt"
	keys -l 'vm003'; keys Enter
	has 'vm003' "the filter finds"; hasnt 'vm004' "what the filter hides"
	keys Escape; has 'vm004' "Escape shows all"
	keys K; has 'pulling the plug' "a question before force off"
	keys Enter; hasnt 'pulling the plug' "the question is answered"
	has 'vm001 .*running' "no is the default"
	keys c; has 'Ctrl\+\] leaves' "the console panel"
	keys -l 'echo in-$((1+1))-the-guest'; keys Enter
	has '^in-|in-.*-the-guest' "the guest answers"
	keys q; has 'q' "q goes to the guest"
	keys C-]; has 'Tab: type here' "Ctrl-] leaves the panel"
	keys z; hasnt 'load' "the console has the full screen"
	keys C-]; has 'load' "and gives it back"
	t resize-window -x 120 -y 40; has 'EXITS/S|│─ vm' "more columns in a wide window"
	t resize-window -x 40 -y 10; has '40x10: 80x24' "a small window says so"
	t resize-window -x 80 -y 24; hasnt '40x10' "back to size"
	keys Home v K; has 'pulling the plug' "asked again"
	keys y; has 'vm001 .*shut off' "forced off"
	keys s; has 'vm001 .*running' "started"
	keys '?'; has 'In the list of guests' "help"
	keys q; hasnt 'In the list of guests' "help is closed"
	keys C-z; has 'Stopped' "Ctrl-Z stops the deck"
	keys fg Enter; has 'vm001 .*running' "fg brings it back"
	kill -TSTP "$(deck_pid)"; has 'Stopped' "SIGTSTP stops it"
	keys fg Enter; has 'vm001 .*running' "fg brings it back again"
	keys q; has 'guests run on' "q leaves, and says that guests run on"
	restored "quit"
}

endings() {
	local sig
	open_shell tmux-256color
	for sig in SEGV ABRT TERM HUP BUS; do
		start_deck ""
		keys v
		kill "-$sig" "$(deck_pid)"
		has 'left 1[0-9][0-9]' "SIG$sig ends it by that signal"
		restored "SIG$sig"
	done
	start_deck ""
	kill -INT "$(deck_pid)"; hasnt 'vm001' "SIGINT ends it" # and the shell forgets the rest of its line
	restored "SIGINT"
	start_deck ""
	local pid
	pid=$(deck_pid)
	t kill-pane # the terminal goes away
	local i
	for ((i = 0; i < 50; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
	kill -0 "$pid" 2>/dev/null && { echo "  deck_tmux: the deck outlives its terminal"; failed=$((failed + 1)); } || ok
}

terminals() {
	local term
	for term in xterm-256color xterm vt100 linux screen newer-than-terminfo; do
		open_shell "$term"
		start_deck ""
		keys K; has 'pulling the plug' "keys work on $term"
		keys Escape; hasnt 'pulling the plug' "the question goes away on $term"
		keys q; has 'left 0' "q leaves on $term"
		restored "$term"
	done
	open_shell tmux-256color
	start_deck "NO_COLOR=1"
	t capture-pane -e -p | grep -Eq $'\e\\[([0-9;]*;)?(3[0-7]|38;5|4[0-7]|48;5)[0-9;]*m' && bad "NO_COLOR: there are colours" || ok
	keys q; has 'left 0' "q leaves"
	start_deck "LC_ALL=C"
	t capture-pane -p | grep -q '[^ -~]' && bad "LC_ALL=C: not only ASCII" || ok
	keys q; has 'left 0' "q leaves"
	restored "LC_ALL=C"
}

# Without a terminal: a sentence, and no screen codes.
no_terminal() {
	local out
	out=$(VMDECK_FAKE=$host VMDECK_HOME=$dir/home "$vmdeck" </dev/null 2>&1)
	[ $? != 0 ] && [[ $out != *$'\e'* ]] && ok || { echo "  deck_tmux: without a terminal: $out"; failed=$((failed + 1)); }
}

work
endings
terminals
no_terminal
echo "deck_tmux: $passed passed, $failed failed"
[ $failed = 0 ]
