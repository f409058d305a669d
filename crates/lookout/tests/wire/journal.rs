//! `get_log.cgi`: who came in, who was refused, what was done (PROFILE 5.9).

use std::fs;

use lookout_core::profile::commands::{Op, PROFILE, Run};
use lookout_testkit::{ADMIN, Camera, Client, eventually, lookout, users};

use crate::{LOOKOUT, start};

/// Returns the entries, the oldest first, as their users read them.
fn entries(admin: &Client) -> Vec<String> {
    let reply = admin.get("/get_log.cgi");
    assert_eq!((reply.status, reply.header("Content-Type")), (200, Some("text/plain")));
    let text = reply.text().strip_prefix("var log_text='").and_then(|text| text.strip_suffix("';\n"));
    let text = text.unwrap_or_else(|| panic!("{reply:?}"));
    assert!(!text.contains(|c: char| c.is_control() || "'\"<".contains(c)), "{text}");
    assert!(text.is_empty() || text.ends_with("\\n"), "{text}");
    let entries: Vec<_> = text.split_terminator("\\n").map(str::to_owned).collect();
    assert!(entries.iter().all(|entry| !entry.contains('\\')), "{text}");
    entries
}

/// Returns user, address and event of each entry.
fn told(admin: &Client) -> Vec<(String, String, String)> {
    let column = |text: &str| text.trim_end().to_owned();
    entries(admin)
        .iter()
        .map(|entry| (column(&entry[27..46]), column(&entry[46..64]), entry[64..].to_owned()))
        .collect()
}

/// Returns the events of one user.
fn of(admin: &Client, name: &str) -> Vec<String> {
    told(admin).into_iter().filter(|(user, ..)| user == name).map(|(.., event)| event).collect()
}

/// Waits until the file tells of so many starts, the first entry of each; what else it says by then is not certain.
fn written(camera: &Camera, starts: usize) {
    let text = || fs::read_to_string(camera.state().join("journal.log")).unwrap_or_default();
    eventually("the start is written", || text().matches("power on").count() == starts);
}

/// Ends the camera as a service manager does, so that the file says everything.
fn end(camera: &mut Camera) {
    camera.terminate();
    assert_eq!(camera.wait(), Some(0));
}

#[test]
fn an_entry_is_that_of_the_profile_to_the_byte_and_the_oldest_comes_first() {
    let camera = start("");
    let admin = camera.admin();
    // The weekday and the hour are the camera's own, five hours behind UTC.
    admin.get("/set_datetime.cgi?now=1249329184&tz=18000&ntp_enable=0").ok();
    let viewer = camera.viewer();
    viewer.get("/check_user.cgi");
    let entries = entries(&admin);
    let columns = |name: &str, address: &str| format!("   {name:<18} {address:<17} ");
    let access = format!("{}access", columns("viewer", &viewer.address().to_string()));
    let stamp = entries.last().unwrap().strip_suffix(&access).unwrap_or_else(|| panic!("{entries:?}"));
    assert!(stamp.starts_with("Mon, 2009-08-03 14:5") && stamp.len() == 24, "{stamp}");
    let start: Vec<_> = told(&admin).into_iter().take(3).map(|(user, _, event)| (user, event)).collect();
    let line = |user: &str, event: &str| (user.to_owned(), event.to_owned());
    assert_eq!(start, [line("-", "power on"), line("admin", "access"), line("admin", "set users")]);
}

#[test]
fn access_is_told_once_a_minute_for_a_user_at_an_address_and_nobodys_is_not() {
    let camera = start("");
    let (admin, viewer, other) = (camera.admin(), camera.viewer(), camera.viewer());
    for _ in 0..5 {
        viewer.get("/check_user.cgi");
        other.get("/get_camera_params.cgi");
        camera.client().get("/get_status.cgi");
        camera.client().get("/get_params.cgi");
    }
    assert_eq!(of(&admin, "viewer"), ["access", "access"]);
    let strangers = told(&admin).into_iter().filter(|(user, ..)| !["-", "admin", "viewer"].contains(&user.as_str()));
    assert_eq!(strangers.count(), 0, "who brings no login is asked for one and is no event");
}

#[test]
fn what_was_done_is_told_and_what_was_not_is_not() {
    let camera = start("");
    let admin = camera.admin();
    admin.get("/set_alias.cgi?alias=porch").ok();
    admin.get("/set_alias.cgi?alias=a_name_that_is_far_too_long").error("error: illegal params.");
    admin.head("/set_upnp.cgi?enable=1");
    admin.get("/set_misc.cgi?led_mode=1&next_url=index.htm");
    admin.get("/set_pppoe.cgi?enable=0&user=&pwd=").ok();
    admin.get("/get_params.cgi");
    camera.operator().get("/set_alias.cgi?alias=mine");
    let mine = told(&admin).into_iter().filter(|(_, address, _)| *address == admin.address().to_string());
    let events: Vec<_> = mine.map(|(.., event)| event).collect();
    assert_eq!(events, ["access", "set alias", "set misc", "set pppoe", "pppoe stored, not applied"]);
    assert_eq!(of(&admin, "oper"), ["access denied"], "too low a privilege");
}

#[test]
fn no_name_of_a_failed_login_can_forge_an_entry_and_no_password_is_told() {
    let camera = start("");
    let admin = camera.admin();
    for (name, shown) in [
        ("a++10.0.0.1", "a__10.0.0.1"),
        ("b%5cn%27;alert(1)//", "b_n_;alert(1"),
        ("c%3c/script%3e", "c_/script_"),
        ("d%e2%80%a8%e2%80%ae%22", "d___"),
        ("this+name+is+longer+than+any", "this_name_is"),
    ] {
        let client = camera.client().with("User-Agent", "canary/1.0");
        assert_eq!(client.get(&format!("/get_log.cgi?user={name}&pwd=canary&x=%0acanary")).status, 401);
        let refused = (shown.to_owned(), client.address().to_string(), "access denied".to_owned());
        assert!(told(&admin).contains(&refused), "{name}: {:?}", entries(&admin));
    }
    // A name with a control character is the name of no account, and no login at all.
    for name in ["e%0aMon,+2009-08-03+19:53:04", "e%0d", "e%00", "e%1b[2J", "e%c2%85"] {
        assert_eq!(camera.client().get(&format!("/get_log.cgi?user={name}&pwd=canary")).status, 401);
    }
    assert!(!entries(&admin).iter().any(|entry| entry.contains("   e")));
    camera.client().basic(("stranger", "canary")).get("/get_params.cgi");
    admin.get("/set_ftp.cgi?svr=canary&user=canary&pwd=canary").ok();
    let log = admin.get("/get_log.cgi");
    assert!(log.text().contains("stranger") && !log.text().contains("canary"), "{}", log.text());
    assert!([ADMIN.1, "argon2"].iter().all(|secret| !log.text().contains(secret)));
}

#[test]
fn guesses_beside_a_good_login_or_where_none_is_needed_are_told() {
    let camera = start("");
    let admin = camera.admin();
    let visitor = camera.viewer();
    for _ in 0..8 {
        assert_eq!(visitor.get("/check_user.cgi?user=admin&pwd=guess").status, 200);
    }
    let stranger = camera.client();
    assert_eq!(stranger.get("/get_status.cgi?user=oper&pwd=guess").status, 200);
    visitor.get("/check_user.cgi?user=undefined&pwd=undefined");
    let (visitor, stranger) = (visitor.address().to_string(), stranger.address().to_string());
    let told: Vec<_> = told(&admin).into_iter().filter(|(_, at, _)| [&visitor, &stranger].contains(&at)).collect();
    let line = |user: &str, at: &str, event: &str| (user.to_owned(), at.to_owned(), event.to_owned());
    assert_eq!(told[..2], [line("admin", &visitor, "access denied"), line("viewer", &visitor, "access")]);
    // Of nine refusals, seven are told.
    assert_eq!(told.iter().filter(|(.., event)| event == "access denied").count(), 7);
    assert!(!told.iter().any(|(user, ..)| user == "undefined"), "what old pages send beside a good login is no guess");
}

#[test]
fn a_storm_of_refusals_is_told_in_a_few_entries() {
    let camera = start("");
    let admin = camera.admin();
    let before = entries(&admin).len();
    let client = camera.client();
    for n in 0..200 {
        client.basic(("admin", "wrong")).get(&format!("/get_params.cgi?user=guess{n}&pwd=wrong"));
    }
    let denied = told(&admin).into_iter().skip(before).filter(|(.., event)| event.contains("access denied"));
    assert!((7..12).contains(&denied.count()), "{:?}", entries(&admin));
    assert!(entries(&admin)[0].ends_with("power on"));
}

#[test]
fn it_survives_a_power_cut_once_it_is_written_and_a_clean_end_at_once() {
    let mut camera = start("");
    written(&camera, 1);
    let first = entries(&camera.admin()).remove(0);
    camera.restart();
    assert_eq!(entries(&camera.admin())[0], first);
    assert_eq!(told(&camera.admin()).iter().filter(|(.., event)| event == "power on").count(), 2);
    // What comes within a minute of a write waits for the next one, for the end or for a restart.
    written(&camera, 2);
    camera.admin().get("/set_alias.cgi?alias=last").ok();
    end(&mut camera);
    camera.restart();
    camera.admin().get("/reboot.cgi").ok();
    camera.started_anew();
    let events = of(&camera.admin(), "admin");
    assert!(["set alias", "reboot"].iter().all(|event| events.contains(&(*event).to_owned())), "{events:?}");
}

#[test]
fn a_torn_or_foreign_file_costs_its_damaged_lines_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut camera = start("");
    let path = camera.state().join("journal.log");
    end(&mut camera);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut bytes = fs::read(&path).unwrap();
    let whole = bytes.len();
    bytes.extend(b"\xff\0rubbish\nMon, 2009-08-03 19:53:04   evil'+alert(1)     10.0.0.1          access\n");
    bytes.extend_from_within(..whole - 3);
    fs::write(&path, bytes).unwrap();
    camera.restart();
    assert_eq!(told(&camera.admin()).iter().filter(|(.., event)| event == "set users").count(), 1);
    eventually("the file is written anew", || !String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("rubbish"));
}

#[test]
fn a_factory_reset_leaves_the_entry_that_says_so_alone() {
    let mut camera = start("");
    camera.admin().get("/set_alias.cgi?alias=mine").ok();
    camera.admin().get("/restore_factory.cgi").ok();
    let file = fs::read_to_string(camera.state().join("journal.log")).unwrap();
    assert!(file.contains("restore factory") && !file.contains("set alias"), "at the answer already: {file}");
    camera.started_anew();
    let events: Vec<_> = told(&camera.admin()).into_iter().map(|(.., event)| event).collect();
    assert_eq!(events[..2], ["restore factory", "power on"]);
    assert!(!events.contains(&"set users".to_owned()), "{events:?}");
    // Nor does the machine's own command leave it to the next owner.
    let state = camera.state();
    camera.kill();
    assert!(lookout(LOOKOUT, &["reset", "--state", &state.display().to_string()], "").status.success());
    assert!(!state.join("journal.log").exists());
}

#[test]
fn a_reset_that_was_cut_before_the_journal_is_finished_by_the_next_start() {
    let mut camera = start("");
    end(&mut camera);
    let state = camera.state();
    let journal = fs::read(state.join("journal.log")).unwrap();
    assert!(lookout(LOOKOUT, &["reset", "--state", &state.display().to_string()], "").status.success());
    fs::write(state.join("journal.log"), journal).unwrap();
    camera.restart();
    let events: Vec<_> = told(&camera.admin()).into_iter().map(|(.., event)| event).collect();
    assert_eq!(events[0], "power on");
    assert!(!events.contains(&"set users".to_owned()), "{events:?}");
}

#[test]
fn no_listing_is_longer_than_64_kib_with_a_full_journal_and_eight_users_at_full_length() {
    let mut camera = start("");
    camera.kill();
    let longest = format!("Mon, 2009-08-03 19:53:04   {:<18} {:<17} {}\n", "name", "2001:db8::1", "x".repeat(64));
    fs::write(camera.state().join("journal.log"), longest.repeat(1000)).unwrap();
    camera.restart();
    let admin = camera.admin();
    let names: Vec<_> = (0..7).map(|n| format!("{n}{}", "<".repeat(11))).collect();
    let accounts: Vec<_> = names.iter().map(|name| (name.as_str(), "'''''''''''\\", "0")).collect();
    admin.get(&format!("/set_users.cgi?{}", users(&[&[(ADMIN.0, "********", "2")], &accounts[..]].concat()))).ok();
    for command in PROFILE.iter().filter(|command| matches!(command.run, Run::List(_) | Run::Do(Op::Log))) {
        let reply = admin.get(command.paths[0]);
        assert!((1..=64 * 1024).contains(&reply.body.len()), "{}: {} bytes", command.paths[0], reply.body.len());
    }
    let log = admin.get("/get_log.cgi");
    assert!(log.body.len() > 63 * 1024 && log.text().ends_with(" set users\\n';\n"), "{}", log.text());
}
