//! Responses to an INVITE on their way: written, repeated until their PRACK or ACK, and one after the other (RFC 3262,
//! RFC 3261 13.3.1).

use std::time::Duration;

use bytes::Bytes;

use super::build::{ALLOW, SDP};
use super::{Job, JobKind, UserAgent, silent_end};
use crate::dialog::{
    Agreement, Dialog, DialogTimer, Offer, Outstanding, State, Unacknowledged, agree, tag_text,
};
use crate::message::{HeaderName, Message, Writer};
use crate::transaction::Core;
use crate::types::{DialogId, EndedBy, Timestamp};

/// How often a provisional response is repeated, so that proxies on the way do not give up.
const KEEP_RINGING: Duration = Duration::from_mins(1);

impl UserAgent {
    /// A PRACK came for `rseq`; `false` where nothing waits for it.
    pub(super) fn reliable_acknowledged(&mut self, id: DialogId, rseq: u32, cseq: u32) -> bool {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return false;
        };
        let Some(called) = dialog.called.as_deref_mut() else {
            return false;
        };
        if called.cseq != cseq
            || called
                .outstanding
                .as_ref()
                .is_none_or(|outstanding| outstanding.rseq != rseq)
        {
            return false;
        }
        called.outstanding = None;
        dialog.clear_timer(&mut self.core, DialogTimer::Reliable);
        dialog.clear_timer(&mut self.core, DialogTimer::ReliableGiveUp);
        true
    }

    /// Sends what waited behind a reliable response.
    pub(super) fn send_queued(&mut self, now: Timestamp, id: DialogId) {
        loop {
            let Some(dialog) = self.dialogs.get_mut(&id) else {
                return;
            };
            let Some(called) = dialog.called.as_deref_mut() else {
                return;
            };
            if called.outstanding.is_some() {
                return;
            }
            let Some(next) = called.queue.pop_front() else {
                return;
            };
            self.core
                .respond_now(now, dialog, next.status, &next.reason, next.sdp, &next.headers);
        }
    }

    pub(super) fn repeat_reliable(&mut self, now: Timestamp, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let Some(called) = dialog.called.as_deref_mut() else {
            return;
        };
        let reply = self
            .core
            .servers
            .get(&called.transaction)
            .map(|server| server.reply);
        let (Some(outstanding), Some(reply)) = (called.outstanding.as_mut(), reply) else {
            return;
        };
        // RFC 3262 3 doubles without the cap of T2.
        outstanding.interval *= 2;
        let (bytes, at) = (outstanding.bytes.clone(), now + outstanding.interval);
        dialog.set_timer(&mut self.core, DialogTimer::Reliable, at);
        self.core.send(reply, bytes);
    }

    pub(super) fn reliable_lost(&mut self, now: Timestamp, id: DialogId) {
        self.refuse_silently(now, id, 504);
    }

    pub(super) fn keep_ringing(&mut self, now: Timestamp, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let Some((reply, bytes)) = dialog.called.as_ref().and_then(|called| called.last.clone()) else {
            return;
        };
        dialog.set_timer(&mut self.core, DialogTimer::KeepRinging, now + KEEP_RINGING);
        self.core.send(reply, bytes);
    }

    pub(super) fn repeat_accepted(&mut self, now: Timestamp, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let Some(mut waiting) = dialog.unacknowledged.take() else {
            return;
        };
        waiting.interval = self.core.doubled(waiting.interval);
        dialog.set_timer(&mut self.core, DialogTimer::Accepted, now + waiting.interval);
        self.core.send(waiting.flow, waiting.bytes.clone());
        dialog.unacknowledged = Some(waiting);
    }

    /// No ACK in 64 × T1: the call is ended by BYE (RFC 3261 13.3.1.4).
    pub(super) fn never_acknowledged(&mut self, now: Timestamp, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        dialog.clear_timer(&mut self.core, DialogTimer::Accepted);
        dialog.unacknowledged = None;
        let reason = dialog.bye_after_ack.take().and_then(|bye| bye.reason);
        self.core.tell_end(dialog, silent_end(EndedBy::Timeout));
        dialog.clear_timers(&mut self.core);
        dialog.state = State::Ending;
        self.core.send_job(now, dialog, Job::new(JobKind::Bye { reason }));
    }
}

impl Core {
    /// Sends a refusal of the INVITE of a dialog.
    pub(super) fn refuse_invite(
        &mut self,
        now: Timestamp,
        dialog: &Dialog,
        transaction: u64,
        status: u16,
        reason: &str,
        headers: &[(String, String)],
    ) {
        let tag = tag_text(dialog.local_tag);
        let Some(mut writer) = self.response(transaction, status, reason, Some(&tag)) else {
            return;
        };
        for (name, value) in headers {
            writer.other(name, value);
        }
        self.server_respond(now, transaction, status, writer.finish(None));
    }

    /// Sends a 1xx or 2xx to the INVITE of a dialog.
    pub(super) fn respond_now(
        &mut self,
        now: Timestamp,
        dialog: &mut Dialog,
        status: u16,
        reason: &str,
        sdp: Option<Bytes>,
        headers: &[(String, String)],
    ) {
        let Some(called) = dialog.called.as_deref() else {
            return;
        };
        let (transaction, reliable) = (called.transaction, called.reliable);
        if status >= 200 {
            let body = match dialog.offer {
                // A reliable response settled it already.
                Offer::Stable | Offer::LocalInResponse | Offer::Local => None,
                Offer::Remote(_) | Offer::Wanted(_) => Some(sdp.unwrap_or_else(|| dialog.local_sdp.clone())),
            };
            dialog.offer = match (dialog.offer, &body) {
                (Offer::Wanted(_), Some(_)) => Offer::LocalInResponse,
                _ => Offer::Stable,
            };
            if let Some(body) = &body {
                dialog.local_sdp = body.clone();
            }
            dialog.called = None;
            dialog.clear_timers(self);
            dialog.state = State::Accepted;
            self.answer_invite(now, dialog, transaction, status, reason, headers, body.as_ref());
            return;
        }
        let Some(mut writer) = self.response(transaction, status, reason, Some(&tag_text(dialog.local_tag)))
        else {
            return;
        };
        Self::write_contact(&mut writer, &dialog.contact);
        writer.header(HeaderName::Allow, ALLOW.as_bytes());
        let Some(called) = dialog.called.as_deref_mut() else {
            return;
        };
        let rseq = called.next_rseq;
        if reliable {
            writer
                .header(HeaderName::Require, b"100rel")
                .header_number(HeaderName::RSeq, u64::from(rseq));
        }
        write_headers(&mut writer, headers);
        let has_sdp = sdp.is_some();
        let bytes = writer.finish(sdp.as_ref().map(|sdp| (SDP, &**sdp)));
        if let Some(sdp) = sdp {
            dialog.local_sdp = sdp;
            if reliable {
                dialog.offer = match dialog.offer {
                    Offer::Wanted(_) => Offer::LocalInResponse,
                    Offer::Remote(_) => Offer::Stable,
                    other => other,
                };
            }
        }
        let Some(reply) = self.servers.get(&transaction).map(|server| server.reply) else {
            return;
        };
        if reliable {
            called.next_rseq += 1;
            let interval = self.config.t1;
            called.outstanding = Some(Outstanding {
                rseq,
                bytes: bytes.clone(),
                interval,
                has_sdp,
            });
            let patience = self.patience();
            dialog.set_timer(self, DialogTimer::Reliable, now + interval);
            dialog.set_timer(self, DialogTimer::ReliableGiveUp, now + patience);
        } else {
            called.last = Some((reply, bytes.clone()));
            dialog.set_timer(self, DialogTimer::KeepRinging, now + KEEP_RINGING);
        }
        self.server_respond(now, transaction, status, bytes);
    }

    /// Sends a 2xx to an INVITE or re-INVITE, and repeats it until its ACK.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn answer_invite(
        &mut self,
        now: Timestamp,
        dialog: &mut Dialog,
        transaction: u64,
        status: u16,
        reason: &str,
        headers: &[(String, String)],
        sdp: Option<&Bytes>,
    ) {
        let tag = tag_text(dialog.local_tag);
        let Some(mut writer) = self.response(transaction, status, reason, Some(&tag)) else {
            return;
        };
        let Some(server) = self.servers.get(&transaction) else {
            return;
        };
        let (reply, request) = (server.reply, server.request.as_deref());
        let cseq = request.and_then(Message::cseq).map_or(0, |(cseq, _)| cseq);
        let agreement = request.map_or(Agreement::None, |request| agree(&self.config, request));
        Self::write_contact(&mut writer, &dialog.contact);
        writer
            .header(HeaderName::Allow, ALLOW.as_bytes())
            .header(HeaderName::Supported, self.supported(&dialog.origin).as_bytes());
        self.settle_session(now, dialog, &mut writer, agreement);
        write_headers(&mut writer, headers);
        let bytes = writer.finish(sdp.map(|sdp| (SDP, &**sdp)));
        let interval = self.config.t1;
        let patience = self.patience();
        dialog.unacknowledged = Some(Unacknowledged {
            cseq,
            flow: reply,
            bytes: bytes.clone(),
            interval,
        });
        dialog.set_timer(self, DialogTimer::Accepted, now + interval);
        dialog.set_timer(self, DialogTimer::AcceptedGiveUp, now + patience);
        self.server_respond(now, transaction, status, bytes);
    }

    /// Answers an UPDATE, or a PRACK with an offer.
    pub(super) fn answer_update(
        &mut self,
        now: Timestamp,
        dialog: &mut Dialog,
        transaction: u64,
        sdp: Option<&Bytes>,
    ) {
        let tag = tag_text(dialog.local_tag);
        let Some(mut writer) = self.response(transaction, 200, "", Some(&tag)) else {
            return;
        };
        let Some(server) = self.servers.get(&transaction) else {
            return;
        };
        if server.method == crate::message::Method::Update {
            let agreement = server
                .request
                .as_deref()
                .map_or(Agreement::None, |request| agree(&self.config, request));
            Self::write_contact(&mut writer, &dialog.contact);
            writer
                .header(HeaderName::Allow, ALLOW.as_bytes())
                .header(HeaderName::Supported, self.supported(&dialog.origin).as_bytes());
            self.settle_session(now, dialog, &mut writer, agreement);
        }
        let bytes = writer.finish(sdp.map(|sdp| (SDP, &**sdp)));
        self.server_respond(now, transaction, 200, bytes);
    }
}

fn write_headers(writer: &mut Writer, headers: &[(String, String)]) {
    for (name, value) in headers {
        writer.other(name, value);
    }
}
