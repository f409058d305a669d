//! The result of a scan as `get_wifi_scan_result.cgi` tells it (PROFILE 5.8).

use std::{cmp::Reverse, fmt::Write as _};

use super::AccessPoint;
use crate::{hex, profile::listing::escape_bytes};

/// The most access points that are told: of a hall full of them the strongest.
pub const MOST: usize = 256;

/// Writes the access points, the strongest first.
///
/// A name is whatever somebody in the neighbourhood has chosen, so nothing of it can end the string, the line or the script.
pub fn result(found: &[AccessPoint]) -> String {
    let mut found: Vec<_> = found.iter().collect();
    found.sort_by_key(|point| Reverse(point.strength));
    found.truncate(MOST);
    let mut out = String::new();
    for name in ["ap_bssid", "ap_ssid", "ap_mode", "ap_security"] {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "var {name}=new Array();");
    }
    for (n, point) in found.iter().enumerate() {
        let _ = writeln!(out, "ap_bssid[{n}]='{}';", hex::show(&point.bssid));
        let _ = writeln!(out, "ap_ssid[{n}]='{}';", escape_bytes(&point.ssid));
        let _ = writeln!(out, "ap_mode[{n}]={};", u8::from(point.adhoc));
        let _ = writeln!(out, "ap_security[{n}]={};", point.lock as u8);
    }
    let _ = writeln!(out, "var ap_number={};", found.len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Lock;

    fn point(ssid: &[u8], strength: u8) -> AccessPoint {
        AccessPoint {
            bssid: [0, 0x15, 0xeb, 0xbe, 0x21, 0x53],
            ssid: ssid.into(),
            adhoc: false,
            lock: Lock::Wpa2Aes,
            strength,
        }
    }

    const HEAD: &str = "var ap_bssid=new Array();\nvar ap_ssid=new Array();\nvar ap_mode=new Array();\n\
                        var ap_security=new Array();\n";

    #[test]
    fn each_access_point_is_four_lines_between_the_arrays_and_their_number() {
        let adhoc = AccessPoint { adhoc: true, lock: Lock::None, bssid: [0xff; 6], ..point(b"away", 20) };
        assert_eq!(
            result(&[adhoc, point(b"sea", 80)]),
            format!(
                "{HEAD}ap_bssid[0]='0015ebbe2153';\nap_ssid[0]='sea';\nap_mode[0]=0;\nap_security[0]=4;\n\
                 ap_bssid[1]='ffffffffffff';\nap_ssid[1]='away';\nap_mode[1]=1;\nap_security[1]=0;\nvar ap_number=2;\n"
            )
        );
        assert_eq!(result(&[]), format!("{HEAD}var ap_number=0;\n"));
    }

    #[test]
    fn every_lock_has_its_number() {
        let locks = [Lock::None, Lock::Wep, Lock::WpaTkip, Lock::WpaAes, Lock::Wpa2Aes, Lock::Wpa2Tkip, Lock::Other];
        for (number, lock) in locks.into_iter().enumerate() {
            let text = result(&[AccessPoint { lock, ..point(b"sea", 1) }]);
            assert!(text.contains(&format!("ap_security[0]={number};\n")), "{text}");
        }
    }

    #[test]
    fn q72_a_hostile_name_is_one_string_in_one_line() {
        let hostile = b"a'b\"</script>\r\n\\\xff\x80\xe2\x80\xa8\0\xc3\xbc";
        let text = result(&[point(hostile, 1)]);
        let ssid = "ap_ssid[0]='a\\'b\"\\x3c/script>\\r\\n\\\\\\xff\\x80\\u2028\\x00ü';\n";
        assert_eq!(text.lines().nth(5).map(|line| format!("{line}\n")).as_deref(), Some(ssid));
        assert_eq!(text.lines().count(), 9);
    }

    #[test]
    fn of_too_many_the_strongest_are_told() {
        let all: Vec<_> = (0..=255).flat_map(|strength| [point(b"one", strength), point(b"other", strength)]).collect();
        let text = result(&all);
        assert!(text.ends_with(&format!("var ap_number={MOST};\n")) && text.lines().count() == 5 + 4 * MOST);
    }
}
