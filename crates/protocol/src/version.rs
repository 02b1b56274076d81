//! Which versions of the protocol a program speaks.
//!
//! Both ends of a socket say the range they speak; the highest common version is used. A new version may add fields and
//! variants; it may not change or drop those of the version before, so an edge deploy and a gateway upgrade need not
//! happen at the same instant.

use crate::json::{FromJson, ToJson};
use serde::{Deserialize, Serialize};

/// The newest version this build speaks.
pub const PROTOCOL_VERSION: u16 = 1;
/// The oldest version this build still speaks.
pub const OLDEST_PROTOCOL_VERSION: u16 = 1;

/// An inclusive range of protocol versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct VersionRange {
    pub oldest: u16,
    pub newest: u16,
}

impl VersionRange {
    /// What this build speaks.
    pub const OURS: Self = Self {
        oldest: OLDEST_PROTOCOL_VERSION,
        newest: PROTOCOL_VERSION,
    };

    /// The version to use with a peer, or `None` when the two have none in common.
    pub fn common(self, other: Self) -> Option<u16> {
        let newest = self.newest.min(other.newest);
        (newest >= self.oldest.max(other.oldest)).then_some(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_agree_on_the_newest_common_version() {
        let old = VersionRange { oldest: 1, newest: 2 };
        let new = VersionRange { oldest: 2, newest: 3 };
        assert_eq!(old.common(new), Some(2));
        assert_eq!(new.common(old), Some(2));
    }

    #[test]
    fn strangers_do_not_agree() {
        let old = VersionRange { oldest: 1, newest: 1 };
        let new = VersionRange { oldest: 2, newest: 3 };
        assert_eq!(old.common(new), None);
    }
}
