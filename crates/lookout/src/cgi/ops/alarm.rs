//! CGIs of alarms.

use std::time::{Instant, SystemTime};

use lookout_core::{
    alarm::Speaker,
    profile::{
        reply::{Failure, OK},
        settings::LineLevel,
        wire::Wire as _,
    },
};

use super::Ask;
use crate::{
    alarm,
    http::{Answer, Status},
};

/// Sends a mail with the stored settings (PROFILE 4.2).
pub async fn test_mail(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let result = ask.app.mail.test().await.ok_or(Failure::Busy)?;
    Ok(Answer::text(format!("var result={result};\n")))
}

/// Stores a file with the stored settings, and removes it again (PROFILE 4.3, Q57).
pub async fn test_ftp(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let result = ask.app.ftp.test().await.ok_or(Failure::Busy)?;
    Ok(Answer::text(format!("var result={result};\n")))
}

/// Stands in for the alarm input.
pub fn input(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let level = LineLevel::parse(ask.query.get("level").ok_or(Failure::IllegalParam)?)?;
    ask.app.input.tell(Speaker::Operator, level);
    Ok(Answer::text(OK))
}

/// Sends a marked alarm through the whole chain, and waits for what comes of it.
pub async fn drill(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let told = alarm::drill(&ask.app.alarms).await.ok_or(Failure::Busy)?;
    Ok(Answer::whole(Status::Ok, "application/json", alarm::in_json(&told)))
}

/// What was decided of alarms in the last day.
pub fn events(ask: &Ask<'_>) -> Answer {
    let now = (Instant::now(), SystemTime::now());
    let told = alarm::told(&ask.app.alarms.decisions(now.0), ask.settings, now);
    Answer::whole(Status::Ok, "application/json", told)
}
