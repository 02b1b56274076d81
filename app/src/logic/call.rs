//! What a call asks of its user, and what can be done with it.

use ponte_protocol::{CallId, CallPhase, CallView, Direction, LegState, PersistentLeg};

/// What **Accept** does to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Says that a person answered the telephone (rule T14).
    Confirm,
    /// Takes the call that waits; the one before is held (rule T8).
    TakeWaiting,
    /// Goes back to the call on hold.
    Return,
}

/// What a portal offers for a call in the phase it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actions {
    pub accept: Option<Accept>,
    /// For an incoming call that nobody has answered (rule T9).
    pub reject: bool,
    pub hang_up: bool,
}

/// What can be done with a call beside answering and ending it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    pub hold: bool,
    /// To somebody else, or into a place where anybody can fetch it.
    pub give: bool,
    /// To another telephone of the user.
    pub go: bool,
    /// The user's other call, whose party can be joined with the party of this one.
    pub partner: Option<CallId>,
}

/// What can be done with `call`, one of the user's calls `all`.
pub fn controls(call: &CallView, all: &[CallView]) -> Controls {
    let active = matches!(call.phase, CallPhase::Connected { .. });
    let held = |call: &CallView| matches!(call.phase, CallPhase::Held { .. });
    let alone = call.conference.is_none();
    let partner = all.iter().find(|other| other.id != call.id && held(other));
    Controls {
        hold: active,
        give: alone && (active || held(call)),
        go: active && !is_moving(call),
        partner: partner.filter(|_| active).map(|other| other.id),
    }
}

/// Whether another telephone of the user is being called for it.
pub fn is_moving(call: &CallView) -> bool {
    call.moving
        .as_ref()
        .is_some_and(|moving| moving.leg.state != LegState::Terminated)
}

/// Whether the call has a card of its own: the calls of one conference share the card of its first member.
pub fn has_card(call: &CallView) -> bool {
    let first = call
        .conference
        .as_ref()
        .and_then(|conference| conference.members.first());
    first.is_none_or(|member| member.call == call.id)
}

/// The calls that have a card, in the order in which they are shown and reached by the keyboard: who waits for an answer
/// comes first.
pub fn cards(calls: &[CallView]) -> Vec<CallId> {
    let waits = |call: &&CallView| matches!(call.phase, CallPhase::Waiting { .. });
    let (first, others): (Vec<_>, Vec<_>) = calls.iter().filter(|call| has_card(call)).partition(waits);
    first.into_iter().chain(others).map(|call| call.id).collect()
}

/// What can be done with a call.
pub fn actions(call: &CallView) -> Actions {
    let incoming = call.direction == Direction::Incoming;
    let (accept, reject, hang_up) = match call.phase {
        CallPhase::Confirming { .. } => (Some(Accept::Confirm), incoming, !incoming),
        CallPhase::Waiting { .. } => (Some(Accept::TakeWaiting), true, false),
        CallPhase::Ringing => (None, true, false),
        CallPhase::CallingUser => (None, incoming, !incoming),
        CallPhase::Held { .. } => (Some(Accept::Return), false, true),
        // The caller speaks to the box; there is nobody to hang up on.
        CallPhase::Voicemail { .. } => (None, false, false),
        CallPhase::CallingFar
        | CallPhase::Rejoining { .. }
        | CallPhase::Transferring { .. }
        | CallPhase::Transferred { .. }
        | CallPhase::Parked { .. }
        | CallPhase::Connected { .. }
        | CallPhase::FarFailed { .. }
        | CallPhase::Ending
        | CallPhase::Unknown => (None, false, true),
    };
    Actions {
        accept,
        reject,
        hang_up,
    }
}

/// Whether somebody waits for the user to do something: said at once, and shown where the page cannot be seen.
pub fn is_urgent(call: &CallView) -> bool {
    is_ringing_in(call)
        || matches!(
            call.phase,
            CallPhase::Confirming { .. } | CallPhase::Waiting { .. } | CallPhase::Rejoining { .. }
        )
}

/// Whether it makes the user's telephone ring now; the ring sound goes with it.
pub fn is_ringing_in(call: &CallView) -> bool {
    match call.phase {
        CallPhase::Ringing | CallPhase::Rejoining { .. } => true,
        CallPhase::CallingUser => call.direction == Direction::Incoming,
        _ => false,
    }
}

/// The call to speak of first: what needs an answer before what goes on by itself; the newest of equals.
pub fn foremost(calls: &[CallView]) -> Option<&CallView> {
    calls.iter().max_by_key(|call| match call.phase {
        CallPhase::Confirming { .. } => 6,
        CallPhase::Ringing | CallPhase::Waiting { .. } | CallPhase::Rejoining { .. } => 5,
        CallPhase::FarFailed { .. } => 4,
        CallPhase::CallingUser | CallPhase::CallingFar => 3,
        CallPhase::Connected { .. } | CallPhase::Unknown => 2,
        CallPhase::Held { .. } => 1,
        CallPhase::Voicemail { .. }
        | CallPhase::Transferring { .. }
        | CallPhase::Transferred { .. }
        | CallPhase::Parked { .. }
        | CallPhase::Ending => 0,
    })
}

/// Whether the user may have it recorded, where that is allowed: two who talk to each other.
pub fn may_be_recorded(call: &CallView) -> bool {
    matches!(call.phase, CallPhase::Connected { .. }) && call.conference.is_none()
}

/// Whether a leg stays up, or is on its way.
pub const fn is_kept_up(leg: &PersistentLeg) -> bool {
    !matches!(
        leg,
        PersistentLeg::Off | PersistentLeg::Down { .. } | PersistentLeg::Unknown
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names;
    use crate::state::sample;
    use ponte_protocol::{Cause, CauseReason, ConferenceView, FailureClass, MemberView, UnixMillis};

    fn call(direction: Direction, phase: CallPhase) -> CallView {
        CallView {
            direction,
            phase,
            ..sample::call(1)
        }
    }

    const AT: UnixMillis = UnixMillis(9);

    #[test]
    fn t06_t09_a_ringing_call_is_answered_on_the_telephone_and_rejected_here() {
        let ringing = call(Direction::Incoming, CallPhase::Ringing);
        let offered = Actions {
            accept: None,
            reject: true,
            hang_up: false,
        };
        assert_eq!(actions(&ringing), offered);
        assert_eq!(
            actions(&call(Direction::Incoming, CallPhase::CallingUser)),
            offered
        );
        assert!(is_urgent(&ringing) && is_ringing_in(&ringing));
        assert!(actions(&call(Direction::Outgoing, CallPhase::CallingUser)).hang_up);
        assert!(!is_urgent(&call(Direction::Outgoing, CallPhase::CallingUser)));
    }

    #[test]
    fn t14_a_person_is_confirmed_here_and_an_incoming_call_can_still_be_rejected() {
        let confirming = CallPhase::Confirming { until: AT };
        let incoming = actions(&call(Direction::Incoming, confirming));
        assert_eq!(incoming.accept, Some(Accept::Confirm));
        assert!(incoming.reject && !incoming.hang_up);
        let outgoing = actions(&call(Direction::Outgoing, confirming));
        assert!(outgoing.hang_up && !outgoing.reject);
        assert!(is_urgent(&call(Direction::Outgoing, confirming)));
        assert!(!is_ringing_in(&call(Direction::Incoming, confirming)));
    }

    #[test]
    fn t08_a_second_call_is_taken_or_rejected_and_the_first_is_returned_to() {
        let waiting = call(Direction::Incoming, CallPhase::Waiting { until: AT });
        assert_eq!(actions(&waiting).accept, Some(Accept::TakeWaiting));
        assert!(actions(&waiting).reject && is_urgent(&waiting));
        let held = actions(&call(Direction::Outgoing, CallPhase::Held { since: AT }));
        assert_eq!(held.accept, Some(Accept::Return));
        assert!(held.hang_up && !held.reject);
    }

    #[test]
    fn t08_a_call_is_held_given_away_and_joined_with_the_one_on_hold() {
        let active = call(Direction::Outgoing, CallPhase::Connected { since: AT });
        let mut held = call(Direction::Incoming, CallPhase::Held { since: AT });
        held.id = sample::call(2).id;
        let all = [active.clone(), held.clone()];
        let both = controls(&active, &all);
        assert!(both.hold && both.give && both.go);
        assert_eq!(both.partner, Some(held.id));
        assert_eq!(controls(&active, &all[..1]).partner, None);
        let of_held = controls(&held, &all);
        assert!(of_held.give && !of_held.hold && of_held.partner.is_none());
        let ringing = call(Direction::Incoming, CallPhase::Ringing);
        assert_eq!(controls(&ringing, &[]), Controls::default());
    }

    #[test]
    fn a_conference_has_one_card() {
        let mut first = call(Direction::Outgoing, CallPhase::Connected { since: AT });
        let mut second = sample::call(2);
        let member = |call: &CallView| MemberView {
            call: call.id,
            number: String::new(),
            name: None,
            muted: false,
        };
        let conference = ConferenceView {
            id: first.id,
            members: vec![member(&first), member(&second)],
            host: true,
        };
        assert!(has_card(&first) && has_card(&second));
        first.conference = Some(conference.clone());
        second.conference = Some(conference);
        assert!(has_card(&first) && !has_card(&second));
        assert!(!controls(&first, &[]).give);
    }

    #[test]
    fn t08_who_waits_for_an_answer_comes_first() {
        let connected = call(Direction::Outgoing, CallPhase::Connected { since: AT });
        let held = CallView {
            id: CallId(uuid::Uuid::from_u128(0xa)),
            ..call(Direction::Incoming, CallPhase::Held { since: AT })
        };
        let waiting = CallView {
            id: CallId(uuid::Uuid::from_u128(0xb)),
            ..call(Direction::Incoming, CallPhase::Waiting { until: AT })
        };
        let order = cards(&[connected.clone(), held.clone(), waiting.clone()]);
        assert_eq!(order, [waiting.id, connected.id, held.id]);
    }

    #[test]
    fn t09_a_caller_at_the_voicemail_is_left_alone() {
        let call = call(Direction::Incoming, CallPhase::Voicemail { since: AT });
        let nothing = Actions {
            accept: None,
            reject: false,
            hang_up: false,
        };
        assert_eq!(actions(&call), nothing);
        assert!(!is_urgent(&call));
    }

    #[test]
    fn t08_what_needs_an_answer_is_spoken_of_first() {
        let connected = call(Direction::Outgoing, CallPhase::Connected { since: AT });
        let waiting = call(Direction::Incoming, CallPhase::Waiting { until: AT });
        let held = call(Direction::Incoming, CallPhase::Held { since: AT });
        let calls = [waiting.clone(), connected.clone()];
        assert_eq!(foremost(&calls), Some(&waiting));
        let calls = [connected.clone(), held];
        assert_eq!(foremost(&calls), Some(&connected));
        assert_eq!(foremost(&[]), None);
    }

    #[test]
    fn t15_a_leg_that_stays_up_is_shown_as_it_stands() {
        let call = CallId(uuid::Uuid::nil());
        let at = UnixMillis(1);
        let cause = Cause {
            reason: CauseReason::NotConfirmed,
            class: FailureClass::User,
            q850: None,
            sip: None,
        };
        for (leg, name, kept_up) in [
            (PersistentLeg::Off, "off", false),
            (PersistentLeg::Calling { call }, "calling", true),
            (PersistentLeg::Confirming { call, until: at }, "confirming", true),
            (PersistentLeg::Up { call, since: at }, "up", true),
            (PersistentLeg::Recalling { call, at }, "recalling", true),
            (PersistentLeg::Down { cause }, "down", false),
            (PersistentLeg::Unknown, "unknown", false),
        ] {
            assert_eq!((names::persistent_leg(&leg), is_kept_up(&leg)), (name, kept_up));
        }
    }
}
