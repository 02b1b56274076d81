//! `[features]`: codes that a telephone dials to the switch itself.

use super::reader::{Problems, Section};
use ponte_call_core::FeatureCode;

/// Codes as dialled: `*` and 1 to 5 digits. `None`: there is no such code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureCodes {
    pub log_on: Option<String>,
    pub log_off: Option<String>,
    /// Leaves telecommuter mode at the own telephone.
    pub leave: Option<String>,
    pub voicemail: Option<String>,
    /// Before an account code, which `*` and the number follow.
    pub account_code: Option<String>,
}

impl Default for FeatureCodes {
    fn default() -> Self {
        Self {
            log_on: Some("*11".to_owned()),
            log_off: Some("*12".to_owned()),
            leave: Some("*13".to_owned()),
            voicemail: Some("*97".to_owned()),
            account_code: Some("*15".to_owned()),
        }
    }
}

impl FeatureCodes {
    /// What a code means, with or without the `#` that ends dialling on many telephones.
    pub fn read(&self, dialled: &str) -> Option<FeatureCode> {
        let dialled = dialled.strip_suffix('#').unwrap_or(dialled);
        let is = |code: &Option<String>| code.as_deref() == Some(dialled);
        if is(&self.log_on) {
            Some(FeatureCode::LogOn)
        } else if is(&self.log_off) {
            Some(FeatureCode::LogOff)
        } else if is(&self.leave) {
            Some(FeatureCode::Leave)
        } else if is(&self.voicemail) {
            Some(FeatureCode::Voicemail)
        } else {
            None
        }
    }

    /// The account code and the number of `*15`, a code, `*` and a number; `None` for what was dialled otherwise.
    pub fn account_code<'a>(&self, dialled: &'a str) -> Option<(&'a str, &'a str)> {
        dialled
            .strip_prefix(self.account_code.as_deref()?)?
            .split_once('*')
            .filter(|(code, _)| code.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

pub(super) fn read(mut section: Section<'_, '_>, problems: &Problems<'_>) -> FeatureCodes {
    let mut codes = FeatureCodes::default();
    let mut taken: Vec<String> = Vec::new();
    for (key, code) in [
        ("log_on", &mut codes.log_on),
        ("log_off", &mut codes.log_off),
        ("leave", &mut codes.leave),
        ("voicemail", &mut codes.voicemail),
        ("account_code", &mut codes.account_code),
    ] {
        if let Some(found) = section.text(key) {
            if found.value.is_empty() {
                *code = None;
            } else if !is_code(&found.value) {
                found.problem(
                    problems,
                    format_args!(
                        "'{}' is no code; '*' and 1 to 5 digits, e.g. *11, or \"\" for none",
                        found.value
                    ),
                );
            } else {
                *code = Some(found.value);
            }
        }
        if let Some(code) = code {
            if taken.contains(code) {
                section.missing(key, format_args!("'{code}' means something else already"));
            }
            taken.push(code.clone());
        }
    }
    section.finish();
    codes
}

fn is_code(text: &str) -> bool {
    text.strip_prefix('*').is_some_and(|digits| {
        (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
