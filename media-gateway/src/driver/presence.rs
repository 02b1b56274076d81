//! What users set of themselves: presence, status message, how calls are treated (rules T9 and T12).

use super::Driver;
use ponte_call_core::Event;
use ponte_protocol::{
    Availability, CallPhase, CallSettings, EventBody, Outcome, Presence, Refusal, UnixMillis, UserId,
};
use std::time::Instant;

impl Driver {
    /// The change that is taken last holds, on every client.
    pub(super) fn set_presence(
        &mut self,
        user: &UserId,
        availability: Availability,
        status: &str,
        status_until: Option<UnixMillis>,
    ) -> Outcome {
        let now = self.clock.now();
        let Some(entry) = self.users.get_mut(user) else {
            return Outcome::Refused {
                refusal: Refusal::UnknownUser,
            };
        };
        let status = status.trim();
        let over = status_until.is_some_and(|until| until <= now);
        let (status, status_until) = if status.is_empty() || over {
            (String::new(), None)
        } else {
            (status.to_owned(), status_until)
        };
        entry.presence = Presence {
            availability,
            status,
            status_until,
            since: now,
            on_call: entry.presence.on_call,
        };
        self.status_ends_at(status_until);
        self.presence_changed(user, true);
        Outcome::Accepted { call: None }
    }

    pub(super) fn set_call_settings(&mut self, user: &UserId, settings: CallSettings) -> Outcome {
        let Some(entry) = self.users.get_mut(user) else {
            return Outcome::Refused {
                refusal: Refusal::UnknownUser,
            };
        };
        entry.settings = settings.clone();
        drop(self.store.save_call_settings(user.clone(), settings.clone()));
        self.configure_user(user);
        self.send_event(user.clone(), EventBody::SettingsChanged { settings });
        Outcome::Accepted { call: None }
    }

    /// Tells the switch how a user is to be served.
    pub(super) fn configure_user(&mut self, user: &UserId) {
        let Some(entry) = self.users.get(user) else { return };
        let (site, now) = (&self.config.site, self.clock.now());
        let mut config = entry
            .row
            .switch_config(site, &entry.settings, &entry.presence, now);
        self.add_treatment(user, &mut config);
        self.tell(Event::UserConfigured {
            config: Box::new(config),
        });
        self.show_takes_of(user);
    }

    pub(super) fn presence_changed(&mut self, user: &UserId, keep: bool) {
        let Some(entry) = self.users.get(user) else { return };
        let presence = entry.presence.clone();
        if keep {
            drop(self.store.save_presence(user.clone(), presence.clone()));
            self.configure_user(user);
        }
        self.send_event(user.clone(), EventBody::PresenceChanged { presence });
        self.show_user(user);
    }

    /// A call of the user began, changed or ended: being on a call is shown by itself.
    pub(super) fn show_on_call(&mut self, user: &UserId) {
        let on_call = self.switch.calls(user).iter().any(|call| {
            matches!(
                call.phase,
                CallPhase::Connected { .. }
                    | CallPhase::Held { .. }
                    | CallPhase::Rejoining { .. }
                    | CallPhase::CallingFar
            )
        });
        let Some(entry) = self.users.get_mut(user) else {
            return;
        };
        if entry.presence.on_call != on_call {
            entry.presence.on_call = on_call;
            self.presence_changed(user, false);
        }
    }

    /// When [`Self::end_statuses`] wants to be called at the latest.
    pub(super) fn next_status_end(&self) -> Option<Instant> {
        self.status_end.map(|until| self.clock.instant(until))
    }

    /// Somebody's status message is to be taken away then.
    pub(super) fn status_ends_at(&mut self, until: Option<UnixMillis>) {
        self.status_end = self.status_end.into_iter().chain(until).min();
    }

    /// Takes away the status messages whose time is over.
    pub(super) fn end_statuses(&mut self) {
        let now = self.clock.now();
        let over = |presence: &Presence| presence.status_until.is_some_and(|until| until <= now);
        let users: Vec<UserId> = self
            .users
            .iter()
            .filter(|(_, entry)| over(&entry.presence))
            .map(|(user, _)| user.clone())
            .collect();
        for user in users {
            if let Some(entry) = self.users.get_mut(&user) {
                entry.presence.status.clear();
                entry.presence.status_until = None;
                entry.presence.since = now;
            }
            self.presence_changed(&user, true);
        }
        let ends = self
            .users
            .values()
            .filter_map(|entry| entry.presence.status_until);
        self.status_end = ends.min();
    }
}
