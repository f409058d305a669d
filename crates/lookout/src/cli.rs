//! What the command line does: `run`, `status`, `check`, `passwd`, `reset`, `drill`; and for builders `keygen`, `sign`.
//!
//! Exit codes: 0 done, 1 failed, of `drill` also that a link of the chain did, of `status` that no camera runs well, 2 wrong
//! command line, 78 wrong configuration, or a state folder that only a person can put right (`EX_CONFIG`).

mod drill;
mod first_minute;
mod sign;
mod status;

use std::{
    ffi::OsString,
    io::{self, BufRead as _, IsTerminal as _},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use crate::{
    By, FirstPasswords, Locator, SoundLocator, StartError, StateError, Store,
    config::{Config, Glance},
    journal, log, rules,
    sandbox::{self, Sandbox},
    setup,
    upgrade::{self, Started},
};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use lookout_core::profile::wire::Secret;
use lookout_linux::handover;
use tokio::signal::unix::{SignalKind, signal};

/// Turns this machine into an IP camera that speaks the classic CGI profile.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs the camera.
    Run {
        #[command(flatten)]
        machine: Machine,
        /// Prints what the first lines say as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Says whether the camera of this machine runs and is well, where it is reached, and the login that its first start made, as
    /// long as that holds. Exit code 0: it is well.
    Status {
        #[command(flatten)]
        machine: Known,
    },
    /// Validates the configuration, probes the source and the microphone, and prints what it found.
    Check {
        #[command(flatten)]
        machine: Machine,
    },
    /// Sets a user's password, read from the terminal or from standard input. The camera must not be running.
    Passwd {
        #[command(flatten)]
        machine: Machine,
        /// The user, such as admin.
        user: String,
    },
    /// Goes back to the factory state: the next start makes new passwords. The camera must not be running.
    Reset {
        #[command(flatten)]
        machine: Machine,
    },
    /// Sends a marked alarm through the whole chain of a camera that runs (mail, FTP, HTTP call, output, preset, MQTT), and
    /// says of each link what came of it. Exit code 0: no link failed; 1: one did, or the camera could not be asked.
    #[command(after_help = drill::HELP)]
    Drill {
        #[command(flatten)]
        machine: Known,
        #[command(flatten)]
        wish: drill::Wish,
    },
    /// Makes a pair of keys for packages of new versions, as minisign does: a secret one to sign with, a public one to be pinned.
    #[command(after_help = sign::PASSWORD)]
    Keygen(sign::Keygen),
    /// Makes a signed package of a program, which `upgrade_firmware.cgi` installs.
    #[command(after_help = sign::PASSWORD)]
    Sign(sign::Sign),
}

/// Where this machine keeps what is known of its own camera.
#[derive(Args)]
struct Known {
    /// The configuration file [default: /etc/lookout/lookout.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory of the settings.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

impl From<Known> for Machine {
    fn from(Known { config, state }: Known) -> Self {
        Self { config, state, ..Self::default() }
    }
}

/// What the command line says about the machine; it stands above the configuration file.
#[derive(Args, Default)]
struct Machine {
    /// The configuration file [default: /etc/lookout/lookout.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory of the settings.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Where pictures come from: demo:, v4l2:/dev/video0, http://…, file:PATH, exec:COMMAND.
    #[arg(long, value_name = "URL")]
    source: Option<Locator>,
    /// Where sound comes from: own (the source's), none, alsa:DEVICE, exec:COMMAND.
    #[arg(long, value_name = "WHAT")]
    microphone: Option<SoundLocator>,
    /// An address for HTTP; may be given several times.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Vec<SocketAddr>,
    /// An address for HTTPS; may be given several times.
    #[arg(long, value_name = "ADDR:PORT")]
    tls_listen: Vec<SocketAddr>,
}

const CONFIG: &str = "/etc/lookout/lookout.toml";
/// `EX_CONFIG` of sysexits.h: the service manager need not try again.
const BAD_CONFIG: u8 = 78;

/// What systemd tells a service that it starts.
const SERVICE: &str = "INVOCATION_ID";

/// How long the end may take once the source is let go, which takes a second at most: two seconds in all.
const GOODBYE: std::time::Duration = std::time::Duration::from_millis(800);

/// Returns the command line's definition, from which its manual pages and completions are made.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command.
pub fn main() -> ExitCode {
    match Cli::parse().task {
        Task::Run { machine, json } => run(&machine, json),
        Task::Check { machine } => done(configured(&machine).and_then(|config| first_minute::check(&config))),
        Task::Passwd { machine, user } => done(passwd(&machine, &user)),
        Task::Reset { machine } => done(reset(&machine)),
        Task::Status { machine } => done(configured(&machine.into()).and_then(|config| status::status(&config))),
        Task::Drill { machine, wish } => {
            done(configured(&machine.into()).and_then(|config| drill::drill(&wish, &config)))
        }
        Task::Keygen(keygen) => done(keygen.make()),
        Task::Sign(sign) => done(sign.make()),
    }
}

/// Why a command failed, as one sentence, and its exit code.
struct Failed(u8, String);

impl From<StartError> for Failed {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(sentence) => Self(BAD_CONFIG, sentence),
            StartError::State(error) => error.into(),
            StartError::Listen(..) | StartError::Machine(_) => failed(error),
        }
    }
}

impl From<StateError> for Failed {
    fn from(error: StateError) -> Self {
        match error {
            // Only a person can help.
            StateError::Newer(..) | StateError::Foreign(..) => Self(BAD_CONFIG, error.to_string()),
            StateError::InUse(_) | StateError::Io(..) => failed(error),
        }
    }
}

fn failed(error: impl ToString) -> Failed {
    Failed(1, error.to_string())
}

fn done(result: Result<(), Failed>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(code, sentence)) => {
            eprintln!("lookout: {sentence}");
            ExitCode::from(code)
        }
    }
}

/// Returns the configuration file, if there is to be one.
fn file(machine: &Machine) -> Option<PathBuf> {
    machine.config.clone().or_else(|| Some(PathBuf::from(CONFIG)).filter(|path| path.exists()))
}

fn configured(machine: &Machine) -> Result<Config, Failed> {
    let path = file(machine);
    let wrong = |error: &dyn std::fmt::Display| Failed(BAD_CONFIG, error.to_string());
    if let Some(path) = path.as_deref().filter(|path| sandbox::hides(path)) {
        // Started by the service manager, it is in no sandbox yet.
        return Err(failed(format!("{} is not in the sandbox of this process: start it anew", path.display())));
    }
    let mut config = path.map_or_else(|| Ok(Config::default()), |path| Config::read(&path)).map_err(|e| wrong(&e))?;
    config.state = machine.state.clone().or(config.state);
    config.source.url = machine.source.clone().or(config.source.url);
    config.sound.microphone = machine.microphone.clone().unwrap_or(config.sound.microphone);
    // Whoever names only one of the two on the command line wants just that one.
    if !(machine.listen.is_empty() && machine.tls_listen.is_empty()) {
        config.listen.clone_from(&machine.listen);
        config.tls_listen.clone_from(&machine.tls_listen);
    }
    config.check().map_err(|conflict| wrong(&conflict.sentence))?;
    Ok(config)
}

/// Runs the version that is wanted. An installed one that fails at its start, and was never well, calls the base again, with
/// the sockets that nobody has taken: a version that cannot even read its configuration needs no service manager to be given
/// up. Where there is one, it is left to it, which starts without the sandbox of the version before.
fn run(machine: &Machine, json: bool) -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let mut glance = Glance::at(file(machine).as_deref());
    glance.state = machine.state.clone().unwrap_or(glance.state);
    let version = match upgrade::call(&glance, &args) {
        Ok(version) => version,
        Err(error) => return done(Err(failed(format!("cannot find out which program this is: {error}")))),
    };
    let ended = camera(machine, json, version.clone(), &args);
    if let Err(Failed(_, sentence)) = &ended
        && version.on_trial()
    {
        let sentence = format!("version {}: {sentence}", version.version);
        if std::env::var_os(SERVICE).is_some() {
            return done(Err(failed(sentence)));
        }
        eprintln!("lookout: {sentence}");
        let Err(error) = handover::exec(&version.base, &args, upgrade::CALLED, &handover::inherited());
        return done(Err(failed(format!("cannot go back: {error}"))));
    }
    done(ended)
}

fn camera(machine: &Machine, json: bool, version: Started, args: &[OsString]) -> Result<(), Failed> {
    let config = configured(machine)?;
    log::init(config.log.level);
    lookout_linux::memory::keep_buffers();
    let base = version.base.clone();
    let sandbox = Sandbox::enter(&config, file(machine).as_deref(), &base);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    let ended = runtime.block_on(serve(config, version, json, &sandbox));
    // What hangs in the system (a name server, a disk) must not hold up the end; what was answered is saved.
    runtime.shutdown_timeout(GOODBYE);
    let End::Restart(listeners) = ended? else { return Ok(()) };
    let Err(error) = handover::exec_or_again(&base, args, upgrade::CALLED, &listeners);
    Err(failed(format!("cannot start anew: {error}")))
}

/// How a camera ended.
enum End {
    /// For good.
    Stop,
    /// To start anew with these sockets.
    Restart(Vec<handover::Named>),
}

async fn serve(config: Config, version: Started, json: bool, sandbox: &Sandbox) -> Result<End, Failed> {
    let secret = |name| std::env::var(name).ok().filter(|text| !text.is_empty()).map(Secret::new);
    let first = FirstPasswords { admin: secret("LOOKOUT_ADMIN_PASSWORD"), viewer: secret("LOOKOUT_VIEWER_PASSWORD") };
    let wait = |kind| signal(kind).map_err(failed);
    let (mut term, mut int) = (wait(SignalKind::terminate())?, wait(SignalKind::interrupt())?);
    let mut hup = wait(SignalKind::hangup())?;
    let running = crate::start(config, first, version).await?;
    sandbox.tell();
    first_minute::print(&running, json);
    // A terminal that is closed ends the camera that runs on it; a daemon has no terminal to lose.
    let on_terminal = io::stdout().is_terminal();
    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = int.recv() => break,
            _ = hup.recv() => if on_terminal { break },
            () = running.restart() => {
                let listeners = running.hand_over().await;
                return Ok(tokio::select! {
                    biased;
                    // Whoever wants it to end meanwhile means the next program, too.
                    _ = term.recv() => End::Stop,
                    _ = int.recv() => End::Stop,
                    () = std::future::ready(()) => End::Restart(listeners),
                });
            }
        }
    }
    running.stop().await;
    Ok(End::Stop)
}

/// Reads a line from standard input, for which a terminal is told `what` is wanted: never from the command line, which others
/// see.
fn ask(what: &str) -> Result<String, Failed> {
    if io::stdin().is_terminal() {
        eprintln!("{what} (it will be seen as you type):");
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn passwd(machine: &Machine, user: &str) -> Result<(), Failed> {
    let config = configured(machine)?;
    let opened = Store::open(&config.state_dir(), rules(&config))?;
    if opened.fresh {
        return Err(failed("the camera was never started: its first start makes the accounts"));
    }
    let secret = Secret::new(ask(&format!("New password for {user}"))?);
    let new = setup::set_password(&opened.store.get(), user, &secret, config.users.password_min).map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(failed)?;
    runtime
        .block_on(opened.store.change(By::Camera, move |_, _| Ok(new)))
        .map_err(|_| failed("the settings cannot be saved"))
}

fn reset(machine: &Machine) -> Result<(), Failed> {
    let config = configured(machine)?;
    let opened = Store::open(&config.state_dir(), rules(&config))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(failed)?;
    runtime.block_on(opened.store.reset(By::Camera)).map_err(|_| failed("the settings cannot be saved"))?;
    let state = config.state_dir();
    crate::forget_owner(&state).map_err(failed)?;
    journal::remove(&state).map_err(|error| failed(format!("the journal cannot be removed: {error}")))
}
