//! Administrators' commands: what they see of the whole site, and what they change.

use super::Driver;
use super::portal::SiteChange;
use crate::admin::{Admin, site_settings};
use crate::link::{LinkHandle, ToLink};
use crate::numbers::{as_rules, explain};
use crate::store::{Store, StoreError};
use ponte_protocol::admin::{
    ADMIN_PAGE_MAX, AccountCodeSettings, AdminAnswer, AdminChange, AdminQuery, DeviceOverview,
    DeviceSettings, GroupSettings, TrunkOverview, UserOverview,
};
use ponte_protocol::{
    CommandId, DeviceId, DialString, EventBody, Mode, Outcome, Refusal, Reply, UnixMillis, UserId,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A change on its way to the store.
pub(super) struct AdminJob {
    pub user: UserId,
    pub id: CommandId,
    pub change: AdminChange,
    pub at: UnixMillis,
}

/// A change that was made, or not.
#[derive(Debug)]
pub(super) struct Administered {
    pub user: UserId,
    pub id: CommandId,
    pub answer: Result<AdminAnswer, Refusal>,
}

/// At most a page, and whether there is more.
fn page<T>(items: impl Iterator<Item = T>) -> (Vec<T>, bool) {
    let mut items: Vec<T> = items.take(ADMIN_PAGE_MAX + 1).collect();
    let more = items.len() > ADMIN_PAGE_MAX;
    items.truncate(ADMIN_PAGE_MAX);
    (items, more)
}

impl Driver {
    fn administers(&self, user: &UserId) -> bool {
        self.users.get(user).is_some_and(|entry| entry.row.administrator)
    }

    /// Answers what changes nothing; no ledger keeps it.
    pub(super) fn admin_query(&mut self, user: &UserId, id: CommandId, query: AdminQuery) {
        if !self.administers(user) {
            return self.send_reply(user, Reply::refused(id, Refusal::NotPermitted));
        }
        let answer = match query {
            AdminQuery::Users {
                after,
                find,
                telecommuting,
            } => self.overview_of_users(after.as_ref(), &find, telecommuting),
            AdminQuery::Devices { after } => self.overview_of_devices(after.as_ref()),
            AdminQuery::Trunks => self.overview_of_trunks(),
            AdminQuery::Site => AdminAnswer::Site {
                settings: Box::new(site_settings(&self.config)),
                hold_music: Vec::new(),
            },
            AdminQuery::Explain { user: whom, number } => match self.explain_to(&whom, &number) {
                Some(answer) => answer,
                None => return self.send_reply(user, Reply::refused(id, Refusal::UnknownUser)),
            },
            AdminQuery::Destinations { user: whom } => match self.users.get(&whom) {
                Some(entry) => AdminAnswer::Destinations {
                    destinations: entry.destinations.clone(),
                },
                None => return self.send_reply(user, Reply::refused(id, Refusal::UnknownUser)),
            },
            stored => return self.read_for(user.clone(), id, stored),
        };
        let outcome = Outcome::Admin { answer };
        self.send_reply(user, Reply { id, outcome });
    }

    fn overview_of_users(&self, after: Option<&UserId>, find: &str, telecommuting: bool) -> AdminAnswer {
        let at: BTreeMap<&UserId, &DeviceId> = self
            .telephones
            .devices()
            .filter_map(|device| Some((self.switch.logged_on(device)?, device)))
            .collect();
        let find = find.trim().to_lowercase();
        let found = |name: &UserId, shown: &str, extension: &str| {
            name.as_str().contains(&find) || shown.to_lowercase().contains(&find) || extension.contains(&find)
        };
        let users = self
            .users
            .iter()
            .filter(|(name, _)| after.is_none_or(|after| *name > after))
            .filter(|(name, entry)| found(name, &entry.row.display_name, entry.row.extension.as_str()))
            .map(|(name, entry)| UserOverview {
                settings: crate::admin::settings_of(&entry.row),
                mode: self.switch.mode(name).cloned().unwrap_or(Mode::Office),
                presence: entry.presence.clone(),
                device: at.get(name).map(|device| (*device).clone()),
                portals: self.portals.get(name).copied().unwrap_or(0),
                has_pin: entry.row.pin.is_some(),
            })
            .filter(|user| !telecommuting || matches!(user.mode, Mode::Telecommuting { .. }));
        let (users, more) = page(users);
        AdminAnswer::Users { users, more }
    }

    fn overview_of_devices(&self, after: Option<&DeviceId>) -> AdminAnswer {
        let rows = self
            .telephones
            .devices()
            .filter(|device| after.is_none_or(|after| *device > after))
            .filter_map(|device| self.telephones.get(device));
        let (devices, more) = page(rows.map(|row| {
            let bindings = self.agent.bindings(row.device.as_str());
            DeviceOverview {
                settings: DeviceSettings {
                    device: row.device.clone(),
                    name: row.name.clone(),
                    owner: row.owner.clone(),
                    hot_desk: row.hot_desk,
                },
                registered: !bindings.is_empty(),
                user_agent: bindings.into_iter().find_map(|binding| binding.user_agent),
                user: self.switch.logged_on(&row.device).cloned(),
            }
        }));
        AdminAnswer::Devices { devices, more }
    }

    fn overview_of_trunks(&self) -> AdminAnswer {
        let trunks = self.trunks.iter().map(|trunk| TrunkOverview {
            name: trunk.settings.id.0.clone(),
            up: trunk.usable(),
            since: trunk.since,
            legs: self.legs.on_trunk(&trunk.settings.id),
            max_legs: trunk.settings.switch_config().max_legs,
        });
        AdminAnswer::Trunks {
            trunks: trunks.collect(),
        }
    }

    fn explain_to(&self, user: &UserId, number: &DialString) -> Option<AdminAnswer> {
        let entry = self.users.get(user)?;
        let explanation = explain(
            &entry.row,
            &self.config.site,
            &self.plan.read(number),
            self.clock.now(),
        );
        Some(AdminAnswer::Explained { explanation })
    }

    /// What the store alone has.
    fn read_for(&self, user: UserId, id: CommandId, query: AdminQuery) {
        let Some(link) = self.link.clone() else { return };
        let (base, store, now) = (Arc::clone(&self.base), self.store.clone(), self.clock.now());
        tokio::spawn(async move {
            let outcome = match read(&base, &store, query, now).await {
                Ok(answer) => Outcome::Admin { answer },
                Err(error) => {
                    tracing::error!(%error, "an administrator's question could not be answered");
                    Outcome::Refused {
                        refusal: Refusal::StoreUnavailable,
                    }
                }
            };
            reply(&link, user, Reply { id, outcome });
        });
    }

    /// Has a change made; the answer follows when it is in the store and has its effects.
    pub(super) fn admin_change(&mut self, user: &UserId, id: CommandId, change: AdminChange) {
        if !self.administers(user) {
            return self.answer(user, Reply::refused(id, Refusal::NotPermitted));
        }
        tracing::info!(%user, ?change, "an administrator changes something");
        let job = AdminJob {
            user: user.clone(),
            id,
            change,
            at: self.clock.now(),
        };
        if self.admin_jobs.try_send(job).is_err() {
            let retry_after_ms = 1_000;
            self.answer(user, Reply::refused(id, Refusal::TooFast { retry_after_ms }));
        }
    }

    /// A change was made, or not. Secrets are told, and kept nowhere.
    pub(super) fn administered(&mut self, done: Administered) {
        let Administered { user, id, answer } = done;
        match answer {
            Ok(answer) => {
                let kept = Outcome::Admin {
                    answer: answer.without_secrets(),
                };
                let outcome = Outcome::Admin { answer };
                self.answer_once(&user, Reply { id, outcome }, Reply { id, outcome: kept });
            }
            Err(refusal) => self.answer(&user, Reply::refused(id, refusal)),
        }
    }

    /// What holds for the whole site was changed; `own` are the users who have call settings of their own.
    pub(super) fn site_changed(&mut self, site: SiteChange) {
        let SiteChange { row, directory, own } = site;
        let quota_before = self.config.voicemail.quota_s;
        let config = self.base.with_site(&row).with_directory(directory.as_deref());
        self.config = Arc::new(config);
        self.external.set(directory);
        self.timetable.changed();
        self.tell(ponte_call_core::Event::TimeoutsConfigured {
            timeouts: self.config.timeouts,
        });
        let users: Vec<UserId> = self.users.keys().cloned().collect();
        for user in users {
            let no_answer_ms = self.config.site.no_answer_ms;
            if let Some(entry) = self.users.get_mut(&user)
                && !own.contains(&user)
                && entry.settings.no_answer_ms != no_answer_ms
            {
                entry.settings.no_answer_ms = no_answer_ms;
                let settings = entry.settings.clone();
                self.send_event(user.clone(), EventBody::SettingsChanged { settings });
            }
            self.configure_user(&user);
            if self.config.voicemail.quota_s != quota_before {
                self.reload_mailbox(&user);
            }
        }
    }
}

fn reply(link: &LinkHandle, user: UserId, reply: Reply) {
    link.send(ToLink::Reply { user, reply });
}

async fn read(
    base: &crate::config::Config,
    store: &Store,
    query: AdminQuery,
    now: UnixMillis,
) -> Result<AdminAnswer, StoreError> {
    let admin = Admin::open(base, store, None, now).await?;
    Ok(match query {
        AdminQuery::Dids { after } => {
            let all = admin.dids().await?.into_iter();
            let (dids, more) = page(all.filter(|did| after.as_ref().is_none_or(|after| did.number > *after)));
            AdminAnswer::Dids { dids, more }
        }
        AdminQuery::Groups { after } => {
            let all = store.groups().await?.into_iter();
            let rest = all.filter(|row| after.as_deref().is_none_or(|after| row.group.as_str() > after));
            let (groups, more) = page(rest.map(|row| GroupSettings {
                name: row.group.to_string(),
                rules: as_rules(&row.restrictions),
            }));
            AdminAnswer::Groups {
                groups,
                site: as_rules(&admin.config().site.default_restrictions),
                more,
            }
        }
        AdminQuery::Directory => {
            let row = store.directory().await?;
            AdminAnswer::Directory {
                has_password: row.as_ref().is_some_and(|row| row.password.is_some()),
                settings: row.map(|row| Box::new(row.settings)),
            }
        }
        AdminQuery::AccountCodes { after, find } => {
            let find = find.trim().to_lowercase();
            let found = |known: &AccountCodeSettings| {
                known.code.as_str().contains(&find) || known.name.to_lowercase().contains(&find)
            };
            let all = store.account_codes().await?.into_iter();
            let rest = all.filter(|known| after.as_ref().is_none_or(|after| known.code > *after));
            let (codes, more) = page(rest.filter(found));
            AdminAnswer::AccountCodes { codes, more }
        }
        AdminQuery::Audit { before, limit } => {
            let (entries, more) = store.audit(before, limit).await?;
            AdminAnswer::Audit { entries, more }
        }
        _ => AdminAnswer::Unknown,
    })
}
