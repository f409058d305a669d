//! What may be said: the profile's CGIs and settings, as two tables, and the text that goes over the wire.

pub mod backup;
pub mod change;
pub mod commands;
pub mod contract;
pub mod forms;
pub mod hours;
pub mod listing;
pub mod manual;
pub mod mask;
pub mod openapi;
pub mod params;
pub mod place;
pub mod reply;
pub mod settings;
pub mod stored;
pub mod view;
pub mod week;
pub mod wire;
