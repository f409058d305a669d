//! Every camera here is a small server on the loopback address that answers by a script.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use lookout_core::{
    access::digest::{Answer, Gate, Verdict},
    media::frame::{Picture, Size},
    profile::wire::Wire as _,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::source::testing::{jpeg, wanted};

/// What a scripted camera does when it was asked.
struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

#[derive(PartialEq)]
enum Then {
    Close,
    Keep,
    Hang,
}

fn close(bytes: impl Into<Vec<u8>>) -> Reply {
    Reply { bytes: bytes.into(), then: Then::Close }
}

fn picture(jpeg: &[u8]) -> Reply {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
    Reply { bytes: [head.as_bytes(), jpeg].concat(), then: Then::Keep }
}

fn refused(challenges: &[String]) -> Reply {
    let lines: String = challenges.iter().map(|line| format!("WWW-Authenticate: {line}\r\n")).collect();
    close(format!("HTTP/1.1 401 No\r\n{lines}Content-Length: 0\r\nConnection: close\r\n\r\n"))
}

/// A camera's stream; each part's head is given.
fn stream(kind: &str, parts: &[(&str, Bytes)]) -> Vec<u8> {
    let mut all = format!("HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n").into_bytes();
    for (head, jpeg) in parts {
        all.extend([head.as_bytes(), jpeg, b"\r\n"].concat());
    }
    all
}

/// What was asked of a camera: the heads of its requests, each with the number of its connection.
type Asked = Arc<Mutex<Vec<(usize, String)>>>;

/// Starts a camera that answers each request's head by a script.
async fn camera(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (SocketAddr, Asked) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Asked::default();
    let (script, log) = (Arc::new(script), asked.clone());
    tokio::spawn(async move {
        for connection in 0.. {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(converse(socket, connection, script.clone(), log.clone()));
        }
    });
    (address, asked)
}

async fn converse(mut socket: TcpStream, connection: usize, script: Arc<impl Fn(&str) -> Reply>, log: Asked) {
    let mut head = Vec::new();
    while let Ok(byte) = socket.read_u8().await {
        head.push(byte);
        if head.ends_with(b"\r\n\r\n") {
            let text = String::from_utf8(std::mem::take(&mut head)).unwrap();
            let reply = script(&text);
            log.lock().unwrap().push((connection, text));
            let _ = socket.write_all(&reply.bytes).await;
            match reply.then {
                Then::Keep => {}
                Then::Close => return,
                Then::Hang => std::future::pending().await,
            }
        }
    }
}

fn authorization(head: &str) -> Option<&str> {
    head.lines().find_map(|line| line.strip_prefix("authorization: "))
}

async fn why(url: &str) -> String {
    why_not(open(url, wanted(10.0)).await).await
}

async fn why_not(opened: Result<Box<dyn Source>, Lost>) -> String {
    match opened {
        Ok(mut source) => {
            for _ in 0..20 {
                if let Err(Lost(why)) = source.grab().await {
                    return why;
                }
            }
            panic!("it delivers");
        }
        Err(Lost(why)) => why,
    }
}

async fn grab(source: &mut Box<dyn Source>) -> Bytes {
    match source.grab().await.unwrap().picture {
        Picture::Jpeg(jpeg) => jpeg,
        Picture::Raw(_) => panic!("not a JPEG"),
    }
}

#[tokio::test]
async fn a_stream_is_cut_into_its_pictures_with_and_without_lengths() {
    let (one, two) = (jpeg(Size::VGA), jpeg(Size::QVGA));
    let with_length = format!("--b\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", one.len());
    for (kind, head) in [
        ("multipart/x-mixed-replace; boundary=b", &*with_length),
        ("multipart/x-mixed-replace;boundary=--b", "--b\r\nContent-Type: image/jpeg\r\n\r\n"),
        ("multipart/x-mixed-replace", "--another\nContent-type: image/jpeg\n\n"),
        ("application/octet-stream", ""),
    ] {
        // The second picture waits for the first to have been taken: of two at once only the newer would be seen.
        let (taken, wait) = tokio::sync::oneshot::channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/videostream.cgi?user=a&pwd=canary", listener.local_addr().unwrap());
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (first, second) = (stream(kind, &[(head, one.clone())]), [head.as_bytes(), &two].concat());
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            assert!(socket.read(&mut [0; 1000]).await.unwrap() > 0);
            socket.write_all(&first).await.unwrap();
            wait.await.unwrap();
            socket.write_all(&second).await.unwrap();
        });
        let mut source = open(&url, wanted(10.0)).await.unwrap();
        assert_eq!(grab(&mut source).await, one, "{kind}");
        taken.send(()).unwrap();
        assert_eq!(grab(&mut source).await, two, "{kind}");
        assert!(source.grab().await.unwrap_err().0.ends_with(" ended the stream"));
        assert!(source.about().ends_with(", motion JPEG stream") && !source.about().contains("canary"));
    }
}

#[tokio::test]
async fn of_pictures_that_wait_the_newest_is_taken() {
    let sizes = [Size::VGA, Size::QVGA, Size::QQVGA];
    let parts = sizes.map(|size| ("--b\r\n\r\n", jpeg(size)));
    let bytes = stream("multipart/x-mixed-replace;boundary=b", &parts);
    let (address, _) = camera(move |_| Reply { bytes: bytes.clone(), then: Then::Hang }).await;
    let mut source = open(&format!("http://{address}/"), wanted(10.0)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    // On a busy machine it takes longer to read them than one would wait for a picture that has yet to come.
    tokio::time::pause();
    assert_eq!(grab(&mut source).await, jpeg(Size::QQVGA));
}

#[tokio::test]
async fn single_pictures_are_polled_over_one_connection_at_the_wanted_rate() {
    let (address, asked) = camera(|_| picture(&jpeg(Size::VGA))).await;
    let mut source = open(&format!("http://{address}/snapshot.cgi"), wanted(50.0)).await.unwrap();
    let begin = Instant::now();
    for _ in 0..6 {
        assert_eq!(grab(&mut source).await, jpeg(Size::VGA));
    }
    assert!(begin.elapsed() >= Duration::from_millis(100));
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 6);
    assert!(asked.iter().all(|(connection, head)| *connection == 0 && head.starts_with("GET /snapshot.cgi HTTP/1.1")));
}

#[tokio::test]
async fn basic_is_sent_when_it_is_asked_for_and_kept() {
    let (address, asked) = camera(|head| match authorization(head) {
        Some("Basic dXNlcjpwOnc=") => picture(&jpeg(Size::VGA)),
        Some(_) | None => refused(&["Basic realm=\"camera\"".into()]),
    })
    .await;
    let mut source = open(&format!("http://user:p%3Aw@{address}/"), wanted(100.0)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(grab(&mut source).await, jpeg(Size::VGA));
    }
    assert_eq!(asked.lock().unwrap().len(), 4, "one try without, three with");
    let wrong = format!("http://user:canary@{address}/");
    assert_eq!(why(&wrong).await, format!("{address} refuses the login (401)"));
    assert_eq!(why(&format!("http://{address}/")).await, format!("{address} asks for a login (401)"));
}

#[tokio::test]
async fn a_digest_challenge_is_answered_and_the_password_never_sent() {
    let gate = Gate::new("camera", [7; 32]);
    let asked_times = Mutex::new(0);
    let (address, asked) = camera(move |head| {
        // The camera's time passes quickly: every third answer is stale.
        let mut times = asked_times.lock().unwrap();
        *times += 100;
        let verdict = authorization(head).and_then(Answer::parse).map_or(Verdict::Bad, |answer| {
            let target = head.split(' ').nth(1).unwrap();
            gate.verify(&answer, if answer.user() == "user" { "pass word" } else { "" }, "GET", target, *times)
        });
        match verdict {
            Verdict::Good => picture(&jpeg(Size::VGA)),
            Verdict::Stale | Verdict::Bad => {
                let mut offers = vec!["Basic realm=\"camera\"".to_owned()];
                offers.extend(gate.challenges(*times, verdict == Verdict::Stale));
                refused(&offers)
            }
        }
    })
    .await;
    let mut source = open(&format!("http://user:pass%20word@{address}/a.cgi?x=1"), wanted(100.0)).await.unwrap();
    for _ in 0..8 {
        assert_eq!(grab(&mut source).await, jpeg(Size::VGA));
    }
    let all: String = asked.lock().unwrap().iter().map(|(_, head)| head.clone()).collect();
    assert!(all.contains("SHA-256") && !all.contains("Basic") && !all.contains("pass"));
    assert_eq!(why(&format!("http://user:wrong@{address}/")).await, format!("{address} refuses the login (401)"));
}

#[tokio::test]
async fn redirects_are_followed_on_the_same_host_only() {
    let (address, asked) = camera(|head| match head.split(' ').nth(1).unwrap() {
        "/old" => close("HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n"),
        "/away" => close("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:9/\r\nContent-Length: 0\r\n\r\n"),
        "/round" => close("HTTP/1.1 302 Found\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n"),
        _ => picture(&jpeg(Size::VGA)),
    })
    .await;
    let mut source = open(&format!("http://{address}/old"), wanted(100.0)).await.unwrap();
    assert_eq!(grab(&mut source).await, jpeg(Size::VGA));
    assert_eq!(grab(&mut source).await, jpeg(Size::VGA));
    assert_eq!(asked.lock().unwrap().len(), 3, "the way is learned once");
    assert_eq!(why(&format!("http://{address}/away")).await, format!("{address} sends us elsewhere (302)"));
    assert_eq!(why(&format!("http://{address}/round")).await, format!("{address} sends us elsewhere (302)"));
}

#[tokio::test]
async fn what_goes_wrong_is_said_in_plain_words_without_the_password() {
    let (address, _) = camera(|head| match head.split(' ').nth(1).unwrap().split('?').next().unwrap() {
        "/missing" => close("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        "/page" => close("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"),
        "/cut" => close("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 999\r\n\r\nhi"),
        "/huge" => close("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n".to_owned() + &"x".repeat(17 << 20)),
        "/garbage" => close(stream("multipart/x-mixed-replace", &[("x", vec![b'x'; 1 << 20].into())])),
        _ => close("nonsense\r\n\r\n"),
    })
    .await;
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let said = async |path: &str| why(&format!("http://user:canary@{address}/{path}?pwd=canary")).await;
    assert_eq!(said("missing").await, format!("{address} answered 404"));
    assert_eq!(said("page").await, format!("{address} sent a text, not pictures"));
    assert_eq!(said("huge").await, format!("{address} sent more than 16 MiB for a picture"));
    assert_eq!(said("garbage").await, format!("{address} ended the stream"));
    for path in ["cut", "nonsense"] {
        let said = said(path).await;
        assert!(said.starts_with(&address.to_string()) && !said.contains("canary"), "{said}");
    }
    assert_eq!(why(&format!("http://{unused}/")).await, format!("{unused} refused the connection"));
    let nowhere = why("http://user:canary@no-such-host.invalid/?pwd=canary").await;
    assert_eq!(nowhere, "no address is known for no-such-host.invalid:80");
    assert!(!why("http://user:canary@/").await.contains("canary"));
}

/// Makes the settings of another camera; its password is `canary`.
fn device(host: &str, port: u16) -> Device {
    let mut device = Device::default();
    device.host.take(host).unwrap();
    device.port.take(&port.to_string()).unwrap();
    device.user.take("me").unwrap();
    device.pwd.take("canary").unwrap();
    device
}

async fn why_device(address: SocketAddr) -> String {
    let device = device(&address.ip().to_string(), address.port());
    why_not(open_device(&device, "device 2".into(), wanted(10.0)).await).await
}

#[test]
fn port_0_is_80_and_an_address_of_ipv6_gets_its_brackets() {
    for (host, port, url) in [
        ("cam", 0, Some("http://cam/videostream.cgi")),
        ("192.168.0.9", 81, Some("http://192.168.0.9:81/videostream.cgi")),
        ("fe80::1", 8080, Some("http://[fe80::1]:8080/videostream.cgi")),
        ("192.168.0.9:81", 80, None),
        ("::", 0, Some("http://[::]/videostream.cgi")),
        (":", 0, None),
    ] {
        assert_eq!(device_url(&device(host, port)).as_ref().map(Url::as_str), url, "{host}");
    }
}

#[tokio::test]
async fn a_device_leads_to_its_own_host_and_port_and_its_login_nowhere_else() {
    let (other, asked_there) = camera(|_| picture(&jpeg(Size::VGA))).await;
    let (address, asked) = camera(move |head| match (head.split(' ').nth(1), authorization(head)) {
        (Some("/videostream.cgi"), None) => refused(&["Basic realm=\"camera\"".into()]),
        (Some("/videostream.cgi"), Some(_)) => {
            close(format!("HTTP/1.1 302 Found\r\nLocation: http://{other}/\r\nContent-Length: 0\r\n\r\n"))
        }
        _ => panic!("{head}"),
    })
    .await;
    assert_eq!(why_device(address).await, "device 2 sends us elsewhere (302)");
    assert!(asked_there.lock().unwrap().is_empty());
    assert_eq!(authorization(&asked.lock().unwrap()[1].1), Some("Basic bWU6Y2FuYXJ5"));
    let (near, _) = camera(|head| match head.split(' ').nth(1) {
        Some("/videostream.cgi") => close("HTTP/1.1 302 Found\r\nLocation: /live\r\nContent-Length: 0\r\n\r\n"),
        _ => picture(&jpeg(Size::VGA)),
    })
    .await;
    assert!(open_device(&device("127.0.0.1", near.port()), "device 2".into(), wanted(10.0)).await.is_ok());
}

#[tokio::test]
async fn of_a_device_nothing_is_said_but_its_number() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (page, _) =
        camera(|_| close("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi")).await;
    let (login, _) = camera(|_| refused(&["Basic realm=\"camera\"".into()])).await;
    let (nonsense, _) = camera(|_| close("nonsense\r\n\r\n")).await;
    assert_eq!(why_device(unused).await, "device 2 refused the connection");
    assert_eq!(why_device(page).await, "device 2 sent a text, not pictures");
    assert_eq!(why_device(login).await, "device 2 refuses the login (401)");
    let breaks_off = why_device(nonsense).await;
    assert!(breaks_off.starts_with("device 2 breaks off: ") && !breaks_off.contains("127.0.0.1"), "{breaks_off}");
    let endless = "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n".to_owned() + &"x".repeat(5 << 20);
    let (huge, _) = camera(move |_| close(endless.clone())).await;
    assert_eq!(why_device(huge).await, "device 2 sent more than 4 MiB for a picture");
    let unknown = device("no-such-host.invalid", 0);
    let Err(Lost(why)) = open_device(&unknown, "device 2".into(), wanted(10.0)).await else { panic!("it is there") };
    assert_eq!(why, "no address is known for device 2");
}
