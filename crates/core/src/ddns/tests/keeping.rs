use std::time::{Duration, Instant};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// A keeper, on clocks of its own.
struct Bench {
    keeper: Keeper,
    begin: Instant,
    now: Instant,
    clock_s: u64,
    kept: Option<String>,
}

impl Bench {
    fn new(kept: Option<&str>) -> Self {
        let now = Instant::now();
        let keeper = Keeper::new(kept.map(|kept| kept.parse().unwrap()), now);
        Self { keeper, begin: now, now, clock_s: 1_800_000_000, kept: kept.map(str::to_owned) }
    }

    /// One of DynDNS, whose address is known.
    fn started() -> Self {
        let mut bench = Self::new(None);
        bench.set(Some(account("8")));
        bench.see("1.1.1.1");
        bench
    }

    fn set(&mut self, account: Option<Account>) {
        self.keeper.configure(account, self.now, self.clock_s);
    }

    fn see(&mut self, address: &str) {
        self.keeper.see(Some(ip(address)), self.now);
    }

    fn again(&mut self) {
        self.keeper.again(self.now);
    }

    fn pass(&mut self, long: Duration) {
        self.now += long;
        self.clock_s += long.as_secs();
    }

    /// Lets time pass until the service is asked; returns after how many minutes, and for which address.
    fn waits(&mut self) -> Option<(u64, Option<IpAddr>)> {
        let from = self.now;
        loop {
            match self.keeper.next(self.now) {
                Next::Ask(address) => return Some((self.now.duration_since(from).as_secs() / 60, address)),
                Next::At(at) => {
                    assert!(at > self.now, "it waits for something");
                    self.pass(at - self.now);
                }
                Next::Never => return None,
            }
        }
    }

    fn answers(&mut self, body: &str) {
        let Next::Ask(address) = self.keeper.next(self.now) else { panic!("nobody is asked") };
        self.ends(Outcome::Answered(read(200, body.as_bytes(), address)));
    }

    fn ends(&mut self, outcome: Outcome) {
        self.keeper.asking(self.now);
        assert_eq!(self.keeper.status(), 1);
        if let Some(kept) = self.keeper.done(outcome, self.now, self.clock_s, 0) {
            self.kept = Some(kept.to_string());
        }
    }

    /// The camera starts anew, `long` later by the host's clock.
    fn restart(&mut self, clock_s: u64) {
        let account = self.keeper.account().cloned();
        let seen = "1.1.1.1";
        *self = Self { clock_s, begin: self.begin, ..Self::new(self.kept.clone().as_deref()) };
        self.set(account);
        self.see(seen);
    }
}

#[test]
fn a_name_is_updated_at_once_then_with_each_new_address_and_every_28_days() {
    let mut bench = Bench::started();
    assert_eq!(bench.keeper.status(), 0);
    assert_eq!(bench.waits(), Some((0, Some(ip("1.1.1.1")))));
    bench.answers("good 1.1.1.1");
    assert_eq!(bench.keeper.status(), 29);
    assert_eq!(bench.waits(), Some((28 * 24 * 60, Some(ip("1.1.1.1")))));
    bench.answers("nochg 1.1.1.1");
    bench.pass(DAY);
    bench.see("2.2.2.2");
    assert_eq!(bench.waits(), Some((0, Some(ip("2.2.2.2")))));
    bench.answers("good");
    assert_eq!(bench.waits().unwrap().0, 28 * 24 * 60);
}

#[test]
fn q80_an_address_that_changes_all_the_time_is_an_update_every_ten_minutes() {
    let mut bench = Bench::started();
    let mut updates = 0;
    for minute in 0..60_u8 {
        bench.see(&format!("1.1.1.{minute}"));
        if let Next::Ask(_) = bench.keeper.next(bench.now) {
            bench.answers("good");
            updates += 1;
        }
        bench.pass(MINUTE);
    }
    assert_eq!(updates, 6);
}

#[test]
fn q80_an_address_that_comes_back_before_it_is_told_is_not_told() {
    let mut bench = Bench::started();
    bench.answers("good");
    bench.see("2.2.2.2");
    assert!(matches!(bench.keeper.next(bench.now), Next::At(_)));
    bench.see("1.1.1.1");
    assert_eq!(bench.waits().unwrap().0, 28 * 24 * 60);
}

#[test]
fn q80_a_service_that_cannot_be_reached_is_tried_again_ever_later() {
    let mut bench = Bench::started();
    let mut waits = Vec::new();
    for _ in 0..9 {
        waits.push(bench.waits().unwrap().0);
        bench.ends(Outcome::Unreachable);
        assert_eq!(bench.keeper.status(), 2);
    }
    assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    // A new address is another line; and whoever rings is heard.
    bench.pass(MINUTE);
    bench.see("2.2.2.2");
    assert_eq!(bench.waits(), Some((0, Some(ip("2.2.2.2")))));
    bench.ends(Outcome::Unreachable);
    bench.again();
    assert_eq!(bench.waits().unwrap().0, 1);
    bench.answers("good");
    bench.see("3.3.3.3");
    bench.pass(10 * MINUTE);
    bench.ends(Outcome::Unreachable);
    assert_eq!(bench.waits().unwrap().0, 1, "it begins anew");
}

#[test]
fn q80_a_service_out_of_order_is_left_alone_for_half_an_hour_whoever_rings() {
    for body in ["911", "dnserr", "<html>rubbish</html>"] {
        let mut bench = Bench::started();
        let mut waits = Vec::new();
        for _ in 0..5 {
            waits.push(bench.waits().unwrap().0);
            bench.answers(body);
            bench.again();
            bench.see("2.2.2.2");
            bench.set(Some(Account { user: "another".into(), ..account("8") }));
            bench.set(Some(account("8")));
        }
        assert_eq!(waits[..2], [0, 35], "{body}");
        assert!(waits[1..].iter().all(|wait| *wait >= 30), "{body}: {waits:?}");
        bench.set(Some(account("2")));
        assert_eq!(bench.waits().unwrap().0, 1, "another service is not");
    }
    let mut bench = Bench::started();
    let mut waits = Vec::new();
    for _ in 0..6 {
        waits.push(bench.waits().unwrap().0);
        bench.answers("911");
    }
    assert_eq!(waits, [0, 35, 70, 140, 240, 240]);
    let pause = |random| {
        let mut bench = Bench::started();
        bench.keeper.asking(bench.now);
        let outcome = Outcome::Answered(read(500, b"911", None));
        bench.keeper.done(outcome, bench.now, 0, random);
        bench.waits().unwrap().0
    };
    assert!((0..=255).all(|random| pause(random) >= 30));
}

#[test]
fn q80_a_service_that_was_well_in_between_is_left_alone_for_the_shortest_time_again() {
    let mut bench = Bench::started();
    let mut breaks = |outages| {
        let pauses = (0..outages).map(|_| {
            bench.answers("911");
            bench.waits().unwrap().0
        });
        let pauses: Vec<_> = pauses.collect();
        bench.answers("good");
        bench.pass(DAY);
        bench.again();
        pauses
    };
    assert_eq!(breaks(3), [35, 70, 140]);
    assert_eq!(breaks(1), [35]);
}

#[test]
fn q80_a_company_out_of_order_is_left_alone_for_names_of_whichever_kind() {
    for kinds in [["2", "3", "4"], ["8", "9", "8"]] {
        let mut bench = Bench::started();
        bench.set(Some(account(kinds[0])));
        bench.answers("911");
        bench.set(Some(account("1")));
        bench.pass(MINUTE);
        bench.answers("911");
        for kind in kinds {
            bench.set(Some(account(kind)));
            let Next::At(at) = bench.keeper.next(bench.now) else { panic!("{kind} is asked") };
            assert_eq!(at - bench.now, 34 * MINUTE, "{kind}");
        }
        bench.set(Some(account("1")));
        assert_eq!(bench.waits().unwrap().0, 35, "each has an outage of its own");
    }
}

#[test]
fn q80_an_answer_that_did_not_arrive_is_an_outage_as_the_request_may_have_also_behind_a_restart() {
    let mut bench = Bench::started();
    bench.ends(Outcome::Answered(Answer::UNHEARD));
    assert_eq!(bench.keeper.status(), 39);
    bench.again();
    bench.see("2.2.2.2");
    bench.pass(5 * MINUTE);
    let clock = bench.clock_s;
    bench.restart(clock);
    bench.again();
    assert_eq!((bench.waits().unwrap().0, bench.keeper.status()), (25, 39));
}

#[test]
fn an_address_that_is_forgotten_for_a_while_is_no_other_line() {
    let mut bench = Bench::started();
    for _ in 0..6 {
        bench.waits();
        bench.ends(Outcome::Unreachable);
    }
    bench.keeper.see(None, bench.now);
    bench.see("1.1.1.1");
    assert_eq!(bench.waits().unwrap().0, 32);
}

#[test]
fn q80_what_was_before_the_start_is_judged_again_when_the_clock_has_been_set() {
    const DAY_S: u64 = 86_400;
    let mut bench = Bench::started();
    bench.answers("good");
    let updated = bench.clock_s;
    // It starts in 1970, and hears the time of the day a minute later.
    bench.restart(0);
    bench.keeper.judge(bench.now, 0);
    assert_eq!(bench.waits().unwrap().0, 28 * 24 * 60);
    bench.restart(0);
    bench.pass(MINUTE);
    bench.keeper.judge(bench.now, updated + 27 * DAY_S);
    assert_eq!(bench.waits().unwrap().0, 24 * 60);
    bench.answers("nochg");
    bench.keeper.judge(bench.now, u64::MAX);
    assert_eq!(bench.waits().unwrap().0, 28 * 24 * 60, "what happened in this run is known by the steady clock");
    bench.answers("nochg");
    // One that was written by a clock of the future is no younger than the day that this one had to be set.
    bench.restart(1000);
    bench.pass(DAY - MINUTE);
    bench.keeper.judge(bench.now, 1000 + DAY_S);
    assert_eq!(bench.waits().unwrap().0, 27 * 24 * 60 + 1);
    bench.restart(1000);
    bench.pass(DAY);
    bench.keeper.judge(bench.now, 1000 + DAY_S);
    assert_eq!(bench.waits().unwrap().0, 0);
}

#[test]
fn q80_what_is_refused_for_good_stays_so_until_somebody_does_something() {
    let fatal = ["badauth", "!donator", "notfqdn", "nohost", "!yours", "numhost", "abuse", "badagent", "good 6.6.6.6"];
    for body in fatal {
        let mut bench = Bench::started();
        bench.answers(body);
        let status = bench.keeper.status();
        bench.pass(60 * DAY);
        bench.see("2.2.2.2");
        assert_eq!(bench.waits(), None, "{body}");
        // Nor behind a restart, nor if the same settings are there again.
        let clock = bench.clock_s;
        bench.restart(clock);
        assert_eq!((bench.keeper.next(bench.now), bench.keeper.status()), (Next::Never, status), "{body}");
        bench.again();
        assert_eq!(bench.waits().unwrap().0, 0, "{body}");
        bench.answers(body);
        bench.again();
        bench.again();
        assert_eq!(bench.waits().unwrap().0, 1, "{body}: whoever rings waits a minute");
        bench.answers(body);
        bench.set(Some(Account { user: "another".into(), ..account("8") }));
        assert_eq!(bench.waits().unwrap().0, 1, "{body}");
        bench.answers("good");
        assert_eq!(bench.keeper.status(), 29);
    }
}

#[test]
fn settings_that_are_turned_off_and_on_are_tried_again_if_they_failed_and_not_if_they_are_good() {
    let mut bench = Bench::started();
    bench.answers("badauth");
    bench.set(None);
    assert_eq!((bench.keeper.next(bench.now), bench.keeper.status()), (Next::Never, 0));
    bench.set(Some(account("8")));
    assert_eq!(bench.waits().unwrap().0, 1);
    bench.answers("good");
    bench.set(None);
    bench.set(Some(account("8")));
    assert_eq!(bench.keeper.status(), 29);
    assert_eq!(bench.waits().unwrap().0, 28 * 24 * 60);
}

#[test]
fn another_proxy_is_another_way_and_a_good_name_needs_none() {
    let mut bench = Bench::started();
    bench.set(Some(account("2")));
    bench.answers("badauth");
    bench.set(Some(Account { proxy: None, ..account("2") }));
    assert_eq!(bench.waits().unwrap().0, 1, "the old one may have said it");
    bench.answers("good");
    bench.set(Some(account("2")));
    assert_eq!(bench.waits().unwrap().0, 28 * 24 * 60);
}

#[test]
fn q80_whoever_rings_all_the_time_makes_no_more_than_an_update_an_hour_of_a_good_name() {
    let mut bench = Bench::started();
    let mut updates = 0;
    for _ in 0..600 {
        bench.again();
        if let Next::Ask(_) = bench.keeper.next(bench.now) {
            bench.answers("nochg");
            updates += 1;
        }
        bench.pass(MINUTE);
    }
    assert_eq!(updates, 10);
}

#[test]
fn q80_whoever_rings_does_not_keep_a_moved_address_waiting() {
    let mut bench = Bench::started();
    bench.answers("good");
    bench.pass(5 * MINUTE);
    bench.again();
    bench.see("2.2.2.2");
    assert_eq!(bench.waits(), Some((5, Some(ip("2.2.2.2")))), "ten minutes after the last one");
    bench.answers("good");
    bench.again();
    assert_eq!(bench.waits().unwrap().0, 60, "what did not move waits an hour");
    bench.answers("nochg");
    bench.pass(15 * MINUTE);
    bench.again();
    bench.see("3.3.3.3");
    assert_eq!(bench.waits().unwrap().0, 0);
}

#[test]
fn q80_who_rings_behind_a_restart_waits_until_an_hour_after_a_good_one() {
    for (ago, wait) in [(5, 55), (59, 1), (60, 0), (600, 0)] {
        let mut bench = Bench::started();
        bench.answers("good 1.1.1.1");
        let clock = bench.clock_s;
        bench.restart(clock + 60 * ago);
        bench.again();
        assert_eq!(bench.waits().unwrap().0, wait, "{ago}");
    }
}

#[test]
fn who_rings_while_a_service_is_asked_has_what_it_answers() {
    for (body, wait) in [("good", 28 * 24 * 60), ("911", 35), ("badauth", 1)] {
        let mut bench = Bench::started();
        bench.keeper.asking(bench.now);
        bench.again();
        let outcome = Outcome::Answered(read(200, body.as_bytes(), Some(ip("1.1.1.1"))));
        bench.keeper.done(outcome, bench.now, bench.clock_s, 0);
        assert_eq!(bench.waits().unwrap().0, wait, "{body}");
    }
}

#[test]
fn a_restart_updates_nothing_without_need() {
    let mut bench = Bench::started();
    bench.answers("good");
    let clock = bench.clock_s;
    bench.restart(clock + 27 * 86_400);
    assert_eq!(bench.keeper.status(), 29);
    assert_eq!(bench.waits().unwrap().0, 24 * 60, "it is a month old in a day");
    bench.answers("nochg");
    let clock = bench.clock_s;
    bench.restart(clock + 60);
    bench.see("2.2.2.2");
    assert_eq!(bench.waits().unwrap().0, 9, "it was updated a minute ago");
}

#[test]
fn q80_a_service_out_of_order_is_left_alone_over_a_restart() {
    let mut bench = Bench::started();
    bench.answers("911");
    let clock = bench.clock_s;
    bench.restart(clock + 600);
    assert_eq!(bench.keeper.status(), 38);
    bench.again();
    assert_eq!(bench.waits().unwrap().0, 20);
}

#[test]
fn a_clock_that_jumps_breaks_nothing() {
    // In mid-run it does not count at all.
    let mut bench = Bench::started();
    bench.answers("good");
    for clock_s in [0, u64::MAX] {
        bench.clock_s = clock_s;
        bench.see("1.1.1.1");
        assert!(matches!(bench.keeper.next(bench.now), Next::At(_)));
    }
    // Over a restart it makes an update too many, or one too late.
    for (clock_s, wait) in [(0, 28 * 24 * 60), (u64::MAX, 0)] {
        let mut bench = Bench::started();
        bench.answers("good");
        bench.restart(clock_s);
        assert_eq!(bench.waits().unwrap().0, wait, "{clock_s}");
        bench.clock_s = clock_s;
        bench.answers("nochg");
        bench.restart(1_900_000_000);
        assert!(bench.waits().is_some());
    }
}

#[test]
fn q78_without_a_known_address_a_service_takes_the_one_it_sees_but_not_a_proxys() {
    let mut bench = Bench::new(None);
    bench.set(Some(account("8")));
    assert_eq!(bench.waits(), Some((2, None)));
    bench.answers("good 1.1.1.1");
    bench.pass(DAY);
    bench.see("1.1.1.1");
    assert!(bench.waits().unwrap().0 > 26 * 24 * 60, "what is known in the end is what it has");
    bench.see("2.2.2.2");
    assert_eq!(bench.waits(), Some((0, Some(ip("2.2.2.2")))));
    let mut bench = Bench::new(None);
    bench.set(Some(account("2")));
    assert_eq!(bench.waits(), None, "the service would see the proxy");
    bench.see("1.1.1.1");
    assert_eq!(bench.waits(), Some((0, Some(ip("1.1.1.1")))));
}

#[test]
fn settings_that_cannot_be_right_are_told_and_nobody_is_asked() {
    let mut bench = Bench::started();
    bench.set(Some(Account { host: "camera".into(), ..account("8") }));
    bench.again();
    assert_eq!((bench.keeper.next(bench.now), bench.keeper.status()), (Next::Never, 33));
    bench.set(Some(Account { pwd: Secret::new(""), ..account("1") }));
    assert_eq!((bench.keeper.next(bench.now), bench.keeper.status()), (Next::Never, 15));
}

/// What can happen to a keeper.
#[derive(Clone, Debug)]
enum Blow {
    Pass(u32),
    Set(Option<u8>),
    See(Option<u8>),
    Again,
    Jump(u64),
    Judge,
    Restart,
    Answer(u16, usize),
    Unreachable,
}

fn blow() -> impl Strategy<Value = Blow> {
    prop_oneof![
        (0_u32..4_000_000).prop_map(Blow::Pass),
        (0_u32..600).prop_map(Blow::Pass),
        any::<Option<u8>>().prop_map(Blow::Set),
        any::<Option<u8>>().prop_map(Blow::See),
        Just(Blow::Again),
        any::<u64>().prop_map(Blow::Jump),
        Just(Blow::Judge),
        Just(Blow::Restart),
        (any::<u16>(), 0..ANSWERS.len()).prop_map(|(status, at)| Blow::Answer(status, at)),
        Just(Blow::Unreachable),
    ]
}

proptest! {
    /// Whatever happens, nobody is asked twice within a minute while the camera runs, nor within half an hour of an outage.
    #[test]
    fn q80_no_service_is_asked_too_often_whatever_happens(blows in proptest::collection::vec(blow(), 1..80)) {
        let mut bench = Bench::started();
        let (mut asked, mut outages): (Option<Instant>, [Option<Instant>; 3]) = (None, [None; 3]);
        let service = |number: u8| account(["1", "2", "3", "4", "8", "9"][usize::from(number / 2 % 6)]);
        for blow in blows {
            let outcome = match blow {
                Blow::Pass(long) => {
                    bench.pass(Duration::from_secs(long.into()));
                    continue;
                }
                Blow::Set(number) => {
                    let user = format!("user{}", number.unwrap_or_default() % 2);
                    bench.set(number.map(|number| Account { user, ..service(number) }));
                    continue;
                }
                Blow::See(last) => {
                    bench.keeper.see(last.map(|last| IpAddr::from([1, 1, 1, last % 4])), bench.now);
                    continue;
                }
                Blow::Again => {
                    bench.again();
                    continue;
                }
                Blow::Jump(clock_s) => {
                    bench.clock_s = clock_s;
                    continue;
                }
                Blow::Judge => {
                    bench.keeper.judge(bench.now, bench.clock_s);
                    continue;
                }
                Blow::Restart => {
                    let (clock_s, now) = (bench.clock_s, bench.now);
                    bench.restart(clock_s);
                    bench.now = now;
                    // A clock that was set, and a camera that was off: only what was kept counts.
                    (asked, outages) = (None, [None; 3]);
                    continue;
                }
                Blow::Answer(status, at) => Outcome::Answered(read(status, ANSWERS[at].1.as_bytes(), Some(ip("1.2.3.4")))),
                Blow::Unreachable => Outcome::Unreachable,
            };
            let Next::Ask(_) = bench.keeper.next(bench.now) else { continue };
            let company = match bench.keeper.account().unwrap().service {
                Service::Oray => 0,
                Service::DynDns(_) => 1,
                Service::Dyn3322(_) => 2,
            };
            if let Some(asked) = asked {
                prop_assert!(bench.now - asked >= MINUTE);
            }
            if let Some(since) = outages[company] {
                prop_assert!(bench.now - since >= 30 * MINUTE);
            }
            bench.ends(outcome);
            asked = Some(bench.now);
            if let Outcome::Answered(answer) = outcome {
                outages[company] = (answer.verdict.fate() == Fate::Later).then_some(bench.now);
            }
        }
    }
}
