//! What is counted of the port mapping.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// What is counted of the port mapping.
#[derive(Debug, Default)]
pub struct UpnpCounters {
    /// Times that the gateway gave the mapping, renewals included.
    pub given: Counter,
    /// Attempts that failed.
    pub failed: Counter,
    mapped: Gauge,
}

impl UpnpCounters {
    pub(super) fn register(&self, all: &mut Registry) {
        all.register("mapped", "Whether a port of the Internet gateway leads to the camera", self.mapped.clone());
        all.register("given", "Times that the gateway gave or renewed the mapping", self.given.clone());
        all.register("failed", "Attempts to have a port mapped that failed", self.failed.clone());
    }

    /// Notes whether a port is mapped.
    pub fn mapped(&self, mapped: bool) {
        self.mapped.set(i64::from(mapped));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Metrics, testing::has};

    #[test]
    fn a_mapping_is_told_from_the_start() {
        let metrics = Metrics::new();
        has(&metrics, "lookout_upnp_mapped 0");
        metrics.upnp.mapped(true);
        metrics.upnp.failed.inc();
        for line in ["lookout_upnp_mapped 1", "lookout_upnp_given_total 0", "lookout_upnp_failed_total 1"] {
            has(&metrics, line);
        }
    }
}
