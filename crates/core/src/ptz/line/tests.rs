use proptest::prelude::*;

use super::*;
use crate::ptz::{Axis, Column, Preset, command};

/// What each command of the first column sends; the black-box test reads it as well.
const DOCUMENT: &str = include_str!("../../../tests/pelco_d.txt");

#[allow(clippy::disallowed_methods, reason = "any moment will do as the beginning")]
fn start() -> Instant {
    Instant::now()
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn s(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn hex(messages: &[Message]) -> String {
    let message = |message: &Message| message.bytes().map(|byte| format!("{byte:02X}")).join(" ");
    messages.iter().map(message).collect::<Vec<_>>().join(", ")
}

fn said(line: &mut Line, order: Order, misc: &Misc, now: Instant) -> String {
    hex(&line.order(order, misc, now).unwrap())
}

fn misc(kind: PatrolType, interval_s: i32) -> Misc {
    let interval = Int::within(interval_s).unwrap();
    Misc { auto_patrol_type: kind, auto_patrol_interval_s: interval, ..Misc::default() }
}

fn preset(number: i32) -> Preset {
    Preset::within(number).unwrap()
}

const STOP: &str = "FF 01 00 00 00 00 01";
const LEFT: &str = "FF 01 00 04 3F 00 44";
const SCAN_ON: &str = "FF 01 90 00 00 00 91";
const SCAN_OFF: &str = "FF 01 10 00 00 00 11";

#[test]
fn q65_every_command_of_the_first_column_sends_these_bytes() {
    let (misc, now) = (Misc::default(), start());
    let rows: Vec<_> =
        DOCUMENT.lines().filter(|row| !row.starts_with('#')).filter_map(|row| row.split_once(' ')).collect();
    assert_eq!(rows.len(), 94);
    for (i, (number, bytes)) in rows.into_iter().enumerate() {
        assert_eq!(number, i.to_string());
        let order = command::order(number.parse().unwrap(), false, None, Column::Line).unwrap();
        assert_eq!(said(&mut Line::new(1), order, &misc, now), bytes.trim(), "{number}");
    }
}

#[test]
fn the_address_and_the_manual_speed_are_in_the_message() {
    for (rate, bytes) in [
        (0, "FF 21 00 04 3F 00 64"),
        (1, "FF 21 00 04 3E 00 63"),
        (50, "FF 21 00 04 20 00 45"),
        (99, "FF 21 00 04 02 00 27"),
        (100, "FF 21 00 04 01 00 26"),
    ] {
        let misc = Misc { rate: Int::within(rate).unwrap(), ..Misc::default() };
        assert_eq!(said(&mut Line::new(0x21), Order::Move(Way::Left), &misc, start()), bytes, "{rate}");
    }
}

#[test]
fn left_while_zooming_is_one_message_and_the_lens_ends_alone() {
    let (misc, now, mut line) = (Misc::default(), start(), Line::new(1));
    assert_eq!(said(&mut line, Order::Move(Way::Left), &misc, now), LEFT);
    assert_eq!(said(&mut line, Order::Lens(Lens::ZoomTele), &misc, now), "FF 01 00 24 3F 00 64");
    assert_eq!(said(&mut line, Order::Move(Way::Up), &misc, now), "FF 01 00 28 00 3F 68");
    assert_eq!(said(&mut line, Order::LensStop, &misc, now), "FF 01 00 08 00 3F 48");
    assert_eq!(said(&mut line, Order::Lens(Lens::IrisOpen), &misc, now), "FF 01 02 08 00 3F 4A");
    assert_eq!(said(&mut line, Order::Stop, &misc, now), STOP);
    assert!(!line.moving(now));
}

#[test]
fn q66_a_step_on_a_line_ends_by_itself_after_50_ms_a_degree() {
    let (misc, now) = (Misc::default(), start());
    for (degrees, length) in [(None, 250), (Some(1), 50), (Some(10), 500), (Some(90), 4500)] {
        let mut line = Line::new(1);
        let step = Order::Step(Way::Left, degrees.map(|degrees| Int::within(degrees).unwrap()));
        assert_eq!(said(&mut line, step, &misc, now), LEFT);
        assert_eq!(line.due(&misc, now), Some(ms(length)));
        assert_eq!(hex(&line.tick(&misc, now + ms(length - 1))), "");
        assert!(line.moving(now + ms(length - 1)));
        assert_eq!(hex(&line.tick(&misc, now + ms(length))), STOP);
        assert_eq!(hex(&line.tick(&misc, now + ms(length))), "");
        assert!(!line.moving(now + ms(length)));
        assert_eq!(line.due(&misc, now + ms(length)), None);
    }
}

#[test]
fn a_step_leaves_the_lens_alone_and_a_move_makes_more_of_it() {
    let (misc, now, mut line) = (Misc::default(), start(), Line::new(1));
    line.order(Order::Lens(Lens::FocusFar), &misc, now).unwrap();
    assert_eq!(said(&mut line, Order::Step(Way::Up, None), &misc, now), "FF 01 00 88 00 3F C8");
    assert_eq!(hex(&line.tick(&misc, now + s(1))), "FF 01 00 80 00 00 81");
    line.order(Order::Step(Way::Up, None), &misc, now + s(1)).unwrap();
    line.order(Order::Move(Way::Up), &misc, now + s(1)).unwrap();
    assert_eq!(hex(&line.tick(&misc, now + s(3))), "");
    assert!(line.moving(now + s(3)));
}

#[test]
fn whatever_moves_is_stopped_60_s_after_the_last_order() {
    let (misc, now, mut line) = (Misc::default(), start(), Line::new(1));
    line.order(Order::Move(Way::Left), &misc, now).unwrap();
    line.order(Order::Lens(Lens::ZoomWide), &misc, now + s(30)).unwrap();
    assert_eq!(line.due(&misc, now + s(30)), Some(s(60)));
    assert_eq!(hex(&line.tick(&misc, now + s(89))), "");
    assert_eq!(hex(&line.tick(&misc, now + s(90))), STOP);
    assert_eq!((hex(&line.tick(&misc, now + s(90))).as_str(), line.due(&misc, now + s(90))), ("", None));
    assert!(!line.moving(now + s(90)));
}

#[test]
fn a_scan_goes_on_until_anything_moves_the_head() {
    let (misc, now) = (Misc::default(), start());
    for (order, bytes) in [
        (Order::Move(Way::Left), format!("{SCAN_OFF}, {LEFT}")),
        (Order::Stop, format!("{SCAN_OFF}, {STOP}")),
        (Order::LensStop, format!("{SCAN_OFF}, {STOP}")),
        (Order::GoTo(preset(2)), format!("{SCAN_OFF}, FF 01 00 07 00 02 0A")),
        (Order::Scan(false), SCAN_OFF.into()),
    ] {
        let mut line = Line::new(1);
        line.order(Order::Move(Way::Up), &misc, now).unwrap();
        assert_eq!(said(&mut line, Order::Scan(true), &misc, now), SCAN_ON);
        assert_eq!(hex(&line.tick(&misc, now + s(3600))), "");
        assert!(line.moving(now + s(3600)));
        assert_eq!(said(&mut line, Order::SetPreset(preset(1)), &misc, now + s(3600)), "FF 01 00 03 00 01 05");
        assert!(line.moving(now + s(3600)), "a preset is kept in passing");
        assert_eq!(said(&mut line, order, &misc, now + s(3600)), bytes);
    }
}

#[test]
fn q66_a_head_on_a_line_patrols_by_its_own_scan_when_nobody_has_ordered_anything_for_so_long() {
    for kind in [PatrolType::Horizontal, PatrolType::Both] {
        let (misc, now, mut line) = (misc(kind, 10), start(), Line::new(1));
        assert_eq!(line.due(&misc, now), Some(Duration::ZERO));
        assert_eq!(hex(&line.tick(&misc, now)), "");
        assert_eq!(line.due(&misc, now), Some(s(10)));
        assert_eq!(hex(&line.tick(&misc, now + s(10))), SCAN_ON);
        assert_eq!((hex(&line.tick(&misc, now + s(11))).as_str(), line.due(&misc, now + s(11))), ("", None));
        // A manual move ends it; it comes back when the head has rested for so long.
        assert_eq!(said(&mut line, Order::Move(Way::Left), &misc, now + s(20)), format!("{SCAN_OFF}, {LEFT}"));
        assert_eq!(hex(&line.tick(&misc, now + s(40))), "", "it waits while the head moves");
        line.order(Order::Stop, &misc, now + s(40)).unwrap();
        assert_eq!(line.due(&misc, now + s(40)), Some(s(10)));
        assert_eq!(hex(&line.tick(&misc, now + s(50))), SCAN_ON);
        // Rounds or not, it ends when it is switched off.
        assert_eq!(line.due(&Misc::default(), now + s(60)), Some(Duration::ZERO));
        assert_eq!(hex(&line.tick(&Misc::default(), now + s(60))), SCAN_OFF);
    }
    for misc in [misc(PatrolType::Vertical, 10), misc(PatrolType::None, 10), misc(PatrolType::Both, 0)] {
        let (now, mut line) = (start(), Line::new(1));
        assert_eq!((line.due(&misc, now), hex(&line.tick(&misc, now + s(100)))), (None, String::new()));
    }
}

#[test]
fn an_automatic_patrol_rests_in_an_alarm_and_an_ordered_one_does_not() {
    let (misc, now, mut line) = (misc(PatrolType::Both, 10), start(), Line::new(1));
    line.tick(&misc, now);
    assert_eq!(hex(&line.tick(&misc, now + s(10))), SCAN_ON);
    line.hold(true, now + s(11));
    assert_eq!(line.due(&misc, now + s(11)), Some(Duration::ZERO));
    assert_eq!(hex(&line.tick(&misc, now + s(11))), SCAN_OFF);
    assert_eq!(line.due(&misc, now + s(12)), None);
    line.hold(false, now + s(70));
    assert_eq!(line.due(&misc, now + s(70)), Some(s(10)));
    line.order(Order::Scan(true), &misc, now + s(71)).unwrap();
    line.hold(true, now + s(72));
    assert_eq!((hex(&line.tick(&misc, now + s(72))).as_str(), line.moving(now + s(72))), ("", true));
}

#[test]
fn on_its_way_to_a_preset_the_head_may_move_for_10_s() {
    let (misc, now, mut line) = (misc(PatrolType::Both, 1), start(), Line::new(1));
    line.order(Order::GoTo(preset(32)), &misc, now).unwrap();
    assert_eq!(line.due(&misc, now), Some(s(10)));
    assert_eq!((hex(&line.tick(&misc, now + s(9))).as_str(), line.moving(now + s(9))), ("", true));
    assert!(!line.moving(now + s(10)));
    assert_eq!(hex(&line.tick(&misc, now + s(10))), SCAN_ON, "no patrol begins before");
    line.order(Order::GoTo(preset(1)), &misc, now + s(20)).unwrap();
    line.order(Order::Stop, &misc, now + s(21)).unwrap();
    assert!(!line.moving(now + s(21)));
}

#[test]
fn what_a_head_on_a_line_does_not_know_changes_nothing() {
    let (misc, now, mut line) = (Misc::default(), start(), Line::new(1));
    line.order(Order::Move(Way::Left), &misc, now).unwrap();
    for order in [Order::Centre, Order::Test, Order::Patrol(Axis::Horizontal, true)] {
        assert_eq!(line.order(order, &misc, now + s(30)), Err(NotSupported));
    }
    assert_eq!(line.due(&misc, now + s(30)), Some(s(30)));
}

/// A head as it understands its messages.
#[derive(Debug, Default)]
struct Head {
    motion: (u8, u8),
    scans: bool,
}

impl Head {
    fn hear(&mut self, message: &Message) {
        let [sync, address, command_1, command_2, data_1, data_2, sum] = *message.bytes();
        assert_eq!((sync, address), (0xFF, 7));
        let numbers = [address, command_1, command_2, data_1, data_2];
        assert_eq!(u32::from(sum), numbers.iter().map(|byte| u32::from(*byte)).sum::<u32>() % 256);
        if command_2 & 1 == 1 {
            assert!([3, 5, 7, 9, 11].contains(&command_2) && (1..=32).contains(&data_2));
            // On its way to a preset it does nothing else.
            self.motion = if command_2 == 7 { (0, 0) } else { self.motion };
            return;
        }
        assert!(data_1 <= 0x3F && data_2 <= 0x3F && command_1 & 0x68 == 0);
        assert_eq!((data_1 > 0, data_2 > 0), (command_2 & 0x06 != 0, command_2 & 0x18 != 0));
        self.motion = (command_1 & 0x07, command_2);
        if command_1 & 0x10 != 0 {
            self.scans = command_1 & 0x80 != 0;
        }
    }
}

fn any_order() -> impl Strategy<Value = Order> {
    let ways = proptest::sample::select(Way::ALL.to_vec());
    let lenses = vec![Lens::IrisClose, Lens::IrisOpen, Lens::FocusNear, Lens::FocusFar, Lens::ZoomWide, Lens::ZoomTele];
    prop_oneof![
        ways.clone().prop_map(Order::Move),
        (ways, proptest::option::of(1..=90)).prop_map(|(way, degrees)| Order::Step(way, degrees.and_then(Int::within))),
        Just(Order::Stop),
        proptest::sample::select(lenses).prop_map(Order::Lens),
        Just(Order::LensStop),
        any::<bool>().prop_map(Order::Scan),
        (1..=4, any::<bool>()).prop_map(|(number, on)| Order::Aux(Int::within(number).unwrap(), on)),
        (1..=32).prop_map(|number| Order::SetPreset(preset(number))),
        (1..=32).prop_map(|number| Order::GoTo(preset(number))),
        (1..=32).prop_map(|number| Order::ClearPreset(preset(number))),
        Just(Order::Centre),
        Just(Order::Patrol(Axis::Vertical, true)),
        Just(Order::Test),
    ]
}

fn any_misc() -> impl Strategy<Value = Misc> {
    let kinds = vec![PatrolType::None, PatrolType::Horizontal, PatrolType::Vertical, PatrolType::Both];
    (proptest::sample::select(kinds), 0..100, 0..=100)
        .prop_map(|(kind, interval_s, rate)| Misc { rate: Int::within(rate).unwrap(), ..misc(kind, interval_s) })
}

proptest! {
    #[test]
    fn whatever_is_ordered_the_head_hears_right_messages_and_is_known_to_move_and_ends(
        turns in proptest::collection::vec((proptest::option::of(any_order()), any_misc(), 0..70_000_u64, any::<bool>()), 0..40)
    ) {
        let (mut line, mut head, mut now) = (Line::new(7), Head::default(), start());
        for (order, misc, later, held) in turns {
            if let Some(due) = line.due(&misc, now).and_then(|due| due.checked_sub(ms(1))) {
                prop_assert_eq!(line.tick(&misc, now + due), [], "nothing happens before it is due");
            }
            now += ms(later);
            line.hold(held, now);
            let messages = line.tick(&misc, now);
            messages.iter().for_each(|message| head.hear(message));
            prop_assert_eq!(line.tick(&misc, now), [], "nothing is sent twice");
            prop_assert!(line.due(&misc, now) != Some(Duration::ZERO));
            let messages = order.and_then(|order| line.order(order, &misc, now).ok()).unwrap_or_default();
            messages.iter().for_each(|message| head.hear(message));
            prop_assert!(line.moving(now) || (head.motion, head.scans) == ((0, 0), false), "{:?}", head);
        }
        now += DEAD_MAN;
        line.tick(&Misc::default(), now).iter().for_each(|message| head.hear(message));
        prop_assert_eq!(head.motion, (0, 0));
        prop_assert_eq!(line.moving(now), head.scans);
    }
}
