//! The digital head, its presets, their pictures, and where it rests.

use lookout_core::{media::frame::Frame, ptz::Axis};

use super::*;

async fn start(change: impl FnOnce(&mut Settings) + Send + 'static) -> Rig {
    Rig::start(HeadKind::Digital, change).await
}

impl Rig {
    /// Zooms in, so that there is room to move.
    async fn zoom(&self) {
        self.order(Order::Lens(Lens::ZoomTele)).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        self.rests_after(Order::LensStop).await;
    }

    /// Shows a picture of so many bytes, of now.
    pub(super) async fn show(&self, bytes: usize) {
        self.settle().await;
        self.hub
            .publish(Frame { size: lookout_core::media::frame::Size::QQVGA, ..self.hours.frame(1, vec![7; bytes]) });
        sleep(Duration::from_millis(20)).await;
    }

    pub(super) fn has(&self, number: i32) -> bool {
        self.head.pictures.has(preset(number), self.place(number))
    }

    pub(super) fn files(&self) -> usize {
        std::fs::read_dir(self.state.path().join("presets")).map_or(0, Iterator::count)
    }
}

use lookout_core::ptz::Lens;

#[tokio::test(start_paused = true)]
async fn q67_a_preset_is_come_back_to_and_one_that_was_never_set_is_not_supported() {
    let rig = start(|_| {}).await;
    rig.zoom().await;
    rig.rests_after(Order::Step(Way::Left, Some(Int::new(7)))).await;
    rig.head.wish(Wish::Keep(preset(2), Some(Text::parse("door").unwrap())), &rig.user).await.unwrap();
    let there = rig.pose();
    rig.rests_after(Order::Centre).await;
    assert_ne!(rig.pose(), there);
    rig.rests_after(Order::GoTo(preset(2))).await;
    assert_eq!(rig.pose(), there);
    assert_eq!(rig.order(Order::GoTo(preset(3))).await, Err(Failure::NotSupported));
    assert_eq!(rig.head.wish(Wish::Name(preset(3), Text::default()), &rig.user).await, Err(Failure::NotSupported));
    // Set anew it keeps its name; forgotten it has none.
    rig.rests_after(Order::Step(Way::Right, None)).await;
    rig.order(Order::SetPreset(preset(2))).await.unwrap();
    assert_eq!(rig.place(2), rig.pose().place());
    assert_eq!(rig.store.get().presets[1].name.as_str(), "door");
    rig.order(Order::ClearPreset(preset(2))).await.unwrap();
    assert_eq!(rig.store.get().presets[1], Default::default());
    assert_eq!(rig.order(Order::GoTo(preset(2))).await, Err(Failure::NotSupported));
}

#[tokio::test(start_paused = true)]
async fn q67_presets_that_are_off_at_the_start_are_off_until_the_next() {
    let place = Pose { pan: 0.5, tilt: 0.5, zoom: 1.0 }.place();
    let rig = start(move |settings| {
        settings.misc.disable_preset = true;
        settings.misc.preset_onstart = Int::new(1);
        settings.presets[0].place = place;
    })
    .await;
    rig.rest().await;
    assert_ne!(rig.pose().place(), place);
    rig.set(|settings| settings.misc.disable_preset = false).await;
    for order in [Order::GoTo(preset(1)), Order::SetPreset(preset(1)), Order::ClearPreset(preset(1))] {
        assert_eq!(rig.order(order).await, Err(Failure::NotSupported), "{order:?}");
    }
    assert_eq!(rig.head.wish(Wish::Name(preset(1), Text::default()), &rig.user).await, Err(Failure::NotSupported));
    assert_eq!(rig.alarm(1).await, ("failed", "presets are off: ptz_disable_preset is 1".into()));
    assert_eq!(rig.place(1), place);
    let rig = start(|_| {}).await;
    rig.set(|settings| settings.misc.disable_preset = true).await;
    rig.order(Order::SetPreset(preset(1))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn at_the_start_the_preset_comes_after_the_centre() {
    let place = Pose { pan: 0.5, tilt: 0.5, zoom: 1.0 }.place();
    let rig = start(move |settings| {
        settings.misc.center_onstart = true;
        settings.misc.preset_onstart = Int::new(32);
        settings.presets[31].place = place;
        settings.head_place = Pose { pan: 0.3, tilt: 0.3, zoom: 1.0 }.place();
    })
    .await;
    rig.rest().await;
    assert_eq!(rig.pose().place(), place);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_moves_the_head_and_patrols_rest_as_long_as_it_lasts() {
    let rig = start(|_| {}).await;
    rig.zoom().await;
    rig.rests_after(Order::Step(Way::Left, None)).await;
    rig.order(Order::SetPreset(preset(8))).await.unwrap();
    let there = rig.pose();
    rig.order(Order::Patrol(Axis::Horizontal, true)).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(rig.head.standing().patrol, Some(Axis::Horizontal));
    let (at, wall) = (body::now(), std::time::SystemTime::now());
    let occasion = Occasion { number: 1, cause: lookout_core::alarm::Cause::Input, at, wall, drill: false };
    rig.alarm.send_replace(Some(Arc::new(occasion)));
    assert_eq!(rig.alarm(8).await, ("done", "the head goes to preset 8".into()));
    sleep(Duration::from_secs(50)).await;
    assert_eq!((rig.pose(), rig.head.standing().moving), (there, false));
    rig.alarm.send_replace(None);
    sleep(Duration::from_secs(15)).await;
    assert!(rig.head.standing().moving, "the patrol goes on");
    assert_eq!(rig.alarm(9).await, ("failed", "preset 9 is not set".into()));
    crate::metrics::testing::has(&rig.metrics, "lookout_alarm_errands_total{link=\"preset\",result=\"done\"} 1");
}

#[tokio::test(start_paused = true)]
async fn where_somebody_left_the_head_is_stored_ten_seconds_later_and_what_a_patrol_does_never() {
    let rig = start(|_| {}).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(rig.store.get().head_place, Place::None, "nobody has moved it");
    rig.zoom().await;
    rig.rests_after(Order::Step(Way::Left, None)).await;
    sleep(Duration::from_secs(8)).await;
    assert_eq!(rig.store.get().head_place, Place::None);
    sleep(Duration::from_secs(3)).await;
    let there = rig.pose().place();
    assert_eq!(rig.store.get().head_place, there);
    rig.set(|settings| settings.misc.patrol_h_rounds = Int::new(1)).await;
    rig.order(Order::Patrol(Axis::Horizontal, true)).await.unwrap();
    rig.rest().await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(rig.store.get().head_place, there);
}

#[tokio::test(start_paused = true)]
async fn where_the_head_rests_is_stored_at_the_end_and_nothing_is_of_a_camera_that_was_reset() {
    for reset in [false, true] {
        let rig = start(|_| {}).await;
        rig.zoom().await;
        let there = rig.pose().place();
        if reset {
            rig.store.reset(By::Camera).await.unwrap();
        }
        let begin = Instant::now();
        rig.head.close().await;
        assert!(begin.elapsed() < Duration::from_secs(1));
        assert_eq!(rig.store.get().head_place, if reset { Place::None } else { there });
        assert_eq!(rig.order(Order::Stop).await, Err(Failure::Internal), "nobody is there any more");
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_patrol_is_at_the_end_is_not_stored_though_somebody_had_moved_the_head_before() {
    let rig = start(|_| {}).await;
    rig.zoom().await;
    rig.order(Order::Patrol(Axis::Horizontal, true)).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    rig.order(Order::Step(Way::Left, None)).await.unwrap();
    sleep(Duration::from_secs(15)).await;
    assert!(rig.head.standing().moving, "the patrol goes on");
    rig.head.close().await;
    assert_eq!(rig.store.get().head_place, Place::None);
}

#[tokio::test(start_paused = true)]
async fn a_preset_has_a_picture_once_the_head_rests_and_a_new_one_when_it_is_set_anew() {
    let rig = start(|_| {}).await;
    rig.order(Order::SetPreset(preset(1))).await.unwrap();
    rig.show(100).await;
    assert!(rig.has(1));
    rig.zoom().await;
    rig.order(Order::SetPreset(preset(1))).await.unwrap();
    assert!(!rig.has(1), "the old one is shown no more");
    sleep(Duration::from_millis(20)).await;
    assert_eq!(rig.files(), 0);
    rig.show(100).await;
    assert_eq!((rig.has(1), rig.files()), (true, 1));
    rig.order(Order::ClearPreset(preset(1))).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    assert_eq!((rig.has(1), rig.files()), (false, 0));
    // Whatever is set again and again has one picture at the end.
    for _ in 0..50 {
        rig.order(Order::SetPreset(preset(2))).await.unwrap();
    }
    rig.show(100).await;
    assert_eq!((rig.has(2), rig.files()), (true, 1));
}

#[tokio::test(start_paused = true)]
async fn a_preset_that_is_set_while_the_head_moves_gets_its_picture_when_the_head_comes_there() {
    let rig = start(|_| {}).await;
    rig.order(Order::Lens(Lens::ZoomTele)).await.unwrap();
    sleep(Duration::from_millis(700)).await;
    rig.order(Order::SetPreset(preset(1))).await.unwrap();
    rig.show(100).await;
    rig.rests_after(Order::LensStop).await;
    rig.show(100).await;
    assert!(!rig.has(1));
    rig.order(Order::GoTo(preset(1))).await.unwrap();
    rig.show(100).await;
    assert!(!rig.has(1), "it is on its way");
    rig.rest().await;
    rig.show(100).await;
    assert!(rig.has(1));
}

#[tokio::test(start_paused = true)]
async fn a_preset_to_which_the_head_did_not_come_has_no_picture_of_where_it_stopped() {
    let there = Pose { pan: 0.5, tilt: 0.5, zoom: 1.0 }.place();
    let rig = start(move |settings| settings.presets[0].place = there).await;
    rig.order(Order::GoTo(preset(1))).await.unwrap();
    sleep(Duration::from_millis(700)).await;
    rig.rests_after(Order::Stop).await;
    assert_ne!(rig.pose().place(), there);
    rig.show(100).await;
    assert!(!rig.has(1));
    rig.rests_after(Order::GoTo(preset(1))).await;
    rig.show(100).await;
    assert!(rig.has(1));
}

#[tokio::test(start_paused = true)]
async fn pictures_follow_their_presets_whoever_changes_those() {
    let rig = start(|_| {}).await;
    rig.order(Order::SetPreset(preset(1))).await.unwrap();
    rig.show(100).await;
    assert_eq!((rig.has(1), rig.files()), (true, 1));
    // A backup, or one who did not wait for what he wanted.
    let there = Pose { pan: 0.5, tilt: 0.5, zoom: 0.5 }.place();
    rig.set(move |settings| settings.presets[0].place = there).await;
    sleep(Duration::from_millis(20)).await;
    assert_eq!((rig.has(1), rig.files()), (false, 0));
    rig.rests_after(Order::GoTo(preset(1))).await;
    rig.show(100).await;
    assert_eq!((rig.has(1), rig.files()), (true, 1));
}

#[tokio::test(start_paused = true)]
async fn no_picture_is_taken_while_the_gate_is_closed_nor_one_that_is_too_large() {
    let rig = start(|_| {}).await;
    rig.hours.forbid(true);
    rig.order(Order::SetPreset(preset(1))).await.unwrap();
    rig.show(100).await;
    sleep(Duration::from_secs(10)).await;
    rig.hours.forbid(false);
    rig.hours.wait_out_the_guard().await;
    rig.show(100).await;
    assert!(!rig.has(1), "nothing is made up for by itself");
    rig.order(Order::GoTo(preset(1))).await.unwrap();
    rig.show(crate::head::LARGEST + 1).await;
    rig.show(crate::head::LARGEST + 1).await;
    assert!(!rig.has(1));
    rig.order(Order::GoTo(preset(1))).await.unwrap();
    rig.show(crate::head::LARGEST).await;
    assert!(rig.has(1));
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_is_full_costs_a_picture_and_no_preset() {
    let rig = start(|_| {}).await;
    std::fs::write(rig.state.path().join("presets"), "in the way").unwrap();
    rig.order(Order::SetPreset(preset(1))).await.unwrap();
    rig.show(100).await;
    assert!(!rig.has(1));
    rig.order(Order::GoTo(preset(1))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_was_thrown_out_meanwhile_keeps_no_preset() {
    let rig = start(|_| {}).await;
    rig.set(|settings| settings.users[0].name.take("other").unwrap()).await;
    assert_eq!(rig.order(Order::SetPreset(preset(1))).await, Err(Failure::Gone));
    assert_eq!(rig.place(1), Place::None);
}
