//! Users: settings, invitations, PINs.

use super::check::{Wrong, check_rules, check_user};
use super::secret::generated_pin;
use super::{Admin, AdminError, Done, changed_fields};
use crate::numbers::as_rules;
use crate::store::{Change, Invitation, PinHash, StoreError, UserRow};
use ponte_call_core::Caps;
use ponte_protocol::admin::{ProblemKind, UserSettings};
use ponte_protocol::{CallerId, GroupId, UnixMillis, UserId};
use sha2::{Digest, Sha256};

/// How long an invitation is good where nothing else is said.
pub const INVITATION_HOURS: u64 = 72;
const HOUR_MS: u64 = 60 * 60 * 1000;

/// A user as the administrator's page has it.
pub fn settings_of(row: &UserRow) -> UserSettings {
    UserSettings {
        user: row.user.clone(),
        display_name: row.display_name.clone(),
        extension: row.extension.clone(),
        caller_id: row.caller_id.clone(),
        language: row.language.clone(),
        group: row.group.as_ref().map(|group| group.group.to_string()),
        telecommuter_allowed: row.telecommuter_allowed,
        call_waiting_allowed: row.call_waiting_allowed,
        voicemail_allowed: row.voicemail_allowed,
        pick_up_allowed: row.pick_up_allowed,
        administrator: row.administrator,
        rules: as_rules(&row.restrictions),
        dials_per_hour: row.caps.dials_per_hour,
        minutes_per_day: row.caps.minutes_per_day,
        email: row.email.as_ref().map(|email| email.as_str().to_owned()),
        confirm: row.confirm,
        no_answer_ms: row.user_no_answer_ms,
        voicemail_quota_s: row.voicemail_quota_s,
        recording_allowed: row.recording_allowed,
    }
}

/// The names of what differs; the PIN's alone where it is another.
fn differing(before: &UserRow, after: &UserRow) -> Vec<String> {
    let mut fields = changed_fields(&settings_of(before), &settings_of(after));
    if before.pin != after.pin {
        fields.push("pin".to_owned());
    }
    fields
}

fn trimmed(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

impl Admin<'_> {
    /// The user as the store has it.
    ///
    /// # Errors
    /// [`StoreError::UnknownUser`].
    pub async fn known(&self, user: &UserId) -> Result<UserRow, AdminError> {
        let row = self.store.user(user).await?;
        Ok(row.ok_or_else(|| StoreError::UnknownUser(user.clone()))?)
    }

    /// Adds a user, or changes all settings of one; PIN and everything the user set stay. With `dry_run` it is only
    /// checked.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] names every field that is wrong.
    pub async fn put_user(&self, settings: UserSettings, dry_run: bool) -> Done {
        let before = self.store.user(&settings.user).await?;
        let (row, mut wrong) = self.row(settings, before.as_ref()).await?;
        wrong.extend(check_user(&row, &self.config));
        self.save_user(row, before, wrong, dry_run).await
    }

    /// Adds a user.
    ///
    /// # Errors
    /// As [`Self::put_user`], and [`StoreError::UserExists`].
    pub async fn add_user(&self, row: UserRow) -> Done {
        if self.store.user(&row.user).await?.is_some() {
            return Err(StoreError::UserExists(row.user).into());
        }
        let wrong = check_user(&row, &self.config);
        self.save_user(row, None, wrong, false).await
    }

    /// Changes a user, PIN and all.
    ///
    /// # Errors
    /// As [`Self::put_user`], and [`StoreError::UnknownUser`].
    pub async fn set_user(&self, row: UserRow) -> Done {
        let before = self.known(&row.user).await?;
        let wrong = check_user(&row, &self.config);
        self.save_user(row, Some(before), wrong, false).await
    }

    /// The settings as a row, as far as they can be read, and what cannot.
    async fn row(
        &self,
        settings: UserSettings,
        before: Option<&UserRow>,
    ) -> Result<(UserRow, Vec<Wrong>), StoreError> {
        let mut wrong = Vec::new();
        let restrictions = check_rules(&settings.rules).unwrap_or_else(|found| {
            wrong.extend(found);
            Vec::new()
        });
        let email = match trimmed(settings.email).map(|text| text.parse()).transpose() {
            Ok(email) => email,
            Err(reason) => {
                let reason: &str = reason;
                wrong.push(Wrong::malformed("email", reason));
                None
            }
        };
        let group = match trimmed(settings.group)
            .map(|name| name.parse::<GroupId>())
            .transpose()
        {
            Ok(None) => None,
            Ok(Some(name)) => {
                let group = self.store.group(&name).await?;
                if group.is_none() {
                    wrong.push(Wrong::new(
                        "group",
                        ProblemKind::NotFound,
                        format!("there is no group {name}"),
                    ));
                }
                group
            }
            Err(error) => {
                wrong.push(Wrong::malformed("group", format!("group: {error}")));
                None
            }
        };
        let row = UserRow {
            display_name: settings.display_name.trim().to_owned(),
            telecommuter_allowed: settings.telecommuter_allowed,
            caller_id: CallerId {
                name: trimmed(settings.caller_id.name),
                number: settings.caller_id.number.clone(),
            },
            language: trimmed(settings.language),
            restrictions,
            caps: Caps {
                dials_per_hour: settings.dials_per_hour,
                minutes_per_day: settings.minutes_per_day,
            },
            user_no_answer_ms: settings.no_answer_ms,
            confirm: settings.confirm,
            call_waiting_allowed: settings.call_waiting_allowed,
            voicemail_allowed: settings.voicemail_allowed,
            voicemail_quota_s: settings.voicemail_quota_s,
            recording_allowed: settings.recording_allowed,
            pick_up_allowed: settings.pick_up_allowed,
            administrator: settings.administrator,
            pin: before.and_then(|before| before.pin.clone()),
            email,
            group,
            ..UserRow::new(settings.user, settings.extension, settings.caller_id.number)
        };
        Ok((row, wrong))
    }

    async fn save_user(
        &self,
        row: UserRow,
        before: Option<UserRow>,
        mut wrong: Vec<Wrong>,
        dry_run: bool,
    ) -> Done {
        wrong.extend(self.among_others(&row, before.as_ref()).await?);
        if !wrong.is_empty() {
            return Err(AdminError::Invalid(wrong));
        }
        if dry_run {
            return Ok(());
        }
        let user = row.user.clone();
        let row = Box::new(row);
        let Some(before) = before else {
            let note = self.note("user_added", user, Vec::new());
            return self.change(Change::AddUser(row), note).await;
        };
        let fields = differing(&before, &row);
        if fields.is_empty() {
            return Ok(());
        }
        let note = self.note("user_changed", user, fields);
        self.change(Change::SetUser(row), note).await
    }

    /// What the other users speak against.
    async fn among_others(&self, row: &UserRow, before: Option<&UserRow>) -> Result<Vec<Wrong>, StoreError> {
        let mut wrong = Vec::new();
        let holder = self.store.holder(&row.extension).await?;
        if let Some(holder) = holder.filter(|holder| *holder != row.user) {
            wrong.push(Wrong::new(
                "extension",
                ProblemKind::Taken,
                format!(
                    "the extension {} belongs to {holder} already",
                    row.extension.as_str()
                ),
            ));
        }
        let was_one = before.is_some_and(|before| before.administrator);
        if was_one && !row.administrator && !self.store.other_administrator(&row.user).await? {
            wrong.push(Wrong::new(
                "administrator",
                ProblemKind::LastAdministrator,
                format!(
                    "{} is the last administrator; make another user one first",
                    row.user
                ),
            ));
        }
        Ok(wrong)
    }

    /// Removes a user with all that belongs to it; records stay.
    ///
    /// # Errors
    /// [`StoreError::UnknownUser`], [`StoreError::LastAdministrator`].
    pub async fn remove_user(&self, user: UserId) -> Done {
        let note = self.note("user_removed", &user, Vec::new());
        self.change(Change::RemoveUser(user), note).await
    }

    /// Makes a link that lets the user set a password, once; the one before is void. The link is kept nowhere.
    ///
    /// # Errors
    /// [`AdminError::NoPortal`], [`StoreError::UnknownUser`].
    pub async fn invite(&self, user: UserId, hours: u64) -> Result<(String, UnixMillis), AdminError> {
        let Some(edge) = &self.base.edge else {
            return Err(AdminError::NoPortal);
        };
        let mut token = [0; 32];
        getrandom::fill(&mut token).map_err(|_| AdminError::System)?;
        let token = hex::encode(token);
        let expires_at = self.now.plus(hours.saturating_mul(HOUR_MS));
        let note = self.note("user_invited", &user, Vec::new());
        let invitation = Invitation {
            user,
            token_hash: hex::encode(Sha256::digest(token.as_bytes())),
            expires_at,
        };
        self.change(Change::CreateInvitation(invitation), note).await?;
        Ok((format!("{}/invite#{token}", edge.portal_url), expires_at))
    }

    /// Gives the user a PIN that was made here. It is kept as a hash only.
    ///
    /// # Errors
    /// [`StoreError::UnknownUser`].
    pub async fn new_pin(&self, user: UserId) -> Result<String, AdminError> {
        let mut row = self.known(&user).await?;
        loop {
            let pin = generated_pin()?;
            let hashed = pin.clone();
            let hash = tokio::task::spawn_blocking(move || PinHash::new(&hashed)).await;
            match hash.map_err(|_| AdminError::System)? {
                Ok(hash) => {
                    row.pin = Some(hash);
                    self.set_user(row).await?;
                    return Ok(pin);
                }
                Err(crate::store::PinError::Guessable) => {}
                Err(_) => return Err(AdminError::System),
            }
        }
    }

    /// Takes the user's PIN away.
    ///
    /// # Errors
    /// [`StoreError::UnknownUser`].
    pub async fn remove_pin(&self, user: UserId) -> Done {
        let mut row = self.known(&user).await?;
        row.pin = None;
        self.set_user(row).await
    }
}
