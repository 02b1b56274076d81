//! What stands in the fields of a user's form, and what it comes to.

use ponte_protocol::CallerId;
use ponte_protocol::admin::{Problem, ProblemKind, RULES_MAX, Rule, USER_NO_ANSWER_DEFAULT_MS, UserSettings};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Calls an hour, and minutes a day.
const CAPS: RangeInclusive<u32> = 1..=100_000;
/// How long the user's own telephone may ring, in seconds.
const NO_ANSWER_S: RangeInclusive<u32> = 5..=120;
/// What a voicemail box may hold, in seconds.
pub const QUOTA_S: RangeInclusive<u32> = 60..=1_000_000;

/// A rule as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleText {
    pub allow: bool,
    pub prefix: String,
    /// `Mon-Fri 09:00-18:00`; empty: always.
    pub hours: String,
}

/// The fields of a user as they are typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserForm {
    pub user: String,
    pub display_name: String,
    pub extension: String,
    pub caller_number: String,
    pub caller_name: String,
    /// Empty: the site's.
    pub language: String,
    /// Empty: none.
    pub group: String,
    pub telecommuter: bool,
    pub call_waiting: bool,
    pub voicemail: bool,
    pub pick_up: bool,
    pub administrator: bool,
    pub rules: Vec<RuleText>,
    pub dials_per_hour: String,
    pub minutes_per_day: String,
    /// Where new messages are sent; empty: nowhere.
    pub email: String,
    /// `on`, `off`, or empty: on mobiles.
    pub confirm: String,
    /// In seconds.
    pub no_answer: String,
    /// Room for messages, in seconds; empty: the site's.
    pub quota: String,
    pub recording: bool,
}

impl Default for UserForm {
    fn default() -> Self {
        Self {
            user: String::new(),
            display_name: String::new(),
            extension: String::new(),
            caller_number: String::new(),
            caller_name: String::new(),
            language: String::new(),
            group: String::new(),
            telecommuter: false,
            call_waiting: true,
            voicemail: true,
            pick_up: true,
            administrator: false,
            rules: Vec::new(),
            dials_per_hour: "120".to_owned(),
            minutes_per_day: "1440".to_owned(),
            email: String::new(),
            confirm: String::new(),
            no_answer: (USER_NO_ANSWER_DEFAULT_MS / 1_000).to_string(),
            quota: String::new(),
            recording: false,
        }
    }
}

impl From<&UserSettings> for UserForm {
    fn from(settings: &UserSettings) -> Self {
        Self {
            user: settings.user.to_string(),
            display_name: settings.display_name.clone(),
            extension: settings.extension.as_str().to_owned(),
            caller_number: settings.caller_id.number.as_str().to_owned(),
            caller_name: settings.caller_id.name.clone().unwrap_or_default(),
            language: settings.language.clone().unwrap_or_default(),
            group: settings.group.clone().unwrap_or_default(),
            telecommuter: settings.telecommuter_allowed,
            call_waiting: settings.call_waiting_allowed,
            voicemail: settings.voicemail_allowed,
            pick_up: settings.pick_up_allowed,
            administrator: settings.administrator,
            rules: rule_texts(&settings.rules),
            dials_per_hour: settings.dials_per_hour.to_string(),
            minutes_per_day: settings.minutes_per_day.to_string(),
            email: settings.email.clone().unwrap_or_default(),
            confirm: match settings.confirm {
                Some(true) => "on",
                Some(false) => "off",
                None => "",
            }
            .to_owned(),
            no_answer: (settings.no_answer_ms / 1_000).to_string(),
            quota: settings
                .voicemail_quota_s
                .map(|seconds| seconds.to_string())
                .unwrap_or_default(),
            recording: settings.recording_allowed,
        }
    }
}

impl UserForm {
    /// The settings that the fields come to.
    ///
    /// # Errors
    /// What is wrong, by the names that the gateway uses for the fields.
    pub fn read(&self) -> Result<UserSettings, Vec<Problem>> {
        let mut problems = Vec::new();
        let user = parse("user", &self.user, &mut problems);
        let extension = parse("extension", &self.extension, &mut problems);
        let number = parse("caller_id", &compact(&self.caller_number), &mut problems);
        let display_name = self.display_name.trim().to_owned();
        let length = display_name.chars().count();
        if length == 0 || length > 64 || display_name.chars().any(char::is_control) {
            problems.push(malformed("display_name"));
        }
        let rules = read_rules(&self.rules, &mut problems);
        let dials_per_hour = count("dials_per_hour", &self.dials_per_hour, CAPS, &mut problems);
        let minutes_per_day = count("minutes_per_day", &self.minutes_per_day, CAPS, &mut problems);
        let no_answer_s = count("no_answer_ms", &self.no_answer, NO_ANSWER_S, &mut problems);
        let voicemail_quota_s =
            filled(&self.quota).map(|text| count("voicemail_quota_s", &text, QUOTA_S, &mut problems));
        match (user, extension, number) {
            (Some(user), Some(extension), Some(number)) if problems.is_empty() => Ok(UserSettings {
                user,
                display_name,
                extension,
                caller_id: CallerId {
                    number,
                    name: filled(&self.caller_name),
                },
                language: filled(&self.language),
                group: filled(&self.group),
                telecommuter_allowed: self.telecommuter,
                call_waiting_allowed: self.call_waiting,
                voicemail_allowed: self.voicemail,
                pick_up_allowed: self.pick_up,
                administrator: self.administrator,
                rules,
                dials_per_hour,
                minutes_per_day,
                email: filled(&self.email),
                confirm: match self.confirm.as_str() {
                    "on" => Some(true),
                    "off" => Some(false),
                    _ => None,
                },
                no_answer_ms: u64::from(no_answer_s) * 1_000,
                voicemail_quota_s,
                recording_allowed: self.recording,
            }),
            _ => Err(problems),
        }
    }
}

/// Rules as fields.
pub fn rule_texts(rules: &[Rule]) -> Vec<RuleText> {
    rules
        .iter()
        .map(|rule| RuleText {
            allow: rule.allow,
            prefix: rule.prefix.clone(),
            hours: rule.hours.clone().unwrap_or_default(),
        })
        .collect()
}

/// Fields as rules; adds to `problems` what is none.
pub fn read_rules(texts: &[RuleText], problems: &mut Vec<Problem>) -> Vec<Rule> {
    let rules: Vec<Rule> = texts
        .iter()
        .filter_map(|text| {
            prefix(&text.prefix).map(|prefix| Rule {
                allow: text.allow,
                prefix,
                // The telephone system reads them, and says so where they are none.
                hours: Some(text.hours.trim().to_owned()).filter(|hours| !hours.is_empty()),
            })
        })
        .collect();
    if rules.len() < texts.len() {
        problems.push(malformed("rules"));
    }
    if rules.len() > RULES_MAX {
        problems.push(Problem {
            field: "rules".to_owned(),
            kind: ProblemKind::OutOfRange,
        });
    }
    rules
}

/// A prefix as it is typed: `+` and up to 15 digits, spaces left out; `None` for anything else.
pub fn prefix(typed: &str) -> Option<String> {
    let mut text: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some(rest) = text.strip_prefix("00") {
        text = format!("+{rest}");
    }
    let digits = text.strip_prefix('+')?;
    (digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

/// Reads a field with its type's own rules.
pub fn parse<T: FromStr>(field: &str, text: &str, problems: &mut Vec<Problem>) -> Option<T> {
    let value = text.trim().parse().ok();
    if value.is_none() {
        problems.push(malformed(field));
    }
    value
}

/// A number without what people put between its digits.
pub fn compact(number: &str) -> String {
    number
        .chars()
        .filter(|c| !c.is_whitespace() && !"-./()".contains(*c))
        .collect()
}

/// The text, where there is one.
pub fn filled(text: &str) -> Option<String> {
    Some(text.trim())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// A field that cannot be taken as it is.
pub fn malformed(field: &str) -> Problem {
    Problem {
        field: field.to_owned(),
        kind: ProblemKind::Malformed,
    }
}

/// Reads a whole number within `range`; 0 where it is none.
pub fn count(field: &str, text: &str, range: RangeInclusive<u32>, problems: &mut Vec<Problem>) -> u32 {
    match text.trim().parse() {
        Ok(value) if range.contains(&value) => return value,
        Ok(_) => problems.push(Problem {
            field: field.to_owned(),
            kind: ProblemKind::OutOfRange,
        }),
        Err(_) => problems.push(malformed(field)),
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> UserForm {
        UserForm {
            user: "Anna".into(),
            display_name: " Anna Bianchi ".into(),
            extension: "201".into(),
            caller_number: "+39 02 1234-5600".into(),
            rules: vec![RuleText {
                allow: true,
                prefix: "+39".into(),
                hours: "Mon-Fri 09:00-18:00".into(),
            }],
            quota: " 120 ".into(),
            recording: true,
            ..UserForm::default()
        }
    }

    #[test]
    fn a_form_comes_to_settings_and_back() {
        let settings = form().read().unwrap();
        assert_eq!(settings.user.as_str(), "anna");
        assert_eq!(settings.display_name, "Anna Bianchi");
        assert_eq!(settings.caller_id.number.as_str(), "+390212345600");
        assert_eq!(settings.group, None);
        assert_eq!(settings.rules[0].hours.as_deref(), Some("Mon-Fri 09:00-18:00"));
        assert_eq!(settings.confirm, None);
        assert_eq!(settings.voicemail_quota_s, Some(120));
        assert_eq!(UserForm::default().quota, "");
        assert_eq!(UserForm::from(&settings).read().unwrap(), settings);
        for confirm in [Some(true), Some(false)] {
            let settings = UserSettings {
                confirm,
                no_answer_ms: 25_000,
                ..settings.clone()
            };
            assert_eq!(UserForm::from(&settings).read().unwrap(), settings);
        }
    }

    #[test]
    fn prefixes_are_plus_and_digits() {
        assert_eq!(prefix(" +39 02 ").as_deref(), Some("+3902"));
        assert_eq!(prefix("0039").as_deref(), Some("+39"));
        assert_eq!(prefix("+").as_deref(), Some("+"));
        for bad in ["", "39", "+39a", "+1234567890123456", "++"] {
            assert_eq!(prefix(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_field_that_is_wrong_is_named() {
        let form = UserForm {
            user: "an na".into(),
            display_name: " ".into(),
            extension: "x".into(),
            caller_number: "12".into(),
            rules: vec![RuleText::default()],
            dials_per_hour: "-1".into(),
            minutes_per_day: "100001".into(),
            no_answer: "4".into(),
            quota: "59".into(),
            ..UserForm::default()
        };
        let problems = form.read().unwrap_err();
        let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "user",
                "extension",
                "caller_id",
                "display_name",
                "rules",
                "dials_per_hour",
                "minutes_per_day",
                "no_answer_ms",
                "voicemail_quota_s"
            ]
        );
        assert_eq!(problems[6].kind, ProblemKind::OutOfRange);
    }
}
