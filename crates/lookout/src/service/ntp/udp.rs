//! Asking a time server over UDP: its addresses in turn, each once.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant, SystemTime},
};

use lookout_core::sntp::{self, Reading, Refusal};
use tokio::{net::UdpSocket, time::timeout};

use super::{Failure, World};
use crate::{lookup::Lookup, password};

/// The network, as the service sees it.
pub struct Udp {
    /// The servers' UDP port.
    pub port: u16,
}

/// How long an address is listened to: an answer that comes later says the time too vaguely.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many addresses of a name are asked. With the deadline of the lookup an attempt ends within 14 s (RULES F17).
const TRIES: usize = 3;

impl World for Udp {
    async fn ask(&mut self, server: &str) -> Result<Reading, Failure> {
        let addresses = Lookup::servers().addresses(server, self.port).await.map_err(Failure::Unknown)?;
        ask_in_turn(addresses).await
    }

    fn host(&self) -> SystemTime {
        SystemTime::now()
    }
}

async fn ask_in_turn(addresses: Vec<SocketAddr>) -> Result<Reading, Failure> {
    let mut failure = Failure::Silent;
    for address in addresses.into_iter().take(TRIES) {
        match timeout(PATIENCE, ask(address)).await.unwrap_or(Err(Failure::Silent)) {
            Ok(reading) => return Ok(reading),
            // What one of several servers wishes is heeded, whatever the others say.
            Err(_) if matches!(failure, Failure::Refused(Refusal::Denied | Refusal::Slower)) => {}
            Err(other) => failure = other,
        }
    }
    Err(failure)
}

async fn ask(address: SocketAddr) -> Result<Reading, Failure> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // A port that nobody can guess, and the kernel drops what does not come from the server's own address and port.
    let socket = UdpSocket::bind((any, 0)).await.map_err(Failure::Unreachable)?;
    socket.connect(address).await.map_err(Failure::Unreachable)?;
    let cookie = password::random().map_err(|error| Failure::Unreachable(std::io::Error::other(error)))?;
    let sent = Instant::now();
    socket.send(&sntp::request(cookie)).await.map_err(Failure::Unreachable)?;
    let mut packet = [0; 512];
    loop {
        let length = socket.recv(&mut packet).await.map_err(Failure::Unreachable)?;
        match sntp::read(&packet[..length], cookie, sent.elapsed()) {
            Err(Refusal::Stray) => {}
            read => return read.map_err(Failure::Refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket as Socket;

    use lookout_testkit::{Tells, TimeServer};

    use super::*;

    fn at(server: &TimeServer) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, server.port))
    }

    /// Returns an address at which nobody listens; the system says so at once.
    fn nobody() -> SocketAddr {
        Socket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    #[tokio::test]
    async fn the_next_address_is_asked_when_one_gives_no_time_but_not_many() {
        let good = TimeServer::start(Tells::Ahead(0));
        assert!(ask_in_turn(vec![nobody(), nobody(), at(&good)]).await.is_ok());
        assert!(ask_in_turn(vec![nobody(), nobody(), nobody(), at(&good)]).await.is_err());
    }

    #[tokio::test]
    async fn what_one_of_several_servers_wishes_is_heeded() {
        let strict = TimeServer::start(Tells::Kiss(*b"DENY"));
        let told = ask_in_turn(vec![nobody(), at(&strict), nobody()]).await;
        assert!(matches!(told, Err(Failure::Refused(Refusal::Denied))), "{told:?}");
    }
}
