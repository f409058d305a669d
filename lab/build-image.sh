#!/bin/bash
# build-image.sh - build the virtual hardware lab: Debian's own kernel, a root file system with
# the test tools and, where the host has none, a private QEMU.
#
#   lab/build-image.sh [--force]
#
# Everything lands in $LAB_DIR (default target/lab). On the host nothing is configured or removed;
# missing build tools are installed with apt-get, and said so first. "rm -rf $LAB_DIR" undoes the rest.
# Needs: root, Debian on x86-64, 1.5 GiB of disk and the package mirror.
#
# Status: 0 built or already there, 77 this machine cannot build it (one line says why), else a fault.
# Result: $LAB_DIR/vmlinux  initrd.img  root.img  env.sh  accel  manifest.txt  gpio-sim.log
#
# Without gpio-sim, which may fail to build from a kernel's source, all else is built: a line says so, and the guest's
# /etc/lab-lacks says why, for the tests that need it.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_DIR=${LAB_DIR:-$HERE/../target/lab}
ARCH=amd64
EXTRA=${LAB_EXTRA_PKGS:-}  # more Debian packages for the guest, comma separated

# What goes into the guest: a small userland, tools that plug in and inspect cameras, tools for test scripts.
PKGS=busybox-static,kmod,iproute2,procps,psmisc,v4l-utils,usbutils,strace,curl,python3,libjpeg-turbo-progs,alsa-utils
# What a machine runs whose network belongs to NetworkManager; it is started for the scripts that ask for it.
PKGS+=,systemd-sysv,libpam-systemd,udev,dbus,polkitd,network-manager,wpasupplicant,ppp
# The other ends: access points, a router with DHCP and UPnP, a provider, somebody who looks for mDNS names.
PKGS+=,hostapd,iw,wireless-regdb,dnsmasq-base,pppoe,nftables,miniupnpd,miniupnpd-nftables,miniupnpc,avahi-daemon,avahi-utils
PKGS+=,iputils-ping,ca-certificates
[ -z "$EXTRA" ] || PKGS+=,$EXTRA

# Kernel modules copied into the guest, with everything they depend on.
BOOT_MODS="virtio_pci virtio_blk ext4 crc32c_generic"
LAB_MODS="9p 9pnet_virtio virtio_console virtio_net virtio_rng vivid uvcvideo vhci_hcd snd-aloop gpio-sim
	mac80211_hwsim ccm gcm cmac ctr cbc ecb michael_mic ghash_generic veth bridge dummy tun
	ppp_generic ppp_async ppp_synctty ppp_deflate bsd_comp pppoe
	nf_tables nft_chain_nat nft_masq nft_nat nft_ct nft_redir nft_reject_inet"

# Units of systemd that the lab does without.
MASKED="timers.target e2scrub_reap.service ldconfig.service systemd-binfmt.service systemd-firstboot.service
	systemd-hwdb-update.service systemd-journal-catalog-update.service systemd-journal-flush.service
	systemd-machine-id-commit.service systemd-modules-load.service systemd-pcrphase.service systemd-pcrphase-sysinit.service
	systemd-pstore.service systemd-random-seed.service systemd-rfkill.service systemd-rfkill.socket
	systemd-udev-trigger.service systemd-udev-settle.service systemd-update-done.service systemd-update-utmp.service
	dev-hugepages.mount dev-mqueue.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount
	proc-sys-fs-binfmt_misc.automount"

say() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }
cannot() { echo "the lab cannot be built here: $*"; exit 77; }

# The image is good as long as what it was built from is the same.
STAMP=$(cd "$HERE" && { find build-image.sh build-gpio-sim.sh extract-vmlinux.py guest -type f | sort | xargs tail -n +1
	echo "$EXTRA"; } | sha256sum | cut -d' ' -f1)
if [ "${1:-}" != --force ] && [ -e "$LAB_DIR/env.sh" ] && [ "$(cat "$LAB_DIR/stamp" 2>/dev/null)" = "$STAMP" ]; then
	exit 0
fi

# --- 0. this machine ------------------------------------------------------------
# The guest is of the host's own suite, so that programs built here find their C library there.
SUITE=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || cannot "it is not Debian"
[ "$(uname -m)" = x86_64 ] || cannot "it is not an x86-64 machine"
[ "$(id -u)" = 0 ] || cannot "building the image needs root (once; running it does not)"
export DEBIAN_FRONTEND=noninteractive
say "apt-get update"
apt-get -qq update || cannot "apt-get update failed"
miss=
for p in python3:python3 mkfs.ext4:e2fsprogs xz:xz-utils zstd:zstd gcc:gcc make:make; do
	command -v "${p%%:*}" >/dev/null || miss+=" ${p#*:}"
done
perl -MEnglish -e 1 2>/dev/null || miss+=" perl"          # perl-base is not enough for mmdebstrap
[ -e /usr/include/stdio.h ] || miss+=" libc6-dev"
ls /usr/lib/*/libelf.so.1 >/dev/null 2>&1 || miss+=" libelf1"
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || miss+=" debian-archive-keyring"
if [ -n "$miss" ]; then
	say "installing on this machine with apt-get:$miss"
	# shellcheck disable=SC2086
	apt-get install -qq -y --no-install-recommends $miss >/dev/null || cannot "apt-get install$miss failed"
fi

rm -f "$LAB_DIR/env.sh"
mkdir -p "$LAB_DIR"/{debs/partial,tools}
LAB_DIR=$(cd "$LAB_DIR" && pwd)
cd "$LAB_DIR"
APT=(apt-get -qq -o "Dir::Cache::archives=$LAB_DIR/debs" -o APT::Sandbox::User=root
     -o Debug::NoLocking=1)        # private cache: no fight over the host's locks

fetch() { (cd "$LAB_DIR/debs" && "${APT[@]}" download "$@") || cannot "downloading $* failed"; }
deb()   { ls -1 "$LAB_DIR"/debs/"$1"_*.deb | tail -1; }
TMPROOT=$LAB_DIR                # in RAM if there is room: dpkg syncs a lot
if [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -1)" -gt 2000000 ]; then TMPROOT=/dev/shm; fi
WORK=$(mktemp -d "$TMPROOT/lookout-lab.XXXXXX")
# shellcheck disable=SC2046 # words
trap 'kill $(jobs -p) 2>/dev/null || :; rm -rf "$WORK"' EXIT

# --- 1. QEMU: the host's if there is one, else a private unpacked copy, made while other things are -------------
private_qemu() {
	rm -rf qemu debs-qemu; mkdir -p qemu debs-qemu/partial
	"${APT[@]}" -o "Dir::Cache::archives=$LAB_DIR/debs-qemu" install -y \
		--no-install-recommends --download-only qemu-system-x86 >/dev/null || return
	for d in debs-qemu/*.deb; do dpkg -x "$d" qemu || return; done
}
QEMU_JOB=
if ! command -v qemu-system-x86_64 >/dev/null; then
	say "QEMU: downloading a private copy"
	private_qemu & QEMU_JOB=$!
fi

# --- 2. kernel version and package downloads ------------------------------------
KIMG=$(apt-cache depends linux-image-$ARCH | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -1)
KVER=${KIMG#linux-image-}                       # e.g. 6.1.0-56-amd64
KPKG=$(apt-cache show "$KIMG" | sed -n 's/^Version: //p' | head -1)
"$HERE/build-gpio-sim.sh" "$WORK/gpio-sim" "$KVER" "$KPKG" > gpio-sim.log 2>&1 & GPIO_JOB=$!
fetch "$KIMG" mmdebstrap busybox-static
say "downloaded the kernel $KIMG ($KPKG)"

# --- 3. root file system --------------------------------------------------------
dpkg -x "$(deb mmdebstrap)" tools
dpkg -x "$(deb busybox-static)" tools
BB=$LAB_DIR/tools/bin/busybox
[ -x "$BB" ] || BB=$LAB_DIR/tools/usr/bin/busybox
ROOT=$WORK/root
PATH=$LAB_DIR/tools/usr/bin:$PATH TMPDIR=$WORK mmdebstrap --quiet --mode=root \
	--variant=minbase --include="$PKGS" \
	--aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
	"$SUITE" "$ROOT" > mmdebstrap.log 2>&1 || { tail -20 mmdebstrap.log; exit 1; }
say "root file system: $(du -sh "$ROOT" | cut -f1)"

# --- 4. kernel image and modules -------------------------------------------------
rm -rf kernel; mkdir kernel
dpkg -x "$(deb "$KIMG")" kernel
# Unpack the kernel here: QEMU boots an ELF vmlinux through its PVH entry, which saves
# the firmware and 3-4 s of xz decompression under TCG. (The bzImage if that fails.)
python3 "$HERE/extract-vmlinux.py" "kernel/boot/vmlinuz-$KVER" vmlinux ||
	cp "kernel/boot/vmlinuz-$KVER" vmlinux
MODS=lib/modules/$KVER
KMODS=kernel/$MODS
[ -d "$KMODS" ] || KMODS=kernel/usr/$MODS
mkdir -p "$ROOT/lib/modules"
mv "$KMODS" "$ROOT/$MODS"
if wait "$GPIO_JOB"; then
	install -D -m 644 "$WORK/gpio-sim/gpio-sim.ko" "$ROOT/$MODS/extra/gpio-sim.ko"
	say "built gpio-sim"
else
	LAB_MODS=${LAB_MODS/ gpio-sim/}
	why=$(grep -v '^ *$' gpio-sim.log | tail -1)
	echo "gpio-sim could not be built: $why" > "$ROOT/etc/lab-lacks"
	say "gpio-sim CANNOT be built, so the tests of the GPIO lines are not run: $why (all of it: $LAB_DIR/gpio-sim.log)"
fi
# Debian does not ship modules.dep, the postinst makes it. Use the guest's depmod.
chroot "$ROOT" depmod "$KVER"
modfiles() { # module files for the named modules, dependencies first
	local m
	for m in "$@"; do
		chroot "$ROOT" modprobe -S "$KVER" --show-depends "$m" 2>/dev/null || echo "no module $m" >&2
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}
# shellcheck disable=SC2086
BOOTFILES=$(modfiles $BOOT_MODS)
# shellcheck disable=SC2086
LABFILES=$(modfiles $BOOT_MODS $LAB_MODS)
mv "$ROOT/$MODS" "$WORK/allmods"
for f in $LABFILES; do
	install -D -m 644 "$WORK/allmods/${f#*"/$MODS/"}" "$ROOT$f"
done
find "$ROOT/lib/modules" -name '*.ko.xz' -exec unxz {} +  # the initramfs' insmod knows plain files only
cp "$WORK"/allmods/modules.{builtin,builtin.modinfo,order} "$ROOT/$MODS/"
rm -rf "$WORK/allmods"
chroot "$ROOT" depmod "$KVER"
say "modules: $(echo "$LABFILES" | wc -l) files, $(du -sh "$ROOT/lib/modules" | cut -f1)"

# --- 5. our own files in the guest -------------------------------------------------
install -m 755 "$HERE/guest/init" "$ROOT/sbin/lab-init"
install -m 755 "$HERE/guest/command" "$ROOT/sbin/lab-command"
mkdir -p "$ROOT/host" "$ROOT/ctl"
install -m 755 "$HERE"/guest/bin/lab-* "$ROOT/usr/local/bin/"
# Under systemd: no more is started than lab.target asks for, and nothing that would cost time in every machine.
install -m 644 "$HERE"/guest/systemd/lab.{target,service} "$ROOT/etc/systemd/system/"
ln -sf lab.target "$ROOT/etc/systemd/system/default.target"
chroot "$ROOT" systemctl -q disable avahi-daemon.socket avahi-daemon.service uuidd.socket
for unit in $MASKED; do ln -sf /dev/null "$ROOT/etc/systemd/system/$unit"; done
install -D -m 644 "$HERE/guest/networkmanager.conf" "$ROOT/etc/NetworkManager/conf.d/lab.conf"
chroot "$ROOT" useradd --system --no-create-home lookout
echo 00000000000000000000000000000001 > "$ROOT/etc/machine-id"
echo lab > "$ROOT/etc/hostname"
printf '127.0.0.1 localhost lab\n' > "$ROOT/etc/hosts"
: > "$ROOT/etc/resolv.conf"
rm -rf "$ROOT"/var/cache/apt/* "$ROOT"/var/lib/apt/lists/* "$ROOT"/usr/share/i18n

# --- 6. initramfs: busybox + the modules needed to mount the root disk ----------
IR=$WORK/initrd
mkdir -p "$IR"/{bin,dev,proc,sys,root,mods}
cp "$BB" "$IR/bin/busybox"
for f in $BOOTFILES; do
	f=${f%.xz}
	cp "$ROOT$f" "$IR/mods/"; echo "/mods/${f##*/}" >> "$IR/mods/list"
done
install -m 755 "$HERE/guest/initramfs-init" "$IR/init"
(cd "$IR" && find . | "$BB" cpio -o -H newc 2>/dev/null) > initrd.img

# --- 7. root disk: plain ext4 (compressed formats cost too much under TCG) ------
SIZE=$(( $(du -sm "$ROOT" | cut -f1) * 12 / 10 + 200 ))
rm -f root.img
mkfs.ext4 -q -F -L labroot -O ^has_journal,^metadata_csum -m 0 -d "$ROOT" root.img "${SIZE}M"
say "root.img: ${SIZE} MiB nominal, $(du -sm root.img | cut -f1) MiB on disk; initrd $(du -sk initrd.img | cut -f1) KiB"

# --- 8. how to start QEMU ----------------------------------------------------------
[ -z "$QEMU_JOB" ] || wait "$QEMU_JOB" || cannot "QEMU cannot be installed"
{
	if [ -x qemu/usr/bin/qemu-system-x86_64 ]; then
		Q=$LAB_DIR/qemu
		echo "QEMU='$Q/usr/bin/qemu-system-x86_64'"
		echo "QEMU_ARGS=(-L '$Q/usr/share/qemu' -L '$Q/usr/share/seabios')"
		echo "export QEMU_MODULE_DIR='$Q/usr/lib/x86_64-linux-gnu/qemu'"
		echo "QEMU_LIBS='$Q/usr/lib/x86_64-linux-gnu:$Q/lib/x86_64-linux-gnu'"
	else
		echo "QEMU='$(command -v qemu-system-x86_64)'"
		echo "QEMU_ARGS=()"; echo "QEMU_LIBS="
	fi
} > env.sh
{ echo "kernel $KVER $KPKG"; chroot "$ROOT" dpkg-query -W; } > manifest.txt
rm -rf kernel debs debs-qemu tools "$WORK"

# --- 9. is KVM of use here? /dev/kvm may exist and still not run this kernel: a hypervisor
# in software (module kvm_pvm) accepts only kernels patched for it. Otherwise try.
echo tcg > accel
if [ -w /dev/kvm ] && [ ! -e /sys/module/kvm_pvm ] && LAB_DIR=$LAB_DIR "$HERE/run-in-vm.sh" -a kvm -d "$HERE" -t 15 true \
	> kvm-probe.log 2>&1 </dev/null; then
	echo kvm > accel
fi
echo "$STAMP" > stamp
say "done: $LAB_DIR ($(du -sh "$LAB_DIR" | cut -f1)), accelerator $(cat accel)"
