//! CGIs of head and presets.

use lookout_core::{
    profile::{
        reply::{Failure, OK},
        wire::{Text, Wire as _},
    },
    ptz::{Order, Preset, command},
};

use super::Ask;
use crate::{
    head::{Wish, in_json, index},
    http::{Answer, Status},
};

/// Moves the head, drives the output (PROFILE 5.4).
pub async fn decoder_control(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let head = &ask.app.head;
    let order = command::asked(ask.query, head.column())?;
    if let Order::Output(level) = order {
        ask.app.output.order(level)?;
    } else {
        head.order(order, &ask.caller.user).await?;
    }
    Ok(Answer::text(OK))
}

/// Keeps, names or forgets a preset, or goes to one (Q67).
pub async fn set_preset(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let preset = preset(ask)?;
    let name = ask.query.get("name").map(Text::parse).transpose()?;
    let wish = match (ask.query.get("action").unwrap_or_default(), name) {
        ("" | "set", name) => Wish::Keep(preset, name),
        ("name", Some(name)) => Wish::Name(preset, name),
        ("go", _) => Wish::Order(Order::GoTo(preset)),
        ("clear", _) => Wish::Order(Order::ClearPreset(preset)),
        (_, _) => return Err(Failure::IllegalParam),
    };
    ask.app.head.wish(wish, &ask.caller.user).await.map(|()| Answer::text(OK))
}

/// What a preset showed when it was set (Q67).
pub async fn preset_picture(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let preset = preset(ask)?;
    let head = &ask.app.head;
    let place = ask.settings.presets[index(preset)].place;
    let picture = if head.standing().presets { head.pictures.read(preset, place).await } else { None };
    Ok(Answer::whole(Status::Ok, "image/jpeg", picture.ok_or(Failure::NotFound)?))
}

/// How the head stands (Q67).
pub fn head(ask: &Ask<'_>) -> Answer {
    Answer::whole(Status::Ok, "application/json", in_json(&ask.app.head, ask.settings))
}

fn preset(ask: &Ask<'_>) -> Result<Preset, Failure> {
    Ok(Preset::parse(ask.query.get("preset").unwrap_or_default())?)
}
