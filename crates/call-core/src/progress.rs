//! The far leg, and what the user hears of it (rule T5): early media where it comes, else a tone; a failure gives a
//! tone and a spoken reason; never silence.

use crate::call::{Call, FarFailure, Phase};
use crate::context::Context;
use crate::leg::Way;
use crate::{Announcement, LegId, PlaybackToken, TimerKind, Tone};
use ponte_protocol::{Cause, CauseReason, EndedBy, LegRole, LegState};

/// How often the time for another number is put off because the announcement is still being spoken.
const EXTENSIONS_MAX: u8 = 2;

impl Call {
    /// A provisional answer on an active leg that is not answered.
    pub(crate) fn leg_progress(&mut self, cx: &mut Context, place: usize, status: u16, early_media: bool) {
        let now = cx.now;
        let leg = &mut self.legs[place];
        let rings = status == 180;
        leg.route_proven |= (180..=189).contains(&status) || early_media;
        if leg.route_proven || leg.state == LegState::Trying {
            // A trunk that repeats its 100 gets no more time.
            cx.timers.cancel(leg.id, TimerKind::TrunkResponse);
        }
        leg.early_media |= early_media;
        if rings && leg.ringing_at.is_none() {
            leg.ringing_at = Some(now);
        }
        let state = if rings || early_media {
            LegState::Early
        } else {
            LegState::Proceeding
        };
        let (role, id, heard) = (leg.role, leg.id, leg.early_media);
        let only_taken = matches!(leg.way, Way::Trunk(_)) && !leg.route_proven && !leg.beside;
        if leg.advance(state, now) {
            self.touch();
            if only_taken {
                cx.timers
                    .set(id, TimerKind::TrunkResponse, now.plus(cx.timeouts.trunk_progress));
            }
            if state == LegState::Early {
                // How long a telephone may ring counts from its ringing.
                self.restart_no_answer(cx, id, role);
            }
        }
        if role == LegRole::Far && self.phase == Phase::CallingFar {
            if heard {
                self.bridge(cx);
            } else if rings {
                self.far_rings(cx);
            }
        }
    }

    /// The user hears ringing: a tone of ours, or of the desk telephone that dialled.
    pub(crate) fn far_rings(&mut self, cx: &mut Context) {
        self.ring_back(cx, LegRole::User);
        self.play_tone(cx, Tone::Ringback);
    }

    pub(crate) fn far_answered(&mut self, cx: &mut Context) {
        if self.phase != Phase::CallingFar {
            return;
        }
        self.answer(cx, LegRole::User);
        self.bridge(cx);
        self.connected(cx);
    }

    pub(crate) fn connected(&mut self, cx: &Context) {
        let since = *self.connected_at.get_or_insert(cx.now);
        self.set_phase(Phase::Connected { since });
    }

    /// The other party was not reached: the user hears why, and may dial again.
    pub(crate) fn far_failed(&mut self, cx: &mut Context, cause: Cause, by: EndedBy) {
        // A desk telephone that dialled is told by the SIP status.
        let Some(user) = self.answered_user_leg() else {
            self.end(cx, cause, by);
            return;
        };
        self.unbridge(cx);
        let (tone, tone_ms, reason) = spoken(cause.reason);
        let announcement = self.announce(cx, Some((tone, tone_ms)), vec![reason, Announcement::DialAgain]);
        let until = cx.now.plus(cx.timeouts.redial);
        cx.timers.set(user, TimerKind::Redial, until);
        self.set_phase(Phase::FarFailed(FarFailure {
            cause,
            by,
            until,
            announcement,
            extended: 0,
        }));
    }

    /// The reason was spoken: the whole time to dial again begins.
    pub(crate) fn reason_finished(&mut self, cx: &mut Context, leg: LegId, token: PlaybackToken) {
        if let Phase::FarFailed(failure) = self.phase
            && failure.announcement == Some(token)
        {
            let until = cx.now.plus(cx.timeouts.redial);
            cx.timers.set(leg, TimerKind::Redial, until);
            self.playback_over();
            self.play_tone(cx, Tone::Progress);
            self.set_phase(Phase::FarFailed(FarFailure {
                until,
                announcement: None,
                ..failure
            }));
        }
    }

    /// No other number was dialled in time.
    pub(crate) fn redial_timed_out(&mut self, cx: &mut Context, leg: LegId) {
        let Phase::FarFailed(failure) = self.phase else {
            return;
        };
        if failure.announcement.is_some() && failure.extended < EXTENSIONS_MAX {
            let until = failure.until.plus(cx.timeouts.redial);
            cx.timers.set(leg, TimerKind::Redial, until);
            self.set_phase(Phase::FarFailed(FarFailure {
                until,
                extended: failure.extended + 1,
                ..failure
            }));
            return;
        }
        self.end(cx, failure.cause, failure.by);
    }
}

/// What a user hears of a failure: a tone, for how many milliseconds, and the words after it.
fn spoken(reason: CauseReason) -> (Tone, u64, Announcement) {
    const SHORT: u64 = 2_000;
    // Three tones of 330 ms (ITU-T E.180), once.
    const SIT: u64 = 1_000;
    match reason {
        CauseReason::Busy | CauseReason::DoNotDisturb | CauseReason::Rejected => {
            (Tone::Busy, SHORT, Announcement::Busy)
        }
        CauseReason::Declined => (Tone::Busy, SHORT, Announcement::Declined),
        CauseReason::NoAnswer | CauseReason::NotConfirmed => (Tone::Busy, SHORT, Announcement::NoAnswer),
        CauseReason::NoSuchNumber => (Tone::SpecialInformation, SIT, Announcement::NoSuchNumber),
        CauseReason::Forbidden => (Tone::SpecialInformation, SIT, Announcement::NotAllowed),
        CauseReason::Unavailable | CauseReason::LoggedOff | CauseReason::IncompatibleMedia => {
            (Tone::SpecialInformation, SIT, Announcement::Unavailable)
        }
        _ => (Tone::Congestion, SHORT, Announcement::Congestion),
    }
}
