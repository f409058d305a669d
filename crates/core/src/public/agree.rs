//! Who is believed about the public address: the host's own network card, or two who do not know each other (Q77).
//!
//! A camera behind a router cannot see its address, and whoever is asked can be wrong, broken into, or stood in for by a page of
//! a hotel. One of them is never enough, and where they contradict each other, nobody is believed.

use std::net::{IpAddr, Ipv4Addr};

use super::is_public;

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The Internet gateway of the network (UPnP).
    Gateway,
    /// A server of the Internet, by its number.
    Service(usize),
}

/// What was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who said it.
    pub source: Source,
    /// The address.
    pub address: IpAddr,
}

/// Returns the public address that the host has itself, of those by which it reaches others: that needs no one's word. One of IPv6
/// counts if there is no IPv4, or nobody who could say which one the camera has to the outside; else a host behind a router would be
/// found by an address on which it may not listen.
pub fn own(addresses: &[IpAddr], others: bool) -> Option<IpAddr> {
    let public = super::choose(addresses.iter().copied());
    let hidden = others && addresses.iter().any(|address| address.to_canonical().is_ipv4());
    public.filter(|address| address.to_canonical().is_ipv4() || !hidden)
}

/// Returns the address that is believed: the one of IPv4 that at least two say, and more than say any other.
pub fn agree(answers: &[Answer]) -> Option<IpAddr> {
    let first = |at: usize| !answers[..at].iter().any(|before| before.source == answers[at].source);
    let heard =
        answers.iter().enumerate().filter(|(at, _)| first(*at)).map(|(_, answer)| answer.address.to_canonical());
    let heard: Vec<IpAddr> = heard.filter(|address| address.is_ipv4() && is_public(*address)).collect();
    let voices = |address: IpAddr| heard.iter().filter(|heard| **heard == address).count();
    let best = heard.iter().copied().max_by_key(|address| voices(*address))?;
    let alone = heard.iter().all(|other| *other == best || voices(*other) < voices(best));
    (voices(best) >= 2 && alone).then_some(best)
}

/// Reads the address out of what a server says about who asks: text or HTML with one address of IPv4 in it.
pub fn read(body: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(body).ok()?;
    // A number that goes on is a version, or a name.
    let words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | ':' | '-' | '_' | '/')));
    let found = words.filter_map(|word| word.trim_matches(['.', ':']).parse::<Ipv4Addr>().ok());
    let mut found: Vec<Ipv4Addr> = found.collect();
    found.sort_unstable();
    found.dedup();
    match found[..] {
        [address] => Some(address.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// What is believed, when the gateway (`g`) and servers (by number) have said something.
    fn believed(said: &[(char, &str)]) -> String {
        let answers: Vec<Answer> = said
            .iter()
            .map(|(who, address)| {
                let source = who.to_digit(10).map_or(Source::Gateway, |number| Source::Service(number as usize));
                Answer { source, address: ip(address) }
            })
            .collect();
        agree(&answers).map_or("nobody".to_owned(), |address| address.to_string())
    }

    #[test]
    fn q77_an_address_that_one_alone_says_is_not_believed() {
        assert_eq!(believed(&[('0', "1.1.1.1")]), "nobody");
        assert_eq!(believed(&[('g', "1.1.1.1")]), "nobody");
        assert_eq!(believed(&[('0', "1.1.1.1"), ('0', "1.1.1.1"), ('0', "1.1.1.1")]), "nobody", "three times the same");
        assert_eq!(believed(&[]), "nobody");
        assert_eq!(agree(&[Answer { source: Source::Gateway, address: ip("1.1.1.1") }]), None);
    }

    #[test]
    fn q77_an_address_that_two_say_is_believed_whatever_a_third_says() {
        assert_eq!(believed(&[('0', "1.1.1.1"), ('1', "1.1.1.1")]), "1.1.1.1");
        assert_eq!(believed(&[('g', "1.1.1.1"), ('2', "1.1.1.1")]), "1.1.1.1");
        assert_eq!(believed(&[('0', "6.6.6.6"), ('1', "1.1.1.1"), ('2', "1.1.1.1")]), "1.1.1.1");
        assert_eq!(believed(&[('0', "1.1.1.1"), ('1', "6.6.6.6"), ('g', "1.1.1.1")]), "1.1.1.1");
        assert_eq!(believed(&[('0', "::ffff:1.1.1.1"), ('1', "1.1.1.1")]), "1.1.1.1");
    }

    #[test]
    fn q77_who_contradict_each_other_are_not_believed() {
        assert_eq!(believed(&[('0', "1.1.1.1"), ('1', "2.2.2.2"), ('2', "3.3.3.3")]), "nobody");
        let two = [('0', "1.1.1.1"), ('1', "1.1.1.1"), ('2', "2.2.2.2"), ('3', "2.2.2.2")];
        assert_eq!(believed(&two), "nobody", "two against two");
        assert_eq!(believed(&[('0', "10.0.0.1"), ('1', "10.0.0.1"), ('2', "10.0.0.1")]), "nobody", "not public");
        assert_eq!(believed(&[('0', "2a00::1"), ('1', "2a00::1")]), "nobody", "asked over IPv4");
        // A lie about a private address is no voice at all, for or against.
        assert_eq!(believed(&[('g', "100.64.1.1"), ('0', "1.1.1.1"), ('1', "1.1.1.1")]), "1.1.1.1");
    }

    #[test]
    fn q77_the_hosts_own_address_needs_nobody() {
        let own = |addresses: &[&str], others| {
            let addresses: Vec<IpAddr> = addresses.iter().map(|address| ip(address)).collect();
            own(&addresses, others).map(|address| address.to_string())
        };
        assert_eq!(own(&["1.1.1.1", "2a00::1"], true).as_deref(), Some("1.1.1.1"));
        assert_eq!(own(&["192.168.1.2"], true), None);
        assert_eq!(own(&["192.168.1.2", "2a00::1"], true), None, "somebody else knows the IPv4 address");
        assert_eq!(own(&["192.168.1.2", "2a00::1"], false).as_deref(), Some("2a00::1"), "nobody else is asked");
        assert_eq!(own(&["2a00::1"], true).as_deref(), Some("2a00::1"), "there is no IPv4");
        assert_eq!(own(&[], true), None);
    }

    #[test]
    fn one_address_is_read_out_of_text_and_pages_and_of_several_none() {
        for text in [
            "203.1.2.3",
            "203.1.2.3\n",
            "  203.1.2.3\r\n",
            "<html><head><title>Current IP Check</title></head><body>Current IP Address: 203.1.2.3</body></html>\r\n",
            "{\"ip\":\"203.1.2.3\"}",
            "You are 203.1.2.3.",
            "203.1.2.3 203.1.2.3",
            "<p>203.1.2.3</p><hr>nginx/1.22.0.1",
            "\u{60a8}\u{7684} IP: 203.1.2.3",
        ] {
            assert_eq!(read(text.as_bytes()), Some(ip("203.1.2.3")), "{text}");
        }
        for text in [
            "",
            "no address",
            "203.1.2",
            "203.1.2.256",
            "203.01.2.3",
            "203.1.2.3.4",
            "v203.1.2.3",
            "203.1.2.3-4",
            "203.1.2.3 and 203.1.2.4",
            "2a00::1",
            "http://203.1.2.3/",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(b"203.1.2.3 \xff"), None, "no text");
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_is_read_was_there(body: Vec<u8>) {
            if let Some(address) = read(&body) {
                prop_assert!(String::from_utf8_lossy(&body).contains(&address.to_string()));
            }
        }

        #[test]
        fn q77_one_voice_among_any_changes_nothing(lie in any::<[u8; 4]>(), honest in 2_usize..5) {
            let mut answers: Vec<Answer> =
                (0..honest).map(|number| Answer { source: Source::Service(number), address: ip("1.1.1.1") }).collect();
            answers.insert(0, Answer { source: Source::Gateway, address: IpAddr::from(lie) });
            prop_assert_eq!(agree(&answers), Some(ip("1.1.1.1")));
            prop_assert_eq!(agree(&answers[..1]), None);
        }
    }
}
