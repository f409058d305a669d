#!/bin/bash
# build-gpio-sim.sh LAB_DIR KVER DEST - build gpio-sim.ko, the kernel's simulated GPIO chip, which
# Debian's kernel is built without; with it the interrupt simulator that it needs.
#
# From the matching kernel source in LAB_DIR/debs, by the unpacked packages of its headers; nothing
# is installed on this machine.
set -euo pipefail
LAB=$1 KVER=$2 DEST=$3
SRC=$LAB/oot/gpio-sim HDR=$LAB/oot/headers
rm -rf "$LAB/oot"
mkdir -p "$SRC" "$HDR" "$DEST"

for d in "$LAB"/debs/linux-headers-*.deb "$LAB"/debs/linux-kbuild-*.deb; do dpkg -x "$d" "$HDR"; done
KDIR=$HDR/usr/src/linux-headers-$KVER
# The one absolute path in the packages of the headers.
echo "include $(echo "$HDR"/usr/src/linux-headers-*-common)/Makefile" > "$KDIR/Makefile"
CC=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\).*/\1/p' "$KDIR/include/config/auto.conf")
command -v "$CC" >/dev/null || CC=gcc

# Three files that the headers lack.
dpkg-deb --fsys-tarfile "$LAB"/debs/linux-source-*.deb |
	tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
	xz -dc -T2 | tar -x -C "$SRC" --strip-components=3 --wildcards \
		'*/drivers/gpio/gpio-sim.c' '*/drivers/gpio/gpiolib.h' '*/kernel/irq/irq_sim.c'
cd "$SRC"
mv gpio-sim.c main.c
# irq_to_desc() is not exported to modules; this does the same through a function that is.
sed -i 's/handle_simple_irq(irq_to_desc(irqnum));/generic_handle_irq_safe(irqnum);/' irq_sim.c
grep -q generic_handle_irq_safe irq_sim.c
printf 'obj-m := gpio-sim.o\ngpio-sim-y := main.o irq_sim.o\n' > Makefile
make -s -C "$KDIR" M="$PWD" CC="$CC" modules
strip -g gpio-sim.ko
install -m 644 gpio-sim.ko "$DEST/"
