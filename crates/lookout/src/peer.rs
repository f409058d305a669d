//! Connections to servers of others, each with deadlines: 5 s to connect, 10 s without a byte, 30 s in all (RULES F16).

use std::{io, sync::Arc, time::Duration};

use rustls::ClientConfig;
use tokio::net::TcpStream;

use crate::lookup::Lookup;

/// How long a connection may take to be made.
pub const CONNECT: Duration = Duration::from_secs(5);
/// How long nothing may come or go.
pub const IDLE: Duration = Duration::from_secs(10);
/// How long an errand may take in all.
pub const WHOLE: Duration = Duration::from_secs(30);

/// Connects to a host; tries its addresses one after the other, within [`CONNECT`] in all behind the looking up of its name.
///
/// # Errors
/// It has no address, or refuses.
pub async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = Lookup::servers().addresses(host, port).await?;
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection within 5 s");
    tokio::time::timeout(CONNECT, TcpStream::connect(&addresses[..])).await.map_err(late)?
}

/// Returns how certificates of servers are checked: against the authorities that this machine trusts.
///
/// # Errors
/// The machine's list cannot be read.
pub fn trust() -> io::Result<Arc<ClientConfig>> {
    let config = rustls_platform_verifier::BuilderVerifierExt::with_platform_verifier(ClientConfig::builder());
    Ok(Arc::new(config.map_err(io::Error::other)?.with_no_client_auth()))
}
