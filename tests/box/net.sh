# limit: 400
# needs: root tun
# Network cards under Linux: a guest in a bridge of the host, with all offloads.
. tests/lib.sh

nic() { echo "<interface type='$1'>$2<model type='virtio'/></interface>"; }
# What Linux and our card have agreed on, a digit for each bit of virtio's features: are those of $2 ones in $1?
has_features() { local f; for f in $2; do [ "${1:$f:1}" = 1 ] || { echo "feature $f is missing in $1"; return 1; }; done; }
# The largest frame on a wire has 1514 bytes: are those of the tap longer, on average since it had $3 bytes in $4 of them?
long_frames() { local s=/sys/class/net/$1/statistics; [ $(($(cat "$s/$2_bytes") - $3)) -gt $((1514 * ($(cat "$s/$2_packets") - $4))) ] || { grep . "$s/$2"_[bp]*; return 1; }; }
stat_of() { vmdeck domifstat br vnet0 | sed -n "s/^vnet0 $1 //p"; }

busybox ip link add br0 type bridge && busybox ip addr add 10.9.0.1/24 dev br0 && busybox ip link set br0 up
mkdir "$WORK/www"; head -c 4000000 /dev/urandom > "$WORK/www/down"; sum=$(md5sum < "$WORK/www/down")
busybox httpd -f -p 10.9.0.1:8000 -h "$WORK/www" & httpd=$!

ok "a guest in a bridge is defined and starts" eval 'guest br cloud cmdline= disks="$(nic bridge "<source bridge=\"br0\"/>")" && vmdeck start br'
ok "its tap is in the bridge" [ -e /sys/class/net/br0/brif/vnet0 ]
ok "dumpxml names it" says "<target dev='vnet0'/>" vmdeck dumpxml br
mac=$(vmdeck dumpxml br | grep -oE '52:54(:[0-9a-f]{2}){4}')
ok "it comes to its shell" at_shell br
card=$(run_in br 'killall udhcpc; cd /sys/class/net/eth0; echo $(cat address device/features)')
ok "it has the card's address" eval '[ "${card%% *}" = "$mac" ]'
ok "checksums, segments, merged buffers, control queue and event index are agreed on" has_features "${card##* }" "0 1 7 8 11 12 15 16 17 29"
ok "a file comes in whole" run_says br "${sum%% *}" 'ip addr add 10.9.0.2/24 dev eth0; wget -q -O /tmp/down http://10.9.0.1:8000/down && md5sum /tmp/down'
ok "in segments that nobody has cut before they must be" long_frames vnet0 tx 0 0
before=$(cd /sys/class/net/vnet0/statistics && echo $(cat rx_bytes rx_packets))
ok "and goes out again" eval 'run_in br "httpd -p 8000 -h /tmp" && [ "$(timeout $((60 * TEST_SLOW)) busybox wget -q -O - http://10.9.0.2:8000/down | md5sum)" = "$sum" ]'
ok "in such segments, too" long_frames vnet0 rx $before
ok "domifstat counts what the kernel counts" eval '[ "$(stat_of rx_bytes)" -ge 4000000 ] && [ "$(stat_of tx_bytes)" -ge 4000000 ] && [ "$(stat_of rx_errs)$(stat_of tx_errs)" = 00 ]'
ok "a cable is pulled" vmdeck domif-setlink br vnet0 down
ok "the guest sees it" run_says br '^0 1$' 'echo $(cat /sys/class/net/eth0/carrier) $(ping -c 1 -W 1 10.9.0.1 > /dev/null; echo $?)'
ok "and the bridge" is 0 cat /sys/class/net/vnet0/carrier
ok "plugged in again all is well" eval 'vmdeck domif-setlink br "$mac" up && run_in br "ping -c 1 10.9.0.1"'
ok "the guest counts no errors" run_says br '^0 0$' 'cd /sys/class/net/eth0/statistics; echo $(cat rx_errors tx_errors)'
ok "destroy ends it" vmdeck destroy br
ok "and its tap" [ ! -e /sys/class/net/vnet0 ]
kill $httpd
busybox ip link del br0
