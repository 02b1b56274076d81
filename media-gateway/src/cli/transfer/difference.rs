//! What two states of the store differ in, entry by entry and field by field.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Site,
    Directory,
    AccountCode,
    Group,
    User,
    Destination,
    Calls,
    Forwarding,
    Profile,
    Schedule,
    Device,
    Did,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Site => "settings of the",
            Self::Directory => "external",
            Self::AccountCode => "account code",
            Self::Group => "group",
            Self::User => "user",
            Self::Destination => "destination",
            Self::Calls => "call settings of",
            Self::Forwarding => "forwarding of",
            Self::Profile => "profile of",
            Self::Schedule => "schedule of",
            Self::Device => "telephone",
            Self::Did => "number",
        }
    }
}

/// Entries by kind and key.
pub(super) type Table = BTreeMap<(Kind, String), Map<String, Value>>;

/// Fields that are as good as a password.
const SECRET: [&str; 4] = ["pin_hash", "ha1_md5", "ha1_sha256", "bind_password"];

enum How {
    Added,
    Removed,
    Changed(Vec<(String, Value, Value)>),
}

/// One entry that differs.
pub(super) struct Difference {
    pub(super) kind: Kind,
    pub(super) key: String,
    /// What people call it, where the key is no name.
    label: Option<String>,
    how: How,
}

impl Difference {
    pub(super) fn is_addition(&self) -> bool {
        matches!(self.how, How::Added)
    }

    pub(super) fn is_removal(&self) -> bool {
        matches!(self.how, How::Removed)
    }

    /// What the audit log says of it: what was done, to whom, and the fields.
    pub(super) fn note(&self) -> (&'static str, String, Vec<String>) {
        let action = match (self.kind, &self.how) {
            (Kind::Site, _) => "site_changed",
            (Kind::Directory, How::Added) => "directory_added",
            (Kind::Directory, How::Removed) => "directory_removed",
            (Kind::Directory, How::Changed(_)) => "directory_changed",
            (Kind::AccountCode, How::Added) => "account_code_added",
            (Kind::AccountCode, How::Removed) => "account_code_removed",
            (Kind::AccountCode, How::Changed(_)) => "account_code_changed",
            (Kind::Group, How::Added) => "group_added",
            (Kind::Group, How::Removed) => "group_removed",
            (Kind::Group, How::Changed(_)) => "group_changed",
            (Kind::User, How::Added) => "user_added",
            (Kind::User, How::Removed) => "user_removed",
            (Kind::User, How::Changed(_))
            | (Kind::Calls | Kind::Forwarding | Kind::Profile | Kind::Schedule, _) => "user_changed",
            (Kind::Destination, How::Added) => "destination_added",
            (Kind::Destination, How::Removed) => "destination_removed",
            (Kind::Destination, How::Changed(_)) => "destination_changed",
            (Kind::Device, How::Added) => "device_added",
            (Kind::Device, How::Removed) => "device_removed",
            (Kind::Device, How::Changed(_)) => "device_changed",
            (Kind::Did, How::Added) => "number_added",
            (Kind::Did, How::Removed) => "number_removed",
            (Kind::Did, How::Changed(_)) => "number_changed",
        };
        // A destination's key is its user and its id.
        let subject = match (self.kind, self.key.rsplit_once(' ')) {
            (Kind::Destination, Some((user, _))) => user.to_owned(),
            (Kind::Profile, _) => self.key.split(' ').next().unwrap_or_default().to_owned(),
            _ => self.key.clone(),
        };
        // What a user sets is one of the user's fields here.
        let whole = match self.kind {
            Kind::Calls => Some("call_settings"),
            Kind::Forwarding => Some("forwarding"),
            Kind::Profile => Some("profiles"),
            Kind::Schedule => Some("schedule"),
            _ => None,
        };
        if let Some(whole) = whole {
            return (action, subject, vec![whole.to_owned()]);
        }
        let mut fields: Vec<String> = match &self.how {
            How::Changed(fields) => fields.iter().map(|(name, ..)| spoken(name)).collect(),
            How::Added | How::Removed => Vec::new(),
        };
        fields.dedup();
        (action, subject, fields)
    }

    /// As a person reads it; `remove` says what becomes of what the file does not name.
    pub(super) fn text(&self, remove: bool) -> String {
        let name = self.label.as_ref().unwrap_or(&self.key);
        let kind = self.kind.as_str();
        match &self.how {
            How::Added => format!("+ {kind} {name}\n"),
            How::Removed if remove => format!("- {kind} {name}\n"),
            How::Removed => format!("  {kind} {name} is not in the file, and is kept\n"),
            How::Changed(fields) => {
                let line = |(field, before, after): &(String, Value, Value)| {
                    if SECRET.contains(&field.as_str()) {
                        format!("    {field}: another\n")
                    } else {
                        format!("    {field}: {} -> {}\n", shown(before), shown(after))
                    }
                };
                let lines: String = fields.iter().map(line).collect();
                format!("~ {kind} {name}\n{lines}")
            }
        }
    }
}

/// A field as the audit log names it.
fn spoken(name: &str) -> String {
    match name {
        "pin_hash" => "pin",
        "ha1_md5" | "ha1_sha256" | "bind_password" => "password",
        other => other,
    }
    .to_owned()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// What has to be done to come from one to the other.
pub(super) fn difference(now: &Table, wanted: &Table) -> Vec<Difference> {
    let keys: BTreeSet<_> = now.keys().chain(wanted.keys()).collect();
    let label = |entry: Option<&Map<String, Value>>, kind: Kind| {
        let text = |field: &str| entry?.get(field)?.as_str().map(str::to_owned);
        (kind == Kind::Destination)
            .then(|| Some(format!("{} of {}", text("label")?, text("user")?)))
            .flatten()
    };
    keys.into_iter()
        .filter_map(|key| {
            let (before, after) = (now.get(key), wanted.get(key));
            let how = match (before, after) {
                (None, _) => How::Added,
                (_, None) => How::Removed,
                (Some(before), Some(after)) => How::Changed(fields(before, after)?),
            };
            Some(Difference {
                kind: key.0,
                label: label(after.or(before), key.0),
                key: key.1.clone(),
                how,
            })
        })
        .collect()
}

fn fields(before: &Map<String, Value>, after: &Map<String, Value>) -> Option<Vec<(String, Value, Value)>> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |entry: &Map<String, Value>, name: &String| entry.get(name).cloned().unwrap_or(Value::Null);
    let changed: Vec<_> = names
        .into_iter()
        .map(|name| (name.clone(), value(before, name), value(after, name)))
        .filter(|(_, before, after)| before != after)
        .collect();
    (!changed.is_empty()).then_some(changed)
}
