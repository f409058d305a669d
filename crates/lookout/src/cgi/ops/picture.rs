//! CGIs that show pictures.

use std::sync::Arc;

use lookout_core::{
    media::pace::Pace,
    profile::{reply::Failure, settings::Resolution},
};

use super::{super::SNAPSHOT, Ask};
use crate::{
    clock::local_text,
    http::{Answer, Body, Fans, Push, Status},
    hub::{PUSH, Viewer},
};

/// A picture captured after the request came in (PROFILE 5.2).
pub async fn snapshot(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let viewer = ask.app.hub.view(resolution(ask));
    let shown = viewer.after(ask.request.arrived, SNAPSHOT).await;
    let shown = shown.ok_or(Failure::Unavailable("The camera has no picture at the moment."))?;
    let name = match ask.query.get("next_url").filter(|name| !name.is_empty()) {
        Some(wished) => file_name(wished),
        None => format!("snapshot_{}_{}.jpg", ask.app.id, local_text(ask.settings, shown.wall, "%Y%m%d%H%M%S")),
    };
    let answer = Answer::whole(Status::Ok, "image/jpeg", shown.jpeg.clone());
    Ok(answer.with("Content-disposition", format!("filename=\"{name}\"")))
}

/// The push stream (PROFILE 5.1).
pub fn stream(ask: &Ask<'_>) -> Answer {
    let (size, fans) = (resolution(ask), ask.app.fans.clone());
    push(ask, fans, ask.app.hub.view(size), size)
}

fn push(ask: &Ask<'_>, fans: Arc<Fans>, frames: Viewer, size: Resolution) -> Answer {
    let pace = ask.query.get("rate").map_or(Pace::FULL, Pace::from_code);
    let push = Push { fans, frames, size, pace, user: ask.caller.user.clone() };
    Answer { status: Status::Ok, content_type: PUSH, headers: Vec::new(), then: None, body: Body::Push(Box::new(push)) }
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
