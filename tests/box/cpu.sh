# limit: 300
# A named model of a processor is what it says, and what the host lacks of it is named.
. tests/lib.sh

NEHALEM="<cpu mode='custom' check='%s'><model fallback='forbid'>Nehalem</model>%s</cpu>"
with() { printf "$NEHALEM" "$1" "${2:-}"; }
flag() { run_in cpu "grep -qw $1 /proc/cpuinfo"; }

ok "define says what this host lacks of Nehalem, which has no CMPXCHG16B" says "warning.*Nehalem.*'cx16'" \
	guest cpu cloud actions="$(with partial)"
refused "start refuses and names it" "Nehalem.*'cx16'" vmdeck start cpu
vmdeck undefine cpu > /dev/null
ok "a feature that no processor has is no obstacle when it is disabled" \
	guest cpu cloud actions="$(with none "<feature policy='disable' name='svme-addr-chk'/><feature policy='forbid' name='warp-drive'/>")"
ok "without the check it starts" vmdeck start cpu
ok "and comes to its shell" at_shell cpu
ok "the processor has the model's name" run_says cpu 'Intel Core i7 9xx \(Nehalem Class Core i7\)' 'grep "model name" /proc/cpuinfo'
ok "and its family, model and stepping" run_says cpu "^6 26 3 \$" 'for k in "cpu family" "model" stepping; do grep "^$k[^a-z]*:" /proc/cpuinfo | sed "s/.*: //" | tr "\n" " "; done; echo'
ok "SSE 4.2 is there" flag sse4_2
for f in smap smep fsgsbase svm avx rdrand; do
	ok "$f is not" not flag $f
done
vmdeck destroy cpu > /dev/null
