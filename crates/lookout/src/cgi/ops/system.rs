//! CGIs that act on the camera as a whole.

use lookout_core::profile::reply::{Failure, OK};

use super::{super::next_page, Ask};
use crate::{
    backup,
    http::{Answer, Status, Then},
    metrics, now,
    store::By,
    web::Ui,
};

/// Answers, then restarts the camera, or the machine where its operator allows that (PROFILE 4.7).
pub fn reboot(ask: &Ask<'_>) -> Answer {
    Answer::text(OK).then(if ask.app.config.host.reboot { Then::RestartMachine } else { Then::Restart })
}

/// Answers, then restarts in the factory state (PROFILE 7.2).
pub async fn restore_factory(ask: &Ask<'_>) -> Result<Answer, Failure> {
    ask.app.store.reset(By::User(&ask.caller.user)).await?;
    Ok(Answer::text(OK).then(Then::Restart))
}

/// All settings as a file (PROFILE 5.12).
pub async fn backup_params(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let file = backup::make(ask.app, ask.settings, ask.caller.pwd()).await?;
    let answer = Answer::whole(Status::Ok, "application/octet-stream", file);
    Ok(answer.with("Content-disposition", "attachment; filename=\"params.bin\""))
}

/// Brings the built-in web UI back, without a reset.
pub async fn restore_htmls(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let answer = next_page(&Ui::BuiltIn, ask.query)?.unwrap_or_else(|| Answer::text(OK));
    ask.app.web.restore(&ask.caller.user).await.map(|()| answer)
}

/// What the daemon counts, and how loud it is, if that may be told.
pub fn metrics(ask: &Ask<'_>) -> Answer {
    let text = ask.app.metrics.text(ask.app.hub.sound.loudness());
    Answer::whole(Status::Ok, metrics::CONTENT_TYPE, text)
}

/// How the camera stands right now.
pub fn now(ask: &Ask<'_>) -> Answer {
    Answer::whole(Status::Ok, "application/json", now::told(ask.app, ask.settings, ask.caller.privilege))
}

/// A file of the web UI in force.
pub fn file(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let path = ask.request.head.path.folded();
    ask.app.web.now().file(path.trim_start_matches('/')).ok_or(Failure::NotFound)
}
