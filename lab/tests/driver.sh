#!/bin/bash
# lab: minutes 2
# The V4L2 driver (crates/linux/src/v4l2/lab.rs) against vivid and a real uvcvideo camera.
#   cargo xtask lab driver [-- PART-OF-A-TEST'S-NAME [--nocapture]]
part=${1:-}
[ $# = 0 ] || shift
exec /host/bin/linux-tests --ignored --test-threads=1 "v4l2::lab::$part" "$@"
