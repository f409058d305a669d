//! Motion detection on small luma pictures, an eighth of the camera's own in each direction.
//!
//! A cell is one pixel of the small picture. Each has a background that learns: what it usually is and how far it usually
//! strays from that. A cell that strays much farther has changed; changed cells that touch are an area, and an area that is
//! large enough, that has changed within the last second, and that is still there in the next picture is motion
//! ([ADR 0022](../../../../docs/adr/0022-motion-on-an-eighth.md)). How much is enough is [`CURVE`].
//!
//! Bargains: what every picture costs are two passes over all cells, in integers; areas, light and shake are looked at only
//! where and when something changed. What is reported is the picture's own: how long motion lasts is the alarm's business.

mod areas;
mod background;
mod curve;
mod light;
mod shake;

use std::time::{Duration, Instant};

use self::{
    areas::{Area, Areas},
    background::{Background, Rates},
};
use crate::profile::mask::Mask;

pub use self::curve::{CURVE, Threshold};

/// A small picture of luma alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Luma {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 0 black to 255 white, row by row from the top.
    pub pixels: Vec<u8>,
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// 0 the most sensitive, to 9.
    pub sensitivity: u8,
    /// Whether sudden changes of light are no motion.
    pub compensation: bool,
    /// Zones in which nothing is looked for.
    pub mask: Mask,
}

/// What is to be said of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Something moves.
    Motion,
    /// Too little changed.
    Still,
    /// What moves lies in zones that are not watched.
    Masked,
    /// The light changed.
    LightChange,
    /// The camera was moved or shaken.
    Shaken,
    /// The background is not known yet.
    Learning,
}

/// What was seen in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// What is to be said of it.
    pub verdict: Verdict,
    /// The largest connected area that moves, as a share of the picture.
    pub area: f32,
}

/// How long a background is learnt before anything is said.
const LEARNING: Duration = Duration::from_millis(1500);
/// How many pictures that takes at least.
const LEARNING_PICTURES: u32 = 5;
/// How long a background is learnt after the light or the camera changed beyond comparison.
const SETTLING: Duration = Duration::from_secs(1);
/// After a longer pause everything is learnt anew.
const GAP: Duration = Duration::from_secs(5);
/// The least time between two lessons.
const TICK: Duration = Duration::from_millis(100);
/// From this interval on, pictures are too rare to wait for another that shows the same.
const RARE: Duration = Duration::from_millis(350);
/// How long something must be seen before it is believed; at 10 pictures a second, in two of them.
const BELIEVED: Duration = Duration::from_millis(70);

/// Looks at one picture after the other.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    /// Width and height of the pictures.
    size: [usize; 2],
    background: Background,
    /// What is the matter with each cell of this picture.
    marks: Vec<u8>,
    /// What each cell should be, if light or camera changed.
    expected: Vec<i16>,
    areas: Areas,
    /// Which cells are watched, and the mask that says so.
    watched: Vec<bool>,
    mask: Mask,
    clock: Option<Clock>,
    /// What was seen in the picture before, and since when.
    candidate: Option<Candidate>,
    /// The share of changed cells in the last pictures, the newest last.
    shares: [f32; 3],
}

/// When what was.
#[derive(Clone, Copy, Debug)]
struct Clock {
    /// The picture before.
    last: Instant,
    /// The last lesson.
    lesson: Instant,
    /// Until when nothing is said, and what is said instead.
    quiet: Option<(Instant, Verdict)>,
    /// How many pictures were seen since everything began anew.
    pictures: u32,
}

/// Something that may move.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    since: Instant,
    middle: [usize; 2],
}

/// What a picture shows.
enum Finding<'a> {
    /// This area moves.
    Moves(&'a Area),
    /// Nothing moves that is watched.
    Rests(Verdict),
}

impl Detector {
    /// Looks at a picture; those of another size than the one before begin anew.
    pub fn look(&mut self, luma: &Luma, watch: &Watch, captured: Instant) -> Seen {
        let cells = luma.width * luma.height;
        let pixels = luma.pixels.get(..cells).unwrap_or_default();
        if pixels.is_empty() {
            return Seen { verdict: Verdict::Learning, area: 0.0 };
        }
        let size = [luma.width, luma.height];
        self.watch(size, &watch.mask);
        let Some(clock) = self.clock.filter(|clock| self.size == size && captured < clock.last + GAP) else {
            return self.begin(size, pixels, captured);
        };
        let threshold = Threshold::of(watch.sensitivity);
        let interval = captured.saturating_duration_since(clock.last);
        self.marks.resize(cells, 0);
        let mut changed = self.background.compare(pixels, &self.background.level, threshold, &mut self.marks);
        let share = |changed: usize| changed as f32 / cells as f32;
        let raw = share(changed);

        let mut explained = None;
        if clock.quiet.is_none() {
            let few = self.settle_for(pixels, watch, threshold, &mut changed);
            explained = few;
            let sudden = share(changed) > 0.4 && self.shares[1].min(self.shares[2]) < 0.2;
            if sudden && watch.compensation && explained.is_none() {
                self.background.restart(pixels);
                self.quiet(captured, Verdict::LightChange, interval);
                return self.told(Verdict::LightChange, raw);
            }
        }
        self.shares = [self.shares[1], self.shares[2], share(changed)];
        let seen = self.judge(pixels, watch, threshold, explained, (captured, interval), changed);
        self.advance(pixels, captured, clock, seen.verdict);
        seen
    }

    /// Begins anew with a picture.
    fn begin(&mut self, size: [usize; 2], pixels: &[u8], captured: Instant) -> Seen {
        self.size = size;
        self.background.begin(pixels);
        self.candidate = None;
        self.shares = [0.0; 3];
        let quiet = Some((captured + LEARNING, Verdict::Learning));
        self.clock = Some(Clock { last: captured, lesson: captured, quiet, pictures: 1 });
        Seen { verdict: Verdict::Learning, area: 0.0 }
    }

    /// Tries light and then shake as what changed so much; marks and counts what they leave.
    fn settle_for(
        &mut self,
        pixels: &[u8],
        watch: &Watch,
        threshold: Threshold,
        changed: &mut usize,
    ) -> Option<Verdict> {
        if *changed * 33 < pixels.len() {
            return None;
        }
        let Self { background, expected, marks, size, .. } = self;
        let mut left = [usize::MAX; 2];
        if shake::expect(pixels, &background.level, size[0], expected).is_some() {
            left[0] = background.compare(pixels, expected, threshold, marks);
        }
        let shaken = left[0].saturating_mul(5) <= *changed * 2;
        if watch.compensation && light::expect(pixels, &background.level, expected) {
            left[1] = background.compare(pixels, expected, threshold, marks);
        }
        if left[1].saturating_mul(2) <= *changed && !(shaken && left[0] < left[1]) {
            background.adopt(pixels, expected);
            *changed = background.compare(pixels, expected, threshold, marks);
            return Some(Verdict::LightChange);
        }
        if shaken && shake::expect(pixels, &background.level, size[0], expected).is_some() {
            *changed = background.compare(pixels, expected, threshold, marks);
            return Some(Verdict::Shaken);
        }
        *changed = background.compare(pixels, &background.level, threshold, marks);
        None
    }

    /// Says what the marks mean.
    fn judge(
        &mut self,
        pixels: &[u8],
        watch: &Watch,
        threshold: Threshold,
        explained: Option<Verdict>,
        (captured, interval): (Instant, Duration),
        changed: usize,
    ) -> Seen {
        let least = threshold.cells(pixels.len());
        if changed < least {
            self.candidate = None;
            let quiet = self.clock.and_then(|clock| clock.quiet).map(|(_, verdict)| verdict);
            return self.told(quiet.or(explained).unwrap_or(Verdict::Still), 0.0);
        }
        self.areas.find(&self.marks, &self.watched, self.size[0]);
        let share = |area: &Area| area.watched as f32 / pixels.len() as f32;
        let largest = self.areas.iter().map(|(_, area)| share(area)).fold(0.0, f32::max);
        if let Some((_, verdict)) = self.clock.and_then(|clock| clock.quiet) {
            self.candidate = None;
            return self.told(verdict, largest);
        }
        match self.find(pixels, watch, least, explained) {
            Finding::Rests(verdict) => {
                self.candidate = None;
                self.told(verdict, largest)
            }
            Finding::Moves(area) => {
                let (middle, area) = (area.middle(), share(area));
                let near = |other: [usize; 2]| {
                    let apart = |axis: usize| middle[axis].abs_diff(other[axis]) * 3 <= self.size[0].max(self.size[1]);
                    apart(0) && apart(1)
                };
                let since = self.candidate.filter(|known| near(known.middle)).map_or(captured, |known| known.since);
                self.candidate = Some(Candidate { since, middle });
                let believed = interval >= RARE || captured.saturating_duration_since(since) >= BELIEVED;
                self.told(if believed { Verdict::Motion } else { Verdict::Still }, area)
            }
        }
    }

    /// Finds the largest area that moves, or says why none does.
    fn find(&self, pixels: &[u8], watch: &Watch, least: usize, explained: Option<Verdict>) -> Finding<'_> {
        let mut verdict = explained.unwrap_or(Verdict::Still);
        let mut moves: Option<&Area> = None;
        for (number, area) in self.areas.iter().filter(|(_, area)| area.cells >= least) {
            if area.watched < least {
                verdict = explained.unwrap_or(Verdict::Masked);
            } else if area.active < (area.watched / 16).max(2) {
                // It stands where it is.
            } else if watch.compensation
                && area.cells >= 24
                && light::is_light(pixels, &self.background.level, self.size[0], self.areas.runs(number))
            {
                verdict = explained.unwrap_or(Verdict::LightChange);
            } else if moves.is_none_or(|other| other.watched < area.watched) {
                moves = Some(area);
            }
        }
        moves.map_or(Finding::Rests(verdict), Finding::Moves)
    }

    fn told(&self, verdict: Verdict, area: f32) -> Seen {
        Seen { verdict, area }
    }

    /// Says the same for a while and learns fast.
    fn quiet(&mut self, captured: Instant, verdict: Verdict, interval: Duration) {
        self.candidate = None;
        self.shares = [0.0; 3];
        if let Some(clock) = &mut self.clock {
            clock.quiet = Some((captured + SETTLING.max(interval * 2), verdict));
            (clock.last, clock.lesson) = (captured, captured);
            clock.pictures = LEARNING_PICTURES;
        }
    }

    /// Learns, if it is time to, and goes on.
    fn advance(&mut self, pixels: &[u8], captured: Instant, clock: Clock, verdict: Verdict) {
        let pictures = clock.pictures.saturating_add(1);
        let passed = captured.saturating_duration_since(clock.lesson);
        // Intervals jitter; a lesson that is a little early is better than one that is late by a picture.
        let lesson = passed + TICK / 4 >= TICK;
        if lesson {
            let ticks = ((passed + TICK / 2).as_millis() / TICK.as_millis()) as u32;
            if verdict != Verdict::Shaken {
                self.background.learn(pixels, &self.marks, Rates::new(ticks, clock.quiet.is_some()));
            }
        }
        let quiet = clock.quiet.filter(|(until, _)| captured < *until || pictures < LEARNING_PICTURES);
        let lesson = if lesson { captured } else { clock.lesson };
        self.clock = Some(Clock { last: captured.max(clock.last), lesson, quiet, pictures });
    }

    /// Notes which cells are watched.
    fn watch(&mut self, size: [usize; 2], mask: &Mask) {
        let [width, height] = size;
        if self.watched.len() == width * height && self.size == size && self.mask == *mask {
            return;
        }
        self.mask = mask.clone();
        self.watched.clear();
        for row in 0..height {
            let row = row * Mask::ROWS / height;
            self.watched.extend((0..width).map(|column| !mask.hides(column * Mask::COLUMNS / width, row)));
        }
    }
}

#[cfg(test)]
mod tests;
