//! Schedules: a week of quarter-hours, each on or off (Q7).

use super::wire::{Illegal, Kind, Value, Wire};

/// A moment of the camera's local week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// 0 Sunday to 6 Saturday.
    pub weekday: u8,
    /// Minutes since midnight, 0-1439.
    pub minute: u16,
}

impl LocalTime {
    /// Reads weekday and minute off a count of seconds since 1970 that is already local.
    pub fn of(local_unix: i64) -> Self {
        let days = local_unix.div_euclid(86_400);
        // 1 January 1970 was a Thursday, day 4; both remainders are in range by construction.
        let weekday = u8::try_from((days + 4).rem_euclid(7)).unwrap_or(0);
        Self { weekday, minute: u16::try_from(local_unix.rem_euclid(86_400) / 60).unwrap_or(0) }
    }
}

/// Eight hours of a schedule as the profile writes them: the least significant bit is the first quarter-hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Word(pub u32);

impl Wire for Word {
    const KIND: Kind = Kind::Word;
    /// Clients send the word signed or unsigned: `-1` is all 32 bits (PROFILE 1.5).
    fn parse(text: &str) -> Result<Self, Illegal> {
        let number: i64 = text.parse().map_err(|_| Illegal)?;
        let signed = i32::try_from(number).map(i32::cast_unsigned);
        signed.or_else(|_| u32::try_from(number)).map(Self).map_err(|_| Illegal)
    }
    fn show(&self) -> Value {
        Value::Int(self.0.into())
    }
}

/// A week of quarter-hours, each on or off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Week {
    /// Per day, Sunday first: bit `q % 32` of word `q / 32` is quarter-hour `q`, 0-95 (PROFILE Q7).
    pub days: [[Word; 3]; 7],
}

impl Week {
    /// Says whether the quarter-hour that holds `at` is on.
    pub fn contains(&self, at: LocalTime) -> bool {
        let quarter = usize::from(at.minute / 15);
        self.days[usize::from(at.weekday)][quarter / 32].0 & (1 << (quarter % 32)) != 0
    }
}

/// A schedule with its switch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Whether the schedule is looked at at all.
    pub enable: bool,
    /// The quarter-hours.
    pub week: Week,
}

impl Schedule {
    /// Says whether the schedule is switched on and the quarter-hour that holds `at` is, too.
    pub fn holds(&self, at: LocalTime) -> bool {
        self.enable && self.week.contains(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q7_monday_half_past_eight_is_quarter_34() {
        let mut week = Week::default();
        week.days[1][1] = Word(1 << 2); // quarter 34: 08:30-08:45
        let at = |minute| LocalTime { weekday: 1, minute };
        assert_eq!([509, 510, 524, 525].map(|m| week.contains(at(m))), [false, true, true, false]);
    }

    #[test]
    fn a_negative_word_is_its_bits() {
        assert_eq!(Word::parse("-1"), Ok(Word(u32::MAX)));
        assert_eq!(Word::parse("4294967295"), Ok(Word(u32::MAX)));
        assert_eq!(Word::parse("-2147483648"), Ok(Word(1 << 31)));
        for bad in ["4294967296", "-2147483649", "", "x", "1.0"] {
            assert_eq!(Word::parse(bad), Err(Illegal), "{bad}");
        }
    }

    #[test]
    fn the_week_begins_on_a_thursday_in_1970_and_goes_on_before_it() {
        assert_eq!(LocalTime::of(0), LocalTime { weekday: 4, minute: 0 });
        assert_eq!(LocalTime::of(-60), LocalTime { weekday: 3, minute: 1439 });
        assert_eq!(LocalTime::of(3 * 86_400 + 90 * 60), LocalTime { weekday: 0, minute: 90 });
    }
}
