//! What the camera may touch of this machine, as its configuration has it (RULES R2.3, ADR 0040).
//!
//! A file that the operator names goes with its folder, because such files are replaced rather than written: a certificate that
//! was renewed is another file of the same name. Of a folder in which everything is (`/`, homes), that file alone.

use std::{
    env,
    ffi::OsString,
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf, absolute},
};

use lookout_linux::{
    led,
    sandbox::{self, Plan, Walls},
};
use rustix::fs::{Access, OFlags, access};

use crate::{Locator, SoundLocator, config::Config, files, service::output::Place};

/// Programs, their libraries and their configuration; the kernel's and the system's own folders. Time zones, certificates,
/// sound cards, name servers and D-Bus are found there.
#[rustfmt::skip]
const SYSTEM: [&str; 15] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store", "/gnu/store",
    "/etc", "/proc", "/sys", "/run", "/var/lib/alsa",
    // Where openSUSE's /etc leads.
    "/var/lib/ca-certificates",
];
/// Devices come and go: what is plugged in anew is another file, so their folder is open, and their own rights count.
const DEVICES: &str = "/dev";
/// Where the kernel has its devices, LEDs among them.
const KERNELS: &str = "/sys/devices";
/// Homes, each of which holds everything of somebody.
const HOMES: &str = "/home";
/// Where the machine's operator may have put what is usually found in those folders.
const VARIABLES: [&str; 5] = ["SSL_CERT_FILE", "SSL_CERT_DIR", "ALSA_CONFIG_PATH", "ALSA_CONFIG_DIR", "TZDIR"];
/// What sound libraries read in a home.
const SOUND: [&str; 5] = [".asoundrc", ".config/alsa", ".config/pulse", ".config/pipewire", ".pulse-cookie"];

/// What stands around the camera.
#[derive(Debug)]
pub enum Sandbox {
    /// Nothing, for this reason.
    Off(&'static str),
    /// Walls that this start has put up.
    New(Walls),
    /// Those that the program before this one has put up, and what they do not let through of the configuration.
    Old {
        /// These files.
        closed: Vec<PathBuf>,
        /// Why there should be none by now, if so.
        unwanted: Option<&'static str>,
    },
}

impl Sandbox {
    /// Puts the sandbox up that the configuration, read from `file`, asks for; `base` is the program that replaces this one. To
    /// be called before threads are started.
    pub fn enter(config: &Config, file: Option<&Path>, base: &Path) -> Self {
        if config.sandbox
            && let Err(error) = sandbox::hide_memory()
        {
            tracing::warn!("passwords could be in a core dump: {error}");
        }
        let variable = |name: &str| env::var_os(name);
        let off = off(config);
        if sandbox::inherited() {
            return Self::Old { closed: closed(config, file, variable), unwanted: off };
        }
        if let Some(why) = off {
            return Self::Off(why);
        }
        // What is not there cannot be opened to the camera. If it cannot be made, the start says so.
        if files::make_folder(&config.state_dir()).is_err() {
            return Self::Off("there is no state folder");
        }
        Self::New(plan(config, file, base, variable).enter())
    }

    /// Says in the log what stands around the camera.
    pub fn tell(&self) {
        match self {
            Self::Off(why) => tracing::info!("no sandbox: {why}"),
            Self::New(walls) => tracing::info!("sandbox: {walls}"),
            Self::Old { closed, unwanted } => {
                tracing::info!("sandbox: that of the start, which a restart of the camera by itself keeps");
                let closed = closed.iter().map(|path| format!("{} cannot be opened", path.display()));
                let unwanted = unwanted.iter().map(|why| format!("there should be none, as {why}"));
                for what in closed.chain(unwanted) {
                    tracing::warn!(
                        "the sandbox is not that of this configuration: {what}; restart the service or program"
                    );
                }
            }
        }
    }
}

/// Says whether a file cannot be read for the only reason that it is not in the sandbox.
pub fn hides(file: &Path) -> bool {
    sandbox::stands() && shut(file, Access::READ_OK)
}

/// Says whether the sandbox keeps a file from being opened, which everything else allows: `access(2)` does not ask Landlock.
fn shut(file: &Path, how: Access) -> bool {
    let mut options = OpenOptions::new();
    // Without waiting, should it be a pipe.
    let options = options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let opened = options.read(how == Access::READ_OK).write(how == Access::WRITE_OK).open(file);
    access(file, how).is_ok() && opened.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// Returns why there is to be no sandbox.
fn off(config: &Config) -> Option<&'static str> {
    let source = matches!(config.source.url, Some(Locator::Exec(_)));
    if !config.sandbox {
        Some("the configuration says so")
    } else if source || matches!(config.sound.microphone, SoundLocator::Exec(_)) {
        Some("exec: starts a program, which would have to live in it")
    } else {
        None
    }
}

/// Returns what of a configuration is shut behind walls that were put up for another one.
fn closed(config: &Config, file: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let read = named(config, file, variable).into_iter().filter(|path| shut(path, Access::READ_OK));
    let driven = lamps(config).map(|folder| folder.join("brightness")).filter(|path| shut(path, Access::WRITE_OK));
    read.chain(driven).collect()
}

/// Returns the files and folders that the operator has named to be read.
fn named(config: &Config, file: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let source = match &config.source.url {
        Some(Locator::Files(path)) => Some(path.as_path()),
        Some(Locator::Demo(_) | Locator::V4l2(_) | Locator::Http(_) | Locator::Exec(_)) | None => None,
    };
    let (tls, mqtt) = (&config.tls, &config.mqtt);
    let files =
        [file, source, tls.cert.as_deref(), tls.key.as_deref(), mqtt.ca.as_deref(), mqtt.password_file.as_deref()];
    let variables = VARIABLES.into_iter().filter_map(variable);
    let elsewhere = variables.flat_map(|paths| env::split_paths(&paths).collect::<Vec<_>>());
    files.into_iter().flatten().map(Path::to_owned).chain(elsewhere).collect()
}

/// Returns the folders of the LEDs that the camera lights.
fn lamps(config: &Config) -> impl Iterator<Item = PathBuf> {
    let output = match &config.gpio.output {
        Some(Place::Led(led)) => Some(led),
        Some(Place::Line(_)) | None => None,
    };
    config.gpio.led.iter().chain(output).map(led::Place::folder).map(Path::to_owned)
}

fn plan(config: &Config, file: Option<&Path>, base: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Plan {
    let home = variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let loaded = sandbox::loaded();
    let named = named(config, file, &variable);
    // The next program is loaded from where this one was.
    let around = named.iter().chain(&loaded).flat_map(|path| around(path, home.as_deref()));
    let mut read: Vec<_> = SYSTEM.into_iter().map(PathBuf::from).chain(around).collect();
    if let (SoundLocator::Alsa(_), Some(home)) = (&config.sound.microphone, &home) {
        read.extend(SOUND.map(|name| home.join(name)));
    }
    read.sort();
    read.dedup();
    // A base that was replaced does not run, and this program goes on.
    let programs = [Some(base.to_owned()), env::current_exe().ok()].into_iter().flatten();
    // What loads programs is run as well, and is another file with every update of the C library.
    let loader = loaded.iter().filter(|file| is_loader(file)).filter_map(|file| file.parent()).map(Path::to_owned);
    let says = |name, what| variable(name).is_some_and(|value| value.to_string_lossy().contains(what));
    let state = config.state_dir();
    Plan {
        read,
        // Upgrades are installed there (ADR 0039), and whoever writes there could put a program among them.
        run: programs.chain([state.clone()]).chain(loader).collect(),
        // In the second are the first passwords of a service, for `lookout status`.
        kept: [Some(state), variable("RUNTIME_DIRECTORY").map(PathBuf::from)].into_iter().flatten().collect(),
        // A LED that was unplugged and is back is another folder, and so are those of its device above it.
        driven: [PathBuf::from(DEVICES)]
            .into_iter()
            .chain(lamps(config).flat_map(|led| [led, KERNELS.into()]))
            .collect(),
        abstract_sockets: says("NOTIFY_SOCKET", "@") || says("DBUS_SYSTEM_BUS_ADDRESS", "abstract="),
    }
}

fn is_loader(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"ld-"))
}

/// Returns what must be open for a file to be read, also when it comes later or is replaced, by its name and where that leads.
fn around(path: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    let path = absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = path.canonicalize().ok();
    [Some(path), real].into_iter().flatten().map(|path| folder(&path, home).unwrap_or(path)).collect()
}

/// Returns the folder that a file is or will be in, or the path itself if it is a folder; `None` where that is too much.
fn folder(path: &Path, home: Option<&Path>) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.to_owned());
    }
    let there = path.ancestors().skip(1).find(|above| above.is_dir())?;
    let homes = Path::new(HOMES);
    let all = [Some(Path::new("/")), Some(homes), home].contains(&Some(there)) || there.parent() == Some(homes);
    (!all).then(|| there.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn planned(config: &str, variables: &[(&str, &str)]) -> Plan {
        let config = Config::parse("test", &format!("state = \"/srv/state\"\n{config}")).unwrap();
        let variable = |name: &str| variables.iter().find(|row| row.0 == name).map(|row| row.1.into());
        plan(&config, Some(Path::new("/etc/lookout.toml")), Path::new("/usr/bin/lookout"), variable)
    }

    fn has(paths: &[PathBuf], path: &Path) -> bool {
        paths.iter().any(|there| there == path)
    }

    #[test]
    fn a_plain_camera_keeps_its_state_drives_devices_runs_itself_and_reads_the_system() {
        let plan = planned("", &[("HOME", "/home/me")]);
        assert_eq!((plan.kept, plan.driven), (vec!["/srv/state".into()], vec!["/dev".into()]));
        assert_eq!(
            plan.run[..3],
            [PathBuf::from("/usr/bin/lookout"), env::current_exe().unwrap(), "/srv/state".into()]
        );
        assert!(!has(&plan.run, Path::new("/usr/bin")) && !plan.abstract_sockets);
        for folder in ["/usr", "/etc", "/run", "/proc", "/sys"] {
            assert!(has(&plan.read, Path::new(folder)), "{folder}: {:?}", plan.read);
        }
        for folder in ["/", "/home", "/home/me", "/tmp", "/var", "/root"] {
            assert!(!has(&plan.read, Path::new(folder)), "{folder}: {:?}", plan.read);
        }
    }

    #[test]
    fn what_the_operator_names_is_open_with_its_folder_also_where_a_link_leads() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        for folder in ["live", "archive", "pictures"] {
            fs::create_dir(real.join(folder)).unwrap();
        }
        fs::write(real.join("archive/1.pem"), "").unwrap();
        std::os::unix::fs::symlink("../archive/1.pem", real.join("live/cert.pem")).unwrap();
        let at = |name: &str| real.join(name).display().to_string();
        let tls = format!("[tls]\ncert = {:?}\nkey = {:?}\n", at("live/cert.pem"), at("later/key.pem"));
        let source = format!("[source]\nurl = {:?}\n", format!("file:{}", at("pictures")));
        let plan = planned(&format!("{tls}{source}[gpio]\nled = {:?}\n", at("led")), &[]);
        for folder in ["live", "archive", "pictures", ""] {
            assert!(has(&plan.read, &PathBuf::from(at(folder)).components().collect::<PathBuf>()), "{folder}");
        }
        assert!(has(&plan.driven, &real.join("led")) && has(&plan.driven, Path::new(KERNELS)));
    }

    #[test]
    fn a_home_and_the_root_are_not_opened_for_the_sake_of_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        let file = home.join("cam.jpg");
        for path in [&file, Path::new("/cam.jpg"), Path::new("/home/cam.jpg"), Path::new("/nowhere/cam.jpg")] {
            assert_eq!(folder(path, Some(&home)), None, "{}", path.display());
        }
        assert_eq!(folder(&home.join("cam.jpg"), None), Some(home.clone()));
        assert_eq!(folder(&home.join("a/b/cam.jpg"), Some(Path::new("/root"))), Some(home.clone()));
        assert_eq!(around(&file, Some(&home)), [file]);
    }

    #[test]
    fn a_home_has_sound_settings_where_a_sound_card_is_wanted() {
        let settings = Path::new("/home/me/.asoundrc");
        let home = [("HOME", "/home/me")];
        assert!(has(&planned("[sound]\nmicrophone = \"alsa:default\"", &home).read, settings));
        assert!(!has(&planned("", &home).read, settings));
    }

    #[test]
    fn a_service_manager_without_a_file_is_still_told() {
        assert!(planned("", &[("NOTIFY_SOCKET", "@/run/notify")]).abstract_sockets);
        assert!(!planned("", &[("NOTIFY_SOCKET", "/run/systemd/notify")]).abstract_sockets);
        assert!(planned("", &[("DBUS_SYSTEM_BUS_ADDRESS", "unix:abstract=/bus")]).abstract_sockets);
    }

    #[test]
    fn what_starts_a_program_is_not_shut_in_and_neither_is_who_does_not_want_it() {
        let off = |text: &str| off(&Config::parse("test", text).unwrap());
        assert_eq!(off(""), None);
        assert!(off("[source]\nurl = \"exec:cat\"").unwrap().contains("exec:"));
        assert!(off("[sound]\nmicrophone = \"exec:cat\"").unwrap().contains("exec:"));
        assert!(off("sandbox = false").unwrap().contains("configuration"));
    }
}
