use std::{os::unix::fs::PermissionsExt as _, path::PathBuf};

use serde_json::json;
use tokio::time::{advance, timeout};

use super::*;

const ROOMY: Limits = Limits { items: 100, bytes: 1 << 20 };
const SOON: Duration = Duration::from_secs(20);

struct Bench {
    dir: tempfile::TempDir,
    counters: Arc<AlarmCounters>,
    queue: Arc<Queue>,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let counters = Arc::default();
        let queue = Queue::open(dir.path(), Link::Ftp, limits, Arc::clone(&counters));
        Self { dir, counters, queue }
    }

    /// Opens it as the next start would.
    fn again(&mut self, limits: Limits) {
        self.counters = Arc::default();
        self.queue = Queue::open(self.dir.path(), Link::Ftp, limits, self.counters.clone());
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("queue/ftp")
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder()).into_iter().flatten();
        let mut names: Vec<_> = names.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn file(&self, at: usize) -> PathBuf {
        self.folder().join(&self.names()[at])
    }

    async fn push(&self, name: &str) {
        self.queue.push(item(name)).await.unwrap();
    }

    async fn oldest(&self) -> Ticket {
        timeout(SOON, self.queue.oldest()).await.unwrap()
    }

    /// Takes everything out, in order.
    async fn all(&self) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(ticket) = timeout(Duration::from_millis(100), self.queue.oldest()).await {
            all.push(ticket.item.head.as_str().unwrap().to_owned());
            self.queue.done(ticket).await;
        }
        all
    }

    fn counted(&self) -> (i64, u64) {
        self.counters.standing("ftp")
    }
}

fn item(name: &str) -> Item {
    Item { head: json!(name), body: Bytes::from(vec![7; 100]) }
}

#[tokio::test]
async fn what_was_pushed_comes_out_in_its_order_once_it_is_done_with() {
    let bench = Bench::new(ROOMY);
    bench.push("first").await;
    bench.push("second").await;
    for _ in 0..2 {
        assert_eq!(bench.oldest().await.item, item("first"), "it stays until it is done with");
    }
    assert_eq!(bench.counted(), (2, 0));
    assert_eq!(bench.all().await, ["first", "second"]);
    assert_eq!((bench.names(), bench.counted()), (vec![], (0, 0)));
}

#[tokio::test]
async fn whoever_waits_for_an_item_gets_it_and_may_give_up_waiting() {
    let bench = Bench::new(ROOMY);
    assert!(timeout(Duration::from_millis(20), bench.queue.oldest()).await.is_err());
    let mut bell = bench.queue.bell();
    let queue = bench.queue.clone();
    let waits = tokio::spawn(async move { queue.oldest().await });
    tokio::task::yield_now().await;
    bench.push("late").await;
    assert_eq!(timeout(SOON, waits).await.unwrap().unwrap().item, item("late"));
    assert!(bell.has_changed().unwrap() && timeout(SOON, bell.changed()).await.is_ok());
}

#[tokio::test]
async fn what_waits_is_there_after_a_restart_and_for_its_owner_alone() {
    let mut bench = Bench::new(ROOMY);
    for name in ["a", "b", "c"] {
        bench.push(name).await;
    }
    let ticket = bench.oldest().await;
    bench.queue.done(ticket).await;
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(bench.file(0)), mode(bench.folder())], [0o600, 0o700]);
    bench.again(ROOMY);
    bench.push("d").await;
    assert_eq!(bench.counted(), (3, 0));
    assert_eq!(bench.all().await, ["b", "c", "d"]);
}

#[tokio::test]
async fn the_oldest_make_room_in_number_and_in_bytes_and_are_counted() {
    let bench = Bench::new(Limits { items: 3, ..ROOMY });
    for name in ["a", "b", "c", "d", "e"] {
        bench.push(name).await;
    }
    assert_eq!((bench.names().len(), bench.counted()), (3, (3, 2)));
    assert_eq!(bench.all().await, ["c", "d", "e"]);

    let one = queue_bytes(&item("a"));
    let bench = Bench::new(Limits { items: 100, bytes: 2 * one });
    for name in ["a", "b", "c"] {
        bench.push(name).await;
    }
    assert_eq!(bench.counted(), (2, 1));
    let large = Item { head: json!("large"), body: vec![0; usize::try_from(2 * one).unwrap()].into() };
    assert_eq!(bench.queue.push(large).await, Err(TooLarge));
    assert_eq!(bench.counted(), (2, 2), "what never fits throws nothing else away");
    assert_eq!(bench.all().await, ["b", "c"]);
}

fn queue_bytes(item: &Item) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let preface = lookout_core::queue::encode(u64::try_from(now).unwrap(), &item.head, &item.body).unwrap();
    (preface.len() + item.body.len()) as u64
}

#[tokio::test]
async fn smaller_limits_hold_for_what_waits_already() {
    let mut bench = Bench::new(ROOMY);
    for name in ["a", "b", "c", "d"] {
        bench.push(name).await;
    }
    bench.again(Limits { items: 2, ..ROOMY });
    assert_eq!((bench.names().len(), bench.counted()), (2, (2, 2)));
    bench.again(Limits { items: 2, bytes: queue_bytes(&item("a")) });
    assert_eq!(bench.all().await, ["d"]);
}

#[tokio::test]
async fn what_is_damaged_or_strange_is_thrown_away_or_left_alone_and_nothing_else_is_lost() {
    let mut bench = Bench::new(ROOMY);
    for name in ["cut", "whole", "flipped", "last"] {
        bench.push(name).await;
    }
    let [cut, flipped] = [bench.file(0), bench.file(2)];
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let mut bytes = fs::read(&flipped).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&flipped, bytes).unwrap();
    let put = |number: u64| bench.folder().join(format!("{number:020}"));
    fs::write(put(5), "").unwrap();
    fs::write(put(6), "rubbish").unwrap();
    fs::File::create(put(7)).unwrap().set_len(1 << 40).unwrap();
    std::os::unix::fs::symlink("/dev/zero", put(8)).unwrap();
    fs::create_dir(put(9)).unwrap();
    let kept = ["18446744073709551615", "notes.txt", "1", "0000000000000000001x"];
    kept.iter().for_each(|name| fs::write(bench.folder().join(name), "x").unwrap());
    fs::write(bench.folder().join(format!("{:020}.new", 10)), "half").unwrap();

    bench.again(ROOMY);
    bench.push("new").await;
    assert_eq!(bench.all().await, ["whole", "last", "new"]);
    assert_eq!(bench.counted(), (0, 6), "cut, flipped, empty, rubbish, huge, a link");
    let mut left = kept.map(str::to_owned).to_vec();
    left.push(format!("{:020}", 9));
    left.sort();
    assert_eq!(bench.names(), left, "what is not ours is left alone");
}

#[tokio::test]
async fn a_disk_that_refuses_keeps_no_alarm_from_going_out() {
    let mut bench = Bench::new(ROOMY);
    bench.push("on the disk").await;
    // Opening the temporary file for writing fails.
    let blocked = |number: u64| bench.folder().join(format!("{number:020}.new"));
    (2..40).for_each(|number| fs::create_dir(blocked(number)).unwrap());
    for number in 2..20 {
        bench.push(&number.to_string()).await;
    }
    assert_eq!(bench.counted(), (1 + 16, 2), "memory has bounds of its own");
    (2..40).for_each(|number| fs::remove_dir(blocked(number)).unwrap());
    bench.push("again").await;
    let names: Vec<_> = (4..20).map(|number| number.to_string()).collect();
    let all = bench.all().await;
    assert_eq!((all[0].as_str(), &all[1..17], all[17].as_str()), ("on the disk", &names[..], "again"));
    assert!(bench.names().is_empty());
    bench.again(ROOMY);
    assert!(bench.all().await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_removed_is_not_sent_again_and_nothing_is_written_beside_it() {
    let bench = Bench::new(ROOMY);
    bench.push("sent").await;
    let ticket = bench.oldest().await;
    let path = bench.file(0);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap(); // Unlinking it fails.
    bench.queue.done(ticket).await;
    bench.push("next").await;
    assert_eq!((bench.names().len(), bench.oldest().await.item), (1, item("next")));
    fs::remove_dir(&path).unwrap();
    bench.push("last").await;
    assert_eq!(bench.names().len(), 1, "it is written again");
    assert_eq!(bench.all().await, ["next", "last"]);
}

#[tokio::test]
async fn a_folder_that_is_none_is_left_as_it_is_and_memory_serves() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("queue"), "a file").unwrap();
    let counters = Arc::default();
    let queue = Queue::open(dir.path(), Link::Ftp, ROOMY, Arc::clone(&counters));
    queue.push(item("a")).await.unwrap();
    let ticket = timeout(SOON, queue.oldest()).await.unwrap();
    assert_eq!(ticket.item, item("a"));
    queue.give_up(ticket).await;
    assert_eq!(counters.standing("ftp"), (0, 1));
    assert_eq!(fs::read(dir.path().join("queue")).unwrap(), b"a file");
}

#[tokio::test(start_paused = true)]
async fn what_was_tried_for_two_days_is_thrown_away() {
    let bench = Bench::new(ROOMY);
    bench.push("old").await;
    advance(lookout_core::queue::LONGEST - Duration::from_secs(10)).await;
    bench.push("young").await;
    assert_eq!(bench.queue.oldest().await.item, item("old"));
    advance(Duration::from_secs(10)).await;
    assert_eq!(bench.queue.oldest().await.item, item("young"));
    assert_eq!(bench.counted(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_found_is_as_old_as_the_clock_says_but_for_the_first_hour() {
    let mut bench = Bench::new(ROOMY);
    let put = |number: u64, pushed_ms: u64| {
        let preface = lookout_core::queue::encode(pushed_ms, &json!(number.to_string()), b"").unwrap();
        fs::create_dir_all(bench.folder()).unwrap();
        fs::write(bench.folder().join(format!("{number:020}")), preface).unwrap();
    };
    put(1, 1_770_000_000_000); // In 2026.
    put(2, 0); // The clock was not set.
    bench.again(ROOMY);
    assert_eq!(bench.queue.oldest().await.item.head, json!("1"));
    advance(lookout_core::queue::LEAST).await;
    assert_eq!(bench.queue.oldest().await.item.head, json!("2"));
}

#[tokio::test]
async fn a_reset_leaves_nothing_of_it() {
    let bench = Bench::new(ROOMY);
    remove(bench.dir.path()).unwrap();
    bench.push("picture").await;
    remove(bench.dir.path()).unwrap();
    assert_eq!(fs::read_dir(bench.dir.path()).unwrap().count(), 0);
    remove(bench.dir.path()).unwrap();
}
