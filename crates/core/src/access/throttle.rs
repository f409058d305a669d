//! The throttle behind every road on which a password can be tried (rule W11).
//!
//! ```text
//!  may_try ── Err(RetryAfter): 429, the password is not looked at
//!     └ Ok ── the password is checked ─┬─ failed     counts for the address and for the name
//!                                      └─ succeeded  forgets the address' failures, remembers address and name
//! ```
//! - Each address (an IPv6 one by its /64, which is what one customer has) gets a few free tries, then waits 1 s,
//!   doubling to 60 s. While it waits, being refused costs nothing more; after the wait, it has one try at a time.
//! - Each user name likewise but milder, against guesses from many addresses. Who has logged in under a name from this
//!   address before does not wait for the strangers who guess at it: nobody elsewhere can lock the owner out.
//! - A success clears the failures of the address but not of the name; else an owner's polling recorder, or an
//!   attacker's visitor account, would wipe the record of the guesses at another password.
//! - All is forgotten after a quarter of an hour without failure. `now` is monotonic, so that no jump of the clock
//!   counts.
//! - Memory is bounded: of more records than fit, the oldest go, and a million addresses cost what four thousand do.
//!
//! Tries that are checked at the same moment all pass before the first of them has failed. The caller therefore asks
//! right before it computes a hash, and computes few at once.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hash},
    net::IpAddr,
    time::Duration,
};

use super::peers::network;

/// How failures turn into waiting.
#[derive(Clone, Copy)]
struct Rule {
    /// Failures before the first wait.
    free: u32,
    /// The longest wait.
    longest: Duration,
}

const PER_ADDRESS: Rule = Rule { free: 5, longest: Duration::from_secs(60) };
const PER_USER: Rule = Rule { free: 10, longest: Duration::from_secs(5) };

/// After this time without a failure all is forgotten.
const FORGIVEN_AFTER: Duration = Duration::from_secs(15 * 60);

/// For how long an address at which somebody logged in is no stranger.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// How many records of each sort are kept.
const MOST_RECORDS: usize = 4096;

/// Too many failures: the password was not looked at, and will be in this many seconds, 1-60 (`Retry-After`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many failed logins, again in {0} s")]
pub struct RetryAfter(pub u64);

/// Who failed to log in how often, by address and by user name.
#[derive(Debug, Default)]
pub struct Throttle {
    addresses: Records<IpAddr, Failures>,
    users: Records<u64, Failures>,
    known: Records<(IpAddr, u64), Known>,
    /// Names are kept as keyed hashes: of one size, however long a name an attacker sends.
    hasher: RandomState,
}

impl Throttle {
    /// Says whether `peer` may try a password of `user` now; if so, it is followed by `failed` or `succeeded`.
    pub fn may_try(&mut self, peer: IpAddr, user: &str, now: Duration) -> Result<(), RetryAfter> {
        let (address, user) = self.keys(peer, user);
        let stranger = self.known.get(&(address, user), now).is_none();
        let for_address = self.addresses.get(&address, now).map_or(Duration::ZERO, |record| record.wait(now));
        let for_user =
            self.users.get(&user, now).filter(|_| stranger).map_or(Duration::ZERO, |record| record.wait(now));
        let wait = for_address.max(for_user);
        if !wait.is_zero() {
            return Err(RetryAfter(wait.as_millis().div_ceil(1000) as u64));
        }
        // One try after a wait: what comes from there while it is being checked waits again.
        if let Some(record) = self.addresses.get_mut(&address) {
            record.hold(PER_ADDRESS, now);
        }
        Ok(())
    }

    /// Records a wrong password, or a name that nobody has: both alike, so that the waiting tells nothing.
    pub fn failed(&mut self, peer: IpAddr, user: &str, now: Duration) {
        let (address, user) = self.keys(peer, user);
        self.addresses.get_or_insert(address, now).add(PER_ADDRESS, now);
        self.users.get_or_insert(user, now).add(PER_USER, now);
    }

    /// Records a login.
    pub fn succeeded(&mut self, peer: IpAddr, user: &str, now: Duration) {
        let (address, user) = self.keys(peer, user);
        self.addresses.remove(&address);
        self.known.get_or_insert((address, user), now).last = now;
    }

    fn keys(&self, peer: IpAddr, user: &str) -> (IpAddr, u64) {
        (network(peer), self.hasher.hash_one(user))
    }
}

/// The failures of one address or name.
#[derive(Debug, Default)]
struct Failures {
    count: u32,
    last: Duration,
    /// No try before this time.
    until: Duration,
}

impl Failures {
    fn add(&mut self, rule: Rule, now: Duration) {
        self.count = self.count.saturating_add(1);
        self.last = now;
        self.hold(rule, now);
    }

    fn hold(&mut self, rule: Rule, now: Duration) {
        if let Some(doublings) = self.count.checked_sub(rule.free) {
            let wait = Duration::from_secs(1 << doublings.min(16)).min(rule.longest);
            self.until = now.saturating_add(wait);
        }
    }

    fn wait(&self, now: Duration) -> Duration {
        self.until.saturating_sub(now)
    }
}

/// A name that was logged in with from an address.
#[derive(Debug, Default)]
struct Known {
    last: Duration,
}

/// Something that is worth keeping for a while after `last`.
trait Ages: Default {
    const KEPT_FOR: Duration;
    fn last(&self) -> Duration;

    fn is_stale(&self, now: Duration) -> bool {
        now.saturating_sub(self.last()) >= Self::KEPT_FOR
    }
}

impl Ages for Failures {
    const KEPT_FOR: Duration = FORGIVEN_AFTER;
    fn last(&self) -> Duration {
        self.last
    }
}

impl Ages for Known {
    const KEPT_FOR: Duration = KNOWN_FOR;
    fn last(&self) -> Duration {
        self.last
    }
}

/// At most [`MOST_RECORDS`] records that are dropped when stale, or when they are the oldest and room is needed.
#[derive(Debug)]
struct Records<K, R>(HashMap<K, R>);

impl<K, R> Default for Records<K, R> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, R: Ages> Records<K, R> {
    /// Finds a record, unless it is stale: then it is dropped.
    fn get(&mut self, key: &K, now: Duration) -> Option<&R> {
        if self.0.get(key)?.is_stale(now) {
            self.0.remove(key);
        }
        self.0.get(key)
    }

    fn get_mut(&mut self, key: &K) -> Option<&mut R> {
        self.0.get_mut(key)
    }

    fn get_or_insert(&mut self, key: K, now: Duration) -> &mut R {
        if self.0.len() >= MOST_RECORDS && !self.0.contains_key(&key) {
            self.make_room(now);
        }
        let record = self.0.entry(key).or_default();
        if record.is_stale(now) {
            *record = R::default();
        }
        record
    }

    fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }

    /// Drops what is stale, or else the older half: the walk over all is paid once in two thousand new records.
    fn make_room(&mut self, now: Duration) {
        self.0.retain(|_, record| !record.is_stale(now));
        if self.0.len() < MOST_RECORDS {
            return;
        }
        let mut ages: Vec<_> = self.0.values().map(Ages::last).collect();
        let (_, &mut median, _) = ages.select_nth_unstable(MOST_RECORDS / 2);
        self.0.retain(|_, record| record.last() > median);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OWNER: &str = "192.168.0.2";
    const STRANGER: &str = "203.0.113.9";

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Tries wrong passwords as fast as the throttle lets, and returns the time that each had to wait for.
    fn waits(throttle: &mut Throttle, peer: impl Fn(u32) -> IpAddr, user: &str, tries: u32) -> Vec<u64> {
        let mut now = s(1000);
        let guess = |n| {
            let waited = throttle.may_try(peer(n), user, now).err().map_or(0, |RetryAfter(seconds)| seconds);
            now += s(waited);
            assert_eq!(throttle.may_try(peer(n), user, now), Ok(()), "the wait was told right");
            throttle.failed(peer(n), user, now);
            waited
        };
        (0..tries).map(guess).collect()
    }

    #[test]
    fn an_address_waits_longer_with_each_failure() {
        let mut throttle = Throttle::default();
        let waited = waits(&mut throttle, |_| ip(STRANGER), "a", 14);
        assert_eq!(waited, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(throttle.may_try(ip(STRANGER), "b", s(1000)).is_err(), "whichever name it guesses at");
        assert_eq!(throttle.may_try(ip(OWNER), "b", s(1000)), Ok(()), "others are not concerned");
    }

    #[test]
    fn a_name_guessed_at_from_everywhere_waits_a_little() {
        let far = |n: u32| IpAddr::V4((0x0101_0101 + n).into());
        let waited = waits(&mut Throttle::default(), far, "admin", 15);
        assert_eq!(waited, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 5, 5]);
    }

    #[test]
    fn being_refused_prolongs_nothing() {
        let mut throttle = Throttle::default();
        for _ in 0..6 {
            throttle.failed(ip(STRANGER), "admin", s(10));
        }
        for _ in 0..1000 {
            assert_eq!(throttle.may_try(ip(STRANGER), "admin", s(11)), Err(RetryAfter(1)));
        }
        assert_eq!(throttle.may_try(ip(STRANGER), "admin", s(12)), Ok(()));
    }

    #[test]
    fn after_a_wait_there_is_one_try_at_a_time() {
        let mut throttle = Throttle::default();
        for _ in 0..6 {
            throttle.failed(ip(STRANGER), "admin", s(10));
        }
        assert_eq!(throttle.may_try(ip(STRANGER), "admin", s(12)), Ok(()));
        assert_eq!(throttle.may_try(ip(STRANGER), "admin", s(12)), Err(RetryAfter(2)));
    }

    #[test]
    fn many_viewers_of_one_house_may_log_in_at_once() {
        let mut throttle = Throttle::default();
        assert!((0..1000).all(|_| throttle.may_try(ip(OWNER), "viewer", s(1)).is_ok()));
    }

    #[test]
    fn a_success_clears_the_address_but_not_the_name() {
        let mut throttle = Throttle::default();
        for _ in 0..20 {
            throttle.failed(ip(STRANGER), "admin", s(10));
        }
        throttle.succeeded(ip(STRANGER), "visitor", s(10));
        assert_eq!(throttle.may_try(ip(STRANGER), "visitor", s(10)), Ok(()));
        assert_eq!(throttle.may_try(ip(STRANGER), "admin", s(10)), Err(RetryAfter(5)));
    }

    #[test]
    fn strangers_cannot_keep_the_owner_out() {
        let mut throttle = Throttle::default();
        throttle.succeeded(ip(OWNER), "admin", s(1));
        let far = |n: u32| IpAddr::V4((0x0101_0101 + n).into());
        for n in 0..100 {
            throttle.failed(far(n), "admin", s(10));
        }
        assert_eq!(throttle.may_try(ip(OWNER), "admin", s(10)), Ok(()));
        assert!(throttle.may_try(far(200), "admin", s(10)).is_err());
    }

    #[test]
    fn a_quarter_of_an_hour_forgives_all() {
        let (then, later) = (s(10), s(10) + FORGIVEN_AFTER);
        for asks in [true, false] {
            let mut throttle = Throttle::default();
            for _ in 0..50 {
                throttle.failed(ip(STRANGER), "admin", then);
            }
            if asks {
                assert_eq!(throttle.may_try(ip(STRANGER), "admin", later), Ok(()));
            }
            throttle.failed(ip(STRANGER), "admin", later);
            assert_eq!(throttle.may_try(ip(STRANGER), "admin", later), Ok(()), "it counts from one again");
        }
    }

    #[test]
    fn an_ipv6_customer_is_one_address() {
        let mut throttle = Throttle::default();
        for n in 0..6 {
            throttle.failed(ip(&format!("2001:db8:1:2::{n}")), "admin", s(10));
        }
        assert!(throttle.may_try(ip("2001:db8:1:2:ffff::1"), "root", s(10)).is_err());
        assert!(throttle.may_try(ip("2001:db8:1:3::1"), "root", s(10)).is_ok());
        assert_eq!(network(ip("::ffff:192.168.0.2")), ip(OWNER));
    }

    #[test]
    fn a_million_addresses_cost_four_thousand_records() {
        let mut throttle = Throttle::default();
        for n in 0..1_000_000_u32 {
            throttle.failed(IpAddr::V4(n.into()), "admin", Duration::from_millis(n.into()));
        }
        assert!(throttle.addresses.0.len() <= MOST_RECORDS);
        let latest = throttle.addresses.0.contains_key(&IpAddr::V4(999_999.into()));
        assert!(latest, "the newest are the ones that are kept");
    }

    #[test]
    fn records_of_one_moment_make_room_too() {
        let mut throttle = Throttle::default();
        for n in 0..10_000_u32 {
            throttle.failed(IpAddr::V4(n.into()), &n.to_string(), s(1));
        }
        assert!(throttle.addresses.0.len() <= MOST_RECORDS && throttle.users.0.len() <= MOST_RECORDS);
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_a_minute(
            steps in proptest::collection::vec((0..4_u8, 0..3_u8, 0..5_000_u64), 0..200),
        ) {
            let mut throttle = Throttle::default();
            let mut now = Duration::ZERO;
            for (peer, what, later_ms) in steps {
                now += Duration::from_millis(later_ms);
                let (peer, user) = (IpAddr::V4(u32::from(peer).into()), ["a", "b"][usize::from(peer % 2)]);
                match what {
                    0 => throttle.succeeded(peer, user, now),
                    1 => throttle.failed(peer, user, now),
                    _ => {
                        if let Err(RetryAfter(seconds)) = throttle.may_try(peer, user, now) {
                            prop_assert!((1..=60).contains(&seconds));
                            now += s(seconds);
                            prop_assert_eq!(throttle.may_try(peer, user, now), Ok(()));
                        }
                    }
                }
            }
        }
    }
}
