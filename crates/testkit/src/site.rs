//! The site of the tests: its people, numbers and trunks.

use ponte_call_core::{Caps, ForwardTargets, ListedCode, RestrictionRule, TrunkConfig, TrunkId, UserConfig};
use ponte_protocol::{AccountCodePolicy, CallSettings, CallerId, UserId, UserProfile};

/// The telephone that stands for the user's browser.
pub const BROWSER: &str = "browser";
/// Anna's telephone at home.
pub const HOME: &str = "+390299990001";
/// Anna's mobile: confirmation is on by default.
pub const MOBILE: &str = "+393331110001";
/// Somebody to call.
pub const SHOP: &str = "+390288880001";
/// Somebody else to call.
pub const OFFICE: &str = "+390288880002";
/// Bruno's telephone at home.
pub const BRUNO_HOME: &str = "+390299990002";
/// A number that Anna's restrictions deny.
pub const ABROAD: &str = "+442079460018";
/// A premium number.
pub const PREMIUM: &str = "+39899123456";
/// Anna's number from outside.
pub const DID_ANNA: &str = "+390212345601";
/// Bruno's number from outside.
pub const DID_BRUNO: &str = "+390212345602";
/// Somebody outside who calls.
pub const CUSTOMER: &str = "+390277770001";
/// What the company shows (rule T16).
pub const COMPANY: &str = "+390212345600";

pub const ANNA: &str = "anna";
pub const BRUNO: &str = "bruno";

/// A user who may telecommute and call Italy.
pub fn user(name: &str) -> UserConfig {
    let user: UserId = name.parse().expect("a user's name");
    UserConfig {
        profile: UserProfile {
            display_name: name.to_owned(),
            extension: if name == ANNA { "201" } else { "202" }
                .parse()
                .expect("an extension"),
            user,
            telecommuter_allowed: true,
            call_waiting_allowed: true,
            voicemail_allowed: true,
            pick_up_allowed: true,
            browser_allowed: false,
            recording_allowed: true,
            administrator: false,
            caller_id: CallerId {
                number: COMPANY.parse().expect("a number"),
                name: Some("Company".to_owned()),
            },
            country: "IT".to_owned(),
            language: "it".to_owned(),
            emergency_numbers: vec!["112".to_owned()],
            external_directory: None,
            account_codes: AccountCodePolicy::Off,
        },
        restrictions: vec![rule("deny +44"), rule("allow +39")],
        caps: Caps::default(),
        settings: CallSettings::default(),
        do_not_disturb: false,
        exceptions: Vec::new(),
        forwarding: ForwardTargets::default(),
        proven: Vec::new(),
        user_no_answer_ms: 25_000,
    }
}

/// `allow +39` or `deny +44`.
pub fn rule(text: &str) -> RestrictionRule {
    let (verb, prefix) = text.split_once(' ').expect("a verb and a prefix");
    RestrictionRule {
        allow: verb == "allow",
        prefix: prefix.to_owned(),
    }
}

/// The site's account codes: `1042` and `2001` are in use, `999` no longer is.
pub fn account_codes() -> Vec<ListedCode> {
    [
        ("1042", "Rossi", true),
        ("2001", "Verdi", true),
        ("999", "Neri", false),
    ]
    .into_iter()
    .map(|(code, name, active)| ListedCode {
        code: code.parse().expect("an account code"),
        name: name.to_owned(),
        active,
    })
    .collect()
}

pub fn trunk(id: &str) -> TrunkConfig {
    TrunkConfig {
        id: TrunkId(id.to_owned()),
        max_legs: None,
        passes_caller_id: true,
    }
}
