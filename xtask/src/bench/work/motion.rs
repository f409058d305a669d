//! What looking for motion costs a picture, beside what decoding the whole of it would.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use lookout_core::media::{
    motion::{Detector, Luma, Verdict, Watch},
    transform::Eighth,
};
use lookout_testkit::motion::{FPS, KNOWN, Painter, encode, scenes};
use turbojpeg::{Decompressor, Image, PixelFormat, YuvImage};

use super::{Cost, Work, cost, in_turns};

/// How many pictures are looked at, forth and back and forth, so that what moves never jumps.
const PICTURES: usize = 24;
/// As of the default settings.
const SENSITIVITY: u8 = 5;

/// The pictures of one size, as JPEGs and as what the detector looks at.
struct Pictures {
    jpegs: Vec<Vec<u8>>,
    small: Vec<Luma>,
}

/// Measures the detector, and what its pictures cost.
pub fn measure(rounds: usize) -> Result<Vec<Work>> {
    let rows = [
        ((640, 480), ["the detector, a picture of 640×480", "640×480 decoded to an eighth, and the detector"]),
        ((1920, 1080), ["the detector, a picture of 1920×1080", "1920×1080 decoded to an eighth, and the detector"]),
    ];
    let mut all = Vec::new();
    for ((width, height), [alone, decoded]) in rows {
        let pictures = Pictures::paint(width, height)?;
        let (pixels, planes) = ("the whole picture decoded to pixels", "the same to planes of Y, U, V");
        all.push(in_turns(rounds, [alone, "µs", pixels], pictures.to_pixels()?, pictures.looked(false)?)?);
        all.push(in_turns(rounds, [decoded, "µs", pixels], pictures.to_pixels()?, pictures.looked(true)?)?);
        all.push(in_turns(rounds, [decoded, "µs", planes], pictures.to_planes()?, pictures.looked(true)?)?);
    }
    Ok(all)
}

impl Pictures {
    /// Paints somebody who walks through a room; of pictures that are not 4:3, the lower part is cut off.
    fn paint(width: usize, height: usize) -> Result<Self> {
        let mut scene = scenes(KNOWN).into_iter().next().context("no scene")?;
        for actor in &mut scene.actors {
            // Comes at once: all that was before need not be painted.
            let begin = actor.path[0].0;
            actor.path.iter_mut().for_each(|point| point.0 -= begin);
        }
        scene.actors.truncate(1);
        let (mut painter, mut eighth) = (Painter::new(&scene, width), Eighth::new()?);
        let mut pictures = Self { jpegs: Vec::new(), small: Vec::new() };
        for _ in 0..PICTURES {
            let mut luma = painter.paint();
            luma.height = height;
            luma.pixels.truncate(width * height);
            let jpeg = encode(&luma, scene.quality.0);
            let mut small = Luma::default();
            eighth.decode(&jpeg, &mut small)?;
            pictures.jpegs.push(jpeg);
            pictures.small.push(small);
        }
        Ok(pictures)
    }

    /// Returns which picture comes when.
    fn at(number: usize) -> usize {
        let at = number % (2 * PICTURES - 2);
        at.min(2 * PICTURES - 2 - at)
    }

    /// Decodes whole pictures to RGB.
    fn to_pixels(&self) -> Result<Cost<'_>> {
        let mut decompressor = Decompressor::new()?;
        let header = decompressor.read_header(&self.jpegs[0])?;
        let (width, height) = (header.width, header.height);
        let mut pixels = vec![0; width * height * 3];
        let mut number = 0;
        Ok(cost(1000.0, move || {
            let image = Image { pixels: &mut pixels[..], width, pitch: width * 3, height, format: PixelFormat::RGB };
            decompressor.decompress(black_box(&self.jpegs[Self::at(number)]), image).expect("it was just encoded");
            number += 1;
        }))
    }

    /// Decodes whole pictures to their planes, without making pixels of them: the least that a whole picture costs.
    fn to_planes(&self) -> Result<Cost<'_>> {
        let mut decompressor = Decompressor::new()?;
        let header = decompressor.read_header(&self.jpegs[0])?;
        let length = turbojpeg::yuv_pixels_len(header.width, 1, header.height, header.subsamp)?;
        let mut pixels = vec![0; length];
        let mut number = 0;
        Ok(cost(1000.0, move || {
            let (width, height, subsamp) = (header.width, header.height, header.subsamp);
            let image = YuvImage { pixels: &mut pixels[..], width, align: 1, height, subsamp };
            decompressor
                .decompress_to_yuv(black_box(&self.jpegs[Self::at(number)]), image)
                .expect("it was just encoded");
            number += 1;
        }))
    }

    /// Looks at pictures, decoding them or not.
    fn looked(&self, decoding: bool) -> Result<Cost<'_>> {
        let watch = Watch { sensitivity: SENSITIVITY, compensation: true, mask: Default::default() };
        let (mut detector, mut luma, mut eighth) = (Detector::default(), Luma::default(), Eighth::new()?);
        let (begin, mut number) = (Instant::now(), 0);
        let mut look = move || {
            let at = Self::at(number);
            let moment = begin + Duration::from_millis(1000 / FPS as u64) * number as u32;
            number += 1;
            if decoding {
                eighth.decode(black_box(&self.jpegs[at]), &mut luma).expect("it was just encoded");
                detector.look(&luma, &watch, moment).verdict
            } else {
                detector.look(black_box(&self.small[at]), &watch, moment).verdict
            }
        };
        let moving = (0..6 * PICTURES).filter(|_| look() == Verdict::Motion).count();
        ensure!(moving > PICTURES, "the detector saw motion in {moving} pictures only: its work would be too little");
        Ok(cost(1000.0, move || _ = black_box(look())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_forth_and_back_without_a_jump() {
        let order: Vec<usize> = (0..4 * PICTURES).map(Pictures::at).collect();
        assert!(order.windows(2).all(|pair| pair[0].abs_diff(pair[1]) == 1), "{order:?}");
        assert_eq!((order.iter().min(), order.iter().max()), (Some(&0), Some(&(PICTURES - 1))));
    }
}
