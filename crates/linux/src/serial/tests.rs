use std::{future::Future, mem::size_of, time::Instant};

use lookout_testkit::Pty;
use rustix::termios::{LocalModes, OutputModes};
use tokio::time::timeout;

use super::*;

/// Far longer than anything takes.
const LONG: Duration = Duration::from_secs(20);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(LONG, what).await.expect("it does not take that long")
}

async fn open(pty: &Pty) -> Result<Line, Lost> {
    soon(Line::open(&pty.path(), false)).await
}

fn lost(opened: Result<Line, Lost>) -> String {
    opened.err().expect("it cannot be had").0
}

#[tokio::test]
async fn every_byte_goes_out_as_it_is_at_every_speed() {
    let pty = Pty::new();
    let mut line = open(&pty).await.unwrap();
    let bytes: Vec<u8> = (0..=255).collect();
    for rate in [1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200] {
        soon(line.speed(rate)).await.unwrap();
        soon(line.write(&bytes)).await.unwrap();
        assert_eq!((pty.wait(256), pty.speed(), line.waiting()), (bytes.clone(), rate, Ok(0)));
    }
}

#[tokio::test]
async fn a_port_is_eight_bits_raw_without_flow_control_and_keeps_its_lines() {
    let pty = Pty::new();
    let line = open(&pty).await.unwrap();
    let settings = tcgetattr(line.port().get_ref()).unwrap();
    let (input, output, control) = (settings.input_modes, settings.output_modes, settings.control_modes);
    // A pseudo-terminal hears whatever it is told about that (`CREAD`).
    assert!(control.contains(ControlModes::CS8 | ControlModes::CLOCAL));
    let parity_or_two_stops = ControlModes::CSTOPB | ControlModes::PARENB;
    assert!(!control.intersects(parity_or_two_stops | ControlModes::CRTSCTS | ControlModes::HUPCL), "{control:?}");
    assert!(!input.intersects(InputModes::IXON | InputModes::IXOFF | InputModes::ICRNL), "{input:?}");
    assert!(!output.contains(OutputModes::OPOST) && !settings.local_modes.intersects(LocalModes::ECHO));
}

#[tokio::test]
async fn one_program_at_a_time_has_a_port() {
    let pty = Pty::new();
    let line = open(&pty).await.unwrap();
    assert_eq!(lost(open(&pty).await), "somebody else uses it");
    drop(line);
    let other = {
        let begin = Instant::now();
        // A thread closes it.
        loop {
            match open(&pty).await {
                Ok(line) => break line,
                Err(why) => assert!(begin.elapsed() < LONG, "{why}"),
            }
        }
    };
    drop(other);
    let pty = Pty::new();
    let other = pty.in_use();
    assert_eq!(lost(open(&pty).await), "somebody else uses it");
    drop(other);
    assert!(open(&pty).await.is_ok());
}

#[tokio::test]
async fn what_is_no_port_is_told_apart() {
    let folder = std::env::temp_dir();
    for (path, why) in [
        (folder.join("ttyNone"), "it is not there"),
        (folder.clone(), "it is no serial port"),
        ("/dev/null".into(), "it is no serial port"),
    ] {
        assert_eq!(lost(soon(Line::open(&path, true)).await), why, "{}", path.display());
    }
}

#[tokio::test]
async fn a_line_that_hangs_up_is_noticed_and_can_be_had_again() {
    let mut pty = Pty::new();
    let mut line = open(&pty).await.unwrap();
    // Whatever is said is no hang-up, however much.
    pty.say(b"\0\xff hello\n");
    assert!(timeout(Duration::from_millis(50), line.gone()).await.is_err());
    pty.hang_up();
    assert_eq!(soon(line.gone()).await, unplugged());
    assert_eq!(soon(line.write(b"x")).await, Err(unplugged()));
    assert_eq!((soon(line.speed(9600)).await, line.waiting()), (Err(unplugged()), Err(unplugged())));
    drop(line);
    assert_eq!(lost(open(&pty).await), "it is not there");
    pty.come_back();
    soon(open(&pty).await.unwrap().write(b"x")).await.unwrap();
    assert_eq!(pty.wait(1), b"x");
}

#[tokio::test]
async fn a_line_that_takes_nothing_can_be_left_and_what_waits_is_thrown_away() {
    let pty = Pty::new();
    let mut line = open(&pty).await.unwrap();
    let mut written = pty.clog();
    while timeout(Duration::from_millis(50), line.write(&[7; 64])).await.is_ok() {
        written += 64;
    }
    soon(line.discard()).await;
    drop(line);
    pty.deaf(false);
    std::thread::sleep(Duration::from_millis(100));
    // What the other end's side had taken already is not the driver's to throw away.
    assert!(pty.take().len() < written);
}

#[tokio::test]
async fn a_driver_that_switches_no_direction_is_told_and_the_port_goes_on() {
    let pty = Pty::new();
    let mut line = soon(Line::open(&pty.path(), true)).await.unwrap();
    assert!(line.lacks().unwrap().contains("serial.rs485"), "{:?}", line.lacks());
    soon(line.write(b"x")).await.unwrap();
    assert_eq!(pty.wait(1), b"x");
    drop(line);
    let pty = Pty::new();
    assert_eq!(open(&pty).await.unwrap().lacks(), None);
}

#[test]
fn the_structure_is_as_large_as_the_kernels() {
    assert_eq!(size_of::<Rs485>(), 32);
}
