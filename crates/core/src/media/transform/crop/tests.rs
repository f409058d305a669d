//! Windows are compared as planes, where nothing is upsampled or converted.

use bytes::Bytes;
use proptest::prelude::*;
use turbojpeg::Compressor;

use super::*;
use crate::media::{
    frame::{Range, Raw, RawFormat},
    jpeg::{
        self,
        tests::{picture, vga},
    },
    transform::{Change, Luma, Pipeline, QUALITY},
};

const SAMPLINGS: [Subsamp; 6] =
    [Subsamp::Sub2x2, Subsamp::Sub2x1, Subsamp::None, Subsamp::Gray, Subsamp::Sub1x2, Subsamp::Sub4x1];

fn window(left: u32, top: u32, width: u32, height: u32, view: Size) -> Crop {
    Crop { left, top, size: Size::new(width, height), view }
}

fn plain(left: u32, top: u32, width: u32, height: u32) -> Crop {
    window(left, top, width, height, Size::new(width, height))
}

fn of(crop: Crop) -> Change {
    Change { crop: Some(crop), ..Change::default() }
}

/// Decodes to planes, each with its samples across.
fn planes_of(jpeg: &[u8]) -> (Size, Subsamp, [(usize, Vec<u8>); 3]) {
    let mut decompressor = turbojpeg::Decompressor::new().unwrap();
    let header = decompressor.read_header(jpeg).unwrap();
    let (width, height, subsamp) = (header.width, header.height, header.subsamp);
    let size = Size::new(width as u32, height as u32);
    let mut pixels = vec![0; planes::bytes(size, subsamp)];
    let image = turbojpeg::YuvImage { pixels: &mut pixels[..], width, align: 1, height, subsamp };
    decompressor.decompress_to_yuv(jpeg, image).unwrap();
    (size, subsamp, planes::of(&mut pixels, size, subsamp).map(|plane| (plane.stride, plane.samples.to_vec())))
}

/// Asserts that a picture is a window of another, to the sample.
fn is_cut(cut: &[u8], whole: &[u8], crop: &Crop) {
    let (size, subsamp, cut) = planes_of(cut);
    let (_, same, whole) = planes_of(whole);
    assert_eq!((size, subsamp), (crop.view, same));
    let (across, down) = subsamp.size();
    for (number, ((wide, cut), (stride, whole))) in cut.iter().zip(&whole).enumerate() {
        let (across, down) = if number == 0 { (1, 1) } else { (across, down) };
        let (left, top) = (crop.left as usize / across, crop.top as usize / down);
        // What is seen: a plane may be rounded up beyond it.
        let [seen, rows] =
            [(size.width as usize, across), (size.height as usize, down)].map(|(side, by)| side.div_ceil(by));
        for (row, cut) in cut.chunks(*wide).take(rows).enumerate() {
            let whole = &whole[(top + row) * stride + left..][..seen];
            assert_eq!(&cut[..seen], whole, "{crop} {subsamp:?}, plane {number}, row {row}");
        }
    }
}

#[test]
fn a_window_that_is_the_whole_picture_is_the_same_buffer() {
    let jpeg = vga();
    let done = Pipeline::new().unwrap().change(&jpeg, &of(plain(0, 0, 640, 480))).unwrap();
    assert_eq!(done.as_ptr(), jpeg.as_ptr());
}

#[test]
fn a_window_on_borders_of_mcus_has_the_very_pixels_of_the_picture() {
    let mut pipeline = Pipeline::new().unwrap();
    for subsamp in SAMPLINGS {
        let (wide, high) = (subsamp.mcu_width() as u32, subsamp.mcu_height() as u32);
        for size in [Size::new(320, 240), Size::new(333, 251)] {
            for optimized in [false, true] {
                let jpeg = picture(size, subsamp, |c| c.set_optimize(optimized).unwrap());
                for crop in [
                    plain(0, 0, 160, 120),
                    plain(wide * 3, high * 2, 160, 120),
                    plain(wide, high * 3, 99, 75),
                    plain(wide * 4, high * 4, size.width - wide * 4, size.height - high * 4),
                ] {
                    let done = pipeline.change(&jpeg, &of(crop)).unwrap();
                    assert_eq!(jpeg::check(done.clone()).unwrap().jpeg.as_ptr(), done.as_ptr());
                    is_cut(&done, &jpeg, &crop);
                }
            }
        }
    }
}

/// A picture whose luma is a ramp: its columns and rows tell where they are. Its colours are ramps as well.
fn ramp(size: Size, subsamp: Subsamp) -> Bytes {
    let mut pixels = vec![128; planes::bytes(size, subsamp)];
    let [y, u, v] = planes::of(&mut pixels, size, subsamp);
    let fill = |plane: Plane<'_>, across: usize| {
        for (row, samples) in plane.samples.chunks_mut(plane.stride.max(1)).enumerate() {
            samples.iter_mut().enumerate().for_each(|(at, sample)| *sample = (20 + (at * across + row / 8) / 2) as u8);
        }
    };
    fill(y, 1);
    fill(u, subsamp.width());
    fill(v, subsamp.width());
    let (width, height) = (size.width as usize, size.height as usize);
    let mut compressor = Compressor::new().unwrap();
    compressor.set_quality(100).unwrap();
    let image = turbojpeg::YuvImage { pixels: &pixels[..], width, align: 1, height, subsamp };
    compressor.compress_yuv_to_vec(image).unwrap().into()
}

/// Returns the mean of one plane's columns, in places of the picture: where it is that the ramp is so bright.
fn places(plane: &(usize, Vec<u8>)) -> Vec<f64> {
    let (wide, samples) = plane;
    let rows = (samples.len() / wide) as f64;
    let mean = |column: usize| samples.iter().skip(column).step_by(*wide).map(|s| f64::from(*s)).sum::<f64>() / rows;
    (0..*wide).map(|column| (mean(column) - 20.0) * 2.0).collect()
}

#[test]
fn whatever_its_road_a_window_shows_the_place_that_was_asked_for() {
    let size = Size::new(400, 200);
    for subsamp in SAMPLINGS {
        let jpeg = ramp(size, subsamp);
        for crop in [
            window(34, 10, 96, 64, Size::new(96, 64)),
            window(33, 11, 96, 64, Size::new(96, 64)),
            window(34, 10, 96, 64, Size::new(160, 106)),
            window(35, 11, 120, 80, Size::new(80, 54)),
            window(40, 8, 160, 120, Size::new(80, 60)),
            window(42, 6, 340, 180, Size::new(100, 50)),
            window(304, 104, 96, 96, Size::new(64, 64)),
            window(0, 0, 400, 200, Size::new(40, 20)),
            window(0, 0, 400, 200, Size::new(641, 321)),
        ] {
            let done = Pipeline::new().unwrap().change(&jpeg, &of(crop)).unwrap();
            let (got, same, [y, u, v]) = planes_of(&jpeg::check(done).unwrap().jpeg);
            assert_eq!((got, same), (crop.view, subsamp));
            let scale = f64::from(crop.size.width) / f64::from(crop.view.width);
            // The rows of the ramp that are seen add this much on average.
            let rows = (f64::from(crop.top) + f64::from(crop.size.height) / 2.0 - 0.5) / 8.0 - 0.4;
            let check = |plane: &(usize, Vec<u8>), across: f64, most: f64, what: &str| {
                let places = places(plane);
                // The outermost have no neighbours to be resampled from.
                for (at, place) in
                    places.iter().enumerate().take(crop.view.width as usize / across as usize - 3).skip(3)
                {
                    // The middle of a sample, in pixels of the picture; the ramp counts samples from their middle.
                    let middle = f64::from(crop.left) + (at as f64 + 0.5) * across * scale;
                    let due = middle - 0.5 * across + rows;
                    assert!((place - due).abs() < most, "{crop} {subsamp:?} {what} {at}: {place}, not {due}");
                }
            };
            check(&y, 1.0, 3.0 + scale / 2.0, "luma");
            if subsamp != Subsamp::Gray {
                let across = subsamp.width() as f64;
                let far = if subsamp.height() == 2 { 16.0 } else { 6.0 };
                check(&u, across, far, "u");
                check(&v, across, far, "v");
            }
        }
    }
}

fn raw(format: RawFormat, range: Range, size: Size) -> Raw {
    let pixels = (0..format.bytes(size)).map(|at| ((at * 7) ^ (at / 61)) as u8).collect();
    Raw { format, range, size, pixels }
}

/// Cuts a window out of raw pixels the slow way.
fn cut_raw(raw: &Raw, crop: &Crop) -> Raw {
    let (wide, luma) = (raw.size.width as usize, (raw.size.width * raw.size.height) as usize);
    let [left, top, across, down] = [crop.left, crop.top, crop.size.width, crop.size.height].map(|side| side as usize);
    let cut = |plane: &[u8], stride: usize, left: usize, top: usize, across: usize, down: usize| -> Vec<u8> {
        (top..top + down).flat_map(|row| plane[row * stride + left..][..across].to_vec()).collect()
    };
    let pixels = match raw.format {
        RawFormat::Grey => cut(&raw.pixels, wide, left, top, across, down),
        RawFormat::Yuyv => cut(&raw.pixels, wide * 2, left * 2, top, across * 2, down),
        RawFormat::Nv12 => [
            cut(&raw.pixels[..luma], wide, left, top, across, down),
            cut(&raw.pixels[luma..], wide, left, top / 2, across, down / 2),
        ]
        .concat(),
        RawFormat::I420 => {
            let colour = |plane: &[u8]| cut(plane, wide / 2, left / 2, top / 2, across / 2, down / 2);
            let (u, v) = raw.pixels[luma..].split_at(luma / 4);
            [cut(&raw.pixels[..luma], wide, left, top, across, down), colour(u), colour(v)].concat()
        }
    };
    Raw { size: crop.size, pixels, ..*raw }
}

const FORMATS: [RawFormat; 4] = [RawFormat::Yuyv, RawFormat::Nv12, RawFormat::I420, RawFormat::Grey];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_window_of_raw_pixels_is_that_of_its_pixels_alone(
        (wide, high) in (8u32..40, 8u32..30),
        (left, top, across, down) in (0.0..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0),
        flip: bool, mirror: bool, brightness in prop_oneof![Just(128u8), any::<u8>()],
        view in proptest::option::of((4u32..60, 4u32..60)),
    ) {
        let whole = Size::new(wide * 2, high * 2);
        let side = |whole: u32, share: f64| (f64::from(whole / 2) * share) as u32 * 2;
        let size = Size::new(side(whole.width, across).max(2), side(whole.height, down).max(2));
        let (left, top) = (side(whole.width - size.width, left), side(whole.height - size.height, top));
        let view = view.map_or(size, |(width, height)| Size::new(width, height));
        let change = Change { flip, mirror, luma: Luma::new(brightness, 3), ..Change::default() };
        for (format, range) in FORMATS.into_iter().zip([Range::Full, Range::Limited, Range::Full, Range::Full]) {
            let (raw, crop) = (raw(format, range, whole), Crop { left, top, size, view });
            let alone = Crop { left: 0, top: 0, size, view };
            let mut pipeline = Pipeline::new().unwrap();
            let mut make = |raw: &Raw, crop| {
                pipeline.encode_raw(raw, &Change { crop: Some(crop), ..change.clone() }, QUALITY).unwrap()
            };
            let (done, due) = (make(&raw, crop), make(&cut_raw(&raw, &crop), alone));
            prop_assert_eq!(jpeg::check(done.clone()).unwrap().size, view);
            prop_assert!(done == due, "{} {:?}", crop, format);
        }
    }
}

#[test]
fn raw_pixels_on_odd_places_keep_their_luma_to_the_pixel() {
    let whole = Size::new(64, 48);
    for format in FORMATS {
        let raw = raw(format, Range::Full, whole);
        let luma = |raw: &Raw, crop: Crop| {
            let subsamp = if format == RawFormat::Yuyv { Subsamp::Sub2x1 } else { Subsamp::Sub2x2 };
            let subsamp = if format == RawFormat::Grey { Subsamp::Gray } else { subsamp };
            let mut pixels = Vec::new();
            planes::separate(raw, &crop, subsamp, &mut pixels);
            planes::of(&mut pixels, crop.size, subsamp)[0].samples.to_vec()
        };
        let all = luma(&raw, plain(0, 0, 64, 48));
        let odd = luma(&raw, plain(33, 17, 30, 30));
        let due: Vec<u8> = (17..47).flat_map(|row| all[row * 64 + 33..][..30].to_vec()).collect();
        assert_eq!(odd, due, "{format:?}");
    }
}

#[test]
fn what_was_cut_is_turned_and_not_the_other_way_round() {
    let mut pipeline = Pipeline::new().unwrap();
    let jpeg = vga();
    for (crop, lossless) in [(plain(64, 32, 320, 240), true), (plain(66, 34, 320, 240), false)] {
        let cut = pipeline.change(&jpeg, &of(crop)).unwrap();
        for (flip, mirror) in [(true, false), (false, true), (true, true)] {
            let turn = Change { flip, mirror, ..Change::default() };
            let done = pipeline.change(&jpeg, &Change { crop: Some(crop), ..turn.clone() }).unwrap();
            let due = pipeline.change(&cut, &turn).unwrap();
            let [(_, _, done), (_, _, due)] = [done, due].map(|jpeg| planes_of(&jpeg));
            for ((_, done), (_, due)) in done.iter().zip(&due) {
                let away = done.iter().zip(due).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
                let away = away / done.len() as f64;
                assert!(if lossless { away == 0.0 } else { away < 2.0 }, "{crop} {flip} {mirror}: {away}");
            }
        }
    }
}

#[test]
fn a_window_beyond_its_picture_is_refused() {
    let (jpeg, raw) = (vga(), raw(RawFormat::I420, Range::Full, Size::VGA));
    let mut pipeline = Pipeline::new().unwrap();
    for crop in [
        plain(0, 0, 641, 480),
        plain(1, 0, 640, 480),
        plain(0, u32::MAX, 16, 16),
        plain(0, 0, 0, 16),
        window(0, 0, 16, 16, Size::new(0, 16)),
        window(0, 0, 16, 16, Size::new(16, Size::LONGEST + 1)),
    ] {
        assert!(matches!(pipeline.change(&jpeg, &of(crop)), Err(Failed::Window(..))), "{crop}");
        assert!(matches!(pipeline.encode_raw(&raw, &of(crop), 80), Err(Failed::Window(..))), "{crop}");
    }
    assert!(matches!(pipeline.encode_raw(&raw, &of(plain(0, 0, 15, 16)), 80), Err(Failed::Window(..))));
}
