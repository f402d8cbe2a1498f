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

# The sockets as other programs use them, by uid. The guest lives in a user name space that does not know root.
socket() { setpriv --reuid "$1" --clear-groups socat -t 5 - "UNIX-CONNECT:$home/run/vmdeck/$uuid/$2"; }
status() { socket "$1" control.sock <<< '{"execute": "query-status"}'; }
typed() { (echo "echo uid-\$((100 + $1))"; sleep 3) | socket "$1" console0.sock; }
ok "the owner is served at the control socket" says '"status": ?"running"' status $id
ok "so is root" says '"status": ?"running"' status 0
ok "root types at the console's socket" says "uid-100" typed 0
ok "another user cannot even connect" says 'Permission denied' status 23456
chmod 711 "$home/run" "$home/run/vmdeck" "$home/run/vmdeck/$uuid"; chmod 666 "$home/run/vmdeck/$uuid/"*.sock
ok "nor is he served where the files' modes let him" not says '"QMP"|"return"|denied' status 23456
ok "nor at the console" not says 'Linux|uid-[0-9]|denied' typed 23456
chmod 700 "$home/run/vmdeck"
ok "suspend and resume" eval 'vmdeck suspend mine && state_is mine paused && vmdeck resume mine'
ok "shutdown ends it" eval 'vmdeck shutdown mine && wait_for 90 state_is mine "shut off"'
chmod 600 /dev/kvm
refused "without permission for /dev/kvm the remedy is named" 'group|permission' vmdeck start mine
