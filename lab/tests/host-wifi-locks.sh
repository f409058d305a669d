#!/bin/bash
# lab: minutes 5
# lab: systemd
# Networks of every lock that NetworkManager knows, joined and left; see host-wifi.sh.
#   cargo xtask lab host-wifi-locks
exec /host/tests/host.sh host::lab::wifi::networks_of_every_lock
