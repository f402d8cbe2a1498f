#!/bin/bash
# limit: 60
# What `make fuzz` calls a failure (tests/fuzz/run), shown with targets that only say what libFuzzer would say.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

src=$WORK/src; dest=$WORK/out; mkdir -p "$src/corpus/x" "$WORK/elsewhere" "$dest/fuzz"
head -c 9000 /dev/zero > "$WORK/elsewhere/seed"; ln -s "$WORK/elsewhere" "$src/corpus/x/more"

# target FLOOR LINES: the target x, which is a script of these lines. $replay is the input that it is to run alone.
target() {
	echo "/* floor: $1 */" > "$src/fuzz_x.c"
	printf '#!/bin/bash\nfor replay; do :; done; [ -f "$replay" ] || replay=\necho "$*" >> %q\n%s\n' "$WORK/args" "$2" > "$dest/fuzz/fuzz_x"
	chmod +x "$dest/fuzz/fuzz_x"; : > "$WORK/args"
}
run() { O=$dest FUZZ_SRC=$src FUZZ_S=30 SLOW_S=1 tests/fuzz/run; }
fails() { local out; out=$(run 2>&1) && { echo "it passed: $out"; return 1; }; says "$1" echo "$out"; }
reached='echo "#2 INITED cov: 150 ft: 3"; echo "#9 DONE   cov: 200 ft: 3"; echo "stat::number_of_executed_units: 9"'

target 200 "$reached"
ok "as many edges as the floor pass" says '^fuzz x: 9 runs, 200 edges, no finding' run
ok "seeds are taken from folders behind links" grep -q " $src/corpus/x/more\$" "$WORK/args"
ok "and are not cut" grep -q -- '-max_len=9000' "$WORK/args"
target 201 "$reached"
ok "fewer edges fail" fails 'TOO LITTLE, 200 edges reached, 201 expected'
target 100 'echo "ERROR: AddressSanitizer"; exit 1'
ok "a finding fails" fails 'FOUND something'
target 100 "[ -z \"\$replay\" ] || exit 0; echo > $dest/fuzz/x-slow-unit-1; $reached"
ok "an input that took long because the machine was busy passes" says 'no finding' run
target 100 "[ -z \"\$replay\" ] || while :; do :; done; echo > $dest/fuzz/x-slow-unit-1; $reached"
ok "one that takes much processor time fails" fails 'SLOW, more than 1 s of processor time'
target 100 "[ -z \"\$replay\" ] || exit 0; [ ! -e $WORK/again ] || { $reached; exit 0; }; : > $WORK/again; echo > $dest/fuzz/x-timeout-1; exit 70"
ok "a machine that stood still for a minute does not end the run" says 'no finding' run
ok "which was begun again" is 3 eval "wc -l < $WORK/args"
