//! PINs that are keyed in on a telephone (rule T11), slowed down for whoever guesses.

use super::Driver;
use super::work::Done;
use crate::store::PinHash;
use ponte_call_core::{Event, LegId, Pin};
use ponte_protocol::Extension;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Wrong PINs that cost nothing.
const FREE_TRIES: u32 = 3;
/// The pause after the first wrong PIN beyond those; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// Extensions that are kept in mind; the site has no more that exist.
const KEPT_MAX: usize = 10_000;

/// Who guessed wrong of late.
#[derive(Debug, Default)]
pub(super) struct Guesses(HashMap<Extension, Guess>);

#[derive(Clone, Copy, Debug)]
struct Guess {
    wrong: u32,
    closed_until: Instant,
}

impl Guesses {
    fn is_closed(&self, extension: &Extension, now: Instant) -> bool {
        self.0
            .get(extension)
            .is_some_and(|guess| guess.closed_until > now)
    }

    fn wrong(&mut self, extension: &Extension, now: Instant) {
        if self.0.len() >= KEPT_MAX {
            self.0.retain(|_, guess| guess.closed_until + LONGEST_PAUSE > now);
        }
        let guess = self.0.entry(extension.clone()).or_insert(Guess {
            wrong: 0,
            closed_until: now,
        });
        guess.wrong = guess.wrong.saturating_add(1);
        if let Some(beyond) = guess.wrong.checked_sub(FREE_TRIES + 1) {
            let pause = FIRST_PAUSE.saturating_mul(1 << beyond.min(10));
            guess.closed_until = now + pause.min(LONGEST_PAUSE);
        }
    }

    fn right(&mut self, extension: &Extension) {
        self.0.remove(extension);
    }
}

impl Driver {
    /// Argon2 takes tens of milliseconds: it runs beside.
    pub(super) fn check_pin(&mut self, leg: LegId, extension: Extension, pin: Pin, ask: u64) {
        let hash = self
            .users
            .values()
            .find(|entry| entry.row.extension == extension)
            .and_then(|entry| entry.row.pin.clone());
        // Whoever is shut out learns nothing, not even by the time it takes.
        let closed = self.guesses.is_closed(&extension, Instant::now());
        self.work.push(async move {
            let verify = move || PinHash::verify(hash.as_ref(), &pin.0);
            let right = tokio::task::spawn_blocking(verify).await.unwrap_or(false);
            Done::PinChecked {
                leg,
                ask,
                extension,
                valid: right && !closed,
            }
        });
    }

    pub(super) fn pin_checked(&mut self, leg: LegId, ask: u64, extension: &Extension, valid: bool) {
        if valid {
            self.guesses.right(extension);
        } else {
            tracing::warn!(%leg, "a wrong PIN was keyed in");
            metrics::counter!("ponte_wrong_pins_total").increment(1);
            self.guesses.wrong(extension, Instant::now());
        }
        self.tell(Event::PinChecked { leg, ask, valid });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t11_guessing_a_pin_gets_slower_and_the_right_one_opens_again() {
        let extension: Extension = "201".parse().unwrap();
        let mut guesses = Guesses::default();
        let now = Instant::now();
        for _ in 0..FREE_TRIES {
            guesses.wrong(&extension, now);
            assert!(!guesses.is_closed(&extension, now));
        }
        guesses.wrong(&extension, now);
        assert!(guesses.is_closed(&extension, now + Duration::from_secs(29)));
        assert!(!guesses.is_closed(&extension, now + Duration::from_secs(31)));
        guesses.wrong(&extension, now);
        assert!(guesses.is_closed(&extension, now + Duration::from_secs(59)));
        for _ in 0..100 {
            guesses.wrong(&extension, now);
        }
        assert!(guesses.is_closed(&extension, now + Duration::from_mins(59)));
        assert!(!guesses.is_closed(&extension, now + Duration::from_mins(61)));
        assert!(!guesses.is_closed(&"202".parse().unwrap(), now));
        guesses.right(&extension);
        assert!(!guesses.is_closed(&extension, now));
    }
}
