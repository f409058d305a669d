#!/bin/bash
# build-gpio-sim.sh DIR KVER VERSION - build DIR/gpio-sim.ko, the kernel's simulated GPIO chip, which Debian's kernel KVER
# of package version VERSION is built without; with it the interrupt simulator that it needs.
#
# From the matching kernel source, by the unpacked packages of its headers; nothing is installed on this machine.
# If it fails, the last line of its output says why.
set -euo pipefail
DIR=$1 KVER=$2 VERSION=$3
SRC=$DIR/src HDR=$DIR/headers
trap 'echo "it failed in line $LINENO of build-gpio-sim.sh: $BASH_COMMAND"' ERR
fail() { echo "$*"; exit 1; }

rm -rf "$DIR"
mkdir -p "$SRC" "$HDR" "$DIR/debs"
cd "$DIR/debs"
# What the headers are in differs: linux-kbuild-6.1 of Debian 12 is linux-kbuild-6.12.48+deb13 in Debian 13.
mapfile -t packages < <(apt-cache depends "linux-headers-$KVER" |
	sed -n 's/.*Depends: \(linux-headers-[^ ]*-common\|linux-kbuild-[^ ]*\)$/\1/p')
[ ${#packages[@]} = 2 ] || fail "the packages of linux-headers-$KVER are not known here"
packages+=("linux-headers-$KVER" "linux-source-$(echo "$KVER" | cut -d. -f1,2)")
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]/%/=$VERSION}" || fail "downloading ${packages[*]} failed"

for d in linux-headers-*.deb linux-kbuild-*.deb; do dpkg -x "$d" "$HDR"; done
KDIR=$HDR/usr/src/linux-headers-$KVER
# The one absolute path in the packages of the headers.
echo "include $(echo "$HDR"/usr/src/linux-headers-*-common)/Makefile" > "$KDIR/Makefile"
CC=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\).*/\1/p' "$KDIR/include/config/auto.conf")
command -v "$CC" >/dev/null || CC=gcc

# Three files that the headers lack.
dpkg-deb --fsys-tarfile linux-source-*.deb |
	tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
	xz -dc -T2 | tar -x -C "$SRC" --strip-components=3 --wildcards \
		'*/drivers/gpio/gpio-sim.c' '*/drivers/gpio/gpiolib.h' '*/kernel/irq/irq_sim.c'
cd "$SRC"
mv gpio-sim.c main.c
# irq_to_desc() is not exported to modules; this does the same through a function that is.
sed -i 's/handle_simple_irq(irq_to_desc(irqnum));/generic_handle_irq_safe(irqnum);/' irq_sim.c
grep -q generic_handle_irq_safe irq_sim.c || fail "irq_sim.c of this kernel is not as it was"
printf 'obj-m := gpio-sim.o\ngpio-sim-y := main.o irq_sim.o\n' > Makefile
# Without type information, for which Debian 13 wants one more program.
make -s -C "$KDIR" M="$PWD" CC="$CC" CONFIG_DEBUG_INFO_BTF_MODULES= modules || fail "its source does not compile as a module of linux-headers-$KVER"
strip -g gpio-sim.ko
mv gpio-sim.ko "$DIR/"
