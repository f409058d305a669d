use super::*;
use crate::profile::wire::{Mac, Wire as _};

mod any;

const ALL: Reach = Reach { host: true, port: true };
const NO_HOST: Reach = Reach { host: false, port: true };
const NOTHING: Reach = Reach { host: false, port: false };
const WINDOW: Duration = Duration::from_secs(120);
const S: fn(u64) -> Duration = Duration::from_secs;

/// Makes settings with this address; an empty one is DHCP, as from the factory.
fn at(ip: &str) -> Settings {
    let mut settings = Settings::factory();
    settings.network.ip.take(ip).unwrap();
    settings.network.mask.take("255.255.255.0").unwrap();
    settings
}

fn on_port(port: &str) -> Settings {
    let mut settings = at("");
    settings.network.port.take(port).unwrap();
    settings
}

/// A machine whose host and disk do as they are told, and what came of it.
struct Rig {
    confirm: Confirm,
    settings: Settings,
    disk: Option<Chosen>,
    /// What the host was told last.
    host: Option<Chosen>,
    outcome: Outcome,
    now: Instant,
}

impl Rig {
    fn start(settings: Settings, disk: Option<Chosen>, reach: Reach, window: Duration) -> Self {
        let now = Instant::now();
        let confirm = Confirm::new(
            disk.clone().map_or(OnDisk::Nothing, |kept| OnDisk::Kept(Box::new(kept))),
            &settings,
            reach,
            window,
            now,
        );
        let mut rig = Self { confirm, settings, disk, host: None, outcome: Outcome::Done, now };
        rig.run(S(0));
        rig
    }

    fn fresh() -> Self {
        Self::start(at(""), None, ALL, WINDOW)
    }

    /// Does everything that is due within a time.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..1000 {
            match self.confirm.next(self.now) {
                Next::Back => {
                    self.confirm.kept().clone().put(&self.confirm.wanted().clone(), &mut self.settings);
                    self.confirm.put_back(Some(&self.settings), self.now);
                }
                Next::Write => {
                    self.disk = Some(self.confirm.kept().clone());
                    self.confirm.written(true, self.now);
                }
                Next::Tell => {
                    if self.outcome == Outcome::Done {
                        self.host = Some(self.confirm.target().clone());
                    }
                    self.confirm.tried(self.outcome, self.now, 0);
                }
                Next::Wait(Some(at)) if at <= end => self.now = at,
                Next::Wait(_) => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("there is always something to do: {:?}", self.confirm);
    }

    fn set(&mut self, settings: Settings) {
        self.settings = settings;
        self.confirm.changed(&self.settings, self.now);
    }

    /// Starts anew with what is on the disk.
    fn crash(self) -> Self {
        let window = self.confirm.window.unwrap_or_default();
        let next = Self::start(self.settings, self.disk, self.confirm.reach, window);
        Self { host: next.host.or(self.host), ..next }
    }

    /// Returns the address that the host was told; “own” while its network is its operator's.
    fn told(&self) -> String {
        let Some(host) = &self.host else { return "nothing".into() };
        if host.told { host.network.ip.0.map_or("dhcp".into(), |ip| ip.to_string()) } else { "own".into() }
    }

    fn shown(&self) -> String {
        self.settings.network.ip.0.map_or("dhcp".into(), |ip| ip.to_string())
    }
}

#[test]
fn until_when_a_manager_is_waited_for_is_known_while_he_is() {
    let mut rig = Rig::fresh();
    assert_eq!(rig.confirm.until(), None);
    rig.set(at("10.0.0.9"));
    rig.run(AFTER);
    let done = rig.now;
    assert_eq!(rig.confirm.until(), Some(done + WINDOW));
    rig.run(S(5));
    assert_eq!(rig.confirm.until(), Some(done + WINDOW), "it does not move");
    rig.confirm.seen(rig.now);
    assert_eq!(rig.confirm.until(), None);
    rig.set(at("10.0.0.10"));
    rig.run(WINDOW + S(5));
    assert_eq!((rig.confirm.until(), rig.shown().as_str()), (None, "10.0.0.9"));
}

#[test]
fn a_fresh_camera_leaves_the_hosts_network_alone_whatever_else_is_set() {
    let mut rig = Rig::start(at("10.0.0.9"), None, ALL, WINDOW);
    assert_eq!((rig.told().as_str(), rig.shown().as_str()), ("own", "10.0.0.9"));
    let mut other = rig.settings.clone();
    other.alias.take("porch").unwrap();
    rig.set(other);
    rig.run(S(1000));
    assert_eq!(rig.told(), "own");
    rig = rig.crash();
    assert_eq!((rig.told().as_str(), rig.shown().as_str()), ("own", "10.0.0.9"));
}

#[test]
fn a_change_is_applied_a_second_after_the_last_of_them() {
    let mut rig = Rig::fresh();
    rig.set(at("10.0.0.9"));
    rig.run(Duration::from_millis(900));
    assert_eq!(rig.told(), "own");
    rig.set(at("10.0.0.10"));
    rig.run(Duration::from_millis(900));
    assert_eq!(rig.told(), "own");
    rig.run(Duration::from_millis(100));
    assert_eq!(rig.told(), "10.0.0.10");
}

#[test]
fn what_nobody_confirms_comes_back_on_the_host_and_in_the_settings() {
    let mut rig = Rig::fresh();
    rig.set(at("10.0.0.9"));
    rig.run(S(120));
    assert_eq!(rig.told(), "10.0.0.9");
    rig.run(S(1));
    assert_eq!((rig.told().as_str(), rig.shown().as_str()), ("own", "dhcp"));
    assert!(!rig.confirm.seen(rig.now));
    assert_eq!(rig.disk, Some(rig.confirm.kept().clone()));
}

#[test]
fn a_manager_who_is_seen_in_time_keeps_it_over_a_restart_as_well() {
    let mut rig = Rig::fresh();
    rig.set(at("10.0.0.9"));
    rig.run(S(60));
    assert!(rig.confirm.seen(rig.now) && !rig.confirm.seen(rig.now));
    rig.run(S(1000));
    assert_eq!(rig.told(), "10.0.0.9");
    rig = rig.crash();
    rig.run(S(1000));
    assert_eq!((rig.told().as_str(), rig.shown().as_str()), ("10.0.0.9", "10.0.0.9"));
}

#[test]
fn a_manager_who_comes_before_the_host_is_told_confirms_nothing() {
    let mut rig = Rig::fresh();
    assert!(!rig.confirm.seen(rig.now));
    rig.set(at("10.0.0.9"));
    assert!(!rig.confirm.seen(rig.now) && !rig.confirm.waits_for_a_manager());
    rig.outcome = Outcome::Failed;
    rig.run(S(60));
    assert!(!rig.confirm.seen(rig.now), "the host was not told yet");
    rig.run(S(120));
    assert_eq!(rig.shown(), "dhcp");
}

#[test]
fn q74_whoever_was_let_in_before_a_change_was_in_force_does_not_confirm_it() {
    for (settings, settling) in [(at("10.0.0.9"), SETTLING), (on_port("81"), S(0))] {
        let mut rig = Rig::fresh();
        let before = rig.now;
        rig.run(S(50));
        rig.set(settings);
        rig.outcome = Outcome::Failed;
        rig.run(S(40));
        rig.outcome = Outcome::Done;
        while !rig.confirm.waits_for_a_manager() {
            rig.run(Duration::from_millis(100));
        }
        let done = rig.confirm.done;
        assert!(done > before + S(90), "it was told at last");
        rig.run(S(60));
        for early in [before, done - Duration::from_millis(1), (done + settling) - Duration::from_millis(1)] {
            assert!(!rig.confirm.is_behind(early), "{:?}", early.duration_since(before));
        }
        assert!(rig.confirm.is_behind(done + settling) && rig.confirm.is_behind(rig.now));
        rig.confirm.seen(rig.now);
        assert!(!rig.confirm.is_behind(rig.now), "there is nothing to confirm");
    }
}

#[test]
fn the_shortest_time_is_long_enough_to_be_seen_but_of_a_port() {
    for (settings, time) in [(at("10.0.0.9"), SHORTEST), (on_port("81"), S(2))] {
        let mut rig = Rig::start(at(""), None, ALL, S(2));
        rig.set(settings.clone());
        rig.run(AFTER + time - Duration::from_millis(1));
        assert_eq!(rig.settings, settings);
        rig.run(Duration::from_millis(1));
        assert_eq!(rig.settings, at(""));
    }
}

#[test]
fn q74_what_comes_back_is_what_was_last_confirmed_however_many_changes_follow() {
    let mut rig = Rig::fresh();
    rig.set(at("10.0.0.9"));
    rig.run(S(5));
    assert!(rig.confirm.seen(rig.now));
    for ip in ["10.0.0.10", "10.0.0.11", "10.0.0.12"] {
        rig.set(at(ip));
        rig.run(S(100));
        assert_eq!(rig.told(), ip);
    }
    rig.run(S(100));
    assert_eq!((rig.told().as_str(), rig.shown().as_str()), ("10.0.0.9", "10.0.0.9"));
}

#[test]
fn a_change_that_is_taken_back_by_hand_needs_no_confirmation() {
    let mut rig = Rig::fresh();
    rig.set(at("10.0.0.9"));
    rig.run(S(60));
    rig.set(at(""));
    rig.run(S(5));
    assert_eq!(rig.told(), "own");
    assert!(!rig.confirm.waits_for_a_manager());
}

#[test]
fn a_start_in_the_middle_begins_the_time_anew_and_the_change_still_comes_back() {
    for (before, told) in [(0, "nothing"), (60, "10.0.0.9"), (120, "10.0.0.9")] {
        let mut rig = Rig::fresh();
        rig.host = None;
        rig.set(at("10.0.0.9"));
        rig.run(S(before));
        assert_eq!(rig.told(), told);
        rig = rig.crash();
        rig.run(S(119));
        assert_eq!(rig.told(), "10.0.0.9", "{before}");
        rig.run(S(2));
        assert_eq!((rig.told().as_str(), rig.shown().as_str()), ("own", "dhcp"), "{before}");
    }
}

#[test]
fn a_start_between_the_settings_that_are_back_and_the_host_tells_the_host() {
    let mut rig = Rig::fresh();
    rig.set(at("10.0.0.9"));
    rig.run(S(5));
    rig.settings = at("");
    rig = rig.crash();
    assert_eq!(rig.told(), "own");
}

#[test]
fn without_a_time_everything_stays_once_the_host_has_taken_it() {
    let mut rig = Rig::start(at(""), None, ALL, Duration::ZERO);
    rig.outcome = Outcome::Failed;
    rig.set(at("10.0.0.9"));
    rig.run(S(10_000));
    assert_eq!(rig.shown(), "10.0.0.9");
    assert_eq!(rig.confirm.kept().network.ip.0, None);
    rig.outcome = Outcome::Done;
    rig.run(S(300));
    assert_eq!(rig.told(), "10.0.0.9");
    rig = rig.crash();
    rig.run(S(1000));
    assert_eq!(rig.told(), "10.0.0.9");
}

#[test]
fn a_host_that_comes_back_is_told_and_the_manager_has_all_the_time_from_then_on() {
    let mut rig = Rig::fresh();
    rig.outcome = Outcome::Failed;
    rig.set(at("10.0.0.9"));
    rig.run(S(90));
    rig.outcome = Outcome::Done;
    rig.run(S(110));
    assert_eq!(rig.told(), "10.0.0.9");
    assert!(rig.confirm.seen(rig.now));
    rig.run(S(0));
    // What is confirmed is told for as long as it takes.
    rig.outcome = Outcome::Failed;
    rig.host = None;
    rig = rig.crash();
    rig.outcome = Outcome::Failed;
    rig.host = None;
    rig.confirm.tell = Some(rig.now);
    rig.run(S(10_000));
    assert_eq!((rig.told().as_str(), rig.shown().as_str()), ("nothing", "10.0.0.9"));
    rig.outcome = Outcome::Done;
    rig.run(S(300));
    assert_eq!(rig.told(), "10.0.0.9");
}

#[test]
fn what_cannot_be_comes_back_at_once() {
    let mut rig = Rig::fresh();
    rig.set(at("10.0.0.9"));
    rig.outcome = Outcome::Impossible;
    rig.run(S(1));
    assert_eq!(rig.shown(), "dhcp");
}

#[test]
fn what_was_set_before_a_start_and_cannot_be_yet_has_its_time_and_is_told_why_it_comes_back() {
    for (fails, because) in [(true, Because::Late), (false, Because::Nobody)] {
        let mut rig = Rig::fresh();
        rig.set(at("10.0.0.9"));
        rig.run(S(5));
        rig.confirm =
            Confirm::new(OnDisk::Kept(Box::new(rig.disk.clone().unwrap())), &rig.settings, ALL, WINDOW, rig.now);
        (rig.outcome, rig.host) = (Outcome::Impossible, None);
        rig.run(S(60));
        assert_eq!(rig.shown(), "10.0.0.9", "a card may come up later");
        if !fails {
            rig.outcome = Outcome::Done;
            rig.run(S(31));
            assert_eq!(rig.told(), "10.0.0.9");
        }
        rig.run(S(130));
        assert_eq!((rig.shown().as_str(), rig.confirm.because()), ("dhcp", because));
        // What is set in this run is judged at once again.
        rig.outcome = Outcome::Impossible;
        rig.set(at("10.0.0.8"));
        rig.run(S(1));
        assert_eq!((rig.shown().as_str(), rig.confirm.because()), ("dhcp", Because::Impossible));
    }
}

#[test]
fn a_broken_file_leaves_a_network_that_was_set_in_force_and_one_that_was_not_to_its_operator() {
    let now = Instant::now();
    for (settings, reach, told) in
        [(at("10.0.0.9"), ALL, true), (Settings::factory(), ALL, false), (at("10.0.0.9"), NO_HOST, false)]
    {
        let mut confirm = Confirm::new(OnDisk::Damaged, &settings, reach, WINDOW, now);
        assert_eq!((confirm.target().told, confirm.kept().told), (told, told));
        assert_eq!(confirm.next(now), Next::Write, "the file is made whole");
        assert!(!confirm.tries());
    }
}

#[test]
fn a_disk_that_refuses_is_tried_again_and_the_host_has_its_network_back_meanwhile() {
    let mut rig = Rig::fresh();
    rig.set(at("10.0.0.9"));
    rig.run(S(5));
    let until = rig.now + WINDOW;
    assert_eq!(rig.confirm.next(until), Next::Back);
    rig.confirm.put_back(None, until);
    assert_eq!(rig.confirm.next(until), Next::Tell);
    assert!(!rig.confirm.target().told);
    rig.confirm.tried(Outcome::Done, until, 0);
    assert_eq!(rig.confirm.next(until), Next::Wait(Some(until + DISK)));
    assert_eq!(rig.confirm.next(until + DISK), Next::Back);
    rig.now = until + DISK;
    rig.run(S(0));
    assert_eq!(rig.shown(), "dhcp");

    rig.set(at("10.0.0.9"));
    rig.run(S(5));
    assert!(rig.confirm.seen(rig.now));
    assert_eq!(rig.confirm.next(rig.now), Next::Write);
    rig.confirm.written(false, rig.now);
    assert_eq!(rig.confirm.next(rig.now), Next::Wait(Some(rig.now + DISK)));
    rig.run(DISK);
    assert_eq!(rig.disk.as_ref(), Some(rig.confirm.kept()));
}

#[test]
fn what_a_manager_sets_while_the_settings_come_back_is_a_change_of_its_own() {
    let mut rig = Rig::fresh();
    rig.set(at("10.0.0.9"));
    rig.run(S(5));
    let until = rig.now + WINDOW;
    assert_eq!(rig.confirm.next(until), Next::Back);
    rig.now = until;
    rig.settings = at("10.0.0.7");
    rig.confirm.put_back(Some(&rig.settings), until);
    rig.run(S(2));
    assert_eq!((rig.told().as_str(), rig.shown().as_str()), ("10.0.0.7", "10.0.0.7"));
    rig.run(S(200));
    assert_eq!((rig.told().as_str(), rig.shown().as_str()), ("own", "dhcp"));
}

#[test]
fn the_port_is_confirmed_without_a_host_and_the_rest_is_only_kept() {
    let mut rig = Rig::start(on_port("80"), None, NO_HOST, WINDOW);
    rig.set(on_port("81"));
    rig.run(S(5));
    assert_eq!(rig.host.as_ref().map(|host| host.network.port.get()), Some(81));
    rig.run(S(200));
    assert_eq!((rig.settings.network.port.get(), rig.confirm.waits_for_a_manager()), (80, false));
    rig.set(Settings {
        network: crate::profile::settings::Network { port: on_port("80").network.port, ..at("10.0.0.9").network },
        ..at("")
    });
    rig.run(S(1000));
    assert_eq!(rig.shown(), "10.0.0.9");
    assert!(!rig.host.as_ref().unwrap().told);
}

#[test]
fn q34_the_operators_own_port_is_kept_without_a_confirmation() {
    let owned = |port: &str, own: &str| {
        let mut settings = on_port(port);
        settings.network.port_configured.take(own).unwrap();
        settings
    };
    let rig = Rig::start(owned("9000", "80"), None, ALL, WINDOW);
    for (settings, back) in [
        (owned("81", "81"), 81), // he has changed it
        (owned("80", "80"), 80), // the one that was set could not be had
        (owned("9001", "80"), 9000),
    ] {
        let mut next = Rig::start(settings, rig.disk.clone(), ALL, WINDOW);
        assert_eq!(next.disk.as_ref(), Some(next.confirm.kept()), "the next start knows it");
        next.run(S(500));
        assert_eq!(next.settings.network.port.get(), back);
        assert_eq!(next.host.map(|host| (host.network.port.get(), host.told)), Some((back, false)));
    }
}

#[test]
fn where_nothing_takes_effect_nothing_is_tried_and_nothing_comes_back() {
    let mut rig = Rig::start(on_port("80"), None, NOTHING, WINDOW);
    rig.set(on_port("81"));
    rig.run(S(1000));
    assert_eq!((rig.settings.network.port.get(), rig.told().as_str()), (81, "nothing"));
    assert_eq!(rig.disk.as_ref().map(|disk| disk.network.port.get()), Some(81));
}

#[test]
fn without_a_backend_a_network_that_nobody_could_join_keeps_no_port_from_moving() {
    let mut rig = Rig::start(at(""), None, NO_HOST, WINDOW);
    let mut settings = on_port("8080");
    settings.network.ip.take("127.0.0.1").unwrap();
    rig.set(settings);
    rig.run(S(5));
    assert_eq!((rig.told().as_str(), rig.confirm.target().wanted()), ("own", Ok(None)));
}

#[test]
fn a_backend_that_is_turned_on_is_not_told_what_was_set_before_and_one_that_was_off_for_a_while_is_as_it_was() {
    let mut rig = Rig::start(at(""), None, NO_HOST, WINDOW);
    rig.set(at("10.0.0.9"));
    rig.run(S(5));
    let mut rig = Rig::start(rig.settings, rig.disk, ALL, WINDOW);
    assert_eq!((rig.told().as_str(), rig.shown().as_str()), ("own", "10.0.0.9"));
    rig.set(at("10.0.0.10"));
    rig.run(S(5));
    assert!(rig.confirm.seen(rig.now));
    rig.run(S(5));
    let off = Rig::start(rig.settings, rig.disk, NO_HOST, WINDOW);
    let on = Rig::start(off.settings.clone(), off.disk.clone(), ALL, WINDOW);
    assert_eq!((on.told().as_str(), on.confirm.waits_for_a_manager()), ("10.0.0.10", false));
    let mut off = Rig::start(off.settings, off.disk, NO_HOST, WINDOW);
    off.set(at("10.0.0.11"));
    off.run(S(5));
    let on = Rig::start(off.settings, off.disk, ALL, WINDOW);
    assert_eq!((on.told().as_str(), on.shown().as_str()), ("own", "10.0.0.11"));
}

#[test]
fn an_id_that_was_set_is_told_from_the_next_start_on_and_comes_back_too() {
    let (own, new) = (Mac([0, 1, 2, 3, 4, 5]), Mac([2, 0, 0, 0, 0, 1]));
    let mut rig = Rig::start(Settings { id: own, ..at("") }, None, ALL, WINDOW);
    rig.set(Settings { id: new, mac_set: true, ..at("") });
    rig.run(S(500));
    assert_eq!((rig.told().as_str(), rig.settings.id), ("own", new));
    let mut unseen = rig.crash();
    let host = unseen.host.clone().unwrap();
    assert_eq!((host.told, host.mac_set, host.id), (true, true, new));
    unseen.run(S(60));
    // Nor does one that is set meanwhile.
    let third = Mac([2, 0, 0, 0, 0, 3]);
    let mut seen = Rig::start(unseen.settings.clone(), unseen.disk.clone(), ALL, WINDOW);
    unseen.run(S(100));
    assert_eq!((unseen.told().as_str(), unseen.settings.id, unseen.settings.mac_set), ("own", own, false));
    assert!(seen.confirm.seen(seen.now));
    seen.set(Settings { id: third, ..seen.settings.clone() });
    seen.set(Settings { network: at("10.0.0.9").network, ..seen.settings.clone() });
    seen.run(S(500));
    assert_eq!((seen.settings.id, seen.host.map(|host| host.id)), (third, Some(new)));
}

#[test]
fn q75_a_factory_reset_gives_the_operator_his_network_back_and_tells_the_id_that_stays() {
    let mut rig = Rig::fresh();
    rig.set(at("10.0.0.9"));
    rig.run(S(5));
    assert!(rig.confirm.seen(rig.now));
    rig.run(S(5));
    // The file of what was kept goes with it.
    let reset = Rig::start(rig.settings.reset(), None, ALL, WINDOW);
    assert_eq!(reset.told(), "own");
    let set = Settings { mac_set: true, ..rig.settings };
    let reset = Rig::start(set.reset(), None, ALL, WINDOW);
    assert_eq!((reset.told().as_str(), reset.host.is_some_and(|host| host.mac_set)), ("dhcp", true));
}
