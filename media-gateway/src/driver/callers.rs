//! Names of callers out of the directory elsewhere: looked up beside the call, which never waits, and remembered.

use super::Driver;
use super::work::Done;
use ponte_protocol::{CallId, CallView, DirectoryFault, E164, EventBody, LegRole, UserId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Numbers that are remembered, with names or without.
const NUMBERS_MAX: usize = 2_000;
/// Numbers that are looked up at once; a call beyond them has no name.
const PENDING_MAX: usize = 100;
/// How long a name is remembered.
const NAME_KEPT: Duration = Duration::from_mins(15);
/// How long it is remembered that a number is nobody's.
const NOBODY_KEPT: Duration = Duration::from_mins(5);
/// How long nothing is looked up after the directory failed.
const PAUSE: Duration = Duration::from_secs(10);

/// Whose numbers these are, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Callers {
    known: HashMap<E164, (Option<Arc<str>>, Instant)>,
    pending: HashSet<E164>,
    /// Not before, after a failure.
    rested_at: Option<Instant>,
}

impl Callers {
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The name; also one that is older than it should be, until it is looked up again.
    pub fn name(&self, number: &E164) -> Option<&str> {
        self.known.get(number)?.0.as_deref()
    }

    /// Whether the number is to be looked up now; it counts as on its way then.
    fn wants(&mut self, number: &E164, now: Instant) -> bool {
        let fresh = self.known.get(number).is_some_and(|(name, at)| {
            let kept = if name.is_some() { NAME_KEPT } else { NOBODY_KEPT };
            now.duration_since(*at) < kept
        });
        let rests = self.rested_at.is_some_and(|at| now < at);
        !fresh && !rests && self.pending.len() < PENDING_MAX && self.pending.insert(number.clone())
    }

    /// A number was looked up. Whether there is a name that is new.
    fn learn(&mut self, number: &E164, found: Result<Option<String>, DirectoryFault>, now: Instant) -> bool {
        self.pending.remove(number);
        let Ok(name) = found else {
            self.rested_at = Some(now + PAUSE);
            return false;
        };
        self.rested_at = None;
        if self.known.len() >= NUMBERS_MAX && !self.known.contains_key(number) {
            let oldest = self.known.iter().min_by_key(|(_, (_, at))| *at);
            if let Some(oldest) = oldest.map(|(number, _)| number.clone()) {
                self.known.remove(&oldest);
            }
        }
        let name: Option<Arc<str>> = name.map(Into::into);
        let is_new = name.is_some() && self.name(number) != name.as_deref();
        self.known.insert(number.clone(), (name, now));
        is_new
    }
}

/// The numbers of the other parties of a call.
fn numbers(call: &CallView) -> impl Iterator<Item = E164> {
    let far = call.legs.iter().filter(|leg| leg.role == LegRole::Far);
    far.filter_map(|leg| leg.number.parse().ok())
}

impl Driver {
    /// Looks up whoever this user's call is with, where nobody has a name for the number.
    pub(super) fn look_up_names(&mut self, user: &UserId, call: &CallView) {
        let Some(directory) = self.external.of_callers() else {
            return;
        };
        for number in numbers(call) {
            if self.own_name_for(user, number.as_str()).is_some() || self.plan.is_own(&number) {
                continue;
            }
            if !self.external.callers.wants(&number, Instant::now()) {
                continue;
            }
            let (directory, plan, asked) = (directory.clone(), Arc::clone(&self.plan), number.clone());
            let task = tokio::spawn(async move { directory.name(&plan, &asked).await });
            self.work.push(async move {
                // A server's answer that cannot be read ends the task, and nothing else.
                let found = task.await.unwrap_or(Err(DirectoryFault::Failed));
                Done::CallerNamed { number, found }
            });
        }
    }

    /// Tells the name wherever the number stands: in calls that are up, and in records of calls that were over sooner.
    pub(super) fn caller_named(&mut self, number: &E164, found: Result<Option<String>, DirectoryFault>) {
        if !self.external.callers.learn(number, found, Instant::now()) {
            return;
        }
        let users: Vec<UserId> = self.users.keys().cloned().collect();
        for user in users {
            for call in self.switch.calls(&user) {
                if numbers(&call).any(|has| has == *number) && self.shown.contains_key(&call.id) {
                    self.notify(user.clone(), EventBody::CallChanged { call });
                }
            }
            self.name_newest_records(&user, number);
        }
    }

    fn name_newest_records(&mut self, user: &UserId, number: &E164) {
        let Some(name) = self.name_for(user, number.as_str()) else {
            return;
        };
        let Some(entry) = self.users.get_mut(user) else {
            return;
        };
        let since = self.clock.now().0.saturating_sub(crate::external::NAME_LATE_MS);
        let mut named: Vec<CallId> = Vec::new();
        let newest = entry
            .log
            .iter_mut()
            .take_while(|record| record.ended_at.0 >= since);
        for record in newest.filter(|record| record.number == number.as_str()) {
            if record.name.as_deref() != Some(&name) {
                record.name = Some(name.clone());
                named.push(record.id);
            }
        }
        if named.is_empty() {
            return;
        }
        for call in named {
            drop(self.store.name_record(call, name.clone()));
        }
        self.send_state(user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: usize) -> E164 {
        format!("+3902{n:08}").parse().unwrap()
    }

    #[test]
    fn a_number_is_looked_up_once_and_again_when_it_is_old() {
        let (mut callers, start) = (Callers::default(), Instant::now());
        assert!(callers.wants(&number(1), start));
        assert!(!callers.wants(&number(1), start), "it is on its way");
        assert!(callers.learn(&number(1), Ok(Some("Nadia".into())), start));
        assert_eq!(callers.name(&number(1)), Some("Nadia"));
        assert!(!callers.wants(&number(1), start + Duration::from_mins(14)));
        assert!(callers.wants(&number(1), start + NAME_KEPT));
        assert!(
            !callers.learn(&number(1), Ok(Some("Nadia".into())), start),
            "nothing new"
        );
        callers.wants(&number(2), start);
        assert!(!callers.learn(&number(2), Ok(None), start));
        assert!(!callers.wants(&number(2), start + Duration::from_mins(4)));
        assert!(callers.wants(&number(2), start + NOBODY_KEPT));
    }

    #[test]
    fn a_directory_that_fails_is_left_alone_for_a_while() {
        let (mut callers, start) = (Callers::default(), Instant::now());
        assert!(callers.wants(&number(1), start));
        callers.learn(&number(1), Err(DirectoryFault::Unreachable), start);
        assert!(!callers.wants(&number(2), start + Duration::from_secs(9)));
        assert!(callers.wants(&number(1), start + PAUSE));
    }

    #[test]
    fn what_is_remembered_and_asked_at_once_is_bounded() {
        let (mut callers, start) = (Callers::default(), Instant::now());
        let asked = (0..200).filter(|n| callers.wants(&number(*n), start)).count();
        assert_eq!(asked, PENDING_MAX);
        for n in 0..NUMBERS_MAX + 50 {
            let at = start + Duration::from_millis(n as u64);
            callers.learn(&number(n), Ok(Some("x".into())), at);
        }
        assert_eq!(callers.known.len(), NUMBERS_MAX);
        assert_eq!(callers.name(&number(0)), None, "the oldest went");
        assert!(callers.name(&number(NUMBERS_MAX + 49)).is_some());
    }
}
