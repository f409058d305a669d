# shellcheck shell=bash disable=SC2034
# Sourced by run and test: finds Rust, and installs or unpacks Debian packages that are missing.

# What the build needs besides Rust, as THING:PACKAGE; a thing is a program, or a file by its absolute path or a pattern of it.
BUILD=(cc:gcc /usr/include/stdio.h:libc6-dev make:make cmake:cmake nasm:nasm pkg-config:pkg-config
	/usr/include/alsa/asoundlib.h:libasound2-dev)

# there THING: says whether it is on this machine.
there() { if [[ $1 = /* ]]; then compgen -G "$1" >/dev/null; else command -v "$1" >/dev/null; fi; }

# missing THING:PACKAGE…: prints the packages of the things that are not on this machine.
missing() {
	local pair
	for pair in "$@"; do there "${pair%%:*}" || echo "${pair#*:}"; done | sort -u
}

# need_rust: finds cargo, also where rustup put it a moment ago, or ends with a sentence.
need_rust() {
	PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
	there cargo && return
	echo "$0: Rust is missing. Install it with rustup (https://rustup.rs), then start this again." >&2
	exit 1
}

# install_missing WHAT THING:PACKAGE…: installs what WHAT needs and this machine lacks, and says so first.
# Fails, with a sentence, where that cannot be done.
install_missing() {
	local what=$1 packages sudo=()
	shift
	mapfile -t packages < <(missing "$@")
	[ ${#packages[@]} != 0 ] || return 0
	if ! there apt-get; then
		echo "$0: $what needs these Debian packages, or what is in them: ${packages[*]}" >&2
		return 1
	fi
	[ "$(id -u)" = 0 ] || sudo=(sudo)
	if [ ${#sudo[@]} != 0 ] && ! there sudo; then
		echo "$0: $what needs these Debian packages, and there is no sudo: let root install ${packages[*]}" >&2
		return 1
	fi
	echo "$0: $what needs some Debian packages, which are installed now: ${sudo[*]} apt-get install ${packages[*]}"
	"${sudo[@]}" apt-get -qq update &&
		"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${packages[@]}" >/dev/null
}

# unpack FOLDER PACKAGE…: unpacks Debian packages into FOLDER, once, where installing them would start a service.
unpack() {
	local folder=$1 package sudo=()
	shift
	[ "$(id -u)" = 0 ] || ! there sudo || sudo=(sudo)
	mkdir -p "$folder"
	for package in "$@"; do
		[ ! -e "$folder/$package" ] || continue
		(
			cd "$folder"
			download=(apt-get -qq -o APT::Sandbox::User=root download "$package")
			"${download[@]}" || { "${sudo[@]}" apt-get -qq update && "${download[@]}"; }
			mkdir "$package.new"
			dpkg-deb -x "${package}"_*.deb "$package.new"
			mv "$package.new" "$package"
			rm "${package}"_*.deb
		)
	done
}

# libraries PACKAGE…: prints the packages of libraries that they need and that are not installed here.
libraries() {
	local -A known=()
	local waiting=("$@") needed state
	while [ ${#waiting[@]} != 0 ]; do
		for needed in $(apt-cache depends --important "${waiting[0]}" | sed -n 's/^ *|\?Depends: \(lib[^ ]*\)$/\1/p'); do
			state=$(dpkg-query -W -f '${db:Status-Status}' "$needed" 2>/dev/null) || true
			[ "$state" != installed ] && [ -z "${known[$needed]:-}" ] || continue
			known[$needed]=1 waiting+=("$needed")
			echo "$needed"
		done
		waiting=("${waiting[@]:1}")
	done
}

# unpack_whole FOLDER PACKAGE: unpacks a Debian package into FOLDER as unpack does, and beside it, in the same folder, whatever it
# needs that this machine lacks.
unpack_whole() {
	local folder=$1 package=$2 sudo=() archives
	[ ! -e "$folder/$package" ] || return 0
	[ "$(id -u)" = 0 ] || ! there sudo || sudo=(sudo)
	archives=$(realpath -m "$folder/$package.new/archives")
	mkdir -p "$archives/partial"
	download=(apt-get -qq -y --no-install-recommends --download-only -o Debug::NoLocking=1 -o APT::Sandbox::User=root
		-o "Dir::Cache::archives=$archives" --reinstall install "$package")
	"${download[@]}" || { "${sudo[@]}" apt-get -qq update && "${download[@]}"; }
	for one in "$archives"/*.deb; do dpkg-deb -x "$one" "$folder/$package.new"; done
	rm -r "$archives"
	mv "$folder/$package.new" "$folder/$package"
}
