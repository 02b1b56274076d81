//! How the directory elsewhere is asked.

use super::check::{Wrong, check_name, in_range};
use super::{Admin, AdminError, Done, LABEL_MAX, changed_fields};
use crate::external::{check_url, is_filter, roots};
use crate::store::{Change, DirectoryRow};
use ponte_protocol::admin::ProblemKind;
use ponte_protocol::contact::CONTACT_LABEL_MAX;
use ponte_protocol::external::DirectorySettings;

const DN_MAX: usize = 255;
const FILTER_MAX: usize = 500;
const CA_MAX: usize = 4_000;
const PASSWORD_MAX: usize = 255;
const ATTRIBUTE_MAX: usize = 40;
const ATTRIBUTES_MAX: usize = 10;

/// Everything that is wrong with them.
pub fn check_directory(row: &DirectoryRow) -> Vec<Wrong> {
    let wanted = &row.settings;
    let mut wrong = Vec::new();
    let mut malformed = |field: &str, reason: &str| {
        wrong.push(Wrong::malformed(field, format!("{field}: {reason}")));
    };
    if !wanted.name.is_empty() && check_name(&wanted.name, LABEL_MAX).is_err() {
        malformed("name", "at most 40 characters");
    }
    if let Err(reason) = check_url(&wanted.url) {
        malformed("url", reason);
    }
    if wanted.start_tls && !wanted.url.starts_with("ldap://") {
        malformed(
            "start_tls",
            "a connection to ldaps:// is encrypted from its beginning",
        );
    }
    if !wanted.ca.is_empty() {
        if wanted.ca.len() > CA_MAX {
            malformed("ca", "at most 4,000 characters");
        } else if let Err(reason) = roots(&wanted.ca) {
            malformed("ca", &reason);
        }
    }
    for (field, dn) in [("bind_dn", &wanted.bind_dn), ("base_dn", &wanted.base_dn)] {
        if dn.chars().count() > DN_MAX || dn.chars().any(char::is_control) {
            malformed(field, "at most 255 characters");
        }
    }
    if wanted.filter.chars().count() > FILTER_MAX || !is_filter(&wanted.filter) {
        malformed(
            "filter",
            "a filter of LDAP as (objectClass=person), at most 500 characters",
        );
    }
    for (field, names) in [("search", &wanted.search), ("names", &wanted.names)] {
        if names.is_empty() || names.len() > ATTRIBUTES_MAX || !names.iter().all(|name| is_attribute(name)) {
            malformed(field, "1 to 10 names of attributes");
        }
    }
    let label =
        |label: &str| label.chars().count() <= CONTACT_LABEL_MAX && !label.chars().any(char::is_control);
    let number = |number: &ponte_protocol::external::NumberAttribute| {
        is_attribute(&number.attribute) && label(&number.label)
    };
    if wanted.numbers.is_empty()
        || wanted.numbers.len() > ATTRIBUTES_MAX
        || !wanted.numbers.iter().all(number)
    {
        malformed(
            "numbers",
            "1 to 10 names of attributes, each with what its numbers are",
        );
    }
    for (field, name) in [("mail", &wanted.mail), ("organisation", &wanted.organisation)] {
        if !name.is_empty() && !is_attribute(name) {
            malformed(field, "the name of an attribute, or nothing");
        }
    }
    let password = row.password.as_deref().unwrap_or_default();
    if password.len() > PASSWORD_MAX || password.contains('\0') {
        malformed("password", "at most 255 bytes");
    }
    // Servers take a name without a password for nobody, and say yes (RFC 4513 section 5.1.2).
    if wanted.bind_dn.is_empty() != password.is_empty() {
        malformed(
            "password",
            "a name to ask as has a password, and a password has a name",
        );
    }
    wrong.extend(in_range("limit", &wanted.limit, &(1..=100)));
    wrong.extend(in_range("timeout_ms", &wanted.timeout_ms, &(500..=10_000)));
    wrong
}

fn is_attribute(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-.;".contains(&byte);
    !name.is_empty() && name.len() <= ATTRIBUTE_MAX && name.bytes().all(fits)
}

impl Admin<'_> {
    /// Sets how the external directory is asked. Without a `password` the one that is kept goes on being used, but nobody
    /// else is told it: with another server or another name it has to be given again.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] names every field that is wrong.
    pub async fn put_directory(&self, wanted: DirectorySettings, password: Option<String>) -> Done {
        let before = self.store.directory().await?;
        let (password, is_new) = match (password, &before) {
            (Some(password), _) => (Some(password).filter(|text| !text.is_empty()), true),
            (None, Some(before)) if before.password.is_some() => {
                if asks_another(&before.settings, &wanted) {
                    let reason = "password: give it again for another server or name";
                    return Err(Wrong::new("password", ProblemKind::NotFound, reason).into());
                }
                (before.password.clone(), false)
            }
            (None, _) => (None, false),
        };
        let row = DirectoryRow {
            settings: wanted,
            password,
        };
        let wrong = check_directory(&row);
        if !wrong.is_empty() {
            return Err(AdminError::Invalid(wrong));
        }
        let mut fields = match &before {
            Some(before) => changed_fields(&before.settings, &row.settings),
            None => Vec::new(),
        };
        if is_new
            && before
                .as_ref()
                .is_none_or(|before| before.password != row.password)
        {
            fields.push("password".to_owned());
        }
        if before.as_ref() == Some(&row) {
            return Ok(());
        }
        let action = if before.is_some() {
            "directory_changed"
        } else {
            "directory_added"
        };
        let note = self.note(action, &self.base.site.name, fields);
        self.change(Change::SetDirectory(Some(Box::new(row))), note).await
    }

    /// There is no external directory from here on.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn remove_directory(&self) -> Done {
        if self.store.directory().await?.is_none() {
            return Ok(());
        }
        let note = self.note("directory_removed", &self.base.site.name, Vec::new());
        self.change(Change::SetDirectory(None), note).await
    }
}

/// Whether the password would be told to somebody else, or where others hear it.
fn asks_another(before: &DirectorySettings, wanted: &DirectorySettings) -> bool {
    before.url != wanted.url
        || before.bind_dn != wanted.bind_dn
        || before.ca != wanted.ca
        || (before.start_tls && !wanted.start_tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Spoil = fn(&mut DirectoryRow);

    fn row() -> DirectoryRow {
        DirectoryRow {
            settings: DirectorySettings {
                url: "ldap://x".into(),
                base_dn: "dc=example,dc=com".into(),
                bind_dn: "cn=ponte".into(),
                ..DirectorySettings::default()
            },
            password: Some("secret".into()),
        }
    }

    #[test]
    fn every_field_that_is_wrong_is_named() {
        assert_eq!(check_directory(&row()), []);
        let wrong: [(&str, Spoil); 14] = [
            ("name", |row| row.settings.name = "x".repeat(41)),
            ("url", |row| row.settings.url = "x".into()),
            ("start_tls", |row| {
                row.settings.url = "ldaps://x".into();
                row.settings.start_tls = true;
            }),
            ("ca", |row| row.settings.ca = "no certificate".into()),
            ("bind_dn", |row| row.settings.bind_dn = "cn=a\nb".into()),
            ("base_dn", |row| row.settings.base_dn = "x".repeat(256)),
            ("filter", |row| row.settings.filter = "(a=b))(c=*".into()),
            ("search", |row| row.settings.search.clear()),
            ("names", |row| row.settings.names = vec!["cn=*)(uid".into()]),
            ("numbers", |row| row.settings.numbers[0].attribute = String::new()),
            ("mail", |row| row.settings.mail = "m(".into()),
            ("password", |row| row.password = None),
            ("limit", |row| row.settings.limit = 0),
            ("timeout_ms", |row| row.settings.timeout_ms = 60_000),
        ];
        for (field, spoil) in wrong {
            let mut row = row();
            spoil(&mut row);
            let found: Vec<String> = check_directory(&row)
                .into_iter()
                .map(|wrong| wrong.field)
                .collect();
            assert_eq!(found, [field]);
        }
    }

    #[test]
    fn the_password_does_not_print() {
        assert!(!format!("{:?}", row()).contains("secret"));
    }
}
