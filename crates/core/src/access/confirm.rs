//! The tokens of the confirm page: proof that a person has seen what would change and pressed the button.
//!
//! A token is `SECONDS-MAC`: when it was issued (hex, monotonic seconds) and an HMAC-SHA256 (hex) over that, the
//! user, the path and the query. Whoever reads one can repeat that one request within two minutes, and only once: the
//! used ones are remembered for as long as they would be good. Nothing is kept for a token that is never used.

use std::{collections::VecDeque, fmt, time::Duration};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::query::Query;

/// The query parameter that carries a token.
pub const PARAM: &str = "_confirm";

/// How long a token is good.
pub const GOOD_FOR: Duration = Duration::from_secs(120);

/// How many used tokens are remembered. Beyond that none is accepted until one has expired; a person never gets there.
const MOST_USED: usize = 1024;

/// A request that waits for its confirmation.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// Who is logged in.
    pub user: &'a str,
    /// The canonical path, [`Path::folded`](super::target::Path::folded).
    pub path: &'a str,
    /// The query; its own `_confirm` does not count.
    pub query: &'a Query,
}

/// Issues tokens and accepts each at most once.
pub struct Confirmations {
    key: [u8; 32],
    /// The used tokens in the order of their use, with the time from which each is expired.
    used: VecDeque<(Duration, [u8; 32])>,
}

impl Confirmations {
    /// Starts with a key, which must be random and new in each run: `now` may begin again at 0.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, used: VecDeque::new() }
    }

    /// Makes the token that lets `act` pass once within [`GOOD_FOR`].
    pub fn issue(&self, act: Act<'_>, now: Duration) -> String {
        let issued_s = now.as_secs();
        format!("{issued_s:x}-{:x}", self.sign(act, issued_s).finalize().into_bytes())
    }

    /// Says whether the query's `_confirm` is a good token for this very act, and uses it up.
    pub fn accept(&mut self, act: Act<'_>, now: Duration) -> bool {
        let Some((issued_s, mac)) = act.query.get(PARAM).and_then(read) else {
            return false;
        };
        let issued = Duration::from_secs(issued_s);
        if issued > now || now - issued >= GOOD_FOR || self.sign(act, issued_s).verify_slice(&mac).is_err() {
            return false;
        }
        self.used.retain(|(expired_from, _)| *expired_from > now);
        // The MACs here are good ones, known to their bearers: comparing them may take the time it likes.
        if self.used.len() >= MOST_USED || self.used.iter().any(|(_, used)| *used == mac) {
            return false;
        }
        self.used.push_back((issued + GOOD_FOR, mac));
        true
    }

    fn sign(&self, act: Act<'_>, issued_s: u64) -> Hmac<Sha256> {
        // Hashes too long a key, pads too short a one: every length is fine.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(&issued_s.to_be_bytes());
        for part in [act.user, act.path, &act.query.encode_without(PARAM)] {
            // With their lengths, so that nothing can move from one part to the next.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

/// The key is a secret.
impl fmt::Debug for Confirmations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirmations").field("used", &self.used.len()).finish_non_exhaustive()
    }
}

fn read(token: &str) -> Option<(u64, [u8; 32])> {
    let (issued_s, mac) = token.split_once('-')?;
    let mut bytes = [0; 32];
    if mac.len() != 2 * bytes.len() || !mac.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&mac[at..at + 2], 16).ok()?;
    }
    Some((u64::from_str_radix(issued_s, 16).ok()?, bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Duration = Duration::from_millis(1_000_999);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn query(text: &str) -> Query {
        Query::parse(text.as_bytes()).unwrap()
    }

    /// Issues a token for `asked` to admin at `START`, and tries it with another request.
    fn repeated(asked: &str, user: &str, path: &str, sent: &str, now: Duration) -> bool {
        let mut confirmations = Confirmations::new([7; 32]);
        let token = confirmations.issue(Act { user: "admin", path: "/reboot.cgi", query: &query(asked) }, START);
        let sent = query(&format!("{sent}&{PARAM}={token}"));
        confirmations.accept(Act { user, path, query: &sent }, now)
    }

    #[test]
    fn a_token_is_good_for_its_own_request_alone() {
        assert!(repeated("a=1&b=2", "admin", "/reboot.cgi", "a=1&b=2", START));
        assert!(repeated("a=1&_confirm=old", "admin", "/reboot.cgi", "a=%31", START));
        assert!(!repeated("a=1", "root", "/reboot.cgi", "a=1", START));
        assert!(!repeated("a=1", "admin", "/restore_factory.cgi", "a=1", START));
        assert!(!repeated("a=1", "admin", "/reboot.cgi", "a=2", START));
        assert!(!repeated("a=1", "admin", "/reboot.cgi", "a=1&b=2", START));
        assert!(!repeated("a=1", "admi", "n/reboot.cgi", "a=1", START), "nothing moves from one part to the next");
    }

    #[test]
    fn a_token_is_good_for_two_minutes() {
        let at = |now| repeated("", "admin", "/reboot.cgi", "", now);
        assert!(at(START + s(118)));
        assert!(!at(START + s(120)));
        assert!(!at(START + s(1_000_000)));
        assert!(!at(START - s(1)), "nor before it was issued");
    }

    #[test]
    fn a_token_is_good_once() {
        let mut confirmations = Confirmations::new([7; 32]);
        let act = Act { user: "admin", path: "/reboot.cgi", query: &Query::default() };
        let token = confirmations.issue(act, START);
        for token in [token.clone(), token.to_ascii_uppercase(), format!("0{token}")] {
            let sent = query(&format!("{PARAM}={token}"));
            let first = confirmations.used.is_empty();
            assert_eq!(confirmations.accept(Act { query: &sent, ..act }, START + s(1)), first, "{token}");
        }
    }

    #[test]
    fn a_key_of_another_run_is_refused() {
        let act = Act { user: "admin", path: "/reboot.cgi", query: &Query::default() };
        let sent = query(&format!("{PARAM}={}", Confirmations::new([1; 32]).issue(act, START)));
        assert!(!Confirmations::new([2; 32]).accept(Act { query: &sent, ..act }, START));
    }

    #[test]
    fn used_tokens_are_bounded_and_forgotten_in_time() {
        let mut confirmations = Confirmations::new([7; 32]);
        let use_one = |confirmations: &mut Confirmations, n: usize, now| {
            let asked = query(&format!("n={n}"));
            let act = Act { user: "admin", path: "/reboot.cgi", query: &asked };
            let sent = query(&format!("n={n}&{PARAM}={}", confirmations.issue(act, now)));
            confirmations.accept(Act { query: &sent, ..act }, now)
        };
        assert!((0..MOST_USED).all(|n| use_one(&mut confirmations, n, START)));
        assert!(!use_one(&mut confirmations, MOST_USED, START), "rather none than one twice");
        assert!(use_one(&mut confirmations, MOST_USED, START + GOOD_FOR));
        assert_eq!(confirmations.used.len(), 1);
    }

    proptest! {
        #[test]
        fn no_made_up_token_is_accepted(token in "(\\PC*|[0-9a-f]{0,5}-[0-9a-fé+]{64})") {
            let sent = query(&crate::query::encode([(PARAM, &token)]));
            let act = Act { user: "admin", path: "/reboot.cgi", query: &sent };
            prop_assert!(!Confirmations::new([7; 32]).accept(act, START));
        }
    }
}
