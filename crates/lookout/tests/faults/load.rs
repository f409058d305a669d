//! What saving costs: one save for many changes, and nothing that grows (F20 in small).

use std::{fs, thread, time::Instant};

use lookout_testkit::eventually;

use crate::{
    alias, start,
    strace::{Point, Strace},
};

#[test]
fn two_hundred_changes_at_once_are_a_handful_of_saves() {
    const CHANGES: usize = 200;
    let camera = start();
    let dir = tempfile::tempdir().unwrap();
    // Each save syncs its file once; that it takes a tenth of a second is what an SD card may do.
    let path = camera.state().join("settings.new.toml").display().to_string();
    let point = Point { call: "fsync".into(), path, when: "1+".into() };
    let log = dir.path().join("log");
    let strace = Strace::attach(camera.pid(), &log, Some((&point, "delay_enter=100000")));
    thread::scope(|scope| {
        for count in 0..CHANGES {
            let admin = camera.admin();
            scope.spawn(move || admin.get(&format!("/set_alias.cgi?alias=change+{count}")).ok());
        }
    });
    let saves = strace.detach(&camera.state()).len();
    println!("{CHANGES} changes at once: {saves} saves");
    assert!((1..=CHANGES / 10).contains(&saves), "{saves} saves");
    let text = fs::read_to_string(camera.state().join("settings.toml")).unwrap();
    assert!(text.contains(&format!("alias = \"{}\"", alias(&camera).trim_matches('\''))));
}

#[test]
fn many_changes_in_a_row_leave_nothing_behind() {
    const CHANGES: u64 = 500;
    let camera = start();
    let admin = camera.admin();
    let change = |count: u64| admin.get(&format!("/set_alias.cgi?alias=change+{count:04}")).ok();
    let proc = |name: &str| format!("/proc/{}/{name}", camera.pid());
    let descriptors = || fs::read_dir(proc("fd")).unwrap().count();
    let number = |file: &str, name: &str| -> u64 {
        let text = fs::read_to_string(proc(file)).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    let size = || fs::metadata(camera.state().join("settings.toml")).unwrap().len();
    (0..100).for_each(change);
    let (open, long, memory, written) =
        (descriptors(), size(), number("status", "VmRSS:"), number("io", "write_bytes:"));
    let begin = Instant::now();
    (100..100 + CHANGES).for_each(change);
    let took = begin.elapsed();
    let each = (number("io", "write_bytes:") - written) / CHANGES;
    let grown = number("status", "VmRSS:").saturating_sub(memory);
    println!("{CHANGES} changes in a row in {took:?}: {each} bytes written for each, {grown} KiB more memory");
    assert_eq!(size(), long);
    assert!(each <= 32 * 1024, "{each} bytes for each");
    assert!(grown <= 4096, "{grown} KiB more memory");
    eventually("as many descriptors as before", || descriptors() <= open);
    let names = fs::read_dir(camera.state()).unwrap().count();
    assert!(names <= 5, "two generations, the network that was confirmed, the lock and the journal, not {names} files");
}
