//! What users set about calls that they do not take: forwarding, exceptions, profiles (rules T6 and T9).

use super::Driver;
use super::portal::SavedState;
use crate::admin::with_built_in;
use ponte_call_core::{
    CallerNumber, Dialled, Event, ForwardTargets, SwitchCommand, SwitchDestination, UserConfig,
};
use ponte_protocol::treatment::PROFILES_MAX;
use ponte_protocol::{
    Availability, CallProfile, CallRecord, CallRules, CommandId, DestinationChoice, DialString, Direction,
    E164, EventBody, Forwarding, LegRole, Mode, Outcome, ProfilePlace, Refusal, Reply, SavedDestination,
    UnixMillis, UserId,
};

const HOUR_MS: u64 = 60 * 60 * 1000;
const ACCEPTED: Outcome = Outcome::Accepted { call: None };

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused { refusal }
}

impl Driver {
    /// Completes what the switch is told of a user: numbers are read as the plan is now.
    pub(super) fn add_treatment(&self, user: &UserId, config: &mut UserConfig) {
        let Some(entry) = self.users.get(user) else { return };
        let read = |number: &Option<DialString>| number.as_ref().map(|number| self.plan.read(number));
        let Forwarding {
            always,
            busy,
            no_answer,
        } = &entry.rules.forwarding;
        config.forwarding = ForwardTargets {
            always: read(always),
            busy: read(busy),
            no_answer: read(no_answer),
        };
        let caller = |number: &DialString| match self.plan.read(number) {
            Dialled::External { number, .. } => Some(CallerNumber::E164(number)),
            Dialled::Own { extension } => extension.map(CallerNumber::Extension),
            _ => None,
        };
        config.exceptions = entry.rules.exceptions.iter().filter_map(caller).collect();
        let proven =
            |saved: &&SavedDestination| saved.verified && self.config.telecommuting.verify_destinations;
        config.proven = entry
            .destinations
            .iter()
            .filter(proven)
            .map(|saved| saved.number.clone())
            .collect();
    }

    /// Whether calls may be forwarded so; which numbers are allowed may change later, and is looked at for each call.
    fn check_forwarding(&self, user: &UserId, forwarding: &Forwarding) -> Result<(), Refusal> {
        let Forwarding {
            always,
            busy,
            no_answer,
        } = forwarding;
        [always, busy, no_answer]
            .into_iter()
            .flatten()
            .try_for_each(|number| self.switch.check_forwarding(user, &self.plan.read(number)))
    }

    pub(super) fn set_call_rules(&mut self, user: &UserId, rules: CallRules) -> Outcome {
        if let Err(refusal) = self.check_forwarding(user, &rules.forwarding) {
            return refused(refusal);
        }
        let Some(entry) = self.users.get_mut(user) else {
            return refused(Refusal::UnknownUser);
        };
        entry.rules = rules;
        self.rules_changed(user);
        self.configure_user(user);
        ACCEPTED
    }

    fn rules_changed(&self, user: &UserId) {
        let Some(entry) = self.users.get(user) else { return };
        let rules = entry.rules.clone();
        drop(self.store.save_call_rules(user.clone(), rules.clone()));
        self.send_event(user.clone(), EventBody::RulesChanged { rules });
    }

    pub(super) fn save_profile(&mut self, user: &UserId, mut profile: CallProfile) -> Outcome {
        let name = profile.name.trim().to_owned();
        profile.name = name;
        if let Err(refusal) = self.check_forwarding(user, &profile.forwarding) {
            return refused(refusal);
        }
        let Some(entry) = self.users.get_mut(user) else {
            return refused(Refusal::UnknownUser);
        };
        if let ProfilePlace::Telephone {
            destination: Some(destination),
        } = &profile.place
            && entry.destinations.iter().all(|saved| saved.id != *destination)
        {
            return refused(Refusal::UnknownDestination);
        }
        let full = entry.profiles.len() >= PROFILES_MAX;
        match entry.profiles.iter_mut().find(|known| known.name == profile.name) {
            Some(known) => known.clone_from(&profile),
            None if full => return refused(Refusal::CapReached),
            None => entry.profiles.push(profile.clone()),
        }
        drop(self.store.save_profile(user.clone(), profile));
        self.profiles_changed(user);
        ACCEPTED
    }

    /// A built-in profile is set back to what it was at first.
    pub(super) fn delete_profile(&mut self, user: &UserId, name: &str) -> Outcome {
        let Some(entry) = self.users.get_mut(user) else {
            return refused(Refusal::UnknownUser);
        };
        let Some(place) = entry.profiles.iter().position(|profile| profile.name == name) else {
            return refused(Refusal::UnknownProfile);
        };
        let before = CallProfile::built_in()
            .into_iter()
            .find(|profile| profile.name == name);
        match before {
            Some(built_in) => entry.profiles[place] = built_in,
            None => {
                entry.profiles.remove(place);
            }
        }
        drop(self.store.delete_profile(user.clone(), name.to_owned()));
        self.profiles_changed(user);
        self.unschedule_lost_profiles(user);
        ACCEPTED
    }

    /// An administrator has set settings, rules, profiles or schedule of a user. They are stored again: a change of the
    /// user's own, which the store has got a moment later, may have gone over them there.
    pub(super) fn take_over_treatment(&mut self, saved: &SavedState) {
        let user = &saved.row.user;
        let profiles = with_built_in(saved.profiles.clone());
        let default = self.config.site.call_settings();
        let Some(entry) = self.users.get_mut(user) else {
            return;
        };
        entry.treatment_version = saved.treatment_version;
        let settings = entry.settings != saved.settings;
        let rules = entry.rules != saved.rules;
        let lost: Vec<String> = entry
            .profiles
            .iter()
            .map(|profile| profile.name.clone())
            .collect();
        let profiles_differ = entry.profiles != profiles;
        entry.settings.clone_from(&saved.settings);
        entry.rules.clone_from(&saved.rules);
        entry.profiles = profiles;
        let (schedule, carried_out) = saved.schedule.clone().unwrap_or_default();
        let schedule_differs = entry.schedule != schedule;
        if schedule_differs {
            entry.schedule = schedule;
            entry.carried_out = carried_out;
        }
        if settings {
            let settings = saved.settings.clone();
            if settings != default {
                drop(self.store.save_call_settings(user.clone(), settings.clone()));
            }
            self.send_event(user.clone(), EventBody::SettingsChanged { settings });
        }
        if rules {
            self.rules_changed(user);
        }
        if profiles_differ {
            for name in lost {
                if saved.profiles.iter().all(|profile| profile.name != name) {
                    drop(self.store.delete_profile(user.clone(), name));
                }
            }
            for profile in &saved.profiles {
                drop(self.store.save_profile(user.clone(), profile.clone()));
            }
            self.profiles_changed(user);
        }
        if schedule_differs {
            self.schedule_changed(user);
        }
        self.unschedule_lost_profiles(user);
        self.configure_user(user);
    }

    fn profiles_changed(&self, user: &UserId) {
        let Some(entry) = self.users.get(user) else { return };
        let profiles = entry.profiles.clone();
        self.send_event(user.clone(), EventBody::ProfilesChanged { profiles });
    }

    /// Everything that the profile sets; where its place is refused, nothing changes.
    pub(super) fn switch_profile(&mut self, user: &UserId, id: CommandId, name: &str) {
        let profile = self
            .users
            .get(user)
            .and_then(|entry| entry.profiles.iter().find(|profile| profile.name == name))
            .cloned();
        let Some(profile) = profile else {
            return self.answer(user, Reply::refused(id, Refusal::UnknownProfile));
        };
        let command = match self.place_command(user, &profile) {
            Ok(command) => command,
            Err(refusal) => return self.answer(user, Reply::refused(id, refusal)),
        };
        match command {
            Some(command) => {
                self.tell(Event::Command {
                    user: user.clone(),
                    id,
                    command: command.clone(),
                });
                // The switch has answered the command; its answer is on its way.
                if !self.is_carried_out(user, &command) {
                    return;
                }
            }
            None => self.answer(
                user,
                Reply {
                    id,
                    outcome: ACCEPTED,
                },
            ),
        }
        self.apply_profile(user, &profile);
    }

    pub(super) fn place_command(
        &self,
        user: &UserId,
        profile: &CallProfile,
    ) -> Result<Option<SwitchCommand>, Refusal> {
        let enter = |destination| Ok(Some(SwitchCommand::EnterTelecommuter { destination }));
        match &profile.place {
            ProfilePlace::Unchanged => Ok(None),
            ProfilePlace::Office => Ok(Some(SwitchCommand::LeaveTelecommuter)),
            ProfilePlace::Browser => enter(SwitchDestination::Browser),
            ProfilePlace::Telephone {
                destination: Some(destination),
            } => {
                let choice = DestinationChoice::Saved {
                    destination: *destination,
                };
                match self.destination(user, choice)? {
                    SwitchDestination::Number {
                        dialled,
                        label,
                        confirm,
                    } => enter(SwitchDestination::Number {
                        dialled,
                        label,
                        confirm: profile.confirm.or(confirm),
                    }),
                    place @ (SwitchDestination::Browser | SwitchDestination::Desk) => enter(place),
                }
            }
            ProfilePlace::Telephone { destination: None } => Err(Refusal::UnknownDestination),
            ProfilePlace::Unknown => Err(Refusal::Unsupported),
        }
    }

    /// Whether the user is where the command has put them.
    pub(super) fn is_carried_out(&self, user: &UserId, command: &SwitchCommand) -> bool {
        let Some(mode) = self.switch.mode(user) else {
            return false;
        };
        match (command, mode) {
            (SwitchCommand::LeaveTelecommuter, mode) => *mode == Mode::Office,
            (
                SwitchCommand::EnterTelecommuter {
                    destination:
                        SwitchDestination::Number {
                            dialled: Dialled::External { number, .. },
                            ..
                        },
                },
                Mode::Telecommuting {
                    destination: ponte_protocol::Destination::Number { number: entered, .. },
                    ..
                },
            ) => number == entered,
            (
                SwitchCommand::EnterTelecommuter {
                    destination: SwitchDestination::Browser,
                },
                Mode::Telecommuting { destination, .. },
            ) => *destination == ponte_protocol::Destination::Browser,
            _ => false,
        }
    }

    /// What it sets beside the place.
    pub(super) fn apply_profile(&mut self, user: &UserId, profile: &CallProfile) {
        let now = self.clock.now();
        let Some(entry) = self.users.get_mut(user) else {
            return;
        };
        let settings = (entry.settings != profile.settings).then(|| profile.settings.clone());
        let forwards = entry.rules.forwarding != profile.forwarding;
        let availability = match (profile.do_not_disturb, entry.presence.availability) {
            (true, Availability::DoNotDisturb) => None,
            (true, _) => Some(Availability::DoNotDisturb),
            (false, Availability::DoNotDisturb) => Some(Availability::Available),
            (false, _) => None,
        };
        entry.settings.clone_from(&profile.settings);
        entry.rules.forwarding.clone_from(&profile.forwarding);
        if let Some(settings) = settings {
            drop(self.store.save_call_settings(user.clone(), settings.clone()));
            self.send_event(user.clone(), EventBody::SettingsChanged { settings });
        }
        if forwards {
            self.rules_changed(user);
        }
        if let (Some(availability), Some(entry)) = (availability, self.users.get_mut(user)) {
            entry.presence.availability = availability;
            entry.presence.since = now;
            self.presence_changed(user, true);
        }
        self.configure_user(user);
    }

    /// What the log tells of telephones at which somebody has confirmed, and of others that were called.
    pub(super) fn restore_attempts(&mut self, user: &UserId, log: &[CallRecord]) {
        let (confirmed, attempts) = attempts(self.clock.now(), log);
        self.tell(Event::AttemptsRestored {
            user: user.clone(),
            confirmed,
            attempts,
        });
    }
}

/// Numbers of the user at which calls came to be, and when others were called in the last hour, oldest first.
fn attempts(now: UnixMillis, log: &[CallRecord]) -> (Vec<E164>, Vec<(E164, UnixMillis)>) {
    let mut confirmed: Vec<E164> = Vec::new();
    let mut attempts: Vec<(E164, UnixMillis)> = Vec::new();
    for record in log.iter().rev() {
        let reached = match record.direction {
            Direction::Incoming => record.connected_at.is_some(),
            Direction::Outgoing => record.legs.iter().any(|leg| leg.role == LegRole::Far),
        };
        let telephones = record
            .legs
            .iter()
            .filter(|leg| leg.role == LegRole::User && leg.device.is_none());
        for leg in telephones {
            let Ok(number) = leg.number.parse::<E164>() else {
                continue;
            };
            if reached && leg.answered_at.is_some() {
                if !confirmed.contains(&number) {
                    confirmed.push(number);
                }
            } else if now.since(leg.started_at) < HOUR_MS {
                attempts.push((number, leg.started_at));
            }
        }
    }
    (confirmed, attempts)
}
