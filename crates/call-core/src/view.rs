//! A call as the portal shows it, and the record that stays of it.

use crate::call::{Call, Phase};
use crate::leg::Leg;
use ponte_protocol::{CallPhase, CallRecord, CallView, LegRole};

impl Call {
    pub(crate) fn view(&self) -> CallView {
        CallView {
            id: self.id(),
            direction: self.setup.direction,
            dialled: self.setup.dialled.clone(),
            phase: match self.phase {
                Phase::CallingUser => CallPhase::CallingUser,
                Phase::Confirming { until, .. } => CallPhase::Confirming { until },
                Phase::CallingFar => CallPhase::CallingFar,
                Phase::Ringing { until } if self.rescue.is_some() => CallPhase::Rejoining { until },
                Phase::Ringing { .. } => CallPhase::Ringing,
                Phase::Waiting { until } => CallPhase::Waiting { until },
                // Also what was forwarded: the user's line is free, and two others speak.
                Phase::Connected { since } if self.ties.detached || self.setup.forwarded.away.is_some() => {
                    CallPhase::Transferred { since }
                }
                Phase::Connected { since } | Phase::Mailbox { since } => CallPhase::Connected { since },
                Phase::Held { since } => CallPhase::Held { since },
                Phase::Transferring { since } => CallPhase::Transferring { since },
                Phase::Parked { slot, since } => CallPhase::Parked { slot, since },
                Phase::Voicemail(recording) => CallPhase::Voicemail {
                    since: recording.since,
                },
                // No portal is shown a verification call, nor a leg that stays up.
                Phase::Speaking { .. } | Phase::Standing { .. } | Phase::Recalling { .. } => {
                    CallPhase::Unknown
                }
                Phase::FarFailed(failure) => CallPhase::FarFailed {
                    cause: failure.cause,
                    until: failure.until,
                },
                Phase::Ending { .. } => CallPhase::Ending,
            },
            started_at: self.started_at,
            legs: [LegRole::User, LegRole::Far]
                .into_iter()
                .filter_map(|role| self.latest(role))
                .map(|place| self.legs[place].view())
                .collect(),
            held_by_far: self.held_by_far(),
            muted: self.ties.own_mute,
            conference: self.conference.clone(),
            recorded_since: self.on_demand.map(|it| it.since),
            moving: self.move_view(),
            account_code: self.account_code.clone(),
        }
    }

    /// The record; `None` before the call is over.
    ///
    /// The call ends for its people when the first of them hangs up: `ended_at` is that moment. A leg's own line may
    /// end later, when its network has said so.
    pub(crate) fn record(&self) -> Option<CallRecord> {
        let Phase::Ending { cause, by, at } = self.phase else {
            return None;
        };
        let far = self.setup.far_party();
        Some(CallRecord {
            id: self.id(),
            user: self.setup.user.clone(),
            direction: self.setup.direction,
            dialled: self.setup.dialled.clone(),
            number: far.number,
            name: far.name,
            started_at: self.started_at,
            connected_at: self.connected_at,
            ended_at: at,
            cause,
            ended_by: by,
            message: self.message,
            recordings: self.recordings.clone(),
            account_code: self.account_code.clone(),
            legs: self.legs.iter().filter_map(Leg::record).collect(),
        })
    }
}
