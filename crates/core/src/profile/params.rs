//! The table of settings: a row each, from which parsing, listings, the settings file and the manual come.
//!
//! To add a setting: a field in `Settings` with its default, and a row here. The row's place in the table is its
//! place in `get_params.cgi` (PROFILE 2.1) and in every other listing; the limits sit in the field's type.

use super::{
    commands::{Group, Page},
    settings::Settings,
    view::View,
    wire::{Illegal, Kind, Value, Wire},
};

/// A row of the table: a setting, or a value that is only shown.
pub struct Param {
    /// Its unique name: in `get_params.cgi`, `get_status.cgi` and the settings file.
    pub name: &'static str,
    /// Its name in its `set_*.cgi`, and in the listing that mirrors that CGI.
    pub wire: &'static str,
    /// The CGI that sets it.
    pub group: Option<Group>,
    /// Whether that CGI refuses a request without it (PROFILE 1.5).
    pub must: bool,
    /// The listings that show it.
    pub pages: &'static [Page],
    /// What it takes.
    pub kind: Kind,
    /// What it is, for the manual.
    pub doc: &'static str,
    /// Gives its value.
    pub show: fn(&View) -> Value,
    /// Reads and writes it; none where it is only shown.
    pub edit: Option<Edit>,
}

/// How a setting is written.
pub struct Edit {
    /// Takes a value from a request.
    pub take: fn(&mut Settings, &str) -> Result<(), Illegal>,
    /// Takes a value from the settings file.
    pub load: fn(&mut Settings, &str) -> Result<(), Illegal>,
}

/// Gives every row, in the order of `get_params.cgi`.
pub fn params() -> impl Iterator<Item = &'static Param> {
    TABLE.iter().copied().flatten()
}

/// Reads the limits off the type of a field.
const fn kind_of<T: Wire>(_field: fn(&Settings) -> &T) -> Kind {
    T::KIND
}

const MUST: bool = true;
const MAY: bool = false;

/// A setting: name, name on the wire, its CGI, whether it must be given, listings, field, what it is.
macro_rules! set {
    ($name:expr, $wire:expr, $group:ident, $must:ident, [$($page:ident)*], ($($field:tt)+), $doc:expr) => {
        Param {
            name: $name,
            wire: $wire,
            group: Some(Group::$group),
            must: $must,
            pages: &[$(Page::$page),*],
            kind: kind_of(|s| &s.$($field)+),
            doc: $doc,
            show: |view| view.settings.$($field)+.show(),
            edit: Some(Edit {
                take: |s, text| s.$($field)+.take(text),
                load: |s, text| Wire::load(text).map(|value| s.$($field)+ = value),
            }),
        }
    };
}

/// A factory value: set as such and as the current value at once.
macro_rules! factory {
    ($name:expr, $wire:expr, $group:ident, ($now:ident, $factory:ident).$field:ident, $doc:expr) => {
        Param {
            edit: Some(Edit {
                take: |s, text| s.$now.$field.take(text).and_then(|()| s.$factory.$field.take(text)),
                load: |s, text| Wire::load(text).map(|value| s.$factory.$field = value),
            }),
            ..set!($name, $wire, $group, MAY, [], ($factory.$field), $doc)
        }
    };
}

/// A value that is only shown.
macro_rules! get {
    ($name:expr, $kind:expr, [$($page:ident)*], $show:expr, $doc:expr) => {
        Param {
            name: $name, wire: $name, group: None, must: MAY, pages: &[$(Page::$page),*], kind: $kind, doc: $doc,
            show: $show, edit: None,
        }
    };
}

macro_rules! user {
    ($n:literal, $i:literal) => {
        &[
            set!(
                concat!("user", $n, "_name"),
                concat!("user", $n),
                Users,
                MUST,
                [Params],
                (users[$i].name),
                "Name of an account; empty: none."
            ),
            set!(
                concat!("user", $n, "_pwd"),
                concat!("pwd", $n),
                Users,
                MUST,
                [Params],
                (users[$i].pwd),
                "Its password; a blank one turns the account off."
            ),
            set!(
                concat!("user", $n, "_pri"),
                concat!("pri", $n),
                Users,
                MUST,
                [Params],
                (users[$i].pri),
                "What it may do (Q3)."
            ),
        ]
    };
}

macro_rules! preset {
    ($n:literal, $i:literal) => {
        &[
            set!(concat!("preset", $n, "_name"), "", Stored, MAY, [], (presets[$i].name), "Name of a preset."),
            set!(
                concat!("preset", $n, "_place"),
                "",
                Stored,
                MAY,
                [],
                (presets[$i].place),
                "Where it is; empty: not set."
            ),
        ]
    };
}

macro_rules! device {
    ($n:literal, $i:literal, $must:ident) => {
        &[
            set!(
                concat!("dev", $n, "_alias"),
                concat!("dev", $n, "_alias"),
                Devices,
                $must,
                [Params],
                (devices[$i].alias),
                "Name of another camera."
            ),
            set!(
                concat!("dev", $n, "_host"),
                concat!("dev", $n, "_host"),
                Devices,
                $must,
                [Params],
                (devices[$i].host),
                "Its address."
            ),
            set!(
                concat!("dev", $n, "_port"),
                concat!("dev", $n, "_port"),
                Devices,
                $must,
                [Params],
                (devices[$i].port),
                "Its HTTP port."
            ),
            set!(
                concat!("dev", $n, "_user"),
                concat!("dev", $n, "_user"),
                Devices,
                $must,
                [Params],
                (devices[$i].user),
                "User to log in there as."
            ),
            set!(
                concat!("dev", $n, "_pwd"),
                concat!("dev", $n, "_pwd"),
                Devices,
                $must,
                [Params],
                (devices[$i].pwd),
                "The password for it."
            ),
        ]
    };
}

/// The 21 words of a schedule, three a day, Sunday first (Q7).
macro_rules! week {
    ($prefix:literal, $group:ident, $must:ident, [$($page:ident)*], ($($field:tt)+)) => {
        &week!(@days $prefix, $group, $must, [$($page)*], ($($field)+),
            "sun" 0, "mon" 1, "tue" 2, "wed" 3, "thu" 4, "fri" 5, "sat" 6)
    };
    (@days $prefix:literal, $group:ident, $must:ident, $pages:tt, $field:tt, $($day:literal $d:literal),*) => {
        [$(
            week!(@word $prefix, $group, $must, $pages, $field, $day, $d, "_0", 0, "00-08 h"),
            week!(@word $prefix, $group, $must, $pages, $field, $day, $d, "_1", 1, "08-16 h"),
            week!(@word $prefix, $group, $must, $pages, $field, $day, $d, "_2", 2, "16-24 h"),
        )*]
    };
    (@word $prefix:literal, $group:ident, $must:ident, $pages:tt, ($($field:tt)+), $day:literal, $d:literal,
        $word:literal, $w:literal, $hours:literal) => {
        set!(concat!($prefix, "schedule_", $day, $word), concat!("schedule_", $day, $word), $group, $must, $pages,
            ($($field)+.week.days[$d][$w]), concat!("Quarter-hours of ", $day, ", ", $hours, " (Q7)."))
    };
}

const SHOWN: Kind = Kind::Int(0, i32::MAX);

#[rustfmt::skip]
static TABLE: &[&[Param]] = &[
    &[
        Param {
            show: |v| v.id.show(),
            edit: Some(Edit {
                take: |s, text| s.id.take(text).map(|()| s.mac_set = true),
                load: |s, text| Wire::load(text).map(|id| s.id = id),
            }),
            ..set!("id", "mac", Mac, MUST, [Params Status], (id),
                "Device id: the camera's MAC address; a new one is in force from the next start on.")
        },
        set!("mac_set", "", Stored, MAY, [], (mac_set), "Whether set_mac.cgi set the id: then the host's card has it, too."),
        get!("sys_ver", Kind::Text(16), [Params Status], |v| Value::Text(v.sys_ver.into()), "Version of the camera."),
        get!("app_ver", Kind::Text(16), [Params Status], |v| Value::Text(v.app_ver.to_string()), "Version of the web UI."),
        set!("alias", "alias", Alias, MUST, [Params Status], (alias), "The camera's name."),
        get!("now", SHOWN, [Params Status], |v| Value::Int(v.now.max(0)), "The camera's clock, seconds since 1970 UTC."),
        set!("tz", "tz", Datetime, MAY, [Params Status], (clock.tz),
            "Seconds; local time is UTC minus this, so west is positive (Q6)."),
        set!("daylight_saving_time", "daylight_saving_time", Datetime, MAY, [Params], (clock.dst),
            "Seconds added to local time."),
        set!("ntp_enable", "ntp_enable", Datetime, MAY, [Params], (clock.ntp), "Whether the clock follows `ntp_svr`."),
        set!("ntp_svr", "ntp_svr", Datetime, MAY, [Params], (clock.ntp_svr), "NTP server."),
        set!("clock_offset", "", Stored, MAY, [], (clock.offset_s),
            "Seconds by which the camera's clock is ahead of the host's; `now` of set_datetime.cgi sets it."),
    ],
    user!("1", 0), user!("2", 1), user!("3", 2), user!("4", 3),
    user!("5", 4), user!("6", 5), user!("7", 6), user!("8", 7),
    device!("2", 0, MUST), device!("3", 1, MUST), device!("4", 2, MUST), device!("5", 3, MAY),
    device!("6", 4, MAY), device!("7", 5, MAY), device!("8", 6, MAY), device!("9", 7, MAY),
    &[
        set!("ip", "ip", Network, MUST, [Params], (network.ip), "Address; empty: DHCP."),
        set!("mask", "mask", Network, MUST, [Params], (network.mask), "Netmask."),
        set!("gateway", "gateway", Network, MUST, [Params], (network.gateway), "Gateway."),
        set!("dns", "dns", Network, MUST, [Params], (network.dns), "DNS server."),
        set!("dhcp_vendor", "dhcp_vendor", Network, MAY, [Params], (network.dhcp_vendor), "DHCP vendor class."),
        set!("port", "port", Network, MUST, [Params], (network.port), "HTTP port (Q34)."),
        set!("port_configured", "", Stored, MAY, [], (network.port_configured),
            "HTTP port of the configuration at the last start; 0: none."),

        set!("wifi_enable", "enable", Wifi, MUST, [Params], (wifi.enable), "Whether Wi-Fi is used."),
        set!("wifi_ssid", "ssid", Wifi, MUST, [Params], (wifi.ssid),
            "The network's name; more than 32 bytes cannot be joined."),
        set!("wifi_channel", "channel", Wifi, MUST, [Params], (wifi.channel), "Reserved; stored."),
        set!("wifi_encrypt", "encrypt", Wifi, MUST, [Params], (wifi.encrypt), "Encryption."),
        set!("wifi_defkey", "defkey", Wifi, MUST, [Params], (wifi.defkey), "WEP key in use."),
        set!("wifi_key1", "key1", Wifi, MUST, [Params], (wifi.keys[0].key), "WEP key 1."),
        set!("wifi_key2", "key2", Wifi, MUST, [Params], (wifi.keys[1].key), "WEP key 2."),
        set!("wifi_key3", "key3", Wifi, MUST, [Params], (wifi.keys[2].key), "WEP key 3."),
        set!("wifi_key4", "key4", Wifi, MUST, [Params], (wifi.keys[3].key), "WEP key 4."),
        set!("wifi_authtype", "authtype", Wifi, MUST, [Params], (wifi.authtype), "WEP authentication."),
        set!("wifi_keyformat", "keyformat", Wifi, MUST, [Params], (wifi.keyformat), "How WEP keys are written."),
        set!("wifi_key1_bits", "key1_bits", Wifi, MUST, [Params], (wifi.keys[0].bits), "Length of WEP key 1."),
        set!("wifi_key2_bits", "key2_bits", Wifi, MUST, [Params], (wifi.keys[1].bits), "Length of WEP key 2."),
        set!("wifi_key3_bits", "key3_bits", Wifi, MUST, [Params], (wifi.keys[2].bits), "Length of WEP key 3."),
        set!("wifi_key4_bits", "key4_bits", Wifi, MUST, [Params], (wifi.keys[3].bits), "Length of WEP key 4."),
        set!("wifi_mode", "mode", Wifi, MUST, [Params], (wifi.mode), "Reserved; stored."),
        set!("wifi_wpa_psk", "wpa_psk", Wifi, MUST, [Params], (wifi.wpa_psk), "WPA key."),
        set!("wifi_country", "country", Wifi, MAY, [Params], (wifi.country), "Regulatory country."),

        set!("pppoe_enable", "enable", Pppoe, MUST, [Params], (pppoe.enable), "Whether PPPoE is used."),
        set!("pppoe_user", "user", Pppoe, MUST, [Params], (pppoe.user), "PPPoE user."),
        set!("pppoe_pwd", "pwd", Pppoe, MUST, [Params], (pppoe.pwd), "PPPoE password."),
        set!("", "mail_ip", Pppoe, MAY, [], (mail.inet_ip), "Another spelling of `mail_inet_ip`."),

        set!("upnp_enable", "enable", Upnp, MUST, [Params], (upnp),
            "Whether the HTTP port is mapped on the Internet gateway."),

        get!("alarm_status", Kind::Int(0, 3), [Status], |v| Value::Int(v.status.alarm.into()),
            "0 none, 1 motion, 2 input, 3 sound."),
        get!("ddns_status", Kind::Int(0, 42), [Status], |v| Value::Int(v.status.ddns.into()),
            "How dynamic DNS stands (PROFILE 4.5)."),
        set!("ddns_service", "service", Ddns, MUST, [Params], (ddns.service), "Dynamic DNS service."),
        set!("ddns_user", "user", Ddns, MUST, [Params], (ddns.user), "Dynamic DNS user."),
        set!("ddns_pwd", "pwd", Ddns, MUST, [Params], (ddns.pwd), "Dynamic DNS password."),
        set!("ddns_host", "host", Ddns, MUST, [Params Status], (ddns.host), "The camera's public name."),
        get!("oray_type", Kind::Int(0, 1), [Status], |v| Value::Int(v.status.oray.into()),
            "0 standard, 1 professional."),
        get!("upnp_status", Kind::Int(0, 5), [Status], |v| Value::Int(v.status.upnp.into()),
            "How the port mapping stands (PROFILE 4.6)."),
        get!("wifi_status", Kind::Int(0, 1), [Status], |v| Value::Int(v.status.wifi.into()),
            "1: joined to the wireless network."),
        set!("ddns_proxy_svr", "proxy_svr", Ddns, MUST, [Params], (ddns.proxy_svr), "HTTP proxy for services 2-4."),
        set!("ddns_proxy_port", "proxy_port", Ddns, MUST, [Params], (ddns.proxy_port), "The proxy's port."),
        factory!("factory_ddns_service", "service", FactoryDdns, (ddns, factory_ddns).service,
            "`ddns_service` after a factory reset."),
        factory!("factory_ddns_user", "user", FactoryDdns, (ddns, factory_ddns).user,
            "`ddns_user` after a factory reset."),
        factory!("factory_ddns_pwd", "pwd", FactoryDdns, (ddns, factory_ddns).pwd,
            "`ddns_pwd` after a factory reset."),
        factory!("factory_ddns_host", "host", FactoryDdns, (ddns, factory_ddns).host,
            "`ddns_host` after a factory reset."),
        factory!("factory_ddns_proxy_svr", "proxy_svr", FactoryDdns, (ddns, factory_ddns).proxy_svr,
            "`ddns_proxy_svr` after a factory reset."),
        factory!("factory_ddns_proxy_port", "proxy_port", FactoryDdns, (ddns, factory_ddns).proxy_port,
            "`ddns_proxy_port` after a factory reset."),

        set!("mail_svr", "svr", Mail, MUST, [Params], (mail.svr), "SMTP server."),
        set!("mail_port", "port", Mail, MAY, [Params], (mail.port), "SMTP server's TCP port (Q5)."),
        set!("mail_tls", "tls", Mail, MAY, [Params], (mail.tls), "Encryption."),
        set!("mail_user", "user", Mail, MUST, [Params], (mail.user), "SMTP user; empty: no SMTP AUTH."),
        set!("mail_pwd", "pwd", Mail, MUST, [Params], (mail.pwd), "SMTP password."),
        set!("mail_sender", "sender", Mail, MUST, [Params], (mail.sender), "Sender."),
        set!("mail_receiver1", "receiver1", Mail, MUST, [Params], (mail.receivers[0]), "Receiver 1."),
        set!("mail_receiver2", "receiver2", Mail, MUST, [Params], (mail.receivers[1]), "Receiver 2."),
        set!("mail_receiver3", "receiver3", Mail, MUST, [Params], (mail.receivers[2]), "Receiver 3."),
        set!("mail_receiver4", "receiver4", Mail, MUST, [Params], (mail.receivers[3]), "Receiver 4."),
        set!("mail_inet_ip", "mail_inet_ip", Mail, MAY, [Params], (mail.inet_ip),
            "1: a new public address is mailed."),

        set!("ftp_svr", "svr", Ftp, MAY, [Params], (ftp.svr), "FTP server."),
        set!("ftp_port", "port", Ftp, MAY, [Params], (ftp.port), "FTP server's TCP port."),
        set!("ftp_user", "user", Ftp, MAY, [Params], (ftp.user), "FTP user."),
        set!("ftp_pwd", "pwd", Ftp, MAY, [Params], (ftp.pwd), "FTP password."),
        set!("ftp_dir", "dir", Ftp, MAY, [Params], (ftp.dir), "Directory on the server."),
        set!("ftp_mode", "mode", Ftp, MAY, [Params], (ftp.mode), "How data connections are made."),
        set!("ftp_tls", "tls", Ftp, MAY, [Params], (ftp.tls), "Encryption (Q57)."),
        set!("ftp_retain", "retain", Ftp, MAY, [Params], (ftp.retain),
            "1: the connection is kept between uploads."),
        set!("ftp_upload_interval", "upload_interval", Ftp, MAY, [Params], (ftp.upload_interval_s),
            "Seconds between timed uploads; 0: none."),
        set!("ftp_filename", "filename", Ftp, MAY, [Params], (ftp.filename), "Fixed file name."),
        set!("ftp_numberoffiles", "numberoffiles", Ftp, MAY, [Params], (ftp.numberoffiles),
            "How many numbered files take turns."),
        set!("ftp_schedule_enable", "schedule_enable", Ftp, MAY, [Params], (ftp.schedule.enable),
            "Whether timed uploads follow the schedule."),
    ],
    week!("ftp_", Ftp, MAY, [Params], (ftp.schedule)),
    &[
        set!("alarm_motion_armed", "motion_armed", Alarm, MAY, [Params], (alarm.motion_armed), "Whether motion triggers."),
        set!("alarm_motion_sensitivity", "motion_sensitivity", Alarm, MAY, [Params], (alarm.motion_sensitivity),
            "0 the most sensitive."),
        set!("alarm_motion_compensation", "motion_compensation", Alarm, MAY, [Params], (alarm.motion_compensation),
            "1: sudden changes of light are no motion."),
        set!("alarm_motion_mask", "motion_mask", Alarm, MAY, [Params], (alarm.motion_mask),
            "Zones in which nothing is looked for: 32 cells in each of 24 rows from the top, 8 digits a row, the most significant bit the \
             leftmost cell, 1: not watched; empty: all are watched (Q56)."),
        set!("alarm_input_armed", "input_armed", Alarm, MAY, [Params], (alarm.input_armed), "Whether the input triggers."),
        set!("alarm_ioin_level", "ioin_level", Alarm, MAY, [Params], (alarm.ioin_level), "Input level that triggers."),
        set!("alarm_sounddetect_armed", "sounddetect_armed", Alarm, MAY, [Params], (alarm.sound_armed),
            "Whether sound triggers."),
        set!("alarm_sounddetect_sensitivity", "sounddetect_sensitivity", Alarm, MAY, [Params],
            (alarm.sound_sensitivity), "0 the most sensitive."),
        set!("alarm_iolinkage", "iolinkage", Alarm, MAY, [Params], (alarm.iolinkage),
            "1: the output is driven while the alarm lasts."),
        set!("alarm_preset", "preset", Alarm, MAY, [Params], (alarm.preset),
            "Preset to go to when an alarm begins; 0: none."),
        set!("alarm_ioout_level", "ioout_level", Alarm, MAY, [Params], (alarm.ioout_level), "Output level driven."),
        set!("alarm_mail", "mail", Alarm, MAY, [Params], (alarm.mail), "1: an alarm is mailed."),
        set!("alarm_upload_interval", "upload_interval", Alarm, MAY, [Params], (alarm.upload_interval_s),
            "Seconds between uploads while the alarm lasts; 0: none."),
        set!("alarm_http", "http", Alarm, MAY, [Params], (alarm.http), "1: `http_url` is called when an alarm begins."),
        set!("alarm_http_url", "http_url", Alarm, MAY, [Params], (alarm.http_url), "The address called."),
        set!("alarm_schedule_enable", "schedule_enable", Alarm, MAY, [Params], (alarm.schedule.enable),
            "Whether arming follows the schedule; 0: armed all the time."),
    ],
    week!("alarm_", Alarm, MAY, [Params], (alarm.schedule)),
    &[
        set!("decoder_baud", "baud", Decoder, MUST, [Params], (baud), "Speed of the head's serial line, bit/s."),

        set!("privacy_now", "now", Privacy, MUST, [Params], (privacy_now),
            "1: no picture or sound leaves the camera until this is 0 again, whatever the hour (Q63)."),
        set!("setup_done", "done", Setup, MUST, [Params], (setup_done),
            "1: the web UI asks no more for the first settings (Q86)."),

        set!("forbidden_schedule_enable", "schedule_enable", Forbidden, MUST, [Forbidden], (forbidden.enable),
            "Whether the forbidden hours hold."),
    ],
    week!("forbidden_", Forbidden, MUST, [Forbidden], (forbidden)),
    &[
        set!("led_mode", "led_mode", Misc, MAY, [Misc], (misc.led_mode), "What the lamp shows."),
        set!("ptz_center_onstart", "ptz_center_onstart", Misc, MAY, [Misc], (misc.center_onstart),
            "1: the head centres at start."),
        set!("ptz_auto_patrol_interval", "ptz_auto_patrol_interval", Misc, MAY, [Misc], (misc.auto_patrol_interval_s),
            "Seconds between automatic patrols; 0: none."),
        set!("ptz_auto_patrol_type", "ptz_auto_patrol_type", Misc, MAY, [Misc], (misc.auto_patrol_type),
            "What an automatic patrol is."),
        set!("ptz_patrol_h_rounds", "ptz_patrol_h_rounds", Misc, MAY, [Misc], (misc.patrol_h_rounds),
            "Rounds of a horizontal patrol; 0: endless."),
        set!("ptz_patrol_v_rounds", "ptz_patrol_v_rounds", Misc, MAY, [Misc], (misc.patrol_v_rounds),
            "Rounds of a vertical patrol; 0: endless."),
        set!("ptz_patrol_rate", "ptz_patrol_rate", Misc, MAY, [Misc], (misc.rate), "Manual speed, 0 the fastest."),
        set!("ptz_patrol_up_rate", "ptz_patrol_up_rate", Misc, MAY, [Misc], (misc.up_rate),
            "Patrol speed upwards, 0 the slowest."),
        set!("ptz_patrol_down_rate", "ptz_patrol_down_rate", Misc, MAY, [Misc], (misc.down_rate),
            "Patrol speed downwards, 0 the slowest."),
        set!("ptz_patrol_left_rate", "ptz_patrol_left_rate", Misc, MAY, [Misc], (misc.left_rate),
            "Patrol speed to the left, 0 the slowest."),
        set!("ptz_patrol_right_rate", "ptz_patrol_right_rate", Misc, MAY, [Misc], (misc.right_rate),
            "Patrol speed to the right, 0 the slowest."),
        set!("ptz_disable_preset", "ptz_disable_preset", Misc, MAY, [Misc], (misc.disable_preset),
            "1: presets are off, from the next start on."),
        set!("ptz_preset_onstart", "ptz_preset_onstart", Misc, MAY, [Misc], (misc.preset_onstart),
            "Preset to go to at start; 0: none."),

        set!("head_place", "", Stored, MAY, [], (head_place), "Where the head rests."),

        set!("web_pack", "", Stored, MAY, [], (web_pack),
            "The installed web pack, by the SHA-256 of its file; empty: the built-in web UI."),

        set!("camera_resolution", "resolution", Image, MAY, [Camera], (image.resolution),
            "Size of a stream that asks for none; `param` 0 of camera_control.cgi."),
        set!("camera_brightness", "brightness", Image, MAY, [Camera], (image.brightness), "128 is neutral; `param` 1."),
        set!("camera_contrast", "contrast", Image, MAY, [Camera], (image.contrast), "3 is neutral; `param` 2."),
        set!("camera_mode", "mode", Image, MAY, [Camera], (image.mode), "Anti-flicker; `param` 3."),
        set!("camera_flip", "flip", Image, MAY, [Camera], (image.flip), "Which way round the picture is; `param` 5."),
        get!("fps", Kind::Int(0, 0), [Camera], |_| Value::Int(0), "Rate code in use: 0, as fast as the source."),
    ],
    preset!(1, 0),
    preset!(2, 1),
    preset!(3, 2),
    preset!(4, 3),
    preset!(5, 4),
    preset!(6, 5),
    preset!(7, 6),
    preset!(8, 7),
    preset!(9, 8),
    preset!(10, 9),
    preset!(11, 10),
    preset!(12, 11),
    preset!(13, 12),
    preset!(14, 13),
    preset!(15, 14),
    preset!(16, 15),
    preset!(17, 16),
    preset!(18, 17),
    preset!(19, 18),
    preset!(20, 19),
    preset!(21, 20),
    preset!(22, 21),
    preset!(23, 22),
    preset!(24, 23),
    preset!(25, 24),
    preset!(26, 25),
    preset!(27, 26),
    preset!(28, 27),
    preset!(29, 28),
    preset!(30, 29),
    preset!(31, 30),
    preset!(32, 31),
];
