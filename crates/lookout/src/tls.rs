//! HTTPS: one certificate, the operator's or the camera's own, taken up anew when its files change.
//!
//! The bargain: a certificate that works stays until one that works replaces it. A broken new file is told once and
//! changes nothing, and running connections keep what they began with. Sessions are resumed by sealed tickets that the
//! clients keep, so that a connection that has ended costs no memory here; one that is open holds at most 64 KiB of
//! what its peer has not taken (rustls' own limit).

mod own;
mod pin;

use std::{
    fs, io,
    io::Read,
    net::IpAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

pub use self::pin::pinned;

use crate::config;

/// How often the files are looked at.
const POLL: Duration = Duration::from_secs(3);

/// No certificate file is longer; bounds memory.
const LONGEST: u64 = 1024 * 1024;

/// Why there is no HTTPS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {what} in PEM form", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Certificate or private key.
        what: &'static str,
    },
    /// Certificate and key do not work together, or are of an unknown kind.
    #[error("the certificate in {} does not work with the key in {}: {cause}", cert.display(), key.display())]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls says.
        cause: rustls::Error,
    },
    /// The camera's own certificate cannot be kept.
    #[error("the camera's certificate cannot be stored in {}: {cause}", folder.display())]
    Store {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The camera's own certificate cannot be made.
    #[error("the camera's certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    /// The cryptography does not start.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// Under which names and addresses clients reach the camera: what its own certificate says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The machine's host name.
    pub host: String,
    /// Its mDNS names without `.local`: its own, and the one that it takes where another machine has that.
    pub mdns: [String; 2],
    /// Its addresses; loopback need not be among them.
    pub addresses: Vec<IpAddr>,
}

/// The server's side of TLS.
#[derive(Clone)]
pub struct Tls {
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

/// Makes ring the cryptography of every TLS connection of this process. May be called any number of times.
pub fn install_provider() {
    // An `Err` means that one is installed already.
    let _ = ring::default_provider().install_default();
}

impl Tls {
    /// Opens the operator's certificate, or the camera's own in `state`; that one is made when it is not there.
    ///
    /// Blocks on files. Errors: the operator's files are not usable; the own certificate cannot be stored or read.
    pub fn open(given: &config::Tls, state: &Path, names: &Names, now: SystemTime) -> Result<Self, TlsError> {
        install_provider();
        let provider = Arc::new(ring::default_provider());
        let files = match (&given.cert, &given.key) {
            (Some(cert), Some(key)) => Files { cert: cert.clone(), key: key.clone() },
            // One without the other does not pass `Config::check`.
            (None, _) | (_, None) => own::files(state, names, now, &provider)?,
        };
        let current = Arc::new(Current::load(files, Arc::clone(&provider))?);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.ticketer = ring::Ticketer::new()?;
        config.send_tls13_tickets = 1;
        Ok(Self { current, config: Arc::new(config) })
    }

    /// Returns what makes a TLS connection of an accepted one. The handshake has no deadline of its own.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Returns the SHA-256 of the certificate that is in use, as browsers show it: `AB:CD:…`.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.current.certificate())
    }

    /// Takes up changed files for as long as it is polled; to be spawned.
    pub async fn keep_current(&self) -> ! {
        loop {
            tokio::time::sleep(POLL).await;
            let current = Arc::clone(&self.current);
            match tokio::task::spawn_blocking(move || current.refresh()).await {
                Ok(None) => {}
                Ok(Some(Ok(()))) => tracing::info!(fingerprint = self.fingerprint(), "a new certificate is in use"),
                Ok(Some(Err(error))) => tracing::warn!(%error, "the new certificate is not used, the old one stays"),
                Err(error) => tracing::error!(%error, "the certificate could not be looked at"),
            }
        }
    }
}

/// Where certificate and key lie.
#[derive(Clone, Debug)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

/// What tells one version of a file from another: device, inode, length and time of change.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

impl Files {
    fn load(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let missing = |path: &Path, what| TlsError::Missing { path: path.to_owned(), what };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(&self.cert)?)
            .collect::<Result<_, _>>()
            .map_err(|_| missing(&self.cert, "certificate"))?;
        if chain.is_empty() {
            return Err(missing(&self.cert, "certificate"));
        }
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?).map_err(|_| missing(&self.key, "private key"))?;
        CertifiedKey::from_der(chain, key, provider).map_err(|cause| TlsError::Mismatch {
            cert: self.cert.clone(),
            key: self.key.clone(),
            cause,
        })
    }

    fn stamps(&self) -> [Stamp; 2] {
        [&self.cert, &self.key].map(|path| {
            let file = fs::metadata(path).ok()?;
            Some((file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|cause| TlsError::Unreadable { path: path.to_owned(), cause })
}

/// The certificate in use and the files from which it came.
struct Current {
    files: Files,
    provider: Arc<CryptoProvider>,
    certificate: RwLock<Arc<CertifiedKey>>,
    seen: Mutex<Seen>,
}

/// Versions of the two files.
struct Seen {
    /// When last looked at.
    last: [Stamp; 2],
    /// When last loaded, with or without success.
    loaded: [Stamp; 2],
}

impl Current {
    fn load(files: Files, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        // Looked at before they are read: a change in between is found by the first refresh.
        let stamps = files.stamps();
        let certificate = RwLock::new(Arc::new(files.load(&provider)?));
        Ok(Self { files, provider, certificate, seen: Mutex::new(Seen { last: stamps, loaded: stamps }) })
    }

    fn certificate(&self) -> Arc<CertifiedKey> {
        // A poisoned lock still holds a whole certificate: only an `Arc` is ever put in.
        Arc::clone(&self.certificate.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads files that have changed; `None` when there is nothing to do.
    ///
    /// Two files are replaced in two steps, so a change counts once both have rested since the last look.
    fn refresh(&self) -> Option<Result<(), TlsError>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.files.stamps();
        let rested = std::mem::replace(&mut seen.last, now) == now;
        if !rested || seen.loaded == now {
            return None;
        }
        seen.loaded = now;
        Some(self.files.load(&self.provider).map(|certificate| {
            *self.certificate.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificate);
        }))
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certificate())
    }
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Current").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Returns the SHA-256 of the certificate that a camera with this configuration and state folder shows, if it can be read
/// here.
pub fn known(given: &config::Tls, state: &Path) -> Option<String> {
    let cert = given.cert.clone().unwrap_or_else(|| own::cert(state));
    let cert = CertificateDer::pem_slice_iter(&read(&cert).ok()?).next()?.ok()?;
    Some(hex(&Sha256::digest(cert)))
}

fn fingerprint(certificate: &CertifiedKey) -> String {
    hex(&certificate.cert.first().map(Sha256::digest).unwrap_or_default())
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests;
