#!/bin/bash
# lab: minutes 4
# The whole daemon, /host/bin/lookout, over HTTP against vivid and a real uvcvideo camera.
#   cargo xtask lab camera [-- PART-OF-A-TEST'S-NAME]
[ $# = 0 ] || set -- -k "$@"
exec python3 /host/tests/camera.py -v "$@"
