use std::time::SystemTime;

use lookout_core::{alarm::Cause, profile::wire::Wire as _};
use lookout_testkit::{DeafPort, Rogue, RoguePeer};
use tokio::time::timeout;

use super::*;
use crate::alarm::{Occasion, Outcome, Report};

const SOON: Duration = Duration::from_secs(30);
const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";

struct Bench {
    errands: mpsc::Sender<Errand>,
    reports: mpsc::Receiver<Report>,
    report: mpsc::Sender<Report>,
    notes: std::sync::mpsc::Receiver<Event>,
}

impl Bench {
    fn new(url: &str, reach: Reach) -> Self {
        let mut settings = Settings::factory();
        settings.alarm.http_url.take(url).unwrap();
        let (errands, taken) = mpsc::channel(WAITING);
        let (report, reports) = mpsc::channel(WAITING);
        let (noted, notes) = std::sync::mpsc::channel();
        let noted = std::sync::Mutex::new(noted);
        let parts = Parts {
            settings: watch::Sender::new(Arc::new(settings)).subscribe(),
            errands: taken,
            agent: "porch".into(),
            reach,
            note: Box::new(move |event| drop(noted.lock().unwrap().send(event.clone()))),
            counters: Arc::default(),
        };
        tokio::spawn(run(parts));
        Self { errands, reports, report, notes }
    }

    fn send(&self, drill: bool) {
        let occasion =
            Occasion { number: 1, cause: Cause::Motion, at: std::time::Instant::now(), wall: SystemTime::now(), drill };
        let errand = Errand { occasion: Arc::new(occasion), report: Some(self.report.clone()) };
        self.errands.try_send(errand).unwrap();
    }

    async fn outcome(&mut self) -> Outcome {
        timeout(SOON, self.reports.recv()).await.unwrap().unwrap().outcome
    }
}

fn url(address: std::net::SocketAddr) -> String {
    format!("http://{address}/hook?key=secret")
}

#[tokio::test]
async fn an_alarm_is_one_call_and_a_drill_says_that_it_is_one() {
    let server = RoguePeer::start(&["", OK], Rogue::Close);
    let mut bench = Bench::new(&url(server.address()), Reach::Any);
    bench.send(false);
    assert_eq!(bench.outcome().await, Outcome::Done("answered by 127.0.0.1".into()));
    bench.send(true);
    assert_eq!(bench.outcome().await, Outcome::Done("answered by 127.0.0.1".into()));
    assert_eq!(server.heard(), ["GET /hook?key=secret HTTP/1.1"; 2]);
    assert!(bench.notes.try_recv().is_err());
}

#[tokio::test]
async fn what_comes_while_a_call_is_made_is_one_more_call() {
    let server = RoguePeer::start(&["", OK], Rogue::Close);
    let mut bench = Bench::new(&url(server.address()), Reach::Any);
    bench.send(false);
    bench.outcome().await;
    for _ in 0..50 {
        bench.send(false);
    }
    for _ in 0..50 {
        bench.outcome().await;
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_network_that_fails_is_tried_once_more_and_an_answer_is_not() {
    let calls = async |script: &[&str], then| {
        let server = RoguePeer::start(script, then);
        let mut bench = Bench::new(&url(server.address()), Reach::Any);
        bench.send(false);
        assert_eq!(bench.outcome().await, Outcome::Failed("no good answer".into()));
        assert_eq!(bench.notes.recv().unwrap(), Event::Failed(Peer::Http, "no good answer"));
        server.connections()
    };
    const REFUSED: &str = "HTTP/1.1 500 No\r\n\r\n";
    const AWAY: &str = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n";
    let tries = tokio::join!(
        calls(&[], Rogue::Close),
        calls(&["", "HTTP/1."], Rogue::Close),
        calls(&["", REFUSED], Rogue::Close),
        calls(&["", AWAY], Rogue::Close),
        calls(&["220 mail.test ESMTP\r\n"], Rogue::Close),
    );
    assert_eq!(tries, (2, 2, 1, 1, 1));
}

#[tokio::test]
async fn whoever_misbehaves_is_left_in_time_with_little_read() {
    let call = async |script: &[&str], then| {
        let server = RoguePeer::start(script, then);
        let mut bench = Bench::new(&url(server.address()), Reach::Any);
        bench.send(false);
        (bench.outcome().await, server.said())
    };
    let ways = tokio::join!(
        call(&[], Rogue::Hang),
        call(&[], Rogue::Drip),
        call(&[], Rogue::Endless),
        call(&[], Rogue::Garbage),
        call(&["", "HTTP/1.1 200"], Rogue::Hang),
        call(&[], Rogue::Reset),
        async {
            let deaf = DeafPort::open();
            let mut bench = Bench::new(&url(deaf.address()), Reach::Any);
            bench.send(false);
            (bench.outcome().await, 0)
        },
        // A head is enough, whatever becomes of the rest.
        call(&["", OK], Rogue::Hang),
        call(&["", OK], Rogue::Endless),
    );
    let failed = [&ways.0, &ways.1, &ways.2, &ways.3, &ways.4, &ways.5, &ways.6];
    assert!(failed.iter().all(|(outcome, _)| *outcome == Outcome::Failed("no good answer".into())), "{failed:?}");
    assert!([&ways.7, &ways.8].iter().all(|(outcome, _)| matches!(outcome, Outcome::Done(_))), "{ways:?}");
    // What the kernels between took, and nothing that was read.
    assert!([&ways.2, &ways.8].iter().all(|(_, said)| *said < 16 << 20), "{ways:?}");
}

#[tokio::test]
async fn what_the_operator_does_not_allow_is_not_called() {
    let server = RoguePeer::start(&["", OK], Rogue::Close);
    for reach in [Reach::Public, Reach::Private] {
        let mut bench = Bench::new(&url(server.address()), reach);
        bench.send(false);
        assert_eq!(bench.outcome().await, Outcome::Failed("address not allowed".into()));
    }
    let mut unset = Bench::new("", Reach::Any);
    unset.send(true);
    assert_eq!(unset.outcome().await, Outcome::Failed("no address is set".into()));
    assert_eq!(server.connections(), 0);
}
