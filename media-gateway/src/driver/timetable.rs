//! What begins and ends by the clock of the site: rules of a class of restriction that hold at times, and the users'
//! schedules.
//!
//! Call control knows neither weeks nor time zones. It is told anew which rules hold whenever one begins or ends. A schedule
//! switches the user to a profile, as if the user did, with the end of its time as the end of telecommuter mode; a mode that
//! the user has entered by hand is left alone. Up to when a schedule was carried out is stored, so that what began while the
//! gateway was down begins at its start, and what the user has left since does not begin again.

use super::Driver;
use crate::hours::Hours;
use crate::store::UserRow;
use jiff::tz::TimeZone;
use ponte_call_core::{Event, SwitchCommand};
use ponte_protocol::{
    Availability, CallProfile, CommandId, EventBody, Mode, Outcome, ProfilePlace, Refusal, Reply,
    ScheduleEntry, UnixMillis, UserId,
};
use std::collections::{BTreeSet, HashSet};

/// The profile that a schedule goes back to.
const OFFICE: &str = "office";

/// When something begins or ends next.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    next: Option<UnixMillis>,
    /// `next` is to be found out again.
    stale: bool,
    /// Commands that the clock gave: no portal waits for their answer.
    own: HashSet<CommandId>,
}

impl Timetable {
    /// Rules or schedules are others now.
    pub fn changed(&mut self) {
        self.stale = true;
    }

    /// When [`Driver::follow_timetable`] has something to do.
    pub fn due(&self) -> Option<UnixMillis> {
        self.next
    }

    /// Whether it is the answer to a command of its own.
    pub fn answered(&mut self, user: &UserId, reply: &Reply) -> bool {
        let own = self.own.remove(&reply.id);
        if own && let Outcome::Refused { refusal } = &reply.outcome {
            tracing::warn!(%user, %refusal, "a schedule could not be carried out");
        }
        own
    }
}

fn hours(entry: &ScheduleEntry) -> Option<Hours> {
    Hours::new(entry.days, entry.from, entry.to).ok()
}

fn hours_of_rules<'a>(row: &'a UserRow, site: &'a crate::config::SiteConfig) -> impl Iterator<Item = Hours> {
    row.rules(site).filter_map(|(_, rule)| rule.hours)
}

/// What the clock asks for between two moments.
#[derive(Debug, PartialEq, Eq)]
enum Turn<'a> {
    /// Until this time.
    Begins(&'a ScheduleEntry, UnixMillis),
    Ends(&'a ScheduleEntry),
}

/// What begins or has ended after `since` up to `now`, ends first. What has begun and ended since has only ended.
fn turns<'a>(
    schedule: &'a [ScheduleEntry],
    since: UnixMillis,
    now: UnixMillis,
    zone: &TimeZone,
) -> Vec<Turn<'a>> {
    let mut turns = Vec::new();
    let latest = |entry: &'a ScheduleEntry| Some((entry, hours(entry)?.latest(now, zone)?));
    for (entry, (_, to)) in schedule.iter().filter_map(latest) {
        if to > since && to <= now {
            turns.push(Turn::Ends(entry));
        }
    }
    for (entry, (from, to)) in schedule.iter().filter_map(latest) {
        if from > since && to > now {
            turns.push(Turn::Begins(entry, to));
        }
    }
    turns
}

impl Driver {
    /// Brings rules and schedules up to date with the clock.
    pub(super) fn follow_timetable(&mut self) {
        let now = self.clock.now();
        if std::mem::take(&mut self.timetable.stale) {
            // What a start has missed, too.
            self.follow_schedules(now);
            self.plan_timetable(now);
        }
        if self.stopping || self.timetable.next.is_none_or(|at| at > now) {
            return;
        }
        let timed: Vec<UserId> = self
            .users
            .values()
            .filter(|entry| hours_of_rules(&entry.row, &self.config.site).next().is_some())
            .map(|entry| entry.row.user.clone())
            .collect();
        for user in &timed {
            self.configure_user(user);
        }
        self.follow_schedules(now);
        self.plan_timetable(now);
    }

    fn plan_timetable(&mut self, now: UnixMillis) {
        let site = &self.config.site;
        let mut all: BTreeSet<Hours> = BTreeSet::new();
        for entry in self.users.values() {
            all.extend(hours_of_rules(&entry.row, site));
            all.extend(entry.schedule.iter().filter_map(hours));
        }
        let next = all
            .iter()
            .filter_map(|hours| hours.next_change(now, &site.time_zone));
        self.timetable.next = next.min();
    }

    fn follow_schedules(&mut self, now: UnixMillis) {
        let zone = self.config.site.time_zone.clone();
        let users: Vec<UserId> = self
            .users
            .values()
            .filter(|entry| !entry.schedule.is_empty() && entry.carried_out < now)
            .map(|entry| entry.row.user.clone())
            .collect();
        for user in users {
            let Some(entry) = self.users.get_mut(&user) else {
                continue;
            };
            let since = std::mem::replace(&mut entry.carried_out, now);
            let schedule = entry.schedule.clone();
            let turns = turns(&schedule, since, now, &zone);
            if turns.is_empty() {
                continue;
            }
            drop(self.store.save_schedule(user.clone(), schedule.clone(), now));
            for turn in turns {
                match turn {
                    Turn::Ends(entry) => self.end_scheduled(&user, entry),
                    Turn::Begins(entry, to) => self.begin_scheduled(&user, entry, to),
                }
            }
        }
    }

    fn scheduled_profile(&self, user: &UserId, name: &str) -> Option<CallProfile> {
        let mut profiles = self.users.get(user)?.profiles.iter();
        profiles.find(|profile| profile.name == name).cloned()
    }

    /// The user is switched to the profile until `to`, unless it says where the user works and the user has said so by hand.
    fn begin_scheduled(&mut self, user: &UserId, entry: &ScheduleEntry, to: UnixMillis) {
        let Some(profile) = self.scheduled_profile(user, &entry.profile) else {
            return;
        };
        let now = self.clock.now();
        let away = matches!(
            profile.place,
            ProfilePlace::Telephone { .. } | ProfilePlace::Browser
        );
        let by_hand = matches!(
            self.switch.mode(user),
            Some(Mode::Telecommuting { until, .. }) if until.is_none_or(|until| until > now)
        );
        if away && by_hand {
            tracing::info!(%user, "a schedule leaves the mode as the user has entered it");
            return;
        }
        tracing::info!(%user, "a schedule begins");
        match self.place_command(user, &profile) {
            Ok(Some(command)) => {
                self.command_by_clock(user, command.clone());
                if !self.is_carried_out(user, &command) {
                    return;
                }
            }
            Ok(None) => {}
            Err(refusal) => {
                tracing::warn!(%user, %refusal, "a schedule could not be carried out");
                return;
            }
        }
        self.apply_profile(user, &profile);
        if away {
            self.command_by_clock(user, SwitchCommand::LeaveAt { at: Some(to) });
        }
    }

    /// The mode ends by itself. What else the profile set goes back to the office's, if it is still so.
    fn end_scheduled(&mut self, user: &UserId, entry: &ScheduleEntry) {
        let (Some(profile), Some(office)) = (
            self.scheduled_profile(user, &entry.profile),
            self.scheduled_profile(user, OFFICE),
        ) else {
            return;
        };
        let Some(state) = self.users.get(user) else { return };
        let disturbed = state.presence.availability != Availability::DoNotDisturb;
        let untouched = state.settings == profile.settings
            && state.rules.forwarding == profile.forwarding
            && disturbed != profile.do_not_disturb;
        if untouched && profile.name != OFFICE {
            tracing::info!(%user, "a schedule ends");
            self.apply_profile(user, &office);
        }
    }

    fn command_by_clock(&mut self, user: &UserId, command: SwitchCommand) {
        let id = CommandId(uuid::Uuid::now_v7());
        self.timetable.own.insert(id);
        self.tell(Event::Command {
            user: user.clone(),
            id,
            command,
        });
    }

    /// What a user wants to begin and end by itself, from its next time on.
    pub(super) fn set_schedule(&mut self, user: &UserId, schedule: Vec<ScheduleEntry>) -> Outcome {
        let now = self.clock.now();
        let Some(entry) = self.users.get_mut(user) else {
            return Outcome::Refused {
                refusal: Refusal::UnknownUser,
            };
        };
        let known = |wanted: &ScheduleEntry| {
            let mut profiles = entry.profiles.iter();
            profiles.any(|profile| profile.name == wanted.profile)
        };
        if !schedule.iter().all(known) {
            return Outcome::Refused {
                refusal: Refusal::UnknownProfile,
            };
        }
        entry.carried_out = now;
        entry.schedule = schedule;
        self.schedule_changed(user);
        Outcome::Accepted { call: None }
    }

    /// A profile that is deleted is nobody's any more.
    pub(super) fn unschedule_lost_profiles(&mut self, user: &UserId) {
        let Some(entry) = self.users.get_mut(user) else {
            return;
        };
        let before = entry.schedule.len();
        let profiles = &entry.profiles;
        entry
            .schedule
            .retain(|wanted| profiles.iter().any(|profile| profile.name == wanted.profile));
        if entry.schedule.len() != before {
            self.schedule_changed(user);
        }
    }

    pub(super) fn schedule_changed(&mut self, user: &UserId) {
        self.timetable.changed();
        let Some(entry) = self.users.get(user) else { return };
        let schedule = entry.schedule.clone();
        drop(
            self.store
                .save_schedule(user.clone(), schedule.clone(), entry.carried_out),
        );
        self.send_event(user.clone(), EventBody::ScheduleChanged { schedule });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMillis {
        let zoned: jiff::Zoned = format!("{text}[Europe/Rome]").parse().unwrap();
        UnixMillis(zoned.timestamp().as_millisecond() as u64)
    }

    fn entry(text: &str, profile: &str) -> ScheduleEntry {
        let (days, from, to) = text.parse::<Hours>().unwrap().parts();
        ScheduleEntry {
            days,
            from,
            to,
            profile: profile.into(),
        }
    }

    #[test]
    fn what_begins_and_what_has_ended_is_told_once() {
        let zone = TimeZone::get("Europe/Rome").unwrap();
        let morning = entry("Mon-Fri 09:00-13:00", "home");
        let afternoon = entry("Mon-Fri 13:00-18:00", "mobile");
        let schedule = [morning.clone(), afternoon.clone()];
        let turns = |since: &str, now: &str| turns(&schedule, at(since), at(now), &zone);
        // 2026-11-23 is a Monday.
        assert_eq!(turns("2026-11-23T08:00", "2026-11-23T08:59"), []);
        assert_eq!(
            turns("2026-11-23T08:59", "2026-11-23T09:00"),
            [Turn::Begins(&morning, at("2026-11-23T13:00"))]
        );
        assert_eq!(turns("2026-11-23T09:00", "2026-11-23T12:00"), []);
        assert_eq!(
            turns("2026-11-23T12:00", "2026-11-23T13:00"),
            [
                Turn::Ends(&morning),
                Turn::Begins(&afternoon, at("2026-11-23T18:00"))
            ]
        );
        // The gateway was down from Monday to Tuesday at ten.
        assert_eq!(
            turns("2026-11-23T17:00", "2026-11-24T10:00"),
            [
                Turn::Ends(&afternoon),
                Turn::Begins(&morning, at("2026-11-24T13:00"))
            ]
        );
        assert_eq!(turns("2026-11-28T10:00", "2026-11-29T10:00"), [], "a weekend");
    }
}
