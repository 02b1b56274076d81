//! The columns, and what a cell of each may be.

use crate::LineProblem;
use csv::StringRecord;
use ponte_protocol::admin::{ProblemKind, RULES_MAX, Rule, USER_NO_ANSWER_DEFAULT_MS, UserSettings};
use ponte_protocol::{CallerId, UserId};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Calls an hour of a new user.
const DIALS_PER_HOUR: u32 = 120;
/// Minutes a day of a new user.
const MINUTES_PER_DAY: u32 = 24 * 60;
const CAPS: RangeInclusive<u32> = 1..=100_000;
const NO_ANSWER_S: RangeInclusive<u64> = 5..=120;
const NAME_MAX: usize = 64;

/// What a file may have columns for.
pub const NAMES: [&str; 18] = [
    "user",
    "display_name",
    "extension",
    "caller_id",
    "caller_name",
    "language",
    "group",
    "telecommuter",
    "call_waiting",
    "voicemail",
    "pick_up",
    "administrator",
    "rules",
    "dials_per_hour",
    "minutes_per_day",
    "email",
    "confirm",
    "no_answer_s",
];

/// What is wrong with a cell.
type Wrong = (&'static str, ProblemKind);

/// Which place of a line holds which column.
pub(crate) struct Columns(Vec<&'static str>);

/// The cells of a line by their columns.
struct Cells<'a> {
    columns: &'a [&'static str],
    record: &'a StringRecord,
    wrong: Vec<Wrong>,
}

impl Cells<'_> {
    /// The cell; `None` where the file has no such column, or the line is too short.
    fn text(&self, column: &str) -> Option<&str> {
        let place = self.columns.iter().position(|name| *name == column)?;
        self.record.get(place)
    }

    fn filled(&self, column: &str) -> Option<&str> {
        self.text(column).filter(|text| !text.is_empty())
    }

    fn parsed<T: FromStr>(&mut self, column: &'static str) -> Option<T> {
        let parsed = self.filled(column)?.parse();
        parsed
            .map_err(|_| self.wrong.push((column, ProblemKind::Malformed)))
            .ok()
    }

    fn number<T: FromStr + PartialOrd>(
        &mut self,
        column: &'static str,
        range: &RangeInclusive<T>,
    ) -> Option<T> {
        let number = self.parsed::<T>(column)?;
        if range.contains(&number) {
            return Some(number);
        }
        self.wrong.push((column, ProblemKind::OutOfRange));
        None
    }

    fn flag(&mut self, column: &'static str, field: &mut bool) {
        match self.filled(column).map(switched) {
            None => {}
            Some(Some(on)) => *field = on,
            Some(None) => self.wrong.push((column, ProblemKind::Malformed)),
        }
    }

    /// A text that may be taken away by an empty cell.
    fn optional(&self, column: &str, field: &mut Option<String>) {
        if let Some(text) = self.text(column) {
            *field = Some(text.to_owned()).filter(|text| !text.is_empty());
        }
    }
}

fn switched(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "on" | "yes" | "true" | "1" | "x" | "si" | "sì" => Some(true),
        "off" | "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// `allow +39; deny +39899; allow +44 Mon-Fri 09:00-18:00`.
fn rules(text: &str) -> Result<Vec<Rule>, ProblemKind> {
    let mut rules = Vec::new();
    for part in text
        .split([';', '|'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (verb, prefix) = part
            .split_once(char::is_whitespace)
            .ok_or(ProblemKind::Malformed)?;
        let allow = match verb {
            "allow" => true,
            "deny" => false,
            _ => return Err(ProblemKind::Malformed),
        };
        // When it holds is read where it is kept.
        let (prefix, hours) = match prefix.trim().split_once(char::is_whitespace) {
            Some((prefix, hours)) => (prefix, Some(hours.trim().to_owned())),
            None => (prefix.trim(), None),
        };
        let digits = prefix.strip_prefix('+').ok_or(ProblemKind::Malformed)?;
        if digits.len() > 15 || digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ProblemKind::Malformed);
        }
        rules.push(Rule {
            allow,
            prefix: prefix.to_owned(),
            hours,
        });
    }
    if rules.len() > RULES_MAX {
        return Err(ProblemKind::OutOfRange);
    }
    Ok(rules)
}

impl Columns {
    /// Reads the first line.
    pub(crate) fn of(header: &StringRecord) -> Result<Self, Vec<LineProblem>> {
        let mut problems = Vec::new();
        let mut columns: Vec<&'static str> = Vec::new();
        let mut wrong = |field: &str, kind| {
            problems.push(LineProblem {
                line: 1,
                field: field.chars().take(NAME_MAX).collect(),
                kind,
            });
        };
        for cell in header {
            let cell = cell.to_lowercase().replace([' ', '-'], "_");
            match NAMES.iter().find(|name| **name == cell) {
                None => {
                    wrong(&cell, ProblemKind::NotFound);
                    columns.push("");
                }
                Some(name) if columns.contains(name) => wrong(name, ProblemKind::Taken),
                Some(name) => columns.push(name),
            }
        }
        if !columns.contains(&"user") {
            wrong("user", ProblemKind::NotFound);
        }
        if problems.is_empty() {
            Ok(Self(columns))
        } else {
            Err(problems)
        }
    }

    /// Reads a line.
    pub(crate) fn row(
        &self,
        record: &StringRecord,
        known: impl Fn(&UserId) -> Option<UserSettings>,
    ) -> Result<UserSettings, Vec<Wrong>> {
        let mut cells = Cells {
            columns: &self.0,
            record,
            wrong: Vec::new(),
        };
        if record.len() > self.0.len() {
            cells.wrong.push(("", ProblemKind::Malformed));
        }
        let lower = cells.filled("user").map(str::to_lowercase);
        let Some(Ok(user)) = lower.map(|text| text.parse::<UserId>()) else {
            return Err(vec![("user", ProblemKind::Malformed)]);
        };
        let extension = cells.parsed("extension");
        let number = cells.parsed("caller_id");
        let mut settings = if let Some(mut before) = known(&user) {
            before.extension = extension.unwrap_or(before.extension);
            before.caller_id.number = number.unwrap_or(before.caller_id.number);
            before
        } else {
            let missing = |column| (column, ProblemKind::Malformed);
            match (extension, number) {
                (Some(extension), Some(number)) => new_user(user, extension, number),
                (extension, number) => {
                    if extension.is_none() && !cells.wrong.contains(&missing("extension")) {
                        cells.wrong.push(missing("extension"));
                    }
                    if number.is_none() && !cells.wrong.contains(&missing("caller_id")) {
                        cells.wrong.push(missing("caller_id"));
                    }
                    return Err(cells.wrong);
                }
            }
        };
        fill(&mut settings, &mut cells);
        if cells.wrong.is_empty() {
            Ok(settings)
        } else {
            Err(cells.wrong)
        }
    }
}

fn new_user(
    user: UserId,
    extension: ponte_protocol::Extension,
    number: ponte_protocol::E164,
) -> UserSettings {
    UserSettings {
        display_name: user.to_string(),
        user,
        extension,
        caller_id: CallerId { number, name: None },
        language: None,
        group: None,
        telecommuter_allowed: false,
        call_waiting_allowed: true,
        voicemail_allowed: true,
        pick_up_allowed: true,
        administrator: false,
        rules: Vec::new(),
        dials_per_hour: DIALS_PER_HOUR,
        minutes_per_day: MINUTES_PER_DAY,
        email: None,
        confirm: None,
        no_answer_ms: USER_NO_ANSWER_DEFAULT_MS,
        voicemail_quota_s: None,
        recording_allowed: false,
    }
}

fn fill(settings: &mut UserSettings, cells: &mut Cells<'_>) {
    if let Some(name) = cells.filled("display_name").map(str::to_owned) {
        settings.display_name = name;
    }
    cells.optional("caller_name", &mut settings.caller_id.name);
    cells.optional("group", &mut settings.group);
    cells.optional("email", &mut settings.email);
    cells.optional("language", &mut settings.language);
    if settings
        .language
        .as_ref()
        .is_some_and(|language| !["en", "it"].contains(&language.as_str()))
    {
        cells.wrong.push(("language", ProblemKind::Malformed));
    }
    for (column, name) in [
        ("display_name", Some(&settings.display_name)),
        ("caller_name", settings.caller_id.name.as_ref()),
    ] {
        let fits = |name: &&String| name.chars().count() <= NAME_MAX && !name.chars().any(char::is_control);
        if !name.is_none_or(|name| fits(&name)) {
            cells.wrong.push((column, ProblemKind::Malformed));
        }
    }
    for (column, field) in [
        ("telecommuter", &mut settings.telecommuter_allowed),
        ("call_waiting", &mut settings.call_waiting_allowed),
        ("voicemail", &mut settings.voicemail_allowed),
        ("pick_up", &mut settings.pick_up_allowed),
        ("administrator", &mut settings.administrator),
    ] {
        cells.flag(column, field);
    }
    match cells.text("rules").map(rules) {
        None => {}
        Some(Ok(rules)) => settings.rules = rules,
        Some(Err(kind)) => cells.wrong.push(("rules", kind)),
    }
    match cells.filled("confirm").map(str::to_lowercase).as_deref() {
        None => {}
        Some("mobiles") => settings.confirm = None,
        Some(text) => match switched(text) {
            Some(on) => settings.confirm = Some(on),
            None => cells.wrong.push(("confirm", ProblemKind::Malformed)),
        },
    }
    if let Some(dials) = cells.number("dials_per_hour", &CAPS) {
        settings.dials_per_hour = dials;
    }
    if let Some(minutes) = cells.number("minutes_per_day", &CAPS) {
        settings.minutes_per_day = minutes;
    }
    if let Some(seconds) = cells.number("no_answer_s", &NO_ANSWER_S) {
        settings.no_answer_ms = seconds * 1000;
    }
}
