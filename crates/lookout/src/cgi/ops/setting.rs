//! CGIs that set or tell something in a way of their own.

use std::time::SystemTime;

use lookout_core::profile::{
    change,
    commands::{Group, Privilege},
    listing::var,
    reply::{Failure, OK},
    settings::{IMAGE_PARAMS, Settings},
    view::Secrets,
    wire::{Seconds, Secret, Value, Wire as _},
};

use super::Ask;
use crate::{clock::unix, http::Answer, store::By};

/// Echoes the password that the request brought, which is no secret to whoever sent it (PROFILE 1.3).
pub fn check_user(ask: &Ask<'_>) -> Answer {
    let pri = match ask.caller.privilege {
        Privilege::Nobody => 0,
        Privilege::Visitor => 1,
        Privilege::Operator => 2,
        Privilege::Manager => 3,
    };
    let pwd = ask.caller.pwd().unwrap_or_default();
    let out = var(String::new(), "user", &ask.caller.user.name.show(), Secrets::Plain);
    let out = var(out, "pwd", &Value::Secret(Secret::new(pwd)), Secrets::Plain);
    Answer::text(var(out, "pri", &Value::Int(pri), Secrets::Plain))
}

/// Sets one image setting, by number.
pub async fn camera_control(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let param = ask.query.get("param").unwrap_or_default();
    let setting = IMAGE_PARAMS.iter().find(|(number, _)| number.to_string() == param);
    let (_, wire) = setting.ok_or(Failure::IllegalParam)?;
    let value = ask.query.get("value").filter(|value| !value.is_empty()).ok_or(Failure::IllegalParam)?.to_owned();
    let draft = move |old: &Settings, rules: &change::Rules| {
        change::apply(old, Group::Image, |name| (name == *wire).then_some(value.as_str()), rules)
    };
    ask.app.store.change(By::User(&ask.caller.user), draft).await.map(|()| Answer::text(OK))
}

/// `now` sets the camera's own clock: the host's, plus an offset that is kept. `ntp_enable=1` has the time server asked
/// at once, also where it was 1 before (PROFILE 4.1, Q42).
pub async fn set_datetime(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let now = ask.query.get("now").filter(|now| !now.is_empty());
    let offset = now.map(|now| Seconds::ahead(now, unix(SystemTime::now()))).transpose()?;
    let query = ask.query.clone();
    let draft = move |old: &Settings, rules: &change::Rules| {
        let mut new = change::apply(old, Group::Datetime, |name| query.get(name), rules)?;
        new.clock.offset_s = offset.unwrap_or(old.clock.offset_s);
        Ok(new)
    };
    ask.app.store.change(By::User(&ask.caller.user), draft).await?;
    // Whoever turns it on wakes the service by that.
    if ask.settings.clock.ntp && ask.query.get("ntp_enable") == Some("1") {
        ask.app.ask_time.send_replace(());
    }
    Ok(Answer::text(OK))
}
