#!/bin/bash
# The whole daemon, /host/bin/lookout, over HTTP with the kernel's loopback sound card.
#   cargo xtask lab sound [-- PART-OF-A-TEST'S-NAME]
[ $# = 0 ] || set -- -k "$@"
exec python3 /host/tests/sound.py -v "$@"
