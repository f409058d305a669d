//! Which manager has found the way behind a change of the network: one who came from elsewhere, to an address that is the host's.

use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use lookout_core::host::Standing;

use crate::setup;

/// How a manager came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// From where.
    pub peer: IpAddr,
    /// To which address and port of the camera.
    pub here: SocketAddr,
    /// Whether over HTTPS, whose port no setting moves.
    pub secure: bool,
    /// When his connection was accepted; he may have been answered much later.
    pub accepted: Instant,
}

impl Came {
    /// Says whether somebody came from the machine itself, of whose addresses `own` knows: no change of the network would have cut
    /// him off.
    pub fn is_of_this_machine(&self, own: impl Fn(IpAddr) -> bool) -> bool {
        let (peer, here) = (self.peer.to_canonical(), self.here.ip().to_canonical());
        // A neighbour's link-local address cannot be told from an own one otherwise.
        peer.is_loopback() || peer == here || (!of_link(peer) && own(peer))
    }
}

/// Says whether a host that stands like this has an address, as far as it says anything; link-local ones it never names. An address
/// may be listened on that it has not got (`ip_nonlocal_bind`).
pub fn may_stand_at(here: IpAddr, standing: &Standing) -> bool {
    of_link(here) || standing.addresses.is_empty() || standing.addresses.contains(&here)
}

/// Says whether an address is one of this host's, by which somebody else reaches it: whoever comes from the host itself has
/// not found a way to it.
pub fn own(address: IpAddr) -> bool {
    let address = address.to_canonical();
    // They are the same on every network, and cannot be asked for without naming the card.
    let unasked = address.is_ipv6() && of_link(address);
    !address.is_loopback() && (unasked || setup::is_own(address))
}

fn of_link(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
