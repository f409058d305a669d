//! Motion detection on small luma pictures, an eighth of the camera's own in each direction.
//!
//! A cell is one pixel of the small picture. Each has a background that learns: what it usually is and how far it usually
//! strays from that. A cell that strays much farther has changed; changed cells that touch are an area, and an area that is
//! large enough, that has changed within the last second, and that is still there in the next picture is motion
//! ([ADR 0022](../../../../docs/adr/0022-motion-on-an-eighth.md)). How much is enough is [`CURVE`].
//!
//! Bargains: what every picture costs are two passes over all cells, in integers; areas, light and shake are looked at only
//! where and when something changed, and while something moves, light is most of the cost. What is reported is the
//! picture's own: how long motion lasts is the alarm's business.

mod areas;
mod background;
mod curve;
mod light;
mod shake;
mod sway;

use std::time::{Duration, Instant};

use self::{
    areas::{Area, Areas},
    background::{Background, LIT, Rates, SWAYS},
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
/// How long after a shake what nothing explains is laid to it.
const AFTER_SHAKE: Duration = Duration::from_millis(500);
/// From this interval on, pictures are too rare to wait for another that shows the same.
const RARE: Duration = Duration::from_millis(350);
/// Smaller areas are not looked at for whether they are light: of so few cells it cannot be told.
const LEAST_LIT: usize = 24;
/// Light is tried as what changed from this part of the picture on: that of the default sensitivity, as of a faint change
/// in a dark picture no more is seen than a few bright patches.
const LIT_FROM: usize = 400;
/// Shake is tried from this part on: the whole picture moves, and it takes much longer to try.
const SHAKEN_FROM: usize = 33;
/// How many steps one way what may sway must take to be believed.
const STEADY: u32 = 2;
/// How many widths of the picture a second something may come into it.
const FASTEST: f32 = 1.25;
/// How long after a change of light only what goes on one way is believed.
const DAZZLED: Duration = Duration::from_secs(1);
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
    /// When the light changed last.
    light: Option<Instant>,
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
    /// When it was shaken last.
    shaken: Option<Instant>,
    /// Since when it has been shaken without a pause.
    shaking: Option<Instant>,
}

/// Something that may move.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    since: Instant,
    middle: [usize; 2],
    /// The step that led there, and how many led the same way before.
    step: [isize; 2],
    steady: u32,
    /// Whether it may be light: it came too suddenly, when the light changed, or beside a larger change of light.
    doubtful: bool,
}

/// What a picture shows.
enum Finding {
    /// This area moves, or sways as leaves do; light changes so many other cells.
    Moves { area: Area, sways: bool, lighting: usize },
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

        let explained = if clock.quiet.is_none() {
            let explained = self.explain(pixels, watch, threshold, &mut changed);
            let sudden = raw > 0.4 && self.shares[1].min(self.shares[2]) < 0.2;
            let lost = share(changed) > 0.03 && clock.shaken.is_some_and(|shaken| captured < shaken + AFTER_SHAKE);
            let moved = explained == Some(Verdict::Shaken)
                && clock.shaking.is_some_and(|shaking| captured >= shaking + SETTLING);
            if moved || lost && explained.is_none() {
                return self.settle(pixels, captured, Verdict::Shaken, SETTLING.max(interval * 2), raw);
            }
            if sudden && watch.compensation && explained != Some(Verdict::Shaken) {
                let long = if explained.is_none() { SETTLING } else { SETTLING / 3 };
                return self.settle(pixels, captured, Verdict::LightChange, long.max(interval * 2), raw);
            }
            explained
        } else {
            if raw > 0.4 {
                // Not yet what it will be.
                self.background.restart(pixels);
            }
            None
        };
        self.shares = [self.shares[1], self.shares[2], share(changed)];
        let Some(seen) = self.judge(pixels, watch, threshold, explained, (captured, interval), changed) else {
            self.light = Some(captured);
            return self.settle(pixels, captured, Verdict::LightChange, (SETTLING / 3).max(interval * 2), raw);
        };
        if seen.verdict == Verdict::LightChange && explained.is_none() && clock.quiet.is_none() {
            self.light = Some(captured);
        }
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
        self.clock = Some(Clock { last: captured, lesson: captured, quiet, pictures: 1, shaken: None, shaking: None });
        Seen { verdict: Verdict::Learning, area: 0.0 }
    }

    /// Tries light and shake as what changed so much; marks and counts what they leave.
    fn explain(&mut self, pixels: &[u8], watch: &Watch, threshold: Threshold, changed: &mut usize) -> Option<Verdict> {
        if *changed * LIT_FROM < pixels.len() {
            return None;
        }
        let Self { background, expected, marks, size, .. } = self;
        let much = *changed * SHAKEN_FROM >= pixels.len() && shake::is_likely(marks, size[0]);
        let mut left = [usize::MAX; 2];
        if much && shake::expect(pixels, &background.level, size[0], expected).is_some() {
            left[0] = background.compare(pixels, expected, threshold, marks);
        }
        let shaken = left[0].saturating_mul(5) <= *changed * 2;
        if watch.compensation && light::expect(pixels, &background.level, expected) {
            left[1] = background.compare(pixels, expected, threshold, marks);
        }
        if left[1].saturating_mul(2) <= *changed && !(shaken && left[0] < left[1]) {
            light::reach(pixels, background, size[0], expected);
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

    /// Says what the marks mean; `None` if something came that is larger than anything can be in one picture but light.
    fn judge(
        &mut self,
        pixels: &[u8],
        watch: &Watch,
        threshold: Threshold,
        explained: Option<Verdict>,
        (captured, interval): (Instant, Duration),
        changed: usize,
    ) -> Option<Seen> {
        if explained == Some(Verdict::Shaken) {
            self.candidate = None;
            // That the picture trembles is learnt as noise.
            self.marks.fill(SWAYS);
            return Some(self.told(Verdict::Shaken, changed as f32 / pixels.len() as f32));
        }
        let least = threshold.cells(pixels.len());
        if changed < least {
            self.candidate = None;
            let quiet = self.clock.and_then(|clock| clock.quiet).map(|(_, verdict)| verdict);
            return Some(self.told(quiet.or(explained).unwrap_or(Verdict::Still), 0.0));
        }
        self.areas.find(&self.marks, &self.watched, self.size[0]);
        let share = |area: &Area| area.watched as f32 / pixels.len() as f32;
        let largest = self.areas.iter().map(|(_, area)| share(area)).fold(0.0, f32::max);
        if let Some((_, verdict)) = self.clock.and_then(|clock| clock.quiet) {
            self.candidate = None;
            return Some(self.told(verdict, largest));
        }
        match self.find(pixels, watch, least, explained) {
            Finding::Rests(verdict) => {
                self.candidate = None;
                Some(self.told(verdict, largest))
            }
            Finding::Moves { area, sways, lighting } => {
                // Nothing comes into the picture faster than this but light.
                let fastest = self.size[0] as f32 * FASTEST * interval.max(TICK).as_secs_f32();
                let new = area.active * 2 > area.cells;
                let sudden = watch.compensation && new && interval < RARE && area.depth() as f32 > fastest.max(4.0);
                let dazzled = watch.compensation && self.light.is_some_and(|light| captured < light + DAZZLED);
                // A lamp's light that meets an edge of its background may have one there.
                let dazzled = dazzled || lighting > area.cells;
                let flash = sudden && area.depth() as f32 > 1.5 * fastest && self.candidate.is_none();
                if flash {
                    return None;
                }
                let (middle, area) = (area.middle(), share(&area));
                let candidate = self.follow(middle, captured, sudden || dazzled);
                if sudden && candidate.since == captured {
                    self.light = Some(captured);
                }
                self.candidate = Some(candidate);
                let seen = interval >= RARE || captured.saturating_duration_since(candidate.since) >= BELIEVED;
                let steps = if sways || candidate.doubtful { STEADY } else { 0 };
                let believed = seen && candidate.steady >= steps;
                Some(self.told(if believed { Verdict::Motion } else { Verdict::Still }, area))
            }
        }
    }

    /// Returns what is now known of what may move, whose middle is there.
    fn follow(&self, middle: [usize; 2], captured: Instant, doubtful: bool) -> Candidate {
        let new = Candidate { since: captured, middle, step: [0; 2], steady: 0, doubtful };
        let Some(known) = self.candidate else { return new };
        let step = [0, 1].map(|axis| middle[axis] as isize - known.middle[axis] as isize);
        let far = self.size[0].max(self.size[1]) as isize;
        if step.iter().any(|step| step.abs() * 3 > far) {
            return new;
        }
        let [length, before] = [step, known.step].map(|[x, y]| x * x + y * y);
        let along = step[0] * known.step[0] + step[1] * known.step[1];
        // Within 45 degrees of the last step, and no leap.
        let same_way = length > 0 && before > 0 && along > 0 && 2 * along * along >= length * before;
        let steady = if same_way && length * 64 <= far * far { known.steady + 1 } else { 0 };
        Candidate { since: known.since, middle, step, steady, doubtful: known.doubtful }
    }

    /// Finds the largest area that moves, or says why none does; marks what sways.
    fn find(&mut self, pixels: &[u8], watch: &Watch, least: usize, explained: Option<Verdict>) -> Finding {
        let Self { areas, background, marks, size: [width, _], .. } = self;
        let (mut lit, mut lighting, mut settled, mut active) = (0, 0, false, false);
        let set = |marks: &mut [u8], areas: &Areas, number: usize, bit: u8| {
            for run in areas.runs(number) {
                let cells = &mut marks[run.row * *width + run.begin..run.row * *width + run.end];
                cells.iter_mut().for_each(|mark| *mark |= bit);
            }
        };
        let mut verdict = explained.unwrap_or(Verdict::Still);
        let mut moves: Option<Area> = None;
        let mut swaying: Option<Area> = None;
        for (number, area) in areas.iter().filter(|(_, area)| area.cells >= least) {
            active |= area.is_active();
            let larger = |other: Option<Area>| other.is_none_or(|other| other.watched < area.watched);
            if watch.compensation
                && area.cells >= LEAST_LIT
                && light::is_light(pixels, background, *width, areas.runs(number))
            {
                lit += area.cells;
                set(marks, areas, number, LIT);
                settled |= !area.is_active();
                lighting += if area.is_active() { area.cells } else { 0 };
                if area.is_active() && area.watched >= least {
                    verdict = explained.unwrap_or(Verdict::LightChange);
                }
            } else if !area.is_active() {
                // It stands where it is.
            } else if area.watched < least {
                verdict = explained.unwrap_or(Verdict::Masked);
            } else if sway::sways(pixels, &background.level, *width, areas.runs(number)) {
                set(marks, areas, number, SWAYS);
                swaying = if larger(swaying) { Some(*area) } else { swaying };
            } else if larger(moves) {
                moves = Some(*area);
            }
        }
        if settled && !active {
            background.relight(marks);
        }
        // What is left over at the edges of light.
        let shreds = |area: &Area| area.cells * 6 < lit || area.cells < LEAST_LIT && area.cells * 2 < lit;
        match (moves.filter(|area| !shreds(area)), swaying.filter(|area| !shreds(area))) {
            (Some(area), _) => Finding::Moves { area, sways: false, lighting },
            (None, Some(area)) => Finding::Moves { area, sways: true, lighting },
            (None, None) => Finding::Rests(verdict),
        }
    }

    fn told(&self, verdict: Verdict, area: f32) -> Seen {
        Seen { verdict, area }
    }

    /// Begins anew with this picture and says the same for a while.
    fn settle(&mut self, pixels: &[u8], captured: Instant, verdict: Verdict, long: Duration, area: f32) -> Seen {
        self.background.restart(pixels);
        self.candidate = None;
        self.shares = [0.0; 3];
        let quiet = Some((captured + long, verdict));
        let pictures = LEARNING_PICTURES;
        self.clock = Some(Clock { last: captured, lesson: captured, quiet, pictures, shaken: None, shaking: None });
        self.told(verdict, area)
    }

    /// Learns, if it is time to, and goes on.
    fn advance(&mut self, pixels: &[u8], captured: Instant, clock: Clock, verdict: Verdict) {
        let pictures = clock.pictures.saturating_add(1);
        let passed = captured.saturating_duration_since(clock.lesson);
        // Intervals jitter; a lesson that is a little early is better than one that is late by a picture.
        let lesson = passed + TICK / 4 >= TICK;
        if lesson {
            let ticks = ((passed + TICK / 2).as_millis() / TICK.as_millis()) as u32;
            self.background.learn(pixels, &self.marks, Rates::new(ticks, clock.quiet.is_some()));
        }
        let quiet = clock.quiet.filter(|(until, _)| captured < *until || pictures < LEARNING_PICTURES);
        let lesson = if lesson { captured } else { clock.lesson };
        let shaking = (verdict == Verdict::Shaken).then_some(clock.shaking.unwrap_or(captured));
        let shaken = shaking.map_or(clock.shaken, |_| Some(captured));
        self.clock = Some(Clock { last: captured.max(clock.last), lesson, quiet, pictures, shaken, shaking });
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
