//! Uploads pictures (PROFILE 4.3).
