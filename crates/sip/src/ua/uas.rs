//! The called side: an INVITE that came in, what the host says to it, and how it ends before an answer.

use std::time::Duration;

use bytes::Bytes;

use super::build::{check_headers, parties, party};
use super::incoming::{Body, body_of, wants_no_sdp};
use super::{UserAgent, living, remote_end, silent_end};
use crate::dialog::{
    Agreement, Called, Dialog, DialogTimer, Offer, Queued, State, agree, route_set, tag_text,
};
use crate::message::{HeaderName, Message, Scheme, Uri, leading_number, parse_ip};
use crate::reason::{format_reason, q850_of, status_from_q850};
use crate::transaction::reply_flow;
use crate::types::{
    DialogId, EndCause, EndedBy, Event, Flow, IncomingCall, Reason, ReasonProtocol, SipError, Timestamp,
    Transport,
};

/// Responses that wait behind a reliable one.
const MAX_QUEUED: usize = 8;

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
}
