#!/bin/bash
# limit: 240
# needs: kvm
# A guest whose end is seen can be started at once, though what tidies up behind it is not through; nor does it seem to run meanwhile.
. tests/lib.sh

cat > "$WORK/a.xml" <<-XML
	<domain type='kvm'><name>a</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type><kernel>$ROOT/$O/guests/echo.elf</kernel></os><features><acpi/></features>
	<devices><serial type='pty'/></devices></domain>
	XML
ok "a small guest is defined" vmdeck -q define "$WORK/a.xml"

# The release of a guest's end, held up: what it would tidy up with is a program that waits for a file.
held=$WORK/held
cat > "$WORK/slow" <<-SH
	#!/bin/bash
	[ "\$1" != domain-release ] || until [ -e "$held" ]; do sleep 0.05; done
	exec "$V" "\$@"
	SH
chmod +x "$WORK/slow"
export VMDECK=$WORK/slow

ended() { is "$1" eval 'vmdeck domstate a | head -1'; }
kill_machine() { kill -9 "$(machine_pid a)"; }
ok "it starts" vmdeck -q start a --force
ok "its machine is killed" kill_machine
ok "the crash is seen" wait_for 20 ended crashed
vmdeck -q start a --force > "$WORK/said" 2>&1 & starting=$!
ok "started now, it waits for what tidies up" eval 'sleep 1; kill -0 $starting'
ok "and is still crashed" ended crashed
: > "$held"
wait $starting; st=$?
ok "then it starts" [ $st = 0 ]
ok "and runs" ended running
ok "the first run's end is in the journal" grep -q '"crashed"' "$VMDECK_HOME"/log/journal.jsonl

# Without anything held up, again and again: the start always comes in between.
rounds() {
	local i
	for i in $(seq 15); do
		kill_machine; wait_for 20 ended crashed || return
		vmdeck -q start a --force 2> "$WORK/said" || { echo "round $i:"; cat "$WORK/said"; return 1; }
		ended running || return
	done
}
ok "killed and started 15 times, it runs each time" rounds
ok "destroy ends it" vmdeck -q destroy a
ok "nothing is left" wait_for 10 nothing_left
