#!/bin/bash
# lab: minutes 1
# A lamp, and an output that is one, on the LEDs of the machine's keyboard: the whole daemon, /host/bin/lookout, over HTTP.
#   cargo xtask lab lamp [-- PART-OF-A-TEST'S-NAME]
ls /sys/class/leds/*::capslock > /dev/null 2>&1 || { echo "not tested: lamps: the machine's keyboard has no LEDs"; exit 77; }
[ $# = 0 ] || set -- -k "$@"
exec python3 /host/tests/lamp.py -v "$@"
