//! Which of the gateway's events are new.

use ponte_protocol::link::StreamPosition;

/// What an event's position says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The next one.
    Next,
    /// Events before it are missing: what the edge knows of its users is out of date.
    AfterGap,
    /// Stored before; to be acknowledged again, not to be applied again.
    Known,
}

/// Compares an event's position with the last one stored.
pub fn classify(last: Option<StreamPosition>, position: StreamPosition) -> Arrival {
    let expected = match last {
        Some(last) if last.epoch == position.epoch => {
            if position.seq <= last.seq {
                return Arrival::Known;
            }
            last.seq.saturating_add(1)
        }
        _ => 1,
    };
    if position.seq == expected {
        Arrival::Next
    } else {
        Arrival::AfterGap
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(epoch: u128, seq: u64) -> StreamPosition {
        StreamPosition {
            epoch: Uuid::from_u128(epoch),
            seq,
        }
    }

    #[test]
    fn events_are_taken_once_and_in_order() {
        assert_eq!(classify(None, at(1, 1)), Arrival::Next);
        assert_eq!(classify(Some(at(1, 4)), at(1, 5)), Arrival::Next);
        assert_eq!(classify(Some(at(1, 4)), at(1, 4)), Arrival::Known);
        assert_eq!(classify(Some(at(1, 4)), at(1, 0)), Arrival::Known);
    }

    #[test]
    fn a_gap_is_seen_within_an_epoch_and_at_its_start() {
        assert_eq!(classify(Some(at(1, 4)), at(1, 6)), Arrival::AfterGap);
        assert_eq!(classify(None, at(1, 2)), Arrival::AfterGap);
        assert_eq!(classify(Some(at(1, 4)), at(2, 5)), Arrival::AfterGap);
        assert_eq!(classify(Some(at(1, 4)), at(2, 1)), Arrival::Next);
        assert_eq!(classify(Some(at(1, u64::MAX)), at(1, u64::MAX)), Arrival::Known);
    }
}
