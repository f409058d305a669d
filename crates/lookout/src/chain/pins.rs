//! The alarm input's line, the output and the lamp.

use lookout_core::{
    port::{InputLine, OutputLine},
    profile::settings::LineLevel,
};
use lookout_linux::{gpio, led as lamp};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    alarm::{Errand, WAITING},
    app::App,
    driven::Driven,
    service::{input, led, output},
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
    let name = place.to_string();
    let open = Box::new(move |level, rest| Box::pin(place.clone().open(active_low, level, rest)) as _);
    let parts = output::Parts {
        line: Driven::new(format!("output {name}"), ["low", "high"], open, app.metrics.pins.output.clone()),
        name,
        level: app.store.watch(|settings| settings.alarm.ioout_level),
        errands,
        orders: app.output.orders(),
        standing: app.alarms.follow(),
        errand_counters: app.metrics.alarms.clone(),
    };
    holding.spawn(async {
        output::run(parts).await;
    });
    Some(link)
}

/// Starts showing by the lamp what its mode says, if this machine has one; it is given back when `holding` ends.
pub fn led(app: &App, holding: &mut JoinSet<()>) {
    let Some(place) = app.config.gpio.led.clone() else { return };
    let name = format!("LED {place}");
    let open = Box::new(move |lit, _| {
        let opening = lamp::lamp(place.clone(), lit);
        Box::pin(async move { opening.await.map(|line| Box::new(line) as Box<dyn OutputLine>) }) as _
    });
    let metrics = app.metrics.clone();
    let parts = led::Parts {
        line: Driven::new(name, ["dark", "lit"], open, metrics.pins.led.clone()),
        mode: app.store.watch(|settings| settings.misc.led_mode),
        look: Box::new(move || metrics.signs()),
    };
    holding.spawn(async {
        led::run(parts).await;
    });
}
