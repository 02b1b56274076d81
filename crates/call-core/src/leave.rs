//! Telecommuter mode that ends by itself ("until 18:00"); calls that are up go on (rule T10).

use crate::commands::Done;
use crate::{NumberClass, Switch};
use ponte_protocol::{Mode, Refusal, UnixMillis, UserId};

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
}
