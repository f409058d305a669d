//! Secrets go in and, unless the machine's operator wants the profile to the letter, do not come out (PROFILE 1.3).

use std::fs;

use lookout_testkit::{ADMIN, Camera, OPERATOR, VIEWER, users};

use crate::start;

/// Sets every secret there is to something that can be searched for.
fn fill(camera: &Camera) {
    let admin = camera.admin();
    let wifi = "enable=0&ssid=net&channel=5&mode=0&encrypt=0&authtype=0&keyformat=0&defkey=0&key1=canary-1&key2=canary-2\
                &key3=canary-3&key4=canary-4&key1_bits=0&key2_bits=0&key3_bits=0&key4_bits=0&wpa_psk=canary-psk";
    let devices: String = (2..=4)
        .map(|n| format!("dev{n}_alias=&dev{n}_host=&dev{n}_port=0&dev{n}_user=&dev{n}_pwd=canary-dev{n}&"))
        .collect();
    for target in [
        format!("/set_wifi.cgi?{wifi}"),
        format!("/set_devices.cgi?{devices}"),
        "/set_pppoe.cgi?enable=0&user=me&pwd=canary-ppp".into(),
        "/set_ddns.cgi?service=0&user=me&pwd=canary-ddns&host=&proxy_svr=&proxy_port=0".into(),
        "/set_ftp.cgi?user=me&pwd=canary-ftp".into(),
        "/set_mail.cgi?svr=&user=me&pwd=canary-mail&sender=&receiver1=&receiver2=&receiver3=&receiver4=".into(),
    ] {
        admin.get(&target).ok();
    }
}

const NAMES: [&str; 12] = [
    "wifi_key1",
    "wifi_key2",
    "wifi_key3",
    "wifi_key4",
    "wifi_wpa_psk",
    "dev2_pwd",
    "dev3_pwd",
    "dev4_pwd",
    "pppoe_pwd",
    "ddns_pwd",
    "ftp_pwd",
    "mail_pwd",
];

#[test]
fn masked_secrets_show_as_eight_asterisks_and_may_be_written_back_so() {
    let camera = start("");
    fill(&camera);
    let admin = camera.admin();
    let params = admin.get("/get_params.cgi");
    for name in NAMES.iter().chain(&["user1_pwd", "user2_pwd", "user3_pwd"]) {
        assert_eq!(params.var(name), Some("'********'"), "{name}");
    }
    for empty in ["user4_pwd", "dev5_pwd"] {
        assert_eq!(params.var(empty), Some("''"), "{empty}");
    }
    assert!(!params.text().contains("canary") && !params.text().contains("argon2"), "{}", params.text());
    admin.get("/set_ftp.cgi?svr=changed&pwd=********").ok();
    let stored = fs::read_to_string(camera.state().join("settings.toml")).unwrap();
    assert!(stored.contains("canary-ftp") && stored.contains("changed"), "the mask leaves the secret as it is");
    for password in [ADMIN.1, VIEWER.1, OPERATOR.1] {
        assert!(!stored.contains(password), "users' passwords are kept as hashes");
    }
    admin.get("/set_ftp.cgi?pwd=").ok();
    assert_eq!(admin.get("/get_params.cgi").var("ftp_pwd"), Some("''"), "an empty one takes it away");
}

#[test]
fn plain_secrets_are_the_profile_to_the_letter() {
    let camera = start("[profile]\nsecrets = \"plain\"\n");
    fill(&camera);
    let admin = camera.admin();
    let params = admin.get("/get_params.cgi");
    assert!(NAMES.iter().all(|name| params.var(name).unwrap().starts_with("'canary-")), "{}", params.text());
    assert_eq!(params.var("user1_pwd"), Some(format!("'{}'", ADMIN.1).as_str()));
    assert_eq!(params.var("user3_pwd"), Some(format!("'{}'", OPERATOR.1).as_str()));
    // A client that was written for masked secrets harms nothing.
    admin.get("/set_ftp.cgi?pwd=********").ok();
    assert_eq!(admin.get("/get_params.cgi").var("ftp_pwd"), Some("'canary-ftp'"));
    let accounts = [(ADMIN.0, "********", "2"), ("it's\\me", "pw'\\</script", "0")];
    admin.get(&format!("/set_users.cgi?{}", users(&accounts))).ok();
    let params = admin.get("/get_params.cgi");
    assert_eq!(params.var("user2_name"), Some("'it\\'s\\\\me'"));
    assert_eq!(params.var("user2_pwd"), Some("'pw\\'\\\\\\x3c/script'"));
}

#[test]
fn the_settings_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let camera = start("");
    let mode = |name: &str| fs::metadata(camera.state().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(""), mode("settings.toml"), mode("settings.previous.toml")], [0o700, 0o600, 0o600]);
}
