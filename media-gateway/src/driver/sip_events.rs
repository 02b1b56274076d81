//! What the SIP layer and the media plane tell, in the words of the switch.

use super::Driver;
use super::keys::Way;
use super::legs::Stage;
use super::opening::role_name;
use crate::sip::Inbound;
use bytes::Bytes;
use ponte_call_core::{Event, LegEnd, LegEndKind, LegId, PeerHold, Secret};
use ponte_media::MediaEvent;
use ponte_sip::{DialogId, EndCause, EndedBy, Event as SipEvent, Output, Reason, ReasonProtocol};
use std::time::Instant;

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
            SipEvent::OfferAnswered { dialog, sdp } => self.offer_answered(dialog, &sdp),
            SipEvent::Confirmed { dialog, sdp } => self.confirmed(dialog, sdp.as_ref()),
            SipEvent::Offer { dialog, sdp } => self.settle_offer(dialog, sdp.as_ref()),
            SipEvent::OfferFailed { dialog, status } => self.offer_failed(dialog, status),
            SipEvent::OfferPossible { dialog } => self.offer_possible(dialog),
            SipEvent::Ended { dialog, cause } => self.ended(dialog, &cause),
            SipEvent::Dtmf { dialog, signal, .. } => self.info_dtmf(dialog, signal),
            SipEvent::Referred(referral) => self.referred(&referral),
            SipEvent::IncomingCall(call) => self.incoming(&call),
            SipEvent::Response(response) => self.trunk_response(&response),
            SipEvent::Timeout { id } | SipEvent::TransportFailed { id } => self.trunk_silent(id),
            // No method is handed up: the SIP layer answers them all.
            SipEvent::Request(_) => {}
            SipEvent::Bindings { account, bindings } => self.bindings_changed(&account, bindings),
            SipEvent::Registration { account, registered } => {
                self.registration_changed(&account, registered);
            }
            SipEvent::Subscribe(asked) => self.subscribe(&asked),
            SipEvent::Published { account, presence } => self.published(&account, presence),
        }
    }

    fn progress(&mut self, dialog: DialogId, status: u16, sdp: Option<&Bytes>) {
        let described = sdp.is_some_and(|sdp| self.agree(dialog, sdp));
        let now = self.clock.now();
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return;
        };
        if status == 180 && leg.kept.ringing_at.is_none() {
            leg.kept.ringing_at = Some(now);
        }
        // From now on the network takes a CANCEL.
        if Self::keep_end_of(&self.agent, leg) {
            drop(self.store.save_leg(leg.kept.clone()));
        }
        // Of several telephones that ring none is heard before it answers.
        let early_media = described && leg.branches.len() == 1;
        let leg = leg.id;
        self.tell(Event::LegProgress {
            leg,
            status,
            early_media,
        });
    }

    fn answered(&mut self, dialog: DialogId, sdp: Option<&Bytes>) {
        self.cancel_other_branches(dialog);
        if let Some(sdp) = sdp {
            self.agree(dialog, sdp);
        }
        let now = self.clock.now();
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return;
        };
        // The answer may have come with a provisional response.
        let Some(remote) = leg.branch_mut(dialog).and_then(|branch| branch.remote) else {
            return self.hang_up_incompatible(dialog);
        };
        leg.stage = Stage::Answered;
        leg.kept.answered_at = Some(now);
        Self::keep_end_of(&self.agent, leg);
        if let Some(endpoint) = leg.endpoint {
            self.media.set_remote(endpoint, remote);
        }
        drop(self.store.save_leg(leg.kept.clone()));
        let (leg, hold) = (leg.id, leg.told.began(remote.direction));
        self.tell_answered(leg, hold);
    }

    /// A leg is answered, by somebody who may hold from the first moment on.
    pub(super) fn tell_answered(&mut self, leg: LegId, hold: Option<PeerHold>) {
        self.tell(Event::LegAnswered { leg });
        if let Some(hold) = hold {
            self.tell(Event::LegHeld { leg, hold });
        }
    }

    /// The peer answered with media that we cannot carry.
    pub(super) fn hang_up_incompatible(&mut self, dialog: DialogId) {
        if let Some(leg) = self.legs.by_dialog(dialog) {
            leg.end_kind = Some(LegEndKind::IncompatibleMedia);
        }
        let reason = Some(Reason::sip(488, "Not Acceptable Here"));
        drop(self.agent.hang_up(self.clock.sip_now(), dialog, reason));
    }

    /// Takes a session description that answers our offer; whether it can be used.
    pub(super) fn agree(&mut self, dialog: DialogId, sdp: &Bytes) -> bool {
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return false;
        };
        let (id, only) = (leg.id, leg.branches.len() == 1);
        let endpoint = leg.endpoint.filter(|_| only);
        let Some(branch) = leg.branch_mut(dialog) else {
            return false;
        };
        match branch.session.accept_answer(sdp) {
            Ok(remote) => {
                branch.remote = Some(remote);
                if let Some(endpoint) = endpoint {
                    self.media.set_remote(endpoint, remote);
                }
                true
            }
            Err(error) => {
                tracing::info!(leg = %id, %error, "an answer could not be used");
                false
            }
        }
    }

    fn ended(&mut self, dialog: DialogId, cause: &EndCause) {
        let Some(leg) = self.legs.remove_branch(dialog) else {
            return;
        };
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
        let end = leg.failure.map_or(end, |before| more_telling(before, end));
        let id = leg.id;
        if !leg.branches.is_empty() {
            leg.failure = Some(end);
            // A refusal for every telephone (RFC 3261 section 16.7, point 5).
            if end.sip.is_some_and(|status| status >= 600) {
                for other in leg.dialogs() {
                    drop(self.agent.hang_up(self.clock.sip_now(), other, None));
                }
            }
            return;
        }
        let Some(leg) = self.forget_leg(id) else { return };
        metrics::counter!("ponte_legs_ended_total", "role" => role_name(leg.kept.role)).increment(1);
        tracing::debug!(leg = %leg.id, ?kind, sip = end.sip, q850 = end.q850, "leg ended");
        if !self.shown.contains_key(&leg.id.call) {
            // No call of a user, whose record would take its legs along.
            drop(self.store.forget_lone_legs(leg.id.call));
        }
        self.tell(Event::LegEnded { leg: leg.id, end });
    }

    /// A key sent by INFO: heard like any other, and where keys are relayed, passed to the other side as RFC 4733
    /// would have passed it. What came in the audio is passed on there.
    fn info_dtmf(&mut self, dialog: DialogId, digit: char) {
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return;
        };
        if !leg.keys.is_press(Instant::now(), Way::Info, digit) {
            return;
        }
        let relays = leg.relays_keys && !leg.keys.doubles;
        let (leg, other) = (leg.id, leg.connected_to);
        if let Some(other) = other
            .filter(|_| relays)
            .and_then(|other| self.legs.endpoint(other))
        {
            self.media.send_dtmf(other, digit.encode_utf8(&mut [0; 4]));
        }
        self.tell(Event::Dtmf {
            leg,
            digit: Secret(digit),
        });
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
                | MediaEvent::Speaking { id, .. }
                | MediaEvent::NotJoined { id, .. }
                | MediaEvent::BrowserConnected { id }
                | MediaEvent::BrowserLost { id, .. }
                | MediaEvent::BrowserAnswer { id, .. }
                | MediaEvent::Quality { id, .. }
                | MediaEvent::Closed { id, .. } => *id,
            };
            let event = match event {
                MediaEvent::Closed { stats, .. } => {
                    tracing::debug!(?stats, "an RTP endpoint was closed");
                    continue;
                }
                // It may come when the leg is over.
                MediaEvent::RecordingFinished { recording, .. } => {
                    self.recording_finished(id, *recording);
                    continue;
                }
                event => event,
            };
            let Some(leg) = self.legs.by_endpoint(id).map(|leg| leg.id) else {
                continue;
            };
            match event {
                MediaEvent::Dtmf { digit, .. } => {
                    let known = self.legs.get_mut(leg);
                    if known.is_some_and(|leg| leg.keys.is_press(Instant::now(), Way::Audio, digit)) {
                        let digit = Secret(digit);
                        self.tell(Event::Dtmf { leg, digit });
                    }
                }
                MediaEvent::PlayFinished { token, .. } => {
                    let token = ponte_call_core::PlaybackToken(token);
                    self.tell(Event::PlaybackFinished { leg, token });
                }
                MediaEvent::NoRtp { silent_for, .. } => {
                    let since_ms = silent_for.as_millis() as u64;
                    self.tell(Event::AudioMissing { leg, since_ms });
                }
                MediaEvent::RtpResumed { .. } => self.tell(Event::AudioResumed { leg }),
                MediaEvent::RecordingFull { .. } => self.tell(Event::RecordingFull { leg }),
                MediaEvent::FileUnplayable { error, .. } => {
                    tracing::warn!(%leg, %error, "a greeting cannot be played, and the default one is");
                }
                MediaEvent::NotJoined { .. } => {
                    tracing::error!(%leg, "a leg found no place in its conference");
                }
                MediaEvent::BrowserConnected { .. } => self.browser_connected(leg),
                MediaEvent::BrowserLost { closed, .. } => self.browser_lost(leg, closed),
                MediaEvent::Quality {
                    inbound, outbound, ..
                } => self.quality_measured(leg, inbound, outbound),
                MediaEvent::BrowserAnswer { answer, .. } => self.browser_answer(leg, answer),
                MediaEvent::FirstPacket { .. }
                | MediaEvent::Speaking { .. }
                | MediaEvent::RecordingFinished { .. }
                | MediaEvent::Closed { .. } => {}
            }
        }
    }
}

/// Which of two failures says more of why a telephone was not reached (RFC 3261 section 16.7, point 6): a person's doing
/// before the network's, and anything before our own doing.
fn more_telling(a: LegEnd, b: LegEnd) -> LegEnd {
    let rank = |end: &LegEnd| match (end.kind, end.sip) {
        (LegEndKind::Closed, _) => 7,
        (_, Some(600..)) => 0,
        (_, Some(486)) => 1,
        (LegEndKind::Remote, Some(400..=499)) => 2,
        (LegEndKind::Remote, Some(500..=599)) => 3,
        (LegEndKind::IncompatibleMedia, _) => 4,
        (LegEndKind::Remote, _) => 5,
        _ => 6,
    };
    if rank(&b) < rank(&a) { b } else { a }
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
