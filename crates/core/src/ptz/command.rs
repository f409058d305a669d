//! The numbers of `decoder_control.cgi`, as each kind of head understands them (PROFILE 5.4, Q65).

use super::{Axis, Column, Lens, Order, Preset, Way};
use crate::{
    profile::{
        reply::Failure,
        settings::LineLevel,
        wire::{Int, Wire as _},
    },
    query::Query,
};

/// Reads what a request to `decoder_control.cgi` orders: `command`, `onestep` and `degree`. `degree` counts with `onestep=1`
/// alone.
///
/// # Errors
/// As [`order`]; [`Failure::IllegalParam`] as well for values that are missing or out of range.
pub fn asked(query: &Query, column: Column) -> Result<Order, Failure> {
    let given = |name| query.get(name).filter(|text| !text.is_empty());
    let number = given("command").and_then(|text| text.parse().ok()).ok_or(Failure::IllegalParam)?;
    let step = given("onestep").map(bool::parse).transpose()?.unwrap_or(false);
    let degrees = given("degree").filter(|_| step).map(Int::parse).transpose()?;
    order(number, step, degrees, column)
}

/// Reads a command number: what it orders of a head, `onestep` and `degree` regarded.
///
/// # Errors
/// [`Failure::IllegalParam`] for a number that is no command, or a step that is none of up, down, left and right;
/// [`Failure::NotSupported`] for a command that this kind of head does not know.
pub fn order(number: u32, step: bool, degrees: Option<Int<1, 90>>, column: Column) -> Result<Order, Failure> {
    let (line, built_in) = columns(number).ok_or(Failure::IllegalParam)?;
    // Clients send `onestep=1` with a stop as well; a stop is refused for nothing.
    if step && number > 7 {
        return Err(Failure::IllegalParam);
    }
    let order = match column {
        Column::Line => line,
        Column::BuiltIn => built_in,
        Column::None => line.filter(|order| matches!(order, Order::Output(_))),
    };
    let order = order.ok_or(Failure::NotSupported)?;
    if step && let Order::Move(way) = order {
        return Ok(Order::Step(way, degrees));
    }
    Ok(order)
}

/// Returns the row of a number in PROFILE 5.4; `None` for a number that is no command.
#[rustfmt::skip]
fn columns(number: u32) -> Option<(Option<Order>, Option<Order>)> {
    use Order::{Aux, Centre, LensStop, Move, Output, Patrol, Scan, Stop, Test};
    let lens = |lens| Some(Order::Lens(lens));
    let aux = |number, on| Some(Aux(number, on));
    let [aux1, aux2, aux3, aux4] = [Int::new(1), Int::new(2), Int::new(3), Int::new(4)];
    let preset = || preset(number);
    Some(match number {
        //              on a line                    built in
        0          => (Some(Move(Way::Up)),         Some(Move(Way::Up))),
        2          => (Some(Move(Way::Down)),       Some(Move(Way::Down))),
        4          => (Some(Move(Way::Left)),       Some(Move(Way::Left))),
        6          => (Some(Move(Way::Right)),      Some(Move(Way::Right))),
        1|3|5|7    => (Some(Stop),                  Some(Stop)),
        8          => (lens(Lens::IrisClose),       None),
        10         => (lens(Lens::IrisOpen),        None),
        12         => (lens(Lens::FocusNear),       None),
        14         => (lens(Lens::FocusFar),        None),
        9|11|13|15 => (Some(LensStop),              None),
        16         => (lens(Lens::ZoomWide),        lens(Lens::ZoomWide)),
        18         => (lens(Lens::ZoomTele),        lens(Lens::ZoomTele)),
        17|19      => (Some(LensStop),              Some(LensStop)),
        20         => (Some(Scan(true)),            Some(Patrol(Axis::Horizontal, true))),
        21         => (Some(Scan(false)),           Some(Patrol(Axis::Horizontal, false))),
        22         => (aux(aux1, true),             None),
        23         => (aux(aux1, false),            None),
        24         => (aux(aux2, true),             None),
        25         => (aux(aux2, false),            Some(Centre)),
        26         => (aux(aux3, true),             Some(Patrol(Axis::Vertical, true))),
        27         => (aux(aux3, false),            Some(Patrol(Axis::Vertical, false))),
        28         => (aux(aux4, true),             Some(Patrol(Axis::Horizontal, true))),
        29         => (aux(aux4, false),            Some(Patrol(Axis::Horizontal, false))),
        30..=89    => (preset(),                    preset()),
        90         => (preset(),                    Some(Move(Way::UpLeft))),
        91         => (preset(),                    Some(Move(Way::UpRight))),
        92         => (preset(),                    Some(Move(Way::DownLeft))),
        93         => (preset(),                    Some(Move(Way::DownRight))),
        94         => (Some(Output(LineLevel::High)), Some(Output(LineLevel::High))),
        95         => (Some(Output(LineLevel::Low)),  Some(Output(LineLevel::Low))),
        255        => (None,                        Some(Test)),
        _          => return None,
    })
}

/// Returns what 30 to 93 order of presets: even numbers set one, odd numbers go to one.
fn preset(number: u32) -> Option<Order> {
    let which = Preset::within((i32::try_from(number).ok()? - 28) / 2)?;
    Some(if number.is_multiple_of(2) { Order::SetPreset(which) } else { Order::GoTo(which) })
}

#[cfg(test)]
mod tests;
