//! Ends: who hung up, why, and what is left to be closed.

use crate::call::{Call, Phase};
use crate::cause::{self, Stage};
use crate::context::Context;
use crate::join::Crossing;
use crate::setup::Far;
use crate::{LegEnd, LegEndKind, LegId, PeerHold};
use ponte_protocol::{Cause, CauseReason, EndedBy, LegRole};

impl Call {
    /// Takes the call down. While the far failure is being told, that stays the call's cause, whoever ends it.
    pub(crate) fn end(&mut self, cx: &mut Context, cause: Cause, by: EndedBy) {
        let (cause, by) = match self.phase {
            Phase::Ending { .. } => return,
            Phase::FarFailed(failure) => (failure.cause, failure.by),
            // Whoever ends it, the user has missed a call (rule T18).
            Phase::Voicemail(recording) => {
                let refused = recording.no_room.is_some();
                if let (Some(leg), None, Some(_), false) =
                    (recording.voice, recording.greeting, self.message, refused)
                {
                    cx.crossings.push_back(Crossing::StopRecording { leg });
                }
                // Who could leave no message was not given to voicemail.
                let reason = if refused && self.message.is_none() {
                    CauseReason::Busy
                } else {
                    CauseReason::Voicemail
                };
                (cause::local(reason), by)
            }
            _ => (cause, by),
        };
        self.stop_waiting(cx);
        if self.rescue.take().is_some() {
            // Nobody has said at that ear that a person is there.
            self.ear_wanted = false;
        }
        self.close_all(cx, cause);
        self.set_phase(Phase::Ending {
            cause,
            by,
            at: cx.now,
        });
    }

    /// **Hang up** in a portal, or the user was removed.
    pub(crate) fn hang_up(&mut self, cx: &mut Context, by: EndedBy) {
        self.end(cx, self.clearing_cause(), by);
    }

    fn clearing_cause(&self) -> Cause {
        cause::local(match self.phase {
            _ if self.rescue.is_some() => CauseReason::NormalClearing,
            Phase::Connected { .. }
            | Phase::Standing { .. }
            | Phase::Recalling { .. }
            | Phase::Held { .. }
            | Phase::Mailbox { .. }
            | Phase::Parked { .. }
            | Phase::Transferring { .. } => CauseReason::NormalClearing,
            _ => CauseReason::Cancelled,
        })
    }

    /// A leg says that it ended.
    pub(crate) fn leg_ended(&mut self, cx: &mut Context, place: usize, end: LegEnd) {
        let leg = &self.legs[place];
        if leg.has_ended() {
            return;
        }
        if let Some(ours) = leg.closing() {
            let cause = cause::of_closed(ours, end, leg.is_answered());
            self.leg_over(cx, place, cause);
            return;
        }
        let stage = match (leg.is_answered(), leg.ringing_at) {
            (true, _) => Stage::Answered,
            (false, Some(_)) => Stage::Ringing,
            (false, None) => Stage::Trying,
        };
        let (id, role, beside) = (leg.id, leg.role, leg.beside);
        let mut cause = cause::of_end(end, stage);
        if self.is_asked_beside(id) && is_hang_up(cause) {
            cause = cause::local(CauseReason::NotConfirmed);
        }
        let next = stage == Stage::Trying && self.may_try_next(place, end);
        // Who has not been heard for a while did not hang up: the network gave up waiting.
        let hung_up = is_hang_up(cause) && !leg.no_audio;
        self.leg_over(cx, place, cause);
        if beside {
            self.touch();
            self.beside_ended(cx, id, next);
            return;
        }
        let third = self.legs[place].third;
        if role == LegRole::User && stage == Stage::Answered && !hung_up && !third {
            self.ties.ear_lost = Some(cause);
        }
        let by = match (end.kind, role) {
            (LegEndKind::Remote, LegRole::User) if third => EndedBy::FarLeg,
            (LegEndKind::Remote | LegEndKind::IncompatibleMedia, LegRole::User) => EndedBy::UserLeg,
            (LegEndKind::Remote | LegEndKind::IncompatibleMedia, LegRole::Far) => EndedBy::FarLeg,
            _ => EndedBy::System,
        };
        match (role, self.phase) {
            (_, Phase::CallingUser | Phase::Ringing { .. } | Phase::CallingFar) if next => {
                self.try_next(cx, role, by);
            }
            (LegRole::User, _) if self.stands() => self.stand_lost(cx, cause, by, hung_up),
            // Where the call is being moved, the new telephone is the way back.
            (LegRole::User, _) if !hung_up && self.leave_behind(cx) => {}
            (LegRole::User, _) if !hung_up && self.rescue(cx, cause, by) => {}
            // A person who was asked about a caller that waited before, and hung up instead: the telephone is there again.
            (LegRole::User, Phase::Confirming { until, .. }) if id.call != self.id() && is_hang_up(cause) => {
                self.set_phase(Phase::Waiting { until });
            }
            (LegRole::User, Phase::Ringing { .. }) => self.user_failed(cx, cause, by),
            (LegRole::User, Phase::Confirming { .. }) if self.serves_caller() => {
                let cause = if is_hang_up(cause) {
                    cause::local(CauseReason::NotConfirmed)
                } else {
                    cause
                };
                self.user_failed(cx, cause, by);
            }
            // The telephone that asked for the transfer, and hung up before anybody answered: the transfer goes on.
            (LegRole::User, Phase::Transferring { .. }) if self.ties.put_to.is_some() => {
                self.ties.detached = true;
                self.touch();
            }
            (LegRole::User, _) if self.leave_behind(cx) => {}
            (LegRole::Far, _) if self.serves_caller() => self.caller_gone(cx, cause, by),
            (LegRole::Far, Phase::CallingFar) => self.far_failed(cx, cause, by),
            (LegRole::User, Phase::Confirming { .. }) if is_hang_up(cause) => {
                // It answered and went away without a word, as a voicemail does.
                self.end(cx, cause::local(CauseReason::NotConfirmed), by);
            }
            (LegRole::User, Phase::CallingFar) if is_hang_up(cause) => {
                self.end(cx, cause::local(CauseReason::Cancelled), by);
            }
            _ => self.end(cx, cause, by),
        }
    }

    /// A leg that was told to close has not said that it ended.
    pub(crate) fn close_timed_out(&mut self, cx: &mut Context, place: usize) {
        if !self.legs[place].has_ended() {
            self.leg_over(cx, place, cause::local(CauseReason::InternalError));
        }
    }

    /// Nobody answered in time.
    pub(crate) fn no_answer(&mut self, cx: &mut Context, leg: LegId, role: LegRole) {
        let rang = self
            .place_of(leg)
            .is_some_and(|place| self.legs[place].ringing_at.is_some());
        let cause = cause::no_answer(rang);
        self.close_leg(cx, leg, cause);
        match role {
            LegRole::User => self.user_failed(cx, cause, EndedBy::System),
            LegRole::Far => self.far_failed(cx, cause, EndedBy::System),
        }
    }

    /// No audio arrives from an answered leg.
    pub(crate) fn audio_missing(&mut self, cx: &mut Context, leg: LegId, since_ms: u64) {
        let waits = matches!(
            self.phase,
            Phase::Held { .. } | Phase::Parked { .. } | Phase::Transferring { .. }
        );
        // A telephone that holds has nothing to send.
        let holds = self
            .place_of(leg)
            .is_some_and(|place| self.legs[place].hold != PeerHold::No);
        if waits || holds || self.held_by_far() || self.is_beside(leg) {
            return;
        }
        let cause = cause::local(CauseReason::MediaTimeout);
        // Rule T17: nobody is cut off from help because nothing is heard.
        let emergency = matches!(self.setup.far, Far::Emergency(_));
        if since_ms >= cx.timeouts.no_audio_end && !emergency {
            if self.ear() == Some(leg) {
                self.ties.ear_lost = Some(cause);
            }
            self.close_leg(cx, leg, cause);
            if self.stands() {
                self.stand_lost(cx, cause, EndedBy::System, false);
            } else {
                let goes_on =
                    self.ear().is_none() && self.leave_behind(cx) || self.rescue(cx, cause, EndedBy::System);
                if !goes_on {
                    self.end(cx, cause, EndedBy::System);
                }
            }
        } else if since_ms >= cx.timeouts.no_audio_warning {
            self.set_no_audio(leg, true);
        }
    }

    pub(crate) fn set_no_audio(&mut self, leg: LegId, no_audio: bool) {
        let Some(place) = self.place_of(leg) else { return };
        let leg = &mut self.legs[place];
        if leg.no_audio != no_audio {
            leg.no_audio = no_audio;
            self.touch();
        }
    }
}

fn is_hang_up(cause: Cause) -> bool {
    cause.reason == CauseReason::NormalClearing
}
