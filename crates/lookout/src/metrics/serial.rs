//! What is counted of the serial ports.

use prometheus_client::{metrics::counter::Counter, registry::Registry};

/// What is counted of all serial ports together.
#[derive(Debug, Default)]
pub struct SerialCounters {
    /// Writes that went out.
    pub written: Counter,
    /// Writes that were refused because too many came at once.
    pub refused: Counter,
    /// Writes that failed, and ports that were lost while nobody wrote.
    pub failed: Counter,
}

impl SerialCounters {
    pub(super) fn register(&self, all: &mut Registry) {
        all.register("written", "Writes that went out over a serial port", self.written.clone());
        all.register("refused", "Writes to a serial port refused because too many came", self.refused.clone());
        all.register("failed", "Writes to a serial port that failed, and ports that were lost", self.failed.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Metrics, testing::has};

    #[test]
    fn serial_ports_are_told_from_the_start() {
        let metrics = Metrics::new();
        metrics.serial.failed.inc();
        for (name, count) in [("written", 0), ("refused", 0), ("failed", 1)] {
            has(&metrics, &format!("lookout_serial_{name}_total {count}"));
        }
    }
}
