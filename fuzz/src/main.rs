//! One fuzzer for all targets, so that it is linked once: `LOOKOUT_FUZZ` names the target. `cargo xtask fuzz` builds and
//! runs it.
#![no_main]

use std::{env, sync::LazyLock};

static CHECK: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = env::var("LOOKOUT_FUZZ").expect("LOOKOUT_FUZZ names a target");
    let target = fuzz::TARGETS.iter().find(|target| target.name == name);
    target.unwrap_or_else(|| panic!("there is no target {name}")).check
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| CHECK(data));
