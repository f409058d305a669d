//! What a request can reach: the store, the hub, the doorman.

use std::{net::IpAddr, sync::Arc, time::SystemTime};

use lookout_core::{
    access::{hosts::Hosts, origin::Origin},
    alarm::Cause,
    mdns::spare_host,
    names::Sequence,
    profile::{
        settings::Settings,
        view::{Status, View},
        wire::Mac,
    },
};
use tokio::sync::{Mutex, Notify, RwLock, watch};

use crate::{
    alarm::Alarms,
    clock::camera_time,
    config::Config,
    doorman::Doorman,
    framing::Framing,
    guests::Guests,
    head::Head,
    http::{Caps, Fans},
    hub::Hub,
    journal::Journal,
    metrics::Metrics,
    privacy::Privacy,
    serial::Ports,
    service::{
        address, ddns::Ddns, devices::Devices, input::Input, mailer, mdns, network::Network, output::Output, uploader,
        upnp,
    },
    sockets::Listening,
    store::Store,
    upgrade::Upgrades,
    watchdog::Watchdog,
    web::Web,
};

/// Version of the camera as the profile writes it: our major and minor, then the level of the dialect (PROFILE 6).
pub const SYS_VER: &str = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"), ".2.43");

/// Everything that a request can reach.
pub struct App {
    /// The machine's configuration.
    pub config: Config,
    /// The device id in force since the start.
    pub id: Mac,
    /// The settings.
    pub store: Arc<Store>,
    /// The web UI.
    pub web: Web,
    /// Other versions of the program.
    pub upgrades: Arc<Upgrades>,
    /// What is known of alarms, and who can be told of one.
    pub alarms: Arc<Alarms>,
    /// What the alarm input shows.
    pub input: Arc<Input>,
    /// The output.
    pub output: Arc<Output>,
    /// The head.
    pub head: Arc<Head>,
    /// What a digital head shows of the source's pictures; none with another kind of head.
    pub framing: Option<Arc<Framing>>,
    /// The serial ports.
    pub serial: Arc<Ports>,
    /// Numbers the pictures that leave as files.
    pub pictures: Arc<Sequence>,
    /// Sends test mails.
    pub mail: mailer::Tester,
    /// Tests uploads.
    pub ftp: uploader::Tester,
    /// The public address, as far as anybody has learnt it.
    pub public: address::Seen,
    /// The host's network.
    pub network: Arc<Network>,
    /// Dynamic DNS.
    pub ddns: Ddns,
    /// The mapping on the Internet gateway.
    pub upnp: upnp::Upnp,
    /// The address that the Internet gateway says it has outside, while it is asked.
    pub gateway: watch::Sender<Option<IpAddr>>,
    /// The gate before every road of picture and sound.
    pub privacy: Arc<Privacy>,
    /// The pictures.
    pub hub: Arc<Hub>,
    /// The other cameras' pictures.
    pub devices: Arc<Devices>,
    /// Who came in, who was refused, what happened.
    pub journal: Arc<Journal>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Whether the loops turn.
    pub watchdog: Arc<Watchdog>,
    /// Who watches, and who came of late.
    pub guests: Arc<Guests>,
    /// The push streams that run.
    pub fans: Arc<Fans>,
    /// Bounds on connections.
    pub caps: Arc<Caps>,
    /// Who may come in.
    pub doorman: Doorman,
    /// Origins whose pages may read answers.
    pub origins: Vec<Origin>,
    /// The name by which the network knows the camera.
    pub mdns_name: String,
    /// The end of its announcement in the network.
    pub announced: mdns::Announced,
    /// Where it listens.
    pub listening: watch::Sender<Listening>,
    /// The port of HTTPS, if there is one.
    pub https_port: Option<u16>,
    /// Rung when the time server is to be asked at once.
    pub ask_time: watch::Sender<()>,
    /// Rung when the camera is to start anew.
    pub restart: Notify,
    /// Whether nobody is let in any more, because the camera starts anew.
    pub shut: watch::Sender<bool>,
    /// Read by every request until it is answered; a restart waits a moment to write.
    pub answering: RwLock<()>,
    /// Held by whoever restores a backup: one at a time.
    pub restoring: Mutex<()>,
}

impl App {
    /// Returns the names by which clients may call the camera.
    pub fn hosts(&self, settings: &Settings) -> Hosts {
        // The second where another machine has the first (Q83).
        let [name, spare] = [&self.mdns_name, &spare_host(self.id)].map(|name| format!("{name}.local"));
        let own = [name, spare, settings.ddns.host.as_str().to_owned()];
        Hosts::new(own.iter().chain(&self.config.http.hosts).filter(|name| !name.is_empty()))
    }

    /// Returns how the engines stand.
    fn status(&self) -> Status {
        Status {
            alarm: self.alarms.standing().map_or(0, Cause::number),
            ddns: self.ddns.status(),
            // Oray's update over HTTP says nothing of the kind of an account (Q79).
            oray: 0,
            upnp: self.upnp.status(),
            wifi: self.network.wifi().into(),
        }
    }

    /// Returns what listings show.
    pub fn view<'a>(&self, settings: &'a Settings) -> View<'a> {
        let now = camera_time(settings, SystemTime::now());
        let app_ver = self.web.now().version();
        View { settings, id: self.id, now, sys_ver: SYS_VER, app_ver, status: self.status() }
    }
}
