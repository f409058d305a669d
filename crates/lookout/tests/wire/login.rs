//! Who may (PROFILE 1.3): credentials, privileges, and how guessing is slowed down.

use lookout_core::profile::commands::{BESIDE, Op, PROFILE, Privilege, Run};
use lookout_testkit::{ADMIN, Account, Client, OPERATOR, VIEWER, encode, users};

use crate::{shared, start};

/// Writes a path with the login in its query.
fn logged_in(path: &str, (user, pwd): (&str, &str)) -> String {
    format!("{path}?{}", encode([("user", user), ("pwd", pwd)]))
}

fn privilege(client: &Client, path: &str) -> Option<u8> {
    let reply = client.get(path);
    if reply.status == 401 { None } else { reply.var("pri").and_then(|pri| pri.parse().ok()) }
}

#[test]
fn q3_the_caller_is_told_his_privilege_as_1_to_3() {
    let camera = shared();
    for (account, pri) in [(VIEWER, 1), (OPERATOR, 2), (ADMIN, 3)] {
        assert_eq!(privilege(&camera.client().basic(account), "/check_user.cgi"), Some(pri));
        assert_eq!(privilege(&camera.client(), &logged_in("/check_user.cgi", account)), Some(pri));
    }
    let params = camera.admin().get("/get_params.cgi");
    assert_eq!(["user1_pri", "user2_pri", "user3_pri"].map(|name| params.var(name)), [Some("2"), Some("0"), Some("1")]);
}

#[test]
fn the_password_that_the_request_brought_is_echoed_and_no_other() {
    let camera = shared();
    let echoed = camera.viewer().get("/check_user.cgi");
    assert_eq!(echoed.text(), "var user='viewer';\nvar pwd='V!sitor+pw%3';\nvar pri=1;\n");
}

#[test]
fn the_scheme_may_be_written_in_any_case() {
    let camera = shared();
    let client = camera.client();
    let header = "dmlld2VyOlYhc2l0b3IrcHclMw==";
    for scheme in ["Basic", "basic", "BASIC", "bAsIc"] {
        let client = client.with("authorization", &format!("{scheme} {header}"));
        assert_eq!(privilege(&client, "/check_user.cgi"), Some(1), "{scheme}");
    }
    for other in ["Bearer", "Negotiate", "Digest", "Basicx"] {
        let client = client.with("Authorization", &format!("{other} {header}"));
        assert_eq!(privilege(&client, "/check_user.cgi"), None, "{other}");
    }
    for rubbish in ["Basic", "Basic ", "Basic !!!!", "Basic dmlld2Vy", "Basic =", "Basic /////w=="] {
        assert_eq!(client.with("Authorization", rubbish).get("/check_user.cgi").status, 401, "{rubbish}");
    }
}

#[test]
fn one_good_login_of_two_is_enough_and_the_higher_privilege_counts() {
    let camera = shared();
    let undefined = ("undefined", "undefined");
    let get =
        |basic: Account, query: Account| privilege(&camera.client().basic(basic), &logged_in("/check_user.cgi", query));
    assert_eq!(get(VIEWER, undefined), Some(1));
    assert_eq!(get(undefined, VIEWER), Some(1));
    assert_eq!(get(VIEWER, ADMIN), Some(3));
    assert_eq!(get(ADMIN, VIEWER), Some(3));
    assert_eq!(get(undefined, undefined), None);
}

#[test]
fn five_cgis_take_the_login_from_cam_names_as_user_and_pwd_are_payload() {
    let camera = start("");
    let client = camera.client();
    let ftp = |login: &str| client.get(&format!("/set_ftp.cgi?svr=x{login}"));
    let own = encode([("user", ADMIN.0), ("pwd", ADMIN.1)]);
    let cam = encode([("cam_user", ADMIN.0), ("cam_pwd", ADMIN.1)]);
    assert_eq!(ftp(&format!("&{own}")).status, 401);
    ftp(&format!("&{cam}&user=uploader&pwd=secret")).ok();
    let params = camera.admin().get("/get_params.cgi");
    assert_eq!([params.var("ftp_svr"), params.var("ftp_user")], [Some("'x'"), Some("'uploader'")]);
    for path in ["/set_pppoe.cgi", "/set_ddns.cgi", "/set_mail.cgi", "/set_factory_ddns.cgi"] {
        assert_eq!(client.head(&format!("{path}?{own}")).status, 401, "{path}");
        assert_eq!(client.head(&format!("{path}?{cam}")).status, 200, "{path}");
    }
    // And nowhere else.
    assert_eq!(client.head(&format!("/set_alarm.cgi?{cam}")).status, 401);
}

#[test]
fn every_cgi_lets_in_whom_its_row_says_and_no_one_below() {
    let camera = shared();
    let callers = [
        (Privilege::Nobody, camera.client()),
        (Privilege::Visitor, camera.viewer()),
        (Privilege::Operator, camera.operator()),
        (Privilege::Manager, camera.admin()),
    ];
    for command in PROFILE.iter().chain(BESIDE) {
        for path in command.paths {
            for (privilege, client) in &callers {
                // HEAD asks every question that GET does, and changes nothing.
                let method = if command.post { "POST" } else { "HEAD" };
                let status = client.send(client.request(method, path)).status;
                let expected = match command.run {
                    _ if *privilege < command.needs => 401,
                    // There is no other camera yet.
                    Run::Do(Op::DeviceSnapshot | Op::DeviceStream) => 404,
                    Run::Do(_) | Run::Set(_) | Run::List(_) | Run::Take(_) => 200,
                };
                assert_eq!(status, expected, "{method} {path} by {privilege:?}");
            }
        }
    }
}

#[test]
fn no_other_spelling_of_a_path_needs_less() {
    let camera = shared();
    let client = camera.client();
    for command in PROFILE.iter().chain(BESIDE).filter(|command| command.needs > Privilege::Nobody) {
        for path in command.paths {
            let (first, rest) = (path.as_bytes()[1], &path[2..]);
            for spelling in [
                path.to_ascii_uppercase(),
                format!("//{}", &path[1..]),
                format!("///{}?", &path[1..]),
                format!("/%{first:02x}{rest}"),
                format!("{}?.htm", path.replace('_', "%5f").replace('.', "%2E")),
                format!("{path}?&user=&pwd=&.mjpg"),
            ] {
                let method = if command.post { "POST" } else { "GET" };
                assert_eq!(client.send(client.request(method, &spelling)).status, 401, "{spelling}");
            }
        }
    }
    for path in ["/get_params.cgi/", "/get_params.cgi%20", "/get_params.cgi;x"] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_blank_password_never_lets_anyone_in() {
    let camera = start("");
    let accounts = [(ADMIN.0, "********", "2"), (VIEWER.0, "********", "0"), ("blank", "", "2")];
    camera.admin().get(&format!("/set_users.cgi?{}", users(&accounts))).ok();
    for account in [("blank", ""), ("", ""), ("blank", "********")] {
        assert_eq!(camera.client().basic(account).get("/check_user.cgi").status, 401, "{account:?}");
        assert_eq!(camera.client().get(&logged_in("/check_user.cgi", account)).status, 401, "{account:?}");
    }
    for query in ["user=blank", "user=blank&pwd", "user&pwd", "pwd=", "user="] {
        assert_eq!(camera.client().get(&format!("/check_user.cgi?{query}")).status, 401, "{query}");
    }
}

#[test]
fn guessing_gets_slower_for_the_guesser_and_locks_no_owner_out() {
    let camera = start("");
    let (guesser, owner) = (camera.client(), camera.admin());
    assert_eq!(owner.get("/check_user.cgi").status, 200);
    let guess = |client: &Client| client.basic((ADMIN.0, "guess")).get("/check_user.cgi");
    let tries: Vec<_> = (0..8).map(|_| guess(&guesser)).collect();
    let first_wait = tries.iter().position(|reply| reply.status == 429).expect("never slowed down");
    assert!((3..=6).contains(&first_wait), "{first_wait}");
    assert!(tries[..first_wait].iter().all(|reply| reply.status == 401 && reply.body == tries[0].body));
    for reply in &tries[first_wait..] {
        let wait: u64 = reply.header("Retry-After").and_then(|text| text.parse().ok()).unwrap();
        assert!(reply.status == 429 && (1..=60).contains(&wait), "{reply:?}");
    }
    // The right password, from where was guessed, waits as well; else the answer would tell.
    assert_eq!(guesser.basic(ADMIN).get("/check_user.cgi").status, 429);
    // Everything open stays open to him.
    assert_eq!(guesser.get("/get_status.cgi").status, 200);
    // Many addresses guess at the owner's name: strangers wait, the owner at his own address does not.
    for _ in 0..12 {
        guess(&camera.client());
    }
    let stranger = camera.admin().get("/check_user.cgi");
    let wait: u64 = stranger.header("Retry-After").and_then(|text| text.parse().ok()).unwrap();
    assert!(stranger.status == 429 && (1..=5).contains(&wait), "a stranger waits for seconds: {stranger:?}");
    assert_eq!(owner.get("/check_user.cgi").status, 200, "the owner");
    assert_eq!(camera.viewer().get("/check_user.cgi").status, 200, "another account");
}

#[test]
fn a_visitor_cannot_guess_the_managers_password_beside_his_own() {
    let camera = start("");
    let visitor = camera.client().basic(VIEWER);
    for guess in 0..12 {
        let path = logged_in("/check_user.cgi", (ADMIN.0, &format!("guess {guess}")));
        assert_eq!(privilege(&visitor, &path), Some(1));
    }
    // The right one is not looked at now; what is his own stays open to him.
    assert_eq!(privilege(&visitor, &logged_in("/check_user.cgi", ADMIN)), Some(1));
    assert_eq!(privilege(&camera.client(), &logged_in("/check_user.cgi", VIEWER)), Some(1));
}

#[test]
fn tries_that_come_at_once_are_slowed_down_like_others() {
    let camera = start("");
    let client = camera.client().basic((ADMIN.0, "guess"));
    let tries: Vec<_> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..30).map(|_| scope.spawn(|| client.get("/check_user.cgi").status)).collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let looked_at = tries.iter().filter(|&&status| status == 401).count();
    assert!((5..=7).contains(&looked_at), "{looked_at} passwords were looked at");
    assert_eq!(tries.iter().filter(|&&status| status == 429).count(), 30 - looked_at);
}

#[test]
fn a_name_that_nobody_has_is_slowed_down_just_like_one_that_somebody_has() {
    let camera = start("");
    let answers = |account: Account| {
        let client = camera.client().basic(account);
        (0..7).map(|_| client.get("/check_user.cgi")).map(|reply| (reply.status, reply.body)).collect::<Vec<_>>()
    };
    assert_eq!(answers(("viewer", "wrong")), answers(("nobody", "wrong")));
}

#[test]
fn no_password_and_no_hash_is_logged() {
    let camera = start("[log]\nlevel = \"trace\"\n");
    camera.client().basic(("stranger", "canary-basic")).get("/get_params.cgi?user=x&pwd=canary-query");
    camera.admin().get("/set_ftp.cgi?pwd=canary-ftp&cam_user=x&cam_pwd=canary-cam").ok();
    camera.client().get(&logged_in("/check_user.cgi", OPERATOR));
    let log = camera.log();
    assert!(log.contains("access denied"), "{log}");
    for secret in ["canary", "argon2", ADMIN.1, VIEWER.1, OPERATOR.1, "0perator%3Fpw2"] {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
}
