use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::profile::{
    params::params,
    settings::Level,
    view::Version,
    wire::{Ip, Kind, Mac, Password, Wire},
};

const RULES: Rules = Rules { secrets: Secrets::Masked, password_min: 8 };

/// Gives legal values of a kind, as a request would bring them.
fn values(kind: Kind) -> BoxedStrategy<String> {
    let text = |max: usize| {
        let chars = any::<char>().prop_filter("no control characters", |c| !c.is_control());
        prop::collection::vec(chars, 0..=max / 4).prop_map(String::from_iter)
    };
    match kind {
        Kind::Text(max) | Kind::Secret(max) => text(max).boxed(),
        Kind::Host(max) => prop::string::string_regex(&format!("[a-zA-Z0-9._:-]{{0,{max}}}")).unwrap().boxed(),
        Kind::Mail(_) => "([a-z]{1,30}@[a-z]{1,15}([.][a-z]{1,14})?)?".boxed(),
        Kind::Url(_) => "(https?://[a-z0-9]{1,20}/[a-z0-9?=&%]{0,90})?".boxed(),
        Kind::Int(min, max) => (min..=max).prop_map(|number| number.to_string()).boxed(),
        Kind::Flag => (0..2_i32).prop_map(|number| number.to_string()).boxed(),
        Kind::Choice(choices) => prop::sample::select(choices).prop_map(|choice| choice.0.to_string()).boxed(),
        Kind::Words(words) => prop::sample::select(words).prop_map(str::to_owned).boxed(),
        Kind::Place => "(head|[0-9]{1,4},[0-9]{1,4},[0-9]{1,4})?".boxed(),
        Kind::Mask => "([0-9a-f]{192})?".boxed(),
        Kind::Ip => any::<u32>().prop_map(|number| Ipv4Addr::from(number).to_string()).boxed(),
        Kind::Mac => any::<[u8; 5]>().prop_map(|[a, b, c, d, e]| Mac([0, a, b, c, d, e | 1]).to_string()).boxed(),
        Kind::Word => any::<u32>().prop_map(|word| word.to_string()).boxed(),
        Kind::Seconds => (-(1_i64 << 32)..1 << 32).prop_map(|seconds| seconds.to_string()).boxed(),
    }
}

/// Gives settings in which every row of the table has any value, and which are legal together.
fn settings() -> impl Strategy<Value = Settings> {
    let edits = || params().filter(|row| !row.name.is_empty()).filter_map(|row| Some((row, row.edit.as_ref()?)));
    let all: Vec<_> = edits().map(|(row, _)| values(row.kind)).collect();
    all.prop_map(move |values| {
        let mut settings = Settings::factory();
        edits().zip(&values).for_each(|((_, edit), text)| (edit.take)(&mut settings, text).unwrap());
        settings
            .users
            .iter_mut()
            .enumerate()
            .for_each(|(n, user)| user.name = Wire::parse(&format!("user {n}")).unwrap());
        settings.users[0].pri = Level::Manager;
        settings.users[0].pwd = Password::Hash(Secret::new("$argon2id$v=19$m=7168,t=5,p=1$c2FsdA$aGFzaA"));
        settings.network.mask = Ip(Some(Ipv4Addr::new(255, 255, 240, 0)));
        settings
    })
}

fn view(settings: &Settings) -> View<'_> {
    View { sys_ver: "0.1.2.43", app_ver: Version([3, 4, 5, 6]), ..View::of(settings) }
}

fn clear(settings: &Settings) -> Vec<u8> {
    encode(&view(settings), Secrets::Plain, &Section::Clear(Secret::new(stored::encode(settings))))
}

fn text_of(file: &[u8]) -> Secret {
    let Ok(Backup::Clear(text)) = decode(file) else { panic!("not in clear") };
    text
}

/// Returns why a file is refused.
fn refusal(file: &[u8]) -> Option<Refused> {
    decode(file).err()
}

/// Writes sum and size into the head of a file that was made by hand.
fn signed(mut file: Vec<u8>) -> Vec<u8> {
    let size = u32::try_from(file.len()).unwrap();
    file[8..12].copy_from_slice(&size.to_le_bytes());
    let sum: u32 = file[12..].iter().map(|byte| u32::from(*byte)).sum();
    file[4..8].copy_from_slice(&sum.to_le_bytes());
    file
}

/// A vendor's file as its sources describe it, byte by byte, without our encoder.
fn vendors() -> Vec<u8> {
    let mut file = vec![0; 0x14e8];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x000, b"\xbd\x9a\x0c\x44");
    put(0x00c, b"00B8000068D2\0\x15\x16\x02\x24\x00\x00\x04\x12002bxaf");
    put(0x036, b"admin");
    put(0x043, b"12345678");
    put(0x050, b"\x02visitor");
    put(0x05e, b"visitor1");
    put(0x10e, b"\x0a\x01\x02\x03\xff\xff\xff\x00\x0a\x01\x02\x01\x08\x08\x04\x04\xee\xee\xee\xee\x51\x00");
    put(0x124, b"\x01dsl@provider");
    put(0x166, b"dsl secret");
    put(0x1a7, b"\x01My network");
    put(0x1d1, &[0xee; 129]);
    put(0x252, b"wpa secret");
    put(0x293, &[0xee; 0x518 - 0x293]);
    put(0x518, b"\x07cam@example.org");
    put(0x55a, b"one@example.org");
    put(0x61d, b"four@example.org");
    put(0x65e, b"smtp.example.org");
    put(0x69f, b"\x4b\x02mailer");
    put(0x6e2, b"mail secret");
    put(0x723, &[0xee; 0x14e8 - 0x723]);
    signed(file)
}

fn old() -> Settings {
    let mut old = Settings::factory();
    old.alias = Wire::parse("old").unwrap();
    old.users[0].name = Wire::parse("admin").unwrap();
    old.users[0].pwd = Password::Plain(Secret::new("long enough"));
    old.users[0].pri = Level::Manager;
    old.wifi.ssid = Wire::parse("old net").unwrap();
    old
}

fn restored(file: &[u8], wish: Wish) -> Result<Settings, Refused> {
    let Backup::Vendor(vendor) = decode(file)? else { panic!("not a vendor's") };
    vendor.restore(&old(), wish, &RULES)
}

#[test]
fn a_vendors_name_and_mail_are_taken_and_accounts_and_network_stay() {
    let mut expected = old();
    expected.alias = Wire::parse("002bxaf").unwrap();
    expected.mail.inet_ip = true;
    expected.mail.sender = Wire::parse("cam@example.org").unwrap();
    expected.mail.receivers[0] = Wire::parse("one@example.org").unwrap();
    expected.mail.receivers[3] = Wire::parse("four@example.org").unwrap();
    expected.mail.svr = Wire::parse("smtp.example.org").unwrap();
    expected.mail.port = Wire::parse("587").unwrap();
    expected.mail.user = Wire::parse("mailer").unwrap();
    expected.mail.pwd = Wire::parse("mail secret").unwrap();
    assert_eq!(restored(&vendors(), Wish::default()), Ok(expected));
}

#[test]
fn a_vendors_accounts_and_network_are_taken_when_asked_for() {
    let new = restored(&vendors(), Wish { users: true, network: true }).unwrap();
    let names = new.users.each_ref().map(|user| user.name.as_str());
    assert_eq!(names, ["admin", "visitor", "", "", "", "", "", ""]);
    assert_eq!(new.users[0].pwd, Password::Plain(Secret::new("12345678")));
    assert_eq!((new.users[0].pri, new.users[1].pri), (Level::Manager, Level::Visitor));
    let network =
        [new.network.ip, new.network.mask, new.network.gateway, new.network.dns].map(|ip| ip.show().into_text());
    assert_eq!(network, ["10.1.2.3", "255.255.255.0", "10.1.2.1", "8.8.4.4"]);
    assert_eq!(new.network.port.get(), 81);
    assert_eq!((new.pppoe.user.as_str(), new.pppoe.pwd.expose()), ("dsl@provider", "dsl secret"));
    assert_eq!((new.wifi.ssid.as_str(), new.wifi.wpa_psk.expose()), ("My network", "wpa secret"));
    assert!(!new.pppoe.enable && !new.wifi.enable, "what is half known is not switched on");
}

#[test]
fn the_netmask_tells_in_which_order_the_bytes_of_an_address_stand() {
    let network = |addresses: &[u8]| {
        let mut file = vendors();
        file[0x10e..0x116].copy_from_slice(addresses);
        let new = restored(&signed(file), Wish { network: true, ..Wish::default() })?;
        Ok((new.network.ip.show().into_text(), new.network.mask.show().into_text()))
    };
    let both = Ok(("192.168.0.9".into(), "255.255.254.0".into()));
    assert_eq!(network(&[192, 168, 0, 9, 255, 255, 254, 0]), both);
    assert_eq!(network(&[9, 0, 168, 192, 0, 254, 255, 255]), both);
    assert_eq!(network(&[0; 8]), Ok(("0.0.0.0".into(), "0.0.0.0".into())), "that is DHCP");
    assert_eq!(network(&[192, 168, 0, 9, 1, 2, 3, 4]), Err(Refused::Together));
}

#[test]
fn one_illegal_value_of_a_vendor_and_nothing_is_taken() {
    let wish = Wish { users: true, network: true };
    let with = |at: usize, bytes: &[u8]| {
        let mut file = vendors();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        restored(&signed(file), wish).err()
    };
    assert_eq!(with(0x21, b"porch\x01"), Some(Refused::Value("alias")));
    assert_eq!(with(0x21, b"porch\xff"), Some(Refused::Value("alias")));
    assert_eq!(with(0x21, &[b'x'; 21]), Some(Refused::Value("alias")));
    assert_eq!(with(0x50, &[3]), Some(Refused::Value("user1_pri")));
    assert_eq!(with(0x65e, b"smtp example"), Some(Refused::Value("mail_svr")));
    assert_eq!(with(0x122, &[0, 0]), Some(Refused::Value("port")));
    assert_eq!(with(0x43, &[0; 13]), Some(Refused::Together), "a blank password, and no other manager");
    assert_eq!(with(0x43, b"1234567\0"), Some(Refused::Together), "shorter than a password may be");
}

#[test]
fn the_vendors_blocks_are_written_as_its_sources_describe_them() {
    let mut settings = restored(&vendors(), Wish { users: true, network: true }).unwrap();
    settings.id = Wire::parse("00B8000068D2").unwrap();
    settings.users[2].pwd = Password::Hash(Secret::new("$argon2id$v=19$x"));
    let file = clear(&settings);
    // What is not known is zero, and the versions are ours.
    let mut expected = vendors();
    expected[0x19..0x21].copy_from_slice(&[0, 1, 2, 43, 3, 4, 5, 6]);
    expected[0x518] = 1;
    for unknown in [0x11e..0x122, 0x124..0x125, 0x1a7..0x1a8, 0x1d1..0x252, 0x293..0x518, 0x723..0x14e8] {
        expected[unknown].fill(0);
    }
    assert_eq!(file[..4], expected[..4]);
    assert_eq!(file[12..0x14e8], expected[12..]);
    assert_eq!(file, signed(file.clone()), "size and sum are those of the whole file");
    assert_eq!(&file[0x14e8..0x14f2], b"Lookout\0\x01\x00");
}

#[test]
fn masked_no_block_holds_an_account_or_a_secret() {
    let mut expected = restored(&vendors(), Wish { users: true, network: true }).unwrap();
    let envelope = Envelope { salt: [1; 16], nonce: [2; 12] };
    let section = Section::Sealed(envelope, b"unreadable".to_vec());
    let file = encode(&view(&expected), Secrets::Masked, &section);
    let holds = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    for secret in ["12345678", "visitor", "dsl secret", "wpa secret", "mail secret"] {
        assert!(!holds(secret), "{secret}");
    }
    assert!(holds("cam@example.org") && holds("My network"));
    let Ok(Backup::Sealed(read, sealed)) = decode(&file) else { panic!("not sealed") };
    assert_eq!((read, &sealed[..]), (envelope, &b"unreadable"[..]));
    assert!(file.ends_with(&[envelope.head(), sealed].concat()));
    // Nor does a vendor's reader find more in it.
    let blocks = signed(file[..0x14e8].to_vec());
    let Ok(Backup::Vendor(vendor)) = decode(&blocks) else { panic!("not a vendor's") };
    expected.pppoe.pwd = old().pppoe.pwd;
    expected.wifi.wpa_psk = old().wifi.wpa_psk;
    expected.mail.pwd = old().mail.pwd;
    expected.users = old().users;
    assert_eq!(vendor.restore(&old(), Wish { network: true, ..Wish::default() }, &RULES), Ok(expected));
}

#[test]
fn what_is_no_such_file_is_refused_with_the_reason() {
    assert_eq!(refusal(b""), Some(Refused::Foreign));
    assert_eq!(refusal(&[0xff; 9000]), Some(Refused::Foreign));
    assert_eq!(refusal(b"\xbd\x9a\x0c\x44\0\0\0\0"), Some(Refused::Layout(0)));
    assert_eq!(refusal(&signed(vendors()[..0x14e7].to_vec())), Some(Refused::Layout(0x14e7)));
    assert_eq!(refusal(&signed([vendors(), vec![0; 40]].concat())), Some(Refused::Layout(0x14e8 + 40)));
    let section = |section: &[u8]| refusal(&signed([&vendors(), section].concat()));
    assert_eq!(section(b"Lookout\0"), Some(Refused::Section));
    assert_eq!(section(b"Lookout\0\x01"), Some(Refused::Section));
    assert_eq!(section(b"Lookout\0\x01\x02"), Some(Refused::Section));
    assert_eq!(section(b"Lookout\0\x01\x00\xff"), Some(Refused::Section));
    assert_eq!(section(b"Lookout\0\x01\x01salt and no nonce"), Some(Refused::Section));
    assert_eq!(section(b"Lookout\0\x02\x00"), Some(Refused::Version(2)));
}

#[test]
fn a_file_of_ours_that_is_cut_anywhere_is_refused() {
    let whole = clear(&old());
    for end in 0..whole.len() {
        assert!(decode(&whole[..end]).is_err(), "cut at {end}");
    }
    let longer = [&whole[..], b"x"].concat();
    assert_eq!(refusal(&longer), Some(Refused::Length { said: whole.len(), came: longer.len() }));
}

#[test]
fn one_illegal_value_of_ours_and_nothing_is_taken() {
    let text = |settings: &Settings| Secret::new(stored::encode(settings));
    assert_eq!(restore(&old(), &Secret::new("alias = \"x\"\n"), &RULES), Err(Unusable::Sum.into()));
    let mut strangers = old();
    strangers.users[0].pri = Level::Visitor;
    assert_eq!(restore(&old(), &text(&strangers), &RULES), Err(Refused::Together));
    assert_eq!(restore(&old(), &stored::sealed("led_mode = 9\n"), &RULES), Err(Refused::Value("led_mode")));
}

#[test]
fn what_an_older_backup_lacks_is_as_from_the_factory_and_what_a_newer_one_adds_is_passed_over() {
    let text = stored::sealed(
        "user1_name = \"admin\"\nuser1_pwd = \"long enough\"\nuser1_pri = 2\nalias = \"new\"\nsunshine = 7\n",
    );
    let mut old = old();
    old.misc.rate = Wire::parse("7").unwrap();
    let new = restore(&old, &text, &RULES).unwrap();
    assert_eq!(
        (new.alias.as_str(), &new.misc, &new.wifi),
        ("new", &Settings::factory().misc, &Settings::factory().wifi)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_settings_a_backup_of_them_brings_them_back(settings in settings()) {
        let text = text_of(&clear(&settings));
        let password_min = Rules { password_min: 0, ..RULES };
        prop_assert_eq!(restore(&settings, &text, &password_min), Ok(settings));
    }

    #[test]
    fn q44_what_belongs_to_the_device_or_the_moment_stays(theirs in settings(), own in settings()) {
        let new = restore(&own, &text_of(&clear(&theirs)), &Rules { password_min: 0, ..RULES }).unwrap();
        prop_assert_eq!(
            (new.id, &new.factory_ddns, new.clock.offset_s),
            (own.id, &own.factory_ddns, own.clock.offset_s)
        );
        prop_assert_eq!(stored::keep_own(&theirs, new), theirs);
    }

    #[test]
    fn one_bit_that_is_another_is_noticed(settings in settings(), at: prop::sample::Index, bit in 0..8) {
        let mut file = clear(&settings);
        let at = at.index(file.len());
        file[at] ^= 1_u8 << bit;
        prop_assert!(decode(&file).is_err());
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, at in 0_usize..0x14e8, users: bool, network: bool) {
        let _ = decode(&bytes);
        let _ = decode(&signed([&vendors(), &b"Lookout\0"[..], &bytes].concat()));
        let mut file = vendors();
        let end = (at + bytes.len()).min(file.len());
        file[at..end].copy_from_slice(&bytes[..end - at]);
        let _ = restored(&signed(file), Wish { users, network }).map_err(|_| ());
    }
}
