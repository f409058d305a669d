use std::net::Ipv4Addr;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{RootCertStore, ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;

const S: Duration = Duration::from_secs(1);

/// Makes a line and its other end, between which 16 bytes fit.
fn line() -> (Line, DuplexStream) {
    let (io, far) = duplex(16);
    (Line::new(Box::new(io), (Ipv4Addr::LOCALHOST, 1).into()), far)
}

#[tokio::test(start_paused = true)]
async fn a_line_fails_when_nothing_has_come_for_long_however_long_it_was_left_alone() {
    let (mut line, mut far) = line();
    sleep(2 * IDLE).await;
    far.write_all(b"a").await.unwrap();
    assert_eq!(line.read_u8().await.unwrap(), b'a');
    sleep(2 * IDLE).await;
    let begin = Instant::now();
    assert_eq!(line.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert!(begin.elapsed() >= IDLE);
}

#[tokio::test(start_paused = true)]
async fn a_line_fails_when_nothing_has_gone_for_long() {
    let (mut line, mut far) = line();
    assert_eq!(line.write_all(&[0; 100]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    tokio::spawn(async move { while far.read_u8().await.is_ok() {} });
    line.write_all(&[0; 100]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_drips_is_cut_off_by_the_whole_deadline_alone() {
    let (mut line, mut far) = line();
    tokio::spawn(async move {
        while far.write_all(b"a").await.is_ok() {
            sleep(S).await;
        }
    });
    let mut read = 0;
    let all = async {
        while line.read_u8().await.is_ok() {
            read += 1;
        }
    };
    assert!(timeout(WHOLE, all).await.is_err());
    assert!(read > 20, "{read}");
}

#[tokio::test]
async fn an_address_that_refuses_is_followed_by_the_next() {
    let here = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let closed = TcpListener::bind(here(0)).await.unwrap().local_addr().unwrap();
    let open = TcpListener::bind(here(0)).await.unwrap();
    assert!(reach(&[closed, closed]).await.is_err());
    assert_eq!(reach(&[]).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    let stream = reach(&[closed, open.local_addr().unwrap()]).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), open.local_addr().unwrap());
}

/// Serves TLS once with a certificate for `cam.test` and 127.0.0.1; returns its address, and a trust in it alone.
async fn secured() -> (SocketAddr, Arc<ClientConfig>) {
    crate::tls::install_provider();
    let names = ["cam.test", "127.0.0.1"].map(str::to_owned);
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.write_all(b"hello").await;
                let _ = stream.shutdown().await;
            }
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    (address, Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

#[tokio::test]
async fn a_server_proves_its_name_or_its_address() {
    let (address, trust) = secured().await;
    let line = || async { Line::over(connect("127.0.0.1", address.port()).await.unwrap()).unwrap() };
    for host in ["cam.test", "127.0.0.1"] {
        let mut text = String::new();
        let mut secured = line().await.secure(host, trust.clone()).await.unwrap();
        secured.read_to_string(&mut text).await.unwrap();
        assert_eq!((text.as_str(), secured.peer), ("hello", address));
    }
    for host in ["other.test", "127.0.0.2", "", "a b"] {
        assert!(line().await.secure(host, trust.clone()).await.is_err(), "{host:?}");
    }
    let stranger = secured().await.1;
    assert!(line().await.secure("cam.test", stranger).await.is_err(), "nobody trusted vouches for it");
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_from_who_does() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"220 ready\r\n").await;
        }
    });
    let trust = secured().await.1;
    assert!(Line::over(connect("127.0.0.1", port).await.unwrap()).unwrap().secure("cam.test", trust).await.is_err());
}
