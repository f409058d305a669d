#!/bin/bash
# Serial ports over a null modem cable between two UARTs of the kernel's own driver (ttyS1 and ttyS2): the layer
# (crates/linux/src/serial/lab.rs), then the whole daemon, /host/bin/lookout, over HTTP.
#   cargo xtask lab serial [-- PART-OF-A-TEST'S-NAME]
part=${1:-}
/host/bin/linux-tests --ignored --test-threads=1 "serial::lab::$part" || exit
[ $# = 0 ] || set -- -k "$part"
exec python3 /host/tests/serial_line.py -v "$@"
