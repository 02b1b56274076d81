//! How well calls are heard, for the portals of their users.

use super::Driver;
use super::legs::{Leg, Stage};
use ponte_call_core::LegId;
use ponte_media::Quality as Measured;
use ponte_protocol::{CallId, CallQuality, EventBody, LegQuality, LegRole, Quality, UserId};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// A call's quality is told this often at most.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// What was told, and what there is to tell.
#[derive(Debug, Default)]
pub(super) struct Qualities {
    told: HashMap<CallId, (Instant, Vec<LegQuality>)>,
    changed: HashSet<CallId>,
}

impl Qualities {
    fn due_at(&self, call: &CallId) -> Option<Instant> {
        self.told.get(call).map(|(at, _)| *at + TOLD_EVERY)
    }

    fn is_due(&self, call: &CallId, now: Instant) -> bool {
        self.due_at(call).is_none_or(|at| at <= now)
    }

    /// When there is something to tell.
    pub fn show_at(&self) -> Option<Instant> {
        let now = Instant::now();
        let due = |call| self.due_at(call).unwrap_or(now);
        self.changed.iter().map(due).min()
    }

    pub fn forget(&mut self, call: CallId) {
        self.told.remove(&call);
        self.changed.remove(&call);
    }
}

const fn wire(measured: Measured) -> Quality {
    Quality {
        loss_per_mille: measured.loss_per_mille,
        jitter_ms: measured.jitter_ms,
        mos_tenths: measured.mos_tenths,
    }
}

impl Driver {
    /// The media plane measured a leg.
    pub(super) fn quality_measured(&mut self, id: LegId, from: Option<Measured>, to: Option<Measured>) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        leg.quality = (from.map(wire), to.map(wire));
        // The user's leg may serve a call that is not its own (rule T8).
        let calls = [Some(id.call), leg.connected_to.map(|other| other.call)];
        self.qualities.changed.extend(calls.into_iter().flatten());
    }

    /// A portal of the user's came: it may not have heard what was told before.
    pub(super) fn quality_wanted(&mut self, user: &UserId) {
        for call in self.switch.calls(user) {
            self.qualities.told.remove(&call.id);
            self.qualities.changed.insert(call.id);
        }
    }

    /// Tells what changed and is due.
    pub(super) fn show_quality(&mut self) {
        let now = Instant::now();
        let mut due: HashSet<CallId> = HashSet::new();
        let qualities = &mut self.qualities;
        let ready: Vec<CallId> = qualities.changed.iter().copied().collect();
        for call in ready {
            if qualities.is_due(&call, now) {
                qualities.changed.remove(&call);
                due.insert(call);
            }
        }
        if due.is_empty() {
            return;
        }
        let watching = self.portals.iter().filter(|(_, portals)| **portals > 0);
        let watching: Vec<UserId> = watching.map(|(user, _)| user.clone()).collect();
        for user in watching {
            for view in self.switch.calls(&user) {
                if !due.contains(&view.id) {
                    continue;
                }
                let legs = self.qualities_of(view.id);
                let told = self.qualities.told.get(&view.id);
                if told.map_or(legs.is_empty(), |(_, told)| *told == legs) {
                    continue;
                }
                self.qualities.told.insert(view.id, (now, legs.clone()));
                let quality = CallQuality { call: view.id, legs };
                self.send_event(user.clone(), EventBody::QualityChanged { quality });
            }
        }
    }

    /// What is known of a call's legs: the other party's, and the one that it talks to, which may be another call's.
    pub(super) fn qualities_of(&self, call: CallId) -> Vec<LegQuality> {
        let up = |leg: &&Leg| leg.id.call == call && matches!(leg.stage, Stage::Answered | Stage::Accepted);
        let of_role = |role| self.legs.iter().filter(up).find(|leg| leg.kept.role == role);
        let far = of_role(LegRole::Far);
        let user = far
            .and_then(|far| self.legs.get(far.connected_to?))
            .filter(|leg| leg.kept.role == LegRole::User)
            .or_else(|| of_role(LegRole::User));
        let known = |leg: &Leg| {
            let (from_telephone, to_telephone) = leg.quality;
            let known = from_telephone.is_some() || to_telephone.is_some();
            known.then_some(LegQuality {
                role: leg.kept.role,
                from_telephone,
                to_telephone,
            })
        };
        user.and_then(known)
            .into_iter()
            .chain(far.and_then(known))
            .collect()
    }
}
