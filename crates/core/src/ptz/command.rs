//! The numbers of `decoder_control.cgi`, as each kind of head understands them (PROFILE 5.4).

use super::{Column, Order};
use crate::profile::{reply::Failure, wire::Int};

/// Reads a command number: what it orders of a head, `onestep` and `degree` regarded.
///
/// # Errors
/// [`Failure::IllegalParam`] for a number that is no command, or a step that is none of up, down, left and right;
/// [`Failure::NotSupported`] for a command that this kind of head does not know.
pub fn order(number: u32, step: bool, degrees: Option<Int<1, 90>>, column: Column) -> Result<Order, Failure> {
    let _ = (number, step, degrees, column);
    Err(Failure::NotSupported)
}

/// Says whether a command stores something or drives an output, rather than moves the head.
pub fn stores(number: u32, column: Column) -> bool {
    let _ = (number, column);
    false
}
