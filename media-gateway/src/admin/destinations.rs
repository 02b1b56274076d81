//! Numbers at which users can be called, proven by the administrator's word (rule T2).

use super::check::{Wrong, check_name};
use super::{Admin, AdminError, Done, LABEL_MAX};
use crate::numbers::decide;
use crate::store::{Change, StoreError};
use ponte_call_core::{Dialled, NumberClass};
use ponte_protocol::admin::ProblemKind;
use ponte_protocol::{DestinationId, DialString, Refusal, SavedDestination, UserId};
use uuid::Uuid;

/// Saved destinations that a user may have.
pub const DESTINATIONS_MAX: usize = 50;

impl Admin<'_> {
    /// Adds a number that counts as verified. `confirm` is rule T14; `None`: on for mobiles.
    ///
    /// # Errors
    /// [`AdminError::Invalid`]; [`crate::store::StoreError::UnknownUser`].
    pub async fn add_destination(
        &self,
        user: UserId,
        label: &str,
        number: &DialString,
        confirm: Option<bool>,
    ) -> Result<SavedDestination, AdminError> {
        let row = self.known(&user).await?;
        let mut wrong = Vec::new();
        let label = check_name(label, LABEL_MAX).unwrap_or_else(|reason| {
            wrong.push(Wrong::malformed("label", reason));
            String::new()
        });
        if self.store.destinations(&user).await?.len() >= DESTINATIONS_MAX {
            wrong.push(Wrong::new(
                "number",
                ProblemKind::OutOfRange,
                format!("{user} has {DESTINATIONS_MAX} numbers already"),
            ));
        }
        let plan = self.config.numbering_plan(&self.store.dids().await?);
        let dialled = plan.read(number);
        let refusal = match &dialled {
            Dialled::Own { .. } => Some(Refusal::OwnNumber),
            Dialled::FeatureCode(_) => Some(Refusal::InvalidNumber),
            _ => decide(&row, &self.config.site, &dialled, self.now).refusal,
        };
        let (number, class) = match (dialled, refusal) {
            (Dialled::External { number, class }, None) if wrong.is_empty() => (number, class),
            (_, refusal) => {
                wrong.extend(refusal.map(|refusal| forbidden(&user, number, &refusal)));
                return Err(AdminError::Invalid(wrong));
            }
        };
        let destination = SavedDestination {
            id: DestinationId(Uuid::now_v7()),
            label,
            number,
            confirm: confirm.or(row.confirm).unwrap_or(class == NumberClass::Mobile),
            verified: true,
        };
        // Whose it is, and no more: a private number is no matter of the audit log.
        let note = self.note("destination_added", &user, vec!["destinations".to_owned()]);
        self.change(Change::SaveDestination(user, destination.clone()), note)
            .await?;
        Ok(destination)
    }

    /// Changes what is given of one of the user's numbers.
    ///
    /// # Errors
    /// [`crate::store::StoreError::UnknownDestination`]; [`AdminError::Invalid`].
    pub async fn set_destination(
        &self,
        user: UserId,
        destination: DestinationId,
        label: Option<String>,
        confirm: Option<bool>,
        verified: Option<bool>,
    ) -> Done {
        self.known(&user).await?;
        let saved = self.store.destinations(&user).await?;
        let mut saved = saved
            .into_iter()
            .find(|saved| saved.id == destination)
            .ok_or(StoreError::UnknownDestination(destination))?;
        if let Some(label) = label {
            saved.label =
                check_name(&label, LABEL_MAX).map_err(|reason| Wrong::malformed("label", reason))?;
        }
        saved.confirm = confirm.unwrap_or(saved.confirm);
        saved.verified = verified.unwrap_or(saved.verified);
        let note = self.note("destination_changed", &user, vec!["destinations".to_owned()]);
        self.change(Change::SaveDestination(user, saved), note).await
    }

    /// Removes one of the user's numbers.
    ///
    /// # Errors
    /// [`crate::store::StoreError::UnknownDestination`].
    pub async fn remove_destination(&self, user: UserId, destination: DestinationId) -> Done {
        let note = self.note("destination_removed", &user, vec!["destinations".to_owned()]);
        self.change(Change::DeleteDestination(user, destination), note)
            .await
    }
}

fn forbidden(user: &UserId, number: &DialString, refusal: &Refusal) -> Wrong {
    let kind = match refusal {
        Refusal::InvalidNumber => ProblemKind::Malformed,
        _ => ProblemKind::Forbidden,
    };
    let why = if matches!(refusal, Refusal::Restricted { .. }) {
        let number = number.as_str();
        format!("; `ponte-gateway explain --user {user} --dial {number}` says why")
    } else {
        String::new()
    };
    let reason = format!("{user} cannot be called there: {refusal}{why}");
    Wrong::new("number", kind, reason)
}
