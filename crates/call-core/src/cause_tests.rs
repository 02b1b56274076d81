use super::*;

fn refused(sip: u16, q850: Option<u8>) -> LegEnd {
    LegEnd {
        kind: LegEndKind::Remote,
        sip: Some(sip),
        q850,
    }
}

#[test]
fn t18_a_refusal_keeps_the_networks_codes_and_names_the_reason() {
    use CauseReason as R;
    use FailureClass as C;
    // Status, Q.850 told; reason, class, Q.850 kept.
    for (sip, told, reason, class, q850) in [
        (486, None, R::Busy, C::User, Some(17)),
        (486, Some(34), R::Busy, C::User, Some(34)),
        (600, None, R::Busy, C::User, Some(17)),
        (603, None, R::Declined, C::User, Some(21)),
        (607, None, R::Declined, C::User, Some(21)),
        (480, None, R::Unavailable, C::User, Some(18)),
        (480, Some(20), R::Unavailable, C::User, Some(20)),
        (480, Some(19), R::NoAnswer, C::User, Some(19)),
        (480, Some(31), R::Unavailable, C::User, Some(31)),
        (404, None, R::NoSuchNumber, C::Upstream, Some(1)),
        (410, None, R::NoSuchNumber, C::Upstream, Some(22)),
        (484, None, R::NoSuchNumber, C::Upstream, Some(28)),
        (604, None, R::NoSuchNumber, C::Upstream, Some(1)),
        (500, Some(1), R::NoSuchNumber, C::Upstream, Some(1)),
        (403, None, R::Forbidden, C::Upstream, Some(21)),
        (403, Some(21), R::Forbidden, C::Upstream, Some(21)),
        (488, None, R::IncompatibleMedia, C::Upstream, Some(88)),
        (606, None, R::IncompatibleMedia, C::Upstream, Some(88)),
        (503, None, R::Congestion, C::Upstream, Some(41)),
        (503, Some(42), R::Congestion, C::Upstream, Some(42)),
        (503, Some(17), R::Busy, C::User, Some(17)),
        (500, None, R::Congestion, C::Upstream, Some(41)),
        (502, None, R::Congestion, C::Upstream, Some(38)),
        (504, None, R::TrunkFailure, C::Network, Some(102)),
        (408, None, R::TrunkFailure, C::Network, Some(102)),
        (407, None, R::TrunkFailure, C::Internal, Some(21)),
        (400, None, R::TrunkFailure, C::Upstream, Some(41)),
        (420, None, R::TrunkFailure, C::Upstream, Some(127)),
        (302, None, R::Other, C::Upstream, None),
    ] {
        let expected = Cause {
            reason,
            class,
            q850,
            sip: Some(sip),
        };
        assert_eq!(
            of_end(refused(sip, told), Stage::Trying),
            expected,
            "{sip} {told:?}"
        );
    }
}

#[test]
fn t18_a_telephone_that_rang_until_408_was_not_answered() {
    let cause = of_end(refused(408, None), Stage::Ringing);
    assert_eq!((cause.reason, cause.q850), (CauseReason::NoAnswer, Some(19)));
    assert_eq!(cause.sip, Some(408));
}

#[test]
fn t18_an_answered_leg_ends_normally_unless_the_network_says_otherwise() {
    let end = |kind, q850| LegEnd {
        kind,
        sip: None,
        q850,
    };
    for (end, reason, class) in [
        (
            end(LegEndKind::Remote, None),
            CauseReason::NormalClearing,
            FailureClass::Success,
        ),
        (
            end(LegEndKind::Remote, Some(16)),
            CauseReason::NormalClearing,
            FailureClass::Success,
        ),
        (
            end(LegEndKind::Remote, Some(31)),
            CauseReason::NormalClearing,
            FailureClass::Success,
        ),
        (
            end(LegEndKind::Remote, Some(41)),
            CauseReason::Congestion,
            FailureClass::Upstream,
        ),
        (
            end(LegEndKind::Timeout, None),
            CauseReason::Congestion,
            FailureClass::Network,
        ),
        (
            end(LegEndKind::Transport, None),
            CauseReason::Congestion,
            FailureClass::Network,
        ),
        (
            end(LegEndKind::Internal, None),
            CauseReason::InternalError,
            FailureClass::Internal,
        ),
    ] {
        let cause = of_end(end, Stage::Answered);
        assert_eq!((cause.reason, cause.class), (reason, class), "{end:?}");
    }
}

#[test]
fn codes_out_of_range_are_dropped() {
    let cause = of_end(
        LegEnd {
            kind: LegEndKind::Remote,
            sip: Some(99),
            q850: Some(200),
        },
        Stage::Trying,
    );
    assert_eq!(
        (cause.sip, cause.q850, cause.reason),
        (None, None, CauseReason::Other)
    );
}

#[test]
fn t18_a_leg_we_closed_keeps_our_cause_with_the_status_told() {
    let closed = LegEnd {
        kind: LegEndKind::Closed,
        sip: Some(487),
        q850: None,
    };
    let cause = of_closed(no_answer(true), closed, false);
    assert_eq!(
        (cause.reason, cause.q850, cause.sip),
        (CauseReason::NoAnswer, Some(19), Some(487))
    );
    let crossed = of_closed(no_answer(true), refused(486, None), false);
    assert_eq!(crossed.reason, CauseReason::Busy);
}

#[test]
fn a_route_failure_is_the_networks_not_the_persons() {
    for sip in [408, 500, 502, 503, 504] {
        assert!(is_route_failure(refused(sip, None)), "{sip}");
        assert!(is_route_failure(refused(sip, Some(34))), "{sip}");
        assert!(
            !is_route_failure(refused(sip, Some(17))),
            "{sip} with the cause busy"
        );
        assert!(
            !is_route_failure(refused(sip, Some(1))),
            "{sip} with the cause no such number"
        );
    }
    for sip in [
        302, 401, 403, 404, 410, 480, 484, 486, 487, 488, 501, 505, 513, 580, 600, 603, 604, 606,
    ] {
        assert!(!is_route_failure(refused(sip, None)), "{sip}");
    }
    for (kind, expected) in [
        (LegEndKind::Timeout, true),
        (LegEndKind::Transport, true),
        (LegEndKind::Closed, false),
        (LegEndKind::Internal, false),
        (LegEndKind::IncompatibleMedia, false),
    ] {
        let end = LegEnd {
            kind,
            sip: None,
            q850: None,
        };
        assert_eq!(is_route_failure(end), expected, "{kind:?}");
    }
}

#[test]
fn the_most_telling_of_several_failures_is_told() {
    let answered = of_end(refused(503, None), Stage::Trying);
    let cause = all_trunks_failed([answered, no_response()].into_iter());
    assert_eq!((cause.reason, cause.sip), (CauseReason::TrunkFailure, Some(503)));
    assert_eq!(
        all_trunks_failed(std::iter::empty()).reason,
        CauseReason::TrunkFailure
    );
}
