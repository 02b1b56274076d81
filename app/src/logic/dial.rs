//! What may be dialled now, and why not.

use ponte_protocol::{
    CallPhase, CallView, DialString, LegRole, LegState, Mode, NumberError, UserProfile, UserState,
};

/// Why nothing can be dialled now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// The edge cannot be reached.
    NotConnected,
    /// The edge has no telephone system.
    GatewayOffline,
    /// Rule T1: not enabled for this user.
    NotAllowed,
    /// Calls back need telecommuter mode.
    NotTelecommuting,
    /// Rule T8: the one line is in use.
    LineBusy,
}

/// Why nothing can be dialled, the most basic reason first; `None` when it can.
///
/// A call in `far_failed` does not block: the next number is dialled on the same user leg (rule T5). Nor does a call that is
/// up, which is held then (rule T8), nor one that does not have the user's ear.
pub fn blocked(connected: bool, gateway_connected: bool, user: Option<&UserState>) -> Option<Blocked> {
    if !connected {
        return Some(Blocked::NotConnected);
    }
    let Some(user) = user.filter(|_| gateway_connected) else {
        return Some(Blocked::GatewayOffline);
    };
    // The leg of a telephone on the desk that is up is dialled on in whatever mode.
    if !user.calls.iter().any(is_at_desk) {
        if !user.profile.telecommuter_allowed {
            return Some(Blocked::NotAllowed);
        }
        if !matches!(user.mode, Mode::Telecommuting { .. }) {
            return Some(Blocked::NotTelecommuting);
        }
    }
    let free = |call: &CallView| {
        matches!(
            call.phase,
            CallPhase::FarFailed { .. }
                | CallPhase::Voicemail { .. }
                | CallPhase::Connected { .. }
                | CallPhase::Held { .. }
                | CallPhase::Transferring { .. }
                | CallPhase::Transferred { .. }
                | CallPhase::Parked { .. }
        )
    };
    (!user.calls.iter().all(free)).then_some(Blocked::LineBusy)
}

fn is_at_desk(call: &CallView) -> bool {
    let leg = call.leg(LegRole::User);
    leg.is_some_and(|leg| leg.device.is_some() && leg.state == LegState::Confirmed)
}

/// What stands in the dial field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing yet, or only a `+`.
    Empty,
    Invalid(NumberError),
    /// Rule T17: never sent.
    Emergency(DialString),
    Number(DialString),
}

/// Reads the dial field.
pub fn read(text: &str, profile: Option<&UserProfile>) -> Entry {
    match text.parse::<DialString>() {
        Err(NumberError::Empty) => Entry::Empty,
        Err(error) => Entry::Invalid(error),
        Ok(number) if profile.is_some_and(|profile| is_emergency(&number, profile)) => {
            Entry::Emergency(number)
        }
        Ok(number) => Entry::Number(number),
    }
}

fn is_emergency(number: &DialString, profile: &UserProfile) -> bool {
    let digits = number.as_str();
    profile
        .emergency_numbers
        .iter()
        .any(|emergency| digits == emergency || digits.strip_prefix('+') == Some(emergency))
}

/// The number that `/?dial=…` asks to fill in. `decode` undoes percent-encoding; a `+` stays a plus, as it stands in
/// `tel:` links.
pub fn from_query(query: &str, decode: impl Fn(&str) -> Option<String>) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("dial="))?;
    let decoded = decode(value)?;
    decoded
        .parse::<DialString>()
        .ok()
        .map(|number| number.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample;
    use ponte_protocol::{Cause, CauseReason, FailureClass, LegView, UnixMillis};

    #[test]
    fn t01_nothing_is_dialled_where_the_administrator_forbids_the_mode() {
        let mut user = sample::user();
        user.profile.telecommuter_allowed = false;
        assert_eq!(blocked(true, true, Some(&user)), Some(Blocked::NotAllowed));
    }

    #[test]
    fn t08_a_telephone_on_the_desk_whose_call_is_up_is_dialled_on_in_whatever_mode() {
        let mut user = sample::user();
        user.mode = Mode::Office;
        user.profile.telecommuter_allowed = false;
        let mut call = sample::call(1);
        call.phase = CallPhase::Connected { since: UnixMillis(1) };
        call.legs.push(LegView {
            role: LegRole::User,
            number: "201".to_owned(),
            name: None,
            device: "desk-201".parse().ok(),
            browser: false,
            state: LegState::Early,
            since: UnixMillis(1),
            cause: None,
            no_audio: false,
        });
        user.calls = vec![call];
        assert_eq!(blocked(true, true, Some(&user)), Some(Blocked::NotAllowed));
        user.calls[0].legs[0].state = LegState::Confirmed;
        assert_eq!(blocked(true, true, Some(&user)), None);
    }

    #[test]
    fn t08_one_line_blocks_but_a_failed_far_leg_frees_it() {
        let mut user = sample::user();
        assert_eq!(blocked(true, true, Some(&user)), None);
        let mut call = sample::call(1);
        call.phase = CallPhase::CallingFar;
        user.calls = vec![call.clone()];
        assert_eq!(blocked(true, true, Some(&user)), Some(Blocked::LineBusy));
        call.phase = CallPhase::Connected { since: UnixMillis(1) };
        user.calls = vec![call.clone()];
        assert_eq!(blocked(true, true, Some(&user)), None, "it is held meanwhile");
        let cause = Cause {
            reason: CauseReason::Busy,
            class: FailureClass::User,
            q850: None,
            sip: None,
        };
        call.phase = CallPhase::FarFailed {
            cause,
            until: UnixMillis(10),
        };
        user.calls = vec![call.clone()];
        assert_eq!(blocked(true, true, Some(&user)), None);
        call.phase = CallPhase::Voicemail { since: UnixMillis(1) };
        user.calls = vec![call];
        assert_eq!(blocked(true, true, Some(&user)), None);
    }

    #[test]
    fn the_most_basic_reason_is_told() {
        let mut user = sample::user();
        user.mode = Mode::Office;
        assert_eq!(blocked(false, false, Some(&user)), Some(Blocked::NotConnected));
        assert_eq!(blocked(true, false, Some(&user)), Some(Blocked::GatewayOffline));
        assert_eq!(blocked(true, true, None), Some(Blocked::GatewayOffline));
        assert_eq!(blocked(true, true, Some(&user)), Some(Blocked::NotTelecommuting));
    }

    #[test]
    fn t17_emergency_numbers_are_recognised_however_they_are_written() {
        let profile = sample::user().profile;
        for written in ["112", " 1-1 2 ", "tel:112", "+112", "１１２"] {
            assert!(
                matches!(read(written, Some(&profile)), Entry::Emergency(_)),
                "{written}"
            );
        }
        for other in ["1122", "0112", "11"] {
            assert!(matches!(read(other, Some(&profile)), Entry::Number(_)), "{other}");
        }
    }

    #[test]
    fn half_a_number_is_no_error_and_rubbish_is_one_at_once() {
        assert_eq!(read("", None), Entry::Empty);
        assert_eq!(read("+", None), Entry::Empty);
        assert_eq!(read("02x", None), Entry::Invalid(NumberError::BadCharacter('x')));
    }

    #[test]
    fn a_link_fills_the_number_in() {
        let decode = |value: &str| Some(value.replace("%20", " ").replace("%3A", ":").replace("%2B", "+"));
        assert_eq!(from_query("dial=+3902%2012", decode), Some("+390212".to_owned()));
        assert_eq!(
            from_query("a=1&dial=tel%3A%2B39021", decode),
            Some("+39021".to_owned())
        );
        assert_eq!(from_query("dial=javascript", decode), None);
        assert_eq!(from_query("redial=1", decode), None);
        assert_eq!(from_query("dial=1", |_| None), None);
    }
}
