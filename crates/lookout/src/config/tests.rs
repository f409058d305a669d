use std::collections::BTreeSet;

use super::*;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse("lookout.toml", text).map_err(|error| error.to_string())
}

fn refused(text: &str) -> String {
    parse(text).expect_err(text)
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(parse(""), Ok(Config::default()));
}

#[test]
fn every_default_reads_back_as_written() {
    let text: String = rows()
        .iter()
        .filter(|row| !row.default.is_empty())
        .map(|row| format!("{} = {}\n", row.key, row.default))
        .collect();
    assert!(text.contains("http.stall_s = 10\n") && text.contains("http.csrf = \"compat\"\n"), "{text}");
    assert_eq!(parse(&text), Ok(Config::default()));
}

#[test]
fn every_key_has_a_name_of_its_own_and_documentation() {
    let mut seen = BTreeSet::new();
    for row in rows() {
        assert!(seen.insert(row.key), "{} stands twice", row.key);
        assert!(row.docs.last().is_some_and(|doc| doc.ends_with('.')), "{} ends without a full stop", row.key);
    }
}

#[test]
fn every_key_refuses_a_foreign_kind_of_value_by_name_and_line() {
    for row in rows() {
        let error = refused(&format!("# a comment\n{} = 1979-05-27\n", row.key));
        assert!(error.starts_with(&format!("lookout.toml:2: {} must be ", row.key)), "{error}");
    }
}

#[test]
fn every_key_is_found_again_with_a_letter_missing() {
    for row in rows().iter().filter(|row| !row.key.ends_with("stall_s")) {
        let mut misspelt = row.key.to_owned();
        misspelt.remove(row.key.len() - 2);
        let error = refused(&format!("{misspelt} = 1"));
        assert_eq!(error, format!("lookout.toml:1: {misspelt} is no setting; did you mean {}?", row.key));
    }
}

#[test]
fn the_limits_of_numbers_hold_on_both_sides() {
    for (key, least, most) in [
        ("source.fps", "0.1", "240"),
        ("source.stall_s", "0.5", "60"),
        ("sound.rate", "4000", "384000"),
        ("sound.channels", "1", "32"),
        ("http.max_connections", "1", "1000000"),
        ("http.head_timeout_s", "1", "300"),
        ("users.password_min", "1", "12"),
    ] {
        for good in [least, most] {
            assert!(parse(&format!("{key} = {good}")).is_ok(), "{key} {good}");
        }
        for bad in ["0", "-1", "1000001", "nan", "inf", "-0.0", "99999999999999999999", "1e400"] {
            assert!(refused(&format!("{key} = {bad}")).contains(" must be a "), "{key} {bad}");
        }
    }
}

#[test]
fn values_arrive_in_their_fields() {
    let config = parse(
        r#"
        listen = ["[::]:80", "127.0.0.1:8081"]
        state = "/srv/lookout"
        source = { url = "demo:", size = "320x240", fps = 12.5, stall_s = 5 }
        sound = { microphone = "alsa:hw:1", rate = 48_000, channels = 2 }
        [http]
        plain_from = "any"
        hosts = ["camera.example"]
        allow_origins = ["http://home.example:8123"]
        max_connections = 0x10
        digest = true
        [profile]
        secrets = "plain"
        [log]
        level = "debug"
        "#,
    )
    .unwrap();
    assert_eq!(config.listen, ["[::]:80".parse().unwrap(), "127.0.0.1:8081".parse().unwrap()]);
    assert_eq!(config.state_dir(), Path::new("/srv/lookout"));
    assert_eq!(config.source.url, Some(Locator::Demo(String::new())));
    assert_eq!((config.source.size, config.source.fps), (Size::QVGA, 12.5));
    assert_eq!(config.source.stall, Duration::from_secs(5));
    assert_eq!(config.sound.microphone, SoundLocator::Alsa("hw:1".into()));
    assert_eq!((config.sound.rate, config.sound.channels), (48_000, 2));
    assert_eq!((config.http.plain_from, config.http.max_connections), (PlainFrom::Any, 16));
    assert_eq!(config.http.allow_origins, ["http://home.example:8123"]);
    assert_eq!((config.profile.secrets, config.log.level), (Secrets::Plain, Level::Debug));
}

#[test]
fn every_fault_is_one_sentence_with_file_and_line() {
    for (text, sentence) in [
        ("\n[http]\ndigset = true", "3: http.digset is no setting; did you mean http.digest?"),
        ("digest = true", "1: digest is no setting; did you mean http.digest?"),
        ("[htpp]\ndigest = true", "1: htpp is no table; did you mean http?"),
        ("frobnicate = 1", "1: frobnicate is no setting"),
        ("\"a\\nb c d\" = 1", "1: a\\nb c d is no setting"),
        ("http = 1", "1: http is a table: write [http] with its settings below"),
        ("[source]\n\nfps = \"fast\"", "3: source.fps must be a number from 0.1 to 240, not \"fast\""),
        ("log.level = \"loud\"", r#"1: log.level must be "error", "warn", "info", "debug" or "trace", not "loud""#),
        ("state = \"var\"", "1: state must be an absolute path, not \"var\""),
        (
            "http.server = \"a\\u000Db\"",
            "1: http.server must be 1 to 64 visible ASCII characters or blanks, not \"a\\u000Db\"",
        ),
        (
            "listen = [\n  \"0.0.0.0:80\",\n  \"8080\",\n]",
            "3: every entry of listen must be an address with a port, such as \"0.0.0.0:8080\" or \"[::]:8080\", not \"8080\"",
        ),
        ("\nlisten = []\ntls_listen = []", "2: listen and tls_listen are both empty: nobody could reach the camera"),
        (
            "listen = [\"0.0.0.0:80\"]\ntls_listen = [\"[::]:80\"]",
            "2: tls_listen cannot hold [::]:80 beside 0.0.0.0:80: both take port 80",
        ),
        ("[tls]\n\nkey = \"/k\"", "3: tls.key needs tls.cert, the file with its certificate"),
        (
            "[http]\ndigest = true",
            "2: http.digest needs profile.secrets = \"plain\", because a hashed password cannot answer Digest",
        ),
        ("[gpio]\ninput = \"lab:1\"\noutput = \"lab:1\"", "3: gpio.output and gpio.input cannot be the same line"),
        (
            "[serial]\nports = [\"/dev/ttyS0\", \"/dev/ttyS0\"]",
            "2: serial.ports names a device twice, and each is held by one port alone",
        ),
        (
            "[gpio]\noutput = \"led:ACT\"\nled = \"/sys/class/leds/ACT/\"",
            "3: gpio.led and gpio.output cannot be the same LED",
        ),
        (
            "[gpio]\noutput = \"led:ir\"\noutput_active_low = true",
            "3: gpio.output_active_low is of a line, and gpio.output is a LED, whose driver knows which way it lights",
        ),
        ("listen = []\nfps = 1\nfps = 2", "3: duplicate key"),
    ] {
        assert_eq!(refused(text), format!("lookout.toml:{sentence}"), "{text}");
    }
}

#[test]
fn of_several_faults_the_first_in_the_file_is_told() {
    assert!(refused("[source]\nfps = 0\n[http]\ndigest = 1").starts_with("lookout.toml:2: source.fps"));
}

#[test]
fn text_that_is_no_toml_is_refused_in_one_line() {
    for text in ["[http", "listen", "a = ", "a = 'b\n'", "= 1", "[[source]]\nfps=1", "\u{0}"] {
        let error = refused(text);
        assert!(error.starts_with("lookout.toml:1: ") && error.len() > 20 && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.toml");
    let error = Config::read(&missing).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: the file cannot be read: ", missing.display())), "{error}");
    let binary = folder.path().join("binary.toml");
    std::fs::write(&binary, b"listen = []\n\xff").unwrap();
    assert_eq!(
        Config::read(&binary).unwrap_err().to_string(),
        format!("{}:2: the file is not UTF-8 text", binary.display())
    );
}

#[test]
fn a_source_never_shows_what_may_be_a_password() {
    for (source, shown) in [
        ("http://me:canary@camera.example:81/video?pwd=canary#canary", "http://camera.example:81"),
        ("http://me:canary/canary@camera.example/video", "http://…"),
        ("https://camera.example/canary?pwd=x@canary", "https://…"),
        ("http://me:can@ary@camera.example", "http://camera.example"),
        ("exec:ffmpeg -i rtsp://me:canary@camera.example", "exec:ffmpeg"),
        ("exec:PASSWORD=canary /usr/bin/ffmpeg", "exec:ffmpeg"),
        ("v4l2:/dev/video0", "v4l2:/dev/video0"),
        ("demo:", "demo:"),
    ] {
        let source: Locator = source.parse().unwrap();
        assert_eq!((source.to_string(), format!("{source:?}")), (shown.to_owned(), shown.to_owned()));
    }
    for bad in ["http//me:canary@camera.example", "file:", "http://me:canary@camera\\u0007.example"] {
        let error = refused(&format!("source.url = \"{bad}\""));
        assert!(
            error.starts_with("lookout.toml:1: source.url must be a source: ") && !error.contains("canary"),
            "{error}"
        );
    }
}

#[test]
fn a_microphone_never_shows_what_may_be_a_password() {
    for (microphone, shown) in [
        ("exec:PASSWORD=canary /usr/bin/ffmpeg -i rtsp://me:canary@camera.example -f s16le -", "exec:ffmpeg"),
        ("alsa:hw:1", "alsa:hw:1"),
        ("own", "own"),
        ("none", "none"),
    ] {
        let microphone: SoundLocator = microphone.parse().unwrap();
        assert_eq!((microphone.to_string(), format!("{microphone:?}")), (shown.to_owned(), shown.to_owned()));
    }
    let error = refused("sound.microphone = \"ffmpeg -i rtsp://me:canary@camera.example\"");
    let sentence = "lookout.toml:1: sound.microphone must be a microphone: own, none, alsa:DEVICE or exec:COMMAND";
    assert_eq!(error, sentence);
}

#[test]
fn the_state_directory_is_the_usual_one_for_the_kind_of_process() {
    let usual = |variables: &[(&str, &str)], root| {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        usual_state_dir(find, root).display().to_string()
    };
    let home = ("HOME", "/home/me");
    assert_eq!(usual(&[home, ("STATE_DIRECTORY", "/var/lib/one:/var/lib/two")], false), "/var/lib/one");
    assert_eq!(usual(&[home], true), "/var/lib/lookout");
    assert_eq!(usual(&[home, ("XDG_STATE_HOME", "/state")], false), "/state/lookout");
    assert_eq!(usual(&[home, ("XDG_STATE_HOME", "relative")], false), "/home/me/.local/state/lookout");
    assert_eq!(usual(&[], false), "/var/lib/lookout");
}

#[test]
fn listeners_collide_only_where_binding_would_fail() {
    for (listen, good) in [
        (r#""0.0.0.0:80", "0.0.0.0:81""#, true),
        (r#""127.0.0.1:80", "127.0.0.2:80", "[::1]:80""#, true),
        (r#""0.0.0.0:0", "0.0.0.0:0""#, true),
        (r#""0.0.0.0:80", "[::1]:80""#, true),
        (r#""127.0.0.1:80", "0.0.0.0:80""#, false),
        (r#""0.0.0.0:80", "[::]:80""#, false),
        (r#""[::]:80", "127.0.0.1:80""#, false),
    ] {
        assert_eq!(parse(&format!("listen = [{listen}]")).is_ok(), good, "{listen}");
    }
}

#[test]
fn the_example_of_the_manual_is_good() {
    assert!(parse(manual::EXAMPLE).is_ok());
}

#[test]
fn the_manual_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manual/config.md");
    if std::env::var_os("LOOKOUT_DOCS").is_some_and(|value| value == "write") {
        std::fs::write(&file, manual()).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == manual(), "docs/manual/config.md is stale: run `cargo xtask docs`");
}

#[test]
fn q71_a_uvc_head_is_the_camera_that_is_named_or_the_sources() {
    let demo = "[source]\nurl = \"demo:\"\n[ptz]\nhead = \"uvc\"\n";
    let why = refused(demo);
    assert!(why.contains("lookout.toml") && why.ends_with(NO_HEAD), "{why}");
    let device =
        |text: &str, source: &str| parse(text).unwrap().head_device(&source.parse().unwrap()).map(Path::to_path_buf);
    let found = "[ptz]\nhead = \"uvc\"";
    assert_eq!(device(found, "v4l2:/dev/video1"), Some("/dev/video1".into()));
    assert_eq!(device(found, "demo:"), None, "whoever starts says so");
    assert_eq!(device(&format!("{demo}device = \"/dev/video2\""), "demo:"), Some("/dev/video2".into()));
    assert_eq!(device(&format!("{found}\ndevice = \"/dev/video2\""), "v4l2:/dev/video1"), Some("/dev/video2".into()));
}
