//! What portals, records and the switch itself show, and how it fits to what was done.

use super::{Playing, Supervised};
use ponte_protocol::{
    CallPhase, CallRecord, CallView, CauseReason, Direction, EventBody, LegRole, LegState, Mode,
    PersistentLeg, UserId,
};

impl Supervised {
    pub(super) fn check_notice(&mut self, user: &UserId, body: &EventBody) {
        match body {
            EventBody::CallChanged { call: view } => {
                assert!(!self.unseen.contains(&view.id), "a verification call was shown");
                let call = self.watch(view.id, user);
                assert_eq!(call.user, *user, "a call was shown to somebody else");
                assert!(!call.ended, "a call that is over was shown again");
                assert_ne!(call.view.as_ref(), Some(view), "the same view was sent twice");
                if let Some(before) = &call.view {
                    assert!(
                        may_follow(&before.phase, &view.phase),
                        "{:?} does not follow {:?}",
                        view.phase,
                        before.phase
                    );
                }
                for leg in &view.legs {
                    let over = leg.state == LegState::Terminated;
                    assert!(
                        !(over && leg.no_audio),
                        "a leg that is over needs no audio: {leg:?}"
                    );
                    assert_eq!(
                        leg.cause.is_some(),
                        over,
                        "a cause belongs to an ended leg: {leg:?}"
                    );
                }
                call.view = Some(view.clone());
            }
            EventBody::CallEnded { call: id, record } => {
                let call = self.calls.get_mut(id).expect("the end of an unknown call");
                assert_eq!(call.user, *user, "a call was shown to somebody else");
                assert!(!call.ended, "a call ended twice");
                assert_eq!(
                    call.record.as_ref(),
                    Some(record),
                    "the record is stored before it is shown"
                );
                call.ended = true;
            }
            EventBody::PersistentLegChanged {
                leg:
                    PersistentLeg::Calling { call }
                    | PersistentLeg::Confirming { call, .. }
                    | PersistentLeg::Up { call, .. }
                    | PersistentLeg::Recalling { call, .. },
            } => {
                let call = self.watch(*call, user);
                assert_eq!(call.user, *user, "a leg that stays up was shown to somebody else");
                assert!(!call.ended, "a leg that is over was shown again");
            }
            _ => {}
        }
    }

    pub(super) fn check_record(&mut self, record: &CallRecord) {
        let unseen = self.unseen.contains(&record.id);
        let call = self.watch(record.id, &record.user);
        assert!(call.record.is_none(), "a second record of one call");
        assert_eq!(record.user, call.user);
        assert_eq!(
            record.message.is_some(),
            call.message,
            "the message of {record:?}"
        );
        call.record = Some(record.clone());
        // No portal learns of its end.
        call.ended = unseen;
        let legs = call.legs.clone();
        assert!(record.legs.len() >= legs.len(), "one line for each leg");
        for id in &legs {
            let (now, close) = (self.now, self.timeouts.close);
            let leg = self.legs.get_mut(id).expect("known");
            let given_up = leg.closed_at.is_some_and(|closed| now.since(closed) >= close);
            // The leg at the ear may go on, or be closed, in another call of the user.
            let moved = self.switch.call_of(*id).is_some_and(|call| call != record.id);
            let forwarded = record.cause.reason == CauseReason::Forwarded;
            let goes_on = leg.role == LegRole::User && leg.answered || moved;
            assert!(
                leg.ended || given_up || goes_on || forwarded,
                "a record before leg {id} ended"
            );
            leg.ended |= given_up;
        }
        let answered = |role| {
            legs.iter()
                .filter(|id| self.legs[id].role == role && self.legs[id].answered)
                .count()
        };
        // Whoever picks the call up answers its caller, in a call of their own.
        let picked_up = record.cause.reason == CauseReason::AnsweredElsewhere;
        // Whoever was forwarded may have been answered elsewhere meanwhile.
        let kept = record.cause.reason != CauseReason::Forwarded;
        for role in [LegRole::User, LegRole::Far]
            .into_iter()
            .filter(|role| kept || *role == LegRole::User)
        {
            let lines = record
                .legs
                .iter()
                .filter(|line| line.role == role && line.answered_at.is_some());
            assert!(
                picked_up || lines.count() >= answered(role),
                "an answer is not on record: {record:?}"
            );
        }
        assert!(
            record.legs.iter().all(|line| line.started_at <= line.ended_at),
            "{record:?}"
        );
        assert!(record.started_at <= record.ended_at, "{record:?}");
        assert!(
            record.connected_at.is_none_or(|at| at <= record.ended_at),
            "{record:?}"
        );
        // Exactly one of answer, voicemail and refusal; what the user had taken and given away may come back and find nobody.
        let by_voicemail = record.cause.reason == CauseReason::Voicemail;
        let taken_before = record.connected_at.is_some() && answered_by_user(record);
        assert!(
            !by_voicemail || record.connected_at.is_none() || taken_before,
            "{record:?}"
        );
        assert!(record.message.is_none() || by_voicemail, "{record:?}");
        assert!(
            !by_voicemail || taken_before || record.direction == Direction::Incoming && record.is_missed(),
            "{record:?}"
        );
    }

    pub(super) fn check_after_step(&self) {
        let up = self.calls.values().filter(|call| !call.ended).count();
        assert_eq!(up, self.switch.call_count(), "calls that are up");
        if self.switch.poll_timeout().is_none() {
            for call in self.calls.values().filter(|call| !call.ended) {
                let held = call.view.as_ref().is_some_and(|view| {
                    matches!(
                        view.phase,
                        CallPhase::Held { .. }
                            | CallPhase::Connected { .. }
                            | CallPhase::Transferring { .. }
                            | CallPhase::Transferred { .. }
                    )
                });
                assert!(
                    held || call.legs.iter().any(|leg| self.legs[leg].is_active()),
                    "a call waits for nothing: {call:?}"
                );
            }
        }
        self.check_halves();
        self.check_lines();
        self.check_silence();
        self.check_logons();
    }

    /// Nobody who is on the line hears nothing (rule T5), and nobody's telephone rings on while voicemail answers.
    fn check_silence(&self) {
        for (id, call) in self.calls.iter().filter(|(_, call)| !call.ended) {
            let Some(view) = &call.view else { continue };
            let voicemail = matches!(view.phase, CallPhase::Voicemail { .. });
            let on_line = match view.phase {
                // While somebody rejoins, the prompt for the key 1 pauses; whoever waits must not.
                CallPhase::Connected { .. } | CallPhase::Held { .. } | CallPhase::Rejoining { .. } => true,
                // A verification call pauses, and so does the prompt for the key 1.
                CallPhase::CallingFar => !self.unseen.contains(id),
                _ => voicemail,
            };
            if !on_line {
                continue;
            }
            for leg in &call.legs {
                // What it hears elsewhere is that call's business.
                if self.switch.call_of(*leg).is_some_and(|other| other != *id) {
                    continue;
                }
                let watched = &self.legs[leg];
                assert!(
                    !(voicemail && watched.role == LegRole::User && watched.is_active()),
                    "a telephone goes on while voicemail answers: {call:?}"
                );
                let hears = watched.connected.is_some()
                    || watched.room.is_some()
                    || watched.playing != Playing::Nothing
                    || watched.recorded;
                // A telephone that hung up in a call that has it no more is told of by its present one.
                assert!(
                    hears || !watched.answered || !watched.is_active() || watched.off_line || watched.beside,
                    "leg {leg} hears nothing: {watched:?} in {view:?}"
                );
            }
        }
    }

    /// The ear hears something, whichever call opened it, when all calls of its user have come that far.
    fn check_ear(&self, user: &UserId, calls: &[CallView]) {
        let on_line =
            |phase: &CallPhase| matches!(phase, CallPhase::Connected { .. } | CallPhase::CallingFar);
        let settled = |phase: &CallPhase| {
            on_line(phase)
                || matches!(
                    phase,
                    CallPhase::Held { .. } | CallPhase::Waiting { .. } | CallPhase::Voicemail { .. }
                )
        };
        if !calls.iter().any(|call| on_line(&call.phase)) || !calls.iter().all(|call| settled(&call.phase)) {
            return;
        }
        // The prompt for the key 1 pauses.
        if matches!(self.switch.persistent_leg(user), PersistentLeg::Confirming { .. }) {
            return;
        }
        let silent = self.legs.iter().find(|(_, leg)| {
            leg.user.as_ref() == Some(user)
                && leg.role == LegRole::User
                && leg.answered
                && leg.is_active()
                && !leg.off_line
                && !leg.beside
                && leg.connected.is_none()
                && leg.room.is_none()
                && leg.playing == Playing::Nothing
                && !leg.recorded
        });
        assert!(silent.is_none(), "silence at the ear: {silent:?} in {calls:?}");
    }

    /// Rules T3 and T11: one telephone a user, and none for a telecommuter.
    fn check_logons(&self) {
        let mut seen = Vec::new();
        for device in &self.devices {
            let Some(user) = self.switch.logged_on(device) else {
                continue;
            };
            assert!(!seen.contains(&user), "{user} is logged on twice");
            seen.push(user);
            let mode = self.switch.mode(user);
            assert!(
                !matches!(mode, Some(Mode::Telecommuting { .. })),
                "{user} telecommutes and is logged on to {device}"
            );
        }
    }

    /// A joined pair never outlives one of its halves.
    fn check_halves(&self) {
        for (id, call) in self.calls.iter().filter(|(_, call)| !call.ended) {
            let Some(view) = &call.view else { continue };
            let joined = match view.phase {
                CallPhase::Ending | CallPhase::FarFailed { .. } | CallPhase::CallingUser => false,
                CallPhase::Confirming { .. } => view.direction == Direction::Incoming,
                _ => true,
            };
            if let Some(other) = self.switch.joined(*id)
                && joined
            {
                assert_eq!(
                    self.switch.joined(other),
                    Some(*id),
                    "a half without the other: {view:?}"
                );
            }
        }
    }

    /// Rule T8: one ear, one active call, one more that is held or waits.
    fn check_lines(&self) {
        let mut users: Vec<&UserId> = self
            .calls
            .values()
            .filter(|call| !call.ended)
            .map(|call| &call.user)
            .collect();
        users.sort_unstable();
        users.dedup();
        for user in users {
            let calls = self.switch.calls(user);
            let count = |of: fn(&CallPhase) -> bool| calls.iter().filter(|call| of(&call.phase)).count();
            let held = count(|phase| matches!(phase, CallPhase::Held { .. }));
            let waiting = count(|phase| matches!(phase, CallPhase::Waiting { .. }));
            assert!(
                waiting <= 1 && held <= 16,
                "too many calls on one line: {calls:?}"
            );
            self.check_ear(user, &calls);
        }
        for (id, leg) in &self.legs {
            if let Some(other) = leg.connected {
                let back = self.legs.get(&other).and_then(|other| other.connected);
                assert_eq!(back, Some(*id), "one hears another who does not hear back");
            }
        }
    }
}

fn answered_by_user(record: &CallRecord) -> bool {
    let mut lines = record.legs.iter();
    lines.any(|line| line.role == LegRole::User && line.answered_at.is_some())
}

/// The state diagram of a call.
#[allow(clippy::unnested_or_patterns)] // A line for each state before.
fn may_follow(before: &CallPhase, after: &CallPhase) -> bool {
    use CallPhase as P;
    match (before, after) {
        (P::Ending, _) => matches!(after, P::Ending),
        (_, P::Ending)
        | (P::CallingUser, P::CallingUser | P::Confirming { .. } | P::CallingFar | P::FarFailed { .. })
        | (P::CallingFar, P::CallingFar | P::Connected { .. } | P::FarFailed { .. })
        | (P::FarFailed { .. }, P::FarFailed { .. } | P::CallingFar)
        // Forwarded, and answered there.
        | (P::Ringing | P::Waiting { .. }, P::Transferred { .. })
        | (P::Ringing, P::Ringing | P::Confirming { .. } | P::Connected { .. } | P::Voicemail { .. })
        // Nobody confirmed, and the call is forwarded.
        | (P::Confirming { .. }, P::Ringing)
        | (P::Waiting { .. }, P::Ringing | P::Confirming { .. } | P::Connected { .. } | P::Voicemail { .. })
        // The user lets the other party go by key, and may dial another; from the own voicemail box whoever left a
        // message is called.
        | (P::Connected { .. }, P::CallingFar)
        | (P::Connected { .. } | P::Held { .. }, P::FarFailed { .. })
        | (
            P::Connected { .. } | P::Held { .. },
            P::Connected { .. }
            | P::Held { .. }
            // A transfer that fails at once, and nobody is there.
            | P::Ringing
            | P::Voicemail { .. }
            | P::Transferring { .. }
            | P::Transferred { .. }
            | P::Parked { .. },
        )
        | (
            P::Transferring { .. } | P::Parked { .. },
            P::Connected { .. } | P::Held { .. } | P::Ringing | P::Transferred { .. } | P::Voicemail { .. },
        )
        | (P::Transferring { .. }, P::Transferring { .. })
        // The user's leg is lost, and is called again.
        | (P::Connected { .. } | P::Held { .. } | P::Confirming { .. }, P::Rejoining { .. })
        | (P::Rejoining { .. }, P::Rejoining { .. } | P::Confirming { .. } | P::Connected { .. })
        // What waited for a leg to stay up waits for the whisper; so does what comes back to such a leg, from a transfer
        // that fails at once too.
        | (
            P::Waiting { .. } | P::Parked { .. } | P::Transferring { .. } | P::Connected { .. } | P::Held { .. },
            P::Waiting { .. },
        )
        // Whoever was asked has hung up, and is called when the telephone is free.
        | (P::Confirming { .. }, P::Waiting { .. })
        // Nobody was there to fetch it.
        | (P::Parked { .. } | P::Ringing | P::Confirming { .. }, P::Parked { .. })
        | (P::Transferred { .. }, P::Transferred { .. })
        | (P::CallingFar, P::Transferring { .. } | P::Transferred { .. })
        // A confirmation may find no trunk for the far leg.
        | (P::Confirming { .. }, P::CallingFar | P::FarFailed { .. } | P::Connected { .. } | P::Voicemail { .. }) => {
            true
        }
        (P::Confirming { until: a }, P::Confirming { until: b })
        | (P::Voicemail { since: a }, P::Voicemail { since: b }) => a == b,
        _ => false,
    }
}
