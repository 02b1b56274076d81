//! Profiles: everything about the treatment of calls under one name.

use ponte_protocol::{
    Availability, CallProfile, CallRules, Destination, DialString, Forwarding, Mode, NumberError,
    ProfilePlace, UserState,
};

/// What `name` would hold if the user's live settings were kept under it.
pub fn present(state: &UserState, name: &str) -> CallProfile {
    let (place, confirm) = match &state.mode {
        Mode::Office => (ProfilePlace::Office, None),
        Mode::Telecommuting {
            destination: Destination::Browser,
            ..
        } => (ProfilePlace::Browser, None),
        Mode::Telecommuting {
            destination: Destination::Number { number, confirm, .. },
            ..
        } => {
            let saved = state.destinations.iter().find(|saved| saved.number == *number);
            match saved {
                Some(saved) => {
                    let own = (*confirm != saved.confirm).then_some(*confirm);
                    let destination = Some(saved.id);
                    (ProfilePlace::Telephone { destination }, own)
                }
                None => (ProfilePlace::Unchanged, None),
            }
        }
        _ => (ProfilePlace::Unchanged, None),
    };
    CallProfile {
        name: name.trim().to_owned(),
        place,
        confirm,
        settings: state.settings.clone(),
        do_not_disturb: state.presence.availability == Availability::DoNotDisturb,
        forwarding: state.rules.forwarding.clone(),
    }
}

/// Whether the profile says where calls go, so that it can be switched to.
pub fn is_complete(profile: &CallProfile) -> bool {
    !matches!(
        profile.place,
        ProfilePlace::Telephone { destination: None } | ProfilePlace::Unknown
    )
}

/// What stands in the fields of the forwarding card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    pub always: String,
    pub busy: String,
    pub no_answer: String,
    /// Separated by commas or line ends.
    pub exceptions: String,
}

impl Draft {
    /// The fields as they show `rules`.
    pub fn of(rules: &CallRules) -> Self {
        let text = |number: &Option<DialString>| {
            number
                .as_ref()
                .map(|number| number.as_str().to_owned())
                .unwrap_or_default()
        };
        let exceptions: Vec<&str> = rules.exceptions.iter().map(DialString::as_str).collect();
        Self {
            always: text(&rules.forwarding.always),
            busy: text(&rules.forwarding.busy),
            no_answer: text(&rules.forwarding.no_answer),
            exceptions: exceptions.join(", "),
        }
    }

    /// Reads the fields.
    ///
    /// # Errors
    /// The first number that is none.
    pub fn read(&self) -> Result<CallRules, NumberError> {
        Ok(CallRules {
            forwarding: Forwarding {
                always: number(&self.always)?,
                busy: number(&self.busy)?,
                no_answer: number(&self.no_answer)?,
            },
            exceptions: self
                .exceptions
                .split([',', ';', '\n'])
                .filter_map(|text| number(text).transpose())
                .collect::<Result<_, _>>()?,
        })
    }
}

/// `None` for an empty field.
fn number(text: &str) -> Result<Option<DialString>, NumberError> {
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(NumberError::Empty) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample;

    #[test]
    fn what_is_kept_is_what_is_live() {
        let mut state = sample::user();
        state.rules.forwarding.busy = Some("202".parse().unwrap());
        for mode in [Mode::Office, sample::user().mode] {
            state.mode = mode;
            let kept = present(&state, " Train ");
            assert_eq!(kept.name, "Train");
            assert!(is_complete(&kept));
            assert!(kept.is_live(&state), "{:?}", state.mode);
        }
        let kept = present(&state, "x");
        state.presence.availability = Availability::DoNotDisturb;
        assert!(!kept.is_live(&state));
    }

    #[test]
    fn a_built_in_profile_waits_for_its_telephone() {
        let built_in = CallProfile::built_in();
        assert_eq!(built_in.iter().filter(|profile| is_complete(profile)).count(), 1);
    }

    #[test]
    fn fields_are_read_as_they_are_shown() {
        let draft = Draft {
            always: " ".into(),
            busy: "202".into(),
            no_answer: "+39 02 1234".into(),
            exceptions: "201, 0039 06 1\n".into(),
        };
        let rules = draft.read().unwrap();
        assert_eq!(rules.forwarding.always, None);
        assert_eq!(rules.exceptions.len(), 2);
        assert_eq!(Draft::of(&rules).read(), Ok(rules));
        let wrong = Draft {
            busy: "home".into(),
            ..Draft::default()
        };
        assert!(wrong.read().is_err());
    }
}
