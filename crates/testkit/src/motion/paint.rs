//! Paints scenes.

use lookout_core::media::motion::Luma;
use turbojpeg::{Subsamp, YuvImage};

use super::{
    Actor, Camera, Light, Scene, Shape, Weather,
    shapes::{Ground, Random, covers, grain},
};

/// How far around the picture the place is painted, in pixels of 640×480, so that the camera can move.
const MARGIN: f32 = 80.0;

/// Paints the pictures of a scene, in their order.
pub struct Painter<'a> {
    scene: &'a Scene,
    width: usize,
    height: usize,
    /// Pixels of one of 640×480.
    unit: f32,
    /// The place with its margin.
    ground: Vec<f32>,
    /// Columns of the place.
    span: usize,
    random: Random,
    normals: Vec<f32>,
    picture: usize,
    work: Vec<f32>,
    screen: f32,
    gust: f32,
}

impl<'a> Painter<'a> {
    /// Makes one for pictures of a width; they are 4:3.
    pub fn new(scene: &'a Scene, width: usize) -> Self {
        let height = width * 3 / 4;
        let unit = width as f32 / 640.0;
        let margin = (MARGIN * unit) as usize;
        let (span, rows) = (width + 2 * margin, height + 2 * margin);
        let place = Ground::new(scene.place, scene.seed);
        let ground = (0..span * rows).map(|at| {
            let [x, y] = [at % span, at / span].map(|side| (side as f32 - margin as f32) / unit);
            place.shade(x, y)
        });
        let mut random = Random::new(scene.seed + 7);
        let normals = (0..1 << 15).map(|_| random.normal()).collect();
        let ground = ground.collect();
        Self {
            scene,
            width,
            height,
            unit,
            ground,
            span,
            random,
            normals,
            picture: 0,
            work: Vec::new(),
            screen: 1.0,
            gust: 0.0,
        }
    }

    /// Paints the next picture.
    pub fn paint(&mut self) -> Luma {
        let t = Scene::moment(self.picture);
        self.picture += 1;
        self.look(t);
        let scene = self.scene;
        for actor in &scene.actors {
            self.act(actor, t);
        }
        let (mut gain, mut infra_red, mut dark) = (1.0, false, false);
        for light in &scene.lights {
            self.shine(light, t, &mut gain, &mut infra_red, &mut dark);
        }
        self.develop(gain, infra_red, dark);
        for weather in &scene.weather {
            self.fall(*weather, t);
        }
        // A small picture's pixel is the mean of a block's, whose noise is the less.
        let noise = scene.noise * if infra_red { 1.7 } else { 1.0 } * self.unit.min(1.0);
        let mut pixels = Vec::with_capacity(self.work.len());
        for row in self.work.chunks(self.width) {
            let start = self.random.bits() as usize;
            let noises = (start..).map(|at| self.normals[at & 0x7FFF]);
            pixels.extend(row.iter().zip(noises).map(|(shade, normal)| (shade + normal * noise + 0.5) as u8));
        }
        Luma { width: self.width, height: self.height, pixels }
    }

    /// Looks at the place from where the camera points.
    fn look(&mut self, t: f32) {
        let [mut x, mut y] = [0.0_f32; 2];
        for camera in &self.scene.camera {
            match *camera {
                Camera::Shake { from, to, by } if (from..to).contains(&t) => {
                    x += self.random.between(-by, by);
                    y += self.random.between(-by, by);
                }
                Camera::Shake { .. } => {}
                Camera::Turn { from, to, by } => {
                    let share = ((t - from) / (to - from)).clamp(0.0, 1.0);
                    x += by[0] * share;
                    y += by[1] * share;
                }
            }
        }
        let [x, y] = [x, y].map(|side| (side + MARGIN).clamp(0.0, 2.0 * MARGIN - 2.0) * self.unit);
        let (left, top) = (x as usize, y as usize);
        let (right, down) = (x - left as f32, y - top as f32);
        self.work.clear();
        for row in 0..self.height {
            let at = (row + top) * self.span + left;
            let last = (at + self.span + self.width + 1).min(self.ground.len()) - self.width - 1;
            let upper = &self.ground[at..at + self.width + 1];
            let lower = &self.ground[last..last + self.width + 1];
            let across = |pair: &[f32]| pair[0] + (pair[1] - pair[0]) * right;
            let mixed = upper.windows(2).zip(lower.windows(2)).map(|(upper, lower)| {
                let (upper, lower) = (across(upper), across(lower));
                upper + (lower - upper) * down
            });
            self.work.extend(mixed);
        }
    }

    /// Calls a function for each pixel of a box given in pixels of 640×480, with its place there.
    fn within(&mut self, [left, top, right, bottom]: [f32; 4], mut change: impl FnMut(f32, f32, &mut f32)) {
        let side = |edge: f32, most: usize| (edge * self.unit).clamp(0.0, most as f32) as usize;
        let (left, right) = (side(left, self.width), side(right + 1.0, self.width));
        let (top, bottom) = (side(top, self.height), side(bottom + 1.0, self.height));
        for row in top..bottom {
            for column in left..right.max(left) {
                let place = |side: usize| (side as f32 + 0.5) / self.unit;
                change(place(column), place(row), &mut self.work[row * self.width + column]);
            }
        }
    }

    fn act(&mut self, actor: &Actor, t: f32) {
        let Some(([x, y], [wide, high], moves)) = actor.at(t) else { return };
        let around = |x: f32, y: f32| [x - wide / 2.0, y - high / 2.0, x + wide / 2.0, y + high / 2.0];
        if actor.shadow {
            let middle = [x + wide * 0.6, y + high * 0.42];
            let half = [wide * 0.9, high * 0.16];
            self.soft(middle, half, 0.65);
        }
        let stride = if moves { (t * 9.0).sin() * 0.35 } else { 0.1 };
        let (contrast, texture, seed) = (actor.contrast, actor.texture, self.scene.seed + 99);
        let ground = self.scene.place;
        // Its own shade is about that of the place it is in front of on the whole.
        let mean = if ground == super::Place::Night { 36.0 } else { 125.0 };
        self.within(around(x, y), |px, py, shade| {
            let (across, down) = ((px - x) / wide, (py - y) / high);
            if covers(actor.shape, across, down, stride) {
                let own = grain(across * 60.0, down * 60.0, 9.0, seed) * texture;
                let window = actor.shape == Shape::Car && (-0.38..-0.1).contains(&down) && across.abs() < 0.3;
                *shade = mean + contrast + own - if window { 30.0 } else { 0.0 };
            }
        });
    }

    /// Multiplies a soft ellipse.
    fn soft(&mut self, [x, y]: [f32; 2], [wide, high]: [f32; 2], gain: f32) {
        self.within([x - wide, y - high, x + wide, y + high], |px, py, shade| {
            let off = ((px - x) / wide).powi(2) + ((py - y) / high).powi(2);
            let weight = (1.0 - off).max(0.0);
            *shade *= 1.0 + (gain - 1.0) * weight * weight;
        });
    }

    fn shine(&mut self, light: &Light, t: f32, gain: &mut f32, infra_red: &mut bool, dark: &mut bool) {
        match *light {
            Light::Fade { from, to, gain: due } => {
                let share = if to > from { ((t - from) / (to - from)).clamp(0.0, 1.0) } else { f32::from(t >= from) };
                *gain *= 1.0 + (due - 1.0) * share;
            }
            Light::Lamp { on, off, at: [x, y, wide, high], gain } => {
                if (on..off).contains(&t) {
                    self.soft([x, y], [wide, high], gain);
                }
            }
            Light::Beam { when: [begin, end], from, to, size, gain } => {
                if (begin..end).contains(&t) {
                    let share = (t - begin) / (end - begin);
                    let middle = [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * share);
                    self.soft(middle, size, gain);
                }
            }
            Light::Bands { from, depth } => {
                if t >= from {
                    let phase = t * 11.3;
                    for (row, pixels) in self.work.chunks_mut(self.width).enumerate() {
                        let gain = 1.0 + depth * (row as f32 / self.height as f32 * 12.0 + phase).sin();
                        pixels.iter_mut().for_each(|shade| *shade *= gain);
                    }
                }
            }
            Light::Screen { at: [x, y, wide, high], gain } => {
                if self.random.between(0.0, 1.0) < 0.25 {
                    self.screen = self.random.between(1.0, gain);
                }
                self.soft([x, y], [wide, high], self.screen);
            }
            Light::InfraRed { on, off } => {
                *infra_red |= (on..off).contains(&t);
                *dark |= [on, off].iter().any(|change| (0.0..0.2).contains(&(t - change)));
            }
            Light::Hunting { from, depth } => {
                if t >= from {
                    *gain *= 1.0 + depth * ((t - from) * 5.0).cos() * (-(t - from) * 0.7).exp();
                }
            }
        }
    }

    /// Takes the picture.
    fn develop(&mut self, gain: f32, infra_red: bool, dark: bool) {
        let (width, height) = (self.width as f32, self.height as f32);
        let seed = self.scene.seed + 5;
        for (at, shade) in self.work.iter_mut().enumerate() {
            if infra_red {
                let [x, y] = [(at % self.width) as f32 / width, (at / self.width) as f32 / height];
                let lit = 1.0 - 1.1 * ((x - 0.5).powi(2) + (y - 0.5).powi(2));
                let other = if grain(x * 640.0, y * 480.0, 90.0, seed) > 0.1 { 235.0 - *shade } else { *shade };
                *shade = (30.0 + 0.7 * other) * lit;
            }
            *shade *= gain * if dark { 0.12 } else { 1.0 };
            // A camera's curve bends before it cuts off.
            if *shade > 225.0 {
                *shade = 225.0 + (*shade - 225.0) * 0.3;
            }
            *shade = shade.clamp(0.0, 255.0);
        }
    }

    fn fall(&mut self, weather: Weather, t: f32) {
        match weather {
            Weather::Rain(many) => {
                for _ in 0..many {
                    let (x, y) = (self.random.between(0.0, 640.0), self.random.between(-30.0, 480.0));
                    let (long, bright) = (self.random.between(15.0, 45.0), self.random.between(15.0, 50.0));
                    self.within([x, y, x + 1.0, y + long], |_, _, shade| *shade = (*shade + bright).min(255.0));
                }
            }
            Weather::Snow(many) => {
                for _ in 0..many {
                    let (x, y) = (self.random.between(0.0, 640.0), self.random.between(0.0, 480.0));
                    let (size, bright) = (self.random.between(2.0, 7.0), self.random.between(30.0, 90.0));
                    self.within([x, y, x + size, y + size], |_, _, shade| *shade = (*shade + bright).min(255.0));
                }
            }
            Weather::Leaves([left, top, right, bottom], by, from) => {
                if t >= from {
                    // They swing, a little differently each time.
                    self.gust = 0.6 * self.gust + 0.4 * self.random.between(-1.0, 1.0);
                    let sway = by * ((t * 4.0).sin() * 0.7 + self.gust);
                    let margin = (MARGIN * self.unit) as usize;
                    let (span, unit) = (self.span, self.unit);
                    let ground = std::mem::take(&mut self.ground);
                    self.within([left, top, right, bottom], |x, y, shade| {
                        let bend = sway * (1.0 + 0.8 * (y * 0.05 + t).sin());
                        let column = ((x + bend).clamp(-MARGIN + 1.0, 640.0 + MARGIN - 2.0) * unit) as isize;
                        let at = ((y * unit) as usize + margin) * span + (column + margin as isize) as usize;
                        *shade +=
                            ground[at] - ground[((y * unit) as usize + margin) * span + (x * unit) as usize + margin];
                        *shade = shade.clamp(0.0, 255.0);
                    });
                    self.ground = ground;
                }
            }
            Weather::Insects(many) => {
                for number in 0..many {
                    let own = number as f32 * 2.1;
                    let (x, y) = (320.0 + 300.0 * (t * 1.7 + own).sin(), 240.0 + 220.0 * (t * 2.3 + own * 1.7).cos());
                    self.within([x, y, x + 7.0, y + 5.0], |_, _, shade| *shade = (*shade * 0.4).max(0.0));
                }
            }
            Weather::Clock => {
                let mut digits = Random::new(t as u64 + 1);
                for digit in 0..8 {
                    let left = 16.0 + digit as f32 * 11.0;
                    let bits = if digit < 6 { 0x5A5A } else { digits.bits() };
                    self.within([left, 14.0, left + 8.0, 28.0], |x, y, shade| {
                        let cell = ((x - left) / 2.7) as u64 + ((y - 14.0) / 2.9) as u64 * 3;
                        *shade = if bits >> (cell % 16) & 1 == 1 { 250.0 } else { 20.0 };
                    });
                }
            }
            Weather::Sparks(many) => {
                for _ in 0..many {
                    let (x, y) = (self.random.between(0.0, 640.0), self.random.between(0.0, 480.0));
                    self.within([x, y, x, y], |_, _, shade| *shade = 255.0);
                }
            }
        }
    }
}

/// Makes a JPEG of luma, 4:2:0, without colour.
pub fn encode(luma: &Luma, quality: i32) -> Vec<u8> {
    let (width, height) = (luma.width, luma.height);
    let mut pixels = luma.pixels.clone();
    pixels.resize(width * height + 2 * width.div_ceil(2) * height.div_ceil(2), 128);
    let image = YuvImage { pixels: pixels.as_slice(), width, align: 1, height, subsamp: Subsamp::Sub2x2 };
    turbojpeg::compress_yuv(image, quality).unwrap().to_vec()
}

/// Halves a picture, and rounds the means as a JPEG of quality 80 rounds those of its blocks.
pub fn eighth(luma: &Luma) -> Luma {
    let (width, height) = (luma.width / 2, luma.height / 2);
    let at = |column: usize, row: usize| f32::from(luma.pixels[row * luma.width + column]);
    let pixels = (0..width * height).map(|cell| {
        let (column, row) = (cell % width * 2, cell / width * 2);
        let sum = at(column, row) + at(column + 1, row) + at(column, row + 1) + at(column + 1, row + 1);
        let steps = ((sum / 4.0 - 128.0) / 0.75).round();
        (steps * 0.75 + 128.0).round() as u8
    });
    Luma { width, height, pixels: pixels.collect() }
}
