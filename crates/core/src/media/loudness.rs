//! Sound that is an alarm: much louder than what goes on, or going on without a pause for too long to be one.
//!
//! ```text
//!   dBFS        ▁▂█▁▁         █▃                        a bang, a voice
//!   threshold ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄╭┄┄┄┄┄┄┄┄┄┄┄┄┄
//!   floor     ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▅▅▅▅▅▅▅▅▅▅▅▅▅      a fan runs
//! ```
//! Sound is judged by windows of 100 ms. The *floor* is what nine tenths of the last 10 s were louder than: a fan raises it
//! within that time, a voice does not, as it pauses for breath. A window is loud if it is both [`Threshold::least`] and
//! [`Threshold::above`] the floor, and above the floor's own unrest as well. Whatever is loud for more than a minute without
//! 10 s of rest goes on, and is news only when it becomes as much louder than it was.

use std::collections::VecDeque;

use super::sound::{Level, dbfs};

/// What a window of 100 ms must be to be loud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// At least so loud, in dBFS.
    pub least: i8,
    /// At least so much above the floor, in dB.
    pub above: i8,
}

/// The thresholds of sensitivities 0 to 9.
pub const CURVE: [Threshold; 10] = [
    Threshold { least: -60, above: 6 },
    Threshold { least: -56, above: 8 },
    Threshold { least: -52, above: 10 },
    Threshold { least: -48, above: 12 },
    Threshold { least: -44, above: 14 },
    Threshold { least: -40, above: 16 },
    Threshold { least: -35, above: 18 },
    Threshold { least: -30, above: 20 },
    Threshold { least: -25, above: 22 },
    Threshold { least: -20, above: 24 },
];

/// How many windows the floor is taken from: 10 s.
const REMEMBERED: usize = 100;
/// How many windows must have been heard before anything is said: 2 s.
const LEARNT: usize = 20;
/// For how many windows something may be loud before it goes on: 60 s.
const NEWS: u32 = 600;
/// How many windows of rest end it: 10 s.
const REST: u32 = 100;
/// A peak so many dB above a window's mean makes it louder than its mean says: a click is not, a knock is.
const CREST: f32 = 18.0;
/// At most so much does the floor's unrest add to the threshold, in dB.
const UNREST: f32 = 6.0;
/// Nothing is quieter than this, in dBFS: sounds that differ below it do not differ.
const SILENCE: f32 = -80.0;

/// What is to be said of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is loud.
    Loud,
    /// It is not.
    Quiet,
    /// What goes on here is not known yet.
    Learning,
    /// It is loud, and has been for so long that it is no news.
    GoesOn,
}

/// What was heard in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// What is to be said of it.
    pub verdict: Verdict,
    /// How loud it was, as a share of full scale.
    pub share: f32,
}

/// Listens to one window after the other.
#[derive(Debug, Default)]
pub struct Ear {
    /// The loudness of the last windows, in dBFS, the newest last.
    last: VecDeque<f32>,
    going: Option<Going>,
}

/// Something loud that has not rested yet.
#[derive(Clone, Copy, Debug)]
struct Going {
    /// How many windows ago it began.
    since: u32,
    /// How many windows it has rested.
    rest: u32,
    /// What one tenth of 10 s were louder than, at its loudest, in dBFS.
    usual: f32,
}

impl Ear {
    /// Hears the next window, at a sensitivity of 0, the most sensitive, to 9.
    pub fn hear(&mut self, level: Level, sensitivity: u8) -> Heard {
        let share = level.rms.max(level.peak * 10_f32.powf(-CREST / 20.0));
        let loud = dbfs(share).max(SILENCE);
        let verdict = self.judge(loud, sensitivity);
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(loud);
        Heard { verdict, share }
    }

    fn judge(&mut self, loud: f32, sensitivity: u8) -> Verdict {
        if self.last.len() < LEARNT {
            return Verdict::Learning;
        }
        let Threshold { least, above } = CURVE[usize::from(sensitivity).min(CURVE.len() - 1)];
        let mut sorted: Vec<f32> = self.last.iter().copied().collect();
        sorted.sort_by(f32::total_cmp);
        let [floor, middle, top] = [1, 5, 9].map(|tenths| sorted[sorted.len() * tenths / 10]);
        let unrest = (2.0 * (middle - floor)).min(UNREST);
        let is_loud = loud >= f32::from(least).max(floor + unrest + f32::from(above));
        let going = self.going.take().map(|Going { since, rest, usual }| {
            let rest = if is_loud { 0 } else { rest + 1 };
            Going { since: since.saturating_add(1), rest, usual: usual.max(top) }
        });
        let begun = is_loud.then_some(Going { since: 0, rest: 0, usual: top });
        self.going = going.filter(|going| going.rest < REST).or(begun);
        match self.going {
            _ if !is_loud => Verdict::Quiet,
            Some(Going { since, usual, .. }) if since >= NEWS && loud < usual + f32::from(above) => Verdict::GoesOn,
            Some(_) | None => Verdict::Loud,
        }
    }
}

#[cfg(test)]
mod tests;
