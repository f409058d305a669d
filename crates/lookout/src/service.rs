//! What runs on its own: each service an endless loop with one `select!`, none knowing another.

pub mod address;
pub mod alarm;
pub mod caller;
pub mod ddns;
pub mod devices;
pub mod head;
pub mod input;
pub mod led;
pub mod loudness;
pub mod mailer;
pub mod mdns;
pub mod motion;
pub mod mqtt;
pub mod network;
pub mod ntp;
pub mod output;
pub mod uploader;
pub mod upnp;
