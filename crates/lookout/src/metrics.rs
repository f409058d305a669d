//! What `/metrics` counts.
//!
//! The bargain: counting never waits. What lies on the frame path is a handful of relaxed atomic additions; labelled
//! counters are looked up once, here, or only where something has gone wrong. Label values are a fixed few words, so that
//! no peer can make the text grow.

mod ddns;
mod head;
mod pins;
mod serial;
mod upnp;

use std::{
    array,
    fmt::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lookout_core::media::sound::{Level, dbfs};
use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet, text},
    metrics::{
        MetricType, TypedMetric,
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::{Registry, Unit},
};

pub use self::{
    ddns::DdnsCounters,
    head::HeadCounters,
    pins::{LineCounters, PinCounters},
    serial::SerialCounters,
    upnp::UpnpCounters,
};

/// The `Content-Type` of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Label = [(&'static str, &'static str); 1];

/// All counters of the daemon.
#[derive(Debug)]
pub struct Metrics {
    /// Of the camera's own pictures.
    pub camera: Arc<Flow>,
    /// Of the pictures of all other cameras (`set_devices.cgi`) together.
    pub devices: Arc<Flow>,
    /// Of the camera's own sound.
    pub sound: Arc<SoundCounters>,
    /// Of alarms.
    pub alarms: Arc<AlarmCounters>,
    /// Of the alarm input, the output and the lamp.
    pub pins: Arc<PinCounters>,
    /// Of the serial ports.
    pub serial: Arc<SerialCounters>,
    /// What is counted of the MQTT broker.
    pub mqtt: Arc<MqttCounters>,
    /// Of dynamic DNS, and of the public address.
    pub ddns: Arc<DdnsCounters>,
    /// Of the head.
    pub head: Arc<HeadCounters>,
    /// Of the port mapping.
    pub upnp: Arc<UpnpCounters>,
    /// Logins refused: wrong, missing or throttled credentials.
    pub logins_refused: Counter,
    /// Connections that a panic ended: each is a bug.
    pub panics: Counter,
    /// Bytes that the journal gave to the disk.
    pub journal_bytes: Counter,
    /// Times that it had the disk keep them.
    pub journal_syncs: Counter,
    forbidden: Gauge,
    connections: Gauge,
    connections_refused: [Counter; 2],
    requests: [Counter; 5],
    registry: Registry,
}

/// What is counted of pictures on their way from a source to viewers.
#[derive(Debug, Default)]
pub struct Flow {
    /// Pictures that came from the source, broken ones included.
    pub frames_captured: Counter,
    /// Pictures that a viewer did not get because it was slow or asked for fewer.
    pub frames_skipped: Counter,
    /// Pictures that were encoded: another size, other brightness or contrast, a raw source, a placeholder. Flips are not.
    pub encodes: Counter,
    /// Snapshots.
    pub snapshots: Counter,
    /// Times a source was lost.
    pub source_lost: Counter,
    viewers: Gauge,
    source_up: Gauge,
    frames_sent: Counter,
    sent_bytes: Counter,
    frame_age: Ages,
    frames_dropped: Family<Label, Counter>,
}

/// What is counted of sound on its way from a microphone to listeners.
#[derive(Debug, Default)]
pub struct SoundCounters {
    /// Times the microphone was lost.
    pub lost: Counter,
    /// Blocks that were encoded: each once, however many listen, and none while nobody does.
    pub encoded: Counter,
    /// Blocks that listeners took.
    pub taken: Counter,
    /// Blocks that a listener missed because it was slow.
    pub missed: Counter,
    up: Gauge,
    listeners: Gauge,
}

/// What is counted of alarms and of what they have the camera do.
#[derive(Debug, Default)]
pub struct AlarmCounters {
    /// Triggers that came while too many waited.
    pub triggers_lost: Counter,
    /// Errands that came while too many waited for their link.
    pub errands_lost: Counter,
    /// Entries of `/events.json` thrown away before their day was over, because there were too many.
    pub events_dropped: Counter,
    /// Pictures that nobody looked at for motion, because they were broken or took too long.
    pub pictures_unseen: Counter,
    /// Windows of 100 ms of sound that nobody judged, because too many came at once.
    pub windows_unheard: Counter,
    active: Gauge,
    queued: Family<Label, Gauge>,
    dropped: Family<Label, Counter>,
    errands: Family<[(&'static str, &'static str); 2], Counter>,
    decisions: Family<[(&'static str, &'static str); 2], Counter>,
}

impl AlarmCounters {
    fn register(&self, all: &mut Registry) {
        all.register("active", "Whether there is an alarm", self.active.clone());
        all.register("triggers_lost", "Triggers lost in a storm of them", self.triggers_lost.clone());
        all.register("errands_lost", "Errands lost because their link had too many", self.errands_lost.clone());
        all.register("events_dropped", "Entries of the last day thrown away", self.events_dropped.clone());
        let unseen = "Pictures that could not be looked at for motion";
        all.register("pictures_unseen", unseen, self.pictures_unseen.clone());
        let unheard = "Windows of sound that could not be judged";
        all.register("windows_unheard", unheard, self.windows_unheard.clone());
        all.register("decisions", "Decisions of an alarm or of none, by cause and reason", self.decisions.clone());
        all.register("queued", "What waits on the disk for its server", self.queued.clone());
        all.register("dropped", "What was thrown away because too much waited, or for too long", self.dropped.clone());
        all.register("errands", "What alarms had the camera do, by how it went", self.errands.clone());
    }

    /// Notes whether there is an alarm.
    pub fn active(&self, active: bool) {
        self.active.set(i64::from(active));
    }

    /// Counts a decision. `cause` and `reason` are of a fixed few words.
    pub fn decided(&self, cause: &'static str, reason: &'static str) {
        self.decisions.get_or_create_owned(&[("cause", cause), ("reason", reason)]).inc();
    }

    /// Notes how many items of a link wait on the disk.
    pub fn queued(&self, link: &'static str, items: usize) {
        self.queued.get_or_create_owned(&[("link", link)]).set(i64::try_from(items).unwrap_or(i64::MAX));
    }

    /// Counts an item of a link that was thrown away.
    pub fn dropped(&self, link: &'static str) {
        self.dropped.get_or_create_owned(&[("link", link)]).inc();
    }

    /// Returns how many items of a link wait, and how many were thrown away.
    #[cfg(test)]
    pub fn standing(&self, link: &'static str) -> (i64, u64) {
        let label = [("link", link)];
        (self.queued.get_or_create_owned(&label).get(), self.dropped.get_or_create_owned(&label).get())
    }

    /// Counts an errand that a link has done, or could not do.
    pub fn done(&self, link: &'static str, well: bool) {
        let how = if well { "done" } else { "failed" };
        self.errands.get_or_create_owned(&[("link", link), ("result", how)]).inc();
    }
}

/// What is counted of the MQTT broker.
#[derive(Debug, Default)]
pub struct MqttCounters {
    up: Gauge,
    commands: Family<Label, Counter>,
}

impl MqttCounters {
    fn register(&self, all: &mut Registry) {
        all.register("up", "Whether the MQTT broker has let the camera in", self.up.clone());
        all.register("commands", "Commands of the MQTT broker, by whether they were taken", self.commands.clone());
    }

    /// Counts a session for as long as the returned value lives.
    pub fn session(&self) -> Held {
        Held::new(&self.up)
    }

    /// Counts a command, taken or ignored.
    pub fn command(&self, taken: bool) {
        let how = if taken { "taken" } else { "ignored" };
        self.commands.get_or_create_owned(&[("result", how)]).inc();
    }
}

/// What a lamp may tell of: who is there, and what goes on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signs {
    /// Grows with each request that is answered, and each picture and block of sound that goes out.
    pub traffic: u64,
    /// Whether a stream of the camera's own pictures or sound goes out.
    pub viewers: bool,
    /// Grows with each snapshot of the camera's own pictures.
    pub snapshots: u64,
}

/// Why a connection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are as many connections as `http.max_connections` allows.
    Full,
    /// The peer's address has as many as `http.max_per_address` allows.
    Address,
}

/// Something counted for as long as this lives.
#[derive(Debug)]
#[must_use = "the count falls when this is dropped"]
pub struct Held(Gauge);

impl Held {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Makes counters that stand at 0.
    pub fn new() -> Self {
        let refused = Family::<Label, Counter>::default();
        let requests = Family::<Label, Counter>::default();
        let mut metrics = Self {
            camera: Arc::default(),
            devices: Arc::default(),
            sound: Arc::default(),
            alarms: Arc::default(),
            pins: Arc::default(),
            serial: Arc::default(),
            mqtt: Arc::default(),
            ddns: Arc::default(),
            head: Arc::default(),
            upnp: Arc::default(),
            logins_refused: Counter::default(),
            panics: Counter::default(),
            journal_bytes: Counter::default(),
            journal_syncs: Counter::default(),
            forbidden: Gauge::default(),
            connections: Gauge::default(),
            connections_refused: ["full", "address"].map(|reason| refused.get_or_create_owned(&[("reason", reason)])),
            requests: ["1xx", "2xx", "3xx", "4xx", "5xx"]
                .map(|class| requests.get_or_create_owned(&[("class", class)])),
            registry: Registry::with_prefix("lookout"),
        };
        metrics.register(refused, requests);
        metrics
    }

    fn register(&mut self, refused: Family<Label, Counter>, requests: Family<Label, Counter>) {
        let all = &mut self.registry;
        all.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        self.camera.register(all);
        self.devices.register(all.sub_registry_with_prefix("devices"));
        self.sound.register(all.sub_registry_with_prefix("sound"));
        self.alarms.register(all.sub_registry_with_prefix("alarm"));
        self.pins.register(all);
        self.serial.register(all.sub_registry_with_prefix("serial"));
        self.mqtt.register(all.sub_registry_with_prefix("mqtt"));
        self.ddns.register(all.sub_registry_with_prefix("ddns"));
        self.head.register(all.sub_registry_with_prefix("head"));
        self.upnp.register(all.sub_registry_with_prefix("upnp"));
        all.register("forbidden", "Whether forbidden hours keep all pictures in", self.forbidden.clone());
        all.register("logins_refused", "Logins refused", self.logins_refused.clone());
        all.register("connections", "Open connections", self.connections.clone());
        all.register("connections_refused", "Connections refused at a limit", refused);
        all.register("requests", "Requests answered", requests);
        all.register("journal_bytes", "Bytes of the journal given to the disk", self.journal_bytes.clone());
        all.register("journal_syncs", "Times the journal was synced to the disk", self.journal_syncs.clone());
        all.register("panics", "Connections that ended in a panic", self.panics.clone());
    }

    /// Counts a connection for as long as the returned value lives.
    pub fn connection(&self) -> Held {
        Held::new(&self.connections)
    }

    /// Notes whether the privacy gate is closed.
    pub fn forbidden(&self, closed: bool) {
        self.forbidden.set(i64::from(closed));
    }

    /// Counts a connection that was refused.
    pub fn refused(&self, why: Refused) {
        let [full, address] = &self.connections_refused;
        match why {
            Refused::Full => full.inc(),
            Refused::Address => address.inc(),
        };
    }

    /// Counts a request by the status of its answer.
    pub fn answered(&self, status: u16) {
        // A status outside 100-599 does not leave this daemon; it would be a fault of ours, so 5xx.
        let class = usize::from(status / 100).wrapping_sub(1);
        self.requests.get(class).unwrap_or(&self.requests[4]).inc();
    }

    /// Returns what a lamp may tell of.
    pub fn signs(&self) -> Signs {
        let requests: u64 = self.requests.iter().map(Counter::get).sum();
        let pictures = self.camera.frames_sent.get() + self.devices.frames_sent.get();
        Signs {
            traffic: requests + pictures + self.sound.taken.get(),
            viewers: self.camera.viewers.get() > 0 || self.sound.listeners.get() > 0,
            snapshots: self.camera.snapshots.get(),
        }
    }

    /// Writes everything in the OpenMetrics text format, and how loud it is if that is known and may be told; send it as
    /// [`CONTENT_TYPE`].
    pub fn text(&self, loud: Option<Level>) -> String {
        let mut page = String::new();
        let mut level = Registry::with_prefix("lookout_sound");
        if let Some(Level { rms, peak }) = loud {
            let gauge = |share| ConstGauge::new(f64::from(dbfs(share)));
            level.register("rms_dbfs", "Root mean square of the last 100 ms of sound", gauge(rms));
            level.register("peak_dbfs", "Peak of the last 100 ms of sound", gauge(peak));
        }
        let all = [&self.registry, &level];
        let written = all.into_iter().try_for_each(|registry| text::encode_registry(&mut page, registry));
        if written.and_then(|()| text::encode_eof(&mut page)).is_err() {
            // Not seen; a text without its `# EOF` is refused by scrapers, so that nothing false is recorded.
            tracing::error!("the metrics could not be written");
        }
        page
    }
}

impl Flow {
    fn register(&self, all: &mut Registry) {
        all.register("viewers", "Viewers of push streams", self.viewers.clone());
        all.register("frames_captured", "Pictures from the source", self.frames_captured.clone());
        all.register("frames_sent", "Pictures sent whole to a viewer", self.frames_sent.clone());
        all.register("frames_skipped", "Pictures skipped for a slow or paced viewer", self.frames_skipped.clone());
        all.register("frames_dropped", "Broken pictures that nobody gets to see", self.frames_dropped.clone());
        all.register("encodes", "Pictures encoded", self.encodes.clone());
        all.register("snapshots", "Snapshots", self.snapshots.clone());
        let help = "Time from capture to the last byte written to a viewer";
        all.register_with_unit("frame_age", help, Unit::Seconds, self.frame_age.clone());
        all.register("sent_bytes", "Bytes of pictures sent to viewers", self.sent_bytes.clone());
        all.register("source_up", "Sources that deliver pictures", self.source_up.clone());
        all.register("source_lost", "Times a source was lost", self.source_lost.clone());
    }

    /// Counts a viewer for as long as the returned value lives.
    pub fn viewer(&self) -> Held {
        Held::new(&self.viewers)
    }

    /// Counts a source that delivers for as long as the returned value lives.
    pub fn source(&self) -> Held {
        Held::new(&self.source_up)
    }

    /// Counts a picture whose last byte was handed to the system, `age` after its capture. Four additions.
    pub fn sent(&self, bytes: usize, age: Duration) {
        self.frames_sent.inc();
        self.sent_bytes.inc_by(bytes as u64);
        self.frame_age.observe(age);
    }

    /// Counts a picture that is not passed on. `reason` is one of a fixed few words.
    pub fn dropped(&self, reason: &'static str) {
        self.frames_dropped.get_or_create(&[("reason", reason)]).inc();
    }
}

impl SoundCounters {
    fn register(&self, all: &mut Registry) {
        all.register("up", "Microphones that deliver sound", self.up.clone());
        all.register("lost", "Times the microphone was lost", self.lost.clone());
        all.register("listeners", "Listeners to the camera's sound", self.listeners.clone());
        all.register("encoded", "Blocks of sound encoded", self.encoded.clone());
        all.register("taken", "Blocks of sound taken by listeners", self.taken.clone());
        all.register("missed", "Blocks of sound missed by a slow listener", self.missed.clone());
    }

    /// Counts a microphone that delivers for as long as the returned value lives.
    pub fn microphone(&self) -> Held {
        Held::new(&self.up)
    }

    /// Counts a listener for as long as the returned value lives.
    pub fn listener(&self) -> Held {
        Held::new(&self.listeners)
    }
}

/// The upper bounds of the ages that are told apart, in microseconds.
const BOUNDS: [u64; 12] =
    [500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];

/// How old pictures are when a viewer has them: a histogram of atomics, because the library's takes a lock.
///
/// A scrape reads the buckets one by one while they count on; it may be a few pictures apart from itself, no more.
#[derive(Clone, Debug, Default)]
struct Ages(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// The last is for what exceeds every bound.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// Microseconds: 64 bits last for centuries of a thousand viewers.
    sum: AtomicU64,
}

impl Ages {
    fn observe(&self, age: Duration) {
        let micros = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        self.0.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.sum.fetch_add(micros, Ordering::Relaxed);
    }
}

impl TypedMetric for Ages {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Ages {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), Error> {
        let seconds = |micros: u64| Duration::from_micros(micros).as_secs_f64();
        let bound = |bucket: usize| BOUNDS.get(bucket).map_or(f64::INFINITY, |bound| seconds(*bound));
        let buckets: [(f64, u64); BOUNDS.len() + 1] =
            array::from_fn(|bucket| (bound(bucket), self.0.buckets[bucket].load(Ordering::Relaxed)));
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = seconds(self.0.sum.load(Ordering::Relaxed));
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
pub mod testing {
    //! What other tests look up here.

    use super::*;

    /// Checks that a line is told, without how loud it is.
    #[track_caller]
    pub fn has(metrics: &Metrics, line: &str) {
        let text = metrics.text(None);
        assert!(text.lines().any(|known| known == line), "no line {line} in\n{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::has, *};

    #[test]
    fn every_counter_is_listed_from_the_start_and_the_text_is_complete() {
        let metrics = Metrics::new();
        let text = metrics.text(None);
        for name in [
            "viewers",
            "frames_captured_total",
            "frames_sent_total",
            "frames_skipped_total",
            "encodes_total",
            "snapshots_total",
            "sent_bytes_total",
            "source_up",
            "source_lost_total",
            "sound_up",
            "sound_lost_total",
            "sound_listeners",
            "sound_encoded_total",
            "sound_missed_total",
            "sound_taken_total",
            "forbidden",
            "logins_refused_total",
            "connections",
            "connections_refused_total{reason=\"full\"}",
            "connections_refused_total{reason=\"address\"}",
            "requests_total{class=\"2xx\"}",
            "panics_total",
            "frame_age_seconds_count",
        ] {
            has(&metrics, &format!("lookout_{name} 0"));
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn ages_are_counted_below_the_bound_that_they_do_not_exceed() {
        let metrics = Metrics::new();
        for micros in [0, 500, 501, 30_000, 9_000_000] {
            metrics.camera.sent(1000, Duration::from_micros(micros));
        }
        for (bound, below) in [("0.0005", 2), ("0.001", 3), ("0.02", 3), ("0.05", 4), ("5.0", 4), ("+Inf", 5)] {
            has(&metrics, &format!("lookout_frame_age_seconds_bucket{{le=\"{bound}\"}} {below}"));
        }
        has(&metrics, "lookout_frame_age_seconds_sum 9.031001");
        has(&metrics, "lookout_frames_sent_total 5");
        has(&metrics, "lookout_sent_bytes_total 5000");
    }

    #[test]
    fn how_loud_it_is_stands_in_the_text_while_it_is_known() {
        let metrics = Metrics::new();
        let loud = |rms, peak| {
            let text = metrics.text(Some(Level { rms, peak }));
            assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
            let value = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
                line.and_then(|value| value.parse::<f64>().ok()).map(f64::round)
            };
            [value("lookout_sound_rms_dbfs"), value("lookout_sound_peak_dbfs")]
        };
        assert_eq!(loud(0.1, 1.0), [Some(-20.0), Some(0.0)]);
        assert_eq!(loud(0.0, 0.0), [Some(-120.0), Some(-120.0)]);
        let unknown = metrics.text(None);
        assert!(!unknown.contains("dbfs") && unknown.ends_with("# EOF\n"), "{unknown}");
    }

    #[test]
    fn an_age_beyond_all_measure_is_still_counted() {
        let metrics = Metrics::new();
        metrics.camera.sent(1, Duration::MAX);
        has(&metrics, "lookout_frame_age_seconds_bucket{le=\"+Inf\"} 1");
    }

    #[test]
    fn what_is_held_is_counted_until_it_is_dropped() {
        let metrics = Metrics::new();
        let (one, two) = (metrics.camera.viewer(), metrics.camera.viewer());
        has(&metrics, "lookout_viewers 2");
        drop(one);
        has(&metrics, "lookout_viewers 1");
        drop(two);
        has(&metrics, "lookout_viewers 0");
    }

    #[test]
    fn whoever_watches_or_listens_shows_and_another_cameras_viewers_are_traffic_alone() {
        let metrics = Metrics::new();
        let signs = || {
            let Signs { traffic, viewers, snapshots } = metrics.signs();
            (traffic, viewers, snapshots)
        };
        let other = metrics.devices.viewer();
        metrics.devices.sent(1, Duration::ZERO);
        metrics.devices.snapshots.inc();
        assert_eq!(signs(), (1, false, 0));
        metrics.answered(200);
        metrics.answered(401);
        metrics.camera.snapshots.inc();
        assert_eq!(signs(), (3, false, 1));
        let viewer = metrics.camera.viewer();
        metrics.camera.sent(1, Duration::ZERO);
        assert_eq!(signs(), (4, true, 1));
        drop((viewer, other));
        let listener = metrics.sound.listener();
        metrics.sound.taken.inc();
        assert_eq!(signs(), (5, true, 1));
        drop(listener);
        assert_eq!(signs(), (5, false, 1));
    }

    #[test]
    fn other_cameras_are_counted_apart() {
        let metrics = Metrics::new();
        let _delivers = [metrics.devices.source(), metrics.devices.source()];
        metrics.devices.dropped("cut");
        has(&metrics, "lookout_devices_source_up 2");
        has(&metrics, "lookout_devices_frames_dropped_total{reason=\"cut\"} 1");
        has(&metrics, "lookout_source_up 0");
        assert!(!metrics.text(None).contains("lookout_frames_dropped_total{"));
    }

    #[test]
    fn reasons_and_classes_are_told_apart() {
        let metrics = Metrics::new();
        metrics.camera.dropped("cut");
        metrics.camera.dropped("cut");
        metrics.refused(Refused::Address);
        for status in [200, 206, 404, 101, 599, 0, 1000] {
            metrics.answered(status);
        }
        has(&metrics, "lookout_frames_dropped_total{reason=\"cut\"} 2");
        has(&metrics, "lookout_connections_refused_total{reason=\"address\"} 1");
        has(&metrics, "lookout_requests_total{class=\"2xx\"} 2");
        has(&metrics, "lookout_requests_total{class=\"4xx\"} 1");
        has(&metrics, "lookout_requests_total{class=\"5xx\"} 3");
    }
}
