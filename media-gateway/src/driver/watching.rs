//! What desk telephones are told of others, and what they tell of their users: lamps for extensions, waiting messages,
//! presence (rule T12).

use super::Driver;
use ponte_protocol::presence::STATUS_MAX;
use ponte_protocol::{Availability, CallPhase, CallView, DeviceId, Direction, Extension, Presence, UserId};
use ponte_sip::{
    DialogName, EventPackage, IncomingSubscription, PublishedPresence, ResourceState, WatchedCall,
    WatchedPhase,
};

/// The box of whoever is logged on to a telephone; no extension has such a name.
fn box_of(device: &DeviceId) -> String {
    format!("box:{device}")
}

impl Driver {
    /// A telephone wants to watch something. Every telephone of the site may see who is on a call or away; messages are
    /// for those who are logged on.
    pub(super) fn subscribe(&mut self, asked: &IncomingSubscription) {
        let now = self.clock.sip_now();
        let granted = self.watched(asked);
        let settled = match &granted {
            Ok(resource) => self.agent.accept_subscription(now, asked.id, resource),
            Err(status) => self.agent.reject_subscription(now, asked.id, *status),
        };
        tracing::debug!(account = %asked.account, package = asked.package.as_str(), ?granted, "a subscription");
        if let Err(error) = settled {
            tracing::debug!(%error, "a subscription was gone already");
        }
    }

    /// The resource that a subscription is about, or why there is none.
    fn watched(&self, asked: &IncomingSubscription) -> Result<String, u16> {
        let extension = asked.resource.parse::<Extension>().ok();
        match asked.package {
            EventPackage::Dialog | EventPackage::Presence => {
                let known = extension
                    .filter(|extension| self.users.values().any(|entry| entry.row.extension == *extension));
                known.map(|extension| extension.as_str().to_owned()).ok_or(404)
            }
            EventPackage::MessageSummary => {
                let device: DeviceId = asked.account.parse().map_err(|_| 403_u16)?;
                let own = asked.resource == asked.account
                    || self
                        .switch
                        .logged_on(&device)
                        .and_then(|user| self.users.get(user))
                        .is_some_and(|entry| extension.as_ref() == Some(&entry.row.extension));
                if own { Ok(box_of(&device)) } else { Err(403) }
            }
        }
    }

    /// Tells the telephones what became of a user's calls and presence.
    pub(super) fn show_user(&mut self, user: &UserId) {
        self.company.touch(user);
        let Some(entry) = self.users.get(user) else { return };
        let extension = entry.row.extension.as_str().to_owned();
        let presence = presence_state(&entry.presence);
        let calls = self.switch.calls(user);
        let calls = calls.iter().filter_map(|call| {
            let name = self
                .switch
                .takeable(call.id)
                .map(|who| self.names_of_calls.of(call.id, who));
            watched_call(call, name)
        });
        let calls = calls.collect();
        let now = self.clock.sip_now();
        self.agent
            .set_state(now, &extension, ResourceState::Dialog(calls));
        self.agent.set_state(now, &extension, presence);
    }

    /// Tells a telephone how many messages wait for whoever is logged on.
    pub(super) fn show_box(&mut self, device: &DeviceId) {
        let entry = self
            .switch
            .logged_on(device)
            .and_then(|user| self.users.get(user));
        let (new, old) = entry.map_or((0, 0), |entry| {
            let mailbox = &entry.mailbox;
            (mailbox.unheard, mailbox.total.saturating_sub(mailbox.unheard))
        });
        self.agent.set_state(
            self.clock.sip_now(),
            &box_of(device),
            ResourceState::MessageSummary { new, old },
        );
    }

    /// Tells the telephones that the user is logged on to.
    pub(super) fn show_boxes_of(&mut self, user: &UserId) {
        for device in self.telephones_of(user) {
            self.show_box(&device);
        }
    }

    /// The telephones that the user is logged on to.
    pub(super) fn telephones_of(&self, user: &UserId) -> Vec<DeviceId> {
        let devices = self.telephones.devices();
        let logged_on = devices.filter(|device| self.switch.logged_on(device) == Some(user));
        logged_on.cloned().collect()
    }

    /// A telephone tells of its user; what it takes back changes nothing.
    pub(super) fn published(&mut self, account: &str, presence: Option<PublishedPresence>) {
        let Some(presence) = presence else { return };
        let device = account.parse::<DeviceId>().ok();
        let user = device.and_then(|device| self.switch.logged_on(&device)).cloned();
        let Some(user) = user else { return };
        let Some(entry) = self.users.get(&user) else {
            return;
        };
        let availability = availability(&presence).unwrap_or(entry.presence.availability);
        let status = presence.note.as_deref().map(clean_status);
        let status = status.unwrap_or_else(|| entry.presence.status.clone());
        if (availability, &status) == (entry.presence.availability, &entry.presence.status) {
            return;
        }
        let until = entry
            .presence
            .status_until
            .filter(|_| status == entry.presence.status);
        self.set_presence(&user, availability, &status, until);
    }
}

/// What a telephone says in the words of RFC 4480; `None`: nothing that Ponte does not know better.
fn availability(presence: &PublishedPresence) -> Option<Availability> {
    for activity in &presence.activities {
        match activity.as_str() {
            "dnd" | "do-not-disturb" => return Some(Availability::DoNotDisturb),
            "busy" | "meeting" | "presentation" => return Some(Availability::Busy),
            "away" | "meal" | "holiday" | "vacation" | "sleeping" | "travel" | "in-transit" => {
                return Some(Availability::Away);
            }
            // Being on a call is known here.
            "on-the-phone" => return None,
            _ => {}
        }
    }
    Some(if presence.open {
        Availability::Available
    } else {
        Availability::Away
    })
}

/// A note as a status message: one line, not too long.
fn clean_status(note: &str) -> String {
    let line: String = note
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(STATUS_MAX)
        .collect();
    line.trim().to_owned()
}

fn presence_state(presence: &Presence) -> ResourceState {
    let word = match presence.availability {
        _ if !presence.status.is_empty() => Some(presence.status.as_str()),
        Availability::Busy => Some("Busy"),
        Availability::Away => Some("Away"),
        Availability::DoNotDisturb => Some("Do not disturb"),
        _ if presence.on_call => Some("On a call"),
        _ => None,
    };
    ResourceState::Presence {
        open: presence.availability != Availability::DoNotDisturb,
        note: word.map(str::to_owned),
    }
}

/// A call as a lamp shows it; who is at the other end is not for every telephone of the site. `name`: for those who may take
/// it over.
fn watched_call(call: &CallView, name: Option<DialogName>) -> Option<WatchedCall> {
    let outgoing = call.direction == Direction::Outgoing;
    let phase = match call.phase {
        CallPhase::CallingUser if outgoing => WatchedPhase::Trying,
        CallPhase::CallingUser
        | CallPhase::Ringing
        | CallPhase::Waiting { .. }
        | CallPhase::Confirming { .. }
        | CallPhase::CallingFar => WatchedPhase::Early,
        CallPhase::Connected { .. }
        | CallPhase::Held { .. }
        | CallPhase::Rejoining { .. }
        | CallPhase::FarFailed { .. } => WatchedPhase::Confirmed,
        CallPhase::Voicemail { .. }
        | CallPhase::Transferring { .. }
        | CallPhase::Transferred { .. }
        | CallPhase::Parked { .. }
        | CallPhase::Ending
        | CallPhase::Unknown => return None,
    };
    Some(WatchedCall {
        id: call.id.to_string(),
        outgoing,
        phase,
        remote: None,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(open: bool, activities: &[&str]) -> Option<Availability> {
        availability(&PublishedPresence {
            open,
            note: None,
            activities: activities.iter().map(ToString::to_string).collect(),
        })
    }

    #[test]
    fn t12_what_a_telephone_publishes_is_the_users_presence() {
        assert_eq!(says(true, &[]), Some(Availability::Available));
        assert_eq!(says(false, &[]), Some(Availability::Away));
        assert_eq!(says(true, &["unknown", "busy"]), Some(Availability::Busy));
        assert_eq!(says(true, &["dnd"]), Some(Availability::DoNotDisturb));
        assert_eq!(says(true, &["on-the-phone"]), None);
    }

    #[test]
    fn t12_a_status_message_is_one_short_line() {
        assert_eq!(clean_status(" Back\r\nat 15 "), "Back  at 15");
        assert_eq!(clean_status(&"x".repeat(300)).len(), STATUS_MAX);
    }

    #[test]
    fn t12_telephones_see_the_status_before_the_word() {
        let note = |presence: &Presence| match presence_state(presence) {
            ResourceState::Presence { open, note } => (open, note),
            other => panic!("{other:?}"),
        };
        let mut presence = Presence::default();
        assert_eq!(note(&presence), (true, None));
        presence.on_call = true;
        assert_eq!(note(&presence), (true, Some("On a call".into())));
        presence.availability = Availability::DoNotDisturb;
        assert_eq!(note(&presence), (false, Some("Do not disturb".into())));
        presence.status = "In a meeting".into();
        assert_eq!(note(&presence), (false, Some("In a meeting".into())));
    }
}
