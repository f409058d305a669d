//! A device that takes positions.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_device_is_told_where_it_goes_twenty_times_a_second_and_where_it_comes_to_rest() {
    let rig = Rig::start(HeadKind::Uvc, |_| {}).await;
    rig.order(Order::Move(Way::Right)).await.unwrap();
    sleep(Duration::from_millis(1500)).await;
    rig.rests_after(Order::Stop).await;
    let told = std::mem::take(&mut rig.world.machine().turned);
    assert!(told.len() > 20, "{}", told.len());
    assert!(told.windows(2).all(|two| two[1].0 - two[0].0 >= Duration::from_millis(50)));
    assert!(told.windows(2).all(|two| two[1].1.pan > two[0].1.pan), "always on");
    assert_eq!(told.last().map(|(_, pose)| *pose), Some(rig.pose()));
    sleep(Duration::from_secs(5)).await;
    assert!(rig.world.machine().turned.is_empty(), "what rests is told nothing");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_hangs_or_goes_keeps_nobody_waiting_and_is_where_it_was_left_when_it_is_back() {
    let rig = Rig::start(HeadKind::Uvc, |_| {}).await;
    for hangs in [true, false] {
        rig.order(Order::Move(Way::Right)).await.unwrap();
        sleep(Duration::from_millis(300)).await;
        (rig.world.machine().hangs, rig.world.machine().gone) = (hangs, !hangs);
        sleep(Duration::from_millis(60)).await;
        for _ in 0..4 {
            let begin = Instant::now();
            assert_eq!(rig.order(Order::Move(Way::Left)).await, Err(Failure::Internal));
            assert!(begin.elapsed() <= Duration::from_millis(2005), "{:?}", begin.elapsed());
        }
        assert!(rig.head.standing().lost);
        assert_eq!(rig.head.standing().pose, None);
        (rig.world.machine().hangs, rig.world.machine().gone) = (false, false);
        let left = rig.world.machine().turned.last().map(|(_, pose)| *pose);
        sleep(Duration::from_secs(4)).await;
        assert_eq!((rig.head.standing().lost, rig.head.standing().pose), (false, left));
        assert_eq!(rig.world.machine().turned.last().map(|(_, pose)| *pose), left, "it moves by nobody's order");
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_comes_late_goes_to_the_preset_of_the_start_unless_somebody_was_faster() {
    for faster in [false, true] {
        let world = World::default();
        world.machine().gone = true;
        let place = Pose { pan: 0.25, tilt: 0.75, zoom: 0.0 }.place();
        let set = move |settings: &mut Settings| {
            settings.misc.preset_onstart = Int::new(3);
            settings.presets[2].place = place;
        };
        let rig = Rig::start_in(world, HeadKind::Uvc, Directions::Document, set).await;
        if faster {
            assert_eq!(rig.order(Order::Stop).await, Err(Failure::Internal));
        }
        rig.world.machine().gone = false;
        sleep(Duration::from_secs(4)).await;
        rig.rest().await;
        assert_eq!(rig.pose().place() == place, !faster);
    }
}

#[tokio::test(start_paused = true)]
async fn a_preset_of_a_device_is_a_place_and_none_is_set_where_nobody_knows_it() {
    let rig = Rig::start(HeadKind::Uvc, |_| {}).await;
    rig.rests_after(Order::Step(Way::Left, Some(Int::new(9)))).await;
    rig.order(Order::SetPreset(preset(1))).await.unwrap();
    let there = rig.pose().place();
    assert_eq!(rig.place(1), there);
    rig.rests_after(Order::Centre).await;
    rig.rests_after(Order::GoTo(preset(1))).await;
    assert_eq!(rig.pose().place(), there);
    rig.world.machine().gone = true;
    let _ = rig.order(Order::Move(Way::Up)).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(rig.order(Order::SetPreset(preset(2))).await, Err(Failure::Internal));
    assert_eq!(rig.place(2), Place::None);
}
