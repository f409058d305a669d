//! One connection of the load generator to a push stream, plain or TLS.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use anyhow::{Result, bail};
use rustix::net::{RecvFlags, recv};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::stream::{Form, Part, Stream};

/// How long a connection may take; on loopback it only waits when the server's backlog is full.
const PATIENCE: Duration = Duration::from_secs(10);

/// A viewer and what it got.
pub struct Viewer {
    /// The connection; readable when there is something to do.
    pub socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    stream: Stream,
    /// Reads no more once it has the head of the answer.
    pub stalls: bool,
    /// Whole pictures since the measurement began.
    pub frames: u64,
    /// Pictures that the feed made and this viewer never got, since the measurement began.
    pub missed: u64,
    /// Blocks of sound since the measurement began.
    pub blocks: u64,
    /// Blocks of sound that are missing between those, since the measurement began.
    pub gaps: u64,
    /// Bytes since the measurement began, framing and all; as HTTPS seals them.
    pub bytes: u64,
    /// Has had a picture, or a block of sound.
    pub started: bool,
    /// The number of the last picture.
    pub last: Option<u64>,
}

impl Viewer {
    /// Connects and sends the request.
    pub fn connect(
        address: SocketAddr,
        path: &str,
        form: Form,
        tls: Option<&Arc<ClientConfig>>,
        stalls: bool,
    ) -> Result<Self> {
        let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_nodelay(true)?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: lookout-bench\r\n\r\n");
        let tls = match tls {
            None => {
                socket.write_all(request.as_bytes())?;
                None
            }
            Some(config) => {
                let mut tls = ClientConnection::new(config.clone(), ServerName::from(address.ip()))?;
                // Kept by rustls until the handshake is over.
                tls.writer().write_all(request.as_bytes())?;
                tls.write_tls(&mut socket)?;
                Some(Box::new(tls))
            }
        };
        socket.set_nonblocking(true)?;
        let (stream, started, last) = (Stream::new(form), false, None);
        Ok(Self { socket, tls, stream, stalls, frames: 0, missed: 0, blocks: 0, gaps: 0, bytes: 0, started, last })
    }

    /// Forgets what was counted so far.
    pub fn begin(&mut self) {
        (self.frames, self.missed, self.blocks, self.gaps, self.bytes) = (0, 0, 0, 0, 0);
    }

    /// Says whether the head of the answer is there.
    pub fn answered(&self) -> bool {
        self.stream.answered()
    }

    /// Reads what is there, up to the end of one part or of the buffer, and reports each whole part.
    ///
    /// # Errors
    /// The server ended the stream, or sent what is not one.
    pub fn read(&mut self, buffer: &mut [u8], mut whole: impl FnMut(Part)) -> Result<()> {
        if let Some(tls) = &mut self.tls {
            let Some(mut sealed) = received(self.socket.read(buffer))?.map(|count| &buffer[..count]) else {
                return Ok(());
            };
            self.bytes += sealed.len() as u64;
            let mut opened = [0; 16 * 1024];
            while !sealed.is_empty() {
                tls.read_tls(&mut sealed)?;
                tls.process_new_packets()?;
                while let Some(count) = received(tls.reader().read(&mut opened))? {
                    self.stream.push(&opened[..count], &mut whole)?;
                }
                while tls.wants_write() {
                    tls.write_tls(&mut self.socket)?;
                }
            }
            return Ok(());
        }
        loop {
            let skip = self.stream.may_skip().min(buffer.len());
            let taken = if skip > 0 {
                // TRUNC: the kernel drops the bytes without copying them.
                let dropped = recv(&self.socket, &mut buffer[..skip], RecvFlags::TRUNC).map(|(_, count)| count);
                received(dropped.map_err(Into::into))?.inspect(|&count| {
                    self.stream.skipped(count);
                    self.bytes += count as u64;
                })
            } else {
                let piece = self.stream.piece().min(buffer.len());
                let piece = &mut buffer[..piece];
                let taken = received(self.socket.read(piece))?;
                if let Some(count) = taken {
                    let mut ended = false;
                    self.bytes += count as u64;
                    self.stream.push(&piece[..count], |part| {
                        ended = true;
                        whole(part);
                    })?;
                    if ended {
                        return Ok(());
                    }
                }
                taken
            };
            if taken.is_none() || self.stalls && self.answered() {
                return Ok(());
            }
        }
    }
}

/// Tells nothing yet (`None`) from the end of the stream (an error) and bytes.
fn received(read: std::io::Result<usize>) -> Result<Option<usize>> {
    match read {
        Ok(0) => bail!("the server ended the stream"),
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes the TLS settings of all viewers: any certificate will do, it is the bench's own server.
pub fn trusting_config() -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Believes every certificate.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
