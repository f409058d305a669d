#!/bin/bash
# lab: minutes 7
# lab: systemd
# The host over D-Bus (crates/linux/src/host/lab.rs): the real NetworkManager with a cable, timedated and logind, as the camera's
# user and by the shipped polkit rule. Wireless networks and a line that is dialled up are in host-wifi.sh and host-line.sh: each has a
# machine of its own, since all together take longer than one may.
#   cargo xtask lab host [-- PART-OF-A-TEST'S-NAME]
set -eu
[ $# != 0 ] || set -- host::lab:: --skip lab::wifi --skip lab::line
install -m 644 /host/polkit/50-lookout.rules /etc/polkit-1/rules.d/
mkdir -p /run/lab
# What is root's in the tests: see root() there. /run takes no such programs.
install -m 4755 /bin/bash /usr/local/bin/lab-root
lab-lan
systemctl start NetworkManager
exec setpriv --reuid=lookout --regid=lookout --clear-groups /host/bin/linux-tests --ignored --test-threads=1 "$@"
