#!/bin/bash
# lab: minutes 2
# lab: systemd
# A line that is dialled up, by the whole daemon, /host/bin/lookout; see network.sh.
#   cargo xtask lab network-line [-- PART-OF-A-TEST'S-NAME]
PART=Dialling exec /host/tests/network.sh "$@"
