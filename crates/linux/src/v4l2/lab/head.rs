//! Heads: pan, tilt and zoom of a USB camera whose motors take their time, beside the capture.

use std::time::{Duration, Instant};

use lookout_core::{
    media::frame::Size,
    port::{Lost, Turner as _},
    ptz::Pose,
};
use tokio::time::sleep;

use super::{
    super::{
        Head,
        abi::{CID_PAN_ABSOLUTE, CID_TILT_ABSOLUTE, CID_ZOOM_ABSOLUTE},
    },
    Camera, Usb, eventually, fs, jpeg, value, wanted,
};

const BOTH: [&str; 2] = ["--head", "pantilt,zoom"];

/// Opens a head, at a second or third attempt, should the camera be slow to tell its ranges; the kernel keeps those it has.
async fn open(usb: &Usb) -> Head {
    let begin = Instant::now();
    loop {
        match Head::open(usb.node.clone()).await {
            Ok(head) => {
                println!("opened after {:?}", begin.elapsed());
                return head;
            }
            Err(lost) => assert!(begin.elapsed() < Duration::from_secs(20), "{lost}"),
        }
    }
}

const fn pose(pan: f64, tilt: f64, zoom: f64) -> Pose {
    Pose { pan, tilt, zoom }
}

fn values(usb: &Usb) -> [i32; 3] {
    [CID_PAN_ABSOLUTE, CID_TILT_ABSOLUTE, CID_ZOOM_ABSOLUTE].map(|id| value(&usb.node, id))
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_head_turns_beside_the_capture_to_the_exact_values() {
    let usb = Usb::plug(&BOTH);
    let mut camera = Camera::open(&usb.node, wanted(Size::VGA)).await.unwrap();
    let mut head = open(&usb).await;
    let about = "USB camera \"Lab UVC camera\", pan -170° to 170° in steps of 1°, tilt -30° to 90° in steps of 1°, \
                 zoom 1 to 5 times (100 to 500)";
    assert_eq!(head.about(), about);
    assert_eq!((head.body().degrees, head.body().centre), ((340.0, 120.0), (0.5, 0.75)));
    assert_eq!(head.pose(), pose(0.5, 0.75, 0.0), "as it was plugged in");
    assert_eq!(values(&usb), [0, 0, 100]);
    for (to, there) in [
        (pose(1.0, 0.0, 1.0), [612_000, 324_000, 500]),
        (pose(0.0, 1.0, 0.0), [-612_000, -108_000, 100]),
        (pose(0.3, 0.1, 0.5), [-244_800, 280_800, 224]),
    ] {
        head.turn(to).await.unwrap();
        assert_eq!(values(&usb), there);
        jpeg(&mut camera).await;
    }
    let again = open(&usb).await;
    assert_eq!(again.pose(), head.pose(), "it is where it was left");
    drop((head, again));
    jpeg(&mut camera).await;
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn q71_a_head_on_its_way_is_told_both_of_pan_and_tilt() {
    let usb = Usb::plug(&[BOTH.as_slice(), &["--travel", "3"]].concat());
    let mut head = open(&usb).await;
    head.turn(pose(1.0, 0.75, 0.0)).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    head.turn(pose(1.0, 0.5, 0.0)).await.unwrap();
    let [pan, ..] = values(&usb);
    assert!((1..612_000).contains(&pan), "it is on its way: {pan}");
    // Were the tilt written alone, the pan would stay where it was at that moment.
    eventually(|| (values(&usb) == [612_000, 108_000, 100]).then_some(()));
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn only_what_changes_is_told() {
    let usb = Usb::plug(&[BOTH.as_slice(), &["--tell", "/run/told"]].concat());
    let mut head = open(&usb).await;
    let turns =
        [pose(0.5, 0.5, 0.0), pose(0.5, 0.5, 0.0), pose(0.5001, 0.5, 0.0), pose(0.5, 0.5, 1.0), pose(0.4, 0.5, 1.0)];
    for to in turns {
        head.turn(to).await.unwrap();
    }
    let told = fs::read_to_string("/run/told").unwrap();
    fs::remove_file("/run/told").unwrap();
    assert_eq!(told, "pantilt 0 108000\nzoom 100\nzoom 500\npantilt -122400 108000\n");
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_busy_head_is_told_again_and_one_that_stays_busy_is_lost() {
    let usb = Usb::plug(&[BOTH.as_slice(), &["--travel", "4", "--busy"]].concat());
    let mut head = open(&usb).await;
    head.turn(pose(0.55, 0.75, 0.0)).await.unwrap();
    head.turn(pose(0.5, 0.75, 0.0)).await.unwrap();
    eventually(|| (values(&usb) == [0, 0, 100]).then_some(()));
    head.turn(pose(1.0, 0.75, 0.0)).await.unwrap();
    let lost = head.turn(pose(0.0, 0.75, 0.0)).await;
    assert_eq!(lost, Err(Lost(format!("{} is busy, and stays so", usb.node.display()))));
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_head_that_does_not_answer_is_lost_in_time_and_works_again() {
    let usb = Usb::plug(&BOTH);
    let mut head = open(&usb).await;
    head.turn(pose(0.5, 0.5, 0.0)).await.unwrap();
    usb.signal("USR2");
    // More often than there are threads for it.
    for round in 0..4 {
        let begin = Instant::now();
        let lost = match head.turn(pose(1.0, 0.5, 0.0)).await {
            Ok(()) => panic!("it does not answer"),
            Err(lost) => lost,
        };
        println!("round {round}: {:?}: {lost}", begin.elapsed());
        assert!(lost.0.contains("answer") || lost.0.contains("failed"), "{lost}");
    }
    assert!(Head::open(usb.node.clone()).await.is_err(), "no more than its share of threads");
    usb.signal("USR2");
    drop(head);
    let mut head = open(&usb).await;
    head.turn(pose(0.0, 0.5, 0.0)).await.unwrap();
    assert_eq!(values(&usb)[0], -612_000);
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn an_unplugged_head_is_lost_and_works_when_it_is_back() {
    let usb = Usb::plug(&BOTH);
    let node = usb.node.clone();
    let mut head = open(&usb).await;
    head.turn(pose(0.5, 0.5, 0.0)).await.unwrap();
    usb.unplug();
    assert_eq!(head.turn(pose(0.6, 0.5, 0.0)).await, Err(Lost(format!("{} was unplugged", node.display()))));
    drop(head);
    assert_eq!(Head::open(node.clone()).await.map(|_| ()), Err(Lost(format!("no such device {}", node.display()))));
    let usb = Usb::plug(&BOTH);
    let mut head = open(&usb).await;
    head.turn(pose(0.6, 0.5, 0.0)).await.unwrap();
    assert_eq!(values(&usb)[0], 122_400);
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn q71_a_camera_says_what_it_lacks_of_a_head() {
    let refusal = |usb: Usb| async move { Head::open(usb.node.clone()).await.map(|_| ()).unwrap_err().0 };
    assert!(refusal(Usb::plug(&[])).await.ends_with(" has no control for pan, tilt or zoom"));
    let moves = refusal(Usb::plug(&["--head", "motion"])).await;
    assert!(moves.ends_with(" can only be moved, but not be sent to a position, which is not supported"), "{moves}");

    let usb = Usb::plug(&["--head", "zoom"]);
    let mut head = open(&usb).await;
    assert_eq!((head.body().degrees, head.pose()), ((0.0, 0.0), pose(0.5, 0.5, 0.0)));
    head.turn(pose(0.9, 0.9, 1.0)).await.unwrap();
    assert_eq!(value(&usb.node, CID_ZOOM_ABSOLUTE), 500);
    drop((usb, head));

    let usb = Usb::plug(&["--head", "pantilt"]);
    assert_eq!(open(&usb).await.body().octaves.to_bits(), 0);
}
