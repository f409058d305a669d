use std::sync::{Mutex, PoisonError};

use lookout_core::{
    journal::Peer,
    profile::{change::Rules, view::Secrets},
    upnp::{Place, device, search},
};
use tempfile::TempDir;
use tokio::{
    task::JoinHandle,
    time::{Instant, advance, sleep},
};

use super::*;
use crate::store::{By, Store};

const OWN: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 5);
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
/// Another machine that says that it is a gateway.
const LIAR: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 66);
const NAME: &str = "Lookout 1";

/// What a gateway does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Map,
    Refuse(u16),
    Hang,
    Gone,
    Garbage,
    /// Leases without end only.
    Permanent,
}

/// An entry of its list: whom it leads to, where, what it is called, when it ends.
type Listed = (Ipv4Addr, u16, String, Option<Instant>);

struct Inner {
    does: Does,
    own: Option<Ipv4Addr>,
    /// Who is found, and what the other one has mapped.
    found: Ipv4Addr,
    router: Ipv4Addr,
    liars: Option<Listed>,
    entry: Option<Listed>,
    searches: u32,
    asked: Vec<&'static str>,
    noted: Vec<&'static str>,
    /// Whether names are shortened.
    short: bool,
}

/// A network with one gateway, or two, in memory.
#[derive(Clone)]
struct Net(Arc<Mutex<Inner>>);

impl Net {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whom the port leads to now.
    fn leads(&self) -> Option<(Ipv4Addr, u16)> {
        let now = Instant::now();
        let mut inner = self.lock();
        inner.entry = inner.entry.take().filter(|(.., end)| end.is_none_or(|end| now < end));
        inner.entry.as_ref().map(|(client, port, ..)| (*client, *port))
    }

    /// The liar maps what it is asked for, until somebody removes it.
    fn lies(&self, ask: Ask<'_>) -> Result<Answer, Failure> {
        let (action, mut inner) = (ask.action(), self.lock());
        match ask {
            Ask::Outside => return said(action, "<NewExternalIPAddress>6.6.6.6</NewExternalIPAddress>"),
            Ask::Entry { .. } => return Err(Failure::Refused(401)),
            Ask::Add { port, client, name, .. } => inner.liars = Some((client, port, name.to_owned(), None)),
            Ask::Remove { .. } => inner.liars = None,
        }
        said(action, "")
    }

    fn answer(&self, ask: Ask<'_>) -> Result<String, u16> {
        let leads = self.leads();
        let mut inner = self.lock();
        match ask {
            Ask::Outside => Ok("<NewExternalIPAddress>11.0.0.2</NewExternalIPAddress>".to_owned()),
            Ask::Entry { port: asked } => match &inner.entry {
                Some((client, port, name, _)) if *port == asked => Ok(format!(
                    "<NewInternalPort>{port}</NewInternalPort><NewInternalClient>{client}</NewInternalClient><NewEnabled>1\
                     </NewEnabled><NewPortMappingDescription>{name}</NewPortMappingDescription>"
                )),
                Some(_) | None => Err(714),
            },
            Ask::Add { lease_s, .. } if inner.does == Does::Permanent && lease_s != 0 => Err(725),
            Ask::Add { client, .. } if leads.is_some_and(|(other, _)| other != client) => Err(718),
            Ask::Add { port, client, lease_s, name } => {
                let name = if inner.short { name[..4].to_owned() } else { name.to_owned() };
                let end = (lease_s != 0).then(|| Instant::now() + Duration::from_secs(lease_s.into()));
                inner.entry = Some((client, port, name, end));
                Ok(String::new())
            }
            Ask::Remove { port } => inner.entry.take_if(|(_, own, ..)| *own == port).map(|_| String::new()).ok_or(714),
        }
    }
}

impl World for Net {
    fn own(&self) -> Option<Ipv4Addr> {
        self.lock().own
    }

    fn router(&self) -> Option<Ipv4Addr> {
        Some(self.lock().router)
    }

    async fn search(&self, _: Ipv4Addr) -> Result<Service, Trouble> {
        self.lock().searches += 1;
        if self.lock().does == Does::Gone {
            sleep(Duration::from_secs(3)).await;
            return Err(Trouble::NoGateway);
        }
        Ok(service(self.lock().found))
    }

    async fn ask(&self, _: Ipv4Addr, gateway: &Service, ask: Ask<'_>) -> Result<Answer, Failure> {
        let at = *gateway.place.at.ip();
        assert_eq!(gateway, &service(at));
        if at == LIAR {
            return self.lies(ask);
        }
        self.lock().asked.push(ask.action());
        let does = self.lock().does;
        match does {
            Does::Map | Does::Permanent => {
                let answer = self.answer(ask).map_err(Failure::Refused)?;
                said(ask.action(), &answer)
            }
            Does::Refuse(code) => Err(Failure::Refused(code)),
            Does::Garbage => Err(Failure::Nonsense),
            Does::Gone => Err(Failure::Silence),
            Does::Hang => {
                sleep(Duration::from_secs(5)).await;
                Err(Failure::Silence)
            }
        }
    }
}

fn said(action: &str, answer: &str) -> Result<Answer, Failure> {
    Answer::read(&format!("<E><B><{action}Response>{answer}</{action}Response></B></E>"), action)
}

/// Returns the service of a gateway.
fn service(at: Ipv4Addr) -> Service {
    let target = search::TARGETS[0];
    let packet = format!("HTTP/1.1 200 OK\r\nST: {target}\r\nLOCATION: http://{at}/d.xml\r\n\r\n");
    let place: Place = search::read(packet.as_bytes(), at).unwrap().unwrap();
    let kind = device::Kind::Ip.name();
    let text = format!("<r><service><serviceType>{kind}</serviceType><controlURL>/c</controlURL></service></r>");
    device::read(&text, &place).unwrap().remove(0)
}

/// The service, running.
struct Rig {
    net: Net,
    store: Arc<Store>,
    upnp: Arc<Upnp>,
    listening: watch::Sender<Listening>,
    network: watch::Sender<host::Standing>,
    outside: watch::Sender<Option<IpAddr>>,
    counters: Arc<UpnpCounters>,
    service: JoinHandle<()>,
    _folder: TempDir,
}

impl Rig {
    fn start(does: Does) -> Self {
        Self::with(does, &["0.0.0.0:8443"], &["0.0.0.0:8080"], false)
    }

    fn with(does: Does, https: &[&str], http: &[&str], expose_plain: bool) -> Self {
        let (own, asked, noted) = (Some(OWN), Vec::new(), Vec::new());
        let (found, router, liars) = (ROUTER, ROUTER, None);
        let inner = Inner { does, own, found, router, liars, entry: None, searches: 0, asked, noted, short: false };
        let net = Net(Arc::new(Mutex::new(inner)));
        let folder = tempfile::tempdir().unwrap();
        let rules = Rules { secrets: Secrets::Masked, password_min: 8 };
        let store = Arc::new(Store::open(folder.path(), rules).unwrap().store);
        let all = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let listening = watch::Sender::new(Listening { http: all(http), https: all(https) });
        let upnp = Arc::new(Upnp::new());
        let (standing, ends) = upnp.ways();
        let (network, outside, counters) = (watch::Sender::default(), watch::Sender::default(), Arc::default());
        let notes = net.clone();
        let parts = Parts {
            on: store.watch(|settings| settings.upnp),
            listening: listening.subscribe(),
            expose_plain,
            network: network.subscribe(),
            name: NAME.to_owned(),
            standing,
            ends,
            outside: outside.clone(),
            note: Box::new(move |event| {
                let Event::Failed(Peer::Upnp, words) = event else { panic!("{event}") };
                notes.lock().noted.push(words);
            }),
            counters: Arc::clone(&counters),
        };
        let service = tokio::spawn(run(parts, net.clone()));
        Self { net, store, upnp, listening, network, outside, counters, service, _folder: folder }
    }

    async fn switch(&self, on: bool) {
        let draft = move |old: &lookout_core::profile::settings::Settings, _: &Rules| {
            let mut new = old.clone();
            new.upnp = on;
            Ok(new)
        };
        self.store.change(By::Camera, draft).await.unwrap();
        self.settle().await;
    }

    /// Lets the service do what is due now.
    async fn settle(&self) {
        sleep(Duration::from_millis(10)).await;
    }

    async fn on(does: Does) -> Self {
        let rig = Self::start(does);
        rig.switch(true).await;
        rig
    }

    /// Lets so many seconds pass, in small steps.
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            advance(Duration::from_secs(1)).await;
            self.settle().await;
        }
    }

    fn does(&self, does: Does) {
        self.net.lock().does = does;
    }

    fn status(&self) -> u8 {
        self.upnp.status()
    }

    fn noted(&self) -> Vec<&'static str> {
        self.net.lock().noted.clone()
    }

    fn searches(&self) -> u32 {
        self.net.lock().searches
    }

    fn asked(&self) -> usize {
        self.net.lock().asked.len()
    }

    fn count(&self, action: &str) -> usize {
        self.net.lock().asked.iter().filter(|asked| **asked == action).count()
    }

    fn others(&self, client: [u8; 4], name: &str) {
        self.net.lock().entry = Some((client.into(), 8443, name.to_owned(), None));
    }
}

#[tokio::test(start_paused = true)]
async fn off_it_searches_for_nobody_and_asks_nobody() {
    let rig = Rig::start(Does::Map);
    rig.pass(600).await;
    assert_eq!((rig.status(), rig.searches(), rig.asked()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn q81_the_port_of_https_is_mapped_and_removed_when_it_is_switched_off() {
    let rig = Rig::on(Does::Map).await;
    assert_eq!((rig.status(), rig.net.leads()), (1, Some((OWN, 8443))));
    assert_eq!(*rig.outside.borrow(), Some(IpAddr::from([11, 0, 0, 2])));
    assert_eq!(rig.counters.given.get(), 1);
    rig.switch(false).await;
    assert_eq!((rig.status(), rig.net.leads(), *rig.outside.borrow()), (0, None, None));
    assert!(rig.noted().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_maps_nothing_still_says_where_it_is_and_does_not_unsay_it() {
    let rig = Rig::start(Does::Map);
    rig.others([192, 168, 1, 9], "console");
    let mut outside = rig.outside.subscribe();
    rig.switch(true).await;
    assert_eq!((rig.status(), *outside.borrow_and_update()), (5, Some(IpAddr::from([11, 0, 0, 2]))));
    rig.pass(1500).await;
    assert!(rig.count("GetExternalIPAddress") > 2);
    assert!(!outside.has_changed().unwrap(), "nobody hears of it twice");
    rig.does(Does::Gone);
    rig.pass(1500).await;
    assert_eq!(*outside.borrow(), None);
}

#[tokio::test(start_paused = true)]
async fn q81_the_plain_port_is_mapped_only_where_the_operator_says_so() {
    let without = Rig::with(Does::Map, &[], &["0.0.0.0:8080"], false);
    without.switch(true).await;
    without.pass(100).await;
    assert_eq!((without.status(), without.searches()), (2, 0));
    assert_eq!(without.noted(), ["no HTTPS to map"]);
    let with = Rig::with(Does::Map, &["0.0.0.0:8443"], &["0.0.0.0:8080"], true);
    with.switch(true).await;
    assert_eq!((with.status(), with.net.leads()), (1, Some((OWN, 8080))));
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_listens_on_loopback_searches_for_nobody() {
    let rig = Rig::with(Does::Map, &["127.0.0.1:8443"], &["127.0.0.1:8080"], false);
    rig.switch(true).await;
    rig.pass(100).await;
    assert_eq!((rig.status(), rig.searches(), rig.noted()), (2, 0, vec!["nothing to map"]));
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_renewed_before_its_lease_ends_for_ever() {
    let rig = Rig::on(Does::Map).await;
    for minute in 0..180 {
        rig.pass(60).await;
        assert_eq!((rig.status(), rig.net.leads()), (1, Some((OWN, 8443))), "{minute}");
    }
    assert!((5..=7).contains(&rig.count("AddPortMapping")), "{}", rig.count("AddPortMapping"));
    assert_eq!(rig.searches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_forgets_the_mapping_has_it_again_within_a_minute() {
    let rig = Rig::on(Does::Map).await;
    rig.pass(300).await;
    rig.net.lock().entry = None;
    rig.pass(60).await;
    assert_eq!((rig.status(), rig.net.leads()), (1, Some((OWN, 8443))));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_gone_is_told_once_and_has_the_mapping_within_a_minute_of_its_return() {
    let rig = Rig::on(Does::Map).await;
    rig.does(Does::Gone);
    rig.net.lock().entry = None;
    rig.pass(3600).await;
    assert_eq!((rig.status(), *rig.outside.borrow()), (3, None));
    assert_eq!(rig.noted(), ["no gateway"]);
    rig.does(Does::Map);
    rig.pass(60).await;
    assert_eq!((rig.status(), rig.net.leads()), (1, Some((OWN, 8443))));
}

#[tokio::test(start_paused = true)]
async fn q81_a_port_that_leads_to_another_machine_is_left_to_it() {
    let rig = Rig::start(Does::Map);
    rig.others([192, 168, 1, 9], "console");
    rig.switch(true).await;
    assert_eq!((rig.status(), rig.count("AddPortMapping"), rig.noted()), (5, 0, vec!["port in use"]));
    rig.switch(false).await;
    assert_eq!(rig.net.leads(), Some((Ipv4Addr::new(192, 168, 1, 9), 8443)));
    rig.switch(true).await;
    rig.net.lock().entry = None;
    rig.pass(400).await;
    assert_eq!((rig.status(), rig.net.leads()), (1, Some((OWN, 8443))));
    // One who takes the port over while it is held keeps it, too.
    rig.others([192, 168, 1, 9], "console");
    rig.pass(60).await;
    assert_eq!(rig.status(), 5);
    rig.switch(false).await;
    assert_eq!(rig.net.leads(), Some((Ipv4Addr::new(192, 168, 1, 9), 8443)));
}

#[tokio::test(start_paused = true)]
async fn q81_whom_somebody_took_the_port_over_from_within_a_minute_removes_nothing() {
    let rig = Rig::on(Does::Map).await;
    rig.others([192, 168, 1, 9], "console");
    rig.switch(false).await;
    assert_eq!(rig.net.leads(), Some((Ipv4Addr::new(192, 168, 1, 9), 8443)));
}

#[tokio::test(start_paused = true)]
async fn q81_a_mapping_of_before_a_crash_is_ours_and_renewed() {
    let rig = Rig::start(Does::Map);
    let end = Instant::now() + Duration::from_secs(100);
    rig.net.lock().entry = Some((OWN, 8443, NAME.to_owned(), Some(end)));
    rig.switch(true).await;
    rig.pass(200).await;
    assert_eq!((rig.status(), rig.net.leads()), (1, Some((OWN, 8443))));
    rig.switch(false).await;
    assert_eq!(rig.net.leads(), None);
}

#[tokio::test(start_paused = true)]
async fn q81_a_mapping_that_the_gateways_owner_made_is_enough_and_stays() {
    let rig = Rig::start(Does::Map);
    rig.others(OWN.octets(), "by hand");
    rig.switch(true).await;
    rig.pass(3600).await;
    assert_eq!((rig.status(), rig.count("AddPortMapping")), (1, 0));
    rig.switch(false).await;
    assert_eq!((rig.status(), rig.net.leads()), (0, Some((OWN, 8443))));
}

#[tokio::test(start_paused = true)]
async fn q82_whoever_was_found_before_the_router_loses_the_mapping_to_it_and_has_no_say_any_more() {
    let rig = Rig::start(Does::Map);
    rig.net.lock().found = LIAR;
    rig.switch(true).await;
    assert_eq!((rig.status(), rig.net.leads(), rig.net.lock().liars.is_some()), (1, None, true));
    assert_eq!(*rig.outside.borrow(), Some(IpAddr::from([6, 6, 6, 6])));
    rig.net.lock().found = ROUTER;
    rig.pass(1900).await;
    assert_eq!((rig.status(), rig.net.leads(), rig.net.lock().liars.clone()), (1, Some((OWN, 8443)), None));
    assert_eq!(*rig.outside.borrow(), Some(IpAddr::from([11, 0, 0, 2])));
    assert_eq!(rig.searches(), 2);
    rig.pass(7200).await;
    assert_eq!(rig.searches(), 2, "the router is good enough");
}

#[tokio::test(start_paused = true)]
async fn q82_a_gateway_that_is_no_router_is_left_behind_a_refusal_and_when_the_network_changes() {
    // It is the router that refuses, until another is.
    let rig = Rig::start(Does::Refuse(606));
    rig.net.lock().router = LIAR;
    rig.switch(true).await;
    assert_eq!((rig.status(), rig.searches()), (5, 1));
    rig.net.lock().found = LIAR;
    rig.pass(10).await;
    assert_eq!((rig.status(), rig.net.lock().liars.is_some()), (1, true));
    let rig = Rig::start(Does::Map);
    rig.net.lock().found = LIAR;
    rig.switch(true).await;
    rig.net.lock().found = ROUTER;
    rig.network.send_modify(|standing| standing.addresses = vec![OWN.into()]);
    rig.settle().await;
    assert_eq!((rig.status(), rig.net.leads(), rig.net.lock().liars.clone()), (1, Some((OWN, 8443)), None));
}

#[tokio::test(start_paused = true)]
async fn q82_where_the_router_maps_nothing_another_gateway_is_kept() {
    let rig = Rig::start(Does::Map);
    rig.net.lock().found = LIAR;
    rig.switch(true).await;
    rig.pass(7200).await;
    assert_eq!((rig.status(), rig.net.leads(), rig.net.lock().liars.is_some()), (1, None, true));
    assert!((4..=5).contains(&rig.searches()), "{}", rig.searches());
}

#[tokio::test(start_paused = true)]
async fn q81_a_shortened_mapping_of_before_a_crash_is_renewed_and_removed() {
    let rig = Rig::start(Does::Permanent);
    rig.net.lock().short = true;
    rig.others(OWN.octets(), &NAME[..4]);
    rig.switch(true).await;
    assert_eq!((rig.status(), rig.count("AddPortMapping")), (1, 2));
    rig.switch(false).await;
    assert_eq!(rig.net.leads(), None);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_shortens_names_is_asked_for_no_more_than_others_and_its_mapping_removed() {
    let rig = Rig::start(Does::Map);
    rig.net.lock().short = true;
    rig.switch(true).await;
    rig.pass(600).await;
    assert_eq!((rig.status(), rig.count("AddPortMapping")), (1, 1));
    rig.switch(false).await;
    assert_eq!(rig.net.leads(), None);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_has_leases_without_end_only_gives_one() {
    let rig = Rig::on(Does::Permanent).await;
    rig.pass(7200).await;
    assert_eq!((rig.status(), rig.net.leads()), (1, Some((OWN, 8443))));
    rig.switch(false).await;
    assert_eq!(rig.net.leads(), None);
}

#[tokio::test(start_paused = true)]
async fn what_a_gateway_does_wrong_is_the_status_that_the_profile_says_and_told_once() {
    for (does, status, words) in [
        (Does::Refuse(606), 5, "gateway refuses"),
        (Does::Refuse(718), 5, "port in use"),
        (Does::Garbage, 4, "gateway talks nonsense"),
        (Does::Hang, 3, "gateway not reached"),
        (Does::Gone, 3, "no gateway"),
    ] {
        let rig = Rig::on(does).await;
        rig.pass(900).await;
        assert_eq!((rig.status(), rig.noted()), (status, vec![words]), "{does:?}");
        assert!(rig.counters.failed.get() > 3);
        rig.does(Does::Map);
        rig.pass(330).await;
        assert_eq!(rig.status(), 1, "{does:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_address_or_port_of_the_camera_is_mapped_anew_and_the_old_mapping_removed() {
    let rig = Rig::on(Does::Map).await;
    let moved = Ipv4Addr::new(192, 168, 1, 6);
    rig.net.lock().own = Some(moved);
    rig.network.send_modify(|standing| standing.addresses = vec![moved.into()]);
    rig.settle().await;
    assert_eq!((rig.status(), rig.net.leads()), (1, Some((moved, 8443))));
    rig.listening.send_modify(|listening| listening.https = vec!["0.0.0.0:9443".parse().unwrap()]);
    rig.settle().await;
    assert_eq!((rig.status(), rig.net.leads()), (1, Some((moved, 9443))));
    assert_eq!(rig.count("DeletePortMapping"), 2);
    // Nobody said that this one is new.
    rig.net.lock().own = Some(OWN);
    rig.pass(60).await;
    assert_eq!(rig.net.leads(), Some((OWN, 9443)));
    // What else changes of the network asks nobody.
    let before = rig.asked();
    rig.network.send_modify(|standing| standing.wifi = true);
    rig.settle().await;
    assert_eq!(rig.asked(), before);
}

#[tokio::test(start_paused = true)]
async fn a_machine_without_an_address_waits_for_one() {
    let rig = Rig::start(Does::Map);
    rig.net.lock().own = None;
    rig.switch(true).await;
    assert_eq!((rig.status(), rig.noted()), (3, vec!["no network"]));
    rig.net.lock().own = Some(OWN);
    rig.pass(60).await;
    assert_eq!(rig.status(), 1);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_the_mapping_is_removed_and_a_gateway_that_hangs_holds_nobody_up() {
    let rig = Rig::on(Does::Map).await;
    rig.upnp.close().await;
    rig.service.await.unwrap();
    assert_eq!(rig.net.leads(), None);
    let rig = Rig::on(Does::Map).await;
    rig.does(Does::Hang);
    let asked = Instant::now();
    rig.upnp.close().await;
    assert!(asked.elapsed() <= LAST + Duration::from_millis(50), "{:?}", asked.elapsed());
    // In the middle of an attempt, too.
    let rig = Rig::on(Does::Hang).await;
    let asked = Instant::now();
    rig.upnp.close().await;
    assert!(asked.elapsed() <= LAST + Duration::from_millis(50), "{:?}", asked.elapsed());
    // Where no service runs, nobody waits.
    Upnp::new().close().await;
}
