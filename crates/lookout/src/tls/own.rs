//! The camera's own certificate: made at the first start and kept, because people pin its fingerprint.

use std::{
    fs,
    fs::DirBuilder,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::crypto::CryptoProvider;

use super::{Files, Names, TlsError};
use crate::files;

const DAY: Duration = Duration::from_secs(86_400);

/// Valid for ten years: nobody renews it, and whoever pinned it must not lose it.
const VALID: Duration = Duration::from_secs(10 * 365 * 86_400);

const FOLDER: &str = "tls";

/// Returns where the certificate lies, made or not.
pub(super) fn cert(state: &Path) -> PathBuf {
    state.join(FOLDER).join("cert.pem")
}

/// Returns where the certificate lies, and makes it when it is not there or damaged.
///
/// A damaged one is kept aside as `*.bad`. One that may not be read is an error: it belongs to somebody.
pub(super) fn files(
    state: &Path,
    names: &Names,
    now: SystemTime,
    provider: &CryptoProvider,
) -> Result<Files, TlsError> {
    let folder = state.join(FOLDER);
    let files = Files { cert: cert(state), key: folder.join("key.pem") };
    match files.load(provider) {
        Ok(_) => return Ok(files),
        Err(TlsError::Unreadable { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(error @ (TlsError::Missing { .. } | TlsError::Mismatch { .. })) => {
            tracing::warn!(%error, "the camera's certificate is damaged: it is kept as *.bad and made anew");
            for path in [&files.cert, &files.key] {
                let aside = fs::rename(path, path.with_extension("pem.bad"));
                aside.map_err(|cause| TlsError::Store { folder: folder.clone(), cause })?;
            }
        }
        Err(
            error @ (TlsError::Unreadable { .. } | TlsError::Store { .. } | TlsError::Make(_) | TlsError::Setup(_)),
        ) => return Err(error),
    }
    let (cert, key) = make(names, now)?;
    // The key first: a start that is cut off between the two leaves no certificate, and the next start makes both.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .and_then(|()| store(&folder, "key.pem", key.as_bytes()))
        .and_then(|()| store(&folder, "cert.pem", cert.as_bytes()))
        .map_err(|cause| TlsError::Store { folder, cause })?;
    Ok(files)
}

/// Makes a certificate and its key, both PEM.
fn make(names: &Names, now: SystemTime) -> Result<(String, String), TlsError> {
    let mut all = vec!["localhost".to_owned(), names.host.clone()];
    all.extend(names.mdns.iter().map(|name| format!("{name}.local")));
    all.retain(|name| is_dns_name(name));
    all.dedup();
    let mut params = CertificateParams::new(all)?;
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    addresses.extend(names.addresses.iter().filter(|address| !address.is_loopback()));
    params.subject_alt_names.extend(addresses.into_iter().map(SanType::IpAddress));
    params.distinguished_name.push(DnType::CommonName, "Lookout camera");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let begin = begin(now);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + begin;
    params.not_after = epoch + begin + VALID;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// Returns when the certificate begins, since 1970: a day ago, for clients whose clock is behind. A board without a clock
/// starts in 1970 or anywhere; outside 2025-2106 the beginning of 2025 is taken, so that it is valid once the clock is set.
fn begin(now: SystemTime) -> Duration {
    const YEAR_2025: Duration = Duration::from_secs(1_735_689_600);
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let sane = now > YEAR_2025 + DAY && now.as_secs() < u64::from(u32::MAX);
    if sane { now - DAY } else { YEAR_2025 }
}

fn is_dns_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// Writes a file that only we may read, whole or not at all, also when the power fails.
fn store(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    // Left over from a start that was cut off; made anew so that its mode is ours.
    files::clear(folder, name)?;
    files::put(folder, name, &[bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_cannot_be_right_does_not_make_a_certificate_of_another_age() {
        let day = |days: u64| Duration::from_secs(days * 86_400);
        assert_eq!(begin(UNIX_EPOCH + day(20_500)), day(20_499));
        for wrong in [0, 10, 20_089, 49_800, 1_000_000] {
            assert_eq!(begin(UNIX_EPOCH + day(wrong)), day(20_089), "day {wrong}");
        }
        assert_eq!(begin(UNIX_EPOCH - day(1)), day(20_089));
    }

    #[test]
    fn only_names_that_dns_knows_go_into_a_certificate() {
        for good in ["localhost", "a.b-c.local", "4"] {
            assert!(is_dns_name(good), "{good}");
        }
        for bad in ["", ".local", "a b", "ä", "a..b", &"a".repeat(64), "a_b"] {
            assert!(!is_dns_name(bad), "{bad}");
        }
    }
}
