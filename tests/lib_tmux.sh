# shellcheck shell=bash
# lib_tmux.sh - a terminal of its own for programs that want one: a shell in tmux, keys to it, claims about its screen.
# Sourced after lib.sh.
sock=$WORK/tmux
export LC_ALL=C.UTF-8
unset TMUX NO_COLOR COLORTERM

t() { tmux -S "$sock" "$@"; }
trap 't kill-server 2>/dev/null; finish' EXIT

screen_has() { t capture-pane -p | grep -Eq -- "$1"; }
show_screen() { t capture-pane -p | sed 's/^/   | /'; }
claim() { if "${@:2}"; then echo "ok $1"; else echo "not ok $1"; show_screen; return 1; fi; }

# has PATTERN CLAIM: the screen shows it in time; hasnt: it no longer does.
in_time=20
has() { claim "$2" wait_for $in_time screen_has "$1"; }
hasnt() { claim "$2" wait_for $in_time not screen_has "$1"; }
keys() { t send-keys "$@"; }

# A shell in a terminal of kind $1 and size $2 (80x24), its modes noted.
open_shell() {
	local term=$1 size=${2:-80x24}
	t kill-server 2>/dev/null
	while [ -S "$sock" ] && t ls >/dev/null 2>&1; do sleep 0.1; done
	rm -f "$sock"
	t -f /dev/null new-session -d -x "${size%x*}" -y "${size#*x}" "env PS1='ready> ' TERM=$term VMDECK_HOME=$VMDECK_HOME bash --norc"
	t set -g status off
	t resize-window -x "${size%x*}" -y "${size#*x}"
	has 'ready>' "a shell" || exit 1
	keys "stty -a > $WORK/before" Enter
}
# The deck that the shell runs.
deck_pid() { pgrep -P "$(t display -p '#{pane_pid}')" -x vmdeck; }

# Something else than the shell is in the terminal's foreground.
in_front() { [ "$(t display -p '#{pane_current_command}')" != bash ]; }

# The terminal is as it was before: modes, alternate screen, cursor, mouse, and the shell works.
restored() {
	keys "clear; stty -a | diff - $WORK/before && echo terminal-as-before" Enter
	has '^terminal-as-before' "$1: the terminal's modes are restored"
	local state
	state=$(t display -p '#{alternate_on} #{cursor_flag} #{mouse_any_flag}#{mouse_button_flag}#{mouse_standard_flag} #{keypad_flag}')
	claim "$1: alternate screen, cursor, mouse, keypad are as before ($state)" [ "$state" = "0 1 000 0" ]
}
