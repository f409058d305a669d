//! Which broker, and how it is spoken to: MQTT 3.1.1, in clear or over TLS.

use std::{fmt, io, path::Path, str::FromStr, sync::Arc, time::Duration};

use lookout_core::profile::wire::Secret;
use rumqttc::{LastWill, MqttOptions, QoS, TlsConfiguration, Transport};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use socket2::SockRef;

use crate::{config, peer};

/// After how long without a word the broker is asked whether it is there; it sends the last will half as much later.
const KEEP_ALIVE_S: u16 = 30;
/// The largest message that is taken, in bytes with its topic. Commands have three.
pub const LARGEST_IN: usize = 1024;
/// The largest picture that is sent, in bytes.
pub const LARGEST_PICTURE: usize = 2 << 20;

/// The address of a broker.
#[derive(Clone, PartialEq, Eq)]
pub struct Broker {
    tls: bool,
    host: String,
    port: u16,
}

/// A text that names no broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {}", Broker::WANTED)]
pub struct BadBroker;

impl Broker {
    /// What is wanted, for error messages.
    pub const WANTED: &str = "a broker such as \"mqtt://192.168.1.2:1883\" or \"mqtts://home.example\", without a user";

    /// Returns its name or address.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl FromStr for Broker {
    type Err = BadBroker;

    fn from_str(text: &str) -> Result<Self, BadBroker> {
        let (tls, rest) = match text.split_once("://").ok_or(BadBroker)? {
            ("mqtt", rest) => (false, rest),
            ("mqtts", rest) => (true, rest),
            _ => return Err(BadBroker),
        };
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or(BadBroker)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| BadBroker)?;
                (host, port)
            }
            None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().ok().filter(|port| *port != 0).ok_or(BadBroker)?,
            None if port.is_empty() => {
                if tls {
                    8883
                } else {
                    1883
                }
            }
            None => return Err(BadBroker),
        };
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
        let named = !host.is_empty() && host.len() <= 253 && host.bytes().all(legal);
        named.then(|| Self { tls, host: host.to_owned(), port }).ok_or(BadBroker)
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tls, host, port } = self;
        let scheme = if *tls { "mqtts" } else { "mqtt" };
        if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A broker, and who logs in there.
#[derive(Clone)]
pub struct Account {
    broker: Broker,
    login: Option<(String, Secret)>,
    trust: Trust,
}

/// Whose certificates are believed.
#[derive(Clone)]
enum Trust {
    /// It is spoken to in clear.
    Clear,
    /// Those of the authority in the configuration.
    Own(Arc<ClientConfig>),
    /// Those that this machine trusts.
    Machine,
}

impl Account {
    /// Reads what the configuration names: the broker's authority and the password.
    ///
    /// # Errors
    /// A file cannot be read, or holds nothing of the kind; one sentence.
    pub fn new(broker: &Broker, config: &config::Mqtt) -> Result<Self, String> {
        let password = match &config.password_file {
            Some(path) => Some(password(path)?),
            None => config.password.clone(),
        };
        let login = config.user.clone().map(|user| (user, password.unwrap_or_default()));
        let trust = match (broker.tls, &config.ca) {
            (false, _) => Trust::Clear,
            (true, Some(path)) => Trust::Own(own(path)?),
            (true, None) => Trust::Machine,
        };
        Ok(Self { broker: broker.clone(), login, trust })
    }

    /// Returns the broker's address.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Returns how to connect, as a client of this name, with this last will.
    ///
    /// # Errors
    /// What this machine trusts cannot be read.
    pub async fn options(&self, client: &str, will: String) -> io::Result<MqttOptions> {
        let Broker { host, port, .. } = self.broker.clone();
        let mut options = MqttOptions::new(client, (host.clone(), port));
        options.set_keep_alive(KEEP_ALIVE_S).set_clean_session(true);
        options.set_max_packet_size(LARGEST_IN, LARGEST_PICTURE + LARGEST_IN);
        options.set_last_will(LastWill::new(will, "offline", QoS::AtLeastOnce, true));
        if let Some((user, password)) = &self.login {
            options.set_credentials(user.as_str(), password.expose().as_bytes().to_vec());
        }
        let trust = match &self.trust {
            Trust::Clear => None,
            Trust::Own(trust) => Some(trust.clone()),
            Trust::Machine => Some(peer::trust().await?),
        };
        if let Some(trust) = trust {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(trust)));
        }
        options.set_socket_connector(move |_, _| {
            let host = host.clone();
            async move {
                let socket = peer::connect(&host, port).await?;
                // Whatever of a picture the broker has not taken when this is closed, is thrown away: it may have been
                // closed because nobody may see it any more.
                SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
                Ok(socket)
            }
        });
        Ok(options)
    }
}

/// Reads a password from a file: its first line.
fn password(path: &Path) -> Result<Secret, String> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable("mqtt.password_file", path, &error))?;
    let line = text.lines().next().filter(|line| !line.is_empty() && line.len() <= 1024);
    line.map(Secret::new).ok_or_else(|| format!("mqtt.password_file: {} holds no password", path.display()))
}

/// Reads the authority of the configuration.
fn own(path: &Path) -> Result<Arc<ClientConfig>, String> {
    let pem = std::fs::read(path).map_err(|error| unreadable("mqtt.ca", path, &error))?;
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
    if added == 0 {
        return Err(format!("mqtt.ca: {} holds no certificate", path.display()));
    }
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

fn unreadable(key: &str, path: &Path, error: &io::Error) -> String {
    format!("{key}: {} cannot be read: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_scheme_a_host_and_perhaps_a_port() {
        for (text, shown) in [
            ("mqtt://broker", "mqtt://broker:1883"),
            ("mqtts://broker.home.example", "mqtts://broker.home.example:8883"),
            ("mqtt://192.0.2.1:1234", "mqtt://192.0.2.1:1234"),
            ("mqtts://[2001:db8::1]:1234", "mqtts://[2001:db8::1]:1234"),
            ("mqtt://[::1]", "mqtt://[::1]:1883"),
        ] {
            assert_eq!(text.parse::<Broker>().map(|broker| broker.to_string()), Ok(shown.to_owned()));
        }
        for bad in [
            "broker",
            "http://broker",
            "mqtt://",
            "mqtt://:1883",
            "mqtt://b:0",
            "mqtt://b:65536",
            "mqtt://b:",
            "mqtt://b:x",
            "mqtt://user:secret@broker",
            "mqtt://b/topic",
            "mqtt://[::1",
            "mqtt://[::1]x",
            "mqtt://[b]",
            "mqtt://b c",
        ] {
            assert_eq!(bad.parse::<Broker>(), Err(BadBroker), "{bad}");
        }
    }

    #[test]
    fn a_password_file_is_its_first_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        std::fs::write(&path, "a secret\n").unwrap();
        assert_eq!(password(&path).unwrap().expose(), "a secret");
        std::fs::write(&path, "\n").unwrap();
        let empty = password(&path).unwrap_err();
        assert!(empty.contains("holds no password"), "{empty}");
        assert!(password(&dir.path().join("none")).unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn an_authority_without_a_certificate_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        std::fs::write(&path, "nothing").unwrap();
        assert!(own(&path).unwrap_err().contains("holds no certificate"));
    }
}
