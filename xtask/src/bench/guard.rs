//! Looking for motion while nobody watches: the daemon with motion armed, and Debian's motion at its defaults, each at the
//! same stream, which the raw server hands out from the other core.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{
    feed::Feed,
    outcome::Outcome,
    process::{Cores, Running, Usage, pinned},
    server::{Kind, PASSWORD, PATIENCE, Setup, lookout, own_program, path_text},
};

/// Where Debian puts it, and what it is set to when it is installed.
pub const MOTION: &str = "/usr/bin/motion";
const DEFAULTS: &str = "/etc/motion/motion.conf";
/// From the start to the measurement: both have connected and learnt the background.
const SETTLE: Duration = Duration::from_secs(6);

/// Starts who looks for motion, and measures what that costs.
pub fn measure(kind: Kind, feed: Feed, seconds: f64, setup: &Setup) -> Result<Outcome> {
    let (_source, address) = serve(feed, setup.cores)?;
    let folder = tempfile::tempdir()?;
    let stream = format!("http://{address}/");
    let (watcher, http) = match kind {
        Kind::Motion => (motion(&stream, setup.cores, &folder)?, None),
        Kind::Lookout | Kind::Before | Kind::Raw | Kind::RawTls | Kind::Nginx | Kind::Hello => {
            let mut command = lookout(&setup.daemon, &stream, setup.cores, folder.path())?;
            let (process, http) = ready(&mut command, "Lookout")?;
            arm(http)?;
            (process, Some(http))
        }
    };
    thread::sleep(SETTLE);
    let captured = || http.map(|http| counter(http, "lookout_frames_captured_total")).transpose();
    let (counted, before, began) = (captured()?, Usage::of(watcher.pid())?, Instant::now());
    thread::sleep(Duration::from_secs_f64(seconds));
    let (after, seconds) = (Usage::of(watcher.pid())?, began.elapsed().as_secs_f64());
    let frames = captured()?.zip(counted).map_or(0, |(after, before)| after - before);
    if http.is_some() {
        let expected = seconds * f64::from(feed.fps);
        ensure!(frames as f64 > expected * 0.8, "the daemon saw {frames} pictures of about {expected:.0}");
    }
    let mut outcome = Outcome { seconds, frames, ..Outcome::default() };
    outcome.take_usage(&before, &after);
    if kind == Kind::Motion {
        connected(&folder)?;
    }
    Ok(outcome)
}

/// Starts the stream that both look at, on the core of the load.
fn serve(feed: Feed, cores: Cores) -> Result<(Running, SocketAddr)> {
    let feed = Feed { pin: Some(cores.load), ..feed };
    let mut command = pinned(cores.load, &own_program()?)?;
    command.arg("bench-raw").args(&feed.arguments()[1..]);
    ready(&mut command, "the source")
}

/// Starts what says on its first line where it listens.
fn ready(command: &mut Command, what: &str) -> Result<(Running, SocketAddr)> {
    let (process, line) = Running::start_and_read_line(command, PATIENCE)?;
    let said: serde_json::Value = serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
    let http = said.get("http").and_then(|http| http.as_str()?.parse().ok());
    Ok((process, http.with_context(|| format!("no address of {what} in {line}"))?))
}

/// Arms motion, and nothing that would act on it.
pub fn arm(http: SocketAddr) -> Result<()> {
    let answer = get(http, &format!("/set_alarm.cgi?motion_armed=1&user=admin&pwd={PASSWORD}"))?;
    ensure!(answer.ends_with("ok.\n"), "motion is not armed: {answer}");
    Ok(())
}

/// Begins a patrol without an end.
pub fn patrol(http: SocketAddr) -> Result<()> {
    let answer = get(http, &format!("/decoder_control.cgi?command=28&user=admin&pwd={PASSWORD}"))?;
    ensure!(answer.ends_with("ok.\n"), "the head does not go on patrol: {answer}");
    Ok(())
}

fn counter(http: SocketAddr, name: &str) -> Result<u64> {
    let text = get(http, &format!("/metrics?user=admin&pwd={PASSWORD}"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.with_context(|| format!("no {name} in the metrics"))
}

fn get(http: SocketAddr, path: &str) -> Result<String> {
    let mut socket = TcpStream::connect(http)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    socket.read_to_string(&mut text)?;
    Ok(text)
}

/// Starts Debian's motion with its own configuration file, but for where the pictures come from and where things go.
fn motion(stream: &str, cores: Cores, folder: &TempDir) -> Result<Running> {
    let here = path_text(folder.path())?;
    let ours = [
        ("netcam_url", stream.to_owned()),
        ("target_dir", here.clone()),
        ("log_file", format!("{here}/motion.log")),
        ("webcontrol_port", "0".to_owned()),
        ("stream_port", "0".to_owned()),
    ];
    let path = folder.path().join("motion.conf");
    fs::write(&path, defaults(&ours)?)?;
    let mut command = pinned(cores.server, MOTION)?;
    command.args(["-n", "-c", &path_text(&path)?]).stderr(fs::File::create(folder.path().join("stderr"))?);
    Running::start(&mut command)
}

/// Returns the configuration that Debian installs, without its camera and with these settings instead of its own.
pub fn defaults(ours: &[(&str, String)]) -> Result<String> {
    let defaults = fs::read_to_string(DEFAULTS).with_context(|| format!("no {DEFAULTS}"))?;
    let kept = defaults.lines().filter(|line| {
        let key = line.split_whitespace().next().unwrap_or_default();
        !matches!(key, "video_device" | "videodevice" | "daemon") && ours.iter().all(|(own, _)| *own != key)
    });
    let mut config: String = kept.flat_map(|line| [line, "\n"]).collect();
    config.extend(ours.iter().map(|(key, value)| format!("{key} {value}\n")));
    Ok(config)
}

/// Fails if motion has not seen the stream: what it costs then says nothing.
fn connected(folder: &TempDir) -> Result<()> {
    let read = |name: &str| fs::read_to_string(Path::join(folder.path(), name)).unwrap_or_default();
    let log = read("motion.log") + &read("stderr");
    let bad = ["lost", "Retrying", "error"].iter().any(|word| log.contains(word));
    ensure!(log.contains(") connected") && !bad, "motion did not get at the stream: {log}");
    Ok(())
}
