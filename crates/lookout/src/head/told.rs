//! What `/head.json` tells (Q67).

use std::fmt::Write as _;

use lookout_core::{
    profile::{place::Place, settings::Settings},
    ptz::{Axis, Preset},
};
use serde_json::Value;

use super::{Head, Standing};
use crate::config::HeadKind;

/// Writes how a head stands, and its presets, as JSON.
pub fn in_json(head: &Head, settings: &Settings) -> String {
    let Standing { lost, moving, patrol, pose, presets } = head.standing();
    let patrol = match patrol {
        None => "none",
        Some(Axis::Horizontal) => "horizontal",
        Some(Axis::Vertical) => "vertical",
    };
    let kind = head.kind;
    // Written by hand for the order of its keys.
    let mut json = format!("{{\"kind\":\"{kind}\",\"lost\":{lost},\"moving\":{moving},\"patrol\":\"{patrol}\"");
    if let Some(pose) = pose {
        let share = |share: f64| (share * 10_000.0).round() / 10_000.0;
        let (pan, tilt, zoom) = (share(pose.pan), share(pose.tilt), share(pose.zoom));
        // Writing into a string cannot fail.
        let _ = write!(json, ",\"pan\":{pan},\"tilt\":{tilt},\"zoom\":{zoom}");
    }
    let all = (1..=32).map(Preset::new).zip(&settings.presets);
    let set = all.filter(|(_, preset)| presets && is_set(head.kind, preset.place)).map(|(number, preset)| {
        let (name, picture) = (Value::from(preset.name.as_str()), head.pictures.has(number, preset.place));
        format!("\n{{\"preset\":{},\"name\":{name},\"picture\":{picture}}}", number.get())
    });
    let _ = writeln!(json, ",\"presets\":[{}]}}", set.collect::<Vec<_>>().join(","));
    json
}

/// Says whether a kind of head finds a preset by its place.
pub fn is_set(kind: HeadKind, place: Place) -> bool {
    match place {
        Place::None => false,
        Place::Head => kind == HeadKind::PelcoD,
        Place::At(_) => matches!(kind, HeadKind::Digital | HeadKind::Uvc),
    }
}
