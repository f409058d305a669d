//! The motion detector before a part of the scenes of docs/motion.md, most of them painted small so that it is quick.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::thread;

use lookout_testkit::motion::{KNOWN, Outcome, Scene, Score, UNKNOWN, hour, scenes, sketch, trial};

/// Scenes of each kind: what comes, what is nothing, light, weather, camera.
const SOME: [&str; 14] = [
    "person in a room",
    "person before a plain wall",
    "person runs",
    "fast car",
    "person passes a zone that is not watched",
    "person after the lamp went on",
    "person while clouds pass",
    "person, noisy",
    "nothing, very noisy",
    "lamp in a corner",
    "infra-red on and off",
    "camera shaken",
    "rain",
    "traffic where nobody looks",
];

/// Shows scenes to the detector, on two threads.
fn outcomes(all: &[Scene], show: impl Fn(&Scene) -> Outcome + Sync) -> Vec<Outcome> {
    let show = &show;
    thread::scope(|scope| {
        let halves = [&all[..all.len() / 2], &all[all.len() / 2..]];
        let threads = halves.map(|half| scope.spawn(move || half.iter().map(show).collect::<Vec<_>>()));
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn what_comes_is_noticed_within_three_pictures_and_nothing_else_is() {
    let chosen: Vec<_> = scenes(KNOWN).into_iter().filter(|scene| SOME.contains(&scene.name.as_str())).collect();
    assert_eq!(chosen.len(), SOME.len());
    let mut score = Score::default();
    for (scene, outcome) in chosen.iter().zip(outcomes(&chosen, |scene| sketch(scene, 5))) {
        let late = outcome.visits.iter().any(|delay| delay.is_none_or(|delay| delay > 3));
        assert!(!late && outcome.false_alarms.is_empty(), "{}: {outcome:?}", scene.name);
        score.add(&outcome);
    }
    assert!(score.visits >= 8 && score.said() > 0.8, "{score:?}");
}

#[test]
fn through_jpegs_it_is_the_same() {
    let names = ["person in a street", "lamp on and off"];
    let mut chosen: Vec<_> = scenes(UNKNOWN).into_iter().filter(|scene| names.contains(&scene.name.as_str())).collect();
    chosen.iter_mut().for_each(|scene| scene.pictures = 90);
    let mut score = Score::default();
    outcomes(&chosen, |scene| trial(scene, 320, &[5])[0].clone()).iter().for_each(|outcome| score.add(outcome));
    assert!(score.visits == 1 && score.recall() == 1.0 && score.false_alarms == 0, "{score:?}");
}

#[test]
fn lamps_that_light_a_part_of_a_picture_are_no_motion() {
    // Half a minute of two parts of the hour that were hard.
    let mut chosen = [hour(KNOWN).swap_remove(1), hour(KNOWN).swap_remove(4)];
    for scene in &mut chosen {
        scene.pictures = 1250;
    }
    for outcome in outcomes(&chosen, |scene| sketch(scene, 5)) {
        assert_eq!(outcome.false_alarms, [0; 0]);
    }
}

#[test]
fn a_fade_that_begins_in_small_patches_is_no_motion() {
    // The beginnings of two parts of hours that once were not looked at, and had false alarms after 10 and 27 s.
    let mut chosen = [hour(40_961).swap_remove(8), hour(2027).swap_remove(9)];
    chosen.iter_mut().zip([130, 300]).for_each(|(scene, pictures)| scene.pictures = pictures);
    for outcome in outcomes(&chosen, |scene| sketch(scene, 5)) {
        assert_eq!(outcome.false_alarms, [0; 0]);
    }
}

#[test]
fn an_edge_in_the_light_of_a_lamp_is_no_motion() {
    // Two minutes of a part of an hour; the lamp goes on after 114 s.
    let mut chosen = hour(208).swap_remove(5);
    chosen.pictures = 1200;
    assert_eq!(sketch(&chosen, 5).false_alarms, [0; 0]);
}

#[test]
fn scenes_are_at_least_forty_and_each_seed_has_its_own() {
    let [known, unknown] = [KNOWN, UNKNOWN].map(scenes);
    assert!(known.len() >= 40 && known.len() == unknown.len());
    let visits = known.iter().filter(|scene| !scene.actors.is_empty()).count();
    assert!(visits >= 20 && known.len() - visits >= 20);
    for (one, other) in known.iter().zip(&unknown) {
        assert!(one.name == other.name && one.seed != other.seed);
    }
    let names: std::collections::BTreeSet<_> = known.iter().map(|scene| &scene.name).collect();
    assert_eq!(names.len(), known.len());
}
