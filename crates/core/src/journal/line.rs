//! An entry as a line: the same in memory, in the answer and in the file.
//!
//! The bargain: whatever its parts hold, a line is one line, has its columns where PROFILE 5.9 has them, and holds
//! nothing that could end a string or an element of a page. Names have no blanks, as clients split lines at them.

use std::net::IpAddr;

/// The longest name, in characters (RULES R6.5).
const NAME: usize = 12;
/// The longest event, in characters.
const EVENT: usize = 64;
/// The longest line that is believed to be one, in bytes.
const LONGEST: usize = 512;
/// The shape of a moment: a digit stands for digits, a letter for letters.
const STAMP: &[u8] = b"Mon, 2009-08-03 19:53:04   ";
/// What stands where there is no user and no address.
const NONE: &str = "-";

/// Writes an entry; `stamp` is the camera's local time as `Mon, 2009-08-03 19:53:04`.
pub fn show(stamp: &str, who: Option<(&str, IpAddr)>, event: &str) -> Box<str> {
    let user: String = who.map_or(NONE, |(user, _)| user).chars().take(NAME).map(visible).collect();
    let user = if user.is_empty() { NONE } else { &user };
    let address = who.map_or_else(|| NONE.to_owned(), |(_, address)| address.to_canonical().to_string());
    let event: String = event.chars().take(EVENT).map(legal).collect();
    format!("{stamp}   {user:<18} {address:<17} {event}").into()
}

/// Returns a line of a file if it is an entry, whole and harmless.
pub fn parse(line: &str) -> Option<Box<str>> {
    let stamp = line.as_bytes().get(..STAMP.len())?;
    let fits = stamp.iter().zip(STAMP).all(|(is, like)| match like {
        b'0'..=b'9' => is.is_ascii_digit(),
        b'A'..=b'Z' | b'a'..=b'z' => is.is_ascii_alphabetic(),
        mark => is == mark,
    });
    let harmless = line.len() <= LONGEST && line.chars().all(|c| legal(c) == c);
    (fits && harmless && event(line).is_some()).then(|| line.into())
}

/// Returns the event of a line.
pub fn event(line: &str) -> Option<&str> {
    let (_, rest) = line.get(STAMP.len()..)?.split_once(' ')?;
    let (_, event) = rest.trim_start().split_once(' ')?;
    Some(event.trim_start()).filter(|event| !event.is_empty())
}

/// Returns the character, or what stands for it where it could end a line or a string, or hide.
fn legal(c: char) -> char {
    let harmless = c.is_alphanumeric() || (c.is_ascii_graphic() && !"'\"`\\<>&".contains(c)) || c == ' ';
    if harmless { c } else { '_' }
}

/// Like `legal`, for a name, in which a blank would begin another column.
fn visible(c: char) -> char {
    if c == ' ' { '_' } else { legal(c) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::event::Event, *};

    const AT: &str = "Mon, 2009-08-03 19:53:04";

    fn told(user: &str, address: &str, event: &Event) -> String {
        show(AT, Some((user, address.parse().unwrap())), &event.to_string()).into()
    }

    #[test]
    fn a_line_is_that_of_the_profile_to_the_byte() {
        let line = told("ipcamera", "192.168.0.16", &Event::Access);
        assert_eq!(line, "Mon, 2009-08-03 19:53:04   ipcamera           192.168.0.16      access");
        assert_eq!(told("u", "::ffff:192.168.0.16", &Event::Access).len(), line.len());
    }

    #[test]
    fn what_nobody_did_has_marks_in_the_columns() {
        let line = show(AT, None, &Event::PowerOn.to_string());
        assert_eq!(&*line, "Mon, 2009-08-03 19:53:04   -                  -                 power on");
        assert!(told("", "10.0.0.1", &Event::Denied).contains("04   -    "));
    }

    #[test]
    fn a_long_address_moves_the_event_and_no_blank_is_lost() {
        let line = told("admin", "2001:db8:1111:2222:3333:4444:5555:6666", &Event::Set("alias"));
        assert!(line.ends_with(" 2001:db8:1111:2222:3333:4444:5555:6666 set alias"), "{line}");
        assert_eq!(event(&line), Some("set alias"));
    }

    #[test]
    fn a_name_is_cut_to_twelve_characters_and_ends_neither_line_nor_column_nor_string() {
        let line = told("a b\n\r'\"\\<\u{202e}\u{2028}\0z more", "10.0.0.1", &Event::Denied);
        assert!(line.contains("   a_b_________       10.0.0.1 "), "{line}");
        assert!(told("Günther", "10.0.0.1", &Event::Access).contains("   Günther            10.0.0.1 "));
    }

    #[test]
    fn a_reason_from_elsewhere_is_cut_and_cleaned() {
        let why = format!("no such\nfile '{}'", "x".repeat(500));
        let line = told("admin", "10.0.0.1", &Event::BadPackage(why));
        assert!(event(&line).unwrap().starts_with("bad package: no such_file _xxx"), "{line}");
        assert_eq!(event(&line).unwrap().len(), EVENT);
    }

    #[test]
    fn what_is_no_entry_is_none() {
        let good = told("admin", "10.0.0.1", &Event::Access);
        assert_eq!(parse(&good).as_deref(), Some(good.as_str()));
        let long = format!("{good}{}", "x".repeat(LONGEST));
        for bad in ["", "rubbish", &good[..60], &good[1..], &good.replace("access", "ac'cess"), "\0\0\0\0", &long] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_told_is_one_harmless_line_and_is_read_back(user: String, why: String) {
            let line = told(&user, "10.0.0.1", &Event::BadPackage(why));
            let harmful = |c: char| c.is_control() || "'\"\\<\u{2028}\u{2029}".contains(c);
            prop_assert!(!line.contains(harmful), "{}", line);
            prop_assert_eq!(parse(&line), Some(line.into_boxed_str()));
        }

        #[test]
        fn no_line_makes_the_reader_panic(line: String) {
            parse(&line);
        }
    }
}
