//! Pelco-D: seven bytes a message, at 8 data bits, no parity and one stop bit.
//!
//! ```text
//!   FF  address  command 1  command 2  data 1  data 2  checksum: the sum of the five before it, modulo 256
//!
//!             bit 7      6          5          4      3           2           1          0
//!   command 1 sense      0          0          scan   camera      iris close  iris open  focus near
//!   command 2 focus far  zoom wide  zoom tele  down   up          left        right      0; 1: extended
//! ```
//!
//! Of a standard message, data 1 and 2 are the speeds of pan and tilt, 00 to 3F; what is not in it stops, so that a message
//! without any bit is the stop. Scan with sense begins the head's own scan, without sense it ends it. Of an extended
//! message, command 2 says what it does and data 2 which preset, 01 to 20, or auxiliary, 01 to 08. (Pelco, “D Protocol
//! Manual”, TF-0002 version 2 revision 1; manual C466M-E, 5.2.) Turbo, above 3F, is left alone: the manual C466M-E has it as
//! 40 and TF-0002 as FF, and it is a jump on any head.

use super::{Lens, Preset, Way};
use crate::profile::wire::Int;

/// What a camera at an address is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message([u8; 7]);

/// The highest speed that is no turbo.
pub const FASTEST: u8 = 0x3F;

const SENSE: u8 = 0x80;
const SCAN: u8 = 0x10;

impl Message {
    /// Moves that way at a speed of 1 to [`FASTEST`], and the lens; stops what is not given.
    pub fn motion(address: u8, way: Option<Way>, speed: u8, lens: Option<Lens>) -> Self {
        let (right, down) = way.map_or((0, 0), |way| (way.right(), way.down()));
        let bit = |value: i8, less: u8, more: u8| match value.signum() {
            -1 => less,
            0 => 0,
            _ => more,
        };
        let speed = |value: i8| if value == 0 { 0 } else { speed.min(FASTEST) };
        let [command_1, command_2] = lens.map_or([0, 0], bits);
        let command_2 = command_2 | bit(right, 0x04, 0x02) | bit(down, 0x08, 0x10);
        Self::new(address, [command_1, command_2], [speed(right), speed(down)])
    }

    /// Begins or ends the head's own scan.
    pub fn scan(address: u8, on: bool) -> Self {
        Self::new(address, [if on { SENSE | SCAN } else { SCAN }, 0], [0, 0])
    }

    /// Keeps where the head is as a preset.
    pub fn set_preset(address: u8, preset: Preset) -> Self {
        Self::extended(address, 0x03, preset)
    }

    /// Forgets a preset.
    pub fn clear_preset(address: u8, preset: Preset) -> Self {
        Self::extended(address, 0x05, preset)
    }

    /// Goes to a preset.
    pub fn go_to(address: u8, preset: Preset) -> Self {
        Self::extended(address, 0x07, preset)
    }

    /// Switches an auxiliary.
    pub fn aux(address: u8, number: Int<1, 4>, on: bool) -> Self {
        Self::extended(address, if on { 0x09 } else { 0x0B }, number)
    }

    fn extended<const MIN: i32, const MAX: i32>(address: u8, what: u8, which: Int<MIN, MAX>) -> Self {
        Self::new(address, [0, what], [0, which.get().to_le_bytes()[0]])
    }

    fn new(address: u8, [command_1, command_2]: [u8; 2], [data_1, data_2]: [u8; 2]) -> Self {
        let sum = [command_1, command_2, data_1, data_2].into_iter().fold(address, u8::wrapping_add);
        Self([0xFF, address, command_1, command_2, data_1, data_2, sum])
    }

    /// Returns its bytes as they go out.
    pub const fn bytes(&self) -> &[u8; 7] {
        &self.0
    }
}

/// Returns the bits of commands 1 and 2 that move the lens.
const fn bits(lens: Lens) -> [u8; 2] {
    match lens {
        Lens::IrisClose => [0x04, 0],
        Lens::IrisOpen => [0x02, 0],
        Lens::FocusNear => [0x01, 0],
        Lens::FocusFar => [0, 0x80],
        Lens::ZoomWide => [0, 0x40],
        Lens::ZoomTele => [0, 0x20],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_that_manuals_of_heads_print() {
        let motion = |way, speed, lens| Message::motion(1, way, speed, lens).0;
        // Appendix 3 of the manual of a dome that speaks it.
        assert_eq!(motion(Some(Way::Right), 0x20, None), [0xFF, 0x01, 0x00, 0x02, 0x20, 0x00, 0x23]);
        assert_eq!(motion(Some(Way::Left), 0x23, None), [0xFF, 0x01, 0x00, 0x04, 0x23, 0x00, 0x28]);
        assert_eq!(motion(Some(Way::Up), 0x23, None), [0xFF, 0x01, 0x00, 0x08, 0x00, 0x23, 0x2C]);
        assert_eq!(motion(Some(Way::Down), 0x23, None), [0xFF, 0x01, 0x00, 0x10, 0x00, 0x23, 0x34]);
        assert_eq!(motion(None, 0, Some(Lens::IrisOpen)), [0xFF, 0x01, 0x02, 0x00, 0x00, 0x00, 0x03]);
        assert_eq!(motion(None, 0, Some(Lens::IrisClose)), [0xFF, 0x01, 0x04, 0x00, 0x00, 0x00, 0x05]);
        assert_eq!(motion(None, 0, Some(Lens::FocusNear)), [0xFF, 0x01, 0x01, 0x00, 0x00, 0x00, 0x02]);
        assert_eq!(motion(None, 0, Some(Lens::FocusFar)), [0xFF, 0x01, 0x00, 0x80, 0x00, 0x00, 0x81]);
    }

    #[test]
    fn diagonals_are_both_bits_with_both_speeds() {
        let motion = |way| Message::motion(2, Some(way), 0x10, Some(Lens::ZoomTele)).0[3..6].to_vec();
        assert_eq!(motion(Way::UpLeft), [0x2C, 0x10, 0x10]);
        assert_eq!(motion(Way::UpRight), [0x2A, 0x10, 0x10]);
        assert_eq!(motion(Way::DownLeft), [0x34, 0x10, 0x10]);
        assert_eq!(motion(Way::DownRight), [0x32, 0x10, 0x10]);
    }

    #[test]
    fn the_sum_runs_over_and_no_speed_is_turbo() {
        assert_eq!(Message::motion(255, Some(Way::Left), 255, None).0, [0xFF, 0xFF, 0x00, 0x04, 0x3F, 0x00, 0x42]);
    }
}
