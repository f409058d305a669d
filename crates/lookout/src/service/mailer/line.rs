//! A connection to a mail server: carries a dialogue out, with deadlines (RULES F16).

use std::{io, time::Duration};

use lookout_core::{
    profile::settings::{MailAccount, MailTls},
    smtp::{Delivered, Dialogue, Failure, Fault, Login, Next, Reply, Wanted, stuffed},
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::peer::{self, IDLE, WHOLE};

/// How long it may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);
/// How much of a mail is written at once: each of them within [`IDLE`].
const PIECE: usize = 16 * 1024;

/// Why a mail was not delivered.
#[derive(Debug)]
pub struct Undelivered {
    /// Why.
    pub why: Failure,
    /// Whether the server had all of it and only its word is missing: it may have been delivered all the same.
    pub unsure: bool,
}

impl From<Failure> for Undelivered {
    fn from(why: Failure) -> Self {
        Self { why, unsure: false }
    }
}

/// Delivers as [`Carrier::deliver`](super::Carrier::deliver) says, over the network.
pub(super) async fn deliver(
    account: &MailAccount,
    receivers: Vec<String>,
    mail: &[u8],
) -> Result<Delivered, Undelivered> {
    let (mut dialogue, whole) = (None, WHOLE);
    let work = async {
        let stream = connect(account).await?;
        let own = stream.local_addr().map_err(lost)?.ip();
        let tag = if own.is_ipv6() { "IPv6:" } else { "" };
        let own = format!("[{tag}{own}]");
        let wanted = wanted(account, receivers, own, mail.len());
        let host = account.svr.as_str();
        let stream: Box<dyn Stream> = match account.tls {
            MailTls::Tls => Box::new(encrypt(Box::new(stream), host).await?),
            MailTls::None | MailTls::StartTls => Box::new(stream),
        };
        let dialogue = dialogue.insert(Dialogue::new(wanted, account.tls == MailTls::Tls));
        converse(stream, dialogue, mail, |stream| encrypt(stream, host)).await
    };
    let outcome = timeout(whole, work).await;
    let late = |_| Failure::passing(Fault::Network, "the server took more than 30 s");
    let unsure = dialogue.is_some_and(|dialogue| dialogue.unsure());
    outcome.map_err(late).and_then(|outcome| outcome).map_err(|why| Undelivered { why, unsure })
}

pub(super) fn wanted(account: &MailAccount, receivers: Vec<String>, own: String, size: usize) -> Wanted {
    let login = || Login { user: account.user.as_str().to_owned(), password: account.pwd.secret().clone() };
    Wanted {
        own,
        start_tls: account.tls == MailTls::StartTls,
        login: (!account.user.as_str().is_empty()).then(login),
        sender: account.sender.as_str().to_owned(),
        receivers,
        size,
    }
}

async fn connect(account: &MailAccount) -> Result<TcpStream, Failure> {
    let (host, port) = (account.svr.as_str(), u16::try_from(account.port.get()).unwrap_or_default());
    let stream = peer::connect(host, port).await;
    stream.map_err(|error| Failure::passing(Fault::Connect, format!("cannot connect to {host}, port {port}: {error}")))
}

/// What a dialogue runs over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Encrypts a connection; the server must prove that it is this host.
async fn encrypt(stream: Box<dyn Stream>, host: &str) -> Result<Box<dyn Stream>, Failure> {
    let name = ServerName::try_from(host.to_owned());
    let name =
        name.map_err(|_| Failure::lasting(Fault::Server, format!("{host} is no name that a certificate can have")))?;
    let trust = peer::trust().await.map_err(|error| {
        Failure::lasting(Fault::Server, format!("the certificates that this machine trusts cannot be read: {error}"))
    })?;
    let shake = TlsConnector::from(trust).connect(name, stream);
    let stream = timeout(IDLE, shake).await.map_err(|_| silent())?.map_err(|error| not_encrypted(host, &error))?;
    Ok(Box::new(stream))
}

fn not_encrypted(host: &str, error: &io::Error) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => {
            Failure::lasting(Fault::Server, format!("the certificate of {host} is not trusted: {why}"))
        }
        Some(error) => Failure::lasting(Fault::Server, format!("no encryption with {host}: {error}")),
        None => Failure::passing(Fault::Network, format!("the connection was lost while it was encrypted: {error}")),
    }
}

/// Carries a dialogue out, to its end.
pub(super) async fn converse<F>(
    stream: Box<dyn Stream>,
    dialogue: &mut Dialogue,
    mail: &[u8],
    encrypt: impl FnOnce(Box<dyn Stream>) -> F,
) -> Result<Delivered, Failure>
where
    F: Future<Output = Result<Box<dyn Stream>, Failure>>,
{
    let (mut line, mut encrypt) = (Line { stream, heard: Vec::new() }, Some(encrypt));
    let outcome = loop {
        let reply = match line.hear(if dialogue.unsure() { WHOLE } else { IDLE }).await {
            Ok(reply) => reply,
            Err(failure) => break Err(failure),
        };
        let next = match dialogue.hear(&reply) {
            Ok(Next::Encrypt) => {
                // One line is encrypted once.
                let Some(encrypt) = encrypt.take() else { break Err(silent()) };
                line = Line { stream: encrypt(line.stream).await?, heard: Vec::new() };
                Ok(dialogue.encrypted())
            }
            next => next,
        };
        let said = match next {
            Ok(Next::Say(text)) => line.say(format!("{}\r\n", text.expose()).as_bytes()).await,
            Ok(Next::Send) => line.say(&stuffed(mail)).await,
            Ok(Next::Done(delivered)) => break Ok(delivered),
            // Only a line that is encrypted already would be asked for it.
            Ok(Next::Encrypt) => Err(silent()),
            Err(failure) => break Err(failure),
        };
        // A server that closes may have said why before.
        if let Err(failure) = said {
            let last = line.hear(GOODBYE).await.ok();
            break Err(last.and_then(|reply| dialogue.hear(&reply).err()).unwrap_or(failure));
        }
    };
    line.leave().await;
    outcome
}

struct Line {
    stream: Box<dyn Stream>,
    /// What came and was not looked at yet.
    heard: Vec<u8>,
}

impl Line {
    /// Waits for a reply, each piece of which comes in time.
    async fn hear(&mut self, patience: Duration) -> Result<Reply, Failure> {
        loop {
            let garbage = |garbage| Failure::passing(Fault::Server, format!("{garbage}"));
            if let Some((reply, length)) = Reply::parse(&self.heard).map_err(garbage)? {
                self.heard.drain(..length);
                return Ok(reply);
            }
            let mut piece = [0; 1024];
            let read = timeout(patience, self.stream.read(&mut piece)).await.map_err(|_| silent())?;
            match read.map_err(lost)? {
                0 => return Err(Failure::passing(Fault::Network, "the server closed the connection")),
                length => self.heard.extend_from_slice(&piece[..length]),
            }
        }
    }

    async fn say(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        for piece in bytes.chunks(PIECE) {
            let write = async {
                self.stream.write_all(piece).await?;
                self.stream.flush().await
            };
            timeout(IDLE, write).await.map_err(|_| silent())?.map_err(lost)?;
        }
        Ok(())
    }

    /// Says goodbye; what comes of that is all the same.
    async fn leave(mut self) {
        let quit = async {
            let _ = self.say(b"QUIT\r\n").await;
            let _ = self.hear(GOODBYE).await;
            let _ = self.stream.shutdown().await;
        };
        let _ = timeout(GOODBYE, quit).await;
    }
}

fn silent() -> Failure {
    Failure::passing(Fault::Network, "the server says nothing")
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn lost(error: io::Error) -> Failure {
    Failure::passing(Fault::Network, format!("the connection was lost: {error}"))
}

#[cfg(test)]
mod tests;
