//! The camera: HTTP, CGIs, services, store, hub, pipeline. [`start`] is the one place of wiring.
#![forbid(unsafe_code)]

pub mod app;
mod backup;
mod cgi;
mod clock;
pub mod config;
mod doorman;
mod http;
mod hub;
pub mod journal;
pub mod log;
mod lookup;
mod metrics;
mod password;
mod pipeline;
mod privacy;
mod service;
pub mod setup;
mod source;
mod store;
pub mod tls;
mod watchdog;
mod web;

use std::{
    net::{IpAddr, SocketAddr},
    os::fd::AsFd as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use lookout_core::{
    access::origin::Origin,
    journal::Event,
    port::{Image, PowerLine, Wanted},
    profile::{
        change::Rules,
        settings::{Flip, LightMode, Settings},
        view::Secrets,
        wire::{Mac, Secret},
    },
};
use lookout_linux::handover::{Named, inherited};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{Mutex, Notify, RwLock, watch},
    task::{JoinHandle, JoinSet},
};

pub use source::Locator;
pub use store::{StateError, Store};

use crate::{
    app::App,
    clock::local_text,
    config::Config,
    doorman::Doorman,
    http::{Caps, Fans},
    hub::Hub,
    journal::Journal,
    metrics::Metrics,
    pipeline::{Demands, Developer},
    privacy::Privacy,
    service::{
        capture::{self, Capture},
        devices::{self, Devices},
        ntp,
    },
    source::LocalTime,
    tls::Tls,
    watchdog::Watchdog,
    web::Web,
};

/// Why the camera does not start, as one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration contradicts itself or the machine.
    #[error("{0}")]
    Config(String),
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The machine refused something else.
    #[error("{0}")]
    Machine(String),
}

/// A camera that runs.
pub struct Running {
    /// Where it speaks HTTP.
    pub http: Vec<SocketAddr>,
    /// Where it speaks HTTPS.
    pub https: Vec<SocketAddr>,
    /// SHA-256 of its certificate.
    pub fingerprint: Option<String>,
    /// Whether the source was chosen by us because none was named.
    pub chosen: bool,
    /// The accounts made at this first start, with the passwords that were not given.
    pub made: Vec<(String, Secret)>,
    /// What is captured.
    pub source: Locator,
    /// The listening sockets once more, for the program that may follow.
    listeners: Vec<Named>,
    accepting: JoinSet<()>,
    capture: JoinHandle<()>,
    app: Arc<App>,
}

/// Passwords given from outside for the first start.
#[derive(Clone, Debug, Default)]
pub struct FirstPasswords {
    /// Of `admin`.
    pub admin: Option<Secret>,
    /// Of `viewer`.
    pub viewer: Option<Secret>,
}

/// Returns the rules of the profile that the machine's operator sets.
pub fn rules(config: &Config) -> Rules {
    let secrets = match config.profile.secrets {
        config::Secrets::Masked => Secrets::Masked,
        config::Secrets::Plain => Secrets::Plain,
    };
    Rules { secrets, password_min: config.users.password_min }
}

/// Starts the camera: store, accounts, hub, capture, listeners.
///
/// # Errors
/// One sentence; nothing runs then.
pub async fn start(config: Config, first: FirstPasswords) -> Result<Running, StartError> {
    // A source may be fetched over HTTP by a camera that serves no HTTPS itself.
    tls::install_provider();
    let chosen = config.source.url.is_none();
    let locator = config.source.url.clone().unwrap_or_else(Locator::first);
    let origin = |text: &String| Origin::parse(text).ok_or_else(|| StartError::Config(format!("{text} is no origin")));
    let origins = config.http.allow_origins.iter().map(origin).collect::<Result<_, _>>()?;
    let state = config.state_dir();
    let opened = Store::open(&state, rules(&config))?;
    let store = Arc::new(opened.store);
    let mut kept = inherited();
    let mut open = |kind, addresses: &[SocketAddr]| -> Result<Vec<_>, _> {
        addresses.iter().map(|address| listen(*address, kind, &mut kept)).collect()
    };
    let (http, https) = (open(HTTP, &config.listen)?, open(HTTPS, &config.tls_listen)?);
    let mdns_name = config.http.mdns_name.clone().unwrap_or_else(setup::host_name);
    let tls = if https.is_empty() { None } else { Some(Arc::new(open_tls(&config, &state, &mdns_name)?)) };

    // Passwords are made last: a start that fails behind them would have shown them to nobody.
    let made = setup::first_start(&store, opened.fresh, &first, config.users.password_min).await?;

    let metrics = Arc::new(Metrics::new());
    let journal = journal(&state, opened.fresh, &store, &metrics);
    let watchdog = Arc::new(Watchdog::from_env());
    let privacy = Privacy::new(store.follow(), Box::new(SystemTime::now), metrics.clone());
    let hub = Hub::new(privacy.clone(), metrics.camera.clone());
    let settings = store.clone();
    let local: LocalTime = Arc::new(move |at| local_text(&settings.get(), at, "%Y-%m-%d %H:%M:%S"));
    let devices = devices::Parts {
        store: store.clone(),
        gate: privacy.clone(),
        flow: metrics.devices.clone(),
        local: local.clone(),
        patience: config.http.stall,
    };
    let id = store.get().id;
    let app = Arc::new(App {
        id,
        store: store.clone(),
        web: Web::open(&state, store.clone(), config.web.packs),
        privacy: privacy.clone(),
        hub,
        devices: Devices::new(devices),
        journal: journal.clone(),
        metrics: metrics.clone(),
        watchdog: watchdog.clone(),
        fans: Fans::new(store, metrics.camera.clone(), config.http.stall),
        caps: Caps::new(config.http.max_connections, config.http.max_per_address, metrics),
        doorman: Doorman::new(id, config.http.digest).map_err(|error| StartError::Machine(error.to_string()))?,
        origins,
        mdns_name,
        https_port: addresses(&https).first().map(SocketAddr::port),
        config,
        ask_time: watch::Sender::new(()),
        restart: Notify::new(),
        shut: watch::Sender::new(false),
        answering: RwLock::default(),
        restoring: Mutex::default(),
    });
    let capture = capture(&app, locator.clone(), &local)?;
    if app.config.clock.ntp {
        tokio::spawn(ntp::run(clock(&app), ntp::Udp { port: app.config.clock.ntp_port }));
    }
    let mut running = Running {
        http: addresses(&http),
        https: addresses(&https),
        fingerprint: tls.as_ref().map(|tls| tls.fingerprint()),
        chosen,
        made,
        source: locator,
        listeners: copies(HTTP, &http).chain(copies(HTTPS, &https)).collect(),
        accepting: JoinSet::new(),
        capture,
        app: app.clone(),
    };
    tokio::spawn(async move { journal.keep().await });
    tokio::spawn(privacy.keep());
    for listener in http {
        running.accepting.spawn(http::serve(listener, None, app.clone()));
    }
    for listener in https {
        running.accepting.spawn(http::serve(listener, tls.clone(), app.clone()));
    }
    if let Some(tls) = tls {
        tokio::spawn(async move {
            tls.keep_current().await;
        });
    }
    watchdog.ready("capturing");
    Ok(running)
}

/// How long a restart waits for requests that are being answered.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

impl Running {
    /// Waits until somebody wants the camera to start anew. May be cancelled.
    pub async fn restart(&self) {
        self.app.restart.notified().await;
    }

    /// Lets go of everything but the listening sockets, which are for the program that follows in this process.
    pub async fn hand_over(mut self) -> Vec<Named> {
        // Whoever connects from now on waits for the next program.
        self.accepting.shutdown().await;
        self.app.shut.send_replace(true);
        self.app.watchdog.restarting();
        // Whoever has asked already is answered, unless that takes long; who has not is cut off.
        let _answered = tokio::time::timeout(LAST_ANSWERS, self.app.answering.write()).await;
        end(self.capture, &self.app).await;
        self.listeners
    }

    /// Tells the service manager that the camera stops, and lets go of the source.
    pub async fn stop(self) {
        self.app.watchdog.stopping();
        end(self.capture, &self.app).await;
    }
}

/// Ends the capture services, as a program that makes pictures must not outlive the camera, and writes the journal.
async fn end(capture: JoinHandle<()>, app: &App) {
    capture.abort();
    let all = async { tokio::join!(capture, app.devices.close(), app.journal.close()) };
    // They end at their next await; neither a driver that hangs nor such a disk must hold up the end.
    let _ = tokio::time::timeout(Duration::from_secs(1), all).await;
}

/// Opens the journal, and notes that the camera starts.
fn journal(state: &Path, fresh: bool, store: &Arc<Store>, metrics: &Arc<Metrics>) -> Arc<Journal> {
    let store = store.clone();
    let stamp = move || local_text(&store.get(), SystemTime::now(), "%a, %Y-%m-%d %H:%M:%S");
    let journal = Journal::open(state, fresh, Box::new(stamp), metrics.clone());
    journal.note(&Event::PowerOn);
    Arc::new(journal)
}

fn clock(app: &App) -> ntp::Parts {
    let (store, journal) = (app.store.clone(), app.journal.clone());
    let note = Box::new(move |event: &Event| journal.note(event));
    ntp::Parts { server: store.watch(ntp::server), store, bell: app.ask_time.subscribe(), note }
}

fn capture(app: &Arc<App>, source: Locator, local: &LocalTime) -> Result<JoinHandle<()>, StartError> {
    let wanted = Wanted { size: app.config.source.size, fps: app.config.source.fps };
    let (name, of_source) = (source.to_string(), local.clone());
    let parts = capture::Parts {
        open: Box::new(move || source.open(wanted, of_source.clone())),
        name,
        size: wanted.size,
        stall: app.config.source.stall,
        rest: Duration::ZERO,
        demands: Demands::Own(app.config.source.verify),
        hub: app.hub.clone(),
        image: app.store.watch(image),
        local: local.clone(),
        flow: app.metrics.camera.clone(),
        watchdog: Some(app.watchdog.clone()),
    };
    let capture = Capture::new(parts);
    let capture = capture.map_err(|error| StartError::Machine(format!("cannot start capturing: {error}")))?;
    Ok(tokio::spawn(capture.run()))
}

/// Returns the part of the settings that a source's controls may apply.
fn image(settings: &Settings) -> Image {
    let image = &settings.image;
    Image {
        // In range by their types.
        brightness: u8::try_from(image.brightness.get()).unwrap_or(128),
        contrast: u8::try_from(image.contrast.get()).unwrap_or(3),
        mode: match image.mode {
            LightMode::Hz50 => PowerLine::Hz50,
            LightMode::Hz60 => PowerLine::Hz60,
            LightMode::Outdoor => PowerLine::Off,
        },
        flip: matches!(image.flip, Flip::Vertical | Flip::Both),
        mirror: matches!(image.flip, Flip::Mirror | Flip::Both),
    }
}

/// Names of listening sockets, as they go over to the next program.
const HTTP: &str = "http";
const HTTPS: &str = "https";

/// Takes the socket that was kept for an address; else listens, with a queue long enough for a crowd that comes at once.
fn listen(address: SocketAddr, kind: &str, kept: &mut Vec<Named>) -> Result<TcpListener, StartError> {
    let fits = |own: SocketAddr| own == address || (address.port() == 0 && own.ip() == address.ip());
    let here = |(name, socket): &Named| name == kind && socket.local_addr().is_ok_and(fits);
    let mut open = || match kept.iter().position(here) {
        Some(at) => {
            let (_, socket) = kept.swap_remove(at);
            socket.set_nonblocking(true)?;
            TcpListener::from_std(socket)
        }
        None => {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(1024)
        }
    };
    open().map_err(|error| StartError::Listen(address, error))
}

/// Copies listening sockets for the program that follows; one that cannot be copied is opened anew there.
fn copies<'a>(kind: &'a str, listeners: &'a [TcpListener]) -> impl Iterator<Item = Named> {
    let copy = |listener: &TcpListener| listener.as_fd().try_clone_to_owned().map(std::net::TcpListener::from);
    listeners.iter().filter_map(move |listener| Some((kind.to_owned(), copy(listener).ok()?)))
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}

fn open_tls(config: &Config, state: &Path, mdns_name: &str) -> Result<Tls, StartError> {
    let addresses: Vec<IpAddr> = setup::addresses();
    let names = tls::Names { host: setup::host_name(), mdns: mdns_name.to_owned(), addresses };
    Tls::open(&config.tls, state, &names, SystemTime::now()).map_err(|error| StartError::Machine(error.to_string()))
}

/// Returns the id of a camera that has none yet: the MAC address of the machine's first network card.
fn own_mac() -> Option<Mac> {
    use lookout_core::profile::wire::Wire as _;
    let cards = std::fs::read_dir("/sys/class/net").ok()?;
    let mut names: Vec<_> = cards.filter_map(|card| Some(card.ok()?.path())).collect();
    names.sort();
    names.iter().find_map(|path| {
        let text = std::fs::read_to_string(path.join("address")).ok()?;
        Mac::parse(&text.trim().replace(':', "")).ok()
    })
}

/// What `lookout check` found at a source.
pub struct Found {
    /// The source in words.
    pub about: String,
    /// Size of its first picture.
    pub size: lookout_core::media::frame::Size,
    /// Bytes of its first picture as a JPEG.
    pub bytes: usize,
    /// How long it took to come.
    pub after: Duration,
    /// What its device offers, a line each.
    pub devices: Vec<String>,
}

/// Opens a source, waits for its first picture and lets go of it.
///
/// # Errors
/// Why there is no picture, in words.
pub async fn probe(locator: &Locator, config: &Config) -> Result<Found, String> {
    let begin = Instant::now();
    tls::install_provider();
    let wanted = Wanted { size: config.source.size, fps: config.source.fps };
    let patience = Duration::from_secs(10) + config.source.stall;
    let local: LocalTime = Arc::new(|_| String::new());
    let grab = async {
        let mut source = locator.open(wanted, local).await?;
        let grabbed = source.grab().await?;
        Ok::<_, lookout_core::port::Lost>((source.about(), grabbed))
    };
    let grabbed = tokio::time::timeout(patience, grab).await.map_err(|_| format!("{locator}: no picture came"))?;
    let (about, grabbed) = grabbed.map_err(|lost| format!("{locator}: {lost}"))?;
    let mut developer =
        Developer::new(Demands::Own(config.source.verify), Arc::default()).map_err(|error| error.to_string())?;
    let frame = developer.develop(grabbed, &Image::NEUTRAL);
    let frame = frame.ok_or_else(|| format!("{locator}: the first picture is broken"))?;
    Ok(Found { about, size: frame.size, bytes: frame.jpeg.len(), after: begin.elapsed(), devices: locator.describe() })
}
