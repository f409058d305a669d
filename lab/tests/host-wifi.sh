#!/bin/bash
# lab: minutes 7
# lab: systemd
# Wireless networks by NetworkManager, hwsim and hostapd (crates/linux/src/host/lab/wifi.rs).
#   cargo xtask lab host-wifi [-- PART-OF-A-TEST'S-NAME]
exec /host/tests/host.sh "host::lab::wifi::${1:-}"
