//! Work on devices that may take long, or for ever: done on blocking threads, of which a device that hangs gets only so many.

use std::time::Duration;

use lookout_core::port::Lost;
use tokio::sync::Semaphore;

/// Places on blocking threads. Work that hangs keeps its place, and whoever tries again and again waits for the next one.
pub(crate) struct Apart {
    places: Semaphore,
    patience: Duration,
}

impl Apart {
    /// Makes so many places; nobody waits longer than `patience`, for a place and the work together.
    pub(crate) const fn new(places: usize, patience: Duration) -> Self {
        Self { places: Semaphore::const_new(places), patience }
    }

    /// Runs work on a blocking thread, which has its place for as long as it takes. What comes too late is dropped there.
    pub(crate) async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> Result<T, Lost> + Send + 'static,
    ) -> Result<T, Lost> {
        let done = async {
            let place = self.places.acquire().await;
            let placed = move || {
                let _place = place;
                work()
            };
            tokio::task::spawn_blocking(placed).await
        };
        match tokio::time::timeout(self.patience, done).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Lost("it failed by a fault of the program".into())),
            Err(_) => Err(Lost(format!("it does not answer within {} s", self.patience.as_secs_f32()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_device_that_hangs_takes_a_bounded_number_of_threads_and_gives_them_back() {
        static HASTY: Apart = Apart::new(2, Duration::from_millis(20));
        let (begun, begins) = mpsc::channel();
        let (free, freed): (Vec<_>, Vec<_>) = (0..5).map(|_| mpsc::channel::<()>()).unzip();
        for freed in freed {
            let begun = begun.clone();
            let hangs = move || {
                let _ = begun.send(());
                let _ = freed.recv();
                Ok(())
            };
            assert_eq!(HASTY.run(hangs).await, Err(Lost("it does not answer within 0.02 s".into())));
        }
        assert_eq!(begins.try_iter().count(), 2);
        assert_eq!(HASTY.places.available_permits(), 0);
        drop(free);
        let _both = HASTY.places.acquire_many(2).await.unwrap();
    }
}
