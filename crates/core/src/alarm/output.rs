//! The output: what it is driven to, and when it rests.
//!
//! It rests at the level that is not `alarm_ioout_level`: from the start, after each alarm, and whatever ends the camera.

use crate::profile::settings::LineLevel;

/// What the output is to show.
#[derive(Debug)]
pub struct Output {
    level: LineLevel,
    rest: LineLevel,
    alarm: Option<LineLevel>,
}

impl Output {
    /// Makes it rest at a level.
    pub const fn new(rest: LineLevel) -> Self {
        Self { level: rest, rest, alarm: None }
    }

    /// Returns the level to drive.
    pub const fn level(&self) -> LineLevel {
        self.level
    }

    /// Returns the level at which it rests.
    pub const fn rest(&self) -> LineLevel {
        self.rest
    }

    /// Takes a level of an alarm: the first is its own, the other one ends it.
    pub fn alarm(&mut self, level: LineLevel) {
        match self.alarm {
            Some(driven) if driven != level => self.over(),
            Some(_) | None => (self.alarm, self.level) = (Some(level), level),
        }
    }

    /// Takes that there is no alarm, or none any more.
    pub fn over(&mut self) {
        if self.alarm.take().is_some() {
            self.level = self.rest;
        }
    }

    /// Takes an order by hand, which holds until the next alarm, its end, or another.
    pub fn order(&mut self, level: LineLevel) {
        self.level = level;
    }

    /// Changes the level at which it rests. A siren that is on by an alarm goes on.
    pub fn rest_at(&mut self, rest: LineLevel) {
        self.rest = rest;
        if self.alarm.is_none() {
            self.level = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        LineLevel::{High, Low},
        *,
    };

    #[test]
    fn it_rests_is_driven_by_an_alarm_and_rests_again() {
        let mut output = Output::new(Low);
        assert_eq!(output.level(), Low);
        output.alarm(High);
        output.alarm(High);
        assert_eq!(output.level(), High);
        output.alarm(Low);
        assert_eq!(output.level(), Low);
        output.alarm(High);
        assert_eq!(output.level(), High);
        output.over();
        assert_eq!(output.level(), Low, "should the alarm's own word be lost");
    }

    #[test]
    fn another_resting_level_moves_what_rests_and_leaves_an_alarm_alone() {
        let mut output = Output::new(Low);
        output.rest_at(High);
        assert_eq!((output.level(), output.rest()), (High, High));
        output.alarm(Low);
        output.rest_at(Low);
        output.rest_at(High);
        assert_eq!(output.level(), Low);
        output.alarm(High);
        assert_eq!(output.level(), High);
        let mut output = Output::new(Low);
        output.alarm(High);
        output.rest_at(High);
        output.alarm(Low);
        assert_eq!(output.level(), High, "after the alarm it rests as the settings have it now");
    }

    #[test]
    fn an_order_holds_until_an_alarm_is_over() {
        let mut output = Output::new(Low);
        output.order(High);
        output.over();
        assert_eq!(output.level(), High, "there was no alarm");
        output.alarm(High);
        output.order(Low);
        assert_eq!(output.level(), Low, "somebody switched the siren off");
        output.order(High);
        output.alarm(Low);
        assert_eq!(output.level(), Low);
    }
}
