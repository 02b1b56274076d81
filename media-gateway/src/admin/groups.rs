//! Restrictions that several users share.

use super::check::{Wrong, check_rules, rule_count};
use super::{Admin, AdminError, Done};
use crate::store::{Change, GroupRow, StoreError};
use ponte_protocol::GroupId;
use ponte_protocol::admin::{GroupSettings, ProblemKind};

impl Admin<'_> {
    /// Adds a group, or changes its rules.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] names every field that is wrong.
    pub async fn put_group(&self, settings: GroupSettings) -> Done {
        let mut wrong = Vec::new();
        let restrictions = check_rules(&settings.rules).unwrap_or_else(|found| {
            wrong.extend(found);
            Vec::new()
        });
        let group = match settings.name.trim().parse::<GroupId>() {
            Ok(group) if wrong.is_empty() => group,
            Ok(_) => return Err(AdminError::Invalid(wrong)),
            Err(error) => {
                wrong.push(Wrong::malformed("name", error.to_string()));
                return Err(AdminError::Invalid(wrong));
            }
        };
        let before = self.store.group(&group).await?;
        self.save_group(GroupRow { group, restrictions }, before).await
    }

    /// Adds a group.
    ///
    /// # Errors
    /// As [`Self::put_group`], and [`StoreError::GroupExists`].
    pub async fn add_group(&self, row: GroupRow) -> Done {
        if self.store.group(&row.group).await?.is_some() {
            return Err(StoreError::GroupExists(row.group).into());
        }
        self.save_group(row, None).await
    }

    /// Replaces the rules of a group.
    ///
    /// # Errors
    /// As [`Self::put_group`], and [`StoreError::UnknownGroup`].
    pub async fn set_group(&self, row: GroupRow) -> Done {
        let before = self.store.group(&row.group).await?;
        let before = before.ok_or_else(|| StoreError::UnknownGroup(row.group.clone()))?;
        self.save_group(row, Some(before)).await
    }

    async fn save_group(&self, row: GroupRow, before: Option<GroupRow>) -> Done {
        if let Some(wrong) = rule_count(row.restrictions.len()) {
            return Err(wrong.into());
        }
        let group = row.group.clone();
        match before {
            None => {
                let note = self.note("group_added", group, Vec::new());
                self.change(Change::AddGroup(row), note).await
            }
            Some(before) if before == row => Ok(()),
            Some(_) => {
                let note = self.note("group_changed", group, vec!["rules".to_owned()]);
                self.change(Change::SetGroup(row), note).await
            }
        }
    }

    /// Removes a group that has no users.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`], [`StoreError::GroupInUse`].
    pub async fn remove_group(&self, group: GroupId) -> Done {
        let note = self.note("group_removed", &group, Vec::new());
        self.change(Change::RemoveGroup(group), note).await
    }

    pub(super) async fn remove_named_group(&self, name: &str) -> Done {
        let not_found = || Wrong::new("name", ProblemKind::NotFound, format!("there is no group {name}"));
        let group: GroupId = name.trim().parse().map_err(|_| not_found())?;
        match self.remove_group(group).await {
            Err(AdminError::Store(StoreError::UnknownGroup(_))) => Err(not_found().into()),
            done => done,
        }
    }
}
