#!/bin/bash
# The microphone (crates/linux/src/alsa/lab.rs) against the kernel's loopback sound card.
#   cargo xtask lab microphone [-- PART-OF-A-TEST'S-NAME [--nocapture]]
set -o pipefail
part=${1:-}
[ $# = 0 ] || shift
# A device that hangs while it is opened. The library reads this once, so it is there from the start.
mkfifo /run/hang
echo 'pcm.hang { type file slave.pcm null file /dev/null infile /run/hang }' > /etc/asound.conf
/host/bin/linux-tests --ignored --test-threads=1 "alsa::lab::$part" "$@" 2>&1 | tee /run/said || exit
! grep "^ALSA lib" /run/said || { echo "the library prints where it should not"; exit 1; }
