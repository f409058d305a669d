//! What the broker wants switched: read strictly, and made into few changes, because each is a save.

use std::time::{Duration, Instant};

use super::Switch;
use crate::profile::settings::Settings;

/// How many changes may be made one after the other.
pub const AT_ONCE: u32 = 5;
/// After how long there may be one more.
pub const EACH: Duration = Duration::from_secs(10);

/// Reads a command: `ON` or `OFF`, to the byte.
pub fn order(payload: &[u8]) -> Option<bool> {
    match payload {
        b"ON" => Some(true),
        b"OFF" => Some(false),
        _ => None,
    }
}

/// Commands that wait to be made, the newest of each switch.
///
/// The bargain: a storm of commands costs [`AT_ONCE`] saves and then one every [`EACH`], and its last command of each
/// switch counts. What changes nothing costs none.
#[derive(Debug, Default)]
pub struct Orders {
    wanted: [Option<bool>; Switch::ALL.len()],
    /// When the allowance is whole again.
    whole: Option<Instant>,
}

impl Orders {
    /// Takes a command; it replaces an earlier one of the same switch.
    pub fn want(&mut self, switch: Switch, on: bool) {
        self.wanted[switch as usize] = Some(on);
    }

    /// Forgets what is wanted; the allowance stays as it is.
    pub fn forget(&mut self) {
        self.wanted = Default::default();
    }

    /// Returns for how long there may be no change yet, if something is wanted.
    pub fn due(&self, now: Instant) -> Option<Duration> {
        let free = EACH * (AT_ONCE - 1);
        let until_whole = self.whole.map_or(Duration::ZERO, |whole| whole.saturating_duration_since(now));
        self.wanted.iter().any(Option::is_some).then(|| until_whole.saturating_sub(free))
    }

    /// Takes all commands that differ from the settings, as one change; none if there is nothing to do or it is too early.
    pub fn take(&mut self, settings: &Settings, now: Instant) -> Vec<(Switch, bool)> {
        for switch in Switch::ALL {
            let wanted = &mut self.wanted[switch as usize];
            *wanted = wanted.filter(|on| *on != switch.get(settings));
        }
        if self.due(now) != Some(Duration::ZERO) {
            return Vec::new();
        }
        self.whole = Some(self.whole.map_or(now, |whole| whole.max(now)) + EACH);
        Switch::ALL.into_iter().filter_map(|switch| Some((switch, self.wanted[switch as usize].take()?))).collect()
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_on_or_off_to_the_byte() {
        assert_eq!((order(b"ON"), order(b"OFF")), (Some(true), Some(false)));
        for bad in [&b""[..], b"on", b"ON ", b" ON", b"ON\n", b"ON\0", b"1", b"true", b"\"ON\"", b"OFFON", &[0xff; 9]] {
            assert_eq!(order(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_is_wanted_is_one_change_and_the_newest_command_counts() {
        let (settings, now) = (Settings::factory(), Instant::now());
        let mut orders = Orders::default();
        assert!(orders.take(&settings, now).is_empty());
        orders.want(Switch::Motion, true);
        orders.want(Switch::Privacy, false);
        orders.want(Switch::Sound, false);
        orders.want(Switch::Sound, true);
        assert_eq!(orders.take(&settings, now), [(Switch::Motion, true), (Switch::Sound, true)]);
        assert_eq!(orders.due(now), None, "what changes nothing is done with");
    }

    #[test]
    fn a_storm_costs_a_few_changes_and_then_one_in_ten_seconds_and_its_end_counts() {
        let (mut settings, begin) = (Settings::factory(), Instant::now());
        let mut orders = Orders::default();
        let mut changes = 0;
        for tick in 0..6000_u64 {
            let now = begin + Duration::from_millis(10 * tick);
            orders.want(Switch::Motion, tick % 2 == 0);
            for (switch, on) in orders.take(&settings, now) {
                switch.set(&mut settings, on);
                changes += 1;
            }
        }
        // Of 60 s.
        assert!((AT_ONCE..=AT_ONCE + 6).contains(&changes), "{changes}");
        orders.want(Switch::Motion, !settings.alarm.motion_armed);
        let end = begin + Duration::from_millis(59_995);
        let due = end + orders.due(end).unwrap();
        assert!(due > end && orders.take(&settings, due - Duration::from_millis(1)).is_empty());
        assert_eq!(orders.take(&settings, due), [(Switch::Motion, !settings.alarm.motion_armed)]);
    }

    #[test]
    fn commands_that_change_nothing_cost_nothing_of_the_allowance() {
        let (settings, now) = (Settings::factory(), Instant::now());
        let mut orders = Orders::default();
        for _ in 0..100 {
            orders.want(Switch::Privacy, false);
            assert!(orders.take(&settings, now).is_empty());
        }
        orders.want(Switch::Privacy, true);
        assert_eq!(orders.take(&settings, now), [(Switch::Privacy, true)]);
    }
}
