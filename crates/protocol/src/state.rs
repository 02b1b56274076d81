//! A user's whole state and how events change it: the one reducer that edge and portal share.

use crate::json::{FromJson, ToJson};
use crate::{
    CallProfile, CallQuality, CallRecord, CallRules, CallSettings, CallView, ContactBook, DeskUse, EventBody,
    Mailbox, Mode, ParkedCall, PersistentLeg, Presence, SavedDestination, ScheduleEntry, StationView,
    UserProfile,
};
use serde::{Deserialize, Serialize};

/// The most records a state carries; older ones are fetched.
pub const STATE_LOG_MAX: usize = 50;

/// Everything a portal shows of one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct UserState {
    pub profile: UserProfile,
    pub mode: Mode,
    pub destinations: Vec<SavedDestination>,
    /// Calls that are up, oldest first.
    pub calls: Vec<CallView>,
    /// The newest records, newest first, at most [`STATE_LOG_MAX`].
    pub log: Vec<CallRecord>,
    /// Telephones the user is logged on to or may log on to.
    #[serde(default)]
    pub stations: Vec<StationView>,
    #[serde(default)]
    pub presence: Presence,
    #[serde(default)]
    pub mailbox: Mailbox,
    #[serde(default)]
    pub settings: CallSettings,
    #[serde(default)]
    pub rules: CallRules,
    #[serde(default)]
    pub profiles: Vec<CallProfile>,
    #[serde(default)]
    pub schedule: Vec<ScheduleEntry>,
    /// All calls of the site that wait to be fetched, by slot.
    #[serde(default)]
    pub parked: Vec<ParkedCall>,
    /// The user's own directory.
    #[serde(default)]
    pub contacts: ContactBook,
    #[serde(default)]
    pub persistent_leg: PersistentLeg,
    /// Why portals offer to leave telecommuter mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk_used: Option<DeskUse>,
    /// Of calls that are up, where it is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quality: Vec<CallQuality>,
}

impl UserState {
    /// Applies one event. Applying the same event again changes nothing.
    pub fn apply(&mut self, event: &EventBody) {
        match event {
            EventBody::State { state } => self.clone_from(state),
            EventBody::ProfileChanged { profile } => self.profile.clone_from(profile),
            EventBody::ModeChanged { mode } => {
                self.mode.clone_from(mode);
                self.desk_used = None;
            }
            EventBody::DeskUsed { used } => self.desk_used.clone_from(used),
            EventBody::DestinationsChanged { destinations } => self.destinations.clone_from(destinations),
            EventBody::CallChanged { call } => {
                // An end may overtake a change on its way through a resend; an ended call does not come back.
                if self.log.iter().any(|record| record.id == call.id) {
                    return;
                }
                match self.calls.iter_mut().find(|known| known.id == call.id) {
                    Some(known) => known.clone_from(call),
                    None => self.calls.push(call.clone()),
                }
            }
            EventBody::CallEnded { call, record } => {
                self.calls.retain(|known| known.id != *call);
                self.quality.retain(|known| known.call != *call);
                if self.log.iter().all(|known| known.id != record.id) {
                    let place = self
                        .log
                        .partition_point(|known| known.started_at > record.started_at);
                    self.log.insert(place, record.clone());
                    self.log.truncate(STATE_LOG_MAX);
                }
            }
            EventBody::RecordChanged { record } => {
                if let Some(known) = self.log.iter_mut().find(|known| known.id == record.id) {
                    known.clone_from(record);
                }
            }
            EventBody::QualityChanged { quality } => {
                self.quality.retain(|known| known.call != quality.call);
                if self.calls.iter().any(|known| known.id == quality.call) && !quality.legs.is_empty() {
                    self.quality.push(quality.clone());
                }
            }
            EventBody::StationsChanged { stations } => self.stations.clone_from(stations),
            EventBody::PresenceChanged { presence } => self.presence.clone_from(presence),
            EventBody::MailboxChanged { mailbox } => self.mailbox.clone_from(mailbox),
            EventBody::SettingsChanged { settings } => self.settings.clone_from(settings),
            EventBody::RulesChanged { rules } => self.rules.clone_from(rules),
            EventBody::ProfilesChanged { profiles } => self.profiles.clone_from(profiles),
            EventBody::PersistentLegChanged { leg } => self.persistent_leg = *leg,
            EventBody::ScheduleChanged { schedule } => self.schedule.clone_from(schedule),
            EventBody::ParkingChanged { parked } => self.parked.clone_from(parked),
            EventBody::ContactsChanged { book, .. } => self.contacts = *book,
            EventBody::GatewayChanged { .. } | EventBody::Unknown => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::*;

    fn state() -> UserState {
        let number: E164 = "+390212345600".parse().unwrap();
        UserState {
            profile: UserProfile {
                user: "anna".parse().unwrap(),
                display_name: "Anna".into(),
                extension: "201".parse().unwrap(),
                telecommuter_allowed: true,
                call_waiting_allowed: false,
                voicemail_allowed: false,
                pick_up_allowed: true,
                browser_allowed: false,
                recording_allowed: false,
                administrator: false,
                caller_id: CallerId { number, name: None },
                country: "IT".into(),
                language: "it".into(),
                emergency_numbers: vec!["112".into()],
                external_directory: None,
                account_codes: AccountCodePolicy::Off,
            },
            mode: Mode::Office,
            destinations: vec![],
            calls: vec![],
            log: vec![],
            stations: vec![],
            presence: Presence::default(),
            mailbox: Mailbox::default(),
            settings: CallSettings::default(),
            rules: CallRules::default(),
            profiles: vec![],
            schedule: vec![],
            parked: vec![],
            contacts: ContactBook::default(),
            persistent_leg: PersistentLeg::Off,
            desk_used: None,
            quality: vec![],
        }
    }

    fn call(n: u128) -> CallView {
        CallView {
            id: CallId(uuid::Uuid::from_u128(n)),
            direction: Direction::Outgoing,
            dialled: "0212345678".parse().unwrap(),
            phase: CallPhase::CallingUser,
            started_at: UnixMillis(n as u64),
            legs: vec![],
            held_by_far: false,
            muted: false,
            moving: None,
            conference: None,
            recorded_since: None,
            account_code: None,
        }
    }

    fn ended(n: u128) -> EventBody {
        let cause = Cause {
            reason: CauseReason::NormalClearing,
            class: FailureClass::Success,
            q850: Some(16),
            sip: None,
        };
        let record = CallRecord {
            id: CallId(uuid::Uuid::from_u128(n)),
            user: "anna".parse().unwrap(),
            direction: Direction::Outgoing,
            dialled: "0212345678".parse().unwrap(),
            number: "+390212345678".into(),
            name: None,
            started_at: UnixMillis(n as u64),
            connected_at: None,
            ended_at: UnixMillis(n as u64 + 5),
            cause,
            ended_by: EndedBy::Portal,
            message: None,
            recordings: vec![],
            account_code: None,
            legs: vec![],
        };
        EventBody::CallEnded {
            call: record.id,
            record,
        }
    }

    #[test]
    fn a_call_comes_changes_and_goes_into_the_log() {
        let mut state = state();
        state.apply(&EventBody::CallChanged { call: call(1) });
        let changed = CallView {
            phase: CallPhase::CallingFar,
            ..call(1)
        };
        state.apply(&EventBody::CallChanged {
            call: changed.clone(),
        });
        assert_eq!(state.calls, [changed]);
        state.apply(&ended(1));
        assert!(state.calls.is_empty());
        assert_eq!(state.log.len(), 1);
    }

    #[test]
    fn an_event_seen_twice_or_late_changes_nothing() {
        let mut state = state();
        state.apply(&ended(1));
        state.apply(&ended(1));
        state.apply(&EventBody::CallChanged { call: call(1) });
        assert!(state.calls.is_empty());
        assert_eq!(state.log.len(), 1);
    }

    #[test]
    fn t18_a_record_that_is_booked_afterwards_changes_in_its_place() {
        let mut state = state();
        state.apply(&ended(1));
        state.apply(&ended(2));
        let EventBody::CallEnded { record, .. } = ended(1) else {
            unreachable!()
        };
        let booked = CallRecord {
            account_code: Some(BookedCode {
                code: "1042".parse().unwrap(),
                name: "Rossi".into(),
            }),
            ..record
        };
        let changed = EventBody::RecordChanged {
            record: booked.clone(),
        };
        state.apply(&changed);
        state.apply(&changed);
        assert_eq!(state.log.len(), 2);
        assert_eq!(state.log[1], booked);
        assert_eq!(state.log[0].account_code, None);
    }

    #[test]
    fn t03_an_offer_to_leave_goes_with_the_mode_that_it_is_about() {
        let mut state = state();
        let used = DeskUse {
            device: "desk-201".parse().unwrap(),
            name: "Window".into(),
            at: UnixMillis(5),
        };
        let offer = EventBody::DeskUsed {
            used: Some(used.clone()),
        };
        state.apply(&offer);
        assert_eq!(state.desk_used, Some(used));
        state.apply(&EventBody::DeskUsed { used: None });
        assert_eq!(state.desk_used, None);
        state.apply(&offer);
        state.apply(&EventBody::ModeChanged { mode: Mode::Office });
        assert_eq!(state.desk_used, None);
    }

    #[test]
    fn quality_is_of_calls_that_are_up() {
        let mut state = state();
        let quality = CallQuality {
            call: call(1).id,
            legs: vec![LegQuality {
                role: LegRole::User,
                from_telephone: Some(Quality {
                    loss_per_mille: 80,
                    jitter_ms: 40,
                    mos_tenths: 28,
                }),
                to_telephone: None,
            }],
        };
        let told = EventBody::QualityChanged {
            quality: quality.clone(),
        };
        state.apply(&told);
        assert!(state.quality.is_empty());
        state.apply(&EventBody::CallChanged { call: call(1) });
        state.apply(&told);
        state.apply(&told);
        assert_eq!(state.quality, [quality]);
        let nothing = CallQuality {
            call: call(1).id,
            legs: vec![],
        };
        let mut moved = state.clone();
        moved.apply(&EventBody::QualityChanged { quality: nothing });
        assert!(moved.quality.is_empty());
        state.apply(&ended(1));
        assert!(state.quality.is_empty());
    }

    #[test]
    fn the_log_is_newest_first_and_bounded() {
        let mut state = state();
        for n in 1..=60 {
            state.apply(&ended(if n % 2 == 0 { n - 1 } else { n + 1 }));
        }
        assert_eq!(state.log.len(), STATE_LOG_MAX);
        assert!(
            state
                .log
                .windows(2)
                .all(|pair| pair[0].started_at > pair[1].started_at)
        );
        assert_eq!(state.log[0].started_at, UnixMillis(60));
    }
}
