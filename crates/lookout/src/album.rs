//! The pictures of the last seconds, so that an alarm's mail can show what was before it.
//!
//! Filled while something is armed and alarms are mailed, else empty. Bounded in number and bytes; the pictures are those that
//! viewers share, not copies. When the privacy gate closes, it is emptied, and what was in it is shown to nobody any more.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use lookout_core::{
    alarm::{Cause, armed},
    profile::settings::{Resolution, Settings},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    clock::unix,
    hub::{Hub, Shown, Viewer},
};

/// How far back it reaches, in pictures, one a second.
pub const KEPT: usize = 5;
/// How many bytes of pictures it holds.
const ROOM: usize = 8 << 20;
/// The time between two pictures.
const SECOND: Duration = Duration::from_secs(1);

/// A picture a second, while alarms are armed that are mailed.
#[derive(Default)]
pub struct Album {
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    shown: VecDeque<Arc<Shown>>,
    /// Of whoever looks; none while nobody does.
    view: Option<Viewer>,
}

impl Album {
    /// Gives the pictures captured in the five seconds before a moment, the oldest first; none that the privacy gate does not
    /// let through.
    pub fn before(&self, moment: Instant) -> Vec<Arc<Shown>> {
        let pages = self.pages();
        if !pages.view.as_ref().is_some_and(Viewer::may_see) {
            return Vec::new();
        }
        let near = |shown: &&Arc<Shown>| {
            let age = moment.checked_duration_since(shown.captured);
            age.is_some_and(|age| !age.is_zero() && age <= SECOND * 5 + SECOND / 2)
        };
        pages.shown.iter().filter(near).cloned().collect()
    }

    /// Keeps it filled, for ever.
    pub async fn keep(self: Arc<Self>, mut settings: watch::Receiver<Arc<Settings>>, hub: Arc<Hub>) {
        loop {
            let wanted = wanted(&settings.borrow_and_update(), SystemTime::now());
            if let Some(Ok(view)) = wanted.then(|| hub.view(Resolution::Vga)) {
                self.fill(view, &settings).await;
            }
            self.clear();
            // In forbidden hours, and while nothing is armed, it is looked at again in a second; where no alarm is mailed, only
            // the settings can change that.
            let mailed = mailed(&settings.borrow());
            tokio::select! {
                changed = settings.changed() => if changed.is_err() { return },
                () = sleep(SECOND), if mailed => {}
            }
        }
    }

    /// Fills it until it is not wanted any more, or the gate closes.
    async fn fill(&self, mut view: Viewer, settings: &watch::Receiver<Arc<Settings>>) {
        self.pages().view = Some(view.clone());
        while view.may_see() && wanted(&settings.borrow(), SystemTime::now()) {
            match timeout(SECOND, view.next()).await {
                Ok(Some(shown)) if shown.live => self.add(shown),
                Ok(Some(_)) | Err(_) => {}
                Ok(None) => return,
            }
            tokio::select! {
                () = sleep(SECOND) => {}
                () = view.ended() => return,
            }
        }
    }

    fn add(&self, shown: Arc<Shown>) {
        let mut pages = self.pages();
        pages.shown.push_back(shown);
        let bytes = |pages: &Pages| pages.shown.iter().map(|shown| shown.jpeg.len()).sum::<usize>();
        while pages.shown.len() > KEPT || bytes(&pages) > ROOM {
            pages.shown.pop_front();
        }
    }

    fn clear(&self) {
        *self.pages() = Pages::default();
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says whether an alarm is mailed, if one begins.
fn mailed(settings: &Settings) -> bool {
    let mail = &settings.mail;
    let set = !mail.svr.as_str().is_empty() && mail.receivers.iter().any(|receiver| !receiver.as_str().is_empty());
    set && settings.alarm.mail
}

/// Says whether an alarm could begin that is mailed.
fn wanted(settings: &Settings, now: SystemTime) -> bool {
    mailed(settings) && Cause::ALL.iter().any(|cause| armed(settings, *cause, unix(now)).is_ok())
}

#[cfg(test)]
mod tests {
    use lookout_core::profile::wire::Wire as _;
    use tokio::task::yield_now;

    use super::*;
    use crate::privacy::testing::Hours;

    fn settings() -> Settings {
        let mut settings = Settings::factory();
        settings.alarm.mail = true;
        settings.alarm.motion_armed = true;
        settings.mail.svr.take("mail.test").unwrap();
        settings.mail.receivers[3].take("one@example.org").unwrap();
        settings
    }

    /// An album that is kept, with what it needs.
    struct Bench {
        hours: Hours,
        hub: Arc<Hub>,
        settings: watch::Sender<Arc<Settings>>,
        album: Arc<Album>,
        seq: u64,
    }

    impl Bench {
        async fn new(settings: Settings) -> Self {
            let hours = Hours::default();
            let hub = Hub::new(hours.gate(Arc::default()), Arc::default(), Arc::default());
            let settings = watch::Sender::new(Arc::new(settings));
            let album = Arc::new(Album::default());
            tokio::spawn(album.clone().keep(settings.subscribe(), hub.clone()));
            yield_now().await;
            Self { hours, hub, settings, album, seq: 0 }
        }

        /// A camera that shows ten pictures a second.
        async fn seconds(&mut self, seconds: u64, bytes: usize) {
            for _ in 0..seconds * 10 {
                self.seq += 1;
                self.hub.publish(self.hours.frame(self.seq, vec![0; bytes]));
                sleep(Duration::from_millis(100)).await;
            }
        }

        fn before(&self) -> Vec<u64> {
            self.album.before(now()).iter().map(|shown| shown.seq).collect()
        }
    }

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    #[tokio::test(start_paused = true)]
    async fn it_holds_a_picture_of_each_of_the_last_five_seconds() {
        let mut bench = Bench::new(settings()).await;
        bench.seconds(3, 10).await;
        assert_eq!(bench.before().len(), 3);
        bench.seconds(60, 10).await;
        let kept = bench.before();
        assert_eq!(kept.len(), KEPT);
        assert!(kept.windows(2).all(|pair| (9..=12).contains(&(pair[1] - pair[0]))), "{kept:?}");
        assert!(bench.seq - kept[4] <= 11 && bench.seq - kept[0] <= 55, "{kept:?} of {}", bench.seq);
        let earlier = bench.album.before(now() - Duration::from_secs(3));
        assert!(earlier.len() < KEPT && !earlier.is_empty(), "only what was before");
        sleep(Duration::from_secs(30)).await;
        assert_eq!(bench.before(), [0; 0], "what is older says nothing of an alarm");
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_empty_and_watches_nothing_while_no_alarm_would_be_mailed() {
        let off: [fn(&mut Settings); 4] = [
            |settings| settings.alarm.mail = false,
            |settings| settings.alarm.motion_armed = false,
            |settings| settings.alarm.schedule.enable = true,
            |settings| settings.mail.svr.take("").unwrap(),
        ];
        for turn_off in off {
            let mut bench = Bench::new(settings()).await;
            bench.seconds(3, 10).await;
            assert!(bench.hub.watched() && !bench.before().is_empty());
            bench.settings.send_modify(|settings| turn_off(Arc::make_mut(settings)));
            bench.seconds(3, 10).await;
            assert!(!bench.hub.watched() && bench.before().is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_emptied_when_the_hours_begin_and_what_was_before_them_stays_away() {
        let mut bench = Bench::new(settings()).await;
        bench.seconds(5, 10).await;
        bench.hours.forbid(true);
        assert_eq!(bench.before(), [0; 0], "at once, whoever is slow to empty it");
        yield_now().await;
        bench.hub.publish(bench.hours.frame(999, vec![0; 10]));
        sleep(Duration::from_millis(10)).await;
        assert!(bench.album.pages().shown.is_empty());
        bench.hours.forbid(false);
        bench.hours.wait_out_the_guard().await;
        assert_eq!(bench.before(), [0; 0]);
        bench.seconds(4, 10).await;
        assert!(bench.before().iter().all(|seq| (51..999).contains(seq)) && !bench.before().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn large_pictures_leave_room_for_fewer_and_one_too_large_for_none() {
        let mut bench = Bench::new(settings()).await;
        bench.seconds(10, ROOM / 2).await;
        assert_eq!(bench.before().len(), 2);
        bench.seconds(3, ROOM + 1).await;
        assert_eq!(bench.before().len(), 0);
    }
}
