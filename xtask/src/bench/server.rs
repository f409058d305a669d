//! The servers that are measured beside each other, each started on the server's core with a feed of its own on the
//! other one.

use std::{
    env, fs,
    io::Write as _,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::{
    cases::Head,
    feed::{Feed, Tone},
    guard::MOTION,
    picture::Picture,
    process::{Cores, Running, pinned},
    stamp::Stamp,
};

/// What is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The daemon.
    Lookout,
    /// Another version of it.
    Before,
    /// The floor for push streams.
    Raw,
    /// The floor for push streams over HTTPS.
    RawTls,
    /// Debian's nginx, which serves one picture as a file.
    Nginx,
    /// A bare hyper.
    Hello,
    /// Debian's motion, which looks for motion in a stream and serves none.
    Motion,
}

/// What every measurement of a run has in common.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where everything runs.
    pub cores: Cores,
    /// The daemon's program.
    pub daemon: PathBuf,
    /// The program of another version, if there is one to compare with.
    pub before: Option<PathBuf>,
}

/// A running server; stopped, with its feed and its files, when dropped.
pub struct Server {
    /// Its process.
    pub process: Running,
    /// Plain HTTP.
    pub http: SocketAddr,
    /// HTTPS, where it has it.
    pub https: Option<SocketAddr>,
    _folder: TempDir,
}

/// The password of both accounts during a measurement.
pub const PASSWORD: &str = "measured";
/// The longest a server may take to start.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Where Debian puts it; not on everybody's `PATH`.
const NGINX: &str = "/usr/sbin/nginx";

impl Kind {
    /// Names it in the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Lookout => "Lookout",
            Self::Before => "the other version",
            Self::Raw => "raw",
            Self::RawTls => "raw rustls",
            Self::Nginx => "nginx",
            Self::Hello => "bare hyper",
            Self::Motion => "Debian's motion",
        }
    }

    /// Says whether it is the daemon, in whichever version.
    pub fn is_daemon(self) -> bool {
        matches!(self, Self::Lookout | Self::Before)
    }

    /// Says whether it can be started here.
    pub fn is_here(self) -> bool {
        match self {
            Self::Nginx => fs::exists(NGINX).unwrap_or(false),
            Self::Motion => fs::exists(MOTION).unwrap_or(false),
            Self::Lookout | Self::Before | Self::Raw | Self::RawTls | Self::Hello => true,
        }
    }

    /// Starts it and waits until it says, or shows, that it listens.
    pub fn start(self, feed: Feed, sound: bool, head: Head, bench: &Setup) -> Result<Server> {
        let cores = bench.cores;
        let folder = tempfile::tempdir()?;
        let feed = Feed { pin: Some(cores.load), ..feed };
        let own = own_program()?;
        let mut command = match self {
            Self::Nginx => return start_nginx(feed, cores, folder),
            Self::Motion => bail!("motion serves nobody"),
            Self::Hello => {
                let mut command = pinned(cores.server, &own)?;
                command.arg("bench-hello");
                command
            }
            Self::Raw | Self::RawTls => {
                let mut command = pinned(cores.server, &own)?;
                command.arg("bench-raw").args(&feed.arguments()[1..]);
                command.args((self == Self::RawTls).then_some("--tls"));
                command
            }
            Self::Lookout | Self::Before => {
                let daemon = if self == Self::Before {
                    bench.before.as_ref().context("no other version was named")?
                } else {
                    &bench.daemon
                };
                let source = format!("exec:{own} {}", feed.arguments().join(" "));
                let mut command = lookout(daemon, &source, cores, folder.path())?;
                if head != Head::Whole {
                    let mut config = fs::File::options().append(true).open(folder.path().join("lookout.toml"))?;
                    config.write_all(b"[ptz]\nview = \"640x480\"\n")?;
                }
                if sound {
                    command.args(["--microphone", &format!("exec:{}", Tone::command(&own, cores.load))]);
                }
                command
            }
        };
        let log = folder.path().join("stderr");
        let (process, line) = Running::start_and_read_line(command.stderr(fs::File::create(&log)?), PATIENCE)
            .with_context(|| {
                format!("{} did not start: {}", self.title(), fs::read_to_string(&log).unwrap_or_default())
            })?;
        let said: serde_json::Value = serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
        let address = |name: &str| said.get(name)?.as_str()?.parse().ok();
        let http = address("http").with_context(|| format!("no address of {} in {line}", self.title()))?;
        Ok(Server { process, http, https: address("https"), _folder: folder })
    }
}

/// Returns this program's own path.
pub fn own_program() -> Result<String> {
    path_text(&env::current_exe()?)
}

/// Returns a path as text that a command line of ours can hold.
pub fn path_text(path: &Path) -> Result<String> {
    let text = path.to_str().context("a path that is not UTF-8")?;
    if text.contains(char::is_whitespace) {
        bail!("the source's command cannot hold the blank in {text}");
    }
    Ok(text.to_owned())
}

/// Prepares the daemon with limits that let the whole crowd in from one address.
pub fn lookout(daemon: &Path, source: &str, cores: Cores, folder: &Path) -> Result<Command> {
    let config = folder.join("lookout.toml");
    fs::write(&config, "[http]\nmax_connections = 4096\nmax_per_address = 4096\n[clock]\nntp = false\n")?;
    let state = folder.join("state");
    fs::create_dir(&state)?;
    let mut command = pinned(cores.server, &path_text(daemon)?)?;
    command.args(["run", "--json", "--source", source, "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"]);
    command.arg("--config").arg(config).arg("--state").arg(state);
    command.env("LOOKOUT_ADMIN_PASSWORD", PASSWORD).env("LOOKOUT_VIEWER_PASSWORD", PASSWORD);
    Ok(command)
}

/// Starts nginx with one worker that serves one picture, without an access log.
fn start_nginx(feed: Feed, cores: Cores, folder: TempDir) -> Result<Server> {
    // nginx takes no port 0: one that was free a moment ago has to do.
    let http = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let path = folder.path();
    fs::write(path.join("picture.jpg"), Picture::new(feed.bytes)?.stamped(Stamp { seq: 1, at_ns: 1 }))?;
    let here = path_text(path)?;
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
        .concat();
    let config = format!(
        "daemon off; master_process off; pid {here}/pid; error_log {here}/log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; types {{ image/jpeg jpg; }}\n{temporary}\
         server {{ listen {http}; root {here}; }} }}\n"
    );
    fs::write(path.join("nginx.conf"), config)?;
    let mut command = pinned(cores.server, NGINX)?;
    command.args(["-p", &here, "-e", "log", "-c", "nginx.conf"]);
    let process = Running::start(command.stderr(fs::File::create(path.join("stderr"))?))?;
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(http).is_err() {
        if Instant::now() > deadline {
            bail!("nginx did not start: {}", fs::read_to_string(path.join("stderr")).unwrap_or_default());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(Server { process, http, https: None, _folder: folder })
}
