# limit: 600
# An ordinary user, without systemd: the user's own folders, a guest that runs in its own namespaces, nothing of another's.
. tests/lib.sh

id=12345 home=$WORK/user
mkdir -p "$home/run"; chown -R $id:$id "$home"; chmod 755 "$WORK"; chmod 666 /dev/kvm
as_user() {
	setpriv --reuid $id --regid $id --clear-groups env -u VMDECK_HOME HOME="$home" XDG_RUNTIME_DIR="$home/run" \
		TMPDIR="$home" "$@"
}
vmdeck() { as_user timeout -k 5 60 "$V" "$@"; }

eval "$(tests/guests/make cloud)" # these may lie where only root can read
cp "$KERNEL" "$home/vmlinuz"; cp "$INITRD" "$home/initrd"; chmod 644 "$home/vmlinuz" "$home/initrd"
ok "a user defines and starts a guest" eval 'guest mine "$home/vmlinuz" INITRD="$home/initrd" && vmdeck start mine'
ok "it comes to its shell" at_shell mine
ok "it answers" run_says mine '^8$' 'echo $((3 + 5))'
ok "the definition is in the user's folder" test -f "$home/.config/vmdeck/domains/mine.xml"
uuid=$(vmdeck domuuid mine | head -1)
keeper=$(cat "$home/run/vmdeck/$uuid/keeper.pid")
ok "the keeper is the user's process" is "$id" stat -c %u "/proc/$keeper"
ok "another user cannot reach its sockets" not setpriv --reuid 23456 --regid 23456 --clear-groups \
	test -r "$home/run/vmdeck/$uuid/control.sock"
ok "suspend and resume" eval 'vmdeck suspend mine && state_is mine paused && vmdeck resume mine'
ok "shutdown ends it" eval 'vmdeck shutdown mine && wait_for 90 state_is mine "shut off"'
chmod 600 /dev/kvm
refused "without permission for /dev/kvm the remedy is named" 'group|permission' vmdeck start mine
