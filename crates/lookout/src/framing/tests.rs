use lookout_core::{
    media::window::Crop,
    profile::wire::Int,
    ptz::{Lens, Way},
};

use super::*;

const HD: Size = Size::new(1920, 1080);
const LARGE: Size = Size::new(1280, 960);
const MCU: Size = Size::new(16, 16);
/// The time between two pictures.
const NEXT: Duration = Duration::from_millis(40);

/// A head with the world around it.
struct Rig {
    framing: Framing,
    settings: watch::Sender<Arc<Settings>>,
    now: Instant,
    picture: Size,
}

impl Rig {
    fn new(picture: Size, wish: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.ptz.view = Some(Size::VGA);
        wish(&mut config);
        let settings = watch::Sender::new(Arc::new(Settings::factory()));
        let now = Instant::now();
        let framing = Framing::new(&config, settings.subscribe(), now).unwrap();
        Self { framing, settings, now, picture }
    }

    /// Sets `ptz_patrol_rate`.
    fn rate(&self, rate: i32) {
        self.settings.send_modify(|settings| Arc::make_mut(settings).misc.rate = Int::new(rate));
    }

    fn order(&self, order: Order) {
        self.framing.order(order, None, self.now).unwrap();
    }

    /// What is seen of a picture captured at a moment.
    fn at(&self, captured: Instant) -> (Crop, Option<u64>) {
        let Sight { window, view } = self.framing.sight(self.picture, MCU, captured);
        (window.crop(self.picture), view)
    }

    /// What is seen of the next picture.
    fn next(&mut self) -> (Crop, Option<u64>) {
        self.now += NEXT;
        self.at(self.now)
    }

    /// What is seen where it comes to rest.
    fn rest(&mut self) -> (Crop, u64) {
        let mut pictures = (0..1000).map(|_| self.next());
        pictures.find_map(|(crop, view)| Some((crop, view?))).expect("it does not rest")
    }
}

#[test]
fn without_a_view_all_of_a_picture_is_seen_and_left_alone_until_it_is_zoomed() {
    for picture in [Size::VGA, HD, Size::new(641, 479), Size::new(16, 16), Size::new(1, 1)] {
        let mut rig = Rig::new(picture, |config| config.ptz.view = None);
        assert!(!rig.framing.sees_all(rig.now), "nobody knows before the first picture");
        assert!(rig.rest().0.is_whole(picture), "{picture}");
        assert!(rig.framing.sees_all(rig.now));
        rig.order(Order::Lens(Lens::ZoomTele));
        let nearest = rig.rest().0;
        assert_eq!(nearest.view, picture, "what viewers see stays as large");
        assert!(nearest.size.width.abs_diff(picture.width / 2) <= 1 || picture.width < 32, "{nearest:?}");
        assert!(!rig.framing.sees_all(rig.now) || picture.width <= 16);
    }
}

#[test]
fn viewers_begin_with_the_middle_pixel_by_pixel_where_blocks_begin() {
    for picture in [HD, LARGE, Size::VGA, Size::new(1600, 1200), Size::new(1366, 768), Size::new(642, 482)] {
        let mut rig = Rig::new(picture, |_| ());
        let (crop, _) = rig.rest();
        assert!(crop.is_one_to_one(), "{picture}: {crop:?}");
        assert_eq!((crop.left % 16, crop.top % 16), (0, 0), "{picture}: {crop:?}");
        let middle = [(crop.left, picture.width - 640), (crop.top, picture.height - 480)];
        assert!(middle.iter().all(|(at, room)| at.abs_diff(room / 2) <= 8), "{picture}: {crop:?}");
        // The centre is the same place.
        rig.order(Order::Step(Way::Left, None));
        rig.rest();
        rig.order(Order::Centre);
        assert_eq!(rig.rest().0, crop);
    }
}

#[test]
fn a_wished_zoom_is_that_of_the_start_and_the_nearest_magnifies_as_told() {
    let mut rig = Rig::new(LARGE, |config| (config.ptz.zoom, config.ptz.magnify) = (Some(1.0), 4.0));
    assert_eq!(rig.rest().0.size, LARGE);
    rig.order(Order::Lens(Lens::ZoomTele));
    assert_eq!(rig.rest().0.size, Size::new(160, 120));
    let mut rig = Rig::new(LARGE, |config| (config.ptz.zoom, config.ptz.magnify) = (Some(60.0), 1.0));
    assert_eq!(rig.rest().0.size, Size::VGA, "no more than there is");
}

#[test]
fn a_picture_that_is_smaller_than_the_view_is_seen_as_far_as_its_shape_goes() {
    let mut rig = Rig::new(Size::new(320, 200), |_| ());
    let (crop, _) = rig.rest();
    assert_eq!((crop.top, crop.size.height, crop.view), (0, 200, Size::VGA));
    assert!(crop.size.width.abs_diff(267) <= 1 && crop.left.abs_diff(27) <= 1, "{crop:?}");
    let nearer = rig.framing.order(Order::Lens(Lens::ZoomTele), None, rig.now);
    assert_eq!(nearer, Err(NotSupported));
}

/// What is seen of seventy pictures, each of which comes `late` pictures after it was captured, while the head's service goes
/// by the time.
fn seen(late: u32) -> Vec<(Crop, Option<u64>)> {
    let mut rig = Rig::new(LARGE, |_| ());
    rig.rest();
    let begin = rig.now;
    let mut seen = Vec::new();
    for picture in 0..70 + late {
        rig.now = begin + NEXT * picture;
        let order = match picture {
            20 => Some(Order::Move(Way::DownRight)),
            30 => Some(Order::Stop),
            _ => None,
        };
        // Between two pictures.
        rig.now += NEXT / 3;
        order.into_iter().for_each(|order| rig.order(order));
        if picture == 25 {
            rig.rate(30);
        }
        assert!(
            rig.framing.standing(rig.now).1 == (20..30).contains(&picture) || (30..40).contains(&picture),
            "{picture}"
        );
        if let Some(captured) = picture.checked_sub(late) {
            seen.push(rig.at(begin + NEXT * captured));
        }
    }
    seen
}

#[test]
fn a_picture_is_seen_as_the_head_was_when_it_was_captured_however_late_it_comes() {
    let in_time = seen(0);
    assert_eq!(in_time.len(), 70);
    assert!(in_time[24].0.left < in_time[28].0.left && in_time[20].1.is_some() && in_time[21].1.is_none());
    for late in [1, 5, 15] {
        assert_eq!(seen(late), in_time, "{late} pictures late");
    }
}

#[test]
fn q69_a_view_has_one_number_for_as_long_as_the_same_is_seen() {
    let mut rig = Rig::new(LARGE, |_| ());
    let (crop, view) = rig.rest();
    assert_eq!((rig.next(), rig.next()), ((crop, Some(view)), (crop, Some(view))));
    rig.order(Order::Step(Way::Right, None));
    assert_eq!(rig.next().1, None);
    assert_eq!(rig.rest().1, view + 1);
    // One that is over before the next picture comes, and one that leads nowhere.
    rig.order(Order::Step(Way::Up, Some(Int::new(1))));
    rig.now += Duration::from_secs(60);
    assert_eq!(rig.next().1, Some(view + 2));
    rig.order(Order::Stop);
    assert_eq!(rig.next().1, Some(view + 2));
    // The same place of another picture.
    rig.picture = HD;
    assert_eq!(rig.next().1, Some(view + 3));
}

#[test]
fn a_source_that_changes_its_size_goes_on_at_the_same_place() {
    let mut rig = Rig::new(LARGE, |_| ());
    rig.rest();
    rig.order(Order::Step(Way::Right, None));
    let (before, _) = rig.rest();
    let middle =
        |crop: Crop, picture: Size| f64::from(crop.left * 2 + crop.size.width) / 2.0 / f64::from(picture.width);
    let place = middle(before, LARGE);
    for picture in [HD, Size::new(2560, 1920), LARGE] {
        rig.picture = picture;
        let after = rig.next().0;
        assert_eq!(after.view, Size::VGA);
        assert!((middle(after, picture) - place).abs() < 0.01, "{picture}: {after:?}");
    }
    assert_eq!(rig.next().0, before, "as it was");
}

#[test]
fn what_is_ordered_before_the_first_picture_counts_when_that_comes() {
    // The configuration says another size than the source then has.
    let mut rig = Rig::new(LARGE, |config| config.source.size = Size::VGA);
    let preset = Pose { pan: 0.3, tilt: 0.6, zoom: 1.0 };
    rig.framing.order(Order::GoTo(Int::new(1)), Some(preset), rig.now).unwrap();
    let (crop, _) = rig.rest();
    assert_eq!(crop.size, Size::QVGA);
    assert!(crop.left.abs_diff(1280 * 3 / 10 - 160) <= 1 && crop.top.abs_diff(960 * 6 / 10 - 120) <= 1, "{crop:?}");
    // Nothing ordered: pixels one by one.
    let mut rig = Rig::new(LARGE, |config| config.source.size = Size::QVGA);
    assert_eq!(rig.rest().0.size, Size::VGA);
}

#[test]
fn an_alarm_from_before_the_first_picture_holds_a_patrol_until_its_own_end() {
    // However much else is told before.
    for orders in [0, 1, 1000] {
        let mut rig = Rig::new(LARGE, |config| config.source.size = HD);
        rig.framing.hold(true, rig.now);
        (0..orders).for_each(|_| rig.order(Order::Step(Way::Up, None)));
        rig.now += Duration::from_secs(20);
        rig.order(Order::Patrol(Axis::Horizontal, true));
        let (crop, _) = rig.rest();
        rig.now += Duration::from_secs(5);
        assert_eq!(rig.next().0, crop);
        rig.framing.hold(false, rig.now);
        assert_eq!((0..20).filter(|_| rig.next().0 != crop).count(), 20, "{orders}");
    }
}

#[test]
fn a_move_from_long_before_the_first_picture_is_over_when_that_comes() {
    let mut rig = Rig::new(LARGE, |config| config.source.size = Size::VGA);
    rig.rate(100);
    rig.order(Order::Move(Way::Right));
    rig.now += Duration::from_secs(3600);
    let (crop, view) = rig.next();
    assert_eq!((crop.left + crop.size.width, view), (1280, Some(1)), "where it then ended");
}

#[test]
fn as_many_steps_as_were_ordered_before_the_first_picture_are_gone() {
    let mut after = Rig::new(LARGE, |_| ());
    after.rest();
    let mut before = Rig::new(LARGE, |config| config.source.size = Size::VGA);
    for rig in [&before, &after] {
        for way in [Way::Right, Way::Right, Way::Down] {
            rig.order(Order::Step(way, None));
        }
    }
    // Whoever asks meanwhile changes nothing.
    before.now += Duration::from_secs(5);
    assert!(!before.framing.standing(before.now).1);
    assert_eq!(before.rest().0, after.rest().0);
}

#[test]
fn pictures_of_another_size_that_were_captured_before_an_order_know_nothing_of_it() {
    let [mut told, mut other] = [(); 2].map(|()| Rig::new(LARGE, |_| ()));
    other.now = told.now;
    for rig in [&mut told, &mut other] {
        rig.rest();
        rig.order(Order::Move(Way::Left));
        for _ in 0..5 {
            rig.next();
        }
        rig.picture = HD;
    }
    let captured = told.now + NEXT;
    told.now += NEXT * 3;
    told.order(Order::Stop);
    for late in [captured, captured + NEXT] {
        assert_eq!(told.at(late), other.at(late));
    }
    let (stopped, _) = told.rest();
    assert!(stopped.left > other.rest().0.left, "but then it stops");
}

#[test]
fn what_a_head_refuses_makes_no_picture_forgotten() {
    let mut rig = Rig::new(LARGE, |_| ());
    let before = rig.rest();
    let captured = rig.now;
    rig.now += NEXT;
    rig.order(Order::Move(Way::Left));
    rig.now += NEXT * 5;
    for _ in 0..1000 {
        let refused = Order::GoTo(Int::new(1));
        assert_eq!(rig.framing.order(refused, None, rig.now), Err(NotSupported));
    }
    assert_eq!(rig.at(captured), (before.0, Some(before.1)));
}

#[test]
fn the_settings_of_the_moment_say_how_fast_it_goes() {
    let far = |rate: i32| {
        let mut rig = Rig::new(LARGE, |_| ());
        let (from, _) = rig.rest();
        rig.rate(rate);
        rig.order(Order::Move(Way::Right));
        let left = (0..10).map(|_| rig.next().0.left).max();
        left.unwrap() - from.left
    };
    assert!(far(0) > far(50) * 2);
}

#[test]
fn a_view_that_only_blows_the_picture_up_is_told_of() {
    let told = |view, magnify| {
        let mut config = Config::default();
        (config.ptz.view, config.ptz.magnify) = (view, magnify);
        about(&config, Size::VGA)
    };
    let fine = "digital, viewers see 1280x960 of 640x480, zoom 1 to 1 times";
    assert_eq!(told(Some(LARGE), 2.0), fine);
    assert_eq!(told(None, 1.0), "digital, viewers see 640x480 of 640x480, zoom 1 to 1 times");
    let large = "; ptz.view = \"1280x960\" makes pictures of 640x480 larger than ptz.magnify says";
    assert_eq!(told(Some(LARGE), 1.5), fine.to_owned() + large);
}
