#!/bin/bash
# lab: minutes 10
# lab: systemd
# The Debian package, /host/dist/lookout.deb: `apt install` makes a camera with a picture; its service is locked in, is healed
# whatever ends it, and reaches what it needs from in there; removing and purging leave what they should.
#   cargo xtask lab package
# Each part is a function that begins where the one before ended; the list is at the end.
set -eu

CONFIG=/etc/lookout/lookout.toml STATE=/var/lib/lookout DOC=/usr/share/doc/lookout
PATIENCE=180
export DEBIAN_FRONTEND=noninteractive

# holds SENTENCE COMMAND…: says whether it is so, and ends the test with what is known of the camera if it is not.
holds() {
	local sentence=$1
	shift
	if "$@" >/dev/null; then
		echo "ok: $sentence"
		return
	fi
	echo "NOT SO: $sentence"
	systemctl status --no-pager -n 0 lookout || true
	journalctl --no-pager -o short-monotonic -n 60 _SYSTEMD_UNIT=lookout.service + UNIT=lookout.service
	exit 1
}

# eventually COMMAND…: waits until it succeeds.
eventually() {
	local end=$((SECONDS + PATIENCE))
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.5
	done
}

# package [--reinstall] install | remove lookout | purge lookout: what apt says is in /run/lab/apt.
package() {
	local file=()
	[ "${*: -1}" != install ] || file=(/host/dist/lookout.deb)
	apt-get -qq -y "$@" "${file[@]}" > /run/lab/apt 2>&1 || { cat /run/lab/apt; exit 1; }
}

main() { systemctl show -P MainPID lookout; }
another() { [ "$(main)" != 0 ] && [ "$(main)" != "$1" ] && systemctl -q is-active lookout; }
said() { journalctl --no-pager -o cat _SYSTEMD_UNIT=lookout.service | grep -F "$1"; }
started_twice() { [ "$(journalctl --no-pager -o cat "_PID=$1" | grep -c '^Lookout [0-9.]*: ')" = 2 ]; }
said_by_systemd() { journalctl --no-pager -o cat UNIT=lookout.service | grep -F "$1"; }

# The manager's password, as `lookout status` prints it in a line "login admin PASSWORD".
password() { lookout status | sed -n 's/^ *login  *admin  *\([^ ]*\)$/\1/p'; }

# fetch PATH: what the camera answers a manager, with the login of the first start: looking it up takes a while.
fetch() { curl -sf -m 30 -u "admin:$PASSWORD" "http://127.0.0.1:8080/$1"; }
asks() { [ "$(fetch "$1")" = ok. ]; }
metric() { fetch metrics | grep -x "$1"; }
fetch_has() { fetch "$1" | grep -F "$2"; }

# A picture can be had, and it is that of the camera.
shows_vivid() {
	fetch snapshot.cgi > /run/lab/picture.jpg || return
	PYTHONPATH=/host/tests python3 -c 'import rig, sys
sys.exit(not rig.shows_vivids_bars(open("/run/lab/picture.jpg", "rb").read()))'
}

# Nobody has it yet, not even the user, who is in the image for other tests; and the image leaves out what is to be read.
fresh_machine() {
	userdel lookout
	rm /etc/dpkg/dpkg.cfg.d/99mmdebstrap
	# Emulated, and beside other machines, a start may take longer than the half minute that it is given.
	mkdir -p /etc/systemd/system/lookout.service.d
	printf '[Service]\nTimeoutStartSec=200\n' > /etc/systemd/system/lookout.service.d/lab.conf
	lab-video vivid > /run/lab/cameras
	v4l2-ctl -d "$(sed -n s/VIVID=//p /run/lab/cameras)" -c osd_text_mode=2
}

install_it() {
	package install
	holds "the service runs" systemctl -q is-active lookout
	PASSWORD=$(password)
	holds "lookout status prints the login" [ -n "$PASSWORD" ]
	holds "it is started with the machine" systemctl -q is-enabled lookout
	holds "apt says where the login is" grep -q 'lookout status' /run/lab/apt
	holds "it shows the camera of the machine" eventually shows_vivid
	holds "lookout status says that it is well" sh -c 'lookout status | grep "it runs and is well"'
	holds "no log has the login" sh -c '! journalctl --no-pager -o cat _SYSTEMD_UNIT=lookout.service | grep "login  *admin"'
	holds "it is shut in from within, too" said "sandbox: "
	holds "its configuration is no matter of everybody's" [ "$(stat -c '%a %U:%G' "$CONFIG")" = "640 root:lookout" ]
	holds "its settings are its own matter" [ "$(stat -c '%a %U:%G' "$STATE")" = "700 lookout:lookout" ]
	for path in /usr/share/man/man1/lookout-run.1.gz /usr/share/bash-completion/completions/lookout "$DOC"/copyright \
		"$DOC"/changelog.gz "$DOC"/manual/start.md "$DOC"/examples/{50-lookout.rules,leds.conf,port.conf}; do
		holds "$path is there" [ -s "$path" ]
	done
	holds "polkit lets it do nothing that nobody allowed" [ -z "$(find /etc/polkit-1 /usr/share/polkit-1 -name '*lookout*')" ]
}

locked_in() {
	local figure
	figure=$(systemd-analyze security --no-pager lookout | sed -n 's/.*exposure level for lookout.service: \([0-9.]*\) .*/\1/p')
	echo "systemd-analyze security lookout: $figure"
	holds "its exposure is at most 2.0" awk -v figure="$figure" 'BEGIN { exit !(figure != "" && figure <= 2.0) }'
	holds "it runs as lookout" [ "$(ps -o user= -p "$(main)")" = lookout ]
	holds "it has no capability and can get none" [ "$(sed -n 's/^Cap...:\t0*//p' "/proc/$(main)/status" | tr -d '\n')" = "" ]
	holds "it can get no privilege" grep -q '^NoNewPrivs:.1' "/proc/$(main)/status"
	holds "its system calls are filtered" grep -q '^Seccomp:.2' "/proc/$(main)/status"
	holds "it is in the groups of its devices" [ "$(id -Gn lookout | tr ' ' '\n' | sort | xargs)" = "audio dialout lookout video" ]
	holds "it is never given up" [ "$(systemctl show -P StartLimitIntervalUSec lookout)" = 0 ]
}

# From within: a sound card through a plugin of ALSA, a GPIO chip, a serial port, LEDs, NetworkManager.
reaches_its_devices() {
	groupadd --system gpio
	package --reinstall install
	holds "a group that comes later is taken at the next upgrade" grep -q '^gpio:.*lookout' /etc/group
	lab-audio
	lab-gpio > /run/lab/gpio
	# The lab leaves it out at the start of the machine: it is udev that gives serial ports to dialout.
	udevadm trigger --settle --action=add --subsystem-match=tty
	chgrp gpio /dev/gpiochip*
	chmod 0660 /dev/gpiochip*
	local led
	led=$(basename /sys/class/leds/*::capslock)
	(cd "/sys/class/leds/$led/" && chgrp lookout brightness trigger && chmod g+w brightness trigger)
	cp "$DOC"/examples/{leds,port}.conf /etc/systemd/system/lookout.service.d/
	cp "$DOC"/examples/50-lookout.rules /etc/polkit-1/rules.d/
	systemctl start NetworkManager
	cp "$CONFIG" /run/lab/config
	cat >> "$CONFIG" <<-END
		listen = ["0.0.0.0:8080", "0.0.0.0:80"]
		[sound]
		microphone = "alsa:plughw:Loopback,0"
		[gpio]
		input = "DI1"
		output = "DO1"
		led = "$led"
		[serial]
		ports = ["/dev/ttyS1"]
		[host]
		backend = "networkmanager"
	END
	systemctl daemon-reload
	systemctl restart lookout
	for gauge in source_up sound_up input_up output_up led_up; do
		holds "$gauge, from within" eventually metric "lookout_$gauge 1"
	done
	holds "a port below 1024, with port.conf" curl -sf -o /dev/null http://127.0.0.1/get_status.cgi
	holds "the serial port, from within" asks "comm_write.cgi?port=0&baud=13&bytes=1&data=A"
	holds "NetworkManager, from within" eventually said "the host: "
	systemctl stop NetworkManager
	cp /run/lab/config "$CONFIG"
	rm /etc/systemd/system/lookout.service.d/{leds,port}.conf /etc/polkit-1/rules.d/50-lookout.rules
	systemctl daemon-reload
	systemctl restart lookout
	holds "it shows the camera again" eventually shows_vivid
}

healed() {
	local before
	before=$(main)
	kill -9 "$before"
	holds "after kill -9 it is another process" eventually another "$before"
	holds "which shows the camera" eventually shows_vivid

	before=$(main)
	kill -STOP "$before"
	holds "a camera that hangs is ended and started anew" eventually another "$before"
	holds "by the watchdog" said_by_systemd "Watchdog timeout"
	holds "it shows the camera" eventually shows_vivid

	before=$(main)
	holds "reboot.cgi is answered" asks reboot.cgi
	holds "it starts anew in the same process" eventually started_twice "$before"
	holds "and systemd takes that for no end" [ "$(main) $(systemctl is-active lookout)" = "$before active" ]
	holds "it shows the camera" eventually shows_vivid
}

# install_version VERSION PROGRAM: signs a program as a version and hands it to the camera, whose answer is shown.
install_version() {
	lookout sign --key /run/lab/key --program "$2" --program-version "$1" --output /run/lab/package </dev/null >/dev/null
	curl -s -m 60 -u "admin:$PASSWORD" -F file=@/run/lab/package http://127.0.0.1:8080/upgrade_firmware.cgi
}
installs() { [ "$(install_version "$1" "$2")" = ok. ]; }
runs_version() { [ "$(readlink "/proc/$(main)/exe")" = "$STATE/upgrade/lookout-$1" ]; }
is_proven() { grep -q "^$1 proven 0 over " "$STATE/upgrade/installed"; }
given_up() { ! grep -q "^$1 " "$STATE/upgrade/installed"; }

# A program that does nothing, and does not end by itself: pause(2), over and over.
silent_program() {
	python3 - "$1" <<-'END'
		import struct, sys
		code = b"\xb8\x22\0\0\0\x0f\x05\xeb\xf7"
		size = 120 + len(code)
		head = b"\x7fELF\x02\x01\x01" + bytes(9)
		head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
		head += struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 4096)
		open(sys.argv[1], "wb").write(head + code)
	END
}

upgraded() {
	local before
	lookout keygen --key /run/lab/key </dev/null >/dev/null
	holds "without a pinned key nothing is taken" [ "$(install_version 0.2.0 /usr/bin/lookout)" = "error: upgrade.keys is off." ]
	printf '[upgrade]\nkeys = ["%s"]\n' "$(sed -n 2p /run/lab/key.pub)" >> "$CONFIG"
	systemctl restart lookout
	holds "it shows the camera" eventually shows_vivid

	before=$(main)
	holds "a signed version is taken" installs 0.2.0 /usr/bin/lookout
	holds "it runs, in the same process" eventually runs_version 0.2.0
	holds "and shows the camera" eventually shows_vivid
	holds "systemd takes that for no end" [ "$(main) $(systemctl is-active lookout)" = "$before active" ]
	holds "it stays, when it has been well for a while" eventually is_proven 0.2.0
	holds "which the journal tells" eventually fetch_has get_log.cgi "version 0.2.0 is well"
	holds "lookout status knows it" sh -c 'lookout status | grep "installed  0.2.0 on base .*: proven"'

	holds "a version that ends at once is taken, too" installs 0.3.0 /bin/false
	holds "and given up" eventually given_up 0.3.0
	holds "the one before it runs again" eventually runs_version 0.2.0
	holds "it shows the camera" eventually shows_vivid
	holds "the journal tells what failed" fetch_has get_log.cgi "version 0.3.0 failed"

	silent_program /run/lab/silent
	PATIENCE=400
	holds "a version that says nothing is taken" installs 0.4.0 /run/lab/silent
	holds "and given up" eventually given_up 0.4.0
	PATIENCE=180
	holds "the one before it runs again" eventually runs_version 0.2.0
	holds "it shows the camera" eventually shows_vivid
	holds "systemd was tired of it first" said_by_systemd "Watchdog timeout"

	before=$(main)
	kill -9 "$before"
	holds "after kill -9 it is the same version" eventually another "$before"
	holds "it runs" eventually runs_version 0.2.0
	holds "it shows the camera" eventually shows_vivid
	package --reinstall install
	holds "the same package of apt leaves it" eventually runs_version 0.2.0
	holds "it shows the camera" eventually shows_vivid
}

wrong_configuration() {
	echo 'nonsense = 1' >> "$CONFIG"
	! systemctl restart lookout 2>/dev/null
	holds "a wrong configuration is said" said "nonsense"
	sleep 3
	holds "and not tried again" [ "$(systemctl show -P ExecMainStatus lookout) $(systemctl is-failed lookout)" = "78 failed" ]
	package --reinstall install
	holds "the operator's configuration is kept by an upgrade" grep -q nonsense "$CONFIG"
	holds "with its mode" [ "$(stat -c '%a %U:%G' "$CONFIG")" = "640 root:lookout" ]
	sed -i /nonsense/d "$CONFIG"
	systemctl start lookout
	holds "it shows the camera" eventually shows_vivid
}

removed() {
	package remove lookout
	holds "nothing runs" [ -z "$(pgrep -x lookout)" ]
	holds "the program is gone" [ ! -e /usr/bin/lookout ]
	holds "its settings stay" [ -s "$STATE/settings.toml" ]
	holds "so does the configuration" [ -s "$CONFIG" ]
	package install
	holds "installed again it is the same camera" eventually shows_vivid
}

purged() {
	touch /etc/lookout/certificate.pem
	package purge lookout
	holds "nothing runs" [ -z "$(pgrep -x lookout)" ]
	holds "its settings are gone" [ ! -e "$STATE" ]
	holds "so is the configuration, but for what the operator put there" [ "$(ls -A /etc/lookout)" = certificate.pem ]
	holds "nothing would start it" [ -z "$(find /etc/systemd/system -name lookout.service)" ]
	holds "the user stays" getent passwd lookout
	package install
	local before=$PASSWORD
	PASSWORD=$(password)
	holds "installed again it has other passwords" [ "$PASSWORD" != "$before" ]
	holds "and shows the camera" eventually shows_vivid
}

fresh_machine
install_it
locked_in
reaches_its_devices
healed
upgraded
wrong_configuration
removed
purged
