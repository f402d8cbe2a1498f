#!/bin/bash
# limit: 120
# tests/run itself, with a tree of few tests and a box that is a process: what runs where on which host, boxes that die or have no
# time, and a test that leaves the host changed.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

tree=$WORK/tree; mkdir -p "$tree"/tests/{native,box,guests} "$tree/out/tests" "$WORK/shared"
cp tests/{run,host.sh,scenario} "$tree/tests/"; cp tests/box/run "$tree/tests/box/"
for g in make media installcd; do printf '#!/bin/sh\n' > "$tree/tests/guests/$g"; chmod +x "$tree/tests/guests/$g"; done
printf '#!/bin/sh\n' > "$tree/out/vmdeck"
cat > "$tree/tests/kvmbox" <<-'BOX'
	#!/bin/bash
	while getopts m:o: o; do [ $o != o ] || out=$OPTARG; done; shift $((OPTIND - 1))
	export KVMBOX=1 KVMBOX_OUT=$out
	echo $$ > "$out/../../../../box"; exec setsid "$@" # a group of its own, which a test can kill
BOX
chmod +x "$tree/tests/kvmbox" "$tree/out/vmdeck"
where='echo "ok it ran ${KVMBOX:+in a box}"'
echo "$where" > "$tree/tests/native/plain.sh"
printf '# needs: kvm\n%s\n' "$where" > "$tree/tests/native/small.sh"
echo "$where" > "$tree/tests/box/kernel.sh"

# run KVM [NAME=VALUE...]: as on a host with that; its status is in the last line.
run() {
	local kvm=$1; shift
	env -u KVMBOX NATIVE="plain small more" VMDECK_TEST_KVM="$kvm" O=out BOXES=1 HOST_FOLDERS="$WORK/shared" HOST_TEMPORARY="$WORK/shared" "$@" "$tree/tests/run" native box 2>&1
	echo "status $?"
}
# on WORDS KVM...: all of these lines are in what it says.
on() {
	local words=$1 out line; shift
	out=$(run "$@")
	while read -r line; do grep -qE -- "$line" <<< "$out" || { echo "no line /$line/ in:"; echo "$out"; return 1; }; done <<< "$words"
}
good=$'^4 passed, 0 failed, 0 skipped\nstatus 0'

ok "without KVM all guests are in boxes" on $'1 parts run here, 2 in boxes.*: native/small box/kernel\\.\n'"$good" none
ok "with one for small guests, those with kernels" on $'2 parts run here, 1 in boxes.*: box/kernel\\.\n'"$good" emulated
if [ "$(id -u)" = 0 ] && unshare -mnp --fork --kill-child --mount-proc true 2> /dev/null; then
	ok "with a real one nothing is" on $'3 parts run here, no box is needed\n'"$good" real
fi
ok "what took longest is named" on '^Longest: .*native/plain [0-9]+ s' emulated
ok "what had no time is told as such, and fails" on $'^box/kernel: 0 passed, 1 failed, 0 skipped \\(not run: no time\\)\ntried once more\nstatus 1' none WORK_S=0
cat > "$tree/tests/box/kernel.sh" <<-TEST
	[ -e $WORK/died ] || { : > $WORK/died; kill -9 -- -\$(cat $tree/box); exit; }
	$where
TEST
ok "a box that died is replaced once" on $'a box ended with status 137\ntried once more in new boxes: .*box/kernel\n'"$good" none
echo "echo ok; chmod 700 $WORK/shared; mkdir $WORK/shared/x; echo 'ok it ran'" > "$tree/tests/native/more.sh"
chmod 755 "$WORK/shared"
ok "a test that changes the host's folders fails" on $'> .*/shared: mode 700\nhost: 0 passed, 1 failed\nstatus 1' emulated

# shellcheck disable=SC2046 # names of files without blanks
unmarked() { grep -LE '^# needs:.* kvm' $(grep -lE '(vmdeck|"\$V")( -q)? (start|install) ' tests/native/*.sh | grep -v run_itself) || true; }
ok "a script that starts guests says that it needs a KVM" is "" unmarked
