use std::{collections::HashMap, sync::Mutex};

use tokio::time::sleep;

use super::*;

/// What the servers say, who was asked, and what the host has.
#[derive(Default)]
struct Internet {
    says: Mutex<HashMap<String, Option<&'static str>>>,
    asked: Mutex<Vec<String>>,
    own: Mutex<Vec<IpAddr>>,
}

impl World for Arc<Internet> {
    fn own(&self) -> Vec<IpAddr> {
        self.own.lock().unwrap().clone()
    }

    async fn ask(&mut self, url: &str) -> Option<IpAddr> {
        self.asked.lock().unwrap().push(url.to_owned());
        let says = self.says.lock().unwrap().get(url).copied();
        match says {
            Some(Some(address)) => Some(address.parse().unwrap()),
            Some(None) => std::future::pending().await,
            None => None,
        }
    }
}

const A: &str = "https://a.test/";
const B: &str = "https://b.test/";
const C: &str = "https://c.test/";

struct Rig {
    internet: Arc<Internet>,
    settings: watch::Sender<Arc<Settings>>,
    gateway: watch::Sender<Option<IpAddr>>,
    standing: watch::Sender<Standing>,
    seen: Seen,
}

impl Rig {
    fn start(urls: &[&str]) -> Self {
        let mut settings = Settings::factory();
        settings.mail.inet_ip = true;
        let rig = Self {
            internet: Arc::default(),
            settings: watch::Sender::new(Arc::new(settings)),
            gateway: watch::Sender::new(None),
            standing: watch::Sender::default(),
            seen: Seen::default(),
        };
        rig.internet.own.lock().unwrap().push("192.168.1.2".parse().unwrap());
        let parts = Parts {
            settings: rig.settings.subscribe(),
            gateway: rig.gateway.subscribe(),
            standing: rig.standing.subscribe(),
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            seen: rig.seen.clone(),
            counters: Arc::default(),
        };
        tokio::spawn(find(parts, rig.internet.clone()));
        rig
    }

    /// A server says an address, or hangs.
    fn says(&self, url: &str, address: impl Into<Option<&'static str>>) {
        self.internet.says.lock().unwrap().insert(url.to_owned(), address.into());
    }

    /// The host gets another address in its network.
    fn moves(&self, last: u8) {
        self.standing.send_modify(|standing| standing.addresses = vec![IpAddr::from([192, 168, 1, last])]);
    }

    fn want(&self, wanted: bool) {
        self.settings.send_modify(|settings| Arc::make_mut(settings).mail.inet_ip = wanted);
    }

    /// Lets time pass; returns what is known then.
    async fn after(&self, seconds: u64) -> Option<String> {
        sleep(Duration::from_secs(seconds)).await;
        self.seen.borrow().map(|address| address.to_string())
    }

    fn asked(&self) -> usize {
        std::mem::take(&mut *self.internet.asked.lock().unwrap()).len()
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test(start_paused = true)]
async fn q77_two_servers_are_believed_and_one_lie_and_one_hang_change_nothing() {
    let rig = Rig::start(&[A, B, C]);
    for url in [A, B, C] {
        rig.says(url, "1.1.1.1");
    }
    assert_eq!(rig.after(1).await, some("1.1.1.1"));
    assert_eq!(rig.asked(), 2, "a third need not be asked");
    rig.says(A, "6.6.6.6");
    assert_eq!(rig.after(86_400).await, some("1.1.1.1"));
    rig.says(B, None);
    rig.says(C, "2.2.2.2");
    assert_eq!(rig.after(300).await, some("1.1.1.1"));
    assert_eq!(rig.after(86_400).await, None, "a lie, a hang and a truth that is alone");
    rig.says(B, "2.2.2.2");
    assert_eq!(rig.after(7200).await, some("2.2.2.2"));
}

#[tokio::test(start_paused = true)]
async fn servers_are_asked_every_ten_minutes_and_only_while_somebody_must_know() {
    let rig = Rig::start(&[A, B, C]);
    for url in [A, B, C] {
        rig.says(url, "1.1.1.1");
    }
    rig.after(3600).await;
    let asked = rig.asked();
    assert!((10..=12).contains(&asked), "{asked}");
    rig.want(false);
    assert_eq!((rig.after(86_400).await, rig.asked()), (None, 0));
    rig.want(true);
    rig.after(1).await;
    assert_eq!(rig.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn q77_nobody_is_told_an_address_of_before_but_a_fresh_one() {
    let rig = Rig::start(&[A, B]);
    rig.says(A, "1.1.1.1");
    rig.says(B, "1.1.1.1");
    assert_eq!(rig.after(1).await, some("1.1.1.1"));
    rig.want(false);
    assert_eq!(rig.after(1).await, None);
    rig.asked();
    rig.want(true);
    assert_eq!((rig.after(1).await, rig.asked()), (some("1.1.1.1"), 0), "it is some seconds old");
    // The camera is carried elsewhere while nobody must know where it is.
    rig.want(false);
    rig.after(3600).await;
    rig.says(A, None);
    rig.says(B, None);
    rig.want(true);
    assert_eq!(rig.after(10).await, None);
    rig.says(A, "2.2.2.2");
    rig.says(B, "2.2.2.2");
    assert_eq!(rig.after(180).await, some("2.2.2.2"));
}

#[tokio::test(start_paused = true)]
async fn servers_that_fail_are_asked_ever_less_and_at_once_when_the_network_changes() {
    let rig = Rig::start(&[A, B]);
    rig.after(600).await;
    let first = rig.asked();
    rig.after(86_400).await;
    let day = rig.asked();
    assert!((6..=10).contains(&first) && day < 24 * 2 * 2, "{first} {day}");
    rig.says(A, "1.1.1.1");
    rig.says(B, "1.1.1.1");
    // What changes beside the way of IPv4 is no reason.
    rig.standing
        .send_modify(|standing| (standing.pppoe, standing.addresses) = (true, vec!["2a00::1".parse().unwrap()]));
    assert_eq!(rig.after(1).await, None);
    rig.moves(1);
    assert_eq!(rig.after(1).await, some("1.1.1.1"));
}

#[tokio::test(start_paused = true)]
async fn q77_a_network_that_changes_all_the_time_has_servers_asked_three_times_and_then_every_ten_minutes() {
    for fail in [false, true] {
        let rig = Rig::start(&[A, B]);
        for url in [A, B] {
            rig.says(url, if fail { None } else { Some("1.1.1.1") });
        }
        rig.after(120).await;
        rig.asked();
        for second in 0..3600_u32 {
            rig.moves(u8::try_from(second % 2).unwrap());
            rig.after(1).await;
        }
        let rounds = rig.asked() / 2;
        assert!((6..=10).contains(&rounds), "{rounds}");
    }
}

#[tokio::test(start_paused = true)]
async fn q77_a_gateway_that_says_something_else_each_time_has_nobody_asked_each_minute() {
    let rig = Rig::start(&[A, B]);
    rig.says(A, "1.1.1.1");
    rig.says(B, "1.1.1.1");
    rig.after(120).await;
    rig.asked();
    for second in 0..3600_u32 {
        rig.gateway.send_replace(Some(IpAddr::from([2, 2, 2, u8::try_from(second % 200).unwrap()])));
        rig.after(1).await;
    }
    let rounds = rig.asked() / 2;
    assert!((6..=10).contains(&rounds), "{rounds}");
}

#[tokio::test(start_paused = true)]
async fn another_way_to_the_internet_is_noticed_where_no_backend_tells() {
    let rig = Rig::start(&[A, B]);
    rig.says(A, "1.1.1.1");
    rig.says(B, "1.1.1.1");
    rig.after(120).await;
    rig.says(A, "2.2.2.2");
    rig.says(B, "2.2.2.2");
    *rig.internet.own.lock().unwrap() = vec!["10.0.0.2".parse().unwrap()];
    assert_eq!(rig.after(61).await, some("2.2.2.2"));
}

#[tokio::test(start_paused = true)]
async fn q77_the_gateway_and_one_server_are_two() {
    let rig = Rig::start(&[A]);
    rig.says(A, "1.1.1.1");
    assert_eq!(rig.after(600).await, None, "one alone");
    rig.gateway.send_replace(Some("1.1.1.1".parse().unwrap()));
    assert_eq!(rig.after(61).await, some("1.1.1.1"));
    rig.gateway.send_replace(Some("2.2.2.2".parse().unwrap()));
    assert_eq!(rig.after(3600).await, None, "it alone");
    rig.says(A, "2.2.2.2");
    assert_eq!(rig.after(7200).await, some("2.2.2.2"));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_comes_and_goes_with_one_address_hurries_nobody() {
    let rig = Rig::start(&[A, B]);
    rig.says(A, "1.1.1.1");
    rig.says(B, "1.1.1.1");
    rig.gateway.send_replace(Some("1.1.1.1".parse().unwrap()));
    assert_eq!(rig.after(300).await, some("1.1.1.1"));
    rig.asked();
    for _ in 0..60 {
        rig.gateway.send_replace(None);
        rig.after(30).await;
        rig.gateway.send_replace(Some("1.1.1.1".parse().unwrap()));
        rig.after(30).await;
    }
    let asked = rig.asked();
    assert!((4..=12).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn q77_two_addresses_of_one_server_are_one_voice() {
    let rig = Rig::start(&[A, "https://a.test/again", "https://a.test:8443/"]);
    for url in [A, "https://a.test/again", "https://a.test:8443/"] {
        rig.says(url, "6.6.6.6");
    }
    assert_eq!(rig.after(3600).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_hosts_own_address_needs_nobody_to_be_asked() {
    let rig = Rig::start(&[A, B]);
    rig.want(false);
    rig.internet.own.lock().unwrap().push("9.9.9.9".parse().unwrap());
    assert_eq!((rig.after(61).await, rig.asked()), (some("9.9.9.9"), 0));
    rig.want(true);
    rig.after(86_400).await;
    assert_eq!(rig.asked(), 0);
}
