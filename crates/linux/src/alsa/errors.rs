//! What the library would print on the standard error: it is logged instead.

use std::{cell::RefCell, rc::Rc};

use alsa::Output;

/// Gathers what the library says in this thread, and logs it in the end.
///
/// Threads that a plugin starts by itself print as they like.
pub(super) struct Errors(Option<Rc<RefCell<Output>>>);

impl Errors {
    /// Begins to gather.
    pub(super) fn gather() -> Self {
        Self(Output::local_error_handler().ok())
    }

    /// Logs what was said since the last time.
    pub(super) fn log(&mut self) {
        let said = self.0.as_ref().map(|output| output.borrow().to_string()).unwrap_or_default();
        if !said.is_empty() {
            // A new one is the only way to empty it.
            self.0 = Output::local_error_handler().ok();
        }
        for line in said.lines() {
            tracing::debug!("ALSA: {line}");
        }
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        self.log();
    }
}
