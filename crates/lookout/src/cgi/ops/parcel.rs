//! CGIs that take a file.

use lookout_core::profile::{
    backup::Wish,
    reply::{Failure, OK},
    wire::Wire as _,
};

use super::Ask;
use crate::{
    backup::Restore,
    http::{Answer, Then, Upload},
};

/// Takes settings back from a backup, then restarts (PROFILE 5.12).
pub async fn restore_params(ask: &Ask<'_>, upload: Upload<'_>) -> Result<Answer, Failure> {
    let asked = |name| ask.query.get(name).map_or(Ok(false), bool::parse);
    let wish = Wish { users: asked("users")?, network: asked("network")? };
    let another = ask.query.get("backup_pwd").filter(|pwd| !pwd.is_empty());
    let (user, peer) = (ask.caller.user.name.as_str(), ask.request.peer);
    let restore = Restore { app: ask.app, user, peer, pwd: another.or(ask.caller.pwd()), wish };
    restore.take(&ask.request.head, upload).await?;
    Ok(Answer::text(OK).then(Then::Restart))
}

/// Installs another web UI (PROFILE 5.11).
pub async fn upgrade_htmls(_ask: &Ask<'_>, _upload: Upload<'_>) -> Result<Answer, Failure> {
    Err(Failure::NotSupported)
}
