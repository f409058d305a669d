//! How much is told: the newest entries, and no more of a kind than its allowance.
//!
//! `access` is told once a minute for a user at an address. Beyond that every kind of event has a bucket of entries that
//! fills again slowly; what comes while it is empty is counted, and the count is told with the next entry, or when
//! the storm is over ([`Ring::settle`]). So no storm fills a disk, nor do a day's wrong logins push everything else out of
//! the ring. `now` is monotonic.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use super::{
    event::{Event, Kind},
    line,
};
use crate::profile::{listing::var, view::Secrets, wire::Value};

/// How many entries are kept (PROFILE 5.9).
pub const KEPT: usize = 1000;
/// The longest answer of `get_log.cgi`, in bytes: what does not fit is kept and not shown (Q38, RULES F33).
pub const LONGEST: usize = 64 * 1024;

/// How often `access` is told for one user at one address.
const AGAIN: Duration = Duration::from_secs(60);
/// How many of them are remembered; for more, only the allowance counts.
const REMEMBERED: usize = 256;

/// The newest entries.
#[derive(Debug, Default)]
pub struct Ring {
    lines: VecDeque<Box<str>>,
    /// How many of the newest are not in the file yet.
    unsaved: usize,
    seen: HashMap<(String, IpAddr), Duration>,
    buckets: BTreeMap<Kind, Bucket>,
}

impl Ring {
    /// Reads a file: the newest of its entries; says as well whether all of it was readable.
    ///
    /// A line that is no entry or has no end is what a power cut leaves, and is skipped.
    pub fn load(text: &str) -> (Self, bool) {
        let mut ring = Self::default();
        let mut whole = true;
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n').and_then(line::parse) {
                Some(line) => ring.keep(line),
                None => whole = false,
            }
        }
        ring.unsaved = 0;
        (ring, whole)
    }

    /// Notes an event of somebody, or of the camera itself, unless it is more of the same; says whether it did.
    ///
    /// `stamp` is the camera's local time as `Mon, 2009-08-03 19:53:04`.
    pub fn note(&mut self, event: &Event, who: Option<(&str, IpAddr)>, stamp: &str, now: Duration) -> bool {
        if let (Event::Access, Some((user, address))) = (event, who)
            && !self.first_in_a_while(user, address, now)
        {
            return false;
        }
        let kind = event.kind();
        let bucket = self.bucket(kind, now);
        let Some(left_out) = bucket.take() else {
            bucket.left_out += 1;
            return false;
        };
        self.tell_left_out(kind, left_out, stamp);
        self.keep(line::show(stamp, who, &event.to_string()));
        true
    }

    /// Tells how many entries were left out, of each kind that may have another; says whether there is more to tell.
    pub fn settle(&mut self, stamp: &str, now: Duration) -> bool {
        let left_out = |ring: &Self| {
            let kinds = ring.buckets.iter().filter(|(_, bucket)| bucket.left_out > 0);
            kinds.map(|(kind, _)| *kind).collect::<Vec<_>>()
        };
        for kind in left_out(self) {
            if let Some(entries) = self.bucket(kind, now).take() {
                self.tell_left_out(kind, entries, stamp);
            }
        }
        !left_out(self).is_empty()
    }

    /// Forgets all but the newest entry that tells of a factory reset.
    pub fn forget(&mut self) {
        let factory = Event::Factory.to_string();
        let told = self.lines.iter().rfind(|line| line::event(line) == Some(&factory)).cloned();
        *self = Self { lines: told.into_iter().collect(), ..Self::default() };
    }

    /// Returns the answer of `get_log.cgi`: the newest entries that fit, the oldest of them first.
    pub fn listing(&self) -> String {
        let empty = var(String::new(), "log_text", &Value::Text(String::new()), Secrets::Plain);
        let mut room = LONGEST - empty.len();
        let mut fits = |line: &str| {
            // A line's end is two characters there.
            let left = room.checked_sub(line.len() + 2);
            room = left.unwrap_or(0);
            left.is_some()
        };
        let shown = self.lines.iter().rev().map(|line| fits(line)).take_while(|fits| *fits).count();
        var(String::new(), "log_text", &Value::Text(self.newest(shown)), Secrets::Plain)
    }

    /// Returns all entries as the text of a file.
    pub fn text(&self) -> String {
        self.newest(self.lines.len())
    }

    /// Returns what the file does not have yet, and how many entries that are.
    pub fn unsaved(&self) -> (String, usize) {
        (self.newest(self.unsaved), self.unsaved)
    }

    /// Learns that so many entries more are in the file, the oldest of those that were not.
    pub fn saved(&mut self, entries: usize) {
        self.unsaved = self.unsaved.saturating_sub(entries);
    }

    fn newest(&self, entries: usize) -> String {
        let lines = self.lines.iter().skip(self.lines.len().saturating_sub(entries));
        lines.fold(String::new(), |text, line| text + line + "\n")
    }

    fn keep(&mut self, line: Box<str>) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        self.unsaved += 1;
    }

    fn tell_left_out(&mut self, kind: Kind, entries: u64, stamp: &str) {
        if entries > 0 {
            self.keep(line::show(stamp, None, &format!("{kind}: {entries} left out")));
        }
    }

    fn first_in_a_while(&mut self, user: &str, address: IpAddr, now: Duration) -> bool {
        if self.seen.len() >= REMEMBERED {
            self.seen.retain(|_, at| now.saturating_sub(*at) < AGAIN);
        }
        let seen = (user.to_owned(), address);
        if self.seen.get(&seen).is_some_and(|at| now.saturating_sub(*at) < AGAIN) {
            return false;
        }
        if self.seen.len() < REMEMBERED {
            self.seen.insert(seen, now);
        }
        true
    }

    fn bucket(&mut self, kind: Kind, now: Duration) -> &mut Bucket {
        let (most, every) = kind.allowance();
        let bucket = self.buckets.entry(kind).or_insert(Bucket { entries: most, filled: now, left_out: 0 });
        bucket.fill(most, every, now);
        bucket
    }
}

/// What is left of an allowance.
#[derive(Debug)]
struct Bucket {
    entries: u32,
    /// When the last entry was added, or would have been if there were room.
    filled: Duration,
    left_out: u64,
}

impl Bucket {
    fn fill(&mut self, most: u32, every: Duration, now: Duration) {
        let more = now.saturating_sub(self.filled).as_nanos() / every.as_nanos();
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        self.entries = self.entries.saturating_add(more).min(most);
        self.filled = if self.entries == most { now } else { self.filled + every * more };
    }

    /// Takes an entry, if there is one, and the count of those that were left out before it.
    fn take(&mut self) -> Option<u64> {
        self.entries = self.entries.checked_sub(1)?;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{super::Peer, *};

    const AT: &str = "Mon, 2009-08-03 19:53:04";
    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 0, 16));

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn who(name: &str) -> Option<(&str, IpAddr)> {
        Some((name, HOME))
    }

    /// The events of all entries.
    fn events(ring: &Ring) -> Vec<String> {
        ring.text().lines().map(|line| line::event(line).unwrap().to_owned()).collect()
    }

    #[test]
    fn access_is_told_once_a_minute_for_each_user_and_address() {
        let mut ring = Ring::default();
        let other = Some(("ipcamera", IpAddr::V4(Ipv4Addr::LOCALHOST)));
        for second in 0..=120 {
            for who in [who("ipcamera"), who("admin"), other] {
                ring.note(&Event::Access, who, AT, s(second));
            }
        }
        assert_eq!(events(&ring).len(), 9);
        assert!(events(&ring).iter().all(|event| event == "access"));
    }

    #[test]
    fn a_storm_is_ten_lines_a_minute_at_most_and_counted_whole() {
        for event in [Event::Denied, Event::Motion, Event::Failed(Peer::Ftp, "cannot connect")] {
            let mut ring = Ring::default();
            let mut lines = Vec::new();
            for n in 0..60_000 {
                let before = ring.unsaved;
                ring.note(&event, who(&format!("name {n}")), AT, Duration::from_millis(n * 6));
                lines.extend((before..ring.unsaved).map(|_| n * 6));
            }
            let most = lines.iter().map(|at| lines.iter().filter(|then| (*at..*at + 60_000).contains(then)).count());
            assert!(most.max() <= Some(10), "{event:?}");
            assert!(!ring.settle(AT, s(1000)));
            let left_out: Vec<u64> = events(&ring).iter().filter_map(|event| count(event)).collect();
            let told = events(&ring).len() - left_out.len();
            assert_eq!(left_out.iter().sum::<u64>() + told as u64, 60_000, "{event:?}");
        }
    }

    fn count(event: &str) -> Option<u64> {
        event.strip_suffix(" left out")?.rsplit_once(": ")?.1.parse().ok()
    }

    #[test]
    fn whoever_stands_in_for_the_input_at_any_rate_pushes_no_alarm_out() {
        let mut ring = Ring::default();
        for second in 0..60 {
            ring.note(&Event::InputSet, who("door"), AT, s(second));
        }
        ring.note(&Event::Input, None, AT, s(60));
        assert!(events(&ring).contains(&Event::Input.to_string()), "{}", ring.text());
    }

    #[test]
    fn a_day_of_wrong_logins_leaves_what_was_before_it() {
        let mut ring = Ring::default();
        ring.note(&Event::Set("users"), who("admin"), AT, s(0));
        for second in 0..24 * 3600 {
            ring.note(&Event::Denied, who("guess"), AT, s(second));
        }
        assert_eq!(events(&ring)[0], "set users");
    }

    #[test]
    fn what_was_left_out_is_told_when_the_storm_is_over() {
        let mut ring = Ring::default();
        for _ in 0..100 {
            ring.note(&Event::Denied, who("guess"), AT, s(0));
        }
        assert!(ring.settle(AT, s(299)), "too early");
        assert_eq!(events(&ring).len(), 7);
        assert!(!ring.settle(AT, s(300)));
        assert_eq!(events(&ring)[7], "access denied: 93 left out");
        assert!(!ring.settle(AT, s(1000)));
        assert_eq!(events(&ring).len(), 8);
    }

    #[test]
    fn the_newest_thousand_are_kept_and_the_oldest_come_first() {
        let mut ring = Ring::default();
        for n in 0..1500 {
            ring.note(&Event::ClockSet(n), None, AT, s(300 * n.unsigned_abs()));
        }
        let events = events(&ring);
        assert_eq!(events.len(), KEPT);
        assert_eq!(
            (events[0].as_str(), events[999].as_str()),
            ("clock set by NTP (+500 s)", "clock set by NTP (+1499 s)")
        );
    }

    #[test]
    fn q38_the_answer_is_one_line_of_64_kib_at_most_and_ends_with_the_newest() {
        let mut ring = Ring::default();
        assert_eq!(ring.listing(), "var log_text='';\n");
        ring.note(&Event::Access, who("ipcamera"), AT, s(0));
        ring.note(&Event::PowerOn, None, AT, s(0));
        let first = "Mon, 2009-08-03 19:53:04   ipcamera           192.168.0.16      access\\n";
        let second = "Mon, 2009-08-03 19:53:04   -                  -                 power on\\n";
        assert_eq!(ring.listing(), format!("var log_text='{first}{second}';\n"));
        for n in 0..KEPT as u64 {
            ring.note(&Event::BadPackage("y".repeat(n as usize % 99)), who("x"), AT, s(300 * n));
        }
        ring.note(&Event::Reboot, who("x"), AT, s(1 << 20));
        let full = ring.listing();
        assert!((LONGEST - 200..=LONGEST).contains(&full.len()), "{}", full.len());
        assert!(full.ends_with(" reboot\\n';\n") && full.matches('\n').count() == 1);
        assert!(full.starts_with("var log_text='Mon, 2009-08-03 19:53:04   x "), "no entry is cut");
    }

    #[test]
    fn a_file_is_read_back_and_what_is_damaged_in_it_is_skipped() {
        let mut ring = Ring::default();
        (0..3).for_each(|n| _ = ring.note(&Event::ClockSet(n), None, AT, s(0)));
        let text = ring.text();
        let (read, whole) = Ring::load(&text);
        assert_eq!((read.text(), whole, read.unsaved().1), (text.clone(), true, 0));
        for cut in 1..text.lines().last().unwrap().len() {
            let (read, whole) = Ring::load(&text[..text.len() - cut]);
            assert_eq!((events(&read).len(), whole), (2, false), "{cut}");
        }
        let (read, whole) = Ring::load(&format!("\0\0\0\n{text}Mon, 2009-08-03 1{text}"));
        assert_eq!((events(&read).len(), whole), (5, false));
    }

    #[test]
    fn a_reset_leaves_the_entry_that_says_so_alone() {
        let mut ring = Ring::default();
        for event in [Event::Access, Event::Factory, Event::Set("alias"), Event::Factory, Event::Denied] {
            ring.note(&event, who("admin"), AT, s(0));
        }
        ring.note(&Event::BadPackage("restore factory".into()), None, AT, s(0));
        ring.forget();
        assert_eq!(events(&ring), ["restore factory"]);
        ring.note(&Event::Access, who("admin"), AT, s(1));
        assert_eq!(events(&ring).len(), 2, "who came in before is forgotten");
        let mut never = Ring::default();
        never.note(&Event::Denied, who("admin"), AT, s(0));
        never.forget();
        assert_eq!(never.text(), "");
    }

    #[test]
    fn what_is_unsaved_is_what_came_since_it_was_last_asked_for() {
        let mut ring = Ring::default();
        ring.note(&Event::PowerOn, None, AT, s(0));
        let (text, entries) = ring.unsaved();
        assert!(text.ends_with(" power on\n") && entries == 1);
        ring.note(&Event::Reboot, None, AT, s(0));
        ring.saved(entries);
        assert!(ring.unsaved().0.ends_with(" reboot\n") && ring.unsaved().1 == 1);
    }
}
