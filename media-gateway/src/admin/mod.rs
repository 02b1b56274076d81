//! What an administrator does, whether in the portal or on the command line: the same checks, the same changes, the
//! same entries in the audit log.

mod account_codes;
mod check;
mod destinations;
mod devices;
mod directory;
mod error;
mod groups;
mod numbers;
mod secret;
mod site;
mod treatment;
mod users;

pub use account_codes::check_account_code;
pub use check::{Wrong, check_did, check_name, check_rules, check_user};
pub use destinations::DESTINATIONS_MAX;
pub use devices::{DeviceChange, Password};
pub use directory::check_directory;
pub use error::AdminError;
pub use secret::{generated_password, generated_pin};
pub use site::{check_site, settings as site_settings};
pub use treatment::{check_call_rules, check_call_settings, check_profile, check_schedule, with_built_in};
pub use users::{INVITATION_HOURS, settings_of};

use crate::config::Config;
use crate::store::{AuditNote, Change, Store, StoreError};
use ponte_protocol::admin::{AdminAnswer, AdminChange};
use ponte_protocol::{UnixMillis, UserId};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// The longest name of a user.
pub const NAME_MAX: usize = 64;
/// The longest name of a telephone, a group or a number.
pub const LABEL_MAX: usize = 40;

/// An administrator at work.
pub struct Admin<'a> {
    /// What the configuration itself says.
    base: &'a Config,
    /// What holds: with the settings of the whole site.
    config: Config,
    store: &'a Store,
    by: Option<UserId>,
    now: UnixMillis,
}

/// Whether something was changed; with what is wrong where not.
pub type Done = Result<(), AdminError>;

impl<'a> Admin<'a> {
    /// `by` is `None` on the command line; `now` is what the audit log is dated by.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be read.
    pub async fn open(
        base: &'a Config,
        store: &'a Store,
        by: Option<UserId>,
        now: UnixMillis,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            base,
            config: base.with_site(&store.site().await?),
            store,
            by,
            now,
        })
    }

    /// The configuration that holds, with what administrators have set for the whole site.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the configuration itself says.
    pub fn base(&self) -> &'a Config {
        self.base
    }

    /// What its changes are dated by.
    pub fn now(&self) -> UnixMillis {
        self.now
    }

    /// Where it all is kept.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// Makes a change, and gives what the portal is answered.
    ///
    /// # Errors
    /// [`AdminError`]; nothing was changed then.
    pub async fn carry_out(&self, change: AdminChange) -> Result<AdminAnswer, AdminError> {
        match change {
            AdminChange::PutUser { settings, dry_run } => self.put_user(*settings, dry_run).await?,
            AdminChange::RemoveUser { user } => self.remove_user(user).await?,
            AdminChange::InviteUser { user } => {
                let (link, expires_at) = self.invite(user, INVITATION_HOURS).await?;
                return Ok(AdminAnswer::Invitation { link, expires_at });
            }
            AdminChange::PutDevice {
                settings,
                new_password,
            } => {
                if let Some(password) = self.put_device(settings, new_password).await? {
                    return Ok(AdminAnswer::DevicePassword { password });
                }
            }
            AdminChange::RemoveDevice { device } => self.remove_device(device).await?,
            AdminChange::PutDid { settings } => self.put_did(settings).await?,
            AdminChange::RemoveDid { number } => self.remove_did(number).await?,
            AdminChange::PutGroup { settings } => self.put_group(settings).await?,
            AdminChange::RemoveGroup { name } => self.remove_named_group(&name).await?,
            AdminChange::AddDestination { user, label, number } => {
                let dialled = number
                    .as_str()
                    .parse()
                    .map_err(|_| Wrong::malformed("number", "this is no telephone number"))?;
                self.add_destination(user, &label, &dialled, None).await?;
            }
            AdminChange::RemoveDestination { user, destination } => {
                self.remove_destination(user, destination).await?;
            }
            AdminChange::NewPin { user } => {
                let pin = self.new_pin(user).await?;
                return Ok(AdminAnswer::Pin { pin });
            }
            AdminChange::RemovePin { user } => self.remove_pin(user).await?,
            AdminChange::PutSite { settings } => self.put_site(*settings).await?,
            AdminChange::PutDirectory { settings, password } => {
                self.put_directory(*settings, password.map(|password| password.0))
                    .await?;
            }
            AdminChange::RemoveDirectory => self.remove_directory().await?,
            AdminChange::PutAccountCode { settings } => self.put_account_code(settings).await?,
            AdminChange::RemoveAccountCode { code } => self.remove_account_code(code).await?,
            AdminChange::Unknown => {}
        }
        Ok(AdminAnswer::Done)
    }

    /// An entry of the audit log about what is done now.
    pub fn note(&self, action: &'static str, subject: impl ToString, fields: Vec<String>) -> AuditNote {
        AuditNote {
            at: self.now,
            by: self.by.clone(),
            action,
            subject: subject.to_string(),
            fields,
        }
    }

    async fn change(&self, change: Change, note: AuditNote) -> Done {
        Ok(self.store.change_together(vec![change], vec![note]).await?)
    }
}

/// The names of the fields in which two settings differ.
fn changed_fields<T: Serialize>(before: &T, after: &T) -> Vec<String> {
    let (Ok(Value::Object(before)), Ok(Value::Object(after))) =
        (serde_json::to_value(before), serde_json::to_value(after))
    else {
        return Vec::new();
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect()
}
