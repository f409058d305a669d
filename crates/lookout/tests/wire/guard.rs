//! Pages of other sites cannot move or change the camera through their reader's browser (PROFILE 1.3).

use lookout_testkit::{ADMIN, Client, OPERATOR, VIEWER, encode};

use crate::start;

const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// Gives a client headers.
fn wearing(client: &Client, headers: &[(&str, &str)]) -> Client {
    headers.iter().fold(client.clone(), |client, (name, value)| client.with(name, value))
}

/// What Chrome sends when somebody follows a link or types an address, on plain HTTP to a LAN address.
fn chrome(client: &Client) -> Client {
    wearing(
        client,
        &[
            ("Connection", "keep-alive"),
            ("Upgrade-Insecure-Requests", "1"),
            ("User-Agent", CHROME),
            ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
            ("Accept-Encoding", "gzip, deflate"),
            ("Accept-Language", "en-US,en;q=0.9"),
        ],
    )
}

/// The same of Firefox.
fn firefox(client: &Client) -> Client {
    wearing(
        client,
        &[
            ("User-Agent", FIREFOX),
            ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            ("Accept-Language", "en-US,en;q=0.5"),
            ("Accept-Encoding", "gzip, deflate"),
            ("Connection", "keep-alive"),
            ("Upgrade-Insecure-Requests", "1"),
            ("Priority", "u=0, i"),
        ],
    )
}

const CHANGE: &str = "/set_alias.cgi?alias=changed";
const MOVE: &str = "/camera_control.cgi?param=1&value=77";
const READ: &str = "/get_params.cgi";

#[test]
fn a_visitors_password_in_the_query_proves_nothing_about_the_managers_browser() {
    let camera = start("");
    let visitor = encode([("user", VIEWER.0), ("pwd", VIEWER.1)]);
    for browser in [chrome(&camera.admin()), firefox(&camera.admin())] {
        let page = browser.get(&format!("{CHANGE}&{visitor}"));
        assert!(page.text().starts_with("error: confirm.\n"), "{}", page.text());
    }
    let manager = encode([("user", ADMIN.0), ("pwd", ADMIN.1)]);
    for header in [camera.admin(), camera.viewer()] {
        chrome(&header).get(&format!("{CHANGE}&{manager}")).ok();
    }
}

#[test]
fn a_change_without_a_word_on_its_origin_is_confirmed_by_the_reader_of_a_browser() {
    let camera = start("");
    let alias = || camera.client().get("/get_status.cgi").var("alias").unwrap().to_owned();
    for browser in [chrome(&camera.admin()), firefox(&camera.admin())] {
        let page = browser.get(CHANGE);
        assert_eq!((page.status, page.header("Content-Type")), (403, Some("text/html")));
        assert!(page.text().starts_with("error: confirm.\n"), "{}", page.text());
        assert_eq!(page.header("X-Frame-Options"), Some("DENY"));
        assert!(page.header("Content-Security-Policy").unwrap().contains("frame-ancestors 'none'"));
        assert!(page.text().contains("changed"), "it shows what would change");
        assert_eq!(alias(), "'ipcamera'");
        // Neither looking nor moving needs a confirmation.
        assert_eq!(browser.get(READ).status, 200);
        browser.get(MOVE).ok();
    }
    // An old client, a recorder and curl never see the page.
    for agent in ["curl/8.5.0", "Opera/9.80", "mozilla/5.0", ""] {
        camera.admin().with("User-Agent", agent).get(CHANGE).ok();
    }
    camera.admin().with("Accept-Language", "en").get(CHANGE).ok();
    camera.admin().with("User-Agent", CHROME).get(CHANGE).ok();
    assert_eq!(alias(), "'changed'");
}

#[test]
fn q65_an_order_that_keeps_a_preset_or_switches_something_is_a_change_and_one_that_moves_the_head_is_none() {
    let ask = |client: &Client, order: &str| client.get(&format!("/decoder_control.cgi?command={order}"));
    let changes = |head: &str, changes: &[&str], moves: &[&str]| {
        let camera = start(head);
        let browser = chrome(&camera.operator());
        for order in changes {
            let page = ask(&browser, order);
            assert_eq!(page.status, 403, "{order}");
            assert!(page.text().starts_with("error: confirm.\n"), "{}", page.text());
            assert_eq!(browser.get(&pressed(page.text())).status, 200, "{order}: its button does it");
            // An old client never sees the page; of another site nobody gets as far.
            assert_eq!(ask(&camera.operator(), order).status, 200, "{order}");
            assert_eq!(ask(&browser.with("Origin", "http://evil.example"), order).status, 403, "{order}");
        }
        for order in moves {
            assert_eq!(ask(&browser, order).status, 200, "{order}");
            assert_eq!(ask(&browser.with("Origin", "http://evil.example"), order).status, 403, "{order}");
        }
    };
    changes("", &["30", "88&onestep=0", "030", "94", "95"], &["0", "0&onestep=1", "1", "31", "26", "92", "255", "x"]);
    changes("[ptz]\nhead = \"none\"\n", &["94", "95"], &["0", "30"]);
}

/// Reads the request that the button of a confirm page makes.
fn pressed(page: &str) -> String {
    let attribute = |text: &str, name: &str| {
        let text = text.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
        let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
        Some(plain.replace("&amp;", "&"))
    };
    let path = attribute(page, "action").unwrap();
    let inputs: Vec<_> = page.split("<input ").skip(1).collect();
    let pairs: Vec<_> =
        inputs.iter().map(|input| ["name", "value"].map(|name| attribute(input, name).unwrap())).collect();
    format!("{path}?{}", encode(pairs.iter().map(|[name, value]| (name.as_str(), value.as_str()))))
}

#[test]
fn the_button_of_the_confirm_page_does_that_one_thing_once_for_that_one_user() {
    let camera = start("");
    let browser = chrome(&camera.admin());
    let alias = "a'b\"<&c>";
    let page = browser.get(&format!("/SET_ALIAS.cgi?&{}&.x", encode([("alias", alias)])));
    assert!(!page.text().contains("<&c>"), "{}", page.text());
    let target = pressed(page.text());
    assert!(target.contains("_confirm="), "{target}");
    let refused = |client: &Client, target: &str| assert_eq!(client.get(target).status, 403, "{target}");
    let last = target.chars().last().unwrap();
    let altered = format!("{}{}", &target[..target.len() - 1], if last == '0' { '1' } else { '0' });
    refused(&browser, &altered);
    refused(&browser, &target.replace("alias=a", "alias=b"));
    refused(&browser, &format!("{target}&more=1"));
    refused(&browser, &target.replace("set_alias", "set_upnp"));
    // A page of another site that got hold of a token is still another site.
    refused(&browser.with("Origin", "http://evil.example"), &target);
    browser.get(&target).ok();
    assert_eq!(camera.client().get("/get_status.cgi").var("alias"), Some("'a\\'b\"\\x3c&c>'"));
    refused(&browser, &target);
}

#[test]
fn a_token_is_good_for_its_user_alone() {
    let camera = start("");
    let accounts = [(ADMIN.0, "********", "2"), ("second", "long enough", "2")];
    camera.admin().get(&format!("/set_users.cgi?{}", lookout_testkit::users(&accounts))).ok();
    let target = pressed(chrome(&camera.admin()).get(CHANGE).text());
    assert_eq!(chrome(&camera.client().basic(("second", "long enough"))).get(&target).status, 403);
    chrome(&camera.admin()).get(&target).ok();
}

#[test]
fn another_site_is_refused_what_it_shows_of_itself() {
    let camera = start("");
    let own = format!("http://{}", camera.http);
    let other_port = format!("http://127.0.0.1:{}/", camera.http.port().wrapping_add(1));
    for headers in [
        &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")][..],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "cross-site"), ("X-Requested-With", "XMLHttpRequest")],
        &[("Origin", "http://evil.example")],
        &[("Origin", "null")],
        &[("Referer", "http://evil.example/page.htm")],
        &[("Referer", &other_port)],
        &[("Origin", &own), ("Referer", "http://evil.example/")],
        &[("Referer", "https://evil.example/?http://127.0.0.1/")],
    ] {
        let page = wearing(&chrome(&camera.admin()), headers);
        for target in [CHANGE, MOVE] {
            let reply = page.get(target);
            assert_eq!(reply.status, 403, "{headers:?} {target}");
            assert!(!reply.text().contains("_confirm"), "{headers:?}: no button for another site");
        }
        assert_eq!(page.get(READ).status, 200, "{headers:?}");
    }
    assert_eq!(camera.admin().get("/get_camera_params.cgi").var("brightness"), Some("128"));
}

#[test]
fn the_cameras_own_pages_change_it_without_a_question() {
    let camera = start("");
    let own = format!("http://{}", camera.http);
    let referer = format!("{own}/index.htm");
    for headers in [
        &[("Referer", referer.as_str())][..],
        &[("Origin", &own)],
        &[("Sec-Fetch-Site", "same-origin")],
        &[("Sec-Fetch-Site", "none"), ("Sec-Fetch-User", "?1")],
        &[("X-Requested-With", "XMLHttpRequest")],
    ] {
        wearing(&chrome(&camera.admin()), headers).get(CHANGE).ok();
        wearing(&chrome(&camera.operator()), headers).get(MOVE).ok();
    }
}

#[test]
fn whoever_knows_the_password_in_the_query_is_no_foreign_page() {
    let camera = start("");
    let login = encode([("user", ADMIN.0), ("pwd", ADMIN.1)]);
    chrome(&camera.client()).get(&format!("{CHANGE}&{login}")).ok();
    chrome(&camera.admin()).get(&format!("{CHANGE}&{login}")).ok();
    // A wrong one proves nothing.
    assert_eq!(chrome(&camera.admin()).get(&format!("{CHANGE}&user=undefined&pwd=undefined")).status, 403);
    // Evidence of another site stands above it.
    let foreign = chrome(&camera.client()).with("Origin", "http://evil.example");
    assert_eq!(foreign.get(&format!("{CHANGE}&{login}")).status, 403);
}

#[test]
fn an_allowed_origin_may_do_what_the_camera_may() {
    let camera = start("[http]\nallow_origins = [\"http://home.example\"]\n");
    let page = chrome(&camera.admin()).with("Sec-Fetch-Site", "cross-site");
    page.with("Origin", "http://home.example").get(CHANGE).ok();
    assert_eq!(page.with("Origin", "http://other.example").get(CHANGE).status, 403);
}

#[test]
fn strict_demands_proof_of_everybody_and_off_of_nobody() {
    let strict = start("[http]\ncsrf = \"strict\"\n");
    let login = encode([("user", ADMIN.0), ("pwd", ADMIN.1)]);
    for target in [CHANGE, MOVE] {
        assert_eq!(strict.admin().get(target).status, 403, "{target}");
        strict.client().get(&format!("{target}&{login}")).ok();
        strict.admin().with("X-Requested-With", "XMLHttpRequest").get(target).ok();
    }
    assert_eq!(strict.admin().get(READ).status, 200);
    let off = start("[http]\ncsrf = \"off\"\n");
    chrome(&off.admin()).with("Origin", "http://evil.example").get(CHANGE).ok();
    chrome(&off.client().basic(OPERATOR)).with("Sec-Fetch-Site", "cross-site").get(MOVE).ok();
}
