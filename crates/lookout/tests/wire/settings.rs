//! What a `set_*` takes, demands and refuses (PROFILE 1.5, 2): all or nothing.

use lookout_core::profile::commands::{Parcel, Run};
use lookout_testkit::{Client, encode};

use crate::{
    rows::{changing, stored},
    start,
};

const ILLEGAL: &str = "error: illegal params.";

/// Returns all settings but the time.
fn all(admin: &Client) -> Vec<String> {
    let paths = ["/get_params.cgi", "/get_forbidden.cgi", "/get_misc.cgi", "/get_camera_params.cgi"];
    let texts = paths.map(|path| admin.get(path).text().to_owned()).concat();
    texts.lines().filter(|line| !line.starts_with("var now=")).map(str::to_owned).collect()
}

fn words() -> String {
    let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    days.iter().flat_map(|day| (0..3).map(move |word| format!("schedule_{day}_{word}=-1 "))).collect()
}

/// The CGIs that demand parameters: what must be there, and what may.
pub fn mandatory() -> Vec<(&'static str, String, &'static str)> {
    let devices: String =
        (2..=4).map(|n| format!("dev{n}_alias=a dev{n}_host=h dev{n}_port={n} dev{n}_user=u dev{n}_pwd=p ")).collect();
    let wifi = "enable=0 ssid=net channel=5 mode=0 encrypt=3 authtype=0 keyformat=1 defkey=2 key1=a key2=b key3=c key4=d \
                key1_bits=0 key2_bits=1 key3_bits=0 key4_bits=0 wpa_psk=secret12";
    let mail = "svr=s user=u pwd=p sender=a@b receiver1=a@b receiver2= receiver3= receiver4=";
    vec![
        ("set_alias", "alias=front+door".into(), ""),
        ("set_devices", devices, "dev5_alias=five dev9_port=9"),
        ("set_network", "ip=192.168.0.9 mask=255.255.255.0 gateway=192.168.0.1 dns= port=80".into(), "dhcp_vendor=v"),
        ("set_wifi", wifi.into(), "country=7"),
        ("set_pppoe", "enable=0 user=u pwd=p".into(), "mail_ip=1"),
        ("set_upnp", "enable=1".into(), ""),
        ("set_ddns", "service=9 user=u pwd=p host=h proxy_svr=s proxy_port=1".into(), "restart_dyndns=1"),
        ("set_mail", mail.into(), "port=26 tls=2 mail_inet_ip=1"),
        ("set_forbidden", format!("schedule_enable=0 {}", words()), ""),
        ("set_decoder", "baud=4098".into(), ""),
        ("set_mac", "mac=0012a0746f01".into(), ""),
    ]
}

fn is_number(value: &str) -> bool {
    value.parse::<i64>().is_ok()
}

#[test]
fn what_is_mandatory_is_demanded_and_what_is_not_is_not() {
    let camera = start("");
    let admin = camera.admin();
    for (cgi, must, may) in mandatory() {
        let must: Vec<_> = must.split_whitespace().collect();
        let before = all(&admin);
        for missing in 0..must.len() {
            let rest: Vec<_> = must.iter().enumerate().filter(|(i, _)| *i != missing).map(|(_, pair)| *pair).collect();
            let reply = admin.get(&format!("/{cgi}.cgi?{}&{}", rest.join("&"), may.replace(' ', "&")));
            assert_eq!(reply.text(), ILLEGAL, "{cgi} without {}", must[missing]);
        }
        let all_of_it = must.join("&");
        for (name, _) in must.iter().filter_map(|pair| pair.split_once('=')).filter(|(_, value)| is_number(value)) {
            let emptied = format!("{name}=&{all_of_it}&{}", may.replace(' ', "&"));
            assert_eq!(admin.get(&format!("/{cgi}.cgi?{emptied}")).text(), ILLEGAL, "{cgi} with an empty {name}");
        }
        assert_eq!(all(&admin), before, "{cgi}");
        let reply = admin.get(&format!("/{cgi}.cgi?{}", must.join("&")));
        assert_eq!(reply.text(), "ok.\n", "{cgi} without {may}");
        let before = all(&admin);
        admin.get(&format!("/{cgi}.cgi?{}&{}", must.join("&"), may.replace(' ', "&"))).ok();
        assert_eq!(all(&admin) != before, !may.replace("restart_dyndns=1", "").is_empty(), "{cgi}: {may}");
    }
}

#[test]
fn q5_the_mail_servers_port_is_optional_though_it_has_one() {
    let camera = start("");
    let mail = "/set_mail.cgi?svr=&user=&pwd=&sender=&receiver1=&receiver2=&receiver3=&receiver4=";
    camera.admin().get(mail).ok();
    assert_eq!(camera.admin().get("/get_params.cgi").var("mail_port"), Some("25"));
    camera.admin().get(&format!("{mail}&port=587")).ok();
    assert_eq!(camera.admin().get("/get_params.cgi").var("mail_port"), Some("587"));
}

#[test]
fn what_is_optional_may_be_left_out_or_empty() {
    let camera = start("");
    let admin = camera.admin();
    for (target, name, value) in [
        ("/set_ftp.cgi?port=2121", "ftp_port", "2121"),
        ("/set_ftp.cgi?svr=host", "ftp_svr", "'host'"),
        ("/set_ftp.cgi?svr=", "ftp_svr", "''"),
        ("/set_alarm.cgi?motion_sensitivity=0", "alarm_motion_sensitivity", "0"),
    ] {
        admin.get(target).ok();
        assert_eq!(admin.get("/get_params.cgi").var(name), Some(value), "{target}");
    }
    let optional = ["/set_datetime.cgi", "/set_ftp.cgi", "/set_alarm.cgi", "/set_misc.cgi", "/set_factory_ddns.cgi"];
    for row in changing().iter().filter(|row| optional.contains(&row.command.paths[0])) {
        for pair in row.changes.iter().flat_map(|query| query.split('&')) {
            let (path, before) = (row.command.paths[0], stored(&camera));
            let (name, value) = pair.split_once('=').unwrap();
            let emptied = if is_number(value) { format!("{name}=") } else { String::new() };
            for nothing in ["", "no_such_name=1", &emptied] {
                row.send(&admin, nothing).ok();
                assert_eq!(stored(&camera), before, "{path}?{nothing}");
            }
            row.send(&admin, pair).ok();
            assert_ne!(stored(&camera), before, "{path}?{pair}");
        }
    }
}

#[test]
fn q15_the_rates_of_set_misc_are_taken_though_its_grammar_lacks_them() {
    let camera = start("");
    camera.admin().get("/set_misc.cgi?ptz_patrol_rate=1&ptz_patrol_up_rate=2&ptz_patrol_left_rate=100&led_mode=2").ok();
    let misc = camera.admin().get("/get_misc.cgi");
    let shown = ["ptz_patrol_rate", "ptz_patrol_up_rate", "ptz_patrol_left_rate", "led_mode", "ptz_patrol_down_rate"];
    assert_eq!(shown.map(|name| misc.var(name).unwrap()), ["1", "2", "100", "2", "50"]);
}

#[test]
fn one_illegal_value_and_nothing_of_the_request_is_stored() {
    let camera = start("");
    let admin = camera.admin();
    let before = all(&admin);
    for target in [
        "/set_alarm.cgi?motion_armed=1&mail=1&motion_sensitivity=10",
        "/set_alarm.cgi?motion_armed=1&http_url=ftp://x",
        "/set_alarm.cgi?motion_armed=1&http_url=http://user:pwd@x/",
        "/set_alarm.cgi?motion_armed=2",
        "/set_alarm.cgi?motion_armed=-1",
        "/set_alarm.cgi?motion_armed=true",
        "/set_alarm.cgi?upload_interval=65536",
        "/set_alarm.cgi?upload_interval=99999999999999999999",
        "/set_alarm.cgi?upload_interval=1.5",
        "/set_ftp.cgi?svr=changed&port=65536",
        "/set_ftp.cgi?svr=a%20b",
        "/set_ftp.cgi?svr=changed&dir=a%0d%0aDELE%20x",
        "/set_misc.cgi?led_mode=0&ptz_patrol_rate=101",
        "/set_datetime.cgi?tz=50401",
        "/set_datetime.cgi?tz=3600&ntp_enable=2",
        "/set_datetime.cgi?tz=3600&now=yesterday",
        "/set_datetime.cgi?tz=3600&now=-1",
        "/set_network.cgi?ip=192.168.0.9&mask=255.0.255.0&gateway=&dns=&port=80",
        "/set_network.cgi?ip=192.168.0.9&mask=&gateway=&dns=&port=80",
        "/set_network.cgi?ip=192.168.0.256&mask=255.255.255.0&gateway=&dns=&port=80",
        "/set_network.cgi?ip=&mask=&gateway=&dns=&port=0",
        "/set_decoder.cgi?baud=10",
        "/set_ddns.cgi?service=13&user=&pwd=&host=&proxy_svr=&proxy_port=0",
        "/camera_control.cgi?param=1&value=256",
    ] {
        assert_eq!(admin.get(target).text(), ILLEGAL, "{target}");
    }
    assert_eq!(all(&admin), before);
}

#[test]
fn q7_a_schedules_word_is_printed_unsigned_and_minus_one_is_all_of_it() {
    let camera = start("");
    let admin = camera.admin();
    for (word, shown) in [
        ("-1", Some("4294967295")),
        ("4294967295", Some("4294967295")),
        ("-2147483648", Some("2147483648")),
        ("0", Some("0")),
        ("4294967296", None),
        ("-2147483649", None),
    ] {
        let reply = admin.get(&format!("/set_alarm.cgi?schedule_mon_1={word}"));
        assert_eq!(reply.text(), if shown.is_some() { "ok.\n" } else { ILLEGAL }, "{word}");
        if shown.is_some() {
            assert_eq!(admin.get("/get_params.cgi").var("alarm_schedule_mon_1"), shown);
        }
    }
}

#[test]
fn the_clock_is_set_at_once_and_a_zone_moves_only_what_is_local() {
    let camera = start("");
    let admin = camera.admin();
    let now = || camera.client().get("/get_status.cgi").var("now").unwrap().parse::<i64>().unwrap();
    for set in [1_352_782_970, 0, 2_147_483_648] {
        admin.get(&format!("/set_datetime.cgi?now={set}&ntp_enable=0")).ok();
        assert!((set..set + 60).contains(&now()), "{set}: {}", now());
    }
    admin.get("/set_datetime.cgi?now=1352782970&tz=18000").ok();
    assert!((1_352_782_970..1_352_783_030).contains(&now()));
    assert_eq!(camera.client().get("/get_status.cgi").var("tz"), Some("18000"));
    admin.get("/set_datetime.cgi?tz=-50400").ok();
    assert_eq!(camera.client().get("/get_status.cgi").var("tz"), Some("-50400"));
    assert!(now() < 1_352_783_100, "a zone does not set the clock");
}

#[test]
fn the_clock_can_be_set_to_the_last_second_that_the_profile_can_say() {
    let camera = start("");
    camera.admin().get("/set_datetime.cgi?now=4294967295&ntp_enable=0").ok();
    assert!(camera.client().get("/get_status.cgi").var("now").unwrap().parse::<u64>().unwrap() >= 4_294_967_295);
}

#[test]
fn next_url_is_the_answer_to_a_command_that_succeeded() {
    let camera = start("");
    let admin = camera.admin();
    let page = admin.get("/index.htm");
    // A web pack brings the page itself: `pages.rs`.
    for row in changing().into_iter().filter(|row| row.command.run != Run::Take(Parcel::Pages)) {
        let path = row.command.paths[0];
        let (before, query) = (stored(&camera), row.changes.as_deref().unwrap_or_default());
        for illegal in
            ["/index.htm", "\\index.htm", "../index.htm", "x/../index.htm", "http://evil.example/", "none.htm"]
        {
            let reply = row.send(&admin, &format!("{query}&{}", encode([("next_url", illegal)])));
            assert_eq!(reply.text(), ILLEGAL, "{path}: {illegal}");
        }
        assert_eq!(stored(&camera), before, "{path}: and then nothing was changed");
        let Some(query) = row.changes.as_deref() else { continue };
        let reply = row.send(&admin, &format!("{}&next_url=index.htm", row.refused));
        assert_eq!(reply.text(), ILLEGAL, "{path}: a failure is told");
        assert_eq!(stored(&camera), before, "{path}");
        let reply = row.send(&admin, &format!("{query}&next_url=index.htm"));
        assert_eq!((reply.status, &reply.body), (200, &page.body), "{path}: the file itself, not a redirect");
        assert_eq!(stored(&camera) != before, row.stores, "{path}");
    }
    assert!(admin.get("/get_status.cgi?next_url=index.htm").text().starts_with("var id="), "a listing ignores it");
}
