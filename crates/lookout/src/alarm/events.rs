//! What was decided, as `/events.json` tells it (Q59).

use std::time::{Instant, SystemTime};

use jiff::Timestamp;
use lookout_core::{alarm::Entry, profile::settings::Settings};

use crate::clock::camera_time;

/// The longest answer: what a listing may be (RULES F33).
const LONGEST: usize = 64 * 1024;

/// Writes entries as JSON, a line each; of too many the newest. `now` is the same moment on either clock.
///
/// Times are UTC on the camera's clock, reckoned back from what it says now: when it was set meanwhile, what happened
/// before keeps its distance, and nothing is told out of order or in the future.
pub fn told(entries: &[Entry], settings: &Settings, now: (Instant, SystemTime)) -> String {
    let mut room = LONGEST - "[\n]\n".len();
    let lines = entries.iter().rev().map(|entry| line(entry, settings, now));
    let fitting = lines.take_while(|line| {
        let left = room.checked_sub(line.len() + ",\n".len());
        room = left.unwrap_or(0);
        left.is_some()
    });
    let mut lines: Vec<String> = fitting.collect();
    lines.reverse();
    if lines.is_empty() { "[]\n".into() } else { format!("[\n{}\n]\n", lines.join(",\n")) }
}

fn line(entry: &Entry, settings: &Settings, now: (Instant, SystemTime)) -> String {
    let Entry { cause, reason, first, last, count, most } = entry;
    let [first, last] = [first, last].map(|at| utc(*at, settings, now));
    // None of these words needs escaping.
    format!(
        "{{\"cause\":\"{cause}\",\"reason\":\"{reason}\",\"first\":{first},\"last\":{last},\"count\":{count},\
         \"most\":{most:.4}}}"
    )
}

/// Writes a moment as ISO 8601; `null` where the clock is beyond all calendars.
fn utc(at: Instant, settings: &Settings, now: (Instant, SystemTime)) -> String {
    let ago = now.0.saturating_duration_since(at);
    let second = now.1.checked_sub(ago).map(|wall| camera_time(settings, wall));
    let moment = second.and_then(|second| Timestamp::from_second(second).ok());
    moment.map_or_else(|| "null".into(), |moment| format!("\"{moment}\""))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lookout_core::{
        alarm::{Cause, KEPT, Reason, Record},
        profile::wire::Wire as _,
    };
    use serde_json::Value;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// Monday 12 November 2012, 12:00 UTC.
    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_352_721_600)
    }

    fn parsed(text: &str) -> Vec<Value> {
        serde_json::from_str::<Value>(text).unwrap().as_array().unwrap().clone()
    }

    #[test]
    fn an_entry_is_a_line_with_its_times_on_the_cameras_clock() {
        let (mut record, begin) = (Record::default(), Instant::now());
        record.note(Cause::Motion, Reason::BelowThreshold, 0.012_34, begin);
        record.note(Cause::Motion, Reason::BelowThreshold, f32::NAN, begin + Duration::from_secs(59));
        let entries: Vec<Entry> = record.entries(begin).cloned().collect();
        let mut settings = Settings::factory();
        // Neither zone nor summer: UTC.
        settings.clock.tz.take("-3600").unwrap();
        let now = (begin + HOUR, noon());
        let expected = "[\n{\"cause\":\"motion\",\"reason\":\"below threshold\",\"first\":\"2012-11-12T11:00:00Z\",\
                        \"last\":\"2012-11-12T11:00:59Z\",\"count\":2,\"most\":0.0123}\n]\n";
        assert_eq!(told(&entries, &settings, now), expected);
        settings.clock.offset_s.take("86400").unwrap();
        assert!(told(&entries, &settings, now).contains("\"first\":\"2012-11-13T11:00:00Z\""));
        assert_eq!(told(&[], &settings, now), "[]\n");
    }

    #[test]
    fn a_clock_that_jumps_moves_all_that_was_before_and_a_mad_one_is_no_time() {
        let (mut record, begin) = (Record::default(), Instant::now());
        record.note(Cause::Input, Reason::Alarm, 1.0, begin);
        record.note(Cause::Input, Reason::Alarm, 1.0, begin + HOUR);
        let entries: Vec<Entry> = record.entries(begin).cloned().collect();
        for now in [noon(), SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + Duration::from_secs(5_000_000_000)] {
            let told = parsed(&told(&entries, &Settings::factory(), (begin + HOUR * 2, now)));
            let at = |entry: usize| told[entry]["first"].as_str().unwrap().parse::<Timestamp>().unwrap().as_second();
            assert_eq!((at(1) - at(0), at(1)), (3600, crate::clock::unix(now) - 3600));
        }
        let mad = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 50);
        assert!(told(&entries, &Settings::factory(), (begin, mad)).contains("\"first\":null"));
    }

    #[test]
    fn of_too_many_entries_the_newest_are_told_in_64_kib() {
        let (mut record, begin) = (Record::default(), Instant::now());
        for alarm in 0..KEPT as u32 {
            record.note(Cause::Input, Reason::Alarm, 1.0, begin + Duration::from_secs(1) * alarm);
        }
        let now = begin + Duration::from_secs(KEPT as u64);
        let entries: Vec<Entry> = record.entries(now).cloned().collect();
        let text = told(&entries, &Settings::factory(), (now, noon()));
        assert!((60 * 1024..=64 * 1024).contains(&text.len()), "{}", text.len());
        let told = parsed(&text);
        assert_eq!(told.last().unwrap()["last"], "2012-11-12T11:59:59Z");
        let newest = entries[entries.len() - told.len()..]
            .iter()
            .map(|entry| utc(entry.last, &Settings::factory(), (now, noon())));
        assert!(newest.zip(&told).all(|(utc, told)| told["last"] == utc.trim_matches('"')));
    }

    #[test]
    fn decisions_are_counted_and_so_are_those_that_are_thrown_away_too_early() {
        let metrics = crate::metrics::Metrics::new();
        let (alarms, begin) = (crate::alarm::Alarms::new(metrics.alarms.clone()), Instant::now());
        (0..KEPT + 2).for_each(|_| alarms.note(Cause::Input, Reason::Alarm, 1.0, begin));
        assert_eq!(metrics.alarms.events_dropped.get(), 2);
        let counted = "lookout_alarm_decisions_total{cause=\"input\",reason=\"alarm\"} 1002";
        assert!(metrics.text(None).lines().any(|line| line == counted));
    }
}
