//! Transfers by the key of a telephone: REFER (RFC 3515), as the switch hears of it and as the telephone is told.

use super::Driver;
use super::incoming::called_number;
use super::legs::Stage;
use ponte_call_core::{Dialled, Event, LegId, SwitchTarget};
use ponte_protocol::{CallId, Pii};
use ponte_sip::{DialogId, Referral, Replaces};

impl Driver {
    /// A telephone wants its party given to somebody else.
    pub(super) fn referred(&mut self, referral: &Referral) {
        match self.read_referral(referral) {
            Ok(event) => {
                metrics::counter!("ponte_referred_total").increment(1);
                self.tell(event);
            }
            Err(status) => {
                tracing::info!(status, "a transfer by a telephone was refused");
                self.say_progress(referral.dialog, status);
            }
        }
    }

    /// What the switch is to do, or the status that says why not.
    fn read_referral(&mut self, referral: &Referral) -> Result<Event, u16> {
        let leg = self.legs.by_dialog(referral.dialog).ok_or(403_u16)?;
        // Trunks may not move calls, and a telephone none but its own.
        let device = leg.kept.device.as_ref().map(ponte_protocol::DeviceId::as_str);
        let own = device.is_some() && device == referral.account.as_deref();
        if !own || !matches!(leg.stage, Stage::Accepted | Stage::Answered) {
            return Err(403);
        }
        let leg = leg.id;
        if let Some(replaces) = &referral.replaces {
            let with = self.other_call_of(leg, replaces).ok_or(481_u16)?;
            tracing::debug!(%leg, %with, "a telephone puts two calls through");
            return Ok(Event::ReferredTo { leg, with });
        }
        let typed = called_number(&self.plan, &referral.target).ok_or(404_u16)?;
        let dialled = self.plan.read(&typed);
        if matches!(dialled, Dialled::Emergency) {
            return Err(403);
        }
        tracing::debug!(%leg, to = %Pii(&typed), "a telephone transfers its call");
        Ok(Event::Referred {
            leg,
            call: CallId(uuid::Uuid::now_v7()),
            to: SwitchTarget::Dialled { typed, dialled },
        })
    }

    /// The leg that a Replaces names, where it is another one of the same telephone.
    fn other_call_of(&mut self, leg: LegId, replaces: &Replaces) -> Option<LegId> {
        let dialog = self.agent.replaced_dialog(replaces)?;
        let with = self.legs.by_dialog(dialog)?;
        let (with, device) = (with.id, with.kept.device.clone());
        (with != leg && device == self.legs.get(leg)?.kept.device).then_some(with)
    }

    /// What a telephone that asked by REFER is told.
    pub(super) fn refer_progress(&mut self, leg: LegId, status: u16) {
        tracing::debug!(%leg, status, "a transfer by REFER");
        let dialog = self.legs.get(leg).and_then(|leg| leg.branches.first());
        if let Some(dialog) = dialog.map(|branch| branch.dialog) {
            self.say_progress(dialog, status);
        }
    }

    fn say_progress(&mut self, dialog: DialogId, status: u16) {
        let told = self.agent.refer_progress(self.clock.sip_now(), dialog, status);
        if let Err(error) = told {
            tracing::debug!(%error, status, "a telephone could not be told of its transfer");
        }
    }
}
