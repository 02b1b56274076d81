//! After a restart: nothing that was up is left without an owner, and nothing is lost.

use super::Driver;
use crate::store::Store;
use ponte_protocol::{Cause, CauseReason, EndedBy, FailureClass};
use ponte_sip::{DialogSnapshot, Reason};

/// The cause of a call that ended because the gateway stopped: Q.850 41, temporary failure.
const RESTARTED: Cause = Cause {
    reason: CauseReason::GatewayRestarted,
    class: FailureClass::Internal,
    q850: Some(41),
    sip: None,
};

impl Driver {
    /// Ends the legs that an earlier run left up, and writes the records of their calls.
    pub(super) async fn end_abandoned_calls(
        &mut self,
        store: &Store,
    ) -> Result<(), crate::store::StoreError> {
        let now = self.clock.now();
        for (call, legs) in store.calls_up().await? {
            let mut ended = 0;
            for leg in legs.iter().filter(|leg| leg.ended.is_none()) {
                let snapshot = leg
                    .dialog
                    .as_ref()
                    .and_then(|dialog| serde_json::from_str::<DialogSnapshot>(dialog).ok());
                let Some(snapshot) = snapshot else { continue };
                let dialog = self.agent.restore_dialog(self.clock.sip_now(), snapshot);
                let Ok(dialog) = dialog else { continue };
                let reason = Reason::q850(41, "Gateway restarted");
                drop(self.agent.hang_up(self.clock.sip_now(), dialog, Some(reason)));
                ended += 1;
            }
            tracing::warn!(call = %call.call, legs = ended, "a call of before the restart was ended");
            // Before the users' logs are read, so that the portals are told.
            store
                .insert_record(call.into_record(legs, now, RESTARTED, EndedBy::System))
                .await?;
        }
        self.drain_agent();
        Ok(())
    }
}
