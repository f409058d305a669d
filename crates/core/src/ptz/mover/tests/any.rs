//! What holds of every head, whatever it is told.

use proptest::prelude::*;

use super::*;

fn bodies() -> impl Strategy<Value = Body> {
    let window = (64_u32..=8192, 64_u32..=8192, 0.05..=1.0, 0.0..=4.0, 0.0..=1.0, 0_u32..3).prop_map(
        |(wide, high, seen, octaves, blocks_zoom, grid)| {
            let (wide, high) = (f64::from(wide), f64::from(high));
            let grid = f64::from(grid);
            Body {
                octaves,
                seen: (seen, (seen * 1.3).min(1.0)),
                degrees: (60.0, 60.0 * high / wide),
                centre: (0.5, 0.5),
                grid: (grid / wide, grid / high),
                blocks: (16.0 / wide, 8.0 / high),
                blocks_zoom,
            }
        },
    );
    prop_oneof![4 => Just(BODY), 1 => Just(DEVICE), 1 => Just(Body { octaves: 0.0, ..DEVICE }), 8 => window]
}

fn orders() -> impl Strategy<Value = (Order, Pose)> {
    let pose = (0.0..=1.0, 0.0..=1.0, 0.0..=1.0).prop_map(|(pan, tilt, zoom)| Pose { pan, tilt, zoom });
    let axis = any::<bool>().prop_map(|over| if over { Axis::Horizontal } else { Axis::Vertical });
    let order = prop_oneof![
        6 => (0_usize..8).prop_map(|way| Order::Move(Way::ALL[way])),
        3 => (0_usize..4, prop::option::of(1..=90)).prop_map(|(way, degrees)| {
            Order::Step(Way::ALL[way], degrees.map(Int::new))
        }),
        4 => Just(Order::Stop),
        2 => Just(Order::Lens(Lens::ZoomTele)),
        2 => Just(Order::Lens(Lens::ZoomWide)),
        2 => Just(Order::LensStop),
        3 => (axis, prop::bool::weighted(0.8)).prop_map(|(axis, on)| Order::Patrol(axis, on)),
        1 => Just(Order::Centre),
        3 => Just(Order::GoTo(Preset::new(1))),
        1 => Just(Order::Test),
    ];
    (order, pose)
}

fn miscs() -> impl Strategy<Value = Misc> {
    let rounds = || prop_oneof![3 => 0..3, 1 => 3..40];
    (0..=100, 0..=100, 0..=100, rounds(), rounds(), 0..30, 0_u8..4).prop_map(
        |(rate, left, down, h, v, interval, kind)| Misc {
            rate: Int::new(rate),
            left_rate: Int::new(left),
            down_rate: Int::new(down),
            patrol_h_rounds: Int::new(h),
            patrol_v_rounds: Int::new(v),
            auto_patrol_interval_s: Int::new(interval),
            auto_patrol_type: [PatrolType::None, PatrolType::Horizontal, PatrolType::Vertical, PatrolType::Both]
                [usize::from(kind)],
            ..Misc::default()
        },
    )
}

/// What happens to a head, and how long nothing else does after it.
#[derive(Clone, Debug)]
enum Event {
    Order(Order, Pose),
    Hold(bool),
    Misc(Misc),
    Body(Body),
}

fn events() -> impl Strategy<Value = Vec<(Event, u64)>> {
    let event = prop_oneof![
        12 => orders().prop_map(|(order, pose)| Event::Order(order, pose)),
        1 => any::<bool>().prop_map(Event::Hold),
        1 => miscs().prop_map(Event::Misc),
        1 => bodies().prop_map(Event::Body),
    ];
    let pause = prop_oneof![4 => 0_u64..400, 4 => 0_u64..4000, 1 => 0_u64..70_000];
    prop::collection::vec((event, pause), 1..12)
}

impl Head {
    fn meets(&mut self, event: &Event) {
        match event {
            // What it does not know it refuses.
            Event::Order(order, pose) => {
                let _ = self.mover.order(*order, Some(*pose), &self.misc, self.now);
            }
            Event::Hold(held) => self.mover.hold(*held, self.now),
            Event::Misc(misc) => {
                self.misc = misc.clone();
                self.pose();
            }
            Event::Body(body) => self.mover.set_body(*body, self.now),
        }
    }
}

fn same(one: Pose, other: Pose) -> bool {
    let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
    near(one.pan, other.pan) && near(one.tilt, other.tilt) && near(one.zoom, other.zoom)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn where_it_is_is_a_matter_of_time_and_not_of_who_asks(
        body in bodies(), misc in miscs(), events in events(), every in 3_u64..50,
    ) {
        let mut seldom = Head::new(body, MIDDLE);
        seldom.misc = misc;
        seldom.pose();
        let mut often = Head { mover: seldom.mover.clone(), misc: seldom.misc.clone(), now: seldom.now };
        for (event, pause) in &events {
            seldom.meets(event);
            often.meets(event);
            for _ in 0..pause / every {
                often.wait(every);
            }
            let (one, other) = (seldom.wait(*pause), often.wait(pause % every));
            prop_assert!(same(one, other), "{:?} {:?}", one, other);
            prop_assert_eq!(seldom.mover.moving(), often.mover.moving());
            prop_assert_eq!(seldom.mover.patrol(), often.mover.patrol());
            prop_assert_eq!(seldom.due(), often.due());
        }
    }

    #[test]
    fn it_never_leaves_the_world_and_is_never_too_fast_or_too_abrupt(
        body in bodies(), misc in miscs(), events in events(),
    ) {
        const MS: u64 = 4;
        let mut head = Head::new(body, MIDDLE);
        head.misc = misc;
        let (mut speeds, mut zooms): (Option<[f64; 3]>, _) = (None, false);
        for (event, pause) in &events {
            if matches!(event, Event::Body(_)) {
                continue;
            }
            let mut last = head.pose();
            head.meets(event);
            prop_assert!(same(last, head.pose()), "no order moves it by itself");
            for _ in 0..(pause / MS).min(2000) {
                let pose = head.wait(MS);
                let seen = |share: f64| share * (-body.octaves * pose.zoom).exp2() / 2.0;
                let [across, down] = [seen(body.seen.0), seen(body.seen.1)];
                prop_assert!(pose.pan >= across - 1e-9 && pose.pan <= 1.0 - across + 1e-9, "{:?}", pose);
                prop_assert!(pose.tilt >= down - 1e-9 && pose.tilt <= 1.0 - down + 1e-9, "{:?}", pose);
                prop_assert!((0.0..=1.0).contains(&pose.zoom));
                let moved = [pose.pan - last.pan, pose.tilt - last.tilt, pose.zoom - last.zoom];
                let now = moved.map(|moved| moved / (MS as f64 / 1000.0));
                // While it zooms, the edges push it, and what is seen was larger or will be; so until it rests.
                let zoomed = zooms;
                zooms = now[2] != 0.0 || (zooms && head.mover.moving());
                let zoom = if zooms { 0.0 } else { pose.zoom };
                for axis in [PAN, TILT, ZOOM] {
                    let pace = body.fastest(axis, zoom);
                    let push = if zooms && axis != ZOOM { body.octaves * 0.7 / 3.0 } else { 0.0 };
                    prop_assert!(now[axis].abs() <= pace.top * 1.001 + push, "{axis}: {now:?} {pace:?}");
                    // An edge that has come to rest pushes no more: what it pushed until then stops with it.
                    if let Some(before) = speeds.filter(|_| axis == ZOOM || !(zooms || zoomed)) {
                        let gain = (now[axis] - before[axis]).abs() / (MS as f64 / 1000.0);
                        prop_assert!(gain <= pace.gain * 1.01 + 1e-3, "{axis}: {gain} {pace:?}");
                    }
                }
                (last, speeds) = (pose, Some(now));
            }
        }
    }

    #[test]
    fn where_it_rests_is_on_the_grid_and_its_preset_brings_it_back_to_the_very_pixel(
        body in bodies(), misc in miscs(), events in events(), elsewhere in events(),
    ) {
        let mut head = Head::new(body, MIDDLE);
        head.misc = misc;
        let mut body = body;
        for (event, pause) in &events {
            head.meets(event);
            if let Event::Body(other) = event {
                body = *other;
            }
            head.wait(*pause);
        }
        (head.misc.auto_patrol_type, head.misc.patrol_h_rounds) = (PatrolType::None, Int::new(0));
        let park = |head: &mut Head| {
            head.mover.hold(true, head.now);
            for _ in 0..3 {
                head.order(Order::Stop);
                head.wait(20_000);
            }
            assert!(!head.mover.moving() && head.mover.patrol().is_none());
            head.pose()
        };
        let pose = park(&mut head);
        let pixels = |pose: Pose| {
            let half = |share: f64| share * (-body.octaves * pose.zoom).exp2() / 2.0;
            let of = |middle: f64, half: f64, grid: f64| if grid > 0.0 { (middle - half) / grid } else { 0.0 };
            [of(pose.pan, half(body.seen.0), body.grid.0), of(pose.tilt, half(body.seen.1), body.grid.1)]
        };
        for pixel in pixels(pose) {
            prop_assert!((pixel - pixel.round()).abs() < 1e-6, "{:?} {}", pose, pixel);
        }
        for (event, pause) in &elsewhere {
            if !matches!(event, Event::Body(_)) {
                head.meets(event);
                head.wait(*pause);
            }
        }
        park(&mut head);
        let kept = pose.place();
        head.go_to(Pose::at(kept).unwrap());
        head.wait(1_000_000);
        let back = head.pose();
        prop_assert_eq!(back.place(), kept);
        let exact = |grid: f64, one: f64, other: f64| (one - other).abs() < if grid > 0.0 { 1e-12 } else { 1.0 / 131_069.0 };
        prop_assert!(exact(body.grid.0, back.pan, pose.pan) && exact(body.grid.1, back.tilt, pose.tilt), "{:?} {:?}", back, pose);
        prop_assert!((back.zoom - pose.zoom).abs() < 1e-12);
    }

    #[test]
    fn a_month_is_asked_for_as_fast_as_a_moment_and_is_a_month(
        body in bodies(), misc in miscs(), orders in orders(), ms in 1_000_000_000_u64..3_000_000_000, kind in 0_u8..3,
    ) {
        let mut head = Head::new(body, MIDDLE);
        head.misc = misc;
        if kind == 0 {
            head.misc.auto_patrol_interval_s = Int::new(1);
        }
        let _ = head.mover.order(orders.0, Some(orders.1), &head.misc, head.now);
        head.mover.happened = 0;
        head.wait(ms);
        prop_assert!(head.mover.happened < 5000, "{} things happened", head.mover.happened);
    }

    #[test]
    fn what_is_left_out_of_an_hour_is_what_is_the_same_all_the_time(
        misc in miscs(), over in any::<bool>(), zoom in 0.3..=1.0, s in 600_u64..1800, by_hand in any::<bool>(),
    ) {
        let mut whole = Head::new(BODY, Pose { pan: 0.4, tilt: 0.45, zoom });
        whole.misc = misc;
        whole.pose();
        if by_hand {
            whole.order(Order::Patrol(if over { Axis::Horizontal } else { Axis::Vertical }, true));
        }
        let mut pieces = Head { mover: whole.mover.clone(), misc: whole.misc.clone(), now: whole.now };
        for _ in 0..s * 10 {
            pieces.wait(100);
        }
        whole.wait(s * 1000);
        prop_assert!(same(whole.pose(), pieces.pose()), "{:?} {:?}", whole.pose(), pieces.pose());
        prop_assert_eq!(whole.due(), pieces.due());
        prop_assert_eq!(whole.mover.patrol(), pieces.mover.patrol());
    }

    #[test]
    fn no_numbers_make_it_panic_or_stay(
        numbers in prop::collection::vec(prop::num::f64::ANY, 16), orders in prop::collection::vec((orders(), 0_u64..100_000), 1..5),
    ) {
        let body = Body {
            octaves: numbers[0],
            seen: (numbers[1], numbers[2]),
            degrees: (numbers[3], numbers[4]),
            centre: (numbers[5], numbers[6]),
            grid: (numbers[7], numbers[8]),
            blocks: (numbers[9], numbers[10]),
            blocks_zoom: numbers[11],
        };
        let odd = Pose { pan: numbers[12], tilt: numbers[13], zoom: numbers[14] };
        let mut head = Head::new(body, odd);
        for ((order, pose), pause) in orders {
            let _ = head.mover.order(order, Some(if numbers[15] > 0.0 { odd } else { pose }), &head.misc, head.now);
            let pose = head.wait(pause);
            for share in [pose.pan, pose.tilt, pose.zoom] {
                prop_assert!((0.0..=1.0).contains(&share), "{:?}", pose);
            }
        }
    }
}
