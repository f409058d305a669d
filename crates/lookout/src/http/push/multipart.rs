//! The push stream: a JPEG, a part, straight from the shared buffer.

use std::{io, sync::Arc};

use super::{
    super::conn::Conn,
    part::{length, slices},
    pictures::{Pictures, count},
    rest::{Rest, try_write},
};
use crate::{hub::Shown, metrics::Flow};

/// Writes a picture, if it is due.
pub fn write(pictures: &mut Pictures, conn: &mut Conn, shown: &Arc<Shown>, flow: &Flow) -> io::Result<Option<Rest>> {
    let Some(pace) = pictures.due(shown) else { return Ok(None) };
    let Some(taken) = try_write(conn, &slices(shown, 0))? else { return Ok(Some(Rest::Nothing)) };
    pictures.begin(shown, pace, flow);
    if !taken.all(length(shown)) {
        return Ok(Some(Rest::Part(shown.clone(), taken.bytes)));
    }
    count(shown, length(shown), flow);
    Ok(None)
}
