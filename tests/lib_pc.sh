# shellcheck shell=bash
# lib_pc.sh - guests with a screen, and what viewers that are not ours see of it. Sourced after lib.sh.
ROM=/usr/share/seabios/vgabios-stdvga.bin # has the font that text modes are made of

# pc NAME [KEY=VALUE...]: define a PC with a screen.
# Keys: vcpus, memory (MiB), os (XML inside <os>), disks, graphics, video, devices (XML).
pc() {
	local name=$1 vcpus=1 memory=256 os='' disks='' devices='' \
		graphics="<graphics type='vnc' port='-1' autoport='yes'/>" video="<video><model type='vga'/></video>"; shift
	local "$@"
	cat > "$WORK/$name.xml" <<-XML
	<domain type='kvm'>
	  <name>$name</name>
	  <memory unit='MiB'>$memory</memory>
	  <vcpu>$vcpus</vcpu>
	  <os>
	    <type arch='x86_64' machine='pc'>hvm</type>
	    $os
	  </os>
	  <features><acpi/><apic/></features>
	  <devices>
	    $disks
	    <serial type='pty'><target port='0'/></serial>
	    $devices
	    $graphics
	    $video
	  </devices>
	</domain>
	XML
	vmdeck define "$WORK/$name.xml"
}

# cdrom TARGET [FILE]: the XML of a CD drive.
cdrom() {
	echo "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>${2:+<source file='$2'/>}<target dev='$1' bus='ide'/><readonly/></disk>"
}

# host:display of NAME, as viewers want it.
vnc_of() { vmdeck vncdisplay "$1" 2>/dev/null | head -1; }

password() { vmdeck domdisplay "$1" --include-password 2>/dev/null | sed -n 's|^vnc://:\([^@]*\)@.*|\1|p'; }
# The same as vncsnapshot wants it in a file: DES with a key that all of VNC knows.
password_file() {
	printf %s "$(password "$1")" | dd bs=8 conv=sync status=none |
		openssl enc -des-ecb -nopad -provider legacy -provider default -K e84ad660c4721ae0 > "$WORK/$1.pw"
}

# picture NAME FILE.ppm: what vncsnapshot sees.
picture() {
	password_file "$1" || return
	timeout $((60 * TEST_SLOW)) vncsnapshot -quiet -passwd "$WORK/$1.pw" -quality 100 -vncQuality 9 "$(vnc_of "$1")" "$WORK/shot.jpg" 2> "$WORK/shot.err" || { cat "$WORK/shot.err"; return 1; }
	jpegtopnm -quiet "$WORK/shot.jpg" > "$2"
}

# The text that vncsnapshot sees on NAME's screen.
screen_text() { picture "$1" "$WORK/shot.ppm" && "$O/tools/readscreen" "$ROM" < "$WORK/shot.ppm"; }
screen_has() { local text; text=$(screen_text "$1"); grep -E -- "$2" <<< "$text" || { grep . <<< "$text" | tail -25; return 1; }; }

press() { local name=$1; shift; vmdeck send-key "$name" "$@"; }
