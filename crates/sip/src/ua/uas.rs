//! The called side: INVITE that came in, its responses, reliable or not.

use std::time::Duration;

use bytes::Bytes;

use super::build::{ALLOW, SDP, check_headers, parties, party};
use super::incoming::{Body, body_of, wants_no_sdp};
use super::{Job, JobKind, UserAgent, living, remote_end, silent_end};
use crate::dialog::{
    Agreement, Called, Dialog, DialogTimer, Offer, Outstanding, Queued, State, Unacknowledged, agree,
    route_set, tag_text,
};
use crate::message::{HeaderName, Message, Scheme, Uri, Writer, leading_number, parse_ip};
use crate::reason::{format_reason, q850_of, status_from_q850};
use crate::transaction::{Core, reply_flow};
use crate::types::{
    DialogId, EndCause, EndedBy, Event, Flow, IncomingCall, Reason, ReasonProtocol, SipError, Timestamp,
    Transport,
};

/// Responses that wait behind a reliable one.
const MAX_QUEUED: usize = 8;
/// How often a provisional response is repeated, so that proxies on the way do not give up.
const KEEP_RINGING: Duration = Duration::from_mins(1);

impl UserAgent {
    /// An INVITE that begins a dialog. `account` is who has proven to send it.
    pub(super) fn handle_invite(
        &mut self,
        now: Timestamp,
        flow: Flow,
        request: Message,
        account: Option<&str>,
    ) {
        let (Some(from), Some(to), Some((cseq, _))) = (request.from(), request.to(), request.cseq()) else {
            return;
        };
        let Some(contact) = request.contact() else {
            let fault = if request.header(HeaderName::Contact).is_some() {
                "Bad Contact"
            } else {
                "Missing Contact"
            };
            self.core.reply(flow, &request, 400, fault, &[]);
            return;
        };
        if wants_no_sdp(&request) {
            self.core.reply(flow, &request, 406, "", &[]);
            return;
        }
        let sdp = match body_of(&request) {
            Body::None => None,
            Body::Sdp(sdp) => Some(sdp),
            Body::Unsupported(name, value) => {
                self.core.reply(flow, &request, 415, "", &[(name, value)]);
                return;
            }
            Body::Broken => {
                self.core.reply(flow, &request, 488, "", &[]);
                return;
            }
        };
        if let Agreement::TooSmall(min_se) = agree(&self.core.config, &request) {
            self.core.reply(
                flow,
                &request,
                422,
                "",
                &[(HeaderName::MinSe, &min_se.to_string())],
            );
            return;
        }
        if self.dialogs.len() >= self.core.config.max_dialogs {
            self.overloaded(flow, &request);
            return;
        }
        let replaces = match self.replacing(&request, account) {
            Ok(replacing) => replacing,
            Err((status, reason)) => {
                self.core.reply(flow, &request, status, reason, &[]);
                return;
            }
        };
        let id = DialogId(self.core.new_id());
        let mut tag = self.core.tag_for(&request);
        while self.by_tag.contains_key(&tag) {
            tag = self.core.random();
        }
        // A telephone is reached where it wants its answers, whatever its Contact says.
        let origin = match account {
            Some(_) => reply_flow(flow, &request),
            None => flow,
        };
        let mut dialog = Box::new(Dialog::new(
            id,
            State::Incoming,
            request.call_id().into(),
            tag,
            to.without_params.into(),
            from.without_params.into(),
            origin,
        ));
        dialog.account = account.map(Into::into);
        dialog.remote_tag = Some(from.tag().unwrap_or_default().into());
        dialog.remote_cseq = Some(cseq);
        dialog.remote_target = Bytes::copy_from_slice(contact.uri);
        dialog.routes = route_set(&request, false);
        dialog.behind_nat = account.is_some()
            || request.via().is_some_and(|via| {
                parse_ip(via.host).is_some_and(|ip| ip != flow.remote.ip().to_canonical())
            });
        dialog.choose_flow(&self.core);
        let called = Uri::parse(request.request_uri());
        dialog.contact = self
            .core
            .contact_uri(flow, called.as_ref().and_then(Uri::raw_user));
        if flow.transport == Transport::Tls && called.is_some_and(|uri| uri.scheme == Scheme::Sips) {
            // RFC 3261 12.1.1.
            dialog.contact = [b"sips:", &dialog.contact[b"sip:".len()..]].concat().into();
        }
        dialog.peer_allows_update = request.has_token(HeaderName::Allow, "UPDATE");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let incoming = Box::new(IncomingCall {
            dialog: id,
            flow,
            account: account.map(str::to_owned),
            request_uri: text(request.request_uri()),
            from: party(&from),
            to: party(&to),
            call_id: text(request.call_id()),
            asserted_identity: parties(&request, HeaderName::PAssertedIdentity),
            diversion: parties(&request, HeaderName::Diversion),
            sdp: sdp.clone(),
            replaces,
            message: request.clone(),
        });
        let reliable = request.has_token(HeaderName::Require, "100rel")
            || self.core.config.reliable_where_supported
                && request.has_token(HeaderName::Supported, "100rel");
        // How long the caller waits (RFC 3261 13.3.1).
        let expires = request
            .header(HeaderName::Expires)
            .and_then(leading_number)
            .map(|seconds| Duration::from_secs(seconds.into()));
        let Some(transaction) = self.core.start_server(now, flow, request) else {
            return;
        };
        dialog.offer = if sdp.is_some() {
            Offer::Remote(transaction)
        } else {
            Offer::Wanted(transaction)
        };
        dialog.called = Some(Box::new(Called {
            transaction,
            cseq,
            reliable,
            // RFC 3262 3 wants it between 1 and 2³¹ - 1; small numbers leave room to count up.
            next_rseq: (self.core.random() as u32 & 0xffff) + 1,
            outstanding: None,
            queue: std::collections::VecDeque::new(),
            last: None,
            expires: expires.is_some_and(|expires| expires < self.core.config.max_ringing),
        }));
        self.core.belongs_to(transaction, id);
        let patience = self.core.config.max_ringing.min(expires.unwrap_or(Duration::MAX));
        dialog.set_timer(&mut self.core, DialogTimer::Ringing, now + patience);
        self.core.respond_simply(now, transaction, 100, None, &[]);
        self.by_tag.insert(tag, id);
        self.dialogs.insert(id, dialog);
        self.core.emit(Event::IncomingCall(incoming));
    }

    /// Answers an incoming INVITE. 1xx goes reliably where the peer requires it (RFC 3262), see also
    /// [`crate::UaConfig::reliable_where_supported`]; a 2xx is repeated until its ACK comes; 300 and above
    /// ends the call ([`Event::Ended`] by `Local`).
    ///
    /// `reason` is the phrase of the status line; the usual one if empty. A 2xx without `sdp` repeats the
    /// description of the last provisional response. A refusal may carry the true cause in `headers`, as
    /// `("Reason", Reason::q850(17, "User busy").to_string())`.
    pub fn respond(
        &mut self,
        now: Timestamp,
        dialog: DialogId,
        status: u16,
        reason: &str,
        sdp: Option<Bytes>,
        headers: &[(String, String)],
    ) -> Result<(), SipError> {
        let id = dialog;
        if !(100..700).contains(&status) {
            return Err(SipError::InvalidStatus(status));
        }
        let redirecting = (300..400).contains(&status);
        check_headers(headers, !redirecting)?;
        if reason.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(SipError::InvalidHeader);
        }
        let dialog = living(&mut self.dialogs, id)?;
        if dialog.state != State::Incoming {
            return Err(SipError::WrongState);
        }
        if status == 100 {
            return Ok(());
        }
        if status >= 300 {
            let transaction = dialog
                .called
                .as_ref()
                .map(|called| called.transaction)
                .ok_or(SipError::WrongState)?;
            self.core
                .refuse_invite(now, dialog, transaction, status, reason, headers);
            let cause = EndCause {
                by: EndedBy::Local,
                status: Some(status),
                reasons: Vec::new(),
                q850: q850_of(Some(status), &[]),
                retry_after: None,
                redirect: Vec::new(),
            };
            self.core.tell_end(dialog, cause);
            self.forget(id);
            return Ok(());
        }
        let sdp = sdp.filter(|sdp| !sdp.is_empty());
        // An answer or offer must be on its way with, or before, the 2xx.
        if status >= 200 && sdp.is_none() && dialog.local_sdp.is_empty() {
            return Err(SipError::WrongState);
        }
        let called = dialog.called.as_deref_mut().ok_or(SipError::WrongState)?;
        // A 2xx waits for the PRACK of a description (RFC 3262 5); a further reliable response for any.
        let waits = called.outstanding.as_ref().is_some_and(|outstanding| {
            if status >= 200 {
                outstanding.has_sdp || !called.queue.is_empty()
            } else {
                called.reliable
            }
        });
        if waits {
            if called.queue.len() >= MAX_QUEUED {
                return Err(SipError::WrongState);
            }
            let (reason, headers) = (reason.to_owned(), headers.to_vec());
            called.queue.push_back(Queued {
                status,
                reason,
                sdp,
                headers,
            });
            return Ok(());
        }
        self.core.respond_now(now, dialog, status, reason, sdp, headers);
        Ok(())
    }

    /// Refuses an unanswered call for [`Self::hang_up`].
    pub(super) fn refuse(
        &mut self,
        now: Timestamp,
        id: DialogId,
        reason: Option<&Reason>,
    ) -> Result<(), SipError> {
        let status = match reason {
            Some(Reason {
                protocol: ReasonProtocol::Sip,
                cause: Some(cause),
                ..
            }) => Some(*cause).filter(|cause| (300..700).contains(cause)),
            Some(Reason {
                protocol: ReasonProtocol::Q850,
                cause: Some(cause),
                ..
            }) => u8::try_from(*cause).ok().map(status_from_q850),
            _ => None,
        };
        let headers: Vec<_> = reason
            .iter()
            .map(|reason| ("Reason".to_owned(), format_reason(reason)))
            .collect();
        self.respond(now, id, status.unwrap_or(480), "", None, &headers)
    }

    /// Refuses an unanswered call because time ran out.
    pub(super) fn refuse_silently(&mut self, now: Timestamp, id: DialogId, status: u16) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let Some(transaction) = dialog.called.as_ref().map(|called| called.transaction) else {
            return;
        };
        self.core.refuse_invite(now, dialog, transaction, status, "", &[]);
        let mut cause = silent_end(EndedBy::Timeout);
        cause.status = Some(status);
        self.core.tell_end(dialog, cause);
        self.forget(id);
    }

    /// The caller's own time is over, as if it had sent a CANCEL.
    pub(super) fn invitation_expired(&mut self, now: Timestamp, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let Some(transaction) = dialog.called.as_ref().map(|called| called.transaction) else {
            return;
        };
        self.core.refuse_invite(now, dialog, transaction, 487, "", &[]);
        let mut cause = silent_end(EndedBy::Remote);
        cause.status = Some(487);
        self.core.tell_end(dialog, cause);
        self.forget(id);
    }

    pub(super) fn handle_cancel(&mut self, now: Timestamp, flow: Flow, cancel: &Message) {
        let Some(transaction) = self.core.server_to_cancel(cancel) else {
            self.core.reply(flow, cancel, 481, "", &[]);
            return;
        };
        // After a final response CANCEL has no effect (RFC 3261 9.2).
        let open = self
            .core
            .servers
            .get(&transaction)
            .filter(|server| server.request.is_some());
        let dialog = open
            .and_then(|server| server.dialog)
            .and_then(|id| self.dialogs.get_mut(&id));
        let Some(dialog) = dialog else {
            self.core.reply(flow, cancel, 200, "", &[]);
            return;
        };
        let tag = tag_text(dialog.local_tag);
        self.core.reply_with_tag(flow, cancel, 200, "", &tag, &[]);
        self.core.respond_simply(now, transaction, 487, Some(&tag), &[]);
        if dialog.state == State::Incoming {
            let id = dialog.id;
            self.core.tell_end(dialog, remote_end(cancel, Some(487)));
            self.forget(id);
        } else {
            // A cancelled re-INVITE leaves the session as it was.
            dialog.offer = Offer::Stable;
            self.core.offer_possible(dialog);
        }
    }

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
    fn refuse_invite(
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
    fn respond_now(
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
