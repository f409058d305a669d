//! SNTP from the client's side (RFC 4330, RFC 5905): one packet asks, one answers, and the answer must earn its trust.
//!
//! The request carries no time. Its transmit timestamp is a random cookie, which only whoever has seen the request can
//! send back; and how long the answer took is measured by the caller on a steady clock, so that a jump of the host's
//! clock between the two packets falsifies nothing.

use std::time::Duration;

use crate::backoff::{Backoff, jitter};

/// A random number that tells the answer to our request from any other packet.
pub type Cookie = [u8; 8];

/// What the server's clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its time at the moment when the answer arrived, since 1970 UTC; wrong by at most half of `delay`.
    pub time: Duration,
    /// How long the packets were on their way, there and back.
    pub delay: Duration,
}

/// Why a packet sets no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not answer our request: whoever waits for the answer goes on waiting.
    #[error("something else arrived")]
    Stray,
    /// The server asks for fewer requests (kiss code `RATE`).
    #[error("wants to be asked less often")]
    Slower,
    /// The server does not serve us (kiss codes `DENY` and `RSTR`).
    #[error("does not serve this camera")]
    Denied,
    /// The server does not know the time itself.
    #[error("does not know the time itself")]
    Unsynchronised,
    /// The server contradicts itself or what can be.
    #[error("{0}")]
    Implausible(&'static str),
}

const LENGTH: usize = 48;
/// From 1900, where NTP begins to count, to 1970.
const TO_1970_S: i64 = 2_208_988_800;
/// 2026, when this was written: no right clock says less. NTP's 32 bits of seconds come round every 136 years, in 2036 for
/// the first time; from here on they are unambiguous as long as the profile can say the time, until 2106.
const EARLIEST_S: i64 = 1_767_225_600;
/// The distance to a clock of reference beyond which nobody is believed (`MAXDISP` of RFC 5905).
const FARTHEST: Duration = Duration::from_secs(16);
/// How long a server may think about its answer.
const THOUGHT: Duration = Duration::from_secs(1);

/// Writes a request.
pub fn request(cookie: Cookie) -> [u8; LENGTH] {
    let mut packet = [0; LENGTH];
    // Version 4, mode 3 (client); all else that RFC 4330 leaves to the client stays zero.
    packet[0] = 4 << 3 | 3;
    packet[40..].copy_from_slice(&cookie);
    packet
}

/// Reads the packet that arrived `took` after the request with this cookie was sent.
///
/// # Errors
/// It is not the answer, or not one to set a clock by.
pub fn read(packet: &[u8], cookie: Cookie, took: Duration) -> Result<Reading, Refusal> {
    let packet: &[u8; LENGTH] = packet.first_chunk().ok_or(Refusal::Stray)?;
    let (leap, version, mode, stratum) = (packet[0] >> 6, packet[0] >> 3 & 7, packet[0] & 7, packet[1]);
    // The cookie comes before the kiss: a stranger's kiss would silence us (CVE-2015-7704).
    if !matches!(version, 3 | 4) || mode != 4 || packet[24..32] != cookie {
        return Err(Refusal::Stray);
    }
    match (stratum, &packet[12..16]) {
        (0, b"DENY" | b"RSTR") => return Err(Refusal::Denied),
        (0, b"RATE") => return Err(Refusal::Slower),
        _ if leap == 3 => return Err(Refusal::Unsynchronised),
        (1..=15, _) => {}
        (0 | 16.., _) => return Err(Refusal::Unsynchronised),
    }
    if seconds(word(packet, 4)) / 2 + seconds(word(packet, 8)) >= FARTHEST {
        return Err(Refusal::Implausible("is too far from a clock that is right"));
    }
    let [received, sent] = [32, 40].map(|at| u64::from(word(packet, at)) << 32 | u64::from(word(packet, at + 4)));
    if received == 0 || sent == 0 {
        return Err(Refusal::Implausible("does not say the time"));
    }
    // A difference survives the end of an era; one below zero is the upper half of what 64 bits hold.
    let thought = fixed(sent.wrapping_sub(received));
    if thought > THOUGHT {
        return Err(Refusal::Implausible("answered before it was asked, or long after"));
    }
    let delay = took.saturating_sub(thought);
    Ok(Reading { time: since_1970(sent)? + delay / 2, delay })
}

fn word(packet: &[u8; LENGTH], at: usize) -> u32 {
    u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]])
}

/// Reads seconds in 16.16 bits.
fn seconds(short: u32) -> Duration {
    fixed(u64::from(short) << 16)
}

/// Reads seconds in 32.32 bits.
fn fixed(long: u64) -> Duration {
    let nanos = ((long & 0xffff_ffff) * 1_000_000_000) >> 32;
    Duration::from_secs(long >> 32) + Duration::from_nanos(nanos)
}

/// Reads a timestamp, of whichever era.
fn since_1970(stamp: u64) -> Result<Duration, Refusal> {
    // The shift leaves 32 bits.
    let in_era = (stamp >> 32) as i64 - TO_1970_S;
    let unix = if in_era < EARLIEST_S { in_era + (1 << 32) } else { in_era };
    let unix = u32::try_from(unix).map_err(|_| Refusal::Implausible("says a time that cannot be"))?;
    Ok(Duration::from_secs(unix.into()) + fixed(stamp & 0xffff_ffff))
}

/// How an attempt to ask a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a reading.
    Read,
    /// Without.
    Failed,
    /// It asked for fewer requests.
    Slower,
    /// It does not serve us.
    Denied,
}

/// When the server is asked again: every hour, sooner after a failure, ever later after many.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    backoff: Backoff,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { backoff: Backoff::new(Duration::from_secs(5), Self::HOUR) }
    }
}

impl Rhythm {
    const HOUR: Duration = Duration::from_secs(3600);
    /// RFC 5905 wants a server that denies its service never asked again. A camera runs for years, and its server may
    /// be another one by then.
    const DENIED: Duration = Duration::from_secs(86_400);

    /// Returns the pause after an attempt; `random` makes it up to an eighth shorter, so that cameras that were switched
    /// on together do not ask together for ever.
    pub fn pause(&mut self, outcome: Outcome, random: u8) -> Duration {
        let failed = self.backoff.failed(random);
        match outcome {
            Outcome::Read => {
                self.backoff.went_well();
                jitter(Self::HOUR, random)
            }
            Outcome::Failed => failed,
            Outcome::Slower => jitter(Self::HOUR, random),
            Outcome::Denied => jitter(Self::DENIED, random),
        }
    }
}

#[cfg(test)]
mod tests;
