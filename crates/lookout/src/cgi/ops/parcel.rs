//! CGIs that take a file.

use lookout_core::profile::{
    backup::Wish,
    reply::{Failure, OK},
    wire::Wire as _,
};

use super::{
    super::{bad_package, next_page},
    Ask,
};
use crate::{
    backup,
    http::{Answer, Then, Upload},
};

/// Takes settings back from a backup, then restarts (PROFILE 5.12).
pub async fn restore_params(ask: &Ask<'_>, upload: Upload<'_>) -> Result<Answer, Failure> {
    let asked = |name| ask.query.get(name).map_or(Ok(false), bool::parse);
    let wish = Wish { users: asked("users")?, network: asked("network")? };
    let another = ask.query.get("backup_pwd").filter(|pwd| !pwd.is_empty());
    let (by, head, pwd) = (&ask.caller.user, &ask.request.head, another.or(ask.caller.pwd()));
    let restored = backup::restore(ask.app, by, head, upload, pwd, wish).await;
    restored.map_err(|refused| bad_package(ask, "a backup", refused))?;
    Ok(Answer::text(OK).then(Then::Restart))
}

/// Installs another web UI (PROFILE 5.11).
pub async fn upgrade_htmls(ask: &Ask<'_>, upload: Upload<'_>) -> Result<Answer, Failure> {
    let new = ask
        .app
        .web
        .unpack(&ask.request.head, upload)
        .await
        .map_err(|refused| bad_package(ask, "a web pack", refused))?;
    let answer = next_page(new.ui(), ask.query)?.unwrap_or_else(|| Answer::text(OK));
    ask.app.web.install(&ask.caller.user, new).await.map(|()| answer)
}

/// Installs another version, then restarts into it (PROFILE 5.10).
pub async fn upgrade_firmware(ask: &Ask<'_>, upload: Upload<'_>) -> Result<Answer, Failure> {
    let unpacked = ask.app.upgrades.unpack(&ask.request.head, upload).await;
    let new = unpacked.map_err(|refused| bad_package(ask, "a package of another version", refused))?;
    ask.app.upgrades.install(new, ask.settings).await?;
    Ok(Answer::text(OK).then(Then::Restart))
}
