//! The driver against real kernel drivers: vivid and uvcvideo, in the virtual hardware lab (`cargo xtask lab driver`).
//!
//! Every test plugs its own camera and unplugs it at the end; they share the kernel, so they run one at a time.

mod head;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use lookout_core::{
    media::frame::{Grabbed, Picture, RawFormat, Size},
    port::{Image, Lost, PowerLine, Source, Wanted},
};
use tokio::time::timeout;

use super::{
    Camera,
    abi::{CID_BRIGHTNESS, CID_CONTRAST, CID_HFLIP, CID_POWER_LINE, CID_VFLIP, Fraction},
    describe,
    device::Device,
    first,
    offer::{Choice, Format},
    probe,
};

const HD: Size = Size::new(1280, 720);

/// The rate is only asserted where that is the test; under emulation everything else may be slow.
const fn wanted(size: Size) -> Wanted {
    Wanted { size, fps: 30.0 }
}

/// A software USB camera, plugged in until dropped.
struct Usb {
    program: Child,
    node: PathBuf,
}

impl Usb {
    fn plug(options: &[&str]) -> Self {
        run("modprobe", &["-a", "vhci_hcd", "uvcvideo"]);
        let mut command = Command::new("lab-uvc-cam");
        let mut program = command.args(options).stdout(Stdio::piped()).spawn().unwrap();
        let mut plugged = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut plugged).unwrap();
        Self { program, node: eventually(|| node("Lab UVC")) }
    }

    fn signal(&self, name: &str) {
        run("kill", &["-s", name, &self.program.id().to_string()]);
    }

    fn unplug(mut self) {
        self.pull();
    }

    fn pull(&mut self) {
        self.signal("TERM");
        self.program.wait().unwrap();
        eventually(|| node("Lab UVC").is_none().then_some(()));
    }
}

impl Drop for Usb {
    fn drop(&mut self) {
        if matches!(self.program.try_wait(), Ok(None)) {
            self.pull();
        }
    }
}

/// Loads the kernel's virtual camera, if it is not yet there, and returns its node with all controls at their defaults.
fn vivid() -> PathBuf {
    run("modprobe", &["vivid", "n_devs=1", "node_types=0x1", "num_inputs=1", "input_types=0x0"]);
    let node = eventually(|| node("vivid"));
    control(&node, "brightness=128,contrast=128,horizontal_flip=0,vertical_flip=0");
    // No text in the picture, so that all formats show the same.
    control(&node, "osd_text_mode=2");
    node
}

fn control(node: &Path, setting: &str) {
    run("v4l2-ctl", &["-d", node.to_str().unwrap(), "-c", setting]);
}

fn run(program: &str, arguments: &[&str]) {
    assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program} {arguments:?}");
}

fn eventually<T>(attempt: impl Fn() -> Option<T>) -> T {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(done) = attempt() {
            return done;
        }
        assert!(Instant::now() < patience, "waited in vain");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Finds the capture node of a card; its sibling of a higher index delivers metadata.
fn node(card: &str) -> Option<PathBuf> {
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
    let mut entries = fs::read_dir("/sys/class/video4linux").ok()?.flatten().map(|entry| entry.path());
    let found =
        entries.find(|entry| read(entry.join("name")).starts_with(card) && read(entry.join("index")).trim() == "0")?;
    let node = Path::new("/dev").join(found.file_name()?);
    node.exists().then_some(node)
}

/// Opens a camera with one certain format.
fn start(node: &Path, letters: &[u8; 4], size: Size) -> Camera {
    let (device, capability) = Device::open(node).unwrap();
    let pixel_format = u32::from_le_bytes(*letters);
    let format = Format::of(pixel_format).unwrap();
    let interval = Some(Fraction { numerator: 1, denominator: 30 });
    Camera::start(device, &capability, Choice { pixel_format, format, size, interval }).unwrap()
}

async fn grab(camera: &mut Camera) -> Result<Grabbed, Lost> {
    timeout(Duration::from_secs(15), camera.grab()).await.expect("a picture or an error within 15 s")
}

async fn jpeg(camera: &mut Camera) -> bytes::Bytes {
    match grab(camera).await.unwrap().picture {
        Picture::Jpeg(jpeg) => jpeg,
        Picture::Raw(_) => panic!("a raw picture"),
    }
}

fn is_whole(jpeg: &[u8]) -> bool {
    jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9])
}

/// Grabs a raw picture and returns its luma in the middle of each of vivid's eight colour bars, left to right.
async fn bars(camera: &mut Camera, format: RawFormat, size: Size, row: u32) -> [u8; 8] {
    let Picture::Raw(raw) = grab(camera).await.unwrap().picture else { panic!("a JPEG") };
    assert_eq!((raw.format, raw.size, raw.pixels.len()), (format, size, format.bytes(size)));
    let bytes_per_pixel = if format == RawFormat::Yuyv { 2 } else { 1 };
    let (width, row) = (size.width as usize, row as usize);
    [0, 1, 2, 3, 4, 5, 6, 7].map(|bar| raw.pixels[(row * width + width * (2 * bar + 1) / 16) * bytes_per_pixel])
}

fn value(node: &Path, id: u32) -> i32 {
    Device::open(node).unwrap().0.value(id).unwrap()
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn every_raw_format_arrives_whole_and_shows_the_same_bars() {
    let node = vivid();
    for size in [Size::new(320, 180), Size::new(640, 360), Size::VGA] {
        let mut shown = Vec::new();
        let formats = [
            (b"YUYV", RawFormat::Yuyv),
            (b"UYVY", RawFormat::Yuyv),
            (b"NV12", RawFormat::Nv12),
            (b"YU12", RawFormat::I420),
            (b"GREY", RawFormat::Grey),
        ];
        for (letters, format) in formats {
            let mut camera = start(&node, letters, size);
            let bars = bars(&mut camera, format, size, size.height / 2).await;
            assert!(bars.is_sorted_by(|left, right| left > right), "75 % bars darken to the right: {bars:?}");
            shown.push(bars);
        }
        let close = |bars: &[u8; 8]| bars.iter().zip(shown[0]).all(|(luma, first)| luma.abs_diff(first) <= 2);
        assert!(shown[1..4].iter().all(close), "{shown:?}");
    }
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn vivid_opens_at_the_size_and_nearest_rate_that_are_wanted() {
    let node = vivid();
    let mut camera = Camera::open(&node, wanted(Size::VGA)).await.unwrap();
    // At this size vivid goes up to 25 fps in Linux 6.1 and up to 30 in 6.12.
    let expected = [25, 30].map(|fps| format!("camera \"vivid\", I420 640x480, {fps} fps"));
    assert!(expected.contains(&camera.about()), "{}", camera.about());
    grab(&mut camera).await.unwrap();
    drop(camera);
    let camera = Camera::open(&node, Wanted { size: Size::new(600, 300), fps: 10.0 }).await.unwrap();
    assert!(camera.about().contains("640x360"), "{}", camera.about());
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn vivids_controls_do_what_the_image_settings_say() {
    let node = vivid();
    let mut camera = start(&node, b"GREY", Size::VGA);
    let plain = bars(&mut camera, RawFormat::Grey, Size::VGA, 240).await;

    let image = Image { brightness: 255, contrast: 0, mirror: true, flip: true, mode: PowerLine::Off };
    assert_eq!(camera.adjust(&image), Image::NEUTRAL, "the device does it all; vivid has no power line control");
    let values = [CID_BRIGHTNESS, CID_CONTRAST, CID_HFLIP, CID_VFLIP].map(|id| value(&node, id));
    assert_eq!(values, [255, 0, 1, 1]);

    assert_eq!(camera.adjust(&Image { mirror: true, ..Image::NEUTRAL }), Image::NEUTRAL);
    let values = [CID_BRIGHTNESS, CID_CONTRAST, CID_HFLIP, CID_VFLIP].map(|id| value(&node, id));
    assert_eq!(values, [128, 128, 1, 0]);
    let mut mirrored = [0; 8];
    // Pictures made before the change may still come.
    for _ in 0..8 {
        mirrored = bars(&mut camera, RawFormat::Grey, Size::VGA, 240).await;
    }
    mirrored.reverse();
    assert_eq!(mirrored, plain);
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn vivids_errors_are_skipped_or_end_the_source_and_it_opens_again() {
    let node = vivid();
    let mut camera = start(&node, b"YUYV", Size::VGA);
    grab(&mut camera).await.unwrap();
    control(&node, "inject_v4l2_buf_flag_error=1");
    for _ in 0..8 {
        grab(&mut camera).await.unwrap();
    }
    assert_eq!(camera.skipped(), 1);

    control(&node, "inject_fatal_streaming_error=1");
    let lost = loop {
        if let Err(lost) = grab(&mut camera).await {
            break lost;
        }
    };
    assert!(lost.0.contains("failed") || lost.0.contains("reports an error"), "{lost}");
    drop(camera);

    let mut camera = start(&node, b"YUYV", Size::VGA);
    grab(&mut camera).await.unwrap();
    control(&node, "disconnect=1");
    let lost = loop {
        if let Err(lost) = grab(&mut camera).await {
            break lost;
        }
    };
    assert_eq!(lost.0, format!("{} was unplugged", node.display()));
    drop(camera);
    grab(&mut start(&node, b"YUYV", Size::VGA)).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_usb_camera_delivers_mjpeg_at_30_pictures_a_second() {
    let usb = Usb::plug(&[]);
    for size in [Size::QVGA, Size::VGA, HD] {
        let mut camera = Camera::open(&usb.node, wanted(size)).await.unwrap();
        assert_eq!(camera.about(), format!("USB camera \"Lab UVC camera\", MJPEG {size}, 30 fps"));
        let mut captured = Vec::new();
        for _ in 0..60 {
            let before = SystemTime::now();
            let Grabbed { captured: at, wall, picture } = grab(&mut camera).await.unwrap();
            let (now, after) = (Instant::now(), SystemTime::now());
            assert!(matches!(picture, Picture::Jpeg(jpeg) if is_whole(&jpeg)));
            assert!(at <= now && now - at < Duration::from_secs(2), "aged {:?}", now - at);
            assert!(wall <= after && wall > before - Duration::from_secs(2));
            captured.push(at);
        }
        let mut gaps: Vec<_> = captured.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort();
        println!("{size}: median {:?}, longest {:?} between pictures", gaps[gaps.len() / 2], gaps[gaps.len() - 1]);
        assert!(gaps[gaps.len() / 2] < Duration::from_millis(40), "{gaps:?}");
        assert!(gaps[0] > Duration::ZERO, "captured later each time");
        assert_eq!(camera.skipped(), 0);
    }
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_usb_camera_delivers_yuyv() {
    let usb = Usb::plug(&[]);
    for size in [Size::QVGA, Size::VGA, HD] {
        let mut camera = start(&usb.node, b"YUYV", size);
        for _ in 0..5 {
            bars(&mut camera, RawFormat::Yuyv, size, 1).await;
        }
    }
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_late_reader_gets_a_fresh_picture() {
    let usb = Usb::plug(&[]);
    let mut camera = Camera::open(&usb.node, wanted(Size::QVGA)).await.unwrap();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let asked = Instant::now();
        let captured = grab(&mut camera).await.unwrap().captured;
        assert!(captured + Duration::from_millis(100) > asked, "{:?} before it was asked for", asked - captured);
    }
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_usb_cameras_controls_are_written_and_again_after_a_replug() {
    let image = Image { brightness: 0, contrast: 6, mode: PowerLine::Hz60, flip: true, mirror: true };
    for round in ["first", "replugged"] {
        let usb = Usb::plug(&[]);
        let values = || [CID_BRIGHTNESS, CID_CONTRAST, CID_POWER_LINE].map(|id| value(&usb.node, id));
        assert_eq!(values(), [128, 128, 1], "{round}: the camera's defaults");
        let mut camera = Camera::open(&usb.node, wanted(Size::VGA)).await.unwrap();
        let left = camera.adjust(&image);
        assert_eq!(left, Image { flip: true, mirror: true, ..Image::NEUTRAL }, "{round}: it cannot flip");
        assert_eq!(values(), [0, 255, 2], "{round}");
        camera.adjust(&Image { mode: PowerLine::Off, ..Image::NEUTRAL });
        assert_eq!(values(), [128, 128, 0], "{round}");
        jpeg(&mut camera).await;
    }
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn an_unplugged_camera_is_lost_at_once_and_works_when_it_is_back() {
    let usb = Usb::plug(&[]);
    let node = usb.node.clone();
    let mut camera = Camera::open(&node, wanted(Size::VGA)).await.unwrap();
    jpeg(&mut camera).await;
    let unplugging = thread::spawn(move || usb.unplug());
    let pulled = Instant::now();
    let lost = loop {
        if let Err(lost) = grab(&mut camera).await {
            break lost;
        }
    };
    println!("lost {:?} after the unplug began: {lost}", pulled.elapsed());
    assert!(lost.0.starts_with(node.to_str().unwrap()), "{lost}");
    drop(camera);
    unplugging.join().unwrap();
    let gone = Camera::open(&node, wanted(Size::VGA)).await.map(|_| ());
    assert_eq!(gone, Err(Lost(format!("no such device {}", node.display()))));

    let usb = Usb::plug(&[]);
    assert_eq!(usb.node, node, "the kernel reuses the number once nobody holds it");
    let mut camera = Camera::open(&node, wanted(Size::VGA)).await.unwrap();
    assert!(is_whole(&jpeg(&mut camera).await));
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_frozen_camera_stalls_and_goes_on_when_it_thaws() {
    let usb = Usb::plug(&[]);
    let mut camera = Camera::open(&usb.node, wanted(Size::VGA)).await.unwrap();
    jpeg(&mut camera).await;
    usb.signal("USR1");
    let stalled = async {
        // What was under way when it froze still comes.
        while timeout(Duration::from_secs(2), camera.grab()).await.map(Result::unwrap).is_ok() {}
    };
    timeout(Duration::from_secs(20), stalled).await.expect("it stalls");
    usb.signal("USR1");
    assert!(is_whole(&jpeg(&mut camera).await));
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn cut_jpegs_come_through_as_they_are() {
    let usb = Usb::plug(&["--corrupt", "3"]);
    let mut camera = Camera::open(&usb.node, wanted(Size::VGA)).await.unwrap();
    let mut whole = 0;
    for _ in 0..30 {
        whole += usize::from(is_whole(&jpeg(&mut camera).await));
    }
    println!("{whole} of 30 whole");
    assert!((10..30).contains(&whole), "{whole}");
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn pictures_that_the_driver_flags_as_damaged_are_skipped_and_counted() {
    // Else uvcvideo drops raw pictures that are too short before anyone sees them; it looks when a camera is plugged in.
    run("modprobe", &["-a", "uvcvideo"]);
    fs::write("/sys/module/uvcvideo/parameters/nodrop", "1").unwrap();
    let usb = Usb::plug(&["--corrupt", "3"]);
    fs::write("/sys/module/uvcvideo/parameters/nodrop", "0").unwrap();
    let mut camera = start(&usb.node, b"YUYV", Size::QVGA);
    for _ in 0..12 {
        bars(&mut camera, RawFormat::Yuyv, Size::QVGA, 1).await;
    }
    assert!(camera.skipped() > 0);
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn a_camera_in_use_says_so() {
    let usb = Usb::plug(&[]);
    let mut camera = Camera::open(&usb.node, wanted(Size::VGA)).await.unwrap();
    let second = Camera::open(&usb.node, wanted(Size::QVGA)).await.map(|_| ());
    assert_eq!(second, Err(Lost(format!("{} is in use by another program", usb.node.display()))));
    assert_eq!(probe(&usb.node), Ok(()), "in use or not, it is a camera");
    jpeg(&mut camera).await;
}

#[tokio::test]
#[ignore = "needs the virtual hardware lab: cargo xtask lab"]
async fn cameras_are_found_and_described() {
    let vivid = vivid();
    let usb = Usb::plug(&[]);
    assert_eq!(first(), Some(vivid.clone().min(usb.node.clone())));
    let sibling = fs::read_dir("/sys/class/video4linux")
        .unwrap()
        .flatten()
        .find(|entry| fs::read_to_string(entry.path().join("index")).unwrap().trim() == "1");
    let metadata = Path::new("/dev").join(sibling.unwrap().file_name());
    assert_eq!(probe(&metadata), Err(Lost(format!("{} is no capture device", metadata.display()))));

    let text = describe(&usb.node).unwrap().to_string();
    println!("{text}");
    assert!(text.starts_with("USB camera \"Lab UVC camera\" (uvcvideo, usb-vhci_hcd.0-1)\n"), "{text}");
    assert!(text.contains("  MJPEG 640x480 at 30, 15, 5 fps\n"), "{text}");
    assert!(text.contains("  Brightness: 0 to 255, default 128, now 128\n"), "{text}");
    let text = describe(&vivid).unwrap().to_string();
    assert!(text.contains("  NV12 640x480 at ") && text.contains("  formats of no use here: "), "{text}");
}
