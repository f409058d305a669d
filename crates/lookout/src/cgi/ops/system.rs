//! CGIs that act on the camera as a whole.

use lookout_core::profile::reply::{Failure, OK};

use super::Ask;
use crate::{
    backup,
    http::{Answer, Status, Then},
};

/// Answers, then restarts the daemon; the host only by a host backend (PROFILE 4.7).
pub fn reboot(_ask: &Ask<'_>) -> Answer {
    Answer::text(OK).then(Then::Restart)
}

/// Answers, then restarts in the factory state (PROFILE 7.2).
pub async fn restore_factory(ask: &Ask<'_>) -> Result<Answer, Failure> {
    ask.app.store.reset().await?;
    Ok(Answer::text(OK).then(Then::Restart))
}

/// All settings as a file (PROFILE 5.12).
pub async fn backup_params(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let file = backup::make(ask.app, ask.settings, ask.caller.pwd()).await?;
    let answer = Answer::whole(Status::Ok, "application/octet-stream", file);
    Ok(answer.with("Content-disposition", "attachment; filename=\"params.bin\""))
}
