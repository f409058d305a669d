//! The scenes shown to Debian's motion at its defaults, and judged as the detector is.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, ensure};
use lookout_core::profile::mask::Mask;
use lookout_testkit::motion::{Outcome, Painter, Scene, Score, UNKNOWN, encode, judge, scenes, trial};

use super::stream::{Stream, told};
use crate::bench::{
    guard::{MOTION, defaults},
    process::{Running, Usage},
    report,
    server::path_text,
};

const WIDTH: usize = 640;
const HEIGHT: usize = 480;
/// The default sensitivity of the detector.
const SENSITIVITY: u8 = 5;

/// What became of a scene.
struct Shown {
    name: String,
    motion: Outcome,
    lookout: Outcome,
    /// CPU seconds of the process of motion, and how long it ran.
    cpu: f64,
    ran: f64,
}

/// Shows the scenes, some at once, and writes the page.
pub fn page(at_once: usize, only: &str) -> Result<String> {
    let version = version()?;
    let chosen: VecDeque<_> =
        scenes(UNKNOWN).into_iter().filter(|scene| scene.name.contains(only)).enumerate().collect();
    ensure!(!chosen.is_empty(), "no scene has {only:?} in its name");
    let (total, waiting, done) = (chosen.len(), Mutex::new(chosen), Mutex::new(Vec::new()));
    let lock = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let work = || -> Result<()> {
        while let Some((number, scene)) = lock() {
            let shown = show(&scene).with_context(|| scene.name.clone())?;
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((number, shown));
            eprintln!("{} of {total}: {}", done.len(), scene.name);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().ok().context("a worker panicked")?)
    })?;
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    let shown: Vec<Shown> = done.into_iter().map(|(_, shown)| shown).collect();
    Ok(write(&shown, at_once, rustix::process::nice(0)?, &version))
}

fn version() -> Result<String> {
    let output = Command::new(MOTION).arg("-h").stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("no {MOTION}: apt-get install --no-install-recommends motion"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.lines().find_map(|line| line.strip_prefix("motion Version ")?.split(',').next());
    Ok(version.context("motion does not say its version")?.to_owned())
}

/// Shows a scene to both.
fn show(scene: &Scene) -> Result<Shown> {
    let mut painter = Painter::new(scene, WIDTH);
    let pictures =
        (0..scene.pictures).map(|picture| encode(&painter.paint(), scene.quality_at(Scene::moment(picture))));
    let stream = Stream::new(pictures.collect())?;
    let lookout = trial(scene, WIDTH, &[SENSITIVITY]).pop().context("one sensitivity, one outcome")?;

    let folder = tempfile::tempdir()?;
    let path = folder.path();
    let config = configure(path, &format!("http://{}/", stream.address()?), &scene.mask)?;
    // Ends with this program, however that ends.
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM", MOTION, "-n", "-c", &config])
        .stdin(Stdio::null())
        .stderr(fs::File::create(path.join("stderr"))?);
    let process = Running::start(command.stdout(Stdio::null()))?;
    let (began, before) = (SystemTime::now(), Usage::of(process.pid())?);
    let sent = stream.serve().with_context(|| fs::read_to_string(path.join("motion.log")).unwrap_or_default())?;
    let (ran, after) = (began.elapsed()?.as_secs_f64(), Usage::of(process.pid())?);
    drop(process);

    let said = fs::read_to_string(path.join("told")).unwrap_or_default();
    let moments: Vec<SystemTime> = said
        .lines()
        .map(|line| Ok(SystemTime::UNIX_EPOCH + Duration::try_from_secs_f64(line.parse()?)?))
        .collect::<Result<_>>()?;
    let motion = judge(&scene.truth(), &told(&sent, &moments));
    Ok(Shown { name: scene.name.clone(), motion, lookout, cpu: after.cpu_since(&before).as_secs_f64(), ran })
}

/// Writes the configuration of one process: the package's own, but for where pictures come from and what is told.
fn configure(folder: &Path, url: &str, mask: &Mask) -> Result<String> {
    let here = path_text(folder)?;
    let tell = folder.join("tell");
    fs::write(&tell, format!("#!/bin/sh\nexec date +%s.%N >>{here}/told\n"))?;
    fs::set_permissions(&tell, fs::Permissions::from_mode(0o755))?;
    let mut ours = vec![
        ("netcam_url", url.to_owned()),
        ("target_dir", here.clone()),
        ("log_file", format!("{here}/motion.log")),
        ("webcontrol_port", "0".to_owned()),
        ("stream_port", "0".to_owned()),
        ("picture_output", "off".to_owned()),
        ("movie_output", "off".to_owned()),
        ("on_motion_detected", format!("{here}/tell")),
    ];
    if !mask.is_empty() {
        let path = folder.join("mask.pgm");
        let mut file = fs::File::create(&path)?;
        write!(file, "P5\n{WIDTH} {HEIGHT}\n255\n")?;
        let (wide, high) = (WIDTH / Mask::COLUMNS, HEIGHT / Mask::ROWS);
        let watched = |at: usize| if mask.hides(at % WIDTH / wide, at / WIDTH / high) { 0 } else { 255 };
        file.write_all(&(0..WIDTH * HEIGHT).map(watched).collect::<Vec<u8>>())?;
        ours.push(("mask_file", path_text(&path)?));
    }
    let config = folder.join("motion.conf");
    fs::write(&config, defaults(&ours)?)?;
    path_text(&config)
}

fn write(shown: &[Shown], at_once: usize, nice: i32, version: &str) -> String {
    let sum = |of: fn(&Shown) -> &Outcome| {
        let mut score = Score::default();
        shown.iter().for_each(|shown| score.add(of(shown)));
        score
    };
    let row = |who: &str, score: &Score| {
        format!(
            "| {who} | {} | {:.3} | {} | {:.3} | {} / {} / {} | {:.0} |\n",
            score.visits,
            score.recall(),
            score.false_alarms,
            score.precision(),
            score.delay(0.5),
            score.delay(0.95),
            score.delay(1.0),
            score.said() * 100.0
        )
    };
    let still = |of: fn(&Shown) -> &Outcome| {
        let empty = shown.iter().filter(|shown| shown.motion.visits.is_empty());
        let (mut scenes, mut alarmed) = (0, 0);
        for shown in empty {
            scenes += 1;
            alarmed += usize::from(!of(shown).false_alarms.is_empty());
        }
        format!("{alarmed} of {scenes}")
    };
    let (cpu, ran) = shown.iter().fold((0.0, 0.0), |(cpu, ran), shown| (cpu + shown.cpu, ran + shown.ran));
    let mut text = HEAD
        .replace("{version}", version)
        .replace("{machine}", &report::machine())
        .replace("{when}", &report::moment())
        .replace("{nice}", &nice.to_string())
        .replace("{at_once}", &at_once.to_string())
        .replace("{scenes}", &shown.len().to_string())
        .replace("{seed}", &UNKNOWN.to_string())
        .replace("{cpu}", &format!("{:.1}", 1000.0 * cpu / ran))
        .replace("{still_motion}", &still(|shown| &shown.motion))
        .replace("{still_lookout}", &still(|shown| &shown.lookout));
    text += "| | visits | recall | false alarms | precision | delay: half, 95 %, most | moving pictures said, % |\n|---|---|---|---|---|---|---|\n";
    text += &row("Lookout, sensitivity 5", &sum(|shown| &shown.lookout));
    text += &row("Debian's motion, defaults", &sum(|shown| &shown.motion));
    text += "\n## Each scene\n\nDelays in pictures, `–` for a visit that was missed; then false alarms.\n\n";
    text += "| scene | delays, Lookout | motion | false alarms, Lookout | motion |\n|---|---|---|---|---|\n";
    let delays = |outcome: &Outcome| {
        let each = outcome.visits.iter().map(|delay| delay.map_or("–".to_owned(), |delay| delay.to_string()));
        each.collect::<Vec<_>>().join(" ")
    };
    for Shown { name, motion, lookout, .. } in shown {
        let alarms = (lookout.false_alarms.len(), motion.false_alarms.len());
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "| {name} | {} | {} | {} | {} |", delays(lookout), delays(motion), alarms.0, alarms.1);
    }
    text
}

const HEAD: &str = include_str!("beside.md");
