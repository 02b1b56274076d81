//! Two users of the site share a call as two halves, which tell each other what a leg would tell.
//!
//! ```text
//!  Anna's half (outgoing)                     Bruno's half (incoming)
//!       │ ── Open ──────────────────────────────▶ │  his telephone is called, or waits, or voicemail takes the call
//!       │ ◀─────────────────────────── Ringing ── │
//!       │ ◀──────────────── Answered, Voicemail ── │  Connect(Anna's ear, Bruno's ear)
//!       │ ◀────────── Held, Resumed, Ended ──────▶ │
//! ```

use crate::call::{Call, Phase};
use crate::context::Context;
use crate::leg::{Leg, Way};
use crate::setup::Far;
use crate::{Caller, CallerNumber, Effect, LegId, PeerHold, Switch, TimerKind, Tone, cause};
use ponte_protocol::{CallId, Cause, CauseReason, EndedBy, LegRole, LegState};
use uuid::Uuid;

/// What one half tells the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tell {
    Ringing,
    /// A person has answered.
    Answered,
    /// Voicemail answers.
    Voicemail,
    /// The other waits, and hears this.
    Hears(Tone),
    Resumed,
    Ended(Cause),
}

/// What crosses from one call to another, carried out after the step that caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crossing {
    /// The half of the user who is called begins.
    Open {
        from: CallId,
        half: CallId,
    },
    Tell {
        from: CallId,
        to: CallId,
        tell: Tell,
    },
    /// The user is there, and enters the own voicemail box.
    EnterMailbox {
        call: CallId,
    },
    /// A call that was not taken goes on to somebody else.
    Forward {
        from: CallId,
        cause: Cause,
        by: EndedBy,
    },
    /// A parked call was to be fetched, and nobody was there.
    ParkAgain {
        call: CallId,
        cause: Cause,
        by: EndedBy,
    },
    /// The user's leg was lost; the other party waits.
    CallBack {
        call: CallId,
    },
    /// A leg that stays up is there.
    StandBy {
        call: CallId,
    },
    /// Before the leg goes back to what it did.
    StopRecording {
        leg: LegId,
    },
}

/// The identifier of the half that a far leg is: another for each, the same for the same history.
pub(crate) fn half_of(leg: LegId) -> CallId {
    // The last 62 bits of a UUIDv7 are random (RFC 9562 section 5.7); an odd factor keeps the indices apart.
    const RANDOM: u128 = (1 << 62) - 1;
    let step = (u128::from(leg.index) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) & RANDOM;
    CallId(Uuid::from_u128(leg.call.0.as_u128() ^ step))
}

impl Switch {
    /// The other user's half of a call between two users of the site, while it is that.
    pub fn joined(&self, call: CallId) -> Option<CallId> {
        match self.calls.get(&call)?.active_far()?.way {
            Way::Half(other) => Some(other),
            Way::Trunk(_) | Way::Device(_) | Way::Browser => None,
        }
    }

    pub(crate) fn carry_across(&mut self, crossing: Crossing) {
        match crossing {
            Crossing::Open { from, half } => self.open_half(from, half),
            Crossing::Forward { from, cause, by } => self.forward_after(from, cause, by),
            Crossing::Tell { from, to, tell } => {
                self.told(from, to, tell);
                self.settle_one(to);
                self.settle_one(from);
            }
            Crossing::EnterMailbox { call } => {
                self.visit_from_call(call);
                self.settle_one(call);
            }
            Crossing::ParkAgain { call, cause, by } => self.park_again(call, cause, by),
            Crossing::CallBack { call } => self.call_user_again(call),
            Crossing::StandBy { call } => {
                self.stand_by(call);
                self.settle_one(call);
            }
            Crossing::StopRecording { leg } => {
                if self.active(leg).is_some() {
                    self.cx.push(Effect::StopRecording { leg });
                }
            }
        }
    }

    fn open_half(&mut self, from: CallId, half: CallId) {
        let Some(call) = self.calls.get(&from) else {
            return;
        };
        let Far::User { user, .. } = &call.setup.far else {
            return;
        };
        let user = user.clone();
        let given = call.ties.made_for.and_then(|waits| self.calls.get(&waits));
        let to_voicemail = call.ties.to_voicemail;
        let caller = match given {
            // Whom the party is given to is called by the party.
            Some(given) => Some(crate::party::party_of(given)),
            None => self.users.get(&call.setup.user).map(|caller| Caller {
                number: Some(CallerNumber::Extension(caller.config.profile.extension.clone())),
                name: Some(caller.config.profile.display_name.clone()),
            }),
        };
        let dialled = call.setup.dialled.clone();
        let known = self.known_user(&user).is_ok();
        match caller {
            Some(caller) if known && !self.calls.contains_key(&half) => {
                let far = Way::Half(from);
                if to_voicemail {
                    self.serve_by_voicemail(half, &user, far, caller, dialled);
                } else {
                    self.serve(half, &user, far, caller, dialled);
                }
            }
            _ => {
                let unknown = Tell::Ended(cause::local(CauseReason::NoSuchNumber));
                self.told(half, from, unknown);
                self.settle_one(from);
            }
        }
    }

    fn told(&mut self, from: CallId, to: CallId, tell: Tell) {
        let cx = &mut self.cx;
        let listens = self
            .calls
            .get(&to)
            .is_some_and(|call| call.other_half() == Some(from));
        if !listens {
            // The call it was meant for is over.
            if let (Some(call), false) = (self.calls.get_mut(&from), matches!(tell, Tell::Ended(_))) {
                call.end(cx, cause::local(CauseReason::Cancelled), EndedBy::FarLeg);
            }
            return;
        }
        let Some(call) = self.calls.get_mut(&to) else {
            return;
        };
        match tell {
            Tell::Ringing => call.half_rings(cx),
            Tell::Answered => {
                let made_for = call.ties.made_for;
                if call.half_answered(cx) {
                    match made_for {
                        Some(waits) => self.complete_transfer(waits, to),
                        None => self.join_media(from, to),
                    }
                }
            }
            Tell::Voicemail => {
                let made_for = call.ties.made_for;
                if call.half_answered(cx) {
                    if let Some(waits) = made_for {
                        self.complete_transfer(waits, to);
                    }
                    self.greet_caller(from);
                }
            }
            Tell::Hears(tone) => {
                call.bridged = false;
                call.half_holds(tone == Tone::Hold);
                match call.phase {
                    Phase::Connected { .. } if call.ties.room.is_none() => call.play_tone(cx, tone),
                    // Who leaves a message and turns to another call has said it.
                    Phase::Voicemail(_) => {
                        call.end(cx, cause::local(CauseReason::Voicemail), EndedBy::FarLeg);
                    }
                    _ => {}
                }
            }
            Tell::Resumed => {
                call.half_holds(false);
                self.join_media(from, to);
            }
            Tell::Ended(cause) => call.half_ended(cx, cause::told_to_other(cause)),
        }
    }

    /// Voicemail greets whoever is at the other side of this call.
    fn greet_caller(&mut self, id: CallId) {
        let Some(far) = self.calls.get(&id).and_then(Call::active_far) else {
            return;
        };
        let voice = match far.way {
            Way::Half(other) => {
                let Some(other) = self.calls.get_mut(&other) else {
                    return;
                };
                other.plays_for_other();
                other.active_user_leg()
            }
            Way::Trunk(_) | Way::Device(_) | Way::Browser => Some(far.id),
        };
        if let (Some(voice), Some(call)) = (voice, self.calls.get_mut(&id)) {
            call.greet(&mut self.cx, voice);
        }
    }

    /// Two users hear each other, if both listen; one who is alone hears that the other holds.
    pub(crate) fn join_media(&mut self, a: CallId, b: CallId) {
        for (here, there) in [(a, b), (b, a)] {
            let in_room = self
                .calls
                .get(&there)
                .is_some_and(|call| call.ties.room.is_some());
            if let Some(call) = self.calls.get_mut(&here).filter(|_| in_room) {
                if matches!(call.phase, Phase::Connected { .. }) {
                    call.bridged = true;
                    call.stop_playing(&mut self.cx);
                }
                return;
            }
        }
        let ear = |id: CallId| {
            let call = self.calls.get(&id)?;
            let connected = matches!(call.phase, Phase::Connected { .. });
            connected.then(|| call.answered_user_leg()).flatten()
        };
        let ears = (ear(a), ear(b));
        for id in [a, b] {
            let Some(call) = self.calls.get_mut(&id) else {
                continue;
            };
            match ears {
                (Some(left), Some(right)) => {
                    if id == a && !call.bridged {
                        self.cx.push(Effect::Connect { a: left, b: right });
                    }
                    call.bridged = true;
                    call.stop_playing(&mut self.cx);
                }
                _ if matches!(call.phase, Phase::Connected { .. }) => {
                    call.play_tone(&mut self.cx, Tone::Hold);
                }
                _ => {}
            }
        }
    }
}

impl Call {
    fn half_leg(&mut self) -> Option<&mut Leg> {
        let place = self.latest(LegRole::Far)?;
        self.legs.get_mut(place).filter(|leg| leg.is_active())
    }

    fn half_holds(&mut self, holds: bool) {
        if let Some(leg) = self.half_leg() {
            leg.hold = if holds { PeerHold::Inactive } else { PeerHold::No };
        }
        self.touch();
    }

    fn half_rings(&mut self, cx: &mut Context) {
        let now = cx.now;
        let Some(leg) = self.half_leg() else { return };
        leg.ringing_at.get_or_insert(now);
        leg.advance(LegState::Early, now);
        self.touch();
        if self.phase == Phase::CallingFar {
            self.far_rings(cx);
        }
    }

    /// Whether the user is there to hear it.
    fn half_answered(&mut self, cx: &mut Context) -> bool {
        let now = cx.now;
        let Some(leg) = self.half_leg() else { return false };
        leg.answer(now);
        let id = leg.id;
        cx.timers.cancel(id, TimerKind::FarNoAnswer);
        self.touch();
        if self.phase != Phase::CallingFar {
            return false;
        }
        self.answer(cx, LegRole::User);
        self.stop_playing(cx);
        self.connected(cx);
        true
    }

    fn half_ended(&mut self, cx: &mut Context, cause: Cause) {
        let now = cx.now;
        let Some(leg) = self.half_leg() else { return };
        leg.finish(cause, now);
        let id = leg.id;
        cx.timers.cancel_leg(id);
        self.touch();
        if self.serves_caller() {
            let cause = if self.caller_waits() && self.connected_at.is_none() {
                cause::local(CauseReason::Cancelled)
            } else {
                cause
            };
            self.caller_gone(cx, cause, EndedBy::FarLeg);
        } else if self.phase == Phase::CallingFar {
            self.far_failed(cx, cause, EndedBy::FarLeg);
        } else {
            // What was played for the other half is over with it.
            self.bridged = false;
            self.end(cx, cause, EndedBy::FarLeg);
        }
    }
}
