# limit: 220
# needs: root
# The user-mode network under Linux: DHCP, names, the way out, a port that leads in; and vmdeck-net killed meanwhile.
. tests/lib.sh

card() { echo "<interface type='user'>$1<model type='virtio'/></interface>"; }
forward() { echo "<portForward proto='tcp' address='127.0.0.1'><range start='$1' to='$2'/></portForward>"; }
net_pid() { pgrep -o -f "^[^ ]*vmdeck-net $1 0\$"; }
# Somebody else than @1 has taken its place.
another_net() { local pid; pid=$(net_pid nat) && [ "$pid" != "$1" ]; }

# The world: a name server, and a web server that is found by its name.
echo 'nameserver 127.0.0.1' > "$WORK/resolv.conf"; mount --bind "$WORK/resolv.conf" /etc/resolv.conf
"$O/tools/dnsd" 127.0.0.1 53 10.8.0.1 & dns=$!
world() {
	busybox ip link add out0 type dummy && busybox ip addr add 10.8.0.1/24 dev out0 && busybox ip link set out0 up &&
		busybox ip addr add fd08::1/64 dev out0 && grep out0 /proc/net/if_inet6 | grep -q ^fd08
}
ok "the world has an address of each kind" world
mkdir "$WORK/www"; head -c 4000000 /dev/urandom > "$WORK/www/down"; sum=$(md5sum < "$WORK/www/down")
busybox httpd -f -p 10.8.0.1:8000 -h "$WORK/www" & httpd=$!
busybox httpd -f -p "[fd08::1]:8000" -h "$WORK/www" & httpd6=$!

open="<metadata><n:network xmlns:n='urn:vmdeck:domain:1' hostLoopback='yes'/></metadata>"
guest nat cloud cmdline= actions="$open" disks="$(card "$(forward 2022 22)$(forward 8022 80)")"
busybox httpd -f -p 127.0.0.1:8022 & taken=$!
ok "somebody has port 8022" wait_for 10 eval '(: < /dev/tcp/127.0.0.1/8022) 2>/dev/null'
refused "a port that is taken is named with who has it" "port 8022 of '127.0.0.1'.*taken by process $taken \(busybox\)" vmdeck start nat
kill $taken
ok "the guest starts, and start says how to come in" eval 'vmdeck start nat | tee "$WORK/said" && grep -q "ssh -p 2022 root@127.0.0.1" "$WORK/said"'
guest two cloud disks="$(card "$(forward 2022 22)")"
refused "another guest is refused the same port, with who has it" "port 2022 of '127.0.0.1'.*taken by domain 'nat'" vmdeck start two
ok "it comes to its shell" at_shell nat
ok "it has its address by DHCP" wait_for 30 run_says nat 'inet addr:10\.0\.2\.15|inet 10\.0\.2\.15/24' 'ip addr show eth0'
ok "domifaddr tells it" says '10\.0\.2\.15/24' vmdeck domifaddr nat
ok "a name is resolved" run_says nat '10\.8\.0\.1' 'nslookup www.test'
ok "a file comes in whole, from a server by its name" run_says nat "${sum%% *}" 'wget -q -O /tmp/down http://www.test:8000/down && md5sum /tmp/down'
busybox httpd -f -p 127.0.0.1:8001 -h "$WORK/www" & local_httpd=$!
ok "a router tells it an IPv6 address" wait_for 30 run_says nat "inet6 fec0::5054:ff:fe.*/64" "ip addr show eth0"
ok "with which the same file comes in" run_says nat "${sum%% *}" "wget -q -O /tmp/down6 'http://[fd08::1]:8000/down' && md5sum /tmp/down6"
ok "what listens on the host's loopback is there" eval 'head -c 1000 "$WORK/www/down" > "$WORK/www/part"; run_says nat "^1000\$" "wget -q -O - http://10.0.2.2:8001/part | wc -c"'
ok "the guest is reached through its forwarded port" eval 'run_in nat "cd /tmp; httpd -p 80 -h /tmp" && [ "$(busybox wget -q -O - http://127.0.0.1:8022/down | md5sum)" = "$sum" ]'
first=$(net_pid nat)
uids() { sed -n 's/^Uid:\t//p' "/proc/$1/status"; }
ok "vmdeck-net has its guest's user id, not root's" eval '! uids $first | grep -qw 0 && [ "$(uids $first)" = "$(uids "$(machine_pid nat)")" ]'
kill -9 "$first"
ok "killed, it is there again" wait_for 20 another_net "$first"
ok "the guest lives, and is reached again" wait_for 90 eval '[ "$(timeout $((30 * TEST_SLOW)) busybox wget -q -O - http://127.0.0.1:8022/down | md5sum)" = "$sum" ]'
ok "and reaches the world" run_says nat "${sum%% *}" 'wget -q -O /tmp/again http://www.test:8000/down && md5sum /tmp/again'
ok "destroy ends it" vmdeck destroy nat
ok "and its network" wait_for 10 not net_pid nat
kill $dns $httpd $httpd6 $local_httpd 2>/dev/null
umount /etc/resolv.conf
busybox ip link del out0
