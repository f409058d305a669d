//! How much a camera can make us read: more than it may send waits in its own connection.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// So much may come at once before it is slowed down, in time at the rate allowed.
const BURST: Duration = Duration::from_millis(250);

/// Bytes a second, with a burst.
pub(super) struct Budget {
    /// None: as much as comes.
    per_s: Option<u32>,
    /// When all that came would have come at the rate allowed.
    paid: Instant,
}

impl Budget {
    /// Allows so many bytes a second, or any number.
    pub(super) fn new(per_s: Option<u32>) -> Self {
        Self { per_s, paid: Instant::now() }
    }

    /// Notes bytes that came; waits if they came too fast.
    pub(super) async fn spend(&mut self, bytes: usize) {
        let Some(per_s) = self.per_s else { return };
        let now = Instant::now();
        self.paid = self.paid.max(now) + Duration::from_secs_f64(bytes as f64 / f64::from(per_s));
        if self.paid > now + BURST {
            sleep_until(self.paid - BURST).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_a_flood_is_held_to_the_rate() {
        let mut budget = Budget::new(Some(1000));
        let begin = Instant::now();
        let mut took = async |bytes| {
            budget.spend(bytes).await;
            begin.elapsed().as_millis()
        };
        assert_eq!(took(250).await, 0);
        assert_eq!(took(500).await, 500);
        for _ in 0..95 {
            took(100).await;
        }
        assert_eq!(took(0).await, 10_000);
        // What was not used is not saved up.
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(took(1250).await, 71_000);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_nothing_waits() {
        let begin = Instant::now();
        Budget::new(None).spend(usize::MAX).await;
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }
}
