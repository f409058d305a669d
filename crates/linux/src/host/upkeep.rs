//! Has what NetworkManager gave up on tried again.
//!
//! It activates a cable's profile again by itself, as often as need be. A line that was dialled up beside the cable it does not
//! dial again once it was hung up, and a wireless network whose key was never right yet it leaves until somebody says another.

use std::{sync::Arc, time::Duration};

use lookout_core::port::Lost;
use tokio::{
    task::{AbortHandle, spawn},
    time::sleep,
};

use super::{Inner, apply::Work};

/// How often it is looked, and the pause after the first attempt.
const PACE: Duration = Duration::from_secs(8);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(64);

/// A task that looks after the camera's profiles; dropped, it ends.
pub(super) struct Upkeep(AbortHandle);

impl Upkeep {
    pub(super) fn begin(inner: Arc<Inner>) -> Self {
        let task = spawn(async move {
            let mut pause = PACE;
            loop {
                sleep(pause).await;
                let well = look(&inner).await.is_ok_and(|tried| !tried);
                pause = if well { PACE } else { (pause * 2).min(LONGEST) };
            }
        });
        Self(task.abort_handle())
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Looks, and says whether something had to be tried.
async fn look(inner: &Inner) -> Result<bool, Lost> {
    let _one = inner.applying.lock().await;
    let now = inner.snapshot().await?;
    let devices = now.devices();
    let (cable, wireless) = (inner.cable(&devices)?, inner.wireless(&devices)?);
    Work { bus: &inner.bus, now: &now, cable: cable.as_ref(), wireless: wireless.as_ref() }.mend().await
}
