# shellcheck shell=bash
# lib_debian.sh - Debian's installer, unattended, from a CD onto an empty disk: for long scenarios, one for each firmware. Sourced
# after lib.sh.
eval "$(tests/guests/debiancd)"

# start_installer [OPTION...]: the guest "installed" with an empty disk. That its syncs are free makes it quick.
start_installer() {
	vmdeck install --name installed --memory 1024 --vcpus 1 --disk "path=$WORK/debian.img,size=2,cache=unsafe" --cdrom "$DEBIANCD" \
		--osinfo generic --network none --graphics none --noautoconsole "$@"
}

# The installer's menu is seen in an unattended installation only when a step has failed: no need to wait for what follows.
step_ends() { console_has installed "$1" || console_has installed '^Debian installer main menu'; }
# Asked seldom: what asks takes the guest's processor.
came_to() {
	local end=$((SECONDS + $1))
	until step_ends "$2"; do [ $SECONDS -lt $end ] || { echo "not within $1 s"; return 1; }; sleep 5; done
	console_has installed "$2"
}
# step SECONDS CLAIM PATTERN: the console says it.
step() {
	local began=$SECONDS
	ok "$2" came_to "$1" "$3"
	echo "   ($((SECONDS - began)) s)"
}

# install_debian FIRMWARE [OPTION...]: the whole of it, up to a root shell on the installed system.
install_debian() {
	ok "a guest with an empty disk and the installer's CD starts" start_installer "${@:2}"
	step 400 "the CD boots, its installer starts" 'Starting system log daemon'
	step 600 "it partitions the disk" '^Partitions formatting'
	step 300 "it copies the base system" '^Installing the system'
	step 900 "it sets up apt" '^Configuring apt'
	step 600 "it installs GRUB" '^Installing GRUB'
	step 900 "it comes to its end" '^Finishing the installation'
	step 900 "it reboots, and the disk boots Debian" '^installed login:'
	type_in installed root
	ok "root is asked for a password" wait_for 100 console_has installed '^Password:'
	type_in installed root
	ok "and logs in" at_shell installed
	ok "it is Debian 13" run_says installed '^13\.' 'cat /etc/debian_version'
	ok "on the disk" run_says installed '^/dev/vda' 'findmnt -n -o SOURCE /'
	ok "it knows its firmware" run_says installed "^$1\$" '[ -d /sys/firmware/efi ] && echo UEFI || echo BIOS'
	ok "poweroff ends it" eval 'type_in installed poweroff && wait_for 200 state_is installed "shut off"'
}
