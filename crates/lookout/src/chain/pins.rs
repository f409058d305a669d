//! The alarm input's line and the output's.

use lookout_core::{
    port::{InputLine, OutputLine},
    profile::settings::LineLevel,
};
use lookout_linux::gpio;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    alarm::{Errand, WAITING},
    app::App,
    service::{input, output},
};

/// Starts feeling the alarm input's line, if this machine has one.
pub fn input(app: &App) {
    let config = app.config.gpio.clone();
    let Some(place) = config.input.clone() else { return };
    let wanted = config.wanted();
    let parts = input::Parts {
        name: place.to_string(),
        open: Box::new(move || {
            let opening = gpio::Input::open(place.clone(), wanted);
            Box::pin(async move { opening.await.map(|line| Box::new(line) as Box<dyn InputLine>) })
        }),
        debounce: wanted.debounce,
        input: app.input.clone(),
    };
    tokio::spawn(input::run(parts));
}

/// Starts driving the output, if this machine has one; it rests when `holding` ends.
pub fn output(app: &App, holding: &mut JoinSet<()>) -> Option<mpsc::Sender<(LineLevel, Errand)>> {
    let place = app.config.gpio.output.clone()?;
    let active_low = app.config.gpio.output_active_low;
    let (link, errands) = mpsc::channel(WAITING);
    let parts = output::Parts {
        name: place.to_string(),
        open: Box::new(move |level, rest| {
            let opening = gpio::Output::open(place.clone(), active_low, level, rest);
            Box::pin(async move { opening.await.map(|line| Box::new(line) as Box<dyn OutputLine>) })
        }),
        level: app.store.watch(|settings| settings.alarm.ioout_level),
        errands,
        orders: app.output.orders(),
        standing: app.alarms.follow(),
        counters: app.metrics.pins.clone(),
        errand_counters: app.metrics.alarms.clone(),
    };
    holding.spawn(async {
        output::run(parts).await;
    });
    Some(link)
}
