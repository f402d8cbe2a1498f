# shellcheck shell=bash
# lib.sh - what scripted tests share: claims, waiting, guests. Sourced by tests/native/*.sh and tests/box/*.sh.
#
# A claim is a sentence and the command that shows it: `ok "the guest sees two CPUs" cpus_are 2`. What the command said
# is printed when it fails, with the ends of all guests' logs, and the script goes on. Nothing sleeps for luck: what
# takes time is waited for with a limit (wait_for), which is generous, multiplied by TEST_SLOW, and costs nothing when all is well.
set -uo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd); cd "$ROOT" || exit 2
O=${O:-build/release}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/vmdeck-test.XXXXXX")
export VMDECK_HOME=$WORK/home
V=$ROOT/$O/vmdeck

# A guest that a native script should leave behind ends with it.
finish() {
	local name
	for name in $(vmdeck list --name 2>/dev/null); do vmdeck destroy "$name" >/dev/null 2>&1; done
	rm -rf "$(readlink -f "$VMDECK_HOME/run" || echo "$WORK")" "$WORK"
}
trap finish EXIT

# Limits are those of an idle machine (tests/scenario).
TEST_SLOW=${TEST_SLOW:-$([ "${KVMBOX:-}" = 1 ] && echo 3 || echo 2)}

vmdeck() { timeout -k 5 $((60 * TEST_SLOW)) "$V" "$@"; }

### claims

# ok CLAIM COMMAND...: it succeeds.
ok() {
	local claim=$1 out; shift
	if out=$("$@" 2>&1 </dev/null); then echo "ok $claim"; else
		echo "not ok $claim"
		echo "   in: $*"; [ -z "$out" ] || tail -n 30 <<< "$out" | sed 's/^/   | /'
		show_logs; return 1
	fi
}

# refused CLAIM PATTERN COMMAND...: exit status 1, and the error, a single line, says PATTERN (an extended regexp).
refused() {
	local claim=$1 pattern=$2 out st=0; shift 2
	out=$("$@" 2>&1 >/dev/null </dev/null) || st=$?
	if [ $st = 1 ] && [ "$(grep -c . <<< "$out")" = 1 ] && grep -qE -- "$pattern" <<< "$out"; then echo "ok $claim"; else
		echo "not ok $claim"
		echo "   in: $*"; echo "   wanted status 1 and one line with /$pattern/; status $st, and:"
		printf "%s\n" "$out" | sed "s/^/   | /"; return 1
	fi
}

skip() { echo "skip $1: $2"; }

# says PATTERN COMMAND...: its output has a line with PATTERN, whatever its exit status.
says() { local pattern=$1 out st=0; shift; out=$("$@" 2>&1) || st=$?; grep -qE -- "$pattern" <<< "$out" || { printf "%s\n(status %s)\n" "$out" $st; return 1; }; }
is() { local want=$1 got; shift; got=$("$@" 2>&1); [ "$got" = "$want" ] || { echo "wanted '$want', got '$got'"; return 1; }; }
not() { ! "$@"; }

# wait_for SECONDS COMMAND...: until it succeeds; afterwards its last words are shown. Between two looks the guest has
# the processor: at least twice as long as the look had it, and longer the longer it takes.
wait_for() {
	local limit=$(($1 * TEST_SLOW)) out now pause; shift
	local end=$((SECONDS + limit)) first=${EPOCHREALTIME/[.,]/}
	local began=$first
	while ! out=$("$@" 2>&1); do
		[ $SECONDS -lt $end ] || { echo "not within $limit s: $*"; [ -z "$out" ] || echo "$out"; return 1; }
		now=${EPOCHREALTIME/[.,]/}
		pause=$(((now - first) / 16)); [ $pause -lt 4000000 ] || pause=4000000
		[ $pause -gt $((2 * (now - began))) ] || pause=$((2 * (now - began)))
		[ $pause -gt 300000 ] || pause=300000
		sleep "$(printf %d.%06d $((pause / 1000000)) $((pause % 1000000)))"
		began=${EPOCHREALTIME/[.,]/}
	done
}

show_logs() {
	local f
	for f in "$VMDECK_HOME"/log/*/vmm.log; do
		[ ! -s "$f" ] || { echo "   vmm.log:"; tail -n 8 "$f" | sed 's/^/   | /'; }
	done
	for f in $(vmdeck list --all --name 2>/dev/null); do
		echo "   console of $f ($(vmdeck domstate "$f" --reason 2>&1 | head -1)):"
		console "$f" | tail -n 12 | cut -c1-160 | sed 's/^/   | /'
	done
}

### guests

# guest NAME KERNEL [KEY=VALUE...]: define a guest with one of the test kernels (cloud, generic) or any file.
# Keys: vcpus, memory (MiB), cmdline (what follows console=ttyS0), disks, features (XML), actions (on_reboot and so on,
# XML).
guest() {
	local name=$1 KERNEL=$2 INITRD='' vcpus=1 memory=192 cmdline=quiet disks='' features='' actions=''; shift 2
	case $KERNEL in cloud | generic) eval "$("$ROOT/tests/guests/make" "$KERNEL")" || return ;; esac
	local "$@"
	cat > "$WORK/$name.xml" <<-XML
	<domain type='kvm'>
	  <name>$name</name>
	  <memory unit='MiB'>$memory</memory>
	  <vcpu>$vcpus</vcpu>
	  <os>
	    <type arch='x86_64' machine='pc'>hvm</type>
	    <kernel>$KERNEL</kernel>${INITRD:+
	    <initrd>$INITRD</initrd>}
	    <cmdline>console=ttyS0 hostname=$name $cmdline</cmdline>
	  </os>
	  <features><acpi/>$features</features>
	  $actions
	  <devices>
	    $disks
	    <serial type='pty'><target port='0'/></serial>
	    <console type='pty'><target type='serial' port='0'/></console>
	    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
	  </devices>
	</domain>
	XML
	vmdeck define "$WORK/$name.xml"
}

# disk TARGET FILE [EXTRA]: the XML of a virtio disk.
disk() {
	local kind=file attr=file
	[ ! -b "$2" ] || { kind=block; attr=dev; }
	echo "<disk type='$kind' device='disk'><driver name='qemu' type='raw'/><source $attr='$2'/><target dev='$1' bus='virtio'/>${3:-}</disk>"
}

# All that the guest has said since power-on, as text.
console() { vmdeck console "$1" --log 2>/dev/null | tr -d '\r' | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g'; }
# Not in a pipe: grep -q leaves at the first hit, and what still writes to it then makes the whole pipe fail.
console_has() { local text; text=$(console "$1"); grep -qE -- "$2" <<< "$text"; }
prompts() { console "$1" | grep -cE -- "^root@$1:[^#]*#"; }
state_is() { is "$2" vmdeck domstate "$1"; }
reason_is() { is "$2" vmdeck domstate "$1" --reason; }

# A shell that answers, once more than @2 prompts have been seen (0).
at_shell() { wait_for 150 more_prompts "$1" "${2:-0}"; }
more_prompts() { [ "$(prompts "$1")" -gt "$2" ] || { console "$1" | tail -5; return 1; }; }

# type_in NAME LINE: as if typed at the guest's console, with Enter.
type_in() { printf '%s\r' "$2" | vmdeck console "$1" > /dev/null; }

# run_in NAME COMMAND: type it, wait for its end; prints what it printed, returns its exit status. What is typed is
# echoed by the guest too: the marks are split there, so that only the output has them whole.
run_in() {
	local name=$1 mark="m$RANDOM$RANDOM" st
	type_in "$name" "echo; echo \"[\"$mark; $2; echo \"$mark=\$?\"\"]\""
	wait_for "${RUN_S:-60}" console_has "$name" "$mark=[0-9]+\]" || return 125
	console "$name" | sed -n "/^\[$mark\$/,/$mark=[0-9]*\]/p" | sed "1d; s/$mark=[0-9]*\]\$//" | sed '${/^$/d}'
	st=$(console "$name" | sed -n "s/.*$mark=\([0-9]*\)\].*/\1/p" | tail -1)
	return "$st"
}
run_says() { says "$2" run_in "$1" "$3"; }

uuid_of() { vmdeck domuuid "$1" | head -1; }
keeper_pid() { cat "$VMDECK_HOME/run/$(uuid_of "$1")/keeper.pid"; }
# The machine is one of the keeper's children.
machine_pid() {
	local k pid
	k=$(keeper_pid "$1") || return
	for pid in $(cat "/proc/$k/task/$k/children"); do
		case $(cat "/proc/$pid/comm") in vmdeck-net | vmdeck-screen) ;; *) echo "$pid" ;; esac
	done
}
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
# Nothing left of NAME in the runtime folder.
nothing_left() { ! compgen -G "$VMDECK_HOME/run/*/lock" > /dev/null || { find "$VMDECK_HOME/run/"; return 1; }; }
