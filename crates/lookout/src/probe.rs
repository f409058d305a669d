//! `lookout check`: what a source is, seen once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lookout_core::{
    media::frame::Size,
    port::{Image, Lost, Wanted},
};

use crate::{
    config::Config,
    pipeline::{Demands, Developer},
    source::{LocalTime, Locator},
    tls,
};

/// What `lookout check` found at a source.
pub struct Found {
    /// The source in words.
    pub about: String,
    /// Size of its first picture.
    pub size: Size,
    /// Bytes of its first picture as a JPEG.
    pub bytes: usize,
    /// How long it took to come.
    pub after: Duration,
    /// What its device offers, a line each.
    pub devices: Vec<String>,
}

/// Opens a source, waits for its first picture and lets go of it.
///
/// # Errors
/// Why there is no picture, in words.
pub async fn probe(locator: &Locator, config: &Config) -> Result<Found, String> {
    let begin = Instant::now();
    tls::install_provider();
    let wanted = Wanted { size: config.source.size, fps: config.source.fps };
    let patience = Duration::from_secs(10) + config.source.stall;
    let local: LocalTime = Arc::new(|_| String::new());
    let grab = async {
        let mut source = locator.open(wanted, local).await?;
        let grabbed = source.grab().await?;
        Ok::<_, Lost>((source.about(), grabbed))
    };
    let grabbed = tokio::time::timeout(patience, grab).await.map_err(|_| format!("{locator}: no picture came"))?;
    let (about, grabbed) = grabbed.map_err(|lost| format!("{locator}: {lost}"))?;
    let mut developer =
        Developer::new(Demands::Own(config.source.verify), Arc::default()).map_err(|error| error.to_string())?;
    let frame = developer.develop(grabbed, &Image::NEUTRAL);
    let frame = frame.ok_or_else(|| format!("{locator}: the first picture is broken"))?;
    Ok(Found { about, size: frame.size, bytes: frame.jpeg.len(), after: begin.elapsed(), devices: locator.describe() })
}
