//! Where pictures come from: one module a scheme of `--source`.

pub mod exec;
pub mod files;
pub mod mjpeg_http;
mod pace;
#[cfg(test)]
mod testing;
