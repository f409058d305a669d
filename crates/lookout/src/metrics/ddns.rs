//! What is counted of dynamic DNS and of the public address.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Label;

/// What is counted of dynamic DNS and of the public address.
#[derive(Debug, Default)]
pub struct DdnsCounters {
    updates: Family<Label, Counter>,
    known: Gauge,
}

impl DdnsCounters {
    pub(super) fn register(&self, all: &mut Registry) {
        all.register("updates", "Requests to the service of dynamic DNS, by what came of them", self.updates.clone());
        all.register("address_known", "Whether the public address is known", self.known.clone());
    }

    /// Counts a request; `result` is of a fixed few words.
    pub fn done(&self, result: &'static str) {
        self.updates.get_or_create_owned(&[("result", result)]).inc();
    }

    /// Notes whether the public address is known.
    pub fn known(&self, known: bool) {
        self.known.set(i64::from(known));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Metrics, testing::has};

    #[test]
    fn updates_are_told_by_result() {
        let metrics = Metrics::new();
        metrics.ddns.done("nochg");
        metrics.ddns.known(true);
        has(&metrics, "lookout_ddns_updates_total{result=\"nochg\"} 1");
        has(&metrics, "lookout_ddns_address_known 1");
    }
}
