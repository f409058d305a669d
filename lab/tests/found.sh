#!/bin/bash
# lab: minutes 2
# How the camera is found in the network by multicast DNS: the whole daemon, /host/bin/lookout, and the avahi of another machine
# that looks for it.
#   cargo xtask lab found [-- PART-OF-A-TEST'S-NAME]
# lab: systemd
[ $# = 0 ] || set -- -k "$@"
exec python3 /host/tests/found.py -v "$@"
