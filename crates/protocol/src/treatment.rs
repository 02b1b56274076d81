//! Where calls go that the user does not take, and profiles that set everything about it at once.

use crate::json::{FromJson, ToJson};
use crate::{Availability, CallSettings, Destination, DestinationId, DialString, Mode, Refusal, UserState};
use serde::{Deserialize, Serialize};

/// The most numbers that may disturb a user who wants no calls.
pub const EXCEPTIONS_MAX: usize = 50;
/// The most profiles a user has.
pub const PROFILES_MAX: usize = 20;
/// The most characters of a profile's name.
pub const PROFILE_NAME_MAX: usize = 40;
/// The profiles that every user has, by name; they can be changed, and are never deleted.
pub const BUILT_IN_PROFILES: [&str; 3] = ["office", "home", "mobile"];

/// Where calls to the extension are forwarded to: a number as it would be dialled, or an extension. The class of
/// restriction and the caps of the user who forwards hold, when a call comes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Forwarding {
    /// Every call; the user's own telephone does not ring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always: Option<DialString>,
    /// While the user's line is taken and no second call is offered, and where the user's telephone is busy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<DialString>,
    /// After the user's no-answer time, and where the user cannot be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_answer: Option<DialString>,
}

/// How calls to a user are treated beside [`CallSettings`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct CallRules {
    #[serde(default)]
    pub forwarding: Forwarding,
    /// Callers who get through to a user who wants no calls: numbers as they would be dialled, or extensions; at most
    /// [`EXCEPTIONS_MAX`].
    #[serde(default)]
    pub exceptions: Vec<DialString>,
}

/// Where a profile puts the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ProfilePlace {
    /// Where the user is.
    #[default]
    Unchanged,
    /// Out of telecommuter mode.
    Office,
    /// In telecommuter mode at a saved number; without one the profile cannot be switched to.
    Telephone {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        destination: Option<DestinationId>,
    },
    /// In telecommuter mode at the browser.
    Browser,
    #[serde(other)]
    Unknown,
}

/// Everything about the treatment of calls under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct CallProfile {
    /// 1 to [`PROFILE_NAME_MAX`] characters, unlike every other of the user; one of [`BUILT_IN_PROFILES`], or the user's
    /// own.
    pub name: String,
    #[serde(default)]
    pub place: ProfilePlace,
    /// Rule T14; `None`: as the destination says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<bool>,
    #[serde(default)]
    pub settings: CallSettings,
    #[serde(default)]
    pub do_not_disturb: bool,
    #[serde(default)]
    pub forwarding: Forwarding,
}

impl CallProfile {
    /// Those that a user has who never changed one.
    pub fn built_in() -> Vec<Self> {
        let places = [
            ProfilePlace::Office,
            ProfilePlace::Telephone { destination: None },
            ProfilePlace::Telephone { destination: None },
        ];
        BUILT_IN_PROFILES
            .into_iter()
            .zip(places)
            .map(|(name, place)| Self {
                name: name.to_owned(),
                place,
                confirm: None,
                settings: CallSettings::default(),
                do_not_disturb: false,
                forwarding: Forwarding::default(),
            })
            .collect()
    }

    pub fn is_built_in(&self) -> bool {
        BUILT_IN_PROFILES.contains(&self.name.as_str())
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`Refusal::Malformed`]; [`Refusal::Unsupported`] for a place that this version does not know.
    pub fn validate(&self) -> Result<(), Refusal> {
        let length = self.name.trim().chars().count();
        let wrong = |detail: &str| {
            Err(Refusal::Malformed {
                detail: detail.to_owned(),
            })
        };
        if length == 0 || length > PROFILE_NAME_MAX || self.name.chars().any(char::is_control) {
            return wrong("name: 1 to 40 characters");
        }
        if !crate::settings::NO_ANSWER_MS.contains(&self.settings.no_answer_ms) {
            return wrong("no_answer_ms: 5000 to 120000");
        }
        match self.place {
            ProfilePlace::Unknown => Err(Refusal::Unsupported),
            _ => Ok(()),
        }
    }

    /// Whether the user's live settings are what the profile sets.
    pub fn is_live(&self, state: &UserState) -> bool {
        let place = match &self.place {
            ProfilePlace::Unchanged => true,
            ProfilePlace::Office => state.mode == Mode::Office,
            ProfilePlace::Telephone { destination } => state
                .destinations
                .iter()
                .filter(|saved| Some(saved.id) == *destination)
                .any(|saved| match &state.mode {
                    Mode::Telecommuting {
                        destination: Destination::Number { number, confirm, .. },
                        ..
                    } => *number == saved.number && *confirm == self.confirm.unwrap_or(saved.confirm),
                    _ => false,
                }),
            ProfilePlace::Browser => matches!(
                state.mode,
                Mode::Telecommuting {
                    destination: Destination::Browser,
                    ..
                }
            ),
            ProfilePlace::Unknown => false,
        };
        let disturbed = state.presence.availability != Availability::DoNotDisturb;
        place
            && state.settings == self.settings
            && disturbed != self.do_not_disturb
            && state.rules.forwarding == self.forwarding
    }
}

impl UserState {
    /// The profile that the live settings match; `None`: none does, and the settings are what they are.
    pub fn live_profile(&self) -> Option<&CallProfile> {
        self.profiles.iter().find(|profile| profile.is_live(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_has_the_built_in_profiles() {
        let built_in = CallProfile::built_in();
        assert_eq!(built_in.len(), 3);
        for profile in built_in {
            assert!(profile.is_built_in());
            assert_eq!(profile.validate(), Ok(()));
        }
    }

    #[test]
    fn a_profile_of_another_version_is_read() {
        let profile: CallProfile =
            serde_json::from_str(r#"{"name":"train","place":{"type":"teleporter"},"warp":9}"#).unwrap();
        assert_eq!(profile.place, ProfilePlace::Unknown);
        assert_eq!(profile.validate(), Err(Refusal::Unsupported));
    }

    #[test]
    fn names_are_short_and_one_line() {
        for name in ["", "  ", "a\nb", &"x".repeat(41)] {
            let profile = CallProfile {
                name: name.to_owned(),
                ..CallProfile::built_in().remove(0)
            };
            assert!(profile.validate().is_err(), "{name:?}");
        }
    }
}
