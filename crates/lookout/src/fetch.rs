//! One `GET` to a server of others whose answer is a few words: dynamic DNS, and who says the public address.
//!
//! The deadlines are those of [`peer`](crate::peer), and so is whose certificates are trusted. At most 4 KiB of an answer
//! are read, and no redirect is followed: nobody is given a login, or believed, but whom the operator has named.
//! reqwest and not a [`Line`](crate::peer::Line), since these go through proxies and take whatever HTTP such servers speak; the
//! call of an alarm judges each address first, and has a client of its own for that.

use std::{
    error::Error as _,
    io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use lookout_core::profile::wire::Secret;
use reqwest::{Client, Proxy, StatusCode, Url, header, redirect};
use rustls::ClientConfig;
use tokio::time::timeout;

use crate::{
    lookup::Lookup,
    peer::{self, CONNECT, IDLE, WHOLE},
};

/// How much of an answer is read, in bytes: ten times the longest that somebody waits for.
const LONGEST: usize = 4096;

/// Who asks, as dyndns2 wants it: maker, model, version.
const AGENT: &str = concat!("Lookout - IP camera - ", env!("CARGO_PKG_VERSION"));

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// What to get.
    pub url: &'a str,
    /// User and password, for Basic authentication.
    pub login: Option<(&'a str, &'a Secret)>,
    /// The HTTP proxy to go through.
    pub proxy: Option<&'a str>,
    /// Whether to go over IPv4 alone, because the answer is about the address from which it is asked.
    pub v4: bool,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The status.
    pub status: u16,
    /// The body; nothing of one that goes on and on, which is none of the few words that are waited for.
    pub body: Vec<u8>,
}

/// Why nothing was answered, in words for the log: never a part of the address or of a login.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nobody has got the request: there was no connection, or not the one that was wanted.
    #[error("{0}")]
    Unsent(String),
    /// Somebody may have got it, and done what it says.
    #[error("{0}")]
    Unheard(String),
}

/// Gets an answer.
///
/// # Errors
/// There was no connection, it broke off, or it took longer than 30 s.
pub async fn get(wish: &Wish<'_>) -> Result<Heard, Failure> {
    // Connecting has a shorter deadline of its own.
    let late = |_| Failure::Unheard(format!("no answer within {} s", WHOLE.as_secs()));
    timeout(WHOLE, within(wish, peer::trust)).await.map_err(late)?
}

/// `trust` is [`peer::trust`], which is asked for what goes over TLS alone: in clear, a machine needs no CA certificates.
async fn within(wish: &Wish<'_>, trust: impl AsyncFnOnce() -> io::Result<Arc<ClientConfig>>) -> Result<Heard, Failure> {
    let clear = Url::parse(wish.url).is_ok_and(|url| url.scheme() == "http");
    let trust = if clear {
        peer::nobody()
    } else {
        trust().await.map_err(|error| Failure::Unsent(clean(&error.to_string())))?
    };
    let mut request = client(wish, trust)?.get(wish.url).header(header::ACCEPT, "text/plain, */*;q=0.5");
    if let Some((user, pwd)) = wish.login {
        request = request.basic_auth(user, Some(pwd.expose()));
    }
    let mut answer = request.send().await.map_err(|error| why(&error))?;
    let status = answer.status();
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return Err(Failure::Unsent("the proxy wants a login (407)".into()));
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| why(&error))? {
        if body.len() + piece.len() > LONGEST {
            body.clear();
            break;
        }
        body.extend_from_slice(&piece);
    }
    Ok(Heard { status: status.as_u16(), body })
}

fn client(wish: &Wish<'_>, trust: Arc<ClientConfig>) -> Result<Client, Failure> {
    let mut client = Client::builder()
        .user_agent(AGENT)
        // Nor those that the environment names.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .read_timeout(IDLE)
        .pool_max_idle_per_host(0)
        .dns_resolver(Arc::new(Lookup::servers()))
        .tls_backend_preconfigured(Arc::unwrap_or_clone(trust));
    if wish.v4 {
        client = client.local_address(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    }
    if let Some(proxy) = wish.proxy {
        client = client.proxy(Proxy::all(proxy).map_err(|_| Failure::Unsent("the proxy has no address".into()))?);
    }
    client.build().map_err(|error| Failure::Unsent(words(&error)))
}

/// Says why. Looking up the name, TLS and a proxy's tunnel are parts of connecting.
fn why(error: &reqwest::Error) -> Failure {
    if error.is_connect() || error.is_builder() {
        Failure::Unsent(words(error))
    } else {
        Failure::Unheard(words(error))
    }
}

/// Words it: the innermost cause says most, and the outermost text, which holds the address, is left out.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let Some(mut cause) = error.source() else { return "it broke off".into() };
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    clean(&cause.to_string())
}

/// Cuts what another machine may have worded, and lets nothing through that moves a cursor.
fn clean(text: &str) -> String {
    text.chars().take(160).map(|c| if c.is_control() { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests;
