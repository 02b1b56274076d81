//! Where messages pass: every one of a call is noted in the order of the wire, and some never get further.

use std::sync::Arc;

use async_trait::async_trait;
use rsipstack::sip::prelude::{HeadersExt, ToTypedHeader};
use rsipstack::sip::{Header, Method, Request, Response, SipMessage};
use rsipstack::transaction::endpoint::{MessageInspector, TransportEventInspector};
use rsipstack::transport::{SipAddr, TransportEvent};

use crate::behaviour::Behaviour;
use crate::call::{CallDirection, EndedBy, Way, lock};
use crate::clock::Mark;
use crate::config::TrunkMode;
use crate::sdp::{Described, Direction};
use crate::trunk::TrunkState;

/// Carries the mark of an INVITE from the wire to the code that opens its call.
const MARK_HEADER: &str = "X-Simulator-Mark";

/// Notes what passes.
pub(crate) struct Notary(pub(crate) Arc<TrunkState>);

impl MessageInspector for Notary {
    fn before_send(&self, message: SipMessage, _to: Option<&SipAddr>) -> SipMessage {
        match message {
            SipMessage::Request(request) => self.request_out(request).into(),
            SipMessage::Response(response) => self.response_out(response).into(),
        }
    }

    fn after_received(&self, message: SipMessage, from: Option<&SipAddr>) -> SipMessage {
        match message {
            SipMessage::Request(request) => self.request_in(request).into(),
            // The stack shows a response a second time, then without its source.
            SipMessage::Response(response) if from.is_some() => {
                self.response_in(&response);
                response.into()
            }
            other @ SipMessage::Response(_) => other,
        }
    }
}

impl Notary {
    fn request_in(&self, mut request: Request) -> Request {
        let at = self.0.shared.clock.mark();
        if let Some(call) = call_id(&request).and_then(|id| self.0.shared.calls.by_call_id(&id)) {
            call.with(|report| {
                report.note_request(at, Way::In, &request.method.to_string());
                if request.method == Method::Bye && report.reason.is_none() {
                    report.reason = request.header_value("Reason");
                }
            });
        }
        if request.method == Method::Invite {
            request.headers.retain(|header| header.name() != MARK_HEADER);
            request.headers.push(Header::Other(
                MARK_HEADER.to_owned(),
                format!("{} {}", at.order, at.us),
            ));
        }
        request
    }

    fn response_in(&self, response: &Response) {
        let at = self.0.shared.clock.mark();
        let Some(call) = call_id(response).and_then(|id| self.0.shared.calls.by_call_id(&id)) else {
            return;
        };
        let Some(method) = cseq_method(response) else {
            return;
        };
        call.with(|report| {
            let first = method == Method::Invite && report.direction == CallDirection::FromTelephone;
            report.note_response(
                at,
                Way::In,
                &method.to_string(),
                response.status_code.code(),
                first,
            );
            if first && response.status_code.code() >= 300 {
                report.reason = response.header_value("Reason");
            }
        });
        if method == Method::Invite
            && (200..300).contains(&response.status_code.code())
            && let Some(answer) = lock(&call.ack_answer).as_mut()
        {
            answer.offer = Some(response.body.clone());
        }
    }

    fn request_out(&self, mut request: Request) -> Request {
        let at = self.0.shared.clock.mark();
        let Some(call) = call_id(&request).and_then(|id| self.0.shared.calls.by_call_id(&id)) else {
            return request;
        };
        call.with(|report| report.note_request(at, Way::Out, &request.method.to_string()));
        if request.method == Method::Ack
            && let Some(mut answer) = lock(&call.ack_answer).take()
            && let Some(offer) = answer
                .offer
                .as_deref()
                .and_then(|offer| Described::parse(offer).ok())
            && let Some(codec) = offer.choose(&answer.codecs)
        {
            let body = answer
                .local
                .answer(&offer, codec, Direction::SendRecv)
                .into_bytes();
            request
                .headers
                .retain(|header| !matches!(header, Header::ContentLength(_) | Header::ContentType(_)));
            request
                .headers
                .push(Header::ContentType("application/sdp".into()));
            request.headers.push(Header::ContentLength(
                u32::try_from(body.len()).unwrap_or(0).into(),
            ));
            request.body = body;
        }
        request
    }

    fn response_out(&self, mut response: Response) -> Response {
        let at = self.0.shared.clock.mark();
        let Some(call) = call_id(&response).and_then(|id| self.0.shared.calls.by_call_id(&id)) else {
            return response;
        };
        let Some(method) = cseq_method(&response) else {
            return response;
        };
        let first_invite = method == Method::Invite && call.with(|report| report.acked_at.is_none());
        if first_invite && response.status_code.code() >= 300 {
            retag(&mut response, lock(&call.local_tag).as_deref());
        }
        call.with(|report| {
            let first = first_invite && report.direction == CallDirection::ToTelephone;
            report.note_response(
                at,
                Way::Out,
                &method.to_string(),
                response.status_code.code(),
                first,
            );
        });
        response
    }
}

/// Gives a final response the To tag that the provisional ones had (RFC 3261 §8.2.6.2).
fn retag(response: &mut Response, tag: Option<&str>) {
    let Some(tag) = tag else {
        return;
    };
    for header in response.headers.iter_mut() {
        if let Header::To(to) = header
            && let Ok(typed) = to.typed()
        {
            let mut typed = typed;
            typed
                .params
                .retain(|param| !matches!(param, rsipstack::sip::Param::Tag(_)));
            *header = Header::To(typed.with_tag(tag.to_owned().into()).into());
        }
    }
}

/// The mark that [`Notary`] put on an INVITE.
pub(crate) fn mark_of(request: &Request) -> Option<Mark> {
    let value = request.header_value(MARK_HEADER)?;
    let (order, us) = value.split_once(' ')?;
    let us: u64 = us.parse().ok()?;
    Some(Mark {
        order: order.parse().ok()?,
        ms: us / 1000,
        us,
    })
}

/// Whether a header belongs into a report.
pub(crate) fn reportable(header: &Header) -> bool {
    !matches!(header, Header::Authorization(_) | Header::ProxyAuthorization(_))
        && header.name() != MARK_HEADER
}

fn call_id(message: &impl HeadersExt) -> Option<String> {
    Some(message.call_id_header().ok()?.value().to_owned())
}

fn cseq_method(response: &Response) -> Option<Method> {
    response.cseq_header().ok()?.method().ok()
}

/// Swallows what a carrier that is down, or a telephone that is silent, would not answer.
pub(crate) struct Gate(pub(crate) Arc<TrunkState>);

#[async_trait]
impl TransportEventInspector for Gate {
    async fn handle(&self, event: TransportEvent) -> Option<TransportEvent> {
        let swallow = match &event {
            TransportEvent::Incoming(SipMessage::Request(request), ..) => swallows(&self.0, request),
            _ => false,
        };
        (!swallow).then_some(event)
    }
}

fn swallows(trunk: &Arc<TrunkState>, request: &Request) -> bool {
    let Some(call_id) = call_id(request) else {
        return false;
    };
    let known = trunk
        .shared
        .calls
        .by_call_id(&call_id)
        .filter(|call| call.with(|report| report.trunk == trunk.name));
    if let Some(call) = known {
        let silent = call.with(|report| {
            report.behaviour == Behaviour::Silent.kind() && report.direction == CallDirection::ToTelephone
        });
        if silent {
            let at = trunk.shared.clock.mark();
            call.with(|report| report.note_request(at, Way::In, &request.method.to_string()));
            if request.method == Method::Cancel {
                call.end(at, EndedBy::Cancel);
            }
        }
        return silent;
    }
    let down = trunk.mode() == TrunkMode::Silent;
    if request.method != Method::Invite {
        return down;
    }
    let silent = || {
        let (_, entry) = trunk.telephone(request);
        entry.is_some_and(|entry| entry.behaviour == Behaviour::Silent)
    };
    if !down && !silent() {
        return false;
    }
    trunk.note_refused(request, Some(&Behaviour::Silent));
    true
}
