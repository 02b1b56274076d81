//! What arrives: checks in the order of RFC 3261 8.2, then to the place that knows what to do.

use std::time::Duration;

use bytes::Bytes;

use super::build::ALLOW;
use super::{Owner, UserAgent};
use crate::dialog::tag_number;
use crate::message::{
    HeaderName, Message, Method, ParseError, Scheme, Uri, leading_number, media_type, param,
};
use crate::transaction::Received;
use crate::types::{DialogId, Event, Flow, IncomingRequest, IncomingRequestId, Timestamp};

/// The body of a request that may carry a session description.
pub(super) enum Body {
    None,
    Sdp(Bytes),
    /// 415 with this header and value.
    Unsupported(HeaderName, &'static str),
    /// Says that it is SDP, and is not.
    Broken,
}

pub(super) fn body_of(request: &Message) -> Body {
    if request.body_is_empty() {
        return Body::None;
    }
    let optional = request
        .header(HeaderName::ContentDisposition)
        .and_then(|value| {
            value
                .iter()
                .position(|byte| *byte == b';')
                .map(|at| &value[at + 1..])
        })
        .and_then(|params| param(params, "handling"))
        .is_some_and(|handling| handling.eq_ignore_ascii_case(b"optional"));
    let encoded = request
        .header(HeaderName::ContentEncoding)
        .is_some_and(|value| !value.is_empty() && !value.eq_ignore_ascii_case(b"identity"));
    if encoded {
        return if optional {
            Body::None
        } else {
            Body::Unsupported(HeaderName::AcceptEncoding, "identity")
        };
    }
    match request.sdp() {
        Some(sdp) if sdp.trim_ascii_start().starts_with(b"v=") => Body::Sdp(sdp),
        Some(_) => Body::Broken,
        None if optional => Body::None,
        None => Body::Unsupported(HeaderName::Accept, "application/sdp"),
    }
}

pub(super) fn retry_after(message: &Message) -> Option<Duration> {
    message
        .header(HeaderName::RetryAfter)
        .and_then(leading_number)
        .map(|seconds| Duration::from_secs(seconds.into()))
}

impl UserAgent {
    /// Takes in one UDP datagram, or one TCP message framed by [`crate::StreamFramer`]. Never fails: what
    /// cannot be understood is answered as RFC 3261 says, or dropped. Keep-alives of telephones are answered or
    /// ignored, as they want it.
    pub fn handle_message(&mut self, now: Timestamp, flow: Flow, bytes: &[u8]) {
        if !flow.transport.is_stream()
            && let Some(answer) = crate::stun::answer(bytes, flow.remote)
        {
            self.core.send(flow, answer);
            return;
        }
        let Ok(message) = Message::read(bytes) else { return };
        let checked = match message.check() {
            // Where the next message begins is not known (RFC 3261 18.3).
            Ok(()) if flow.transport.is_stream() && message.header(HeaderName::ContentLength).is_none() => {
                Err(ParseError::Missing(HeaderName::ContentLength))
            }
            checked => checked,
        };
        if let Err(fault) = checked {
            self.refuse_malformed(flow, &message, fault);
        } else if message.status().is_some() {
            // One that bears another Via below ours is for somebody else (RFC 3261 8.1.3.3).
            if message.values(HeaderName::Via).nth(1).is_none() {
                self.handle_response(now, flow, &message);
            }
        } else if bytes.len() > self.core.config.max_message {
            if message.method() != Some(&Method::Ack) {
                self.core.reply(flow, &message, 513, "", &[]);
            }
        } else {
            self.handle_request(now, flow, message);
        }
    }

    /// Names the fault to whoever sent a request that can be answered; an ACK and a response cannot.
    fn refuse_malformed(&mut self, flow: Flow, message: &Message, fault: ParseError) {
        let start = message.as_bytes();
        let is_response = start.len() >= 4 && start[..4].eq_ignore_ascii_case(b"SIP/");
        if message.via().is_none() || is_response || start.starts_with(b"ACK ") {
            return;
        }
        match fault {
            ParseError::Version => self.core.reply(flow, message, 505, "", &[]),
            ParseError::TooLarge => self.core.reply(flow, message, 513, "", &[]),
            _ => self.core.reply(flow, message, 400, &fault.to_string(), &[]),
        }
    }

    fn handle_response(&mut self, now: Timestamp, flow: Flow, response: &Message) {
        if !self.core.awaits(response) {
            self.handle_stray(now, flow, response);
            return;
        }
        let Some(delivery) = self.core.client_response(now, response) else {
            return;
        };
        let Some(client) = self.core.clients.get_mut(&delivery.key) else {
            return;
        };
        let provisional = response.status().is_some_and(|status| status < 200);
        match &client.owner {
            Owner::Invite(id) => {
                let id = *id;
                self.invite_response(now, id, delivery.key, response);
            }
            Owner::Acknowledged(id) => {
                let id = *id;
                self.further_success(now, id, delivery.key, response);
            }
            _ if provisional => {}
            _ => match std::mem::replace(&mut client.owner, Owner::Nobody) {
                Owner::InDialog(id, job) => self.job_response(now, id, delivery.key, job, response),
                Owner::Request(id) => self.request_response(now, id, response),
                Owner::Notify(id) => {
                    self.notify_response(now, id, response.status().unwrap_or_default());
                }
                _ => {}
            },
        }
    }

    fn handle_request(&mut self, now: Timestamp, flow: Flow, request: Message) {
        let Some(method) = request.method().cloned() else {
            return;
        };
        if method == Method::Cancel {
            self.handle_cancel(now, flow, &request);
            return;
        }
        if self.core.server_received(now, &request) == Received::Repeated {
            return;
        }
        // RFC 3891 section 3: it has a meaning in an INVITE alone.
        if !matches!(method, Method::Invite | Method::Ack) && request.lines_named("Replaces").next().is_some()
        {
            self.core.reply(flow, &request, 400, "Bad Replaces", &[]);
            return;
        }
        let tagged = request.to().is_some_and(|to| to.tag().is_some());
        if method == Method::Ack {
            if let Some(id) = self.dialog_of(&request) {
                self.handle_ack(now, id, &request);
            }
            return;
        }
        let unknown: Vec<_> = request
            .values(HeaderName::Require)
            .filter(|option| {
                let known: &[&str] = match method {
                    Method::Refer => &["norefersub"],
                    Method::Invite if self.core.asks_for_accounts(&flow) => &["100rel", "timer", "replaces"],
                    _ => &["100rel", "timer"],
                };
                known
                    .iter()
                    .all(|known| !option.eq_ignore_ascii_case(known.as_bytes()))
            })
            .map(|option| String::from_utf8_lossy(option).into_owned())
            .collect();
        if tagged {
            if method == Method::Subscribe
                && unknown.is_empty()
                && let Some(id) = self.subscription_of(&request)
            {
                self.handle_resubscribe(now, id, flow, request);
                return;
            }
            match self.dialog_of(&request) {
                None => self.core.reply(flow, &request, 481, "", &[]),
                Some(_) if !unknown.is_empty() => {
                    self.core.reply(
                        flow,
                        &request,
                        420,
                        "",
                        &[(HeaderName::Unsupported, &unknown.join(", "))],
                    );
                }
                Some(id) => self.handle_in_dialog(now, id, flow, request),
            }
            return;
        }
        let handled = self.core.config.handled_methods.contains(&method);
        // What telephones need of us, where they are served.
        let serves = self.telephones.is_some()
            && matches!(method, Method::Register | Method::Subscribe | Method::Publish);
        let refusal = match method {
            Method::Invite | Method::Options => None,
            _ if serves => None,
            Method::Bye | Method::Prack | Method::Update | Method::Info if !handled => Some(481),
            Method::Other(_) if !handled => Some(501),
            // Only the parties of a call may have it moved.
            Method::Refer if !handled => Some(403),
            _ if !handled => Some(405),
            _ => None,
        };
        if let Some(status) = refusal {
            let allow = [(HeaderName::Allow, ALLOW)];
            self.core.reply(
                flow,
                &request,
                status,
                "",
                if matches!(status, 403 | 481) { &[] } else { &allow },
            );
            return;
        }
        if Uri::parse(request.request_uri()).is_none_or(|uri| uri.scheme == Scheme::Other) {
            self.core.reply(flow, &request, 416, "", &[]);
            return;
        }
        // OPTIONS with a spent counter asks whoever it reached (RFC 3261 11.1).
        if method != Method::Options
            && request.header(HeaderName::MaxForwards).and_then(leading_number) == Some(0)
        {
            self.core.reply(flow, &request, 483, "", &[]);
            return;
        }
        if self.core.is_merged(&request) {
            self.core.reply(flow, &request, 482, "Merged Request", &[]);
            return;
        }
        if !unknown.is_empty() {
            self.core.reply(
                flow,
                &request,
                420,
                "",
                &[(HeaderName::Unsupported, &unknown.join(", "))],
            );
            return;
        }
        if self.core.is_full() {
            self.overloaded(flow, &request);
        } else if serves {
            match method {
                Method::Register => self.handle_register(now, flow, request),
                Method::Subscribe => self.handle_subscribe(now, flow, request),
                _ => self.handle_publish(now, flow, request),
            }
        } else if method == Method::Invite {
            if let Ok(account) = self.authenticate(now, flow, &request) {
                self.handle_invite(now, flow, request, account.as_deref());
            }
        } else if handled {
            let Ok(account) = self.authenticate(now, flow, &request) else {
                return;
            };
            let message = request.clone();
            if let Some(id) = self.core.start_server(now, flow, request) {
                let id = IncomingRequestId(id);
                let account = account.map(|account| account.as_ref().to_owned());
                self.core.emit(Event::Request(Box::new(IncomingRequest {
                    id,
                    flow,
                    account,
                    message,
                })));
            }
        } else {
            let allow = match self.telephones {
                Some(_) => format!("{ALLOW}, REGISTER, SUBSCRIBE, PUBLISH"),
                None => ALLOW.to_owned(),
            };
            let supported = self.core.supported(&flow);
            self.core
                .reply(flow, &request, 200, "", &capabilities(&allow, supported));
        }
    }

    pub(super) fn overloaded(&mut self, flow: Flow, request: &Message) {
        let seconds = self.core.config.overload_retry_after.to_string();
        self.core
            .reply(flow, request, 503, "", &[(HeaderName::RetryAfter, &seconds)]);
    }

    /// The dialog that a request with a To tag belongs to.
    fn dialog_of(&self, request: &Message) -> Option<DialogId> {
        let tag = tag_number(request.to()?.tag()?)?;
        let id = *self.by_tag.get(&tag)?;
        let dialog = self.dialogs.get(&id)?;
        let from = request.from()?;
        let known = dialog.knows_tag(from.tag().unwrap_or_default());
        (known && *dialog.call_id == *request.call_id()).then_some(id)
    }
}

/// What an OPTIONS is answered (RFC 3261 11.2).
pub(super) fn capabilities<'a>(allow: &'a str, supported: &'a str) -> [(HeaderName, &'a str); 4] {
    [
        (HeaderName::Allow, allow),
        (HeaderName::Accept, "application/sdp"),
        (HeaderName::AcceptEncoding, "identity"),
        (HeaderName::Supported, supported),
    ]
}

/// Whether a caller takes no session description in the answer (RFC 3261 20.1).
pub(super) fn wants_no_sdp(request: &Message) -> bool {
    request.header(HeaderName::Accept).is_some()
        && !request.values(HeaderName::Accept).map(media_type).any(|kind| {
            ["application/sdp", "application/*", "*/*"]
                .iter()
                .any(|taken| kind.eq_ignore_ascii_case(taken.as_bytes()))
        })
}

/// Whether the body of an INFO is of this type.
pub(super) fn has_type(request: &Message, name: &str) -> bool {
    request
        .header(HeaderName::ContentType)
        .is_some_and(|value| media_type(value).eq_ignore_ascii_case(name.as_bytes()))
}
