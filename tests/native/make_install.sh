#!/bin/bash
# limit: 300
# `make install` and `make uninstall`: what is installed runs, no folder is empty, and nothing is left.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

to=$WORK/root
make_it() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s O="$O" DESTDIR="$to" prefix=/usr "$1"; }
none() { local found; found=$(find "$to" "$@"); [ -z "$found" ] || { echo "$found"; return 1; }; }

ok "make install installs" make_it install
ok "the installed vmdeck runs" says 'vmdeck [0-9]' "$to/usr/bin/vmdeck" version
for p in vmm screen net; do ok "vmdeck-$p is where it looks for it" test -x "$to/usr/libexec/vmdeck/vmdeck-$p"; done
ok "the manuals are there" eval 'for f in share/man/*.[178]; do [ -s "$to/usr/share/man/man${f##*.}/${f##*/}" ] || exit 1; done'
ok "no folder is empty" none -type d -empty
ok "no placeholder is left in the units" not grep -r '@' "$to/usr/lib/systemd"
ok "make uninstall uninstalls" make_it uninstall
ok "and leaves no file" none ! -type d
