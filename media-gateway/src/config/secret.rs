//! Passwords and keys: in the file, in a file of their own, or in the environment.

use super::reader::{Found, Problems, Section};
use std::path::Path;

/// Looks up a variable of the environment.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The keys under which one secret may be given.
pub(super) struct SecretKeys {
    pub(super) text: &'static str,
    pub(super) file: &'static str,
    pub(super) variable: &'static str,
}

pub(super) const PASSWORD: SecretKeys = SecretKeys {
    text: "password",
    file: "password_file",
    variable: "password_env",
};

pub(super) const KEY: SecretKeys = SecretKeys {
    text: "key",
    file: "key_file",
    variable: "key_env",
};

/// What became of a secret.
pub(super) enum Secret {
    Absent,
    /// There was one, and its problem is noted.
    Unusable,
    Given(Found<String>),
}

impl Secret {
    /// The account that a user name and this password make; a problem where only one of the two is there.
    pub(super) fn account(
        self,
        username: Option<Found<String>>,
        problems: &Problems<'_>,
    ) -> Option<(String, String)> {
        match (username, self) {
            (Some(username), Self::Given(password)) => Some((username.value, password.value)),
            (Some(username), Self::Absent) => {
                username.problem(
                    problems,
                    "has no password; give password_file, password_env or password",
                );
                None
            }
            (None, Self::Given(password)) => {
                password.problem(problems, "has no username beside it");
                None
            }
            (_, Self::Unusable) | (None, Self::Absent) => None,
        }
    }
}

/// Reads a secret that is given in one way at most.
pub(super) fn read(
    section: &mut Section<'_, '_>,
    keys: &SecretKeys,
    problems: &Problems<'_>,
    folder: &Path,
    environment: Environment<'_>,
) -> Secret {
    let given: Vec<(&str, Found<String>)> = [keys.text, keys.file, keys.variable]
        .into_iter()
        .filter_map(|key| Some((key, section.text(key)?)))
        .collect();
    if let [_, (key, again), ..] = given.as_slice() {
        again.problem(
            problems,
            format_args!(
                "stands beside another secret; give one of {}, {} and {key}",
                keys.text, keys.file
            ),
        );
        return Secret::Unusable;
    }
    let Some((key, found)) = given.into_iter().next() else {
        return Secret::Absent;
    };
    let secret = found.read(problems, |value| {
        let secret = if key == keys.file {
            from_file(&folder.join(value))?
        } else if key == keys.variable {
            environment(value).ok_or_else(|| format!("the environment has no variable {value}"))?
        } else {
            value.clone()
        };
        if secret.is_empty() {
            return Err("is empty".to_owned());
        }
        if secret.chars().any(char::is_control) {
            return Err("holds control characters".to_owned());
        }
        Ok(secret)
    });
    secret.map_or(Secret::Unusable, Secret::Given)
}

/// Refuses a file that everybody on this machine can read.
pub(super) fn check_private(path: &Path) -> Result<(), String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?
            .permissions()
            .mode();
        if mode & 0o004 != 0 {
            return Err(format!(
                "{0} can be read by everybody on this machine; `chmod o-r {0}`",
                path.display()
            ));
        }
    }
    Ok(())
}

fn from_file(path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    check_private(path)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
