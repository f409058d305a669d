#!/bin/bash
# lab: systemd
# The host over D-Bus (crates/linux/src/host/lab.rs): the real NetworkManager with a cable, wireless networks and a line that is
# dialled up, timedated and logind, as the camera's user and by the shipped polkit rule.
#   cargo xtask lab host [-- PART-OF-A-TEST'S-NAME]
set -eu
install -m 644 /host/polkit/50-lookout.rules /etc/polkit-1/rules.d/
mkdir -p /run/lab
# What is root's in the tests: see root() there.
install -m 4755 /bin/bash /usr/local/bin/lab-root
lab-lan
systemctl start NetworkManager
exec setpriv --reuid=lookout --regid=lookout --clear-groups \
	/host/bin/linux-tests --ignored --test-threads=1 "host::lab::${1:-}"
