//! What holds for the whole site while it runs.

use super::check::{QUOTA_S, Wrong, check_rules, in_range};
use super::{Admin, AdminError, Done, changed_fields};
use crate::config::{Config, time_zone};
use crate::numbers::as_rules;
use crate::store::{Change, SiteRow};
use ponte_protocol::admin::{ProblemKind, SiteSettings};
use ponte_protocol::settings::NO_ANSWER_MS;

/// What a configuration says.
pub fn settings(config: &Config) -> SiteSettings {
    let seconds = config.voicemail.longest.as_secs();
    SiteSettings {
        rules: as_rules(&config.site.default_restrictions),
        no_answer_ms: config.site.no_answer_ms,
        call_waiting: config.site.call_waiting,
        hold_music: None,
        voicemail_message_s: u32::try_from(seconds).unwrap_or(u32::MAX),
        voicemail_quota_s: config.voicemail.quota_s,
        call_recording: config.site.call_recording,
        time_zone: Some(config.site.time_zone.iana_name().unwrap_or_default().to_owned()),
        account_codes: Some(config.site.account_codes),
    }
}

/// Everything that is wrong with them.
pub fn check_site(wanted: &SiteSettings) -> Vec<Wrong> {
    let mut wrong = check_rules(&wanted.rules).err().unwrap_or_default();
    wrong.extend(in_range("no_answer_ms", &wanted.no_answer_ms, &NO_ANSWER_MS));
    wrong.extend(in_range(
        "voicemail_message_s",
        &wanted.voicemail_message_s,
        &(5..=3_600),
    ));
    wrong.extend(in_range("voicemail_quota_s", &wanted.voicemail_quota_s, &QUOTA_S));
    if let Some(name) = wanted.time_zone.as_deref().filter(|name| !name.is_empty())
        && let Err(reason) = time_zone(name)
    {
        wrong.push(Wrong::new("time_zone", ProblemKind::NotFound, reason));
    }
    if let Some(name) = &wanted.hold_music {
        wrong.push(Wrong::new(
            "hold_music",
            ProblemKind::NotFound,
            format!("there is no hold music '{name}'"),
        ));
    }
    wrong
}

impl Admin<'_> {
    /// Changes what holds for the whole site. What is as the configuration says goes on following it.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] names every field that is wrong.
    pub async fn put_site(&self, wanted: SiteSettings) -> Done {
        let wrong = check_site(&wanted);
        if !wrong.is_empty() {
            return Err(AdminError::Invalid(wrong));
        }
        let rules = check_rules(&wanted.rules).map_err(AdminError::Invalid)?;
        let default = settings(self.base);
        let stored = self.store.site().await?;
        let row = SiteRow {
            rules: differs(&rules, &self.base.site.default_restrictions),
            no_answer_ms: differs(&wanted.no_answer_ms, &default.no_answer_ms),
            call_waiting: differs(&wanted.call_waiting, &default.call_waiting),
            hold_music: None,
            voicemail_message_s: differs(&wanted.voicemail_message_s, &default.voicemail_message_s),
            voicemail_quota_s: differs(&wanted.voicemail_quota_s, &default.voicemail_quota_s),
            call_recording: differs(&wanted.call_recording, &default.call_recording),
            account_codes: match wanted.account_codes {
                None => stored.account_codes,
                Some(policy) => differs(&policy, &self.base.site.account_codes),
            },
            time_zone: match wanted.time_zone {
                None => stored.time_zone,
                Some(name) => {
                    Some(name).filter(|name| !name.is_empty() && default.time_zone.as_ref() != Some(name))
                }
            },
        };
        self.save_site(row).await
    }

    /// Goes back to what the configuration says.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn reset_site(&self) -> Done {
        self.save_site(SiteRow::default()).await
    }

    async fn save_site(&self, row: SiteRow) -> Done {
        let fields = changed_fields(&settings(&self.config), &settings(&self.base.with_site(&row)));
        if fields.is_empty() {
            return Ok(());
        }
        let note = self.note("site_changed", &self.base.site.name, fields);
        self.change(Change::SetSite(Box::new(row)), note).await
    }
}

fn differs<T: Clone + PartialEq>(wanted: &T, default: &T) -> Option<T> {
    (wanted != default).then(|| wanted.clone())
}
