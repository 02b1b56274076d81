//! Calls that are forwarded: always, while the user is busy, or when nobody answers.
//!
//! ```text
//!  caller ──▶ Anna's call ── to a number ──▶ the number rings in the place of Anna's telephone; her line stays free
//!                  │
//!                  └─ to another user ──▶ Bruno's call has the caller; Anna's ends with the cause "forwarded"
//! ```
//!
//! A number is checked as if the user who forwards had dialled it. A call is never forwarded to a user who has forwarded it
//! before, nor more than [`HOPS_MAX`] times.

use crate::call::Call;
use crate::incoming::Entry;
use crate::join::Crossing;
use crate::leg::Way;
use crate::setup::{Far, Near};
use crate::{Dialled, LegId, Switch, cause, dial};
use ponte_protocol::{CallId, Cause, CauseReason, E164, EndedBy, LegRole, Refusal, UserId};

/// How often one call is forwarded, what the network tells of forwardings before it came here included.
pub const HOPS_MAX: usize = 5;
/// Index of the far leg that stands for the call to the next user: less one for each hop, beyond any leg's own.
const FORWARD_INDEX: u16 = u16::MAX - 1;

/// Where a user's calls are forwarded to, read by the numbering plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForwardTargets {
    pub always: Option<Dialled>,
    pub busy: Option<Dialled>,
    pub no_answer: Option<Dialled>,
}

impl ForwardTargets {
    /// Where a call goes that is not taken for this reason.
    fn after(&mut self, reason: CauseReason) -> Option<Dialled> {
        match reason {
            CauseReason::Busy => self.busy.take(),
            // The user has refused the call: nobody else is meant.
            CauseReason::Rejected
            | CauseReason::Declined
            | CauseReason::DoNotDisturb
            | CauseReason::Cancelled => None,
            _ => self.no_answer.take(),
        }
    }
}

/// Why a call was forwarded (RFC 5806 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardReason {
    Unconditional,
    Busy,
    NoAnswer,
}

/// What forwarding has made of a call.
#[derive(Debug, Default)]
pub(crate) struct Forwarded {
    /// Where it may still go.
    pub(crate) targets: ForwardTargets,
    /// Who has forwarded it before.
    pub(crate) by: Vec<UserId>,
    /// How often others have before it came to the site.
    pub(crate) before: usize,
    /// Where it is about to go.
    pub(crate) to: Option<Dialled>,
    /// The number that rings is not the user's telephone.
    pub(crate) away: Option<ForwardReason>,
}

enum Onward {
    User(UserId),
    Number(E164),
}

impl Call {
    /// Whether the call that is not taken for this reason goes on to somebody else.
    pub(crate) fn forward(&mut self, cx: &mut crate::context::Context, cause: Cause, by: EndedBy) -> bool {
        if self.active_far().is_none() || !self.is_incoming() {
            return false;
        }
        let Some(to) = self.setup.forwarded.targets.after(cause.reason) else {
            return false;
        };
        self.setup.forwarded.to = Some(to);
        let from = self.id();
        // Until it has been carried out, which is at once.
        cx.timers.set(self.clock(), crate::TimerKind::Caller, cx.now);
        cx.crossings.push_back(Crossing::Forward { from, cause, by });
        true
    }
}

impl Switch {
    /// Every call of this user is forwarded: whether this one is.
    pub(crate) fn forward_always(&mut self, id: CallId) -> bool {
        let Some(call) = self.calls.get_mut(&id) else {
            return false;
        };
        call.setup.forwarded.to = call.setup.forwarded.targets.always.take();
        call.setup.forwarded.to.is_some()
            && self.forward_on(
                id,
                ForwardReason::Unconditional,
                cause::local(CauseReason::Forwarded),
            )
    }

    /// A call that was not taken goes on; where it cannot, it is treated as if it were not forwarded.
    pub(crate) fn forward_after(&mut self, id: CallId, cause: Cause, by: EndedBy) {
        let reason = if cause.reason == CauseReason::Busy {
            ForwardReason::Busy
        } else {
            ForwardReason::NoAnswer
        };
        if self.forward_on(id, reason, cause) {
            self.settle_one(id);
            return;
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.divert(&mut self.cx, cause, by);
        }
        self.settle_one(id);
    }

    fn forward_on(&mut self, id: CallId, reason: ForwardReason, why: Cause) -> bool {
        let Some(call) = self.calls.get_mut(&id) else {
            return false;
        };
        let Some(to) = call.setup.forwarded.to.take() else {
            return false;
        };
        let (user, waits) = (call.setup.user.clone(), call.caller_waits());
        if !waits || call.setup.forwarded.away.is_some() {
            return false;
        }
        match self.onward(id, &user, &to) {
            Some(Onward::User(next)) => {
                self.hand_over(id, &next, why);
                true
            }
            Some(Onward::Number(number)) => {
                self.ring_elsewhere(id, &user, number, reason, why);
                true
            }
            None => false,
        }
    }

    fn onward(&mut self, id: CallId, user: &UserId, to: &Dialled) -> Option<Onward> {
        let forwarded = &self.calls.get(&id)?.setup.forwarded;
        let by = &forwarded.by;
        if by.len().saturating_add(forwarded.before) >= HOPS_MAX {
            return None;
        }
        match self.far_of(user, to).ok()? {
            Far::User { user: next, .. } => {
                let known = by.contains(&next) || next == *user;
                (!known).then_some(Onward::User(next))
            }
            Far::Number(number) => {
                let now = self.cx.now;
                let carried = self.store_writable && self.cx.trunks.any_up() && self.cx.trunks.capacity() > 0;
                if !carried || self.check_caps(user).is_err() {
                    return None;
                }
                self.users.get_mut(user)?.count_dial(now);
                Some(Onward::Number(number))
            }
            _ => None,
        }
    }

    /// The number rings in the place of the user's telephone.
    fn ring_elsewhere(&mut self, id: CallId, user: &UserId, number: E164, reason: ForwardReason, why: Cause) {
        let Some(no_answer_ms) = self.users.get(user).map(|user| user.config.user_no_answer_ms) else {
            return;
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some(leg) = call.active_user_leg() {
            call.close_leg(&mut self.cx, leg, why);
        }
        call.setup.near = Near::Number(number);
        call.setup.confirm = false;
        call.setup.forwarded.away = Some(reason);
        call.ear_wanted = false;
        call.ring(&mut self.cx, no_answer_ms);
        if let Some(user) = self.users.get_mut(user)
            && user.line.as_ref().is_some_and(|line| line.active == id)
        {
            user.line = None;
        }
    }

    /// The caller goes to another user's call.
    fn hand_over(&mut self, id: CallId, to: &UserId, why: Cause) {
        let now = self.cx.now;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Far::Caller(caller) = call.setup.far.clone() else {
            return;
        };
        let Some(place) = call.latest(LegRole::Far) else {
            return;
        };
        let mut by = call.setup.forwarded.by.clone();
        by.push(call.setup.user.clone());
        let before = call.setup.forwarded.before;
        let dialled = call.setup.dialled.clone();
        let index = FORWARD_INDEX - u16::try_from(by.len()).unwrap_or(u16::MAX - 1);
        let next = crate::join::half_of(LegId { call: id, index });
        let forwarded = cause::local(CauseReason::Forwarded);
        let leg = call.legs[place].clone();
        let leg_answered = leg.is_answered();
        call.stop_waiting(&mut self.cx);
        // The leg goes on elsewhere; nobody is to be told that it ended.
        call.legs[place].finish(forwarded, now);
        let user = call.active_user_leg();
        if let Some(user) = user {
            call.close_leg(&mut self.cx, user, why);
        }
        call.end(&mut self.cx, forwarded, EndedBy::System);
        let first = match leg.way {
            Way::Half(caller_side) => {
                if let Some(other) = self.calls.get_mut(&caller_side)
                    && let Some(far) = other.latest(LegRole::Far)
                {
                    other.legs[far].way = Way::Half(next);
                }
                None
            }
            Way::Trunk(_) | Way::Device(_) | Way::Browser => {
                self.cx.move_leg(leg.id, next);
                Some(leg.forwarded(now))
            }
        };
        let entry = Entry {
            way: leg.way,
            caller,
            dialled,
            first,
            recalled: leg_answered,
            by,
            before,
        };
        self.serve_entry(next, to, entry);
        self.settle_one(next);
    }
}

/// Whether nothing stands against a forwarding, as far as it can be known before a call comes; to be asked before one is
/// saved.
pub(crate) fn check(user: &crate::user::User, dialled: &Dialled) -> Result<(), Refusal> {
    match dialled {
        Dialled::Own {
            extension: Some(extension),
        } if *extension == user.config.profile.extension => Err(Refusal::OwnNumber),
        Dialled::Own { extension: Some(_) } => Ok(()),
        other => dial::check_destination(user, other).map(|_| ()),
    }
}
