//! Whether a portal can go on from where it left off.

use ponte_protocol::frames::Resume;
use uuid::Uuid;

/// Missed events beyond which a snapshot is the shorter way.
pub const REPLAY_MAX: u32 = 200;
/// Events kept for each user.
pub const KEPT_EVENTS: u32 = 1000;
/// How long events are kept, in milliseconds.
pub const KEPT_MS: u64 = 24 * 3_600_000;

/// The site's event log, as one user sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogExtent {
    pub log: Uuid,
    /// The newest event of the site; 0 when there is none.
    pub newest: u64,
    /// The newest event that was dropped and that this user would have seen; 0 when none was.
    pub dropped: u64,
}

/// How to begin with a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the events after this one.
    After(u64),
    Snapshot,
}

/// Decides how to begin. `missed` counts the user's events after the one that the portal saw last.
pub fn decide(resume: Option<Resume>, extent: LogExtent, missed: u32) -> Start {
    match resume {
        Some(Resume { log, seq })
            if log == extent.log && seq <= extent.newest && seq >= extent.dropped && missed <= REPLAY_MAX =>
        {
            Start::After(seq)
        }
        _ => Start::Snapshot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: LogExtent = LogExtent {
        log: Uuid::from_u128(1),
        newest: 90,
        dropped: 40,
    };

    fn at(log: u128, seq: u64) -> Resume {
        Resume {
            log: Uuid::from_u128(log),
            seq,
        }
    }

    #[test]
    fn a_portal_goes_on_where_nothing_is_missing() {
        assert_eq!(decide(Some(at(1, 90)), EXTENT, 0), Start::After(90));
        assert_eq!(decide(Some(at(1, 40)), EXTENT, 12), Start::After(40));
    }

    #[test]
    fn a_snapshot_comes_where_events_are_missing_or_many() {
        assert_eq!(decide(None, EXTENT, 0), Start::Snapshot);
        assert_eq!(decide(Some(at(1, 39)), EXTENT, 0), Start::Snapshot);
        assert_eq!(decide(Some(at(1, 91)), EXTENT, 0), Start::Snapshot);
        assert_eq!(decide(Some(at(2, 90)), EXTENT, 0), Start::Snapshot);
        assert_eq!(decide(Some(at(1, 50)), EXTENT, REPLAY_MAX + 1), Start::Snapshot);
    }
}
