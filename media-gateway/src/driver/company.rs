//! The users of the site, for the portals that watch them: presence and what each line does.

use super::Driver;
use crate::link::ToLink;
use ponte_protocol::{
    CallPhase, CallView, Colleague, Destination, Direction, LineState, Mode, StationView, UserId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Changes within this time go together.
const GATHER: Duration = Duration::from_millis(150);
/// Users in one frame; a larger site takes several.
const FRAME: usize = 400;

/// What the portals have been told.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// Whether a portal has asked since the link came up.
    watched: bool,
    shown: BTreeMap<UserId, Colleague>,
    changed: BTreeSet<UserId>,
    show_at: Option<Instant>,
}

impl Company {
    /// When the next changes are told.
    pub fn show_at(&self) -> Option<Instant> {
        self.show_at
    }

    /// Something of a user changed that others may see.
    pub fn touch(&mut self, user: &UserId) {
        if self.watched {
            self.changed.insert(user.clone());
            self.show_at.get_or_insert_with(|| Instant::now() + GATHER);
        }
    }

    /// A new link knows of nobody who watches.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Driver {
    /// A portal wants to see the users from here on.
    pub(super) fn watch_company(&mut self, user: &UserId, portal: Uuid) {
        if !self.users.contains_key(user) {
            return;
        }
        if !self.company.watched {
            self.company.watched = true;
            self.company.shown = self
                .users
                .keys()
                .filter_map(|user| Some((user.clone(), self.colleague(user)?)))
                .collect();
        }
        let all = self.company.shown.values().cloned().collect();
        self.send_company(Some(portal), true, all);
    }

    /// Tells what changed since it was told last.
    pub(super) fn show_company(&mut self) {
        self.company.show_at = None;
        let mut gone = false;
        let mut changed = Vec::new();
        for user in std::mem::take(&mut self.company.changed) {
            match self.colleague(&user) {
                Some(colleague) if self.company.shown.get(&user) != Some(&colleague) => {
                    changed.push(colleague.clone());
                    self.company.shown.insert(user, colleague);
                }
                Some(_) => {}
                None => gone |= self.company.shown.remove(&user).is_some(),
            }
        }
        if gone {
            let all = self.company.shown.values().cloned().collect();
            self.send_company(None, true, all);
        } else if !changed.is_empty() {
            self.send_company(None, false, changed);
        }
    }

    fn send_company(&self, portal: Option<Uuid>, whole: bool, colleagues: Vec<Colleague>) {
        let Some(link) = &self.link else { return };
        for (at, part) in colleagues.chunks(FRAME).enumerate() {
            link.send(ToLink::Company {
                portal,
                whole: whole && at == 0,
                colleagues: part.to_vec(),
            });
        }
    }

    fn colleague(&self, user: &UserId) -> Option<Colleague> {
        let entry = self.users.get(user)?;
        let mode = self.switch.mode(user).unwrap_or(&Mode::Office);
        let reachable = match mode {
            Mode::Telecommuting {
                destination: Destination::Browser,
                ..
            } => self.tabs.takes_calls(user),
            Mode::Telecommuting { .. } => true,
            Mode::Office | Mode::Unknown => self.switch.stations(user).iter().any(is_there),
        };
        Some(Colleague {
            user: user.clone(),
            name: entry.row.display_name.clone(),
            extension: entry.row.extension.clone(),
            availability: entry.presence.availability,
            status: entry.presence.status.clone(),
            line: line(&self.switch.calls(user), reachable),
            telecommuting: matches!(mode, Mode::Telecommuting { .. }),
        })
    }
}

/// Whether a call to its user rings this telephone.
fn is_there(station: &StationView) -> bool {
    station.logged_on && station.registered
}

/// What a line with these calls does. A call at the voicemail, or one that was given away, is on nobody's line.
fn line(calls: &[CallView], reachable: bool) -> LineState {
    let any = |has: fn(&CallView) -> bool| calls.iter().any(has);
    let rings = |call: &CallView| {
        call.direction == Direction::Incoming
            && matches!(
                call.phase,
                CallPhase::Ringing | CallPhase::CallingUser | CallPhase::Confirming { .. }
            )
    };
    let busy = |call: &CallView| match call.phase {
        CallPhase::Connected { .. } | CallPhase::Held { .. } | CallPhase::FarFailed { .. } => true,
        CallPhase::CallingUser | CallPhase::Confirming { .. } | CallPhase::CallingFar => {
            call.direction == Direction::Outgoing
        }
        _ => false,
    };
    if any(busy) {
        LineState::Busy
    } else if any(rings) {
        LineState::Ringing
    } else if reachable {
        LineState::Free
    } else {
        LineState::NotConnected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::{CallId, UnixMillis};

    fn call(direction: Direction, phase: CallPhase) -> CallView {
        CallView {
            id: CallId(Uuid::nil()),
            direction,
            dialled: "201".parse().unwrap(),
            phase,
            started_at: UnixMillis(1),
            legs: Vec::new(),
            held_by_far: false,
            muted: false,
            conference: None,
            moving: None,
            account_code: None,
            recorded_since: None,
        }
    }

    #[test]
    fn a_line_is_what_its_calls_make_of_it() {
        let since = UnixMillis(1);
        let ringing = call(Direction::Incoming, CallPhase::Ringing);
        let calling = call(Direction::Outgoing, CallPhase::CallingUser);
        let up = call(Direction::Incoming, CallPhase::Connected { since });
        let waiting = call(Direction::Incoming, CallPhase::Waiting { until: since });
        let recorded = call(Direction::Incoming, CallPhase::Voicemail { since });
        assert_eq!(line(&[], true), LineState::Free);
        assert_eq!(line(&[], false), LineState::NotConnected);
        assert_eq!(line(std::slice::from_ref(&ringing), true), LineState::Ringing);
        assert_eq!(line(&[calling], true), LineState::Busy);
        assert_eq!(line(&[up, waiting], true), LineState::Busy);
        assert_eq!(line(&[recorded], true), LineState::Free);
    }
}
