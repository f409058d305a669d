//! The digital head, measured on the pictures that a viewer gets: where it rests, how fast it goes, and what it leaves alone
//! (PROFILE 5.4, Q66, Q69).
//!
//! The demo scene stands still but for a few little things, so that each picture tells which part of it is seen.

use std::{
    fs,
    time::{Duration, Instant},
};

use lookout_core::media::frame::Size;
use lookout_testkit::{Camera, PATIENCE, Picture, Viewer, eventually, scene, scene_jpeg};

use crate::showing;

const WORLD: (usize, usize) = (640, 480);
/// The middle of the scene in a view of half its sides.
const MIDDLE: (usize, usize) = (160, 120);

/// A camera whose digital head somebody watches.
struct Watched {
    camera: Camera,
    viewer: Viewer,
    world: Picture,
}

impl Watched {
    /// Starts it, with more keys of `[ptz]`.
    fn new(source: &str, view: &str, more: &str) -> Self {
        let camera = showing(source, &format!("[ptz]\nview = \"{view}\"\n{more}"));
        let viewer = Viewer::open(&camera.viewer(), "/videostream.cgi");
        Self { camera, viewer, world: scene(Size::VGA) }
    }

    fn demo(view: &str, more: &str) -> Self {
        Self::new("demo:?size=640x480&fps=30", view, more)
    }

    #[track_caller]
    fn order(&self, query: &str) {
        self.camera.operator().get(&format!("/decoder_control.cgi?{query}")).ok();
    }

    /// Returns which part of the scene the next picture shows, and the picture.
    #[track_caller]
    fn look(&mut self) -> ((usize, usize), Picture) {
        let picture = self.viewer.picture();
        let (place, off) = picture.part_of(&self.world);
        // The little things that move are up to 6 off, where there are most of them.
        assert!(off < 10.0, "{off} off at {place:?}");
        (place, picture)
    }

    /// Waits until the head has come to a place and stays there.
    #[track_caller]
    fn comes_to(&mut self, place: (usize, usize)) {
        let (begin, mut seen) = (Instant::now(), Vec::new());
        while seen.len() < 4 || seen[seen.len() - 4..].iter().any(|seen| *seen != place) {
            assert!(begin.elapsed() < PATIENCE, "not at {place:?}, but {:?}", &seen[seen.len().saturating_sub(4)..]);
            seen.push(self.look().0);
        }
    }

    /// Waits until the head rests; returns where.
    #[track_caller]
    fn rests(&mut self) -> (usize, usize) {
        let (begin, mut seen) = (Instant::now(), vec![self.look().0]);
        while seen.len() < 8 || seen[seen.len() - 8..].iter().any(|place| *place != seen[seen.len() - 1]) {
            assert!(begin.elapsed() < PATIENCE, "it does not rest: {:?}", &seen[seen.len().saturating_sub(8)..]);
            seen.push(self.look().0);
        }
        seen[seen.len() - 1]
    }
}

#[test]
fn a_digital_head_rests_on_the_pixel_that_was_asked_for_and_a_preset_returns_to_it() {
    let mut head = Watched::demo("320x240", "field_deg = 64.0\n");
    head.comes_to(MIDDLE);
    // An eighth of what is seen to the right and down; ten pixels are a degree.
    head.order("command=6&onestep=1");
    head.order("command=2&onestep=1");
    head.comes_to((160 + 40, 120 + 30));
    head.order("command=4&onestep=1&degree=5");
    head.order("command=0&onestep=1&degree=7");
    head.comes_to((160 + 40 - 50, 120 + 30 - 70));
    head.order("command=30");
    // Slow enough to be stopped on its way on any machine.
    head.camera.admin().get("/set_misc.cgi?ptz_patrol_rate=90").ok();
    head.order("command=93");
    while head.look().0.0 < 160 {}
    head.order("command=1");
    let stopped = head.rests();
    assert!((160..320).contains(&stopped.0) && (81..240).contains(&stopped.1), "{stopped:?}");
    assert_eq!((stopped.0 % 2, stopped.1 % 2), (0, 0), "colours come along unchanged");
    head.order("command=31");
    head.comes_to((150, 80));
    head.order("command=25");
    head.comes_to(MIDDLE);
}

#[test]
fn a_digital_head_goes_as_fast_as_its_rate_says_by_the_time_of_capture() {
    let mut head = Watched::demo("320x240", "");
    // The scene's time is in its upper edge.
    head.order("command=90");
    head.comes_to((0, 0));
    head.camera.admin().get("/set_misc.cgi?ptz_patrol_rate=20").ok();
    head.order("command=6");
    let mut seen = Vec::new();
    loop {
        let (place, picture) = head.look();
        let Some(time) = picture.placed(WORLD, place).time() else { break };
        assert_eq!(place.1, 0);
        seen.push((time.as_secs_f64(), place.0 as f64));
    }
    head.order("command=1");
    // What it does while it gains speed is not looked at, nor a lap of the clock.
    seen.retain(|(_, place)| *place > 40.0);
    let (begin, end) = (seen[0], seen[seen.len() - 1]);
    let took = (end.0 - begin.0).rem_euclid(10.0);
    let speed = (end.1 - begin.1) / took;
    // A width of what is seen in a second is the fastest; a hundred less is a tenth of it.
    let due = 320.0 * 10_f64.powf(-0.2);
    assert!((speed / due - 1.0).abs() < 0.03, "{speed} pixels a second, not {due}");
    for (time, place) in seen {
        let on_its_way = begin.1 + (time - begin.0).rem_euclid(10.0) * due;
        assert!((place - on_its_way).abs() < 2.5, "at {place}, where {on_its_way} was due");
    }
}

#[test]
fn a_patrol_goes_its_rounds_and_ends_where_it_began() {
    let mut head = Watched::demo("560x420", "");
    head.camera
        .admin()
        .get("/set_misc.cgi?ptz_patrol_h_rounds=2&ptz_patrol_left_rate=60&ptz_patrol_right_rate=60")
        .ok();
    let home = head.rests();
    head.order("command=28");
    let mut turns = vec![home.0];
    let mut before = home.0;
    let (begin, mut still) = (Instant::now(), 0);
    while still < 8 || turns.len() < 2 {
        assert!(begin.elapsed() < PATIENCE, "it does not end: {turns:?}");
        let ((left, top), _) = head.look();
        assert_eq!(top, home.1);
        still = if left == before { still + 1 } else { 0 };
        before = left;
        // A turn is where it is farthest before it comes back.
        let way = |turns: &[usize]| turns.len() >= 2 && turns[turns.len() - 1] > turns[turns.len() - 2];
        let last = turns[turns.len() - 1];
        if turns.len() >= 2 && (left > last) == way(&turns) || left.abs_diff(last) < 3 {
            let last = turns.len() - 1;
            if turns.len() >= 2 && (left > turns[last]) == way(&turns) {
                turns[last] = left;
            }
        } else {
            turns.push(left);
        }
    }
    let due = [home.0, 0, 80, 0, 80, home.0];
    let near = turns.len() == due.len() && turns.iter().zip(due).all(|(turn, due)| turn.abs_diff(due) < 30);
    assert!(near, "{turns:?}, not {due:?}");
    assert_eq!(turns[5], home.0);
}

#[test]
fn a_flip_turns_picture_and_ways_and_no_preset() {
    let mut head = Watched::demo("320x240", "directions = \"swapped\"\n");
    head.comes_to(MIDDLE);
    // Of clients that send left for right.
    head.order("command=4&onestep=1");
    head.comes_to((200, 120));
    head.order("command=30");
    head.camera.operator().get("/camera_control.cgi?param=5&value=3").ok();
    // Whatever is seen next is upside down and mirrored.
    let original = head.world.clone();
    let turned = original.upside_down().mirrored();
    let turned_place = |left: usize, top: usize| (320 - left, 240 - top);
    eventually("the flip is seen", || head.viewer.picture().off(&turned, (120.0, 120.0), 1.0) < 6.0);
    head.world = turned;
    head.comes_to(turned_place(200, 120));
    // What the viewer sees as right and up is left and down of the scene.
    head.order("command=4&onestep=1");
    head.order("command=0&onestep=1");
    head.comes_to(turned_place(160, 150));
    head.order("command=31");
    head.comes_to(turned_place(200, 120));
}

#[test]
fn a_zoom_shows_things_as_large_as_it_says() {
    let mut head = Watched::demo("320x240", "zoom = 3.0\n");
    // Each is as large as it would be in a picture of three, four and three times the scene's sides.
    let shows = |head: &mut Watched, zoom: f64| {
        let scale = 2.0 / zoom;
        let begin = (320.0 - 160.0 * scale, 240.0 - 120.0 * scale);
        let mut off = [0.0; 3];
        eventually(&format!("it shows a zoom of {zoom}"), || {
            let picture = head.viewer.picture();
            let at = |scale: f64| picture.off(&head.world, (320.0 - 160.0 * scale, 240.0 - 120.0 * scale), scale);
            off = [at(scale * 0.96), picture.off(&head.world, begin, scale), at(scale * 1.04)];
            off[1] < off[0] && off[1] < off[2] && off[1] < 4.0
        });
    };
    shows(&mut head, 3.0);
    head.order("command=30");
    head.order("command=18");
    shows(&mut head, 4.0);
    head.order("command=19");
    head.order("command=31");
    shows(&mut head, 3.0);
}

#[test]
fn a_head_that_rests_on_blocks_of_a_jpeg_encodes_nothing_and_all_viewers_share_what_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("still.jpg");
    let jpeg = scene_jpeg(Size::new(1280, 960), 4711);
    fs::write(&path, &jpeg).unwrap();
    let camera = showing(&format!("file:{}", path.display()), "[ptz]\nview = \"640x480\"\n");
    let mut viewers = [(); 2].map(|()| Viewer::open(&camera.viewer(), "/videostream.cgi"));
    let original = Picture::decode(&jpeg);
    let part = |left: usize, top: usize| {
        let rows = original.luma.chunks_exact(1280).skip(top).take(480);
        rows.flat_map(|row| row[left..left + 640].to_vec()).collect::<Vec<u8>>()
    };
    assert_eq!(viewers[0].picture().luma, part(320, 240), "cut out without a loss");
    let encodes = || camera.metric("lookout_encodes_total");
    let before = encodes();
    // A usual step is five blocks.
    camera.operator().get("/decoder_control.cgi?command=6&onestep=1").ok();
    let there = part(400, 240);
    eventually("the step is made", || viewers.iter_mut().all(|viewer| viewer.picture().luma == there));
    let moved = encodes();
    assert!(moved > before, "on its way it is on any pixel");
    for _ in 0..5 {
        let [one, other] = [0, 1].map(|which: usize| viewers[which].next_jpeg().unwrap());
        assert!(one == other, "the same bytes");
        assert_eq!(Picture::decode(&one).luma, there);
    }
    assert_eq!(encodes(), moved);
    // Two viewers do not cost twice: between two blocks every picture is made anew, once.
    camera.operator().get("/decoder_control.cgi?command=6&onestep=1&degree=1").ok();
    let mut captured = 0.0;
    eventually("it rests elsewhere", || {
        captured = camera.metric("lookout_frames_captured_total");
        viewers[0].picture().luma != there
    });
    let (moved, captured) = (encodes(), captured);
    std::thread::sleep(Duration::from_millis(500));
    let (more, pictures) = (encodes() - moved, camera.metric("lookout_frames_captured_total") - captured);
    assert!(more > 0.0 && more <= pictures, "{more} of {pictures}");
}

#[test]
fn a_camera_without_a_view_leaves_its_pictures_alone_until_it_is_zoomed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("still.jpg");
    let jpeg = scene_jpeg(Size::VGA, 1);
    fs::write(&path, &jpeg).unwrap();
    let camera = showing(&format!("file:{}", path.display()), "");
    let mut viewer = Viewer::open(&camera.viewer(), "/videostream.cgi");
    assert_eq!(viewer.next_jpeg().unwrap(), jpeg);
    assert_eq!(camera.metric("lookout_encodes_total"), 0.0);
    camera.operator().get("/decoder_control.cgi?command=18").ok();
    eventually("it is nearer", || viewer.next_jpeg().unwrap() != jpeg);
    camera.operator().get("/decoder_control.cgi?command=16").ok();
    eventually("it is as it was", || viewer.next_jpeg().unwrap() == jpeg);
}

#[test]
fn the_placeholder_of_a_lost_source_is_as_large_as_the_view() {
    let camera = showing("file:/nowhere/at/all.jpg", "[ptz]\nview = \"320x240\"\n");
    let mut viewer = Viewer::open(&camera.viewer(), "/videostream.cgi");
    assert_eq!(viewer.picture().size(), (320, 240));
}
