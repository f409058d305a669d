use std::{
    collections::VecDeque,
    fs,
    future::pending,
    sync::Mutex,
    time::{Duration, UNIX_EPOCH},
};

use lookout_core::profile::{change::Rules, settings::DdnsService, view::Secrets, wire::Wire as _};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::sleep};

use super::*;
use crate::store::{By, Store};

/// What the service of dynamic DNS does.
#[derive(Clone, Copy)]
enum Does {
    Say(u16, &'static str),
    Hang,
    /// It hangs up behind the request.
    Drop,
    Refuse,
}

/// A service, and the host's clock, which stands at `clock` when the steady one begins.
struct Server {
    does: Mutex<VecDeque<Does>>,
    asked: Mutex<Vec<String>>,
    noted: Mutex<Vec<String>>,
    clock_s: Mutex<u64>,
}

impl World for Arc<Server> {
    async fn ask(&mut self, request: &Request, v4: bool) -> Result<Heard, Failure> {
        assert_eq!((request.user.as_str(), request.pwd.expose()), ("dyn", "dyn secret"));
        assert_eq!(v4, !request.url.contains("myip="));
        self.asked.lock().unwrap().push(request.url.clone());
        let does = {
            let mut does = self.does.lock().unwrap();
            if does.len() > 1 { does.pop_front() } else { does.front().copied() }
        };
        match does.unwrap() {
            Does::Say(status, body) => Ok(Heard { status, body: body.into() }),
            Does::Hang => pending().await,
            Does::Drop => Err(Failure::Unheard("it broke off".into())),
            // Nobody has: the name has no address.
            Does::Refuse => {
                let url = "http://name.invalid/";
                fetch::get(&Wish { url, login: None, proxy: Some("http://127.0.0.1:9"), v4: true }).await
            }
        }
    }

    fn host(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(*self.clock_s.lock().unwrap())
    }
}

struct Rig {
    server: Arc<Server>,
    store: Arc<Store>,
    seen: watch::Sender<Option<IpAddr>>,
    ddns: Ddns,
    task: JoinHandle<()>,
}

impl Rig {
    fn start(state: &TempDir, does: &[Does]) -> Self {
        crate::tls::install_provider();
        let rules = Rules { secrets: Secrets::Masked, password_min: 8 };
        let store = Arc::new(Store::open(state.path(), rules).unwrap().store);
        let server = Arc::new(Server {
            does: Mutex::new(does.iter().copied().collect()),
            asked: Mutex::default(),
            noted: Mutex::default(),
            clock_s: Mutex::new(1_800_000_000),
        });
        let (ddns, seen) = (Ddns::new(), watch::Sender::new(None));
        let (status, again) = ddns.ends();
        let ears = server.clone();
        let parts = Parts {
            account: store.watch(account),
            bases: config::Ddns::default(),
            seen: seen.subscribe(),
            status,
            again,
            state: state.path().to_owned(),
            note: Box::new(move |event| ears.noted.lock().unwrap().push(event.to_string())),
            counters: Arc::default(),
        };
        let task = tokio::spawn(run(parts, server.clone()));
        Self { server, store, seen, ddns, task }
    }

    async fn set(&self, service: &str, host: &str) {
        let (service, host) = (DdnsService::parse(service).unwrap(), host.to_owned());
        let draft = move |old: &Settings, _: &Rules| {
            let mut new = old.clone();
            new.ddns.service = service;
            new.ddns.user.take("dyn").unwrap();
            new.ddns.pwd.take("dyn secret").unwrap();
            new.ddns.host.take(&host).unwrap();
            Ok(new)
        };
        self.store.change(By::Camera, draft).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }

    async fn see(&self, address: &str) {
        self.seen.send_replace(Some(address.parse().unwrap()));
        sleep(Duration::from_secs(1)).await;
    }

    async fn pass(&self, seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.server.asked.lock().unwrap())
    }

    fn noted(&self) -> Vec<String> {
        std::mem::take(&mut *self.server.noted.lock().unwrap())
    }

    fn status(&self) -> u8 {
        self.ddns.status()
    }

    async fn end(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_follows_the_address_and_a_restart_asks_nobody() {
    let state = TempDir::new().unwrap();
    let rig = Rig::start(&state, &[Does::Say(200, "good")]);
    rig.see("1.1.1.1").await;
    assert_eq!((rig.status(), rig.asked().len()), (0, 0), "it is off");
    rig.set("8", "cam.example.org").await;
    let url = "https://members.3322.net/dyndns/update?system=dyndns&hostname=cam.example.org&myip=";
    assert_eq!((rig.status(), rig.asked()), (29, vec![format!("{url}1.1.1.1")]));
    rig.pass(600).await;
    rig.see("2.2.2.2").await;
    assert_eq!(rig.asked(), [format!("{url}2.2.2.2")]);
    assert_eq!(rig.noted(), ["DDNS updated", "DDNS updated"]);
    let kept = fs::read_to_string(state.path().join(FILE)).unwrap();
    assert!(kept.ends_with(" 1800000000 good 2.2.2.2\n") && !kept.contains("secret"), "{kept}");
    rig.end().await;

    let rig = Rig::start(&state, &[Does::Say(200, "nochg")]);
    rig.see("2.2.2.2").await;
    rig.pass(86_400).await;
    assert_eq!((rig.status(), rig.asked().len()), (29, 0));
    rig.end().await;
    forget(state.path()).unwrap();
    let rig = Rig::start(&state, &[Does::Say(200, "nochg")]);
    rig.see("2.2.2.2").await;
    rig.pass(1).await;
    assert_eq!(rig.asked().len(), 1, "nothing is known any more");
}

#[tokio::test(start_paused = true)]
async fn q80_a_refusal_stops_it_until_somebody_rings_and_is_told_once() {
    let state = TempDir::new().unwrap();
    let rig = Rig::start(&state, &[Does::Say(401, "badauth")]);
    rig.see("1.1.1.1").await;
    rig.set("2", "cam.example.org").await;
    assert_eq!((rig.status(), rig.asked().len()), (5, 1));
    rig.pass(86_400).await;
    rig.see("2.2.2.2").await;
    assert_eq!(rig.asked().len(), 0);
    rig.ddns.again();
    rig.pass(1).await;
    assert_eq!((rig.status(), rig.asked().len()), (5, 1));
    assert_eq!(rig.noted(), ["DDNS failed: wrong user or password"]);
    rig.set("2", "other.example.org").await;
    rig.pass(60).await;
    assert_eq!(rig.asked().len(), 1, "new settings are tried");
    rig.set("0", "other.example.org").await;
    assert_eq!(rig.status(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_gone_cannot_be_connected_and_is_tried_again() {
    let state = TempDir::new().unwrap();
    let rig = Rig::start(&state, &[Does::Refuse, Does::Refuse, Does::Say(200, "good 1.1.1.1")]);
    rig.see("1.1.1.1").await;
    rig.set("1", "cam.example.org").await;
    rig.pass(30).await;
    assert_eq!(rig.status(), 2, "cannot connect");
    rig.pass(3600).await;
    assert_eq!((rig.status(), rig.asked().len()), (17, 3));
    assert_eq!(rig.noted(), ["DDNS failed: cannot connect", "DDNS updated"]);
}

#[tokio::test(start_paused = true)]
async fn q80_a_service_whose_answer_is_lost_may_have_done_it_and_is_left_alone_also_behind_a_restart() {
    for lost in [Does::Hang, Does::Drop] {
        let state = TempDir::new().unwrap();
        let rig = Rig::start(&state, &[lost]);
        rig.see("1.1.1.1").await;
        rig.set("8", "cam.example.org").await;
        rig.pass(60).await;
        assert_eq!((rig.status(), rig.asked().len()), (39, 1));
        rig.pass(29 * 60).await;
        assert_eq!(rig.asked().len(), 0);
        assert_eq!(rig.noted(), ["DDNS failed: no answer arrived"]);
        rig.end().await;
        let rig = Rig::start(&state, &[Does::Say(200, "nochg")]);
        rig.see("1.1.1.1").await;
        rig.ddns.again();
        rig.pass(29 * 60).await;
        assert_eq!((rig.status(), rig.asked().len()), (39, 0));
        rig.pass(120).await;
        assert_eq!((rig.status(), rig.asked().len()), (29, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn q80_a_clock_that_is_set_behind_the_start_has_an_old_name_refreshed() {
    let state = TempDir::new().unwrap();
    let rig = Rig::start(&state, &[Does::Say(200, "good")]);
    rig.see("1.1.1.1").await;
    rig.set("8", "cam.example.org").await;
    rig.end().await;
    let rig = Rig::start(&state, &[Does::Say(200, "nochg")]);
    *rig.server.clock_s.lock().unwrap() = 0;
    rig.see("1.1.1.1").await;
    rig.pass(7200).await;
    assert_eq!(rig.asked().len(), 0);
    *rig.server.clock_s.lock().unwrap() = 1_800_000_000 + 28 * 86_400;
    rig.pass(3600).await;
    assert_eq!(rig.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn new_settings_cut_off_what_hangs() {
    let state = TempDir::new().unwrap();
    let rig = Rig::start(&state, &[Does::Hang, Does::Say(200, "good")]);
    rig.see("1.1.1.1").await;
    rig.set("8", "cam.example.org").await;
    assert_eq!(rig.status(), 1);
    rig.set("0", "cam.example.org").await;
    assert_eq!(rig.status(), 0);
    rig.set("9", "cam.example.org").await;
    rig.pass(60).await;
    assert_eq!((rig.status(), rig.asked().len()), (29, 2));
}

#[tokio::test(start_paused = true)]
async fn q78_a_service_sees_the_address_itself_where_nobody_knows_it() {
    let state = TempDir::new().unwrap();
    let rig = Rig::start(&state, &[Does::Say(200, "good 1.1.1.1")]);
    rig.set("1", "cam.example.org").await;
    assert_eq!(rig.asked().len(), 0, "it may become known");
    rig.pass(120).await;
    assert_eq!(rig.asked(), ["https://ddns.oray.com/ph/update?hostname=cam.example.org"]);
    rig.see("1.1.1.1").await;
    rig.pass(86_400).await;
    assert_eq!((rig.status(), rig.asked().len()), (17, 0), "that is what it has");
}

#[tokio::test(start_paused = true)]
async fn whoever_rings_while_it_is_asked_has_got_what_he_wanted() {
    let state = TempDir::new().unwrap();
    let rig = Rig::start(&state, &[Does::Hang, Does::Say(200, "good")]);
    rig.see("1.1.1.1").await;
    rig.set("8", "cam.example.org").await;
    for _ in 0..10 {
        rig.ddns.again();
    }
    rig.pass(86_400).await;
    assert_eq!(rig.asked().len(), 2, "one that hung, and one for that");
}
