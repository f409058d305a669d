//! What a machine reads in a picture of the demo scene: the frame number and the scene's time, in black and white cells.
//!
//! A cell is a square of 1/80 of the picture's width. A value has two rows of cells, the highest bit leftmost: in the
//! upper row a one is white and a zero black, and the lower row is the complement. The two are compared, so that
//! brightness and contrast do not matter and no other picture passes for a value. In cells:
//!
//! | value | bits | left | upper row |
//! |---|---|---|---|
//! | frame number, its lower 32 bits | 32 | 1 from the left | 3 to 2 from the bottom |
//! | time in milliseconds, modulo 10,000, rounded down | 14 | 26 from the left | 1 to 2 from the top |

use std::time::Duration;

use super::{
    super::canvas::{At, Canvas, Colour},
    CELLS, LAP,
};

/// Where the cells of a value are.
#[derive(Clone, Copy)]
struct Place {
    bits: u8,
    /// Cells left of it.
    left: f32,
    /// From the picture's upper edge to the upper row, in cells; if negative, from the lower edge.
    top: f32,
}

const NUMBER: Place = Place { bits: 32, left: 1.0, top: -3.0 };
/// Between the camera's name and the clock there is no room for more at 160 pixels.
const TIME: Place = Place { bits: 14, left: 26.0, top: 1.0 };

impl Place {
    /// Returns where a bit's cell begins, left and top, and how large it is, in a picture of that extent.
    fn cell(self, bit: u8, lower: bool, (width, height): At) -> (At, f32) {
        let cell = width / CELLS;
        let left = self.left + f32::from(self.bits - 1 - bit);
        let top = self.top + if lower { 1.0 } else { 0.0 };
        ((cell * left, cell * top + if self.top < 0.0 { height } else { 0.0 }), cell)
    }

    fn write(self, canvas: &mut Canvas, value: u32) {
        for bit in 0..self.bits {
            let one = value >> bit & 1 == 1;
            for lower in [false, true] {
                let (at, cell) = self.cell(bit, lower, canvas.extent());
                canvas.rect(at, (cell, cell), if one != lower { Colour::WHITE } else { Colour::BLACK });
            }
        }
    }

    fn read(self, luma: &[u8], width: usize, height: usize) -> Option<u32> {
        /// The luma by which black and white must differ.
        const CONTRAST: f32 = 48.0;
        if width < CELLS as usize || height < 4 || luma.len() < width.checked_mul(height)? {
            return None;
        }
        let level = |bit: u8, lower: bool| {
            let ((left, top), cell) = self.cell(bit, lower, (width as f32, height as f32));
            // The middle half of the cell, rounded inwards: its edges have bled into each other.
            let inner = ((cell / 2.0).round() as usize).max(1);
            let (left, top) = ((left + cell / 4.0).round() as usize, (top + cell / 4.0).round() as usize);
            let rows = luma.chunks_exact(width).skip(top).take(inner);
            let (sum, count) = rows
                .flat_map(|row| row.iter().skip(left).take(inner))
                .fold((0_u32, 0_u32), |(sum, count), &pixel| (sum + u32::from(pixel), count + 1));
            sum as f32 / count.max(1) as f32
        };
        (0..self.bits).try_fold(0, |value, bit| {
            let difference = level(bit, false) - level(bit, true);
            (difference.abs() >= CONTRAST).then(|| value | u32::from(difference > 0.0) << bit)
        })
    }
}

/// Writes what can be read back.
pub(super) fn write(canvas: &mut Canvas, number: u64, t: Duration) {
    NUMBER.write(canvas, number as u32);
    TIME.write(canvas, (t.as_millis() % LAP.as_millis()) as u32);
}

/// Reads the frame number (its lower 32 bits) from the luma of a picture of the demo scene, in whatever size it was
/// scaled to.
///
/// Returns `None` for a picture that shows no such number: another one, a turned or cut one, or one too small to tell.
pub fn read_number(luma: &[u8], width: usize, height: usize) -> Option<u32> {
    NUMBER.read(luma, width, height)
}

/// Reads the time of the scene at which a picture was captured, in whole milliseconds since the last full ten seconds,
/// as [`read_number`] reads the number.
///
/// The scene's tone begins whenever this is a whole second, so that one picture and the beginning of one tone say how far
/// picture and sound are apart.
pub fn read_time(luma: &[u8], width: usize, height: usize) -> Option<Duration> {
    let time = Duration::from_millis(TIME.read(luma, width, height)?.into());
    (time < LAP).then_some(time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{
            super::frame::Size,
            tests::{jpeg, luma, painted},
        },
        *,
    };

    #[test]
    fn number_and_time_read_back_from_a_jpeg_at_full_half_and_quarter_size() {
        for size in [Size::VGA, Size::new(1280, 720), Size::new(800, 600), Size::new(704, 576)] {
            for (number, time) in [
                (0, 0),
                (1, 1),
                (0x5555_5555, 0x1555),
                (0x8000_0001, 0x2000),
                (123_456, 5000),
                (u64::from(u32::MAX), 9999),
                (7, 0x0aaa),
            ] {
                let t = Duration::from_millis(3_600_000 + time);
                let jpeg = jpeg(&painted(size, number, t + Duration::from_micros(999)));
                for divisor in [1, 2, 4] {
                    let (luma, width, height) = luma(&jpeg, divisor);
                    assert_eq!(read_number(&luma, width, height), Some(number as u32), "{size} / {divisor}");
                    assert_eq!(
                        read_time(&luma, width, height),
                        Some(Duration::from_millis(time)),
                        "{size} / {divisor}"
                    );
                }
            }
        }
    }

    #[test]
    fn number_and_time_read_back_from_the_smallest_picture() {
        for time in [0x2aa_u64, 0x155, 1023, 8191, 9000] {
            let (luma, width, height) = luma(&jpeg(&painted(Size::QQVGA, 0xDEAD_BEEF, Duration::from_millis(time))), 1);
            assert_eq!(read_number(&luma, width, height), Some(0xDEAD_BEEF));
            assert_eq!(read_time(&luma, width, height), Some(Duration::from_millis(time)));
        }
    }

    #[test]
    fn the_cells_are_where_others_look_for_them() {
        let canvas = painted(Size::VGA, 0x8000_0001, Duration::from_millis(0x2001));
        let cells = |top: usize, left: usize, count: usize| -> Vec<u8> {
            let middle = |cell: usize| (top + 4) * 640 + (left + cell) * 8 + 4;
            (0..count).map(|cell| canvas.luma()[middle(cell)]).collect()
        };
        let [one, zero] = [255, 0];
        let ends = |count: usize, end: u8| [vec![end], vec![255 - end; count - 2], vec![end]].concat();
        assert_eq!((cells(456, 1, 32), cells(464, 1, 32)), (ends(32, one), ends(32, zero)), "the number");
        assert_eq!((cells(8, 26, 14), cells(16, 26, 14)), (ends(14, one), ends(14, zero)), "the time");
        let edge = |x: usize| canvas.luma()[12 * 640 + x];
        assert_eq!(
            [207, 208, 215, 216, 311, 312, 319, 320].map(|x| edge(x) > 128),
            [false, true, true, false, false, true, true, false]
        );
    }

    #[test]
    fn another_or_a_turned_picture_has_no_number_and_no_time() {
        let canvas = painted(Size::VGA, 123_456, Duration::from_secs(3));
        let turned: Vec<u8> = canvas.luma().iter().rev().copied().collect();
        let mirrored: Vec<u8> = canvas.luma().chunks(640).flat_map(|row| row.iter().rev().copied()).collect();
        for other in [turned, mirrored, vec![0; 640 * 480], vec![255; 640 * 480]] {
            assert_eq!(read_number(&other, 640, 480), None);
            assert_eq!(read_time(&other, 640, 480), None);
        }
        assert_eq!(read_number(&canvas.luma()[1..], 640, 480), None, "cut");
        assert_eq!((read_number(&[], 0, 0), read_time(&[], 0, 0)), (None, None));
        let mut late = painted(Size::VGA, 1, Duration::ZERO);
        TIME.write(&mut late, 10_000);
        assert_eq!(read_time(late.luma(), 640, 480), None, "no such time");
    }

    proptest! {
        #[test]
        fn no_luma_panics_the_readers(luma: Vec<u8>, width in 0..200_usize, height: usize) {
            read_number(&luma, width, height);
            read_time(&luma, width, height);
        }
    }
}
