//! Pictures are compared as RGB: by how much their pixels differ on average.

use proptest::prelude::*;
use turbojpeg::{PixelFormat, Subsamp};

use super::*;
use crate::media::jpeg::{
    self,
    tests::{picture, vga},
};

fn pipeline() -> Pipeline {
    Pipeline::new().unwrap()
}

fn pixels(jpeg: &[u8]) -> (Size, Vec<u8>) {
    let image = turbojpeg::decompress(jpeg, PixelFormat::RGB).unwrap();
    (Size::new(image.width as u32, image.height as u32), image.pixels)
}

/// The mean difference of two pictures' samples.
fn difference(one: &[u8], other: &[u8]) -> f64 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / one.len() as f64
}

fn turned(pixels: &[u8], size: Size, flip: bool, mirror: bool) -> Vec<u8> {
    let (width, height) = (size.width as usize, size.height as usize);
    let at = |x: usize, y: usize| {
        let (x, y) = (if mirror { width - 1 - x } else { x }, if flip { height - 1 - y } else { y });
        let at = (y * width + x) * 3;
        [pixels[at], pixels[at + 1], pixels[at + 2]]
    };
    (0..height).flat_map(|y| (0..width).flat_map(move |x| at(x, y))).collect()
}

fn mean_luma(jpeg: &[u8]) -> f64 {
    let grey = turbojpeg::decompress(jpeg, PixelFormat::GRAY).unwrap().pixels;
    grey.iter().map(|y| f64::from(*y)).sum::<f64>() / grey.len() as f64
}

#[test]
fn nothing_to_do_returns_the_same_buffer() {
    let jpeg = vga();
    for change in [Change::default(), Change { width: Some(640), ..Change::default() }] {
        assert_eq!(pipeline().change(&jpeg, &change).unwrap().as_ptr(), jpeg.as_ptr());
    }
}

#[test]
fn two_flips_of_whole_mcus_give_back_every_byte() {
    for (flip, mirror) in [(true, false), (false, true), (true, true)] {
        let (jpeg, change) = (vga(), Change { flip, mirror, ..Change::default() });
        let once = pipeline().change(&jpeg, &change).unwrap();
        let (size, seen) = pixels(&once);
        assert!(difference(&seen, &turned(&pixels(&jpeg).1, size, flip, mirror)) < 1.0);
        assert_eq!(pipeline().change(&once, &change).unwrap(), jpeg);
        assert_eq!(jpeg::check(once.clone()).unwrap().jpeg.as_ptr(), once.as_ptr());
    }
}

#[test]
fn partial_mcus_are_flipped_too() {
    for (size, subsamp) in [
        (Size::new(632, 476), Subsamp::Sub2x2),
        (Size::new(633, 475), Subsamp::Sub2x2),
        (Size::new(634, 473), Subsamp::Sub2x1),
        (Size::new(33, 17), Subsamp::Gray),
    ] {
        let jpeg = picture(size, subsamp, |_| ());
        for (flip, mirror) in [(true, false), (false, true), (true, true)] {
            let done = pipeline().change(&jpeg, &Change { flip, mirror, ..Change::default() }).unwrap();
            let (got, seen) = pixels(&done);
            assert_eq!(got, size);
            let away = difference(&seen, &turned(&pixels(&jpeg).1, size, flip, mirror));
            assert!(away < 4.5, "{size} {subsamp:?} {flip} {mirror}: {away}");
        }
    }
}

#[test]
fn sizes_are_the_eighths_nearest_to_the_wish() {
    assert_eq!(scaled(Size::VGA, 320), Size::QVGA);
    assert_eq!(scaled(Size::VGA, 160), Size::QQVGA);
    assert_eq!(scaled(Size::VGA, 1280), Size::VGA, "nothing is made larger");
    assert_eq!(scaled(Size::VGA, 1), Size::new(80, 60));
    assert_eq!(scaled(Size::new(1280, 720), 640), Size::new(640, 360));
    assert_eq!(scaled(Size::new(1920, 1080), 640), Size::new(720, 405), "3/8 is nearer than 2/8");
    for subsamp in [Subsamp::None, Subsamp::Sub2x1, Subsamp::Sub2x2, Subsamp::Sub4x1, Subsamp::Gray] {
        for size in [Size::VGA, Size::new(641, 479)] {
            let jpeg = picture(size, subsamp, |_| ());
            for width in [80, 160, 240, 320, 500] {
                let small = pipeline().change(&jpeg, &Change { width: Some(width), ..Change::default() }).unwrap();
                assert_eq!(jpeg::check(small.clone()).unwrap().size, scaled(size, width));
                let away = (mean_luma(&small) - mean_luma(&jpeg)).abs();
                assert!(away < 4.5, "{size} {subsamp:?} {width}: {away}");
            }
        }
    }
}

#[test]
fn brightness_shifts_and_contrast_spreads() {
    assert_eq!(Luma::new(128, 3), None);
    let table = |brightness, contrast| Luma::new(brightness, contrast).unwrap().0;
    assert_eq!([0, 127, 128, 255].map(|y| table(138, 3)[y]), [10, 137, 138, 255]);
    assert_eq!([0, 64, 128, 192, 255].map(|y| table(128, 6)[y]), [0, 0, 128, 255, 255]);
    assert_eq!([0, 128, 255].map(|y| table(128, 0)[y]), [64, 128, 192]);
    assert_eq!((table(0, 3)[128], table(255, 3)[128]), (0, 255));
    let jpeg = vga();
    let seen = |luma| mean_luma(&pipeline().change(&jpeg, &Change { luma, ..Change::default() }).unwrap());
    assert!(seen(Luma::new(160, 3)) > seen(Luma::new(100, 3)) + 40.0);
}

#[test]
fn raw_pixels_of_every_layout_give_the_same_picture() {
    let size = Size::new(64, 48);
    let (y, u, v) = (|x: usize, y: usize| (x * 3 + y) as u8, |x: usize| (90 + x) as u8, |x: usize| (160 - x) as u8);
    let each = |width: usize, height: usize| (0..height).flat_map(move |y| (0..width).map(move |x| (x, y)));
    let luma: Vec<u8> = each(64, 48).map(|(at, row)| y(at, row)).collect();
    let us: Vec<u8> = each(32, 24).map(|(at, _)| u(at)).collect();
    let vs: Vec<u8> = each(32, 24).map(|(at, _)| v(at)).collect();
    let pairs = us.iter().zip(&vs).flat_map(|(u, v)| [*u, *v]).collect();
    let yuyv = each(32, 48).flat_map(|(at, row)| [y(at * 2, row), u(at), y(at * 2 + 1, row), v(at)]).collect();
    let layouts = [
        (RawFormat::I420, [luma.clone(), us, vs].concat()),
        (RawFormat::Nv12, [luma.clone(), pairs].concat()),
        (RawFormat::Yuyv, yuyv),
    ];
    let change = Change { flip: true, mirror: true, luma: Luma::new(140, 3), ..Change::default() };
    let [plain, changed] = [Change::default(), change].map(|change| {
        let made = layouts.clone().map(|(format, pixels)| {
            let jpeg = pipeline().encode_raw(&Raw { format, range: Range::Full, size, pixels }, &change, 95).unwrap();
            assert_eq!(jpeg::check(jpeg.clone()).unwrap().size, size);
            pixels_of(&jpeg)
        });
        assert!(difference(&made[0], &made[1]) < 0.01 && difference(&made[0], &made[2]) < 2.0);
        made[0].clone()
    });
    let brighter: Vec<u8> = turned(&plain, size, true, true).iter().map(|p| p.saturating_add(12)).collect();
    assert!(difference(&changed, &brighter) < 3.0);
    let raw = Raw { format: RawFormat::Grey, range: Range::Full, size, pixels: luma.clone() };
    let grey = pipeline().encode_raw(&raw, &Change::default(), 95).unwrap();
    assert!(difference(&turbojpeg::decompress(&grey, PixelFormat::GRAY).unwrap().pixels, &luma) < 1.0);
}

fn pixels_of(jpeg: &[u8]) -> Vec<u8> {
    pixels(jpeg).1
}

/// Encodes a picture of one colour, given in the terms of `range`, and returns that of the JPEG in full range.
fn colour_of_jpeg(format: RawFormat, range: Range, [y, u, v]: [u8; 3], change: &Change) -> [u8; 3] {
    let size = Size::new(16, 16);
    let pixels = match format {
        RawFormat::Yuyv => [y, u, y, v].repeat(128),
        RawFormat::Nv12 => [[y].repeat(256), [u, v].repeat(64)].concat(),
        RawFormat::I420 => [[y].repeat(256), [u].repeat(64), [v].repeat(64)].concat(),
        RawFormat::Grey => [y].repeat(256),
    };
    let jpeg = pipeline().encode_raw(&Raw { format, range, size, pixels }, change, 100).unwrap();
    let image = turbojpeg::decompress_to_yuv(&jpeg).unwrap();
    let luma = 256;
    let chroma = (image.pixels.len() - luma) / 2;
    let colour = |at: usize| if chroma == 0 { 128 } else { image.pixels[at] };
    [image.pixels[0], colour(luma), colour(luma + chroma)]
}

#[test]
fn limited_range_is_spread_and_full_range_stays() {
    let formats = [RawFormat::Yuyv, RawFormat::Nv12, RawFormat::I420, RawFormat::Grey];
    let plain = Change::default();
    for format in formats {
        for (limited, full) in [(16, 0), (235, 255), (126, 128), (1, 0), (254, 255)] {
            let seen = |range| colour_of_jpeg(format, range, [limited, 128, 128], &plain);
            assert_eq!(seen(Range::Limited), [full, 128, 128], "{format:?}");
            assert_eq!(seen(Range::Full), [limited, 128, 128], "{format:?}");
        }
        if format != RawFormat::Grey {
            let seen = |range| colour_of_jpeg(format, range, [81, 90, 240], &plain);
            assert_eq!(seen(Range::Limited), [76, 85, 255], "red, {format:?}");
            assert_eq!(seen(Range::Full), [81, 90, 240], "{format:?}");
        }
    }
}

#[test]
fn limited_range_is_spread_before_it_is_brightened_and_turned() {
    for (brightness, [black, grey, white]) in [(148, [20, 148, 255]), (108, [0, 108, 235])] {
        let change = Change { flip: true, mirror: true, luma: Luma::new(brightness, 3), ..Change::default() };
        for (limited, full) in [(16, black), (126, grey), (235, white)] {
            let seen = colour_of_jpeg(RawFormat::I420, Range::Limited, [limited, 90, 240], &change);
            assert_eq!(seen, [full, 85, 255], "{brightness}");
        }
    }
}

#[test]
fn raw_pixels_that_contradict_their_size_are_refused() {
    let refused = |format, width, height, bytes| {
        let raw = Raw { format, range: Range::Full, size: Size::new(width, height), pixels: vec![0; bytes] };
        pipeline().encode_raw(&raw, &Change::default(), 80).is_err()
    };
    assert!(refused(RawFormat::Yuyv, 64, 48, 64 * 48 * 2 - 1));
    assert!(refused(RawFormat::I420, 63, 48, 63 * 48 * 3 / 2));
    assert!(refused(RawFormat::Grey, 0, 48, 0));
    assert!(refused(RawFormat::Grey, Size::LONGEST + 1, 1, Size::LONGEST as usize + 1));
    assert!(!refused(RawFormat::Grey, 63, 47, 63 * 47));
}

#[test]
fn progressive_and_rgb_pictures_become_baseline() {
    let progressive = picture(Size::VGA, Subsamp::Sub2x2, |c| c.set_progressive(true).unwrap());
    let rgb = picture(Size::VGA, Subsamp::None, |c| c.set_colorspace(Colorspace::RGB).unwrap());
    for foreign in [progressive, rgb] {
        let plain = pipeline().encode_anew(&foreign).unwrap();
        assert_eq!(jpeg::check(plain.clone()).unwrap().jpeg, plain);
        assert!(difference(&pixels_of(&plain), &pixels_of(&foreign)) < 3.0);
        let small = pipeline().change(&foreign, &Change { width: Some(320), ..Change::default() }).unwrap();
        assert_eq!(jpeg::check(small).unwrap().size, Size::QVGA);
    }
}

#[test]
fn stray_bytes_before_the_end_are_forgiven_and_damage_is_not() {
    let jpeg = vga();
    let (body, end) = jpeg.split_at(jpeg.len() - 2);
    let change = [
        Change { mirror: true, ..Change::default() },
        Change { width: Some(320), ..Change::default() },
        Change { luma: Luma::new(99, 3), ..Change::default() },
    ];
    let mut pipeline = pipeline();
    for change in &change {
        let stray = Bytes::from([body, &[0; 5], end].concat());
        assert_eq!(pipeline.change(&stray, change).unwrap(), pipeline.change(&jpeg, change).unwrap());
        let half = Bytes::from([&body[..body.len() / 2], end].concat());
        assert!(matches!(pipeline.change(&half, change), Err(Failed::Jpeg(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damage_never_panics(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        flip: bool, mirror: bool, brightness: u8, width in proptest::option::of(1u32..100)
    ) {
        let mut jpeg = picture(Size::new(64, 48), Subsamp::Sub2x1, |_| ()).to_vec();
        for (at, byte) in damage {
            let at = at.index(jpeg.len());
            jpeg[at] = byte;
        }
        let change = Change { flip, mirror, luma: Luma::new(brightness, 3), width, ..Change::default() };
        let mut pipeline = pipeline();
        if let Ok(checked) = jpeg::check(jpeg.clone().into())
            && let Ok(done) = pipeline.change(&checked.jpeg, &change) {
            prop_assert!(jpeg::check(done).is_ok());
        }
        let _ = pipeline.encode_anew(&jpeg);
    }
}

#[test]
fn an_eighth_is_the_mean_of_each_block_whatever_the_size_and_subsampling() {
    let mut eighth = Eighth::new().unwrap();
    let mut luma = crate::media::motion::Luma::default();
    for subsamp in [Subsamp::None, Subsamp::Sub2x1, Subsamp::Sub2x2, Subsamp::Sub1x2, Subsamp::Sub4x1, Subsamp::Gray] {
        for size in [Size::VGA, Size::new(641, 475), Size::new(8, 8), Size::new(1, 9), Size::new(17, 3)] {
            let jpeg = picture(size, subsamp, |_| ());
            eighth.decode(&jpeg, &mut luma).unwrap();
            let [wide, high] = [size.width, size.height].map(|side| side.div_ceil(8) as usize);
            assert_eq!((luma.width, luma.height, luma.pixels.len()), (wide, high, wide * high));
            let whole = turbojpeg::decompress(&jpeg, PixelFormat::GRAY).unwrap();
            for (at, pixel) in luma.pixels.iter().enumerate() {
                let (left, top) = (at % wide * 8, at / wide * 8);
                if left + 8 > whole.width || top + 8 > whole.height {
                    continue;
                }
                let rows = whole.pixels.chunks(whole.pitch).skip(top).take(8);
                let mean = rows.flat_map(|row| &row[left..left + 8]).map(|pixel| u32::from(*pixel)).sum::<u32>() / 64;
                assert!(mean.abs_diff(u32::from(*pixel)) <= 3, "{size} {subsamp:?} {at}: {mean}, not {pixel}");
            }
        }
    }
}

#[test]
fn an_eighth_of_a_damaged_picture_is_refused_and_the_next_one_decodes() {
    let mut eighth = Eighth::new().unwrap();
    let mut luma = crate::media::motion::Luma::default();
    let whole = vga();
    eighth.decode(&whole, &mut luma).unwrap();
    let kept = luma.clone();
    assert!(eighth.decode(&whole[..whole.len() / 2], &mut luma).is_err());
    assert_eq!((luma.width, luma.height), (0, 0));
    assert!(eighth.decode(b"no picture", &mut luma).is_err());
    eighth.decode(&whole, &mut luma).unwrap();
    assert_eq!(luma, kept);
}
