//! A cut is compared with libjpeg's own, coefficient by coefficient: both decode to the same planes.

use proptest::prelude::*;
use turbojpeg::{Compressor, Decompressor, Subsamp, Transform, TransformCrop, Transformer, YuvImage};

use super::*;
use crate::media::jpeg::{self, tests::picture};

const SAMPLINGS: [Subsamp; 7] =
    [Subsamp::Sub2x2, Subsamp::Sub2x1, Subsamp::None, Subsamp::Gray, Subsamp::Sub1x2, Subsamp::Sub4x1, Subsamp::Sub1x4];

/// Decodes to planes, without smoothing; warnings are errors.
fn planes(jpeg: &[u8]) -> Vec<u8> {
    let mut decompressor = Decompressor::new().unwrap();
    let header = decompressor.read_header(jpeg).unwrap();
    let (width, height, subsamp) = (header.width, header.height, header.subsamp);
    let mut pixels = vec![0; turbojpeg::yuv_pixels_len(width, 1, height, subsamp).unwrap()];
    let image = YuvImage { pixels: &mut pixels[..], width, align: 1, height, subsamp };
    decompressor.decompress_to_yuv(jpeg, image).unwrap();
    pixels
}

/// Cuts with libjpeg.
fn reference(jpeg: &[u8], (left, top): (u32, u32), size: Size) -> Vec<u8> {
    let [x, y, width, height] = [left, top, size.width, size.height].map(|side| side as usize);
    let mut transform = Transform::default();
    transform.crop = Some(TransformCrop { x, y, width: Some(width), height: Some(height) });
    Transformer::new().unwrap().transform_to_vec(&transform, jpeg).unwrap()
}

fn picture_of(size: Size, subsamp: Subsamp, optimized: bool) -> Bytes {
    picture(size, subsamp, |c: &mut Compressor| c.set_optimize(optimized).unwrap())
}

/// Writes a picture of grey blocks by hand, with a restart marker behind every `interval` MCUs: each block has a DC difference
/// and the end of block.
fn restarting(across: u32, down: u32, interval: u32) -> Vec<u8> {
    let whole = picture_of(Size::new(across * 8, down * 8), Subsamp::Gray, false);
    let sos = whole.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
    let mut made = whole[..sos].to_vec();
    made.extend([0xff, 0xdd, 0, 4, (interval >> 8) as u8, interval as u8]);
    made.extend(&whole[sos..sos + 10]);
    let mut tables = Tables::default();
    let _ = Head::read(&whole, &mut tables).unwrap();
    let (mut writer, mut last) = (Writer::default(), 0);
    for mcu in 0..across * down {
        if mcu > 0 && mcu % interval == 0 {
            made.extend(writer.finish());
            made.extend([0xff, 0xd0 | ((mcu / interval - 1) as u8 % 8)]);
            writer.clear();
            last = 0;
        }
        let dc = (mcu * 37 % 101) as i32 - 50;
        writer.dc(tables.dc(0).unwrap(), dc - last).unwrap();
        // The end of block in the standard table.
        writer.put(0b1010, 4);
        last = dc;
    }
    made.extend(writer.finish());
    made.extend([0xff, 0xd9]);
    made
}

#[test]
fn a_cut_has_the_very_samples_of_the_picture_whatever_its_sampling_size_and_tables() {
    let mut cutter = Cutter::default();
    for subsamp in SAMPLINGS {
        let (wide, high) = (subsamp.mcu_width() as u32, subsamp.mcu_height() as u32);
        for size in [Size::new(160, 96), Size::new(171, 99)] {
            for optimized in [false, true] {
                let jpeg = picture_of(size, subsamp, optimized);
                for (left, top, width, height) in [
                    (0, 0, 64, 64),
                    (wide, high, 65, 33),
                    (wide * 2, 0, size.width - wide * 2, size.height),
                    (wide, high * 2, size.width - wide, size.height - high * 2),
                    (0, 0, 1, 1),
                ] {
                    let size = Size::new(width, height);
                    let cut = cutter.cut(&jpeg, (left, top), size).unwrap();
                    assert_eq!(
                        jpeg::check(cut.clone()).map(|checked| (checked.jpeg, checked.size)),
                        Ok((cut.clone(), size))
                    );
                    let due = planes(&reference(&jpeg, (left, top), size));
                    assert!(planes(&cut) == due, "{size} at {left},{top}, {subsamp:?}, optimized: {optimized}");
                }
            }
        }
    }
}

#[test]
fn optimised_tables_are_given_the_codes_that_they_lack() {
    // One colour but for a corner: hardly any difference, and so hardly any code.
    let pixels: Vec<u8> = (0..128 * 64).map(|at| if at % 128 > 100 && at / 128 > 40 { 250 } else { 10 }).collect();
    let mut compressor = Compressor::new().unwrap();
    compressor.set_optimize(true).unwrap();
    compressor.set_subsamp(Subsamp::Gray).unwrap();
    let image = YuvImage { pixels: &pixels[..], width: 128, align: 1, height: 64, subsamp: Subsamp::Gray };
    let jpeg: Bytes = compressor.compress_yuv_to_vec(image).unwrap().into();
    let mut cutter = Cutter::default();
    for (left, top) in [(64, 0), (96, 32), (104, 40)] {
        let size = Size::new(24, 24);
        let cut = cutter.cut(&jpeg, (left, top), size).unwrap();
        assert_eq!(planes(&cut), planes(&reference(&jpeg, (left, top), size)));
        assert_eq!(jpeg::check(cut.clone()).unwrap().jpeg, cut);
        // What was cut once can be cut again.
        let again = cutter.cut(&cut, (8, 8), Size::new(16, 16)).unwrap();
        assert_eq!(planes(&again), planes(&reference(&jpeg, (left + 8, top + 8), Size::new(16, 16))));
    }
}

#[test]
fn a_picture_with_restart_markers_is_cut_to_one_without() {
    let mut cutter = Cutter::default();
    for interval in [1, 3, 7, 9, 10, 20, 25, 63, 79] {
        let jpeg = Bytes::from(restarting(10, 8, interval));
        assert_eq!(jpeg::check(jpeg.clone()).unwrap().jpeg, jpeg, "{interval}");
        for (left, top, width, height) in
            [(0, 0, 80, 64), (16, 8, 40, 32), (72, 0, 8, 64), (0, 56, 80, 8), (24, 40, 56, 24)]
        {
            let size = Size::new(width, height);
            let cut = cutter.cut(&jpeg, (left, top), size).unwrap();
            let markers = cut.windows(2).filter(|pair| pair[0] == 0xff && matches!(pair[1], 0xd0..=0xd7 | 0xdd));
            assert_eq!(markers.count(), 0);
            assert_eq!(
                planes(&cut),
                planes(&reference(&jpeg, (left, top), size)),
                "{interval}: {size} at {left},{top}"
            );
        }
    }
}

#[test]
fn what_is_not_on_borders_not_within_or_not_of_the_usual_kind_is_left_to_others() {
    let mut cutter = Cutter::default();
    let jpeg = picture_of(Size::new(64, 48), Subsamp::Sub2x2, false);
    for ((left, top), size) in [
        ((8, 0), Size::new(16, 16)),
        ((0, 8), Size::new(16, 16)),
        ((0, 0), Size::new(65, 16)),
        ((48, 0), Size::new(17, 16)),
        ((0, 0), Size::new(0, 16)),
        ((16, u32::MAX / 16 * 16), Size::new(16, 32)),
    ] {
        assert_eq!(cutter.cut(&jpeg, (left, top), size), Err(Uncut), "{size} at {left},{top}");
    }
    let progressive = picture(Size::new(64, 48), Subsamp::Sub2x2, |c| c.set_progressive(true).unwrap());
    assert_eq!(cutter.cut(&progressive, (0, 0), Size::new(16, 16)), Err(Uncut));
    let bare = picture_of(Size::new(64, 48), Subsamp::Sub2x2, false);
    let half = bare.slice(..bare.len() / 2);
    assert_eq!(cutter.cut(&half, (0, 0), Size::new(16, 16)), Err(Uncut), "no end");
    let ended = Bytes::from([&half[..], &[0xff, 0xd9]].concat());
    assert_eq!(cutter.cut(&ended, (0, 32), Size::new(64, 16)), Err(Uncut), "data that end early");
    assert!(cutter.cut(&jpeg, (0, 0), Size::new(16, 16)).is_ok(), "and the next picture is cut");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn damage_never_panics_and_what_is_cut_is_whole(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        (left, top, width, height) in (0u32..5, 0u32..4, 1u32..80, 1u32..64),
        optimized: bool,
    ) {
        let mut jpeg = picture_of(Size::new(80, 64), Subsamp::Sub2x1, optimized).to_vec();
        for (at, byte) in damage {
            let at = at.index(jpeg.len());
            jpeg[at] = byte;
        }
        let mut cutter = Cutter::default();
        let size = Size::new(width, height);
        if let Ok(cut) = cutter.cut(&jpeg, (left * 16, top * 8), size) {
            prop_assert!(!cut.is_empty());
        }
        if let Ok(checked) = jpeg::check(jpeg.into()) && let Ok(cut) = cutter.cut(&checked.jpeg, (left * 16, top * 8), size) {
            let again = jpeg::check(cut.clone()).map(|checked| (checked.jpeg, checked.size));
            prop_assert_eq!(again, Ok((cut, size)));
        }
    }
}
