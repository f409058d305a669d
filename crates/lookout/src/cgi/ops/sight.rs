//! Which pictures are meant.

use std::sync::Arc;

use lookout_core::{
    media::{frame::Size, transform::scaled},
    profile::{reply::Failure, settings::Resolution},
};

use super::Ask;
use crate::{app::App, http::Fans, hub::Viewer};

/// Pictures that somebody asks for.
pub struct Sight {
    /// The frames, watched from now on.
    pub frames: Viewer,
    /// Who serves the streams of them.
    pub fans: Arc<Fans>,
    /// Their size.
    pub size: Resolution,
    /// What a snapshot's name says of the camera.
    pub camera: String,
}

impl Sight {
    /// Returns how large the pictures are, as far as it is known before the first of them.
    pub fn pixels(&self, app: &App) -> Size {
        let full = app.hub.size().unwrap_or_else(|| app.config.view());
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
