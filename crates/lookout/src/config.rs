//! The machine's configuration file: what belongs to this computer rather than to the camera's profile.
//!
//! One table, [`settings!`] below, declares every key once: its name, type, default, limits and documentation. From it
//! come the typed [`Config`], the reader with its errors, and the manual (`docs/manual/config.md`). To add a setting, add
//! a row there and run `cargo xtask docs`.
//!
//! The bargain about errors: whoever wrote the file gets one sentence with file, line and key, and nothing is guessed. A
//! key that does not exist is an error too, because a misspelt limit that is silently ignored is no limit.

mod kind;
mod manual;
mod read;

use std::{
    ffi::{OsStr, OsString},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use lookout_core::{
    access::calls::Reach,
    media::{frame::Size, sound},
    mqtt::is_prefix,
    profile::wire::Secret,
};
use lookout_linux::{
    gpio::{self, Place},
    led,
};

pub use crate::service::mqtt::Broker;
pub use crate::upgrade::Key;
use crate::{
    service::output,
    source::{Locator, SoundLocator},
};

pub use self::{kind::Choice, manual::manual, read::ConfigError};
use self::{
    kind::{
        address, flag, interface, list, number, optional, parsed, path, seconds, secret, string, text, whole, word,
    },
    read::Row,
};

/// Declares the configuration: the structs, their defaults and the rows that drive reader and manual.
///
/// A row is `"key" field: Type = default => kind;` under its documentation.
macro_rules! settings {
    (
        $(#[doc = $doc:literal])*
        $root:ident {
            $($(#[doc = $key_doc:literal])* $key:literal $field:ident: $type:ty = $default:expr => $kind:expr;)*
        }
        $(
            $(#[doc = $table_doc:literal])*
            [$table:literal] $table_field:ident: $table_type:ident {
                $($(#[doc = $sub_doc:literal])* $sub:literal $sub_field:ident: $sub_type:ty = $sub_default:expr => $sub_kind:expr;)*
            }
        )*
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $root {
            $($(#[doc = $key_doc])* pub $field: $type,)*
            $($(#[doc = $table_doc])* pub $table_field: $table_type,)*
        }

        impl Default for $root {
            fn default() -> Self {
                Self { $($field: $default,)* $($table_field: $table_type::default(),)* }
            }
        }

        $(
            $(#[doc = $table_doc])*
            #[derive(Clone, Debug, PartialEq)]
            pub struct $table_type { $($(#[doc = $sub_doc])* pub $sub_field: $sub_type,)* }

            impl Default for $table_type {
                fn default() -> Self {
                    Self { $($sub_field: $sub_default,)* }
                }
            }
        )*

        /// The tables with their documentation, in the order of the manual.
        const TABLES: &[(&str, &[&str])] = &[$(($table, &[$($table_doc),*]),)*];

        /// Makes the rows of all keys, in the order of the manual.
        fn rows() -> Vec<Row> {
            let defaults = $root::default();
            vec![
                $(Row::new($key, &[$($key_doc),*], $kind, &defaults.$field, |config, value| {
                    config.$field = $kind.read(value)?;
                    Ok(())
                }),)*
                $($(Row::new(
                    concat!($table, ".", $sub),
                    &[$($sub_doc),*],
                    $sub_kind,
                    &defaults.$table_field.$sub_field,
                    |config, value| {
                        config.$table_field.$sub_field = $sub_kind.read(value)?;
                        Ok(())
                    },
                ),)*)*
            ]
        }
    };
}

settings! {
    /// The machine's configuration, read from the file, completed by defaults. The command line overrides its fields.
    Config {
        /// The addresses on which the camera speaks plain HTTP. Passwords travel in clear there; `http.plain_from`
        /// says to whom. The default listens on IPv4 alone, because an IPv6 address can often be reached from the
        /// whole Internet. `["[::]:8080"]` listens on both IPv6 and IPv4 with one socket. Port 0 takes any free port;
        /// `[]` turns plain HTTP off.
        "listen" listen: Vec<SocketAddr> = vec![any(8080)] => list("addresses", address());
        /// The addresses on which the camera speaks HTTPS. `[]` turns HTTPS off.
        "tls_listen" tls_listen: Vec<SocketAddr> = vec![any(8443)] => list("addresses", address());
        /// The directory that holds the camera's settings and its own certificate; made if it is
        /// missing. When this is not given, it is systemd's `$STATE_DIRECTORY`, else `/var/lib/lookout` for root, else
        /// `$XDG_STATE_HOME/lookout`, else `~/.local/state/lookout`.
        "state" state: Option<PathBuf> = None => optional(path());
        /// Whether the camera shuts itself in at its start, as far as the kernel can: it then opens no files but the system's
        /// own, its state, devices, and what this file names, starts no program but itself, and leaves no core dump. A source
        /// or microphone `exec:` is not shut in. Other paths take effect when the service is restarted, not with `reboot.cgi`.
        "sandbox" sandbox: bool = true => flag();
    }

    /// Where the pictures come from.
    ["source"] source: Source {
        /// The source. `demo:` is a synthetic scene; `v4l2:/dev/video0` a camera of this machine; `http://…` or
        /// `https://…` another camera's MJPEG stream or JPEG; `file:/PATH` a JPEG, a folder of them, or an MJPEG or AVI
        /// file; `exec:COMMAND` a program that writes MJPEG to its standard output. When this is not given, it is the
        /// first camera of this machine, else the demo scene.
        "url" url: Option<Locator> = None => optional(parsed(Locator::WANTED).unquoted());
        /// The size to capture. A source that offers a choice takes its nearest.
        "size" size: Size = Size::VGA => parsed(
            "a size such as \"640x480\", with even sides of 16 to 8192 pixels"
        );
        /// Pictures a second to capture.
        "fps" fps: f32 = 30.0 => number(0.1..=240.0);
        /// The source counts as lost when it has delivered no picture for so long; viewers then see a placeholder.
        /// Give a slower source more time.
        "stall_s" stall: Duration = Duration::from_millis(1500) => seconds(0.5..=60.0);
        /// How a JPEG of the source is looked at before viewers get it. `structure` finds pictures that are cut or mixed up.
        /// `decode` also finds data that are missing or make no sense inside a picture that looks whole; it reads all of
        /// them, which costs more.
        "verify" verify: Verify = Verify::Structure => word();
    }

    /// Where the sound comes from.
    ["sound"] sound: Sound {
        /// The microphone. `own` is the sound that the source itself has (the demo scene, an AVI file), if it has any;
        /// `none` is no sound; `alsa:DEVICE` a sound card of this machine, such as `alsa:plughw:CARD=C920` or `alsa:default`, at
        /// any rate and with any channels; `exec:COMMAND` a program that writes raw sound to its standard output:
        /// samples of signed 16 bits, little-endian.
        "microphone" microphone: SoundLocator = SoundLocator::Own => parsed(SoundLocator::WANTED).unquoted();
        /// Samples a second, of each channel, that the program of `exec:` writes.
        "rate" rate: u32 = 8000 => whole(sound::RATES);
        /// How many channels it writes, a sample of each in turn. They are mixed into one.
        "channels" channels: u16 = 1 => whole(sound::CHANNELS);
    }

    /// The alarm input and the output, lines of this machine's GPIO chips, and LEDs. A line is written as `CHIP:NUMBER`, where the
    /// chip is its name (`gpiochip0`) or its label (`pinctrl-bcm2711`), or as its own name, such as `GPIO17`; `gpioinfo` lists
    /// them all. How to wire them: [gpio.md](gpio.md).
    ["gpio"] gpio: Gpio {
        /// The line of the alarm input. Without one, there is only what `input.cgi` says.
        "input" input: Option<Place> = None => optional(parsed(Place::WANTED));
        /// What the chip's own resistor does to the input. A chip that has none does as it always does.
        "input_bias" input_bias: Bias = Bias::AsIs => word();
        /// Whether the input counts as high when its voltage is low.
        "input_active_low" input_active_low: bool = false => flag();
        /// The time in milliseconds for which a level must last to be taken for one. The kernel sees to that, and the camera
        /// where the kernel cannot.
        "debounce_ms" debounce_ms: u32 = 50 => whole(0..=10_000);
        /// The line of the output, or its lamp: `led:NAME` or `led:/FOLDER`, as under `gpio.led`, which is as bright as it can be
        /// when it is high. It is driven while an alarm lasts (`alarm_iolinkage`), and rests at the level that is not
        /// `alarm_ioout_level` from the camera's start to its end; commands 94 and 95 of `decoder_control.cgi` drive it by hand.
        "output" output: Option<output::Place> = None => optional(parsed(output::Place::WANTED));
        /// Whether the voltage of the output is low when it is to be high. A LED's driver knows that by itself.
        "output_active_low" output_active_low: bool = false => flag();
        /// The lamp that shows what the camera does, as `led_mode` says: its name below `/sys/class/leds`, such as `ACT`, or the
        /// path of such a folder.
        "led" led: Option<led::Place> = None => optional(parsed(led::Place::WANTED));
    }

    /// Pan, tilt and zoom. What each kind of head does, and how to wire one: [ptz.md](ptz.md).
    ["ptz"] ptz: Ptz {
        /// The head.
        "head" head: HeadKind = HeadKind::Digital => word();
        /// Which way clients mean. Those of one family send left and right swapped, and the diagonals with them.
        "directions" directions: Directions = Directions::Document => word();
        /// Of a digital head: the size of the picture that viewers see, which is a window over that of the source
        /// (`source.size`). When this is not given, it is the source's size, and there is room to move only when zoomed in.
        /// Another one changes what every preset shows, whose zoom is a share of what the head has.
        "view" view: Option<Size> = None => optional(parsed(
            "a size such as \"640x480\", with even sides of 16 to 8192 pixels"
        ));
        /// Of a digital head: how many pixels across viewers see of one of the source, at most. Another number
        /// changes what every preset shows, whose zoom is a share of what the head has.
        "magnify" magnify: f32 = 2.0 => number(1.0..=8.0);
        /// Of a digital head: the zoom at the first start, 1 for the whole picture. When this is not given, viewers see
        /// the source's pixels one by one, which is sharpest and costs least.
        "zoom" zoom: Option<f32> = None => optional(number(1.0..=64.0));
        /// What the whole picture of a digital head shows across, in degrees: the measure of `degree`.
        "field_deg" field_deg: f32 = 60.0 => number(1.0..=360.0);
        /// Of a Pelco-D head: the number of its serial port (`serial.ports`), from 0.
        "port" port: usize = 0 => whole(0..=3);
        /// Of a Pelco-D head: its address on the line.
        "address" address: u8 = 1 => whole(1..=255);
        /// Of a UVC head: its camera, such as `/dev/video0`. When this is not given, it is the source.
        "device" device: Option<PathBuf> = None => optional(path());
    }

    /// Serial ports, for a Pelco-D head and for `comm_write.cgi`.
    ["serial"] serial: Serial {
        /// The devices, at most four; the first is port 0. `/dev/serial/by-id/…` is the same adapter wherever it is plugged
        /// in. The camera's user must be allowed to use them; most systems have a group for that, dialout or uucp. The camera
        /// holds a port alone, from the first write to it until it is unplugged, and none that nobody writes to.
        "ports" ports: Vec<PathBuf> = Vec::new() => list("at most four paths", path());
        /// Whether the kernel is to switch the direction of RS-485, where its driver can: sending while there is
        /// something to send. An adapter that does it by itself needs no `true` here.
        "rs485" rs485: bool = false => flag();
    }

    /// How the camera speaks HTTP.
    ["http"] http: Http {
        /// The text of the `Server` header. Some clients recognise a camera by the default.
        "server" server: String = "Netwave IP Camera".to_owned() => text(
            "1 to 64 visible ASCII characters or blanks", 1..=64, |byte| matches!(byte, b' '..=b'~')
        );
        /// Who may send a password over plain HTTP. Everybody else is told to use HTTPS.
        "plain_from" plain_from: PlainFrom = PlainFrom::Private => word();
        /// How much proof a request that moves or changes something must bring that no foreign web page made it.
        "csrf" csrf: Csrf = Csrf::Compat => word();
        /// Offers Digest beside Basic authentication. Needs `profile.secrets = "plain"`.
        "digest" digest: bool = false => flag();
        /// Further names under which clients reach this camera. A request under any other name is refused, which
        /// stops DNS rebinding; IP addresses, `localhost` and its mDNS name are always allowed.
        "hosts" hosts: Vec<String> = Vec::new() => list("names", host_name());
        /// Web origins whose pages may read this camera's answers (CORS).
        "allow_origins" allow_origins: Vec<String> = Vec::new() => list("origins", origin());
        /// Connections in all. Further ones are refused at once.
        "max_connections" max_connections: usize = 2048 => whole(1..=1_000_000);
        /// Connections from one IPv4 address or IPv6 /64. Raise it where many viewers come through one proxy.
        "max_per_address" max_per_address: usize = 64 => whole(1..=1_000_000);
        /// The time in which the head of a request must be complete.
        "head_timeout_s" head_timeout: Duration = Duration::from_secs(10) => seconds(1.0..=300.0);
        /// A viewer that takes no byte for so long is disconnected.
        "stall_s" stall: Duration = Duration::from_secs(10) => seconds(1.0..=300.0);
        /// The name, without `.local`, by which the network knows this camera (mDNS). When this is not given, it is
        /// the machine's host name.
        "mdns_name" mdns_name: Option<String> = None => optional(text(
            "1 to 63 letters, digits and hyphens", 1..=63, |byte| byte.is_ascii_alphanumeric() || byte == b'-'
        ));
    }

    /// The certificate for HTTPS. Without one, the camera makes its own at the first start and prints its fingerprint.
    ["tls"] tls: Tls {
        /// The certificate chain, a PEM file. It is read again when it changes.
        "cert" cert: Option<PathBuf> = None => optional(path());
        /// Its private key, a PEM file.
        "key" key: Option<PathBuf> = None => optional(path());
    }

    /// The camera's clock.
    ["clock"] clock: Clock {
        /// Whether the camera asks the time server of its settings (`ntp_svr`) when they say so (`ntp_enable`). With
        /// `false` it asks none, whatever they say: its clock is this machine's and what `set_datetime.cgi?now=` adds.
        "ntp" ntp: bool = true => flag();
        /// The UDP port of the time server.
        "ntp_port" ntp_port: u16 = 123 => whole(1..=u16::MAX);
    }

    /// The machine below the camera: what a manager of the camera may change of it through the CGIs. With the defaults that is
    /// nothing but the port of plain HTTP. [Network](network.md) says what each does.
    ["host"] host: Host {
        /// Who applies `set_network.cgi`, `set_wifi.cgi`, `set_pppoe.cgi` and `set_mac.cgi`.
        "backend" backend: Backend = Backend::None => word();
        /// The network interface of the cable, such as `eth0`. When this is not given, it is the first that has one.
        "interface" interface: Option<String> = None => optional(interface());
        /// The wireless network interface, such as `wlan0`. When this is not given, it is the first that there is.
        "wifi_interface" wifi_interface: Option<String> = None => optional(interface());
        /// The time within which a manager must be seen again after a change of the network, or of the port alone; else the settings
        /// before it come back. For the network it is 10 s at least. 0: a change stays, whether anybody is seen or not.
        "network_confirm_s" network_confirm: Duration = Duration::from_secs(120) => seconds(0.0..=3600.0);
        /// Whether setting the camera's clock (`set_datetime.cgi`, a time server) sets the machine's, by systemd's timedated.
        "clock" clock: bool = false => flag();
        /// Whether `reboot.cgi` restarts the machine, by systemd's logind, and not the camera alone.
        "reboot" reboot: bool = false => flag();
    }

    /// Dynamic DNS: where the services of `set_ddns.cgi` are found. [Network](network.md) says how the camera keeps their rules.
    ["ddns"] ddns: Ddns {
        /// The update address of DynDNS (services 2 to 4), by the dyndns2 protocol, which many others speak, too.
        "dyndns_url" dyndns_url: String = "https://members.dyndns.org/nic/update".to_owned() => web_address();
        /// The update address of 3322 (services 8 and 9).
        "dyn3322_url" dyn3322_url: String = "https://members.3322.net/dyndns/update".to_owned() => web_address();
        /// The update address of Oray (service 1).
        "oray_url" oray_url: String = "https://ddns.oray.com/ph/update".to_owned() => web_address();
        /// Addresses that answer with the address from which they were asked. They are asked while the camera must know its
        /// public address, for dynamic DNS and `mail_inet_ip`, and what only one of them says is not believed. `[]` asks nobody.
        "check_urls" check_urls: Vec<String> = [
            "https://checkip.amazonaws.com/", "https://api.ipify.org/", "https://icanhazip.com/"
        ].map(str::to_owned).to_vec() => list("addresses", web_address());
    }

    /// Mapping a port on the Internet gateway (`set_upnp.cgi`).
    ["upnp"] upnp: Upnp {
        /// Maps the port of plain HTTP, on which passwords travel in clear, and not that of HTTPS.
        "expose_plain" expose_plain: bool = false => flag();
    }

    /// Multicast DNS.
    ["mdns"] mdns: Mdns {
        /// Whether the camera announces itself, as `NAME.local` (`http.mdns_name`), on the networks in which it listens.
        "announce" announce: bool = true => flag();
    }

    /// An MQTT broker that is told of alarms, and may switch the camera. Home Assistant finds the camera there by itself;
    /// [Alarms](alarms.md) says how.
    ["mqtt"] mqtt: Mqtt {
        /// The broker: `mqtt://HOST:PORT`, or `mqtts://HOST:PORT` over TLS. Without a port it is 1883, or 8883 over TLS. When
        /// this is not given, the camera speaks to none.
        "server" server: Option<Broker> = None => optional(parsed(Broker::WANTED).unquoted());
        /// The user to log in as.
        "user" user: Option<String> = None => optional(text("1 to 256 visible bytes or blanks", 1..=256, |byte| byte >= b' '));
        /// The password of that user. Without `mqtts://` it goes in clear.
        "password" password: Option<Secret> = None => optional(secret());
        /// A file whose first line is the password, such as a credential of systemd; instead of `mqtt.password`.
        "password_file" password_file: Option<PathBuf> = None => optional(path());
        /// A PEM file with the authority that signed the broker's certificate. When this is not given, it is any that this
        /// machine trusts.
        "ca" ca: Option<PathBuf> = None => optional(path());
        /// What the camera's topics begin with; its id follows: `lookout/00606E8C02A1/motion`.
        "topic" topic: String = "lookout".to_owned() => string(PREFIX, |text| is_prefix(text).then(|| text.to_owned()), String::clone);
        /// The prefix below which Home Assistant looks for devices; `""` announces the camera to nobody.
        "discovery" discovery: String = "homeassistant".to_owned() => string(
            format!("{PREFIX}, or \"\""), |text| (text.is_empty() || is_prefix(text)).then(|| text.to_owned()), String::clone
        );
        /// Whether the broker may arm and disarm the camera, and close and open its privacy switch: so may everybody
        /// then whom the broker lets publish on the camera's topics.
        "switches" switches: bool = true => flag();
    }

    /// What an alarm has the camera do.
    ["alarm"] alarm: Alarm {
        /// Whom the HTTP call of an alarm may reach (`set_alarm.cgi?http_url=`). The address is set by a manager of the camera, and
        /// called from this machine: what listens here or in its network is at his mercy as far as this goes. On other
        /// ports than those of HTTP that other protocols use, such as 22 or 25, nobody is called but with `any`.
        "call_targets" call_targets: CallTargets = CallTargets::Private => word();
        /// The `User-Agent` of the HTTP call.
        "call_agent" call_agent: String = "Lookout".to_owned() => text(
            "1 to 64 visible ASCII characters or blanks", 1..=64, |byte| matches!(byte, b' '..=b'~')
        );
    }

    /// The web UI.
    ["web"] web: WebPacks {
        /// Allows managers to replace the web UI by a pack of their own (`upgrade_htmls.cgi`). A pack is script that
        /// runs in the browser of whoever opens the camera's pages and can do there all that he may, so a manager who
        /// installs one can act as every other user. When this is off, an installed pack is not shown.
        "packs" packs: bool = false => flag();
    }

    /// Other versions of the program, installed by `upgrade_firmware.cgi`: [upgrade.md](upgrade.md).
    ["upgrade"] upgrade: Upgrade {
        /// The public keys of those whose packages are installed, as the second line of a key file of minisign's has them: the
        /// key in use, and the next one, so that it can be changed. When none is given, they are those that the builder of
        /// this program pinned; without any, nobody can install a version by the CGI. Whoever has the private key of one of them
        /// can have this machine run any program as the camera's user.
        "keys" keys: Vec<Key> = Vec::new() => list("public keys", parsed(Key::WANTED));
        /// Whether a package with an older version than the one that runs is installed.
        "downgrade" downgrade: bool = false => flag();
    }

    /// How the camera reads the CGI profile where there is a choice.
    ["profile"] profile: Profile {
        /// Whether the CGIs give stored passwords back.
        "secrets" secrets: Secrets = Secrets::Masked => word();
    }

    /// Rules for the camera's users.
    ["users"] users: Users {
        /// The shortest password, in bytes, that a new or changed user may have. The profile's longest is 12.
        "password_min" password_min: usize = 8 => whole(1..=12);
    }

    /// What is logged.
    ["log"] log: Log {
        /// The least important messages that are logged. The environment variable `RUST_LOG` overrides it, but brings no
        /// password into the log.
        "level" level: Level = Level::Info => word();
    }
}

kind::choice! {
    /// How a JPEG of the source is looked at.
    Verify {
        /// Its markers and their order.
        Structure = "structure",
        /// All of its data.
        Decode = "decode",
    }
}

kind::choice! {
    /// What moves when a client says so.
    HeadKind {
        /// Nothing.
        None = "none",
        /// A window over the source's picture.
        Digital = "digital",
        /// A head that speaks Pelco-D, on a serial port.
        PelcoD = "pelco-d",
        /// The pan, tilt and zoom of a V4L2 camera, as far as they can be sent to a position. Controls that only move it at
        /// some speed are not supported; `lookout check` says what a camera has.
        Uvc = "uvc",
    }
}

kind::choice! {
    /// Which way clients mean (Q13).
    Directions {
        /// As the profile's document has it.
        Document = "document",
        /// Left is right, and right is left.
        Swapped = "swapped",
    }
}

kind::choice! {
    /// What a chip's own resistor does to a line.
    Bias {
        /// What it did before.
        AsIs = "as-is",
        /// It pulls the line up.
        PullUp = "pull-up",
        /// It pulls the line down.
        PullDown = "pull-down",
        /// It is off.
        Off = "off",
    }
}

kind::choice! {
    /// Who may send a password over plain HTTP (PROFILE 1.3).
    PlainFrom {
        /// Peers with a private, link-local or loopback address, and this machine itself.
        Private = "private",
        /// Everybody.
        Any = "any",
    }
}

kind::choice! {
    /// Who applies the settings of the network (PROFILE 4.7).
    Backend {
        /// Nobody: they are stored and listed, and the journal says that they were not applied.
        None = "none",
        /// NetworkManager, over D-Bus.
        NetworkManager = "networkmanager",
    }
}

kind::choice! {
    /// Whom the HTTP call of an alarm may reach (RULES R10.1).
    CallTargets {
        /// Public addresses alone.
        Public = "public",
        /// Those of private networks, too: RFC 1918, unique-local, 100.64.0.0/10.
        Private = "private",
        /// Everybody: also this machine itself and its link, where a cloud may describe it.
        Any = "any",
    }
}

impl CallTargets {
    /// Returns what it lets calls reach.
    pub const fn reach(self) -> Reach {
        match self {
            Self::Public => Reach::Public,
            Self::Private => Reach::Private,
            Self::Any => Reach::Any,
        }
    }
}

kind::choice! {
    /// How strictly foreign web pages are kept out (PROFILE 1.3).
    Csrf {
        /// Old clients work unchanged; a browser without proof of the same origin must confirm.
        Compat = "compat",
        /// Proof of the same origin or credentials in the query are demanded of every client.
        Strict = "strict",
        /// Nothing is checked; for simulators.
        Off = "off",
    }
}

kind::choice! {
    /// Whether stored secrets are given back (PROFILE 1.3).
    Secrets {
        /// Users' passwords are stored as hashes, and every secret reads `********`.
        Masked = "masked",
        /// Passwords are stored and listed as they are, as the profile has it; for simulators and old clients.
        Plain = "plain",
    }
}

kind::choice! {
    /// How important a message must be to be logged.
    Level {
        /// What failed and needs somebody.
        Error = "error",
        /// What went wrong and was dealt with, too.
        Warn = "warn",
        /// The camera's life: starts, sources lost and found, refused logins.
        Info = "info",
        /// What each part does.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

/// What is wrong where there is no camera for a UVC head.
pub const NO_HEAD: &str = "ptz.head = \"uvc\" needs ptz.device, as the source is no V4L2 camera";

const PREFIX: &str = "1 to 128 letters, digits and -_. in parts between single slashes";

const fn any(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

fn host_name() -> kind::Kind<String> {
    text("a host name or address without a port", 1..=253, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'[' | b']')
    })
}

fn web_address() -> kind::Kind<String> {
    let legal = |text: &str| {
        let url = reqwest::Url::parse(text).ok()?;
        let fit = matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty();
        (fit && url.password().is_none() && url.query().is_none() && url.fragment().is_none()).then(|| text.to_owned())
    };
    string("an http:// or https:// address without a login or query", legal, String::clone)
}

fn origin() -> kind::Kind<String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']');
    let parse = move |text: &str| {
        let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
        (!host.is_empty() && host.bytes().all(legal)).then(|| text.to_owned())
    };
    string("an origin such as \"https://home.example:8123\", without a path", parse, String::clone)
}

impl Config {
    /// Reads the configuration from a file. Errors: it cannot be read, or holds what [`Config::parse`] refuses.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| ConfigError::unreadable(&name, &error))?;
        let text = String::from_utf8(bytes).map_err(|error| ConfigError::not_text(&name, &error))?;
        Self::parse(&name, &text)
    }

    /// Reads the configuration from text; `name` is the file's name in errors. The result has passed [`Config::check`].
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        read::parse(name, text)
    }

    /// Checks what concerns several keys. To be called again when the command line has changed fields.
    pub fn check(&self) -> Result<(), Conflict> {
        let conflict = |key, sentence: &str| Err(Conflict { key, sentence: sentence.to_owned() });
        if self.http.digest && self.profile.secrets == Secrets::Masked {
            return conflict(
                "http.digest",
                "http.digest needs profile.secrets = \"plain\", because a hashed password cannot answer Digest",
            );
        }
        match (&self.tls.cert, &self.tls.key) {
            (Some(_), None) => return conflict("tls.cert", "tls.cert needs tls.key, the file with its private key"),
            (None, Some(_)) => return conflict("tls.key", "tls.key needs tls.cert, the file with its certificate"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        let mqtt = &self.mqtt;
        if mqtt.password.is_some() && mqtt.password_file.is_some() {
            return conflict("mqtt.password_file", "mqtt.password and mqtt.password_file are two passwords: give one");
        }
        if mqtt.user.is_none() && mqtt.password.is_some() {
            return conflict("mqtt.password", "mqtt.password needs mqtt.user");
        }
        if mqtt.user.is_none() && mqtt.password_file.is_some() {
            return conflict("mqtt.password_file", "mqtt.password_file needs mqtt.user");
        }
        if self.listen.is_empty() && self.tls_listen.is_empty() {
            return conflict("listen", "listen and tls_listen are both empty: nobody could reach the camera");
        }
        self.gpio.check()?;
        if self.serial.ports.len() > 4 {
            return conflict("serial.ports", "serial.ports can be four at most: the profile knows ports 0 to 3");
        }
        let ports = &self.serial.ports;
        if ports.iter().enumerate().any(|(number, port)| ports[..number].contains(port)) {
            return conflict("serial.ports", "serial.ports names a device twice, and each is held by one port alone");
        }
        if self.ptz.head == HeadKind::PelcoD && self.serial.ports.len() <= self.ptz.port {
            return conflict(
                "ptz.port",
                "ptz.head = \"pelco-d\" needs a serial port: serial.ports has none of the number ptz.port",
            );
        }
        // A source that nobody names is found at the start.
        if self.ptz.head == HeadKind::Uvc && self.source.url.as_ref().is_some_and(|url| self.head_device(url).is_none())
        {
            return conflict("ptz.device", NO_HEAD);
        }
        let listeners: Vec<_> = self.listen.iter().chain(&self.tls_listen).collect();
        for (index, one) in listeners.iter().enumerate() {
            if let Some(other) = listeners[..index].iter().find(|other| collide(one, other)) {
                let key = if index < self.listen.len() { "listen" } else { "tls_listen" };
                return conflict(
                    key,
                    &format!("{key} cannot hold {one} beside {other}: both take port {}", one.port()),
                );
            }
        }
        Ok(())
    }

    /// Returns the size of the pictures that viewers see, as far as it is known before the first.
    pub fn view(&self) -> Size {
        let view = if self.ptz.head == HeadKind::Digital { self.ptz.view } else { None };
        view.unwrap_or(self.source.size)
    }

    /// Returns the camera of a UVC head: the one that is named, else the source, if it is one ([`NO_HEAD`]).
    pub fn head_device<'a>(&'a self, source: &'a Locator) -> Option<&'a Path> {
        match (&self.ptz.device, source) {
            (Some(device), _) | (None, Locator::V4l2(device)) => Some(device),
            (None, Locator::Demo(_) | Locator::Http(_) | Locator::Files(_) | Locator::Exec(_)) => None,
        }
    }

    /// Returns the directory of the camera's state: the configured one, or the usual place for a process like this.
    pub fn state_dir(&self) -> PathBuf {
        self.state.clone().unwrap_or_else(usual)
    }
}

impl Gpio {
    fn check(&self) -> Result<(), Conflict> {
        let conflict = |key, sentence: &str| Err(Conflict { key, sentence: sentence.to_owned() });
        match &self.output {
            Some(output::Place::Line(line)) if self.input.as_ref() == Some(line) => {
                conflict("gpio.output", "gpio.output and gpio.input cannot be the same line")
            }
            Some(output::Place::Led(led)) if self.led.as_ref() == Some(led) => {
                conflict("gpio.led", "gpio.led and gpio.output cannot be the same LED")
            }
            Some(output::Place::Led(_)) if self.output_active_low => conflict(
                "gpio.output_active_low",
                "gpio.output_active_low is of a line, and gpio.output is a LED, whose driver knows which way it lights",
            ),
            Some(output::Place::Line(_) | output::Place::Led(_)) | None => Ok(()),
        }
    }

    /// Returns what is wanted of the input's line.
    pub fn wanted(&self) -> gpio::Wanted {
        let bias = match self.input_bias {
            Bias::AsIs => gpio::Bias::AsIs,
            Bias::PullUp => gpio::Bias::PullUp,
            Bias::PullDown => gpio::Bias::PullDown,
            Bias::Off => gpio::Bias::Off,
        };
        let debounce = Duration::from_millis(self.debounce_ms.into());
        gpio::Wanted { bias, active_low: self.input_active_low, debounce }
    }
}

/// Says whether two listeners cannot be bound together: the same port on addresses of which one includes the other.
fn collide(one: &SocketAddr, other: &SocketAddr) -> bool {
    let everything = |address: &SocketAddr| address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let includes = |one: &SocketAddr, other: &SocketAddr| {
        everything(one) || one.ip() == other.ip() || (one.ip().is_unspecified() && other.is_ipv4())
    };
    one.port() != 0 && one.port() == other.port() && (includes(one, other) || includes(other, one))
}

/// What a start must know before it is certain which version reads the rest of the configuration: that one may know keys that
/// this one does not.
#[derive(Debug)]
pub struct Glance {
    /// Where the settings are kept.
    pub state: PathBuf,
    /// Whose versions may run.
    pub keys: Vec<Key>,
    /// Whether older ones than the base may.
    pub downgrade: bool,
}

impl Glance {
    /// Reads these of a configuration file; what is missing or wrong is as if it were not there.
    pub fn at(path: Option<&Path>) -> Self {
        let table = path.and_then(|path| std::fs::read_to_string(path).ok()?.parse::<toml::Table>().ok());
        let of = |table: Option<&toml::Table>, key: &str| table.and_then(|table| table.get(key)).cloned();
        let upgrade = of(table.as_ref(), "upgrade").and_then(|upgrade| upgrade.try_into::<toml::Table>().ok());
        let keys =
            of(upgrade.as_ref(), "keys").and_then(|keys| keys.try_into::<Vec<String>>().ok()).unwrap_or_default();
        Self {
            state: of(table.as_ref(), "state").and_then(|state| Some(state.as_str()?.into())).unwrap_or_else(usual),
            keys: keys.iter().filter_map(|key| key.parse().ok()).collect(),
            downgrade: of(upgrade.as_ref(), "downgrade").and_then(|downgrade| downgrade.as_bool()).unwrap_or(false),
        }
    }
}

fn usual() -> PathBuf {
    usual_state_dir(|name| std::env::var_os(name), rustix::process::geteuid().is_root())
}

/// Finds the usual state directory from the environment (systemd.exec(5), XDG Base Directory Specification).
fn usual_state_dir(variable: impl Fn(&str) -> Option<OsString>, root: bool) -> PathBuf {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    // systemd separates several directories by colons; the unit's first is ours.
    let first = |value: OsString| {
        value.as_bytes().split(|byte| *byte == b':').next().map(OsStr::from_bytes).map(OsStr::to_owned)
    };
    if let Some(given) = variable("STATE_DIRECTORY").and_then(first).and_then(absolute) {
        return given;
    }
    if root {
        return PathBuf::from("/var/lib/lookout");
    }
    if let Some(base) = variable("XDG_STATE_HOME").and_then(absolute) {
        return base.join("lookout");
    }
    match variable("HOME").and_then(absolute) {
        Some(home) => home.join(".local/state/lookout"),
        None => PathBuf::from("/var/lib/lookout"),
    }
}

/// Two keys that cannot stand together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Conflict {
    /// The key to look at first.
    pub key: &'static str,
    /// What is wrong, with the keys' names.
    pub sentence: String,
}

#[cfg(test)]
mod tests;
