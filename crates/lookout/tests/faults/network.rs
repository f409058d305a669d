//! kill -9 before every system call of a change of the network, from the request to the moment at which it is confirmed (F14,
//! Q74): the next start has it confirmed, or has the old one back once nobody is seen. The port stands for all of it: it needs
//! no network of the machine's own.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use lookout_testkit::{Camera, eventually, free, on};

use crate::{
    LOOKOUT,
    folder::{self, Files},
    strace::{self, Point, Strace},
};

/// How long a manager is waited for, s.
const WINDOW: &str = "2.0";
/// How long a change may take until it is confirmed and on the disk.
const LONG: Duration = Duration::from_secs(10);

/// The port that a file of the state folder names.
fn named(state: &Path, file: &str) -> Option<u16> {
    let text = fs::read_to_string(state.join(file)).ok()?;
    text.lines().find_map(|line| line.strip_prefix("port = ")?.parse().ok())
}

/// Has the port changed, and comes in by the new one until that is confirmed, unless the camera is killed meanwhile.
fn change(camera: &mut Camera, from: u16, to: u16, ended: &mut dyn FnMut() -> bool) {
    let ask = |camera: &Camera, target: &str| {
        let mut conn = camera.admin().connect();
        conn.write(camera.admin().request("GET", target));
        conn.try_reply();
    };
    camera.http = on(from);
    ask(camera, &format!("/set_network.cgi?ip=&mask=&gateway=&dns=&port={to}"));
    let begin = Instant::now();
    while !ended() && named(&camera.state(), "network-confirmed.toml") != Some(to) {
        assert!(begin.elapsed() < LONG, "neither confirmed nor killed");
        if TcpStream::connect(on(to)).is_ok() {
            camera.http = on(to);
            ask(camera, "/get_params.cgi");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Starts the camera on what is there, and waits until all that knows of the port agrees; returns it.
fn settled(camera: &mut Camera, configured: u16) -> u16 {
    camera.restart_on(on(configured));
    let state = camera.state();
    let mut port = None;
    eventually("the settings, what was confirmed and the socket agree", || {
        port = named(&state, "settings.toml");
        port == named(&state, "network-confirmed.toml") && port.is_some_and(|port| TcpStream::connect(on(port)).is_ok())
    });
    port.unwrap()
}

#[test]
fn a_change_of_the_network_killed_anywhere_is_confirmed_or_comes_back() {
    let (old, new) = (free(), free());
    let mut camera = Camera::start(LOOKOUT, &format!("[host]\nnetwork_confirm_s = {WINDOW}\n"));
    assert_eq!(settled(&mut camera, old), old);
    camera.kill();
    let before: Files = folder::read(&camera.state());
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let prepare = |camera: &mut Camera, inject: Option<(&Point, &str)>| {
        camera.kill();
        folder::write(&camera.state(), &before);
        camera.restart_on(on(old));
        Strace::attach(camera.pid(), &log, inject)
    };
    let strace = prepare(&mut camera, None);
    change(&mut camera, old, new, &mut || false);
    strace::settled(&log, &camera.state());
    let points = strace::points(&strace.detach(&camera.state()));
    let concerned = |point: &&Point| !point.path.ends_with("journal.log");
    assert_eq!(settled(&mut camera, old), new, "nobody killed it before it was confirmed");
    let mut met = 0;
    for point in points.iter().flatten().filter(concerned) {
        let mut strace = prepare(&mut camera, Some((point, "signal=KILL")));
        change(&mut camera, old, new, &mut || strace.ended());
        let begin = Instant::now();
        while !strace.ended() && begin.elapsed() < Duration::from_secs(1) {
            thread::sleep(Duration::from_millis(5));
        }
        if !strace.ended() {
            strace.detach(&camera.state());
            continue;
        }
        camera.kill();
        met += 1;
        let confirmed = named(&camera.state(), "network-confirmed.toml").unwrap();
        let now = settled(&mut camera, old);
        println!("killed before {} of {}: {now}", point.call, point.path.rsplit('/').next().unwrap());
        assert_eq!(now, confirmed, "{point:?}: what was confirmed holds, and nothing else");
    }
    assert!(met >= 8, "killed at {met} of {}", points.len());
}
