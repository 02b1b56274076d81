//! `import-users`: users out of a CSV file.

use super::{Done, Failure, output, refused};
use crate::admin::{Admin, AdminError, settings_of};
use ponte_protocol::UserId;
use ponte_protocol::admin::{ProblemKind, UserSettings};
use ponte_roster::{LineProblem, Row};
use std::collections::HashMap;
use std::path::Path;

/// Checks every line before the first user is written.
pub(super) async fn import(file: &Path, dry_run: bool, admin: &Admin<'_>) -> Done {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("{name} cannot be read: {error}")))?;
    let users = admin.store().users().await?;
    let known: HashMap<UserId, UserSettings> = users
        .iter()
        .map(|row| (row.user.clone(), settings_of(row)))
        .collect();
    let roster = ponte_roster::read(&text, |user| known.get(user).cloned());
    let mut problems: Vec<(u64, String)> = roster.problems.iter().map(in_words).collect();
    for Row { line, settings } in &roster.rows {
        match admin.put_user(settings.clone(), true).await {
            Ok(()) => {}
            Err(AdminError::Invalid(wrong)) => {
                problems.extend(wrong.into_iter().map(|wrong| (*line, wrong.reason)));
            }
            Err(other) => return Err(refused(other)),
        }
    }
    problems.sort();
    if !problems.is_empty() {
        let lines: Vec<String> = problems
            .iter()
            .map(|(line, reason)| format!("{name}:{line}: {reason}"))
            .collect();
        return Err(Failure::Usage(format!(
            "{}\nnothing was changed",
            lines.join("\n")
        )));
    }
    let new = roster
        .rows
        .iter()
        .filter(|row| !known.contains_key(&row.settings.user));
    let new = new.count();
    let changed = roster.rows.iter().filter(|row| {
        known
            .get(&row.settings.user)
            .is_some_and(|before| *before != row.settings)
    });
    let told = format!("{new} users are new, {} are changed", changed.count());
    if dry_run {
        return output::line(&format!("{told}; nothing was done"));
    }
    for row in roster.rows {
        admin.put_user(row.settings, false).await.map_err(refused)?;
    }
    output::line(&told)
}

fn in_words(problem: &LineProblem) -> (u64, String) {
    let what = match problem.kind {
        ProblemKind::Taken => "stands in the file twice",
        ProblemKind::NotFound => "no such column, or it is missing",
        ProblemKind::OutOfRange => "is too large or too small",
        _ => "cannot be understood",
    };
    let field = if problem.field.is_empty() {
        "the line"
    } else {
        &problem.field
    };
    (problem.line, format!("{field}: {what}"))
}
