//! How calls to a user are treated: what users set for themselves in the portal, set by an administrator.

use super::check::{Wrong, in_range};
use super::{Admin, AdminError, Done, changed_fields};
use crate::numbers::decide;
use crate::store::{Change, UserRow};
use ponte_call_core::Dialled;
use ponte_protocol::admin::ProblemKind;
use ponte_protocol::settings::NO_ANSWER_MS;
use ponte_protocol::treatment::{EXCEPTIONS_MAX, PROFILES_MAX};
use ponte_protocol::{
    CallProfile, CallRules, CallSettings, DialString, Forwarding, ProfilePlace, Refusal, ScheduleEntry,
    UserId,
};

/// The built-in profiles, as the user changed them, and the user's own.
pub fn with_built_in(saved: Vec<CallProfile>) -> Vec<CallProfile> {
    let mut profiles = CallProfile::built_in();
    for profile in saved {
        match profiles.iter_mut().find(|known| known.name == profile.name) {
            Some(known) => *known = profile,
            None => profiles.push(profile),
        }
    }
    profiles
}

/// Everything that is wrong with settings.
pub fn check_call_settings(settings: &CallSettings) -> Vec<Wrong> {
    in_range("no_answer_ms", &settings.no_answer_ms, &NO_ANSWER_MS)
        .into_iter()
        .collect()
}

/// Everything that is wrong with rules. Whether a number may be called is looked at for each call.
pub fn check_call_rules(rules: &CallRules) -> Vec<Wrong> {
    let count = rules.exceptions.len();
    let many = (count > EXCEPTIONS_MAX).then(|| {
        Wrong::new(
            "exceptions",
            ProblemKind::OutOfRange,
            format!("there are {count} exceptions; at most {EXCEPTIONS_MAX}"),
        )
    });
    many.into_iter().collect()
}

/// Everything that is wrong with a profile, as far as it stands in the profile itself.
pub fn check_profile(profile: &CallProfile) -> Vec<Wrong> {
    profile
        .validate()
        .err()
        .map(|refusal| Wrong::malformed("profiles", detail(&refusal)))
        .into_iter()
        .collect()
}

/// Everything that is wrong with the schedule of a user who has these profiles.
pub fn check_schedule(schedule: &[ScheduleEntry], profiles: &[CallProfile]) -> Vec<Wrong> {
    if let Err(refusal) = ponte_protocol::schedule::validate(schedule) {
        return vec![Wrong::malformed("schedule", detail(&refusal))];
    }
    let is_known = |entry: &&ScheduleEntry| profiles.iter().any(|profile| profile.name == entry.profile);
    schedule
        .iter()
        .filter(|entry| !is_known(entry))
        .map(|entry| {
            Wrong::new(
                "schedule",
                ProblemKind::NotFound,
                format!("there is no profile '{}'", entry.profile),
            )
        })
        .collect()
}

fn detail(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Malformed { detail } => detail.clone(),
        other => other.to_string(),
    }
}

impl Admin<'_> {
    /// What holds for the user: the user's own, or the site's.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn call_settings(&self, user: &UserId) -> Result<CallSettings, AdminError> {
        let own = self.store.call_settings().await?;
        let own = own.into_iter().find(|(owner, _)| owner == user);
        Ok(own.map_or_else(|| self.config.site.call_settings(), |(_, settings)| settings))
    }

    /// Where calls to the user go on to, and who gets through.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn call_rules(&self, user: &UserId) -> Result<CallRules, AdminError> {
        let rules = self.store.call_rules().await?;
        let own = rules.into_iter().find(|(owner, _)| owner == user);
        Ok(own.map(|(_, rules)| rules).unwrap_or_default())
    }

    /// All profiles of the user, with the built-in ones.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn profiles(&self, user: &UserId) -> Result<Vec<CallProfile>, AdminError> {
        let mut saved = self.store.profiles().await?;
        Ok(with_built_in(saved.remove(user).unwrap_or_default()))
    }

    /// What begins and ends for the user by the clock.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn schedule(&self, user: &UserId) -> Result<Vec<ScheduleEntry>, AdminError> {
        let mut all = self.store.schedules().await?;
        Ok(all.remove(user).map(|(schedule, _)| schedule).unwrap_or_default())
    }

    /// Sets how calls to a user are treated, all at once.
    ///
    /// # Errors
    /// [`AdminError::Invalid`]; [`crate::store::StoreError::UnknownUser`].
    pub async fn put_calls(&self, user: &UserId, settings: CallSettings, rules: CallRules) -> Done {
        let row = self.known(user).await?;
        let (settings_before, rules_before) = (self.call_settings(user).await?, self.call_rules(user).await?);
        let mut wrong = check_call_settings(&settings);
        wrong.extend(check_call_rules(&rules));
        if rules.forwarding != rules_before.forwarding {
            wrong.extend(self.forwarding(&row, &rules.forwarding).await?);
        }
        if !wrong.is_empty() {
            return Err(AdminError::Invalid(wrong));
        }
        let mut fields = changed_fields(&settings_before, &settings);
        fields.extend(changed_fields(&rules_before, &rules));
        let mut changes = Vec::new();
        if settings != settings_before {
            changes.push(Change::SaveCallSettings(user.clone(), settings));
        }
        if rules != rules_before {
            changes.push(Change::SaveCallRules(user.clone(), rules));
        }
        self.treat(user, changes, fields).await
    }

    /// The site's settings hold for the user again, and calls go nowhere else.
    ///
    /// # Errors
    /// [`crate::store::StoreError::UnknownUser`].
    pub async fn reset_calls(&self, user: &UserId) -> Done {
        self.known(user).await?;
        let site = self.config.site.call_settings();
        let mut fields = changed_fields(&self.call_settings(user).await?, &site);
        fields.extend(changed_fields(
            &self.call_rules(user).await?,
            &CallRules::default(),
        ));
        let changes = vec![
            Change::ForgetCallSettings(user.clone()),
            Change::SaveCallRules(user.clone(), CallRules::default()),
        ];
        self.treat(user, changes, fields).await
    }

    /// Adds a profile of the user, or changes the one of this name.
    ///
    /// # Errors
    /// As [`Self::put_calls`].
    pub async fn put_profile(&self, user: &UserId, mut profile: CallProfile) -> Done {
        let row = self.known(user).await?;
        profile.name = profile.name.trim().to_owned();
        let profiles = self.profiles(user).await?;
        let before = profiles.iter().find(|known| known.name == profile.name);
        if before == Some(&profile) {
            return Ok(());
        }
        let mut wrong = check_profile(&profile);
        if before.is_none() && profiles.len() >= PROFILES_MAX {
            wrong.push(Wrong::new(
                "profiles",
                ProblemKind::OutOfRange,
                format!("{user} has {PROFILES_MAX} profiles already"),
            ));
        }
        if let ProfilePlace::Telephone {
            destination: Some(destination),
        } = profile.place
        {
            let saved = self.store.destinations(user).await?;
            if saved.iter().all(|saved| saved.id != destination) {
                wrong.push(Wrong::new(
                    "profiles",
                    ProblemKind::NotFound,
                    format!("{user} has no such telephone"),
                ));
            }
        }
        wrong.extend(self.forwarding(&row, &profile.forwarding).await?);
        if !wrong.is_empty() {
            return Err(AdminError::Invalid(wrong));
        }
        let change = Change::SaveProfile(user.clone(), Box::new(profile));
        self.treat(user, vec![change], vec!["profiles".to_owned()]).await
    }

    /// Removes a profile of the user with what the schedule has of it; a built-in one is as at first.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] where the user has no such profile.
    pub async fn remove_profile(&self, user: &UserId, name: &str) -> Done {
        self.known(user).await?;
        let mut profiles = self.profiles(user).await?;
        let Some(place) = profiles.iter().position(|profile| profile.name == name) else {
            return Err(Wrong::new(
                "profiles",
                ProblemKind::NotFound,
                format!("{user} has no profile '{name}'"),
            )
            .into());
        };
        let mut fields = vec!["profiles".to_owned()];
        let mut changes = vec![Change::DeleteProfile(user.clone(), name.to_owned())];
        if !profiles.remove(place).is_built_in() {
            let mut schedule = self.schedule(user).await?;
            let before = schedule.len();
            schedule.retain(|entry| entry.profile != name);
            if schedule.len() < before {
                changes.push(Change::SaveSchedule(user.clone(), schedule, self.now));
                fields.push("schedule".to_owned());
            }
        }
        self.treat(user, changes, fields).await
    }

    /// Sets what begins and ends for the user by the clock, from its next time on.
    ///
    /// # Errors
    /// As [`Self::put_calls`].
    pub async fn put_schedule(&self, user: &UserId, schedule: Vec<ScheduleEntry>) -> Done {
        self.known(user).await?;
        let wrong = check_schedule(&schedule, &self.profiles(user).await?);
        if !wrong.is_empty() {
            return Err(AdminError::Invalid(wrong));
        }
        if schedule == self.schedule(user).await? {
            return Ok(());
        }
        let change = Change::SaveSchedule(user.clone(), schedule, self.now);
        self.treat(user, vec![change], vec!["schedule".to_owned()]).await
    }

    async fn treat(&self, user: &UserId, changes: Vec<Change>, fields: Vec<String>) -> Done {
        if fields.is_empty() {
            return Ok(());
        }
        let note = self.note("user_changed", user, fields);
        Ok(self.store.change_together(changes, vec![note]).await?)
    }

    /// What speaks against forwarding so, as the portal would tell the user.
    async fn forwarding(&self, row: &UserRow, forwarding: &Forwarding) -> Result<Vec<Wrong>, AdminError> {
        let plan = self.config.numbering_plan(&self.store.dids().await?);
        let refusal = |number: &DialString| match plan.read(number) {
            Dialled::Own {
                extension: Some(extension),
            } => (extension == row.extension).then_some(Refusal::OwnNumber),
            Dialled::FeatureCode(_) => Some(Refusal::InvalidNumber),
            dialled => decide(row, &self.config.site, &dialled, self.now).refusal,
        };
        let Forwarding {
            always,
            busy,
            no_answer,
        } = forwarding;
        let wrong = [always, busy, no_answer]
            .into_iter()
            .flatten()
            .filter_map(|number| {
                let refusal = refusal(number)?;
                let reason = format!("calls cannot be forwarded to {}: {refusal}", number.as_str());
                Some(Wrong::new("forwarding", ProblemKind::Forbidden, reason))
            });
        Ok(wrong.collect())
    }
}
