//! What the sources share: when the next picture or sound is due, and the time it gets.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use lookout_core::{
    media::frame::{Grabbed, Picture},
    port::Wanted,
};

/// How many pieces of sound a second a source hands over that has sound of its own.
pub(super) const PIECES: u32 = 25;
/// Such sound that is later is left out: the sound service does not wait for it.
pub(super) const LATE: Duration = Duration::from_millis(200);

/// Gives a JPEG the time of its last byte: now.
pub(super) fn arrived(jpeg: Bytes) -> Grabbed {
    Grabbed { captured: Instant::now(), wall: SystemTime::now(), picture: Picture::Jpeg(jpeg) }
}

/// Gives a JPEG the time at which it was due.
pub(super) fn due(jpeg: Bytes, due: tokio::time::Instant) -> Grabbed {
    let Grabbed { wall, picture, .. } = arrived(jpeg);
    let wall = wall.checked_sub(due.elapsed()).unwrap_or(wall);
    Grabbed { captured: due.into_std(), wall, picture }
}

/// An even pace. Who is late is not made up for: the pace goes on from there.
#[derive(Debug)]
pub(super) struct Pace {
    next: Option<tokio::time::Instant>,
    pub(super) interval: Duration,
}

impl Pace {
    /// Makes the pace that is wanted: 0.01 to 100 pictures a second.
    pub(super) fn wanted(wanted: Wanted) -> Self {
        let fps = if wanted.fps.is_finite() { wanted.fps.clamp(0.01, 100.0) } else { 1.0 };
        Self { next: None, interval: Duration::from_micros((1e6 / fps).round() as u64) }
    }

    /// Waits until the next picture is due and returns when that was; the first is due at once.
    pub(super) async fn wait(&mut self) -> tokio::time::Instant {
        let due = self.next.unwrap_or_else(tokio::time::Instant::now);
        tokio::time::sleep_until(due).await;
        let now = tokio::time::Instant::now();
        let due = if now.duration_since(due) > self.interval { now } else { due };
        self.next = Some(due + self.interval);
        due
    }
}

#[cfg(test)]
mod tests {
    use lookout_core::media::frame::Size;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_pace_is_even_and_does_not_make_up_for_what_was_missed() {
        let mut pace = Pace::wanted(Wanted { size: Size::VGA, fps: 10.0 });
        let begin = tokio::time::Instant::now();
        let mut at = Vec::new();
        for work in [0, 90, 30, 500, 0, 0] {
            at.push((pace.wait().await - begin).as_millis());
            tokio::time::sleep(Duration::from_millis(work)).await;
        }
        // The one that comes late, at 700, is followed by one an interval later.
        assert_eq!(at, [0, 100, 200, 300, 800, 900]);
    }
}
