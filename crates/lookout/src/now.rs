//! What `/now.json` tells: how the camera stands right now (Q87).

use std::time::Instant;

use lookout_core::{
    alarm::Cause,
    media::motion::Threshold,
    profile::{commands::Privilege, settings::Settings},
};
use serde_json::{Value, json};

use crate::{app::App, guests::Seen};

/// Writes it as JSON; managers are told who watches, and what waits for them.
pub fn told(app: &App, settings: &Settings, privilege: Privilege) -> String {
    let (now, watching) = (Instant::now(), app.guests.who_watch());
    let mut told = json!({
        "alias": settings.alias.as_str(),
        "alarm": app.alarms.standing().map(Cause::word),
        "forbidden": app.privacy.pass().is_err(),
        "streams": watching.len(),
        "motion": motion(app, settings, now),
        "devices": devices(settings),
    });
    if privilege >= Privilege::Manager {
        told["watching"] = guests(&watching, now);
        told["came"] = guests(&app.guests.who_came(), now);
        let until = app.network.waits_until();
        told["confirm_s"] = until.map(|until| until.saturating_duration_since(now).as_secs()).into();
        told["network_managed"] = app.network.managed().into();
        told["setup_done"] = settings.setup_done.into();
    }
    format!("{told}\n")
}

fn motion(app: &App, settings: &Settings, now: Instant) -> Value {
    let Some(score) = app.alarms.motion(now) else { return Value::Null };
    // Four places are finer than a pixel of what is looked at.
    let score = (f64::from(score) * 1e4).round() / 1e4;
    json!({ "score": score, "threshold": Threshold::of(settings.alarm.sensitivity()).share() })
}

/// The other cameras that `/device/N/…` shows; whoever may see this one may see them, and need not know where they are.
fn devices(settings: &Settings) -> Value {
    let set = (2..).zip(&settings.devices).filter(|(_, device)| !device.host.as_str().is_empty());
    set.map(|(number, device)| json!({ "number": number, "alias": device.alias.as_str() })).collect()
}

fn guests(seen: &[Seen], now: Instant) -> Value {
    let one = |(guest, at): &Seen| {
        json!({
            "user": guest.user,
            "from": guest.peer.to_canonical().to_string(),
            "agent": guest.agent,
            "path": guest.path,
            "seconds": now.saturating_duration_since(*at).as_secs(),
        })
    };
    seen.iter().map(one).collect()
}
