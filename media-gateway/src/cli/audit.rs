//! `audit`: what administrators have changed.

use super::args::AuditArgs;
use super::{Done, output};
use crate::store::Store;
use jiff::Timestamp;
use ponte_protocol::admin::AuditEntry;

pub(super) async fn list(arguments: AuditArgs, store: &Store) -> Done {
    let (entries, _) = store.audit(arguments.before, arguments.limit).await?;
    if arguments.json {
        return output::json(&entries);
    }
    let rows: Vec<Vec<String>> = entries.iter().map(cells).collect();
    output::table(&["NUMBER", "WHEN (UTC)", "BY", "WHAT", "OF", "FIELDS"], &rows)
}

fn cells(entry: &AuditEntry) -> Vec<String> {
    let at = i64::try_from(entry.at.0)
        .ok()
        .and_then(|at| Timestamp::from_millisecond(at).ok())
        .map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    let by = entry
        .by
        .as_ref()
        .map_or_else(|| "command line".to_owned(), ToString::to_string);
    vec![
        entry.id.to_string(),
        at,
        by,
        entry.action.clone(),
        entry.subject.clone(),
        entry.fields.join(", "),
    ]
}
