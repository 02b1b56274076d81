//! The codes that calls can be booked to.

use super::{Admin, AdminError, Done, Wrong, changed_fields, check_name};
use crate::store::Change;
use ponte_protocol::AccountCode;
use ponte_protocol::account_code::ACCOUNT_NAME_MAX;
use ponte_protocol::admin::AccountCodeSettings;

/// Everything that is wrong with a code.
pub fn check_account_code(settings: &AccountCodeSettings) -> Vec<Wrong> {
    check_name(&settings.name, ACCOUNT_NAME_MAX)
        .err()
        .map(|reason| Wrong::malformed("name", format!("name: {reason}")))
        .into_iter()
        .collect()
}

impl Admin<'_> {
    /// Adds a code, or changes its settings.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] names every field that is wrong.
    pub async fn put_account_code(&self, settings: AccountCodeSettings) -> Done {
        let wrong = check_account_code(&settings);
        if !wrong.is_empty() {
            return Err(AdminError::Invalid(wrong));
        }
        let settings = AccountCodeSettings {
            name: settings.name.trim().to_owned(),
            ..settings
        };
        let (action, fields) = match self.account_code(&settings.code).await? {
            None => ("account_code_added", Vec::new()),
            Some(before) if before == settings => return Ok(()),
            Some(before) => ("account_code_changed", changed_fields(&before, &settings)),
        };
        let note = self.note(action, &settings.code, fields);
        self.change(Change::PutAccountCode(settings), note).await
    }

    /// Takes a code off the list; calls that are booked to it stay so.
    ///
    /// # Errors
    /// [`crate::store::StoreError::UnknownAccountCode`].
    pub async fn remove_account_code(&self, code: AccountCode) -> Done {
        let note = self.note("account_code_removed", &code, Vec::new());
        self.change(Change::RemoveAccountCode(code), note).await
    }

    /// The settings of a code, where it is on the list.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn account_code(&self, code: &AccountCode) -> Result<Option<AccountCodeSettings>, AdminError> {
        let codes = self.store.account_codes().await?;
        Ok(codes.into_iter().find(|known| known.code == *code))
    }
}
