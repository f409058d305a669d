//! The host as far as its operator lets the camera have it: its network, its clock, its power (PROFILE 4.7).
//!
//! What is wanted and what is found, as plain values. Whoever applies them stands behind [`port::Host`](crate::port::Host) and
//! knows nothing of the profile's numbers.

pub mod chosen;
pub mod confirm;
pub mod door;
pub mod plan;
pub mod scan;

use std::net::{IpAddr, Ipv4Addr};

use crate::profile::wire::{Mac, Secret};

/// What the camera's settings want of the host's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where its address comes from: one for the cable and for the wireless network, as such cameras have it.
    pub addressing: Addressing,
    /// The wireless network to be in, if any.
    pub wifi: Option<Wifi>,
    /// The line to dial up over the cable, if any.
    pub pppoe: Option<Pppoe>,
    /// The address of the cable's card; none: its own.
    pub mac: Option<Mac>,
}

/// Where an address comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// From a DHCP server.
    Dhcp {
        /// The vendor class that is told to it (option 60); empty: none.
        vendor: String,
    },
    /// It is set.
    Static {
        /// The address.
        ip: Ipv4Addr,
        /// How many bits of it are the network's, 1 to 32.
        prefix: u8,
        /// The way to other networks.
        gateway: Option<Ipv4Addr>,
        /// The name server.
        dns: Option<Ipv4Addr>,
    },
}

/// A wireless network to join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wifi {
    /// Its name, 1 to 32 bytes of any kind.
    pub ssid: Vec<u8>,
    /// How it is locked.
    pub security: Security,
}

/// How a wireless network is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Open,
    /// WEP.
    Wep {
        /// The keys in hexadecimal digits, 10 or 26 of them; none where the slot is empty.
        keys: [Option<Secret>; 4],
        /// The key that is sent with, 0 to 3: it is there.
        index: u8,
        /// Whether the key is asked for before association (shared key), else after it (open system).
        shared: bool,
    },
    /// A key shared by all, WPA or WPA2.
    Psk {
        /// 8 to 63 characters, or 64 hexadecimal digits.
        key: Secret,
        /// Which generation and which ciphers.
        mode: WpaMode,
    },
}

/// Which WPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WpaMode {
    /// WPA with TKIP.
    WpaTkip,
    /// WPA with AES.
    WpaAes,
    /// WPA2 with AES.
    Wpa2Aes,
    /// WPA2 with TKIP or AES.
    Wpa2Mixed,
}

/// A dial-up over DSL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pppoe {
    /// User.
    pub user: String,
    /// Password.
    pub pwd: Secret,
}

/// What the host can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// What its wireless card can do; none: there is no card.
    pub wifi: Option<Ciphers>,
    /// Whether it can dial up.
    pub pppoe: bool,
}

/// What a wireless card and the host's software can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ciphers {
    /// WEP with keys of 64 and of 128 bits.
    pub wep: bool,
    /// The cipher TKIP.
    pub tkip: bool,
    /// The cipher AES (CCMP).
    pub aes: bool,
    /// WPA.
    pub wpa: bool,
    /// WPA2.
    pub wpa2: bool,
}

/// How the host's network stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the wireless network that is wanted is joined, with an address.
    pub wifi: bool,
    /// Whether the line is dialled up.
    pub pppoe: bool,
    /// The host's addresses on the networks it is in, loopback and link-local ones left out.
    pub addresses: Vec<IpAddr>,
}

/// An access point that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPoint {
    /// Its address.
    pub bssid: [u8; 6],
    /// The name of its network, up to 32 bytes of any kind.
    pub ssid: Vec<u8>,
    /// Whether it is no access point, but a station of an ad-hoc network.
    pub adhoc: bool,
    /// How it is locked.
    pub lock: Lock,
    /// How strong it is heard, 0 to 100.
    pub strength: u8,
}

/// How an access point is locked, as `ap_security` numbers it (PROFILE 5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Lock {
    /// Not at all.
    None = 0,
    /// WEP.
    Wep = 1,
    /// WPA with TKIP and a shared key.
    WpaTkip = 2,
    /// WPA with AES and a shared key.
    WpaAes = 3,
    /// WPA2 with AES and a shared key.
    Wpa2Aes = 4,
    /// WPA2 with TKIP, or with either, and a shared key.
    Wpa2Tkip = 5,
    /// Something that the profile has no number to join with.
    Other = 6,
}
