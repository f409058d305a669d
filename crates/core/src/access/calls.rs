//! Whom the camera may call when somebody else says the address (RULES R10.1).
//!
//! A manager of the camera is not its machine's operator: an address that he sets must not reach what listens on the machine
//! for itself alone, the neighbours' link, or a cloud's description of the machine. So every address that a name has is
//! judged, by what it leads to in the end, before anything is sent there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far the operator lets calls reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses.
    Public,
    /// Those of private networks, too.
    Private,
    /// This machine and its link, too, on any port.
    Any,
}

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Into the Internet.
    Public,
    /// Into a network of somebody's own: RFC 1918, a provider's (100.64/10), unique-local.
    Private,
    /// Onto the same link, or to this very machine.
    Near,
    /// To nobody, or to many: not an address to call.
    Nowhere,
}

/// Why an address is not called; finishes the sentence “the address …”.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It leads nowhere.
    #[error("is none that can be called")]
    Nowhere,
    /// It is this machine's or its link's.
    #[error("is this machine's own or of its link")]
    Near,
    /// It is of a private network.
    #[error("is of a private network")]
    Private,
    /// Its port is another protocol's.
    #[error("has a port of another protocol")]
    Port,
}

/// Says whether an address may be called; `own` is whether it is one of this machine's.
///
/// # Errors
/// Why not.
pub fn judge(address: IpAddr, port: u16, own: bool, reach: Reach) -> Result<(), Refused> {
    let found = place(address);
    let place = if own && found != Place::Nowhere { Place::Near } else { found };
    match (place, reach) {
        (Place::Nowhere, _) => return Err(Refused::Nowhere),
        (Place::Near, Reach::Public | Reach::Private) => return Err(Refused::Near),
        (Place::Private, Reach::Public) => return Err(Refused::Private),
        (Place::Public | Place::Private | Place::Near, _) => {}
    }
    let bad = port == 0 || reach != Reach::Any && BAD_PORTS.binary_search(&port).is_ok();
    if bad { Err(Refused::Port) } else { Ok(()) }
}

/// Says where an address leads; one that carries another (mapped, 6to4, NAT64), where that one does.
pub fn place(address: IpAddr) -> Place {
    match address.to_canonical() {
        IpAddr::V4(v4) => place_v4(v4),
        IpAddr::V6(v6) => place_v6(v6),
    }
}

fn place_v4(v4: Ipv4Addr) -> Place {
    match v4.octets() {
        // This network; protocol assignments; documentation; the relays of 6to4; multicast; reserved, and broadcast.
        [0, ..] | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] | [224..=255, ..] => {
            Place::Nowhere
        }
        [127, ..] | [169, 254, ..] => Place::Near,
        // RFC 1918, shared by a provider's customers (RFC 6598), benchmarks (RFC 2544).
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [198, 18 | 19, ..] => Place::Private,
        _ => Place::Public,
    }
}

fn place_v6(v6: Ipv6Addr) -> Place {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        place_v4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] | [0xfe80..=0xfebf, ..] => Place::Near,
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Unique-local, site-local of old, a NAT64 of somebody's own (RFC 8215).
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Place::Private,
        // Teredo, ORCHID and other assignments (2001::/23); documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Place::Nowhere,
        [0x2000..=0x3fff, ..] => Place::Public,
        _ => Place::Nowhere,
    }
}

/// Ports on which something else than HTTP listens, which could take a request for its own commands: the “bad ports” of the
/// Fetch standard.
const BAD_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "192.88.98.255",
        "192.88.100.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2000::",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2a00::1",
        "2003::1",
        "3ffe::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ];
    const PRIVATE: &[&str] = &[
        "10.0.0.0",
        "10.255.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.168.0.0",
        "192.168.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "fc00::",
        "fd12:3456::1",
        "fdff:ffff::1",
        "fec0::1",
        "64:ff9b:1::1",
        "::ffff:10.0.0.1",
        "::ffff:c0a8:1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "2002:c0a8:1::",
    ];
    const NEAR: &[&str] = &[
        "127.0.0.0",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.255.255",
        "::1",
        "fe80::1",
        "febf:ffff::1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
    ];
    const NOWHERE: &[&str] = &[
        "0.0.0.0",
        "0.0.0.1",
        "0.255.255.255",
        "192.0.0.0",
        "192.0.0.255",
        "192.0.2.1",
        "192.88.99.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.0",
        "224.0.0.251",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::ffff:0.0.0.0",
        "::ffff:224.0.0.1",
        "::127.0.0.1",
        "::192.168.0.1",
        "::2",
        "64:ff9b::",
        "64:ff9b::e000:1",
        "64:ff9c::1",
        "64:ff9b:2::1",
        "100::1",
        "1fff::1",
        "2001::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002::1",
        "2002:e000:1::",
        "3fff::1",
        "3fff:fff::1",
        "4000::1",
        "fbff::1",
        "fe00::1",
        "fe7f::1",
        "ff00::",
        "ff02::1",
        "ff0e::1",
        "ffff::1",
    ];

    fn all() -> impl Iterator<Item = (IpAddr, Place)> {
        let lists =
            [(PUBLIC, Place::Public), (PRIVATE, Place::Private), (NEAR, Place::Near), (NOWHERE, Place::Nowhere)];
        lists.into_iter().flat_map(|(list, place)| list.iter().map(move |text| (text.parse().unwrap(), place)))
    }

    #[test]
    fn the_edges_of_every_range_lead_where_they_lead() {
        for (address, wanted) in all() {
            assert_eq!(place(address), wanted, "{address}");
        }
    }

    #[test]
    fn an_address_is_called_as_far_as_the_operator_lets_calls_reach() {
        for (address, place) in all() {
            let may = |own, reach| judge(address, 80, own, reach).is_ok();
            let reaches = [Reach::Public, Reach::Private, Reach::Any];
            let wanted = match place {
                Place::Public => [true, true, true],
                Place::Private => [false, true, true],
                Place::Near => [false, false, true],
                Place::Nowhere => [false, false, false],
            };
            assert_eq!(reaches.map(|reach| may(false, reach)), wanted, "{address}");
            let own = [false, false, place != Place::Nowhere];
            assert_eq!(reaches.map(|reach| may(true, reach)), own, "{address}, which is this machine's");
        }
    }

    #[test]
    fn ports_of_other_protocols_are_called_only_where_everything_is_and_port_0_never() {
        assert!(BAD_PORTS.is_sorted());
        let address = "8.8.8.8".parse().unwrap();
        for port in 0..=u16::MAX {
            let bad = BAD_PORTS.contains(&port);
            let may = |reach| judge(address, port, false, reach).is_ok();
            assert_eq!([may(Reach::Public), may(Reach::Private), may(Reach::Any)], [!bad, !bad, port != 0], "{port}");
        }
        for port in [22, 25, 6667, 6379] {
            assert_eq!(judge(address, port, false, Reach::Private).is_err(), port != 6379, "{port}");
        }
    }

    #[test]
    fn whoever_is_refused_is_told_why() {
        let why = |address: &str, port, own, reach| judge(address.parse().unwrap(), port, own, reach).unwrap_err();
        assert_eq!(why("0.0.0.0", 80, false, Reach::Any), Refused::Nowhere);
        assert_eq!(why("8.8.8.8", 80, true, Reach::Private), Refused::Near);
        assert_eq!(why("10.0.0.1", 80, false, Reach::Public), Refused::Private);
        assert_eq!(why("10.0.0.1", 25, false, Reach::Private), Refused::Port);
    }
}
