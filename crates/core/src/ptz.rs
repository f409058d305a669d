//! Pan, tilt and zoom: what a head can be told (`command`), how it is told it over a serial line (`pelco_d`, `line`), and
//! how a head that knows where it is moves (`mover`).
//!
//! Two kinds of heads answer the same orders. One on a serial line moves until it is told to stop, keeps its presets itself,
//! and says nothing; [`line::Line`] turns orders into its bytes. One that has positions, a window over a larger picture or a
//! device that takes them, is driven by a [`mover::Mover`], which knows where it is at every moment.

pub mod command;
pub mod line;
pub mod mover;
pub mod pelco_d;

use std::fmt;

use crate::profile::{place::Place, settings::LineLevel, wire::Int};

/// A direction, as a viewer sees the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is what it says")]
pub enum Way {
    Up,
    Down,
    Left,
    Right,
    UpLeft,
    UpRight,
    DownLeft,
    DownRight,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Up, Self::Down, Self::Left, Self::Right, Self::UpLeft, Self::UpRight, Self::DownLeft, Self::DownRight];

    /// Returns how it goes to the right (1), to the left (-1), or neither.
    pub const fn right(self) -> i8 {
        match self {
            Self::Left | Self::UpLeft | Self::DownLeft => -1,
            Self::Up | Self::Down => 0,
            Self::Right | Self::UpRight | Self::DownRight => 1,
        }
    }

    /// Returns how it goes down (1), up (-1), or neither.
    pub const fn down(self) -> i8 {
        match self {
            Self::Up | Self::UpLeft | Self::UpRight => -1,
            Self::Left | Self::Right => 0,
            Self::Down | Self::DownLeft | Self::DownRight => 1,
        }
    }

    /// Returns the way that it is in a picture that is mirrored, upside down, or both; also what clients mean who send left
    /// and right swapped (Q13).
    pub fn turned(self, upside_down: bool, mirrored: bool) -> Self {
        let turn = |way: i8, turned: bool| if turned { -way } else { way };
        match (turn(self.down(), upside_down), turn(self.right(), mirrored)) {
            (-1, -1) => Self::UpLeft,
            (-1, 0) => Self::Up,
            (-1, _) => Self::UpRight,
            (0, -1) => Self::Left,
            (0, _) => Self::Right,
            (_, -1) => Self::DownLeft,
            (_, 0) => Self::Down,
            (_, _) => Self::DownRight,
        }
    }
}

/// A preset's number.
pub type Preset = Int<1, 32>;

/// How many presets there are.
pub const PRESETS: usize = 32;

/// What a lens does until it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is what it says")]
pub enum Lens {
    IrisClose,
    IrisOpen,
    FocusNear,
    FocusFar,
    ZoomWide,
    ZoomTele,
}

/// Along what a patrol goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is what it says")]
pub enum Axis {
    Horizontal,
    Vertical,
}

impl Axis {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Horizontal, Self::Vertical];

    /// Returns the other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Horizontal => Self::Vertical,
            Self::Vertical => Self::Horizontal,
        }
    }
}

/// What `decoder_control.cgi` orders (PROFILE 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Moves until it is told to stop, at the end of travel, or after [`DEAD_MAN`] without any order.
    Move(Way),
    /// Moves a little, up, down, left or right, and stops by itself. In degrees, 1 to 90; a usual step if none are given.
    Step(Way, Option<Int<1, 90>>),
    /// Stops whatever moves.
    Stop,
    /// Moves the lens until it is told to stop.
    Lens(Lens),
    /// Stops the lens alone.
    LensStop,
    /// Turns the head's own scan on or off.
    Scan(bool),
    /// Turns auxiliary 1 to 4 on or off.
    Aux(Int<1, 4>, bool),
    /// Begins or ends a patrol.
    Patrol(Axis, bool),
    /// Goes to the centre.
    Centre,
    /// Keeps where the head is as a preset.
    SetPreset(Preset),
    /// Goes to a preset.
    GoTo(Preset),
    /// Forgets a preset.
    ClearPreset(Preset),
    /// Drives the output, which is no matter of the head.
    Output(LineLevel),
    /// Full travel both ways, then the centre.
    Test,
}

impl Order {
    /// Says whether it moves the head or its lens.
    pub const fn moves(self) -> bool {
        match self {
            Self::Move(_) | Self::Step(..) | Self::Lens(_) | Self::Centre | Self::GoTo(_) | Self::Test => true,
            Self::Scan(on) | Self::Patrol(_, on) => on,
            Self::Stop
            | Self::LensStop
            | Self::Aux(..)
            | Self::SetPreset(_)
            | Self::ClearPreset(_)
            | Self::Output(_) => false,
        }
    }

    /// Says whether it ends something that moves: nobody is better off if it is left out.
    pub const fn stops(self) -> bool {
        !self.moves() && !self.stores()
    }

    /// Returns it as the head must have it, for a viewer whose picture is upside down or mirrored (see [`Way::turned`]).
    pub fn turned(self, upside_down: bool, mirrored: bool) -> Self {
        match self {
            Self::Move(way) => Self::Move(way.turned(upside_down, mirrored)),
            Self::Step(way, degrees) => Self::Step(way.turned(upside_down, mirrored), degrees),
            Self::Stop
            | Self::Lens(_)
            | Self::LensStop
            | Self::Scan(_)
            | Self::Aux(..)
            | Self::Patrol(..)
            | Self::Centre
            | Self::SetPreset(_)
            | Self::GoTo(_)
            | Self::ClearPreset(_)
            | Self::Output(_)
            | Self::Test => self,
        }
    }

    /// Says whether it stores something or drives an output, rather than moves the head: a foreign page may less (PROFILE 1.3).
    pub const fn stores(self) -> bool {
        match self {
            Self::SetPreset(_) | Self::ClearPreset(_) | Self::Output(_) | Self::Aux(..) => true,
            Self::Move(_)
            | Self::Step(..)
            | Self::Stop
            | Self::Lens(_)
            | Self::LensStop
            | Self::Scan(_)
            | Self::Patrol(..)
            | Self::Centre
            | Self::GoTo(_)
            | Self::Test => false,
        }
    }
}

/// So long a head moves on without any order.
pub const DEAD_MAN: std::time::Duration = std::time::Duration::from_secs(60);

/// Which of the two columns of PROFILE 5.4 a head understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// Pelco-D on a serial line.
    Line,
    /// A built-in head: motors, or a window over a larger picture.
    BuiltIn,
    /// No head; there may be an output.
    None,
}

/// Where a head that knows it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pose {
    /// The middle of what is seen, as a share of the world from its left: 0 to 1.
    pub pan: f64,
    /// As a share from the top: 0 to 1.
    pub tilt: f64,
    /// 0 the widest, 1 the nearest; steps of the same length make things larger by the same factor.
    pub zoom: f64,
}

impl Pose {
    /// What a place counts as a whole.
    const WHOLE: f64 = 65535.0;

    /// Returns where a place is, if it says so.
    pub fn at(place: Place) -> Option<Self> {
        match place {
            Place::None | Place::Head => None,
            Place::At(shares) => {
                let [pan, tilt, zoom] = shares.map(|share| f64::from(share) / Self::WHOLE);
                Some(Self { pan, tilt, zoom })
            }
        }
    }

    /// Returns it as a place, to 1/65535 of the world.
    pub fn place(self) -> Place {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is 0 to 65535; what is no number is 0"
        )]
        let share = |share: f64| (share.clamp(0.0, 1.0) * Self::WHOLE).round() as u16;
        Place::At([self.pan, self.tilt, self.zoom].map(share))
    }
}

/// A head that does not know an order (`error: not supported.`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the head cannot do that")]
pub struct NotSupported;

/// The words of the log.
impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Left => "left",
            Self::Right => "right",
            Self::UpLeft => "up and left",
            Self::UpRight => "up and right",
            Self::DownLeft => "down and left",
            Self::DownRight => "down and right",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q13_left_and_right_are_swapped_and_the_diagonals_with_them() {
        use Way::{Down, DownLeft, DownRight, Left, Right, Up, UpLeft, UpRight};
        let table = [
            // as it is, swapped or mirrored, upside down, both
            [Up, Up, Down, Down],
            [Down, Down, Up, Up],
            [Left, Right, Left, Right],
            [Right, Left, Right, Left],
            [UpLeft, UpRight, DownLeft, DownRight],
            [UpRight, UpLeft, DownRight, DownLeft],
            [DownLeft, DownRight, UpLeft, UpRight],
            [DownRight, DownLeft, UpRight, UpLeft],
        ];
        assert_eq!(table.map(|row| row[0]), [Up, Down, Left, Right, UpLeft, UpRight, DownLeft, DownRight]);
        for [way, mirrored, upside_down, both] in table {
            assert_eq!(way.turned(false, false), way);
            assert_eq!(way.turned(false, true), mirrored, "{way}");
            assert_eq!(way.turned(true, false), upside_down, "{way}");
            assert_eq!(way.turned(true, true), both, "{way}");
            // What was turned once is turned back by the same.
            assert_eq!(way.turned(true, true).turned(true, true), way);
        }
        assert_eq!(
            Way::ALL.map(|way| (way.right(), way.down())),
            [(0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (1, -1), (-1, 1), (1, 1)]
        );
    }

    #[test]
    fn each_order_moves_or_stops_or_stores() {
        let one = Preset::new(1);
        let table = [
            ("moves", vec![Order::Move(Way::Up), Order::Step(Way::Up, None), Order::Lens(Lens::ZoomTele)]),
            ("moves", vec![Order::Scan(true), Order::Patrol(Axis::Vertical, true), Order::Centre, Order::GoTo(one)]),
            ("moves", vec![Order::Test]),
            ("stops", vec![Order::Stop, Order::LensStop, Order::Scan(false), Order::Patrol(Axis::Vertical, false)]),
            ("stores", vec![Order::SetPreset(one), Order::ClearPreset(one), Order::Output(LineLevel::High)]),
            ("stores", vec![Order::Aux(Int::new(1), true), Order::Aux(Int::new(1), false)]),
        ];
        for (what, orders) in table {
            for order in orders {
                let is = [("moves", order.moves()), ("stops", order.stops()), ("stores", order.stores())];
                assert_eq!(is.map(|(name, is)| is == (name == what)), [true; 3], "{order:?}");
            }
        }
    }

    #[test]
    fn a_pose_that_was_a_place_is_the_same_place_again() {
        for place in [[0, 0, 0], [1, 32767, 32768], [65535; 3]].map(Place::At) {
            assert_eq!(Pose::at(place).map(Pose::place), Some(place));
        }
        assert_eq!(Pose { pan: -1.0, tilt: 2.0, zoom: f64::NAN }.place(), Place::At([0, 65535, 0]));
        assert_eq!([Place::None, Place::Head].map(Pose::at), [None, None]);
    }
}
