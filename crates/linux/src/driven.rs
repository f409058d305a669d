//! What is driven to one of two levels, by blocking threads, and rests when nobody holds it any more.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use lookout_core::port::{Lost, OutputLine, Promise};

use crate::apart::Apart;

/// Something with two levels. Whatever it does may take long.
pub(crate) trait Switch: Send + 'static {
    /// Drives it, `true` for high.
    fn set(&mut self, high: bool) -> Result<(), Lost>;

    /// Leaves it at its resting level. May be called again.
    fn leave(&mut self, rest: bool) {
        // What is gone needs no rest.
        let _ = self.set(rest);
    }
}

/// A line or a LED that is driven. Dropped, it rests.
pub struct Output {
    pub(crate) held: Arc<Held>,
    apart: &'static Apart,
    about: String,
}

/// What a blocking thread may be driving when it is dropped.
pub(crate) struct Held {
    switch: Mutex<Box<dyn Switch>>,
    rest: AtomicBool,
    dropped: AtomicBool,
}

impl Output {
    /// Takes what was opened, described in a few words.
    pub(crate) fn new(switch: impl Switch, rest: bool, apart: &'static Apart, about: String) -> Self {
        let switch: Box<dyn Switch> = Box::new(switch);
        let held = Held { switch: Mutex::new(switch), rest: AtomicBool::new(rest), dropped: AtomicBool::new(false) };
        Self { held: Arc::new(held), apart, about }
    }
}

impl Held {
    /// Drives it, unless it was dropped meanwhile: then it rests.
    pub(crate) fn drive(&self, high: bool) -> Result<(), Lost> {
        let driven = {
            let mut switch = self.switch.lock().unwrap_or_else(PoisonError::into_inner);
            if self.dropped.load(SeqCst) { Ok(()) } else { switch.set(high) }
        };
        // Whoever dropped it found it locked, and left its rest to us.
        if self.dropped.load(SeqCst) {
            self.switch.lock().unwrap_or_else(PoisonError::into_inner).leave(self.rest.load(SeqCst));
        }
        driven
    }
}

impl OutputLine for Output {
    fn drive(&mut self, high: bool) -> Promise<'_, Result<(), Lost>> {
        let held = self.held.clone();
        Box::pin(self.apart.run(move || held.drive(high)))
    }

    fn rest_at(&mut self, high: bool) {
        self.held.rest.store(high, SeqCst);
    }

    fn about(&self) -> String {
        self.about.clone()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.held.dropped.store(true, SeqCst);
        // Whoever is driving it, and may hang in that, is not waited for.
        if let Ok(mut switch) = self.held.switch.try_lock() {
            switch.leave(self.held.rest.load(SeqCst));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Duration};

    use super::*;

    static APART: Apart = Apart::new(4, Duration::from_secs(30));

    /// Notes its levels; each waits until it is let go on, if somebody holds it up.
    struct Noted {
        levels: mpsc::Sender<&'static str>,
        go_on: Option<mpsc::Receiver<()>>,
    }

    impl Switch for Noted {
        fn set(&mut self, high: bool) -> Result<(), Lost> {
            let _ = self.levels.send(if high { "high" } else { "low" });
            if let Some(go_on) = &self.go_on {
                let _ = go_on.recv();
            }
            Ok(())
        }

        fn leave(&mut self, rest: bool) {
            let _ = self.levels.send(if rest { "left high" } else { "left low" });
        }
    }

    #[tokio::test]
    async fn it_is_driven_and_left_at_the_rest_that_it_was_given_last() {
        let (levels, noted) = mpsc::channel();
        let mut output = Output::new(Noted { levels, go_on: None }, false, &APART, "a switch".into());
        output.drive(true).await.unwrap();
        output.drive(false).await.unwrap();
        output.rest_at(true);
        assert_eq!(output.about(), "a switch");
        drop(output);
        assert_eq!(noted.iter().collect::<Vec<_>>(), ["high", "low", "left high"]);
    }

    #[test]
    fn what_is_dropped_while_it_is_driven_rests_when_that_is_done_and_is_not_waited_for() {
        let ((levels, noted), (on, go_on)) = (mpsc::channel(), mpsc::channel());
        let output = Output::new(Noted { levels, go_on: Some(go_on) }, false, &APART, String::new());
        let held = output.held.clone();
        let driving = thread::spawn(move || held.drive(true));
        assert_eq!(noted.recv(), Ok("high"));
        drop(output);
        assert!(noted.try_recv().is_err(), "it is being driven");
        on.send(()).unwrap();
        driving.join().unwrap().unwrap();
        assert_eq!(noted.iter().collect::<Vec<_>>(), ["left low"]);
    }

    #[test]
    fn what_was_dropped_is_driven_no_more() {
        let (levels, noted) = mpsc::channel();
        let output = Output::new(Noted { levels, go_on: None }, false, &APART, String::new());
        let held = output.held.clone();
        drop(output);
        held.drive(true).unwrap();
        drop(held);
        assert!(noted.iter().all(|level| level == "left low"));
    }
}
