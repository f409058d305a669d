#!/bin/bash
# lab: minutes 1
# The alarm input and the output against the kernel's simulated GPIO chip: the driver (crates/linux/src/gpio/lab.rs), then
# the whole daemon, /host/bin/lookout, over HTTP.
#   cargo xtask lab pins [-- PART-OF-A-TEST'S-NAME]
part=${1:-}
! why=$(grep -s gpio-sim /etc/lab-lacks) || { echo "not tested: the alarm input and the output: $why"; exit 77; }
/host/bin/linux-tests --ignored --test-threads=1 "gpio::lab::$part" || exit
[ $# = 0 ] || set -- -k "$part"
exec python3 /host/tests/pins.py -v "$@"
