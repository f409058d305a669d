use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Mutex, atomic::AtomicI32},
    time::Duration,
};

use lookout_core::{
    host::{Addressing, Ciphers, Lock},
    port::Lost,
    profile::{
        change::Rules,
        settings::{Encrypt, Settings},
        view::Secrets,
        wire::{Mac, Wire as _},
    },
};
use lookout_testkit::{Obeys, SimHost};
use tempfile::TempDir;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{clock, keeper, look, power, scan, *};
use crate::store::{By, Store};

mod time;
mod ways;

const RULES: Rules = Rules { secrets: Secrets::Masked, password_min: 8 };
const S: fn(u64) -> Duration = Duration::from_secs;
const MS: fn(u64) -> Duration = Duration::from_millis;

/// Somebody else in the network, who comes to this address of the camera.
fn here(text: &str) -> Option<Came> {
    by(text, 80, false)
}

fn by(text: &str, port: u16, secure: bool) -> Option<Came> {
    let here = SocketAddr::new(text.parse().unwrap(), port);
    Some(Came { peer: IpAddr::from([192, 168, 9, 9]), here, secure, accepted: Instant::now().into_std() })
}

/// The service with a host and a disk, and what came of it.
struct Rig {
    state: TempDir,
    store: Arc<Store>,
    network: Arc<Network>,
    host: Arc<SimHost>,
    noted: Arc<Mutex<Vec<Event>>>,
    ports: Arc<Mutex<Vec<u16>>>,
    /// A port that somebody else has.
    taken: Arc<AtomicI32>,
    keeper: JoinHandle<()>,
}

impl Rig {
    fn new() -> Self {
        Self::with(tempfile::tempdir().unwrap(), Arc::default(), Arc::default(), true)
    }

    /// Starts it on a state folder; `managed` as the operator has it.
    fn with(state: TempDir, host: Arc<SimHost>, noted: Arc<Mutex<Vec<Event>>>, managed: bool) -> Self {
        let store = Arc::new(Store::open(state.path(), RULES).unwrap().store);
        let taken = Arc::<AtomicI32>::default();
        let busy = taken.clone();
        let network = Arc::new(Network::new(managed));
        let (ports, journal, sim) = (Arc::<Mutex<Vec<u16>>>::default(), noted.clone(), host.clone());
        let (moved, told) = (ports.clone(), Arc::new(Mutex::new(Instant::now())));
        let telling = told.clone();
        let keeper = tokio::spawn(keeper::run(keeper::Parts {
            store: store.clone(),
            network: network.clone(),
            host: managed.then(|| host.clone() as _),
            move_to: Some(Box::new(move |port| {
                if port == 1 || i32::from(port) == busy.load(Ordering::Relaxed) {
                    return Err(Lost("taken".into()));
                }
                moved.lock().unwrap().push(port);
                // The host is told behind it.
                *telling.lock().unwrap() = Instant::now();
                Ok(())
            })),
            window: S(120),
            state: state.path().to_owned(),
            own: Box::new(move |address| {
                // The old address goes a second after the host has taken the order.
                let going = told.lock().unwrap().elapsed() < S(1) && address == OLD;
                going || address == address_of(&sim).map_or(OLD, IpAddr::from)
            }),
            note: Arc::new(move |event| journal.lock().unwrap().push(event.clone())),
        }));
        Self { state, store, network, host, noted, ports, taken, keeper }
    }

    /// Ends it as a kill does, and starts it anew.
    async fn crash(self) -> Self {
        self.keeper.abort();
        let _ = self.keeper.await;
        let folder = self.state.path().to_owned();
        drop(self.store);
        // A save that goes on in its thread has the folder for a moment.
        for _ in 0..100 {
            if Store::open(&folder, RULES).is_ok() {
                break;
            }
            std::thread::sleep(MS(10));
        }
        Self::with(self.state, self.host, self.noted, self.network.managed())
    }

    async fn set(&self, change: impl Fn(&mut Settings) + Send + 'static) {
        let draft = move |old: &Settings, _: &Rules| {
            let mut new = old.clone();
            change(&mut new);
            Ok(new)
        };
        self.store.change(By::Camera, draft).await.unwrap();
    }

    async fn set_ip(&self, ip: &'static str) {
        self.set(move |new| {
            new.network.ip.take(ip).unwrap();
            new.network.mask.take("255.255.255.0").unwrap();
        })
        .await;
    }

    /// Sets an address, and has a manager confirm it.
    async fn settle_at(&self, ip: &'static str) {
        self.set_ip(ip).await;
        sleep(S(5)).await;
        self.network.seen(here(ip));
        sleep(S(5)).await;
    }

    /// Returns the address of the settings; none is DHCP.
    fn shown(&self) -> Option<Ipv4Addr> {
        self.store.get().network.ip.0
    }

    /// Returns the address that the host was told last; none: its own, or DHCP.
    fn told(&self) -> Option<Ipv4Addr> {
        address_of(&self.host)
    }

    fn noted(&self) -> Vec<String> {
        self.noted.lock().unwrap().drain(..).map(|event| event.to_string()).collect()
    }
}

fn address_of(host: &SimHost) -> Option<Ipv4Addr> {
    match host.last()??.addressing {
        Addressing::Static { ip, .. } => Some(ip),
        Addressing::Dhcp { .. } => None,
    }
}

const OLD: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 1, 2));
const NEW: Option<Ipv4Addr> = Some(Ipv4Addr::new(10, 0, 0, 9));

#[tokio::test(start_paused = true)]
async fn nothing_is_applied_before_a_manager_sets_something() {
    let rig = Rig::new();
    sleep(S(300)).await;
    rig.set(|new| new.alias.take("porch").unwrap()).await;
    sleep(S(300)).await;
    assert!(rig.host.state().applied.iter().all(Option::is_none));
    assert_eq!(rig.noted(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn q74_whoever_loses_the_way_has_it_back_in_the_end_though_he_asks_all_the_time() {
    let rig = Rig::new();
    sleep(S(1)).await;
    rig.set_ip("10.0.0.9").await;
    sleep(MS(900)).await;
    assert_eq!(rig.told(), None, "the answer goes out first");
    // A recorder that asks all the time by the old address, to the last moment and a little beyond.
    for _ in 0..10 {
        rig.network.seen(here("192.168.1.2"));
        sleep(MS(50)).await;
    }
    assert_eq!(rig.told(), NEW);
    sleep(S(110)).await;
    assert_eq!((rig.told(), rig.shown()), (NEW, NEW));
    sleep(S(20)).await;
    assert_eq!((rig.host.last(), rig.shown()), (Some(None), None));
    assert_eq!(rig.noted(), ["network settings taken back"]);
}

#[tokio::test(start_paused = true)]
async fn q74_a_manager_who_comes_by_the_new_way_keeps_it_and_one_from_the_machine_itself_does_not() {
    let mut rig = Rig::new();
    sleep(S(1)).await;
    rig.set_ip("10.0.0.9").await;
    sleep(S(5)).await;
    rig.network.seen(here("127.0.0.1"));
    sleep(S(5)).await;
    assert_eq!(rig.noted(), [""; 0]);
    rig.network.seen(here("10.0.0.9"));
    sleep(S(5)).await;
    assert_eq!(rig.noted(), ["network settings kept"]);
    for _ in 0..2 {
        sleep(S(300)).await;
        assert_eq!((rig.told(), rig.shown()), (NEW, NEW));
        rig = rig.crash().await;
    }
    sleep(S(300)).await;
    assert_eq!((rig.told(), rig.noted().len()), (NEW, 0));
}

#[tokio::test(start_paused = true)]
async fn q74_wherever_it_is_killed_what_nobody_confirmed_comes_back_and_what_somebody_did_stays() {
    let moments = [0, 1, 500, 999, 1000, 1001, 1500, 60_000, 120_999, 121_000, 121_001, 121_500, 130_000];
    for moment in moments {
        let rig = Rig::new();
        sleep(S(1)).await;
        rig.set_ip("10.0.0.9").await;
        sleep(MS(moment)).await;
        let rig = rig.crash().await;
        sleep(S(130)).await;
        assert_eq!((rig.told(), rig.shown()), (None, None), "killed {moment} ms behind the change");
    }
    for moment in [0, 1, 1999, 2000, 2001, 3000, 200_000] {
        let rig = Rig::new();
        sleep(S(1)).await;
        rig.set_ip("10.0.0.9").await;
        sleep(S(5)).await;
        rig.network.seen(here("10.0.0.9"));
        sleep(MS(moment)).await;
        let rig = rig.crash().await;
        sleep(S(130)).await;
        // What was told is on the disk; else the manager must be seen once more.
        let kept = rig.noted().contains(&"network settings kept".to_owned());
        let address = if kept { NEW } else { None };
        assert_eq!((rig.told(), rig.shown()), (address, address), "killed {moment} ms behind the manager");
        assert!(kept || moment < 3000, "{moment}");
    }
}

#[tokio::test(start_paused = true)]
async fn q74_a_host_that_hangs_or_refuses_holds_nobody_up_and_the_settings_show_what_is() {
    for (obeys, said) in [
        (Obeys::Never, vec!["host failed: network not set", "network settings taken back"]),
        (Obeys::Hangs, vec!["host failed: network not set", "network settings taken back"]),
        (Obeys::HangsBehind, vec!["host failed: network not set", "network settings taken back"]),
    ] {
        let rig = Rig::new();
        sleep(S(1)).await;
        rig.host.state().obeys = obeys;
        rig.set_ip("10.0.0.9").await;
        sleep(S(30)).await;
        // Who changes something else is not kept waiting, nor is what is being applied begun anew by it.
        rig.set(|new| new.alias.take("porch").unwrap()).await;
        rig.network.seen(here("10.0.0.9"));
        sleep(S(170)).await;
        rig.host.state().obeys = Obeys::Yes;
        sleep(S(60)).await;
        assert_eq!((rig.told(), rig.shown()), (None, None), "{obeys:?}");
        assert_eq!(rig.noted(), said, "{obeys:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_comes_back_in_time_is_told() {
    let rig = Rig::new();
    rig.host.state().obeys = Obeys::Never;
    sleep(S(1)).await;
    rig.set_ip("10.0.0.9").await;
    sleep(S(60)).await;
    rig.host.state().obeys = Obeys::Yes;
    sleep(S(40)).await;
    assert_eq!(rig.told(), NEW);
    rig.network.seen(here("10.0.0.9"));
    sleep(S(500)).await;
    assert_eq!((rig.told(), rig.shown()), (NEW, NEW));
}

#[tokio::test(start_paused = true)]
async fn what_this_machine_cannot_do_comes_back_at_once_and_is_not_tried() {
    let rig = Rig::new();
    rig.network.able.send_replace(Some(Abilities { wifi: None, pppoe: false }));
    sleep(S(1)).await;
    // A request would be refused; a backup that is restored is not.
    rig.set(|new| {
        new.wifi.enable = true;
        new.wifi.ssid.take("sea").unwrap();
    })
    .await;
    sleep(S(5)).await;
    assert!(!rig.store.get().wifi.enable);
    assert!(rig.host.state().applied.iter().all(Option::is_none));
    assert_eq!(rig.noted(), ["host failed: network not set", "network settings taken back"]);
}

#[tokio::test(start_paused = true)]
async fn q34_the_port_is_confirmed_by_whoever_finds_it_and_comes_back_with_the_rest() {
    for managed in [false, true] {
        let rig = Rig::with(tempfile::tempdir().unwrap(), Arc::default(), Arc::default(), managed);
        let ports = || rig.ports.lock().unwrap().last().copied();
        sleep(S(1)).await;
        rig.set(|new| new.network.port.take("81").unwrap()).await;
        sleep(S(5)).await;
        assert_eq!(ports(), Some(81));
        rig.network.seen(here("127.0.0.1"));
        sleep(S(1)).await;
        assert_eq!(rig.noted(), [""; 0], "he came by the port that was left");
        rig.network.seen(by("127.0.0.1", 81, false));
        sleep(S(1)).await;
        assert_eq!(rig.noted(), ["network settings kept"]);
        rig.set(|new| new.network.port.take("82").unwrap()).await;
        sleep(S(200)).await;
        assert_eq!((ports(), rig.store.get().network.port.get()), (Some(81), 81));
        assert_eq!(rig.noted(), ["network settings taken back"]);
        rig.set(|new| new.network.port.take("1").unwrap()).await;
        sleep(S(2)).await;
        assert_eq!((ports(), rig.store.get().network.port.get()), (Some(81), 81));
        assert_eq!(rig.noted(), ["host failed: port not to be had", "network settings taken back"]);
    }
}

#[tokio::test(start_paused = true)]
async fn q75_an_id_that_was_set_is_the_cards_from_the_next_start_on_and_comes_back_too() {
    let rig = Rig::new();
    sleep(S(1)).await;
    let (own, new) = (rig.store.get().id, Mac([2, 0, 0, 0, 0, 9]));
    rig.set(move |settings| (settings.id, settings.mac_set) = (new, true)).await;
    sleep(S(300)).await;
    assert!(rig.host.state().applied.iter().all(Option::is_none));
    let rig = rig.crash().await;
    sleep(S(60)).await;
    assert_eq!(rig.host.last().flatten().and_then(|wanted| wanted.mac), Some(new));
    sleep(S(100)).await;
    assert_eq!((rig.host.last(), rig.store.get().id, rig.store.get().mac_set), (Some(None), own, false));
}

#[tokio::test(start_paused = true)]
async fn a_factory_reset_is_final() {
    let rig = Rig::new();
    sleep(S(1)).await;
    rig.settle_at("10.0.0.9").await;
    rig.store.reset(By::Camera).await.unwrap();
    remove(rig.state.path()).unwrap();
    let rig = rig.crash().await;
    sleep(S(500)).await;
    assert_eq!((rig.host.last(), rig.shown()), (Some(None), None));
}

#[test]
fn q73_a_request_is_refused_by_what_the_host_can_and_nothing_is_without_a_backend() {
    let mut new = Settings::factory();
    new.wifi.enable = true;
    new.wifi.encrypt = Encrypt::Wep;
    let (none, managed) = (Network::new(false), Network::new(true));
    assert_eq!(none.fits(Group::Wifi, &new), Ok(()));
    assert_eq!(managed.fits(Group::Wifi, &new), Err(Refused::Illegal));
    new.wifi.ssid.take("sea").unwrap();
    new.wifi.keys[0].key.take("0123456789").unwrap();
    assert_eq!(managed.fits(Group::Wifi, &new), Ok(()), "the host has not said yet what it can");
    let card = Ciphers { aes: true, wpa2: true, ..Ciphers::default() };
    managed.able.send_replace(Some(Abilities { wifi: Some(card), pppoe: false }));
    assert_eq!(managed.fits(Group::Wifi, &new), Err(Refused::NotSupported));
    assert_eq!((none.scan(), managed.scan()), (Err(Refused::NotSupported), Ok(())));
    managed.able.send_replace(Some(Abilities::default()));
    assert_eq!(managed.scan(), Err(Refused::NotSupported));
}

fn point(ssid: &str) -> AccessPoint {
    AccessPoint { bssid: [1; 6], ssid: ssid.into(), adhoc: false, lock: Lock::None, strength: 50 }
}

#[tokio::test(start_paused = true)]
async fn q72_one_scan_runs_at_a_time_and_what_was_found_before_is_told_until_it_is_over() {
    let (host, network) = (Arc::new(SimHost::default()), Arc::new(Network::new(true)));
    tokio::spawn(scan::run(host.clone(), network.clone()));
    sleep(MS(1)).await;
    let found = || network.found().contains("'sea'");
    host.state().found = vec![point("sea")];
    network.scan().unwrap();
    assert!(!found());
    sleep(MS(1)).await;
    assert!(found());
    for obeys in [Obeys::Hangs, Obeys::Never] {
        host.state().obeys = obeys;
        let before = host.state().scans;
        for _ in 0..5 {
            network.scan().unwrap();
            sleep(MS(1)).await;
        }
        sleep(S(100)).await;
        assert!(found(), "a scan that fails takes nothing away");
        assert_eq!(host.state().scans - before, if obeys == Obeys::Hangs { 1 } else { 5 });
    }
    host.state().obeys = Obeys::Yes;
    host.state().found = vec![point("other")];
    network.scan().unwrap();
    sleep(MS(1)).await;
    assert!(!found());
}

#[tokio::test(start_paused = true)]
async fn how_the_network_stands_is_followed_and_of_a_host_that_is_lost_nothing_is_known() {
    let (host, network) = (Arc::new(SimHost::default()), Arc::new(Network::new(true)));
    tokio::spawn(look::run(host.clone(), network.clone()));
    let mut follow = network.follow();
    sleep(S(1)).await;
    assert!(network.able.borrow().is_some() && !network.wifi());
    let joined = Standing { wifi: true, addresses: vec![[10, 0, 0, 9].into()], ..Standing::default() };
    follow.mark_unchanged();
    host.stands(joined.clone());
    sleep(S(1)).await;
    assert!(network.wifi() && follow.has_changed().unwrap());
    assert_eq!(*follow.borrow_and_update(), joined);
    // What changed nothing rings for nobody.
    host.stands(joined);
    sleep(S(100)).await;
    assert!(!follow.has_changed().unwrap());
    host.state().obeys = Obeys::Hangs;
    sleep(S(100)).await;
    assert!(!network.wifi() && follow.borrow().addresses.is_empty());
    host.state().obeys = Obeys::Yes;
    sleep(S(100)).await;
    assert!(network.wifi());
}

#[tokio::test(start_paused = true)]
async fn q76_a_machine_that_does_not_restart_has_the_camera_restart() {
    for (obeys, after) in [(Obeys::Yes, 60), (Obeys::Never, 0), (Obeys::Hangs, 10)] {
        let (host, network) = (Arc::new(SimHost::default()), Arc::new(Network::new(true)));
        host.state().obeys = obeys;
        let (instead, said) = (Arc::<Mutex<Vec<()>>>::default(), Arc::<Mutex<Vec<Event>>>::default());
        let (restarted, noted) = (instead.clone(), said.clone());
        let note: Note = Arc::new(move |event: &Event| noted.lock().unwrap().push(event.clone()));
        tokio::spawn(power::run(host.clone(), network.clone(), note, move || restarted.lock().unwrap().push(())));
        sleep(S(100)).await;
        assert_eq!(instead.lock().unwrap().len(), 0, "nobody wants it");
        network.restart();
        sleep(MS(after * 1000)).await;
        sleep(MS(1)).await;
        assert_eq!((instead.lock().unwrap().len(), said.lock().unwrap().len()), (1, 1), "{obeys:?}");
        assert_eq!(host.state().restarts, usize::from(obeys == Obeys::Yes));
    }
}

#[test]
fn an_address_is_the_hosts_own_if_it_has_it_and_others_can_come_to_it() {
    for (address, own) in [
        ("127.0.0.1", false),
        ("::1", false),
        ("::ffff:127.0.0.1", false),
        ("192.0.2.77", false),
        ("2001:db8::77", false),
        ("fe80::1", true),
    ] {
        assert_eq!(manager::own(address.parse().unwrap()), own, "{address}");
    }
    for address in crate::setup::addresses() {
        assert!(manager::own(address), "{address}");
    }
}
