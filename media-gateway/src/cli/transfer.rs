//! `export` and `import`: everything an administrator sets in the store, as one TOML file.

mod difference;
mod directory;
mod entries;
mod rows;
mod treatment;

use super::{Done, Failure, explained, output};
use crate::admin::{
    Admin, check_account_code, check_did, check_directory, check_site, check_user, site_settings,
};
use crate::store::{Change, Store};
use difference::{Difference, Kind, difference};
use entries::Entries;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

const HEADING: &str = "# What an administrator has set, beside ponte.toml. It holds what proves telephones and PINs: keep it as a password.\n\n";

/// Writes everything to a file that its owner alone can read; `-` is standard output.
pub(super) async fn export(file: &Path, store: &Store) -> Done {
    let entries = Entries::of(store).await?;
    let text = toml::to_string(&entries).map_err(|error| Failure::Runtime(error.to_string()))?;
    let text = format!("{HEADING}{text}");
    if file == Path::new("-") {
        return output::text(&text);
    }
    let cannot = |error| Failure::Runtime(format!("{} cannot be written: {error}", file.display()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600);
        if let Ok(metadata) = file.metadata() {
            let mut permissions = metadata.permissions();
            permissions.set_mode(0o600);
            std::fs::set_permissions(file, permissions).map_err(cannot)?;
        }
    }
    let mut opened = options.open(file).map_err(cannot)?;
    opened.write_all(text.as_bytes()).map_err(cannot)?;
    opened.sync_all().map_err(cannot)?;
    output::line(&format!(
        "{}: {} users, {} telephones, {} numbers, {} groups, {} account codes",
        file.display(),
        entries.user.len(),
        entries.device.len(),
        entries.did.len(),
        entries.group.len(),
        entries.account_code.len()
    ))
}

/// Brings the store to what the file says, all of it or nothing. What the file does not name is kept, or removed where
/// `remove` says so.
pub(super) async fn import(file: &Path, dry_run: bool, remove: bool, admin: &Admin<'_>) -> Done {
    let store = admin.store();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", file.display())))?;
    let wanted: Entries = toml::from_str(&text)
        .map_err(|error| Failure::Usage(format!("{}: {}", file.display(), error.to_string().trim_end())))?;
    wanted
        .check()
        .map_err(|reason| Failure::Usage(format!("{}: {reason}", file.display())))?;
    let now = Entries::of(store).await?;
    let differences = difference(&now.table()?, &wanted.table()?);
    let changes = changes(&differences, &wanted, remove, admin)?;
    for difference in &differences {
        output::text(&difference.text(remove))?;
    }
    if changes.is_empty() {
        return output::line("nothing is to be changed");
    }
    if dry_run {
        return output::line(&format!(
            "{} to be made; nothing was changed",
            counted(changes.len())
        ));
    }
    let count = changes.len();
    let made = differences
        .iter()
        .filter(|difference| remove || !difference.is_removal());
    let notes = made.map(|difference| {
        let (action, subject, fields) = difference.note();
        admin.note(action, subject, fields)
    });
    store
        .change_together(changes, notes.collect())
        .await
        .map_err(explained)?;
    output::line(&format!("{} made", counted(count)))
}

fn counted(count: usize) -> String {
    if count == 1 {
        "1 change".to_owned()
    } else {
        format!("{count} changes")
    }
}

/// What has to be done, in an order in which nothing is missing that is referred to.
fn changes(
    differences: &[Difference],
    wanted: &Entries,
    remove: bool,
    admin: &Admin<'_>,
) -> Result<Vec<Change>, Failure> {
    let config = admin.config();
    let mut removed = Vec::new();
    let mut put = Vec::new();
    let mut last = Vec::new();
    let groups: BTreeMap<_, _> = wanted.groups()?;
    for kind in [
        Kind::Site,
        Kind::Directory,
        Kind::AccountCode,
        Kind::Group,
        Kind::User,
        Kind::Destination,
        Kind::Calls,
        Kind::Forwarding,
        Kind::Profile,
        Kind::Schedule,
        Kind::Device,
        Kind::Did,
    ] {
        for difference in differences.iter().filter(|difference| difference.kind == kind) {
            if difference.is_removal() {
                if remove {
                    let change = entries::removal(kind, &difference.key, admin.now())?;
                    if kind == Kind::Group {
                        last.push(change);
                    } else {
                        removed.insert(0, change);
                    }
                }
                continue;
            }
            let is_new = difference.is_addition();
            let change = wanted.change(kind, &difference.key, is_new, &groups, admin.now())?;
            let wrong = match &change {
                Change::AddUser(row) | Change::SetUser(row) => check_user(row, config),
                Change::SetDid(row) => check_did(row, config),
                Change::PutAccountCode(settings) => check_account_code(settings),
                Change::SetSite(row) => check_site(&site_settings(&admin.base().with_site(row))),
                Change::SetDirectory(Some(row)) => check_directory(row),
                _ => Vec::new(),
            };
            if let Some(wrong) = wrong.first() {
                return Err(Failure::Usage(format!("{}: {}", difference.key, wrong.reason)));
            }
            put.push(change);
        }
    }
    removed.extend(put);
    removed.extend(last);
    Ok(removed)
}
