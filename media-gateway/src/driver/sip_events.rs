//! What the SIP layer and the media plane tell, in the words of the switch.

use super::Driver;
use super::effects::role_name;
use crate::sip::Inbound;
use bytes::Bytes;
use ponte_call_core::{Event, LegEnd, LegEndKind};
use ponte_media::MediaEvent;
use ponte_sip::{
    DialogId, EndCause, EndedBy, Event as SipEvent, IncomingCall, Output, Reason, ReasonProtocol,
};

impl Driver {
    pub(super) fn sip_inbound(&mut self, inbound: &Inbound) {
        let now = self.clock.sip_now();
        match inbound {
            Inbound::Message { flow, bytes } => self.agent.handle_message(now, *flow, bytes),
            Inbound::Failed(flow) => self.agent.flow_failed(now, flow),
        }
    }

    /// Sends what the SIP layer wants sent, and hears what it has to say.
    pub(super) fn drain_agent(&mut self) {
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Send { flow, bytes } => self.sockets.send(flow, bytes),
                Output::Event(event) => self.sip_event(event),
            }
        }
    }

    fn sip_event(&mut self, event: SipEvent) {
        match event {
            SipEvent::Progress {
                dialog, status, sdp, ..
            } => self.progress(dialog, status, sdp.as_ref()),
            SipEvent::Answered { dialog, sdp } => self.answered(dialog, sdp.as_ref()),
            SipEvent::OfferAnswered { dialog, sdp }
            | SipEvent::Confirmed {
                dialog,
                sdp: Some(sdp),
            } => {
                self.agree(dialog, &sdp);
            }
            SipEvent::Offer { dialog, sdp } => self.settle_offer(dialog, sdp.as_ref()),
            SipEvent::OfferFailed { dialog, status } => {
                if let Some(leg) = self.legs.by_dialog(dialog) {
                    tracing::info!(leg = %leg.id, status, "our offer was refused");
                }
            }
            SipEvent::Ended { dialog, cause } => self.ended(dialog, &cause),
            SipEvent::Dtmf { dialog, signal, .. } => self.info_dtmf(dialog, signal),
            SipEvent::IncomingCall(call) => self.incoming(&call),
            SipEvent::Response(response) => self.trunk_response(&response),
            SipEvent::Timeout { id } | SipEvent::TransportFailed { id } => self.trunk_silent(id),
            // An ACK without answer says nothing new; no method is handed up: the SIP layer answers them all.
            SipEvent::Confirmed { .. } | SipEvent::Request(_) => {}
            // Without accounts there are none.
            SipEvent::Bindings { .. } | SipEvent::Registration { .. } => {}
        }
    }

    fn progress(&mut self, dialog: DialogId, status: u16, sdp: Option<&Bytes>) {
        let early_media = sdp.is_some_and(|sdp| self.agree(dialog, sdp));
        let now = self.clock.now();
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return;
        };
        if status == 180 && leg.kept.ringing_at.is_none() {
            leg.kept.ringing_at = Some(now);
        }
        let leg = leg.id;
        self.tell(Event::LegProgress {
            leg,
            status,
            early_media,
        });
    }

    fn answered(&mut self, dialog: DialogId, sdp: Option<&Bytes>) {
        let agreed = match sdp {
            Some(sdp) => self.agree(dialog, sdp),
            // The answer came with a provisional response, if it came at all.
            None => self.legs.by_dialog(dialog).is_some_and(|leg| leg.agreed),
        };
        let now = self.clock.now();
        let snapshot = self
            .agent
            .dialog_snapshot(dialog)
            .and_then(|dialog| serde_json::to_string(&dialog).ok());
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return;
        };
        if !agreed {
            leg.end_kind = Some(LegEndKind::IncompatibleMedia);
            let reason = Some(Reason::sip(488, "Not Acceptable Here"));
            drop(self.agent.hang_up(self.clock.sip_now(), dialog, reason));
            return;
        }
        leg.kept.answered_at = Some(now);
        leg.kept.dialog = snapshot;
        drop(self.store.save_leg(leg.kept.clone()));
        let leg = leg.id;
        self.tell(Event::LegAnswered { leg });
    }

    /// Takes a session description that answers our offer; whether it can be used.
    fn agree(&mut self, dialog: DialogId, sdp: &Bytes) -> bool {
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return false;
        };
        match leg.session.accept_answer(sdp) {
            Ok(remote) => {
                self.media.set_remote(leg.endpoint, remote);
                leg.agreed = true;
                true
            }
            Err(error) => {
                tracing::info!(leg = %leg.id, %error, "an answer could not be used");
                false
            }
        }
    }

    fn ended(&mut self, dialog: DialogId, cause: &EndCause) {
        let Some(leg) = self.legs.remove_by_dialog(dialog) else {
            return;
        };
        self.media.close(leg.endpoint);
        let kind = leg.end_kind.unwrap_or(match cause.by {
            EndedBy::Remote => LegEndKind::Remote,
            EndedBy::Local => LegEndKind::Closed,
            EndedBy::Timeout => LegEndKind::Timeout,
            EndedBy::Transport => LegEndKind::Transport,
        });
        let end = LegEnd {
            kind,
            sip: cause.status.filter(|status| *status >= 300),
            q850: told_q850(cause),
        };
        metrics::counter!("ponte_legs_ended_total", "role" => role_name(leg.kept.role)).increment(1);
        tracing::debug!(leg = %leg.id, ?kind, sip = end.sip, q850 = end.q850, "leg ended");
        self.tell(Event::LegEnded { leg: leg.id, end });
    }

    /// A key sent by INFO: heard like any other, and passed to the other side as RFC 4733 would have passed it.
    fn info_dtmf(&mut self, dialog: DialogId, digit: char) {
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return;
        };
        let (leg, other) = (leg.id, leg.connected_to);
        if let Some(other) = other.and_then(|other| self.legs.get(other)) {
            self.media
                .send_dtmf(other.endpoint, digit.encode_utf8(&mut [0; 4]));
        }
        self.tell(Event::Dtmf { leg, digit });
    }

    /// Calls from outside reach nobody yet: the caller is told so at once, and strangers are told nothing more.
    fn incoming(&mut self, call: &IncomingCall) {
        metrics::counter!("ponte_incoming_refused_total").increment(1);
        let (status, reason) = if self.trunks.knows(call.flow.remote) {
            (480, "Temporarily Unavailable")
        } else {
            (403, "Forbidden")
        };
        drop(
            self.agent
                .respond(self.clock.sip_now(), call.dialog, status, reason, None, &[]),
        );
    }

    /// Hears what the media plane has to say.
    pub(super) fn drain_media(&mut self) {
        while let Some(event) = self.media.next_event() {
            let id = match &event {
                MediaEvent::Dtmf { id, .. }
                | MediaEvent::PlayFinished { id, .. }
                | MediaEvent::FirstPacket { id }
                | MediaEvent::NoRtp { id, .. }
                | MediaEvent::RtpResumed { id }
                | MediaEvent::FileUnplayable { id, .. }
                | MediaEvent::RecordingFull { id }
                | MediaEvent::RecordingFinished { id, .. }
                | MediaEvent::Closed { id, .. } => *id,
            };
            if let MediaEvent::Closed { stats, .. } = &event {
                tracing::debug!(?stats, "an RTP endpoint was closed");
            }
            let Some(leg) = self.legs.by_endpoint(id).map(|leg| leg.id) else {
                continue;
            };
            match event {
                MediaEvent::Dtmf { digit, .. } => self.tell(Event::Dtmf { leg, digit }),
                MediaEvent::PlayFinished { token, .. } => {
                    let token = ponte_call_core::PlaybackToken(token);
                    self.tell(Event::PlaybackFinished { leg, token });
                }
                MediaEvent::NoRtp { silent_for, .. } => {
                    let since_ms = silent_for.as_millis() as u64;
                    self.tell(Event::AudioMissing { leg, since_ms });
                }
                MediaEvent::RtpResumed { .. } => self.tell(Event::AudioResumed { leg }),
                MediaEvent::FirstPacket { .. }
                | MediaEvent::FileUnplayable { .. }
                | MediaEvent::RecordingFull { .. }
                | MediaEvent::RecordingFinished { .. }
                | MediaEvent::Closed { .. } => {}
            }
        }
    }
}

/// The Q.850 cause that the network itself told (RFC 3326).
fn told_q850(cause: &EndCause) -> Option<u8> {
    let told = cause
        .reasons
        .iter()
        .find(|reason| reason.protocol == ReasonProtocol::Q850)?;
    told.cause
        .and_then(|cause| u8::try_from(cause).ok())
        .filter(|cause| (1..=127).contains(cause))
}
