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

    fn host(&self) -> SystemTime {
        SystemTime::now()
    }
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
