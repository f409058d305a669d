//! Which peers are near enough for a password in clear (PROFILE 1.3: plain HTTP with credentials).

use std::net::{IpAddr, Ipv6Addr};

/// Says whether an address belongs to this host or its own network, so that plain HTTP does not leave the house.
///
/// That is loopback, RFC 1918, link-local and IPv6 unique-local, also as IPv4-mapped IPv6. Carrier-grade NAT
/// (100.64.0.0/10) is *not*: on the other side of the line sit a provider and its other customers. Who uses such
/// addresses in a tunnel of his own sets `http.plain_from = "any"`.
fn is_private(peer: IpAddr) -> bool {
    match peer.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Returns what stands for a peer where peers are counted: its IPv4 address, or the /64 of its IPv6 address, which is
/// what one customer has.
pub fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

/// Says whether a password in clear stays in the house on its way from `peer`, which reached this host by its address `own`.
///
/// That is so for private peers, and for this host itself by any of its addresses, public ones too.
pub fn is_near(peer: IpAddr, own: IpAddr) -> bool {
    is_private(peer) || peer.to_canonical() == own.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_every_private_range_hold() {
        let private = [
            "127.0.0.1",
            "127.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.168.255.255",
            "169.254.1.1",
            "::1",
            "fe80::1",
            "febf::1",
            "fc00::1",
            "fdff::1",
            "::ffff:192.168.1.2",
            "::ffff:127.0.0.1",
        ];
        let public = [
            "9.255.255.255",
            "11.0.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "100.64.0.1",
            "100.127.255.255",
            "169.253.255.255",
            "169.255.0.0",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "8.8.8.8",
            "::",
            "2001:db8::1",
            "2a00::1",
            "fbff::1",
            "fe00::1",
            "fec0::1",
            "ff02::1",
            "::ffff:8.8.8.8",
            "::192.168.1.2",
        ];
        for (peers, wanted) in [(&private[..], true), (&public[..], false)] {
            for peer in peers {
                assert_eq!(is_private(peer.parse().unwrap()), wanted, "{peer}");
            }
        }
    }

    #[test]
    fn a_host_with_a_public_address_is_near_to_itself_alone() {
        let [own, mapped, other] = ["8.8.8.8", "::ffff:8.8.8.8", "8.8.4.4"].map(|text| text.parse().unwrap());
        assert_eq!([own, mapped, other].map(|peer| is_near(peer, own)), [true, true, false]);
        assert!(is_near("192.168.0.1".parse().unwrap(), own));
    }
}
