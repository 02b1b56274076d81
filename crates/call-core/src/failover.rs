//! The next trunk, when one fails before it has reached a telephone.

use crate::call::Call;
use crate::context::Context;
use crate::leg::{Leg, Way};
use crate::{LegEnd, LegId, cause};
use ponte_protocol::{Cause, CauseReason, EndedBy, LegRole, LegState};

impl Call {
    /// Whether the end of this leg, which was neither answered nor closed by us, leaves another trunk to be tried.
    pub(crate) fn may_try_next(&self, place: usize, end: LegEnd) -> bool {
        let leg = &self.legs[place];
        let may_turn = matches!(leg.way, Way::Trunk(_)) && !leg.incoming;
        may_turn && !leg.route_proven && cause::is_route_failure(end)
    }

    /// Calls the far number on the next trunk.
    pub(crate) fn try_far(&mut self, cx: &mut Context) {
        if !self.open_leg(cx, LegRole::Far) {
            let failure = self.nothing_left(cx, LegRole::Far);
            self.far_failed(cx, failure, EndedBy::System);
        }
    }

    /// After a failure of the network: the same number over the next trunk, or the end of the attempts.
    pub(crate) fn try_next(&mut self, cx: &mut Context, role: LegRole, by: EndedBy) {
        if self.open_leg(cx, role) {
            return;
        }
        let failure = self.nothing_left(cx, role);
        match role {
            LegRole::User => self.user_failed(cx, failure, by),
            LegRole::Far => self.far_failed(cx, failure, by),
        }
    }

    /// The trunk, the desk telephone, or the browser has not answered at all; or the trunk took the call and has said
    /// nothing since.
    pub(crate) fn trunk_silent(&mut self, cx: &mut Context, leg: LegId, role: LegRole) {
        let Some(place) = self.place_of(leg) else {
            return;
        };
        let taken = self.legs[place].state == LegState::Proceeding;
        if taken && self.next_trunk(cx, role).is_none() {
            // It may still ring there, and there is nowhere else to try.
            return;
        }
        if matches!(self.legs[place].way, Way::Device(_) | Way::Browser) {
            let unreachable = cause::local(CauseReason::Unavailable);
            self.close_leg(cx, leg, unreachable);
            self.user_failed(cx, unreachable, EndedBy::System);
            return;
        }
        self.close_leg(cx, leg, cause::no_response());
        self.try_next(cx, role, EndedBy::System);
    }

    /// Why no trunk carries the call.
    pub(crate) fn nothing_left(&self, cx: &Context, role: LegRole) -> Cause {
        let mut attempts = self.legs[self.attempts_from(role)..]
            .iter()
            .filter(|leg| leg.role == role)
            .filter_map(Leg::cause)
            .peekable();
        if attempts.peek().is_some() {
            cause::all_trunks_failed(attempts)
        } else if cx.trunks.any_up() {
            cause::trunks_full()
        } else {
            cause::no_trunk()
        }
    }
}
