//! The gateway over the network: searching for it, and asking it.
//!
//! Whoever answers the search is looked at at the same time as all others, so that one that hangs keeps nobody from being
//! found; the router of this machine's way to the Internet is believed first (Q82). Redirects are not followed.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    time::Duration,
};

use lookout_core::upnp::{
    LONGEST, Place, Trouble, default_router,
    device::{self, Service},
    search,
    soap::{Answer, Ask, Failure},
};
use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::UdpSocket,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use super::World;
use crate::setup;

/// How long answers to a search are waited for: twice as long as a gateway may wait, as they may be lost.
const LISTEN: Duration = Duration::from_secs(2 * search::DELAY_S + 1);
/// When the search is sent again, as packets may be lost.
const AGAIN: Duration = Duration::from_millis(700);
/// How long one request may take, and its connection.
const REQUEST: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(3);
/// How long one who has answered is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// How many who answer are looked at, and how many answers of one of them. The router has a place of its own.
const MOST: usize = 8;
const MOST_OF_ONE: usize = 2;
/// How many hops a search goes.
const HOPS: u32 = 2;

/// The network, as the service sees it.
pub struct Lan {
    /// Where gateways listen: [`search::GROUP`].
    pub group: SocketAddrV4,
}

/// Who was looked at.
struct Seen {
    service: Service,
    /// Whether it has an address outside.
    connected: bool,
}

impl World for Lan {
    fn own(&self) -> Option<Ipv4Addr> {
        setup::addresses().into_iter().find_map(|address| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
    }

    fn router(&self) -> Option<Ipv4Addr> {
        // The kernel's own table, in memory.
        std::fs::read_to_string("/proc/self/net/route").ok().and_then(|routes| default_router(&routes))
    }

    async fn search(&self, from: Ipv4Addr) -> Result<Service, Trouble> {
        self.find(from, self.router()).await
    }

    async fn ask(&self, from: Ipv4Addr, gateway: &Service, ask: Ask<'_>) -> Result<Answer, Failure> {
        let client = client(from).map_err(|_| Failure::Silence)?;
        asked(&client, gateway, ask).await
    }
}

impl Lan {
    async fn find(&self, from: Ipv4Addr, router: Option<Ipv4Addr>) -> Result<Service, Trouble> {
        let socket = socket(from).map_err(|error| {
            tracing::debug!("no gateway can be searched for from {from}: {error}");
            Trouble::Socket
        })?;
        let client = client(from).map_err(|_| Trouble::Socket)?;
        let (mut next, end) = (Instant::now(), Instant::now() + LISTEN);
        let (mut places, mut looks) = (Vec::<Place>::new(), JoinSet::new());
        let (mut seen, mut trouble) = (Vec::<Seen>::new(), Trouble::NoGateway);
        let mut packet = [0; 2048];
        let is_router = |seen: &Seen| Some(*seen.service.place.at.ip()) == router;
        loop {
            let listening = Instant::now() < end;
            tokio::select! {
                () = sleep_until(next.min(end)), if listening => {
                    call(&socket, self.group).await;
                    next += AGAIN;
                }
                received = socket.recv_from(&mut packet), if listening => {
                    let Ok((length, SocketAddr::V4(sender))) = received else { continue };
                    match search::read(&packet[..length], *sender.ip()) {
                        Ok(Some(place)) if is_new(&places, &place, router) => {
                            places.push(place.clone());
                            let client = client.clone();
                            looks.spawn(async move {
                                timeout(LOOK, look(&client, &place)).await.unwrap_or(Err(Trouble::Unreached))
                            });
                        }
                        Ok(_) => {}
                        Err(wrong) => trouble = wrong,
                    }
                }
                Some(looked) = looks.join_next() => match looked {
                    Ok(Ok(one)) if is_router(&one) && one.connected => return Ok(one.service),
                    Ok(Ok(one)) => seen.push(one),
                    Ok(Err(wrong)) => trouble = wrong,
                    Err(_) => {}
                },
                else => break,
            }
        }
        // The last of several that are as good is the greatest: so they are looked at from behind.
        let best = seen.into_iter().rev().max_by_key(|seen| (is_router(seen), seen.connected));
        best.map(|seen| seen.service).ok_or(trouble)
    }
}

/// Says whether one more is to be looked at.
fn is_new(places: &[Place], place: &Place, router: Option<Ipv4Addr>) -> bool {
    let of_it = places.iter().filter(|known| known.at.ip() == place.at.ip()).count();
    let room = places.len() < MOST || Some(*place.at.ip()) == router;
    room && of_it < MOST_OF_ONE && !places.contains(place)
}

/// Opens a socket that sends to the network of an address.
fn socket(from: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_multicast_if_v4(&from)?;
    socket.set_multicast_ttl_v4(HOPS)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    UdpSocket::from_std(socket.into())
}

/// Calls for gateways; what cannot be sent is as if it were lost.
async fn call(socket: &UdpSocket, group: SocketAddrV4) {
    for target in search::TARGETS {
        if let Err(error) = socket.send_to(search::request(target).as_bytes(), group).await {
            tracing::debug!("no gateway can be called: {error}");
        }
    }
}

fn client(from: Ipv4Addr) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("Linux/1 UPnP/1.1 lookout/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(redirect::Policy::none())
        // Over plain HTTP nobody's certificate is looked at; reading those that the machine trusts would take long.
        .tls_certs_only([])
        // Gateways map ports for who asks, some of them for nobody else. A mapping of an address of before is removed from another.
        .local_address(Some(IpAddr::from(from)).filter(|from| setup::is_own(*from)))
        .connect_timeout(CONNECT)
        .timeout(REQUEST)
        .pool_max_idle_per_host(0)
        .http1_title_case_headers()
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .build()
}

/// Looks at one who has answered: whether it describes a service that maps ports, and which of them is connected.
async fn look(client: &Client, place: &Place) -> Result<Seen, Trouble> {
    let described = fetch(client.get(place.to_string())).await;
    let (status, text) = described.map_err(|failure| match failure {
        Failure::Nonsense | Failure::Refused(_) => Trouble::Nonsense("has a description that cannot be read"),
        Failure::Silence => Trouble::Unreached,
    })?;
    if status != StatusCode::OK {
        return Err(Trouble::Nonsense("has no description"));
    }
    let mut services = device::read(&text, place)?.into_iter();
    // There is at least one. One that has no address may be the other of two ways, of which one is in use.
    let mut first = None;
    for service in services.by_ref() {
        match asked(client, &service, Ask::Outside).await {
            Ok(answer) if answer.outside().is_some() => return Ok(Seen { service, connected: true }),
            Ok(_) | Err(Failure::Refused(_)) => {
                first.get_or_insert(Ok(Seen { service, connected: false }));
            }
            Err(failure) => {
                first.get_or_insert(Err(failure.into()));
            }
        }
    }
    first.unwrap_or(Err(Trouble::Unreached))
}

async fn asked(client: &Client, gateway: &Service, ask: Ask<'_>) -> Result<Answer, Failure> {
    let request = client
        .post(gateway.place.to_string())
        .header("SOAPAction", format!("\"{}#{}\"", gateway.kind.name(), ask.action()))
        .header("Content-Type", "text/xml; charset=\"utf-8\"")
        .header("Connection", "close")
        .body(ask.body(gateway.kind));
    match fetch(request).await? {
        // Refusals come with the latter.
        (StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR, text) => Answer::read(&text, ask.action()),
        _ => Err(Failure::Nonsense),
    }
}

/// Sends a request; returns the answer's status and text.
async fn fetch(request: RequestBuilder) -> Result<(StatusCode, String), Failure> {
    let failed = |error: reqwest::Error| {
        tracing::debug!("a gateway: {error:?}");
        if error.is_connect() || error.is_timeout() { Failure::Silence } else { Failure::Nonsense }
    };
    let mut answer = request.send().await.map_err(failed)?;
    let (status, mut body) = (answer.status(), Vec::new());
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        if body.len() + piece.len() > LONGEST {
            return Err(Failure::Nonsense);
        }
        body.extend_from_slice(&piece);
    }
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

#[cfg(test)]
mod tests;
