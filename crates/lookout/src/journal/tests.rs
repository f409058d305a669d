use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
};

use lookout_core::journal::{KEPT, Peer};
use tempfile::TempDir;

use super::*;

const AT: &str = "Mon, 2009-08-03 19:53:04";
const LINE: &str = "Mon, 2009-08-03 19:53:04   ipcamera           192.168.0.16      access\n";

/// A journal that is kept, in a folder of its own.
struct Kept {
    dir: TempDir,
    journal: Arc<Journal>,
    metrics: Arc<Metrics>,
}

impl Kept {
    /// Opens one over a file that says something already.
    fn over(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("journal.log"), text).unwrap();
        Self::of(dir, false)
    }

    fn of(dir: TempDir, fresh: bool) -> Self {
        let metrics = Arc::new(Metrics::new());
        let journal = Journal::open(dir.path(), fresh, Box::new(|| AT.to_owned()), metrics.clone());
        let journal = Arc::new(journal);
        let keeper = journal.clone();
        tokio::spawn(async move { keeper.keep().await });
        Self { dir, journal, metrics }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("journal.log")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap_or_default()
    }

    fn syncs(&self) -> u64 {
        self.metrics.journal_syncs.get()
    }
}

/// Lets the journal's minutes pass.
async fn minutes(count: u32) {
    sleep(BETWEEN * count + SOON).await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_events_a_minute_for_an_hour_cost_a_write_a_minute_of_a_bounded_size() {
    let kept = Kept::over(LINE);
    let address = |n: u32| IpAddr::from((n % 300).to_be_bytes());
    let events = [
        Event::Access,
        Event::Denied,
        Event::Set("alias"),
        Event::Motion,
        Event::BadPackage("damaged ".repeat(20)),
        Event::Failed(Peer::Mail, "cannot connect"),
        Event::Failed(Peer::Ftp, "cannot connect"),
        Event::Failed(Peer::Ddns, "cannot connect"),
        Event::Failed(Peer::Upnp, "cannot connect"),
        Event::Failed(Peer::Ntp, "no answer"),
    ];
    let (mut before, mut most) = (0, 0);
    for second in 0..3600_u32 {
        for n in 0..167 {
            let event = &events[n as usize % events.len()];
            kept.journal.note_by(&format!("name {}", n * second), address(n * second), event);
        }
        sleep(Duration::from_secs(1)).await;
        if second % 60 == 59 {
            let bytes = kept.metrics.journal_bytes.get();
            most = most.max(bytes - before);
            before = bytes;
        }
    }
    let (bytes, syncs) = (kept.metrics.journal_bytes.get(), kept.syncs());
    assert!(bytes < 160 * 1024 && most < 16 * 1024, "{bytes} bytes in the hour, {most} in the worst minute");
    assert!((55..=61).contains(&syncs), "{syncs} syncs");
}

#[tokio::test(start_paused = true)]
async fn an_entry_after_a_quiet_minute_is_on_the_disk_a_second_later() {
    let kept = Kept::over("");
    kept.journal.note(&Event::PowerOn);
    sleep(SOON * 2).await;
    assert!(kept.text().ends_with(" power on\n"), "{}", kept.text());
    assert_eq!(fs::metadata(kept.file()).unwrap().permissions().mode() & 0o777, 0o600);
    kept.journal.note(&Event::Reboot);
    sleep(BETWEEN - SOON * 2).await;
    assert!(!kept.text().contains("reboot"), "not before a minute has passed");
    sleep(SOON * 3).await;
    assert!(kept.text().ends_with(" reboot\n"));
    minutes(60).await;
    assert_eq!(kept.syncs(), 3, "nothing new costs nothing");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_on_the_disk_a_second_later_whatever_was_written_before_it() {
    let kept = Kept::over("");
    for (event, words) in
        [(Event::Motion, "motion detect"), (Event::Input, "input alarm"), (Event::Sound, "sound alarm")]
    {
        kept.journal.note(&Event::PowerOn);
        sleep(SOON * 2).await;
        kept.journal.note(&event);
        sleep(SOON * 2).await;
        assert!(kept.text().ends_with(&format!(" {words}\n")), "{}", kept.text());
    }
    let syncs = kept.syncs();
    kept.journal.note(&Event::Reboot);
    sleep(BETWEEN / 2).await;
    assert_eq!(kept.syncs(), syncs, "an alarm before hurries nothing else");
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_alarms_is_written_as_often_as_its_allowance_lets_it() {
    let kept = Kept::over("");
    let events = [Event::Motion, Event::Access, Event::Denied, Event::Set("alias")];
    let (mut before, mut most) = (0, 0);
    for round in 0..600 {
        events.iter().for_each(|event| kept.journal.note(event));
        // So seldom that no two share a write.
        sleep(SOON * 2).await;
        if round % 30 == 29 {
            most = most.max(kept.syncs() - before);
            before = kept.syncs();
        }
    }
    assert!(most <= 8 && before <= 20 * 2 + 7, "{most} syncs in the worst minute, {before} in 20");
}

#[tokio::test(start_paused = true)]
async fn what_a_storm_left_out_is_told_though_nothing_comes_after_it() {
    let kept = Kept::over("");
    (0..1000).for_each(|_| kept.journal.note(&Event::Denied));
    minutes(6).await;
    assert!(kept.text().ends_with(" access denied: 993 left out\n"), "{}", kept.text());
    (0..1000).for_each(|_| kept.journal.note(&Event::Motion));
    kept.journal.close().await;
    assert!(kept.text().ends_with(" alarm: 993 left out\n"), "at the end at once: {}", kept.text());
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_refuses_is_tried_again_and_gets_everything() {
    let kept = Kept::over(LINE);
    // As a disk that fills up: the file is there and takes nothing.
    fs::remove_file(kept.file()).unwrap();
    symlink("/dev/full", kept.file()).unwrap();
    kept.journal.note(&Event::PowerOn);
    sleep(SOON * 2).await;
    assert_eq!(kept.syncs(), 0);
    // As a disk that cannot be written at all.
    fs::remove_dir_all(kept.dir.path()).unwrap();
    kept.journal.note(&Event::Reboot);
    minutes(3).await;
    assert_eq!(kept.syncs(), 0);
    assert!(kept.journal.listing().contains("reboot"), "it is shown all the same");
    fs::create_dir(kept.dir.path()).unwrap();
    minutes(1).await;
    let text = kept.text();
    assert!(text.starts_with(LINE) && text.contains(" power on\n") && text.ends_with(" reboot\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_disk_that_hangs() {
    let kept = Kept::over("");
    let hangs = kept.journal.paper.lock().await;
    kept.journal.note(&Event::PowerOn);
    minutes(1).await;
    kept.journal.note(&Event::Reboot);
    assert!(kept.journal.listing().contains("reboot"));
    drop(hangs);
    minutes(1).await;
    assert!(kept.text().ends_with(" reboot\n"));
}

#[tokio::test(start_paused = true)]
async fn a_long_file_is_cut_down_to_what_is_kept() {
    let kept = Kept::over(&LINE.repeat(2 * KEPT - 1));
    for event in [Event::PowerOn, Event::Reboot] {
        kept.journal.note(&event);
        minutes(1).await;
    }
    let text = kept.text();
    assert_eq!(text.lines().count(), KEPT);
    assert!(text.contains(" power on\n") && text.ends_with(" reboot\n"));
    let names: Vec<_> = fs::read_dir(kept.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["journal.log"]);
}

#[tokio::test(start_paused = true)]
async fn a_torn_end_is_mended_before_anything_is_appended() {
    let kept = Kept::over(&format!("{LINE}{}", &LINE[..40]));
    kept.journal.note(&Event::PowerOn);
    kept.journal.flush().await;
    assert_eq!(kept.text(), format!("{LINE}{AT}   -                  -                 power on\n"));
}

#[tokio::test(start_paused = true)]
async fn a_reset_is_on_the_disk_when_it_is_answered() {
    let kept = Kept::over(LINE);
    kept.journal.note(&Event::PowerOn);
    kept.journal.forget("admin", IpAddr::from([10, 0, 0, 1])).await;
    let text = kept.text();
    assert!(text.lines().count() == 1 && text.ends_with(" restore factory\n"), "{text}");
    let again = Kept::of(kept.dir, true);
    again.journal.note(&Event::PowerOn);
    again.journal.flush().await;
    assert_eq!(again.text().lines().count(), 2, "the entry of the reset, and the start after it");
}

#[tokio::test(start_paused = true)]
async fn a_camera_without_accounts_begins_with_an_empty_journal() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("journal.log"), LINE).unwrap();
    let kept = Kept::of(dir, true);
    kept.journal.flush().await;
    assert_eq!(kept.text(), "");
}
