//! The push stream: a JPEG, a part, straight from the shared buffer.

use std::{
    io::{self, IoSlice},
    sync::Arc,
    time::Instant,
};

use super::{
    super::conn::Conn,
    form::Pictures,
    rest::{Rest, try_write},
};
use crate::{hub::Shown, metrics::Flow};

/// Writes a picture, if it is due.
pub fn write(pictures: &mut Pictures, conn: &Conn, shown: &Arc<Shown>, flow: &Flow) -> io::Result<Option<Rest>> {
    let Some(pace) = pictures.due(shown) else { return Ok(None) };
    let Some(done) = try_write(conn, &slices(shown, 0))? else { return Ok(Some(Rest::Nothing)) };
    pictures.begin(shown, pace, flow);
    if done < length(shown) {
        return Ok(Some(Rest::Part(shown.clone(), done)));
    }
    count(shown, flow);
    Ok(None)
}

/// Counts a part that was written to its end.
pub fn count(shown: &Shown, flow: &Flow) {
    flow.sent(length(shown), Instant::now().saturating_duration_since(shown.captured));
}

/// Cuts a part from an offset on.
pub fn slices(shown: &Shown, done: usize) -> [IoSlice<'_>; 3] {
    let mut skip = done;
    part(shown).map(|slice| {
        let (skipped, left) = slice.split_at(skip.min(slice.len()));
        skip -= skipped.len();
        IoSlice::new(left)
    })
}

/// A part: its head, the picture, and the line end behind it (PROFILE 5.1).
fn part(shown: &Shown) -> [&[u8]; 3] {
    [&shown.head, &shown.frame.jpeg, b"\r\n"]
}

pub fn length(shown: &Shown) -> usize {
    part(shown).iter().map(|slice| slice.len()).sum()
}
