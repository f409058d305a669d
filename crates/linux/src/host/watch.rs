//! Hearing that something of the network has changed: a connection of its own to the bus, and a task that reads it.
//!
//! A bus that is listened to must be read at once, or all its answers wait; so listening has nothing to do with the connection
//! of the calls.

use std::{future::poll_fn, pin::Pin};

use futures_core::Stream as _;
use lookout_core::port::Lost;
use tokio::{
    sync::watch,
    task::{AbortHandle, spawn},
};
use zbus::{MessageStream, message::Type};

use super::bus::{Bus, Method, Service};

const BUS: Service = Service { name: "org.freedesktop.DBus", called: "D-Bus" };
const LISTEN: Method = Method { of: BUS, interface: "org.freedesktop.DBus", name: "AddMatch", secret: false };

macro_rules! changes {
    ($of:literal) => {
        concat!(
            "type='signal',sender='org.freedesktop.NetworkManager',interface='org.freedesktop.DBus.Properties',",
            "member='PropertiesChanged',arg0='",
            $of,
            "'"
        )
    };
}

/// What is listened to: the properties from which a standing is made, and NetworkManager coming and going. The strength of
/// every access point, which changes all the time, is not among them.
const WANTED: [&str; 6] = [
    changes!("org.freedesktop.NetworkManager"),
    changes!("org.freedesktop.NetworkManager.Device"),
    changes!("org.freedesktop.NetworkManager.Connection.Active"),
    changes!("org.freedesktop.NetworkManager.IP4Config"),
    changes!("org.freedesktop.NetworkManager.IP6Config"),
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.freedesktop.NetworkManager'",
];

/// An ear at the bus; dropped, it is gone.
pub(super) struct Watch {
    changes: watch::Receiver<()>,
    task: AbortHandle,
}

impl Watch {
    /// Begins to listen.
    pub(super) async fn begin() -> Result<Self, Lost> {
        let connection = super::bus::open().await?;
        let bus = Bus::over(connection.clone());
        let mut heard = MessageStream::from(connection);
        for rule in WANTED {
            let () = bus.call(LISTEN, "/org/freedesktop/DBus", &rule).await?;
        }
        let (tell, changes) = watch::channel(());
        let task = spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| Pin::new(&mut heard).poll_next(context)).await {
                if message.message_type() == Type::Signal && tell.send(()).is_err() {
                    return;
                }
            }
        });
        Ok(Self { changes, task: task.abort_handle() })
    }

    /// Waits until something changed since it was asked last.
    pub(super) async fn changed(&mut self) -> Result<(), Lost> {
        self.changes.changed().await.map_err(|_| Lost("D-Bus is gone".into()))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
