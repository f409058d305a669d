//! Calls an address when an alarm begins (PROFILE 4.4).
