//! CGIs whose answer has no end.

use std::sync::Arc;

use bytes::Bytes;
use lookout_core::{
    media::{
        asf::{self, Streams},
        pace::Pace,
        wav::Codec,
    },
    profile::reply::Failure,
};

use super::{Ask, Sight};
use crate::{
    guests::Guest,
    http::{Answer, Asf, Body, Fans, Form, Pictures, Push, Status, Wav},
    hub::PUSH,
};

/// The push stream (PROFILE 5.1).
pub fn multipart(ask: &Ask<'_>, sight: Sight) -> Answer {
    let pictures = Pictures::new(sight.frames, sight.size, pace(ask));
    push(ask, sight.fans, PUSH, Form::Multipart(pictures), Bytes::new())
}

/// Pictures and sound (PROFILE 5.3).
pub fn asf(ask: &Ask<'_>, sight: Sight) -> Result<Answer, Failure> {
    let sound = ask.app.hub.sound.listen()?;
    let begin = asf::header(Streams { size: sight.pixels(ask.app), sound: sound.is_some() });
    let pictures = Pictures::new(sight.frames, sight.size, pace(ask));
    let form = Form::Asf(Box::new(Asf::new(pictures, sound)));
    Ok(push(ask, sight.fans, "video/x-ms-asf", form, begin.into()))
}

/// Sound alone, as a WAV without an end (Q55).
pub fn wav(ask: &Ask<'_>) -> Result<Answer, Failure> {
    let codec = match ask.query.get("codec") {
        None | Some("pcm") => Codec::Pcm,
        Some("ulaw") => Codec::Ulaw,
        Some(_) => return Err(Failure::IllegalParam),
    };
    let sound = ask.app.hub.sound.listen()?.ok_or(Failure::Unavailable("The camera has no microphone."))?;
    let form = Form::Wav(Wav::new(sound, codec));
    Ok(push(ask, ask.app.fans.clone(), "audio/wav", form, codec.header().into()))
}

fn pace(ask: &Ask<'_>) -> Pace {
    ask.query.get("rate").map_or(Pace::FULL, Pace::from_code)
}

fn push(ask: &Ask<'_>, fans: Arc<Fans>, content_type: &'static str, form: Form, begin: Bytes) -> Answer {
    let (user, watching) = (ask.caller.user.clone(), ask.app.guests.watch(Guest::of(ask.request, ask.caller)));
    let push = Push { fans, form, begin, user, watching };
    Answer { body: Body::Push(Box::new(push)), ..Answer::whole(Status::Ok, content_type, "") }
}
