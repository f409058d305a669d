use lookout_core::host::Lock;

use super::*;

fn path(text: &str) -> Variant<'static> {
    Variant::from(zbus::ObjectPath::try_from(text.to_owned()).unwrap())
}

type Properties = Vec<(&'static str, Variant<'static>)>;

/// Makes a snapshot of objects, each with its path, interface, and properties.
fn snapshot<const N: usize>(objects: [(&str, &str, Properties); N]) -> Snapshot {
    let mut all = Snapshot(HashMap::new());
    for (path, interface, properties) in objects {
        let path = OwnedObjectPath::from(zbus::ObjectPath::try_from(path.to_owned()).unwrap());
        let properties = properties.into_iter().map(|(name, value)| (name.to_owned(), value.try_into_owned().unwrap()));
        all.0.entry(path).or_default().insert(interface.to_owned(), properties.collect());
    }
    all
}

fn device(interface: &str, kind: u32, state: u32) -> Properties {
    vec![
        ("Interface", interface.to_owned().into()),
        ("DeviceType", kind.into()),
        ("State", state.into()),
        ("ActiveConnection", path("/active/1")),
    ]
}

fn active(profile: &str, state: u32) -> Properties {
    vec![
        ("Connection", path(profile)),
        ("Uuid", "u".into()),
        ("State", state.into()),
        ("Devices", vec![zbus::ObjectPath::try_from("/device/1").unwrap()].into()),
    ]
}

#[test]
fn what_is_on_its_way_on_a_device_counts_before_what_is_still_there() {
    let on = |all: &Snapshot| all.devices()[0].active.clone().map(|active| (active.profile, active.up));
    let device = || ("/device/1", DEVICE, device("eth0", 1, 100));
    let there = snapshot([device(), ("/active/1", ACTIVE, active("/old", 2))]);
    assert_eq!(on(&there), Some(("/old".into(), true)));
    let both = [device(), ("/active/1", ACTIVE, active("/old", 2)), ("/active/12", ACTIVE, active("/new", 1))];
    assert_eq!(on(&snapshot(both)), Some(("/new".into(), false)));
    let more = [device(), ("/active/9", ACTIVE, active("/new", 0)), ("/active/12", ACTIVE, active("/newer", 1))];
    assert_eq!(on(&snapshot(more)), Some(("/newer".into(), false)));
    let leaving = snapshot([device(), ("/active/1", ACTIVE, active("/old", 3))]);
    assert_eq!(on(&leaving), None);
}

#[test]
fn what_was_there_leaves_until_it_is_gone_and_what_comes_does_not() {
    let leaves = |actives: &[(&str, u32)]| {
        let mut all = snapshot([("/device/1", DEVICE, device("eth0", 1, 100))]);
        for (path, state) in actives {
            all.0.extend(snapshot([(*path, ACTIVE, active("/profile", *state))]).0);
        }
        all.leaves(&all.devices()[0])
    };
    // The device has the first; others are to be its next.
    for (actives, leaving) in [
        (&[][..], false),
        (&[("/active/1", 1)], false),
        (&[("/active/1", 2)], false),
        (&[("/active/1", 3)], true),
        (&[("/active/1", 4)], false),
        (&[("/active/1", 2), ("/active/2", 0)], true),
        (&[("/active/1", 1), ("/active/2", 1)], true),
        (&[("/active/1", 3), ("/active/2", 1)], true),
        (&[("/active/1", 4), ("/active/2", 1)], false),
        (&[("/active/2", 1)], false),
        (&[("/active/1", 2), ("/active/2", 4)], false),
    ] {
        assert_eq!(leaves(actives), leaving, "{actives:?}");
    }
}

#[test]
fn devices_have_kinds_and_states_and_come_in_the_order_of_their_names() {
    let states =
        [(10, State::Unmanaged), (20, State::Unavailable), (30, State::Idle), (70, State::Busy), (120, State::Idle)];
    for (number, state) in states {
        let all = snapshot([("/d/2", DEVICE, device("wlan0", 2, number)), ("/d/1", DEVICE, device("eth0", 1, number))]);
        let found: Vec<_> = all.devices().into_iter().map(|one| (one.interface, one.card, one.state)).collect();
        assert_eq!(found, [("eth0".to_owned(), Card::Cable, state), ("wlan0".to_owned(), Card::Wireless, state)]);
    }
}

#[test]
fn access_points_are_bounded_and_what_is_odd_is_left_out() {
    let point = |mac: &str, ssid: &[u8], strength: u8| {
        vec![
            ("HwAddress", Variant::from(mac.to_owned())),
            ("Ssid", ssid.to_vec().into()),
            ("Mode", 2_u32.into()),
            ("Flags", 1_u32.into()),
            ("WpaFlags", 0_u32.into()),
            ("RsnFlags", 0x108_u32.into()),
            ("Strength", strength.into()),
        ]
    };
    let paths = ["/ap/1", "/ap/2", "/ap/3", "/ap/gone"].map(|path| zbus::ObjectPath::try_from(path).unwrap());
    let mut wlan = device("wlan0", 2, 100);
    wlan.retain(|(name, _)| *name != "ActiveConnection");
    let mut all = snapshot([
        ("/device/1", DEVICE, wlan),
        ("/ap/1", ACCESS_POINT, point("00:15:EB:BE:21:53", &[b'x'; 99], 40)),
        ("/ap/2", ACCESS_POINT, point("00:15:EB:BE:21:54", b"\xff</script>", 255)),
        ("/ap/3", ACCESS_POINT, point("00:15:EB:BE:21", b"odd", 50)),
    ]);
    let properties = [("AccessPoints".to_owned(), Variant::from(paths.to_vec()).try_into_owned().unwrap())];
    all.0.values_mut().for_each(|interfaces| {
        if interfaces.contains_key(DEVICE) {
            let properties = properties.iter().map(|(name, value)| (name.clone(), value.try_clone().unwrap()));
            interfaces.insert(WIRELESS.into(), properties.collect());
        }
    });
    let heard = all.access_points(&all.devices()[0]);
    let told: Vec<_> = heard.iter().map(|one| (one.bssid[5], one.ssid.len(), one.strength, one.lock)).collect();
    assert_eq!(told, [(0x54, 10, 100, Lock::Wpa2Aes), (0x53, 32, 40, Lock::Wpa2Aes)]);
}

#[test]
fn addresses_that_nobody_else_can_reach_are_left_out() {
    let config = |addresses: &[&str]| {
        let entry = |address: &&str| HashMap::from([("address".to_owned(), Variant::from((*address).to_owned()))]);
        vec![("AddressData", Variant::from(addresses.iter().map(entry).collect::<Vec<_>>()))]
    };
    let all = snapshot([
        ("/4/1", ADDRESSES[0], config(&["127.0.0.1", "169.254.3.4", "192.168.1.7", "odd"])),
        ("/4/2", ADDRESSES[0], config(&["192.168.1.7"])),
        ("/6/1", ADDRESSES[1], config(&["::1", "fe80::1", "2001:db8::7"])),
    ]);
    let wanted: [IpAddr; 2] = ["192.168.1.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
    assert_eq!(all.addresses(), wanted);
}

#[test]
fn bssids_are_six_bytes() {
    for (text, wanted) in [
        ("00:15:EB:be:21:53", Some([0, 0x15, 0xeb, 0xbe, 0x21, 0x53])),
        ("00:15:EB:BE:21", None),
        ("00:15:EB:BE:21:53:00", None),
        ("0:15:EB:BE:21:53", None),
        ("xx:15:EB:BE:21:53", None),
        ("", None),
    ] {
        assert_eq!(bssid(text), wanted, "{text}");
    }
}
