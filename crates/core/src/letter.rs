//! What the camera's mails say: their subjects and texts (PROFILE 4.2, Q60, Q64).
//!
//! A subject is text of one line; whoever makes a mail of it encodes what a header cannot hold.

use std::net::IpAddr;

use crate::profile::wire::Mac;

/// Whose mail it is, and of when.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The camera's id.
    pub id: Mac,
    /// Its name.
    pub alias: &'a str,
    /// The camera's local time, as `YYYYMMDDHHMMSS`.
    pub stamp: &'a str,
}

/// Which pictures an alarm's mail has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// So many from before its beginning, and from then on.
    Pictures(usize, usize),
    /// None may leave at this hour (PROFILE 5.6).
    Forbidden,
    /// There was none.
    Nothing,
}

impl Letter<'_> {
    /// Writes an alarm's subject, the cause being `motion`, `input` or `sound`: `<ID>(<alias>) motion alarm at <YYYYMMDDHHMMSS>` (wire); a drill's begins with `DRILL`.
    pub fn alarm_subject(&self, cause: &str, drill: bool) -> String {
        self.subject(if drill { "DRILL " } else { "" }, &format!("{cause} alarm"))
    }

    /// Writes an alarm's text.
    pub fn alarm_text(&self, cause: &str, drill: bool, shows: Shows) -> String {
        let begin =
            format!("{cause} alarm of the camera {} ({}) at {}, its local time.", self.alias, self.id, self.when());
        let shown = match shows {
            Shows::Pictures(before, since) => {
                let count = |n: usize| if n == 1 { "1 picture".to_owned() } else { format!("{n} pictures") };
                format!("Attached: {} from before its beginning, {} from then on.", count(before), count(since))
            }
            Shows::Forbidden => "No picture is attached: none leaves the camera at this hour.".into(),
            Shows::Nothing => "No picture is attached: there was none.".into(),
        };
        let drill =
            if drill { "This is a drill: somebody tests the alarm chain, and nothing happened.\n\n" } else { "" };
        format!("{drill}{}{}\n\n{shown}\n", begin[..1].to_uppercase(), &begin[1..])
    }

    /// Writes the subject of what `test_mail.cgi` sends.
    pub fn test_subject(&self) -> String {
        self.subject("", "test mail")
    }

    /// Writes its text.
    pub fn test_text(&self) -> String {
        let Self { id, alias, .. } = self;
        format!("The camera {alias} ({id}) can send mail. Somebody asked it to at {}, its local time.\n", self.when())
    }

    /// Writes the subject of a mail of a new public address.
    pub fn moved_subject(&self) -> String {
        self.subject("", "new address")
    }

    /// Writes its text.
    pub fn moved_text(&self, old: IpAddr, new: IpAddr) -> String {
        let Self { id, alias, .. } = self;
        let seen = self.when();
        format!(
            "The public address of the camera {alias} ({id}) is now {new}.\n\nIt was {old}. Seen at {seen}, its local time.\n"
        )
    }

    fn subject(&self, mark: &str, what: &str) -> String {
        let Self { id, alias, stamp } = self;
        let clean = |c: char| if c.is_control() { '_' } else { c };
        format!("{mark}{id}({alias}) {what} at {stamp}").chars().map(clean).collect()
    }

    /// Returns the stamp for people: `2026-02-03 04:05:06`.
    fn when(&self) -> String {
        let part = |from: usize, to: usize| self.stamp.get(from..to).unwrap_or("?");
        let (date, time) = ([part(0, 4), part(4, 6), part(6, 8)], [part(8, 10), part(10, 12), part(12, 14)]);
        format!("{} {}", date.join("-"), time.join(":"))
    }
}

/// Says which pictures a mail has room for, by their sizes in bytes: of `before` as many of the newest as fit beside those of
/// `since`, which come first. Returns how many of the oldest of `before` are left out, and how many of `since` are taken.
pub fn fit(before: &[usize], since: &[usize], room: usize) -> (usize, usize) {
    let mut left = room;
    let mut take = |size: &&usize| {
        let fits = **size <= left;
        left -= if fits { **size } else { 0 };
        fits
    };
    let taken = since.iter().take_while(&mut take).count();
    let kept = before.iter().rev().take_while(&mut take).count();
    (before.len() - kept, taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: Letter<'static> =
        Letter { id: Mac([0x00, 0x60, 0x6E, 0xAB, 0xCD, 0xEF]), alias: "Gate", stamp: "20260203040506" };

    #[test]
    fn q60_an_alarms_subject_is_the_profiles_and_a_drills_is_marked() {
        let subject = |cause, drill| LETTER.alarm_subject(cause, drill);
        assert_eq!(subject("motion", false), "00606EABCDEF(Gate) motion alarm at 20260203040506");
        assert_eq!(subject("input", false), "00606EABCDEF(Gate) input alarm at 20260203040506");
        assert_eq!(subject("sound", true), "DRILL 00606EABCDEF(Gate) sound alarm at 20260203040506");
        assert_eq!(LETTER.test_subject(), "00606EABCDEF(Gate) test mail at 20260203040506");
    }

    #[test]
    fn q60_a_text_says_what_and_when_and_what_is_attached() {
        let text = |drill, shows| LETTER.alarm_text("motion", drill, shows);
        let plain = text(false, Shows::Pictures(5, 1));
        assert!(plain.starts_with("Motion alarm of the camera Gate (00606EABCDEF) at 2026-02-03 04:05:06"), "{plain}");
        assert!(plain.contains("5 pictures from before its beginning, 1 picture from then on"), "{plain}");
        assert!(text(true, Shows::Nothing).starts_with("This is a drill"));
        assert!(text(false, Shows::Forbidden).contains("none leaves the camera at this hour"));
    }

    #[test]
    fn q64_a_new_address_is_told_beside_the_old_one() {
        let text = LETTER.moved_text([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        assert!(text.contains("is now 192.0.2.2.") && text.contains("It was 192.0.2.1."), "{text}");
    }

    #[test]
    fn a_subject_is_one_line_whatever_the_camera_is_called() {
        let letter = Letter { alias: "a\r\nBcc: x@y", ..LETTER };
        assert_eq!(letter.test_subject(), "00606EABCDEF(a__Bcc: x@y) test mail at 20260203040506");
    }

    #[test]
    fn what_does_not_fit_is_left_out_the_oldest_first() {
        assert_eq!(fit(&[10, 10, 10], &[10, 10], 100), (0, 2));
        assert_eq!(fit(&[10, 10, 10], &[10, 10], 35), (2, 2));
        assert_eq!(fit(&[10, 10, 10], &[10, 10], 15), (3, 1));
        assert_eq!(fit(&[30, 10], &[10], 45), (1, 1));
        assert_eq!(fit(&[], &[50], 45), (0, 0));
    }
}
