//! Numbers that reach an extension from outside.

use super::check::check_did;
use super::{Admin, AdminError, Done, changed_fields};
use crate::store::{Change, DidRow, StoreError};
use ponte_call_core::TrunkId;
use ponte_protocol::E164;
use ponte_protocol::admin::DidSettings;

/// A number as the administrator's page has it.
pub fn settings_of(row: &DidRow, configured: bool) -> DidSettings {
    DidSettings {
        number: row.number.clone(),
        extension: row.extension.clone(),
        label: row.label.clone(),
        trunk: row.trunk.as_ref().map(|trunk| trunk.0.clone()),
        configured,
    }
}

impl Admin<'_> {
    /// All numbers, in order: those of the store, and those of the configuration that the store does not lead elsewhere.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be read.
    pub async fn dids(&self) -> Result<Vec<DidSettings>, StoreError> {
        let stored = self.store.dids().await?;
        let of_trunks = || self.config.trunks.iter().flat_map(|trunk| &trunk.dids);
        let configured = |row: &DidRow| of_trunks().any(|known| known.number == row.number);
        let only_configured = of_trunks()
            .filter(|row| stored.iter().all(|stored| stored.number != row.number))
            .map(|row| settings_of(row, true));
        let mut all: Vec<DidSettings> = stored
            .iter()
            .map(|row| settings_of(row, configured(row)))
            .chain(only_configured)
            .collect();
        all.sort_by(|one, other| one.number.cmp(&other.number));
        Ok(all)
    }

    /// Adds a number, or changes what it reaches.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] names every field that is wrong.
    pub async fn put_did(&self, settings: DidSettings) -> Done {
        let trimmed = |text: Option<String>| {
            text.map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let row = DidRow {
            number: settings.number,
            extension: settings.extension,
            label: trimmed(settings.label),
            trunk: trimmed(settings.trunk).map(TrunkId),
        };
        let before = self.stored(&row.number).await?;
        self.save_did(row, before).await
    }

    /// Adds a number.
    ///
    /// # Errors
    /// As [`Self::put_did`], and [`StoreError::DidTaken`].
    pub async fn add_did(&self, row: DidRow) -> Done {
        if let Some(DidRow {
            number, extension, ..
        }) = self.stored(&row.number).await?
        {
            return Err(StoreError::DidTaken { number, extension }.into());
        }
        self.save_did(row, None).await
    }

    /// Changes what a number reaches.
    ///
    /// # Errors
    /// As [`Self::put_did`], and [`StoreError::UnknownDid`].
    pub async fn set_did(&self, row: DidRow) -> Done {
        let before = self.stored(&row.number).await?;
        let before = before.ok_or_else(|| StoreError::UnknownDid(row.number.clone()))?;
        self.save_did(row, Some(before)).await
    }

    async fn stored(&self, number: &E164) -> Result<Option<DidRow>, StoreError> {
        let stored = self.store.dids().await?;
        Ok(stored.into_iter().find(|row| row.number == *number))
    }

    async fn save_did(&self, row: DidRow, before: Option<DidRow>) -> Done {
        let wrong = check_did(&row, &self.config);
        if !wrong.is_empty() {
            return Err(AdminError::Invalid(wrong));
        }
        let subject = row.number.as_str().to_owned();
        let Some(before) = before else {
            let note = self.note("number_added", subject, Vec::new());
            return self.change(Change::AddDid(row), note).await;
        };
        let fields = changed_fields(&settings_of(&before, false), &settings_of(&row, false));
        if fields.is_empty() {
            return Ok(());
        }
        let note = self.note("number_changed", subject, fields);
        self.change(Change::SetDid(row), note).await
    }

    /// Removes a number of the store.
    ///
    /// # Errors
    /// [`StoreError::UnknownDid`], also for one that only the configuration has.
    pub async fn remove_did(&self, number: E164) -> Done {
        let note = self.note("number_removed", number.as_str(), Vec::new());
        self.change(Change::RemoveDid(number), note).await
    }
}
