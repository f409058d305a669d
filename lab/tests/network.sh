#!/bin/bash
# lab: minutes 7
# lab: systemd
# The whole daemon on a machine whose network is NetworkManager's, with a router: /host/bin/lookout as a user of its own, over HTTP.
# Wireless networks and a line that is dialled up are in network-wifi.sh and network-line.sh, which name their part of network.py.
#   cargo xtask lab network [-- PART-OF-A-TEST'S-NAME]
set -e
install -m 644 /host/polkit/*.rules /etc/polkit-1/rules.d/
systemctl start NetworkManager
[ $# = 0 ] || set -- -k "$@"
# shellcheck disable=SC2086 # classes are words
exec python3 /host/tests/network.py -v "$@" ${PART:-Cable Clock Restart}
