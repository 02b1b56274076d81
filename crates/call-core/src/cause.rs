//! Why a leg or a call ended: what the network said, put into words that a portal can translate.
//!
//! Status codes and causes follow the mapping of RFC 3398 sections 7.2.4.1 and 8.2.6.1, and ITU-T Q.850. A status that
//! names one reason decides (486 is busy, whatever else is said). Gateways of the old network answer 480 or 5xx for
//! nearly everything and put the truth into a Reason header (RFC 3326): there the Q.850 cause decides. What the network
//! told is kept as it was told; a Q.850 cause it left out is filled in, a SIP status never is.

use crate::{LegEnd, LegEndKind};
use ponte_protocol::{Cause, CauseReason, FailureClass};

/// How far a leg had come when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Trying,
    Ringing,
    Answered,
}

/// A cause of the switch's own making, e.g. for calls that a restart of the gateway ended.
pub fn local(reason: CauseReason) -> Cause {
    let q850 = match reason {
        CauseReason::NormalClearing
        | CauseReason::Cancelled
        | CauseReason::Transferred
        | CauseReason::Moved
        | CauseReason::Forwarded => Some(16),
        CauseReason::Busy | CauseReason::DoNotDisturb => Some(17),
        CauseReason::NoAnswer => Some(19),
        CauseReason::Unavailable | CauseReason::LoggedOff => Some(20),
        CauseReason::Declined | CauseReason::Forbidden | CauseReason::Rejected => Some(21),
        CauseReason::AnsweredElsewhere => Some(26),
        CauseReason::NoSuchNumber => Some(1),
        CauseReason::Congestion => Some(34),
        CauseReason::TrunkFailure => Some(38),
        CauseReason::IncompatibleMedia => Some(88),
        CauseReason::NotConfirmed
        | CauseReason::MediaTimeout
        | CauseReason::GatewayRestarted
        | CauseReason::InternalError
        | CauseReason::Voicemail
        | CauseReason::Other => None,
    };
    Cause {
        reason,
        class: class(reason),
        q850,
        sip: None,
    }
}

/// The SIP status that tells a caller who was not answered why (RFC 3261 section 21): the one that the network gave,
/// where it says something of the person who was called, else the one that is nearest.
pub(crate) fn told_to_caller(cause: Cause) -> u16 {
    const PASSED_ON: [u16; 15] = [
        403, 404, 410, 480, 484, 486, 488, 500, 502, 503, 504, 600, 603, 604, 606,
    ];
    if let Some(status) = cause.sip.filter(|status| PASSED_ON.contains(status)) {
        return status;
    }
    match cause.reason {
        CauseReason::Busy
        | CauseReason::Rejected
        | CauseReason::DoNotDisturb
        | CauseReason::AnsweredElsewhere
        // Rule T10: the busy tone.
        | CauseReason::LoggedOff => 486,
        CauseReason::Declined => 603,
        CauseReason::NoSuchNumber => 404,
        CauseReason::Forbidden => 403,
        CauseReason::Congestion | CauseReason::TrunkFailure | CauseReason::GatewayRestarted => 503,
        CauseReason::IncompatibleMedia => 488,
        CauseReason::InternalError => 500,
        CauseReason::NormalClearing
        | CauseReason::Cancelled
        | CauseReason::Transferred | CauseReason::Moved | CauseReason::Forwarded
        | CauseReason::NoAnswer
        | CauseReason::Unavailable
        | CauseReason::NotConfirmed
        | CauseReason::MediaTimeout
        | CauseReason::Voicemail
        | CauseReason::Other => 480,
    }
}

/// What another user of the site learns of a cause: what a stranger would.
pub(crate) fn told_to_other(cause: Cause) -> Cause {
    let reason = match cause.reason {
        CauseReason::Rejected => CauseReason::Declined,
        CauseReason::DoNotDisturb => CauseReason::Busy,
        // Rule T10: the busy tone on a telephone, the truth in a portal.
        CauseReason::LoggedOff => {
            return Cause {
                sip: Some(486),
                ..local(CauseReason::Unavailable)
            };
        }
        CauseReason::NotConfirmed => CauseReason::NoAnswer,
        CauseReason::Voicemail => CauseReason::NormalClearing,
        _ => return cause,
    };
    local(reason)
}

/// Nobody answered in time; `rang` tells a telephone that rang from one that was never found.
pub(crate) fn no_answer(rang: bool) -> Cause {
    Cause {
        q850: Some(if rang { 19 } else { 18 }),
        ..local(CauseReason::NoAnswer)
    }
}

/// The trunk said nothing at all.
pub(crate) fn no_response() -> Cause {
    Cause {
        reason: CauseReason::TrunkFailure,
        class: FailureClass::Network,
        q850: Some(102),
        sip: None,
    }
}

/// No trunk is up.
pub(crate) fn no_trunk() -> Cause {
    Cause {
        class: FailureClass::Network,
        ..local(CauseReason::TrunkFailure)
    }
}

/// Every trunk that is up carries as many legs as it may.
pub(crate) fn trunks_full() -> Cause {
    Cause {
        class: FailureClass::Internal,
        ..local(CauseReason::Congestion)
    }
}

/// All trunks were tried, none took the call: the cause of the most telling attempt under that name.
pub(crate) fn all_trunks_failed(attempts: impl Iterator<Item = Cause>) -> Cause {
    // The last of those that got an answer: a status says more than a silence.
    let telling = attempts.max_by_key(|cause| cause.sip.is_some());
    Cause {
        reason: CauseReason::TrunkFailure,
        ..telling.unwrap_or_else(no_trunk)
    }
}

/// Why a leg that we did not close ended.
pub(crate) fn of_end(end: LegEnd, stage: Stage) -> Cause {
    let sip = end.sip.filter(|status| (300..=699).contains(status));
    let q850 = end.q850.filter(|cause| (1..=127).contains(cause));
    let told = |reason, class, usual: Option<u8>| Cause {
        reason,
        class,
        q850: q850.or(usual),
        sip,
    };
    match (end.kind, stage) {
        (LegEndKind::IncompatibleMedia, _) => {
            told(CauseReason::IncompatibleMedia, FailureClass::Upstream, Some(88))
        }
        (LegEndKind::Internal, _) | (LegEndKind::Closed, Stage::Trying | Stage::Ringing) => {
            told(CauseReason::InternalError, FailureClass::Internal, None)
        }
        (LegEndKind::Closed, Stage::Answered) => {
            told(CauseReason::NormalClearing, FailureClass::Success, Some(16))
        }
        (LegEndKind::Timeout, Stage::Answered) => {
            told(CauseReason::Congestion, FailureClass::Network, Some(102))
        }
        (LegEndKind::Transport, Stage::Answered) => {
            told(CauseReason::Congestion, FailureClass::Network, Some(38))
        }
        (LegEndKind::Timeout, _) => told(CauseReason::TrunkFailure, FailureClass::Network, Some(102)),
        (LegEndKind::Transport, _) => told(CauseReason::TrunkFailure, FailureClass::Network, Some(38)),
        (LegEndKind::Remote, Stage::Answered) => {
            let reason = q850.and_then(of_q850).unwrap_or(CauseReason::NormalClearing);
            told(reason, class(reason), Some(16))
        }
        (LegEndKind::Remote, stage) => of_refusal(sip, q850, stage),
    }
}

fn of_refusal(sip: Option<u16>, q850: Option<u8>, stage: Stage) -> Cause {
    let by_cause = q850.and_then(of_q850);
    let (reason, class, usual) = match sip {
        // A telephone that rang until the network's patience ended was not answered.
        Some(408) if stage == Stage::Ringing => {
            let reason = by_cause.unwrap_or(CauseReason::NoAnswer);
            (reason, class(reason), Some(19))
        }
        Some(status) => {
            let known = of_status(status);
            match by_cause {
                Some(reason) if known.generic => (reason, class(reason), known.q850),
                _ => (known.reason, known.class, known.q850),
            }
        }
        None => {
            let reason = by_cause.unwrap_or(CauseReason::Other);
            (reason, class(reason), None)
        }
    };
    Cause {
        reason,
        class,
        q850: q850.or(usual),
        sip,
    }
}

/// Why a leg that we told to close with the cause `ours` ended: ours, unless the network's refusal crossed it.
pub(crate) fn of_closed(ours: Cause, end: LegEnd, answered: bool) -> Cause {
    let refused = end
        .sip
        .is_some_and(|status| (300..=699).contains(&status) && status != 487);
    if end.kind == LegEndKind::Remote && refused && !answered {
        return of_end(end, Stage::Trying);
    }
    Cause {
        q850: ours.q850.or(end.q850.filter(|cause| (1..=127).contains(cause))),
        sip: end.sip.filter(|status| (300..=699).contains(status)).or(ours.sip),
        ..ours
    }
}

/// Whether another trunk may do better: the network failed, and said nothing of the telephone or the person.
///
/// After ringing or early media the way is proven, and the caller does not ask. 501, 505, 513 and 580 speak of the
/// request, which would be the same on the next trunk.
pub(crate) fn is_route_failure(end: LegEnd) -> bool {
    match end.kind {
        LegEndKind::Timeout | LegEndKind::Transport => true,
        LegEndKind::Remote => {
            let by_network = matches!(end.sip, Some(408 | 500 | 502 | 503 | 504));
            let about_the_called = end
                .q850
                .and_then(of_q850)
                .is_some_and(|reason| !matches!(reason, CauseReason::Congestion | CauseReason::TrunkFailure));
            by_network && !about_the_called
        }
        LegEndKind::Closed | LegEndKind::IncompatibleMedia | LegEndKind::Internal => false,
    }
}

fn class(reason: CauseReason) -> FailureClass {
    match reason {
        CauseReason::NormalClearing
        | CauseReason::Transferred
        | CauseReason::Moved
        | CauseReason::Forwarded => FailureClass::Success,
        CauseReason::Cancelled
        | CauseReason::Busy
        | CauseReason::Declined
        | CauseReason::NoAnswer
        | CauseReason::Unavailable
        | CauseReason::NotConfirmed
        | CauseReason::Voicemail
        | CauseReason::Rejected
        | CauseReason::DoNotDisturb
        | CauseReason::AnsweredElsewhere
        | CauseReason::LoggedOff => FailureClass::User,
        CauseReason::NoSuchNumber
        | CauseReason::Congestion
        | CauseReason::TrunkFailure
        | CauseReason::Forbidden
        | CauseReason::IncompatibleMedia => FailureClass::Upstream,
        CauseReason::MediaTimeout | CauseReason::Other => FailureClass::Network,
        CauseReason::GatewayRestarted | CauseReason::InternalError => FailureClass::Internal,
    }
}

/// The reason that a Q.850 cause names; `None` for ordinary clearing and for causes that say nothing.
fn of_q850(cause: u8) -> Option<CauseReason> {
    Some(match cause {
        1 | 22 | 28 => CauseReason::NoSuchNumber,
        17 => CauseReason::Busy,
        18 | 20 | 27 => CauseReason::Unavailable,
        19 => CauseReason::NoAnswer,
        21 => CauseReason::Declined,
        29 | 50 | 52..=55 | 57 | 87 => CauseReason::Forbidden,
        2 | 3 | 25 | 34 | 38 | 41..=44 | 46 | 47 => CauseReason::Congestion,
        65 | 70 | 79 | 88 => CauseReason::IncompatibleMedia,
        102 => CauseReason::TrunkFailure,
        _ => return None,
    })
}

struct Status {
    reason: CauseReason,
    class: FailureClass,
    q850: Option<u8>,
    /// It leaves room for a Q.850 cause to tell more.
    generic: bool,
}

fn of_status(status: u16) -> Status {
    let names = |reason, q850| Status {
        reason,
        class: class(reason),
        q850: Some(q850),
        generic: false,
    };
    let generic = |reason, class, q850| Status {
        reason,
        class,
        q850: Some(q850),
        generic: true,
    };
    match status {
        402 | 403 | 433 | 436..=438 | 608 => names(CauseReason::Forbidden, 21),
        404 | 485 | 604 => names(CauseReason::NoSuchNumber, 1),
        410 => names(CauseReason::NoSuchNumber, 22),
        484 => names(CauseReason::NoSuchNumber, 28),
        486 | 600 => names(CauseReason::Busy, 17),
        603 | 607 => names(CauseReason::Declined, 21),
        415 => names(CauseReason::IncompatibleMedia, 79),
        488 | 606 => names(CauseReason::IncompatibleMedia, 88),
        487 => Status {
            reason: CauseReason::Cancelled,
            class: FailureClass::User,
            q850: None,
            generic: true,
        },
        // Our own credentials were not good enough for the trunk.
        401 | 407 => generic(CauseReason::TrunkFailure, FailureClass::Internal, 21),
        408 | 504 => generic(CauseReason::TrunkFailure, FailureClass::Network, 102),
        480 => generic(CauseReason::Unavailable, FailureClass::User, 18),
        482 | 483 => generic(CauseReason::Congestion, FailureClass::Upstream, 25),
        500 | 503 => generic(CauseReason::Congestion, FailureClass::Upstream, 41),
        502 => generic(CauseReason::Congestion, FailureClass::Upstream, 38),
        580 => generic(CauseReason::Congestion, FailureClass::Upstream, 47),
        400 | 481 => generic(CauseReason::TrunkFailure, FailureClass::Upstream, 41),
        405 => generic(CauseReason::TrunkFailure, FailureClass::Upstream, 63),
        406 | 501 => generic(CauseReason::TrunkFailure, FailureClass::Upstream, 79),
        409..=499 | 505..=599 => generic(CauseReason::TrunkFailure, FailureClass::Upstream, 127),
        601..=699 => generic(CauseReason::Declined, FailureClass::User, 21),
        _ => Status {
            reason: CauseReason::Other,
            class: FailureClass::Upstream,
            q850: None,
            generic: true,
        },
    }
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
