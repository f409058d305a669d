use super::*;
use crate::profile::wire::Wire;

const CARD: Ciphers = Ciphers { wep: true, tkip: true, aes: true, wpa: true, wpa2: true };
const ALL: Abilities = Abilities { wifi: Some(CARD), pppoe: true };

/// Makes a setting of a text.
fn set<T: Wire>(text: &str) -> T {
    T::parse(text).unwrap()
}

fn cable(ip: &str, mask: &str, gateway: &str) -> settings::Network {
    settings::Network { ip: set(ip), mask: set(mask), gateway: set(gateway), ..settings::Network::default() }
}

fn wifi(encrypt: Encrypt, psk: &str) -> settings::Wifi {
    let wpa_psk = set(psk);
    settings::Wifi { enable: true, ssid: set("sea"), encrypt, wpa_psk, ..settings::Wifi::default() }
}

fn wep_wifi(defkey: &str, keyformat: KeyFormat, keys: [(&str, KeyBits); 4]) -> settings::Wifi {
    let keys = keys.map(|(key, bits)| settings::WepKey { key: set(key), bits });
    settings::Wifi { defkey: set(defkey), keyformat, keys, ..wifi(Encrypt::Wep, "") }
}

#[test]
fn an_empty_address_is_dhcp_whatever_else_is_there() {
    let vendor = set("cam");
    let network = settings::Network { dhcp_vendor: vendor, ..cable("", "255.0.255.0", "127.0.0.1") };
    assert_eq!(addressing(&network), Ok(Addressing::Dhcp { vendor: "cam".into() }));
}

#[test]
fn q73_a_static_address_is_one_that_a_host_can_have_in_its_network() {
    let [ip, gateway] = ["192.168.7.9", "192.168.7.1"].map(|text| text.parse().unwrap());
    assert_eq!(
        addressing(&cable("192.168.7.9", "255.255.255.0", "192.168.7.1")),
        Ok(Addressing::Static { ip, prefix: 24, gateway: Some(gateway), dns: None })
    );
    for (ip, mask, gateway) in [
        ("10.0.0.1", "255.255.255.254", "10.0.0.0"), // RFC 3021
        ("10.0.0.1", "255.255.255.255", "10.0.0.2"),
        ("10.1.2.3", "255.0.0.0", "192.168.1.1"), // a gateway elsewhere is the network's own business
        ("10.1.2.3", "255.0.0.0", ""),
    ] {
        assert!(addressing(&cable(ip, mask, gateway)).is_ok(), "{ip} {mask} {gateway}");
    }
    for (ip, mask, gateway) in [
        ("192.168.7.0", "255.255.255.0", ""),
        ("192.168.7.255", "255.255.255.0", ""),
        ("127.0.0.1", "255.0.0.0", ""),
        ("0.0.0.1", "255.0.0.0", ""),
        ("224.0.0.1", "240.0.0.0", ""),
        ("255.255.255.255", "255.255.255.255", ""),
        ("192.168.7.9", "255.255.255.0", "192.168.7.9"),
        ("192.168.7.9", "255.255.255.0", "127.0.0.1"),
        ("192.168.7.9", "255.0.255.0", ""),
        ("192.168.7.9", "", ""),
    ] {
        assert_eq!(addressing(&cable(ip, mask, gateway)), Err(Refused::Illegal), "{ip} {mask} {gateway}");
    }
}

#[test]
fn what_is_off_is_not_looked_at() {
    let off = settings::Wifi { enable: false, ssid: set(""), ..wifi(Encrypt::Wpa2Aes, "short") };
    assert_eq!(wireless(&off), Ok(None));
    assert_eq!(dial_up(&settings::Pppoe::default()), Ok(None));
}

#[test]
fn a_name_has_up_to_32_bytes_though_40_can_be_stored() {
    for (bytes, legal) in [(0, false), (1, true), (32, true), (33, false), (40, false)] {
        let named = settings::Wifi { ssid: set(&"x".repeat(bytes)), ..wifi(Encrypt::Open, "") };
        assert_eq!(wireless(&named).is_ok(), legal, "{bytes}");
    }
    assert_eq!(wireless(&wifi(Encrypt::Open, "")).unwrap().unwrap().security, Security::Open);
}

#[test]
fn q73_a_wpa_key_is_a_passphrase_or_64_digits() {
    for (key, legal) in [
        ("", false),
        ("7 bytes", false),
        ("8 bytes!", true),
        (&"x".repeat(63), true),
        (&"x".repeat(64), false),
        (&"0123456789abcdefABCDEF0123456789".repeat(2), true),
    ] {
        for encrypt in [Encrypt::WpaTkip, Encrypt::WpaAes, Encrypt::Wpa2Aes, Encrypt::Wpa2Mixed] {
            assert_eq!(wireless(&wifi(encrypt, key)).is_ok(), legal, "{key:?}");
        }
        assert!(wireless(&wifi(Encrypt::Open, key)).is_ok(), "nothing reads it");
    }
}

#[test]
fn q73_a_wep_key_has_as_many_digits_or_characters_as_its_bits_say() {
    use KeyBits::{Bits64, Bits128};
    for (format, bits, key, hex) in [
        (KeyFormat::Hex, Bits64, "0123aBCDef", Some("0123abcdef")),
        (KeyFormat::Hex, Bits128, "00112233445566778899aabbcc", Some("00112233445566778899aabbcc")),
        (KeyFormat::Ascii, Bits64, "abcde", Some("6162636465")),
        (KeyFormat::Ascii, Bits128, "thirteen char", Some("746869727465656e2063686172")),
        (KeyFormat::Hex, Bits64, "0123abcdeg", None),
        (KeyFormat::Hex, Bits64, "abcde", None),
        (KeyFormat::Hex, Bits128, "0123abcdef", None),
        (KeyFormat::Ascii, Bits64, "abcdef", None),
        (KeyFormat::Ascii, Bits64, "abcä", None),
        (KeyFormat::Ascii, Bits128, "abcde", None),
    ] {
        let found = wep_key(key, bits, format);
        assert_eq!(found.map(|key| key.map(|key| key.expose().to_owned())).ok().flatten().as_deref(), hex, "{key}");
    }
}

#[test]
fn the_wep_key_in_use_is_there_and_every_other_that_is_there_is_one() {
    let none = ("", KeyBits::Bits64);
    let key = ("0123456789", KeyBits::Bits64);
    let second = wireless(&wep_wifi("1", KeyFormat::Hex, [none, key, none, none])).unwrap().unwrap();
    let Security::Wep { keys, index, shared } = second.security else { panic!("no WEP") };
    assert_eq!((keys.map(|key| key.is_some()), index, shared), ([false, true, false, false], 1, false));
    for keys in [[key, none, none, none], [("0123", KeyBits::Bits64), key, none, none]] {
        assert_eq!(wireless(&wep_wifi("1", KeyFormat::Hex, keys)), Err(Refused::Illegal));
    }
    let asked = settings::Wifi { authtype: AuthType::Shared, ..wep_wifi("1", KeyFormat::Hex, [key; 4]) };
    assert!(matches!(wireless(&asked).unwrap().unwrap().security, Security::Wep { shared: true, .. }));
}

#[test]
fn a_line_has_a_user() {
    let line = |user| settings::Pppoe { enable: true, user: set(user), pwd: set("") };
    assert!(dial_up(&line("me")).unwrap().is_some());
    assert_eq!(dial_up(&line("")), Err(Refused::Illegal));
}

#[test]
fn q73_each_encryption_needs_its_own_of_the_card() {
    // The one thing that each cannot do without, and a card that has just what is needed.
    let none = Ciphers::default();
    for (encrypt, just) in [
        (Encrypt::Open, none),
        (Encrypt::Wep, Ciphers { wep: true, ..none }),
        (Encrypt::WpaTkip, Ciphers { wpa: true, tkip: true, ..none }),
        (Encrypt::WpaAes, Ciphers { wpa: true, aes: true, ..none }),
        (Encrypt::Wpa2Aes, Ciphers { wpa2: true, aes: true, ..none }),
        (Encrypt::Wpa2Mixed, Ciphers { wpa2: true, aes: true, ..none }),
    ] {
        let settings = match encrypt {
            Encrypt::Wep => wep_wifi("0", KeyFormat::Hex, [("0123456789", KeyBits::Bits64); 4]),
            Encrypt::Open | Encrypt::WpaTkip | Encrypt::WpaAes | Encrypt::Wpa2Aes | Encrypt::Wpa2Mixed => {
                wifi(encrypt, "long enough")
            }
        };
        let wanted = Wanted { wifi: wireless(&settings).unwrap(), ..plain() };
        let can = |card: Ciphers| supports(&Abilities { wifi: Some(card), pppoe: false }, &wanted);
        assert!(can(just) && can(CARD), "{encrypt:?}");
        for lacking in [
            Ciphers { wep: false, ..just },
            Ciphers { tkip: false, ..just },
            Ciphers { aes: false, ..just },
            Ciphers { wpa: false, ..just },
            Ciphers { wpa2: false, ..just },
        ] {
            assert_eq!(can(lacking), lacking == just, "{encrypt:?} {lacking:?}");
        }
        assert!(!supports(&Abilities { wifi: None, pppoe: true }, &wanted), "{encrypt:?} without a card");
    }
}

#[test]
fn q73_a_line_needs_software_that_dials() {
    let line = Pppoe { user: "me".into(), pwd: Secret::new("") };
    let wanted = Wanted { pppoe: Some(line), ..plain() };
    assert_eq!([true, false].map(|pppoe| supports(&Abilities { pppoe, ..ALL }, &wanted)), [true, false]);
}

fn plain() -> Wanted {
    Wanted { addressing: Addressing::Dhcp { vendor: String::new() }, wifi: None, pppoe: None, mac: None }
}

#[test]
fn q73_what_a_request_sets_is_refused_and_nothing_else() {
    let none = Abilities::default();
    let groups = [Group::Network, Group::Wifi, Group::Pppoe];
    let mut bad = Settings::factory();
    bad.wifi = wifi(Encrypt::Wpa2Aes, "short");
    bad.network = cable("127.0.0.1", "255.0.0.0", "");
    bad.pppoe.enable = true;
    for group in groups {
        for able in [Some(&ALL), None] {
            assert_eq!(fits(group, &bad, able), Err(Refused::Illegal), "{group:?}");
        }
        assert_eq!(fits(group, &Settings::factory(), Some(&none)), Ok(()), "{group:?}");
    }
    assert_eq!(fits(Group::Alias, &bad, Some(&ALL)), Ok(()));
    // Each is mended beside the others, or turned off.
    let but = |change: fn(&mut Settings)| {
        let mut new = bad.clone();
        change(&mut new);
        new
    };
    let cable_again = but(|new| new.network = settings::Network::default());
    let joined = but(|new| new.wifi = wifi(Encrypt::Wpa2Aes, "long enough"));
    let dialled = but(|new| new.pppoe.user = set("me"));
    for (group, new, cannot) in [
        (Group::Network, cable_again, Ok(())),
        (Group::Wifi, joined, Err(Refused::NotSupported)),
        (Group::Wifi, but(|new| new.wifi.enable = false), Ok(())),
        (Group::Pppoe, dialled, Err(Refused::NotSupported)),
        (Group::Pppoe, but(|new| new.pppoe.enable = false), Ok(())),
    ] {
        assert_eq!(fits(group, &new, Some(&ALL)), Ok(()), "{group:?}");
        assert_eq!(fits(group, &new, None), Ok(()), "a host that has not answered yet may");
        assert_eq!(fits(group, &new, Some(&none)), cannot, "{group:?}");
    }
}

#[test]
fn a_plan_has_all_of_it() {
    let pppoe = settings::Pppoe { enable: true, user: set("me"), pwd: set("sesame") };
    let mac = Mac([2, 0, 0, 0, 0, 1]);
    let network = cable("192.168.7.9", "255.255.255.0", "");
    let wanted = plan(&network, &wifi(Encrypt::WpaTkip, "long enough"), &pppoe, Some(mac)).unwrap();
    assert!(matches!(wanted.addressing, Addressing::Static { prefix: 24, .. }));
    assert_eq!((wanted.mac, wanted.pppoe.map(|line| line.user)), (Some(mac), Some("me".into())));
    assert!(matches!(wanted.wifi.unwrap().security, Security::Psk { mode: WpaMode::WpaTkip, .. }));
}
