//! A drill: a marked alarm through the whole chain, and what came of it at each link (ADR 0024).

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use lookout_core::alarm::Cause;
use serde_json::Value;
use tokio::{sync::mpsc, time::timeout_at};

use super::{Alarms, Link, Outcome, Report, Trigger, now};

/// How long the links have to report; with it, an answer comes within 60 s.
const PATIENCE: Duration = Duration::from_secs(55);

/// Drills the chain. None: somebody else does, and one drill at a time is enough.
///
/// Goes on, though nobody hears of it any more, when it is cancelled: what has begun is still under way then.
pub async fn drill(alarms: &Arc<Alarms>) -> Option<[(Link, Outcome); Link::ALL.len()]> {
    let one = alarms.drilling.clone().try_lock_owned().ok()?;
    let (report, told) = mpsc::channel(2 * Link::ALL.len());
    alarms.trigger(Trigger {
        cause: Cause::Motion,
        at: now(),
        wall: SystemTime::now(),
        strength: 0.0,
        drill: Some(report),
    });
    let collected = tokio::spawn(async move {
        let _one = one;
        collect(told).await
    });
    collected.await.ok()
}

/// Waits for what the links tell, until all have or nobody will any more.
async fn collect(mut told: mpsc::Receiver<Report>) -> [(Link, Outcome); Link::ALL.len()] {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut all = Link::ALL.map(|link| (link, None));
    let missing = loop {
        if all.iter().all(|(_, outcome)| outcome.is_some()) {
            break String::new();
        }
        match timeout_at(deadline, told.recv()).await {
            Ok(Some(Report { link, outcome })) => {
                // What is told first counts.
                let place = all.iter_mut().find(|(of, outcome)| *of == link && outcome.is_none());
                place.into_iter().for_each(|place| place.1 = Some(outcome.clone()));
            }
            Ok(None) => break "it was given up: the camera has too much to do, or ends".into(),
            Err(_) => break format!("no answer within {} s", PATIENCE.as_secs()),
        }
    };
    all.map(|(link, outcome)| (link, outcome.unwrap_or_else(|| Outcome::Failed(missing.clone()))))
}

/// Writes what came of it as JSON, a line a link.
pub fn in_json(all: &[(Link, Outcome)]) -> String {
    let line = |(link, outcome): &(Link, Outcome)| {
        let (result, words) = outcome.words();
        // Written by hand for the order of its keys.
        let [link, result, words] = [link.word(), result, words].map(|text| Value::from(text).to_string());
        format!("{{\"link\":{link},\"result\":{result},\"words\":{words}}}")
    };
    let passed = !all.iter().any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
    let lines: Vec<_> = all.iter().map(line).collect();
    format!("{{\"passed\":{},\"links\":[\n{}\n]}}\n", passed, lines.join(",\n"))
}
