//! How long each state may last, and no shorter.

use super::{Call, Leg, Reference};
use ponte_protocol::{CallId, LegRole, UnixMillis};

impl Reference {
    /// Whether any of the call's deadlines has been reached.
    pub(super) fn may_give_up(&self, now: UnixMillis, id: CallId) -> bool {
        let Some(call) = self.call(id) else {
            return false;
        };
        let leg_is_late = |leg: &Leg| {
            leg.is_active()
                && leg.answered_at.is_none()
                && ((!leg.heard && now.since(leg.opened_at) >= self.timeouts.trunk_response)
                    || (!leg.proven && now.since(leg.opened_at) >= self.timeouts.trunk_progress)
                    || now.since(leg.alerted_at) >= self.patience(call, leg.role))
        };
        call.legs.iter().any(leg_is_late)
            || match call.phase() {
                "confirming" => call
                    .active(LegRole::User)
                    .and_then(|leg| leg.answered_at)
                    .is_some_and(|at| now.since(at) >= self.timeouts.confirm),
                "far failed" => call
                    .failed_at
                    .is_some_and(|at| now.since(at) >= self.timeouts.redial),
                _ => false,
            }
    }

    fn patience(&self, call: &Call, role: LegRole) -> u64 {
        match role {
            LegRole::User => call.user_patience_ms,
            LegRole::Far => self.timeouts.far_no_answer,
        }
    }

    /// No state lasts longer than it may.
    pub(super) fn check_patience(&self, now: UnixMillis, call: &Call) {
        for leg in call
            .legs
            .iter()
            .filter(|leg| leg.is_active() && leg.answered_at.is_none())
        {
            assert!(
                now.since(leg.alerted_at) < self.patience(call, leg.role),
                "rings for too long: {call:?}"
            );
            assert!(
                leg.heard || now.since(leg.opened_at) < self.timeouts.trunk_response,
                "waits for a silent trunk: {call:?}"
            );
        }
        match call.phase() {
            "confirming" => {
                let answered = call.active(LegRole::User).and_then(|leg| leg.answered_at);
                assert!(
                    answered.is_some_and(|at| now.since(at) < self.timeouts.confirm),
                    "waits too long for a person: {call:?}"
                );
            }
            "far failed" => {
                // While the reason is spoken, the end is put off twice.
                let times = if call.speaking.is_some() { 3 } else { 1 };
                let limit = self.timeouts.redial * times;
                assert!(
                    call.failed_at.is_some_and(|at| now.since(at) < limit),
                    "waits too long for another number: {call:?}"
                );
            }
            _ => {}
        }
    }
}
