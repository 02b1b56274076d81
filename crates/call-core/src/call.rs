//! One call, as it is served to one user, and its legs.
//!
//! ```text
//!        Dial                                                          IncomingCall, another user's Dial
//!         │  OpenLeg(user)                     line free ┌─────────────────┴───────┐ line taken
//!         ▼                                              ▼  OpenLeg(user)          ▼  Beep
//!   ┌─ CallingUser                                    Ringing ◀─ line freed ─── Waiting
//!   │     │ answered                                     │ answered                │ Accept
//!   │     ▼                                              ▼                         │
//!   │  Confirming ◀─── confirmation wanted ──────────────┤                         │
//!   │     │ key 1, Accept ───────────────────────┐       │                         │
//!   ▼     ▼   (outgoing)              (incoming) ▼       ▼                         │
//! CallingFar ◀─ Dial ─ FarFailed                 AnswerLeg(far), Connect ◀─────────┘
//!   │   │  OpenLeg(far) ▲                                │
//!   │   └── refused ────┘                                ▼          Accept of another call
//!   └── answered ──────────────────────────────────▶ Connected ◀───────────────────────▶ Held
//! ```
//!
//! An incoming call whose user is busy, refuses or does not come goes to `Voicemail`, else its caller is refused. A
//! desk telephone that dials begins in `CallingFar`. A hang-up of the user's telephone, **Hang up** in the portal and the
//! removal of the user lead from every state to `Ending`, which lasts until each leg has said that it ended, or
//! [`crate::TimerKind::Close`] has lost patience.
//!
//! This file holds what every state uses, [`crate::setup`] what a call is made from, [`crate::sound`] what is heard in it.
//! The transitions stand beside the rule they carry out: [`crate::confirm`] (the user leg up to the confirmation),
//! [`crate::progress`] (the far leg), [`crate::failover`] (the next trunk), [`crate::ringing`] (a caller who waits for the
//! user), [`crate::voicemail`], [`crate::line`] (several calls at one ear), [`crate::persistent`] (a leg that stays up),
//! [`crate::rescue`] (a leg that was lost), [`crate::transfer`], [`crate::parking`], [`crate::conference`] (parties that
//! move), [`crate::moving`] (the user moves), [`crate::replaces`] (a telephone takes a call by itself),
//! [`crate::recording`], [`crate::join`] (two users), [`crate::clearing`] (ends).

use crate::context::Context;
use crate::join::{Crossing, Tell};
use crate::leg::{Leg, Told, Way};
use crate::moving::Moving;
use crate::recording::OnDemand;
use crate::rescue::Rescue;
use crate::setup::Setup;
use crate::sound::Sound;
use crate::{Effect, LegId, PeerHold, PlaybackToken, TimerKind};
use ponte_protocol::{
    BookedCode, CallId, CallView, Cause, CauseReason, ConferenceView, Direction, EndedBy, LegRole, MessageId,
    UnixMillis,
};

/// The most attempts one call may make: a bound for the record of a user who dials again and again on one user leg.
const LEGS_MAX: usize = 500;
/// The index of the timers of the whole call, beyond every leg's.
pub(crate) const CLOCK: u16 = u16::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    CallingUser,
    Confirming {
        until: UnixMillis,
        /// The prompt that is being spoken; `None` in the pause between two.
        prompt: Option<PlaybackToken>,
    },
    CallingFar,
    /// A caller hears ringing while the user is called.
    Ringing {
        until: UnixMillis,
    },
    /// A caller hears ringing while the user is on another call.
    Waiting {
        until: UnixMillis,
    },
    Connected {
        since: UnixMillis,
    },
    Held {
        since: UnixMillis,
    },
    /// The user has left; the other party hears ringing.
    Transferring {
        since: UnixMillis,
    },
    Parked {
        slot: u16,
        since: UnixMillis,
    },
    Voicemail(Recording),
    /// The user is in their own voicemail box: [`crate::mailbox`].
    Mailbox {
        since: UnixMillis,
    },
    /// A verification call: the code is spoken, so many more times.
    Speaking {
        token: Option<PlaybackToken>,
        left: u8,
    },
    FarFailed(FarFailure),
    /// A leg that stays up, at the user's ear or lent to another call: [`crate::persistent`].
    Standing {
        since: UnixMillis,
    },
    /// A leg that stays up has dropped.
    Recalling {
        at: UnixMillis,
    },
    Ending {
        cause: Cause,
        by: EndedBy,
        at: UnixMillis,
    },
}

/// The caller is with voicemail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recording {
    pub(crate) since: UnixMillis,
    /// The leg that carries the caller's voice; `None` until the other half has told.
    pub(crate) voice: Option<LegId>,
    /// The greeting, while it is played.
    pub(crate) greeting: Option<PlaybackToken>,
    /// There is no room: the words that say so.
    pub(crate) no_room: Option<PlaybackToken>,
}

/// The other party was not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FarFailure {
    pub(crate) cause: Cause,
    pub(crate) by: EndedBy,
    /// When the user's leg is released.
    pub(crate) until: UnixMillis,
    /// The announcement, while it is being spoken.
    pub(crate) announcement: Option<PlaybackToken>,
    /// How often `until` was put off because the announcement was not over.
    pub(crate) extended: u8,
}

/// What ties a call to others of its user, and to what its telephones do themselves.
#[derive(Debug, Default)]
pub(crate) struct Ties {
    /// The call that reaches whom the other party is given to.
    pub(crate) put_to: Option<CallId>,
    /// The call whose other party this one is made for: it has no leg of the user.
    pub(crate) made_for: Option<CallId>,
    /// The telephone that asked for the transfer, and is told what comes of it (RFC 3515).
    pub(crate) referrer: Option<LegId>,
    /// Whom it calls is not to be rung: voicemail takes it.
    pub(crate) to_voicemail: bool,
    /// Its party has been answered before and waits for the user once more.
    pub(crate) recalled: bool,
    /// It was parked, and the user's telephone is called to fetch it.
    pub(crate) fetched: bool,
    /// It is not on the user's line.
    pub(crate) detached: bool,
    /// The user's desk telephone has another call on the line, and made this one beside it: with a leg of its own.
    pub(crate) beside_line: bool,
    pub(crate) room: Option<CallId>,
    /// The others of the conference do not hear the other party.
    pub(crate) muted: bool,
    /// The user is not to be heard in this call.
    pub(crate) own_mute: bool,
    /// The user's telephone holds by itself.
    pub(crate) held_by_ear: bool,
    /// The leg at the user's ear was lost, as [`crate::rescue`] has it: why.
    pub(crate) ear_lost: Option<Cause>,
    /// How often the user was called again: in the call, or since a leg that stays up last was stable.
    pub(crate) tries: u8,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) setup: Setup,
    pub(crate) phase: Phase,
    pub(crate) started_at: UnixMillis,
    pub(crate) connected_at: Option<UnixMillis>,
    /// Every attempt, in order, and the ears that other calls opened.
    pub(crate) legs: Vec<Leg>,
    next_index: u16,
    pub(crate) ties: Ties,
    /// The user's leg was lost, and is being replaced.
    pub(crate) rescue: Option<Rescue>,
    /// The conference as portals were last shown it.
    pub(crate) conference: Option<ConferenceView>,
    /// Where the attempts at the present far number begin in `legs`.
    pub(crate) far_from: usize,
    /// Where the attempts at the user's present telephone begin in `legs`.
    pub(crate) user_from: usize,
    /// The user has said "it is me" (rule T14), and nobody has taken note yet.
    pub(crate) just_confirmed: bool,
    /// Another call of the user has use for the ear when this one is over.
    pub(crate) ear_wanted: bool,
    /// The last words, while they are spoken; then the user's leg is closed.
    pub(crate) farewell: Option<PlaybackToken>,
    /// A word about a code that was keyed in, while it is spoken.
    pub(crate) notice: Option<PlaybackToken>,
    /// What the call is booked to.
    pub(crate) account_code: Option<BookedCode>,
    pub(crate) message: Option<MessageId>,
    pub(crate) on_demand: Option<OnDemand>,
    /// What was recorded on demand.
    pub(crate) recordings: Vec<MessageId>,
    /// The call is being moved to another telephone of the user.
    pub(crate) moving: Option<Moving>,
    /// The telephone that it could not be moved to, until it is tried again.
    pub(crate) move_failed: Option<LegId>,
    /// Its talk was counted towards the caps.
    pub(crate) counted: bool,
    pub(crate) sound: Sound,
    /// The user and the far end hear each other.
    pub(crate) bridged: bool,
    /// Something that portals show may have changed.
    dirty: bool,
    /// What portals were shown last.
    shown: Option<CallView>,
}

impl Call {
    pub(crate) fn new(cx: &Context, setup: Setup, phase: Phase) -> Self {
        Self {
            setup,
            phase,
            started_at: cx.now,
            connected_at: None,
            legs: Vec::with_capacity(2),
            next_index: 0,
            ties: Ties::default(),
            rescue: None,
            conference: None,
            far_from: 0,
            user_from: 0,
            just_confirmed: false,
            ear_wanted: false,
            farewell: None,
            notice: None,
            account_code: None,
            message: None,
            on_demand: None,
            recordings: Vec::new(),
            moving: None,
            move_failed: None,
            counted: false,
            sound: Sound::default(),
            bridged: false,
            dirty: true,
            shown: None,
        }
    }

    pub(crate) fn id(&self) -> CallId {
        self.setup.id
    }

    pub(crate) fn is_incoming(&self) -> bool {
        self.setup.direction == Direction::Incoming
    }

    /// Whether its other party waits for the user: not only an incoming call, also one that comes back to the user.
    pub(crate) fn serves_caller(&self) -> bool {
        self.is_incoming() || self.ties.recalled
    }

    /// Whether portals are shown it.
    pub(crate) fn is_shown(&self) -> bool {
        self.setup.code.is_none() && !self.stands()
    }

    /// The name that the timers of the whole call stand under; no leg has it.
    pub(crate) fn clock(&self) -> LegId {
        LegId {
            call: self.id(),
            index: CLOCK,
        }
    }

    pub(crate) fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
        self.dirty = true;
    }

    /// The call as portals show it, if that has changed since the last time this was asked.
    pub(crate) fn changed_view(&mut self) -> Option<CallView> {
        if !std::mem::take(&mut self.dirty) || !self.is_shown() {
            return None;
        }
        let view = self.view();
        if self.shown.as_ref() == Some(&view) {
            return None;
        }
        self.shown = Some(view.clone());
        Some(view)
    }

    pub(crate) fn touch(&mut self) {
        self.dirty = true;
    }

    pub(crate) fn place_of(&self, leg: LegId) -> Option<usize> {
        self.legs.iter().position(|known| known.id == leg)
    }

    /// The place of the latest leg of a role; of the user's legs not one that is beside the ear.
    pub(crate) fn latest(&self, role: LegRole) -> Option<usize> {
        self.legs.iter().rposition(|leg| leg.role == role && !leg.beside)
    }

    pub(crate) fn is_beside(&self, leg: LegId) -> bool {
        self.place_of(leg).is_some_and(|place| self.legs[place].beside)
    }

    /// The user's leg, while it is neither over nor told to close.
    pub(crate) fn active_user_leg(&self) -> Option<LegId> {
        self.active(LegRole::User).map(|leg| leg.id)
    }

    /// The far leg, while it is neither over nor told to close.
    pub(crate) fn active_far(&self) -> Option<&Leg> {
        self.active(LegRole::Far)
    }

    /// The user's leg, if a person or a machine can be heard on it.
    pub(crate) fn answered_user_leg(&self) -> Option<LegId> {
        self.active(LegRole::User)
            .filter(|leg| leg.is_answered())
            .map(|leg| leg.id)
    }

    fn active(&self, role: LegRole) -> Option<&Leg> {
        let leg = &self.legs[self.latest(role)?];
        leg.is_active().then_some(leg)
    }

    /// The leg at the user's ear, if it is answered; not that of a party who was put through.
    pub(crate) fn ear(&self) -> Option<LegId> {
        self.active(LegRole::User)
            .filter(|leg| leg.is_answered() && !leg.third)
            .map(|leg| leg.id)
    }

    /// Whether the other party holds the call; of two who were put through, either of them.
    pub(crate) fn held_by_far(&self) -> bool {
        self.legs
            .iter()
            .filter(|leg| leg.role == LegRole::Far || leg.third)
            .any(|leg| leg.is_active() && leg.hold != PeerHold::No)
    }

    /// The call of the other user, where there is one.
    pub(crate) fn other_half(&self) -> Option<CallId> {
        match self.legs[self.latest(LegRole::Far)?].way {
            Way::Half(other) => Some(other),
            Way::Trunk(_) | Way::Device(_) | Way::Browser => None,
        }
    }

    /// Whether the user's telephone is still taken by this call.
    pub(crate) fn holds_line(&self) -> bool {
        let called_again = self.rescue.is_some() && !matches!(self.phase, Phase::Ending { .. });
        called_again
            || self
                .legs
                .iter()
                .any(|leg| leg.role == LegRole::User && !leg.third && !leg.has_ended())
    }

    /// Whether nothing is left to wait for.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ending { .. }) && self.legs.iter().all(Leg::has_ended)
    }

    /// Whether the call may make another attempt.
    pub(crate) fn may_add_leg(&self) -> bool {
        self.legs.len() < LEGS_MAX
    }

    /// The identifier of the next leg, if the call may have one.
    pub(crate) fn new_leg_id(&mut self) -> Option<LegId> {
        if !self.may_add_leg() {
            return None;
        }
        let index = self.next_index;
        self.next_index = index.checked_add(1)?;
        Some(LegId {
            call: self.id(),
            index,
        })
    }

    pub(crate) fn add_leg(&mut self, leg: Leg) {
        self.legs.push(leg);
        self.dirty = true;
    }

    /// Where the attempts at the role's present number begin.
    pub(crate) fn attempts_from(&self, role: LegRole) -> usize {
        match role {
            LegRole::User => self.user_from,
            LegRole::Far => self.far_from,
        }
    }

    /// Tells an active leg to close; a leg that is over or told already is left alone.
    pub(crate) fn close_leg(&mut self, cx: &mut Context, leg: LegId, cause: Cause) {
        let Some(place) = self.place_of(leg) else {
            return;
        };
        let known = &mut self.legs[place];
        if !known.is_active() {
            return;
        }
        cx.timers.cancel_leg(leg);
        if let Way::Half(other) = known.way {
            known.finish(cause, cx.now);
            self.dirty = true;
            cx.crossings.push_back(Crossing::Tell {
                from: self.id(),
                to: other,
                tell: Tell::Ended(cause),
            });
            return;
        }
        known.begin_close(cause);
        cx.timers
            .set(leg, TimerKind::Close, cx.now.plus(cx.timeouts.close));
        if known.is_unanswered_caller() {
            let status = crate::cause::told_to_caller(cause);
            cx.push(Effect::RejectLeg { leg, status, cause });
        } else {
            cx.push(Effect::CloseLeg { leg, cause });
        }
    }

    /// Closes every active leg: a caller who was not answered, and the other half, are told why; of the rest one that
    /// was answered is hung up, another is cancelled. An ear that another call has use for stays.
    pub(crate) fn close_all(&mut self, cx: &mut Context, why: Cause) {
        let kept = self.answered_user_leg().filter(|_| self.keeps_ear());
        let awaited = self.newcomer();
        for place in 0..self.legs.len() {
            let leg = &mut self.legs[place];
            if leg.away {
                leg.finish(crate::cause::local(CauseReason::NormalClearing), cx.now);
                continue;
            }
            if Some(leg.id) == kept {
                continue;
            }
            let unanswered = !leg.is_answered();
            let cause = if leg.is_unanswered_caller() || !leg.is_sip() {
                why
            } else if unanswered && why.reason == CauseReason::AnsweredElsewhere {
                // No missed call: somebody has taken it.
                why
            } else if unanswered || awaited == Some(leg.id) {
                crate::cause::local(CauseReason::Cancelled)
            } else if leg.beside {
                crate::cause::local(CauseReason::Moved)
            } else {
                crate::cause::local(CauseReason::NormalClearing)
            };
            let id = leg.id;
            self.close_leg(cx, id, cause);
        }
    }

    /// Whether the user's leg outlives the call.
    pub(crate) fn keeps_ear(&self) -> bool {
        self.ear_wanted || self.farewell.is_some()
    }

    /// Notes that a leg is over.
    pub(crate) fn leg_over(&mut self, cx: &mut Context, place: usize, cause: Cause) {
        let now = cx.now;
        let leg = &mut self.legs[place];
        leg.finish(cause, now);
        cx.timers.cancel_leg(leg.id);
        cx.forget_leg(leg.id);
        if let Way::Trunk(trunk) = &leg.way {
            cx.trunks.release(trunk);
        }
        let (role, beside) = (leg.role, leg.beside);
        // Portals are shown the latest leg of each role, and the one that the call moves to.
        self.dirty |= beside || self.latest(role) == Some(place);
    }

    /// An incoming leg: its caller hears ringing.
    pub(crate) fn ring_back(&mut self, cx: &mut Context, role: LegRole) {
        let Some(place) = self.latest(role) else { return };
        let leg = &mut self.legs[place];
        if let Way::Half(other) = leg.way {
            cx.crossings.push_back(Crossing::Tell {
                from: self.id(),
                to: other,
                tell: Tell::Ringing,
            });
        } else if leg.is_active() && leg.is_unanswered_caller() && leg.told < Told::Ringing {
            leg.told = Told::Ringing;
            leg.ringing_at = Some(cx.now);
            leg.advance(ponte_protocol::LegState::Early, cx.now);
            cx.push(Effect::RingLeg { leg: leg.id });
            self.dirty = true;
        }
    }

    /// An incoming leg is answered; one that was answered before is left alone.
    pub(crate) fn answer(&mut self, cx: &mut Context, role: LegRole) {
        let Some(place) = self.latest(role) else { return };
        let leg = &mut self.legs[place];
        if leg.is_active() && leg.is_unanswered_caller() {
            leg.answer(cx.now);
            cx.push(Effect::AnswerLeg { leg: leg.id });
            self.dirty = true;
        }
    }
}
