//! The alarm input: what it shows, and which of the levels that it is told of trigger (Q58).

use crate::profile::settings::LineLevel;

/// Who tells the input's level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The line, at each change and also without one.
    Line,
    /// Somebody with the rights of an operator who stands in for it.
    Operator,
}

/// What a level means that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It triggers.
    Trigger,
    /// It is the level that triggers, and was so before.
    Held,
    /// It is the other level.
    Rest,
}

/// The alarm input. Whoever spoke last is who it shows.
#[derive(Debug, Default)]
pub struct Input {
    shown: Option<LineLevel>,
    line: Option<LineLevel>,
}

impl Input {
    /// Returns the level that it shows, if anybody told one.
    pub const fn shown(&self) -> Option<LineLevel> {
        self.shown
    }

    /// Takes a level, of which `triggers` is the one that triggers (`alarm_ioin_level`).
    ///
    /// A change of the line is news whatever was said over HTTP; its first level is none, because that may be so for long. A
    /// level that is told over HTTP is news if the input did not show it.
    pub fn tell(&mut self, who: Speaker, level: LineLevel, triggers: LineLevel) -> Meaning {
        let news = match who {
            Speaker::Line => {
                let before = self.line.replace(level);
                if before != Some(level) {
                    self.shown = Some(level);
                }
                before.is_some_and(|before| before != level)
            }
            Speaker::Operator => self.shown.replace(level) != Some(level),
        };
        match (level == triggers, news) {
            (true, true) => Meaning::Trigger,
            (true, false) => Meaning::Held,
            (false, _) => Meaning::Rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        LineLevel::{High, Low},
        Meaning::{Held, Rest, Trigger},
        Speaker::{Line, Operator},
        *,
    };

    /// Tells levels to an input of which high triggers.
    fn told(said: &[(Speaker, LineLevel)]) -> (Vec<Meaning>, Option<LineLevel>) {
        let mut input = Input::default();
        let meanings = said.iter().map(|(who, level)| input.tell(*who, *level, High)).collect();
        (meanings, input.shown())
    }

    #[test]
    fn q58_a_level_triggers_when_it_comes_and_not_while_it_is_held() {
        let said = [(Line, Low), (Line, High), (Line, High), (Line, Low), (Line, High)];
        assert_eq!(told(&said), (vec![Rest, Trigger, Held, Rest, Trigger], Some(High)));
        let said = [(Operator, High), (Operator, High), (Operator, Low), (Operator, Low), (Operator, High)];
        assert_eq!(told(&said), (vec![Trigger, Held, Rest, Rest, Trigger], Some(High)));
    }

    #[test]
    fn q58_what_the_line_shows_at_the_start_does_not_trigger() {
        assert_eq!(told(&[(Line, High), (Line, High)]), (vec![Held, Held], Some(High)));
    }

    #[test]
    fn q58_who_spoke_last_is_shown_and_a_line_that_repeats_itself_does_not_speak() {
        assert_eq!(told(&[]).1, None);
        assert_eq!(told(&[(Line, Low), (Operator, High)]).1, Some(High));
        assert_eq!(told(&[(Line, Low), (Operator, High), (Line, Low)]).1, Some(High));
        assert_eq!(told(&[(Line, Low), (Operator, High), (Line, High), (Line, Low)]).1, Some(Low));
    }

    #[test]
    fn q58_a_change_of_the_line_triggers_whatever_was_said() {
        assert_eq!(told(&[(Line, Low), (Operator, High), (Line, High)]).0, [Rest, Trigger, Trigger]);
        assert_eq!(told(&[(Line, High), (Operator, High)]).0, [Held, Held], "it shows that already");
    }

    #[test]
    fn the_level_that_triggers_can_be_either() {
        let mut input = Input::default();
        assert_eq!([High, Low, Low].map(|level| input.tell(Line, level, Low)), [Rest, Trigger, Held]);
        // Another setting is no change of the input.
        assert_eq!(input.tell(Line, Low, High), Rest);
        assert_eq!(input.tell(Line, Low, Low), Held);
    }
}
