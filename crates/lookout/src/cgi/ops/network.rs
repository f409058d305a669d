//! CGIs of the network.

use lookout_core::profile::{
    commands::Group,
    reply::{Failure, OK},
    wire::Wire as _,
};

use super::Ask;
use crate::{http::Answer, store::By};

/// Stores dynamic DNS; `restart_dyndns=1` has what was refused for good tried again.
pub async fn set_ddns(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let again = ask.query.get("restart_dyndns").filter(|text| !text.is_empty()).map(bool::parse).transpose()?;
    ask.app.store.set(By::User(&ask.caller.user), Group::Ddns, ask.query).await?;
    if again == Some(true) {
        ask.app.ddns.again();
    }
    Ok(Answer::text(OK))
}

/// Has the host look for wireless networks; answers at once.
pub fn wifi_scan(ask: &Ask<'_>) -> Result<Answer, Failure> {
    ask.app.network.scan()?;
    Ok(Answer::text(OK))
}

/// What was found last.
pub fn wifi_scan_result(ask: &Ask<'_>) -> Answer {
    Answer::text(ask.app.network.found())
}
