//! The caller: the HTTP call at the beginning of an alarm (PROFILE 4.4).
//!
//! One `GET`, one retry where the network fails, 10 s in all. What has come while a call was made is one more call: at most
//! one a second, whatever triggers. A drill's call says that it is one.

mod call;

use std::{sync::Arc, time::Duration};

use lookout_core::{
    access::calls::Reach,
    journal::{Event, Peer},
    profile::settings::Settings,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use crate::{
    alarm::{Errand, Link, WAITING},
    metrics::AlarmCounters,
};

/// The time between two calls, from the beginning of one to that of the next.
const GAP: Duration = Duration::from_secs(1);

/// What the service needs.
pub struct Parts {
    /// The settings.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// What it is to do.
    pub errands: mpsc::Receiver<Errand>,
    /// The `User-Agent`.
    pub agent: String,
    /// How far calls may reach.
    pub reach: Reach,
    /// Writes into the journal.
    pub note: Box<dyn Fn(&Event) + Send + Sync>,
    /// Counters.
    pub counters: Arc<AlarmCounters>,
}

/// Makes calls until nobody is left who could ask for one.
pub async fn run(mut parts: Parts) {
    let mut soonest = Instant::now();
    while let Some(first) = parts.errands.recv().await {
        // What comes meanwhile is the same call.
        sleep_until(soonest).await;
        let mut waiting = vec![first];
        while waiting.len() < WAITING
            && let Ok(more) = parts.errands.try_recv()
        {
            waiting.push(more);
        }
        let (drills, alarms): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|errand| errand.occasion.drill);
        for errands in [alarms, drills].into_iter().filter(|errands| !errands.is_empty()) {
            sleep_until(soonest).await;
            soonest = Instant::now() + GAP;
            parts.attempt(&errands).await;
        }
    }
}

impl Parts {
    /// Makes one call for all of these errands, of which all are drills or none is.
    async fn attempt(&self, errands: &[Errand]) {
        let drill = errands.iter().any(|errand| errand.occasion.drill);
        let url = self.settings.borrow().alarm.http_url.as_str().to_owned();
        let called = call::call(&url, drill, &self.agent, self.reach).await;
        let word = Link::Http.word();
        if let Err((host, failure)) = &called {
            let whom = if host.is_empty() { String::new() } else { format!(" to {host}") };
            tracing::warn!("the call of an alarm{whom} failed: {failure}");
            (self.note)(&Event::Failed(Peer::Http, failure.words()));
        }
        for errand in errands {
            self.counters.done(word, called.is_ok());
            errand.tell(
                Link::Http,
                match &called {
                    Ok(host) => Ok(format!("answered by {host}")),
                    Err((_, failure)) => Err(failure.words().into()),
                },
            );
        }
    }
}

#[cfg(test)]
mod tests;
