//! CGIs that take a file.

use lookout_core::profile::reply::Failure;

use super::Ask;
use crate::http::{Answer, Upload};

/// Takes settings back from a backup (PROFILE 5.12).
pub async fn restore_params(_ask: &Ask<'_>, _upload: Upload<'_>) -> Result<Answer, Failure> {
    Err(Failure::NotSupported)
}

/// Installs another web UI (PROFILE 5.11).
pub async fn upgrade_htmls(_ask: &Ask<'_>, _upload: Upload<'_>) -> Result<Answer, Failure> {
    Err(Failure::NotSupported)
}
