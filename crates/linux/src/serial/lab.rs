//! Ports against the kernel's own UART driver, in the virtual hardware lab (`cargo xtask lab serial`): ttyS1 and ttyS2 are wired
//! to each other.
//!
//! There is one such pair, so the tests run one at a time.

use std::{
    fs::File,
    io::Read as _,
    thread,
    time::{Duration, Instant},
};

use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};

use super::*;

const NEAR: &str = "/dev/ttyS1";
const FAR: &str = "/dev/ttyS2";
const LONG: Duration = Duration::from_secs(30);

/// Opens the far end, which hears.
fn far() -> File {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let far = rustix::fs::open(FAR, flags, Mode::empty()).unwrap();
    let mut settings = tcgetattr(&far).unwrap();
    settings.make_raw();
    settings.set_speed(115_200).unwrap();
    settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    tcsetattr(&far, OptionalActions::Now, &settings).unwrap();
    tcflush(&far, QueueSelector::IFlush).unwrap();
    far.into()
}

/// Hears so many bytes.
fn hear(far: &mut File, count: usize) -> Vec<u8> {
    let (mut heard, begin) = (Vec::new(), Instant::now());
    while heard.len() < count {
        let mut piece = [0; 256];
        match far.read(&mut piece) {
            Ok(read) => heard.extend_from_slice(&piece[..read]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        assert!(begin.elapsed() < LONG, "{} of {count} bytes came", heard.len());
        thread::sleep(Duration::from_millis(1));
    }
    heard
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn every_byte_goes_over_the_wire_at_every_speed_and_the_driver_says_when_it_has_gone() {
    let mut far = far();
    let mut line = Line::open(NEAR.as_ref(), false).await.unwrap();
    let bytes: Vec<u8> = (0..=255).collect();
    for rate in [1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200] {
        line.speed(rate).await.unwrap();
        assert_eq!(tcgetattr(line.port().get_ref()).unwrap().output_speed(), rate);
        line.write(&bytes).await.unwrap();
        assert_eq!(hear(&mut far, bytes.len()), bytes, "at {rate}");
        let begin = Instant::now();
        while line.waiting().unwrap() > 0 {
            assert!(begin.elapsed() < LONG, "the driver keeps {} bytes", line.waiting().unwrap());
        }
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_uart_is_not_heard_and_keeps_its_lines() {
    let line = Line::open(NEAR.as_ref(), false).await.unwrap();
    let control = tcgetattr(line.port().get_ref()).unwrap().control_modes;
    assert!(control.contains(ControlModes::CS8 | ControlModes::CLOCAL), "{control:?}");
    assert!(!control.intersects(ControlModes::CREAD | ControlModes::HUPCL | ControlModes::CRTSCTS), "{control:?}");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_uart_that_switches_no_direction_is_used_all_the_same() {
    let mut far = far();
    let mut line = Line::open(NEAR.as_ref(), true).await.unwrap();
    println!("RS-485: {:?}", line.lacks());
    assert!(line.lacks().is_some(), "this UART has RS-485 after all: the lab proves nothing then");
    line.speed(2400).await.unwrap();
    line.write(b"\xff\x01\x00\x08\x00\x20\x29").await.unwrap();
    assert_eq!(hear(&mut far, 7), b"\xff\x01\x00\x08\x00\x20\x29");
}
