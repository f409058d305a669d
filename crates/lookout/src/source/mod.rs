//! Where pictures come from: one module a scheme of `--source`.

pub mod demo;
