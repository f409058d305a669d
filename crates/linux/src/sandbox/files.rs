//! The walls around files, by Landlock (`landlock(7)`).
//!
//! As much of it as the kernel has: an old one knows nothing of truncating (before 6.2), of what is asked of devices (6.10), or
//! of signals and abstract sockets (6.12), and lets them pass.

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, LandlockStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus, Scope, make_bitflags, path_beneath_rules,
};

use super::Plan;

/// The newest version of which all is refused that is not allowed. Connecting to a socket by its path (9) is not among it: who
/// may do that, the socket's own rights say.
const FILES: ABI = ABI::V5;

const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});
/// The kernel reads a program to run it.
const RUN: BitFlags<AccessFs> = make_bitflags!(AccessFs::{Execute | ReadFile});
const DRIVE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir | WriteFile | Truncate | IoctlDev});
/// No links, devices, sockets or pipes: none of them is made.
const KEEP: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir | Refer
});

/// Puts them up around this thread; returns the version of the kernel's Landlock.
pub fn restrict(plan: &Plan) -> Result<u8, String> {
    let status = rules(plan).map_err(|error| error.to_string())?;
    let version = match status.landlock {
        // A newer one than the library knows does what the newest did that it knows.
        LandlockStatus::Available { effective_abi, kernel_abi } => kernel_abi.unwrap_or(effective_abi as i32),
        LandlockStatus::NotEnabled => return Err("Landlock is not turned on in this kernel".into()),
        LandlockStatus::NotImplemented => return Err("this kernel has no Landlock".into()),
    };
    match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(u8::try_from(version).unwrap_or(u8::MAX)),
        RulesetStatus::NotEnforced => Err("this kernel's Landlock does nothing".into()),
    }
}

fn rules(plan: &Plan) -> Result<landlock::RestrictionStatus, RulesetError> {
    let scope = if plan.abstract_sockets { Scope::Signal.into() } else { Scope::from_all(ABI::V6) };
    Ruleset::default()
        .handle_access(AccessFs::from_all(FILES))?
        // Signals to others: the camera has none to send.
        .scope(scope)?
        .create()?
        .add_rules(path_beneath_rules(&plan.read, READ))?
        .add_rules(path_beneath_rules(&plan.driven, DRIVE))?
        .add_rules(path_beneath_rules(&plan.kept, KEEP))?
        .add_rules(path_beneath_rules(&plan.run, RUN))?
        .restrict_self()
}
