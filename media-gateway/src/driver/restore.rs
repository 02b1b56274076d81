//! After a restart: nothing that was up is left without an owner, and nothing is lost.

use super::Driver;
use super::legs::Leg;
use crate::store::{LegUp, Store, StoreError};
use ponte_call_core::TrunkId;
use ponte_protocol::{Cause, CauseReason, EndedBy, FailureClass};
use ponte_sip::{DialogSnapshot, Farewell, Reason};
use serde::{Deserialize, Serialize};

/// The cause of a call that ended because the gateway stopped: Q.850 41, temporary failure.
const RESTARTED: Cause = Cause {
    reason: CauseReason::GatewayRestarted,
    class: FailureClass::Internal,
    q850: Some(41),
    sip: None,
};

/// What ends a leg after a crash, as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    /// It is answered, or about to be.
    Dialog(Box<DialogSnapshot>),
    /// It rings: one for each telephone.
    Ringing(Vec<Farewell>),
}

impl Driver {
    /// Notes in what is kept of a leg how it would be ended after a crash; whether there is something new.
    pub(super) fn keep_end_of(agent: &ponte_sip::UserAgent, leg: &mut Leg) -> bool {
        let answered = leg.branches.first().filter(|_| leg.branches.len() == 1);
        let kept = match answered.and_then(|branch| agent.dialog_snapshot(branch.dialog)) {
            Some(snapshot) if leg.kept.answered_at.is_some() => Kept::Dialog(Box::new(snapshot)),
            _ => {
                let ringing = leg.branches.iter();
                Kept::Ringing(
                    ringing
                        .filter_map(|branch| agent.farewell(branch.dialog))
                        .collect(),
                )
            }
        };
        let json = serde_json::to_string(&kept).ok();
        let news = json != leg.kept.dialog;
        leg.kept.dialog = json;
        news
    }

    /// Ends the legs that an earlier run left up, and writes the records of their calls.
    pub(super) async fn end_abandoned_calls(&mut self, store: &Store) -> Result<(), StoreError> {
        let now = self.clock.now();
        for (call, legs) in store.calls_up().await? {
            let ended = legs.iter().filter(|leg| self.end_abandoned(leg)).count();
            tracing::warn!(call = %call.call, legs = ended, "a call of before the restart was ended");
            // Before the users' logs are read, so that the portals are told.
            store
                .insert_record(call.into_record(legs, now, RESTARTED, EndedBy::System))
                .await?;
        }
        for leg in store.lone_legs().await? {
            self.end_abandoned(&leg);
            store.forget_lone_legs(leg.leg.call).await?;
        }
        self.drain_agent();
        Ok(())
    }

    /// Whether there was something to end.
    fn end_abandoned(&mut self, leg: &LegUp) -> bool {
        let kept = leg
            .dialog
            .as_deref()
            .filter(|_| leg.ended.is_none())
            .and_then(|json| serde_json::from_str(json).ok());
        let now = self.clock.sip_now();
        match kept {
            None => false,
            Some(Kept::Dialog(snapshot)) => {
                let reason = Reason::q850(41, "Gateway restarted");
                let trunk = self.trunks.get(&TrunkId(leg.trunk.clone()));
                let credentials = trunk.and_then(|trunk| trunk.settings.credentials.clone());
                let ended = self.agent.restore_dialog(now, *snapshot).and_then(|dialog| {
                    self.agent.set_credentials(dialog, credentials)?;
                    self.agent.hang_up(now, dialog, Some(reason))
                });
                ended.is_ok()
            }
            Some(Kept::Ringing(farewells)) => {
                let mut said = false;
                for farewell in farewells {
                    said |= self.agent.say_farewell(farewell).is_ok();
                }
                said
            }
        }
    }
}
