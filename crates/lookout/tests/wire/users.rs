//! The accounts: all 24 parameters or none, and no way to lock oneself out (PROFILE 1.3, 1.5).

use std::time::{Duration, Instant};

use lookout_testkit::{ADMIN, Camera, Client, Conn, OPERATOR, Reply, VIEWER, Viewer, encode, eventually, users};

use crate::start;

const ILLEGAL: &str = "error: illegal params.";
const MASK: &str = "********";
const KEPT: [(&str, &str, &str); 3] = [(ADMIN.0, MASK, "2"), (VIEWER.0, MASK, "0"), (OPERATOR.0, MASK, "1")];

fn set(camera: &Camera, accounts: &[(&str, &str, &str)]) -> Reply {
    camera.admin().get(&format!("/set_users.cgi?{}", users(accounts)))
}

#[test]
fn all_24_parameters_or_none() {
    let camera = start("");
    let all = users(&KEPT);
    let pairs: Vec<_> = all.split('&').collect();
    assert_eq!(pairs.len(), 24);
    let admin = camera.admin();
    for missing in 0..24 {
        let rest: Vec<_> = pairs.iter().enumerate().filter(|(i, _)| *i != missing).map(|(_, pair)| *pair).collect();
        admin.get(&format!("/set_users.cgi?{}", rest.join("&"))).error(ILLEGAL);
    }
    admin.get(&format!("/set_users.cgi?{all}")).ok();
    assert_eq!(camera.viewer().get("/check_user.cgi").status, 200, "the mask leaves passwords as they are");
}

#[test]
fn the_last_manager_cannot_remove_demote_or_blank_himself() {
    let camera = start("");
    for last in [("admin", MASK, "1"), ("admin", "", "2"), ("", MASK, "2"), ("admin", "short", "2"), ("x", "", "0")] {
        set(&camera, &[last, KEPT[1], KEPT[2]]).error(ILLEGAL);
    }
    assert_eq!(camera.admin().get("/check_user.cgi").status, 200);
    set(&camera, &[("", "", "0"), ("second", "long enough", "2")]).ok();
    assert_eq!(camera.admin().get("/check_user.cgi").status, 401, "another manager may remove the first");
    assert_eq!(camera.client().basic(("second", "long enough")).get("/check_user.cgi").var("pri"), Some("3"));
}

#[test]
fn names_and_passwords_have_their_limits_and_privileges_are_three() {
    let camera = start("");
    for bad in [
        ("thirteen byte", "long enough", "0"),
        ("new", "thirteen byte", "0"),
        ("new", "seven77", "0"),
        ("new", "long enough", "3"),
        ("new", "long enough", "-1"),
        ("new", "long enough", ""),
        ("new", "long enough", "x"),
        ("admin", "long enough", "0"),
        ("n\new", "long enough", "0"),
    ] {
        set(&camera, &[KEPT[0], KEPT[1], KEPT[2], bad]).error(ILLEGAL);
    }
    set(&camera, &[KEPT[0], KEPT[1], KEPT[2], ("zwölf bytes", "pässwörter", "0")]).ok();
    let client = camera.client().basic(("zwölf bytes", "pässwörter"));
    assert_eq!(client.get("/check_user.cgi").var("user"), Some("'zwölf bytes'"));
    let short = start("[users]\npassword_min = 1\n");
    set(&short, &[KEPT[0], ("new", "x", "0")]).ok();
}

#[test]
fn the_streams_of_a_removed_or_changed_user_end_and_the_others_go_on() {
    let camera = start("");
    set(&camera, &[KEPT[0], KEPT[1], KEPT[2], ("leaves", "long enough", "0"), ("changes", "long enough", "0")]).ok();
    let open = |account| Viewer::open(&camera.client().basic(account), "/videostream.cgi");
    let mut stays = open(VIEWER);
    let query = encode([("user", "leaves"), ("pwd", "long enough")]);
    let end = [
        open(("leaves", "long enough")),
        Viewer::open(&camera.client(), &format!("/videostream.cgi?{query}")),
        open(("changes", "long enough")),
        open(OPERATOR),
    ];
    // With the first picture there is a microphone.
    drop(stays.picture());
    let sound = ["/videostream.asf", "/audio.wav", "/audio.wav?codec=ulaw"].map(|road| {
        let client = camera.client().basic(OPERATOR);
        let mut conn = client.connect();
        conn.write(client.request("GET", road));
        conn
    });
    eventually("all are there", || camera.metric("lookout_viewers") == 8.0);
    set(&camera, &[KEPT[0], KEPT[1], ("", "", "0"), ("oper", MASK, "0"), ("changes", "another one", "0")]).ok();
    let begin = Instant::now();
    assert!(sound.into_iter().all(|conn| conn.reply().status == 200));
    let left: u64 = end.into_iter().map(|mut viewer| viewer.drain()).sum();
    // A second is promised; the machine that runs the tests may be busy.
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?} and {left} pictures", begin.elapsed());
    (0..3).for_each(|_| drop(stays.picture()));
    assert_eq!(camera.client().basic(("leaves", "long enough")).get("/check_user.cgi").status, 401);
    assert_eq!(camera.client().basic(("changes", "long enough")).get("/check_user.cgi").status, 401);
    assert_eq!(camera.client().basic(("changes", "another one")).get("/check_user.cgi").status, 200);
}

/// Adds a second manager and has him begin to restore a backup of his; returns what he holds back.
fn second_manager_uploads(camera: &Camera) -> (Client, Conn, Vec<u8>) {
    const SECOND: (&str, &str, &str) = ("second", "long enough", "2");
    set(camera, &[KEPT[0], KEPT[1], KEPT[2], SECOND]).ok();
    let second = camera.client().basic((SECOND.0, SECOND.1));
    let backup = second.get("/backup_params.cgi").body;
    let (conn, rest) = second.half_upload("/restore_params.cgi", &backup);
    (second, conn, rest)
}

#[test]
fn whoever_is_removed_while_he_uploads_is_cut_off_and_restores_nothing() {
    let camera = start("");
    let (second, mut conn, rest) = second_manager_uploads(&camera);
    set(&camera, &KEPT).ok();
    // Not when he chooses to go on: nobody waits for him.
    eventually("it is others' turn", || {
        camera.admin().post("/restore_params.cgi", b"x").text() == "error: bad package."
    });
    conn.write(rest);
    assert_eq!(conn.reply().status, 401);
    assert_eq!(second.get("/check_user.cgi").status, 401);
    assert_eq!(camera.admin().get("/check_user.cgi").status, 200);
}

#[test]
fn an_upload_does_not_bring_its_manager_back_over_a_factory_reset() {
    let mut camera = start("");
    let (_, mut conn, rest) = second_manager_uploads(&camera);
    camera.admin().get("/restore_factory.cgi").ok();
    conn.write(rest);
    assert!(conn.try_reply().is_none_or(|reply| reply.status == 401), "it was taken");
    camera.started_anew();
    assert_eq!(camera.client().basic(("second", "long enough")).get("/check_user.cgi").status, 401);
    assert_eq!(camera.admin().get("/get_params.cgi").var("user4_name"), Some("''"));
}

#[test]
fn a_pack_of_a_manager_who_was_removed_meanwhile_is_not_installed() {
    let camera = start("[web]\npacks = true\n");
    set(&camera, &[KEPT[0], KEPT[1], KEPT[2], ("second", "long enough", "2")]).ok();
    let second = camera.client().basic(("second", "long enough"));
    let before = camera.client().get("/").body;
    let (mut conn, rest) = second.half_upload("/upgrade_htmls.cgi", &[0; 4096]);
    set(&camera, &KEPT).ok();
    conn.write(rest);
    assert_eq!(conn.reply().status, 401);
    assert_eq!(camera.client().get("/").body, before);
}
