//! Publications in force, by their entity-tag (RFC 3903 6).

use std::collections::HashMap;
use std::sync::Arc;

use crate::timers::TimerId;

/// Publications of one account; one more takes the place of the oldest.
const MAX_OF_ACCOUNT: usize = 8;

/// One publication.
pub(crate) struct Publication {
    pub(crate) account: Arc<str>,
    pub(crate) timer: Option<TimerId>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Publications {
    in_force: HashMap<u64, Publication>,
    /// Entity-tags of each account, the newest last.
    by_account: HashMap<Arc<str>, Vec<u64>>,
}

impl Publications {
    /// Whether this entity-tag is one of the account's.
    pub(crate) fn is_of(&self, tag: u64, account: &str) -> bool {
        self.in_force
            .get(&tag)
            .is_some_and(|publication| *publication.account == *account)
    }

    /// Adds a publication; the one that had to make room.
    pub(crate) fn insert(&mut self, tag: u64, publication: Publication) -> Option<Publication> {
        let tags = self
            .by_account
            .entry(Arc::clone(&publication.account))
            .or_default();
        tags.push(tag);
        let surplus = (tags.len() > MAX_OF_ACCOUNT).then(|| tags.remove(0));
        self.in_force.insert(tag, publication);
        surplus.and_then(|tag| self.in_force.remove(&tag))
    }

    pub(crate) fn remove(&mut self, tag: u64) -> Option<Publication> {
        let publication = self.in_force.remove(&tag)?;
        if let Some(tags) = self.by_account.get_mut(&publication.account) {
            tags.retain(|own| *own != tag);
            if tags.is_empty() {
                self.by_account.remove(&publication.account);
            }
        }
        Some(publication)
    }

    /// Whether the account has published anything that is in force.
    pub(crate) fn any_of(&self, account: &str) -> bool {
        self.by_account.contains_key(account)
    }

    /// Entity-tags of an account.
    pub(crate) fn of_account(&self, account: &str) -> Vec<u64> {
        self.by_account.get(account).cloned().unwrap_or_default()
    }
}
