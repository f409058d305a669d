//! The camera: HTTP, CGIs, services, store, hub, pipeline. [`start`] is the one place of wiring.
#![forbid(unsafe_code)]

mod accounts;
mod alarm;
mod album;
pub mod app;
mod backup;
mod capture;
mod cgi;
mod chain;
pub mod cli;
mod clock;
pub mod config;
mod doorman;
mod driven;
mod duty;
mod fetch;
mod files;
mod framing;
mod guests;
mod head;
mod http;
mod hub;
pub mod journal;
pub mod log;
mod lookup;
mod metrics;
mod network;
mod now;
mod password;
mod pauses;
mod peer;
mod pipeline;
mod privacy;
mod probe;
mod queue;
mod running;
mod sandbox;
mod serial;
mod service;
pub mod setup;
mod sockets;
mod sound;
mod source;
mod store;
pub mod tls;
mod turning;
pub mod upgrade;
mod watchdog;
mod web;

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use lookout_core::{
    access::origin::Origin,
    host::door,
    journal::Event,
    mdns::spare_host,
    names::Sequence,
    port::{Image, PowerLine, Wanted},
    profile::{
        change::Rules,
        settings::{Flip, LightMode, Settings},
        view::Secrets,
        wire::{Mac, Secret},
    },
};
use tokio::{
    sync::{Mutex, Notify, RwLock, watch},
    task::JoinSet,
};

pub use alarm::Link;
pub use metrics::AlarmCounters;
pub use probe::{Found, Sounded, probe};
pub use queue::{Item, Limits, Queue};
pub use running::Running;
pub use source::{Locator, SoundLocator};
pub use store::{By, StateError, Store};

use crate::{
    alarm::Alarms,
    app::App,
    capture::Capture,
    clock::local_text,
    config::Config,
    doorman::Doorman,
    framing::Framing,
    head::Head,
    http::{Caps, Fans},
    hub::Hub,
    journal::Journal,
    metrics::Metrics,
    pipeline::Demands,
    privacy::Privacy,
    serial::Ports,
    service::{
        address,
        ddns::{self, Ddns},
        devices::{self, Devices},
        input, mailer, mdns,
        network::Network,
        ntp, output, uploader, upnp,
    },
    sockets::{Listening, Sockets},
    sound::{Given, Input, SoundService},
    source::LocalTime,
    store::Opened,
    tls::Tls,
    upgrade::{Started, Upgrades},
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

/// Removes from a state folder, beside its settings, what is the old owner's: pictures that wait for their servers, those of
/// presets, the network that was confirmed, the public addresses that were seen.
///
/// # Errors
/// The disk refuses.
pub fn forget_owner(state: &Path) -> Result<(), StartError> {
    let parts = [
        ("the queues cannot be removed", queue::remove(state)),
        ("the network that was confirmed cannot be forgotten", service::network::remove(state)),
        ("pictures of presets cannot be removed", head::remove_pictures(state)),
        ("the settings of before an upgrade cannot be forgotten", upgrade::forget_owner(state)),
        ("the old addresses cannot be forgotten", address::forget(state).and_then(|()| ddns::forget(state))),
    ];
    let refused = parts.into_iter().find_map(|(what, removed)| Some(format!("{what}: {}", removed.err()?)));
    refused.map_or(Ok(()), |refused| Err(StartError::Machine(refused)))
}

/// Starts the camera: store, accounts, hub, capture, listeners.
///
/// # Errors
/// One sentence; nothing runs then.
pub async fn start(config: Config, first: FirstPasswords, version: Started) -> Result<Running, StartError> {
    // A source may be fetched over HTTP by a camera that serves no HTTPS itself.
    tls::install_provider();
    let chosen = config.source.url.is_none();
    let source = config.source.url.clone().unwrap_or_else(Locator::first);
    let state = config.state_dir();
    let opened = Store::open(&state, rules(&config))?;
    opened.store.say(&version.version.to_string()).await;
    let configured = sockets::configured(&config);
    let port = door::choose(configured, &opened.store.get().network);
    let sockets = Sockets::open(&config, port)?;
    let mdns_name = config.http.mdns_name.clone().unwrap_or_else(setup::host_name);
    let id = setup::id(&opened.store.get())?;
    let tls = if sockets.https.is_empty() { None } else { Some(Arc::new(open_tls(&config, &state, &mdns_name, id)?)) };

    if opened.fresh {
        // Before there are accounts again: nobody of the new ones gets the pictures of the old owner's house.
        forget_owner(&state)?;
    }
    // Passwords are made last: a start that fails behind them would have shown them to nobody.
    let least = config.users.password_min;
    let made = setup::first_start(&opened.store, opened.fresh, id, &first, least).await?;

    network::settle(&opened.store, configured, &sockets.listening()).await;
    let upgrades = Upgrades::open(&state, version, config.upgrade.keys.clone(), config.upgrade.downgrade);
    let app = app(config, &state, opened, mdns_name, sockets.listening(), Arc::new(upgrades))?;
    let local = local(&app.store);
    let mut holding = JoinSet::new();
    let own = hearing(&app).map(|(hearing, own)| {
        holding.spawn(hearing.run());
        own
    });
    holding.spawn(capture(&app, source.clone(), &local, own.flatten())?.run());
    if app.config.clock.ntp {
        tokio::spawn(ntp::run(clock(&app), ntp::Udp { port: app.config.clock.ntp_port }));
    }
    let journal = app.journal.clone();
    tokio::spawn(async move { journal.keep().await });
    tokio::spawn(app.privacy.clone().keep());
    let fingerprint = tls.as_ref().map(|tls| tls.fingerprint());
    if let Some(tls) = tls.clone() {
        tokio::spawn(async move {
            tls.keep_current().await;
        });
    }
    let Listening { http, https } = sockets.listening();
    let doors = sockets.serve(tls.as_ref(), &app);
    let preset = turning::head(&app, &source)?;
    chain::start(&app, &state, preset, &mut holding)?;
    let keeper = network::start(&app, &state, &doors, &mut holding)?;
    app.watchdog.ready("capturing");
    tokio::spawn(app.upgrades.clone().prove(app.watchdog.clone(), app.journal.clone()));
    Ok(Running { http, https, fingerprint, chosen, made, source, doors, holding, keeper, app })
}

/// Makes everything that a request can reach.
fn app(
    config: Config,
    state: &Path,
    opened: Opened,
    mdns_name: String,
    listening: Listening,
    upgrades: Arc<Upgrades>,
) -> Result<Arc<App>, StartError> {
    let origin = |text: &String| Origin::parse(text).ok_or_else(|| StartError::Config(format!("{text} is no origin")));
    let origins = config.http.allow_origins.iter().map(origin).collect::<Result<_, _>>()?;
    let store = Arc::new(opened.store);
    let id = store.get().id;
    let metrics = Arc::new(Metrics::new());
    let alarms = Alarms::new(metrics.alarms.clone());
    let privacy = Privacy::new(store.follow(), Box::new(SystemTime::now), metrics.clone());
    let devices = devices::Parts {
        store: store.clone(),
        gate: privacy.clone(),
        flow: metrics.devices.clone(),
        local: local(&store),
        patience: config.http.stall,
    };
    let hub = Hub::new(privacy.clone(), metrics.camera.clone(), metrics.sound.clone());
    let pictures = Arc::<Sequence>::default();
    let head = Head::new(config.ptz.head, state, &store.get(), metrics.head.clone());
    let framing = Framing::new(&config, store.follow(), Instant::now());
    Ok(Arc::new(App {
        id,
        mail: mailer::Tester {
            settings: store.follow(),
            id,
            hub: hub.clone(),
            sequence: pictures.clone(),
            going: Mutex::default(),
        },
        ftp: uploader::Tester { settings: store.follow(), id, going: Mutex::default() },
        public: watch::Sender::default(),
        network: Arc::new(Network::new(config.host.backend == config::Backend::NetworkManager)),
        ddns: Ddns::new(),
        upnp: upnp::Upnp::new(),
        gateway: watch::Sender::default(),
        store: store.clone(),
        web: Web::open(state, store.clone(), config.web.packs),
        upgrades,
        input: Arc::new(input::Input::new(store.follow(), alarms.clone(), metrics.pins.clone())),
        output: output::Output::new(config.gpio.output.is_some()),
        head,
        framing: framing.map(Arc::new),
        serial: Arc::new(Ports::new(&config.serial.ports, config.serial.rs485, metrics.serial.clone())),
        hub,
        alarms,
        pictures,
        privacy,
        devices: Devices::new(devices),
        journal: journal(state, opened.fresh, &store, &metrics),
        guests: Arc::default(),
        fans: Fans::new(store, metrics.camera.clone(), config.http.stall),
        caps: Caps::new(config.http.max_connections, config.http.max_per_address, metrics.clone()),
        metrics,
        watchdog: Arc::new(Watchdog::from_env()),
        doorman: Doorman::new(id, config.http.digest).map_err(|error| StartError::Machine(error.to_string()))?,
        origins,
        mdns_name,
        announced: mdns::Announced::new(),
        https_port: listening.https.first().map(SocketAddr::port),
        listening: watch::Sender::new(listening),
        config,
        ask_time: watch::Sender::new(()),
        restart: Notify::new(),
        shut: watch::Sender::new(false),
        answering: RwLock::default(),
        restoring: Mutex::default(),
    }))
}

/// Writes local times for people.
fn local(store: &Arc<Store>) -> LocalTime {
    let store = store.clone();
    Arc::new(move |at| local_text(&store.get(), at, "%Y-%m-%d %H:%M:%S"))
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

fn capture(
    app: &Arc<App>,
    source: Locator,
    local: &LocalTime,
    sound: Option<capture::Give>,
) -> Result<Capture, StartError> {
    let wanted = Wanted { size: app.config.source.size, fps: app.config.source.fps };
    let (name, of_source) = (source.to_string(), local.clone());
    let parts = capture::Parts {
        open: Box::new(move || source.open(wanted, of_source.clone())),
        sound,
        name,
        size: app.config.view(),
        stall: app.config.source.stall,
        rest: Duration::ZERO,
        demands: Demands::Own(app.config.source.verify),
        framing: app.framing.clone(),
        hub: app.hub.clone(),
        image: app.store.watch(image),
        local: local.clone(),
        flow: app.metrics.camera.clone(),
        watchdog: Some(app.watchdog.clone()),
    };
    Capture::new(parts).map_err(|error| StartError::Machine(format!("cannot start capturing: {error}")))
}

/// Makes the sound service, if there is to be sound, and the way by which it gets that of the source.
fn hearing(app: &App) -> Option<(SoundService, Option<capture::Give>)> {
    let config::Sound { microphone, rate, channels } = app.config.sound.clone();
    let name = format!("microphone {microphone}");
    let (input, own) = match &microphone {
        SoundLocator::None => return None,
        SoundLocator::Own => {
            let given = Arc::new(Given::default());
            let way = given.clone();
            let give: capture::Give = Box::new(move |microphone| way.give(microphone));
            (Input::Source(given), Some(give))
        }
        SoundLocator::Alsa(_) | SoundLocator::Exec(_) => {
            (Input::Device(Box::new(move || microphone.open(rate, channels))), None)
        }
    };
    let parts = sound::Parts { input, name, hub: app.hub.clone(), counters: app.metrics.sound.clone() };
    Some((SoundService::new(parts), own))
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

fn open_tls(config: &Config, state: &Path, mdns_name: &str, id: Mac) -> Result<Tls, StartError> {
    let addresses: Vec<IpAddr> = setup::addresses();
    let names = tls::Names { host: setup::host_name(), mdns: [mdns_name.to_owned(), spare_host(id)], addresses };
    Tls::open(&config.tls, state, &names, SystemTime::now()).map_err(|error| StartError::Machine(error.to_string()))
}
