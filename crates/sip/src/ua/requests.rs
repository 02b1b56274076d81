//! Requests outside a dialog: OPTIONS, REGISTER and the like, both ways.

use std::collections::HashMap;
use std::net::SocketAddr;

use bytes::Bytes;

use super::build::{ALLOW, check_headers, check_uri, name_addr, route_value};
use super::{Owner, UserAgent};
use crate::dialog::tag_text;
use crate::digest::{AuthTrack, Covered};
use crate::message::{HeaderName, Message, Method, NameAddr, Writer, decimal, escape_user, leading_number};
use crate::transaction::{ClientKey, Core};
use crate::types::{
    Event, Flow, IncomingRequestId, OutgoingRequest, RequestId, ResponseInfo, SipError, Timestamp,
};

/// Registrations whose Call-ID is remembered.
const MAX_SEQUENCES: usize = 4096;

/// A request that waits for its final response.
pub(crate) struct PendingRequest {
    request: OutgoingRequest,
    from: Box<[u8]>,
    to: Box<[u8]>,
    routes: Vec<Bytes>,
    contact: Option<Box<[u8]>>,
    call_id: Box<[u8]>,
    tag: u64,
    cseq: u32,
    track: AuthTrack,
    sequence: Option<SequenceKey>,
}

type SequenceKey = (SocketAddr, String);

/// Call-ID, tag and `CSeq` of each registration, which a refresh goes on with (RFC 3261 10.2).
#[derive(Default)]
pub(crate) struct Sequences {
    known: HashMap<SequenceKey, (Box<[u8]>, u64, u32)>,
}

impl UserAgent {
    /// Sends a request outside a dialog. A REGISTER to the same registrar and To goes on with the Call-ID,
    /// the `CSeq` and the nonce of the last one.
    pub fn send_request(&mut self, now: Timestamp, request: OutgoingRequest) -> Result<RequestId, SipError> {
        check_uri(&request.request_uri)?;
        check_headers(&request.headers, false)?;
        if matches!(request.method, Method::Invite | Method::Ack | Method::Cancel) {
            return Err(SipError::WrongState);
        }
        if request
            .body
            .as_ref()
            .is_some_and(|(kind, _)| kind.bytes().any(|byte| byte.is_ascii_control()))
        {
            return Err(SipError::InvalidHeader);
        }
        let (from, to) = (name_addr(&request.from)?, name_addr(&request.to)?);
        let routes = request
            .route
            .iter()
            .map(|uri| route_value(uri))
            .collect::<Result<Vec<_>, _>>()?;
        if self.core.is_full() {
            return Err(SipError::TooManyDialogs);
        }
        let sequence =
            (request.method == Method::Register).then(|| (request.flow.remote, request.to.uri.clone()));
        let known = sequence
            .as_ref()
            .and_then(|key| self.sequences.known.get(key).cloned());
        let (call_id, tag, cseq) = match known {
            Some(known) => known,
            None => (self.core.new_call_id(), self.core.random(), 0),
        };
        let contact = request.contact_user.as_ref().map(|user| {
            self.core
                .contact_uri(request.flow, Some(escape_user(user).as_bytes()))
        });
        let id = RequestId(self.core.new_id());
        let mut pending = Box::new(PendingRequest {
            request,
            from,
            to,
            routes,
            contact,
            call_id,
            tag,
            cseq,
            track: AuthTrack::default(),
            sequence,
        });
        self.core.send_pending(now, id, &mut pending, &mut self.sequences);
        self.requests.insert(id, pending);
        Ok(id)
    }

    /// The final response to a request outside a dialog.
    pub(super) fn request_response(&mut self, now: Timestamp, id: RequestId, response: &Message) {
        let (Some(status), Some(pending)) = (response.status(), self.requests.get_mut(&id)) else {
            return;
        };
        let peer = pending.request.flow.remote;
        let credentials = pending.request.credentials.as_ref();
        if matches!(status, 401 | 407)
            && self
                .core
                .auth
                .challenged(peer, credentials, &mut pending.track, response)
        {
            self.core.send_pending(now, id, pending, &mut self.sequences);
            return;
        }
        if status < 300 {
            self.core.auth.succeeded(peer, credentials, response);
        }
        let contacts: Vec<NameAddr<'_>> = response
            .values(HeaderName::Contact)
            .take(64)
            .filter_map(NameAddr::parse)
            .collect();
        // The binding is ours if its Contact is; a registrar may list those of other telephones.
        let ours = pending.contact.as_deref().and_then(|uri| {
            contacts
                .iter()
                .find(|contact| contact.uri == uri)
                .and_then(|contact| contact.param("expires"))
        });
        let expires = ours
            .and_then(decimal)
            .or_else(|| response.header(HeaderName::Expires).and_then(leading_number))
            .or(pending.request.expires.filter(|_| status < 300));
        let info = ResponseInfo {
            id,
            status,
            reason: response.reason_phrase().into_owned(),
            expires,
            contacts: contacts
                .iter()
                .map(|contact| String::from_utf8_lossy(contact.uri).into_owned())
                .collect(),
            message: response.clone(),
        };
        self.requests.remove(&id);
        self.core.emit(Event::Response(Box::new(info)));
    }

    /// Answers an [`Event::Request`] with a final response. `body` is Content-Type and content.
    pub fn respond_request(
        &mut self,
        now: Timestamp,
        id: IncomingRequestId,
        status: u16,
        reason: &str,
        headers: &[(String, String)],
        body: Option<(&str, Bytes)>,
    ) -> Result<(), SipError> {
        if !(200..700).contains(&status) {
            return Err(SipError::InvalidStatus(status));
        }
        check_headers(headers, false)?;
        if reason.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(SipError::InvalidHeader);
        }
        let tag = tag_text(self.core.random());
        let mut writer = self
            .core
            .response(id.0, status, reason, Some(&tag))
            .ok_or(SipError::UnknownRequest)?;
        for (name, value) in headers {
            writer.other(name, value);
        }
        let bytes = writer.finish(body.as_ref().map(|(kind, body)| (*kind, &**body)));
        self.core.server_respond(now, id.0, status, bytes);
        Ok(())
    }
}

impl Core {
    fn send_pending(
        &mut self,
        now: Timestamp,
        id: RequestId,
        pending: &mut PendingRequest,
        sequences: &mut Sequences,
    ) {
        pending.cseq += 1;
        if let Some(key) = &pending.sequence {
            let known = &mut sequences.known;
            if known.len() >= MAX_SEQUENCES && !known.contains_key(key) {
                known.clear();
            }
            known.insert(key.clone(), (pending.call_id.clone(), pending.tag, pending.cseq));
        }
        let request = &pending.request;
        let flow: Flow = request.flow;
        let empty = Bytes::new();
        let (kind, body) = request
            .body
            .as_ref()
            .map_or(("", &empty), |(kind, body)| (kind.as_str(), body));
        let covered = Covered {
            method: request.method.as_str(),
            uri: request.request_uri.as_bytes(),
            body,
        };
        let credentials = request.credentials.as_ref();
        let auth = self.auth.authorize(
            flow.remote,
            credentials,
            &mut pending.track,
            &covered,
            &mut self.rng,
        );
        let branch = self.random();
        let mut writer = Writer::request(request.method.as_str(), request.request_uri.as_bytes());
        self.write_via(&mut writer, flow, branch);
        for route in &pending.routes {
            writer.header(HeaderName::Route, route);
        }
        writer
            .header_number(HeaderName::MaxForwards, 70)
            .name(HeaderName::From)
            .put(&pending.from)
            .put(b";tag=")
            .put(tag_text(pending.tag).as_bytes())
            .end()
            .header(HeaderName::To, &pending.to)
            .header(HeaderName::CallId, &pending.call_id)
            .name(HeaderName::CSeq)
            .number(u64::from(pending.cseq))
            .put(b" ")
            .put(request.method.as_str().as_bytes())
            .end();
        for (name, value) in &auth {
            writer.header(*name, value.as_bytes());
        }
        if let Some(contact) = &pending.contact {
            Self::write_contact(&mut writer, contact);
        }
        if let Some(expires) = request.expires {
            writer.header_number(HeaderName::Expires, u64::from(expires));
        }
        if matches!(request.method, Method::Options | Method::Register) {
            writer
                .header(HeaderName::Allow, ALLOW.as_bytes())
                .header(HeaderName::Supported, self.supported(&flow).as_bytes());
        }
        self.write_agent(&mut writer, HeaderName::UserAgent);
        for (name, value) in &request.headers {
            writer.other(name, value);
        }
        let bytes = writer.finish(Some((kind, body)));
        let key = ClientKey {
            branch,
            cancel: false,
        };
        self.start_client(now, key, request.method.clone(), flow, bytes, Owner::Request(id));
    }
}
