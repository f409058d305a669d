//! CGIs of head and presets.

use lookout_core::profile::reply::Failure;

use super::Ask;
use crate::http::Answer;

/// Moves the head, drives the output (PROFILE 5.4).
pub async fn decoder_control(_ask: &Ask<'_>) -> Result<Answer, Failure> {
    Err(Failure::NotSupported)
}

/// Keeps, names or forgets a preset (Q67).
pub async fn set_preset(_ask: &Ask<'_>) -> Result<Answer, Failure> {
    Err(Failure::NotSupported)
}

/// What a preset showed when it was set (Q67).
pub async fn preset_picture(_ask: &Ask<'_>) -> Result<Answer, Failure> {
    Err(Failure::NotFound)
}

/// How the head stands (Q67).
pub fn head(_ask: &Ask<'_>) -> Answer {
    Answer::text("{}")
}
