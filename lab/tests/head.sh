#!/bin/bash
# lab: minutes 2
# The pan, tilt and zoom of a real uvcvideo camera, under the whole daemon, /host/bin/lookout, over HTTP. What the driver
# does alone is in driver.sh.
#   cargo xtask lab head [-- PART-OF-A-TEST'S-NAME]
[ $# = 0 ] || set -- -k "$@"
exec python3 /host/tests/head.py -v "$@"
