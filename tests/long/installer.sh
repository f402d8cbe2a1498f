# limit: 1500
# The graphical Debian installer, as viewers that are not ours see it and work it.
. tests/lib.sh
. tests/lib_pc.sh
eval "$(tests/guests/media installer)"

# The installer's list has its chosen line in teal: print the middle of that line, where the list is.
chosen() {
	picture inst "$WORK/inst.ppm" || return
	pamcut -left 1000 -width 1 "$WORK/inst.ppm" | pamtopnm -plain 2>/dev/null | sed 1,3d | tr -s ' \n' '\n' | grep . |
		awk 'NR % 3 == 1 { r = $1 } NR % 3 == 2 { g = $1 } NR % 3 == 0 && NR / 3 > 170 {
			if (r < 80 && g > 100 && g < 170 && $1 > 90 && $1 < 160) { s += NR / 3; n++ } }
		     END { if (n < 10 || n > 40) { print "no chosen line:", n + 0; exit 1 } print int(s / n) }'
}
# moved PIXELS Y: the line chosen is that far below Y, or farther.
moved() { local y; y=$(chosen) || { echo "$y"; return 1; }; [ $((y - $2)) -ge "$1" ] || { echo "at $y"; return 1; }; }
# poke LINE...: what a viewer (libvncclient) does; prints what it sees happen.
poke() {
	local d; d=$(vnc_of inst)
	{ printf '%s\n' "$@"; echo quit; } | timeout 60 "$O/tools/rfbview" 127.0.0.1 $((5900 + ${d##*:})) "passwd=$(password inst)"
}
arrow_down() { poke 'key 0xff54 1' 'key 0xff54 0'; }
click() { poke "pointer $1 $2 0" "pointer $1 $2 1" "pointer $1 $2 0"; }
# near Y: the line there is the one chosen.
near() { local y; y=$(chosen) || { echo "$y"; return 1; }; [ "$y" -gt $(($1 - 20)) ] && [ "$y" -lt $(($1 + 20)) ] || { echo "at $y"; return 1; }; }

installer() {
	pc inst memory=1024 "os=<kernel>$INSTALLER/linux</kernel><initrd>$INSTALLER/initrd.gz</initrd><cmdline>quiet</cmdline>" \
		"devices=<input type='tablet' bus='virtio'/>" && vmdeck start inst
}
ok "the installer's kernel starts in a guest with a screen" installer
ok "it comes to its language screen, seen by vncsnapshot" wait_for 900 chosen
ok "with 1280x800 pixels" says 'connected 1280x800' poke
start=$(chosen)
ok "an arrow key of a viewer moves the choice down" eval 'arrow_down && wait_for 30 moved 15 "$start"'
ok "two by send-key move it further" eval 'press inst KEY_DOWN; press inst KEY_DOWN; wait_for 30 moved 55 "$start"'
ok "a click in the list chooses the line there" eval 'click 400 300 && wait_for 30 near 300'
ok "destroy ends it" vmdeck destroy inst
