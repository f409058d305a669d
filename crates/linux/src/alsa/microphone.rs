//! A sound device as a microphone.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use lookout_core::{
    media::sound::Chunk,
    port::{self, Lost, Promise},
};
use tokio::sync::{mpsc, oneshot};

use super::card::Card;

/// How many pieces wait for whoever hears; what comes then waits in the device, which loses sound when its half second
/// is full.
const QUEUE: usize = 8;

/// How many threads there may be. There is one a microphone, and more only if a sound server does not let go of them.
const THREADS: usize = 8;

/// A recording sound device; dropping it closes it within a tenth of a second.
#[derive(Debug)]
pub struct Microphone {
    about: String,
    heard: mpsc::Receiver<Result<Chunk, Lost>>,
}

impl Microphone {
    /// Opens a device by any name that ALSA knows, such as `default` or `hw:CARD=C920`, and begins to record.
    ///
    /// It takes what the device offers: S16 if it can be, the rate from which 8000 Hz are most easily made, the fewest
    /// channels. Never waits in the caller's thread; may be cancelled.
    ///
    /// # Errors
    /// Says in words if there is no such device, it is in use, not permitted, or offers no sound in a format that is known.
    pub async fn open(device: &str) -> Result<Self, Lost> {
        let ticket = Ticket::draw(device)?;
        let (opened, is_open) = oneshot::channel();
        let (pieces, heard) = mpsc::channel(QUEUE);
        let name = device.to_owned();
        let thread = thread::Builder::new().name("microphone".to_owned()).spawn(move || {
            let _ticket = ticket;
            let card = Card::start(&name);
            let about = card.as_ref().map(Card::to_string).map_err(Lost::clone);
            // Perhaps nobody waits for it any more.
            if opened.send(about).is_ok()
                && let Ok(card) = card
            {
                record(card, &pieces);
            }
        });
        thread.map_err(|error| Lost(format!("sound device {device} failed: starting a thread: {error}")))?;
        let about = is_open.await.unwrap_or_else(|_| Err(failed()))?;
        Ok(Self { about, heard })
    }
}

impl port::Microphone for Microphone {
    fn hear(&mut self) -> Promise<'_, Result<Chunk, Lost>> {
        Box::pin(async { self.heard.recv().await.unwrap_or_else(|| Err(failed())) })
    }

    fn about(&self) -> String {
        self.about.clone()
    }
}

/// Hands over what is heard until nobody hears it any more or the device is lost, and then closes the device.
fn record(mut card: Card, pieces: &mpsc::Sender<Result<Chunk, Lost>>) {
    let lost = loop {
        match card.next() {
            Ok(Some(heard)) => {
                if pieces.blocking_send(Ok(heard)).is_err() {
                    return;
                }
            }
            Ok(None) => {
                if pieces.is_closed() {
                    return;
                }
            }
            Err(lost) => break lost,
        }
    };
    // It is closed before anybody hears that it is lost, and may open it again.
    drop(card);
    // Or nobody hears it.
    let _ = pieces.blocking_send(Err(lost));
}

fn failed() -> Lost {
    Lost("the recording of sound has failed".to_owned())
}

/// One of the threads that there may be.
struct Ticket;

static DRAWN: AtomicUsize = AtomicUsize::new(0);

impl Ticket {
    fn draw(device: &str) -> Result<Self, Lost> {
        let more = |drawn| (drawn < THREADS).then_some(drawn + 1);
        match DRAWN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Self),
            Err(_) => Err(Lost(format!("sound device {device} is not opened: {THREADS} earlier attempts still hang"))),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        DRAWN.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use lookout_core::port::Microphone as _;
    use tokio::time::timeout;

    use super::*;

    async fn refusal(device: &str) -> String {
        Microphone::open(device).await.map(|_| ()).unwrap_err().0
    }

    #[tokio::test]
    async fn what_is_no_sound_device_is_refused_in_clear_words() {
        assert_eq!(refusal("no-such-device").await, "no such sound device no-such-device");
        assert_eq!(refusal("hw:CARD=NoSuchCard").await, "no such sound device hw:CARD=NoSuchCard");
        assert_eq!(refusal("a\0b").await, "no such sound device a\0b");
    }

    // ALSA's own device `null` gives silence as fast as it is read.
    #[tokio::test]
    async fn what_a_device_offers_is_taken_as_it_is_cheapest_and_no_more_is_read_than_is_heard() {
        let mut microphone = Microphone::open("null").await.unwrap();
        assert_eq!(microphone.about(), "sound device \"null\", 8000 Hz, 1 channel");
        for _ in 0..3 * QUEUE {
            let heard = timeout(Duration::from_secs(10), microphone.hear()).await.unwrap().unwrap();
            assert_eq!((heard.rate, heard.channels), (8000, 1));
            assert!(heard.samples.len() <= 800 && heard.samples.iter().all(|&sample| sample == 0));
            assert!(heard.captured <= Instant::now());
            assert!(microphone.heard.len() <= QUEUE);
        }
    }

    #[tokio::test]
    async fn a_dropped_microphone_ends_its_thread() {
        for _ in 0..3 * THREADS {
            // Else a later one would be refused.
            let microphone = Microphone::open("null").await.unwrap();
            drop(microphone);
        }
    }
}
