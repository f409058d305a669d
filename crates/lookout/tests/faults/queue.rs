//! The queue under kill -9, errors and power cuts at every system call of a push and of a removal (F13–F15): nothing half is
//! ever given out, what was taken is given out until it is done with, and what is done with is not given out again.

use std::{collections::BTreeSet, fs, path::Path, process::Stdio, sync::Arc, time::Duration};

use lookout::{AlarmCounters, Item, Limits, Link, Queue};
use tokio::{runtime::Runtime, time::timeout};

use crate::{
    folder,
    power::Model,
    strace::{self, Call, Point},
};

const WORKER: &str = "LOOKOUT_TEST_QUEUE";
/// What the worker does: `+a` pushes an item, `-` sends the oldest and is done with it.
const WORK: [&str; 7] = ["+a", "+b", "-", "+c", "+d", "-", "-"];
/// Of these, `d` makes `b` give way.
const LIMITS: Limits = Limits { items: 2, bytes: 1 << 20 };

fn item(name: &str) -> Item {
    Item { head: name.into(), body: name.repeat(150).into_bytes().into() }
}

fn open(state: &Path, limits: Limits) -> Arc<Queue> {
    Queue::open(state, Link::Ftp, limits, Arc::<AlarmCounters>::default())
}

/// One thread for the disk: strace counts calls a thread.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_time().build().unwrap()
}

/// Takes everything out; fails for what is not as it was pushed.
fn drain(state: &Path) -> Vec<String> {
    let queue = open(state, Limits { items: 100, ..LIMITS });
    let folder = state.join("queue/ftp");
    let is_empty = || fs::read_dir(&folder).is_ok_and(|mut all| all.next().is_none());
    runtime().block_on(async {
        let mut names = Vec::new();
        // An item may take a while; for one that is damaged, and thrown away, it would wait for ever.
        for _ in 0..1000 {
            if is_empty() {
                break;
            }
            if let Ok(ticket) = timeout(Duration::from_millis(20), queue.oldest()).await {
                let name = ticket.item.head.as_str().unwrap().to_owned();
                assert_eq!(ticket.item, item(&name), "half an item");
                names.push(name);
                queue.done(ticket).await;
            }
        }
        names
    })
}

/// No test by itself: what the others run under strace. It says what it has done.
#[test]
fn worker() {
    let Some(state) = std::env::var_os(WORKER) else { return };
    let queue = open(state.as_ref(), LIMITS);
    runtime().block_on(async {
        for work in WORK {
            if let Some(name) = work.strip_prefix('+') {
                queue.push(item(name)).await.unwrap();
                println!("\nqueue: +{name}");
            } else {
                let ticket = queue.oldest().await;
                println!("\nqueue: ?{}", ticket.item.head.as_str().unwrap());
                let name = ticket.item.head.as_str().unwrap().to_owned();
                queue.done(ticket).await;
                println!("\nqueue: -{name}");
            }
        }
    });
}

/// Runs the worker on an empty queue; returns what it said and its calls.
fn run(state: &Path, inject: Option<(&Point, &str)>) -> (Vec<String>, Vec<Call>) {
    let queue = state.join("queue/ftp");
    let _ = fs::remove_dir_all(&queue);
    fs::create_dir_all(&queue).unwrap();
    let log = state.join("log");
    let ran = strace::command(&log, inject)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "queue::worker", "--nocapture"])
        .env(WORKER, state)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    let said = said.lines().filter_map(|line| line.strip_prefix("queue: ").map(str::to_owned)).collect();
    (said, strace::calls(&log, &queue))
}

/// All that is said when nothing happens.
const ALL: [&str; 10] = ["+a", "+b", "?a", "-a", "+c", "+d", "?c", "-c", "?d", "-d"];

fn points(state: &Path) -> Vec<Point> {
    let (said, calls) = run(state, None);
    assert_eq!(said, ALL);
    let points: Vec<_> = strace::points(&calls).into_iter().flatten().collect();
    assert!(points.len() >= 20, "{points:?}");
    points
}

#[test]
fn a_queue_killed_anywhere_has_all_that_it_took_and_nothing_half_or_twice() {
    let dir = tempfile::tempdir().unwrap();
    let points = points(dir.path());
    for point in &points {
        let (said, _) = run(dir.path(), Some((point, "signal=KILL")));
        assert!(said.len() < ALL.len(), "not killed at {point:?}");
        let found = drain(dir.path());
        let told = |what: &str| said.iter().any(|said| said == what);
        for name in ["a", "b", "c", "d"] {
            let (taken, gone) = (told(&format!("+{name}")), told(&format!("-{name}")));
            let here = found.iter().filter(|found| *found == name).count();
            // What is on its way out may be there or not; so may `b` while `d` comes.
            let leaves = told(&format!("?{name}")) || name == "b" && told("+c");
            assert!(here <= 1 && !(gone && here == 1), "{name} again, killed at {point:?}: {said:?}, {found:?}");
            assert!(here == 1 || !taken || leaves, "{name} lost, killed at {point:?}: {said:?}, {found:?}");
        }
        assert!(found.is_sorted(), "{found:?}");
        assert!(folder::read(&dir.path().join("queue")).is_empty(), "something is left: {point:?}");
    }
    println!("the queue: killed at {} calls", points.len());
}

#[test]
fn a_disk_that_refuses_a_queue_anything_keeps_nothing_from_going_out() {
    let dir = tempfile::tempdir().unwrap();
    let points = points(dir.path());
    for (at, point) in points.iter().enumerate() {
        let error = ["error=EIO", "error=ENOSPC"][at % 2];
        let (said, _) = run(dir.path(), Some((point, error)));
        assert_eq!(said, ALL, "{error} at {point:?}");
        let found = drain(dir.path());
        // Only what could not be removed last, and nobody came after it who would have tried again.
        assert!(found.is_empty() || found == ["d"] && point.call.contains("unlink"), "{error} at {point:?}: {found:?}");
        assert!(folder::read(&dir.path().join("queue")).is_empty(), "something is left: {error} at {point:?}");
    }
    println!("the queue: refused at {} calls", points.len());
}

#[test]
fn after_a_power_cut_at_any_moment_a_queue_has_what_it_took_and_nothing_half() {
    let dir = tempfile::tempdir().unwrap();
    let (said, calls) = run(dir.path(), None);
    assert_eq!(said, ALL);
    let queue = dir.path().join("queue/ftp");
    let cut = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (mut model, mut states) = (Model::default(), 0);
    let names = ["a", "b", "c", "d"];
    let number = |path: &str| path.rsplit('/').next().and_then(|name| name.parse::<usize>().ok());
    // By their numbers: those that must be there, and those that must not.
    let (mut there, mut gone) = (BTreeSet::new(), BTreeSet::new());
    let (mut come, mut go) = (BTreeSet::new(), BTreeSet::new());
    for call in calls.iter().filter(|call| call.changes()) {
        model.play(call, &queue);
        match call.name.as_str() {
            "rename" => come.extend(number(&call.paths[1])),
            "unlink" => {
                let number = number(&call.paths[0]);
                there.retain(|there| Some(*there) != number);
                go.extend(number);
            }
            "fsync" if Path::new(&call.paths[0]) == queue => {
                there.append(&mut come);
                gone.append(&mut go);
            }
            _ => {}
        }
        for files in model.cuts() {
            states += 1;
            let folder = cut.path().join("queue/ftp");
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            files.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
            let found = drain(cut.path());
            let here = |number: &usize| found.iter().any(|found| found == names[*number - 1]);
            assert!(there.iter().all(here), "lost: {there:?}, found {found:?}, after {}", call.line);
            assert!(!gone.iter().any(here), "again: {gone:?}, found {found:?}, after {}", call.line);
            assert!(found.is_sorted() && folder::read(&folder).is_empty());
        }
    }
    println!("the queue: {} system calls, {states} states after a power cut", calls.len());
    assert!(states >= 100, "{states}");
}
