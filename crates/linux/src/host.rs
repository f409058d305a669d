//! The host's network by NetworkManager, its clock by timedated, its power by logind: all over the system's D-Bus.
//!
//! The camera has no right of its own to any of it, starts no program and writes no file of another: it asks, and polkit
//! decides by the rule that the operator installed (`dist/polkit/50-lookout.rules`,
//! [ADR 0032](../../../docs/adr/0032-networkmanager-over-dbus.md)). It touches no connection profile but its own
//! ([`profile`]), so that taking those away brings the operator's back.

mod apply;
mod bus;
mod dial;
mod lock;
mod profile;
mod snapshot;
mod upkeep;
mod watch;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lookout_core::{
    host::{Abilities, AccessPoint, Ciphers, Standing, Wanted},
    port::{Host, Lost, Promise},
};
use tokio::{
    sync::{Mutex, OnceCell},
    time::{Instant, sleep},
};
use zbus::{OwnedVariant, Variant};

use self::{
    apply::Work,
    bus::{Bus, Fault, Method, Service},
    dial::Dial,
    profile::Kind,
    snapshot::{Card, Device, MANAGER, ROOT, Snapshot, State},
    upkeep::Upkeep,
    watch::Watch,
};

const NETWORK_MANAGER: Service = Service { name: MANAGER, called: "NetworkManager" };
const TIMEDATED: Service = Service { name: "org.freedesktop.timedate1", called: "timedated" };
const LOGIND: Service = Service { name: "org.freedesktop.login1", called: "logind" };
const SUPPLICANT: Service = Service { name: "fi.w1.wpa_supplicant1", called: "wpa_supplicant" };

const EVERYTHING: Method = Method::network_manager("org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
const PROPERTY: Method = Method::network_manager("org.freedesktop.DBus.Properties", "Get");
const PERMISSIONS: Method = Method::manager("GetPermissions");
const SCAN: Method = Method::network_manager("org.freedesktop.NetworkManager.Device.Wireless", "RequestScan");
const SET_TIME: Method =
    Method { of: TIMEDATED, interface: "org.freedesktop.timedate1", name: "SetTime", secret: false };
const REBOOT: Method =
    Method { of: LOGIND, interface: "org.freedesktop.login1.Manager", name: "Reboot", secret: false };
const SUPPLICANT_PROPERTY: Method = Method { of: SUPPLICANT, ..PROPERTY };

/// What the camera does, and polkit's names for it.
const NEEDED: [(&str, &str); 3] = [
    ("org.freedesktop.NetworkManager.settings.modify.system", "make network profiles"),
    ("org.freedesktop.NetworkManager.network-control", "use them"),
    ("org.freedesktop.NetworkManager.wifi.scan", "look for wireless networks"),
];

/// How long a scan may take.
const SCAN_PATIENCE: Duration = Duration::from_secs(15);
/// How long a connection that another takes the place of may take to go, what the operator has done before it goes included.
const LEAVING: Duration = Duration::from_secs(20);
/// How often it is asked whether something is over.
const PACE: Duration = Duration::from_millis(300);

/// A host whose network is NetworkManager's.
pub struct NetworkManager {
    inner: Arc<Inner>,
    watch: Mutex<Option<Watch>>,
    /// There as long as something is wanted that must be looked after.
    upkeep: Mutex<Option<Upkeep>>,
}

/// What calls and upkeep share.
struct Inner {
    interface: Option<String>,
    wifi_interface: Option<String>,
    bus: Bus,
    /// One change at a time.
    applying: Mutex<()>,
    /// Whether the supplicant said that it has no WEP. It is asked once: the bus logs every question that it refuses.
    without_wep: OnceCell<bool>,
    dial: Dial,
}

impl Method {
    const fn network_manager(interface: &'static str, name: &'static str) -> Self {
        Self { of: NETWORK_MANAGER, interface, name, secret: false }
    }

    const fn manager(name: &'static str) -> Self {
        Self::network_manager(MANAGER, name)
    }

    const fn settings(name: &'static str) -> Self {
        Self::network_manager("org.freedesktop.NetworkManager.Settings", name)
    }

    const fn profile(name: &'static str) -> Self {
        Self::network_manager("org.freedesktop.NetworkManager.Settings.Connection", name)
    }
}

impl NetworkManager {
    /// Makes one that has nothing of the host yet. `interface` is the cable's, `wifi_interface` the wireless card's; none: the
    /// first that NetworkManager has of the kind.
    pub fn new(interface: Option<String>, wifi_interface: Option<String>) -> Self {
        let (bus, applying, without_wep, dial) = Default::default();
        let inner = Inner { interface, wifi_interface, bus, applying, without_wep, dial };
        Self { inner: Arc::new(inner), watch: Mutex::default(), upkeep: Mutex::default() }
    }

    /// Says what there is, and each thing that the camera would need and may not.
    ///
    /// # Errors
    /// Why there is nothing.
    pub async fn look(&self) -> Result<(String, Vec<String>), Lost> {
        let now = self.inner.snapshot().await?;
        let devices = now.devices();
        let (cable, wireless) = (self.inner.cable(&devices)?, self.inner.wireless(&devices)?);
        let mut about = describe(&now, cable.as_ref(), wireless.as_ref());
        if let Some(card) = &wireless {
            about += &format!(": {}", list(self.inner.ciphers(&now, card).await));
        }
        let unmanaged = [&cable, &wireless].into_iter().flatten().filter(|device| device.state == State::Unmanaged);
        let mut lacks: Vec<_> =
            unmanaged.map(|device| format!("NetworkManager does not manage {}", device.interface)).collect();
        let may: HashMap<String, String> = self.inner.bus.call(PERMISSIONS, ROOT, &()).await?;
        let may = |action: &str| may.get(action).is_some_and(|answer| answer == "yes");
        for (action, what) in NEEDED {
            if !may(action) {
                lacks.push(format!("polkit does not let the camera's user {what} ({action})"));
            }
        }
        Ok((about, lacks))
    }

    /// Orders what is wanted, which then is on its way.
    async fn order(&self, wanted: Option<&Wanted>) -> Result<(), Lost> {
        let _one = self.inner.applying.lock().await;
        let now = self.inner.snapshot().await?;
        let devices = now.devices();
        let (cable, wireless) = (self.inner.cable(&devices)?, self.inner.wireless(&devices)?);
        let work = Work { bus: &self.inner.bus, now: &now, cable: cable.as_ref(), wireless: wireless.as_ref() };
        let mut upkeep = self.upkeep.lock().await;
        let Some(wanted) = wanted else {
            *upkeep = None;
            return work.release().await;
        };
        *upkeep = match upkeep.take() {
            _ if wanted.wifi.is_none() && wanted.pppoe.is_none() => None,
            Some(upkeep) => Some(upkeep),
            None => Some(Upkeep::begin(self.inner.clone())),
        };
        work.apply(wanted).await
    }
}

impl Host for NetworkManager {
    fn about(&self) -> Promise<'_, Result<String, Lost>> {
        Box::pin(async {
            let now = self.inner.snapshot().await?;
            let devices = now.devices();
            Ok(describe(&now, self.inner.cable(&devices)?.as_ref(), self.inner.wireless(&devices)?.as_ref()))
        })
    }

    fn abilities(&self) -> Promise<'_, Result<Abilities, Lost>> {
        Box::pin(async {
            let now = self.inner.snapshot().await?;
            let devices = now.devices();
            let wifi = match self.inner.wireless(&devices)? {
                Some(card) => Some(self.inner.ciphers(&now, &card).await),
                None => None,
            };
            let pppoe = self.inner.cable(&devices)?.is_some() && self.inner.dial.can(now.version()).await;
            Ok(Abilities { wifi, pppoe })
        })
    }

    fn apply<'a>(&'a self, wanted: Option<&'a Wanted>) -> Promise<'a, Result<(), Lost>> {
        Box::pin(async move {
            self.order(wanted).await?;
            // The upkeep goes on meanwhile.
            self.inner.left().await
        })
    }

    fn scan(&self) -> Promise<'_, Result<Vec<AccessPoint>, Lost>> {
        Box::pin(async {
            let now = self.inner.snapshot().await?;
            let card =
                self.inner.wireless(&now.devices())?.ok_or_else(|| Lost("the host has no wireless card".into()))?;
            match card.state {
                State::Idle | State::Busy => {}
                State::Unmanaged => return Err(unmanaged(&card)),
                State::Unavailable => return Err(Lost(format!("{} is switched off, or not ready", card.interface))),
            }
            let options: HashMap<&str, Variant<'_>> = HashMap::new();
            match self.inner.bus.call(SCAN, &card.path, &options).await {
                Ok(()) => {}
                // It scans just now, by itself or for somebody else.
                Err(Fault { name: Some(name), .. }) if name.ends_with(".NotAllowed") => {}
                Err(fault) => return Err(fault.lost),
            }
            self.inner.scanned(&card.path, now.scanned(&card)).await?;
            let now = self.inner.snapshot().await?;
            Ok(now.access_points(&card))
        })
    }

    fn standing(&self) -> Promise<'_, Result<Standing, Lost>> {
        Box::pin(async {
            let now = self.inner.snapshot().await?;
            let actives = now.actives();
            let up =
                |kind: Kind| actives.iter().any(|active| active.up && kind.places().contains(&active.uuid.as_str()));
            Ok(Standing { wifi: up(Kind::Wifi), pppoe: up(Kind::Pppoe), addresses: now.addresses() })
        })
    }

    fn changed(&self) -> Promise<'_, Result<(), Lost>> {
        Box::pin(async {
            let mut watch = self.watch.lock().await;
            let Some(listening) = watch.as_mut() else {
                // What changed until now nobody has heard.
                *watch = Some(Watch::begin().await?);
                return Ok(());
            };
            let changed = listening.changed().await;
            if changed.is_err() {
                *watch = None;
            }
            changed
        })
    }

    fn set_clock(&self, now: SystemTime) -> Promise<'_, Result<(), Lost>> {
        Box::pin(async move {
            let since = now.duration_since(UNIX_EPOCH).map_err(|_| Lost("the time is before 1970".into()))?;
            let micros = i64::try_from(since.as_micros()).map_err(|_| Lost("the time is too late".into()))?;
            // Neither relative to what it is, nor with a question to anybody.
            Ok(self.inner.bus.call(SET_TIME, "/org/freedesktop/timedate1", &(micros, false, false)).await?)
        })
    }

    fn restart(&self) -> Promise<'_, Result<(), Lost>> {
        Box::pin(async { Ok(self.inner.bus.call(REBOOT, "/org/freedesktop/login1", &false).await?) })
    }
}

impl Inner {
    async fn snapshot(&self) -> Result<Snapshot, Lost> {
        Ok(Snapshot(self.bus.call(EVERYTHING, "/org/freedesktop", &()).await?))
    }

    fn cable(&self, devices: &[Device]) -> Result<Option<Device>, Lost> {
        choose(devices, self.interface.as_deref(), Card::Cable)
    }

    fn wireless(&self, devices: &[Device]) -> Result<Option<Device>, Lost> {
        choose(devices, self.wifi_interface.as_deref(), Card::Wireless)
    }

    async fn ciphers(&self, now: &Snapshot, card: &Device) -> Ciphers {
        let ciphers = now.ciphers(card);
        // Whether the supplicant was built with WEP it alone knows, and seldom tells anybody but root.
        let without = self.without_wep.get_or_init(async || {
            let asked = (SUPPLICANT.name, "Capabilities");
            let told = self.bus.call(SUPPLICANT_PROPERTY, "/fi/w1/wpa_supplicant1", &asked).await;
            told.is_ok_and(|told: OwnedVariant| says(&told, "wep_disabled"))
        });
        Ciphers { wep: ciphers.wep && !*without.await, ..ciphers }
    }

    /// Waits until what was there before an order is gone.
    async fn left(&self) -> Result<(), Lost> {
        let end = Instant::now() + LEAVING;
        while Instant::now() < end {
            let now = self.snapshot().await?;
            let devices = now.devices();
            if ![self.cable(&devices)?, self.wireless(&devices)?].iter().flatten().any(|device| now.leaves(device)) {
                return Ok(());
            }
            sleep(PACE).await;
        }
        Err(Lost("the connection before does not go".into()))
    }

    /// Waits until a wireless card has scanned since `last`.
    async fn scanned(&self, card: &str, last: i64) -> Result<(), Lost> {
        let end = Instant::now() + SCAN_PATIENCE;
        while Instant::now() < end {
            sleep(PACE).await;
            let scanned: OwnedVariant = self.bus.call(PROPERTY, card, &(SCAN.interface, "LastScan")).await?;
            if i64::try_from(&*scanned).is_ok_and(|scanned| scanned != last) {
                return Ok(());
            }
        }
        Err(Lost("the wireless card does not scan".into()))
    }
}

/// Chooses a device by its name, or else the first of a kind, one that is managed before others.
fn choose(devices: &[Device], wanted: Option<&str>, card: Card) -> Result<Option<Device>, Lost> {
    let Some(wanted) = wanted else {
        let of_kind = || devices.iter().filter(|device| device.card == card);
        let managed = of_kind().find(|device| device.state != State::Unmanaged);
        return Ok(managed.or_else(|| of_kind().next()).cloned());
    };
    let named = devices.iter().find(|device| device.interface == wanted);
    named.cloned().map(Some).ok_or_else(|| Lost(format!("there is no network interface {wanted}")))
}

fn describe(now: &Snapshot, cable: Option<&Device>, wireless: Option<&Device>) -> String {
    let mut about = format!("NetworkManager {}", now.version());
    if let Some(cable) = cable {
        about += &format!(", cable {}", cable.interface);
    }
    if let Some(card) = wireless {
        about += &format!(", wireless {}", card.interface);
    }
    about
}

fn list(ciphers: Ciphers) -> String {
    let Ciphers { wep, tkip, aes, wpa, wpa2 } = ciphers;
    let names = [(wep, "WEP"), (wpa, "WPA"), (wpa2, "WPA2"), (tkip, "TKIP"), (aes, "AES")];
    let names: Vec<_> = names.into_iter().filter_map(|(can, name)| can.then_some(name)).collect();
    names.join(", ")
}

fn unmanaged(device: &Device) -> Lost {
    Lost(format!("NetworkManager does not manage {}", device.interface))
}

/// Says whether a word is in a list that came over the bus.
fn says(list: &Variant<'_>, word: &str) -> bool {
    let Variant::Array(list) = list else { return false };
    list.inner().contains(&Variant::from(word))
}

#[cfg(test)]
mod lab;
