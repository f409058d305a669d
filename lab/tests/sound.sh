#!/bin/bash
# The microphone (crates/linux/src/alsa/lab.rs) against the kernel's loopback sound card.
#   cargo xtask lab sound [-- PART-OF-A-TEST'S-NAME [--nocapture]]
part=${1:-}
[ $# = 0 ] || shift
exec /host/bin/linux-tests --ignored --test-threads=1 "alsa::lab::$part" "$@"
