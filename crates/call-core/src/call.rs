//! One call and its legs.
//!
//! ```text
//!                 Dial
//!                  │  OpenLeg(user)
//!                  ▼
//!            ┌─ CallingUser ───────── failed on every trunk, no answer ──────────┐
//!            │     │ answered                                                    │
//!  no confir-│     ▼                                                             │
//!  mation    │  Confirming ──────────  nobody confirms in time ─────────────────▶│
//!  wanted    │     │ key 1, Accept                                               │
//!            ▼     ▼                                                             │
//!          CallingFar ◀────── Dial ────── FarFailed ── no Dial in time ─────────▶│
//!            │     │  OpenLeg(far)            ▲                                  │
//!            │     └─ refused, no answer ─────┘                                  │
//!            │ answered                                                          ▼
//!            └──────▶ Connected ─────── a hang-up, no audio ─────────────────▶ Ending ──▶ record
//! ```
//!
//! A hang-up of the user's telephone, **Hang up** in the portal and the removal of the user lead from every state to
//! `Ending`. `Ending` lasts until each leg has said that it ended, or [`crate::TimerKind::Close`] has lost patience.
//!
//! This file holds what every state uses. The transitions stand beside the rule they carry out: [`crate::confirm`] (the
//! user leg up to the confirmation), [`crate::progress`] (the far leg), [`crate::failover`] (the next trunk),
//! [`crate::clearing`] (ends).

use crate::context::Context;
use crate::leg::Leg;
use crate::{Effect, LegId, LegTarget, Playback, PlaybackToken, TimerKind, Tone};
use ponte_protocol::{
    CallId, CallView, CallerId, Cause, CauseReason, DialString, E164, EndedBy, LegRole, UnixMillis, UserId,
};

/// The most attempts one call may make: a bound for the record of a user who dials again and again on one user leg.
const LEGS_MAX: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    CallingUser,
    Confirming {
        until: UnixMillis,
        /// The prompt that is being spoken; `None` in the pause between two.
        prompt: Option<PlaybackToken>,
    },
    CallingFar,
    Connected {
        since: UnixMillis,
    },
    FarFailed(FarFailure),
    Ending {
        cause: Cause,
        by: EndedBy,
        at: UnixMillis,
    },
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

/// What the user's telephone plays besides the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Playing {
    Nothing,
    Tone(Tone),
    Announcement,
}

/// What a call is made from.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) id: CallId,
    pub(crate) user: UserId,
    pub(crate) dialled: DialString,
    pub(crate) user_number: E164,
    pub(crate) far_number: E164,
    pub(crate) caller_id: CallerId,
    pub(crate) confirm: bool,
    pub(crate) user_no_answer_ms: u64,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) setup: Setup,
    pub(crate) phase: Phase,
    pub(crate) started_at: UnixMillis,
    pub(crate) connected_at: Option<UnixMillis>,
    /// Every attempt, in order; a leg's index in its [`LegId`] is its place here.
    pub(crate) legs: Vec<Leg>,
    /// Where the attempts at the present far number begin in `legs`.
    pub(crate) far_from: usize,
    playing: Playing,
    /// User and far leg hear each other.
    bridged: bool,
    /// Something that portals show may have changed.
    dirty: bool,
    /// What portals were shown last.
    shown: Option<CallView>,
}

impl Call {
    /// A call whose user leg is being opened.
    pub(crate) fn start(cx: &mut Context, setup: Setup) -> Self {
        let mut call = Self {
            setup,
            phase: Phase::CallingUser,
            started_at: cx.now,
            connected_at: None,
            legs: Vec::with_capacity(2),
            far_from: 0,
            playing: Playing::Nothing,
            bridged: false,
            dirty: true,
            shown: None,
        };
        call.call_user(cx);
        call
    }

    pub(crate) fn id(&self) -> CallId {
        self.setup.id
    }

    pub(crate) fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
        self.dirty = true;
    }

    /// The call as portals show it, if that has changed since the last time this was asked.
    pub(crate) fn changed_view(&mut self) -> Option<CallView> {
        if !std::mem::take(&mut self.dirty) {
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

    /// The place of the latest leg of a role.
    pub(crate) fn latest(&self, role: LegRole) -> Option<usize> {
        self.legs.iter().rposition(|leg| leg.role == role)
    }

    /// The user's leg, while it is neither over nor told to close.
    pub(crate) fn active_user_leg(&self) -> Option<LegId> {
        self.active(LegRole::User)
    }

    /// The far leg, while it is neither over nor told to close.
    pub(crate) fn active_far_leg(&self) -> Option<LegId> {
        self.active(LegRole::Far)
    }

    fn active(&self, role: LegRole) -> Option<LegId> {
        let leg = &self.legs[self.latest(role)?];
        leg.is_active().then_some(leg.id)
    }

    /// Whether the user's telephone is still taken by this call.
    pub(crate) fn holds_line(&self) -> bool {
        self.legs
            .iter()
            .any(|leg| leg.role == LegRole::User && !leg.has_ended())
    }

    /// Whether nothing is left to wait for.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ending { .. }) && self.legs.iter().all(Leg::has_ended)
    }

    /// Whether the call may make another attempt.
    pub(crate) fn may_add_leg(&self) -> bool {
        self.legs.len() < LEGS_MAX
    }

    /// Whether digits can reach the far end.
    pub(crate) fn far_hears(&self) -> bool {
        self.bridged
    }

    /// Opens a leg of the role on the first trunk that no attempt at the same number has used. `false`: there is none.
    pub(crate) fn open_leg(&mut self, cx: &mut Context, role: LegRole) -> bool {
        let attempts = &self.legs[self.attempts_from(role)..];
        let tried = |id: &crate::TrunkId| attempts.iter().any(|leg| leg.role == role && leg.trunk == *id);
        let Some(trunk) = cx.trunks.pick(tried) else {
            return false;
        };
        let Ok(index) = u16::try_from(self.legs.len()) else {
            return false;
        };
        if !self.may_add_leg() {
            return false;
        }
        let id = LegId {
            call: self.id(),
            index,
        };
        let (number, patience, kind) = match role {
            LegRole::User => (
                &self.setup.user_number,
                self.setup.user_no_answer_ms,
                TimerKind::UserNoAnswer,
            ),
            LegRole::Far => (
                &self.setup.far_number,
                cx.timeouts.far_no_answer,
                TimerKind::FarNoAnswer,
            ),
        };
        cx.trunks.take(&trunk);
        cx.timers.set(
            id,
            TimerKind::TrunkResponse,
            cx.now.plus(cx.timeouts.trunk_response),
        );
        cx.timers.set(id, kind, cx.now.plus(patience));
        cx.push(Effect::OpenLeg {
            leg: id,
            user: self.setup.user.clone(),
            role,
            target: LegTarget::Trunk {
                trunk: trunk.clone(),
                number: number.clone(),
            },
            caller: self.setup.caller_id.clone().into(),
        });
        self.legs.push(Leg::new(id, role, number.clone(), trunk, cx.now));
        self.dirty = true;
        true
    }

    /// Where the attempts at the role's present number begin.
    pub(crate) fn attempts_from(&self, role: LegRole) -> usize {
        match role {
            LegRole::User => 0,
            LegRole::Far => self.far_from,
        }
    }

    /// Tells an active leg to close; a leg that is over or told already is left alone.
    pub(crate) fn close_leg(&mut self, cx: &mut Context, leg: LegId, cause: Cause) {
        let Some(known) = self.legs.get_mut(usize::from(leg.index)) else {
            return;
        };
        if !known.is_active() {
            return;
        }
        known.begin_close(cause);
        cx.timers.cancel_leg(leg);
        cx.timers
            .set(leg, TimerKind::Close, cx.now.plus(cx.timeouts.close));
        cx.push(Effect::CloseLeg { leg, cause });
    }

    /// Closes every active leg in the ordinary way: one that was answered is hung up, another is cancelled.
    pub(crate) fn close_all(&mut self, cx: &mut Context) {
        for place in 0..self.legs.len() {
            let leg = &self.legs[place];
            let reason = if leg.is_answered() {
                CauseReason::NormalClearing
            } else {
                CauseReason::Cancelled
            };
            self.close_leg(cx, leg.id, crate::cause::local(reason));
        }
    }

    /// Notes that a leg is over.
    pub(crate) fn leg_over(&mut self, cx: &mut Context, place: usize, cause: Cause) {
        let now = cx.now;
        let leg = &mut self.legs[place];
        leg.finish(cause, now);
        cx.timers.cancel_leg(leg.id);
        cx.trunks.release(&leg.trunk);
        let role = leg.role;
        // Portals are shown the latest leg of each role.
        self.dirty |= self.latest(role) == Some(place);
    }

    /// The user hears the far end, and it the user.
    pub(crate) fn bridge(&mut self, cx: &mut Context) {
        if let (Some(user), Some(far)) = (self.active_user_leg(), self.active_far_leg()) {
            if !self.bridged {
                cx.push(Effect::Connect { a: user, b: far });
                self.bridged = true;
            }
            self.stop_playing(cx);
        }
    }

    /// Undoes [`Self::bridge`]; the user's leg stays.
    pub(crate) fn unbridge(&mut self, cx: &mut Context) {
        if std::mem::take(&mut self.bridged)
            && let Some(user) = self.active_user_leg()
        {
            cx.push(Effect::Disconnect { leg: user });
        }
    }

    pub(crate) fn play_tone(&mut self, cx: &mut Context, tone: Tone) {
        let Some(leg) = self.active_user_leg() else {
            return;
        };
        if self.playing != Playing::Tone(tone) {
            self.playing = Playing::Tone(tone);
            cx.push(Effect::Play {
                leg,
                playback: Playback::Tone(tone),
            });
        }
    }

    /// Says something to the user; the token tells its end.
    pub(crate) fn announce(
        &mut self,
        cx: &mut Context,
        tone: Option<(Tone, u64)>,
        announcements: Vec<crate::Announcement>,
    ) -> Option<PlaybackToken> {
        let leg = self.active_user_leg()?;
        let token = cx.token();
        self.playing = Playing::Announcement;
        cx.push(Effect::Play {
            leg,
            playback: Playback::Announcements {
                tone,
                announcements,
                token,
            },
        });
        Some(token)
    }

    pub(crate) fn playback_over(&mut self) {
        self.playing = Playing::Nothing;
    }

    fn stop_playing(&mut self, cx: &mut Context) {
        if self.playing != Playing::Nothing
            && let Some(leg) = self.active_user_leg()
        {
            cx.push(Effect::StopPlaying { leg });
        }
        self.playing = Playing::Nothing;
    }
}
