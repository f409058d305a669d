//! Who asks a camera over HTTPS: knows it by the fingerprint of its certificate.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::Verifier;
use sha2::{Digest, Sha256};

/// Believes one certificate, and those of authorities if there are some.
#[derive(Debug)]
struct Pinned {
    /// Its SHA-256 in hexadecimal, without colons, in upper case.
    fingerprint: Option<String>,
    /// Where the machine has none, why.
    authorities: Option<Result<Verifier, Error>>,
    provider: Arc<CryptoProvider>,
}

/// Returns how a client of a camera checks who that is: by the certificate with this SHA-256, in hexadecimal with or
/// without colons; and, with `others`, as well by the authorities that this machine trusts.
///
/// # Errors
/// TLS cannot be set up.
pub fn pinned(fingerprint: Option<&str>, others: bool) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let authorities = others.then(|| Verifier::new(provider.clone()));
    let fingerprint = fingerprint.map(|text| text.replace(':', "").to_ascii_uppercase());
    let pinned = Pinned { fingerprint, authorities, provider: provider.clone() };
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(pinned)).with_no_client_auth())
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = super::hex(&Sha256::digest(end_entity)).replace(':', "");
        if self.fingerprint.as_ref().is_some_and(|fingerprint| *fingerprint == shown) {
            return Ok(ServerCertVerified::assertion());
        }
        let unknown = || Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure);
        let authorities = self.authorities.as_ref().ok_or_else(unknown)?.as_ref().map_err(Error::clone)?;
        authorities.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
