//! The pieces of uploads that are on their way to the gateway: each is handed over once, and the next one only when the
//! gateway has taken it.
//!
//! `T` is whatever the answer is handed over with; dropping it tells that none comes.

use super::desk::Busy;
use crate::limits::{Rate, TokenBucket};
use ponte_protocol::{UnixMillis, UserId};
use std::collections::HashMap;
use uuid::Uuid;

/// How long the gateway may take for a piece, in milliseconds; the last one has it compute for a while.
pub const TAKE_MS: u64 = 30_000;
/// Pieces of all users on their way at once; of a user one.
pub const PIECES_PER_SITE: usize = 8;
/// Uploads a second that a user may begin, and how many at once.
pub const UPLOADS: Rate = Rate {
    per_second: 1,
    burst: 5,
};

struct Entry<T> {
    user: UserId,
    offset: u64,
    reply: T,
    until: UnixMillis,
}

/// The uploads of one site.
pub struct Uploads<T> {
    entries: HashMap<Uuid, Entry<T>>,
    rates: HashMap<UserId, TokenBucket>,
}

impl<T> Default for Uploads<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            rates: HashMap::new(),
        }
    }
}

impl<T> Uploads<T> {
    /// A piece of `upload` is handed to the gateway.
    ///
    /// # Errors
    /// [`Busy`] when the user or the site has another one on its way, or the user begins too many.
    pub fn send(
        &mut self,
        upload: Uuid,
        user: &UserId,
        offset: u64,
        reply: T,
        now: UnixMillis,
    ) -> Result<(), Busy> {
        self.entries.retain(|_, entry| entry.until > now);
        let of_user = self.entries.values().any(|entry| entry.user == *user);
        if of_user || self.entries.len() >= PIECES_PER_SITE {
            return Err(Busy { retry_after_ms: 1000 });
        }
        if offset == 0 {
            self.rates
                .entry(user.clone())
                .or_insert_with(|| TokenBucket::full(UPLOADS, now))
                .take(now)
                .map_err(|retry_after_ms| Busy { retry_after_ms })?;
        }
        let entry = Entry {
            user: user.clone(),
            offset,
            reply,
            until: now.plus(TAKE_MS),
        };
        self.entries.insert(upload, entry);
        Ok(())
    }

    /// The gateway has answered; `None` where nobody waits for that.
    pub fn take(&mut self, upload: Uuid, offset: u64) -> Option<T> {
        if self.entries.get(&upload)?.offset != offset {
            return None;
        }
        self.entries.remove(&upload).map(|entry| entry.reply)
    }

    /// Nobody waits for this one any longer.
    pub fn forget(&mut self, upload: Uuid) {
        self.entries.remove(&upload);
    }

    /// The link is gone, and with it what was on its way.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Forgets what users have sent so far.
    pub fn forget_rates(&mut self) {
        self.rates.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn the_next_piece_waits_until_the_gateway_has_taken_the_one_before() {
        let mut uploads = Uploads::default();
        uploads.send(id(1), &user("anna"), 0, "first", NOW).unwrap();
        assert!(uploads.send(id(1), &user("anna"), 10, "second", NOW).is_err());
        assert_eq!(uploads.take(id(1), 10), None, "another piece's answer");
        assert_eq!(uploads.take(id(2), 0), None, "another upload's answer");
        assert_eq!(uploads.take(id(1), 0), Some("first"));
        assert_eq!(uploads.take(id(1), 0), None);
        uploads.send(id(1), &user("anna"), 10, "second", NOW).unwrap();
    }

    #[test]
    fn so_many_are_on_their_way_and_who_was_cut_off_frees_the_place() {
        let mut uploads = Uploads::default();
        for n in 0..PIECES_PER_SITE {
            uploads
                .send(id(n as u128), &user(&format!("user-{n}")), 0, (), NOW)
                .unwrap();
        }
        let busy = uploads.send(id(99), &user("last"), 0, (), NOW).unwrap_err();
        assert!(busy.retry_after_ms >= 1);
        assert!(
            uploads
                .send(id(99), &user("last"), 0, (), NOW.plus(TAKE_MS))
                .is_ok()
        );
    }

    #[test]
    fn a_user_begins_only_so_many() {
        let mut uploads = Uploads::default();
        for n in 0..u128::from(UPLOADS.burst) {
            uploads.send(id(n), &user("anna"), 0, (), NOW).unwrap();
            uploads.forget(id(n));
        }
        let busy = uploads.send(id(50), &user("anna"), 0, (), NOW).unwrap_err();
        assert!(uploads.send(id(51), &user("bert"), 0, (), NOW).is_ok());
        assert!(
            uploads
                .send(id(50), &user("anna"), 0, (), NOW.plus(busy.retry_after_ms))
                .is_ok()
        );
        uploads.clear();
        assert_eq!(uploads.take(id(50), 0), None);
    }
}
