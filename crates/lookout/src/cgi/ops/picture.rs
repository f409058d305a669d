//! CGIs that show a picture, and which pictures are meant.

use std::{sync::Arc, time::Duration};

use lookout_core::{
    media::{frame::Size, transform::scaled},
    profile::{reply::Failure, settings::Resolution},
};

use super::Ask;
use crate::{
    app::App,
    clock::local_text,
    http::{Answer, Fans, Status},
    hub::Viewer,
};

/// How long a snapshot waits for its picture (PROFILE 5.2).
const SNAPSHOT: Duration = Duration::from_secs(5);

/// Pictures that somebody asks for.
pub struct Sight {
    /// The frames, watched from now on.
    pub frames: Viewer,
    /// Who serves the streams of them.
    pub fans: Arc<Fans>,
    /// Their size.
    pub size: Resolution,
    /// What a snapshot's name says of the camera.
    camera: String,
}

impl Sight {
    /// Returns how large the pictures are, as far as it is known before the first of them.
    pub fn pixels(&self, app: &App) -> Size {
        let full = app.hub.size().unwrap_or(app.config.source.size);
        match self.size {
            Resolution::Vga => full,
            Resolution::Qvga => scaled(full, 320),
            Resolution::Qqvga => scaled(full, 160),
        }
    }
}

/// The camera's own pictures.
pub fn own(ask: &Ask<'_>) -> Result<Sight, Failure> {
    let size = resolution(ask).unwrap_or(ask.settings.image.resolution);
    Ok(Sight { frames: ask.app.hub.view(size)?, fans: ask.app.fans.clone(), size, camera: ask.app.id.to_string() })
}

/// The pictures of another camera, `/device/2/…` to `/device/9/…`, if it is set (Q50).
pub fn device(ask: &Ask<'_>) -> Result<Sight, Failure> {
    let number = ask.request.head.path.folded().split('/').nth(2).and_then(|number| number.parse().ok());
    let number = number.ok_or(Failure::NotFound)?;
    let size = resolution(ask).unwrap_or(Resolution::Vga);
    let (frames, fans) = ask.app.devices.view(number, size)?;
    Ok(Sight { frames, fans, size, camera: format!("device{number}") })
}

/// A picture captured after the request came in (PROFILE 5.2).
pub async fn snapshot(ask: &Ask<'_>, sight: Sight) -> Result<Answer, Failure> {
    let shown = sight.frames.after(ask.request.arrived, SNAPSHOT).await;
    let shown = shown.ok_or(Failure::Unavailable("The camera has no picture at the moment."))?;
    let wished = ask.query.get("next_url").and_then(file_name);
    let taken = || local_text(ask.settings, shown.wall, "%Y%m%d%H%M%S");
    let name = wished.unwrap_or_else(|| format!("snapshot_{}_{}.jpg", sight.camera, taken()));
    let answer = Answer::whole(Status::Ok, "image/jpeg", shown.jpeg.clone());
    Ok(answer.with("Content-disposition", format!("filename=\"{name}\"")))
}

/// Reads `resolution=`, as a code or in words; what is neither counts as not given (PROFILE 5.1, Q10, Q14).
fn resolution(ask: &Ask<'_>) -> Option<Resolution> {
    let wish = ask.query.get("resolution").map(str::to_ascii_lowercase);
    match wish.as_deref().map(|wish| wish.replace('*', "x")).as_deref() {
        Some("2" | "qqvga" | "160x120") => Some(Resolution::Qqvga),
        Some("8" | "qvga" | "320x240") => Some(Resolution::Qvga),
        Some("32" | "vga" | "640x480") => Some(Resolution::Vga),
        Some(_) | None => None,
    }
}

/// Makes a file name that can stand in quotes and holds no path; none of what is nothing but one.
fn file_name(wished: &str) -> Option<String> {
    let name = wished.rsplit(['/', '\\']).next().filter(|name| !["", ".", ".."].contains(name))?;
    Some(name.chars().map(|c| if c.is_control() || c == '"' { '_' } else { c }).collect())
}
