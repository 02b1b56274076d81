//! How long a status message stands (rule T12).

use ponte_protocol::UnixMillis;

/// When a status message is taken away by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    HalfHour,
    Hour,
    Today,
    Never,
}

impl Expiry {
    /// All of them, as they are offered.
    pub const ALL: [Self; 4] = [Self::Never, Self::HalfHour, Self::Hour, Self::Today];

    /// For the field's value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HalfHour => "30",
            Self::Hour => "60",
            Self::Today => "today",
            Self::Never => "never",
        }
    }

    /// Reads what [`Expiry::name`] wrote.
    pub fn from_name(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|expiry| expiry.name() == name)
            .unwrap_or(Self::Never)
    }

    /// The moment, from `now` on; `tomorrow` is the user's next midnight. Both by the server's clock.
    pub const fn until(self, now: UnixMillis, tomorrow: UnixMillis) -> Option<UnixMillis> {
        match self {
            Self::HalfHour => Some(now.plus(30 * 60_000)),
            Self::Hour => Some(now.plus(60 * 60_000)),
            Self::Today => Some(tomorrow),
            Self::Never => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t12_a_status_expires_as_chosen() {
        let (now, tomorrow) = (UnixMillis(1_000), UnixMillis(9_000));
        assert_eq!(Expiry::HalfHour.until(now, tomorrow), Some(UnixMillis(1_801_000)));
        assert_eq!(Expiry::Hour.until(now, tomorrow), Some(UnixMillis(3_601_000)));
        assert_eq!(Expiry::Today.until(now, tomorrow), Some(tomorrow));
        assert_eq!(Expiry::Never.until(now, tomorrow), None);
        for expiry in Expiry::ALL {
            assert_eq!(Expiry::from_name(expiry.name()), expiry);
        }
        assert_eq!(Expiry::from_name(""), Expiry::Never);
    }
}
