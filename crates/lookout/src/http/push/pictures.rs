//! The pictures of a stream: which of them a viewer gets.

use std::time::Instant;

use lookout_core::{media::pace::Pace, profile::settings::Resolution};

use crate::{
    hub::{Shown, Viewer},
    metrics::Flow,
};

/// The pictures of which a viewer gets some.
pub struct Pictures {
    pub(super) frames: Viewer,
    size: Resolution,
    /// How often it gets one.
    pace: Pace,
    /// The last one that it was sent.
    last: Option<u64>,
}

impl Pictures {
    /// Has somebody see pictures of a size, from the next one on.
    pub fn new(frames: Viewer, size: Resolution, pace: Pace) -> Self {
        Self { frames, size, pace, last: None }
    }

    /// Returns the place of its size among the sizes.
    pub(super) fn column(&self) -> usize {
        match self.size {
            Resolution::Vga => 0,
            Resolution::Qvga => 1,
            Resolution::Qqvga => 2,
        }
    }

    /// Returns, if a picture is due, the pace from there on.
    pub(super) fn due(&self, shown: &Shown) -> Option<Pace> {
        let mut pace = self.pace;
        let new = self.last.is_none_or(|last| shown.seq > last);
        (new && pace.takes(shown.captured)).then_some(pace)
    }

    /// Notes that the first of a picture is sent.
    pub(super) fn begin(&mut self, shown: &Shown, pace: Pace, flow: &Flow) {
        let skipped = self.last.replace(shown.seq).map_or(0, |last| shown.seq - last - 1);
        if skipped > 0 {
            flow.frames_skipped.inc_by(skipped);
        }
        self.pace = pace;
    }
}

/// Counts a picture of which so many bytes were written, to its end.
pub fn count(shown: &Shown, bytes: usize, flow: &Flow) {
    flow.sent(bytes, Instant::now().saturating_duration_since(shown.captured));
}
