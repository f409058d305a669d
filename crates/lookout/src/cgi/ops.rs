//! The CGIs that need code of their own, each in at most 15 lines.

use std::time::SystemTime;

use lookout_core::{
    media::pace::Pace,
    profile::{
        change,
        commands::{Group, Op, Privilege},
        listing::var,
        reply::{Failure, OK},
        settings::{Resolution, Settings},
        view::Secrets,
        wire::{Illegal, Secret, Value, Wire as _},
    },
    query::Query,
};

use super::SNAPSHOT;
use crate::{
    app::{App, local_text, unix},
    doorman::Caller,
    http::{Answer, Body, Push, Request, Status},
    hub::PUSH,
    metrics, web,
};

/// What a handler may look at.
pub struct Ask<'a> {
    /// Everything that a request can reach.
    pub app: &'a App,
    /// The settings when it came in.
    pub settings: &'a Settings,
    /// Its parameters.
    pub query: &'a Query,
    /// The request.
    pub request: &'a Request,
    /// Who asks.
    pub caller: &'a Caller,
}

/// Runs a handler.
pub async fn run(op: Op, ask: &Ask<'_>) -> Result<Answer, Failure> {
    match op {
        Op::CheckUser => Ok(check_user(ask)),
        Op::Snapshot => snapshot(ask).await,
        Op::Stream => Ok(stream(ask)),
        Op::CameraControl => camera_control(ask).await,
        Op::SetDatetime => set_datetime(ask).await,
        Op::Metrics => Ok(Answer::whole(Status::Ok, metrics::CONTENT_TYPE, ask.app.metrics.text())),
        Op::Health => ask.app.watchdog.healthy().map(|()| Answer::text("ok\n")).map_err(Failure::Unavailable),
        Op::File(name) => web::file(name).ok_or(Failure::NotFound),
    }
}

/// Echoes the password that the request brought, which is no secret to whoever sent it (PROFILE 1.3).
fn check_user(ask: &Ask<'_>) -> Answer {
    let pri = match ask.caller.privilege {
        Privilege::Nobody => 0,
        Privilege::Visitor => 1,
        Privilege::Operator => 2,
        Privilege::Manager => 3,
    };
    let pwd = ask.caller.brought.as_ref().map_or("", |brought| brought.pwd());
    let out = var(String::new(), "user", &ask.caller.user.name.show(), Secrets::Plain);
    let out = var(out, "pwd", &Value::Secret(Secret::new(pwd)), Secrets::Plain);
    Answer::text(var(out, "pri", &Value::Int(pri), Secrets::Plain))
}

async fn snapshot(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let viewer = ask.app.hub.view(resolution(ask));
    let shown = viewer.after(ask.request.arrived, SNAPSHOT).await;
    let shown = shown.ok_or(Failure::Unavailable("The camera has no picture at the moment."))?;
    let name = match ask.query.get("next_url").filter(|name| !name.is_empty()) {
        Some(wished) => file_name(wished),
        None => format!("snapshot_{}_{}.jpg", ask.settings.id, local_text(ask.settings, shown.wall, "%Y%m%d%H%M%S")),
    };
    let answer = Answer::whole(Status::Ok, "image/jpeg", shown.jpeg.clone());
    Ok(answer.with("Content-disposition", format!("filename=\"{name}\"")))
}

fn stream(ask: &Ask<'_>) -> Answer {
    let pace = ask.query.get("rate").map_or(Pace::FULL, Pace::from_code);
    Answer {
        status: Status::Ok,
        content_type: PUSH,
        headers: Vec::new(),
        body: Body::Push(Box::new(Push { size: resolution(ask), pace, user: ask.caller.user.clone() })),
    }
}

async fn camera_control(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let wire = match ask.query.get("param") {
        Some("0") => "resolution",
        Some("1") => "brightness",
        Some("2") => "contrast",
        Some("3") => "mode",
        Some("5") => "flip",
        Some(_) | None => return Err(Failure::IllegalParam),
    };
    let value = ask.query.get("value").filter(|value| !value.is_empty()).ok_or(Failure::IllegalParam)?;
    let given = |name: &str| (name == wire).then_some(value);
    ask.app.store.change(|old, rules| change::apply(old, Group::Image, given, rules)).await?;
    Ok(Answer::text(OK))
}

/// `now` sets the camera's own clock: the host's, plus an offset that is kept (PROFILE 4.1).
async fn set_datetime(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let now = ask.query.get("now").filter(|now| !now.is_empty());
    let ahead = |now: &str| now.parse::<u32>().map(|now| i64::from(now) - unix(SystemTime::now()));
    let offset = now.map(ahead).transpose().map_err(|_| Failure::IllegalParam)?;
    let draft = |old: &Settings, rules: &change::Rules| {
        let mut new = change::apply(old, Group::Datetime, |name| ask.query.get(name), rules)?;
        let set = |offset: i64| new.clock.offset_s.take(&offset.to_string());
        offset.map_or(Ok::<_, Illegal>(()), set)?;
        Ok(new)
    };
    ask.app.store.change(draft).await.map(|()| Answer::text(OK))
}

/// Reads `resolution=`, as a code or in words; what is neither counts as not given (PROFILE 5.1, Q10, Q14).
fn resolution(ask: &Ask<'_>) -> Resolution {
    let wish = ask.query.get("resolution").map(str::to_ascii_lowercase);
    match wish.as_deref().map(|wish| wish.replace('*', "x")).as_deref() {
        Some("2" | "qqvga" | "160x120") => Resolution::Qqvga,
        Some("8" | "qvga" | "320x240") => Resolution::Qvga,
        Some("32" | "vga" | "640x480") => Resolution::Vga,
        Some(_) | None => ask.settings.image.resolution,
    }
}

/// Makes a file name that can stand in quotes and holds no path.
fn file_name(wished: &str) -> String {
    let name = wished.rsplit(['/', '\\']).next().unwrap_or_default();
    name.chars().map(|c| if c.is_control() || c == '"' { '_' } else { c }).collect()
}
