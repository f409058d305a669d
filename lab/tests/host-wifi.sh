#!/bin/bash
# lab: minutes 5
# lab: systemd
# Wireless networks by NetworkManager, hwsim and hostapd (crates/linux/src/host/lab/wifi.rs). Networks of every lock are joined in
# host-wifi-locks.sh, in a machine of its own: that takes as long as the rest.
#   cargo xtask lab host-wifi [-- PART-OF-A-TEST'S-NAME]
exec /host/tests/host.sh "host::lab::wifi::${1:-}" --skip networks_of_every_lock
