//! How durations and numbers are written.

pub use ponte_protocol::grouping::grouped as number;

/// `m:ss`, or `h:mm:ss` from one hour on.
pub fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// Whole seconds, to the nearest; at least 1 until it is over. Rounding up would show a countdown of 20 s as 21 where the
/// server's clock is known to a few milliseconds only.
pub fn seconds_left(millis: u64) -> u64 {
    ((millis + 500) / 1000).max(u64::from(millis > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_grow_an_hour_place() {
        for (millis, written) in [
            (0, "0:00"),
            (999, "0:00"),
            (61_000, "1:01"),
            (3_599_999, "59:59"),
            (3_600_000, "1:00:00"),
        ] {
            assert_eq!(duration(millis), written);
        }
    }

    #[test]
    fn a_countdown_shows_one_until_it_is_over() {
        assert_eq!([0, 1, 1000, 1499, 1500].map(seconds_left), [0, 1, 1, 1, 2]);
    }

    #[test]
    fn t14_a_confirmation_of_twenty_seconds_starts_at_twenty() {
        for late in [-300_i64, 0, 40, 300] {
            assert_eq!(seconds_left(20_000_u64.saturating_add_signed(late)), 20);
        }
    }
}
