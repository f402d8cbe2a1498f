# shellcheck shell=bash
# shellcheck disable=SC2154 # $logs is set by tests/run
# host.sh - what the host has that tests need, and whether they leave it as it was. Sourced by tests/run.
#
# A line "needs: WORD..." in a test's source (a program's is tests/NAME.c) says what it cannot do without:
#   kvm     a /dev/kvm that runs small guests, as every one does
#   guests  a /dev/kvm that runs kernels
#   root    the rights of root: name spaces, mounts, loop devices, other users
#   spaces  name spaces, of an ordinary user too
#   tun     /dev/net/tun
#   dm      the device mapper
#   ipv6    ::1

# What host-validate says about KVM: $kvm is none, emulated or real; $kvm_is says it in words.
look_at_kvm() {
	local home key result detail
	home=$(mktemp -d)
	kvm=none kvm_is="there is no usable /dev/kvm (host-validate ends without a word)"
	while IFS=$'\t' read -r key result detail; do
		case $key:$result in
		kvm-native:FAIL) kvm=emulated kvm_is="/dev/kvm runs small guests only ($detail)" ;;
		kvm-native:*) kvm=real kvm_is="/dev/kvm runs kernels ($detail)" ;;
		*:FAIL) kvm_is="there is no usable /dev/kvm ($detail)"; break ;;
		esac
	done < <(VMDECK_HOME=$home "$O/vmdeck" host-validate --json 2>/dev/null | awk -F'": "|",?$' '
		/"key"/ { key = $2 } /"result"/ { result = $2 } /"detail"/ { detail = $2 }
		/"remedy"/ && key ~ /^kvm-/ { print key "\t" result "\t" detail }')
	rm -rf "$(readlink -f "$home/run")" "$home"
	case ${VMDECK_TEST_KVM:-} in
	none | emulated | real) kvm=$VMDECK_TEST_KVM kvm_is="/dev/kvm is taken for '$kvm', as VMDECK_TEST_KVM says" ;;
	esac
}

# A /dev without kvm, in this mount name space.
hide_kvm() {
	local d; d=$(mktemp -d)
	mount -t tmpfs -o mode=755 dev "$d" && cp -a /dev/{null,zero,full,random,urandom,tty,ptmx,fd,stdin,stdout,stderr} "$d/" &&
		mkdir "$d"/{pts,shm,net} && mount --rbind /dev/pts "$d/pts" && mount --rbind /dev/shm "$d/shm" || return
	cp -a /dev/net/tun "$d/net/" 2>/dev/null
	mount --move "$d" /dev && rmdir "$d"
}

# Prefixes of commands. $own_net: a network of their own for native tests, so that what else listens on this host's ports, be it
# another run of these tests, is not theirs. $own_host: for tests of whole guests as root, what else they change, too; the
# processes that they leave behind end with them.
look_at_rights() {
	local up='busybox ip link set lo up &&' hidden=
	root=''; spaces=''; own_net=(); own_host=()
	export -f hide_kvm
	if [ "$(id -u)" = 0 ]; then
		[ "${VMDECK_TEST_KVM:-}" != none ] || hidden='hide_kvm &&'
		own_net=(unshare -n${hidden:+m} -- bash -c "$up $hidden"' exec "$@"' bash)
		own_host=(unshare -mnp --fork --kill-child --mount-proc -- bash -c
			'mount -t sysfs sys /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup; '"$up"' exec "$@"' bash)
		"${own_host[@]}" true 2>/dev/null && root=yes
	else
		own_net=(unshare -Ucn --keep-caps -- bash -c "$up"' exec setpriv --ambient-caps=-all --inh-caps=-all -- "$@"' bash)
	fi
	"${own_net[@]}" true 2>/dev/null || own_net=()
	[ -n "$root" ] || own_host=("${own_net[@]}")
	[ -n "$root" ] || ! unshare -Urmn true 2>/dev/null || spaces=yes
}

has_one() {
	case $1 in
	kvm) [ $kvm != none ] ;;
	guests) [ $kvm = real ] ;;
	root) [ -n "$root" ] ;;
	spaces) [ -n "$root$spaces" ] ;;
	tun) (: <> /dev/net/tun) 2>/dev/null ;;
	ipv6) "${own_net[@]}" grep -q '^0\{31\}1 ' /proc/net/if_inet6 ;;
	dm) [ -c /dev/mapper/control ] ;;
	*) echo "tests/host.sh: needs '$1'?" >&2; false ;;
	esac
}
# host_has NAME: all that this test needs.
host_has() {
	local need f=tests/$1.sh
	[ -e "$f" ] || f=tests/$1.c
	case $1 in box/*) has_one guests || return ;; long/*) has_one guests && has_one root || return ;; esac
	[ -e "$f" ] || return 0
	for need in $(sed -n '1,30s/.*\bneeds: \([a-z0-9 ]*\).*/\1/p' "$f"); do has_one "$need" || return; done
}

# host_told N NAME...: one line: so many tests run here; these others do not, and why.
host_told() {
	local n=$1 who="root"; shift
	[ "$(id -u)" = 0 ] || who="an ordinary user"
	[ "$(id -u)" != 0 ] || [ -n "$root" ] || who="root without the right to mount"
	[ -n "$root$spaces" ] || who="$who, without name spaces"
	echo "This host: $kvm_is; $who. $n parts run here, $([ $# = 0 ] && echo "no box is needed" || echo "$# in boxes (tests/kvmbox): $*")."
}

### the host, before and after

FOLDERS="${HOST_FOLDERS:-/ /boot /dev /dev/shm /etc /home /opt /root /run /srv /tmp /usr /var /var/tmp $HOME}"
TEMPORARY=${HOST_TEMPORARY:-/tmp /var/tmp /run /dev/shm}
# Modes of folders that all use, what is in those that tests have no business in, and what of ours is in the others.
snapshot() {
	# shellcheck disable=SC2086 # a list
	{
		find $FOLDERS -maxdepth 0 -printf '%p: mode %m, %u:%g\n'
		find / /boot /dev /etc /home /opt /root "$HOME" /srv /usr /var -mindepth 1 -maxdepth 1 ! -path '/dev/loop*' ! -path "$HOME/.cache" -printf '%p\n'
		find $TEMPORARY -mindepth 1 -maxdepth 1 \( -name 'vmdeck*' -o -name 'test_*' -o -name 'domain_boot.*' -o -name 'org.chromium*' \) -user "$(id -u)" -printf '%p\n'
	} 2>/dev/null | LC_ALL=C sort -u
}
# What another run of these tests is using right now is not ours: it goes within seconds, or its processes know it.
is_left() {
	local i
	for ((i = 0; i < 20; i++)); do
		[ -e "$1" ] && ! grep -qsF -- "$1" /proc/[0-9]*/cmdline /proc/[0-9]*/environ || return
		sleep 1
	done
}

# host_is_as_before FILE: a part that reports itself: nothing of the snapshot is changed, nothing is there that was not.
host_is_as_before() {
	local line diff=''
	snapshot > "$logs/after"
	while read -r line; do
		case $line in
		*": mode "*) diff+="   $line"$'\n' ;;
		"> /tmp/"* | "> /var/tmp/"* | "> /run/"* | "> /dev/shm/"*)
			! is_left "${line#> }" || diff+="   left behind: ${line#> }"$'\n' ;;
		"< /tmp/"* | "< /var/tmp/"* | "< /run/"* | "< /dev/shm/"*) ;;
		[\<\>]*) diff+="   $line"$'\n' ;;
		esac
	done < <(diff "$1" "$logs/after")
	if [ -z "$diff" ]; then echo "host: 1 passed, 0 failed, 0 skipped"; passed=$((passed + 1)); else
		echo "not ok the tests leave the host as it was:"; printf %s "$diff"; fault host "'<' was there before, '>' is there now"
	fi
}
