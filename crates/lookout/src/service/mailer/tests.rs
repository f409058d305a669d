use std::{path::Path, sync::Mutex as Lock};

use lookout_core::{alarm::Cause, profile::wire::Wire as _, smtp::Dialogue};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::*;
use crate::{
    alarm::{Outcome, Report},
    metrics::{Metrics, testing::has},
    privacy::testing::Hours,
};

/// What a server says when it is asked for a connection: to the greeting, EHLO, MAIL, RCPT, DATA and the mail.
type Says = [&'static str; 6];

const TAKES: Says = ["220 hi", "250 mail.test", "250 ok", "250 ok", "354 go", "250 taken"];
const BUSY: Says = ["421 busy", "", "", "", "", ""];
const FULL: Says = ["220 hi", "250 mail.test", "250 ok", "250 ok", "354 go", "452 full"];
const SPAM: Says = ["220 hi", "250 mail.test", "250 ok", "250 ok", "354 go", "554 spam"];
const GREY: Says = ["220 hi", "250 mail.test", "250 ok", "450 later", "354 go", "250 taken"];
const NO_SENDER: Says = ["220 hi", "250 mail.test", "550 who?", "250 ok", "354 go", "250 taken"];
/// It takes the mail and goes away without a word.
const LEAVES: Says = ["220 hi", "250 mail.test", "250 ok", "250 ok", "354 go", ""];

/// A mail server, which keeps what it took. It is in memory, so that no time passes while something is on its way.
#[derive(Clone)]
struct Server {
    says: Arc<Lock<Says>>,
    taken: Arc<Lock<Vec<String>>>,
    asked: Arc<Lock<u32>>,
}

impl Carrier for Server {
    async fn deliver(&self, account: &MailAccount, to: Vec<String>, mail: &[u8]) -> Result<Delivered, Undelivered> {
        *self.asked.lock().unwrap() += 1;
        let (near, far) = tokio::io::duplex(4096);
        let (says, keep) = (*self.says.lock().unwrap(), self.taken.clone());
        // Whoever goes away goes away.
        tokio::spawn(async move { drop(talk(far, says, &keep).await) });
        let mut dialogue = Dialogue::new(line::wanted(account, to, "[127.0.0.1]".into(), mail.len()), false);
        let encrypt = |_| async { panic!("nobody asks for it") };
        let outcome = line::converse(Box::new(near), &mut dialogue, mail, encrypt).await;
        outcome.map_err(|why| Undelivered { why, unsure: dialogue.unsure() })
    }
}

impl Server {
    fn new(says: Says) -> Self {
        Self { says: Arc::new(Lock::new(says)), taken: Arc::default(), asked: Arc::default() }
    }

    fn says(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }

    /// Waits until it has taken so many mails.
    async fn takes(&self, count: usize) {
        eventually("mails are taken", || self.taken().len() >= count).await;
    }
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(2000), wait).await.unwrap_or_else(|_| panic!("not so: {what}"));
}

async fn talk(stream: DuplexStream, says: Says, keep: &Lock<Vec<String>>) -> std::io::Result<()> {
    let (read, mut write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read);
    write.write_all(format!("{}\r\n", says[0]).as_bytes()).await?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let reply = match &line[..4] {
            "EHLO" => says[1],
            "MAIL" => says[2],
            "RCPT" => says[3],
            "QUIT" => return Ok(()),
            "DATA" => {
                write.write_all(format!("{}\r\n", says[4]).as_bytes()).await?;
                let mut mail = Vec::new();
                while !mail.ends_with(b"\r\n.\r\n") {
                    mail.push(lines.read_u8().await?);
                }
                if says[5].starts_with("250") || says[5].is_empty() {
                    keep.lock().unwrap().push(String::from_utf8(mail).unwrap());
                }
                if says[5].is_empty() {
                    return Ok(());
                }
                says[5]
            }
            other => panic!("{other} {line}"),
        };
        write.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
}

/// The service, with what it needs.
struct Bench {
    hours: Hours,
    alarms: Arc<Alarms>,
    hub: Arc<Hub>,
    settings: watch::Sender<Arc<Settings>>,
    metrics: Arc<Metrics>,
    events: Arc<Lock<Vec<Event>>>,
    errands: mpsc::Sender<Errand>,
    moves: mpsc::Sender<Moved>,
    task: JoinHandle<()>,
}

impl Bench {
    fn new(state: &Path, server: &Server) -> Self {
        let hours = Hours::default();
        let metrics = Arc::new(Metrics::new());
        let gate = hours.gate(metrics.clone());
        let hub = Hub::new(gate.clone(), Arc::default(), Arc::default());
        tokio::spawn(gate.clone().keep());
        let mut settings = Settings::factory();
        settings.alarm.mail = true;
        let mail = &mut settings.mail;
        mail.svr.take("127.0.0.1").unwrap();
        mail.sender.take("cam@example.org").unwrap();
        mail.receivers[0].take("one@example.org").unwrap();
        let settings = watch::Sender::new(Arc::new(settings));
        let events = Arc::<Lock<Vec<Event>>>::default();
        let noted = events.clone();
        let counters = metrics.alarms.clone();
        let alarms = Alarms::new(counters.clone());
        let parts = Parts {
            settings: settings.subscribe(),
            id: Mac([0, 1, 2, 3, 4, 5]),
            alarms: alarms.clone(),
            hub: hub.clone(),
            sequence: Arc::default(),
            album: Arc::default(),
            gate,
            queue: Queue::open(state, Link::Mail, LIMITS, counters.clone()),
            note: Box::new(move |event| noted.lock().unwrap().push(event.clone())),
            counters,
        };
        let (errands, given) = mpsc::channel(4);
        let (moves, moved) = mpsc::channel(1);
        let task = tokio::spawn(run(parts, server.clone(), given, moved));
        Self { hours, alarms, hub, settings, metrics, events, errands, moves, task }
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) {
        self.settings.send_modify(|settings| change(Arc::make_mut(settings)));
    }

    async fn alarm(&self, drill: bool) -> mpsc::Receiver<Report> {
        let (report, reports) = mpsc::channel(4);
        let occasion = Occasion { number: 1, cause: Cause::Motion, at: now(), wall: self.hours.now(), drill };
        let errand = Errand { occasion: Arc::new(occasion), report: drill.then_some(report) };
        self.errands.send(errand).await.unwrap();
        reports
    }

    /// An alarm without a picture, at once: forbidden hours are.
    async fn blind_alarm(&self) {
        self.hours.forbid(true);
        self.alarm(false).await;
    }

    async fn moved(&self) {
        self.moves.send(Moved { old: [1, 1, 1, 1].into(), new: [2, 2, 2, 2].into() }).await.unwrap();
    }

    fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().iter().map(ToString::to_string).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_cannot_be_sent_waits_and_arrives_once_after_a_restart() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(BUSY));
    let bench = Bench::new(state.path(), &server);
    bench.blind_alarm().await;
    eventually("it was tried", || server.asked() == 1).await;
    eventually("it is told", || bench.events() == ["mail failed: server error"]).await;
    bench.task.abort();
    let _ = bench.task.await;
    server.says(TAKES);
    let bench = Bench::new(state.path(), &server);
    server.takes(1).await;
    eventually("nothing waits", || bench.metrics.text(None).contains("queued{link=\"mail\"} 0\n")).await;
    bench.task.abort();
    let _ = bench.task.await;
    let after = Bench::new(state.path(), &server);
    after.moved().await;
    server.takes(2).await;
    let taken = server.taken();
    let subject =
        |mail: &String, what: &str| mail.lines().any(|line| line.starts_with("Subject: ") && line.contains(what));
    assert!(subject(&taken[0], "motion alarm at") && subject(&taken[1], "new address at"), "{taken:?}");
    assert!(taken[0].contains("none leaves the camera at this hour"), "{taken:?}");
    assert_eq!(taken.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_the_end_of_the_camera_cuts_is_mailed_after_it_with_what_was_seen() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(BUSY));
    let bench = Bench::new(state.path(), &server);
    bench.alarm(false).await;
    sleep(Duration::from_millis(100)).await;
    bench.hub.publish(bench.hours.frame(1, b"\xff\xd8\xff\xd9".to_vec()));
    sleep(Duration::from_millis(500)).await;
    bench.alarms.close().await;
    drop(bench.errands);
    bench.alarms.written().await;
    bench.task.abort();
    let _ = bench.task.await;
    server.says(TAKES);
    let _after = Bench::new(state.path(), &server);
    server.takes(1).await;
    assert_eq!(server.taken()[0].matches("image/jpeg").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_once_and_tried_again_less_and_less_often() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(BUSY));
    let bench = Bench::new(state.path(), &server);
    bench.moved().await;
    sleep(Duration::from_secs(3600)).await;
    let asked = server.asked();
    assert!((8..=20).contains(&asked), "{asked} attempts in an hour");
    assert_eq!(bench.events(), ["mail failed: server error"]);
    server.says(TAKES);
    // Not by the clock: nothing but the settings changes.
    bench.set(|settings| settings.mail.pwd.take("another").unwrap());
    server.takes(1).await;
    assert_eq!(bench.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_refused_for_good_is_tried_once_an_hour_or_when_it_was_set_anew() {
    const NO_AUTH: Says = TAKES;
    let (state, server) = (TempDir::new().unwrap(), Server::new(NO_AUTH));
    let bench = Bench::new(state.path(), &server);
    bench.set(|settings| settings.mail.user.take("cam").unwrap());
    bench.moved().await;
    eventually("it was tried", || server.asked() == 1).await;
    sleep(Duration::from_secs(3000)).await;
    assert_eq!((server.asked(), bench.events()), (1, vec!["mail failed: authentication not accepted".to_owned()]));
    bench.set(|settings| settings.mail.user.take("").unwrap());
    server.takes(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_is_refused_for_good_is_thrown_away_and_one_that_is_refused_for_now_lets_others_pass() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(SPAM));
    let bench = Bench::new(state.path(), &server);
    bench.moved().await;
    eventually("it is thrown away", || bench.metrics.text(None).contains("dropped_total{link=\"mail\"} 1\n")).await;
    assert_eq!((server.asked(), bench.events()), (1, vec!["mail failed: body rejected".to_owned()]));
    server.says(FULL);
    bench.moved().await;
    eventually("the next was tried", || server.asked() >= 2).await;
    server.says(TAKES);
    bench.blind_alarm().await;
    server.takes(2).await;
    assert!(server.taken()[0].contains("Subject: ") && server.taken().len() == 2);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_who_is_refused_for_now_gets_it_later_and_nobody_twice() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(GREY));
    let bench = Bench::new(state.path(), &server);
    bench.moved().await;
    eventually("it was tried", || server.asked() == 1).await;
    server.says(TAKES);
    server.takes(1).await;
    sleep(Duration::from_secs(1000)).await;
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_mails_without_a_word_is_not_sent_them_all_day() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(LEAVES));
    let bench = Bench::new(state.path(), &server);
    bench.moved().await;
    eventually("it is given up", || bench.metrics.text(None).contains("dropped_total{link=\"mail\"} 1\n")).await;
    assert_eq!(server.taken().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_mailed_nowhere_is_told_and_keeps_nothing() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(TAKES));
    let bench = Bench::new(state.path(), &server);
    bench.set(|settings| settings.mail.svr.take("").unwrap());
    let mut reports = bench.alarm(true).await;
    let report = timeout(Duration::from_secs(2000), reports.recv()).await.unwrap().unwrap();
    assert_eq!(report, Report { link: Link::Mail, outcome: Outcome::Failed("no mail server is set".into()) });
    assert_eq!(bench.events(), ["mail failed: cannot connect"]);
}

#[tokio::test(start_paused = true)]
async fn a_drills_mail_is_marked_and_whoever_drills_is_told_and_one_that_failed_is_not_sent_later() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(TAKES));
    let bench = Bench::new(state.path(), &server);
    bench.hours.forbid(true);
    let told = async |mut reports: mpsc::Receiver<Report>| {
        timeout(Duration::from_secs(2000), reports.recv()).await.unwrap().unwrap().outcome
    };
    assert_eq!(told(bench.alarm(true).await).await, Outcome::Done("sent to one@example.org".into()));
    let mail = server.taken().remove(0);
    assert!(mail.contains("Subject: DRILL ") && mail.contains("This is a drill"), "{mail}");
    server.says(BUSY);
    let outcome = told(bench.alarm(true).await).await;
    assert!(matches!(&outcome, Outcome::Failed(words) if words.contains("421 busy")), "{outcome:?}");
    server.says(TAKES);
    bench.alarm(false).await;
    server.takes(2).await;
    eventually("nothing waits", || bench.metrics.text(None).contains("queued{link=\"mail\"} 0\n")).await;
    assert!(!server.taken()[1].contains("DRILL") && server.taken().len() == 2);
}

#[tokio::test(start_paused = true)]
async fn a_drill_takes_no_place_of_what_waits_and_what_waits_goes_when_its_mail_was_taken() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(BUSY));
    let bench = Bench::new(state.path(), &server);
    for _ in 0..LIMITS.items {
        bench.moved().await;
    }
    let all_wait = format!("queued{{link=\"mail\"}} {}\n", LIMITS.items);
    eventually("all wait", || bench.metrics.text(None).contains(&all_wait)).await;
    bench.hours.forbid(true);
    let told = async |mut reports: mpsc::Receiver<Report>| {
        timeout(Duration::from_secs(2000), reports.recv()).await.unwrap().unwrap().outcome
    };
    let outcome = told(bench.alarm(true).await).await;
    assert!(matches!(&outcome, Outcome::Failed(words) if words.contains("421 busy")), "{outcome:?}");
    assert!(bench.metrics.text(None).contains(&all_wait));
    // A refusal for good: what waits is left alone for an hour.
    let asked = server.asked();
    server.says(NO_SENDER);
    eventually("it was tried", || server.asked() > asked).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(server.asked(), asked + 1);
    server.says(TAKES);
    let begin = now();
    assert_eq!(told(bench.alarm(true).await).await, Outcome::Done("sent to one@example.org".into()));
    server.takes(LIMITS.items + 1).await;
    assert!(now() < begin + Duration::from_secs(600), "not by the clock");
    assert!(!bench.metrics.text(None).contains("dropped_total{link=\"mail\"} "));
}

#[tokio::test(start_paused = true)]
async fn while_the_gate_is_closed_no_picture_leaves_and_mails_without_one_pass() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(BUSY));
    let bench = Bench::new(state.path(), &server);
    let (hub, frames) = (bench.hub.clone(), std::array::from_fn::<_, 80, _>(|n| n as u64));
    let alarm = bench.alarm(false).await;
    for seq in frames {
        hub.publish(bench.hours.frame(seq, b"\xff\xd8\xff\xd9".to_vec()));
        sleep(Duration::from_millis(100)).await;
    }
    drop(alarm);
    eventually("it was tried", || server.asked() >= 1).await;
    bench.hours.forbid(true);
    server.says(TAKES);
    sleep(Duration::from_secs(1000)).await;
    assert_eq!(server.taken().len(), 0, "it waits");
    bench.blind_alarm().await;
    server.takes(1).await;
    assert!(!server.taken()[0].contains("image/jpeg"), "the one without pictures");
    sleep(Duration::from_secs(1000)).await;
    assert_eq!(server.taken().len(), 1);
    bench.hours.forbid(false);
    server.takes(2).await;
    let mail = server.taken().remove(1);
    assert_eq!(mail.matches("image/jpeg").count(), 6, "{mail}");
    assert!(mail.contains("000102030405(ipcamera)_1_") && mail.contains("0 pictures from before"), "{mail}");
    has(&bench.metrics, "lookout_alarm_errands_total{link=\"mail\",result=\"done\"} 2");
}

#[tokio::test(start_paused = true)]
async fn a_mail_whose_pictures_are_collected_when_the_hours_begin_has_none() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(TAKES));
    let bench = Bench::new(state.path(), &server);
    bench.alarm(false).await;
    for seq in 0..20 {
        bench.hub.publish(bench.hours.frame(seq, b"\xff\xd8\xff\xd9".to_vec()));
        sleep(Duration::from_millis(100)).await;
    }
    bench.hours.forbid(true);
    server.takes(1).await;
    assert!(server.taken()[0].contains("none leaves the camera at this hour"));
    assert!(!server.taken()[0].contains("image/jpeg"));
}

#[tokio::test(start_paused = true)]
async fn a_test_says_what_is_missing_and_one_runs_at_a_time() {
    let (state, server) = (TempDir::new().unwrap(), Server::new(TAKES));
    let bench = Bench::new(state.path(), &server);
    let tester = Tester {
        settings: bench.settings.subscribe(),
        id: Mac::default(),
        hub: bench.hub.clone(),
        sequence: Arc::default(),
        going: Mutex::default(),
    };
    let (one, other) = tokio::join!(tester.by(&server), tester.by(&server));
    assert_eq!((one, other), (Some(0), None));
    assert!(server.taken()[0].contains("test mail at"));
    bench.set(|settings| settings.mail.receivers[1].take("two@example.org").unwrap());
    server.says(GREY);
    assert_eq!(tester.by(&server).await, Some(-7));
    bench.set(|settings| settings.mail.receivers = Default::default());
    assert_eq!(tester.by(&server).await, Some(-7));
    bench.set(|settings| settings.mail.sender.take("").unwrap());
    assert_eq!(tester.by(&server).await, Some(-6));
    bench.set(|settings| settings.mail.svr.take("").unwrap());
    assert_eq!(tester.by(&server).await, Some(-1));
}
