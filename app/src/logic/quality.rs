//! What measured quality means for people.

use ponte_protocol::{CallQuality, LegRole, Quality};
use std::fmt::Write;

/// The scores that a graph shows, times ten: from bad to the best that telephones reach.
pub const MOS_MIN: u8 = 10;
/// The best.
pub const MOS_MAX: u8 = 45;
/// From this score on, times ten, users are satisfied (ITU-T G.107 table B.1: R of 80).
const GOOD_MOS_TENTHS: u8 = 40;

/// How a call sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    Good,
    Fair,
    Poor,
}

impl Grade {
    /// The grade of what was measured.
    pub const fn of(quality: &Quality) -> Self {
        if quality.is_poor() {
            Self::Poor
        } else if quality.mos_tenths < GOOD_MOS_TENTHS {
            Self::Fair
        } else {
            Self::Good
        }
    }

    /// For attributes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Poor => "poor",
        }
    }
}

/// The way that sounds worst, and whose leg it is.
pub fn worst(known: &CallQuality) -> Option<(LegRole, Quality)> {
    let ways = |leg: &ponte_protocol::LegQuality| {
        let role = leg.role;
        [leg.from_telephone, leg.to_telephone]
            .into_iter()
            .flatten()
            .map(move |quality| (role, quality))
    };
    let all = known.legs.iter().flat_map(ways);
    all.min_by_key(|(_, quality)| quality.mos_tenths)
}

/// The points of a line of scores that ends at the right edge of a graph with room for `room`.
pub fn points(scores: &[u8], room: usize) -> String {
    let start = room.saturating_sub(scores.len());
    let mut line = String::new();
    for (at, score) in scores.iter().enumerate() {
        // Writing to a `String` does not fail.
        let _ = write!(
            line,
            "{},{} ",
            start + at,
            MOS_MAX.saturating_sub((*score).max(MOS_MIN))
        );
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::{CallId, LegQuality};

    fn scored(mos_tenths: u8) -> Quality {
        Quality {
            loss_per_mille: 0,
            jitter_ms: 1,
            mos_tenths,
        }
    }

    #[test]
    fn scores_have_plain_words() {
        for (score, grade) in [
            (45, "good"),
            (40, "good"),
            (39, "fair"),
            (36, "fair"),
            (35, "poor"),
            (10, "poor"),
        ] {
            assert_eq!(Grade::of(&scored(score)).name(), grade, "{score}");
        }
    }

    #[test]
    fn the_worst_way_speaks_for_the_call() {
        let leg = |role, from: Option<u8>, to: Option<u8>| LegQuality {
            role,
            from_telephone: from.map(scored),
            to_telephone: to.map(scored),
        };
        let mut known = CallQuality {
            call: CallId(uuid::Uuid::nil()),
            legs: vec![
                leg(LegRole::User, Some(43), None),
                leg(LegRole::Far, Some(41), Some(37)),
            ],
        };
        assert_eq!(worst(&known), Some((LegRole::Far, scored(37))));
        known.legs.clear();
        assert_eq!(worst(&known), None);
    }

    #[test]
    fn the_line_ends_at_the_right_edge() {
        assert_eq!(points(&[45, 10, 5], 5), "2,0 3,35 4,35 ");
        assert_eq!(points(&[], 5), "");
    }
}
