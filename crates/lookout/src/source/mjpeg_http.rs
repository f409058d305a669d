//! Pictures from another camera over HTTP: its motion JPEG stream, or its snapshots one by one.
//!
//! What the camera answers decides: a single picture is asked for again and again over the same connection, anything else
//! is cut into pictures as it comes. Of pictures that arrived together only the newest is handed on.
//!
//! ```text
//! open ── 401 ──> answer the challenge (once) ──┬─ image/…, or a known length ──> poll at the wanted rate
//!      └─ 200 ─────────────────────────────────┴─ multipart/…, or no end ──────> stream
//! ```
//! Neither the address's path and query nor its credentials are shown anywhere: they may hold a password. Of another camera
//! that `set_devices.cgi` names, not even the host is: whoever may see its pictures need not know where it is.

mod budget;
mod login;
mod words;

use std::{net::Ipv6Addr, sync::Arc, time::Duration};

use bytes::Bytes;
use lookout_core::{
    access::digest::Login,
    media::{frame::Grabbed, jpeg, multipart::Cutter},
    port::{Lost, Promise, Source, Wanted},
    profile::settings::Device,
};
use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use rustls::ClientConfig;
use tokio::time::Instant;

use self::{budget::Budget, login::Door};
use super::pace::{self, Pace};
use crate::{lookup::Lookup, peer};

const CONNECT: Duration = Duration::from_secs(5);

/// How many bytes are looked through in search of a newer picture.
const MOST_DRAINED: usize = 4 << 20;
/// Whoever waited so long for a picture has the newest; to see whether there is a newer one takes a timer, and so a millisecond.
const WAITED: Duration = Duration::from_millis(5);

/// Connects to `url`, `http(s)://[user:password@]host/…`, and waits for the answer.
///
/// Needs an installed rustls crypto provider. The size is the camera's own; the rate is that of polling.
///
/// # Errors
/// Says in words why there are no pictures; never with credentials.
pub async fn open(url: &str, wanted: Wanted) -> Result<Box<dyn Source>, Lost> {
    let mut url = Url::parse(url).map_err(|error| Lost(format!("the address cannot be read: {error}")))?;
    let door = Door::take(&mut url);
    let peer = words::peer(&url).ok_or_else(|| Lost("the address names no host".into()))?;
    connect(url, door, peer, Leash::Host, wanted).await
}

/// Connects to the stream of another camera; `called` is its name in words.
///
/// # Errors
/// Says in words why there are no pictures; with neither its address nor its credentials.
pub async fn open_device(device: &Device, called: String, wanted: Wanted) -> Result<Box<dyn Source>, Lost> {
    let url = device_url(device).ok_or_else(|| Lost(format!("{called} has an address that cannot be read")))?;
    let login = Login { user: device.user.as_str().to_owned(), password: device.pwd.expose().to_owned() };
    connect(url, Door::new(login), called, Leash::Origin, wanted).await
}

/// Makes the address of another camera's stream, at port 80 if none is given.
fn device_url(device: &Device) -> Option<Url> {
    let host = device.host.as_str();
    let host = if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() };
    let port = match device.port.get() {
        0 => 80,
        port => port,
    };
    // By its type a host holds nothing that could end it; one with a port of its own is refused here.
    Url::parse(&format!("http://{host}:{port}/videostream.cgi")).ok()
}

async fn connect(url: Url, door: Door, called: String, leash: Leash, wanted: Wanted) -> Result<Box<dyn Source>, Lost> {
    let trust = match (url.scheme(), leash) {
        // It stays in clear.
        ("http", Leash::Origin) => peer::nobody(),
        ("http", Leash::Host) => peer::trust_if_any().await,
        _ => peer::trust().await.map_err(|error| Lost(format!("{called} cannot be asked: {error}")))?,
    };
    let client = client(leash, trust).map_err(|error| words::lost(&called, &error))?;
    let (longest, budget) = (leash.longest(), Budget::new(leash.bytes_per_s()));
    let mut asker = Asker { client, url, door, peer: called, longest, budget };
    let answer = asker.ask().await?;
    let body = match kind_of(&answer) {
        Kind::Page => return Err(asker.lost("sent a text, not pictures")),
        Kind::Picture => Body::Poll { first: Some(answer), pace: Pace::wanted(wanted) },
        Kind::Stream => Body::Stream { answer: Box::new(answer), cutter: Cutter::new(longest) },
    };
    Ok(Box::new(Camera { asker, body }))
}

/// How far a camera is trusted.
#[derive(Clone, Copy)]
enum Leash {
    /// The operator named it: redirects may lead to its host, and never from TLS to clear text.
    Host,
    /// A manager named it: redirects may lead to its host and port.
    Origin,
}

impl Leash {
    /// The longest picture that is taken, in bytes.
    fn longest(self) -> usize {
        match self {
            Self::Host => jpeg::LONGEST,
            Self::Origin => 4 << 20,
        }
    }

    /// How many bytes are read a second; any number where there is none.
    fn bytes_per_s(self) -> Option<u32> {
        match self {
            Self::Host => None,
            Self::Origin => Some(16 << 20),
        }
    }

    /// Says whether a redirect may lead from one place to another.
    fn holds(self, from: &Url, to: &Url) -> bool {
        match self {
            Self::Host => from.host() == to.host() && (from.scheme() != "https" || to.scheme() == "https"),
            Self::Origin => from.origin() == to.origin(),
        }
    }
}

fn client(leash: Leash, trust: Arc<ClientConfig>) -> reqwest::Result<Client> {
    let redirects = redirect::Policy::custom(move |attempt| {
        let near = attempt.previous().last().is_some_and(|from| leash.holds(from, attempt.url()));
        if near && attempt.previous().len() <= 5 { attempt.follow() } else { attempt.stop() }
    });
    Client::builder()
        .user_agent(concat!("lookout/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .connect_timeout(CONNECT)
        .dns_resolver(match leash {
            Leash::Host => Arc::new(Lookup::own()),
            Leash::Origin => Arc::new(Lookup::devices()),
        })
        .redirect(redirects)
        .tls_backend_preconfigured(Arc::unwrap_or_clone(trust))
        .pool_max_idle_per_host(1)
        // Cameras' servers are old, and what they get wrong in headers is not what is wanted of them.
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .build()
}

/// Asks the camera, and answers when it asks for a login.
struct Asker {
    client: Client,
    /// Without credentials, and where a redirect led.
    url: Url,
    door: Door,
    /// What it is called: host and port, or words.
    peer: String,
    /// The longest picture that is taken, in bytes.
    longest: usize,
    /// How much it may send.
    budget: Budget,
}

impl Asker {
    /// Sends one request and returns an answer of status 200.
    async fn ask(&mut self) -> Result<Response, Lost> {
        for _ in 0..2 {
            let answer = self.send().await?;
            let status = answer.status();
            if status == StatusCode::UNAUTHORIZED {
                if !self.door.challenged(answer.headers()) {
                    let what = if self.door.has_login() { "refuses the login (401)" } else { "asks for a login (401)" };
                    return Err(self.lost(what));
                }
            } else if status.is_success() {
                return Ok(answer);
            } else if status.is_redirection() {
                return Err(self.lost(&format!("sends us elsewhere ({})", status.as_u16())));
            } else {
                return Err(self.lost(&format!("answered {}", status.as_u16())));
            }
        }
        Err(self.lost("refuses the login (401)"))
    }

    async fn send(&mut self) -> Result<Response, Lost> {
        let mut request = self.client.get(self.url.clone());
        request = request.header(header::ACCEPT, "multipart/x-mixed-replace, image/jpeg, */*;q=0.5");
        if let Some(authorization) = self.door.authorization(&self.url)? {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let answer = request.send().await.map_err(|error| words::lost(&self.peer, &error))?;
        // A challenge is for the place where it was made.
        self.url = answer.url().clone();
        Ok(answer)
    }

    fn lost(&self, what: &str) -> Lost {
        Lost(format!("{} {what}", self.peer))
    }
}

/// A camera that answers.
struct Camera {
    asker: Asker,
    body: Body,
}

enum Body {
    Stream {
        answer: Box<Response>,
        cutter: Cutter,
    },
    Poll {
        /// The answer by which the kind was told.
        first: Option<Response>,
        pace: Pace,
    },
}

impl Camera {
    async fn next(&mut self) -> Result<Grabbed, Lost> {
        let asker = &mut self.asker;
        match &mut self.body {
            Body::Stream { answer, cutter } => stream(asker, answer, cutter).await,
            Body::Poll { first, .. } => {
                let answer = match first.take() {
                    Some(answer) => answer,
                    None => asker.ask().await?,
                };
                if !matches!(kind_of(&answer), Kind::Picture) {
                    return Err(asker.lost("sent something else than a picture"));
                }
                Ok(pace::arrived(whole(asker, answer).await?))
            }
        }
    }
}

impl Source for Camera {
    fn grab(&mut self) -> Promise<'_, Result<Grabbed, Lost>> {
        Box::pin(async {
            if let Body::Poll { pace, .. } = &mut self.body {
                pace.wait().await;
            }
            self.next().await
        })
    }

    fn about(&self) -> String {
        match &self.body {
            Body::Stream { .. } => format!("HTTP camera {}, motion JPEG stream", self.asker.peer),
            Body::Poll { pace, .. } => {
                let fps = pace.interval.as_secs_f32().recip();
                format!("HTTP camera {}, asked for {fps:.1} pictures a second", self.asker.peer)
            }
        }
    }
}

/// Waits for a picture of a stream; takes the newest if several have arrived.
async fn stream(asker: &mut Asker, answer: &mut Response, cutter: &mut Cutter) -> Result<Grabbed, Lost> {
    let (mut newest, mut drained, begin) = (None, 0, Instant::now());
    loop {
        if let Some(picture) = std::iter::from_fn(|| cutter.cut()).last() {
            newest = Some(pace::arrived(picture));
        }
        let arrival = match newest {
            // Only what is there already; nothing is where one had to wait for this one.
            Some(_) if drained < MOST_DRAINED && begin.elapsed() < WAITED => {
                tokio::time::timeout(Duration::ZERO, answer.chunk()).await.ok()
            }
            Some(_) => None,
            None => Some(answer.chunk().await),
        };
        match (arrival, newest.take()) {
            (Some(Ok(Some(bytes))), held) => {
                drained += bytes.len();
                cutter.feed(&bytes);
                asker.budget.spend(bytes.len()).await;
                newest = held;
            }
            // An end shows again at the next call.
            (_, Some(picture)) => return Ok(picture),
            (Some(Err(error)), None) => return Err(words::lost(&asker.peer, &error)),
            (Some(Ok(None)) | None, None) => return Err(asker.lost("ended the stream")),
        }
    }
}

/// Reads a whole picture.
async fn whole(asker: &mut Asker, mut answer: Response) -> Result<Bytes, Lost> {
    let expected = answer.content_length().unwrap_or(0).min(asker.longest as u64);
    let mut picture = Vec::with_capacity(expected as usize);
    while let Some(bytes) = answer.chunk().await.map_err(|error| words::lost(&asker.peer, &error))? {
        if picture.len() + bytes.len() > asker.longest {
            return Err(asker.lost(&format!("sent more than {} MiB for a picture", asker.longest >> 20)));
        }
        picture.extend_from_slice(&bytes);
        asker.budget.spend(bytes.len()).await;
    }
    Ok(picture.into())
}

/// What an answer brings.
enum Kind {
    Stream,
    Picture,
    Page,
}

/// Tells it by the content type; cameras that give none or an odd one are taken by whether there is an end.
fn kind_of(answer: &Response) -> Kind {
    let given = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let given = given.trim().to_ascii_lowercase();
    if given.starts_with("multipart/") {
        Kind::Stream
    } else if given.starts_with("text/") || given.contains("html") || given.contains("json") {
        Kind::Page
    } else if given.starts_with("image/") || answer.content_length().is_some() {
        Kind::Picture
    } else {
        Kind::Stream
    }
}

#[cfg(test)]
mod tests;
