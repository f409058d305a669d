//! How large the daemon is, how soon it shows a picture, and what it costs while nobody or one viewer watches.

use std::{
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    cases::Head,
    feed::Feed,
    outcome::median,
    process::{Running, Usage},
    report::number,
    server::{Kind, PASSWORD, PATIENCE, Setup, lookout},
};

/// Pictures a second of the source.
const FPS: u32 = 30;
/// How long the daemon runs before it is measured, and before somebody who watches is.
const SETTLE: Duration = Duration::from_secs(3);

/// A figure in each round, and its goal: at most so much.
pub struct Figure {
    title: &'static str,
    most: Option<f64>,
    rounds: Vec<f64>,
}

/// Measures all of them.
pub fn measure(rounds: usize, seconds: f64, setup: &Setup) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for _ in 0..rounds {
        let mut take =
            |title, most, value: f64| match figures.iter_mut().find(|figure: &&mut Figure| figure.title == title) {
                Some(figure) => figure.rounds.push(value),
                None => figures.push(Figure { title, most, rounds: vec![value] }),
            };
        take("program, stripped, MB", Some(12.0), stripped(setup)?);
        take("from the start to the first picture, demo scene, ms", Some(300.0), first_picture(setup)?);
        let feed = Feed { bytes: 50_000, fps: FPS, pin: None };
        let server = Kind::Lookout.start(feed, false, Head::Whole, setup)?;
        let pid = server.process.pid();
        let idle = Spent::by(pid, seconds)?;
        take("resident, nobody watches, MB", Some(24.0), idle.resident_mb);
        take("CPU a second, nobody watches, ms", None, idle.cpu_ms);
        take("wake-ups a picture, nobody watches", Some(1.0), idle.wakes / f64::from(FPS));
        let viewer = watch(server.http)?;
        let watched = Spent::by(pid, seconds)?;
        drop(viewer);
        take("resident, one viewer, MB", None, watched.resident_mb);
        take("CPU a second, one viewer, ms", None, watched.cpu_ms);
        take("wake-ups a picture, one viewer", None, watched.wakes / f64::from(FPS));
    }
    Ok(figures)
}

/// Prints them.
pub fn table(figures: &[Figure]) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let mut out = String::from("| the daemon by itself | Lookout (least–most) | goal | |\n|---|---|---|---|\n");
    for Figure { title, most, rounds } in figures {
        let mut sorted = rounds.clone();
        let middle = median(&mut sorted);
        let spread = format!("{}–{}", number(sorted.first().copied()), number(sorted.last().copied()));
        let goal = most.map_or_else(String::new, |most| format!("≤ {most}"));
        let met = match (most, middle) {
            (Some(most), Some(middle)) if middle <= *most => "met",
            (Some(_), Some(_)) => "**missed**",
            (None, _) | (_, None) => "",
        };
        let _ = writeln!(out, "| {title} | {} ({spread}) | {goal} | {met} |", number(middle));
    }
    out
}

/// Returns how large the program is once its debug information is gone.
fn stripped(setup: &Setup) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("lookout");
    let done = Command::new("strip").arg("-o").arg(&copy).arg(&setup.daemon).status().context("there is no strip")?;
    ensure!(done.success(), "strip failed: {done}");
    Ok(fs::metadata(copy)?.len() as f64 / 1e6)
}

/// Returns the milliseconds from the start of a fresh camera to the last byte of a picture that was asked for as soon as it
/// listened.
fn first_picture(setup: &Setup) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let mut command = lookout(&setup.daemon, "demo:", setup.cores, folder.path())?;
    let log = fs::File::create(folder.path().join("stderr"))?;
    let began = Instant::now();
    let (_daemon, line) = Running::start_and_read_line(command.stderr(log), PATIENCE)?;
    let said: serde_json::Value = serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
    let http = said["http"].as_str().and_then(|http| http.parse().ok()).context("no address")?;
    let mut answer = Vec::new();
    ask(http, "snapshot.cgi")?.read_to_end(&mut answer)?;
    ensure!(
        answer.ends_with(&[0xff, 0xd9]),
        "no picture: {}",
        String::from_utf8_lossy(&answer[..answer.len().min(200)])
    );
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

fn ask(http: SocketAddr, cgi: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(http)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /{cgi}?user=viewer&pwd={PASSWORD} HTTP/1.1\r\nHost: {http}\r\n\r\n")?;
    Ok(stream)
}

/// Watches the stream until the end of the stream that is returned.
fn watch(http: SocketAddr) -> Result<TcpStream> {
    let stream = ask(http, "videostream.cgi")?;
    let mut reader = stream.try_clone()?;
    thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    Ok(stream)
}

/// What a process spends by the second.
struct Spent {
    resident_mb: f64,
    cpu_ms: f64,
    wakes: f64,
}

impl Spent {
    fn by(pid: u32, seconds: f64) -> Result<Self> {
        thread::sleep(SETTLE);
        let (before, woken, began) = (Usage::of(pid)?, wakes(pid)?, Instant::now());
        thread::sleep(Duration::from_secs_f64(seconds));
        let (after, wakes, elapsed) = (Usage::of(pid)?, wakes(pid)? - woken, began.elapsed().as_secs_f64());
        let cpu = after.cpu_since(&before).as_secs_f64() * 1e3 / elapsed;
        Ok(Self { resident_mb: after.rss_kib as f64 * 1024.0 / 1e6, cpu_ms: cpu, wakes: wakes / elapsed })
    }
}

/// Counts how often the threads of a process have slept and were woken.
fn wakes(pid: u32) -> Result<f64> {
    let mut wakes = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between the listing and the reading.
        let status = fs::read_to_string(task?.path().join("status")).unwrap_or_default();
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        wakes += count.and_then(|count| count.trim().parse::<f64>().ok()).unwrap_or(0.0);
    }
    Ok(wakes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_above_its_goal_is_missed() {
        let figure = |most, rounds: &[f64]| Figure { title: "size", most, rounds: rounds.to_vec() };
        let text = table(&[figure(Some(2.0), &[1.0, 3.0, 2.0]), figure(Some(1.0), &[2.0]), figure(None, &[5.0])]);
        assert!(text.contains("| size | 2.00 (1.00–3.00) | ≤ 2 | met |"), "{text}");
        assert!(text.contains("| ≤ 1 | **missed** |") && text.contains("| size | 5.00 (5.00–5.00) |  |  |"), "{text}");
        assert_eq!(table(&[]), "");
    }
}
