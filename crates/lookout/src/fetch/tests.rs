use std::net::SocketAddr;

use lookout_testkit::{Rogue, RoguePeer};

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";

fn secret() -> Secret {
    Secret::new("s3cret-pwd")
}

async fn ask(url: &str, proxy: Option<&str>) -> Result<Heard, Failure> {
    crate::tls::install_provider();
    let pwd = secret();
    get(&Wish { url, login: Some(("us:er", &pwd)), proxy, v4: true }).await
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/nic/update?hostname=cam.example.org")
}

#[tokio::test]
async fn an_answer_of_more_than_four_kilobytes_is_not_read_to_its_end_and_says_nothing() {
    let server = RoguePeer::start(&["", OK], Rogue::Endless);
    let heard = ask(&url(server.address()), None).await.unwrap();
    assert_eq!((heard.status, heard.body.len()), (200, 0));
    assert!(server.said() < 16 << 20, "what the kernels took, and nothing more");
    for (length, read) in [(LONGEST, LONGEST), (LONGEST + 1, 0)] {
        let body = "x".repeat(length);
        let server = RoguePeer::start(&["", &format!("{OK}{body}")], Rogue::Close);
        assert_eq!(ask(&url(server.address()), None).await.unwrap().body.len(), read);
    }
    let short = RoguePeer::start(&["", "HTTP/1.0 500 No\r\n\r\n911"], Rogue::Close);
    assert_eq!(ask(&url(short.address()), None).await, Ok(Heard { status: 500, body: b"911".to_vec() }));
    assert_eq!(short.heard(), ["GET /nic/update?hostname=cam.example.org HTTP/1.1"]);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_leads_nobody_anywhere() {
    let other = RoguePeer::start(&["", OK], Rogue::Close);
    for scheme in ["http", "https"] {
        let away =
            format!("HTTP/1.1 302 Found\r\nLocation: {scheme}://{}/\r\nContent-Length: 0\r\n\r\n", other.address());
        let server = RoguePeer::start(&["", &away], Rogue::Close);
        assert_eq!(ask(&url(server.address()), None).await.unwrap().status, 302);
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn whoever_hangs_raves_or_hangs_up_is_left_in_time_and_the_words_hold_no_secret() {
    let call = async |script: &[&str], then| {
        let server = RoguePeer::start(script, then);
        ask(&url(server.address()), None).await
    };
    let failed = tokio::join!(
        call(&[], Rogue::Hang),
        call(&["", ""], Rogue::Close),
        call(&["", ""], Rogue::Reset),
        call(&[], Rogue::Garbage),
        call(&[], Rogue::Endless),
        call(&["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ngood"], Rogue::Hang),
        call(&["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ngood"], Rogue::Close),
        // Nobody listens on the port of `discard`.
        ask("http://127.0.0.1:9/nic/update?hostname=cam.example.org", None),
    );
    let failed = [failed.0, failed.1, failed.2, failed.3, failed.4, failed.5, failed.6, failed.7];
    for (at, failed) in failed.into_iter().enumerate() {
        let failed = failed.unwrap_err();
        assert_eq!(matches!(failed, Failure::Unsent(_)), at == 7, "{at}: {failed:?}");
        let words = failed.to_string();
        assert!(!words.contains("s3cret") && !words.contains("us:er") && !words.contains("cam.example"), "{words}");
    }
}

#[tokio::test]
async fn through_a_proxy_goes_the_whole_address_or_a_tunnel_and_no_name_is_looked_up_here() {
    let proxy = RoguePeer::start(&["", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"], Rogue::Close);
    let through = format!("http://{}", proxy.address());
    let heard = ask("http://ddns.invalid/nic/update?hostname=a", Some(&through)).await.unwrap();
    assert_eq!(heard.body, b"good");
    assert_eq!(proxy.heard(), ["GET http://ddns.invalid/nic/update?hostname=a HTTP/1.1"]);
    let proxy = RoguePeer::start(&["", "HTTP/1.1 403 No\r\n\r\n"], Rogue::Close);
    let through = format!("http://{}", proxy.address());
    let refused = ask("https://ddns.invalid/nic/update?hostname=a", Some(&through)).await;
    assert!(matches!(refused, Err(Failure::Unsent(_))), "{refused:?}");
    assert_eq!(proxy.heard(), ["CONNECT ddns.invalid:443 HTTP/1.1"]);
    let proxy = RoguePeer::start(&["", "HTTP/1.1 407 Login\r\nContent-Length: 4\r\n\r\ngood"], Rogue::Close);
    let through = format!("http://{}", proxy.address());
    let refused = ask("http://ddns.invalid/", Some(&through)).await;
    assert!(matches!(refused, Err(Failure::Unsent(_))), "that is the proxy's word, not the service's: {refused:?}");
}

#[tokio::test]
async fn where_no_connection_was_made_nobody_has_got_the_request() {
    // Nobody speaks TLS there.
    let [plain, hangs] = [Rogue::Garbage, Rogue::Hang].map(|then| RoguePeer::start(&[], then));
    for url in [
        format!("https://{}/nic/update", plain.address()),
        format!("https://{}/nic/update", hangs.address()),
        "http://ddns.invalid/nic/update".to_owned(),
        "no address".to_owned(),
    ] {
        let failed = ask(&url, None).await;
        assert!(matches!(failed, Err(Failure::Unsent(_))), "{url}: {failed:?}");
    }
}

#[tokio::test]
async fn a_machine_without_ca_certificates_asks_in_clear_and_says_why_it_does_not_over_tls() {
    crate::tls::install_provider();
    let none = async || Err(io::Error::other("no CA certificates"));
    let ask = async |url: &str, proxy: Option<&str>| within(&Wish { url, login: None, proxy, v4: true }, none).await;
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";
    let server = RoguePeer::start(&["", answer], Rogue::Close);
    assert_eq!(ask(&url(server.address()), None).await.unwrap().body, b"good");
    let proxy = RoguePeer::start(&["", answer], Rogue::Close);
    let through = format!("http://{}", proxy.address());
    assert_eq!(ask("http://ddns.invalid/", Some(&through)).await.unwrap().body, b"good");
    let server = RoguePeer::start(&["", answer], Rogue::Close);
    let secured = url(server.address()).replace("http:", "HTTPS:");
    assert_eq!(ask(&secured, None).await, Err(Failure::Unsent("no CA certificates".into())));
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_others_have_worded_moves_no_cursor() {
    assert_eq!(clean("a\x1b[2J\nb\u{85}"), "a_[2J_b_");
    assert_eq!(clean(&"x".repeat(1000)).len(), 160);
}
