#!/bin/bash
# The deck in a real terminal (tmux): keys, panel, sizes, and how it leaves the terminal, whatever ends it.
# Usage: O=build/release tests/native/deck_tmux.sh
# limit: 300
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. tests/lib_tmux.sh

host='domains 12;live'
start_deck() {
	keys "clear; VMDECK_FAKE='$host' $1 $V; echo left \$?" Enter
	has 'vm001 .*running' "the list of guests (${1:-plain})"
}

copied_is() { [ "$(t show-buffer 2>/dev/null)" = "$1" ]; }

work() {
	open_shell tmux-256color
	start_deck "EDITOR='echo the editor has the screen; sleep 1000 #'"
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
	keys S-Up; has 'q ends' "Shift+Up looks back"
	keys '?'; keys -l guest; keys Enter; keys Space l l l l y
	has 'Ctrl\+\] leaves' "y goes back to the guest"
	claim "and has copied what was marked" wait_for 10 copied_is guest
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
	keys e; has 'the editor has the screen' "e leaves the terminal to the editor"
	keys C-z; has 'Stopped' "Ctrl-Z in the editor stops the deck too"
	keys 'clear; fg' Enter; has '^VMDECK_FAKE' "fg goes on with the editor"
	claim "and gives it the terminal" wait_for 10 in_front # a little after the shell has said so: Ctrl-C is not for the shell
	keys C-c; has 'Try again' "Ctrl-C is for the editor alone, and edit asks"
	keys n Enter; has 'was ended by signal 2|left with status' "the deck comes back, and tells"
	keys q; has 'guests run on' "q leaves, and says that guests run on"
	restored "quit"
}

# SIGTSTP while the deck draws: the terminal takes no output until the deck waits for it in the midst of a drawing.
stop_in_drawing() {
	local deck server
	open_shell tmux-256color
	start_deck ""
	deck=$(deck_pid) server=$(t display -p '#{pid}')
	kill -STOP "$server"
	claim "the deck waits for its terminal" wait_for 20 writing "$deck"
	kill -TSTP "$deck"
	kill -CONT "$server"
	has 'Stopped' "SIGTSTP while it draws stops it"
	keys fg Enter; has 'vm001 .*running' "fg brings it back from there"
	keys q; has 'guests run on' "q leaves"
}
# SIGCONT makes it draw all; once it no longer wakes each second, it is inside write(2) to the terminal.
writing() {
	local before
	for _ in {1..20}; do kill -CONT "$1"; sleep 0.05; done
	before=$(wakes "$1"); sleep 2.5
	[ "$before" = "$(wakes "$1")" ] || { echo "from $before to $(wakes "$1")"; return 1; }
}
wakes() { grep voluntary "/proc/$1/status"; }

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
	claim "the deck ends with its terminal" wait_for 5 not kill -0 "$pid"
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
	claim "NO_COLOR: no colours" not coloured
	keys q; has 'left 0' "q leaves"
	t set -g window-style bg=colour255 # then tmux answers when it is asked for its background
	start_deck ""
	claim "on a light background its colours are dark ones" wait_for 10 drawn_in 28
	keys q; has 'left 0' "q leaves"
	start_deck "LC_ALL=C"
	claim "LC_ALL=C: nothing but ASCII" not screen_has '[^ -~]'
	keys q; has 'left 0' "q leaves"
	restored "LC_ALL=C"
}
drawn_in() { t capture-pane -e -p | grep -q "38;5;$1m"; }
coloured() { t capture-pane -e -p | grep -Eq $'\e\\[([0-9;]*;)?(3[0-7]|38;5|4[0-7]|48;5)[0-9;]*m'; }

# Without a terminal: a sentence, and no screen codes.
no_terminal() {
	local out st=0
	out=$(VMDECK_FAKE=$host "$V" </dev/null 2>&1) || st=$?
	claim "without a terminal it says so (status $st: $out)" [ "$st" != 0 ] && claim "without screen codes" not grep -q $'\e' <<< "$out"
}

work
stop_in_drawing
endings
terminals
no_terminal
