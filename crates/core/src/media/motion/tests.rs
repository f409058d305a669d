#![allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]

use proptest::prelude::*;

use super::*;
use crate::profile::wire::Wire as _;

/// A picture of a textured wall.
fn wall(width: usize, height: usize) -> Luma {
    let brick = |column: usize, row: usize| (column / 2 * 31 + row / 3 * 57 + column / 2 * (row / 3) * 13) % 90;
    let pixels = (0..width * height).map(|at| 60 + brick(at % width, at / width) as u8).collect();
    Luma { width, height, pixels }
}

/// The wall with something of 6 × 8 cells before it.
fn with_box(left: usize, top: usize) -> Luma {
    let mut luma = wall(80, 60);
    for row in top..top + 8 {
        luma.pixels[row * 80 + left..row * 80 + left + 6].fill(200);
    }
    luma
}

fn watch() -> Watch {
    Watch { sensitivity: 5, compensation: true, mask: Mask::default() }
}

/// Looks at one picture after the other, at so many a second.
struct Eye {
    detector: Detector,
    now: Instant,
    every: Duration,
    watch: Watch,
}

impl Eye {
    fn new(fps: f64) -> Self {
        let every = Duration::from_secs_f64(1.0 / fps);
        Self { detector: Detector::default(), now: Instant::now(), every, watch: watch() }
    }

    fn see(&mut self, luma: &Luma) -> Verdict {
        self.now += self.every;
        self.detector.look(luma, &self.watch, self.now).verdict
    }

    /// Looks at the same picture for so long and returns the last verdict.
    fn rest(&mut self, luma: &Luma, seconds: f64) -> Verdict {
        let pictures = (seconds / self.every.as_secs_f64()).ceil().max(1.0) as usize;
        (0..pictures).map(|_| self.see(luma)).last().unwrap()
    }
}

#[test]
fn what_moves_is_seen_at_any_rate_of_pictures_and_in_the_second_one_at_ten() {
    for fps in [1.0, 2.5, 5.0, 10.0, 15.0, 30.0] {
        let mut eye = Eye::new(fps);
        assert_eq!(eye.rest(&wall(80, 60), 6.0), Verdict::Still, "{fps}");
        let verdicts: Vec<_> = (0..4).map(|step| eye.see(&with_box(5 + 4 * step, 20))).collect();
        let first = verdicts.iter().position(|verdict| *verdict == Verdict::Motion);
        let due = if fps < 3.0 {
            0
        } else if fps < 15.0 {
            1
        } else {
            3
        };
        assert!(first.is_some_and(|first| first <= due), "{fps}: {verdicts:?}");
    }
}

#[test]
fn a_picture_that_lasts_for_one_frame_is_no_motion() {
    let mut eye = Eye::new(10.0);
    eye.rest(&wall(80, 60), 4.0);
    assert_eq!(eye.see(&with_box(30, 20)), Verdict::Still);
    assert_eq!(eye.rest(&wall(80, 60), 1.0), Verdict::Still);
}

#[test]
fn the_first_seconds_are_for_learning_and_so_are_those_after_a_gap_or_another_size() {
    let mut eye = Eye::new(10.0);
    assert_eq!(eye.rest(&wall(80, 60), 1.4), Verdict::Learning);
    assert_eq!(eye.rest(&wall(80, 60), 1.0), Verdict::Still);
    eye.now += Duration::from_secs(60);
    assert_eq!(eye.see(&with_box(30, 20)), Verdict::Learning);
    assert_eq!(eye.rest(&with_box(30, 20), 3.0), Verdict::Still);
    assert_eq!(eye.see(&wall(40, 30)), Verdict::Learning);
    assert_eq!(eye.rest(&wall(40, 30), 3.0), Verdict::Still);
}

#[test]
fn what_stops_is_no_longer_motion_and_in_time_it_is_background() {
    let mut eye = Eye::new(10.0);
    eye.rest(&wall(80, 60), 4.0);
    (0..10).for_each(|step| _ = eye.see(&with_box(step * 3, 20)));
    assert_eq!(eye.rest(&with_box(30, 20), 2.0), Verdict::Still);
    eye.rest(&with_box(30, 20), 16.0);
    // When it goes, the gap that it leaves moves as little as it did.
    assert_eq!(eye.see(&with_box(33, 20)), Verdict::Still);
    assert_eq!(eye.see(&with_box(36, 20)), Verdict::Motion);
    (0..5).for_each(|step| _ = eye.see(&with_box(39 + 3 * step, 20)));
    assert_eq!(eye.rest(&wall(80, 60), 2.0), Verdict::Still);
    assert_eq!(eye.detector.look(&wall(80, 60), &watch(), eye.now + eye.every).area, 0.01);
}

#[test]
fn in_zones_that_are_not_watched_nothing_moves() {
    let mut eye = Eye::new(10.0);
    // The left half: 16 of 32 columns.
    eye.watch.mask = Mask::parse(&"ffff0000".repeat(24)).unwrap();
    eye.rest(&wall(80, 60), 4.0);
    let verdicts: Vec<_> = (0..6).map(|step| eye.see(&with_box(3 + 4 * step, 20))).collect();
    assert_eq!(verdicts, [Verdict::Masked; 6]);
    let verdicts: Vec<_> = (0..6).map(|step| eye.see(&with_box(34 + 4 * step, 20))).collect();
    assert_eq!(verdicts[3..], [Verdict::Motion; 3]);
}

#[test]
fn other_light_is_no_motion_unless_that_is_wanted() {
    let bright = |luma: Luma, gain: u32| {
        let pixels = luma.pixels.iter().map(|pixel| (u32::from(*pixel) * gain / 100).min(255) as u8).collect();
        Luma { pixels, ..luma }
    };
    for gain in [30, 60, 140, 200] {
        let mut eye = Eye::new(10.0);
        eye.rest(&wall(80, 60), 4.0);
        assert_eq!(eye.see(&bright(wall(80, 60), gain)), Verdict::LightChange, "{gain}");
        assert_eq!(eye.rest(&bright(wall(80, 60), gain), 2.0), Verdict::Still, "{gain}");
        let moving: Vec<_> = (0..3).map(|step| eye.see(&bright(with_box(5 + 4 * step, 20), gain))).collect();
        assert_eq!(moving[2], Verdict::Motion, "{gain}: {moving:?}");

        let mut eye = Eye::new(10.0);
        eye.watch.compensation = false;
        eye.rest(&wall(80, 60), 4.0);
        eye.see(&bright(wall(80, 60), gain));
        assert_eq!(eye.see(&bright(wall(80, 60), gain)), Verdict::Motion, "{gain}");
    }
}

#[test]
fn a_lamp_at_night_that_shows_only_in_a_few_bright_patches_is_no_motion() {
    let night = |gain: u32, someone: Option<usize>| {
        let mut luma = wall(80, 60);
        luma.pixels.iter_mut().for_each(|pixel| *pixel = 8 + *pixel / 8);
        for [left, top] in [[10, 10], [40, 20], [60, 45]] {
            (top..top + 4).for_each(|row| luma.pixels[row * 80 + left..row * 80 + left + 4].fill(120));
        }
        luma.pixels.iter_mut().for_each(|pixel| *pixel = (u32::from(*pixel) * gain / 100) as u8);
        if let Some(left) = someone {
            (30..38).for_each(|row| luma.pixels[row * 80 + left..row * 80 + left + 6].fill(90));
        }
        luma
    };
    let mut eye = Eye::new(10.0);
    eye.rest(&night(100, None), 4.0);
    assert_eq!(eye.see(&night(125, None)), Verdict::LightChange);
    assert_eq!([0; 5].map(|_| eye.see(&night(125, None))), [Verdict::Still; 5]);
    // Somebody is not laid to it, even if they come in that very picture.
    let verdicts = [20, 22, 24, 26].map(|left| eye.see(&night(100, Some(left))));
    assert_eq!(verdicts[3], Verdict::Motion, "{verdicts:?}");
}

#[test]
fn another_picture_altogether_is_another_light_as_when_infra_red_comes_on() {
    let night = |luma: Luma| {
        let pixels = luma.pixels.iter().enumerate().map(|(at, pixel)| 180 - pixel / 2 - (at % 80) as u8 / 2).collect();
        Luma { pixels, ..luma }
    };
    let mut eye = Eye::new(10.0);
    eye.rest(&wall(80, 60), 4.0);
    let verdicts: Vec<_> = (0..20).map(|_| eye.see(&night(wall(80, 60)))).collect();
    assert!(!verdicts.contains(&Verdict::Motion) && verdicts[0] == Verdict::LightChange, "{verdicts:?}");
    assert_eq!(verdicts[19], Verdict::Still);
    (0..2).for_each(|step| _ = eye.see(&night(with_box(20 + 4 * step, 20))));
    assert_eq!(eye.see(&night(with_box(28, 20))), Verdict::Motion);
}

#[test]
fn a_shaken_camera_sees_nothing_that_moves() {
    let shifted = |by: usize| {
        let wide = wall(90, 60);
        let pixels = wide.pixels.chunks(90).flat_map(|row| row[by..by + 80].to_vec()).collect();
        Luma { width: 80, height: 60, pixels }
    };
    let mut eye = Eye::new(10.0);
    eye.rest(&shifted(4), 4.0);
    for by in [5, 3, 6, 4, 5] {
        let verdict = eye.see(&shifted(by));
        assert_eq!(verdict, if by == 4 { Verdict::Still } else { Verdict::Shaken }, "{by}");
    }
}

#[test]
fn what_moves_before_a_plain_wall_is_no_shaken_camera() {
    // Stripes that differ by so little that nothing but the box has an edge.
    let room = |left: f64| {
        let cell = |at: usize| {
            let (column, row) = (at % 40, at / 40);
            let covered = (left + 7.5 - column as f64).min(column as f64 + 1.0 - left).clamp(0.0, 1.0);
            let stripe = 60.0 + (column / 4 * 8) as f64;
            if (10..22).contains(&row) { stripe + covered * (255.0 - stripe) } else { stripe }
        };
        Luma { width: 40, height: 30, pixels: (0..1200).map(|at| cell(at) as u8).collect() }
    };
    for (fps, begin) in [5, 7, 8, 9, 10].into_iter().flat_map(|fps| (0..60).step_by(3).map(move |begin| (fps, begin))) {
        let mut eye = Eye::new(f64::from(fps));
        // Already there and moving while the background is learnt, 12.5 cells a second to and fro.
        let verdicts: Vec<_> = (0..20 * fps)
            .map(|step| {
                let at = (f64::from(begin) + f64::from(step) / f64::from(fps) * 12.5) % 60.0;
                eye.see(&room(at.min(60.0 - at)))
            })
            .collect();
        let motion = verdicts.iter().filter(|verdict| **verdict == Verdict::Motion).count();
        assert!(motion * 50 >= verdicts.len(), "{motion} times at {fps} a second from {begin}: {verdicts:?}");
        assert!(!verdicts.contains(&Verdict::Shaken), "at {fps} a second from {begin}: {verdicts:?}");
    }
}

#[test]
fn the_curve_never_gets_more_sensitive() {
    for pair in CURVE.windows(2) {
        assert!(pair[0].contrast < pair[1].contrast && pair[0].area < pair[1].area && pair[0].noise <= pair[1].noise);
    }
    assert_eq!((Threshold::of(0), Threshold::of(9), Threshold::of(200)), (CURVE[0], CURVE[9], CURVE[9]));
    assert_eq!((CURVE[5].cells(80 * 60), CURVE[0].cells(1)), (12, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_picture_of_any_size_breaks_it(
        pictures in prop::collection::vec((0_usize..70, 0_usize..50, any::<u64>(), 0_u64..7000), 1..40),
        sensitivity in 0_u8..=255,
        compensation: bool,
        keep: bool,
        mask in prop::collection::vec(any::<u32>(), 24),
    ) {
        let mask = Mask::parse(&mask.iter().map(|row| format!("{row:08x}")).collect::<String>()).unwrap();
        let watch = Watch { sensitivity, compensation, mask };
        let (mut detector, mut now) = (Detector::default(), Instant::now());
        let first = (pictures[0].0, pictures[0].1);
        for (width, height, seed, milliseconds) in pictures {
            let (width, height) = if keep { first } else { (width, height) };
            let mut random = seed | 1;
            // From nothing but black and white to nearly nothing.
            let depth = seed % 9;
            let pixels = (0..width * height).map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                ((random & 255) >> depth) as u8
            });
            let luma = Luma { width, height, pixels: pixels.collect() };
            now += Duration::from_millis(if keep { milliseconds % 300 } else { milliseconds });
            let seen = detector.look(&luma, &watch, now);
            prop_assert!((0.0..=1.0).contains(&seen.area), "{seen:?}");
        }
    }

    #[test]
    fn areas_are_those_of_a_plain_flood(width in 1_usize..24, rows in prop::collection::vec(any::<u32>(), 1..16)) {
        let marks: Vec<u8> = rows.iter().flat_map(|row| (0..width).map(move |column| (row >> column & 1) as u8)).collect();
        let mut areas = Areas::default();
        areas.find(&marks, &vec![true; marks.len()], width);
        let mut found: Vec<_> = areas.iter().map(|(number, area)| {
            assert_eq!(areas.runs(number).map(|run| run.end - run.begin).sum::<usize>(), area.cells);
            area.cells
        }).collect();
        let mut left = marks.clone();
        let mut flooded = Vec::new();
        for start in 0..marks.len() {
            let (mut stack, mut cells) = (vec![start], 0);
            while let Some(at) = stack.pop() {
                if std::mem::take(&mut left[at]) == 0 {
                    continue;
                }
                cells += 1;
                let (column, row) = (at % width, at / width);
                for y in row.saturating_sub(1)..=(row + 1).min(rows.len() - 1) {
                    stack.extend((column.saturating_sub(1)..=(column + 1).min(width - 1)).map(|x| y * width + x));
                }
            }
            if cells > 0 {
                flooded.push(cells);
            }
        }
        found.sort_unstable();
        flooded.sort_unstable();
        prop_assert_eq!(found, flooded);
    }
}
