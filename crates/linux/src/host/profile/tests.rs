use std::net::Ipv4Addr;

use lookout_core::profile::wire::Secret;

use super::*;

fn wanted(addressing: Addressing) -> Wanted {
    Wanted { addressing, wifi: None, pppoe: None, mac: None }
}

fn dhcp() -> Wanted {
    wanted(Addressing::Dhcp { vendor: String::new() })
}

fn set() -> Wanted {
    let ip = Ipv4Addr::new(10, 1, 2, 3);
    let addressing = Addressing::Static { ip, prefix: 20, gateway: Some(Ipv4Addr::new(10, 1, 0, 1)), dns: Some(ip) };
    wanted(addressing)
}

fn wifi(security: Security) -> Wifi {
    Wifi { ssid: b"\xff'\n".to_vec(), security }
}

fn psk(mode: WpaMode) -> Wifi {
    wifi(Security::Psk { key: Secret::new("passphrase"), mode })
}

fn wep() -> Wifi {
    let keys = [None, None, Some(Secret::new("6162636465")), None];
    wifi(Security::Wep { keys, index: 2, shared: true })
}

/// What NetworkManager gives back of a profile: passwords apart, and lists of which nobody spoke.
fn stored(profile: &Profile) -> (Found, Found) {
    let (mut found, mut secrets) = (Found::new(), Found::new());
    for (setting, keys) in &profile.0 {
        let hidden = SECRETS.iter().find(|(of, _)| of == setting).map_or(&[][..], |(_, keys)| keys);
        for (key, value) in keys {
            let to = if hidden.contains(key) { &mut secrets } else { &mut found };
            let kept = to.entry((*setting).to_owned()).or_default();
            kept.insert((*key).to_owned(), value.try_to_owned().unwrap());
        }
    }
    let nothing = || Variant::from(Vec::<u32>::new()).try_to_owned().unwrap();
    found.entry(IPV4.into()).or_default().entry("dns".into()).or_insert_with(nothing);
    found.entry(CONNECTION.into()).or_default().insert("permissions".into(), nothing());
    (found, secrets)
}

/// Says in text what is in a setting.
fn shown(profile: &Profile, setting: &str) -> String {
    profile.0[setting].iter().map(|(key, value)| format!("{key}={value} ")).collect()
}

#[test]
fn a_profile_says_what_is_wanted() {
    let mac = Some(Mac([0x02, 0xab, 3, 4, 5, 6]));
    for (profile, setting, words) in [
        (Profile::wired(&dhcp(), "eth0"), IPV4, &["method=\"auto\"", "dhcp-timeout=2147483647"][..]),
        (
            Profile::wired(&wanted(Addressing::Dhcp { vendor: "me".into() }), "eth0"),
            IPV4,
            &["dhcp-vendor-class-identifier=\"me\""],
        ),
        (
            Profile::wired(&set(), "eth0"),
            IPV4,
            &["method=\"manual\"", "gateway=\"10.1.0.1\"", "\"10.1.2.3\"", "uint32 20"],
        ),
        (Profile::wired(&Wanted { mac, ..dhcp() }, "eth0"), ETHERNET, &["assigned-mac-address=\"02:AB:03:04:05:06\""]),
        (
            Profile::wired(&dhcp(), "eth0"),
            CONNECTION,
            &["autoconnect-priority=999", "id=\"lookout-wired\"", "interface-name=\"eth0\"", "type=\"802-3-ethernet\""],
        ),
        (
            Profile::wifi(&dhcp(), &wifi(Security::Open), "wlan0"),
            WIFI,
            &["hidden=true", "ssid=[byte 0xff, 0x27, 0x0a]"],
        ),
        (
            Profile::wifi(&dhcp(), &wep(), "wlan0"),
            WIFI_SECURITY,
            &["key-mgmt=\"none\"", "auth-alg=\"shared\"", "wep-tx-keyidx=uint32 2", "wep-key2=\"6162636465\""],
        ),
        (
            Profile::wifi(&dhcp(), &psk(WpaMode::Wpa2Mixed), "wlan0"),
            WIFI_SECURITY,
            &["key-mgmt=\"wpa-psk\"", "proto=[\"rsn\"]", "pairwise=[\"tkip\", \"ccmp\"]", "psk=\"passphrase\""],
        ),
        (
            Profile::pppoe(&Pppoe { user: "me".into(), pwd: Secret::new("pwd") }, "eth0"),
            PPPOE,
            &["parent=\"eth0\"", "username=\"me\"", "password=\"pwd\""],
        ),
    ] {
        let shown = shown(&profile, setting);
        for word in words {
            assert!(shown.contains(word), "{word}: {shown}");
        }
    }
    let name_server = Profile::wired(&set(), "eth0");
    assert_eq!(name_server.0[IPV4]["dns"], Variant::from(vec![u32::from_ne_bytes([10, 1, 2, 3])]));
    assert!(!shown(&Profile::wired(&set(), "eth0"), IPV4).contains("dad-timeout"));
    let both = Wanted { wifi: Some(wifi(Security::Open)), ..set() };
    assert!(shown(&Profile::wired(&both, "eth0"), IPV4).contains("dad-timeout=0"));
}

#[test]
fn a_profile_is_known_again_and_no_other_is_taken_for_it() {
    let with = |mode| Profile::wifi(&dhcp(), &psk(mode), "wlan0");
    let keyed = |key: &str| wifi(Security::Psk { key: Secret::new(key), mode: WpaMode::Wpa2Aes });
    let line = |user: &str, pwd| Profile::pppoe(&Pppoe { user: user.into(), pwd: Secret::new(pwd) }, "eth0");
    let all = [
        Profile::wired(&dhcp(), "eth0"),
        Profile::wired(&dhcp(), "eth1"),
        Profile::wired(&wanted(Addressing::Dhcp { vendor: "me".into() }), "eth0"),
        Profile::wired(&Wanted { mac: Some(Mac([2; 6])), ..dhcp() }, "eth0"),
        Profile::wired(&set(), "eth0"),
        Profile::wired(&Wanted { wifi: Some(wifi(Security::Open)), ..set() }, "eth0"),
        Profile::wifi(&dhcp(), &wifi(Security::Open), "wlan0"),
        Profile::wifi(&dhcp(), &wep(), "wlan0"),
        with(WpaMode::WpaTkip),
        with(WpaMode::WpaAes),
        with(WpaMode::Wpa2Aes),
        with(WpaMode::Wpa2Mixed),
        Profile::wifi(&dhcp(), &keyed("another key"), "wlan0"),
        line("me", "pwd"),
        line("me", "other"),
        line("you", "pwd"),
    ];
    for (number, one) in all.iter().enumerate() {
        let (found, secrets) = stored(one);
        for (other, wanted) in all.iter().enumerate() {
            assert_eq!(wanted.is(&found) && wanted.has(&secrets), number == other, "{number} as {other}");
        }
    }
}

#[test]
fn every_key_that_is_written_is_compared() {
    let everything = Wanted { mac: Some(Mac([2; 6])), wifi: Some(wep()), ..set() };
    let mut profiles = vec![
        Profile::wired(&everything, "eth0"),
        Profile::wired(&wanted(Addressing::Dhcp { vendor: "me".into() }), "eth0"),
        Profile::wifi(&everything, &wep(), "wlan0"),
        Profile::wifi(&everything, &psk(WpaMode::WpaAes), "wlan0"),
        Profile::pppoe(&Pppoe { user: "me".into(), pwd: Secret::new("pwd") }, "eth0"),
    ];
    for profile in &mut profiles {
        for (setting, keys) in &profile.0 {
            for key in keys.keys() {
                let compared = KEYS.iter().chain(SECRETS).any(|(of, keys)| of == setting && keys.contains(key));
                assert!(compared, "{setting}.{key}");
            }
        }
    }
}

#[test]
fn what_was_there_before_is_remembered_for_its_interface_alone() {
    let mut profile = Profile::wired(&dhcp(), "eth0");
    assert_eq!(before(&stored(&profile).0, "eth0"), None);
    profile.put(Kind::Wired.places()[0], Some("0f0f"));
    let (found, _) = stored(&profile);
    assert_eq!(before(&found, "eth0").as_deref(), Some("0f0f"));
    assert_eq!(before(&found, "eth1"), None);
    assert!(Profile::wired(&dhcp(), "eth0").is(&found));
}

#[test]
fn no_two_profiles_have_the_same_place() {
    let mut places: Vec<_> = [Kind::Wired, Kind::Wifi, Kind::Pppoe].into_iter().flat_map(Kind::places).collect();
    places.push(STAND_IN);
    places.sort_unstable();
    assert!(places.windows(2).all(|two| two[0] != two[1]) && places.len() == 7);
}
