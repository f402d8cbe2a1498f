# shellcheck shell=bash
# kernel.sh - Debian's kernels without installing them, for the demo, the test guests and the box. Sourced.
#
# Nothing here depends on a version: the meta package (linux-image-cloud-amd64, linux-image-amd64) names the package
# that is current, and the version is read from what that one contains.

# kernel_apt COMMAND...: run apt's COMMAND, and once more after an update when it fails (no lists yet, or a list
# that names files the mirror has replaced since).
kernel_apt() {
	"$@" 2>/dev/null && return
	if [ "$(id -u)" = 0 ]; then apt-get update -qq; else sudo apt-get update -qq; fi >/dev/null 2>&1
	"$@"
}

# The real package behind a meta package: "linux-image-amd64" -> "linux-image-6.1.0-49-amd64".
kernel_package() {
	apt-cache depends "$1" 2>/dev/null | awk '/Depends: linux-image-/ { print $2; found = 1; exit } END { exit !found }'
}

# kernel_fetch META DIR: unpack META's kernel and modules into DIR/root, with DIR/vmlinuz and DIR/version. Does nothing
# when they are there; the caller holds a lock on DIR.
kernel_fetch() {
	local meta=$1 dir=$2 package kv
	[ ! -s "$dir/version" ] || return 0
	package=$(kernel_apt kernel_package "$meta") ||
		{ echo "cannot find the package '$meta': do apt's sources name Debian's main?" >&2; return 1; }
	rm -rf "$dir/root" "$dir/deb"; mkdir -p "$dir/deb"
	(cd "$dir/deb" && kernel_apt apt-get download -qq "$package") ||
		{ echo "cannot download '$package' (apt-get download, in $dir/deb)" >&2; return 1; }
	dpkg -x "$dir"/deb/*.deb "$dir/root" && rm -rf "$dir/deb" || return 1
	[ -d "$dir/root/lib" ] || ln -s usr/lib "$dir/root/lib"
	kv=$(cd "$dir/root/lib/modules" && echo *)
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$dir/root" "$kv" && cp "$dir/root/boot/vmlinuz-$kv" "$dir/vmlinuz" &&
		echo "$kv" > "$dir/version"
}

# kernel_modules DIR DEST MODULE...: copy the modules and all they need into DEST/modules, unpacked, and list them in
# DEST/modules/order so that insmod can load them one after the other. What is built in or does not exist is left out.
kernel_modules() {
	local dir=$1 dest=$2 kv m f to
	shift 2; kv=$(cat "$dir/version"); mkdir -p "$dest/modules"
	for m; do
		PATH=$PATH:/usr/sbin:/sbin modprobe -S "$kv" -d "$dir/root" --show-depends "$m" 2>/dev/null || true
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r f; do
		to=${f##*/}; to=${to%.xz}; to=${to%.zst}
		case $f in
		*.xz) xz -dc "$f" ;;
		*.zst) zstd -qdc "$f" ;;
		*) cat "$f" ;;
		esac > "$dest/modules/$to"
		echo "$to"
	done > "$dest/modules/order"
}

# initrd_pack TREE FILE: FILE appears whole or not at all.
initrd_pack() {
	(cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0) | gzip -9n > "$2.new" && mv "$2.new" "$2"
}
