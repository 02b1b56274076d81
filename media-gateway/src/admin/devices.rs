//! Desk telephones and the passwords of their accounts.

use super::check::{Wrong, check_name};
use super::secret::generated_password;
use super::{Admin, AdminError, Done, LABEL_MAX, changed_fields};
use crate::store::{Change, DeviceRow, DeviceSecret, StoreError};
use ponte_protocol::admin::{DeviceSettings, ProblemKind};
use ponte_protocol::{DeviceId, UserId};

/// The password that an account is given.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// As it is.
    Kept,
    /// Made here.
    Made,
    Given(String),
}

/// A telephone as it is to be.
#[derive(Clone)]
pub struct DeviceChange {
    pub device: DeviceId,
    pub name: String,
    pub owner: Option<UserId>,
    pub hot_desk: bool,
    pub password: Password,
}

fn settings_of(row: &DeviceRow) -> DeviceSettings {
    DeviceSettings {
        device: row.device.clone(),
        name: row.name.clone(),
        owner: row.owner.clone(),
        hot_desk: row.hot_desk,
    }
}

impl Admin<'_> {
    /// Adds a telephone, or changes one; the password, where one was made.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] names every field that is wrong.
    pub async fn put_device(
        &self,
        settings: DeviceSettings,
        new_password: bool,
    ) -> Result<Option<String>, AdminError> {
        let before = self.store.device(&settings.device).await?;
        let password = if new_password || before.is_none() {
            Password::Made
        } else {
            Password::Kept
        };
        let change = DeviceChange {
            device: settings.device,
            name: settings.name,
            owner: settings.owner,
            hot_desk: settings.hot_desk,
            password,
        };
        self.save_device(change, before).await
    }

    /// Adds a telephone; the password, where one was made.
    ///
    /// # Errors
    /// As [`Self::put_device`], and [`StoreError::DeviceExists`].
    pub async fn add_device(&self, change: DeviceChange) -> Result<Option<String>, AdminError> {
        if self.store.device(&change.device).await?.is_some() {
            return Err(StoreError::DeviceExists(change.device).into());
        }
        self.save_device(change, None).await
    }

    /// Changes a telephone; the password, where one was made.
    ///
    /// # Errors
    /// As [`Self::put_device`], and [`StoreError::UnknownDevice`].
    pub async fn set_device(&self, change: DeviceChange) -> Result<Option<String>, AdminError> {
        let before = self.store.device(&change.device).await?;
        let before = before.ok_or_else(|| StoreError::UnknownDevice(change.device.clone()))?;
        self.save_device(change, Some(before)).await
    }

    async fn save_device(
        &self,
        change: DeviceChange,
        before: Option<DeviceRow>,
    ) -> Result<Option<String>, AdminError> {
        let DeviceChange {
            device,
            name,
            owner,
            hot_desk,
            password,
        } = change;
        let mut wrong = Vec::new();
        let name = check_name(&name, LABEL_MAX).unwrap_or_else(|reason| {
            wrong.push(Wrong::malformed("name", reason));
            name
        });
        if let Some(owner) = &owner
            && self.store.user(owner).await?.is_none()
        {
            wrong.push(Wrong::new(
                "owner",
                ProblemKind::NotFound,
                format!("there is no user {owner}; `ponte-gateway user list` names all of them"),
            ));
        }
        if !wrong.is_empty() {
            return Err(AdminError::Invalid(wrong));
        }
        let made = match &password {
            Password::Made => Some(generated_password()?),
            Password::Kept | Password::Given(_) => None,
        };
        let secret = |text: &str| DeviceSecret::new(&device, &self.config.registrar.realm, text);
        let secret = match (&password, &made, &before) {
            (Password::Given(text), ..) | (_, Some(text), _) => secret(text),
            (_, None, Some(before)) => before.secret.clone(),
            (_, None, None) => return Err(AdminError::System),
        };
        let row = DeviceRow {
            device: device.clone(),
            name,
            owner,
            hot_desk,
            secret,
        };
        let Some(before) = before else {
            let note = self.note("device_added", device, Vec::new());
            self.change(Change::AddDevice(row), note).await?;
            return Ok(made);
        };
        let mut fields = changed_fields(&settings_of(&before), &settings_of(&row));
        if before.secret != row.secret {
            fields.push("password".to_owned());
        }
        if !fields.is_empty() {
            let note = self.note("device_changed", device, fields);
            self.change(Change::SetDevice(row), note).await?;
        }
        Ok(made)
    }

    /// Removes a telephone: it can no longer register or call.
    ///
    /// # Errors
    /// [`StoreError::UnknownDevice`].
    pub async fn remove_device(&self, device: DeviceId) -> Done {
        let note = self.note("device_removed", &device, Vec::new());
        self.change(Change::RemoveDevice(device), note).await
    }
}
