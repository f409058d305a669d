//! What somebody sees who starts the camera for the first time.

use std::{
    fmt::Display,
    io::{self, Write as _},
    net::{IpAddr, SocketAddr},
};

use lookout::{Locator, Running, config::Config, setup};

use super::{Failed, failed};

/// Prints the camera found, the web address, the login, and lines to paste into a recorder.
pub fn print(running: &Running, json: bool) {
    let text = if json { as_json(running) } else { as_text(running) };
    // Whoever started the camera may not listen any more: that is no reason to be none.
    if io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()).is_err() {
        tracing::warn!("nobody reads the standard output; `lookout passwd USER` sets a password that was not seen");
    }
}

fn password<'a>(running: &'a Running, name: &str) -> Option<&'a str> {
    running.made.iter().find(|made| made.0 == name).map(|made| made.1.expose())
}

fn as_json(running: &Running) -> String {
    let text = |addresses: &[SocketAddr]| addresses.first().map(ToString::to_string);
    let line = serde_json::json!({
        "source": running.source.to_string(),
        "http": text(&running.http),
        "https": text(&running.https),
        "fingerprint": running.fingerprint,
        "admin": password(running, "admin"),
        "viewer": password(running, "viewer"),
    });
    format!("{line}\n")
}

fn as_text(running: &Running) -> String {
    let mut out = String::new();
    let mut say = |line: &str| out.extend([line, "\n"]);
    say(&format!("Lookout {}: {}", env!("CARGO_PKG_VERSION"), running.source));
    if running.chosen && matches!(running.source, Locator::Demo(_)) {
        say("  no camera was found, so this is the demo scene; `--source` names another source");
    }
    let http = running.http.iter().flat_map(|address| reachable(*address, "http"));
    let https = running.https.iter().flat_map(|address| reachable(*address, "https"));
    let addresses: Vec<_> = http.chain(https).collect();
    addresses.iter().for_each(|address| say(&format!("  web        {address}/")));
    if let Some(fingerprint) = &running.fingerprint {
        say(&format!("  certificate SHA-256 {fingerprint}"));
    }
    for (name, secret) in &running.made {
        say(&format!("  login      {name}  {}", secret.expose()));
    }
    if running.made.is_empty() {
        say("  login      as before; `lookout passwd USER` sets another password");
    } else {
        say("             shown this once; `lookout passwd USER` sets another password");
    }
    if let Some(base) = addresses.first() {
        let login = match password(running, "viewer") {
            Some(password) => format!("user=viewer&pwd={password}"),
            None => "user=viewer&pwd=PASSWORD".into(),
        };
        say("Paste into a recorder:");
        say(&format!("  stream     {base}/videostream.cgi?{login}"));
        say(&format!("  snapshot   {base}/snapshot.cgi?{login}"));
    }
    out
}

/// Returns the addresses to type for a socket: one that listens everywhere is reached by the machine's own addresses.
fn reachable(address: SocketAddr, scheme: &str) -> Vec<String> {
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
    let say = |name: &str, what: &dyn Display| writeln!(io::stdout(), "{name:14} {what}").map_err(failed);
    say("configuration", &"valid")?;
    let locator = config.source.url.clone().unwrap_or_else(Locator::first);
    say("source", &locator)?;
    say("state", &config.state_dir().display())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)?;
    let found = runtime.block_on(lookout::probe(&locator, config)).map_err(failed)?;
    say("found", &found.about)?;
    let picture = format!("{}, {} bytes, after {} ms", found.size, found.bytes, found.after.as_millis());
    say("first picture", &picture)?;
    found.devices.iter().try_for_each(|line| writeln!(io::stdout(), "{line}").map_err(failed))
}
