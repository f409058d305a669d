//! Takes what waits to the server, one mail at a time, the oldest first.
//!
//! ```text
//!   taken, or refused for good (5yz of a receiver or of the mail): done with
//!   refused for now (4yz of the sender, a receiver, the mail):     behind the others, pause
//!   the server is not to be had:                                   stays, pause of 5 s, 10 s …
//!   the login or the sender is refused for good:                   stays, pause of an hour
//! ```
//! Every pause ends when the mail settings change; the shorter ones also when a mail is written, and all when the
//! server has taken a drill's.

use std::{collections::HashSet, sync::Arc, time::Duration};

use lookout_core::{
    backoff::Backoff,
    profile::settings::{MailAccount, Settings},
    smtp::{Delivered, Failure, Fault},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep},
};

use super::{Carrier, Desk, Errand, Link, line::Undelivered, parcel::Parcel, ready};
use crate::{
    pauses::chance,
    queue::{BACKOFF, Ticket},
};

/// How long a server is left alone that refused for good what only the owner can put right: it might lock the account.
const HOUR: Duration = Duration::from_secs(60 * 60);
/// How often a mail is put behind others that it is refused for now: a day, with the longest pauses. One that waits because no
/// server is to be had is thrown away by the queue in its time.
const ROUNDS: u64 = 150;
/// How often a mail is sent that the server may have taken without a word: rather twice than never, but not all day.
const UNSURE: u8 = 3;

/// What came of an attempt.
enum Outcome {
    Done(Delivered, Vec<String>),
    Failed(Undelivered),
    /// The privacy gate is closed, and the mail shows something.
    Held,
}

/// How it went so far.
struct Course {
    backoff: Backoff,
    /// What was told of last: a failure is told once, not with each attempt.
    told: Option<Fault>,
    /// The mail that the server may have taken, and how often.
    unsure: (String, u8),
    /// The mails that were put behind others while the gate is closed.
    held: HashSet<String>,
    /// Rings for mails that come after the one at hand was taken.
    coming: watch::Receiver<()>,
    /// Rings for mails that came after it was last waited for the gate.
    written: watch::Receiver<()>,
}

impl<C: Carrier> Desk<C> {
    /// Sends the mails of drills, beside what waits and each once, for ever; tells what came of them.
    pub(super) async fn drills(&self, mut drills: mpsc::Receiver<(Parcel, Errand)>) {
        while let Some((parcel, errand)) = drills.recv().await {
            let settings = self.parts.settings.borrow().clone();
            let outcome = match self.attempt(&parcel, &settings).await {
                Outcome::Done(delivered, receivers) => match delivered.refused.into_iter().next() {
                    None => Ok(format!("sent to {}", receivers.join(", "))),
                    Some(refused) => Err(refused.why),
                },
                Outcome::Failed(Undelivered { why, .. }) => Err(why),
                Outcome::Held => Err(Failure::passing(Fault::Network, "forbidden hours have begun meanwhile")),
            };
            self.parts.counters.done(Link::Mail.word(), outcome.is_ok());
            match &outcome {
                Ok(_) => self.drilled.notify_waiters(),
                Err(why) => self.failed(why),
            }
            errand.tell(Link::Mail, outcome.map_err(|why| why.words));
        }
    }

    /// Delivers what waits, for ever.
    pub(super) async fn post(&self) {
        let (coming, written) = (self.coming.subscribe(), self.written.subscribe());
        let mut course =
            Course { backoff: BACKOFF, told: None, unsure: Default::default(), held: HashSet::new(), coming, written };
        loop {
            let ticket = self.parts.queue.oldest().await;
            course.coming.mark_unchanged();
            let Some(parcel) = Parcel::unpack(&ticket.item) else {
                tracing::error!("a mail that waited is damaged, and thrown away");
                self.parts.queue.give_up(ticket).await;
                continue;
            };
            let settings = self.parts.settings.borrow().clone();
            match self.attempt(&parcel, &settings).await {
                Outcome::Held => self.hold(&mut course, ticket, parcel).await,
                Outcome::Done(delivered, receivers) => {
                    self.done(&mut course, ticket, parcel, delivered, receivers).await
                }
                Outcome::Failed(failed) => self.failed_at(&mut course, ticket, parcel, failed, &settings.mail).await,
            }
        }
    }

    async fn attempt(&self, parcel: &Parcel, settings: &Arc<Settings>) -> Outcome {
        if let Err(why) = ready(&settings.mail) {
            return Outcome::Failed(why.into());
        }
        let pass = match (parcel.pictures.is_empty(), self.parts.gate.pass()) {
            (true, _) => None,
            (false, Ok(pass)) => Some(pass),
            (false, Err(_)) => return Outcome::Held,
        };
        let closed = async {
            match &pass {
                Some(pass) => pass.ended().await,
                None => std::future::pending().await,
            }
        };
        let receivers = parcel.receivers(settings);
        if receivers.is_empty() {
            return Outcome::Done(Delivered::default(), receivers);
        }
        let letter = match parcel.letter(settings) {
            Ok(letter) => letter,
            Err(why) => return Outcome::Failed(why.into()),
        };
        tokio::select! {
            () = closed => Outcome::Held,
            delivered = self.carrier.deliver(&settings.mail, receivers.clone(), &letter) => match delivered {
                Ok(delivered) => Outcome::Done(delivered, receivers),
                Err(failed) => Outcome::Failed(failed),
            },
        }
    }

    /// Lets others pass a mail that must wait for the gate; when all that wait must, waits for it.
    async fn hold(&self, course: &mut Course, ticket: Ticket, parcel: Parcel) {
        if course.held.insert(parcel.key.clone()) {
            self.behind(ticket, &parcel).await;
            return;
        }
        let mut gate = self.parts.gate.follow();
        gate.mark_unchanged();
        if self.parts.gate.pass().is_ok() {
            course.held.clear();
            return;
        }
        tokio::select! {
            _ = gate.changed() => {}
            // The gate and the queue are there as long as we are.
            _ = course.written.changed() => {}
        }
        course.held.clear();
    }

    async fn done(
        &self,
        course: &mut Course,
        ticket: Ticket,
        mut parcel: Parcel,
        delivered: Delivered,
        receivers: Vec<String>,
    ) {
        course.backoff.went_well();
        course.told = None;
        let later: HashSet<_> =
            delivered.refused.iter().filter(|refused| !refused.why.lasting).map(|refused| &refused.receiver).collect();
        for refused in &delivered.refused {
            self.failed(&refused.why);
        }
        if later.is_empty() || parcel.rounds >= ROUNDS {
            self.parts.counters.done(Link::Mail.word(), delivered.refused.is_empty());
            self.parts.queue.done(ticket).await;
            return;
        }
        parcel.rounds += 1;
        parcel.served.extend(receivers.iter().filter(|receiver| !later.contains(receiver)).cloned());
        self.behind(ticket, &parcel).await;
        let (pause, account) = (course.backoff.failed(chance()), self.parts.settings.borrow().mail.clone());
        self.pause(course, pause, true, &account).await;
    }

    async fn failed_at(
        &self,
        course: &mut Course,
        ticket: Ticket,
        mut parcel: Parcel,
        failed: Undelivered,
        account: &MailAccount,
    ) {
        let Undelivered { why, unsure } = failed;
        if course.told != Some(why.fault) {
            self.failed(&why);
        }
        course.told = Some(why.fault);
        let of_mail = matches!(why.fault, Fault::Receiver | Fault::Body);
        let times = if course.unsure.0 == parcel.key { course.unsure.1 } else { 0 };
        course.unsure = (parcel.key.clone(), times + u8::from(unsure));
        if parcel.rounds >= ROUNDS || (of_mail && why.lasting) || course.unsure.1 >= UNSURE {
            if !of_mail || !why.lasting {
                tracing::warn!("a mail is thrown away that could not be delivered");
            }
            self.parts.counters.done(Link::Mail.word(), false);
            self.parts.queue.give_up(ticket).await;
            return;
        }
        if of_mail || why.fault == Fault::Sender && !why.lasting {
            parcel.rounds += 1;
            self.behind(ticket, &parcel).await;
        }
        let pause = if why.lasting { HOUR } else { course.backoff.failed(chance()) };
        self.pause(course, pause, !why.lasting, account).await;
    }

    /// Puts a mail behind the others; a power cut between leaves it there twice rather than not at all.
    async fn behind(&self, ticket: Ticket, parcel: &Parcel) {
        self.put(parcel).await;
        self.parts.queue.done(ticket).await;
    }

    /// Waits, unless there is a reason to try at once.
    async fn pause(&self, course: &mut Course, pause: Duration, wakes: bool, account: &MailAccount) {
        let mut settings = self.parts.settings.clone();
        let begin = Instant::now();
        tokio::select! {
            () = sleep(pause) => {}
            // It ends with the store, as all does.
            _ = settings.wait_for(|settings| settings.mail != *account) => course.told = None,
            _ = course.coming.changed(), if wakes => {}
            () = self.drilled.notified() => {}
        }
        tracing::debug!("mail is tried again after {} s", begin.elapsed().as_secs());
    }
}
