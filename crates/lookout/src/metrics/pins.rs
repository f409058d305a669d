//! What is counted of the alarm input, the output and the lamp.

use lookout_core::profile::settings::LineLevel;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

use super::Held;

/// What is counted of the alarm input, the output and the lamp.
#[derive(Debug)]
pub struct PinCounters {
    /// The alarm input.
    pub input: LineCounters,
    /// The output.
    pub output: LineCounters,
    /// The lamp.
    pub led: LineCounters,
}

/// What is counted of one line.
#[derive(Clone, Debug)]
pub struct LineCounters {
    /// Times it was lost.
    pub lost: Counter,
    level: Gauge,
    up: Gauge,
}

/// Stands for a level that nobody knows.
const UNKNOWN: i64 = -1;

impl Default for PinCounters {
    fn default() -> Self {
        let line = || {
            let level = Gauge::default();
            level.set(UNKNOWN);
            LineCounters { lost: Counter::default(), level, up: Gauge::default() }
        };
        Self { input: line(), output: line(), led: line() }
    }
}

impl PinCounters {
    pub(super) fn register(&self, all: &mut Registry) {
        let help =
            ["Level that the alarm input shows: 0 low, 1 high, -1 not known", "Lines for the alarm input that work"];
        self.input.register(all.sub_registry_with_prefix("input"), help, "Times the alarm input's line was lost");
        let help =
            ["Level to which the output is driven: 0 low, 1 high, -1 not driven", "Lines for the output that work"];
        self.output.register(all.sub_registry_with_prefix("output"), help, "Times the output's line was lost");
        let help = ["What the lamp shows: 0 dark, 1 lit, -1 not known", "Lamps that work"];
        self.led.register(all.sub_registry_with_prefix("led"), help, "Times the lamp was lost");
    }
}

impl LineCounters {
    fn register(&self, all: &mut Registry, [level, up]: [&str; 2], lost: &str) {
        all.register("level", level, self.level.clone());
        all.register("up", up, self.up.clone());
        all.register("lost", lost, self.lost.clone());
    }

    /// Notes its level, or that nobody knows it.
    pub fn level(&self, level: Option<LineLevel>) {
        self.level.set(match level {
            Some(LineLevel::Low) => 0,
            Some(LineLevel::High) => 1,
            None => UNKNOWN,
        });
    }

    /// Counts a line that works for as long as the returned value lives.
    pub fn up(&self) -> Held {
        Held::new(&self.up)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Metrics, testing::has},
        *,
    };

    #[test]
    fn a_line_is_told_with_its_level_which_may_be_unknown() {
        let metrics = Metrics::new();
        for name in ["input", "output", "led"] {
            has(&metrics, &format!("lookout_{name}_level -1"));
            has(&metrics, &format!("lookout_{name}_up 0"));
            has(&metrics, &format!("lookout_{name}_lost_total 0"));
        }
        metrics.pins.input.level(Some(LineLevel::High));
        metrics.pins.output.level(Some(LineLevel::Low));
        let up = metrics.pins.output.up();
        for line in ["input_level 1", "output_level 0", "input_up 0", "output_up 1"] {
            has(&metrics, &format!("lookout_{line}"));
        }
        drop(up);
        metrics.pins.output.level(None);
        has(&metrics, "lookout_output_up 0");
        has(&metrics, "lookout_output_level -1");
    }
}
