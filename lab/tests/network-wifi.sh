#!/bin/bash
# lab: minutes 9
# lab: systemd
# Wireless networks, by the whole daemon, /host/bin/lookout; see network.sh.
#   cargo xtask lab network-wifi [-- PART-OF-A-TEST'S-NAME]
PART=Radio exec /host/tests/network.sh "$@"
