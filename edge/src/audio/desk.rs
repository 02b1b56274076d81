//! The pieces that a site's listeners wait for: each is asked for once, in its turn, and taken only from the answer that
//! fits.
//!
//! `T` is whatever a piece is handed over with; dropping it tells the listener that nothing comes.

use super::{
    PIECE_MS, PIECES, PIECES_PER_SITE, PIECES_PER_USER, RECORDING_MAX, WAITING_PER_SITE, WAITING_PER_USER,
};
use crate::limits::TokenBucket;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ponte_protocol::{AudioPart, MessageId, OwnSound, UnixMillis, UserId};
use std::collections::HashMap;
use uuid::Uuid;

/// A piece that a listener wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub user: UserId,
    pub message: MessageId,
    /// The user's own greeting or name, in the place of a message.
    pub own: Option<OwnSound>,
    pub offset: u64,
    /// At least 1.
    pub length: u32,
}

/// What the gateway says of a piece.
#[derive(Clone, PartialEq, Eq)]
pub enum Piece {
    Bytes { total: u64, bytes: Vec<u8> },
    NotFound,
    Unavailable,
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes { total, bytes } => write!(f, "Bytes({} of {total})", bytes.len()),
            Self::NotFound => f.write_str("NotFound"),
            Self::Unavailable => f.write_str("Unavailable"),
        }
    }
}

/// The listener has asked for too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    /// When to ask again, in milliseconds.
    pub retry_after_ms: u64,
}

/// Why a frame of the gateway was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stray {
    #[error("nobody asked for it, or it came too late")]
    Unknown,
    #[error("it begins elsewhere")]
    WrongOffset,
    #[error("it is not as long as was asked for")]
    WrongLength,
    #[error("the recording is longer than any")]
    TooLong,
    #[error("it is no base64")]
    Garbled,
}

struct Entry<T> {
    wanted: Wanted,
    reply: T,
    until: UnixMillis,
    /// Counts up: who asked first is served first.
    turn: u64,
    sent: bool,
}

/// The listeners of one site.
pub struct Desk<T> {
    entries: HashMap<Uuid, Entry<T>>,
    rates: HashMap<UserId, TokenBucket>,
    turn: u64,
}

impl<T> Default for Desk<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            rates: HashMap::new(),
            turn: 0,
        }
    }
}

impl<T> Desk<T> {
    /// Puts a piece on the list.
    ///
    /// # Errors
    /// [`Busy`] when the user or the site has asked for too much.
    pub fn ask(&mut self, request: Uuid, wanted: Wanted, reply: T, now: UnixMillis) -> Result<(), Busy> {
        self.expire(now);
        let of_user = self.count(|entry| entry.wanted.user == wanted.user);
        if of_user >= WAITING_PER_USER || self.entries.len() >= WAITING_PER_SITE {
            return Err(Busy { retry_after_ms: 1000 });
        }
        self.rates
            .entry(wanted.user.clone())
            .or_insert_with(|| TokenBucket::full(PIECES, now))
            .take(now)
            .map_err(|retry_after_ms| Busy { retry_after_ms })?;
        self.turn = self.turn.saturating_add(1);
        let entry = Entry {
            wanted,
            reply,
            until: now.plus(PIECE_MS),
            turn: self.turn,
            sent: false,
        };
        self.entries.insert(request, entry);
        Ok(())
    }

    /// The next piece to ask the gateway for, if one may be on its way beside those that are.
    pub fn next(&mut self, now: UnixMillis) -> Option<(Uuid, Wanted)> {
        self.expire(now);
        if self.count(|entry| entry.sent) >= PIECES_PER_SITE {
            return None;
        }
        let mut on_their_way: HashMap<&UserId, usize> = HashMap::new();
        for entry in self.entries.values().filter(|entry| entry.sent) {
            *on_their_way.entry(&entry.wanted.user).or_default() += 1;
        }
        let may = |entry: &Entry<T>| {
            let own = on_their_way.get(&entry.wanted.user).copied().unwrap_or(0);
            (!entry.sent && own < PIECES_PER_USER).then_some((own, entry.turn))
        };
        // Who has least on its way comes first, so that no listener holds up another.
        let (_, request) = self
            .entries
            .iter()
            .filter_map(|(request, entry)| may(entry).map(|rank| (rank, *request)))
            .min()?;
        let entry = self.entries.get_mut(&request)?;
        entry.sent = true;
        Some((request, entry.wanted.clone()))
    }

    /// Takes what the gateway sent.
    ///
    /// # Errors
    /// [`Stray`] for what does not fit; whoever waits goes on waiting.
    pub fn take(&mut self, request: Uuid, part: &AudioPart, now: UnixMillis) -> Result<(T, Piece), Stray> {
        self.expire(now);
        let entry = self.entries.get(&request).filter(|entry| entry.sent);
        let piece = read(&entry.ok_or(Stray::Unknown)?.wanted, part)?;
        let entry = self.entries.remove(&request).ok_or(Stray::Unknown)?;
        Ok((entry.reply, piece))
    }

    /// Nobody waits for this one any longer.
    pub fn forget(&mut self, request: Uuid) {
        self.entries.remove(&request);
    }

    /// The link is gone, and with it all that was on its way or waited for it.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Another link has taken over: what was on its way over the old one is asked for again.
    pub fn ask_again(&mut self) {
        for entry in self.entries.values_mut() {
            entry.sent = false;
        }
    }

    /// Forgets what users have asked for so far.
    pub fn forget_rates(&mut self) {
        self.rates.clear();
    }

    /// A listener whose request was cut off is not there to take itself off the list.
    fn expire(&mut self, now: UnixMillis) {
        self.entries.retain(|_, entry| entry.until > now);
    }

    fn count(&self, of: impl Fn(&Entry<T>) -> bool) -> usize {
        self.entries.values().filter(|entry| of(entry)).count()
    }
}

/// A part as the piece that was asked for.
fn read(wanted: &Wanted, part: &AudioPart) -> Result<Piece, Stray> {
    let (total, offset, base64) = match part {
        AudioPart::Bytes {
            total,
            offset,
            base64,
        } => (*total, *offset, base64),
        AudioPart::NotFound => return Ok(Piece::NotFound),
        AudioPart::Unavailable => return Ok(Piece::Unavailable),
    };
    if offset != wanted.offset {
        return Err(Stray::WrongOffset);
    }
    if total > RECORDING_MAX {
        return Err(Stray::TooLong);
    }
    let expected = total.saturating_sub(offset).min(u64::from(wanted.length));
    let expected = usize::try_from(expected).map_err(|_| Stray::TooLong)?;
    if base64.len() != expected.div_ceil(3).saturating_mul(4) {
        return Err(Stray::WrongLength);
    }
    let bytes = STANDARD.decode(base64).map_err(|_| Stray::Garbled)?;
    if bytes.len() != expected {
        return Err(Stray::WrongLength);
    }
    Ok(Piece::Bytes { total, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn wanted(user: &str, offset: u64, length: u32) -> Wanted {
        Wanted {
            user: user.parse().unwrap(),
            message: MessageId(Uuid::nil()),
            own: None,
            offset,
            length,
        }
    }

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn bytes(total: u64, offset: u64, bytes: &[u8]) -> AudioPart {
        AudioPart::Bytes {
            total,
            offset,
            base64: STANDARD.encode(bytes),
        }
    }

    fn drain<T>(desk: &mut Desk<T>) -> Vec<u128> {
        std::iter::from_fn(|| desk.next(NOW).map(|(request, _)| request.as_u128())).collect()
    }

    #[test]
    fn a_piece_is_asked_for_once_and_handed_over_once() {
        let mut desk = Desk::default();
        desk.ask(id(1), wanted("anna", 3, 4), "anna", NOW).unwrap();
        let part = bytes(100, 3, b"abcd");
        assert_eq!(
            desk.take(id(1), &part, NOW),
            Err(Stray::Unknown),
            "not asked for yet"
        );
        assert_eq!(desk.next(NOW), Some((id(1), wanted("anna", 3, 4))));
        assert_eq!(desk.next(NOW), None);
        let piece = Piece::Bytes {
            total: 100,
            bytes: b"abcd".to_vec(),
        };
        assert_eq!(desk.take(id(1), &part, NOW), Ok(("anna", piece)));
        assert_eq!(desk.take(id(1), &part, NOW), Err(Stray::Unknown));
    }

    #[test]
    fn the_end_of_a_recording_is_shorter_and_beyond_it_is_nothing() {
        for (offset, held) in [(98, b"xy".as_slice()), (100, b""), (500, b"")] {
            let mut desk = Desk::default();
            desk.ask(id(1), wanted("anna", offset, 4), (), NOW).unwrap();
            desk.next(NOW);
            let piece = Piece::Bytes {
                total: 100,
                bytes: held.to_vec(),
            };
            assert_eq!(desk.take(id(1), &bytes(100, offset, held), NOW), Ok(((), piece)));
        }
    }

    #[test]
    fn what_does_not_fit_is_passed_over_and_the_true_piece_still_taken() {
        let mut desk = Desk::default();
        desk.ask(id(1), wanted("anna", 0, 4), (), NOW).unwrap();
        desk.next(NOW);
        let garbled = |base64: &str| AudioPart::Bytes {
            total: 100,
            offset: 0,
            base64: base64.to_owned(),
        };
        for (part, stray) in [
            (bytes(100, 4, b"abcd"), Stray::WrongOffset),
            (bytes(100, 0, b"abc"), Stray::WrongLength),
            (bytes(100, 0, b"abcde"), Stray::WrongLength),
            (bytes(100, 0, &[0; 4096]), Stray::WrongLength),
            (bytes(2, 0, b"abcd"), Stray::WrongLength),
            (bytes(u64::MAX, 0, b"abcd"), Stray::TooLong),
            (garbled("????????"), Stray::Garbled),
            (garbled("YWJjZA=A"), Stray::Garbled),
            (garbled(""), Stray::WrongLength),
        ] {
            assert_eq!(desk.take(id(1), &part, NOW), Err(stray), "{part:?}");
        }
        assert_eq!(
            desk.take(id(2), &bytes(100, 0, b"abcd"), NOW),
            Err(Stray::Unknown)
        );
        assert!(desk.take(id(1), &bytes(100, 0, b"abcd"), NOW).is_ok());
    }

    #[test]
    fn so_many_are_on_their_way_and_no_listener_holds_up_another() {
        let mut desk = Desk::default();
        for n in 0..8 {
            desk.ask(id(n), wanted("anna", 0, 1), (), NOW).unwrap();
        }
        for n in 8..10 {
            desk.ask(id(n), wanted("bert", 0, 1), (), NOW).unwrap();
        }
        assert_eq!(drain(&mut desk), [0, 8, 1, 9, 2, 3]);
        desk.take(id(0), &AudioPart::NotFound, NOW).unwrap();
        assert_eq!(drain(&mut desk), [4]);
        for n in 10..20 {
            let user = format!("user-{n}");
            desk.ask(id(n), wanted(&user, 0, 1), (), NOW).unwrap();
        }
        assert_eq!(drain(&mut desk).len(), PIECES_PER_SITE - 6);
    }

    #[test]
    fn a_list_has_an_end_for_a_user_and_for_the_site() {
        let mut desk = Desk::default();
        for n in 0..WAITING_PER_USER {
            desk.ask(id(n as u128), wanted("anna", 0, 1), (), NOW).unwrap();
        }
        assert!(desk.ask(id(900), wanted("anna", 0, 1), (), NOW).is_err());
        for n in WAITING_PER_USER..WAITING_PER_SITE {
            let user = format!("user-{n}");
            desk.ask(id(n as u128), wanted(&user, 0, 1), (), NOW).unwrap();
        }
        assert!(desk.ask(id(901), wanted("last", 0, 1), (), NOW).is_err());
        assert!(
            desk.ask(id(902), wanted("last", 0, 1), (), NOW.plus(PIECE_MS))
                .is_ok()
        );
    }

    #[test]
    fn who_asks_too_fast_is_told_when_to_come_again() {
        let mut desk = Desk::default();
        let mut now = NOW;
        for n in 0..u128::from(PIECES.burst) {
            desk.ask(id(n), wanted("anna", 0, 1), (), now).unwrap();
            desk.forget(id(n));
        }
        let busy = desk.ask(id(500), wanted("anna", 0, 1), (), now).unwrap_err();
        assert!(desk.ask(id(501), wanted("bert", 0, 1), (), now).is_ok());
        now = now.plus(busy.retry_after_ms);
        assert!(desk.ask(id(502), wanted("anna", 0, 1), (), now).is_ok());
    }

    #[test]
    fn a_listener_that_was_cut_off_frees_its_place() {
        let mut desk = Desk::default();
        for n in 0..4 {
            desk.ask(id(n), wanted("anna", 0, 1), (), NOW).unwrap();
        }
        assert_eq!(drain(&mut desk).len(), 4);
        let later = NOW.plus(PIECE_MS);
        desk.ask(id(9), wanted("anna", 0, 1), (), later).unwrap();
        assert_eq!(desk.next(later).unwrap().0, id(9));
        assert_eq!(desk.take(id(0), &AudioPart::NotFound, later), Err(Stray::Unknown));
    }

    #[test]
    fn a_new_link_is_asked_for_what_the_old_one_owed() {
        let mut desk = Desk::default();
        desk.ask(id(1), wanted("anna", 0, 1), (), NOW).unwrap();
        assert_eq!(drain(&mut desk), [1]);
        desk.ask_again();
        assert_eq!(drain(&mut desk), [1]);
        desk.clear();
        assert_eq!(desk.take(id(1), &AudioPart::NotFound, NOW), Err(Stray::Unknown));
    }

    proptest! {
        #[test]
        fn no_frame_makes_it_panic_or_take_more_than_was_asked_for(
            total in any::<u64>(), offset in 0_u64..9, asked in 0_u64..9, length in 1_u32..9, base64 in "[A-Za-z0-9+/=]{0,16}"
        ) {
            let mut desk = Desk::default();
            desk.ask(id(1), wanted("anna", asked, length), (), NOW).unwrap();
            desk.next(NOW);
            let part = AudioPart::Bytes { total, offset, base64 };
            if let Ok(((), Piece::Bytes { bytes, .. })) = desk.take(id(1), &part, NOW) {
                prop_assert!(bytes.len() <= length as usize);
                prop_assert_eq!(offset, asked);
            }
        }
    }
}
