//! Offers and answers in a call, and parties that wait: where their trunk or the telephones' section says so, they are told
//! by re-INVITE (ADR 40). What they hear never waits for that.
//!
//! ```text
//!   effects ──▶ what a leg hears, whom it is connected to ──▶ does it wait? ──▶ Told ──▶ re-INVITE
//!                                                                                ▲
//!                                    the peer's offers, answers, refusals ───────┘
//! ```

use super::Driver;
use super::legs::Stage;
use super::told;
use super::warning::Warning;
use crate::config::HoldSignal;
use crate::store::LegUp;
use bytes::Bytes;
use ponte_call_core::{Event, LegId, Playback, Tone, TrunkId};
use ponte_media::RemoteMedia;
use ponte_protocol::LegRole;
use ponte_sip::{DialogId, SipError};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// What a leg hears beside whom it is connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Hears {
    /// What a party on hold hears.
    Music,
    /// Somebody is being called: a party that waited waits on.
    Ringing,
    #[default]
    Other,
}

impl Hears {
    pub fn of(playback: &Playback) -> Self {
        match playback {
            Playback::Tone(Tone::Hold) => Self::Music,
            Playback::Tone(Tone::Ringback) => Self::Ringing,
            _ => Self::Other,
        }
    }

    /// Whether a leg that hears this is set aside. One that is connected is not: whoever that is plays for it.
    fn waits(self, connected: bool, before: bool) -> bool {
        !connected
            && match self {
                Self::Music => true,
                Self::Ringing => before,
                Self::Other => false,
            }
    }
}

/// What is left to do about holds.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// Legs of which something has changed. Looked at when every effect of an input is carried out, so that nobody is told
    /// of what was over within one.
    changed: Vec<LegId>,
    /// When a party is told again that it need not wait.
    later: BinaryHeap<Reverse<(Instant, LegId)>>,
}

impl Holds {
    pub fn look_at(&mut self, leg: LegId) {
        self.changed.push(leg);
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.later.peek().map(|Reverse((at, _))| *at)
    }
}

impl Driver {
    /// Tells everybody whose hold has changed; whether there was anything to look at.
    pub(super) fn tell_holds(&mut self) -> bool {
        let any = !self.holds.changed.is_empty();
        while let Some(leg) = self.holds.changed.pop() {
            self.tell_hold(leg);
        }
        any
    }

    fn tell_hold(&mut self, id: LegId) {
        let Some(leg) = self.legs.get(id) else { return };
        if self.hold_signal(&leg.kept) == HoldSignal::Played {
            return;
        }
        let connected = leg.connected_to.is_some() || self.is_in_room(id);
        let Some(leg) = self.legs.get_mut(id) else { return };
        leg.waits = leg.hears.waits(connected, leg.waits);
        leg.told.want(leg.waits);
        let answered = matches!(leg.stage, Stage::Accepted | Stage::Answered);
        let (Some(direction), [branch], true) = (leg.told.due(), &mut leg.branches[..], answered) else {
            return;
        };
        // The session has said what it says here only if it was sent.
        let mut session = branch.session.clone();
        let Some(offer) = session.offer_direction(direction) else {
            return;
        };
        match self.agent.reinvite(self.clock.sip_now(), branch.dialog, offer) {
            Ok(()) => {
                branch.session = session;
                let (endpoint, remote) = (leg.endpoint, branch.remote);
                leg.told.sent();
                tracing::debug!(leg = %id, ?direction, "a party is told of its hold");
                // Who offers to listen does so at once (RFC 3264 section 5.1).
                if let Some((endpoint, remote)) = endpoint.zip(remote)
                    && direction.receives()
                {
                    let direction = told::direction(remote.direction.sends(), true);
                    self.media
                        .set_remote(endpoint, RemoteMedia { direction, ..remote });
                }
            }
            Err(SipError::OfferPending) => leg.told.crossed(),
            Err(error) => tracing::debug!(leg = %id, %error, "a party could not be told of its hold"),
        }
    }

    /// Whether whoever is at this leg is told of a hold. The user's own line on a trunk never is: who is told to be silent
    /// sends no keys, and those control the calls (rule T13).
    fn hold_signal(&self, kept: &LegUp) -> HoldSignal {
        if kept.device.is_some() {
            return self.config.registrar.hold;
        }
        let trunk = self.trunks.get(&TrunkId(kept.trunk.clone()));
        trunk
            .filter(|_| kept.role == LegRole::Far)
            .map_or(HoldSignal::Played, |trunk| trunk.settings.hold)
    }

    /// Parties whose pause is over are told again.
    pub(super) fn holds_due(&mut self) {
        let now = Instant::now();
        while let Some(&Reverse((at, leg))) = self.holds.later.peek() {
            if at > now {
                return;
            }
            self.holds.later.pop();
            if let Some(known) = self.legs.get_mut(leg) {
                known.told.possible();
                self.holds.look_at(leg);
            }
        }
    }

    /// Gives a peer its answer, or its offer, and the media plane what was agreed.
    pub(super) fn settle_offer(&mut self, dialog: DialogId, offer: Option<&Bytes>) {
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return;
        };
        let (id, endpoint, limit) = (leg.id, leg.endpoint, leg.told.limit());
        let answered = matches!(leg.stage, Stage::Answered);
        let Some(branch) = leg.branch_mut(dialog) else {
            return;
        };
        let now = self.clock.sip_now();
        let mut held = None;
        let settled = match offer {
            None => {
                let offer = branch.session.offer(limit);
                let sent = self.agent.answer_offer(now, dialog, offer);
                if sent.is_ok() {
                    leg.told.offered();
                }
                sent
            }
            Some(offer) => match branch.session.answer(offer, limit) {
                Ok(answer) => {
                    branch.remote = Some(answer.remote);
                    let hold = leg.told.answered_peer(answer.allowed, answer.remote.direction);
                    held = answered.then_some(hold);
                    if let Some(endpoint) = endpoint {
                        self.media.set_remote(endpoint, answer.remote);
                    }
                    self.agent.answer_offer(now, dialog, answer.body)
                }
                Err(error) => {
                    tracing::info!(leg = %id, %error, "an offer was refused");
                    let warning = Warning::of(&error).header();
                    self.agent.reject_offer(now, dialog, 488, &[warning])
                }
            },
        };
        self.holds.look_at(id);
        if let Err(error) = settled {
            tracing::debug!(%error, "an offer could not be settled");
        } else if let Some(hold) = held {
            self.tell(Event::LegHeld { leg: id, hold });
        }
    }

    /// An offer of ours was answered: of a hold, of a session refresh, or one that the peer has asked for.
    pub(super) fn offer_answered(&mut self, dialog: DialogId, sdp: &Bytes) {
        let agreed = self.agree(dialog, sdp);
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return;
        };
        let answered = matches!(leg.stage, Stage::Answered);
        let remote = leg.branch_mut(dialog).and_then(|branch| branch.remote);
        let direction = remote.filter(|_| agreed).map(|remote| remote.direction);
        let (id, hold) = (leg.id, leg.told.answered(direction));
        self.holds.look_at(id);
        if let Some(hold) = hold.filter(|_| answered) {
            self.tell(Event::LegHeld { leg: id, hold });
        }
    }

    /// An offer of ours was refused: the session goes on as it was.
    pub(super) fn offer_failed(&mut self, dialog: DialogId, status: u16) {
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return;
        };
        let id = leg.id;
        if let Some(branch) = leg.branch_mut(dialog) {
            branch.session.offer_refused();
        }
        let pause = leg.told.failed(status);
        tracing::info!(leg = %id, status, "our offer was refused");
        if let Some(pause) = pause {
            self.holds.later.push(Reverse((Instant::now() + pause, id)));
        }
        self.holds.look_at(id);
    }

    /// An offer that had to wait may be made.
    pub(super) fn offer_possible(&mut self, dialog: DialogId) {
        if let Some(leg) = self.legs.by_dialog(dialog) {
            leg.told.possible();
            let id = leg.id;
            self.holds.look_at(id);
        }
    }
}
