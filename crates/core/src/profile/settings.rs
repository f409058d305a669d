//! Everything that the profile can set, typed: what is legal is what fits in here (PROFILE 2).

use super::{
    mask::Mask,
    place::Place,
    week::Schedule,
    wire::{Host, Int, Ip, Key, Mac, Mail, Password, Seconds, Text, Url, choice},
};

/// The camera's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Device id; survives a factory reset.
    pub id: Mac,
    /// Whether a manager set the id: then the host's card is to have it, too; survives a factory reset.
    pub mac_set: bool,
    /// The camera's name.
    pub alias: Text<20>,
    /// Clock and time zone.
    pub clock: Clock,
    /// The accounts.
    pub users: [User; 8],
    /// Other cameras, 2 to 9.
    pub devices: [Device; 8],
    /// Wired network.
    pub network: Network,
    /// Wireless network.
    pub wifi: Wifi,
    /// Dial-up over DSL.
    pub pppoe: Pppoe,
    /// Port mapping on the Internet gateway.
    pub upnp: bool,
    /// Dynamic DNS.
    pub ddns: Ddns,
    /// Dynamic DNS as it is after a factory reset, which leaves it alone (PROFILE 7.2).
    pub factory_ddns: Ddns,
    /// Uploads.
    pub ftp: Ftp,
    /// Mail.
    pub mail: MailAccount,
    /// Alarms.
    pub alarm: Alarm,
    /// Hours in which no picture or sound leaves the camera.
    pub forbidden: Schedule,
    /// Whether none leaves it at any hour, until somebody says otherwise (Q63).
    pub privacy_now: bool,
    /// Whether an owner has made the first settings, or did not want to (Q86).
    pub setup_done: bool,
    /// Lamp and head.
    pub misc: Misc,
    /// The serial line of the head.
    pub baud: Baud,
    /// Where the head can be sent, by number from 1.
    pub presets: [Preset; 32],
    /// Where the head rests, so that it is there again after a restart.
    pub head_place: Place,
    /// The picture.
    pub image: ImageSettings,
    /// The installed web pack, by the SHA-256 of its file in hexadecimal digits; empty: the built-in web UI.
    pub web_pack: Text<64>,
}

impl Settings {
    /// Makes the factory state: everything off, no account.
    pub fn factory() -> Self {
        Self { alias: known("ipcamera"), ..Self::default() }
    }

    /// Returns the factory state of this camera, which keeps its id and its factory values (PROFILE 7.2).
    pub fn reset(&self) -> Self {
        let ddns = self.factory_ddns.clone();
        Self { id: self.id, mac_set: self.mac_set, ddns: ddns.clone(), factory_ddns: ddns, ..Self::factory() }
    }
}

/// Reads a default that is a constant of this file.
fn known<T: super::wire::Wire + Default>(text: &str) -> T {
    debug_assert!(T::parse(text).is_ok(), "a legal default");
    T::parse(text).unwrap_or_default()
}

/// Clock and time zone (`set_datetime.cgi`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Seconds; local time = UTC − tz, so west is positive (Q6).
    pub tz: Int<-50400, 50400>,
    /// Seconds added to local time.
    pub dst: Int<-7200, 7200>,
    /// Whether the clock follows `ntp_svr`.
    pub ntp: bool,
    /// NTP server.
    pub ntp_svr: Host<64>,
    /// Seconds by which the camera's clock is ahead of the host's.
    pub offset_s: Seconds,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            tz: Int::new(0),
            dst: Int::new(0),
            ntp: true,
            ntp_svr: known("time.nist.gov"),
            offset_s: Seconds::default(),
        }
    }
}

impl Clock {
    /// Returns the camera's clock, seconds since 1970 UTC, when the host's says `host`.
    pub fn unix(&self, host: i64) -> i64 {
        host.saturating_add(self.offset_s.0)
    }

    /// Returns the camera's local time, counted like seconds since 1970, when the host's clock says `host`.
    pub fn local(&self, host: i64) -> i64 {
        self.unix(host).saturating_add((self.dst.get() - self.tz.get()).into())
    }
}

/// An account (`set_users.cgi`); without a name the slot is free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Name.
    pub name: Text<12>,
    /// Password.
    pub pwd: Password,
    /// What the user may do.
    pub pri: Level,
}

choice! {
    /// What an account may do, as `pri` numbers it (Q3).
    Level {
        #[default]
        Visitor = 0 "visitor",
        Operator = 1 "operator",
        Manager = 2 "manager",
    }
}

/// Another camera (`set_devices.cgi`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub alias: Text<20>,
    /// Its address.
    pub host: Host<64>,
    /// Its HTTP port.
    pub port: Port,
    /// User to log in as.
    pub user: Text<12>,
    /// The password for it.
    pub pwd: Key<12>,
}

/// A TCP port, or 0 for none.
pub type Port = Int<0, 65535>;

impl Default for Port {
    fn default() -> Self {
        Self::new(0)
    }
}

/// Wired network (`set_network.cgi`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Address; none: DHCP.
    pub ip: Ip,
    /// Netmask.
    pub mask: Ip,
    /// Gateway.
    pub gateway: Ip,
    /// DNS server.
    pub dns: Ip,
    /// HTTP port.
    pub port: Int<1, 65535>,
    /// The port that the machine's configuration named when the camera last started; 0: none, or it never did.
    pub port_configured: Port,
    /// DHCP vendor class.
    pub dhcp_vendor: Text<64>,
}

impl Default for Network {
    fn default() -> Self {
        let none = Ip(None);
        Self {
            ip: none,
            mask: none,
            gateway: none,
            dns: none,
            port: Int::new(8080),
            port_configured: Port::default(),
            dhcp_vendor: Text::default(),
        }
    }
}

/// Wireless network (`set_wifi.cgi`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wifi {
    /// On or off.
    pub enable: bool,
    /// The network's name.
    pub ssid: Text<40>,
    /// Reserved.
    pub channel: Int<0, 255>,
    /// Reserved.
    pub mode: Int<0, 255>,
    /// Encryption.
    pub encrypt: Encrypt,
    /// WEP authentication.
    pub authtype: AuthType,
    /// WEP key format.
    pub keyformat: KeyFormat,
    /// WEP key in use, 0-3.
    pub defkey: Int<0, 3>,
    /// WEP keys.
    pub keys: [WepKey; 4],
    /// WPA key.
    pub wpa_psk: Key<64>,
    /// Regulatory country.
    pub country: Int<0, 7>,
}

impl Default for Wifi {
    fn default() -> Self {
        Self {
            enable: false,
            ssid: Text::default(),
            channel: Int::new(5),
            mode: Int::new(0),
            encrypt: Encrypt::default(),
            authtype: AuthType::default(),
            keyformat: KeyFormat::default(),
            defkey: Int::new(0),
            keys: Default::default(),
            wpa_psk: Key::default(),
            country: Int::new(0),
        }
    }
}

/// A WEP key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WepKey {
    /// The key.
    pub key: Key<30>,
    /// Its length.
    pub bits: KeyBits,
}

choice! {
    /// Wireless encryption.
    Encrypt {
        #[default]
        Open = 0 "open",
        Wep = 1 "WEP",
        WpaTkip = 2 "WPA-TKIP",
        WpaAes = 3 "WPA-AES",
        Wpa2Aes = 4 "WPA2-AES",
        Wpa2Mixed = 5 "WPA2 TKIP+AES",
    }
}
choice! {
    /// WEP authentication.
    AuthType {
        #[default]
        Open = 0 "open",
        Shared = 1 "shared key",
    }
}
choice! {
    /// How WEP keys are written.
    KeyFormat {
        #[default]
        Hex = 0 "hexadecimal",
        Ascii = 1 "ASCII",
    }
}
choice! {
    /// Length of a WEP key.
    KeyBits {
        #[default]
        Bits64 = 0 "64 bits",
        Bits128 = 1 "128 bits",
    }
}

/// Dial-up over DSL (`set_pppoe.cgi`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pppoe {
    /// On or off.
    pub enable: bool,
    /// User.
    pub user: Text<64>,
    /// Password.
    pub pwd: Key<64>,
}

choice! {
    /// Dynamic DNS services; the reserved ones are stored and do nothing.
    DdnsService {
        #[default]
        None = 0 "none",
        Oray = 1 "Oray",
        DynDns = 2 "DynDNS dyndns",
        StatDns = 3 "DynDNS statdns",
        Custom = 4 "DynDNS custom",
        Reserved5 = 5 "reserved",
        Reserved6 = 6 "reserved",
        Reserved7 = 7 "reserved",
        Dyn3322 = 8 "3322 dyndns",
        Stat3322 = 9 "3322 statdns",
        Reserved10 = 10 "reserved",
        Reserved11 = 11 "reserved",
        Reserved12 = 12 "reserved",
    }
}

/// Dynamic DNS (`set_ddns.cgi`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ddns {
    /// Which service.
    pub service: DdnsService,
    /// User.
    pub user: Text<64>,
    /// Password.
    pub pwd: Key<64>,
    /// The camera's public name.
    pub host: Host<64>,
    /// HTTP proxy for DynDNS.
    pub proxy_svr: Host<64>,
    /// The proxy's port.
    pub proxy_port: Port,
}

/// Uploads (`set_ftp.cgi`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ftp {
    /// Server.
    pub svr: Host<64>,
    /// The server's port.
    pub port: Port,
    /// User.
    pub user: Text<64>,
    /// Password.
    pub pwd: Key<64>,
    /// Directory.
    pub dir: Text<64>,
    /// How data connections are made.
    pub mode: FtpMode,
    /// Encryption.
    pub tls: FtpTls,
    /// Whether the connection is kept between uploads.
    pub retain: bool,
    /// Seconds between timed uploads; 0: none.
    pub upload_interval_s: Int<0, 65535>,
    /// Fixed file name.
    pub filename: Text<64>,
    /// How many numbered files take turns.
    pub numberoffiles: Int<0, 65535>,
    /// When timed uploads are made.
    pub schedule: Schedule,
}

impl Default for Ftp {
    fn default() -> Self {
        Self {
            svr: Host::default(),
            port: Int::new(21),
            user: Text::default(),
            pwd: Key::default(),
            dir: Text::default(),
            mode: FtpMode::default(),
            tls: FtpTls::default(),
            retain: false,
            upload_interval_s: Int::new(0),
            filename: Text::default(),
            numberoffiles: Int::new(0),
            schedule: Schedule::default(),
        }
    }
}

choice! {
    /// FTP data connections.
    FtpMode {
        Port = 0 "PORT (active)",
        #[default]
        Passive = 1 "PASV (passive)",
    }
}

choice! {
    /// Encryption of uploads.
    FtpTls {
        #[default]
        None = 0 "none",
        Explicit = 1 "explicit TLS (AUTH TLS)",
    }
}

/// Mail (`set_mail.cgi`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAccount {
    /// SMTP server.
    pub svr: Host<64>,
    /// The server's port.
    pub port: Port,
    /// Encryption.
    pub tls: MailTls,
    /// User; none: no SMTP AUTH.
    pub user: Text<64>,
    /// Password.
    pub pwd: Key<64>,
    /// Sender.
    pub sender: Mail<64>,
    /// Receivers.
    pub receivers: [Mail<64>; 4],
    /// Whether a new public address is mailed.
    pub inet_ip: bool,
}

impl Default for MailAccount {
    fn default() -> Self {
        Self {
            svr: Host::default(),
            port: Int::new(25),
            tls: MailTls::default(),
            user: Text::default(),
            pwd: Key::default(),
            sender: Mail::default(),
            receivers: Default::default(),
            inet_ip: false,
        }
    }
}

choice! {
    /// Encryption of mail.
    MailTls {
        #[default]
        None = 0 "none",
        Tls = 1 "TLS",
        StartTls = 2 "STARTTLS",
    }
}

/// Alarms (`set_alarm.cgi`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Whether motion triggers.
    pub motion_armed: bool,
    /// 0 the most sensitive.
    pub motion_sensitivity: Int<0, 9>,
    /// Whether sudden changes of light are no motion.
    pub motion_compensation: bool,
    /// Zones in which nothing is looked for.
    pub motion_mask: Mask,
    /// Whether the input triggers.
    pub input_armed: bool,
    /// Input level that triggers.
    pub ioin_level: LineLevel,
    /// Whether sound triggers.
    pub sound_armed: bool,
    /// 0 the most sensitive.
    pub sound_sensitivity: Int<0, 9>,
    /// Whether the output is driven while the alarm lasts.
    pub iolinkage: bool,
    /// Preset to go to; 0: none.
    pub preset: Int<0, 32>,
    /// Output level driven.
    pub ioout_level: LineLevel,
    /// Whether a mail is sent.
    pub mail: bool,
    /// Seconds between uploads while the alarm lasts; 0: none.
    pub upload_interval_s: Int<0, 65535>,
    /// Whether `http_url` is called.
    pub http: bool,
    /// The address called.
    pub http_url: Url<256>,
    /// When alarms are armed; not enabled: always.
    pub schedule: Schedule,
}

impl Alarm {
    /// Returns the sensitivity to motion, 0 to 9.
    pub fn sensitivity(&self) -> u8 {
        u8::try_from(self.motion_sensitivity.get()).unwrap_or(u8::MAX)
    }
}

impl Default for Alarm {
    fn default() -> Self {
        Self {
            motion_armed: false,
            motion_sensitivity: Int::new(5),
            motion_compensation: true,
            motion_mask: Mask::default(),
            input_armed: false,
            ioin_level: LineLevel::default(),
            sound_armed: false,
            sound_sensitivity: Int::new(5),
            iolinkage: false,
            preset: Int::new(0),
            ioout_level: LineLevel::default(),
            mail: false,
            upload_interval_s: Int::new(0),
            http: false,
            http_url: Url::default(),
            schedule: Schedule::default(),
        }
    }
}

choice! {
    /// The level of an input or output line.
    LineLevel {
        Low = 0 "low",
        #[default]
        High = 1 "high",
    }
}

impl LineLevel {
    /// Returns the level that this one is not.
    pub const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }

    /// Returns its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

/// Lamp and head (`set_misc.cgi`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misc {
    /// What the lamp shows.
    pub led_mode: LedMode,
    /// Whether the head centres at start.
    pub center_onstart: bool,
    /// Seconds between automatic patrols; 0: none.
    pub auto_patrol_interval_s: Int<0, 65535>,
    /// What an automatic patrol is.
    pub auto_patrol_type: PatrolType,
    /// Rounds of a horizontal patrol; 0: endless.
    pub patrol_h_rounds: Int<0, 65535>,
    /// Rounds of a vertical patrol; 0: endless.
    pub patrol_v_rounds: Int<0, 65535>,
    /// Manual speed, 0 the fastest.
    pub rate: Int<0, 100>,
    /// Patrol speed upwards, 0 the slowest.
    pub up_rate: Int<0, 100>,
    /// Patrol speed downwards, 0 the slowest.
    pub down_rate: Int<0, 100>,
    /// Patrol speed to the left, 0 the slowest.
    pub left_rate: Int<0, 100>,
    /// Patrol speed to the right, 0 the slowest.
    pub right_rate: Int<0, 100>,
    /// Whether presets are off, from the next start on.
    pub disable_preset: bool,
    /// Preset to go to at start; 0: none.
    pub preset_onstart: Int<0, 32>,
}

impl Default for Misc {
    fn default() -> Self {
        Self {
            led_mode: LedMode::default(),
            center_onstart: false,
            auto_patrol_interval_s: Int::new(0),
            auto_patrol_type: PatrolType::default(),
            patrol_h_rounds: Int::new(0),
            patrol_v_rounds: Int::new(0),
            rate: Int::new(0),
            up_rate: Int::new(50),
            down_rate: Int::new(50),
            left_rate: Int::new(50),
            right_rate: Int::new(50),
            disable_preset: false,
            preset_onstart: Int::new(0),
        }
    }
}

choice! {
    /// What the lamp shows.
    LedMode {
        #[default]
        Network = 0 "blinks with the network",
        Watched = 1 "on while someone watches",
        Off = 2 "off",
    }
}
choice! {
    /// Automatic patrols.
    PatrolType {
        #[default]
        None = 0 "none",
        Horizontal = 1 "horizontal",
        Vertical = 2 "vertical",
        Both = 3 "both",
    }
}
choice! {
    /// Speed of the serial line, by the codes of `termios.h`.
    Baud {
        B1200 = 9 "1200",
        #[default]
        B2400 = 11 "2400",
        B4800 = 12 "4800",
        B9600 = 13 "9600",
        B19200 = 14 "19200",
        B38400 = 15 "38400",
        B57600 = 4097 "57600",
        B115200 = 4098 "115200",
    }
}

impl Baud {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::B1200, Self::B2400, Self::B4800, Self::B9600, Self::B19200, Self::B38400, Self::B57600, Self::B115200];

    /// Returns the speed, bit/s.
    pub const fn rate(self) -> u32 {
        match self {
            Self::B1200 => 1200,
            Self::B2400 => 2400,
            Self::B4800 => 4800,
            Self::B9600 => 9600,
            Self::B19200 => 19_200,
            Self::B38400 => 38_400,
            Self::B57600 => 57_600,
            Self::B115200 => 115_200,
        }
    }
}

/// Where the head can be sent (PROFILE 5.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preset {
    /// What people call it.
    pub name: Text<32>,
    /// Where it is.
    pub place: Place,
}

/// The numbers of `param` in `camera_control.cgi`, and the names on the wire of the settings that they mean.
pub const IMAGE_PARAMS: &[(i32, &str)] =
    &[(0, "resolution"), (1, "brightness"), (2, "contrast"), (3, "mode"), (5, "flip")];

/// The picture (`camera_control.cgi`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSettings {
    /// Size of a stream that asks for none.
    pub resolution: Resolution,
    /// 128 is neutral.
    pub brightness: Int<0, 255>,
    /// 3 is neutral.
    pub contrast: Int<0, 6>,
    /// Anti-flicker.
    pub mode: LightMode,
    /// Which way round.
    pub flip: Flip,
}

impl Default for ImageSettings {
    fn default() -> Self {
        Self {
            resolution: Resolution::default(),
            brightness: Int::new(128),
            contrast: Int::new(3),
            mode: LightMode::default(),
            flip: Flip::default(),
        }
    }
}

choice! {
    /// Sizes that a stream can have; VGA is the source's full size (Q10, Q17).
    #[derive(Hash)]
    Resolution {
        Qqvga = 2 "160x120",
        Qvga = 8 "320x240",
        #[default]
        Vga = 32 "640x480, the full size of the source",
    }
}
choice! {
    /// Anti-flicker.
    LightMode {
        #[default]
        Hz50 = 0 "50 Hz",
        Hz60 = 1 "60 Hz",
        Outdoor = 2 "outdoor",
    }
}
choice! {
    /// Which way round the picture is.
    Flip {
        #[default]
        None = 0 "as it is",
        Vertical = 1 "upside down",
        Mirror = 2 "mirrored",
        Both = 3 "both",
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::wire::{Kind, Wire as _},
        *,
    };

    #[test]
    fn the_speeds_are_those_of_their_words() {
        let Kind::Choice(words) = Baud::KIND else { panic!("speeds are a choice") };
        let rates = Baud::ALL.map(|baud| (baud as i32, baud.rate().to_string()));
        assert!(words.iter().map(|(code, rate)| (*code, (*rate).to_owned())).eq(rates), "{words:?}");
    }
}
