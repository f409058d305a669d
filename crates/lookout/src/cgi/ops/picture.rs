//! CGIs that show a picture.

use std::time::Duration;

use lookout_core::profile::reply::Failure;

use super::{Ask, Sight};
use crate::{
    clock::local_text,
    http::{Answer, Status},
};

/// How long a snapshot waits for its picture (PROFILE 5.2).
const SNAPSHOT: Duration = Duration::from_secs(5);

/// A picture captured after the request came in (PROFILE 5.2).
pub async fn snapshot(ask: &Ask<'_>, sight: Sight) -> Result<Answer, Failure> {
    let shown = sight.frames.after(ask.request.arrived, SNAPSHOT).await;
    let shown = shown.ok_or(Failure::Unavailable("The camera has no picture at the moment."))?;
    sight.fans.snapshot();
    let wished = ask.query.get("next_url").and_then(file_name);
    let taken = || local_text(ask.settings, shown.wall, "%Y%m%d%H%M%S");
    let name = wished.unwrap_or_else(|| format!("snapshot_{}_{}.jpg", sight.camera, taken()));
    let answer = Answer::whole(Status::Ok, "image/jpeg", shown.jpeg.clone());
    Ok(answer.with("Content-disposition", format!("filename=\"{name}\"")))
}

/// Makes a file name that can stand in quotes and holds no path; none of what is nothing but one.
fn file_name(wished: &str) -> Option<String> {
    let name = wished.rsplit(['/', '\\']).next().filter(|name| !["", ".", ".."].contains(name))?;
    Some(name.chars().map(|c| if c.is_control() || c == '"' { '_' } else { c }).collect())
}
