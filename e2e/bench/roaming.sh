#!/bin/sh
# Runs the tests of e2e/tests/roaming.spec.ts: a browser in a network namespace of its own, as a laptop at another place.
#
# The system is in one namespace and listens on loopback there; the browser is in another, with the interface wlan0. What it
# sends to 127.0.0.1 goes over wlan0 and is given to the loopback of the first, so that the page stays a secure context and
# nothing of the system is set otherwise than in the demo. Needs nft, ip, nsenter and user namespaces; Linux without netem does.
set -eu
cd "$(dirname "$0")/.."
if [ "${1-}" != inside ]; then
  (cd .. && cargo build -q -p xtask)
  exec unshare --map-root-user --net -- sh bench/roaming.sh inside "$@"
fi
shift

ip link set lo up
unshare --net sleep 3600 &
away=$!
browser=$(mktemp)
trap 'kill $away; rm -f "$browser"' EXIT
until [ "$(readlink /proc/$away/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
there() { nsenter --target $away --net "$@"; }

# wlan0 is where the browser begins, wlan1 where it may go on.
for n in 0 1; do
  ip link add veth$n type veth peer name wlan$n netns $away
  ip addr add 10.77.$n.1/24 dev veth$n
  ip link set veth$n up
  echo 1 > /proc/sys/net/ipv4/conf/veth$n/route_localnet
done
there ip link set lo up
there ip addr add 10.77.0.2/24 dev wlan0
there ip link set wlan0 up
there ip route add default via 10.77.0.1
there sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet'
nft -f - <<RULES
table ip ponte {
  chain arriving {
    type nat hook prerouting priority -100
    ip daddr 10.77.9.9 dnat to 127.0.0.1
  }
}
RULES
# What comes from an address that the browser has no more leaves no network; what comes from its loopback, TCP, is given the
# address that it has.
there nft -f - <<RULES
table ip ponte {
  set own {
    type ipv4_addr
    elements = { 10.77.0.2 }
  }
  chain sent {
    type filter hook output priority -200
    oifname "lo" ip daddr 127.0.0.1 ip saddr != 127.0.0.1 ip saddr != @own drop
  }
  chain leaving {
    type nat hook output priority -100
    ip daddr 127.0.0.1 dnat to 10.77.9.9
  }
  chain left {
    type nat hook postrouting priority 100
    ip saddr 127.0.0.1 masquerade
  }
}
RULES

printf '#!/bin/sh\nexec nsenter --target %s --net -- %s "$@"\n' $away "${PONTE_CHROMIUM:-/usr/bin/chromium}" > "$browser"
chmod +x "$browser"
PONTE_CHROMIUM=$browser PONTE_AWAY=$away npx playwright test roaming --project desktop --workers 1 --retries 0 "$@"
