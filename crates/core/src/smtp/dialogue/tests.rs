use super::*;

fn wanted() -> Wanted {
    Wanted {
        own: "[192.0.2.9]".into(),
        start_tls: false,
        login: Some(Login { user: "cam".into(), password: Secret::new("sesame") }),
        sender: "cam@example.org".into(),
        receivers: vec!["one@example.org".into(), "two@example.org".into()],
        size: 1234,
    }
}

fn open() -> Wanted {
    Wanted { login: None, ..wanted() }
}

fn reply(text: &str) -> Reply {
    let text = format!("{}\r\n", text.replace('\n', "\r\n"));
    Reply::parse(text.as_bytes()).unwrap().unwrap().0
}

/// What came of a dialogue: what was said to each reply, and the end.
type Outcome = (Vec<String>, Result<Delivered, Failure>);

/// Plays a server that says these replies, one after the other.
fn play(wanted: Wanted, secure: bool, replies: &[&str]) -> Outcome {
    let mut dialogue = Dialogue::new(wanted, secure);
    let mut said = Vec::new();
    for text in replies {
        let mut next = dialogue.hear(&reply(text));
        if let Ok(Next::Encrypt) = next {
            said.push("(encrypted)".into());
            next = Ok(dialogue.encrypted());
        }
        match next {
            Ok(Next::Say(line)) => said.push(line.expose().to_owned()),
            Ok(Next::Send) => said.push("(the mail)".into()),
            Ok(Next::Encrypt) => panic!("encrypted twice"),
            Ok(Next::Done(delivered)) => return (said, Ok(delivered)),
            Err(failure) => return (said, Err(failure)),
        }
    }
    panic!("no end of it: {said:?}")
}

/// Plays it to its end; returns the code and whether it lasts.
#[track_caller]
fn fails(wanted: Wanted, replies: &[&str]) -> (i8, bool, String) {
    let (said, end) = play(wanted, false, replies);
    let failure = end.expect_err("it is refused");
    assert_eq!(said.len() + 1, replies.len(), "{said:?}");
    (failure.fault.number(), failure.lasting, failure.words)
}

const PLAIN: &str = "250-mail.test\n250 AUTH PLAIN";
const LOGIN: &str = "250-mail.test\n250 AUTH LOGIN";
const NONE: &str = "250 mail.test";

#[test]
fn a_mail_goes_to_all_receivers() {
    let offers = "250-mail.test\n250-SIZE 5000\n250-AUTH PLAIN LOGIN\n250 8BITMIME";
    let replies = ["220 hi", offers, "235 in", "250 ok", "250 ok", "251 ok", "354 go", "250 taken"];
    let (said, end) = play(wanted(), true, &replies);
    let expected = [
        "EHLO [192.0.2.9]",
        "AUTH PLAIN AGNhbQBzZXNhbWU=",
        "MAIL FROM:<cam@example.org> SIZE=1234",
        "RCPT TO:<one@example.org>",
        "RCPT TO:<two@example.org>",
        "DATA",
        "(the mail)",
    ];
    assert_eq!(said, expected);
    assert_eq!(end, Ok(Delivered::default()));
}

#[test]
fn what_was_offered_in_clear_counts_no_more_behind_starttls() {
    let wanted = Wanted { start_tls: true, ..wanted() };
    let replies = [
        "220 hi",
        "250-x\n250-AUTH CRAM-MD5\n250 STARTTLS",
        "220 go",
        "250-x\n250 AUTH LOGIN",
        "334 VXNlcg==",
        "334 UGFzcw==",
        "535 no",
    ];
    let (said, end) = play(wanted.clone(), false, &replies);
    let expected =
        ["EHLO [192.0.2.9]", "STARTTLS", "(encrypted)", "EHLO [192.0.2.9]", "AUTH LOGIN", "Y2Ft", "c2VzYW1l"];
    assert_eq!(said, expected);
    assert_eq!(end.unwrap_err().fault, Fault::Password);
    assert_eq!(fails(wanted.clone(), &["220 hi", PLAIN]), (-3, true, "the server offers no STARTTLS".into()));
    assert_eq!(fails(wanted, &["220 hi", "250-x\n250 STARTTLS", "454 not now"]).0, -3);
}

#[test]
fn a_way_of_logging_in_is_chosen_by_who_can_listen() {
    let all = "250-x\n250 AUTH LOGIN PLAIN CRAM-MD5 XOAUTH2";
    let first = |secure| play(wanted(), secure, &["220 hi", all, "535 no"]).0[1].split(' ').nth(1).unwrap().to_owned();
    assert_eq!([first(true), first(false)], ["PLAIN", "CRAM-MD5"]);
    let refused = ["220 hi", "250-x\n250 AUTH=LOGIN PLAIN", "504 not that", "334 VXNlcg==", "334 UGFzcw==", "535 no"];
    let (said, _) = play(wanted(), true, &refused);
    assert_eq!(said[1..3], ["AUTH PLAIN AGNhbQBzZXNhbWU=", "AUTH LOGIN"]);
}

#[test]
fn each_refusal_is_its_code() {
    let at = |replies: &[&str]| {
        let (number, lasting, _) = fails(wanted(), replies);
        (number, lasting)
    };
    let plain = |more: &[&str]| at(&[&["220 hi", PLAIN], more].concat());
    let login = |more: &[&str]| at(&[&["220 hi", LOGIN], more].concat());
    // The server.
    assert_eq!(at(&["554 go away"]), (-3, true));
    assert_eq!(at(&["421 busy"]), (-3, false));
    assert_eq!(at(&["220 hi", "502 what"]), (-3, true));
    assert_eq!(plain(&["421 closing"]), (-3, false));
    assert_eq!(plain(&["235 in", "451 trouble"]), (-3, false));
    assert_eq!(plain(&["235 in", "250 ok", "503 what"]), (-3, true));
    // The user name, and the password.
    assert_eq!(login(&["334 VXNlcg==", "535 no such user"]), (-4, true));
    assert_eq!(login(&["334 VXNlcg==", "334 UGFzcw==", "535 no"]), (-5, true));
    assert_eq!(plain(&["535 5.7.8 no"]), (-5, true));
    // Sender.
    assert_eq!(plain(&["235 in", "550 no"]), (-6, true));
    assert_eq!(plain(&["235 in", "450 not yet"]), (-6, false));
    assert_eq!(plain(&["235 in", "250 ok", "553 5.1.8 no such domain"]), (-6, true));
    assert_eq!(plain(&["235 in", "250 ok", "554 <cam@example.org>: Sender address rejected: no"]), (-6, true));
    // Receivers.
    assert_eq!(plain(&["235 in", "250 ok", "550 no", "550 no"]), (-7, true));
    assert_eq!(plain(&["235 in", "250 ok", "550 no", "450 not yet"]), (-7, false));
    // The mail.
    assert_eq!(plain(&["235 in", "552 too large"]), (-8, true));
    assert_eq!(plain(&["235 in", "250 ok", "250 ok", "250 ok", "554 no"]), (-8, true));
    assert_eq!(plain(&["235 in", "250 ok", "250 ok", "250 ok", "354 go", "554 spam"]), (-8, true));
    assert_eq!(plain(&["235 in", "250 ok", "250 ok", "250 ok", "354 go", "452 full"]), (-8, false));
    // Logging in.
    assert_eq!(at(&["220 hi", NONE]), (-9, true));
    assert_eq!(at(&["220 hi", "250-x\n250 AUTH XOAUTH2"]), (-9, true));
    assert_eq!(plain(&["538 encrypt first"]), (-9, true));
    assert_eq!(plain(&["454 later"]), (-9, false));
    assert_eq!(plain(&["334 more"]), (-9, true));
    assert_eq!(login(&["535 no"]), (-9, true));
    assert_eq!(login(&["334 a", "334 b", "334 c"]), (-9, true));
    assert_eq!(at(&["220 hi", "250-x\n250 AUTH CRAM-MD5", "334 !"]), (-9, true));
    let (number, ..) = fails(open(), &["220 hi", NONE, "530 5.7.0 log in"]);
    assert_eq!(number, -9);
    let (number, ..) = fails(open(), &["220 hi", NONE, "250 ok", "530 5.7.0 log in"]);
    assert_eq!(number, -9);
}

#[test]
fn some_receivers_who_are_refused_keep_the_mail_from_no_other() {
    let replies = ["220 hi", NONE, "250 ok", "550 no", "250 ok", "354 go", "250 taken"];
    let (said, end) = play(open(), false, &replies);
    assert_eq!(said.last().unwrap(), "(the mail)");
    let refused = end.unwrap().refused;
    assert_eq!(refused.len(), 1);
    assert_eq!((&*refused[0].receiver, refused[0].why.lasting), ("one@example.org", true));
    assert_eq!(refused[0].why.words, "the server refuses the receiver one@example.org: 550 no");
}

#[test]
fn an_old_server_is_greeted_in_the_old_way_where_nothing_more_is_needed() {
    let (said, _) = play(open(), false, &["220 hi", "502 what", "250 hello", "550 no"]);
    assert_eq!(said, ["EHLO [192.0.2.9]", "HELO [192.0.2.9]", "MAIL FROM:<cam@example.org>"]);
}

#[test]
fn an_address_beyond_ascii_needs_a_server_that_takes_it() {
    let wanted = Wanted { receivers: vec!["übung@example.org".into()], ..open() };
    assert_eq!(fails(wanted.clone(), &["220 hi", NONE]).0, -7);
    let (said, _) = play(wanted, false, &["220 hi", "250-x\n250 SMTPUTF8", "550 no"]);
    assert_eq!(said[1], "MAIL FROM:<cam@example.org> SMTPUTF8");
}

#[test]
fn no_words_tell_a_secret_though_the_server_says_it() {
    let echo = "535 no: AGNhbQBzZXNhbWU= sesame";
    let (.., words) = fails(wanted(), &["220 hi", PLAIN, echo]);
    assert_eq!(words, "the server refuses the login (AUTH PLAIN): 535");
    let mut dialogue = Dialogue::new(wanted(), true);
    dialogue.hear(&reply("220 hi")).unwrap();
    let next = dialogue.hear(&reply(PLAIN)).unwrap();
    let shown = format!("{dialogue:?} {next:?}");
    assert!(!shown.contains("sesame") && !shown.contains("AGNhbQ"), "{shown}");
}

#[test]
fn it_is_unsure_only_between_the_mail_and_the_servers_word_for_it() {
    let mut dialogue = Dialogue::new(open(), false);
    for text in ["220 hi", NONE, "250 ok", "250 ok", "250 ok"] {
        dialogue.hear(&reply(text)).unwrap();
        assert!(!dialogue.unsure());
    }
    assert_eq!(dialogue.hear(&reply("354 go")), Ok(Next::Send));
    assert!(dialogue.unsure());
    assert!(dialogue.hear(&reply("250 taken")).is_ok() && !dialogue.unsure());
    assert!(dialogue.hear(&reply("250 again")).is_err());
}
