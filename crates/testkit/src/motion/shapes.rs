//! Chance, textures and places.

use super::{Place, Shape};

/// Numbers that look like chance and are the same for the same seed (xorshift).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        (0..8).for_each(|_| _ = random.bits());
        random
    }

    /// Returns 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Returns a number between two.
    pub fn between(&mut self, least: f32, most: f32) -> f32 {
        least + (most - least) * ((self.bits() >> 40) as f32 / (1_u64 << 24) as f32)
    }

    /// Returns about a normal deviate.
    pub fn normal(&mut self) -> f32 {
        (0..6).map(|_| self.between(-1.0, 1.0)).sum::<f32>() * 0.707
    }
}

/// Returns a number from -1 to 1 that is the same for the same place.
fn hash(x: i32, y: i32, seed: u64) -> f32 {
    let mut bits = seed ^ (x as u32 as u64) << 32 ^ y as u32 as u64;
    bits = (bits ^ bits >> 31).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ bits >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((bits >> 40) as f32 / (1_u64 << 23) as f32) - 1.0
}

/// Returns smooth noise of a grain of so many pixels, from -1 to 1.
pub fn grain(x: f32, y: f32, size: f32, seed: u64) -> f32 {
    let (x, y) = (x / size, y / size);
    let (left, top) = (x.floor(), y.floor());
    let ease = |share: f32| share * share * (3.0 - 2.0 * share);
    let (right, down) = (ease(x - left), ease(y - top));
    let corner = |across: i32, below: i32| hash(left as i32 + across, top as i32 + below, seed);
    let upper = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * right;
    let lower = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * right;
    upper + (lower - upper) * down
}

/// Boxes that stand about: left, top, right, bottom, shade.
pub struct Ground {
    place: Place,
    seed: u64,
    boxes: Vec<[f32; 5]>,
}

impl Ground {
    pub fn new(place: Place, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let many = match place {
            Place::Room => 14,
            Place::Street => 22,
            Place::Garden => 6,
            Place::Night => 12,
            Place::Wall => 0,
        };
        let boxes = (0..many).map(|_| {
            let (left, top) = (random.between(-60.0, 600.0), random.between(-40.0, 420.0));
            let (wide, high) = (random.between(20.0, 160.0), random.between(20.0, 150.0));
            [left, top, left + wide, top + high, random.between(-45.0, 45.0)]
        });
        Self { place, seed, boxes: boxes.collect() }
    }

    /// Returns the shade of a place, 0 to 255.
    pub fn shade(&self, x: f32, y: f32) -> f32 {
        let seed = self.seed;
        let fine = grain(x, y, 5.0, seed) * 0.6 + grain(x, y, 13.0, seed + 1);
        let coarse = grain(x, y, 70.0, seed + 2);
        let boxed = self
            .boxes
            .iter()
            .filter(|[left, top, right, bottom, _]| (*left..*right).contains(&x) && (*top..*bottom).contains(&y));
        let boxed: f32 = boxed.map(|[.., shade]| shade).sum::<f32>().clamp(-60.0, 60.0);
        match self.place {
            Place::Room => 125.0 + y * 0.05 + boxed + coarse * 12.0 + fine * 4.0,
            Place::Street if y < 120.0 => 205.0 + coarse * 10.0,
            Place::Street => 115.0 + boxed + coarse * 14.0 + fine * 9.0,
            Place::Garden if y < 90.0 => 200.0 + coarse * 12.0,
            Place::Garden => 95.0 + boxed * 0.6 + coarse * 20.0 + fine * 28.0,
            Place::Night => 34.0 + boxed * 0.4 + coarse * 10.0 + fine * 4.0,
            Place::Wall => 140.0 + coarse * 3.0,
        }
    }
}

/// Says how much of a place within a shape's box, from -0.5 to 0.5, it covers: 1 inside, 0 outside.
pub fn covers(shape: Shape, x: f32, y: f32, stride: f32) -> bool {
    match shape {
        Shape::Blob => x * x + y * y < 0.25,
        Shape::Box => true,
        Shape::Car => y > -0.5 + 0.45 * (x.abs() - 0.2).max(0.0) / 0.3 && (y < 0.32 || (x.abs() - 0.28).abs() < 0.11),
        Shape::Person => {
            let head = (x / 0.18).powi(2) + ((y + 0.4) / 0.1).powi(2) < 1.0;
            let trunk = (-0.32..0.12).contains(&y) && x.abs() < 0.34;
            let leg = |side: f32| (x - side * stride * (y - 0.1) - side * 0.12).abs() < 0.13;
            head || trunk || (y >= 0.12 && (leg(1.0) || leg(-1.0)))
        }
    }
}
