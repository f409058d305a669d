//! `demo:`, a camera that is not there: a painted world, so that everything can be seen and tested without hardware.
//!
//! Bargains: pictures come at multiples of the period since the first one, so that the average rate is exact whatever
//! a tick is late; ticks that were missed are left out. Nothing is encoded here: the pipeline does that, if someone
//! watches. Its sound has the same beginning, and is made while somebody hears it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use lookout_core::{
    media::{
        canvas::Canvas,
        frame::{Grabbed, Picture, Size},
        scene::{self, Scene},
        sound::{self, Chunk},
    },
    port::{Lost, Microphone, Promise, Source, Wanted},
};
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until},
};

use super::pace::{LATE, PIECES};

/// The sizes that are painted.
const SMALLEST: Size = Size::QQVGA;
const LARGEST: Size = Size::new(3840, 2160);
/// The rates that are painted, pictures a second.
const SLOWEST: f32 = 0.1;
const FASTEST: f32 = 60.0;
/// How much sound is handed over at once, in samples.
const PIECE: u64 = (sound::RATE / PIECES) as u64;

/// Words a moment as the local time that the scene's clock shows.
pub type LocalTime = Arc<dyn Fn(SystemTime) -> String + Send + Sync>;

/// Opens the demo scene.
///
/// `url_rest` is what follows `demo:`, nothing or a query with `size` and `fps` such as `?size=1280x720&fps=25`; what it
/// leaves out is taken from `wanted`, or the nearest to it that can be painted.
///
/// # Errors
///
/// Says what is wrong with the query, and what would be right.
pub fn open(url_rest: &str, wanted: Wanted, local: LocalTime) -> Result<Box<dyn Source>, Lost> {
    let Wanted { size, fps } = choose(url_rest, wanted)?;
    let scene = Scene::new(size);
    let period = Duration::from_secs_f64(1.0 / f64::from(fps));
    let about = format!("demo scene, {size}, {fps} fps");
    Ok(Box::new(Demo { scene, about, period, local, ticks: None, start: watch::Sender::new(None), number: 0 }))
}

/// Decides on size and rate.
fn choose(url_rest: &str, wanted: Wanted) -> Result<Wanted, Lost> {
    let side = |side: u32, least: u32, most: u32| (side & !1).clamp(least, most);
    let mut chosen = Wanted {
        size: Size::new(
            side(wanted.size.width, SMALLEST.width, LARGEST.width),
            side(wanted.size.height, SMALLEST.height, LARGEST.height),
        ),
        fps: if wanted.fps.is_nan() { 30.0 } else { wanted.fps.clamp(SLOWEST, FASTEST) },
    };
    if url_rest.is_empty() {
        return Ok(chosen);
    }
    let query = url_rest.strip_prefix('?').ok_or_else(|| {
        Lost(format!("demo: takes at most a query such as demo:?size=640x480&fps=25, not {url_rest:?}"))
    })?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match key {
            "size" => chosen.size = parse_size(value)?,
            "fps" => chosen.fps = parse_fps(value)?,
            _ => return Err(Lost(format!("demo: knows size and fps, not {key:?}"))),
        }
    }
    Ok(chosen)
}

fn parse_size(value: &str) -> Result<Size, Lost> {
    let size: Size = value.parse().map_err(|bad| Lost(format!("demo: cannot take the size {value:?}: {bad}")))?;
    let fits = (SMALLEST.width..=LARGEST.width).contains(&size.width)
        && (SMALLEST.height..=LARGEST.height).contains(&size.height);
    fits.then_some(size).ok_or_else(|| Lost(format!("demo: paints {SMALLEST} to {LARGEST}, not {value:?}")))
}

fn parse_fps(value: &str) -> Result<f32, Lost> {
    value
        .parse()
        .ok()
        .filter(|fps| (SLOWEST..=FASTEST).contains(fps))
        .ok_or_else(|| Lost(format!("demo: paints {SLOWEST} to {FASTEST} pictures a second, not {value:?}")))
}

/// The scene, and where it stands.
struct Demo {
    scene: Scene,
    about: String,
    period: Duration,
    local: LocalTime,
    /// The rhythm. It begins with the first picture, as only then a tokio runtime is sure to be there.
    ticks: Option<Interval>,
    /// When it began; the microphone follows it, and ends with it.
    start: watch::Sender<Option<Instant>>,
    /// Counts the pictures painted, from 1.
    number: u64,
}

impl Source for Demo {
    fn grab(&mut self) -> Promise<'_, Result<Grabbed, Lost>> {
        Box::pin(async move {
            let period = self.period;
            let start = *self.start.borrow();
            let start = start.unwrap_or_else(|| {
                let now = Instant::now();
                self.start.send_replace(Some(now));
                now
            });
            let ticks = self.ticks.get_or_insert_with(|| {
                let mut ticks = interval_at(start, period);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
                ticks
            });
            let tick = ticks.tick().await;
            let now = Instant::now();
            // After a long sleep of the machine or the process the overdue tick lies far back; its picture is new.
            let captured = if now.duration_since(tick) > period { now } else { tick };
            let t = captured.saturating_duration_since(start);
            // A wall clock near its own beginning cannot be set back further.
            let wall = SystemTime::now();
            let wall = wall.checked_sub(now.duration_since(captured)).unwrap_or(wall);

            self.number += 1;
            let mut canvas = Canvas::default();
            self.scene.paint(&mut canvas, self.number, t, &(self.local)(wall));
            Ok(Grabbed { captured: captured.into_std(), wall, picture: Picture::Raw(canvas.into_raw()) })
        })
    }

    fn microphone(&mut self) -> Option<Box<dyn Microphone>> {
        let first = self.start.receiver_count() == 0;
        first.then(|| Box::new(Ear { start: self.start.subscribe(), next: 0 }) as Box<dyn Microphone>)
    }

    fn about(&self) -> String {
        self.about.clone()
    }
}

/// The scene's sound.
struct Ear {
    start: watch::Receiver<Option<Instant>>,
    /// The sample that comes next; sample 0 is heard when the scene begins.
    next: u64,
}

impl Ear {
    async fn next(&mut self) -> Result<Chunk, Lost> {
        let gone = |_| Lost("the demo scene has ended".into());
        let start = self.start.wait_for(Option::is_some).await.map_err(gone)?.unwrap_or_else(Instant::now);
        let at = |sample: u64| start + Duration::from_secs(sample) / sound::RATE;
        tokio::select! {
            biased;
            // It never changes again, but ends.
            ended = self.start.changed() => ended.map_err(gone)?,
            () = sleep_until(at(self.next + PIECE)) => {}
        }
        let behind = Instant::now().saturating_duration_since(at(self.next + PIECE));
        if behind > LATE {
            let missed = behind.as_micros() * u128::from(sound::RATE) / 1_000_000;
            self.next += u64::try_from(missed).unwrap_or(u64::MAX) / PIECE * PIECE;
        }
        let (captured, samples) = (at(self.next).into_std(), scene::tone(self.next, PIECE as usize));
        self.next += PIECE;
        Ok(Chunk { captured, rate: sound::RATE, channels: 1, samples })
    }
}

impl Microphone for Ear {
    fn hear(&mut self) -> Promise<'_, Result<Chunk, Lost>> {
        Box::pin(self.next())
    }

    fn about(&self) -> String {
        format!("sound of the demo scene, {} Hz", sound::RATE)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use lookout_core::media::frame::Raw;

    use super::*;

    const WANTED: Wanted = Wanted { size: Size::QQVGA, fps: 30.0 };

    fn opened(url_rest: &str) -> Box<dyn Source> {
        open(url_rest, WANTED, Arc::new(|_| String::from("12:34:56"))).unwrap()
    }

    async fn grab(source: &mut dyn Source) -> (std::time::Instant, Raw) {
        let grabbed = source.grab().await.unwrap();
        let Picture::Raw(raw) = grabbed.picture else { panic!("pixels") };
        (grabbed.captured, raw)
    }

    #[test]
    fn a_query_overrides_what_is_wanted() {
        let about = |url_rest| opened(url_rest).about();
        assert_eq!(about(""), "demo scene, 160x120, 30 fps");
        assert_eq!(about("?fps=12.5"), "demo scene, 160x120, 12.5 fps");
        assert_eq!(about("?size=320x240&fps=25"), "demo scene, 320x240, 25 fps");
    }

    #[test]
    fn what_cannot_be_painted_is_brought_to_the_nearest_when_wanted() {
        let chosen = |width, height, fps| choose("", Wanted { size: Size::new(width, height), fps }).unwrap();
        assert_eq!(chosen(641, 9999, 500.0), Wanted { size: Size::new(640, 2160), fps: 60.0 });
        assert_eq!(chosen(0, 0, f32::NAN), Wanted { size: Size::QQVGA, fps: 30.0 });
    }

    #[test]
    fn a_bad_query_is_refused_in_clear_words() {
        for (bad, words) in [
            ("x", "takes at most a query"),
            ("?speed=1", "knows size and fps, not \"speed\""),
            ("?size=100x100", "paints 160x120 to 3840x2160"),
            ("?size=641x480", "a size is WIDTHxHEIGHT"),
            ("?size", "a size is WIDTHxHEIGHT"),
            ("?fps=0", "paints 0.1 to 60 pictures a second, not \"0\""),
            ("?fps=NaN", "pictures a second"),
            ("?fps=", "pictures a second"),
        ] {
            let Err(Lost(said)) = choose(bad, WANTED) else { panic!("{bad} was taken") };
            assert!(said.starts_with("demo: ") && said.contains(words), "{bad}: {said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_exact_over_a_minute() {
        let mut source = opened("?fps=7");
        let (first, raw) = grab(source.as_mut()).await;
        assert_eq!(raw.size, Size::QQVGA);
        assert_eq!(raw.pixels.len(), raw.format.bytes(raw.size));
        let mut last = first;
        for _ in 0..7 * 60 {
            last = grab(source.as_mut()).await.0;
        }
        let off = (last - first).abs_diff(Duration::from_secs(60));
        assert!(off < Duration::from_micros(1), "{off:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn missed_ticks_are_left_out_and_the_rhythm_is_kept() {
        let mut source = opened("?fps=10");
        let (first, raw) = grab(source.as_mut()).await;
        let number = |raw: &Raw| scene::read_number(&raw.pixels, 160, 120);
        assert_eq!(number(&raw), Some(1));
        tokio::time::advance(Duration::from_millis(730)).await;
        let (late, raw) = grab(source.as_mut()).await;
        assert_eq!(late - first, Duration::from_millis(730), "painted now, not six ticks ago");
        assert_eq!(number(&raw), Some(2), "a picture that was not painted has no number");
        assert_eq!(grab(source.as_mut()).await.0 - first, Duration::from_millis(800));
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_shows_the_wall_time_of_the_capture() {
        let asked = Arc::new(Mutex::new(None));
        let local: LocalTime = Arc::new({
            let asked = asked.clone();
            move |wall| {
                *asked.lock().unwrap() = Some(wall);
                String::from("12:34:57")
            }
        });
        let grabbed = open("", WANTED, local).unwrap().grab().await.unwrap();
        assert_eq!(*asked.lock().unwrap(), Some(grabbed.wall));
        let (_, other) = grab(opened("").as_mut()).await;
        assert_ne!(grabbed.picture, Picture::Raw(other), "the text is in the picture");
    }

    #[tokio::test(start_paused = true)]
    async fn the_sound_has_the_time_of_the_pictures() {
        let mut source = opened("?fps=7");
        let mut microphone = source.microphone().unwrap();
        assert!(source.microphone().is_none(), "it is given once");
        let silent = tokio::time::timeout(Duration::from_secs(5), microphone.hear()).await;
        assert!(silent.is_err(), "nothing is heard before the first picture");
        let (first, raw) = grab(source.as_mut()).await;
        let time = |raw: &Raw| scene::read_time(&raw.pixels, 160, 120);
        assert_eq!(time(&raw), Some(Duration::ZERO));
        let begin = Instant::now();
        let mut samples = Vec::new();
        for piece in 0..61 * 25 {
            let heard = microphone.hear().await.unwrap();
            assert_eq!((heard.rate, heard.channels), (8000, 1));
            assert_eq!(heard.captured - first, Duration::from_millis(40) * piece, "exact, and no drift");
            samples.extend(heard.samples);
        }
        // A piece is handed over when its last sample was captured, and not before.
        assert_eq!(begin.elapsed().as_millis(), 61_000);
        assert!(samples == scene::tone(0, 61 * 8000));
        let (late, raw) = grab(source.as_mut()).await;
        assert_eq!(time(&raw).map(|time| time.as_millis()), Some((late - first).as_millis() % 10_000));
    }

    #[tokio::test(start_paused = true)]
    async fn sound_that_was_missed_is_left_out_and_what_is_a_little_late_is_not() {
        let mut source = opened("");
        let mut microphone = source.microphone().unwrap();
        let (first, _) = grab(source.as_mut()).await;
        let at = async |microphone: &mut Box<dyn Microphone>| {
            let heard = microphone.hear().await.unwrap();
            let at = (heard.captured - first).as_millis() as u64;
            assert!(heard.samples == scene::tone(at * 8, 320), "{at}");
            at
        };
        assert_eq!(at(&mut microphone).await, 0);
        tokio::time::advance(Duration::from_millis(230)).await;
        for ms in [40, 80, 120] {
            assert_eq!(at(&mut microphone).await, ms, "it comes, if late");
        }
        tokio::time::advance(Duration::from_millis(3_600_010)).await;
        assert_eq!(at(&mut microphone).await, 3_600_240, "the newest whole piece");
        assert_eq!(at(&mut microphone).await, 3_600_280);
    }

    #[tokio::test(start_paused = true)]
    async fn the_microphone_is_lost_with_its_source() {
        let mut source = opened("");
        let mut microphone = source.microphone().unwrap();
        grab(source.as_mut()).await;
        microphone.hear().await.unwrap();
        let ended = tokio::join!(microphone.hear(), async move { drop(source) }).0;
        assert_eq!(ended.unwrap_err(), Lost("the demo scene has ended".into()));
        let mut source = opened("");
        let mut microphone = source.microphone().unwrap();
        drop(source);
        assert!(microphone.hear().await.is_err(), "before its first picture, too");
    }
}
