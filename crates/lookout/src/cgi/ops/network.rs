//! CGIs of the network.

use lookout_core::profile::{
    commands::Group,
    reply::{Failure, OK},
    wire::Wire as _,
};

use super::Ask;
use crate::{http::Answer, store::By};

/// Stores the wireless network, if the host can join such a one.
pub async fn set_wifi(ask: &Ask<'_>) -> Result<Answer, Failure> {
    ask.app.store.set(By::User(&ask.caller.user), Group::Wifi, ask.query).await.map(|()| Answer::text(OK))
}

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
pub fn wifi_scan(_ask: &Ask<'_>) -> Result<Answer, Failure> {
    Err(Failure::NotSupported)
}

/// What was found last.
pub fn wifi_scan_result(_ask: &Ask<'_>) -> Answer {
    Answer::text("")
}
