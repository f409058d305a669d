//! What each CGI takes and answers, beyond what its row says: for the manual and for the description in OpenAPI.

use super::{
    commands::{Command, Group, Guard, Op, Page, Parcel, Run},
    listing::name,
    params::{Param, params},
    settings::{Baud, IMAGE_PARAMS, LineLevel, Resolution, Settings},
    view::View,
    wire::{Int, Kind, Password, Value, Wire as _},
};

/// A parameter of a request, or a value of a listing.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it takes, or holds.
    pub kind: Kind,
    /// Whether a request without it is refused.
    pub must: bool,
    /// Its value in the factory state, where it is a setting and no secret.
    pub factory: Option<Value>,
    /// What it is.
    pub doc: &'static str,
}

impl Entry {
    fn may(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, must: false, factory: None, doc }
    }

    fn must(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { must: true, ..Self::may(name, kind, doc) }
    }
}

/// What a CGI answers when it succeeds; always with status 200.
#[derive(Clone, Debug)]
pub enum Output {
    /// `ok.`, or the file that `next_url` names.
    Ok,
    /// A listing: `var name=value;` lines.
    Vars(Vec<Entry>),
    /// An array for each, with an item for whatever was found; the last is how many there are.
    Arrays(Vec<Entry>),
    /// Something of this content type.
    Body(&'static str, &'static str),
}

/// How arrays are written.
pub const ARRAYS: &str = "`var name=new Array();` for each but the last, then for each thing that was found, counted from 0, `name[0]=value;`, \
                          and at the end how many there are, `var name=number;`.";

/// A text as long as the head of a request may be (PROFILE 1.1).
const LONG: Kind = Kind::Text(16 * 1024);
/// A text as long as the journal's listing may be (RULES F33).
const JOURNAL: Kind = Kind::Text(64 * 1024);
const RESOLUTION: &str = "Size of the picture; also in words such as `VGA`, `320x240`, `160*120`. Anything else is ignored \
                          (Q10, Q14).";

const MAIL: &str = "0 sent, -1 cannot connect, -2 network error, -3 server error, -4 wrong user, -5 wrong password, -6 sender rejected, \
                    -7 receiver rejected, -8 body rejected, -9 authentication not accepted (PROFILE 4.2, Q60).";
const FTP: &str = "0 stored, -1 cannot connect, -2 network error, -3 server error, -4 wrong user, -5 wrong password, -6 wrong \
                   directory, -7 PASV failed, -8 PORT failed, -9 STOR failed (PROFILE 4.3).";

const COMMAND: &str = "What is done: 0 up, 2 down, 4 left, 6 right until 1, 3, 5 or 7; the others are in PROFILE 5.4. Numbers that are \
                       no command are illegal; those that this camera's head does not know are not supported. One that sets a \
                       preset or switches something is guarded as a change (Q65).";

const HEAD: &str = "`kind` (`none`, `digital`, `pelco-d`, `uvc`), `lost`, `moving`, `patrol` (`none`, `horizontal`, `vertical`), and where \
                    the head knows it `pan`, `tilt` and `zoom`, 0 to 1; `presets`: of each that is set `preset`, `name` and whether \
                    there is a `picture` (Q67).";

const NOW: &str = "`alias`; `alarm`: what began the alarm that lasts (`motion`, `input`, `sound`), else `null`; `forbidden`: whether nothing \
                   leaves the camera; `streams`: how many of picture or sound go out, those of other cameras among them; `motion`: \
                   `score`, the share of the picture that moved, 0 to 1, at most 3 s ago, and `threshold`, from which on it is motion; \
                   `null` where nothing is looked for; `devices`: `number` (2 to 9) and `alias` of the other cameras. For managers also \
                   `watching`, the streams that go out, the oldest first, and `came`, the last 32 who asked for picture or sound, the newest \
                   first: `user`, `from` (address), `agent` (what the program says that it is, at most 120 characters), `path`, and how many \
                   `seconds` ago; `confirm_s`: in how many seconds a change of the network comes back, else `null`; `network_managed`: \
                   whether the machine's network follows the settings; `setup_done`, a boolean (Q86, Q87).";
const FORMS: &str = "For each CGI that sets something, by its name: `doc`, `login` (names of the two parameters), and `fields`: of each setting \
                     that a listing shows `name`, `wire` (how it is set), `list` and `listed` (where it is shown, and how), `must`, `doc`, `kind`, \
                     and, where there are such, `min` and `max` (a number's limits; of a text the most bytes), `choices` (values and words) and \
                     `factory`. Kinds: `text`, `secret`, `host`, `mail`, `url`, `int`, `flag` (0 or 1), `choice` (a number), `one-of` (a word), \
                     `ip`, `mac`, `hours` (32 quarter-hours, the first the lowest bit), `mask` (PROFILE 4.4, Q56), `seconds`, `place`.";

const DRILL: &str = "`passed`: whether no link failed; `links`: of mail, ftp, http, output, preset and mqtt each a `result` \
                     (done, failed, off) and `words`. Within 60 s; one at a time (Q61).";

/// Gives the parameters that a CGI takes in its query, in the order of the table, the login left out.
pub fn inputs(command: &Command) -> Vec<Entry> {
    let mut all = match command.run {
        Run::Set(group) => settings(group),
        Run::Do(op) => of(op),
        Run::Take(Parcel::Params) => restore(),
        Run::List(_) | Run::Take(Parcel::Pages | Parcel::Firmware) => Vec::new(),
    };
    if command.guard != Guard::Read {
        all.push(Entry::may("next_url", LONG, "File of the web UI that is answered instead of `ok.` (PROFILE 1.4)."));
    }
    all
}

fn restore() -> Vec<Entry> {
    let old = "The password of whoever made the backup, where the request itself brings another one (Q46).";
    vec![
        Entry::may("backup_pwd", Kind::Secret(Password::MAX), old),
        Entry::may("users", Kind::Flag, "1: of a vendor's file, the accounts as well (Q45)."),
        Entry::may("network", Kind::Flag, "1: of a vendor's file, the network as well (Q45)."),
    ]
}

fn of(op: Op) -> Vec<Entry> {
    let resolution = || Entry::may("resolution", Resolution::KIND, RESOLUTION);
    match op {
        Op::Snapshot | Op::DeviceSnapshot => {
            vec![resolution(), Entry::may("next_url", LONG, "File name of the picture, without a path (Q12).")]
        }
        Op::Stream | Op::Asf | Op::DeviceStream => {
            let rate = "Shortest time between two pictures: 0 none, 1 50 ms, 3 66.7 ms, 6 100 ms, 11 200 ms, 12 250 ms, 13 333 ms, \
                        14 500 ms, 15 1 s, 17 2 s, 19 3 s, 21 4 s, 23 5 s; codes between mean the next higher one (Q11).";
            vec![resolution(), Entry::may("rate", Kind::Int(0, 23), rate)]
        }
        Op::Wav => {
            let codec = "How a sample is written: `pcm` 16 bits, signed, little-endian; `ulaw` 8 bits, G.711. `pcm` if not given.";
            vec![Entry::may("codec", Kind::Words(&["pcm", "ulaw"]), codec)]
        }
        Op::CameraControl => {
            let value = "Its value: what get_camera_params.cgi lists under that name, within the limits there.";
            vec![
                Entry::must("param", Kind::Choice(IMAGE_PARAMS), "Which image setting."),
                Entry::must("value", Kind::Int(0, 255), value),
            ]
        }
        Op::SetDatetime => {
            let now = "Sets the camera's clock: seconds since 1970 UTC, 0 to 4294967295 (Q33).";
            settings(Group::Datetime).into_iter().chain([Entry::may("now", Kind::Seconds, now)]).collect()
        }
        Op::SetDdns => {
            let again = "1: what the service has refused for good is tried again.";
            let again = Entry::may("restart_dyndns", Kind::Flag, again);
            settings(Group::Ddns).into_iter().chain([again]).collect()
        }
        Op::Input => vec![Entry::must("level", LineLevel::KIND, "The level of the input.")],
        Op::Decoder => vec![
            Entry::must("command", Kind::Int(0, 255), COMMAND),
            Entry::may("onestep", Kind::Flag, "1: a small move that stops by itself; of 0, 2, 4 and 6 alone."),
            Entry::may(
                "degree",
                Kind::Int(1, 90),
                "How far a small move goes, in degrees; not given: a usual step (Q66).",
            ),
        ],
        Op::CommWrite => vec![
            Entry::must("port", Kind::Int(0, 3), "Which serial port (`serial.ports`)."),
            Entry::must("baud", Baud::KIND, "Its speed, bit/s."),
            Entry::must(
                "bytes",
                Kind::Int(0, 255),
                "How many bytes of `data` are written, at least one; what is no number means all of them.",
            ),
            Entry::must("data", LONG, "What is written: any bytes, URL-encoded."),
        ],
        Op::SetPreset => vec![
            Entry::must("preset", <Int<1, 32>>::KIND, "Which preset."),
            Entry::may(
                "action",
                Kind::Words(&["set", "name", "clear", "go"]),
                "What is done with it: it is kept where the head is, named, forgotten, or gone to. `set` if not given.",
            ),
            Entry::may("name", Kind::Text(32), "What people call it; not given: as before."),
        ],
        Op::PresetPicture => vec![Entry::must("preset", <Int<1, 32>>::KIND, "Which preset.")],
        Op::Head
        | Op::Now
        | Op::Forms
        | Op::CheckUser
        | Op::WifiScan
        | Op::WifiScanResult
        | Op::Reboot
        | Op::RestoreFactory
        | Op::Log
        | Op::TestMail
        | Op::TestFtp
        | Op::Drill
        | Op::Events
        | Op::Backup
        | Op::BuiltInPages
        | Op::OpenApi
        | Op::Metrics
        | Op::Health
        | Op::File => Vec::new(),
    }
}

/// Gives what a CGI answers when it succeeds.
pub fn output(command: &Command) -> Output {
    match command.run {
        Run::Set(_) | Run::Take(_) => Output::Ok,
        Run::List(page) => Output::Vars(listed(page)),
        Run::Do(op) => match op {
            Op::TestMail => Output::Vars(vec![Entry::may("result", Kind::Int(-9, 0), MAIL)]),
            Op::TestFtp => Output::Vars(vec![Entry::may("result", Kind::Int(-9, 0), FTP)]),
            Op::Events => Output::Body(
                "application/json",
                "An array of at most 64 KiB, what was decided last at its end: `cause` (`motion`, `input`, `sound`), `reason`, `first` and \
                 `last` (ISO 8601, UTC, on the camera's clock), `count`, and `most`, the strongest as a share of the picture or of full \
                 scale, 0 to 1 (Q59).",
            ),
            Op::Drill => Output::Body("application/json", DRILL),
            Op::Head => Output::Body("application/json", HEAD),
            Op::Now => Output::Body("application/json", NOW),
            Op::Forms => Output::Body("application/json", FORMS),
            Op::PresetPicture => {
                Output::Body("image/jpeg", "A JPEG of at most 320 pixels across; 404 if there is none.")
            }
            Op::Decoder | Op::CommWrite | Op::SetPreset | Op::SetDdns | Op::WifiScan => Output::Ok,
            Op::WifiScanResult => Output::Arrays(scanned()),
            Op::Input | Op::CameraControl | Op::SetDatetime | Op::Reboot | Op::RestoreFactory | Op::BuiltInPages => {
                Output::Ok
            }
            Op::CheckUser => Output::Vars(vec![
                Entry::may("user", Kind::Text(12), "The caller's name."),
                Entry::may("pwd", Kind::Secret(Password::MAX), "The password that the request itself brought."),
                Entry::may("pri", Kind::Int(1, 3), "1 visitor, 2 operator, 3 manager (Q3)."),
            ]),
            Op::Log => Output::Vars(vec![Entry::may(
                "log_text",
                JOURNAL,
                "The journal, newest entries last, each ended by `\\n` (PROFILE 5.9).",
            )]),
            Op::Snapshot | Op::DeviceSnapshot => Output::Body("image/jpeg", "A JPEG."),
            Op::Stream | Op::DeviceStream => Output::Body(
                "multipart/x-mixed-replace",
                "JPEGs without end, a part each, with the boundary `ipcamera` (PROFILE 5.1).",
            ),
            Op::Asf => Output::Body("video/x-ms-asf", "MJPEG and IMA ADPCM without end (PROFILE 5.3)."),
            Op::Wav => Output::Body("audio/wav", "Samples without end, behind a header that tells no length."),
            Op::Backup => Output::Body("application/octet-stream", "`params.bin` (PROFILE 5.12)."),
            Op::OpenApi => Output::Body("application/json", "This description."),
            Op::Metrics => Output::Body("application/openmetrics-text", "OpenMetrics text."),
            Op::Health => Output::Body("text/plain", "`ok` and a line feed."),
            Op::File => Output::Body(file_type(command.paths[0]), "The file."),
        },
    }
}

fn file_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("svg") => "image/svg+xml",
        Some(_) | None => "text/html",
    }
}

/// Gives the settings that a CGI sets, by their names on the wire.
fn settings(group: Group) -> Vec<Entry> {
    let factory = Settings::factory();
    let view = View::of(&factory);
    let entry = |row: &'static Param| Entry {
        name: row.wire,
        kind: row.kind,
        must: row.must,
        factory: factory_value(row, &view),
        doc: row.doc,
    };
    params().filter(|row| row.group == Some(group)).map(entry).collect()
}

/// Gives the value of a setting in a view of the factory state; none of secrets and of what is only shown.
pub fn factory_value(row: &Param, view: &View) -> Option<Value> {
    let value = row.edit.as_ref().map(|_| (row.show)(view))?;
    match value {
        Value::Int(_) | Value::Text(_) => Some(value),
        Value::Secret(_) | Value::Sealed(_) => None,
    }
}

/// Gives the arrays with an item for each network that was found, and how many there are (PROFILE 5.8).
fn scanned() -> Vec<Entry> {
    let locks = "How each is locked: 0 not at all, 1 WEP, 2 WPA-PSK TKIP, 3 WPA-PSK AES, 4 WPA2-PSK AES, 5 WPA2-PSK TKIP, 6 otherwise.";
    vec![
        Entry::may("ap_bssid", Kind::Text(12), "The address of each, 12 hexadecimal digits."),
        Entry::may("ap_ssid", Kind::Text(32), "Its name, of any bytes (Q72)."),
        Entry::may("ap_mode", Kind::Int(0, 1), "0 an access point, 1 a station of an ad-hoc network."),
        Entry::may("ap_security", Kind::Int(0, 6), locks),
        Entry::may("ap_number", Kind::Int(0, 256), "How many there are."),
    ]
}

/// Gives what a listing shows, in its order.
fn listed(page: Page) -> Vec<Entry> {
    let rows = params().filter(|row| row.pages.contains(&page));
    rows.map(|row| Entry::may(name(page, row), row.kind, row.doc)).collect()
}
