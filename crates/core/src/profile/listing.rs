//! What a listing looks like on the wire: `var name=value;` lines that a browser can load as a script (PROFILE 1.2).

use std::fmt::Write as _;

use super::{
    commands::Page,
    params::{Param, params},
    view::{Secrets, View},
    wire::{MASK, Value},
};

/// Writes a listing: its rows in the order of the table, a line each, LF at every end.
pub fn listing(page: Page, view: &View, secrets: Secrets) -> String {
    let rows = params().filter(|row| row.pages.contains(&page));
    rows.fold(String::new(), |out, row| var(out, name(page, row), &(row.show)(view), secrets))
}

/// Returns the name under which a listing shows a row.
pub(super) fn name(page: Page, row: &'static Param) -> &'static str {
    if page.by_wire_name() { row.wire } else { row.name }
}

/// Appends one `var name=value;` line.
pub fn var(mut out: String, name: &str, value: &Value, secrets: Secrets) -> String {
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Int(number) => writeln!(out, "var {name}={number};"),
        Value::Text(text) => writeln!(out, "var {name}='{}';", escape(text)),
        Value::Secret(secret) => match secrets {
            Secrets::Masked if !secret.expose().is_empty() => writeln!(out, "var {name}='{MASK}';"),
            Secrets::Masked | Secrets::Plain => writeln!(out, "var {name}='{}';", escape(secret.expose())),
        },
        Value::Sealed(_) => writeln!(out, "var {name}='{MASK}';"),
    };
    out
}

/// Escapes a text for single quotes of a script (Q2).
///
/// Nothing that comes out can end the string, the line or a `<script>` element, whatever went in.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            '<' | '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

/// Escapes what may be text for single quotes of a script, as [`escape`] does: a name that somebody else has chosen. What is
/// no UTF-8 becomes `\xNN`, byte by byte (Q72).
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::{
        settings::Settings,
        view::Version,
        wire::{Kind, Wire},
    };

    /// Reads a string in single quotes as a JavaScript engine does; none if it ends early, or never.
    fn unquoted(text: &str) -> Option<String> {
        let mut chars = text.strip_prefix('\'')?.strip_suffix('\'')?.chars();
        let mut out = String::new();
        while let Some(c) = chars.next() {
            let digits = match c {
                '\'' | '\n' | '\r' => return None,
                '\\' => match chars.next()? {
                    'n' => Err('\n'),
                    'r' => Err('\r'),
                    'x' => Ok(2),
                    'u' => Ok(4),
                    other if other.is_alphanumeric() => return None,
                    other => Err(other),
                },
                other => Err(other),
            };
            out.push(match digits {
                Err(c) => c,
                Ok(count) => {
                    let hex: String = chars.by_ref().take(count).collect();
                    char::from_u32(u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == count)?)?
                }
            });
        }
        Some(out)
    }

    proptest! {
        #[test]
        fn q2_any_text_comes_back_equal_and_in_one_harmless_line(chars in prop::collection::vec(any::<char>(), 0..40)) {
            let text = String::from_iter(chars);
            let escaped = escape(&text);
            let ends = |c: char| c.is_control() || matches!(c, '<' | '\u{2028}' | '\u{2029}');
            prop_assert!(!escaped.contains(ends), "{escaped:?}");
            prop_assert_eq!(unquoted(&format!("'{escaped}'")), Some(text));
        }
    }

    proptest! {
        #[test]
        fn q72_any_bytes_are_one_harmless_string_and_each_that_is_no_text_is_its_own_character(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let read = unquoted(&format!("'{}'", escape_bytes(&bytes)));
            let chars = bytes.utf8_chunks().map(|chunk| {
                chunk.valid().to_owned() + &String::from_iter(chunk.invalid().iter().map(|byte| char::from(*byte)))
            });
            prop_assert_eq!(read, Some(chars.collect::<String>()));
            let ends = |c: char| c.is_control() || matches!(c, '<' | '\u{2028}' | '\u{2029}');
            prop_assert!(!escape_bytes(&bytes).contains(ends), "{bytes:?}");
        }
    }

    fn shown(page: Page, settings: &Settings, secrets: Secrets) -> String {
        let view =
            View { now: 1_352_782_970, sys_ver: "0.1.2.43", app_ver: Version([0, 1, 0, 0]), ..View::of(settings) };
        listing(page, &view, secrets)
    }

    #[test]
    fn the_status_has_its_lines_in_the_cameras_order() {
        let names =
            "id sys_ver app_ver alias now tz alarm_status ddns_status ddns_host oray_type upnp_status wifi_status";
        let text = shown(Page::Status, &Settings::factory(), Secrets::Masked);
        let got: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("var ")?.split('=').next()).collect();
        assert_eq!(got.join(" "), names);
        assert!(text.starts_with("var id='000000000000';\nvar sys_ver='0.1.2.43';\n"));
        assert!(text.contains("var now=1352782970;\nvar tz=0;\n") && text.ends_with(";\n") && !text.contains('\r'));
    }

    #[test]
    fn a_clock_before_1970_is_listed_as_0() {
        let settings = Settings::factory();
        let text = listing(Page::Status, &View { now: -1, ..View::of(&settings) }, Secrets::Masked);
        assert!(text.contains("var now=0;\n"), "{text}");
    }

    #[test]
    fn q16_misc_and_forbidden_are_named_as_their_cgis_name_them() {
        let misc = shown(Page::Misc, &Settings::factory(), Secrets::Masked);
        assert!(misc.starts_with("var led_mode=0;\nvar ptz_center_onstart=0;\n"), "{misc}");
        let forbidden = shown(Page::Forbidden, &Settings::factory(), Secrets::Masked);
        assert!(forbidden.starts_with("var schedule_enable=0;\nvar schedule_sun_0=0;\n"), "{forbidden}");
        assert_eq!(forbidden.lines().count(), 22);
        let camera = "var resolution=32;\nvar brightness=128;\nvar contrast=3;\nvar mode=0;\nvar flip=0;\nvar fps=0;\n";
        assert_eq!(shown(Page::Camera, &Settings::factory(), Secrets::Masked), camera);
    }

    #[test]
    fn a_secret_is_masked_unless_it_is_empty_or_plain_is_asked_for() {
        let mut settings = Settings::factory();
        settings.mail.pwd = Wire::parse("sesame").unwrap();
        let masked = shown(Page::Params, &settings, Secrets::Masked);
        assert!(masked.contains("var mail_pwd='********';\n") && masked.contains("var ftp_pwd='';\n"));
        assert!(!masked.contains("sesame"));
        assert!(shown(Page::Params, &settings, Secrets::Plain).contains("var mail_pwd='sesame';\n"));
    }

    #[test]
    fn no_listing_of_settings_can_be_longer_than_64_kib() {
        for page in [Page::Params, Page::Status, Page::Camera, Page::Forbidden, Page::Misc] {
            let longest = |row: &Param| match row.kind {
                // A byte is four characters at most, `\x3c`.
                Kind::Text(bytes) | Kind::Secret(bytes) | Kind::Host(bytes) | Kind::Mail(bytes) | Kind::Url(bytes) => {
                    4 * bytes
                }
                Kind::Mask => 192,
                Kind::Place => 17,
                Kind::Words(words) => 4 * words.iter().map(|word| word.len()).max().unwrap_or(0),
                Kind::Int(..) | Kind::Flag | Kind::Choice(_) | Kind::Ip | Kind::Mac | Kind::Word | Kind::Seconds => 20,
            };
            let line = |row: &'static Param| "var ='';\n".len() + name(page, row).len() + longest(row).max(MASK.len());
            let all: usize = params().filter(|row| row.pages.contains(&page)).map(line).sum();
            assert!(all <= 64 * 1024, "{page:?}: {all} bytes");
        }
    }

    #[test]
    fn q2_nothing_ends_the_string_the_line_or_the_script() {
        assert_eq!(escape("a'b\\c\r\n</script>\u{2028}\0ü\u{7f}"), "a\\'b\\\\c\\r\\n\\x3c/script>\\u2028\\x00ü\\x7f");
    }
}
