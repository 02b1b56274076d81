//! The user's leg is replaced while the far party waits: it was lost, and the user is called again (rule T15, leg rescue).
//!
//! ```text
//!  Connected, Held ── user leg lost ──▶ Ringing ◀── not reached, tries left ──┐
//!                    hold tone to the far party │ OpenLeg(user): the destination, and the browser beside it
//!                                               ├── answered, confirmed ──▶ Connected
//!                                               └── no try, or no time left ──▶ Ending, with the cause of the loss
//! ```
//!
//! A leg is lost when its network says so: a BYE whose cause is no ordinary clearing, a time-out, a transport that
//! failed, no audio for [`crate::Timeouts::no_audio_end`]. A BYE of ordinary clearing is a person who hangs up, unless no
//! audio had come from there for [`crate::Timeouts::no_audio_warning`] before it.

use crate::call::{Call, Phase};
use crate::context::Context;
use crate::join::Crossing;
use crate::leg::{Leg, Party, Way};
use crate::setup::{Far, Near};
use crate::{LegTarget, Switch, TimerKind, Tone, cause};
use ponte_protocol::{CallId, Cause, CauseReason, EndedBy, LegRole, Mode, UnixMillis};

/// How often the user is called again for one loss.
const TRIES: u8 = 3;
/// How often the user is called again in one call: a telephone that is never heard must not be called for ever.
const TRIES_OF_A_CALL: u8 = 6;
/// Between two tries, in milliseconds.
const PAUSE_MS: u64 = 2_000;

/// A user's leg that is being replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rescue {
    /// Why the leg was lost: the cause of the call's end where nothing comes of it.
    cause: Cause,
    by: EndedBy,
    pub(crate) until: UnixMillis,
    tries: u8,
}

impl Call {
    /// Whether the user, whose leg is over or told to close, is to be called again for the far party.
    fn may_rescue(&self, cx: &Context) -> bool {
        let up = matches!(self.phase, Phase::Connected { .. } | Phase::Held { .. });
        let person = matches!(self.setup.far, Far::Number(_) | Far::User { .. } | Far::Caller(_));
        let remote = self.latest(LegRole::User).is_some_and(|place| {
            let ear = &self.legs[place];
            !ear.third && !ear.is_active() && matches!(ear.way, Way::Trunk(_) | Way::Browser)
        });
        let free = !self.ties.detached && self.ties.room.is_none() && self.ties.put_to.is_none();
        let here = free && self.setup.forwarded.away.is_none();
        cx.timeouts.rescue > 0
            && self.ties.tries < TRIES_OF_A_CALL
            && up
            && person
            && remote
            && here
            && self.active_far().is_some_and(Leg::is_answered)
            && self.may_add_leg()
    }

    /// The user's leg was lost. Whether the user is called again; if not, the call is to end.
    pub(crate) fn rescue(&mut self, cx: &mut Context, cause: Cause, by: EndedBy) -> bool {
        if !self.may_rescue(cx) {
            return false;
        }
        let until = cx.now.plus(cx.timeouts.rescue);
        self.rescue = Some(Rescue {
            cause,
            by,
            until,
            tries: 0,
        });
        self.bridged = false;
        self.playback_over();
        self.setup.voicemail = false;
        self.ties.recalled = true;
        self.ties.held_by_ear = false;
        self.hold_far(cx, Some(Tone::Hold));
        cx.timers.set(self.clock(), TimerKind::Caller, until);
        self.set_phase(Phase::Ringing { until });
        cx.crossings.push_back(Crossing::CallBack { call: self.id() });
        true
    }

    /// The call is held, and the leg at the user's ear was lost in another: whether the user is called again for this one.
    pub(crate) fn rescue_held(&mut self, cx: &mut Context, cause: Cause) -> bool {
        if let Some(place) = self.latest(LegRole::User)
            && self.legs[place].away
        {
            self.legs[place].finish(cause, cx.now);
        }
        self.rescue(cx, cause, EndedBy::System)
    }

    /// An attempt to reach the user has failed. Whether others go on, or one is to come.
    pub(crate) fn rescue_goes_on(&mut self, cx: &mut Context) -> bool {
        let Some(rescue) = self.rescue else { return false };
        let others = self
            .legs
            .iter()
            .rposition(|leg| leg.role == LegRole::User && leg.is_active() && !leg.third && !leg.beside);
        if let Some(place) = others {
            if !self.legs[place].is_answered() {
                self.set_phase(Phase::Ringing { until: rescue.until });
            }
            let id = self.legs[place].id;
            self.bring_forward(id);
            return true;
        }
        let again = cx.now.plus(PAUSE_MS);
        if rescue.tries >= TRIES
            || self.ties.tries >= TRIES_OF_A_CALL
            || again >= rescue.until
            || !self.may_add_leg()
        {
            return false;
        }
        self.set_phase(Phase::Ringing { until: rescue.until });
        cx.timers.set(self.clock(), TimerKind::Recall, again);
        true
    }

    /// Nobody could be reached, or the user does not want to be: the cause that is true for the call.
    pub(crate) fn give_up_rescue(&mut self, why: Cause, by: EndedBy) -> Option<(Cause, EndedBy)> {
        let rescue = self.rescue.take()?;
        // Nobody has said at that ear that a person is there.
        self.ear_wanted = false;
        if why.reason == CauseReason::Rejected {
            // Nobody was lost: the user has let the other party go.
            return Some((cause::local(CauseReason::NormalClearing), by));
        }
        Some((rescue.cause, rescue.by))
    }

    /// A leg of the user is the one that counts from here on.
    pub(crate) fn bring_forward(&mut self, leg: crate::LegId) {
        if let Some(place) = self.place_of(leg)
            && self.legs[place].role == LegRole::User
            && self.latest(LegRole::User) != Some(place)
        {
            let leg = self.legs.remove(place);
            self.legs.push(leg);
            self.touch();
        }
    }

    /// The user is there: no other telephone need ring any longer.
    pub(crate) fn close_rivals(&mut self, cx: &mut Context) {
        if self.rescue.take().is_none() {
            return;
        }
        let ear = self.active_user_leg();
        let rivals: Vec<_> = self
            .legs
            .iter()
            .filter(|leg| leg.role == LegRole::User && leg.is_active() && Some(leg.id) != ear)
            .map(|leg| leg.id)
            .collect();
        for rival in rivals {
            self.close_leg(cx, rival, cause::local(CauseReason::AnsweredElsewhere));
        }
    }

    /// The user's browser rings beside the telephone; where there is none, it fails at once.
    fn ring_browser(&mut self, cx: &mut Context, extension: &str) {
        let Some(id) = self.new_leg_id() else { return };
        let party = Party {
            number: extension.to_owned(),
            name: None,
        };
        self.open_user_leg(cx, id, LegTarget::Browser, Way::Browser, party);
    }
}

impl Switch {
    /// Calls a user whose leg was lost, where the user is now.
    pub(crate) fn call_user_again(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let (Some(rescue), Phase::Ringing { .. }) = (&mut call.rescue, call.phase) else {
            return;
        };
        rescue.tries += 1;
        call.ties.tries += 1;
        let user = call.setup.user.clone();
        let telecommutes = matches!(self.mode(&user), Some(Mode::Telecommuting { .. }));
        let found = self.whereabouts(&user).ok().filter(|_| telecommutes);
        let now = self.cx.now;
        let extension = self.users.get(&user).and_then(|user| {
            let profile = &user.config.profile;
            profile
                .browser_allowed
                .then(|| profile.extension.as_str().to_owned())
        });
        if let (Some((Near::Number(number), true)), Some(user)) = (&found, self.users.get_mut(&user)) {
            user.count_attempt(number, now);
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some((near, confirm)) = found {
            let beside = extension.filter(|_| matches!(near, Near::Number(_)));
            call.setup.near = near;
            call.setup.confirm = confirm;
            call.user_from = call.legs.len();
            if let Some(extension) = beside {
                call.ring_browser(&mut self.cx, &extension);
            }
            call.call_user(&mut self.cx);
        } else {
            let gone = cause::local(CauseReason::LoggedOff);
            call.rescue = call.rescue.map(|rescue| Rescue {
                tries: TRIES,
                ..rescue
            });
            call.user_failed(&mut self.cx, gone, EndedBy::System);
        }
        self.settle_one(id);
    }
}
