//! The first start, and what is done to the accounts from the machine itself.

use std::{
    env, fs,
    net::{IpAddr, UdpSocket},
    path::Path,
};

use lookout_core::profile::{
    settings::{Level, Settings, User},
    wire::{Mac, Password, Secret, Wire as _},
};

use crate::{By, FirstPasswords, StartError, Store, files, password};

/// Returns the camera's id, or the one that a camera gets that has none yet.
///
/// # Errors
/// The machine gives no random numbers.
pub(crate) fn id(settings: &Settings) -> Result<Mac, StartError> {
    if settings.id == Mac::default() { own_mac().map_or_else(made_up_mac, Ok) } else { Ok(settings.id) }
}

/// Gives a fresh camera its id and its two accounts; returns the passwords made, which are shown once.
///
/// Without this, nobody can log in: there is no default password (PROFILE 7.1).
pub(crate) async fn first_start(
    store: &Store,
    fresh: bool,
    id: Mac,
    first: &FirstPasswords,
    least: usize,
) -> Result<Vec<(String, Secret)>, StartError> {
    if !fresh {
        return Ok(Vec::new());
    }
    let mut made = Vec::new();
    let mut new = (*store.get()).clone();
    new.id = id;
    let accounts = [("admin", &first.admin, Level::Manager), ("viewer", &first.viewer, Level::Visitor)];
    for (slot, (name, given, pri)) in new.users.iter_mut().zip(accounts) {
        match given {
            Some(secret) => *slot = account(name, secret, pri, least)?,
            None => {
                let secret = password::make().map_err(machine)?;
                *slot = account(name, &secret, pri, least)?;
                made.push((name.to_owned(), secret));
            }
        }
    }
    store
        .change(By::Camera, move |_, _| Ok(new))
        .await
        .map_err(|_| machine("the settings cannot be saved; the log says why"))?;
    Ok(made)
}

/// The file of the passwords that were made at the first start, in a folder that is in memory alone.
const MADE: &str = "first-login";
/// Where systemd has that folder for a service of our name (`RuntimeDirectory=`).
const RUNTIME: &str = "/run/lookout";

/// Keeps the passwords that were made where a service manager gives a folder for that, as a service shows nothing to anybody
/// but its log, which is on the disk; says whether they are there. None: there is nothing to keep, or no such folder.
pub fn remember(made: &[(String, Secret)]) -> Option<bool> {
    let folder = env::var_os("RUNTIME_DIRECTORY").filter(|_| !made.is_empty())?;
    let lines: String = made.iter().map(|(name, secret)| format!("{name} {}\n", secret.expose())).collect();
    let put = files::put(Path::new(&folder), MADE, &[lines.as_bytes()]);
    let put =
        put.inspect_err(|error| tracing::error!("the first passwords cannot be kept for `lookout status`: {error}"));
    Some(put.is_ok())
}

/// Returns those of the first passwords that still hold, with their users.
pub fn remembered(settings: &Settings) -> Vec<(String, Secret)> {
    let folder = env::var_os("RUNTIME_DIRECTORY").unwrap_or_else(|| RUNTIME.into());
    let text = files::peek(&Path::new(&folder).join(MADE)).unwrap_or_default();
    // There are two; each is a password to be verified, which takes a while.
    let made = text.lines().take(2).filter_map(|line| line.split_once(' '));
    let holds = |(name, secret): &(&str, &str)| {
        let user = settings.users.iter().find(|user| user.name.as_str() == *name);
        user.is_some_and(|user| password::verify(Some(&user.pwd), secret))
    };
    made.filter(holds).map(|(name, secret)| (name.to_owned(), Secret::new(secret))).collect()
}

fn account(name: &str, secret: &Secret, pri: Level, least: usize) -> Result<User, StartError> {
    let long = secret.expose().len() >= least.max(1);
    let pwd = Password::parse(secret.expose()).ok().filter(|_| long).ok_or_else(|| {
        let most = Password::MAX;
        StartError::Config(format!("the password given for {name} must have {least} to {most} bytes"))
    })?;
    let mut user = User { pwd, pri, ..User::default() };
    user.name.take(name).map_err(machine)?;
    Ok(user)
}

/// Sets the password of a user from the machine itself.
///
/// # Errors
/// There is no such user, or the password does not fit.
pub fn set_password(settings: &Settings, name: &str, secret: &Secret, least: usize) -> Result<Settings, String> {
    if secret.expose().len() < least {
        return Err(format!("the password must have {least} to {} bytes", Password::MAX));
    }
    let pwd = Password::parse(secret.expose())
        .map_err(|_| format!("the password must have {least} to {} bytes and no control characters", Password::MAX))?;
    let mut new = settings.clone();
    let user = new.users.iter_mut().find(|user| user.name.as_str() == name);
    user.ok_or_else(|| format!("there is no user {name}"))?.pwd = pwd;
    Ok(new)
}

/// Returns the id of a camera that has none yet: the MAC address of the machine's first network card.
fn own_mac() -> Option<Mac> {
    let cards = fs::read_dir("/sys/class/net").ok()?;
    let mut names: Vec<_> = cards.filter_map(|card| Some(card.ok()?.path())).collect();
    names.sort();
    names.iter().find_map(|path| {
        let text = fs::read_to_string(path.join("address")).ok()?;
        Mac::parse(&text.trim().replace(':', "")).ok()
    })
}

/// A locally administered address, for a machine without a network card.
fn made_up_mac() -> Result<Mac, StartError> {
    let mut bytes: [u8; 6] = password::random().map_err(machine)?;
    bytes[0] = bytes[0] & 0xfc | 2;
    Ok(Mac(bytes))
}

fn machine(error: impl std::fmt::Display) -> StartError {
    StartError::Machine(error.to_string())
}

/// Returns the machine's name.
pub fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let short = name.split('.').next().unwrap_or_default();
    if short.is_empty() { "lookout".into() } else { short.to_ascii_lowercase() }
}

/// Returns the addresses by which this machine reaches others. No packet is sent: a UDP socket only asks the routes.
pub fn addresses() -> Vec<IpAddr> {
    let ask = |from: &str, to: &str| {
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_unspecified())
    };
    [ask("0.0.0.0", "192.0.2.1"), ask("::", "2001:db8::1")].into_iter().flatten().collect()
}

/// Says whether an address is this machine's: only as itself may it speak. No packet is sent.
pub fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address.to_canonical(), 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_given_from_outside_is_as_long_as_any_other() {
        let given = |pwd: &str| account("admin", &Secret::new(pwd), Level::Manager, 8);
        assert!(given("8 bytes!").is_ok());
        for bad in ["", "7 bytes", "13 bytes long", "tab\tinside"] {
            assert!(matches!(given(bad), Err(StartError::Config(_))), "{bad:?}");
        }
    }

    #[test]
    fn this_machine_knows_its_own_addresses() {
        for own in ["127.0.0.1", "127.0.0.2", "::ffff:127.0.0.1"] {
            assert!(is_own(own.parse().unwrap()), "{own}");
        }
        for own in addresses() {
            assert!(is_own(own), "{own}");
        }
        assert!(!is_own("192.0.2.1".parse().unwrap()));
    }
}
