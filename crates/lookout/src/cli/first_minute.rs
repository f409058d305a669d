//! What somebody sees who starts the camera for the first time.

use std::{
    fmt,
    io::{self, Write as _},
    net::{IpAddr, SocketAddr},
};

use crate::{Locator, Running, Sounded, config::Config, setup};

use super::{Failed, failed};

/// Prints the camera found, the web address, the login, and lines to paste into a recorder.
pub fn print(running: &Running, json: bool) {
    let password = |name: &str| running.made.iter().find(|made| made.0 == name).map(|made| made.1.expose());
    if json {
        let text = |addresses: &[SocketAddr]| addresses.first().map(ToString::to_string);
        let line = serde_json::json!({
            "source": running.source.to_string(),
            "http": text(&running.http),
            "https": text(&running.https),
            "fingerprint": running.fingerprint,
            "admin": password("admin"),
            "viewer": password("viewer"),
        });
        say(format_args!("{line}"));
        return;
    }
    say(format_args!("Lookout {}: {}", env!("CARGO_PKG_VERSION"), running.source));
    if running.chosen && matches!(running.source, Locator::Demo(_)) {
        say(format_args!("  no camera was found, so this is the demo scene; `--source` names another source"));
    }
    let http = running.http.iter().flat_map(|address| reachable(*address, "http"));
    let https = running.https.iter().flat_map(|address| reachable(*address, "https"));
    let addresses: Vec<_> = http.chain(https).collect();
    addresses.iter().for_each(|address| say(format_args!("  web        {address}/")));
    if let Some(fingerprint) = &running.fingerprint {
        say(format_args!("  certificate SHA-256 {fingerprint}"));
    }
    let kept = setup::remember(&running.made);
    for (name, secret) in running.made.iter().filter(|_| kept.is_none()) {
        say(format_args!("  login      {name}  {}", secret.expose()));
    }
    match (running.made.is_empty(), kept) {
        (true, _) => say(format_args!("  login      as before; `lookout passwd USER` sets another password")),
        (false, Some(true)) => {
            say(format_args!("  login      `lookout status` shows it to root until the machine starts anew"))
        }
        (false, Some(false)) => say(format_args!("  login      could not be kept; `lookout passwd USER` sets one")),
        (false, None) => say(format_args!("             shown this once; `lookout passwd USER` sets another password")),
    }
    if let Some(base) = addresses.first() {
        let login = match password("viewer").filter(|_| kept.is_none()) {
            Some(password) => format!("user=viewer&pwd={password}"),
            None => "user=viewer&pwd=PASSWORD".into(),
        };
        say(format_args!("Paste into a recorder:"));
        say(format_args!("  stream     {base}/videostream.cgi?{login}"));
        say(format_args!("  snapshot   {base}/snapshot.cgi?{login}"));
    }
}

/// Returns the addresses to type for a socket: one that listens everywhere is reached by the machine's own addresses.
pub fn reachable(address: SocketAddr, scheme: &str) -> Vec<String> {
    let url = |ip: IpAddr| format!("{scheme}://{}", SocketAddr::new(ip, address.port()));
    if !address.ip().is_unspecified() {
        return vec![url(address.ip())];
    }
    let mut own: Vec<_> = setup::addresses().into_iter().filter(|ip| address.is_ipv6() || ip.is_ipv4()).collect();
    if own.is_empty() {
        own.push(IpAddr::from([127, 0, 0, 1]));
    }
    own.into_iter().map(url).collect()
}

/// Probes what the configuration names and prints what was found.
pub fn check(config: &Config) -> Result<(), Failed> {
    say(format_args!("configuration  valid"));
    let locator = config.source.url.clone().unwrap_or_else(Locator::first);
    say(format_args!("source         {locator}"));
    say(format_args!("microphone     {}", config.sound.microphone));
    say(format_args!("state          {}", config.state_dir().display()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)?;
    let found = runtime.block_on(crate::probe(&locator, config)).map_err(failed)?;
    say(format_args!("found          {}", found.about));
    say(format_args!("first picture  {}, {} bytes, after {} ms", found.size, found.bytes, found.after.as_millis()));
    found.devices.iter().for_each(|line| say(format_args!("{line}")));
    let heard = found.sound.map(|sound| say(format_args!("sound          {}", in_words(&sound))));
    if !found.microphones.is_empty() {
        say(format_args!("sound devices for --microphone alsa:NAME"));
        found.microphones.iter().for_each(|line| say(format_args!("  {line}")));
    }
    let mut usable = Ok(());
    for (name, line) in found.head.map(|head| ("head", head)).into_iter().chain(found.lines) {
        match line {
            Ok(about) => say(format_args!("{name:<14} {about}")),
            Err(why) => usable = usable.and(Err(failed(format!("{name}: {why}")))),
        }
    }
    if !found.chips.is_empty() {
        say(format_args!("GPIO chips for [gpio], whose lines gpioinfo lists"));
        found.chips.iter().for_each(|line| say(format_args!("  {line}")));
    }
    if !found.leds.is_empty() {
        say(format_args!("LEDs for [gpio]"));
        found.leds.iter().for_each(|line| say(format_args!("  {line}")));
    }
    heard.map_err(failed).and(usable)
}

fn in_words(sound: &Sounded) -> String {
    match sound {
        Sounded::NotWanted => "none is wanted".into(),
        Sounded::SourceHasNone => "the source has none".into(),
        Sounded::Chunk { about, rms_dbfs, peak_dbfs, after } => {
            format!("{about}: {rms_dbfs:.1} dBFS, peak {peak_dbfs:.1} dBFS, after {} ms", after.as_millis())
        }
    }
}

/// Prints a line. Whoever has closed the other end, such as `head`, has seen enough; that is no failure.
pub fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}
