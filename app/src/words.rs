//! Plain words for what the protocol says: every cause, refusal and state has its text in every language.

use crate::format;
use crate::i18n::{Locale, text};
use crate::names;
use ponte_protocol::{
    CallPhase, CallRecord, CallView, Cause, CauseReason, Destination, Direction, DirectoryFault, EndedBy,
    LegRole, LegState, LegView, NumberError, Refusal,
};

/// What a leg is doing, without its name: "ringing", "not called yet".
pub fn leg_state(locale: Locale, state: Option<LegState>) -> &'static str {
    match state {
        None => text::leg::none(locale),
        Some(LegState::Trying) => text::leg::trying(locale),
        Some(LegState::Proceeding) => text::leg::proceeding(locale),
        Some(LegState::Early) => text::leg::early(locale),
        Some(LegState::Confirmed) => text::leg::confirmed(locale),
        Some(LegState::Terminated) => text::leg::terminated(locale),
    }
}

/// What a leg of a call is doing. A caller is not called: the words for the other party of an incoming call differ.
pub fn leg_in_call(locale: Locale, call: &CallView, leg: &LegView) -> &'static str {
    match (leg.role, call.direction, leg.state, call.phase) {
        (role, _, LegState::Terminated, _) => leg.cause.map_or_else(
            || text::leg::terminated(locale),
            |ended| cause(locale, role, ended.reason),
        ),
        (LegRole::Far, _, _, CallPhase::Voicemail { .. }) => text::leg::at_voicemail(locale),
        (
            LegRole::Far,
            _,
            LegState::Confirmed,
            CallPhase::Held { .. } | CallPhase::Parked { .. } | CallPhase::Rejoining { .. },
        ) => text::leg::on_hold(locale),
        (LegRole::Far, Direction::Incoming, LegState::Confirmed, CallPhase::Connected { .. }) => {
            text::leg::on_the_line(locale)
        }
        (LegRole::Far, Direction::Incoming, ..) => text::leg::hears_ringing(locale),
        (_, _, state, _) => leg_state(locale, Some(state)),
    }
}

/// Where a call stands, as a short sentence.
pub fn phase(locale: Locale, phase: &CallPhase) -> &'static str {
    match phase {
        CallPhase::CallingUser => text::phase::calling_user(locale),
        CallPhase::Confirming { .. } => text::phase::confirming(locale),
        CallPhase::CallingFar => text::phase::calling_far(locale),
        CallPhase::Rejoining { .. } => text::phase::rejoining(locale),
        CallPhase::Connected { .. } => text::phase::connected(locale),
        CallPhase::FarFailed { .. } => text::phase::far_failed(locale),
        CallPhase::Ending => text::phase::ending(locale),
        CallPhase::Ringing => text::phase::ringing(locale),
        CallPhase::Waiting { .. } => text::phase::waiting(locale),
        CallPhase::Held { .. } => text::phase::held(locale),
        CallPhase::Voicemail { .. } => text::phase::voicemail(locale),
        CallPhase::Transferring { .. } => text::phase::transferring(locale),
        CallPhase::Transferred { .. } => text::phase::transferred(locale),
        CallPhase::Parked { .. } => text::phase::parked(locale),
        CallPhase::Unknown => text::phase::unknown(locale),
    }
}

/// Why a leg or a call ended, seen from the leg whose telephone it was.
pub fn cause(locale: Locale, role: LegRole, reason: CauseReason) -> &'static str {
    match (role, reason) {
        (_, CauseReason::NormalClearing) => text::cause::normal_clearing(locale),
        (_, CauseReason::Cancelled) => text::cause::cancelled(locale),
        (LegRole::User, CauseReason::Busy) => text::cause::user_busy(locale),
        (LegRole::Far, CauseReason::Busy) => text::cause::busy(locale),
        (LegRole::User, CauseReason::Declined) => text::cause::user_declined(locale),
        (LegRole::Far, CauseReason::Declined) => text::cause::declined(locale),
        (LegRole::User, CauseReason::NoAnswer) => text::cause::user_no_answer(locale),
        (LegRole::Far, CauseReason::NoAnswer) => text::cause::no_answer(locale),
        (LegRole::User, CauseReason::NoSuchNumber) => text::cause::user_no_such_number(locale),
        (LegRole::Far, CauseReason::NoSuchNumber) => text::cause::no_such_number(locale),
        (LegRole::User, CauseReason::Unavailable) => text::cause::user_unavailable(locale),
        (LegRole::Far, CauseReason::Unavailable) => text::cause::unavailable(locale),
        (_, CauseReason::Congestion) => text::cause::congestion(locale),
        (_, CauseReason::TrunkFailure) => text::cause::trunk_failure(locale),
        (_, CauseReason::Forbidden) => text::cause::forbidden(locale),
        (_, CauseReason::NotConfirmed) => text::cause::not_confirmed(locale),
        (_, CauseReason::MediaTimeout) => text::cause::media_timeout(locale),
        (_, CauseReason::GatewayRestarted) => text::cause::gateway_restarted(locale),
        (_, CauseReason::IncompatibleMedia) => text::cause::incompatible_media(locale),
        (_, CauseReason::InternalError) => text::cause::internal_error(locale),
        (_, CauseReason::Voicemail) => text::cause::voicemail(locale),
        (_, CauseReason::Rejected) => text::cause::rejected(locale),
        (_, CauseReason::DoNotDisturb) => text::cause::do_not_disturb(locale),
        (_, CauseReason::AnsweredElsewhere) => text::cause::answered_elsewhere(locale),
        (_, CauseReason::Moved) => text::cause::moved(locale),
        (_, CauseReason::Transferred) => text::cause::transferred(locale),
        (_, CauseReason::Forwarded) => text::cause::forwarded(locale),
        (_, CauseReason::LoggedOff) => text::cause::logged_off(locale),
        (_, CauseReason::Other) => text::cause::other(locale),
    }
}

/// The network's own codes, e.g. `SIP 486 · Q.850 17`; empty where the network gave none.
pub fn cause_codes(cause: &Cause) -> String {
    let sip = cause.sip.map(|code| format!("SIP {code}"));
    let q850 = cause.q850.map(|code| format!("Q.850 {code}"));
    sip.into_iter().chain(q850).collect::<Vec<_>>().join(" · ")
}

/// Whose telephone a record's cause speaks of: the user's, where the far leg was never called.
pub fn record_role(record: &CallRecord) -> LegRole {
    let far_was_called = record.legs.iter().any(|leg| leg.role == LegRole::Far);
    let user_was_called = record.legs.iter().any(|leg| leg.role == LegRole::User);
    if user_was_called && !far_was_called {
        LegRole::User
    } else {
        LegRole::Far
    }
}

/// The cause of a record, in words.
pub fn record_cause(locale: Locale, record: &CallRecord) -> &'static str {
    match (record.cause.reason, record.ended_by) {
        (CauseReason::NormalClearing, EndedBy::FarLeg) => text::cause::far_hung_up(locale),
        (CauseReason::NormalClearing, EndedBy::UserLeg | EndedBy::Portal) => text::cause::you_hung_up(locale),
        (reason, _) => cause(locale, record_role(record), reason),
    }
}

/// How a call came out, for those who do not see the icon.
pub fn outcome(locale: Locale, record: &CallRecord) -> &'static str {
    match (names::outcome(record), record.direction) {
        ("answered", Direction::Outgoing) => text::outcome::outgoing(locale),
        ("answered", Direction::Incoming) => text::outcome::incoming(locale),
        ("missed", _) => text::outcome::missed(locale),
        ("unanswered", _) => text::outcome::unanswered(locale),
        _ => text::outcome::failed(locale),
    }
}

/// Why the telephone system refused a command.
pub fn refusal(locale: Locale, refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotPermitted => text::refusal::not_permitted(locale).to_owned(),
        Refusal::NotInTelecommuterMode => text::refusal::not_in_telecommuter_mode(locale).to_owned(),
        Refusal::InvalidNumber => text::refusal::invalid_number(locale).to_owned(),
        Refusal::EmergencyNumber => text::refusal::emergency_number(locale).to_owned(),
        Refusal::OwnNumber => text::refusal::own_number(locale).to_owned(),
        Refusal::Restricted { rule } if rule.is_empty() => text::refusal::restricted(locale).to_owned(),
        Refusal::Restricted { rule } => text::refusal::restricted_by(locale, rule),
        Refusal::LineBusy => text::refusal::line_busy(locale).to_owned(),
        Refusal::CapReached => text::refusal::cap_reached(locale).to_owned(),
        Refusal::Expired => text::refusal::expired(locale).to_owned(),
        Refusal::GatewayOffline => text::refusal::gateway_offline(locale).to_owned(),
        Refusal::UnknownCall => text::refusal::unknown_call(locale).to_owned(),
        Refusal::UnknownDestination => text::refusal::unknown_destination(locale).to_owned(),
        Refusal::WrongState => text::refusal::wrong_state(locale).to_owned(),
        Refusal::AlreadyMoving => text::refusal::already_moving(locale).to_owned(),
        Refusal::NoTrunk => text::refusal::no_trunk(locale).to_owned(),
        Refusal::StoreUnavailable => text::refusal::store_unavailable(locale).to_owned(),
        Refusal::DuplicateId => text::refusal::duplicate_id(locale).to_owned(),
        Refusal::Malformed { detail } => text::refusal::malformed(locale, detail),
        Refusal::TooFast { retry_after_ms } => {
            text::refusal::too_fast(locale, format::seconds_left(*retry_after_ms).max(1))
        }
        Refusal::Unsupported => text::refusal::unsupported(locale).to_owned(),
        Refusal::UnknownUser => text::refusal::unknown_user(locale).to_owned(),
        Refusal::Internal => text::refusal::internal(locale).to_owned(),
        Refusal::NotVerified => text::refusal::not_verified(locale).to_owned(),
        Refusal::WrongCode { tries_left } => text::refusal::wrong_code(locale, tries_left),
        Refusal::NoCode => text::refusal::no_code(locale).to_owned(),
        Refusal::UnknownDevice => text::refusal::unknown_device(locale).to_owned(),
        Refusal::DeviceOffline => text::refusal::device_offline(locale).to_owned(),
        Refusal::UnknownMessage => text::refusal::unknown_message(locale).to_owned(),
        Refusal::UnknownContact => text::refusal::unknown_contact(locale).to_owned(),
        Refusal::DirectoryFull { max } => text::refusal::directory_full(locale, max),
        Refusal::UnknownProfile => text::refusal::unknown_profile(locale).to_owned(),
        Refusal::Unconfirmed => text::refusal::unconfirmed(locale).to_owned(),
        Refusal::NoDirectory => text::refusal::no_directory(locale).to_owned(),
        Refusal::Superseded => text::refusal::superseded(locale).to_owned(),
        Refusal::DirectoryFailed { .. } => text::refusal::directory_failed(locale).to_owned(),
        Refusal::AccountCodeRequired => text::refusal::account_code_required(locale).to_owned(),
        Refusal::UnknownAccountCode => text::refusal::unknown_account_code(locale).to_owned(),
        Refusal::InactiveAccountCode => text::refusal::inactive_account_code(locale).to_owned(),
        Refusal::Other => text::refusal::other(locale).to_owned(),
    }
}

/// Why the directory elsewhere gave no answer.
pub fn directory_fault(locale: Locale, fault: DirectoryFault) -> &'static str {
    match fault {
        DirectoryFault::Unreachable => text::external::unreachable(locale),
        DirectoryFault::TooSlow => text::external::too_slow(locale),
        DirectoryFault::NotAuthorised => text::external::not_authorised(locale),
        DirectoryFault::Untrusted => text::external::untrusted(locale),
        DirectoryFault::Refused => text::external::refused(locale),
        DirectoryFault::Failed => text::external::failed(locale),
    }
}

/// Why what was typed is no number.
pub fn number_error(locale: Locale, error: NumberError) -> String {
    match error {
        NumberError::Empty => text::number::empty(locale).to_owned(),
        NumberError::TooLong { max } => text::number::too_long(locale, max),
        NumberError::TooShort { min } => text::number::too_short(locale, min),
        NumberError::BadCharacter(character) => text::number::bad_character(locale, character),
        NumberError::MisplacedPlus => text::number::misplaced_plus(locale).to_owned(),
    }
}

/// Where calls go: the label, else the number.
pub fn destination(locale: Locale, destination: &Destination) -> String {
    match destination {
        Destination::Number {
            label: Some(label), ..
        } => label.clone(),
        Destination::Number { number, .. } => format::number(number.as_str()),
        Destination::Browser => text::reach::browser(locale).to_owned(),
        Destination::Unknown => text::reach::unknown_destination(locale).to_owned(),
    }
}

/// The other party of a call: the name, else the number.
pub fn far_party(locale: Locale, call: &CallView) -> String {
    let leg = call.leg(LegRole::Far);
    leg.and_then(|leg| leg.name.clone())
        .unwrap_or_else(|| match call.direction {
            Direction::Outgoing => {
                let called = leg
                    .map(|leg| leg.number.as_str())
                    .filter(|number| !number.is_empty());
                format::number(called.unwrap_or(call.dialled.as_str()))
            }
            Direction::Incoming => caller(locale, leg.map_or("", |leg| &leg.number)),
        })
}

/// The other party of a record: the name, else the number.
pub fn record_party(locale: Locale, record: &CallRecord) -> String {
    record.name.clone().unwrap_or_else(|| match record.direction {
        Direction::Outgoing if record.number.is_empty() => format::number(record.dialled.as_str()),
        Direction::Outgoing => format::number(&record.number),
        Direction::Incoming => caller(locale, &record.number),
    })
}

/// The number that calls the other party of a record again; empty for a caller who withheld it.
pub fn number_to_call(record: &CallRecord) -> &str {
    match record.direction {
        Direction::Outgoing => record.dialled.as_str(),
        Direction::Incoming => &record.number,
    }
}

/// A caller by number, which may be withheld.
pub fn caller(locale: Locale, number: &str) -> String {
    if number.is_empty() {
        text::call::withheld(locale).to_owned()
    } else {
        format::number(number)
    }
}

/// The call in few words for the title of the window.
pub fn title(locale: Locale, call: &CallView) -> String {
    let party = far_party(locale, call);
    match call.phase {
        CallPhase::Confirming { .. } => text::title::confirming(locale).to_owned(),
        CallPhase::CallingUser if call.direction == Direction::Outgoing => {
            text::title::calling_user(locale).to_owned()
        }
        CallPhase::Ringing | CallPhase::CallingUser => text::title::ringing(locale, party),
        CallPhase::Waiting { .. } => text::title::waiting(locale, party),
        CallPhase::CallingFar => text::title::calling_far(locale, party),
        CallPhase::Connected { .. } => text::title::connected(locale, party),
        CallPhase::FarFailed { .. } => text::title::far_failed(locale, party),
        CallPhase::Held { .. }
        | CallPhase::Rejoining { .. }
        | CallPhase::Voicemail { .. }
        | CallPhase::Transferring { .. }
        | CallPhase::Transferred { .. }
        | CallPhase::Parked { .. }
        | CallPhase::Ending
        | CallPhase::Unknown => {
            format!("{} · {party}", phase(locale, &call.phase))
        }
    }
}

/// The call as it is said aloud: where it stands, who it is, and for a caller with a name also the number.
pub fn spoken(locale: Locale, call: &CallView) -> String {
    let party = far_party(locale, call);
    let number = call
        .leg(LegRole::Far)
        .filter(|leg| call.direction == Direction::Incoming && leg.name.is_some())
        .map(|leg| format!(", {}", format::number(&leg.number)))
        .unwrap_or_default();
    format!("{}. {party}{number}", phase(locale, &call.phase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::tests::{REASONS, phases};
    use ponte_protocol::UnixMillis;
    use std::collections::HashSet;

    #[test]
    fn t05_every_cause_has_words_of_its_own_for_each_telephone() {
        for locale in Locale::ALL {
            for role in [LegRole::User, LegRole::Far] {
                let words: HashSet<_> = REASONS
                    .iter()
                    .map(|reason| cause(locale, role, *reason))
                    .collect();
                assert_eq!(words.len(), REASONS.len(), "{locale:?} {role:?}");
            }
        }
    }

    fn incoming(number: &str, name: Option<&str>, phase: CallPhase) -> CallView {
        CallView {
            direction: Direction::Incoming,
            phase,
            legs: vec![LegView {
                role: LegRole::Far,
                number: number.into(),
                name: name.map(str::to_owned),
                device: None,
                browser: false,
                state: LegState::Early,
                since: UnixMillis(1),
                cause: None,
                no_audio: false,
            }],
            ..crate::state::sample::call(1)
        }
    }

    #[test]
    fn t07_a_caller_is_shown_by_name_number_or_as_withheld_and_never_by_the_number_dialled() {
        let locale = Locale::En;
        let named = incoming("+390298765432", Some("Carlo Rossi"), CallPhase::Ringing);
        assert_eq!(far_party(locale, &named), "Carlo Rossi");
        assert!(spoken(locale, &named).ends_with("Carlo Rossi, +39\u{a0}02\u{a0}9876\u{a0}5432"));
        let plain = incoming("+390298765432", None, CallPhase::Ringing);
        assert_eq!(far_party(locale, &plain), "+39\u{a0}02\u{a0}9876\u{a0}5432");
        let withheld = incoming("", None, CallPhase::Ringing);
        assert_eq!(far_party(locale, &withheld), text::call::withheld(locale));
        assert_ne!(
            far_party(locale, &withheld),
            format::number(withheld.dialled.as_str())
        );
    }

    #[test]
    fn t07_the_caller_is_not_called_but_hears_ringing_waits_or_speaks() {
        let locale = Locale::En;
        let leg = |phase, state| {
            let mut call = incoming("+390298765432", None, phase);
            call.legs[0].state = state;
            leg_in_call(locale, &call, &call.legs[0])
        };
        let (ringing, at) = (CallPhase::Ringing, UnixMillis(1));
        assert_eq!(leg(ringing, LegState::Early), text::leg::hears_ringing(locale));
        let connected = CallPhase::Connected { since: at };
        assert_eq!(
            leg(connected, LegState::Confirmed),
            text::leg::on_the_line(locale)
        );
        let held = CallPhase::Held { since: at };
        assert_eq!(leg(held, LegState::Confirmed), text::leg::on_hold(locale));
        let voicemail = CallPhase::Voicemail { since: at };
        assert_eq!(
            leg(voicemail, LegState::Confirmed),
            text::leg::at_voicemail(locale)
        );
    }

    #[test]
    fn t07_every_phase_and_leg_state_has_words_of_its_own() {
        for locale in Locale::ALL {
            let words: HashSet<_> = phases().iter().map(|p| phase(locale, p)).collect();
            assert_eq!(words.len(), phases().len());
            let states = [
                None,
                Some(LegState::Trying),
                Some(LegState::Proceeding),
                Some(LegState::Early),
                Some(LegState::Confirmed),
                Some(LegState::Terminated),
            ];
            let words: HashSet<_> = states.iter().map(|state| leg_state(locale, *state)).collect();
            assert_eq!(words.len(), states.len());
        }
    }

    #[test]
    fn every_refusal_has_words_of_its_own() {
        let refusals = [
            Refusal::NotPermitted,
            Refusal::NotInTelecommuterMode,
            Refusal::InvalidNumber,
            Refusal::EmergencyNumber,
            Refusal::OwnNumber,
            Refusal::Restricted { rule: String::new() },
            Refusal::Restricted { rule: "+4419".into() },
            Refusal::LineBusy,
            Refusal::CapReached,
            Refusal::Expired,
            Refusal::GatewayOffline,
            Refusal::UnknownCall,
            Refusal::UnknownDestination,
            Refusal::WrongState,
            Refusal::AlreadyMoving,
            Refusal::NoTrunk,
            Refusal::StoreUnavailable,
            Refusal::DuplicateId,
            Refusal::NotVerified,
            Refusal::WrongCode { tries_left: 4 },
            Refusal::NoCode,
            Refusal::UnknownDevice,
            Refusal::DeviceOffline,
            Refusal::UnknownMessage,
            Refusal::UnknownContact,
            Refusal::DirectoryFull { max: 2000 },
            Refusal::UnknownProfile,
            Refusal::Unconfirmed,
            Refusal::Malformed { detail: "x".into() },
            Refusal::TooFast { retry_after_ms: 1500 },
            Refusal::Unsupported,
            Refusal::UnknownUser,
            Refusal::Internal,
            Refusal::NoDirectory,
            Refusal::Superseded,
            Refusal::DirectoryFailed {
                fault: DirectoryFault::Failed,
            },
            Refusal::AccountCodeRequired,
            Refusal::UnknownAccountCode,
            Refusal::InactiveAccountCode,
            Refusal::Other,
        ];
        for locale in Locale::ALL {
            let words: HashSet<_> = refusals.iter().map(|r| refusal(locale, r)).collect();
            assert_eq!(words.len(), refusals.len());
            assert!(refusal(locale, &Refusal::TooFast { retry_after_ms: 1500 }).contains('2'));
            assert!(refusal(locale, &Refusal::Restricted { rule: "+4419".into() }).contains("+4419"));
        }
    }

    #[test]
    fn every_number_error_has_words_of_its_own() {
        let errors = [
            NumberError::Empty,
            NumberError::TooLong { max: 32 },
            NumberError::TooShort { min: 5 },
            NumberError::BadCharacter('x'),
            NumberError::MisplacedPlus,
        ];
        for locale in Locale::ALL {
            let words: HashSet<_> = errors.iter().map(|e| number_error(locale, *e)).collect();
            assert_eq!(words.len(), errors.len());
        }
    }
}
