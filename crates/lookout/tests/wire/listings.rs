//! The form of the listings (PROFILE 1.2), and the order of their lines (2.1, 3).

use lookout_testkit::{Reply, encode};

use crate::{shared, start};

/// Returns the names of a listing's lines; every line must have the one form.
#[track_caller]
fn names(reply: &Reply) -> Vec<String> {
    let text = reply.text();
    assert!(text.ends_with(";\n") && !text.contains('\r') && !text.contains("\n\n"), "{text:?}");
    let line = |line: &str| {
        let (name, value) = line.strip_prefix("var ")?.strip_suffix(';')?.split_once('=')?;
        let number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let quoted = value.len() >= 2 && value.starts_with('\'') && value.ends_with('\'');
        (number || quoted).then(|| name.to_owned())
    };
    text.lines().map(|text| line(text).unwrap_or_else(|| panic!("{text}"))).collect()
}

/// Names the 21 words of a schedule.
fn schedule(prefix: &str) -> String {
    let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    days.iter().flat_map(|day| (0..3).map(move |word| format!(" {prefix}{day}_{word}"))).collect()
}

fn each<const N: usize>(range: std::ops::RangeInclusive<u8>, parts: [&str; N]) -> String {
    range.flat_map(|n| parts.map(|part| format!(" {}", part.replace('#', &n.to_string())))).collect()
}

#[test]
fn the_parameters_come_in_the_order_of_the_wire() {
    let expected = [
        "id sys_ver app_ver alias now tz daylight_saving_time ntp_enable ntp_svr",
        &each(1..=8, ["user#_name", "user#_pwd", "user#_pri"]),
        &each(2..=9, ["dev#_alias", "dev#_host", "dev#_port", "dev#_user", "dev#_pwd"]),
        " ip mask gateway dns dhcp_vendor port wifi_enable wifi_ssid wifi_channel wifi_encrypt wifi_defkey",
        &each(1..=4, ["wifi_key#"]),
        " wifi_authtype wifi_keyformat",
        &each(1..=4, ["wifi_key#_bits"]),
        " wifi_mode wifi_wpa_psk wifi_country pppoe_enable pppoe_user pppoe_pwd upnp_enable ddns_service ddns_user",
        " ddns_pwd ddns_host ddns_proxy_svr ddns_proxy_port mail_svr mail_port mail_tls mail_user mail_pwd mail_sender",
        &each(1..=4, ["mail_receiver#"]),
        " mail_inet_ip ftp_svr ftp_port ftp_user ftp_pwd ftp_dir ftp_mode ftp_tls ftp_retain ftp_upload_interval",
        " ftp_filename ftp_numberoffiles ftp_schedule_enable",
        &schedule("ftp_schedule_"),
        " alarm_motion_armed alarm_motion_sensitivity alarm_motion_compensation alarm_motion_mask alarm_input_armed alarm_ioin_level",
        " alarm_sounddetect_armed alarm_sounddetect_sensitivity alarm_iolinkage alarm_preset alarm_ioout_level",
        " alarm_mail alarm_upload_interval alarm_http alarm_http_url alarm_schedule_enable",
        &schedule("alarm_schedule_"),
        " decoder_baud privacy_now setup_done",
    ]
    .concat();
    let camera = shared();
    let got = names(&camera.admin().get("/get_params.cgi"));
    assert_eq!(got, expected.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn the_smaller_listings_come_in_the_order_of_the_wire() {
    let camera = shared();
    let admin = camera.admin();
    let forbidden = format!("schedule_enable{}", schedule("schedule_"));
    for (path, expected) in [
        (
            "/get_status.cgi",
            "id sys_ver app_ver alias now tz alarm_status ddns_status ddns_host oray_type upnp_status wifi_status",
        ),
        ("/get_camera_params.cgi", "resolution brightness contrast mode flip fps"),
        ("/check_user.cgi", "user pwd pri"),
        (
            "/get_misc.cgi",
            "led_mode ptz_center_onstart ptz_auto_patrol_interval ptz_auto_patrol_type ptz_patrol_h_rounds \
             ptz_patrol_v_rounds ptz_patrol_rate ptz_patrol_up_rate ptz_patrol_down_rate ptz_patrol_left_rate \
             ptz_patrol_right_rate ptz_disable_preset ptz_preset_onstart",
        ),
        ("/get_forbidden.cgi", &forbidden),
    ] {
        assert_eq!(names(&admin.get(path)).join(" "), expected, "{path}");
    }
}

#[test]
fn versions_are_four_numbers_and_the_second_half_of_the_first_is_the_dialect() {
    let camera = shared();
    let status = camera.client().get("/get_status.cgi");
    for name in ["sys_ver", "app_ver"] {
        let text = status.var(name).unwrap().trim_matches('\'');
        assert_eq!(text.split('.').filter(|part| part.parse::<u8>().is_ok()).count(), 4, "{text}");
    }
    assert!(status.var("sys_ver").unwrap().ends_with(".2.43'"));
}

#[test]
fn q2_a_hostile_alias_ends_neither_string_nor_line_nor_script_and_comes_back_whole() {
    let camera = start("");
    let admin = camera.admin();
    for (alias, shown) in [
        ("';alert(1);//", "'\\';alert(1);//'"),
        ("</script>", "'\\x3c/script>'"),
        ("\\", "'\\\\'"),
        ("\\'", "'\\\\\\''"),
        ("a\u{2028}b\u{2029}c", "'a\\u2028b\\u2029c'"),
        ("Küche & \"Flur\" ©", "'Küche & \"Flur\" ©'"),
        ("", "''"),
    ] {
        admin.get(&format!("/set_alias.cgi?{}", encode([("alias", alias)]))).ok();
        for reply in [camera.client().get("/get_status.cgi"), admin.get("/get_params.cgi")] {
            assert_eq!(reply.var("alias"), Some(shown));
            names(&reply);
        }
    }
    for illegal in ["a\nb", "a\rb", "a\0b", "\u{1b}[2J", "\u{7f}", "twenty-one bytes long"] {
        admin.get(&format!("/set_alias.cgi?{}", encode([("alias", illegal)]))).error("error: illegal params.");
    }
    assert_eq!(camera.client().get("/get_status.cgi").var("alias"), Some("''"));
}
