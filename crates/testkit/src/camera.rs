//! The camera under test: the built binary as a process of its own, which can be killed like one.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{
    client::{Client, encode},
    eventually,
};

/// A user's name and password.
pub type Account = (&'static str, &'static str);

/// The manager of every camera under test.
pub const ADMIN: Account = ("admin", "Mana&er=pw 1");
/// The operator of every camera under test.
pub const OPERATOR: Account = ("oper", "0perator?pw2");
/// The visitor of every camera under test.
pub const VIEWER: Account = ("viewer", "V!sitor+pw%3");

/// How a camera is to be started.
pub struct Setup<'a> {
    /// The built program.
    pub binary: &'a str,
    /// The configuration file.
    pub config: &'a str,
    /// What to show.
    pub source: &'a str,
    /// Whether to speak HTTPS as well.
    pub tls: bool,
}

/// A configuration by which services of dynamic DNS are not reached, and nobody is asked for the public address.
const NOBODY: &str = "\n[ddns]\ncheck_urls = []\ndyndns_url = \"http://127.0.0.1:9/\"\ndyn3322_url = \"http://127.0.0.1:9/\"\n\
                      oray_url = \"http://127.0.0.1:9/\"\n";

/// A camera that runs until it is dropped.
pub struct Camera {
    binary: PathBuf,
    args: Vec<String>,
    child: Child,
    dir: TempDir,
    /// Where it speaks HTTP.
    pub http: SocketAddr,
    /// Where it speaks HTTPS.
    pub https: Option<SocketAddr>,
    /// What it printed at its start (`--json`).
    pub said: serde_json::Value,
}

impl Camera {
    /// Starts a camera with the demo scene, a state folder of its own and the three accounts.
    pub fn start(binary: &str, config: &str) -> Self {
        Self::setup(&Setup { binary, config, source: "demo:?size=160x120&fps=30", tls: false })
    }

    /// Starts a camera.
    pub fn setup(setup: &Setup<'_>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("lookout.toml");
        // No test asks the Internet for the time; one of the clock names its own server.
        let clock = if setup.config.contains("[clock]") { "" } else { "\n[clock]\nntp = false\n" };
        // Nor who it is, nor has it told anybody: what one of them sets leads nowhere.
        let ddns = if setup.config.contains("[ddns]") { "" } else { NOBODY };
        fs::write(&config, format!("{}{clock}{ddns}", setup.config)).unwrap();
        let state = dir.path().join("state");
        let mut args: Vec<String> =
            ["run", "--json", "--listen", "127.0.0.1:0", "--source", setup.source].map(str::to_owned).into();
        args.extend(["--config".into(), config.display().to_string(), "--state".into(), state.display().to_string()]);
        if setup.tls {
            args.extend(["--tls-listen".into(), "127.0.0.1:0".into()]);
        }
        let binary = PathBuf::from(setup.binary);
        let (child, said) = spawn(&binary, &args, dir.path(), true);
        let (http, https) = addresses(&said);
        let camera = Self { binary, args, child, dir, http, https, said };
        // The login in the query passes in every mode of the guard.
        let login = encode([("user", ADMIN.0), ("pwd", ADMIN.1)]);
        let accounts = users(&[ADMIN_KEPT, VIEWER_KEPT, OPERATOR_NEW]);
        camera.client().get(&format!("/set_users.cgi?{login}&{accounts}")).ok();
        camera
    }

    /// Returns a client with a loopback address of its own, not logged in.
    pub fn client(&self) -> Client {
        Client::new(self.http)
    }

    /// Returns a client logged in as the manager with Basic.
    pub fn admin(&self) -> Client {
        self.client().basic(ADMIN)
    }

    /// Returns a client logged in as the operator with Basic.
    pub fn operator(&self) -> Client {
        self.client().basic(OPERATOR)
    }

    /// Returns a client logged in as the visitor with Basic.
    pub fn viewer(&self) -> Client {
        self.client().basic(VIEWER)
    }

    /// Returns a counter of `/metrics`; 0 where it is not there yet. Waits while all connections are taken.
    pub fn metric(&self, name: &str) -> f64 {
        let mut reply = None;
        eventually("the metrics are told", || {
            reply = Some(self.viewer().get("/metrics")).filter(|reply| reply.status == 200);
            reply.is_some()
        });
        let reply = reply.unwrap();
        let line = reply.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap_or_else(|_| panic!("{name} {value}")))
    }

    /// Returns everything that the camera has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// Returns the state folder.
    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Returns the configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("lookout.toml")
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the camera as a power cut would.
    pub fn kill(&mut self) {
        // One that is gone already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until the camera has started anew in the same process, and said so.
    pub fn started_anew(&mut self) {
        self.said = said(&mut self.child, self.dir.path());
        (self.http, self.https) = addresses(&self.said);
    }

    /// Waits until the process has ended by itself; returns its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        let mut ended = None;
        eventually("the camera ends", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap().code()
    }

    /// Starts it again, with the same state, on other ports.
    pub fn restart(&mut self) {
        self.kill();
        self.spawn(true);
    }

    /// Starts it again, once it has ended, and waits for nothing: it may end at once.
    pub fn start_only(&mut self) {
        self.child = process(&self.binary, &self.args, self.dir.path(), true);
    }

    /// Starts it again, on an address that its operator names.
    pub fn restart_on(&mut self, address: SocketAddr) {
        let at = self.args.iter().position(|arg| arg == "--listen").unwrap();
        self.args[at + 1] = address.to_string();
        self.restart();
    }

    /// Starts it again without telling it any passwords.
    pub fn restart_without_passwords(&mut self) {
        self.kill();
        self.spawn(false);
    }

    /// Asks it to end, as a service manager does.
    pub fn terminate(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    fn spawn(&mut self, passwords: bool) {
        (self.child, self.said) = spawn(&self.binary, &self.args, self.dir.path(), passwords);
        (self.http, self.https) = addresses(&self.said);
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.kill();
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("the camera's log:\n{log}");
            return;
        }
        // Whatever a test was about: no input makes the camera panic, and no password reaches its log or its journal.
        assert!(!log.contains("panicked at"), "{log}");
        let journal = fs::read_to_string(self.state().join("journal.log")).unwrap_or_default();
        for (_, password) in [ADMIN, OPERATOR, VIEWER] {
            assert!(!log.contains(password), "{log}");
            // Their first four characters are in nothing else, and the journal writes odd ones as others.
            assert!(!journal.contains(&password[..4]), "{journal}");
        }
    }
}

const ADMIN_KEPT: (&str, &str, &str) = (ADMIN.0, "********", "2");
const VIEWER_KEPT: (&str, &str, &str) = (VIEWER.0, "********", "0");
const OPERATOR_NEW: (&str, &str, &str) = (OPERATOR.0, OPERATOR.1, "1");

/// Writes the query of `set_users.cgi`: name, password and privilege of the first accounts, the others empty.
pub fn users(accounts: &[(&str, &str, &str)]) -> String {
    let empty = [("", "", "0")];
    let all = accounts.iter().chain(empty.iter().cycle()).take(8).zip(1..);
    let queries = all.map(|((name, pwd, pri), n)| {
        let [user_n, pwd_n, pri_n] = ["user", "pwd", "pri"].map(|kind| format!("{kind}{n}"));
        encode([(user_n.as_str(), *name), (&pwd_n, pwd), (&pri_n, pri)])
    });
    queries.collect::<Vec<_>>().join("&")
}

fn spawn(binary: &Path, args: &[String], dir: &Path, passwords: bool) -> (Child, serde_json::Value) {
    let mut child = process(binary, args, dir, passwords);
    let said = said(&mut child, dir);
    (child, said)
}

fn process(binary: &Path, args: &[String], dir: &Path, passwords: bool) -> Child {
    let log = File::options().create(true).append(true).open(dir.join("log")).unwrap();
    let [admin, viewer] = if passwords { [ADMIN.1, VIEWER.1] } else { ["", ""] };
    Command::new(binary)
        .args(args)
        .env("LOOKOUT_ADMIN_PASSWORD", admin)
        .env("LOOKOUT_VIEWER_PASSWORD", viewer)
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", binary.display()))
}

/// Reads the line that a camera prints when it has started.
fn said(child: &mut Child, dir: &Path) -> serde_json::Value {
    let mut line = String::new();
    // It prints no more than this one: nothing is lost in the reader.
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| {
        // It ends on its own, as it said nothing.
        let _ = child.wait();
        panic!("the camera did not start:\n{}", fs::read_to_string(dir.join("log")).unwrap_or_default())
    })
}

fn addresses(said: &serde_json::Value) -> (SocketAddr, Option<SocketAddr>) {
    let address = |key: &str| said[key].as_str().map(|text| text.parse().unwrap());
    (address("http").unwrap(), address("https"))
}

/// Runs the program to its end, with something on its standard input.
pub fn lookout(binary: &str, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(binary)
        .args(args)
        .env_remove("LOOKOUT_ADMIN_PASSWORD")
        .env_remove("LOOKOUT_VIEWER_PASSWORD")
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends without reading its input closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}
