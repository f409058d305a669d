//! The demo camera's world: a valley with a windmill, a train and a balloon, a test chart over it, and a clock.
//!
//! Bargains: the same arguments paint the same pixels; what stands still is painted once, so that a picture costs one
//! copy and the few things that move. The chart makes pictures measurable: a grid of squares, each with its name, says
//! what a pan or zoom shows, colour bars say what a brightness setting does, and the frame number and the scene's time
//! stand in cells that [`read_number`] and [`read_time`] read back from any decoded picture. The world has a [`tone`]
//! that begins with each second; to the eye, the signal beside the rails lights up with it.

mod cells;
mod tone;

use std::{f32::consts::TAU, time::Duration};

use super::{
    canvas::{At, Canvas, Colour, Face},
    frame::Size,
};

pub use self::{
    cells::{read_number, read_time},
    tone::{BEEP, LAP, tone},
};

/// How many cells wide a picture is: the measure of the chart, 8 pixels at 640.
const CELLS: f32 = 80.0;
/// How many cells high the bands above and below are.
const BAND: f32 = 4.0;
/// How many grid squares wide a picture is, A to P.
const COLUMNS: u8 = 16;

/// The world at one picture size.
pub struct Scene {
    background: Canvas,
    /// The pixels of a length that is 1 in a picture of 640x480.
    unit: f32,
}

impl Scene {
    /// Paints what stands still.
    pub fn new(size: Size) -> Self {
        let mut background = Canvas::new(size);
        let (width, height) = background.extent();
        let unit = (width / 640.0).min(height / 480.0);
        landscape(&mut background, unit);
        grid(&mut background);
        frame(&mut background);
        Self { background, unit }
    }

    /// Returns the size of the pictures.
    pub fn size(&self) -> Size {
        self.background.size()
    }

    /// Paints picture `number`, as the world is at time `t` since its start; `canvas` takes on the scene's size.
    pub fn paint(&self, canvas: &mut Canvas, number: u64, t: Duration, clock_text: &str) {
        canvas.copy_from(&self.background);
        let (width, height) = canvas.extent();
        balloon(canvas, self.unit, t);
        windmill(canvas, self.unit, t);
        signal(canvas, self.unit, t);
        train(canvas, self.unit, t);
        let cell = width / CELLS;
        let face = Face::fit(cell * 2.5);
        let top = (cell * BAND - face.height()) / 2.0;
        canvas.text((width - cell - face.width(clock_text), top), clock_text, face, Colour::WHITE);
        cells::write(canvas, number, t);
        let face = Face::fit(cell * 2.0);
        let top = height - cell * 2.0 - face.height() / 2.0;
        canvas.text((cell * 34.0, top), &format!("#{number}"), face, Colour::WHITE);
    }
}

/// Says where a movement that repeats every `period` seconds stands, 0 to 1.
fn phase(t: Duration, period: f32) -> f32 {
    // Reduced before it becomes a float: after a month the train still runs smoothly.
    let period_ns = (f64::from(period) * 1e9) as u128;
    (t.as_nanos() % period_ns.max(1)) as f32 / period_ns as f32
}

const HORIZON: f32 = 0.66;
const RAILS: f32 = 0.85;

fn landscape(canvas: &mut Canvas, unit: f32) {
    let (width, height) = canvas.extent();
    let sky = [Colour::rgb(38, 84, 150), Colour::rgb(134, 182, 222), Colour::rgb(250, 218, 170)];
    let meadow = [Colour::rgb(104, 148, 74), Colour::rgb(52, 96, 52)];
    for y in 0..canvas.size().height {
        let down = y as f32 / height;
        let colour = if down < HORIZON {
            let share = down / HORIZON * 2.0;
            if share < 1.0 { sky[0].mix(sky[1], share) } else { sky[1].mix(sky[2], share - 1.0) }
        } else {
            meadow[0].mix(meadow[1], (down - HORIZON) / (1.0 - HORIZON))
        };
        canvas.rect((0.0, y as f32), (width, 1.0), colour);
    }
    let sun = (0.3 * width, 0.5 * height);
    for (radius, share) in [(46.0, 0.25), (38.0, 0.5), (30.0, 1.0)] {
        canvas.disc(sun, radius * unit, canvas.colour_at((sun.0, sun.1 - radius * unit)).mix(SUN, share));
    }
    // Two ranges of hills: waves over waves, the farther one paler.
    for (colour, base, swell, shift) in
        [(Colour::rgb(122, 142, 170), 0.60, 0.055, 0.4), (Colour::rgb(84, 122, 92), 0.635, 0.05, 2.6)]
    {
        for x in 0..canvas.size().width {
            let along = x as f32 / width * TAU;
            let wave = (along * 1.3 + shift).sin() * 0.6 + (along * 2.9 + shift * 3.0).sin() * 0.4;
            let top = (base - swell * wave) * height;
            canvas.rect((x as f32, top), (1.0, HORIZON * height + 1.0 - top), colour);
        }
    }
    canvas.rect((0.0, RAILS * height), (width, 9.0 * unit), Colour::rgb(120, 108, 94));
    let sleepers = (width / (16.0 * unit)) as u32;
    for sleeper in 0..=sleepers.min(Size::LONGEST) {
        canvas.rect((sleeper as f32 * 16.0 * unit, RAILS * height), (8.0 * unit, 5.0 * unit), Colour::rgb(70, 54, 44));
    }
    canvas.rect((0.0, RAILS * height - unit), (width, 2.0 * unit), Colour::rgb(190, 192, 198));
}

const SUN: Colour = Colour::rgb(255, 240, 196);

/// Draws the squares, and in each that is wholly seen its name, `A1` top left; where that is too small to be read, the
/// letters at the top and the numbers at the left.
fn grid(canvas: &mut Canvas) {
    let (width, height) = canvas.extent();
    let square = width / f32::from(COLUMNS);
    let band = width / CELLS * BAND;
    let thin = (width / 640.0).round().max(1.0);
    let face = Face::fit(square * 0.25);
    let share = if square >= 16.0 { 0.16 } else { 0.1 };
    let rows = (height / square) as u32;
    for row in 0..=rows {
        canvas.veil((0.0, (row as f32 * square).round()), (width, thin), Colour::WHITE, share);
    }
    for (column, letter) in (b'A'..).take(usize::from(COLUMNS)).enumerate() {
        let (left, letter) = ((column as f32 * square).round(), char::from(letter));
        canvas.veil((left, 0.0), (thin, height), Colour::WHITE, share);
        for row in 0..=rows {
            let place = (left + 2.0 * thin, (row as f32 * square).round() + 2.0 * thin);
            if place.1 < band || place.1 + face.height() > height - band {
                continue;
            }
            let name = match (column, row) {
                _ if square >= 16.0 => format!("{letter}{}", row + 1),
                (0, _) => format!("{}", row + 1),
                (_, 1) => letter.to_string(),
                _ => continue,
            };
            canvas.faint_text(place, &name, face, Colour::WHITE, 0.42);
        }
    }
}

/// Draws the band above with the camera's name, and the band below with the colour bars.
fn frame(canvas: &mut Canvas) {
    let (width, height) = canvas.extent();
    let cell = width / CELLS;
    let band = cell * BAND;
    canvas.veil((0.0, 0.0), (width, band), Colour::BLACK, 0.62);
    canvas.rect((0.0, height - band), (width, band), Colour::rgb(20, 22, 26));
    let face = Face::fit(cell * 2.5);
    canvas.text((cell, (band - face.height()) / 2.0), "LOOKOUT demo", face, Colour::WHITE);
    let bar = cell * 3.0;
    for (at, bits) in (0..8_u8).rev().enumerate() {
        let part = |bit: u8| if bits & bit != 0 { 191 } else { 0 };
        let left = width - cell - bar * (8 - at) as f32;
        canvas.rect((left, height - cell * 3.0), (bar, cell * 2.0), Colour::rgb(part(2), part(4), part(1)));
    }
}

/// A hot-air balloon on a Lissajous path.
fn balloon(canvas: &mut Canvas, unit: f32, t: Duration) {
    let (width, height) = canvas.extent();
    let x = width * (0.4 + 0.28 * (phase(t, 14.0) * TAU).sin());
    let y = height * (0.27 + 0.1 * (phase(t, 9.0) * TAU).cos());
    let rope = Colour::rgb(70, 60, 50);
    for side in [-1.0, 1.0] {
        let top = (x + side * 22.0 * unit, y + 20.0 * unit);
        canvas.line(top, (x + side * 7.0 * unit, y + 54.0 * unit), 1.5 * unit, rope);
    }
    canvas.rect((x - 8.0 * unit, y + 52.0 * unit), (16.0 * unit, 11.0 * unit), Colour::rgb(128, 84, 46));
    let (red, cream) = (Colour::rgb(206, 52, 44), Colour::rgb(250, 236, 208));
    for (share, colour) in [(1.0, red), (0.74, cream), (0.4, red)] {
        canvas.ellipse((x, y), (32.0 * share * unit, 35.0 * unit), colour);
    }
}

/// A windmill: one turn of the sails takes eight seconds.
fn windmill(canvas: &mut Canvas, unit: f32, t: Duration) {
    let (width, height) = canvas.extent();
    let (x, ground) = (width * 0.84, height * 0.74);
    let at = |right: f32, up: f32| (x + right * unit, ground - up * unit);
    let (wall, wood) = (Colour::rgb(236, 228, 212), Colour::rgb(92, 60, 40));
    canvas.convex(&[at(-24.0, 0.0), at(24.0, 0.0), at(14.0, 96.0), at(-14.0, 96.0)], wall);
    canvas.convex(&[at(-17.0, 95.0), at(17.0, 95.0), at(0.0, 122.0)], wood);
    canvas.rect(at(-6.0, 22.0), (12.0 * unit, 22.0 * unit), wood);
    canvas.rect(at(-4.0, 62.0), (8.0 * unit, 10.0 * unit), Colour::rgb(70, 96, 122));
    let hub = at(0.0, 96.0);
    for sail in 0..4_u8 {
        let (sin, cos) = ((phase(t, 8.0) + f32::from(sail) / 4.0) * TAU).sin_cos();
        let on = |out: f32, aside: f32| -> At {
            (hub.0 + (sin * out + cos * aside) * unit, hub.1 + (sin * aside - cos * out) * unit)
        };
        canvas.convex(&[on(16.0, 0.0), on(70.0, 0.0), on(70.0, 13.0), on(16.0, 13.0)], Colour::rgb(250, 246, 238));
        canvas.line(hub, on(72.0, 0.0), 3.0 * unit, wood);
    }
    canvas.disc(hub, 5.0 * unit, wood);
}

/// A railway signal, lit while the tone that begins each second sounds.
fn signal(canvas: &mut Canvas, unit: f32, t: Duration) {
    let (width, height) = canvas.extent();
    let at = |right: f32, up: f32| (width * 0.06 + right * unit, RAILS * height - up * unit);
    let post = Colour::rgb(60, 62, 68);
    canvas.rect(at(-2.0, 74.0), (4.0 * unit, 74.0 * unit), post);
    canvas.rect(at(-11.0, 98.0), (22.0 * unit, 26.0 * unit), post);
    let lit = u128::from(t.subsec_nanos()) < BEEP.as_nanos();
    let (lamp, size) = if lit { (Colour::rgb(255, 238, 120), 9.5) } else { (Colour::rgb(96, 34, 30), 8.0) };
    canvas.disc(at(0.0, 85.0), size * unit, lamp);
}

/// A train with three waggons, left to right every ten seconds.
fn train(canvas: &mut Canvas, unit: f32, t: Duration) {
    let (width, height) = canvas.extent();
    let length = 300.0 * unit;
    let (front, rail) = (phase(t, 10.0) * (width + length), RAILS * height - unit);
    // From the front buffer backwards and from the rail upwards, in units.
    let at = |back: f32, up: f32| (front - back * unit, rail - up * unit);
    let (dark, steel) = (Colour::rgb(34, 36, 42), Colour::rgb(150, 154, 160));
    for puff in (0..6_u8).rev() {
        let age = (f32::from(puff) + phase(t, 0.5)) / 6.0;
        let place = at(17.0 + age * 110.0, 50.0 + age * 34.0);
        let behind = canvas.colour_at(place);
        canvas.disc(place, (4.0 + 9.0 * age) * unit, Colour::rgb(240, 240, 240).mix(behind, 0.2 + 0.75 * age));
    }
    let coaches = [Colour::rgb(40, 92, 160), Colour::rgb(228, 168, 44), Colour::rgb(168, 48, 52)];
    for (coach, colour) in coaches.into_iter().enumerate() {
        let rear = 146.0 + 72.0 * coach as f32;
        canvas.rect(at(rear, 38.0), (66.0 * unit, 31.0 * unit), colour);
        canvas.rect(at(rear + 2.0, 42.0), (70.0 * unit, 5.0 * unit), dark);
        canvas.rect(at(rear - 64.0, 12.0), (10.0 * unit, 3.0 * unit), dark);
        for window in 0..4_u8 {
            let place = at(rear - 5.0 - 15.0 * f32::from(window), 32.0);
            canvas.rect(place, (11.0 * unit, 11.0 * unit), Colour::rgb(222, 234, 240));
        }
        for wheel in [13.0, 53.0] {
            canvas.disc(at(rear - wheel, 6.0), 6.5 * unit, dark);
            canvas.disc(at(rear - wheel, 6.0), 2.5 * unit, steel);
        }
    }
    let green = Colour::rgb(30, 104, 76);
    canvas.rect(at(74.0, 46.0), (26.0 * unit, 38.0 * unit), green);
    canvas.rect(at(77.0, 51.0), (32.0 * unit, 6.0 * unit), dark);
    canvas.rect(at(69.0, 41.0), (14.0 * unit, 12.0 * unit), Colour::rgb(255, 226, 130));
    canvas.rect(at(50.0, 34.0), (46.0 * unit, 24.0 * unit), green);
    canvas.rect(at(22.0, 50.0), (10.0 * unit, 17.0 * unit), dark);
    canvas.rect(at(74.0, 11.0), (74.0 * unit, 4.0 * unit), dark);
    canvas.disc(at(4.0, 22.0), 4.0 * unit, Colour::rgb(255, 250, 210));
    for (back, radius) in [(62.0, 9.0), (38.0, 9.0), (14.0, 7.0)] {
        canvas.disc(at(back, radius - 0.5), radius * unit, dark);
        canvas.disc(at(back, radius - 0.5), radius * 0.4 * unit, steel);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use turbojpeg::{Decompressor, Image, PixelFormat, ScalingFactor, Subsamp, YuvImage};

    use super::*;

    const CLOCK: &str = "2024-05-01 14:03:22";

    pub(super) fn painted(size: Size, number: u64, t: Duration) -> Canvas {
        let mut canvas = Canvas::default();
        Scene::new(size).paint(&mut canvas, number, t, CLOCK);
        canvas
    }

    pub(super) fn jpeg(canvas: &Canvas) -> Vec<u8> {
        let Size { width, height } = canvas.size();
        let (width, height, pixels) = (width as usize, height as usize, canvas.as_raw().pixels.as_slice());
        let image = YuvImage { pixels, width, align: 1, height, subsamp: Subsamp::Sub2x2 };
        turbojpeg::compress_yuv(image, 80).unwrap().to_vec()
    }

    /// Decodes to luma at 1/`divisor` of the size.
    pub(super) fn luma(jpeg: &[u8], divisor: usize) -> (Vec<u8>, usize, usize) {
        let mut decompressor = Decompressor::new().unwrap();
        let scaling = ScalingFactor::new(1, divisor);
        decompressor.set_scaling_factor(scaling).unwrap();
        let header = decompressor.read_header(jpeg).unwrap().scaled(scaling);
        let (width, height) = (header.width, header.height);
        let mut pixels = vec![0; width * height];
        let format = PixelFormat::GRAY;
        decompressor
            .decompress(jpeg, Image { pixels: pixels.as_mut_slice(), width, pitch: width, height, format })
            .unwrap();
        (pixels, width, height)
    }

    #[test]
    fn the_same_arguments_paint_the_same_pixels_whatever_was_on_the_canvas() {
        let scene = Scene::new(Size::VGA);
        let (mut once, mut again) = (Canvas::default(), Canvas::new(Size::QVGA));
        scene.paint(&mut once, 7, Duration::from_millis(1234), CLOCK);
        scene.paint(&mut again, 99, Duration::from_secs(60), "another time");
        scene.paint(&mut again, 7, Duration::from_millis(1234), CLOCK);
        assert!(once == again);
    }

    #[test]
    fn balloon_windmill_and_train_move_within_a_tenth_of_a_second() {
        let [before, after] = [3000, 3100].map(|ms| painted(Size::VGA, 1, Duration::from_millis(ms)));
        let moved = |left: usize, top: usize, right: usize, bottom: usize| {
            let rows = |canvas: &Canvas| -> Vec<u8> {
                canvas.luma().chunks(640).take(bottom).skip(top).flat_map(|row| row[left..right].to_vec()).collect()
            };
            rows(&before) != rows(&after)
        };
        assert!(moved(50, 40, 440, 240), "balloon");
        assert!(moved(460, 180, 620, 330), "windmill");
        assert!(moved(0, 370, 640, 405), "train");
        assert!(moved(208, 8, 320, 24), "the time's cells");
        assert!(!moved(0, 0, 200, 32) && !moved(328, 0, 640, 32), "else the clock's text alone changes the upper band");
    }

    #[test]
    fn the_signal_is_lit_while_the_tone_sounds() {
        let lamp =
            |ms: u64| painted(Size::VGA, 1, Duration::from_millis(ms)).colour_at((0.06 * 640.0, 0.85 * 480.0 - 85.0));
        let (lit, dark) = (lamp(0), lamp(500));
        assert_ne!(lit, dark);
        // At this time of its ten seconds the train does not hide it.
        for (ms, colour) in [(99, lit), (100, dark), (5999, dark), (6000, lit), (6099, lit), (6100, dark)] {
            assert_eq!(lamp(ms), colour, "{ms}");
        }
    }

    #[test]
    fn the_train_crosses_every_ten_seconds_even_after_a_year() {
        let year = Duration::from_secs(365 * 86_400);
        // 2520 s is a multiple of each movement's period.
        let start = Duration::from_secs(year.as_secs() / 2520 * 2520);
        let t = Duration::from_millis(4321);
        assert!(painted(Size::QVGA, 1, t) == painted(Size::QVGA, 1, start + t));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_size_number_time_or_text_panics(
            width in 0..400_u32, height in 0..400_u32, number: u64, t: Duration, clock: String,
        ) {
            let mut canvas = Canvas::default();
            Scene::new(Size::new(width, height)).paint(&mut canvas, number, t, &clock);
            let size = canvas.size();
            read_number(canvas.luma(), size.width as usize, size.height as usize);
        }
    }
}
