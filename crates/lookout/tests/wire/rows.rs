//! A request for every row of the table that changes or moves something, for the rules that hold for all of them.

use std::fs;

use lookout_core::profile::commands::{BESIDE, Command, Guard, Op, PROFILE, Run};
use lookout_testkit::{ADMIN, Camera, Client, OPERATOR, Reply, VIEWER, users};

use crate::settings::mandatory;

/// What a row is asked.
pub struct Row {
    /// The row.
    pub command: &'static Command,
    /// A query that changes something of the factory state; none where the row restarts the camera or takes a file.
    pub changes: Option<String>,
    /// Whether what it changes is stored.
    pub stores: bool,
    /// A query that it refuses.
    pub refused: &'static str,
}

/// Returns all settings, also those that no listing shows yet; but for hashes of passwords, which differ each time.
pub fn stored(camera: &Camera) -> Vec<String> {
    let text = fs::read_to_string(camera.state().join("settings.toml")).unwrap();
    let plain = |line: &&str| !line.starts_with('#') && !line.contains("argon2");
    text.lines().filter(plain).map(str::to_owned).collect()
}

/// Returns all rows that change or move something; panics for one that is not known here.
pub fn changing() -> Vec<Row> {
    let rows = PROFILE.iter().chain(BESIDE).filter(|command| command.guard != Guard::Read);
    rows.map(row).collect()
}

fn row(command: &'static Command) -> Row {
    let name = command.paths[0].trim_start_matches('/').trim_end_matches(".cgi");
    let must = mandatory().into_iter().find(|(cgi, ..)| *cgi == name);
    let must =
        must.map(|(_, must, may)| (format!("{must} {may}").split_whitespace().collect::<Vec<_>>().join("&"), ""));
    let (changes, refused) = must.unwrap_or_else(|| match (name, command.run) {
        ("camera_control", _) => ("param=1&value=7".into(), "param=1&value=256"),
        ("set_users", _) => {
            let accounts = [(ADMIN.0, "********", "2"), (VIEWER.0, "********", "0"), (OPERATOR.0, "********", "1")];
            (users(&[&accounts[..], &[("new one", "long enough", "0")]].concat()), "user1=x")
        }
        ("set_datetime", _) => ("tz=3600&ntp_svr=other".into(), "tz=3600&ntp_enable=2"),
        ("set_ftp", _) => ("svr=host&dir=a+b".into(), "svr=host&port=65536"),
        ("set_alarm", _) => ("motion_armed=1&schedule_sun_0=-1".into(), "motion_armed=2"),
        ("set_misc", _) => ("led_mode=2&ptz_patrol_rate=9".into(), "led_mode=3"),
        ("set_factory_ddns", _) => ("service=9&host=h".into(), "service=13"),
        ("input", _) => ("level=1".into(), "level=2"),
        // Without a port it writes nothing.
        ("comm_write", _) => (String::new(), ""),
        ("decoder_control", _) => ("command=30".into(), "command=96"),
        ("set_preset", _) => ("preset=2&name=door".into(), "preset=33"),
        ("set_privacy", _) => ("now=1".into(), "now=2"),
        ("set_setup", _) => ("done=1".into(), "done=2"),
        (_, Run::Do(Op::TestMail | Op::TestFtp | Op::Drill)) => (String::new(), ""),
        // Without a backend there is nothing to scan with.
        (_, Run::Do(Op::WifiScan)) => (String::new(), ""),
        // Without a serial port it changes nothing.
        (_, Run::Do(Op::CommWrite)) => (String::new(), ""),
        (_, Run::Take(_) | Run::Do(Op::Reboot | Op::RestoreFactory | Op::BuiltInPages)) => (String::new(), ""),
        (other, _) => panic!("{other} is not known here"),
    });
    let stores = command.run != Run::Do(Op::Input);
    Row { command, changes: Some(changes).filter(|changes| !changes.is_empty()), stores, refused }
}

impl Row {
    /// Sends it, with a body where it takes a file.
    pub fn send(&self, client: &Client, query: &str) -> Reply {
        let target = format!("{}?{query}", self.command.paths[0]);
        if !self.command.post {
            return client.get(&target);
        }
        client.post(&target, b"x")
    }
}
