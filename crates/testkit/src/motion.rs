//! Scenes with known truth, for judging motion detectors.
//!
//! Bargains: a [`Scene`] is data, made of a seed; the same scene paints the same pixels at any size. Truth is what the
//! scene's actors do, never what a detector can see of it: a visit counts once 0.5 % of the picture, or 60 % of the actor,
//! is in sight and not masked.

mod judge;
mod paint;
mod script;
mod shapes;
mod trial;

pub use judge::{Outcome, Score, judge};
pub use paint::{Painter, eighth, encode};
pub use script::{hour, scenes};
pub use shapes::Random;
pub use trial::{KNOWN, Quiet, UNKNOWN, page, quiet_hour, sketch, trial};

use lookout_core::profile::mask::Mask;

/// Pictures a second.
pub const FPS: usize = 10;

/// A scene.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Its name, unique in its set.
    pub name: String,
    /// How many pictures it has.
    pub pictures: usize,
    /// What the numbers of its textures and noise are made of.
    pub seed: u64,
    /// What stands still.
    pub place: Place,
    /// Who comes.
    pub actors: Vec<Actor>,
    /// What the light does.
    pub lights: Vec<Light>,
    /// What the camera does.
    pub camera: Vec<Camera>,
    /// What falls and flies.
    pub weather: Vec<Weather>,
    /// Deviation of each pixel's noise, in levels.
    pub noise: f32,
    /// What is not watched.
    pub mask: Mask,
    /// JPEG quality of the pictures from a moment on.
    pub quality: (i32, Option<(f32, i32)>),
}

/// What stands still.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// Walls, furniture.
    Room,
    /// Sky, houses, road.
    Street,
    /// Sky, much texture.
    Garden,
    /// A dark street with few lamps.
    Night,
    /// One shade.
    Wall,
}

/// Something that comes into the picture; lengths are pixels of a picture of 640×480, times seconds.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// Its outline.
    pub shape: Shape,
    /// Width and height.
    pub size: [f32; 2],
    /// How much brighter than its background, in levels; a negative one is darker.
    pub contrast: f32,
    /// How much of its own texture it has, in levels.
    pub texture: f32,
    /// When its middle is where; it goes straight in between, and is not there before and after.
    pub path: [(f32, f32, f32); 4],
    /// How many times its size it is at the end.
    pub grows: f32,
    /// Whether it throws a soft shadow beside it.
    pub shadow: bool,
    /// Whether it is motion that is to be noticed.
    pub counts: bool,
}

/// An outline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Head, trunk and legs that walk.
    Person,
    /// A box with wheels and windows.
    Car,
    /// An ellipse.
    Blob,
    /// A box.
    Box,
}

/// A change of light.
#[derive(Clone, Copy, Debug)]
pub enum Light {
    /// From one moment to another the gain goes to this.
    Fade {
        /// When it begins and ends; the same for a jump.
        from: f32,
        /// When it ends.
        to: f32,
        /// What is multiplied from then on.
        gain: f32,
    },
    /// A lamp that lights a soft ellipse, on between two moments.
    Lamp {
        /// When it goes on.
        on: f32,
        /// When it goes off.
        off: f32,
        /// Its middle and half axes.
        at: [f32; 4],
        /// Gain in its middle.
        gain: f32,
    },
    /// A soft ellipse that wanders: a beam, or with a gain below 1 a cloud's shadow.
    Beam {
        /// When it begins and ends.
        when: [f32; 2],
        /// Where its middle begins, and where it ends.
        from: [f32; 2],
        /// Where it ends.
        to: [f32; 2],
        /// Half axes.
        size: [f32; 2],
        /// Gain in its middle.
        gain: f32,
    },
    /// Bands that wander down, as under lamps on the mains, from a moment on.
    Bands {
        /// From when.
        from: f32,
        /// How deep, as a share.
        depth: f32,
    },
    /// A screen whose light changes a soft ellipse at random.
    Screen {
        /// Its middle and half axes.
        at: [f32; 4],
        /// The most gain.
        gain: f32,
    },
    /// The camera goes over to infra-red light: two dark pictures, other shades, a bright middle, more noise.
    InfraRed {
        /// When it goes over.
        on: f32,
        /// When it goes back.
        off: f32,
    },
    /// The exposure swings for a while, and calms down.
    Hunting {
        /// From when.
        from: f32,
        /// How deep, as a share.
        depth: f32,
    },
}

/// A movement of the camera.
#[derive(Clone, Copy, Debug)]
pub enum Camera {
    /// It trembles by so many pixels between two moments.
    Shake {
        /// From when.
        from: f32,
        /// Until when.
        to: f32,
        /// By how many pixels.
        by: f32,
    },
    /// It is turned by so many pixels between two moments.
    Turn {
        /// From when.
        from: f32,
        /// Until when.
        to: f32,
        /// Across and down.
        by: [f32; 2],
    },
}

/// What falls and flies.
#[derive(Clone, Copy, Debug)]
pub enum Weather {
    /// So many streaks a picture.
    Rain(usize),
    /// So many flakes.
    Snow(usize),
    /// Leaves in an area (left, top, right, bottom) that sway by so many pixels, from a moment on.
    Leaves([f32; 4], f32, f32),
    /// So many insects of a few pixels.
    Insects(usize),
    /// Digits of a clock, burnt in.
    Clock,
    /// Pixels that come and go.
    Sparks(usize),
}

/// What is so in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// Something moves that is to be noticed.
    Moves,
    /// Nothing does.
    Rests,
    /// It comes, goes, has just stopped: neither would be wrong.
    Either,
}

impl Actor {
    /// Returns where its middle is at a moment, how large it is then, and whether it moves; `None` if it is not there.
    pub fn at(&self, t: f32) -> Option<([f32; 2], [f32; 2], bool)> {
        let leg = self.path.windows(2).find(|leg| (leg[0].0..leg[1].0).contains(&t))?;
        let share = (t - leg[0].0) / (leg[1].0 - leg[0].0);
        let between = |one: f32, other: f32| one + (other - one) * share;
        let (begin, end) = (self.path[0].0, self.path[3].0);
        let scale = 1.0 + (self.grows - 1.0) * ((t - begin) / (end - begin));
        let moves = leg[0].1 != leg[1].1 || leg[0].2 != leg[1].2 || self.grows != 1.0;
        let middle = [between(leg[0].1, leg[1].1), between(leg[0].2, leg[1].2)];
        Some((middle, self.size.map(|side| side * scale), moves))
    }

    /// Returns how much of it is in sight and watched, as a share of the picture and of itself.
    fn in_sight(&self, t: f32, mask: &Mask) -> (f32, f32, bool) {
        let Some(([x, y], [wide, high], moves)) = self.at(t) else { return (0.0, 0.0, false) };
        let (mut seen, steps) = (0, 16);
        for step in 0..steps * steps {
            let part = |step: i32| (step as f32 + 0.5) / steps as f32 - 0.5;
            let (x, y) = (x + part(step % steps) * wide, y + part(step / steps) * high);
            let inside = (0.0..640.0).contains(&x) && (0.0..480.0).contains(&y);
            seen += i32::from(inside && !mask.hides((x / 20.0) as usize, (y / 20.0) as usize));
        }
        let own = seen as f32 / (steps * steps) as f32;
        (own * self.shape.fills() * wide * high / (640.0 * 480.0), own, moves)
    }
}

impl Shape {
    /// Returns about which share of its box it fills.
    fn fills(self) -> f32 {
        match self {
            Self::Person => 0.6,
            Self::Car => 0.8,
            Self::Blob => 0.785,
            Self::Box => 1.0,
        }
    }
}

impl Scene {
    /// Returns the moment of a picture, in seconds.
    pub fn moment(picture: usize) -> f32 {
        picture as f32 / FPS as f32
    }

    /// Returns the JPEG quality of the picture of a moment.
    pub fn quality_at(&self, t: f32) -> i32 {
        match self.quality {
            (_, Some((from, quality))) if t >= from => quality,
            (quality, _) => quality,
        }
    }

    /// Returns what is so in each picture.
    pub fn truth(&self) -> Vec<Truth> {
        let raw: Vec<Truth> = (0..self.pictures).map(|picture| self.truth_at(Self::moment(picture))).collect();
        let mut truth = raw.clone();
        for (at, truth) in truth.iter_mut().enumerate() {
            // What was there a second ago may still be told.
            let lately = raw[at.saturating_sub(FPS)..at].iter().any(|truth| *truth != Truth::Rests);
            if *truth == Truth::Rests && lately {
                *truth = Truth::Either;
            }
        }
        truth
    }

    fn truth_at(&self, t: f32) -> Truth {
        let mut truth = Truth::Rests;
        for actor in self.actors.iter().filter(|actor| actor.counts) {
            let (share, own, moves) = actor.in_sight(t, &self.mask);
            if moves && share > 0.0 {
                if share >= 0.005 || own >= 0.6 {
                    return Truth::Moves;
                }
                truth = Truth::Either;
            }
        }
        truth
    }
}
