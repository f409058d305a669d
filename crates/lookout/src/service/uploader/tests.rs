use std::collections::BTreeMap;

use lookout_core::{
    alarm::Cause,
    profile::{settings::FtpMode, wire::Wire},
};
use lookout_testkit::{Does, FtpServer};
use tokio::{task::JoinSet, time::sleep};

use super::*;
use crate::{
    alarm::{Occasion, Outcome, Report},
    privacy::testing::Hours,
};

const SOON: Duration = Duration::from_secs(30);

/// An uploader with a camera that delivers, a gate and a server.
struct Bench {
    server: FtpServer,
    hours: Hours,
    settings: watch::Sender<Arc<Settings>>,
    errands: mpsc::Sender<Errand>,
    notes: Arc<Mutex<Vec<String>>>,
    _running: JoinSet<()>,
    dir: tempfile::TempDir,
}

fn wire<T: Wire + Default>(text: &str) -> T {
    let mut value = T::default();
    value.take(text).unwrap();
    value
}

fn account(ftp: &mut Ftp, port: u16) {
    ftp.svr = wire("127.0.0.1");
    ftp.port = wire(&port.to_string());
    (ftp.user, ftp.pwd) = (wire("me"), wire("k3pt-s3cret"));
}

const PICTURE: &[u8] = &[0x55; 300_000];

impl Bench {
    fn new() -> Self {
        Self::start(FtpServer::start(), tempfile::tempdir().unwrap())
    }

    /// Starts one whose queue holds a picture since before, and whose server these files.
    async fn with(name: &str, once: bool, files: &[(&str, &[u8])]) -> Self {
        let server = FtpServer::start();
        files.iter().for_each(|(path, file)| server.put(path, file));
        Self::after(server, &[json!({ "name": name, "once": once })]).await
    }

    /// Starts one whose queue holds these pictures since before.
    async fn after(server: FtpServer, heads: &[serde_json::Value]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(dir.path(), Link::Ftp, LIMITS, Arc::default());
        for head in heads {
            queue.push(Item { head: head.clone(), body: PICTURE.into() }).await.unwrap();
        }
        drop(queue);
        Self::start(server, dir)
    }

    fn start(server: FtpServer, dir: tempfile::TempDir) -> Self {
        let hours = Hours::default();
        let settings = watch::Sender::new(Arc::new(Settings::factory()));
        settings.send_modify(|settings| account(&mut Arc::make_mut(settings).ftp, server.port));
        let (gate, counters) = (hours.gate(Arc::default()), Arc::<AlarmCounters>::default());
        let hub = Hub::new(gate.clone(), Arc::default(), Arc::default());
        let queue = Queue::open(dir.path(), Link::Ftp, LIMITS, counters.clone());
        let (errands, taken) = mpsc::channel(8);
        let notes = Arc::<Mutex<Vec<String>>>::default();
        let noted = notes.clone();
        let parts = Parts {
            settings: settings.subscribe(),
            id: Mac([0, 1, 2, 3, 4, 5]),
            hub: hub.clone(),
            gate,
            queue,
            pictures: Arc::default(),
            note: Box::new(move |event| noted.lock().unwrap().push(event.to_string())),
            counters,
        };
        let mut running = JoinSet::new();
        running.spawn(run(parts, taken));
        let start = Instant::now();
        running.spawn(async move {
            for seq in 1.. {
                let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(4 * 86_400) + start.elapsed();
                let captured = Instant::now().into_std();
                let size = lookout_core::media::frame::Size::VGA;
                hub.publish(lookout_core::media::frame::Frame {
                    seq,
                    captured,
                    wall,
                    size,
                    jpeg: PICTURE.into(),
                    live: true,
                    view: Some(0),
                });
                sleep(Duration::from_millis(5)).await;
            }
        });
        Self { server, hours, settings, errands, notes, _running: running, dir }
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) {
        self.settings.send_modify(|settings| change(Arc::make_mut(settings)));
    }

    /// Sends an errand; returns where it reports, if it is one of a drill.
    async fn alarm(&self, drill: bool) -> mpsc::Receiver<Report> {
        let (report, told) = mpsc::channel(1);
        let (at, wall) = (Instant::now().into_std(), SystemTime::UNIX_EPOCH);
        let occasion = Arc::new(Occasion { number: 1, cause: Cause::Input, at, wall, drill });
        self.errands.send(Errand { occasion, report: Some(report) }).await.unwrap();
        told
    }

    async fn eventually(&self, what: &str, so: impl Fn(&FtpServer) -> bool) {
        let waited = timeout(SOON, async {
            while !so(&self.server) {
                sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "still not so: {what}\n{:#?}", self.server.said());
    }

    /// Waits until nothing waits on the disk.
    async fn arrived(&self) {
        let folder = self.dir.path().join("queue/ftp");
        let waits = || std::fs::read_dir(&folder).is_ok_and(|mut files| files.next().is_some());
        self.eventually("nothing waits on the disk", |_| !waits()).await;
    }

    /// Returns the names of the server's files, each of which must be the picture.
    fn names(&self) -> Vec<String> {
        let whole = |(name, file): (String, Vec<u8>)| {
            assert!(file == PICTURE, "{name} is not whole: {}", file.len());
            name
        };
        self.server.files().into_iter().map(whole).collect()
    }
}

#[tokio::test]
async fn a_picture_of_an_alarm_is_stored_as_a_part_and_then_named_wherever_the_server_says_that_data_go() {
    for mode in [FtpMode::Passive, FtpMode::Port] {
        let bench = Bench::new();
        bench.set(|settings| settings.ftp.mode = mode);
        for _ in 0..2 {
            bench.alarm(false).await;
        }
        bench.eventually("both are there", |server| server.count("RNTO") == 2).await;
        bench.arrived().await;
        let names = ["000102030405(ipcamera)_2_19700105000000_1.jpg", "000102030405(ipcamera)_2_19700105000000_2.jpg"];
        assert_eq!(bench.names(), names);
        assert_eq!([bench.server.count("STOR 000102030405.part"), bench.server.count("USER")], [2, 2]);
    }
}

#[tokio::test]
async fn a_connection_is_kept_if_the_settings_say_so_until_they_name_another_account() {
    let bench = Bench::new();
    bench.set(|settings| settings.ftp.retain = true);
    for user in ["me", "you"] {
        bench.set(|settings| settings.ftp.user = wire(user));
        for _ in 0..2 {
            bench.alarm(false).await;
        }
        let stored = if user == "me" { 2 } else { 4 };
        bench.eventually("they are there", |server| server.count("RNTO") == stored).await;
        bench.arrived().await;
    }
    assert_eq!([bench.server.count("USER me"), bench.server.count("USER you")], [1, 1]);
}

#[tokio::test]
async fn a_kept_connection_is_closed_when_the_settings_want_it_no_more_and_not_with_the_next_picture() {
    for change in [|ftp: &mut Ftp| ftp.retain = false, |ftp: &mut Ftp| ftp.user = wire("you")] {
        let bench = Bench::new();
        bench.set(|settings| settings.ftp.retain = true);
        bench.alarm(false).await;
        bench.eventually("it is there", |server| server.count("RNTO") == 1).await;
        bench.arrived().await;
        bench.set(|settings| settings.ftp.numberoffiles = wire("3"));
        bench.alarm(false).await;
        bench.eventually("it is there, too", |server| server.count("RNTO") == 2).await;
        bench.arrived().await;
        assert_eq!([bench.server.count("USER"), bench.server.count("QUIT")], [1, 0], "another setting closes nothing");
        bench.set(|settings| change(&mut settings.ftp));
        bench.eventually("it is closed", |server| server.count("QUIT") == 1).await;
    }
}

#[tokio::test]
async fn what_had_arrived_before_the_camera_was_cut_is_not_sent_again() {
    let bench = Bench::with("a_1.jpg", true, &[("a_1.jpg", PICTURE)]).await;
    bench.arrived().await;
    assert_eq!([bench.server.count("STOR"), bench.server.count("SIZE a_1.jpg")], [0, 1]);
    assert_eq!(bench.names(), ["a_1.jpg"]);
}

#[tokio::test]
async fn what_was_half_there_is_removed_and_sent_whole() {
    let bench = Bench::with("a_1.jpg", true, &[("a_1.jpg", b"half"), ("000102030405.part", b"half")]).await;
    bench.eventually("it is there", |server| server.count("RNTO") == 1).await;
    bench.arrived().await;
    assert_eq!(bench.names(), ["a_1.jpg"]);
    let said = bench.server.said();
    let at = |command: &str| said.iter().position(|said| said == command).expect(command);
    assert!(at("DELE a_1.jpg") < at("DELE 000102030405.part"));
    assert!(at("DELE 000102030405.part") < at("STOR 000102030405.part"));
}

#[tokio::test]
async fn a_picture_that_is_refused_holds_no_other_up_and_is_not_tried_for_ever() {
    let server = FtpServer::start();
    for rule in ["RNTO bad", "DELE bad", "STOR bad"] {
        server.on(rule, Does::Says("553 Not this name."));
    }
    let tried = ROUNDS - 2;
    let heads =
        [json!({ "name": "bad.jpg", "once": true, "rounds": tried }), json!({ "name": "good.jpg", "once": true })];
    let bench = Bench::after(server, &heads).await;
    bench.eventually("it is refused", |server| server.count("STOR bad") == 1).await;
    // A change of the settings ends the pause.
    bench.set(|settings| settings.ftp.retain = true);
    bench.eventually("the other is there", |server| server.count("RNTO good") == 1).await;
    bench.arrived().await;
    assert_eq!((bench.names(), bench.server.count("STOR bad")), (vec!["good.jpg".to_owned()], 2));
}

#[tokio::test]
async fn a_name_that_others_have_too_is_no_sign_of_having_arrived() {
    let bench = Bench::with("door.jpg", false, &[("door.jpg", &[0x44; PICTURE.len()])]).await;
    bench.eventually("it is there", |server| server.count("RNTO") == 1).await;
    bench.arrived().await;
    assert_eq!(bench.names(), ["door.jpg"]);
}

#[tokio::test]
async fn an_outage_is_told_once_and_everything_arrives_once_behind_it() {
    let bench = Bench::new();
    for does in [Does::Cuts(1000), Does::HangsUp] {
        bench.server.on("STOR", does);
        let before = bench.server.count("STOR");
        bench.alarm(false).await;
        bench.eventually("it is tried", |server| server.count("STOR") > before).await;
    }
    bench.server.obey();
    bench.alarm(false).await;
    bench.eventually("they are there", |server| server.count("RNTO") == 3).await;
    bench.arrived().await;
    assert_eq!(bench.names().len(), 3);
    assert_eq!(*bench.notes.lock().unwrap(), ["FTP failed: network error"]);
    bench.server.on("PASS", Does::Says("530 No."));
    bench.alarm(false).await;
    bench.eventually("it is tried", |server| server.count("PASS") > 4).await;
    let told = async {
        while bench.notes.lock().unwrap().len() < 2 {
            sleep(Duration::from_millis(5)).await
        }
    };
    timeout(SOON, told).await.expect("another outage is told, too");
    assert_eq!(bench.notes.lock().unwrap()[1], "FTP failed: wrong password");
}

#[tokio::test]
async fn many_pictures_in_an_outage_do_not_put_its_end_off() {
    let bench = Bench::new();
    bench.server.on("PASS", Does::HangsUp);
    for attempt in 1..=6 {
        bench.alarm(false).await;
        bench.eventually("it is tried", |server| server.count("PASS") >= attempt).await;
    }
    bench.server.obey();
    // Each of them a failure of its own, the pause would be minutes by now.
    bench.arrived().await;
    assert_eq!(bench.names().len(), 6);
}

#[tokio::test]
async fn a_full_disk_keeps_no_half_file() {
    let bench = Bench::new();
    bench.server.on("STOR", Does::IsFull(1000));
    bench.alarm(false).await;
    bench.eventually("it is cleared", |server| server.count("DELE 000102030405.part") == 1).await;
    bench.eventually("nothing is left", |server| server.files().is_empty()).await;
    let told = async {
        while bench.notes.lock().unwrap().is_empty() {
            sleep(Duration::from_millis(5)).await
        }
    };
    timeout(SOON, told).await.unwrap();
    assert_eq!(*bench.notes.lock().unwrap(), ["FTP failed: STOR failed"]);
}

#[tokio::test]
async fn a_server_that_renames_nothing_gets_the_file_under_its_name() {
    for rule in ["RNFR", "RNTO"] {
        let bench = Bench::new();
        bench.set(|settings| settings.ftp.filename = wire("door"));
        bench.server.put("door.jpg", b"old");
        bench.server.on(rule, Does::Says("502 I do not know that."));
        bench.alarm(false).await;
        bench.eventually("it is there", |server| server.count("STOR door.jpg") == 1).await;
        bench.arrived().await;
        assert_eq!(bench.names(), ["door.jpg"]);
    }
}

#[tokio::test]
async fn a_file_of_which_less_has_arrived_is_not_given_its_name() {
    let bench = Bench::new();
    bench.server.on("SIZE", Does::Says("213 17"));
    bench.alarm(false).await;
    bench.eventually("it is removed", |server| server.count("DELE") >= 1).await;
    assert_eq!(bench.server.count("RNFR"), 0);
}

#[tokio::test]
async fn forbidden_hours_cut_an_upload_off_and_it_is_made_behind_them() {
    let bench = Bench::new();
    bench.server.on("STOR", Does::Stalls);
    bench.alarm(false).await;
    bench.eventually("it is on its way", |server| !server.files().is_empty()).await;
    bench.hours.forbid(true);
    // Whoever waits at the gate is woken by whoever looks at it.
    let told = bench.alarm(true).await.recv().await.unwrap();
    assert_eq!(told.outcome, Outcome::Failed("no picture leaves in forbidden hours".to_owned()));
    bench.alarm(false).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(bench.server.count("USER"), 1, "nobody is called in forbidden hours");
    bench.eventually("what was not taken yet is thrown away", FtpServer::was_reset).await;
    bench.server.obey();
    bench.hours.forbid(false);
    // The guard of the hours keeps new pictures in for a moment; what was taken before them goes.
    bench.set(|settings| settings.ftp.retain = true);
    bench.eventually("the one from before the hours is there", |server| server.count("RNTO") == 1).await;
    bench.arrived().await;
    assert_eq!(bench.names().len(), 1);
    assert!(bench.notes.lock().unwrap().is_empty(), "that is no failure");
}

#[tokio::test]
async fn a_drill_is_marked_goes_past_the_queue_and_is_told_in_words() {
    let bench = Bench::new();
    bench.set(|settings| (settings.ftp.filename, settings.ftp.numberoffiles) = (wire("door"), wire("3")));
    let told = bench.alarm(true).await.recv().await.unwrap();
    assert_eq!(told.outcome, Outcome::Done("uploaded as drill_door.jpg to 127.0.0.1".to_owned()));
    assert_eq!(bench.names(), ["drill_door.jpg"]);
    bench.server.on("PASS", Does::Says("530 No."));
    let told = bench.alarm(true).await.recv().await.unwrap();
    assert_eq!(told.outcome, Outcome::Failed("127.0.0.1 refused the password (530)".to_owned()));
    assert_eq!(bench.server.count("PASS"), 2, "once each");
    bench.server.obey();
    bench.alarm(false).await;
    bench.eventually("an alarm takes the first turn", |server| server.files().contains_key("door_0.jpg")).await;
    bench.set(|settings| settings.ftp.svr = wire(""));
    let told = bench.alarm(true).await.recv().await.unwrap();
    assert_eq!(told.outcome, Outcome::Failed("no FTP server is set".to_owned()));
    assert!(bench.notes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn timed_pictures_come_while_the_schedule_says_so_and_are_not_queued() {
    let bench = Bench::new();
    bench.server.on("STOR", Does::Says("550 No."));
    bench.set(|settings| settings.ftp.upload_interval_s = wire("1"));
    bench.eventually("it is tried again, with the next", |server| server.count("STOR") >= 2).await;
    bench.server.obey();
    bench.eventually("one is there", |server| server.count("RNTO") >= 1).await;
    bench.set(|settings| settings.ftp.schedule.enable = true);
    bench.arrived().await;
    sleep(Duration::from_millis(300)).await;
    let stored = bench.server.count("STOR");
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(bench.server.count("STOR"), stored, "at no hour");
    assert!(bench.names().iter().all(|name| name.contains(")_0_")));
}

#[tokio::test]
async fn a_folder_is_made_if_it_is_not_there_and_no_name_is_taken_for_another_encoding() {
    let bench = Bench::new();
    bench.set(|settings| settings.ftp.dir = wire("a/bä"));
    bench.alarm(false).await;
    bench.eventually("it is there", |server| server.count("RNTO") == 1).await;
    assert!(bench.names()[0].starts_with("a/bä/0001"));
    let said = bench.server.said();
    assert_eq!(said[3..8], ["OPTS UTF8 ON", "CWD a/bä", "MKD a", "MKD a/bä", "CWD a/bä"]);
}

/// Returns what test_ftp.cgi says of a server that does so.
async fn tested(rules: &[(&str, Does)], change: impl FnOnce(&mut Ftp)) -> i8 {
    let (server, mut ftp) = (FtpServer::start(), Ftp::default());
    account(&mut ftp, server.port);
    change(&mut ftp);
    rules.iter().for_each(|(command, does)| server.on(command, *does));
    let result = test(&ftp, Mac([0, 1, 2, 3, 4, 5])).await;
    assert_eq!(server.files(), BTreeMap::new(), "{:?}", server.said());
    result
}

#[tokio::test]
async fn q57_a_test_says_what_was_refused() {
    let active = |ftp: &mut Ftp| ftp.mode = FtpMode::Port;
    let folder = |ftp: &mut Ftp| ftp.dir = wire("x");
    let encrypted = |ftp: &mut Ftp| ftp.tls = wire("1");
    let nowhere = |ftp: &mut Ftp| ftp.svr = wire("");
    let no = Does::Says("550 No.");
    assert_eq!(tested(&[], |_| ()).await, 0);
    assert_eq!(tested(&[], nowhere).await, -1);
    assert_eq!(tested(&[("greeting", Does::HangsUp)], |_| ()).await, -2);
    assert_eq!(tested(&[("greeting", Does::Says("421 Too many."))], |_| ()).await, -3);
    assert_eq!(tested(&[("greeting", Does::Says("HTTP/1.1 400 What?"))], |_| ()).await, -3);
    assert_eq!(tested(&[], encrypted).await, -3);
    assert_eq!(tested(&[("USER", no)], |_| ()).await, -4);
    assert_eq!(tested(&[("PASS", no)], |_| ()).await, -5);
    assert_eq!(tested(&[("PASS", Does::Says("421 Later."))], |_| ()).await, -3);
    assert_eq!(tested(&[("TYPE", no)], |_| ()).await, -3);
    assert_eq!(tested(&[("MKD", no)], folder).await, -6);
    assert_eq!(tested(&[("PASV", no)], |_| ()).await, -7);
    assert_eq!(tested(&[("PASV", Does::Says("227 Somewhere."))], |_| ()).await, -7);
    assert_eq!(tested(&[("PASV", Does::Says("227 (127,0,0,1,0,1)"))], |_| ()).await, -7);
    assert_eq!(tested(&[("STOR", Does::Says("425 Nobody there."))], |_| ()).await, -7);
    assert_eq!(tested(&[("PORT", no)], active).await, -8);
    assert_eq!(tested(&[("STOR", Does::Says("425 Nobody there."))], active).await, -8);
    assert_eq!(tested(&[("STOR", Does::Says("150 Soon.\r\n425 No, nobody there."))], active).await, -8);
    assert_eq!(tested(&[("STOR", no)], |_| ()).await, -9);
    assert_eq!(tested(&[("STOR", Does::IsFull(3))], |_| ()).await, -9);
}

#[tokio::test]
async fn one_test_runs_at_a_time() {
    let (server, mut settings) = (FtpServer::start(), Settings::factory());
    account(&mut settings.ftp, server.port);
    let settings = watch::Sender::new(Arc::new(settings));
    let tester = Tester { settings: settings.subscribe(), id: Mac::default(), going: Lock::default() };
    assert_eq!(tokio::join!(tester.test(), tester.test()), (Some(0), None));
    assert_eq!(tester.test().await, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_good_bye_that_is_not_answered_makes_no_upload_late() {
    let (server, mut ftp) = (FtpServer::start(), Ftp::default());
    account(&mut ftp, server.port);
    server.on("QUIT", Does::Nothing);
    let slow = ["USER", "PASS", "TYPE"];
    slow.iter().for_each(|command| server.on(command, Does::Waits));
    let testing = tokio::spawn(async move { test(&ftp, Mac([0, 1, 2, 3, 4, 5])).await });
    // Time stands still while something is to be done.
    for command in slow {
        while server.count(command) == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::advance(Duration::from_millis(9500)).await;
        server.release(command);
    }
    while server.count("QUIT") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(testing.await.unwrap(), 0, "{:?}", server.said());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_at_each_step() {
    for (command, active, code) in [
        ("USER", false, -2),
        ("CWD", false, -2),
        ("PASV", false, -7),
        ("PORT", true, -8),
        ("STOR", false, -2),
        ("RNTO", false, -2),
    ] {
        let (server, mut ftp) = (FtpServer::start(), Ftp::default());
        account(&mut ftp, server.port);
        ftp.dir = wire("x");
        ftp.mode = if active { FtpMode::Port } else { FtpMode::Passive };
        server.on(command, Does::Nothing);
        let testing = tokio::spawn(async move { test(&ftp, Mac([0, 1, 2, 3, 4, 5])).await });
        while server.count(command) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        // From here on nothing comes: time is let go by.
        tokio::time::pause();
        let begin = Instant::now();
        assert_eq!(testing.await.unwrap(), code, "{command}");
        assert!(begin.elapsed() <= WHOLE, "{command}");
        tokio::time::resume();
    }
}
