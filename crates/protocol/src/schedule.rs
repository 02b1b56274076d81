//! Profiles that begin and end by the clock, week after week.

use crate::Refusal;
use crate::json::{FromJson, ToJson};
use crate::treatment::PROFILE_NAME_MAX;
use serde::{Deserialize, Serialize};

/// The most entries of a user's schedule.
pub const SCHEDULE_MAX: usize = 20;
/// Minutes of a day.
pub const DAY_MINUTES: u16 = 24 * 60;

/// A profile that the user is switched to by the clock of the site: "weekdays from nine to six at home". At the end of the
/// time telecommuter mode ends, and what else the profile has set goes back to the profile `office`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct ScheduleEntry {
    /// Bit 0 is Monday, bit 6 Sunday; at least one of them.
    pub days: u8,
    /// Minutes since midnight, 0 to 1,439.
    pub from: u16,
    /// 1 to 1,440, unlike `from`; at a time before `from`: on the next day.
    pub to: u16,
    /// By its name.
    pub profile: String,
}

/// Checks what the types cannot.
///
/// # Errors
/// [`Refusal::Malformed`] names what is out of range.
pub fn validate(schedule: &[ScheduleEntry]) -> Result<(), Refusal> {
    let wrong = |detail: &str| {
        Err(Refusal::Malformed {
            detail: detail.to_owned(),
        })
    };
    if schedule.len() > SCHEDULE_MAX {
        return wrong("schedule: at most 20 entries");
    }
    for entry in schedule {
        if !(1..=0b111_1111).contains(&entry.days) {
            return wrong("days: 1 to 127");
        }
        if entry.from >= DAY_MINUTES || !(1..=DAY_MINUTES).contains(&entry.to) || entry.from == entry.to {
            return wrong("from, to: 0 to 1439, 1 to 1440");
        }
        if !(1..=PROFILE_NAME_MAX).contains(&entry.profile.chars().count()) {
            return wrong("profile: 1 to 40 characters");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_days_a_time_and_a_name() {
        let good = ScheduleEntry {
            days: 0b1_1111,
            from: 9 * 60,
            to: 18 * 60,
            profile: "home".into(),
        };
        let check = |change: fn(&mut ScheduleEntry)| {
            let mut entry = good.clone();
            change(&mut entry);
            validate(&[entry]).is_ok()
        };
        assert!(check(|_| {}));
        assert!(check(|entry| (entry.from, entry.to) = (22 * 60, 6 * 60)));
        assert!(check(|entry| (entry.from, entry.to) = (0, DAY_MINUTES)));
        assert!(!check(|entry| entry.days = 0));
        assert!(!check(|entry| entry.days = 128));
        assert!(!check(|entry| entry.from = DAY_MINUTES));
        assert!(!check(|entry| entry.to = 0));
        assert!(!check(|entry| entry.to = entry.from));
        assert!(!check(|entry| entry.profile.clear()));
        assert!(validate(&vec![good; SCHEDULE_MAX + 1]).is_err());
    }
}
