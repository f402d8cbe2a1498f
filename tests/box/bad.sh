# limit: 150
# needs: root
# Bad input: each time a clear sentence with the remedy, exit 1, nothing left behind.
. tests/lib.sh

as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups env VMDECK_HOME="$WORK/nobody" "$V" "$@"; }
edit() { sed "$1" "$WORK/good.xml" > "$WORK/$2.xml"; }

ok "a good guest is defined" guest good cloud
edit 's|<kernel>.*</kernel>|<kernel>/nowhere/vmlinuz</kernel>|; s|>good<|>nokernel<|' nokernel
edit 's|<initrd>.*</initrd>|<initrd>/nowhere/initrd</initrd>|; s|>good<|>noinitrd<|' noinitrd
edit 's|<kernel>.*</kernel>|<kernel>/etc/passwd</kernel>|; s|>good<|>nota<|' nota
edit "s|<memory unit='MiB'>[0-9]*|<memory unit='TiB'>3|; s|>good<|>huge<|" huge
edit "s|<devices>|<devices>$(disk vda /nowhere/disk.img)|; s|>good<|>nodisk<|" nodisk
truncate -s 1M "$WORK/shared.img"
edit "s|<devices>|<devices>$(disk vda "$WORK/shared.img")|; s|>good<|>first<|" first
sed 's|>first<|>second<|' "$WORK/first.xml" > "$WORK/second.xml"
for n in nokernel noinitrd nota huge nodisk first second; do ok "$n is defined" vmdeck define "$WORK/$n.xml"; done

refused "a missing kernel" "/nowhere/vmlinuz.*No such file" vmdeck start nokernel
refused "a missing initrd" "/nowhere/initrd.*No such file" vmdeck start noinitrd
refused "a kernel that is not one" "/etc/passwd.* not a kernel" vmdeck start nota
refused "memory beyond the host" "3.*TiB.*lower <memory>" vmdeck start huge
refused "a missing disk" "/nowhere/disk.img.*No such file" vmdeck start nodisk
ok "the first user of a disk starts" vmdeck start first --paused
refused "a disk in use" "shared.img.*(in use|locked)" vmdeck start second
ok "the second is still shut off" state_is second "shut off"
ok "the first is destroyed" vmdeck destroy first
ok "then the second starts" vmdeck start second --paused
ok "the second is destroyed" vmdeck destroy second
ok "nothing is left behind" wait_for 5 nothing_left

refused "0 vCPUs" "<?vcpu>?.*(at least 1|between 1|1 to)" eval 'edit "s|<vcpu>1|<vcpu>0|" zero; vmdeck define "$WORK/zero.xml"'
refused "1000 vCPUs" "vcpu.*1000" eval 'edit "s|<vcpu>1|<vcpu>1000|; s|>good<|>many<|" many; vmdeck define "$WORK/many.xml" >/dev/null && vmdeck start many'
refused "XML that is missing" "/nowhere/d.xml.*No such file" vmdeck define /nowhere/d.xml
refused "XML that is none" "broken.xml.*2" eval 'printf "<domain type=\"kvm\">\n<name>a</nam>" > "$WORK/broken.xml"; vmdeck define "$WORK/broken.xml"'
refused "a domain that is not there" "nobody" vmdeck start nobody
refused "a verb that is not there" "strat" vmdeck strat good

# An image, a kernel and /dev/kvm that this user may not open; then no /dev/kvm at all.
eval "$(tests/guests/make cloud)"; cp "$KERNEL" "$WORK/vmlinuz"; cp "$INITRD" "$WORK/initrd"; chmod 755 "$WORK"
sed "s|$KERNEL|$WORK/vmlinuz|; s|$INITRD|$WORK/initrd|" "$WORK/good.xml" > "$WORK/nobody.xml"; chmod 644 "$WORK/nobody.xml" "$WORK/vmlinuz" "$WORK/initrd"
install -d -o 65534 "$WORK/nobody"
ok "an ordinary user defines a guest" as_nobody define "$WORK/nobody.xml"
cp -a /dev/kvm "$WORK/kvm"; chmod 600 "$WORK/kvm"; mount --bind "$WORK/kvm" /dev/kvm
refused "no permission for /dev/kvm" "/dev/kvm.*(ermission|group)" as_nobody start good
umount /dev/kvm
without_kvm() { unshare -m bash -c '. tests/host.sh && hide_kvm && exec "$@"' bash "$@"; }
refused "no /dev/kvm" "/dev/kvm" without_kvm "$V" start good
ok "host-validate says what is missing" says 'kvm.*FAIL|FAIL.*kvm|/dev/kvm' without_kvm "$V" host-validate
ok "nothing is left behind after all that" wait_for 5 nothing_left
