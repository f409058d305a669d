//! A head on a serial line.

use lookout_core::ptz::Lens;

use super::*;

/// Returns the bytes of an order.
fn bytes(order: Order) -> Vec<u8> {
    let messages = Line::new(1).order(order, &Misc::default(), body::now()).unwrap();
    messages.iter().flat_map(|message| *message.bytes()).collect()
}

#[tokio::test(start_paused = true)]
async fn q13_left_is_what_the_client_means_and_the_viewer_sees() {
    for (directions, flip, left) in [
        (Directions::Document, Flip::None, Way::Left),
        (Directions::Swapped, Flip::None, Way::Right),
        (Directions::Document, Flip::Mirror, Way::Right),
        (Directions::Swapped, Flip::Mirror, Way::Left),
        (Directions::Document, Flip::Vertical, Way::Left),
        (Directions::Document, Flip::Both, Way::Right),
    ] {
        let set = move |settings: &mut Settings| settings.image.flip = flip;
        let rig = Rig::start_in(World::default(), HeadKind::PelcoD, directions, set).await;
        rig.order(Order::Move(Way::Left)).await.unwrap();
        assert_eq!(rig.world.written(), bytes(Order::Move(left)), "{directions} {flip:?}");
        rig.order(Order::Step(Way::Up, None)).await.unwrap();
        let up = if matches!(flip, Flip::Vertical | Flip::Both) { Way::Down } else { Way::Up };
        assert_eq!(rig.world.written(), bytes(Order::Move(up)), "{directions} {flip:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_takes_nothing_keeps_nobody_waiting_and_hears_a_stop_when_it_is_back() {
    let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
    rig.order(Order::Move(Way::Up)).await.unwrap();
    for hangs in [true, false] {
        (rig.world.machine().hangs, rig.world.machine().gone) = (hangs, !hangs);
        rig.world.written();
        let begin = Instant::now();
        let (one, other) = tokio::join!(rig.order(Order::Stop), rig.order(Order::Move(Way::Down)));
        assert_eq!((one, other), (Err(Failure::Internal), Err(Failure::Internal)));
        assert!(begin.elapsed() <= Duration::from_millis(2005), "{:?}", begin.elapsed());
        rig.settle().await;
        assert!(rig.head.standing().lost);
        (rig.world.machine().hangs, rig.world.machine().gone) = (false, false);
        sleep(Duration::from_secs(4)).await;
        assert!(!rig.head.standing().lost);
        assert_eq!(rig.world.written(), bytes(Order::Stop));
    }
    crate::metrics::testing::has(&rig.metrics, "lookout_head_lost_total 2");
    crate::metrics::testing::has(&rig.metrics, "lookout_head_orders_total{result=\"failed\"} 4");
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_due_goes_out_though_others_had_their_turn_when_it_was() {
    let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
    rig.order(Order::Step(Way::Up, Some(Int::new(20)))).await.unwrap();
    rig.world.written();
    rig.world.machine().busy = true;
    sleep(Duration::from_millis(1100)).await;
    assert_eq!(rig.order(Order::Move(Way::Up)).await, Err(Failure::Busy));
    rig.world.machine().busy = false;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(rig.world.written(), bytes(Order::Stop));
    assert!(!rig.head.standing().lost);
}

#[tokio::test(start_paused = true)]
async fn q67_presets_are_kept_in_the_head_and_going_to_any_is_sent() {
    let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
    rig.order(Order::SetPreset(preset(5))).await.unwrap();
    assert_eq!((rig.place(5), rig.world.written()), (Place::Head, bytes(Order::SetPreset(preset(5)))));
    rig.order(Order::GoTo(preset(6))).await.unwrap();
    assert_eq!(rig.world.written(), bytes(Order::GoTo(preset(6))));
    // Others may have set it in the head: whoever names it says so.
    rig.head.wish(Wish::Name(preset(6), Text::parse("gate").unwrap()), &rig.user).await.unwrap();
    assert_eq!((rig.place(6), rig.world.written()), (Place::Head, Vec::new()));
    rig.order(Order::ClearPreset(preset(5))).await.unwrap();
    assert_eq!((rig.place(5), rig.world.written()), (Place::None, bytes(Order::ClearPreset(preset(5)))));
    rig.world.machine().gone = true;
    assert_eq!(rig.order(Order::SetPreset(preset(7))).await, Err(Failure::Internal));
    assert_eq!(rig.place(7), Place::None, "what the head has not heard is not set");
}

#[tokio::test(start_paused = true)]
async fn what_the_start_wants_is_sent_when_the_line_is_there_and_what_it_does_not_know_is_left_out() {
    let world = World::default();
    world.machine().gone = true;
    let set = |settings: &mut Settings| {
        settings.misc.center_onstart = true;
        settings.misc.preset_onstart = Int::new(9);
    };
    let rig = Rig::start_in(world, HeadKind::PelcoD, Directions::Document, set).await;
    assert!(rig.head.standing().lost);
    // What moves nothing does not say where the head goes, nor does what it cannot do.
    assert_eq!(rig.order(Order::Aux(Int::new(1), true)).await, Err(Failure::Internal));
    assert_eq!(rig.order(Order::Test).await, Err(Failure::NotSupported));
    rig.world.machine().gone = false;
    sleep(Duration::from_secs(4)).await;
    assert_eq!(rig.world.written(), [bytes(Order::Stop), bytes(Order::GoTo(preset(9)))].concat());
}

#[tokio::test(start_paused = true)]
async fn whoever_has_given_up_moves_nothing_any_more_but_a_stop_stops() {
    let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
    rig.world.machine().hangs = true;
    let first = tokio::spawn({
        let (head, user) = (rig.head.clone(), rig.user.clone());
        async move { head.order(Order::Move(Way::Up), &user).await }
    });
    rig.settle().await;
    let stops = [Order::Stop, Order::LensStop, Order::Scan(false)];
    for order in [Order::Move(Way::Down), Order::Lens(Lens::ZoomTele)].into_iter().chain(stops) {
        assert!(timeout(Duration::from_millis(100), rig.order(order)).await.is_err(), "he gives up");
    }
    rig.world.machine().hangs = false;
    assert_eq!(first.await.unwrap(), Err(Failure::Internal));
    rig.settle().await;
    assert_eq!(rig.world.written(), stops.map(bytes).concat());
}

#[tokio::test(start_paused = true)]
async fn a_head_that_moves_is_stopped_in_the_end_though_it_was_not_the_turn_of_what_came_after() {
    for order in [Order::GoTo(preset(1)), Order::Move(Way::Down), Order::LensStop, Order::Scan(false)] {
        let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
        rig.order(Order::Move(Way::Up)).await.unwrap();
        rig.world.written();
        rig.world.machine().busy = true;
        assert_eq!(rig.order(order).await, Err(Failure::Busy));
        rig.world.machine().busy = false;
        sleep(Duration::from_secs(61)).await;
        assert_eq!(rig.world.written(), bytes(Order::Stop), "{order:?}");
        assert!(!rig.head.standing().moving);
    }
}

#[tokio::test(start_paused = true)]
async fn a_scan_is_ended_by_the_next_order_though_that_of_another_was_not_heard() {
    let (off, stop) = (bytes(Order::Scan(false)), bytes(Order::Stop));
    let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
    rig.order(Order::Scan(true)).await.unwrap();
    rig.world.written();
    rig.world.machine().busy = true;
    assert_eq!(rig.order(Order::Move(Way::Up)).await, Err(Failure::Busy));
    rig.world.machine().busy = false;
    rig.order(Order::Stop).await.unwrap();
    assert_eq!(rig.world.written(), [off.clone(), stop.clone()].concat());
    // So it is where the line was lost, and what neither moves nor stops does not make up for it.
    rig.order(Order::Scan(true)).await.unwrap();
    rig.world.machine().gone = true;
    assert_eq!(rig.order(Order::Move(Way::Up)).await, Err(Failure::Internal));
    rig.world.machine().gone = false;
    rig.world.written();
    rig.order(Order::Aux(Int::new(1), true)).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(rig.world.written(), [bytes(Order::Aux(Int::new(1), true)), off, stop].concat());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_camera_stops_what_would_go_on_without_it_and_nothing_else() {
    let (off, stop) = (bytes(Order::Scan(false)), bytes(Order::Stop));
    for (order, last) in [
        (Order::Move(Way::Up), stop.clone()),
        (Order::Lens(Lens::ZoomTele), stop.clone()),
        (Order::Scan(true), [off, stop].concat()),
        (Order::GoTo(preset(1)), Vec::new()),
        (Order::Aux(Int::new(1), true), Vec::new()),
    ] {
        let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
        rig.order(order).await.unwrap();
        rig.world.written();
        rig.head.close().await;
        assert_eq!(rig.world.written(), last, "{order:?}");
    }
    // A line that hangs does not hold it up.
    let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
    rig.order(Order::Move(Way::Up)).await.unwrap();
    rig.world.machine().hangs = true;
    let begin = Instant::now();
    assert!(timeout(Duration::from_millis(100), rig.order(Order::Stop)).await.is_err());
    rig.head.close().await;
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_head_that_says_nothing_is_shown_where_it_was_set_at_rest_or_not_at_all() {
    let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
    rig.order(Order::SetPreset(preset(1))).await.unwrap();
    rig.show(100).await;
    assert!(rig.has(1));
    // Set while it moves.
    rig.order(Order::Move(Way::Up)).await.unwrap();
    rig.order(Order::SetPreset(preset(2))).await.unwrap();
    rig.rests_after(Order::Stop).await;
    rig.show(100).await;
    // Moved on before there was a picture.
    rig.order(Order::SetPreset(preset(3))).await.unwrap();
    rig.order(Order::Step(Way::Up, None)).await.unwrap();
    rig.settle().await;
    rig.rest().await;
    rig.show(100).await;
    // Others may have set it, anywhere; and whether it has come there nobody knows.
    rig.head.wish(Wish::Name(preset(4), Text::parse("gate").unwrap()), &rig.user).await.unwrap();
    rig.show(100).await;
    for number in [2, 3, 4] {
        rig.order(Order::GoTo(preset(number))).await.unwrap();
        rig.settle().await;
        rig.rest().await;
        rig.show(100).await;
    }
    assert_eq!([1, 2, 3, 4].map(|number| rig.has(number)), [true, false, false, false]);
    // The head has another place for it from now on, even if nobody waits for that to be stored.
    rig.order(Order::SetPreset(preset(1))).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    assert_eq!((rig.has(1), rig.files()), (false, 0));
}

#[tokio::test(start_paused = true)]
async fn alarms_are_served_before_those_who_order_without_a_pause() {
    let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
    rig.world.machine().hangs = true;
    let mut asking = JoinSet::new();
    for _ in 0..10 {
        let (head, user) = (rig.head.clone(), rig.user.clone());
        asking.spawn(async move { head.order(Order::Move(Way::Up), &user).await });
    }
    rig.settle().await;
    rig.world.machine().hangs = false;
    assert_eq!(rig.alarm(4).await, ("done", "the head goes to preset 4".into()));
    let written = rig.world.written();
    assert!(written.starts_with(&bytes(Order::GoTo(preset(4)))), "{written:x?}");
    asking.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_orders_wait_than_there_is_room_for() {
    let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
    rig.world.machine().hangs = true;
    let mut asking = JoinSet::new();
    for _ in 0..40 {
        let (head, user) = (rig.head.clone(), rig.user.clone());
        asking.spawn(async move { head.order(Order::Move(Way::Up), &user).await });
    }
    let answers = asking.join_all().await;
    let busy = answers.iter().filter(|answer| **answer == Err(Failure::Busy)).count();
    assert!((23..=24).contains(&busy), "{busy}");
    assert_eq!(answers.iter().filter(|answer| **answer == Err(Failure::Internal)).count(), 40 - busy);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_told_that_the_line_is_lost() {
    let rig = Rig::start(HeadKind::PelcoD, |_| {}).await;
    assert_eq!(rig.alarm(4).await, ("done", "the head goes to preset 4".into()));
    rig.world.machine().gone = true;
    assert_eq!(rig.alarm(4).await, ("failed", "the head is lost: its line takes nothing".into()));
}
