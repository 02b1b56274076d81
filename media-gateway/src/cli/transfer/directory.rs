//! The external directory in the file.

use crate::store::DirectoryRow;
use ponte_protocol::external::{DirectorySettings, NumberAttribute};
use serde::{Deserialize, Serialize};

/// What is missing is as where an administrator has set nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DirectoryEntry {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    url: String,
    start_tls: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    ca: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    bind_dn: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    bind_password: String,
    base_dn: String,
    filter: String,
    search: Vec<String>,
    names: Vec<String>,
    numbers: Vec<NumberEntry>,
    mail: String,
    organisation: String,
    limit: u16,
    timeout_ms: u64,
    names_on_calls: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberEntry {
    attribute: String,
    #[serde(default)]
    kind: String,
}

impl Default for DirectoryEntry {
    fn default() -> Self {
        Self::of(DirectoryRow {
            settings: DirectorySettings::default(),
            password: None,
        })
    }
}

impl DirectoryEntry {
    pub(super) fn of(row: DirectoryRow) -> Self {
        let settings = row.settings;
        let number = |number: NumberAttribute| NumberEntry {
            attribute: number.attribute,
            kind: number.label,
        };
        Self {
            name: settings.name,
            url: settings.url,
            start_tls: settings.start_tls,
            ca: settings.ca,
            bind_dn: settings.bind_dn,
            bind_password: row.password.unwrap_or_default(),
            base_dn: settings.base_dn,
            filter: settings.filter,
            search: settings.search,
            names: settings.names,
            numbers: settings.numbers.into_iter().map(number).collect(),
            mail: settings.mail,
            organisation: settings.organisation,
            limit: settings.limit,
            timeout_ms: settings.timeout_ms,
            names_on_calls: settings.names_on_calls,
        }
    }

    pub(super) fn row(&self) -> DirectoryRow {
        let number = |number: &NumberEntry| NumberAttribute {
            attribute: number.attribute.clone(),
            label: number.kind.clone(),
        };
        DirectoryRow {
            settings: DirectorySettings {
                name: self.name.clone(),
                url: self.url.clone(),
                start_tls: self.start_tls,
                ca: self.ca.clone(),
                bind_dn: self.bind_dn.clone(),
                base_dn: self.base_dn.clone(),
                filter: self.filter.clone(),
                search: self.search.clone(),
                names: self.names.clone(),
                numbers: self.numbers.iter().map(number).collect(),
                mail: self.mail.clone(),
                organisation: self.organisation.clone(),
                limit: self.limit,
                timeout_ms: self.timeout_ms,
                names_on_calls: self.names_on_calls,
            },
            password: Some(self.bind_password.clone()).filter(|text| !text.is_empty()),
        }
    }
}
