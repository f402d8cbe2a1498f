# limit: 500
# The deck on real guests: by keys in a terminal of 80x24, what a user would do.
. tests/lib.sh
. tests/lib_tmux.sh

ok "two guests are defined" eval 'guest web1 cloud && guest web2 cloud'
open_shell tmux-256color
keys "clear; $V" Enter
has 'web1 +shut off' "the deck lists them"

keys s; has '[0-9] web1 +running' "s starts the one under the bar"
keys c; has 'web1 · console' "c opens its console"
long() { claim "$2" wait_for 150 screen_has "$1"; }
long 'root@web1:.*#' "it boots to its shell in front of the user"
keys -l 'echo $((6*7))-is-it'; keys Enter
has '^42-is-it' "what is typed is answered"
keys C-] t Tab; keys -l 'stty size'; keys Enter
has '^1[0-9] 80' "the guest is told the size of the panel"
keys -l 'vi /tmp/note'; keys Enter
has '/tmp/note' "vi draws its status line"
keys -l 'iwritten in vi'; keys Escape; has '^written in vi' "vi shows what is typed"
keys -l ':wq'; keys Enter
has 'root@web1:.*#' "vi ends"
keys -l 'clear; cat /tmp/note | tr a-z A-Z'; keys Enter
has '^WRITTEN IN VI' "what vi wrote is there"
keys -l 'for i in $(seq 200); do echo line-$i; done'; keys Enter
has '^line-200' "many lines pass"
keys M-PPage; hasnt '^line-200' "the scrollback goes back"
has '^line-1[89][0-9]' "and shows older lines"
t resize-window -x 150 -y 40; has '│─ web1 · console' "a wide terminal has list and console side by side"
t resize-window -x 80 -y 24; has '^ +[0-9]+ web1 +running' "and a narrow one below each other"

keys C-] p; has 'web1 +paused' "p pauses"
ok "it is paused" state_is web1 paused
keys p; has 'web1 +running' "p resumes"
has 'web1 +running +1 +[0-9]+\.[0-9] ' "its %CPU is known"
keys z; has '^─ web1 · console' "z: the console on the full screen"
keys -l 'echo full'; keys Enter; has '^full' "it is the same console"
keys C-]

keys j s; has '[0-9] web2 +running' "another guest is started"
has 'web2 · console' "the panel follows the bar"
kill -9 "$(deck_pid)"; has 'illed' "the deck is killed with -9"
ok "web1 runs on" state_is web1 running
ok "web2 runs on" state_is web2 running
keys "reset; stty -a > $WORK/before" Enter; keys "clear; $V" Enter; has 'web1 +running' "a new deck finds them"
keys v; long 'root@web1:.*#' "the console's record is played back"
ok "the machine of web2 is killed with -9" eval 'kill -9 "$(machine_pid web2)"'
has 'web2 +crashed' "the deck shows the crash"
has "'web2' has crashed" "and tells"
keys j s; has 'web2 +running' "it is started again"
long 'root@web2:.*#' "its console comes up by itself"
keys K; has 'pulling the plug' "force off asks"
keys Enter; has 'web2 +running' "no is the default"
keys K y; has 'web2 +shut off' "yes does it"
keys k Tab; has 'web1 · console.*leaves' "back in the first guest"
keys -l poweroff; keys Enter
has 'web1 · guest is off' "power off from inside is seen in the panel"
has "'web1' is shut off: " "and told"
keys C-]; has 'web1 +shut off' "and in the list"
keys q; has 'ready>' "q leaves"
restored "the end"
