//! What the other end of a dialog is told of a hold of ours, and what it tells of its own (RFC 3264 section 8.4).
//!
//! ```text
//!   our offer               it listens   it does not
//!     we talk               sendrecv     recvonly
//!     we hold               sendonly     inactive
//!
//!   its offer               sendrecv     sendonly     recvonly     inactive
//!     our answer, talking   sendrecv     recvonly     sendonly     inactive
//!     our answer, holding   sendonly     inactive     sendonly     inactive
//! ```
//!
//! Each side says only what it wants itself: we listen unless we hold, and send unless the peer has said that it does not
//! listen. So either side takes its own hold back in whatever order, and the other's stands.

use ponte_call_core::PeerHold;
use ponte_media::Direction;
use std::time::Duration;

/// The first pause before a party that was told to wait is told again that it need not; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(32);

/// The hold of one leg as its peer knows it. What is to be sent comes out of [`Told::due`]; everything that happens to an
/// offer is told to it. It has no clock and sends nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// The peer is to know that it waits.
    wanted: bool,
    /// It was told so by our description that stands.
    waits: bool,
    /// An offer of ours that is not answered, which tells it to wait, or not to.
    open: Option<Open>,
    /// An offer has to wait: for one of the peer's, for the end of a glare, for the pause after a failure.
    delayed: bool,
    /// It would not be told: not asked again.
    refused: bool,
    /// How often in a row it could not be told that it need not wait.
    failures: u32,
    /// It listens, as far as its own offers say. What it answers while it waits says nothing of it: some telephones answer
    /// `inactive` to music.
    listens: bool,
    /// What the switch was told of its own hold.
    holds: PeerHold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    waits: bool,
    /// The peer has asked for it, by a request without offer.
    asked_for: bool,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            wanted: false,
            waits: false,
            open: None,
            delayed: false,
            refused: false,
            failures: 0,
            listens: true,
            holds: PeerHold::No,
        }
    }
}

impl Told {
    /// The session is set up: `agreed` is our direction in it, by what the peer has described last. What its own hold is,
    /// where it begins with one.
    pub fn began(&mut self, agreed: Direction) -> Option<PeerHold> {
        self.listens = agreed.sends();
        self.holds = peer_hold(agreed);
        (self.holds != PeerHold::No).then_some(self.holds)
    }

    /// Whether the peer is to know that it waits. The last word counts.
    pub fn want(&mut self, waits: bool) {
        self.wanted = waits;
    }

    fn is_to_wait(&self) -> bool {
        self.wanted && !self.refused
    }

    /// The direction of the offer that is due now.
    pub fn due(&self) -> Option<Direction> {
        if self.open.is_some() || self.delayed || self.is_to_wait() == self.waits {
            return None;
        }
        Some(direction(self.listens, !self.is_to_wait()))
    }

    /// What was due is on its way, by re-INVITE.
    pub fn sent(&mut self) {
        self.open = Some(Open {
            waits: self.is_to_wait(),
            asked_for: false,
        });
    }

    /// What was due could not be sent: another offer is open.
    pub fn crossed(&mut self) {
        self.delayed = true;
    }

    /// An offer may be sent again.
    pub fn possible(&mut self) {
        self.delayed = false;
    }

    /// What our answer to an offer allows at most, and what our offer says where the peer asks for one: a peer that may
    /// be taking its own hold back that way is given all of it (RFC 3261 section 14.2).
    pub fn limit(&self) -> Direction {
        direction(true, !self.is_to_wait())
    }

    /// The peer has asked for an offer, and got one of [`Self::limit`].
    pub fn offered(&mut self) {
        self.open = Some(Open {
            waits: self.is_to_wait(),
            asked_for: true,
        });
    }

    /// An offer of the peer was answered within [`Self::limit`]: with `agreed`, where it alone allows `allowed`. What
    /// its own hold is from here on.
    pub fn answered_peer(&mut self, allowed: Direction, agreed: Direction) -> PeerHold {
        if self.is_to_wait() {
            self.waits = true;
        } else if agreed.receives() {
            self.waits = false;
            self.failures = 0;
        }
        // One that offers not to send, as a party that waits does, was not told that it may.
        self.listens = allowed.sends();
        self.holds = peer_hold(allowed);
        self.holds
    }

    /// Our offer, or the repetition of what stands in a session refresh, was answered; `agreed` is our direction, `None` where nothing can be made of the answer. What the peer's
    /// own hold is, where that says more than was known.
    pub fn answered(&mut self, agreed: Option<Direction>) -> Option<PeerHold> {
        let Some(open) = self.open.take() else {
            // A session refresh, which repeats what stands. Music may have been refused by now: that is no news.
            let agreed = agreed.filter(|_| !self.waits)?;
            let holds = peer_hold(agreed);
            return (std::mem::replace(&mut self.holds, holds) != holds).then_some(holds);
        };
        self.waits = open.waits;
        self.failures = 0;
        let agreed = agreed?;
        if open.waits && !agreed.sends() {
            return None;
        }
        if open.asked_for {
            self.listens = agreed.sends();
        }
        let holds = peer_hold(agreed);
        // What it holds by is heard only now that it is told to talk: told again.
        let news = std::mem::replace(&mut self.holds, holds) != holds || holds != PeerHold::No;
        news.then_some(holds)
    }

    /// Our offer was refused with a SIP status; how long to wait before [`Self::possible`], where nobody else says when.
    pub fn failed(&mut self, status: u16) -> Option<Duration> {
        let open = self.open.take()?;
        if status == 491 {
            self.delayed = true;
            return None;
        }
        if open.waits {
            self.refused = true;
            return None;
        }
        if !self.waits {
            return None;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(5));
        self.failures += 1;
        self.delayed = true;
        Some(pause.min(LONGEST_PAUSE))
    }
}

/// Ours, of the two ways that audio can go.
pub(super) fn direction(sends: bool, receives: bool) -> Direction {
    match (sends, receives) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}

/// What a direction of ours that only the peer limits says of the peer (RFC 3264 section 8.4).
fn peer_hold(ours: Direction) -> PeerHold {
    match ours {
        Direction::RecvOnly => PeerHold::SendOnly,
        Direction::Inactive => PeerHold::Inactive,
        // A peer that only listens hears us as before.
        Direction::SendRecv | Direction::SendOnly => PeerHold::No,
    }
}

#[cfg(test)]
#[path = "told_tests.rs"]
mod tests;
