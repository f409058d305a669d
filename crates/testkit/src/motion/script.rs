//! The scenes themselves. Each seed gives other places, sizes, speeds, contrasts, moments and noise.

use lookout_core::profile::{mask::Mask, wire::Wire};

use super::{Actor, Camera, FPS, Light, Place, Scene, Shape, Weather, shapes::Random};

/// How long a scene is, in seconds.
const LONG: f32 = 20.0;

/// Makes one scene after the other.
struct Script {
    seed: u64,
    random: Random,
    scenes: Vec<Scene>,
}

/// Returns the scenes of a seed.
pub fn scenes(seed: u64) -> Vec<Scene> {
    let mut script = Script { seed, random: Random::new(seed), scenes: Vec::new() };
    script.walkers();
    script.things();
    script.changing_light();
    script.bad_conditions();
    script.nothing();
    script.nothing_outdoors();
    script.scenes
}

impl Script {
    fn between(&mut self, least: f32, most: f32) -> f32 {
        self.random.between(least, most)
    }

    /// A contrast of so much, brighter or darker.
    fn either(&mut self, least: f32, most: f32) -> f32 {
        let contrast = self.between(least, most);
        if self.random.bits() & 1 == 0 { contrast } else { -contrast }
    }

    fn scene(&mut self, name: &str, place: Place) -> Scene {
        let noise = self.between(1.0, 3.5);
        Scene {
            name: name.to_owned(),
            pictures: LONG as usize * FPS,
            seed: self.seed * 1000 + self.scenes.len() as u64,
            place,
            actors: Vec::new(),
            lights: Vec::new(),
            camera: Vec::new(),
            weather: Vec::new(),
            noise,
            mask: Mask::default(),
            quality: (80, None),
        }
    }

    fn add(&mut self, name: &str, place: Place, fill: impl FnOnce(&mut Self, &mut Scene)) {
        let mut scene = self.scene(name, place);
        fill(self, &mut scene);
        self.scenes.push(scene);
    }

    /// Something that crosses the picture from a moment on, at so many pixels a second.
    fn crossing(&mut self, shape: Shape, size: [f32; 2], contrast: f32, begin: f32, speed: f32) -> Actor {
        let y = self.between(200.0, 460.0 - size[1] / 2.0).max(120.0);
        let half = size[0] / 2.0;
        let (mut from, mut to) = (-half, 640.0 + half);
        if self.random.bits() & 1 == 0 {
            std::mem::swap(&mut from, &mut to);
        }
        let end = begin + (640.0 + size[0]) / speed;
        let slope = self.between(-20.0, 20.0);
        let middle = (begin + (end - begin) * 0.5, (from + to) / 2.0, y + slope / 2.0);
        let third = (begin + (end - begin) * 0.75, from + (to - from) * 0.75, y + slope * 0.75);
        Actor {
            shape,
            size,
            contrast,
            texture: 12.0,
            path: [(begin, from, y), middle, third, (end, to, y + slope)],
            grows: 1.0,
            shadow: false,
            counts: true,
        }
    }

    /// A person that crosses.
    fn person(&mut self, begin: f32, speed: f32) -> Actor {
        let (wide, contrast) = (self.between(45.0, 80.0), self.either(35.0, 85.0));
        self.crossing(Shape::Person, [wide, wide * 2.6], contrast, begin, speed)
    }

    /// People who cross one after the other, with pauses.
    fn people(&mut self, least: f32, most: f32) -> Vec<Actor> {
        let (mut begin, mut all) = (self.between(4.0, 5.0), Vec::new());
        loop {
            let speed = self.between(least, most);
            let actor = self.person(begin, speed);
            begin = actor.path[3].0 + self.between(3.5, 4.5);
            if all.is_empty() || actor.path[3].0 < LONG - 1.0 {
                all.push(actor);
            }
            if begin > LONG - 4.0 {
                return all;
            }
        }
    }

    fn walkers(&mut self) {
        self.add("person in a room", Place::Room, |s, scene| scene.actors = s.people(110.0, 180.0));
        self.add("person in a street", Place::Street, |s, scene| scene.actors = s.people(110.0, 180.0));
        self.add("person in a garden", Place::Garden, |s, scene| scene.actors = s.people(110.0, 180.0));
        self.add("person before a plain wall", Place::Wall, |s, scene| scene.actors = s.people(110.0, 180.0));
        self.add("person far away", Place::Street, |s, scene| {
            let contrast = s.either(50.0, 80.0);
            let wide = s.between(28.0, 34.0);
            scene.actors = vec![s.crossing(Shape::Person, [wide, wide * 2.6], contrast, 4.5, 55.0)];
        });
        self.add("person runs", Place::Street, |s, scene| scene.actors = s.people(300.0, 420.0));
        self.add("person with a shadow", Place::Wall, |s, scene| {
            scene.actors = s.people(110.0, 170.0);
            scene.actors.iter_mut().for_each(|actor| actor.shadow = true);
        });
        self.add("two persons at once", Place::Room, |s, scene| {
            scene.actors = vec![s.person(5.0, 130.0), s.person(6.0, 160.0)];
        });
        self.add("person comes nearer", Place::Room, |s, scene| {
            let mut actor = s.person(5.0, 100.0);
            let x = s.between(200.0, 440.0);
            actor.size = [36.0, 94.0];
            actor.path = [(5.0, x, 200.0), (8.0, x + 10.0, 230.0), (10.0, x + 20.0, 260.0), (12.0, x + 30.0, 300.0)];
            actor.grows = 3.5;
            scene.actors = vec![actor];
        });
        self.add("person stands still for a while", Place::Room, |s, scene| {
            let mut actor = s.person(4.0, 120.0);
            let y = actor.path[0].2;
            let x = s.between(250.0, 400.0);
            actor.path = [(4.0, -40.0, y), (7.0, x, y), (13.0, x, y), (16.5, 690.0, y)];
            scene.actors = vec![actor];
        });
        self.add("person was there from the beginning", Place::Room, |s, scene| {
            let mut actor = s.person(0.0, 120.0);
            let (x, y) = (s.between(200.0, 400.0), actor.path[0].2);
            actor.path = [(0.0, x, y), (4.0, x, y), (7.0, x, y), (10.0, 690.0, y)];
            scene.actors = vec![actor];
        });
        self.add("faint person", Place::Wall, |s, scene| {
            scene.actors = s.people(110.0, 160.0);
            for actor in &mut scene.actors {
                (actor.contrast, actor.texture) = (s.either(30.0, 36.0), 4.0);
            }
        });
        self.add("person in many colours", Place::Garden, |s, scene| {
            scene.actors = s.people(110.0, 160.0);
            for actor in &mut scene.actors {
                (actor.contrast, actor.texture) = (s.either(5.0, 15.0), 60.0);
            }
        });
        self.add("person passes a zone that is not watched", Place::Street, |s, scene| {
            let left = s.random.bits() & 1 == 0;
            scene.mask = Mask::parse(&if left { "fff00000" } else { "00000fff" }.repeat(24)).unwrap();
            scene.actors = s.people(110.0, 160.0);
        });
    }

    fn things(&mut self) {
        let mut crossing = |name: &str, place, shape, size: [f32; 2], contrast: [f32; 2], speed: [f32; 2]| {
            self.add(name, place, |s, scene| {
                let mut begin = 4.5;
                while begin < LONG - 5.0 {
                    let scale = s.between(0.9, 1.3);
                    let contrast = s.either(contrast[0], contrast[1]);
                    let speed = s.between(speed[0], speed[1]);
                    scene.actors.push(s.crossing(shape, size.map(|side| side * scale), contrast, begin, speed));
                    begin = scene.actors.last().unwrap().path[3].0 + 4.0;
                }
            });
        };
        crossing("car", Place::Street, Shape::Car, [150.0, 65.0], [40.0, 80.0], [150.0, 250.0]);
        crossing("fast car", Place::Street, Shape::Car, [150.0, 65.0], [40.0, 80.0], [380.0, 520.0]);
        crossing("lorry nearby", Place::Street, Shape::Box, [480.0, 260.0], [40.0, 80.0], [260.0, 350.0]);
        crossing("dog", Place::Garden, Shape::Blob, [60.0, 38.0], [55.0, 80.0], [200.0, 300.0]);
        crossing("cat at night", Place::Night, Shape::Blob, [64.0, 40.0], [28.0, 45.0], [90.0, 150.0]);
        crossing("ball", Place::Room, Shape::Blob, [50.0, 50.0], [60.0, 90.0], [250.0, 400.0]);
        crossing("slow robot", Place::Room, Shape::Box, [90.0, 50.0], [45.0, 80.0], [50.0, 60.0]);
        self.add("door opens and closes", Place::Room, |s, scene| {
            let x = s.between(150.0, 500.0);
            let (contrast, y) = (s.either(40.0, 70.0), 260.0);
            for begin in [5.0, 13.0] {
                let mut door = s.crossing(Shape::Box, [70.0, 240.0], contrast, begin, 100.0);
                // It slides before the wall, and back again.
                door.path =
                    [(begin, x, y), (begin + 1.0, x + 70.0, y), (begin + 4.0, x + 70.0, y), (begin + 5.0, x, y)];
                scene.actors.push(door);
            }
            let mut shut = scene.actors[0];
            shut.counts = false;
            shut.path = [(0.0, x, y), (2.0, x, y), (4.0, x, y), (5.0, x, y)];
            scene.actors.push(shut);
            shut.path = [(10.0, x, y), (11.0, x, y), (12.0, x, y), (13.0, x, y)];
            scene.actors.push(shut);
            shut.path = [(18.0, x, y), (19.0, x, y), (20.0, x, y), (21.0, x, y)];
            scene.actors.push(shut);
        });
        self.add("something is left behind", Place::Room, |s, scene| {
            let walker = s.person(5.0, 130.0);
            let middle = walker.path[1];
            let mut bag = s.crossing(Shape::Box, [50.0, 40.0], 70.0, 5.0, 100.0);
            let floor = middle.2 + walker.size[1] / 2.0 - 20.0;
            bag.path = [
                (middle.0, middle.1, floor),
                (12.0, middle.1, floor),
                (15.0, middle.1, floor),
                (30.0, middle.1, floor),
            ];
            bag.counts = false;
            scene.actors = vec![bag, walker];
        });
        self.add("the lens is covered", Place::Room, |s, scene| {
            let mut hand = s.crossing(Shape::Blob, [500.0, 420.0], -80.0, 6.0, 500.0);
            hand.path = [(6.0, -250.0, 250.0), (7.2, 300.0, 240.0), (10.0, 300.0, 240.0), (11.2, 900.0, 230.0)];
            scene.actors = vec![hand];
        });
    }

    fn changing_light(&mut self) {
        self.add("person after the lamp went on", Place::Room, |s, scene| {
            let (begin, gain) = (s.between(4.0, 6.0), s.between(1.4, 1.8));
            scene.lights = vec![Light::Fade { from: begin, to: begin, gain }];
            scene.actors = vec![s.person(begin + 2.0, 150.0)];
        });
        self.add("person after the lamp went off", Place::Room, |s, scene| {
            let (begin, gain) = (s.between(4.0, 6.0), s.between(0.3, 0.6));
            scene.lights = vec![Light::Fade { from: begin, to: begin, gain }];
            scene.actors = vec![s.person(begin + 2.0, 150.0)];
            scene.actors[0].contrast = 80.0;
        });
        self.add("person while clouds pass", Place::Street, |s, scene| {
            for begin in [3.0, 8.0, 13.0] {
                let gain = s.between(0.6, 0.8);
                scene.lights.push(Light::Fade { from: begin, to: begin + 2.0, gain });
                scene.lights.push(Light::Fade { from: begin + 2.5, to: begin + 4.5, gain: 1.0 / gain });
            }
            scene.actors = s.people(110.0, 170.0);
        });
        self.add("person at dusk", Place::Garden, |s, scene| {
            scene.lights = vec![Light::Fade { from: 0.0, to: LONG, gain: 0.5 }];
            scene.actors = s.people(120.0, 170.0);
        });
        self.add("person after infra-red came on", Place::Room, |s, scene| {
            let on = s.between(4.0, 5.0);
            scene.lights = vec![Light::InfraRed { on, off: 99.0 }];
            scene.actors = vec![s.person(on + 3.0, 140.0)];
            scene.actors[0].contrast = 70.0;
        });
        self.add("person under flickering lamps", Place::Room, |s, scene| {
            scene.lights = vec![Light::Bands { from: 0.0, depth: s.between(0.03, 0.06) }];
            scene.actors = s.people(110.0, 160.0);
        });
        self.add("person beside a screen", Place::Room, |s, scene| {
            let at = [s.between(80.0, 200.0), 240.0, 130.0, 130.0];
            scene.lights = vec![Light::Screen { at, gain: 1.35 }];
            scene.actors = s.people(110.0, 160.0);
        });
        self.add("car with headlights", Place::Night, |s, scene| {
            let car = s.crossing(Shape::Car, [150.0, 65.0], 25.0, 5.0, 160.0);
            let forward = (car.path[3].1 - car.path[0].1).signum();
            let lamp = Actor { shape: Shape::Blob, size: [26.0, 20.0], contrast: 200.0, texture: 0.0, ..car };
            let ahead = |(t, x, y): (f32, f32, f32)| (t, x + forward * 75.0, y + 5.0);
            scene.actors = vec![car, Actor { path: lamp.path.map(ahead), ..lamp }];
            let (begin, end) = (car.path[0], car.path[3]);
            scene.lights = vec![Light::Beam {
                when: [begin.0, end.0],
                from: [begin.1 + forward * 200.0, begin.2],
                to: [end.1 + forward * 200.0, end.2],
                size: [160.0, 70.0],
                gain: 2.5,
            }];
        });
    }

    fn bad_conditions(&mut self) {
        for (name, least, most) in [("person, noisy", 7.0, 9.0), ("person, very noisy", 13.0, 17.0)] {
            self.add(name, Place::Room, |s, scene| {
                scene.noise = s.between(least, most);
                scene.actors = s.people(110.0, 170.0);
            });
        }
        self.add("person at night, noisy", Place::Night, |s, scene| {
            scene.noise = s.between(6.0, 9.0);
            scene.actors = s.people(110.0, 160.0);
            scene.actors.iter_mut().for_each(|actor| actor.contrast = actor.contrast.abs());
        });
        self.add("person in the rain", Place::Street, |s, scene| {
            scene.weather = vec![Weather::Rain(60)];
            scene.actors = s.people(110.0, 170.0);
        });
        self.add("person in the snow", Place::Street, |s, scene| {
            scene.weather = vec![Weather::Snow(60)];
            scene.actors = s.people(110.0, 170.0);
        });
        self.add("person before leaves", Place::Garden, |s, scene| {
            scene.weather = vec![Weather::Leaves([0.0, 60.0, 300.0, 400.0], s.between(4.0, 8.0), 0.0)];
            scene.actors = s.people(110.0, 160.0);
        });
        self.add("person, the camera vibrates", Place::Street, |s, scene| {
            scene.camera = vec![Camera::Shake { from: 0.0, to: 99.0, by: s.between(0.8, 1.5) }];
            scene.actors = s.people(110.0, 160.0);
        });
        self.add("person after the camera was shaken", Place::Room, |s, scene| {
            scene.camera = vec![Camera::Shake { from: 4.0, to: 4.8, by: s.between(5.0, 12.0) }];
            scene.actors = vec![s.person(6.5, 130.0)];
        });
        self.add("person, the pictures get coarser", Place::Room, |s, scene| {
            scene.quality = (80, Some((8.0, 35)));
            scene.actors = s.people(110.0, 160.0);
        });
    }

    fn nothing(&mut self) {
        for (name, least, most) in
            [("nothing", 1.0, 3.0), ("nothing, noisy", 7.0, 9.0), ("nothing, very noisy", 13.0, 17.0)]
        {
            self.add(name, Place::Room, |s, scene| scene.noise = s.between(least, most));
        }
        self.add("lamp on and off", Place::Room, |s, scene| {
            let gain = s.between(1.4, 1.9);
            for (number, at) in [4.0, 7.0, 10.0, 13.0, 16.0].into_iter().enumerate() {
                let gain = if number % 2 == 0 { gain } else { 1.0 / gain };
                scene.lights.push(Light::Fade { from: at, to: at, gain });
            }
        });
        self.add("lamp in a corner", Place::Room, |s, scene| {
            let at = [s.between(80.0, 560.0), s.between(80.0, 400.0), 300.0, 260.0];
            let gain = s.between(1.5, 2.0);
            scene.lights = [4.0, 11.0].map(|on| Light::Lamp { on, off: on + 4.0, at, gain }).to_vec();
        });
        self.add("exposure swings", Place::Room, |s, scene| {
            scene.lights = vec![Light::Hunting { from: 5.0, depth: s.between(0.15, 0.3) }];
        });
        self.add("lamps flicker", Place::Room, |s, scene| {
            scene.lights = vec![Light::Bands { from: 0.0, depth: s.between(0.03, 0.06) }];
        });
        self.add("lamps begin to flicker", Place::Room, |s, scene| {
            scene.lights = vec![Light::Bands { from: 6.0, depth: s.between(0.03, 0.06) }];
        });
        self.add("screen", Place::Room, |s, scene| {
            let at = [s.between(150.0, 500.0), 240.0, 130.0, 130.0];
            scene.lights = vec![Light::Screen { at, gain: 1.35 }];
        });
        self.add("infra-red on and off", Place::Room, |s, scene| {
            let on = s.between(4.0, 6.0);
            scene.lights = vec![Light::InfraRed { on, off: on + 7.0 }];
        });
        self.add("camera shaken", Place::Room, |s, scene| {
            scene.camera =
                [4.0, 8.0, 12.0].map(|from| Camera::Shake { from, to: from + 0.7, by: s.between(3.0, 12.0) }).to_vec();
        });
        self.add("camera vibrates", Place::Street, |s, scene| {
            scene.camera = vec![Camera::Shake { from: 0.0, to: 99.0, by: s.between(0.8, 1.5) }];
        });
        self.add("camera turned", Place::Room, |s, scene| {
            let by = [s.either(50.0, 75.0), s.between(-20.0, 20.0)];
            scene.camera = vec![Camera::Turn { from: 6.0, to: 7.0, by }];
        });
        self.add("clock and sparks", Place::Room, |s, scene| {
            scene.weather = vec![Weather::Clock, Weather::Sparks(s.between(5.0, 20.0) as usize)];
        });
        self.add("insects", Place::Room, |_, scene| scene.weather = vec![Weather::Insects(3)]);
        self.add("pictures get coarser", Place::Garden, |_, scene| scene.quality = (80, Some((8.0, 30))));
        self.add("traffic where nobody looks", Place::Street, |s, scene| {
            // The lower half: 12 of 24 rows.
            scene.mask = Mask::parse(&format!("{}{}", "00000000".repeat(12), "ffffffff".repeat(12))).unwrap();
            let mut begin = 4.0;
            while begin < LONG - 3.0 {
                let mut car = s.crossing(Shape::Car, [150.0, 65.0], 60.0, begin, 250.0);
                car.path.iter_mut().for_each(|point| point.2 = 340.0);
                scene.actors.push(car);
                begin += 5.0;
            }
        });
    }

    fn nothing_outdoors(&mut self) {
        self.add("clouds", Place::Street, |s, scene| {
            for begin in [3.0, 8.0, 13.0] {
                let gain = s.between(0.5, 0.8);
                scene.lights.push(Light::Fade { from: begin, to: begin + 1.5, gain });
                scene.lights.push(Light::Fade { from: begin + 2.5, to: begin + 4.0, gain: 1.0 / gain });
            }
        });
        self.add("shadows of clouds", Place::Street, |s, scene| {
            for begin in [4.0, 11.0] {
                let y = s.between(200.0, 300.0);
                scene.lights.push(Light::Beam {
                    when: [begin, begin + 6.0],
                    from: [-380.0, y],
                    to: [1020.0, y],
                    size: [380.0, 300.0],
                    gain: s.between(0.5, 0.7),
                });
            }
        });
        self.add("dusk", Place::Garden, |_, scene| scene.lights = vec![Light::Fade { from: 0.0, to: LONG, gain: 0.4 }]);
        self.add("rain", Place::Street, |s, scene| scene.weather = vec![Weather::Rain(s.between(40.0, 80.0) as usize)]);
        self.add("cloudburst", Place::Street, |s, scene| {
            scene.weather = vec![Weather::Rain(s.between(200.0, 350.0) as usize)];
        });
        self.add("snow", Place::Street, |s, scene| scene.weather = vec![Weather::Snow(s.between(40.0, 80.0) as usize)]);
        self.add("much snow", Place::Night, |s, scene| {
            scene.weather = vec![Weather::Snow(s.between(150.0, 250.0) as usize)];
        });
        self.add("leaves in the wind", Place::Garden, |s, scene| {
            scene.weather = vec![Weather::Leaves([40.0, 60.0, 600.0, 400.0], s.between(4.0, 8.0), 0.0)];
        });
        self.add("wind comes up", Place::Garden, |s, scene| {
            scene.weather = vec![Weather::Leaves([40.0, 100.0, 340.0, 400.0], s.between(4.0, 8.0), 7.0)];
        });
        self.add("headlights on a wall", Place::Night, |s, scene| {
            for begin in [4.0, 10.0] {
                let y = s.between(150.0, 300.0);
                scene.lights.push(Light::Beam {
                    when: [begin, begin + 2.5],
                    from: [-150.0, y],
                    to: [790.0, y + 30.0],
                    size: [150.0, 110.0],
                    gain: s.between(2.0, 3.0),
                });
            }
        });
        self.add("quiet night", Place::Night, |s, scene| scene.noise = s.between(5.0, 8.0));
    }
}

/// Returns an hour in which nothing moves: noise, and every kind of change of light, twelve parts of five minutes each.
pub fn hour(seed: u64) -> Vec<Scene> {
    let mut script = Script { seed, random: Random::new(seed ^ 0x5EED), scenes: Vec::new() };
    let places = [Place::Room, Place::Street, Place::Garden, Place::Night];
    for (part, place) in places.into_iter().cycle().take(12).enumerate() {
        script.add(&format!("part {} of an hour", part + 1), place, |s, scene| {
            scene.pictures = 300 * FPS;
            scene.noise = s.between(1.0, 9.0);
            s.lights_of_five_minutes(scene, part);
        });
    }
    script.scenes
}

impl Script {
    /// Something every ten seconds or so; all gains together come back to 1.
    fn lights_of_five_minutes(&mut self, scene: &mut Scene, part: usize) {
        let mut t = self.between(4.0, 8.0);
        while t < 280.0 {
            let gain = self.between(0.45, 0.85);
            let (soon, later) = (t + self.between(1.0, 3.0), t + self.between(4.0, 6.0));
            match self.random.bits() % 6 {
                // A lamp, off and on.
                0 | 1 => {
                    scene.lights.push(Light::Fade { from: t, to: t, gain });
                    scene.lights.push(Light::Fade { from: later, to: later, gain: 1.0 / gain });
                }
                // A cloud.
                2 | 3 => {
                    scene.lights.push(Light::Fade { from: t, to: soon, gain });
                    scene.lights.push(Light::Fade { from: later, to: later + 2.0, gain: 1.0 / gain });
                }
                4 => {
                    let at = [self.between(50.0, 590.0), self.between(50.0, 430.0), 300.0, 260.0];
                    scene.lights.push(Light::Lamp { on: t, off: later, at, gain: 1.0 / gain });
                }
                _ => scene.lights.push(Light::Hunting { from: t, depth: self.between(0.1, 0.2) }),
            }
            t = later + self.between(4.0, 8.0);
        }
        if part % 3 == 1 {
            scene.lights.push(Light::Fade { from: 0.0, to: 300.0, gain: 0.6 });
        }
        if part % 4 == 2 {
            scene.lights.push(Light::Bands { from: 0.0, depth: 0.03 });
        }
        if part % 6 == 5 {
            scene.lights.push(Light::InfraRed { on: 100.0, off: 200.0 });
        }
    }
}
