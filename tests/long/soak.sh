# limit: 1800
# Many times what happens once elsewhere: reboots and resets of one guest, starts and ends of several.
. tests/lib.sh

rounds=6
boots() { console "$1" | grep -c "Linux version"; }
booted() { [ "$(boots "$1")" -ge "$2" ] || { console "$1" | tail -3; return 1; }; }

ok "a guest starts" eval 'guest soak cloud vcpus=2 cmdline= && vmdeck start soak'
ok "and comes to its shell" at_shell soak
pid=$(machine_pid soak)
for i in $(seq $rounds); do
	if [ $((i % 2)) = 0 ]; then how=reset; vmdeck reset soak > /dev/null; else how=reboot; type_in soak reboot; fi
	ok "$how $i: it boots again" wait_for 150 booted soak $((i + 1))
	ok "$how $i: and comes to its shell" at_shell soak "$(prompts soak)"
done
ok "it is the same process" is "$pid" machine_pid soak
ok "its console has every boot since power-on" is "$((rounds + 1))" boots soak
ok "no descriptor is left behind by a reset" eval '[ "$(ls /proc/$pid/fd | wc -l)" -lt 64 ]'
for i in $(seq 8); do vmdeck suspend soak > /dev/null && vmdeck resume soak > /dev/null || break; done
ok "suspended and resumed 8 times, it answers" run_says soak '^9$' 'echo $((4 + 5))'
ok "destroy ends it" vmdeck destroy soak

for i in 1 2 3 4; do guest "g$i" cloud memory=128 > /dev/null; done
declare -a seen
for round in 1 2; do
	for i in 1 2 3 4; do seen[i]=$(prompts "g$i"); vmdeck start "g$i" > /dev/null; done
	ok "round $round: four guests run" is "4" eval 'vmdeck list --name | grep -c "^g"'
	for i in 1 2 3 4; do ok "round $round: g$i comes to its shell" at_shell "g$i" "${seen[i]}"; done
	for i in 1 2 3 4; do vmdeck shutdown "g$i" > /dev/null; done
	for i in 1 2 3 4; do ok "round $round: g$i powers off" wait_for 120 state_is "g$i" "shut off"; done
	ok "round $round: nothing is left" wait_for 10 nothing_left
done
