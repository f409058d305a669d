//! What is counted of the head.

use lookout_core::profile::reply::Failure;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Label;

/// What is counted of the head.
#[derive(Debug, Default)]
pub struct HeadCounters {
    orders: Family<Label, Counter>,
    up: Gauge,
    lost: Counter,
}

impl HeadCounters {
    pub(super) fn register(&self, all: &mut Registry) {
        all.register("orders", "What clients ordered of the head, by what came of it", self.orders.clone());
        all.register("up", "Heads that can be reached", self.up.clone());
        all.register("lost", "Times the head was lost", self.lost.clone());
    }

    /// Counts an order by what came of it.
    pub fn ordered(&self, answer: Result<(), Failure>) {
        let how = match answer {
            Ok(()) => "done",
            Err(Failure::NotSupported) => "not_supported",
            Err(Failure::Busy) => "busy",
            Err(_) => "failed",
        };
        self.orders.get_or_create_owned(&[("result", how)]).inc();
    }

    /// Notes whether the head can be reached.
    pub fn stands(&self, up: bool) {
        if self.up.set(i64::from(up)) == 1 && !up {
            self.lost.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Metrics, testing::has},
        *,
    };

    #[test]
    fn a_head_is_lost_once_however_often_that_is_said() {
        let metrics = Metrics::new();
        has(&metrics, "lookout_head_up 0");
        for up in [false, true, true, false, false, true, false] {
            metrics.head.stands(up);
        }
        has(&metrics, "lookout_head_lost_total 2");
        metrics.head.ordered(Err(Failure::NotSupported));
        has(&metrics, "lookout_head_orders_total{result=\"not_supported\"} 1");
    }
}
