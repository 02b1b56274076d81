//! When the user is switched to a profile by the clock: days and times as people read and set them.

use ponte_protocol::ScheduleEntry;
use ponte_protocol::schedule::DAY_MINUTES;

/// Bits of the days from Monday to Friday.
pub const WEEKDAYS: u8 = 0b1_1111;

/// `09:30` as minutes since midnight.
pub fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.get(..2)?.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// Minutes since midnight as `09:30`.
pub fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Days by their names, e.g. `Mon–Fri, Sun`. `names`: seven, from Monday on, between spaces.
pub fn days(days: u8, names: &str) -> String {
    let names: Vec<&str> = names.split(' ').collect();
    let on = |day: usize| days & (1 << day) != 0;
    let mut parts = Vec::new();
    let mut day = 0;
    while day < names.len().min(7) {
        let run = (day..names.len().min(7)).take_while(|day| on(*day)).count();
        match run {
            0 => {}
            1 | 2 => parts.extend(names[day..day + run].iter().map(ToString::to_string)),
            _ => parts.push(format!("{}–{}", names[day], names[day + run - 1])),
        }
        day += run.max(1);
    }
    parts.join(", ")
}

/// What the fields say; `None` while they say nothing that can be kept.
pub fn entry(days: u8, from: &str, to: &str, profile: &str) -> Option<ScheduleEntry> {
    let (from, to) = (minutes(from)?, minutes(to)?);
    let entry = ScheduleEntry {
        days,
        from,
        // A day that is over at midnight.
        to: if to == 0 { DAY_MINUTES } else { to },
        profile: profile.to_owned(),
    };
    ponte_protocol::schedule::validate(std::slice::from_ref(&entry)).ok()?;
    Some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "Mon Tue Wed Thu Fri Sat Sun";

    #[test]
    fn days_are_named_as_people_name_them() {
        assert_eq!(days(WEEKDAYS, NAMES), "Mon–Fri");
        assert_eq!(days(0b110_0000, NAMES), "Sat, Sun");
        assert_eq!(days(0b101_1101, NAMES), "Mon, Wed–Fri, Sun");
        assert_eq!(days(0, NAMES), "");
    }

    #[test]
    fn fields_make_an_entry_or_none() {
        let home = entry(WEEKDAYS, "09:00", "18:30", "home").unwrap();
        assert_eq!((home.from, home.to), (540, 1110));
        assert_eq!(clock(home.to), "18:30");
        assert_eq!(entry(1, "18:00", "00:00", "home").unwrap().to, DAY_MINUTES);
        assert_eq!(clock(DAY_MINUTES), "24:00");
        for (days, from, to, profile) in [
            (0, "09:00", "18:00", "home"),
            (1, "", "18:00", "home"),
            (1, "09:00", "9", "home"),
            (1, "09:00", "25:00", "home"),
            (1, "09:00", "09:00", "home"),
            (1, "09:00", "18:00", ""),
        ] {
            assert_eq!(entry(days, from, to, profile), None, "{from} {to} {profile}");
        }
    }
}
