#!/bin/bash
# lab: minutes 5
# lab: systemd
# A line that is dialled up, by NetworkManager and pppoe-server (crates/linux/src/host/lab/line.rs).
#   cargo xtask lab host-line [-- PART-OF-A-TEST'S-NAME]
exec /host/tests/host.sh "host::lab::line::${1:-}"
