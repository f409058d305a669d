//! `backup_params.cgi` and `restore_params.cgi`: what comes out, and what is let back in (PROFILE 5.12, ADR 0010).

use std::fs;

use lookout_core::profile::{
    backup::{self, Section},
    commands::{Group, PROFILE, Run},
    params::{Param, params},
    settings::Settings,
    stored,
    view::{Secrets, View},
    wire::{Kind, Password, Secret},
};
use lookout_testkit::{ADMIN, Account, Camera, Client, OPERATOR, VIEWER, encode, eventually, users};

use crate::{shared, start};

const BACKUP: &str = "/backup_params.cgi";
const RESTORE: &str = "/restore_params.cgi";
const BAD: &str = "error: bad package.";
const PLAIN: &str = "[profile]\nsecrets = \"plain\"\n";

/// Gives a row a legal value that is not its factory value; another one in each round.
fn value(row: &Param, round: u8) -> String {
    let factory = (row.show)(&View::of(&Settings::factory())).into_text();
    let cut = |text: String, max: usize| text.chars().take(max).collect();
    match row.kind {
        Kind::Text(max) => cut(format!("{round}'\\{}", row.wire), max),
        Kind::Secret(max) => cut(format!("{round}canary {}", row.name), max),
        Kind::Host(_) => format!("127.0.0.{}", round + 1),
        Kind::Mail(_) => format!("{}{round}@example.org", row.wire),
        Kind::Url(_) => format!("http://127.0.0.1:9/{round}"),
        Kind::Int(_, max) => (max - i32::from(round)).to_string(),
        Kind::Flag => (1 - factory.parse::<u8>().unwrap()).to_string(),
        Kind::Choice(choices) => {
            let mut others = choices.iter().map(|choice| choice.0.to_string()).filter(|choice| *choice != factory);
            others.nth(usize::from(round) % (choices.len() - 1)).unwrap()
        }
        Kind::Words(words) => {
            let mut others = words.iter().filter(|word| **word != factory);
            others.nth(usize::from(round) % (words.len() - 1)).unwrap().to_string()
        }
        Kind::Ip if row.name == "mask" => format!("255.{}.0.0", 255 - round),
        Kind::Ip => format!("10.2.3.{}", round + 4),
        Kind::Word => (u32::MAX - u32::from(round)).to_string(),
        Kind::Mask => format!("{:x}", 1 + round).repeat(192),
        Kind::Mac | Kind::Seconds | Kind::Place => unreachable!("{} is not set by this", row.name),
    }
}

/// Sets every row of the table, but for accounts and what belongs to the device.
fn set_everything(admin: &Client, round: u8) {
    let rows = |group| params().filter(move |row| row.group == Some(group) && row.edit.is_some());
    let send = |path: &str, group| {
        let pairs: Vec<_> = rows(group).map(|row| (row.wire, value(row, round))).collect();
        admin.get(&format!("{path}?{}", encode(pairs.iter().map(|(name, value)| (*name, value.as_str()))))).ok();
    };
    for command in PROFILE {
        match command.run {
            Run::Set(Group::Users | Group::Mac | Group::FactoryDdns) => {}
            Run::Set(group) => send(command.paths[0], group),
            Run::List(_) | Run::Do(_) | Run::Take(_) => {}
        }
    }
    send("/set_datetime.cgi", Group::Datetime);
    send("/set_ddns.cgi", Group::Ddns);
    send("/set_setup.cgi", Group::Setup);
    for (row, param) in rows(Group::Image).zip([0, 1, 2, 3, 5]) {
        admin.get(&format!("/camera_control.cgi?param={param}&value={}", value(row, round))).ok();
    }
}

/// Returns everything that the listings say, but for the clock.
fn listed(admin: &Client) -> Vec<String> {
    let pages = ["/get_params.cgi", "/get_camera_params.cgi", "/get_misc.cgi", "/get_forbidden.cgi"];
    let lines = |page: &str| admin.get(page).text().lines().map(str::to_owned).collect::<Vec<_>>();
    pages.iter().flat_map(|page| lines(page)).filter(|line| !line.starts_with("var now=")).collect()
}

/// Returns the settings file without its sum and, if `travels`, without what belongs to the device.
fn stored(camera: &Camera, travels: bool) -> Vec<String> {
    let text = fs::read_to_string(camera.state().join("settings.toml")).unwrap();
    let stays = |line: &str| {
        params().any(|row| row.group.is_some_and(Group::stays) && line.starts_with(&format!("{} = ", row.name)))
    };
    let kept = text.lines().filter(|line| !(line.starts_with("# sha256") || travels && stays(line)));
    kept.map(str::to_owned).collect()
}

fn enters(camera: &Camera, account: Account) -> bool {
    camera.client().basic(account).get("/check_user.cgi").status == 200
}

fn set_users(admin: &Client, accounts: &[(&str, &str, &str)]) {
    admin.get(&format!("/set_users.cgi?{}", users(accounts))).ok();
}

#[test]
fn a_backup_is_a_file_for_managers_alone_and_no_page_can_read_it() {
    let camera = shared();
    for refused in [camera.client(), camera.viewer(), camera.operator()] {
        assert_eq!(refused.get(BACKUP).status, 401);
        assert_eq!(refused.post(RESTORE, b"x").status, 401);
    }
    let reply = camera.admin().get(BACKUP);
    assert_eq!((reply.status, reply.header("Content-Type")), (200, Some("application/octet-stream")));
    assert_eq!(reply.header("Content-disposition"), Some("attachment; filename=\"params.bin\""));
    assert_eq!(reply.header("Cross-Origin-Resource-Policy"), Some("same-origin"));
    assert_eq!(reply.header("Content-Length"), Some(reply.body.len().to_string().as_str()));
    assert_eq!(reply.body[..4], *b"\xbd\x9a\x0c\x44");
    assert_eq!(camera.admin().head(BACKUP).body, b"");
    let foreign = camera.admin().with("Origin", "http://evil.example");
    assert_eq!(foreign.post(RESTORE, &reply.body).status, 403);
    let browser = camera.admin().with("User-Agent", "Mozilla/5.0").with("Accept-Language", "de");
    assert_eq!(browser.post(RESTORE, &reply.body).status, 403, "a file cannot be confirmed by a button");
}

#[test]
fn everything_comes_back_as_it_was_though_everything_was_changed_meanwhile() {
    let mut camera = start("");
    let (factory, admin) = (listed(&camera.admin()), camera.admin());
    set_everything(&admin, 0);
    let (shown, file) = (listed(&admin), stored(&camera, false));
    let same: Vec<_> = shown.iter().filter(|line| factory.contains(line)).collect();
    let left = ["user", "id=", "sys_ver=", "app_ver=", "fps=", "privacy_now="];
    let known = |line: &&String| left.iter().any(|name| line[4..].starts_with(name));
    assert!(same.iter().all(known), "not set: {same:#?}");
    let backup = admin.get(BACKUP).body;

    set_everything(&admin, 1);
    set_users(&admin, &[("boss", "another-pw12", "2")]);
    let boss = camera.client().basic(("boss", "another-pw12"));
    let changed = stored(&camera, false);
    assert!(changed.iter().filter(|line| file.contains(line)).count() < file.len() / 2);
    boss.post(RESTORE, &backup).error("error: wrong password.");
    boss.post(&format!("{RESTORE}?backup_pwd=guessed"), &backup).error("error: wrong password.");
    assert_eq!(stored(&camera, false), changed, "nothing is taken");

    boss.post(&format!("{RESTORE}?{}", encode([("backup_pwd", ADMIN.1)])), &backup).ok();
    camera.started_anew();
    assert_eq!(stored(&camera, false), file);
    assert_eq!(listed(&camera.admin()), shown);
    assert!([ADMIN, OPERATOR, VIEWER].iter().all(|account| enters(&camera, *account)));
    assert!(!enters(&camera, ("boss", "another-pw12")));
    let log = camera.admin().get("/get_log.cgi");
    assert!(log.text().contains("   restore\\n"), "{}", log.text());
}

#[test]
fn a_backup_of_a_dead_camera_is_restored_on_a_new_one() {
    let (camera, mut heir) = (start(""), start(""));
    set_everything(&camera.admin(), 0);
    camera.admin().get("/set_mac.cgi?mac=0012A0746F01").ok();
    heir.admin().get("/set_mac.cgi?mac=0012A0746F02").ok();
    set_users(&heir.admin(), &[("owner", "another-pw12", "2")]);
    let backup = camera.admin().get(BACKUP).body;
    let owner = heir.client().basic(("owner", "another-pw12"));
    owner.post(&format!("{RESTORE}?{}", encode([("backup_pwd", ADMIN.1)])), &backup).ok();
    heir.started_anew();
    assert_eq!(stored(&heir, true), stored(&camera, true));
    assert_eq!(heir.client().get("/get_status.cgi").var("id"), Some("'0012A0746F02'"), "it stays itself");
    assert!(enters(&heir, ADMIN) && enters(&heir, VIEWER));
}

#[test]
fn a_backup_survives_a_reset_to_the_factory_state() {
    let mut camera = start("");
    set_everything(&camera.admin(), 0);
    let (file, backup) = (stored(&camera, true), camera.admin().get(BACKUP).body);
    camera.admin().get("/restore_factory.cgi").ok();
    camera.started_anew();
    // The test's environment gives the first account the same password as before.
    camera.admin().post(RESTORE, &backup).ok();
    camera.started_anew();
    assert_eq!(stored(&camera, true), file);
}

#[test]
fn q46_masked_no_byte_of_a_backup_is_a_secret() {
    let camera = start("");
    set_everything(&camera.admin(), 0);
    let backup = camera.admin().get(BACKUP).body;
    let holds = |text: &str| backup.windows(text.len()).any(|window| window == text.as_bytes());
    for text in ["canary", "argon2", ADMIN.1, OPERATOR.1, VIEWER.1, "admin", "viewer"] {
        assert!(!holds(text), "{text}");
    }
    assert!(holds("sender0@example.org"), "what is no secret is there for other people's tools");
    let again = camera.admin().get(BACKUP).body;
    assert_ne!(again[0x14e8..], backup[0x14e8..], "salt and nonce are new each time");
    assert!(!camera.log().contains("canary"));
}

#[test]
fn plain_a_backup_is_readable_and_needs_no_password() {
    let mut camera = start(PLAIN);
    set_everything(&camera.admin(), 0);
    let (file, backup) = (stored(&camera, false), camera.admin().get(BACKUP).body);
    let at = |at: usize, text: &str| assert_eq!(&backup[at..at + text.len()], text.as_bytes());
    at(0x36, ADMIN.0);
    at(0x43, ADMIN.1);
    at(0x6e2, "0canary mail_pwd");
    set_users(&camera.admin(), &[("boss", "another-pw12", "2")]);
    camera.client().basic(("boss", "another-pw12")).post(RESTORE, &backup).ok();
    camera.started_anew();
    assert_eq!(stored(&camera, false), file);
    // On a camera that masks, the passwords become hashes.
    let mut masked = start("");
    masked.admin().post(RESTORE, &backup).ok();
    masked.started_anew();
    assert!(!stored(&masked, false).iter().any(|line| line.contains(ADMIN.1)));
    assert!(enters(&masked, ADMIN) && enters(&masked, OPERATOR));
}

/// A vendor's file with a name, an account and an address.
fn vendors() -> Vec<u8> {
    let mut file = vec![0; 0x14e8];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"\xbd\x9a\x0c\x44\0\0\0\0\xe8\x14\0\x0000B8000068D2");
    put(0x21, b"porch");
    put(0x36, b"boss\0\0\0\0\0\0\0\0\0vendor-pass\0\0\x02");
    put(0x10e, &[10, 2, 3, 4, 255, 255, 0, 0, 10, 2, 0, 1, 8, 8, 8, 8, 0, 0, 0, 0, 81, 0]);
    put(0x69f, &[25, 0]);
    let sum: u32 = file[12..].iter().map(|byte| u32::from(*byte)).sum();
    file[4..8].copy_from_slice(&sum.to_le_bytes());
    file
}

#[test]
fn q45_a_vendors_accounts_and_network_come_only_if_asked_for() {
    let mut camera = start("");
    camera.admin().post(RESTORE, &vendors()).ok();
    camera.started_anew();
    let params = camera.admin().get("/get_params.cgi");
    assert_eq!(
        (params.var("alias"), params.var("ip"), params.var("user2_name")),
        (Some("'porch'"), Some("'0.0.0.0'"), Some("'viewer'"))
    );
    camera.admin().post(&format!("{RESTORE}?users=2"), &vendors()).error("error: illegal params.");
    camera.admin().post(&format!("{RESTORE}?users=1&network=1"), &vendors()).ok();
    camera.started_anew();
    let params = camera.client().basic(("boss", "vendor-pass")).get("/get_params.cgi");
    assert_eq!(
        (params.var("ip"), params.var("port"), params.var("user2_name")),
        (Some("'10.2.3.4'"), Some("81"), Some("''"))
    );
    assert!(!enters(&camera, ADMIN));
}

#[test]
fn what_is_damaged_cut_foreign_or_too_long_changes_nothing_and_the_log_says_why() {
    let camera = start("");
    let admin = camera.admin();
    let (before, backup) = (stored(&camera, false), admin.get(BACKUP).body);
    let mut damaged = backup.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut illegal = vendors();
    illegal[0x21] += 0x80;
    let sum = u32::from_le_bytes(illegal[4..8].try_into().unwrap()) + 0x80;
    illegal[4..8].copy_from_slice(&sum.to_le_bytes());
    let cases: [(&[u8], &str); 6] = [
        (b"", "it is no params.bin"),
        (&[0xd8; 900_000], "it is no params.bin"),
        (&backup[..backup.len() - 1], "bytes, and"),
        (&[&backup[..], b"x"].concat(), "bytes, and"),
        (&damaged, "its checksum does not match"),
        (&illegal, "its alias is illegal"),
    ];
    for (file, why) in cases {
        admin.post(RESTORE, file).error(BAD);
        assert!(camera.log().lines().last().is_some_and(|line| line.contains(why)), "{why}: {}", camera.log());
    }
    let journal = admin.get("/get_log.cgi");
    assert!(journal.text().contains("admin") && journal.text().contains("bad package: it is no params.bin"));
    for longer in [1, 100_000] {
        let mut long = vec![0; (1 << 20) + longer];
        long[..4].copy_from_slice(&backup[..4]);
        let size = u32::try_from(long.len()).unwrap();
        long[8..12].copy_from_slice(&size.to_le_bytes());
        admin.post(RESTORE, &long).error("error: too large.");
    }
    assert_eq!(stored(&camera, false), before);
    assert!(enters(&camera, ADMIN));
}

#[test]
fn a_locked_backup_that_somebody_changed_on_purpose_does_not_open() {
    let camera = start("");
    let (before, backup) = (stored(&camera, false), camera.admin().get(BACKUP).body);
    // Salt, nonce, the text's begin, its tag; the checksum, which is no secret, is mended.
    for at in [0x14e8 + 10, 0x14e8 + 26, 0x14e8 + 38, backup.len() - 1] {
        let mut changed = backup.clone();
        let was = changed[at];
        changed[at] ^= 1;
        let sum = u32::from_le_bytes(backup[4..8].try_into().unwrap()) + u32::from(changed[at]) - u32::from(was);
        changed[4..8].copy_from_slice(&sum.to_le_bytes());
        camera.admin().post(RESTORE, &changed).error("error: wrong password.");
    }
    assert_eq!(stored(&camera, false), before);
}

#[test]
fn a_hash_that_nobody_can_log_in_with_is_refused() {
    let camera = start("");
    let text = fs::read_to_string(camera.state().join("settings.toml")).unwrap();
    let restored = |settings: &Settings| {
        let section = Section::Clear(Secret::new(stored::encode(settings)));
        camera.admin().post(RESTORE, &backup::encode(&View::of(settings), Secrets::Plain, &section))
    };
    let mut settings = stored::decode(&text).unwrap().settings;
    for hash in ["$argon2id$v=19$broken", "$argon2id$v=19$m=4194304,t=9,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"] {
        settings.users[0].pwd = Password::Hash(Secret::new(hash));
        restored(&settings).error(BAD);
        assert!(enters(&camera, ADMIN));
    }
}

#[test]
fn a_page_of_the_web_ui_may_answer_a_restore() {
    let mut camera = start("");
    let backup = camera.admin().get(BACKUP).body;
    camera.admin().post(&format!("{RESTORE}?next_url=nowhere.htm"), &backup).error("error: illegal params.");
    let page = camera.client().get("/index.htm").body;
    assert_eq!(camera.admin().post(&format!("{RESTORE}?next_url=index.htm"), &backup).body, page);
    camera.started_anew();
}

#[test]
fn one_restores_at_a_time() {
    let camera = start("");
    let file = camera.admin().upload(RESTORE, &vendors());
    let begun = || {
        let mut slow = camera.admin().connect();
        slow.write(&file[..file.len() - 100]);
        slow
    };
    let mut slow = begun();
    eventually("the first one is being read", || {
        let busy = camera.admin().post(RESTORE, b"x").text() == "error: busy.";
        // Where the second was the first to be read, the first was sent away.
        if !busy {
            slow = begun();
        }
        busy
    });
    slow.write(&file[file.len() - 100..]);
    slow.reply().ok();
}
