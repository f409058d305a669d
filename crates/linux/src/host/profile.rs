//! The camera's own connection profiles as NetworkManager has them: what is in them, and whether one is what is wanted.
//!
//! A profile is never changed. One that differs is made beside it, in the other of the two places that its kind has, is
//! activated, and then the old one is deleted: so what is active is always all of one profile, wherever somebody stopped in
//! between, and the way that there is stays until the next is made.

use std::collections::{BTreeMap, HashMap};

use lookout_core::{
    host::{Addressing, Pppoe, Security, Wanted, Wifi, WpaMode},
    profile::wire::Mac,
};
use zbus::{OwnedVariant, Variant};

/// What NetworkManager gives of a profile.
pub(super) type Found = HashMap<String, HashMap<String, OwnedVariant>>;

/// Above those of the operator, who can give his own as much.
const PRIORITY: i32 = 999;
/// For a profile that is for when nothing else is there.
const LAST: i32 = -999;
/// Never give up: a camera has nobody who would try again.
const FOR_EVER: i32 = 0;
/// NetworkManager's word for a DHCP server that is waited for without end.
const DHCP_WAITS: i32 = i32::MAX;
/// Below the metrics of cables and cards: the way out is the line that was dialled up.
const FIRST_WAY: i64 = 50;
/// Seconds between questions whether the other end of the line is there, and how many may go unanswered.
const ECHO: (u32, u32) = (20, 3);
/// The interface of the line that is dialled up.
const LINE: &str = "lookout-ppp0";
/// Under which key of its user data a profile says what was there before it.
const BEFORE: &str = "lookout.before";
/// What it says there if nothing was.
pub(super) const NOTHING: &str = "nothing";

/// The kinds of profiles that the camera has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The cable.
    Wired,
    /// The wireless network.
    Wifi,
    /// The line that is dialled up over the cable.
    Pppoe,
}

impl Kind {
    /// Its name for people.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Wired => "lookout-wired",
            Self::Wifi => "lookout-wifi",
            Self::Pppoe => "lookout-pppoe",
        }
    }

    /// Its two places. Always the same, so that what a crash left behind is found again.
    pub(super) const fn places(self) -> [&'static str; 2] {
        match self {
            Self::Wired => ["8a3c1b52-6f0e-4d6b-9a55-1f0c7a2e9b10", "8a3c1b52-6f0e-4d6b-9a55-1f0c7a2e9b11"],
            Self::Wifi => ["8a3c1b52-6f0e-4d6b-9a55-1f0c7a2e9b20", "8a3c1b52-6f0e-4d6b-9a55-1f0c7a2e9b21"],
            Self::Pppoe => ["8a3c1b52-6f0e-4d6b-9a55-1f0c7a2e9b30", "8a3c1b52-6f0e-4d6b-9a55-1f0c7a2e9b31"],
        }
    }

    /// The setting in which its passwords are, which NetworkManager gives only when asked for them.
    pub(super) const fn secrets(self) -> Option<&'static str> {
        match self {
            Self::Wired => None,
            Self::Wifi => Some(WIFI_SECURITY),
            Self::Pppoe => Some(PPPOE),
        }
    }
}

/// The place of the profile that stands in for those that NetworkManager makes by itself.
pub(super) const STAND_IN: &str = "8a3c1b52-6f0e-4d6b-9a55-1f0c7a2e9b40";

const CONNECTION: &str = "connection";
const USER: &str = "user";
const IPV4: &str = "ipv4";
const ETHERNET: &str = "802-3-ethernet";
const WIFI: &str = "802-11-wireless";
const WIFI_SECURITY: &str = "802-11-wireless-security";
const PPPOE: &str = "pppoe";
const PPP: &str = "ppp";

/// Everything that is ever written into a profile, but for its place and what was before it: by these keys two are compared.
const KEYS: &[(&str, &[&str])] = &[
    (CONNECTION, &["id", "type", "interface-name", "autoconnect-priority", "autoconnect-retries", "auth-retries"]),
    (
        IPV4,
        &[
            "method",
            "address-data",
            "gateway",
            "dns",
            "dhcp-vendor-class-identifier",
            "dhcp-timeout",
            "dad-timeout",
            "route-metric",
        ],
    ),
    (ETHERNET, &["assigned-mac-address"]),
    (WIFI, &["ssid", "mode", "hidden"]),
    (WIFI_SECURITY, &["key-mgmt", "auth-alg", "wep-tx-keyidx", "wep-key-type", "proto", "pairwise"]),
    (PPPOE, &["parent", "username"]),
    (PPP, &["lcp-echo-interval", "lcp-echo-failure"]),
];

/// The passwords among what is written.
const SECRETS: &[(&str, &[&str])] =
    &[(WIFI_SECURITY, &["psk", "wep-key0", "wep-key1", "wep-key2", "wep-key3"]), (PPPOE, &["password"])];

/// A profile to be. It holds passwords, so it is never shown.
pub(super) struct Profile(BTreeMap<&'static str, BTreeMap<&'static str, Variant<'static>>>);

impl Profile {
    fn new(id: &'static str, of: &'static str, interface: &str, priority: i32) -> Self {
        let mut profile = Self(BTreeMap::new());
        profile.set(CONNECTION, "id", id);
        profile.set(CONNECTION, "type", of);
        profile.set(CONNECTION, "interface-name", interface.to_owned());
        profile.set(CONNECTION, "autoconnect-priority", priority);
        profile.set(CONNECTION, "autoconnect-retries", FOR_EVER);
        profile.0.entry(of).or_default();
        profile
    }

    fn set(&mut self, setting: &'static str, key: &'static str, value: impl Into<Variant<'static>>) {
        self.0.entry(setting).or_default().insert(key, value.into());
    }

    /// The cable's.
    pub(super) fn wired(wanted: &Wanted, interface: &str) -> Self {
        let mut profile = Self::new(Kind::Wired.id(), ETHERNET, interface, PRIORITY);
        if let Some(mac) = wanted.mac {
            profile.set(ETHERNET, "assigned-mac-address", colons(mac));
        }
        profile.address(wanted);
        profile
    }

    /// The wireless network's.
    pub(super) fn wifi(wanted: &Wanted, wifi: &Wifi, interface: &str) -> Self {
        let mut profile = Self::new(Kind::Wifi.id(), WIFI, interface, PRIORITY);
        profile.set(CONNECTION, "auth-retries", FOR_EVER);
        profile.set(WIFI, "ssid", wifi.ssid.clone());
        profile.set(WIFI, "mode", "infrastructure");
        // Asked for by its name: one that hides its own is found, and so is one that was not heard in the last scan.
        profile.set(WIFI, "hidden", true);
        profile.lock(&wifi.security);
        profile.address(wanted);
        profile
    }

    /// The line's.
    pub(super) fn pppoe(pppoe: &Pppoe, parent: &str) -> Self {
        let mut profile = Self::new(Kind::Pppoe.id(), PPPOE, LINE, PRIORITY);
        profile.set(PPPOE, "parent", parent.to_owned());
        profile.set(PPPOE, "username", pppoe.user.clone());
        profile.set(PPPOE, "password", pppoe.pwd.expose().to_owned());
        profile.set(PPP, "lcp-echo-interval", ECHO.0);
        profile.set(PPP, "lcp-echo-failure", ECHO.1);
        profile.set(IPV4, "method", "auto");
        profile.set(IPV4, "route-metric", FIRST_WAY);
        profile
    }

    /// A cable's by DHCP, for when nothing else is there.
    pub(super) fn stand_in(interface: &str) -> Self {
        let mut profile = Self::new("lookout-stand-in", ETHERNET, interface, LAST);
        profile.set(IPV4, "method", "auto");
        profile.put(STAND_IN, None);
        profile
    }

    /// Puts the profile into a place, and notes what was there before the camera came.
    pub(super) fn put(&mut self, place: &'static str, before: Option<&str>) {
        self.set(CONNECTION, "uuid", place);
        if let Some(before) = before {
            self.set(USER, "data", HashMap::from([(BEFORE.to_owned(), before.to_owned())]));
        }
    }

    fn address(&mut self, wanted: &Wanted) {
        match &wanted.addressing {
            Addressing::Dhcp { vendor } => {
                self.set(IPV4, "method", "auto");
                self.set(IPV4, "dhcp-timeout", DHCP_WAITS);
                if !vendor.is_empty() {
                    self.set(IPV4, "dhcp-vendor-class-identifier", vendor.clone());
                }
            }
            Addressing::Static { ip, prefix, gateway, dns } => {
                self.set(IPV4, "method", "manual");
                let address = HashMap::from([
                    ("address".to_owned(), Variant::from(ip.to_string())),
                    ("prefix".to_owned(), Variant::from(u32::from(*prefix))),
                ]);
                self.set(IPV4, "address-data", vec![address]);
                if let Some(gateway) = gateway {
                    self.set(IPV4, "gateway", gateway.to_string());
                }
                if let Some(dns) = dns {
                    // The bytes stand in the number as they go over the wire.
                    self.set(IPV4, "dns", vec![u32::from_ne_bytes(dns.octets())]);
                }
                if wanted.wifi.is_some() {
                    // Both of the host's cards have it, and one would take the other for a stranger's.
                    self.set(IPV4, "dad-timeout", 0);
                }
            }
        }
    }

    fn lock(&mut self, security: &Security) {
        match security {
            Security::Open => {}
            Security::Wep { keys, index, shared } => {
                self.set(WIFI_SECURITY, "key-mgmt", "none");
                self.set(WIFI_SECURITY, "auth-alg", if *shared { "shared" } else { "open" });
                if *index != 0 {
                    self.set(WIFI_SECURITY, "wep-tx-keyidx", u32::from(*index));
                }
                // A key, and no passphrase.
                self.set(WIFI_SECURITY, "wep-key-type", 1_u32);
                for (name, key) in ["wep-key0", "wep-key1", "wep-key2", "wep-key3"].into_iter().zip(keys) {
                    if let Some(key) = key {
                        self.set(WIFI_SECURITY, name, key.expose().to_owned());
                    }
                }
            }
            Security::Psk { key, mode } => {
                let (proto, pairwise): (_, &[&str]) = match mode {
                    WpaMode::WpaTkip => ("wpa", &["tkip"]),
                    WpaMode::WpaAes => ("wpa", &["ccmp"]),
                    WpaMode::Wpa2Aes => ("rsn", &["ccmp"]),
                    WpaMode::Wpa2Mixed => ("rsn", &["tkip", "ccmp"]),
                };
                self.set(WIFI_SECURITY, "key-mgmt", "wpa-psk");
                self.set(WIFI_SECURITY, "proto", vec![proto.to_owned()]);
                let pairwise: Vec<String> = pairwise.iter().map(|&cipher| cipher.to_owned()).collect();
                self.set(WIFI_SECURITY, "pairwise", pairwise);
                self.set(WIFI_SECURITY, "psk", key.expose().to_owned());
            }
        }
    }

    /// Says whether a profile that was found is this one, passwords left out.
    pub(super) fn is(&self, found: &Found) -> bool {
        self.agrees(found, KEYS)
    }

    /// Says whether the passwords that were found are this one's.
    pub(super) fn has(&self, secrets: &Found) -> bool {
        self.agrees(secrets, SECRETS)
    }

    fn agrees(&self, found: &Found, keys: &[(&str, &[&str])]) -> bool {
        keys.iter().all(|(setting, keys)| {
            let (own, found) = (self.0.get(setting), found.get(*setting));
            keys.iter().all(|key| {
                let own = own.and_then(|own| own.get(key));
                own == found.and_then(|found| found.get(*key)).map(|value| &**value).filter(|value| !is_empty(value))
            })
        })
    }

    /// What NetworkManager is given.
    pub(super) const fn settings(&self) -> &BTreeMap<&'static str, BTreeMap<&'static str, Variant<'static>>> {
        &self.0
    }
}

/// Says which profile, by its UUID, was active on the interface before the camera had one of its own there; [`NOTHING`] if
/// none was.
pub(super) fn before(found: &Found, interface: &str) -> Option<String> {
    if interface_of(found) != Some(interface) {
        return None;
    }
    let Variant::Dict(data) = &**found.get(USER)?.get("data")? else { return None };
    data.get::<_, &str>(&BEFORE).ok().flatten().map(str::to_owned)
}

/// Says to which interface a profile is bound.
pub(super) fn interface_of(found: &Found) -> Option<&str> {
    let Variant::Str(interface) = &**found.get(CONNECTION)?.get("interface-name")? else { return None };
    Some(interface.as_str())
}

/// NetworkManager gives some lists that were not given to it, without anything in them.
fn is_empty(value: &Variant<'_>) -> bool {
    matches!(value, Variant::Array(list) if list.inner().is_empty())
}

/// Shows a MAC as NetworkManager does.
fn colons(Mac([a, b, c, d, e, f]): Mac) -> String {
    format!("{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X}")
}

#[cfg(test)]
mod tests;
