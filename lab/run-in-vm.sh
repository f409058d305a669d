#!/bin/bash
# run-in-vm.sh - run a command inside the virtual hardware lab and return its
# output and exit status.
#
#   ./run-in-vm.sh [options] [--] COMMAND [ARG...]
#   ./run-in-vm.sh [options] -s SCRIPT        run a local shell script in the VM
#
#   -d DIR    folder shared read-write as /host, also the working folder (default: .)
#   -r        share it read-only
#   -m MIB    memory (default 512)        -c N   virtual CPUs (default: 1)
#   -t SEC    kill the VM after SEC seconds (default 600; status 124)
#   -a ACC    accelerator, tcg or kvm (default: what build-image.sh found to work)
#   -k FILE   keep the kernel log in FILE  -v     kernel log to stderr when done
#   -i        connect standard input (a terminal, no end of file); else it is empty
#   -y        under systemd, with udev, D-Bus and logind; else the command is alone with the kernel
#   -n ARGS   QEMU -nic argument (default: no network at all)
#   -q ARG    one more QEMU argument (may be repeated)
#
# Status: that of COMMAND; 124 time limit; 125 the VM died or QEMU failed.
# Environment: LAB_DIR, LAB_ACCEL, LAB_CPU, LAB_CMDLINE (more kernel arguments),
# LAB_TIMES=1 (report times to stderr).
#
# A SCRIPT of which a line is "# lab: systemd" is run under systemd in any case.
#
# The root disk is opened copy-on-write, so every run starts from the same state and any number may
# run at once. ttyS1 and ttyS2 of the VM are wired to each other (a null modem); ttyS0 is the console.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_DIR=${LAB_DIR:-$HERE/../target/lab}
[ -e "$LAB_DIR/env.sh" ] || { echo "no image in $LAB_DIR: run lab/build-image.sh first" >&2; exit 125; }
# shellcheck source=/dev/null
. "$LAB_DIR/env.sh"

SHARE=$PWD MEM=512 CPUS=1 LIMIT=600 NIC=none XARGS=()
RO='' KLOG='' VERBOSE='' SCRIPT='' INTERACTIVE='' SYSTEMD=''
ACC=${LAB_ACCEL:-$(cat "$LAB_DIR/accel" 2>/dev/null || echo tcg)}
while getopts d:rm:c:t:a:k:viyn:q:s:h o; do
	case $o in
	d) SHARE=$OPTARG ;; r) RO=,readonly=on ;; m) MEM=$OPTARG ;; c) CPUS=$OPTARG ;;
	t) LIMIT=$OPTARG ;; a) ACC=$OPTARG ;; k) KLOG=$OPTARG ;; v) VERBOSE=1 ;; i) INTERACTIVE=1 ;; y) SYSTEMD=1 ;;
	n) NIC=$OPTARG ;; q) XARGS+=("$OPTARG") ;; s) SCRIPT=$OPTARG ;;
	*) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 2 ;;
	esac
done
shift $((OPTIND - 1))

RUN=$(mktemp -d "${TMPDIR:-/tmp}/lookout-lab.XXXXXX")
mkdir "$RUN/ctl"
if [ -n "$SCRIPT" ]; then
	! grep -qx '# lab: systemd' "$SCRIPT" || SYSTEMD=1
	{ [ $# = 0 ] || { printf 'set -- '; printf '%q ' "$@"; echo; }; cat "$SCRIPT"; } > "$RUN/ctl/cmd"
else
	[ $# -gt 0 ] || { echo "no command" >&2; exit 2; }
	if [ $# -eq 1 ]; then echo "$1"; else printf '%q ' "$@"; echo; fi > "$RUN/ctl/cmd"
fi

if [ -n "$INTERACTIVE" ]; then touch "$RUN/ctl/interactive"; else exec </dev/null; fi

start_qemu() { # arguments: accelerator, rest
	local acc=$1; shift
	local cpu=${LAB_CPU:-max} accarg=tcg,thread=multi,tb-size=256
	[ "$acc" != kvm ] || { cpu=host,-arch-capabilities accarg=kvm; }
	LD_LIBRARY_PATH=${QEMU_LIBS:-} exec timeout --foreground -k 5 "$LIMIT" \
		"$QEMU" "${QEMU_ARGS[@]}" \
		-accel "$accarg" -cpu "$cpu" -M q35 -smp "$CPUS" -m "$MEM" \
		-nodefaults -no-user-config -display none -no-reboot "$@"
}

CMDLINE="console=ttyS0 quiet panic=-1 nokaslr mitigations=off random.trust_cpu=on"
CMDLINE+=" no_timer_check cryptomgr.notests raid=noautodetect net.ifnames=0"
[ -z "$SYSTEMD" ] || CMDLINE+=" lab.systemd systemd.show_status=no"
CMDLINE+=" ${LAB_CMDLINE:-}"

QPID=''
finish() {
	[ -z "$QPID" ] || kill "$QPID" 2>/dev/null || true
	[ -z "$KLOG" ] || cp "$RUN/console.log" "$KLOG" 2>/dev/null || true
	[ -z "$VERBOSE" ] || cat "$RUN/console.log" >&2 || true
	rm -rf "$RUN"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

T0=$EPOCHREALTIME
( start_qemu "$ACC" \
	-kernel "$LAB_DIR/vmlinux" -initrd "$LAB_DIR/initrd.img" -append "$CMDLINE" \
	-drive "file=$LAB_DIR/root.img,if=none,id=root,format=raw,snapshot=on" \
	-device virtio-blk-pci,drive=root \
	-device virtio-rng-pci \
	-virtfs "local,path=$RUN/ctl,mount_tag=ctl,security_model=none,id=ctl" \
	-virtfs "local,path=${SHARE//,/,,},mount_tag=host,security_model=none,id=host$RO" \
	-chardev "file,id=con,path=$RUN/console.log" -device isa-serial,chardev=con,index=0 \
	-chardev "socket,id=nmA,path=$RUN/nm,server=on,wait=off" -device isa-serial,chardev=nmA,index=1 \
	-chardev "socket,id=nmB,path=$RUN/nm" -device isa-serial,chardev=nmB,index=2 \
	-chardev stdio,id=io,signal=off -device virtio-serial-pci -device virtconsole,chardev=io \
	-nic "$NIC" "${XARGS[@]}" ) <&0 &
QPID=$!
QRC=0
wait "$QPID" || QRC=$?
QPID=''

RC=$(sed -n 's/.*lab: rc=\([0-9]*\).*/\1/p' "$RUN/console.log" | tail -1)
if [ -z "$RC" ]; then
	RC=125
	if [ "$QRC" = 124 ] || [ "$QRC" = 137 ]; then
		RC=124; echo "run-in-vm: stopped after $LIMIT s" >&2
	fi
	tail -5 "$RUN/console.log" >&2 || true
fi
[ -z "${LAB_TIMES:-}" ] || {
	awk -v a="$T0" -v b="$EPOCHREALTIME" -v acc="$ACC" 'BEGIN { printf "lab-times: total %.2f s (%s);", b - a, acc }'
	sed -n 's/.*lab: \(init\|run\|done\) at \([0-9.]*\).*/ \1 \2/p' "$RUN/console.log" | tr -d '\n'
	echo; } >&2
exit "$RC"
