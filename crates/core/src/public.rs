//! The public address of the camera: who is believed about it (Q77), and when a new one is worth a mail (`mail_inet_ip`, Q64).

mod agree;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::{Duration, Instant},
};

pub use self::agree::{Answer, Source, agree, own, read};

/// The shortest time between two mails.
pub const PAUSE: Duration = Duration::from_secs(60 * 60);

/// Says whether an address is one of the Internet: neither private, nor shared (RFC 6598), nor for special use (RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => public_v4(address),
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or_else(|| public_v6(address), public_v4),
    }
}

fn public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 10 | 127 | 224.., ..] => true,
        [100, second, ..] => (64..128).contains(&second),
        [172, second, ..] => (16..32).contains(&second),
        [192, 168, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [198, 18 | 19, ..] => true,
        [198, 51, 100, _] | [203, 0, 113, _] => true,
        _ => false,
    };
    !special
}

/// Global unicast (2000::/3), but for documentation (RFC 3849, RFC 9637).
fn public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    first >> 13 == 1 && (first, second) != (0x2001, 0xdb8) && (first, second >> 12) != (0x3fff, 0)
}

/// Chooses the one by which the camera is reached, of those that were seen: IPv4 first.
pub fn choose(seen: impl IntoIterator<Item = IpAddr>) -> Option<IpAddr> {
    seen.into_iter().filter(|address| is_public(*address)).min()
}

/// A change that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The address before.
    pub old: IpAddr,
    /// The address now.
    pub new: IpAddr,
}

/// What was told of the public address.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    known: Option<IpAddr>,
    told: Option<Instant>,
}

impl Watch {
    /// Begins with the address that was known at last, if any was.
    pub fn new(known: Option<IpAddr>) -> Self {
        Self { known, told: None }
    }

    /// Returns the address that whoever gets the mails knows.
    pub fn known(&self) -> Option<IpAddr> {
        self.known
    }

    /// Takes the address that is seen now; says what is to be told.
    ///
    /// Nothing of the first that is seen, nor while there is none: the camera is not on the Internet then, and a mail would not
    /// leave. One that comes too soon after another is told when it is time, if it is still so.
    pub fn see(&mut self, seen: Option<IpAddr>, now: Instant) -> Option<Moved> {
        let new = seen?;
        let Some(old) = self.known else {
            self.known = Some(new);
            return None;
        };
        let soon = self.told.is_some_and(|told| now.saturating_duration_since(told) < PAUSE);
        if soon || same_place(old, new) {
            return None;
        }
        (self.known, self.told) = (Some(new), Some(now));
        Some(Moved { old, new })
    }
}

/// Says whether two addresses are of one line: hosts change the second half of an IPv6 address every day (RFC 8981).
fn same_place(old: IpAddr, new: IpAddr) -> bool {
    match (old, new) {
        (IpAddr::V6(old), IpAddr::V6(new)) => old.segments()[..4] == new.segments()[..4],
        (IpAddr::V4(_) | IpAddr::V6(_), IpAddr::V4(_) | IpAddr::V6(_)) => old == new,
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_no_one_reaches_from_the_internet_is_no_public_address() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.1.1",
            "172.16.0.1",
            "172.31.255.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(ip(private)), "{private}");
        }
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.1.2.3",
            "198.20.0.1",
            "223.255.255.255",
            "2001:db9::1",
            "2a00::1",
            "3fff:1000::1",
            "::ffff:9.9.9.9",
        ] {
            assert!(is_public(ip(public)), "{public}");
        }
    }

    #[test]
    fn of_several_addresses_the_same_is_chosen_each_time() {
        let seen = ["2a00::2", "192.168.1.1", "9.9.9.9", "2a00::1", "8.8.8.8"].map(ip);
        assert_eq!(choose(seen), Some(ip("8.8.8.8")));
        assert_eq!(choose(["fe80::1", "2a00::2", "2a00::1"].map(ip)), Some(ip("2a00::1")));
        assert_eq!(choose([ip("10.0.0.1")]), None);
    }

    #[test]
    fn q64_a_new_address_is_told_once_and_the_first_one_never() {
        let (mut watch, now) = (Watch::default(), Instant::now());
        let (one, two) = (ip("1.1.1.1"), ip("2.2.2.2"));
        assert_eq!(watch.see(Some(one), now), None);
        assert_eq!(watch.see(None, now), None);
        assert_eq!(watch.see(Some(two), now), Some(Moved { old: one, new: two }));
        assert_eq!(watch.see(Some(two), now + PAUSE), None);
        let mut after_a_restart = Watch::new(watch.known());
        assert_eq!(after_a_restart.see(Some(one), now), Some(Moved { old: two, new: one }));
    }

    #[test]
    fn q64_an_address_that_changes_all_the_time_is_a_mail_an_hour() {
        let (mut watch, begin) = (Watch::new(Some(ip("1.1.1.1"))), Instant::now());
        let mails = (0..600).filter(|minute| {
            let seen = ip(&format!("2.2.2.{}", minute % 7));
            watch.see(Some(seen), begin + Duration::from_secs(minute * 60)).is_some()
        });
        assert_eq!(mails.count(), 10);
    }

    #[test]
    fn q64_a_host_that_gives_itself_a_new_ipv6_address_has_not_moved() {
        let mut watch = Watch::new(Some(ip("2a00:1:2:3::1")));
        assert_eq!(watch.see(Some(ip("2a00:1:2:3:9::9")), Instant::now()), None);
        assert!(watch.see(Some(ip("2a00:1:2:4::1")), Instant::now()).is_some());
    }
}
