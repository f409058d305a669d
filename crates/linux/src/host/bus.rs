//! Calls over the system bus, each with a deadline, and what their errors are in words.

use std::{io::ErrorKind, time::Duration};

use lookout_core::port::Lost;
use tokio::{sync::Mutex, time::timeout};
use zbus::{Connection, DBusError as _, DynamicType, connection::Builder, wire::DynamicDeserialize};

/// How long a service may take for its answer, and the bus for a greeting: on a small board, one that has to be started first
/// takes some seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// How much of what a service says of its errors is told.
const WORDS: usize = 200;

/// A service of the bus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    /// Its name on the bus.
    pub(super) name: &'static str,
    /// Its name among people.
    pub(super) called: &'static str,
}

/// A method of a service's object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    pub(super) of: Service,
    pub(super) interface: &'static str,
    pub(super) name: &'static str,
    /// Whether passwords are given to it: what it says in its errors is then told to nobody, for it may quote them.
    pub(super) secret: bool,
}

/// Why a call failed.
#[derive(Debug)]
pub(super) struct Fault {
    /// The error's name, if it was the service that refused.
    pub(super) name: Option<String>,
    /// In words.
    pub(super) lost: Lost,
}

impl From<Fault> for Lost {
    fn from(fault: Fault) -> Self {
        fault.lost
    }
}

/// The system bus: opened when it is needed, and anew when it is gone.
#[derive(Debug, Default)]
pub(super) struct Bus(Mutex<Option<Connection>>);

impl Bus {
    /// Makes one over a connection that is open already.
    pub(super) fn over(connection: Connection) -> Self {
        Self(Mutex::new(Some(connection)))
    }

    /// Gives the connection that all calls share.
    async fn connection(&self) -> Result<Connection, Lost> {
        let mut kept = self.0.lock().await;
        if let Some(connection) = kept.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        let connection = open().await?;
        *kept = Some(connection.clone());
        Ok(connection)
    }

    /// Calls a method of the object at `path`.
    pub(super) async fn call<R>(
        &self,
        method: Method,
        path: &str,
        body: &(impl serde::Serialize + DynamicType + Sync),
    ) -> Result<R, Fault>
    where
        R: for<'a> DynamicDeserialize<'a>,
    {
        let connection = self.connection().await.map_err(|lost| Fault { name: None, lost })?;
        let Method { of, interface, name, secret } = method;
        let call = connection.call_method(Some(of.name), path, Some(interface), name, body);
        let reply = match timeout(PATIENCE, call).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => return Err(fault(of, &error, secret)),
            Err(_) => {
                return Err(Fault { name: None, lost: Lost(format!("{} does not answer", of.called)) });
            }
        };
        reply.body().deserialize().map_err(|_| {
            let lost = Lost(format!("{} answered to {name} what was not expected", of.called));
            Fault { name: None, lost }
        })
    }
}

/// Opens a connection to the system bus.
pub(super) async fn open() -> Result<Connection, Lost> {
    match timeout(PATIENCE, Builder::system().build()).await {
        Ok(opened) => opened.map_err(|error| Lost(format!("no D-Bus: {}", said(&error.to_string())))),
        Err(_) => Err(Lost("D-Bus does not answer".into())),
    }
}

/// Words the error of a call.
fn fault(of: Service, error: &zbus::Error, secret: bool) -> Fault {
    let (name, detail) = if let zbus::Error::MethodError(name, detail, _) = error {
        (name.to_string(), detail.clone())
    } else if let zbus::Error::FDO(error) = error {
        (error.name().to_string(), error.description().map(str::to_owned))
    } else {
        let late = matches!(error, zbus::Error::InputOutput(error) if error.kind() == ErrorKind::TimedOut);
        let what = if late { format!("{} does not answer", of.called) } else { "D-Bus is gone".into() };
        return Fault { name: None, lost: Lost(what) };
    };
    let detail = detail.filter(|_| !secret).unwrap_or_default();
    Fault { lost: words(of, &name, &detail), name: Some(name) }
}

/// Words an error by its name.
fn words(of: Service, name: &str, detail: &str) -> Lost {
    const NOT_THERE: [&str; 3] = ["ServiceUnknown", "NameHasNoOwner", "Spawn.ServiceNotFound"];
    const FORBIDDEN: [&str; 5] =
        ["AccessDenied", "AuthFailed", "InteractiveAuthorizationRequired", "PermissionDenied", "NotAuthorized"];
    let called = of.called;
    let is = |names: &[&str]| names.iter().any(|one| name.ends_with(&format!(".{one}")));
    let detail = said(detail);
    Lost(if is(&NOT_THERE) {
        format!("{called} is not running")
    } else if is(&FORBIDDEN) {
        format!("{called} does not let the camera's user do that: a polkit rule is missing")
    } else if is(&["NoReply", "Timeout", "TimedOut"]) {
        format!("{called} does not answer")
    } else if is(&["AutomaticTimeSyncEnabled"]) {
        "the host follows a time server of its own".to_owned()
    } else if detail.is_empty() {
        format!("{called}: {}", said(name))
    } else {
        format!("{called}: {detail}")
    })
}

/// Makes one line of what a service says, of a bounded length.
fn said(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(WORDS).collect()
}

#[cfg(test)]
mod tests {
    use zbus::fdo;

    use super::*;

    const SERVICE: Service = Service { name: "org.example.Thing", called: "Thing" };

    #[test]
    fn errors_are_told_in_words() {
        for (name, told) in [
            ("org.freedesktop.DBus.Error.ServiceUnknown", "Thing is not running"),
            (
                "org.freedesktop.NetworkManager.Settings.PermissionDenied",
                "Thing does not let the camera's user do that: a polkit rule is missing",
            ),
            (
                "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
                "Thing does not let the camera's user do that: a polkit rule is missing",
            ),
            ("org.freedesktop.DBus.Error.NoReply", "Thing does not answer"),
            ("org.freedesktop.timedate1.AutomaticTimeSyncEnabled", "the host follows a time server of its own"),
            ("org.example.Odd", "Thing: it is\u{20}odd"),
        ] {
            assert_eq!(words(SERVICE, name, "it is\nodd"), Lost(told.into()), "{name}");
        }
        assert_eq!(words(SERVICE, "org.example.Odd", ""), Lost("Thing: org.example.Odd".into()));
        assert_eq!(words(SERVICE, "org.example.Odd", &"x".repeat(5000)).0.len(), "Thing: ".len() + WORDS);
    }

    #[test]
    fn what_is_said_of_a_call_with_a_password_is_told_to_nobody() {
        let error = || zbus::Error::from(fdo::Error::InvalidArgs("psk: 'canary' is too short".into()));
        assert!(fault(SERVICE, &error(), false).lost.0.contains("canary"));
        let fault = fault(SERVICE, &error(), true);
        assert_eq!(fault.lost, Lost("Thing: org.freedesktop.DBus.Error.InvalidArgs".into()));
    }
}
