//! Pictures, decoded far enough to be measured.

use std::time::Duration;

use lookout_core::media::{canvas::Canvas, frame::Size, scene};
use turbojpeg::{Decompressor, Image, PixelFormat, Subsamp, YuvImage};

/// The most that a pixel differs from another where pictures are compared.
const MOST: u32 = 24;

/// The brightness of every pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Row after row from the top, 0 black to 255 white.
    pub luma: Vec<u8>,
}

impl Picture {
    /// Decodes a JPEG; `None` if it is cut or damaged, even if a forgiving decoder would make something of it.
    pub fn try_decode(jpeg: &[u8]) -> Option<Self> {
        let whole = jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]);
        let mut decompressor = Decompressor::new().ok()?;
        let header = decompressor.read_header(jpeg).ok().filter(|_| whole)?;
        let (width, height) = (header.width, header.height);
        let mut luma = vec![0; width * height];
        let image = Image { pixels: luma.as_mut_slice(), width, pitch: width, height, format: PixelFormat::GRAY };
        decompressor.decompress(jpeg, image).ok()?;
        Some(Self { width, height, luma })
    }

    /// Decodes a JPEG that must be whole.
    #[track_caller]
    pub fn decode(jpeg: &[u8]) -> Self {
        Self::try_decode(jpeg).unwrap_or_else(|| panic!("a broken JPEG of {} bytes", jpeg.len()))
    }

    /// Says whether a JPEG begins somewhere in these bytes, with a head that can be read. Three bytes alone would say so of
    /// one in a few hundred encrypted files.
    pub fn begins_in(bytes: &[u8]) -> bool {
        let mut decompressor = Decompressor::new().unwrap();
        let begins = |at: usize| {
            let rest = &bytes[at..];
            rest.starts_with(&[0xff, 0xd8, 0xff]) && decompressor.read_header(rest).is_ok()
        };
        (0..bytes.len()).any(begins)
    }

    /// Returns width and height.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Reads the frame number of the demo scene; `None` where it cannot be read, as in another or a turned picture.
    pub fn number(&self) -> Option<u32> {
        scene::read_number(&self.luma, self.width, self.height)
    }

    /// Reads the time of the demo scene, in whole milliseconds since the last full ten seconds; `None` as for the number.
    pub fn time(&self) -> Option<Duration> {
        scene::read_time(&self.luma, self.width, self.height)
    }

    /// The picture mirrored left to right.
    pub fn mirrored(&self) -> Self {
        let luma = self.luma.chunks_exact(self.width).flat_map(|row| row.iter().rev().copied()).collect();
        Self { luma, ..*self }
    }

    /// The picture upside down, as a mirror lying below it shows it.
    pub fn upside_down(&self) -> Self {
        let luma = self.luma.chunks_exact(self.width).rev().flatten().copied().collect();
        Self { luma, ..*self }
    }

    /// Finds which part of a larger picture it shows, pixel by pixel; returns where that begins, and how far off it is
    /// ([`Picture::off`]).
    pub fn part_of(&self, world: &Self) -> ((usize, usize), f64) {
        let (across, down) = (world.width - self.width, world.height - self.height);
        // A look at few pixels everywhere, then at more of them where it may be.
        let few = self.pixels(world, 23);
        let (mut near, mut enough) = (Vec::new(), u32::MAX);
        for top in 0..=down {
            for left in 0..=across {
                let sum = differ(&few, &world.luma[top * world.width + left..], enough);
                if sum <= enough {
                    near.push((sum, (left, top)));
                    enough = enough.min(sum / 2 * 3 + 50);
                }
            }
        }
        for (step, most) in [(11, 200), (5, 12), (3, 4)] {
            near.sort_unstable();
            near.truncate(most);
            let pixels = self.pixels(world, step);
            for (sum, (left, top)) in &mut near {
                *sum = differ(&pixels, &world.luma[*top * world.width + *left..], u32::MAX);
            }
        }
        let place = near.into_iter().min().map_or((0, 0), |(_, place)| place);
        (place, self.off(world, (place.0 as f64, place.1 as f64), 1.0))
    }

    /// Returns every so many pixels, and where they are behind the first one in a picture as wide as another.
    fn pixels(&self, world: &Self, step: usize) -> Vec<(usize, u8)> {
        let rows = (0..self.height).step_by(step);
        let all = rows.flat_map(|row| (0..self.width).step_by(step).map(move |column| (row, column)));
        all.map(|(row, column)| (row * world.width + column, self.luma[row * self.width + column])).collect()
    }

    /// Returns how far its pixels are, on average, from those of a part of a larger picture: it begins at `left` and `top`, and
    /// a pixel here is `scale` pixels there. No pixel counts for more than 24, so that little things that move do not matter.
    pub fn off(&self, world: &Self, (left, top): (f64, f64), scale: f64) -> f64 {
        let at = |begin: f64, pixel: usize, most: usize| {
            // The middle of a pixel here, as a place there.
            let place = (begin + (pixel as f64 + 0.5) * scale - 0.5).clamp(0.0, (most - 1) as f64);
            (place as usize, (place as usize + 1).min(most - 1), place.fract())
        };
        let (mut sum, mut count) = (0, 0);
        for row in (0..self.height).step_by(3) {
            let (upper, lower, down) = at(top, row, world.height);
            for column in (0..self.width).step_by(3) {
                let (here, next, across) = at(left, column, world.width);
                let line = |row: usize| {
                    let pixel = |column: usize| f64::from(world.luma[row * world.width + column]);
                    pixel(here) * (1.0 - across) + pixel(next) * across
                };
                let there = line(upper) * (1.0 - down) + line(lower) * down;
                sum += ((f64::from(self.luma[row * self.width + column]) - there).abs() as u32).min(MOST);
                count += 1;
            }
        }
        f64::from(sum) / f64::from(count)
    }

    /// Returns it as a part of a picture of a size that is black elsewhere: what that has in certain places can then be read.
    pub fn placed(&self, size: (usize, usize), (left, top): (usize, usize)) -> Self {
        let mut luma = vec![0; size.0 * size.1];
        for (from, to) in self.luma.chunks_exact(self.width).zip(luma.chunks_exact_mut(size.0).skip(top)) {
            to[left..left + self.width].copy_from_slice(from);
        }
        Self { width: size.0, height: size.1, luma }
    }

    /// Returns the mean brightness, 0 to 255.
    pub fn mean(&self) -> f64 {
        self.luma.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / self.luma.len() as f64
    }

    /// Returns how far pixels are from the mean on average: the standard deviation.
    pub fn spread(&self) -> f64 {
        let mean = self.mean();
        let squares = self.luma.iter().map(|&pixel| (f64::from(pixel) - mean).powi(2)).sum::<f64>();
        (squares / self.luma.len() as f64).sqrt()
    }
}

/// Makes a picture of the demo scene with a frame number.
pub fn scene_jpeg(size: Size, number: u64) -> Vec<u8> {
    let mut canvas = Canvas::default();
    scene::Scene::new(size).paint(&mut canvas, number, Duration::from_millis(40) * number as u32, "12:34:56");
    let raw = canvas.into_raw();
    let (width, height) = (size.width as usize, size.height as usize);
    let image = YuvImage { pixels: raw.pixels.as_ref(), width, align: 1, height, subsamp: Subsamp::Sub2x2 };
    turbojpeg::compress_yuv(image, 85).unwrap().to_vec()
}

/// Sums up how far pixels differ from those of another picture, until it is more than `enough`.
fn differ(pixels: &[(usize, u8)], luma: &[u8], enough: u32) -> u32 {
    let mut sum = 0;
    for (place, pixel) in pixels {
        sum += u32::from(pixel.abs_diff(luma[*place])).min(MOST);
        if sum > enough {
            break;
        }
    }
    sum
}

/// Paints the demo scene as it is at its beginning.
pub fn scene(size: Size) -> Picture {
    let mut canvas = Canvas::default();
    scene::Scene::new(size).paint(&mut canvas, 0, Duration::ZERO, "");
    Picture { width: size.width as usize, height: size.height as usize, luma: canvas.luma().to_vec() }
}

/// Makes a picture of noise about a mean brightness, 50 to 200: it is large, and its brightness is told in any size.
pub fn noise_jpeg(size: Size, luma: u8) -> Vec<u8> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 / 3
    };
    let mut pixels: Vec<u8> = (0..width * height).map(|_| luma - 42 + noise()).collect();
    pixels.resize(width * height * 3 / 2, 128);
    let image = YuvImage { pixels: pixels.as_slice(), width, align: 1, height, subsamp: Subsamp::Sub2x2 };
    turbojpeg::compress_yuv(image, 85).unwrap().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_painted_number_is_read_back_and_only_the_right_way_round() {
        let picture = Picture::decode(&scene_jpeg(Size::QVGA, 4711));
        assert_eq!((picture.size(), picture.number()), ((320, 240), Some(4711)));
        assert_eq!(picture.mirrored().mirrored(), picture);
        assert_ne!(picture.mirrored().number(), Some(4711));
        assert_ne!(picture.upside_down().number(), Some(4711));
        assert_eq!(picture.upside_down().upside_down().number(), Some(4711));
    }

    #[test]
    fn a_picture_is_found_in_whatever_it_lies_and_three_bytes_are_none() {
        let jpeg = scene_jpeg(Size::QVGA, 1);
        let half = &jpeg[..jpeg.len() / 2];
        assert!(Picture::begins_in(&jpeg) && Picture::begins_in(&[b"--boundary\r\n\r\n", half].concat()));
        assert!(!Picture::begins_in(&[&[0xff, 0xd8, 0xff], &b"by chance "[..]].concat().repeat(100)));
        assert!(!Picture::begins_in(&jpeg[1..]) && !Picture::begins_in(b""));
    }

    #[test]
    fn which_part_of_the_scene_is_shown_is_found_to_the_pixel_while_things_move_in_it() {
        let world = scene(Size::VGA);
        let later = Picture::decode(&scene_jpeg(Size::VGA, 55));
        for (left, top) in [(0, 0), (161, 122), (320, 240), (7, 201), (320, 0)] {
            let rows = later.luma.chunks_exact(640).skip(top).take(240);
            let part = Picture {
                width: 320,
                height: 240,
                luma: rows.flat_map(|row| row[left..left + 320].to_vec()).collect(),
            };
            let (found, off) = part.part_of(&world);
            assert!(found == (left, top) && off < 5.0, "{found:?}, {off}");
            assert_eq!(part.placed((640, 480), found).time().is_some(), top < 8 && left < 208);
        }
    }

    #[test]
    fn a_cut_picture_is_broken() {
        let jpeg = scene_jpeg(Size::QQVGA, 1);
        assert_eq!(Picture::try_decode(&jpeg[..jpeg.len() / 2]), None);
        assert_eq!(Picture::try_decode(b""), None);
    }
}
