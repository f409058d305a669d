use std::{
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use lookout_core::profile::{settings::Settings, week::Word, wire::Wire as _};
use tokio::{
    sync::mpsc::Receiver,
    task::JoinHandle,
    time::{advance, sleep},
};

use super::*;
use crate::alarm::{WAITING, drill, in_json};

/// The service with links that do nothing but keep what they are given.
struct Chain {
    settings: watch::Sender<Arc<Settings>>,
    alarms: Arc<Alarms>,
    counters: Arc<AlarmCounters>,
    journal: Arc<Mutex<Vec<String>>>,
    mail: Receiver<Errand>,
    ftp: Receiver<Errand>,
    http: Receiver<Errand>,
    output: Receiver<(LineLevel, Errand)>,
    preset: Receiver<(u8, Errand)>,
    mqtt: Receiver<Errand>,
    service: JoinHandle<()>,
}

/// Monday 5 January 1970, noon.
fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(4 * 86_400 + 12 * 3600)
}

/// Settings with which everything is armed and an alarm does everything.
fn everything(settings: &mut Settings) {
    let alarm = &mut settings.alarm;
    (alarm.motion_armed, alarm.input_armed, alarm.sound_armed) = (true, true, true);
    (alarm.mail, alarm.http, alarm.iolinkage) = (true, true, true);
    alarm.http_url.take("http://home.example/alarm").unwrap();
    alarm.preset.take("7").unwrap();
    alarm.upload_interval_s.take("1").unwrap();
}

impl Chain {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::factory();
        change(&mut settings);
        let (settings, counters) = (watch::Sender::new(Arc::new(settings)), Arc::new(AlarmCounters::default()));
        let (alarms, journal) = (Alarms::new(counters.clone()), Arc::<Mutex<Vec<String>>>::default());
        let (mail, ftp, http, mqtt) =
            (mpsc::channel(WAITING), mpsc::channel(WAITING), mpsc::channel(WAITING), mpsc::channel(WAITING));
        let (output, preset) = (mpsc::channel(WAITING), mpsc::channel(WAITING));
        let links = Links {
            mail: Some(mail.0),
            ftp: Some(ftp.0),
            http: Some(http.0),
            output: Some(output.0),
            preset: Some(preset.0),
            mqtt: Some(mqtt.0),
        };
        let told = journal.clone();
        let note = move |event: &Event| told.lock().unwrap_or_else(PoisonError::into_inner).push(event.to_string());
        let parts = Parts {
            settings: settings.subscribe(),
            alarms: alarms.clone(),
            links,
            note: Box::new(note),
            counters: counters.clone(),
        };
        let service = tokio::spawn(run(parts));
        let (mail, ftp, http, mqtt) = (mail.1, ftp.1, http.1, mqtt.1);
        Self { settings, alarms, counters, journal, mail, ftp, http, output: output.1, preset: preset.1, mqtt, service }
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) {
        self.settings.send_modify(|settings| change(Arc::make_mut(settings)));
    }

    /// Triggers, at noon, and lets the service hear of it.
    async fn trigger(&self, cause: Cause) {
        self.alarms.trigger(Trigger { cause, at: now(), wall: noon(), strength: 0.5, drill: None });
        self.settle().await;
    }

    /// Lets the service do what there is to do now.
    async fn settle(&self) {
        sleep(Duration::from_millis(2)).await;
    }

    fn journal(&self) -> Vec<String> {
        self.journal.lock().unwrap().clone()
    }

    /// What was decided, and how often.
    fn decided(&self) -> Vec<(Cause, Reason, u64)> {
        let entries = self.alarms.decisions(now());
        entries.iter().map(|entry| (entry.cause, entry.reason, entry.count)).collect()
    }

    /// The levels that the output was driven to since the last look.
    fn driven(&mut self) -> Vec<LineLevel> {
        taken(&mut self.output).into_iter().map(|(level, _)| level).collect()
    }
}

/// Takes what waits for a link.
fn taken<T>(link: &mut Receiver<T>) -> Vec<T> {
    std::iter::from_fn(|| link.try_recv().ok()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_alarm_gives_every_link_its_errands_and_is_told_of_while_it_lasts() {
    let mut chain = Chain::new(everything);
    let mut follow = chain.alarms.follow();
    chain.trigger(Cause::Sound).await;
    assert_eq!(chain.alarms.standing(), Some(Cause::Sound));
    let occasion = follow.borrow_and_update().clone().unwrap();
    assert_eq!((occasion.cause, occasion.wall, occasion.drill), (Cause::Sound, noon(), false));
    chain.trigger(Cause::Motion).await;
    sleep(Duration::from_secs(59)).await;
    assert_eq!(chain.alarms.standing(), Some(Cause::Sound));
    sleep(Duration::from_secs(2)).await;
    assert_eq!((chain.alarms.standing(), follow.borrow_and_update().is_none()), (None, true));
    let mail = taken(&mut chain.mail);
    assert_eq!((mail.len(), &mail[0].occasion, mail[0].report.is_none()), (1, &occasion, true));
    assert_eq!((taken(&mut chain.http).len(), taken(&mut chain.ftp).len()), (1, 61));
    assert_eq!(taken(&mut chain.preset).iter().map(|(preset, _)| *preset).collect::<Vec<_>>(), [7]);
    assert_eq!(chain.driven(), [LineLevel::High, LineLevel::Low]);
    assert_eq!(chain.journal(), ["sound alarm"]);
    assert_eq!(chain.decided(), [(Cause::Sound, Reason::Alarm, 1), (Cause::Motion, Reason::Prolonged, 1)]);
    assert!(taken(&mut chain.mqtt).is_empty(), "it follows alarms by itself");
    // Another alarm is another occasion.
    chain.trigger(Cause::Motion).await;
    assert!(follow.borrow_and_update().clone().unwrap().number > occasion.number);
}

#[tokio::test(start_paused = true)]
async fn f19_ten_thousand_triggers_a_minute_are_one_mail_one_call_and_a_few_entries() {
    let mut chain = Chain::new(everything);
    let (mut mails, mut calls, mut uploads) = (0, 0, 0);
    // Three minutes of it, and two in which it calms down and begins again.
    for minute in 0..5 {
        for _ in 0..10_000 {
            if minute != 3 {
                chain.alarms.trigger(Trigger {
                    cause: Cause::Motion,
                    at: now(),
                    wall: noon(),
                    strength: 1.0,
                    drill: None,
                });
            }
            sleep(Duration::from_millis(6)).await;
            mails += taken(&mut chain.mail).len();
            calls += taken(&mut chain.http).len();
            uploads += taken(&mut chain.ftp).len();
        }
    }
    assert_eq!((mails, calls), (2, 2), "one an alarm");
    assert!((280..=380).contains(&uploads), "{uploads}: one a second while an alarm lasts");
    assert_eq!(chain.counters.triggers_lost.get(), 0);
    assert_eq!(chain.journal(), ["motion detect", "motion detect"]);
    assert!(chain.decided().len() <= 4, "{:?}", chain.decided());
    assert_eq!(chain.driven(), [LineLevel::High, LineLevel::Low, LineLevel::High]);
}

#[tokio::test(start_paused = true)]
async fn f19_more_triggers_at_once_than_wait_are_counted_and_the_alarm_is_the_same() {
    let mut chain = Chain::new(everything);
    for _ in 0..10_000 {
        chain.alarms.trigger(Trigger { cause: Cause::Input, at: now(), wall: noon(), strength: 1.0, drill: None });
    }
    chain.settle().await;
    assert_eq!(taken(&mut chain.mail).len(), 1);
    let told: u64 = chain.decided().iter().map(|(.., count)| count).sum();
    assert_eq!((told, chain.counters.triggers_lost.get()), (WAITING as u64, 10_000 - WAITING as u64));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_takes_nothing_delays_nobody_and_what_it_misses_is_counted() {
    let mut chain = Chain::new(everything);
    // Nobody takes from the uploader: it is full after a minute, and the alarm goes on.
    for _ in 0..4 {
        chain.trigger(Cause::Motion).await;
        sleep(Duration::from_secs(30)).await;
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!((chain.driven(), taken(&mut chain.mail).len()), (vec![LineLevel::High, LineLevel::Low], 1));
    let lost = chain.counters.errands_lost.get();
    assert_eq!((taken(&mut chain.ftp).len(), (80..=90).contains(&lost)), (WAITING, true), "{lost}");
}

#[tokio::test(start_paused = true)]
async fn q61_whoever_disarms_ends_the_alarm_and_the_output_at_once() {
    let mut chain = Chain::new(everything);
    chain.trigger(Cause::Motion).await;
    chain.set(|settings| settings.alarm.motion_armed = false);
    chain.settle().await;
    assert_eq!((chain.alarms.standing(), chain.driven()), (None, vec![LineLevel::High, LineLevel::Low]));
    chain.trigger(Cause::Motion).await;
    assert_eq!(chain.decided(), [(Cause::Motion, Reason::Alarm, 1), (Cause::Motion, Reason::NotArmed, 1)]);
    // Another setting is no reason, and the end of the schedule only lets it run out.
    chain.trigger(Cause::Input).await;
    chain.set(|settings| settings.alarm.schedule.enable = true);
    chain.settle().await;
    assert_eq!(chain.alarms.standing(), Some(Cause::Input));
    sleep(Duration::from_secs(30)).await;
    chain.trigger(Cause::Input).await;
    sleep(Duration::from_secs(31)).await;
    assert_eq!(chain.alarms.standing(), None, "what triggers out of schedule prolongs nothing");
    assert_eq!(chain.decided().last().unwrap().1, Reason::OutOfSchedule);
}

#[tokio::test(start_paused = true)]
async fn q61_in_forbidden_hours_nothing_seen_or_heard_triggers_and_the_input_does() {
    let mut chain = Chain::new(|settings| {
        everything(settings);
        settings.forbidden.enable = true;
        settings.forbidden.week.days[1] = [Word(u32::MAX); 3];
    });
    for cause in [Cause::Motion, Cause::Sound] {
        chain.trigger(cause).await;
        assert_eq!(
            (chain.alarms.standing(), chain.decided().last().copied()),
            (None, Some((cause, Reason::Forbidden, 1)))
        );
    }
    chain.trigger(Cause::Input).await;
    assert_eq!((chain.alarms.standing(), taken(&mut chain.mail).len()), (Some(Cause::Input), 1));
    assert_eq!(chain.driven(), [LineLevel::High]);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_the_output_is_put_back_before_anybody_goes_on() {
    let mut chain = Chain::new(everything);
    chain.trigger(Cause::Motion).await;
    assert_eq!(chain.driven(), [LineLevel::High]);
    let begin = Instant::now();
    let mut output = std::mem::replace(&mut chain.output, mpsc::channel(1).1);
    let line = tokio::spawn(async move {
        let (level, errand) = output.recv().await.unwrap();
        sleep(Duration::from_millis(200)).await;
        errand.tell(Link::Output, Ok(String::new()));
        level
    });
    chain.alarms.close().await;
    assert!(line.is_finished() && begin.elapsed() < PUT_BACK, "{:?}", begin.elapsed());
    assert_eq!((line.await.unwrap(), chain.alarms.standing()), (LineLevel::Low, None));
    chain.service.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_end_without_an_alarm_and_one_whose_output_hangs_are_short() {
    let idle = Chain::new(everything);
    idle.settle().await;
    let begin = Instant::now();
    idle.alarms.close().await;
    assert!(begin.elapsed() < Duration::from_millis(10), "{:?}", begin.elapsed());
    let hangs = Chain::new(everything);
    hangs.trigger(Cause::Motion).await;
    let begin = Instant::now();
    hangs.alarms.close().await;
    assert!((PUT_BACK..PUT_BACK * 2).contains(&begin.elapsed()), "{:?}", begin.elapsed());
    // Where no service was started, nobody waits at all.
    Alarms::new(Arc::default()).close().await;
}

/// Does every errand of a drill after a time, and says whether it was marked.
fn does<T: Send + 'static>(mut link: Receiver<T>, of: Link, errand: fn(&T) -> &Errand, after: Duration) {
    tokio::spawn(async move {
        while let Some(what) = link.recv().await {
            sleep(after).await;
            let errand = errand(&what);
            let words = if errand.occasion.drill { "marked" } else { "not marked" };
            errand.tell(of, Ok(words.to_owned()));
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_drill_goes_to_every_link_though_nothing_is_armed_and_is_no_alarm() {
    let mut chain = Chain::new(|settings| {
        everything(settings);
        let alarm = &mut settings.alarm;
        (alarm.motion_armed, alarm.input_armed, alarm.sound_armed) = (false, false, false);
    });
    let follow = chain.alarms.follow();
    let take = || mpsc::channel(1).1;
    does(std::mem::replace(&mut chain.mail, take()), Link::Mail, |errand| errand, Duration::from_secs(36));
    does(std::mem::replace(&mut chain.ftp, take()), Link::Ftp, |errand| errand, Duration::from_secs(1));
    does(std::mem::replace(&mut chain.http, take()), Link::Http, |errand| errand, Duration::ZERO);
    does(std::mem::replace(&mut chain.mqtt, take()), Link::Mqtt, |errand| errand, Duration::ZERO);
    does(std::mem::replace(&mut chain.preset, mpsc::channel(1).1), Link::Preset, |what| &what.1, Duration::ZERO);
    let mut output = std::mem::replace(&mut chain.output, mpsc::channel(1).1);
    let drilled = tokio::spawn({
        let alarms = chain.alarms.clone();
        async move { drill(&alarms).await }
    });
    let (level, errand) = output.recv().await.unwrap();
    assert_eq!((level, errand.occasion.drill), (LineLevel::High, true));
    errand.tell(Link::Output, Err("the line is gone".to_owned()));
    errand.tell(Link::Output, Ok("what is told first counts".to_owned()));
    // Another one has to wait for its turn, and no status, journal or follower takes it for an alarm.
    assert_eq!(drill(&chain.alarms).await, None);
    assert_eq!((chain.alarms.standing(), follow.has_changed().unwrap(), chain.journal().len()), (None, false, 0));
    assert_eq!(chain.decided(), [(Cause::Motion, Reason::Drill, 1)]);
    let told = drilled.await.unwrap().unwrap();
    let done = || Outcome::Done("marked".to_owned());
    assert_eq!(
        told,
        [
            (Link::Mail, done()),
            (Link::Ftp, done()),
            (Link::Http, done()),
            (Link::Output, Outcome::Failed("the line is gone".to_owned())),
            (Link::Preset, done()),
            (Link::Mqtt, done()),
        ]
    );
    assert_eq!(output.recv().await.unwrap().0, LineLevel::Low, "it is put back");
    let json: serde_json::Value = serde_json::from_str(&in_json(&told)).unwrap();
    assert_eq!((&json["passed"], &json["links"][3]["words"]), (&false.into(), &"the line is gone".into()));
}

#[tokio::test(start_paused = true)]
async fn a_drill_answers_within_a_minute_whatever_the_links_do_and_then_another_may_begin() {
    let mut chain = Chain::new(|settings| {
        everything(settings);
        settings.alarm.preset.take("0").unwrap();
        settings.forbidden.enable = true;
        settings.forbidden.week.days = [[Word(u32::MAX); 3]; 7];
    });
    // One loses its errand, the others never answer.
    let lost = tokio::spawn({
        let mut mail = std::mem::replace(&mut chain.mail, mpsc::channel(1).1);
        async move { mail.recv().await.map(drop) }
    });
    let begin = Instant::now();
    let told = drill(&chain.alarms).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(60));
    lost.await.unwrap().unwrap();
    let late = Outcome::Failed("no answer within 55 s".to_owned());
    assert_eq!(told[0].1, late);
    assert_eq!(told[1].1, Outcome::Off("no picture may leave in forbidden hours"));
    assert_eq!((&told[2].1, &told[3].1), (&late, &late));
    assert_eq!(told[4].1, Outcome::Off("alarms move to no preset: alarm_preset is 0"));
    assert!(taken(&mut chain.ftp).is_empty());
    // Whoever asks and leaves does not end it.
    let asked = tokio::spawn({
        let alarms = chain.alarms.clone();
        async move { drill(&alarms).await.map(drop) }
    });
    chain.settle().await;
    asked.abort();
    assert_eq!(drill(&chain.alarms).await, None);
    sleep(Duration::from_secs(56)).await;
    // And where all who could tell are gone, nobody waits.
    chain.service.abort();
    advance(Duration::from_secs(1)).await;
    let begin = Instant::now();
    let told = drill(&chain.alarms).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert!(told.iter().all(|(_, outcome)| matches!(outcome, Outcome::Failed(words) if words.contains("given up"))));
}

#[tokio::test(start_paused = true)]
async fn what_alarms_do_not_do_is_off_in_a_drill_and_what_is_lacking_has_failed() {
    let counters = Arc::new(AlarmCounters::default());
    let alarms = Alarms::new(counters.clone());
    let settings = watch::Sender::new(Arc::new(Settings::factory()));
    let parts = Parts {
        settings: settings.subscribe(),
        alarms: alarms.clone(),
        links: Links::default(),
        note: Box::new(|_| {}),
        counters,
    };
    tokio::spawn(run(parts));
    let told = drill(&alarms).await.unwrap();
    assert!(told.iter().all(|(_, outcome)| matches!(outcome, Outcome::Off(_))), "{told:?}");
    assert!(in_json(&told).starts_with("{\"passed\":true,\"links\":[\n{\"link\":\"mail\",\"result\":\"off\","));
    settings.send_modify(|settings| everything(Arc::make_mut(settings)));
    let told = drill(&alarms).await.unwrap();
    let failed = told.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_))).count();
    assert_eq!((failed, told[3].1.words()), (5, ("failed", "no output is configured")));
    settings.send_modify(|settings| Arc::make_mut(settings).alarm.http_url.take("").unwrap());
    assert!(drill(&alarms).await.unwrap()[2].1.words().1.ends_with("alarm_http_url is empty"));
}
