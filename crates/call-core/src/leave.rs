//! Ways out of telecommuter mode beside the user's own command: by itself ("until 18:00"), and for those who are back at
//! their desk and have forgotten to leave. Calls that are up go on (rule T10).

use crate::commands::Done;
use crate::{Announcement, Effect, LegId, NumberClass, Switch, cause};
use ponte_protocol::{CauseReason, DeskUse, DeviceId, EventBody, Mode, Refusal, UnixMillis, UserId};

/// A telephone that is tried again and again tells of it once in this time, in milliseconds.
const TELL_AGAIN_MS: u64 = 60_000;

impl Switch {
    pub(crate) fn leave_at(&mut self, id: &UserId, at: Option<UnixMillis>) -> Result<Done, Refusal> {
        let user = self.known_user(id)?;
        let class = user.destination_class;
        let Mode::Telecommuting {
            destination, since, ..
        } = &user.mode
        else {
            return Err(Refusal::NotInTelecommuterMode);
        };
        if at.is_some_and(|at| at <= self.cx.now) {
            return Err(Refusal::Expired);
        }
        let mode = Mode::Telecommuting {
            destination: destination.clone(),
            since: *since,
            until: at,
        };
        self.change_mode(id, mode, class)
    }

    /// Brings the schedule up to date with the user's mode.
    pub(crate) fn schedule_leave(&mut self, id: &UserId) {
        self.leaves.retain(|(_, user)| user != id);
        if let Some(Mode::Telecommuting { until: Some(at), .. }) = self.mode(id) {
            self.leaves.insert((*at, id.clone()));
        }
    }

    pub(crate) fn next_leave(&self) -> Option<UnixMillis> {
        self.leaves.first().map(|(at, _)| *at)
    }

    pub(crate) fn leave_due(&mut self) {
        while self.next_leave().is_some_and(|at| at <= self.cx.now)
            && let Some((_, user)) = self.leaves.pop_first()
        {
            self.set_mode(&user, Mode::Office, NumberClass::Other);
        }
    }

    /// Why portals offer the user to leave telecommuter mode; `None`: they do not.
    pub fn desk_used(&self, user: &UserId) -> Option<&DeskUse> {
        self.known_user(user).ok()?.desk_used.as_ref()
    }

    /// Nobody is logged on to the telephone. Rule T3: its owner hears why, where that is because of telecommuter mode, and is
    /// asked in the portals whether it is to end.
    pub(crate) fn refuse_logged_off(&mut self, leg: LegId, device: &DeviceId) {
        let known = self.devices.get(device);
        let owner = known.and_then(|known| known.config.owner.clone());
        match owner.filter(|owner| self.is_telecommuting(owner)) {
            Some(owner) => {
                self.desk_was_used(&owner, device);
                self.say_and_refuse(
                    leg,
                    device,
                    vec![Announcement::StillAway, Announcement::LeaveByCode],
                );
            }
            None => self.refuse(leg, cause::local(CauseReason::Forbidden)),
        }
    }

    fn desk_was_used(&mut self, user: &UserId, device: &DeviceId) {
        let now = self.cx.now;
        let Some(name) = self.devices.get(device).map(|known| known.config.name.clone()) else {
            return;
        };
        let Some(known) = self.users.get_mut(user) else {
            return;
        };
        let told = known
            .desk_used
            .as_ref()
            .is_some_and(|before| before.device == *device && now.since(before.at) < TELL_AGAIN_MS);
        if told {
            return;
        }
        let used = DeskUse {
            device: device.clone(),
            name,
            at: now,
        };
        known.desk_used = Some(used.clone());
        self.cx.push(Effect::Notify {
            user: user.clone(),
            body: EventBody::DeskUsed { used: Some(used) },
        });
    }

    pub(crate) fn stay(&mut self, id: &UserId) -> Result<Done, Refusal> {
        self.known_user(id)?;
        let offered = self.users.get_mut(id).and_then(|user| user.desk_used.take());
        if offered.is_some() {
            self.cx.push(Effect::Notify {
                user: id.clone(),
                body: EventBody::DeskUsed { used: None },
            });
        }
        Ok(Done::Mode)
    }

    /// The feature code for leaving, at the owner's telephone.
    pub(crate) fn leave_by_code(&mut self, leg: LegId, device: &DeviceId) {
        let known = self.devices.get(device);
        let logged_on = known.is_some_and(|known| known.user.is_some());
        let owner = known.and_then(|known| known.config.owner.clone());
        let word = match owner.filter(|owner| self.is_telecommuting(owner)) {
            // Logging on has ended the mode already; what another has here is not touched.
            _ if logged_on => Announcement::LoggedOn,
            None => Announcement::Wrong,
            Some(_) if !self.store_writable => Announcement::Unavailable,
            Some(owner) => {
                self.log_on(&owner, device);
                Announcement::LoggedOn
            }
        };
        self.answer_and_say(leg, device, vec![word]);
    }
}
