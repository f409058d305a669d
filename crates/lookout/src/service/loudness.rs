//! Listens for sounds that trigger.
