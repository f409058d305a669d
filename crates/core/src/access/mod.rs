//! Who may say it: the rules that every request passes before anything is done for it (PROFILE 1.3).
//!
//! In the order in which a request meets them: [`target`] makes one path out of many spellings, [`hosts`] asks
//! whether the camera was meant, [`peers`] whether passwords may travel in clear, [`throttle`] whether one more
//! password may be tried, [`credentials`] which one was brought, [`guard`] whether a foreign page is behind it,
//! [`confirm`] whether the person has said yes. Each rule is a pure function or a small state machine with time as an
//! argument; the one place that calls them for every road is `lookout`'s router. [`calls`] looks the other way: whom the
//! camera may call when a manager says so.

pub mod calls;
pub mod confirm;
pub mod credentials;
pub mod digest;
pub mod guard;
pub mod hosts;
pub mod origin;
pub mod peers;
pub mod target;
pub mod throttle;
