//! What NetworkManager has, all of it at one moment, as its object manager tells it.

use std::{collections::HashMap, net::IpAddr};

use lookout_core::host::{AccessPoint, Ciphers, scan::MOST};
use zbus::{Array, OwnedObjectPath, OwnedVariant, Variant};

use super::lock::lock;

pub(super) const ROOT: &str = "/org/freedesktop/NetworkManager";
pub(super) const MANAGER: &str = "org.freedesktop.NetworkManager";
const DEVICE: &str = "org.freedesktop.NetworkManager.Device";
const WIRELESS: &str = "org.freedesktop.NetworkManager.Device.Wireless";
const ACCESS_POINT: &str = "org.freedesktop.NetworkManager.AccessPoint";
const ACTIVE: &str = "org.freedesktop.NetworkManager.Connection.Active";
const ADDRESSES: [&str; 2] = ["org.freedesktop.NetworkManager.IP4Config", "org.freedesktop.NetworkManager.IP6Config"];

/// The longest name of a network (IEEE 802.11).
const MAX_SSID: usize = 32;
/// The most addresses that are told.
const MAX_ADDRESSES: usize = 64;

/// The objects by their paths, with their interfaces and properties.
pub(super) struct Snapshot(pub(super) HashMap<OwnedObjectPath, HashMap<String, HashMap<String, OwnedVariant>>>);

/// A network interface of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) path: String,
    pub(super) interface: String,
    pub(super) card: Card,
    pub(super) state: State,
    /// The connection that is active on it, or getting so.
    pub(super) active: Option<Active>,
}

/// What kind of card it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Card {
    Cable,
    Wireless,
    Other,
}

/// How far a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// NetworkManager leaves it alone.
    Unmanaged,
    /// It cannot be used: no cable, no radio, no firmware.
    Unavailable,
    /// It could be connected.
    Idle,
    /// It is connected, or on its way.
    Busy,
}

/// A connection that is active, or getting so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Active {
    /// The path of its profile.
    pub(super) profile: String,
    pub(super) uuid: String,
    /// Whether it is there, and not only on its way.
    pub(super) up: bool,
}

impl Snapshot {
    /// Gives a property.
    fn get(&self, path: &str, interface: &str, property: &str) -> Option<&Variant<'static>> {
        let path = zbus::ObjectPath::try_from(path).ok()?;
        self.0.get(&OwnedObjectPath::from(path))?.get(interface)?.get(property).map(|value| &**value)
    }

    fn text(&self, path: &str, interface: &str, property: &str) -> Option<&str> {
        self.get(path, interface, property).and_then(text)
    }

    fn number(&self, path: &str, interface: &str, property: &str) -> Option<u32> {
        self.get(path, interface, property).and_then(|value| u32::try_from(value).ok())
    }

    fn array(&self, path: &str, interface: &str, property: &str) -> &[Variant<'static>] {
        self.get(path, interface, property).map_or(&[], array)
    }

    /// NetworkManager's version.
    pub(super) fn version(&self) -> &str {
        self.text(ROOT, MANAGER, "Version").unwrap_or("of an unknown version")
    }

    /// The network interfaces, in the order of their names.
    pub(super) fn devices(&self) -> Vec<Device> {
        let mut devices: Vec<Device> = self.0.keys().filter_map(|path| self.device(path.as_str())).collect();
        devices.sort_by(|one, other| one.interface.cmp(&other.interface));
        devices
    }

    fn device(&self, path: &str) -> Option<Device> {
        let interface = self.text(path, DEVICE, "Interface")?.to_owned();
        let card = match self.number(path, DEVICE, "DeviceType")? {
            1 => Card::Cable,
            2 => Card::Wireless,
            _ => Card::Other,
        };
        let state = match self.number(path, DEVICE, "State")? {
            0..=10 => State::Unmanaged,
            11..=20 => State::Unavailable,
            21..=30 | 101.. => State::Idle,
            31..=100 => State::Busy,
        };
        let active = self.next(path).or_else(|| self.active(self.text(path, DEVICE, "ActiveConnection")?));
        Some(Device { path: path.to_owned(), interface, card, state, active })
    }

    /// Gives what is on its way on a device: it takes the place of what is there, but not at once.
    fn next(&self, device: &str) -> Option<Active> {
        let paths = self.0.keys().map(|path| path.as_str()).filter(|path| self.is_on(path, device));
        let coming = paths.filter_map(|path| Some((number_of(path), self.active(path).filter(|active| !active.up)?)));
        coming.max_by_key(|(number, _)| *number).map(|(_, active)| active)
    }

    /// Says whether something on a device is on its way out: it is being taken down, or another is on its way to its place.
    /// Until it is gone the device has its addresses.
    pub(super) fn leaves(&self, device: &Device) -> bool {
        let there = self.text(&device.path, DEVICE, "ActiveConnection").unwrap_or_default();
        match self.number(there, ACTIVE, "State") {
            Some(0..=2) => {
                let other = |path: &str| path != there && self.is_on(path, &device.path);
                self.0.keys().any(|path| other(path.as_str()) && self.active(path.as_str()).is_some_and(|one| !one.up))
            }
            Some(3) => true,
            Some(_) | None => false,
        }
    }

    fn is_on(&self, path: &str, device: &str) -> bool {
        self.array(path, ACTIVE, "Devices").iter().filter_map(text).any(|on| on == device)
    }

    fn active(&self, path: &str) -> Option<Active> {
        let up = match self.number(path, ACTIVE, "State")? {
            0 | 1 => false,
            2 => true,
            _ => return None,
        };
        let text = |property| self.text(path, ACTIVE, property).map(str::to_owned);
        Some(Active { profile: text("Connection")?, uuid: text("Uuid")?, up })
    }

    /// All connections that are active, or getting so.
    pub(super) fn actives(&self) -> Vec<Active> {
        self.0.keys().filter_map(|path| self.active(path.as_str())).collect()
    }

    /// What a wireless card can do, by its driver.
    pub(super) fn ciphers(&self, device: &Device) -> Ciphers {
        let bits = self.number(&device.path, WIRELESS, "WirelessCapabilities").unwrap_or_default();
        let has = |wanted: u32| bits & wanted == wanted;
        Ciphers { wep: has(0x1 | 0x2), tkip: has(0x4), aes: has(0x8), wpa: has(0x10), wpa2: has(0x20) }
    }

    /// When a wireless card scanned last, in milliseconds of the host's own clock; −1 if it never did.
    pub(super) fn scanned(&self, device: &Device) -> i64 {
        let last = self.get(&device.path, WIRELESS, "LastScan");
        last.and_then(|last| i64::try_from(last).ok()).unwrap_or(-1)
    }

    /// The access points that a wireless card hears, the strongest first.
    pub(super) fn access_points(&self, device: &Device) -> Vec<AccessPoint> {
        let paths = self.array(&device.path, WIRELESS, "AccessPoints").iter().filter_map(text);
        let mut heard: Vec<_> = paths.filter_map(|path| self.access_point(path)).collect();
        heard.sort_by_key(|point| (u8::MAX - point.strength, point.bssid));
        heard.truncate(MOST);
        heard
    }

    fn access_point(&self, path: &str) -> Option<AccessPoint> {
        let number = |property| self.number(path, ACCESS_POINT, property);
        let ssid = self.array(path, ACCESS_POINT, "Ssid").iter().take(MAX_SSID);
        let strength = self.get(path, ACCESS_POINT, "Strength").and_then(|value| u8::try_from(value).ok());
        Some(AccessPoint {
            bssid: bssid(self.text(path, ACCESS_POINT, "HwAddress")?)?,
            ssid: ssid.filter_map(|byte| u8::try_from(byte).ok()).collect(),
            adhoc: number("Mode")? == 1,
            lock: lock(number("Flags")?, number("WpaFlags")?, number("RsnFlags")?),
            strength: strength.unwrap_or_default().min(100),
        })
    }

    /// The host's addresses, but for those that nobody else can reach.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let configs = self.0.values().flat_map(|interfaces| ADDRESSES.iter().filter_map(|name| interfaces.get(*name)));
        let mut addresses: Vec<IpAddr> = configs
            .filter_map(|config| config.get("AddressData"))
            .flat_map(|data| array(data))
            .filter_map(|entry| {
                let Variant::Dict(entry) = entry else { return None };
                entry.get::<_, &str>(&"address").ok()??.parse().ok()
            })
            .filter(reachable)
            .collect();
        addresses.sort();
        addresses.dedup();
        addresses.truncate(MAX_ADDRESSES);
        addresses
    }
}

/// Leaves loopback and link-local addresses out.
fn reachable(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    }
}

fn bssid(text: &str) -> Option<[u8; 6]> {
    let mut bssid = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut bssid {
        *byte = u8::from_str_radix(parts.next().filter(|part| part.len() == 2)?, 16).ok()?;
    }
    parts.next().is_none().then_some(bssid)
}

/// Gives the number at the end of a path; later ones are higher.
fn number_of(path: &str) -> u64 {
    path.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// Gives a text, or a path, which is one.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else it is, it is no text")]
fn text<'a>(value: &'a Variant<'_>) -> Option<&'a str> {
    match value {
        Variant::Str(text) => Some(text.as_str()),
        Variant::ObjectPath(path) => Some(path.as_str()),
        _ => None,
    }
}

fn array<'a>(value: &'a Variant<'static>) -> &'a [Variant<'static>] {
    if let Variant::Array(array) = value { Array::inner(array) } else { &[] }
}

#[cfg(test)]
mod tests;
