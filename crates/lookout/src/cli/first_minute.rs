//! What somebody sees who starts the camera for the first time.

use std::net::{IpAddr, SocketAddr};

use lookout::{Locator, Running, config::Config, setup};

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
        println!("{line}");
        return;
    }
    println!("Lookout {}: {}", env!("CARGO_PKG_VERSION"), running.source);
    if running.chosen && matches!(running.source, Locator::Demo(_)) {
        println!("  no camera was found, so this is the demo scene; `--source` names another source");
    }
    let http = running.http.iter().flat_map(|address| reachable(*address, "http"));
    let https = running.https.iter().flat_map(|address| reachable(*address, "https"));
    let addresses: Vec<_> = http.chain(https).collect();
    addresses.iter().for_each(|address| println!("  web        {address}/"));
    if let Some(fingerprint) = &running.fingerprint {
        println!("  certificate SHA-256 {fingerprint}");
    }
    for (name, secret) in &running.made {
        println!("  login      {name}  {}", secret.expose());
    }
    if running.made.is_empty() {
        println!("  login      as before; `lookout passwd USER` sets another password");
    } else {
        println!("             shown this once; `lookout passwd USER` sets another password");
    }
    if let Some(base) = addresses.first() {
        let login = match password("viewer") {
            Some(password) => format!("user=viewer&pwd={password}"),
            None => "user=viewer&pwd=PASSWORD".into(),
        };
        println!("Paste into a recorder:");
        println!("  stream     {base}/videostream.cgi?{login}");
        println!("  snapshot   {base}/snapshot.cgi?{login}");
    }
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
    println!("configuration  valid");
    let locator = config.source.url.clone().unwrap_or_else(Locator::first);
    println!("source         {locator}");
    println!("state          {}", config.state_dir().display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let found = runtime.block_on(lookout::probe(&locator, config)).map_err(failed)?;
    println!("found          {}", found.about);
    println!("first picture  {}, {} bytes, after {} ms", found.size, found.bytes, found.after.as_millis());
    found.devices.iter().for_each(|line| println!("{line}"));
    Ok(())
}
