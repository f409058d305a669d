//! What the settings want of the host, checked as a whole: each value is legal by itself, but not every network that they
//! describe can be joined.
//!
//! Checked is only what is turned on, so that whatever a client leaves in fields that nothing reads is no reason to refuse.
//! Without a host backend nothing is checked at all: the settings are then only stored (PROFILE 4.7). So there may be nonsense in
//! several groups once there is a backend, and each must be mended by itself.

use std::net::Ipv4Addr;

use super::{Abilities, Addressing, Ciphers, Pppoe, Security, Wanted, Wifi, WpaMode};
use crate::{
    hex,
    profile::{
        commands::Group,
        reply::Failure,
        settings::{self, AuthType, Encrypt, KeyBits, KeyFormat, Settings},
        wire::{Mac, Secret},
    },
};

/// Why the host's network cannot be as the settings want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// What they say is no network.
    #[error("the settings describe no network that could be joined")]
    Illegal,
    /// The host has not got what it takes.
    #[error("this machine cannot do what the settings want")]
    NotSupported,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Illegal => Self::IllegalParam,
            Refused::NotSupported => Self::NotSupported,
        }
    }
}

/// Says what the settings want; `mac` is the address of the cable's card, where it is not to have its own.
///
/// # Errors
/// Something that is turned on makes no sense.
pub fn plan(
    network: &settings::Network,
    wifi: &settings::Wifi,
    pppoe: &settings::Pppoe,
    mac: Option<Mac>,
) -> Result<Wanted, Refused> {
    Ok(Wanted { addressing: addressing(network)?, wifi: wireless(wifi)?, pppoe: dial_up(pppoe)?, mac })
}

/// Says whether a request may set a group of settings on this host: what it sets makes sense, and the host can. What is stored
/// beside it, bad or not, is none of its business. What the host can is not known while it has not answered yet (`None`): then it
/// may, and shows in the end.
///
/// # Errors
/// It makes no sense, or the host cannot.
pub fn fits(group: Group, new: &Settings, able: Option<&Abilities>) -> Result<(), Refused> {
    match group {
        Group::Network => addressing(&new.network).map(drop),
        Group::Wifi => {
            let wifi = wireless(&new.wifi)?;
            able.is_none_or(|able| hears(able, wifi.as_ref())).then_some(()).ok_or(Refused::NotSupported)
        }
        Group::Pppoe => {
            let pppoe = dial_up(&new.pppoe)?;
            able.is_none_or(|able| dials(able, pppoe.as_ref())).then_some(()).ok_or(Refused::NotSupported)
        }
        Group::Alias
        | Group::Datetime
        | Group::Users
        | Group::Devices
        | Group::Upnp
        | Group::Ddns
        | Group::FactoryDdns
        | Group::Ftp
        | Group::Mail
        | Group::Alarm
        | Group::Forbidden
        | Group::Privacy
        | Group::Setup
        | Group::Misc
        | Group::Decoder
        | Group::Image
        | Group::Mac
        | Group::Stored => Ok(()),
    }
}

/// Says whether a host can do what is wanted of it.
pub fn supports(able: &Abilities, wanted: &Wanted) -> bool {
    hears(able, wanted.wifi.as_ref()) && dials(able, wanted.pppoe.as_ref())
}

fn hears(able: &Abilities, wifi: Option<&Wifi>) -> bool {
    wifi.is_none_or(|wifi| able.wifi.is_some_and(|card| joins(&card, &wifi.security)))
}

fn dials(able: &Abilities, pppoe: Option<&Pppoe>) -> bool {
    able.pppoe || pppoe.is_none()
}

/// Says whether a card can join a network that is locked so.
fn joins(card: &Ciphers, security: &Security) -> bool {
    match security {
        Security::Open => true,
        Security::Wep { .. } => card.wep,
        Security::Psk { mode, .. } => match mode {
            WpaMode::WpaTkip => card.wpa && card.tkip,
            WpaMode::WpaAes => card.wpa && card.aes,
            // Whoever offers both takes whichever the other side has, and AES is in every WPA2.
            WpaMode::Wpa2Aes | WpaMode::Wpa2Mixed => card.wpa2 && card.aes,
        },
    }
}

fn addressing(network: &settings::Network) -> Result<Addressing, Refused> {
    let Some(ip) = network.ip.0 else {
        return Ok(Addressing::Dhcp { vendor: network.dhcp_vendor.as_str().to_owned() });
    };
    // That a mask is one is checked where it is set; a file may bring any.
    let mask = network.mask.0.filter(|mask| crate::profile::change::is_netmask(*mask)).ok_or(Refused::Illegal)?;
    let prefix = u8::try_from(mask.to_bits().count_ones()).map_err(|_| Refused::Illegal)?;
    let all_legal = [Some(ip), network.gateway.0, network.dns.0].into_iter().flatten().all(a_host);
    let own = ip.to_bits() & !mask.to_bits();
    // In a network of three addresses or more the first is its name and the last is everybody in it (RFC 3021).
    let somebody = prefix >= 31 || (own != 0 && own != !mask.to_bits());
    // Else every packet to another network would go in a circle.
    if !all_legal || !somebody || network.gateway.0 == Some(ip) {
        return Err(Refused::Illegal);
    }
    Ok(Addressing::Static { ip, prefix, gateway: network.gateway.0, dns: network.dns.0 })
}

/// Says whether an address can be that of one host: RFC 6890's others are this network, loopback, multicast and what is
/// reserved.
fn a_host(address: Ipv4Addr) -> bool {
    !matches!(address.octets()[0], 0 | 127 | 224..)
}

fn wireless(wifi: &settings::Wifi) -> Result<Option<Wifi>, Refused> {
    if !wifi.enable {
        return Ok(None);
    }
    let ssid = wifi.ssid.as_str().as_bytes().to_vec();
    if ssid.is_empty() || ssid.len() > 32 {
        return Err(Refused::Illegal);
    }
    let psk = |mode| Ok(Security::Psk { key: psk(wifi.wpa_psk.expose())?, mode });
    let security = match wifi.encrypt {
        Encrypt::Open => Security::Open,
        Encrypt::Wep => wep(wifi)?,
        Encrypt::WpaTkip => psk(WpaMode::WpaTkip)?,
        Encrypt::WpaAes => psk(WpaMode::WpaAes)?,
        Encrypt::Wpa2Aes => psk(WpaMode::Wpa2Aes)?,
        Encrypt::Wpa2Mixed => psk(WpaMode::Wpa2Mixed)?,
    };
    Ok(Some(Wifi { ssid, security }))
}

/// Takes a passphrase, or a key in hexadecimal digits (IEEE 802.11, J.4.1).
fn psk(text: &str) -> Result<Secret, Refused> {
    let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits || (8..=63).contains(&text.len()) { Ok(Secret::new(text)) } else { Err(Refused::Illegal) }
}

fn wep(wifi: &settings::Wifi) -> Result<Security, Refused> {
    let index = u8::try_from(wifi.defkey.get()).map_err(|_| Refused::Illegal)?;
    let mut keys = [const { None }; 4];
    for (key, set) in keys.iter_mut().zip(&wifi.keys) {
        *key = wep_key(set.key.expose(), set.bits, wifi.keyformat)?;
    }
    if keys.get(usize::from(index)).is_none_or(Option::is_none) {
        return Err(Refused::Illegal);
    }
    Ok(Security::Wep { keys, index, shared: wifi.authtype == AuthType::Shared })
}

/// Reads a WEP key as it is written, of 40 or 104 bits (the vendor counts 24 more, which are not secret); an empty one is
/// none.
fn wep_key(text: &str, bits: KeyBits, format: KeyFormat) -> Result<Option<Secret>, Refused> {
    let bytes = match bits {
        KeyBits::Bits64 => 5,
        KeyBits::Bits128 => 13,
    };
    if text.is_empty() {
        return Ok(None);
    }
    match format {
        KeyFormat::Ascii if text.len() == bytes && text.is_ascii() => Ok(Some(Secret::new(hex::show(text.as_bytes())))),
        KeyFormat::Hex if text.len() == 2 * bytes && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(Some(Secret::new(text.to_ascii_lowercase())))
        }
        KeyFormat::Ascii | KeyFormat::Hex => Err(Refused::Illegal),
    }
}

fn dial_up(pppoe: &settings::Pppoe) -> Result<Option<Pppoe>, Refused> {
    let (user, pwd) = (pppoe.user.as_str().to_owned(), pppoe.pwd.secret().clone());
    match (pppoe.enable, user.is_empty()) {
        (false, _) => Ok(None),
        (true, true) => Err(Refused::Illegal),
        (true, false) => Ok(Some(Pppoe { user, pwd })),
    }
}

#[cfg(test)]
mod tests;
