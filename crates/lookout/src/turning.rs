//! The wiring of the head: what is moved, and by whom.

use std::sync::Arc;

use lookout_core::{port::Turner, ptz::line::Line};
use lookout_linux::v4l2;
use tokio::sync::mpsc;

use crate::{
    StartError,
    alarm::{Errand, WAITING},
    app::App,
    config::{HeadKind, NO_HEAD},
    service::head::{self, Body, Device, Wired},
    source::Locator,
};

/// Starts moving the head, if there is one; gives the way of alarms that move it.
///
/// # Errors
/// A head of a V4L2 camera that nobody names.
pub fn head(app: &Arc<App>, source: &Locator) -> Result<Option<mpsc::Sender<(u8, Errand)>>, StartError> {
    let body = match (app.config.ptz.head, &app.framing) {
        (HeadKind::None, _) | (HeadKind::Digital, None) => return Ok(None),
        (HeadKind::Digital, Some(framing)) => Body::Digital(framing.clone()),
        (HeadKind::PelcoD, _) => Body::Line(wired(app)),
        (HeadKind::Uvc, _) => Body::Device(Box::new(device(app, source)?)),
    };
    let (link, errands) = mpsc::channel(WAITING);
    let parts = head::Parts {
        head: app.head.clone(),
        body,
        directions: app.config.ptz.directions,
        store: app.store.clone(),
        errands,
        alarm: app.alarms.follow(),
        hub: app.hub.clone(),
        counters: app.metrics.head.clone(),
        errand_counters: app.metrics.alarms.clone(),
    };
    tokio::spawn(head::run(parts));
    Ok(Some(link))
}

fn wired(app: &App) -> Wired {
    let (address, port) = (app.config.ptz.address, app.config.ptz.port);
    let (ports, settings) = (app.serial.clone(), app.store.follow());
    let write = move |bytes: Vec<u8>| -> lookout_core::port::Promise<'static, _> {
        let (ports, baud) = (ports.clone(), settings.borrow().baud);
        Box::pin(async move { ports.write(port, baud, &bytes).await })
    };
    Wired::new(Line::new(address), format!("address {address} of serial port {port}"), Box::new(write))
}

fn device(app: &App, source: &Locator) -> Result<Device, StartError> {
    let path = app.config.head_device(source).ok_or_else(|| StartError::Config(NO_HEAD.to_owned()))?.to_owned();
    let name = path.display().to_string();
    let open = move || -> lookout_core::port::Promise<'static, _> {
        let opening = v4l2::Head::open(path.clone());
        Box::pin(async move { opening.await.map(|head| Box::new(head) as Box<dyn Turner>) })
    };
    Ok(Device::new(name, Box::new(open)))
}
