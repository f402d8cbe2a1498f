# limit: 400
# What dies and what lives on: front ends, the machine, the keeper, and the guest by its own fault.
. tests/lib.sh

lock_is_free() { nothing_left || vmdeck start "$1" --paused; }
two_starts() {
	local a b
	"$V" start twice > "$WORK/a" 2>&1 & a=$!
	"$V" start twice > "$WORK/b" 2>&1 & b=$!
	wait $a; a=$?; wait $b; b=$?
	cat "$WORK/a" "$WORK/b"; [ $((a + b)) = 1 ]
}

ok "two starts at once: exactly one wins" eval 'guest twice cloud && two_starts'
ok "the other says that the domain is active" eval 'cat "$WORK/a" "$WORK/b" | grep -qiE "already (active|running|being started)|is active|in use"'
ok "the guest runs" state_is twice running
ok "and comes to its shell" at_shell twice

# A console that is killed takes nothing with it.
"$V" console twice < <(sleep 60) > /dev/null 2>&1 & client=$!
wait_for 10 test -d /proc/$client; kill -9 $client; wait $client 2>/dev/null
ok "a console killed with -9 leaves the guest running" run_says twice '^here$' 'echo here'
ok "two consoles at once hear the same" eval '
	"$V" console twice < <(sleep 40) > "$WORK/c1" 2>&1 & a=$!; "$V" console twice < <(sleep 40) > "$WORK/c2" 2>&1 & b=$!
	sleep 2; run_in twice "echo both of you" >/dev/null; kill $a $b
	grep -q "^both of you" "$WORK/c1" && grep -q "^both of you" "$WORK/c2"'

pid=$(machine_pid twice)
ok "the machine is found" test -n "$pid"
kill -9 "$pid"
ok "a machine killed with -9 is seen as crashed within a second or two" wait_for 3 state_is twice crashed
ok "the reason says so" reason_is twice "crashed (crashed)"
ok "nothing is left in the runtime folder" wait_for 5 nothing_left
ok "its console's record is kept" says 'both of you' console twice
n=$(prompts twice)
ok "it starts again" vmdeck start twice
ok "and comes to its shell again" at_shell twice "$n"
ok "and answers" run_says twice "^42$" "echo \$((6 * 7))"
ok "SIGTERM to the keeper is an orderly shutdown" eval 'kill "$(keeper_pid twice)" && wait_for 60 state_is twice "shut off"'
ok "by the guest itself" reason_is twice "shut off (shutdown)"

# reboot=t makes Linux reboot by a triple fault: an empty interrupt table, then an interrupt.
ok "a guest that will fault is defined and starts" eval 'guest fault cloud cmdline="quiet reboot=t" && vmdeck start fault'
ok "it comes to its shell" at_shell fault
n=$(prompts fault)
type_in fault 'reboot -f'
ok "a triple fault resets the guest, its console's record kept" at_shell fault "$n"
ok "a keeper killed with -9 takes its machine with it" eval 'm=$(machine_pid fault); kill -9 "$(keeper_pid fault)"; wait_for 5 not test -d /proc/$m'
ok "the guest is then shown as crashed" wait_for 5 state_is fault crashed
ok "and can be started" vmdeck start fault --paused
ok "start --paused leaves it paused" says '^paused' vmdeck domstate fault --reason
ok "destroy of a paused guest" vmdeck destroy fault
