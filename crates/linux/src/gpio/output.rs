//! A line that is driven, and by nobody else as long as it is held.

use gpiocdev::{Request, line::Value};
use lookout_core::port::Lost;

use super::{CHIPS, Place, why};
use crate::driven::{Output, Switch};

/// Takes a line, at once at a level. Dropped, it rests.
///
/// # Errors
/// Why it cannot be had.
pub async fn output(place: Place, active_low: bool, high: bool, rest: bool) -> Result<Output, Lost> {
    // Made in there, so that a line that comes when nobody waits for it any more rests, too.
    CHIPS.run(move || take(&place, active_low, high, rest)).await
}

fn take(place: &Place, active_low: bool, high: bool, rest: bool) -> Result<Output, Lost> {
    let found = place.find()?;
    let mut request = Request::builder();
    request.with_consumer("lookout").on_chip(&found.chip).with_line(found.info.offset).as_output(value(high));
    if active_low {
        request.as_active_low();
    }
    let request = request.request().map_err(|error| Lost(format!("{found}: {}", why(&error))))?;
    Ok(Output::new(request, rest, &CHIPS, found.to_string()))
}

const fn value(high: bool) -> Value {
    if high { Value::Active } else { Value::Inactive }
}

impl Switch for Request {
    fn set(&mut self, high: bool) -> Result<(), Lost> {
        self.set_lone_value(value(high)).map(|_| ()).map_err(|error| why(&error))
    }
}
