#!/bin/bash
# lab: minutes 7
# A port mapped on the Internet gateway, which is Debian's miniupnpd: the whole daemon, /host/bin/lookout, over HTTP.
#   cargo xtask lab upnp [-- PART-OF-A-TEST'S-NAME]
set -e
command -v upnpc > /dev/null || { echo "not tested: port mapping: the lab has no upnpc"; exit 77; }
lab-lan
ip addr add 192.168.77.9/24 dev eth0
ip route add default via 192.168.77.1
[ $# = 0 ] || set -- -k "$@"
exec python3 /host/tests/upnp.py -v "$@"
