//! `lookout status`: whether the camera of this machine runs, where it is reached, and its first login.

use std::{io, net::SocketAddr, path::Path, time::Duration};

use lookout_core::host::door;
use reqwest::{Client, redirect::Policy};

use super::{
    Failed, failed,
    first_minute::{reachable, say},
};
use crate::{config::Config, setup, sockets, store, upgrade};

/// How long the camera may take to say that it is well.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of its answer is read, bytes.
const LONGEST: usize = 4096;

/// Prints it.
///
/// # Errors
/// No camera runs here that is well.
pub fn status(config: &Config) -> Result<(), Failed> {
    let state = config.state_dir();
    let runs = store::said(&state).map_err(|error| failed(unseen(&state, &error)))?;
    let settings = store::glance(&state);
    let mut addresses = config.listen.clone();
    let port = settings.as_ref().and_then(|settings| door::choose(sockets::configured(config), &settings.network));
    if let (Some(first), Some(port)) = (addresses.first_mut(), port) {
        first.set_port(port);
    }
    // The base is what this program is; what runs may be another version.
    let version = runs.as_ref().and_then(|said| said.parse().ok()).unwrap_or(upgrade::OWN);
    let well = if runs.is_some() { health(&addresses) } else { Err("it does not run".to_owned()) };
    let (Ok(words) | Err(words)) = &well;
    say(format_args!("Lookout {version}: {words}"));
    for line in upgrade::installed(&state) {
        say(format_args!("  installed  {line}"));
    }
    say(format_args!("  state      {}", state.display()));
    for (list, scheme) in [(&addresses, "http"), (&config.tls_listen, "https")] {
        list.iter()
            .flat_map(|address| reachable(*address, scheme))
            .for_each(|url| say(format_args!("  web        {url}/")));
    }
    let logins = settings.map_or_else(Vec::new, |settings| setup::remembered(&settings));
    for (name, secret) in &logins {
        say(format_args!("  login      {name}  {}", secret.expose()));
    }
    if logins.is_empty() {
        say(format_args!(
            "  login      known to whoever set it; `lookout passwd USER`, as the service's user, sets another"
        ));
    }
    well.map(|_| ()).map_err(failed)
}

/// Words why a state folder cannot be looked at.
fn unseen(state: &Path, error: &io::Error) -> String {
    let state = state.display();
    if error.kind() == io::ErrorKind::NotFound {
        format!("no camera was ever started with the state folder {state}")
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        format!("{state} belongs to somebody else: ask as root, or as that user")
    } else {
        format!("{state}: {error}")
    }
}

/// Asks the camera; where it speaks no plain HTTP, or on a port that nobody knows beforehand, that it runs must be enough.
fn health(addresses: &[SocketAddr]) -> Result<String, String> {
    let Some(address) = addresses.first().filter(|address| address.port() != 0) else {
        return Ok("it runs; there is no port in clear at which it could be asked how it is".to_owned());
    };
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    let url = format!("http://{}/healthz", SocketAddr::new(ip, address.port()));
    let ask = async {
        crate::tls::install_provider();
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(PATIENCE).build()?;
        let mut answer = client.get(&url).send().await?;
        let (well, mut page) = (answer.status().is_success(), Vec::new());
        while let Some(piece) = answer.chunk().await?.filter(|_| page.len() < LONGEST) {
            page.extend_from_slice(&piece);
        }
        Ok::<_, reqwest::Error>((well, String::from_utf8_lossy(&page).into_owned()))
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    match runtime.block_on(ask) {
        Ok((true, _)) => Ok("it runs and is well".to_owned()),
        Ok((false, page)) => Err(format!("it runs and is not well: {}", words(&page))),
        Err(_) => Err(format!("it runs and does not answer at {url}")),
    }
}

/// Takes the sentence out of a small page.
fn words(page: &str) -> String {
    let body = page.split_once("<body>").map_or(page, |(_, body)| body);
    let text = body.split(['<', '>']).step_by(2).collect::<String>();
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_of_a_page_is_told_without_its_tags() {
        let page = "<html><head><title>503 Service Unavailable</title></head><body><h1>x</h1>\nThe loop stands still.</body></html>";
        assert_eq!(words(page), "x The loop stands still.");
        assert_eq!(words("ok\n"), "ok");
    }

    #[test]
    fn whoever_may_not_look_is_told_what_to_do() {
        let told = |kind| unseen(Path::new("/s"), &io::Error::from(kind));
        assert!(told(io::ErrorKind::PermissionDenied).contains("as root"));
        assert!(
            told(io::ErrorKind::NotFound).contains("never started")
                || told(io::ErrorKind::NotFound).contains("ever started")
        );
    }
}
