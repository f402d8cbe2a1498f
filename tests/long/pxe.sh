# limit: 600
# Booting from the network: SeaBIOS with iPXE, and UEFI with its own driver, from servers in a bridge of the host.
. tests/lib.sh

mkdir "$WORK/www"; head -c 512 "$O/guests/mbr.img" > "$WORK/www/boot.pxe"; : > "$WORK/leases"
busybox ip link add br0 type bridge && busybox ip addr add 10.9.0.1/24 dev br0 && busybox ip link set br0 up
cat > "$WORK/udhcpd.conf" <<-CONF
	start 10.9.0.50
	end 10.9.0.60
	interface br0
	siaddr 10.9.0.1
	boot_file http://10.9.0.1:8000/boot.pxe
	option subnet 255.255.255.0
	lease_file $WORK/leases
	pidfile $WORK/udhcpd.pid
CONF
busybox udhcpd -f "$WORK/udhcpd.conf" > "$WORK/udhcpd.log" 2>&1 & dhcp=$!
busybox httpd -f -p 10.9.0.1:8000 -h "$WORK/www" & http=$!

pc() { # NAME OS-ATTRIBUTES OS INTERFACE
	cat > "$WORK/$1.xml" <<-XML
	<domain type='kvm'><name>$1</name><memory unit='MiB'>256</memory>
	<os $2><type arch='x86_64' machine='pc'>hvm</type>$3</os><features><acpi/></features>
	<devices><interface type='bridge'><source bridge='br0'/>$4</interface><serial type='pty'/></devices></domain>
	XML
	vmdeck define "$WORK/$1.xml"
}

ok "a BIOS guest that boots from the network starts" eval 'pc pxe "" "" "<boot order=\"1\"/>" && vmdeck start pxe'
ok "dominfo says what it boots" says 'Boots: +vnet0 \(network\)' vmdeck dominfo pxe
ok "iPXE finds the card, and an address" wait_for 200 console_has pxe 'net0: 10\.9\.0\.5[0-9]|DHCP.*ok'
ok "the boot sector that it fetches runs" wait_for 100 console_has pxe 'hello from the boot sector'
type_in pxe p
ok "and powers off" wait_for 60 state_is pxe 'shut off'

mount -t tmpfs none /usr/lib/ipxe
refused "without iPXE its package is named" 'install the package ipxe-qemu' vmdeck start pxe
umount /usr/lib/ipxe

ok "a UEFI guest that boots from the network starts" eval "pc efi \"firmware='efi'\" \"<boot dev='network'/>\" '' && vmdeck start efi"
ok "UEFI asks the network" wait_for 200 console_has efi 'Start PXE over IPv4'
ok "and is given an address" wait_for 100 console_has efi 'Station IP address is 10\.9\.0\.'
ok "destroy ends it" vmdeck destroy efi
kill $dhcp $http
busybox ip link del br0
