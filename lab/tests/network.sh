#!/bin/bash
# lab: systemd
# The whole daemon on a machine whose network is NetworkManager's, with a router, access points and a provider: /host/bin/lookout
# as a user of its own, over HTTP.
#   cargo xtask lab network [-- PART-OF-A-TEST'S-NAME]
set -e
install -m 644 /host/polkit/*.rules /etc/polkit-1/rules.d/
systemctl start NetworkManager
[ $# = 0 ] || set -- -k "$@"
exec python3 /host/tests/network.py -v "$@"
