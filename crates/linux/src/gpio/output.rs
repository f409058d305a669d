//! A line that is driven.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use gpiocdev::{Request, line::Value};
use lookout_core::port::{Lost, OutputLine, Promise};

use super::{Place, apart, why};

/// A line that is driven, and by nobody else as long as this lives. Dropped, it rests.
pub struct Output {
    pub(super) line: Arc<Line>,
    about: String,
}

/// The line, which a blocking thread may be driving when it is dropped.
pub(super) struct Line {
    request: Mutex<Request>,
    rest: AtomicBool,
    dropped: AtomicBool,
}

impl Output {
    /// Takes a line, at once at a level.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn open(place: Place, active_low: bool, high: bool, rest: bool) -> Result<Self, Lost> {
        // Made in there, so that a line that comes when nobody waits for it any more rests, too.
        apart(move || take(&place, active_low, high, rest)).await
    }
}

fn take(place: &Place, active_low: bool, high: bool, rest: bool) -> Result<Output, Lost> {
    let found = place.find()?;
    let mut request = Request::builder();
    request.with_consumer("lookout").on_chip(&found.chip).with_line(found.info.offset).as_output(value(high));
    if active_low {
        request.as_active_low();
    }
    let request = request.request().map_err(|error| Lost(format!("{found}: {}", why(&error))))?;
    let line = Line { request: Mutex::new(request), rest: AtomicBool::new(rest), dropped: AtomicBool::new(false) };
    Ok(Output { line: Arc::new(line), about: found.to_string() })
}

const fn value(high: bool) -> Value {
    if high { Value::Active } else { Value::Inactive }
}

impl Line {
    /// Drives the line, unless it was dropped meanwhile: then it rests.
    pub(super) fn drive(&self, high: bool) -> Result<(), Lost> {
        let driven = {
            let request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
            let level = if self.dropped.load(SeqCst) { self.rest.load(SeqCst) } else { high };
            request.set_lone_value(value(level))
        };
        // Whoever dropped it found it locked, and left its rest to us.
        if self.dropped.load(SeqCst) {
            let request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = request.set_lone_value(value(self.rest.load(SeqCst)));
        }
        driven.map_err(|error| why(&error))
    }
}

impl OutputLine for Output {
    fn drive(&mut self, high: bool) -> Promise<'_, Result<(), Lost>> {
        let line = self.line.clone();
        Box::pin(apart(move || line.drive(high)))
    }

    fn rest_at(&mut self, high: bool) {
        self.line.rest.store(high, SeqCst);
    }

    fn about(&self) -> String {
        self.about.clone()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.line.dropped.store(true, SeqCst);
        // Whoever is driving it, and may hang in that, is not waited for.
        if let Ok(request) = self.line.request.try_lock() {
            // A chip that went takes its lines with it.
            let _ = request.set_lone_value(value(self.line.rest.load(SeqCst)));
        }
    }
}
