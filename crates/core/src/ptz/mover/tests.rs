//! What a head does is told here in pixels of a window over a picture of 1280 by 960, seen in 640 by 480, unless said.

mod any;
mod patrol;

use super::*;
use crate::{
    profile::{settings::PatrolType, wire::Int},
    ptz::Preset,
};

pub(super) const WIDE: f64 = 1280.0;
pub(super) const HIGH: f64 = 960.0;

/// A window of at most two pixels of the view to one of the picture, which rests on even pixels, and best on blocks of 16.
pub(super) const BODY: Body = Body {
    octaves: 2.0,
    seen: (1.0, 1.0),
    degrees: (64.0, 48.0),
    centre: (0.5, 0.5),
    grid: (2.0 / WIDE, 2.0 / HIGH),
    blocks: (16.0 / WIDE, 16.0 / HIGH),
    blocks_zoom: 0.5,
};
const MIDDLE: Pose = Pose { pan: 0.5, tilt: 0.5, zoom: 0.5 };

/// A device that turns 340 degrees, tilts 120, and zooms.
pub(super) const DEVICE: Body = Body {
    octaves: 3.0,
    seen: (0.0, 0.0),
    degrees: (340.0, 120.0),
    centre: (0.5, 0.25),
    grid: (0.0, 0.0),
    blocks: (0.0, 0.0),
    blocks_zoom: 0.0,
};

struct Head {
    mover: Mover,
    misc: Misc,
    now: Instant,
}

impl Head {
    fn new(body: Body, pose: Pose) -> Self {
        #[allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]
        let now = Instant::now();
        Self { mover: Mover::new(body, pose, now), misc: Misc::default(), now }
    }

    fn order(&mut self, order: Order) {
        self.mover.order(order, None, &self.misc, self.now).unwrap();
    }

    fn go_to(&mut self, pose: Pose) {
        self.mover.order(Order::GoTo(Preset::new(1)), Some(pose), &self.misc, self.now).unwrap();
    }

    fn wait(&mut self, ms: u64) -> Pose {
        self.now += Duration::from_millis(ms);
        self.pose()
    }

    fn pose(&mut self) -> Pose {
        self.mover.pose(&self.misc, self.now)
    }

    /// The left and upper pixel of what is seen at zoom 0.5.
    fn pixel(&mut self) -> (f64, f64) {
        let pose = self.pose();
        (pose.pan * WIDE - 320.0, pose.tilt * HIGH - 240.0)
    }

    fn rests(&mut self) {
        let before = self.wait(5000);
        assert!(!self.mover.moving());
        assert_eq!(self.wait(5000), before);
    }

    fn due(&self) -> Option<Duration> {
        self.mover.due(&self.misc, self.now)
    }
}

fn near(one: (f64, f64), other: (f64, f64)) -> bool {
    (one.0 - other.0).abs() < 1e-6 && (one.1 - other.1).abs() < 1e-6
}

#[test]
fn q66_a_move_is_one_width_a_second_after_a_quarter_of_one_both_ways() {
    for (way, speed) in [(Way::Right, (640.0, 0.0)), (Way::Left, (-640.0, 0.0)), (Way::Down, (0.0, 640.0))] {
        let mut head = Head::new(BODY, MIDDLE);
        head.order(Order::Move(way));
        head.wait(250);
        let before = head.pixel();
        assert!(near((before.0 - 320.0, before.1 - 240.0), (speed.0 / 8.0, speed.1 / 8.0)), "{before:?}");
        head.wait(100);
        let after = head.pixel();
        assert!(near((after.0 - before.0, after.1 - before.1), (speed.0 / 10.0, speed.1 / 10.0)), "{after:?}");
    }
}

#[test]
fn q66_the_rate_of_moves_is_a_tenth_at_100_and_the_same_factor_between() {
    for (rate, speed) in [(0, 64.0), (50, 64.0 * 0.1_f64.sqrt()), (100, 6.4)] {
        let mut head = Head::new(BODY, MIDDLE);
        head.misc.rate = Int::new(rate);
        head.order(Order::Move(Way::Left));
        let (before, after) = (head.wait(300), head.wait(100));
        assert!(((before.pan - after.pan) * WIDE - speed).abs() < 1e-6);
    }
}

#[test]
fn a_stop_stops_on_the_next_block_that_it_can_reach() {
    for (ms, at) in [(0, 320.0), (100, 352.0), (250, 480.0), (300, 512.0)] {
        let mut head = Head::new(BODY, MIDDLE);
        head.order(Order::Move(Way::Right));
        head.wait(ms);
        let needs = head.pixel().0 + (640.0 * 0.25 / 2.0) * (ms.min(250) as f64 / 250.0).powi(2);
        head.order(Order::Stop);
        head.rests();
        let (left, top) = head.pixel();
        assert!(
            near((left, top), (at, 240.0)) && left >= needs - 1e-6 && left < needs + 16.0,
            "{ms} ms: {left}, {needs}"
        );
    }
}

#[test]
fn where_no_block_is_cheaper_a_stop_stops_on_an_even_pixel() {
    let mut head = Head::new(BODY, Pose { zoom: 0.75, ..MIDDLE });
    head.order(Order::Move(Way::UpLeft));
    head.wait(333);
    head.order(Order::Stop);
    head.rests();
    let pose = head.pose();
    let half = 640.0 * (-2.0 * pose.zoom).exp2();
    let left = (pose.pan * WIDE - half) / 2.0;
    let top = (pose.tilt * HIGH - half * 0.75) / 2.0;
    assert!((left - left.round()).abs() < 1e-6 && (top - top.round()).abs() < 1e-6);
    assert!((left / 8.0 - (left / 8.0).round()).abs() > 1e-6, "{left} would be a block");
}

#[test]
fn a_move_ends_at_the_end_of_travel_and_sees_the_edge_of_the_world() {
    for (way, end) in [(Way::DownRight, (640.0, 480.0)), (Way::UpLeft, (0.0, 0.0)), (Way::Left, (0.0, 240.0))] {
        let mut head = Head::new(BODY, MIDDLE);
        head.order(Order::Move(way));
        head.rests();
        assert!(near(head.pixel(), end), "{:?}", head.pixel());
    }
}

#[test]
fn another_direction_stops_what_does_not_go_that_way_and_reverses_through_rest() {
    let mut head = Head::new(BODY, MIDDLE);
    head.order(Order::Move(Way::UpRight));
    head.wait(300);
    head.order(Order::Move(Way::Left));
    let before = head.pixel();
    head.wait(50);
    assert!(head.pixel().0 > before.0 && head.pixel().1 < before.1, "it slows down first");
    head.rests();
    assert!(near(head.pixel(), (0.0, 48.0)), "{:?}", head.pixel());
}

#[test]
fn q66_a_step_is_an_eighth_of_what_is_seen_or_as_many_degrees_and_steps_add_up() {
    let mut head = Head::new(BODY, MIDDLE);
    for (order, at) in [
        (Order::Step(Way::Right, None), (400.0, 240.0)),
        (Order::Step(Way::Up, None), (400.0, 180.0)),
        (Order::Step(Way::Left, Some(Int::new(3))), (340.0, 180.0)),
        (Order::Step(Way::Down, Some(Int::new(90))), (340.0, 480.0)),
    ] {
        head.order(order);
        head.rests();
        assert!(near(head.pixel(), at), "{:?}", head.pixel());
    }
    for _ in 0..3 {
        head.order(Order::Step(Way::Left, None));
        head.wait(70);
    }
    head.order(Order::Step(Way::Right, Some(Int::new(2))));
    head.rests();
    assert!(near(head.pixel(), (340.0 - 3.0 * 80.0 + 40.0, 480.0)), "{:?}", head.pixel());
}

#[test]
fn a_step_of_a_head_that_moves_counts_from_where_it_stops() {
    let mut head = Head::new(BODY, MIDDLE);
    head.order(Order::Move(Way::Right));
    head.wait(300);
    head.order(Order::Step(Way::Left, None));
    head.rests();
    assert!(near(head.pixel(), (432.0, 240.0)), "{:?}", head.pixel());
}

#[test]
fn q66_zooming_takes_three_seconds_and_each_third_makes_things_larger_by_the_same_factor() {
    let mut head = Head::new(BODY, Pose { zoom: 0.0, ..MIDDLE });
    head.order(Order::Lens(Lens::ZoomTele));
    let (first, second, third) = (head.wait(500).zoom, head.wait(1000).zoom, head.wait(1000).zoom);
    assert!((second - first - 1.0 / 3.0).abs() < 1e-9 && (third - second - 1.0 / 3.0).abs() < 1e-9);
    head.order(Order::LensStop);
    head.rests();
    let zoom = head.pose().zoom;
    assert!(zoom > third && zoom < third + 0.05, "{zoom}");
    assert_eq!(Pose::at(head.pose().place()).unwrap().zoom, zoom, "a preset knows it exactly");
    head.order(Order::Lens(Lens::ZoomWide));
    head.rests();
    assert_eq!(head.pose(), Pose { pan: 0.5, tilt: 0.5, zoom: 0.0 });
}

#[test]
fn zooming_out_at_an_edge_moves_the_middle_inwards_and_keeps_the_edge_in_sight() {
    let mut head = Head::new(BODY, Pose { pan: 0.0, tilt: 1.0, zoom: 1.0 });
    head.order(Order::Lens(Lens::ZoomWide));
    for _ in 0..100 {
        let pose = head.wait(20);
        let half = (-2.0 * pose.zoom).exp2() / 2.0;
        assert!((pose.pan - half).abs() < 1e-9 && (pose.tilt - 1.0 + half).abs() < 1e-9, "{pose:?}");
    }
    head.order(Order::Stop);
    head.rests();
}

#[test]
fn the_end_of_a_zoom_does_not_end_a_move_that_goes_on_meanwhile() {
    let mut head = Head::new(BODY, Pose { zoom: 1.0, ..MIDDLE });
    head.misc.rate = Int::new(30);
    head.order(Order::Move(Way::Left));
    head.order(Order::Lens(Lens::ZoomWide));
    head.wait(200);
    head.order(Order::LensStop);
    let (zoomed, before) = (head.wait(300), head.wait(300));
    assert!(before.zoom == zoomed.zoom && before.pan < zoomed.pan);
    head.rests();
    let pose = head.pose();
    assert!((pose.pan - (-2.0 * pose.zoom).exp2() / 2.0).abs() < 1e-9, "at the edge");
}

#[test]
fn a_move_while_it_zooms_in_reaches_the_edge_of_what_is_seen_then() {
    let mut head = Head::new(BODY, Pose { zoom: 0.2, ..MIDDLE });
    head.order(Order::Move(Way::Right));
    head.order(Order::Lens(Lens::ZoomTele));
    head.wait(1000);
    let (before, after) = (head.wait(10), head.wait(10));
    assert!(after.pan > before.pan);
    head.rests();
    assert_eq!(head.pose(), Pose { pan: 0.875, tilt: 0.5, zoom: 1.0 });
}

#[test]
fn all_axes_arrive_at_a_preset_together_and_exactly_also_from_full_speed() {
    let mut head = Head::new(BODY, MIDDLE);
    head.order(Order::Move(Way::DownRight));
    head.wait(400);
    let to = Pose { pan: 0.25 + 11.0 * 2.0 / WIDE, tilt: 0.25 + 7.0 * 2.0 / HIGH, zoom: 0.5 };
    head.go_to(to);
    head.wait(250);
    let from = head.pose();
    let mut there = from;
    for _ in 0..1000 {
        let pose = head.wait(5);
        let (across, down) =
            ((pose.pan - from.pan) / (to.pan - from.pan), (pose.tilt - from.tilt) / (to.tilt - from.tilt));
        assert!((across - down).abs() < 1e-9, "on a straight line");
        there = pose;
    }
    assert!(near((there.pan, there.tilt), (to.pan, to.tilt)));
    head.rests();
}

#[test]
fn a_preset_is_gone_to_at_no_more_than_one_width_of_what_is_seen_a_second_whatever_the_zoom() {
    for (from, to) in [(0.5, 1.0), (1.0, 0.5), (1.0, 1.0)] {
        let mut head = Head::new(BODY, Pose { pan: 0.0, tilt: 0.5, zoom: from });
        head.go_to(Pose { pan: 1.0, tilt: 0.5, zoom: to });
        let mut before = head.pose();
        while head.mover.moving() {
            let pose = head.wait(10);
            let width = (-2.0 * pose.zoom.max(before.zoom)).exp2();
            assert!((pose.pan - before.pan).abs() <= width * 0.0101, "{before:?} {pose:?}");
            before = pose;
        }
    }
}

#[test]
fn a_lower_rate_slows_a_move_that_goes_on_within_its_pace() {
    let mut head = Head::new(BODY, MIDDLE);
    head.order(Order::Move(Way::Left));
    let (before, after) = (head.wait(300), head.wait(50));
    head.misc.rate = Int::new(100);
    let changed = head.pose();
    assert_eq!(changed, after);
    let next = head.wait(50);
    let speeds = [before.pan - after.pan, changed.pan - next.pan].map(|way| way * WIDE / 0.05);
    assert!((speeds[0] - 640.0).abs() < 1e-6 && (speeds[1] - (640.0 - 2560.0 * 0.025)).abs() < 1e-6, "{speeds:?}");
    let (before, after) = (head.wait(300), head.wait(100));
    assert!(((before.pan - after.pan) * WIDE - 6.4).abs() < 1e-6, "{before:?} {after:?}");
}

#[test]
fn centre_keeps_the_zoom_and_a_device_has_its_own() {
    let mut head = Head::new(BODY, Pose { pan: 0.2, tilt: 0.9, zoom: 0.75 });
    head.order(Order::Centre);
    head.rests();
    let pose = head.pose();
    assert!(
        (pose.pan - 0.5).abs() <= 1.0 / WIDE
            && (pose.tilt - 0.5).abs() <= 1.0 / HIGH
            && (pose.zoom - 0.75).abs() < 1e-5
    );
    let mut head = Head::new(DEVICE, Pose { pan: 0.0, tilt: 1.0, zoom: 0.0 });
    head.order(Order::Centre);
    head.rests();
    assert_eq!(head.pose(), Pose { pan: 0.5, tilt: 0.25, zoom: 0.0 });
}

#[test]
fn q66_a_device_takes_five_seconds_from_end_to_end_and_steps_five_degrees() {
    let mut head = Head::new(DEVICE, Pose { pan: 0.0, tilt: 0.0, zoom: 1.0 });
    head.order(Order::Step(Way::Right, None));
    head.rests();
    assert!((head.pose().pan - 5.0 / 340.0).abs() < 1e-9);
    head.order(Order::Move(Way::DownRight));
    let (first, second) = (head.wait(1000), head.wait(1000));
    assert!((second.pan - first.pan - 0.2).abs() < 1e-9 && (second.tilt - first.tilt - 0.2).abs() < 1e-9);
    head.rests();
    assert_eq!(head.pose(), Pose { pan: 1.0, tilt: 1.0, zoom: 1.0 });
}

#[test]
fn q66_a_head_that_hears_of_nobody_for_60_s_stops() {
    // The slowest move over the largest world takes longer.
    let mut head = Head::new(DEVICE, Pose { pan: 0.0, tilt: 0.5, zoom: 0.0 });
    head.misc.rate = Int::new(100);
    let mut body = DEVICE;
    body.seen = (0.05, 0.05);
    head.mover.set_body(body, head.now);
    head.order(Order::Move(Way::Right));
    assert!((head.wait(50_000).pan - 0.275).abs() < 0.001);
    head.order(Order::Move(Way::Right));
    head.wait(59_900);
    assert!(head.mover.moving());
    let stops = head.wait(200).pan;
    assert!(!head.mover.moving() && stops < 0.95);
    assert_eq!(head.wait(10_000).pan, stops);
    head.order(Order::Lens(Lens::ZoomTele));
    head.wait(2000);
    head.order(Order::LensStop);
    head.rests();
}

#[test]
fn q66_the_motor_test_sees_every_edge_and_ends_in_the_centre() {
    let mut head = Head::new(BODY, Pose { pan: 0.3, tilt: 0.4, zoom: 0.5 });
    head.order(Order::Test);
    let (mut least, mut most) = ((1.0_f64, 1.0_f64), (0.0_f64, 0.0_f64));
    while head.mover.moving() {
        let pose = head.wait(5);
        least = (least.0.min(pose.pan), least.1.min(pose.tilt));
        most = (most.0.max(pose.pan), most.1.max(pose.tilt));
    }
    assert!(least.0 < 0.2501 && least.1 < 0.2501 && most.0 > 0.7499 && most.1 > 0.7499);
    assert_eq!(head.pose(), MIDDLE);
}

#[test]
fn what_a_head_does_not_know_changes_nothing() {
    let fixed = Body { octaves: 0.0, degrees: (0.0, 90.0), ..DEVICE };
    let mut head = Head::new(fixed, MIDDLE);
    head.misc.auto_patrol_interval_s = Int::new(20);
    head.misc.auto_patrol_type = PatrolType::Vertical;
    assert_eq!(head.pose(), Pose { zoom: 0.0, ..MIDDLE });
    head.wait(1000);
    for order in [
        Order::Move(Way::Left),
        Order::Step(Way::Right, None),
        Order::Lens(Lens::ZoomTele),
        Order::Lens(Lens::IrisOpen),
        Order::LensStop,
        Order::Scan(true),
        Order::Aux(Int::new(1), true),
        Order::Patrol(Axis::Horizontal, true),
        Order::SetPreset(Preset::new(1)),
        Order::ClearPreset(Preset::new(1)),
        Order::GoTo(Preset::new(1)),
    ] {
        assert_eq!(head.mover.order(order, None, &head.misc, head.now), Err(NotSupported), "{order:?}");
    }
    assert!(!head.mover.moving());
    assert_eq!(head.due(), Some(Duration::from_secs(19)));
    head.order(Order::Move(Way::UpLeft));
    head.wait(5000);
    assert_eq!(head.pose(), Pose { pan: 0.5, tilt: 0.0, zoom: 0.0 });
}

#[test]
fn a_head_that_rests_need_not_be_looked_at() {
    let mut head = Head::new(BODY, MIDDLE);
    assert_eq!(head.due(), None);
    head.order(Order::Step(Way::Left, None));
    assert_eq!(head.due(), Some(Duration::ZERO));
    head.rests();
    assert_eq!(head.due(), None);
}

#[test]
fn another_picture_leaves_it_where_it_was_and_what_it_does_goes_on() {
    let mut head = Head::new(Body { seen: (1.0, 1.0), octaves: 0.0, ..BODY }, Pose { pan: 0.3, tilt: 0.35, zoom: 0.5 });
    assert_eq!(head.pose().pan, 0.5);
    head.mover.set_body(BODY, head.now);
    assert!((head.pose().pan - 0.3).abs() <= 1.0 / WIDE, "it was there already when nothing was known of the picture");
    let small = Body { grid: (2.0 / 320.0, 2.0 / 240.0), ..BODY };
    for order in [Order::Move(Way::Right), Order::Patrol(Axis::Horizontal, true), Order::Test] {
        head.order(order);
        head.wait(400);
        let before = head.pose();
        head.mover.set_body(small, head.now);
        let after = head.pose();
        assert!((before.pan - after.pan).abs() <= 1.0 / 320.0);
        assert!(head.mover.moving());
        assert_ne!(head.wait(400).pan, after.pan);
        head.mover.set_body(BODY, head.now);
    }
}
