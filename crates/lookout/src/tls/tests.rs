use std::os::unix::fs::PermissionsExt;

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::*;

fn now() -> SystemTime {
    SystemTime::now()
}

fn names() -> Names {
    let mdns = ["attic", "lookout-00606e8c02a1"].map(str::to_owned);
    Names { host: "attic.example".into(), mdns, addresses: vec!["192.0.2.7".parse().unwrap()] }
}

fn open(state: &Path) -> Result<Tls, TlsError> {
    Tls::open(&config::Tls::default(), state, &names(), now())
}

/// Makes a certificate with its key in a folder of its own and tells the configuration of it.
fn given(folder: &Path) -> config::Tls {
    open(folder).unwrap();
    config::Tls { cert: Some(folder.join("tls/cert.pem")), key: Some(folder.join("tls/key.pem")) }
}

/// Speaks to the server as `name` would be checked by a client that trusts `folder`'s certificate.
async fn greet(
    tls: &Tls,
    folder: &Path,
    name: &str,
    version: &'static rustls::SupportedProtocolVersion,
) -> io::Result<Vec<u8>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("tls/cert.pem")).unwrap()).unwrap();
    let mut client =
        ClientConfig::builder_with_protocol_versions(&[version]).with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (near, far) = tokio::io::duplex(16 * 1024);
    let acceptor = tls.acceptor();
    let server = async move {
        let mut stream = acceptor.accept(far).await?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        stream.write_all(b"hello").await?;
        stream.shutdown().await
    };
    let client = async move {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut stream = TlsConnector::from(Arc::new(client)).connect(name, near).await?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await?;
        Ok(text)
    };
    tokio::join!(server, client).1
}

#[tokio::test]
async fn the_own_certificate_is_good_for_every_name_of_the_camera_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let tls = open(folder.path()).unwrap();
    let spare = "lookout-00606e8c02a1.local";
    for name in ["localhost", "attic.example", "attic.local", spare, "192.0.2.7", "127.0.0.1", "::1"] {
        for version in [&version::TLS12, &version::TLS13] {
            assert_eq!(greet(&tls, folder.path(), name, version).await.expect(name), b"hello");
        }
    }
    for name in ["other.example", "192.0.2.8"] {
        assert!(greet(&tls, folder.path(), name, &version::TLS13).await.is_err(), "{name}");
    }
}

#[test]
fn the_own_certificate_is_made_once_and_its_key_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap().fingerprint();
    assert_eq!(open(folder.path()).unwrap().fingerprint(), first);
    assert_eq!((first.len(), first.split(':').count()), (95, 32), "{first}");
    let mode = |name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode("tls"), mode("tls/key.pem"), mode("tls/cert.pem")], [0o700, 0o600, 0o600]);
    assert_eq!(fs::read_dir(folder.path().join("tls")).unwrap().count(), 2, "no temporary file stays");
}

#[test]
fn a_start_that_was_cut_off_is_made_good_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap();
    fs::rename(folder.path().join("tls/cert.pem"), folder.path().join("tls/cert.pem.new")).unwrap();
    open(folder.path()).unwrap();
    assert_eq!(fs::read_dir(folder.path().join("tls")).unwrap().count(), 2);
}

#[test]
fn a_damaged_own_certificate_is_kept_aside_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap().fingerprint();
    fs::write(folder.path().join("tls/cert.pem"), "garbage").unwrap();
    assert_ne!(open(folder.path()).unwrap().fingerprint(), first);
    assert_eq!(fs::read(folder.path().join("tls/cert.pem.bad")).unwrap(), b"garbage");
}

#[test]
fn files_that_are_no_certificate_are_refused_by_name() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (good, other) = (given(one.path()), given(two.path()));
    let garbage = one.path().join("garbage.pem");
    fs::write(&garbage, "-----BEGIN NOTHING-----\n").unwrap();
    for (cert, key, words) in [
        (Some(one.path().join("none.pem")), good.key.clone(), "none.pem cannot be read: "),
        (Some(garbage.clone()), good.key.clone(), "garbage.pem holds no certificate in PEM form"),
        (good.cert.clone(), Some(garbage), "garbage.pem holds no private key in PEM form"),
        (good.cert, other.key, "does not work with the key in "),
    ] {
        let Err(error) = Tls::open(&config::Tls { cert, key }, one.path(), &names(), now()) else { panic!("{words}") };
        let error = error.to_string();
        assert!(error.contains(words) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_state_folder_that_cannot_be_written_is_one_clear_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let Err(error) = open(&file) else { panic!("stored in a file") };
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[test]
fn a_new_certificate_is_taken_up_once_it_rests_and_a_broken_one_never() {
    let (used, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = given(used.path());
    let next = open(new.path()).unwrap().fingerprint();
    let tls = Tls::open(&config, used.path(), &names(), now()).unwrap();
    let first = tls.fingerprint();
    let replace = |name: &str| {
        let staged = used.path().join("staged");
        fs::copy(new.path().join(name), &staged).unwrap();
        fs::rename(staged, used.path().join(name)).unwrap();
    };
    assert!(tls.current.refresh().is_none());

    replace("tls/cert.pem");
    assert!(tls.current.refresh().is_none(), "the key may follow");
    assert!(tls.current.refresh().is_some_and(|loaded| loaded.is_err()), "the key did not follow");
    assert!(tls.current.refresh().is_none(), "told once");
    assert_eq!(tls.fingerprint(), first);

    replace("tls/key.pem");
    assert!(tls.current.refresh().is_none());
    assert!(tls.current.refresh().is_some_and(|loaded| loaded.is_ok()));
    assert!(tls.current.refresh().is_none());
    assert_eq!(tls.fingerprint(), next);

    fs::remove_file(used.path().join("tls/cert.pem")).unwrap();
    assert!(tls.current.refresh().is_none());
    assert!(tls.current.refresh().is_some_and(|loaded| loaded.is_err()));
    assert_eq!(tls.fingerprint(), next);
}

#[tokio::test]
async fn a_running_server_shows_the_new_certificate_to_the_next_client() {
    let (used, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tls = Tls::open(&given(used.path()), used.path(), &names(), now()).unwrap();
    given(new.path());
    for name in ["tls/cert.pem", "tls/key.pem"] {
        fs::rename(new.path().join(name), used.path().join(name)).unwrap();
    }
    tokio::time::pause();
    let watched = tls.clone();
    let task = tokio::spawn(async move {
        watched.keep_current().await;
    });
    let first = tls.fingerprint();
    while tls.fingerprint() == first {
        tokio::time::sleep(POLL).await;
    }
    assert!(greet(&tls, used.path(), "localhost", &version::TLS13).await.is_ok());
    task.abort();
}
