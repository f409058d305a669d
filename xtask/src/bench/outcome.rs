//! What one run measured, and the figures that are made of it.

use serde::{Deserialize, Serialize};

use super::process::Usage;

/// What a load generator saw of one server, printed as one line of JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// How long was measured.
    pub seconds: f64,
    /// Viewers that were watching to the end.
    pub viewers: usize,
    /// Viewers that never got anything, were refused, cut off or sent something broken.
    pub failed: usize,
    /// Why the first of them failed.
    pub failure: Option<String>,
    /// Whole pictures that arrived, all viewers together.
    pub frames: u64,
    /// Of one viewer: the fewest, and the median.
    pub frames_least: u64,
    /// See `frames_least`.
    pub frames_median: u64,
    /// Pictures of the feed that a viewer did not get, by the gaps in their numbers, all viewers together.
    pub missed: u64,
    /// Bytes of whole pictures.
    pub bytes: u64,
    /// All bytes that arrived, framing and sound with them, as HTTPS seals them.
    pub wire_bytes: u64,
    /// Blocks of sound that arrived, all viewers together.
    pub blocks: u64,
    /// Of one viewer, the median.
    pub blocks_median: u64,
    /// Blocks of sound that a viewer did not get, by the gaps in their times or by the clock, all viewers together.
    pub blocks_missed: u64,
    /// From the feed's write to the last byte at the viewer; `None` if the pictures bear no stamp.
    pub age_median_us: Option<f64>,
    /// See `age_median_us`.
    pub age_p99_us: Option<f64>,
    /// CPU time of the server.
    pub cpu_us: Option<f64>,
    /// How long the server's core was busy with other things than the server.
    pub others_cpu_us: Option<f64>,
    /// CPU time of the load generator; near `seconds` it was the generator that set the limit.
    pub own_cpu_us: f64,
    /// Resident memory of the server before anybody came.
    pub rss_idle_kib: Option<u64>,
    /// Resident memory of the server at the end.
    pub rss_kib: Option<u64>,
    /// Viewers that read no more after the head of the answer, and are still connected.
    pub stalled: usize,
    /// Pictures that wait for a stalled viewer in the server and its socket, beyond what the viewer's own socket holds.
    pub held: Option<f64>,
    /// By how much the server's counter rose.
    pub counted: Option<f64>,
    /// Requests answered.
    pub requests: u64,
    /// From connecting to the last byte.
    pub answer_median_us: Option<f64>,
    /// See `answer_median_us`.
    pub answer_p99_us: Option<f64>,
}

impl Outcome {
    /// Takes what the server used between two moments.
    pub fn take_usage(&mut self, before: &Usage, after: &Usage) {
        self.cpu_us = Some(after.cpu_since(before).as_secs_f64() * 1e6);
        self.others_cpu_us = Some(after.others_since(before).as_secs_f64() * 1e6);
        self.rss_kib = Some(after.rss_kib);
    }
}

/// One figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// CPU microseconds of the server for a delivered picture.
    Cpu,
    /// Pictures delivered a second, all viewers together.
    Rate,
    /// The share of the feed's pictures that arrived.
    Delivered,
    /// Median age in milliseconds.
    Age,
    /// Resident KiB a viewer above idle.
    Memory,
    /// Pictures held for a stalled viewer.
    Held,
    /// Encodes for each picture that a viewer got.
    Encodes,
    /// Kilobytes that arrive for a delivered picture, framing and sound with them.
    Wire,
    /// The share of the blocks of sound that arrived.
    Sound,
    /// Blocks of sound encoded for each that a listener got.
    SoundEncodes,
    /// CPU milliseconds of the server in a second.
    CpuSecond,
    /// CPU microseconds of the server for a delivered block of sound.
    CpuBlock,
    /// Requests a second.
    Requests,
    /// CPU microseconds of the server for a request.
    CpuRequest,
}

impl Figure {
    /// Names the figure with its unit.
    pub fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU a delivered frame, µs",
            Self::Rate => "frames delivered a second",
            Self::Delivered => "frames delivered, %",
            Self::Age => "frame age, median, ms",
            Self::Memory => "resident a viewer, KiB",
            Self::Held => "frames held a stalled viewer",
            Self::Encodes => "encodes a frame",
            Self::Wire => "bytes that arrive a frame, KB",
            Self::Sound => "blocks of sound delivered, %",
            Self::SoundEncodes => "blocks encoded a block that one hears",
            Self::CpuSecond => "CPU a second, all together, ms",
            Self::CpuBlock => "CPU a delivered block, µs",
            Self::Requests => "requests a second",
            Self::CpuRequest => "CPU a request, µs",
        }
    }

    /// Returns the figure, if this run has it.
    pub fn of(self, outcome: &Outcome) -> Option<f64> {
        let frames = (outcome.frames > 0).then_some(outcome.frames as f64);
        let seconds = (outcome.seconds > 0.0).then_some(outcome.seconds);
        let requests = (outcome.requests > 0).then_some(outcome.requests as f64);
        let blocks = (outcome.blocks > 0).then_some(outcome.blocks as f64);
        match self {
            Self::Cpu => Some(outcome.cpu_us? / frames?),
            Self::Rate => Some(frames? / seconds?),
            // Without stamps nothing is known of what was missed.
            Self::Delivered => outcome.age_median_us.and(Some(100.0 * frames? / (frames? + outcome.missed as f64))),
            Self::Age => Some(outcome.age_median_us? / 1000.0),
            Self::Memory => {
                let viewers = (outcome.viewers + outcome.stalled).max(1) as f64;
                Some((outcome.rss_kib? as f64 - outcome.rss_idle_kib? as f64) / viewers)
            }
            Self::Held => outcome.held,
            Self::Encodes => {
                Some(outcome.counted? / (outcome.frames_median > 0).then_some(outcome.frames_median as f64)?)
            }
            Self::Wire => Some(outcome.wire_bytes as f64 / frames? / 1000.0),
            Self::Sound => Some(100.0 * blocks? / (blocks? + outcome.blocks_missed as f64)),
            Self::SoundEncodes => {
                Some(outcome.counted? / (outcome.blocks_median > 0).then_some(outcome.blocks_median as f64)?)
            }
            Self::CpuSecond => Some(outcome.cpu_us? / seconds? / 1000.0),
            Self::CpuBlock => Some(outcome.cpu_us? / blocks?),
            Self::Requests => Some(requests? / seconds?),
            Self::CpuRequest => Some(outcome.cpu_us? / requests?),
        }
    }
}

/// Returns the value in the middle, or between the two there; sorts.
pub fn median(values: &mut [f64]) -> Option<f64> {
    let upper = quantile(values, 0.5)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

/// Returns the value below which the share `at` of them lies; sorts.
pub fn quantile(values: &mut [f64], at: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(((values.len() as f64 * at) as usize).min(values.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_made_of_what_was_seen_and_missing_where_nothing_was() {
        let outcome = Outcome {
            seconds: 2.0,
            viewers: 10,
            frames: 600,
            missed: 200,
            cpu_us: Some(3000.0),
            age_median_us: Some(500.0),
            rss_idle_kib: Some(1000),
            rss_kib: Some(1160),
            wire_bytes: 6_000_000,
            blocks: 300,
            blocks_median: 30,
            blocks_missed: 100,
            counted: Some(33.0),
            ..Outcome::default()
        };
        let of = |figure: Figure| figure.of(&outcome);
        assert_eq!(of(Figure::Cpu), Some(5.0));
        assert_eq!(of(Figure::Rate), Some(300.0));
        assert_eq!(of(Figure::Delivered), Some(75.0));
        assert_eq!(of(Figure::Age), Some(0.5));
        assert_eq!(of(Figure::Memory), Some(16.0));
        assert_eq!(of(Figure::Wire), Some(10.0));
        assert_eq!(of(Figure::Sound), Some(75.0));
        assert_eq!(of(Figure::SoundEncodes), Some(1.1));
        assert_eq!(of(Figure::CpuSecond), Some(1.5));
        assert_eq!(of(Figure::CpuBlock), Some(10.0));
        assert_eq!(of(Figure::Requests), None);
        assert_eq!(Figure::Cpu.of(&Outcome::default()), None);
    }

    #[test]
    fn quantiles_lie_inside_the_values() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0]), Some(2.5));
        assert_eq!(quantile(&mut [1.0, 2.0], 1.0), Some(2.0));
        assert_eq!(median(&mut []), None);
    }
}
