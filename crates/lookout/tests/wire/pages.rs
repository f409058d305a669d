//! Web packs: another web UI is installed whole or not at all, shown, and taken back (PROFILE 5.11, RULES R2.1, R9.3, R9.4).

use std::{fs, io::Read as _};

use lookout_testkit::{Camera, Lie, Reply, Zip, eventually, vendor_pack};

use crate::start;

const ON: &str = "[web]\npacks = true\n";
const UPGRADE: &str = "/upgrade_htmls.cgi";
const BAD: &str = "error: bad package.";
const HELLO: &[u8] = b"<html>hello</html>";

fn upload(camera: &Camera, pack: &[u8]) -> Reply {
    camera.admin().post(UPGRADE, pack)
}

fn app_ver(camera: &Camera) -> String {
    camera.client().get("/get_status.cgi").var("app_ver").unwrap().to_owned()
}

/// A zip with a start page.
fn page() -> Zip {
    Zip::default().file("index.htm", HELLO)
}

/// Returns how many files lie in the folder of the packs.
fn kept(camera: &Camera) -> usize {
    fs::read_dir(camera.state().join("web")).map_or(0, Iterator::count)
}

#[test]
fn a_pack_of_the_vendor_and_a_zip_are_shown_and_the_built_in_pages_come_back() {
    let mut camera = start(ON);
    let (client, built_in) = (camera.client(), camera.client().get("/"));
    let own = app_ver(&camera);
    let pack = [("/index.htm", Some(HELLO)), ("/img", None), ("/img/A.gif", Some(b"GIF")), ("/empty.js", Some(b""))];
    upload(&camera, &vendor_pack([2, 4, 10, 5], &pack)).ok();
    assert_eq!(app_ver(&camera), "'2.4.10.5'");
    for (path, content, kind) in [
        ("/", HELLO, "text/html"),
        ("/INDEX.htm", HELLO, "text/html"),
        ("//img/a.GIF", b"GIF", "image/gif"),
        ("/empty.js", b"", "text/javascript"),
    ] {
        let reply = client.get(path);
        assert_eq!((reply.status, &reply.body[..], reply.header("Content-Type")), (200, content, Some(kind)), "{path}");
        assert_eq!(reply.header("X-Content-Type-Options"), Some("nosniff"), "{path}");
        assert!(reply.header("Content-Security-Policy").unwrap().contains("frame-ancestors 'self'"), "{path}");
        let head = client.head(path);
        assert_eq!(
            (head.status, head.body.len(), head.header("Content-Length")),
            (200, 0, reply.header("Content-Length"))
        );
    }
    for gone in [
        "/index.html",
        "/app.js",
        "/live.htm",
        "/pages/live.js",
        "/favicon.ico",
        "/img",
        "/img/",
        "/empty.js/x",
        "/web_pack",
    ] {
        assert_eq!(client.get(gone).status, 404, "{gone}");
    }
    camera.restart();
    assert_eq!((camera.client().get("/").body, kept(&camera)), (HELLO.to_vec(), 1), "it is there after a restart");

    let zip = Zip::default().file("index.html", b"zip").file("a/", b"").file("a/b.css", &[b'x'; 300_000]);
    upload(&camera, &zip.file("app_ver.txt", b"7.0.0.1\n").end()).ok();
    let client = camera.client();
    assert_eq!((app_ver(&camera).as_str(), &client.get("/").body[..], kept(&camera)), ("'7.0.0.1'", &b"zip"[..], 1));
    assert_eq!(client.get("/a/b.css").body, [b'x'; 300_000], "more than is read at once");
    assert_eq!(client.get("/img/a.gif").status, 404, "a pack replaces the other whole");

    camera.admin().get("/restore_htmls.cgi").ok();
    assert_eq!((client.get("/").body, app_ver(&camera), kept(&camera)), (built_in.body, own, 0));
}

#[test]
fn packs_are_off_unless_the_machines_operator_turns_them_on() {
    let mut camera = start("");
    let request = camera.admin().upload(UPGRADE, &page().end());
    let mut conn = camera.client().connect();
    // The answer does not wait for a body that nobody wants.
    conn.write(&request[..request.len() - 40]);
    conn.reply().error("error: web.packs is off.");
    for client in [camera.client(), camera.viewer(), camera.operator()] {
        assert_eq!(client.post(UPGRADE, &page().end()).status, 401);
        assert_eq!(client.get("/restore_htmls.cgi").status, 401);
    }
    let mut camera_with_pack = start(ON);
    upload(&camera_with_pack, &page().end()).ok();
    fs::write(camera_with_pack.config(), "[clock]\nntp = false\n").unwrap();
    camera_with_pack.restart();
    assert_ne!(camera_with_pack.client().get("/").body, HELLO, "turned off, an installed one is not shown");
    assert_eq!(kept(&camera_with_pack), 1, "but kept");
    camera.terminate();
    assert_eq!((camera.wait(), kept(&camera)), (Some(0), 0));
}

#[test]
fn one_thing_wrong_and_nothing_of_a_pack_is_installed() {
    let camera = start(ON);
    upload(&camera, &vendor_pack([1, 0, 0, 0], &[("/index.htm", Some(HELLO))])).ok();
    let lie = |lie: Lie| page().lying("a", b"content", lie).end();
    let link = Lie { mode: 0o120_777, ..Lie::default() };
    let mut overlapping = page().file("a", b"content");
    overlapping = overlapping.lying("b", b"content", Lie { head_at: Some(0), ..Lie::default() });
    let many = (0..2000).fold(page(), |zip, n| zip.file(&format!("f{n}"), b""));
    let whole = page().file("a", b"content").end();
    let vendor = |entries: &[(&str, Option<&[u8]>)]| vendor_pack([1; 4], entries);
    let mut wrong_sum = vendor(&[("/index.htm", Some(HELLO))]);
    wrong_sum[4] ^= 1;
    for (what, pack) in [
        ("nothing", Vec::new()),
        ("something else", b"GIF89a".to_vec()),
        ("a zip that is cut", whole[..whole.len() - 1].to_vec()),
        ("a zip without start page", Zip::default().file("ui/index.htm", HELLO).end()),
        ("a zip whose version is none", page().file("app_ver.txt", b"1.0").end()),
        ("a name that climbs", page().file("../settings.toml", b"").end()),
        ("an absolute name", page().file("/etc/passwd", b"").end()),
        ("a link", page().lying("a", b"/etc/passwd", link).end()),
        ("a name twice", page().file("index.htm", b"other").end()),
        ("a name twice but for its case", page().file("Index.HTM", b"other").end()),
        ("an encrypted file", lie(Lie { flags: 1, ..Lie::default() })),
        ("a wrong checksum", lie(Lie { crc: 1, ..Lie::default() })),
        ("more bytes than it says", lie(Lie { size: Some(6), ..Lie::default() })),
        ("fewer bytes than it says", lie(Lie { size: Some(8), ..Lie::default() })),
        ("files that share bytes", overlapping.end()),
        ("too many files", many.end()),
        ("a bomb that says so", page().file("a", &vec![0; (64 << 20) + 1]).end()),
        (
            "a bomb that says that it is small",
            page().lying("a", &vec![0; 1 << 20], Lie { size: Some(1024), ..Lie::default() }).end(),
        ),
        ("a vendor's pack with a wrong sum", wrong_sum),
        ("a vendor's pack with a name that climbs", vendor(&[("/index.htm", Some(HELLO)), ("/../a", Some(b""))])),
        ("a vendor's pack without start page", vendor(&[("/a.htm", Some(HELLO))])),
    ] {
        assert_eq!(upload(&camera, &pack).text(), BAD, "{what}");
        assert_eq!((camera.client().get("/").body, kept(&camera)), (HELLO.to_vec(), 1), "{what}");
    }
    upload(&camera, &vec![b'P'; (32 << 20) + 1]).error("error: too large.");
    assert_eq!((app_ver(&camera).as_str(), kept(&camera)), ("'1.0.0.0'", 1));
    let journal = camera.admin().get("/get_log.cgi");
    assert!(journal.text().contains("bad package: "), "{}", journal.text());
}

#[test]
fn no_file_of_a_pack_stands_in_front_of_a_cgi() {
    let camera = start(ON);
    let names = ["get_status.cgi", "Snapshot.JPG", "device/2/snapshot.cgi", "metrics"];
    let pack = names.iter().fold(page(), |zip, name| zip.file(name, b"mine")).file("own.cgi", b"mine").end();
    upload(&camera, &pack).ok();
    assert!(camera.client().get("/get_status.cgi").text().starts_with("var id="));
    assert_eq!(camera.client().get("/snapshot.jpg").status, 401);
    let own = camera.client().get("/own.cgi");
    assert_eq!((own.status, own.text(), own.header("Content-Type")), (200, "mine", Some("application/octet-stream")));
    assert_eq!(camera.log().matches("is left out").count(), names.len());
}

#[test]
fn next_url_names_a_page_of_the_ui_that_is_in_force_afterwards() {
    let camera = start(ON);
    let admin = camera.admin();
    let pack = page().file("sub/Done.htm", b"done").end();
    for old in ["app.js", "none.htm", "/index.htm", "../index.htm"] {
        admin.post(&format!("{UPGRADE}?next_url={old}"), &pack).error("error: illegal params.");
        assert_ne!(camera.client().get("/").body, HELLO, "and then nothing was changed");
    }
    let done = admin.post(&format!("{UPGRADE}?next_url=sub/done.htm"), &pack);
    assert_eq!((done.status, done.text()), (200, "done"));
    assert_eq!(admin.get("/set_alias.cgi?alias=a&next_url=sub/Done.htm").text(), "done");
    admin.get("/set_alias.cgi?alias=b&next_url=app.js").error("error: illegal params.");
    admin.get("/restore_htmls.cgi?next_url=sub/done.htm").error("error: illegal params.");
    let page = admin.get("/restore_htmls.cgi?next_url=app.js");
    assert_eq!(page.body, camera.client().get("/app.js").body);
}

#[test]
fn one_pack_comes_in_at_a_time_and_one_that_stops_coming_leaves_nothing() {
    let camera = start(ON);
    let request = camera.admin().with("Expect", "100-continue").upload(UPGRADE, &page().end());
    let head = request.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let mut first = camera.client().connect();
    first.write(&request[..head]);
    let mut go_on = [0; 25];
    first.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    upload(&camera, &page().end()).error("error: busy.");
    first.write(&request[head..request.len() - 30]);
    first.close_writing();
    first.reply().error("error: illegal http frame.");
    upload(&camera, &page().end()).ok();
    assert_eq!((camera.client().get("/").body, kept(&camera)), (HELLO.to_vec(), 1));
}

#[test]
fn what_a_cut_installation_left_is_removed_and_a_damaged_pack_gives_way() {
    let mut camera = start(ON);
    upload(&camera, &page().end()).ok();
    camera.kill();
    let folder = camera.state().join("web");
    let installed = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    for stray in ["new", "upload", &"0".repeat(64)] {
        fs::write(folder.join(stray), "half").unwrap();
    }
    camera.restart();
    assert_eq!((camera.client().get("/").body, kept(&camera)), (HELLO.to_vec(), 1));

    camera.kill();
    let mut bytes = fs::read(&installed).unwrap();
    bytes[3] ^= 1;
    fs::write(&installed, bytes).unwrap();
    camera.restart();
    assert_eq!((camera.client().get("/app.js").status, camera.log().contains("it is damaged")), (200, true));
    upload(&camera, &page().end()).ok();
    assert_eq!(camera.client().get("/").body, HELLO, "the same pack again");

    camera.kill();
    fs::remove_file(&installed).unwrap();
    camera.restart();
    assert_eq!(camera.client().get("/app.js").status, 200);
}

#[test]
fn a_factory_reset_brings_the_built_in_pages_back() {
    let mut camera = start(ON);
    upload(&camera, &page().end()).ok();
    camera.admin().get("/restore_factory.cgi").ok();
    eventually("the built-in pages are shown", || camera.client().get("/app.js").status == 200);
    camera.restart();
    assert_eq!((camera.client().get("/app.js").status, kept(&camera)), (200, 0));
}
