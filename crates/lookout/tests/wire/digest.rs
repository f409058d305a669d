//! Digest login (RFC 7616, PROFILE 1.3), where it is turned on.

use lookout_core::access::digest::{Algorithm, Challenge, Login};
use lookout_testkit::{ADMIN, Client, VIEWER};

use crate::{shared, start};

const CONFIG: &str = "[http]\ndigest = true\n[profile]\nsecrets = \"plain\"\n";

fn challenges(client: &Client, target: &str) -> Vec<String> {
    let reply = client.get(target);
    assert_eq!(reply.status, 401);
    reply.all("WWW-Authenticate").into_iter().map(str::to_owned).collect()
}

fn login(user: &str, password: &str) -> Login {
    Login { user: user.to_owned(), password: password.to_owned() }
}

#[test]
fn digest_is_offered_behind_basic_and_lets_the_right_password_in() {
    let camera = start(CONFIG);
    let client = camera.client();
    let target = "/check_user.cgi?x=%zz&.mjpg";
    let offered = challenges(&client, target);
    assert!(offered[0].starts_with("Basic realm=\"ipcamera_"), "{offered:?}");
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let own = offered.iter().filter(|text| text.contains(&format!("algorithm={}", algorithm.name())));
        let challenge = Challenge::best(own.map(String::as_str)).unwrap();
        assert_eq!(challenge.algorithm, algorithm);
        let answer = |login: &Login, method: &str, uri: &str| challenge.answer(login, method, uri, "c0ffee", 1);
        let get = |header: &str| client.with("Authorization", header).get(target);
        let right = get(&answer(&login(VIEWER.0, VIEWER.1), "GET", target));
        assert_eq!((right.status, right.var("user"), right.var("pwd")), (200, Some("'viewer'"), Some("''")));
        // Two wrong ones an algorithm: fewer than are slowed down.
        assert_eq!(get(&answer(&login(VIEWER.0, "wrong"), "GET", target)).status, 401);
        assert_eq!(get(&answer(&login(VIEWER.0, VIEWER.1), "GET", "/get_params.cgi")).status, 401);
        let head = answer(&login(ADMIN.0, ADMIN.1), "HEAD", "/get_params.cgi");
        assert_eq!(client.with("Authorization", &head).head("/get_params.cgi").status, 200);
    }
    assert_eq!(camera.viewer().get(target).status, 200, "Basic goes on");
}

#[test]
fn a_nonce_of_somebody_else_is_stale_and_asked_for_anew() {
    let (camera, other) = (start(CONFIG), start(CONFIG));
    let offered = challenges(&other.client(), "/check_user.cgi");
    let foreign = Challenge::best(offered.iter().map(String::as_str)).unwrap();
    let header = foreign.answer(&login(VIEWER.0, VIEWER.1), "GET", "/check_user.cgi", "c0ffee", 1);
    let client = camera.client().with("Authorization", &header);
    assert_eq!(challenges(&client, "/check_user.cgi").len(), 3);
}

#[test]
fn digest_is_not_offered_unless_it_is_turned_on() {
    let camera = shared();
    assert_eq!(challenges(&camera.client(), "/check_user.cgi").len(), 1);
    let client = camera.client().with("Authorization", "Digest username=\"viewer\", realm=\"x\", nonce=\"x\"");
    assert_eq!(challenges(&client, "/check_user.cgi").len(), 1);
}
