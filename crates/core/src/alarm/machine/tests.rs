#![allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]

use std::fmt::Write as _;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::profile::wire::Wire as _;

/// Settings of alarms in the words of `set_alarm.cgi`.
fn rules(set: &str) -> Alarm {
    let mut rules = Alarm::default();
    change(&mut rules, set);
    rules
}

fn change(rules: &mut Alarm, set: &str) {
    for (name, value) in set.split_whitespace().filter_map(|pair| pair.split_once('=')) {
        match name {
            "armed" => {
                rules.motion_armed = value.contains("motion");
                rules.input_armed = value.contains("input");
                rules.sound_armed = value.contains("sound");
            }
            "iolinkage" => rules.iolinkage.take(value).unwrap(),
            "ioout_level" => rules.ioout_level.take(value).unwrap(),
            "preset" => rules.preset.take(value).unwrap(),
            "mail" => rules.mail.take(value).unwrap(),
            "http" => rules.http.take(value).unwrap(),
            "http_url" => rules.http_url.take(value).unwrap(),
            "upload_interval" => rules.upload_interval_s.take(value).unwrap(),
            other => panic!("{other} is not known here"),
        }
    }
}

/// What is to be done, in words.
fn words(actions: &[Action]) -> String {
    let word = |action: &Action| match action {
        Action::Begin(cause) => format!("{cause} begins"),
        Action::Mail => "mail".into(),
        Action::Call => "call".into(),
        Action::Preset(preset) => format!("preset {preset}"),
        Action::Output(LineLevel::High) => "high".into(),
        Action::Output(LineLevel::Low) => "low".into(),
        Action::Upload => "upload".into(),
        Action::End => "end".into(),
    };
    actions.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Plays a story: what is set at first, then at each second of it what happens, and what is done then. What happens is a
/// trigger, `drill`, `stop`, new settings, or nothing.
#[track_caller]
fn story(set: &str, told: &[(u64, &str, &str)]) {
    let (begin, mut rules, mut machine) = (Instant::now(), rules(set), Machine::default());
    for (second, happens, done) in told {
        let now = begin + Duration::from_secs(*second);
        let cause = Cause::ALL.into_iter().find(|cause| cause.to_string() == *happens);
        let actions = match (cause, *happens) {
            (Some(cause), _) => {
                let (reason, actions) = machine.trigger(cause, &rules, now);
                let begins = actions.contains(&Action::Begin(cause));
                assert_eq!(reason, if begins { Reason::Alarm } else { Reason::Prolonged }, "at {second} s");
                actions
            }
            (None, "drill") => machine.drill(&rules, now),
            (None, "stop") => machine.end(),
            (None, set) => {
                change(&mut rules, set);
                machine.tick(&rules, now)
            }
        };
        assert_eq!(words(&actions), *done, "at {second} s");
    }
}

const ALL: &str = "armed=motion,input,sound mail=1";

#[test]
fn an_alarm_lasts_60_s_after_its_last_trigger_and_is_one_mail() {
    story(
        ALL,
        &[
            (0, "", ""),
            (1, "motion", "motion begins, mail"),
            (2, "motion", ""),
            (50, "sound", ""),
            (61, "", ""),
            (109, "", ""),
            (110, "", "end"),
            (111, "", ""),
            (500, "input", "input begins, mail"),
            (560, "", "end"),
        ],
    );
}

#[test]
fn a_trigger_that_finds_an_alarm_that_is_over_begins_another() {
    story(ALL, &[(0, "motion", "motion begins, mail"), (60, "sound", "end, sound begins, mail"), (120, "", "end")]);
}

#[test]
fn the_beginning_has_the_output_driven_first_and_everything_done_that_the_settings_say() {
    let all = "armed=motion mail=1 http=1 http_url=http://a/ upload_interval=10 preset=7 iolinkage=1";
    let begin = "motion begins, high, preset 7, mail, call, upload";
    story(all, &[(0, "motion", begin), (9, "", ""), (10, "", "upload"), (60, "", "low, end")]);
    story("armed=motion http=1", &[(0, "motion", "motion begins")]);
    story("armed=motion http_url=http://a/", &[(0, "motion", "motion begins")]);
    story("armed=motion iolinkage=1 ioout_level=0", &[(0, "motion", "motion begins, low"), (60, "", "high, end")]);
}

#[test]
fn pictures_are_uploaded_at_once_and_then_every_interval_while_the_alarm_lasts() {
    let begin = (0, "motion", "motion begins, upload");
    story(
        "armed=motion upload_interval=25",
        &[
            begin,
            (24, "", ""),
            (25, "motion", "upload"),
            (51, "", "upload"),
            (75, "", ""),
            (76, "", "upload"),
            (85, "", "end"),
        ],
    );
    // A minute or more: the first alone.
    story("armed=motion upload_interval=60", &[begin, (59, "", ""), (60, "", "end")]);
    story("armed=motion upload_interval=65535", &[begin, (59, "motion", ""), (119, "", "end")]);
}

#[test]
fn what_slept_or_was_late_does_once_what_was_due() {
    let begin = (0, "motion", "motion begins, upload");
    story("armed=motion upload_interval=1", &[begin, (50, "", "upload"), (50, "", ""), (51, "", "upload")]);
    story("armed=motion upload_interval=1", &[begin, (100_000, "", "end"), (100_001, "", "")]);
    story("armed=motion upload_interval=1", &[begin, (100_000, "motion", "end, motion begins, upload")]);
}

#[test]
fn an_interval_that_changes_counts_from_the_last_picture() {
    let begin = (0, "motion", "motion begins, upload");
    story("armed=motion upload_interval=30", &[begin, (10, "upload_interval=20", ""), (20, "", "upload")]);
    story("armed=motion upload_interval=30", &[begin, (10, "upload_interval=5", "upload"), (15, "", "upload")]);
    story("armed=motion upload_interval=5", &[begin, (4, "upload_interval=0", ""), (30, "", ""), (59, "", "")]);
    story(
        "armed=motion upload_interval=9",
        &[begin, (1, "upload_interval=0", ""), (2, "upload_interval=9", ""), (9, "", "upload")],
    );
    let begin = (0, "motion", "motion begins");
    story("armed=motion", &[begin, (10, "upload_interval=5", "upload"), (12, "", ""), (15, "", "upload")]);
}

#[test]
fn q61_the_output_follows_settings_that_change_in_mid_alarm_and_is_put_back_from_what_it_was_driven_to() {
    let begin = (0, "motion", "motion begins, high");
    let driven = "armed=motion iolinkage=1";
    story(driven, &[begin, (10, "iolinkage=0", "low"), (60, "", "end")]);
    story(driven, &[begin, (10, "ioout_level=0", "low"), (60, "", "high, end")]);
    // A lamp that is on when the line is high must not stay on.
    story(driven, &[begin, (10, "iolinkage=0 ioout_level=0", "low"), (60, "", "end")]);
    story("armed=motion", &[(0, "motion", "motion begins"), (10, "iolinkage=1", "high"), (60, "", "low, end")]);
}

#[test]
fn q61_an_alarm_ends_at_once_when_nothing_that_triggered_it_is_armed_any_more() {
    let begin = (0, "motion", "motion begins, high");
    let armed = "armed=motion,input iolinkage=1";
    story(armed, &[begin, (10, "armed=input", "low, end"), (11, "input", "input begins, high")]);
    story(armed, &[begin, (5, "input", ""), (10, "armed=input", ""), (20, "armed=", "low, end")]);
    // The cause that began it stays what it is told as.
    let mut machine = Machine::default();
    let now = Instant::now();
    for cause in [Cause::Motion, Cause::Input] {
        machine.trigger(cause, &rules(armed), now);
    }
    machine.tick(&rules("armed=input"), now);
    assert_eq!(machine.cause(), Some(Cause::Motion));
}

#[test]
fn q61_mail_and_call_are_of_the_beginning_whatever_is_set_later() {
    let begin = (0, "motion", "motion begins");
    story("armed=motion", &[begin, (9, "mail=1 http=1 http_url=http://a/ preset=3", ""), (9, "motion", "")]);
}

#[test]
fn a_drill_does_what_an_alarm_would_though_nothing_is_armed_and_lets_go_of_the_output() {
    let all = "mail=1 http=1 http_url=http://a/ upload_interval=10 preset=7 iolinkage=1";
    let drill = (0, "drill", "high, preset 7, mail, call, upload");
    story(all, &[drill, (4, "", ""), (5, "", "low"), (100, "", "")]);
    story("", &[(0, "drill", ""), (5, "", "")]);
    story(all, &[drill, (2, "iolinkage=0", "low"), (5, "", "")]);
}

#[test]
fn a_drill_and_an_alarm_share_the_output() {
    let driven = "armed=motion iolinkage=1";
    let begin = (0, "motion", "motion begins, high");
    story(driven, &[begin, (10, "drill", "high"), (15, "", ""), (60, "", "low, end")]);
    story(driven, &[begin, (58, "drill", "high"), (60, "", "end"), (63, "", "low")]);
    story(driven, &[(0, "drill", "high"), (3, "motion", "motion begins"), (5, "", ""), (63, "", "low, end")]);
    story(driven, &[begin, (10, "iolinkage=0", "low"), (11, "drill", ""), (60, "", "end")]);
}

#[test]
fn a_camera_that_ends_puts_the_output_back() {
    let driven = "armed=motion iolinkage=1";
    story(driven, &[(0, "motion", "motion begins, high"), (1, "stop", "low, end"), (2, "stop", ""), (100, "", "")]);
    story(driven, &[(0, "drill", "high"), (1, "stop", "low"), (9, "", "")]);
    story(driven, &[(0, "stop", "")]);
}

/// What may happen to a machine.
#[derive(Clone, Debug)]
enum Happens {
    Trigger(Cause),
    Tick,
    Drill,
    Set(String),
}

fn happens() -> impl Strategy<Value = Happens> {
    let armed = prop::sample::select(vec!["", "motion", "input,sound", "motion,input,sound"]);
    let set = (armed, 0..2, 0..2, 0..4, 0..2).prop_map(|(armed, linkage, level, interval, mail)| {
        let mut set = format!("armed={armed} iolinkage={linkage} ioout_level={level} mail={mail}");
        write!(set, " upload_interval={}", interval * 7).unwrap();
        Happens::Set(set)
    });
    let trigger = prop::sample::select(Cause::ALL.to_vec()).prop_map(Happens::Trigger);
    prop_oneof![8 => trigger, 8 => Just(Happens::Tick), 1 => Just(Happens::Drill), 3 => set]
}

/// Milliseconds until the next thing happens: mostly a moment, now and then a night.
fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0..20_000_u64, 2 => 20_000..90_000_u64, 1 => 0..100_000_000_u64]
}

/// What must hold of everything that a machine has done.
#[derive(Default)]
struct Witness {
    alarm: bool,
    mails: usize,
    begins: usize,
    line: Option<LineLevel>,
    uploaded: Option<Instant>,
}

impl Witness {
    fn sees(&mut self, actions: &[Action], rules: &Alarm, now: Instant) {
        for action in actions {
            match action {
                Action::Begin(_) => {
                    assert!(!self.alarm, "an alarm in an alarm");
                    (self.alarm, self.uploaded) = (true, None);
                    self.begins += 1;
                }
                Action::End => assert!(std::mem::take(&mut self.alarm), "an end without an alarm"),
                Action::Mail => self.mails += 1,
                Action::Output(level) => self.line = Some(*level),
                Action::Upload => {
                    assert!(self.alarm);
                    let least = Duration::from_secs(u64::try_from(rules.upload_interval_s.get()).unwrap());
                    let since = self.uploaded.replace(now).map(|last| now - last);
                    assert!(since.is_none_or(|since| since >= least), "{since:?} after the last");
                }
                Action::Call | Action::Preset(_) => {}
            }
        }
        assert!(self.mails <= self.begins);
    }
}

proptest! {
    #[test]
    fn whatever_happens_alarms_begin_and_end_in_turn_with_a_mail_at_most_and_nothing_is_late_or_too_often(
        happens in vec((gap(), happens()), 1..120),
    ) {
        let (mut now, mut rules, mut machine) = (Instant::now(), rules("armed=motion"), Machine::default());
        let mut witness = Witness::default();
        for (gap, happens) in happens {
            now += Duration::from_millis(gap);
            match happens {
                Happens::Trigger(cause) if cause.is_on(&rules) => {
                    let (reason, actions) = machine.trigger(cause, &rules, now);
                    prop_assert_eq!(reason == Reason::Alarm, actions.contains(&Action::Begin(cause)));
                    witness.sees(&actions, &rules, now);
                    prop_assert!(witness.alarm);
                }
                Happens::Trigger(_) | Happens::Tick => witness.sees(&machine.tick(&rules, now), &rules, now),
                Happens::Drill => {
                    witness.sees(&machine.tick(&rules, now), &rules, now);
                    let actions = machine.drill(&rules, now);
                    prop_assert!(!actions.iter().any(|action| matches!(action, Action::Begin(_) | Action::End)));
                    witness.line = machine.driven;
                }
                Happens::Set(set) => {
                    change(&mut rules, &set);
                    witness.sees(&machine.tick(&rules, now), &rules, now);
                }
            }
            prop_assert_eq!(machine.cause().is_some(), witness.alarm);
            prop_assert!(machine.due(&rules).is_none_or(|due| due > now && due <= now + LASTS));
            prop_assert!(machine.due(&rules).is_some() || !witness.alarm);
            // The line is where it is wanted, and where it was put back to when it is not.
            let wanted = rules.iolinkage && machine.due(&rules).is_some();
            prop_assert_eq!(machine.driven, wanted.then_some(rules.ioout_level));
            if wanted {
                prop_assert_eq!(witness.line, Some(rules.ioout_level));
            }
        }
        // Nothing more happens: it comes to an end by itself, by what is due alone.
        let mut driven = machine.driven;
        for _ in 0..200 {
            let Some(due) = machine.due(&rules) else { break };
            now = due;
            witness.sees(&machine.tick(&rules, now), &rules, now);
            driven = machine.driven.or(driven);
        }
        prop_assert!(machine.due(&rules).is_none() && !witness.alarm && machine.driven.is_none());
        prop_assert!(driven.is_none_or(|level| witness.line == Some(level.other())), "the output is not put back");
    }
}
