//! Times of the week by the clock on the site's wall, as people write them: `Mon-Fri 09:00-18:00`.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use ponte_protocol::UnixMillis;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const ALL_DAYS: u8 = 0b111_1111;
const DAY_MINUTES: u16 = 24 * 60;

/// A span of time on some days of each week. One that ends at or before the time at which it begins ends on the next day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hours {
    /// Bit 0 is Monday.
    days: u8,
    /// Minutes since midnight, 0 to 1,439.
    from: u16,
    /// 1 to 1,440, unlike `from`.
    to: u16,
}

/// Why something is no time of the week.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    #[error("times are written as Mon-Fri 09:00-18:00, or Sat,Sun 00:00-24:00")]
    Form,
    #[error("'{0}' is no day; Mon, Tue, Wed, Thu, Fri, Sat or Sun")]
    Day(String),
    #[error("'{0}' is no time; 00:00 to 24:00")]
    Time(String),
    #[error("a time ends at another than it begins; a whole day is 00:00-24:00")]
    Empty,
}

impl Hours {
    /// `days`: bit 0 is Monday, at least one of seven. `from`: minutes since midnight, 0 to 1,439. `to`: 1 to 1,440.
    ///
    /// # Errors
    /// [`HoursError`] names what is out of range.
    pub fn new(days: u8, from: u16, to: u16) -> Result<Self, HoursError> {
        if days == 0 || days & !ALL_DAYS != 0 {
            return Err(HoursError::Day(days.to_string()));
        }
        if from >= DAY_MINUTES {
            return Err(HoursError::Time(clock(from)));
        }
        if to == 0 || to > DAY_MINUTES {
            return Err(HoursError::Time(clock(to)));
        }
        if from == to {
            return Err(HoursError::Empty);
        }
        Ok(Self { days, from, to })
    }

    /// The span that has this moment in it: from when to when, the end not included.
    pub fn window_at(&self, at: UnixMillis, zone: &TimeZone) -> Option<(UnixMillis, UnixMillis)> {
        self.windows(at, zone, -1..=0)
            .into_iter()
            .find(|&(from, to)| (from..to).contains(&at))
    }

    /// Days, with bit 0 for Monday, and from when to when, in minutes since midnight.
    pub fn parts(&self) -> (u8, u16, u16) {
        (self.days, self.from, self.to)
    }

    /// The span that began last, at this moment at the latest; it may be over.
    pub fn latest(&self, at: UnixMillis, zone: &TimeZone) -> Option<(UnixMillis, UnixMillis)> {
        let begun = |span: &(UnixMillis, UnixMillis)| span.0 <= at;
        self.windows(at, zone, -8..=0).into_iter().filter(begun).max()
    }

    /// Whether this moment is one of those meant.
    pub fn is_on(&self, at: UnixMillis, zone: &TimeZone) -> bool {
        self.window_at(at, zone).is_some()
    }

    /// When a span begins or ends next, after this moment.
    pub fn next_change(&self, after: UnixMillis, zone: &TimeZone) -> Option<UnixMillis> {
        self.windows(after, zone, -1..=8)
            .into_iter()
            .flat_map(|(from, to)| [from, to])
            .filter(|at| *at > after)
            .min()
    }

    /// The spans that begin on these days, counted from that of this moment.
    fn windows(
        self,
        around: UnixMillis,
        zone: &TimeZone,
        days: RangeInclusive<i64>,
    ) -> Vec<(UnixMillis, UnixMillis)> {
        let at = i64::try_from(around.0).ok();
        let Some(at) = at.and_then(|at| Timestamp::from_millisecond(at).ok()) else {
            return Vec::new();
        };
        let today = at.to_zoned(zone.clone()).date();
        days.filter_map(|offset| self.window(today.checked_add(offset.days()).ok()?, zone))
            .collect()
    }

    /// The span that begins on this day.
    fn window(self, date: Date, zone: &TimeZone) -> Option<(UnixMillis, UnixMillis)> {
        if self.days & bit(date.weekday()) == 0 {
            return None;
        }
        let until = if self.to > self.from {
            date
        } else {
            date.tomorrow().ok()?
        };
        let from = instant(date, self.from, zone)?;
        let to = instant(until, self.to, zone)?;
        // On the day on which the clocks go forward, a span within the hour that is left out does not happen.
        (from < to).then_some((from, to))
    }
}

fn bit(day: Weekday) -> u8 {
    1 << day.to_monday_zero_offset()
}

/// When it is so many minutes after midnight. A time that the clocks leave out is the one after it; of a time that comes
/// twice it is the first.
fn instant(date: Date, minutes: u16, zone: &TimeZone) -> Option<UnixMillis> {
    let (date, minutes) = if minutes == DAY_MINUTES {
        (date.tomorrow().ok()?, 0)
    } else {
        (date, minutes)
    };
    let hour = i8::try_from(minutes / 60).ok()?;
    let minute = i8::try_from(minutes % 60).ok()?;
    let at = date.at(hour, minute, 0, 0).to_zoned(zone.clone()).ok()?;
    u64::try_from(at.timestamp().as_millisecond())
        .ok()
        .map(UnixMillis)
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut day = 0;
        while day < 7 {
            let run = (day..7).take_while(|day| self.days & (1 << day) != 0).count();
            match run {
                0 => {}
                1 => write!(f, "{separator}{}", DAYS[day])?,
                2 => write!(f, "{separator}{},{}", DAYS[day], DAYS[day + 1])?,
                _ => write!(f, "{separator}{}-{}", DAYS[day], DAYS[day + run - 1])?,
            }
            if run > 0 {
                separator = ",";
            }
            day += run.max(1);
        }
        write!(f, " {}-{}", clock(self.from), clock(self.to))
    }
}

impl fmt::Debug for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hours({self})")
    }
}

impl FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let mut words = text.split_whitespace();
        let (Some(days), Some(times), None) = (words.next(), words.next(), words.next()) else {
            return Err(HoursError::Form);
        };
        let (from, to) = times.split_once('-').ok_or(HoursError::Form)?;
        Self::new(read_days(days)?, read_time(from)?, read_time(to)?)
    }
}

fn read_days(text: &str) -> Result<u8, HoursError> {
    let day = |name: &str| {
        let place = DAYS.iter().position(|day| day.eq_ignore_ascii_case(name));
        place.ok_or_else(|| HoursError::Day(name.to_owned()))
    };
    let mut days = 0;
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        // Sat-Mon goes on over the end of the week.
        let length = (last + 7 - first) % 7;
        days |= (0..=length).fold(0, |days, step| days | 1 << ((first + step) % 7));
    }
    Ok(days)
}

fn read_time(text: &str) -> Result<u16, HoursError> {
    let wrong = || HoursError::Time(text.to_owned());
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let digits = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return Err(wrong());
    }
    let read = |part: &str| part.parse::<u16>().map_err(|_| wrong());
    let (hour, minute) = (read(hour)?, read(minute)?);
    let minutes = hour * 60 + minute;
    if minute > 59 || minutes > DAY_MINUTES {
        return Err(wrong());
    }
    Ok(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rome() -> TimeZone {
        TimeZone::get("Europe/Rome").unwrap()
    }

    fn at(text: &str) -> UnixMillis {
        let zoned: jiff::Zoned = format!("{text}[Europe/Rome]").parse().unwrap();
        UnixMillis(zoned.timestamp().as_millisecond() as u64)
    }

    fn hours(text: &str) -> Hours {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "Mon-Fri 09:00-18:00",
            "Sat,Sun 00:00-24:00",
            "Mon,Wed-Fri 22:00-06:30",
            "Mon-Sun 00:00-24:00",
            "Tue 09:00-09:01",
        ] {
            assert_eq!(hours(text).to_string(), text);
        }
        assert_eq!(
            hours(" sat-MON  9:00-12:00 ").to_string(),
            "Mon,Sat,Sun 09:00-12:00"
        );
    }

    #[test]
    fn what_is_no_time_is_refused_by_its_part() {
        let wrong = |text: &str| text.parse::<Hours>().unwrap_err();
        for text in ["", "Mon", "09:00-18:00", "Mon 09:00", "Mon 09:00-18:00 x"] {
            assert_eq!(wrong(text), HoursError::Form, "{text:?}");
        }
        assert_eq!(wrong("Mon-Fry 09:00-18:00"), HoursError::Day("Fry".into()));
        assert_eq!(wrong("Mon, 09:00-18:00"), HoursError::Day(String::new()));
        for time in ["24:01", "9", "9:60", "25:00", "+9:00", "009:00", "a:00"] {
            assert_eq!(wrong(&format!("Mon {time}-18:00")), HoursError::Time(time.into()));
        }
        assert_eq!(wrong("Mon 24:00-18:00"), HoursError::Time("24:00".into()));
        assert_eq!(wrong("Mon 09:00-00:00"), HoursError::Time("00:00".into()));
        assert_eq!(wrong("Mon 09:00-09:00"), HoursError::Empty);
        assert!(Hours::new(0, 1, 2).is_err() && Hours::new(128, 1, 2).is_err());
    }

    #[test]
    fn a_span_is_on_from_its_first_moment_to_before_its_last() {
        let office = hours("Mon-Fri 09:00-18:00");
        // 2026-11-23 is a Monday.
        for (time, on) in [
            ("2026-11-23T08:59:59", false),
            ("2026-11-23T09:00:00", true),
            ("2026-11-23T17:59:59", true),
            ("2026-11-23T18:00:00", false),
            ("2026-11-22T10:00:00", false),
        ] {
            assert_eq!(office.is_on(at(time), &rome()), on, "{time}");
        }
        let next = |time: &str| office.next_change(at(time), &rome()).unwrap();
        assert_eq!(next("2026-11-23T08:00:00"), at("2026-11-23T09:00:00"));
        assert_eq!(next("2026-11-23T09:00:00"), at("2026-11-23T18:00:00"));
        assert_eq!(
            next("2026-11-27T18:00:00"),
            at("2026-11-30T09:00:00"),
            "after the weekend"
        );
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let night = hours("Fri 22:00-06:00");
        for (time, on) in [
            ("2026-11-27T21:59:00", false),
            ("2026-11-27T23:00:00", true),
            ("2026-11-28T05:59:59", true),
            ("2026-11-28T06:00:00", false),
            ("2026-11-27T05:00:00", false),
        ] {
            assert_eq!(night.is_on(at(time), &rome()), on, "{time}");
        }
        assert_eq!(
            night.window_at(at("2026-11-28T01:00:00"), &rome()),
            Some((at("2026-11-27T22:00:00"), at("2026-11-28T06:00:00")))
        );
        let once = hours("Sun 09:00-10:00");
        assert_eq!(
            once.next_change(at("2026-11-22T10:00:00"), &rome()),
            Some(at("2026-11-29T09:00:00")),
            "a week later"
        );
    }

    #[test]
    fn the_days_on_which_the_clocks_change_have_their_own_length() {
        // 2027-03-28: 02:00 is followed by 03:00. 2026-10-25: 03:00 is followed by 02:00.
        let whole = hours("Sun 00:00-24:00");
        let length = |time: &str| {
            let (from, to) = whole.window_at(at(time), &rome()).unwrap();
            to.since(from) / 3_600_000
        };
        assert_eq!(length("2027-03-28T12:00:00"), 23);
        assert_eq!(length("2026-10-25T12:00:00"), 25);
        let left_out = hours("Sun 02:00-02:30");
        let after = at("2027-03-28T00:00:00");
        assert!(
            !left_out.is_on(at("2027-03-28T03:10:00"), &rome())
                || left_out.is_on(at("2027-03-28T03:00:00"), &rome())
        );
        assert!(left_out.next_change(after, &rome()).is_some());
    }
}
