//! The data connection of an upload: TCP or TLS, each piece with a deadline.
//!
//! It is held until the server says that it has the file. What is abandoned before, by an error or because forbidden hours
//! begin, is reset: the kernel throws away what it has not sent.

use std::{sync::Arc, time::Duration};

use lookout_core::ftp::Trouble;
use rustls::{ClientConfig, pki_types::ServerName};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::peer::IDLE;

/// How much is written at once.
const PIECE: usize = 64 * 1024;
/// How long a server may take to end a connection on its side: nothing depends on it any more.
pub const GOODBYE: Duration = Duration::from_secs(1);

/// How data connections are encrypted: as the control connection is, and by the same sessions of TLS, which some servers ask for.
pub type Secrecy = (Arc<ClientConfig>, ServerName<'static>);

/// A data connection that is written to.
pub struct Data {
    stream: Option<Stream>,
}

enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Data {
    /// Takes a connection over, and encrypts it if the control connection is.
    pub async fn begin(stream: TcpStream, secrecy: Option<&Secrecy>) -> Result<Self, Trouble> {
        let Some((config, name)) = secrecy else { return Ok(Self { stream: Some(Stream::Plain(stream)) }) };
        let agreed = TlsConnector::from(config.clone()).connect(name.clone(), stream);
        let agreed = timeout(IDLE, agreed).await.map_err(|_| Trouble::Late)?;
        let stream = Box::new(agreed.map_err(|_| Trouble::Untrusted)?);
        Ok(Self { stream: Some(Stream::Encrypted(stream)) })
    }

    /// Writes a file and ends it; without an error the system has taken all of it, but the server may not.
    pub async fn send(&mut self, file: &[u8]) -> Result<(), Trouble> {
        for piece in file.chunks(PIECE) {
            self.write(piece).await?;
        }
        match self.stream.as_mut() {
            Some(Stream::Plain(stream)) => ended(stream.shutdown()).await?,
            Some(Stream::Encrypted(stream)) => {
                ended(stream.shutdown()).await?;
                // A connection that is closed with something unread is reset, which may overtake the file's end; and what
                // comes are the tickets by which the next connection continues this session.
                let mut rest = [0; 1024];
                let _ = timeout(GOODBYE, async { while matches!(stream.read(&mut rest).await, Ok(1..)) {} }).await;
            }
            None => {}
        }
        Ok(())
    }

    /// Closes it in peace: the file has arrived.
    pub fn arrived(mut self) {
        self.stream = None;
    }

    async fn write(&mut self, piece: &[u8]) -> Result<(), Trouble> {
        match self.stream.as_mut() {
            Some(Stream::Plain(stream)) => ended(stream.write_all(piece)).await,
            Some(Stream::Encrypted(stream)) => ended(stream.write_all(piece)).await,
            None => Ok(()),
        }
    }
}

async fn ended(writing: impl Future<Output = std::io::Result<()>>) -> Result<(), Trouble> {
    timeout(IDLE, writing).await.map_err(|_| Trouble::Late)?.map_err(|_| Trouble::Lost)
}

impl Drop for Data {
    fn drop(&mut self) {
        let stream = match &self.stream {
            Some(Stream::Plain(stream)) => stream,
            Some(Stream::Encrypted(stream)) => stream.get_ref().0,
            None => return,
        };
        // A socket that cannot be told so is closed as others are.
        let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
}
