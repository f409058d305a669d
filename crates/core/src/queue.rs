//! What waits on the disk for its server: the form of its file, and how long it is kept.
//!
//! ```text
//! lookout 1 SHA-256 of all that follows, in hexadecimal
//! {"pushed": ms since 1970, "head": …}
//! the body
//! ```
//! A file that was cut, or that something else wrote, does not have its sum.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::hex;

/// The longest head, in bytes of its line.
pub const HEAD: usize = 64 * 1024;
/// How long an item is tried for: who looks at the mail of an alarm days later has been told by others.
pub const LONGEST: Duration = Duration::from_secs(2 * 24 * 60 * 60);
/// How long it is tried for at least behind a start, whatever the clock says of its age.
pub const LEAST: Duration = Duration::from_secs(60 * 60);

const MAGIC: &[u8] = b"lookout 1 ";
/// The first line: the magic, the sum, its end.
const FIRST: usize = MAGIC.len() + 64 + 1;
/// 2026, when this was written: a clock that says less was not set.
const EARLIEST_MS: u64 = 1_767_225_600_000;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// When it was put there: milliseconds since 1970 on the host's clock.
    pub pushed_ms: u64,
    /// What it is.
    pub head: Value,
    /// What belongs to it.
    pub body: Bytes,
}

/// Why a file is none of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It does not begin as one.
    #[error("it is no file of a queue")]
    Form,
    /// It is cut or changed.
    #[error("it is cut or changed")]
    Sum,
    /// Its head cannot be read.
    #[error("its head makes no sense")]
    Head,
}

/// Writes what stands before the body in an item's file.
///
/// # Errors
/// The head is longer than [`HEAD`].
pub fn encode(pushed_ms: u64, head: &Value, body: &[u8]) -> Result<Vec<u8>, Damage> {
    let line = format!("{}\n", json!({ "pushed": pushed_ms, "head": head }));
    if line.len() > HEAD {
        return Err(Damage::Head);
    }
    Ok([MAGIC, sum(&[line.as_bytes(), body]).as_bytes(), b"\n", line.as_bytes()].concat())
}

/// Reads an item's file.
///
/// # Errors
/// It is not one, or not whole.
pub fn decode(file: &Bytes) -> Result<Stored, Damage> {
    let first = file.get(..FIRST).ok_or(Damage::Form)?;
    let named = first.strip_prefix(MAGIC).and_then(|rest| rest.strip_suffix(b"\n")).ok_or(Damage::Form)?;
    let rest = file.slice(FIRST..);
    if sum(&[&rest]).as_bytes() != named {
        return Err(Damage::Sum);
    }
    let end = rest.iter().take(HEAD).position(|byte| *byte == b'\n').ok_or(Damage::Head)?;
    let mut line: Value = serde_json::from_slice(&rest[..end]).map_err(|_| Damage::Head)?;
    let pushed_ms = line["pushed"].as_u64().ok_or(Damage::Head)?;
    let head = line.get_mut("head").ok_or(Damage::Head)?.take();
    Ok(Stored { pushed_ms, head, body: rest.slice(end + 1..) })
}

/// Says whether an item has been tried for long enough: it has waited `here` since it was pushed or, where it was `found`
/// at the start, since then.
///
/// Only what was found is aged by the host's clock, at two moments in milliseconds since 1970; and a clock that jumps
/// takes nothing before [`LEAST`].
pub fn expired(here: Duration, found: Option<(u64, u64)>) -> bool {
    let age = found.filter(|(pushed_ms, _)| *pushed_ms >= EARLIEST_MS);
    let age = age.map_or(Duration::ZERO, |(pushed_ms, now_ms)| Duration::from_millis(now_ms.saturating_sub(pushed_ms)));
    here >= LONGEST || here >= LEAST && age >= LONGEST
}

fn sum(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hex::show(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(head: &Value, body: &[u8]) -> Vec<u8> {
        [encode(7, head, body).unwrap(), body.to_vec()].concat()
    }

    #[test]
    fn an_item_comes_back_as_it_was() {
        for body in [&b""[..], b"\n", b"line\nline\n", &[0xff; 4000]] {
            let head = json!({ "text": "a\nb\u{2028}ü", "sizes": [1, 2], "none": null });
            let stored = decode(&file(&head, body).into()).unwrap();
            assert_eq!(stored, Stored { pushed_ms: 7, head, body: Bytes::copy_from_slice(body) });
        }
    }

    #[test]
    fn a_file_that_is_cut_or_changed_anywhere_is_none() {
        let file = file(&json!({ "a": 1 }), b"body");
        for end in 0..file.len() {
            assert!(decode(&Bytes::copy_from_slice(&file[..end])).is_err(), "cut at {end}");
            let mut changed = file.clone();
            changed[end] ^= 1;
            assert!(decode(&changed.into()).is_err(), "changed at {end}");
        }
        assert_eq!(decode(&[&file[..], b"more"].concat().into()), Err(Damage::Sum));
    }

    #[test]
    fn a_head_that_makes_no_sense_is_refused_though_its_sum_is_right() {
        let whole =
            |rest: &str| Bytes::from([MAGIC, sum(&[rest.as_bytes()]).as_bytes(), b"\n", rest.as_bytes()].concat());
        assert!(decode(&whole("{\"pushed\":1,\"head\":null}\n")).is_ok());
        let long = format!("{{\"pushed\":1,\"head\":\"{}\"}}\n", "x".repeat(HEAD));
        let deep = format!("{}\n", "[".repeat(HEAD / 2));
        for rest in ["", "{}", "{}\n", "{\"pushed\":-1,\"head\":0}\n", "{\"pushed\":1}\n", "[1]\n", &long, &deep] {
            assert_eq!(decode(&whole(rest)), Err(Damage::Head), "{rest:.40}");
        }
        assert_eq!(encode(1, &json!("x".repeat(HEAD)), b""), Err(Damage::Head));
    }

    #[test]
    fn an_item_is_tried_for_two_days_and_no_jump_of_the_clock_shortens_the_first_hour() {
        const NOW: u64 = EARLIEST_MS + 1_000_000_000_000;
        const DAY: u64 = 24 * 60 * 60 * 1000;
        let s = Duration::from_secs;
        assert!(!expired(LONGEST - s(1), None) && expired(LONGEST, None));
        let found = |here, pushed_ms| expired(here, Some((pushed_ms, NOW)));
        assert!(!found(s(0), NOW - 3 * DAY) && !found(LEAST - s(1), NOW - 3 * DAY) && found(LEAST, NOW - 3 * DAY));
        assert!(!found(LEAST, NOW - DAY), "it has a day left");
        assert!(!found(LEAST, NOW + 3 * DAY), "the clock went back");
        assert!(!found(LEAST, 5), "it was pushed while the clock was not set");
        assert!(found(LONGEST, 5) && found(LONGEST, u64::MAX));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = decode(&Bytes::from(bytes.clone()));
            let rest = Bytes::from([MAGIC, sum(&[&bytes]).as_bytes(), b"\n", &bytes].concat());
            let _ = decode(&rest);
        }
    }
}
