//! What the portals are shown: users, states, the log.

use super::admin::Administered;
use super::work::Done;
use super::{Driver, UserEntry};
use crate::contacts::AddressBook;
use crate::link::{FromLink, ToLink};
use crate::store::{DeviceRow, DidRow, DirectoryRow, Invitation, SiteRow, StoreError, UserRow};
use ponte_call_core::Event;
use ponte_protocol::admin::AccountCodeSettings;
use ponte_protocol::link::LinkUser;
use ponte_protocol::state::STATE_LOG_MAX;
use ponte_protocol::{
    CallProfile, CallQuality, CallRecord, CallRules, CallSettings, Direction, EventBody, Mailbox, Mode,
    Presence, SavedDestination, ScheduleEntry, UnixMillis, UserId, UserState,
};

const HOUR_MS: u64 = 60 * 60 * 1000;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A user with everything that the store keeps of it.
#[derive(Debug)]
pub(super) struct SavedState {
    pub row: UserRow,
    pub mode: Option<Mode>,
    pub destinations: Vec<SavedDestination>,
    /// Newest first: at least as many as a state carries, and those of the last day.
    pub log: Vec<CallRecord>,
    pub settings: CallSettings,
    pub rules: CallRules,
    pub profiles: Vec<CallProfile>,
    /// And up to when it was carried out.
    pub schedule: Option<(Vec<ScheduleEntry>, UnixMillis)>,
    /// How often an administrator has set settings, rules, profiles or schedule.
    pub treatment_version: u64,
    pub presence: Presence,
    pub mailbox: Mailbox,
    pub contacts: AddressBook,
}

/// What holds for the whole site.
#[derive(Debug)]
pub(super) struct SiteChange {
    pub row: SiteRow,
    pub directory: Option<Box<DirectoryRow>>,
    /// Who has call settings of their own.
    pub own: BTreeSet<UserId>,
}

/// What changed in the store.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub users: Option<Vec<SavedState>>,
    pub site: Option<SiteChange>,
    pub invitations: Vec<Invitation>,
    pub devices: Option<Vec<DeviceRow>>,
    pub dids: Option<Vec<DidRow>>,
    pub account_codes: Option<Vec<AccountCodeSettings>>,
    /// The administrator's change that made them, to be answered after its effects.
    pub administered: Option<Administered>,
}

impl Driver {
    pub(super) fn hear_link(&mut self, message: FromLink) {
        match message {
            FromLink::Up { states } => {
                metrics::gauge!("ponte_link_up").set(1.0);
                self.forget_tabs();
                self.company.forget();
                self.send_users();
                self.send_invitations();
                if states {
                    let users: Vec<UserId> = self.users.keys().cloned().collect();
                    for user in &users {
                        self.send_state(user);
                    }
                }
            }
            FromLink::Down => {
                metrics::gauge!("ponte_link_up").set(0.0);
                self.portals.clear();
                // No portal reaches us now (rule T13).
                let users: Vec<UserId> = self.users.keys().cloned().collect();
                for user in users {
                    self.tell(Event::PortalsChanged { user, portals: 0 });
                }
            }
            FromLink::Command { user, command } => self.command(user, command),
            FromLink::NeedState { user } => self.send_state(&user),
            FromLink::FetchAudio {
                request,
                user,
                message,
                offset,
                length,
                own,
            } => {
                let sound = super::mailbox::Sound { message, own };
                self.fetch_audio(request, user, sound, offset, length);
            }
            FromLink::PutAudio(piece) => self.put_audio(piece),
            FromLink::Rtc {
                user,
                portal,
                request,
            } => {
                self.rtc_request(&user, portal, request);
                self.company.touch(&user);
            }
            FromLink::WatchCompany { user, portal } => self.watch_company(&user, portal),
            FromLink::PortalClosed { user, portal } => {
                self.portal_closed(&user, portal);
                self.company.touch(&user);
            }
            FromLink::Presence { user, portals } => {
                let before = self.portals.insert(user.clone(), portals);
                if before.unwrap_or(0) == 0 && portals > 0 {
                    self.quality_wanted(&user);
                }
                self.tell(Event::PortalsChanged { user, portals });
            }
        }
    }

    fn send_users(&self) {
        let users = self.users.values().map(|entry| LinkUser {
            user: entry.row.user.clone(),
            display_name: entry.row.display_name.clone(),
        });
        if let Some(link) = &self.link {
            link.send(ToLink::Users(users.collect()));
        }
    }

    pub(super) fn send_state(&self, user: &UserId) {
        let Some(entry) = self.users.get(user) else { return };
        let (mut calls, mut parked) = (self.switch.calls(user), self.switch.parked());
        for call in &mut calls {
            self.name_call(user, call);
        }
        self.name_parked(user, &mut parked);
        let known = calls.iter().map(|call| CallQuality {
            call: call.id,
            legs: self.qualities_of(call.id),
        });
        let quality = known.filter(|quality| !quality.legs.is_empty()).collect();
        let state = UserState {
            profile: entry.row.profile(&self.config.site),
            mode: self.switch.mode(user).cloned().unwrap_or(Mode::Office),
            destinations: entry.destinations.clone(),
            calls,
            log: entry.log.iter().cloned().collect(),
            stations: self.switch.stations(user),
            presence: entry.presence.clone(),
            mailbox: entry.mailbox.clone(),
            settings: entry.settings.clone(),
            rules: entry.rules.clone(),
            profiles: entry.profiles.clone(),
            schedule: entry.schedule.clone(),
            parked,
            desk_used: self.switch.desk_used(user).cloned(),
            contacts: entry.contacts.book,
            persistent_leg: self.switch.persistent_leg(user),
            quality,
        };
        self.send_event(
            user.clone(),
            EventBody::State {
                state: Box::new(state),
            },
        );
    }

    /// Keeps a record for the states to come.
    pub(super) fn remember(&mut self, record: &CallRecord) {
        if let Some(entry) = self.users.get_mut(&record.user) {
            entry.log.push_front(record.clone());
            entry.log.truncate(STATE_LOG_MAX);
        }
    }

    /// A user as the store has it, at the start.
    pub(super) fn load_user(&mut self, mut saved: SavedState) {
        let user = saved.row.user.clone();
        let mode = saved.mode;
        let (dials, talks) = usage(self.clock.now(), &saved.log);
        let log = saved.log.clone();
        saved.log.truncate(STATE_LOG_MAX);
        let (schedule, carried_out) = saved.schedule.unwrap_or_else(|| (Vec::new(), self.clock.now()));
        self.timetable.changed();
        self.status_ends_at(saved.presence.status_until);
        let entry = UserEntry {
            row: saved.row,
            destinations: saved.destinations,
            log: saved.log.into(),
            settings: saved.settings,
            rules: saved.rules,
            profiles: crate::admin::with_built_in(saved.profiles),
            schedule,
            carried_out,
            treatment_version: saved.treatment_version,
            presence: saved.presence,
            mailbox: saved.mailbox,
            contacts: saved.contacts,
        };
        self.users.insert(user.clone(), entry);
        self.configure_user(&user);
        if let Some(mode) = mode {
            self.tell(Event::ModeRestored {
                user: user.clone(),
                mode,
            });
        }
        self.restore_attempts(&user, &log);
        self.tell(Event::UsageRestored {
            user: user.clone(),
            dials,
            talks,
        });
        self.show_user(&user);
    }

    /// Sends the invitations again, after the users that they are for: the edge passes over those of users it does not
    /// know, and those that were made while the link was down are known nowhere else.
    fn send_invitations(&mut self) {
        let (store, now) = (self.store.clone(), self.clock.now());
        self.work
            .push(async move { Done::Invitations(store.pending_invitations(now).await) });
    }

    pub(super) fn invitations_loaded(&mut self, invitations: Result<Vec<Invitation>, StoreError>) {
        match invitations {
            Ok(invitations) => self.invite(invitations),
            Err(error) => tracing::error!(%error, "invitations could not be read"),
        }
    }

    fn invite(&self, invitations: Vec<Invitation>) {
        let Some(link) = &self.link else { return };
        for Invitation {
            user,
            token_hash,
            expires_at,
        } in invitations
        {
            link.send(ToLink::Invitation {
                user,
                token_hash,
                expires_at,
            });
        }
    }

    /// An administrator's command changed the store.
    pub(super) fn store_changed(&mut self, changes: Changes) {
        if let Some(dids) = changes.dids {
            self.plan = Arc::new(self.config.numbering_plan(&dids));
            // What users forward to is read anew.
            let users: Vec<UserId> = self.users.keys().cloned().collect();
            for user in &users {
                self.configure_user(user);
            }
        }
        if let Some(codes) = changes.account_codes {
            self.account_codes_changed(codes);
        }
        if let Some(site) = changes.site {
            self.site_changed(site);
        }
        if let Some(users) = changes.users {
            self.users_changed(users);
        }
        if let Some(devices) = changes.devices {
            self.telephones_changed(devices);
        }
        self.invite(changes.invitations);
        if let Some(administered) = changes.administered {
            self.administered(administered);
        }
    }

    fn users_changed(&mut self, users: Vec<SavedState>) {
        self.timetable.changed();
        let known: BTreeSet<UserId> = self.users.keys().cloned().collect();
        let now: BTreeSet<UserId> = users.iter().map(|saved| saved.row.user.clone()).collect();
        for user in known.difference(&now) {
            self.portals.remove(user);
            self.company.touch(user);
            if let Some(entry) = self.users.remove(user) {
                self.agent
                    .remove_resource(self.clock.sip_now(), entry.row.extension.as_str());
            }
            self.tell(Event::UserRemoved { user: user.clone() });
        }
        for saved in users {
            let user = saved.row.user.clone();
            let Some(entry) = self.users.get_mut(&user) else {
                self.load_user(saved);
                self.send_state(&user);
                continue;
            };
            if entry.treatment_version != saved.treatment_version {
                self.take_over_treatment(&saved);
            }
            let Some(entry) = self.users.get_mut(&user) else {
                continue;
            };
            if entry.destinations != saved.destinations {
                entry.destinations.clone_from(&saved.destinations);
                let destinations = saved.destinations;
                self.send_event(user.clone(), EventBody::DestinationsChanged { destinations });
                self.configure_user(&user);
            }
            // The switch itself tells the portals what changed.
            if let Some(entry) = self.users.get_mut(&user).filter(|entry| entry.row != saved.row) {
                let before = std::mem::replace(&mut entry.row, saved.row);
                if before.extension != entry.row.extension {
                    self.agent
                        .remove_resource(self.clock.sip_now(), before.extension.as_str());
                }
                let quota_changed = before.voicemail_quota_s != entry.row.voicemail_quota_s;
                self.configure_user(&user);
                self.show_user(&user);
                if quota_changed {
                    self.reload_mailbox(&user);
                }
            }
        }
        self.stations_changed();
        self.send_users();
    }
}

/// What of the log counts towards the caps: when numbers were dialled in the last hour, and the calls of the last day.
fn usage(now: UnixMillis, log: &[CallRecord]) -> (Vec<UnixMillis>, Vec<(UnixMillis, UnixMillis)>) {
    let outgoing = || {
        log.iter()
            .filter(|record| record.direction == Direction::Outgoing)
    };
    let dials = outgoing()
        .map(|record| record.started_at)
        .filter(|at| now.since(*at) < HOUR_MS);
    let talks = outgoing().filter(|record| now.since(record.ended_at) < DAY_MS);
    let talks = talks.filter_map(|record| Some((record.connected_at?, record.ended_at)));
    (dials.collect(), talks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::{CallId, Cause, CauseReason, EndedBy, FailureClass};

    fn record(started_at: u64, connected_at: Option<u64>, ended_at: u64) -> CallRecord {
        let cause = Cause {
            reason: CauseReason::NormalClearing,
            class: FailureClass::Success,
            q850: Some(16),
            sip: None,
        };
        CallRecord {
            id: CallId(uuid::Uuid::from_u128(u128::from(started_at))),
            user: "anna".parse().unwrap(),
            direction: Direction::Outgoing,
            dialled: "0212345678".parse().unwrap(),
            number: "+390212345678".into(),
            name: None,
            started_at: UnixMillis(started_at),
            connected_at: connected_at.map(UnixMillis),
            ended_at: UnixMillis(ended_at),
            cause,
            ended_by: EndedBy::Portal,
            message: None,
            recordings: Vec::new(),
            account_code: None,
            legs: Vec::new(),
        }
    }

    #[test]
    fn t04_a_restart_does_not_forget_what_was_dialled() {
        let now = 10 * DAY_MS;
        let recent = record(now - 60_000, Some(now - 50_000), now - 1_000);
        let today = record(now - 2 * HOUR_MS, Some(now - 2 * HOUR_MS), now - HOUR_MS);
        let old = record(now - 2 * DAY_MS, Some(now - 2 * DAY_MS), now - DAY_MS);
        let (dials, talks) = usage(UnixMillis(now), &[recent.clone(), today.clone(), old]);
        assert_eq!(dials, [recent.started_at]);
        assert_eq!(talks.len(), 2);
        assert_eq!(talks[1], (today.connected_at.unwrap(), today.ended_at));
    }
}
