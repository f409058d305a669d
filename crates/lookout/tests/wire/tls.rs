//! HTTPS with the camera's own certificate.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use lookout_testkit::{Camera, Reply, Setup, Viewer};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest as _, Sha256};

use crate::LOOKOUT;

/// Accepts whatever certificate there is, and keeps it.
#[derive(Debug, Default)]
pub struct Any(Mutex<Vec<u8>>);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap() = end_entity.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, &known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, &known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Sends a request over TLS; returns the connection.
pub fn send(camera: &Camera, request: &str, any: &Arc<Any>) -> StreamOwned<ClientConnection, TcpStream> {
    send_on(camera, TcpStream::connect(camera.https.unwrap()).unwrap(), request, any)
}

/// Sends a request over TLS on a connection.
pub fn send_on(
    camera: &Camera,
    socket: TcpStream,
    request: &str,
    any: &Arc<Any>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(any.clone())
        .with_no_client_auth();
    let address = camera.https.unwrap();
    let client = ClientConnection::new(config.into(), ServerName::from(address.ip())).unwrap();
    let mut stream = StreamOwned::new(client, socket);
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// Makes a request over TLS; returns the answer and the certificate.
fn get(camera: &Camera, request: &str) -> (Reply, Vec<u8>) {
    let any = Arc::new(Any::default());
    let mut stream = send(camera, request, &any);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an end that is said, so that nobody can cut the answer");
    let certificate = any.0.lock().unwrap().clone();
    (Reply::parse(&bytes), certificate)
}

#[test]
fn https_answers_with_the_certificate_whose_fingerprint_was_printed() {
    let setup = Setup { binary: LOOKOUT, config: "", source: "demo:?size=160x120&fps=5", tls: true };
    let mut camera = Camera::setup(&setup);
    let request = camera.admin().request("GET", "/get_params.cgi");
    let (reply, certificate) = get(&camera, &request);
    assert_eq!(reply.status, 200);
    let digest: Vec<_> = Sha256::digest(&certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(camera.said["fingerprint"], digest.join(":"));
    let snapshot = get(&camera, &camera.viewer().request("GET", "/snapshot.cgi")).0;
    assert_eq!(snapshot.header("Content-Length"), Some(snapshot.body.len().to_string().as_str()));
    // Origin's scheme counts: the same host by HTTP is another site.
    let change = |scheme: &str| {
        let origin = format!("{scheme}://{}", camera.http);
        get(&camera, &camera.admin().with("Origin", &origin).request("GET", "/set_alias.cgi?alias=x")).0.status
    };
    assert_eq!([change("http"), change("https")], [403, 200]);
    camera.restart();
    assert_eq!(get(&camera, &request).1, certificate, "the certificate is kept");
}

#[test]
fn a_stream_over_https_is_the_same_to_the_byte() {
    let setup = Setup { binary: LOOKOUT, config: "", source: "demo:?size=640x480&fps=10", tls: true };
    let camera = Camera::setup(&setup);
    let request = camera.viewer().request("GET", "/videostream.cgi");
    let stream = send(&camera, &request, &Arc::default());
    let mut viewer = Viewer::over(stream);
    let numbers: Vec<_> = (0..5).map(|_| viewer.number()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
}
