//! The names of what the protocol says, for attributes that styles and tests read. Words for people are in
//! [`crate::words`].

use ponte_protocol::{CallPhase, CallRecord, CauseReason, Direction, FailureClass, LegState, PersistentLeg};

/// The name a `CauseReason` has on the wire.
pub const fn reason(reason: CauseReason) -> &'static str {
    match reason {
        CauseReason::NormalClearing => "normal_clearing",
        CauseReason::Cancelled => "cancelled",
        CauseReason::Busy => "busy",
        CauseReason::Declined => "declined",
        CauseReason::NoAnswer => "no_answer",
        CauseReason::NoSuchNumber => "no_such_number",
        CauseReason::Unavailable => "unavailable",
        CauseReason::Congestion => "congestion",
        CauseReason::TrunkFailure => "trunk_failure",
        CauseReason::Forbidden => "forbidden",
        CauseReason::NotConfirmed => "not_confirmed",
        CauseReason::MediaTimeout => "media_timeout",
        CauseReason::GatewayRestarted => "gateway_restarted",
        CauseReason::IncompatibleMedia => "incompatible_media",
        CauseReason::InternalError => "internal_error",
        CauseReason::Voicemail => "voicemail",
        CauseReason::Rejected => "rejected",
        CauseReason::DoNotDisturb => "do_not_disturb",
        CauseReason::AnsweredElsewhere => "answered_elsewhere",
        CauseReason::Transferred => "transferred",
        CauseReason::Moved => "moved",
        CauseReason::Forwarded => "forwarded",
        CauseReason::LoggedOff => "logged_off",
        CauseReason::Other => "other",
    }
}

/// The name a phase has on the wire.
pub const fn phase(phase: &CallPhase) -> &'static str {
    match phase {
        CallPhase::CallingUser => "calling_user",
        CallPhase::Confirming { .. } => "confirming",
        CallPhase::CallingFar => "calling_far",
        CallPhase::Rejoining { .. } => "rejoining",
        CallPhase::Connected { .. } => "connected",
        CallPhase::FarFailed { .. } => "far_failed",
        CallPhase::Ending => "ending",
        CallPhase::Ringing => "ringing",
        CallPhase::Waiting { .. } => "waiting",
        CallPhase::Held { .. } => "held",
        CallPhase::Voicemail { .. } => "voicemail",
        CallPhase::Transferring { .. } => "transferring",
        CallPhase::Transferred { .. } => "transferred",
        CallPhase::Parked { .. } => "parked",
        CallPhase::Unknown => "unknown",
    }
}

/// The name that the state of a leg which stays up has on the wire.
pub const fn persistent_leg(leg: &PersistentLeg) -> &'static str {
    match leg {
        PersistentLeg::Off => "off",
        PersistentLeg::Calling { .. } => "calling",
        PersistentLeg::Confirming { .. } => "confirming",
        PersistentLeg::Up { .. } => "up",
        PersistentLeg::Recalling { .. } => "recalling",
        PersistentLeg::Down { .. } => "down",
        PersistentLeg::Unknown => "unknown",
    }
}

/// The name a leg's state has on the wire; `none` for a leg that does not exist yet.
pub const fn leg_state(state: Option<LegState>) -> &'static str {
    match state {
        None => "none",
        Some(LegState::Trying) => "trying",
        Some(LegState::Proceeding) => "proceeding",
        Some(LegState::Early) => "early",
        Some(LegState::Confirmed) => "confirmed",
        Some(LegState::Terminated) => "terminated",
    }
}

/// How a call came out, for the log's icon.
pub fn outcome(record: &CallRecord) -> &'static str {
    match (record.connected_at, record.direction) {
        (Some(_), _) => "answered",
        (None, Direction::Incoming) => "missed",
        (None, Direction::Outgoing) => match record.cause.class {
            FailureClass::User | FailureClass::Success => "unanswered",
            _ => "failed",
        },
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ponte_protocol::{Cause, UnixMillis};

    pub(crate) const REASONS: [CauseReason; 21] = [
        CauseReason::NormalClearing,
        CauseReason::Cancelled,
        CauseReason::Busy,
        CauseReason::Declined,
        CauseReason::NoAnswer,
        CauseReason::NoSuchNumber,
        CauseReason::Voicemail,
        CauseReason::Rejected,
        CauseReason::DoNotDisturb,
        CauseReason::AnsweredElsewhere,
        CauseReason::LoggedOff,
        CauseReason::Unavailable,
        CauseReason::Congestion,
        CauseReason::TrunkFailure,
        CauseReason::Forbidden,
        CauseReason::NotConfirmed,
        CauseReason::MediaTimeout,
        CauseReason::GatewayRestarted,
        CauseReason::IncompatibleMedia,
        CauseReason::InternalError,
        CauseReason::Other,
    ];

    pub(crate) fn phases() -> [CallPhase; 11] {
        let cause = Cause {
            reason: CauseReason::Busy,
            class: FailureClass::User,
            q850: Some(17),
            sip: Some(486),
        };
        [
            CallPhase::CallingUser,
            CallPhase::Confirming { until: UnixMillis(1) },
            CallPhase::CallingFar,
            CallPhase::Connected { since: UnixMillis(1) },
            CallPhase::FarFailed {
                cause,
                until: UnixMillis(1),
            },
            CallPhase::Ending,
            CallPhase::Ringing,
            CallPhase::Waiting { until: UnixMillis(1) },
            CallPhase::Held { since: UnixMillis(1) },
            CallPhase::Voicemail { since: UnixMillis(1) },
            CallPhase::Rejoining { until: UnixMillis(1) },
        ]
    }

    fn wire(value: impl serde::Serialize) -> String {
        let value = serde_json::to_value(value).unwrap();
        value
            .as_str()
            .or_else(|| value["type"].as_str())
            .unwrap()
            .to_owned()
    }

    #[test]
    fn names_are_those_of_the_wire() {
        for one in REASONS {
            assert_eq!(reason(one), wire(one));
        }
        for state in [
            LegState::Trying,
            LegState::Proceeding,
            LegState::Early,
            LegState::Confirmed,
            LegState::Terminated,
        ] {
            assert_eq!(leg_state(Some(state)), wire(state));
        }
        for one in phases() {
            assert_eq!(phase(&one), wire(one));
        }
    }
}
