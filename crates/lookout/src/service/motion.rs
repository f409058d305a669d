//! Looks for motion, while it is armed.
