//! Wireless networks, by mac80211_hwsim, hostapd and wpa_supplicant.

use lookout_core::{
    host::{Lock, Security, Wifi, WpaMode},
    profile::wire::Secret,
};

use super::*;

fn host() -> NetworkManager {
    NetworkManager::new(Some("eth0".into()), Some("wlan0".into()))
}

fn join(ssid: &[u8], security: Security) -> Wanted {
    Wanted { wifi: Some(Wifi { ssid: ssid.to_vec(), security }), ..wanted(DHCP) }
}

fn psk(key: &str, mode: WpaMode) -> Security {
    Security::Psk { key: Secret::new(key), mode }
}

fn wep(index: u8, key: &str, shared: bool) -> Security {
    let mut keys = [const { None }; 4];
    keys[usize::from(index)] = Some(Secret::new(key));
    Security::Wep { keys, index, shared }
}

/// Says whether the network is joined, with an address that access point `number` gave.
async fn joined(host: &NetworkManager, number: u8) -> bool {
    let Ok(standing) = host.standing().await else { return false };
    let given = |address: &IpAddr| matches!(address, IpAddr::V4(address) if address.octets()[..3] == [10, 7, number]);
    standing.wifi && standing.addresses.iter().any(given)
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn access_points_are_found_whatever_they_call_themselves() {
    let plugged = root(concat!(
        r#"lab-wifi open "say \"hi\" 'you'" '' wep '</script>' 12345 wpa $'two\nlines' passphrase "#,
        r#"wpa2 $'\xff\xfe\x01' passphrase mixed either passphrase wpa2-tkip both passphrase wpa3 three passphrase "#,
        r#"wpa-aes aes passphrase eap firm '' adhoc station ''"#
    ));
    let host = host();
    let wifi = host.abilities().await.unwrap().wifi;
    assert_eq!(wifi, Some(Ciphers { wep: true, tkip: true, aes: true, wpa: true, wpa2: true }));
    let wanted: [(&[u8], _); 10] = [
        (b"say \"hi\" 'you'", Lock::None),
        (b"</script>", Lock::Wep),
        (b"two\nlines", Lock::WpaTkip),
        (b"\xff\xfe\x01", Lock::Wpa2Aes),
        (b"either", Lock::Wpa2Aes),
        (b"both", Lock::Wpa2Tkip),
        (b"three", Lock::Other),
        (b"aes", Lock::WpaAes),
        (b"firm", Lock::Other),
        (b"station", Lock::None),
    ];
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard = host.scan().await.unwrap();
        if heard.len() == wanted.len() {
            break;
        }
    }
    for (number, (ssid, lock)) in (1..).zip(wanted) {
        let point = heard.iter().find(|point| point.ssid == ssid);
        let point = point.unwrap_or_else(|| panic!("{:?} is not among {heard:?}", String::from_utf8_lossy(ssid)));
        assert_eq!((point.lock, point.adhoc), (lock, number == 10), "{point:?}");
        assert!((1..=100).contains(&point.strength), "{point:?}");
        if number < 10 {
            let bssid = point.bssid.map(|byte| format!("{byte:02x}")).join(":");
            assert!(plugged.contains(&format!("AP{number}={bssid}")), "{point:?}: {plugged}");
        }
    }
    assert_eq!(heard.len(), wanted.len());
    assert!(heard.is_sorted_by_key(|point| 100 - point.strength));
    // Two who scan at once both are told.
    let (one, other) = tokio::join!(host.scan(), host.scan());
    assert!(one.unwrap().len() > 5 && other.unwrap().len() > 5);
    root("lab-wifi out");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn networks_of_every_lock_are_joined_and_left() {
    root(concat!(
        "lab-wifi open 'an open one' '' wep old abcde wpa $'\\xffone' passphrase wpa-aes two 'p a:s\"s\\;=#' ",
        "wpa2 three passphrase mixed four passphrase wpa2-tkip five passphrase hidden unseen '' ",
        "wpa2 raw 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    ));
    let host = host();
    operators(&host).await;
    for (number, wanted) in [
        (1, join(b"an open one", Security::Open)),
        (2, join(b"old", wep(0, "6162636465", false))),
        (2, join(b"old", wep(0, "6162636465", true))),
        (3, join(b"\xffone", psk("passphrase", WpaMode::WpaTkip))),
        (4, join(b"two", psk("p a:s\"s\\;=#", WpaMode::WpaAes))),
        (5, join(b"three", psk("passphrase", WpaMode::Wpa2Aes))),
        (6, join(b"four", psk("passphrase", WpaMode::Wpa2Aes))),
        (6, join(b"four", psk("passphrase", WpaMode::WpaTkip))),
        (7, join(b"five", psk("passphrase", WpaMode::Wpa2Mixed))),
        (8, join(b"unseen", Security::Open)),
        (9, join(b"raw", psk("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", WpaMode::Wpa2Aes))),
    ] {
        apply(&host, Some(&wanted)).await;
        eventually(&format!("{wanted:?}"), async || joined(&host, number).await).await;
        let active = activations();
        apply(&host, Some(&wanted)).await;
        assert_eq!(activations(), active, "{wanted:?} was made anew");
        assert_eq!(profiles(), ["lookout-wifi:yes", "lookout-wired:yes"]);
    }
    apply(&host, Some(&wanted(DHCP))).await;
    eventually("left", async || on("wlan0").is_empty() && !standing(&host).await.wifi).await;
    assert_eq!(profiles(), ["lookout-wired:yes"]);
    apply(&host, None).await;
    root("lab-wifi out");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_wrong_key_joins_nothing_and_the_right_one_still_does() {
    root("lab-wifi wpa2 home passphrase wpa2 operators 'another one'");
    let host = host();
    operators(&host).await;
    root(
        "nmcli con add con-name theirs type wifi ifname wlan0 ssid operators wifi-sec.key-mgmt wpa-psk wifi-sec.psk 'another one' >/dev/null",
    );
    root("for _ in 1 2 3 4 5; do nmcli con up theirs >/dev/null 2>&1 && exit; sleep 2; done; exit 1");
    let theirs = root("grep -v ^timestamp= /etc/NetworkManager/system-connections/theirs.nmconnection");
    apply(&host, Some(&join(b"home", psk("not the passphrase", WpaMode::Wpa2Aes)))).await;
    for _ in 0..15 {
        assert!(!standing(&host).await.wifi);
        sleep(Duration::from_secs(1)).await;
    }
    let right = join(b"home", psk("passphrase", WpaMode::Wpa2Aes));
    apply(&host, Some(&right)).await;
    eventually("the right key", async || joined(&host, 1).await).await;
    // Gone and back: it is joined again by itself, unless NetworkManager took the operator's meanwhile. Then it is told again, as the
    // daemon tells it.
    root("lab-wifi off 1");
    eventually("it is gone", async || !standing(&host).await.wifi).await;
    root("lab-wifi on 1; ip -n air addr add 10.7.1.1/24 dev wlan1 2>/dev/null || true");
    eventually("it is back", async || {
        if on("wlan0") == "theirs" {
            apply(&host, Some(&right)).await;
        }
        joined(&host, 1).await
    })
    .await;
    // What the operator had comes back, and nothing of his has changed.
    apply(&host, None).await;
    eventually("the operator's", async || on("wlan0") == "theirs").await;
    assert_eq!(root("grep -v ^timestamp= /etc/NetworkManager/system-connections/theirs.nmconnection"), theirs);
    root("nmcli con del theirs >/dev/null; lab-wifi out");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn one_address_that_is_set_is_had_over_the_air_when_the_cable_is_out() {
    root("lab-wifi wpa2 home passphrase");
    let host = host();
    operators(&host).await;
    let address = Ipv4Addr::new(10, 7, 1, 20);
    let addressing = Addressing::Static { ip: address, prefix: 24, gateway: None, dns: None };
    let wanted = Wanted { addressing, ..join(b"home", psk("passphrase", WpaMode::Wpa2Aes)) };
    apply(&host, Some(&wanted)).await;
    let carrying = || root("ip -4 -o addr show to 10.7.1.20 | awk '{print $2}'");
    eventually("both", async || carrying() == "eth0\nwlan0\n" && standing(&host).await.wifi).await;
    root("lab-lan cut");
    eventually("the air alone", async || carrying() == "wlan0\n").await;
    assert_eq!(standing(&host).await.addresses, [IpAddr::V4(address)]);
    root("ip netns exec air ping -c 3 -W 5 10.7.1.20");
    root("lab-lan mend");
    eventually("both", async || carrying() == "eth0\nwlan0\n").await;
    apply(&host, None).await;
    root("lab-wifi out; nmcli con del lookout-stand-in >/dev/null 2>&1 || true");
}
