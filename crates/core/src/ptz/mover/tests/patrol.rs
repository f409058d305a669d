//! What patrols do, by hand and by themselves.

use super::*;

impl Head {
    /// Counts at how many ends it turns until it rests, or for a time.
    fn turns(&mut self, axis: Axis, within_s: u64) -> usize {
        let (mut turns, mut before) = (Vec::new(), None);
        for _ in 0..within_s * 50 {
            let pose = self.wait(20);
            let place = if axis == Axis::Horizontal { pose.pan } else { pose.tilt };
            let end = if place < 0.251 {
                Some(0)
            } else if place > 0.749 {
                Some(1)
            } else {
                None
            };
            if end.is_some() && end != before {
                (turns, before) = ([turns, vec![end]].concat(), end);
            }
            if !self.mover.moving() {
                break;
            }
        }
        turns.len()
    }
}

#[test]
fn a_patrol_goes_its_rounds_and_back_to_where_it_began() {
    for rounds in [1, 2, 5] {
        let mut head = Head::new(BODY, Pose { pan: 0.4, tilt: 0.3, zoom: 0.5 });
        let from = head.pose();
        head.misc.patrol_h_rounds = Int::new(rounds);
        head.order(Order::Patrol(Axis::Horizontal, true));
        assert_eq!(head.mover.patrol(), Some(Axis::Horizontal));
        assert_eq!(head.turns(Axis::Horizontal, 60), 2 * rounds as usize);
        assert_eq!((head.pose(), head.mover.patrol()), (from, None));
        head.rests();
    }
}

#[test]
fn q66_a_patrol_has_a_speed_for_each_direction() {
    let mut head = Head::new(BODY, MIDDLE);
    (head.misc.left_rate, head.misc.right_rate) = (Int::new(0), Int::new(100));
    head.order(Order::Patrol(Axis::Horizontal, true));
    let (before, after) = (head.wait(500), head.wait(100));
    assert!(((before.pan - after.pan) * WIDE - 6.4).abs() < 1e-6);
    while head.wait(10).pan > 0.251 {}
    let (before, after) = (head.wait(600), head.wait(100));
    assert!(((after.pan - before.pan) * WIDE - 64.0).abs() < 1e-6);
    head.misc.right_rate = Int::new(0);
    head.pose();
    let (before, after) = (head.wait(300), head.wait(100));
    assert!(((after.pan - before.pan) * WIDE - 6.4).abs() < 1e-6, "from now on");
}

#[test]
fn q66_a_manual_move_lets_a_patrol_rest_until_ten_seconds_after_it() {
    let mut head = Head::new(BODY, MIDDLE);
    head.order(Order::Patrol(Axis::Vertical, true));
    head.wait(700);
    head.order(Order::Move(Way::Left));
    head.wait(300);
    head.order(Order::Stop);
    head.wait(1000);
    assert_eq!((head.mover.moving(), head.mover.patrol()), (false, Some(Axis::Vertical)));
    let due = head.due().unwrap();
    assert!(due > Duration::from_secs(9) && due < Duration::from_secs(10), "{due:?}");
    let before = head.pose();
    head.wait(due.as_millis() as u64 - 1);
    assert!(!head.mover.moving());
    let after = head.wait(300);
    assert!(head.mover.moving() && after.tilt < before.tilt && after.pan == before.pan);
    assert!(head.turns(Axis::Vertical, 20) > 7);
}

#[test]
fn a_stop_of_the_patrol_itself_its_off_and_a_second_stop_end_it() {
    let begin = || {
        let mut head = Head::new(BODY, MIDDLE);
        head.order(Order::Patrol(Axis::Horizontal, true));
        head.wait(500);
        head
    };
    let ends = |mut head: Head| {
        assert_eq!(head.mover.patrol(), None);
        let stops = head.wait(700);
        head.rests();
        assert_eq!((head.pose(), head.due()), (stops, None));
        let left = head.pixel().0 / 16.0;
        assert!((left - left.round()).abs() < 1e-6, "{left}");
    };
    let mut head = begin();
    head.order(Order::Stop);
    ends(head);
    let mut head = begin();
    head.order(Order::Patrol(Axis::Vertical, false));
    assert_eq!(head.mover.patrol(), Some(Axis::Horizontal), "that is another one");
    head.order(Order::Patrol(Axis::Horizontal, false));
    ends(head);
    for first in [Order::Move(Way::Down), Order::Centre, Order::Step(Way::Up, None)] {
        let mut head = begin();
        head.order(first);
        head.wait(100);
        head.order(Order::Stop);
        head.wait(1000);
        assert_eq!(head.mover.patrol(), Some(Axis::Horizontal));
        head.order(Order::Stop);
        ends(head);
    }
}

#[test]
fn a_patrol_that_is_ordered_again_goes_on_at_once_and_one_of_the_other_axis_takes_its_place() {
    let mut head = Head::new(BODY, MIDDLE);
    head.misc.patrol_h_rounds = Int::new(1);
    head.order(Order::Patrol(Axis::Horizontal, true));
    let before = head.wait(500);
    head.order(Order::Patrol(Axis::Horizontal, true));
    let after = head.wait(100);
    assert!(((before.pan - after.pan) * WIDE - 6.4 * 10_f64.sqrt()).abs() < 1e-3, "nothing disturbs it");
    head.order(Order::Step(Way::Down, None));
    head.wait(2000);
    assert!(!head.mover.moving());
    head.order(Order::Patrol(Axis::Horizontal, true));
    assert!(head.mover.moving());
    assert_eq!(head.turns(Axis::Horizontal, 30), 2);
    assert_eq!(head.pose().pan, 0.5, "where it began at first");
    head.order(Order::Patrol(Axis::Horizontal, true));
    head.wait(500);
    head.order(Order::Patrol(Axis::Vertical, true));
    let (before, after) = (head.wait(400), head.wait(100));
    assert_eq!((head.mover.patrol(), before.pan), (Some(Axis::Vertical), after.pan));
    assert!(after.tilt < before.tilt);
}

#[test]
fn an_alarm_lets_a_patrol_rest_and_its_end_lets_it_go_on() {
    let mut head = Head::new(BODY, MIDDLE);
    head.order(Order::Patrol(Axis::Horizontal, true));
    head.wait(500);
    head.mover.hold(true, head.now);
    head.rests();
    assert_eq!((head.mover.patrol(), head.due()), (Some(Axis::Horizontal), None));
    head.wait(100_000);
    head.mover.hold(false, head.now);
    assert!(head.mover.moving());
    assert!(head.turns(Axis::Horizontal, 10) > 2);
}

#[test]
fn q66_an_automatic_patrol_begins_after_its_interval_without_an_order_and_again_after_its_end() {
    let mut head = Head::new(BODY, MIDDLE);
    head.misc.auto_patrol_interval_s = Int::new(30);
    head.misc.auto_patrol_type = PatrolType::Both;
    (head.misc.patrol_h_rounds, head.misc.patrol_v_rounds) = (Int::new(2), Int::new(1));
    assert_eq!(head.due(), Some(Duration::from_secs(30)));
    head.wait(20_000);
    head.order(Order::Step(Way::Left, None));
    head.rests();
    let from = head.pose();
    for _ in 0..3 {
        head.now += head.due().unwrap();
        head.pose();
        assert_eq!((head.mover.moving(), head.mover.patrol()), (true, Some(Axis::Horizontal)));
        let mut both = head.mover.clone();
        assert_eq!(head.turns(Axis::Vertical, 60), 2);
        std::mem::swap(&mut both, &mut head.mover);
        head.now -= Duration::from_secs(60);
        assert_eq!(head.turns(Axis::Horizontal, 60), 4);
        assert_eq!((head.pose(), head.mover.patrol()), (from, None));
        let due = head.due().unwrap();
        assert!(due > Duration::from_millis(29_900) && due <= Duration::from_secs(30), "{due:?}");
    }
    head.misc.auto_patrol_type = PatrolType::None;
    assert_eq!(head.due(), None);
}

#[test]
fn a_patrol_of_both_without_a_number_of_rounds_goes_one_each_in_turn() {
    let mut head = Head::new(BODY, MIDDLE);
    head.misc.auto_patrol_interval_s = Int::new(1);
    head.misc.auto_patrol_type = PatrolType::Both;
    head.wait(1000);
    let mut turns = Vec::new();
    for _ in 0..5000 {
        head.wait(10);
        if turns.last() != Some(&head.mover.patrol()) {
            turns.push(head.mover.patrol());
        }
    }
    let [h, v] = Axis::ALL.map(Some);
    assert_eq!(turns[..6], [h, v, h, v, h, v]);
}

#[test]
fn where_there_is_no_room_a_patrol_ends_at_once_and_none_begins_by_itself() {
    let mut head = Head::new(BODY, Pose { zoom: 0.0, ..MIDDLE });
    head.order(Order::Patrol(Axis::Horizontal, true));
    assert_eq!((head.mover.moving(), head.mover.patrol()), (false, None));
    head.misc.auto_patrol_interval_s = Int::new(1);
    head.misc.auto_patrol_type = PatrolType::Both;
    assert_eq!(head.due(), None);
    let mut wide = Head::new(Body { seen: (0.5, 1.0), ..BODY }, Pose { zoom: 0.0, ..MIDDLE });
    wide.order(Order::Patrol(Axis::Vertical, true));
    assert_eq!(wide.mover.patrol(), None);
    wide.misc = head.misc.clone();
    wide.wait(3_000_000_000);
    assert!(wide.mover.moving());
}
