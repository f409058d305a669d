use tempfile::TempDir;
use tokio::{task::JoinHandle, time::sleep};

use super::*;

/// The service, with what it needs.
struct Bench {
    settings: watch::Sender<Arc<Settings>>,
    seen: Seen,
    moves: mpsc::Receiver<Moved>,
    task: JoinHandle<()>,
}

impl Bench {
    fn new(state: &Path, on: bool) -> Self {
        let (seen, (mail, moves)) = (Seen::default(), mpsc::channel(1));
        let mut settings = Settings::factory();
        settings.mail.inet_ip = on;
        let settings = watch::Sender::new(Arc::new(settings));
        let parts = Parts { settings: settings.subscribe(), seen: seen.subscribe(), mail, state: state.to_owned() };
        let task = tokio::spawn(run(parts));
        Self { settings, seen, moves, task }
    }

    async fn turn(&self, on: bool) {
        self.settings.send_modify(|settings| Arc::make_mut(settings).mail.inet_ip = on);
        sleep(Duration::from_secs(1)).await;
    }

    /// The camera gets an address; returns what is mailed of that.
    async fn gets(&mut self, address: &str) -> Option<Moved> {
        self.seen.send_replace(Some(address.parse().unwrap()));
        sleep(Duration::from_secs(1)).await;
        self.moves.try_recv().ok()
    }
}

fn moved(old: &str, new: &str) -> Option<Moved> {
    Some(Moved { old: old.parse().unwrap(), new: new.parse().unwrap() })
}

#[tokio::test(start_paused = true)]
async fn q64_a_new_address_is_told_also_one_that_came_while_the_camera_was_off() {
    let state = TempDir::new().unwrap();
    let mut bench = Bench::new(state.path(), true);
    assert_eq!(bench.gets("1.1.1.1").await, None, "the first");
    assert_eq!(bench.gets("2.2.2.2").await, moved("1.1.1.1", "2.2.2.2"));
    bench.task.abort();
    let _ = bench.task.await;
    let mut bench = Bench::new(state.path(), true);
    assert_eq!(bench.gets("3.3.3.3").await, moved("2.2.2.2", "3.3.3.3"));
}

#[tokio::test(start_paused = true)]
async fn q64_nothing_is_told_while_it_is_off_and_what_came_too_soon_is_told_in_its_time() {
    let state = TempDir::new().unwrap();
    let mut bench = Bench::new(state.path(), false);
    assert_eq!(bench.gets("1.1.1.1").await, None);
    assert!(!state.path().join(FILE).exists(), "nobody wants to know");
    bench.turn(true).await;
    assert_eq!(bench.gets("2.2.2.2").await, moved("1.1.1.1", "2.2.2.2"));
    assert_eq!(bench.gets("3.3.3.3").await, None, "too soon");
    sleep(Duration::from_secs(2 * 60 * 60)).await;
    assert_eq!(bench.moves.try_recv().ok(), moved("2.2.2.2", "3.3.3.3"));
    bench.turn(false).await;
    sleep(Duration::from_secs(2 * 60 * 60)).await;
    assert_eq!(bench.gets("4.4.4.4").await, None);
}
